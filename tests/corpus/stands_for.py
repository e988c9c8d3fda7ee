"""NumPy functions that take functions, methods of ufuncs, writes by functions: read as plain code."""

import copy
import math

import numpy as np

from corpus.program import Program

X = np.array([0.31, 0.72, 1.13, 1.94])
A = np.array([[0.4, 1.2, 0.7], [0.9, 0.3, 1.6]])
T = np.linspace(0.2, 1.3, 24).reshape(2, 3, 4)


def bump(v, width):
    if v < width:
        return math.exp(-v * v / width)
    return 0.5 / v


soft = np.vectorize(bump)


@np.vectorize
def clipped(v):
    return v * v if v > 0.5 else 0.25


def vectorized_outside(x, width):
    return np.sum(soft(x, width) * x)


def vectorized_decorated(x):
    return np.sum(clipped(x) ** 2)


def vectorized_inside(x):
    k = x[0]
    f = np.vectorize(lambda v: math.sin(k * v) + v, otypes=[float])
    return np.sum(f(x) * x)


def vectorized_broadcast(x, y):
    f = np.vectorize(lambda a, b: a * b if a > b else a - b)
    return np.sum(f(x[:, None], y[None, :]) ** 2)


def vectorized_matrix(a):
    f = np.vectorize(lambda v: math.log(1.0 + v * v))
    return np.sum(f(a) @ a.T)


def along_rows(a):
    def normalised(r):
        return r / np.sqrt(np.sum(r * r))

    return np.sum(np.apply_along_axis(normalised, 1, a) ** 3)


def along_columns(a):
    return np.sum(np.apply_along_axis(lambda c: c[0] * c[-1] + np.max(c), 0, a) ** 2)


def along_middle(t):
    return np.sum(np.apply_along_axis(lambda v, p: np.cumsum(v**p), 1, t, 2) * t)


def along_last_of_three(t):
    return np.sum(np.apply_along_axis(np.prod, -1, t) ** 2)


def grid_function(x):
    return np.sum(np.fromfunction(lambda i, j: np.exp(-x[0] * i) * (j + x[1]), (3, 2)))


def pieces(x):
    low, high = x < 0.5, x > 1.5
    y = np.piecewise(x, [low, high], [lambda v: v**3, lambda v: 2.0 * v, lambda v: np.sin(v)])
    return np.sum(y * x)


def pieces_with_constants(x, c):
    return np.sum(np.piecewise(x, [x < 0.5, x >= 0.5], [0.0, lambda v, k: k * v * v], c))


def piece_of_a_number(x):
    return np.piecewise(x, [x < 0.5, x >= 0.5], [lambda v: v**3, lambda v: 2.0 * v * v]) * x


def reductions(x, a):
    total = np.add.reduce(x) * np.multiply.reduce(x)
    total += np.sum(np.maximum.reduce(a) * np.minimum.reduce(a, axis=0))
    return total + np.logaddexp.reduce(x) + np.hypot.reduce(x)


def accumulations(x):
    running = np.add.accumulate(x) * np.multiply.accumulate(x)
    return np.sum(running) + np.sum(np.maximum.accumulate(x[::-1]) ** 2) + np.sum(np.logaddexp.accumulate(x))


def outers(x, y):
    powers = np.sum(np.power.outer(x, 2.0))
    return np.sum(np.subtract.outer(x, y) ** 3) + np.sum(np.arctan2.outer(x, y)) + powers


def updates_at(x):
    out = np.ones(3)
    np.multiply.at(out, [0, 2, 2, 1], x)
    np.subtract.at(out, [0, 0, 1, 2], x * x)
    np.maximum.at(out, [0, 1], x[:2])
    return np.sum(out * out)


def writes_by_functions(x):
    y, z, w = x * x, x + 1.0, np.outer(x, x)
    np.putmask(y, x > 1.0, 0.5)
    np.place(z, x < 0.5, [2.0])
    np.put(z, [1, 2], [x[0], 3.0])
    np.fill_diagonal(w, x)
    np.copyto(y, x, where=x < 0.5)
    return np.sum(y * z) + np.sum(w * w)


def index_tricks(x):
    i, j = np.mgrid[0:2, 0:3]
    joined = np.r_[x, 1.0, x[:2] ** 2]
    columns = np.c_[x, x**2]
    return np.sum(joined * joined) + np.sum(columns[np.s_[1:, 1]]) + np.sum(i * x[0] + j * x[1])


def from_iterator(x):
    return np.sum(np.fromiter((v * v + x[0] for v in x), float) ** 2)


def typed_ufunc(x):
    return np.sum(np.multiply(x, x, dtype=np.float64) + np.add(x, 1.0, dtype=float))


def copies(x):
    rows = [x * 2.0, {"b": x}]
    other, shallow = copy.deepcopy(rows), copy.copy(rows)
    other[0][1] = 5.0
    rows[1]["b"] = x * x
    return np.sum(rows[0] * other[0]) + np.sum(shallow[1]["b"] * other[1]["b"])


def constants_by_unread_functions(x):
    import datetime
    import fractions

    days = (datetime.date(2020, 3, 1) - datetime.date(2020, 2, 1)).days
    third = float(fractions.Fraction(1, 3))
    eps = np.finfo(x.dtype).eps
    return np.sum(x * x) * third + days * x[0] + eps


PROGRAMS = [
    Program("vectorized_outside", vectorized_outside, (X, 0.9)),
    Program("vectorized_outside_wrt_width", vectorized_outside, (X, 0.9), wrt=(1,)),
    Program("vectorized_decorated", vectorized_decorated, (X,)),
    Program("vectorized_inside", vectorized_inside, (X,)),
    Program("vectorized_broadcast", vectorized_broadcast, (X, X[:3] * 0.8), wrt=(0, 1)),
    Program("vectorized_matrix", vectorized_matrix, (A,)),
    Program("along_rows", along_rows, (A,)),
    Program("along_columns", along_columns, (A,)),
    Program("along_middle", along_middle, (T,)),
    Program("along_last_of_three", along_last_of_three, (T,)),
    Program("grid_function", grid_function, (X,)),
    Program("pieces", pieces, (X,)),
    Program("pieces_with_constants", pieces_with_constants, (X, 1.7), wrt=(0, 1)),
    Program("piece_of_a_number", piece_of_a_number, (0.7,)),
    Program("ufunc_reductions", reductions, (X, A), wrt=(0, 1)),
    Program("ufunc_accumulations", accumulations, (X,)),
    Program("ufunc_outers", outers, (X, X[:3] + 0.2), wrt=(0, 1)),
    Program("ufunc_updates_at", updates_at, (X,)),
    Program("writes_by_functions", writes_by_functions, (X,)),
    Program("index_tricks", index_tricks, (X,)),
    Program("from_iterator", from_iterator, (X,)),
    Program("typed_ufunc", typed_ufunc, (X,)),
    Program("copies", copies, (X,)),
    Program("constants_by_unread_functions", constants_by_unread_functions, (X,)),
]
