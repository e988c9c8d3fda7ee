"""NVIDIA's own compiler takes the CUDA C that is emitted, for sm_80 and sm_90; this needs no GPU.

Each kernel stands in the text that CuPy writes around it, with the arrays of ``fake_cupy.h``.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path
from typing import Any

import pytest

import fake_cupy
from fused_cases import CASES, single
from srcdiff import value_and_grad


def library() -> Any:
    """NVRTC, from the wheel nvidia-cuda-nvrtc; None if it is not installed."""
    for folder in sys.path:
        for file in sorted(Path(folder or ".").glob("nvidia/*/lib/libnvrtc.so.*")):
            if "alt" not in file.name:
                return ctypes.CDLL(str(file))
    return None


NVRTC = library()
ALL = bool(os.environ.get("SRCDIFF_ALL"))
BOTH = ("products",)
pytestmark = pytest.mark.skipif(
    NVRTC is None, reason="nvidia-cuda-nvrtc is not installed: the CUDA C is not compiled for a device"
)


def compiled(source: str, *options: str) -> int:
    """The size of what NVRTC makes of a source; fails with its words."""
    program, size = ctypes.c_void_p(), ctypes.c_size_t()
    assert not NVRTC.nvrtcCreateProgram(ctypes.byref(program), source.encode(), b"kernel.cu", 0, None, None)
    given = (ctypes.c_char_p * len(options))(*(o.encode() for o in options))
    failed = NVRTC.nvrtcCompileProgram(program, len(options), given)
    if failed:
        NVRTC.nvrtcGetProgramLogSize(program, ctypes.byref(size))
        log = ctypes.create_string_buffer(size.value)
        NVRTC.nvrtcGetProgramLog(program, log)
        raise AssertionError(f"{log.value.decode()}\n{source}")
    NVRTC.nvrtcGetCUBINSize(program, ctypes.byref(size))
    NVRTC.nvrtcDestroyProgram(ctypes.byref(program))
    return size.value


def kernels(name: str, args: tuple[Any, ...]) -> list[fake_cupy.ElementwiseKernel]:
    """The kernels of a value and gradient."""
    f, _ = CASES[name]
    with fake_cupy.installed():
        text = value_and_grad(f, backend="cupy-fused").source_for(*args)
        before = len(fake_cupy.MADE)
        exec(text, {})
        return fake_cupy.MADE[before:]


def program(made: list[fake_cupy.ElementwiseKernel]) -> str:
    """All kernels of a module as one text."""
    assert made
    parts = [f"namespace kernel{n} {{\n{k.source()}}}" for n, k in enumerate(made)]
    return "\n".join([fake_cupy.HEADER.read_text(), *parts])


@pytest.mark.parametrize("name", CASES)
def test_compiles(name: str) -> None:
    double, both = program(kernels(name, CASES[name][1])), ALL or name in BOTH
    for arch in ("sm_80", "sm_90") if both else ("sm_90",):
        assert compiled(double, f"-arch={arch}", "--std=c++17", "-default-device") > 0
    if both:
        one = program(kernels(name, single(name)[1]))
        assert compiled(one, "-arch=sm_90", "--std=c++17", "-default-device") > 0


def test_a_mistake_is_found() -> None:
    with pytest.raises(AssertionError, match="eexp"):
        compiled('extern "C" __global__ void f(double* x) { x[0] = eexp(x[0]); }', "-arch=sm_90")
