"""Options that several commands have: how their words become values, or one sentence on what is allowed."""

from argparse import ArgumentTypeError
from pathlib import Path

import numpy as np

from .noise import parse_noise


def noise(text):
    """A noise distribution, as `parse_noise` reads it."""
    try:
        return parse_noise(text)
    except ValueError as error:
        raise ArgumentTypeError(error) from error


def seed(text):
    """The seed of a NumPy Generator."""
    if not text.isdecimal():
        raise ArgumentTypeError(f"seed is {text!r}: seed must be a whole number, 0 or above.")
    return int(text)


def covariance(text):
    """A covariance of inputs, (d, d): "2,1,0.5" has these variances, and anything else is a text file with the matrix, a row a line."""
    try:
        if not Path(text).is_file():
            return np.diag([float(part) for part in text.split(",")])
        lines = Path(text).read_text().replace(",", " ").splitlines()
        return np.loadtxt(lines, ndmin=2)
    except (ValueError, OSError) as error:
        raise ArgumentTypeError(
            f"covariance is {text!r}: covariance must be a variance for each feature, such as 2,1,0.5, or a text file with the matrix."
        ) from error


def add_sizes(parser):
    """The options of commands that take a task of any d, n and covariance."""
    parser.add_argument("--dim", type=int, help="d, the number of features")
    parser.add_argument("--context", type=int, help="n, the number of examples in a context")
    parser.add_argument(
        "--covariance",
        type=covariance,
        help="of the inputs: a variance for each feature, such as 2,1,0.5, or a text file with the matrix (the identity)",
    )
