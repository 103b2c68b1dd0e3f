"""A small lab with every kind of control, to test the base class with."""

from dataclasses import dataclass

import numpy as np
import pytest

from lt_helpers import figures
from lt_helpers.figures import Axis, Panel
from lt_helpers.labs import Choice, Lab, Prediction, Seed, Slider, Toggle


@dataclass(frozen=True)
class Wave:
    frequency: float
    t: np.ndarray  # (50,)
    height: np.ndarray  # (50,)
    expected: float


class WaveLab(Lab):
    CONTROLS = dict(
        shape=Choice("Shape", ("sine", "square"), "sine"),
        frequency=Slider("Frequency", 0.5, 5.0, 0.5, value=1.0),
        cycles=Choice("Cycles", lambda shape: (1, 2, 3) if shape == "sine" else (1, 3), value=2, slide=True),
        noisy=Toggle("Noisy", False),
        expected=Prediction("I expect a peak of", 0.0, 1.0, 0.1),
        seed=Seed(),
    )

    @staticmethod
    def compute(shape, frequency, cycles, noisy, expected, seed):
        if frequency == 4.0:
            raise ValueError("frequency is 4.0: the string breaks.")
        t = np.linspace(0, cycles, 50)
        height = np.sin(2 * np.pi * frequency * t)
        height = np.sign(height) if shape == "square" else height
        return Wave(frequency, t, height + noisy * np.random.default_rng(seed).normal(size=50), expected)

    @staticmethod
    def draw(wave, ghost=None):
        traces = [figures.line(wave.t, wave.height, "wave")]
        traces += [] if ghost is None else [figures.line(ghost.t, ghost.height, "held", figures.GHOST)]
        return figures.figure(
            [(Panel("A wave", Axis("seconds", 0, 3), Axis("height", -4, 4)), traces)], columns=1, height=300
        )

    @staticmethod
    def words(wave, ghost=None):
        return f"{wave.frequency:g} waves a second."


@pytest.fixture
def lab():
    return WaveLab()
