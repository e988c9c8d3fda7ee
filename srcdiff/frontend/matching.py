"""Reading ``match``: each pattern becomes a test and the names that it binds.

A test is a constant where the structure of the subject is known; then no branch is left of it.  What a
pattern captures is fetched where the test is known to hold, by the same steps that the test took.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import gast
import numpy as np

from srcdiff.frontend import calls, exits, statements, views
from srcdiff.frontend.comparisons import compare, truth
from srcdiff.frontend.constants import constant
from srcdiff.frontend.expressions import attribute, stored
from srcdiff.frontend.objects import content
from srcdiff.frontend.scope import Agg, Bound, Iter, Known, Loc, Plain, Step
from srcdiff.ir.graph import Atom, Const, Slice, Struct, kind
from srcdiff.ir.kinds import BOOL, Array, Seq, fresh_sym, is_open
from srcdiff.ir.kinds import Scalar as ScalarKind

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = ["match_statement"]

Get = Callable[[], Bound]
Captures = dict[str, Get]

YES, NO = Const(True), Const(False)
ITSELF = (bool, bytearray, bytes, dict, float, frozenset, int, list, set, str, tuple)  # float(x) captures x


def match_statement(lw: Lowerer, s: Any, rest: list[Any]) -> Any:
    """A ``match`` and what follows it; returns the exit code."""
    subject = stored(lw, lw.expr(s.subject))
    return read_cases(lw, lambda: subject, s.cases, rest)


def read_cases(lw: Lowerer, subject: Get, cases: list[Any], rest: list[Any]) -> Any:
    """The first case whose pattern matches and whose guard holds."""
    if not cases:
        return lw.block(rest)
    case, later = cases[0], cases[1:]
    lw.enter(case.pattern)
    captures: Captures = {}
    test = matches(lw, case.pattern, subject, captures)
    if test == NO:
        return read_cases(lw, subject, later, rest)
    bound = test == YES
    if bound:
        bind(lw, captures)
    if case.guard is not None:

        def guard() -> Bound:
            if not bound:
                bind(lw, captures)
            return flag(lw, lw.expr(case.guard), case.guard)

        test = lw.read(guard() if bound else lw.choose(test, guard, lambda: Plain(NO), case.guard, "and"))
        bound = True
    if isinstance(test, Const):
        return lw.block([*case.body, *rest]) if test.value else read_cases(lw, subject, later, rest)
    after, else_after = rest, []
    if exits.always_leaves(case.body):
        after, else_after = [], rest

    def body() -> Any:
        if not bound:
            bind(lw, captures)
        return lw.block(case.body)

    return exits.merge_exits(
        lw, test, body, lambda: read_cases(lw, subject, later, else_after), after
    )


def bind(lw: Lowerer, captures: Captures) -> None:
    for name, get in captures.items():
        lw.set_name(name, statements.named(lw, get(), name))


def flag(lw: Lowerer, b: Bound, node: Any) -> Bound:
    """Whether a bound counts as true, as a flag."""
    known = truth(lw, b)
    if known is not None:
        return Plain(Const(known))
    a = lw.read(b, node)
    return Plain(a if kind(a) == BOOL else lw.prim(bool, [a], result=BOOL))


def both(lw: Lowerer, first: Atom, second: Callable[[], Atom], node: Any) -> Atom:
    """``first and second()``."""
    if isinstance(first, Const):
        return second() if first.value else NO
    mark = len(lw.region.ops)
    known = second()
    if isinstance(known, Const) and len(lw.region.ops) == mark:
        return first if known.value else NO
    del lw.region.ops[mark:]  # it runs only where the first test holds
    return lw.read(lw.choose(first, lambda: Plain(second()), lambda: Plain(NO), node, "and"))


def matches(lw: Lowerer, p: Any, get: Get, captures: Captures) -> Atom:
    """The test of a pattern; what it captures goes to ``captures``."""
    return _PATTERNS[type(p).__name__](lw, p, get, captures)


def _value(lw: Lowerer, p: Any, get: Get, captures: Captures) -> Atom:
    wanted, b = lw.expr(p.value), get()
    if isinstance(content(lw, b), Agg) and isinstance(wanted, Plain) and not isinstance(wanted.atom, Struct):
        k = kind(wanted.atom)
        if not is_open(k):
            return NO
    return lw.read(flag(lw, Plain(compare(lw, "Eq", b, wanted, p)), p))


def _singleton(lw: Lowerer, p: Any, get: Get, captures: Captures) -> Atom:
    return compare(lw, "Is", get(), Plain(Const(p.value)), p)


def _as(lw: Lowerer, p: Any, get: Get, captures: Captures) -> Atom:
    test = YES if p.pattern is None else matches(lw, p.pattern, get, captures)
    if p.name is not None:
        captures[p.name] = get
    return test


def _or(lw: Lowerer, p: Any, get: Get, captures: Captures) -> Atom:
    def go(alternatives: list[Any]) -> Atom:
        if not alternatives:
            return NO
        test = matches(lw, alternatives[0], get, {})
        if isinstance(test, Const):
            return test if test.value else go(alternatives[1:])
        follow = lambda: Plain(go(alternatives[1:]))  # noqa: E731
        return lw.read(lw.choose(test, lambda: Plain(YES), follow, p, "or"))

    def captured(name: str, alternatives: list[Any]) -> Bound:
        """What the first alternative that matches captures; one of them does."""
        found: list[tuple[Atom, Captures]] = []
        for q in alternatives:
            mine: Captures = {}
            test = matches(lw, q, get, mine)
            if test != NO:
                found.append((test, mine))
            if test == YES:
                break

        def first(left: list[tuple[Atom, Captures]]) -> Bound:
            if len(left) == 1:
                return left[0][1][name]()
            return lw.choose(left[0][0], left[0][1][name], lambda: first(left[1:]), p, "if")

        return first(found)

    for name in names_of(p.patterns[0]):
        captures[name] = partial(captured, name, p.patterns)
    return go(p.patterns)


def names_of(p: Any) -> list[str]:
    """The names that a pattern binds."""
    found = [getattr(n, "name", None) or getattr(n, "rest", None) for n in gast.walk(p)]
    return [n for n in found if n]


# NumPy says from 2.5 on that its arrays are sequences to match (the flag that CPython asks for)
ARRAYS_MATCH = bool(np.ndarray.__flags__ & 1 << 5)


def _sequence(lw: Lowerer, p: Any, get: Get, captures: Captures) -> Atom:
    stars = [i for i, x in enumerate(p.patterns) if isinstance(x, gast.MatchStar)]
    n, star = len(p.patterns), stars[0] if stars else None
    b = get()
    box = content(lw, opened(lw, b))
    if isinstance(box, Agg):
        if not (isinstance(box.type, type) and issubclass(box.type, (tuple, list))):
            return NO
        size = len(box.items)
        test: Atom = Const(size == n if star is None else size >= n - 1)
    elif isinstance(box, Iter):
        lw.stop("match", "an iterator is matched against a sequence", p, help="make it a list first")
    elif isinstance(box, (Plain, Loc)):
        k = kind(lw.read(b))
        if is_open(k):
            unknown(lw, p)
        if isinstance(k, Array) and ARRAYS_MATCH:
            if not k.dims:
                lw.stop("match", "an array without dimensions has no length to match", p)
            if star is not None and p.patterns[star].name is not None:
                lw.stop("match", "a starred name makes a list of parts of an array", p, help="take a slice")
        elif not isinstance(k, Seq):
            return NO
        length = lw.prim(len, [lw.read(b)], result=ScalarKind("i8", True, fresh_sym()))
        wanted = Const(n if star is None else n - 1)
        fits = operator.eq if star is None else operator.ge
        test = YES if wanted.value == 0 and star is not None else lw.prim(fits, [length, wanted], result=BOOL)
    else:
        return NO
    for i, sub in enumerate(p.patterns):
        if i == star:
            if sub.name is not None:
                captures[sub.name] = partial(middle, lw, get, i, n - i - 1)
            continue
        at = i if star is None or i < star else i - n
        take = partial(item, lw, get, at)
        test = both(lw, test, partial(matches, lw, sub, take, captures), p)
        if test == NO:
            return NO
    return test


def opened(lw: Lowerer, b: Bound) -> Bound:
    """A display that is a value of the graph, taken apart."""
    return lw.bind(b.atom) if isinstance(b, Plain) and isinstance(b.atom, Struct) else b


def item(lw: Lowerer, get: Get, at: int) -> Bound:
    b = get()
    box = content(lw, opened(lw, b))
    if isinstance(box, Agg):
        return box.items[at]
    return views.view(lw, b, Step(operator.getitem, (Const(at),)))


def middle(lw: Lowerer, get: Get, first: int, after: int) -> Bound:
    """What a starred name in a sequence pattern captures: always a list."""
    b = get()
    box = content(lw, opened(lw, b))
    if isinstance(box, Agg):
        items = box.items[first : len(box.items) - after]
        return Loc(lw.state.new_cell(Agg(list, tuple(range(len(items))), items)))
    part = Slice(Const(first), Const(-after if after else None), Const(None))
    return lw.bind(lw.getitem(lw.read(b), part))


def _mapping(lw: Lowerer, p: Any, get: Get, captures: Captures) -> Atom:
    box = content(lw, opened(lw, get()))
    if not isinstance(box, Agg):
        if isinstance(box, (Plain, Loc)) and is_open(kind(lw.read(box))):
            unknown(lw, p)
        return NO
    if box.type is not dict:
        return NO
    keys = [constant(lw.read(lw.expr(k))) for k in p.keys]
    if any(k not in box.keys for k in keys):
        return NO

    def entry(key: Any) -> Bound:
        now = content(lw, opened(lw, get()))
        return now.items[now.keys.index(key)]  # type: ignore[no-any-return]

    def others() -> Bound:
        now = content(lw, opened(lw, get()))
        left = {k: v for k, v in zip(now.keys, now.items, strict=True) if k not in keys}
        return Loc(lw.state.new_cell(Agg(dict, tuple(left), tuple(left.values()))))

    if p.rest is not None:
        captures[p.rest] = others
    test: Atom = YES
    for key, sub in zip(keys, p.patterns, strict=True):
        test = both(lw, test, partial(matches, lw, sub, partial(entry, key), captures), p)
    return test


def _class(lw: Lowerer, p: Any, get: Get, captures: Captures) -> Atom:
    cls = lw.expr(p.cls)
    if not isinstance(cls, Known) or not isinstance(cls.obj, type):
        lw.stop("match", "which class this pattern names is not known when the derivative is made", p)
    b = get()
    answer = calls.call(lw, Known(isinstance, "isinstance"), [opened(lw, b), cls], {}, p)
    test = lw.read(answer)
    if test == NO:
        return NO
    subs: list[tuple[Any, Get]] = []
    if p.patterns and cls.obj in ITSELF:
        subs = [(p.patterns[0], get)]
    else:
        fields = getattr(cls.obj, "__match_args__", ())
        if len(p.patterns) > len(fields):
            found = f"{len(p.patterns)} given"
            lw.stop("match", f"{cls.text}() has {len(fields)} positional patterns, {found}", p)
        subs = [(q, partial(field, lw, get, f, p)) for q, f in zip(p.patterns, fields, strict=False)]
    subs += [(q, partial(field, lw, get, f, p)) for q, f in zip(p.kwd_patterns, p.kwd_attrs, strict=True)]
    for q, take in subs:
        test = both(lw, test, partial(matches, lw, q, take, captures), p)
    return test


def field(lw: Lowerer, get: Get, name: str, node: Any) -> Bound:
    return attribute(lw, opened(lw, get()), name, node)


def unknown(lw: Lowerer, p: Any) -> None:
    lw.stop("match", "what this pattern is matched against is known only at run time", p,
            help="write it as if/elif, or pass example arguments")  # fmt: skip


_PATTERNS: dict[str, Callable[[Any, Any, Get, Captures], Atom]] = {
    "MatchValue": _value, "MatchSingleton": _singleton, "MatchAs": _as, "MatchOr": _or,
    "MatchSequence": _sequence, "MatchMapping": _mapping, "MatchClass": _class,
}  # fmt: skip
