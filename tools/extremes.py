"""Every lab at every extreme of every control, for many sequences: `python tools/extremes.py [SEQUENCES]` (1,000 without a number).

Each state must be finite or say so in words, and the axes must stay where they are. The test suite takes a few sequences; this, all.
"""

import sys
from dataclasses import fields, is_dataclass
from time import perf_counter

import numpy as np
from all_labs import all_labs

from lt_helpers.labs import Choice, Opinion, Prediction, Seed, Slider
from lt_helpers.labs.live import LiveLab
from lt_helpers.language import catalogue

# A lab that trains is no function of its controls.
LABS = [lab for lab in all_labs().values() if not issubclass(lab, LiveLab)]
SAYS_SO = ("diverge", "explode", "beyond all numbers", "are dead", "gradient has vanished", "left blank")
# Gaps: noise levels that the profile lab has not come to; a step along a gradient that has vanished; the curve of FULL, or beyond the
# largest eigenvalue; prints too small to be compared.
GAPS = {"risks", "step", "cosine", "curve", "apart", "baselines_apart"}
DRAW_EVERY = 25

GUESSES = (Prediction, Opinion)


def ends(control, others):
    """The values at the ends of a control; of a list without order, all; of what the page does not show, none but its default."""
    if control.hidden:
        return [control.default(others)]
    if isinstance(control, Choice):
        values = list(control.choices(others).values())
        return [values[0], values[-1]] if control.slide else values
    if isinstance(control, (Slider, Prediction)):
        return [control.low, control.high]
    return [0, 9999] if isinstance(control, Seed) else [False, True]


def settled(lab, wanted):
    """A value for every control: the wanted ones, or the nearest that others allow."""
    values = {}
    for name, control in lab.CONTROLS.items():
        value = wanted[name] if name in wanted else control.default(values)
        values[name] = control.nearest(value, values) if isinstance(control, Choice) else value
    return values


def computed(lab, values):
    """What a lab computes of the values of all controls, predictions apart."""
    return lab.compute(
        **{name: value for name, value in values.items() if not isinstance(lab.CONTROLS[name], GUESSES)}
    )


def extremes(lab, seed):
    """The settings of a lab with one control at an end, and one with each control at an end drawn by lot -> list of dicts of values."""
    seeds = {name: seed for name, control in lab.CONTROLS.items() if isinstance(control, Seed)}
    opened = settled(lab, seeds)
    settings = [
        settled(lab, {**seeds, name: end})
        for name, control in lab.CONTROLS.items()
        if name not in seeds or seed == 0
        for end in ends(control, opened)
    ]
    rng, corner = np.random.default_rng(seed), {}
    for name, control in lab.CONTROLS.items():
        choices = ends(control, settled(lab, corner))
        corner[name] = seed if name in seeds else choices[rng.integers(len(choices))]
    return [*settings, settled(lab, corner)]


def not_finite(state):
    """The names of the numbers of a state that are not all finite; a prediction that is not set is none."""
    values = (
        {field.name: getattr(state, field.name) for field in fields(state)} if is_dataclass(state) else {}
    )
    arrays = {name: value for name, value in values.items() if isinstance(value, (np.ndarray, float))}
    return {name for name, value in arrays.items() if not np.isfinite(np.asarray(value, float)).all()}


def axes(lab, state, values):
    """The ends of the axes of every panel."""
    guesses = {name: value for name, value in values.items() if isinstance(lab.CONTROLS[name], GUESSES)}
    panels = lab.panels(state, None, guesses)
    return {panel.name: (panel.x.low, panel.x.high, panel.y.low, panel.y.high) for panel in panels}


def check(lab, sequences):
    """-> how many settings were computed, how many of them said that they are not finite, and what was wrong, as sentences."""
    opened = settled(lab, {})
    at_rest = axes(lab, computed(lab, opened), opened)
    still = GAPS | not_finite(computed(lab, opened))
    if not any(isinstance(control, Seed) for control in lab.CONTROLS.values()):
        sequences = min(sequences, 100)  # only the corners differ
    count, admitted, faults = 0, 0, []
    for seed in range(sequences):
        for values in extremes(lab, seed):
            state = computed(lab, values)
            words = catalogue("en").say(lab.words(state, None))
            lost = not_finite(state) - still
            count += 1
            admits = any(word in words for word in SAYS_SO)
            admitted += bool(lost) and admits
            if lost and not admits:
                faults.append(
                    f"{lab.__name__}({values}): {', '.join(sorted(lost))} not finite, and the words are: {words}"
                )
            if "nan" in words or "inf" in words:
                faults.append(f"{lab.__name__}({values}) says: {words}")
            if count % DRAW_EVERY == 0 and axes(lab, state, values) != at_rest:
                faults.append(f"{lab.__name__}({values}): its axes have moved")
    return count, admitted, faults


def main(sequences=1000):
    """Check all labs and print a table."""
    print("| lab | settings | not finite, and said | faults | s |\n|---|---|---|---|---|")
    wrong = []
    for lab in LABS:
        start = perf_counter()
        count, admitted, faults = check(lab, int(sequences))
        wrong += faults
        print(
            f"| {lab.__name__} | {count:,} | {admitted} | {len(faults)} | {perf_counter() - start:.0f} |",
            flush=True,
        )
    print(*wrong[:20], sep="\n")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
