"""Functions of SciPy as the few lines of NumPy (and of simpler functions of SciPy) that they stand for.

Each is read in the place of a call that something to differentiate flows into; other calls stay as they are.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from srcdiff.frontend.constants import constant, is_constant
from srcdiff.frontend.higher import written
from srcdiff.frontend.scope import Bound, Known, Kw, Partial, Plain
from srcdiff.ir.graph import Const, Ref, kind
from srcdiff.ir.kinds import Array, Scalar, Seq, Tree, is_active_kind

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = ["HANDLERS", "SPECIAL", "method_of_curve"]

FUNCTIONS = {f.__name__: Known(f, f.__name__) for f in (len, range, int, max)}


class Given:
    """The arguments of a call by name, with the defaults."""

    def __init__(self, lw: Lowerer, obj: Any, args: list[Bound], kwargs: Kw, node: Any) -> None:
        self.lw, self.node = lw, node
        params = inspect.signature(obj).parameters
        self.all: Kw = {**dict(zip(params, args, strict=False)), **kwargs}
        self.known = len(args) <= len(params) and not kwargs.keys() - params.keys()
        for name, p in params.items():
            if p.default is not p.empty and name not in self.all:
                self.all[name] = Plain(Const(p.default))

    def flag(self, name: str) -> Any:
        """An option; the sentinel itself where it is no constant."""
        a = self.lw.read(self.all[name], self.node)
        return constant(a) if is_constant(a) else Given

    def rank(self, name: str) -> int | None:
        k = kind(self.lw.read(self.all[name], self.node))
        return len(k.dims) if isinstance(k, Array) else None

    def as_arrays(self, *names: str) -> None:
        """Lists, tuples and numbers among the arguments, as arrays."""
        for n in names:
            if isinstance(kind(self.lw.read(self.all[n], self.node)), (Tree, Seq, Scalar)):
                self.all[n] = written(self.lw, self.node, "out = np.atleast_1d(v)", {"v": self.all[n]})

    def write(self, text: str, *names: str, **more: Bound) -> Bound:
        given = {n: self.all[n] for n in names}
        return written(self.lw, self.node, text, {**given, **FUNCTIONS, **more})


def stands_for(*active: str) -> Callable[[Callable[[Given], Bound | None]], Callable[..., Bound | None]]:
    """A handler that is asked only if one of ``active`` may carry a derivative, and may decline with None."""

    def decorate(text: Callable[[Given], Bound | None]) -> Callable[..., Bound | None]:
        def handler(lw: Lowerer, obj: Any, args: list[Bound], kwargs: Kw, node: Any) -> Bound | None:
            g = Given(lw, obj, args, kwargs, node)
            given = [kind(lw.read(g.all[n], node)) for n in active if n in g.all]
            if not g.known or not any(map(is_active_kind, given)):
                return None
            return text(g)

        return handler

    return decorate


def of_scipy(part: str, name: str) -> Known:
    return Known(getattr(sys.modules[f"scipy.{part}"], name), f"scipy.{part}.{name}")


@stands_for("y", "x")
def trapezoid(g: Given) -> Bound | None:
    return g.write("out = np.trapezoid(y, x, dx, axis)", "y", "x", "dx", "axis")


@stands_for("y", "x")
def cumulative_trapezoid(g: Given) -> Bound | None:
    rank, at = g.rank("y"), g.flag("axis")
    if rank is None or not isinstance(at, int) or g.flag("initial") not in (None, 0):
        return None
    step = "dx" if g.flag("x") is None else "np.diff(x)"
    if rank == 1:
        text = f"out = np.cumsum({step} * (y[1:] + y[:-1]) / 2.0)"
        if g.flag("initial") is not None:
            text += "\nout = np.concatenate((np.zeros(1), out))"
        return g.write(text, "y", "x", "dx")
    if g.flag("x") is not None and g.rank("x") != 1:
        return None
    text = "t = np.moveaxis(y, axis, -1)\n"
    text += f"t = np.cumsum({step} * (t[..., 1:] + t[..., :-1]) / 2.0, axis=-1)\n"
    if g.flag("initial") is not None:
        text += f"t = np.pad(t, ({'(0, 0), ' * (rank - 1)}(1, 0)))\n"
    return g.write(text + "out = np.moveaxis(t, -1, axis)", "y", "x", "dx", "axis")


STATES = """
m = len(zi)
e = np.concatenate((zi, np.zeros(len(x) - m)))
y = lfilter(b, a, x) + lfilter(np.ones(1), a / a[0], e)
B = np.concatenate((b / a[0], np.zeros(m + 1 - len(b))))
A = np.concatenate((a / a[0], np.zeros(m + 1 - len(a))))
zf = np.convolve(B, x[len(x) - m:])[m:] - np.convolve(A, y[len(x) - m:])[m:]
out = (y, zf)
"""


@stands_for("b", "a", "x", "zi")
def lfilter(g: Given) -> Bound | None:
    g.as_arrays("b", "a", "x", "zi")
    if (
        g.flag("zi") is None
        or g.rank("x") != 1
        or g.rank("zi") not in (None, 1)
        or g.flag("axis") not in (-1, 0)
    ):
        return None
    return g.write(STATES, "b", "a", "x", "zi", lfilter=of_scipy("signal", "lfilter"))


STEADY = """
m = max(len(a), len(b))
B = np.concatenate((b / a[0], np.zeros(m - len(b))))
A = np.concatenate((a / a[0], np.zeros(m - len(a))))
out = np.cumsum((B[1:] - A[1:] * (np.sum(B) / np.sum(A)))[::-1])[::-1]
"""


@stands_for("b", "a")
def lfilter_zi(g: Given) -> Bound | None:
    g.as_arrays("b", "a")
    if g.rank("b") != 1 or g.rank("a") != 1:
        return None
    return g.write(STEADY, "b", "a")


EXTENDED = {
    "odd": "np.concatenate((2.0 * x[0] - x[n:0:-1], x, 2.0 * x[-1] - x[-2:-(n + 2):-1]))",
    "even": "np.concatenate((x[n:0:-1], x, x[-2:-(n + 2):-1]))",
    None: "x",
}
BOTH_WAYS = """
z = lfilter_zi(b, a)
y, _ = lfilter(b, a, w, zi=z * w[0])
y, _ = lfilter(b, a, y[::-1], zi=z * y[-1])
out = y[::-1][n:len(w) - n]
"""


@stands_for("b", "a", "x")
def filtfilt(g: Given) -> Bound | None:
    g.as_arrays("b", "a", "x")
    kind_of_edge = g.flag("padtype")
    if g.rank("x") != 1 or g.flag("method") != "pad" or kind_of_edge not in EXTENDED:
        return None
    width = (
        "0" if kind_of_edge is None else "3 * max(len(a), len(b))" if g.flag("padlen") is None else "padlen"
    )
    text = f"n = {width}\nw = {EXTENDED[kind_of_edge]}{BOTH_WAYS}"
    filters = {name: of_scipy("signal", name) for name in ("lfilter", "lfilter_zi")}
    return g.write(text, "b", "a", "x", "padlen", **filters)


def corners(rank: int, order: int, inside: bool) -> str:
    """The value of an image between its pixels, at coordinates ``c0``, ``c1`` ..."""
    lines = []
    for k in range(rank):
        lines.append(f"n{k} = np.shape(image)[{k}]")
        lines.append(f"w{k} = np.clip(c{k}, 0.0, n{k} - 1.0)")
        if order == 0:
            lines.append(f"i{k} = np.floor(w{k} + 0.5).astype(int)")
        else:
            lines.append(f"i{k} = np.clip(np.floor(w{k}), 0, max(n{k} - 2, 0)).astype(int)")
            lines.append(f"j{k} = np.minimum(i{k} + 1, n{k} - 1)")
            lines.append(f"f{k} = w{k} - i{k}")
    terms = []
    for corner in range(2**rank if order else 1):
        sides = [corner >> k & 1 for k in range(rank)]
        index = ", ".join(f"{'j' if s else 'i'}{k}" for k, s in enumerate(sides))
        share = " * ".join(f"f{k}" if s else f"(1.0 - f{k})" for k, s in enumerate(sides)) if order else "1.0"
        terms.append(f"{share} * image[{index}]")
    lines.append("out = " + " + ".join(terms))
    if inside:
        tests = " & ".join(f"(c{k} >= 0.0) & (c{k} <= n{k} - 1.0)" for k in range(rank))
        lines.append(f"out = np.where({tests}, out, cval)")
    return "\n".join(lines)


def interpolated(g: Given, coordinates: str, *names: str) -> Bound | None:
    rank, order, mode = g.rank("input"), g.flag("order"), g.flag("mode")
    if (
        rank is None
        or order not in (0, 1)
        or mode not in ("constant", "nearest")
        or g.flag("output") is not None
    ):
        return None
    text = f"image = input\n{coordinates}\n" + "\n".join(f"c{k} = at[{k}]" for k in range(rank))
    return g.write(f"{text}\n{corners(rank, order, mode == 'constant')}", "input", "cval", *names)


@stands_for("input", "coordinates")
def map_coordinates(g: Given) -> Bound | None:
    return interpolated(g, "at = np.asarray(coordinates)", "coordinates")


@stands_for("input", "shift")
def shift(g: Given) -> Bound | None:
    rank = g.rank("input")
    if rank is None:
        return None
    each = "s = np.asarray(shift)" + (
        f"\ns = np.broadcast_to(s, ({rank},))" if g.rank("shift") is None else ""
    )
    moved = ", ".join(f"np.indices(np.shape(image))[{k}] - s[{k}]" for k in range(rank))
    return interpolated(g, f"{each}\nat = ({moved},)", "shift")


@stands_for("input", "matrix", "offset")
def affine_transform(g: Given) -> Bound | None:
    rank = g.rank("input")
    if rank is None or g.rank("matrix") != 2 or g.flag("output_shape") is not None:
        return None
    sides = kind(g.lw.read(g.all["matrix"])).dims  # type: ignore[union-attr]
    if any(isinstance(d, int) and d != rank for d in sides):
        return None
    text = f"d = np.broadcast_to(np.asarray(offset), ({rank},))\ngrid = np.indices(np.shape(image))\n"
    text += "at = np.tensordot(matrix, grid, 1) + np.reshape(d, (-1" + ", 1" * rank + "))"
    return interpolated(g, text, "matrix", "offset")


@stands_for("input")
def gaussian_gradient_magnitude(g: Given) -> Bound | None:
    rank = g.rank("input")
    if rank is None or g.flag("output") is not None or g.flag("mode") is Given:
        return None
    orders = [tuple(int(j == k) for j in range(rank)) for k in range(rank)]
    terms = " + ".join(
        f"gaussian_filter(input, sigma, order={o!r}, mode=mode, cval=cval) ** 2" for o in orders
    )
    smooth = of_scipy("ndimage", "gaussian_filter")
    return g.write(f"out = np.sqrt({terms})", "input", "sigma", "mode", "cval", gaussian_filter=smooth)


SHAPED = ("PchipInterpolator", "Akima1DInterpolator")


def curve(name: str, *options: str) -> Any:
    """A class of curves: what calls its objects is a function of the knots, the values and the place."""

    def handler(lw: Lowerer, obj: Any, args: list[Bound], kwargs: Kw, node: Any) -> Bound | None:
        if len(args) == 3 and options == ("k",):  # (the one that may be given by position)
            args, kwargs = args[:2], {"k": args[2], **kwargs}
        if len(args) != 2 or kwargs.keys() - set(options):
            return None
        words = [lw.read(b, node) for b in kwargs.values()]
        if not all(is_constant(a) and isinstance(constant(a), (str, int, bool)) for a in words):
            return None
        number = Known(float, "float")
        text = "out = np.asarray(v, dtype=float)"
        arrays = [written(lw, node, text, {"v": a, "float": number}) for a in args]
        word = "interpolate_shaped" if name in SHAPED else "interpolate"
        fn = Known(lw.ctx.implicit(word), word)
        return Partial(fn, (Plain(Const(name)), *arrays), kwargs)

    return handler


def derivative(lw: Lowerer, args: list[Bound], kwargs: Kw, node: Any) -> Bound:
    """The derivative of a curve made in the program: the same at another order."""
    made, order = args[0], args[1] if len(args) > 1 else kwargs.get("nu", Plain(Const(1)))
    before = made.kwargs.get("nu", Plain(Const(0))) if isinstance(made, Partial) else Plain(Const(0))
    total = [lw.read(b, node) for b in (before, order)]
    if not isinstance(made, Partial) or not all(
        is_constant(a) and isinstance(constant(a), int) for a in total
    ):
        lw.stop("option", "the order of a derivative of a curve is a number that is written", node)
    return Partial(made.fn, made.args, {**made.kwargs, "nu": Plain(Const(sum(map(constant, total))))})


def antiderivative(lw: Lowerer, args: list[Bound], kwargs: Kw, node: Any) -> Bound:
    """The integral of a curve made in the program, from its first knot on."""
    order = args[1] if len(args) > 1 else kwargs.get("nu", Plain(Const(1)))
    less = written(lw, node, "out = -n", {"n": order})
    made = args[0]
    if not isinstance(made, Partial) or not can_be_integrated(lw, made):
        lw.stop("option", "the integral of such a curve has no rule", node,
                help="use CubicSpline without periodic ends, or PchipInterpolator")  # fmt: skip
    return derivative(lw, [made, less], {}, node)


def integrate(lw: Lowerer, args: list[Bound], kwargs: Kw, node: Any) -> Bound:
    """The integral of a curve made in the program between two places."""
    given = dict(zip(("a", "b"), args[1:], strict=False)) | kwargs
    if given.keys() != {"a", "b"} or len(args) > 3:
        lw.stop("option", "integrate of a curve takes two places, and no option here", node,
                help="leave extrapolate= out")  # fmt: skip
    whole = antiderivative(lw, args[:1], {}, node)
    return written(lw, node, "out = whole(b) - whole(a)", {"whole": whole, **given})


def can_be_integrated(lw: Lowerer, made: Partial) -> bool:
    """Whether the antiderivative is a curve of the same rule: not one that is periodic, or no polynomial."""
    name = constant(lw.read(made.args[0]))
    ends = [constant(lw.read(made.kwargs[w])) for w in ("bc_type", "extrapolate") if w in made.kwargs]
    return name != "interp1d" and "periodic" not in ends


METHODS = {"derivative": derivative, "antiderivative": antiderivative, "integrate": integrate}


def method_of_curve(owner: Bound, name: str) -> Bound | None:
    """The method of this name of a curve made in the program."""
    if name not in METHODS or not isinstance(owner, Partial) or not isinstance(owner.fn, Known):
        return None
    if owner.fn.text not in ("interpolate", "interpolate_shaped"):
        return None
    return Partial(Known(METHODS[name], name), (owner,), {})


def table(lw: Lowerer, obj: Any, args: list[Bound], kwargs: Kw, node: Any) -> Bound | None:
    """A table in several dimensions: what calls it is `interpn` of the points and values."""
    if len(args) != 2 or kwargs.keys() - {"method", "bounds_error", "fill_value"}:
        return None
    return Partial(of_scipy("interpolate", "interpn"), tuple(args), kwargs)


def is_curve(obj: Any) -> bool:
    """Whether an object is a piecewise polynomial of SciPy, made outside."""
    cls = type(obj)
    home = str(cls.__module__)
    return home.startswith("scipy.interpolate") and hasattr(cls, "derivative") and callable(obj)


def at(lw: Lowerer, obj: Any, path: Any, args: list[Bound], kwargs: Kw, node: Any) -> Bound:
    """A curve made outside, at the places given."""
    if path is not None:
        lw.guards[path] = obj
    place = written(lw, node, "out = np.asarray(v)", {"v": args[0]}) if args else None
    fn = Known(lw.ctx.implicit("curve_at"), "curve_at")
    return lw.call(fn, [Plain(Ref(obj, "curve")), *([place] if place else []), *args[1:]], kwargs, node)


HANDLERS: dict[tuple[str, str], Callable[..., Bound | None]] = {
    ("scipy.integrate", "trapezoid"): trapezoid,
    ("scipy.integrate", "cumulative_trapezoid"): cumulative_trapezoid,
    ("scipy.signal", "lfilter"): lfilter, ("scipy.signal", "lfilter_zi"): lfilter_zi,
    ("scipy.signal", "filtfilt"): filtfilt,
    ("scipy.ndimage", "map_coordinates"): map_coordinates, ("scipy.ndimage", "shift"): shift,
    ("scipy.ndimage", "affine_transform"): affine_transform,
    ("scipy.ndimage", "gaussian_gradient_magnitude"): gaussian_gradient_magnitude,
    ("scipy.interpolate", "CubicSpline"): curve("CubicSpline", "bc_type", "extrapolate"),
    ("scipy.interpolate", "make_interp_spline"): curve("make_interp_spline", "k"),
    ("scipy.interpolate", "BSpline"): curve("BSpline", "k"),
    ("scipy.interpolate", "PchipInterpolator"): curve("PchipInterpolator", "extrapolate"),
    ("scipy.interpolate", "Akima1DInterpolator"): curve("Akima1DInterpolator", "extrapolate", "method"),
    ("scipy.interpolate", "interp1d"): curve("interp1d", "kind"),
    ("scipy.interpolate", "RegularGridInterpolator"): table,
}  # fmt: skip
SPECIAL: dict[Any, Any] = {f: f for f in METHODS.values()}
