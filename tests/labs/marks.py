"""What a lab draws, mark by mark, against a table: "panel, mark -> the numbers that belong there", found by another route.

    assert_marks(lab, {
        ("kept", "axes"): ((0, 4.5), (-0.1, 1.2)),               # ends of x and y, as drawn: from left to right, from below to above
        ("kept", "ridge"): (s, s / (s + sigma**2 / 20)),         # x and y
        ("map", "attention"): (columns, rows, matrix),           # a heat map: x, y and z
    })

A mark without an entry fails, and an entry without a mark. Guides, which only lead the eye, have none.
"""

import numpy as np

from lt_helpers.view.panel import Guide, Heat
from lt_helpers.view.roles import ROLES


def shown_marks(lab):
    """All marks that a lab shows, but for guides and predictions that are not set -> {(panel, mark): Mark}"""
    found = {}
    for panel in lab.panels_now:
        for mark in panel.marks:
            if isinstance(mark, Guide) or (mark.role == "prediction" and np.isnan(mark.x).all()):
                continue
            assert (panel.name, mark.name) not in found, (
                f"two marks {mark.name!r} in the panel {panel.name!r}"
            )
            found[panel.name, mark.name] = mark
    return found


def numbers(mark):
    """What a mark shows -> tuple of arrays"""
    if isinstance(mark, Heat):
        return mark.x, mark.y, mark.z
    if hasattr(mark, "low"):
        return mark.x, mark.y, mark.low, mark.high
    return mark.x, mark.y


def assert_marks(lab, table, rtol=1e-6, atol=1e-9):
    """Every mark of the lab is what the table says, and in the table is nothing else."""
    found = shown_marks(lab)
    axes = {
        (panel.name, "axes"): ((panel.x.low, panel.x.high), (panel.y.low, panel.y.high))
        for panel in lab.panels_now
    }
    assert set(table) == set(found) | set(axes), (
        f"not in both: {sorted(set(table) ^ (set(found) | set(axes)))}"
    )
    for place, ends in axes.items():
        assert ends == tuple(map(tuple, table[place])), place
    for place, mark in found.items():
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


def assert_roles(lab, table):
    """The role of every mark that is not called by it: {("kept", "ridge"): "oracle"}."""
    named = {place: mark.role for place, mark in shown_marks(lab).items() if mark.name != mark.role}
    assert named == table


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
