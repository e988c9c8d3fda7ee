"""A stand-in for CuPy without a GPU: NumPy, and kernels whose CUDA C a C++ compiler takes.

``ElementwiseKernel`` is called, broadcasts, checks types and gives its results as CuPy's does (after the text
that CuPy 14 writes around an operation); its threads run one after the other (``fake_cupy.h``).
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib.machinery
import shutil
import subprocess
import sys
import tempfile
import types
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from srcdiff.api import specialise

HEADER = Path(__file__).with_name("fake_cupy.h")
TYPES = {"float64": "double", "float32": "float", "int64": "long long", "int32": "int", "bool": "bool"}
COMPILER = shutil.which("g++") or shutil.which("c++") or shutil.which("clang++")
MADE: list[ElementwiseKernel] = []  # every kernel that was made

BACKWARD = [False]  # whether the last thread comes first: what depends on their order is seen so

_folder: list[tempfile.TemporaryDirectory[str]] = []
_compiled: dict[str, Any] = {}


class Memory(ctypes.Structure):
    _fields_ = (
        ("data", ctypes.c_void_p),
        ("ndim", ctypes.c_ssize_t),
        ("shape", ctypes.c_ssize_t * 8),
        ("strides", ctypes.c_ssize_t * 8),
    )


def build(*options: str) -> None:
    assert COMPILER is not None
    command = [COMPILER, "-std=c++17", "-O0", "-fPIC", "-w", *options]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"the compiler refuses a kernel:\n{done.stderr}")


def compiled(source: str) -> Any:
    """The library of a source."""
    key = hashlib.sha256(source.encode()).hexdigest()[:24]
    if key not in _compiled:
        if not _folder:
            _folder.append(tempfile.TemporaryDirectory())
            header = Path(_folder[0].name) / HEADER.name  # read once for all kernels
            shutil.copy(HEADER, header)
            build("-x", "c++-header", str(header), "-o", f"{header}.gch")
        file = Path(_folder[0].name) / f"{key}.cpp"
        file.write_text(source)
        header = Path(_folder[0].name) / HEADER.name
        build("-shared", "-include", str(header), str(file), "-o", str(file.with_suffix(".so")))
        _compiled[key] = ctypes.CDLL(str(file.with_suffix(".so")))
    return _compiled[key]


class Param:
    def __init__(self, text: str) -> None:
        *flags, type_, self.name = text.split()
        self.raw = "raw" in flags
        self.type = type_
        self.c = TYPES[type_]


class ElementwiseKernel:
    """``cupy.ElementwiseKernel``, as far as emitted texts use it."""

    def __init__(
        self,
        in_params: str,
        out_params: str,
        operation: str,
        name: str = "kernel",
        *,
        preamble: str = "",
        loop_prep: str = "",
        after_loop: str = "",
        reduce_dims: bool = True,
    ) -> None:
        self.ins = [Param(p) for p in in_params.split(",") if p.strip()]
        self.outs = [Param(p) for p in out_params.split(",") if p.strip()]
        self.operation, self.name = operation, name
        self.preamble, self.loop_prep, self.after_loop = preamble, loop_prep, after_loop
        self.calls = 0
        MADE.append(self)

    def source(self, arrays: tuple[bool, ...] | None = None) -> str:
        """The whole kernel, as CuPy writes it; ``arrays``: which arguments are arrays, not numbers."""
        params = [*self.ins, *self.outs]
        arrays = (True,) * len(params) if arrays is None else arrays
        head, inside = [], []
        for k, (p, array) in enumerate(zip(params, arrays, strict=True)):
            const = "const " if k < len(self.ins) else ""
            if not array:
                head.append(f"const {p.c} {p.name}")
            elif p.raw:
                head.append(f"{const}CArray<{p.c}> {p.name}")
            else:
                head.append(f"{const}CArray<{p.c}> _raw_{p.name}")
                inside.append(f"{const}{p.c} &{p.name} = _raw_{p.name}[_ind.get()];")
        lines = "\n".join(inside)
        return f"""{self.preamble}
extern "C" __global__ void {self.name}({", ".join([*head, "CIndexer _ind"])}) {{
  {self.loop_prep};
  #pragma unroll 1
  CUPY_FOR(i, _ind.size()) {{
    _ind.set(i);
    {lines}
    {self.operation};
  }}
  {self.after_loop};
}}
"""

    def __call__(self, *args: Any, size: int | None = None, block_size: int = 128) -> Any:
        params = [*self.ins, *self.outs]
        if len(args) not in (len(self.ins), len(params)):
            raise TypeError(f"Wrong number of arguments for {self.name!r}")
        values = [self.value(p, a) for p, a in zip(params, args, strict=False)]
        shapes = [a.shape for p, a in zip(self.ins, values, strict=False) if is_array(a) and not p.raw]
        given = values[len(self.ins) :]
        shapes_out = [a.shape for p, a in zip(self.outs, given, strict=False) if not p.raw]
        if size is not None:
            if any(shapes) or shapes_out:
                raise ValueError("Specified 'size' can be used only if all of the ndarray are 'raw'.")
            shape: tuple[int, ...] = (size,)
        else:
            if not shapes and not shapes_out:
                raise ValueError("Loop size is undecided.")
            shape = np.broadcast_shapes(*shapes, *shapes_out)
        if any(s != shape for s in shapes_out):
            raise ValueError("Out shape is mismatched")
        if not given:
            if any(p.raw for p in self.outs):
                raise ValueError("Output array size is Undefined")
            given = [np.empty(shape, p.type) for p in self.outs]
            values += given
        self.launch(params, values, shape, block_size)
        self.calls += 1
        return given[0] if len(given) == 1 else given

    @staticmethod
    def value(p: Param, a: Any) -> Any:
        """An argument: an array of exactly this type, or a number, which is made one of it."""
        if isinstance(a, np.ndarray):
            if a.dtype != np.dtype(p.type):
                raise TypeError(f"Type is mismatched. {p.name} {a.dtype} {p.type}")
            return a
        if p.raw or not isinstance(a, (bool, int, float, np.generic)):
            raise TypeError(f"Unsupported type {type(a)}")
        return np.dtype(p.type).type(a)

    def launch(self, params: list[Param], values: list[Any], shape: tuple[int, ...], block: int) -> None:
        size = int(np.prod(shape, dtype=int))
        values = [
            a if p.raw or not is_array(a) else np.broadcast_to(a, shape)
            for p, a in zip(params, values, strict=True)
        ]
        if size:
            self.start(params, values, [shape], size, block)

    def start(
        self, params: list[Param], values: list[Any], spaces: list[tuple[int, ...]], size: int, block: int
    ) -> None:
        """Run the threads; ``spaces``: the shapes that the kernel goes over."""
        block = min(block, size)
        text = self.source(tuple(map(is_array, values)))
        call: list[str] = []
        kept: list[Any] = []
        pointers: list[int] = []
        for k, (p, a) in enumerate(zip(params, values, strict=True)):
            if is_array(a):
                one: Any = Memory(a.__array_interface__["data"][0], a.ndim)
                one.shape[: a.ndim], one.strides[: a.ndim] = a.shape, a.strides
                pointers.append(ctypes.addressof(one))
                call.append(f"CArray<{p.c}>{{*(Memory*)_args[{k}]}}")
            else:
                one = np.array([a])
                pointers.append(one.ctypes.data)
                call.append(f"*({p.c}*)_args[{k}]")
            kept.append(one)
        for n, shape in enumerate(spaces):
            numbers = np.array([int(np.prod(shape, dtype=int)), len(shape), *shape, *[0] * (16 - len(shape))])
            kept.append(numbers)
            pointers.append(numbers.ctypes.data)
            call.append(f"*(CIndexer*)_args[{len(params) + n}]")
        together = "true" if "__syncthreads" in text else "false"
        text += f"""
static void** _args;
static void _thread() {{ {self.name}({", ".join(call)}); }}
extern "C" void _launch(void** args, unsigned grid, unsigned block, bool backward) {{
  _args = args;
  run(_thread, grid, block, {together}, backward);
}}
"""
        given = (ctypes.c_void_p * len(pointers))(*pointers)
        compiled(text)._launch(given, -(-size // block), block, ctypes.c_bool(BACKWARD[0]))


class ReductionKernel(ElementwiseKernel):
    """``cupy.ReductionKernel``, as far as emitted texts use it."""

    def __init__(
        self,
        in_params: str,
        out_params: str,
        map_expr: str,
        reduce_expr: str,
        post_map_expr: str,
        identity: str,
        name: str,
        *,
        reduce_type: str,
        preamble: str = "",
    ) -> None:
        super().__init__(in_params, out_params, "", name, preamble=preamble)
        self.map, self.step, self.end = map_expr, reduce_expr, post_map_expr
        self.identity, self.type = identity, reduce_type

    def source(self, arrays: tuple[bool, ...] | None = None) -> str:
        params = [*self.ins, *self.outs]
        arrays = (True,) * len(params) if arrays is None else arrays
        head, inside = [], []
        for p, array in zip(params, arrays, strict=True):
            head.append(f"CArray<{p.c}> _raw_{p.name}" if array else f"const {p.c} {p.name}")
            if array and p in self.ins:
                inside.append(f"const {p.c} &{p.name} = _raw_{p.name}[_in_ind.get()];")
        (out,) = self.outs
        lines = "\n".join(inside)
        return f"""{self.preamble}
typedef {self.type} _type_reduce;
extern "C" __global__ void {self.name}({", ".join([*head, "CIndexer _in_ind", "CIndexer _out_ind"])}) {{
  const ptrdiff_t _count = _in_ind.size() / _out_ind.size();
  CUPY_FOR(_i, _out_ind.size()) {{
    _type_reduce _s = _type_reduce({self.identity});
    for (ptrdiff_t _j = 0; _j < _count; ++_j) {{
      _in_ind.set(_i * _count + _j);
      {lines}
      _type_reduce a = _s, b = static_cast<_type_reduce>({self.map});
      _s = ({self.step});
    }}
    _out_ind.set(_i);
    _type_reduce a = _s;
    {out.c} &{out.name} = _raw_{out.name}[_out_ind.get()];
    {self.end};
  }}
}}
"""

    def __call__(self, *args: Any, axis: Any, keepdims: bool = False) -> Any:  # type: ignore[override]
        if len(args) != len(self.ins):
            raise TypeError(f"Wrong number of arguments for {self.name!r}")
        values = [self.value(p, a) for p, a in zip(self.ins, args, strict=True)]
        shape = np.broadcast_shapes(*(a.shape for a in values if is_array(a)))
        axes = axis if isinstance(axis, tuple) else (axis,)
        kept = [k for k in range(len(shape)) if k not in axes]
        order = [*kept, *axes]
        out = unset([shape[k] for k in kept], self.outs[0].type)
        values = [np.broadcast_to(a, shape).transpose(order) if is_array(a) else a for a in values]
        if not out.size:
            pass
        elif not all(shape):
            out[...] = eval(self.identity, {"__builtins__": {}}) if self.identity == "0" else np.nan
        else:
            inner = tuple(shape[k] for k in order)
            self.start([*self.ins, *self.outs], [*values, out], [inner, out.shape], out.size, 128)
        self.calls += 1
        return out.reshape([1 if k in axes else n for k, n in enumerate(shape)]) if keepdims else out


def is_array(a: Any) -> bool:
    return isinstance(a, np.ndarray)


def module() -> types.ModuleType:
    """The stand-in, as a module."""
    out = types.ModuleType("cupy")
    out.__dict__.update({k: v for k, v in vars(np).items() if not k.startswith("__")})
    out.ElementwiseKernel = ElementwiseKernel  # type: ignore[attr-defined]
    out.ReductionKernel = ReductionKernel  # type: ignore[attr-defined]
    out.empty = unset  # type: ignore[attr-defined]
    out.__spec__ = importlib.machinery.ModuleSpec("cupy", None)
    return out


def unset(shape: Any, dtype: Any = float) -> Any:
    """New memory, full of what must not be read."""
    out = np.empty(shape, dtype)
    out[...] = np.nan if out.dtype.kind == "f" else True
    return out


@contextmanager
def installed() -> Iterator[types.ModuleType]:
    """CuPy's name means the stand-in."""
    before = sys.modules.get("cupy")
    sys.modules["cupy"] = out = module()
    specialise.FUSED_ON_HOST = True
    try:
        yield out
    finally:
        specialise.FUSED_ON_HOST = False
        if before is None:
            del sys.modules["cupy"]
        else:
            sys.modules["cupy"] = before
