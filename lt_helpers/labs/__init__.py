"""The interactive labs. `from lt_helpers.labs import NoiseLab; NoiseLab(sigma=2.0)` as the last line of a cell shows one."""

from .base import Lab
from .controls import Choice, Prediction, Seed, Slider, Toggle
from .noise import NoiseLab
from .preconditioning import PreconditioningLab
from .profile import ProfileLab
from .rescaling import RescalingLab
from .weights import WeightsLab

__all__ = [
    "Choice",
    "Lab",
    "NoiseLab",
    "PreconditioningLab",
    "Prediction",
    "ProfileLab",
    "RescalingLab",
    "Seed",
    "Slider",
    "Toggle",
    "WeightsLab",
]
