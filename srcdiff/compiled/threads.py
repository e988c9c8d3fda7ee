"""Loops over elements that threads share: parts of the outermost loop, the same for any number of threads.

A loop is shared where its trips are apart: what one writes, no other reads or writes.  Sums of all trips (or
the largest of them) are made part by part, and the parts put together in their order.  So the result does not
depend on how many threads there are, nor on which of them does what.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from srcdiff.compiled.nests import Nest, Size, Statement, Store, apart, touch
from srcdiff.compiled.texts import atleast, bare
from srcdiff.compiled.values import NUMPY_DTYPE

if TYPE_CHECKING:
    from srcdiff.compiled.elements import Statements

__all__ = ["Part", "shared"]

PARTS = 32
LEAST = 32768  # elements, of all statements together, that are worth waking the threads
FEW = 8  # trips that cannot be divided well


def shared(lw: Statements, node: Nest, var: str) -> bool:
    """Write a loop for several threads; False if it is one for a single one."""
    folds = {s.folds.store: s.folds for s in node.members if s.folds is not None and of_all_trips(s)}
    why = refusal(node.members, set(folds))
    if not why and (lw.diagonals or len(lw.ranges(node, 0)) > 1):
        why = "it is done in parts that differ"
    spaces = [s.space for s in node.members]
    why = why or small(node.size.dim, spaces)
    enough = large_enough(spaces)
    if not why and enough and lw.outer and not lw.is_outside(enough):
        why = "how many elements it has is only known inside of a loop"
    if why:
        lw.kernel.serial.append(why)
        return False
    if enough:
        lw.line(f"if {enough} >= {LEAST}:")
        lw.depth += 1
    part = Part(lw)
    size = bare(atleast(node.size))
    saved = {store: store.name for store in folds}
    partial = {store: lw.fresh(f"{name}_parts") for store, name in saved.items()}
    for store, name in partial.items():
        lw.line(f"{name} = np.empty({part.count}, {NUMPY_DTYPE[store.dtype]})")
        store.name = lw.fresh(f"{saved[store]}_part")
    part.begin("0", size)
    for store, fold in folds.items():
        lw.line(f"{store.name} = {bare(fold.start)}")
    made = [store for store in buffers(node) if made_here(lw, store)]
    body = len(lw.out) - len(made)
    lw.kernel.loops += 1
    head = f"for {var} in range({part.first}, {part.last}):"
    lw.line(head)
    lw.parts[var] = (0, 2**62)
    lw.depth += 1
    lw.nodes(node.body, [var])
    lw.settle()
    lw.depth -= 1
    del lw.parts[var]
    alone = lw.out[body:]
    for store in folds:
        lw.line(f"{partial[store]}[{part.name}] = {store.name}")
    part.end()
    if folds:
        lw.line(f"for {part.name} in range({part.count}):")
        lw.depth += 1
        for store, fold in folds.items():
            if fold.step.startswith("plus("):
                lw.helper("plus")
            step = fold.step.format(saved[store], f"{partial[store]}[{part.name}]")
            lw.line(f"{saved[store]} = {bare(step)}")
        lw.depth -= 1
    if enough:
        lw.depth -= 1
        lw.line("else:")
        names = {store.name: name for store, name in saved.items()}
        lw.out += by_one(alone, head, f"for {var} in range({size}):", names)
    for store, name in saved.items():
        store.name = name
    return True


def by_one(lines: list[str], head: str, own: str, names: dict[str, str]) -> list[str]:
    """The loop of one part as that of all trips: threads are not woken for one part."""
    text = "\n".join(line.replace(head, own) if line.strip() == head else line for line in lines)
    for part, name in names.items():
        text = re.sub(rf"\b{part}\b", name, text)
    return [line[4:] for line in text.split("\n")]  # (it stood in the loop over the parts)


def made_here(lw: Statements, store: Store) -> bool:
    """Memory that is used in one trip at a time is made by each part; whether that has written a line."""
    start = f"{store.name} = np.empty("
    for lines in (lw.out, lw.head):
        for n, line in enumerate(lines):
            if line.strip().startswith(start):
                lw.line(lines.pop(n).strip())
                return True
    return False


@dataclass(slots=True)
class Part:
    """A loop over the parts of a loop, which threads take one after the other."""

    lw: Statements
    name: str = ""
    first: str = ""
    last: str = ""
    count: str = str(PARTS)

    def __post_init__(self) -> None:
        lw = self.lw
        lw.part = lw.part or (lw.fresh("part"), lw.fresh("first"), lw.fresh("last"))
        self.name, self.first, self.last = lw.part

    def begin(self, first: str, last: str) -> None:
        lw = self.lw
        lw.kernel.shared += 1
        lw.line(f"for {self.name} in prange({self.count}):")
        lw.depth += 1
        share = lw.helper("share")
        lw.line(f"{self.first}, {self.last} = {share}({self.name}, {self.count}, {first}, {last})")

    def end(self) -> None:
        self.lw.depth -= 1


def elements(spaces: list[tuple[Size, ...]]) -> int | None:
    """How many elements are computed; None if the sizes are not known."""
    total = 0
    for space in spaces:
        n = 1
        for s in space:
            if not isinstance(s.dim, int):
                return None
            n *= s.dim
        total += n
    return total


def large_enough(spaces: list[tuple[Size, ...]]) -> str:
    """The text of how many elements are computed, where that is only known when it runs."""
    if elements(spaces) is not None:
        return ""
    texts = [[atleast(s) for s in space if not s.is_one] for space in spaces]
    most = max(texts, key=len)
    return " * ".join(most)


def small(trips: object, spaces: list[tuple[Size, ...]]) -> str:
    """Why threads would cost more than they save, if they would."""
    n = elements(spaces)
    if n is not None and n < LEAST:
        return f"fewer than {LEAST} elements"
    return f"fewer than {FEW} trips" if isinstance(trips, int) and trips < FEW else ""


def refusal(members: list[Statement], sums: set[Store]) -> str:
    """Why the trips of a loop cannot be done in any order, if they cannot."""
    accesses = [(s, a, False) for s in members for a in s.reads]
    accesses += [(s, a, True) for s in members for a in s.writes]
    for n, (s, a, writes) in enumerate(accesses):
        if any(w is None for w in a.ways) and not a.turns:
            return "it reads or writes at places that an array holds"
        for t, b, also in accesses[n:]:
            if not (writes or also) or not touch(a.store, b.store):
                continue
            if a.store is b.store and a.store in sums and not a.store.axes:
                if all(x.folds is not None and x.folds.store is a.store for x in (s, t)):
                    continue
            if not apart(a, b, 0):
                return "its trips need each other"
    return ""


def of_all_trips(s: Statement) -> bool:
    """Whether what a statement adds to is one number for all trips of the outermost loop."""
    return not any(w is not None and w[0] == 0 for a in s.writes for w in a.ways)


def buffers(node: Nest) -> list[Store]:
    """Arrays that hold what is made in one trip: each thread has its own."""
    found: dict[Store, None] = {}
    for s in node.members:
        for a in s.writes:
            own = any(w is not None and w[0] == 0 and k in a.store.axes for k, w in enumerate(a.ways))
            if a.store.axes and not own:
                found[a.store] = None
    return list(found)
