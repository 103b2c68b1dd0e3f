"""A linear transformer's in-context learning, taken apart: model, task, baselines, stored weights, training and labs.

It accompanies *Linear Transformers are Versatile In-Context Learners* (Vladymyrov, von Oswald, Sandler, Ge; NeurIPS 2024,
arXiv 2402.14180). Equation, lemma, theorem, figure and table numbers in this package are that paper's.
"""

from . import quiet as quiet

# isort: split
from . import baselines
from .evaluate import adjusted_loss, risk
from .implicit import implicit_regression
from .model import LinearTransformer
from .noise import Categorical, Fixed, Noise, Uniform
from .preparation import Preparation
from .pretrained import load_pretrained
from .regressor import InContextRegressor
from .table_of_tasks import read_table
from .task import RegressionTask
from .training.train import fit, train
from .trial import pilot

__version__ = "0.2.0"

__all__ = [
    "Categorical",
    "Fixed",
    "InContextRegressor",
    "LinearTransformer",
    "Noise",
    "Preparation",
    "RegressionTask",
    "Uniform",
    "adjusted_loss",
    "baselines",
    "fit",
    "implicit_regression",
    "load_pretrained",
    "pilot",
    "read_table",
    "risk",
    "train",
]
