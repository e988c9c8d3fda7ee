"""Operations that are Python's own, each in its spelling."""

from __future__ import annotations

import copy
import operator
from typing import TYPE_CHECKING, Any

import gast
import numpy as np

from srcdiff.backends import numpy_names
from srcdiff.emit import stores
from srcdiff.emit.trees import attr, call, const, name, store
from srcdiff.ir import ops
from srcdiff.ir.checkpoints import checkpoint
from srcdiff.ir.graph import Atom, Const, Op, Struct, Val, kind, op_of
from srcdiff.ir.kinds import UNKNOWN, Array, Kind, Map, Scalar, Seq, Tree

if TYPE_CHECKING:
    from srcdiff.emit.assemble import Assembler

__all__ = ["SPELLED", "negate"]


def _getitem(asm: Assembler, op: Op) -> Any:
    word = asm.views.named(op)
    if word is not None:
        return name(word)
    got = stores.element(asm, op.ins[0], op.ins[1], gast.Load())
    place = isinstance(kind(op.ins[1]), Scalar)  # (no slice)
    if place and isinstance(got, gast.Subscript) and isinstance(got.value, gast.List):
        if all(isinstance(x, gast.Constant | gast.UnaryOp) for x in got.value.elts):
            got.value = gast.Tuple(got.value.elts, gast.Load())  # (which Python makes once)
    return got


def _getfield(asm: Assembler, op: Op) -> Any:
    assert isinstance(op.ins[1], Const)
    return attr(asm.expr(op.ins[0]), op.ins[1].value)


def _shape_at(asm: Assembler, op: Op) -> Any:
    return gast.Subscript(attr(asm.expr(op.ins[0]), "shape"), asm.expr(op.ins[1]), gast.Load())


def _getattr(asm: Assembler, op: Op) -> Any:
    assert isinstance(op.ins[1], Const)
    if op.ins[1].value in ("shape", "size"):
        return asm.sized(op.ins[0], op.ins[1].value)
    return attr(asm.expr(op.ins[0]), op.ins[1].value)


def _copied(asm: Assembler, op: Op) -> Any:
    k = kind(op.ins[0])
    x = asm.expr(op.ins[0])
    if op.ins[0] in asm.graph.info.get("maybe", ()):  # copy.copy(None) is None
        k = UNKNOWN
    row = k.elem if isinstance(k, Seq) and not isinstance(k, Map) else None
    flat = isinstance(row, Seq) and not isinstance(row, Map) and not holds_list(row.elem)
    if flat or (isinstance(row, Tree) and row.type is list and not any(map(holds_list, row.items))):
        target = gast.Name("row", gast.Store(), None, None)
        each = gast.comprehension(target, x, [], 0)
        return gast.ListComp(call(attr(name("row"), "copy")), [each])
    if isinstance(k, Array) or (isinstance(k, Seq) and not holds_list(k.elem)):
        rows = [gast.Constant("K", None)] if asm.by_memory and isinstance(k, Array) else []
        return call(attr(x, "copy"), *rows)
    deep = holds_list(k)
    return call(asm.spelling.reference(copy.deepcopy if deep else copy.copy, "copy"), x)


def holds_list(k: Kind) -> bool:
    """Whether values of a kind are lists, or hold some: these are copied with what holds them."""
    if isinstance(k, Tree):
        return k.type in (list, dict) or any(map(holds_list, k.items))
    return isinstance(k, Seq)


def _accumulate(asm: Assembler, op: Op) -> Any:
    left, right = asm.expr(op.ins[0]), asm.expr(op.ins[1])
    if isinstance(right, gast.UnaryOp) and isinstance(right.op, gast.USub):
        node = gast.BinOp(left, gast.Sub(), right.operand)
    else:
        node = gast.BinOp(left, gast.Add(), right)
    node.scalar = isinstance(kind(op.ins[0]), Scalar) and isinstance(kind(op.ins[1]), Scalar)
    return node


def _poplast(asm: Assembler, op: Op) -> Any:
    if op in asm.lay.taking:
        return call(attr(asm.expr(op.ins[0]), "pop"))
    return gast.Subscript(asm.expr(op.ins[0]), gast.UnaryOp(gast.USub(), const(1)), gast.Load())


def _exit_is(asm: Assembler, op: Op) -> Any:
    code, which = op.ins
    value = asm.expr(code)
    assert isinstance(which, Const)
    if (
        isinstance(code, Val)
        and code.op is not None
        and code.op.is_loop
        and len(code.op.attrs["exits"]) == 1
    ):
        return value if which.value else gast.UnaryOp(gast.Not(), value)
    if isinstance(code, Val) and code.name == "failed" and which.value == 0:
        return gast.UnaryOp(gast.Not(), value)
    return gast.Compare(value, [gast.Eq()], [const(which.value)])


def _order(asm: Assembler, op: Op) -> Any:
    """``sorted(range(len(keys)), key=keys.__getitem__)``."""
    keys = asm.expr(op.ins[0])
    options = {"key": attr(keys, "__getitem__")}
    if op.ins[1] != Const(False):
        options["reverse"] = asm.expr(op.ins[1])
    return call(name("sorted"), call(name("range"), call(name("len"), keys)), **options)


def _transpose(asm: Assembler, op: Op) -> Any:
    k = kind(op.ins[0])
    if len(op.ins) == 1 and (
        (op.attrs.get("method") in ("T", "transpose", "", None) and isinstance(k, Array))
        or op.attrs.get("method") == "T"
    ):
        return attr(asm.expr(op.ins[0]), "T")
    pos = [asm.expr(a) for a in op.ins]
    return gast.Call(asm.spelling.callee(np.transpose, ""), pos, [])


def _abs(asm: Assembler, op: Op) -> Any:
    if isinstance(kind(op.ins[0]), Scalar):
        return call(name("abs"), asm.expr(op.ins[0]))
    return call(attr(name(asm.spelling.module(np)), "abs"), asm.expr(op.ins[0]))


def _mark(asm: Assembler, op: Op) -> Any:
    """A function of srcdiff itself: ``stop_gradient``, ``checkpoint``."""
    word = op.fn.__name__
    asm.spelling.imports[word] = f"from srcdiff import {word}"
    names = op.names
    given = [(n, asm.expr(a)) for n, a in zip(names, op.ins, strict=True)]
    return gast.Call(name(word), [e for n, e in given if not n], [gast.keyword(n, e) for n, e in given if n])


def _list(asm: Assembler, op: Op) -> Any:
    if op.attrs.get("display") and isinstance(op.ins[0], Struct):
        return gast.List([asm.expr(x) for x in op.ins[0].items], gast.Load())
    if op.attrs.get("tolist"):
        sizes = zeros_in(asm, op.ins[0])
        if sizes:
            row = gast.BinOp(gast.List([const(0.0)], gast.Load()), gast.Mult(), sizes[-1])
            return in_rows(row, sizes[0]) if len(sizes) == 2 else row
        return call(attr(asm.expr(op.ins[0]), "tolist"))
    return call(name("list"), asm.expr(op.ins[0]))


def in_rows(row: Any, count: Any) -> Any:
    """A list of lists, each written out anew."""
    over = gast.comprehension(store("_"), call(name("range"), count), [], 0)
    return gast.ListComp(row, [over])


def zeros_in(asm: Assembler, a: Atom) -> list[Any]:
    """The sizes of zeros that are made in this expression, a vector or matrix; none of anything else."""
    k, op = kind(a), op_of(a)
    if op is None or op not in asm.lay.folded or len(op.ins) != 1:
        return []
    if not isinstance(k, Array) or k.dtype != "f8" or len(k.dims) not in (1, 2):
        return []
    flat = len(k.dims) == 1
    shape = op.ins[0]
    if op.fn is numpy_names.ZEROS:
        sizes = shape.items if isinstance(shape, Struct) else (shape,)
        return [asm.expr(n) for n in sizes] if all(map(is_count, sizes)) and len(sizes) == len(k.dims) else []
    if not asm.lying.is_plain(op):
        return []
    like = asm.expr(shape)
    return [attr(like, "size")] if flat else [item(attr(like, "shape"), n) for n in range(2)]


def is_count(a: Atom) -> bool:
    k = kind(a)
    return isinstance(k, Scalar) and k.dtype == "i8" and k.weak


def item(x: Any, n: int) -> Any:
    return gast.Subscript(x, const(n), gast.Load())


def _dict(asm: Assembler, op: Op) -> Any:
    return asm.expr(op.ins[0])


def _contains(asm: Assembler, op: Op) -> Any:
    return gast.Compare(asm.expr(op.ins[1]), [gast.In()], [asm.expr(op.ins[0])])


def _concat(asm: Assembler, op: Op) -> Any:
    return gast.BinOp(asm.expr(op.ins[0]), gast.Add(), asm.expr(op.ins[1]))


SPELLED: dict[Any, Any] = {
    operator.getitem: _getitem, ops.getfield: _getfield, ops.shape_at: _shape_at, getattr: _getattr,
    dict: _dict, ops.copied: _copied, ops.attribute: _getattr,
    ops.accumulate: _accumulate, ops.poplast: _poplast, ops.exit_is: _exit_is,
    ops.order: _order,
    np.transpose: _transpose, operator.abs: _abs, ops.stop_gradient: _mark, checkpoint: _mark, list: _list,
    ops.keys: _list,
    operator.contains: _contains, operator.concat: _concat,
}  # fmt: skip


def negate(test: Any) -> Any:
    flip = {
        "Eq": gast.NotEq,
        "NotEq": gast.Eq,
        "Is": gast.IsNot,
        "IsNot": gast.Is,
        "In": gast.NotIn,
        "NotIn": gast.In,
    }
    if isinstance(test, gast.Compare) and len(test.ops) == 1 and type(test.ops[0]).__name__ in flip:
        return gast.Compare(test.left, [flip[type(test.ops[0]).__name__]()], test.comparators)
    if isinstance(test, gast.UnaryOp) and isinstance(test.op, gast.Not):
        return test.operand
    return gast.UnaryOp(gast.Not(), test)
