"""Puts the tests' own folder on the path: `corpus` and `numeric` import however pytest is started."""

import os
import sys
import zlib
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


MANY = 5_000  # in a run of so many, of the distributions' methods a quarter is tried; SRCDIFF_ALL=1: all


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if os.environ.get("SRCDIFF_ALL") or len(items) < MANY:
        return
    out = [i for i in items if "stats" in i.nodeid and zlib.crc32(i.nodeid.encode()) % 4]
    config.hook.pytest_deselected(items=out)
    left = set(out)
    items[:] = [i for i in items if i not in left]
