"""What was made for one signature, and how it is found again at the next call."""

from __future__ import annotations

import enum
import functools
import inspect
import math
import types
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from textwrap import indent
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from srcdiff.api.backend import COMPILED
from srcdiff.api.sizes import (
    Form,
    Lengths,
    Place,
    Shapes,
    SizePlace,
    array_at,
    axes_known,
    form,
    forms_in,
    has_large,
    holds_lists,
    limited,
    shapes_in,
    size_at,
    sizes_at,
    sizes_equal,
    sizes_known,
    sizes_seen,
    sizes_shared,
    taken_apart,
)
from srcdiff.api.targets import Target, lock, name_of, refuse, refuse_value, target_of
from srcdiff.deep import with_room
from srcdiff.errors import NoRule, SrcdiffError
from srcdiff.frontend.params import Param, float_param
from srcdiff.frontend.paths import Path, Way, lookup_free, nameable, place_of, settle, step
from srcdiff.frontend.things import holds_code, holds_things, is_foreign, is_instance
from srcdiff.garbage import seldom
from srcdiff.ir.classes import fields_of
from srcdiff.ir.graph import Graph, first_use, let_go
from srcdiff.ir.kinds import OTHER, Kind, Seq, Tree, is_active_kind, kind_of
from srcdiff.ir.modules import NUMPY, module_of, on, package_of
from srcdiff.later import Later
from srcdiff.request import LARGE, Request
from srcdiff.signature import Getter, check_memory, getter, is_literal, key_of_value, module_for, same

if TYPE_CHECKING:
    from srcdiff import pipeline
    from srcdiff.api import memory as planners
    from srcdiff.frontend import wanted as wanted_
    from srcdiff.memory import plans
    from srcdiff.request import Made
else:
    pipeline = Later("srcdiff.pipeline")
    wanted_ = Later("srcdiff.frontend.wanted")
    plans = Later("srcdiff.memory.plans")
    planners = Later("srcdiff.api.memory")

__all__ = [
    "LIMIT",
    "Arguments",
    "Outside",
    "Pair",
    "Specialised",
    "Variant",
    "as_float",
    "check_argument",
    "extra_names",
    "kept",
    "param",
]  # fmt: skip

Arguments = Mapping[str, Any]
T = TypeVar("T")
PLAIN = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)

LIMIT = 64  # signatures that one derivative is kept for
MOST_SHARED = 512  # signatures kept for functions made anew
# what is noted of a function and holds for its derivatives
NOTES = ("sizes", "shapes", "forms", "axes", "at", "seen", "only_for", "guards", "written", "twins", "named",
         "opened", "parts", "signature", "budget")  # fmt: skip
MOST_CHANGES = 2  # after so many changes of sizes, all of them are symbols
MOST_ALIKE = 16  # derivatives kept for one signature: they differ in what the function reads from outside

FUSED_ON_HOST = False  # kernels for the GPU are called with arrays of NumPy: a stand-in for CuPy, in tests

@dataclass(frozen=True, slots=True)
class Capture:
    """A value from outside: its name, the parameter it is passed as, how to read it anew, and its looks."""

    name: str
    parameter: str
    get: Callable[[], Any] | None
    late: Getter | None
    key: Any
    as_float: bool
    passed: bool = True  # False: the text reads it itself, or nothing reads it


@dataclass(slots=True)
class Outside:
    """What a graph depends on beside its arguments: looked at, and read anew, at each call."""

    checks: list[tuple[Callable[[], Any], Any]] = field(default_factory=list)
    late_checks: list[tuple[Getter, Any]] = field(default_factory=list)  # on arguments
    captures: list[Capture] = field(default_factory=list)
    sizes: tuple[tuple[Place, ...], ...] = ()  # sizes that are equal: the text takes them to be
    shapes: Shapes = ()  # shapes that are part of the text
    lengths: Lengths = ()  # between what the sizes of arguments lie
    forms: tuple[Form, ...] = ()  # lengths and shapes in containers that are part of it

    def read(self, arguments: Arguments) -> dict[str, Any] | None:
        """The values from outside; None if what was made is for something else."""
        try:
            for name, shape in self.shapes:
                if arguments[name].shape != shape:
                    return None
            for name, exact, expected_form in self.forms:
                if form(arguments[name], exact) != expected_form:
                    return None
            for (name, inside, axis), least, most in self.lengths:
                if not least <= size_at(arguments[name], inside, axis) <= most:
                    return None
            for get, expected in self.checks:
                if get() is not expected and not same(get(), expected):
                    return None
            for late, expected in self.late_checks:
                if not same(late(arguments), expected):
                    return None
            out = {}
            given = dict(arguments)
            for c in self.captures:
                v = c.get() if c.get is not None else c.late(arguments) if c.late is not None else None
                if c.as_float:
                    v = as_float(v)
                if key_of_value(v) != c.key:
                    return None
                out[c.parameter] = given[c.name] = v
            for (first, to, at), *rest in self.sizes:
                n = array_at(given[first], to).shape[at]
                if any(array_at(given[name], way).shape[axis] != n for name, way, axis in rest):
                    return None
        except (LookupError, AttributeError, ValueError, TypeError):
            return None
        return out


@dataclass(slots=True, kw_only=True)
class Variant(Outside):
    """A derivative made for one signature, as it applies to one function."""

    made: Made
    pair: Pair | None = None

    @property
    def late(self) -> bool:
        """Whether something is read out of the arguments themselves."""
        return bool(self.late_checks) or any(c.get is None for c in self.captures)

    @property
    def written(self) -> frozenset[str]:
        """The parameters and captures that the function writes to in place."""
        got: frozenset[str] = self.made.graph.info.get("written", frozenset())
        return got

    def passed(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Of the values from outside, those that the text takes as arguments."""
        return {c.parameter: values[c.parameter] for c in self.captures if c.passed}

    def as_now(self, captured: Any) -> Any:
        """A capture of the graph with the value, if that is written into the text, that it has now."""
        for c in self.captures:
            if c.name == captured.name and captured.nameless and c.get is not None:
                now = c.get()
                return captured if same(now, captured.value) else replace(captured, value=now)
        return captured


@dataclass(frozen=True, slots=True)
class Pair:
    """The second half of a pullback."""

    backward: Made
    active: tuple[str, ...]
    seeds: Any  # the structure of the result: where cotangents go in


_alive: weakref.WeakSet[Specialised] = weakref.WeakSet()
_shared: OrderedDict[Any, tuple[tuple[Made, Pair | None], ...]] = OrderedDict()


def as_float(v: Any) -> Any:
    """An integer given where a derivative is asked for counts as a real number."""
    if type(v) is int or isinstance(v, np.integer):
        return float(v)
    return v


def param(name: str, value: Any, fixed: bool) -> Param:
    """What is known of an argument; ``fixed``: it is the same object at each call."""
    if is_foreign(value):
        thing = f"{package_of(type(value))} {type(value).__name__}"
        refuse("argument", f"{name!r} is a {thing}, not a NumPy array", f"pass np.asarray({name})")
    if is_literal(value):
        return Param(name, None, value)
    if isinstance(value, enum.Enum):
        return Param(name, None, value, (("arg", name),))
    if not isinstance(value, type) and fields_of(value) is not None:
        return Param(name, kind_of(value))
    if is_instance(value) or holds_things(value):  # looked into by path
        return Param(name, None, value, (("arg", name),))
    if callable(value) or isinstance(value, np.dtype) or (fixed and kind_of(value) == OTHER):
        return Param(name, None, value, (("arg", name),))
    return Param(name, kind_of(value), value if holds_text(value) else None)


def holds_text(value: Any) -> bool:
    """Whether text, which is part of the signature, lies in a container of which the structure is, too."""
    if isinstance(value, (tuple, dict)):
        parts = value.values() if isinstance(value, dict) else value
        return any(isinstance(x, str) or holds_text(x) for x in parts)
    return False


def extra_names(made: Made, signature: inspect.Signature) -> dict[str, str]:
    """The emitted function's own words for the parameters that the primal does not have."""
    code = made.fn.__code__
    kinds = [p.kind for p in signature.parameters.values()]
    own, first = kinds.count(inspect.Parameter.KEYWORD_ONLY), sum(k in PLAIN for k in kinds)
    last = code.co_varnames[first : code.co_argcount]  # a vector that is given by position
    words = code.co_varnames[code.co_argcount + own : code.co_argcount + code.co_kwonlyargcount] + last
    inside = {*signature.parameters, *made.graph.info.get("parts", ()), *made.read}
    names = [p.name for p in made.graph.region.params if p.name not in inside]
    if last:
        vector = made.graph.info["vector"]
        names = [*(n for n in names if n != vector), vector]
    return dict(zip(names, words, strict=True))


class Specialised:
    """Derivatives of one function in one mode, kept by signature."""

    def __init__(self, fn: Any, request: Request, target: Target) -> None:
        _alive.add(self)
        self.primal = fn
        self.mode = request.mode
        self._request = request
        self._target = target
        self._variants: dict[Any, tuple[Variant, ...]] = {}
        self._latest: Variant | None = None
        self._settling = False  # small sizes are taken as they are, for want of a rule otherwise
        budgets = [r.memory for r in (*target.layers, request) if r.memory is not None]
        if budgets and (type(self)._sweeps is Specialised._sweeps or request.mode == "vmap"):
            refuse_value(
                "memory",
                f"{request.mode} of a derivative that was given memory= is not supported",
                "leave memory= out there, and mark its loops: for t in checkpoint(range(n), snapshots=c):",
            )
        self._planner = planners.Planner(self, min(budgets)) if budgets else None
        self._parts = tuple(w for w in self._ways().values() if w.tokens)
        self._before: tuple[Made, ...] | None = None  # (kernels) others: what stayed as it was is in the text
        self._opens = False  # whether short lists of arrays are taken apart

    @property
    def _backend(self) -> str:
        """Where the derivative is computed: as the outermost derivative that says so."""
        said = [r.backend for r in (*self._target.layers, self._request) if r.backend != "numpy"]
        return said[-1] if said else "numpy"

    # ---- arguments
    def _bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> inspect.BoundArguments:
        """All arguments by name, integers to differentiate with respect to made real."""
        if not self._target.is_current():
            with lock:
                self._target = target_of(self.primal)
                self._forget()
        t = self._target
        try:
            bound = t.signature.bind(*t.args, *args, **{**t.kwargs, **kwargs})
        except TypeError as e:
            refuse(
                "arguments",
                f"{name_of(self.primal)}(): {e}",
                f"call it like {name_of(t.function)}{t.signature}",
            )
        bound.apply_defaults()
        for w in self._request.wrt:
            if w in bound.arguments:
                bound.arguments[w] = as_float(bound.arguments[w])
        return bound

    # ---- variants
    def _variant(self, arguments: Arguments) -> tuple[Variant, dict[str, Any]]:
        """The derivative for these arguments, and the values it takes from outside."""
        key = (*map(key_of_value, arguments.values()), *self._lengths(arguments))
        if self._planner is not None:
            with lock:
                key = (*key, self._planner.plan(arguments).marks)
        elif self._backend == "numpy" and has_large(arguments):
            key = (*key, LARGE)
        for variant in self._variants.get(key, ()):
            extra = variant.read(arguments)
            if extra is not None:
                self._guard_memory(variant, arguments, extra)
                return variant, variant.passed(extra)
        with lock:
            variant, extra = self._find(arguments, key)
            if len(self._variants) >= LIMIT and key not in self._variants:
                self._forget()
            self._variants[key] = self._with(self._variants.get(key, ()), variant)
            self._latest = variant
        self._guard_memory(variant, arguments, extra)
        return variant, variant.passed(extra)

    def _lengths(self, arguments: Arguments) -> tuple[Any, ...]:
        """The lengths of lists on the way to parts of arguments: these are taken apart."""
        return tuple([lengths(arguments[w.root], w) for w in self._parts if w.root in arguments])

    def _forget(self) -> None:
        self._variants = {}
        if self._planner is not None:
            self._planner = planners.Planner(self, self._planner.budget)

    def _guard_memory(self, variant: Variant, arguments: Arguments, extra: Mapping[str, Any]) -> None:
        if variant.written:
            opened = variant.made.graph.info.get("opened", ())  # of these, the parts are in extra
            own = {n: v for n, v in arguments.items() if n not in opened}
            check_memory({**extra, **own}, variant.written, name_of(self.primal))

    def _make_settled(self, arguments: Arguments, refused: NoRule) -> tuple[Made, Any]:
        """The derivative for the sizes at hand: what met no rule may be known with these."""
        if self._settling:
            raise refused
        self._settling = True
        try:
            return self._make(arguments)
        except SrcdiffError:
            raise refused from None
        finally:
            self._settling = False

    def _find(self, arguments: Arguments, key: Any) -> tuple[Variant, dict[str, Any]]:
        """A derivative made before for the same text, or a new one."""
        shared_key = (self._target.code, self._target.layers, self._request, key)
        for made, pair in _shared.get(shared_key, ()):
            variant = self._apply(made, pair)
            extra = variant.read(arguments)
            if extra is not None:
                return variant, extra
        if key[-1:] == (LARGE,):
            for variant in self._variants.get(key[:-1], ()):
                extra = variant.read(arguments)
                if extra is not None and not self._cut(variant, arguments):
                    return variant, extra
        kept = self._kept(arguments, key)
        if kept is not None:
            variant = self._apply(kept, None)
            extra = variant.read(arguments)
            if extra is not None:
                return variant, extra
        compiled = self._backend in COMPILED
        self._before = tuple(made for made, _ in _shared.get(shared_key, ())) if compiled else None
        try:
            with seldom():
                made, pair = self._with_lists(arguments) if compiled else self._anew(arguments)
        finally:
            self._before = None
        variant = self._apply(made, pair)
        extra = variant.read(arguments)
        if extra is None:  # what it was made from changes while it is made
            refuse_value(
                "changed", f"what {name_of(self.primal)} reads from outside is not the same twice",
                "read it into a variable first, and pass that",
            )  # fmt: skip
        self._keep(made, key)
        _shared[shared_key] = self._with(_shared.get(shared_key, ()), (made, pair))
        while len(_shared) > MOST_SHARED:
            _shared.popitem(last=False)
        return variant, extra

    def _with(self, before: tuple[T, ...], new: T) -> tuple[T, ...]:
        """What was made before and what is new, in the order in which it is looked through."""
        if self._backend in COMPILED:  # what has more sizes in its text is the faster
            return (*before, new)[-MOST_ALIKE:]
        return (new, *before)[:MOST_ALIKE]

    def _cut(self, variant: Variant, arguments: Arguments) -> bool:
        """Whether a derivative that was made for small arrays would go over some rows of these at a time."""
        graph = variant.made.graph
        if variant.made.kept or graph.info.get("sizes"):
            return True
        kinds = {p.name: Param(p.name, p.kind) for p in graph.region.params}
        return pipeline.is_cut(graph, sizes_seen(kinds, arguments))

    def _with_lists(self, arguments: Arguments) -> tuple[Made, Pair | None]:
        """The derivative with short lists of arrays taken apart, where that can be."""
        if not any(map(holds_lists, arguments.values())):
            return self._anew(arguments)
        self._opens = True
        try:
            return self._anew(arguments)
        except SrcdiffError:  # (an element that only a run tells: lists of any length take it)
            self._opens = False
            return self._anew(arguments)
        finally:
            self._opens = False

    def _kept(self, arguments: Arguments, key: Any) -> Made | None:
        """A text that another process has kept, where all that it was made from is as it was."""
        return None

    def _keep(self, made: Made, key: Any) -> None:
        """Keep a text for other processes."""

    def _apply(self, made: Made, pair: Pair | None) -> Variant:
        """A derivative, with this function's own ways to the values from outside."""
        variant = Variant(made=made, pair=pair)
        self._guard(variant, made.graph)
        words = extra_names(made, self._target.signature)
        for c in made.graph.captures:
            if c.name not in words and c.name not in made.read:
                continue
            if c.name not in made.extra:
                made.extra[c.name] = key_of_value(as_float(c.value) if c.real else c.value)
            word, passed = words.get(c.name, c.name), c.name in words
            variant.captures.append(self._capture(c, word, made.extra[c.name], passed))
        return variant

    def outside(self, graph: Graph) -> Outside:
        """What a graph of the function depends on, all that it reads included."""
        out = Outside()
        self._guard(out, graph)
        for c in graph.captures:
            key = key_of_value(as_float(c.value) if c.real else c.value)
            out.captures.append(self._capture(c, c.name, key, True))
        return out

    def _capture(self, c: Any, word: str, key: Any, passed: bool) -> Capture:
        late, get = getter(self._target.function, c.path, self._target.bound)
        return Capture(c.name, word, get, late, key, c.real, passed)

    def _guard(self, out: Outside, graph: Graph) -> None:
        """The functions and modules met on the way."""
        t = self._target
        limits: dict[SizePlace, tuple[int, float]] = {}
        for path, expected in graph.info.get("guards", {}).items():
            found = limited(path, expected)
            if found is not None and found[0][0] not in t.bound:
                (place, least, most), before = found, limits.get(found[0], (0, math.inf))
                limits[place] = max(least, before[0]), min(most, before[1])
                continue
            if isinstance(expected, types.CodeType):  # this is what functions made anew have in common
                path = (*path, ("attr", "__code__"))
            late, get = getter(t.function, path, t.bound)
            if get is not None:
                out.checks.append((get, expected))
            elif late is not None:
                out.late_checks.append((late, expected))
        self._check_places(out, graph)
        out.sizes, out.shapes = graph.info.get("sizes", ()), graph.info.get("shapes", ())
        out.lengths = tuple((place, *limit) for place, limit in limits.items()) + graph.info.get("axes", ())
        out.forms = graph.info.get("forms", ())

    def _check_places(self, variant: Outside, graph: Graph) -> None:
        """What was one variable reached in two ways still is; what is differentiated is no other capture."""
        t, info = self._target, graph.info
        twins: list[tuple[Path, Path, bool]] = [(a, b, True) for a, b in info.get("twins", ())]
        named = set(info.get("named", ()))
        paths = [c.path for c in graph.captures]
        twins += [(a, b, False) for a in named for b in paths if a != b and b not in named]
        if not twins:
            return
        late = any(p[0][0] == "arg" and p[0][1] not in t.bound for a, b, _ in twins for p in (a, b))

        def as_before(arguments: Arguments) -> bool:
            for a, b, one in twins:
                place = place_of(t.function, a, arguments)
                if place is None or (place == place_of(t.function, b, arguments)) != one:
                    return False
            return True

        if late:
            variant.late_checks.append((as_before, True))
        else:
            variant.checks.append((lambda: as_before(t.bound), True))

    def _named(self, text: str, way: Way, arguments: Arguments) -> Any:
        """The value that is named, as it is now."""
        if text in arguments:
            return arguments[text]
        obj = arguments[way.root] if way.root in arguments else lookup_free(self._target.function, way.root)
        for token in way.tokens:
            obj = obj.__func__ if isinstance(obj, types.MethodType) else obj
            obj = step(obj, *settle(obj, token))
        return as_float(obj)

    # ---- making
    def _anew(self, arguments: Arguments) -> tuple[Made, Pair | None]:
        """The derivative for these arguments, whatever has been made before."""
        return with_room(functools.partial(self._for_module, arguments))

    def _for_module(self, arguments: Arguments) -> tuple[Made, Pair | None]:
        """The derivative for arrays of the module of these arguments."""
        module = module_for(arguments)
        if module is not NUMPY and self._backend in COMPILED:
            refuse_value(
                "backend", f'backend="numba" is for NumPy\'s arrays, and these are {module.name}\'s',
                "leave backend= out",
            )  # fmt: skip
        if module is NUMPY and self._backend == "cupy-fused" and not FUSED_ON_HOST:
            refuse_value(
                "backend", 'backend="cupy-fused" is for arrays on a GPU, and these are NumPy\'s',
                "pass CuPy's arrays (cupy.asarray(x)), or leave backend= out",
            )  # fmt: skip
        with on(module):
            made, pair = self._make_any(arguments)
        outside = {c.name: c.value for c in made.graph.captures}
        there = module_for(arguments, outside, functools.partial(first_use, made.graph))
        if there is not module:  # only what is read from outside tells
            with on(there):
                made, pair = self._make_any(arguments)
        return made, pair

    def _make_any(self, arguments: Arguments) -> tuple[Made, Pair | None]:
        """The derivative for arguments of any size; where that cannot be, for those at hand."""
        try:
            return self._make(arguments)
        except NoRule as refused:
            if any(p.slug == "array-module" for p in refused.problems):
                raise  # (no size changes that)
            return self._make_settled(arguments, refused)

    def _make(self, arguments: Arguments) -> tuple[Made, Pair | None]:
        raise NotImplementedError

    def _params(self, arguments: Arguments, wrt: Iterable[str]) -> dict[str, Param]:
        fixed = self._target.bound
        wanted = set(wrt)
        out = {}
        for n, v in arguments.items():
            if n in wanted and holds_things(v):
                p = Param(n, kind_of(v))
            else:
                p = float_param(param(n, v, n in fixed), n in wanted)
            if p.kind is not None and holds_code(v):
                p = Param(n, wanted_.kind_opened(v, kind_of))
            for w in self._parts:
                if w.root == n and p.kind is not None:
                    p = Param(n, joined(p.kind, wanted_.kind_along(v, w.tokens, kind_of)))
            out[n] = p
        if self._opens:
            out = taken_apart(out, arguments)
        if self._before is not None:
            return sizes_known(out, arguments, self._same(sizes_at(out, arguments)))
        return sizes_shared(out, arguments) if self._backend != "numpy" else out

    def _same(self, sizes: Mapping[Place, int]) -> frozenset[Place]:
        """The axes whose sizes are part of a text: those that no call has changed so far."""
        before = [made.graph.info["at"] for made in self._before or ()]
        if len(before) > MOST_CHANGES:
            return frozenset()
        return frozenset(x for x, n in sizes.items() if all(at.get(x) == n for at in before))

    def _ways(self) -> dict[str, Way]:
        """All that is named, by this derivative and those that it is one of."""
        every = (*self._target.layers, self._request)
        return {text: way for r in every for text, way in zip(r.wrt, r.ways, strict=True)}

    def _primal_graph(
        self, params: Mapping[str, Param], given: Arguments, then: Request | None = None
    ) -> Graph:
        """The graph of the function to differentiate: derivatives taken already are in it, and ``then``."""
        graph = self._plain_graph(params, given)
        if self._planner is not None and given:
            graph = plans.mark(graph, self._planner.plan(given).marks)
        made = self._layered(graph, then)
        for op in graph.region.ops if made is not graph else ():  # (nothing of it is in what was made)
            let_go(op)
        return made

    def _plain_graph(self, params: Mapping[str, Param], given: Arguments) -> Graph:
        """The graph of the function itself."""
        t = self._target
        defaults = {n: p.default for n, p in t.signature.parameters.items() if p.default is not p.empty}
        graph = pipeline.primal_graph(
            t.function, params, self._ways(), given, defaults, settled=self._settling
        )
        graph.info["sizes"] = sizes_equal(params, given) if self._backend != "numpy" else ()
        if self._backend != "numpy":
            graph.info["forms"] = forms_in(params, given)
        if self._before is not None:
            graph.info["shapes"], graph.info["axes"] = shapes_in(params), axes_known(params, given)
            graph.info["at"] = sizes_at(params, given)
        graph.info["seen"] = sizes_seen(params, given)
        graph.info["budget"] = self._planner is not None  # (then no memory is taken for the sake of speed)
        return graph

    def _layered(self, graph: Graph, then: Request | None = None) -> Graph:
        """That of the derivatives of a function that are taken already, and ``then``."""
        t = self._target
        notes: dict[str, Any] = {k: graph.info[k] for k in NOTES if k in graph.info}
        layers = t.layers if then is None else (*t.layers, then)
        graph = pipeline.layered(graph, layers, then is not None)
        if t.layers and then is None:
            graph = pipeline.known_kinds(graph, t.layers[-1])
        graph.info.update({**notes, "signature": t.signature})
        return graph

    def _sweeps(self, graph: Graph, arguments: Arguments) -> tuple[Graph, ...]:
        """The graphs of the derivative of a function, in the order in which they are run."""
        raise NotImplementedError

    def _memory(self, arguments: Arguments) -> str:
        """The plan, as it stands in the text."""
        if self._planner is None or not arguments:
            return ""
        return "\n\n" + indent(str(self._planner.plan(arguments)), "    ") + "\n    "

    def _all_wrt(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(w for r in (*self._target.layers, self._request) for w in r.wrt))

    def _for(self, arguments: Arguments) -> str:
        """A note on the arguments that are part of the text."""
        fixed = [f"{n}={v!r}" for n, v in arguments.items() if is_literal(v)]
        fixed += [f"the text in {n}" for n, v in arguments.items() if holds_text(v)]
        fixed += [
            f"{n}={name_of(v)}"
            for n, v in arguments.items()
            if callable(v) and param(n, v, False).kind is None
        ]
        return f", for {', '.join(fixed)}" if fixed else ""


def lengths(value: Any, way: Way) -> tuple[int, ...]:
    """The lengths of the lists on the way to a part of a value."""
    out = []
    for token in way.tokens:
        if type(value) is list:
            out.append(len(value))
        try:
            value = step(value, *settle(value, token))
        except (LookupError, TypeError, AttributeError):
            break
    return tuple(out)


def joined(a: Kind, b: Kind) -> Kind:
    """The kind of a value in which lists are of known length if one of two kinds says so."""
    if isinstance(a, Seq) or not isinstance(a, Tree) or not isinstance(b, Tree):
        return b if isinstance(a, Seq) else a
    return Tree(a.type, a.keys, tuple(map(joined, a.items, b.items)), a.static)


def check_argument(fn: Any, name: str, value: Any) -> None:
    """Refuse arguments that cannot be differentiated."""
    what = name_of(fn)
    is_array = module_of(value) is not None
    if (is_array or isinstance(value, np.generic)) and value.dtype.kind not in "fc":
        thing = "an array of " if is_array else "a "
        refuse("wrt", f"{what}: {name!r} is {thing}{value.dtype}, which has no derivative", cast(name, value))
    if is_instance(value):
        refuse(
            "wrt",
            f"{what}: {name!r} is an object of class {type(value).__name__}, which has no derivative"
            " as a whole",
            instead(name, value),
        )
    if is_literal(value) or (callable(value) and fields_of(value) is None) or isinstance(value, type):
        refuse(
            "wrt",
            f"{what}: {name!r} is {described(value)}, which has no derivative",
            "name another argument with wrt=",
        )
    k = kind_of(value)
    if k == OTHER:
        refuse(
            "wrt", f"{what}: {name!r} is an object of class {type(value).__name__}, which has no derivative",
            "name another argument with wrt=",
        )  # fmt: skip
    if not is_active_kind(k):
        refuse(
            "wrt",
            f"{what}: {name!r} holds no floating-point number",
            f"put floats into {name}, or name another argument with wrt=",
        )


def cast(name: str, value: Any) -> str:
    """What to pass instead of an array of a dtype without derivatives."""
    match value.dtype.kind:
        case "i" | "u" | "b" | "O" if module_of(value) is not None:
            return f"pass {name}.astype(float)"
        case "i" | "u" | "b":
            return f"pass float({name})"
        case "V" if value.dtype.names:
            return f"pass its fields: {name}[{value.dtype.names[0]!r}]"
        case "M" | "m":
            return f"pass numbers: {name}.astype(float) in the unit that you mean"
    return "name another argument with wrt="


def instead(name: str, value: Any) -> str:
    """What to name instead of an object of an ordinary class."""
    there = [name + n for n in nameable(value)] if is_instance(value) else []
    if not there:
        return "name another argument with wrt="
    held = ", ".join(there)
    return f"name what it holds ({held}), or register the class: srcdiff.register({type(value).__name__})"


def described(v: Any) -> str:
    return "None" if v is None else f"{v!r}" if isinstance(v, bool) else f"a {type(v).__name__}"


# ---- functions used before ------------------------------------------------------------------------------

_kept: OrderedDict[Any, Specialised] = OrderedDict()  # by the identity of the function


def kept(make: type[Specialised], fn: Any, request: Request, target: Target) -> Specialised:
    """The specialisations of a function used before."""
    key = (id(fn), make, request)
    found = _kept.get(key)
    if found is not None and found.primal is fn:
        return found
    with lock:
        made = _kept[key] = make(fn, request, target)
        while len(_kept) > MOST_SHARED:
            _kept.popitem(last=False)
    return made


def forget_all() -> None:
    """Make everything anew: a rule has been added."""
    with lock:
        _shared.clear()
        _kept.clear()
        for d in list(_alive):
            d._forget()
            d._latest = None
