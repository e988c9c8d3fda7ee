"""Differences along an axis: ``np.diff``, ``np.gradient``, and what comes back from the second."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from srcdiff.compiled.arrangements import new, number, options, part
from srcdiff.compiled.lower import Lowerer
from srcdiff.compiled.margins import HELPERS
from srcdiff.compiled.nests import Size
from srcdiff.compiled.operations import HANDLERS
from srcdiff.compiled.texts import bare
from srcdiff.compiled.values import View
from srcdiff.ir.graph import Atom, Const, Op, Slice, Struct, is_none

__all__ = ["HELPERS"]

MOST = 4  # how often differences of differences are taken


def diff(lw: Lowerer, op: Op, names: Any) -> None:
    given = options(lw, op, names, ("a", "n", "axis"))
    r = lw.view(given["a"])
    order = number(lw, given.get("n"), 1)
    if not 0 < order <= MOST or r.dtype == "b1":
        raise lw.no("np.diff with options")
    k = number(lw, given.get("axis"), -1) % len(r.sizes)
    ends = [(j, j - order or None) for j in range(order + 1)]
    shifted = [lw.sliced(r, k, Slice(Const(a), Const(b), Const(None))) for a, b in ends]
    lw.result(op, [*shifted], between)


def between(t: list[str]) -> str:
    """The difference of neighbours, as often as there are more of these."""
    while len(t) > 1:
        t = [f"({b} - {a})" for a, b in pairwise(t)]
    return t[0]


def along(lw: Lowerer, r: View, axis: Atom | None, order: Atom | None) -> tuple[int, Size]:
    """The axis along which the slope is asked for, and its size, which is two or more."""
    if axis is None or is_none(axis):
        k = 0
        if len(r.sizes) != 1:
            raise lw.no("np.gradient along several axes")
    else:
        k = number(lw, axis, 0) % len(r.sizes)
    if number(lw, order, 1) != 1 or r.dtype != "f8":
        raise lw.no("np.gradient with options")
    n = r.sizes[k]
    if not isinstance(n.dim, int) or n.dim < 2:
        lw.check("place", Size("", 1), n)
    return k, n


def step_of(lw: Lowerer, h: Atom | None) -> str:
    """The distance of neighbours: a number."""
    return "1.0" if h is None else lw.name_of_number(bare(lw.scalar(h, "f8")))


def ends_of(lw: Lowerer, r: View, k: int, n: Size) -> tuple[View, View, View, View]:
    """The first element along an axis, the second, the last but one, the last."""
    one, places = Size("", 1, 1), (Size("", 0), Size("", 1), n.plus(-2), n.plus(-1))
    first, second, before, last = (part(lw, r, k, at, one) for at in places)
    return first, second, before, last


def gradient(lw: Lowerer, op: Op, names: Any) -> None:
    given = options(lw, op, names, ("f", "dx", "dy", "axis", "edge_order"))
    if "dy" in given:
        raise lw.no("np.gradient along several axes")
    r = lw.view(given["f"])
    k, n = along(lw, r, given.get("axis"), given.get("edge_order"))
    h = step_of(lw, given.get("dx"))
    to = new(lw, op.out, r.sizes)
    size = n.plus(-2)
    low, high = (part(lw, r, k, Size("", at), size) for at in (0, 2))
    middle = part(lw, to, k, Size("", 1), size)
    lw.write_to(middle, [high, low], lambda t: f"(({t[0]} - {t[1]}) / (2.0 * {h}))", False)
    first, second, before, last = ends_of(lw, r, k, n)
    start, _, _, end = ends_of(lw, to, k, n)
    for edge, b, a in ((start, second, first), (end, last, before)):
        lw.write_to(edge, [b, a], lambda t: f"(({t[0]} - {t[1]}) / {h})", False)
    lw.bind(op.out, to)


def gradient_back(lw: Lowerer, op: Op, names: Any) -> None:
    """The transpose: each slope is added to what it is the slope of."""
    given = options(lw, op, names, ("g", "f", "spacings", "axis", "edge_order"))
    steps = given["spacings"]
    if not isinstance(steps, Struct) or len(steps.items) > 1:
        raise lw.no("np.gradient along several axes")
    g = lw.view(given["g"])
    k, n = along(lw, g, given.get("axis"), given.get("edge_order"))
    h = step_of(lw, steps.items[0] if steps.items else None)
    to = new(lw, op.out, lw.elements(given["f"]).sizes, "0")
    size = n.plus(-2)
    middle = part(lw, g, k, Size("", 1), size)
    start, second, before, end = ends_of(lw, to, k, n)
    first, _, _, last = ends_of(lw, g, k, n)
    for at, bar, sign, width in (
        (part(lw, to, k, Size("", 2), size), middle, "+", f"(0.5 / {h})"),
        (part(lw, to, k, Size("", 0), size), middle, "-", f"(0.5 / {h})"),
        (start, first, "-", f"(1.0 / {h})"),
        (second, first, "+", f"(1.0 / {h})"),
        (before, last, "-", f"(1.0 / {h})"),
        (end, last, "+", f"(1.0 / {h})"),
    ):
        lw.write_to(at, [bar], lambda t, s=sign, w=width: f"({t[0]} {s} {t[1]} * {w})", True, True)  # type: ignore[misc]
    lw.bind(op.out, to)


HANDLERS[np.diff] = diff
HANDLERS[np.gradient] = gradient
HELPERS["gradient_back"] = gradient_back
