"""Cotangents of what chooses elements or divides by them, quick where nothing is tied, zero or extreme.

Each function looks at the numbers once, to see whether the short way is exact; where it is not, it goes the
way that ``<name>_plainly`` spells out in NumPy's words.  That text is also what is read where a text that
calls the function is differentiated.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from srcdiff.runtime.reductions import quantile_weights, recurrence, shifted

__all__ = [
    "arctan2_slope",
    "arctan2_slope_plainly",
    "cumprod_back",
    "cumprod_back_plainly",
    "from_sorted",
    "from_sorted_plainly",
    "is_larger",
    "is_larger_plainly",
    "logaddexp_slope",
    "logaddexp_slope_plainly",
    "of_largest",
    "of_largest_plainly",
    "of_quantile",
    "of_quantile_plainly",
    "of_smallest",
    "of_smallest_plainly",
    "only_where",
    "only_where_plainly",
    "outline",
    "outline_plainly",
    "products_of_others",
    "products_of_others_plainly",
    "rolled",
    "rolled_plainly",
    "sorted_like",
    "sorted_like_plainly",
    "times_others",
    "times_others_plainly",
    "to_angle",
    "to_angle_plainly",
    "to_largest",
    "to_largest_plainly",
    "to_quantile",
    "to_quantile_plainly",
    "to_smallest",
    "to_smallest_plainly",
    "where_larger",
    "where_larger_plainly",
    "zero_where",
    "zero_where_plainly",
]

Axis = int | tuple[int, ...] | None


def _places(k: Any, axis: int) -> tuple[Any, ...]:
    """The index that takes the elements ``k`` along ``axis`` of an array: one for each row."""
    shape = np.shape(k)
    last = len(shape) - 1
    at: list[Any] = [
        np.arange(n) if j == last else np.arange(n).reshape((n,) + (1,) * (last - j))
        for j, n in enumerate(shape)
    ]
    at.insert(axis, k)
    return tuple(at)


def _typed(a: Any) -> Any:
    """An array, or a number as NumPy has it: a variable may begin as one of Python's."""
    return np.float64(a) if isinstance(a, (int, float)) else a


def _only(a: Any, axis: Any, largest: bool) -> tuple[Any, ...] | None:
    """Where the one extreme element of each row is; None if there are several, or none (NaN)."""
    if type(a) is not np.ndarray or not a.size or not (axis is None or isinstance(axis, int)):
        return None
    k = a.argmax(axis) if largest else a.argmin(axis)
    if axis is None:
        place: tuple[Any, ...] = (k,) if a.ndim == 1 else np.unravel_index(k, a.shape)
        return place if np.count_nonzero(a == a[place]) == 1 else None
    axis %= a.ndim
    place = _places(k, axis)
    out = a[place]
    if np.count_nonzero(a == _along(out, axis)) != out.size:
        return None
    return place if (out == out).all() else None


def _along(x: Any, axis: int) -> Any:
    """``np.expand_dims`` with less ado."""
    shape = np.shape(x)
    return np.reshape(x, (*shape[:axis], 1, *shape[axis:]))


def _put(g: Any, a: Any, place: Any, axis: Any, keepdims: bool) -> Any:
    out = np.zeros(a.shape, np.result_type(g, a.dtype))
    if axis is None:
        out[place] = np.reshape(g, ()) if keepdims else g
    else:
        out[place] = g.reshape(g.shape[:axis] + g.shape[axis:][1:]) if keepdims and np.ndim(g) else g
    return out


def _taken(x: Any, place: Any, axis: Any, keepdims: bool) -> Any:
    out = x[place]
    if not keepdims:
        return out
    return np.reshape(out, (1,) * x.ndim) if axis is None else np.expand_dims(out, axis)


def to_largest(g: Any, a: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The cotangents ``g`` of ``np.max(a, axis)``, in equal parts to the largest elements."""
    a = _typed(a)
    place = _only(a, axis, True)
    return to_largest_plainly(g, a, axis, keepdims) if place is None else _put(g, a, place, axis, keepdims)


def to_largest_plainly(g: Any, a: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    if axis is None:
        ties = ~(a < np.max(a))
        return np.where(ties, g / np.sum(ties, dtype=a.dtype), 0.0)
    if keepdims:
        ties = ~(a < np.max(a, axis=axis, keepdims=True))
        return np.where(ties, g / np.sum(ties, axis=axis, keepdims=True, dtype=a.dtype), 0.0)
    ties = ~(a < np.expand_dims(np.max(a, axis=axis), axis))
    count = np.sum(ties, axis=axis, keepdims=True, dtype=a.dtype)
    return np.where(ties, np.expand_dims(g, axis) / count, 0.0)


def to_smallest(g: Any, a: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The same of ``np.min``."""
    a = _typed(a)
    place = _only(a, axis, False)
    return to_smallest_plainly(g, a, axis, keepdims) if place is None else _put(g, a, place, axis, keepdims)


def to_smallest_plainly(g: Any, a: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    if axis is None:
        ties = ~(a > np.min(a))
        return np.where(ties, g / np.sum(ties, dtype=a.dtype), 0.0)
    if keepdims:
        ties = ~(a > np.min(a, axis=axis, keepdims=True))
        return np.where(ties, g / np.sum(ties, axis=axis, keepdims=True, dtype=a.dtype), 0.0)
    ties = ~(a > np.expand_dims(np.min(a, axis=axis), axis))
    count = np.sum(ties, axis=axis, keepdims=True, dtype=a.dtype)
    return np.where(ties, np.expand_dims(g, axis) / count, 0.0)


def of_largest(x: Any, a: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The mean of ``x`` over the largest elements of ``a`` along ``axis``."""
    a = _typed(a)
    place = _only(a, axis, True)
    return of_largest_plainly(x, a, axis, keepdims) if place is None else _taken(x, place, axis, keepdims)


def of_largest_plainly(x: Any, a: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    if axis is None and not keepdims:
        ties = ~(a < np.max(a))
        return np.sum(np.where(ties, x, 0.0)) / np.sum(ties, dtype=a.dtype)
    if axis is None or keepdims:
        ties = ~(a < np.max(a, axis=axis, keepdims=True))
    else:
        ties = ~(a < np.expand_dims(np.max(a, axis=axis), axis))
    total = np.sum(np.where(ties, x, 0.0), axis=axis, keepdims=keepdims)
    return total / np.sum(ties, axis=axis, keepdims=keepdims, dtype=a.dtype)


def of_smallest(x: Any, a: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The mean of ``x`` over the smallest elements of ``a`` along ``axis``."""
    a = _typed(a)
    place = _only(a, axis, False)
    return of_smallest_plainly(x, a, axis, keepdims) if place is None else _taken(x, place, axis, keepdims)


def of_smallest_plainly(x: Any, a: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    if axis is None and not keepdims:
        ties = ~(a > np.min(a))
        return np.sum(np.where(ties, x, 0.0)) / np.sum(ties, dtype=a.dtype)
    if axis is None or keepdims:
        ties = ~(a > np.min(a, axis=axis, keepdims=True))
    else:
        ties = ~(a > np.expand_dims(np.min(a, axis=axis), axis))
    total = np.sum(np.where(ties, x, 0.0), axis=axis, keepdims=keepdims)
    return total / np.sum(ties, axis=axis, keepdims=keepdims, dtype=a.dtype)


# --- of two -------------------------------------------------------------------------------------------------


def is_larger(x1: Any, x2: Any) -> Any:
    """The slope of a maximum: 1 where ``x1`` is larger (or NaN is), 0 where ``x2`` is, 0.5 of equal ones."""
    ties = np.equal(x1, x2)
    half = 0.5 * ties if np.count_nonzero(ties) else None  # (a third of the time of ``any``)
    del ties  # (one mask at a time)
    smaller = np.less(x1, x2)
    larger = np.logical_not(smaller, out=smaller) if isinstance(smaller, np.ndarray) else ~smaller
    return larger.astype(np.float64) if half is None else larger - half


def is_larger_plainly(x1: Any, x2: Any) -> Any:
    return 1.0 - (x1 < x2) - 0.5 * (x1 == x2)


def where_larger(x1: Any, x2: Any) -> Any:
    """``is_larger`` as a factor of doubles: where nothing is equal a mask, of an eighth of the memory."""
    ties = np.equal(x1, x2)
    if not isinstance(ties, np.ndarray) or np.count_nonzero(ties):
        return is_larger(x1, x2)
    return np.logical_not(np.less(x1, x2, out=ties), out=ties)


def where_larger_plainly(x1: Any, x2: Any) -> Any:
    return 1.0 - (x1 < x2) - 0.5 * (x1 == x2)


# --- one of two -------------------------------------------------------------------------------------------


def only_where(x: Any, c: Any) -> Any:
    """``x`` where ``c`` holds, else zero: its bits, or none, for a choice by numbers in no order is slow."""
    return _bits_of(x, c) if _is_plain_choice(x, c) else only_where_plainly(x, c)


def only_where_plainly(x: Any, c: Any) -> Any:
    return np.where(c, x, 0.0)


def zero_where(x: Any, c: Any) -> Any:
    """Zero where ``c`` holds, else ``x``."""
    return _bits_of(x, np.logical_not(c)) if _is_plain_choice(x, c) else zero_where_plainly(x, c)


def zero_where_plainly(x: Any, c: Any) -> Any:
    return np.where(c, 0.0, x)


def _is_plain_choice(x: Any, c: Any) -> bool:
    if type(x) is not np.ndarray or type(c) is not np.ndarray or x.shape != c.shape:
        return False
    return x.dtype == np.float64 and c.dtype == np.bool_ and x.size >= 1024


def _bits_of(x: Any, c: Any) -> Any:
    return np.multiply(x.view(np.int64), c).view(np.float64)  # (whole numbers: none, or all)


# --- shapes -------------------------------------------------------------------------------------------------


_ZERO = np.zeros(())
_ZERO.flags.writeable = False


def outline(x: Any) -> Any:
    """Zeros in the shape of ``x``: one number in all places, which takes no memory."""
    if type(x) is not np.ndarray:
        return outline_plainly(x)
    return np.ndarray(x.shape, _ZERO.dtype, _ZERO, 0, (0,) * x.ndim)  # (a fifth of the time)


def outline_plainly(x: Any) -> Any:
    return np.broadcast_to(0.0, np.shape(x))


# --- products -----------------------------------------------------------------------------------------------


_FLOATS: Any = tuple(map(np.dtype, (np.float16, np.float32, np.float64, np.longdouble)))
_RANGE = {d.char: (float(np.finfo(d).tiny), float(np.finfo(d).max)) for d in _FLOATS}
_EXPONENTS: dict[str, Any] = {d.char: (int(np.finfo(d).minexp), int(np.finfo(d).maxexp)) for d in _FLOATS}


def products_of_others(a: Any, axis: int) -> Any:
    """The product of all other elements along ``axis``, for each element; right where elements are zero."""
    if _moderate(a, axis):
        return np.multiply.reduce(a, axis, keepdims=True) / a
    return products_of_others_plainly(a, axis)


def _moderate(a: Any, axis: int) -> bool:
    """Whether no product of elements along an axis leaves the range of numbers of full precision."""
    if type(a) is not np.ndarray or not a.size or a.dtype.kind != "f":
        return False
    low, high = float(a.min()), float(a.max())
    if not low > 0.0:
        size = abs(a)
        low, high = float(size.min()), float(size.max())
    if not low > 0.0:  # (or NaN)
        return False
    n, (least, most) = a.shape[axis], _EXPONENTS[a.dtype.char]
    return (high <= 1.0 or n * math.log2(high) < most) and (low >= 1.0 or n * math.log2(low) > least)


def products_of_others_plainly(a: Any, axis: int) -> Any:
    # of the elements before each, and of those after it
    after = np.flip(np.cumprod(np.flip(shifted(a, axis, -1, 1.0), axis=axis), axis=axis), axis=axis)
    return np.cumprod(shifted(a, axis, 1, 1.0), axis=axis) * after


def times_others(g: Any, a: Any, axis: int) -> Any:
    """``g`` times the product of all other elements of ``a`` along ``axis``."""
    return g * products_of_others(a, axis)


def times_others_plainly(g: Any, a: Any, axis: int) -> Any:
    after = np.flip(np.cumprod(np.flip(shifted(a, axis, -1, 1.0), axis=axis), axis=axis), axis=axis)
    return g * np.cumprod(shifted(a, axis, 1, 1.0), axis=axis) * after


def cumprod_back(g: Any, a: Any, axis: int) -> Any:
    """The cotangents ``g`` of ``np.cumprod(a, axis)``; right where elements are zero."""
    if type(a) is np.ndarray and a.size and a.dtype.kind == "f":
        with np.errstate(over="ignore", under="ignore"):
            out = np.cumprod(a, axis)
        low, high = _RANGE[a.dtype.char]
        size = abs(out)
        if low < size.min() and size.max() < high:
            return np.flip(np.cumsum(np.flip(g * out, axis), axis), axis) / a
    return cumprod_back_plainly(g, a, axis)


def cumprod_back_plainly(g: Any, a: Any, axis: int) -> Any:
    later = recurrence(shifted(a, axis, -1), g, axis, True)
    return later * shifted(np.cumprod(a, axis=axis), axis, 1, 1.0)


# --- order --------------------------------------------------------------------------------------------------


def _sorting_order(a: Any, axis: int) -> Any:
    """``np.argsort(a, axis, kind="stable")``: by a quicker sort, where no two elements are equal."""
    order = a.argsort(axis)
    by_size = np.moveaxis(np.take_along_axis(a, order, axis), axis, -1)
    if (by_size[..., 1:] > by_size[..., :-1]).all():  # (not with NaN)
        return order
    return a.argsort(axis, kind="stable")


def from_sorted(g: Any, a: Any, axis: Any = -1) -> Any:
    """The cotangents ``g`` of ``np.sort(a, axis)``, to the places from which the elements came."""
    if axis is None or not np.ndim(a):
        return from_sorted_plainly(g, a, axis)
    order = _sorting_order(a, axis)
    out = np.empty(a.shape, g.dtype)
    if a.ndim == 1:
        out[order] = g
    else:
        np.put_along_axis(out, order, g, axis)
    return out


def from_sorted_plainly(g: Any, a: Any, axis: Any = -1) -> Any:
    order = np.argsort(a, axis=axis, kind="stable")
    return np.take_along_axis(g, np.argsort(order, axis=axis), axis=axis)


def sorted_like(x: Any, a: Any, axis: Any = -1) -> Any:
    """``x`` in the order in which ``np.sort`` puts ``a``."""
    if axis is None or not np.ndim(a):
        return sorted_like_plainly(x, a, axis)
    return np.take_along_axis(x, _sorting_order(a, axis), axis)


def sorted_like_plainly(x: Any, a: Any, axis: Any = -1) -> Any:
    return np.take_along_axis(x, np.argsort(a, axis=axis, kind="stable"), axis=axis)


def rolled(a: Any, shift: Any, axis: Any = None) -> Any:
    """``np.roll``: the two parts joined the other way round, where it is one axis that is gone round."""
    if type(a) is not np.ndarray or type(shift) is not int or not a.size:
        return np.roll(a, shift, axis)
    if axis is None and a.ndim == 1:
        axis = 0  # (no view of what is joined, whose memory NumPy would not reuse in an expression)
    if axis is None:
        flat = a.reshape(-1)
        k = shift % flat.size
        return np.concatenate((flat[-k:], flat[:-k])).reshape(a.shape) if k else a.copy()
    if type(axis) is not int or not -a.ndim <= axis < a.ndim:
        return np.roll(a, shift, axis)
    axis %= a.ndim
    k = shift % a.shape[axis]
    before = (slice(None),) * axis
    last, rest = before + (slice(-k, None),), before + (slice(-k),)
    return np.concatenate((a[last], a[rest]), axis) if k else a.copy()


def rolled_plainly(a: Any, shift: Any, axis: Any = None) -> Any:
    return np.roll(a, shift, axis=axis)


def _quantile_places(a: Any, q: Any, axis: Any, method: str) -> tuple[Any, Any, float] | None:
    """Where the two elements are between which each quantile lies, and how far; None if they are tied."""
    plain = type(a) is np.ndarray and a.size and a.ndim and a.dtype.kind == "f" and method == "linear"
    along = isinstance(axis, int) or (axis is None and np.ndim(a) == 1)
    if not plain or not along or np.ndim(q):
        return None
    axis = 0 if axis is None else axis % a.ndim
    place = float(q) * (a.shape[axis] - 1)
    low = int(place)
    high = low + (place > low)
    if not 0 <= low <= high < a.shape[axis]:
        return None
    order = a.argpartition((low, high), axis)
    places = []
    for k in (low, high):
        each = order[(slice(None),) * axis + (k,)]
        at = _places(each, axis)
        out = a[at]
        if np.count_nonzero(a == _along(out, axis)) != each.size:
            return None
        places.append(at)
    if np.isnan(a.max()):  # (what is NaN counts as absent)
        return None
    return places[0], places[1], place - low


def to_quantile(
    g: Any, a: Any, q: Any, axis: Axis = None, keepdims: bool = False, method: str = "linear"
) -> Any:
    """The cotangents ``g`` of a quantile along ``axis``, to the elements between which it lies."""
    if axis is None and type(a) is np.ndarray and a.ndim > 1 and np.ndim(q) == 0:
        return to_quantile(np.reshape(g, ())[()], a.reshape(-1), q, None, False, method).reshape(a.shape)
    found = _quantile_places(a, q, axis, method)
    if found is None:
        return to_quantile_plainly(g, a, q, axis, keepdims, method)
    low, high, part = found
    if keepdims and a.ndim:
        g = np.reshape(g, np.delete(a.shape, axis or 0)) if np.ndim(g) else g
    out = np.zeros(a.shape, np.result_type(g, a.dtype))
    out[low] = g * (1.0 - part)
    if part:
        out[high] = g * part
    return out


def to_quantile_plainly(
    g: Any, a: Any, q: Any, axis: Axis = None, keepdims: bool = False, method: str = "linear"
) -> Any:
    weights = quantile_weights(a, q, axis, method)
    if axis is None or keepdims:
        return np.where(weights > 0.0, weights * g, 0.0)
    return np.where(weights > 0.0, weights * np.expand_dims(g, axis), 0.0)


def of_quantile(
    x: Any, a: Any, q: Any, axis: Axis = None, keepdims: bool = False, method: str = "linear"
) -> Any:
    """``x`` between the elements of ``a`` between which a quantile along ``axis`` lies."""
    if axis is None and type(a) is np.ndarray and a.ndim > 1 and np.ndim(q) == 0 and not keepdims:
        return of_quantile(x.reshape(-1), a.reshape(-1), q, None, False, method)
    found = _quantile_places(a, q, axis, method)
    if found is None or keepdims:
        return of_quantile_plainly(x, a, q, axis, keepdims, method)
    low, high, part = found
    return x[low] * (1.0 - part) + x[high] * part if part else x[low]


def of_quantile_plainly(
    x: Any, a: Any, q: Any, axis: Axis = None, keepdims: bool = False, method: str = "linear"
) -> Any:
    weights = quantile_weights(a, q, axis, method)
    return np.sum(np.where(weights > 0.0, weights * x, 0.0), axis=axis, keepdims=keepdims)


# --- sums of exponentials -----------------------------------------------------------------------------------


def logaddexp_slope(x1: Any, x2: Any, out: Any) -> Any:
    """The slope of ``out = np.logaddexp(x1, x2)`` in ``x1``; an infinite result is the larger operand's."""
    if isinstance(out, float):  # (one of NumPy's, too)
        if -math.inf < out < math.inf:
            return math.exp(x1 - out)
    elif type(out) is np.ndarray and out.dtype == np.float64 and np.isfinite(out).all():
        return np.exp(x1 - out)
    return logaddexp_slope_plainly(x1, x2, out)[()]


def logaddexp_slope_plainly(x1: Any, x2: Any, out: Any) -> Any:
    return np.where(np.isinf(out), (x1 > x2) + 0.5 * (x1 == x2), np.exp(x1 - out))


# --- angles -------------------------------------------------------------------------------------------------


_SQUARES = {
    d.char: (float(np.finfo(d).tiny / np.finfo(d).eps ** 2), float(np.finfo(d).max))
    for d in _FLOATS
}


def arctan2_slope(x1: Any, x2: Any) -> Any:
    """``x2 / (x1**2 + x2**2)``, the slope of ``np.arctan2(x1, x2)`` in ``x1``; 0 at the origin."""
    if type(x1) is np.ndarray or type(x2) is np.ndarray:
        dtype = np.result_type(x1, x2)
        if dtype.kind == "f":
            with np.errstate(over="ignore", under="ignore"):
                s = np.square(x1, dtype=dtype)
                s = s + x2 * x2 if s.size >= np.size(x2) else s + np.square(x2, dtype=dtype)
            low, high = _SQUARES[dtype.char]
            # both squares are exact to the last place, or one is nothing beside the other
            ok = any(type(x) is float and low < x * x for x in (x1, x2)) or (s.size and s.min() > low)
            if ok and s.max(initial=0.0) <= high:
                return np.divide(x2, s, out=s) if isinstance(s, np.ndarray) else x2 / s
    return arctan2_slope_plainly(x1, x2)


def arctan2_slope_plainly(x1: Any, x2: Any) -> Any:
    r = np.hypot(x1, x2)
    r = np.where(r == 0.0, np.inf, r)
    return x2 / r / r


def to_angle(g: Any, x1: Any, x2: Any) -> Any:
    """``g * x2 / (x1**2 + x2**2)``: the cotangent of ``x1`` in ``np.arctan2(x1, x2)``; 0 at the origin."""
    slope = arctan2_slope(x1, x2)
    if isinstance(slope, np.ndarray) and slope.dtype == np.result_type(g, slope):
        if np.shape(g) in ((), slope.shape):
            slope *= g
            return slope
    return g * slope


def to_angle_plainly(g: Any, x1: Any, x2: Any) -> Any:
    r = np.hypot(x1, x2)
    r = np.where(r == 0.0, np.inf, r)
    return g / r * (x2 / r)
