"""The gradient by hand, against automatic differentiation, finite differences and the NumPy model; in NumPy as in torch."""

import numpy as np
import pytest
import torch

from lt_helpers import RegressionTask, Uniform
from lt_helpers.training.gradient import backward, forward, implicit_weights
from lt_helpers.training.objective import draw
from lt_helpers.training.parameters import family

FAMILIES = [
    ("gd++", 1, ()),
    ("diag", 1, ()),
    ("diag", 2, ()),
    ("diag", 2, ("omega_xy",)),
    ("full", 1, ()),
    ("full", 2, ()),
]


@pytest.fixture(params=FAMILIES, ids=str)
def parameters(request):
    kind, heads, held = request.param
    return family(kind, 3, 4, heads, held)


@pytest.fixture
def sequences(rng):
    return draw(RegressionTask(4, 7, Uniform(2)), 6, rng)


def in_torch(*arrays):
    return map(torch.from_numpy, arrays)


def implicit_weight(parameters, theta, S):
    """w (B, d) by plain products of PyTorch, which differentiates them."""
    Phi = identity = torch.eye(S.shape[-1], dtype=S.dtype)
    for layer in theta:
        weights = parameters.layer(layer)
        U = (weights[0] @ S @ weights[1]).sum(0) if parameters.kind == "full" else weights[1] * S
        T = identity + U
        S, Phi = T @ S @ T.mT, T @ Phi
    return -Phi[:, parameters.dim, : parameters.dim]


def test_the_gradient_is_that_of_automatic_differentiation(parameters, sequences, rng):
    theta, v = parameters.start(rng, Uniform(2)), rng.normal(size=(6, 4))
    run = forward(parameters, theta, sequences.S)
    tensor, S, direction = in_torch(theta, sequences.S, v)
    tensor = tensor.clone().requires_grad_()
    w = implicit_weight(parameters, tensor, S)
    (w * direction).sum().backward()
    np.testing.assert_allclose(run.w, w.detach(), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(backward(run, v).sum(axis=0), tensor.grad, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("total", [False, True])
def test_torch_gives_the_same(parameters, sequences, rng, total):
    """What automatic differentiation is compared with runs in NumPy; a search runs in torch."""
    thetas = np.stack([parameters.start(rng, Uniform(2)) for _ in range(3)])
    v = rng.normal(size=(3, 6, 4))
    run = forward(parameters, thetas, sequences.S)
    tensors, S, directions = in_torch(thetas, sequences.S, v)
    there = forward(parameters, tensors, S)
    np.testing.assert_allclose(run.w, there.w, rtol=1e-12, atol=1e-14)
    gradient = backward(run, v, total)
    np.testing.assert_allclose(gradient, backward(there, directions, total), rtol=1e-11, atol=1e-12)
    assert isinstance(gradient, np.ndarray)


def test_the_gradient_is_the_slope(parameters, sequences, rng):
    theta = parameters.start(rng, Uniform(2))
    direction, v = rng.normal(size=(3, parameters.count)), rng.normal(size=(6, 4))
    ahead, behind = (forward(parameters, theta + step * direction, sequences.S).w for step in (1e-6, -1e-6))
    slope = ((ahead - behind) * v).sum(axis=1) / 2e-6
    gradient = backward(forward(parameters, theta, sequences.S), v)
    np.testing.assert_allclose((gradient * direction).sum(axis=(1, 2)), slope, rtol=1e-5, atol=1e-7)


def test_restarts_side_by_side_are_single_ones(parameters, sequences, rng):
    thetas = np.stack([parameters.start(rng, Uniform(2)) for _ in range(3)])
    v = rng.normal(size=(6, 4))
    together = forward(parameters, thetas, sequences.S)
    gradients = backward(together, np.broadcast_to(v, (3, 6, 4)))
    for theta, w, gradient in zip(thetas, together.w, gradients):
        alone = forward(parameters, theta, sequences.S)
        np.testing.assert_allclose(w, alone.w, atol=1e-12)
        np.testing.assert_allclose(gradient, backward(alone, v), atol=1e-11)


@pytest.mark.parametrize("chunk", [1, 4, 6, 7])
def test_weights_of_many_contexts_are_those_of_the_pass(parameters, sequences, rng, chunk):
    thetas = np.stack([parameters.start(rng, Uniform(2)) for _ in range(3)])
    for theta in (thetas[0], thetas):  # a model, and restarts side by side
        whole = forward(parameters, theta, sequences.S).w
        np.testing.assert_allclose(implicit_weights(parameters, theta, sequences.S, chunk), whole, atol=1e-13)
        tensor, S, _ = in_torch(theta, sequences.S, whole)
        np.testing.assert_allclose(implicit_weights(parameters, tensor, S, chunk), whole, atol=1e-12)


def test_the_model_handed_over_gives_the_same_weights(parameters, sequences, rng):
    theta = parameters.start(rng, Uniform(2))
    model = parameters.model(theta, 7)
    assert (model.kind, model.heads, model.layers) == (parameters.kind, parameters.heads, 3)
    np.testing.assert_allclose(
        model.implicit_weight(sequences.S[:, :5, :5]),
        forward(parameters, theta, sequences.S).w,
        atol=1e-12,
    )
    np.testing.assert_allclose(
        forward(parameters, parameters.read(model), sequences.S).w,
        forward(parameters, theta, sequences.S).w,
        atol=1e-12,
    )


def test_an_idle_layer_does_nothing_and_still_learns(parameters, sequences, rng):
    theta = parameters.start(rng, Uniform(2))
    deeper = family(parameters.kind, 4, 4, parameters.heads)
    with_idle = np.concatenate([theta, deeper.idle(theta[-1])[None]])
    run = forward(deeper, with_idle, sequences.S)
    np.testing.assert_allclose(run.w, forward(parameters, theta, sequences.S).w, atol=1e-12)
    assert abs(backward(run, np.ones_like(run.w))[:, 3]).max() > 1e-6


def test_another_head_begins_with_next_to_nothing_and_a_gradient(sequences, rng):
    """From noise of a hundredth: its share of w is of the order of a hundredth squared, its gradient of a hundredth of the first head's."""
    one, two = family("full", 3, 4), family("full", 3, 4, heads=2)
    theta = one.start(rng, Uniform(2))
    theta[1] *= np.repeat([5.0, 1 / 5], one.count // 2)  # another gauge, which changes no answer
    start = two.with_heads(theta, rng, Uniform(2), scale=0.01)
    run = forward(two, start, sequences.S)
    before = forward(one, theta, sequences.S).w
    assert 0 < abs(run.w - before).max() < 0.02 * abs(before).max()

    gradient = backward(run, np.ones_like(run.w)).sum(axis=0) * two.units(Uniform(2))  # (L, K)
    first, second = np.moveaxis(
        abs(gradient.reshape(3, 2, 2, 25)).max(axis=-1), 2, 0
    )  # (L, 2): of P and of Q
    assert (second[:-1] > 1e-4 * first[:-1].max()).all()

    P, Q = start.reshape(3, 2, 2, 5, 5)[:, :, 0].swapaxes(0, 1)
    np.testing.assert_allclose(np.linalg.norm(P, axis=(1, 2)), np.linalg.norm(Q, axis=(1, 2)))


def test_a_kind_that_cannot_be_trained_is_said():
    with pytest.raises(ValueError, match="kind='gd\\+\\+' with heads=2"):
        family("gd++", 3, 4, heads=2)


@pytest.mark.parametrize("kind, heads", [("gd++", 1), ("diag", 1), ("full", 1), ("full", 3)])
def test_the_total_is_the_sum_over_sequences(kind, heads, rng):
    parameters = family(kind, 3, 10, heads)
    theta = np.stack([parameters.start(rng, Uniform(2)) for _ in range(2)])  # two restarts
    sequences = draw(RegressionTask(10, 20, Uniform(2)), 32, rng)
    run = forward(parameters, theta, sequences.S)
    v = rng.normal(size=run.w.shape)
    np.testing.assert_allclose(backward(run, v, total=True), backward(run, v).sum(-3), rtol=1e-10, atol=1e-12)
