"""The checks that learners run: one file a notebook, each with its `Exercise`s."""

from .base import Exercise

__all__ = ["Exercise"]
