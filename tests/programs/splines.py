"""Curves through points: natural cubics, B-splines, Catmull-Rom, Hermite, monotone interpolation."""

import bisect

import numpy as np

from programs.program import Program, adder

PROGRAMS: list[Program] = []
add = adder(PROGRAMS)

rng = np.random.default_rng(22)


def natural_cubic_spline(y, x, xq):
    n = len(x)
    h = [x[i + 1] - x[i] for i in range(n - 1)]
    alpha = [0.0] * n
    for i in range(1, n - 1):
        alpha[i] = 3 / h[i] * (y[i + 1] - y[i]) - 3 / h[i - 1] * (y[i] - y[i - 1])
    l, mu, z = [1.0] * n, [0.0] * n, [0.0] * n
    for i in range(1, n - 1):
        l[i] = 2 * (x[i + 1] - x[i - 1]) - h[i - 1] * mu[i - 1]
        mu[i] = h[i] / l[i]
        z[i] = (alpha[i] - h[i - 1] * z[i - 1]) / l[i]
    b, c, d = [0.0] * n, [0.0] * n, [0.0] * n
    for j in range(n - 2, -1, -1):
        c[j] = z[j] - mu[j] * c[j + 1]
        b[j] = (y[j + 1] - y[j]) / h[j] - h[j] * (c[j + 1] + 2 * c[j]) / 3
        d[j] = (c[j + 1] - c[j]) / (3 * h[j])
    total = 0.0
    for q in xq:
        j = bisect.bisect_right(x, q) - 1
        t = q - x[j]
        total += (y[j] + b[j] * t + c[j] * t**2 + d[j] * t**3) ** 2
    return total


add(
    natural_cubic_spline,
    "the textbook tridiagonal algorithm on Python lists, bisect for the interval",
    ([0.5, 1.2, 0.3, -0.4, 0.8], [0.0, 1.0, 1.8, 3.0, 4.1], [0.4, 1.3, 2.9, 3.6]),
    wrt=(0, 1),
)


def de_boor(k, x, t, c, p):
    d = [c[j + k - p] for j in range(0, p + 1)]
    for r in range(1, p + 1):
        for j in range(p, r - 1, -1):
            alpha = (x - t[j + k - p]) / (t[j + 1 + k - r] - t[j + k - p])
            d[j] = (1.0 - alpha) * d[j - 1] + alpha * d[j]
    return d[p]


def bspline_de_boor(c, knots, xs):
    p = 3
    out = []
    for x in xs:
        k = p
        while k < len(knots) - p - 2 and x >= knots[k + 1]:
            k += 1
        out.append(de_boor(k, x, knots, c, p))
    return sum(v**2 for v in out)


add(
    bspline_de_boor,
    "de Boor's algorithm overwriting a list, a span found by a while loop",
    (
        np.array([0.2, 1.0, -0.5, 0.8, 0.3]),
        [0.0, 0.0, 0.0, 0.0, 0.6, 1.0, 1.0, 1.0, 1.0],
        [0.1, 0.35, 0.7, 0.95],
    ),
    wrt=(0, 1, 2),
    peer=True,
)


def cox_de_boor(x, i, p, t):
    if p == 0:
        return 1.0 if t[i] <= x < t[i + 1] else 0.0
    left = right = 0.0
    if t[i + p] != t[i]:
        left = (x - t[i]) / (t[i + p] - t[i]) * cox_de_boor(x, i, p - 1, t)
    if t[i + p + 1] != t[i + 1]:
        right = (t[i + p + 1] - x) / (t[i + p + 1] - t[i + 1]) * cox_de_boor(x, i + 1, p - 1, t)
    return left + right


def bspline_basis_recursive(coef, x, t):
    return sum(c * cox_de_boor(x, i, 2, t) for i, c in enumerate(coef)) ** 2


add(
    bspline_basis_recursive,
    "the Cox-de Boor recursion, whose depth is a number given",
    ([0.4, 1.1, -0.3, 0.9], 0.55, [0.0, 0.0, 0.0, 0.5, 1.0, 1.0, 1.0]),
    wrt=(0, 1),
    peer=True,
)


def catmull_rom_length(points):
    """Length of a closed Catmull-Rom curve by summing chords."""
    n = len(points)
    length = 0.0
    for i in range(n):
        p0, p1, p2, p3 = points[i - 1], points[i], points[(i + 1) % n], points[(i + 2) % n]
        prev = p1
        for s in range(1, 5):
            t = s / 4
            q = 0.5 * (
                2 * p1
                + (-p0 + p2) * t
                + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2
                + (-p0 + 3 * p1 - 3 * p2 + p3) * t**3
            )
            length += np.linalg.norm(q - prev)
            prev = q
    return length


add(
    catmull_rom_length,
    "rows of an array taken with wrap-around indices, norms summed",
    (np.array([[0.0, 0.0], [1.0, 0.2], [1.3, 1.0], [0.2, 1.1]]),),
    peer=True,
)


def hermite_vectorised(y, x, xq):
    """Piecewise cubic Hermite with central slopes, all queries at once."""
    slopes = np.empty_like(y)
    slopes[1:-1] = (y[2:] - y[:-2]) / (x[2:] - x[:-2])
    slopes[0] = (y[1] - y[0]) / (x[1] - x[0])
    slopes[-1] = (y[-1] - y[-2]) / (x[-1] - x[-2])
    idx = np.clip(np.searchsorted(x, xq) - 1, 0, len(x) - 2)
    h = x[idx + 1] - x[idx]
    t = (xq - x[idx]) / h
    h00 = (1 + 2 * t) * (1 - t) ** 2
    h10 = t * (1 - t) ** 2
    h01 = t**2 * (3 - 2 * t)
    h11 = t**2 * (t - 1)
    val = h00 * y[idx] + h10 * h * slopes[idx] + h01 * y[idx + 1] + h11 * h * slopes[idx + 1]
    return np.sum(val**2)


add(
    hermite_vectorised,
    "searchsorted and fancy indices, slopes written by slices and ends",
    (rng.normal(size=6), np.array([0.0, 0.7, 1.5, 2.0, 3.1, 4.0]), np.array([0.2, 1.1, 1.8, 2.5, 3.9])),
    wrt=(0, 1, 2),
)


def monotone_fritsch_carlson(y, x, q):
    n = len(x)
    d = np.diff(y) / np.diff(x)
    m = np.zeros(n)
    m[0], m[-1] = d[0], d[-1]
    for i in range(1, n - 1):
        if d[i - 1] * d[i] <= 0:
            m[i] = 0.0
        else:
            m[i] = 0.5 * (d[i - 1] + d[i])
    for i in range(n - 1):
        if d[i] == 0:
            m[i] = m[i + 1] = 0.0
            continue
        a, b = m[i] / d[i], m[i + 1] / d[i]
        s = a**2 + b**2
        if s > 9:
            tau = 3 / np.sqrt(s)
            m[i] = tau * a * d[i]
            m[i + 1] = tau * b * d[i]
    total = 0.0
    for xi in q:
        k = int(np.searchsorted(x, xi)) - 1
        h = x[k + 1] - x[k]
        t = (xi - x[k]) / h
        total += (
            y[k] * (1 + 2 * t) * (1 - t) ** 2
            + h * m[k] * t * (1 - t) ** 2
            + y[k + 1] * t * t * (3 - 2 * t)
            + h * m[k + 1] * t * t * (t - 1)
        ) ** 2
    return total


add(
    monotone_fritsch_carlson,
    "a limiter with branches, chained assignment to elements, continue",
    (
        np.array([0.1, 0.3, 2.0, 2.1, 1.0, 1.2]),
        np.array([0.0, 1.0, 1.5, 2.5, 3.0, 4.0]),
        np.array([0.5, 1.2, 2.0, 2.7, 3.4]),
    ),
    wrt=(0, 2),
)


def bilinear_table_lookup(table, u, v):
    """A thermodynamic table with clamped edges."""
    rows, cols = table.shape
    i = min(max(int(np.floor(u)), 0), rows - 2)
    j = min(max(int(np.floor(v)), 0), cols - 2)
    fu, fv = u - i, v - j
    return (
        table[i, j] * (1 - fu) * (1 - fv)
        + table[i + 1, j] * fu * (1 - fv)
        + table[i, j + 1] * (1 - fu) * fv
        + table[i + 1, j + 1] * fu * fv
    ) ** 2


add(
    bilinear_table_lookup,
    "int(np.floor(u)) as index of the cell, the fraction differentiated",
    (rng.normal(size=(4, 5)), 1.3, 2.8),
    wrt=(0, 1, 2),
)


def barycentric_lagrange(f, nodes, x):
    n = len(nodes)
    w = np.ones(n)
    for j in range(n):
        for k in range(n):
            if k != j:
                w[j] /= nodes[j] - nodes[k]
    num = den = 0.0
    for j in range(n):
        if x == nodes[j]:
            return f[j]
        c = w[j] / (x - nodes[j])
        num += c * f[j]
        den += c
    return num / den


add(
    barycentric_lagrange,
    "/= on elements in a double loop, a return from inside the second",
    (np.array([1.0, 0.3, -0.5, 0.4]), np.array([0.0, 0.4, 1.1, 1.9]), 0.77),
    wrt=(0, 1, 2),
)


def neville_in_place(ys, xs, x):
    p = list(ys)
    n = len(p)
    for m in range(1, n):
        for i in range(n - m):
            p[i] = ((x - xs[i + m]) * p[i] + (xs[i] - x) * p[i + 1]) / (xs[i] - xs[i + m])
    return p[0]


add(
    neville_in_place,
    "Neville's scheme on a copied list",
    ([1.0, 2.0, 0.5, 0.8], [0.0, 1.0, 2.2, 3.0], 1.4),
    wrt=(0, 1, 2),
    peer=True,
)


def smoothing_spline_penalty(y, lam):
    n = y.size
    D = np.zeros((n - 2, n))
    r = np.arange(n - 2)
    D[r, r] = 1.0
    D[r, r + 1] = -2.0
    D[r, r + 2] = 1.0
    fit = np.linalg.solve(np.eye(n) + lam * D.T @ D, y)
    rough = D @ fit
    return ((y - fit) ** 2).sum() + lam * rough @ rough


add(
    smoothing_spline_penalty,
    "a band matrix filled by fancy indices, then a penalised least-squares solve",
    (rng.normal(size=7), 2.5),
    wrt=(0, 1),
)


def thin_plate_spline(src, dst, q):
    """Warping by U(r) = r^2 log r with the affine part."""
    n = len(src)

    def U(a, b):
        r2 = np.sum((a[:, None] - b[None]) ** 2, axis=-1)
        return 0.5 * r2 * np.log(r2 + 1e-9)

    L = np.zeros((n + 3, n + 3))
    L[:n, :n] = U(src, src)
    P = np.hstack([np.ones((n, 1)), src])
    L[:n, n:] = P
    L[n:, :n] = P.T
    rhs = np.vstack([dst, np.zeros((3, 2))])
    coef = np.linalg.solve(L, rhs)
    warped = U(q, src) @ coef[:n] + np.hstack([np.ones((len(q), 1)), q]) @ coef[n:]
    return np.sum(warped**2)


add(
    thin_plate_spline,
    "blocks of a matrix written by slices, hstack and vstack",
    (
        np.array([[0.0, 0.0], [1.0, 0.1], [0.2, 1.0], [0.9, 1.1], [0.5, 0.4]]),
        rng.normal(size=(5, 2)),
        np.array([[0.3, 0.6], [0.7, 0.8]]),
    ),
    wrt=(1, 2),
)
