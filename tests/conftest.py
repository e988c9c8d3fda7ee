"""Puts the tests' own folder on the path: `corpus` and `numeric` import however pytest is started."""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

HERE = str(Path(__file__).parent)
if HERE not in sys.path:
    sys.path.insert(0, HERE)


@pytest.fixture(autouse=True)
def expected_warnings(request: pytest.FixtureRequest) -> Iterator[None]:
    """Programs that warn by themselves, as NumPy does of what a mask will drop, may do so in their tests."""
    call = getattr(request.node, "callspec", None)
    if call is None or not getattr(call.params.get("program"), "warns", False):
        yield
        return
    with np.errstate(all="ignore"):
        yield
