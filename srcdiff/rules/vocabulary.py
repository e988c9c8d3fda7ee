"""The words that the transforms themselves need of an array library, as rule texts."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from srcdiff import runtime
from srcdiff.rules.registry import nondifferentiable

__all__ = [
    "CREATES",
    "EXPANDS",
    "MULTILINEAR",
    "cast",
    "expand",
    "ones",
    "real",
    "sum_axes",
    "sum_axes_kept",
    "total",
    "total_product",
    "unbroadcast",
    "zeros",
    "zeros_any",
]

# zero if any operand is
MULTILINEAR: frozenset[Any] = frozenset(
    {np.einsum, np.linalg.multi_dot, np.trapezoid, runtime.einsum_bar, runtime.multi_dot_bar}
)
CREATES: frozenset[Any] = frozenset(
    {
        np.zeros, np.ones, np.empty, np.full, np.zeros_like, np.ones_like, np.empty_like, np.full_like,
        np.array, np.copy, np.eye, np.identity, np.arange, np.linspace, runtime.zeros_like,
    }
)  # fmt: skip
REAL_ONLY = frozenset(  # rules that hold for real operands only
    {
        np.var, np.std, np.linalg.norm, np.linalg.cholesky, np.linalg.eigh, np.linalg.eigvalsh, np.linalg.svd,
        np.linalg.svdvals, np.linalg.qr, np.linalg.slogdet, np.linalg.pinv, np.linalg.lstsq,
    }
)  # fmt: skip
REAL_RESULT = frozenset({operator.abs})  # of complex operands
EXPANDS = frozenset({np.broadcast_to})  # functions that only repeat their first argument


def total(g: Any) -> Any:
    return np.sum(g)


def total_product(g: Any, p: Any) -> Any:
    return np.vdot(g, p)


def sum_axes(g: Any, axes: Any) -> Any:
    return g.sum(axis=axes)


def sum_axes_kept(g: Any, axes: Any) -> Any:
    return g.sum(axis=axes, keepdims=True)


def unbroadcast(g: Any, x: Any) -> Any:
    return runtime.unbroadcast(g, x)


def zeros(x: Any) -> Any:
    return np.zeros_like(x)


def ones(x: Any) -> Any:
    return np.ones_like(x)


def zeros_any(x: Any) -> Any:
    return runtime.zeros_like(x)


def add_any(a: Any, b: Any) -> Any:
    return runtime.add(a, b)


def expand(t: Any, out: Any) -> Any:
    return np.broadcast_to(t, np.shape(out))


def cast(g: Any, x: Any) -> Any:
    return g.astype(x.dtype)


def real_like(g: Any, x: Any) -> Any:
    return runtime.cast_like(g, x)


def real(g: Any) -> Any:
    return np.real(g)


def last_write(part: Any, index: Any, x: Any) -> Any:
    return part * runtime.last_write(index, x.shape)


def as_array(bar: Any) -> Any:
    return np.array(bar)


CHECK = runtime.check_number  # that the result of a gradient is a number
nondifferentiable(CHECK)
