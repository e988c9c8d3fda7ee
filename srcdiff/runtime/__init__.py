"""The few functions that emitted text may call; imports nothing of srcdiff but itself, and NumPy."""

from srcdiff.runtime import (
    arrays,
    checks,
    chosen,
    filters,
    interpolation,
    joined,
    linalg,
    matrices,
    numbers,
    packing,
    parameters,
    polynomials,
    records,
    reductions,
    schedules,
    special,
    substitutes,
)
from srcdiff.runtime.arrays import *  # noqa: F403
from srcdiff.runtime.checks import *  # noqa: F403
from srcdiff.runtime.chosen import *  # noqa: F403
from srcdiff.runtime.filters import *  # noqa: F403
from srcdiff.runtime.interpolation import *  # noqa: F403
from srcdiff.runtime.joined import *  # noqa: F403
from srcdiff.runtime.linalg import *  # noqa: F403
from srcdiff.runtime.matrices import *  # noqa: F403
from srcdiff.runtime.numbers import *  # noqa: F403
from srcdiff.runtime.packing import *  # noqa: F403
from srcdiff.runtime.parameters import *  # noqa: F403
from srcdiff.runtime.polynomials import *  # noqa: F403
from srcdiff.runtime.records import *  # noqa: F403
from srcdiff.runtime.reductions import *  # noqa: F403
from srcdiff.runtime.schedules import *  # noqa: F403
from srcdiff.runtime.special import *  # noqa: F403
from srcdiff.runtime.substitutes import *  # noqa: F403

__all__ = [
    *arrays.__all__, *checks.__all__, *chosen.__all__, *filters.__all__, *interpolation.__all__,
    *joined.__all__, *linalg.__all__, *matrices.__all__, *numbers.__all__, *packing.__all__,
    *parameters.__all__, *polynomials.__all__, *records.__all__, *reductions.__all__, *schedules.__all__,
    *special.__all__, *substitutes.__all__,
]  # fmt: skip
