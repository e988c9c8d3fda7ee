"""Statements that write: assignments, elements, augmented ones."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import gast
import numpy as np

from srcdiff.backends import numpy_names
from srcdiff.emit import devices
from srcdiff.emit.parts import part_of
from srcdiff.emit.trees import attr, call, is_name, name, store
from srcdiff.errors import InternalError
from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Const, Op, Origin, Slice, Struct, Val, kind, walk
from srcdiff.ir.indices import parts_of
from srcdiff.ir.kinds import Array, Map, Scalar, Seq, elements_of
from srcdiff.ir.modules import on_device

if TYPE_CHECKING:
    from srcdiff.emit.assemble import Assembler

__all__ = [
    "add_item", "assign", "augmented", "element", "find_straight", "place", "plain_index",
    "stored", "straight", "written_over",
]  # fmt: skip

STRAIGHT = 1 << 15  # numbers, from which on a result is computed where it is to lie


def assign(asm: Assembler, target: Any, value: Any, origin: Origin | None) -> None:
    if isinstance(target, gast.Name) and isinstance(value, gast.Name) and target.id == value.id:
        return
    if isinstance(value, gast.BinOp) and isinstance(value.left, gast.Name) and isinstance(target, gast.Name):
        if (
            value.left.id == target.id
            and isinstance(value.op, (gast.Add, gast.Sub, gast.Mult, gast.Div))
            and origin is not None
            and origin.adjoint
            and getattr(value, "scalar", False)
        ):
            asm.emit(gast.AugAssign(target, value.op, value.right), origin)
            return
    asm.emit(gast.Assign([target], value, None), origin)


def is_nested(base: Atom, index: Atom) -> bool:
    """Whether an index of several parts goes into lists in lists."""
    k = kind(base)
    several = isinstance(index, Struct) and index.type is tuple
    return several and isinstance(k, Seq) and not isinstance(k, Map)


def element(asm: Assembler, base: Atom, index: Atom, ctx: Any) -> Any:
    """``x[i]``; of a list of lists, ``x[i][j]``."""
    tree, at = asm.expr(base), index
    if is_nested(base, index):
        assert isinstance(index, Struct)
        *outer, at = index.items
        for i in outer:
            tree = gast.Subscript(tree, asm.index(i), gast.Load())
    return gast.Subscript(tree, asm.index(at), ctx)


def place(asm: Assembler, op: Op) -> Any:
    """Where an operation writes: a part of an array, by its name if it has one."""
    word = asm.views.named(op)
    if word is None:
        return element(asm, op.ins[0], op.ins[1], gast.Store())
    if op.fn is ops.additem:
        return store(word)
    return gast.Subscript(name(word), gast.Slice(None, None, None), gast.Store())


def find_straight(asm: Assembler) -> set[Op]:
    """Writes of large results of arithmetic to parts of arrays, of the backward sweep.

    Such a result is computed where it is to lie: no array is made for it, and nothing is copied.
    """
    seen = asm.graph.info.get("seen", {})
    if not asm.graph.info.get("rows") or asm.by_memory:
        return set()
    return {op for op in walk(asm.graph.region) if op.code == "prim" and is_straight(asm, op, seen)}


def is_straight(asm: Assembler, op: Op, seen: dict[int, int]) -> bool:
    if op.fn is not ops.setitem or not op.attrs.get("inplace") or op.attrs.get("guarded"):
        return False
    base, index, value = op.ins
    kb, kv, made = kind(base), kind(value), value.op if isinstance(value, Val) else None
    if made is None or made not in asm.lay.folded or made.code != "prim":
        return False
    if made.fn not in (numpy_names.INTO if len(made.ins) == 2 else numpy_names.ALONE_INTO):
        return False
    if op.origin is None or not op.origin.adjoint or made.attrs.get("guarded"):
        return False
    if not isinstance(kb, Array) or not isinstance(kv, Array) or len(kb.dims) != len(kv.dims):
        return False
    if not kb.dtype == kv.dtype == "f8" or elements_of(kv, seen) < STRAIGHT:
        return False
    return part_of(index, kb.dims) is not None and all(a is not base for a in made.ins)


def straight(asm: Assembler, op: Op) -> None:
    """``np.divide(a, b, out=x[:-1])``."""
    made = op.ins[2].op  # type: ignore[union-attr]
    assert made is not None
    word = asm.views.named(op)
    out = element(asm, op.ins[0], op.ins[1], gast.Load()) if word is None else name(word)
    fn = asm.spelling.callee((numpy_names.INTO | numpy_names.ALONE_INTO)[made.fn], "")
    asm.emit(gast.Expr(call(fn, *map(asm.expr, made.ins), out=out)), op.origin)


def augmented(asm: Assembler, op: Op) -> None:
    """``x op= v``: an operator whose result takes the place of its first operand."""
    infix = numpy_names.INFIX.get(op.fn if op.fn is not ops.accumulate else operator.add)
    if infix is None and (isinstance(op.fn, np.ufunc) or op.fn in numpy_names.ALONE_INTO):
        written_over(asm, op)
        return
    if infix is None:
        raise InternalError(f"{op.fn} cannot be printed in place")
    assign(asm, store(asm.names[op.out]), asm.expr(op.ins[0]), op.origin)
    value = asm.expr(op.ins[1])
    word = getattr(gast, infix)()
    if op.fn is ops.accumulate and isinstance(value, gast.UnaryOp) and isinstance(value.op, gast.USub):
        word, value = gast.Sub(), value.operand
    asm.emit(gast.AugAssign(store(asm.names[op.out]), word, value), op.origin)


def stored(asm: Assembler, base: Atom, value: Atom) -> Any:
    """What is written into an array or a list."""
    if on_device() and isinstance(kind(base), Array):
        return devices.stored(asm, value)
    return asm.expr(value)


def written_over(asm: Assembler, op: Op) -> None:
    """``np.exp(x, out=x)``: a function whose result takes the place of its operand."""
    x = asm.expr(op.ins[0])
    fn = numpy_names.ALONE_INTO.get(op.fn, op.fn)
    value = call(asm.spelling.callee(fn, op.attrs.get("text", "")), x, out=x)
    word = asm.names[op.out]
    if is_name(x, word):
        asm.emit(gast.Expr(value), op.origin)
    else:
        asm.emit(gast.Assign([store(word)], value, None), op.origin)


def add_item(asm: Assembler, op: Op) -> None:
    base, index, value = op.ins
    if (op.attrs.get("at") or not plain_index(asm, base, index)) and not op.attrs.get("apart"):
        np_add = attr(attr(name(asm.spelling.module(np)), "add"), "at")
        asm.emit(gast.Expr(call(np_add, asm.expr(base), asm.expr(index), asm.expr(value))), op.origin)
        return
    target = place(asm, op)
    k = kind(base)
    v = stored(asm, base, value)
    numbers = isinstance(k, Array) or (isinstance(k, Seq) and isinstance(k.elem, Scalar))
    numbers = numbers or is_nested(base, index)
    if not numbers:  # an element that is an array itself may be somebody else's
        old = gast.Subscript(asm.expr(base), asm.index(index), gast.Load())
        asm.emit(gast.Assign([target], gast.BinOp(old, gast.Add(), v), None), op.origin)
    elif isinstance(v, gast.UnaryOp) and isinstance(v.op, gast.USub):
        asm.emit(gast.AugAssign(target, gast.Sub(), v.operand), op.origin)
    else:
        asm.emit(gast.AugAssign(target, gast.Add(), v), op.origin)


def plain_index(asm: Assembler, base: Atom, index: Atom) -> bool:
    """No position is named twice: basic indices and masks."""
    if isinstance(kind(base), Seq):
        return True
    parts = parts_of(index)
    for p in parts:
        k = kind(p)
        if (
            isinstance(p, (Slice, Const))
            or isinstance(k, Scalar)
            or (isinstance(k, Array) and (k.dtype == "b1" or not k.dims))
        ):
            continue
        return False
    return True
