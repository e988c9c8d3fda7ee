"""Tuples and lists as they are written, and the parts of an index."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from srcdiff.ir.graph import Atom, Const, Ref, Slice, Struct

__all__ = ["ALL", "alone_or_tuple", "display", "is_dots", "parts_of"]

ALL = Slice(Const(None), Const(None), Const(None))


def display(items: Iterable[Atom], type_: type = tuple) -> Struct:
    """A tuple (or a list) of these."""
    held = tuple(items)
    return Struct(type_, tuple(range(len(held))), held)


def alone_or_tuple(items: Sequence[Atom]) -> Atom:
    """A tuple of these; one by itself as it is: a shape, an index, an axis."""
    return items[0] if len(items) == 1 else display(items)


def parts_of(index: Atom) -> tuple[Atom, ...]:
    """What an index (or a shape) says, axis by axis."""
    return index.items if isinstance(index, Struct) and index.type is tuple else (index,)


def is_dots(part: Atom) -> bool:
    """Whether a part of an index is ``...``."""
    return (isinstance(part, Const) and part.value is ...) or (isinstance(part, Ref) and part.obj is ...)
