import by_hand
import numpy as np
import pytest
from leading import done
from marks import assert_marks, assert_messages, drawn

from lt_helpers import LinearTransformer, load_pretrained
from lt_helpers.labs import NoiseLab
from lt_helpers.labs.material import sequence, stored_kinds
from lt_helpers.labs.noise import CURVE, GRID
from lt_helpers.noise import parse_noise
from lt_helpers.pretrained import stored_layers

AXES = {
    ("weight", "axes"): (("component", 0.4, 10.6), ("w", -3.5, 3.5)),
    ("kept", "axes"): (("eigenvalue", 0, 4.5), ("share", -0.1, 1.2)),
    ("step", "axes"): (("layer", 0.5, 12.5), ("factor", -0.5, 2.0)),
    ("meter", "axes"): (("sigma_true", 0, 9), ("sigma_read", 0, 8)),
}

ROLES = {
    ("kept", "ridge"): "oracle",
    ("step", "step"): "first",
    ("step", "rescaling"): "second",
    ("step", "ghost rescaling"): "ghost second",
    ("meter", "likelihood"): "noise",
}


@pytest.fixture
def lab():
    return NoiseLab()


def read(values):
    """The sequence of a lab at its noise, and its model."""
    shown = sequence(values["seed"])
    y = shown.x @ shown.truth + values["sigma"] * shown.direction
    model = load_pretrained(values["kind"], values["layers"], parse_noise(values["noise"]))
    return shown.x, y, shown.truth, model


def columns(layers):
    """Where the weight stands in the column of its component: left before the first layer, right after the last -> (L+1, d)"""
    return np.arange(1, 11) + np.linspace(-0.32, 0.32, layers + 1)[:, None]


def keep(model, x, sigma, seed):
    """What the model keeps of each direction over a hundred redraws, and how well a share describes it -> (d,), (d,)"""
    rng = np.random.default_rng(seed)
    truths, noises = rng.normal(size=(100, 10)), rng.normal(size=(100, 20))
    return by_hand.slope_over_redraws(lambda *xy: by_hand.probe(model, *xy), x, sigma, truths, noises)


def expected(values):
    """What belongs to each mark, token by token and direction by direction."""
    x, y, truth, model = read(values)
    sigma, penalty = values["sigma"], values["sigma"] ** 2
    path, at = by_hand.probe_layers(model, x, y), columns(model.layers)
    s, _ = by_hand.principal(x)
    curve = np.full(len(CURVE), np.nan)
    if model.kind != "full":
        reached = s[-1] >= CURVE
        curve[reached] = by_hand.kept_of_one_more(model, x, y, CURVE[reached])
    density = np.exp(by_hand.normal_scores(x, y, GRID) - by_hand.normal_scores(x, y, GRID).max())
    likely = (density > 0.01) & (GRID <= 8)
    layers = np.arange(1, model.layers + 1)
    gaps = np.full((1, 10), np.nan)
    return AXES | {
        ("weight", "truth"): (np.arange(1, 11), truth),
        ("weight", "oracle"): (np.arange(1, 11), by_hand.ridge(x, y, penalty)),
        ("weight", "layers"): (np.append(at, gaps, 0).T.ravel(), np.append(path, gaps, 0).T.ravel()),
        ("weight", "model"): (at[-1], path[-1]),
        ("kept", "ridge"): (CURVE, CURVE / (CURVE + penalty / 20)),
        ("kept", "sequence"): (CURVE, curve),
        ("kept", "model"): (s, keep(model, x, sigma, values["seed"])[0]),
        ("step", "level"): ([0.5, 12.5], [1, 1]),
        ("step", "step"): (layers, by_hand.step_by_layer(model, x, y)[0]),
        ("step", "rescaling"): (layers, by_hand.rescaling_by_layer(model, x, y)),
        ("meter", "range"): ([0, 5, 5, 0, np.nan], [-np.inf, -np.inf, np.inf, np.inf, np.nan]),
        ("meter", "diagonal"): ([0, 8], [0, 8]),
        ("meter", "likelihood"): (sigma + 0.9 * density[likely], GRID[likely]),
        ("meter", "adarr"): (sigma, by_hand.noise_left(x, y)),
        ("meter", "model"): (sigma, by_hand.nearest_noise(path[-1], x, y)),
    }


@pytest.mark.parametrize(
    "values",
    [
        dict(sigma=4.0),
        dict(sigma=2.5, kind="gd++", layers=3, seed=66),
        dict(sigma=1.5, kind="full", layers=7, seed=9),
    ],
    ids=["diag", "gd++", "full"],
)
def test_every_mark_is_what_another_route_finds(values):
    lab = NoiseLab(**values)
    assert_marks(lab, expected(lab.values), ROLES, rtol=2e-3, atol=2e-5)


def test_the_ghost_is_the_state_that_was_held_and_the_stars_stand_where_they_were_set():
    lab = NoiseLab(sigma=4.0, ghost=dict(sigma=1.0, layers=3), kept_guess=0.35, implied_guess=2.5)
    now, held = expected(lab.values), expected({**lab.values, "sigma": 1.0, "layers": 3})
    table = now | {
        ("weight", "ghost"): held["weight", "model"],
        ("kept", "ghost"): held["kept", "model"],
        ("step", "ghost"): held["step", "step"],
        ("step", "ghost rescaling"): held["step", "rescaling"],
        ("meter", "ghost"): held["meter", "model"],
        ("kept", "prediction"): (now["kept", "model"][0][0], 0.35),
        ("meter", "prediction"): (4.0, 2.5),
    }
    assert_marks(lab, table, ROLES, rtol=2e-3, atol=2e-5)


def test_the_star_of_the_meter_stands_at_the_noise_that_is_asked_for():
    (meter,) = (panel for panel in NoiseLab(sigma=1.0, implied_guess=2.5).panels_now if panel.name == "meter")
    assert (meter.mark("prediction").x, meter.mark("prediction").y) == (4.0, 2.5)


def test_points_of_one_component_direction_or_layer_belong_together(lab):
    marks = {(panel.name, mark.name): mark for panel in lab.panels_now for mark in panel.marks}
    path = marks["weight", "layers"]
    there = np.isfinite(path.x)
    weights = by_hand.probe_layers(read(lab.values)[3], *read(lab.values)[:2])
    layer, component = path.keys["layer"][there].astype(int), np.round(path.x[there]).astype(int)
    np.testing.assert_allclose(path.y[there], weights[layer, component - 1], rtol=1e-6)
    assert np.isnan(path.keys["layer"][~there]).all()
    for name in ("truth", "oracle", "model"):
        assert (marks["weight", name].keys["component"] == np.arange(1, 11)).all()
    assert (marks["kept", "model"].keys["direction"] == np.arange(1, 11)).all()
    for name in ("step", "rescaling"):
        assert (marks["step", name].keys["layer"] == marks["step", name].x).all()


@pytest.mark.leads
def test_the_beats_tell_what_another_route_finds(lab):
    told = {beat.name: done(lab, beat) for beat in lab.BEATS}

    def at(sigma, kind="diag"):
        return dict(sigma=sigma, kind=kind, noise="uniform-5", layers=4, seed=66)

    def acts_on(values):
        x, y, _, model = read(values)
        return by_hand.nearest_noise(by_hand.probe(model, x, y), x, y)

    def steps(values):
        x, y, _, model = read(values)
        return by_hand.step_by_layer(model, x, y)[0]

    answer, _ = told["meter"]
    assert answer == pytest.approx(acts_on(at(4.0)), rel=2e-3)

    answer, values = told["gdpp"]
    assert answer == "stays" and values["implied"] == pytest.approx((25 / 3) ** 0.5, rel=2e-3)
    for sigma in (0.0, 2.0, 8.0):  # "at every sigma"
        assert acts_on(at(sigma, "gd++")) == pytest.approx((25 / 3) ** 0.5, rel=2e-3)

    answer, values = told["shares"]
    x, _, _, model = read(at(1.0))
    before, after = (keep(model, x, sigma, 66)[0] for sigma in (1.0, 4.0))
    assert answer == "weakest" and before[0] - after[0] > before[-1] - after[-1]
    shown = [values[name] for name in ("weak", "weaker", "strong", "less")]
    assert shown == pytest.approx([before[0], after[0], before[-1], after[-1]], rel=1e-3)
    s, _ = by_hand.principal(x)
    ridge = s[[0, -1], None] / (
        s[[0, -1], None] + np.array([1, 16]) / 20
    )  # weakest and strongest, before and after
    assert ridge[0, 0] - ridge[0, 1] > ridge[1, 0] - ridge[1, 1]  # "ridge regression does the same"

    answer, values = told["steps"]
    before, after = steps(at(1.0)), steps(at(4.0))
    assert answer == 1 + abs(after - before).argmax() == 4
    shown = [values[name] for name in ("first", "before", "last")]
    assert shown == pytest.approx([after[0], before[3], after[3]], rel=1e-3, abs=1e-6)
    assert steps(at(8.0))[0] == pytest.approx(before[0])  # "at every sigma"

    answer, values = told["beyond"]
    x, y, _, _ = read(at(8.0))
    assert answer == "between" and values["implied"] == pytest.approx(acts_on(at(8.0)), rel=2e-3)
    assert values["estimate"] == pytest.approx(by_hand.noise_left(x, y))


def test_the_words_are_of_what_is_drawn():
    lab = NoiseLab(sigma=7.0)
    table = expected(lab.values)
    x, y, truth, model = read(lab.values)
    density = np.exp(by_hand.normal_scores(x, y, GRID) - by_hand.normal_scores(x, y, GRID).max())
    low, high = (GRID[(density.cumsum() / density.sum() >= share).argmax()] for share in (0.05, 0.95))
    s, kept = table["kept", "model"]
    _, described = keep(model, x, 7.0, lab.values["seed"])
    away = np.linalg.norm(table["weight", "model"][1] - by_hand.ridge(x, y, 49.0))
    assert_messages(
        lab,
        {
            "noise.level": dict(sigma=7.0, variance=49.0),
            "noise.acts": dict(implied=table["meter", "model"][1]),
            "noise.allowed": dict(low=low, high=high),
            "noise.reading": dict(estimate=table["meter", "adarr"][1], distance=away),
            "noise.share": [dict(share=kept[j], ridge=s[j] / (s[j] + 49 / 20)) for j in (0, -1)],
            "noise.keeps": dict(fit=(described * s).sum() / s.sum()),
            "noise.steps": dict(
                steps=", ".join(
                    f"{round(step, 2) + 0.0:.2f}" for step in by_hand.step_by_layer(model, x, y)[0]
                )
            ),
            "noise.outside": dict(noise="U(0, 5)"),
        },
        rtol=0.02,
    )


def test_the_mouse_reads_the_cosine_of_step_and_gradient(lab):
    x, y, _, model = read(lab.values)
    (step,) = (panel.mark("step") for panel in lab.panels_now if panel.name == "step")
    np.testing.assert_allclose(step.data, by_hand.step_by_layer(model, x, y)[1], rtol=1e-6)
    assert "%{customdata:.2f}" in drawn(lab, "step", "step")["hovertemplate"]


def test_sliding_the_noise_scales_it_and_moves_nothing_else():
    states = [NoiseLab(sigma=sigma).arrays for sigma in (0.0, 1.0, 3.0)]
    for state in states[1:]:
        np.testing.assert_array_equal(state.truth, states[0].truth)
        np.testing.assert_array_equal(state.eigenvalues, states[0].eigenvalues)
    assert states[0].estimate < 1e-6
    np.testing.assert_allclose(states[2].estimate, 3 * states[1].estimate)


def test_without_noise_the_oracle_is_the_truth():
    state = NoiseLab(sigma=0.0).arrays
    np.testing.assert_allclose(state.oracle, state.truth)
    np.testing.assert_allclose(state.ridge_kept, 1)


def test_only_stored_models_are_offered(lab):
    for kind in stored_kinds().values():
        lab.controls["kind"].value = kind
        for _, noise in lab.controls["noise"].options:
            lab.controls["noise"].value = noise
            offered = [value for _, value in lab.controls["layers"].options]
            assert offered == stored_layers(kind, parse_noise(noise)) and lab.error is None


@pytest.mark.parametrize("scale", [1.0, 10.0])
def test_a_model_that_explodes_is_drawn_at_the_edge_and_said(tmp_path, scale):
    wild = LinearTransformer.random("full", 10, 7, rng=np.random.default_rng(0), scale=scale)
    wild.save(tmp_path / "wild.safetensors")
    lab = NoiseLab(model=tmp_path / "wild.safetensors", sigma=5.0)
    said = lab.words_now
    assert "diverges" in said or "explodes" in said and "drawn at its edge" in said
    shown = np.asarray(drawn(lab, "weight", "model")["y"])
    assert (np.abs(shown[np.isfinite(shown)]) <= 3.5).all()


def test_a_noise_below_the_grid_of_the_likelihood_is_said_to_be_so():
    assert "by the examples alone σ is up to 0.1, with a probability of 90%" in NoiseLab(sigma=0.0).words_now
    for seed in range(20):  # above, the likelihood falls like sigma^-20: of its area at most 2% are cut off
        likelihood = NoiseLab(sigma=8.0, seed=seed).arrays.likelihood
        assert likelihood[-1] * len(likelihood) / 19 < 0.02


@pytest.mark.parametrize("sigma, id", [(4.0, "noise.keeps"), (6.0, "noise.no_shares")])
def test_shares_are_said_up_to_ten(sigma, id):
    """A model outside of its training range keeps nine times a direction at one noise, and thousands of times at another."""
    lab = NoiseLab(sigma=sigma, kind="full", noise="uniform-2", layers=7, seed=40)
    largest = abs(lab.arrays.kept).max()
    assert (5 < largest < 10) if id == "noise.keeps" else largest > 10
    said = [message.id for message in lab.messages]
    assert [each for each in said if each in ("noise.keeps", "noise.no_shares")] == [id]


def test_where_no_noise_would_explain_the_answer_the_words_say_so():
    """Seed 40 of a model far outside its training range: the answer is finite, but the noise it acts as if it saw is not."""
    lab = NoiseLab(sigma=8.0, kind="diag", noise="uniform-2", layers=7, seed=40)
    assert not np.isfinite(lab.arrays.implied)
    assert (
        "the model explodes, and acts as for no σ at all; AdaRR" in lab.words_now
        and "nan" not in lab.words_now
    )


def test_a_file_of_ones_own_is_a_control_like_any_other(tmp_path):
    path = tmp_path / "mine.safetensors"
    load_pretrained("full", 3, parse_noise("uniform-5")).save(path)
    lab = NoiseLab(model=path, trained_on="uniform-5", sigma=2.0)
    stored = NoiseLab(kind="full", layers=3, sigma=2.0)
    np.testing.assert_array_equal(lab.arrays.path, stored.arrays.path)
    load_pretrained("diag", 5, parse_noise("uniform-5")).save(path)  # it was read once
    lab.controls["sigma"].value = 3.0
    lab.controls["sigma"].value = 2.0
    np.testing.assert_array_equal(lab.arrays.path, stored.arrays.path)
    lab.controls["kind"].value = "diag"
    assert lab.error is None and lab.values["layers"] == 3 and lab.values["noise"] == "uniform-5"
    np.testing.assert_array_equal(lab.arrays.path, NoiseLab(kind="diag", layers=3, sigma=2.0).arrays.path)
    assert repr(lab) == f"NoiseLab(model={str(path)!r}, sigma=2.0, kind='diag', layers=3)"


def test_a_file_says_on_what_noise_its_model_was_trained(tmp_path):
    path = tmp_path / "mine.safetensors"
    load_pretrained("diag", 3, parse_noise("uniform-2")).save(path)
    assert NoiseLab(model=path).values["noise"] == NoiseLab(model=path).values["trained_on"] == "uniform-2"
    assert NoiseLab(model=path, noise="uniform-7").values["trained_on"] == "uniform-7"
    assert NoiseLab(model=path, trained_on="fixed-2").arrays.noise.key == "fixed-2"
