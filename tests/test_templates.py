"""Texts of rules that are read once and copied give what reading them gives."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import srcdiff
from corpus import PROGRAMS
from corpus.program import Program
from srcdiff import grad
from srcdiff.api.specialise import forget_all
from srcdiff.differentiate import templates
from srcdiff.ir.graph import Const, Region, Struct, Val
from srcdiff.ir.kinds import FLOAT, Array, Scalar, fresh_sym
from srcdiff.pipeline.context import CONTEXT
from srcdiff.rules import elementwise, reductions, shapes

SAMPLE = [p for p in PROGRAMS if p.reverse][::67]


def text_of(program: Program) -> str:
    forget_all()
    g = grad(program.function, wrt=program.wrt_option)
    return srcdiff.source(g, *copy.deepcopy(program.args), **program.kwargs)


@pytest.mark.parametrize("program", SAMPLE, ids=lambda p: p.name)
def test_same_text(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = [text_of(program), text_of(program)]
    monkeypatch.setattr(templates, "instance", lambda *a: None)
    assert kept == [text_of(program)] * 2


def instance(text: Any, given: dict[str, Any]) -> tuple[Any, Region]:
    region = Region()
    return templates.instance(CONTEXT, text, region, given, None), region


def test_copies_are_apart() -> None:
    n = fresh_sym(big=True)
    made = []
    for _ in range(2):
        k = Array("f8", (n, 3))
        given = {"a": Val("a", k), "b": Const(2), "out": Val("", k)}
        made.append((*instance(elementwise.power, given), given))
    (first, one, _), (second, other, given) = made
    assert one.ops and [o.fn for o in one.ops] == [o.fn for o in other.ops]
    assert first is not second
    assert not {id(o) for o in one.ops} & {id(o) for o in other.ops}
    inside = {v for o in other.ops for v in o.outs} | {given["a"], given["out"]}
    assert all(a in inside for o in other.ops for a in o.ins if isinstance(a, Val))
    slope = second.items[0]
    assert slope.kind == Array("f8", (n, 3))  # the size of the operand at hand


def test_numbers_that_are_sizes_bring_them() -> None:
    for _ in range(2):
        n = fresh_sym(big=True)
        x, size = Val("", Array("f8", (n,))), Val("", Scalar("i8", True, n))
        partials, region = instance(elementwise.truediv, {"a": x, "b": size, "out": Val("", x.kind)})
        assert partials.items[0].op in region.ops
        assert size in [a for o in region.ops for a in o.ins]
        sum_, _ = instance(reductions.sum_, {"a": x, "out_bar": Val("", FLOAT)})
        assert sum_.items[0].kind == x.kind
        (made,) = (a for a in sum_.items[0].op.ins[1].items)  # the shape: read of this operand
        assert made.kind.value == n and made.op.ins[0] is x


def test_displays_are_read_part_by_part() -> None:
    n = fresh_sym(big=True)
    for _ in range(2):
        parts = [Val("", Array("f8", (n,))), Val("", Array("f8", (n,)))]
        bar = Val("", Array("f8", (n, 2)))
        given = {"tup": Struct(tuple, (0, 1), tuple(parts)), "out_bar": bar}
        got, region = instance(shapes.column_stack, given)
        assert [x.kind for x in got.items] == [p.kind for p in parts]
        used = {a for o in region.ops for a in o.ins if isinstance(a, Val)}
        assert bar in used and used <= {bar, *parts, *(v for o in region.ops for v in o.outs)}
    sizes: dict[int, int] = {}
    x, y = parts
    keys = {
        templates.key_of_operand(Struct(t, (0, 1), items), sizes, {})
        for t, items in ((tuple, (x, y)), (list, (x, y)), (tuple, (x, x)), (tuple, (x, Const(1.0))))
    }
    assert len(keys) == 4


def test_one_operand_twice_is_another_text() -> None:
    x, y = Val("", FLOAT), Val("", FLOAT)
    sizes: dict[int, int] = {}
    keys = [
        [templates.key_of_operand(a, sizes, met) for a in pair]
        for met, pair in (({}, (x, x)), ({}, (x, y)))
    ]
    assert keys[0] != keys[1]


def test_texts_of_others_are_read() -> None:
    def text(a: Any) -> Any:
        return 2.0 * a

    assert instance(text, {"a": Val("", FLOAT)})[0] is None


def test_arrays_that_may_differ_in_size_are_not_one() -> None:
    """Two sizes that are equal and two that are not are different texts."""
    n, m = fresh_sym(big=True), fresh_sym(big=True)
    keys = set()
    for dims in ((n, n), (n, m), (1, n), (n, 1), (2, n)):
        sizes: dict[int, int] = {}
        keys.add(templates.key_of_kind(Array("f8", dims), sizes))
    assert len(keys) == 5


def test_gradient_of_what_is_kept_is_right() -> None:
    def f(x: Any, y: Any) -> Any:
        return np.sum((x * y) ** 2 / (x + y))

    for x, y in ((np.array([1.0, 2.0]), 3.0), (np.array([[1.0], [2.0]]), np.array([3.0, 5.0, 7.0]))):
        gx, gy = grad(f, wrt=("x", "y"))(x, y)
        q = x * y
        dq, ds = 2 * q / (x + y), -(q**2) / (x + y) ** 2
        wx, wy = dq * y + ds, dq * x + ds
        ax = tuple(n for n, d in enumerate(np.shape(x)) if d == 1)
        np.testing.assert_allclose(gx, wx.sum(axis=ax[-1:] or None, keepdims=True) if np.ndim(y) else wx)
        np.testing.assert_allclose(gy, wy.sum(axis=0) if np.ndim(y) else wy.sum())
