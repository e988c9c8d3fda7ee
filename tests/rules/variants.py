"""The variants of a sample: the same call in other precision, other memory, other ranks, of complex numbers.

Each is derived from the sample, and taken where the function itself takes it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from harness import Sample, leaves, tree_map

from srcdiff.rules import registry, vocabulary

Fn = Callable[..., Any]
Tree = Any
Change = Callable[[Any], Any]

LAYOUTS: dict[str, Change] = {
    "strided": lambda x: np.repeat(x, 3, -1)[..., ::3],
    "fortran": np.asfortranarray,
    "backwards": lambda x: x[(slice(None, None, -1),) * x.ndim].copy()[(slice(None, None, -1),) * x.ndim],
}  # fmt: skip


def is_floating(x: Any) -> bool:
    """Whether a leaf is a number or an array of real numbers."""
    return isinstance(x, (float, np.ndarray)) and np.asarray(x).dtype.kind == "f"


def changed(sample: Sample, change: Change, only_active: bool = False) -> Sample:
    """The sample with its numbers and arrays changed; with the active operands alone."""

    def leaf(x: Any) -> Any:
        return change(x) if isinstance(x, (np.ndarray, float, complex)) else x

    def at(place: int | str, value: Tree) -> Tree:
        return tree_map(leaf, value) if not only_active or place in sample.wrt else value

    args = tuple(at(k, a) for k, a in enumerate(sample.args))
    return replace(sample, args=args, kwargs={k: at(k, v) for k, v in sample.kwargs.items()})


def taken(fn: Fn, sample: Sample) -> Any:
    """What the function gives for a variant; None where it does not take it: it raises, or warns."""
    try:
        with warnings.catch_warnings(), np.errstate(all="raise"):
            warnings.simplefilter("error")
            out = fn(*sample.args, **sample.kwargs)
    except Exception:  # whatever the function says to what it does not take
        return None
    values = [np.asarray(x) for x in leaves(out)]
    if any(v.dtype.kind == "O" or (v.dtype.kind in "fc" and not np.isfinite(v).all()) for v in values):
        return None
    return out


def has_arrays(sample: Sample) -> bool:
    return any(isinstance(x, np.ndarray) and x.ndim > 0 for x in given(sample))


def given(sample: Sample) -> Iterator[Any]:
    return leaves([*sample.args, *sample.kwargs.values()])


def layouts(sample: Sample) -> Iterator[tuple[str, Sample]]:
    """The same values in other memory, which nobody may write to."""
    if not has_arrays(sample):
        return
    for name, layout in LAYOUTS.items():

        def moved(x: Any, layout: Change = layout) -> Any:
            return layout(x) if isinstance(x, np.ndarray) and x.ndim > 0 else x

        yield name, changed(sample, moved)


def rounded(x: Any) -> Any:
    """A number that single precision has."""
    if isinstance(x, np.ndarray) and x.dtype.kind in "fc":
        return narrow(x).astype(x.dtype)
    return float(np.float32(x)) if type(x) is float else x


def narrow(x: Any) -> Any:
    """The same in single precision; Python's numbers stay what they are, for they have no precision."""
    if isinstance(x, np.ndarray) and x.dtype == complex:
        return x.astype(np.complex64)
    return x.astype(np.float32) if isinstance(x, np.ndarray) and x.dtype == float else x


def narrow_number(x: Any) -> Any:
    return np.float32(x) if type(x) is float else narrow(x)


def single(sample: Sample) -> tuple[Sample, Sample]:
    """The sample at numbers that single precision has: in double and in single precision."""
    wide = changed(sample, rounded)
    active = [sample.kwargs[p] if isinstance(p, str) else sample.args[p] for p in sample.wrt]
    numbers = not any(isinstance(x, np.ndarray) for x in leaves(active))
    thin = changed(wide, narrow)
    return wide, changed(thin, narrow_number, only_active=True) if numbers else thin


def turned(x: Any) -> Any:
    """A complex number near a real one."""
    if not is_floating(x):
        return x
    rng = np.random.default_rng(3)
    part = 1j * rng.uniform(0.2, 0.5, np.shape(x)) * rng.choice([-1.0, 1.0], np.shape(x))
    return x + (part if isinstance(x, np.ndarray) else complex(part))


def of_complex(fn: Fn, sample: Sample) -> Sample | None:
    if registry.is_real_only(fn) or fn in vocabulary.REAL_ONLY:
        return None
    made = changed(sample, turned, only_active=True)
    before, after = (
        any(isinstance(x, complex) or np.iscomplexobj(x) for x in given(s)) for s in (sample, made)
    )
    return made if after and not before else None


def first(x: Any) -> Any:
    return np.asarray(x.ravel()[0]) if isinstance(x, np.ndarray) and x.size else x


def zero_dimensional(sample: Sample) -> Iterator[tuple[str, Sample]]:
    """Numbers as arrays without dimensions and as NumPy's; arrays as their first entries."""
    if has_arrays(sample):
        yield "0-d", changed(sample, first)
        return
    yield "0-d", changed(sample, lambda x: np.asarray(x) if type(x) is float else x)
    yield "np.float64", changed(sample, lambda x: np.float64(x) if type(x) is float else x)


def empty(sample: Sample) -> Iterator[tuple[str, Sample]]:
    """All arrays without entries: along the last axis, along the first, the first array alone."""
    if not has_arrays(sample):
        return

    def cut(at: Any) -> Change:
        return lambda x: x[at] if isinstance(x, np.ndarray) and x.ndim else x

    yield "empty, last axis", changed(sample, cut((..., slice(0, 0))))
    yield "empty, first axis", changed(sample, cut(slice(0, 0)))
    if isinstance(sample.args[0], np.ndarray) and sample.args[0].ndim > 1 and 0 in sample.wrt:
        yield "empty, one array", replace(sample, args=(sample.args[0][:0], *sample.args[1:]))
