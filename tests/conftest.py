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


MANY = 5_000  # a run of so many tries one in n of what is below: the same ones each time; SRCDIFF_ALL=1: all
ONE_IN = {
    "stats": 4,  # the methods of the distributions
    "test_corpus.py::test_second_order": 8,
    "test_corpus.py::test_gradient_within_a_function": 10,
    "test_corpus.py::test_source_twice": 8,
    "test_corpus.py::test_gradient[": 1,
    "test_corpus.py": 4,
    "test_programs.py::test_first_order": 2,
    "test_programs.py": 6,
    "test_rulebook.py::test_call": 6,
    "test_rules_compiled.py": 4,
    "test_scipy_solvers.py": 2,
    "test_roundtrip.py": 4,
    "test_passes.py": 5,
    "test_rewind.py": 5,
    "test_taylor.py::test_program": 5,
    "test_dtypes.py": 3,
    "test_kinks.py": 2,
    "test_vmap.py": 2,
    "test_kernels.py::test_programs": 2,
    "test_random.py": 2,
    "test_memory.py::test_within_the_budget": 4,
    "test_memory.py::test_stored_is_what_is_needed": 4,
    "test_tape.py::test_bytes": 4,
}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if os.environ.get("SRCDIFF_ALL") or len(items) < MANY:
        return
    kept, out = [], []
    for item in items:
        n = next((n for part, n in ONE_IN.items() if part in item.nodeid), 1)
        sample = item.nodeid.partition("[")[2]  # all tests of one program, or none
        (kept if not sample or zlib.crc32(sample.encode()) % n == 0 else out).append(item)
    config.hook.pytest_deselected(items=out)
    items[:] = kept
