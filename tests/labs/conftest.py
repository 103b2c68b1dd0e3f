"""A small lab with every kind of control, to test the base class with."""

from dataclasses import dataclass

import numpy as np
import pytest

from lt_helpers.labs import Choice, Lab, Opinion, Prediction, Seed, Slider, Toggle
from lt_helpers.labs.beats import Beat
from lt_helpers.labs.frozen import Frozen
from lt_helpers.language import Message
from lt_helpers.view.panel import Axis, Curve, Guess, Panel, Points


@dataclass(frozen=True)
class Wave(Frozen):
    frequency: float
    t: np.ndarray  # (50,)
    height: np.ndarray  # (50,)


class WaveLab(Lab):
    NAME = "wave"
    GHOST = True
    COLUMNS, ROW = 2, 300
    ENTRIES = {
        "panel.wave": "A wave",
        "panel.peak": "Its peak",
        "axis.seconds": "seconds",
        "axis.height": "height",
        "axis.none": "",
        "mark.wave": "wave",
        "mark.held": "held",
        "mark.peak": "peak",
        "control.way": "I expect it",
        "beat.peak.task": "Where will the peak of the square wave lie at 3 a second?",
        "beat.peak.go": "Slide to 3.",
        "beat.peak.told": "It lies at {answer:.2f}, {more:g} above zero.",
        "beat.way.task": "Will the frequency rise?",
        "beat.way.go": "Slide it.",
        "beat.way.told": "It went from {before:g} to {after:g}.",
        "beat.look.task": "Make it noisy.",
        "beat.look.told": "Noisy it is.",
        "says": {"one": "{count:g} wave a second.", "other": "{count:g} waves a second."},
    }
    CONTROLS = dict(
        shape=Choice(("sine", "square"), "sine", label="Shape"),
        frequency=Slider(0.5, 5.0, 0.5, value=1.0, label="Frequency"),
        cycles=Choice(
            lambda shape: (1, 2, 3) if shape == "sine" else (1, 3), value=2, slide=True, label="Cycles"
        ),
        noisy=Toggle(False, label="Noisy"),
        expected=Prediction(0.0, 1.0, 0.1, label="I expect a peak of"),
        way=Opinion(("up", "down")),
        seed=Seed(),
    )
    BEATS = (
        Beat(
            "peak",
            panels=("peak",),
            control="frequency",
            values=dict(shape="square"),
            ask="expected",
            at=dict(frequency=3.0),
            answer=lambda wave, begun: wave.height.max(),
            tell=lambda wave, begun: dict(more=wave.height.max()),
        ),
        Beat(
            "way",
            panels=("peak", "wave"),
            control="frequency",
            others=("noisy",),
            values=dict(frequency=5.0),
            ask="way",
            at=dict(frequency=2.0),
            answer=lambda wave, begun: "up" if wave.frequency > begun.frequency else "down",
            tell=lambda wave, begun: dict(before=begun.frequency, after=wave.frequency),
        ),
        Beat("look", panels=("wave",), control="noisy", when=lambda values, wave: values["noisy"]),
    )

    @staticmethod
    def compute(shape, frequency, cycles, noisy, seed):
        if frequency == 4.0:
            raise ValueError("frequency is 4.0: the string breaks.")
        t = np.linspace(0, cycles, 50)
        height = np.sin(2 * np.pi * frequency * t)
        height = np.sign(height) if shape == "square" else height
        return Wave(frequency, t, height + noisy * np.random.default_rng(seed).normal(size=50))

    @staticmethod
    def panels(wave, ghost, guesses):
        marks = [Curve("model", wave.t, wave.height, name="wave")]
        marks += [] if ghost is None else [Curve("ghost", ghost.t, ghost.height, name="held")]
        peak = [
            Points("model", 0, wave.height.max(), name="peak"),
            Guess(0, guesses["expected"], grab="expected"),
        ]
        height = Axis("height", -4, 4)
        return [
            Panel("wave", Axis("seconds", 0, 3), height, marks),
            Panel("peak", Axis("", -1, 1), height, peak),
        ]

    @staticmethod
    def words(wave, ghost):
        return [Message("wave.says", count=wave.frequency)]


@pytest.fixture(autouse=True)
def show_everything(request, monkeypatch):
    """Labs open with all they have, but where a test says that they lead."""
    monkeypatch.setattr(Lab, "LEADS", "leads" in request.keywords)


@pytest.fixture
def lab():
    return WaveLab()
