"""How near a rule's numbers are to be: one table, and what is left out of the variants, with the reason.

Distances are relative to the largest number of the result (or to one).
"""

from __future__ import annotations

__all__ = ["DIFFERENCES", "MEMORY", "NO_COMPLEX", "NO_EMPTY", "NO_NUMBERS", "SINGLE", "of_differences", "of_single"]

MEMORY = 1e-13  # the same numbers in other memory
NEAR = 1e-9  # central differences of the fourth order, of steps of 1e-3
NEAR_SINGLE = 1.5e-6  # single precision has seven digits

DIFFERENCES: dict[str, float] = {}
SINGLE: dict[str, float] = {}

NO_COMPLEX: dict[str, str] = {
    "numpy.unique_values": "the order is that of a hash: differences see it change",
    "numpy.linalg.eig": "the order of complex eigenvalues changes with rounding: there are complex samples",
    "numpy.linalg.eigvals": "as np.linalg.eig",
    "numpy.maximum": "Python does not compare its complex numbers",
    "numpy.minimum": "as np.maximum",
    "numpy.clip": "as np.maximum",
    "numpy.histogram": "complex weights are refused by np.interp in the text",
}
NO_NUMBERS: dict[str, str] = {}
NO_EMPTY: dict[str, str] = {}


def of_differences(name: str) -> float:
    return DIFFERENCES.get(name, NEAR)


def of_single(name: str) -> float:
    return SINGLE.get(name, NEAR_SINGLE)
