"""The interactive labs. `from lt_helpers.labs import NoiseLab; NoiseLab(sigma=2.0)` as the last line of a cell shows one."""

from .base import Lab
from .controls import Choice, Prediction, Seed, Slider, Toggle
from .noise import NoiseLab
from .training import TrainingLab

__all__ = [
    "Choice",
    "Lab",
    "NoiseLab",
    "Prediction",
    "Seed",
    "Slider",
    "Toggle",
    "TrainingLab",
]
