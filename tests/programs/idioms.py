"""NumPy as experts and beginners write it: out=, views, masks, fancy indices, swapped buffers, einsum."""

import itertools

import numpy as np

from programs.program import Program, adder

PROGRAMS: list[Program] = []
add = adder(PROGRAMS)

rng = np.random.default_rng(81)


def out_arguments_everywhere(x, y):
    buf = np.empty_like(x)
    np.multiply(x, y, out=buf)
    np.add(buf, 1.0, out=buf)
    np.sin(buf, out=buf)
    res = np.zeros(x.shape[0])
    np.sum(buf, axis=1, out=res)
    np.dot(buf, y[0], out=res)
    return np.sum(res**2)


add(
    out_arguments_everywhere,
    "ufuncs, a reduction and a product with out=",
    (rng.normal(size=(3, 4)), rng.normal(size=(3, 4))),
    wrt=(0, 1),
)


def double_buffer_swap(u, kernel):
    src = u.copy()
    dst = np.zeros_like(u)
    for _ in range(4):
        dst[:] = 0.0
        for k, w in enumerate(kernel):
            shift = k - len(kernel) // 2
            dst += w * np.roll(src, shift)
        dst[0] = dst[-1] = 0.0
        src, dst = dst, src
    return np.sum(src**2)


add(
    double_buffer_swap,
    "two buffers swapped, dst[:] = 0, chained assignment to both ends",
    (rng.normal(size=6), np.array([0.2, 0.5, 0.3])),
    wrt=(0, 1),
)


def views_of_views_written(a):
    b = a.copy()
    rows = b[1:]
    block = rows[:, 1:3]
    block *= 2.0
    col = b.T[0]
    col += b[:, 1]
    flat = b.reshape(-1)
    flat[::3] -= 0.5 * flat[1::3]
    return np.sum(b**3)


add(
    views_of_views_written,
    "a view of a view scaled, a column of the transpose, a reshaped view",
    (rng.normal(size=(4, 3)),),
)


def masked_updates_relaxation(x, lo, hi):
    x = x.copy()
    for _ in range(3):
        low = x < lo
        high = x > hi
        mid = ~(low | high)
        x[low] = lo + 0.5 * (x[low] - lo) ** 2
        x[high] -= 0.3 * (x[high] - hi)
        x[mid] *= 1.2
        if not low.any():
            break
    return x @ x


add(
    masked_updates_relaxation,
    "three masks, written, subtracted and multiplied under; any() stops",
    (np.array([-1.5, -0.3, 0.2, 0.9, 2.2, 3.0]), -0.8, 1.3),
    wrt=(0, 1, 2),
)


def fancy_gather_scatter(x, idx=(2, 0, 2, 1)):
    idx = list(idx)
    y = np.zeros(4)
    g = x[idx]
    y[idx] = g**2
    np.add.at(y, idx, g)
    np.subtract.at(y, [0, 0, 3], 0.5 * x[:3])
    z = np.take(y, [3, 3, 1]) * np.take_along_axis(x, np.argsort(x), axis=0)[:3]
    return z.sum() + y @ y


add(
    fancy_gather_scatter,
    "assignment and ufunc.at with repeated indices, take, take_along_axis",
    (rng.normal(size=4),),
)


def broadcasting_gymnastics(a, b, c):
    grid = a[:, None, None] * b[None, :, None] + c[None, None, :]
    s = np.einsum("ijk,j,k->i", grid, b, c)
    t = np.tensordot(grid, np.outer(b, c), axes=([1, 2], [0, 1]))
    m = np.moveaxis(grid, 0, -1).reshape(-1, a.size)
    w = np.swapaxes(grid, 0, 1).mean(axis=(0, 2))
    return s @ t + np.trace(m.T @ m) + w @ a


add(
    broadcasting_gymnastics,
    "None axes, einsum, tensordot, moveaxis, swapaxes",
    (rng.normal(size=2), rng.normal(size=3), rng.normal(size=4)),
    wrt=(0, 1, 2),
    peer=True,
)


def stack_split_concatenate(x):
    parts = np.array_split(x, 3)
    parts = [p * (i + 1) for i, p in enumerate(parts)]
    joined = np.concatenate(parts[::-1])
    a, b = np.hsplit(np.stack([joined, joined[::-1]]), 2)
    tiled = np.tile(a, (1, 2)) * np.repeat(b, 2, axis=1)
    return tiled.sum() + np.block([[a, b], [b, a]]).prod(axis=0).sum()


add(stack_split_concatenate, "array_split, hsplit, tile, repeat, block", (rng.normal(size=8),), peer=True)


def cumulative_and_differences(x):
    c = np.cumsum(x)
    p = np.cumprod(1.0 + 0.1 * x)
    d = np.diff(c, prepend=0.0)
    e = np.ediff1d(p)
    g = np.gradient(c, 0.5)
    return np.sum(d * g) + np.sum(e**2) + np.trapezoid(p, x=np.arange(x.size) ** 1.5)


add(
    cumulative_and_differences,
    "cumsum, cumprod, diff with prepend, ediff1d, gradient, trapezoid",
    (rng.normal(size=6),),
)


def where_select_piecewise(x):
    a = np.where(x > 0, np.sqrt(np.abs(x)), -x)
    b = np.select([x < -1, x < 0.5], [x**2, x**3], default=np.sin(x))
    c = np.piecewise(x, [x < 0, x >= 0], [lambda v: v**2, lambda v: 2 * v])
    d = np.clip(x, -0.7, 0.9)
    return np.sum(a * b) + np.sum(c * d)


add(
    where_select_piecewise,
    "where, select, piecewise with lambdas, clip",
    (np.array([-1.7, -0.4, 0.3, 0.8, 1.6]),),
)


def linear_algebra_tour(A, b):
    x = np.linalg.solve(A, b)
    w, V = np.linalg.eigh(A + A.T)
    U, s, Vt = np.linalg.svd(A)
    nuc = s.sum()
    P = np.linalg.matrix_power(A, 3)
    inv = np.linalg.inv(A)
    pinv = np.linalg.pinv(A[:, :2])
    return x @ b + np.log(w**2 + 1).sum() + nuc + P[0, 0] + np.trace(inv) + np.linalg.norm(pinv)


add(
    linear_algebra_tour,
    "solve, eigh, svd, matrix_power, inv, pinv",
    (rng.normal(size=(3, 3)) + 3 * np.eye(3), rng.normal(size=3)),
    wrt=(0, 1),
    peer=True,
)


def structured_loops_ndindex(x):
    out = np.zeros_like(x)
    for i, j in np.ndindex(x.shape):
        out[i, j] = x[i, j] * (i + 1) + x[j % x.shape[0], i % x.shape[1]]
    total = 0.0
    for (i, j), v in np.ndenumerate(out):
        total += v**2 / (1 + i + j)
    return total


add(structured_loops_ndindex, "np.ndindex and np.ndenumerate", (rng.normal(size=(2, 3)),))


def itertools_product_grid(params):
    total = 0.0
    for (i, a), (j, b) in itertools.product(enumerate(params), repeat=2):
        if i < j:
            total += np.sin(a * b) / (1 + i + j)
    for k in itertools.count(1):
        term = params[k % len(params)] ** k / 2.0**k
        total += term
        if k >= 5:
            break
    for prev, cur in zip(params, itertools.islice(params, 1, None)):
        total += (cur - prev) ** 2
    return total


add(itertools_product_grid, "product over enumerate, count, islice", ([0.4, 1.1, -0.6],))


def accumulate_running_products(x):
    prefix = list(itertools.accumulate(x, lambda a, b: a * b))
    suffix = list(itertools.accumulate(reversed(x), lambda a, b: a * b))[::-1]
    without = []
    for i in range(len(x)):
        left = prefix[i - 1] if i > 0 else 1.0
        right = suffix[i + 1] if i < len(x) - 1 else 1.0
        without.append(left * right)
    return sum(w * w for w in without)


add(
    accumulate_running_products,
    "itertools.accumulate with a lambda, reversed",
    ([1.2, 0.7, 1.5, 0.9],),
    peer=True,
)


def chained_array_methods(x):
    y = x.reshape(2, -1).T.copy().ravel()
    z = y.clip(-1, 1).cumsum()
    w = x.astype(np.float64).flatten()[::-1].dot(z)
    return float(w) + x.max().item() * x.min() + y.argmax() + x.std() * x.var(ddof=1)


add(
    chained_array_methods,
    "methods in a chain, item(), argmax as a number",
    (np.array([0.3, -0.9, 0.5, 0.1, 0.8, -0.2]),),
)


def float32_pipeline(x, w):
    h = np.maximum(x.astype(np.float32) @ w.astype(np.float32), np.float32(0.0))
    return float(np.mean(h**2))


add(
    float32_pipeline,
    "computing in float32 from float64 arguments",
    (rng.normal(size=(3, 2)), rng.normal(size=(2, 2))),
    wrt=(0, 1),
    tolerance=2e-2,
    no_order2="differences in float32 have too few digits",
)


def polynomial_tools(c, x):
    p = np.polyval(c, x)
    dp = np.polyval(np.polyder(c), x)
    v = np.vander(x, len(c)) @ c
    conv = np.convolve(c, c)
    return np.sum(p * dp) + np.sum(v**2) + np.polyval(conv, 0.3)


add(
    polynomial_tools,
    "polyval, polyder, vander, convolve",
    (rng.normal(size=4), rng.normal(size=3)),
    wrt=(0, 1),
)


def interpolation_and_bins(x, values):
    knots = np.linspace(-2, 2, len(values))
    y = np.interp(x, knots, values)
    which = np.digitize(x, [-1.0, 0.0, 1.0])
    sums = np.array([y[which == k].sum() for k in range(4)])
    weighted = np.bincount(which, weights=np.ones_like(which), minlength=4)
    return np.sum(sums**2 * (1 + weighted))


add(
    interpolation_and_bins,
    "np.interp, digitize, masks in a comprehension, bincount",
    (np.array([-1.3, -0.55, 0.33, 1.21, 0.78]), rng.normal(size=5)),
    wrt=(0, 1),
)


def complex_signal_phase(z_re, z_im):
    z = z_re + 1j * z_im
    w = np.exp(1j * np.angle(z)) * np.sqrt(np.abs(z))
    prod = np.prod(w)
    return np.real(prod) + np.imag(np.sum(z * np.conj(w))) + np.abs(np.vdot(z, w))


add(
    complex_signal_phase,
    "angle, abs, conj, prod of complex arrays",
    (rng.normal(size=3), rng.normal(size=3)),
    wrt=(0, 1),
    peer=True,
)
