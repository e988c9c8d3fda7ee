"""Reductions along some axes, with what is computed for them alone: one kernel that stores none of it."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from srcdiff.compiled.texts import bare
from srcdiff.compiled.values import is_unbroadcast
from srcdiff.cuda.groups import Group, Node, dims_of, fits
from srcdiff.cuda.kernels import Kernel, Writer, comment, wrapped_params
from srcdiff.cuda.tables import FUNCTIONS, PARAMS
from srcdiff.ir.graph import Atom, Const, Op, Struct, Val, is_none, kind, vals
from srcdiff.ir.kinds import Array

__all__ = ["Reduction", "find_reductions", "write_reduction"]

HOW: dict[Any, str] = {np.sum: "sum", np.mean: "mean", np.max: "max", np.min: "min"}
# a step, what is made of the end, where it starts
STEPS = {
    "sum": ("a + b", "a", "0"),
    "mean": ("a + b", "a / (double)(_in_ind.size() / _out_ind.size())", "0"),
    "max": ("larger(a, b)", "a", "-1.0 / 0.0"),
    "min": ("smaller(a, b)", "a", "1.0 / 0.0"),
}
LONGEST = 400  # of an expression


@dataclass(frozen=True, slots=True)
class Reduction:
    """A reduction of what a group makes: along which axes, and the operations that it does by itself."""

    op: Op
    of: Val
    how: str
    axes: tuple[int, ...]
    keeps: bool
    group: Group = field(compare=False)
    chain: tuple[Op, ...] = ()


def read(op: Op) -> tuple[Val, str, tuple[int, ...], bool] | None:
    """What an operation reduces, how, along which axes, and whether these stay."""
    k = op.out.kind if op.code == "prim" else None
    if not isinstance(k, Array) or not k.dims or k.dtype not in ("f8", "f4"):
        return None
    of = op.ins[0]
    if not isinstance(of, Val) or kind(of) != Array(k.dtype, dims_of(of)):
        return None
    rank = len(dims_of(of))
    if is_unbroadcast(op.fn):
        lead = rank - len(k.dims)
        if lead < 1 or not fits(dims_of(of)[lead:], k.dims) or not fits(dims_of(op.ins[1]), k.dims):
            return None
        return of, "sum", tuple(range(lead)), False
    names = op.names
    given = dict(zip(names, op.ins, strict=True))
    if op.fn not in HOW or set(names) - {"", "axis", "keepdims"} or sum(not n for n in names) != 1:
        return None
    axis, keeps = given.get("axis", Const(None)), given.get("keepdims", Const(False))
    parts: Sequence[Atom] = axis.items if isinstance(axis, Struct) else (axis,)
    if not isinstance(keeps, Const) or is_none(axis):
        return None
    if not all(isinstance(p, Const) and type(p.value) is int for p in parts):
        return None
    axes = tuple(sorted(p.value % rank for p in parts if isinstance(p, Const)))
    return of, HOW[op.fn], axes, bool(keeps.value)


def find_reductions(
    nodes: list[Node], users: dict[Val, list[Op | None]]
) -> dict[Op, Reduction]:
    """The reductions that need not be given what they reduce: nobody else asks for it."""
    out: dict[Op, Reduction] = {}
    for n, node in enumerate(nodes):
        if isinstance(node, Group) or len(node.ops) != 1:
            continue
        got = read(node.ops[0])
        if got is None:
            continue
        of, how, axes, keeps = got
        home = next((k for k in range(n) if of in nodes[k].makes), None)
        group = nodes[home] if home is not None else None
        if home is None or not isinstance(group, Group) or of not in group.elements:
            continue
        chain = chain_of(of, group)
        if chain is None:
            continue
        if any(group.reads & other.writes for other in nodes[home:n]):
            continue
        out[node.ops[0]] = Reduction(node.ops[0], of, how, axes, keeps, group, chain)
    while True:  # if others ask for it, it is stored, and may be read
        asked = {r.of for r in out.values()}
        bad = {
            v
            for v in asked
            for u in users.get(v, ())
            if u not in out and not any(u in r.group.ops for r in out.values() if r.of is v)
        }
        if not bad:
            return out
        out = {op: r for op, r in out.items() if r.of not in bad}


def chain_of(v: Val, group: Group) -> tuple[Op, ...] | None:
    """The operations of a group that a value is made by; None if they do more than that."""
    made = {o: op for op in group.ops for o in op.outs}
    keep: set[Op] = set()
    todo = [v]
    while todo:
        op = made.get(todo.pop())
        if op is not None and op not in keep:
            if op in group.targets or op.fn is operator.getitem or op.attrs.get("inplace"):
                return None
            keep.add(op)
            todo += vals(op.ins)
    return tuple(op for op in group.ops if op in keep)


class Expression(Writer):
    """A writer that has one expression, and no statements."""

    def named(self, text: str, dtype: str, hint: str = "t") -> str:
        return text


def write_reduction(w: Expression, r: Reduction) -> Kernel | None:
    """The kernel of a reduction."""
    k = w.kernel
    for op in r.chain:
        w.env[op.out] = w.element(op), w.dtype(op.out)
    text = bare(w.text(r.of, w.dtype(r.of)))
    full = any(fits(dims_of(v), r.group.space) for v in w.params)
    if len(text) > LONGEST or w.raw or not (full or w.covered()):
        return None
    k.stands_for((*r.chain, r.op))
    k.form = f"element-wise, and a {r.how} along axes"
    step, end, start = STEPS[r.how]
    if r.how in ("max", "min"):
        w.helpers.add("larger" if r.how == "max" else "smaller")
    out = w.fresh(r.op.out.name)
    lines = [*comment(k.words), f"{k.name}_cuda = cp.ReductionKernel("]
    lines += wrapped_params([f"{PARAMS[d]} {n}" for n, d in w.params.values()])
    lines += [f'    "{PARAMS[w.dtype(r.op.out)]} {out}",', f'    "{text}",', f'    "{step}",']
    lines += [f'    "{out} = {end}",', f'    "{start}",', f'    "{k.name}_cuda",']
    lines.append('    reduce_type="double",')
    preamble = "\n".join(FUNCTIONS[x] for x in FUNCTIONS if x in w.helpers).splitlines()
    if preamble:
        lines += ['    preamble="""', *(f"    {x}" for x in preamble), '    """,']
    k.text = "\n".join([*lines, ")"])
    axes = str(r.axes[0]) if len(r.axes) == 1 else str(r.axes)
    given = ", ".join(n for n, _ in w.params.values())
    more = ", keepdims=True" if r.keeps else ""
    k.host = f"def {k.name}({given}):\n    return {k.name}_cuda({given}, axis={axes}{more})"
    k.ins = list(w.params)
    k.outs = [r.op.out]
    return k
