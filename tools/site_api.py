"""The API reference of the site, from the source alone: modules, their public functions and classes, signatures and docstrings."""

import ast
import html
import re
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "lt_helpers"


def reference():
    """The page's body, as HTML: a section for each module that has something public with a docstring."""
    modules = [path for path in sorted(PACKAGE.rglob("*.py")) if not path.stem.startswith("__main")]
    return '<h1 id="api">API</h1>' + "\n".join(filter(None, map(module_section, modules)))


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
