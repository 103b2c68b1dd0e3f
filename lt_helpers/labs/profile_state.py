"""What the profile lab shows: the excess risk of a trained model and of the baselines, noise level by noise level and sequence by sequence.

The same sequences stand at every noise level: truth, inputs and the direction of the noise stay, y = X w + sigma xi. So a curve is
smooth, and two curves differ by their predictors alone. The losses on the training noise are stored ones, of many more sequences.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..baselines import on_spectrum, stored_losses
from ..evaluate import excess
from ..noise import parse_noise
from ..pretrained import load_pretrained, stored
from ..spectrum import Spectrum
from .rescaling_state import drawn, with_noise

CONTEXT = 20
LEVELS = np.array([*np.arange(0, 5.5, 0.5), 6.0, 7.0, 8.0, 9.0, 10.0])
SEQUENCES = 300
DEEPEST = 7  # as in Table 1
EXPLODED = 50.0  # an excess ten times the d/2 = 5 that the answer 0 costs on average


@dataclass(frozen=True)
class Profile:
    """Everything that the lab shows at one setting. J noise levels, K sequences."""

    kind: str
    layers: int
    noise: object  # what the model was trained on
    sigma: float  # one of LEVELS: how far the curves are drawn
    risks: np.ndarray  # (J, K): excess risk of the model; inf where it has no finite answer
    rivals: dict  # name of a baseline -> (J, K)
    families: dict  # kind -> (3, L): depths from 1 to `layers`, loss on the training noise, standard error
    baselines: dict  # name of a baseline -> (loss on the training noise, standard error)
    layers_guess: float | None
    sigma_guess: float | None

    @property
    def level(self):
        """Where sigma stands in LEVELS."""
        return int(np.flatnonzero(self.sigma == LEVELS)[0])

    @property
    def loss(self):
        """Loss on the training noise and its standard error, as stored -> (2,)"""
        return self.families[self.kind][1:, -1]

    @property
    def exploded(self):
        """How many sequences lose more than EXPLODED at each level -> (J,)"""
        return (self.risks > EXPLODED).sum(axis=1)

    @property
    def nearer(self):
        """Share of sequences on which the model is nearer to the oracle than AdaRR is -> (J,)"""
        return (self.risks < self.rivals["AdaRR"]).mean(axis=1)


def average(risks):
    """Mean over the sequences, (..., K) -> (...); inf where it exceeds what a float can hold."""
    with np.errstate(over="ignore"):
        return risks.mean(axis=-1)


@lru_cache(maxsize=1)
def sequences():
    """Spectrum of the K sequences at each of the J levels, level by level, and the oracle's answers (J K, d)."""
    moments = drawn(CONTEXT, 1.0, SEQUENCES, 0)
    S = np.concatenate([with_noise(moments, sigma) for sigma in LEVELS])
    spectrum = Spectrum.from_moments(S, CONTEXT)
    return spectrum, spectrum.ridge(np.repeat(LEVELS, SEQUENCES))


def risks_of(predict):
    """Excess risks of a function Spectrum -> w on the sequences -> (J, K)"""
    spectrum, oracle = sequences()
    with np.errstate(over="ignore", invalid="ignore"):
        risks = excess(predict(spectrum) - oracle)
    return np.where(np.isfinite(risks), risks, np.inf).reshape(len(LEVELS), SEQUENCES)


@lru_cache(maxsize=16)
def rivals(noise):
    return {name: risks_of(predict) for name, predict in on_spectrum(parse_noise(noise)).items()}


@lru_cache(maxsize=256)
def model_risks(kind, layers, noise):
    model = load_pretrained(kind, layers, parse_noise(noise))
    return risks_of(lambda spectrum: model.implicit_weight(spectrum.S))


def family(kind, layers, noise):
    """Depth, loss and standard error of the stored models of one kind, down to `layers` -> (3, L)"""
    entries = [
        entry
        for entry in stored()
        if (entry["kind"], entry["noise"], entry["heads"], entry["variant"]) == (kind, noise, 1, "")
    ]
    rows = sorted(
        (entry["layers"], entry["loss"], entry["standard_error"])
        for entry in entries
        if entry["layers"] <= layers
    )
    return np.array(rows, float).T


def profile(kind, noise, layers, sigma, layers_guess, sigma_guess):
    """The state of the lab at one setting of its controls."""
    return Profile(
        kind=kind,
        layers=layers,
        noise=parse_noise(noise),
        sigma=sigma,
        risks=model_risks(kind, layers, noise),
        rivals=rivals(noise),
        families={name: family(name, layers, noise) for name in ("diag", "full", "gd++")},
        baselines=stored_losses()[noise],
        layers_guess=layers_guess,
        sigma_guess=sigma_guess,
    )
