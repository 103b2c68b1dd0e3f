"""The README: what it repeats has one home, and what it points at is there."""

import re
from pathlib import Path

import pytest
from address import PLACEHOLDER, address, project
from dashboard import write_pages
from project_files import project_files
from release_notes import notes
from write_readme import BLOCKS, badges, compose, first_notebook, series

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + sorted(
    (ROOT / "docs").glob("**/*.md")
)
ADDRESS = "https://github.com/someone/taught"


def headings(page):
    """The anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"(?m)^#+ (.*)$", re.sub(r"(?s)```.*?```", "", page.read_text()))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_generated_parts_are_current():
    for path, text in compose().items():
        assert path.read_text() == text, "run: make readme"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text())
    for target, _, anchor in (link.partition("#") for link in links if not link.startswith("http")):
        path = page.parent / target if target else page
        assert path.exists(), f"{page.name} points at {target}"
        assert not anchor or anchor in headings(path), f"{page.name} points at {target}#{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pictures_have_words(page):
    for words in re.findall(r"!\[([^\]]*)\]", page.read_text()):
        assert len(words) > 3


def test_only_one_file_names_the_repository_by_hand():
    owner_and_name = (address() or PLACEHOLDER).removeprefix("https://github.com/")
    naming = [path for path in project_files() if owner_and_name in path.read_text(errors="ignore")]
    files = {path.relative_to(ROOT).as_posix() for path in naming if "tests" not in path.parts}
    carried = {name for name in files if name.startswith("notebooks/") and name.endswith(".ipynb")}
    carried |= {"README.md", "CITATION.cff"} if address() else set()
    assert files - carried == {"pyproject.toml", "tools/address.py"}  # which knows the placeholder
    outside_blocks = (ROOT / "README.md").read_text()
    for name in BLOCKS:
        outside_blocks = re.sub(rf"(?s)<!-- {name} -->.*?<!-- /{name} -->", "", outside_blocks)
    assert owner_and_name not in outside_blocks


def test_the_map_links_each_notebook_that_is_there():
    readme = (ROOT / "README.md").read_text()
    names = [notebook["name"] for act in series() for notebook in act["notebook"]]
    assert [name[:2] for name in names] == [f"{number:02}" for number in range(len(names))]
    assert {f"{name}.ipynb" for name in names} == {path.name for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert [name for name in names if f"(notebooks/{name}.ipynb)" not in readme] == []


def test_badge_opens_the_first_notebook_at_the_version():
    assert (ROOT / first_notebook()).exists()
    version = project()["version"]
    assert f"/v{version}?urlpath=lab/tree/{first_notebook()}" in badges(ADDRESS, version)


def test_badge_shows_the_noise_lab_on_a_page_that_binder_writes(tmp_path):
    name = re.search(
        r"urlpath=voila/render/build/dashboard/([^)]+)\)", badges(ADDRESS, project()["version"])
    )[1]
    assert name in {path.name for path in write_pages(tmp_path)}
    assert "tools/dashboard.py --only-write" in (ROOT / "binder" / "postBuild").read_text()


def test_commands_are_there():
    targets = set(re.findall(r"(?m)^([a-z]+):", (ROOT / "Makefile").read_text()))
    for page in PAGES:
        assert (
            set(
                re.findall(
                    r"`?make ([a-z]+)\b",
                    "\n".join(re.findall(r"(?s)```sh.*?```|`[^`\n]+`", page.read_text())),
                )
            )
            <= targets
        )


def test_release_notes_are_the_changelogs_section_of_the_version():
    version = project()["version"]
    changelog = f"# Changes\n\n## {version}, 1 May 2027\n\n- New.\n\n## 0.0.1, long ago\n\n- Old.\n"
    assert notes(f"v{version}", changelog) == "- New."
    with pytest.raises(SystemExit, match="pyproject.toml says"):
        notes("v9.9.9", changelog)
    with pytest.raises(SystemExit, match="no section"):
        notes(f"v{version}", f"## {version}, not yet released\n\n- New.\n")
