"""A small table to drop into the pilot lab: `python tools/example_table.py` writes docs/handouts/machines.csv, the same one every time.

Ninety machines, of 12 to 20 batches each, a row a batch: three settings, and how much the tool has worn. Each machine answers to its
settings in a way of its own; some are quiet, some noisy, and nothing says which. Three cells are no numbers, as in any table.
"""

from pathlib import Path

import numpy as np

PLACE = Path(__file__).parents[1] / "docs" / "handouts" / "machines.csv"
HEADER = "machine,speed,pressure,temperature,wear"
BROKEN = {40: "n/a", 300: "", 777: "open"}  # what stands in place of the pressure, by row


def example_table(machines=90, seed=12):
    """The table as a text. Its numbers are rounded, so that it is the same on every processor."""
    rng = np.random.default_rng(seed)
    rows = []
    for machine in range(1, machines + 1):
        slopes = rng.normal(size=3)
        sigma = rng.choice([0.5, 2.5])
        level = 40 + 10 * rng.normal()
        for _ in range(rng.integers(12, 21)):
            settings = rng.normal(size=3)
            wear = level + 3 * (sum(slopes * settings) + sigma * rng.normal())
            speed, pressure, temperature = (
                1200 + 150 * settings[0],
                6 + 0.8 * settings[1],
                70 + 9 * settings[2],
            )
            rows.append(
                [f"m{machine:02d}", f"{speed:.0f}", f"{pressure:.2f}", f"{temperature:.1f}", f"{wear:.1f}"]
            )
    for place, cell in BROKEN.items():
        rows[place][2] = cell
    return "\n".join([HEADER, *map(",".join, rows)]) + "\n"


if __name__ == "__main__":
    PLACE.write_text(example_table(), encoding="utf-8")
