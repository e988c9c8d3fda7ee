"""A distribution with its parameters given: ``norm(m, s).logpdf(x)`` is read as ``norm.logpdf(x, m, s)``."""

from __future__ import annotations

from typing import Any

__all__ = ["Frozen"]


class Frozen:
    """What the front end reads in place of such an object; it is never made."""

    def __init__(self, dist: Any, *args: Any, **given: Any) -> None:
        self.dist, self.args, self.given = dist, args, given

    def logpdf(self, x: Any) -> Any:
        return self.dist.logpdf(x, *self.args, **self.given)

    def pdf(self, x: Any) -> Any:
        return self.dist.pdf(x, *self.args, **self.given)

    def logpmf(self, k: Any) -> Any:
        return self.dist.logpmf(k, *self.args, **self.given)

    def pmf(self, k: Any) -> Any:
        return self.dist.pmf(k, *self.args, **self.given)

    def cdf(self, x: Any) -> Any:
        return self.dist.cdf(x, *self.args, **self.given)

    def sf(self, x: Any) -> Any:
        return self.dist.sf(x, *self.args, **self.given)

    def logcdf(self, x: Any) -> Any:
        return self.dist.logcdf(x, *self.args, **self.given)

    def logsf(self, x: Any) -> Any:
        return self.dist.logsf(x, *self.args, **self.given)

    def ppf(self, q: Any) -> Any:
        return self.dist.ppf(q, *self.args, **self.given)

    def isf(self, q: Any) -> Any:
        return self.dist.isf(q, *self.args, **self.given)

    def mean(self) -> Any:
        return self.dist.mean(*self.args, **self.given)

    def var(self) -> Any:
        return self.dist.var(*self.args, **self.given)

    def std(self) -> Any:
        return self.dist.std(*self.args, **self.given)

    def median(self) -> Any:
        return self.dist.median(*self.args, **self.given)

    def entropy(self) -> Any:
        return self.dist.entropy(*self.args, **self.given)

    def rvs(self, size: Any = 1, random_state: Any = None) -> Any:
        return self.dist.rvs(*self.args, size=size, random_state=random_state, **self.given)
