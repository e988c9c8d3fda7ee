"""Tangents and cotangents given by the caller, held against what they belong to."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from srcdiff.api.targets import refuse_value
from srcdiff.errors import DerivativeValueError
from srcdiff.ir.classes import fields_of
from srcdiff.ir.graph import Struct, Val, kind
from srcdiff.ir.kinds import is_active_kind
from srcdiff.ir.modules import NUMPY, module_of
from srcdiff.later import Later
from srcdiff.signature import mixed

if TYPE_CHECKING:
    from srcdiff.runtime import namespaces
else:
    namespaces = Later("srcdiff.runtime.namespaces")

__all__ = ["cotangents", "seeds_of", "tangent", "tangent_leaves"]


def tangent(t: Any, x: Any, name: str) -> Any:
    """A tangent in the structure and the dtypes of its argument."""
    if namespaces.is_array(x):
        xp = namespaces.namespace(x)
        if x.dtype.kind not in "fc":
            return None
        if t is not None and module_of(t) not in (None, module_of(x)):
            pairs = ((module_of(x), name), (module_of(t), f"tangent of {name}"))
            mixed({m: n for m, n in pairs if m is not None})
        try:
            got = xp.zeros_like(x) if t is None else xp.asarray(t)
        except ValueError:
            refuse_value(
                "tangents", f"the tangent of {name!r} is no array", f"give an array of shape {x.shape}"
            )
        if got.dtype.kind == "c" and x.dtype.kind == "f":
            refuse_value(
                "tangents", f"the tangent of {name!r} is complex, and {name!r} is not", "give a real tangent"
            )
        if got.shape != x.shape:
            refuse_value(
                "tangents",
                f"the tangent of {name!r} has shape {got.shape}, not {x.shape}",
                f"give an array of shape {x.shape}",
            )
        return got.astype(x.dtype, copy=False)
    if isinstance(x, (float, complex, np.inexact)):
        if t is None:
            return type(x)(0.0)
        if module_of(t) not in (None, NUMPY) and t.ndim == 0:
            return t  # (a number's tangent may stay where it is)
        if isinstance(t, np.ndarray) and t.ndim == 0:
            t = t[()]
        if not isinstance(t, (int, float, complex, np.number)) or isinstance(t, bool):
            refuse_value(
                "tangents",
                f"the tangent of {name!r} is a {type(t).__name__}, and {name!r} a number",
                "give a number",
            )
        return x.dtype.type(t) if isinstance(x, np.generic) else float(t) if not isinstance(t, complex) else t
    if isinstance(x, (tuple, list)):
        if t is not None and (not isinstance(t, (tuple, list)) or len(t) != len(x)):
            refuse_value(
                "tangents",
                f"the tangent of {name!r} is not a {type(x).__name__} of {len(x)}",
                "give it the structure of the argument",
            )
        parts = [
            tangent(a, b, f"{name}[{i}]")
            for i, (a, b) in enumerate(zip(t or [None] * len(x), x, strict=True))
        ]
        return type(x)(*parts) if hasattr(x, "_fields") else tuple(parts) if isinstance(x, tuple) else parts
    if isinstance(x, dict):
        if t is not None and (not isinstance(t, dict) or not set(t) <= set(x)):
            refuse_value(
                "tangents",
                f"the tangent of {name!r} is not a dict with its keys",
                "give it the structure of the argument",
            )
        return {k: tangent((t or {}).get(k), v, f"{name}[{k!r}]") for k, v in x.items()}
    names = None if isinstance(x, type) else fields_of(x)
    if names is not None:
        if t is not None and not isinstance(t, type(x)):
            refuse_value(
                "tangents",
                f"the tangent of {name!r} is a {type(t).__name__}, not a {type(x).__name__}",
                "give it the structure of the argument",
            )
        fields = {n: tangent(getattr(t, n, None), getattr(x, n), f"{name}.{n}") for n in names}
        from srcdiff.runtime.records import record

        return record(type(x), **fields)
    return None


def seeds_of(result: Any) -> Any:
    """The structure of a result: True for a part that takes a cotangent, False for one that takes none."""
    if isinstance(result, Struct):
        return (result.type, result.keys, tuple(seeds_of(x) for x in result.items))
    return isinstance(result, Val) and is_active_kind(kind(result))


def cotangents(seeds: Any, y: Any, bar: Any, name: str, out: list[Any]) -> None:
    """The parts of a cotangent that the pullback takes, in order, in the shapes and dtypes of the result."""
    if seeds is False:
        return
    if seeds is True:
        out.append(cotangent(y, bar, name))
        return
    cls, keys, items = seeds
    for k, s in zip(keys, items, strict=True):
        if cls in (tuple, list):
            if bar is not None and (not isinstance(bar, (tuple, list)) or len(bar) != len(keys)):
                refuse_value(
                    "cotangent",
                    f"the cotangent of {name} is not a {cls.__name__} of {len(keys)}",
                    "give it the structure of the result",
                )
            cotangents(s, y[k], None if bar is None else bar[k], f"{name}[{k}]", out)
        elif cls is dict:
            if bar is not None and (not isinstance(bar, dict) or not set(bar) <= set(keys)):
                refuse_value(
                    "cotangent",
                    f"the cotangent of {name} is not a dict with its keys",
                    "give it the structure of the result",
                )
            cotangents(s, y[k], None if bar is None else bar.get(k), f"{name}[{k!r}]", out)
        else:
            cotangents(s, getattr(y, str(k)), getattr(bar, str(k), None), f"{name}.{k}", out)


def tangent_leaves(seeds: Any, x: Any, t: Any, name: str, out: list[Any]) -> None:
    """The parts of a tangent, in order, in the shapes and dtypes of the argument."""
    collect(seeds, tangent(t, x, name), out)


def collect(seeds: Any, t: Any, out: list[Any]) -> None:
    if seeds is True:
        out.append(t)
    elif seeds is not False:
        cls, keys, items = seeds
        for k, s in zip(keys, items, strict=True):
            collect(s, t[k] if cls in (tuple, list, dict) else getattr(t, str(k)), out)


def cotangent(y: Any, bar: Any, name: str) -> Any:
    """One part of a cotangent; None stands for zero."""
    try:
        return tangent(bar, y, name)
    except DerivativeValueError as e:
        p = e.problems[0]
        what = p.what.replace("the tangent of", "the cotangent of").replace(repr(name), name)
        raise DerivativeValueError(dataclasses.replace(p, slug="cotangent", what=what)) from None
