"""The API reference of the site: the public names, a line each; then modules, their functions and classes, signatures and docstrings."""

import ast
import html
import inspect
import re
from pathlib import Path

import lt_helpers as lt
from lt_helpers import labs

PACKAGE = Path(__file__).parents[1] / "lt_helpers"


def reference():
    """The page's body, as HTML: the public names, and a section for each module that has something public with a docstring."""
    modules = [path for path in sorted(PACKAGE.rglob("*.py")) if not path.stem.startswith("__main")]
    names = "\n".join(
        f'<h2 id="names-{title}"><code>{title}</code>: the names</h2>{names_table(names)}'
        for title, names in public_names().items()
    )
    return '<h1 id="api">API</h1>' + names + "\n".join(filter(None, map(module_section, modules)))


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
    """Names with the first sentence of what each says of itself; the name leads to the rest -> HTML"""
    rows = []
    for name, one in names.items():
        place = one.__name__ if inspect.ismodule(one) else f"{one.__module__}.{one.__qualname__}"
        said = re.sub(r"\s+", " ", inspect.getdoc(one).split("\n\n")[0])
        line = html.escape(re.match(r".*?\.(?= |$)|.*", said)[0])
        line = re.sub("`([^`]+)`", r"<code>\1</code>", line)
        rows.append(f'<tr><td><a href="#{place}"><code>{name}</code></a></td><td>{line}</td></tr>')
    return f"<table>{''.join(rows)}</table>"


def module_section(path):
    name = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
    tree = ast.parse(path.read_text())
    entries = [entry(name, node) for node in tree.body if public(node)]
    if not ast.get_docstring(tree) or not (entries or path.stem == "__init__"):
        return ""
    return f'<h2 id="{name}"><code>{name}</code></h2>{doc(tree)}' + "".join(entries)


def public(node):
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return isinstance(node, kinds) and not node.name.startswith("_") and bool(ast.get_docstring(node))


def entry(owner, node):
    """A function, a class or a method with what it says of itself."""
    name = f"{owner}.{node.name}"
    if isinstance(node, ast.ClassDef):
        initial = next((item for item in node.body if getattr(item, "name", "") == "__init__"), None)
        call = f"class {node.name}" + (signature(initial) if initial else "")
        inner = "".join(entry(name, item) for item in node.body if public(item))
    else:
        call, inner = node.name + signature(node), ""
    return f'<h3 id="{name}"><code>{html.escape(call)}</code></h3>{doc(node)}{inner}'


def signature(function):
    """(x, n, *, rng=None), without self."""
    arguments = function.args
    arguments.args = [one for one in arguments.args if one.arg not in ("self", "cls")]
    return f"({ast.unparse(arguments)})"


def doc(node):
    """A docstring: running text as paragraphs, what is laid out by hand (lists of parameters, code) as it stands."""
    return "".join(map(block, ast.get_docstring(node).split("\n\n")))


def block(text):
    by_hand = re.search(r"(?m)^ |  |^--|^\w+ : |^[\w, ]+ : ", text)
    if by_hand:
        return f'<pre class="doc">{html.escape(text)}</pre>'
    words = re.sub("`([^`]+)`", r"<code>\1</code>", html.escape(text))
    return f"<p>{words}</p>"
