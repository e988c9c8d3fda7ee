"""Options of NumPy's functions, as the few lines of Python that they stand for."""

from __future__ import annotations

import cmath
from typing import TYPE_CHECKING, Any

import numpy as np

from srcdiff.frontend import operands
from srcdiff.frontend.constants import constant, left_out
from srcdiff.frontend.higher import written
from srcdiff.frontend.scope import Bound, Known, Plain
from srcdiff.ir.graph import Const, kind
from srcdiff.ir.kinds import Array, Sym, is_active_kind

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = ["HANDLERS"]


def given(lw: Lowerer, b: Bound | None) -> bool:
    return not left_out(b)


def _diff(lw: Lowerer, args: list[Bound], kwargs: dict[str, Bound], node: Any) -> Bound | None:
    """``np.diff(a, prepend=p, append=q)``: what is put at the ends is joined to ``a`` first."""
    words = ("a", "n", "axis", "prepend", "append")
    named: dict[str, Any] = dict(zip(words, args, strict=False)) | kwargs
    ends: dict[str, Any] = {w: named.pop(w) for w in ("prepend", "append") if w in named}
    if not ends or "a" not in named or named.keys() - {"a", "n", "axis"}:
        return None
    k = kind(lw.read(named["a"], node))
    axis = constant(lw.read(named["axis"], node)) if "axis" in named else -1
    rank = len(k.dims) if isinstance(k, Array) else 0
    if not isinstance(axis, int) or not -rank <= axis < rank:
        return None
    at = ", ".join(":1" if i == axis % rank else ":" for i in range(rank))
    edges: dict[str, str] = {
        w: w if isinstance(kind(lw.read(b, node)), Array) else f"np.zeros_like(a[{at}]) + {w}"
        for w, b in ends.items()
    }
    pieces = ", ".join(x for x in (edges.get("prepend"), "a", edges.get("append")) if x)
    n = "n" if "n" in named else "1"
    text = f"out = np.diff(np.concatenate(({pieces}), {axis}), {n}, {axis})"
    bounds: dict[str, Any] = {**named, **ends}
    return written(lw, node, text, bounds)


def _gradient(lw: Lowerer, args: list[Bound], kwargs: dict[str, Bound], node: Any) -> Bound | None:
    """``np.gradient`` along several axes: along one after the other."""
    named = dict(kwargs)
    if not args or named.keys() - {"axis", "edge_order"}:
        return None
    k = kind(lw.read(args[0], node))
    axes = constant(lw.read(named.pop("axis"), node)) if "axis" in named else None
    if axes is None and isinstance(k, Array):
        axes = tuple(range(len(k.dims)))
    if not isinstance(axes, tuple) or len(axes) < 2 or not all(isinstance(n, int) for n in axes):
        return None
    steps = [f"h{n}" for n in range(len(args) - 1)]
    if len(steps) not in (0, 1, len(axes)):
        return None
    bounds: dict[str, Any] = {"f": args[0], **dict(zip(steps, args[1:], strict=True)), **named}
    each = [f"{s}, " for s in steps] or [""]
    each *= len(axes) // len(each)
    last = ", edge_order=edge_order" if named else ""
    calls = [f"np.gradient(f, {h}axis={n}{last})" for n, h in zip(axes, each, strict=True)]
    return written(lw, node, f"out = ({', '.join(calls)})", bounds)


def _cov(lw: Lowerer, args: list[Bound], kwargs: dict[str, Bound], node: Any) -> Bound | None:
    """``np.cov``: products of what is left without the means."""
    named = dict(zip(("m", "y", "rowvar", "bias", "ddof"), args, strict=False)) | kwargs
    named.update({w: operands.as_array(lw, named[w], node) for w in ("m", "y") if w in named})
    options = {w: constant(lw.read(named.pop(w), node)) for w in ("rowvar", "bias", "ddof") if w in named}
    y = named.pop("y", None)
    if named.keys() != {"m"} or not all(v is None or isinstance(v, (bool, int)) for v in options.values()):
        return None
    k = kind(lw.read(named["m"], node))
    if not isinstance(k, Array) or len(k.dims) > 2 or not len(k.dims) or k.dtype[0] not in "fc":
        return None
    conjugate = ".conj()" if k.dtype[0] == "c" else ""
    turned = ".T" if len(k.dims) == 2 and not options.get("rowvar", True) else ""
    text = f"x = m{turned}\n" if len(k.dims) == 2 else "x = m[np.newaxis]\n"
    if given(lw, y):
        ky = kind(lw.read(y, node))  # type: ignore[arg-type]
        if not isinstance(ky, Array) or len(ky.dims) != len(k.dims) or ky.dtype[0] not in "fc":
            return None
        conjugate = ".conj()" if ky.dtype[0] == "c" else conjugate
        text += f"x = np.concatenate((x, y{turned if len(k.dims) == 2 else '[np.newaxis]'}), 0)\n"
    elif len(k.dims) == 2:
        rows = k.dims[1 if turned else 0]
        if rows == 1 or (isinstance(rows, Sym) and not rows.big):
            return None  # one row gives a number
    ddof = options.get("ddof")
    ddof = ddof if ddof is not None else 1 if options.get("bias", False) == 0 else 0  # (None is not 0)
    text += "x = x - x.mean(1)[:, np.newaxis]\n"
    text += f"out = np.dot(x, x.T{conjugate}) * np.true_divide(1, x.shape[1] - {ddof})"
    if len(k.dims) == 1 and not given(lw, y):
        text += "\nout = out[0, 0]"
    bounds = {"m": named["m"], **({"y": y} if given(lw, y) else {})}
    return written(lw, node, text, bounds)


def _corrcoef(lw: Lowerer, args: list[Bound], kwargs: dict[str, Bound], node: Any) -> Bound | None:
    """``np.corrcoef``: covariances over the standard deviations of both."""
    named = dict(zip(("x", "y", "rowvar"), args, strict=False)) | kwargs
    if "x" not in named or named.keys() - {"x", "y", "rowvar"}:
        return None
    c = _cov(lw, [named["x"]], {w: b for w, b in named.items() if w != "x"}, node)
    if c is None:
        return None
    k = kind(lw.read(c, node))
    if not isinstance(k, Array) or len(k.dims) != 2:
        return None
    text = "s = np.sqrt(np.diag(c))\nout = np.clip(c / s[:, np.newaxis] / s, -1, 1)"
    if k.dtype[0] == "c":
        text = "s = np.sqrt(np.diag(c).real)\nc = c / s[:, np.newaxis] / s\n"
        text += "out = np.clip(c.real, -1, 1) + 1j * np.clip(c.imag, -1, 1)"
    return written(lw, node, text, {"c": c})


def _quantiles(lw: Lowerer, fn: Any, args: list[Bound], kwargs: dict[str, Bound], node: Any) -> Bound | None:
    """``np.quantile(a, qs)``, ``np.percentile``: one for each of several."""
    named: dict[str, Any] = dict(zip(("a", "q", "axis"), args, strict=False)) | kwargs
    if not {"a", "q"} <= named.keys() <= {"a", "q", "axis", "keepdims"} or len(args) > 3:
        return None
    q = operands.as_array(lw, named["q"], node)
    k = kind(lw.read(q, node))
    if not isinstance(k, Array) or len(k.dims) != 1:
        return None
    options = "".join(f", {w}={w}" for w in ("axis", "keepdims") if w in named)
    text = f"out = np.array([np.{fn.__name__}(a, p{options}) for p in q])"
    return written(lw, node, text, named)


def _polar(lw: Lowerer, args: list[Bound], kwargs: dict[str, Bound], node: Any) -> Bound | None:
    """``cmath.polar``: modulus and phase."""
    if len(args) != 1 or kwargs or not is_active_kind(kind(lw.read(args[0], node))):
        return None
    fns = {"abs": Known(abs, "abs"), "cmath": Known(cmath, "cmath")}
    return written(lw, node, "out = (abs(z), cmath.phase(z))", {"z": args[0], **fns})


def _einsum(lw: Lowerer, args: list[Bound], kwargs: dict[str, Bound], node: Any) -> Bound | None:
    """``np.einsum(a, [0, 1], b, [1], [0])``: numbers for letters."""
    lists = [constant(lw.read(a, node)) for a in args[1::2]]
    last = constant(lw.read(args[-1], node)) if len(args) % 2 and len(args) > 2 else None
    if not lists or not all(
        isinstance(x, (list, tuple)) for x in [*lists, *([] if last is None else [last])]
    ):
        return None

    def spelt(numbers: Any) -> str:
        return "".join("..." if k is Ellipsis else chr(ord("a") + k) for k in numbers)

    text = ",".join(map(spelt, lists)) + ("" if last is None else f"->{spelt(last)}")
    arrays = args[0 : len(args) - len(args) % 2 : 2]
    return lw.call(Known(np.einsum, "np.einsum"), [Plain(Const(text)), *arrays], kwargs, node)


HANDLERS: dict[Any, Any] = {
    cmath.polar: _polar, np.diff: _diff, np.gradient: _gradient, np.cov: _cov, np.corrcoef: _corrcoef,
    np.einsum: _einsum,
    np.quantile: lambda lw, *call: _quantiles(lw, np.quantile, *call),
    np.percentile: lambda lw, *call: _quantiles(lw, np.percentile, *call),
}  # fmt: skip
