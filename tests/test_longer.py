"""Making grows with the length of a function, not with its square: calls of functions for n and 2n."""

from __future__ import annotations

import cProfile
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).with_name("benchmarks")))

import longer

from srcdiff import grad, hvp
from srcdiff.api.specialise import forget_all

WAYS = {"grad": grad, "hvp": hvp}


def calls(way: str, case: longer.Case) -> int:
    f, args = case
    forget_all()
    derivative = WAYS[way](f)
    profile = cProfile.Profile()
    profile.enable()
    derivative._variant(derivative._bind(args, {}).arguments)
    profile.disable()
    return sum(entry.callcount for entry in profile.getstats())


@pytest.mark.parametrize(
    ("name", "n", "way"),
    [
        ("scalars", 20, "grad"),
        ("writes", 30, "grad"),
        ("loops", 8, "grad"),
        ("variables", 12, "grad"),
        ("variables", 12, "hvp"),
        ("terms", 50, "grad"),
        ("reactions", 8, "grad"),
        ("helper", 8, "hvp"),
        ("branches", 10, "hvp"),
    ],
)
def test_twice_as_long_takes_about_twice_as_long(name, n, way):
    make = getattr(longer, name)
    calls(way, make(3))  # rules are read
    few, many = (calls(way, make(size)) for size in (n, 2 * n))
    assert 1.2 * few < many < 2.2 * few, (few, many)
