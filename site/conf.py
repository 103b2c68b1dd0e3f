"""The site, as Sphinx builds it from the pages that tools/build_site.py lays out."""

import re
import sys
from pathlib import Path

from docutils import nodes

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]

from address import address  # noqa: E402
from address import project as about  # noqa: E402

project = "Linear transformers, taken apart"
version = release = about()["version"]
smartquotes = False
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
templates_path = ["theme"]

# Notebooks show what is stored in them: nothing is run here.
nb_execution_mode = "off"
nb_merge_streams = True
nb_code_prompt_show = nb_code_prompt_hide = "Code"
myst_enable_extensions = ["dollarmath"]
myst_dmath_double_inline = True
myst_heading_anchors = 3

# The package's reference is made of its docstrings. PyTorch and what goes with it need not be here for that.
autodoc_mock_imports = ["torch", "scipy", "joblib", "filelock", "tqdm"]
autodoc_member_order = "bysource"
napoleon_google_docstring = False
napoleon_use_ivar = True
default_role = "code"
suppress_warnings = [
    "ref.python"
]  # two modules have a class Sequences: where one is meant, the first is linked

html_theme = "furo"
html_title = project
html_math_renderer = "katex"
html_static_path = ["static", "katex", "../lt_helpers/view/chart.css"]
html_css_files = ["katex.css", "chart.css", "site.css"]
html_js_files = [(name, {"defer": "defer"}) for name in ("katex.js", "page.js")]
html_copy_source = html_show_sourcelink = html_show_copyright = False
html_use_index = html_domain_indices = False
html_permalinks_icon = "#"
html_theme_options = {"top_of_page_buttons": [], "source_repository": address()}
html_context = {"repository": address(), "version": version}


SECTION = re.compile(r'<section([^>]*) id="([^"]+)">(\s*(?:<span id="[^"]+"></span>\s*)*)<h(\d)>')
MARKS = re.compile(
    r"(?P<code>`{1,2}[^`]+`{1,2})|(?P<mark>[*|\\]|(?<=\w)_(?!\w))"
)  # what reStructuredText would take for its own


def inline_formula(writer, node):
    """A formula as KaTeX finds it in a page (static/page.js)."""
    writer.body.append(f'<span class="math">\\({writer.encode(node.astext())}\\)</span>')
    raise nodes.SkipNode


def displayed_formula(writer, node):
    """The same, on a line of its own."""
    writer.body.append(f'<div class="math">\\[{writer.encode(node.astext())}\\]</div>')
    raise nodes.SkipNode


def take_words_as_they_are(app, what, name, obj, options, lines):
    """Docstrings mark code, and nothing else: a star is a product there, two bars are a norm, and what is indented stands as it is."""
    parts = "\n".join(lines).split("\n\n")
    listed = next((place for place, part in enumerate(parts) if re.search(r"(?m)^---+$", part)), len(parts))
    for place, part in enumerate(parts):
        if part.startswith("    ") and place < listed:
            parts[place] = f"::\n\n{part}"
        else:
            parts[place] = MARKS.sub(
                lambda found: f"{found['code']}\\ " if found["code"] else f"\\{found['mark']}", part
            )
    lines[:] = "\n\n".join(parts).split("\n")


def name_headings(app, page, template, context, doctree):
    """A heading has the name that links to it: Sphinx names sections, and the search looks for headings.

    What marks the words of Sphinx's own search is left out: the pages have another, and it fails where a browser keeps nothing.
    """
    scripts = context.get("script_files", [])
    context["script_files"] = [one for one in scripts if "sphinx_highlight" not in str(one.filename)]
    named = SECTION.sub(r'<section\1>\3<h\4 id="\2">', context.get("body", ""))
    once = named.replace(
        'src="_images/', 'src="pictures/'
    )  # where what Sphinx copies lies in the end (build_site.py)
    context["body"] = once.replace("<img ", '<img loading="lazy" ')


def without_index(app):
    """Sphinx's own search is left out: Pagefind reads the pages when they are done."""
    app.builder.search = False


def setup(app):
    app.add_html_math_renderer("katex", (inline_formula, None), (displayed_formula, None))
    app.connect("builder-inited", without_index)
    app.connect(
        "autodoc-process-docstring", take_words_as_they_are, priority=1
    )  # before napoleon, which writes marks
    app.connect("html-page-context", name_headings)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
