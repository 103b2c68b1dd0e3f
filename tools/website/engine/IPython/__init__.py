"""A page has no IPython: this stands in for it where ipywidgets imports it, and says that no shell is running.

IPython and what it depends on are three megabytes, and of all that ipywidgets needs to hear one thing: that there is no shell. What shows
something or asks for a shell raises.
"""

__version__ = "0"  # no release of IPython


def get_ipython():
    """The shell that is running: None."""
