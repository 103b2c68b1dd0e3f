"""The points lab: its line through attention over tokens, least squares by lstsq, and the mean truth by the formula for normal numbers."""

from pathlib import Path

import by_hand
import numpy as np
import pytest
from marks import assert_marks, assert_messages

from lt_helpers import Uniform, load_pretrained
from lt_helpers.labs import PointsLab
from lt_helpers.pretrained import ONE_FEATURE, origin

AXES = {
    ("scatter", "axes"): (("x", -3, 3), ("y", -10, 13)),
    ("read", "axes"): (("number", 0.4, 3.6), ("mean", 0, 30)),
    ("slope", "axes"): (("sigma", 0, 5), ("slope", 0, 3)),
    ("many", "axes"): (("fitted", -4, 4), ("true", -3, 3)),
}
ROLES = {
    ("scatter", "middle"): "third",
    ("read", "at rest"): "ghost",
    ("read", "read"): "model",
    ("slope", "fits"): "least squares",
    ("slope", "trail"): "sequence",
    ("many", "sets"): "draws",
    ("many", "means"): "oracle",
}
SIGMAS = np.arange(51) / 10


def line(kind):
    return load_pretrained(kind, 4, Uniform(5.0), folder=ONE_FEATURE)


def draw(seed):
    """Inputs and noise that are perpendicular, each of mean square 1; the point at 0 is on the line -> x, xi, its index"""
    rng = np.random.default_rng(seed)
    x, noise = np.sort([*rng.normal(size=19), 0.0]), rng.normal(size=20)
    at = list(x).index(0.0)
    noise[at] = 0
    noise -= x * (x @ noise) / (x @ x)
    return x * 20**0.5 / np.linalg.norm(x), noise * 20**0.5 / np.linalg.norm(noise), at


def slope(kind, x, y):
    """Of a model's line: its answer to the query 1, through attention over tokens."""
    return by_hand.probe(line(kind), x[:, None], y)[0]


def three(x, y):
    return [np.mean(x * x), np.mean(x * y), np.mean(y * y)]


def mean_truths(sigma):
    """The mean truth in bins of width 1/4 -> centres, means"""
    truth, noise = np.random.default_rng(0).normal(size=(2, 40_000))
    fitted = truth + sigma * noise / 20**0.5
    centres = np.arange(-16, 17) / 4
    inside = [(fitted >= centre - 0.125) & (fitted < centre + 0.125) for centre in centres]
    return fitted, truth, centres, [truth[each].mean() if each.sum() >= 50 else np.nan for each in inside]


def expected(values):
    x, noise, at = draw(values["seed"])
    sigma, kind = values["sigma"], values["kind"]
    y = 2 * x + sigma * noise
    rest = three(x, y)
    for index, at_x, at_y in values["moved"]:
        place = index if index < at else index + 1
        x[place], y[place] = at_x, at_y
    for _, _, at_y in values["lifted"]:
        y[at] = at_y
    fitted = np.linalg.lstsq(x[:, None], y)[0][0]
    blue = slope(kind, x, y)
    x0, noise0, _ = draw(values["seed"])
    trail = [slope(kind, x0, 2 * x0 + each * noise0) if each <= sigma else np.nan for each in SIGMAS]
    fits, truths, centres, means = mean_truths(sigma)
    return AXES | {
        ("scatter", "zero"): ([-3, 3], [0, 0]),
        ("scatter", "least squares"): ([-3, 3], [-3 * fitted, 3 * fitted]),
        ("scatter", "model"): ([-3, 3], [-3 * blue, 3 * blue]),
        ("scatter", "example"): (np.delete(x, at), np.delete(y, at)),
        ("scatter", "middle"): (x[at], y[at]),
        ("read", "at rest"): ([1, 2, 3], rest),
        ("read", "read"): ([1, 2, 3], three(x, y)),
        ("slope", "fits"): (SIGMAS, np.where(sigma >= SIGMAS, 2.0, np.nan)),
        ("slope", "trail"): (SIGMAS, trail),
        ("slope", "model"): (sigma, blue),
        ("many", "diagonal"): ([-3, 3], [-3, 3]),
        ("many", "two"): ([2, 2], [-3, 3]),
        ("many", "sets"): (fits[:400], truths[:400]),
        ("many", "means"): (centres, means),
        ("many", "model"): (fitted, blue),
    }


@pytest.mark.parametrize(
    "values",
    [
        dict(sigma=4.0),
        dict(sigma=2.5, kind="gd++", seed=3),
        dict(sigma=1.0, seed=9, moved=((2, 1.0, -4.0), (17, 0.5, 9.0)), lifted=((0, 0.0, 12.0),)),
    ],
    ids=["diag", "gd++", "dragged"],
)
def test_every_mark_is_what_another_route_finds(values):
    lab = PointsLab(**values)
    assert_marks(lab, expected(lab.values), ROLES, atol=1e-8)


def test_the_ghost_is_the_line_that_was_held_and_the_star_stands_at_sigma_4():
    lab = PointsLab(sigma=3.0, ghost=dict(sigma=0.0), slope_guess=1.2)
    held = expected({**lab.values, "sigma": 0.0})["scatter", "model"]
    table = expected(lab.values) | {("scatter", "ghost"): held, ("slope", "prediction"): (4.0, 1.2)}
    assert_marks(lab, table, ROLES, atol=1e-8)


def test_a_steep_line_ends_where_it_leaves_the_picture():
    lab = PointsLab(sigma=0.0, moved=((18, 3.0, 13.0), (0, -3.0, -10.0), (1, -2.0, -10.0)))
    for name in ("least squares", "model"):
        mark = lab.panels_now[0].mark(name)
        assert (mark.x >= -3).all() and (mark.x <= 3).all() and (mark.y >= -10.001).all()
        assert (mark.y <= 13.001).all()
        np.testing.assert_allclose(mark.y[0] / mark.x[0], mark.y[1] / mark.x[1])


@pytest.mark.parametrize("seed", range(20))
def test_least_squares_stays_and_only_the_last_mean_moves(seed):
    for sigma in (0.0, 2.0, 5.0):
        state = PointsLab.compute(sigma=sigma, kind="diag", moved=(), lifted=(), seed=seed)
        np.testing.assert_allclose(state.read, [1, 2, 4 + sigma**2], atol=1e-9)
        assert state.fitted == pytest.approx(2.0) and state.x[state.middle] == state.y[state.middle] == 0


def test_the_words_are_of_what_is_drawn():
    lab = PointsLab(sigma=4.0)
    table = expected(lab.values)
    assert_messages(
        lab,
        {
            "points.lines": dict(fitted=2.0, slope=table["slope", "model"][1]),
            "points.reads": dict(xx=1.0, xy=2.0, yy=20.0),
            "points.behind": dict(sigma=4.0, fitted=2.0, mean=table["many", "means"][1][24]),
        },
    )


def test_points_far_from_the_training_are_said_to_be_so():
    corners = [(index, x, 13.0) for index, x in enumerate(np.linspace(-3, 3, 19))]
    lab = PointsLab(moved=tuple(corners), sigma=5.0)
    assert lab.error is None
    assert np.isfinite(lab.arrays.slope) or "no number" in lab.words_now


@pytest.mark.parametrize("kind, best", [("diag", 0.0026), ("gd++", 0.0262)])
def test_the_stored_models_of_one_feature_are_trained_and_as_good_as_their_record(kind, best):
    """GD++ keeps a fixed share, and the best fixed ridge at d = 1 has .0255; AdaRR has .0031 and the best possible predictor .0022."""
    from lt_helpers import RegressionTask, adjusted_loss

    model = line(kind)
    loss, error = adjusted_loss(
        model, RegressionTask(1, 20, Uniform(5.0)), samples=20_000, rng=np.random.default_rng(5)
    )
    assert model.dim == 1 and origin(model.record) == "trained"
    assert model.record["loss"] < best and abs(loss - model.record["loss"]) < 4 * error


@pytest.mark.leads
class TestBeats:
    def tell(self, lab):
        return lab.names.say(lab.story().found)

    @pytest.mark.parametrize("at", [(15, 1.0, 9.0), (11, 0.5, 12.0), (0, -2.5, -10.0)])
    def test_a_point_that_is_dragged_moves_both_lines_and_is_told_so_in_numbers(self, at):
        lab = PointsLab()
        assert lab.story().phase == "do"
        lab._grabbed("moved", *at)
        before, after = expected({**lab.values, "moved": ()}), expected(lab.values)
        model = [table["slope", "model"][1] for table in (before, after)]
        fitted = [table["many", "model"][0] for table in (before, after)]
        told = self.tell(lab)
        assert f"best-fitting line's slope went from {fitted[0]:.2f} to {fitted[1]:.2f}" in told
        assert f"the model's from {model[0]:.2f} to {model[1]:.2f}" in told
        shares = [slope / fit for slope, fit in zip(model, fitted)]
        doubts = f"keeps {shares[1]:.0%} of the best fit now, and kept {shares[0]:.0%} before: it takes"
        assert (doubts in told) == (shares[1] < shares[0] - 0.05)

    def test_what_makes_the_model_keep_less_of_the_fit_is_that_a_dragged_point_scatters(self):
        """With x^2 and x y as they come out, and no more left over than before (1), it would keep its share."""
        for index, at_x, at_y in (
            (11, 0.6, 12.0),
            (15, 1.0, 9.0),
            (15, 1.0, -6.0),
            (2, -0.5, 12.0),
            (18, 2.0, 12.0),
        ):
            state = PointsLab.compute(
                sigma=1.0, kind="diag", moved=((index, at_x, at_y),), lifted=(), seed=11
            )
            quiet = np.array([state.fitted * state.x, np.ones(20)])
            quiet[1] -= state.x * (state.x @ quiet[1]) / (state.x @ state.x)
            quiet[1] *= 20**0.5 / np.linalg.norm(quiet[1])  # leaves a mean square of 1
            kept = slope("diag", state.x, quiet.sum(axis=0)) / state.fitted
            assert kept == pytest.approx(0.93, abs=0.03)
            assert state.slope / state.fitted < kept - 0.05

    def test_a_point_that_was_only_touched_is_no_answer(self):
        lab = PointsLab()
        at = list(np.delete(lab.arrays.x, lab.arrays.middle)).index(lab.arrays.x[-1])
        lab._grabbed("moved", at, 2.0, 3.5)  # the place on the grid that is nearest to it
        assert lab.story().phase == "do"

    def test_a_point_that_was_moved_is_told_of_even_where_the_line_ends_as_it_began(self):
        lab = PointsLab()
        lab._grabbed(
            "moved", 15, 1.0, 11.0
        )  # up on the right: steeper by itself, flatter by what it scatters
        after = expected(lab.values)["slope", "model"][1]
        assert after == pytest.approx(1.85, abs=0.05)
        assert f"the model's from 1.85 to {after:.2f}" in self.tell(lab)

    def test_where_both_lines_end_as_they_began_that_is_said(self):
        lab = PointsLab()
        lab._grabbed("moved", 10, 0.0, -1.0)  # from as far above the middle
        table = expected(lab.values)
        fitted, model = table["many", "model"]
        assert (fitted, model) == (pytest.approx(2.0, abs=0.05), pytest.approx(1.85, abs=0.05))
        told = self.tell(lab)
        assert f"{fitted:.2f} for the best-fitting line, {model:.2f} for the model's" in told
        assert "nearly as before" in told and "went from" not in told

    def test_a_point_that_is_pulled_up_makes_the_model_trust_all_less_and_least_squares_does_not_care(self):
        lab = PointsLab(beat="pull")
        lab.controls["pull_guess"].value = "steeper"
        lab.lock()
        for height in (5.0, 12.0, 2.0):  # what was told stays
            lab._grabbed("lifted", 0, 0.3, height)
        y = expected({**lab.values, "lifted": ((0, 0.0, 12.0),)})
        told = self.tell(lab)
        assert "You said “steeper”; it is “flatter”." in told
        assert f"from 1.85 to {y['slope', 'model'][1]:.2f}" in told and "stayed at 2.00" in told
        assert "from 5.0 to 12.2" in told

    def test_the_slope_at_sigma_4_is_the_models(self):
        lab = PointsLab(beat="noise", slope_guess=2.0)
        lab.lock()
        lab.controls["sigma"].value = 4.3
        x, noise, _ = draw(11)
        model = slope("diag", x, 2 * x + 4 * noise)
        assert lab.answers["slope_guess"].answer == pytest.approx(model)
        assert f"is {model:.2f}, the best-fitting line's still 2.00." in self.tell(lab)

    def test_where_the_best_fit_is_2_the_truth_is_nearer_to_1(self):
        """w ~ N(0, 1) and the fit ~ N(w, 16 / 20): the mean of w given a fit of 2 is 2 / (1 + 16 / 20)."""
        lab = PointsLab(beat="wise", truth_guess=1.5)
        lab.lock()
        lab.controls["sigma"].value = 4.0
        told = self.tell(lab)
        assert "it is “about 1”" in told
        assert float(told.split("It is ")[1][:4]) == pytest.approx(2 / 1.8, abs=0.06)
        x, noise, _ = draw(11)
        assert f"the model said {slope('diag', x, 2 * x + 4 * noise):.2f}." in told

    def test_gdpp_keeps_one_share_at_any_noise(self):
        lab = PointsLab(beat="gdpp", other_guess="same")
        lab.lock()
        lab.controls["sigma"].value = 4.0
        assert "and that is right" in self.tell(lab)
        share = 1 / (1 + 25 / 3 / 20)  # ridge regression with the mean of sigma^2
        assert lab.arrays.slope == pytest.approx(2 * share, rel=2e-3)
        assert f"{lab.arrays.slope:.2f} at every σ" in self.tell(lab)
        assert f"σ = {(25 / 3) ** 0.5:.1f}." in self.tell(lab)


@pytest.mark.parametrize("kind, sigma, told", [("diag", 1, 1.85), ("diag", 4, 1.08), ("gd++", 4, 1.41)])
def test_the_slopes_that_notebook_02_reads_with_its_meter_are_these(kind, sigma, told):
    x, noise, _ = draw(11)
    assert round(slope(kind, x, 2 * x + sigma * noise), 2) == told
    text = (Path(__file__).parents[2] / "notebooks/.text/02_in_context_regression.py").read_text()
    assert f"had slope {told} of 2" in text


def test_an_answer_of_0_is_as_far_from_the_truth_as_notebook_00_says():
    lengths = np.linalg.norm(np.random.default_rng(1).normal(size=(100_000, 10)), axis=1)
    assert round(lengths.mean(), 1) == 3.1
