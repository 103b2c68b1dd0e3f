"""The running example of the series: four points in one feature, in a quiet copy A, a noisy copy A', and a twin B.

A and A' have one least-squares slope, 2, and different noise. A and B have the same mean square of the labels, 5, and different noise as
well: so the labels alone do not say how noisy they are. What a fit leaves over does.
"""

import numpy as np

NAMES = ("A", "A′", "B")
X = np.array([-1.0, -1.0, 1.0, 1.0])  # (4,): the same inputs in all three; their mean square is 1
LABELS = np.array([[-1.0, -3.0, 3.0, 1.0], [0.0, -4.0, 4.0, 0.0], [1.0, -3.0, 3.0, -1.0]])  # (3, 4)
SIGMA = np.array([1.0, 2.0, 2.0])  # (3,): what their ridge regression is told


def slopes():
    """Least squares, which is mean y x here, since the mean of x^2 is 1 -> (3,)"""
    return (LABELS * X).mean(axis=1)


def left_over(slope):
    """What a line leaves of the labels.    slope : (3,)  ->  (3, 4)"""
    return LABELS - slope[:, None] * X


def ridge_slopes():
    """Ridge regression with the penalty sigma^2/n beside the mean of x^2, which is 1 -> (3,)"""
    return slopes() / (1 + SIGMA**2 / len(X))
