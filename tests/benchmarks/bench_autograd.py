"""srcdiff beside HIPS autograd, in one process, against the targets the project set itself.

    pip install -e ".[bench]" && python tests/benchmarks/bench_autograd.py

Exits with status 1 where a target is missed. Threads are pinned to one before NumPy loads; the garbage
collector is off while timing, as timeit has it, which halves autograd's time on the long recurrence.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import importlib.util
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import autograd
import autograd.numpy as anp
import numpy as np
from timing import Row, compare, seconds, show, spell

from srcdiff import grad, value_and_grad


def logistic_map(x, r, n):
    for _ in range(n):
        x = r * x * (1.0 - x)
    return x


def cubic(x):
    return x**3 + 2 * x**2 + x


def reading_loop(x):
    s = 0.0
    for i in range(len(x)):
        s = s + x[i] * x[i]
    return s


def digits_loss(params, X, y):
    h = np.maximum(X @ params["W1"] + params["b1"], 0.0)
    scores = h @ params["W2"] + params["b2"]
    scores = scores - scores.max(axis=1, keepdims=True)
    n = X.shape[0]
    log_norm = np.log(np.exp(scores).sum(axis=1))
    return (log_norm - scores[np.arange(n), y]).mean()


def digits_loss_autograd(params, X, y):
    """The same with autograd's NumPy, as it requires."""
    h = anp.maximum(X @ params["W1"] + params["b1"], 0.0)
    scores = h @ params["W2"] + params["b2"]
    scores = scores - anp.max(scores, axis=1, keepdims=True)
    n = X.shape[0]
    log_norm = anp.log(anp.sum(anp.exp(scores), axis=1))
    return anp.mean(log_norm - scores[np.arange(n), y])


def beside(what: str, ours: Callable[[], Any], theirs: Callable[[], Any], at_least: float) -> Row:
    a, b = ours(), theirs()
    compare(what, a, b)
    t, other = seconds(ours), seconds(theirs)
    return Row(what, spell(t), spell(other), f"{other / t:.3g}x", f">= {at_least:g}x", other / t >= at_least)


def scalar_recurrence() -> Row:
    ours, theirs = grad(logistic_map), autograd.grad(logistic_map)
    return beside(
        "logistic map, 10,000 steps",
        lambda: ours(0.3, 2.5, 10_000),
        lambda: theirs(0.3, 2.5, 10_000),
        300.0,
    )


def small_function() -> Row:
    ours, theirs = grad(cubic), autograd.grad(cubic)
    return beside("x**3 + 2*x**2 + x of a float", lambda: ours(2.0), lambda: theirs(2.0), 50.0)


def network(batch: int) -> Row:
    rng = np.random.default_rng(0)
    params = {
        "W1": rng.normal(size=(64, 64)) * 0.2,
        "b1": np.zeros(64),
        "W2": rng.normal(size=(64, 10)) * 0.1,
        "b2": np.zeros(10),
    }
    X, y = rng.random((batch, 64)), rng.integers(0, 10, batch)
    ours, theirs = value_and_grad(digits_loss), autograd.value_and_grad(digits_loss_autograd)
    return beside(
        f"digits loss, batch {batch}", lambda: ours(params, X, y), lambda: theirs(params, X, y), 1.0
    )


def growth() -> list[Row]:
    """Time per element must stay level; autograd makes a zero array per read, so it stops at 1e4."""
    ours, theirs = grad(reading_loop), autograd.grad(reading_loop)
    rows, per_element = [], []
    for n in (1_000, 10_000, 100_000):
        x = np.random.default_rng(0).normal(size=n)
        np.testing.assert_allclose(ours(x), 2.0 * x)
        t = seconds(lambda x=x: ours(x))
        other = spell(seconds(lambda x=x: theirs(x))) if n <= 10_000 else "-"
        per_element.append(t / n)
        ratio = per_element[-1] / per_element[0]
        rows.append(
            Row(
                f"loop reading x[i], n = {n:,}",
                spell(t),
                other,
                f"{ratio:.2f} per element",
                "<= 2",
                ratio <= 2.0,
            )
        )
    return rows


FIFTY = ["def long_function(x, w, n):", "    y = x * w", "    s = 0.0", "    for i in range(n):"]
for _k in range(14):
    FIFTY += [
        f"        t{_k} = math.sin(y + {_k}.0) * w",
        f"        y = 0.5 * y + t{_k} * {_k + 1} / (2.0 + y * y)",
    ]
FIFTY += [
    "        if y > 1.0:",
    "            y = y * 0.5",
    "            s = s + y",
    "        elif i % 2 == 0:",
    "            s = s + math.exp(-y)",
    "        else:",
    "            continue",
    "    z = np.array([s, y, x])",
    "    z[0] = z[1] * z[2]",
    "    z[1] += z[0]",
    "    for v in z:",
    "        s += v * v",
    "    while s > 10.0:",
    "        s = s * 0.5",
    "    if s > 0.0:",
    "        s = math.log(s + 1.0)",
    "    s = s * w",
    "    return s + y",
]
assert len(FIFTY) == 50


COPIES = 16


def making_time() -> Row:
    """From the function to the first answer, over 50-line functions that differ in a constant; the median.

    Functions of equal code share a derivative, so no two may be equal; nor may emitted files be there before.
    """
    times, texts = [], set()
    before = os.environ.get("SRCDIFF_CACHE")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SRCDIFF_CACHE"] = folder
        try:
            for k in range(COPIES):
                path = Path(folder) / f"fifty_{k}.py"
                text = "\n".join(FIFTY).replace("0.5 * y + t", f"0.5{k:02d}1 * y + t")
                path.write_text(f"import math\nimport numpy as np\n\n\n{text}\n")
                spec = importlib.util.spec_from_file_location(path.stem, path)
                assert spec is not None and spec.loader is not None
                module = importlib.util.module_from_spec(spec)
                spec.loader.exec_module(module)
                started = time.perf_counter()
                derivative = grad(module.long_function)
                derivative(0.3, 0.7, 1)
                times.append(time.perf_counter() - started)
                texts.add(derivative.source)
        finally:
            if before is None:
                del os.environ["SRCDIFF_CACHE"]
            else:
                os.environ["SRCDIFF_CACHE"] = before
    assert len(texts) == COPIES, "some of the functions shared a derivative"
    t = statistics.median(times[1:])
    return Row(
        "making the derivative of 50 lines",
        spell(t),
        "-",
        f"first {spell(times[0])}, worst {spell(max(times[1:]))}",
        "< 50 ms",
        t < 0.05,
    )


def import_time() -> Row:
    """`import srcdiff` beyond NumPy's own, each in fresh interpreters, in turns; the medians.

    Both from byte code, as installed packages are, even where the environment has Python write none.
    """

    def fresh(statement: str, compiled: str) -> float:
        code = f"import time; t = time.perf_counter(); {statement}; print(time.perf_counter() - t)"
        env = {**os.environ, "PYTHONPYCACHEPREFIX": compiled}
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        command = [sys.executable, "-c", code]
        return float(subprocess.run(command, check=True, capture_output=True, text=True, env=env).stdout)

    with tempfile.TemporaryDirectory() as folder:
        fresh("import numpy, srcdiff", folder)  # writes the byte code
        pairs = [(fresh("import numpy", folder), fresh("import numpy, srcdiff", folder)) for _ in range(7)]
    alone, both = (statistics.median(column) for column in zip(*pairs, strict=True))
    return Row(
        "import srcdiff beyond NumPy",
        spell(both - alone),
        "-",
        f"NumPy {spell(alone)}",
        "< 150 ms",
        both - alone < 0.15,
    )


def main() -> int:
    rows = [
        scalar_recurrence(),
        small_function(),
        network(64),
        network(1347),
        *growth(),
        making_time(),
        import_time(),
    ]
    show("srcdiff beside autograd, per gradient call, one thread", "autograd", rows)
    return 0 if all(row.good for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
