"""Random programs with writes: kernels for the GPU against NumPy, threads in one order and in the other."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fake_cupy
from random_writes import (
    INDEX,
    X,
    Y,
    added_to_itself,
    gathered_then_written,
    made,
    old_value_read,
    program,
    smooth_maximum,
)
from srcdiff import value_and_grad

pytestmark = pytest.mark.skipif(
    fake_cupy.COMPILER is None, reason="no C++ compiler: CUDA C is not run without a GPU"
)
MANY = int(os.environ.get("SRCDIFF_FUZZ", "6"))


def check(f: Any, monkeypatch: pytest.MonkeyPatch, text: str = "") -> None:
    want = value_and_grad(f, wrt=(0, 1))(X, Y, INDEX)
    with fake_cupy.installed():
        kernels = value_and_grad(f, wrt=(0, 1), backend="cupy-fused")
        for backward in (False, True):
            monkeypatch.setattr(fake_cupy, "BACKWARD", [backward])
            got = kernels(X, Y, INDEX)
            for one, other in zip(want[1], got[1], strict=True):
                np.testing.assert_allclose(other, one, rtol=1e-9, atol=1e-10, err_msg=text)
            assert got[0] == pytest.approx(want[0], rel=1e-12)


@pytest.mark.parametrize("seed", range(MANY))
@pytest.mark.filterwarnings("ignore")
def test_random(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check(made(seed, tmp_path), monkeypatch, program(seed))


@pytest.mark.parametrize("f", [old_value_read, gathered_then_written, added_to_itself, smooth_maximum])
def test_read_before_it_is_written(f: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    check(f, monkeypatch)
