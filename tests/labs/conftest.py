"""A small lab with every kind of control, to test the base class with."""

from dataclasses import dataclass

import numpy as np
import pytest

from lt_helpers.labs import Choice, Lab, Prediction, Seed, Slider, Toggle
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
        seed=Seed(),
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
        peak = [Points("model", 0, wave.height.max(), name="peak"), Guess(0, guesses["expected"])]
        height = Axis("height", -4, 4)
        return [
            Panel("wave", Axis("seconds", 0, 3), height, marks),
            Panel("peak", Axis("", -1, 1), height, peak),
        ]

    @staticmethod
    def words(wave, ghost):
        return [Message("wave.says", count=wave.frequency)]


@pytest.fixture
def lab():
    return WaveLab()
