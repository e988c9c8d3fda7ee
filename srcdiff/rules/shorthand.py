"""Helpers that are quick ways to what rules spell out in NumPy's words.

Each is an expression, and the call that takes its place in texts for NumPy, when all else is done.  Whoever
differentiates such a text reads the expression again (`definition`).
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from srcdiff import runtime
from srcdiff.rules import shapes
from srcdiff.rules.registry import definition, known, linear
from srcdiff.runtime import chosen

__all__ = ["SHORTHANDS", "word"]


def word(name: str) -> Any:
    """What a name in an expression means."""
    if name == "newaxis":
        return np.expand_dims
    if name == "turned":
        return np.flip
    first, _, rest = name.partition(".")
    return getattr(np, rest) if first == "np" else getattr(runtime, first)


TRUE, FALSE, ZERO = (True,), (False,), (0,)  # constants among the arguments
SHORTHANDS: list[tuple[str, Any, tuple[Any, ...], frozenset[Any], int, bool, str]] = []
LARGE = 16384  # elements


def stands_for(
    text: str, helper: Any, *args: Any, shared: Any = (), least: int = 0, factor: bool = False, mark: str = ""
) -> None:
    """An expression that a call of ``helper`` stands for; others may read the results of ``shared`` too.

    With ``least`` it does so only where it surely is an array (of numbers it is as quick as it is written);
    if that is more than one, of so many elements at the call that the text is made for.  With ``factor`` only
    where doubles of its shape are multiplied by it: it may be a mask then; with ``mark`` only
    of operations that have it (`Op.attrs`).
    """
    SHORTHANDS.append((text, helper, args, frozenset(shared), least, factor, mark))


for _fn, _less, _to, _of in (
    ("np.max", "<", chosen.to_largest, chosen.of_largest),
    ("np.min", ">", chosen.to_smallest, chosen.of_smallest),
):
    _shared = (word(_fn),)
    _t = f"(~(a {_less} {_fn}(a)))"
    stands_for(f"np.where({_t}, thin(g) / np.sum({_t}, dtype=a.dtype), 0.0)", _to, "g", "a", shared=_shared)
    stands_for(
        f"np.sum(np.where({_t}, alike(x), 0.0)) / np.sum({_t}, dtype=a.dtype)", _of, "x", "a", shared=_shared
    )
    for _out in (f"{_fn}(a, axis=axis, keepdims=True)", f"newaxis({_fn}(a, axis=axis), axis)"):
        _t = f"(~(a {_less} {_out}))"
        stands_for(
            f"np.where({_t}, thin(g, axis) / np.sum({_t}, axis=axis, keepdims=True, dtype=a.dtype), 0.0)",
            _to, "g", "a", "axis", TRUE, shared=_shared,
        )  # fmt: skip
        for _keep in (TRUE, FALSE):
            stands_for(
                f"np.sum(np.where({_t}, alike(x), 0.0), axis=axis, keepdims={_keep[0]}) / "
                f"np.sum({_t}, axis=axis, keepdims={_keep[0]}, dtype=a.dtype)",
                _of, "x", "a", "axis", _keep, shared=_shared,
            )  # fmt: skip

for _t, _method in (
    ("quantile_weights(a, q, axis)", ("linear",)), ("quantile_weights(a, q, axis, method)", "method")
):  # fmt: skip
    stands_for(
        f"np.where({_t} > 0.0, {_t}, 0.0)", chosen.to_quantile, (1.0,), "a", "q", "axis", TRUE, _method
    )
    for _each in (f"{_t} * g", f"g * {_t}"):
        _alike = _each.replace(" g", " alike(g)") if _each.endswith(" g") else "alike(g)" + _each[1:]
        _thin = _each.replace(" g", " thin(g, axis)") if _each.endswith(" g") else "thin(g, axis)" + _each[1:]
        stands_for(
            f"np.where({_t} > 0.0, {_thin}, 0.0)", chosen.to_quantile, "g", "a", "q", "axis", TRUE, _method
        )
        for _keep in (TRUE, FALSE):
            stands_for(
                f"np.sum(np.where({_t} > 0.0, {_alike}, 0.0), axis=axis, keepdims={_keep[0]})",
                chosen.of_quantile, "g", "a", "q", "axis", _keep, _method,
            )  # fmt: skip

_before = "np.cumprod(shifted(a, axis, 1, 1.0), axis=axis)"
_after = "turned(np.cumprod(turned(shifted(a, axis, -1, 1.0), axis), axis=axis), axis)"
for _each in (f"g * {_before} * {_after}", f"{_before} * {_after} * g", f"g * ({_before} * {_after})"):
    stands_for(_each, chosen.times_others, "g", "a", "axis")
stands_for(f"{_before} * {_after}", chosen.products_of_others, "a", "axis")

for _axis in ("", ", axis=axis"):
    stands_for(
        "recurrence(shifted(a, axis, -1), alike(g), axis, True) * "
        f"shifted(np.cumprod(a{_axis}), axis, 1, 1.0)",
        chosen.cumprod_back, "g", "a", "axis", shared=(np.cumprod,),
    )  # fmt: skip

_t = 'np.argsort(a, axis=axis, kind="stable")'
stands_for(
    f"np.take_along_axis(alike(g), np.argsort({_t}, axis=axis), axis=axis)",
    chosen.from_sorted, "g", "a", "axis",
)  # fmt: skip
stands_for(f"np.take_along_axis(alike(x), {_t}, axis=axis)", chosen.sorted_like, "x", "a", "axis")

_t = "np.where(np.hypot(x1, x2) == 0.0, np.inf, np.hypot(x1, x2))"
stands_for(f"x2 / {_t} / {_t}", chosen.arctan2_slope, "x1", "x2", shared=(np.hypot,))
stands_for(f"x1 / {_t} / {_t}", chosen.arctan2_slope, "x2", "x1", shared=(np.hypot,))

for _each in (f"g / {_t} * (x2 / {_t})", f"x2 / {_t} * (g / {_t})", f"g * (x2 / {_t}) / {_t}"):
    stands_for(_each, chosen.to_angle, "g", "x1", "x2", shared=(np.hypot,))
    stands_for(_each.replace("(x1, x2)", "(x2, x1)"), chosen.to_angle, "g", "x1", "x2", shared=(np.hypot,))

_common = (np.isinf, operator.eq, operator.mul)  # (of the slopes in both operands)
for _x, _y in (("x1", "x2"), ("x2", "x1")):
    stands_for(
        f"np.where(np.isinf(out), ({_x} > {_y}) + 0.5 * (x1 == x2), np.exp({_x} - out))",
        chosen.logaddexp_slope, _x, _y, "out", shared=_common,
    )  # fmt: skip

for _ties in ("x1 == x2", "x2 == x1"):
    for _each in ("x1 < x2", "x2 > x1"):
        _slope = f"1.0 - ({_each}) - 0.5 * ({_ties})"
        stands_for(_slope, chosen.where_larger, "x1", "x2", shared=_common[1:], least=LARGE, factor=True)
        stands_for(_slope, chosen.is_larger, "x1", "x2", shared=_common[1:], least=1)

for _each in ("np.roll(a, shift)", "np.roll(a, shift, axis=None)"):
    stands_for(_each, chosen.rolled, "a", "shift", least=1)
stands_for("np.roll(a, shift, axis)", chosen.rolled, "a", "shift", "axis", least=1)

stands_for("np.where(c, x, 0.0)", chosen.only_where, "x", "c", least=LARGE)
stands_for("np.where(c, 0.0, x)", chosen.zero_where, "x", "c", least=LARGE)

stands_for("np.broadcast_to(0.0, np.shape(x))", chosen.outline, "x", mark="outline")

for _fn in (
    "arctan2_slope", "cumprod_back", "from_sorted", "is_larger", "logaddexp_slope", "of_largest",
    "of_quantile", "of_smallest", "only_where", "outline", "products_of_others", "rolled", "sorted_like",
    "times_others", "to_angle", "to_largest", "to_quantile", "to_smallest", "where_larger", "zero_where",
):  # fmt: skip
    _text = getattr(chosen, f"{_fn}_plainly")
    known(getattr(chosen, _fn))
    _active = _text.__code__.co_varnames[: 3 if _fn in ("logaddexp_slope", "to_angle") else 2]
    definition(getattr(chosen, _fn), *_active)(_text)
linear(chosen.rolled, "a")(shapes.roll)  # (so which elements go where is known: `sparsity`)
