"""A state of a lab that nobody can write into: its arrays are read-only, whoever holds it."""

from dataclasses import dataclass, fields
from types import MappingProxyType

import numpy as np


@dataclass(frozen=True)
class Frozen:
    """What a lab's `compute` returns derives from this: a dataclass of numbers, arrays, and tuples and dictionaries of them."""

    def __post_init__(self):
        for each in fields(self):
            object.__setattr__(self, each.name, freeze(getattr(self, each.name)))


def freeze(value):
    """The same value, in which nothing can be replaced. An array is a view: what computed it may still write into its own."""
    if isinstance(value, np.ndarray):
        view = value.view()
        view.flags.writeable = False
        return view
    if isinstance(value, dict):
        return MappingProxyType({key: freeze(item) for key, item in value.items()})
    if isinstance(value, (list, tuple)):
        return tuple(freeze(item) for item in value)
    return value
