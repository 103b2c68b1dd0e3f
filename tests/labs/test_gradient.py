import numpy as np
import pytest

from lt_helpers import baselines, load_pretrained
from lt_helpers.labs import GradientLab
from lt_helpers.labs.gradient import CONTEXT, DIM, RINGS, TRAINED_ON, sequence

OPENED = dict(step=0.5, sigma=1.0, layers=4, guess=None, seed=6)


def state(**values):
    return GradientLab.compute(**OPENED | values)


def examples(sigma, seed=6):
    x, truth, direction = sequence(seed)
    return x, x @ truth + sigma * direction


def redraws(sigma, count, rng, seed=6):
    """Truths and labels for the inputs of a seed: x (B, n, d), y (B, n), w (B, d)."""
    x, _, _ = sequence(seed)
    w = rng.normal(size=(count, DIM))
    return np.broadcast_to(x, (count, CONTEXT, DIM)), w @ x.T + sigma * rng.normal(size=(count, CONTEXT)), w


@pytest.mark.parametrize("step", [0.0, 0.5, 2.5])
@pytest.mark.parametrize("sigma", [0.0, 3.0])
def test_built_layers_walk_as_gradient_descent_does(step, sigma):
    lab = GradientLab(step=step, sigma=sigma, layers=7)
    x, y = examples(sigma)
    walk = [baselines.gradient_descent(x[None], y[None], step, steps)[0] for steps in range(8)]
    np.testing.assert_allclose(lab.arrays.built, walk, rtol=1e-11, atol=1e-12)
    drawn = next(trace for trace in lab.figure.data if trace.name == "built")
    np.testing.assert_allclose(np.stack([drawn.x, drawn.y], axis=1), np.clip(walk, -3.5, 3.5), atol=1e-12)


@pytest.mark.parametrize("layers", [1, 4, 7])
def test_the_trained_path_ends_where_basis_queries_say(layers):
    x, y = examples(2.0)
    model = load_pretrained("diag", layers, TRAINED_ON).with_dim(2)
    batch = (np.broadcast_to(value, (2, *value.shape)) for value in (x, y))
    np.testing.assert_allclose(
        state(sigma=2.0, layers=layers).trained[-1], model(*batch, np.eye(2), form="tokens"), rtol=1e-9
    )


def test_the_rings_are_contours_of_the_mean_squared_error():
    shown = state(sigma=2.0)
    x, y = examples(2.0)
    rings = shown.rings.reshape(len(RINGS), -1, DIM)[:, :-1]  # without the gaps
    error = ((y - rings @ x.T) ** 2).mean(axis=-1)
    smallest = ((y - x @ shown.ols) ** 2).mean()
    np.testing.assert_allclose(error, np.broadcast_to(smallest + RINGS[:, None] ** 2, error.shape))


@pytest.mark.parametrize("sigma", [0.0, 2.0])
def test_the_errors_are_those_of_many_truths_and_noises(sigma, rng):
    shown = state(sigma=sigma)
    x, y, w = redraws(sigma, 40_000, rng)
    for steps, risk in enumerate(shown.built_risk):
        miss = ((baselines.gradient_descent(x, y, 0.5, steps) - w) ** 2).sum(axis=1) / 2
        np.testing.assert_allclose(risk, miss.mean(), atol=4 * miss.std() / 200 + 1e-12)
    for found, risk in (
        (baselines.ols(x, y), shown.ols_risk),
        (baselines.ridge(x, y, sigma), shown.oracle_risk),
    ):
        miss = ((found - w) ** 2).sum(axis=1) / 2
        np.testing.assert_allclose(risk, miss.mean(), atol=4 * miss.std() / 200 + 1e-12)


def test_the_trained_error_is_near_that_of_many_more_truths_and_never_below_the_oracles(rng):
    shown = state(sigma=3.0)
    x, y, w = redraws(3.0, 40_000, rng)
    model = load_pretrained("diag", 4, TRAINED_ON).with_dim(2)
    miss = (
        ((np.stack([model(x, y, np.broadcast_to(axis, (40_000, 2))) for axis in np.eye(2)], axis=1)) - w) ** 2
    ).sum(axis=1) / 2
    np.testing.assert_allclose(shown.trained_risk[-1], miss.mean(), rtol=0.05)
    assert all(
        (state(sigma=sigma).trained_risk >= state(sigma=sigma).oracle_risk).all() for sigma in (0.0, 1.0, 5.0)
    )


@pytest.mark.parametrize("sigma", [0.0, 1.0, 5.0])
def test_the_best_single_step_is_that_of_the_closed_form(sigma):
    shown = state(sigma=sigma, layers=1)
    s = shown.eigenvalues
    assert (
        abs(shown.best_step - s.sum() / (s**2 + s * sigma**2 / CONTEXT).sum()) <= 0.01 + 1e-9
    )  # half the distance of the grid


def test_past_the_limit_it_diverges_is_drawn_at_the_edge_and_said():
    x, _ = examples(1.0)
    limit = 2 / np.linalg.eigvalsh(x.T @ x / CONTEXT)[-1]
    below, above = (GradientLab(step=0.05 * np.floor(step / 0.05), layers=7) for step in (limit, limit + 1.0))
    assert "diverges" not in below.words_now
    assert f"past 2/s_max = {limit:.2f}" in above.words_now and "at its edge" in above.words_now
    built = [trace for trace in above.figure.data if trace.name == "built"]
    assert np.abs(built[0].y).max() == 3.5 and built[1].y[0] == built[2].y[-1] == 10.0


def test_both_axes_of_the_bowl_have_one_scale():
    layout = GradientLab().figure.layout
    assert layout.yaxis.scaleanchor == "x" and list(layout.xaxis.range) == list(layout.yaxis.range)
