"""What compiled kernels call: checks of indices and sizes, tapes that grow, element functions of NumPy.

Imported by emitted text only; this module and ``vmath`` are the only ones that import numba.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numba import njit

from srcdiff.compiled import vmath

__all__ = [
    "LOOPS", "agree", "all_interpolated", "all_searched", "bound", "check_set", "clip", "cofactors_of",
    "determinant", "divided", "divisor", "exp_of_complex", "found", "grown", "grown_rows", "interpolated",
    "is_among", "larger", "last_of_each", "lower_factor", "maximum", "minimum", "more",
    "one_size", "place", "plus", "power_of_complex", "searched", "share", "sign", "smaller", "solved", "some",
    "times", "times_turned", "unpacked", "where", "whole_product",
]  # fmt: skip

F = TypeVar("F", bound=Callable[..., Any])
LOOPS = {  # what numba divides among threads: the loops that say so
    "comprehension": False, "reduction": False, "inplace_binop": False, "setitem": False, "numpy": False,
    "stencil": False, "fusion": False, "prange": True,
}  # fmt: skip
compiled: Callable[[F], F] = njit(inline="never", error_model="numpy", cache=True)
in_any_order: Callable[[F], F] = njit(error_model="numpy", fastmath={"reassoc"}, cache=True)


@in_any_order
def plus(total: Any, x: Any) -> Any:
    """``total + x``, a step of a sum whose order is free, as NumPy's is."""
    return total + x


@compiled
def times(a: Any, x: Any, out: Any) -> None:
    """``a @ x``: four rows at a time, so that ``x`` is read once for these."""
    n, m = a.shape
    for i in range(0, n - n % 4, 4):
        s, t, u, v = 0.0, 0.0, 0.0, 0.0
        for j in range(m):
            s = plus(s, a[i, j] * x[j])
            t = plus(t, a[i + 1, j] * x[j])
            u = plus(u, a[i + 2, j] * x[j])
            v = plus(v, a[i + 3, j] * x[j])
        out[i], out[i + 1], out[i + 2], out[i + 3] = s, t, u, v
    for i in range(n - n % 4, n):
        s = 0.0
        for j in range(m):
            s = plus(s, a[i, j] * x[j])
        out[i] = s


@compiled
def times_turned(a: Any, x: Any, out: Any) -> None:
    """``x @ a``: four rows at a time, so that ``out`` is written to once for these."""
    n, m = a.shape
    for j in range(m):
        out[j] = 0.0
    for i in range(0, n - n % 4, 4):
        for j in range(m):
            first, second = a[i, j] * x[i], a[i + 2, j] * x[i + 2]
            out[j] += first + a[i + 1, j] * x[i + 1] + (second + a[i + 3, j] * x[i + 3])
    for i in range(n - n % 4, n):
        for j in range(m):
            out[j] += a[i, j] * x[i]


@compiled
def place(i: int, n: int) -> int:
    """An index from either end as one from the start; ``IndexError`` where there is no such element."""
    if i < 0:
        i += n
    if i < 0 or i >= n:
        raise IndexError("an index is out of bounds")
    return i


@compiled
def is_among(x: int, xs: Any) -> bool:
    """Whether a number is one of some."""
    found = False
    for y in xs:
        found = found or x == y
    return found


@compiled
def last_of_each(places: Any, n: int) -> Any:
    """Which of some places in 0 ... n come not again later."""
    owner = np.empty(n, np.int64)
    for k in range(places.shape[0]):
        owner[place(places[k], n)] = k
    last = np.empty(places.shape[0], np.bool_)
    for k in range(places.shape[0]):
        last[k] = owner[place(places[k], n)] == k
    return last


@compiled
def bound(i: int, n: int) -> int:
    """An end of a slice as a place in 0 ... n."""
    if i < 0:
        i += n
        return max(i, 0)
    return min(i, n)


@compiled
def one_size(n: int, m: int) -> int:
    """The size of two axes put together by NumPy's rules of broadcasting."""
    if n == m or m == 1:
        return n
    if n == 1:
        return m
    raise ValueError("operands could not be broadcast together")


@compiled
def more(n: int, what: int) -> int:
    """``n``, which must be ``what`` or one: an array written into a place."""
    if n != what and n != 1:
        raise ValueError("could not broadcast input array into the shape of what it is written to")
    return n


@compiled
def agree(n: int, m: int) -> int:
    """Two sizes that must be equal."""
    if n != m:
        raise ValueError("the sizes of two arrays do not fit")
    return n


@compiled
def share(part: int, parts: int, first: int, last: int) -> tuple[int, int]:
    """Where a part of the trips from ``first`` to ``last`` begins and ends."""
    k, n = np.int64(part), max(last - first, 0)  # numba counts in numbers without a sign
    return max(first + k * n // parts, 0), first + (k + 1) * n // parts  # (none is negative: LLVM is told)


@compiled
def some(n: int) -> int:
    """The size of an axis that a largest or smallest element is looked for along."""
    if n < 1:
        raise ValueError("zero-size array to reduction operation which has no identity")
    return n


@compiled
def larger(best: Any, x: Any) -> Any:
    """A step of a maximum; NaN stays."""
    return x if x > best or x != x else best


@compiled
def smaller(best: Any, x: Any) -> Any:
    """A step of a minimum; NaN stays."""
    return x if x < best or x != x else best


@compiled
def grown(tape: Any, size: int) -> Any:
    """A tape with room for ``size`` numbers."""
    if size <= tape.size:
        return tape
    out = np.empty(max(size, 2 * tape.size), tape.dtype)
    out[: tape.size] = tape
    return out


@compiled
def grown_rows(rows: Any) -> Any:
    """A tape of rows with room for twice as many."""
    out = np.empty((2 * rows.shape[0], rows.shape[1]), rows.dtype)
    out[: rows.shape[0]] = rows
    return out


@compiled
def found(mask: Any) -> Any:
    """The places, of all elements row by row, at which a mask is true."""
    flat = mask.reshape(-1)
    count = 0
    for i in range(flat.size):
        count += flat[i]
    out = np.empty(count, np.int64)
    n = 0
    for i in range(flat.size):
        if flat[i]:
            out[n] = i
            n += 1
    return out


@compiled
def searched(a: Any, x: Any, right: bool) -> int:
    """Where ``x`` belongs in ``a``, which is sorted; NaN comes last."""
    low, n = 0, a.size
    while n > 0:  # how often does not depend on x, and what is done then is a choice of numbers
        half = n // 2
        y = a[low + half]
        before = y <= x or x != x if right else y < x or (x != x and y == y)
        low = low + half + 1 if before else low
        n = n - half - 1 if before else half
    return low


@compiled
def all_searched(a: Any, v: Any, right: bool) -> Any:
    """Where each of ``v`` belongs in ``a``: a step of all searches after the other, which vectors can do."""
    low = np.zeros(v.size, np.int64)
    n = a.size
    while n > 1:
        half = n // 2
        for i in range(v.size):
            x, y = v[i], a[low[i] + half - 1]
            before = (y <= x) | (x != x) if right else (y < x) | ((x != x) & (y == y))
            low[i] = low[i] + half if before else low[i]
        n -= half
    if n:
        for i in range(v.size):
            x, y = v[i], a[low[i]]
            low[i] += (y <= x) | (x != x) if right else (y < x) | ((x != x) & (y == y))
    return low


@compiled
def all_interpolated(x: Any, xp: Any, fp: Any) -> Any:
    """``np.interp`` of an array."""
    out = np.empty(x.size, np.float64)
    at = all_searched(xp, x, True)
    last = xp.size - 1
    for i in range(x.size):
        k = at[i] - 1
        if 0 <= k < last and xp[k] < x[i]:
            slope = (fp[k + 1] - fp[k]) / (xp[k + 1] - xp[k])
            out[i] = slope * (x[i] - xp[k]) + fp[k]
        if not (0 <= k < last and xp[k] < x[i]) or out[i] != out[i]:
            out[i] = interpolated(x[i], xp, fp)
    return out


@compiled
def interpolated(x: float, xp: Any, fp: Any) -> float:
    """``np.interp`` of one number: on the line between the two places next to it."""
    last = xp.size - 1
    if last == 0:
        return fp[0]  # type: ignore[no-any-return]
    if x != x:
        return x
    if x > xp[last]:
        return fp[last]  # type: ignore[no-any-return]
    if x < xp[0]:
        return fp[0]  # type: ignore[no-any-return]
    low, n = 0, last + 1
    while n > 1:
        half = n // 2
        low = low + half if x >= xp[low + half] else low
        n -= half
    if low == last or xp[low] == x:
        return fp[low]  # type: ignore[no-any-return]
    slope = (fp[low + 1] - fp[low]) / (xp[low + 1] - xp[low])
    y = slope * (x - xp[low]) + fp[low]
    if y != y:
        y = slope * (x - xp[low + 1]) + fp[low + 1]
        if y != y and fp[low] == fp[low + 1]:
            y = fp[low]
    return y  # type: ignore[no-any-return]


@compiled
def whole_product(a: int, b: int) -> int:
    """A product of whole numbers that may outgrow those of a kernel, which have 64 bits."""
    if abs(float(a) * float(b)) > 9.2e18:
        raise OverflowError("a whole number outgrows the 64 bits that it has with backend='numba'")
    return a * b


@compiled
def check_set(there: bool) -> None:
    """Refuse to go on with a variable that is None, as the program would."""
    if not there:
        raise TypeError("a variable is None where a number or an array is needed")


@compiled
def divisor(n: int) -> int:
    """An integer that another is divided by; ``ZeroDivisionError`` as Python has it."""
    if n == 0:
        raise ZeroDivisionError("integer division or modulo by zero")
    return n


def unpacked(what: Any, arrays: list[Any], start: int, count: int) -> list[Any]:
    """The lists of a tape that a kernel has filled: of numbers, of arrays, of lists of these."""
    if what is None:
        return arrays[0][start : start + count].tolist()  # type: ignore[no-any-return]
    if isinstance(what, tuple):  # arrays of one shape
        size = math.prod(what)
        flat = arrays[0].reshape(-1)
        return [flat[k * size : (k + 1) * size].reshape(what) for k in range(start, start + count)]
    rows, rest = arrays[0][start : start + count].tolist(), arrays[1:]
    if isinstance(what, list):
        return [unpacked(what[0], rest, at, n) for at, n in rows]
    return [rest[0][at : at + math.prod(shape)].reshape(shape) for at, *shape in rows]


@compiled
def where(c: bool, a: Any, b: Any) -> Any:
    """``a if c else b``, both computed."""
    return a if c else b


@compiled
def maximum(a: Any, b: Any) -> Any:
    """The larger of two numbers; NaN if one is."""
    return a if a >= b or a != a else b


@compiled
def minimum(a: Any, b: Any) -> Any:
    """The smaller of two numbers; NaN if one is."""
    return a if a <= b or a != a else b


@compiled
def clip(x: Any, low: Any, high: Any) -> Any:
    """``x`` kept between two numbers."""
    return minimum(maximum(x, low), high)


@compiled
def sign(x: Any) -> Any:
    """-1, 0 or 1; NaN of NaN."""
    if x > 0:
        return x * 0 + 1 if x - x == 0 else 1 + 0 * (1 / x)
    if x < 0:
        return -(x * 0 + 1) if x - x == 0 else -1 + 0 * (1 / x)
    return x if x != x else x * 0


@compiled
def divided(a: complex, b: complex) -> complex:
    """``a / b`` of complex numbers, as NumPy does it; of zero too."""
    if abs(b.real) >= abs(b.imag):
        if b.real == 0.0 and b.imag == 0.0:
            return complex(a.real / abs(b.real), a.imag / abs(b.real))
        ratio = b.imag / b.real
        scale = 1.0 / (b.real + b.imag * ratio)
        return complex((a.real + a.imag * ratio) * scale, (a.imag - a.real * ratio) * scale)
    ratio = b.real / b.imag
    scale = 1.0 / (b.imag + b.real * ratio)
    return complex((a.real * ratio + a.imag) * scale, (a.imag * ratio - a.real) * scale)


@compiled
def exp_of_complex(z: complex) -> complex:
    """``e**z`` of a complex number."""
    if abs(z.real) < 700.0 and abs(z.imag) < 1e5:
        size = vmath.exp(z.real)
        return complex(size * vmath.cos(z.imag), size * vmath.sin(z.imag))
    return np.exp(z)  # type: ignore[no-any-return]


@compiled
def power_of_complex(z: complex, n: int) -> complex:
    """``z**n`` of a complex number for ``n >= 0``, by squaring."""
    out = complex(1.0, 0.0)
    while n > 0:
        if n & 1:
            out = out * z
        n >>= 1
        z = z * z
    return out


@compiled
def eliminated(a: Any, b: Any) -> float:
    """Make ``a`` triangular, and ``b`` along with it, in place; the determinant of ``a``.

    Rows are exchanged as in LAPACK.  It stops at a column of zeros: the determinant is zero.
    """
    n = a.shape[0]
    det = 1.0
    for k in range(n):
        p = k
        for i in range(k + 1, n):
            if a[p, k] == a[p, k] and not abs(a[i, k]) <= abs(a[p, k]):  # (a NaN comes first)
                p = i
        if a[p, k] == 0.0:
            return 0.0
        if p != k:
            det = -det
            for j in range(n):
                a[k, j], a[p, j] = a[p, j], a[k, j]
            for j in range(b.shape[1]):
                b[k, j], b[p, j] = b[p, j], b[k, j]
        det *= a[k, k]
        for i in range(k + 1, n):
            f = a[i, k] / a[k, k]
            for j in range(k + 1, n):
                a[i, j] -= f * a[k, j]
            for j in range(b.shape[1]):
                b[i, j] -= f * b[k, j]
    return det


@compiled
def substituted(a: Any, b: Any) -> None:
    """Solve what ``eliminated`` has made of a system, in ``b``."""
    n = a.shape[0]
    for k in range(n - 1, -1, -1):
        for j in range(b.shape[1]):
            x = b[k, j]
            for i in range(k + 1, n):
                x -= a[k, i] * b[i, j]
            b[k, j] = x / a[k, k]


@compiled
def determinant(a: Any) -> float:
    """``np.linalg.det`` of a small matrix."""
    return eliminated(a.copy(), np.empty((a.shape[0], 0)))


@compiled
def solved(a: Any, b: Any) -> Any:
    """``np.linalg.solve`` of a small matrix and a matrix: no call of LAPACK, and NaNs go through it."""
    a, x = a.copy(), b.copy()
    eliminated(a, x)
    for k in range(a.shape[0]):
        if a[k, k] == 0.0:
            raise np.linalg.LinAlgError("Singular matrix")
    substituted(a, x)
    return x


@compiled
def lower_factor(a: Any) -> Any:
    """``np.linalg.cholesky`` of a small matrix."""
    n = a.shape[0]
    out = np.zeros((n, n))
    for j in range(n):
        for i in range(j, n):
            x = a[i, j]
            for k in range(j):
                x -= out[i, k] * out[j, k]
            if i == j:
                if x <= 0.0:  # (a NaN goes on, as with LAPACK)
                    raise np.linalg.LinAlgError("Matrix is not positive definite")
                out[j, j] = math.sqrt(x)
            else:
                out[i, j] = x / out[j, j]
    return out


@compiled
def cofactors_of(a: Any) -> Any:
    """The derivative of the determinant, as ``srcdiff.runtime.cofactors``."""
    n = a.shape[0]
    lu, x, out = a.copy(), np.eye(n), np.empty((n, n))
    det = eliminated(lu, x)
    if det != 0.0:
        substituted(lu, x)
        for i in range(n):
            for j in range(n):
                out[i, j] = det * x[j, i]
        return out
    u, s, vh = np.linalg.svd(a)
    sign = determinant(u) * determinant(vh)
    for i in range(n):
        for j in range(n):
            out[i, j] = 0.0
            for k in range(n):
                rest = sign
                for m in range(n):
                    if m != k:
                        rest *= s[m]
                out[i, j] += u[i, k] * rest * vh[k, j]
    return out
