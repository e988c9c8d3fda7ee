"""Derivatives that a program asks for: calls of what ``grad`` and its kin gave."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from srcdiff.frontend import captures, checkpoints
from srcdiff.frontend.constants import constant, is_constant
from srcdiff.frontend.objects import content
from srcdiff.frontend.scope import Agg, Args, Bound, Derived, Known, Kw, Partial, Plain
from srcdiff.ir import ops
from srcdiff.ir.graph import ZERO, Const, Struct, is_none, kind
from srcdiff.ir.kinds import is_active_kind

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = ["KEPT", "derivative"]


OPTIONS = ("mode", "wrt_names", "single", "has_aux", "option", "memory")


KEPT = {"Derivative": OPTIONS, "Product": OPTIONS, "checkpointed": ("__srcdiff__",)}


def derivative(lw: Lowerer, mode: str, obj: Any, path: Any, args: Args, kwargs: Kw, node: Any) -> Bound:
    """``grad(f)`` and the like inside a program, or the call of a derivative made outside it."""
    if mode == "stop_gradient":
        return Plain(lw.prim(ops.stop_gradient, [lw.read(args[0])], result=kind(lw.read(args[0]))))
    if mode in ("varies", "can_vary"):
        return asked(lw, mode, args[0])
    if mode == "checkpoint":
        return checkpoints.marked(lw, args, kwargs, node)
    if mode == "checkpointed":
        fn = obj.__wrapped__
        inner_path = None if path is None else (*path, ("attr", "__wrapped__"))
        known = Known(fn, getattr(fn, "__name__", "f"), inner_path)
        return checkpoints.call_again(lw, known, args, kwargs, node)
    if mode in ("Derivative", "Product"):
        if obj.memory is not None:
            no_budget(lw, obj.mode, node)
        inner = Known(
            obj.primal,
            getattr(obj.primal, "__name__", "f"),
            None if path is None else (*path, ("attr", "primal")),
        )
        wrt = obj.wrt_names[0] if obj.single and obj.wrt_names else obj.wrt_names
        what = Derived(inner, obj.mode, wrt, obj.has_aux, obj.option)
        return lw.ctx.derive(lw, what, args, kwargs, node)  # type: ignore[no-any-return]
    if mode not in ("jvp", "vjp", "linearize"):
        return taken(lw, obj, mode, args, kwargs, node)
    if "memory" in kwargs:
        no_budget(lw, mode, node)
    for option in ("wrt", "has_aux"):
        if option in kwargs:
            lw.stop(
                "derivative", f"{mode} inside a function takes no {option}=", node,
                help="give it a function of what is differentiated alone: lambda x: f(x, y)[0]",
            )  # fmt: skip
    if mode == "jvp":
        primals, tangents = content(lw, args[1]), content(lw, args[2])
        if not isinstance(primals, Agg) or not isinstance(tangents, Agg):
            lw.stop("derivative", "the primals and tangents must be written as tuples here", node)
        both = [*primals.items, *tangents.items]
        return lw.ctx.derive(lw, Derived(args[0], "jvp", len(primals.items)), both, kwargs, node)  # type: ignore[no-any-return]
    return lw.ctx.derive(lw, Derived(args[0], mode), list(args[1:]), kwargs, node)  # type: ignore[no-any-return]


def asked(lw: Lowerer, mode: str, b: Bound) -> Bound:
    """What a rule's text asks of a tangent, or of an operand."""

    def some(x: Any) -> bool:
        if isinstance(x, Agg):
            return any(map(some, x.items))
        if isinstance(x, Struct):
            return any(map(some, x.items))
        if isinstance(x, Plain):
            return some(x.atom)
        return x is not ZERO and not is_none(x)

    if mode == "varies":
        return Plain(Const(some(content(lw, b))))
    a = lw.read(b)
    return Plain(Const(is_active_kind(kind(a)) and not isinstance(a, Const)))


def no_budget(lw: Lowerer, mode: str, node: Any) -> None:
    lw.stop(
        "derivative", f"{mode} inside a function takes no memory=", node,
        help="give memory= to the derivative of the whole, or mark loops: with checkpoint(memory=...):",
    )  # fmt: skip


def taken(lw: Lowerer, obj: Any, mode: str, args: Args, kwargs: Kw, node: Any) -> Bound:
    """``grad(f, wrt=..., has_aux=...)`` and its kin: which derivative of which function."""
    names = list(inspect.signature(obj).parameters)
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    function = given.pop(names[0], None)
    if given.keys() - set(names):
        lw.stop("derivative", f"{mode} has no option {min(given.keys() - set(names))}", node,
                help=f"its options are {', '.join(names[1:])}")  # fmt: skip
    if function is None:  # a decorator with options
        return Partial(Known(obj, mode), (), given)
    values = {}
    if "memory" in given:
        no_budget(lw, mode, node)
    for name, b in given.items():
        a = captures.as_constant(lw, lw.read(b, node))
        if not is_constant(a):
            lw.stop(
                "derivative", f"{name} of {mode} is not a constant here", node,
                help="write it out: which derivative is taken is settled when the text is made",
            )  # fmt: skip
        values[name] = constant(a)
    wrt, aux = values.get("wrt"), values.get("has_aux", False)
    option = values.get("order", 1)
    if mode == "vmap":
        option = (values.get("in_axes", 0), values.get("out_axes", 0))
    return Derived(function, mode, wrt, aux is True, option)
