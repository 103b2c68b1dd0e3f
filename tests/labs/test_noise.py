import numpy as np
import pytest

from lt_helpers import LinearTransformer, load_pretrained
from lt_helpers.labs import NoiseLab, noise_state
from lt_helpers.labs.noise import stored_kinds
from lt_helpers.labs.noise_state import GRID, sequence
from lt_helpers.noise import parse_noise
from lt_helpers.pretrained import stored_layers


@pytest.fixture
def lab():
    return NoiseLab()


def drawn(lab, name, panel):
    """The numbers of a named trace in the panel with this number, first come first served."""
    axis = "y" if panel == 1 else f"y{panel}"
    return next(trace for trace in lab.figure.data if trace.name == name and trace.yaxis == axis)


@pytest.mark.parametrize("kind", stored_kinds().values())
@pytest.mark.parametrize("sigma", [0.0, 2.3, 8.0])
def test_the_drawn_weights_are_what_basis_queries_read_off_the_model(kind, sigma):
    lab = NoiseLab(kind=kind, sigma=sigma)
    model = load_pretrained(kind, lab.values["layers"], parse_noise(lab.values["noise"]))
    x, truth, direction = sequence(lab.values["seed"])
    y = x @ truth + sigma * direction
    batch = (np.broadcast_to(value, (10, *value.shape)) for value in (x, y))
    probed = model(*batch, np.eye(10), form="tokens")
    np.testing.assert_allclose(lab.arrays.path[-1], probed, rtol=1e-9)
    np.testing.assert_allclose(drawn(lab, "model", 1).y, np.clip(probed, -3.5, 3.5), rtol=1e-9)


def test_sliding_the_noise_scales_it_and_moves_nothing_else(lab):
    states = [NoiseLab(sigma=sigma).arrays for sigma in (0.0, 1.0, 3.0)]
    for state in states[1:]:
        np.testing.assert_array_equal(state.truth, states[0].truth)
        np.testing.assert_array_equal(state.eigenvalues, states[0].eigenvalues)
    assert states[0].estimate < 1e-6
    np.testing.assert_allclose(
        states[2].estimate, 3 * states[1].estimate
    )  # the residual of least squares is the noise's


def test_without_noise_the_oracle_is_the_truth():
    state = NoiseLab(sigma=0.0).arrays
    np.testing.assert_allclose(state.oracle, state.truth)
    np.testing.assert_allclose(state.ridge_kept, 1)


def test_the_posterior_is_that_of_a_normal_distribution_of_the_labels():
    state = NoiseLab(sigma=2.0).arrays
    x, truth, direction = sequence(NoiseLab.CONTROLS["seed"].value)
    y = x @ truth + 2.0 * direction
    scores = []
    for sigma in GRID:  # y ~ N(0, X X^T + sigma^2 I), its density by hand
        covariance = x @ x.T + sigma**2 * np.eye(len(y))
        scores.append(-(np.linalg.slogdet(covariance)[1] + y @ np.linalg.solve(covariance, y)) / 2)
    density = np.exp(np.array(scores) - max(scores))
    np.testing.assert_allclose(state.posterior, density / density.sum(), atol=1e-9)


def test_only_stored_models_are_offered(lab):
    for kind in stored_kinds().values():
        lab.controls["kind"].value = kind
        for _, noise in lab.controls["noise"].options:
            lab.controls["noise"].value = noise
            offered = [value for _, value in lab.controls["layers"].options]
            assert offered == stored_layers(kind, parse_noise(noise)) and lab.error is None


def test_the_ghost_and_the_predictions_stay_where_they_were(lab):
    lab.hold_ghost()
    held = lab.arrays
    lab.controls["implied_guess"].value = 2.5
    lab.controls["sigma"].value = 4.0
    np.testing.assert_array_equal(drawn(lab, "ghost", 1).y, held.path[-1])
    assert list(drawn(lab, "prediction", 4).y) == [2.5]


def test_noise_outside_the_training_range_is_named(lab):
    assert "outside" not in lab.words_now
    lab.controls["sigma"].value = 7.0
    assert "outside its training range, U(0, 5)" in lab.words_now


@pytest.mark.parametrize("scale", [1.0, 10.0])
def test_a_model_that_explodes_is_drawn_clipped_and_said(monkeypatch, scale):
    wild = LinearTransformer.random("full", 10, 7, rng=np.random.default_rng(0), scale=scale)
    monkeypatch.setattr(noise_state, "stored_model", lambda *arguments: wild)
    noise_state.noise_state.cache_clear()
    lab = NoiseLab(sigma=5.0)
    noise_state.noise_state.cache_clear()
    assert "diverges" in lab.words_now or "explodes" in lab.words_now and "drawn at its edge" in lab.words_now
    shown = np.asarray(drawn(lab, "model", 1).y)
    assert (np.abs(shown[np.isfinite(shown)]) <= 3.5).all()


def test_a_noise_below_the_grid_of_the_posterior_is_said_to_be_so():
    assert "the data allow up to 0.1 (90%)" in NoiseLab(sigma=0.0).words_now
    for seed in range(
        20
    ):  # above, the likelihood falls like sigma^-20: of the posterior at most 2% are cut off
        posterior = NoiseLab(sigma=8.0, seed=seed).arrays.posterior
        assert posterior[-1] * len(posterior) / 19 < 0.02


def test_where_no_noise_would_explain_the_answer_the_words_say_so():
    """Seed 40 of a model far outside its training range: the answer is finite, but the noise it acts as if it saw is not."""
    lab = NoiseLab(sigma=8.0, kind="diag", noise="uniform-2", layers=7, seed=40)
    assert not np.isfinite(lab.arrays.implied)
    assert (
        "the model explodes, and acts as for no σ at all; AdaRR" in lab.words_now
        and "nan" not in lab.words_now
    )
