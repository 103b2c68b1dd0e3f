import numpy as np
import pytest

from lt_helpers import Fixed, RegressionTask, adjusted_loss, baselines, load_pretrained
from lt_helpers.labs import ProfileLab, profile_state
from lt_helpers.labs.profile import standing
from lt_helpers.labs.profile_state import EXPLODED, LEVELS, SEQUENCES, sequences
from lt_helpers.labs.rescaling_state import drawn
from lt_helpers.noise import parse_noise
from lt_helpers.pretrained import record

OPENED = dict(kind="diag", noise="uniform-5", layers=4, sigma=5.0, layers_guess=None, sigma_guess=None)
WILD = dict(kind="full", noise="categorical-1-3", layers=7, sigma=10.0)


def state(**values):
    return ProfileLab.compute(**OPENED | values)


def trace(lab, name, panel):
    axis = "y" if panel == 1 else f"y{panel}"
    return next(trace for trace in lab.figure.data if trace.name == name and trace.yaxis == axis)


def at(sigma):
    return np.flatnonzero(sigma == LEVELS)[0]


@pytest.mark.parametrize("sigma", [1.0, 4.0, 7.0])
@pytest.mark.parametrize("kind", ["diag", "gd++"])
def test_the_profile_is_the_adjusted_loss_at_fixed_noise(kind, sigma):
    """Against other sequences, 20,000 of them."""
    shown = state(kind=kind).risks[at(sigma)]
    model = load_pretrained(kind, 4, parse_noise("uniform-5"))
    loss, error = adjusted_loss(model, RegressionTask(10, 20, Fixed(sigma)), 20_000, np.random.default_rng(9))
    assert abs(shown.mean() - loss) < 4 * np.hypot(shown.std() / np.sqrt(SEQUENCES), error)


@pytest.mark.parametrize("noise", ["uniform-3", "categorical-1-3"])
def test_the_baselines_are_the_functions_of_the_tokens(noise):
    functions = {
        "ConstRR": lambda x, y: baselines.const_rr(x, y, parse_noise(noise)),
        "AdaRR": baselines.ada_rr,
        "TunedRR": lambda x, y: baselines.tuned_rr(x, y, parse_noise(noise)),
        "Bayes-optimal": lambda x, y: baselines.bayes(x, y, parse_noise(noise)),
    }
    shown = state(noise=noise).rivals
    assert list(shown) == list(functions)
    for name, function in functions.items():
        loss, error = adjusted_loss(
            function, RegressionTask(10, 20, Fixed(2.0)), 5000, np.random.default_rng(9)
        )
        risks = shown[name][at(2.0)]
        assert abs(risks.mean() - loss) < 4 * np.hypot(risks.std() / np.sqrt(SEQUENCES), error), name


def test_the_same_sequences_stand_at_every_noise():
    """Least squares is linear in the noise, so its squared distance from the truth is sigma^2 times that at sigma = 1."""

    spectrum, _ = sequences()
    truth = drawn(20, 1.0, SEQUENCES, 0).w
    ols = spectrum.ridge(np.zeros(len(spectrum.s))).reshape(len(LEVELS), SEQUENCES, -1)
    squares = ((ols - truth) ** 2).sum(axis=-1)
    np.testing.assert_allclose(squares, LEVELS[:, None] ** 2 * squares[at(1.0)], rtol=1e-6, atol=1e-12)


def test_without_noise_adarr_is_the_oracle_and_no_model_is_nearer():
    shown = state()
    assert shown.rivals["AdaRR"][0].max() < 1e-12
    assert shown.nearer[0] == 0


def test_the_depth_panel_shows_the_records_as_far_as_the_layers_have_come():
    lab = ProfileLab(layers=3, kind="full")
    (shown,) = (trace for trace in lab.figure.data if trace.error_y.array is not None)
    np.testing.assert_array_equal(shown.x, [1, 2, 3])
    entries = [record("full", layers, parse_noise("uniform-5")) for layers in (1, 2, 3)]
    np.testing.assert_allclose(shown.y, [entry["loss"] for entry in entries])
    np.testing.assert_allclose(shown.error_y.array, [2 * entry["standard_error"] for entry in entries])
    np.testing.assert_allclose(trace(lab, "paper", 2).y, [0.907, 0.245, 0.117])


def test_the_curves_are_drawn_as_far_as_the_noise_has_been_slid():
    lab = ProfileLab(sigma=2.0, layers=4)
    for name, panel in (("model", 1), ("median", 1), ("AdaRR", 1), ("exploded", 4)):
        there = np.isfinite(np.asarray(trace(lab, name, panel).y, float))
        assert there[(LEVELS > 0) & (LEVELS <= 2.0)].all() and not there[LEVELS > 2.0].any(), name


def test_half_of_the_sequences_lose_more_than_the_median():
    lab = ProfileLab(sigma=4.0, layers=4)
    spread = trace(lab, "model", 3)
    median = trace(lab, "median", 1).y[at(4.0)]
    assert abs((np.asarray(spread.x) > median).mean() - 0.5) < 0.01
    assert spread.y[0] == 1.0 and spread.y[-1] == pytest.approx(1 / SEQUENCES)


def test_what_explodes_is_counted_said_and_drawn_at_the_edge():
    lab = ProfileLab(**WILD)
    count = (~(state(**WILD).risks[at(10.0)] <= EXPLODED)).sum()
    assert f"{count} of {SEQUENCES} sequences explode: they lose more than 50." in lab.words_now
    assert f"it loses more than {EXPLODED:g} on average" in lab.words_now
    assert lab.words_now.endswith(
        "This noise lies outside the training range. What lies beyond an axis is drawn at its edge."
    )
    assert trace(lab, "model", 1).y[at(10.0)] == EXPLODED
    lab.controls["kind"].value, lab.controls["sigma"].value = "gd++", 3.0
    assert "explode" not in lab.words_now and "outside" not in lab.words_now and "edge" not in lab.words_now


def test_an_answer_that_is_not_finite_counts_as_exploded(monkeypatch):

    broken = profile_state.risks_of(lambda spectrum: np.full((len(spectrum.s), 10), np.nan))
    monkeypatch.setattr(profile_state, "model_risks", lambda *model: broken)
    lab = ProfileLab()
    assert f"{SEQUENCES} of {SEQUENCES} sequences explode" in lab.words_now
    assert lab.arrays.nearer.max() == 0


@pytest.mark.parametrize(
    "loss, words",
    [
        (0.9, "behind ConstRR (0.4000)"),
        (0.1, "between ConstRR (0.4000) and AdaRR (0.0700)"),
        (0.06, "between AdaRR (0.0700) and Bayes-optimal (0.0400)"),
        (0.03, "no worse than Bayes-optimal (0.0400)"),
    ],
)
def test_the_words_name_the_rungs_on_either_side(loss, words):

    assert (
        standing(loss, {"ConstRR": (0.4, 0.0), "AdaRR": (0.07, 0.0), "Bayes-optimal": (0.04, 0.0)}) == words
    )


def test_fixed_noise_is_no_choice():
    with pytest.raises(
        ValueError, match="noise is 'fixed-0' with kind='diag': noise must be one of 'uniform-1'"
    ):
        ProfileLab(noise="fixed-0")


def test_the_guesses_are_marked_where_adarr_stands():
    lab = ProfileLab(layers_guess=3.0, sigma_guess=6.0)
    star = trace(lab, "prediction", 1)
    assert star.x[0] == 6.0 and star.y[0] == pytest.approx(state().rivals["AdaRR"][at(6.0)].mean())
    star = trace(lab, "prediction", 2)
    assert star.x[0] == 3.0 and star.y[0] == baselines.stored_losses()["uniform-5"]["AdaRR"][0]
