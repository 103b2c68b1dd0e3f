"""The interactive labs. `from lt_helpers.labs import NoiseLab; NoiseLab(sigma=2.0)` as the last line of a cell shows one."""

from .algorithm import AlgorithmLab
from .attention import AttentionLab
from .base import Lab
from .controls import Choice, Prediction, Seed, Slider, Toggle
from .gradient import GradientLab
from .implicit import ImplicitLab
from .noise import NoiseLab
from .preconditioning import PreconditioningLab
from .regression import RidgeLab
from .rescaling import RescalingLab

__all__ = [
    "AlgorithmLab",
    "AttentionLab",
    "Choice",
    "GradientLab",
    "ImplicitLab",
    "Lab",
    "NoiseLab",
    "PreconditioningLab",
    "Prediction",
    "RescalingLab",
    "RidgeLab",
    "Seed",
    "Slider",
    "Toggle",
]
