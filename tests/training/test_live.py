"""Training to watch: it needs no torch, takes the way that torch would take, shows where it is now, and keeps nothing for ever."""

import os
import subprocess
import sys
import time
import tracemalloc
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from queue import Empty
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
import torch
from jupyter_client.manager import start_new_kernel

from lt_helpers import Categorical, RegressionTask, Uniform, load_pretrained
from lt_helpers.training.adam import Adam
from lt_helpers.training.live import EVERY, KEPT, PLATEAU, LiveRun, yardstick
from lt_helpers.training.plans import NEWTON_OF_FEW, NEWTON_OF_MANY, RARE

ROOT = Path(__file__).parents[2]
KINDS = [("diag", 0.06), ("full", 0.01), ("gd++", 0.06)]
MB = 2**20

BLOCKED = """
import sys
for name in ("torch", "joblib", "filelock", "tqdm", "scipy"):
    sys.modules[name] = None
from lt_helpers import Uniform
from lt_helpers.labs import TrainingLab
from lt_helpers.training.live import LiveRun
lab = TrainingLab(layers=2)
lab.run(steps=40)
for kind in ("diag", "full", "gd++"):
    run = LiveRun(kind, 3, Uniform(1), 0.01, 0)
    for _ in range(30):
        run.step()
    run.follow(Uniform(5), 0.02)
    run.jump(10)
    while run.jumping:
        run.step()
    print(kind, run.state().loss[-1] < 1)
"""


def test_without_torch_every_kind_trains_follows_and_jumps():
    command = [sys.executable, "-W", "error", "-c", BLOCKED]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=100)
    assert done.stdout.split() == ["diag", "True", "full", "True", "gd++", "True"], done.stderr


@pytest.mark.parametrize("kind, rate", KINDS)
def test_it_takes_the_way_that_torch_takes(kind, rate):
    """The same seed, start, batches and moved noise; the optimiser on tensors, in double precision."""
    run = LiveRun(kind, 3, Uniform(1), rate, seed=5)
    rng = np.random.default_rng(5)
    start = torch.from_numpy(run.family.start(rng, Uniform(1)))
    there = Adam(run.family, start, RegressionTask(10, 20, Uniform(1)), rng, run.adam.settings)
    omegas = run.omegas()
    for step in range(50):
        if step == 30:
            run.follow(Uniform(5), rate / 2)
            there.settings = replace(there.settings, learning_rate=rate / 2)
            there.theta = there.average.clone()
            there.task = RegressionTask(10, 20, Uniform(5))
        run.step()
        there.step()
        np.testing.assert_allclose(run.adam.average, there.average, rtol=1e-7, atol=1e-10)
    assert np.nanmax(abs(run.omegas() - omegas)) > 0.05


@pytest.mark.parametrize("kind, rate", KINDS)
def test_the_same_seed_and_moves_give_the_same_run(kind, rate):
    def trained(seed):
        run = LiveRun(kind, 2, Uniform(1), rate, seed)
        for _ in range(30):
            run.step()
        run.follow(Categorical((1, 3)), rate)
        run.jump(5)
        for _ in range(10):
            run.step()
        return run.adam.average

    assert np.array_equal(trained(3), trained(3)) and not np.array_equal(trained(3), trained(4))


@pytest.mark.parametrize("kind, rate", KINDS)
def test_a_step_that_is_not_finite_is_skipped_and_it_goes_on(kind, rate):
    run = LiveRun(kind, 5, Uniform(1), rate, 0)
    for _ in range(20):
        run.step()
    average, skipped = run.adam.average.copy(), run.adam.skipped
    run.adam.theta = np.full_like(average, 1e200)
    run.step()
    assert run.adam.skipped == skipped + 1
    np.testing.assert_array_equal(run.adam.theta, average)
    for _ in range(20):
        run.step()
    assert np.isfinite(run.adam.average).all() and run.loss() < 10 and run.steps == 41


def test_a_jump_from_where_all_explodes_stays_and_says_how_much_is_not_shown():
    run = LiveRun("diag", 4, Uniform(1), 0.06, 0)
    run.adam.average = np.full((4, 4), 1e30)
    run.jump(30)
    for _ in range(30):
        run.step()
    state = run.state()
    assert state.capped == 512 and state.loss[-1] == pytest.approx(RARE) and not run.jumping
    assert LiveRun("diag", 4, Uniform(1), 0.06, 0).state().capped == 0


def test_what_is_shown_is_where_it_is_now():
    """Between two steps that are remembered as well, after a jump, and after a move of the noise."""
    run = LiveRun("diag", 2, Uniform(1), 0.06, 1)
    for steps in (EVERY, 7, 25):
        for _ in range(steps):
            run.step()
        assert_shows_now(run)
    run.jump(13)
    for _ in range(13):
        run.step()
    assert_shows_now(run)
    run.follow(Uniform(5), 0.06)
    assert_shows_now(run)
    assert run.state().bayes[-1] == yardstick(Uniform(5), "diag", 2).bayes


def assert_shows_now(run):
    """The last of the curves: by the model as it would be saved, on the sequences of the test set."""
    state, test = run.state(), yardstick(run.noise, run.kind, run.layers).sequences
    misfit = run.model().implicit_weight(test.S[:, :11, :11]) - test.oracle
    losses = (misfit**2).sum(axis=1) / 2
    assert state.loss[-1] == pytest.approx((losses / (1 + losses / RARE)).mean(), rel=1e-9)
    np.testing.assert_allclose(state.omega[0, :, -1], run.model().omega[0].ravel(), atol=1e-12)


def fill(run, losses):
    """Let a run remember `losses`, and come to the step at which it would."""
    omega, test = run.omegas(), yardstick(run.noise, run.kind, run.layers)
    run.memory.clear()
    run.memory.extend([(omega, loss, test.bayes, test.stored) for loss in losses])
    run.steps = EVERY * PLATEAU


@pytest.fixture
def good():
    """A run whose weights are the stored model's, but for its heads."""
    run = LiveRun("diag", 3, Uniform(5), 0.06, 0)
    run.go_to(run.family.read(load_pretrained("diag", 3, Uniform(5))))
    return run


def test_weights_as_good_as_the_stored_ones_are_in_no_poor_minimum_however_it_went_before(good):
    stored = yardstick(Uniform(5), "diag", 3).stored
    assert good.loss() == pytest.approx(stored)
    for before in ([2 * stored] * PLATEAU, [stored] * 15 + [1e4] * 5, [3 * stored] * 19 + [1e4]):
        fill(good, before)
        assert not good.state().stalled


def test_weights_that_stay_above_the_stored_ones_are_in_a_poor_minimum():
    run = LiveRun("diag", 3, Uniform(5), 0.06, 0)
    loss = run.loss()
    assert loss > 2 * yardstick(Uniform(5), "diag", 3).stored
    fill(run, [loss] * PLATEAU)
    assert run.state().stalled
    fill(run, loss * np.geomspace(2, 1, PLATEAU))  # it still falls
    assert not run.state().stalled
    run.follow(Uniform(2.5), 0.06)  # nothing is stored for it
    fill(run, [loss] * PLATEAU)
    run.since = 0
    assert not run.state().stalled


def test_one_explosion_among_the_remembered_losses_neither_makes_a_stall_nor_hides_it():
    run = LiveRun("diag", 3, Uniform(5), 0.06, 0)
    loss = run.loss()
    for place in (2, 15):  # in the earlier half, and in the later one
        flat, falling = np.full(PLATEAU, loss), loss * np.geomspace(2, 1, PLATEAU)
        flat[place] = falling[place] = 1e4
        fill(run, flat)
        assert run.state().stalled
        fill(run, falling)
        assert not run.state().stalled


class Falling:
    """A run of Gauss-Newton that weighs 1, then 0.98, then 0.975: a fall by two in a hundred, and one by half of one."""

    settings = SimpleNamespace(check=25)

    def __init__(self, theta):
        self.average = self.best = theta
        self.steps, self.best_loss = 0, np.array(np.inf)

    def step(self):
        self.steps += 1
        if self.steps % 25 == 0:
            self.best_loss = np.array({25: 1.0, 50: 0.98}.get(self.steps, 0.975))

    def weigh(self, theta):
        pass


def test_a_jump_ends_where_its_loss_falls_no_further(good):
    good.jump(200)
    good.newton = Falling(good.begin)
    while good.jumping:
        good.step()
    assert good.steps == 75


def test_a_jump_begins_at_what_is_shown_and_takes_larger_batches_with_the_settings_of_its_family():
    for kind, few in (("diag", NEWTON_OF_FEW), ("full", NEWTON_OF_MANY)):
        run = LiveRun(kind, 2, Uniform(2), 0.01, seed=1)
        run.jump(7)
        assert run.jumping == 7 and np.array_equal(run.newton.theta, run.adam.average)
        assert run.newton.settings == replace(few, batch=512, held_out=1_000)


def test_a_jump_never_ends_worse_than_it_began(good, monkeypatch):
    """On the sequences that are shown, whatever Gauss-Newton finds best on its own."""
    before = good.loss()
    good.jump(1)
    monkeypatch.setattr(good.newton, "weigh", lambda theta: None)
    good.newton.best = 0.5 * good.newton.best
    good.step()
    assert not good.jumping and good.loss() == good.target_loss == before


def test_gauss_newton_is_not_said_to_end_worse_than_the_weights_are(good):
    good.jump(3)
    for _ in range(3):
        good.step()
    good.target_loss = 5.0  # as from a poor place, from which Adam has come away since
    state = good.state()
    assert state.target_loss == state.loss[-1] == good.loss()
    np.testing.assert_array_equal(state.target, good.omegas())


@pytest.mark.slow
def test_thousands_of_steps_and_drawings_keep_nothing():
    run, noises = LiveRun("diag", 2, Uniform(1), 0.06, 0), [Uniform(top) for top in (1, 2, 3)]

    def go_on(times):
        for time_ in range(times):
            run.follow(noises[time_ % 3], 0.06)
            for _ in range(20):
                run.step()
            run.state()

    tracemalloc.start()
    go_on(105)  # the memory and the caches are full
    first, _ = tracemalloc.get_traced_memory()
    go_on(50)
    second, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(run.memory) == KEPT and second - first < 50 * 200  # bytes: 200 a drawing


class Page:
    """A kernel with the training lab, and a page that answers each drawing that asks for it."""

    def __init__(self, setup):
        self.manager, self.client = start_new_kernel(kernel_name="python3")
        self.process, self.drawings = psutil.Process(self.manager.provisioner.pid), 0
        self.run(setup)

    def run(self, code):
        """Run a cell -> what it prints"""
        sent, said = self.client.execute(code, store_history=False), ""
        while True:
            message = self.client.get_iopub_msg(timeout=60)
            self.answer(message)
            if message["parent_header"].get("msg_id") != sent:
                continue
            assert message["msg_type"] != "error", "\n".join(message["content"]["traceback"])
            said += message["content"]["text"] if message["msg_type"] == "stream" else ""
            if message["content"].get("execution_state") == "idle":
                return said

    def answer(self, message):
        """Say that a drawing was drawn."""
        if message["msg_type"] != "comm_msg":
            return
        content = message["content"]["data"].get("content") or {}
        if content.get("acknowledge"):
            self.drawings += 1
            drawn = {"method": "custom", "content": {"drawn": content["version"]}}
            data = {"comm_id": message["content"]["comm_id"], "data": drawn}
            self.client.shell_channel.send(self.client.session.msg("comm_msg", data))

    def watch(self, drawings, seconds):
        """Answer so many drawings at least, for so long, while the noise moves to and fro -> megabytes of its own that the kernel holds"""
        enough, end, moves = self.drawings + drawings, time.monotonic() + seconds, 0
        while self.drawings < enough or time.monotonic() < end:
            moves += 1
            self.run(f"lab.controls['sigma_max'].value = {1 + moves % 2}.0")
            soon = time.monotonic() + 1
            while time.monotonic() < soon:
                with suppress(Empty):
                    self.answer(self.client.get_iopub_msg(timeout=0.2))
        return self.memory()

    def memory(self):
        """Megabytes without those of files: libraries count for a process or not, by what others on the machine have open."""
        info = self.process.memory_info()
        return (info.rss - info.shared) / MB


SECONDS = 60 * float(os.environ.get("LT_MINUTES", 0))  # of training in the test below, at least
DRAWINGS = 100  # after which a kernel that kept them, 30 kB each, would show it
OPEN = """
import os
os.environ["JUPYTER_WIDGETS_ECHO"] = "0"
from lt_helpers.labs import TrainingLab, live
live.PATIENCE, live.FRAMES = 10**9, 1_000
lab = TrainingLab()
lab._repr_mimebundle_()
lab.start()
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="what a process shares is told by Linux")
@pytest.mark.timeout(180 + 3 * SECONDS)
def test_a_kernel_that_trains_and_draws_is_small_and_does_not_grow(monkeypatch):
    """As many drawings as the page can answer, and a move of the noise every second; `LT_MINUTES=12` for a long one."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    page = Page(OPEN)
    try:
        before = page.watch(DRAWINGS // 3, SECONDS / 3)
        after = page.watch(DRAWINGS, SECONDS)
        steps = int(page.run("print(lab.process.steps)"))
        held = page.process.memory_info().rss / MB
        print(
            f"{steps:,} steps, {page.drawings:,} drawings: {before:.1f}, then {after:.1f} MB of its own, {held:.0f} in all"
        )
        assert held < 130 and after < before + 2
    finally:
        page.client.stop_channels()
        page.manager.shutdown_kernel(now=True)
