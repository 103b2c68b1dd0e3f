"""What the package accepts: each check returns the argument as float64, or says in one sentence what came and what is allowed."""

import operator

import numpy as np


def array(value, name, shape):
    """`value` as a finite float64 array whose shape is `shape`, a tuple of axis names and sizes such as ("batch", "context", 10)."""
    try:
        result = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name} is not a rectangular array: its rows differ in length.") from error
    if result.dtype.kind not in "iuf":
        raise TypeError(f"{name} has dtype {result.dtype}: {name} must hold real numbers.")
    wanted = "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"
    fits = result.ndim == len(shape) and all(isinstance(want, str) or want == have for want, have in zip(shape, result.shape))
    if not fits:
        raise ValueError(f"{name} has shape {result.shape}: {name} must be {wanted}.")
    result = result.astype(float)
    if not np.isfinite(result).all():
        raise ValueError(f"{name} holds NaN or infinite values: {name} must be finite.")
    return result


def context(x, y, dim=None):
    """The examples of a batch of contexts -> x (B, n, d), y (B, n), with n and d at least 1 (and d = `dim` where it is given)."""
    x = array(x, "x", ("batch", "context", "dim" if dim is None else dim))
    if 0 in x.shape[1:]:
        raise ValueError(f"x has shape {x.shape}: x must be (batch, context, dim) with at least one example of at least one feature.")
    y = np.asarray(y)
    if y.shape != x.shape[:2]:
        raise ValueError(f"y has shape {y.shape}, but x has shape {x.shape}: y must be (batch, context) = {x.shape[:2]}.")
    return x, array(y, "y", x.shape[:2])


def sigma(value, batch):
    """Noise levels for a batch: a number or a (B,) array, zero or above -> (B,) array."""
    shape = np.shape(value)
    result = array(value, "sigma", shape if shape == () else (batch,))
    if (result < 0).any():
        raise ValueError(f"sigma is {result.min():g} at its smallest: sigma must be zero or above.")
    return np.broadcast_to(result, (batch,))


def count(value, name, least=1):
    """A whole number of at least `least`."""
    try:
        result = operator.index(value)
    except TypeError as error:
        raise TypeError(f"{name} is {value!r}: {name} must be a whole number.") from error
    if isinstance(value, bool) or result < least:
        raise ValueError(f"{name} is {value!r}: {name} must be a whole number of at least {least}.")
    return result


def generator(rng):
    """`rng`, if it is a NumPy Generator."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng is {rng!r}: rng must be a NumPy Generator, such as np.random.default_rng(0).")
    return rng
