"""Measurements, as ratios within one run: `make bench`. Tests never assert times."""
