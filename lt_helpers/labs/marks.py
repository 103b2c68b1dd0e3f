"""Marks and axes that several labs share."""

import numpy as np

from ..task import PAPER
from ..view.panel import Axis, Curve, Guide, Points

LAYER_ROOM = 0.3  # left and right of the layers on their axis


def components(dim):
    """Where the components of a weight stand on their axis -> (d,)"""
    return np.arange(1.0, dim + 1)


COMPONENT = components(PAPER.dim)


def component_axis(dim=PAPER.dim):
    """The components of a weight, side by side."""
    return Axis("component", 0.4, dim + 0.6, ticks=tuple(range(1, dim + 1)))


def layer_axis(deepest, first=0, name="layer"):
    """Layers from the first to the deepest; 0 is before the first."""
    return Axis(name, first - LAYER_ROOM, deepest + LAYER_ROOM, ticks=tuple(range(first, deepest + 1)))


def log_axis(name, low, high, ticks, labels=None, below="edge"):
    """A logarithmic axis with ticks at these numbers."""
    return Axis(name, low, high, log=True, ticks=ticks, labels=labels, below=below)


def level(axis, height, name="level"):
    """A guide across the panel."""
    return Guide(name, [axis.low, axis.high], [height, height])


def upright(x, axis, name="upright", keyed=False):
    """A guide from the bottom of the panel to its top."""
    return Guide(name, [x, x], [axis.low, axis.high], keyed=keyed)


def across(role, axis, height, name=None, keyed=True):
    """A curve of one height across the panel: what does not depend on x."""
    return Curve(role, [axis.low, axis.high], [height, height], name=name, keyed=keyed)


def held(x, y, role="ghost", name=None, keyed=False):
    """Points of the state that is held behind the present one."""
    return Points(role, x, y, name=name, keyed=keyed)


def up_to(limit, x, values):
    """`values` where x has been reached, gaps after: a curve does not give away what comes."""
    return np.where(x <= limit + 1e-9, values, np.nan)
