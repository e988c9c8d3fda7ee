"""Programs with unusual things in them: each derivative is right, or refused in words that help."""

from __future__ import annotations

import importlib
import inspect
import re
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import srcdiff
from numeric import call

ARRAY = np.array([0.31, 0.72, 1.13, 1.94])
POINTS = {"language": (0.7,), "arrays": (ARRAY,), "state": (ARRAY,)}
PROGRAMS = [
    (module, f)
    for module in POINTS
    for f in vars(importlib.import_module(f"odd.{module}")).values()
    if inspect.isfunction(f)
    and f.__code__.co_filename.endswith(f"{module}.py")
    and next(iter(inspect.signature(f, follow_wrapped=False).parameters), "") == "x"
    and f.__name__ not in ("helper_async", "cycle_a")
]


# names of code that we wrote ourselves, our modules, files of packages
INSIDES = re.compile(
    r"'(items_|out_|total_|acc_|seq|made|result!)'|srcdiff\.(frontend|pipeline)|site-packages"
)


def numbers(f: Callable[..., Any], args: tuple[Any, ...], h: float = 1e-6) -> np.ndarray:
    """Central differences with respect to the first argument."""
    x = np.asarray(args[0], float)
    out = np.zeros(x.size)
    for k in range(x.size):
        values = []
        for s in (h, -h):
            y = x.copy().reshape(-1)
            y[k] += s
            moved = y.reshape(x.shape) if x.ndim else float(y[0])
            values.append(float(call(f, (moved, *args[1:]))))
        out[k] = (values[0] - values[1]) / (2 * h)
    return out


def outcome(module: str, f: Callable[..., Any]) -> tuple[str, Any]:
    """What comes of differentiating: "right", "wrong", "refused", "raises" (as it does), "crash"."""
    args = POINTS[module]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            got = srcdiff.grad(f)(*args)
        except srcdiff.SrcdiffError as e:
            return ("crash" if "InternalError" in type(e).__name__ else "refused"), e
        except Exception as e:
            try:
                call(f, args)
            except Exception as own:
                return ("raises" if type(own) is type(e) else "crash"), e
            return "crash", e
        try:
            expected = numbers(f, args)
        except Exception as e:
            return "wrong", (got, f"the function itself raises {e!r}")
    got = np.ravel(np.asarray(got, float))
    good = got.shape == expected.shape and np.allclose(got, expected, rtol=1e-4, atol=1e-5)
    return ("right" if good else "wrong"), (got, expected)


# what raises in these is not needed for the derivative, and goes with what is not needed
RAISE_IN_DEAD_CODE = {"shape_mismatch", "unbound_local"}
KNOWN = {"polyfit": "the cotangent of a tuple of unknown kind is written to"}


@pytest.mark.parametrize(("module", "f"), PROGRAMS, ids=[f"{m}-{f.__name__}" for m, f in PROGRAMS])
def test_odd(module: str, f: Callable[..., Any]) -> None:
    if f.__name__ in KNOWN:
        pytest.xfail(KNOWN[f.__name__])
    what, detail = outcome(module, f)
    if f.__name__ in RAISE_IN_DEAD_CODE:
        with pytest.raises(Exception):  # noqa: B017
            call(f, POINTS[module])
        return
    assert what in ("right", "refused", "raises"), detail
    if what == "refused":
        for p in detail.problems:
            assert p.help and p.what, f"says not what to do instead: {p.render()}"
            assert not p.file or p.file == f.__code__.co_filename, f"points elsewhere: {p.render()}"
            assert not INSIDES.search(p.render()), f"shows our insides: {p.render()}"
