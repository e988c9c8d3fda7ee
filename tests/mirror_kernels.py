"""Kernels for arrays of the stand-in for CuPy: those of ``fake_cupy.py``, which a C++ compiler takes."""

from __future__ import annotations

import importlib.util
import sys
import types
from typing import Any

import cupy_mirror as cp
import numpy as np

import fake_cupy


def kernel(sort: type) -> Any:
    """A sort of kernel for arrays of the stand-in."""

    class Kernel:
        def __init__(self, *args: Any, **kw: Any) -> None:
            self.inner = sort(*args, **kw)

        def __call__(self, *args: Any, size: int | None = None, **kw: Any) -> Any:
            for p, a in zip([*self.inner.ins, *self.inner.outs], args, strict=False):
                assert isinstance(a, (cp.ndarray, bool, int, float, np.generic)), type(a)
                if size is not None and isinstance(a, cp.ndarray):
                    assert p.raw, f"with size=, {p.name} has to be raw"
            if size is not None:
                kw["size"] = size
            plain = [a._a if isinstance(a, cp.ndarray) else a for a in args]

            def run() -> Any:
                return self.inner(*plain, **kw)

            out = run()
            boxed = [cp.ndarray(x) for x in out] if isinstance(out, list) else cp.ndarray(np.asarray(out))
            return cp.noted(run, boxed, plain)

    return Kernel


NAMES = {
    **{word: kernel(getattr(fake_cupy, word)) for word in ("ElementwiseKernel", "ReductionKernel")},
    "empty": lambda *a, **k: cp.ndarray(fake_cupy.unset(*a, **k)),
}


def module() -> types.ModuleType:
    """The stand-in under CuPy's name."""
    out = types.ModuleType("cupy")
    out.__getattr__ = lambda name: getattr(cp, name)  # type: ignore[method-assign]
    out.__spec__ = importlib.util.spec_from_loader("cupy", None)
    return out


def within(monkeypatch: Any) -> None:
    """For one test: what asks for CuPy gets the stand-in."""
    for word, thing in NAMES.items():
        monkeypatch.setattr(cp, word, thing, raising=False)
    monkeypatch.setitem(sys.modules, "cupy", module())


def install() -> None:
    """For the rest of the process: what asks for CuPy gets the stand-in."""
    vars(cp).update(NAMES)
    sys.modules["cupy"] = module()
