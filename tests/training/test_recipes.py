"""What each stored model starts from, and what its record says: the recipes of a sweep, by hand."""

import numpy as np
import pytest

from lt_helpers import Categorical, Fixed, Uniform, load_pretrained
from lt_helpers.noise import PAPER_NOISES
from lt_helpers.pretrained import ModelId
from lt_helpers.training import sweep as sweeping
from lt_helpers.training.search import Found
from lt_helpers.training.sweep import (
    held,
    record_of,
    sources,
    spread_set,
    train_model,
    warm_starts,
    whole_set,
)

ALL = whole_set()


def named(which):
    """What a model starts from -> {role: name}"""
    return {role: source.name for role, source in sources(which, ALL).items()}


@pytest.mark.parametrize(
    "noise, neighbour",
    [
        ("uniform-1", "uniform-2"),
        ("uniform-2", "uniform-3"),
        ("uniform-3", None),  # in the middle: the others begin there
        ("uniform-4", "uniform-3"),
        ("uniform-5", "uniform-4"),
        ("uniform-6", "uniform-5"),
        ("uniform-7", "uniform-6"),
        ("categorical-1-3", "uniform-3"),
        ("categorical-1-3-5", "uniform-5"),
    ],
)
def test_each_noise_starts_from_its_neighbour(noise, neighbour):
    (known,) = [one for one in PAPER_NOISES if one.key == noise]
    wanted = {"shallower": f"gd++/3/{noise}"}
    wanted |= {} if neighbour is None else {"neighbouring noise": f"gd++/4/{neighbour}"}
    assert named(ModelId("gd++", 4, known)) == wanted


@pytest.mark.parametrize(
    "which, wanted",
    [
        (ModelId("diag", 1, Uniform(5)), {}),
        (ModelId("gd++", 5, Fixed(0)), {"shallower": "gd++/4/fixed-0"}),
        (ModelId("diag", 5, Fixed(0)), {"GD++": "gd++/5/fixed-0"}),
        (ModelId("full", 5, Fixed(0)), {"GD++": "gd++/5/fixed-0", "DIAG": "diag/5/fixed-0"}),
        (
            ModelId("full", 7, Uniform(3)),
            {"DIAG": "diag/7/uniform-3", "shallower": "full/6/uniform-3"},
        ),
        (
            ModelId("full", 3, Uniform(3)),  # with three layers from {1, 3}, and not the other way round
            {
                "DIAG": "diag/3/uniform-3",
                "shallower": "full/2/uniform-3",
                "neighbouring noise": "full/3/categorical-1-3",
            },
        ),
        (
            ModelId("full", 3, Categorical((1, 3))),
            {"DIAG": "diag/3/categorical-1-3", "shallower": "full/2/categorical-1-3"},
        ),
        (ModelId("full", 7, Uniform(3), heads=2), {"one head": "full/7/uniform-3"}),
        (
            ModelId("diag", 3, Uniform(5), heads=2),
            {"DIAG": "diag/3/uniform-5", "shallower": "diag/2/uniform-5/heads-2"},
        ),
        (
            ModelId("diag", 4, Uniform(5), 2, "no-omega_xy"),
            {"DIAG": "diag/4/uniform-5", "two heads": "diag/4/uniform-5/heads-2"},
        ),
        (
            ModelId("diag", 12, Uniform(5)),
            {"shallower": "diag/10/uniform-5"},  # the deepest there is
        ),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_model_starts_from_those_that_are_nearest_to_it(which, wanted):
    assert named(which) == wanted


def test_a_source_that_is_not_there_is_none():
    which = ModelId("diag", 4, Uniform(5))
    there = [ModelId("diag", 2, Uniform(5)), ModelId("diag", 4, Uniform(3)), ModelId("full", 3, Uniform(5))]
    assert sources(which, there) == {"shallower": there[0]}


def test_the_names_of_what_is_held_stand_in_the_variant():
    assert held(ModelId("diag", 4, Uniform(5), 2)) == ()
    assert held(ModelId("diag", 4, Uniform(5), 2, "no-omega_xy-no-omega_yy")) == ("omega_xy", "omega_yy")


@pytest.mark.parametrize("kind, fronts", [("gd++", 2), ("diag", 2), ("full", 1)])
def test_of_full_a_shallower_model_gets_its_idle_layer_in_front_alone(kind, fronts):
    which = ModelId(kind, 3, Uniform(5))
    models = {"shallower": load_pretrained(kind, 2, Uniform(5))}
    starts = warm_starts(which, models, np.random.default_rng(0))
    assert list(starts) == ["idle layer in front", "idle layer at the end"][:fronts]


def test_full_starts_beside_diag_where_there_is_noise_and_at_it_where_there_is_none():
    """It is a saddle of FULL's loss; without noise next to nothing is to be gained, and what is exact stays so."""
    for noise, moved in ((Uniform(5), True), (Fixed(0), False)):
        model = load_pretrained("diag", 2, noise)
        (theta,) = warm_starts(ModelId("full", 2, noise), {"DIAG": model}, np.random.default_rng(0)).values()
        P, Q = theta.reshape(2, 2, 11, 11).swapaxes(0, 1)
        exact = np.einsum(
            "lij,lkm->lijkm", model.P[:, 0], model.Q[:, 0]
        )  # whatever scale is in P, and what in Q
        ours = np.einsum("lij,lkm->lijkm", P, Q)
        apart = np.linalg.norm(ours - exact) / np.linalg.norm(exact)
        assert (1e-4 < apart < 0.1) if moved else apart < 1e-12


def test_each_model_is_trained_on_sequences_of_its_own_whichever_come_before_it(monkeypatch):
    """By its name and the seed, so that a set can be trained in any order, by several processes."""
    keys = {}
    monkeypatch.setattr(
        sweeping, "search", lambda family, task, key, *rest: keys.setdefault(tuple(key), rest) and None
    )
    models = [ModelId("diag", layers, noise) for layers in (1, 2) for noise in (Uniform(2), Uniform(5))]
    for which in [*models, models[0]]:
        with pytest.raises(AttributeError):  # nothing was found
            train_model(which, 4, {})
    assert len(keys) == 4 and {seed for seed, _ in keys} == {4}


def test_a_record_says_what_was_found():
    which = ModelId("diag", 2, Uniform(5))
    model = load_pretrained("diag", 2, Uniform(5))
    theta = np.stack([model.P[:, 0], model.Q[:, 0]], axis=1)[..., [0, -1], [0, -1]].reshape(2, 4)
    found = Found(theta, 0.5, "random 3", steps=70, skipped=4, seconds=1.26, interrupted=False)
    record = record_of(which, 9, found, samples=4_000)
    named = ("kind", "layers", "noise", "heads", "variant", "context", "samples", "seed")
    assert [record[name] for name in named] == ["diag", 2, "uniform-5", 1, "", 20, 4_000, 9]
    assert [record[name] for name in ("start", "steps", "skipped", "seconds")] == ["random 3", 70, 4, 1.3]
    assert record["diverged"] == 0 and record["loss"] != 0.5  # weighed anew
    assert record["standard_error"] < record["loss"] / 10 and record["p9999"] > 3 * record["loss"]


def test_the_noises_come_in_the_order_in_which_their_models_are_wanted():
    """Those of the notebooks first, so that a sweep that is cut short has them."""
    first = list(dict.fromkeys(which.noise.key for which in ALL))[:3]
    assert first == ["uniform-5", "categorical-1-3", "categorical-1-3-5"]
    assert [which.variant for which in ALL[-3:]] == ["no-omega_xx", "no-omega_xy", "no-omega_yy"]
    spread = [which.name for which in spread_set()]
    assert (
        len(spread) == 2 * 6 + 3
        and "full/7/categorical-1-3" in spread
        and "diag/7/uniform-5/heads-2" in spread
    )
