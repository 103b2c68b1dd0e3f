"""The site's pages as Sphinx is given them: what the front page takes from elsewhere, where links lead, and which controls are named."""

import json
import re
from html import unescape

import numpy as np
import pytest
from build_site import DOCUMENTS, contents, front_page, laid_out
from series import ROOT, series
from site_front import TOP, state

from lt_helpers.labs import PointsLab

LINKS = """See [`risk`](experiments.md#your-own) and `[a](glossary.md)`, [07](../notebooks/07_noise_adaptive_step_sizes.ipynb),
[poster](handouts/poster.pdf), [values](../hub/values.yaml), [elsewhere](https://example.org) and [none](nowhere.md).

```python
weights[0](glossary.md)
```
![A hand](pictures/hand.png)
"""
LAID_OUT = """See [`risk`](experiments.md#your-own) and `[a](glossary.md)`, [07](07_noise_adaptive_step_sizes.ipynb),
<a href="handouts/poster.pdf">poster</a>, values, [elsewhere](https://example.org) and [none](nowhere.md).

```python
weights[0](glossary.md)
```
![A hand](pictures/hand.png)
"""


def test_links_lead_to_pages_and_what_is_no_page_is_words(monkeypatch):
    monkeypatch.setattr("build_site.REPOSITORY", "")
    assert laid_out(LINKS, ROOT / "docs") == LAID_OUT
    monkeypatch.setattr("build_site.REPOSITORY", "https://github.com/someone/taught")
    assert re.search(
        r"\[values\]\(https://github.com/someone/taught/blob/v[\d.]+/hub/values.yaml\)",
        laid_out(LINKS, ROOT / "docs"),
    )


def test_the_front_page_has_the_first_words_of_the_readme_and_a_card_for_each_notebook():
    page = front_page()
    assert (
        "You pull one point up." in page and "The small package behind them is called `lt_helpers`." in page
    )
    cards = re.findall(r'class="card" href="(\w+)\.html"><img src="(pictures/[a-z-]+\.png)"', page)
    assert [name for name, _ in cards] == [notebook["name"] for notebook in series()]
    assert all((ROOT / "docs" / picture).is_file() for _, picture in cards)


def test_the_sidebar_has_every_page():
    listed = "\n".join(contents()).splitlines()
    assert {notebook["name"] for notebook in series()} | {path.stem.lower() for path in DOCUMENTS} | {
        "api"
    } <= set(listed)


@pytest.mark.parametrize("height", [0.0, 5.5, TOP])
@pytest.mark.parametrize("name, kind", [("model", "diag"), ("other", "gd++")])
def test_the_picture_that_follows_the_hand_says_what_the_points_lab_says(height, name, kind):
    lab = PointsLab(kind=kind, beat=None, lifted=((0, 0.0, height),) if height else ())
    means, slopes = state(height)
    np.testing.assert_allclose(list(means.values()), lab.arrays.read)
    assert slopes[name] == pytest.approx(lab.arrays.slope) and slopes["fit"] == pytest.approx(
        lab.arrays.fitted
    )


def test_the_picture_holds_all_weights_and_shows_what_a_pull_does():
    page = front_page()
    about = json.loads(unescape(re.search(r'data-pull="([^"]+)"', page)[1]))
    assert np.shape(about["models"]["model"]["P"]) == np.shape(about["models"]["model"]["Q"]) == (4, 2, 2)
    means, slopes = state(TOP)
    shown = {name: float(value) for name, value in re.findall(r'id="pull-(\w+)">([\d.]+)<', page)}
    assert shown["yy"] == round(means["yy"], 1) > 12 and shown["xx"] == 1 and shown["xy"] == shown["yx"] == 2
    assert [shown[name] for name in ("fit", "other", "model")] == [
        round(slopes[name], 2) for name in ("fit", "other", "model")
    ]
