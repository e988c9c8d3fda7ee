"""What operations read and make at any depth, and how that is changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping

from srcdiff.ir.graph import Atom, Op, Region, Val, map_atom, vals

__all__ = [
    "made_by", "made_in", "map_reads", "map_region", "read_by", "read_in", "readers_of", "remove",
    "replace_read", "replace_values",
]  # fmt: skip


def read_by(op: Op) -> list[Val]:
    """The values that an operation, or one inside it, reads."""
    out = vals(op.ins)
    for r in op.regions:
        out += read_in(r)
    return out


def read_in(region: Region) -> list[Val]:
    """The values that the operations of a region read, and its results."""
    out = [v for op in region.ops for v in read_by(op)]
    out += vals(region.results)
    return out


def readers_of(region: Region) -> dict[Val, list[Op | None]]:
    """The operations that read each value, once for each time; None: it is the result of a region."""
    readers: dict[Val, list[Op | None]] = defaultdict(list)
    _note_readers(region, readers)
    return readers


def _note_readers(region: Region, readers: dict[Val, list[Op | None]]) -> None:
    for op in region.ops:
        for v in vals(op.ins):
            readers[v].append(op)
        for r in op.regions:
            _note_readers(r, readers)
    for v in vals(region.results):
        readers[v].append(None)


def made_by(op: Op) -> list[Val]:
    """The values that an operation makes, and those inside it."""
    out = list(op.outs)
    for r in op.regions:
        out += made_in(r)
    return out


def made_in(region: Region) -> list[Val]:
    """The values that a region defines, its parameters among them."""
    out = list(region.params)
    for op in region.ops:
        out += op.outs
        for r in op.regions:
            out += made_in(r)
    return out


def map_reads(f: Callable[[Val], Atom], op: Op) -> None:
    """``f(v)`` in the place of each value that an operation, or one inside it, reads."""
    op.ins = [map_atom(f, a) for a in op.ins]
    for r in op.regions:
        map_region(f, r)


def map_region(f: Callable[[Val], Atom], region: Region) -> None:
    """The same for the operations and the results of a region."""
    for op in region.ops:
        map_reads(f, op)
    region.results = [map_atom(f, a) for a in region.results]


def replace_read(op: Op, table: Mapping[Val, Atom]) -> None:
    """Put other values in the place of some that an operation, or one inside it, reads."""
    if table:
        map_reads(lambda v: table.get(v, v), op)


def replace_values(region: Region, table: Mapping[Val, Atom]) -> None:
    """The same all over a region."""
    if table:
        map_region(lambda v: table.get(v, v), region)


def remove(region: Region, gone: Collection[Op]) -> None:
    """Take operations out of a region, at any depth."""
    region.ops = [op for op in region.ops if op not in gone]
    for op in region.ops:
        for r in op.regions:
            remove(r, gone)
