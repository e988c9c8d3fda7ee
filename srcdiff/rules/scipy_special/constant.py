"""Functions of ``scipy.special`` without a derivative, and those that are refused, with the reason."""

from __future__ import annotations

from scipy import special

from srcdiff.rules import scipy_reasons
from srcdiff.rules.registry import nondifferentiable, refused

__all__ = ["CONSTANT", "REFUSED"]

CONSTANT = (
    "ai_zeros", "bei_zeros", "beip_zeros", "ber_zeros", "bernoulli", "berp_zeros", "bi_zeros",
    "c_roots", "clpmn", "erf_zeros", "euler", "factorial2", "factorialk", "fresnel_zeros",
    "fresnelc_zeros", "fresnels_zeros", "gammasgn", "h_roots", "he_roots", "jn_zeros", "jnjnp_zeros",
    "jnp_zeros", "jnyn_zeros", "kei_zeros", "keip_zeros", "kelvin_zeros", "ker_zeros", "kerp_zeros",
    "l_roots", "p_roots", "ps_roots", "roots_chebyc", "roots_chebys", "roots_chebyt", "roots_chebyu",
    "roots_hermite", "roots_hermitenorm", "roots_laguerre", "roots_legendre", "roots_sh_chebyt",
    "roots_sh_chebyu", "roots_sh_legendre", "round", "s_roots", "stirling2", "t_roots", "ts_roots",
    "u_roots", "us_roots", "y0_zeros", "y1_zeros", "y1p_zeros", "yn_zeros", "ynp_zeros",
)  # fmt: skip

NO_FORM = "no closed form of its derivative is known to SciPy"
ALL_ORDERS = "a table of values of all orders up to one; call the function of one order"
SHAPES = "use lpmv, sph_harm_y or eval_legendre"
ROOTS = "nodes and weights have no closed derivative in the parameters of the polynomials"
OBJECTS = "makes an object; the values of its polynomial are those of the function eval_..."
DISTRIBUTIONS = "a distribution function or an inverse whose density SciPy does not give"
WAVES = "their second derivatives need the characteristic value, which SciPy takes in another form"
REFUSED = {
    name: reason
    for reason, names in (
        (
            NO_FORM,
            "elliprg elliprj kolmogi kolmogorov smirnov smirnovi ellip_harm ellip_harm_2 "
            "ellip_normal mathieu_a mathieu_b modfresnelm modfresnelp tklmbda kelvin lmbda",
        ),
        (
            ALL_ORDERS,
            "assoc_legendre_p_all legendre_p_all sph_harm_y_all sph_legendre_p_all lqmn lqn lpmn lpn clpn "
            "riccati_jn riccati_yn pbdn_seq pbdv_seq pbvv_seq obl_cv_seq pro_cv_seq mathieu_even_coef "
            "mathieu_odd_coef",
        ),
        (SHAPES, "assoc_legendre_p sph_legendre_p legendre_p sph_harm"),
        (
            ROOTS,
            "cg_roots j_roots js_roots la_roots roots_gegenbauer roots_genlaguerre roots_jacobi "
            "roots_sh_jacobi",
        ),
        (
            OBJECTS,
            "chebyc chebys chebyt chebyu gegenbauer genlaguerre hermite hermitenorm jacobi "
            "laguerre legendre sh_chebyt sh_chebyu sh_jacobi sh_legendre",
        ),
        (
            DISTRIBUTIONS,
            "bdtri bdtrik bdtrin btdtria btdtrib chdtriv chndtr chndtridf chndtrinc chndtrix fdtridfd "
            "gdtria gdtrib  gdtrix nbdtri nbdtrik nbdtrin ncfdtr ncfdtri ncfdtridfd ncfdtridfn ncfdtrinc "
            "nctdtr nctdtridf nctdtrinc  nctdtrit nrdtrimn nrdtrisd pdtri pdtrik stdtridf btdtr btdtri",
        ),
        (
            WAVES,
            "mathieu_cem mathieu_sem mathieu_modcem1 mathieu_modcem2 mathieu_modsem1 mathieu_modsem2 "
            "obl_ang1  obl_ang1_cv obl_cv obl_rad1 obl_rad1_cv obl_rad2 obl_rad2_cv pro_ang1 pro_ang1_cv "
            "pro_cv pro_rad1  pro_rad1_cv pro_rad2 pro_rad2_cv",
        ),
    )
    for name in names.split()
}

nondifferentiable(*(getattr(special, name) for name in CONSTANT if hasattr(special, name)))
for _name, _reason in REFUSED.items():
    if hasattr(special, _name):
        refused(_reason, getattr(special, _name))
scipy_reasons.declare("special", special)
