"""Arrays of kernels that lie where another is done with: fewer are made, and what is written is in the cache.

Both are read off the text of a kernel, element by element.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator

__all__ = ["lies_over", "shared"]

SMALL = 1024  # elements that are not worth it


def lies_over(lines: list[str], argument: str, result: str) -> bool:
    """Whether a result may lie where an argument does: each element is read before it is written over."""
    kernel = parsed(lines)
    read, written = indices(kernel, argument), indices(kernel, result)
    if read is None or written is None or len(read[0]) != len(written[0]) or stored(kernel, argument):
        return False
    return in_order(kernel.body, argument, result)


def in_order(block: list[ast.stmt], a: str, r: str) -> bool:
    """Whether in a block all of ``a`` is read before ``r`` is written, for each element at least."""
    reads = [n for n, s in enumerate(block) if mentions(s, a)]
    writes = [n for n, s in enumerate(block) if mentions(s, r)]
    if not reads or not writes or reads[-1] < writes[0]:
        return True
    s = block[writes[0]]
    if reads[-1] != writes[0]:
        return False
    if isinstance(s, (ast.Assign, ast.AugAssign)):
        return not any(mentions(t, a) for t in (s.targets if isinstance(s, ast.Assign) else [s.target]))
    if isinstance(s, ast.If):
        return in_order(s.body, a, r) and in_order(s.orelse, a, r)
    if not isinstance(s, ast.For) or not isinstance(s.target, ast.Name) or mentions(s.iter, a, r):
        return False
    found = [index for name in (a, r) for index in indices(s, name) or ()]
    along = [k for k in range(len(found[0])) if all(is_name(index[k], s.target.id) for index in found)]
    assigned = any(is_name(n, s.target.id) and isinstance(n.ctx, ast.Store) for b in s.body for n in names(b))
    return bool(along) and not assigned and in_order(s.body, a, r)


def shared(lines: list[str]) -> list[str]:
    """The same kernel, where an array that is done with is the memory of one of its size made later."""
    kernel = parsed(lines)
    made = [(n, s) for n, s in enumerate(kernel.body) if is_made(s)]
    assigned = {n.id for n in names(kernel) if isinstance(n.ctx, ast.Store)}
    spans: list[tuple[int, int, str, str, int]] = []  # first used, last used, name, how it is made, its line
    for n, s in made:
        name, how = s.targets[0].id, s.value  # type: ignore[attr-defined]
        used = [k for k, other in enumerate(kernel.body) if k != n and mentions(other, name)]
        once = sum(is_name(x, name) and isinstance(x.ctx, ast.Store) for x in names(kernel)) == 1
        fixed = not any(x.id in assigned for x in names(how))
        if used and once and fixed and used[0] > n and indices(kernel, name, s) is not None:
            spans.append((used[0], used[-1], name, ast.unparse(how), s.lineno - 1))
    out: list[str] = list(lines)
    free: list[tuple[int, str, str, int]] = []  # until when it is used, how it is made, name, line
    dropped: set[int] = set()
    after: dict[int, list[str]] = {}
    for first, last, name, how, line in sorted(spans):
        at = next((k for k, (end, like, _, _) in enumerate(free) if end < first and like == how), None)
        if at is None:
            free.append((last, how, name, line))
            continue
        _, _, other, home = free[at]
        free[at] = last, how, other, home
        dropped.add(line)
        after.setdefault(home, []).append(f"    {name} = {other}")
    return [x for n, t in enumerate(out) for x in (*([] if n in dropped else [t]), *after.get(n, []))]


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


def indices(node: ast.AST, name: str, made: ast.stmt | None = None) -> list[list[ast.expr]] | None:
    """The indices at which an array is read and written; None if it is used as a whole, or in part."""
    own = {id(n) for n in ast.walk(made)} if made is not None else set()
    found: list[list[ast.expr]] = []
    known: set[int] = set()
    for n in ast.walk(node):
        if isinstance(n, ast.Attribute) and n.attr == "shape":
            known.add(id(n.value))
        elif isinstance(n, ast.Subscript) and is_name(n.value, name):
            known.add(id(n.value))
            found.append(n.slice.elts if isinstance(n.slice, ast.Tuple) else [n.slice])
    whole = any(n.id == name and id(n) not in known and id(n) not in own for n in names(node))
    sliced = any(isinstance(p, ast.Slice) for index in found for p in index)
    ranks = {len(index) for index in found}
    if made is not None:
        ranks.add(len(sizes_of(made)))
    return None if whole or sliced or len(ranks) != 1 else found


def stored(node: ast.AST, name: str) -> bool:
    """Whether elements of an array are written."""
    targets = (n for n in ast.walk(node) if isinstance(n, ast.Subscript) and isinstance(n.ctx, ast.Store))
    return any(is_name(n.value, name) for n in targets)


def is_made(s: ast.stmt) -> bool:
    """Whether a statement makes an array, large for all that is known, and says nothing of its elements."""
    if not isinstance(s, ast.Assign) or not isinstance(s.targets[0], ast.Name) or len(s.targets) != 1:
        return False
    if not isinstance(s.value, ast.Call) or ast.unparse(s.value.func) != "np.empty":
        return False
    known = [n.value for n in sizes_of(s) if isinstance(n, ast.Constant)]
    return len(known) < len(sizes_of(s)) or math.prod(known) >= SMALL  # type: ignore[arg-type]


def sizes_of(made: ast.stmt) -> list[ast.expr]:
    shape = made.value.args[0]  # type: ignore[attr-defined]
    return shape.elts if isinstance(shape, ast.Tuple) else [shape]
