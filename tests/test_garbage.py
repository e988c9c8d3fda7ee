"""How often the process is searched for garbage is what it was, once a derivative is made."""

from __future__ import annotations

import gc

import numpy as np
import pytest

from srcdiff import SrcdiffError, grad
from srcdiff.garbage import MANY, seldom


@pytest.fixture(autouse=True)
def _as_before():
    before = gc.get_threshold()
    gc.set_threshold(600, 9, 8)
    yield
    gc.set_threshold(*before)


def test_seldom_and_as_before():
    with seldom():
        assert gc.get_threshold() == (MANY, 9, 8)
        with seldom():
            assert gc.get_threshold() == (MANY, 9, 8)
        assert gc.get_threshold() == (MANY, 9, 8)
    assert gc.get_threshold() == (600, 9, 8)


@pytest.mark.parametrize("first", [0, MANY, 2 * MANY])
def test_who_looks_as_seldom_or_never_is_left_alone(first):
    gc.set_threshold(first, 9, 8)
    with seldom():
        assert gc.get_threshold() == (first, 9, 8)
    assert gc.get_threshold() == (first, 9, 8)


def test_what_somebody_sets_meanwhile_stays():
    with seldom():
        gc.set_threshold(123, 4, 5)
    assert gc.get_threshold() == (123, 4, 5)


def test_makings_good_and_bad():
    def f(x):
        return x * x

    def g(x):
        return float(str(x))

    assert grad(f)(3.0) == 6.0
    assert gc.get_threshold() == (600, 9, 8)
    with pytest.raises(SrcdiffError):
        grad(g)(3.0)
    assert gc.get_threshold() == (600, 9, 8)


def test_what_is_done_with_is_let_go_without_a_search():
    def f(xs):
        total = 0.0
        for x in xs:
            total = total + x * x if x > 1.0 else total * x
        return total

    def left():
        names = "Reverse", "Mirror", "Owner", "Assembler"
        return {id(o) for o in gc.get_objects() if type(o).__name__ in names} - before

    gc.collect()
    before = set[int]()  # what a failed test's traceback holds, say
    before = left()
    gc.disable()
    try:
        assert grad(f)(np.array([2.0, 3.0]))[1] == 6.0
        assert not left()
    finally:
        gc.enable()
