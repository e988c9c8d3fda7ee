"""Rules of ``numpy.polynomial``: one set for all six bases.

With :math:`B_k` the basis, a series is :math:`\\sum_k c_k B_k(x)`. What is linear in the coefficients is a
matrix, which NumPy's own function gives when it is applied to unit vectors; products are the numbers
:math:`t_{kij}` with :math:`B_i B_j = \\sum_k t_{kij} B_k`. NumPy cuts trailing zeros off its results;
tangents are cut to the same length.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.polynomial import chebyshev, hermite, hermite_e, laguerre, legendre, polynomial

from srcdiff.rules.registry import definition, differential, elementwise, known, nondifferentiable, pullback
from srcdiff.runtime.arrays import cast_like, resized
from srcdiff.runtime.polynomials import images, products

nondifferentiable(images, products)



def basis(home: Any, p: str, x: list[float]) -> None:
    """The rules of one basis, whose functions begin with ``p``; ``x``: the coefficients of x itself."""
    val, der, vander = getattr(home, f"{p}val"), getattr(home, f"{p}der"), getattr(home, f"{p}vander")
    integral, mul, companion = (
        getattr(home, f"{p}int"),
        getattr(home, f"{p}mul"),
        getattr(home, f"{p}companion"),
    )
    mulx, sub, roots = getattr(home, f"{p}mulx"), getattr(home, f"{p}sub"), getattr(home, f"{p}roots")
    unit, itself = np.array([1.0, 0.0]), np.array(x)

    # --- values

    @differential(val)
    def value(x: Any, c: Any, tensor: Any = True, *, x_dot: Any, c_dot: Any) -> Any:
        if np.ndim(c) != 1:
            raise NotImplementedError("the derivative of several series at once: call it for each of them")
        change = np.reshape(vander(np.ravel(x), np.size(c) - 1) @ c_dot, np.shape(x))
        return change + val(x, der(c)) * x_dot

    @pullback(val, "x", "c")
    def value_bar(x: Any, c: Any, tensor: Any = True, *, out_bar: Any) -> Any:
        if np.ndim(c) != 1:
            raise NotImplementedError("the derivative of several series at once: call it for each of them")
        c_bar = vander(np.ravel(x), np.size(c) - 1).T @ np.ravel(out_bar)
        return cast_like(out_bar * val(x, der(c)), x), cast_like(c_bar, c)

    @differential(vander)
    def values(x: Any, deg: Any, *, out: Any, x_dot: Any) -> Any:
        d = der(np.eye(deg + 1))
        return np.expand_dims(x_dot, -1) * (out[..., : len(d)] @ d)

    @pullback(vander, "x")
    def values_bar(x: Any, deg: Any, *, out: Any, out_bar: Any) -> Any:
        d = der(np.eye(deg + 1))
        return np.reshape(np.sum(out_bar * (out[..., : len(d)] @ d), axis=-1), np.shape(x))

    @definition(getattr(home, f"{p}val2d"), "x", "y", "c")
    def value2d(x: Any, y: Any, c: Any) -> Any:
        """Products of both bases, weighed."""
        rows = vander(np.ravel(x), np.shape(c)[0] - 1) @ c
        return np.reshape(np.sum(rows * vander(np.ravel(y), np.shape(c)[1] - 1), axis=-1), np.shape(x))

    @definition(getattr(home, f"{p}val3d"), "x", "y", "z", "c")
    def value3d(x: Any, y: Any, z: Any, c: Any) -> Any:
        """Products of three bases, weighed."""
        u, v = vander(np.ravel(x), np.shape(c)[0] - 1), vander(np.ravel(y), np.shape(c)[1] - 1)
        w = vander(np.ravel(z), np.shape(c)[2] - 1)
        t = np.sum(np.tensordot(u, c, 1) * np.expand_dims(v, -1), axis=1)
        return np.reshape(np.sum(t * w, axis=1), np.shape(x))

    if hasattr(home, f"{p}valnd"):  # (since NumPy 2.5)

        @definition(getattr(home, f"{p}valnd"), "pts", "c")
        def value_nd(pts: Any, c: Any) -> Any:
            """Products of a basis for each variable, weighed: one variable after the other is summed over."""
            t = np.tensordot(vander(np.ravel(pts[0]), np.shape(c)[0] - 1), c, 1)
            for x in pts[1:]:
                t = np.einsum("ij,ij...->i...", vander(np.ravel(x), np.shape(t)[1] - 1), t)
            return np.reshape(t, np.shape(pts[0]))

    @definition(getattr(home, f"{p}grid2d"), "x", "y", "c")
    def grid2d(x: Any, y: Any, c: Any) -> Any:
        """A matrix between both bases."""
        u, v = vander(np.ravel(x), np.shape(c)[0] - 1), vander(np.ravel(y), np.shape(c)[1] - 1)
        return np.reshape(u @ c @ v.T, np.shape(x) + np.shape(y))

    @definition(getattr(home, f"{p}grid3d"), "x", "y", "z", "c")
    def grid3d(x: Any, y: Any, z: Any, c: Any) -> Any:
        """Coefficients between three bases."""
        u, v = vander(np.ravel(x), np.shape(c)[0] - 1), vander(np.ravel(y), np.shape(c)[1] - 1)
        w = vander(np.ravel(z), np.shape(c)[2] - 1)
        t = np.tensordot(v, np.tensordot(w, c, (1, 2)), (1, 2))
        return np.reshape(np.tensordot(u, t, (1, 2)), np.shape(x) + np.shape(y) + np.shape(z))

    @definition(getattr(home, f"{p}vander2d"), "x", "y")
    def vander2d(x: Any, y: Any, deg: Any) -> Any:
        """All products of two bases."""
        u, v = vander(x, deg[0]), vander(y, deg[1])
        return np.reshape(u[..., np.newaxis] * v[..., np.newaxis, :], np.shape(x) + (-1,))

    @definition(getattr(home, f"{p}vander3d"), "x", "y", "z")
    def vander3d(x: Any, y: Any, z: Any, deg: Any) -> Any:
        """All products of three bases."""
        u, v, w = vander(x, deg[0]), vander(y, deg[1]), vander(z, deg[2])
        pairs = u[..., np.newaxis, np.newaxis] * v[..., np.newaxis, :, np.newaxis]
        return np.reshape(pairs * w[..., np.newaxis, np.newaxis, :], np.shape(x) + (-1,))

    @definition(getattr(home, f"{p}fit"), "x", "y", "w")
    def fit(x: Any, y: Any, deg: Any, rcond: Any = None, full: Any = False, w: Any = None) -> Any:
        """Least squares with the basis, each function scaled to one."""
        if full or not isinstance(deg, int):
            return NotImplemented
        a = vander(x, deg)
        if w is not None:
            a = a * w[:, np.newaxis]
            y = y * w if np.ndim(y) == 1 else y * w[:, np.newaxis]
        scale = np.sqrt(np.sum(a * a, axis=0))
        c = np.linalg.lstsq(a / scale, y, np.size(x) * np.finfo(float).eps if rcond is None else rcond)[0]
        return c / scale if np.ndim(y) == 1 else c / scale[:, np.newaxis]

    # --- coefficients

    known(der, integral)  # (of matrices, below)

    @definition(der, "c")
    def derived(c: Any, m: Any = 1, scl: Any = 1, axis: Any = 0) -> Any:
        """A matrix times the coefficients."""
        if np.ndim(c) != 1:
            return NotImplemented
        return der(np.eye(np.size(c)), m, scl) @ c

    @definition(integral, "c", "k")
    def integrated(c: Any, m: Any = 1, k: Any = None, lbnd: Any = 0, scl: Any = 1, axis: Any = 0) -> Any:
        """A matrix times the coefficients, and a constant each time."""
        if np.ndim(c) != 1:
            return NotImplemented
        count = 0 if k is None else 1 if np.ndim(k) == 0 else len(k)
        for j in range(m):
            c = integral(np.eye(np.size(c)), 1, (), lbnd, scl) @ c
            if j < count:
                last = k if np.ndim(k) == 0 else k[j]
                c = c + last * np.where(np.arange(np.size(c)) == 0, 1.0, 0.0)
        return c

    add, div = getattr(home, f"{p}add"), getattr(home, f"{p}div")

    def of_vectors(fn: Any) -> None:
        @definition(fn, "c1", "c2")
        def of_numbers(c1: Any, c2: Any) -> Any:
            """A number is a series of one term."""
            if np.ndim(c1) == 1 and np.ndim(c2) == 1:
                return NotImplemented
            return fn(np.atleast_1d(c1), np.atleast_1d(c2))

    for fn in (add, sub, mul, div):
        of_vectors(fn)

    @differential(getattr(home, f"{p}add"))
    def added(c1: Any, c2: Any, *, out: Any, c1_dot: Any, c2_dot: Any) -> Any:
        return resized(c1_dot, out, 0) + resized(c2_dot, out, 0)

    @pullback(getattr(home, f"{p}add"), "c1", "c2")
    def added_bar(c1: Any, c2: Any, *, out_bar: Any) -> Any:
        return resized(out_bar, c1, 0), resized(out_bar, c2, 0)

    @differential(sub)
    def subtracted(c1: Any, c2: Any, *, out: Any, c1_dot: Any, c2_dot: Any) -> Any:
        return resized(c1_dot, out, 0) - resized(c2_dot, out, 0)

    @pullback(sub, "c1", "c2")
    def subtracted_bar(c1: Any, c2: Any, *, out_bar: Any) -> Any:
        return resized(out_bar, c1, 0), -resized(out_bar, c2, 0)

    @differential(mul)
    def product(c1: Any, c2: Any, *, out: Any, c1_dot: Any, c2_dot: Any) -> Any:
        t = products(mul, np.size(c1), np.size(c2))
        change = np.einsum("kij,i,j->k", t, c1_dot, c2) + np.einsum("kij,i,j->k", t, c1, c2_dot)
        return resized(change, out, 0)

    @pullback(mul, "c1", "c2")
    def product_bar(c1: Any, c2: Any, *, out_bar: Any) -> Any:
        t = products(mul, np.size(c1), np.size(c2))
        g = resized(out_bar, t, 0)
        return np.einsum("kij,k,j->i", t, g, c2), np.einsum("kij,i,k->j", t, c1, g)

    @definition(mulx, "c")
    def times_x(c: Any) -> Any:
        """The product with x."""
        return mul(c, itself)

    @definition(getattr(home, f"{p}pow"), "c")
    def power(c: Any, pow: Any, maxpower: Any = 16) -> Any:
        """The product of many."""
        if not isinstance(pow, int) or pow < 1:
            return NotImplemented
        out = c
        for _ in range(pow - 1):
            out = mul(out, c)
        return out

    @differential(getattr(home, f"{p}div"))
    def divided(c1: Any, c2: Any, *, out: Any, c1_dot: Any, c2_dot: Any) -> Any:
        # c1 = q c2 + r, and the first rows of this determine q
        m = np.size(c2)
        n = np.size(c1) - m + 1
        t = products(mul, n, m)
        change = c1_dot - np.einsum("kij,i,j->k", t, resized(out[0], t[0], 0), c2_dot)
        a = np.einsum("kij,j->ki", t, c2)
        q_dot = np.linalg.solve(a[m - 1 :], change[m - 1 :])
        return resized(q_dot, out[0], 0), resized((change - a @ q_dot)[: m - 1], out[1], 0)

    @pullback(getattr(home, f"{p}div"), "c1", "c2")
    def divided_bar(c1: Any, c2: Any, *, out: Any, out_bar: Any) -> Any:
        m = np.size(c2)
        n = np.size(c1) - m + 1
        t = products(mul, n, m)
        a = np.einsum("kij,j->ki", t, c2)
        low = resized(resized(out_bar[1], c2[1:], 0), c1, 0)
        high = np.linalg.solve(a[m - 1 :].T, resized(out_bar[0], t[0], 0) - a.T @ low)
        c1_bar = low + np.concatenate((np.zeros(m - 1), high))
        return c1_bar, -np.einsum("kij,k,i->j", t, c1_bar, resized(out[0], t[0], 0))

    @differential(getattr(home, f"{p}line"))
    def line(off: Any, scl: Any, *, out: Any, off_dot: Any, scl_dot: Any) -> Any:
        return resized(off_dot * unit + scl_dot * itself, out, 0)

    @pullback(getattr(home, f"{p}line"), "off", "scl")
    def line_bar(off: Any, scl: Any, *, out_bar: Any) -> Any:
        g = resized(out_bar, unit, 0)
        return g @ unit, g @ itself

    @definition(getattr(home, f"{p}fromroots"), "roots")
    def from_roots(roots: Any) -> Any:
        """The product of ``x - r``."""
        if np.iscomplexobj(roots):
            return NotImplemented
        c = np.ones(1)
        for r in roots:
            c = sub(mul(c, itself), r * c)
        return c

    @differential(roots)
    def zeros(c: Any, *, out: Any, c_dot: Any) -> Any:
        return -(vander(out, np.size(c) - 1) @ c_dot) / val(out, der(c))

    @pullback(roots, "c")
    def zeros_bar(c: Any, *, out: Any, out_bar: Any) -> Any:
        return cast_like(-vander(out, np.size(c) - 1).T @ (out_bar / val(out, der(c))), c)

    @definition(companion, "c")
    def companion_matrix(c: Any) -> Any:
        """A matrix of numbers, and a last column that is linear in the ratios of the coefficients."""
        n = np.size(c)
        last = np.where(np.arange(n) == n - 1, 1.0, 0.0)
        whole = companion(last)
        weights = whole[:, -1] - companion(np.ones(n))[:, -1]
        return whole - np.outer(weights * c[:-1] / c[-1], last[1:])

    if p != "poly":

        @differential(getattr(home, f"poly2{p}"))
        def from_powers(pol: Any, *, out: Any, pol_dot: Any) -> Any:
            return resized(images(convert, np.size(pol)) @ pol_dot, out, 0)

        @pullback(getattr(home, f"poly2{p}"), "pol")
        def from_powers_bar(pol: Any, *, out_bar: Any) -> Any:
            return images(convert, np.size(pol)).T @ resized(out_bar, pol, 0)

        @differential(getattr(home, f"{p}2poly"))
        def to_powers(c: Any, *, out: Any, c_dot: Any) -> Any:
            return resized(images(back, np.size(c)) @ c_dot, out, 0)

        @pullback(getattr(home, f"{p}2poly"), "c")
        def to_powers_bar(c: Any, *, out_bar: Any) -> Any:
            return images(back, np.size(c)).T @ resized(out_bar, c, 0)

        convert, back = getattr(home, f"poly2{p}"), getattr(home, f"{p}2poly")


for _home, _p, _x in (
    (polynomial, "poly", [0.0, 1.0]), (chebyshev, "cheb", [0.0, 1.0]), (legendre, "leg", [0.0, 1.0]),
    (hermite, "herm", [0.0, 0.5]), (hermite_e, "herme", [0.0, 1.0]), (laguerre, "lag", [1.0, -1.0]),
):  # fmt: skip
    basis(_home, _p, _x)


@differential(polynomial.polytrim)  # of all bases
def trimmed(c: Any, tol: Any = 0, *, out: Any, c_dot: Any) -> Any:
    return resized(c_dot, out, 0)


@pullback(polynomial.polytrim, "c")
def trimmed_bar(c: Any, tol: Any = 0, *, out_bar: Any) -> Any:
    return resized(out_bar, c, 0)


@definition(polynomial.polyvalfromroots, "x", "r")
def value_from_roots(x: Any, r: Any, tensor: Any = True) -> Any:
    """The product of ``x - r``."""
    if np.ndim(r) != 1:
        return NotImplemented
    return np.prod(np.expand_dims(x, -1) - r, axis=-1)


# --- weights


@elementwise(chebyshev.chebweight)
def chebweight(x: Any, *, out: Any) -> Any:
    return out * x / ((1.0 - x) * (1.0 + x))


@elementwise(legendre.legweight)
def legweight(x: Any) -> Any:
    return 0.0


@elementwise(hermite.hermweight)
def hermweight(x: Any, *, out: Any) -> Any:
    return -2.0 * x * out


@elementwise(hermite_e.hermeweight)
def hermeweight(x: Any, *, out: Any) -> Any:
    return -x * out


@elementwise(laguerre.lagweight)
def lagweight(x: Any, *, out: Any) -> Any:
    return -out


@definition(chebyshev.chebinterpolate)
def chebinterpolate(func: Any, deg: Any, args: Any = ()) -> Any:
    """The discrete cosine transform of the values at the points of the first kind."""
    if not isinstance(deg, int):
        return NotImplemented
    at = chebyshev.chebpts1(deg + 1)
    rows = chebyshev.chebvander(at, deg) * np.where(np.arange(deg + 1) == 0, 1.0, 2.0)
    return np.dot(rows.T, func(at, *args)) / (deg + 1)


nondifferentiable(
    chebyshev.chebgauss, chebyshev.chebpts1, chebyshev.chebpts2, legendre.leggauss, hermite.hermgauss,
    hermite_e.hermegauss, laguerre.laggauss,
)  # fmt: skip
