"""Tapes that one kernel fills and another reads: handed over as the arrays that they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from srcdiff.compiled.texts import bare
from srcdiff.compiled.values import DTYPES, Tape, Tapes
from srcdiff.ir.graph import Val
from srcdiff.ir.kinds import Array, Kind, Scalar, Seq, fresh_sym

__all__ = ["Handed", "described", "handed", "texts", "worthy"]


@dataclass(frozen=True, slots=True)
class Handed:
    """A tape outside of kernels: what it was in the first one, and its arrays and its length."""

    tape: Tape
    arrays: list[Val]
    count: Val

    def inside(self, named: Callable[[str, Val], str], fresh: Callable[[str], str]) -> Tapes:
        """The tape in another kernel, which takes the arrays as parameters."""
        left = iter(self.arrays)

        def again(t: Tape) -> Tape:
            inner = t.inner
            name = named(t.name, next(left)) if own(t) else ""
            if inner is not None and isinstance(t.elem, Seq):
                inner = again(inner)
            elif inner is not None:
                data = named(inner.name, next(left)) if not t.shapes else ""
                inner = Tape(data, inner.elem, None, "")
            also = {"shapes": t.shapes, "lists": t.lists, "sizes": t.sizes, "rows": t.rows}
            return Tape(name, t.elem, inner, fresh("end"), **also)  # type: ignore[arg-type]

        tape = again(self.tape)
        return Tapes(tape, "0", named(f"{self.tape.name}_n", self.count))


def own(t: Tape) -> bool:
    """Whether a tape has an array of its own: numbers, or rows that say where things lie."""
    return t.sizes is None


def worthy(r: Any) -> bool:
    """Whether a value is a tape that can be handed over: what sizes it has are numbers."""
    if not isinstance(r, Tapes) or r.start != "0":
        return False
    t: Tape | None = r.tape
    while t is not None:
        if t.sizes is not None and any(s.text for s in t.sizes):
            return False
        t = t.inner
    return True


def texts(r: Tapes) -> list[tuple[str, Kind]]:
    """The arrays of a tape, as they are named in the kernel that fills it."""
    out: list[tuple[str, Kind]] = []
    t = r.tape
    while True:
        if own(t):
            rank = 1 if isinstance(t.elem, Scalar) else 2
            dtype = t.elem.dtype if isinstance(t.elem, Scalar) else "i8"
            out.append((t.name, Array(dtype, tuple(fresh_sym() for _ in range(rank)))))
        if t.inner is None:
            break
        if isinstance(t.elem, Array):
            if not t.shapes:
                rank = len(t.elem.dims) if t.rows else 0
                out.append((t.inner.name, Array(t.elem.dtype, tuple(fresh_sym() for _ in range(1 + rank)))))
            break
        t = t.inner
    return out


def handed(v: Val, r: Tapes) -> tuple[Handed, list[tuple[str, Val]]]:
    """A tape as a result of a kernel: what it is from then on, and the texts of what is returned."""
    arrays = [(text, Val(f"{v.name}_{n}" if n else v.name, k)) for n, (text, k) in enumerate(texts(r))]
    count = Val(f"{v.name}_n", Scalar("i8"))
    return Handed(r.tape, [a for _, a in arrays], count), [*arrays, (bare(r.count), count)]


def described(t: Tape) -> str:
    """What ``unpacked`` has to know to make lists of a tape, as a text; nothing if it cannot be done."""
    if t.shapes or t.lists:
        return ""
    if isinstance(t.elem, Scalar):
        return "None" if t.elem.dtype in DTYPES else ""
    if isinstance(t.elem, Array):
        return f"({', '.join(map(str, t.sizes))},)" if t.sizes is not None else "'rows'"
    inner = described(t.inner) if t.inner is not None else ""
    return f"[{inner}]" if inner else ""
