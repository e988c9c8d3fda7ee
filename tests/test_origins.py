"""Statements of the user's, in the order of the user's file."""

from __future__ import annotations

from srcdiff.ir.graph import Origin
from srcdiff.ir.origins import in_order


def at(line: int, text: str, indent: int, function: int = 1, adjoint: bool = False) -> Origin:
    return Origin("file.py", line, text, indent=indent, function=function, adjoint=adjoint)


def test_in_order() -> None:
    loop = [at(5, "s += x", 8), at(4, "for i in range(n):", 4), at(6, "t = s", 4)]
    assert in_order(loop) == ["for i in range(n):", "    s += x", "t = s"]
    assert in_order([*loop, *loop]) == in_order(loop)


def test_functions() -> None:
    """The function that is called later comes later; gone back over, they are met the other way round."""
    met = [at(22, "y = g(x)", 4, 20), at(2, "return x * x", 4, 1), at(23, "return y", 4, 20)]
    lines = ["y = g(x)", "return y", "return x * x"]
    assert in_order(met) == lines
    back = [at(o.line, o.text, o.indent, o.function, adjoint=True) for o in reversed(met)]
    assert in_order(back) == lines
    assert in_order([*met[1:], *back]) == ["return x * x", "y = g(x)", "return y"]
