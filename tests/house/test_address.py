"""The project's public address: while it has none nothing points to one, and with one all that needs it appears."""

import json
import re
import subprocess

import nbformat
import pytest
from address import PLACEHOLDER, address, github_address
from project_files import project_files

pytestmark = pytest.mark.slow

ADDRESS = "https://github.com/someone/taught"
POINTS = re.compile(
    r"OWNER/NAME|owner\.github\.io|mybinder\.org/v2|colab\.research\.google\.com/github|git clone"
)
SITE = """
import json
from build_site import DOCUMENTS, ROOT, front_page, laid_out, laid_out_notebook, notebooks
cells = laid_out_notebook(notebooks()[0])[0].cells
first = [cell.source + str(cell.get("outputs")) for cell in cells]
pages = ["".join(first), laid_out(front_page(), ROOT), *(laid_out(path.read_text(), path.parent) for path in DOCUMENTS)]
print(json.dumps(pages))
"""


def carry(copy):
    """Do what `make readme` does, in a copy."""
    copy.check_python("tools/build_notebooks.py", "--refresh")
    copy.check_python("tools/write_readme.py")


def setup_cells(copy):
    """The set-up cells of all notebooks, one a notebook at most."""
    notebooks = [nbformat.read(path, as_version=4) for path in sorted((copy / "notebooks").glob("*.ipynb"))]
    return [cell for one in notebooks for cell in one.cells if "setup" in cell.metadata.get("tags", [])]


def outputs(copy):
    """What the cells of all notebooks have given, and the order in which they ran."""
    found = []
    for path in sorted((copy / "notebooks").glob("*.ipynb")):
        cells = [
            cell
            for cell in nbformat.read(path, as_version=4).cells
            if cell.cell_type == "code" and cell.source
        ]
        assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
        for cell in cells:
            for output in cell.outputs:
                assert output.get("execution_count", cell.execution_count) == cell.execution_count
                found.append({key: value for key, value in output.items() if key != "execution_count"})
    return found


@pytest.mark.skipif(bool(address()), reason="the project has an address")
def test_without_an_address_no_file_points_to_one():
    naming = {
        path.name
        for path in project_files()
        if path.suffix in {".md", ".ipynb", ".cff", ".toml", ".py", ".html"}
        and "tests" not in path.parts
        and POINTS.search(path.read_text())
    }
    # The placeholder, the code that makes such links, and the guide's line with ADDRESS in it.
    assert naming == {"pyproject.toml", "address.py", "write_readme.py", "workshop.md"}


def test_with_an_address_all_that_needs_it_appears_and_without_it_goes_again(copy):
    before = outputs(copy)
    copy.edit("pyproject.toml", PLACEHOLDER, ADDRESS)
    carry(copy)
    readme, cff = (copy / "README.md").read_text(), (copy / "CITATION.cff").read_text()
    assert f"[![Tests]({ADDRESS}/actions" in readme and f"git clone {ADDRESS} " in readme
    assert "mybinder.org/v2/gh/someone/taught/v" in readme and "the Binder badge above" in readme
    site = "https://someone.github.io/taught/"
    first_badge = readme.partition("<!-- badges -->\n")[2].partition("\n")[0]
    assert first_badge.endswith(f"]({site})")
    assert f"]({site}lite/lab/index.html?path=notebooks/00_" in readme
    assert f"**[Try it now]({site})**" in readme and f", {ADDRESS} ([CITATION.cff]" in readme
    assert f'repository-code: "{ADDRESS}"' in cff
    cells = setup_cells(copy)
    assert len(cells) == len(list((copy / "notebooks").glob("*.ipynb"))) > 10
    assert all(f"git+{ADDRESS}@v" in cell.source and cell.execution_count == 1 for cell in cells)
    assert outputs(copy) == before

    copy.edit("pyproject.toml", ADDRESS, PLACEHOLDER)
    carry(copy)
    assert not POINTS.search((copy / "README.md").read_text())
    assert "repository-code" not in (copy / "CITATION.cff").read_text()
    assert setup_cells(copy) == [] and outputs(copy) == before


def test_a_clone_from_github_knows_its_address(copy):
    def git(*arguments):
        subprocess.run(["git", *arguments], cwd=copy.folder, check=True, capture_output=True)

    git("init")
    git("remote", "add", "origin", "git@github.com:someone/taught.git")
    copy.check_python("tools/write_readme.py")
    assert f"git clone {ADDRESS} " in (copy / "README.md").read_text()

    git("remote", "set-url", "origin", str(copy.folder))
    copy.check_python("tools/write_readme.py")
    assert not POINTS.search((copy / "README.md").read_text())


def test_the_sites_pages_point_to_the_address_only_where_there_is_one(copy):
    for stated, there in ((PLACEHOLDER, False), (ADDRESS, True)):
        copy.edit("pyproject.toml", PLACEHOLDER, stated)
        copy.check_python("tools/write_readme.py")
        pages = json.loads(copy.check_python("-c", SITE))
        assert ("someone/taught" in pages[0]) == there
        assert "OWNER" not in "".join(pages) and "]()" not in "".join(pages)
        assert "Open in Binder" not in pages[0]


@pytest.mark.parametrize(
    "remote, known",
    [
        ("https://github.com/someone/taught", ADDRESS),
        ("https://github.com/someone/taught.git", ADDRESS),
        ("https://token@github.com/someone/taught.git/", ADDRESS),
        ("ssh://git@github.com/someone/taught.git", ADDRESS),
        ("git@github.com:someone/my.taught", "https://github.com/someone/my.taught"),
        ("/srv/git/taught", ""),
        ("https://elsewhere.example/someone/taught.git", ""),
        ("https://elsewhere.example/github.com/someone/taught", ""),
        ("", ""),
    ],
)
def test_only_a_repository_on_github_is_an_address(remote, known):
    assert github_address(remote) == known


@pytest.mark.parametrize("stated", [ADDRESS, f"{ADDRESS}/", f"{ADDRESS}.git"])
def test_a_stated_address_is_read_like_a_remote(monkeypatch, stated):
    monkeypatch.setattr("address.project", lambda: {"urls": {"Repository": stated}})
    assert address() == ADDRESS


@pytest.mark.parametrize(
    "stated", ["https://github.com/someone", "https://elsewhere.example/someone/taught", ""]
)
def test_a_stated_address_that_is_none_is_refused_in_one_sentence(monkeypatch, stated):
    monkeypatch.setattr("address.project", lambda: {"urls": {"Repository": stated}})
    with pytest.raises(
        SystemExit, match=f"states the Repository '{stated}': it must be https://github.com/OWNER/NAME"
    ):
        address()


def test_code_that_has_changed_is_not_refreshed_but_run(copy):
    copy.edit("notebooks/.text/01_linear_attention.py", "import numpy as np", "import numpy as np\n1 + 1")
    done = copy.python("tools/build_notebooks.py", "--refresh", "01")
    assert (
        done.returncode == 1
        and done.stderr == "The code of 01_linear_attention has changed: make notebooks NB=01\n"
    )
