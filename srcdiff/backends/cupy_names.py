"""What CuPy has of NumPy's and SciPy's names, and what is written in the place of those that it lacks.

``cupy_names.txt`` is the list of its functions with their parameters; ``tests/gpu/names.py`` makes it anew.
"""

from __future__ import annotations

import functools
from pathlib import Path

__all__ = [
    "ELSEWHERE", "HOST", "INSTEAD", "ON_HOST_ALONE", "array_parameters", "listed", "own", "parameters_of",
    "why_not",
]  # fmt: skip

# names that stay NumPy's: they set or ask something, and compute nothing on arrays
HOST = frozenset({
    "numpy.errstate", "numpy.seterr", "numpy.geterr", "numpy.ndindex", "numpy.dtype", "numpy.finfo",
    "numpy.iinfo", "numpy.broadcast_shapes", "numpy.longdouble", "numpy.clongdouble", "numpy.exceptions",
    "numpy.einsum_path", "numpy.ScalarType", "numpy.object_", "numpy.str_", "numpy.bytes_", "numpy.True_",
    "numpy.False_", "numpy.generic", "numpy.number", "numpy.inexact", "numpy.flexible", "numpy.character",
})  # fmt: skip

# names that CuPy lacks: functions of ``srcdiff.runtime`` that stand for them, on any array module
INSTEAD = {
    "numpy.linalg.multi_dot": "multi_dot",
    "numpy.linalg.svdvals": "svdvals",
    "numpy.linalg.outer": "outer",
    "numpy.linalg.tensordot": "tensordot",
    "numpy.linalg.vecdot": "vecdot",
    "numpy.linalg.trace": "trace_last",
    "numpy.linalg.diagonal": "diagonal_last",
    "numpy.linalg.vector_norm": "vector_norm",
    "numpy.linalg.matrix_norm": "matrix_norm",
    "scipy.linalg.svdvals": "svdvals",
    "numpy.vecdot": "vecdot",
    "numpy.matvec": "matvec",
    "numpy.vecmat": "vecmat",
    "numpy.block": "block",
    "numpy.geomspace": "geomspace",
    "numpy.insert": "insert",
    "numpy.polyder": "polyder",
    "numpy.unstack": "unstack",
}

# names that CuPy has in another place
ELSEWHERE = {
    f"scipy.linalg.{name}": f"numpy.linalg.{name}"
    for name in ("det", "eigh", "eigvalsh", "inv", "norm", "pinv", "solve")
}

# functions of ``srcdiff.runtime`` that are SciPy's own work, on the host
ON_HOST_ALONE = {
    "curve_at": "a curve of SciPy's that is made outside",
    **dict.fromkeys(("sparse_dot", "sparse_outer", "sparse_pairs", "sparse_solve", "sparse_triplets"),
                    "a sparse matrix with entries that vary"),
    **dict.fromkeys(("beta_slope", "gamma_slope", "hyp1f1_slope", "hyp2f1_slope", "zeta_slope"),
                    "a derivative in a parameter of a special function"),
}  # fmt: skip

# parameters that must be arrays: CuPy takes no numbers for them
_ARRAYS = frozenset({
    "A", "a", "a1", "a2", "ar1", "ar2", "arr", "array", "ary", "b", "condition", "element", "f", "fp", "g",
    "in1", "in2", "input", "m", "p", "tup", "v", "val", "x", "x1", "x2", "xp", "y", "*arys", "*arrays",
    "*operands",
    "*xi", "*args",
})  # fmt: skip
_NUMBERS = {  # but these functions do
    "cupy.where": {"x", "y"}, "cupy.array": {"obj"}, "cupy.asarray": {"a"}, "cupy.shape": {"a"},
    "cupy.ndim": {"a"}, "cupy.size": {"a"}, "cupy.iscomplexobj": {"x"}, "cupy.isrealobj": {"x"},
    "cupy.ascontiguousarray": {"a"}, "cupy.asanyarray": {"a"}, "cupy.isclose": {"a", "b"},
    "cupy.allclose": {"a", "b"}, "cupy.isscalar": {"element"}, "cupy.result_type": {"*args"},
}  # fmt: skip


@functools.cache
def listed() -> dict[str, str]:
    """CuPy's names, and of functions ``(their, parameters)``; of others the word ufunc, class or value."""
    text = Path(__file__).with_name("cupy_names.txt").read_text("utf-8")
    pairs = (line.partition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: what for name, _, what in pairs}


def own(path: str) -> str:
    """CuPy's name for one of NumPy's or SciPy's."""
    return "cupyx." + path if path.startswith("scipy.") else "cupy" + path.removeprefix("numpy")


def parameters_of(path: str) -> tuple[str, ...] | None:
    """The parameters of a function, as CuPy has them; None where they are not told."""
    what = listed().get(own(path), "")
    return tuple(filter(None, what.strip("()").split(", "))) if what.startswith("(") else None


def array_parameters(path: str) -> frozenset[str]:
    """Those that must be arrays."""
    return _ARRAYS - _NUMBERS.get(own(path), set())


def why_not(path: str, keywords: tuple[str, ...], count: int) -> str:
    """Why CuPy cannot do what a call asks for, by its keywords and its number of arguments by position."""
    path = ELSEWHERE.get(path, path)
    package = path.partition(".")[0]
    if package not in ("numpy", "scipy") or path in HOST or path in INSTEAD:
        return ""
    if own(path) not in listed():
        return f"CuPy has no {path.removeprefix('numpy.')}"
    parameters = parameters_of(path)
    if parameters is None or any(p.startswith("**") for p in parameters):
        return ""
    unknown = [k for k in keywords if k not in parameters]
    if unknown:
        return f"CuPy's {path.removeprefix('numpy.')} has no parameter {unknown[0]!r}"
    if count > len(parameters) and not any(p.startswith("*") for p in parameters):
        return f"CuPy's {path.removeprefix('numpy.')} takes {len(parameters)} arguments, not {count}"
    return ""
