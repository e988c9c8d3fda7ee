"""NumPy's functions that take functions, methods of ufuncs and the like: the plain code that they stand for.

Each is a few lines of Python, read like the user's own in the place of the call.
"""

from __future__ import annotations

import copy
import functools
import itertools
import operator
import sys
import textwrap
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

import gast
import numpy as np

from srcdiff.frontend import captures, entering, operands, ruled
from srcdiff.frontend.constants import constant
from srcdiff.frontend.infer import forget_sizes
from srcdiff.frontend.objects import content
from srcdiff.frontend.scope import Agg, Args, Bound, Known, Kw, Loc, Partial, Plain
from srcdiff.ir import ops
from srcdiff.ir.graph import Const, Ref, Slice, Struct, Val, kind, vals
from srcdiff.ir.indices import parts_of
from srcdiff.ir.kinds import Array, Scalar, is_active_kind, is_whole
from srcdiff.ir.modules import on_device

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = ["HANDLERS", "INSTANCES", "METHODS_OF"]



@functools.lru_cache(maxsize=256)
def parsed(text: str) -> Any:
    return gast.parse(textwrap.dedent(text)).body


def written(lw: Lowerer, node: Any, text: str, given: dict[str, Any], result: str = "out") -> Bound:
    """Read a few lines of Python over the bounds (and functions) given; what ``result`` is bound to then."""
    bounds = {k: v if not callable(v) else Known(v, spelt(v)) for k, v in given.items()}
    bounds.setdefault("np", Known(np, "np"))
    return entering.synthetic(lw, node, placed(text, node), bounds, result, text)


PLACE = ("lineno", "col_offset", "end_lineno", "end_col_offset")


def placed(text: str, node: Any) -> list[Any]:
    """Statements that stand where the call stands."""
    body: list[Any] = copy.deepcopy(parsed(text))
    for s in body:
        for n in gast.walk(s):
            for part in PLACE:
                setattr(n, part, getattr(node, part, None))
    return body


def spelt(fn: Any) -> str:
    return fn.__name__ if isinstance(fn, type) or not hasattr(np, fn.__name__) else f"np.{fn.__name__}"


def rank(lw: Lowerer, b: Bound, node: Any, what: str) -> int:
    """The number of dimensions of an argument."""
    k = kind(lw.read(b, node))
    if isinstance(k, Array):
        return len(k.dims)
    if isinstance(k, Scalar):
        return 0
    lw.stop(
        "option", f"{what} needs an array whose number of dimensions is known", node,
        help="make it an array first: np.asarray(x, dtype=float)",
    )  # fmt: skip


def refuse_option(lw: Lowerer, what: str, node: Any, help: str, note: str = "") -> NoReturn:
    lw.stop("option", f"{what} is not supported", node, note=note, help=help)


def check_order(lw: Lowerer, fn: np.ufunc, what: str, node: Any) -> None:
    """Refuse what NumPy itself gets wrong, depending on how the numbers lie in memory."""
    if fn is np.power:
        refuse_option(
            lw, what, node, "write the powers out: a loop, or x[0] ** np.prod(x[1:])",
            "NumPy leaves out the exponents in between where the numbers lie side by side",
        )  # fmt: skip


def number(lw: Lowerer, b: Bound | None, default: int | None, node: Any, what: str) -> Any:
    if b is None:
        return default
    v = constant(lw.read(b, node))
    if v is not None and not isinstance(v, int):
        refuse_option(lw, f"{what} with an axis that is not a constant", node, "write the axis as a number")
    return v


# ---- functions of elements ------------------------------------------------------------------------------


def _vectorize(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    for name in ("excluded", "signature"):
        if name in kwargs:
            refuse_option(lw, f"np.vectorize({name}=...)", node, "write the loop over the elements or rows")
    if not args and "pyfunc" not in kwargs:
        refuse_option(lw, "np.vectorize without a function", node, "write np.vectorize(f)")
    own = {"otypes": kwargs["otypes"]} if "otypes" in kwargs else {}
    if len(args) > 1:
        own["otypes"] = args[1]
    return Partial(Known(each_element, "np.vectorize"), (args[0] if args else kwargs["pyfunc"],), own)


def vectorized(lw: Lowerer, obj: Any, path: Any, args: Args, kwargs: Kw, node: Any) -> Bound:
    """The call of an ``np.vectorize`` made outside."""
    if obj.excluded or obj.signature:
        refuse_option(
            lw, "np.vectorize with excluded= or signature=", node, "write the loop over the elements or rows"
        )
    f = Known(obj.pyfunc, obj.pyfunc.__name__, None if path is None else (*path, ("attr", "pyfunc")))
    typed = {"otypes": Plain(Const(obj.otypes))} if obj.otypes else {}
    return _each_element(lw, [f, *args], {**kwargs, **typed}, node)


def each_element() -> None:
    """Stands for a function applied to each element."""


def _each_element(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    f, *arrays = args
    to = element_type(lw, kwargs["otypes"], node) if "otypes" in kwargs else None
    names = [k for k in kwargs if k != "otypes"]
    if names:
        refuse_option(lw, "a keyword argument of a vectorized function", node, "pass it by position")
    ranks = [rank(lw, a, node, "np.vectorize") for a in arrays]
    if not any(ranks):
        return lw.call(f, arrays, {}, node)
    given: dict[str, Any] = {"f": f, **{f"x{i}": a for i, a in enumerate(arrays)}}
    many = [f"x{i}" for i, r in enumerate(ranks) if r]
    if len(many) > 1:
        listed = ", ".join(many)
        text = f"{listed} = np.broadcast_arrays({listed})\nout = ({listed})"
        spread = content(lw, written(lw, node, text, given))
        assert isinstance(spread, Agg)
        given.update(zip(many, spread.items, strict=True))
    flat = max(ranks) == 1
    ravel = ", ".join(m if flat else f"np.ravel({m})" for m in many)
    ravel = f"zip({ravel})" if len(many) > 1 else ravel
    target = ", ".join(m.replace("x", "v") for m in many)
    passed = ", ".join(f"v{i}" if r else f"x{i}" for i, r in enumerate(ranks))
    text = f"made = []\nfor {target} in {ravel}:\n    made.append(f({passed}))\nout = np.array(made)\n"
    got = written(lw, node, text, {**given, "zip": Known(zip, "zip")})
    if rank(lw, got, node, "np.vectorize") != 1:
        refuse_option(
            lw, "np.vectorize of a function that returns several values", node,
            "vectorize a function for each of them",
        )  # fmt: skip
    if to is None:
        check_one_type(lw, got, node, "np.vectorize", " (np.vectorize: or name it with otypes=[float])")
    elif to != np.dtype(float):
        got = written(lw, node, "out = y.astype(to)", {"y": got, "to": Plain(Ref(to.type, f"np.{to.name}"))})
    if not flat:
        got = written(lw, node, f"out = np.reshape(y, np.shape({many[0]}))", {**given, "y": got})
    return got


def element_type(lw: Lowerer, b: Bound, node: Any) -> np.dtype[Any]:
    """The one type that ``otypes`` names."""
    given = constant(lw.read(b, node))
    types = list(given) if isinstance(given, (str, list, tuple)) else []
    if len(types) != 1:
        refuse_option(lw, "np.vectorize with several or unknown otypes", node, "write otypes=[float]")
    found: np.dtype[Any] = np.dtype(types[0])
    return found


def check_one_type(lw: Lowerer, got: Bound, node: Any, what: str, more: str = "") -> None:
    """The dtype is that of the first result: refuse results that are now int, now float."""
    seen: set[Any] = set()
    types: set[str] = set()

    def visit(a: Any) -> None:
        k = kind(a)
        if isinstance(k, (Scalar, Array)) and not isinstance(a, Val):
            types.add(k.dtype[0])
        if not isinstance(a, Val) or a in seen:
            return
        seen.add(a)
        if a.op is not None and a.op.code == "if" and a in a.op.outs:
            for r in a.op.regions:
                visit(r.results[a.op.outs.index(a)])
        elif isinstance(k, Scalar):
            types.add(k.dtype[0])

    for op in walk_appends(lw.read(got)):
        visit(op)
    if "i" in types and "f" in types:
        refuse_option(
            lw, f"{what} of a function that returns now an int, now a float", node,
            f"return floats on every path (0.0, not 0){more}",
            "its dtype is that of the first result, and would cut the others to integers",
        )  # fmt: skip


def walk_appends(a: Any) -> list[Any]:
    """What loops append to the list that an array was made of, or what was written into it."""
    out: list[Any] = []
    todo, seen = [a], set()
    while todo:
        v = todo.pop()
        if isinstance(v, Struct) and v.type is list:  # (read trip by trip)
            out += v.items
        if not isinstance(v, Val) or v in seen or v.op is None:
            continue
        seen.add(v)
        if v.op.code == "prim" and v.op.fn is ops.append:
            out.append(v.op.ins[1])
        elif v.op.code == "prim":
            todo += v.op.ins
        elif v.op.code == "for":
            todo += v.op.regions[-1].results
    return out


def _apply_along_axis(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    what = "np.apply_along_axis"
    if len(args) < 3:
        refuse_option(lw, f"{what} with keywords for its own arguments", node, "pass them by position")
    f, at, x, *rest = args
    axis = number(lw, at, 0, node, what)
    n = rank(lw, x, node, what)
    f = Partial(Known(row_call, "f"), (f, Agg(tuple, tuple(range(len(rest))), tuple(rest))), kwargs)
    if n == 1:
        return lw.call(f, [x], {}, node)
    axis = axis % n if -n <= axis < n else axis
    given = {"f": f, "x": x, "axis": Plain(Const(axis))}
    rows = "np.moveaxis(x, axis, -1)" if axis != n - 1 else "x"
    if n > 2:
        rows = f"np.reshape({rows}, (-1, np.shape(x)[axis]))"
    text = f"made = []\nfor row in {rows}:\n    made.append(f(row))\nout = np.array(made)\n"
    got = written(lw, node, text, given)
    check_one_type(lw, got, node, what)
    inner = rank(lw, got, node, what) - 1
    if n > 2:
        lead = ", ".join(f"np.shape(x)[{i}]" for i in range(n) if i != axis)
        tail = "".join(f", np.shape(y)[{i + 1}]" for i in range(inner))
        got = written(lw, node, f"out = np.reshape(y, ({lead}{tail}))", {"x": x, "y": got})
    if inner and axis != n - 1:
        moved = "(" + "".join(f"{n - 1 + i}, " for i in range(inner)) + ")"
        place = "(" + "".join(f"{axis + i}, " for i in range(inner)) + ")"
        got = written(lw, node, f"out = np.moveaxis(y, {moved}, {place})", {"y": got})
    return got


def row_call() -> None:
    """Stands for a function of one row and some arguments more."""


def _row_call(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    f, rest, row = args
    assert isinstance(rest, Agg)
    return lw.call(f, [row, *rest.items], kwargs, node)


def _fromfunction(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    kwargs = dict(kwargs)
    shape = content(lw, args[1] if len(args) > 1 else kwargs.pop("shape"))
    to = kwargs.pop("dtype", Plain(Ref(float, "float")))
    kwargs.pop("like", None)
    if isinstance(shape, Plain) and isinstance(shape.atom, Struct):
        shape = lw.bind(shape.atom)
    if not isinstance(shape, Agg):
        refuse_option(lw, "np.fromfunction with a shape of unknown length", node, "write a tuple")
    n = len(shape.items)
    names = [f"g{i}" for i in range(n)]
    text = f"grids = np.indices(shape, dtype=to)\n{', '.join(names)}, = grids\n"
    text += f"out = ({', '.join(names)},)"
    grids = content(lw, written(lw, node, text, {"shape": args[1], "to": to}))
    assert isinstance(grids, Agg)
    return lw.call(args[0], list(grids.items), kwargs, node)


def _piecewise(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    what = "np.piecewise"
    x, conds, funcs = args[0], content(lw, args[1]), content(lw, args[2])
    rest = args[3:]
    if not isinstance(conds, Agg) or not isinstance(funcs, Agg):
        refuse_option(lw, f"{what} with conditions or functions of unknown number", node, "write lists")
    n = rank(lw, x, node, what)
    pieces = list(zip(conds.items, funcs.items, strict=False))
    if len(funcs.items) not in (len(conds.items), len(conds.items) + 1):
        refuse_option(
            lw, f"{what} of {len(conds.items)} conditions and {len(funcs.items)} functions", node,
            "give one function for each condition, and perhaps one for the rest",
        )  # fmt: skip
    if len(funcs.items) > len(conds.items):
        given = {f"c{i}": c for i, c in enumerate(conds.items)}
        other = f"out = np.logical_not({' | '.join(given)})"
        pieces.insert(0, (written(lw, node, other, given), funcs.items[-1]))
    k = kind(lw.read(x))
    if n == 0 and is_whole(k):
        refuse_option(
            lw, f"{what} of an integer", node, "pass a float", "its results would be cut to integers"
        )
    if n == 0:
        return scalar_piecewise(lw, x, pieces, rest, kwargs, node)
    out = written(lw, node, "out = np.zeros_like(x)", {"x": x})
    for c, f in pieces:
        if is_function(lw, f):
            part = written(lw, node, "out = x[c]", {"x": x, "c": c})
            f = lw.call(f, [part, *rest], kwargs, node)
        written(lw, node, "y[c] = f", {"y": out, "c": c, "f": f}, "y")
    return out


def scalar_piecewise(
    lw: Lowerer, x: Bound, pieces: list[tuple[Bound, Bound]], rest: Args, kwargs: Kw, node: Any
) -> Bound:
    value: Bound = Plain(Const(0.0))
    for c, f in pieces:
        last = value

        def piece(f: Bound = f) -> Bound:
            return lw.call(f, [x, *rest], kwargs, node) if is_function(lw, f) else f

        value = lw.choose(lw.read(c, node), piece, lambda last=last: last, node, "if")  # type: ignore[misc]
    return value


def is_function(lw: Lowerer, b: Bound) -> bool:
    return not isinstance(content(lw, b), (Plain, Loc, Agg))


def _frompyfunc(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    refuse_option(
        lw, "np.frompyfunc", node, "use np.vectorize(f), which gives arrays of floats",
        "the arrays that it gives hold objects",
    )  # fmt: skip


FEW_OF = """
made = []
for v in first(iter, count):
    made.append(v)
if len(made) < count:
    raise ValueError("iterator too short")
out = np.array(made, dtype=dtype)
"""


def _fromiter(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    given = dict(zip(("iter", "dtype", "count"), args)) | kwargs
    if given.keys() - {"iter", "dtype", "count"}:
        refuse_option(lw, "np.fromiter(like=)", node, "leave like= out")
    count = given.pop("count", Plain(Const(-1)))
    if lw.read(count, node) == Const(-1):
        text = "made = []\nfor v in iter:\n    made.append(v)\nout = np.array(made, dtype=dtype)"
        return written(lw, node, text, given)
    first = Known(itertools.islice, "itertools.islice")
    return written(lw, node, FEW_OF, {**given, "count": count, "first": first})


# ---- methods of ufuncs ----------------------------------------------------------------------------------

REDUCE: dict[Any, Any] = {
    np.add: np.sum, np.multiply: np.prod, np.maximum: np.max, np.minimum: np.min, np.logical_and: np.all,
    np.logical_or: np.any,
}  # fmt: skip
ACCUMULATE: dict[Any, Any] = {np.add: np.cumsum, np.multiply: np.cumprod}


def ufunc_reduce(lw: Lowerer, fn: np.ufunc, args: Args, kwargs: Kw, node: Any) -> Bound:
    what = f"np.{fn.__name__}.reduce"
    check_order(lw, fn, what, node)
    kwargs = dict(kwargs)
    x, *more = args
    x = operands.as_array(lw, x, node)
    if len(more) > 1:
        refuse_option(lw, f"{what} with more than two arguments", node, "give the others by name")
    axis = more[0] if more else kwargs.pop("axis", Plain(Const(0)))
    whole = REDUCE.get(fn)
    if whole is not None:
        return lw.call(Known(whole, spelt(whole)), [x], {"axis": axis, **kwargs}, node)
    keepdims = "keepdims" in kwargs and number(lw, kwargs.pop("keepdims"), 0, node, what)
    several = constant(lw.read(axis))
    if isinstance(several, tuple) and not keepdims and not kwargs:  # as one axis
        many, n = [k % rank(lw, x, node, what) for k in several], rank(lw, x, node, what)
        rest = ", ".join(f"np.shape(x)[{k}]" for k in range(n) if k not in many)
        ahead = f"np.moveaxis(x, {several}, {tuple(range(len(many)))})"
        x = written(lw, node, f"out = np.reshape({ahead}, (-1, {rest}))", {"x": x})
        axis = Plain(Const(0))
    at, n = number(lw, axis, 0, node, what), rank(lw, x, node, what)
    if kwargs or n < 1 or (at is not None and not -n <= at < n) or (keepdims and at is None):
        refuse_option(lw, f"{what} with options", node, f"loop over the elements with np.{fn.__name__}")
    if at is None:
        x = written(lw, node, "out = np.ravel(x)", {"x": x})
    elif at % n:
        x = written(lw, node, f"out = np.moveaxis(x, {at}, 0)", {"x": x})
    text = "out = x[0]\nfor v in x[1:]:\n    out = f(out, v)"
    text += f"\nout = np.expand_dims(out, {at})" if keepdims else ""
    return written(lw, node, text, {"x": x, "f": fn})


def ufunc_accumulate(lw: Lowerer, fn: np.ufunc, args: Args, kwargs: Kw, node: Any) -> Bound:
    what = f"np.{fn.__name__}.accumulate"
    x, *more = args
    x = operands.as_array(lw, x, node)
    axis = more[0] if more else kwargs.get("axis", Plain(Const(0)))
    whole = ACCUMULATE.get(fn)
    if whole is not None and not kwargs.keys() - {"axis"} and len(more) < 2:
        return lw.call(Known(whole, spelt(whole)), [x], {"axis": axis}, node)
    at, n = number(lw, axis, 0, node, what), rank(lw, x, node, what)
    if kwargs.keys() - {"axis"} or len(more) > 1 or at is None or not -n <= at < n:
        refuse_option(lw, f"{what} with options", node, f"loop over the elements with np.{fn.__name__}")
    for defined in () if on_device() else lw.ctx.definitions(fn.accumulate, 1, {}):
        got = ruled.by_definition(lw, fn.accumulate, defined, [x], {"axis": axis}, node)
        if got is not None:
            return got
    if at % n:
        x = written(lw, node, f"out = np.moveaxis(x, {at}, 0)", {"x": x})
    text = "last = x[0]\nmade = [last]\nfor v in x[1:]:\n    last = f(last, v)\n    made.append(last)\n"
    text += "out = np.array(made)" + (f"\nout = np.moveaxis(out, 0, {at})" if at % n else "")
    return written(lw, node, text, {"x": x, "f": fn})


def ufunc_outer(lw: Lowerer, fn: np.ufunc, args: Args, kwargs: Kw, node: Any) -> Bound:
    x, y = (operands.as_array(lw, a, node) for a in args)
    n = rank(lw, y, node, f"np.{fn.__name__}.outer")
    if n and rank(lw, x, node, f"np.{fn.__name__}.outer"):
        x = written(lw, node, f"out = x[..., {', '.join(['None'] * n)}]", {"x": x})
    return lw.call(Known(fn, f"np.{fn.__name__}"), [x, y], kwargs, node)


def ufunc_at(lw: Lowerer, fn: np.ufunc, args: Args, kwargs: Kw, node: Any) -> Bound:
    what = f"np.{fn.__name__}.at"
    if fn is np.subtract:
        return lw.call(
            Known(np.add.at, "np.add.at"),
            [args[0], args[1], written(lw, node, "out = -v", {"v": args[2]})], {}, node,
        )  # fmt: skip
    one = len(args) == 2
    at_tuple = content(lw, args[1])
    if isinstance(at_tuple, Agg) and at_tuple.type is tuple:
        refuse_option(lw, f"{what} with a tuple as the index", node, "loop over the indices")
    given = {"x": args[0], "f": fn, "np": Known(np, "np"), "zip": Known(zip, "zip")}
    index = lw.read(args[1], node)
    k = kind(index)
    if isinstance(k, Scalar):
        given.update(i=args[1], v=args[-1])
        return written(lw, node, f"x[i] = f(x[i]{'' if one else ', v'})\nout = None", given)
    at = written(lw, node, "out = np.asarray(i)", {"i": args[1]})
    ki = kind(lw.read(at))
    if not isinstance(ki, Array) or len(ki.dims) != 1 or ki.dtype[0] not in "iu":
        refuse_option(lw, f"{what} with such an index", node, "use a list or vector of integers as the index")
    given["i"] = at
    if one:
        return written(lw, node, "for k in i:\n    x[k] = f(x[k])\nout = None", given)
    if rank(lw, args[2], node, what) == 0:
        given["v"] = args[2]
        return written(lw, node, "for k in i:\n    x[k] = f(x[k], v)\nout = None", given)
    given["v"] = args[2]
    return written(lw, node, "for k, w in zip(i, v):\n    x[k] = f(x[k], w)\nout = None", given)


def ufunc_reduceat(lw: Lowerer, fn: np.ufunc, args: Args, kwargs: Kw, node: Any) -> Bound:
    what = f"np.{fn.__name__}.reduceat"
    check_order(lw, fn, what, node)
    x, indices, *more = (operands.as_array(lw, a, node) for a in args)
    axis = more[0] if more else kwargs.get("axis")
    at, n = number(lw, axis, 0, node, what), rank(lw, x, node, what)
    if kwargs.keys() - {"axis"} or len(more) > 1 or at is None or not -n <= at < n:
        refuse_option(
            lw, f"{what} with options", node, f"reduce each slice by itself: np.{fn.__name__}.reduce"
        )
    if at % n:
        x = written(lw, node, f"out = np.moveaxis(x, {at}, 0)", {"x": x})
    whole = Known(REDUCE[fn], spelt(REDUCE[fn])) if fn in REDUCE else None
    part = "f(x[start:stop], axis=0)" if whole is not None else "f.reduce(x[start:stop])"
    text = "made = []\nstops = np.append(i[1:], len(x))\nfor k in range(len(i)):\n"
    text += "    start, stop = i[k], stops[k]\n"
    text += f"    if stop > start:\n        made.append({part})\n    else:\n        made.append(x[start])\n"
    text += "out = np.array(made)" + (f"\nout = np.moveaxis(out, 0, {at})" if at % n else "")
    return written(lw, node, text, {"x": x, "i": indices, "f": whole or fn, "len": len, "range": range})


METHODS_OF: dict[str, Callable[..., Bound]] = {
    "reduce": ufunc_reduce, "accumulate": ufunc_accumulate, "outer": ufunc_outer, "at": ufunc_at,
    "reduceat": ufunc_reduceat,
}  # fmt: skip


# ---- writes by functions --------------------------------------------------------------------------------


def _putmask(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    x, mask, v = args
    if rank(lw, v, node, "np.putmask"):
        lw_text = "x[...] = np.where(m, v, x)\nout = None"
        if rank(lw, x, node, "np.putmask") != rank(lw, v, node, "np.putmask"):
            refuse_option(lw, "np.putmask that repeats its values", node, "use np.where")
        return written(lw, node, lw_text, {"x": x, "m": mask, "v": v})
    return written(lw, node, "x[m] = v\nout = None", {"x": x, "m": mask, "v": v})


def _place(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    x, mask, v = args
    c = content(lw, v)
    if isinstance(c, Agg) and len(c.items) == 1:
        v = c.items[0]
    elif isinstance(c, Agg):
        v = operands.as_array(lw, v, node)
    if rank(lw, v, node, "np.place"):  # they are taken in turn, again and again
        text = "w = np.ravel(v)\nx[m] = w[np.arange(np.count_nonzero(m)) % len(w)]\nout = None"
        return written(lw, node, text, {"x": x, "m": mask, "v": v, "len": len})
    return written(lw, node, "x[m] = v\nout = None", {"x": x, "m": mask, "v": v})


def _put(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    if kwargs or len(args) != 3 or rank(lw, args[0], node, "np.put") != 1:
        refuse_option(lw, "np.put in several dimensions, or with mode=", node, "x[index] = values")
    return written(lw, node, "x[i] = v\nout = None", dict(zip("xiv", args, strict=True)))


def _put_along_axis(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    given = {**dict(zip(("arr", "indices", "values", "axis"), args, strict=False)), **kwargs}
    what = "np.put_along_axis"
    at, n = number(lw, given.get("axis"), -1, node, what), rank(lw, given["arr"], node, what)
    if at is None and n == 1:
        at = 0
    if at is None or not -n <= at < n:
        refuse_option(lw, f"{what} with axis=None", node, "write x.flat[indices] = values, or give the axis")
    others = [
        f"np.reshape(np.arange(np.shape(x)[{k}]), {tuple(-1 if j == k else 1 for j in range(n))})"
        for k in range(n)
    ]
    places = ", ".join("i" if k == at % n else others[k] for k in range(n))
    given = {"x": given["arr"], "i": operands.as_array(lw, given["indices"], node), "v": given["values"]}
    return written(lw, node, f"x[{places}] = v\nout = None", given)


def _fill_diagonal(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    if kwargs or len(args) != 2 or rank(lw, args[0], node, "np.fill_diagonal") != 2:
        refuse_option(lw, "np.fill_diagonal of more than a matrix", node, "x[i, i] = values")
    text = "i = np.arange(min(np.shape(x)))\nx[i, i] = v\nout = None"
    return written(lw, node, text, {"x": args[0], "v": args[1], "min": Known(min, "min")})


def _copyto(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    if kwargs.keys() - {"where"}:
        refuse_option(lw, "np.copyto with casting=", node, "leave it out")
    given = {"x": args[0], "v": args[1], **kwargs}
    text = "x[...] = np.where(where, v, x)" if "where" in kwargs else "x[...] = v"
    return written(lw, node, f"{text}\nout = None", given)


# ---- objects with square brackets -----------------------------------------------------------------------


def _rows(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    """``np.r_[a, b]``."""
    items = []
    assert isinstance(args[0], Plain)
    for a in parts_of(args[0].atom):
        if isinstance(constant(a), str) or (isinstance(a, Slice) and isinstance(constant(a.step), complex)):
            refuse_option(lw, "np.r_ with a text, or with a number of points", node, "use np.concatenate")
        if isinstance(a, Slice):
            given = dict(zip("abc", map(Plain, (a.lower, a.upper, a.step)), strict=True))
            start = "a" if constant(a.lower) is not None else "0"
            step = ", c" if constant(a.step) is not None else ""
            items.append(written(lw, node, f"out = np.arange({start}, b{step})", given))
        else:
            items.append(written(lw, node, "out = np.atleast_1d(a)", {"a": lw.bind(a)}))
    names = {f"p{i}": b for i, b in enumerate(items)}
    return written(lw, node, f"out = np.concatenate(({', '.join(names)},))", names)


def _columns(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    """``np.c_[a, b]``."""
    names = {}
    assert isinstance(args[0], Plain)
    for i, a in enumerate(parts_of(args[0].atom)):
        if not isinstance(kind(a), Array) or len(kind(a).dims) not in (1, 2):  # type: ignore[union-attr]
            refuse_option(lw, "np.c_ of anything but vectors and matrices", node, "use np.column_stack")
        names[f"p{i}"] = lw.bind(a)
    return written(lw, node, f"out = np.column_stack(({', '.join(names)},))", names)


def _index(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    """``np.s_[...]`` is the index itself."""
    return args[0]


def grid(obj: Any, text: str) -> Any:
    def handler(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
        index = lw.read(args[0])
        if any(is_active_kind(v.kind) for v in vals([index])):
            refuse_option(lw, f"{text} with bounds that are no integers", node, "use np.meshgrid")
        out = lw.prim(operator.getitem, [Ref(obj, text), index])
        if isinstance(out, Val) and vals([index]):  # (samples of bounds may lie anyhow)
            out.kind = forget_sizes(out.kind)
        return lw.bind(out)

    return handler


def series_value(lw: Lowerer, obj: Any, path: Any, args: Args, kwargs: Kw, node: Any) -> Bound:
    """The value of a polynomial made outside: that of its coefficients."""

    def part(name: str) -> Bound:
        own = None if path is None else (*path, ("attr", name))
        return captures.outside(lw, getattr(obj, name), name, own, node)

    if isinstance(obj, np.poly1d):
        return lw.call(Known(np.polyval, "np.polyval"), [part("coeffs"), *args], kwargs, node)
    val = getattr(sys.modules[type(obj).__module__], type(obj)._val.__name__)
    off, scl = obj.mapparms()
    x = args[0]
    if (off, scl) != (0, 1):
        x = written(
            lw,
            node,
            "out = off + scl * x",
            {"x": x, "off": Plain(Const(float(off))), "scl": Plain(Const(float(scl)))},
        )
    if path is not None and not lw.frame.static:
        lw.guards.update({(*path, ("attr", n)): getattr(obj, n) for n in ("domain", "window")})
    return lw.call(Known(val, val.__name__), [x, part("coef")], kwargs, node)


class Instances(dict):  # type: ignore[type-arg]
    """Classes whose objects are read when they are called; NumPy's polynomials once they are imported."""

    def __contains__(self, cls: object) -> bool:
        return dict.__contains__(self, cls) or is_series(cls)

    def __getitem__(self, cls: type) -> Any:
        return series_value if is_series(cls) else dict.__getitem__(self, cls)


def is_series(cls: Any) -> bool:
    """Whether a class is one of polynomials."""
    return cls is np.poly1d or (
        str(cls.__module__).startswith("numpy.polynomial.") and hasattr(cls, "mapparms")
    )


INSTANCES: dict[type, Any] = Instances({np.vectorize: vectorized})
HANDLERS: dict[Any, Any] = {
    np.vectorize: _vectorize, each_element: _each_element, row_call: _row_call,
    np.apply_along_axis: _apply_along_axis, np.fromfunction: _fromfunction, np.piecewise: _piecewise,
    np.frompyfunc: _frompyfunc, np.fromiter: _fromiter, np.putmask: _putmask, np.place: _place, np.put: _put,
    np.fill_diagonal: _fill_diagonal, np.put_along_axis: _put_along_axis, np.copyto: _copyto, np.r_: _rows,
    np.c_: _columns, np.s_: _index,
    np.mgrid: grid(np.mgrid, "np.mgrid"), np.ogrid: grid(np.ogrid, "np.ogrid"),
}  # fmt: skip
