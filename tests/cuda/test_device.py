"""Kernels in texts for a device, where sums and elements are arrays: on the strict stand-in for CuPy.

The arrays are those of ``cupy_mirror.py``, the kernels those of ``fake_cupy.py``.
"""

from __future__ import annotations

import copy
import os
import zlib
from typing import Any

import cupy_mirror as cp
import device
import mirror_kernels
import numpy as np
import pytest

import fake_cupy
import numeric
from fused_cases import CASES
from srcdiff import grad, value_and_grad

pytestmark = pytest.mark.skipif(
    fake_cupy.COMPILER is None, reason="no C++ compiler: CUDA C is not run without a GPU"
)

ALL = bool(os.environ.get("SRCDIFF_ALL"))
SOME = [p for p in device.ON_DEVICE if ALL or zlib.crc32(p.name.encode()) % 43 == 0]
# (arrays in a namespace stay where they are)
SOME = [p for p in SOME if p.name not in device.REFUSED and p.name != "namespace_of_bodies"]


@pytest.fixture(autouse=True)
def cupy(monkeypatch: pytest.MonkeyPatch) -> None:
    mirror_kernels.within(monkeypatch)


FEW = ("softmax", "times", "rows", "flow", "classes", "jacobi", "logistic")


@pytest.mark.parametrize("name", [n for n in CASES if n != "shifts"] if ALL else FEW)
def test_cases(name: str) -> None:
    f, args = CASES[name]
    g = value_and_grad(f, backend="cupy-fused")
    before = len(cp.SYNCS)
    got = g(*[cp.to_device(a) for a in copy.deepcopy(args)])
    numeric.assert_close(cp.to_host(got), value_and_grad(f)(*copy.deepcopy(args)), 1e-9)
    assert len(cp.SYNCS) == before
    assert g.compiled(*[cp.to_device(a) for a in args]).kernels


def first_of_row(x, w):
    """What is written to a row is made with an element of it, which is a view."""
    x = x.copy()
    for i in range(x.shape[0]):
        row = x[i]
        row += row[0]
    return np.sum(x * x) * w


def test_elements_are_views() -> None:
    r = np.random.default_rng(2)
    x, w = r.normal(size=(3, 300)), 0.5
    got = grad(first_of_row, backend="cupy-fused")(cp.to_device(x), w)
    numeric.assert_close(cp.to_host(got), grad(first_of_row)(x, w), 1e-9)


def scaled_rows(x, w):
    s = np.sum(w * w)
    d = x - np.max(x, axis=1, keepdims=True) * s
    return np.sum(np.exp(d) / np.sum(np.exp(d), axis=1, keepdims=True) * w) / s


def test_numbers_of_the_device_in_rows() -> None:
    r = np.random.default_rng(1)
    x, w = r.normal(size=(70, 9)), r.normal(size=9)
    g = grad(scaled_rows, wrt=(0, 1), backend="cupy-fused")
    got = g(*cp.to_device((x, w)))
    numeric.assert_close(cp.to_host(got), grad(scaled_rows, wrt=(0, 1))(x, w), 1e-9)
    assert any("team" in k.form for k in g.compiled(*cp.to_device((x, w))).kernels)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("program", SOME, ids=lambda p: p.name)
def test_programs(program: Any) -> None:
    fused = grad(program.function, wrt=program.wrt_option, backend="cupy-fused")
    plain = grad(program.function, wrt=program.wrt_option)
    there = [cp.to_device(a) for a in copy.deepcopy(program.args)]
    kwargs = {k: cp.to_device(a) for k, a in program.kwargs.items()}
    before = len(cp.SYNCS)
    got = fused(*there, **kwargs)
    reads = len(cp.SYNCS) - before
    numeric.assert_close(cp.to_host(got), plain(*copy.deepcopy(program.args), **program.kwargs), 1e-9)
    again = [cp.to_device(a) for a in copy.deepcopy(program.args)]
    before = len(cp.SYNCS)
    plain(*again, **kwargs)
    assert reads <= len(cp.SYNCS) - before  # no kernel asks for a value that is not asked for without
