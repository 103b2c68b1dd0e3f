"""The first of the API's pages: the public names, a line each, with links to the reference that Sphinx makes of the docstrings."""

import inspect
import re

import lt_helpers as lt
from lt_helpers import labs


def public_names():
    """What is meant to be used -> {how it is imported: {name: object}}"""
    baselines = {name: one for name, one in vars(lt.baselines).items() if is_predictor(one)}
    return {
        "lt": {name: getattr(lt, name) for name in lt.__all__},
        "lt.baselines": baselines,
        "lt_helpers.labs": {name: getattr(labs, name) for name in labs.__all__},
    }


def is_predictor(one):
    """Does it take contexts, as `lt.risk` gives them, or a task whose baselines it gives?"""
    if not inspect.isfunction(one) or one.__module__ != lt.baselines.__name__:
        return False
    takes = list(inspect.signature(one).parameters)
    return "Parameters" in one.__doc__ and (takes[:2] == ["x", "y"] or one is lt.baselines.for_task)


def names_table(names):
    """Names with the first sentence of what each says of itself; the name leads to the rest -> Markdown"""
    rows = ["| | |", "|---|---|"]
    for name, one in names.items():
        module = inspect.ismodule(one)
        place = one.__name__ if module else f"{one.__module__}.{one.__qualname__}"
        said = re.sub(r"\s+", " ", inspect.getdoc(one).split("\n\n")[0])
        line = re.match(r".*?\.(?= |$)|.*", said)[0].replace("|", "\\|")
        rows.append(f"| {{py:{'mod' if module else 'obj'}}}`{name} <{place}>` | {line} |")
    return "\n".join(rows)


def names_tables():
    """All public names, a section for each way in -> Markdown"""
    return "\n\n".join(
        f"## {title}: the names\n\n{names_table(names)}" for title, names in public_names().items()
    )
