"""The interactive labs. `from lt_helpers.labs import NoiseLab; NoiseLab(sigma=2.0)` as the last line of a cell shows one."""

from .base import Lab
from .controls import Choice, Prediction, Seed, Slider, Toggle

__all__ = ["Choice", "Lab", "Prediction", "Seed", "Slider", "Toggle"]
