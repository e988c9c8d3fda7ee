"""Windows of arrays: what convolutions leave out, and what filters add at the edges."""

from __future__ import annotations

from typing import Any

import numpy as np

from srcdiff.runtime.namespaces import namespace

__all__ = [
    "beyond", "centre_of", "correlate_back", "correlate_weights", "half_widths", "into_full", "one_to_each",
    "turned_origin", "weights_along",
]  # fmt: skip


def _window(in1: Any, in2: Any, mode: str, turned: bool) -> tuple[tuple[int, ...], tuple[slice, ...]]:
    """The shape of a full convolution, and where ``mode`` has its result in it."""
    a, b = np.shape(in1), np.shape(in2)
    shape = tuple(max(m + n - 1, 0) for m, n in zip(a, b, strict=True))
    if mode == "full":
        return shape, tuple(slice(0, n) for n in shape)
    if mode in ("same", "after"):  # (correlate2d has an even rest before, the others after)
        starts = tuple((n - m + (mode == "after")) // 2 for n, m in zip(shape, a, strict=True))
        return shape, tuple(slice(k, k + m) for k, m in zip(starts, a, strict=True))
    if turned and any(m < n for m, n in zip(a, b, strict=True)):
        raise NotImplementedError("the derivative of correlate(mode='valid') needs the longer signal first")
    both = [(min(m, n) - 1, abs(m - n) + 1) for m, n in zip(a, b, strict=True)]
    return shape, tuple(slice(k, k + n) for k, n in both)


def into_full(g: Any, in1: Any, in2: Any, mode: str, turned: bool = False) -> Any:
    """What a convolution (``turned``: a correlation) gives in some mode, in zeros of the full one."""
    xp = namespace(g)
    shape, window = _window(in1, in2, mode, turned)
    out = xp.zeros(shape, xp.asarray(g).dtype)
    out[window] = g
    return out


def centre_of(whole: Any, in1: Any, in2: Any, mode: str, turned: bool = False) -> Any:
    """The part of a full convolution that is its result in some mode."""
    return whole[_window(in1, in2, mode, turned)[1]].copy()


# --- filters of images

_EDGES = {
    "reflect": "symmetric", "grid-mirror": "symmetric", "mirror": "reflect", "nearest": "edge",
    "wrap": "wrap",
    "grid-wrap": "wrap",
}  # fmt: skip


def beyond(mode: str) -> str:
    """What `np.pad` calls the way in which an image is continued."""
    return _EDGES[mode]


def one_to_each(size: Any, ndim: int) -> tuple[int, ...]:
    """The sides of a window: one for all axes, or one for each."""
    return tuple(size) if isinstance(size, (tuple, list)) else (size,) * ndim


def half_widths(size: Any, ndim: int) -> tuple[tuple[int, int], ...]:
    """How far a window of odd sides reaches before and after its middle."""
    return tuple((s // 2, s // 2) for s in one_to_each(size, ndim))


def _places(shape: tuple[int, ...], sizes: tuple[int, ...], mode: str, origins: tuple[int, ...]) -> list[Any]:
    """For each axis: where each entry of the extended array comes from (-1: from nowhere)."""
    out = []
    for n, size, origin in zip(shape, sizes, origins, strict=True):
        before = size // 2 + origin
        pads = (before, size - 1 - before)
        if mode in ("constant", "grid-constant"):
            out.append(np.pad(np.arange(n), pads, constant_values=-1))
        else:
            out.append(np.pad(np.arange(n), pads, mode=_EDGES[mode]))  # type: ignore[call-overload]
    return out


def _extended(x: Any, places: list[Any]) -> Any:
    xp = namespace(x)
    for axis, at in enumerate(places):
        x = xp.take(x, xp.asarray(np.maximum(at, 0)), axis=axis)
        if (at < 0).any():
            x = x * xp.reshape(xp.asarray(at >= 0), [-1 if k == axis else 1 for k in range(x.ndim)])
    return x


def _folded(g: Any, shape: tuple[int, ...], places: list[Any]) -> Any:
    xp = namespace(g)
    for axis, at in enumerate(places):
        moved = xp.moveaxis(g, axis, 0)
        out = xp.zeros((shape[axis], *moved.shape[1:]), g.dtype)
        inside = at >= 0
        xp.add.at(out, xp.asarray(at[inside]), moved[xp.asarray(inside)])
        g = xp.moveaxis(out, 0, axis)
    return g


def _origins(origin: Any, ndim: int) -> tuple[int, ...]:
    return (origin,) * ndim if np.ndim(origin) == 0 else tuple(origin)


def correlate_back(g: Any, weights: Any, mode: str = "reflect", origin: Any = 0) -> Any:
    """The transpose of ``scipy.ndimage.correlate`` in its input."""
    xp = namespace(g)
    places = _places(g.shape, weights.shape, mode, _origins(origin, g.ndim))
    out = xp.zeros([len(at) for at in places], xp.result_type(g, weights))
    for index in np.ndindex(weights.shape):
        out[tuple(slice(k, k + n) for k, n in zip(index, g.shape, strict=True))] += weights[index] * g
    return _folded(out, g.shape, places)


def correlate_weights(x: Any, g: Any, weights: Any, mode: str = "reflect", origin: Any = 0) -> Any:
    """The transpose of ``scipy.ndimage.correlate`` in its weights."""
    xp = namespace(x)
    places = _places(g.shape, weights.shape, mode, _origins(origin, g.ndim))
    wide = _extended(x, places)
    out = xp.zeros(weights.shape, xp.result_type(x, g))
    for index in np.ndindex(weights.shape):
        out[index] = xp.sum(wide[tuple(slice(k, k + n) for k, n in zip(index, g.shape, strict=True))] * g)
    return out


def weights_along(weights: Any, ndim: int, axis: int, origin: int = 0) -> tuple[Any, tuple[int, ...]]:
    """A vector of weights as an array of ``ndim`` dimensions along one axis; the origins of all axes."""
    xp = namespace(weights)
    k = axis % ndim
    shape = [-1 if i == k else 1 for i in range(ndim)]
    return xp.array(weights).reshape(shape), tuple(origin if i == k else 0 for i in range(ndim))


def turned_origin(origin: Any, shape: tuple[int, ...]) -> Any:
    """The origin of the correlation that is a convolution with turned weights."""
    at = tuple(-k - (n % 2 == 0) for k, n in zip(_origins(origin, len(shape)), shape, strict=True))
    return at[0] if np.ndim(origin) == 0 and len(shape) == 1 else at
