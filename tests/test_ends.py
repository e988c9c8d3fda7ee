"""Making a derivative ends: what is written out has a limit, stages take no longer than the text grows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from numeric import gradient
from srcdiff import UnsupportedSyntax, grad
from srcdiff.optimise.conflicts import Conflicts


def mixed_rows(A: Any) -> Any:
    B = A * 1.0
    rows = list(B)
    for p in rows:
        for q in rows:
            if p[0] > 0.1:
                p += 0.1 * q
            for r in rows:
                if q[0] > p[1]:
                    q += 0.1 * r
    return (B**2).sum()


def powers_of_rows(A: Any) -> Any:
    rows = [A[0] * 2, A[1] * 2, A[2] * 2, A[3] * 2, A[0] * A[1], A[1] * A[2], A[2] * A[3], A[3] * A[0]]
    for p in rows:
        for q in rows:
            for r in rows:
                for s in rows:
                    q += 0.1 * p * r * s
    return sum([r.sum() for r in rows])


def test_each_update_is_looked_at_a_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[Any] = []
    conflict = Conflicts.conflict
    monkeypatch.setattr(Conflicts, "conflict", lambda *args: looked.append(args[2]) or conflict(*args))
    A = np.random.default_rng(0).random((3, 3))
    g = grad(mixed_rows)
    np.testing.assert_allclose(g(A), gradient(mixed_rows, (A,), (0,))[0], rtol=1e-5, atol=1e-6)
    assert len(looked) < 4 * len(set(looked))


def test_what_is_written_out_has_a_limit() -> None:
    with pytest.raises(UnsupportedSyntax, match="written out trip by trip come to too much") as e:
        grad(powers_of_rows)(np.ones((4, 4)))
    assert "for s in rows" in str(e.value)
