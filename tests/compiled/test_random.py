"""Random programs on arrays, written to in place and through arrays of integers: kernels against NumPy."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba")

import srcdiff.api.specialise
import srcdiff.compiled.vectors
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
from srcdiff import jvp, value_and_grad

MANY = int(os.environ.get("SRCDIFF_FUZZ", "24"))


@pytest.mark.parametrize("seed", range(MANY))
@pytest.mark.filterwarnings("ignore")
def test_random(seed: int, tmp_path: Path, uncompiled: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Values, gradients, a derivative of the gradient; kernels run as the Python that they are."""
    if seed % 2:  # the text for any size
        monkeypatch.setattr(srcdiff.api.specialise, "MOST_CHANGES", -1)
    f = made(seed, tmp_path)
    plain, kernels = (value_and_grad(f, wrt=(0, 1), backend=b) for b in ("numpy", "numba"))
    for one, other in zip(plain(X, Y, INDEX)[1], kernels(X, Y, INDEX)[1], strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-9, atol=1e-10, err_msg=program(seed))
    assert kernels(X, Y, INDEX)[0] == pytest.approx(plain(X, Y, INDEX)[0], rel=1e-12)
    given = (X, Y, INDEX), (Y, -X, None)
    want, got = (jvp(value_and_grad(f, wrt=(0, 1)), *given, backend=b)[1] for b in ("numpy", "numba"))
    for one, other in zip(want[1], got[1], strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-8, atol=1e-9, err_msg=program(seed))


@pytest.mark.parametrize("f", [old_value_read, gathered_then_written, added_to_itself, smooth_maximum])
def test_read_before_it_is_written(f: Any, uncompiled: None) -> None:
    plain, kernels = (value_and_grad(f, wrt=(0, 1), backend=b)(X, Y, INDEX) for b in ("numpy", "numba"))
    np.testing.assert_allclose(np.stack(kernels[1]), np.stack(plain[1]), rtol=1e-12)
    given = (X, Y, INDEX), (Y, -X, None)
    want, got = (jvp(value_and_grad(f, wrt=(0, 1)), *given, backend=b)[1] for b in ("numpy", "numba"))
    np.testing.assert_allclose(np.stack(got[1]), np.stack(want[1]), rtol=1e-11)
