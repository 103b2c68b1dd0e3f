"""What a lab draws, mark by mark, against a table: "panel, mark -> the numbers that belong there", found by another route.

    assert_marks(
        lab,
        {
            ("kept", "axes"): (("eigenvalue", 0, 4.5), ("error", 0.01, 10, "log", "gap")),  # from left to right, from below to above
            ("kept", "ridge"): (s, s / (s + sigma**2 / 20)),  # x and y
            ("map", "attention"): (columns, rows, matrix, limit),  # a heat map: x, y, z, and what the last colour stands for
        },
        {("kept", "ridge"): "oracle"},  # the roles of those marks that are not called by theirs
    )

A mark without an entry fails, and an entry without a mark; so do an axis and a role that are not as the tables say.
"""

import numpy as np

from lt_helpers.view.panel import Heat
from lt_helpers.view.roles import ROLES


def shown_marks(lab):
    """All marks that a lab shows, but for predictions that are not set -> {(panel, mark): Mark}"""
    found = {}
    for panel in lab.panels_now:
        for mark in panel.marks:
            if mark.role == "prediction" and np.isnan(mark.x).all():
                continue
            assert (panel.name, mark.name) not in found, (
                f"two marks {mark.name!r} in the panel {panel.name!r}"
            )
            found[panel.name, mark.name] = mark
    return found


def unkeyed_marks(lab):
    """The marks that do not stand in the key of their panel -> set of (panel, mark)"""
    return {place for place, mark in shown_marks(lab).items() if not mark.keyed}


def numbers(mark):
    """What a mark shows -> tuple of arrays"""
    if isinstance(mark, Heat):
        return mark.x, mark.y, mark.z, np.atleast_1d(mark.limit)
    if hasattr(mark, "low"):
        return mark.x, mark.y, mark.low, mark.high
    return mark.x, mark.y


def titles(lab):
    """What the titles of the panels say beside their words -> {panel: dict}, of those that say more"""
    return {panel.name: panel.values for panel in lab.panels_now if panel.values}


def describe(axis):
    """An axis as a table names it: its name, its ends, and what is not usual about it -> tuple"""
    log = ["log"] if axis.log else []
    below = [] if axis.below == "edge" else [axis.below]
    return axis.name, axis.low, axis.high, *log, *below


def assert_marks(lab, table, roles=None, rtol=1e-6, atol=1e-9):
    """Every mark, every axis and every role of the lab is what the tables say, and in the first table is nothing else."""
    found = shown_marks(lab)
    axes = {(panel.name, "axes"): (describe(panel.x), describe(panel.y)) for panel in lab.panels_now}
    assert set(table) == set(found) | set(axes), (
        f"not in both: {sorted(set(table) ^ (set(found) | set(axes)))}"
    )
    for place, described in axes.items():
        assert described == tuple(map(tuple, table[place])), place
    for place, mark in found.items():
        role = (roles or {}).get(place, "guide" if mark.role == "guide" else mark.name)
        assert mark.role == role, f"{place} has the role {mark.role!r}, where {role!r} belongs"
        assert mark.role in ROLES, f"{place} has the role {mark.role!r}, which the renderer does not know"
        expected = table[place]
        assert len(numbers(mark)) == len(expected), (
            f"{place}: {len(expected)} arrays where the mark has {len(numbers(mark))}"
        )
        for shown, wanted in zip(numbers(mark), expected, strict=True):
            wanted = np.atleast_1d(np.asarray(wanted, float))
            assert shown.shape == wanted.shape, (
                f"{place}: {shown.shape} is drawn, {wanted.shape} belongs there"
            )
            np.testing.assert_allclose(shown, wanted, rtol=rtol, atol=atol, err_msg=str(place))


def assert_messages(lab, table, rtol=1e-6, atol=1e-9):
    """What the lab says, by id: {"noise.reading": dict(estimate=3.8)}. Every message has an entry, or a list of entries where it is said
    more than once; of its values those that the entry names are compared."""
    said = {}
    for message in flat(lab.messages):
        said.setdefault(message.id, []).append(message.values)
    assert set(said) == set(table), f"not in both: {sorted(set(said) ^ set(table))}"
    for id, wanted in table.items():
        wanted = wanted if isinstance(wanted, list) else [wanted]
        assert len(said[id]) == len(wanted), f"{id} is said {len(said[id])} times"
        for values, expected in zip(said[id], wanted, strict=True):
            for name, value in expected.items():
                if isinstance(value, (str, bool, type(None))):
                    assert values[name] == value, (id, name)
                else:
                    np.testing.assert_allclose(
                        values[name], value, rtol=rtol, atol=atol, err_msg=f"{id}: {name}"
                    )


def flat(messages):
    """Messages, and those among their values -> list of Message"""
    found = []
    for message in messages:
        found.append(message)
        for value in message.values.values():
            parts = value if isinstance(value, (list, tuple)) else [value]
            found += flat([part for part in parts if hasattr(part, "id")])
    return found


def drawn(lab, panel, mark):
    """What the figure draws of a mark, after clipping -> the trace, a dict"""
    places = [(shown.name, each.name) for shown in lab.panels_now for each in shown.marks]
    return lab.drawing["data"][places.index((panel, mark))]
