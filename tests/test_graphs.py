"""Derivatives as CUDA graphs, on the stand-in for CuPy (``mirror_graphs.py``)."""

from __future__ import annotations

import copy
import os
import zlib
from typing import Any

import cupy_mirror as cp
import device
import mirror_graphs as graphs
import numpy as np
import pytest

import numeric
from corpus.program import Program
from srcdiff import captured, grad, hessian, report, sparse_hessian, sparse_jacobian, value_and_grad
from srcdiff.errors import DerivativeTypeError, DerivativeValueError, SrcdiffError

ALL = bool(os.environ.get("SRCDIFF_ALL"))
SOME = [p for p in device.ON_DEVICE if ALL or zlib.crc32(p.name.encode()) % 19 == 0]
# what is captured holds wrong numbers, of which the factor of Cholesky is not there
SOME = [p for p in SOME if p.name not in device.REFUSED and p.name != "jitter_while"]
R = np.random.default_rng(3)
# why also programs are refused that ask for no value in so many words: masks, and factors of what is captured
SAID = ("numbers of the host", "in place", "no argument is an array", "the host asks", "positive definite")


def other(tree: Any) -> Any:
    """The same structure with other arrays, of floats."""

    def change(a: Any) -> Any:
        return cp.ndarray(a * 1.0625 if a.dtype.kind in "fc" else a.copy())

    return cp.to_device(tree, change)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("program", SOME, ids=lambda p: p.name)
def test_programs(program: Program) -> None:
    """A graph gives for other arrays what the derivative does."""
    plain = grad(program.function, wrt=program.wrt_option)
    g = captured(plain)
    for change in (cp.to_device, other, cp.to_device):
        args = [change(a) for a in copy.deepcopy(program.args)]
        kwargs = {k: change(a) for k, a in program.kwargs.items()}
        before = copy.deepcopy(args)
        try:
            got = g(*args, **kwargs)
        except SrcdiffError as e:
            assert e.problems[0].slug == "graph"
            assert not device.is_silent(program) or any(w in str(e) for w in SAID), str(e)
            return
        wanted = plain(*args, **kwargs)
        numeric.assert_close(device_host(got), device_host(wanted), 1e-12)
        numeric.assert_close(device_host(args), device_host(before), 0.0)
    assert g.graphs == 1


def device_host(tree: Any) -> Any:
    return cp.to_host(tree)


def loss(w, X, y, n=3):
    h = X @ w
    for _ in range(n):
        h = np.tanh(h) + 0.1 * h
    return np.mean((h - y) ** 2)


def numbers() -> tuple[Any, ...]:
    return R.normal(size=4), R.normal(size=(5, 4)), R.normal(size=5)


def test_results_are_their_own() -> None:
    """What a call gave is not changed by the next; one array in two places is two."""
    plain = value_and_grad(loss, wrt=(0, 1))
    g = captured(plain)
    a, b = numbers(), numbers()
    first = g(*cp.to_device(a))
    second = g(*cp.to_device(b))
    numeric.assert_close(cp.to_host(first), plain(*a), 1e-12)
    numeric.assert_close(cp.to_host(second), plain(*b), 1e-12)
    twice = captured(grad(lambda x, y: np.sum(x * y), wrt=(0, 1)))
    x, y = cp.to_device((a[0], b[0]))
    twice(x, x)
    numeric.assert_close(cp.to_host(twice(x, y)), (b[0], a[0]), 1e-12)


def test_one_graph_for_each_shape_and_whole_number() -> None:
    g = captured(grad(loss))
    w, X, y = numbers()
    for n in (3, 4, 3):
        for rows in (5, 2, 5):
            got = g(*cp.to_device((w, X[:rows], y[:rows])), n)
            numeric.assert_close(cp.to_host(got), grad(loss)(w, X[:rows], y[:rows], n), 1e-12)
    assert g.graphs == 4
    for n in range(5, 30):
        g(*cp.to_device((w, X, y)), n)
    assert g.graphs == 16


def test_structures() -> None:
    def f(params, X):
        return np.sum(np.tanh(X @ params["W"][0]) * params["b"])

    g = captured(hessian(lambda b, p, X: f({**p, "b": b}, X) ** 2))
    for seed in (0, 1):
        r = np.random.default_rng(seed)
        given = r.normal(size=2), {"W": [r.normal(size=(3, 2))]}, r.normal(size=(4, 3))
        wanted = hessian(lambda b, p, X: f({**p, "b": b}, X) ** 2)(*given)
        numeric.assert_close(cp.to_host(g(*cp.to_device(given))), wanted, 1e-10)


OUTSIDE = cp.asarray([1.0, 2.0, 3.0])


def scaled(x):
    return np.sum(x * x * OUTSIDE)


def test_what_is_read_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    g = captured(grad(scaled))
    x = cp.asarray(np.ones(3))
    numeric.assert_close(cp.to_host(g(x)), np.array([2.0, 4.0, 6.0]), 1e-12)
    monkeypatch.setitem(globals(), "OUTSIDE", cp.asarray([3.0, 2.0, 1.0]))
    numeric.assert_close(cp.to_host(g(x)), np.array([6.0, 4.0, 2.0]), 1e-12)
    assert g.graphs == 1


def test_streams() -> None:
    """A graph is run on the stream of the call, after its last run; noted on another than the default."""
    g = captured(grad(scaled))
    x, own = cp.asarray(np.ones(3)), graphs.Stream()
    with own:
        g(x)
    assert graphs.LAUNCHES[-1] is own
    graphs.ORDER.clear()
    g(x)
    assert graphs.LAUNCHES[-1].ptr == 0
    assert [word for word, _, _ in graphs.ORDER] == ["wait", "record"]
    assert len({id(event) for _, _, event in graphs.ORDER}) == 1
    with own:  # a call in the caller's own graph is a part of that
        with graphs.using_allocator(None):
            own.begin_capture()
            inside = g(x * 2.0)
            graph = own.end_capture()
        graph.launch()
    numeric.assert_close(cp.to_host(inside), np.array([4.0, 8.0, 12.0]), 1e-12)


def branches(x):
    if np.sum(x) > 0:
        return np.sum(x**2)
    return np.sum(x)


def converts(x):
    return np.sum(x * x) * float(x[0])


def makes(x):
    return np.sum(x * np.array([1.0, 2.0, 3.0]))


def writes(x):
    x[0] = 2.0
    return np.sum(x * x)


def rate(x, a):
    return np.sum(x * x) * a


@pytest.mark.parametrize(("f", "words"), [
    (branches, "the host asks for a value of the device"),
    (makes, "numbers of the host are copied to the device"),
    (writes, "the function writes to x in place"),
])  # fmt: skip
def test_refusals(f: Any, words: str) -> None:
    with pytest.raises(DerivativeValueError, match=words):
        captured(grad(f))(cp.asarray(np.ones(3)))
    cp.asarray([1.0, 2.0])  # as before
    assert float(cp.asarray(1.0)) == 1.0


def test_numbers_that_change() -> None:
    g, x = captured(grad(rate)), cp.asarray(np.ones(3))
    g(x, 0.1)
    g(x, 0.1)
    with pytest.raises(DerivativeValueError, match=r"'a' is 0.2, and was 0.1 when the graph was made"):
        g(x, 0.2)
    numeric.assert_close(cp.to_host(g(x, cp.asarray(0.2))), 0.4 * np.ones(3), 1e-12)


def test_what_is_no_graph() -> None:
    with pytest.raises(DerivativeTypeError, match="captured needs a derivative"):
        captured(scaled)
    with pytest.raises(DerivativeValueError, match="no argument is an array of CuPy's"):
        captured(grad(loss))(*numbers())
    assert "graphs of <grad of loss" in repr(captured(grad(loss)))


# ---- what else asks for the device


def relax(x, n):
    for _ in range(n):
        x = x + 0.1 * np.sin(x)
    y = np.sum(x)
    return y * y


def test_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """Times are those between events behind the statements; what is new is told by the memory's hook."""
    monkeypatch.setattr("srcdiff.profiles.BUDGET", 0.01)
    x, n = np.ones(1000), 5
    found = report(grad(relax), cp.asarray(x), n)
    step = next(r for r in found if "np.sin" in r.text)
    assert found.device and found.host > 0 and found.seconds > 0
    assert step.forward > 0 and step.backward > 0 and step.runs == n
    assert step.new >= 2 * n * x.nbytes and f"{step.new / 1000:.0f} kB new" in str(found)
    assert abs(found.bytes - report(grad(relax), x, n).bytes) < 200  # (a number is an array of none)
    assert "on the device" in found.footer and not report(grad(relax), x, n).device
    assert not cp.HOOKS


def test_report_has_ranges_of_the_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """One range of NVTX for each statement, by the user's line; each ends before the next begins."""
    monkeypatch.setattr("srcdiff.profiles.BUDGET", 0.01)
    graphs.RANGES.clear()
    found = report(grad(relax), cp.asarray(np.ones(10)), 3)
    begun, ended = graphs.RANGES[::2], graphs.RANGES[1::2]
    assert begun and all(begun) and not any(ended)
    step = next(r for r in found if "np.sin" in r.text)
    ways = [b for b in begun if b.startswith(f"test_graphs.py:{step.line} {step.text[:20]}")]
    assert any(b.endswith(" (back)") for b in ways) and any(not b.endswith(" (back)") for b in ways)
    with pytest.raises(ZeroDivisionError):
        report(grad(failing), cp.asarray(np.ones(3)), 0)
    assert graphs.RANGES[-1] == ""


def failing(x, n):
    y = np.sin(x)
    return np.sum(y) * (1 // n)


def test_memory() -> None:
    """A budget of memory holds for arrays of a device as for NumPy's."""
    x, n = np.linspace(0.0, 1.0, 1000), 60
    d = grad(relax, memory="150 kB")
    numeric.assert_close(cp.to_host(d(cp.asarray(x), n)), grad(relax)(x, n), 1e-12)
    plan = str(d.plan)
    d(x, n)
    assert plan == str(d.plan) and "run again" in plan


@pytest.mark.parametrize("sparse", [sparse_jacobian, sparse_hessian])
def test_sparse(sparse: Any) -> None:
    with pytest.raises(DerivativeValueError, match=r"on the host, and these are cupy_mirror's"):
        sparse(relax)(cp.asarray(np.ones(3)), 2)
