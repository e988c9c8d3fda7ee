"""Where the time and the memory of a derivative go: the clock on lines, the report, how it prints."""

from __future__ import annotations

import math

import numpy as np
import pytest

import srcdiff
from srcdiff import grad, hessian, hvp, jacobian, profiles, report, tape, taylor, vmap
from srcdiff.lineclock import Clocked


@pytest.fixture(autouse=True)
def few_rounds(monkeypatch):
    monkeypatch.setattr(profiles, "BUDGET", 0.02)


TEXT = '''
def helper(x):
    """Not a statement."""
    return x + 1


def f(n, data):
    out = []
    for i in range(n):
        if i % 3 == 0:
            continue
        elif i == 7:
            break
        out.append(helper(i))
    else:
        out.append(-1)
    while len(out) < 9:
        out.append(0)
    try:
        out[100]
    except IndexError:
        out.append(len(data))
    total = sum(data @ data for _ in range(20))
    with open(__file__) as g:
        g.readline()
    return out, total
'''


def relax(x, n):
    for _ in range(n):
        x = x + 0.1 * np.sin(x)
    y = np.sum(x)
    return y * y


def scalar(x):
    y = math.sin(x)
    return y * y


def writes(x):
    x[0] = x[1] * 2.0
    return x[0] * np.sum(x)


def product(w, x):
    return np.tanh(w @ x)


def layered(w, x):
    h = product(w, x)
    return np.sum(h < 0.5) + np.sum(h)


def heavy(a, x):
    b = a @ a @ a @ a
    c = x + 1.0
    return np.sum(b) * np.sum(c)


def test_the_clock_counts_each_statement(tmp_path):
    file = tmp_path / "text.py"
    file.write_text(TEXT)
    space = {"__file__": str(file)}
    exec(compile(TEXT, str(file), "exec"), space)
    data = np.ones((250, 250))
    clocked = Clocked(space["f"], TEXT)
    clocked(5, data)  # (what is read for the first time takes its time)
    clocked.clear()
    out, total = clocked(5, data)
    expected, there = space["f"](5, data)
    assert out == expected
    np.testing.assert_array_equal(total, there)
    lines = {t.strip(): n for n, t in enumerate(TEXT.splitlines(), 1)}
    counts = clocked.counts
    assert counts[lines["return x + 1"]] == 3
    assert counts[lines["for i in range(n):"]] == 5 + 1
    assert counts[lines["while len(out) < 9:"]] == 5 + 1
    assert counts[lines["try:"]] == 1 and lines["out[100]"] not in counts  # (it raises)
    assert counts[lines["total = sum(data @ data for _ in range(20))"]] == 1
    assert '"""Not a statement."""' in TEXT and 3 not in counts
    assert max(clocked.spent, key=clocked.spent.get) == lines["total = sum(data @ data for _ in range(20))"]
    clocked.clear()
    assert clocked.counts == {}
    clocked(8, data)
    assert lines["out.append(-1)"] not in clocked.counts  # the loop was left by break


def test_functions_with_decorators_stay_what_they_are():
    text = "@same\ndef kernel(x):\n    return 2 * x\n\n\ndef f(x):\n    return kernel(x)\n"
    space = {"same": lambda f: f}
    exec(text, space)
    clocked = Clocked(space["f"], text)
    assert clocked(3) == 6
    assert list(clocked.counts) == [7]


def test_lines_of_a_loop():
    x = np.ones(200)
    found = report(grad(relax), x, 30)
    assert [r.text for r in found][:3] == ["for _ in range(n):", "x = x + 0.1 * np.sin(x)", "y = np.sum(x)"]
    loop, step, total, last = found
    assert (loop.runs, step.runs, total.runs) == (31, 30, 1)
    assert step.status == "exact" and loop.saves == (("x", "per trip"),)
    assert step.forward > 0 and step.backward > 0 and last.backward > 0
    assert 30 * 200 * 8 < found.bytes <= tape(relax, x, 30).bytes  # a pullback keeps its value too
    assert step.bytes > 0.9 * found.bytes
    assert found.seconds > 0 and found.primal > 0
    spent = found.forward + found.backward + found.rest
    assert 0.2 * found.seconds < spent < 5 * found.seconds


def test_the_line_that_costs_is_the_one_that_is_said_to():
    found = report(grad(heavy, wrt="x"), np.ones((120, 120)), np.ones(3))
    cost = {r.text: r.seconds for r in found}
    assert cost["b = a @ a @ a @ a"] > 0.5 * sum(cost.values())


def test_functions_read_in_place_have_lines():
    found = report(grad(layered), np.eye(3), np.ones(3))
    assert [r.text for r in found] == [
        "h = product(w, x)", "return np.sum(h < 0.5) + np.sum(h)", "return np.tanh(w @ x)",
    ]  # fmt: skip
    inner = found.lines[2]
    assert inner.runs == 1 and inner.forward > 0 and inner.backward > 0


def test_forward_mode_keeps_nothing():
    found = report(grad(scalar), 0.3)
    assert found.bytes == 0 and found.backward == 0 and found.forward > 0
    assert all(r.saves == () and r.status in ("exact", "constant") for r in found)


def test_arguments_are_left_alone():
    x = np.array([1.0, 2.0, 3.0])
    found = report(grad(writes), x)
    assert x.tolist() == [1.0, 2.0, 3.0]
    assert found.lines[0].runs == 1


@pytest.mark.parametrize(
    "derivative, arguments",
    [
        (hessian(relax), (np.ones(3), 2)),
        (hvp(relax), (np.ones(3), 2, np.ones(3))),
        (jacobian(np.sin), (np.ones(3),)),
        (jacobian(lambda x: x * np.sum(x)), (np.ones(3),)),
        (taylor(scalar, 2), (0.5, 1.0)),
        (vmap(scalar), (np.ones(4),)),
        (grad(grad(scalar)), (0.5,)),
        (grad(relax, memory="30 kB"), (np.ones(100), 40)),
    ],
    ids=lambda x: getattr(x, "mode", ""),
)
def test_every_derivative_has_a_report(derivative, arguments):
    found = report(derivative, *arguments)
    assert found.forward + found.backward + found.rest > 0
    assert derivative.mode in found.title
    for r in found:
        assert r.text in str(found) or len(r.text) > 45


def test_it_prints():
    found = report(grad(layered), np.eye(3), np.ones(3))
    text = found.plain()
    assert text.splitlines()[0] == "grad of layered with respect to w"
    assert "its value is not computed" in text
    assert "a call" in text.splitlines()[-1] and "kept" in text.splitlines()[-1]
    page = found.html()
    assert page == found._repr_html_()
    assert page.startswith("<table") and page.endswith("</table>")
    assert "np.sum(h &lt; 0.5)" in page and "h < 0.5" not in page
    assert page.count("<tr>") == 1 + 1 + 3 + 1  # heads, file, statements, sums
    assert found.__rich__().row_count == 1 + 3


def test_what_is_no_derivative_is_refused():
    with pytest.raises(srcdiff.DerivativeTypeError, match=r"report needs a derivative, not a function"):
        report(relax, np.ones(3), 2)


def test_kernels_count_as_one():
    pytest.importorskip("numba")
    found = report(grad(relax, backend="numba"), np.ones(50), 10)
    (kernel,) = found.kernels
    first = relax.__code__.co_firstlineno
    assert kernel.both and {n - first for _, n in kernel.lines} >= {1, 2}
    assert kernel.seconds > 0.3 * (found.forward + found.backward + found.rest)
    assert found.lines[1].fused == (kernel.name,) and found.lines[1].seconds == 0
    assert f"kernel {kernel.name}" in str(found) and "both sweeps" in found.html()
