"""The whole corpus and the rule table on CuPy beside NumPy: ``pytest -n8 tests/gpu`` on a machine with a GPU.

Without one, or without CuPy, all is skipped, and says so.  What is checked is what tests/test_device.py
checks of the stand-in: gradients, forward mode, both second orders.  ``SRCDIFF_GPU_PART=k/n`` takes a part,
``-n8`` shares the GPU among processes, ``SRCDIFF_GPU_BUDGET=540`` skips what is not begun after so many
seconds.  ``SRCDIFF_GPU_DRY=1`` goes the same way without a GPU, on the stand-in.
"""

from __future__ import annotations

import copy
import importlib
import importlib.util
import os
import sys
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "rules"), str(HERE.parents[1] / "examples")]


DRY = bool(os.environ.get("SRCDIFF_GPU_DRY"))


def missing() -> str:
    """Why CuPy cannot be used here; nothing if it can."""
    if DRY:
        import mirror_graphs  # noqa: F401
        import mirror_kernels

        mirror_kernels.install()
        return ""
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
from device import ON_DEVICE, REFUSED, WHOLE_ON_DEVICE  # noqa: E402

import fused_cases  # noqa: E402
import numeric  # noqa: E402
from srcdiff import captured, grad, report, value_and_grad  # noqa: E402
from srcdiff.errors import SrcdiffError  # noqa: E402

BUDGET, STARTED = float(os.environ.get("SRCDIFF_GPU_BUDGET", "inf")), time.monotonic()
PART, _, PARTS = os.environ.get("SRCDIFF_GPU_PART", "0/1").partition("/")


@pytest.fixture(autouse=True)
def in_time() -> None:
    if time.monotonic() - STARTED > BUDGET:
        pytest.skip(f"the time that SRCDIFF_GPU_BUDGET gives ({BUDGET:.0f} s) is over")


def some(items: list[Any]) -> list[Any]:
    return [x for x in items if zlib.crc32(x.name.encode()) % int(PARTS) == int(PART)]


@pytest.fixture(scope="module")
def gpu() -> device.Device:
    import cupy

    return device.Device(
        cupy, lambda tree: cupy_mirror.to_device(tree, cupy.asarray), cupy_mirror.to_host
    )


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("program", some([*ON_DEVICE, *WHOLE_ON_DEVICE]), ids=lambda p: p.name)
def test_program(program: Any, gpu: device.Device) -> None:
    if not device.check_refused(program, gpu):
        device.check_gradient(program, gpu)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("program", some(ON_DEVICE), ids=lambda p: p.name)
def test_orders(program: Any, gpu: device.Device) -> None:
    if program.name in device.PENDING_ORDERS:
        pytest.xfail(device.PENDING_ORDERS[program.name])
    if program.name not in REFUSED:
        device.check_orders(program, gpu)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("program", [p for p in some(ON_DEVICE) if zlib.crc32(p.name.encode()) % 6 == 0],
                         ids=lambda p: p.name)  # fmt: skip
def test_fused_program(program: Any, gpu: device.Device) -> None:
    """With kernels (a sixth of the programs: each kernel is compiled)."""
    if program.name not in REFUSED:
        there = [gpu.to(a) for a in copy.deepcopy(program.args)]
        kwargs = {k: gpu.to(a) for k, a in program.kwargs.items()}
        d = grad(program.function, wrt=program.wrt_option, backend="cupy-fused")
        plain = grad(program.function, wrt=program.wrt_option)
        wanted = plain(*copy.deepcopy(program.args), **program.kwargs)
        numeric.assert_close(gpu.host(d(*there, **kwargs)), wanted, 1e-9)


@pytest.mark.parametrize("name", fused_cases.CASES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_fused(name: str, dtype: str, gpu: device.Device) -> None:
    f, args = fused_cases.CASES[name] if dtype == "float64" else fused_cases.single(name)
    wanted = value_and_grad(f)(*copy.deepcopy(args))
    g = value_and_grad(f, backend="cupy-fused")
    for _ in range(2):
        got = gpu.host(g(*[gpu.to(a) for a in copy.deepcopy(args)]))
        numeric.assert_close(got, wanted, 1e-3 if dtype == "float32" else 1e-9)


@pytest.mark.parametrize("size", [1, 31, 32, 33, 255, 257, 5000])
def test_rows_of_any_length(size: int, gpu: device.Device) -> None:
    """Teams of one thread, of parts of a warp, of a block."""
    f, _ = fused_cases.CASES["softmax"]
    x = np.random.default_rng(size).normal(size=(37, size))
    got = gpu.host(value_and_grad(f, backend="cupy-fused")(gpu.to(x)))
    numeric.assert_close(got, value_and_grad(f)(x), 1e-9)


@pytest.mark.parametrize("name", ["chain", "softmax", "layer", "attention", "flow", "rows"])
@pytest.mark.parametrize("backend", ["numpy", "cupy-fused"])
def test_graphs(name: str, backend: Any, gpu: device.Device) -> None:
    """A CUDA graph gives for other arrays what the derivative does, on the default stream and on another."""
    import cupy

    f, args = fused_cases.CASES[name]
    g = captured(value_and_grad(f, backend=backend))
    for k, stream in enumerate([cupy.cuda.Stream.null, cupy.cuda.Stream(non_blocking=True)] * 2):
        own = [a * (1.0 + 0.1 * k) if isinstance(a, np.ndarray) and a.dtype == float else a for a in args]
        with stream:
            there = [gpu.to(a) for a in own]
            got = g(*there)
            cupy.ones(1000).sum()  # (memory of the pool, which is not the graph's)
            stream.synchronize()
        numeric.assert_close(gpu.host(got), value_and_grad(f)(*own), 1e-9)
    assert g.graphs == 1


@pytest.mark.parametrize("name", ["chain", "flow"])
def test_report(name: str, gpu: device.Device) -> None:
    f, args = fused_cases.CASES[name]
    found = report(grad(f, backend="cupy-fused"), *[gpu.to(a) for a in args])
    assert found.seconds > 0 and found.device and sum(k.seconds for k in found.kernels) > 0


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
    stream, pool = cupy.cuda.Stream(non_blocking=True), cupy.cuda.MemoryPool()
    with stream, cupy.cuda.using_allocator(pool.malloc):
        for _ in range(3):  # memory is in the pool, kernels are compiled
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
