"""What is mistyped in docs/teaching.toml is said in one sentence, which names the place and the key."""

import re

import answers
import guide
import pytest
import slides
import teaching

from lt_helpers import labs

TEXT = teaching.FILE.read_text(encoding="utf-8")


def first(entry, old, new):
    """The file with `old` exchanged for `new` in the first entry of a table."""
    head, begin, rest = TEXT.partition(f"[[{entry}]]\n")
    assert old in rest
    return head + begin + rest.replace(old, new, 1)


MISTYPED = [
    ("[[vote]]", "[[votes]]", "a table is 'votes': it must be one of half_day, .*, vote, "),
    ("[[ticket]]", "[ticket]", r"cannot be read: .*line \d+"),
    ("what = ", "whta = ", "half_day 1, a key is 'whta': it must be one of what, notebook,"),
    ('what = "Set-up"', "", "half_day 1 must have one of the keys 'what' and 'notebook'"),
    ("minutes = 10", "", "half_day 1 has no key 'minutes'"),
    ("minutes = 10", 'minutes = "10"', "half_day 1, minutes is '10': it must be a whole number"),
    ("minutes = 10", "minutes = ten", "cannot be read: .*line 10"),
    ("00_start_here", "00_start", "half_day 2, notebook is '00_start': it must be one of 00_start_here, "),
    ("PointsLab", "PointLab", "half_day 2, lab is 'PointLab': it must be one of .*PointsLab"),
    ('lab = "PointsLab"', "", "half_day 2 must have both keys 'lab' and 'beats', or none"),
    ('"pull"', '"pul"', "half_day 2, beats is 'pul': it must be one of drag, pull,"),
    ('["drag", "pull", "noise", "wise", "gdpp"]', '"drag"', "half_day 2, beats is 'drag': it must be a list"),
    ('at = "0:10"', 'at = "10"', "checkpoint 1, at is '10': it must be hours and minutes"),
    ('at = "0:10"', "", "checkpoint 1 has no key 'at'"),
]
DEEPER = [
    ("checkpoint.parts", "01_linear_attention", "05_preconditioning_and_momentum", "checkpoint 2, part 1, notebook is '05_"),
    ("checkpoint.parts", "minutes", "minuets", "checkpoint 2, part 1, a key is 'minuets': it must be one of notebook, minutes"),
    ("say", "00_start_here", "00_start", "say 1, notebook is '00_start'"),
    ("say", "points = [", "points = [1,", "cannot be read|say 1, points is .*: it must be a list of words"),
    ("vote", "right", "rihgt", "vote 1, a key is 'rihgt': it must be one of question, options, right, why"),
    ("vote", 'right = "that', 'right = "That', "vote 1, right is 'That labels scatter more': it must be one of which point"),
    ("vote", '"which point it was", ', "", "vote 1, options has 2 of them: there must be 3"),
    ("ticket", "answer", "answers", "ticket 1, a key is 'answers'"),
    ("rescue", "help", "helps", "rescue 1, a key is 'helps'"),
    ("misconception", "hears", "heard", "misconception 1, a key is 'heard'"),
]  # fmt: skip
IN_BRACES = [
    (guide.timetable, ["half_day"], "half_day", "{points_pull}", "{points_pul}", "00_start_here, room has {points_pul}"),
    (guide.checkpoints, [], "checkpoint", "{gradient_drag}", "{drag}", "checkpoint 3, go has {drag}"),
    (guide.say, [], "say", "{points_pull}", "{points_pul}", "what to say in 00_start_here, points has {points_pul}"),
    (guide.votes, [], "vote", "{low:.1f}", "{lo:.1f}", "vote 1, why has {lo}"),
    (guide.votes, [], "vote", "{low:.1f}", "{low:.1f", "vote 1, why has braces that cannot be read"),
    (guide.tickets, [], "ticket", "{ticket_xx}", "{ticket_x}", "ticket 1, question has {ticket_x}"),
    (slides.ticket, [], "ticket", "{ticket_xx}", "{ticket_x}", "ticket 1, question has {ticket_x}"),
    (guide.misconceptions, [], "misconception", "{further}", "{furthest}", "misconception 3, say has {furthest}"),
    (guide.rescues, [], "rescue", "{into_eight}", "{eight}", "the rescue of rescaling.breaking_point, help has {eight}"),
    (guide.rescues, [], "rescue", "start.excess_risk", "start.risk", "rescue 1, exercise is 'start.risk': it must be one of"),
    (guide.rescues, [], "rescue", "half_of_the_oracle", "half", "rescue 1, mistake is 'half': it must be one of"),
]  # fmt: skip


@pytest.fixture
def written(tmp_path, monkeypatch):
    """written(text): docs/teaching.toml holds this text now."""
    path = tmp_path / "teaching.toml"
    monkeypatch.setattr(teaching, "FILE", path)

    def written(text):
        path.write_text(text, encoding="utf-8")
        teaching.teaching.cache_clear()

    yield written
    teaching.teaching.cache_clear()


def refused(call, *arguments):
    """The one sentence with which a call ends."""
    with pytest.raises(SystemExit) as said:
        call(*arguments)
    sentence = str(said.value)
    assert sentence.startswith("docs/teaching.toml") and sentence.endswith(".") and "\n" not in sentence
    return sentence


@pytest.mark.parametrize("old, new, sentence", MISTYPED)
def test_a_slip_in_a_plan_is_named(written, old, new, sentence):
    assert old in TEXT
    written(TEXT.replace(old, new, 1))
    assert re.search(sentence, refused(teaching.teaching))


@pytest.mark.parametrize("found", [{}, {"half_day": {}}], ids=["no table", "one entry"])
def test_a_table_that_is_not_there_is_named(found):
    assert "the table 'half_day' must be there, and each of its entries begin" in refused(
        teaching.check, found
    )


@pytest.mark.parametrize("table, old, new, sentence", DEEPER)
def test_a_slip_in_an_entry_is_named(written, table, old, new, sentence):
    written(first(table, old, new))
    assert re.search(sentence, refused(teaching.teaching))


@pytest.mark.parametrize("call, arguments, table, old, new, sentence", IN_BRACES)
def test_a_name_that_stands_for_nothing_is_named(written, call, arguments, table, old, new, sentence):
    written(first(table, old, new))
    assert sentence in refused(call, *arguments)


def test_what_a_hand_does_where_there_is_no_such_control_is_named(monkeypatch):
    monkeypatch.setitem(answers.MOVES, ("points", "pull"), dict(lited=((0, 0.0, 12.0),)))
    with pytest.raises(
        SystemExit, match="PointsLab has no control 'lited': MOVES .* names it for beat 'pull'"
    ):
        answers.rows_of(labs.PointsLab)


@pytest.mark.parametrize("runs", [{}, {"training": {}}], ids=["no lab", "no beat"])
def test_a_beat_of_the_training_lab_without_a_run_is_named(monkeypatch, runs):
    monkeypatch.setattr(answers, "RUNS", runs)
    with pytest.raises(SystemExit, match="TrainingLab, beat 'start', has no run: .* in RUNS\\['training'\\]"):
        answers.rows_of(labs.TrainingLab)
