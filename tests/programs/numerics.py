"""Classical numerics: transforms, roots, quadrature, optimisation unrolled."""

import cmath
import math
from functools import reduce

import numpy as np

from programs.program import Program, adder

PROGRAMS: list[Program] = []
add = adder(PROGRAMS)

rng = np.random.default_rng(53)


def fft_recursive(x):
    n = len(x)
    if n == 1:
        return x
    even = fft_recursive(x[0::2])
    odd = fft_recursive(x[1::2])
    w = np.exp(-2j * np.pi * np.arange(n // 2) / n)
    return np.concatenate([even + w * odd, even - w * odd])


def fft_by_recursion_power(x):
    X = fft_recursive(x + 0j)
    return np.sum(np.abs(X[1:4]) ** 2 * np.arange(1, 4))


add(
    fft_by_recursion_power,
    "the radix-2 FFT by recursion on strided slices, complex",
    (rng.normal(size=8),),
    peer=True,
)


def dft_cmath_lists(signal):
    n = len(signal)
    spectrum = []
    for k in range(n):
        s = 0j
        for t, v in enumerate(signal):
            s += v * cmath.exp(-2j * cmath.pi * k * t / n)
        spectrum.append(s)
    return sum(abs(s) ** 2 / (1 + k) for k, s in enumerate(spectrum))


add(dft_cmath_lists, "the discrete Fourier transform with cmath on lists", ([0.5, 1.0, -0.3, 0.8, 0.2],))


def fft_iterative_bit_reversal(re, im):
    """In-place butterflies on two real arrays, as in Numerical Recipes."""
    n = len(re)
    re, im = re.copy(), im.copy()
    j = 0
    for i in range(1, n):
        bit = n >> 1
        while j & bit:
            j ^= bit
            bit >>= 1
        j |= bit
        if i < j:
            re[i], re[j] = re[j], re[i]
            im[i], im[j] = im[j], im[i]
    size = 2
    while size <= n:
        ang = -2 * math.pi / size
        for start in range(0, n, size):
            for k in range(size // 2):
                wr, wi = math.cos(ang * k), math.sin(ang * k)
                a, b = start + k, start + k + size // 2
                tr = wr * re[b] - wi * im[b]
                ti = wr * im[b] + wi * re[b]
                re[b], im[b] = re[a] - tr, im[a] - ti
                re[a], im[a] = re[a] + tr, im[a] + ti
        size *= 2
    return np.sum((re**2 + im**2) ** 1.5)


add(
    fft_iterative_bit_reversal,
    "bit reversal by integer operations, elements swapped and overwritten in place",
    (rng.normal(size=8), rng.normal(size=8)),
    wrt=(0, 1),
)


def durand_kerner_roots(coeffs):
    """All roots of a monic polynomial at once; a real function of the roots."""
    n = len(coeffs)
    roots = [(0.4 + 0.9j) ** k for k in range(n)]
    for _ in range(60):
        new = []
        for i, r in enumerate(roots):
            p = 1.0 + 0j
            for c in coeffs:
                p = p * r + c
            q = 1.0 + 0j
            for j, s in enumerate(roots):
                if j != i:
                    q = q * (r - s)
            new.append(r - p / q)
        change = max(abs(a - b) for a, b in zip(new, roots))
        roots = new
        if change < 1e-14:
            break
    return sum(abs(r) ** 2 for r in roots)


add(
    durand_kerner_roots,
    "complex roots in a list of Python complex numbers, iterated to convergence",
    ([-1.0, 2.5, -0.7],),
    no_order2="the change of the last sweep is rounding only",
)


def newton_polynomial_deflation(c):
    """Real roots one after the other by Horner, deflating the polynomial."""
    coeffs = list(c)
    roots = []
    guess = 3.5
    while len(coeffs) > 2:
        x = guess
        for _ in range(40):
            b = coeffs[0]
            d = 0.0
            for a in coeffs[1:]:
                d = d * x + b
                b = b * x + a
            dx = b / d
            x -= dx
            if abs(dx) < 1e-15:
                break
        roots.append(x)
        quotient = [coeffs[0]]
        for a in coeffs[1:-1]:
            quotient.append(a + quotient[-1] * x)
        coeffs = quotient
        guess = x - 0.3
    roots.append(-coeffs[1] / coeffs[0])
    return roots[0] * roots[1] - roots[2] ** 2


add(
    newton_polynomial_deflation,
    "Horner's scheme, deflation while the list is long enough",
    ([1.0, -6.0, 11.0, -5.9],),
    tolerance=1e-6,
)


def simpson_composite(a, b, p):
    def f(x):
        return math.exp(-p * x) * math.sin(3 * x)

    n = 12
    h = (b - a) / n
    s = f(a) + f(b)
    for i in range(1, n):
        s += (4 if i % 2 else 2) * f(a + i * h)
    return s * h / 3


add(simpson_composite, "composite Simpson with weights by parity", (0.1, 1.7, 0.8), wrt=(0, 1, 2), peer=True)


def adaptive_simpson_recursive(a, b, k):
    f = lambda x: 1.0 / (0.05 + (x - k) ** 2)

    def simpson(lo, hi):
        mid = 0.5 * (lo + hi)
        return (hi - lo) / 6.0 * (f(lo) + 4.0 * f(mid) + f(hi))

    def recurse(lo, hi, whole, tol, depth):
        mid = 0.5 * (lo + hi)
        left, right = simpson(lo, mid), simpson(mid, hi)
        delta = left + right - whole
        if depth <= 0 or abs(delta) <= 15 * tol:
            return left + right + delta / 15.0
        return recurse(lo, mid, left, tol / 2, depth - 1) + recurse(mid, hi, right, tol / 2, depth - 1)

    return recurse(a, b, simpson(a, b), 1e-3, 8)


add(
    adaptive_simpson_recursive,
    "recursion whose depth depends on the data, inner functions",
    (0.0, 1.0, 0.37),
    wrt=(0, 1, 2),
    peer=True,
)


def gauss_legendre_2d(a, b, theta):
    x, w = np.polynomial.legendre.leggauss(4)
    xs = 0.5 * (b - a) * x + 0.5 * (a + b)
    total = 0.0
    for i in range(4):
        for j in range(4):
            total += w[i] * w[j] * np.exp(-theta * xs[i] * xs[j]) * np.cos(xs[i] - xs[j])
    return total * (0.5 * (b - a)) ** 2


add(gauss_legendre_2d, "nodes from numpy.polynomial, a double sum", (0.2, 1.5, 0.6), wrt=(0, 1, 2))


def romberg_table(c):
    f = lambda x: math.log(1 + c * x**2)
    R = np.zeros((5, 5))
    h = 2.0
    R[0, 0] = 0.5 * h * (f(0.0) + f(2.0))
    for i in range(1, 5):
        h /= 2
        s = sum(f((2 * k - 1) * h) for k in range(1, 2 ** (i - 1) + 1))
        R[i, 0] = 0.5 * R[i - 1, 0] + h * s
        for j in range(1, i + 1):
            R[i, j] = R[i, j - 1] + (R[i, j - 1] - R[i - 1, j - 1]) / (4**j - 1)
    return R[4, 4]


add(romberg_table, "Romberg's triangular table in an array, powers of integers", (0.9,))


def tanh_sinh_quadrature(p, n=12, h=0.25):
    """Double exponential rule for an integrand singular at an end."""
    total = 0.0
    for k in range(-n, n + 1):
        t = k * h
        s = 0.5 * math.pi * math.sinh(t)
        x = 0.5 * (1 + math.tanh(s))
        w = 0.25 * math.pi * math.cosh(t) / math.cosh(s) ** 2
        total += h * w * x**p * math.exp(-x)
    return total


add(
    tanh_sinh_quadrature,
    "a sum over negative and positive indices with hyperbolic weights",
    (0.3,),
    peer=True,
)


def gradient_descent_momentum(lr, beta, x0):
    x, v = x0, np.zeros_like(x0)
    trace = []
    for it in range(10):
        g = np.array([2 * (x[0] - 1) + 0.4 * x[1], 8 * x[1] + 0.4 * x[0]])
        v = beta * v - lr * g
        x = x + v
        trace.append((x**2).sum())
    return trace[-1] + 0.01 * sum(trace)


add(
    gradient_descent_momentum,
    "momentum descent unrolled, hyperparameters differentiated",
    (0.05, 0.8, np.array([2.0, -1.0])),
    wrt=(0, 1, 2),
    peer=True,
)


def newton_backtracking(a, x0):
    """Damped Newton with an Armijo search; the number of halvings depends on the data."""

    def f(x):
        return a * x[0] ** 4 + (x[0] - x[1]) ** 2 + np.exp(0.3 * x[1])

    def g(x):
        return np.array(
            [4 * a * x[0] ** 3 + 2 * (x[0] - x[1]), -2 * (x[0] - x[1]) + 0.3 * np.exp(0.3 * x[1])]
        )

    def H(x):
        return np.array([[12 * a * x[0] ** 2 + 2, -2.0], [-2.0, 2 + 0.09 * np.exp(0.3 * x[1])]])

    x = x0
    for _ in range(4):
        d = -np.linalg.solve(H(x), g(x))
        t = 1.0
        while f(x + t * d) > f(x) + 0.1 * t * (g(x) @ d):
            t *= 0.5
        x = x + t * d
    return f(x) + x[0]


add(
    newton_backtracking,
    "three inner functions, a while loop that halves a step",
    (0.7, np.array([1.5, -0.8])),
    wrt=(0, 1),
    peer=True,
)


def golden_section_minimum(c):
    """Bracket shrunk by comparisons, then one parabola through three points: smooth in c."""
    f = lambda x: (x - c) ** 2 + 0.1 * x**4
    invphi = (math.sqrt(5) - 1) / 2
    a, b = 0.0, 2.0
    x1, x2 = b - invphi * (b - a), a + invphi * (b - a)
    f1, f2 = f(x1), f(x2)
    for _ in range(6):
        if f1 < f2:
            b, x2, f2 = x2, x1, f1
            x1 = b - invphi * (b - a)
            f1 = f(x1)
        else:
            a, x1, f1 = x1, x2, f2
            x2 = a + invphi * (b - a)
            f2 = f(x2)
    m = 0.5 * (a + b)
    fa, fm, fb = f(a), f(m), f(b)
    return m - 0.25 * (b - a) * (fb - fa) / (fa - 2 * fm + fb) * 1.0


add(
    golden_section_minimum,
    "golden section with triples rebound in branches",
    (0.94,),
    peer=True,
    tolerance=1e-6,
)


def bisection_then_secant(k):
    """A bracket by bisection, polished by secant steps, the result by the implicit step."""
    f = lambda x: x * math.exp(k * x) - 2.0
    lo, hi = 0.0, 3.0
    while hi - lo > 0.1:
        mid = (lo + hi) / 2
        if f(lo) * f(mid) <= 0:
            hi = mid
        else:
            lo = mid
    x0, x1 = lo, hi
    for _ in range(7):
        f0, f1 = f(x0), f(x1)
        if f1 == f0 or abs(f1) < 1e-12:
            break
        x0, x1 = x1, x1 - f1 * (x1 - x0) / (f1 - f0)
    return x1


add(
    bisection_then_secant,
    "bisection to a bracket, secant steps with a test for equal values",
    (0.8,),
    peer=True,
    tolerance=1e-6,
    no_order2="secant steps lose the second derivative to cancellation",
)


def nelder_mead_fixed_simplex(p, steps=8):
    """Simplex steps with vertices in a list sorted by value."""
    f = lambda v: (v[0] - p) ** 2 + 2.0 * (v[1] + 0.5 * p) ** 2 + 0.3 * v[0] * v[1]
    simplex = [(0.0, 0.0), (1.0, 0.1), (0.2, 1.1)]
    for _ in range(steps):
        simplex.sort(key=f)
        best, mid, worst = simplex
        cx, cy = (best[0] + mid[0]) / 2, (best[1] + mid[1]) / 2
        refl = (2 * cx - worst[0], 2 * cy - worst[1])
        if f(refl) < f(worst):
            simplex[2] = refl
        else:
            simplex[2] = ((cx + worst[0]) / 2, (cy + worst[1]) / 2)
    return min(map(f, simplex))


add(nelder_mead_fixed_simplex, "list.sort with a key function, min over map", (0.8,), peer=True)


def anderson_acceleration(A, b):
    """A fixed point with a window of two residuals."""
    g = lambda x: np.tanh(A @ x + b)
    x_prev = np.zeros_like(b)
    f_prev = g(x_prev) - x_prev
    x = g(x_prev)
    for _ in range(4):
        f = g(x) - x
        df = f - f_prev
        theta = (f @ df) / (df @ df + 1e-10)
        x_new = g(x) - theta * (g(x) - g(x_prev))
        x_prev, f_prev, x = x, f, x_new
    return x @ x


add(
    anderson_acceleration,
    "a fixed-point iteration mixing two residuals",
    (0.5 * rng.normal(size=(3, 3)), rng.normal(size=3)),
    wrt=(0, 1),
    peer=True,
)


def levenberg_marquardt_fit(params, t, y):
    lam = 1e-2
    cost = lambda q: float_sum((q[0] * np.exp(-q[1] * t) - y) ** 2)
    p = params
    for _ in range(3):
        e = np.exp(-p[1] * t)
        r = p[0] * e - y
        J = np.column_stack((e, -p[0] * t * e))
        while True:
            trial = p - np.linalg.solve(J.T @ J + lam * np.eye(2), J.T @ r)
            if cost(trial) < cost(p):
                p, lam = trial, lam / 3
                break
            lam *= 2
    return p @ np.array([1.0, 2.0]) + cost(p)


def float_sum(a):
    return reduce(lambda s, v: s + v, a)


add(
    levenberg_marquardt_fit,
    "damping halved or doubled until a step is accepted, reduce over an array",
    (
        np.array([1.0, 0.3]),
        np.linspace(0, 2, 6),
        1.4 * np.exp(-0.8 * np.linspace(0, 2, 6)) + 0.05 * rng.normal(size=6),
    ),
    wrt=(0, 2),
    peer=True,
)


def continued_fraction_bessel(x, n=12):
    """I1(x)/I0(x) by Lentz's algorithm."""
    tiny = 1e-30
    f = tiny
    C, D = f, 0.0
    for k in range(1, n):
        a = 1.0
        b = 2.0 * k / x
        D = b + a * D
        C = b + a / C
        D = 1.0 / D
        delta = C * D
        f = f * delta
        if abs(delta - 1.0) < 1e-15:
            break
    return f


add(continued_fraction_bessel, "Lentz's continued fraction", (1.7,), peer=True)


def chebyshev_clenshaw(c, x):
    """A function sampled at Chebyshev points, its coefficients, and Clenshaw's sum."""
    n = 6
    coeffs = []
    for j in range(n):
        s = 0.0
        for k in range(n):
            theta = math.pi * (k + 0.5) / n
            s += math.exp(c * math.cos(theta)) * math.cos(j * theta)
        coeffs.append(2.0 * s / n)
    b1 = b2 = 0.0
    for cj in coeffs[:0:-1]:
        b1, b2 = 2 * x * b1 - b2 + cj, b1
    return x * b1 - b2 + 0.5 * coeffs[0]


add(
    chebyshev_clenshaw,
    "a slice with a negative step, chained assignment of two floats",
    (0.7, 0.3),
    wrt=(0, 1),
    peer=True,
)
