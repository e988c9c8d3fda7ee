"""The conventions at kinks and edges, as data: test_kinks.py checks them, docs/kinks.md is made of them."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

inf, nan = np.inf, np.nan


@dataclasses.dataclass(frozen=True)
class Row:
    """A function of x, y, ..., a point, the derivatives given there, and why."""

    call: str
    at: tuple[Any, ...]
    gives: tuple[Any, ...]
    why: str
    second: bool = True  # the second derivative is a number, too

    @property
    def key(self) -> str:
        return f"{self.call} at {', '.join(map(str, self.at))}"


V = [0.0, 0.0]
SECTIONS: dict[str, tuple[str, list[Row]]] = {
    "Corners": (
        "Where the slopes to the left and to the right differ, a number between them: the middle for "
        "functions that are symmetric, else the slope of the branch that Python takes.",
        [
            Row("abs(x)", (0.0,), (0.0,), "middle of -1 and 1"),
            Row("abs(x)", (-0.0,), (0.0,), "the same for -0.0"),
            Row("np.fabs(x)", (0.0,), (0.0,), "as abs"),
            Row("math.fabs(x)", (0.0,), (0.0,), "as abs"),
            Row("np.sign(x)", (0.0,), (0.0,), "constant but for a jump"),
            Row("np.maximum(x, 0.0)", (0.0,), (0.5,), "middle of 0 and 1; equal operands share equally"),
            Row("np.where(x > 0, x, 0.0)", (0.0,), (0.0,), "the branch taken"),
            Row("max(x, 0.0)", (0.0,), (1.0,), "Python's max keeps its first argument in a tie"),
            Row("max(0.0, x)", (0.0,), (0.0,), "Python's max keeps its first argument in a tie"),
            Row("min(x, 0.0)", (0.0,), (1.0,), "Python's min keeps its first argument in a tie"),
            Row("np.clip(x, 0.0, 1.0)", (0.0,), (1.0,), "a bound belongs to the inside"),
            Row("np.clip(x, 0.0, 1.0)", (1.0,), (1.0,), "a bound belongs to the inside"),
            Row("np.heaviside(x, 0.5)", (0.0,), (0.0,), "constant but for a jump, as sign"),
            Row(
                "np.interp(x, [0.0, 1.0, 2.0], [0.0, 1.0, 5.0])",
                (1.0,),
                (4.0,),
                "slope to the right of a node",
            ),
            Row(
                "np.interp(x, [0.0, 1.0, 2.0], [0.0, 1.0, 5.0])",
                (2.0,),
                (4.0,),
                "slope of the last piece at its end",
            ),
            Row("np.floor(x)", (2.0,), (0.0,), "constant but for jumps"),
            Row("np.ceil(x)", (2.0,), (0.0,), "constant but for jumps"),
            Row("np.round(x)", (2.5,), (0.0,), "constant but for jumps"),
            Row("x % 2.0", (4.0,), (1.0,), "slope between jumps"),
            Row("np.fmod(x, 2.0)", (4.0,), (1.0,), "slope between jumps"),
            Row("x // 2.0", (4.0,), (0.0,), "constant but for jumps"),
            Row("np.sinc(x)", (0.0,), (0.0,), "the derivative: sinc is smooth"),
        ],
    ),
    "Ties": (
        "Equal elements share equally where the function does not say which it takes; what sorts "
        "takes the order of a stable sort. NaN is neither smaller nor larger than a number, so where "
        "a maximum or minimum is NaN its derivative is not lost: an operand that varies alone has it, of two "
        "that vary the second, of an array all elements.",
        [
            Row("np.maximum(x, y)", (1.0, 1.0), (0.5, 0.5), "equal shares"),
            Row("np.minimum(x, y)", (1.0, 1.0), (0.5, 0.5), "equal shares"),
            Row("np.fmax(x, y)", (1.0, 1.0), (0.5, 0.5), "equal shares"),
            Row("np.maximum(x, y)", (-inf, -inf), (0.5, 0.5), "equal shares"),
            Row("np.maximum(x, 0.0)", (nan,), (1.0,), "a result that is NaN is that of what varies"),
            Row("np.minimum(0.0, x)", (nan,), (1.0,), "a result that is NaN is that of what varies"),
            Row("np.max(x)", ([nan, 1.0],), ([0.5, 0.5],), "no element is smaller than NaN: equal shares"),
            Row("max(x, y)", (1.0, 1.0), (1.0, 0.0), "Python keeps the first"),
            Row("min(x, y)", (1.0, 1.0), (1.0, 0.0), "Python keeps the first"),
            Row("np.max(x)", ([1.0, 3.0, 3.0],), ([0.0, 0.5, 0.5],), "equal shares"),
            Row("np.min(x)", ([1.0, 1.0, 3.0],), ([0.5, 0.5, 0.0],), "equal shares"),
            Row("np.nanmax(x)", ([nan, 3.0, 3.0],), ([0.0, 0.5, 0.5],), "equal shares of what is not NaN"),
            Row("np.sort(x)[0]", ([1.0, 1.0, 3.0],), ([1.0, 0.0, 0.0],), "order of a stable sort"),
            Row(
                "x[np.argsort(x, kind='stable')[0]]",
                ([1.0, 1.0, 3.0],),
                ([1.0, 0.0, 0.0],),
                "the element read",
            ),
            Row("np.partition(x, 1)[0]", ([2.0, 1.0, 1.0],), ([0.0, 1.0, 0.0],), "order of a stable sort"),
            Row("np.median(x)", ([2.0, 2.0, 2.0],), ([0.0, 1.0, 0.0],), "order of a stable sort"),
            Row("np.median(x)", ([4.0, 1.0, 2.0, 3.0],), ([0.0, 0.0, 0.5, 0.5],), "the two in the middle"),
            Row("np.percentile(x, 50.0)", ([1.0, 2.0, 3.0],), ([0.0, 1.0, 0.0],), "the element it is"),
            Row("np.ptp(x)", ([1.0, 1.0, 3.0],), ([-0.5, -0.5, 1.0],), "equal shares"),
        ],
    ),
    "Tips of cones": (
        "A norm at 0 has every vector of length one and less for a subgradient: the shortest is "
        "given, 0. Its second derivative there is given as 0.",
        [
            Row("np.linalg.norm(x)", (V,), (V,), "shortest subgradient"),
            Row("np.linalg.norm(x) ** 2", (V,), (V,), "the derivative; inf * 0 elsewhere"),
            Row("np.sqrt(np.sum(x * x))", (V,), (V,), "shortest subgradient, by the slope of sqrt"),
            Row("np.sqrt(x @ x)", (V,), (V,), "shortest subgradient, by the slope of sqrt"),
            Row("math.sqrt(x[0] ** 2 + x[1] ** 2)", (V,), (V,), "shortest subgradient, by the slope of sqrt"),
            Row("np.hypot(x, y)", (0.0, 0.0), (0.0, 0.0), "shortest subgradient"),
            Row("math.hypot(x, y)", (0.0, 0.0), (0.0, 0.0), "shortest subgradient"),
            Row("math.dist([x, y], [1.0, 1.0])", (1.0, 1.0), (0.0, 0.0), "shortest subgradient"),
            Row("abs(x + 1j * y)", (0.0, 0.0), (0.0, 0.0), "shortest subgradient"),
            Row("np.std(x)", ([2.0, 2.0],), (V,), "shortest subgradient: a norm of deviations"),
            Row("np.var(x)", ([2.0, 2.0],), (V,), "the derivative"),
            Row(
                "np.linalg.norm(x, axis=1).sum()",
                ([[0.0, 0.0], [3.0, 4.0]],),
                ([[0.0, 0.0], [0.6, 0.8]],),
                "row by row",
            ),
            Row("np.linalg.norm(x, 1)", (V,), (V,), "middle of the subgradients"),
            Row("np.arctan2(y, x)", (0.0, 0.0), (0.0, 0.0), "no direction is meant"),
            Row("math.atan2(y, x)", (0.0, 0.0), (0.0, 0.0), "no direction is meant"),
            Row("np.angle(x + 1j * y)", (0.0, 0.0), (0.0, 0.0), "no direction is meant"),
        ],
    ),
    "Infinite slopes of finite values": (
        "The value is finite and its derivative is not. No number is right; 0 is given, as at the tip"
        " of a cone, because infinity makes NaN of every chain that passes here and has a derivative:"
        " `sqrt(x @ x)`, `arccos(u @ v)` at u == v, `sqrt(x) * x`. Beware that `sqrt(x) ** 2` at 0 is"
        " then given 0, not 1: add a small constant under the root where the end of its domain is a "
        "point that you optimise over.",
        [
            Row("np.sqrt(x)", (0.0,), (0.0,), "infinite slope"),
            Row("math.sqrt(x)", (0.0,), (0.0,), "infinite slope; no ZeroDivisionError"),
            Row("x ** 0.5", (0.0,), (0.0,), "as sqrt; no ZeroDivisionError"),
            Row("math.pow(x, 0.5)", (0.0,), (0.0,), "as sqrt; no ZeroDivisionError"),
            Row("np.float_power(x, 0.5)", (0.0,), (0.0,), "as sqrt"),
            Row("np.cbrt(x)", (0.0,), (0.0,), "infinite slope"),
            Row("np.sqrt(x) * x", (0.0,), (0.0,), "the derivative; inf * 0 elsewhere"),
            Row("np.arcsin(x)", (1.0,), (0.0,), "infinite slope"),
            Row("np.arccos(x)", (1.0,), (0.0,), "infinite slope"),
            Row("math.acos(x)", (-1.0,), (0.0,), "infinite slope; no ZeroDivisionError"),
            Row("np.arccosh(x)", (1.0,), (0.0,), "infinite slope"),
            Row("math.acosh(x)", (1.0,), (0.0,), "infinite slope; no ZeroDivisionError"),
        ],
    ),
    "Powers": (
        "`x ** p` has the slope `p * x ** (p - 1)`, and in p the slope `x ** p * log(x)`, taken as 0 "
        "where x is not positive. Integer exponents never meet a logarithm.",
        [
            Row("x ** 0", (0.0,), (0.0,), "constant"),
            Row("x ** 1", (0.0,), (1.0,), "the derivative"),
            Row("x ** 2", (0.0,), (0.0,), "the derivative"),
            Row("x ** 1.5", (0.0,), (0.0,), "the derivative"),
            Row("x ** 3", (-2.0,), (12.0,), "the derivative; no logarithm"),
            Row("x ** y", (0.0, 2.0), (0.0, 0.0), "0 ** y is 0 for y > 0"),
            Row("x ** y", (0.0, 0.0), (0.0, 0.0), "0 ** 0 is 1, and constant in x"),
            Row("x ** y", (0.0, 1.0), (1.0, 0.0), "the derivative in x"),
            Row("x ** y", (0.0, 0.5), (0.0, 0.0), "infinite slope in x, as sqrt"),
            Row("x ** y", (-2.0, 2.0), (-4.0, 0.0), "no real logarithm: not differentiable in y"),
            Row(
                "np.prod(x)",
                ([0.0, 2.0, 3.0],),
                ([6.0, 0.0, 0.0],),
                "the derivative: no division by elements",
            ),
            Row("np.prod(x)", ([0.0, 0.0, 3.0],), ([0.0, 0.0, 0.0],), "the derivative"),
            Row("np.cumprod(x)[2]", ([0.0, 2.0, 3.0],), ([6.0, 0.0, 0.0],), "the derivative"),
        ],
    ),
    "Infinite values": (
        "Where the value is infinite, so is the derivative: the limit of the formula stands, and "
        "whoever has an infinite loss sees it. What is infinite because an infinity is written in the "
        "program is so at all points near by, and constant.",
        [
            Row("np.log(x)", (0.0,), (inf,), "limit", second=False),
            Row("np.log1p(x)", (-1.0,), (inf,), "limit", second=False),
            Row(
                "1.0 / x",
                ([0.0],),
                ([-inf],),
                "limit (of Python floats the function itself raises)",
                second=False,
            ),
            Row("np.arctanh(x)", (1.0,), (inf,), "limit", second=False),
            Row("math.inf * x", (0.7,), (0.0,), "infinite for all x > 0: constant"),
            Row("np.inf * x", ([0.7, 2.0],), ([0.0, 0.0],), "infinite for all x > 0: constant"),
            Row("np.logaddexp(x, y)", (-inf, -inf), (0.5, 0.5), "equal shares, as np.maximum", second=False),
            Row("np.logaddexp(x, y)", (-inf, 0.0), (0.0, 1.0), "the derivative"),
            Row("np.logaddexp(x, y)", (inf, 0.0), (1.0, 0.0), "the larger, as np.maximum", second=False),
            Row("np.log(np.sum(np.exp(x)))", ([0.0, -inf],), ([1.0, 0.0],), "the derivative"),
            Row(
                "np.log(np.sum(np.exp(x - np.max(x)))) + np.max(x)",
                ([1.0, 1.0],),
                ([0.5, 0.5],),
                "the derivative",
            ),
            Row("(np.exp(x) / np.sum(np.exp(x)))[0]", ([0.0, -inf],), ([0.0, 0.0],), "the derivative"),
        ],
    ),
    "What is not taken": (
        "A value that is not chosen has the derivative 0, whatever its own derivative is: the mask "
        "stands around the whole chain, visibly, `np.where(x > 0, 0.5 / np.sqrt(x), 0.0)`. Values of minus "
        "infinity (masked logits) are looked for in arrays; a loop that reads such an element as a number, "
        "`exp(x[i] / t)`, gives NaN in t: leave them out (`if x[i] > -math.inf:`), or work on the array. "
        "Elements that only another path reads, or that a loop leaves out by a test "
        "(`if i != j: s += inv[i, j]`) or by going over a corner of a matrix, are not read. Of a loop over "
        "a range (`range(1, n)`) it is not seen that it leaves elements out, nor that a test in a loop is "
        "never passed where whole arrays are read, nor of an array that the loop writes to: these are NaN "
        "at a pole, as 0 / 0 is.",
        [
            Row(
                "np.where(x > 0, np.sqrt(x), 0.0)", ([0.0, 4.0, -1.0],), ([0.0, 0.25, 0.0],), "sqrt not taken"
            ),
            Row("np.where(x > 0, np.log(x), 0.0)", ([0.0, 1.0],), ([0.0, 1.0],), "log not taken"),
            Row("np.where(x != 0, np.sin(x) / x, 1.0)", ([0.0],), ([0.0],), "quotient not taken"),
            Row("np.where(x > 0, x * np.log(x), 0.0)", (0.0,), (0.0,), "0 log 0"),
            Row(
                "np.where(y != 0, x / y, 0.0)",
                ([1.0, 1.0], [0.0, 2.0]),
                ([0.0, 0.5], [0.0, -0.25]),
                "quotient not taken",
            ),
            Row(
                "np.where(x < 50, np.log1p(np.exp(x)), x)",
                ([0.0, 800.0],),
                ([0.5, 1.0],),
                "overflow not taken",
            ),
            Row(
                "np.where(x > 0, np.sqrt(np.where(x < 1, 1 / x, x)), 0.0)",
                ([0.0, 4.0],),
                ([0.0, 0.25],),
                "nested",
            ),
            Row(
                "np.where(np.isnan(y), 0.0, (x * y) ** 2)",
                ([2.0, 2.0], [nan, 1.0]),
                ([0.0, 4.0], [0.0, 8.0]),
                "NaN in the data",
            ),
            Row(
                "np.select([x < 0, x > 0], [np.sqrt(-x), np.log(x)], 0.0)",
                ([0.0, -4.0, 2.0],),
                ([0.0, -0.25, 0.5],),
                "two not taken",
            ),
            Row(
                "np.piecewise(x, [x > 0], [lambda t: np.log(t), 0.0])",
                ([0.0, 2.0],),
                ([0.0, 0.5],),
                "computed only where taken",
            ),
            Row(
                "np.divide(x, y, out=np.zeros_like(x), where=y != 0)",
                ([1.0, 1.0], [0.0, 2.0]),
                ([0.0, 0.5], [0.0, -0.25]),
                "computed only where taken",
            ),
            Row(
                "np.log(x, out=np.zeros_like(x), where=x > 0)",
                ([0.0, 2.0],),
                ([0.0, 0.5],),
                "computed only where taken",
            ),
            Row("np.log(x)[x > 0]", ([0.0, 2.0],), ([0.0, 0.5],), "not read"),
            Row("np.max(np.log(x))", ([0.0, 2.0],), ([0.0, 0.5],), "not the greatest"),
            Row("np.maximum(np.log(x), -10.0)", ([0.0, 2.0],), ([0.0, 0.5],), "not the greater"),
            Row("np.clip(np.log(x), -10.0, 10.0)", ([0.0, 2.0],), ([0.0, 0.5],), "out of bounds"),
            Row("np.minimum(np.exp(x), 5.0)", ([0.0, 800.0],), ([1.0, 0.0],), "not the smaller"),
            Row("np.nan_to_num(1 / x)", ([0.0, 2.0],), ([0.0, -0.25],), "replaced"),
            Row("np.nansum(x / y)", ([0.0, 1.0], [0.0, 2.0]), ([0.0, 0.5], [0.0, -0.25]), "left out"),
            Row("np.nanmean(x)", ([nan, 1.0, 2.0],), ([0.0, 0.5, 0.5],), "left out"),
            Row(
                "np.exp(x / y) @ [1.0, 2.0, 3.0]",
                ([0.0, -inf, 0.0], 1.0),
                ([1.0, 0.0, 3.0], 0.0),
                "a masked logit weighs nothing, at any temperature y",
                second=False,
            ),
            Row(
                "np.log(np.sum(np.exp(x / y - np.max(x / y)))) + np.max(x / y)",
                ([1.0, -inf, 1.0], 1.0),
                ([0.5, 0.0, 0.5], -1.0),
                "a masked logit",
                second=False,
            ),
            Row(
                "((x - np.max(x)) / y - np.log(np.sum(np.exp((x - np.max(x)) / y))))[1]",
                ([-inf, 2.0, 2.0], 1.0),
                ([0.0, 0.5, -0.5], 0.0),
                "a masked logit that is not the one read",
                second=False,
            ),
            Row(
                "np.tanh(x / y)", ([1.0, -2.0], 1e-200), ([0.0, 0.0], 0.0),
                "tanh is flat there: its slope, exactly 0, meets the quotient before that is divided again",
                second=False,
            ),
            Row(
                "np.exp(-x / y)", ([1.0, 2.0], 1e-200), ([0.0, 0.0], 0.0), "a temperature near zero",
                second=False,
            ),
            Row("math.exp(-math.inf / x)", (0.7,), (0.0,), "an infinity that is written stays infinite"),
            Row("1 / (1 + np.exp(-x))", ([-800.0],), ([0.0],), "exp has overflowed, and the result is flat"),
            Row("np.exp(-np.exp(x))", ([800.0],), ([0.0],), "exp has overflowed, and the result is flat"),
        ],
    ),
    "Matrices": (
        "Eigenvectors and singular vectors have no derivative where their values are equal: pairs "
        "that are exactly equal contribute nothing, which is right for functions of the whole "
        "eigenspace. Where they are close the derivative is large: `srcdiff.eigh(a, broadening)` and "
        "`srcdiff.svd(a, broadening)` take d / (d² + broadening²) for one over the gap d. Of complex "
        "matrices the phases are those that LAPACK chooses: an entry of each vector, and the diagonals of "
        "triangular factors, stay real.",
        [
            Row(
                "np.linalg.det(x)",
                ([[1.0, 2.0], [2.0, 4.0]],),
                ([[4.0, -2.0], [-2.0, 1.0]],),
                "the derivative: the cofactors",
            ),
            Row(
                "np.linalg.eigvalsh(x)[0]",
                ([[1.0, 0.0], [0.0, 1.0]],),
                ([[1.0, 0.0], [0.0, 0.0]],),
                "of the eigenvectors that LAPACK chose",
            ),
            Row(
                "np.linalg.eigh(x)[0].sum()",
                ([[1.0, 0.0], [0.0, 1.0]],),
                ([[1.0, 0.0], [0.0, 1.0]],),
                "the derivative: the trace",
            ),
            Row(
                "np.linalg.svd(x, full_matrices=False)[1].sum()",
                ([[1.0, 0.0], [0.0, 0.0]],),
                ([[1.0, 0.0], [0.0, 1.0]],),
                "a subgradient of the nuclear norm",
            ),
        ],
    ),
}
