"""Options that several commands have: how their words become values, or one sentence on what is allowed."""

from argparse import ArgumentTypeError

from .noise import parse_noise


def noise(text):
    """A noise distribution, as `parse_noise` reads it."""
    try:
        return parse_noise(text)
    except ValueError as error:
        raise ArgumentTypeError(error) from error


def seed(text):
    """The seed of a NumPy Generator."""
    if not text.isdecimal():
        raise ArgumentTypeError(f"seed is {text!r}: seed must be a whole number, 0 or above.")
    return int(text)
