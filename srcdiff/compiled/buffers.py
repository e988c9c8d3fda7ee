"""Arrays of kernels that lie where another is done with: fewer are made, and what is written is in the cache.

Both are read off the text of a kernel, element by element.
"""

from __future__ import annotations

import ast
import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["Outside", "lies_over", "room", "shared"]

SMALL = 1024  # elements that are not worth it
WHOLE = -1  # in place of how many indices there are: none, or parts are taken


def lies_over(lines: list[str], argument: str, result: str) -> bool:
    """Whether a result may lie where an argument does: each element is read before it is written over."""
    kernel = parsed(lines)
    uses = Uses(kernel)
    ranks = uses.ranks.get(argument, set()) | uses.ranks.get(result, set())
    return ranks <= {max(ranks, default=0)} - {WHOLE} and (
        not stored(kernel, argument) and uses.before(argument, result)
    )


def in_order(block: list[ast.stmt], a: str, r: str) -> bool:
    """Whether in a block all of ``a`` is read before ``r`` is written, for each element at least."""
    reads = [n for n, s in enumerate(block) if mentions(s, a)]
    writes = [n for n, s in enumerate(block) if mentions(s, r)]
    if not reads or not writes or reads[-1] < writes[0]:
        return True
    return reads[-1] == writes[0] and by_elements(block[writes[0]], a, r)


def by_elements(s: ast.stmt, a: str, r: str) -> bool:
    """Whether a statement that uses both reads each element of ``a`` before it writes that of ``r``."""
    if isinstance(s, (ast.Assign, ast.AugAssign)):
        return not any(mentions(t, a) for t in (s.targets if isinstance(s, ast.Assign) else [s.target]))
    if isinstance(s, ast.If):
        return in_order(s.body, a, r) and in_order(s.orelse, a, r)
    if not isinstance(s, ast.For) or not isinstance(s.target, ast.Name) or mentions(s.iter, a, r):
        return False
    read, written = indices(s, a), indices(s, r)
    if read is None or written is None:
        return False
    found = [*read, *written]
    along = [k for k in range(len(found[0])) if all(is_name(index[k], s.target.id) for index in found)]
    assigned = any(is_name(n, s.target.id) and isinstance(n.ctx, ast.Store) for b in s.body for n in names(b))
    return bool(along) and not assigned and in_order(s.body, a, r)


# ---- the arrays of a kernel
@dataclass
class Outside:
    """Arrays from outside that arrays of a kernel may lie in: how each would be made."""

    spare: dict[str, str] = field(default_factory=dict)  # arguments that nobody sees after
    over: dict[str, str] = field(default_factory=dict)  # results that lie in these
    results: dict[str, str] = field(default_factory=dict)  # the others, which come with nothing in them
    sizes: dict[str, str] = field(default_factory=dict)  # another word for ``x.shape[0]``: one for equal ones


@dataclass
class Place:
    """Some memory, and the arrays that lie there in turn."""

    root: str
    how: str
    line: int  # where it is made; -1: outside
    start: str  # what is there before the kernel runs
    end: str  # what is there after
    there: list[str]


def shared(lines: list[str], outside: Outside | None = None) -> list[str]:
    """The same kernel, where an array lies in memory of its size that is done with, or not used yet."""
    outside = outside or Outside()
    uses = Uses(parsed(lines))
    if not uses.made:
        return lines

    def like(how: str) -> str:
        text = ast.unparse(ast.parse(how))
        return re.sub(r"\w+\.shape\[\d+\]", lambda m: outside.sizes.get(m[0], m[0]), text)

    places: list[Place] = []
    lies_there = {a: r for r, a in outside.over.items()}
    for name, how in outside.spare.items():
        places.append(Place(name, like(how), -1, name, lies_there.get(name, ""), []))
    for name, how in outside.results.items():
        places.append(Place(name, like(how), -1, "", name, []))
    places = [p for p in places if all(uses.is_plain(x, p.how) for x in (p.start, p.end))]
    lies_in: dict[str, Place] = {}
    for name in sorted(uses.made, key=lambda x: (uses.span(x), x)):
        made = uses.made[name]
        how = like(ast.unparse(made))
        if not uses.is_fixed(made) or not uses.is_plain(name, how):
            continue
        fits = (p for p in places if p.how == how and uses.fits(name, p))
        place = next(fits, None)
        if place is None:
            places.append(Place(name, how, made.lineno - 1, "", "", [name]))
        else:
            place.there.append(name)
            lies_in[name] = place
    dropped = {uses.made[name].lineno - 1 for name in lies_in}
    after: dict[int, list[str]] = {}
    for name, place in lies_in.items():
        home = place.line if place.line >= 0 else uses.made[name].lineno - 1
        after.setdefault(home, []).append(f"    {name} = {place.root}")
    return [x for n, t in enumerate(lines) for x in (*([] if n in dropped else [t]), *after.get(n, []))]


class Uses:
    """Where the arrays of a kernel are used, in its outermost statements, and how."""

    def __init__(self, kernel: ast.FunctionDef) -> None:
        self.body = kernel.body
        self.made: dict[str, ast.Call] = {}
        self.at: dict[str, list[int]] = {}
        self.ranks: dict[str, set[int]] = {}
        self.bound = Counter(n.id for n in names(kernel) if isinstance(n.ctx, ast.Store))
        places: dict[str, int] = {}
        for n, s in enumerate(kernel.body):
            made = made_by(s)
            if made is not None and self.bound[name := s.targets[0].id] == 1:  # type: ignore[attr-defined]
                self.made[name], places[name] = made, n
            else:
                self.count(n, s)
        self.made = {name: s for name, s in self.made.items() if self.span(name)[0] > places[name]}

    def count(self, n: int, s: ast.stmt) -> None:
        sized: set[int] = set()  # (nodes, by their ids)
        lent: set[int] = set()
        for x in ast.walk(s):
            if isinstance(x, ast.Attribute) and x.attr == "shape":
                sized.add(id(x.value))
            elif is_lent(x):
                lent.update(map(id, ast.walk(x)))
        ranks = {
            id(x.value): WHOLE if any(isinstance(i, ast.Slice) for i in index_of(x)) else len(index_of(x))
            for x in ast.walk(s)
            if isinstance(x, ast.Subscript)
        }
        for x in names(s):
            if id(x) in sized:
                continue
            at = self.at.setdefault(x.id, [])
            if not at or at[-1] != n:
                at.append(n)
            if id(x) not in lent:
                self.ranks.setdefault(x.id, set()).add(ranks.get(id(x), WHOLE))

    def span(self, name: str) -> tuple[int, int]:
        at = self.at.get(name)
        return (at[0], at[-1]) if at else (-1, -1)

    def is_plain(self, name: str, how: str) -> bool:
        """Whether single elements of an array are used, and it is lent to calls, and nothing else is done."""
        made = ast.parse(how, mode="eval").body
        assert isinstance(made, ast.Call)
        return self.ranks.get(name, set()) <= {len(sizes_of(made))}

    def is_fixed(self, made: ast.Call) -> bool:
        """Whether the sizes of an array are told at the start."""
        return not any(self.bound[x.id] for x in names(made))

    def before(self, a: str, r: str) -> bool:
        """Whether ``a`` is done with when ``r`` begins, for each element at least."""
        last, first = self.span(a)[1], self.span(r)[0]
        return last < first or (last == first and by_elements(self.body[last], a, r))

    def fits(self, name: str, place: Place) -> bool:
        """Whether an array may lie in a place along with what lies there."""
        if place.start and not self.before(place.start, name):
            return False
        if place.end and not self.before(name, place.end):
            return False
        return all(self.before(x, name) or self.before(name, x) for x in place.there)


def room(lines: list[str]) -> list[tuple[list[str], str]]:
    """The arrays that a kernel makes before its loops: their sizes and their types, as texts."""
    values = (s.value for s in parsed(lines).body if isinstance(s, ast.Assign))
    calls = [v for v in values if isinstance(v, ast.Call)]
    made = [c for c in calls if ast.unparse(c.func) in ("np.empty", "np.zeros") and len(c.args) == 2]
    return [([*map(ast.unparse, sizes_of(c))], ast.unparse(c.args[1])) for c in made]


# ---- questions
def parsed(lines: list[str]) -> ast.FunctionDef:
    kernel = ast.parse("\n".join(lines)).body[0]
    assert isinstance(kernel, ast.FunctionDef)
    return kernel


def names(node: ast.AST) -> Iterator[ast.Name]:
    return (n for n in ast.walk(node) if isinstance(n, ast.Name))


def is_name(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def mentions(node: ast.AST, *wanted: str) -> bool:
    """Whether something has elements of an array in it; sizes are none."""
    shapes = {id(n.value) for n in ast.walk(node) if isinstance(n, ast.Attribute) and n.attr == "shape"}
    return any(n.id in wanted and id(n) not in shapes for n in names(node))


def indices(node: ast.AST, name: str) -> list[list[ast.expr]] | None:
    """The indices at which an array is read and written; None if it is used as a whole, or in part."""
    found: list[list[ast.expr]] = []
    known: set[int] = set()
    for n in ast.walk(node):
        if isinstance(n, ast.Attribute) and n.attr == "shape":
            known.add(id(n.value))
        elif isinstance(n, ast.Subscript) and is_name(n.value, name):
            known.add(id(n.value))
            found.append(index_of(n))
    whole = any(n.id == name and id(n) not in known for n in names(node))
    sliced = any(isinstance(p, ast.Slice) for index in found for p in index)
    return None if whole or sliced or len({len(index) for index in found}) != 1 else found


def index_of(n: ast.Subscript) -> list[ast.expr]:
    return n.slice.elts if isinstance(n.slice, ast.Tuple) else [n.slice]


def stored(node: ast.AST, name: str) -> bool:
    """Whether elements of an array are written."""
    targets = (n for n in ast.walk(node) if isinstance(n, ast.Subscript) and isinstance(n.ctx, ast.Store))
    return any(is_name(n.value, name) for n in targets)


def made_by(s: ast.stmt) -> ast.Call | None:
    """The call that makes an array, large for all that is known, and says nothing of its elements."""
    if not isinstance(s, ast.Assign) or not isinstance(s.targets[0], ast.Name) or len(s.targets) != 1:
        return None
    if not isinstance(s.value, ast.Call) or ast.unparse(s.value.func) != "np.empty":
        return None
    sizes = sizes_of(s.value)
    known = [n.value for n in sizes if isinstance(n, ast.Constant)]
    return s.value if len(known) < len(sizes) or math.prod(known) >= SMALL else None  # type: ignore[arg-type]


def is_lent(node: ast.AST) -> bool:
    """Whether a call is a statement: what it takes, it has not after (it is no method of a list)."""
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Call):
        return False
    f = node.value.func
    return isinstance(f, ast.Name) or (isinstance(f, ast.Attribute) and is_name(f.value, "np"))


def sizes_of(made: ast.Call) -> list[ast.expr]:
    shape = made.args[0]
    return shape.elts if isinstance(shape, ast.Tuple) else [shape]
