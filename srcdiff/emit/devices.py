"""How operations are spelt for arrays of another module than NumPy.

Numbers stay on the host: what is done with them alone is NumPy's or Python's.  What has an array among its
operands is done by the arrays' module, which takes numbers for arrays in fewer places than NumPy does.
"""

from __future__ import annotations

import inspect
import sys
from typing import TYPE_CHECKING, Any

import gast
import numpy as np

from srcdiff.backends import cupy_names
from srcdiff.emit.spelling import by_sign
from srcdiff.errors import Problem, problem_at
from srcdiff.ir.graph import Atom, Const, Graph, Op, Ref, Struct, Val, is_none, kind, walk
from srcdiff.ir.kinds import OTHER, UNKNOWN, Array, Kind, Scalar, Seq, Tree
from srcdiff.ir.modules import current, module_name, on_device

if TYPE_CHECKING:
    from srcdiff.emit.assemble import Assembler
    from srcdiff.emit.spelling import Spelling

__all__ = ["beyond", "bound", "holds_array", "on_host", "path_of", "spelt", "stored"]

BLANKS: dict[Any, str] = {np.zeros_like: "zeros", np.ones_like: "ones"}
DRAWS = frozenset(n for n in dir(np.random.Generator) if not n.startswith("_"))
JOINS = frozenset({
    np.array, np.asarray, np.stack, np.concatenate, np.hstack, np.vstack, np.column_stack, np.dstack,
})  # fmt: skip


def holds_array(k: Kind) -> bool:
    """Whether a value is an array, or holds one, or may."""
    if isinstance(k, Tree):
        return any(map(holds_array, k.items))
    return isinstance(k, Array) or k == UNKNOWN or (isinstance(k, Seq) and holds_array(k.elem))


def on_host(op: Op) -> bool:
    """Whether an operation is one of numbers, with a number for its result."""
    if any(holds_array(kind(a)) for a in op.ins):
        return False
    return bool(op.outs) and isinstance(kind(op.outs[0]), Scalar)


def path_of(spelling: Spelling, op: Op) -> str:
    """The full name of a library's function; nothing of an operator, or of what is not NumPy's or SciPy's."""
    fn = op.fn
    if op.code != "prim" or fn is None or by_sign(fn) or not callable(fn) or spelling.builtin(fn):
        return ""
    return full_name(spelling, fn, op.attrs.get("text") or "")


def full_name(spelling: Spelling, fn: Any, text: str) -> str:
    home = spelling.home(fn, text)
    if home is None or home[0].__name__.partition(".")[0] not in ("numpy", "scipy"):
        return ""
    return f"{home[0].__name__}.{home[1]}"


def beyond(graph: Graph, spelling: Spelling) -> list[Problem]:
    """What of a graph the arrays' module cannot do, each at the user's statement."""
    problems: dict[tuple[Any, ...], Problem] = {}
    for op in walk(graph.region):
        why = what_lacks(op, spelling)
        if not why:
            continue
        o = op.origin
        file, line, text = (o.file, o.line, o.text) if o is not None else ("", 0, "")
        within = "" if o is None or not o.adjoint else ", which the derivative of this statement needs"
        problems.setdefault((why, file, line), problem_at(
            "array-module", f"{why}{within}", file, line, text,
            f"the arrays of this call are arrays of {current().name}",
            "write it with other functions, or pass NumPy arrays",
        ))  # fmt: skip
    return list(problems.values())


def what_lacks(op: Op, spelling: Spelling) -> str:
    """Why the arrays' module cannot do an operation; nothing if it can."""
    if op.code == "prim" and op.attrs.get("method") in DRAWS and kind(op.ins[0]) == OTHER:
        return cannot_draw(op)
    if module_name(op.fn).startswith("srcdiff.runtime"):
        what = cupy_names.ON_HOST_ALONE.get(op.fn.__name__, "")
        given = (full_name(spelling, a.obj, a.text) for a in op.ins if isinstance(a, Ref) and callable(a.obj))
        why = next(filter(None, (cupy_names.why_not(path, (), 0) for path in given if path)), "")
        return f"{what} is not done on a device" if what else why
    path = path_of(spelling, op)
    if not path or on_host(op) or (isinstance(op.fn, type) and issubclass(op.fn, np.generic)):
        return ""
    names = tuple(n for n in op.names if n)
    idle = unneeded(op, path)
    return cupy_names.why_not(path, tuple(n for n in names if n not in idle), len(op.ins) - len(names))


def unneeded(op: Op, path: str) -> set[str]:
    """Keywords that the other module has not, and that say no more than the function does without them."""
    own = cupy_names.parameters_of(path)
    if own is None or op.fn is None:
        return set()
    names = op.names
    nothing = {n for x, n in zip(op.ins, names, strict=True) if n and n not in own and is_none(x)}
    return {n for n in nothing if default_of(op.fn, n) is None}


def default_of(fn: Any, name: str) -> Any:
    try:
        return inspect.signature(fn).parameters[name].default
    except (KeyError, TypeError, ValueError):
        return inspect.Parameter.empty


def cannot_draw(op: Op) -> str:
    """Why a generator of random numbers cannot draw on the device."""
    word, rng = op.attrs["method"], op.ins[0]
    if not isinstance(rng, Val) or rng.op is None or rng.op.fn is not np.random.default_rng:
        return f"a generator from outside draws its numbers ({word}) on the host"
    if f"cupy.random.Generator.{word}" in cupy_names.listed():
        return ""
    return f"CuPy's generator of random numbers has no {word}"


def spelt(a: Assembler, op: Op) -> Any:
    """The expression of an operation, where it is another than NumPy's; None where it is not."""
    fn = op.fn
    if fn in BLANKS and isinstance(k := kind(op.ins[0]), Array) and not k.dims and len(op.ins) == 1:
        return blank(a, BLANKS[fn], k.dtype)
    if fn is np.zeros_like and len(op.ins) == 1 and may_be_number(a, op.ins[0]):
        return call(a.spelling.helper("zeros_like"), a.expr(op.ins[0]))
    last_write = sys.modules["srcdiff.runtime"].last_write
    if fn is last_write and not a.spelling.on_host and not holds_array(kind(op.ins[0])):
        return made_array(a, a.spelt(op))  # (of places that are lists of numbers)
    if isinstance(fn, type) and issubclass(fn, np.generic) and len(op.ins) == 1:
        if not holds_array(kind(op.ins[0])):
            return None
        return call(attr(a.expr(op.ins[0]), "astype"), a.spelling.reference(fn, fn.__name__))
    if a.spelling.on_host or op.attrs.get("method"):
        return None
    path = path_of(a.spelling, op)
    if not path:
        return None
    if path in cupy_names.HOST:
        a.spelling.on_host = True  # (until the expression is done)
        return None
    if path in cupy_names.ELSEWHERE:
        path = cupy_names.ELSEWHERE[path]
        there = getattr(np.linalg, path.rpartition(".")[2])  # (of the graph that is printed)
        op.become(there, **{n: v for n, v in op.attrs.items() if n != "fn"})
    helper = cupy_names.INSTEAD.get(path)
    parameters = cupy_names.parameters_of(path)
    if helper is None and parameters is None:
        return None
    tree = a.spelt(op) if helper is None else with_helper(a, op, helper)
    if isinstance(tree, gast.Call) and parameters is not None:
        as_arrays(a, op, tree, path, parameters)
        idle = unneeded(op, path)
        tree.keywords = [k for k in tree.keywords if k.arg not in idle]
    return tree


def may_be_number(a: Assembler, x: Atom) -> bool:
    """Whether a value that is an array may be the number zero on the path that is taken."""
    if not isinstance(x, Val) or x in a.graph.region.params:
        return False
    if x.op is None or x.op.code != "prim":
        return True
    return module_name(x.op.fn).startswith("srcdiff.runtime")


def blank(a: Assembler, word: str, dtype: str) -> Any:
    """Zeros or ones of no dimensions: not shaped like what may be a number on the path that is taken."""
    np_ = a.spelling.module(np)
    name = a.spelling.path(f"{np_}.{np.dtype(dtype).name}")
    options = [] if dtype == "f8" else [gast.keyword("dtype", name)]
    return gast.Call(a.spelling.path(f"{np_}.{word}"), [gast.Tuple([], gast.Load())], options)


def bound(a: Assembler, x: Atom) -> Any:
    """An end of a slice: a number of the host, which one of the device is read back for."""
    node = a.expr(x)
    return call(a.spelling.path("int"), node) if on_device() and isinstance(kind(x), Array) else node


def stored(a: Assembler, x: Atom) -> Any:
    """What is written into an array: a display of numbers and arrays as an array."""
    node = a.expr(x)
    if not isinstance(x, Struct) or x.type not in (list, tuple):
        return node
    return call(a.spelling.path(f"{a.spelling.module(np)}.array"), joined(a, x, node, alone=True))


def with_helper(a: Assembler, op: Op, helper: str) -> Any:
    names = op.names
    pos = [a.expr(x) for x, n in zip(op.ins, names, strict=True) if not n]
    kws = [gast.keyword(n, a.expr(x)) for x, n in zip(op.ins, names, strict=True) if n]
    return gast.Call(a.spelling.helper(helper), pos, kws)


def as_arrays(a: Assembler, op: Op, tree: Any, path: str, parameters: tuple[str, ...]) -> None:
    """Make arrays of the numbers among the operands, where the function takes arrays alone."""
    wanted = cupy_names.array_parameters(path)
    names = op.names
    last = parameters[-1] if parameters and parameters[-1].startswith("*") else ""
    pos = iter(range(len(tree.args)))
    for x, n in zip(op.ins, names, strict=True):
        k = -1 if n else next(pos)
        if k >= len(tree.args):
            return
        word = n or (parameters[k] if k < len(parameters) else last)
        if not n and any(p.startswith("*") and not p.startswith("**") for p in parameters[: k + 1]):
            word = next(p for p in parameters if p.startswith("*"))
        holder, field, at = (tree.args, None, k) if not n else (keyword(tree, n), "value", 0)
        node = holder[at] if field is None else holder.value
        if op.fn in JOINS and isinstance(x, Struct):
            new = joined(a, x, node, alone=op.fn in (np.array, np.asarray))
        elif word in wanted and is_number(x):
            new = made_array(a, node)
        else:
            continue
        if field is None:
            holder[at] = new
        else:
            holder.value = new


def keyword(tree: Any, name: str) -> Any:
    return next(k for k in tree.keywords if k.arg == name)


def is_number(x: Atom) -> bool:
    """Whether an operand is a number on the host: not text, None, or an axis in a tuple."""
    if isinstance(x, Const):
        return isinstance(x.value, (bool, int, float, complex))
    return isinstance(kind(x), Scalar)


def made_array(a: Assembler, node: Any) -> Any:
    return call(a.spelling.path(f"{a.spelling.module(np)}.asarray"), node)


def joined(a: Assembler, x: Struct, node: Any, alone: bool) -> Any:
    """A display of arrays, with arrays for the numbers among them; ``alone``: only if any is one."""
    if not isinstance(node, (gast.List, gast.Tuple)):
        return node
    if alone and not holds_array(kind(x)) and not any(holds_array(kind(y)) for y in x.items):
        return node
    rows = all(isinstance(y, Struct) for y in x.items)
    for n, y in enumerate(x.items):
        if isinstance(y, Struct):
            node.elts[n] = joined(a, y, node.elts[n], alone=False)  # (what is in one row is in all)
        if is_number(y) or (isinstance(y, Struct) and not rows):
            node.elts[n] = made_array(a, node.elts[n])
    return node


def call(fn: Any, *args: Any) -> Any:
    return gast.Call(fn, list(args), [])


def attr(x: Any, word: str) -> Any:
    return gast.Attribute(x, word, gast.Load())
