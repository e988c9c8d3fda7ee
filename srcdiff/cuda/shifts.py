"""Sums of arrays into parts of another, each at its own place: what a stencil's adjoint is.

``x_bar[1:] += a; x_bar[:-1] += b`` would be a kernel for each part, since threads of one would write where
those of another do.  Read instead of written it is one: each element of the array asks what falls on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from srcdiff.cuda.groups import Group, Node, conflict, dims_of
from srcdiff.cuda.kernels import Kernel, Writer, cast, definition
from srcdiff.cuda.tables import C_TYPES, PARAMS
from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Const, Op, Slice, Val, is_none, kind, same
from srcdiff.ir.indices import parts_of
from srcdiff.ir.kinds import Array

__all__ = ["Shifts", "find_shifts", "gathered", "write_shifts"]


@dataclass(eq=False, slots=True)
class Shifts(Node):
    base: Val | None = None
    terms: list[tuple[tuple[int, ...], Val]] = field(default_factory=list)  # from where on; what


def starts(op: Op) -> tuple[int, ...] | None:
    """Where along each axis a part begins, if it is slices from known places."""
    if op.code != "prim" or op.fn is not ops.additem or not op.attrs.get("inplace"):
        return None
    base, index, value = op.ins
    rank = len(dims_of(base))
    if not rank or len(dims_of(value)) != rank or kind(base).dtype[0] != "f":  # type: ignore[union-attr]
        return None
    parts: Sequence[Atom] = parts_of(index)
    if len(parts) > rank:
        return None
    out = []
    for p in parts:
        if not isinstance(p, Slice) or not (is_none(p.step) or same(p.step, Const(1))):
            return None
        low = p.lower.value if isinstance(p.lower, Const) else -1
        if low is not None and (type(low) is not int or low < 0):
            return None
        out.append(low or 0)
    return (*out, *[0] * (rank - len(out)))


def find_shifts(region_ops: list[Op]) -> set[Op]:
    """The sums into parts of which several follow each other, into one array."""
    found = {op: op.ins[0] for op in region_ops if starts(op) is not None}
    bases = set(found.values())
    made = {op.out for op in found}
    return {op for op, base in found.items() if op.out in bases or base in made}


def gathered(nodes: list[Node], shifts: set[Op]) -> list[Node]:
    """The nodes with such sums put together, as late as the last of each."""
    out: list[Node] = []
    for node in nodes:
        op = node.ops[0] if len(node.ops) == 1 else None
        if op is None or op not in shifts or not isinstance(node, Group) or not isinstance(op.ins[2], Val):
            out.append(node)
            continue
        at = starts(op)
        base = op.ins[0]
        assert at is not None and isinstance(base, Val)
        mine = Shifts([op], node.uses, node.makes, node.reads, node.writes, base, [(at, op.ins[2])])
        before = next((n for n in out if isinstance(n, Shifts) and n.ops[-1].out is base), None)
        if before is not None and not any(conflict(n, before) for n in out[out.index(before) + 1 :]):
            out.remove(before)
            mine = Shifts(
                [*before.ops, op],
                before.uses | (mine.uses - before.makes),
                before.makes | mine.makes,
                before.reads | mine.reads,
                before.writes | mine.writes,
                before.base,
                [*before.terms, *mine.terms],
            )
        out.append(mine)
    return out


def write_shifts(w: Writer, node: Shifts) -> Kernel:
    """The kernel of such sums."""
    base = node.base
    assert base is not None and isinstance(base.kind, Array)
    k, rank = w.kernel, len(base.kind.dims)
    k.stands_for(node.ops)
    k.form = "sums into parts of an array, read instead of written"
    k.statements = len(node.ops)
    dtype = base.kind.dtype
    to = w.fresh(base.name)
    names: dict[Val, str] = {}
    for _, v in node.terms:
        if v not in names:
            names[v] = w.fresh(v.name)
    at: list[str] = []
    rest = "i"
    for axis in range(rank - 1, 0, -1):
        at.insert(0, w.fresh("jklm"[rank - 1 - axis] if rank < 5 else "j"))
        w.line(f"const long long {at[0]} = {rest} % {to}.shape()[{axis}];")
        rest = f"{rest} / {to}.shape()[{axis}]"
    at.insert(0, "i" if rank == 1 else w.fresh("row"))
    if rank > 1:
        w.line(f"const long long {at[0]} = {rest};")
    total = w.fresh("total")
    w.line(f"{C_TYPES[dtype]} {total} = {to}[i];")
    for start, v in node.terms:
        name, tests, place = names[v], [], ""
        for axis, (p, low) in enumerate(zip(at, start, strict=True)):
            own = f"{p} - {low}" if low else p
            own_ = f"({own})" if low and axis < rank - 1 else own
            tests += [f"{p} >= {low}"] if low else []
            tests.append(f"{own} < {name}.shape()[{axis}]")
            place = f"({place})" if axis > 1 else place
            place = f"{place} * {name}.shape()[{axis}] + {own_}" if axis else own_
        value = cast(f"{name}[{place}]", w.dtype(v), dtype)
        w.line(f"if ({' && '.join(tests)})")
        w.line(f"    {total} += {value};")
    w.line(f"{to}[i] = {total};")
    cuda = f"{k.name}_cuda"
    ins = [f"raw {PARAMS[w.dtype(v)]} {n}" for v, n in names.items()]
    k.text = definition(cuda, ins, [f"raw {PARAMS[dtype]} {to}"], w.lines, k.words)
    given = ", ".join([*names.values(), to])
    k.host = f"def {k.name}({given}):\n    {cuda}({given}, size={to}.size)"
    k.ins = list(names)
    k.targets = [(base, None)]
    for op in node.ops:
        k.same[op.out] = op.ins[0]  # type: ignore[assignment]
    return k
