"""What the package is asked in Pyodide and in CPython: each function gives numbers or words, which must be the same in both.

It runs by itself in either, `python questions.py`, and prints a JSON object: for each question its answer, or what went wrong.
"""

import json
import sys
import traceback

HEAVY = (
    "psutil",
    "safetensors",
    "torch",
    "plotly",
    "scipy",
    "sklearn",
    "multiprocessing",
    "concurrent.futures.process",
)


def what_an_import_brings():
    """The heavy modules that the package, its exercises, its commands and its doctor bring along: none."""
    import lt_helpers
    import lt_helpers.__main__
    import lt_helpers.doctor
    import lt_helpers.exercises
    import lt_helpers.table1

    return [lt_helpers.__version__, *(name for name in HEAVY if name in sys.modules)]


def sequences_of_a_seed():
    """The first numbers of a batch of sequences, and their sums."""
    batch = sample()
    return [*batch.x[0, 0], *batch.y[0, :5], batch.x.sum(), batch.y.sum(), batch.w.sum()]


def answers_of_stored_models():
    """What stored models of each family make of these sequences: their implicit weights, layer by layer."""
    import lt_helpers as lt

    batch = sample()
    answers = []
    for kind, layers in (("gd++", 4), ("diag", 4), ("full", 7)):
        model = lt.load_pretrained(kind, layers, lt.Uniform(5.0))
        answers.extend(lt.implicit_regression(model, batch.x, batch.y).w[:3].ravel())
    return answers


def answers_of_baselines():
    """Ridge, the oracle among them, and the Bayes-optimal predictor."""
    from lt_helpers import Uniform, baselines

    batch = sample()
    weights = [
        baselines.ridge(batch.x, batch.y, 3.0),
        baselines.ada_rr(batch.x, batch.y),
        baselines.bayes(batch.x, batch.y, Uniform(5.0)),
    ]
    return [number for weight in weights for number in weight[:3].ravel()]


def a_file_comes_back():
    """A model that is saved and loaded is the model that it was, here and on a disk elsewhere."""
    import tempfile
    from pathlib import Path
    from zlib import crc32

    import numpy as np

    import lt_helpers as lt

    model = lt.load_pretrained("diag", 4, lt.Uniform(5.0))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        model.save(path)
        again = lt.LinearTransformer.load(path)
        content = path.read_bytes()
    return [bool(np.array_equal(model.P, again.P) and np.array_equal(model.Q, again.Q)), crc32(content)]


def a_lab_at_another_noise():
    """Every number that the noise lab draws with other controls, and its words."""
    from lt_helpers.labs import NoiseLab

    drawing, words = NoiseLab().at(sigma=3.0, layers=4)
    return [words, *numbers_in(drawing["data"])]


def every_lab_as_it_opens():
    """The words of every lab, and every number that it draws."""
    from lt_helpers import labs

    shown = []
    for name in sorted(labs.__all__):
        kind = getattr(labs, name)
        if name.endswith("Lab") and name != "Lab":
            lab = kind()
            shown += [name, lab.words_now, *numbers_in(lab.drawing["data"])]
    return shown


def models_in_training():
    """Where the training of each kind comes to in a few steps, a move of the noise and a jump, and whether torch is asked for."""
    from lt_helpers import Categorical, Uniform
    from lt_helpers.training.live import LiveRun

    answers = ["torch" in sys.modules]
    for kind in ("diag", "gd++", "full"):
        run = LiveRun(kind, 2, Uniform(1.0), 0.01, seed=3)
        for _ in range(20):
            run.step()
        run.follow(Categorical((1.0, 3.0)), 0.02)
        if kind != "full":  # whose curvature is summed in single precision
            run.jump(5)
        for _ in range(15):
            run.step()
        answers += [run.loss(), *run.adam.average.ravel()[:8]]
    return answers


def a_task_of_ones_own():
    """A noise by its density, the best possible weights for it, a model that is trained on it, and whether torch is asked for."""
    import numpy as np

    import lt_helpers as lt
    from lt_helpers.training.plans import NEWTON_OF_FEW, Plan, Round, Stage

    class Triangle(lt.Noise):
        sigma_max = 3.0

        def density(self, sigma):
            return sigma

    task = lt.RegressionTask(3, 12, Triangle(), np.diag([2.0, 1.0, 0.5]), w_scale=0.5)
    batch = task.sample(50, np.random.default_rng(0))
    bayes = lt.baselines.for_task(task)["Bayes-optimal"](batch.x, batch.y)
    plan = Plan(2, (Round(10, 16, 0.02, 1),), 2, (Stage(1, 5, 64),), NEWTON_OF_FEW, held_out=500)
    model = lt.train(task, layers=2, plan=plan, progress=False, samples=500)
    return [
        repr(task.noise),
        *bayes[:3].ravel(),
        *model.omega.ravel(),
        model.record["loss"],
        "torch" in sys.modules,
    ]


def sample():
    """A batch of sequences that depends on nothing but its seed."""
    import numpy as np

    import lt_helpers as lt

    return lt.RegressionTask(dim=10, context=20, noise=lt.Uniform(5.0)).sample(200, np.random.default_rng(7))


def numbers_in(drawn):
    """All numbers in a figure's data, in order; None stays, for a point that is not there."""
    import numpy as np

    if isinstance(drawn, dict):
        return [number for value in drawn.values() for number in numbers_in(value)]
    if isinstance(drawn, (list, tuple, np.ndarray)):
        return [number for value in drawn for number in numbers_in(value)]
    if drawn is None or isinstance(drawn, (int, float, np.number)):
        return [None if drawn is None or drawn != drawn else float(drawn)]
    return []


QUESTIONS = (  # the first one first: what it looks for, the others may bring
    what_an_import_brings,
    sequences_of_a_seed,
    answers_of_stored_models,
    answers_of_baselines,
    a_file_comes_back,
    a_lab_at_another_noise,
    every_lab_as_it_opens,
    models_in_training,
    a_task_of_ones_own,
)


def ask():
    """All questions -> JSON: {name: {"answer": [...]} or {"error": traceback}}"""
    answers = {}
    for question in QUESTIONS:
        try:
            answers[question.__name__] = {"answer": [plain(part) for part in question()]}
        except Exception:
            answers[question.__name__] = {"error": traceback.format_exc()}
    return json.dumps(answers)


def plain(part):
    """A number or a word as JSON knows it."""
    return part.item() if hasattr(part, "item") else part


if __name__ == "__main__":
    print(ask())
