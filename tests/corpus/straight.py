"""Straight-line programs on floats: arithmetic, names that are used again, unpacking and swaps."""

import math
from math import exp, hypot, log

import numpy as np

from corpus.program import Program

GRAVITY = 9.81


def cubic(x):
    return x**3 + 2 * x**2 + x


def sine_of_square(x):
    return np.sin(x**2 + 2 * x + 1)


def rational(x, y):
    return (x * y + 1.0) / (x - y) - x / y


def reused_name(x):
    y = x * x
    y = y + math.sin(y)
    y = y * y - x
    return y


def augmented(x, y):
    z = x
    z += y * x
    z *= x
    z -= y
    z /= x + 2.0
    z **= 2
    return z


def swapped(a, b):
    a, b = b, a * b
    a, b = a + b, a - b
    a, b = b, a
    return a * a / b


def rotated(x, y, z):
    x, y, z = y * z, z * x, x * y
    x, y, z = y, z, x
    return x + 2.0 * y - z * x


def unpacked(x, y):
    pair = (x * y, x + y)
    (p, q), r = pair, p_square(x)
    return p * q - r


def p_square(x):
    return x * x


def projectile(speed, angle):
    vx = speed * math.cos(angle)
    vy = speed * math.sin(angle)
    flight = 2.0 * vy / GRAVITY
    return vx * flight


def black_scholes(spot, strike, rate, sigma, t):
    root = sigma * math.sqrt(t)
    d1 = (math.log(spot / strike) + (rate + 0.5 * sigma**2) * t) / root
    d2 = d1 - root
    n1 = 0.5 * (1.0 + math.erf(d1 / math.sqrt(2.0)))
    n2 = 0.5 * (1.0 + math.erf(d2 / math.sqrt(2.0)))
    return spot * n1 - strike * math.exp(-rate * t) * n2


def van_der_waals(v, t, a, b):
    R = 8.314
    return R * t / (v - b) - a / v**2


def powers(x, y):
    return x**y + 2.0**x + x**-1.5 + x**0.5 + pow(y, 3) + x**2.0


def trigonometry(x):
    return (
        math.tan(x)
        + math.asin(x)
        - math.acos(x / 2)
        + math.atan(x) * math.sinh(x)
        + math.cosh(x) / math.tanh(x)
    )


def numpy_scalars(x):
    return np.exp(x) + np.log1p(x) - np.expm1(x) * np.sqrt(x) + np.arctan(x) + np.arcsinh(x) + np.cbrt(x)


def two_arguments(y, x):
    return math.atan2(y, x) + hypot(x, y) + np.arctan2(x, y) * np.hypot(y, 1.0)


def logs(x):
    return log(x) + math.log2(x) * math.log10(x) + math.log1p(x) + math.log(x, 3.0) + exp(-x)


def unused_work(x, y):
    waste = math.exp(x) * y
    other = waste + 1.0
    del other
    return x * y


def constant_factors(x):
    n = 3
    scale = 1 / n
    return scale * x - 2 * (x - 1) + n * 0.5


def chained_assignment(x):
    a = b = x * x
    a = a + 1.0
    return a * b


def signs(x, y):
    return -x * -(-y) + (+x) - -1.0 * y


def precedence(a, b, c):
    return a - (b - c) + a / (b / c) - a**-b + (-a) ** 2 - (a - b) * (c - (a + b))


def same_twice(x):
    return x + x + x * x * x + x / x


def absolute(x, y):
    return abs(x * y) + math.fabs(y) + np.abs(x - y) + abs(-x)


def softplus(x):
    return np.logaddexp(0.0, x) + np.log(1.0 + np.exp(-x))


def gamma_like(x):
    return math.lgamma(x + 1.0) + math.erf(x) - math.erfc(x / 2)


def mean_anomaly(e, ecc):
    return e - ecc * math.sin(e)


def haversine(lat1, lon1, lat2, lon2):
    s = math.sin((lat2 - lat1) / 2) ** 2
    s += math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2.0 * 6371.0 * math.asin(math.sqrt(s))


def keyword_default(x, scale=2.0, *, shift=0.5):
    return scale * (x + shift) ** 2


def degree_conversion(angle):
    return math.sin(math.radians(angle)) + math.degrees(angle) / 100.0


PROGRAMS = [
    Program("cubic", cubic, (2.0,)),
    Program("sine_of_square", sine_of_square, (2.0,)),
    Program("rational", rational, (1.3, 0.4), (0, 1)),
    Program("reused_name", reused_name, (0.8,)),
    Program("augmented", augmented, (1.2, 0.7), (0, 1)),
    Program("swapped", swapped, (1.2, 0.7), (0, 1)),
    Program("rotated", rotated, (1.2, 0.7, -0.4), (0, 1, 2)),
    Program("unpacked", unpacked, (1.2, 0.7), (0, 1)),
    Program("projectile", projectile, (12.0, 0.7), (0, 1)),
    Program("black_scholes", black_scholes, (1.05, 1.0, 0.03, 0.25, 0.8), (0, 1, 2, 3, 4)),
    Program("van_der_waals", van_der_waals, (2.0, 0.3, 1.4, 0.3), (0, 1, 2, 3)),
    Program("powers", powers, (1.4, 2.3), (0, 1)),
    Program("trigonometry", trigonometry, (0.6,)),
    Program("numpy_scalars", numpy_scalars, (0.9,)),
    Program("two_arguments", two_arguments, (0.9, 1.4), (0, 1)),
    Program("logs", logs, (1.7,)),
    Program("unused_work", unused_work, (1.1, 0.3), (0, 1)),
    Program("constant_factors", constant_factors, (1.1,)),
    Program("chained_assignment", chained_assignment, (1.1,)),
    Program("signs", signs, (1.1, 0.3), (0, 1)),
    Program("precedence", precedence, (1.1, 0.6, 1.7), (0, 1, 2)),
    Program("same_twice", same_twice, (1.1,)),
    Program("absolute", absolute, (-1.1, 0.4), (0, 1)),
    Program("softplus", softplus, (0.3,)),
    Program("gamma_like", gamma_like, (1.6,), order2=False),
    Program("mean_anomaly", mean_anomaly, (1.0, 0.3), (0, 1)),
    Program("haversine", haversine, (0.85, 0.04, 0.7, -1.29), (0, 1, 2, 3)),
    Program("keyword_default", keyword_default, (0.7,)),
    Program("keyword_default_given", keyword_default, (0.7, 3.0), (0, 1), kwargs={"shift": -0.2}),
    Program("degree_conversion", degree_conversion, (40.0,)),
]
