"""The whole corpus and the rule table on CuPy beside NumPy: ``pytest -n0 tests/gpu`` on a machine with a GPU.

Without one, or without CuPy, all is skipped, and says so.  What is checked is what tests/test_device.py
checks of the stand-in: gradients, forward mode, both second orders.  ``SRCDIFF_GPU_PART=k/n`` takes a part.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "rules"), str(HERE.parents[1] / "examples")]


def missing() -> str:
    """Why CuPy cannot be used here; nothing if it can."""
    if importlib.util.find_spec("cupy") is None:
        return "CuPy is not installed"
    import cupy

    try:
        if not cupy.is_available():
            return "no GPU is at hand"
        float(cupy.ones(3).sum())
    except Exception as e:  # a driver too old, a library missing: whatever it is, it is told
        return f"CuPy does not run here: {e}"
    return ""


if WHY := missing():
    pytest.skip(WHY, allow_module_level=True)

import cupy_mirror  # noqa: E402
import device  # noqa: E402
from device import ON_DEVICE, REFUSED  # noqa: E402

from srcdiff import grad  # noqa: E402
from srcdiff.errors import SrcdiffError  # noqa: E402

PART, _, PARTS = os.environ.get("SRCDIFF_GPU_PART", "0/1").partition("/")


def some(items: list[Any]) -> list[Any]:
    return [x for x in items if zlib.crc32(x.name.encode()) % int(PARTS) == int(PART)]


@pytest.fixture(scope="module")
def gpu() -> device.Device:
    import cupy

    return device.Device(
        cupy, lambda tree: cupy_mirror.to_device(tree, cupy.asarray), cupy_mirror.to_host
    )


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("program", some(ON_DEVICE), ids=lambda p: p.name)
def test_program(program: Any, gpu: device.Device) -> None:
    if not device.check_refused(program, gpu):
        device.check_gradient(program, gpu)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("program", some(ON_DEVICE), ids=lambda p: p.name)
def test_orders(program: Any, gpu: device.Device) -> None:
    if program.name not in REFUSED:
        device.check_orders(program, gpu)


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tmp_path_factory.mktemp("rules") / "gpu_rules.py"
    path.write_text(importlib.import_module("test_rules_compiled").TEXT, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("gpu_rules", path)
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    "case", some(importlib.import_module("test_rules_compiled").CASES), ids=lambda c: c.name
)
def test_rule(case: Any, rules: Any, gpu: device.Device) -> None:
    if not any(isinstance(x, np.ndarray) for x in case.args):
        return
    try:
        device.check_rule(case, getattr(rules, case.name), gpu)
    except SrcdiffError as e:
        assert e.problems[0].slug == "array-module" or "gamma_slope" in str(e), str(e)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_copy_to_the_host(dtype: Any) -> None:
    """A gradient of whole arrays reads nothing back: it can be captured in a graph, as no copy can."""
    import cupy

    def f(x, w):
        h = np.tanh(x * w)
        return np.mean(h * h) + np.sum(np.exp(-(x**2)))

    x, w = cupy.ones((64, 8), dtype), cupy.ones(8, dtype)
    g = grad(f, wrt=(0, 1))
    stream = cupy.cuda.Stream(non_blocking=True)
    with stream:
        for _ in range(3):  # memory is in CuPy's pool, kernels are compiled
            bars = g(x, w)
        stream.begin_capture()
        bars = g(x, w)
        assert stream.end_capture() is not None
    assert all(isinstance(b, cupy.ndarray) and b.dtype == dtype for b in bars)


@pytest.mark.parametrize("name", ["gpu_digits", "gpu_heat", "gpu_nbody", "gpu_ode"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_examples(name: str, dtype: str) -> None:
    import cupy

    made = importlib.import_module(name)
    small, here = made.run(cupy, dtype=dtype), made.run(np, dtype=dtype)
    np.testing.assert_allclose(small, here, rtol=1e-2 if dtype == "float32" else 1e-6)
