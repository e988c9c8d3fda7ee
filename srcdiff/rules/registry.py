"""The rule table: which functions have a derivative, and the Python text of it.

A rule is an ordinary Python function.  Its text is read by the same front end as the user's code and inlined
into the derivative, so a rule is differentiable again.  Its signature is the operation's own (same names,
same order, same defaults); after ``*`` come the extra names it may use: ``out`` (the operation's result),
``<operand>_dot`` (a tangent) and ``out_bar`` (the cotangent of the result).

The forms:

``elementwise``   the partial derivative with respect to each operand, in the order of the operands
``linear``        the transpose: the cotangent of the operands named; forward mode is the operation itself
``bilinear``      linear in each of two operands; the transposes with respect to both
``differential``  the tangent of the result; reverse mode transposes the text, unless there is a ``pullback``
``pullback``      the cotangents of the differentiable operands named; forward mode transposes the text
``nondifferentiable``  the result carries no derivative (integers, booleans, piecewise constant values)
``definition``    no derivative: what the function is, in functions that have rules; read in its place
``refused``       no derivative, and why

Broadcasting, symbolic zeros, accumulation, inactive operands and reductions of a cotangent to its operand's
shape are the mechanism's business, never a rule's (elementwise partials are unbroadcast by the mechanism).
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from srcdiff import runtime

__all__ = [
    "OpRules",
    "Rule",
    "array_operands",
    "bilinear",
    "definition",
    "definitions_for",
    "definitions_of",
    "differential",
    "elementwise",
    "flat_operands",
    "flat_where_low",
    "forget",
    "freezes",
    "implicit",
    "implicit_named",
    "is_alias_of_one",
    "is_default",
    "is_freezing",
    "is_joined",
    "is_known",
    "is_multilinear",
    "is_of_sequence",
    "is_pure",
    "is_real_only",
    "is_split",
    "known",
    "linear",
    "lookup",
    "may_alias",
    "multilinear",
    "nondifferentiable",
    "options",
    "passive_operands",
    "pullback",
    "pure",
    "real_only",
    "reason_of",
    "refused",
    "returns_alias",
    "returns_alias_of_one",
    "returns_fresh",
    "returns_operand",
    "rules_table",
    "shape_operands",
    "shapes_only",
    "splits",
    "takes_arrays",
    "takes_nested",
    "takes_sequence",
    "when_imported",
    "why_without",
    "with_saved",
    "without",
]

Fn = Callable[..., Any]
T = TypeVar("T", bound=Fn)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its form, its text (a Python function) and the operands it is about."""

    form: str
    text: Fn
    operands: tuple[str, ...]
    forward: Fn | None = None  # of a pullback: computes the value, and what the text takes as ``saved``


@dataclass(slots=True)
class OpRules:
    """All that is known of one operation."""

    fn: Fn
    elementwise: Rule | None = None
    linear: Rule | None = None
    bilinear: Rule | None = None
    differential: Rule | None = None
    pullback: Rule | None = None
    constant: bool = False
    joined: Fn | None = None  # stands for a call of ``forward``: its value, with the rule attached
    forms: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Definition:
    """What a function stands for; ``options``: only where one of these is given (a name, or a position)."""

    text: Fn
    operands: tuple[str, ...]
    options: tuple[str | int, ...]


_TABLE: dict[Fn, OpRules] = {}
_DEFINED: dict[Fn, list[Definition]] = {}
_REFUSED: dict[Any, str] = {}
_JOINED: set[Fn] = set()
_ALIASING: set[Fn] = set()
_OF_ONE: set[Any] = set()
_PURE: set[Fn] = set()
_SHARING: set[Fn] = set()
_SEQUENCES: set[Fn] = set()
_NESTED: set[Fn] = set()
_WITHOUT: dict[tuple[Any, str], str] = {}
_ARRAYS: dict[Fn, frozenset[str]] = {}
_SHAPES_ONLY: dict[Fn, frozenset[str]] = {}
_FLAT_IN: dict[Fn, frozenset[str]] = {}
_REAL: set[Fn] = set()
_SPLITS: set[Fn] = set()
_FREEZING: set[type] = set()
_MULTILINEAR: set[Fn] = set()
_FLAT: dict[Fn, frozenset[str]] = {}
_IMPLICIT: dict[str, Fn] = {}
_LATER: dict[str, tuple[str, ...]] = {}  # libraries that may never be imported, with the rules'


def when_imported(library: str, *rules: str) -> None:
    """These modules hold the rules of ``library``: they are imported once somebody has imported that."""
    _LATER[library] = rules


def _met(everything: bool = False) -> bool:
    """Import the rules of the libraries that have been imported since; whether there were any."""
    if not everything and _LATER.keys().isdisjoint(sys.modules.keys()):
        return False
    found = [name for name in _LATER if name in sys.modules or (everything and _exists(name))]
    for name in found:
        for module in _LATER.pop(name, ()):
            importlib.import_module(module)
    return bool(found)


def _exists(library: str) -> bool:
    return importlib.util.find_spec(library.partition(".")[0]) is not None


def _entry(fn: Fn) -> OpRules:
    return _TABLE.setdefault(fn, OpRules(fn))


def _register(
    form: str, fns: tuple[Fn, ...], operands: tuple[str, ...], text: T, forward: Fn | None = None
) -> T:
    for fn in fns:
        entry = _entry(fn)
        if getattr(entry, form) is not None:
            raise ValueError(f"{fn!r} has a {form} rule already")
        setattr(entry, form, Rule(form, text, operands, forward))
        entry.forms += (form,)
        if forward is not None:
            join(entry, fn)
    return text


def join(entry: OpRules, fn: Fn) -> None:
    """The operation that a call of a function becomes whose rule saves what it needs."""

    def joined(*args: Any, value: Any, **given: Any) -> Any:
        return value

    joined.__name__ = getattr(fn, "__name__", "f")
    joined.__module__ = getattr(fn, "__module__", None) or __name__
    entry.joined = joined
    _TABLE[joined] = OpRules(joined, pullback=entry.pullback, forms=("pullback",))
    _JOINED.add(joined)


def forget(fn: Fn) -> None:
    """Remove what is known of a function."""
    entry = _TABLE.pop(fn, None)
    if entry is not None and entry.joined is not None:
        _TABLE.pop(entry.joined, None)


def is_joined(fn: Any) -> bool:
    """Whether an operation is the value of a call, with a rule attached that takes what was saved."""
    try:
        return fn in _JOINED
    except TypeError:
        return False


def with_saved(fn: Any) -> tuple[Fn, Fn] | None:
    """Of a function whose rule saves what it needs: what computes it, and the operation to attach."""
    entry = lookup(fn)
    if entry is None or entry.joined is None or entry.pullback is None or entry.pullback.forward is None:
        return None
    return entry.pullback.forward, entry.joined


def _own_operands(text: Fn) -> tuple[str, ...]:
    code = text.__code__
    return code.co_varnames[: code.co_argcount]


def elementwise(*fns: Fn) -> Callable[[T], T]:
    """Partials of an operation applied element by element (with broadcasting): one per positional operand.

    The text returns one partial, or a tuple with one entry per operand; ``None`` marks an operand that has no
    derivative (an integer order, say).
    """
    return lambda text: _register("elementwise", fns, _own_operands(text), text)


def linear(fn: Fn, *operands: str) -> Callable[[T], T]:
    """An operation jointly linear in ``operands``; the text returns their cotangents (a tuple if several)."""
    return lambda text: _register("linear", (fn,), operands, text)


def bilinear(fn: Fn, first: str, second: str) -> Callable[[T], T]:
    """An operation linear in each of two operands; the text returns the pair of cotangents."""
    return lambda text: _register("bilinear", (fn,), (first, second), text)


def differential(fn: Fn) -> Callable[[T], T]:
    """The tangent of the result, linear in the ``<operand>_dot`` names; zero for an inactive operand."""

    def put(text: T) -> T:
        code = text.__code__
        extra = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
        return _register("differential", (fn,), tuple(n[:-4] for n in extra if n.endswith("_dot")), text)

    return put


def pullback(fn: Fn, *operands: str, forward: Fn | None = None) -> Callable[[T], T]:
    """The cotangents of ``operands`` given ``out_bar``: one value, or a tuple in the order named.

    ``forward``: a function of the same arguments that returns ``(value, saved)``; it runs instead of ``fn``,
    and the text may take ``saved``.
    """
    return lambda text: _register("pullback", (fn,), operands, text, forward)


def implicit(fn: T) -> T:
    """An operation that stands for its last argument, with a rule attached: it is in no text."""
    _JOINED.add(fn)
    _IMPLICIT[fn.__name__] = fn
    return fn


def implicit_named(name: str) -> Fn:
    """An operation declared by `implicit`, or a helper of the runtime."""
    _met()
    found: Fn = _IMPLICIT.get(name) or getattr(runtime, name)
    return found


def nondifferentiable(*fns: Fn) -> None:
    """Results that carry no derivative."""
    for fn in fns:
        _entry(fn).constant = True


def definition(fn: Fn, *operands: str, options: tuple[str | int, ...] = ()) -> Callable[[T], T]:
    """What ``fn`` stands for, with its parameters, in functions that have rules; it is read in its place.

    ``operands``: the parameters that are arrays (lists are made arrays first).
    ``options``: read only where one of
    these is given, by name, or by its position in a call.
    """

    def put(text: T) -> T:
        _DEFINED.setdefault(fn, []).append(Definition(text, operands, options))
        return text

    return put


def definitions_of(fn: Any) -> list[Definition]:
    """All definitions of ``fn``."""
    if _LATER:
        _met()
    try:
        return _DEFINED.get(fn, [])
    except TypeError:
        return []


def definitions_for(fn: Any, count: int, names: Any) -> list[Definition]:
    """The definitions that may be read for a call with so many positional arguments, and these names."""
    return [
        d
        for d in definitions_of(fn)
        if not d.options or any(o in names if isinstance(o, str) else o < count for o in d.options)
    ]


def refused(reason: str, *fns: Any) -> None:
    """Functions (or classes and modules of them) that have no derivative here, and why."""
    for fn in fns:
        if _REFUSED.setdefault(fn, reason) != reason:
            raise ValueError(f"{fn!r} is refused for another reason already")


def without(name: str, reason: str, *fns: Fn) -> None:
    """Why the rules of ``fns`` give no derivative in the operand ``name``."""
    for fn in fns:
        _WITHOUT[fn, name] = reason


def why_without(fn: Any, name: str) -> str:
    """Why there is no derivative of ``fn`` in an operand, if the rules say so."""
    try:
        return _WITHOUT.get((fn, name), "")
    except TypeError:
        return ""


def reason_of(fn: Any) -> str:
    """Why ``fn`` is refused, or nothing."""
    try:
        return _REFUSED.get(fn, "") or _REFUSED.get(getattr(fn, "__self__", None), "")
    except TypeError:
        return ""


def returns_alias(*fns: Fn) -> None:
    """Functions whose result may share memory with their first argument (views, or the argument itself)."""
    _ALIASING.update(fns)


def returns_alias_of_one(*fns: Fn) -> None:
    """Functions whose result may share memory with an operand if that is the only array."""
    _ALIASING.update(fns)
    _OF_ONE.update(fns)


def is_alias_of_one(fn: Fn) -> bool:
    """Whether ``fn`` shares memory with one operand alone: of several it makes something new."""
    try:
        return fn in _OF_ONE
    except TypeError:
        return False


def returns_operand(*fns: Fn) -> None:
    """Functions that give back one of their further arguments, as it is, as a part of the result."""
    _SHARING.update(fns)


def returns_fresh(fn: Fn) -> bool:
    """Whether the result of ``fn`` never shares memory with its arguments."""
    try:
        return fn in _TABLE and fn not in _ALIASING and fn not in _SHARING
    except TypeError:
        return False


def may_alias(fn: Fn) -> bool:
    """Whether the result of ``fn`` may share memory with its first argument."""
    try:
        return fn in _ALIASING
    except TypeError:
        return True


def pure(*fns: Fn) -> None:
    """Helpers of ``srcdiff.runtime`` that may be evaluated ahead of time when all arguments are constants."""
    _PURE.update(fns)


def real_only(*fns: Fn) -> None:
    """Functions whose rules hold for real operands: complex ones are refused."""
    _REAL.update(fns)


def is_real_only(fn: Any) -> bool:
    """Whether the rules of ``fn`` hold for real operands only."""
    return fn in _REAL


def splits(*fns: Fn) -> None:
    """Functions of two operands that hand every cotangent on in two parts: their partials add up to one."""
    _SPLITS.update(fns)


def is_split(fn: Any) -> bool:
    """Whether the partials of ``fn`` add up to one, exactly."""
    return fn in _SPLITS


def freezes(*classes: type) -> None:
    """Classes whose objects, called, give one whose methods are theirs with these arguments put last."""
    _FREEZING.update(classes)


def is_freezing(obj: Any) -> bool:
    """Whether a call of ``obj`` gives its methods their last arguments."""
    return not _FREEZING.isdisjoint(type(obj).__mro__)


def multilinear(*fns: Fn) -> None:
    """Functions that are zero where any operand that may be a tangent is, whatever their rules say."""
    _MULTILINEAR.update(fns)


def is_multilinear(fn: Any) -> bool:
    """Whether ``fn`` is zero where any of its operands is."""
    return fn in _MULTILINEAR


def shapes_only(fn: Fn, *operands: str) -> None:
    """Operands of which only shape and type matter: that they vary is no obstacle."""
    _SHAPES_ONLY[fn] = frozenset(operands)


def shape_operands(fn: Any) -> frozenset[str]:
    """The operands of ``fn`` of which only shape and type matter."""
    try:
        return _SHAPES_ONLY.get(fn, frozenset())
    except TypeError:
        return frozenset()


def flat_in(fn: Fn, *operands: str) -> None:
    """Operands that matter, and in which ``fn`` jumps and is flat otherwise: an order, ranks."""
    _FLAT_IN[fn] = frozenset(operands)


def passive_operands(fn: Any) -> frozenset[str]:
    """The operands of ``fn`` that may vary without a derivative of it."""
    try:
        return shape_operands(fn) | _FLAT_IN.get(fn, frozenset())
    except TypeError:
        return frozenset()


def flat_where_low(fn: Fn, *operands: str) -> None:
    """Operands in which ``fn`` is flat where they are minus infinity (masked logits)."""
    _FLAT[fn] = frozenset(operands)


def flat_operands(fn: Any) -> frozenset[str]:
    """The operands in which ``fn`` is flat where they are minus infinity."""
    try:
        return _FLAT.get(fn, frozenset())
    except TypeError:
        return frozenset()


NO_POSITIONS: frozenset[int] = frozenset()


@functools.cache
def _positions(fn: Fn) -> frozenset[int]:
    names = _SHAPES_ONLY[fn]
    return frozenset(k for k, name in enumerate(inspect.signature(fn).parameters) if name in names)


def shape_positions(fn: Any) -> frozenset[int]:
    """The same as positions of arguments."""
    try:
        return _positions(fn) if fn in _SHAPES_ONLY else NO_POSITIONS
    except TypeError:
        return NO_POSITIONS


def takes_sequence(*fns: Fn) -> None:
    """Functions whose operands are sequences of arrays, not arrays."""
    _SEQUENCES.update(fns)


def is_of_sequence(fn: Any) -> bool:
    """Whether a function takes a sequence of arrays."""
    return fn in _SEQUENCES


def takes_nested(*fns: Fn) -> None:
    """Functions whose operands may be lists in lists: their rules know what to do with them."""
    _NESTED.update(fns)


def takes_arrays(fn: Fn, *operands: str) -> None:
    """Operands without a derivative that are arrays: lists are made arrays before the rule sees them."""
    _ARRAYS[fn] = frozenset(operands)


def array_operands(fn: Any) -> tuple[tuple[str, ...], str, frozenset[str], frozenset[str]] | None:
    """Parameters of ``fn``, that of further arguments; which are arrays, which sequences of arrays."""
    entry = lookup(fn)
    if entry is None or not entry.forms or fn in _NESTED:
        return None
    rules: list[Rule] = [getattr(entry, form) for form in entry.forms]
    code = rules[0].text.__code__
    star = code.co_varnames[code.co_argcount + code.co_kwonlyargcount] if code.co_flags & 4 else ""
    active = frozenset(name for rule in rules for name in rule.operands) | _ARRAYS.get(fn, frozenset())
    none: frozenset[str] = frozenset()
    sequence = fn in _SEQUENCES
    return (
        code.co_varnames[: code.co_argcount], star, none if sequence else active, active if sequence else none
    )  # fmt: skip


def options(fn: Any) -> tuple[int, tuple[str, ...]]:
    """The positional parameters of ``fn``, and from which on its rule's text has others in their places."""
    entry = lookup(fn)
    if entry is None or not entry.forms:
        return 0, ()
    try:
        theirs = _positional(fn)
    except (TypeError, ValueError):
        return 0, ()
    rule: Rule = getattr(entry, entry.forms[0])
    ours = _own_operands(rule.text)
    if rule.text.__code__.co_flags & 4:
        return 0, ()
    same = 0
    while same < min(len(ours), len(theirs)) and ours[same] == theirs[same]:
        same += 1
    return same, theirs


@functools.lru_cache(maxsize=1024)
def _positional(fn: Fn) -> tuple[str, ...]:
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return tuple(p.name for p in inspect.signature(fn).parameters.values() if p.kind in kinds)


def is_default(fn: Any, name: str, value: Any) -> bool:
    """Whether an option of ``fn`` is given the value that it has without."""
    try:
        p = inspect.signature(fn).parameters.get(name)
    except (TypeError, ValueError):
        return False
    return p is not None and type(p.default) is type(value) and bool(p.default == value)


def is_known(fn: Any) -> bool:
    """Whether ``fn`` is in the table (so: pure, and callable on sample values to learn the result's kind)."""
    try:
        return fn in _TABLE or fn in _PURE or (bool(_LATER) and _met() and fn in _TABLE)
    except TypeError:
        return False


def known(*fns: Fn) -> None:
    """Helpers that are pure, and have a definition instead of a rule."""
    for fn in fns:
        _entry(fn)


def is_pure(fn: Any) -> bool:
    """Whether ``fn`` is evaluated ahead of time on constants."""
    try:
        return fn in _PURE
    except TypeError:
        return False


def extent() -> tuple[int, int, int]:
    """What changes as functions get rules or definitions."""
    return len(_TABLE), len(_DEFINED), len(_PURE)


def lookup(fn: Any) -> OpRules | None:
    """The rules of ``fn``, or None."""
    try:
        entry = _TABLE.get(fn)
    except TypeError:
        return None
    return _TABLE.get(fn) if entry is None and _LATER and _met() else entry


def rules_table() -> dict[Fn, OpRules]:
    """A copy of the whole table, with the rules of all libraries that are installed."""
    _met(everything=True)
    return dict(_TABLE)
