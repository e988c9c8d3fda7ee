"""Products of any rank, and what factorisations need, for emitted text."""

from __future__ import annotations

import functools
import math
import string
from typing import Any

import numpy as np

from srcdiff.runtime.arrays import fit, unbroadcast
from srcdiff.runtime.namespaces import namespace
from srcdiff.runtime.substitutes import multi_dot

__all__ = [
    "along_diagonals",
    "band_outer",
    "band_product",
    "band_transposed",
    "beside",
    "cofactors",
    "cofactors_dot",
    "complete",
    "completed",
    "completing",
    "diagonal_sums",
    "eigh",
    "einsum_bar",
    "einsum_is_plain",
    "einsum_product",
    "einsum_transposed",
    "half_tril",
    "kron_left",
    "kron_right",
    "matmul_left",
    "matmul_right",
    "multi_dot_bar",
    "nearest_places",
    "norm_axes",
    "permutation",
    "square",
    "svd",
    "tensordot_axes_left",
    "tensordot_axes_right",
    "tensordot_order_left",
    "tensordot_order_right",
]


# --- factorisations whose values may meet


def eigh(a: Any, broadening: float = 0.0) -> Any:
    r"""``np.linalg.eigh``, with a derivative that stays small where eigenvalues meet.

    The eigenvectors turn at a rate of one over the gap :math:`d = \lambda_j - \lambda_i`; this takes
    :math:`d / (d^2 + \varepsilon^2)` for it. The derivative of the eigenvalues is exact; so is that of what
    depends on the span of close eigenvectors alone, up to :math:`\varepsilon^2 / d^2` of the other gaps.

    Parameters:
        a: symmetric real matrices, of which the lower triangle is read; shape (..., n, n).
        broadening: :math:`\varepsilon`, of the unit of the eigenvalues. 0: as ``np.linalg.eigh``, of which
            pairs that are exactly equal contribute nothing.

    Returns:
        The eigenvalues, shape (..., n), and the eigenvectors, shape (..., n, n).

    Raises:
        LinAlgError: the iteration does not converge.

    Example:
        >>> import numpy as np, srcdiff
        >>> def first(a):
        ...     return srcdiff.eigh(a, 1e-3)[1][0, 0] ** 2
        >>> bool(np.abs(srcdiff.grad(first)(np.diag([1.0, 1.0 + 1e-12]))).max() < 1e3)
        True
    """
    xp = namespace(a)
    values, vectors = xp.linalg.eigh(a)
    return values, vectors


def svd(a: Any, broadening: float = 0.0) -> Any:
    r"""``np.linalg.svd`` without full matrices, with a derivative that stays small where values meet.

    As `eigh`, for the gaps :math:`d = s_j^2 - s_i^2` between the squares.

    Parameters:
        a: real matrices, shape (..., m, n).
        broadening: :math:`\varepsilon`, of the unit of the squares of the singular values.

    Returns:
        ``u``, shape (..., m, k), ``s``, shape (..., k), ``vh``, shape (..., k, n), for k = min(m, n).

    Raises:
        LinAlgError: the iteration does not converge.

    Example:
        >>> import numpy as np, srcdiff
        >>> def first(a):
        ...     return srcdiff.svd(a, 1e-3)[0][0, 0] ** 2
        >>> bool(np.isfinite(srcdiff.grad(first)(np.eye(2))).all())
        True
    """
    xp = namespace(a)
    u, s, vh = xp.linalg.svd(a, full_matrices=False)
    return u, s, vh


# --- matmul


def matmul_left(g: Any, a: Any, b: Any) -> Any:
    """The cotangent of ``a`` in ``a @ b`` (vectors, matrices and stacks of them)."""
    xp = namespace(g, a, b)
    if np.ndim(a) == 1 and np.ndim(b) == 1:
        return g * b
    if np.ndim(a) == 1:
        return unbroadcast(xp.squeeze(xp.expand_dims(g, -2) @ xp.swapaxes(b, -1, -2), -2), a)
    if np.ndim(b) == 1:
        return unbroadcast(xp.expand_dims(g, -1) * b, a)
    return unbroadcast(g @ xp.swapaxes(b, -1, -2), a)


def matmul_right(g: Any, a: Any, b: Any) -> Any:
    """The cotangent of ``b`` in ``a @ b``."""
    xp = namespace(g, a, b)
    if np.ndim(a) == 1 and np.ndim(b) == 1:
        return g * a
    if np.ndim(a) == 1:
        return unbroadcast(xp.expand_dims(a, -1) * xp.expand_dims(g, -2), b)
    if np.ndim(b) == 1:
        return unbroadcast(xp.sum(xp.swapaxes(a, -1, -2) * xp.expand_dims(g, -2), -1), b)
    return unbroadcast(xp.swapaxes(a, -1, -2) @ g, b)


def multi_dot_bar(g: Any, arrays: Any, k: int) -> Any:
    """The cotangent of ``arrays[k]`` in ``np.linalg.multi_dot(arrays)``."""
    xp = namespace(g, arrays)
    g = xp.asarray(g)
    if np.ndim(arrays[0]) == 1:
        g = g[None]
    if np.ndim(arrays[-1]) == 1:
        g = g[..., None]
    before = [xp.atleast_2d(x).T for x in arrays[:k]]
    after = [(x if np.ndim(x) == 2 else xp.reshape(x, (-1, 1))).T for x in arrays[k + 1 :]]
    factors = [*before[::-1], g, *after[::-1]]
    bar = multi_dot(factors) if len(factors) > 1 else g
    return bar.reshape(np.shape(arrays[k]))


# --- kron


def kron_left(g: Any, a: Any, b: Any) -> Any:
    """The cotangent of ``a`` in ``np.kron(a, b)``: the inner product of each block of ``g`` with ``b``."""
    xp = namespace(g)
    blocks, ndim = _blocks(g, a, b)
    bar = xp.tensordot(blocks, b, (range(2 * ndim - np.ndim(b), 2 * ndim), range(np.ndim(b))))
    return bar.reshape(np.shape(a))


def kron_right(g: Any, a: Any, b: Any) -> Any:
    """The cotangent of ``b`` in ``np.kron(a, b)``: the sum of the blocks of ``g`` weighted with ``a``."""
    xp = namespace(g)
    blocks, ndim = _blocks(g, a, b)
    bar = xp.tensordot(a, blocks, (range(np.ndim(a)), range(ndim - np.ndim(a), ndim)))
    return bar.reshape(np.shape(b))


def _blocks(g: Any, a: Any, b: Any) -> tuple[Any, int]:
    """``g`` with the axes of ``a`` first and those of ``b`` after them, and the common rank."""
    xp = namespace(g)
    ndim = max(np.ndim(a), np.ndim(b))
    outer = (1,) * (ndim - np.ndim(a)) + np.shape(a)
    inner = (1,) * (ndim - np.ndim(b)) + np.shape(b)
    blocks = xp.reshape(g, [n for pair in zip(outer, inner, strict=True) for n in pair])
    return xp.transpose(blocks, [*range(0, 2 * ndim, 2), *range(1, 2 * ndim, 2)]), ndim


# --- determinants


def cofactors(a: Any) -> Any:
    """The derivative of ``np.linalg.det`` at ``a``, the matrix of cofactors; of singular matrices, too."""
    xp = namespace(a)
    det = xp.linalg.det(a)
    if isinstance(det, float) and det != 0.0:  # (of one matrix)
        return det * xp.linalg.inv(a).T
    if xp.all(det != 0.0):
        return xp.expand_dims(det, (-2, -1)) * xp.swapaxes(xp.linalg.inv(a), -1, -2)
    u, s, vh = xp.linalg.svd(a)
    return _turned(u, _products_without(s, 1)[..., None] * xp.eye(s.shape[-1]), vh)


def cofactors_dot(a: Any, f: Any) -> Any:
    """The change of ``cofactors(a)`` along ``f``; as a map of ``f`` it is its own transpose."""
    xp = namespace(a)
    u, s, vh = xp.linalg.svd(a)
    f = xp.conj(xp.swapaxes(u, -1, -2)) @ f @ xp.conj(xp.swapaxes(vh, -1, -2))
    # det(diag(s) + f) = ... + sum over i < j of (f_ii f_jj - f_ij f_ji) times all s but s_i and s_j + ...
    pairs = _products_without(s, 2) * (1.0 - xp.eye(s.shape[-1]))
    straight = pairs @ xp.diagonal(f, 0, -2, -1)[..., None]
    return _turned(u, straight * xp.eye(s.shape[-1]) - pairs * xp.swapaxes(f, -1, -2), vh)


def _turned(u: Any, core: Any, vh: Any) -> Any:
    xp = namespace(u)
    sign = xp.linalg.det(u) * xp.linalg.det(vh)
    return xp.expand_dims(sign, (-2, -1)) * (xp.conj(u) @ core @ xp.conj(vh))


def _products_without(s: Any, count: int) -> Any:
    """Products of all of ``s`` but one, or but two: an axis for each that is left out."""
    xp = namespace(s)
    n = s.shape[-1]
    left_out = xp.eye(n, dtype=bool)
    if count == 2:
        left_out = left_out[:, None, :] | left_out[None, :, :]
    return xp.prod(xp.where(left_out, 1.0, s.reshape((*s.shape[:-1], *(1,) * count, n))), axis=-1)


# --- tensordot: facts about axes


def _tensordot_axes(na: int, nb: int, axes: Any) -> tuple[list[int], list[int], list[int], list[int]]:
    """Contracted axes of a, of b (in pairs); free axes of a, of b."""
    if np.ndim(axes) == 0 and not isinstance(axes, list | tuple):
        in_a, in_b = list(range(na - int(axes), na)), list(range(int(axes)))
    else:
        in_a, in_b = ([int(k) for k in np.atleast_1d(side)] for side in axes)
    in_a, in_b = [k % na for k in in_a], [k % nb for k in in_b]
    return in_a, in_b, [k for k in range(na) if k not in in_a], [k for k in range(nb) if k not in in_b]


def tensordot_axes_left(na: int, nb: int, axes: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Axes for ``np.tensordot(out_bar, b, ...)``, the cotangent of ``a`` up to the order of its axes."""
    _, _, free_a, free_b = _tensordot_axes(na, nb, axes)
    return tuple(range(len(free_a), len(free_a) + len(free_b))), tuple(free_b)


def tensordot_order_left(na: int, nb: int, axes: Any) -> tuple[int, ...]:
    """The transposition that brings that product into the order of the axes of ``a``."""
    in_a, in_b, free_a, _ = _tensordot_axes(na, nb, axes)
    have = free_a + [in_a[in_b.index(k)] for k in sorted(in_b)]
    return tuple(have.index(k) for k in range(na))


def tensordot_axes_right(na: int, nb: int, axes: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Axes for ``np.tensordot(a, out_bar, ...)``, the cotangent of ``b`` up to the order of its axes."""
    _, _, free_a, _ = _tensordot_axes(na, nb, axes)
    return tuple(free_a), tuple(range(len(free_a)))


def tensordot_order_right(na: int, nb: int, axes: Any) -> tuple[int, ...]:
    """The transposition that brings that product into the order of the axes of ``b``."""
    in_a, in_b, _, free_b = _tensordot_axes(na, nb, axes)
    have = [in_b[in_a.index(k)] for k in sorted(in_a)] + free_b
    return tuple(have.index(k) for k in range(nb))


# --- einsum


def _terms(subscripts: str) -> tuple[list[str], str]:
    """The operands' subscripts and the result's, the latter made explicit."""
    text = subscripts.replace(" ", "")
    if "->" in text:
        left, out = text.split("->")
        return left.split(","), out
    letters = text.replace(",", "").replace("...", "")
    out = "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
    return text.split(","), ("..." if "..." in text else "") + out


def einsum_is_plain(subscripts: str) -> bool:
    """Whether each cotangent is one ``np.einsum``: no ellipsis, no diagonal, no index in one place only."""
    terms, out = _terms(subscripts)
    if "." in subscripts:
        return False
    for k, term in enumerate(terms):
        elsewhere = out + "".join(terms[:k] + terms[k + 1 :])
        if len(set(term)) < len(term) or not set(term) <= set(elsewhere):
            return False
    return True


def einsum_transposed(subscripts: str, k: int) -> str:
    """Subscripts of the cotangent of operand ``k`` as a product of ``out_bar`` and the other operands."""
    terms, out = _terms(subscripts)
    return ",".join([out, *terms[:k], *terms[k + 1 :]]) + "->" + terms[k]


def einsum_product(subscripts: str) -> str:
    """Which product of two matrices, or stacks of them, ``np.einsum`` of two operands is; nothing if none.

    ``a``, ``b``: as they are; ``aT``, ``bT``: with their last two axes exchanged; in the factors' order.
    """
    terms, out = _terms(subscripts)
    if len(terms) != 2 or "." in subscripts or any(len(set(t)) < len(t) for t in (*terms, out)):
        return ""
    lead = len(out) - 2
    stack = out[: max(lead, 0)]
    if lead < 0 or any(len(t) != len(out) or not t.startswith(stack) for t in terms):
        return ""
    (first, second), rows, columns = (t[lead:] for t in terms), out[-2], out[-1]
    for one, other, names in ((first, second, "ab"), (second, first, "ba")):
        shared = set(one) & set(other)
        if len(shared) != 1 or rows not in one or columns not in other or shared & {rows, columns}:
            continue
        left = names[0] + ("" if one[0] == rows else "T")
        return left + names[1] + ("" if other[1] == columns else "T")
    return ""


def einsum_bar(g: Any, subscripts: str, operands: Any, k: int) -> Any:
    """The cotangent of ``operands[k]`` in ``np.einsum(subscripts, *operands)``, whatever the subscripts."""
    xp = namespace(g, operands)
    like = operands[k]
    others = [xp.asarray(x) for j, x in enumerate(operands) if j != k]
    shapes = tuple(map(np.shape, operands))
    term, letters, present, text, many = _bar_text(subscripts, shapes, k)
    bar = xp.einsum(text, xp.asarray(g), *others, optimize=many and len(others) > 1)
    if present != letters:
        bar = xp.asarray(bar)[tuple(slice(None) if c in present else None for c in letters)]
    if letters == term:
        out = fit(bar, like)
        writable = getattr(getattr(out, "flags", None), "writeable", True)
        return out.copy() if np.ndim(out) and not (others and writable) else out
    sizes = dict(zip(term, np.shape(like), strict=True))
    spread = xp.zeros(np.shape(like), dtype=bar.dtype)
    at = {c: xp.arange(sizes[c]).reshape([-1 if d == c else 1 for d in letters]) for c in letters}
    spread[tuple(at[c] for c in term)] = fit(bar, xp.empty([sizes[c] for c in letters], dtype=bar.dtype))
    return spread


MANY = 20_000  # combinations of indices: to find an order for the sums takes less time than to go through all


@functools.lru_cache(maxsize=4096)
def _bar_text(
    subscripts: str, shapes: tuple[tuple[int, ...], ...], k: int
) -> tuple[str, str, str, str, bool]:
    """The letters of an operand's axes, each once, those that its cotangent has, and how that is summed."""
    terms, out = _spelled_out(subscripts, tuple(map(len, shapes)))
    letters = "".join(dict.fromkeys(terms[k]))
    others = [t for j, t in enumerate(terms) if j != k]
    present = "".join(c for c in letters if c in out or any(c in t for t in others))
    pairs = (zip(t, shape, strict=True) for t, shape in zip(terms, shapes, strict=True))
    sizes = {c: n for pair in pairs for c, n in pair if n != 1}
    many = math.prod(sizes.values()) > MANY
    return terms[k], letters, present, ",".join([out, *others]) + "->" + present, many


def _spelled_out(subscripts: str, ranks: tuple[int, ...]) -> tuple[list[str], str]:
    """The terms with a letter for every axis the ellipses stand for."""
    terms, out = _terms(subscripts)
    free = [c for c in string.ascii_letters if c not in subscripts]
    hidden = [n - len(t.replace("...", "")) for t, n in zip(terms, ranks, strict=True)]
    most = max(hidden)
    dots = "".join(free[:most])
    terms = [t.replace("...", dots[most - r :]) for t, r in zip(terms, hidden, strict=True)]
    return terms, out.replace("...", dots)


# --- factorisations and norms


def half_tril(x: Any) -> Any:
    """The lower triangle with the diagonal halved: ``s == half_tril(s) + half_tril(s).T`` if symmetric.

    It is Phi in I. Murray, Differentiation of the Cholesky decomposition, arXiv:1602.07527, 2016.
    """
    xp = namespace(x)
    out = xp.tril(x)
    k = xp.arange(out.shape[-1])
    out[..., k, k] *= 0.5
    return out


def norm_axes(axis: Any, ndim: int) -> tuple[int, ...]:
    """The axes a norm runs over, counted from the first."""
    if axis is None:
        return tuple(range(ndim))
    return tuple(int(k) % ndim for k in (axis if isinstance(axis, list | tuple) else (axis,)))


def nearest_places(wanted: Any, w: Any) -> Any:
    """For each of the numbers wanted, which of those in the last axis of ``w`` is nearest."""
    xp = namespace(w)
    return xp.argmin(abs(xp.expand_dims(wanted, -1) - xp.expand_dims(w, -2)), axis=-1)


# --- factorisations of matrices that are not square


def square(r: Any) -> Any:
    """``r`` of a QR factorisation, which is to be solved with."""
    if np.shape(r)[-1] != np.shape(r)[-2]:
        raise np.linalg.LinAlgError(
            "np.linalg.qr has a derivative for matrices with at least as many rows as columns, "
            f"and mode='reduced' or 'r'; r is {np.shape(r)[-2]} by {np.shape(r)[-1]} here"
        )
    return r


def _arbitrary(x: Any) -> int:
    """How many columns that complete a basis are arbitrary: one, too, if it has a phase."""
    return 1 if np.iscomplexobj(x) else 2


def completing(x_dot: Any) -> Any:
    """The tangents of the columns that complete ``u``: several can be any basis, and have none (NaN)."""
    xp = namespace(x_dot)
    return x_dot if np.shape(x_dot)[-1] < _arbitrary(x_dot) else xp.full_like(x_dot, np.nan)


def complete(x_dot: Any) -> Any:
    """A tangent that reaches a result: not of columns that complete a basis, where these have none."""
    xp = namespace(x_dot)
    if xp.any(xp.isnan(x_dot)):
        raise np.linalg.LinAlgError(
            "the last singular vectors of np.linalg.svd complete a basis in an arbitrary way, and have no "
            "derivative where there are several, or complex ones; pass full_matrices=False, use the others"
        )
    return x_dot


def completed(x_bar: Any) -> Any:
    """The cotangents of the columns that complete ``u``: of several they must be zero."""
    xp = namespace(x_bar)
    if np.shape(x_bar)[-1] >= _arbitrary(x_bar) and xp.any(x_bar):
        raise np.linalg.LinAlgError(
            f"the last {np.shape(x_bar)[-1]} singular vectors of np.linalg.svd complete a basis in an "
            "arbitrary way, and have no derivative; pass full_matrices=False, and use the others"
        )
    return x_bar


def beside(x: Any, x_bar: Any) -> Any:
    """``x @ x_bar.T`` of the columns that complete ``u``: of several, zero with their cotangents."""
    xp = namespace(x)
    x_bar = completed(x_bar.astype(complex) if np.iscomplexobj(x) else x_bar)
    if np.shape(x)[-1] >= _arbitrary(x):
        return xp.zeros((*np.shape(x)[:-1], np.shape(x)[-2]), dtype=x.dtype)
    return x @ xp.swapaxes(x_bar, -1, -2)


# --- structured matrices


def diagonal_sums(x: Any) -> Any:
    """The sums of all diagonals of a matrix, from the lowest to the highest."""
    xp = namespace(x)
    m, n = np.shape(x)
    sums = xp.zeros(max(m + n - 1, 0), x.dtype)
    for i in range(m):
        sums[m - 1 - i : m - 1 - i + n] += x[i]
    return sums


def along_diagonals(sums: Any, x: Any) -> Any:
    """The matrix of the shape of ``x`` whose diagonals have one value each."""
    xp = namespace(sums)
    m, n = np.shape(x)
    return sums[xp.arange(n) - xp.arange(m)[:, None] + (m - 1)]


def permutation(piv: Any) -> Any:
    """The order of rows that a sequence of exchanges (as LAPACK gives them) leads to."""
    order = np.arange(len(piv))
    for i, j in enumerate(piv.tolist()):
        order[i], order[j] = order[j], order[i]
    return namespace(piv).asarray(order)


def _bands(l_and_u: Any, n: int) -> Any:
    """For each row of a matrix stored by diagonals: its columns there, and the rows of the matrix."""
    lower, upper = l_and_u
    for k in range(lower + upper + 1):
        first, last = max(0, upper - k), min(n, n + upper - k)
        if last > first:
            yield k, slice(first, last), slice(first + k - upper, last + k - upper)


def band_product(l_and_u: Any, ab: Any, x: Any) -> Any:
    """The product of a matrix stored by diagonals (as ``scipy.linalg.solve_banded`` has it) and ``x``."""
    xp = namespace(ab)
    out = xp.zeros(np.shape(x), xp.result_type(ab, x))
    for k, columns, rows in _bands(l_and_u, np.shape(ab)[1]):
        out[rows] += (ab[k, columns] * x[columns].T).T
    return out


def band_outer(l_and_u: Any, g: Any, x: Any) -> Any:
    """The diagonals of ``g @ x.T``, stored as those of the matrix in `band_product`."""
    xp = namespace(g)
    lower, upper = l_and_u
    out = xp.zeros((lower + upper + 1, np.shape(x)[0]), xp.result_type(g, x))
    for k, columns, rows in _bands(l_and_u, np.shape(x)[0]):
        product = g[rows] * x[columns]
        out[k, columns] = product if np.ndim(x) == 1 else product.sum(axis=1)
    return out


def band_transposed(l_and_u: Any, ab: Any) -> Any:
    """The transpose of a matrix stored by diagonals; it has ``(u, l)`` of them."""
    xp = namespace(ab)
    out = xp.zeros_like(ab)
    for k, columns, rows in _bands(l_and_u, np.shape(ab)[1]):
        out[len(ab) - 1 - k, rows] = ab[k, columns]
    return out
