"""The interactive labs. `from lt_helpers.labs import NoiseLab; NoiseLab(sigma=2.0)` as the last line of a cell shows one."""

from .algorithm import AlgorithmLab
from .attention import AttentionLab
from .base import Lab
from .beats import Beat
from .controls import Choice, Opinion, Prediction, Seed, Slider, Spots, Toggle
from .gradient import GradientLab
from .implicit import ImplicitLab
from .noise import NoiseLab
from .pilot import PilotLab
from .points import PointsLab
from .preconditioning import PreconditioningLab
from .profile import ProfileLab
from .rescaling import RescalingLab
from .ridge import RidgeLab
from .sizes import SizesLab
from .softmax import SoftmaxLab
from .story import surprises
from .table import TableLab
from .tiny import TinyLab
from .training import TrainingLab
from .weights import WeightsLab

__all__ = [
    "AlgorithmLab",
    "AttentionLab",
    "Beat",
    "Choice",
    "GradientLab",
    "ImplicitLab",
    "Lab",
    "NoiseLab",
    "Opinion",
    "PilotLab",
    "PointsLab",
    "PreconditioningLab",
    "Prediction",
    "ProfileLab",
    "RescalingLab",
    "RidgeLab",
    "Seed",
    "SizesLab",
    "Slider",
    "SoftmaxLab",
    "Spots",
    "TableLab",
    "TinyLab",
    "Toggle",
    "TrainingLab",
    "WeightsLab",
    "surprises",
]
