"""The report of differentiability: what it says of each statement, how it prints, the command line."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.special

import srcdiff
from srcdiff.__main__ import main

MODULE = '''import math
import numpy as np


def decay(x, k=2.0):
    y = math.exp(-k * x)
    return y * y


def refused(x):
    return eval("x")
'''


def product(a, b):
    """A product."""
    return a @ b


def recurrence(x, w, n=3):
    """A small network."""
    assert n > 0
    scale = 0.5 * n
    y = np.sin(x)
    for _ in range(n):
        y = np.tanh(product(w, y) * scale)
    if n > 100:
        print("big")
    z = y
    return np.sum(z)


def several(x):
    a = scipy.special.mathieu_a(1, x)
    b = np.sum(x)

    class Point:
        pass

    c = eval("b")
    d = b * 2.0
    return a * d * c


def reads_again(x, n):
    u = x.copy()
    for i in range(1, n):
        u[i] = np.exp(u[i]) * u[i - 1]
    return np.sum(u)


def recomputes(x, n):
    s = 0.0
    for k in range(n):
        t = x[k] * 2.0
        s = s + math.exp(t) * t
    return s


W = np.eye(3) + 0.1
X = np.array([0.1, 0.2, 0.3])


def by_text(report: srcdiff.Report) -> dict[str, srcdiff.statements.Row]:
    return {row.text: row for row in report}


def test_statements():
    report = srcdiff.check_source(recurrence, args=(X, W))
    rows = by_text(report)
    assert report.ok and not report.problems and report.known
    assert rows["assert n > 0"].status == "constant"
    assert rows["y = np.sin(x)"].status == "exact"
    tanh = rows["y = np.tanh(product(w, y) * scale)"]
    assert tanh.status == "saved" and ("y", "per trip") in tanh.saves
    assert rows["z = y"].status == "exact"  # no operation, but the derivative goes through
    assert rows["return a @ b"].status in ("exact", "saved")  # a helper, read in place
    assert 'print("big")' in rows and rows['print("big")'].status == "constant"
    assert not any('"""' in row.text for row in report)


def test_with_respect_to_another_argument():
    rows = by_text(srcdiff.check_source(recurrence, "w", (X, W)))
    assert rows["y = np.sin(x)"].status == "constant"
    assert rows["return a @ b"].status in ("exact", "saved")
    assert srcdiff.check_source(srcdiff.grad(recurrence, wrt="w")).wrt == ("w",)


def test_without_arguments():
    report = srcdiff.check_source(recurrence)
    assert report.ok and not report.known
    assert "No arguments were given" in str(report)


def test_all_problems_at_once():
    report = srcdiff.check_source(several, args=(X,))
    assert not report.ok
    assert [p.slug for p in report.problems if p.slug != "syntax"] == ["no-rule", "reflection"]
    rows = by_text(report)
    assert rows["a = scipy.special.mathieu_a(1, x)"].status == "refused"
    assert rows['c = eval("b")'].status == "refused"
    assert "write the expression" in rows['c = eval("b")'].rewrite
    assert rows["b = np.sum(x)"].status == rows["d = b * 2.0"].status == "exact"


def test_what_is_read_again_or_recomputed():
    rows = by_text(srcdiff.check_source(recomputes, args=(X, 3)))
    how = {word for row in rows.values() for _, word in row.saves}
    assert "per trip" in how or "recomputed" in how
    rows = by_text(srcdiff.check_source(reads_again, args=(X, 3)))
    assert {word for row in rows.values() for _, word in row.saves}


def test_what_it_says_is_saved_is_what_the_text_saves():
    report = srcdiff.check_source(recurrence, args=(X, W))
    text = srcdiff.source(srcdiff.grad(recurrence), X, W)
    taped = {name for row in report for name, how in row.saves if how == "per trip"}
    assert taped and all(f"{name}_saved" in text for name in taped if name != "an intermediate")


def test_text_and_table():
    report = srcdiff.check_source(several, args=(X,))
    text = str(report)
    assert text.startswith("several with respect to x\n") and "\x1b" not in text
    assert "error[reflection]" in text
    from rich.console import Console

    console = Console(width=120, force_terminal=True)
    with console.capture() as shown:
        console.print(report)
    assert "refused" in shown.get() and "\x1b" in shown.get()


def test_lambda():
    report = srcdiff.check_source(lambda x: math.sin(x) * x, args=(1.0,))
    assert len(report) == 1 and report.rows[0].status in ("exact", "saved")


def test_no_source():
    with pytest.raises(srcdiff.SourceNotFound):
        srcdiff.check_source(eval("lambda x: x"))


@pytest.mark.parametrize(("name", "status"), [("decay", 0), ("refused", 1)])
def test_command_line(tmp_path, capsys, name, status):
    (tmp_path / "model.py").write_text(MODULE)
    assert main(["check", f"{tmp_path / 'model.py'}:{name}"]) == status
    out = capsys.readouterr().out
    assert out.startswith(f"{name} with respect to x")
    assert ("refused" in out) == bool(status)


def test_command_line_of_a_module(capsys):
    assert main(["check", "corpus.helpers:logistic", "--wrt", "x"]) == 0
    assert "logistic with respect to x" in capsys.readouterr().out


def test_command_line_without_a_function():
    with pytest.raises(SystemExit, match="has no nothing"):
        main(["check", "corpus.helpers:nothing"])


def many_refusals(x):
    a = scipy.special.kv(x[0], 1.0)
    b = scipy.special.yv(x[0], 3.0)
    c = np.sum(scipy.special.jv(x, 2.0))
    d = (
        x
        + scipy.special.iv(np.sin(x), x[0])
    )
    match x[0]:
        case 1.0:
            e = eval("x")
        case _:
            e = x * scipy.special.mathieu_a(1, x)
    f = x * 2.0
    return np.sum(a * b * c * d * e * f)


def test_every_refusal_at_once():
    """Rules that refuse an option are found, too, in a function that cannot be read to its end."""
    report = srcdiff.check_source(many_refusals, args=(X,))
    refused = [r.line - many_refusals.__code__.co_firstlineno for r in report if r.status == "refused"]
    assert refused == [1, 2, 3, 4, 10, 12]
    assert all(r.reason and r.rewrite for r in report if r.status == "refused")
    rows = by_text(report)
    assert rows["f = x * 2.0"].status == "exact"
    assert "'v'" in rows["a = scipy.special.kv(x[0], 1.0)"].reason
