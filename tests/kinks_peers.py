"""Measures what JAX, PyTorch and HIPS autograd give at the points of kinks.py, into kinks_peers.json.

Run by hand where the three are installed.  PyTorch's functions are called by NumPy's names.
"""

from __future__ import annotations

import json
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

import autograd
import autograd.numpy as anp
import jax
import jax.numpy as jnp
import numpy as np
import torch

import kinks

OTHER_NAMES = {
    "arctan2": "atan2", "fabs": "abs", "arcsin": "asin", "arccos": "acos", "arccosh": "acosh",
    "arctanh": "atanh",
}  # fmt: skip
REWRITTEN: dict[str, Any] = {
    "sort": lambda x: torch.sort(x)[0],
    "argsort": lambda x, kind: torch.argsort(x, stable=kind == "stable"),
    "median": lambda x: torch.quantile(x, 0.5),
    "percentile": lambda x, q: torch.quantile(x, q / 100.0),
    "std": lambda x: torch.std(x, correction=0),
    "var": lambda x: torch.var(x, correction=0),
    "cumprod": lambda x: torch.cumprod(x, 0),
    "linalg": torch.linalg,
}


class Torch:
    """PyTorch by NumPy's names; numbers beside tensors become tensors."""

    def __getattr__(self, name: str) -> Any:
        if name in REWRITTEN:
            return REWRITTEN[name]
        fn = getattr(torch, OTHER_NAMES.get(name, name))

        def call(*args: Any) -> Any:
            try:
                return fn(*args)
            except TypeError:
                return fn(*[torch.tensor(a).double() if isinstance(a, float) else a for a in args])

        return call


def by_jax(f: Any, at: Any) -> Any:
    return jax.grad(lambda *a: jnp.sum(f(*a)), tuple(range(len(at))))(*map(jnp.asarray, at))


def by_autograd(f: Any, at: Any) -> Any:
    given = [np.asarray(a) if isinstance(a, list) else a for a in at]
    return autograd.grad(lambda *a: anp.sum(f(*a)), tuple(range(len(at))))(*given)


def by_torch(f: Any, at: Any) -> Any:
    given = [torch.tensor(a, dtype=torch.float64, requires_grad=True) for a in at]
    bars = torch.autograd.grad(f(*given).sum(), given, allow_unused=True)
    return [np.zeros(np.shape(a)) if b is None else b.numpy() for a, b in zip(at, bars, strict=True)]


PEERS = {"JAX": (jnp, by_jax), "PyTorch": (Torch(), by_torch), "autograd": (anp, by_autograd)}


def measured() -> dict[str, Any]:
    out: dict[str, Any] = {
        "versions": {"JAX": jax.__version__, "PyTorch": torch.__version__, "autograd": version("autograd")}
    }
    for _, rows in kinks.SECTIONS.values():
        for row in rows:
            given: dict[str, Any] = {}
            for name, (np_, gradient) in PEERS.items():
                if "math." in row.call:
                    continue
                try:
                    f = eval(f"lambda {', '.join('xyz'[: len(row.at)])}: {row.call}", {"np": np_})
                    given[name] = [np.asarray(b, float).tolist() for b in gradient(f, row.at)]
                except ZeroDivisionError:
                    given[name] = "ZeroDivisionError"
                except np.linalg.LinAlgError:
                    given[name] = "LinAlgError"
                except Exception:  # has no such function, no derivative of it, or calls it differently
                    continue
            out[row.key] = given
    return out


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    jax.config.update("jax_enable_x64", True)
    Path(__file__).with_suffix(".json").write_text(json.dumps(measured(), indent=0) + "\n")
