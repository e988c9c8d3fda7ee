"""Lists where NumPy makes arrays of them, objects with operators, and numbers taken out of arrays."""

from __future__ import annotations

import dataclasses
import statistics

import numpy as np

from corpus.program import Program


def reductions_of_displays(x, y):
    spread = np.std((x, y, 2.0)) + np.max([x, y * x])
    return np.mean([x, y]) * np.prod([x, y, x]) + spread + np.sum([x, y]) * x


def products_of_displays(x, y):
    a = np.dot([x, y], [y, x * x]) + np.outer([x, y], [1, x]).sum()
    b = np.matmul([[x, y], [1, 2]], [x, y]) @ (1, y)
    return a + b + np.array([x, y]) @ [y, x] + [y, x] @ np.full(2, x)


def integers_beside(x):
    both = np.hstack([x, np.arange(2)]) * np.concatenate((x, np.array([3, 4])))
    return np.stack([both, np.arange(4)]).sum(0) @ both


def matrices_of_displays(x, y):
    A = [[x, 1.0], [y, 3.0]]
    return np.linalg.det(A) * np.linalg.norm(A) + np.linalg.solve(A, [x, 1]).sum() + np.linalg.inv(A)[0, 1]


def elements_of_displays(x, y):
    a, b = np.meshgrid([x, y], [1, 2])
    return (a * b).sum() * np.sort([x, -y])[0] + np.maximum([x, y], 0.5).sum() + np.cumsum([x, y])[1] * x


def joins_of_displays(x, y):
    joined = np.concatenate([[x], [y, 1.0]]) * np.hstack([[x, y], [1]])
    return joined.sum() * np.append([x], [y, 1]).prod() + np.diff([x, y, x * y]) @ [1.0, x]


def methods_of_ufuncs(x, y):
    grid = np.add.outer([x, y], [x, 1])
    return np.logaddexp.reduce(grid, axis=1) @ [1.0, 2.0] + np.add.reduce([x, y]) * np.minimum.reduce([x, y])


def accumulated_rows(X):
    return (np.logaddexp.accumulate(X, axis=1) * np.logaddexp.reduce(X, axis=-1, keepdims=True)).sum()


def grown(v):
    s = []
    for a in v:
        s.append(a * a)
    out = np.array(s) @ s + np.sin(s) @ s + np.einsum("i,i", s, s) + np.average(s, weights=s)
    return out + (np.ones(3) * s).sum() + np.concatenate([s, s]).prod() + np.clip(s, 0.0, 10.0).sum()


def grown_into_arrays(v):
    s = []
    for a in v:
        s.append(a * a)
    out = np.ones(3)
    out += s
    out *= s
    out[1:] = s[1:]
    return out @ out + np.abs(np.fft.fft(s)).sum() + np.std(list(v))


class Dual:
    def __init__(self, v, d=0.0):
        self.v, self.d = v, d

    def __add__(self, other):
        other = other if isinstance(other, Dual) else Dual(other)
        return Dual(self.v + other.v, self.d + other.d)

    def __mul__(self, other):
        if not isinstance(other, Dual):
            other = Dual(other)
        return Dual(self.v * other.v, self.v * other.d + self.d * other.v)

    __radd__, __rmul__ = __add__, __mul__


def dual_numbers(x):
    z = Dual(x, 1.0)
    r = 3 * z + z * 2 * z + 1
    z *= 2
    return r.d * r.v * z.v


def repeated_displays(x):
    row = 2 * [x, x * x] + [x] * 2
    pair = (x, 1.0) * 2
    return sum(row) * len(pair) * pair[2]


def singular_vectors(A):
    u, s, vh = np.linalg.svd(A)
    return s @ s * vh[0, 1] ** 2 + u[0, 0] * u[1, 0] + s.sum()


def null_vector(A):
    n = np.linalg.svd(A)[2][-1]
    return n[0] * n[1] + n[2] ** 2


def numbers_taken_out(x):
    a = np.array([[x, x * x]])
    return np.array([x]).item() * a.item(1) + a.item(0, 1) * np.float64(x) + np.float64(x * x).item()


def whole_and_rest(v):
    rest, whole = np.modf(v)
    return rest @ v + whole @ v


@dataclasses.dataclass
class Inner:
    a: float
    b: float = 2.0


@dataclasses.dataclass
class Outer:
    inner: Inner
    v: object
    rows: list = dataclasses.field(default_factory=list)


def dataclasses_as_builtins(x, v):
    o = Outer(Inner(x, x * x), v, [x, Inner(x)])
    d = dataclasses.asdict(o)
    (a, b), w, rows = dataclasses.astuple(o)
    d["v"] *= 2.0
    d["inner"]["a"] = 3.0 * x
    return d["v"] @ o.v * a * d["inner"]["a"] + d["rows"][1]["a"] * b + w.sum() * rows[0]


def same_value_for_all(x):
    d = dict.fromkeys(["a", "b"], x * x)
    d["a"] = d["a"] * x
    total = dict.fromkeys("ab", 0.0)
    for k in total:
        total[k] += d[k]
    return total["a"] * total["b"]


def moments(v):
    spread = statistics.stdev(v) * statistics.pvariance([a * a for a in v]) + statistics.pstdev(v)
    return statistics.mean(v) ** 2 + spread + statistics.variance(list(v)) + np.corrcoef(v, v**2)[0, 1]


def parameters_in_order(x, y):
    p = {"w": x * np.ones(2), "b": y, "a": np.full((2, 2), x * y)}
    return sum((i + 1) * np.sum(v**2) for i, (_, v) in enumerate(sorted(p.items(), reverse=True)))


def falling_polynomials(x):
    p, q = np.poly1d(x), np.poly1d([1.0, 2.0, x[0]])
    s = (p * q + 2.0 * p - q**2) / 3.0
    t = 0.2
    for _ in range(3):
        t = t - 0.3 * p(t) / (1.0 + p.deriv()(t) ** 2)
    return s(1.3) * t + p.integ()(0.5) + p[2] * s.c[0] + p[4] * x[0] + (1 - p)(2.0) + p.order


def rising_polynomials(x):
    p = np.polynomial.Polynomial(x)
    q = p.deriv(2) * p + 1.0
    return q(0.4) + p.integ(lbnd=0.5)(1.5) ** 2 + np.sum((3.0 - p)(np.linspace(0, 1, 4))) + (p**2)(0.3)


rng = np.random.default_rng(29)
TWO = (0.7, 1.3)
PROGRAMS = [
    Program("reductions_of_displays", reductions_of_displays, TWO, (0, 1)),
    Program("products_of_displays", products_of_displays, TWO, (0, 1)),
    Program("integers_beside", integers_beside, (np.array([0.3, 0.8]),)),
    Program("matrices_of_displays", matrices_of_displays, TWO, (0, 1)),
    Program("elements_of_displays", elements_of_displays, TWO, (0, 1)),
    Program("joins_of_displays", joins_of_displays, TWO, (0, 1)),
    Program("methods_of_ufuncs", methods_of_ufuncs, TWO, (0, 1)),
    Program("accumulated_rows", accumulated_rows, (rng.normal(size=(2, 3)),)),
    Program("grown", grown, (np.array([0.3, 0.8, 1.2]),)),
    Program("grown_into_arrays", grown_into_arrays, (np.array([0.3, 0.8, 1.2]),)),
    Program("dual_numbers", dual_numbers, (1.2,)),
    Program("repeated_displays", repeated_displays, (1.2,)),
    Program("singular_vectors", singular_vectors, (rng.normal(size=(3, 2)),)),
    Program("singular_vectors_of_tall", singular_vectors, (rng.normal(size=(5, 2)),)),
    Program("null_vector", null_vector, (rng.normal(size=(2, 3)),)),
    Program("numbers_taken_out", numbers_taken_out, (0.7,)),
    Program("whole_and_rest", whole_and_rest, (np.array([0.3, 1.8, -2.4]),)),
    Program("dataclasses_as_builtins", dataclasses_as_builtins, (0.7, np.array([0.3, 1.8])), (0, 1)),
    Program("parameters_in_order", parameters_in_order, TWO, (0, 1)),
    Program("falling_polynomials", falling_polynomials, (np.array([0.3, -1.4, 1.2, 0.7]),)),
    Program("rising_polynomials", rising_polynomials, (np.array([0.3, -1.4, 1.2, 0.7]),)),
    Program("moments", moments, (np.array([0.3, 0.8, -0.4, 1.2]),)),
    Program("same_value_for_all", same_value_for_all, (0.7,)),
]
