"""The interactive labs. `from lt_helpers.labs import NoiseLab; NoiseLab(sigma=2.0)` as the last line of a cell shows one."""

from .attention import AttentionLab
from .base import Lab
from .controls import Choice, Prediction, Seed, Slider, Toggle
from .gradient import GradientLab
from .implicit import ImplicitLab
from .noise import NoiseLab
from .ridge import RidgeLab

__all__ = [
    "AttentionLab",
    "Choice",
    "GradientLab",
    "ImplicitLab",
    "Lab",
    "NoiseLab",
    "Prediction",
    "RidgeLab",
    "Seed",
    "Slider",
    "Toggle",
]
