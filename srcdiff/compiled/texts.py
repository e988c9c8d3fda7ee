"""Small texts: what is written in kernels, without the parentheses that it does not need."""

from __future__ import annotations

import re

from srcdiff.compiled.nests import Size
from srcdiff.compiled.values import Unsupported
from srcdiff.ir.graph import (
    Atom,
    Const,
    Val,
)


def along(start: str, step: int, at: str) -> str:
    """``start + step * at``."""
    if not at or at == "0" or not step:
        return start or "0"
    if step == 1:
        return further(start, at) if start else at
    if step == -1:
        return f"{start} - {wrapped(at)}" if start else f"-{wrapped(at)}"
    return f"{start} + {step} * {wrapped(at)}" if start else f"{step} * {wrapped(at)}"


def further(start: str, at: str) -> str:
    """``start + at``; numbers are put together."""
    if start.isdigit() and at.isdigit():
        return str(int(start) + int(at))
    parts = re.fullmatch(r"(\d+) \+ (\w+)", at) or re.fullmatch(r"(\w+) - (\d+)", at)
    if not parts or not start.isdigit():
        return f"{start} + {at}"
    ahead = parts[1].isdigit()
    n = int(start) + (int(parts[1]) if ahead else -int(parts[2]))
    name = parts[2] if ahead else parts[1]
    return f"{n} + {name}" if n > 0 else f"{name} - {-n}" if n else name


def wrapped(text: str) -> str:
    return text if re.fullmatch(r"\w+", text) else f"({text})"


def nesting(text: str) -> int:
    """How deep parentheses stand in each other, at most."""
    deep = level = 0
    for c in re.findall(r"[()]", text):
        level += 1 if c == "(" else -1
        deep = max(deep, level)
    return deep


def bare(text: str) -> str:
    """A text without parentheses around the whole of it."""
    while text.startswith("(") and text.endswith(")"):
        level = 0
        for n, c in enumerate(text):
            level += (c == "(") - (c == ")")
            if not level and n < len(text) - 1:
                return text
        if "," in text and not re.search(r"\w\(", text):
            return text
        if " if " in text:  # more may be written behind it
            return text
        text = text[1:-1]
    return text


def cast(text: str, of: str, to: str) -> str:
    """A number of one dtype as one of another."""
    if of == to:
        return text
    if to == "c16":
        return f"complex({bare(cast(text, of, 'f8'))}, 0.0)"
    if of == "c16" and to != "b1":
        raise Unsupported(None, "complex numbers where real ones are meant")
    if to == "f8":
        if re.fullmatch(r"\(?-?\d+\)?", text):
            return text.rstrip(")") + ".0" + (")" if text.endswith(")") else "")
        return f"(1.0 if {bare(text)} else 0.0)" if of == "b1" else f"float({bare(text)})"
    if to == "f4":
        return f"np.float32({bare(text)})"
    if to == "i8":
        return f"int({bare(text)})"
    return f"({text} != 0)"


def power(exponent: Atom, template: str, many: bool = False) -> str:
    """Powers by small constants, as NumPy does them; ``many``: of elements, halves of odd numbers too."""
    if isinstance(exponent, Const):
        e = exponent.value
        if many and isinstance(e, float) and 2 * e in (-7, -5, -3, -1, 1, 3, 5, 7):
            base = "({0} + 0.0)"  # of -0.0 the powers are positive
            product = " * ".join([f"math.sqrt{base}", *[base] * int(abs(e))])
            return f"(1.0 / ({product}))" if e < 0 else f"({product})"
        if exponent.value == 2:
            return "({0} * {0})"
        if e in (-3, -2, -1, 3, 4, 5, 6):  # (of e * log(x) the error is larger, and the time)
            product = " * ".join(["({0} * {0})"] * int(abs(e) // 2) + ["{0}"] * int(abs(e) % 2))
            return f"(1.0 / ({product}))" if e < 0 else f"({product})"
        if exponent.value == 1:
            return "{0}"
        if exponent.value == 0.5:
            return template
    return template


def template_arity(template: str) -> int:
    return 1 + max(int(n) for n in re.findall(r"\{(\d)\}", template))


def range_of(header: list[str], rev: bool) -> str:
    start, stop, step = map(bare, header)
    if rev and all(re.fullmatch(r"-?\d+", x) for x in (start, stop, step)):
        back = range(int(start), int(stop), int(step))[::-1]
        return f"range({back.start}, {back.stop}, {back.step})"
    if not rev:
        if step != "1":
            return f"range({start}, {stop}, {step})"
        return f"range({stop})" if start == "0" else f"range({start}, {stop})"
    if step == "1":
        return f"range({stop} - 1, {int(start) - 1 if start.isdigit() else f'{start} - 1'}, -1)"
    last = f"{start} + (len(range({start}, {stop}, {step})) - 1) * ({step})"
    return f"range({last}, {start} - ({step}), -({step}))"


def is_move(lines: list[str], names: dict[Val, str]) -> bool:
    (name,) = names.values()
    return len(lines) == 1 and lines[0].strip().startswith(f"{name} = ")


def value_of(lines: list[str]) -> str:
    return lines[0].strip().split(" = ", 1)[1]


def minus(high: Size, low: Size, n: Size) -> Size:
    """The size of a slice."""
    if not low.text and not high.text:
        d = max(high.offset - low.offset, 0)
        return Size("", d, d)
    if not low.text:
        return high.plus(-low.offset)
    if high.text == low.text:
        d = high.offset - low.offset
        return Size("", d, d)
    return Size(f"({high} - {low})", 0, None)


def atleast(s: Size) -> str:
    """A size as a number that is not negative."""
    if s.offset >= 0 and re.fullmatch(r"(\w+\.shape\[\d+\]|\d*|max\([^()]*, 0\))", s.text):
        return bare(str(s))
    return f"max({bare(str(s))}, 0)"
