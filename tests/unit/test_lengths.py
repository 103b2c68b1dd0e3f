"""Contexts of other lengths: what a model reads of them, against tokens; and what a training on mixed lengths takes for the best answer."""

import numpy as np
import pytest

from lt_helpers import LinearTransformer, RegressionTask, Uniform, baselines, fit, load_pretrained
from lt_helpers.lengths import LENGTHS, READINGS, MixedLengths, answer, correlated, read_as
from lt_helpers.pretrained import SIZES
from lt_helpers.task import second_moments
from lt_helpers.training.objective import draw
from lt_helpers.tune import tune

NOISE = Uniform(5.0)
STORED = sorted(path.stem for path in SIZES.glob("*.safetensors"))


def context(n, rng, d=10):
    """One context as tokens -> x (1, n, d), y (1, n)"""
    x = rng.normal(size=(1, n, d))
    return x, x @ rng.normal(size=d) + rng.normal(size=(1, n))


def by_tokens(model, x, y, step=1.0, label=1.0):
    """The answers to the queries along the axes, layer by layer and token by token; `step` multiplies what attention adds."""
    d = x.shape[1]
    tokens = np.concatenate([np.column_stack([x, label * y]), np.eye(d, d + 1)])
    for P, Q in zip(model.P[:, 0], model.Q[:, 0]):
        read = tokens[: len(x)]
        tokens = tokens + step * (tokens @ Q.T @ read.T) @ (read @ P.T) / len(x)
    return -tokens[len(x) :, -1] / label


@pytest.mark.parametrize("n", [15, 40])
def test_each_reading_is_what_tokens_give(n, rng):
    model = load_pretrained("diag", 4, NOISE)
    x, y = context(n, rng)
    ways = dict(means={}, sums=dict(step=n / 20), scaled=dict(label=np.sqrt(10 / (n - 10))))
    for reading in READINGS:
        found = answer(model, second_moments(x, y), n, reading)[0]
        np.testing.assert_allclose(found, by_tokens(model, x[0], y[0], **ways[reading]), rtol=1e-9)


def test_at_twenty_examples_all_readings_are_the_same(rng):
    S = second_moments(*context(20, rng))
    for reading in READINGS:
        moments, unit = read_as(S, 20, reading)
        np.testing.assert_allclose(moments, S)
        np.testing.assert_allclose(unit, 1)


@pytest.mark.parametrize("reading", READINGS)
def test_what_training_takes_for_the_best_answer_is_ridge_told_sigma_on_all_n_examples(reading):
    """One length at a time, so that n is known: training divides by 20 and knows nothing of n."""
    for n in (15, 60):
        task = MixedLengths(10, 20, NOISE, lengths=(n,), reading=reading)
        sequences = draw(task, 50, np.random.default_rng(3))
        plain = np.random.default_rng(3)
        plain.choice((n,), 50)  # the draw of the lengths
        drawn = RegressionTask(10, n, NOISE).sample_moments(50, plain)
        unit = np.sqrt(10 / (n - 10)) if reading == "scaled" else 1.0
        for S, sigma, oracle in zip(drawn.S, drawn.sigma, sequences.oracle):
            gram, moment = n * S[:10, :10], n * S[:10, 10]  # X'X, X'y
            np.testing.assert_allclose(
                oracle, unit * np.linalg.solve(gram + sigma**2 * np.eye(10), moment), rtol=1e-6
            )
        np.testing.assert_array_equal(sequences.weight, 1)


def test_a_mixed_task_draws_every_length(rng):
    """Sums over n independent examples have the trace n d on average."""
    moments = MixedLengths(10, 20, NOISE, reading="sums").sample_moments(6_000, rng)
    n = 20 * np.trace(moments.S[:, :10, :10], axis1=1, axis2=2) / 10
    assert moments.context == 20
    np.testing.assert_allclose(n.mean(), np.mean(LENGTHS), rtol=0.03)
    assert n.min() < 15 and n.max() > 80


@pytest.mark.parametrize(
    "more, error, said",
    [
        (dict(lengths=(10, 20)), ValueError, "lengths is 10: lengths must be a whole number from 11"),
        (dict(lengths=20), TypeError, "lengths is 20: lengths must be a tuple"),
        (
            dict(reading="medians"),
            ValueError,
            "reading is 'medians': reading must be one of 'means', 'sums', 'scaled'",
        ),
    ],
)
def test_what_is_no_mixed_task_is_refused(more, error, said):
    with pytest.raises(error, match=said):
        MixedLengths(10, 20, NOISE, **more)


def test_mixed_lengths_are_no_array_of_tokens(rng):
    with pytest.raises(ValueError, match="contexts of different lengths are no array of tokens"):
        MixedLengths(10, 20, NOISE).sample(3, rng)


@pytest.mark.parametrize("told", [baselines.on_spectrum, baselines.for_task, tune])
def test_baselines_that_must_know_n_refuse_a_task_of_several(told):
    with pytest.raises(
        ValueError, match="task mixes contexts of 15, 80 examples, and a baseline must know n"
    ):
        told(MixedLengths(10, 20, NOISE, lengths=(15, 80)))


def test_a_model_is_trained_on_mixed_lengths():
    """GD++ of one layer has one number: its step is the best on average over the lengths, which a search finds as well."""
    task = MixedLengths(2, 20, Uniform(1.0), lengths=(5, 40))
    found = fit(task, load_pretrained("gd++", 1, NOISE), progress=False, samples=2_000)
    sequences = draw(task, 40_000, np.random.default_rng(5))
    alpha, oracle = sequences.S[:, 2, :2], sequences.oracle
    best = (alpha * oracle).sum() / (alpha**2).sum()
    assert found.record["task"] == "MixedLengths"
    np.testing.assert_allclose(-found.omega[0, 1, 0], best, rtol=0.02)


def test_neighbours_are_as_alike_as_is_said(rng):
    """Each feature is rho times the one before, and something new."""
    x = rng.normal(size=(40_000, 4))
    for j in range(1, 4):
        x[:, j] = 0.9 * x[:, j - 1] + np.sqrt(1 - 0.81) * x[:, j]
    np.testing.assert_allclose(x.T @ x / len(x), correlated(0.9, 4), atol=0.03)
    np.testing.assert_array_equal(correlated(0.0, 4), np.eye(4))


@pytest.mark.parametrize("name", STORED)
def test_a_model_of_other_sizes_is_what_its_record_says(name):
    model = LinearTransformer.load(SIZES / f"{name}.safetensors")
    kind, layers, how = name.split("-")
    assert (model.kind, model.layers, model.dim, model.record["kind"]) == (kind, int(layers), 10, kind)
    assert model.record["command"] == f"python tools/sizes.py {name}" and not model.record["diverged"]
    covariance = None if how in READINGS else correlated(0.9)
    task = (
        MixedLengths(10, 20, NOISE, reading=how)
        if how in READINGS
        else RegressionTask(10, 20, NOISE, covariance)
    )
    sequences = draw(task, 8_000, np.random.default_rng(11), stretches=())
    losses = sequences.losses(model.implicit_weight(sequences.S[:, :11, :11]))
    error = np.hypot(losses.std() / np.sqrt(len(losses)), model.record["standard_error"])
    assert abs(losses.mean() - model.record["loss"]) < 5 * error
