"""What CuPy has and NumPy has not: names that NumPy has otherwise, and what is refused, in words."""

from __future__ import annotations

from typing import Any

__all__ = ["METHODS", "RENAMED", "RULE", "refusal"]

# names that NumPy has under others
RENAMED = {
    "trapz": "trapezoid", "product": "prod", "cumproduct": "cumprod", "sometrue": "any", "alltrue": "all",
    "round_": "round", "in1d": "isin", "float_": "float64", "complex_": "complex128", "cfloat": "complex128",
    "singlecomplex": "complex64", "infty": "inf", "Inf": "inf", "Infinity": "inf", "PINF": "inf",
    "NAN": "nan", "NaN": "nan",
}  # fmt: skip

KERNEL = (
    "is a kernel of your own, whose text is not differentiated",
    "write the operations on arrays (backend='cupy-fused' makes a kernel of them), or call the kernel in a "
    "function, and give that function a rule: @srcdiff.elementwise(function)",
)
AROUND = (
    "is not a part of what is differentiated",
    "say it around the call of the derivative: with stream: grad(f)(x)",
)
MEMORY = ("is not a part of what is differentiated", "do it outside of the function")
RULE = "call it in a function of your own, and give that function a rule"
TO_HOST = (
    "copies an array from the device to the host",
    "leave it out: NumPy's functions work on the device's arrays; copy the result, outside of the function",
)
WORDS = {
    "ElementwiseKernel": KERNEL, "ReductionKernel": KERNEL, "RawKernel": KERNEL, "RawModule": KERNEL,
    "_JitRawKernel": KERNEL, "Function": KERNEL, "GeneralizedUFunc": KERNEL,
    "Stream": AROUND, "ExternalStream": AROUND, "Device": AROUND, "Event": AROUND, "Graph": AROUND,
    "get_current_stream": AROUND, "MemoryPool": MEMORY, "PinnedMemoryPool": MEMORY,
    "get_default_memory_pool": MEMORY, "get_default_pinned_memory_pool": MEMORY,
    "asnumpy": TO_HOST, "fromDlpack": MEMORY, "runtime": AROUND,
    "scatter_max": ("has no rule", RULE), "scatter_min": ("has no rule", RULE),
}  # fmt: skip
METHODS = {"get": TO_HOST, "toDlpack": TO_HOST, "set": ("writes over an array", "write x[...] = value")}


def refusal(name: str, obj: Any = None) -> tuple[str, str] | None:
    """Why something of CuPy's is not differentiated, and what to do; by its name, or that of its class."""
    return WORDS.get(name) or WORDS.get(type(obj).__name__)
