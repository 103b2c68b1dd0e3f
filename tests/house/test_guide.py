"""The pages for teachers: their plans add up and are the series', their numbers come out, and every call in them opens."""

import re
from functools import cache
from pathlib import Path

import answers
import by_hand
import guide
import numpy as np
import pytest
from all_labs import all_labs
from build_notebooks import build, texts
from minutes import BEAT
from series import half_day, series
from site_labs import site_beat

from lt_helpers import Fixed, RegressionTask, Uniform, labs, load_pretrained
from lt_helpers.evaluate import adjusted_loss
from lt_helpers.labs import NoiseLab
from lt_helpers.labs.material import sequence

DOCS = Path(__file__).parents[2] / "docs"
GUIDE = guide.GUIDE.read_text(encoding="utf-8")
MINUTES = {notebook["name"]: notebook["minutes"] for notebook in series()}
PLANS = {
    "half_day": "Half a day",
    "one_hour": "One hour",
    "remote": "A remote room",
    "full_day": "A full day",
}
CALLS = sorted(
    set(re.findall(r"`(\w+Lab\([^`]*\))`", "".join(path.read_text() for path in DOCS.glob("*.md"))))
)
ROWS = [(name, row) for name in PLANS for row in guide.plan(name)]
NAMES = [f"{name}-{guide.clock(row['start'])}" for name, row in ROWS]


def told(title):
    """The table of a plan as the guide has it -> list of (start in minutes, minutes, names of notebooks)"""
    section = re.search(rf"(?ms)^## {title}$(.*?)^## ", GUIDE)[1]
    rows = re.findall(r"(?m)^\| (\d+):(\d\d) \| (\d+) \|(.*)$", section)
    return [
        (60 * int(hour) + int(minute), int(long), re.findall(r"notebooks/(\w+)\.ipynb\)", rest))
        for hour, minute, long, rest in rows
    ]


@pytest.mark.parametrize("title", PLANS.values())
def test_each_part_begins_where_the_one_before_ends(title):
    rows = told(title)
    assert rows[0][0] == 0 and len(rows) > 3
    for (start, long, _), (following, _, _) in zip(rows, rows[1:]):
        assert start + long == following


@pytest.mark.parametrize("title, minutes", [("Half a day", 180), ("One hour", 60), ("A remote room", 150)])
def test_a_plan_takes_as_long_as_it_says(title, minutes):
    assert sum(long for _, long, _ in told(title)) == minutes


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_begins_with_the_set_up_and_ends_with_the_exit_ticket(name):
    first, *_, last = guide.plan(name)
    assert "set-up" in first["what"].lower() and last["what"] == "Exit ticket"


def test_both_remote_sessions_are_told_part_by_part():
    """Two of 75 minutes: the second begins at half time, in the middle of no notebook, and repeats none of the first."""
    rows = told("A remote room")
    assert [start for start, _, _ in rows] == [0, 10, 30, 50, 55, 75, 85, 110, 140]
    assert [name[:2] for _, _, names in rows for name in names] == ["00", "01", "03", "06", "07"]
    section = re.search(r"(?ms)^## A remote room$(.*?)^## ", GUIDE)[1]
    assert re.findall(r"(?m)^\| (\d:\d\d) \| \d+ \| (\w+) session:", section) == [
        ("0:00", "First"),
        ("1:15", "Second"),
    ]


@pytest.mark.parametrize("name, row", ROWS, ids=NAMES)
def test_what_is_done_in_a_part_fits_into_it(name, row):
    """Beats of labs that there are, in notebooks that show them; no notebook gets more than it takes alone."""
    needed = BEAT * len(row.get("beats", ())) + row.get("acts", 0)
    assert needed <= row["minutes"]
    if "lab" in row:
        kind = getattr(labs, row["lab"])
        assert set(row["beats"]) <= {beat.name for beat in kind.BEATS}
        (text,) = [text for text in texts() if text.stem == row["notebook"]]
        assert any(f"{row['lab']}(" in cell.source for cell in build(text).cells)
    if "notebook" in row:
        assert row["minutes"] <= MINUTES[row["notebook"]]


def test_the_plans_are_the_paths_of_the_series():
    assert [name for _, _, names in told("Half a day") for name in names] == half_day()
    inside = [row["notebook"] for row in guide.plan("full_day") if "notebook" in row]
    at_home = re.findall(r"notebooks/(\w+)\.ipynb", re.search(r"(?m)^For home:.*$", GUIDE)[0])
    assert sorted([*inside, *at_home]) == sorted(MINUTES)
    assert [row["minutes"] for row in guide.plan("full_day") if "notebook" in row] == [
        MINUTES[name] for name in inside
    ]


CHECKPOINTS = guide.teaching()["checkpoint"]


@pytest.mark.parametrize("point", CHECKPOINTS, ids=lambda point: point["at"])
def test_after_a_checkpoint_the_half_day_still_ends_in_time(point):
    """The parts that it names take what it leaves them, all others that are still to come take what is planned: 180 minutes."""
    hour, minute = map(int, point["at"].split(":"))
    at = 60 * hour + minute
    left = {part["notebook"]: part["minutes"] for part in point.get("parts", ())}
    assert 0 < at < 180 and set(left) <= set(half_day())
    to_come = [row for row in guide.plan("half_day") if row["start"] >= at or row.get("notebook") in left]
    assert at + sum(left.get(row.get("notebook"), row["minutes"]) for row in to_come) == 180


@pytest.mark.parametrize("point", CHECKPOINTS, ids=lambda point: point["at"])
def test_what_a_checkpoint_leaves_to_do_fits(point):
    """And no beat is added, and no minutes, to what is planned."""
    planned = {row.get("notebook"): row for row in guide.plan("half_day")}
    for part in point.get("parts", ()):
        row = planned[part["notebook"]]
        assert set(part.get("beats", ())) <= set(row["beats"]) and part["minutes"] <= row["minutes"]
        assert BEAT * len(part.get("beats", ())) + part.get("acts", 0) <= part["minutes"]


def asked_in(plan):
    """The votes that a plan names -> list of (vote, start of its row)"""
    rows = guide.plan(plan)
    return [
        (int(vote), row["start"]) for row in rows for vote in re.findall(r"vote (\d)", row.get("room", ""))
    ]


@pytest.mark.parametrize("name", ["half_day", "one_hour", "remote"])
def test_votes_are_asked_before_their_answers_are_seen(name):
    """In their order; the one on A and B in the part of the worksheet's first tasks, ahead of them; the pulled point before its beat."""
    asked = asked_in(name)
    assert asked == sorted(asked) and len(set(asked)) == len(asked)
    if name == "half_day":
        assert [vote for vote, _ in asked] == list(range(1, 1 + len(guide.teaching()["vote"])))
    (sheet,) = [row for row in guide.plan(name) if "tasks 1 to" in row.get("room", "")]
    assert sheet["room"].index("vote 2") < sheet["room"].index("tasks 1 to")
    questions = [vote["question"] for vote in guide.teaching()["vote"]]
    assert "You pull" in questions[0] and "B: y =" in questions[1] and "recall" in questions[3]
    for row in guide.plan(name):
        if "vote 1" in row.get("room", ""):
            assert "vote 1 before beat {points_pull}" in row["room"] and row["lab"] == "PointsLab"
        if "vote 4" in row.get("room", ""):
            assert "vote 4 first, a recall" in row["room"]


def test_the_vote_on_two_sequences_is_right():
    labels = {"A": [-1, -3, 3, 1], "B": [1, -3, 3, -1]}
    vote = guide.teaching()["vote"][1]
    for name, y in labels.items():
        assert f"{name}: y = {', '.join(map(str, y))}".replace("-", "−") in vote["question"]
    assert len({sum(label * label for label in y) for y in labels.values()}) == 1
    assert vote["right"] == "both alike"


@pytest.mark.parametrize("kind", [labs.PointsLab, labs.GradientLab, labs.TinyLab])
def test_the_guide_names_the_beats_of_its_plans_that_the_site_leaves_out(kind):
    """Those of which the site's own script of the lab has nothing."""
    lab = kind()
    missing = [place for place, beat in enumerate(kind.BEATS, 1) if site_beat(lab, beat) is None]
    numbers = " and ".join(map(str, missing))
    told = re.search(r"(?s)<!-- kernel -->\n(.*)\n<!-- /kernel -->", GUIDE)[1]
    named = re.search(rf"beats? ([\d and]+) of {kind.__name__}", told)
    assert (named[1] if named else "") == numbers, "run: make readme"


RIGHT = ("that labels scatter more", "both alike", "yes, always", "the implicit weight w", "between 5 and 8")


def test_each_vote_has_the_right_option_and_the_guide_its_letter():
    """By hand, from the options as they stand; what makes them right is computed in the facts below."""
    votes = guide.teaching()["vote"]
    assert tuple(vote["right"] for vote in votes) == RIGHT
    told_votes = re.search(r"(?s)<!-- votes -->\n(.*?)<!-- /votes -->", GUIDE)[1]
    blocks = re.split(r"(?m)^\d\. ", told_votes)[1:]
    for block, right in zip(blocks, RIGHT, strict=True):
        letter = re.search(r"\*\*([ABC])\.\*\*", block)[1]
        assert f"({letter}) {right}" in block


@pytest.fixture(scope="module")
def facts():
    return guide.facts()


@cache
def read(seed, sigma):
    """A sequence of the noise lab, and its model, as the lab opens -> x, y, truth, model"""
    shown = sequence(seed)
    return (
        shown.x,
        shown.x @ shown.truth + sigma * shown.direction,
        shown.truth,
        load_pretrained("diag", 4, Uniform(5.0)),
    )


def test_the_facts_of_the_pulled_point_and_of_the_sequences_are_those_of_sums(facts):
    """At rest the mean of y^2 is 2^2 + 1; the point in the middle, at 0, goes to 12. A and B: by hand."""
    wanted = dict(low=5, high=5 + 12**2 / 20, a_square=(1 + 9 + 9 + 1) / 4, a_left=1, b_left=4)
    assert {name: facts[name] for name in wanted} == pytest.approx(wanted)


def test_what_attention_answers_is_a_mean_of_labels_or_a_slope(facts):
    """A has the labels -1 and -3 at x = -1, 3 and 1 at x = 1: with the softmax 2 tanh 2, without it the slope 2 times the query 2."""
    assert facts["softmax"] == pytest.approx(2 * np.tanh(2))
    assert facts["linear"] == pytest.approx(4)


@pytest.mark.parametrize("name, sigma", [("implied_0", 0.0), ("implied_5", 5.0), ("beyond", 8.0)])
def test_the_noise_that_a_model_acts_on_is_the_nearest_ridge_regressions(facts, name, sigma):
    x, y, _, model = read(66, sigma)
    assert facts[name] == pytest.approx(by_hand.nearest_noise(by_hand.probe(model, x, y), x, y), abs=0.02)
    if name == "beyond":
        assert 5.5 < facts["beyond"] < 7.5
        assert facts["beyond_estimate"] == pytest.approx(by_hand.noise_left(x, y))


@pytest.mark.parametrize("name, sigma", [("steps_before", 1.0), ("steps_after", 4.0)])
def test_the_steps_are_told_as_the_tokens_take_them(facts, name, sigma):
    x, y, _, model = read(66, sigma)
    steps, _ = by_hand.step_by_layer(model, x, y)
    np.testing.assert_allclose([float(step) for step in facts[name].split(", ")], steps, atol=0.0051)


@pytest.mark.parametrize("seed, sigma, name", [(4, 1.0, "1"), (66, 4.0, "4")])
def test_how_far_from_the_truth_least_squares_and_the_model_are(facts, seed, sigma, name):
    x, y, truth, model = read(seed, sigma)
    fitted = np.linalg.lstsq(x, y)[0]
    assert facts[f"ls_{name}"] == pytest.approx(np.linalg.norm(fitted - truth))
    assert facts[f"model_{name}"] == pytest.approx(np.linalg.norm(by_hand.probe(model, x, y) - truth))


def test_which_components_grow_while_the_weight_shrinks(facts):
    quiet, noisy = (by_hand.probe(read(4, sigma)[3], *read(4, sigma)[:2]) for sigma in (1.0, 4.0))
    grown = [str(place) for place in range(1, 11) if abs(noisy[place - 1]) > abs(quiet[place - 1])]
    assert facts["which"] == ", ".join(grown)
    assert facts["further"] == {0: "none", 1: "one", 2: "two", 3: "three"}[len(grown)]
    assert np.linalg.norm(noisy) < np.linalg.norm(quiet)


@pytest.mark.parametrize("name, layers", [("shallow", 3), ("deep", 7)])
def test_the_losses_of_two_depths_are_those_of_other_sequences_token_by_token(facts, name, layers):
    batch = RegressionTask(10, 20, Fixed(2.0)).sample(1_000, np.random.default_rng(5))
    w = by_hand.probe_many(load_pretrained("diag", layers, Uniform(5.0)), batch.x, batch.y)
    losses = ((w - by_hand.ridge_many(batch.x, batch.y, 4.0)) ** 2).sum(axis=1) / 2
    assert facts[name] == pytest.approx(losses.mean(), abs=5 * losses.std() / np.sqrt(1_000))


def test_the_numbers_of_beats_are_their_places():
    places = guide.beat_numbers()
    wanted = dict(
        points_pull=2, points_wise=4, ridge_share=2, ridge_noise=4, gradient_land=1, gradient_leave=2
    )
    wanted |= dict(gradient_drag=3, gradient_stop=4, implicit_random=3, rescaling_labels=1, rescaling_reads=3)
    wanted |= dict(noise_gdpp=2, noise_shares=3, noise_beyond=5)
    assert {name: places[name] for name in wanted} == wanted


def test_the_path_is_told_alike_to_learners():
    numbers = [name[:2] for name in half_day()]
    start = (DOCS.parent / "notebooks" / ".text" / "00_start_here.py").read_text()
    said = re.search(r"Short of time\?(.*)half a day", start)[1]
    assert re.findall(r"\d\d", said) == numbers


@pytest.mark.parametrize("call", CALLS)
def test_each_call_in_the_pages_opens_a_lab(call):
    assert eval(call, vars(labs).copy()).error is None


NUMBER = r"(?<![\w.])[-−]?\d+(?:[.,]\d+)*(?:e-?\d+)?"


def by_lab(text):
    """The tables of the answers -> {"00 PointsLab": table}"""
    parts = re.split(r"(?m)^### (.*)$", text)
    return dict(zip(parts[1::2], parts[2::2]))


@pytest.mark.slow
def test_every_prediction_is_answered_as_the_labs_answer_it():
    """Word for word. Last digits may differ from machine to machine, and more of them where thousands of steps were trained."""
    stored = by_lab(re.search(r"(?s)<!-- answers -->\n(.*)\n<!-- /answers -->", GUIDE)[1])
    made = by_lab(answers.block())
    assert list(stored) == list(made), "run: make handouts"
    for lab, text in made.items():
        assert re.sub(NUMBER, "#", stored[lab]) == re.sub(NUMBER, "#", text), "run: make handouts"
        rel = 0.25 if "TrainingLab" in lab else 0.02
        for pair in zip(re.findall(NUMBER, stored[lab]), re.findall(NUMBER, text), strict=True):
            first, second = (float(number.replace("−", "-").replace(",", "")) for number in pair)
            assert first == pytest.approx(second, rel=rel, abs=1e-12), f"{lab}: run: make handouts"
    asked = [beat for kind in all_labs().values() for beat in kind.BEATS if beat.ask]
    assert len(re.findall(r"(?m)^\| \d+ \| ", "".join(stored.values()))) == len(asked)


def test_a_beat_that_a_hand_ends_must_be_known(monkeypatch):
    monkeypatch.setattr(answers, "MOVES", {})
    with pytest.raises(SystemExit, match="PointsLab, beat 'pull', is not done"):
        answers.rows_of(labs.PointsLab)


@pytest.mark.parametrize(
    "task, asked",
    [
        ("Slide. Then look. Which one at σ = 0.5? Go on.", "Then look. Which one at σ = 0.5?"),
        ("What for? Whose error is smallest?", "What for? Whose error is smallest?"),
        (f"Look. Which of them is {'very ' * 12}good?", f"Which of them is {'very ' * 12}good?"),
        ("Slide the noise to 4.", "Slide the noise to 4."),
        (
            f"Look. (It is the {'very ' * 12}blue line.) Which one?",
            "(It is the " + "very " * 12 + "blue line.) Which one?",
        ),
    ],
)
def test_what_a_task_asks_is_found(task, asked):
    assert answers.question_in(task) == asked


def test_votes_and_rescues_name_what_is_there():
    for vote in guide.teaching()["vote"]:
        assert vote["right"] in vote["options"] and len(vote["options"]) == len(guide.LETTERS)
    there = guide.all_exercises()
    rescued = [rescue["exercise"] for rescue in guide.teaching()["rescue"]]
    assert len(set(rescued)) == len(rescued), "one rescue an exercise"
    for rescue in guide.teaching()["rescue"]:
        assert rescue["exercise"] in there, f"no exercise {rescue['exercise']!r}"
        assert rescue["mistake"] in there[rescue["exercise"]].mistakes, (
            f"{rescue['exercise']} has no {rescue['mistake']!r}"
        )


def test_the_exit_ticket_comes_out_as_by_hand():
    """S = (1, -2, 6): slope -2, left 6 - 4 = 2, shrunk by 3/4. The second feature of A', twice, is what its first leaves."""
    found = guide.ticket()
    assert (found["ticket_slope"], found["ticket_left"], found["ticket_shrunk"]) == ("−2", "2", "−1.5")
    assert (found["ticket_two"], found["ticket_second"], found["ticket_free"]) == ("0", "2", 2)


def test_the_exit_ticket_is_not_answered_in_a_quiz():
    quizzes = "".join(text.read_text(encoding="utf-8") for text in texts())
    found = guide.ticket()
    xx, xy, yy = (found[f"ticket_{name}"].replace("−", "-") for name in ("xx", "xy", "yy"))
    assert "has Σ = 1, α = -1 and v = 2" in quizzes, "a quiz that asks alike"
    assert f"has Σ = {xx}, α = {xy} and v = {yy}" not in quizzes
    assert "Give A a second feature" in quizzes and "Give each point of A′ a second" in GUIDE


def test_a_square_taken_for_the_breaking_point_is_no_zero():
    """1 - 8^2 / 8 = -7, and 1 - 8 / 8 = 0."""
    assert guide.breaking() == {"into_eight": "−7", "into_root": "0"}


@pytest.mark.parametrize(
    "seed, sigma, nearer", [(4, 1.0, "ls"), (4, 2.0, "ls"), (4, 3.0, "ls"), (66, 4.0, "model")]
)
def test_who_is_nearer_to_the_truth(seed, sigma, nearer):
    state = NoiseLab(beat=None, seed=seed, sigma=sigma).arrays
    shown = sequence(seed)
    x, truth = shown.x, state.truth
    y = shown.moments(sigma)[0][:-1, -1]  # alpha
    fitted = np.linalg.solve(x.T @ x / len(x), y)
    to_model = np.linalg.norm(state.path[-1] - truth)
    to_fitted = np.linalg.norm(fitted - truth)
    assert ("ls" if to_fitted < to_model else "model") == nearer
    if (seed, sigma) == (66, 4.0):
        assert f"{to_fitted:.2f} away at σ = 4, the model {to_model:.2f}" in GUIDE


def test_deeper_is_better_on_the_whole_and_not_at_every_noise():
    task = RegressionTask(10, 20, Uniform(5.0))
    whole = [
        adjusted_loss(load_pretrained("diag", layers, Uniform(5.0)), task, 4000, np.random.default_rng(1))[0]
        for layers in (3, 7)
    ]
    assert whole[1] < whole[0]
    assert guide.facts()["shallow"] < 0.75 * guide.facts()["deep"]


def test_one_layer_alone_takes_much_shorter_steps():
    quiet, noisy = (NoiseLab(beat=None, seed=66, sigma=sigma).arrays.step for sigma in (1.0, 4.0))
    assert list(quiet - noisy > 0.1) == [False, False, False, True]
