"""Numbers that trips save are put away as bytes: the same derivatives, in less memory."""

from __future__ import annotations

import importlib.util
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from numeric import gradient
from srcdiff import grad, hvp, vjp
from srcdiff.optimise import pack


def aligned(x: Any, y: Any) -> Any:
    D = np.full((x.size + 1, y.size + 1), 1e6)
    D[0, 0] = 0.0
    for i in range(1, x.size + 1):
        for j in range(1, y.size + 1):
            a, b, c = D[i - 1, j], D[i, j - 1], D[i - 1, j - 1]
            m = np.minimum(np.minimum(a, b), c)
            s = m - np.log(np.exp(m - a) + np.exp(m - b) + np.exp(m - c))
            D[i, j] = (x[i - 1] - y[j - 1]) ** 2 + s
    return D[x.size, y.size]


def in_one_loop(x: Any, y: Any) -> Any:
    z = np.zeros(x.size)
    for i in range(1, x.size):
        a = np.sin(z[i - 1] * x[i])
        b = np.exp(-a * x[i - 1])
        c = np.tanh(a * b + y[0])
        d = np.sqrt(1.0 + c * c * b)
        z[i] = a * b / d + c * d * x[i] / (2.0 + b * c)
    return np.sum(z)


def on_one_path(x: Any, y: Any) -> Any:
    """What only some trips set, and bytes of the others have no place for."""
    z = np.ones(x.size)
    for i in range(1, x.size):
        a = np.sin(z[i - 1] * x[i])
        b = np.exp(-a * x[i - 1])
        if a > 0.1:
            c = np.tanh(a * b + y[0])
            d = np.sqrt(1.0 + c * c * b)
            e = c * d * z[i - 1]
            z[i] = a * b / d + c * e * x[i] / (2.0 + b * c) * e
        else:
            z[i] = a * b
    return np.sum(z * z)


def left_early(x: Any, y: Any) -> Any:
    z = np.ones(x.size)
    for i in range(1, x.size):
        a = np.sin(z[i - 1] * x[i])
        b = np.exp(-a * x[i - 1])
        c = np.tanh(a * b + y[0])
        if c > 0.9:
            break
        d = np.sqrt(1.0 + c * c * b)
        z[i] = a * b / d + c * d * x[i] / (2.0 + b * c)
    return np.sum(z)


def divided(x: Any, y: Any) -> Any:
    """Numbers that may be zero are divided by: NumPy goes on where Python raises."""
    z = np.zeros(x.size)
    for i in range(1, x.size):
        a = x[i] * z[i - 1]
        b = np.sin(x[i - 1] - a)
        c = a * b + y[0]
        d = np.exp(c * b)
        z[i] = x[i] / (b + y[1]) + d / c * a * b * np.cos(d * a)
    return np.sum(z)


PROGRAMS = [aligned, in_one_loop, on_one_path, left_early, divided]


def arguments() -> tuple[Any, Any]:
    r = np.random.default_rng(1)
    x, y = r.normal(size=9), r.normal(size=7)
    y[:2] = 3.0
    return x, y


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_derivatives(f: Any) -> None:
    x, y = arguments()
    g = grad(f)
    np.testing.assert_allclose(g(x, y), gradient(f, (x, y), [0])[0], rtol=1e-5, atol=1e-7)
    v = np.cos(np.arange(x.size))
    wanted = (g(x + 1e-6 * v, y) - g(x - 1e-6 * v, y)) / 2e-6
    np.testing.assert_allclose(hvp(f)(x, y, v), wanted, rtol=1e-4, atol=1e-5)
    value, pull = vjp(f, x, y)
    np.testing.assert_allclose(pull(2.0)[0], 2.0 * g(x, y), rtol=1e-12)
    assert value == f(x, y)


def test_texts() -> None:
    x, y = arguments()
    for f in (aligned, in_one_loop, divided):
        g = grad(f)
        g(x, y)
        assert ".append(pack_" in g.source and "= unpack_" in g.source, g.source
    for f in (on_one_path, left_early):
        g = grad(f)
        g(x, y)
        assert "pack_" not in g.source, g.source


def test_division_by_zero_is_numpys() -> None:
    x, y = arguments()
    x[3] = x[4] = 0.0
    y[:2] = 0.0
    g = grad(divided)
    with np.errstate(all="ignore"):
        got = g(x, y)
    assert "unpack_" in g.source and not np.isfinite(got).all()


@pytest.mark.parametrize("f", [aligned, in_one_loop], ids=lambda f: f.__name__)
def test_texts_differentiate_again(f: Any, tmp_path: Path) -> None:
    x, y = arguments()
    g = grad(f)
    g(x, y)
    file = tmp_path / f"bytes_{f.__name__}.py"
    end = f"\n\ndef total(x, y):\n    pack_5 = np.sum({f.__name__}_grad(x, y) ** 2)\n    return pack_5\n"
    file.write_text(f"{g.source}{end}")
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    again = grad(module.total)
    wanted = gradient(module.total, (x, y), [0])[0]
    np.testing.assert_allclose(again(x, y), wanted, rtol=1e-4, atol=1e-5)
    first = grad(module.total, wrt="y")(x, y)
    np.testing.assert_allclose(first, gradient(module.total, (x, y), [1])[0], rtol=1e-4, atol=1e-5)


def peak(g: Any, *args: Any) -> int:
    g(*args)
    tracemalloc.start()
    g(*args)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most


def test_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    r = np.random.default_rng(0)
    x, y = r.normal(size=30), r.normal(size=40)
    as_bytes = peak(grad(aligned), x, y)
    monkeypatch.setattr(pack.Packer, "is_plain", lambda self, a: False)
    as_tuples = grad(lambda x, y: aligned(x, y))
    assert as_bytes < 0.9 * peak(as_tuples, x, y)
    assert "unpack_" not in as_tuples.source
