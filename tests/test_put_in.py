"""Arrays put into containers on some paths, and changed after: random programs against differences.

SRCDIFF_FUZZ=n tries n programs; `python tests/put_in.py n` is the long run.
"""

from __future__ import annotations

import os
from collections import Counter

import put_in
import pytest

import aliasing

PROGRAMS = int(os.environ.get("SRCDIFF_FUZZ", "100"))


def test_right_or_refused():
    counts: Counter[str] = Counter()
    for seed in range(PROGRAMS):
        what, detail = aliasing.outcome(seed, 2 if seed % 20 == 0 else 1, put_in.program)
        counts[what] += 1
        assert what not in ("wrong", "crash"), f"seed {seed}\n{detail}"
    assert counts["right"] > 0.7 * PROGRAMS, dict(counts)


@pytest.mark.parametrize("seed", [222, 1227, 1722, 4435, 4437, 4666, 51272, 54271])
def test_found_before(seed):
    """Seeds of longer runs that were wrong once, or crashed."""
    what, detail = aliasing.outcome(seed, 1, put_in.program)
    assert what in ("right", "refused"), detail
