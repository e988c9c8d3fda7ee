"""Rules for products of arrays: ``@``, ``einsum``, ``tensordot``, ``kron``, ``cross``.

Products follow the transposition rule, without conjugation.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from srcdiff.rules.registry import (
    bilinear,
    differential,
    linear,
    pullback,
    pure,
    returns_alias,
    returns_alias_of_one,
    takes_sequence,
)
from srcdiff.runtime.arrays import fit, unbroadcast, undiagonal
from srcdiff.runtime.linalg import (
    einsum_bar,
    einsum_is_plain,
    einsum_product,
    einsum_transposed,
    kron_left,
    kron_right,
    matmul_left,
    matmul_right,
    multi_dot_bar,
    tensordot_axes_left,
    tensordot_axes_right,
    tensordot_order_left,
    tensordot_order_right,
)

takes_sequence(np.linalg.multi_dot)
pure(einsum_is_plain, einsum_product, einsum_transposed)
pure(tensordot_axes_left, tensordot_axes_right, tensordot_order_left, tensordot_order_right)
returns_alias_of_one(np.einsum)
returns_alias(np.linalg.diagonal, np.linalg.matrix_power, np.linalg.matrix_transpose)


# --- products of two


@bilinear(operator.matmul, "x1", "x2")
@bilinear(np.linalg.matmul, "x1", "x2")
def matmul(x1: Any, x2: Any, *, out_bar: Any) -> Any:
    if x1.ndim == 2 and x2.ndim == 2:
        return out_bar @ x2.T, x1.T @ out_bar
    if x1.ndim == 2 and x2.ndim == 1:
        return np.outer(out_bar, x2), x1.T @ out_bar
    if x1.ndim == 1 and x2.ndim == 2:
        return x2 @ out_bar, np.outer(x1, out_bar)
    if x1.ndim == 1 and x2.ndim == 1:
        return out_bar * x2, out_bar * x1
    if x1.ndim > 2 and x2.ndim == 2:
        rows = np.reshape(x1, (-1, x1.shape[-1])).T  # (one product, not one for each in the stack)
        return out_bar @ x2.T, rows @ np.reshape(out_bar, (-1, out_bar.shape[-1]))
    if x1.ndim == x2.ndim:
        left, right = out_bar @ np.swapaxes(x2, -1, -2), np.swapaxes(x1, -1, -2) @ out_bar
        return unbroadcast(left, x1), unbroadcast(right, x2)
    return matmul_left(out_bar, x1, x2), matmul_right(out_bar, x1, x2)


@bilinear(np.dot, "a", "b")
def dot(a: Any, b: Any, *, out_bar: Any) -> Any:
    if np.ndim(a) == 0 and np.ndim(b) == 0:
        return out_bar * b, out_bar * a
    if np.ndim(a) == 0:
        return np.sum(out_bar * b), out_bar * a
    if np.ndim(b) == 0:
        return out_bar * b, np.sum(out_bar * a)
    if np.ndim(a) == 2 and np.ndim(b) == 2:
        return out_bar @ b.T, a.T @ out_bar
    if np.ndim(a) == 2 and np.ndim(b) == 1:
        return np.outer(out_bar, b), a.T @ out_bar
    if np.ndim(a) == 1 and np.ndim(b) == 2:
        return b @ out_bar, np.outer(a, out_bar)
    if np.ndim(a) == 1 and np.ndim(b) == 1:
        return out_bar * b, out_bar * a
    axes = ((np.ndim(a) - 1,), (max(np.ndim(b) - 2, 0),))
    left = np.tensordot(out_bar, b, tensordot_axes_left(np.ndim(a), np.ndim(b), axes))
    right = np.tensordot(a, out_bar, tensordot_axes_right(np.ndim(a), np.ndim(b), axes))
    a_bar = np.transpose(left, tensordot_order_left(np.ndim(a), np.ndim(b), axes))
    return a_bar, np.transpose(right, tensordot_order_right(np.ndim(a), np.ndim(b), axes))


@bilinear(np.vdot, "a", "b")
def vdot(a: Any, b: Any, *, out_bar: Any) -> Any:
    if np.ndim(a) != np.ndim(b) or np.ndim(a) > 1:
        b_flat, a_flat = np.reshape(b, np.shape(a)), np.reshape(a, np.shape(b))
    else:
        b_flat, a_flat = b, a
    if np.iscomplexobj(a):
        return np.conj(out_bar * b_flat), out_bar * np.conj(a_flat)
    return out_bar * b_flat, out_bar * a_flat


@bilinear(np.inner, "a", "b")
def inner(a: Any, b: Any, *, out_bar: Any) -> Any:
    if np.ndim(a) == 0 and np.ndim(b) == 0:
        return out_bar * b, out_bar * a
    if np.ndim(a) == 0:
        return np.sum(out_bar * b), out_bar * a
    if np.ndim(b) == 0:
        return out_bar * b, np.sum(out_bar * a)
    if np.ndim(a) == 1 and np.ndim(b) == 1:
        return out_bar * b, out_bar * a
    if np.ndim(a) == 2 and np.ndim(b) == 2:
        return out_bar @ b, out_bar.T @ a
    axes = ((np.ndim(a) - 1,), (np.ndim(b) - 1,))
    left = np.tensordot(out_bar, b, tensordot_axes_left(np.ndim(a), np.ndim(b), axes))
    right = np.tensordot(a, out_bar, tensordot_axes_right(np.ndim(a), np.ndim(b), axes))
    a_bar = np.transpose(left, tensordot_order_left(np.ndim(a), np.ndim(b), axes))
    return a_bar, np.transpose(right, tensordot_order_right(np.ndim(a), np.ndim(b), axes))


@bilinear(np.outer, "a", "b")
def outer(a: Any, b: Any, *, out_bar: Any) -> Any:
    if np.ndim(a) == 1 and np.ndim(b) == 1:
        return out_bar @ b, a @ out_bar
    a_bar = np.reshape(out_bar @ np.ravel(b), np.shape(a))
    return a_bar, np.reshape(np.ravel(a) @ out_bar, np.shape(b))


@bilinear(np.linalg.outer, "x1", "x2")
def linalg_outer(x1: Any, x2: Any, *, out_bar: Any) -> Any:
    return out_bar @ x2, x1 @ out_bar


@bilinear(np.tensordot, "a", "b")
def tensordot(a: Any, b: Any, axes: Any = 2, *, out_bar: Any) -> Any:
    left = np.tensordot(out_bar, b, tensordot_axes_left(np.ndim(a), np.ndim(b), axes))
    right = np.tensordot(a, out_bar, tensordot_axes_right(np.ndim(a), np.ndim(b), axes))
    a_bar = np.transpose(left, tensordot_order_left(np.ndim(a), np.ndim(b), axes))
    return a_bar, np.transpose(right, tensordot_order_right(np.ndim(a), np.ndim(b), axes))


@bilinear(np.linalg.tensordot, "x1", "x2")
def linalg_tensordot(x1: Any, x2: Any, axes: Any = 2, *, out_bar: Any) -> Any:
    left = np.tensordot(out_bar, x2, tensordot_axes_left(np.ndim(x1), np.ndim(x2), axes))
    right = np.tensordot(x1, out_bar, tensordot_axes_right(np.ndim(x1), np.ndim(x2), axes))
    x1_bar = np.transpose(left, tensordot_order_left(np.ndim(x1), np.ndim(x2), axes))
    return x1_bar, np.transpose(right, tensordot_order_right(np.ndim(x1), np.ndim(x2), axes))


@bilinear(np.kron, "a", "b")
def kron(a: Any, b: Any, *, out_bar: Any) -> Any:
    return kron_left(out_bar, a, b), kron_right(out_bar, a, b)


@bilinear(np.cross, "a", "b")
def cross(
    a: Any, b: Any, axisa: Any = -1, axisb: Any = -1, axisc: Any = -1, axis: Any = None, *, out_bar: Any
) -> Any:
    if axis is not None:
        axisa, axisb, axisc = axis, axis, axis
    if np.ndim(out_bar) < np.ndim(a) or np.ndim(out_bar) < np.ndim(b):  # of two entries each: a number
        a, b, g = np.moveaxis(a, axisa, -1), np.moveaxis(b, axisb, -1), np.expand_dims(out_bar, -1)
        a_bar = unbroadcast(g * np.array([1.0, -1.0]) * np.flip(b, -1), a)
        b_bar = unbroadcast(g * np.array([-1.0, 1.0]) * np.flip(a, -1), b)
        return np.moveaxis(a_bar, -1, axisa), np.moveaxis(b_bar, -1, axisb)
    if axisa != -1 or axisb != -1 or axisc != -1:
        a, b = np.moveaxis(a, axisa, -1), np.moveaxis(b, axisb, -1)
        out_bar = np.moveaxis(out_bar, axisc, -1)
    a_bar, b_bar = np.cross(b, out_bar), np.cross(out_bar, a)
    if np.shape(a)[-1] == 2:  # (its third entry is zero)
        a_bar = a_bar[..., :2]
    if np.shape(b)[-1] == 2:
        b_bar = b_bar[..., :2]
    a_bar, b_bar = unbroadcast(a_bar, a), unbroadcast(b_bar, b)
    if axisa != -1 or axisb != -1:
        return np.moveaxis(a_bar, -1, axisa), np.moveaxis(b_bar, -1, axisb)
    return a_bar, b_bar


@bilinear(np.linalg.cross, "x1", "x2")
def linalg_cross(x1: Any, x2: Any, axis: Any = -1, *, out_bar: Any) -> Any:
    if axis == -1:
        return unbroadcast(np.cross(x2, out_bar), x1), unbroadcast(np.cross(out_bar, x1), x2)
    x1, x2, g = np.moveaxis(x1, axis, -1), np.moveaxis(x2, axis, -1), np.moveaxis(out_bar, axis, -1)
    x1_bar, x2_bar = unbroadcast(np.cross(x2, g), x1), unbroadcast(np.cross(g, x1), x2)
    return np.moveaxis(x1_bar, -1, axis), np.moveaxis(x2_bar, -1, axis)


@bilinear(np.vecdot, "x1", "x2")
@bilinear(np.linalg.vecdot, "x1", "x2")
def vecdot(x1: Any, x2: Any, axis: Any = -1, *, out_bar: Any) -> Any:
    if axis != -1:
        x1, x2 = np.moveaxis(x1, axis, -1), np.moveaxis(x2, axis, -1)
    g = np.expand_dims(out_bar, -1)
    if np.iscomplexobj(x1):
        x1_bar, x2_bar = unbroadcast(np.conj(g * x2), x1), unbroadcast(g * np.conj(x1), x2)
    else:
        x1_bar, x2_bar = unbroadcast(g * x2, x1), unbroadcast(g * x1, x2)
    if axis != -1:
        return np.moveaxis(x1_bar, -1, axis), np.moveaxis(x2_bar, -1, axis)
    return x1_bar, x2_bar


if hasattr(np, "matvec"):  # NumPy 2.2

    @bilinear(np.matvec, "x1", "x2")
    def matvec(x1: Any, x2: Any, *, out_bar: Any) -> Any:
        g = np.expand_dims(out_bar, -1)
        x1_bar = unbroadcast(g * np.expand_dims(x2, -2), x1)
        return x1_bar, unbroadcast(np.squeeze(np.swapaxes(x1, -1, -2) @ g, -1), x2)

    @bilinear(np.vecmat, "x1", "x2")
    def vecmat(x1: Any, x2: Any, *, out_bar: Any) -> Any:
        x1_bar = unbroadcast(np.squeeze(x2 @ np.expand_dims(out_bar, -1), -1), x1)
        if np.iscomplexobj(x1):
            x1_bar, x1 = np.conj(x1_bar), np.conj(x1)
        return x1_bar, unbroadcast(np.expand_dims(x1, -1) * np.expand_dims(out_bar, -2), x2)


# --- products of many


def einsum_of_two(subscripts: Any, a: Any, b: Any) -> Any:
    """``np.einsum(subscripts, a, b)``, as a product of matrices where it is one; no size is repeated."""
    form = einsum_product(subscripts)
    if form == "":
        return np.einsum(subscripts, a, b)
    if form == "aTb" or form == "aTbT" or form == "baT" or form == "bTaT":
        a = np.swapaxes(a, -1, -2) if np.ndim(a) > 2 else np.transpose(a)
    if form == "abT" or form == "aTbT" or form == "bTa" or form == "bTaT":
        b = np.swapaxes(b, -1, -2) if np.ndim(b) > 2 else np.transpose(b)
    if form == "ab" or form == "aTb" or form == "abT" or form == "aTbT":
        return a @ b
    return b @ a


@differential(np.einsum)
def einsum(subscripts: Any, *operands: Any, operands_dot: Any) -> Any:
    out_dot = np.einsum(subscripts, operands_dot[0], *operands[1:])
    for k in range(1, len(operands)):
        out_dot = out_dot + np.einsum(subscripts, *operands[:k], operands_dot[k], *operands[k + 1 :])
    return out_dot


@pullback(np.einsum, "operands")
def einsum_operands(subscripts: Any, *operands: Any, out_bar: Any) -> Any:
    if len(operands) == 1 and einsum_is_plain(subscripts):
        return (np.einsum(einsum_transposed(subscripts, 0), out_bar),)
    if len(operands) == 2 and einsum_is_plain(subscripts):
        first = fit(einsum_of_two(einsum_transposed(subscripts, 0), out_bar, operands[1]), operands[0])
        second = fit(einsum_of_two(einsum_transposed(subscripts, 1), out_bar, operands[0]), operands[1])
        return first, second
    bars: Any = ()
    for k in range(len(operands)):
        bars = (*bars, einsum_bar(out_bar, subscripts, operands, k))
    return bars


@differential(einsum_bar)
def einsum_bar_dot(g: Any, subscripts: Any, operands: Any, k: Any, *, g_dot: Any, operands_dot: Any) -> Any:
    out_dot = einsum_bar(g_dot, subscripts, operands, k)
    for j in range(len(operands)):
        if j != k:
            moved = (*operands[:j], operands_dot[j], *operands[j + 1 :])
            out_dot = out_dot + einsum_bar(g, subscripts, moved, k)
    return out_dot


@pullback(einsum_bar, "g", "operands")
def einsum_bar_bar(g: Any, subscripts: Any, operands: Any, k: Any, *, out_bar: Any) -> Any:
    moved = (*operands[:k], out_bar, *operands[k + 1 :])
    bars: Any = ()
    for j in range(len(operands)):
        if j == k:
            bars = (*bars, np.zeros_like(operands[k]))
        else:
            bars = (*bars, einsum_bar(g, subscripts, moved, j))
    return np.einsum(subscripts, *moved), bars


@differential(np.linalg.multi_dot)
def multi_dot(arrays: Any, *, arrays_dot: Any) -> Any:
    out_dot = np.linalg.multi_dot([arrays_dot[0], *arrays[1:]])
    for k in range(1, len(arrays)):
        out_dot = out_dot + np.linalg.multi_dot([*arrays[:k], arrays_dot[k], *arrays[k + 1 :]])
    return out_dot


@pullback(np.linalg.multi_dot, "arrays")
def multi_dot_arrays(arrays: Any, *, out_bar: Any) -> Any:
    bars: Any = ()
    for k in range(len(arrays)):
        bars = (*bars, multi_dot_bar(out_bar, arrays, k))
    if isinstance(arrays, list):
        return list(bars)
    return bars


@differential(multi_dot_bar)
def multi_dot_bar_dot(g: Any, arrays: Any, k: Any, *, g_dot: Any, arrays_dot: Any) -> Any:
    out_dot = multi_dot_bar(g_dot, arrays, k)
    for j in range(len(arrays)):
        if j != k:
            out_dot = out_dot + multi_dot_bar(g, [*arrays[:j], arrays_dot[j], *arrays[j + 1 :]], k)
    return out_dot


@pullback(multi_dot_bar, "g", "arrays")
def multi_dot_bar_bar(g: Any, arrays: Any, k: Any, *, out_bar: Any) -> Any:
    moved = [*arrays[:k], out_bar, *arrays[k + 1 :]]
    bars: Any = ()
    for j in range(len(arrays)):
        if j == k:
            bars = (*bars, np.zeros_like(arrays[k]))
        else:
            bars = (*bars, multi_dot_bar(g, moved, j))
    if isinstance(arrays, list):
        return np.linalg.multi_dot(moved), list(bars)
    return np.linalg.multi_dot(moved), bars


@differential(np.linalg.matrix_power)
def matrix_power(a: Any, n: Any, *, out: Any, a_dot: Any) -> Any:
    if n < 0:
        base = np.linalg.inv(a)
        base_dot = -base @ a_dot @ base
    else:
        base, base_dot = a, a_dot
    out_dot = np.zeros_like(out)
    for k in range(abs(n)):
        before, after = np.linalg.matrix_power(base, k), np.linalg.matrix_power(base, abs(n) - 1 - k)
        out_dot = out_dot + before @ base_dot @ after
    return out_dot


@pullback(np.linalg.matrix_power, "a")
def matrix_power_bar(a: Any, n: Any, *, out: Any, out_bar: Any) -> Any:
    if n < 0:
        base = np.swapaxes(np.linalg.inv(a), -1, -2)
    else:
        base = np.swapaxes(a, -1, -2)
    bar = np.zeros_like(out)
    for k in range(abs(n)):
        before, after = np.linalg.matrix_power(base, k), np.linalg.matrix_power(base, abs(n) - 1 - k)
        bar = bar + before @ out_bar @ after
    if n < 0:
        return -base @ bar @ base
    return bar


# --- diagonals


@linear(np.linalg.trace, "x")
def linalg_trace(x: Any, offset: Any = 0, *, out_bar: Any) -> Any:
    if x.ndim == 2:
        return out_bar * np.eye(np.shape(x)[0], np.shape(x)[1], offset, dtype=x.dtype)
    return undiagonal(np.expand_dims(out_bar, -1), x, offset, -2, -1)


@linear(np.linalg.diagonal, "x")
def linalg_diagonal(x: Any, offset: Any = 0, *, out_bar: Any) -> Any:
    return undiagonal(out_bar, x, offset, -2, -1)


# --- the helpers


@bilinear(matmul_left, "g", "b")
def matmul_left_rule(g: Any, a: Any, b: Any, *, out_bar: Any) -> Any:
    return out_bar @ b, matmul_right(g, out_bar, b)


@bilinear(matmul_right, "g", "a")
def matmul_right_rule(g: Any, a: Any, b: Any, *, out_bar: Any) -> Any:
    return a @ out_bar, matmul_left(g, a, out_bar)


@bilinear(kron_left, "g", "b")
def kron_left_rule(g: Any, a: Any, b: Any, *, out_bar: Any) -> Any:
    return np.kron(out_bar, b), kron_right(g, out_bar, b)


@bilinear(kron_right, "g", "a")
def kron_right_rule(g: Any, a: Any, b: Any, *, out_bar: Any) -> Any:
    return np.kron(a, out_bar), kron_left(g, a, out_bar)
