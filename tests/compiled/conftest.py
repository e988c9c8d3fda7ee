"""Kernels as the plain Python that they are."""

from __future__ import annotations

import pytest


@pytest.fixture
def uncompiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is compiled; what kernels call is what it was before numba took it."""
    import numba

    from srcdiff.compiled import runtime

    monkeypatch.setattr(numba.config, "DISABLE_JIT", True)
    for name in runtime.__all__:
        helper = getattr(runtime, name)
        monkeypatch.setattr(runtime, name, getattr(helper, "py_func", helper))
