"""What the package accepts: each check returns the argument as float64, or says in one sentence what came and what is allowed."""

import json
import operator
import os
import re
import stat
from numbers import Real
from pathlib import Path

import numpy as np

SMALLEST, LARGEST = 1e-100, 1e100  # sizes whose squares and ratios are still numbers in float64
DEEPEST = 100  # levels of lists and objects in a JSON text
MOST = 10_000_000  # of anything that is counted: what is more is a slip, and would never end


def shown(value):
    """A value as an error shows it: on one line, and not too long."""
    try:
        text = " ".join(repr(value).split())
    except Exception:  # it does not want to be shown, or goes too deep
        text = f"an object of type {type(value).__name__}"
    return text if len(text) <= 80 else text[:77] + "..."


def array(value, name, shape):
    """`value` as a finite float64 array.

    Parameters
    ----------
    value : anything like an array.
    name : str.  What the user calls it.
    shape : tuple of str and int.  Names of axes, and sizes where they are given, such as ("batch", "context", 10).

    Returns
    -------
    result : NumPy array.

    Raises
    ------
    TypeError
        If it does not hold real numbers, or has a mask: NumPy would drop the mask without a word.
    ValueError
        If it has another shape, or some number is not finite.
    """
    try:
        result = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name} is not a rectangular array: its rows differ in length.") from error
    except Exception as error:  # objects with an array form of their own refuse in their own ways
        raise TypeError(
            f"{name} is {shown(value)}, which is no array: {name} must hold real numbers."
        ) from error
    if result.dtype.kind not in "iuf":
        raise TypeError(f"{name} has dtype {result.dtype}: {name} must hold real numbers.")
    if has_mask(value):
        raise TypeError(
            f"{name} is a masked array, whose mask would not be read: {name} must be a plain array, without the masked "
            "examples or with numbers in their place."
        )
    wanted = "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"
    fits = result.ndim == len(shape) and all(
        isinstance(want, str) or want == have for want, have in zip(shape, result.shape)
    )
    if not fits:
        raise ValueError(f"{name} has shape {result.shape}: {name} must be {wanted}.")
    result = result.astype(float)
    if not np.isfinite(result).all():
        raise ValueError(f"{name} holds NaN or infinite values: {name} must be finite.")
    return result


def has_mask(value):
    """Whether a value is a masked array, or a list of them."""
    if isinstance(value, (list, tuple)):
        return any(map(has_mask, value))
    return isinstance(value, np.ma.MaskedArray)


def shape_of(value):
    """The shape of something like an array, None if it has none."""
    try:
        return np.shape(value)
    except Exception:  # `array` says why
        return None


def sized(values, name):
    """`values`, a finite array (B, ...), if the squares of what is in it are numbers too. A sequence may be all zeros."""
    largest = abs(values).max(axis=tuple(range(1, values.ndim)), initial=0)
    bad = largest[(largest > LARGEST) | ((largest > 0) & (largest < SMALLEST))]
    if bad.size:
        raise ValueError(
            f"{name} has a sequence whose largest value is {bad[0]:g} in size: it must be from {SMALLEST:g} to {LARGEST:g}, or all zero. "
            "Change its unit."
        )
    return values


def context(x, y, dim=None):
    """The examples of a batch of contexts, as float64 arrays.

    Parameters
    ----------
    x : (B, n, d) array, with n and d at least 1.
    y : (B, n) array.
    dim : int, optional.  The d that x must have.

    Returns
    -------
    x, y : arrays of the same shapes.

    Raises
    ------
    ValueError, TypeError
        In one sentence that names x or y.
    """
    shape = shape_of(x)
    if shape is not None and len(shape) == 2:
        raise ValueError(
            f"x has shape {shape}: x must be (batch, context, {dim or 'dim'}). "
            "For a single context write x[None] and y[None], which is a batch of one."
        )
    x = sized(array(x, "x", ("batch", "context", "dim" if dim is None else dim)), "x")
    if 0 in x.shape[1:]:
        raise ValueError(
            f"x has shape {x.shape}: x must be (batch, context, dim) with at least one example of at least one feature."
        )
    if shape_of(y) not in (None, x.shape[:2]):
        raise ValueError(
            f"y has shape {shape_of(y)}, but x has shape {x.shape}: y must be (batch, context) = {x.shape[:2]}."
        )
    return x, sized(array(y, "y", x.shape[:2]), "y")


def sigma(value, batch):
    """Noise levels for a batch: a number or a (B,) array, zero or above -> (B,) array."""
    result = array(value, "sigma", () if shape_of(value) == () else (batch,))
    if (result < 0).any():
        raise ValueError(f"sigma is {result.min():g} at its smallest: sigma must be zero or above.")
    if (result > LARGEST).any():
        raise ValueError(f"sigma is {result.max():g} at its largest: sigma must be at most {LARGEST:g}.")
    return np.broadcast_to(result, (batch,))


def count(value, name, least=1):
    """A whole number from `least` to MOST."""
    try:
        result = operator.index(value)
    except TypeError as error:
        raise TypeError(f"{name} is {shown(value)}: {name} must be a whole number.") from error
    if isinstance(value, (bool, np.bool_)) or not least <= result <= MOST:
        raise ValueError(f"{name} is {shown(value)}: {name} must be a whole number from {least} to {MOST:,}.")
    return result


def number(value, name, low=-np.inf, high=np.inf):
    """A finite real number from `low` to `high`, as a float."""
    limits = (
        "" if low == -np.inf else f", {low:g} or above" if high == np.inf else f" from {low:g} to {high:g}"
    )
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} is {shown(value)}: {name} must be a number{limits}.")
    try:
        result = float(value)
    except OverflowError:
        result = np.inf
    if not np.isfinite(result) or not low <= result <= high:
        raise ValueError(f"{name} is {shown(value)}: {name} must be a finite number{limits}.")
    return result


def one_of(value, name, allowed):
    """`value`, if it is one of a few words."""
    if not isinstance(value, str) or value not in allowed:
        raise ValueError(f"{name} is {shown(value)}: {name} must be one of {', '.join(map(repr, allowed))}.")
    return value


def parse_json(text, object_pairs_hook=None):
    """What a JSON text says.

    Parameters
    ----------
    text : str.
    object_pairs_hook : function, optional.  As in json.loads.

    Raises
    ------
    ValueError
        If it is no JSON, or nests deeper than `DEEPEST` levels. Python refuses such a text at some depth of its own, but in a page
        its stack ends before that, and the kernel with it.
    """
    # Outside of strings each bracket counts. There every other piece between two quotes lies, once escaped quotes are gone.
    outside = "".join(text.replace("\\\\", "").replace('\\"', "").split('"')[::2])
    depth = 0
    for bracket in re.findall(r"[][{}]", outside):
        depth += 1 if bracket in "[{" else -1
        if depth > DEEPEST:
            raise ValueError(f"it nests deeper than {DEEPEST} levels")
    return json.loads(text, object_pairs_hook=object_pairs_hook)


def document(value, name):
    """A copy of a dictionary, if JSON can hold it."""
    if not isinstance(value, dict):
        raise TypeError(f"{name} is {shown(value)}: {name} must be a dictionary.")
    try:
        return parse_json(json.dumps(value))
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(
            f"{name} is {shown(value)}: {name} must be a dictionary that JSON can hold, at most {DEEPEST} levels deep."
        ) from error


def path(value, name="path"):
    """A place in the file system, as a Path."""
    try:
        place = Path(value)
        letters = os.fsencode(place)
    except TypeError as error:
        raise TypeError(f"{name} is {shown(value)}: {name} must be a string or a Path.") from error
    except UnicodeEncodeError as error:
        raise ValueError(
            f"{name} is {shown(value)}: {name} must be letters that a file's name can have."
        ) from error
    if b"\0" in letters:
        raise ValueError(f"{name} is {shown(value)}: {name} must have no null character in it.")
    return place


def writable_file(value, name="path"):
    """A place where a file can be written, or an ordinary file that can be replaced. Nothing there is touched.

    Parameters
    ----------
    value : str or Path.
    name : str.  What the user calls it.

    Returns
    -------
    place : Path.

    Raises
    ------
    TypeError, ValueError
        If `value` can name no file.
    OSError
        If something there is in the way: a folder, a link, a device, a file that may only be read, or no folder to write in.
    """
    place = path(value, name)
    if not place.name:
        raise ValueError(f"{name} is {shown(value)}: {name} must name a file.")
    if obstacle := obstacle_to_writing(place):
        raise OSError(f"could not write {place} ({obstacle}): what was there before is unchanged.")
    return place


def obstacle_to_writing(place):
    """What keeps a file from being written at the Path `place`, in words; "" if nothing does."""
    try:
        if not place.parent.is_dir():
            return f"there is no folder {place.parent}"
        if not os.access(place.parent, os.W_OK):
            return f"the folder {place.parent} may only be read"
        mode = place.lstat().st_mode
    except FileNotFoundError:
        return ""
    except OSError as error:
        return error.strerror or str(error)
    if stat.S_ISLNK(mode):
        return "it is a link: name the file that it leads to"
    if stat.S_ISDIR(mode):
        return "it is a folder"
    if not stat.S_ISREG(mode):
        return "it is a device or a pipe, not a file"

    # A superuser may write anything: the mode of a file still says what its owner wants.
    if not os.access(place, os.W_OK) or not mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH):
        return "it may only be read"
    return ""


def generator(rng):
    """`rng`, if it is a NumPy Generator."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            f"rng is {shown(rng)}: rng must be a NumPy Generator, such as np.random.default_rng(0)."
        )
    return rng
