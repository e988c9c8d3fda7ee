"""Lists what autograd and JAX have of NumPy's and SciPy's names, into peers.json, which test_peers.py reads.

Run by hand where both are installed.  Of autograd: the functions that have a rule.  Of JAX: all public
functions, for they are made of primitives that have rules, but for a few (see `LACKS` in test_peers.py).
"""

from __future__ import annotations

import importlib
import json
import types
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
from autograd.core import primitive_jvps, primitive_vjps

JAX = [
    "numpy",
    "numpy.linalg",
    "numpy.fft",
    "scipy.special",
    "scipy.linalg",
    "scipy.signal",
    "scipy.fft",
    "scipy.ndimage",
    "scipy.integrate",
    "scipy.interpolate",
    "scipy.optimize",
    "scipy.sparse.linalg",
    "scipy.spatial.transform",
    "scipy.cluster.vq",
    "scipy.stats",
]
AUTOGRAD = [
    "numpy",
    "numpy.linalg",
    "numpy.fft",
    "scipy.special",
    "scipy.linalg",
    "scipy.signal",
    "scipy.stats",
    "scipy.integrate",
]
def public(module: Any) -> list[str]:
    return sorted(
        n for n, v in vars(module).items()
        if not n.startswith("_") and callable(v) and not isinstance(v, (type, types.ModuleType))
    )  # fmt: skip


def of_jax(name: str) -> list[str]:
    module = importlib.import_module(f"jax.{name}")
    names = public(module)
    if name == "scipy.stats":  # its distributions are modules
        for part, inner in vars(module).items():
            if isinstance(inner, types.ModuleType) and not part.startswith("_"):
                names += [f"{part}.{n}" for n in public(inner)]
    return sorted(names)


def of_autograd(name: str) -> list[str]:
    module = importlib.import_module(f"autograd.{name}")
    home = importlib.import_module(name)
    table = set(primitive_vjps) | set(primitive_jvps)
    names = [n for n, v in vars(module).items() if isinstance(v, types.FunctionType) and v in table]
    if name == "scipy.stats":
        for part, inner in vars(module).items():
            if isinstance(inner, types.ModuleType):
                names += [
                    f"{part}.{n}"
                    for n, v in vars(inner).items()
                    if isinstance(v, types.FunctionType) and v in table
                ]
    return sorted(n for n in names if hasattr(home, n.partition(".")[0]))


def main() -> None:
    jax.config.update("jax_enable_x64", True)
    found = {
        "versions": {n: version(n) for n in ("jax", "autograd", "numpy", "scipy")},
        "jax": {name: of_jax(name) for name in JAX},
        "autograd": {name: of_autograd(name) for name in AUTOGRAD},
    }
    Path(__file__).with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
