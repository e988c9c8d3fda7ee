"""Functions of SciPy that take functions: their own call, and what its result depends on.

The call stays in the text, with the functions made functions of the text (`lifting`).  What it gives is a
constant to the transforms; an operation of `rules/solvers.py` around it carries the derivative.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

from srcdiff.frontend import built_matrices, matrices, scipy_longhand
from srcdiff.frontend.constants import constant, is_constant
from srcdiff.frontend.higher import written
from srcdiff.frontend.lifting import Wanted, is_function, lift
from srcdiff.frontend.objects import content
from srcdiff.frontend.scope import Agg, Args, Bound, Closure, Known, Kw, Loc, Plain
from srcdiff.frontend.words import is_const_none
from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Const, Ref, Struct, kind
from srcdiff.ir.indices import display
from srcdiff.ir.kinds import FLOAT, OTHER, UNKNOWN, Array, Kind, Scalar, fresh_sym

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = ["handler"]

OTHERS: tuple[dict[tuple[str, str], Any], ...] = (
    scipy_longhand.HANDLERS, matrices.HANDLERS, built_matrices.HANDLERS,
)  # fmt: skip


def handler(obj: Any) -> Callable[..., Bound | None] | None:
    """How the call of a function of SciPy is read that takes functions."""
    module = str(getattr(obj, "__module__", None))
    if not module.startswith("scipy."):
        return None
    at = (".".join(module.split(".")[:2]), getattr(obj, "__name__", ""))
    found: Callable[..., Bound | None] | None = next((t[at] for t in (HANDLERS, *OTHERS) if at in t), None)
    return None if found is None else lambda lw, args, kwargs, node: found(lw, obj, args, kwargs, node)


class Found:
    """The result of a solver: what depends on the arguments, and what tells of the way there."""

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)


def refuse(lw: Lowerer, what: str, node: Any, help: str, note: str = "") -> NoReturn:
    lw.stop("option", f"{what} cannot be differentiated", node, note=note, help=help)


class Call:
    """A call of a solver: its arguments by name."""

    def __init__(self, lw: Lowerer, obj: Any, names: str, args: Args, kwargs: Kw, node: Any) -> None:
        self.lw, self.obj, self.node = lw, obj, node
        module = str(obj.__module__).split(".")
        self.text = f"{'.'.join(module[:2])}.{obj.__name__}"
        order = names.split()
        self.given: Kw = dict(zip(order, args, strict=False))
        for name, b in kwargs.items():
            if name not in order:
                refuse(lw, f"{self.text}({name}=...)", node, f"leave {name}= out")
            self.given[name] = b
        if len(args) > len(order):
            refuse(lw, f"{self.text} with so many positional arguments", node, "name them")
        for name in [n for n, b in self.given.items() if is_const_none(b)]:
            del self.given[name]

    def without(self, *names: str, help: str = "leave it out") -> None:
        for name in names:
            b = self.given.get(name)
            if b is None:
                continue
            a = b.atom if isinstance(b, Plain) else None
            if isinstance(a, Const) and a.value is False:
                continue
            refuse(self.lw, f"{self.text}({name}=...)", self.node, help)

    def flag(self, name: str, default: Any = None) -> Any:
        b = self.given.get(name)
        if b is None:
            return default
        a = self.lw.read(b, self.node)
        if not is_constant(a):
            refuse(self.lw, f"{self.text}({name}=...) that is not a constant", self.node, "write it out")
        return constant(a)

    def extra(self) -> tuple[Bound, ...]:
        """``args=``: a tuple, or one argument."""
        b = self.given.pop("args", None)
        if b is None:
            return ()
        box = content(self.lw, b)
        if isinstance(box, Agg) and box.type in (tuple, list):
            return box.items
        if isinstance(b, Plain) and isinstance(b.atom, Struct):
            return tuple(self.lw.bind(a) for a in b.atom.items)
        return (b,)

    def function(self, name: str) -> Bound:
        b = self.given.get(name)
        if b is None or not is_function(self.lw, b):
            self.lw.stop("call", f"{self.text} needs a function that is known here", self.node)
        return b

    def number(self, name: str, default: float | None = None) -> Atom:
        """A float among the arguments."""
        b = self.given.get(name)
        return Const(default) if b is None else self.lw.read(b, self.node)

    def vector(self, name: str) -> Atom:
        """The start of an iteration, as a vector of floats."""
        lw = self.lw
        text = "out = np.atleast_1d(np.asarray(x, dtype=float))"
        b = self.given[name]
        k = kind(lw.read(b, self.node)) if not isinstance(content(lw, b), Agg) else None
        if isinstance(k, Array) and k.dtype == "f8" and len(k.dims) == 1:
            return lw.read(b, self.node)
        if isinstance(k, (Array, Scalar)) and k.dtype[0] == "c":
            refuse(lw, f"{self.text} of complex numbers", self.node, "write it in real and imaginary parts")
        a = lw.read(written(lw, self.node, text, {"x": b, "float": Known(float, "float")}), self.node)
        if not isinstance(kind(a), Array) or len(kind(a).dims) != 1:  # type: ignore[union-attr]
            refuse(
                lw,
                f"{self.text} from a start that is not a vector",
                self.node,
                "give it a vector: x0.ravel()",
            )
        return a

    def run(self, given: dict[str, Atom], free: list[Atom], result: Kind = OTHER, how: str = "args") -> Atom:
        """The call itself; arguments by position as far as they come in order."""
        lw = self.lw
        if free:
            given = {**given, how: display(free)}
        names = list(given)
        first = {"fun", "func", "f", "x0", "a", "b", "t_span", "y0", "t", "xdata", "ydata"}
        split = next((i for i, n in enumerate(names) if n not in first), len(names))
        label = ("",) * split + tuple(names[split:])
        return lw.prim(
            self.obj, list(given.values()), label if any(label) else (), result=result, text=self.text
        )

    def rest(self, *done: str) -> dict[str, Atom]:
        return {n: self.lw.read(b, self.node) for n, b in self.given.items() if n not in done}

    def attached(self, rule: str, ins: list[Atom], value: Atom) -> Atom:
        return self.lw.prim(self.lw.ctx.implicit(rule), [*ins, value], result=kind(value))

    def unknown(self, what: str, value: Atom, by: Atom) -> Bound:
        """A value whose derivative nobody knows: an error where it is needed."""
        lw = self.lw
        problem = lw.problem(
            "no-rule", f"the derivative of {what} is not known", self.node,
            help="compute it from the solution, or stop_gradient it",
        )  # fmt: skip
        return Plain(lw.prim(lw.ctx.implicit("told_by"), [by, value], result=UNKNOWN, untold=problem))


def float_array(k: Kind) -> Kind:
    return Array("f8", k.dims) if isinstance(k, Array) else FLOAT


TOLD = ("success", "status", "message", "nit", "nfev", "njev", "nhev", "flag", "iterations", "function_calls",
        "converged", "t_events", "optimality")  # fmt: skip


def result_of(c: Call, res: Atom, **fields: Bound) -> Bound:
    lw = c.lw
    for name in TOLD:
        fields.setdefault(name, Plain(lw.prim(getattr, [res, Const(name)], result=OTHER)))
    return Loc(lw.state.new_cell(Agg(Found, tuple(fields), tuple(fields.values()))))


def field(c: Call, res: Atom, name: str, k: Kind) -> Atom:
    return c.lw.prim(getattr, [res, Const(name)], result=k)


# ---- roots ----------------------------------------------------------------------------------------------


def bracketed(lw: Lowerer, obj: Any, args: Args, kwargs: Kw, node: Any) -> Bound:
    """``brentq`` and its kin: a number between two others."""
    first = "f a b args k" if obj.__name__ == "toms748" else "f a b args"
    c = Call(lw, obj, f"{first} xtol rtol maxiter full_output disp", args, kwargs, node)
    c.without("full_output")
    extra = c.extra()
    (f,), free, _ = lift(lw, [Wanted(c.function("f"), (("x", FLOAT),), extra)], node)
    given = {"f": f, "a": c.number("a"), "b": c.number("b"), **c.rest("f", "a", "b")}
    return Plain(c.attached("root_of", [f, display(free)], c.run(given, free, FLOAT)))


def newton(lw: Lowerer, obj: Any, args: Args, kwargs: Kw, node: Any) -> Bound:
    names = "func x0 fprime args tol maxiter fprime2 x1 rtol full_output disp"
    c = Call(lw, obj, names, args, kwargs, node)
    c.without("full_output")
    start = c.number("x0")
    if not isinstance(kind(start), Scalar):
        refuse(
            lw,
            "scipy.optimize.newton of an array",
            node,
            "use scipy.optimize.root, or a loop over the elements",
        )
    return Plain(scalar_root(c, "func", {"x0": lw.prim(float, [start], result=FLOAT)}, FLOAT)[1])


def scalar_root(c: Call, name: str, first: dict[str, Atom], result: Kind, part: int | None = None) -> Any:
    """A root of one number, with derivatives given as functions, perhaps."""
    extra = c.extra()
    wanted = [Wanted(c.function(name), (("x", FLOAT),), extra, part)]
    more = [n for n in ("fprime", "fprime2") if is_function(c.lw, c.given.get(n))]
    wanted += [Wanted(c.given[n], (("x", FLOAT),), extra) for n in more]
    refs, free, _ = lift(c.lw, wanted, c.node)
    given: dict[str, Atom] = {name: refs[0], **first}
    if part is not None:
        given.pop("fprime", None)
    given |= c.rest(name, *first, *more, *(("fprime",) if part is not None else ()))
    given |= dict(zip(more, refs[1:], strict=True))
    res = c.run(given, free, result)
    value = res if result == FLOAT else field(c, res, "root", FLOAT)
    return res, c.attached("root_of", [refs[0], display(free)], value)


def root_scalar(lw: Lowerer, obj: Any, args: Args, kwargs: Kw, node: Any) -> Bound:
    c = Call(
        lw, obj, "f args method bracket fprime fprime2 x0 x1 xtol rtol maxiter options", args, kwargs, node
    )
    part = None
    if c.flag("fprime") is True if not is_function(lw, c.given.get("fprime")) else False:
        part = 0
        if "method" not in c.given and "bracket" not in c.given:
            c.given["method"] = Plain(Const("secant"))
            c.given.setdefault("x1", written(lw, node, "out = x * 1.0001 + 1e-4", {"x": c.given["x0"]}))
    res, root = scalar_root(c, "f", {}, OTHER, part)
    return result_of(c, res, root=Plain(root))


def root(lw: Lowerer, obj: Any, args: Args, kwargs: Kw, node: Any) -> Bound:
    c = Call(lw, obj, "fun x0 args method jac tol callback options", args, kwargs, node)
    c.without("callback")
    res, x, _ = system(c, "fun", "jac", OTHER)
    again = lw.call(c.given["fun"], [lw.bind(x), *c.more], {}, node)  # type: ignore[attr-defined]
    return result_of(c, res, x=lw.bind(x), fun=again)


def system(c: Call, name: str, slope: str, result: Kind, rule: str = "root_of") -> Any:
    lw = c.lw
    c.more = extra = c.extra()  # type: ignore[attr-defined]
    x0 = c.vector("x0")
    k = float_array(kind(x0))
    if slope in c.given and not is_function(lw, c.given[slope]):
        c.without(slope, help="give the derivative as a function of its own, or none")
    wanted = [Wanted(c.function(name), (("x", k),), extra)]
    more = [slope] if slope in c.given and is_function(lw, c.given[slope]) else []
    wanted += [Wanted(c.given[n], (("x", k),), extra) for n in more]
    refs, free, kinds = lift(lw, wanted, c.node)
    given = {name: refs[0], "x0": x0, **c.rest(name, "x0", *more), **dict(zip(more, refs[1:], strict=True))}
    res = c.run(given, free, result if result == OTHER else k)
    value = field(c, res, "x", k) if result == OTHER else res
    return res, c.attached(rule, [refs[0], display(free)], value), (refs, free, kinds, k)


def fsolve(lw: Lowerer, obj: Any, args: Args, kwargs: Kw, node: Any) -> Bound:
    names = "func x0 args fprime full_output col_deriv xtol maxfev band epsfcn factor diag"
    c = Call(lw, obj, names, args, kwargs, node)
    c.without("full_output", "col_deriv")
    return lw.bind(system(c, "func", "fprime", FLOAT)[1])


def fixed_point(lw: Lowerer, obj: Any, args: Args, kwargs: Kw, node: Any) -> Bound:
    c = Call(lw, obj, "func x0 args xtol maxiter method", args, kwargs, node)
    start = c.given["x0"]
    if not isinstance(content(lw, start), Agg) and isinstance(kind(lw.read(start, node)), Scalar):
        extra = c.extra()
        (f,), free, _ = lift(lw, [Wanted(c.function("func"), (("x", FLOAT),), extra)], node)
        given = {"func": f, "x0": lw.read(start), **c.rest("func", "x0")}
        value = lw.prim(float, [c.run(given, free, UNKNOWN)], result=FLOAT)
        return Plain(c.attached("fixed_point_of", [f, display(free)], value))
    return lw.bind(system(c, "func", "none", FLOAT, "fixed_point_of")[1])


# ---- minima ---------------------------------------------------------------------------------------------


BOUNDED = ("L-BFGS-B", "TNC", "SLSQP", "Nelder-Mead", "Powell")  # these give numbers on the bounds themselves


def minimize(lw: Lowerer, obj: Any, args: Args, kwargs: Kw, node: Any) -> Bound:
    names = "fun x0 args method jac hess hessp bounds constraints tol callback options"
    c = Call(lw, obj, names, args, kwargs, node)
    c.without("callback", "hessp")
    bare = content(lw, c.given["constraints"]) if "constraints" in c.given else None
    if bare is not None and not (isinstance(bare, Agg) and not bare.items):
        refuse(
            lw,
            "scipy.optimize.minimize(constraints=...)",
            node,
            "put the constraints into variables, or a penalty",
        )
    c.given.pop("constraints", None)
    extra, x0 = c.extra(), c.vector("x0")
    k = float_array(kind(x0))
    both = False
    if "jac" in c.given and not is_function(lw, c.given["jac"]):
        both = c.flag("jac") is True
        if c.flag("jac") is False:
            del c.given["jac"]
    objective = Wanted(c.function("fun"), (("x", k),), extra, 0 if both else None)
    wanted = [objective]
    more = [n for n in ("jac", "hess") if is_function(lw, c.given.get(n))]
    wanted += [Wanted(c.given[n], (("x", k),), extra) for n in more]
    if both:
        wanted.append(Wanted(c.function("fun"), (("x", k),), extra, 1))
        more.append("jac")
    refs, free, _ = lift(lw, wanted, node)
    named = dict(zip(more, refs[1:], strict=True))
    given = {"fun": refs[0], "x0": x0, **c.rest("fun", "x0", "bounds", *more), **named}
    ins: list[Atom] = [refs[0], display(free)]
    rule = "minimum_of"
    if "bounds" in c.given:
        method = c.flag("method", "L-BFGS-B")
        if method not in BOUNDED:
            refuse(
                lw, f"scipy.optimize.minimize(method={method!r}) with bounds", node, "use method='L-BFGS-B'"
            )
        lower, upper = bounds_of(c, c.given["bounds"])
        given["bounds"] = lw.read(
            written(lw, node, "out = np.stack((lo, hi), axis=1)", {"lo": lower, "hi": upper})
        )
        ins += [lw.read(lower), lw.read(upper)]
        rule = "minimum_between"
    res = c.run(given, free)
    x = c.attached(rule, ins, field(c, res, "x", k))
    least = lw.call(Known(refs[0].obj, refs[0].text), [lw.bind(x), *map(lw.bind, free)], {}, node)
    return result_of(
        c, res, x=lw.bind(x), fun=least,
        jac=c.unknown("the jac of a result", field(c, res, "jac", UNKNOWN), x),
        hess_inv=c.unknown("the hess_inv of a result", field(c, res, "hess_inv", UNKNOWN), x),
    )  # fmt: skip


def bounds_of(c: Call, b: Bound) -> tuple[Bound, Bound]:
    """Two vectors of bounds, of a sequence of pairs."""
    lw = c.lw
    box = content(lw, b)
    if isinstance(box, Agg) and box.type in (list, tuple) and box.items:
        sides: list[list[Bound]] = [[], []]
        for item in box.items:
            pair = content(lw, item)
            if not isinstance(pair, Agg) or len(pair.items) != 2:
                refuse(lw, f"{c.text} with such bounds", c.node, "write a list of pairs")
            for side, x, none in zip(sides, pair.items, ("-np.inf", "np.inf"), strict=True):
                side.append(written(lw, c.node, f"out = {none}", {}) if is_const_none(x) else x)
        low, high = (Agg(tuple, tuple(range(len(s))), tuple(s)) for s in sides)
        text = "out = np.array(side, dtype=float)"
        return tuple(
            written(lw, c.node, text, {"side": s, "float": Known(float, "float")}) for s in (low, high)
        )  # type: ignore[return-value]
    if not isinstance(box, Agg) and isinstance(kind(lw.read(b)), Array):
        return tuple(written(lw, c.node, f"out = b[:, {i}]", {"b": b}) for i in (0, 1))  # type: ignore[return-value]
    refuse(lw, f"{c.text} with such bounds", c.node, "write a list of pairs of numbers")


def minimize_scalar(lw: Lowerer, obj: Any, args: Args, kwargs: Kw, node: Any) -> Bound:
    c = Call(lw, obj, "fun bracket bounds args method tol options", args, kwargs, node)
    extra = c.extra()
    (f,), free, _ = lift(lw, [Wanted(c.function("fun"), (("x", FLOAT),), extra)], node)
    rule = "minimum_of"
    ins: list[Atom] = [f, display(free)]
    given = {"fun": f, **c.rest("fun", "bounds")}
    if "bounds" in c.given:
        both = content(lw, written(lw, node, "out = (b[0], b[1])", {"b": c.given["bounds"]}))
        ends = [lw.read(b, node) for b in both.items]
        given["bounds"] = display(ends)
        rule, ins = "number_between", [*ins, *ends]
    res = c.run(given, free)
    x = c.attached(rule, ins, lw.prim(float, [field(c, res, "x", FLOAT)], result=FLOAT))
    least = lw.call(Known(f.obj, f.text), [Plain(x), *map(lw.bind, free)], {}, node)
    return result_of(c, res, x=Plain(x), fun=least)


def least_squares(lw: Lowerer, obj: Any, args: Args, kwargs: Kw, node: Any) -> Bound:
    names = (
        "fun x0 jac bounds method ftol xtol gtol x_scale loss f_scale diff_step tr_solver tr_options "
        "jac_sparsity max_nfev verbose args kwargs"
    )
    c = Call(lw, obj, names, args, kwargs, node)
    c.without("bounds", "kwargs", "jac_sparsity")
    if c.flag("loss", "linear") != "linear":
        refuse(lw, "scipy.optimize.least_squares with a loss=", node, "put the loss into the residuals")
    if not is_function(lw, c.given.get("jac")):
        c.flag("jac")
    extra, x0 = c.extra(), c.vector("x0")
    k = float_array(kind(x0))
    f = c.function("fun")
    half = lambda r: written(lw, node, "out = 0.5 * np.sum(r * r)", {"r": r})  # noqa: E731
    wanted = [Wanted(f, (("x", k),), extra), Wanted(f, (("x", k),), extra, None, half)]
    more = ["jac"] if is_function(lw, c.given.get("jac")) else []
    wanted += [Wanted(c.given[n], (("x", k),), extra) for n in more]
    refs, free, _ = lift(lw, wanted, node)
    given = {"fun": refs[0], "x0": x0, **c.rest("fun", "x0", *more), **dict(zip(more, refs[2:], strict=True))}
    res = c.run(given, free)
    x = c.attached("minimum_of", [refs[1], display(free)], field(c, res, "x", k))
    again = [lw.bind(x), *map(lw.bind, free)]
    return result_of(
        c, res, x=lw.bind(x), fun=lw.call(Known(refs[0].obj, refs[0].text), again, {}, node),
        cost=lw.call(Known(refs[1].obj, refs[1].text), again, {}, node),
        jac=c.unknown("the jac of a result", field(c, res, "jac", UNKNOWN), x),
        grad=c.unknown("the grad of a result", field(c, res, "grad", UNKNOWN), x),
    )  # fmt: skip


def curve_fit(lw: Lowerer, obj: Any, args: Args, kwargs: Kw, node: Any) -> Bound:
    names = (
        "f xdata ydata p0 sigma absolute_sigma check_finite bounds method jac full_output nan_policy maxfev "
        "ftol xtol gtol"
    )
    c = Call(lw, obj, names, args, kwargs, node)
    c.without("bounds", "full_output", "jac", "nan_policy")
    f = c.function("f")
    data = {
        n: written(lw, node, "out = np.asarray(v)", {"v": c.given[n]})
        for n in ("xdata", "ydata", "sigma")
        if n in c.given
    }
    if "sigma" in data and kind(lw.read(data["sigma"])) != UNKNOWN and rank_of(lw, data["sigma"]) != 1:
        refuse(
            lw,
            "scipy.optimize.curve_fit with a matrix sigma",
            node,
            "transform the residuals, and use least_squares",
        )
    count = parameters_of(lw, f, c.given.get("p0"), node)
    k = kind(lw.read(data["xdata"]))
    (model,), free, _ = lift(lw, [Wanted(f, (("x", k), *((f"p{i}", FLOAT) for i in range(count))))], node)
    if free:
        refuse(
            lw, "scipy.optimize.curve_fit of a function that takes something from outside", node,
            "use least_squares, with the residuals and args=",
        )  # fmt: skip
    spread = ", ".join(f"p[{i}]" for i in range(count))
    residual = "(f(x, {}) - y)" + (" / s" if "sigma" in data else "")
    text = f"def half(p):\n    r = {residual.format(spread)}\n    return 0.5 * np.sum(r * r)\nout = half"
    given = {"f": Known(model.obj, model.text), "x": data["xdata"], "y": data["ydata"]}
    given |= {"s": data["sigma"]} if "sigma" in data else {}
    half = written(lw, node, text, given)
    vector = Array("f8", (count,))
    (least,), around, _ = lift(lw, [Wanted(half, (("p", vector),))], node)
    call = {
        "f": model,
        "xdata": lw.read(data["xdata"]),
        "ydata": lw.read(data["ydata"]),
        **c.rest("f", "xdata", "ydata"),
    }
    res = c.run(call, [])
    popt = c.attached(
        "minimum_of", [least, display(around)], lw.prim(operator.getitem, [res, Const(0)], result=vector)
    )
    pcov = lw.prim(operator.getitem, [res, Const(1)], result=Array("f8", (count, count)))
    return Agg(tuple, (0, 1), (lw.bind(popt), c.unknown("the covariance of curve_fit", pcov, popt)))


def rank_of(lw: Lowerer, b: Bound) -> int:
    k = kind(lw.read(b))
    return len(k.dims) if isinstance(k, Array) else 0


def parameters_of(lw: Lowerer, f: Bound, p0: Bound | None, node: Any) -> int:
    """How many parameters a model has, after its variable."""
    if p0 is not None:
        box = content(lw, p0)
        if isinstance(box, Agg):
            return len(box.items)
        k = kind(lw.read(p0, node))
        if isinstance(k, Array) and len(k.dims) == 1 and isinstance(k.dims[0], int):
            return k.dims[0]
    a = f.node.args if isinstance(f, Closure) else None
    code = getattr(getattr(f, "obj", None), "__code__", None)
    if a is not None and a.vararg is None:
        return len(a.posonlyargs + a.args) - 1
    if code is not None and not code.co_flags & 4:
        return int(code.co_argcount) - 1
    refuse(lw, "scipy.optimize.curve_fit of an unknown number of parameters", node, "write p0=[...] out")


# ---- integrals ------------------------------------------------------------------------------------------


def quad(lw: Lowerer, obj: Any, args: Args, kwargs: Kw, node: Any) -> Bound:
    names = "func a b args full_output epsabs epsrel limit points weight wvar wopts maxp1 limlst complex_func"
    return integral(
        Call(lw, obj, names, args, kwargs, node), "func", ("full_output", "weight", "complex_func")
    )


def quad_vec(lw: Lowerer, obj: Any, args: Args, kwargs: Kw, node: Any) -> Bound:
    names = "f a b epsabs epsrel norm limit cache_size workers points quadrature full_output args"
    return integral(Call(lw, obj, names, args, kwargs, node), "f", ("full_output",))


def integral(c: Call, name: str, never: tuple[str, ...]) -> Bound:
    lw = c.lw
    c.without(*never)
    extra = c.extra()
    (f,), free, (k,) = lift(lw, [Wanted(c.function(name), (("t", FLOAT),), extra)], c.node)
    ends = [lw.read(c.given[n], c.node) for n in ("a", "b")]
    res = c.run({name: f, "a": ends[0], "b": ends[1], **c.rest(name, "a", "b")}, free)
    if not isinstance(k, Array) or not k.dims:
        k = FLOAT
    value = lw.prim(operator.getitem, [res, Const(0)], result=k)
    error = lw.prim(operator.getitem, [res, Const(1)], result=FLOAT)
    whole = c.attached("integral_of", [f, display(free), *ends], value)
    return Agg(tuple, (0, 1), (lw.bind(whole), Plain(error)))


# ---- differential equations -----------------------------------------------------------------------------

EXPLICIT = ("RK45", "RK23", "DOP853")
STEPS = """
ys = np.zeros((len(grid), len(y0)))
ys[0] = y0
for n in range(len(grid) - 1):
    h = grid[n + 1] - grid[n]
    K = np.zeros((len(C), len(y0)))
    for i in range(len(C)):
        K[i] = f(grid[n] + C[i] * h, ys[n] + h * (A[i, :i] @ K[:i]){args})
    ys[n + 1] = ys[n] + h * (B @ K)
out = ys
"""
GRID = """
s = np.sign(steps[-1] - steps[0])
grid = s * np.unique(s * np.concatenate((steps, t)))
places = np.searchsorted(s * grid, s * t)
out = (grid, places)
"""


def stepped(c: Call, f: Ref, free: list[Atom], y0: Atom, grid: Bound, method: str) -> Bound:
    """The steps of a Runge-Kutta method along a grid, written out: one row for each of its points."""
    lw = c.lw
    cls = getattr(sys.modules["scipy.integrate"], method)
    table = {
        n: Plain(lw.prim(getattr, [Ref(cls, f"scipy.integrate.{method}"), Const(n)],
                         result=Array("f8", getattr(cls, n).shape)))
        for n in "ABC"
    }  # fmt: skip
    names = [f"a{i}" for i in range(len(free))]
    given = {
        "f": Known(f.obj, f.text), "y0": lw.bind(y0), "grid": grid, **table,
        **dict(zip(names, map(lw.bind, free), strict=True)),
        "range": Known(range, "range"), "len": Known(len, "len"),
    }  # fmt: skip
    text = STEPS.replace("{args}", "".join(f", {n}" for n in names))
    return written(lw, c.node, text, given)


def fine_steps(c: Call, f: Ref, free: list[Atom], span: Atom, y0: Atom, method: str = "RK45") -> Atom:
    """The steps that a run of an explicit method takes which is more exact than most."""
    lw = c.lw
    run = sys.modules["scipy.integrate"].solve_ivp
    ins: list[Atom] = [f, span, y0, Const(method), Const(1e-8), Const(1e-10)]
    names = ["", "", "", "method", "rtol", "atol"]
    if free:
        ins, names = [*ins, display(free)], [*names, "args"]
    res = lw.prim(run, ins, tuple(names), result=OTHER, text="scipy.integrate.solve_ivp")
    return field(c, res, "t", Array("f8", (fresh_sym(),)))


def at_times(c: Call, steps: Atom, times: Bound, by: Atom, what: str = "") -> tuple[Bound, Bound]:
    """A grid of steps and times, and where the times are in it; how it moves with ``by`` is not known."""
    lw = c.lw
    both = content(lw, written(lw, c.node, GRID, {"steps": lw.bind(steps), "t": times}))
    assert isinstance(both, Agg)
    grid, places = (lw.read(b) for b in both.items)
    grid = fixed(c, grid, by, f"times at which a solution is asked for{what}")
    return lw.bind(grid), lw.bind(places)


def fixed(c: Call, a: Atom, by: Atom, what: str) -> Atom:
    """A value that is taken to be constant; an error if what it is made of varies."""
    lw = c.lw
    problem = lw.problem(
        "no-rule", f"the derivative of {c.text} in the {what} is not known", c.node,
        help="scale the time in the equation instead",
    )  # fmt: skip
    still = lw.prim(ops.stop_gradient, [a], result=kind(a))
    return lw.prim(lw.ctx.implicit("told_by"), [by, still], result=kind(a), untold=problem)


DENSE = """
def out(times):
    times = np.asarray(times, dtype=float)
    if times.ndim == 0:
        return solve(fun, t_span, y0, t_eval=times[None]{rest}).y[:, 0]
    order = np.argsort(times * np.sign(t_span[1] - t_span[0]))
    return solve(fun, t_span, y0, t_eval=times[order]{rest}).y[:, np.argsort(order)]
"""


def interpolant(c: Call, obj: Any, given: Kw) -> Bound:
    """``sol.sol``: what it gives is what the same run gives at these times, ``t_eval=``."""
    given = {n: b for n, b in given.items() if n not in ("t_eval", "dense_output")}
    rest = "".join(f", {n}={n}" for n in given if n not in ("fun", "t_span", "y0"))
    run = {"solve": Known(obj, c.text), "float": Known(float, "float")}
    return written(c.lw, c.node, DENSE.replace("{rest}", rest), given | run)


def solve_ivp(lw: Lowerer, obj: Any, args: Args, kwargs: Kw, node: Any) -> Bound:
    names = (
        "fun t_span y0 method t_eval dense_output events vectorized args first_step max_step rtol atol jac "
        "jac_sparsity lband uband min_step"
    )
    c = Call(lw, obj, names, args, kwargs, node)
    c.without("events", help="integrate to a fixed time, and find the event with brentq")
    c.without("vectorized", "jac_sparsity")
    method = c.flag("method", "RK45")
    if not isinstance(method, str):
        refuse(lw, "scipy.integrate.solve_ivp of such a method", node, "name it: method='RK45'")
    dense, whole = c.flag("dense_output", False), dict(c.given)
    extra, y0 = c.extra(), c.vector("y0")
    k = float_array(kind(y0))
    jac = ["jac"] if is_function(lw, c.given.get("jac")) else []
    wanted = [
        Wanted(g, (("t", FLOAT), ("y", k)), extra) for g in (c.function("fun"), *(c.given[n] for n in jac))
    ]
    refs, free, _ = lift(lw, wanted, node)
    f = refs[0]
    span = written(lw, node, "out = (s[0], s[1])", {"s": c.given["t_span"]})
    times = c.given.get("t_eval")
    given = {"fun": f, "t_span": lw.read(span), "y0": y0}
    given |= c.rest("fun", "t_span", "y0", "dense_output", *jac)
    res = c.run(given | dict(zip(jac, refs[1:], strict=True)), free)
    count = fresh_sym()
    at = field(c, res, "t", Array("f8", (count,)))
    value = field(c, res, "y", Array("f8", (*k.dims, count)))  # type: ignore[union-attr]
    if times is not None:
        t = lw.bind(at)
        exact = field(c, res, "t", Array("f8", (count,)))
        steps = fine_steps(c, f, free, lw.read(span), y0, method if method in EXPLICIT else "RK45")
        by = display([lw.read(times, node), lw.read(span)])
        grid, places = at_times(c, steps, lw.bind(exact), by, " (with t_eval, in its ends as well)")
    else:
        scaled = "out = s[0] + (t - t[0]) * ((s[1] - s[0]) / (t[-1] - t[0]))"
        ends = lw.read(span)
        if isinstance(ends, Struct) and all(isinstance(a, Const) for a in ends.items):
            scaled = "out = t"
        t = written(lw, node, scaled, {"s": span, "t": lw.bind(at)})
        if method in EXPLICIT:
            grid, places = t, None
        else:
            fine = lw.bind(fine_steps(c, f, free, lw.read(span), y0))
            grid, places = at_times(c, lw.read(fine), lw.bind(at), at)
            still = lw.read(grid)
            still = lw.prim(ops.stop_gradient, [still], result=kind(still))
            grid = written(lw, node, scaled, {"s": span, "t": lw.bind(still)})
    rows = stepped(c, f, free, y0, grid, method if method in EXPLICIT else "RK45")
    text = "out = rows[places].T" if places is not None else "out = rows.T"
    model = written(lw, node, text, {"rows": rows, "places": places or Plain(Const(None))})
    y = c.attached("derivative_of", [lw.read(model)], value)
    return result_of(
        c,
        res,
        t=t,
        y=lw.bind(y),
        sol=interpolant(c, obj, whole) if dense else Plain(Const(None)),
    )


def odeint(lw: Lowerer, obj: Any, args: Args, kwargs: Kw, node: Any) -> Bound:
    names = (
        "func y0 t args Dfun col_deriv full_output ml mu rtol atol tcrit h0 hmax hmin ixpr mxstep mxhnil "
        "mxordn mxords printmessg tfirst"
    )
    c = Call(lw, obj, names, args, kwargs, node)
    c.without("full_output", "Dfun")
    extra, y0 = c.extra(), c.vector("y0")
    k = float_array(kind(y0))
    first = c.flag("tfirst", False) is True
    fn = c.function("func")
    both = (("t", FLOAT), ("y", k))
    own = Wanted(fn, both if first else both[::-1], extra)
    turned = (
        own
        if first
        else Wanted(written(lw, node, "out = lambda t, y, *a: g(y, t, *a)", {"g": fn}), both, extra)
    )
    refs, free, _ = lift(lw, [own, turned], node)
    times = written(
        lw, node, "out = np.asarray(t, dtype=float)", {"t": c.given["t"], "float": Known(float, "float")}
    )
    kt = kind(lw.read(times))
    given = {"func": refs[0], "y0": y0, "t": lw.read(times), **c.rest("func", "y0", "t")}
    dims = kt.dims if isinstance(kt, Array) else (fresh_sym(),)
    value = c.run(given, free, Array("f8", (*dims, *k.dims)))  # type: ignore[union-attr]
    span = lw.read(written(lw, node, "out = (t[0], t[-1])", {"t": times}))
    grid, places = at_times(c, fine_steps(c, refs[1], free, span, y0), times, lw.read(times))
    rows = stepped(c, refs[1], free, y0, grid, "RK45")
    model = written(lw, node, "out = rows[places]", {"rows": rows, "places": places})
    return lw.bind(c.attached("derivative_of", [lw.read(model)], value))


HANDLERS: dict[tuple[str, str], Callable[..., Bound]] = {
    **{("scipy.optimize", name): bracketed for name in ("brentq", "brenth", "bisect", "ridder", "toms748")},
    ("scipy.optimize", "newton"): newton, ("scipy.optimize", "root_scalar"): root_scalar,
    ("scipy.optimize", "root"): root, ("scipy.optimize", "fsolve"): fsolve,
    ("scipy.optimize", "fixed_point"): fixed_point, ("scipy.optimize", "minimize"): minimize,
    ("scipy.optimize", "minimize_scalar"): minimize_scalar,
    ("scipy.optimize", "least_squares"): least_squares,
    ("scipy.optimize", "curve_fit"): curve_fit, ("scipy.integrate", "quad"): quad,
    ("scipy.integrate", "quad_vec"): quad_vec, ("scipy.integrate", "solve_ivp"): solve_ivp,
    ("scipy.integrate", "odeint"): odeint,
}  # fmt: skip
