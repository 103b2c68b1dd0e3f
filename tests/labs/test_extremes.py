"""Every extreme of every control on several sequences: finite, or said; the axes stay. `python tools/extremes.py` takes 1,000 sequences."""

import numpy as np
import pytest
from extremes import LABS, check, extremes, settled

from lt_helpers.labs import NoiseLab, RidgeLab

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.__name__)
def test_extremes_are_finite_or_said(lab):
    computed, _, faults = check(lab, sequences=4)
    assert faults == []
    assert computed >= 2 * len(lab.CONTROLS)


def test_each_end_of_each_control_is_among_the_extremes():
    settings = [values for seed in (0, 1) for values in extremes(NoiseLab, seed)]
    for name, ends in dict(
        sigma={0.0, 8.0}, kind={"diag", "full", "gd++"}, implied_guess={0.0, 6.0}, seed={0, 1, 9999}
    ).items():
        assert ends <= {values[name] for values in settings}
    for values in settings:
        assert NoiseLab(**{name: value for name, value in values.items() if value is not None}).error is None


def test_a_lab_that_hides_a_divergence_is_found():
    class Silent(RidgeLab):
        @staticmethod
        def compute(**controls):
            state = RidgeLab.compute(**controls)
            object.__setattr__(state, "ridge", state.ridge / (0 if controls["sigma"] == 5 else 1))
            return state

        @staticmethod
        def words(state, ghost):
            return ["All is well."]

    with np.errstate(divide="ignore", invalid="ignore"):
        _, _, faults = check(Silent, sequences=1)
    assert any("ridge not finite, and the words are: All is well." in fault for fault in faults)
    assert settled(Silent, {})["sigma"] == 1.0
