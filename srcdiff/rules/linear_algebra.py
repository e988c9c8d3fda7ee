"""Rules for products and factorisations of matrices.

Products follow the transposition rule, without conjugation.  Factorisations are given both ways, from

- M. Giles, Collected matrix derivative results for forward and reverse mode AD, 2008
  (solve, inv, det, eigh, svd);
- I. Murray, Differentiation of the Cholesky decomposition, arXiv:1602.07527, 2016;
- G. Golub and V. Pereyra, The differentiation of pseudo-inverses and nonlinear least squares problems
  whose variables separate, SIAM J. Numer. Anal. 10, 1973 (pinv, lstsq);
- S. Walter and L. Lehmann, Algorithmic differentiation of linear algebra functions, 2010, with
  H.-J. Liao et al., Differentiable programming tensor networks, Phys. Rev. X 9, 2019 (qr);
- J. Townsend, Differentiating the singular value decomposition, 2016.

The texts here are for real matrices (``solve``, ``inv`` and ``det`` for complex ones, too; of the others
`complex_matrices` has them).  ``cholesky`` and ``eigh``
read one triangle of their operand, so its cotangent is in that triangle: it is the derivative of what NumPy
computes, and contracts with a symmetric tangent like the symmetric form.  The vectors of ``eigh`` and ``svd``
have a derivative where the values are distinct; pairs that are exactly equal contribute nothing.  ``qr``,
``lstsq`` and ``pinv`` are for full rank, ``qr`` for at least as many rows as columns (`square` refuses
others).  The vector that completes ``u`` or ``vh`` of a matrix that is not square stays orthogonal to the
others; where there are several (which ones is arbitrary) `completing` and `completed` go through none.
The derivative of ``det`` is the matrix of cofactors, also where ``a`` is singular.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from srcdiff.rules import complex_matrices
from srcdiff.rules.registry import (
    bilinear,
    differential,
    linear,
    nondifferentiable,
    pullback,
    pure,
    real_only,
    returns_alias,
    returns_alias_of_one,
    takes_sequence,
)
from srcdiff.runtime import linalg
from srcdiff.runtime.arrays import cast_like, fit, resized, unbroadcast, undiagonal
from srcdiff.runtime.linalg import (
    beside,
    cofactors,
    cofactors_dot,
    complete,
    completed,
    completing,
    einsum_bar,
    einsum_is_plain,
    einsum_product,
    einsum_transposed,
    half_tril,
    kron_left,
    kron_right,
    matmul_left,
    matmul_right,
    multi_dot_bar,
    nearest_places,
    norm_axes,
    square,
    tensordot_axes_left,
    tensordot_axes_right,
    tensordot_order_left,
    tensordot_order_right,
)

takes_sequence(np.linalg.multi_dot)
pure(einsum_is_plain, einsum_product, einsum_transposed, norm_axes)
pure(tensordot_axes_left, tensordot_axes_right, tensordot_order_left, tensordot_order_right)
nondifferentiable(np.linalg.matrix_rank, nearest_places)
returns_alias(complete, completed, completing, square)
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
        return out_bar @ x2.T, matmul_right(out_bar, x1, x2)
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


# --- norms


def turn(x: Any) -> Any:
    """The slope of absolute values."""
    if np.iscomplexobj(x):
        size = abs(x)
        return np.conj(x) / np.where(size == 0.0, np.inf, size)
    return np.sign(x)


def straight(u: Any, vh: Any) -> Any:
    """The slope of the sum of the singular values that belong to these vectors."""
    return np.conj(u @ vh) if np.iscomplexobj(u) else u @ vh


@differential(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: Any = False, *, out: Any, x_dot: Any) -> Any:
    axes = norm_axes(axis, np.ndim(x))
    if axis is not None and not keepdims:
        out = np.expand_dims(out, axis)
    if ord is None or ord == "fro" or (ord == 2 and len(axes) == 1):
        if np.iscomplexobj(x):
            slope = np.conj(x) / np.where(out == 0.0, np.inf, out)
            return np.real(np.sum(slope * x_dot, axis=axis, keepdims=keepdims))
        slope = x / np.where(out == 0.0, np.inf, out)
    elif len(axes) == 1 and ord == 0:
        slope = 0.0 * x
    elif len(axes) == 1 and ord == 1:
        slope = turn(x)
    elif len(axes) == 1 and (ord == np.inf or ord == -np.inf):
        hits = cast_like(abs(x) == out, abs(x))
        slope = turn(x) * hits / np.sum(hits, axis=axes, keepdims=True)
    elif len(axes) == 1:
        slope = turn(x) * (abs(x) / np.where(out == 0.0, np.inf, out)) ** (ord - 1)
    elif ord == 1 or ord == -1 or ord == np.inf or ord == -np.inf:
        run, along = axes if abs(ord) == 1 else axes[::-1]
        sums = np.sum(abs(x), axis=run, keepdims=True)
        best = np.max(sums, axis=along, keepdims=True) if ord > 0 else np.min(sums, axis=along, keepdims=True)
        hits = cast_like(sums == best, sums)
        slope = turn(x) * hits / np.sum(hits, axis=along, keepdims=True)
    else:
        u, _, vh = np.linalg.svd(np.moveaxis(x, axes, (-2, -1)), full_matrices=False)
        if ord == 2:
            u, vh = u[..., :, :1], vh[..., :1, :]
        elif ord == -2:
            u, vh = u[..., :, -1:], vh[..., -1:, :]
        slope = np.moveaxis(straight(u, vh), (-2, -1), axes)
    if np.iscomplexobj(x):
        return np.real(np.sum(slope * x_dot, axis=axis, keepdims=keepdims))
    return np.sum(slope * x_dot, axis=axis, keepdims=keepdims)


@pullback(np.linalg.norm, "x")
def norm_bar(
    x: Any, ord: Any = None, axis: Any = None, keepdims: Any = False, *, out: Any, out_bar: Any
) -> Any:
    axes = norm_axes(axis, np.ndim(x))
    if axis is not None and not keepdims:
        out, out_bar = np.expand_dims(out, axis), np.expand_dims(out_bar, axis)
    if ord is None or ord == "fro" or (ord == 2 and len(axes) == 1):
        if np.iscomplexobj(x):
            return out_bar / np.where(out == 0.0, np.inf, out) * np.conj(x)
        return out_bar / np.where(out == 0.0, np.inf, out) * x
    if len(axes) == 1 and ord == 0:
        return 0.0 * x
    if len(axes) == 1 and ord == 1:
        return out_bar * turn(x)
    if len(axes) == 1 and (ord == np.inf or ord == -np.inf):
        hits = cast_like(abs(x) == out, abs(x))
        return out_bar * turn(x) * hits / np.sum(hits, axis=axes, keepdims=True)
    if len(axes) == 1:
        return out_bar * turn(x) * (abs(x) / np.where(out == 0.0, np.inf, out)) ** (ord - 1)
    if ord == 1 or ord == -1 or ord == np.inf or ord == -np.inf:
        run, along = axes if abs(ord) == 1 else axes[::-1]
        sums = np.sum(abs(x), axis=run, keepdims=True)
        best = np.max(sums, axis=along, keepdims=True) if ord > 0 else np.min(sums, axis=along, keepdims=True)
        hits = cast_like(sums == best, sums)
        return out_bar * turn(x) * hits / np.sum(hits, axis=along, keepdims=True)
    u, _, vh = np.linalg.svd(np.moveaxis(x, axes, (-2, -1)), full_matrices=False)
    if ord == 2:
        u, vh = u[..., :, :1], vh[..., :1, :]
    elif ord == -2:
        u, vh = u[..., :, -1:], vh[..., -1:, :]
    return out_bar * np.moveaxis(straight(u, vh), (-2, -1), axes)


@differential(np.linalg.vector_norm)
def vector_norm(
    x: Any, axis: Any = None, keepdims: Any = False, ord: Any = 2, *, out: Any, x_dot: Any
) -> Any:
    if axis is not None and not keepdims:
        out = np.expand_dims(out, axis)
    if ord == 2 and np.iscomplexobj(x):
        slope = np.conj(x) / np.where(out == 0.0, np.inf, out)
        return np.real(np.sum(slope * x_dot, axis=axis, keepdims=keepdims))
    if ord == 2:
        slope = x / np.where(out == 0.0, np.inf, out)
    elif ord == 0:
        slope = 0.0 * x
    elif ord == 1:
        slope = turn(x)
    elif ord == np.inf or ord == -np.inf:
        hits = cast_like(abs(x) == out, abs(x))
        slope = turn(x) * hits / np.sum(hits, axis=axis, keepdims=True)
    else:
        slope = turn(x) * (abs(x) / np.where(out == 0.0, np.inf, out)) ** (ord - 1)
    if np.iscomplexobj(x):
        return np.real(np.sum(slope * x_dot, axis=axis, keepdims=keepdims))
    return np.sum(slope * x_dot, axis=axis, keepdims=keepdims)


@pullback(np.linalg.vector_norm, "x")
def vector_norm_bar(
    x: Any, axis: Any = None, keepdims: Any = False, ord: Any = 2, *, out: Any, out_bar: Any
) -> Any:
    if axis is not None and not keepdims:
        out, out_bar = np.expand_dims(out, axis), np.expand_dims(out_bar, axis)
    if ord == 2 and np.iscomplexobj(x):
        return out_bar / np.where(out == 0.0, np.inf, out) * np.conj(x)
    if ord == 2:
        return out_bar / np.where(out == 0.0, np.inf, out) * x
    if ord == 0:
        return 0.0 * x
    if ord == 1:
        return out_bar * turn(x)
    if ord == np.inf or ord == -np.inf:
        hits = cast_like(abs(x) == out, abs(x))
        return out_bar * turn(x) * hits / np.sum(hits, axis=axis, keepdims=True)
    return out_bar * turn(x) * (abs(x) / np.where(out == 0.0, np.inf, out)) ** (ord - 1)


@differential(np.linalg.matrix_norm)
def matrix_norm(x: Any, keepdims: Any = False, ord: Any = "fro", *, out: Any, x_dot: Any) -> Any:
    if not keepdims:
        out = np.expand_dims(out, (-2, -1))
    if ord == "fro" and np.iscomplexobj(x):
        slope = np.conj(x) / np.where(out == 0.0, np.inf, out)
        return np.real(np.sum(slope * x_dot, axis=(-2, -1), keepdims=keepdims))
    if ord == "fro":
        slope = x / np.where(out == 0.0, np.inf, out)
    elif ord == 1 or ord == -1 or ord == np.inf or ord == -np.inf:
        run, along = (-2, -1) if abs(ord) == 1 else (-1, -2)
        sums = np.sum(abs(x), axis=run, keepdims=True)
        best = np.max(sums, axis=along, keepdims=True) if ord > 0 else np.min(sums, axis=along, keepdims=True)
        hits = cast_like(sums == best, sums)
        slope = turn(x) * hits / np.sum(hits, axis=along, keepdims=True)
    else:
        u, _, vh = np.linalg.svd(x, full_matrices=False)
        if ord == 2:
            u, vh = u[..., :, :1], vh[..., :1, :]
        elif ord == -2:
            u, vh = u[..., :, -1:], vh[..., -1:, :]
        slope = straight(u, vh)
    if np.iscomplexobj(x):
        return np.real(np.sum(slope * x_dot, axis=(-2, -1), keepdims=keepdims))
    return np.sum(slope * x_dot, axis=(-2, -1), keepdims=keepdims)


@pullback(np.linalg.matrix_norm, "x")
def matrix_norm_bar(x: Any, keepdims: Any = False, ord: Any = "fro", *, out: Any, out_bar: Any) -> Any:
    if not keepdims:
        out, out_bar = np.expand_dims(out, (-2, -1)), np.expand_dims(out_bar, (-2, -1))
    if ord == "fro" and np.iscomplexobj(x):
        return out_bar / np.where(out == 0.0, np.inf, out) * np.conj(x)
    if ord == "fro":
        return out_bar / np.where(out == 0.0, np.inf, out) * x
    if ord == 1 or ord == -1 or ord == np.inf or ord == -np.inf:
        run, along = (-2, -1) if abs(ord) == 1 else (-1, -2)
        sums = np.sum(abs(x), axis=run, keepdims=True)
        best = np.max(sums, axis=along, keepdims=True) if ord > 0 else np.min(sums, axis=along, keepdims=True)
        hits = cast_like(sums == best, sums)
        return out_bar * turn(x) * hits / np.sum(hits, axis=along, keepdims=True)
    u, _, vh = np.linalg.svd(x, full_matrices=False)
    if ord == 2:
        u, vh = u[..., :, :1], vh[..., :1, :]
    elif ord == -2:
        u, vh = u[..., :, -1:], vh[..., -1:, :]
    return out_bar * straight(u, vh)


# --- linear systems and inverses


@differential(np.linalg.solve)
def solve(a: Any, b: Any, *, out: Any, a_dot: Any, b_dot: Any) -> Any:
    if np.ndim(a) > 2 and np.ndim(b) == 1:
        residual_dot = np.expand_dims(b_dot, -1) - a_dot @ np.expand_dims(out, -1)
        return np.squeeze(np.linalg.solve(a, residual_dot), -1)
    return np.linalg.solve(a, b_dot - a_dot @ out)


@pullback(np.linalg.solve, "a", "b")
def solve_bar(a: Any, b: Any, *, out: Any, out_bar: Any) -> Any:
    if np.ndim(a) == 2 and np.ndim(b) == 1:
        b_bar = np.linalg.solve(a.T, out_bar)
        return -np.outer(b_bar, out), b_bar
    if np.ndim(a) == 2 and np.ndim(b) == 2:
        b_bar = np.linalg.solve(a.T, out_bar)
        return -b_bar @ out.T, b_bar
    if np.ndim(b) == 1:
        g = np.linalg.solve(np.swapaxes(a, -1, -2), np.expand_dims(out_bar, -1))
        return -g * np.expand_dims(out, -2), unbroadcast(np.squeeze(g, -1), b)
    g = np.linalg.solve(np.swapaxes(a, -1, -2), out_bar)
    return unbroadcast(-g @ np.swapaxes(out, -1, -2), a), unbroadcast(g, b)


@differential(np.linalg.inv)
def inv(a: Any, *, out: Any, a_dot: Any) -> Any:
    return -out @ a_dot @ out


@pullback(np.linalg.inv, "a")
def inv_bar(a: Any, *, out: Any, out_bar: Any) -> Any:
    if a.ndim == 2:
        return -out.T @ out_bar @ out.T
    return -np.swapaxes(out, -1, -2) @ out_bar @ np.swapaxes(out, -1, -2)


@differential(np.linalg.pinv)
def pinv(a: Any, *, out: Any, a_dot: Any) -> Any:
    if np.iscomplexobj(a):
        return complex_matrices.pinv(a, out, a_dot)
    outT, a_dotT = np.swapaxes(out, -1, -2), np.swapaxes(a_dot, -1, -2)
    left = out @ (outT @ a_dotT)
    right = (a_dotT @ outT) @ out
    return left - (left @ a) @ out + right - out @ (a @ right) - out @ a_dot @ out


@pullback(np.linalg.pinv, "a")
def pinv_bar(a: Any, *, out: Any, out_bar: Any) -> Any:
    if np.iscomplexobj(a):
        return complex_matrices.pinv_bar(a, out, out_bar)
    outT, out_barT = np.swapaxes(out, -1, -2), np.swapaxes(out_bar, -1, -2)
    left = (out_barT @ out) @ outT
    right = outT @ (out @ out_barT)
    return left - a @ (out @ left) + right - (right @ out) @ a - outT @ out_bar @ outT


@differential(np.linalg.lstsq)
def lstsq(a: Any, b: Any, rcond: Any = None, *, out: Any, a_dot: Any, b_dot: Any) -> Any:
    if np.iscomplexobj(a) or np.iscomplexobj(b):
        x_dot, squares_dot, none, values_dot = complex_matrices.lstsq(a, b, out, a_dot, b_dot)
        return x_dot, resized(squares_dot, out[1], 0), none, values_dot
    x = out[0]
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    p = (vh.T / s) @ u.T
    r, r_dot, w = b - a @ x, b_dot - a_dot @ x, a_dot.T @ (p.T @ x)
    x_dot = p @ (r_dot + p.T @ (a_dot.T @ r)) + w - p @ (a @ w)
    squares_dot = np.reshape(np.sum(2.0 * r * r_dot, axis=0), -1)
    return x_dot, resized(squares_dot, out[1], 0), 0, np.sum(u * (a_dot @ vh.T), axis=0)


@pullback(np.linalg.lstsq, "a", "b")
def lstsq_bar(a: Any, b: Any, rcond: Any = None, *, out: Any, out_bar: Any) -> Any:
    if np.iscomplexobj(a) or np.iscomplexobj(b):
        a_bar, b_bar = complex_matrices.lstsq_bar(a, b, out, out_bar)
        return cast_like(a_bar, a), cast_like(b_bar, b)
    x, x_bar = out[0], out_bar[0]
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    p = (vh.T / s) @ u.T
    r, w, y = b - a @ x, p.T @ x, x_bar - p @ (a @ x_bar)
    g = p.T @ x_bar
    if np.ndim(b) == 1:
        b_bar = g + 2.0 * np.sum(out_bar[1]) * r
        a_bar = np.outer(r, p @ g) - np.outer(b_bar, x) + np.outer(w, y)
    else:
        b_bar = g + 2.0 * resized(out_bar[1], x[0], 0) * r
        a_bar = r @ (p @ g).T - b_bar @ x.T + w @ y.T
    return a_bar + (u * out_bar[3]) @ vh, b_bar


@differential(np.linalg.det)
def det(a: Any, *, a_dot: Any) -> Any:
    return np.sum(cofactors(a) * a_dot, axis=(-2, -1))


@pullback(np.linalg.det, "a")
def det_bar(a: Any, *, out_bar: Any) -> Any:
    if a.ndim == 2:
        return out_bar * cofactors(a)
    return np.expand_dims(out_bar, (-2, -1)) * cofactors(a)


@differential(cofactors)
def cofactors_rule(a: Any, *, a_dot: Any) -> Any:
    return cofactors_dot(a, a_dot)


@pullback(cofactors, "a")
def cofactors_bar(a: Any, *, out_bar: Any) -> Any:
    return cofactors_dot(a, out_bar)


# The second derivative of the cofactors does not change if its two directions change places, nor if one of
# them and a cotangent do. It takes an inverse: of singular matrices, ``det`` has two derivatives, not three.


@differential(cofactors_dot)
def cofactors_dot_dot(a: Any, f: Any, *, a_dot: Any, f_dot: Any) -> Any:
    return cofactors_along(a, f, a_dot) + cofactors_dot(a, f_dot)


@pullback(cofactors_dot, "a", "f")
def cofactors_dot_bar(a: Any, f: Any, *, out_bar: Any) -> Any:
    return cofactors_along(a, f, out_bar), cofactors_dot(a, out_bar)


def cofactors_along(a: Any, f: Any, g: Any) -> Any:
    inverse = np.linalg.inv(a)
    c, c_dot = cofactors(a), cofactors_dot(a, g)
    by_f, by_g = f @ inverse, g @ inverse
    first = np.expand_dims(np.trace(by_f, axis1=-2, axis2=-1), (-2, -1))
    second = np.expand_dims(np.trace(by_f @ by_g, axis1=-2, axis2=-1), (-2, -1))
    turned = np.swapaxes(by_f @ by_g, -1, -2) @ c - np.swapaxes(by_f, -1, -2) @ c_dot
    return first * c_dot - second * c + turned


@differential(np.linalg.slogdet)
def slogdet(a: Any, *, out: Any, a_dot: Any) -> Any:
    if np.iscomplexobj(a):
        return complex_matrices.slogdet(a, out[0], a_dot)
    return np.zeros_like(out[0]), np.trace(np.linalg.solve(a, a_dot), axis1=-2, axis2=-1)


@pullback(np.linalg.slogdet, "a")
def slogdet_bar(a: Any, *, out: Any, out_bar: Any) -> Any:
    if np.iscomplexobj(a):
        return complex_matrices.slogdet_bar(a, out[0], out_bar[0], out_bar[1])
    if a.ndim == 2:
        return out_bar[1] * np.linalg.inv(a).T
    return np.expand_dims(out_bar[1], (-2, -1)) * np.swapaxes(np.linalg.inv(a), -1, -2)


# --- factorisations


@differential(np.linalg.cholesky)
def cholesky(a: Any, upper: Any = False, *, out: Any, a_dot: Any) -> Any:
    if np.iscomplexobj(a):
        return complex_matrices.cholesky(upper, out, a_dot)
    if upper:
        out, a_dot = np.swapaxes(out, -1, -2), np.swapaxes(a_dot, -1, -2)
    half = half_tril(a_dot)
    left = np.linalg.solve(out, half + np.swapaxes(half, -1, -2))
    out_dot = out @ half_tril(np.linalg.solve(out, np.swapaxes(left, -1, -2)))
    if upper:
        return np.swapaxes(out_dot, -1, -2)
    return out_dot


@pullback(np.linalg.cholesky, "a")
def cholesky_bar(a: Any, upper: Any = False, *, out: Any, out_bar: Any) -> Any:
    if np.iscomplexobj(a):
        return complex_matrices.cholesky_bar(upper, out, out_bar)
    if upper:
        outT, out_bar = out, np.swapaxes(out_bar, -1, -2)
    else:
        outT = np.swapaxes(out, -1, -2)
    left = np.linalg.solve(outT, half_tril(outT @ out_bar))
    s = np.linalg.solve(outT, np.swapaxes(left, -1, -2))
    a_bar = half_tril(s + np.swapaxes(s, -1, -2))
    if upper:
        return np.swapaxes(a_bar, -1, -2)
    return a_bar


@differential(np.linalg.eigh)
def eigh(a: Any, UPLO: Any = "L", *, out: Any, a_dot: Any) -> Any:
    if np.iscomplexobj(a):
        return complex_matrices.eigh(UPLO == "L", out[0], out[1], a_dot)
    w, v = out
    vT = np.swapaxes(v, -1, -2)
    half = half_tril(a_dot) if UPLO == "L" else half_tril(np.swapaxes(a_dot, -1, -2))
    s = vT @ (half + np.swapaxes(half, -1, -2)) @ v
    gaps = np.expand_dims(w, -2) - np.expand_dims(w, -1)
    same = gaps == 0.0
    return np.diagonal(s, 0, -2, -1), v @ (s * (1.0 / (gaps + same) - same))


@pullback(np.linalg.eigh, "a")
def eigh_bar(a: Any, UPLO: Any = "L", *, out: Any, out_bar: Any) -> Any:
    if np.iscomplexobj(a):
        return complex_matrices.eigh_bar(UPLO == "L", out[0], out[1], out_bar[0], out_bar[1])
    w, v = out
    w_bar, v_bar = out_bar
    vT = np.swapaxes(v, -1, -2)
    gaps = np.expand_dims(w, -2) - np.expand_dims(w, -1)
    same = gaps == 0.0
    s = v @ ((vT @ v_bar) * (1.0 / (gaps + same) - same)) + v * np.expand_dims(w_bar, -2)
    s = s @ vT
    a_bar = half_tril(s + np.swapaxes(s, -1, -2))
    if UPLO == "L":
        return a_bar
    return np.swapaxes(a_bar, -1, -2)


@differential(np.linalg.eigvalsh)
def eigvalsh(a: Any, UPLO: Any = "L", *, a_dot: Any) -> Any:
    v = np.linalg.eigh(a, UPLO)[1]
    if np.iscomplexobj(a):
        return complex_matrices.eigvalsh(UPLO == "L", v, a_dot)
    half = half_tril(a_dot) if UPLO == "L" else half_tril(np.swapaxes(a_dot, -1, -2))
    return np.sum(v * ((half + np.swapaxes(half, -1, -2)) @ v), axis=-2)


@pullback(np.linalg.eigvalsh, "a")
def eigvalsh_bar(a: Any, UPLO: Any = "L", *, out_bar: Any) -> Any:
    v = np.linalg.eigh(a, UPLO)[1]
    if np.iscomplexobj(a):
        return complex_matrices.eigvalsh_bar(UPLO == "L", v, out_bar)
    a_bar = half_tril(2.0 * (v * np.expand_dims(out_bar, -2)) @ np.swapaxes(v, -1, -2))
    if UPLO == "L":
        return a_bar
    return np.swapaxes(a_bar, -1, -2)


@differential(np.linalg.eig)
def eig(a: Any, *, out: Any, a_dot: Any) -> Any:
    w, v = out
    p = np.linalg.inv(v) @ a_dot @ v
    gaps = np.expand_dims(w, -2) - np.expand_dims(w, -1)
    same = gaps == 0.0
    turn = v @ (p * (1.0 / (gaps + same) - same))
    # the columns keep the length one, and what is largest in them stays real
    length = np.sum(np.real(np.conj(v) * turn), axis=-2, keepdims=True)
    largest = np.expand_dims(np.argmax(abs(v), axis=-2), -2)
    angle = np.imag(np.take_along_axis(turn, largest, -2) / np.take_along_axis(v, largest, -2))
    if np.iscomplexobj(v):
        return np.diagonal(p, 0, -2, -1), turn - v * (length + 1j * angle)
    return np.diagonal(p, 0, -2, -1), turn - v * length


@pullback(np.linalg.eig, "a")
def eig_bar(a: Any, *, out: Any, out_bar: Any) -> Any:
    w, v = out
    w_bar, v_bar = out_bar
    gaps = np.expand_dims(w, -2) - np.expand_dims(w, -1)
    same = gaps == 0.0
    along = np.sum(v_bar * v, axis=-2, keepdims=True)
    turn_bar = v_bar - np.conj(v) * np.real(along)
    if np.iscomplexobj(v):
        rows = np.expand_dims(np.arange(np.shape(v)[-1]), -1)
        largest = rows == np.expand_dims(np.argmax(abs(v), axis=-2), -2)
        turn_bar = turn_bar - np.where(largest, 1j * np.imag(along) / np.where(largest, v, 1.0), 0.0)
    vT = np.swapaxes(v, -1, -2)
    p_bar = (vT @ turn_bar) * (1.0 / (gaps + same) - same) + np.eye(np.shape(v)[-1]) * np.expand_dims(
        w_bar, -2
    )
    return cast_like(np.linalg.solve(vT, p_bar @ vT), a)


@differential(np.linalg.eigvals)
def eigvals(a: Any, *, out: Any, a_dot: Any) -> Any:
    w, v = np.linalg.eig(a)
    p = np.diagonal(np.linalg.inv(v) @ a_dot @ v, 0, -2, -1)
    return np.take_along_axis(p, nearest_places(out, w), -1)


@pullback(np.linalg.eigvals, "a")
def eigvals_bar(a: Any, *, out: Any, out_bar: Any) -> Any:
    w, v = np.linalg.eig(a)
    w_bar = np.take_along_axis(out_bar, nearest_places(w, out), -1)
    vT = np.swapaxes(v, -1, -2)
    return cast_like(np.linalg.solve(vT, np.expand_dims(w_bar, -1) * vT), a)


@differential(np.linalg.qr)
def qr(a: Any, mode: Any = "reduced", *, out: Any, a_dot: Any) -> Any:
    if mode == "r":
        r = out
        q = np.swapaxes(np.linalg.solve(np.swapaxes(square(r), -1, -2), np.swapaxes(a, -1, -2)), -1, -2)
    else:
        q, r = out
    if np.iscomplexobj(a):
        q_dot, r_dot = complex_matrices.qr(q, r, a_dot)
        return r_dot if mode == "r" else (q_dot, r_dot)
    c = np.swapaxes(np.linalg.solve(np.swapaxes(square(r), -1, -2), np.swapaxes(a_dot, -1, -2)), -1, -2)
    s = np.swapaxes(q, -1, -2) @ c
    lower = np.tril(s, -1)
    turn = lower - np.swapaxes(lower, -1, -2)
    if mode == "r":
        return (s - turn) @ r
    return q @ (turn - s) + c, (s - turn) @ r


@pullback(np.linalg.qr, "a")
def qr_bar(a: Any, mode: Any = "reduced", *, out: Any, out_bar: Any) -> Any:
    if mode == "r":
        r, r_bar = square(out), out_bar
        q = np.swapaxes(np.linalg.solve(np.swapaxes(r, -1, -2), np.swapaxes(a, -1, -2)), -1, -2)
        if np.iscomplexobj(a):
            return complex_matrices.qr_bar(q, r, None, r_bar)
        half = half_tril(r @ np.swapaxes(r_bar, -1, -2))
        g = q @ (half + np.swapaxes(half, -1, -2))
    else:
        q, r = out
        r = square(r)
        q_bar, r_bar = out_bar
        if np.iscomplexobj(a):
            return complex_matrices.qr_bar(q, r, q_bar, r_bar)
        half = half_tril(r @ np.swapaxes(r_bar, -1, -2) - np.swapaxes(q_bar, -1, -2) @ q)
        g = q_bar + q @ (half + np.swapaxes(half, -1, -2))
    return np.swapaxes(np.linalg.solve(r, np.swapaxes(g, -1, -2)), -1, -2)


@differential(np.linalg.svd)
def svd(a: Any, full_matrices: Any = True, compute_uv: Any = True, *, out: Any, a_dot: Any) -> Any:
    if not compute_uv:
        u, _, vh = np.linalg.svd(a, full_matrices=False)
        if np.iscomplexobj(a):
            return complex_matrices.svdvals(u, vh, a_dot)
        return np.sum(u * (a_dot @ np.swapaxes(vh, -1, -2)), axis=-2)
    if np.iscomplexobj(a):
        return complex_matrices.svd(full_matrices, out, a, a_dot)
    u, s, vh = out
    if full_matrices:
        k = np.shape(s)[-1]
        u, u_rest, vh, vh_rest = u[..., :k], u[..., k:], vh[..., :k, :], vh[..., k:, :]
    uT, v = np.swapaxes(u, -1, -2), np.swapaxes(vh, -1, -2)
    p = uT @ a_dot @ v
    pT = np.swapaxes(p, -1, -2)
    row, column = np.expand_dims(s, -2), np.expand_dims(s, -1)
    gaps = row * row - column * column
    same = gaps == 0.0
    turn = 1.0 / (gaps + same) - same
    av, atu = a_dot @ v, np.swapaxes(a_dot, -1, -2) @ u
    inverse = 1.0 / np.where(row == 0.0, np.inf, row)
    u_dot = u @ (turn * (p * row + column * pT)) + (av - u @ p) * inverse
    v_dot = v @ (turn * (column * p + pT * row)) + (atu - v @ pT) * inverse
    vh_dot = np.swapaxes(v_dot, -1, -2)
    if full_matrices:
        u_dot = np.concatenate([u_dot, completing(-u @ np.swapaxes(u_dot, -1, -2) @ u_rest)], axis=-1)
        rest = np.swapaxes(completing(-v @ vh_dot @ np.swapaxes(vh_rest, -1, -2)), -1, -2)
        vh_dot = np.concatenate([vh_dot, rest], axis=-2)
    return u_dot, np.diagonal(p, 0, -2, -1), vh_dot


@pullback(np.linalg.svd, "a")
def svd_bar(a: Any, full_matrices: Any = True, compute_uv: Any = True, *, out: Any, out_bar: Any) -> Any:
    if not compute_uv:
        u, _, vh = np.linalg.svd(a, full_matrices=False)
        if np.iscomplexobj(a):
            return complex_matrices.svdvals_bar(u, vh, out_bar)
        return (u * np.expand_dims(out_bar, -2)) @ vh
    if np.iscomplexobj(a):
        return complex_matrices.svd_bar(full_matrices, out, out_bar, a)
    u, s, vh = out
    u_bar, s_bar, vh_bar = out_bar
    if full_matrices:
        k = np.shape(s)[-1]
        u, u_rest, vh, vh_rest = u[..., :k], u[..., k:], vh[..., :k, :], vh[..., k:, :]
        u_bar = u_bar[..., :k] - beside(u_rest, u_bar[..., k:]) @ u
        v_rest, rest_bar = np.swapaxes(vh_rest, -1, -2), np.swapaxes(vh_bar[..., k:, :], -1, -2)
        vh_bar = vh_bar[..., :k, :] - vh @ np.swapaxes(beside(v_rest, rest_bar), -1, -2)
    v, v_bar = np.swapaxes(vh, -1, -2), np.swapaxes(vh_bar, -1, -2)
    row, column = np.expand_dims(s, -2), np.expand_dims(s, -1)
    gaps = row * row - column * column
    same = gaps == 0.0
    turn = 1.0 / (gaps + same) - same
    uu, vv = np.swapaxes(u, -1, -2) @ u_bar, vh @ v_bar
    core = turn * (uu - np.swapaxes(uu, -1, -2)) * row + column * (turn * (vv - np.swapaxes(vv, -1, -2)))
    inverse = 1.0 / np.where(row == 0.0, np.inf, row)
    left = u * np.expand_dims(s_bar, -2) + u @ core + (u_bar - u @ uu) * inverse
    return left @ vh + u @ np.swapaxes((v_bar - v @ vv) * inverse, -1, -2)


# --- the same, broadened

real_only(linalg.eigh, linalg.svd)


def over_gaps(gaps: Any, broadening: Any) -> Any:
    """``1 / gaps``, of those that are small less and less."""
    size = gaps * gaps + broadening * broadening
    return gaps / np.where(size == 0.0, np.inf, size)


@differential(linalg.eigh)
def eigh_apart(a: Any, broadening: Any = 0.0, *, out: Any, a_dot: Any) -> Any:
    w, v = out
    half = half_tril(a_dot)
    s = np.swapaxes(v, -1, -2) @ (half + np.swapaxes(half, -1, -2)) @ v
    turn = over_gaps(np.expand_dims(w, -2) - np.expand_dims(w, -1), broadening)
    return np.diagonal(s, 0, -2, -1), v @ (s * turn)


@pullback(linalg.eigh, "a")
def eigh_apart_bar(a: Any, broadening: Any = 0.0, *, out: Any, out_bar: Any) -> Any:
    w, v = out
    w_bar, v_bar = out_bar
    vT = np.swapaxes(v, -1, -2)
    turn = over_gaps(np.expand_dims(w, -2) - np.expand_dims(w, -1), broadening)
    s = (v @ ((vT @ v_bar) * turn) + v * np.expand_dims(w_bar, -2)) @ vT
    return half_tril(s + np.swapaxes(s, -1, -2))


@differential(linalg.svd)
def svd_apart(a: Any, broadening: Any = 0.0, *, out: Any, a_dot: Any) -> Any:
    u, s, vh = out
    uT, v = np.swapaxes(u, -1, -2), np.swapaxes(vh, -1, -2)
    p = uT @ a_dot @ v
    pT = np.swapaxes(p, -1, -2)
    row, column = np.expand_dims(s, -2), np.expand_dims(s, -1)
    turn = over_gaps(row * row - column * column, broadening)
    inverse = 1.0 / np.where(row == 0.0, np.inf, row)
    u_dot = u @ (turn * (p * row + column * pT)) + (a_dot @ v - u @ p) * inverse
    v_dot = v @ (turn * (column * p + pT * row)) + (np.swapaxes(a_dot, -1, -2) @ u - v @ pT) * inverse
    return u_dot, np.diagonal(p, 0, -2, -1), np.swapaxes(v_dot, -1, -2)


@pullback(linalg.svd, "a")
def svd_apart_bar(a: Any, broadening: Any = 0.0, *, out: Any, out_bar: Any) -> Any:
    u, s, vh = out
    u_bar, s_bar, vh_bar = out_bar
    v_bar = np.swapaxes(vh_bar, -1, -2)
    row, column = np.expand_dims(s, -2), np.expand_dims(s, -1)
    turn = over_gaps(row * row - column * column, broadening)
    uu, vv = np.swapaxes(u, -1, -2) @ u_bar, vh @ v_bar
    core = turn * (uu - np.swapaxes(uu, -1, -2)) * row + column * (turn * (vv - np.swapaxes(vv, -1, -2)))
    inverse = 1.0 / np.where(row == 0.0, np.inf, row)
    left = u * np.expand_dims(s_bar, -2) + u @ core + (u_bar - u @ uu) * inverse
    return left @ vh + u @ np.swapaxes((v_bar - np.swapaxes(vh, -1, -2) @ vv) * inverse, -1, -2)


@differential(np.linalg.svdvals)
def svdvals(x: Any, *, x_dot: Any) -> Any:
    u, _, vh = np.linalg.svd(x, full_matrices=False)
    if np.iscomplexobj(x):
        return complex_matrices.svdvals(u, vh, x_dot)
    return np.sum(u * (x_dot @ np.swapaxes(vh, -1, -2)), axis=-2)


@pullback(np.linalg.svdvals, "x")
def svdvals_bar(x: Any, *, out_bar: Any) -> Any:
    u, _, vh = np.linalg.svd(x, full_matrices=False)
    if np.iscomplexobj(x):
        return complex_matrices.svdvals_bar(u, vh, out_bar)
    return (u * np.expand_dims(out_bar, -2)) @ vh


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


@linear(half_tril, "x")
def half_tril_rule(x: Any, *, out_bar: Any) -> Any:
    return half_tril(out_bar)


@linear(square, "r")
def square_rule(r: Any, *, out_bar: Any) -> Any:
    return out_bar


@linear(completing, "x_dot")
def completing_rule(x_dot: Any, *, out_bar: Any) -> Any:
    return completed(out_bar)


@linear(complete, "x_dot")
def complete_rule(x_dot: Any, *, out_bar: Any) -> Any:
    return out_bar


@linear(completed, "x_bar")
def completed_rule(x_bar: Any, *, out_bar: Any) -> Any:
    return out_bar


@bilinear(beside, "x", "x_bar")
def beside_rule(x: Any, x_bar: Any, *, out_bar: Any) -> Any:
    return out_bar @ x_bar, np.swapaxes(out_bar, -1, -2) @ x
