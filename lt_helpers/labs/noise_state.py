"""What the noise lab shows: one sequence, read by a trained model at one noise level.

The sequence is fixed: the truth w, the inputs X and the direction xi of the noise stay, y = X w + sigma xi. What moves is due to sigma
alone.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .. import checks
from ..implicit import effective_step_size, filter_curve, filter_factors, implicit_from_moments, implied_noise
from ..model import LinearTransformer
from ..noise import parse_noise
from ..pretrained import load_pretrained
from ..spectrum import Spectrum
from ..task import second_moments

KINDS = {"DIAG": "diag", "FULL": "full", "GD++": "gd++"}
SIGMA_MAX = 8.0  # the slider goes well past U(0, 5)
DIM, CONTEXT = 10, 20
CURVE = np.linspace(0.02, 4.5, 45)  # eigenvalues
GRID = np.linspace(0.0, 2 * SIGMA_MAX, 161)[1:]  # noise levels of the posterior
REDRAWS = 100


@dataclass(frozen=True)
class NoiseState:
    """Everything that the lab shows at one setting. L layers, d = 10 directions."""

    sigma: float
    noise: object  # what the model was trained on
    truth: np.ndarray  # (d,)
    path: np.ndarray  # (L+1, d): the implicit weight before the first and after each layer
    oracle: np.ndarray  # (d,): ridge regression that is told sigma
    eigenvalues: np.ndarray  # (d,), ascending
    kept: np.ndarray  # (d,): the model's filter factors over redraws of truth and noise
    ridge_kept: np.ndarray  # (d,)
    fit: float  # R^2 of those filter factors: 1 if the model is a filter
    curve: (
        np.ndarray
    )  # (45,): the filter factor of DIAG and GD++ at any eigenvalue, on this sequence; NaN for FULL
    ridge_curve: np.ndarray  # (45,)
    step: np.ndarray  # (L,): effective step size
    cosine: np.ndarray  # (L,): of the layer's push and the gradient
    rescaling: np.ndarray  # (L,)
    implied: float  # the noise that the model acts as if it had seen
    estimate: float  # AdaRR's
    posterior: np.ndarray  # (160,): p(sigma | context) on GRID, under a flat prior; sums to 1
    kept_guess: float | None
    implied_guess: float | None


@lru_cache(maxsize=32)
def sequence(seed):
    """One sequence without its noise: inputs (n, d), truth (d,) and the direction of the noise (n,)."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(CONTEXT, DIM)), rng.normal(size=DIM), rng.normal(size=CONTEXT)


def read_own(path):
    """The model in a learner's file -> LinearTransformer."""
    model = LinearTransformer.load(checks.path(path, "model"))
    if model.dim != DIM:
        raise ValueError(
            f"the model in {path} has dim = {model.dim}: the noise lab's sequences have dim = {DIM}."
        )
    return model


@lru_cache(maxsize=32)
def stored_model(kind, layers, noise):
    return load_pretrained(kind, layers, parse_noise(noise))


@lru_cache(maxsize=512)
def noise_state(sigma, kind, noise, layers, kept_guess, implied_guess, seed, own=None):
    """Everything at one setting of the lab's controls -> NoiseState.    own : LinearTransformer.  What a kind is that is not stored."""
    x, truth, direction = sequence(seed)
    model = stored_model(kind, layers, noise) if kind in KINDS.values() else own
    S = second_moments(x[None], (x @ truth + sigma * direction)[None])
    spectrum, state = Spectrum.from_moments(S, CONTEXT), implicit_from_moments(model, S)
    step, cosine = effective_step_size(state)
    eigenvalues, kept, fit = filter_factors(model, x, sigma, REDRAWS, np.random.default_rng(seed))
    scores = spectrum.log_likelihood(GRID)[0]
    posterior = np.exp(scores - scores.max())
    return NoiseState(
        sigma=sigma,
        noise=parse_noise(noise),
        truth=truth,
        path=state.w[0],
        oracle=spectrum.ridge([sigma])[0],
        eigenvalues=eigenvalues,
        kept=kept,
        ridge_kept=eigenvalues / (eigenvalues + sigma**2 / CONTEXT),
        fit=np.average(fit, weights=eigenvalues),
        curve=sequence_curve(model, S[0], eigenvalues[-1]),
        ridge_curve=CURVE / (CURVE + sigma**2 / CONTEXT),
        step=step[0],
        cosine=cosine[0],
        rescaling=state.rescaling[0],
        implied=implied_noise(state.w[:, -1], spectrum)[0],
        estimate=spectrum.noise_estimate()[0],
        posterior=posterior / posterior.sum(),
        kept_guess=kept_guess,
        implied_guess=implied_guess,
    )


def sequence_curve(model, S, largest):
    """`filter_curve` on CURVE, as far as this sequence reaches: up to its largest eigenvalue. FULL has none."""
    curve, reached = np.full(len(CURVE), np.nan), largest >= CURVE
    if model.kind != "full":
        curve[reached] = filter_curve(model, S, CURVE[reached])
    return curve
