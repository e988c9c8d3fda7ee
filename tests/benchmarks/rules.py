# ruff: noqa: E501  (a formula to a line)
"""Rules against the same formula written by hand in NumPy: ``python tests/benchmarks/rules.py [--markdown]``.

The program is ``f(x, w) = np.vdot(w, op(x))``; by hand, its gradient is one expression in ``x`` and ``w``, and so is
its change along a direction.  What is timed is the emitted function itself, without the few microseconds of a call
of ours; best of many rounds, in one process, taken in turns.  The target is 1.5 times the formula by hand, which
shares between equal extremes as ours does, and loses no digits where ours does not (`expit`, `log_ndtr`).
"""

from __future__ import annotations

import importlib.util
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from rules_more import FUNCTIONS, more

from srcdiff import grad, source
from srcdiff.api.forward import Forward, Request, Way, kept, looked_at

__all__ = ["CASES", "main", "measured"]

TARGET = 1.5
N, M = 12_000, 120
rng = np.random.default_rng(0)
VECTOR = rng.uniform(0.3, 0.9, N)
MATRIX = rng.uniform(0.3, 0.9, (M, M)) + M * np.eye(M) / 8.0
TABLE = rng.uniform(0.3, 0.9, (120, 100))
B = rng.uniform(0.3, 0.9, (M, M))
ROW = rng.uniform(0.3, 0.9, 100)
INDEX = rng.integers(0, N, N)

# the operation; the cotangent of x by hand, from w; the tangent of the result by hand, from v; what x is
CASES: dict[str, tuple[str, str, str, Any]] = {}


def elementwise(name: str, op: str, partial: str) -> None:
    """``{}`` stands for the operation's own result, where that is shorter."""
    shared = "out" in partial.replace("outer", "")
    lines = f"out = {op}\n    return w * ({partial})" if shared else f"return w * ({partial})"
    CASES[name] = (op, lines, f"({partial}) * v", VECTOR)


for _name, _op, _partial in (
    ("exp", "np.exp(x)", "np.exp(x)"),
    ("log", "np.log(x)", "1.0 / x"),
    ("sqrt", "np.sqrt(x)", "0.5 / np.sqrt(x)"),
    ("sin", "np.sin(x)", "np.cos(x)"),
    ("cos", "np.cos(x)", "-np.sin(x)"),
    ("tan", "np.tan(x)", "1.0 + out * out"),
    ("arcsin", "np.arcsin(x)", "1.0 / np.sqrt(1.0 - x * x)"),
    ("arctan", "np.arctan(x)", "1.0 / (1.0 + x * x)"),
    ("sinh", "np.sinh(x)", "np.cosh(x)"),
    ("tanh", "np.tanh(x)", "1.0 - out * out"),
    ("arctanh", "np.arctanh(x)", "1.0 / (1.0 - x * x)"),
    ("log1p", "np.log1p(x)", "1.0 / (1.0 + x)"),
    ("expm1", "np.expm1(x)", "np.exp(x)"),
    ("square", "np.square(x)", "2.0 * x"),
    ("x**3", "x**3", "3.0 * x**2"),
    ("x**0.7", "x**0.7", "0.7 * x**-0.3"),
    ("2**x", "2.0**x", "math.log(2.0) * out"),
    ("reciprocal", "1.0 / x", "-1.0 / (x * x)"),
    ("abs", "np.abs(x)", "np.sign(x)"),
    ("maximum", "np.maximum(x, 0.5)", "np.where(x > 0.5, 1.0, 0.0)"),
    ("clip", "np.clip(x, 0.4, 0.8)", "np.where((x >= 0.4) & (x <= 0.8), 1.0, 0.0)"),
    ("where", "np.where(x > 0.5, x * x, x)", "np.where(x > 0.5, 2.0 * x, 1.0)"),
    ("arctan2", "np.arctan2(x, 0.5)", "0.5 / (x * x + 0.25)"),
    ("hypot", "np.hypot(x, 0.5)", "x / out"),
    ("logaddexp", "np.logaddexp(x, 0.5)", "np.exp(x - out)"),
    ("sinc", "np.sinc(x)", "(np.cos(np.pi * x) - out) / x"),
    ("logistic", "1.0 / (1.0 + np.exp(-x))", "out * (1.0 - out)"),
    ("polynomial", "x * (x * (2.0 * x + 3.0) - 1.0)", "6.0 * x * x + 6.0 * x - 1.0"),
):
    elementwise(_name, _op, _partial)

CASES |= {
    "sum": ("np.sum(x, axis=0)", "return np.broadcast_to(w, x.shape).copy()", "np.sum(v, axis=0)", TABLE),
    "mean": (
        "np.mean(x, axis=1)", "return np.broadcast_to(w[:, None] / x.shape[1], x.shape).copy()",
        "np.mean(v, axis=1)", TABLE,
    ),
    "var": (
        "np.var(x, axis=1)",
        "return (x - np.mean(x, axis=1, keepdims=True)) * (2.0 / x.shape[1] * w[:, None])",
        "np.mean((x - np.mean(x, axis=1, keepdims=True)) * v, axis=1) * 2.0", TABLE,
    ),
    "std": (
        "np.std(x, axis=1)",
        "return (x - np.mean(x, axis=1, keepdims=True)) * (w / (x.shape[1] * np.std(x, axis=1)))[:, None]",
        "np.mean((x - np.mean(x, axis=1, keepdims=True)) * v, axis=1) / np.std(x, axis=1)", TABLE,
    ),
    "max": (
        "np.max(x, axis=1)",
        "t = x == np.max(x, axis=1)[:, None]\n    return np.where(t, (w / np.count_nonzero(t, axis=1))[:, None], 0.0)",
        "np.where(x == out[:, None], v, 0.0).sum(axis=1) / np.count_nonzero(x == out[:, None], axis=1)", TABLE,
    ),
    "prod": (
        "np.prod(x, axis=1)", "return (w * np.prod(x, axis=1))[:, None] / x",
        "np.prod(x, axis=1) * np.sum(v / x, axis=1)", TABLE,
    ),
    "cumsum": ("np.cumsum(x)", "return np.cumsum(w[::-1])[::-1]", "np.cumsum(v)", VECTOR),
    "diff": (
        "np.diff(x)", "g = np.zeros_like(x)\n    g[1:] += w\n    g[:-1] -= w\n    return g", "np.diff(v)",
        VECTOR,
    ),
    "softmax": (
        "np.exp(x - np.max(x, axis=1, keepdims=True)) / "
        "np.sum(np.exp(x - np.max(x, axis=1, keepdims=True)), axis=1, keepdims=True)",
        "e = np.exp(x - np.max(x, axis=1, keepdims=True))\n    s = e / np.sum(e, axis=1, keepdims=True)\n"
        "    return s * (w - np.sum(s * w, axis=1, keepdims=True))", "", TABLE,
    ),
    "x + row": ("x + b", "return w.copy()", "v.copy()", TABLE),
    "x * row": ("x * b", "return w * b", "v * b", TABLE),
    "x[1:] * x[:-1]": (
        "x[1:] * x[:-1]", "g = np.zeros_like(x)\n    g[1:] += w * x[:-1]\n    g[:-1] += w * x[1:]\n    return g",
        "v[1:] * x[:-1] + x[1:] * v[:-1]", VECTOR,
    ),
    "x[i]": ("x[i]", "return np.bincount(i, w, len(x))", "v[i]", VECTOR),
    "reshape, transpose": ("x.reshape(100, 120).T", "return w.T.reshape(120, 100).copy()", "v.reshape(100, 120).T", TABLE),
    "concatenate": (
        "np.concatenate((x, 2.0 * x))", "n = len(x)\n    return w[:n] + 2.0 * w[n:]",
        "np.concatenate((v, 2.0 * v))", VECTOR,
    ),
    "sort": (
        "np.sort(x)", "k = np.argsort(x)\n    g = np.empty_like(x)\n    g[k] = w\n    return g",
        "v[np.argsort(x)]", VECTOR,
    ),
    "matmul": ("x @ B", "return w @ B.T", "v @ B", MATRIX),
    "x.T @ x": ("x.T @ x", "return x @ (w + w.T)", "v.T @ x + x.T @ v", MATRIX),
    "einsum": ("np.einsum('ij,kj->ik', x, B)", "return w @ B", "v @ B.T", MATRIX),
    "inv": ("np.linalg.inv(x)", "a = np.linalg.inv(x)\n    return -a.T @ w @ a.T", "", MATRIX),
    "solve": (
        "np.linalg.solve(x, B)", "y = np.linalg.solve(x, B)\n    return -np.linalg.solve(x.T, w) @ y.T", "",
        MATRIX,
    ),
    "slogdet": ("np.linalg.slogdet(x)[1]", "return w * np.linalg.inv(x).T", "np.sum(np.linalg.inv(x).T * v)", MATRIX),
    "cholesky": (
        "np.linalg.cholesky(x @ x.T)",
        "L = np.linalg.cholesky(x @ x.T)\n    p = np.tril(L.T @ w)\n    p[np.diag_indices(len(p))] *= 0.5\n"
        "    s = np.linalg.solve(L.T, np.linalg.solve(L.T, p.T).T)\n    return (s + s.T) @ x", "", MATRIX,
    ),
    "eigvalsh": (
        "np.linalg.eigvalsh(x + x.T)", "u = np.linalg.eigh(x + x.T)[1]\n    return 2.0 * (u * w) @ u.T", "",
        MATRIX,
    ),
    "norm": ("np.linalg.norm(x, axis=1)", "return x * (w / np.linalg.norm(x, axis=1))[:, None]",
             "np.sum(x * v, axis=1) / np.linalg.norm(x, axis=1)", TABLE),
    "convolve": ("np.convolve(x[:3000], x[:30])", "g = np.zeros_like(x)\n"
                 "    g[:3000] += np.correlate(w, x[:30], 'valid')\n    g[:30] += np.correlate(w, x[:3000], 'valid')\n"
                 "    return g", "", VECTOR),
    "rfft": ("abs(np.fft.rfft(x)) ** 2", "z = 2.0 * w * np.fft.rfft(x)\n    z[1:-1] *= 0.5\n"
             "    return np.fft.irfft(z, len(x)) * len(x)", "", VECTOR),
    "interp": ("np.interp(x, r, r * r)", "k = np.clip(np.searchsorted(r, x, 'right') - 1, 0, len(r) - 2)\n"
               "    return w * (np.diff(r * r) / np.diff(r))[k]", "", VECTOR),
}  # fmt: skip

CASES |= more(VECTOR, TABLE, MATRIX)

HEAD = "import math\nimport numpy as np\n" + FUNCTIONS
OUTSIDE = {
    "B": B, "b": ROW, "i": INDEX, "r": np.linspace(0.0, 1.0, 50), "s": VECTOR[::-1].copy(), "m": VECTOR > 0.6,
    "j": rng.integers(0, 100, 3000), "k": rng.integers(0, 100, 3000), "c": VECTOR[:3],
    "q": rng.integers(0, 100, (120, 150)),
}  # fmt: skip


def programs() -> Any:
    """The functions of all cases, in a file, as grad needs them."""
    text = HEAD
    for k, (op, back, ahead, _) in enumerate(CASES.values()):
        text += f"def f{k}(x, w, {', '.join(OUTSIDE)}):\n    return np.vdot(w, {op})\n\n\n"
        text += f"def back{k}(x, w, {', '.join(OUTSIDE)}):\n    {back}\n\n\n"
        if ahead:
            text += f"def ahead{k}(x, w, v, {', '.join(OUTSIDE)}):\n    out = {op}\n"
            text += f"    return np.vdot(w, out), np.vdot(w, {ahead})\n\n\n"
    path = Path(tempfile.mkdtemp()) / "benchmark_rules.py"
    path.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def best(a: Any, b: Any, rounds: int) -> float:
    """The ratio of the best of many short rounds in turns: some are not interrupted on a busy machine."""
    fs, calls, times = (a, b), [], [[], []]
    for f in fs:
        f()
        started = time.perf_counter()
        f()
        calls.append(max(1, int(0.001 / max(time.perf_counter() - started, 1e-7))))
    for _ in range(rounds):
        for f, n, out in zip(fs, calls, times):
            started = time.perf_counter()
            for _ in range(n):
                f()
            out.append((time.perf_counter() - started) / n)
    return min(times[0]) / min(times[1])


def emitted_jvp(f: Any, args: tuple[Any, ...]) -> Any:
    """The function that `jvp` runs: forward mode in x."""
    request = Request("jvp", ("x",), ways=(Way("x"),))
    d = kept(Forward, f, request, looked_at(f, "jvp"))
    return d._variant(d._bind(args, {}).arguments)[0].made.fn


def measured(names: list[str] | None = None, rounds: int = 60) -> list[tuple[str, float, float | None]]:
    """For each case how many times the formula by hand: reverse, and forward where that is written out."""
    module, rows = programs(), []
    rest = tuple(OUTSIDE.values())
    for k, (name, (_, _, ahead, x)) in enumerate(CASES.items()):
        if names and name not in names:
            continue
        f, back = getattr(module, f"f{k}"), getattr(module, f"back{k}")
        result = eval_op(module, k, x, rest)
        w = np.random.default_rng(k).uniform(0.5, 1.5, np.shape(result))
        v = np.random.default_rng(k + 1).uniform(0.5, 1.5, np.shape(x))
        g = grad(f, wrt="x")._made(x, w, *rest).fn
        np.testing.assert_allclose(g(x, w, *rest), back(x, w, *rest), rtol=1e-6, atol=1e-8, err_msg=name)
        reverse = best(lambda: g(x, w, *rest), lambda: back(x, w, *rest), rounds)  # noqa: B023  (called at once)
        forward = None
        if ahead:
            by_hand = getattr(module, f"ahead{k}")
            push = emitted_jvp(f, (x, w, *rest))
            np.testing.assert_allclose(push(x, w, *rest, x_dot=v)[1], by_hand(x, w, v, *rest)[1], rtol=1e-6)
            forward = best(lambda: push(x, w, *rest, x_dot=v), lambda: by_hand(x, w, v, *rest), rounds)  # noqa: B023
        rows.append((name, reverse, forward))
        print(f"{name:20} {reverse:6.2f} {'' if forward is None else f'{forward:6.2f}'}", file=sys.stderr)
    return rows


def eval_op(module: Any, k: int, x: Any, rest: tuple[Any, ...]) -> Any:
    """The operation's own result, for its shape."""
    op = list(CASES.values())[k][0]
    return eval(op, {**vars(module), "x": x, **dict(zip(OUTSIDE, rest, strict=True))})


def markdown(rows: list[tuple[str, float, float | None]]) -> str:
    """A table for docs/rules-speed.md."""
    lines = ["| operation | reverse | forward |", "|---|---|---|"]
    lines += [f"| `{n}` | {r:.2f} | {'' if f is None else f'{f:.2f}'} |" for n, r, f in rows]
    return "\n".join(lines)


def main() -> int:
    names = [a for a in sys.argv[1:] if not a.startswith("-")]
    rows = measured(names or None)
    if "--markdown" in sys.argv:
        print(markdown(rows))
    if "--text" in sys.argv:
        module = programs()
        for k, (name, case) in enumerate(CASES.items()):
            if not names or name in names:
                f, x, rest = getattr(module, f"f{k}"), case[3], tuple(OUTSIDE.values())
                print(source(grad(f, wrt="x"), x, eval_op(module, k, x, rest), *rest).partition("\n\n\n")[2])
    slow = [n for n, r, f in rows if r > TARGET or (f or 0.0) > TARGET]
    print(f"{len(rows) - len(slow)} of {len(rows)} within {TARGET} times; beyond: {', '.join(slow) or 'none'}",
          file=sys.stderr)  # fmt: skip
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
