"""The answer to every prediction that the labs ask for, for teachers: python tools/answers.py carries it into docs/instructor-guide.md.

`make handouts` does so as well. A lab is led through its beats as a learner would be, without a page, and what it then says is kept.
Nothing is written by hand but where a hand has to go in beats that no slider ends: MOVES.
"""

import re
from dataclasses import dataclass

import guide
from all_labs import all_labs
from build_notebooks import texts
from tables import table
from write_readme import fill

from lt_helpers.labs.live import LiveLab
from lt_helpers.labs.names import strip_tags
from lt_helpers.labs.story import label_of

# What a learner does in beats that end where a hand, and no slider, has been: the values of controls.
MOVES = {
    ("points", "pull"): dict(lifted=((0, 0.0, 12.0),)),
    ("gradient", "drag"): dict(truth=((0, -1.0, 1.0),)),
    ("preconditioning", "depth"): dict(layers=12),
}
# The one run of the training lab: the noise that each beat asks for (None: as it is), and the steps that it waits.
RUNS = {
    "training": {"start": (None, 1200), "shorter": (5.0, 1500), "back": (1.0, 2000), "again": (5.0, 1500)}
}


SHORT = 60  # letters of a question that says too little by itself
HEADING = ("beat", "question", "answer", "panel", "what the lab says")


@dataclass(frozen=True)
class Row:
    """A prediction, and how it comes out.

    question : str.  What the learner is asked, one or two sentences.
    answer : str.  The number as the lab says it, or the option.
    panel : str.  The title of the panel in which it is seen.
    sentence : str.  What the lab says then.
    """

    beat: str
    place: int
    question: str
    answer: str
    panel: str
    sentence: str


def rows_of(kind):
    """All predictions of a lab.

    Parameters
    ----------
    kind : class, a Lab.

    Returns
    -------
    list of Row, in the order of the beats
    """
    lab = kind()
    rows = []
    for place, beat in enumerate(kind.BEATS, 1):
        lab.go_to(beat.name)
        task = lab.names.say(lab.story().task)
        finish(lab, beat)
        if beat.ask is not None:
            rows.append(row(lab, beat, place, task))
    return rows


def finish(lab, beat):
    """Do what a beat asks for."""
    if isinstance(lab, LiveLab):
        top, steps = run_of(lab, beat)
        if top is not None:
            lab.controls["sigma_max"].value = top
        lab.run(steps=steps)
    else:
        wanted = beat.at or MOVES.get((lab.NAME, beat.name), {})
        for name, value in wanted.items():
            if name not in lab.controls:
                raise SystemExit(
                    f"{type(lab).__name__} has no control {name!r}: MOVES in tools/answers.py names it for beat {beat.name!r}."
                )
            lab.controls[name].value = lab.CONTROLS[name].write(value)
    if beat.ask is not None and beat.ask not in lab.answers:
        raise SystemExit(
            f"{type(lab).__name__}, beat {beat.name!r}, is not done: tools/answers.py says what a hand does, in MOVES."
        )


def run_of(lab, beat):
    """The largest noise that a beat of a lab that trains asks for, and the steps that it waits; see RUNS."""
    runs = RUNS.get(lab.NAME, {})
    if beat.name not in runs:
        raise SystemExit(
            f"{type(lab).__name__}, beat {beat.name!r}, has no run: tools/answers.py says how long it waits, in RUNS[{lab.NAME!r}]."
        )
    return runs[beat.name]


def row(lab, beat, place, task):
    """What a beat that is done has told -> Row"""
    entry = f"{lab.NAME}.beat.{beat.name}.told"
    value = lab.answers[beat.ask].answer
    label = label_of(lab, beat.ask, value)
    as_said = re.search(r"\{answer:([^}]*)\}", lab.names.catalogue.entries[entry])
    answer = format(value, as_said[1]) if as_said else lab.names.say(label)
    shown = lab.panels_now[-1]
    return Row(
        beat=beat.name,
        place=place,
        question=question_in(task),
        answer=answer,
        panel=strip_tags(lab.names.panel(shown)),
        sentence=lab.names.say(lab.story().found[-1]),
    )


def question_in(task):
    """The sentences of a task that ask something, with the one before them where they are short; the whole task where none asks."""
    sentences = [one.strip() for one in re.findall(r"[^.?!]*(?:\d[.]\d[^.?!]*)*[.?!]+\)?(?:\s+|$)", task)]
    asking = [place for place, sentence in enumerate(sentences) if sentence.endswith("?")]
    if not asking:
        return task
    is_short = sum(len(sentences[place]) for place in asking) < SHORT
    if is_short and asking[0] > 0:
        asking = [asking[0] - 1, *asking]
    return " ".join(sentences[place] for place in asking)


def shown_first(kind):
    """Where the series shows a lab first -> its notebook, two digits or "", and the place of the call in its text"""
    for text in texts():
        place = text.read_text(encoding="utf-8").find(f"{kind.__name__}(")
        if place >= 0:
            return text.stem[:2], place
    return "", 0


def block():
    """The tables of all labs that ask for predictions, in the order of the notebooks -> str, in Markdown"""
    tables = []
    for kind in sorted(all_labs().values(), key=shown_first):
        rows = rows_of(kind)
        if rows:
            lines = [(one.place, one.question, f"**{one.answer}**", one.panel, one.sentence) for one in rows]
            tables.append(f"### {shown_first(kind)[0]} {kind.__name__}\n\n{table(HEADING, lines)}")
    return "\n\n".join(tables)


def main():
    """Write the answers into the guide."""
    guide.GUIDE.write_text(fill(guide.GUIDE, {"answers": block()}), encoding="utf-8")


if __name__ == "__main__":
    main()
