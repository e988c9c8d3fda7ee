"""Every program of the corpus, in every mode and to second order, against differences and against each other.

What is checked of each: the gradient and the pushforward against four-point differences; forward against
reverse by the dot product; second order as forward over reverse, reverse over reverse and the derivative of
a function that calls the gradient; the same answer and the same text twice; arguments left as they were,
bit for bit.
"""

from __future__ import annotations

import copy
import zlib
from typing import Any

import numpy as np
import pytest

import numeric
import srcdiff
from corpus import PROGRAMS
from corpus.known import KNOWN, Known
from corpus.program import Program
from srcdiff import grad, jvp, value_and_grad, vjp

REVERSE = [p for p in PROGRAMS if p.reverse]
FORWARD = [p for p in PROGRAMS if p.forward]
BOTH = [p for p in PROGRAMS if p.forward and p.reverse]
SECOND = [p for p in PROGRAMS if p.order2 and p.reverse]
ALONG = [p for p in SECOND if p.wrt == (0,) and not p.kwargs and isinstance(p.args[0], (float, np.ndarray))]


def over(programs: list[Program]) -> Any:
    return pytest.mark.parametrize("program", programs, ids=lambda p: p.name)


def arguments(program: Program) -> tuple[Any, ...]:
    """The program's own copy of its arguments, so that one test cannot spoil another."""
    return copy.deepcopy(program.args)


def directions(program: Program) -> tuple[Any, ...]:
    """A fixed random direction for each differentiated argument."""
    rng = np.random.default_rng(zlib.crc32(program.name.encode()))
    return tuple(numeric.random_like(program.args[k], rng) for k in program.wrt)


def tangents(program: Program) -> tuple[Any, ...]:
    """One tangent per argument: None where it is not differentiated."""
    out: list[Any] = [None] * len(program.args)
    for k, v in zip(program.wrt, directions(program), strict=True):
        out[k] = v
    return tuple(out)


def by_argument(program: Program, result: Any) -> tuple[Any, ...]:
    """The result of a gradient function as a tuple, also for a single argument."""
    return (result,) if len(program.wrt) == 1 else result


@over(REVERSE)
def test_gradient(program: Program) -> None:
    args = arguments(program)
    g = by_argument(program, grad(program.function, wrt=program.wrt_option)(*args, **program.kwargs))
    expected = numeric.gradient(program.function, program.args, program.wrt, program.kwargs)
    for k, actual, wanted in zip(program.wrt, g, expected, strict=True):
        numeric.assert_structure(actual, program.args[k], f"argument {k}")
        numeric.assert_close(actual, wanted, program.tolerance, f"argument {k}")


@over(REVERSE)
def test_value_and_gradient(program: Program) -> None:
    g = grad(program.function, wrt=program.wrt_option)(*arguments(program), **program.kwargs)
    y, same = value_and_grad(program.function, wrt=program.wrt_option)(*arguments(program), **program.kwargs)
    numeric.assert_close(y, numeric.call(program.function, program.args, program.kwargs), numeric.LAST_BITS)
    numeric.assert_close(same, g, 1e-13)


@over(REVERSE)
def test_twice(program: Program) -> None:
    """No graph to free: calling again gives the same bits, and leaves the arguments as they were."""
    args = arguments(program)
    before = numeric.fingerprint((args, program.kwargs))
    g = grad(program.function, wrt=program.wrt_option)
    first = numeric.fingerprint(g(*args, **program.kwargs))
    second = numeric.fingerprint(g(*args, **program.kwargs))
    assert first == second
    assert numeric.fingerprint((args, program.kwargs)) == before


@over(REVERSE)
def test_source_twice(program: Program) -> None:
    """Two transformations emit the same bytes."""
    texts = [
        srcdiff.source(grad(program.function, wrt=program.wrt_option), *arguments(program), **program.kwargs)
        for _ in range(2)
    ]
    assert texts[0] == texts[1]
    assert "def " in texts[0]
    compile(texts[0], program.name, "exec")


@over(FORWARD)
def test_pushforward(program: Program) -> None:
    args = arguments(program)
    before = numeric.fingerprint(args)
    y, y_dot = jvp(program.function, args, tangents(program), **program.kwargs)
    assert numeric.fingerprint(args) == before
    numeric.assert_close(y, numeric.call(program.function, program.args, program.kwargs), numeric.LAST_BITS)
    expected = numeric.directional(
        program.function, program.args, program.wrt, directions(program), program.kwargs
    )
    numeric.assert_close(y_dot, expected[0], program.tolerance)


@over(BOTH)
def test_forward_against_reverse(program: Program) -> None:
    """<pullback(y_bar), v> == <y_bar, pushforward(v)>, to rounding."""
    y_bar = 0.7
    y, pullback = vjp(program.function, *arguments(program), **program.kwargs)
    cotangents = pullback(y_bar)
    assert len(cotangents) == len(program.args)
    same_y, y_dot = jvp(program.function, arguments(program), tangents(program), **program.kwargs)
    assert y == same_y
    terms = [(cotangents[k], v) for k, v in zip(program.wrt, directions(program), strict=True)]
    scale = 1.0 + sum(float(np.abs(numeric.ravel(a)) @ np.abs(numeric.ravel(v))) for a, v in terms)
    assert abs(sum(numeric.dot(a, v) for a, v in terms) - y_bar * float(y_dot)) <= 1e-11 * scale
    again = pullback(y_bar)
    assert numeric.fingerprint(again) == numeric.fingerprint(cotangents)


@over(SECOND)
def test_second_order(program: Program) -> None:
    """Hessian times a direction: differences of the gradient, forward over reverse, reverse over reverse."""
    g = grad(program.function, wrt=program.wrt_option)
    v = directions(program)
    expected = numeric.directional(g, program.args, program.wrt, v, program.kwargs)
    if program.forward:
        _, forward = jvp(g, arguments(program), tangents(program), **program.kwargs)
        numeric.assert_close(forward, expected, program.tolerance, "forward over reverse")
    _, pullback = vjp(g, *arguments(program), **program.kwargs)
    cotangents = pullback(v[0] if len(v) == 1 else v)
    reverse = [cotangents[k] for k in program.wrt]
    numeric.assert_close(reverse, expected, program.tolerance, "reverse over reverse")


@over(ALONG)
def test_gradient_within_a_function(program: Program) -> None:
    """grad of (grad . v), where the outer function calls the inner gradient with captured values."""
    g = grad(program.function)
    rest = program.args[1:]
    (v,) = directions(program)

    def along(x):
        return np.sum(g(x, *rest) * v)

    expected = numeric.directional(g, program.args, (0,), (v,))
    numeric.assert_close(grad(along)(copy.deepcopy(program.args[0])), expected, program.tolerance)


@pytest.mark.parametrize("known", KNOWN, ids=lambda k: k.name)
def test_known(known: Known) -> None:
    """Numbers that must come out right, to rounding, at every order given, each twice."""
    f = known.function
    for order, expected in enumerate(known.derivatives, 1):
        f = grad(f)
        for _ in range(2):
            np.testing.assert_allclose(f(known.at), expected, rtol=1e-14, atol=0.0, err_msg=f"order {order}")


def test_known_reference() -> None:
    assert KNOWN[2].derivatives[0] == pytest.approx(6.0 * np.cos(9.0), rel=1e-15)
