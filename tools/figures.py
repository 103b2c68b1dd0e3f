"""Drawings of the notebooks that are no lab: `python tools/figures.py` writes them to docs/pictures/ as SVG."""

from pathlib import Path

import numpy as np

from lt_helpers.view.roles import BLUE, GREY, RED

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
SIDE, MARGIN, SCALE = 260, 20, 26  # pixels: of a square, around it, and of a unit
HALF = SIDE / 2


def turned_ellipse(count=80, turn=0.6, spread=(2.0, 0.7)):
    """Inputs of two features, as they come and along the eigenvectors of Sigma -> svg, str

    Parameters
    ----------
    count : int.  Points.
    turn : number.  Of the long axis, in radians.
    spread : pair of numbers.  Roots of the two eigenvalues.
    """
    white = np.random.default_rng(2).normal(size=(count, 2))
    white -= white.mean(axis=0)
    white = white @ np.linalg.inv(np.linalg.cholesky(white.T @ white / count)).T  # mean x x^T = I
    along = white * spread  # (count, 2): already along the eigenvectors
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    x = along @ rotation.T
    squares = [square(x, rotation, spread, 0, ("x₁", "x₂"), "as they come")]
    squares.append(
        square(along, np.eye(2), spread, SIDE + 2 * MARGIN, ("v₁", "v₂"), "along the eigenvectors")
    )
    width, height = 2 * SIDE + 4 * MARGIN, SIDE + 3 * MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="14">'
        f'<rect width="{width}" height="{height}" fill="white"/>{"".join(squares)}</svg>\n'
    )


def square(points, axes, spread, left, names, title):
    """One cloud with its two axes, each as long as the cloud is wide there -> svg, str"""
    dots = "".join(
        f'<circle cx="{SCALE * x:.1f}" cy="{-SCALE * y:.1f}" r="2.5" fill="{GREY}"/>' for x, y in points
    )
    turn = -np.degrees(np.arctan2(axes[1, 0], axes[0, 0]))
    radii = f'rx="{2 * SCALE * spread[0]:.1f}" ry="{2 * SCALE * spread[1]:.1f}"'  # two standard deviations
    ellipse = f'<ellipse {radii} transform="rotate({turn:.1f})" fill="none" stroke="black"/>'
    arrows = "".join(
        f'<line x2="{SCALE * length * v[0]:.1f}" y2="{-SCALE * length * v[1]:.1f}" stroke="{colour}" stroke-width="4"/>'
        f'<text x="{SCALE * (length * v[0] + 0.15):.1f}" y="{-SCALE * (length * v[1] + 0.15):.1f}" fill="{colour}">{name}</text>'
        for v, length, colour, name in zip(
            axes.T, 2 * np.array(spread), (BLUE, RED), ("large s", "small s"), strict=True
        )
    )
    frame = (
        f'<line x1="{-HALF}" x2="{HALF}" stroke="{GREY}"/><line y1="{-HALF}" y2="{HALF}" stroke="{GREY}"/>'
        f'<text x="{HALF - 18}" y="18">{names[0]}</text><text x="6" y="{12 - HALF}">{names[1]}</text>'
        f'<text x="{-HALF}" y="{-HALF - 6}" font-weight="bold">{title}</text>'
    )
    return f'<g transform="translate({left + MARGIN + HALF} {2 * MARGIN + HALF})">{frame}{dots}{ellipse}{arrows}</g>'


FIGURES = {"turned-ellipse": turned_ellipse}


if __name__ == "__main__":
    for name, draw in FIGURES.items():
        (PICTURES / f"{name}.svg").write_text(draw(), encoding="utf-8")
        print(f"docs/pictures/{name}.svg")
