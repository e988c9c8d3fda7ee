"""What nests deeper than Python's own limit is made on a stack of its own; all is as before then."""

from __future__ import annotations

import linecache
import sys
import threading
from typing import Any

import numpy as np
import pytest

from srcdiff import grad, hessian
from srcdiff.deep import FRAMES, Behind, with_room
from srcdiff.errors import Problem, TooDeep, UnsupportedSyntax


def defined(name: str, text: str) -> Any:
    path = f"<{name}>"
    linecache.cache[path] = (len(text), None, text.splitlines(keepends=True), path)
    space: dict[str, Any] = {"np": np}
    exec(compile(text, path, "exec"), space)
    return space["f"]


def test_long_sums():
    n = 400
    terms = " + ".join(f"a[{i}] * a[{(i + 1) % n}]" for i in range(n))
    f = defined("long sum", f"def f(a):\n    return {terms}\n")
    a = np.linspace(0.0, 1.0, n)
    limit, size = sys.getrecursionlimit(), threading.stack_size()
    assert np.allclose(grad(f)(a), np.roll(a, 1) + np.roll(a, -1))
    assert (sys.getrecursionlimit(), threading.stack_size()) == (limit, size)


def test_calls_inside_one_another():
    n = 120
    chain = "".join(f"def g{i}(x):\n    y = x * 1.01\n    return g{i - 1}(y) + x\n" for i in range(1, n))
    f = defined("calls", f"def g0(x):\n    return np.sin(x)\n{chain}def f(x):\n    return g{n - 1}(x)\n")
    h = 1e-6
    assert np.isclose(grad(f)(0.3), (f(0.3 + h) - f(0.3 - h)) / (2 * h), rtol=1e-6)


def test_second_order():
    terms = " + ".join(f"x[0] * x[1] * {i}.0" for i in range(300))
    f = defined("second", f"def f(x):\n    return {terms}\n")
    c = sum(range(300))
    assert np.allclose(hessian(f)(np.array([2.0, 3.0])), [[0.0, c], [c, 0.0]])


def test_more_branches_than_there_are_levels_of_indentation():
    tests = "el".join(f"if x[0] < {i}.5:\n        y = x[1] * {i}.0 + 1\n    " for i in range(101))
    f = defined("branches", f"def f(x):\n    {tests}else:\n        y = x[0]\n    return y * y\n")
    with pytest.raises(UnsupportedSyntax, match="nests too deeply"):
        grad(f)(np.ones(2))


def refused() -> TooDeep:
    return TooDeep(Problem("recursion", "too deep"))


def test_what_is_too_deep_for_that_is_refused():
    seen = []

    def make() -> None:
        seen.append((threading.current_thread(), sys.getrecursionlimit()))
        raise refused()

    with pytest.raises(TooDeep):
        with_room(make)
    limit = sys.getrecursionlimit()
    assert [at for _, at in seen] == [limit, FRAMES] and seen[0][0] is not seen[1][0]


def test_errors_come_through():
    def make() -> None:
        if sys.getrecursionlimit() != FRAMES:
            raise refused()
        raise KeyError("mine")

    limit = sys.getrecursionlimit()
    with pytest.raises(KeyError, match="mine"):
        with_room(make)
    assert sys.getrecursionlimit() == limit


def test_a_lock_is_held_there_too_and_by_no_other():
    lock = Behind("of a test")
    done = []

    def make() -> str:
        with lock:
            if sys.getrecursionlimit() != FRAMES:
                raise refused()
            return "made"

    def other() -> None:
        with lock:
            done.append("other")

    with lock:
        assert with_room(make) == "made"
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(0.1)
        assert not done
    thread.join(10)
    assert done == ["other"]


def test_no_thread_to_be_had(monkeypatch):
    def start(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    def make() -> None:
        raise refused()

    size = threading.stack_size()
    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(TooDeep):
        with_room(make)
    assert threading.stack_size() == size
