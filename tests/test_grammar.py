"""Every row of the language table does what it says, every node of Python's grammar is in it, and the page is
the table."""

from __future__ import annotations

import ast
import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

import numeric
from grammar import NOT_MADE, PAGE, ROWS, WORKS, Row, page
from srcdiff import grad, jvp
from srcdiff.errors import SrcdiffError

HERE = [r for r in ROWS if sys.version_info >= r.since]


def function(row: Row, folder: Path) -> Any:
    """The function ``f`` of a row's program, as a module of its own."""
    file = folder / "program.py"
    file.write_text(row.text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(f"row{ROWS.index(row)}", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.f


def state(f: Any) -> dict[str, Any]:
    return {k: repr(v) for k, v in f.__globals__.items() if isinstance(v, (int, float, str, list, dict))}


@pytest.mark.parametrize("row", HERE, ids=lambda r: r.feature)
def test_row(row: Row, tmp_path: Path) -> None:
    f = function(row, tmp_path)
    if row.outcome != WORKS:
        with pytest.raises(SrcdiffError) as e:
            grad(f)(*row.args)
        problem = e.value.problems[0]
        assert problem.slug == row.outcome, str(e.value)
        assert problem.file.endswith("program.py") and problem.line and problem.what, str(e.value)
        return
    before = state(f)
    g = grad(f)(*row.args)
    _, y_dot = jvp(f, row.args, (numeric.unravel(numeric.ravel(row.args[0]) * 0.0 + 1.0, row.args[0]),
                                 *(None,) * (len(row.args) - 1)))  # fmt: skip
    assert state(f) == before, "the derivative changed the world"

    def fresh(*args: Any) -> Any:  # a program that writes to the world starts from the same one each time
        return function(row, tmp_path)(*args)

    (expected,) = numeric.gradient(fresh, row.args, (0,))
    numeric.assert_close(g, expected, 1e-7)
    numeric.assert_close(y_dot, float(numeric.ravel(expected).sum()), 1e-7)


def test_every_node_is_in_the_table() -> None:
    """A new node of Python's grammar needs a row that uses it."""
    used = {type(n).__name__ for r in HERE for n in ast.walk(ast.parse(r.text))}

    def concrete(cls: type) -> set[str]:
        below = [c for c in cls.__subclasses__() if c.__module__ in ("ast", "_ast")]
        own = set() if any(c.__module__ == "_ast" or c.__module__ == "ast" for c in below) else {cls.__name__}
        return own.union(*map(concrete, below)) if below else own

    missing = concrete(ast.AST) - used - NOT_MADE
    assert not missing, f"no row of tests/grammar.py uses {sorted(missing)}"


def test_page() -> None:
    """docs/language.md is made from the table: run `python tests/grammar.py` after changing it."""
    assert PAGE.read_text(encoding="utf-8") == page()
