"""Loops backwards whose trips do not wait for one another: in the loop forwards, or forwards themselves."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from srcdiff import grad, hessian, testing, value_and_grad

rng = np.random.default_rng(11)


def robust(theta: Any, x: Any, y: Any) -> Any:
    a, b, s = theta
    total = 0.0
    for u, v in zip(x, y):
        r = (v - a - b * u) / s
        if abs(r) < 1.5:
            total += 0.5 * r * r + math.log(s)
        else:
            total += 1.5 * abs(r) - 1.125 + math.log(s)
    return total


def pairs(x: Any, q: Any) -> Any:
    e = 0.0
    for i in range(len(x)):
        for j in range(i + 1, len(x)):
            d = x[i] - x[j]
            r2 = d @ d
            if r2 < 2.0:
                e += q[i] * q[j] / math.sqrt(r2) + np.exp(-r2)
    return e


def numbered(x: Any) -> Any:
    s = 0.0
    for k, v in enumerate(x):
        s += np.sin(v) * v * (k + x[0])
    return s


def beside_a_recurrence(x: Any, n: int) -> Any:
    """What is handed on has no derivative: it may stand in the one loop."""
    s, w = 0.0, 1.0
    for i in range(n):
        w = 0.5 * w + 1.0
        s += w * np.exp(x[i]) * x[i]
    return s


def backwards(x: Any) -> Any:
    s = 0.0
    for i in reversed(range(len(x))):
        s += np.exp(x[i]) * x[i] * i
    return s


def batches(w: Any, x: Any, y: Any) -> Any:
    loss = 0.0
    for k in range(0, len(x), 4):
        p = 1.0 / (1.0 + np.exp(-(np.tanh(x[k : k + 4] @ w) @ w)))
        loss -= np.sum(y[k : k + 4] * np.log(p))
    return loss


def gaussian(x: Any, s: Any) -> Any:
    """Nothing is taped."""
    total = 0.0
    for i in range(len(x)):
        z = x[i] / s
        total += -0.5 * z * z - np.log(s)
    return -total / len(x)


def three_ways(x: Any) -> Any:
    total = 0.0
    for v in x:
        if v > 1.0:
            total += 2.0 * v - 1.0
        elif v < -1.0:
            total += -2.0 * v - 1.0
        else:
            total += v * v
    return total


def skipped(x: Any) -> Any:
    total = 0.0
    for v in x:
        if v > 1.5:
            continue
        total += np.exp(v) * v
    return total


ONE: list[tuple[Any, tuple[Any, ...], int]] = [
    (robust, (np.array([0.1, 0.4, 0.7]), rng.normal(size=7), rng.normal(size=5)), 1),
    (pairs, (rng.normal(size=(5, 3)), rng.normal(size=5)), 2),
    (numbered, (rng.normal(size=5),), 1),
    (beside_a_recurrence, (rng.normal(size=5), 4), 1),
    (gaussian, (rng.normal(size=5), 1.3), 1),
    (three_ways, (rng.normal(size=7) * 2.0,), 1),
    (skipped, (rng.normal(size=7) * 2.0,), 1),
    (backwards, (rng.normal(size=4),), 1),
    (batches, (rng.normal(size=(3, 3)), rng.normal(size=(10, 3)), rng.uniform(size=(10, 3))), 1),
]


def loops(source: str) -> int:
    return sum(line.lstrip().startswith(("for ", "while ")) for line in source.splitlines())


@pytest.mark.parametrize(("f", "args", "count"), ONE, ids=[f.__name__ for f, *_ in ONE])
def test_value_and_gradient_in_one_loop(f: Any, args: tuple[Any, ...], count: int) -> None:
    testing.check_rule(f, args)
    g = value_and_grad(f)
    y, bar = g(*args)
    assert math.isclose(y, f(*args), rel_tol=1e-14)
    np.testing.assert_allclose(bar, grad(f)(*args), rtol=1e-12, atol=1e-14)
    assert loops(g.source) == count and ".append(" not in g.source
    assert ("reversed(" in g.source) is (f is backwards)
    tests = [line for line in g.source.splitlines() if line.lstrip().startswith(("if ", "elif "))]
    assert len(tests) == {robust: 1, pairs: 1, three_ways: 2, skipped: 1}.get(f, 0), g.source


def of_the_sum(x: Any) -> Any:
    s = 0.0
    for v in x:
        s += np.exp(v) * v
    return s * s


def normalised(x: Any) -> Any:
    """What the loop makes is wanted for each trip backwards."""
    z = 0.0
    for v in x:
        z += np.exp(v)
    s = 0.0
    for v in x:
        s += np.exp(v) / z * v
    return s


def handed_on(x: Any) -> Any:
    s, h = 0.0, 0.3
    for v in x:
        h = np.tanh(h + v)
        s += h * v
    return s


def left_early(x: Any) -> Any:
    s = 0.0
    for v in x:
        t = np.exp(v)
        if t > 3.0:
            break
        s += t * v
    return s


def read_meanwhile(x: Any) -> Any:
    """The sum is part of what is added to it."""
    s = 0.0
    for v in x:
        s += np.exp(v) * v + 0.1 * s
    return s


def written(x: Any) -> Any:
    """A trip reads what one before has written."""
    y = x.copy()
    s = 0.0
    for i in range(1, len(y)):
        y[i] = np.sin(y[i]) + 0.5 * y[i - 1]
        s += np.exp(y[i])
    return s


def counted(x: Any) -> Any:
    """How many trips there were is part of the result."""
    s, n = 0.0, 0
    for v in x:
        if v > 0.0:
            s += np.exp(v) * v
            n += 1
    return s / n


def written_twice(x: Any) -> Any:
    """Two trips write one element, and the second value counts."""
    r = np.zeros(4)
    for i in range(len(x)):
        r[i // 2] = np.sin(x[i])
    return np.sum(r**2)


def from_the_end(x: Any) -> Any:
    """``r[-1]`` and ``r[3]`` are one element."""
    r = np.zeros(4)
    for i in range(-2, len(x)):
        r[i] = np.sin(x[i % len(x)]) + r[0]
    return np.sum(r**2)


def by_a_table(x: Any) -> Any:
    r = np.zeros(4)
    for i, k in zip(range(len(x)), (0, 2, 0, 1)):
        r[k] = x[i] ** 2
    return np.sum(r**3)


def one_for_all(x: Any) -> Any:
    r = np.zeros((2, 4))
    for i in range(len(x)):
        for j in range(2):
            r[j, 0] = x[i] * (j + 1)
    return np.sum(r**3)


def of_one_line(x: Any) -> Any:
    """The second loop ends before the first."""
    y = x[1:]
    return sum(x[i] ** 3 for i in range(len(x))) + sum(x[i] * v**3 for i, v in zip(range(len(x)), y))


OTHERS = [of_one_line, written_twice, from_the_end, by_a_table, one_for_all]
OTHERS += [of_the_sum, normalised, handed_on, left_early, read_meanwhile, written, counted]


@pytest.mark.parametrize("f", OTHERS, ids=[f.__name__ for f in OTHERS])
@pytest.mark.parametrize("x", [np.array([0.3, 0.9, 1.4, -0.2]), np.array([0.7])], ids=len)
def test_others(f: Any, x: Any) -> None:
    testing.check_rule(f, (x,))
    y, bar = value_and_grad(f)(x)
    assert math.isclose(y, f(x), rel_tol=1e-14)
    np.testing.assert_allclose(bar, grad(f)(x), rtol=1e-12, atol=1e-14)


def first_seen(x: Any, at: Any) -> Any:
    """How many different ones there were is known behind the loop: a set is changed, not made anew."""
    seen = set()
    total = 0.0
    for k in at:
        if k in seen:
            total += 10.0 * x[0]
        else:
            seen.add(k)
            total += x[0] * x[1] * (k in seen)
    return total * len(seen)


def test_what_the_loop_changes() -> None:
    x, at = np.array([1.2, 1.5]), [1, 2, 1, 3, 2]
    np.testing.assert_allclose(grad(first_seen)(x, at), [73.5, 10.8], rtol=1e-12)


def test_no_trips() -> None:
    y, bar = value_and_grad(numbered)(np.zeros(0))
    assert y == 0.0 and bar.shape == (0,)


def test_second_derivatives() -> None:
    x = rng.normal(size=4)

    def f(x: Any) -> Any:
        s = 0.0
        for v in x:
            s += np.sin(v) * v
        return s

    np.testing.assert_allclose(hessian(f)(x), np.diag(2.0 * np.cos(x) - x * np.sin(x)), atol=1e-14)


def residuals(x: Any, y: Any) -> Any:
    r = np.zeros(len(y))
    for i in range(len(y)):
        r[i] = np.exp(x[0] * y[i]) - x[1]
    return np.sum(r**2)


def correlated(image: Any, kernel: Any) -> Any:
    out = np.zeros((4, 3))
    for i in range(4):
        for j in range(3):
            out[i, j] = np.sum(image[i : i + 2, j : j + 2] * kernel)
    return np.sum(np.tanh(out))


def by_rows(x: Any, y: Any) -> Any:
    out = np.zeros((len(y), 2))
    for i in range(len(y)):
        out[i] = np.sin(x * y[i])
    return np.sum(out**3)


@pytest.mark.parametrize(
    ("f", "args"),
    [
        (residuals, (rng.normal(size=2), rng.normal(size=5))),
        (correlated, (rng.normal(size=(5, 4)), rng.normal(size=(2, 2)))),
        (by_rows, (rng.normal(size=2), rng.normal(size=3))),
    ],
    ids=lambda a: getattr(a, "__name__", ""),
)
def test_what_is_read_once_is_not_set_to_zero(f: Any, args: tuple[Any, ...]) -> None:
    testing.check_rule(f, args)
    g = grad(f, wrt=(0, 1))
    g(*args)
    assert "] = 0.0" not in g.source
    assert ("reversed(" in g.source) is (f is residuals)  # (the exponentials are on a tape)


TERMS = [
    "s += {c} * np.sin(x[{i}]) * y[{j}]",
    "s += np.exp({c} * x[{i}] * x[{j}])",
    "t = x[{i}] * y[{i}] + {c}\n{pad}s += t * t * a",
    "if x[{i}] > {c} - 0.5:\n{pad}    s += np.cos(x[{i}]) * y[{j}]",
    "s -= np.sqrt(1.0 + x[{i}] ** 2) * a",
    "w = 0.7 * w + {c}\n{pad}s += w * np.exp(y[{i}] * a)",
    "a2 = a * np.sin(x[{i}])\n{pad}s += a2 * a2 * y[{j}]",
    "h = np.tanh(h + x[{i}] * a)\n{pad}s += h",
    "s += 0.1 * s * x[{i}]",
    "z[{i}] = z[{j}] * np.cos(x[{i}])",
    "z[{i}] += x[{i}] * y[{j}]\n{pad}s += z[{i}] * z[{i}]",
    "for k in range({i}):\n{pad}    s += np.exp(x[k] * a) * y[{i}]",
    "if s > 50.0:\n{pad}    break",
    "if y[{i}] < -1.0:\n{pad}    continue",
]
HEADS = [
    "for i in range(n):", "for i in range(1, n):", "for i in reversed(range(n)):",
    "for i, v in enumerate(x):",
]  # fmt: skip


def program(seed: int) -> str:
    """A sum over numbers, with what may keep its trips from being apart."""
    r = np.random.default_rng(seed)
    lines = ["def f(x, y, a):", "    s, w, h, n = 0.0, 1.0, 0.1, len(x)", "    z = np.ones(n)"]
    for _ in range(r.integers(1, 3)):
        lines.append("    " + HEADS[r.integers(len(HEADS))])
        for _ in range(r.integers(1, 4)):
            term = TERMS[r.integers(len(TERMS))]
            j = ["i", "i - 1", "0"][r.integers(3)]
            c = round(float(r.uniform(0.2, 1.0)), 2)
            lines.append(" " * 8 + term.format(i="i", j=j, c=c, pad=" " * 8))
    lines.append(["    return s", "    return s + np.sum(z)", "    return s * s + h"][r.integers(3)])
    return "\n".join(lines) + "\n"


def check_program(seed: int, tmp_path: Any) -> None:
    text = "import numpy as np\n\n\n" + program(seed)
    path = tmp_path / f"sums_{seed}.py"
    path.write_text(text)
    scope: dict[str, Any] = {}
    exec(compile(text, str(path), "exec"), scope)
    f = scope["f"]
    r = np.random.default_rng(seed)
    x, y, a = r.normal(size=5), r.normal(size=5), 0.7
    value, bars = value_and_grad(f, wrt=(0, 1, 2))(x, y, a)
    assert math.isclose(value, f(x, y, a), rel_tol=1e-12, abs_tol=1e-12), text
    alone = grad(f, wrt=(0, 1, 2))(x, y, a)
    h = 1e-6
    for n, (bar, same) in enumerate(zip(bars, alone)):
        np.testing.assert_allclose(bar, same, rtol=1e-9, atol=1e-11, err_msg=text)
        d = r.normal(size=np.shape((x, y, a)[n]))
        up, down = ([v + e * d if k == n else v for k, v in enumerate((x, y, a))] for e in (h, -h))
        expected = (f(*up) - f(*down)) / (2 * h)
        assert abs(np.sum(bar * d) - expected) <= 1e-6 * max(1.0, abs(expected)), text


@pytest.mark.parametrize("seed", range(24))
def test_random_sums(seed: int, tmp_path: Any) -> None:
    check_program(seed, tmp_path)
