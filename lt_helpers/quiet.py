"""Ctrl-C while a command is still being imported ends it at once, without a traceback: nothing has begun.

The package imports this file before all others. `python -m lt_helpers` takes Ctrl-C back once it has its command (`listen`).
"""

import signal
import sys


def is_command():
    """Whether Python is about to run `python -m lt_helpers`: until it has found that, the name of the program is "-m"."""
    return sys.argv[:1] == ["-m"] and "lt_helpers" in sys.orig_argv


def listen():
    """From here on Ctrl-C is a KeyboardInterrupt, as Python has it; a process that ignores it, one in the background, goes on to."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)


if is_command() and signal.getsignal(signal.SIGINT) == signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
