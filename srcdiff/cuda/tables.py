"""The one table from functions to the CUDA C of one element."""

from __future__ import annotations

import builtins
import math
import operator
from typing import Any

import numpy as np

from srcdiff.compiled import tables
from srcdiff.ir import ops

__all__ = ["BLOCKS", "C_TYPES", "ELEMENTWISE", "FUNCTIONS", "PARAMS", "TEAMS", "spelled"]

C_TYPES = {"f8": "double", "f4": "float", "i8": "long long", "i4": "int", "b1": "bool"}
PARAMS = {"f8": "float64", "f4": "float32", "i8": "int64", "i4": "int32", "b1": "bool"}

# {0}, {1} are the operands, of the dtype of the result already (of comparisons: of one dtype)
ELEMENTWISE: dict[Any, str] = {
    operator.add: "({0} + {1})", operator.sub: "({0} - {1})", operator.mul: "({0} * {1})",
    operator.truediv: "({0} / {1})", operator.neg: "(-{0})", operator.pos: "{0}", operator.abs: "abs({0})",
    operator.pow: "pow({0}, {1})", operator.mod: "mod({0}, {1})", operator.floordiv: "floordiv({0}, {1})",
    operator.lt: "({0} < {1})", operator.le: "({0} <= {1})", operator.gt: "({0} > {1})",
    operator.ge: "({0} >= {1})", operator.eq: "({0} == {1})", operator.ne: "({0} != {1})",
    operator.and_: "({0} && {1})", operator.or_: "({0} || {1})", operator.xor: "({0} != {1})",
    operator.invert: "(!{0})", operator.not_: "(!{0})",
    np.logical_and: "({0} && {1})", np.logical_or: "({0} || {1})", np.logical_not: "(!{0})",
    ops.accumulate: "({0} + {1})", np.square: "({0} * {0})", np.reciprocal: "(1 / {0})",
    np.where: "({0} ? {1} : {2})",
    np.maximum: "larger({0}, {1})", np.minimum: "smaller({0}, {1})",
    np.clip: "smaller(larger({0}, {1}), {2})", np.sign: "sign({0})", np.logaddexp: "logaddexp({0}, {1})",
    np.isnan: "isnan({0})", np.isinf: "isinf({0})", np.isfinite: "isfinite({0})",
    math.isnan: "isnan({0})", math.isinf: "isinf({0})", math.isfinite: "isfinite({0})",
    np.floor: "floor({0})", np.ceil: "ceil({0})", np.trunc: "trunc({0})", np.rint: "rint({0})",
    np.hypot: "hypot({0}, {1})", np.arctan2: "atan2({0}, {1})", np.copysign: "copysign({0}, {1})",
    np.fabs: "abs({0})", math.fabs: "abs({0})", math.atan2: "atan2({0}, {1})",
    math.hypot: "hypot({0}, {1})", math.copysign: "copysign({0}, {1})", math.pow: "pow({0}, {1})",
    builtins.float: "{0}", np.float64: "{0}", np.float32: "{0}", builtins.bool: "({0} != 0)",
    math.erf: "erf({0})", math.erfc: "erfc({0})", math.gamma: "tgamma({0})", math.lgamma: "lgamma({0})",
}  # fmt: skip
ELEMENTWISE.update(dict.fromkeys((ops.copied, np.copy, *tables.IDENTITY), "{0}"))
for _fn, _template in tables.ELEMENTWISE.items():
    if _template.startswith("math.") and _template.endswith("({0})"):
        ELEMENTWISE.setdefault(_fn, _template[5:])

# functions of the device that a kernel brings along, by the word that calls them
FUNCTIONS = {
    "larger": """\
template <typename T> __device__ T larger(T a, T b) { return a >= b || a != a ? a : b; }""",
    "smaller": """\
template <typename T> __device__ T smaller(T a, T b) { return a <= b || a != a ? a : b; }""",
    "sign": """\
template <typename T> __device__ T sign(T x) { return x > 0 ? T(1) : x < 0 ? T(-1) : x; }""",
    "mod": """\
__device__ long long mod(long long a, long long b) {
    long long r = a % b;
    return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
template <typename T> __device__ T mod(T a, T b) {
    T r = fmod(a, b);
    return r == 0 ? copysign(T(0), b) : (r < 0) != (b < 0) ? r + b : r;
}""",
    "floordiv": """\
__device__ long long floordiv(long long a, long long b) {
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}""",
    "place": """\
__device__ ptrdiff_t place(ptrdiff_t k, ptrdiff_t n) {  // as CuPy: from either end, and round again
    if (k < -n || k >= n) k %= n;
    return k < 0 ? k + n : k;
}""",
    "logaddexp": """\
template <typename T> __device__ T logaddexp(T a, T b) {
    if (a == b) return a + log(T(2));
    T d = a - b;
    return d > 0 ? a + log1p(exp(-d)) : d <= 0 ? b + log1p(exp(d)) : d;
}""",
}

# What the threads of a block hold, put together in an order that is always the same: all of them get it.
BLOCK = """\
__device__ double block_{how}(double value) {{
    __shared__ double warps[32];
    const int lane = threadIdx.x % 32;
    const int lanes = min(32, (int)blockDim.x - (int)(threadIdx.x - lane));
    for (int n = 16; n > 0; n /= 2) {{
        const double other = __shfl_down_sync(0xffffffff, value, n);
        if (lane + n < lanes) value = {step};
    }}
    if (lane == 0) warps[threadIdx.x / 32] = value;
    __syncthreads();
    value = warps[0];
    for (int n = 1; n < ((int)blockDim.x + 31) / 32; ++n) {{
        const double other = warps[n];
        value = {step};
    }}
    __syncthreads();
    return value;
}}"""
# The same for teams: parts of a warp (1, 2, 4 ... 32 threads), or all of a block.
TEAM = """\
__device__ double team_{how}(double value, int team) {{
    for (int n = min(team, 32) / 2; n > 0; n /= 2) {{
        const double other = __shfl_xor_sync(0xffffffff, value, n);
        value = {step};
    }}
    if (team <= 32) return value;
    __shared__ double warps[32];
    if (threadIdx.x % 32 == 0) warps[threadIdx.x / 32] = value;
    __syncthreads();
    value = warps[0];
    for (int n = 1; n < team / 32; ++n) {{
        const double other = warps[n];
        value = {step};
    }}
    __syncthreads();
    return value;
}}"""
STEPS = {"sum": "value + other", "max": "larger(value, other)", "min": "smaller(value, other)"}
BLOCKS = {how: BLOCK.format(how=how, step=step) for how, step in STEPS.items()}
TEAMS = {f"team_{how}": TEAM.format(how=how, step=step) for how, step in STEPS.items()}


def spelled(fn: Any) -> str | None:
    """The text of one element of a function, None if it has none."""
    try:
        return ELEMENTWISE.get(fn)
    except TypeError:
        return None
