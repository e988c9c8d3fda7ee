"""Operations whose Taylor coefficients have a recurrence that is shorter than their tangent's.

All others go by their tangent: it says ``y' = D(x, y, x')``, and one coefficient of ``D`` gives the next of
``y`` (Griewank and Walther 2008, section 13.2).
"""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

__all__ = ["POWERS", "PRODUCTS", "QUOTIENTS"]

PRODUCTS: frozenset[Any] = frozenset({operator.mul})  # y = a b: the convolution of both
QUOTIENTS: frozenset[Any] = frozenset({operator.truediv})  # y b = a: solved for the last coefficient of y
POWERS: frozenset[Any] = frozenset({operator.pow, np.float_power, math.pow})  # a y' = n y a', or products
