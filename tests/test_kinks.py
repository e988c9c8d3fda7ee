"""Derivatives at kinks and edges: the conventions of kinks.py in every mode, their page, random programs."""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kinks
from kinks import Row
from srcdiff import grad, jvp, vjp

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "kinks.md"
PEERS: dict[str, Any] = json.loads((ROOT / "tests" / "kinks_peers.json").read_text())
ROWS = [(row, f"k{n}") for n, row in enumerate(r for _, rows in kinks.SECTIONS.values() for r in rows)]

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def written(path: Path, text: str) -> Any:
    """The module of a program text."""
    path.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Any:
    text = "import math\nimport numpy as np\n"
    for row, name in ROWS:
        head = f"({', '.join('xyz'[: len(row.at)])}):\n    return"
        text += f"\n\ndef {name}{head} {row.call}\n\n\ndef {name}_sum{head} np.sum({row.call})\n"
    return written(tmp_path_factory.mktemp("kinks") / "kink_programs.py", text)


def arguments(row: Row) -> list[tuple[Any, ...]]:
    """The point: of numbers also as NumPy's numbers, arrays without and with one dimension."""
    if any(isinstance(a, list) for a in row.at):
        return [tuple(np.array(a) if isinstance(a, list) else a for a in row.at)]
    out: list[tuple[Any, ...]] = [row.at, tuple(map(np.float64, row.at))]
    if not any(word in row.call for word in ("math.", "max(", "min(")) or "np.max" in row.call:
        out += [tuple(map(np.array, row.at)), tuple(np.array([a]) for a in row.at)]
    return out


def same(got: Any, wanted: Any) -> None:
    np.testing.assert_allclose(np.squeeze(got), np.squeeze(wanted), rtol=1e-14, atol=1e-15)


def ones_like(y: Any) -> Any:
    return np.ones_like(y) if isinstance(y, np.ndarray) else 1.0


@pytest.mark.parametrize(("row", "name"), ROWS, ids=[row.key for row, _ in ROWS])
def test_convention(row: Row, name: str, programs: Any) -> None:
    f = getattr(programs, name)
    for at in arguments(row):
        y, pullback = vjp(f, *at)
        bars = pullback(ones_like(y))
        for n, (a, bar, wanted) in enumerate(zip(at, bars, row.gives, strict=True)):
            same(0.0 * np.asarray(a) if bar is None else bar, wanted)
            size = np.size(a)
            for k in range(size):
                v = np.zeros(size)
                v[k] = 1.0
                tangent = v.reshape(np.shape(a)) if isinstance(a, np.ndarray) else 1.0
                _, y_dot = jvp(f, at, tuple(tangent if m == n else None for m in range(len(at))))
                same(np.sum(y_dot), np.ravel(wanted)[k])


@pytest.mark.parametrize(
    ("row", "name"), [r for r in ROWS if r[0].second], ids=[row.key for row, _ in ROWS if row.second]
)
def test_second_derivative_is_a_number(row: Row, name: str, programs: Any) -> None:
    """Forward over reverse and reverse over reverse: no NaN, and the two agree."""
    at = arguments(row)[0]
    gradient = grad(getattr(programs, f"{name}_sum"), wrt=tuple(range(len(at))))
    rng = np.random.default_rng(0)
    v, w = (tuple(rng.normal(size=np.shape(a)) if np.ndim(a) else 1.0 for a in at) for _ in range(2))
    _, forward = jvp(gradient, at, v)
    _, pullback = vjp(gradient, *at)
    bars = pullback(w)
    left = sum(np.sum(a * b) for a, b in zip(forward, w, strict=True))
    right = sum(np.sum(a * b) for a, b in zip(bars, v, strict=True))
    assert np.isfinite(left)
    np.testing.assert_allclose(left, right, rtol=1e-12, atol=1e-12)


# ---- the page


HEAD = "| function | at | derivative | reason | JAX | PyTorch | autograd |"


def number(v: Any) -> str:
    if isinstance(v, list):
        return "[" + ", ".join(map(number, v)) + "]"
    return f"{v:.6g}" if v else "0"


def numbers(values: Any) -> str:
    if isinstance(values, str):
        return values
    return ", ".join(map(number, values))


def page() -> str:
    versions = ", ".join(f"{name} {version}" for name, version in PEERS["versions"].items())
    lines = [f"""\
# Kinks and edges

What a derivative is where there is none, or where its formula divides by zero. The principle: **no NaN where
a subgradient exists**, in forward mode, in reverse mode and in second derivatives; Python's numbers, NumPy's
numbers and arrays agree, and `math` with NumPy.

The tables are made from the data of the tests (`tests/kinks.py`), which check every row in both modes and to
second order. What the peers give was measured in double precision with {versions};
a dash: it has no such function, or no derivative of it.
"""]  # fmt: skip
    for title, (text, rows) in kinks.SECTIONS.items():
        lines += [f"## {title}", "", text, ""]
        lines += [
            HEAD,
            "|---|---|---|---|---|---|---|",
        ]
        for row in rows:
            peers = PEERS.get(row.key, {})
            cells = [
                f"`{row.call}`", numbers(list(row.at)), numbers(list(row.gives)), row.why,
                *(numbers(peers[p]) if p in peers else "-" for p in ("JAX", "PyTorch", "autograd")),
            ]  # fmt: skip
            lines.append("| " + " | ".join(cells) + " |")
        lines.append("")
    return "\n".join(lines)


def test_page() -> None:
    if os.environ.get("SRCDIFF_UPDATE"):
        PAGE.write_text(page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page(), "SRCDIFF_UPDATE=1 writes it anew"


# ---- random programs


POINTS = (0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 0.5, 800.0)
GENERIC = (0.3, -0.7, 1.7), (0.6, -0.4, 1.3)
UNARY = (
    "np.sqrt({})", "np.log({})", "np.exp({})", "np.sin({})", "abs({})", "np.tanh({})", "({}) ** 0.5",
    "({}) ** 2", "({}) ** 3.0", "1.0 / ({})", "np.arccos({})", "np.arcsin({})", "np.cbrt({})", "np.sinh({})",
    "np.arctan({})", "np.log1p({})", "np.maximum({}, 0.0)", "np.clip({}, -1.0, 1.0)", "np.sign({})",
    "np.floor({})", "0.5 * ({})", "({}) ** 1.5", "np.sinc({})", "-({})", "1.0 - ({})", "np.arctanh({})",
    "np.expm1({})", "np.nan_to_num({})",
)  # fmt: skip
BINARY = (
    "({}) + ({})", "({}) - ({})", "({}) * ({})", "({}) / ({})", "np.maximum({}, {})", "np.minimum({}, {})",
    "np.hypot({}, {})", "np.arctan2({}, {})", "np.logaddexp({}, {})", "np.fmax({}, {})",
)  # fmt: skip
CONDITIONS = (
    "x > 0", "x != 0", "y > 0", "y != 0", "x < 1", "np.isfinite({})", "x == y", "({}) > 0", "x < 50",
)  # fmt: skip


def drawn(rng: Any, depth: int) -> str:
    """The text of a random expression in x and y, elementwise."""
    if depth == 0:
        return str(rng.choice(["x", "y", "x", "y", "1.0", "0.5"]))
    kind = rng.integers(10)
    if kind < 4:
        return str(rng.choice(UNARY)).format(drawn(rng, depth - 1))
    if kind < 7:
        return str(rng.choice(BINARY)).format(drawn(rng, depth - 1), drawn(rng, depth - 1))
    a, b = drawn(rng, depth - 1), drawn(rng, int(rng.integers(depth)))
    return f"np.where({str(rng.choice(CONDITIONS)).format(a)}, {a}, {b})"


class Watched:
    """Values, and where all that was taken on the way to them is finite."""

    def __init__(self, value: Any, sound: Any) -> None:
        self.value, self.sound = value, sound & np.isfinite(value)


def watched(fn: Any, *args: Any) -> Any:
    values = [a.value if isinstance(a, Watched) else a for a in args]
    sounds = [a.sound if isinstance(a, Watched) else np.True_ for a in args]
    out = fn(*values)
    if out.dtype == bool:
        return out
    if fn is np.where:
        return Watched(out, np.where(values[0], sounds[1], sounds[2]))
    if fn in (np.maximum, np.minimum, np.fmax, np.clip):
        chosen = [np.where(v == out, s, True) for v, s in zip(values, sounds, strict=True)]
        return Watched(out, np.logical_and.reduce(np.broadcast_arrays(*chosen)))
    if fn is np.nan_to_num:
        return Watched(out, np.where(np.isfinite(values[0]), sounds[0], True))
    return Watched(out, np.logical_and.reduce(np.broadcast_arrays(*sounds)))


def _operator(fn: Any) -> Any:
    return lambda self, *others: watched(fn, self, *others)


def _reflected(fn: Any) -> Any:
    return lambda self, other: watched(fn, other, self)


for _name, _fn in {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.divide, "pow": np.power,
    "gt": np.greater, "lt": np.less, "ne": np.not_equal, "eq": np.equal, "abs": np.absolute,
    "neg": np.negative,
}.items():  # fmt: skip
    setattr(Watched, f"__{_name}__", _operator(_fn))
for _name, _fn in {"add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.divide}.items():
    setattr(Watched, f"__r{_name}__", _reflected(_fn))


class WatchedNumpy:
    def __getattr__(self, name: str) -> Any:
        return lambda *args: watched(getattr(np, name), *args)


def slope(f: Any, at: tuple[Any, ...], n: int, h: float) -> Any:
    moved = tuple(a + h if m == n else a for m, a in enumerate(at))
    return (f(*moved) - f(*at)) / h


PROGRAMS = int(os.environ.get("SRCDIFF_KINKS", "120"))


@pytest.mark.parametrize("seed", range(PROGRAMS))
def test_random_program(seed: int, tmp_path: Path) -> None:
    """Finite wherever a one-sided slope is finite; one number in both modes; right where it is smooth."""
    rng = np.random.default_rng(seed)
    text = drawn(rng, int(rng.integers(2, 5)))
    code = f"import numpy as np\n\n\ndef f(x, y):\n    return {text} + 0.0 * (x + y)\n\n\n"
    module = written(tmp_path / f"random_{seed}.py", code + "def total(x, y):\n    return np.sum(f(x, y))\n")
    x, y = (a.ravel() for a in np.meshgrid(*((*POINTS, *more) for more in GENERIC)))
    sound = eval(f"lambda x, y: {text}", {"np": WatchedNumpy()})(Watched(x, True), Watched(y, True))
    sound = np.broadcast_to(sound.sound if isinstance(sound, Watched) else True, x.shape)
    if not sound.any():  # a number divided by the constant zero, say
        return
    bars = grad(module.total, wrt=(0, 1))(x, y)
    for n, bar in enumerate(bars):
        ones = tuple(np.ones_like(x) if m == n else None for m in range(2))
        dot = jvp(module.f, (x, y), ones)[1]
        smooth = np.isin(x, GENERIC[0]) & np.isin(y, GENERIC[1])
        right, left = (slope(module.f, (x, y), n, h) for h in (1e-7, -1e-7))
        near = [np.abs(slope(module.f, (x, y), n, h)) < 1e3 for h in (1e-4, -1e-4)]
        given = sound & ((near[0] & (np.abs(right) < 1e3)) | (near[1] & (np.abs(left) < 1e3)))
        for name, got in (("reverse", bar), ("forward", dot)):
            bad = given & ~np.isfinite(got)
            assert not bad.any(), f"{name}: {text} at {x[bad][0]}, {y[bad][0]}: {got[bad][0]}"
        np.testing.assert_allclose(dot[given], bar[given], rtol=1e-9, atol=1e-12, err_msg=text)
        checked = smooth & given & (np.abs(right - left) < 1e-5 * (1.0 + np.abs(right)))
        np.testing.assert_allclose(bar[checked], right[checked], rtol=1e-4, atol=1e-5, err_msg=text)
        two = (np.ones_like(x), np.ones_like(x))
        second = jvp(grad(module.total, wrt=n), (x, y), two)[1][checked]
        up, down = (grad(module.total, wrt=n)(x + h, y + h)[checked] for h in (1e-6, -1e-6))
        np.testing.assert_allclose(second, (up - down) / 2e-6, rtol=1e-4, atol=1e-4, err_msg=text)


def test_nan_of_two_that_vary_is_shared_alike_by_both_modes() -> None:
    x, y = np.array([np.nan, 1.0, np.nan, 2.0]), np.array([1.0, np.nan, np.nan, 2.0])
    for fn in (np.maximum, np.minimum):

        def f(x: Any, y: Any) -> Any:
            return fn(x, y)  # noqa: B023

        for a, b in [(x, y), *zip(x.tolist(), y.tolist(), strict=True)]:
            value, pullback = vjp(f, a, b)
            bars = pullback(ones_like(value))
            for n, (one, other) in enumerate([(1.0, 3.0), (3.0, 1.0)]):
                dots = one * np.ones_like(a), other * np.ones_like(b)
                same(jvp(f, (a, b), dots)[1], dots[0] * bars[0] + dots[1] * bars[1])
                assert np.all(bars[0] + bars[1] == 1.0), n
