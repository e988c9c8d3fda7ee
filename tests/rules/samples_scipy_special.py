"""Samples of the functions of ``scipy.special``, away from kinks and poles; and what happens there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from harness import Kink, Sample
from samples_elementwise import binary, complexes, real, unary
from scipy import special

from srcdiff.runtime.parameters import beta_slope, gamma_slope, hyp1f1_slope, hyp2f1_slope, zeta_slope

Fn = Callable[..., Any]


def near(low: float, high: float, *points: float) -> list[Sample]:
    """As ``unary``, and points near the edges."""
    return [*unary(low, high), *(Sample((np.array(p),), name=f"at_{p}") for p in points)]


def of_order(orders: tuple[Any, ...], low: float, high: float, *rest: Any) -> list[Sample]:
    """Functions of a constant order and a real number."""
    arrays = [Sample((v, real(low, high, 4)), wrt=(1,), name=f"order_{v}") for v in orders]
    several = np.array([[o] for o in orders])
    return [
        *arrays,
        Sample((orders[0], 0.5 * (low + high)), wrt=(1,), name="float"),
        Sample((orders[-1], np.asarray(0.4 * low + 0.6 * high)), wrt=(1,), name="0d"),
        Sample((several, real(low, high, 3)), wrt=(1,), name="orders"),
        Sample((orders[-1], np.zeros((0, 2))), wrt=(1,), name="empty"),
    ]


def shaped(*parameters: Any, x: tuple[float, float], wrt: tuple[int, ...] = ()) -> list[Sample]:
    """Functions of constant parameters and a real number, which comes last."""
    at = wrt or (len(parameters),)
    middle = 0.4 * x[0] + 0.6 * x[1]
    return [
        Sample((*parameters, middle), wrt=at, name="float"),
        Sample((*parameters, real(*x, 5)), wrt=at, name="1d"),
        Sample((*(np.array([[p], [p]]) for p in parameters), real(*x, 3)), wrt=at, name="broadcast"),
    ]


WHOLE = (0, 1, 2, 5)
DEGREES = (0, 1, 2, 3, 7)
SAMPLES: dict[Fn, list[Sample]] = {
    special.diric: [
        Sample((real(0.3, 5.0, 4), 5), wrt=(0,), name="odd"),
        Sample((real(0.3, 5.0, 4), 4), wrt=(0,), name="even"),
        Sample((0.7, 3), wrt=(0,), name="float"),
    ],
    # gamma.py
    special.gamma: [*near(0.3, 4.0, 20.3, -1.4), *unary(-0.8, -0.2)],
    special.gammaln: near(0.3, 4.0, 1e3, -1.4),
    special.loggamma: near(0.3, 4.0, 1e3),
    special.rgamma: [*near(0.3, 4.0, -1.4, -1.0, -2.0, 0.0), Sample((np.array([-3.0, -1.001, 0.5, 1.0]),))],
    special.psi: near(0.3, 4.0, 1e3, -1.4),
    special.polygamma: [
        *of_order((0, 1, 3), 0.6, 4.0),
        Sample((np.array([0, 2]), np.array([1.3, 0.8])), wrt=(1,), name="pairs"),
    ],
    special.poch: binary((0.4, 2.0), (0.5, 3.0)),
    special.zeta: [
        *shaped(2.5, x=(0.6, 3.0), wrt=(1, 0)),
        *shaped(4.0, x=(1.6, 3.0), wrt=(1, 0)),
        Sample((real(1.5, 4.0, 4),), name="riemann"),
        Sample((-1.4,), name="left"),
    ],
    special.zetac: [*unary(1.4, 4.0), Sample((-1.4,), name="left")],
    zeta_slope: [*shaped(2.5, x=(0.6, 3.0), wrt=(1, 0)), Sample((2.5, 1.3, 2, 1), wrt=(0, 1), name="mixed")],
    special.multigammaln: [
        Sample((3.2, 3), name="float"),
        Sample((real(2.0, 4.0, 2, 3), 2), name="2d"),
        Sample((np.asarray(1.3), 1), name="0d"),
    ],
    special.factorial: [Sample((2.6,)), Sample((real(0.2, 4.0, 2, 3),), name="2d")],
    special.beta: binary((0.4, 2.0), (0.5, 3.0)),
    special.betaln: binary((0.4, 2.0), (0.5, 3.0)),
    special.binom: binary((3.4, 5.0), (0.5, 3.0)),
    special.comb: [
        *binary((3.4, 5.0), (0.5, 3.0)),
        Sample((4.3, 2.0), {"repetition": True}, (0, 1), name="repetition"),
    ],
    special.perm: binary((3.4, 5.0), (0.5, 3.0)),
    special.gammainc: [*shaped(2.3, x=(0.4, 3.0), wrt=(1, 0)), *shaped(0.7, x=(0.1, 5.5), wrt=(1, 0))],
    special.gammaincc: shaped(2.3, x=(0.4, 9.0), wrt=(1, 0)),
    special.gammaincinv: shaped(2.3, x=(0.2, 0.8), wrt=(1, 0)),
    special.gammainccinv: shaped(2.3, x=(0.2, 0.8), wrt=(1, 0)),
    gamma_slope: [
        *shaped(2.3, x=(0.4, 3.0), wrt=(1, 0)),
        Sample((2.3, real(0.4, 6.0, 3), 2, 1), wrt=(0, 1), name="mixed"),
    ],
    special.betainc: [
        *shaped(2.3, 1.4, x=(0.2, 0.8), wrt=(2, 0, 1)),
        *shaped(0.5, 3.0, x=(0.2, 0.8), wrt=(2, 0, 1)),
    ],
    special.betaincc: shaped(2.3, 1.4, x=(0.2, 0.8), wrt=(2, 0, 1)),
    special.betaincinv: shaped(2.3, 1.4, x=(0.2, 0.8), wrt=(2, 0, 1)),
    special.betainccinv: shaped(2.3, 1.4, x=(0.2, 0.8), wrt=(2, 0, 1)),
    beta_slope: [
        *shaped(2.3, 1.4, x=(0.2, 0.8), wrt=(2, 0, 1)),
        Sample((2.3, 1.4, real(0.2, 0.8, 3), 0, 1), wrt=(0, 1, 2), name="other"),
        Sample((2.3, 1.4, real(0.2, 0.8, 3), 1, 1, 1), wrt=(0, 1, 2), name="mixed"),
    ],
    # error.py
    special.erf: unary(-2.0, 2.0),
    special.erfc: unary(-2.0, 2.0),
    special.erfi: unary(-1.0, 1.0),
    special.erfcx: near(-1.0, 3.0, 0.0, 40.0, 49.0, 51.0),
    special.dawsn: near(-2.0, 2.0, 0.0, 40.0, 51.0, -60.0),
    special.wofz: [Sample((complexes(2, 3),), name="complex"), Sample((0.3 - 0.2j,), name="number")],
    special.erfinv: unary(-0.8, 0.8),
    special.erfcinv: unary(0.3, 1.7),
    special.ndtr: unary(-2.0, 2.0),
    special.log_ndtr: near(-3.0, 2.0, -40.0, 8.0),
    special.ndtri: unary(0.1, 0.9),
    special.ndtri_exp: near(-3.0, -0.3, -30.0),
    special.owens_t: binary((-1.5, 2.0), (-1.0, 1.5)),
    special.voigt_profile: [
        Sample((0.7, 0.9, 0.4), wrt=(0, 1, 2), name="floats"),
        Sample((real(-2.0, 2.0, 3), real(0.5, 1.0, 2, 1), 0.6), wrt=(0, 1, 2), name="broadcast"),
    ],
    special.fresnel: unary(-1.5, 1.5),
    # exponential.py
    special.exp1: unary(0.4, 3.0),
    special.expi: [*unary(0.4, 3.0), *unary(-2.0, -0.4)],
    special.expn: of_order((0, 1, 2, 4), 0.6, 3.0),
    special.sici: [*unary(0.4, 3.0), Sample((complexes(3),), name="complex")],
    special.shichi: [*unary(0.4, 3.0), Sample((complexes(3),), name="complex")],
    special.spence: near(0.4, 3.0, 1.0, 1.0001, 20.0, 0.1),
    special.lambertw: [
        *near(-0.2, 3.0, 0.0, 1e-9),
        Sample((real(-0.3, -0.1, 3), -1), name="branch"),
        Sample((complexes(3),), name="complex"),
    ],
    special.wrightomega: [*unary(-2.0, 2.0), Sample((complexes(3),), name="complex")],
    special.exp2: unary(-2.0, 2.0),
    special.exp10: unary(-1.0, 1.0),
    special.expm1: unary(-2.0, 2.0),
    special.log1p: unary(-0.5, 2.0),
    special.exprel: near(-3.0, 3.0, 0.0, 1e-9, -40.0),
    special.cosm1: unary(-2.0, 2.0),
    special.powm1: binary((0.4, 2.0), (-1.5, 2.5)),
    special.cbrt: unary(0.3, 2.0),
    special.radian: [
        Sample((12.0, 3.5, 40.0), wrt=(0, 1, 2)),
        Sample((real(0.0, 90.0, 3), real(0.0, 60.0, 2, 1), 4.0), wrt=(0, 1, 2), name="broadcast"),
    ],
    special.sindg: unary(-90.0, 90.0),
    special.cosdg: unary(-90.0, 90.0),
    special.tandg: unary(-50.0, 50.0),
    special.cotdg: unary(20.0, 80.0),
    special.agm: [*binary((0.6, 2.0), (0.5, 3.0)), Sample((1.5, 1.5), wrt=(0, 1), name="equal")],
    # convex.py
    special.xlogy: [
        *binary((-2.0, 2.0), (0.4, 2.0)),
        Sample((0.0, real(0.5, 2.0, 3)), wrt=(0, 1), name="zero"),
    ],
    special.xlog1py: binary((-2.0, 2.0), (-0.4, 2.0)),
    special.entr: unary(0.3, 2.0),
    special.rel_entr: binary((0.3, 2.0), (0.4, 2.0)),
    special.kl_div: binary((0.3, 2.0), (0.4, 2.0)),
    special.huber: [*binary((0.8, 1.2), (-0.5, 0.5)), *binary((0.3, 0.8), (-3.0, -1.0))],
    special.pseudo_huber: [*binary((0.4, 2.0), (-2.0, 2.0)), Sample((1.0, 1e-9), wrt=(0, 1), name="small")],
    special.boxcox: [
        *binary((0.4, 2.0), (-1.0, 2.0)),
        Sample((real(0.4, 2.0, 3), np.zeros(3)), wrt=(0, 1), name="logarithm"),
    ],
    special.boxcox1p: [*binary((-0.4, 2.0), (-1.0, 2.0)), Sample((1.3, 0.0), wrt=(0, 1), name="logarithm")],
    special.inv_boxcox: [
        *binary((-0.4, 1.0), (0.2, 0.9)),
        Sample((real(0.4, 2.0, 3), np.zeros(3)), wrt=(0, 1), name="exponential"),
    ],
    special.inv_boxcox1p: [
        *binary((-0.4, 1.0), (0.2, 0.9)),
        Sample((1.3, 0.0), wrt=(0, 1), name="exponential"),
    ],
    # logistic.py
    special.expit: near(-3.0, 3.0, 30.0, -40.0),
    special.log_expit: near(-3.0, 3.0, 30.0, -40.0),
    special.logit: unary(0.1, 0.9),
    special.softmax: [
        Sample((real(-1.0, 1.0, 4),), name="1d"),
        Sample((real(-1.0, 1.0, 2, 3),), name="2d"),
        Sample((real(-1.0, 1.0, 2, 3),), {"axis": 0}, name="axis_0"),
        Sample((real(-1.0, 1.0, 2, 3),), {"axis": -1}, name="last"),
        Sample((real(-1.0, 1.0, 2, 3, 2),), {"axis": (0, 2)}, name="axes"),
        Sample((np.array([1e3, 999.0, -1e3]),), name="large"),
    ],
    special.logsumexp: [
        Sample((real(-1.0, 1.0, 4),), name="1d"),
        Sample((real(-1.0, 1.0, 2, 3),), name="2d"),
        Sample((real(-1.0, 1.0, 2, 3), 0), name="axis_0"),
        Sample((real(-1.0, 1.0, 2, 3),), {"axis": -1, "keepdims": True}, name="kept"),
        Sample((real(-1.0, 1.0, 2, 3),), {"keepdims": True}, name="all_kept"),
        Sample((real(-1.0, 1.0, 2, 3, 2),), {"axis": (0, 2)}, name="axes"),
        Sample((np.array([1e3, 999.0, -1e3]),), name="large"),
        Sample((real(-1.0, 1.0, 2, 3), 1, real(0.5, 2.0, 2, 3, seed=1)), wrt=(0, 2), name="weights"),
        Sample((real(-1.0, 1.0, 2, 3), 1, real(0.5, 2.0, 3, seed=1)), wrt=(0, 2), name="weights_broadcast"),
        Sample((real(-1.0, 1.0, 4),), {"b": np.array([1.0, 0.0, 2.0, -0.2])}, (0, "b"), name="weights_zero"),
        Sample(
            (real(-1.0, 1.0, 2, 3), 1, real(-2.0, -1.0, 2, 3, seed=1)),
            {"return_sign": True},
            wrt=(0, 2),
            name="sign",
        ),
        Sample((real(-1.0, 1.0, 3), None, -1.5, True, True), wrt=(0, 2), name="sign_kept"),
    ],
    # bessel.py
    special.jv: [*of_order((0, 1, 2.5, -0.5), 0.6, 5.0), Sample((0, np.zeros(2)), wrt=(1,), name="at_0")],
    special.yv: of_order((0, 1, 2.5), 0.9, 5.0),
    special.yn: of_order(WHOLE, 0.9, 5.0),
    special.iv: [*of_order((0, 1, 2.5), 0.6, 3.0), Sample((2, np.zeros(2)), wrt=(1,), name="at_0")],
    special.kv: of_order((0, 1, 2.5), 0.6, 3.0),
    special.kn: of_order(WHOLE, 0.9, 3.0),
    special.hankel1: of_order((0, 1, 2.5), 0.9, 5.0),
    special.hankel2: of_order((0, 1, 2.5), 0.9, 5.0),
    special.jve: of_order((0, 1, 2.5), 0.6, 5.0),
    special.yve: of_order((0, 1, 2.5), 0.9, 5.0),
    special.ive: of_order((0, 1, 2.5), 0.6, 5.0),
    special.kve: of_order((0, 1, 2.5), 0.6, 5.0),
    special.hankel1e: of_order((0, 1, 2.5), 0.9, 5.0),
    special.hankel2e: of_order((0, 1, 2.5), 0.9, 5.0),
    special.jvp: [*of_order((0, 1, 2.5), 0.9, 5.0), Sample((1, 0.7, 2), wrt=(1,), name="second")],
    special.yvp: of_order((0, 1, 2.5), 0.9, 5.0),
    special.ivp: of_order((0, 1, 2.5), 0.9, 3.0),
    special.kvp: of_order((0, 1, 2.5), 0.9, 3.0),
    special.h1vp: of_order((0, 1, 2.5), 0.9, 3.0),
    special.h2vp: of_order((0, 1, 2.5), 0.9, 3.0),
    special.j0: near(-3.0, 5.0, 0.0),
    special.j1: near(-3.0, 5.0, 0.0),
    special.y0: unary(0.9, 5.0),
    special.y1: unary(0.9, 5.0),
    special.i0: near(-3.0, 3.0, 0.0),
    special.i1: near(-3.0, 3.0, 0.0),
    special.k0: unary(0.6, 3.0),
    special.k1: unary(0.6, 3.0),
    special.i0e: [*unary(0.3, 5.0), *unary(-5.0, -0.3)],
    special.i1e: [*unary(0.3, 5.0), *unary(-5.0, -0.3)],
    special.k0e: unary(0.6, 3.0),
    special.k1e: unary(0.6, 3.0),
    special.spherical_jn: [
        *of_order(WHOLE, 0.6, 5.0),
        Sample((0, np.array([0.0, 1e-3])), wrt=(1,), name="near_0"),
        Sample((2, real(0.5, 3.0, 3), True), wrt=(1,), name="derivative"),
    ],
    special.spherical_yn: [
        *of_order(WHOLE, 1.5, 5.0),
        Sample((2, real(1.5, 3.0, 3)), {"derivative": True}, (1,), name="derivative"),
    ],
    special.spherical_in: of_order(WHOLE, 0.6, 3.0),
    special.spherical_kn: of_order(WHOLE, 1.5, 3.0),
    special.airy: [*unary(-3.0, 1.5), Sample((complexes(3),), name="complex")],
    special.airye: [*unary(0.3, 2.0)],
    special.ber: near(-3.0, 3.0, 0.0),
    special.bei: near(-3.0, 3.0, 0.0),
    special.ker: unary(0.6, 3.0),
    special.kei: unary(0.6, 3.0),
    special.berp: near(-3.0, 3.0, 0.0),
    special.beip: near(-3.0, 3.0, 0.0),
    special.kerp: unary(0.6, 3.0),
    special.keip: unary(0.6, 3.0),
    special.struve: of_order((0, 1, 2.5), 0.6, 5.0),
    special.modstruve: of_order((0, 1, 2.5), 0.6, 3.0),
    special.pbdv: of_order((0.0, 1.0, 1.5), 0.3, 2.0),
    special.pbvv: of_order((0.0, 1.0, 1.5), 0.3, 2.0),
    special.pbwa: of_order((0.0, 1.0), 0.3, 2.0),
    special.itairy: [Sample((real(0.3, 2.0, 2, 3),), name="2d")],  # has seven digits
    special.itj0y0: unary(0.9, 3.0),
    special.iti0k0: unary(0.6, 3.0),
    special.it2j0y0: unary(0.9, 3.0),
    special.it2i0k0: unary(0.6, 3.0),
    special.itstruve0: unary(0.6, 3.0),
    special.it2struve0: unary(0.6, 3.0),
    special.itmodstruve0: unary(0.6, 3.0),
    special.besselpoly: [
        Sample((real(0.3, 1.5, 3), 1.0, 2.0), name="1d"),
        Sample((0.7, np.array([0.5, 1.5]), 1.0), name="powers"),
    ],
    # elliptic.py
    special.ellipk: near(-2.0, 0.9, 0.0, 1e-9, -30.0),
    special.ellipkm1: near(0.1, 2.0, 1.0),
    special.ellipe: near(-2.0, 0.9, 0.0, 1e-9, -30.0),
    special.ellipkinc: [
        *binary((-1.4, 1.4), (-2.0, 0.8)),
        *binary((3.5, 8.0), (0.1, 0.8)),
        Sample((np.array([0.7, 4.0]), np.array([1e-3, -1e-3])), wrt=(0, 1), name="near_0"),
    ],
    special.ellipeinc: [*binary((-1.4, 1.4), (-2.0, 0.8)), *binary((3.5, 8.0), (0.1, 0.8))],
    special.elliprf: [
        Sample((0.7, 1.3, 2.2), wrt=(0, 1, 2), name="floats"),
        Sample((real(0.5, 1.0, 3), real(1.5, 2.0, 2, 1), 2.7), wrt=(0, 1, 2), name="broadcast"),
    ],
    special.elliprd: [
        Sample((0.7, 1.3, 2.2), wrt=(0, 1, 2), name="floats"),
        Sample((real(0.5, 1.0, 3), real(1.5, 2.0, 2, 1), 2.7), wrt=(0, 1, 2), name="broadcast"),
    ],
    special.elliprc: binary((0.4, 1.0), (1.5, 3.0)),
    special.ellipj: [
        *binary((-1.4, 1.4), (0.1, 0.8)),
        *binary((3.5, 8.0), (0.1, 0.8)),
    ],
    # hypergeometric.py
    special.hyp0f1: [*shaped(1.5, x=(-2.0, 3.0)), Sample((2.5, complexes(3)), wrt=(1,), name="complex")],
    special.hyp1f1: [
        *shaped(0.5, 1.7, x=(-3.0, 2.0), wrt=(2, 0, 1)),
        Sample((0.5, 1.7, complexes(3)), wrt=(2,), name="complex"),
    ],
    special.hyp2f1: [
        *shaped(0.5, 1.7, 2.3, x=(-3.0, 0.8), wrt=(3, 0, 1, 2)),
        Sample((0.5, 1.7, 2.3, 0.5 * complexes(3)), wrt=(3,), name="complex"),
    ],
    hyp1f1_slope: [Sample((0.5, 1.7, real(-3.0, 2.0, 4), 1, 1), wrt=(0, 1, 2), name="mixed")],
    hyp2f1_slope: [Sample((0.5, 1.7, 2.3, real(-3.0, 0.8, 4), 0, 1, 1), wrt=(0, 1, 2, 3), name="mixed")],
    special.hyperu: shaped(0.5, 1.7, x=(0.6, 3.0)),
    # polynomials.py
    special.eval_jacobi: [s for n in DEGREES for s in shaped(n, 0.5, 1.3, x=(-0.9, 1.0))],
    special.eval_sh_jacobi: [s for n in DEGREES for s in shaped(n, 2.5, 1.3, x=(0.1, 1.0))],
    special.eval_gegenbauer: [s for n in DEGREES for s in shaped(n, 0.7, x=(-0.9, 1.0))],
    special.eval_legendre: [
        *of_order(DEGREES, -0.9, 0.9),
        Sample((3, np.array([-1.0, 1.0])), wrt=(1,), name="ends"),
    ],
    special.eval_sh_legendre: of_order(DEGREES, 0.1, 0.9),
    special.eval_chebyt: of_order(DEGREES, -0.9, 0.9),
    special.eval_chebyu: of_order(DEGREES, -0.9, 0.9),
    special.eval_chebyc: of_order(DEGREES, -1.9, 1.9),
    special.eval_chebys: of_order(DEGREES, -1.9, 1.9),
    special.eval_sh_chebyt: of_order(DEGREES, 0.1, 0.9),
    special.eval_sh_chebyu: of_order(DEGREES, 0.1, 0.9),
    special.eval_hermite: of_order((0, 1, 2, 4), -0.9, 0.9),
    special.eval_hermitenorm: of_order(DEGREES, -0.9, 0.9),
    special.eval_laguerre: of_order(DEGREES, 0.1, 3.0),
    special.eval_genlaguerre: [s for n in DEGREES for s in shaped(n, 0.7, x=(0.1, 3.0))],
    special.lpmv: [
        Sample((m, v, real(-0.8, 0.8, 4)), wrt=(2,), name=f"{m}_{v}")
        for m, v in ((0, 0), (0, 2), (1, 2), (3, 3))
    ],
    # distributions.py
    special.bdtr: [*shaped(2.0, 5, x=(0.2, 0.8)), *shaped(0.0, 3, x=(0.2, 0.8))],
    special.bdtrc: shaped(2.0, 5, x=(0.2, 0.8)),
    special.nbdtr: shaped(2, 5, x=(0.2, 0.8)),
    special.nbdtrc: shaped(2, 5, x=(0.2, 0.8)),
    special.pdtr: shaped(2.0, x=(0.4, 3.0)),
    special.pdtrc: shaped(2.0, x=(0.4, 3.0)),
    special.chdtr: shaped(3.5, x=(0.4, 3.0), wrt=(1, 0)),
    special.chdtrc: shaped(3.5, x=(0.4, 3.0), wrt=(1, 0)),
    special.chdtri: shaped(3.5, x=(0.2, 0.8), wrt=(1, 0)),
    special.gdtr: [
        Sample((0.7, 2.3, 1.4), wrt=(0, 2, 1), name="floats"),
        Sample((real(0.5, 1.0, 2, 1), 2.3, real(0.4, 2.0, 3)), wrt=(0, 2), name="broadcast"),
    ],
    special.gdtrc: [
        Sample((0.7, 2.3, 1.4), wrt=(0, 2, 1), name="floats"),
        Sample((real(0.5, 1.0, 2, 1), 2.3, real(0.4, 2.0, 3)), wrt=(0, 2), name="broadcast"),
    ],
    special.fdtr: shaped(3.5, 4.2, x=(0.4, 3.0), wrt=(2, 0, 1)),
    special.fdtrc: shaped(3.5, 4.2, x=(0.4, 3.0), wrt=(2, 0, 1)),
    special.fdtri: shaped(3.5, 4.2, x=(0.2, 0.8), wrt=(2, 0, 1)),
    special.stdtr: shaped(3.5, x=(-2.0, 2.0), wrt=(1, 0)),
    special.stdtrit: shaped(3.5, x=(0.2, 0.8), wrt=(1, 0)),
}
SAMPLES[special.log_softmax] = SAMPLES[special.softmax]
if hasattr(special, "softplus"):
    SAMPLES[special.softplus] = SAMPLES[special.log_expit]
if hasattr(special, "wright_bessel"):
    SAMPLES[special.wright_bessel] = shaped(0.5, 1.7, x=(0.4, 2.0))
if hasattr(special, "log_wright_bessel"):
    SAMPLES[special.log_wright_bessel] = shaped(0.5, 1.7, x=(0.4, 2.0))
if hasattr(special, "sph_harm_y"):
    SAMPLES[special.sph_harm_y] = [
        *(
            Sample((n, m, real(0.3, 2.5, 3), real(-3.0, 3.0, 3, seed=1)), wrt=(2, 3), name=f"{n}_{m}")
            for n, m in ((0, 0), (1, -1), (2, 1), (3, 3), (3, -2))
        ),
        Sample((3, 1, real(-2.5, -0.3, 3), 0.7), wrt=(2, 3), name="outside"),
        Sample((3, 2, real(-2.5, -0.3, 3), 0.7), wrt=(2, 3), name="outside_even"),
        Sample((np.array([2, 3]), 1, 0.4, 0.7), wrt=(2, 3), name="degrees"),
    ]

HOLOMORPHIC = [
    special.gamma, special.loggamma, special.rgamma, special.erf, special.erfc, special.erfi, special.erfcx,
    special.dawsn, special.exp1, special.expi, special.spence, special.expm1, special.log1p, special.xlogy,
]  # fmt: skip
for fn in HOLOMORPHIC[:-1]:
    SAMPLES[fn].append(Sample((complexes(2, 3),), name="complex"))
SAMPLES[special.xlogy].append(Sample((complexes(3), complexes(3, seed=5)), wrt=(0, 1), name="complex"))
for fn in (
    special.jv, special.yv, special.iv, special.kv, special.hankel1, special.hankel2, special.kve,
    special.hankel1e, special.hankel2e, special.spherical_jn, special.spherical_yn, special.spherical_in,
    special.spherical_kn,
):  # fmt: skip
    SAMPLES[fn].append(Sample((2, complexes(3)), wrt=(1,), name="complex"))

KINKS: dict[Fn, list[Kink]] = {
    special.xlogy: [
        Kink((0.0, 0.0), (-np.inf, 0.0), name="0_log_0"),
        Kink((np.array([0.0]), np.array([2.0])), (np.log([2.0]), np.zeros(1)), name="0"),
    ],
    special.entr: [Kink((np.array([0.0]),), (np.array([np.inf]),))],
    special.huber: [Kink((1.0, 1.0), (0.0, 1.0)), Kink((1.0, -1.0), (0.0, -1.0), name="left")],
    special.i0e: [Kink((0.0,), (0.0,))],
    special.logit: [Kink((0.0,), (np.inf,)), Kink((1.0,), (np.inf,), name="one")],
    special.logsumexp: [
        Kink((np.full(3, -np.inf),), (np.zeros(3), None), name="nothing"),
        Kink((np.array([-np.inf, 0.0]),), (np.array([0.0, 1.0]), None), name="part"),
    ],
    special.log_ndtr: [Kink((np.array([-1e9, 1e9]),), (np.array([1e9, 0.0]),), name="far")],
}
if hasattr(special, "sph_harm_y"):
    KINKS[special.sph_harm_y] = [
        Kink((1, 1, 0.0, 0.0), (None, None, -0.5 * np.sqrt(1.5 / np.pi), 0.0), name="pole")
    ]
