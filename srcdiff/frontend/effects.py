"""What is kept as it was written: statements that act on the world, and text made from values.

The tree of such a piece is kept; the values in it are read, and take the places where they stood.  What a
piece calls is kept too if it is one of Python's own functions; a function of the user's is read, like
anywhere else.
"""

from __future__ import annotations

import contextlib
import sys
import types
from typing import TYPE_CHECKING, Any

import gast

from srcdiff.errors import Problem
from srcdiff.frontend import control, exits
from srcdiff.frontend.constants import constant, is_constant
from srcdiff.frontend.core import Declined, Stop
from srcdiff.frontend.expressions import HANDLERS, lookup
from srcdiff.frontend.scope import Bound, Known, Method, Partial, Plain
from srcdiff.ir.graph import Atom, Const, Op, Ref, Val
from srcdiff.ir.kinds import STR
from srcdiff.ir.modules import package_of
from srcdiff.later import Later

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer
    from srcdiff.ir import evaluate
else:
    evaluate = Later("srcdiff.ir.evaluate")

__all__ = ["acts", "assert_statement", "effect", "is_python_own", "raise_statement"]

OUTSIDE = ("logging", "warnings", "time", "sys", "io", "_io", "os")  # modules that act on the world
READABLE = (  # modules of Python's own whose functions compute: these are read like the user's
    "bisect", "colorsys", "contextlib", "dataclasses", "fractions", "functools", "heapq", "numbers",
    "operator", "statistics", "random", "itertools", "math", "cmath", "copy", "collections", "decimal",
)  # fmt: skip


def is_python_own(obj: Any) -> bool:
    """Whether a function is of a module of Python's own that is not read."""
    root = package_of(obj)
    return root in sys.stdlib_module_names and root not in READABLE and root != "__main__"


def acts_on_world(lw: Lowerer, atom: Atom) -> bool:
    """Whether a thing is a logger, a file or the like: what it is told has no part in the result."""
    for c in lw.captures.values():
        b = lw.capture_vals[c.name]
        if isinstance(b, Plain) and b.atom is atom:
            return package_of(type(c.value)) in OUTSIDE
    if isinstance(atom, Ref):
        return package_of(type(atom.obj)) in OUTSIDE
    made_by = atom.op.fn if isinstance(atom, Val) and atom.op is not None else None
    return package_of(made_by) in OUTSIDE


def acts(lw: Lowerer, func: Bound, node: Any) -> bool:
    """Keep a call that only acts on the world (print, logging, a warning); False if this is none."""
    if is_effect(lw, func, node):
        effect(lw, gast.copy_location(gast.Expr(node), node))
        return True
    return False


def is_effect(lw: Lowerer, func: Bound, node: Any) -> bool:
    if isinstance(func, Partial) and node is lw.discarded:  # a method of a logger
        func = func.fn
    if isinstance(func, Known):
        if func.obj is print:
            return True
        return node is lw.discarded and package_of(func.obj) in OUTSIDE
    if isinstance(func, Method) and isinstance(func.owner, Plain) and node is lw.discarded:
        return acts_on_world(lw, func.owner.atom)
    return False


class Keeper:
    """Makes the tree of a piece that is kept, and collects the values in it."""

    def __init__(self, lw: Lowerer, read_calls: bool = False) -> None:
        self.lw = lw
        self.read_calls = read_calls  # read what is called too, where that is possible: it may be constant
        self.free: dict[str, Atom] = {}

    def keep(self, node: Any) -> Any:
        """The tree to keep for an expression."""
        lw = self.lw
        if isinstance(node, gast.Constant):
            return node
        if isinstance(node, gast.Name):
            self.free[node.id] = lw.read(lookup(lw, node.id, node), node)
            return node
        if isinstance(node, gast.Attribute) and self.is_known(node):
            return self.copied(node)
        if isinstance(node, gast.Call) and self.is_known(node.func):
            return self.attempt(node) if self.read_calls else self.copied(node)
        if isinstance(node, _OPEN) and (not isinstance(node, _LAZY) or self.is_simple(node)):
            return self.copied(node)
        if isinstance(node, gast.Attribute):
            return self.attempt(node)
        return self.value(lw.expr(node), node)

    def value(self, b: Bound, node: Any) -> Any:
        """A place for a value that has been read."""
        name = f"part{len(self.free)}"
        self.free[name] = self.lw.read(b, node)
        return gast.copy_location(gast.Name(name, gast.Load(), None, None), node)

    def attempt(self, node: Any) -> Any:
        """The value of a node if it can be read; else the node over what is kept of its parts."""
        mark = len(self.lw.region.ops)
        try:
            return self.value(self.lw.expr(node), node)
        except Stop:
            del self.lw.region.ops[mark:]
        return self.copied(node)

    def copied(self, node: Any) -> Any:
        """The node itself over what is kept of its parts."""
        fields = {}
        for f in node._fields:
            v = getattr(node, f, None)
            if isinstance(v, list):
                fields[f] = [self.part(x) for x in v]
            else:
                fields[f] = self.part(v)
        return gast.copy_location(type(node)(**fields), node)

    def part(self, x: Any) -> Any:
        if isinstance(x, gast.keyword):
            return gast.keyword(x.arg, self.keep(x.value))
        if isinstance(x, (gast.operator, gast.unaryop, gast.cmpop, gast.boolop, gast.expr_context)):
            return x
        return self.keep(x) if isinstance(x, gast.AST) else x

    def is_known(self, node: Any) -> bool:
        """Whether an expression names a thing that is kept under its name: a library's, a class."""
        while isinstance(node, gast.Attribute):
            node = node.value
        if not isinstance(node, gast.Name):
            return False
        b = lookup(self.lw, node.id, node)
        if not isinstance(b, Known):
            return False
        return isinstance(b.obj, (types.ModuleType, type, types.BuiltinFunctionType)) or is_python_own(b.obj)

    def is_simple(self, node: Any) -> bool:
        """Whether no part of an expression has to be read where it stands."""
        return all(
            isinstance(n, (gast.Constant, gast.Name, gast.expr_context, *_OPEN, *_WORDS))
            for n in gast.walk(node)
        )


_LAZY = (gast.BoolOp, gast.IfExp)  # not all of its parts are evaluated
_OPEN = (
    gast.BinOp, gast.UnaryOp, gast.Compare, gast.BoolOp, gast.IfExp, gast.Tuple, gast.List, gast.Starred,
    gast.JoinedStr, gast.FormattedValue,
)  # fmt: skip
_WORDS = (gast.operator, gast.unaryop, gast.cmpop, gast.boolop)


def effect(lw: Lowerer, s: Any) -> None:
    """A statement kept as written, over the values that it reads: it acts on the world, not on the result."""
    keeper = Keeper(lw)
    if isinstance(s, gast.Assert):
        tree: Any = gast.Assert(keeper.keep(s.test), keeper.keep(s.msg) if s.msg is not None else None)
    elif isinstance(s, gast.Raise):
        tree = gast.Raise(*(keeper.keep(x) if x is not None else None for x in (s.exc, s.cause)))
    else:
        tree = gast.Expr(keeper.copied(s.value))
    gast.copy_location(tree, s)
    free = keeper.free
    lw.add(Op("opaque", list(free.values()), attrs={"tree": tree, "free": tuple(free), "effect": True}))


def assert_statement(lw: Lowerer, s: Any) -> Any:
    """``assert``; a message that has to be computed is, if the test fails."""
    if s.msg is None or (Keeper(lw).is_simple(s.msg) and not any(a.catch is not None for a in lw.attempts)):
        effect(lw, s)
        return exits.FALL
    error = gast.Call(gast.Name("AssertionError", gast.Load(), None, None), [s.msg], [])
    for n in (error, error.func):
        gast.copy_location(n, s)
    body = [gast.copy_location(gast.Raise(error, None), s)]
    test = gast.copy_location(gast.UnaryOp(gast.Not(), s.test), s)
    return control.if_statement(lw, lw.expr(test), lw.cached_tree((s, "assert"), body), [], [])


def raise_statement(lw: Lowerer, s: Any) -> int:
    if lw.frame.static and lw.region is lw.graph.region:
        match s.exc:  # (a rule that has no text for these options, whatever the values are)
            case gast.Call(func=gast.Name(id="NotImplementedError"), args=[gast.Constant(value=str(why))]):
                raise Declined(Problem("option", why))
    effect(lw, s)
    return exits.RAISE


def _joined(lw: Lowerer, node: Any) -> Bound:
    """An f-string: text made from values; it carries no derivative."""
    keeper = Keeper(lw, read_calls=True)
    tree = keeper.copied(node)
    op = Op("opaque", list(keeper.free.values()), attrs={"tree": tree, "free": tuple(keeper.free)})
    if all(is_constant(a) and not isinstance(a, Ref) for a in op.ins):
        with contextlib.suppress(TypeError, ValueError):  # raised when the function runs, as Python would
            return Plain(Const(evaluate.execute(op, {k: constant(a) for k, a in keeper.free.items()})))
    val = Val("", STR, op)
    op.outs.append(val)
    lw.add(op)
    return Plain(val)


HANDLERS["JoinedStr"] = _joined
