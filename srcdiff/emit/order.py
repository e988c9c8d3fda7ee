"""Where everything is computed: which values fold into the expression using them, positions, live ranges."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field

from srcdiff.ir import ops
from srcdiff.ir.graph import (
    Atom,
    Const,
    Graph,
    LoopView,
    Op,
    Ref,
    Region,
    Struct,
    Val,
    is_which,
    kind,
    map_atom,
    vals,
    walk,
)
from srcdiff.ir.kinds import Array, Scalar, Seq
from srcdiff.ir.regions import read_by

__all__ = ["Layout", "is_statement", "lay_out"]

STATEMENTS = ops.UPDATES


def is_statement(op: Op) -> bool:
    """Whether an operation is printed as a statement, never inside an expression."""
    if op.code == "prim":
        return op.fn in STATEMENTS or bool(op.attrs.get("unread")) or bool(op.attrs.get("inplace"))
    if op.code == "opaque":
        return bool(op.attrs.get("effect"))
    if op.code == "call":
        return len(op.outs) != 1 or bool(op.attrs["graph"].info.get("effect"))
    return True


@dataclass
class Layout:
    """What is decided before names are given."""

    folded: set[Op] = field(default_factory=set)
    home: dict[Op, Region] = field(default_factory=dict)
    uses: dict[Val, list[tuple[Region, Op | None]]] = field(default_factory=dict)
    inline_ifs: set[Op] = field(default_factory=set)
    silent: set[Op] = field(default_factory=set)  # printed together with another operation
    taking: set[Op] = field(default_factory=set)  # the last elements of lists that are taken out: `x.pop()`
    popped: dict[Val, tuple[Op, int]] = field(
        default_factory=dict
    )  # element -> (loop, source) that is popped
    position: dict[Op, int] = field(default_factory=dict)
    spans: dict[Region, tuple[int, int]] = field(default_factory=dict)
    collected: dict[Region, list[Atom]] = field(default_factory=dict)
    exchanged: set[Val] = field(default_factory=set)
    written: set[Region] = field(default_factory=set)  # regions in which something is written to


def lay_out(graph: Graph) -> Layout:
    """Decide what folds into what."""
    lay = Layout()
    repeat_tests(graph.region)
    _scan(graph.region, lay)
    for v in vals(graph.region.results):
        lay.uses.setdefault(v, []).append((graph.region, None))
    _fold(graph.region, lay)
    return lay


def repeat_tests(region: Region) -> None:
    """How a ``try`` ended is asked anew wherever it matters: such a test needs no variable."""
    made = {
        op.out: op
        for op in walk(region)
        if op.fn is ops.exit_is and is_which(op.ins[0]) and not op.out.user
    }  # fmt: skip
    if made:
        _asked_anew(region, made)


def _asked_anew(region: Region, made: dict[Val, Op]) -> None:
    out: list[Op] = []

    def one(v: Val) -> Val:
        if v not in made:
            return v
        test = made[v]
        op = Op("prim", list(test.ins), [], [], test.attrs, test.origin)
        op.outs.append(Val(v.name, v.kind, op))
        out.append(op)
        return op.out

    for op in region.ops:
        if op.code == "prim" and op.out in made:
            continue
        op.ins = [map_atom(one, a) for a in op.ins]
        for r in op.regions:
            _asked_anew(r, made)
        out.append(op)
    region.results = [map_atom(one, a) for a in region.results]
    region.ops = out


def _scan(region: Region, lay: Layout) -> None:
    for op in region.ops:
        lay.home[op] = region
        for v in vals(op.ins):
            lay.uses.setdefault(v, []).append((region, op))
        if op.is_loop:
            view = LoopView(op)
            lay.collected[view.body] = view.collected
            lay.exchanged.update(exchanged(view))
        for r in op.regions:
            _scan(r, lay)
            for v in vals(r.results):
                lay.uses.setdefault(v, []).append((r, None))


def _memory(a: Atom) -> bool:
    return isinstance(kind(a), (Array, Seq)) or (not isinstance(kind(a), Scalar) and isinstance(a, Val))


def _fold(region: Region, lay: Layout) -> None:
    for op in region.ops:
        for r in op.regions:
            _fold(r, lay)
    index = {op: n for n, op in enumerate(region.ops)}
    writers = [n for n, op in enumerate(region.ops) if writes_anything(op, lay)]
    if writers:
        lay.written.add(region)
    evaluated = dict(index)  # where an operation is evaluated: with the one that it is folded into
    branching, branched = False, False  # whether a branch stands behind an operation
    for op in reversed(region.ops):
        branching = branching or branched
        branched = op.code == "if"
        if op.code == "if" and expression_if(op, lay):
            lay.inline_ifs.add(op)
            branched = False
        elif is_statement(op):
            continue
        if len(op.outs) != 1:
            continue
        uses = lay.uses.get(op.out, [])
        if len(uses) != 1:
            continue
        where, user = uses[0]
        taped = user is None and where is region and op.out in lay.collected.get(region, ())
        if op.out.user and not (user is None and where is region and op.out in lay.exchanged):
            continue
        if where is not region:  # into a branch or a loop: never, its evaluation is conditional or repeated
            continue
        user_at = evaluated[user] if user is not None else len(region.ops)
        if user is not None and user.is_loop and not in_header(op.out, user):
            continue
        if (
            user is not None
            and user.code == "if"
            and user in lay.inline_ifs
            and where is region
            and not only(op.out, user.ins)
        ):
            continue
        if (
            user is not None
            and user.code == "prim"
            and user.ins
            and user.ins[0] is op.out
            and user.attrs.get("inplace")
        ):
            continue
        if depth(op, lay) > 6:
            continue
        start = index[op] + 1
        stop = start if taped else user_at  # what goes on a tape is put there at once
        if bisect_left(writers, stop) > bisect_left(writers, start) and reads_memory(op, lay):
            continue  # what it reads may have changed by then
        if user is None and not taped and region in lay.collected and branching:
            continue  # a new value of a variable stands before a branch that may leave
        lay.folded.add(op)
        evaluated[op] = stop if not taped else index[op]
    last = [op for op in region.ops if op.fn is ops.poplast]
    for op in last:
        beside = (o for o, at in evaluated.items() if at == evaluated[op] and o is not op)
        if all(v is not op.ins[0] for o in beside for v in read_by(o)):
            _take_out(op, region.ops[evaluated[op] + 1 :], lay)


def _take_out(op: Op, behind: list[Op], lay: Layout) -> None:
    """The last element of a list, and what leaves the rest: one `pop`, if nothing between reads one."""
    for o in behind:
        if o.fn is ops.rest and o.ins[0] is op.ins[0]:
            lay.silent.add(o)
            lay.taking.add(op)
        if any(isinstance(v.kind, Seq) for v in read_by(o)):
            return


def exchanged(view: LoopView) -> set[Val]:
    """New values of variables whose old value goes to another variable: ``a, b = b, a + b``."""
    moved = {y for j, y in enumerate(view.yields) for k, p in enumerate(view.params) if y is p and j != k}
    pairs = zip(view.params, view.yields, strict=True)
    return {y for p, y in pairs if p in moved and isinstance(y, Val) and isinstance(y.kind, Scalar)}


def only(v: Val, atoms: list[Atom]) -> bool:
    return any(x is v for x in vals(atoms))


def in_header(v: Val, loop: Op) -> bool:
    """Values that start a loop's variables are assignments, not expressions inside the header."""
    view = LoopView(loop)
    return (
        any(x is v for x in vals(view.header))
        or any(a is v for a in view.sources)
        or any(x is v for x in vals(view.inits))
    )


def depth(op: Op, lay: Layout) -> int:
    best = 0
    for v in vals(op.ins):
        if v.op is not None and v.op in lay.folded:
            best = max(best, depth(v.op, lay))
    return best + 1


def reads_memory(op: Op, lay: Layout) -> bool:
    """Whether evaluating the expression of ``op`` reads values in memory."""
    todo = [op]
    while todo:
        o = todo.pop()
        for v in vals(o.ins):
            if _memory(v):
                return True
            if v.op is not None and v.op in lay.folded:
                todo.append(v.op)
        for r in o.regions:
            todo.extend(r.ops)
    return False


def writes_anything(op: Op, lay: Layout) -> bool:
    if op.code == "prim":
        attrs = op.attrs
        return bool(attrs.get("inplace") or attrs.get("unread")) or attrs["fn"] in STATEMENTS
    if op.code == "call" and op.attrs.get("kernel"):
        return True
    return any(r in lay.written for r in op.regions)


def expression_if(op: Op, lay: Layout) -> bool:
    """Whether a branch can be printed as a conditional expression."""
    if len(op.outs) != 1 or op.attrs.get("style", "") == "":
        return False
    for r in op.regions:
        for o in r.ops:
            if o.code == "if" and o in lay.inline_ifs:
                pass
            elif is_statement(o):
                return False
            if len(o.outs) != 1 or len(lay.uses.get(o.out, [])) != 1:
                return False
            where, _ = lay.uses[o.out][0]
            if where is not r:
                return False
            if o.out.user:
                return False
        if any(not isinstance(a, (Val, Const, Ref, Struct)) for a in r.results):
            return False
    for r in op.regions:
        lay.folded.update(r.ops)
    return True
