"""Random numbers whose distribution depends on parameters, as draws that depend on none.

``rng.normal(loc, scale, size)`` is ``loc + scale * rng.standard_normal(size)``: the same numbers, of the same
state of the generator, and a function of ``loc`` and ``scale`` that has a derivative.  NumPy computes these
families just so.  Others have no such form (``gamma``), or jump (``poisson``): these are drawn as they are,
and refused where a derivative would have to pass.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from srcdiff.frontend.constants import is_constant
from srcdiff.frontend.higher import written
from srcdiff.frontend.scope import Bound, Known, Plain
from srcdiff.frontend.words import is_const_none
from srcdiff.ir.graph import Atom, Const, Struct, Val, is_none, kind
from srcdiff.ir.kinds import FLOAT, UNKNOWN, Array, Kind, Scalar, Seq, Sym, Tree, fresh_sym, is_active_kind

if TYPE_CHECKING:
    from srcdiff.errors import Problem
    from srcdiff.frontend.lower import Lowerer

__all__ = ["HANDLERS", "draw", "is_generator", "kind_of_draw", "refusal"]

Family = tuple[tuple[tuple[str, float | None], ...], str, str]  # parameters, draw without them, text

LOCATED = (("loc", 0.0), ("scale", 1.0))
SHAPE = (("a", None),)
LEFT = "left + np.sqrt(z * (mode - left) * (right - left))"
RIGHT = "right - np.sqrt((1.0 - z) * (right - mode) * (right - left))"
BELOW = "z * (right - left) <= mode - left"
FAMILIES: dict[str, Family] = {
    "normal": (LOCATED, "rng.standard_normal({})", "loc + scale * z"),
    "laplace": (LOCATED, "rng.laplace(0.0, 1.0, {})", "loc + scale * z"),
    "logistic": (LOCATED, "rng.logistic(0.0, 1.0, {})", "loc + scale * z"),
    "gumbel": (LOCATED, "rng.gumbel(0.0, 1.0, {})", "loc + scale * z"),
    "uniform": ((("low", 0.0), ("high", 1.0)), "{uniform}", "low + (high - low) * z"),
    "exponential": ((("scale", 1.0),), "rng.standard_exponential({})", "scale * z"),
    "rayleigh": ((("scale", 1.0),), "rng.rayleigh(1.0, {})", "scale * z"),
    "lognormal": (
        (("mean", 0.0), ("sigma", 1.0)), "rng.standard_normal({})", "np.exp(mean + sigma * z)"
    ),
    "weibull": (SHAPE, "rng.standard_exponential({})", "z ** (1.0 / a)"),
    "pareto": (SHAPE, "rng.standard_exponential({})", "np.expm1(z / a)"),
    "power": (SHAPE, "rng.standard_exponential({})", "(-np.expm1(-z)) ** (1.0 / a)"),
    "triangular": (
        (("left", None), ("mode", None), ("right", None)), "{uniform}", f"np.where({BELOW}, {LEFT}, {RIGHT})"
    ),
}  # fmt: skip
SIZED: dict[str, tuple[str, ...]] = {
    **{name: (*(w for w, _ in params), "size") for name, (params, _, _) in FAMILIES.items()},
    **dict.fromkeys(("standard_normal", "standard_exponential", "random", "random_sample"), ("size",)),
}
JUMPS = ("binomial", "choice", "geometric", "hypergeometric", "integers", "logseries", "multinomial",
         "negative_binomial", "poisson", "randint", "zipf")  # fmt: skip
OTHERS = ("beta", "chisquare", "dirichlet", "f", "gamma", "multivariate_normal", "noncentral_chisquare",
          "noncentral_f", "standard_gamma", "standard_t", "vonmises", "wald")  # fmt: skip
KINDS = (np.random.Generator, np.random.RandomState)


def is_generator(lw: Lowerer, atom: Atom) -> bool:
    """Whether a thing is one of NumPy's generators of random numbers, made here or given."""
    if not isinstance(atom, Val):
        return False
    if atom.op is not None and atom.op.code == "prim":
        return atom.op.fn in (np.random.default_rng, *KINDS)
    for c in lw.captures.values():
        b = lw.capture_vals[c.name]
        if isinstance(b, Plain) and b.atom is atom:
            return isinstance(c.value, KINDS)
    return atom in lw.graph.region.params and isinstance(lw.given.get(atom.name), KINDS)


def kind_of_draw(lw: Lowerer, name: str, args: list[Bound], kwargs: dict[str, Bound], node: Any) -> Kind:
    """The kind of what is drawn, where parameters are numbers: it follows from the size."""
    if name == "permutation" and len(args) == 1 and isinstance(kind(lw.read(args[0], node)), Scalar):
        return Array("i8", (dim(lw.read(args[0])),))
    words = SIZED.get(name)
    if words is None or len(args) > len(words) or kwargs.keys() - set(words):
        return UNKNOWN
    given: dict[str, Bound] = dict(zip(words, args)) | kwargs
    size = lw.read(given.pop("size", Plain(Const(None))), node)
    if not all(isinstance(kind(lw.read(b, node)), Scalar) for b in given.values()):
        return UNKNOWN
    if is_none(size):
        return FLOAT
    k = kind(size)
    if isinstance(size, Struct):
        dims = [dim(a) for a in size.items]
    elif isinstance(k, Scalar):
        dims = [dim(size)]
    elif isinstance(size, Const) and isinstance(size.value, tuple):
        dims = list(size.value)
    elif isinstance(k, Tree) and k.type is tuple:
        dims = [fresh_sym() for _ in k.items]
    else:
        return UNKNOWN
    return Array("f8", tuple(dims))


def dim(a: Atom) -> Any:
    if isinstance(a, Const) and isinstance(a.value, int):
        return a.value
    k = kind(a)
    known = k.value if isinstance(k, Scalar) else None
    return known if isinstance(known, Sym) else fresh_sym()


def draw(
    lw: Lowerer, rng: Bound, name: str, args: list[Bound], kwargs: dict[str, Bound], node: Any
) -> Bound | None:
    """A draw as one that depends on no parameter; None if there is no such, or they are constants."""
    if name == "multivariate_normal":
        return around_mean(lw, rng, args, kwargs, node)
    if name == "choice":
        return chosen(lw, rng, args, kwargs, node)
    if name == "shuffle":
        return shuffled(lw, rng, args, kwargs, node)
    if name not in FAMILIES:
        return None
    params, plain, text = FAMILIES[name]
    words = [*(w for w, _ in params), "size"]
    if len(args) > len(words) or kwargs.keys() - set(words):
        return None
    given: dict[str, Bound] = dict(zip(words, args)) | kwargs
    size = given.pop("size", None)
    if not any(varies(lw, b) for b in given.values()):
        return None
    if any(default is None and w not in given for w, default in params):
        return None
    for w, default in params:
        given.setdefault(w, Plain(Const(default)))
        k = kind(lw.read(given[w], node))
        if not isinstance(k, (Array, Scalar)):
            return None
        if isinstance(k, Scalar) and k.dtype in ("f2", "f4"):  # a draw is of double precision
            given[w] = written(lw, node, "out = float(x)", {"x": given[w], "float": Known(float, "float")})
    for w, part in (("loc", "loc + "), ("scale", "scale * ")):  # what changes nothing is not written
        if part in text and lw.read(given[w]) == Const(dict(params)[w]):
            text = text.replace(part, "")
            del given[w]
    params = tuple(p for p in params if p[0] in given)
    wide = [w for w, _ in params if isinstance(kind(lw.read(given[w], node)), Array)]
    if size is not None and not is_const_none(size):
        given["size"], how = size, "size"
    elif len(wide) == 1:
        how = f"{wide[0]}.shape"
    else:
        how = f"np.broadcast_shapes({', '.join(w + '.shape' for w in wide)})" if wide else ""
    if name == "triangular" and how == "":  # one number
        text = f"{LEFT} if {BELOW} else {RIGHT}"
    legacy = isinstance(rng, Known)
    random = "rng.random_sample({})" if legacy or made_legacy(lw, rng) else "rng.random({})"
    line = (random if plain == "{uniform}" else plain).format(how).replace(", )", ")")
    return written(lw, node, f"z = {line}\nout = {text}", {**given, "rng": rng})


def around_mean(
    lw: Lowerer, rng: Bound, args: list[Bound], kwargs: dict[str, Bound], node: Any
) -> Bound | None:
    """``multivariate_normal``: the mean is added to a draw around zero."""
    given: dict[str, Bound] = dict(zip(("mean", "cov", "size"), args)) | kwargs
    if "mean" not in given or "cov" not in given or not varies(lw, given["mean"]):
        return None
    if zeros_from(lw.read(given["mean"])):
        return None
    k = kind(lw.read(given["mean"], node))
    if not isinstance(k, Array) or len(k.dims) != 1 or k.dtype != "f8":
        return None
    options = "".join(f", {w}={w}" for w in given if w not in ("mean", "cov"))
    text = f"out = mean + rng.multivariate_normal(np.zeros(mean.shape[0]), cov{options})"
    return written(lw, node, text, {**given, "rng": rng})


def zeros_from(a: Atom) -> bool:
    return isinstance(a, Val) and a.op is not None and a.op.code == "prim" and a.op.fn is np.zeros


def chosen(lw: Lowerer, rng: Bound, args: list[Bound], kwargs: dict[str, Bound], node: Any) -> Bound | None:
    """``choice`` of the elements of an array: NumPy chooses their places."""
    words = ("a", "size", "replace", "p")
    given: dict[str, Bound] = dict(zip(words, args)) | kwargs
    if len(args) > len(words) or given.keys() - set(words) or "a" not in given:
        return None
    k = kind(lw.read(given["a"], node))
    if not isinstance(k, Array) or len(k.dims) != 1:
        return None
    options = "".join(f", {w}={w}" for w in given if w != "a")
    return written(lw, node, f"at = rng.choice(a.shape[0]{options})\nout = a[at]", {**given, "rng": rng})


def shuffled(lw: Lowerer, rng: Bound, args: list[Bound], kwargs: dict[str, Bound], node: Any) -> Bound | None:
    """``shuffle``: the elements in the order of a permutation, which takes the same draws."""
    if len(args) != 1 or kwargs:
        return None
    k = kind(lw.read(args[0], node))
    if isinstance(k, Array):
        text = "x[...] = x[rng.permutation(len(x))]"
    elif isinstance(k, (Seq, Tree)):
        text = "x[:] = [x[place] for place in rng.permutation(len(x))]"
    else:
        return None
    given = {"x": args[0], "rng": rng, "len": Known(len, "len")}
    return written(lw, node, f"{text}\nout = None", given)


def varies(lw: Lowerer, b: Bound) -> bool:
    atom = lw.read(b)
    return is_active_kind(kind(atom)) and not is_constant(atom)


def made_legacy(lw: Lowerer, rng: Bound) -> bool:
    atom = lw.read(rng)
    if isinstance(atom, Val) and atom.op is not None and atom.op.code == "prim":
        return atom.op.fn is np.random.RandomState
    values = [c.value for c in lw.captures.values() if same_value(lw, c.name, atom)]
    values += [lw.given.get(atom.name)] if isinstance(atom, Val) else []
    return any(isinstance(v, np.random.RandomState) for v in values)


def same_value(lw: Lowerer, name: str, atom: Atom) -> bool:
    b = lw.capture_vals[name]
    return isinstance(b, Plain) and b.atom is atom


def refusal(lw: Lowerer, name: str, node: Any) -> Problem | None:
    """What is said where a derivative would have to pass through a draw."""
    if name in JUMPS:
        note = "it gives whole numbers or picks elements, which jump when a parameter changes"
    elif name in OTHERS:
        note = "it is no function of its parameters and of a draw that depends on none"
    else:
        return None
    cov = name == "multivariate_normal"
    return lw.problem(
        "no-rule", f"a draw from {name} has no derivative with respect to its parameters", node, note=note,
        help="draw standard numbers: mean + rng.standard_normal(len(mean)) @ np.linalg.cholesky(cov).T" if cov
        else "use the score function (the value times the gradient of the log density), or a family with "
        "location and scale",
    )  # fmt: skip


def _function(name: str, lw: Lowerer, args: list[Bound], kwargs: dict[str, Bound], node: Any) -> Bound | None:
    return draw(lw, Known(np.random, "np.random"), name, args, kwargs, node)


HANDLERS: dict[Any, Any] = {
    getattr(np.random, name): partial(_function, name)
    for name in (*FAMILIES, "multivariate_normal", "choice", "shuffle")
}
