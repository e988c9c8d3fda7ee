"""Conversions in the forms that kernels know."""

from __future__ import annotations

import operator
from collections import Counter
from typing import Any

import numpy as np

from srcdiff.cuda.groups import dims_of, is_number
from srcdiff.cuda.tables import C_TYPES
from srcdiff.ir.graph import Const, Op, Ref, Region, Val, kind, vals, walk
from srcdiff.ir.kinds import Array, Scalar

__all__ = ["as_elements"]

ASTYPE = getattr(np, "astype", None)  # NumPy 2.1
CLASSES: dict[str, Any] = {"f8": np.float64, "f4": np.float32}


def as_elements(region: Region) -> None:
    """Write ``x.astype(d)`` as what it does to elements, where the dtype is known.

    ``np.broadcast_to(v, shape).astype(np.float32)`` is ``np.full(shape, v, np.float32)``; other conversions
    to another dtype of floats are that dtype's class, which is a function of elements.  What single precision
    meets only to be of it again (``(g * ((x > y) + 0.5 * (x == y))).astype(g.dtype)``) is made so before.
    """
    users = Counter(v for op in walk(region) for v in vals(op.ins))
    for op in walk(region):
        for r in op.regions:
            users.update(vals(r.results))
    users.update(vals(region.results))
    in_region(region, users)


def in_region(region: Region, users: Counter[Val]) -> None:
    out: list[Op] = []
    for op in region.ops:
        for r in op.regions:
            in_region(r, users)
        out.append(op)
        plain = op.code == "prim" and len(op.ins) == 2 and not op.by_name
        if not plain or op.fn is not ASTYPE:
            continue
        x, k = op.ins[0], op.out.kind
        if not isinstance(x, Val) or not isinstance(k, Array) or not k.dims or k.dtype not in CLASSES:
            continue
        to = Ref(CLASSES[k.dtype], f"np.{CLASSES[k.dtype].__name__}")
        made = x.op if x.op is not None and x in x.op.outs and x.op.code == "prim" else None
        if made is not None and made.fn is np.broadcast_to and is_scalar(made.ins[0]):
            value, shape = made.ins[:2]
            rewrite(op, np.full, [shape, value, to], "np.full")
        elif getattr(kind(x), "dtype", "") in C_TYPES and kind(x) != k and dims_of(x):
            if k.dtype == "f4" and made is not None and made in out and users[x] == 1 and is_product(made):
                out[out.index(made) :] = [*single(made, to), *out[out.index(made) + 1 : -1]]
                made.outs, op.outs = op.outs, made.outs
                made.out.op = made
            else:
                rewrite(op, CLASSES[k.dtype], [x], to.text)
    region.ops = out


def is_product(op: Op) -> bool:
    """Whether an operation multiplies single precision by what is the same number in it."""
    if op.fn is not operator.mul or op.attrs.get("inplace") or len(op.ins) != 2:
        return False
    a, b = op.ins
    own = [getattr(kind(v), "dtype", "") for v in (a, b)]
    return sorted(own) == ["f4", "f8"] and is_exact(a if own[0] == "f8" else b) and op.out.kind == Array(
        "f8", dims_of(op.out)
    )


def is_exact(a: Any) -> bool:
    """Whether a value is a small number in single precision as well: made of flags, halves and ones."""
    if isinstance(a, Const):
        return isinstance(a.value, (int, float)) and a.value in (-2, -1, -0.5, 0, 0.5, 1, 2)
    if not isinstance(a, Val):
        return False
    if getattr(a.kind, "dtype", "") == "b1":
        return True
    op = a.op
    exact = (operator.add, operator.sub, operator.mul, operator.neg)
    if op is None or op.code != "prim" or a not in op.outs or op.attrs.get("inplace") or op.fn not in exact:
        return False
    return isinstance(a.kind, Array) and bool(a.kind.dims) and all(map(is_exact, op.ins))


def single(op: Op, to: Ref) -> list[Op]:
    """A product with its second factor converted: what is done then."""
    n = [getattr(kind(v), "dtype", "") for v in op.ins].index("f8")
    before = op.ins[n]
    assert isinstance(before, Val)
    k = Array("f4", dims_of(before))
    first = Op.applying(np.float32, [before], k, op.origin, before.name, text=to.text, names=("",))
    op.ins = [first.out if i == n else a for i, a in enumerate(op.ins)]
    return [first, op]


def is_scalar(a: Any) -> bool:
    """Whether a value is a number of the host, as ``np.full`` takes it on a device."""
    return isinstance(a, Const) or (is_number(a) and isinstance(kind(a), Scalar))


def rewrite(op: Op, fn: Any, ins: list[Any], text: str) -> None:
    op.ins = ins
    kept = {k: v for k, v in op.attrs.items() if k not in ("fn", "method", "names", "text")}
    op.become(fn, **kept, text=text, names=("",) * len(ins))
