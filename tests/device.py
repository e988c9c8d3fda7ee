"""What is asked of programs on arrays of another module than NumPy, by the stand-in and by CuPy alike.

The gradient, the pushforward and both second orders are those of NumPy, and nothing leaves the module.
"""

from __future__ import annotations

import copy
import inspect
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import numeric
from corpus import PROGRAMS
from corpus.program import Program
from programs import PROGRAMS as WHOLE
from programs.pending import PENDING
from srcdiff import grad, jvp, vjp
from srcdiff.errors import SrcdiffError

# programs that are refused on a device, by the slug
OUTSIDE = (  # NumPy arrays that the functions read from outside
    "draws_mean_of_many", "kinks_tempered_rows", "kinks_tempered_weights", "kinks_attention",
    "weights_and_product", "captured_counts_written", "several_quantiles", "registered_layers",
    "registered_layer", "registered_and_changed", "part_of_a_result", "global_array", "eight_schools",
)  # fmt: skip
DRAWS = (  # random numbers that CuPy does not draw
    "draws_positive", "draws_heavy_tails", "draws_legacy", "draws_bootstrap", "draws_shuffles",
    "checkpoint_random_in_a_loop",
)  # fmt: skip
SERIES = ("rising_polynomials",)  # CuPy has no numpy.polynomial
IN_LISTS = (  # what is a number in a list for NumPy is an array there
    "flat_view_of_product", "dict_of_lists_of_any_length_appended", "shortest_path",
    "local_alignment",
)  # fmt: skip
ON_THE_WAY = ("dict_knapsack",)  # what is made of an array's elements is of unknown kind
REFUSED = {
    **dict.fromkeys((*OUTSIDE, *DRAWS, *SERIES), "array-module"), **dict.fromkeys(IN_LISTS, "aliasing"),
    **dict.fromkeys(ON_THE_WAY, "no-rule"),
}  # fmt: skip
# programs that are others on a device
OTHERS = {
    "bubble_sort": "elements are views: x[i], x[j] = x[j], x[i] writes one over the other",
    "quicksort_in_place": "elements are views",
    "caller_sees_what_changed": "elements are views: those in a list change with their array",
    "carry_cells_with_members": "elements have no hash",
    "carry_cells_of_a_grid": "elements have no hash",
    "fft_iterative_bit_reversal": "elements are views",
    "lennard_jones_cell_list": "elements have no hash",
}

# programs whose second order fails on a device
PENDING_ORDERS = {
    "first_set_in_no_branch": "what is saved of a path not taken is a number, asked for its shape",
}


@dataclass(frozen=True)
class Device:
    """A module of arrays, the ways to it and back."""

    module: Any
    to: Callable[[Any], Any]
    host: Callable[[Any], Any]


def has_arrays(tree: Any) -> bool:
    return any(isinstance(x, np.ndarray) for x in numeric.flatten(tree)[0])


ON_DEVICE = [p for p in PROGRAMS if p.reverse and has_arrays((p.args, p.kwargs)) and p.name not in OTHERS]
# the programs of tests/programs, which are longer
WHOLE_ON_DEVICE = [
    p for p in WHOLE if has_arrays(p.args) and p.name not in OTHERS and p.name not in PENDING
]
# what asks for the values of arrays
ASKS = ("if ", "while ", "float(", "int(", "math.", "max(", "min(", "sorted(", "assert ", "print(", "filter",
        "any(", "all(", "[mask]", "nonzero", "item(", "raise", "and ", "or ", "match ", "heap", "format",
        "in ", "bool(")  # fmt: skip


LOUD = (  # programs whose helpers do, or whose rules
    "vectorized_outside", "vectorized_outside_wrt_width", "vectorized_decorated", "inverse_determinant",
    "singular_vectors_of_tall", "sum_of_part", "dict_united", "dict_copied_by_dict",
)  # fmt: skip
# rules that have to look at values: whether a matrix is singular, a series has converged, a cotangent is zero
LOOKS = ("det", "cofactors", "cofactors_dot", "complete", "completed", "completing", "gamma_slope",
         "bessel_i", "gammainc", "gammaincc", "gammaincinv", "gammainccinv", "chdtr", "chdtrc")  # fmt: skip


def is_silent(program: Any) -> bool:
    """Whether nothing in a program asks for a value."""
    if program.name in LOUD:
        return False
    try:
        text = inspect.getsource(program.function)
    except (OSError, TypeError):
        return False
    return not any(word in text for word in ASKS)


def check_refused(program: Any, device: Device) -> bool:
    """Whether a program is one that is refused; that it is, in words."""
    slug = REFUSED.get(program.name)
    if slug is None:
        return False
    args = [device.to(a) for a in copy.deepcopy(program.args)]
    kwargs = {k: device.to(a) for k, a in getattr(program, "kwargs", {}).items()}
    try:
        grad(program.function, wrt=program.wrt_option)(*args, **kwargs)
    except SrcdiffError as e:
        assert e.problems[0].slug == slug
        assert e.problems[0].what
        return True
    raise AssertionError(f"{program.name} is not refused any more")


def check_gradient(program: Any, device: Device) -> None:
    args, kwargs = copy.deepcopy(program.args), getattr(program, "kwargs", {})
    there = [device.to(a) for a in copy.deepcopy(args)]
    elsewhere = {k: device.to(a) for k, a in kwargs.items()}
    d = grad(program.function, wrt=program.wrt_option)
    got = d(*there, **elsewhere)
    again = d(*there, **elsewhere)
    numeric.assert_close(device.host(got), d(*args, **kwargs), 1e-9)
    numeric.assert_close(device.host(again), device.host(got), 1e-12)
    numeric.assert_close(device.host(there), program.args, 0.0, "the arguments")


def check_orders(program: Program, device: Device) -> None:
    """Forward mode, and second order by both."""
    rng = np.random.default_rng(zlib.crc32(program.name.encode()))
    v = tuple(numeric.random_like(program.args[k], rng) for k in program.wrt)
    dots: list[Any] = [None] * len(program.args)
    for k, x in zip(program.wrt, v, strict=True):
        dots[k] = x
    f, kwargs = program.function, program.kwargs
    elsewhere = {k: device.to(a) for k, a in kwargs.items()}

    def args(to: Callable[[Any], Any] = lambda x: x) -> tuple[Any, ...]:
        return tuple(to(a) for a in copy.deepcopy(program.args))

    there, tangents = device.to, tuple(device.to(x) for x in dots)
    if program.forward:
        wanted = jvp(f, args(), tuple(dots), **kwargs)
        numeric.assert_close(device.host(jvp(f, args(there), tangents, **elsewhere)), wanted, 1e-9, "forward")
    if not program.order2:
        return
    g = grad(f, wrt=program.wrt_option)
    bar = v[0] if len(v) == 1 else v
    wanted = vjp(g, *args(), **kwargs)[1](bar)
    got = vjp(g, *args(there), **elsewhere)[1](device.to(bar))
    for k in program.wrt:
        numeric.assert_close(device.host(got[k]), wanted[k], 1e-8, "reverse over reverse")
    if program.forward:
        wanted = jvp(g, args(), tuple(dots), **kwargs)[1]
        got = jvp(g, args(there), tangents, **elsewhere)[1]
        numeric.assert_close(device.host(got), wanted, 1e-8, "forward over reverse")


def check_rule(case: Any, f: Callable[..., Any], device: Device) -> None:
    """A rule in both modes and to second order."""
    wrt = tuple(range(case.active))
    rng = np.random.default_rng(0)
    v = [rng.normal(size=np.shape(x)) if isinstance(x, np.ndarray) else 1.0 for x in case.args[: case.active]]
    v += [None] * (len(case.args) - case.active)
    there = [device.to(x) for x in case.args]
    dots = [device.to(x) for x in v]
    d = grad(f, wrt=wrt)
    close(device.host(d(*there)), d(*case.args))
    close(device.host(jvp(f, tuple(there), tuple(dots))), jvp(f, tuple(case.args), tuple(v)))
    close(device.host(jvp(d, tuple(there), tuple(dots))[1]), jvp(d, tuple(case.args), tuple(v))[1])


def close(a: Any, b: Any) -> None:
    for x, y in zip(a, b, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-8, atol=1e-8 * (1.0 + np.max(np.abs(y), initial=0.0)))
