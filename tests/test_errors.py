"""The texts of errors: each slug has an entry, each example raises its message, each rewrite works."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest
from errors.entries import ENTRIES, PENDING, Entry
from errors.page import PAGE, message, page, run

import numeric
import srcdiff
from srcdiff.differentiate.problems import LOST
from srcdiff.faults import guarded

ROOT = Path(srcdiff.__file__).parent
MAKERS = {"stop", "problem", "Problem", "refuse", "refuse_value"}
# bugs of ours, rules that do not hold to their form, texts without a slug, and what no known program raises
OF_THE_MAKER = {"capture", "error", "internal", "loop"}


def slugs() -> set[str]:
    """The slugs of all problems in the source."""
    found = {slug for slug, *_ in LOST.values()}
    for file in ROOT.rglob("*.py"):
        for n in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(n, ast.Call) and n.args:
                name = n.func.attr if isinstance(n.func, ast.Attribute) else getattr(n.func, "id", "")
                first = n.args[0]
                if name in MAKERS and isinstance(first, ast.Constant) and isinstance(first.value, str):
                    found.add(first.value)
    return found


def test_every_slug_has_an_entry():
    written = {e.slug for e in ENTRIES}
    missing = slugs() - written - PENDING - OF_THE_MAKER - {""}
    assert not missing, f"write an entry in tests/errors/entries.py for {sorted(missing)}"


def test_no_entry_is_left_over():
    left = {e.slug for e in ENTRIES} - slugs()
    assert not left, f"the source does not raise {sorted(left)} any more: drop the entry"


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: e.slug)
def test_example(entry: Entry):
    text = message(entry)
    assert f"error[{entry.slug}]: " in text and text.count("error[") == 1
    assert text.endswith(f"= see:  docs/errors.md#{entry.slug}")
    assert "= help: " in text


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: e.slug)
def test_rewrite(entry: Entry):
    space, gradient = run(entry.rewrite, "rewrite.py")
    if gradient is None:
        assert "assert " in entry.rewrite
        return
    last = ast.parse(entry.rewrite.strip()).body[-1]
    assert isinstance(last, ast.Expr) and isinstance(last.value, ast.Call)
    arguments = [eval(ast.unparse(a), space) for a in last.value.args]
    (expected,) = numeric.gradient(space["f"], arguments, (0,))
    numeric.assert_close(gradient, expected, 1e-6, entry.slug)


def test_page():
    assert PAGE.read_text(encoding="utf-8") == page(), "run python tests/errors/page.py and read what changed"


# ---- faults of ours ---------------------------------------------------------------------------------


class Signal(Exception):
    pass


def test_a_fault_of_ours_says_so():
    @guarded(Signal)
    def stage(f):
        return {}["x3"]

    def model(x):
        return x

    with pytest.raises(srcdiff.errors.InternalError, match="bug in srcdiff") as e:
        stage(model)
    assert "model" in str(e.value) and isinstance(e.value.__cause__, KeyError)


def test_signals_and_errors_pass():
    @guarded(Signal)
    def stage(e):
        raise e

    for error in (Signal(), srcdiff.NoRule("no")):
        with pytest.raises(type(error)):
            stage(error)


def test_too_deep():
    deep = "x" + " + x" * 5000
    space: dict[str, object] = {}
    import linecache

    text = f"def f(x):\n    return {deep}\n"
    linecache.cache["<deep>"] = (len(text), None, text.splitlines(True), "<deep>")
    try:
        exec(compile(text, "<deep>", "exec"), space)
    except RecursionError:
        pytest.skip("too deep for Python itself")
    try:
        assert srcdiff.grad(space["f"])(1.0) == 5001.0
    except (srcdiff.UnsupportedSyntax, srcdiff.SourceNotFound) as e:
        assert "deeply" in str(e) or "source" in str(e)


# ---- errors of the program's own --------------------------------------------------------------------


def product(a, b):
    return a @ b


def layered(x, w):
    y = x * 2.0
    for _ in range(3):
        y = product(w, y)
    return y.sum()


@pytest.mark.skipif(not hasattr(Exception, "add_note"), reason="notes are new in Python 3.11")
def test_an_error_of_the_program_leads_to_its_line():


    w = np.ones((2, 3))
    calls = [
        lambda: srcdiff.grad(layered)(np.ones(3), w),
        lambda: srcdiff.vjp(layered, np.ones(3), w),
        lambda: srcdiff.jvp(layered, (np.ones(3), w), (np.ones(3), None)),
    ]
    line = layered.__code__.co_firstlineno - 3
    for call in calls:
        with pytest.raises(ValueError, match="matmul") as e:
            call()
        (note,) = e.value.__notes__
        assert note == f"srcdiff: in {__file__}:{line}\n    return a @ b"


def test_arguments_of_a_derivative_read_like_pythons_own():
    with pytest.raises(TypeError, match=r"layered\(\): missing a required argument: 'w'"):
        srcdiff.grad(layered)(1.0)


# ---- results whose kind is not known before the function runs ---------------------------------------


def grows(x, n):
    y = x
    for _ in range(n):
        y = np.stack([y, y])
    return y


def either(x):
    return np.array([x * x, x]) if x > 1.0 else x * x * x


def nested(x, n):
    y = x
    for _ in range(n):
        y = {"a": y}
    return y["a"]


@pytest.mark.parametrize(
    ("f", "args", "thing"),
    [(grows, (2.0, 2), r"shape \(2, 2\)"), (either, (2.0,), r"shape \(2,\)"), (nested, (2.0, 3), "a dict")],
)
def test_a_result_that_turns_out_to_be_no_number(f, args, thing):
    with pytest.raises(TypeError, match=f"grad of {f.__name__} needs a single number.*{thing}"):
        srcdiff.grad(f)(*args)


def test_a_result_that_turns_out_to_be_a_number():
    assert srcdiff.grad(grows)(2.0, 0) == 1.0
    assert srcdiff.grad(either)(0.5) == 0.75
    assert srcdiff.grad(srcdiff.grad(either))(0.5) == 3.0
    assert srcdiff.value_and_grad(either)(0.5) == (0.125, 0.75)
    assert srcdiff.grad(nested)(2.0, 1) == 1.0
