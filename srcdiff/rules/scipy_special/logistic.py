r"""The logistic function and what normalises exponentials.

.. math:: \sigma'(x) = \sigma(x)\,\sigma(-x), \qquad
    \partial_{a_i} \log \sum_j b_j e^{a_j} = b_i e^{a_i - \mathrm{out}}, \qquad
    \dot s = s \odot (\dot x - \langle s, \dot x \rangle)

A sum of no weight at all (``-inf``) has the slope 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from srcdiff.rules.registry import differential, elementwise, flat_where_low, pullback
from srcdiff.runtime import unbroadcast

flat_where_low(special.softmax, "x")
flat_where_low(special.log_softmax, "x")  # (but for that entry of the result itself, which is infinite)
flat_where_low(special.logsumexp, "a")

# --- the logistic function ----------------------------------------------------------------------------------


@elementwise(special.expit)
def expit(x: Any, *, out: Any) -> Any:
    return out * special.expit(-x)  # 1.0 - out has no digits left where out is nearly 1


@elementwise(special.log_expit)
def log_expit(x: Any) -> Any:
    return special.expit(-x)


if hasattr(special, "softplus"):

    @elementwise(special.softplus)
    def softplus(x: Any) -> Any:
        return special.expit(x)


@elementwise(special.logit)
def logit(x: Any) -> Any:
    plain = not isinstance(x, (np.ndarray, np.generic))
    if plain:
        x = np.asarray(x)
    return 1.0 / (x * (1.0 - x))


# --- sums of exponentials -----------------------------------------------------------------------------------


@differential(special.softmax)
def softmax(x: Any, axis: Any = None, *, out: Any, x_dot: Any) -> Any:
    change = out * x_dot
    return change - out * np.sum(change, axis=axis, keepdims=True)


@pullback(special.softmax, "x")
def softmax_bar(x: Any, axis: Any = None, *, out: Any, out_bar: Any) -> Any:
    change = out * out_bar
    return change - out * np.sum(change, axis=axis, keepdims=True)


@differential(special.log_softmax)
def log_softmax(x: Any, axis: Any = None, *, out: Any, x_dot: Any) -> Any:
    return x_dot - np.sum(np.exp(out) * x_dot, axis=axis, keepdims=True)


@pullback(special.log_softmax, "x")
def log_softmax_bar(x: Any, axis: Any = None, *, out: Any, out_bar: Any) -> Any:
    return out_bar - np.exp(out) * np.sum(out_bar, axis=axis, keepdims=True)


@differential(special.logsumexp)
def logsumexp(
    a: Any,
    axis: Any = None,
    b: Any = None,
    keepdims: Any = False,
    return_sign: Any = False,
    *,
    out: Any,
    a_dot: Any,
    b_dot: Any,
) -> Any:
    if return_sign and np.iscomplexobj(a):
        raise NotImplementedError("return_sign=True of complex numbers has no derivative rule")
    total = out[0] if return_sign else out
    if axis is not None and not keepdims:
        total = np.expand_dims(total, axis)
    weights = np.exp(a - np.where(np.isinf(total), 0.0, total))
    if return_sign:
        sign = out[1]
        if axis is not None and not keepdims:
            sign = np.expand_dims(sign, axis)
        weights = sign * weights
    if b is None:
        change = np.sum(weights * a_dot, axis=axis, keepdims=keepdims)
    else:
        change = np.sum(
            np.where(b != 0.0, b * weights * a_dot, 0.0) + weights * b_dot, axis=axis, keepdims=keepdims
        )
    if return_sign:
        return change, np.zeros_like(out[1])
    return change


@pullback(special.logsumexp, "a", "b")
def logsumexp_bar(
    a: Any,
    axis: Any = None,
    b: Any = None,
    keepdims: Any = False,
    return_sign: Any = False,
    *,
    out: Any,
    out_bar: Any,
) -> Any:
    if return_sign and np.iscomplexobj(a):
        raise NotImplementedError("return_sign=True of complex numbers has no derivative rule")
    total = out[0] if return_sign else out
    bar = out_bar[0] if return_sign else out_bar
    if axis is not None and not keepdims:
        total, bar = np.expand_dims(total, axis), np.expand_dims(bar, axis)
    weights = bar * np.exp(a - np.where(np.isinf(total), 0.0, total))
    if return_sign:
        sign = out[1]
        if axis is not None and not keepdims:
            sign = np.expand_dims(sign, axis)
        weights = sign * weights
    if b is None:
        return weights, None
    return unbroadcast(np.where(b != 0.0, b * weights, 0.0), a), unbroadcast(weights, b)
