"""A task of one's own: its noise, the scale of its weights, its inputs; and what follows it, against brute force and closed forms."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest

import lt_helpers as lt
from lt_helpers import baselines
from lt_helpers.noise import Noise, parse_noise
from lt_helpers.spectrum import Spectrum
from lt_helpers.tune import tune

SKEWED = np.array([[2.0, 0.6, 0], [0.6, 1.0, -0.3], [0, -0.3, 0.5]])
RARE = lt.Categorical((0.5, 4.0), weights=(9, 1))


class Triangle(lt.Noise):
    """The larger, the likelier, up to 4."""

    sigma_max = 4.0

    def density(self, sigma):
        return 7 * sigma


@dataclass(frozen=True, eq=False)
class Signs(lt.RegressionTask):
    """Inputs of -size and size."""

    size: float = 1.0

    def sample_inputs(self, shape, rng):
        return rng.choice([-self.size, self.size], (*shape, self.dim))


class Outliers(lt.RegressionTask):
    """One label in ten is off by much more."""

    def sample_noise(self, x, sigma, rng):
        larger = np.where(rng.random(x.shape[:2]) < 0.1, 5.0, 1.0)
        return larger * super().sample_noise(x, sigma, rng)


class Sparse(lt.RegressionTask):
    """Half of the weights are 0."""

    def sample_w(self, batch, rng):
        return super().sample_w(batch, rng) * rng.choice([0.0, 2**0.5], (batch, self.dim))


def by_brute_force(x, y, sigmas, probabilities, w_scale):
    """The posterior mean of w of one context: Gaussian densities of y, and the mean of w for each sigma from the joint covariance."""
    scores, means = [], []
    for sigma in sigmas:
        cross = w_scale**2 * x.T  # (d, n): the covariance of w and y
        of_labels = x @ cross + sigma**2 * np.eye(len(y))  # (n, n)
        means.append(cross @ np.linalg.solve(of_labels, y))
        scores.append(-(np.linalg.slogdet(of_labels)[1] + y @ np.linalg.solve(of_labels, y)) / 2)
    posterior = probabilities * np.exp(np.array(scores) - max(scores))
    return posterior @ np.array(means) / posterior.sum()


# Noise


@pytest.mark.parametrize("noise", [Triangle(), RARE], ids=["density", "weights"])
def test_what_is_drawn_is_what_the_quadrature_says(noise, rng):
    sigmas, weights = noise.nodes()
    drawn = noise.sample(200_000, rng)
    for f in (np.square, np.cos, lambda sigma: sigma < 2):
        spread = f(drawn).std() / np.sqrt(len(drawn))
        assert abs(weights @ f(sigmas) - f(drawn).mean()) < 5 * spread + 2e-3
    assert weights.sum() == pytest.approx(1) and noise.mean_square == pytest.approx(weights @ sigmas**2)
    assert drawn.min() >= 0 and drawn.max() <= noise.sigma_max


def test_a_density_needs_no_more_than_its_largest_sigma(rng):
    """For sigma / 8 on (0, 4): E sigma^2 = 8, and a quarter lies below 2."""
    noise = Triangle()
    assert noise.mean_square == pytest.approx(8, rel=1e-12)
    assert (noise.sample(100_000, rng) < 2).mean() == pytest.approx(1 / 4, abs=0.006)
    sigmas, weights = noise.nodes(4, np.array([1.0, 2.0]))
    assert len(sigmas) == 12 and weights[:8].sum() == pytest.approx(1 / 4)
    assert noise.continuous and noise == Triangle() != lt.Uniform(4)
    assert repr(noise) == noise.key == noise.label == "Triangle()"


def test_a_noise_that_is_nowhere_for_a_while_is_never_drawn_there(rng):
    class Gap(lt.Noise):
        sigma_max = 3.0

        def density(self, sigma):
            return (sigma < 1) | (sigma > 2)

    drawn = Gap().sample(10_000, rng)
    assert ((drawn < 1.001) | (drawn > 1.999)).all() and 0.48 < (drawn < 1.5).mean() < 0.52
    batch = lt.RegressionTask(2, 9, Gap()).sample(20, rng)
    assert np.isfinite(baselines.bayes(batch.x, batch.y, Gap())).all()


def test_a_repr_tells_what_a_noise_was_made_with():
    class Own(Triangle):
        def __init__(self, slope):
            self.slope = slope

    assert repr(Own(2)) == "Own(slope=2)" and Own(2) == Own(2) != Own(3)
    assert hash(lt.RegressionTask(3, 9, Own(2))) == hash(lt.RegressionTask(3, 9, Own(2)))


def test_weights_are_shares_and_equal_ones_are_none():
    assert RARE.weights == pytest.approx((0.9, 0.1)) and RARE.values == (0.5, 4.0)
    assert lt.Categorical((4, 0.5), (0.1, 0.9)) == RARE == parse_noise(RARE.key) != lt.Categorical((0.5, 4))
    assert (
        lt.Categorical((1, 3), (2, 2)) == lt.Categorical((1, 3))
        and lt.Categorical((1, 3), (2, 2)).weights is None
    )
    assert parse_noise("categorical:0.5@9,4@1") == RARE and RARE.key == "categorical-0.5@0.9-4@0.1"
    assert (RARE.label, repr(lt.Categorical((1, 3)))) == (
        "{0.5 (0.9), 4 (0.1)}",
        "Categorical(values=(1.0, 3.0))",
    )
    assert eval(repr(RARE), {"Categorical": lt.Categorical}) == RARE
    assert RARE.mean_square == pytest.approx(0.9 * 0.25 + 0.1 * 16)


def test_shares_of_any_weights_are_read_back_from_their_key(rng):
    for weights in rng.exponential(size=(2_000, 3)):
        noise = lt.Categorical((1, 2, 3), weights)
        again = parse_noise(noise.key)
        assert again == noise and again.nodes()[1].sum() == pytest.approx(1, abs=1e-15)
        assert len(again.sample(3, rng)) == 3


def test_a_model_keeps_a_noise_with_weights_in_its_file(tmp_path):
    model = lt.LinearTransformer(*np.zeros((2, 1, 1, 4, 4)), noise=RARE)
    model.save(tmp_path / "model.safetensors")
    assert lt.LinearTransformer.load(tmp_path / "model.safetensors").noise == RARE


def own(**members):
    """A noise of a class with these members."""
    return type("Own", (Noise,), members)()


def flat(self, sigma):
    return 1.0


@pytest.mark.parametrize(
    "make, error, words",
    [
        (
            lambda: lt.Categorical((1, 3), (1,)),
            ValueError,
            r"weights is \(1,\) and values is \(1, 3\): there must be as many",
        ),
        (
            lambda: lt.Categorical((1, 3), (1, 0)),
            ValueError,
            r"weights is \(1, 0\): each of weights must be above",
        ),
        (lambda: lt.Categorical((1, 3), 2), ValueError, "weights is 2: weights must be one or more numbers"),
        (lambda: lt.Noise(), TypeError, r"noise must be Fixed\(...\), .* or of a subclass of Noise"),
        (
            lambda: own(),
            TypeError,
            r"Own has no density\(sigma\): a noise of your own defines sigma_max and density",
        ),
        (lambda: own(density=flat), TypeError, "sigma_max of Own is None: .* must be a number"),
        (lambda: own(density=flat, sigma_max=-1), ValueError, "sigma_max of Own is -1"),
        (
            lambda: own(density=lambda _, s: s - 1, sigma_max=2),
            ValueError,
            "density of Own is -.* zero or above",
        ),
        (
            lambda: own(density=lambda _, s: s[1:], sigma_max=2),
            ValueError,
            r"density of Own has shape \(63,\)",
        ),
        (lambda: own(density=lambda _, s: None, sigma_max=2), TypeError, "density of Own has dtype object"),
        (lambda: own(nodes=lambda _: ([1], [1])), TypeError, "sample and nodes"),
        (
            lambda: own(nodes=lambda _: ([1.0, 2.0], [1.0, 1.0]), sample=lambda _, size, rng: np.ones(size)),
            ValueError,
            "weights of sum 2: sigmas must be ascending",
        ),
        (
            lambda: own(nodes=lambda _: ([1.0], [1.0]), sample=lambda _, size, rng: 1.0),
            ValueError,
            r"Own.sample\(2, rng\) has shape \(\)",
        ),
    ],
)
def test_what_a_noise_lacks_is_said_in_one_sentence(make, error, words):
    with pytest.raises(error, match=words):
        lt.RegressionTask(3, 9, make())


# The scale of w


def test_weights_have_the_scale_that_the_task_says(rng):
    task = lt.RegressionTask(3, 9, RARE, SKEWED, w_scale=0.2)
    for w in (task.sample(20_000, rng).w, task.sample_moments(20_000, rng).w):
        assert w.std() == pytest.approx(0.2, rel=0.02)
    assert task != lt.RegressionTask(3, 9, RARE, SKEWED)
    for wrong in (0, -1, np.inf):
        with pytest.raises(ValueError, match="w_scale is"):
            lt.RegressionTask(3, 9, RARE, w_scale=wrong)


@pytest.mark.parametrize("w_scale", [1.0, 0.3, 5.0])
@pytest.mark.parametrize("noise", [RARE, Triangle()], ids=["weights", "density"])
@pytest.mark.parametrize("context", [2, 9])
def test_bayes_of_a_task_is_the_posterior_mean_by_brute_force(context, noise, w_scale, rng):
    task = lt.RegressionTask(3, context, noise, SKEWED, w_scale)
    batch = task.sample(4, rng)
    ours = baselines.for_task(task)["Bayes-optimal"](batch.x, batch.y)
    sigmas, probabilities = noise.nodes()
    if noise.continuous:
        sigmas = (np.arange(1000) + 0.5) / 1000 * 4
        probabilities = sigmas / sigmas.sum()
    for x, y, w in zip(batch.x, batch.y, ours):
        np.testing.assert_allclose(
            w, by_brute_force(x, y, sigmas, probabilities, w_scale), rtol=2e-4, atol=1e-6
        )


@pytest.mark.parametrize("w_scale", [1.0, 0.3])
def test_each_baseline_of_a_task_is_its_formula(w_scale, rng):
    """Ridge regression with the penalty sigma^2 / w_scale^2, sigma as each of them has it."""
    task = lt.RegressionTask(3, 9, RARE, SKEWED, w_scale)
    batch = task.sample(6, rng)
    residual = baselines.ols(batch.x, batch.y)
    residual = batch.y - np.einsum("bnd,bd->bn", batch.x, residual)
    estimate = (residual**2).sum(axis=1) / (9 - 3)
    penalties = {
        "ConstRR": np.full(6, RARE.mean_square),
        "AdaRR": estimate,
        "TunedRR": np.minimum(0.7 * estimate, 2.0),
    }
    rivals = baselines.for_task(task, {"multiplier": 0.7, "cap": 2.0})
    assert list(rivals) == ["ConstRR", "AdaRR", "EvidenceRR", "TunedRR", "Bayes-optimal"]
    for name, penalty in penalties.items():
        strength = (penalty / w_scale**2)[:, None, None] * np.eye(3)
        Xy = np.einsum("bnd,bn->bd", batch.x, batch.y)
        w = np.linalg.solve(batch.x.mT @ batch.x + strength, Xy[..., None])[..., 0]
        np.testing.assert_allclose(rivals[name](batch.x, batch.y), w, rtol=1e-8)


def test_the_evidence_of_a_task_is_highest_where_its_ridge_says(rng):
    """No sigma around makes the labels more probable, with w of the task's scale integrated out."""
    task = lt.RegressionTask(3, 30, lt.Fixed(1.0), None, w_scale=3.0)
    batch = task.sample(5, rng)
    w = baselines.for_task(task)["EvidenceRR"](batch.x, batch.y)
    sigmas = np.linspace(0.3, 3, 2701)
    for x, y, ours in zip(batch.x, batch.y, w):
        variances, axes = np.linalg.eigh(9 * x @ x.T)
        along = np.maximum(variances, 0) + sigmas[:, None] ** 2
        best = sigmas[(np.log(along) + (y @ axes) ** 2 / along).sum(axis=1).argmin()]
        by_hand = np.linalg.solve(x.T @ x + best**2 / 9 * np.eye(3), x.T @ y)
        np.testing.assert_allclose(ours, by_hand, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("w_scale", [1.0, 0.25])
def test_a_smaller_w_is_larger_inputs_by_another_name(w_scale):
    """Labels and answers are the same, and so are all losses."""
    task = lt.RegressionTask(3, 9, RARE, SKEWED, w_scale)
    other = lt.RegressionTask(3, 9, RARE, w_scale**2 * SKEWED)
    for name, predictor in baselines.for_task(task).items():
        ours, theirs = (
            lt.risk(p, t, 300, np.random.default_rng(0))
            for p, t in ((predictor, task), (baselines.for_task(other)[name], other))
        )
        assert ours.excess == pytest.approx(theirs.excess) and ours.total == pytest.approx(theirs.total), name
    tuned = [tune(t, samples=300, rounds=2) for t in (task, other)]
    assert tuned[0] == tuned[1]


def test_nothing_is_better_than_the_oracle_and_bayes_comes_next():
    task = lt.RegressionTask(3, 9, RARE, SKEWED, w_scale=0.5)
    rivals = baselines.for_task(task, tune(task, samples=2_000))
    found = {name: lt.risk(w, task, 4_000, np.random.default_rng(1)) for name, w in rivals.items()}
    told = lt.risk(
        partial(baselines.ridge, sigma=0.5 / 0.5),
        lt.RegressionTask(3, 9, lt.Fixed(0.5), SKEWED, 0.5),
        50,
        np.random.default_rng(1),
    )
    assert told.excess < 1e-20 * told.total
    assert (
        min(found, key=lambda name: found[name].excess) == "Bayes-optimal"
        and found["Bayes-optimal"].excess > 0
    )


# Inputs and noise of one's own


@pytest.mark.parametrize("context", [2, 9])
def test_with_inputs_of_ones_own_ridge_and_bayes_stay_the_best(context, rng):
    task = Signs(3, context, RARE)
    assert not task.no_oracle and task.own == ("sample_inputs",)
    batch = task.sample(400, rng)
    assert set(np.unique(batch.x)) == {-1, 1} == set(np.unique(batch.x_query))
    S = task.sample_moments(50, rng).S
    np.testing.assert_allclose(S[:, range(3), range(3)], 1)
    bayes = baselines.for_task(task)["Bayes-optimal"](batch.x, batch.y)
    for x, y, w in zip(batch.x[:4], batch.y, bayes):
        np.testing.assert_allclose(w, by_brute_force(x, y, *RARE.nodes(), 1.0), rtol=1e-6, atol=1e-9)
    by_weight = lt.risk(baselines.for_task(task)["Bayes-optimal"], task, 4_000, np.random.default_rng(0))
    by_query = lt.risk(
        lambda x, y, x_query: (baselines.bayes(x, y, RARE) * x_query).sum(axis=1),
        task,
        4_000,
        np.random.default_rng(0),
    )
    assert abs(by_weight.total - by_query.total) < 5 * by_query.total_error


def test_inputs_of_ones_own_must_be_as_the_covariance_says():
    assert Signs(3, 9, RARE, 4 * np.eye(3), size=2.0) != Signs(3, 9, RARE)
    with pytest.raises(
        ValueError, match=r"mean of x_0 x_0 is 4, but the covariance says 1: covariance must be E\[x x\^T\]"
    ):
        Signs(3, 9, RARE, size=2.0)

    class Flat(lt.RegressionTask):
        def sample_inputs(self, shape, rng):
            return np.ones(shape)

    with pytest.raises(ValueError, match=r"Flat.sample_inputs\(\(4096,\), rng\) has shape \(4096,\)"):
        Flat(3, 9, RARE)


@pytest.mark.parametrize("kind, culprit", [(Outliers, "sample_noise"), (Sparse, "sample_w")])
def test_where_ridge_is_not_the_best_answer_what_needs_it_says_so(kind, culprit, rng):
    task = kind(3, 9, RARE)
    said = f"{kind.__name__} has a {culprit} of its own, and so ridge regression that is told sigma is not the best"
    with pytest.warns(RuntimeWarning, match=f"{said}.*: the total error is judged, and the excess is NaN"):
        found = lt.risk(baselines.ada_rr, task, 500, rng)
    assert np.isnan([found.excess, found.excess_error]).all() and 0 < found.total < np.inf
    with pytest.warns(RuntimeWarning, match=f"{said}.*Bayes, .* is not among the baselines"):
        assert "Bayes-optimal" not in baselines.for_task(task)
    with pytest.raises(ValueError, match=f"{said}.*lt.risk has the total error"):
        lt.adjusted_loss(baselines.ada_rr, task, 500, rng)
    assert kind(3, 9, RARE) == task != lt.RegressionTask(3, 9, RARE)


def test_tuning_for_noise_of_ones_own_lowers_the_total_error():
    task = Outliers(3, 9, lt.Fixed(1.0))
    constants = tune(task, samples=4_000)
    with pytest.warns(RuntimeWarning):
        rivals = baselines.for_task(task, constants)
        totals = {name: lt.risk(rivals[name], task, 4_000, np.random.default_rng(2)).total for name in rivals}
    assert totals["TunedRR"] < totals["AdaRR"]


def test_moments_of_ones_own_sequences_are_those_of_their_tokens(rng):
    task = Outliers(3, 9, lt.Fixed(1.0))
    yy = task.sample_moments(20_000, rng).S[:, 3, 3]
    assert yy.mean() == pytest.approx(3 + 0.9 + 0.1 * 25, abs=5 * yy.std() / np.sqrt(20_000))


def test_tuned_rr_says_what_it_lacks_and_takes_what_tuning_finds(rng):
    x, y = lt.RegressionTask(3, 9, RARE).sample(5, rng).x, rng.normal(size=(5, 9))
    with pytest.raises(ValueError, match=r"no constants for d = 3, n = 9.*tune.tune\(task\) finds"):
        baselines.tuned_rr(x, y, RARE)
    with pytest.raises(ValueError, match="constants is 3: constants must be"):
        baselines.tuned_rr(x, y, RARE, 3)
    ours = baselines.tuned_rr(x, y, RARE, {"multiplier": 1, "cap": 1e9})
    np.testing.assert_allclose(ours, baselines.ada_rr(x, y))


def test_the_spectrum_of_larger_inputs_is_that_of_their_tokens(rng):
    batch = lt.RegressionTask(3, 9, RARE).sample(5, rng)
    ours = Spectrum.from_tokens(batch.x, batch.y).with_inputs_times(0.3)
    theirs = Spectrum.from_tokens(0.3 * batch.x, batch.y)
    for name in ("S", "s", "energy", "residual"):
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), atol=1e-12)
    np.testing.assert_allclose(ours.ridge(np.ones(5)), theirs.ridge(np.ones(5)))
