"""What notebooks 07, 12 and 15 say of the stored models, found by other code than theirs: tokens through layers, no second moments."""

import numpy as np
import pytest

from lt_helpers import LinearTransformer, Uniform, load_pretrained
from lt_helpers.pretrained import SIZES, spread

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
            assert ((w - oracle) ** 2).sum() > 10 * ((ada_rr(x, y) - oracle) ** 2).sum()


def answers(model, x, y, label=1.0):
    """The weights of contexts whose labels are multiplied before they are read, and the answers divided -> (B, d)"""
    _, w = steps(model, x, label * y)
    return w / label


def left_by_least_squares(x, y):
    """The mean square of what least squares leaves -> (B,)"""
    w = np.linalg.solve(x.mT @ x, x.mT @ y[..., None])[..., 0]
    return ((y - (x @ w[..., None])[..., 0]) ** 2).mean(axis=1)


def adding(added, x, y):
    """Ridge regression with numbers (B,) or (B, K) that are added to the diagonal of X'X/n -> (B, d) or (B, K, d)"""
    n, d = x.shape[1:]
    Sigma = (x.mT @ x / n).reshape(len(x), *[1] * (np.ndim(added) - 1), d, d)
    alpha = (x.mT @ y[..., None] / n).reshape(len(x), *[1] * (np.ndim(added) - 1), d, 1)
    return np.linalg.solve(Sigma + np.asarray(added)[..., None, None] * np.eye(d), alpha)[..., 0]


def ada_rr(x, y):
    """Ridge regression with the variance that least squares leaves, |r|^2 / (n - d), as its penalty -> (B, d)"""
    n, d = x.shape[1:]
    return adding(left_by_least_squares(x, y) / (n - d), x, y)


def excess(w, oracle):
    """Half the squared distance to the oracle's weights, sequence by sequence."""
    return ((w - oracle) ** 2).sum(axis=1) / 2


@pytest.mark.parametrize("kind", ["diag", "full"])
def test_more_examples_than_in_training_make_a_frozen_model_worse_where_ada_rr_gets_better(kind):
    model, found = load_pretrained(kind, 7, Uniform(5)), {}
    for n in (20, 80):
        sigma = np.random.default_rng(n).uniform(0, 5, 1000)
        x, y, oracle = sample(sigma, n=n)
        found[n] = [excess(w, oracle).mean() for w in (answers(model, x, y), ada_rr(x, y))]
    assert found[80][0] > 5 * found[20][0] and found[80][1] < found[20][1] / 20


def share_added(model, x, y):
    """Of the mean of r^2, what a model adds to the diagonal of X'X/n: the median over contexts, by trying 200 shares."""
    left = left_by_least_squares(x, y)  # (B,)
    shares = np.geomspace(0.005, 1, 200)
    w = adding(left[:, None] * shares, x, y)  # (B, K, d)
    away = np.linalg.norm(w - answers(model, x, y)[:, None], axis=2)  # (B, K)
    return np.median(shares[away.argmin(axis=1)])


@pytest.mark.parametrize("kind", ["diag", "full"])
def test_a_frozen_model_adds_about_a_tenth_of_what_is_left_whatever_the_length(kind):
    model = load_pretrained(kind, 7, Uniform(5))
    for n in (15, 20, 80):
        x, y, _ = sample(2, sequences=200, n=n)
        assert 0.1 < share_added(model, x, y) < 0.135, n


@pytest.mark.parametrize("kind", ["diag", "full"])
def test_models_of_six_lengths_read_n_off_the_scatter_of_the_inputs_and_can_be_fooled(kind):
    made_for_20, mixed = (
        load_pretrained(kind, 7, Uniform(5)),
        LinearTransformer.load(SIZES / f"{kind}-7-means.safetensors"),
    )
    x, y, _ = sample(2, sequences=200)
    left, singular, right = np.linalg.svd(x / np.sqrt(20), full_matrices=False)
    calmer = np.sqrt(1 + (singular**2 - 1) / 2)  # eigenvalues half as far from 1, as those of 80 examples are
    fooled = np.sqrt(20) * (left * calmer[:, None]) @ right
    assert abs(share_added(made_for_20, fooled, y) / share_added(made_for_20, x, y) - 1) < 0.2
    assert share_added(mixed, fooled, y) < 0.6 * share_added(mixed, x, y)


@pytest.mark.parametrize("n", [25, 30])
def test_with_scaled_labels_the_frozen_full_model_is_ahead_of_ada_rr_at_lengths_that_it_never_read(n):
    model = load_pretrained("full", 7, Uniform(5))
    x, y, oracle = sample(np.random.default_rng(n).uniform(0, 5, 3000), sequences=3000, n=n)
    lead = excess(ada_rr(x, y), oracle) - excess(answers(model, x, y, np.sqrt(10 / (n - 10))), oracle)
    assert lead.mean() > 3 * lead.std() / np.sqrt(len(lead))
