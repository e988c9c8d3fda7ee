"""A stand-in for CuPy over NumPy, strict about what leaves the device: for tests where there is no GPU.

It has CuPy's names and no others, with CuPy's parameters (``backends/cupy_names.txt``), and its rules:

- nothing becomes a NumPy array by itself: ``__array__`` raises, and so does any operation with a NumPy array;
- what NumPy gives as a number, it gives as an array of no dimensions; an element is a view;
- functions that take arrays take no numbers in their place, but for ufuncs and a few more;
- ``np.exp(x)`` of such an array is done by this module (``__array_function__``, ``__array_ufunc__``);
- what is read back to the host (``float(x)``, ``if x``) is noted in ``SYNCS``.

``mirror_graphs.py`` adds streams and graphs to it, which are told of every operation (``noted``).

It knows nothing of CuPy's numerics, speed or kernels.  Importing it lets srcdiff know it as an array module.
"""

from __future__ import annotations

import functools
import importlib
import sys
import types
from typing import Any

import numpy as np

from srcdiff.backends import cupy_names
from srcdiff.ir.modules import ArrayModule, known_as

MODULE = ArrayModule("cupy_mirror", "cp", "cupy_mirrorx.scipy")
SYNCS: list[str] = []  # what was read back to the host
MAY_READ = [True]  # whether it may be
PINNED: list[Any] = [lambda size: None]  # what gives memory for copies from the host
HOOKS: list[Any] = []  # what is told of new memory
NOTES: list[Any] | None = None  # operations of a graph that is being captured
NUMBERS = (bool, int, float, complex, np.generic)
MAKERS = {"array", "asarray", "ascontiguousarray", "asanyarray"}
GONE = "Implicit conversion to a NumPy array is not allowed. Please use `.get()`"
# numbers of the host
FACTS = {"shape", "ndim", "size", "result_type", "can_cast", "iscomplexobj", "isrealobj", "isscalar",
         "broadcast_shapes", "min_scalar_type", "promote_types", "common_type"}  # fmt: skip


class ndarray:
    """An array that stays where it is."""

    __array_priority__ = 100
    __slots__ = ("_a",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, a: Any) -> None:
        self._a = a
        for hook in HOOKS:
            if a.base is None:
                hook.malloc_postprocess(size=a.nbytes)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise TypeError(GONE)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kw: Any) -> Any:
        if any(isinstance(x, np.ndarray) for x in inputs):
            raise TypeError("Unsupported type <class 'numpy.ndarray'>")
        if "out" in kw:
            kw["out"] = kw["out"][0]
        name = ufunc.__name__
        try:
            f = getattr(sys.modules[__name__], name)
        except AttributeError:
            try:
                f = getattr(sys.modules["cupy_mirrorx.scipy.special"], name)
            except AttributeError:
                return NotImplemented
        return (f if method == "__call__" else getattr(f, method))(*inputs, **kw)

    def __array_function__(self, func: Any, types_: Any, args: Any, kw: Any) -> Any:
        place: Any = sys.modules[__name__]
        for part in func.__module__.split(".")[1:]:
            place = getattr(place, part, None)
        f = getattr(place, func.__name__, None)
        if f is None or not all(issubclass(t, ndarray) for t in types_):
            return NotImplemented
        return f(*args, **kw)

    def _host(self, why: str) -> Any:
        if not MAY_READ[0]:
            raise sys.modules["cupy_mirrorx"].DeviceSynchronized
        SYNCS.append(why)
        return self._a

    def get(self) -> Any:
        return self._host("get").copy()

    def item(self, *at: int) -> Any:
        return self._host("item").item(*at)

    def tolist(self) -> Any:
        return self._host("tolist").tolist()

    def __float__(self) -> float:
        return float(self._host("float"))

    def __int__(self) -> int:
        return int(self._host("int"))

    def __bool__(self) -> bool:
        return bool(self._host("bool"))

    def __complex__(self) -> complex:
        return complex(self._host("complex"))

    def __repr__(self) -> str:
        return repr(self._host("repr"))

    def __format__(self, spec: str) -> str:
        return format(self._host("format").item() if not self._a.ndim else self._a, spec)

    def __iter__(self) -> Any:
        if not self._a.ndim:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(len(self._a)))

    def __len__(self) -> int:
        return len(self._a)

    def __deepcopy__(self, memo: Any) -> ndarray:
        return noted(self._a.copy, ndarray(self._a.copy()), (self._a,))

    def __copy__(self) -> ndarray:
        return noted(self._a.copy, ndarray(self._a.copy()), (self._a,))

    def __getitem__(self, index: Any) -> ndarray:
        at = placed(index)
        if not MAY_READ[0] and any(isinstance(p, np.ndarray) and p.dtype == bool for p in leaves([at])):
            self._host("mask")  # (how many there are)
        got = self._a[at]
        if isinstance(got, np.generic):  # an element is a view, if it is named by numbers
            parts = at if isinstance(at, tuple) else (at,)
            plain = all(isinstance(p, (int, np.integer)) or p is Ellipsis for p in parts)
            got = self._a[(*parts, Ellipsis)] if plain and Ellipsis not in parts else np.asarray(got)
        if np.shares_memory(got, self._a):
            return ndarray(got)
        return noted(lambda: self._a[at], ndarray(got), (self._a,))

    def __setitem__(self, index: Any, value: Any) -> None:
        at, given = placed(index), plain_of(value, "__setitem__")
        self._a[at] = given
        noted(lambda: self._a.__setitem__(at, given), None, ())

    def __getattr__(self, name: str) -> Any:
        if f"cupy.ndarray.{name}" not in cupy_names.listed():
            raise AttributeError(f"'cupy.ndarray' object has no attribute {name!r}")
        found = getattr(self._a, name)
        if callable(found):
            return wrapped(found, name, cupy_names.parameters_of(f"numpy.{name}"), own=True)
        return ndarray(found) if isinstance(found, np.ndarray) else found

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        return {"data": self._a.__array_interface__["data"], "shape": self._a.shape, "version": 3}

    @property
    def flat(self) -> Any:
        raise TypeError("flat of a device array is read element by element")


ndarray.__module__ = "cupy_mirror"


def operator_(name: str, inplace: bool = False) -> Any:
    def apply(self: ndarray, *others: Any) -> Any:
        for o in others:
            if isinstance(o, np.ndarray):
                raise TypeError(f"Unsupported type {np.ndarray}")
            if not isinstance(o, (*NUMBERS, ndarray)) and o is not None:
                return NotImplemented
        plain = [o._a if isinstance(o, ndarray) else o for o in others]
        got = getattr(self._a, name)(*plain)
        if got is NotImplemented:
            return got
        out = self if inplace else boxed(got)
        return noted(lambda: getattr(self._a, name)(*plain), out, (self._a, *plain))

    return apply


BOTH = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor", "lshift",
        "rshift", "divmod")  # fmt: skip
for _n in BOTH:
    setattr(ndarray, f"__{_n}__", operator_(f"__{_n}__"))
    setattr(ndarray, f"__r{_n}__", operator_(f"__r{_n}__"))
    if _n not in ("matmul", "divmod"):  # (CuPy has no in-place product of matrices)
        setattr(ndarray, f"__i{_n}__", operator_(f"__i{_n}__", True))
for _n in ["lt", "le", "eq", "ne", "gt", "ge", "neg", "pos", "abs", "invert"]:
    setattr(ndarray, f"__{_n}__", operator_(f"__{_n}__"))


def noted(run: Any, result: Any, inputs: Any) -> Any:
    """Tell a graph that is being captured of an operation; what it makes is there when the graph is run."""
    if NOTES is None:
        return result
    outs = [x for x in leaves(result) if isinstance(x, ndarray)]
    NOTES.append((run, outs))
    given = [x for x in leaves(list(inputs)) if isinstance(x, np.ndarray)]
    for o in outs:
        if not o._a.flags.writeable and not any(np.shares_memory(o._a, x) for x in given):
            o._a = o._a.copy()
        if o._a.dtype.kind in "fc" and not any(np.shares_memory(o._a, x) for x in given):
            o._a[...] = 0.37
    return result


def placed(index: Any) -> Any:
    """An index for NumPy; one that is a NumPy array would be copied to the device at each use."""
    if isinstance(index, tuple):
        return tuple(map(placed, index))
    if isinstance(index, np.ndarray):
        raise TypeError("a NumPy array as an index of a device array")
    if isinstance(index, slice):
        for part in (index.start, index.stop, index.step):
            if isinstance(part, ndarray):
                raise TypeError("a device array in a slice")
    return index._a if isinstance(index, ndarray) else index


def plain_of(x: Any, where: str) -> Any:
    """An operand for NumPy."""
    if isinstance(x, ndarray):
        return x._a
    if isinstance(x, np.ndarray):
        raise TypeError(f"Unsupported type {np.ndarray} (in {where})")
    if isinstance(x, (list, tuple)):
        return type(x)(plain_of(v, where) for v in x)
    return x


def boxed(x: Any) -> Any:
    """A result of NumPy's, on the device."""
    if isinstance(x, (np.ndarray, np.generic)):
        return ndarray(np.asarray(x))
    if isinstance(x, (list, tuple)):
        items = [boxed(v) for v in x]
        return type(x)(*items) if hasattr(x, "_fields") else type(x)(items)
    return Curve(x) if hasattr(x, "antiderivative") else x


def wrapped(f: Any, name: str, parameters: tuple[str, ...] | None, path: str = "", own: bool = False) -> Any:
    """A function of NumPy's with CuPy's parameters, for arrays of the device."""
    wanted = cupy_names.array_parameters(path) if path else frozenset()

    @functools.wraps(f, updated=())
    def g(*args: Any, **kw: Any) -> Any:
        if parameters is not None:
            held_against(name, parameters, args, kw, wanted, own)
        if name in MAKERS and not own:
            return made(f, name, *args, **kw)
        args = tuple(plain_of(x, name) for x in args)
        kw = {k: plain_of(x, name) for k, x in kw.items()}
        out = f(*args, **kw)
        if name in FACTS:
            return out
        out = boxed(np.asarray(out) if isinstance(out, bool) else out)
        hosts = (f.__self__,) if own else ()
        return noted(lambda: f(*args, **kw), out, (*hosts, *args, *kw.values()))

    del g.__wrapped__
    g.__module__ = "cupy_mirror"
    if isinstance(f, np.ufunc):
        for method in ("at", "reduce", "accumulate", "outer", "reduceat"):
            setattr(g, method, wrapped(getattr(f, method), f"{name}.{method}", None))
    return g


def held_against(
    name: str, parameters: tuple[str, ...], args: Any, kw: Any, wanted: frozenset[str], own: bool
) -> None:
    """Refuse what CuPy would: parameters that it has not, and numbers for arrays."""
    plain = [p for p in parameters if not p.startswith("*")]
    more = next((p for p in parameters if p.startswith("*") and not p.startswith("**")), None)
    given = (None, *args) if own else args
    if len(given) > len(plain) and more is None and name not in ("reshape", "transpose"):
        raise TypeError(f"{name}() takes {len(plain)} positional arguments but {len(given)} were given")
    if not any(p.startswith("**") for p in parameters):
        for k in kw:
            if k not in plain:
                raise TypeError(f"{name}() got an unexpected keyword argument {k!r}")
    for n, x in enumerate(args):
        word = plain[n] if n < len(plain) else ""
        if more is not None and parameters.index(more) <= n:
            word = more
        if word in wanted and isinstance(x, NUMBERS) and not own:
            raise TypeError(f"{name}(): {word} is a {type(x).__name__}, not a device array")
    if name in ("stack", "concatenate", "vstack", "hstack", "dstack", "column_stack") and args:
        for x in args[0]:
            if not isinstance(x, ndarray):
                raise TypeError("Only cupy arrays can be concatenated")
    if name == "einsum":
        for x in args[1:]:
            if not isinstance(x, ndarray):
                raise TypeError("einsum() takes device arrays")


def made(f: Any, name: str, obj: Any, *args: Any, **kw: Any) -> ndarray:
    """An array of what is given: from the host if it says so, never from both memories at once."""
    kinds = set(map(type, leaves(obj)))
    if ndarray in kinds and kinds != {ndarray}:
        raise TypeError(GONE)

    def inner(x: Any) -> Any:
        if isinstance(x, (list, tuple)):
            return [inner(y) for y in x]
        return x._a if isinstance(x, ndarray) else x

    if isinstance(obj, ndarray) and name != "array":
        return noted(lambda: f(obj._a, *args, **kw), ndarray(f(obj._a, *args, **kw)), (obj._a,))
    if not kinds & {ndarray} and isinstance(obj, (list, tuple, np.ndarray)) and not MAY_READ[0]:
        PINNED[0](8 * len(obj))
    return noted(lambda: f(inner(obj), *args, **kw), ndarray(np.array(f(inner(obj), *args, **kw))), ())


def leaves(x: Any) -> list[Any]:
    return [z for y in x for z in leaves(y)] if isinstance(x, (list, tuple)) else [x]


class Grid:
    """``mgrid`` and ``ogrid``."""

    def __init__(self, host: Any) -> None:
        self._host = host

    def __getitem__(self, index: Any) -> Any:
        return boxed(self._host[index])


class Curve:
    """A curve of ``cupyx.scipy.interpolate``."""

    def __init__(self, host: Any) -> None:
        self._host = host

    def __call__(self, *args: Any, **kw: Any) -> Any:
        return boxed(self._host(*(plain_of(x, "a curve") for x in args), **kw))

    def antiderivative(self, nu: int = 1) -> Curve:
        return Curve(self._host.antiderivative(nu))


class Generator:
    """Random numbers on the device, by the methods that CuPy's generator has."""

    def __init__(self, host: Any, copied: Any = None) -> None:
        self._host = host

    def __getattr__(self, name: str) -> Any:
        if f"cupy.random.Generator.{name}" not in cupy_names.listed():
            raise AttributeError(f"'Generator' object has no attribute {name!r}")
        return wrapped(getattr(self._host, name), name, None)


Generator.__module__ = "cupy_mirror"


class Names:
    """A part of the module: linalg, fft, or a part of ``cupyx.scipy``."""

    def __init__(self, host: Any, path: str) -> None:
        self.__dict__.update(_host=host, _path=path)

    def __getattr__(self, name: str) -> Any:
        return found(self._host, self._path, name)


@functools.cache
def looked_up(host_name: str, path: str, name: str) -> Any:
    host = importlib.import_module(host_name)
    full = f"{path}.{name}"
    what = cupy_names.listed().get(cupy_names.own(full))
    value = getattr(host, name, None)
    if isinstance(value, types.ModuleType):
        return Names(value, full)
    if what is None:
        raise AttributeError(f"module {path!r} of CuPy has no attribute {name!r}")
    if value is None:
        raise AttributeError(f"NumPy has no {full}")
    if name in ("mgrid", "ogrid"):
        return Grid(value)
    if name == "default_rng":
        return lambda *seed: Generator(value(*seed), copied=PINNED[0](8) if not MAY_READ[0] else None)
    if full.startswith("scipy.interpolate.") and isinstance(value, type):
        return lambda *args, **kw: Curve(value(*(plain_of(x, name) for x in args), **kw))
    if not callable(value) or isinstance(value, type):
        return value
    return wrapped(value, name, cupy_names.parameters_of(full), full)


def found(host: Any, path: str, name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return looked_up(host.__name__, path, name)


def asnumpy(x: Any) -> Any:
    return x.get() if isinstance(x, ndarray) else np.asarray(x)


def names_in(path: str) -> list[str]:
    """The names of CuPy's in one place."""
    pairs = (n.rpartition(".") for n in cupy_names.listed())
    return [word for place, _, word in pairs if place == cupy_names.own(path)]


def get_array_module(*args: Any) -> Any:
    return sys.modules[__name__] if any(isinstance(a, ndarray) for a in args) else np


class Stub:
    """What there is without a device: it can be made, and nothing else."""

    def __init__(self, *args: Any, **kw: Any) -> None:
        self.args = args


Stream, Device, Event, RawKernel, ElementwiseKernel, MemoryPool = (
    type(n, (Stub,), {"__module__": "cupy_mirror.cuda"})
    for n in ("Stream", "Device", "Event", "RawKernel", "ElementwiseKernel", "MemoryPool")
)
cuda = types.ModuleType("cupy_mirror.cuda")
for _class in (Stream, Device, Event, MemoryPool):
    setattr(cuda, _class.__name__, _class)


def get_default_memory_pool() -> Any:
    return MemoryPool()


def rsqrt(x: ndarray) -> ndarray:
    return 1.0 / found(np, "numpy", "sqrt")(x)


def scatter_add(a: ndarray, slices: Any, value: Any) -> None:
    found(np, "numpy", "add").at(a, slices, value)


rsqrt.__module__ = scatter_add.__module__ = "cupy_mirrorx"


def __getattr__(name: str) -> Any:
    return found(np, "numpy", name)


def __dir__() -> list[str]:
    return [*globals(), *names_in("numpy")]


def part(name: str) -> types.ModuleType:
    """A module ``cupy_mirrorx.scipy.NAME``."""
    module = types.ModuleType(f"cupy_mirrorx.{name}")
    host = name if name != "scipy" else ""

    def get(word: str) -> Any:
        if not host or word.startswith("__"):
            raise AttributeError(word)
        return found(importlib.import_module(host), host, word)

    module.__getattr__ = get  # type: ignore[method-assign]
    module.__dir__ = lambda: names_in(host) if host else list(vars(module))  # type: ignore[method-assign]
    module.__path__ = []
    return module


def to_device(tree: Any, wrap: Any = None) -> Any:
    """The same structure with arrays of the device in the place of NumPy's."""
    wrap = wrap or (lambda a: ndarray(a.copy()))
    if isinstance(tree, np.ndarray):
        return wrap(tree)
    if isinstance(tree, tuple):
        items = [to_device(x, wrap) for x in tree]
        return type(tree)(*items) if hasattr(tree, "_fields") else type(tree)(items)
    if isinstance(tree, list):
        return [to_device(x, wrap) for x in tree]
    if isinstance(tree, dict):
        return {k: to_device(x, wrap) for k, x in tree.items()}
    import dataclasses

    if dataclasses.is_dataclass(tree) and not isinstance(tree, type):
        fields = {f.name: to_device(getattr(tree, f.name), wrap) for f in dataclasses.fields(tree)}
        return dataclasses.replace(tree, **fields)
    return tree


def to_host(tree: Any) -> Any:
    """The same structure with NumPy's arrays, numbers where these have no dimensions."""
    if isinstance(tree, ndarray) or type(tree).__module__.startswith("cupy."):
        return (tree._a if isinstance(tree, ndarray) else tree.get())[()]
    if isinstance(tree, tuple):
        items = [to_host(x) for x in tree]
        return type(tree)(*items) if hasattr(tree, "_fields") else type(tree)(items)
    if isinstance(tree, list):
        return [to_host(x) for x in tree]
    if isinstance(tree, dict):
        return {k: to_host(x) for k, x in tree.items()}
    import dataclasses

    if dataclasses.is_dataclass(tree) and not isinstance(tree, type):
        fields = {f.name: to_host(getattr(tree, f.name)) for f in dataclasses.fields(tree)}
        return dataclasses.replace(tree, **fields)
    return tree


PARTS = (
    "special", "linalg", "fft", "signal", "ndimage", "interpolate", "stats", "spatial", "spatial.distance",
    "sparse", "sparse.linalg",
)  # fmt: skip
known_as("cupy_mirror", MODULE)
sys.modules["cupy_mirrorx"] = types.ModuleType("cupy_mirrorx")
sys.modules["cupy_mirrorx"].__path__ = []
sys.modules["cupy_mirrorx"].__dict__.update(rsqrt=rsqrt, scatter_add=scatter_add)
for _name in ("scipy", *(f"scipy.{p}" for p in PARTS)):
    _module = sys.modules[f"cupy_mirrorx.{_name}"] = part(_name)
    _above, _, _word = f"cupy_mirrorx.{_name}".rpartition(".")
    sys.modules[_above].__dict__[_word] = _module
