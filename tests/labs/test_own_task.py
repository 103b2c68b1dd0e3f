"""Labs on a task of a learner's own: what they draw is computed again in the task's own units, what they average is measured by lt.risk."""

import json
from dataclasses import replace

import numpy as np
import pytest

import lt_helpers as lt
from lt_helpers import labs
from lt_helpers.labs import AlgorithmLab, Lab, NoiseLab, ProfileLab, RidgeLab, TrainingLab
from lt_helpers.lengths import MixedLengths

from .by_hand import probe, ridge

TAKERS = {"AlgorithmLab", "NoiseLab", "ProfileLab", "RidgeLab", "TrainingLab"}
ALL = [
    kind
    for kind in vars(labs).values()
    if isinstance(kind, type) and issubclass(kind, Lab) and kind is not Lab
]


class Fading(lt.Noise):
    sigma_max = 6.0

    def density(self, sigma):
        return np.exp(-sigma)


class Signs(lt.RegressionTask):
    def sample_inputs(self, shape, rng):
        return rng.choice([-1.0, 1.0], (*shape, self.dim))


class Outliers(lt.RegressionTask):
    def sample_noise(self, x, sigma, rng):
        larger = np.where(rng.random(x.shape[:2]) < 0.1, 5.0, 1.0)
        return larger * super().sample_noise(x, sigma, rng)


PLACE = np.arange(5)
TASK = lt.RegressionTask(5, 15, Fading(), 4 * 0.6 ** abs(PLACE - PLACE[:, None]), w_scale=3.0)
X, W = 2.0, 3.0  # the sizes of its inputs and weights, which are 1 in a lab
Y = X * W


def brought_back(model, dim=5):
    """A model of inputs and weights of size 1 as one that reads those of TASK."""
    unit = np.append(np.full(dim, X), Y)  # (D,)
    model = model if model.dim == dim else model.with_dim(dim)
    P = unit[:, None] * model.P / unit
    Q = model.Q / unit[:, None] / unit
    return lt.LinearTransformer(P, Q, 15, Fading(), label_size=Y * np.sqrt(dim))


MODEL = brought_back(lt.load_pretrained("diag", 3, lt.Uniform(5)))


def tokens(seed, sigma, context=15):
    """The sequence that a lab shows, in the task's own units -> x (n, d), y (n,), w (d,)"""
    rng = np.random.default_rng(seed)
    x = TASK.sample_inputs((1, context), rng)[0]
    w = TASK.sample_w(1, rng)[0]
    return x, x @ w + sigma * rng.normal(size=context), w


def found(predictor, sigma=None):
    """The excess of a predictor on TASK, at one noise or at all, and its standard error, in the labs' units."""
    task = TASK if sigma is None else replace(TASK, noise=lt.Fixed(sigma * Y))
    result = lt.risk(predictor, task, 4_000, np.random.default_rng(7))
    return result.excess / Y**2, result.excess_error / Y**2


def mark(lab, panel, name):
    """One mark of a lab, as data."""
    panel = next(one for one in lab.panels_now if one.name == panel)
    return next(one for one in panel.marks if one.name == name)


@pytest.mark.parametrize("own", [False, True])
def test_the_noise_lab_shows_a_sequence_of_the_task(own):
    lab = NoiseLab(task=TASK, sigma=1.5, seed=3, **(dict(model=MODEL) if own else dict(layers=3)))
    x, y, w = tokens(3, 1.5 * Y)
    np.testing.assert_allclose(mark(lab, "weight", "truth").y, w / W)
    np.testing.assert_allclose(mark(lab, "weight", "oracle").y, ridge(x, y, (1.5 * Y / W) ** 2) / W)
    np.testing.assert_allclose(mark(lab, "weight", "model").y, probe(MODEL, x, y) / W)
    s = np.linalg.eigvalsh(x.T @ x / 15) / X**2
    np.testing.assert_allclose(mark(lab, "kept", "model").x, s)
    at, kept = mark(lab, "kept", "ridge").x, mark(lab, "kept", "ridge").y
    np.testing.assert_allclose(kept, at / (at + 1.5**2 / 15))
    assert at[-1] == pytest.approx(4.5 * np.linalg.eigvalsh(TASK.covariance)[-1] / X**2)


def test_the_range_that_a_model_was_trained_on_is_in_the_units_of_the_labels():
    lab = NoiseLab(task=TASK, model=MODEL, sigma=0.9)
    np.testing.assert_allclose(mark(lab, "meter", "range").x[:2], [0, 6.0 / Y])
    assert "outside" not in lab.words_now
    assert "outside its training range, Fading()" in NoiseLab(task=TASK, model=MODEL, sigma=1.1).words_now


def test_the_ridge_lab_shows_a_sequence_of_the_task_and_its_n():
    lab = RidgeLab(task=TASK, sigma=1.5, strength=4.0, seed=3)
    assert lab.values["context"] == 15 and lab.controls["context"].options[2][1] == 15
    x, y, w = tokens(3, 1.5 * Y, context=160)
    np.testing.assert_allclose(mark(lab, "weight", "truth").y, w / W)
    shrunk = ridge(x[:15], y[:15], 4.0 * X**2)
    np.testing.assert_allclose(mark(lab, "weight", "model").y, shrunk / W)
    s = np.linalg.eigvalsh(x[:15].T @ x[:15] / 15) / X**2
    error = ((4 / 15 / (s + 4 / 15)) ** 2 + s * 1.5**2 / 15 / (s + 4 / 15) ** 2).sum() / 2
    assert mark(lab, "risk", "model").y[0] == pytest.approx(error)


def test_the_algorithm_lab_averages_over_the_task():
    lab = AlgorithmLab(task=TASK, sigma=2.0, noise="uniform-5", layers=3)
    model = brought_back(lt.load_pretrained("diag", 3, lt.Uniform(5)))
    for level in (1, 2, 4):
        for name, predictor in (("model", model), ("adarr", lt.baselines.for_task(TASK)["AdaRR"])):
            excess, error = found(predictor, level)
            spread = error * np.sqrt(4_000 / 200)  # of the lab's 200 sequences
            assert mark(lab, "noise", name).y[level] == pytest.approx(excess, abs=5 * spread)
    assert len(mark(lab, "weight", "truth").y) == 5


def test_the_profile_lab_judges_stored_models_on_the_task():
    """With one layer, whose mean no explosion rules."""
    lab = ProfileLab(task=TASK, layers=1, sigma=2.0)
    rivals = lt.baselines.for_task(TASK)
    depth, mean = mark(lab, "depth", "diag"), mark(lab, "noise", "mean")
    level = list(mean.x).index(1.0)
    for predictor, whole, here in (
        (brought_back(lt.load_pretrained("diag", 1, lt.Uniform(5))), depth.y[0], mean.y[level]),
        (rivals["AdaRR"], mark(lab, "depth", "adarr").y[0], mark(lab, "noise", "adarr").y[level]),
        (rivals["Bayes-optimal"], mark(lab, "depth", "bayes").y[0], mark(lab, "noise", "bayes").y[level]),
    ):
        excess, error = found(predictor)
        assert whole == pytest.approx(excess, abs=7 * error)  # two samples of about one size
        excess, error = found(predictor, 1.0)
        assert here == pytest.approx(excess, abs=5 * error * np.sqrt(4_000 / 300))
    assert np.isnan(mark(lab, "depth", "paper").y).all() and "on your task" in lab.words_now


def test_the_profile_lab_keeps_what_the_noise_of_a_model_does_not_change():
    lab = ProfileLab(task=TASK, layers=1)
    before = lab.arrays
    lab.controls["noise"].value = "uniform-3"
    assert np.shares_memory(lab.arrays.rivals["bayes"], before.rivals["bayes"])
    assert lab.arrays.baselines == before.baselines
    assert lab.arrays.risks is not before.risks


def test_the_training_lab_trains_on_the_task():
    lab = TrainingLab(task=TASK, layers=2)
    before = lab.arrays.loss[-1]
    lab.run(150)
    loss, error = lt.adjusted_loss(lab.model(), TASK, 4_000, np.random.default_rng(3))
    spread = error * np.sqrt(4_000 / 512)  # of the lab's test set
    assert mark(lab, "loss", "loss now").y[0] == pytest.approx(loss, abs=5 * spread)
    bayes, error = found(lt.baselines.for_task(TASK)["Bayes-optimal"])
    assert mark(lab, "loss", "bayes").y[-1] == pytest.approx(bayes * Y**2, abs=7 * error * Y**2 * np.sqrt(8))
    assert loss < before / 3 and lab.model().noise is TASK.noise and lab.model().dim == 5

    lab.controls["shape"].value = "U(0, σ_max)"
    assert lab.process.noise == lt.Uniform(1.0) and len(lab.arrays.changed) == 1
    lab.controls["shape"].value = "own"
    assert lab.process.noise is TASK.noise


def test_the_training_lab_draws_the_tasks_one_context():
    lab = TrainingLab(task=TASK, layers=2)
    rng, sigma = np.random.default_rng(4), np.sqrt(TASK.noise.mean_square)
    x, w = TASK.sample_inputs((1, 15), rng)[0], TASK.sample_w(1, rng)[0]
    y = x @ w + sigma * rng.normal(size=15)
    np.testing.assert_allclose(mark(lab, "weight", "truth").y, w)
    np.testing.assert_allclose(mark(lab, "weight", "oracle").y, ridge(x, y, (sigma / W) ** 2))
    np.testing.assert_allclose(mark(lab, "weight", "model").y, probe(lab.model(), x, y))


def test_the_training_lab_takes_a_task_without_an_oracle_and_measures_to_the_truth():
    task = Outliers(3, 3, lt.Uniform(2))
    lab = TrainingLab(task=task, kind="full", layers=1, learning_rate=0.01)
    lab.run(20)
    with pytest.warns(RuntimeWarning, match="Outliers has a sample_noise of its own"):
        truth = lt.risk(lab.model(), task, 4_000, np.random.default_rng(0))
    assert lab.arrays.loss[-1] == pytest.approx(truth.total, abs=5 * truth.total_error * np.sqrt(4_000 / 512))
    assert "from the truth" in lab.words_now and np.isnan(lab.arrays.bayes).all()


def test_inputs_of_ones_own_are_drawn_by_their_own_method():
    task = Signs(4, 12, lt.Uniform(2))
    x = task.sample_inputs((1, 12), np.random.default_rng(5))[0]
    np.testing.assert_allclose(
        NoiseLab(task=task, seed=5).arrays.eigenvalues, np.linalg.eigvalsh(x.T @ x / 12)
    )


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_a_lab_takes_a_task_or_says_why_not_and_which_labs_do(kind):
    if kind.__name__ in TAKERS:
        assert "task" in kind.CONTROLS
        return
    with pytest.raises(
        TypeError, match=f"^{kind.__name__} takes no task: .*A task of your own goes with"
    ) as refused:
        kind(task=TASK)
    assert all(name in str(refused.value) for name in TAKERS) and str(refused.value).count(".") < 4


def test_a_lab_without_a_reason_of_its_own_has_the_common_one(lab):
    with pytest.raises(
        TypeError, match="WaveLab takes no task: what it shows and tells belongs to one problem"
    ):
        type(lab)(task=TASK)


@pytest.mark.parametrize("kind", [AlgorithmLab, NoiseLab, ProfileLab, RidgeLab, TrainingLab])
def test_the_words_say_of_which_task_a_lab_is_and_in_which_units(kind):
    said = kind(task=TASK).words_now
    assert "On your task: d = 5, n = 15, noise Fading()." in said
    assert "units of 2 for x, 3 for w and 6 for y" in said
    assert ("all else stands in yours" in said) == (kind is TrainingLab)
    assert ("The stored models were made for n = 20." in said) == (
        kind in (AlgorithmLab, NoiseLab, ProfileLab)
    )
    plain = kind(task=lt.RegressionTask(10, 20, lt.Uniform(2))).words_now
    assert "On your task" in plain and "units" not in plain and "n = 20. The stored" not in plain
    assert "your task" not in kind().words_now


@pytest.mark.parametrize("kind", [NoiseLab, RidgeLab])
def test_a_task_like_the_papers_shows_what_the_lab_shows_without_one(kind):
    like = lt.RegressionTask(10, 20, lt.Uniform(5))
    assert kind(task=like, sigma=2.0).figure == kind(sigma=2.0).figure


def test_the_copied_line_opens_the_lab_where_the_names_are_there():
    lab = NoiseLab(task=TASK, model=MODEL, sigma=2.0, ghost=dict(sigma=1.0))
    assert repr(lab) == "NoiseLab(task=task, model=model, sigma=2.0, ghost={'sigma': 1.0})"
    names = dict(task=TASK, model=MODEL)
    line, call = lab.view().split("; ")
    exec(line, names)
    again = eval(call, names)
    assert again.figure == lab.figure and again.words_now == lab.words_now and again.ghost == lab.ghost


@pytest.mark.parametrize("kind", [AlgorithmLab, NoiseLab, ProfileLab, RidgeLab, TrainingLab])
def test_a_task_never_travels_and_is_brought_again(kind):
    more = {} if kind is TrainingLab else dict(sigma=2.0)
    lab = kind(task=TASK, **more)
    document = json.loads(json.dumps(lab.state()))
    assert document["values"]["task"] is True and "Fading" not in json.dumps(document)
    alone = Lab.from_state(lab.link())
    assert (
        alone.values == kind(**more).values
        and "made with a task of your own, which does not travel" in alone.words_now
    )
    again = Lab.from_state(document, task=TASK)
    assert again.values == lab.values and again.words_now == lab.words_now
    assert again.figure == lab.figure
    assert kind.from_state({"lab": kind.NAME, "values": {"task": "x"}}).values["task"] is None


def test_a_document_with_a_beat_opens_with_everything_where_a_task_is_brought():
    assert NoiseLab.from_state(NoiseLab(beat="shares").state(), task=TASK).beat is None


def test_a_document_of_a_lab_that_takes_no_task_is_refused_with_one():
    with pytest.raises(TypeError, match="TinyLab takes no task: its four examples"):
        Lab.from_state({"lab": "tiny"}, task=TASK)


@pytest.mark.leads
def test_a_lab_with_a_task_leads_nowhere():
    lab = NoiseLab(task=TASK)
    assert lab.beat is None and lab._guide is None and NoiseLab().beat == "meter"
    with pytest.raises(
        ValueError, match="beat is 'meter': with a task of your own NoiseLab has no beats, since"
    ):
        NoiseLab(task=TASK, beat="meter")
    with pytest.raises(ValueError, match="NoiseLab has no beats, since"):
        lab.go_to("meter")


@pytest.mark.parametrize(
    "given, error, says",
    [
        (dict(task=3), TypeError, "^task is 3: task must be a RegressionTask.$"),
        (
            dict(task=Outliers(3, 9, lt.Uniform(2))),
            ValueError,
            "Outliers has a sample_noise .*TrainingLab takes",
        ),
        (
            dict(task=lt.RegressionTask(5, 5, lt.Uniform(2))),
            ValueError,
            "n = 5 and d = 5: this lab draws AdaRR",
        ),
        (
            dict(task=MixedLengths(3, 20, lt.Uniform(2))),
            ValueError,
            "the contexts of the task differ in length",
        ),
        (dict(task=TASK, kind="full"), ValueError, "kind is 'full' with .*kind must be one of 'diag', 'gd"),
        (
            dict(task=TASK, ghost=dict(task=TASK)),
            TypeError,
            "ghost has a task: the state behind is one of the same",
        ),
        (dict(model=MODEL), ValueError, "^model has dim = 5: the sequences of this lab have dim = 10.$"),
    ],
)
def test_what_a_lab_cannot_do_with_a_task_it_says_in_one_sentence(given, error, says):
    with pytest.raises(error, match=says):
        NoiseLab(**given)


def test_a_ghost_of_another_model_keeps_the_task(tmp_path):
    path = tmp_path / "model.safetensors"
    lt.LinearTransformer(MODEL.P, MODEL.Q, 15, lt.Uniform(4)).save(path)
    lab = NoiseLab(task=TASK, sigma=2.0, layers=3, ghost=dict(model=path))
    assert lab.ghost["task"] == lab.values["task"]
    held = mark(lab, "weight", "ghost").y
    np.testing.assert_allclose(held, mark(lab, "weight", "model").y, rtol=1e-5)  # the same model, in a file


def test_what_is_defined_anew_under_its_old_name_is_another_task():
    """A learner changes a density and runs the cell again: Fading() and Fading() have one repr."""
    first = ProfileLab(task=TASK, sigma=2.0)

    class Fading(lt.Noise):
        sigma_max = 6.0

        def density(self, sigma):
            return np.exp(sigma)

    again = ProfileLab(task=replace(TASK, noise=Fading()), sigma=2.0)
    bayes = [mark(lab, "depth", "bayes").y[0] for lab in (first, again)]
    assert bayes[1] > 2 * bayes[0]
