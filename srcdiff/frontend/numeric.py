"""Python's functions of numbers that are made of simpler ones: divmod, pow, complex, modf, frexp."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from srcdiff.frontend import operands
from srcdiff.frontend.comparisons import condition, truth
from srcdiff.frontend.constants import constant, is_constant
from srcdiff.frontend.expressions import binary
from srcdiff.frontend.scope import Agg, Args, Bound, Kw, Plain
from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Const, Val, kind
from srcdiff.ir.kinds import BOOL, FLOAT, INT, STR, Scalar, Tree

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = ["FUNCTIONS"]



def pair(a: Bound, b: Bound) -> Bound:
    return Agg(tuple, (0, 1), (a, b))


def _divmod(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    a, b = args
    return pair(binary(lw, operator.floordiv, a, b, node), binary(lw, operator.mod, a, b, node))


def _divmod_of_arrays(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    """``np.divmod``, which takes lists as well."""
    return _divmod(lw, [operands.as_array(lw, a, node) for a in args], kwargs, node)


def held(lw: Lowerer, b: Bound, node: Any) -> Atom:
    """A number held constant: what is made of it is whole, and has no derivative."""
    a = lw.read(b, node)
    if isinstance(a, Const) or (isinstance(a, Val) and a.op is not None and a.op.fn is ops.stop_gradient):
        return a
    return lw.prim(ops.stop_gradient, [a], result=kind(a))


def _modf(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    """The whole part is constant; the rest follows ``x``."""
    both = lw.prim(math.modf, [held(lw, args[0], node)], result=Tree(tuple, (0, 1), (FLOAT, FLOAT)))
    whole = Plain(lw.getitem(both, Const(1)))
    return pair(binary(lw, operator.sub, args[0], whole, node), whole)


def _modf_of_array(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound | None:
    """``np.modf``: like ``math.modf``, element by element."""
    if len(args) != 1 or kwargs:
        return None
    whole = Plain(lw.prim(np.trunc, [held(lw, args[0], node)]))
    return pair(binary(lw, operator.sub, args[0], whole, node), whole)


def _frexp(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    """The exponent is constant; ``x == ldexp(m, e)``."""
    both = lw.prim(math.frexp, [held(lw, args[0], node)], result=Tree(tuple, (0, 1), (FLOAT, INT)))
    e = lw.getitem(both, Const(1))
    m = lw.prim(math.ldexp, [lw.read(args[0]), lw.prim(operator.neg, [e], result=INT)], result=FLOAT)
    return pair(Plain(m), Plain(e))


def _pow(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    given = dict(zip(("base", "exp", "mod"), args, strict=False)) | kwargs
    if "mod" not in given:
        return binary(lw, operator.pow, given["base"], given["exp"], node)
    atoms = [lw.read(given[k], node) for k in ("base", "exp", "mod")]
    if all(map(is_constant, atoms)):
        return Plain(Const(pow(*map(constant, atoms))))
    return Plain(lw.prim(pow, atoms, result=INT))


def _complex(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    given = dict(zip(("real", "imag"), args, strict=False)) | kwargs
    atoms = {k: lw.read(b, node) for k, b in given.items()}
    for a in atoms.values():
        if kind(a) == STR and not is_constant(a):
            return Plain(lw.prim(complex, list(atoms.values()), result=Scalar("c16")))
    if all(map(is_constant, atoms.values())):
        return Plain(Const(complex(**{k: constant(a) for k, a in atoms.items()}) if "imag" in atoms
                           else complex(*map(constant, atoms.values()))))  # fmt: skip
    real = given.get("real", Plain(Const(0.0)))
    imag = binary(lw, operator.mul, Plain(Const(1j)), given.get("imag", Plain(Const(0.0))), node)
    return binary(lw, operator.add, real, imag, node)


def _bool(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    if not args:
        return Plain(Const(False))
    known = truth(lw, args[0])
    if known is not None:
        return Plain(Const(known))
    a = condition(lw, args[0], node)
    return Plain(a if kind(a) == BOOL else lw.prim(bool, [a], result=BOOL))


FUNCTIONS: dict[Any, Any] = {
    divmod: _divmod, np.divmod: _divmod_of_arrays, math.modf: _modf, np.modf: _modf_of_array,
    math.frexp: _frexp, pow: _pow,
    complex: _complex, bool: _bool,
}  # fmt: skip
