"""What emitted text asks of results: that they are there, a number, of what shape."""

from __future__ import annotations

from typing import Any

import numpy as np

from srcdiff.runtime.arrays import is_complex
from srcdiff.runtime.namespaces import is_array

__all__ = ["check_number", "check_set", "check_there", "directions_shape", "jacobian_shape"]


def check_there(y: Any, name: str) -> None:
    """Refuse a result that is None, where only running the function tells."""
    if y is None:
        raise TypeError(f"{name} returns None here: there is nothing to differentiate")


def check_set(there: bool, name: str) -> None:
    """Refuse to go on with a variable that is None, where a truth beside it says so."""
    if not there:
        raise TypeError(f"{name} is None here, where a number or an array is needed")


def check_number(y: Any, name: str) -> None:
    """Refuse a result that is not a single number, where only running the function tells."""
    if y is None or isinstance(y, (tuple, list, dict, str)) or np.size(y) != 1:
        thing = f"an array of shape {y.shape}" if is_array(y) else f"a {type(y).__name__}"
        raise TypeError(f"grad of {name} needs a single number as its result, not {thing}")


def result_shape(y: Any, name: str, real: bool = False) -> tuple[int, ...]:
    """The shape of a result; one that is no number and no array is refused, where only a run tells."""
    if isinstance(y, (tuple, list)) or (not is_array(y) and np.asarray(y).dtype.kind not in "fciub"):
        thing = type(y).__name__
        raise TypeError(f"the Jacobian of {name} needs a number or an array as its result, not a {thing}")
    if real and is_complex(y):
        raise TypeError(f"the result of {name} is complex: use jacfwd, or its real and imaginary parts")
    return np.shape(y)


def jacobian_shape(y: Any, x: Any, name: str, rows: bool = False) -> tuple[int, ...]:
    """The shape of the Jacobian of ``y`` in ``x``; ``rows``: ``y`` is one for each element of ``x``."""
    return (*result_shape(y, name)[rows:], *np.shape(x))


def directions_shape(y: Any, name: str) -> tuple[int, ...]:
    """The shape of one direction for each element of a result, which is to be real."""
    return (np.size(y), *result_shape(y, name, True))
