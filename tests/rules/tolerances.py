"""How near a rule's numbers are to be: one table, and what is left out of the variants, with the reason.

Distances are relative to the largest number of the result (or to one).
"""

from __future__ import annotations

__all__ = [
    "DIFFERENCES", "MEMORY", "NO_COMPLEX", "NO_EMPTY", "NO_NUMBERS", "ONE_MODE", "SINGLE", "SLOW", "left_out",
    "of_differences", "of_single",
]  # fmt: skip

MEMORY = 1e-13  # the same numbers in other memory
NEAR = 2e-9  # central differences of the fourth order, of steps of 1e-3
NEAR_SINGLE = 2e-6  # single precision has seven digits

DIFFERENCES: dict[str, float] = {  # (what is steep, or has few digits itself)
    "numpy.ellipj": 2e-8,
    "numpy.ellipkinc": 3e-9,
    "numpy.ellipkm1": 2e-8,
    "numpy.eval_chebyu": 5e-9,
    "numpy.eval_gegenbauer": 5e-9,
    "numpy.eval_jacobi": 3e-9,
    "numpy.eval_legendre": 3e-9,
    "numpy.eval_sh_chebyt": 3e-8,
    "numpy.eval_sh_chebyu": 3e-8,
    "numpy.eval_sh_legendre": 3e-8,
    "numpy.float16": 3e-3,
    "numpy.float32": 3e-8,
    "numpy.gamma": 2e-8,
    "numpy.gammainc": 5e-9,
    "numpy.hankel2e": 3e-9,
    "numpy.interp": 3e-9,
    "numpy.itairy": 2e-6,
    "numpy.linalg.norm": 5e-9,
    "numpy.linalg.pinv": 1e-8,
    "numpy.linalg.qr": 5e-8,
    "numpy.linalg.svd": 3e-8,
    "numpy.linalg.svdvals": 1e-8,
    "numpy.logit": 3e-8,
    "numpy.ndtri": 3e-8,
    "numpy.polynomial.laguerre.lagroots": 5e-8,
    "numpy.polynomial.polynomial.polyroots": 1e-7,
    "numpy.roots": 3e-7,
    "numpy.spence": 3e-9,
    "scipy.linalg._basic.lstsq": 2e-8,
    "scipy.linalg._basic.pinv": 2e-8,
    "scipy.linalg._basic.solve": 1e-8,
    "scipy.linalg._decomp_lu.lu_factor": 3e-9,
    "scipy.linalg._decomp_lu.lu_solve": 3e-9,
    "scipy.linalg._decomp_svd.svd": 5e-9,
    "scipy.special._lambertw.lambertw": 3e-8,
    "scipy.special._spherical_bessel.spherical_kn": 1e-8,
    "scipy.special._spherical_bessel.spherical_yn": 1e-8,
    "scipy.stats._distn_infrastructure.cdf": 3e-8,
    "scipy.stats._distn_infrastructure.isf": 3e-8,
    "scipy.stats._distn_infrastructure.logcdf": 1e-8,
    "scipy.stats._distn_infrastructure.logpdf": 3e-8,
    "scipy.stats._distn_infrastructure.logpmf": 5e-9,
    "scipy.stats._distn_infrastructure.pdf": 3e-8,
    "scipy.stats._distn_infrastructure.logsf": 3e-8,
    "scipy.stats._distn_infrastructure.ppf": 2e-8,
    "scipy.stats._distn_infrastructure.sf": 3e-8,
    "scipy.stats._multivariate.logpdf": 3e-8,
    "scipy.stats._multivariate.logpmf": 1e-8,
    "scipy.stats._multivariate.pdf": 1e-8,
    "srcdiff.runtime.linalg.svd": 1e-8,
    "srcdiff.runtime.special.polygamma": 5e-9,
}
SINGLE: dict[str, float] = {
    "numpy.ellipeinc": 1e-5,
    "numpy.ellipkinc": 1e-5,
    "numpy.fdtri": 1e-5,
    "scipy.linalg._decomp.eigh": 5e-6,
    "scipy.linalg._decomp_svd.svd": 5e-6,
    "scipy.signal._savitzky_golay.savgol_filter": 5e-6,
    "scipy.stats._distn_infrastructure.isf": 5e-6,
    "srcdiff.runtime.interpolation.interpolate": 1e-5,
}

# What of the variants is left out: by the beginning of the name, and why.
NO_COMPLEX: dict[str, str] = {
    "srcdiff.runtime.reductions.quantile_weights": "complex numbers have no order",
    "numpy.unique_values": "the order is that of a hash: differences see it change",
    "numpy.linalg.eig": "the order of eigenvalues changes with rounding: there are complex samples",
    "numpy.maximum": "Python does not compare its complex numbers",
    "numpy.minimum": "as np.maximum",
    "numpy.clip": "as np.maximum",
    "numpy.histogram": "complex weights are an error of np.interp's, in the text",
}
HELPER = "called by rules, with the shapes that these have made"
VECTORS = "the text takes vectors or matrices: of a number it raises an error of NumPy's"
NO_NUMBERS: dict[str, str] = {
    "srcdiff.runtime.": HELPER,
    "numpy.polynomial.": VECTORS,
    "numpy.convolve": "the front end makes a vector of a number",
    "numpy.cumprod": VECTORS,
    "numpy.gradient": "there is no derivative along no axis",
    "numpy.repeat": VECTORS,
    "scipy.linalg.": VECTORS,
    "scipy.spatial.": VECTORS,
}
ENTRIES = "the text raises an error of NumPy's, or gives zeros of another shape"
NO_EMPTY: dict[str, str] = {
    "srcdiff.runtime.": HELPER,
    "numpy.diff": ENTRIES,
    "numpy.frexp": "differences of no integers",
    "numpy.histogram": ENTRIES,
    "numpy.linalg.lstsq": ENTRIES,
    "numpy.linalg.matrix_norm": ENTRIES,
    "numpy.linalg.norm": ENTRIES,
    "numpy.nanquantile": "the result of NumPy forgets that there are several quantiles",
    "numpy.polyder": ENTRIES,
    "numpy.resize": ENTRIES,
    "numpy.trapezoid": ENTRIES,
    "numpy.unstack": ENTRIES,
    "numpy.vander": ENTRIES,
    "scipy.linalg.": ENTRIES,
    "scipy.ndimage.": "np.pad cannot extend what has no entries",
    "scipy.signal.": ENTRIES,
    "scipy.spatial.": ENTRIES,
}
# of what takes a tenth of a second for a call, the variants are for SRCDIFF_ALL=1
SLOW: dict[str, str] = dict.fromkeys(("scipy.linalg._matfuncs.", "scipy.linalg._expm_frechet."), "iterations")

ONE_MODE: dict[str, str] = {  # texts that raise in one mode alone
    "srcdiff.runtime.interpolation.interpolate": "both do: the other in runtime.interpolation.fixed_knots",
    "numpy.trapezoid": "a helper of the other mode raises, for what is not asked of it here",
    "scipy.linalg._decomp_qr.qr": "both do: the other in a text of numpy.linalg.qr",
    "numpy.linalg.svd": "forward mode raises where the tangent is a result (runtime.completing)",
    "scipy.ndimage._filters.gaussian_filter": "forward mode is the filter itself",
    "scipy.ndimage._filters.uniform_filter": "forward mode is the filter itself",
    "scipy.signal._savitzky_golay.savgol_filter": "forward mode is the filter itself",
    "scipy.signal._signaltools.convolve2d": "forward mode is the convolution itself",
    "scipy.signal._signaltools.correlate2d": "forward mode is the correlation itself",
}


def left_out(table: dict[str, str], name: str) -> bool:
    return any(name.startswith(part) for part in table)


def of_differences(name: str) -> float:
    return DIFFERENCES.get(name, NEAR)


def of_single(name: str) -> float:
    return SINGLE.get(name, NEAR_SINGLE)
