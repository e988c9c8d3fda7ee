"""Writes down the names of CuPy's functions and their parameters: ``python tests/gpu/names.py > FILE``.

The file is ``srcdiff/backends/cupy_names.txt``.  CuPy must be installed for it, and no GPU be there: what
cannot be imported without one is read from its sources.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
from pathlib import Path
from typing import Any

MODULES = ("cupy", "cupy.linalg", "cupy.fft", "cupy.random", "cupy.lib.stride_tricks", *(
    f"cupyx.scipy.{part}" for part in (
        "special", "linalg", "fft", "signal", "ndimage", "interpolate", "stats", "spatial.distance", "sparse",
        "sparse.linalg",
    )
))  # fmt: skip
STAR = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}


def described(obj: Any) -> str:
    """The parameters of a function, or what else a thing is."""
    if type(obj).__name__ == "ufunc":
        return "ufunc"
    if isinstance(obj, type) or not callable(obj):
        return "class" if isinstance(obj, type) else "value"
    try:
        parameters = inspect.signature(obj).parameters.values()
    except (TypeError, ValueError):
        return "function"
    return "(" + ", ".join(STAR.get(p.kind, "") + p.name for p in parameters) + ")"


def from_source(folder: Path) -> dict[str, str]:
    """The names that a package imports into itself, with the parameters of those that its files define."""
    defined: dict[str, str] = {}
    for file in folder.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                a = node.args
                words = [p.arg for p in (*a.posonlyargs, *a.args)]
                words += [f"*{a.vararg.arg}"] if a.vararg else []
                words += [p.arg for p in a.kwonlyargs] + ([f"**{a.kwarg.arg}"] if a.kwarg else [])
                defined[node.name] = f"({', '.join(words)})"
    first = ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))
    names: dict[str, str] = {}
    for node in ast.walk(first):
        if isinstance(node, ast.ImportFrom):
            for item in node.names:
                names[item.asname or item.name] = defined.get(item.name, "function")
    return names


def names_of(module: str) -> dict[str, str]:
    try:
        m = importlib.import_module(module)
    except Exception:  # a library of CUDA's is not there
        root = importlib.util.find_spec("cupyx")
        assert root is not None and root.origin is not None
        return from_source(Path(root.origin).parent.joinpath(*module.split(".")[1:]))
    return {n: described(getattr(m, n)) for n in dir(m) if not inspect.ismodule(getattr(m, n))}


def main() -> None:
    import cupy

    print(f"# CuPy {cupy.__version__}: written by tests/gpu/names.py")
    for module in MODULES:
        for name, what in sorted(names_of(module).items()):
            if not name.startswith("_") and name not in ("annotations",):
                print(f"{module}.{name} {what}")
    for name in sorted(dir(cupy.random.Generator)):
        if not name.startswith("_"):
            print(f"cupy.random.Generator.{name} method")
    for name in sorted(dir(cupy.ndarray)):
        if not name.startswith("_") or name in ("__index__", "__imatmul__", "__array_namespace__"):
            print(f"cupy.ndarray.{name} method")


if __name__ == "__main__":
    main()
