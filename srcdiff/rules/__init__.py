"""The rule book: which functions have a derivative, and the Python text of it.

Importing the package fills the table of :mod:`srcdiff.rules.registry`; the rules of a part of SciPy are added
when that is met.
"""

from srcdiff.rules import (
    complex_math,
    creation,
    definitions,
    elementwise,
    factorisations,
    indexing,
    norms,
    numbers,
    products,
    python_math,
    reasons,
    reductions,
    shapes,
    shorthand,
    solvers,
    systems,
)
from srcdiff.rules.registry import (
    OpRules,
    Rule,
    is_known,
    lookup,
    may_alias,
    returns_fresh,
    rules_table,
    when_imported,
)

MORE = {"linalg": ("matrix_functions", "matrices", "schur"), "ndimage": ("windows",), "signal": ("spectra",)}
for _library in (
    "special", "stats", "linalg", "optimize", "integrate", "fft", "signal", "ndimage", "interpolate",
    "spatial", "sparse",
):  # fmt: skip
    _modules = (_library, *MORE.get(_library, ()))
    when_imported(f"scipy.{_library}", *(f"srcdiff.rules.scipy_{_m}" for _m in _modules))
when_imported("numpy.polynomial", "srcdiff.rules.polynomials")

__all__ = [
    "OpRules",
    "Rule",
    "complex_math",
    "creation",
    "definitions",
    "elementwise",
    "factorisations",
    "indexing",
    "is_known",
    "lookup",
    "may_alias",
    "norms",
    "numbers",
    "products",
    "python_math",
    "reasons",
    "reductions",
    "returns_fresh",
    "rules_table",
    "shapes",
    "shorthand",
    "solvers",
    "systems",
]
