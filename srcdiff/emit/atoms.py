"""How constants and operands are written."""

from __future__ import annotations

import re
from math import copysign, isfinite
from typing import Any

import gast

from srcdiff.errors import InternalError

__all__ = [
    "AND",
    "ARITH",
    "ATOM",
    "AWAIT",
    "BINARY",
    "BIT_AND",
    "BIT_OR",
    "BIT_XOR",
    "COMPARE",
    "FACTOR",
    "LOW",
    "NAMED",
    "NOT",
    "OR",
    "POWER",
    "SHIFT",
    "TERM",
    "TEST",
    "TUPLE",
    "YIELD",
    "Node",
    "constant_text",
    "docstring",
    "hugs_exponent",
    "hugs_power",
    "is_negative",
    "is_string",
]


Node = Any  # gast is untyped


(LOW, NAMED, TUPLE, YIELD, TEST, OR, AND, NOT, COMPARE, BIT_OR, BIT_XOR, BIT_AND, SHIFT, ARITH, TERM, FACTOR,
 POWER, AWAIT, ATOM) = range(19)  # fmt: skip

BINARY = {
    "Add": ("+", ARITH),
    "Sub": ("-", ARITH),
    "Mult": ("*", TERM),
    "MatMult": ("@", TERM),
    "Div": ("/", TERM),
    "FloorDiv": ("//", TERM),
    "Mod": ("%", TERM),
    "LShift": ("<<", SHIFT),
    "RShift": (">>", SHIFT),
    "BitOr": ("|", BIT_OR),
    "BitXor": ("^", BIT_XOR),
    "BitAnd": ("&", BIT_AND),
    "Pow": ("**", POWER),
}


def is_string(statement: Node) -> bool:
    """Whether a statement is a string: a docstring, if it comes first."""
    return (
        isinstance(statement, gast.Expr)
        and isinstance(statement.value, gast.Constant)
        and isinstance(statement.value.value, str)
    )


def docstring(text: str) -> str:
    """The string in triple quotes, if it can be printed so without changing it."""
    if not all(c in "\n\t" or c.isprintable() for c in text):
        return repr(text)
    return '"""' + re.sub(r'"(?=""|\Z)', r"\\" + '"', text.replace("\\", "\\\\")) + '"""'


def hugs_power(node: Node) -> bool:
    """Whether an operand of ``**`` is simple enough to be written without spaces: ``self.x**2``."""
    while isinstance(node, gast.Attribute):
        node = node.value
        if isinstance(node, gast.Constant):
            return False
    if isinstance(node, gast.Constant):
        return (
            isinstance(node.value, (int, float))
            and abs(node.value) < float("inf")
            and not is_negative(node.value)
        )
    return isinstance(node, gast.Name)


def hugs_exponent(node: Node) -> bool:
    """The same for an exponent, which may have a minus: ``x**-2``."""
    if isinstance(node, gast.UnaryOp) and isinstance(node.op, gast.USub):
        node = node.operand
    elif isinstance(node, gast.Constant) and is_negative(node.value):
        return True
    return hugs_power(node)


def is_negative(value: object) -> bool:
    """Whether the text of a constant starts with a minus."""
    if isinstance(value, float):
        return isfinite(value) and copysign(1.0, value) < 0
    return isinstance(value, int) and value < 0


def real_text(value: float, callable_inf: bool) -> str:
    """A float; infinity and nan as calls, except in a pattern, where a call would mean something else."""
    text = float.__repr__(value)
    if isfinite(value):
        return text
    return f"float({text!r})" if callable_inf else text.replace("inf", "1e309")


def complex_text(value: complex, callable_inf: bool) -> str:
    """A complex number; as a call unless it is a plain imaginary one."""
    plain = value.real == 0 and copysign(1.0, value.real) > 0 and copysign(1.0, value.imag) > 0
    if plain and (isfinite(value.imag) or not callable_inf):
        return complex.__repr__(value).replace("inf", "1e309")
    return f"complex({real_text(value.real, True)}, {real_text(value.imag, True)})"


def constant_text(value: object, callable_inf: bool = True) -> str:
    """The literal of a constant."""
    if value is Ellipsis:
        return "..."
    if value is None or isinstance(value, (bool, str, bytes)):
        return repr(value)
    if isinstance(value, int):
        return int.__repr__(value) if value.bit_length() < 12_000 else hex(value)
    if isinstance(value, float):
        return real_text(value, callable_inf)
    if isinstance(value, complex):
        return complex_text(value, callable_inf)
    if isinstance(value, tuple):
        items = [constant_text(item) for item in value]
        return "(" + ", ".join(items) + ("," if len(items) == 1 else "") + ")"
    raise InternalError(f"a constant of type {type(value).__name__} has no literal: {value!r}")
