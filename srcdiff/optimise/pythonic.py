"""Python's own numbers where there were NumPy's: what may be done with them, what it takes to be the same.

An element of a list is a ``float``; that of an array is a ``np.float64``.  They add and multiply alike. Where
Python raises and NumPy goes on with `inf` or `nan`, NumPy is asked (`n / d if d else np.divide(n, d)`); where
functions of NumPy have a quick way for one number, that is taken.  What shows of which type a number is (its
methods, its `repr`, what is returned) is refused, or given a number of NumPy's.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Const, Graph, LoopView, Op, Region, Struct, Val, kind, map_atom, vals
from srcdiff.ir.kinds import Array, Kind, Scalar, Seq, Tree
from srcdiff.ir.records import dataclass
from srcdiff.ir.unset import may_be_unset
from srcdiff.optimise.precision import counted_to, may_be_pythons

if TYPE_CHECKING:
    from srcdiff.optimise.lists import Use

__all__ = ["Numbers", "Pythonic"]

SUMS = {operator.add, operator.sub, operator.mul, ops.accumulate}
COMPARISONS = {operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne}
DIVIDED = {operator.truediv, operator.pow}
SAME = {operator.neg, operator.pos, operator.abs, float}  # of a double, one that is the same


@dataclass(frozen=True)
class Numbers:
    """Functions of the library that stand for numbers, and what takes their place for one number."""

    quick: Mapping[Any, Any]  # functions of doubles -> the same for a number of Python's
    array: Any  # an array of a list
    reshape: Any
    item: Any  # an element of an array, as a number of Python's
    strong: Any  # a number of the library's
    divide: Any
    power: Any  # for a number of Python's
    number_at_once: Callable[[Any], bool]  # whether a function takes a number for an array
    shape_only: Callable[[Any], frozenset[int]]
    gives_numpys: Callable[[Any], bool]  # whether a function makes the library's numbers, of Python's too


def is_double(a: Atom) -> bool:
    k = kind(a)
    return isinstance(k, Scalar) and k.dtype == "f8"


class Pythonic:
    """From the operations that read elements of lists on, where such numbers go."""

    def __init__(
        self,
        graph: Graph,
        numbers: Numbers,
        sources: Mapping[Val, Val | None],
        uses: Mapping[Val, list[Use]],
        ours: set[Val],
    ) -> None:
        self.graph, self.numbers, self.uses, self.ours = graph, numbers, uses, ours
        self.sources = sources  # with the lists that they are read of, if they may be refused
        self.parts: dict[Val, list[Val]] = {v: [] for v in sources}  # what they reach: from where
        self.own: set[Val] = set()  # more numbers that may be Python's
        todo = list(sources)
        while todo:
            v = todo.pop()
            for u in self.uses.get(v, ()):
                for w in self.reached(u):
                    if w not in self.parts:
                        self.parts[w] = []
                        todo.append(w)
                    self.parts[w].append(v)

    # ---- where they go
    def reached(self, u: Use) -> list[Val]:
        op = u.op
        if op is None:
            return []
        if u.result:
            if op.code in ("if", "try", "with"):
                return [op.outs[u.at]] if u.at < len(op.outs) else []
            view = LoopView(op)
            if u.region is not view.body:
                return []
            if u.at < view.carried:
                return self.slot(view, u.at)
            n = u.at - view.carried
            return [view.tapes[n]] if n < len(view.collected) else []
        if op.code == "prim":
            return [op.out] if self.gives_back(op, u.at) else []
        if op.is_loop:
            view = LoopView(op)
            n = u.at - view.head
            if 0 <= n < view.carried:
                return self.slot(view, n)
            return [view.elements[n - view.carried]] if n >= view.carried else []
        return []

    def slot(self, view: LoopView, n: int) -> list[Val]:
        heads = [r.params[n] for r in view.op.regions[:-1] if n < len(r.params)]
        return [view.params[n], view.finals[n], *heads]

    def gives_back(self, op: Op, at: int) -> bool:
        """Whether what an operation makes of such a number, or of what holds some, is or holds one."""
        if op.fn in (operator.getitem, ops.poplast, ops.rest):
            return at == 0 and not isinstance(kind(op.ins[0]), Array)
        if op.fn is ops.append:
            return True
        if op.fn in ops.WRITES:
            return isinstance(kind(op.ins[0]), (Seq, Tree)) and op.out not in self.ours and at != 1
        k = op.out.kind
        if not isinstance(k, Scalar):
            return op.fn in (ops.copied, list)
        return op.fn is not self.numbers.strong

    # ---- what may be done with them
    def clash(self) -> set[Val]:
        """The lists whose numbers come where Python's will not do."""
        todo = [v for v in self.parts if not all(self.allows(u, v) for u in self.uses.get(v, ()))]
        bad = set(todo)
        while todo:
            news = [w for w in self.parts[todo.pop()] if w not in bad]
            bad.update(news)
            todo += news
        return {part for v in bad if (part := self.sources.get(v)) is not None}

    def allows(self, u: Use, v: Val) -> bool:
        op = u.op
        if op is None:  # what is returned: a number is made one of the library's
            return is_double(v) and not may_be_unset(v)
        if u.result:
            return op.code in ("if", "for", "while")
        if op.code == "if":
            return isinstance(v.kind, Scalar)
        if op.is_loop:
            n = u.at - op.attrs["head"]
            return (n >= 0 and u.direct) or (n < 0 and isinstance(v.kind, Scalar) and v.kind.dtype == "i8")
        if op.code != "prim" or op.attrs.get("guarded"):
            return False
        if not isinstance(v.kind, Scalar):
            holds = (operator.getitem, ops.poplast, ops.rest, ops.append, len)
            return u.at == 0 and u.direct and op.fn in holds
        if op.fn in (operator.getitem, ops.setitem, ops.additem) and u.at == 1:
            return v.kind.dtype == "i8"
        if op.fn in ops.WRITES:
            return u.direct and v.kind.dtype in ("f8", "b1") and isinstance(kind(op.ins[0]), (Array, Seq))
        if op.fn is ops.append:
            return u.direct and u.at == 1
        if not all(fits(a) for a in op.ins):
            return False
        match v.kind.dtype:
            case "f8":
                return self.of_double(op, u)
            case "i8":
                return u.direct and self.of_whole(op)
            case "b1":
                return u.direct and self.of_truth(op)
        return False

    def of_double(self, op: Op, u: Use) -> bool:
        fn = op.fn
        if op.attrs.get("method"):
            return False
        if fn in SUMS or fn in COMPARISONS or fn in SAME or fn in (operator.truediv, self.numbers.strong):
            return u.direct
        if fn is operator.pow:
            return u.direct and all(isinstance(kind(a), Scalar) for a in op.ins)
        return self.numbers.number_at_once(fn) and (u.direct or isinstance(op.out.kind, Array))

    def of_whole(self, op: Op) -> bool:
        if op.fn in COMPARISONS:
            return True
        if op.fn in (operator.add, operator.sub) and all(isinstance(kind(a), Scalar) for a in op.ins):
            return any(isinstance(a, Const) or is_double(a) for a in op.ins)
        return op.fn is operator.mul and any(is_double(a) for a in op.ins)

    def of_truth(self, op: Op) -> bool:
        if op.fn in SUMS:
            return any(is_double(a) for a in op.ins)
        return op.fn is operator.not_

    def meets_its_own(self, v: Val) -> bool:
        """Whether something is computed of a number and others of Python's alone."""
        for u in self.uses.get(v, ()):
            op = u.op
            if op is None or u.result or op.code != "prim" or not isinstance(op.out.kind, Scalar):
                continue
            if op.fn is operator.neg and self.meets_its_own(op.out):
                return True
            if op.fn in self.numbers.quick or op.fn in SUMS or op.fn in COMPARISONS or op.fn in DIVIDED:
                if all(a is v or self.may_be_plain(a) for a in op.ins):
                    return True
        return False

    # ---- the same numbers by Python's means
    def rewrite(self) -> None:
        """Divisions that may be by zero, functions of one number, and what is returned."""
        region = self.graph.region
        self.own = may_be_pythons(region, self.numbers.gives_numpys, self.parts)
        self.in_region(region, frozenset())

        def strong(v: Val) -> Atom:
            if v not in self.parts or v.kind != Scalar("f8", False):
                return v
            region.ops.append(prim(self.numbers.strong, [v], v, v.kind))
            return region.ops[-1].out

        region.results = [map_atom(strong, a) for a in region.results]

    def in_region(
        self, region: Region, apart: frozenset[Any], zero: frozenset[Atom] = frozenset()
    ) -> frozenset[Any]:
        """``apart``: numbers that are known not to be zero here; ``zero``: that are.

        Where the program divides by zero Python raises: what it has divided by is none.  ``apart`` holds also
        what is known in the trips of loops like one that was run: (how these are counted, the numbers).
        """
        for op in region.ops:
            trips = trips_of(op)
            for n, r in enumerate(op.regions):
                before = (known for like, known in pairs(apart) if like == trips)
                known = apart.union(apart_from_zero(op, n), *before)
                known = self.in_region(r, known, zero | is_zero(op, n))
                if trips is not None and known > apart:
                    apart |= {(trips, known - apart)}
            if op.code == "prim" and any(v in self.parts for v in (*vals(op.ins), op.out)):
                self.number(op, apart, zero)
            if raises_by_zero(op):
                apart |= {op.ins[1]}
        return apart

    def number(self, op: Op, apart: frozenset[Atom], zero: frozenset[Atom]) -> None:
        if not all(isinstance(kind(a), Scalar) for a in op.ins) or not isinstance(op.out.kind, Scalar):
            return
        if op.fn is operator.truediv:
            if op.ins[1] not in apart:
                self.division(op, op.ins[1] in zero)
        elif op.fn is operator.pow:
            if op.ins[1] in (Const(2), Const(2.0)):
                op.become(operator.mul)
                op.ins[1] = op.ins[0]
            else:
                op.become(self.numbers.power, names=("", ""), text=self.numbers.power.__name__)
        elif not op.by_name and all(map(is_double, op.ins)):
            fn = self.numbers.quick.get(op.fn)
            if fn is not None:
                op.become(fn, names=("",) * len(op.ins), text=fn.__name__)

    def division(self, op: Op, by_zero: bool) -> None:
        top, by = op.ins
        if isinstance(by, Const) and by.value:
            return
        if top not in self.own and not self.may_be_plain(top):
            return  # NumPy's own number is divided: NumPy divides
        if not self.may_be_plain(by):
            return
        if by_zero:
            op.become(self.numbers.divide)
            return
        regions = []
        for fn in (operator.truediv, self.numbers.divide):
            inner = prim(fn, [top, by], op.out, op.out.kind)
            inner.out.name, inner.out.user = "", False
            inner.origin = op.origin
            regions.append(Region([], [inner], [inner.out]))
        op.code, op.ins, op.regions, op.attrs = "if", [by], regions, {"style": "ifexp"}
        op.fn = None

    def may_be_plain(self, a: Atom) -> bool:
        """Whether a number may be one of Python's: it was, or it is by now."""
        k = kind(a)
        return not isinstance(a, Val) or a in self.parts or not isinstance(k, Scalar) or k.weak


def raises_by_zero(op: Op) -> bool:
    """Whether it is a division of the program's own by Python's means."""
    if op.code != "prim" or op.fn is not operator.truediv or op.adjoint or op.attrs.get("guarded"):
        return False
    k = op.out.kind
    return isinstance(k, Scalar) and k.weak and isinstance(op.ins[1], Val)


def pairs(apart: frozenset[Any]) -> list[tuple[Any, frozenset[Any]]]:
    return [x for x in apart if isinstance(x, tuple)]


def trips_of(op: Op) -> Any:
    """What tells how many trips a loop makes; loops of which it is equal make as many."""
    return tuple(LoopView(op).header) if op.code == "for" else None


def is_zero(op: Op, branch: int) -> frozenset[Atom]:
    """What is known to be zero in a branch: a number that was asked whether it is."""
    asked = op.code == "if" and branch == 1 and is_double(op.ins[0])
    return frozenset(op.ins[:1]) if asked else frozenset()


def apart_from_zero(op: Op, branch: int) -> frozenset[Atom]:
    """What is known not to be zero in a branch, or in a trip: how many trips there are, counted up to."""
    if op.code == "for":
        bound = counted_to(op)
        return frozenset() if bound is None else frozenset((bound,))
    if op.code == "if" and branch == 0 and is_double(op.ins[0]):
        return frozenset(op.ins[:1])
    test = op.ins[0].op if op.code == "if" and isinstance(op.ins[0], Val) else None
    says = ((operator.ne, operator.gt), (operator.eq,))[branch] if branch < 2 else ()
    if test is None or test.code != "prim" or test.fn not in says:
        return frozenset()
    left, right = test.ins
    return frozenset((left,)) if right in (Const(0.0), Const(0)) else frozenset()


def fits(a: Atom) -> bool:
    """Whether an operand takes Python's numbers as it takes doubles."""
    if isinstance(a, Struct):
        return all(fits(x) for x in a.items)
    k = kind(a)
    return not isinstance(k, (Array, Scalar)) or k.dtype in ("f8", "i8", "b1")


def prim(fn: Any, ins: list[Atom], like: Val, k: Kind) -> Op:
    return Op.applying(fn, ins, k, None, like.name)
