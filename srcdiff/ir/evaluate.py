"""The meaning of a graph, by walking it: no text, no mutation.

Every pass is held against this in the tests: ``evaluate(before) == evaluate(after)``.  With ``in_place``
updates are done as the text would do them, on the memory of their operand, which is what ``optimise.inplace``
must have made safe; with ``kinds`` every value is compared with the kind that was inferred for it.
"""

from __future__ import annotations

import ast
import itertools
import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from srcdiff.errors import InternalError
from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Const, Graph, LoopView, Op, Ref, Region, Slice, Struct, Undef, Val, managed
from srcdiff.ir.kinds import Array, Kind, Map, Maybe, Scalar, Seq, Sym, Tree, is_active_kind, made

__all__ = ["evaluate"]


class Undefined:
    """The value of a variable on a path that does not set it."""

    def __repr__(self) -> str:
        return "undefined"


UNDEFINED = Undefined()
END = object()  # a source that has no more elements


def evaluate(graph: Graph, *args: Any, in_place: bool = False, kinds: bool = False) -> Any:
    """The graph's result on ``args``, one for each of its parameters.

    Parameters:
        in_place: do updates in place (a graph that went through ``own``); otherwise on copies.
        kinds: raise ``InternalError`` where a value is not of the kind that was inferred for it.
    """
    params = graph.region.params
    if len(args) != len(params):
        raise InternalError(f"{graph.name} has {len(params)} parameters, {len(args)} arguments given")
    run = Run(in_place, kinds)
    results = run.region(graph.region, args)
    return results[0] if len(results) == 1 else tuple(results)


class Run:
    """One evaluation: the values so far."""

    def __init__(self, in_place: bool, kinds: bool) -> None:
        self.env: dict[Val, Any] = {}
        self.in_place, self.kinds = in_place, kinds

    def set(self, v: Val, value: Any) -> None:
        if self.kinds and not isinstance(value, Undefined) and not fits(value, v.kind):
            raise InternalError(f"{v} is of kind {v.kind}, but is {describe(value)}, made by {v.op!r}")
        self.env[v] = value

    def atom(self, a: Atom) -> Any:
        match a:
            case Val():
                if a not in self.env:
                    raise InternalError(f"{a} is used before it is defined")
                return self.env[a]
            case Const(value):
                return value
            case Ref(obj):
                return obj
            case Slice(lower, upper, step):
                return slice(self.atom(lower), self.atom(upper), self.atom(step))
            case Struct(type, keys, items):
                return build(type, keys, [self.atom(x) for x in items])
            case Undef():
                return UNDEFINED
        raise InternalError(f"{a!r} has no value")

    def atoms(self, atoms: list[Atom]) -> list[Any]:
        return [self.atom(a) for a in atoms]

    def region(self, region: Region, args: Any = ()) -> list[Any]:
        for p, value in zip(region.params, args, strict=True):
            self.set(p, value)
        for op in region.ops:
            self.op(op)
        return self.atoms(region.results)

    def op(self, op: Op) -> None:
        match op.code:
            case "prim":
                self.set(op.out, self.prim(op))
            case "if":
                test = self.decided(self.atom(op.ins[0]))
                defined(test, op)
                for o, value in zip(op.outs, self.region(op.regions[0 if test else 1]), strict=True):
                    self.set(o, value)
            case "try":
                for o, value in zip(op.outs, self.protected(op), strict=True):
                    self.set(o, value)
            case "with":
                for o, value in zip(op.outs, self.block(op), strict=True):
                    self.set(o, value)
            case "for" | "while":
                self.loop(op)
            case "opaque":
                seen = map(self.shown, self.atoms(op.ins))
                value = execute(op, dict(zip(op.attrs["free"], seen, strict=True)))
                for o in op.outs:
                    self.set(o, value)
            case "call":
                got = self.called(op.attrs["graph"], self.atoms(op.ins))
                for o, value in zip(op.outs, [got] if len(op.outs) == 1 else got, strict=True):
                    self.set(o, value)
            case "unpack":
                for o, value in zip(op.outs, self.atom(op.ins[0]), strict=True):
                    self.set(o, value)
            case _:
                raise InternalError(f"an operation {op.code!r} cannot be evaluated")

    def protected(self, op: Op) -> list[Any]:
        """The results of a ``try``: of its body, or of the other region if an exception was caught."""
        body, failed = op.regions
        try:
            return self.region(body)
        except InternalError:
            raise
        except BaseException as e:
            for n, caught in enumerate(self.atoms(op.ins), 1):
                if isinstance(e, caught):
                    return self.region(failed, (n, e))
            raise

    def block(self, op: Op) -> list[Any]:
        if not managed(op):
            return self.region(op.regions[0])
        with self.prim(op) if op.fn is not None else self.atom(op.ins[0]) as entered:
            return self.region(op.regions[0], (entered,))
        raise InternalError(f"the manager of {op!r} held an exception back")

    def prim(self, op: Op) -> Any:
        values = self.atoms(op.ins)
        if op.attrs.get("unset"):  # what is not set is None in the text
            values = [None if isinstance(v, Undefined) else v for v in values]
        for v in values:
            defined(v, op)
        fn: Callable[..., Any] = op.fn
        if self.in_place and (fn in UPDATES or op.attrs.get("inplace")):
            fn = IN_PLACE.get(fn, fn)
        names = op.names
        pos = [v for v, n in zip(values, names, strict=True) if not n]
        return fn(*pos, **{n: v for v, n in zip(values, names, strict=True) if n})

    def called(self, graph: Graph, args: list[Any]) -> Any:
        """The result of a function that the graph calls."""
        return evaluate(graph, *args, kinds=self.kinds)

    def decided(self, value: Any) -> Any:
        """What a branch or a loop goes by."""
        return value

    def shown(self, value: Any) -> Any:
        """What a statement kept as it was written sees of a value."""
        return value

    # ---- loops
    def loop(self, op: Op) -> None:
        view = LoopView(op)
        carried = self.atoms(view.inits)
        n = len(carried)
        tapes: list[list[Any]] = [[] for _ in view.tapes]
        left, trips = 0, 0
        for index, elements in self.trips(op, view):
            if op.code == "while":
                (going,) = self.region(op.regions[0], carried)
                defined(going, op)
                if not self.decided(going):
                    break
            trips += 1
            results = self.region(view.body, [*index, *carried, *elements])
            carried = results[:n]
            for tape, value in zip(tapes, results[n : n + len(tapes)], strict=True):
                tape.append(value)
            if op.attrs["exits"] and results[-1] in op.attrs["exits"]:
                left = results[-1]
                break
        for f, value in zip(view.finals, carried, strict=True):
            self.set(f, value)
        for t, tape in zip(view.tapes, tapes, strict=True):
            self.set(t, tape)
        if view.exit_out is not None:
            self.set(view.exit_out, left)
        self.set(view.trips, trips)

    def trips(self, op: Op, view: LoopView) -> Iterator[tuple[list[Any], list[Any]]]:
        """The index (of a ``for``) and the elements of each trip, until the header or a source ends."""
        sources = [
            self.directed(s, d) for s, d in zip(self.atoms(view.sources), op.attrs["dirs"], strict=True)
        ]
        if op.code == "while" or view.head == 0:
            numbers: Any = itertools.count()
        else:
            numbers = range(*map(self.decided, self.atoms(view.header)))
            if op.attrs.get("rev"):
                numbers = reversed(numbers)
        for k in numbers:
            elements = [next(s, END) for s in sources]
            if any(e is END for e in elements):
                if op.attrs.get("aligned"):
                    raise InternalError(f"a tape is shorter than the loop that reads it: {op!r}")
                return
            yield [k][: view.has_index], elements
        if op.attrs.get("aligned") and any(next(s, END) is not END for s in sources):
            raise InternalError(f"a tape is longer than the loop that reads it: {op!r}")

    def directed(self, source: Any, d: int) -> Iterator[Any]:
        return iter(source) if d == 1 else reversed(source)


def defined(value: Any, op: Op) -> None:
    if isinstance(value, Undefined):
        raise UnboundLocalError(f"{op!r} reads a variable that is not set on this path")


def build(type_: Any, keys: tuple[Any, ...], items: list[Any]) -> Any:
    """The object of a display."""
    if type_ is tuple or type_ is list:
        return type_(items)
    fields = dict(zip(keys, items, strict=True))
    return fields if type_ is dict else made(type_, fields)


# ---- updates in place ------------------------------------------------------------------------------------


def _setitem(x: Any, index: Any, value: Any) -> Any:
    x[index] = value
    return x


def _additem(x: Any, index: Any, value: Any) -> Any:
    if isinstance(x, (list, dict)):
        x[index] = x[index] + value
    else:
        np.add.at(x, index, value)
    return x


def _append(x: Any, value: Any) -> Any:
    x.append(value)
    return x


def _rest(x: Any) -> Any:
    del x[-1]
    return x


def _without(x: Any, key: Any) -> Any:
    del x[key]
    return x


UPDATES = frozenset(ops.UPDATES)
IN_PLACE: dict[Any, Callable[..., Any]] = {
    ops.setitem: _setitem, ops.additem: _additem, ops.append: _append, ops.rest: _rest,
    ops.without: _without,
    ops.accumulate: operator.iadd, operator.add: operator.iadd, operator.sub: operator.isub,
    operator.mul: operator.imul, operator.truediv: operator.itruediv, operator.pow: operator.ipow,
    operator.floordiv: operator.ifloordiv, operator.mod: operator.imod, operator.matmul: operator.imatmul,
    operator.and_: operator.iand, operator.or_: operator.ior, operator.xor: operator.ixor,
    operator.lshift: operator.ilshift, operator.rshift: operator.irshift,
}  # fmt: skip


# ---- expressions and statements kept as they were written ------------------------------------------------


def execute(op: Op, names: dict[str, Any]) -> Any:
    """Run the tree of an opaque operation over the values of its free names."""
    tree = plain(op.attrs["tree"])
    if isinstance(tree, ast.stmt):
        module = ast.fix_missing_locations(ast.Module([tree], []))
        exec(compile(module, "<opaque>", "exec"), dict(names))
        return None
    return eval(compile(ast.fix_missing_locations(ast.Expression(tree)), "<opaque>", "eval"), dict(names))


def plain(node: Any) -> Any:
    """A syntax tree in the classes of ``ast``: those of gast have the same names."""
    if isinstance(node, list):
        return [plain(x) for x in node]
    if not isinstance(node, ast.AST):
        return node
    cls = getattr(ast, type(node).__name__)
    return cls(**{f: plain(getattr(node, f)) for f in cls._fields if hasattr(node, f)})


# ---- kinds -------------------------------------------------------------------------------------------------


def fits(value: Any, kind: Kind) -> bool:
    """Whether a value is of a kind; what is unknown fits everything."""
    match kind:
        case Array(dtype, dims):
            if isinstance(value, (float, np.ndarray)) and np.ndim(value) == 0 and value == 0.0:
                return True  # the derivative of what is None here, and an array elsewhere
            if not dims and np.ndim(value) == 0:
                return dtype_of(value) == dtype  # an operation on 0-d arrays gives a scalar
            counts = np.asarray(value).dtype.kind in "iub" and dtype[0] == "f"  # on this path, or trip
            alike = counts or dtype_of(value) == dtype
            return isinstance(value, np.ndarray) and alike and shape_fits(value.shape, dims)
        case Scalar(dtype):
            if np.ndim(value) != 0 or isinstance(value, (list, tuple, dict, str, bytes)) or value is None:
                return False
            return number_fits(dtype_of(value), dtype, kind.weak)
        case Map(elem):
            return isinstance(value, dict) and all(fits(x, elem) for x in value.values())
        case Seq(elem):
            if not isinstance(value, (list, tuple) if kind.frozen else list):
                return False  # (a frozen one that was the key of a dict is a tuple)
            return all(isinstance(x, Undefined) or fits(x, elem) for x in value)
        case Tree(type_, keys, items):
            if type_ is dict:
                return isinstance(value, dict) and all(
                    fits(value[k], i) for k, i in zip(keys, items, strict=True)
                )
            if not isinstance(value, type_):
                return False
            parts = list(value) if isinstance(value, (tuple, list)) else [getattr(value, k) for k in keys]
            return len(parts) == len(items) and all(map(part_fits, parts, items))
        case Maybe(of):
            return value is None or fits(value, of)
    return True


def part_fits(value: Any, kind: Kind) -> bool:
    """The (co)tangent of a container has None, or zero, where there is nothing to differentiate."""
    nothing = value is None or (isinstance(value, float) and value == 0.0)
    return fits(value, kind) or (nothing and not is_active_kind(kind))


def number_fits(got: str, dtype: str, weak: bool) -> bool:
    """A Python number stands for any width of its sort; an integer is real, a real number complex."""
    if weak and dtype[0] == "c" and got[0] in "iubf":
        return True
    if got == dtype or (got[0] in "iub" and dtype[0] in "iubf"):
        return True
    return weak and got[0] == dtype[0] == "f"


def dtype_of(value: Any) -> str:
    t = np.asarray(value).dtype
    return f"{t.kind}{t.itemsize}"


def shape_fits(shape: tuple[int, ...], dims: tuple[Any, ...]) -> bool:
    if len(shape) != len(dims):
        return False
    return all(
        n == d if isinstance(d, int) else not (isinstance(d, Sym) and d.big and not d.offset and n == 1)
        for n, d in zip(shape, dims, strict=True)
    )


def describe(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array {dtype_of(value)}{value.shape}"
    return f"{type(value).__name__} {value!r}"
