"""Dynamic programs over the characters of texts that are known: their loops stay loops."""

from __future__ import annotations

from typing import Any

import numpy as np

from corpus.program import Program

A, B = "kitten", "sitting"
C = np.array([1.0, 1.13, 1.7])


def edit_distance(c: Any) -> Any:
    d = [[0.0] * (len(B) + 1) for _ in range(len(A) + 1)]
    for i in range(len(A) + 1):
        d[i][0] = i * c[0]
    for j in range(len(B) + 1):
        d[0][j] = j * c[1]
    for i, x in enumerate(A, 1):
        for j, y in enumerate(B, 1):
            swap = 0.0 if x == y else c[2]
            d[i][j] = min(d[i - 1][j] + c[0], d[i][j - 1] + c[1], d[i - 1][j - 1] + swap)
    return d[-1][-1] ** 2


def two_rows(c: Any) -> Any:
    before = [j * c[1] for j in range(len(B) + 1)]
    for i, x in enumerate("kitten"):
        row = [(i + 1) * c[0]]
        for j, y in enumerate("sitting"):
            row.append(min(before[j + 1] + c[0], row[j] + c[1], before[j] + (0.0 if x == y else c[2])))
        before = row
    return before[-1] * c[0]


def alignment(c: Any, s: str = "GATTACA", t: str = "GCATGCU") -> Any:
    score = np.zeros((len(s) + 1, len(t) + 1))
    for i, x in enumerate(s):
        for j, y in enumerate(t):
            step = score[i, j] + (c[0] if x == y else -0.3 * c[2])
            score[i + 1, j + 1] = np.logaddexp(step, np.maximum(score[i, j + 1], score[i + 1, j]) - c[1])
    return score[-1, -1]


def vowels(c: Any) -> Any:
    total = 0.0
    for ch in "hello world":
        total = total * 0.5 * c[0] + (c[1] if ch in "aeiou" else c[2])
    return total


def scored(c: Any) -> Any:
    """What is looked up by a character needs it known: read trip by trip."""
    score = {"A": c[0], "C": c[1], "G": c[2], "T": c[0] * c[1]}
    total = 1.0
    for ch, next_ch in zip("ACGTTGCA", "CGTTGCAA"):
        total = total * score[ch] * 0.5 + score[next_ch]
    return total


def long_constants(c: Any) -> Any:
    total = 0.0
    for w in (0.1, 0.7, -0.3, 0.2, 0.5, 0.4, -0.8, 0.9):
        for k in (3, 2, 1):
            total = total * 0.9 + np.sin(w * c[0]) * c[1] ** k
    return total


PROGRAMS = [
    Program(f"letters_{f.__name__}", f, (C,))
    for f in (edit_distance, two_rows, alignment, vowels, scored, long_constants)
]
