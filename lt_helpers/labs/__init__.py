"""The interactive labs. `from lt_helpers.labs import NoiseLab; NoiseLab(sigma=2.0)` as the last line of a cell shows one."""

from .algorithm import AlgorithmLab
from .attention import AttentionLab
from .base import Lab
from .controls import Choice, Prediction, Seed, Slider, Toggle
from .gradient import GradientLab
from .implicit import ImplicitLab
from .noise import NoiseLab
from .pilot import PilotLab
from .preconditioning import PreconditioningLab
from .profile import ProfileLab
from .rescaling import RescalingLab
from .ridge import RidgeLab
from .table import TableLab
from .training import TrainingLab
from .weights import WeightsLab

__all__ = [
    "AlgorithmLab",
    "AttentionLab",
    "Choice",
    "GradientLab",
    "ImplicitLab",
    "Lab",
    "NoiseLab",
    "PilotLab",
    "PreconditioningLab",
    "Prediction",
    "ProfileLab",
    "RescalingLab",
    "RidgeLab",
    "Seed",
    "Slider",
    "TableLab",
    "Toggle",
    "TrainingLab",
    "WeightsLab",
]
