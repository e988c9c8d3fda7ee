"""What of NumPy has no derivative, and why: the one table of reasons.

A reason is shown where a derivative would go through such a function, by ``python -m srcdiff rules``, and
in docs/rulebook.md. Functions that are read through their own source, or as a few lines of Python by the
front end,
are named in `READ`: tests/rulebook.py has calls of each.
"""

from __future__ import annotations

import numpy as np

from srcdiff.rules.registry import nondifferentiable, refused

__all__ = ["METHODS", "NAMED", "NOT_DIFFERENTIABLE", "READ", "WHOLE"]

TEXT = "its result is text"
FILES = "it reads data from outside, which depends on no argument"
WRITES = "it acts on the world, and has no result to differentiate"
SETTINGS = "it asks for or changes settings of NumPy"
DATES = "it computes with dates, which are no real numbers"
MATRIX = "np.matrix is not supported: use two-dimensional arrays, with @ for products"
OBJECTS = "its result holds Python objects, through which no derivative passes"
NOT_NUMBERS = "it is about memory, not about the numbers in it"
MEMORY = "it gives other names to memory, and which elements share it is known only at run time"
STATE = "it acts on the state of a generator of random numbers"
INTEGERS = (
    "it draws integers, or moves elements by chance: its result jumps, and its derivative is zero or none"
)
BYTES = "its result is bytes, or a file"
IMPLICIT = "its draws accept and reject, and have no derivative in the parameters: draw from another family"


def words(text: str) -> list[str]:
    """Names, as they stand in a line."""
    return text.split()


for _reason, _names in (
    (TEXT, "array2string array_repr array_str base_repr binary_repr format_float_positional format_float_scientific"),  # noqa: E501
    (FILES, "from_dlpack frombuffer fromfile fromregex fromstring genfromtxt load loadtxt"),
    (WRITES, "save savetxt savez savez_compressed info show_config show_runtime test"),
    (SETTINGS, "get_include get_printoptions getbufsize geterr geterrcall printoptions set_printoptions setbufsize "  # noqa: E501
               "seterr seterrcall"),
    (DATES, "busday_count busday_offset datetime_as_string datetime_data is_busday"),
    (MATRIX, "asmatrix bmat"),
    (OBJECTS, "frompyfunc nested_iters"),
):  # fmt: skip
    refused(_reason, *(getattr(np, _name) for _name in _names.split()))
refused(MEMORY, np.lib.stride_tricks.as_strided)
refused(STATE, *(getattr(np.random, n) for n in words("bytes default_rng get_state seed set_state")))
refused(
    INTEGERS,
    *(
        getattr(np.random, n)
        for n in words(
            "binomial geometric hypergeometric logseries multinomial negative_binomial permutation poisson randint "  # noqa: E501
            "random_integers zipf"
        )
    ),
)
refused(
    IMPLICIT,
    *(
        getattr(np.random, n)
        for n in words(
            "beta chisquare dirichlet f gamma noncentral_chisquare noncentral_f standard_gamma "
            "standard_t vonmises wald"
        )
    ),
)

nondifferentiable(
    np.common_type, np.einsum_path, np.isdtype, np.isfortran, np.mintypecode, np.typename, np.mask_indices,
)  # fmt: skip

READ: dict[str, str] = {  # read by the front end: as a few lines of Python, or through their own source
    "numpy": (
        "apply_along_axis apply_over_axes c_ copyto corrcoef cov divmod fill_diagonal fromfunction fromiter mgrid modf "  # noqa: E501
        "ndenumerate nditer ogrid piecewise place polydiv put put_along_axis putmask r_ row_stack s_ unwrap vectorize "  # noqa: E501
        "poly1d"
    ),
    "numpy.random": (
        "choice exponential gumbel laplace logistic lognormal multivariate_normal normal pareto power "
        "rand randn random random_sample ranf rayleigh sample shuffle standard_cauchy standard_exponential "
        "standard_normal triangular uniform weibull"
    ),
    "cmath": "polar",
    "math": "frexp modf",
    "numpy.ufunc": "accumulate at outer reduce reduceat",
}

NAMED: dict[str, str] = {}

# reasons of what is not differentiable at all, for anybody; who is refused for another could have a rule
NOT_DIFFERENTIABLE = frozenset({
    TEXT, FILES, WRITES, SETTINGS, DATES, OBJECTS, STATE, INTEGERS, IMPLICIT, NOT_NUMBERS, BYTES
})  # fmt: skip

# modules that are taken or refused as a whole
WHOLE: dict[str, tuple[str, str]] = {
    "numpy.ma": ("refused", "masked arrays carry their mask beside the numbers: use np.where, or where="),
    "numpy.char": ("constant", "text"),
    "numpy.strings": ("constant", "text"),
}

# methods and attributes: of arrays, of generators, of ufuncs
METHODS: dict[str, dict[str, tuple[str, str]]] = {
    "numpy.ndarray": {
        **dict.fromkeys(
            words("item tolist fill sort flat flatten T real imag mT put partition"), ("read", "")
        ),
        **dict.fromkeys(
            words("dtype ndim shape size itemsize nbytes device flags strides"),
            ("constant", "what it is, not what it holds"),
        ),
        **dict.fromkeys(words("getfield setfield view resize"), ("refused", MEMORY)),
        **dict.fromkeys(words("base data ctypes byteswap setflags to_device"), ("refused", NOT_NUMBERS)),
        **dict.fromkeys(words("dump dumps tobytes tofile"), ("refused", BYTES)),
    },
    "numpy.random.Generator": {
        **dict.fromkeys(
            words(
                "exponential gumbel laplace logistic lognormal multivariate_normal normal pareto power "
                "random rayleigh standard_cauchy standard_exponential standard_normal triangular uniform "
                "weibull choice shuffle"
            ),
            ("read", ""),
        ),
        **dict.fromkeys(
            words(
                "binomial geometric hypergeometric integers logseries multinomial multivariate_hypergeometric "  # noqa: E501
                "negative_binomial permutation permuted poisson zipf"
            ),
            ("refused", INTEGERS),
        ),
        **dict.fromkeys(
            words(
                "beta chisquare dirichlet f gamma noncentral_chisquare noncentral_f standard_gamma "
                "standard_t vonmises wald"
            ),
            ("refused", IMPLICIT),
        ),
        **dict.fromkeys(words("bit_generator bytes spawn"), ("refused", STATE)),
    },
    "numpy.ufunc": {
        **dict.fromkeys(words("accumulate at outer reduce reduceat"), ("read", "")),
        **dict.fromkeys(
            words("identity nargs nin nout ntypes types signature resolve_dtypes"), ("constant", "what it is")
        ),
    },
}
