"""What the arithmetic of `vmath` becomes in kernels: a few instructions of LLVM each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def install(
    numba: Any,
    to_bits: Callable[..., Any],
    from_bits: Callable[..., Any],
    fma: Callable[..., Any],
    error: Callable[..., Any],
    double: Callable[..., Any],
    like: Callable[..., Any],
    element: Callable[..., Any],
) -> Callable[..., Any]:
    """Teach numba these functions; gives the decorator of functions that kernels may call."""
    from llvmlite import binding, ir
    from numba import extending, types

    wide = types.float64
    fused = binding.get_process_triple().startswith(("aarch64", "arm64")) or bool(
        binding.get_host_cpu_features().get("fma")
    )

    @extending.intrinsic  # type: ignore[untyped-decorator]
    def as_bits(typing: Any, x: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.bitcast(args[0], ir.IntType(64))

        return types.int64(wide), build

    @extending.intrinsic  # type: ignore[untyped-decorator]
    def as_float(typing: Any, n: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.bitcast(args[0], ir.DoubleType())

        return wide(types.int64), build

    @extending.intrinsic  # type: ignore[untyped-decorator]
    def as_fma(typing: Any, x: Any, y: Any, z: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.fma(*args)

        return wide(wide, wide, wide), build

    def taught(name: Callable[..., Any], impl: Callable[..., Any]) -> None:
        extending.overload(name, jit_options={"forceinline": True}, strict=False)(lambda *args: impl)

    taught(to_bits, lambda x: as_bits(x))
    taught(from_bits, lambda n: as_float(n))
    taught(element, lambda table, i: table[np.uint64(i)])
    taught(double, lambda x: np.float64(x))
    if fused:
        taught(fma, lambda x, y, z: as_fma(x, y, z))
        taught(error, lambda x, y, p: as_fma(x, y, -p))
    else:
        taught(fma, fma)
        taught(error, error)

    @extending.overload(like, jit_options={"forceinline": True}, strict=False)  # type: ignore[untyped-decorator]
    def as_like(y: Any, x: Any) -> Any:
        return (lambda y, x: np.float32(y)) if x == types.float32 else (lambda y, x: y)

    return extending.register_jitable(forceinline=True, error_model="numpy")  # type: ignore[no-any-return]
