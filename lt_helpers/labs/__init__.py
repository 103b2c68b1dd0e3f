"""The interactive labs. `from lt_helpers.labs import NoiseLab; NoiseLab(sigma=2.0)` as the last line of a cell shows one."""

from .algorithm import AlgorithmLab
from .base import Lab
from .controls import Choice, Prediction, Seed, Slider, Toggle
from .noise import NoiseLab
from .pilot import PilotLab
from .table import TableLab

__all__ = [
    "AlgorithmLab",
    "Choice",
    "Lab",
    "NoiseLab",
    "PilotLab",
    "Prediction",
    "Seed",
    "Slider",
    "TableLab",
    "Toggle",
]
