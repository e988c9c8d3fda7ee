"""Text: its methods, and Python's functions that give it.  It carries no derivative."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from srcdiff.frontend.constants import constant, is_constant
from srcdiff.frontend.scope import Bound, Plain
from srcdiff.frontend.words import as_atom
from srcdiff.ir.graph import Atom, Const, Ref, Struct, kind
from srcdiff.ir.kinds import BOOL, OTHER, STR, Kind, Scalar, Seq, Tree, fresh_sym

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = ["FUNCTIONS", "method"]


def integer() -> Kind:
    return Scalar("i8", True, fresh_sym())


def result_of(name: str) -> Kind:
    """The kind of what a method of text returns."""
    if name in ("find", "rfind", "index", "rindex", "count"):
        return integer()
    if name in ("split", "rsplit", "splitlines"):
        return Seq(STR)
    if name in ("partition", "rpartition"):
        return Tree(tuple, (0, 1, 2), (STR, STR, STR))
    if name.startswith("is") or name in ("startswith", "endswith"):
        return BOOL
    return OTHER if name in ("encode", "decode", "maketrans", "format_map") else STR


def known(a: Atom) -> bool:
    return is_constant(a) and not isinstance(a, Ref)


def method(
    lw: Lowerer, atom: Atom, name: str, args: list[Bound], kwargs: dict[str, Bound], node: Any
) -> Bound:
    """``text.name(...)``."""
    if not hasattr(str, name):
        lw.stop("attribute", f"text has no method {name!r}", node)
    from srcdiff.frontend import listing

    args = [listing.listed(lw, a, node) if listing.is_iterator(lw, a) else a for a in args]
    atoms = [lw.read(a, node) for a in args]
    named = {k: lw.read(v, node) for k, v in kwargs.items()}
    if all(map(known, [atom, *atoms, *named.values()])):
        text = constant(atom)
        if hasattr(text, name):
            try:
                got = getattr(text, name)(*map(constant, atoms), **{k: constant(v) for k, v in named.items()})
            except Exception:  # left to happen at run time, where the primal would raise it
                got = None
            value = as_atom(got)
            if value is not None and got is not None:
                return lw.bind(value) if isinstance(value, Struct) else Plain(value)
    names = ("", *("",) * len(atoms), *named) if named else ()
    fn = getattr(str, name)
    return lw.bind(lw.prim(fn, [atom, *atoms, *named.values()], names, result=result_of(name), method=name))


def function(fn: Any, result: Any) -> Any:
    """A handler for one of Python's functions that take anything, and give text or a number."""

    def handler(lw: Lowerer, args: list[Bound], kwargs: dict[str, Bound], node: Any) -> Bound | None:
        if kwargs or not args:
            return None if args else Plain(Const(""))
        atoms = [lw.read(a, node) for a in args]
        if all(map(known, atoms)) and all(kind(a) != OTHER for a in atoms):
            try:
                value = as_atom(fn(*map(constant, atoms)))
            except Exception:  # left to happen at run time, where the primal would raise it
                value = None
            if value is not None:
                return Plain(value)
        return Plain(lw.prim(fn, atoms, result=result(), **lw.asked(atoms, fn.__name__, node)))

    return handler


def text_kind() -> Kind:
    return STR


FUNCTIONS: dict[Any, Any] = {
    **{f: function(f, text_kind) for f in (str, repr, ascii, format, chr, hex, oct, bin)},
    ord: function(ord, integer),
}
