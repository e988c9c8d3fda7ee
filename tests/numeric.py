"""Derivatives by differences, over nested arguments: what the emitted source is measured against.

Every leaf that is a float or a floating array counts; everything else (ints, strings, functions) is constant.
Dataclasses take part once registered with `corpus.program.tree`.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import optree

NAMESPACE = "corpus"
STEP = 2e-4


def is_active(leaf: Any) -> bool:
    """Whether a leaf varies: a float or a floating array."""
    return isinstance(leaf, (float, np.floating)) or (isinstance(leaf, np.ndarray) and leaf.dtype.kind == "f")


def flatten(tree: Any) -> tuple[list[Any], Any]:
    return optree.tree_flatten(tree, none_is_leaf=True, namespace=NAMESPACE)


def ravel(tree: Any) -> np.ndarray:
    """All active leaves, one after the other, in one vector."""
    parts = [np.ravel(np.asarray(leaf, dtype=float)) for leaf in flatten(tree)[0] if is_active(leaf)]
    return np.concatenate(parts) if parts else np.zeros(0)


def unravel(vector: np.ndarray, like: Any) -> Any:
    """A tree of the structure and leaf types of `like` with its active leaves taken from `vector`."""
    leaves, structure = flatten(like)
    out, at = [], 0
    for leaf in leaves:
        if not is_active(leaf):
            out.append(leaf)
            continue
        size = np.size(leaf)
        piece = vector[at : at + size].copy()
        out.append(piece.reshape(leaf.shape) if isinstance(leaf, np.ndarray) else type(leaf)(piece[0]))
        at += size
    return optree.tree_unflatten(structure, out)


def random_like(tree: Any, rng: np.random.Generator) -> Any:
    """A direction: the same structure with normal numbers on the active leaves."""
    return unravel(rng.normal(size=ravel(tree).size), tree)


def dot(a: Any, b: Any) -> float:
    """The inner product of two trees over their active leaves."""
    return float(ravel(a) @ ravel(b))


def call(f: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any] | None = None) -> Any:
    """f on copies of its arguments, for functions that write into them."""
    return f(*copy.deepcopy(tuple(args)), **(kwargs or {}))


def moved(args: Sequence[Any], wrt: Sequence[int], directions: Sequence[Any], h: float) -> tuple[Any, ...]:
    """The arguments with those in `wrt` moved by h times their direction."""
    out = list(args)
    for k, v in zip(wrt, directions, strict=True):
        out[k] = unravel(ravel(args[k]) + h * ravel(v), args[k])
    return tuple(out)


def directional(
    f: Callable[..., Any],
    args: Sequence[Any],
    wrt: Sequence[int],
    directions: Sequence[Any],
    kwargs: dict[str, Any] | None = None,
    h: float = STEP,
) -> np.ndarray:
    """d/dt f(args + t * directions) at 0 by the four-point central formula, as a vector."""

    def at(t: float) -> np.ndarray:
        return ravel(as_floats(call(f, moved(args, wrt, directions, t), kwargs)))

    return (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * h)


def gradient(
    f: Callable[..., Any],
    args: Sequence[Any],
    wrt: Sequence[int],
    kwargs: dict[str, Any] | None = None,
    h: float = STEP,
) -> list[Any]:
    """The gradient of a scalar f, one tree for each argument in `wrt`."""
    out = []
    for k in wrt:
        n = ravel(args[k]).size
        columns = [directional(f, args, (k,), (unravel(e, args[k]),), kwargs, h)[0] for e in np.eye(n)]
        out.append(unravel(np.array(columns), args[k]))
    return out


def as_floats(result: Any) -> Any:
    """A result with Python ints and integer arrays read as floats, so that they take part."""
    leaves, structure = flatten(result)
    return optree.tree_unflatten(structure, [_as_float(leaf) for leaf in leaves])


def _as_float(leaf: Any) -> Any:
    if isinstance(leaf, (bool, int, np.integer)):
        return float(leaf)
    if isinstance(leaf, np.ndarray) and leaf.dtype.kind in "iub":
        return leaf.astype(float)
    return leaf


def assert_close(actual: Any, expected: Any, tolerance: float, what: str = "") -> None:
    """Relative to the largest entry and to one: a cancelling entry cannot be had better than that."""
    a, b = ravel(as_floats(actual)), ravel(as_floats(expected))
    assert a.shape == b.shape, f"{what}: {a.shape} against {b.shape}"
    if not a.size:
        return
    assert np.all(np.isfinite(a)), f"{what}: not finite: {a}"
    scale = 1.0 + np.max(np.abs(b))
    worst = int(np.argmax(np.abs(a - b)))
    error = abs(a[worst] - b[worst]) / scale
    assert error <= tolerance, (
        f"{what}: {error:.2e} > {tolerance:.0e} at leaf {worst}: {a[worst]!r}, expected {b[worst]!r}"
    )


def assert_structure(actual: Any, like: Any, what: str = "") -> None:
    """The same containers, and on each active leaf the same shape."""
    (a, a_tree), (b, b_tree) = flatten(actual), flatten(like)
    assert a_tree == b_tree, f"{what}: {a_tree} against {b_tree}"
    for p, q in zip(a, b, strict=True):
        if is_active(q):
            assert np.shape(p) == np.shape(q), f"{what}: leaf of shape {np.shape(p)} for {np.shape(q)}"


# From 3.12 on Python's `sum` of floats makes up for what is rounded off; read as a loop, it does not.
LAST_BITS = 0.0 if sys.version_info < (3, 12) else 1e-14


def fingerprint(tree: Any) -> list[Any]:
    """What two bit-for-bit equal trees share: structure, types, shapes and bytes."""
    leaves, structure = flatten(tree)
    return [str(structure), *(_fingerprint(leaf) for leaf in leaves)]


def _fingerprint(leaf: Any) -> Any:
    if isinstance(leaf, (np.ndarray, np.generic)):
        array = np.asarray(leaf)
        return type(leaf).__name__, array.dtype.str, array.shape, array.tobytes()
    if isinstance(leaf, float):
        return "float", leaf.hex()
    return type(leaf).__name__, repr(leaf) if not callable(leaf) else id(leaf)
