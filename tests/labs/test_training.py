"""The training lab: what it trains, what it shows of it, and that the weights follow the noise."""

from types import SimpleNamespace

import by_hand
import numpy as np
import pytest
from marks import assert_marks, assert_messages

from lt_helpers import Categorical, LinearTransformer, RegressionTask, Uniform, adjusted_loss, load_pretrained
from lt_helpers.labs import NoiseLab, TrainingLab
from lt_helpers.labs.training import matrix_panel, to_bayes
from lt_helpers.spectrum import Spectrum
from lt_helpers.training.live import CONTEXT, DIM, EVERY, PLATEAU, context, yardstick

AGO = "ago", -2000, 120
AXES = {
    ("xx", "axes"): (AGO, ("", -2.5, 1.5)),
    ("xy", "axes"): (AGO, ("", -0.3, 0.1)),
    ("yx", "axes"): (AGO, ("", -13, 1)),
    ("yy", "axes"): (AGO, ("", -0.1, 0.1)),
    ("loss", "axes"): (AGO, ("", 1e-3, 10, "log")),
    ("weight", "axes"): (("component", 0.4, 10.6), ("", -2.5, 2.5)),
}

LAYERS = "first", "second", "third", "fourth", "fifth"
ROLES = (
    {
        (name, f"layer {layer}"): role
        for name in ("xx", "xy", "yx", "yy")
        for layer, role in enumerate(LAYERS, 1)
    }
    | {(name, "now"): "first" for name in ("xx", "xy", "yx", "yy")}
    | {("loss", "loss now"): "model"}
)


@pytest.fixture
def lab():
    return TrainingLab(layers=2)


def expected(lab, models):
    """What belongs to each mark after `models`, one each 20 steps, were met: their weights and losses, by tokens and by hand."""
    ago = np.arange(-2000, 1, 20)
    unknown = len(ago) - len(models)
    omega = np.array([model.omega.reshape(-1, 4) for model in models])  # (K, L, 4)
    omega[:, -1, :2] = np.nan  # the last layer's x is read by nobody
    shown = yardstick(lab.process.noise, "diag", omega.shape[1])
    S, oracle = (np.asarray(part, float) for part in (shown.sequences.S[:, :11, :11], shown.sequences.oracle))
    losses = [((model.implicit_weight(S) - oracle) ** 2).sum(axis=1).mean() / 2 for model in models]
    x, truth, y = context()
    component = np.arange(1, 11)
    table = dict(AXES)
    for index, name in enumerate(("xx", "xy", "yx", "yy")):
        for layer in range(omega.shape[1]):
            path = np.append(np.full(unknown, np.nan), omega[:, layer, index])
            table[name, f"layer {layer + 1}"] = (ago, path)
        table[name, "now"] = (np.zeros(omega.shape[1]), omega[-1, :, index])
    return table | {
        ("loss", "model"): (ago, np.append(np.full(unknown, np.nan), losses)),
        ("loss", "loss now"): (0, losses[-1]),
        ("loss", "bayes"): (ago, np.full(len(ago), shown.bayes)),  # from before the run
        ("loss", "stored"): (ago, np.full(len(ago), shown.stored)),
        ("weight", "truth"): (component, truth),
        ("weight", "oracle"): (component, by_hand.ridge(x, y, 2.0**2)),
        ("weight", "model"): (component, by_hand.probe(models[-1], x, y)),
    }


def test_every_mark_is_the_run_so_far():
    lab = TrainingLab(layers=2, sigma_max=3.0, guess=-4.0)
    models = [lab.model()]
    for _ in range(3):
        lab.run(steps=EVERY)
        models.append(lab.model())
    table = expected(lab, models) | {("yx", "prediction"): (0, -4.0)}
    assert_marks(lab, table, ROLES, rtol=1e-3, atol=1e-5)
    for panel in lab.panels_now[:4]:
        assert panel.mark("now").roles == LAYERS[:2]  # of each point its layer's
    loss, bayes, stored = (table["loss", name][1][-1] for name in ("model", "bayes", "stored"))
    said = {
        "training.state": dict(noise="U(0, 3)", steps=60, loss=loss, bayes=bayes),
        "training.beside": dict(stored=stored),
    }
    assert_messages(lab, said, rtol=1e-3)


@pytest.mark.slow
def test_an_upright_line_stands_where_the_noise_changed():
    lab = TrainingLab(layers=2)
    assert not [panel for panel in lab.panels_now if "change" in {mark.name for mark in panel.marks}]
    lab.run(steps=30)
    lab.controls["sigma_max"].value = 2.0
    lab.controls["sigma_max"].value = 3.0  # at the same step
    lab.run(steps=50)
    lab.controls["sigma_max"].value = 1.0
    lab.run(steps=10)
    for panel in lab.panels_now[:5]:
        low, high = panel.y.low, panel.y.high
        np.testing.assert_array_equal(panel.mark("change").x, [-60, -60, np.nan, -10, -10, np.nan])
        np.testing.assert_array_equal(panel.mark("change").y, [low, high, np.nan] * 2)
    assert lab.arrays.steady == 10
    lab.run(steps=1970)
    lab.controls["sigma_max"].value = 2.0
    np.testing.assert_array_equal(lab.arrays.changed, [-1980, 0])  # the first is out of the picture
    lab.controls["seed"].value = 2
    lab.run(steps=20)
    assert len(lab.arrays.changed) == 0 and lab.arrays.steady == 20


def test_where_gauss_newton_ended_is_marked_beside_the_present():
    lab = TrainingLab(layers=2, sigma_max=3.0)
    lab.run(steps=40)
    lab.process.jump(30)
    while lab.process.jumping:
        lab.run(steps=1)
    there = lab.model().omega.reshape(2, 4)
    there[-1, :2] = np.nan
    for panel, omega in zip(lab.panels_now, there.T, strict=False):
        np.testing.assert_allclose(panel.mark("target").y, omega, rtol=1e-4)
        np.testing.assert_array_equal(panel.mark("target").x, 60)
    (loss,) = (panel for panel in lab.panels_now if panel.name == "loss")
    np.testing.assert_allclose(loss.mark("target loss").y, lab.arrays.target_loss)
    assert [message.id for message in lab.messages][:2] == ["training.state", "training.jumped"]


def test_the_matrices_of_full_stand_side_by_side_layer_by_layer_rows_from_the_top():
    lab = TrainingLab(kind="full", layers=3)
    lab.run(steps=20)
    model = lab.model()
    for name, panel in zip("PQ", lab.panels_now[-2:], strict=True):
        z = panel.mark(name).z
        assert panel.name == name and z.shape == (11, 36) and panel.y.low > panel.y.high
        for layer in range(3):
            shown, whole = z[:, 12 * layer : 12 * layer + 11], getattr(model, name)[layer, 0]
            where = np.isfinite(shown)
            scale = shown[where] / whole[where]  # the gauge: P -> c P, Q -> Q / c
            np.testing.assert_allclose(scale, scale[0], rtol=1e-6)
            assert np.isnan(z[:, 12 * layer + 11]).all()
        assert [lab.names.text(label) for label in panel.x.labels] == ["layer 1", "layer 2", "layer 3"]
        assert panel.x.ticks == (5, 17, 29)  # the middle of eleven columns
        assert dict(zip(panel.y.labels, panel.y.ticks)) == {"x": 4.5, "y": 10}


def test_where_layers_are_many_each_has_a_number_for_its_name():
    for layers, name, labels in ((3, "", ["layer 1", "layer 2", "layer 3"]), (5, "layer", list("12345"))):
        lab = TrainingLab(kind="full", layers=layers)
        (panel,) = (panel for panel in lab.panels_now if panel.name == "P")
        assert panel.x.name == name and [lab.names.text(label) for label in panel.x.labels] == labels


def test_the_omegas_of_full_are_those_of_the_means_over_its_blocks():
    """P and Q differ, and so do their blocks: each omega is a mean of P's times a mean of Q's."""
    lab = TrainingLab(kind="full", layers=2)
    lab.run(steps=20)
    model = lab.model()
    for layer in range(2):
        P, Q = model.P[layer, 0], model.Q[layer, 0]
        of_P = [sum(P[i, i] for i in range(10)) / 10, P[10, 10]]
        of_Q = [sum(Q[i, i] for i in range(10)) / 10, Q[10, 10]]
        for index, name in enumerate(("xx_means", "xy_means", "yx_means", "yy_means")):
            writes, reads = divmod(index, 2)
            panel = lab.panels_now[index]
            wanted = np.nan if layer == 1 and writes == 0 else of_P[writes] * of_Q[reads]
            assert panel.name == name
            np.testing.assert_allclose(panel.mark("now").y[layer], wanted, rtol=1e-6)


def test_one_layer_ends_where_it_must():
    lab = TrainingLab(layers=1, sigma_max=3.0, learning_rate=0.01)
    lab.run(steps=500)
    many = RegressionTask(DIM, CONTEXT, Uniform(3)).sample_moments(50_000, np.random.default_rng(0))
    alpha = many.S[:, :-1, -1]
    np.testing.assert_allclose(
        lab.arrays.omega[0, 2, -1], -(alpha * many.w).sum() / (alpha**2).sum(), rtol=0.04
    )


def test_the_loss_that_is_shown_is_the_models(lab):
    lab.run(steps=100)
    expected, error = adjusted_loss(
        lab.model(), RegressionTask(DIM, CONTEXT, Uniform(1)), 20_000, np.random.default_rng(5)
    )
    np.testing.assert_allclose(lab.arrays.loss[-1], expected, rtol=0.15)


def test_the_lines_beside_the_loss_are_the_bayes_optimal_predictors_and_the_stored_models():
    shown = yardstick(Uniform(5), "diag", 3)
    S = np.asarray(shown.sequences.S[:, :11, :11], float)
    spectrum = Spectrum.from_moments(S, CONTEXT)
    oracle = np.asarray(shown.sequences.oracle, float)
    for value, w in (
        (shown.bayes, spectrum.bayes(Uniform(5))),
        (shown.stored, load_pretrained("diag", 3, Uniform(5)).implicit_weight(S)),
    ):
        np.testing.assert_allclose(value, ((w - oracle) ** 2).sum(axis=1).mean() / 2, rtol=1e-3)
    assert np.isnan(yardstick(Uniform(2.5), "diag", 3).stored)


def test_the_omegas_that_are_shown_are_the_models(lab):
    lab.run(steps=EVERY)
    shown, omega = lab.arrays.omega[:, :, -1], lab.model().omega.reshape(2, 4)
    np.testing.assert_allclose(shown[np.isfinite(shown)], omega[np.isfinite(shown)], rtol=1e-6)
    assert np.isnan(shown).tolist() == [[False] * 4, [True, True, False, False]]
    assert np.isnan(TrainingLab(layers=1).arrays.omega[0, :, -1]).tolist() == [True, True, False, True]


@pytest.mark.parametrize("layers, dead", [(1, [(0, 0), (0, 1), (1, 1)]), (2, [(0, 0), (0, 1)])])
def test_what_is_left_out_of_the_picture_has_no_effect(layers, dead):
    """The omegas of the last layer that are drawn as gaps: changing them changes no answer."""
    rng = np.random.default_rng(0)
    S = RegressionTask(DIM, CONTEXT, Uniform(2)).sample_moments(10, rng).S
    p, q = rng.normal(scale=0.1, size=(2, layers, 4, 2))
    p[-1] = [[1, 0], [1, 0], [0, 1], [0, 1]]  # the last layer: a head for each omega
    q[-1] = np.array([[1, 0], [0, 1], [1, 0], [0, 1]]) * 0.1
    before = LinearTransformer.from_diagonals(p, q, DIM).implicit_weight(S)
    for row, column in dead:
        q[-1, 2 * row + column] *= 5
    np.testing.assert_allclose(
        LinearTransformer.from_diagonals(p, q, DIM).implicit_weight(S), before, atol=1e-12
    )
    q[-1, 2] *= 5
    assert not np.allclose(LinearTransformer.from_diagonals(p, q, DIM).implicit_weight(S), before)


def test_moving_the_noise_keeps_the_weights_and_trains_on(lab):
    lab.run(steps=200)
    weights = lab.model().omega
    lab.controls["sigma_max"].value = 5.0
    np.testing.assert_array_equal(lab.model().omega, weights)
    assert (
        lab.process.noise == Uniform(5) and lab.process.steps == 200 and "U(0, 5), step 200" in lab.words_now
    )
    jumped = lab.arrays.loss[-1]
    lab.run(steps=200)
    assert lab.arrays.loss[-1] < jumped and abs(lab.model().omega[1, 1, 0]) < abs(weights[1, 1, 0])


def test_the_noises_that_can_be_chosen(lab):
    lab.controls["sigma_max"].value = 3.0
    lab.controls["shape"].value = "{⅓, 1} · σ_max"
    assert lab.process.noise == Categorical((1, 3))
    lab.controls["sigma_max"].value = 5.0
    lab.controls["shape"].value = "{⅕, ⅗, 1} · σ_max"
    assert lab.process.noise == Categorical((1, 3, 5))


@pytest.mark.parametrize("kind", ["diag", "gd++", "full"])
@pytest.mark.parametrize("layers, sigma_max", [(1, 0.0), (5, 7.0)])
def test_every_kind_trains_at_each_end_of_depth_and_noise(kind, layers, sigma_max):
    lab = TrainingLab(kind=kind, layers=layers, sigma_max=sigma_max)
    begin = lab.arrays.loss[-1]
    lab.run(steps=60)
    assert len(lab.figure.data) > 0  # plotly checks every property
    assert lab.error is None and lab.arrays.loss[-1] < begin
    assert "nan" not in lab.words_now and "inf" not in lab.words_now
    assert lab.model().kind == kind and lab.model().layers == layers


def test_another_depth_kind_or_start_begins_anew(lab):
    lab.run(steps=20)
    for name, value in dict(layers=3, kind="gd++", seed=8).items():
        lab.controls[name].value = value
        assert lab.process.steps == 0 and lab.values[name] == value and lab.error is None
        lab.run(steps=1)
    assert lab.values["learning_rate"] == 0.06
    lab.controls["kind"].value = "full"
    assert lab.values["learning_rate"] == 0.02


def test_the_same_start_and_moves_give_the_same_weights():
    def trained():
        lab = TrainingLab(layers=2, seed=3)
        lab.run(steps=30)
        lab.controls["sigma_max"].value = 4.0
        lab.run(steps=30)
        return lab.model().omega

    np.testing.assert_array_equal(trained(), trained())


def test_gauss_newton_goes_below_where_adam_is_and_marks_it(lab):
    lab.controls["sigma_max"].value = 5.0
    lab.run(steps=100)
    before = lab.arrays.loss[-1]
    lab.process.jump(60)
    lab.run(steps=61)
    assert (
        lab.arrays.target_loss < before
        and lab.arrays.jumping == 0
        and "Gauss-Newton ends at" in lab.words_now
    )
    best, task = load_pretrained("diag", 2, Uniform(5)), RegressionTask(DIM, CONTEXT, Uniform(5))
    expected, _ = adjusted_loss(best, task, 20_000, np.random.default_rng(5))
    np.testing.assert_allclose(lab.arrays.target_loss, expected, rtol=0.15)


def test_a_poor_minimum_is_named(lab):
    process = lab.process
    good = yardstick(Uniform(1), "diag", 2).stored
    omega = process.omegas()
    for loss, stalled in ((1.3 * good, True), (1.02 * good, False)):
        process.memory.clear()
        process.memory.extend([(omega, loss, 0.1, good)] * PLATEAU)
        process.steps = EVERY * PLATEAU
        assert process.state().stalled == stalled
        said = [message.id for message in lab.words(process.state(), None)]
        assert ("training.stalled" in said) == stalled
    process.memory.extend([(omega, loss, 0.1, good) for loss in np.geomspace(2 * good, 1.3 * good, PLATEAU)])
    assert not process.state().stalled


def test_rows_of_full_that_never_train_are_gaps():
    lab = TrainingLab(kind="full", layers=2)
    lab.run(steps=10)
    P = lab.arrays.P
    assert (
        np.isnan(P[-1, :-1]).all()
        and np.isfinite(P[-1, -1]).all()
        and np.isfinite(P[0]).all()
        and np.isfinite(lab.arrays.Q).all()
    )
    np.testing.assert_allclose(np.linalg.norm(P[0]), np.linalg.norm(lab.arrays.Q[0]))


def test_the_context_that_is_shown_is_answered_as_tokens(lab):
    lab.run(steps=50)
    x, _, y = context()
    queries = [lab.model()(x[None], y[None], unit[None], form="tokens")[0] for unit in np.eye(DIM)]
    np.testing.assert_allclose(lab.arrays.w, queries, atol=1e-10)


def test_the_model_can_be_handed_to_the_noise_lab(lab, tmp_path):
    lab.run(steps=50)
    path = tmp_path / "mine.safetensors"
    lab.model().save(path)
    noise_lab = NoiseLab(model=path, noise="uniform-1", sigma=2.0)
    state = noise_lab.arrays
    assert (
        state.path.shape == (3, DIM)
        and state.noise == Uniform(1)
        and opened_again(noise_lab) == noise_lab.words_now
    )
    noise_lab.hold_ghost()
    noise_lab.controls["kind"].value = "diag"
    noise_lab.controls["noise"].value = "uniform-3"
    assert noise_lab.error is None and len(noise_lab.arrays.path) - 1 == noise_lab.values["layers"]
    assert opened_again(noise_lab) == noise_lab.words_now
    noise_lab.controls["kind"].value = "own"
    assert noise_lab.words_now == opened_again(noise_lab) and noise_lab.arrays.noise == Uniform(1)
    noise_lab.hold_ghost(False)
    noise_lab.controls["kind"].value = "diag"
    noise_lab.controls["noise"].value = "uniform-3"
    again = eval(noise_lab.view().split("; ")[1])
    again.controls["kind"].value = "own"
    assert again.arrays.noise == Uniform(1)  # what it was trained on, whatever the other models were
    assert "own" not in dict(NoiseLab().controls["kind"].options).values()


def opened_again(lab):
    """The words of the lab that the copied view opens, and that its drawing is the same."""
    again = eval(lab.view().split("; ")[1])
    assert again.figure == lab.figure
    return again.words_now


def test_a_model_that_was_trained_on_and_saved_again_is_read_again(lab, tmp_path):
    path = tmp_path / "mine.safetensors"
    lab.model().save(path)
    before = NoiseLab(model=path, noise="uniform-1").arrays
    lab.run(steps=50)
    lab.model().save(path)
    assert not np.allclose(NoiseLab(model=path, noise="uniform-1").arrays.path, before.path)


def test_an_open_noise_lab_keeps_the_model_that_it_has_read(lab, tmp_path):
    path = tmp_path / "mine.safetensors"
    lab.model().save(path)
    noise_lab = NoiseLab(model=path, trained_on="uniform-1", ghost={"sigma": 2.0})
    before, ghost = noise_lab.arrays.path, noise_lab.figure.data[2].y
    LinearTransformer.random("diag", DIM, 4, 1, np.random.default_rng(0)).save(path)
    assert NoiseLab(model=path, trained_on="uniform-1").values["layers"] == 4
    path.unlink()
    noise_lab.controls["sigma"].value = 3.0
    noise_lab.controls["sigma"].value = 1.0
    assert noise_lab.error is None and np.array_equal(noise_lab.arrays.path, before)
    assert np.array_equal(noise_lab.figure.data[2].y, ghost)


def test_what_is_no_file_is_said():
    with pytest.raises(TypeError, match="model is 2.0: model must be a string or a Path"):
        NoiseLab(model=2.0)
    with pytest.raises(TypeError, match="trained_on is 'uniform-1': it goes with model"):
        NoiseLab(trained_on="uniform-1")


def test_a_model_of_another_dimension_is_refused(tmp_path):
    path = tmp_path / "small.safetensors"
    LinearTransformer.random("diag", 4, 2, 1, np.random.default_rng(0)).save(path)
    with pytest.raises(ValueError, match="has dim = 4: the sequences of this lab have dim = 10"):
        NoiseLab(model=path)


@pytest.mark.slow
@pytest.mark.leads
def test_the_beats_follow_one_run_and_say_what_it_did():
    """The whole way, with the weights of the models that stand at its corners, and losses on sequences of their own."""
    lab = TrainingLab()
    assert lab.beat == "start" and [panel.name for panel in lab.panels_now] == ["loss"]
    lab.run(steps=1199)
    assert lab.story().phase == "do"
    lab.run(steps=1)
    assert lab.story().phase == "told" and "After 1,200 steps" in lab._guide.task.value
    models = [lab.model()]

    def pass_beat(name, guess, answer, top, steps):
        lab.next()
        assert lab.beat == name and lab.process.steps > 0 and lab.story().phase == "ask"
        lab.controls[guess].value = answer
        lab.lock()
        lab.controls["sigma_max"].value = top
        lab.run(steps=steps - 1)
        assert lab.story().phase == "do"
        lab.run(steps=1)
        assert lab.story().phase == "told"
        models.append(lab.model())

    pass_beat("shorter", "way_guess", "towards", 5.0, 1500)
    pass_beat("back", "guess", -7.5, 1.0, 2000)
    pass_beat("again", "ratio_guess", "further", 5.0, 1500)

    last = [model.omega[-1, 1, 0] for model in models]
    assert abs(last[1]) < abs(last[0]) - 0.5 and lab.answers["way_guess"].answer == "towards"
    np.testing.assert_allclose(lab.answers["guess"].answer, last[2])
    assert last[2] < last[0] - 1  # "still on its way there"

    def to_bayes(model, noise):
        task = RegressionTask(DIM, CONTEXT, noise)
        moments = task.sample_moments(4_000, np.random.default_rng(7))
        spectrum = Spectrum.from_moments(moments.S, CONTEXT)
        oracle = spectrum.ridge(moments.sigma)
        answers = model.implicit_weight(moments.S), spectrum.bayes(noise)
        mine, best = (((w - oracle) ** 2).sum(axis=1).mean() for w in answers)
        return mine / best

    assert to_bayes(models[3], Uniform(5)) < to_bayes(models[2], Uniform(1)) / 1.5
    assert lab.answers["ratio_guess"].answer == "nearer"
    assert (
        models[3].omega[1, 0, 1] < models[2].omega[1, 0, 1] < 0.01
    )  # omega_xy of layer 2: "went from .. to .."
    second = [f"{model.omega[1, 0, 1]:.3f}" for model in models[2:]]
    assert "from {} to {}:".format(*second) in lab.names.say(lab.story().found)


@pytest.mark.leads
def test_a_beat_waits_for_a_change_in_the_middle_of_the_run():
    """Whoever trains from the start at the new noise has seen no weight move."""
    lab = TrainingLab(beat="shorter")
    lab.controls["sigma_max"].value = 5.0  # nothing was trained yet: a new run
    lab.run(steps=1500)
    assert lab.story().phase == "do" and lab.story().task.id == "training.beat.shorter.first"


@pytest.mark.leads
@pytest.mark.parametrize("beat, top", [("shorter", 1.0), ("back", 5.0), ("again", 1.0)])
def test_a_beat_that_is_opened_before_anything_is_trained_says_train_first(beat, top):
    lab = TrainingLab(beat=beat)
    assert lab.values["sigma_max"] == top and lab.story().phase == "do"
    assert "Train first" in lab._guide.task.value and "Nothing is trained yet" in lab.words_now
    lab.run(steps=1199)
    assert "Train first" in lab._guide.task.value
    lab.run(steps=1)
    assert lab.story().phase == "ask" and "Train first" not in lab._guide.task.value
    assert lab._begun.steps == 1200  # it begins here, not with the random weights


def test_the_multiple_of_bayess_loss_is_that_of_the_newest_losses():
    """By hand: 6 over 1.5, and neither a loss nor a Bayes's of an earlier check."""
    assert to_bayes(SimpleNamespace(loss=[12.0, 9.0, 6.0], bayes=[1.0, 2.0, 1.5])) == 4.0


@pytest.mark.parametrize("layers", [1, 3, 7])
def test_no_row_and_no_column_of_a_matrix_is_cut(layers):
    panel = matrix_panel("P", np.ones((layers, 5, 5)))
    (heat,) = panel.marks
    assert heat.z.shape == (5, 6 * layers)  # a gap after each layer
    assert (panel.y.low, panel.y.high) == (4.5, -0.5)  # rows from the top
    assert panel.x.low <= -0.5 and panel.x.high == 6 * layers - 1  # in the middle of the last gap
