"""Calls that stay what they are: of functions that are not read, and of what no function is known to be."""

from __future__ import annotations

import sys
import types
from typing import TYPE_CHECKING, Any

from srcdiff.frontend import library as library_functions
from srcdiff.frontend import objects
from srcdiff.frontend.infer import infer
from srcdiff.frontend.objects import content
from srcdiff.frontend.scope import Agg, Args, Bound, Closure, Derived, Known, Kw, Loc, Partial, Plain
from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Const, Ref, Val, kind
from srcdiff.ir.kinds import OTHER, UNKNOWN, Seq, Tree, is_active_kind
from srcdiff.ir.modules import module_name, package_of

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = [
    "PLAIN",
    "acts_on_world",
    "carries",
    "is_numeric_library",
    "is_user_code",
    "opaque_call",
    "opaque_forward",
    "opaque_method",
]


def carries(lw: Lowerer, b: Bound, node: Any) -> bool:
    """Whether something given to a library function may carry a derivative, or is not a value at all."""
    if isinstance(b, (Closure, Partial, Derived)) or objects.is_object(content(lw, b)):
        return True
    atom = lw.read(b, node)
    return not isinstance(atom, (Const, Ref)) and is_active_kind(kind(atom))


def acts_on_world(lw: Lowerer, obj: Any, given: list[Bound]) -> bool:
    """Whether a function of the standard library is called for what it does alone, with nothing of ours."""
    module = package_of(obj)
    inert = all(isinstance(b, (Plain, Known)) and not is_active_kind(kind(lw.read(b))) for b in given)
    return module in sys.stdlib_module_names and inert


def opaque_forward(lw: Lowerer, forward: Known, text: str, args: Args, kwargs: Kw, node: Any) -> Bound:
    """A forward function that cannot be read: what it saves has no derivative, needed for higher orders."""
    atoms = [lw.read(a, node) for a in args] + [lw.read(v, node) for v in kwargs.values()]
    names = ("",) * len(args) + tuple(kwargs) if kwargs else ()
    problem = lw.problem(
        "no-rule",
        f"derivatives of higher order go through {forward.text}, the forward function of the rule of {text},"
        " and it cannot be read",
        node,
        help="write it without what cannot be differentiated, or let the rule compute what it needs",
    )
    got = lw.prim(forward.obj, atoms, names, unread=(forward.text, problem), text=forward.text)
    k = kind(got)
    return lw.take_apart(got, k) if isinstance(got, Val) and isinstance(k, Tree) else Plain(got)


def is_user_code(fn: Any) -> bool:
    """Whether a function with a rule is one of the user's."""
    code = getattr(getattr(fn, "__func__", fn), "__code__", None)
    return code is not None and not library_functions.is_library(code.co_filename)


PLAIN = (tuple, list, dict)  # made from what they are given, part by part


NEITHER = "neither a rule nor Python source"


FLOWS = "a value that depends on the argument to differentiate with respect to flows into it"


def opaque_call(lw: Lowerer, obj: Any, text: str, args: Args, kwargs: Kw, node: Any, why: Any) -> Bound:
    """A function that cannot be read: allowed where nothing that flows in can carry a derivative."""
    unreadable = isinstance(why, library_functions.Unreadable)
    reason = f"it has no rule, and {why.why}" if unreadable else f"it has {NEITHER}"
    known = lw.ctx.reason(obj)
    if known:
        unreadable, reason = True, known
    if library_functions.calls_back([*args, *kwargs.values()], lw):
        lw.stop(
            "no-rule", f"{text} cannot be differentiated: it calls a function that is passed to it", node,
            note=reason, help="write the loop out that it stands for, or give it a rule",
        )  # fmt: skip
    atoms = [lw.read(a, node) for a in args] + [lw.read(v, node) for v in kwargs.values()]
    active = [a for a in atoms if is_active_kind(kind(a)) and not isinstance(a, Const)]
    boxes = [a for a in [*args, *kwargs.values()] if isinstance(a, Loc)]
    for b in boxes:
        held = lw.state.cells[lw.moved_to(b).cell]
        listlike = isinstance(held, Agg) or isinstance(kind(held), Seq)
        in_place = getattr(obj, "__module__", "") == "_operator"
        pure = is_numeric_library(obj) and node is not lw.discarded and not active
        if (listlike and not pure) or node is lw.discarded or in_place:
            if active and listlike:
                lw.stop(
                    "no-rule", f"{text} cannot be differentiated", node, note=reason,
                    help="write what it computes with functions that have rules, or give it a rule",
                )  # fmt: skip
            lw.stop(
                "no-rule", f"{text} may change what it is given", node, note=reason,
                help="use an indexed assignment, or give it a copy and use its result",
            )  # fmt: skip
    result = OTHER
    if active:
        result = UNKNOWN
    names = ("",) * len(args) + tuple(kwargs) if kwargs else ()
    problem = lw.problem(
        "no-rule",
        f"{text} cannot be differentiated" if unreadable else f"{text} has {NEITHER}",
        node,
        note=f"{FLOWS}; {reason}" if unreadable else FLOWS,
        help=f"give it a rule, or pass {text} a constant",
    )
    if not active and is_numeric_library(obj):
        found = infer(obj, atoms, names)
        found = OTHER if found == UNKNOWN else found
        return lw.bind(lw.prim(obj, atoms, names, result=found, unread=(text, problem), text=text))
    v = lw.prim(obj, atoms, names, result=result, unread=(text, problem), text=text)
    return Plain(v)


NUMERIC = (
    "numpy.polynomial", "numpy.fft", "numpy.linalg", "numpy.lib._function_base_impl",
    "numpy.lib._polynomial_impl", "numpy.lib._twodim_base_impl", "scipy.special", "scipy.signal",
    "scipy.linalg", "scipy.fft", "scipy.stats", "scipy.spatial", "scipy.interpolate", "scipy.integrate",
    "scipy.ndimage", "scipy.sparse",
)  # fmt: skip


def is_numeric_library(obj: Any) -> bool:
    """Whether a function only computes, so that the kinds of its results may be learnt by running it."""
    module = module_name(obj)
    dispatched = module == "numpy" and hasattr(obj, "__wrapped__")  # a function that NumPy shows as its own
    return dispatched or (isinstance(obj, types.FunctionType) and module.startswith(NUMERIC))


def opaque_method(lw: Lowerer, atom: Atom, name: str, args: Args, kwargs: Kw, node: Any) -> Bound:
    if node is lw.discarded:
        lw.stop(
            "method", f"the method {name!r} may change what it belongs to, whose kind is not known", node,
            help="start from a value of the kind that it has later: an empty list, say, not None",
        )  # fmt: skip
    atoms = [lw.read(a, node) for a in args] + [lw.read(v, node) for v in kwargs.values()]
    names = ("", *("",) * len(args), *kwargs) if kwargs else ()
    problem = lw.problem("no-rule", f"the method {name!r} of a value of unknown kind", node)
    fn, unread = ops.method_named(name), (name, problem)
    return Plain(lw.prim(fn, [atom, *atoms], names, result=UNKNOWN, method=name, unread=unread, text=name))
