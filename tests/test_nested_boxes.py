"""Containers in containers, changed by many ways: random programs against differences.

SRCDIFF_FUZZ=n tries n programs; `python tests/nested_boxes.py n` is the long run.
"""

from __future__ import annotations

import os
from collections import Counter

import nested_boxes
import pytest

import aliasing

PROGRAMS = int(os.environ.get("SRCDIFF_FUZZ", "60"))


def test_right_or_refused():
    counts: Counter[str] = Counter()
    for seed in range(PROGRAMS):
        what, detail = aliasing.outcome(seed, 2 if seed % 12 == 0 else 1, nested_boxes.program)
        counts[what] += 1
        assert what not in ("wrong", "crash"), f"seed {seed}\n{detail}"
    assert counts["refused"] < 0.02 * PROGRAMS, dict(counts)
    assert counts["right"] > 0.9 * PROGRAMS, dict(counts)


@pytest.mark.parametrize("seed", [783])
def test_found_before(seed):
    """Seeds of longer runs that were wrong once."""
    what, detail = aliasing.outcome(seed, 2, nested_boxes.program)
    assert what == "right", detail
