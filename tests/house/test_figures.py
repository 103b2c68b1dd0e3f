"""The drawings that are no lab are what their tool draws."""

import xml.etree.ElementTree as ElementTree

import figures
import numpy as np
import pytest


@pytest.mark.parametrize("name", figures.FIGURES)
def test_a_drawing_is_the_one_that_its_tool_writes(name):
    assert (figures.PICTURES / f"{name}.svg").read_text(encoding="utf-8") == figures.FIGURES[name](), (
        "run: python tools/figures.py"
    )


def test_both_clouds_are_one_and_only_the_turned_one_is_correlated():
    svg = ElementTree.fromstring(figures.turned_ellipse())
    clouds = [
        np.array(
            [[float(dot.get("cx")), -float(dot.get("cy"))] for dot in group if dot.tag.endswith("circle")]
        )
        for group in svg
        if group.tag.endswith("}g")
    ]
    turned, along = (cloud.T @ cloud / len(cloud) / figures.SCALE**2 for cloud in clouds)
    np.testing.assert_allclose(along, np.diag([4.0, 0.49]), atol=0.02)
    np.testing.assert_allclose(np.linalg.eigvalsh(turned), [0.49, 4.0], atol=0.02)
    assert turned[0, 1] > 1
