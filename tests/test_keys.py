"""The keys of dicts as sets: ``d.keys() & {...}``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from srcdiff import grad


def shared(x: Any) -> Any:
    d = {"a": x, "b": x * 2}
    return sum(d[k] ** 2 for k in sorted(d.keys() & {"a", "c"}))


def either(x: Any) -> Any:
    d, e = {"a": x, "b": x * 2}, {"b": x * x}
    s = 0.0
    for k in sorted(d.keys() | e.keys()):
        s = s + d[k] ** 2 * e.get(k, 1.0)
    return s


def others(x: Any) -> Any:
    d = {"a": x, "b": x * 2}
    return sum(d[k] for k in sorted(d.keys() - {"a"})) * len(d.keys() ^ {"a", "c"})


@pytest.mark.parametrize("f", [shared, either, others])
def test_keys_are_a_set(f: Callable[[float], float]) -> None:
    np.testing.assert_allclose(grad(f)(1.5), (f(1.5 + 1e-6) - f(1.5 - 1e-6)) / 2e-6, rtol=1e-7)
