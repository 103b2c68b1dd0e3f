"""What notebooks 07 and 12 say of the stored models, found by other code than theirs: tokens through layers, no second moments."""

import numpy as np
import pytest

from lt_helpers import Uniform, load_pretrained
from lt_helpers.pretrained import spread

SIGMAS = (0.5, 1, 2, 3, 4, 5)


def sample(sigma, sequences=1000, n=20, d=10, seed=5):
    """Contexts x (B, n, d), y (B, n), and the oracle's weights (B, d)."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(sequences, n, d))
    w = rng.normal(size=(sequences, d))
    sigma = np.broadcast_to(sigma, sequences)[:, None]  # (B, 1)
    y = (x @ w[..., None])[..., 0] + sigma * rng.normal(size=(sequences, n))
    penalty = sigma[..., None] ** 2 * np.eye(d)  # (B, d, d)
    oracle = np.linalg.solve(x.mT @ x + penalty, x.mT @ y[..., None])[..., 0]
    return x, y, oracle


def steps(model, x, y):
    """Layer after layer, what each adds to w (B, d): its gradient part, all of it, and the gradient before it."""
    B, n, d = x.shape
    tokens = np.concatenate([x, y[..., None]], axis=-1)  # (B, n, D): examples
    probes = np.broadcast_to(
        np.eye(d + 1), (B, d + 1, d + 1)
    )  # (B, D, D): where d queries and the token (0, 1) are
    found = []
    for P, Q in zip(model.P, model.Q, strict=True):
        w = -probes[:, :d, d]  # (B, d): minus the label that each query has got
        M = probes[:, :d, :d].mT  # (B, d, d): what has become of the inputs
        a = probes[:, d, d]  # (B,)

        residuals = a[:, None] * y - (x @ w[..., None])[..., 0]  # (B, n)
        gradient = (residuals[..., None] * x).mean(axis=1)  # (B, d)
        omega_yx = sum(P[:, d, d] * Q[:, 0, 0])
        by_gradient = -omega_yx * (M.mT @ M @ gradient[..., None])[..., 0]

        S = np.einsum("bni,bnj->bij", tokens, tokens) / n
        update = sum(P_k @ S @ Q_k for P_k, Q_k in zip(P, Q, strict=True))  # (B, D, D)
        moved = probes + probes @ update.mT
        tokens = tokens + tokens @ update.mT

        stretch = 1 + update[:, d, d]  # (B,): what the layer does to the w that it was given
        push = -moved[:, :d, d] - stretch[:, None] * w
        found.append((by_gradient, push, gradient))
        probes = moved
    return found, -probes[:, :d, d]


def shares(model, sigma):
    """The effective step of each layer, and the gradient's share of it (L,)."""
    x, y, _ = sample(sigma)
    found, _ = steps(model, x, y)
    step = [(push * gradient).sum() / (gradient**2).sum() for _, push, gradient in found]
    share = [(part * gradient).sum() / (gradient**2).sum() for part, _, gradient in found]
    return np.array(step), np.array(share)


def test_the_last_step_of_diag_4_falls_to_nothing_while_the_gradients_share_of_it_rises():
    for model in spread("diag", 4, Uniform(5.0)):
        by_sigma = [shares(model, sigma) for sigma in SIGMAS]
        last = np.array([step[-1] for step, _ in by_sigma])
        share = np.array([share[-1] for _, share in by_sigma])
        assert (np.diff(last) < 0).all() and 0 < last[-1] < 0.1 * last[0]
        assert (np.diff(share) > 0).all()


@pytest.mark.parametrize("layers, heads", [(4, 2), (7, 2)])
def test_with_two_heads_models_step_back_and_the_momentum_makes_them(layers, heads):
    for model in spread("diag", layers, Uniform(5.0), heads=heads):
        for_all_sigmas = [shares(model, sigma) for sigma in SIGMAS]
        step, share = (np.array(parts) for parts in zip(*for_all_sigmas, strict=True))  # (6, L), (6, L)
        descends = (model.P[:, :, -1, -1] * model.Q[:, :, 0, 0]).sum(axis=1) < 0  # (L,): omega_yx is negative
        steps_back = (step < 0) & descends
        assert steps_back.any()
        assert (share[:, descends] > 0).all()


def test_without_omega_xy_no_step_shortens_and_each_is_the_gradients_own():
    for model in spread("diag", 4, Uniform(5.0), heads=2, variant="no-omega_xy"):
        by_sigma = [shares(model, sigma) for sigma in SIGMAS]
        for step, share in by_sigma:
            np.testing.assert_allclose(step, share, atol=1e-6)
        late = np.abs([step[2:] for step, _ in by_sigma])  # (6, 2)
        assert (np.diff(late, axis=0) > 0).all()


@pytest.mark.parametrize("layers, heads", [(4, 1), (4, 2), (7, 1)])
def test_releasing_the_last_brake_costs_many_times_the_loss(layers, heads):
    model = load_pretrained("diag", layers, Uniform(5.0), heads=heads)
    for sigma in (1, 4):
        x, y, oracle = sample(sigma)
        found, w = steps(model, x, y)
        by_gradient, push, _ = found[-1]
        released = w - push + by_gradient
        assert ((released - oracle) ** 2).sum() > 10 * ((w - oracle) ** 2).sum()


def test_more_rows_than_in_training_make_the_model_worse_than_ada_rr_at_any_number_of_features():
    """The excess over the oracle on U(0, 5), AdaRR by least squares."""
    sigma = 5 * np.random.default_rng(3).random(400)
    for d in (5, 8, 10, 15):
        model = load_pretrained("diag", 7, Uniform(5.0)).with_dim(d)
        for n in (40, 80, 200):
            x, y, oracle = sample(sigma, 400, n, d)
            _, w = steps(model, x, y)

            least_squares = np.linalg.solve(x.mT @ x, x.mT @ y[..., None])  # (B, d, 1)
            residuals = y - (x @ least_squares)[..., 0]  # (B, n)
            variance = (residuals**2).sum(axis=1) / (n - d)  # (B,)
            penalty = variance[:, None, None] * np.eye(d)  # (B, d, d)
            adapted = np.linalg.solve(x.mT @ x + penalty, x.mT @ y[..., None])[..., 0]
            assert ((w - oracle) ** 2).sum() > 10 * ((adapted - oracle) ** 2).sum()
