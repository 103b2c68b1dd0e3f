"""Fixtures of the whole suite."""

import numpy as np
import pytest


@pytest.fixture
def rng():
    """A Generator, the same for each test."""
    return np.random.default_rng(0)
