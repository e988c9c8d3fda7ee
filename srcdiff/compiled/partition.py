"""Which operations become kernels: runs that have a compiled form, as long as they can be."""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import gast
import numpy as np

from srcdiff.compiled.buffers import Outside, lies_over, room, shared
from srcdiff.compiled.differences import HELPERS
from srcdiff.compiled.handed import Handed, described, handed, worthy
from srcdiff.compiled.lower import Lowerer
from srcdiff.compiled.operations import HANDLERS
from srcdiff.compiled.starts import among_arrays, array_from_the_start
from srcdiff.compiled.tables import COMPLEX, IDENTITY, VECTOR_MATHS, spelled
from srcdiff.compiled.texts import bare, cast
from srcdiff.compiled.values import (
    NUMPY_DTYPE,
    Kernel,
    Tapes,
    Unsupported,
    as_array,
    from_runtime,
    is_boxed,
    is_unbroadcast,
    is_zeros_like,
    shaped_like,
    word_for,
)
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
    Undef,
    Val,
    kind,
    nested,
    vals,
    walk,
)  # fmt: skip
from srcdiff.ir.kinds import Array, Kind, Scalar, Seq, Sym, Tree, fresh_sym
from srcdiff.ir.origins import in_order
from srcdiff.ir.regions import map_region

__all__ = ["Left", "Plan", "partition"]

FEW = 12  # operations on numbers that are not worth the call of a kernel
TRIMMED = (ops.copied, np.copy)  # nothing is gained by these at the ends of a kernel
TURNED = (np.transpose, np.swapaxes)  # a matrix is turned for nothing where BLAS reads it
STRONG = {"f8": np.float64, "f4": np.float32, "c16": np.complex128}
PRODUCTS = (operator.matmul, np.dot)


@dataclass(frozen=True, slots=True)
class Left:
    """An operation that stays with NumPy: what, why, the user's statement."""

    what: str
    why: str
    statement: str


@dataclass(slots=True)
class Plan:
    """The kernels of a graph, and what is none."""

    kernels: dict[Graph, Kernel] = field(default_factory=dict)  # by what stands for each in the graph
    passed: dict[Graph, list[Val]] = field(default_factory=dict)  # arrays that are made for it
    members: dict[str, list[int]] = field(default_factory=dict)  # by name: the operations, by their places
    left: list[Left] = field(default_factory=list)

    @property
    def words(self) -> tuple[str, ...]:
        """Names that the text must leave alone."""
        helpers = {h for k in self.kernels.values() for h in k.helpers}
        return ("njit", "prange", "LOOPS", *(k.name for k in self.kernels.values()), *sorted(helpers))

    def functions(self) -> tuple[dict[Graph, tuple[str, Any]], dict[str, str]]:
        """The syntax trees of the kernels, by what stands for each, and the imports that they need."""
        out: dict[Graph, tuple[str, Any]] = {}
        imports: dict[str, str] = {}
        for stub, k in self.kernels.items():
            shared = ", parallel=dict(LOOPS)" if k.shared else ""
            source = "\n".join([f"@njit(cache=True, error_model='numpy'{shared})", *k.lines, *k.last_line()])
            tree = gast.parse(source).body[0]
            out[stub] = k.name, tree
            if k.shared or "prange" in imports:
                imports["njit"] = imports["prange"] = "from numba import njit, prange"
            else:
                imports["njit"] = "from numba import njit"
            if "np." in source:
                imports["np"] = "import numpy as np"
            if "math." in source:
                imports["math"] = "import math"
        helpers = sorted({h for k in self.kernels.values() for h in k.helpers})
        for home, names in (
            ("vmath", [h for h in helpers if h in VECTOR_MATHS]),
            ("runtime", [h for h in helpers if h not in VECTOR_MATHS]),
        ):
            line = f"from srcdiff.compiled.{home} import {', '.join(names)}"
            imports.update(dict.fromkeys(names, line))
        return out, imports

    def compile(self, namespace: dict[str, Any]) -> dict[str, str]:
        """Compile the kernels for contiguous arrays; why it failed, by name."""

        failed: dict[str, str] = {}
        for stub, k in self.kernels.items():
            kinds = [v.kind for _, v in k.params] + [v.kind for v in self.passed[stub]]
            if not hasattr(namespace[k.name], "compile"):  # NUMBA_DISABLE_JIT: kernels are plain Python
                continue
            try:
                namespace[k.name].compile(tuple(map(signature, kinds)))
            except Exception as e:  # numba's own, and what it does not see to: a kernel is never a must
                first = next((x for x in str(e).splitlines() if x.strip() and "pipeline" not in x), "")
                failed[k.name] = f"numba does not take it: {first.strip()[:200]}"
        return failed


def signature(k: Any) -> Any:
    """The type of a value of a kind, for numba."""
    import numba

    k = as_array(k) or k
    number = numba.from_dtype(np.dtype(k.dtype))
    return numba.types.Array(number, len(k.dims), "C") if isinstance(k, Array) else number


def partition(
    graph: Graph,
    memory: Callable[[Val], frozenset[Any]],
    written: frozenset[Any],
    banned: dict[int, str],
    threads: bool = False,
) -> Plan:
    """Put kernels in the place of what they do; ``banned``: operations, by their places, to be left alone.

    With ``threads`` loops over elements are shared by them where that pays.
    """
    return Partition(graph, memory, written, banned, threads).run()


class Partition:
    def __init__(
        self,
        graph: Graph,
        memory: Callable[[Val], frozenset[Any]],
        written: frozenset[Any],
        banned: dict[int, str],
        threads: bool = False,
    ) -> None:
        self.threads = threads
        self.graph, self.memory, self.written = graph, memory, written
        self.plan = Plan()
        self.place = {op: n for n, op in enumerate(walk(graph.region))}
        self.banned = {op: banned[n] for op, n in self.place.items() if n in banned}
        self.total: Counter[Val] = Counter()
        self.users: dict[Val, list[Op | None]] = {}
        self.regions: dict[Val, list[Region]] = {}  # whose results it is
        self.count(graph.region)
        self.unsure: set[Val] = set()
        self.spread_unsure()
        self.forget_sizes()
        self.reasons: dict[Op, tuple[Op | None, str]] = {}
        self.used: dict[Val, Val] = {}
        self.taken: set[str] = set()
        self.lists = {p for p in graph.region.params if isinstance(p.kind, Seq)}
        self.handed: dict[Val, Handed] = {}  # tapes that kernels have filled
        self.unpacking: list[Op] = []  # what makes lists of them
        self.from_lists: set[Op] = set()  # what makes arrays of lists, for kernels
        self.casts: list[Op] = []  # what makes numbers of kernels NumPy's
        self.ours: set[Val] = set()  # arrays made for what kernels give
        self.depth = 0  # operations around the region at hand
        self.here: set[Op] = set()  # the operations of the region at hand

    def count(self, region: Region) -> None:
        for op in region.ops:
            for v in vals(op.ins):
                self.total[v] += 1
                self.users.setdefault(v, []).append(op)
            for r in op.regions:
                self.count(r)
        for v in vals(region.results):
            self.total[v] += 1
            self.users.setdefault(v, []).append(None)
            self.regions.setdefault(v, []).append(region)

    def forget_sizes(self) -> None:
        """Sizes are taken from kinds where every operation on the way says how, not from samples."""
        loose: set[Val] = set()
        size = -1
        while size != len(loose):
            size = len(loose)
            self.find_loose(self.graph.region, loose)
        for v in loose:
            k = v.kind
            if isinstance(k, Array):
                v.kind = Array(k.dtype, tuple(d if d == 1 else fresh_sym() for d in k.dims))
            elif isinstance(k, Scalar) and k.value is not None:
                v.kind = replace(k, value=None)

    def find_loose(self, region: Region, loose: set[Val]) -> None:
        def spread(pairs: Iterable[tuple[Val, Atom]]) -> None:
            loose.update(o for o, a in pairs if any(v in loose for v in vals([a])))

        for op in region.ops:
            for r in op.regions:
                self.find_loose(r, loose)
            if op.is_loop:
                view = LoopView(op)
                for p, i, y, f in view.slots:
                    spread([(p, i), (p, y), (f, i), (f, y)])
                    if op.code == "while":
                        spread([(op.regions[0].params[view.params.index(p)], p)])
                spread((t, c) for c, t in view.kept)
                spread(view.taken)
            elif op.code == "if":
                spread((o, a) for r in op.regions for o, a in zip(op.outs, r.results, strict=True))
            elif op.code == "prim" and (at := shaped_like(op.fn)) is not None and op.ins[at] not in loose:
                own, of = op.out.kind, kind(op.ins[at])
                if isinstance(own, Array) and isinstance(of, Array):
                    op.out.kind = Array(own.dtype, of.dims)
            elif op.code == "prim" and is_boxed(op):
                continue
            elif (
                op.code != "prim"
                or not known(op.fn)
                or unsettled(op)
                or any(v in loose for v in vals(op.ins))
            ):
                loose.update(op.outs)

    def spread_unsure(self) -> None:
        size = -1
        while size != len(self.unsure):
            size = len(self.unsure)
            self.find_unsure(self.graph.region)

    def find_unsure(self, region: Region) -> None:
        """Values of the kind of arrays that may be numbers: zeros of None, and what starts as one.

        Or arrays of another type: what a loop starts from, or a branch leaves, need not be what comes after.
        """

        def number(a: Atom) -> bool:
            return (isinstance(a, Val) and a in self.unsure) or not isinstance(kind(a), (Array, Seq, Tree))

        def differs(o: Val, a: Atom) -> bool:
            k, own = kind(a), o.kind
            return isinstance(k, Array) and isinstance(own, Array) and k.dtype != own.dtype

        for op in region.ops:
            pairs: list[tuple[Val, Atom]] = []
            for r in op.regions:
                self.find_unsure(r)
            if op.code in ("if", "try", "with"):
                pairs = [(o, a) for r in op.regions for o, a in zip(op.outs, r.results, strict=True)]
            elif op.is_loop:
                view = LoopView(op)
                for k, (p, i, y, f) in enumerate(view.slots):
                    pairs += [(p, y), (f, y)]
                    if not array_from_the_start(view, k, self.users, self.unsure):
                        pairs += [(p, i), (f, i)]
                    if op.code == "while":
                        pairs.append((op.regions[0].params[k], p))
                pairs += ((t, c) for c, t in view.kept)
                pairs += [
                    (e, s) for e, s in view.taken if s in self.unsure
                ]
                pairs = [(o, a) for o, a in pairs if not isinstance(a, Undef)]
            elif (
                op.code == "prim"
                and (
                    getattr(op.fn, "__name__", "") == "zero_of"
                    or any(isinstance(a, Val) and a in self.unsure for a in op.ins)
                )
                and op.fn not in CERTAIN
                and not among_arrays(op, self.unsure)
            ):
                self.unsure.update(o for o in op.outs if holds_array(o.kind))
            self.unsure.update(o for o, a in pairs if holds_array(o.kind) and (number(a) or differs(o, a)))

    def run(self) -> Plan:
        self.region(self.graph.region)
        if self.used:
            map_region(self.used_now, self.graph.region)
        self.total = Counter()
        self.count(self.graph.region)
        ours, unread = {*self.unpacking, *self.casts}, set[Op]()
        for op in reversed([o for o in walk(self.graph.region) if o in ours or movable(o)]):
            if not self.total[op.out]:  # (a kernel has no use for it, or only for its size)
                unread.add(op)
                self.total.subtract(vals(op.ins))
        self.without(self.graph.region, unread)
        loops = [op for op in walk(self.graph.region) if op.is_loop]
        carried = {p: op for op in loops for p in LoopView(op).params}
        for op in walk(self.graph.region):
            if op.code == "call" and op.attrs.get("kernel"):
                self.unburden(op, op.attrs["kernel"])
                set_everywhere(op, self.from_lists, carried)
        return self.plan

    def unburden(self, call: Op, kernel: Kernel) -> None:
        """Take from a kernel's results what nobody reads: of some values only the type was asked."""
        read = [bool(self.total[v]) for v in call.outs]
        if len(kernel.gives) == len(read):
            kernel.gives = [text for text, is_read in zip(kernel.gives, read, strict=True) if is_read]
            call.outs = [v for v in call.outs if self.total[v]]

    def used_now(self, v: Val) -> Val:
        while v in self.used:
            v = self.used[v]
        return v

    # ---- runs
    def region(self, region: Region) -> None:
        outside, self.here = self.here, set(region.ops)
        out: list[Op] = []
        run: list[Op] = []
        for op in region.ops:
            if self.refusal(op) is None:
                run.append(op)
                continue
            needed = self.before(op, run)
            if needed is not None:  # it need not come between what is compiled
                out += [*needed, self.kept(op)]
                run = [o for o in run if o not in needed]
                continue
            out += self.kernel_of(run)
            run = []
            out.append(self.kept(op))
        region.ops = out + self.kernel_of(run)
        self.here = outside

    def before(self, op: Op, run: list[Op]) -> list[Op] | None:
        """What has to come first if an operation is done before a run; None if it cannot be."""
        if not run or not movable(op) or not any(o.is_loop for o in run):
            return None
        made = {v: o for o in run for v in o.outs}
        needed: set[Op] = set()
        todo = [op]
        while todo:
            for v in vals(todo.pop().ins):
                o = made.get(v)
                if o is not None and o not in needed:
                    if not movable(o):
                        return None
                    needed.add(o)
                    todo.append(o)
        written: set[Any] = set()
        for o in [*run, op]:
            if o in needed or o is op:
                if o.fn not in (ops.shape_at, len) and any(self.memory(v) & written for v in vals(o.ins)):
                    return None
            else:
                written |= self.writes(o)
        return [o for o in run if o in needed]

    def writes(self, op: Op) -> set[Any]:
        """The memory that an operation, or one inside it, writes to."""
        inner = (op, *nested(op))
        return {r for o in inner if o.attrs.get("inplace") for v in vals(o.ins[:1]) for r in self.memory(v)}

    def kept(self, op: Op) -> Op:
        """An operation that stays, with kernels inside it perhaps."""
        if op.regions and op.code in ("for", "while", "if", "with"):
            inner, why = self.reasons.get(op, (op, ""))
            if op.is_loop:
                self.begin(op)
            self.depth += 1
            for r in op.regions:
                if not (op.code == "while" and r is op.regions[0]):
                    self.region(r)
            self.depth -= 1
        else:
            inner, why = self.reasons.get(op, (op, ""))
        if why and op.code in ("prim", "for", "while", "if") and (self.depth or not is_unpacking(op)):
            o = (inner.origin if inner is not None else None) or op.origin
            what = word_for(inner.fn) if inner is not None and inner.code == "prim" else f"a {op.code}"
            left = Left(what, why, o.text if o is not None else "")
            if left not in self.plan.left:
                self.plan.left.append(left)
        return op

    def begin(self, loop: Op) -> None:
        """Arrays that have no value before a loop that stays are None in its first trip."""
        unset = {p for p, i, _, _ in LoopView(loop).slots if isinstance(i, Undef) and holds_array(p.kind)}
        if not unset <= self.unsure:
            self.unsure |= unset
            self.spread_unsure()

    def refusal(self, op: Op) -> str | None:
        """Why an operation cannot be in a kernel, as far as it tells by itself."""
        if op in self.banned:
            self.reasons[op] = (op, self.banned[op])
            return self.banned[op]
        if op in self.reasons:
            return self.reasons[op][1]
        for o in (op, *nested(op)):
            why = None
            if o.code == "prim":
                if o.attrs.get("guarded"):
                    why = "a handler guards it"
                elif not known(o.fn):
                    why = f"{word_for(o.fn)} has no compiled form"
            elif o.code not in ("for", "while", "if"):
                why = OTHERS.get(o.code, f"an operation {o.code!r}")
            if why is not None:
                self.reasons[op] = (o, why)
                return why
        return None

    def kernel_of(self, run: list[Op]) -> list[Op]:
        """The operations that a run becomes."""
        while run and run[0].code == "prim" and run[0].fn in TRIMMED:
            first, *rest = run
            return [first, *self.kernel_of(rest)]
        turned = [op for op in run if self.is_turned_for_blas(op, run)]
        if turned:
            return [*self.kernel_of([op for op in run if op not in turned]), *turned]
        if not run:
            return []
        if not self.worth(run):
            return run
        lowerer = Lowerer(self.name(), self.total, self.memory, self.written, self.taken)
        lowerer.users = self.users
        lowerer.threads = self.threads
        lowerer.unsure = self.unsure
        lowerer.lists = self.lists if self.depth == 0 else set()
        lowerer.nested = self.depth > 0
        lowerer.handed = dict(self.handed)
        try:
            results = self.results(run)
            lowerer.results = set(results)
            lowerer.starts = {v for r in results if (v := lowerer.start_of(r)) is not None}
            for op in run:
                lowerer.op = op
                lowerer.operation(op)
            lowerer.flush()
            if (
                not lowerer.kernel.loops
                and not any(op.is_loop for op in run)
                and len(run) < FEW
            ):
                return run
            return self.finish(lowerer, run, results)
        except Unsupported as e:
            e.op = e.op or lowerer.op
            culprit = next(
                (op for op in run if op is e.op or any(o is e.op for o in nested(op))), None
            )
            if culprit is None:
                culprit = run[-1]
            self.reasons[culprit] = (e.op, e.reason)
            n = run.index(culprit)
            return [*self.kernel_of(run[:n]), self.kept(culprit), *self.kernel_of(run[n + 1 :])]

    def is_turned_for_blas(self, op: Op, run: list[Op]) -> bool:
        """Whether an operation is a transpose that products of matrices alone read, which stay outside."""
        users = self.users.get(op.out, []) if op.code == "prim" and op.fn in TURNED and movable(op) else []
        return bool(users) and all(u is not None and self.is_for_blas(u, run) for u in users)

    def is_for_blas(self, user: Op, run: list[Op]) -> bool:
        if user.code != "prim" or user not in self.here or user in run:
            return False
        if user.fn not in PRODUCTS:
            return self.is_turned_for_blas(user, run)
        return all(isinstance(k := kind(a), Array) and len(k.dims) == 2 for a in user.ins[:2])

    def worth(self, run: list[Op]) -> bool:
        """Whether a call is less than what it saves."""
        arrays = [
            op
            for op in run
            if op.code == "prim"
            and op.fn not in FREE
            and (
                isinstance(op.out.kind, Array)
                or any(isinstance(a, Val) and isinstance(a.kind, Array) for a in op.ins)
            )
        ]
        loops = any(
            o.is_loop for op in run for o in (op, *nested(op))
        )
        return loops or len(arrays) > 1 or sum(1 for op in run for _ in walk(Region([], [op], []))) >= FEW

    def name(self) -> str:
        n = len(self.plan.kernels) + 1
        return f"{self.graph.info.get('word', self.graph.name)}_kernel{n if n > 1 else ''}"

    def results(self, run: list[Op]) -> list[Val]:
        """What is made in a run and used outside of it."""
        inside = {o for op in run for o in (op, *nested(op))}
        regions = {r for o in inside for r in o.regions}
        out = []
        for op in run:
            for v in op.outs:
                users = self.users.get(v, [])
                outer = any(u is not None and u not in inside for u in users)
                ends = any(r not in regions for r in self.regions.get(v, []))
                if outer or ends:
                    out.append(v)
        return out

    # ---- one kernel
    def finish(self, lw: Lowerer, run: list[Op], results: list[Val]) -> list[Op]:
        kernel = lw.kernel
        texts: list[str] = []
        made = {v: (name, text) for name, text, v in kernel.made}
        passed: list[tuple[str, str, Val]] = []
        params = dict(kernel.params)
        by_name = dict(kernel.params)
        views: set[str] = set()
        for v in results:
            lw.op = run[-1]
            if isinstance(v.kind, Seq):
                r = lw.rep(v)
                if isinstance(r, Tapes) and worthy(r) and described(r.tape):
                    given, raws = handed(v, r)
                    lw.handed[v] = given
                    texts += [t for t, _ in raws]
                    kernel.returned += [a for _, a in raws]
                    continue
                if as_array(v.kind) is None or lw.nested:
                    raise Unsupported(self.maker(v, run), "what it saves is read outside of the kernel")
                texts.append(lw.value_for(v, v.kind))
                kernel.returned.append(v)
                continue
            if isinstance(v.kind, Array) and v.kind.dims:
                r = lw.rep(v)
                name = getattr(getattr(r, "store", None), "name", "")
                if getattr(r, "whole", False) and name in by_name:
                    kernel.inplace[v] = by_name[name]
                    continue
                entry = made.get(v) or next(((n, t) for n, t, _ in kernel.made if n == name), None)
                if getattr(r, "whole", False) and entry is not None and name == entry[0]:
                    first = next((p for p in passed if p[0] == name), None)
                    if first is not None:
                        kernel.inplace[v] = first[2]
                    else:
                        passed.append((name, entry[1], v))
                    continue
                got = lw.value_for(v, v.kind)
                if got in by_name or got in views:
                    raise Unsupported(self.maker(v, run), "two results of a kernel are one array")
                views.add(got)
                texts.append(got)
            else:
                k = v.kind
                dtype = lw.dtype_of(k)
                texts.append(bare(cast(lw.scalar(v), lw.elements(v).dtype, dtype)))
            kernel.returned.append(v)
        lw.settle()
        named = {n for n, _, _ in passed}
        for n, text, _ in kernel.made:  # made outside for nobody
            if n not in named:
                lw.out.insert(0, f"    {n} = {text}")
        kernel.gives = texts
        return self.placed(lw, run, passed, params)

    def maker(self, v: Val, run: list[Op]) -> Op:
        return next(op for op in run if v in op.outs)

    def placed(
        self, lw: Lowerer, run: list[Op], passed: list[tuple[str, str, Val]], params: dict[str, Val]
    ) -> list[Op]:
        kernel = lw.kernel
        kernel.places = list(dict.fromkeys(o for op in self.inside(run) if (o := op.origin) is not None))
        kernel.words = in_order(kernel.places)
        passed, outside = self.over_arguments(lw, run, passed)
        names = [n for n, _ in kernel.params] + [n for n, _, _ in passed]
        head = [f"def {kernel.name}({', '.join(names)}):"]
        kernel.lines = [*head, *lw.head, *lw.out]
        if kernel.shared:
            kernel.helpers.add("LOOPS")
        if len(lw.out) == 0 and not kernel.gives:
            kernel.lines.append("    pass")
        # (what is given back is not done with)
        _, *whole = shared([*kernel.lines, *kernel.last_line()], outside)
        over = [f"    {r} = {a}" for r, a in outside.over.items()]
        body = whole[: len(whole) - len(kernel.last_line())]
        kernel.lines = [*head, f"    {docstring(kernel.words)!r}", *over, *body]
        stub = Graph(kernel.name, Region(), info={"effect": True})
        out: list[Op] = []
        given: dict[str, Atom] = {}
        for name, v in params.items():
            given[name] = v
            array = as_array(v.kind)
            if isinstance(v.kind, Seq) and array is not None:
                tree = gast.parse(f"np.array(x, {NUMPY_DTYPE[array.dtype]})").body[0].value
                attrs = {"tree": tree, "free": ["np", "x"]}
                made = Op("opaque", [Ref(np, "np"), v], [Val(v.name, array)], attrs=attrs)
                made.out.op = made
                self.from_lists.add(made)
                out.append(made)
                given[name] = made.out
        for _, text, v in passed:
            tree = gast.parse(text).body[0].value
            free = sorted({n.id for n in gast.walk(tree) if isinstance(n, gast.Name)} - {"max"})
            ins: list[Atom] = [Ref(np, "np") if w == "np" else given[w] for w in free]
            alloc = Op("opaque", ins, [v], attrs={"tree": tree, "free": free}, origin=run[0].origin)
            v.op = alloc
            out.append(alloc)
        ins = [*given.values(), *(v for _, _, v in passed)]
        call = Op("call", ins, [], attrs={"graph": stub, "kernel": kernel, "room": room_of(kernel)})
        after: list[Op] = []
        for v, given_on in lw.handed.items():
            if v not in self.handed:
                self.handed[v] = given_on
                after.append(self.unpacked(v, given_on))
        raws = {a for h in lw.handed.values() for a in (*h.arrays, h.count)}
        for v in kernel.returned:
            k = v.kind
            if v in raws:
                call.outs.append(v)
                v.op = call
                continue
            strong = (isinstance(k, Scalar) and not k.weak) or (isinstance(k, Array) and not k.dims)
            if isinstance(k, Seq):
                self.lists.add(v)
                raw = Val(v.name, as_array(k) or k, call)
                call.outs.append(raw)
                tree = gast.parse("raw.tolist()").body[0].value
                v.op = Op("opaque", [raw], [v], attrs={"tree": tree, "free": ["raw"]})
                after.append(v.op)
            elif strong and k.dtype in STRONG:  # type: ignore[union-attr]
                raw = Val(v.name, Scalar(k.dtype), call)  # type: ignore[union-attr]
                call.outs.append(raw)
                fn = STRONG[k.dtype]  # type: ignore[union-attr]
                v.op = Op("prim", [raw], [v], attrs={"fn": fn})
                after.append(v.op)
                self.casts.append(v.op)
            else:
                call.outs.append(v)
                v.op = call
        out += [call, *after]
        self.used.update(kernel.inplace)
        self.plan.kernels[stub] = kernel
        self.plan.passed[stub] = [v for _, _, v in passed]
        self.plan.members[kernel.name] = [self.place[op] for op in run]
        self.taken.add(kernel.name)
        return out

    def over_arguments(
        self, lw: Lowerer, run: list[Op], passed: list[tuple[str, str, Val]]
    ) -> tuple[list[tuple[str, str, Val]], Outside]:
        """The results that need memory of their own; which others are arguments that nobody reads after."""
        kernel = lw.kernel
        own: list[tuple[str, str, Val]] = []
        sizes, words = dict[str, str](), dict[Sym, str]()
        for n, p in kernel.params:
            for k, d in enumerate(p.kind.dims if isinstance(p.kind, Array) else ()):
                if isinstance(d, Sym):
                    sizes[f"{n}.shape[{k}]"] = words.setdefault(d, f"{n}.shape[{k}]")
        outside = Outside(sizes=sizes)
        names = [n for n, _ in kernel.params] + [n for n, _, _ in passed]
        text = [f"def kernel({', '.join(names)}):", *lw.head, *lw.out]
        spare = [(n, p) for n, p in kernel.params if len(lw.out) and self.dies(p, run, kernel)]
        outside.spare = {n: made for n, p in spare if (made := made_like(n, p.kind))}
        for name, made, v in passed:
            named = v.name if v.user else ""
            alike = [x for x in spare if x[1].kind == v.kind and (not x[1].user or named in ("", x[1].name))]
            fits = (x for x in alike if made.startswith("np.empty(") and lies_over(text, x[0], name))
            found = next(fits, None)
            self.ours.add(v)
            if found is None:
                own.append((name, made, v))
                if made.startswith("np.empty("):
                    outside.results[name] = made
                continue
            spare.remove(found)
            outside.over[name] = found[0]
            kernel.inplace[v] = found[1]
            if not found[1].user:
                found[1].name, found[1].user = v.name, v.user
        return own, outside

    def dies(self, p: Val, run: list[Op], kernel: Kernel) -> bool:
        """Whether an argument of a kernel is an array made for it, which nobody sees after."""
        made = p.op is not None and p.op.code == "prim" and p.op.fn in (*PRODUCTS, np.matmul)
        if self.depth or not isinstance(p.kind, Array) or not (made or p in self.ours):
            return False
        if p in kernel.inplace.values() or self.memory(p) != {p}:
            return False
        if any(q is not p and p in self.memory(q) for _, q in kernel.params):
            return False
        inside, first = set(self.inside(run)), self.place[run[0]]
        seen = [u for w, users in self.users.items() if p in self.memory(w) for u in users]
        return all(u is not None and (u in inside or self.place[u] < first) for u in seen)

    def unpacked(self, v: Val, given: Handed) -> Op:
        """The lists of a tape, for those that are no kernels."""
        from srcdiff.compiled.runtime import unpacked  # (which imports numba)

        names = [f"a{n}" for n in range(len(given.arrays))]
        text = f"unpacked({described(given.tape)}, [{', '.join(names)}], 0, n)"
        tree = gast.parse(text).body[0].value
        ins: list[Atom] = [Ref(unpacked, "unpacked"), *given.arrays, given.count]
        op = Op("opaque", ins, [v], attrs={"tree": tree, "free": ["unpacked", *names, "n"]})
        v.op = op
        self.unpacking.append(op)
        return op

    def without(self, region: Region, unread: set[Op]) -> None:
        region.ops = [op for op in region.ops if op not in unread]
        for op in region.ops:
            for r in op.regions:
                self.without(r, unread)

    def inside(self, run: list[Op]) -> Iterator[Op]:
        for op in run:
            yield op
            for r in op.regions:
                yield from walk(r)


def made_like(name: str, k: Kind) -> str:
    """How an array of the size and type of another would be made, if kernels make such arrays."""
    if not isinstance(k, Array) or k.dtype not in NUMPY_DTYPE:
        return ""
    sizes = [str(d) if isinstance(d, int) else f"{name}.shape[{n}]" for n, d in enumerate(k.dims)]
    shape = sizes[0] if len(sizes) == 1 else f"({', '.join(sizes)})"
    return f"np.empty({shape}, {NUMPY_DTYPE[k.dtype]})"


def room_of(kernel: Kernel) -> list[Kind]:
    """The arrays that a kernel makes for itself."""
    dims = {
        f"{n}.shape[{k}]": d
        for n, p in kernel.params
        if isinstance(p.kind, Array)
        for k, d in enumerate(p.kind.dims)
    }
    dtypes = {text: dtype for dtype, text in NUMPY_DTYPE.items()}
    return [
        Array(dtypes[dtype], tuple(int(d) if d.isdigit() else dims.get(d) or fresh_sym() for d in sizes))
        for sizes, dtype in room(kernel.lines)
        if dtype in dtypes
    ]


def set_everywhere(call: Op, from_lists: set[Op], carried: dict[Val, Op]) -> None:
    """Have numbers, and lists of them, that a kernel is given set on every path, also where it never asks."""
    todo = vals(call.ins)
    todo += [a for v in todo if v.op in from_lists for a in vals(v.op.ins)]
    seen = set(todo)
    while todo:
        v = todo.pop()
        op, zero = carried.get(v, v.op), not_set(v.kind)
        if op is None or zero is None:
            continue
        parts: list[tuple[list[Atom], int]] = []
        if op.code in ("if", "try") and v in op.outs:
            parts = [(r.results, op.outs.index(v)) for r in op.regions]
        elif op.is_loop:
            view = LoopView(op)
            for k, (p, _, _, f) in enumerate(view.slots):
                if v is p or v is f:
                    parts = [(op.ins, view.head + k), (view.body.results, k)]
            parts += [([c], 0) for c, t in view.kept if t is v]  # (what it holds of each trip)
        for atoms, k in parts:
            if isinstance(atoms[k], Undef):
                atoms[k] = zero
            elif isinstance(a := atoms[k], Val) and a not in seen:
                seen.add(a)
                todo.append(a)


NOT_SET = {"f8": Const(0.0), "i8": Const(0), "b1": Const(False), "c16": Const(0j), "f4": Const(0.0)}


def not_set(k: Kind) -> Atom | None:
    """What stands for a value of a kind on the paths that do not set it."""
    if isinstance(k, Seq):
        return Struct(list, (), ())
    return NOT_SET.get(k.dtype) if isinstance(k, Scalar) else None


def unsettled(op: Op) -> bool:
    """Whether arrays are put together of which one may be broadcast, for all that is known."""
    if not (broadcasts(op.fn) or is_unbroadcast(op.fn) or from_runtime(op.fn) == "fit"):
        return False
    shapes = [k.dims for a in op.ins if isinstance(k := kind(a), Array)]
    for p in range(1, max(map(len, shapes), default=0) + 1):
        dims = {s[-p] for s in shapes if len(s) >= p} - {1}
        if len(dims) > 1 and not all(isinstance(d, Sym) and d.big for d in dims):
            return True
    return False


def broadcasts(fn: Any) -> bool:
    """Whether a function goes over the elements of its operands together."""
    return spelled(fn) is not None or fn in COMPLEX


def is_unpacking(op: Op) -> bool:
    """Whether an operation takes something out of a container of known structure: nothing to compile."""
    return op.code == "prim" and op.fn is operator.getitem and isinstance(kind(op.ins[0]), Tree)


def movable(op: Op) -> bool:
    """Whether an operation may be done earlier, for all that it does itself."""
    marks = ("inplace", "guarded", "unread", "effect")
    return op.code == "prim" and not any(op.attrs.get(m) for m in marks) and op.fn is not ops.poplast


CERTAIN = (np.broadcast_to, np.asarray, np.array)


def holds_array(k: Kind) -> bool:
    return (isinstance(k, Array) and bool(k.dims)) or (isinstance(k, Seq) and holds_array(k.elem))


OTHERS = {
    "opaque": "a statement that acts on the world", "try": "a try", "with": "a with block",
    "call": "a function that calls itself", "unpack": "what a pullback saved",
}  # fmt: skip
FREE = (ops.shape_at, len, getattr, np.size, np.transpose, np.expand_dims, np.broadcast_to)


def known(fn: Any) -> bool:
    try:
        return (
            fn in HANDLERS
            or fn in IDENTITY
            or spelled(fn) is not None
            or fn in COMPLEX
            or is_unbroadcast(fn)
            or is_zeros_like(fn)
            or from_runtime(fn) in HELPERS
        )
    except TypeError:
        return False


def docstring(words: list[str]) -> str:
    """Which lines of the user's a kernel stands for."""
    shown = [w if len(w) <= 60 else w[:56] + " ..." for w in words]
    if len(shown) > 8:
        shown = [*shown[:4], "...", *shown[-3:]]
    if not shown:
        return "Compiled."
    return "\n".join(["Stands for:", "", *(f"        {w}" for w in shown), "    "])
