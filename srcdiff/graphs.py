"""Derivatives as CUDA graphs: what a call asks of the device is noted once, and asked again all at once.

A call on small arrays is mostly the time that it takes to launch its kernels, one by one.  A graph of them is
one launch.  What is in it is fixed: the kernels, the memory that they read and write, the numbers of the host
that they were given.  So the arrays of each call are copied to where the graph reads, and the results from
where it writes; numbers of the host that change, and values that the host asks for, are refused.
"""

from __future__ import annotations

import contextlib
import copy
import importlib
import sys
import threading
import types
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, ParamSpec, TypeVar

import numpy as np

from srcdiff.api import Derivative
from srcdiff.api.targets import name_of, refuse, refuse_value
from srcdiff.errors import DerivativeValueError, problem_at
from srcdiff.ir.classes import fields_of
from srcdiff.ir.modules import NUMPY, module_of
from srcdiff.load import explain, statement_of

__all__ = ["Captured", "captured"]

P = ParamSpec("P")
R = TypeVar("R")
MOST = 16  # graphs that are kept of a derivative
FIXED = (types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.ModuleType, type, np.ufunc,
         np.dtype, slice, range, type(...), Derivative)  # fmt: skip


class CopyFromHost(Exception):
    """Numbers of the host are copied to the device."""


@dataclass(slots=True)
class Leaves:
    """The arrays of a call in their order; what else there is, as far as a graph depends on it."""

    arrays: list[Any] = field(default_factory=list)
    numbers: list[tuple[str, Any]] = field(default_factory=list)  # of the host, that may change
    key: list[Any] = field(default_factory=list)
    named: list[Any] = field(default_factory=list)  # what the key has the identity of

    def take(self, v: Any, name: str) -> None:
        t = type(v)
        if module_of(v) not in (None, NUMPY):
            self.arrays.append(v)
            self.key.append((v.shape, v.dtype.char))
        elif isinstance(v, (float, complex, np.inexact)):
            self.numbers.append((name, v))
            self.key.append(t)
        elif v is None or isinstance(v, (bool, int, str, bytes, np.generic)):
            self.key.append((t, v))
        elif isinstance(v, (tuple, list)):
            self.key.append((t, len(v)))
            for n, x in enumerate(v):
                self.take(x, f"{name}[{n}]")
        elif isinstance(v, dict):
            self.key.append((t, tuple(v)))
            for k, x in v.items():
                self.take(x, f"{name}[{k!r}]")
        elif isinstance(v, (*FIXED, np.ndarray)):
            self.key.append((t, id(v)))
            self.named.append(v)
        elif (names := fields_of(v)) is not None:
            self.key.append((t, tuple(names)))
            for word in names:
                self.take(getattr(v, word), f"{name}.{word}")
        else:
            refuse_value(
                "graph", f"{name!r} is an object of class {t.__name__}: what of it changes is not known",
                "pass the arrays that it holds, or register the class: srcdiff.register",
            )  # fmt: skip


@dataclass(slots=True)
class Noted:
    """A graph: where it reads and writes, what it was made with."""

    launch: Callable[[Any], None]
    buffers: list[Any]
    results: Any
    numbers: list[tuple[str, Any]]
    done: Any  # the event behind its last run
    keeps: tuple[Any, ...]  # memory, and what the key names by its identity

    def run(self, arrays: list[Any], stream: Any) -> Any:
        """The results for other arrays: the work of the stream, which is not waited for."""
        stream.wait_event(self.done)  # (another stream may have run it last)
        for here, given in zip(self.buffers, arrays, strict=True):
            if here is not given:
                here[...] = given
        self.launch(stream)
        out = apart(self.results)
        stream.record(self.done)
        return out

    def check(self, numbers: list[tuple[str, Any]], what: str) -> None:
        """Refuse numbers of the host that are not those in the graph."""
        for (name, now), (_, then) in zip(numbers, self.numbers, strict=True):
            if now != then and (now == now or then == then):
                refuse_value(
                    "graph", f"{what}: {name!r} is {now!r}, and was {then!r} when the graph was made",
                    f"numbers of the host are part of a graph: pass cupy.asarray({name.split('[')[0]})",
                )  # fmt: skip


class Captured(Generic[P, R]):
    """A derivative whose calls are CUDA graphs, called like the derivative.

    Attributes:
        derivative: what is captured.
        stream: where it is captured, if that was given.
        graphs: how many graphs have been made: one for each structure, shape, dtype, whole number and text.
    """

    def __init__(self, derivative: Derivative[P, R], stream: Any = None) -> None:
        self.derivative, self.stream = derivative, stream
        self._noted: OrderedDict[Any, Noted] = OrderedDict()
        self._lock = threading.RLock()

    @property
    def graphs(self) -> int:
        return len(self._noted)

    def __repr__(self) -> str:
        return f"<graphs of {self.derivative!r}>"

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        d = self.derivative
        what = f"{d.mode} of {name_of(d.primal)}"
        bound, variant, extra = d._prepared(args, kwargs)
        given = bound.args, bound.kwargs, extra
        found = Leaves()
        for name, v in {**bound.arguments, **extra}.items():
            found.take(v, name)  # (in the order of ``given``)
        if not found.arrays:
            refuse_value(
                "graph", f"{what}: a graph is of work on a GPU, and no argument is an array of CuPy's",
                "pass CuPy's arrays (cupy.asarray(x)), or call the derivative itself",
            )  # fmt: skip
        if variant.written:
            names = ", ".join(sorted(variant.written))
            refuse_value(
                "graph", f"{what}: the function writes to {names} in place, a graph to a copy of its own",
                f"write to a copy in the function: {min(variant.written)} = {min(variant.written)}.copy()",
            )  # fmt: skip
        module = module_of(found.arrays[0])
        assert module is not None
        xp = sys.modules[module.name]
        stream = xp.cuda.get_current_stream()
        if is_capturing(stream):  # it becomes a part of the caller's own graph
            return variant.made.fn(*bound.args, **bound.kwargs, **extra)  # type: ignore[no-any-return]
        key = (xp.cuda.runtime.getDevice(), id(variant), *found.key)
        with self._lock:
            noted = self._noted.get(key)
            if noted is None:
                noted = self._noted[key] = self._capture(xp, variant, given, found, stream)
                while len(self._noted) > MOST:
                    self._noted.popitem(last=False)
            noted.check(found.numbers, what)
            return noted.run(found.arrays, stream)  # type: ignore[no-any-return]

    def _capture(self, xp: Any, variant: Any, given: Any, found: Leaves, current: Any) -> Noted:
        """A graph of what the emitted function asks of the device."""
        fn = variant.made.fn
        pool = xp.cuda.MemoryPool()  # nobody else is given this memory as long as the graph is there
        # nothing is captured on the default stream: another stands in for it, and the graph is run on that
        own = self.stream or (current if current.ptr not in (0, 1) else xp.cuda.Stream(non_blocking=True))
        there = args, named, extra = apart(given)
        own.wait_event(current.record())
        try:
            with own, xp.cuda.using_allocator(pool.malloc), nothing_from_host(xp):
                fn(*args, **named, **extra)  # kernels are compiled, libraries have their handles and memory
                results, graph = self._noting(own, fn, there)
        except (CopyFromHost, beside(xp).DeviceSynchronized) as e:
            raise refused(self.derivative, e) from None
        current.wait_event(own.record())
        done = xp.cuda.Event(disable_timing=True)
        keeps = graph, there, pool, variant, found.named
        return Noted(graph.launch, flat(there), results, found.numbers, done, keeps)

    def _noting(self, stream: Any, fn: Callable[..., Any], given: Any) -> tuple[Any, Any]:
        """The call, noted by the stream: its results, which hold nothing yet, and the graph."""
        args, named, extra = given
        stream.begin_capture()
        try:
            results = fn(*args, **named, **extra)
        except Exception as e:
            with contextlib.suppress(Exception):  # (the error at hand says more)
                stream.end_capture()
            raise refused(self.derivative, e) from e
        return results, stream.end_capture()


def captured(derivative: Callable[P, R], /, stream: Any = None) -> Captured[P, R]:
    """The same derivative, whose calls with CuPy's arrays are CUDA graphs: one launch for a whole call.

    The first call with arguments of some structure, shapes and dtypes runs the derivative and notes what it
    asks of the device; later ones copy their arrays to where the graph reads, launch it on the current stream
    and copy its results, all without waiting.  It pays where a call takes many kernels on small arrays.

    Parameters:
        derivative: what :func:`grad`, :func:`value_and_grad` or another of these made, with any backend.
        stream: a ``cupy.cuda.Stream`` to note on; left out, it is the current one, or where that is the
            default stream (on which nothing can be noted), one that is used for nothing else. Graphs are
            always run on the stream that is current at the call.

    Returns:
        A :class:`Captured`, called with the same arguments. Whole numbers, flags and text among these are
        part of a graph: another is made for each, up to 16, of which the oldest goes.

    Raises:
        DerivativeValueError: the program asks for a value of the device (``if x > 0``, ``float(x)``, a mask
            as an index) or makes an array of numbers of the host; it writes to its arguments; a float among
            the arguments is another than before (pass it as an array); no argument is an array of CuPy's.
        DerivativeTypeError: ``derivative`` is not one.

    Example:
        >>> import numpy as np
        >>> from srcdiff import captured, grad
        >>> def loss(w, X, y):
        ...     return np.mean((np.tanh(X @ w) - y) ** 2)
        >>> step = captured(grad(loss))  # step(w, X, y) is grad(loss)(w, X, y), for arrays of CuPy's
        >>> step
        <graphs of <grad of loss with respect to w>>
    """
    if not isinstance(derivative, Derivative):
        refuse("argument", f"captured needs a derivative, not a {type(derivative).__name__}",
               "write captured(grad(f))")  # fmt: skip
    return Captured(derivative, stream)


def flat(tree: Any) -> list[Any]:
    """The arrays of the device in a structure."""
    leaves = Leaves()
    leaves.take(tree, "")
    return leaves.arrays


def apart(tree: Any) -> Any:
    """The same structure with an array of its own for each."""
    if module_of(tree) not in (None, NUMPY):
        return tree.copy()
    if isinstance(tree, (tuple, list)):
        items = [apart(x) for x in tree]
        return type(tree)(*items) if hasattr(tree, "_fields") else type(tree)(items)
    if isinstance(tree, dict):
        return {k: apart(x) for k, x in tree.items()}
    names = None if isinstance(tree, FIXED) else fields_of(tree)
    if names is None:
        return tree
    out = copy.copy(tree)
    for n in names:
        object.__setattr__(out, n, apart(getattr(tree, n)))
    return out


def is_capturing(stream: Any) -> bool:
    return stream.ptr not in (0, 1) and bool(stream.is_capturing())


def beside(xp: Any) -> Any:
    """The package ``cupyx``."""
    return importlib.import_module(f"{xp.__name__}x")


@contextlib.contextmanager
def nothing_from_host(xp: Any) -> Iterator[None]:
    """Reads by the host, and copies from it, raise: a graph would do neither again."""

    def no_memory(size: int) -> Any:
        raise CopyFromHost

    with contextlib.ExitStack() as stack:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # (it does not see all; what it misses, the capture does)
            stack.enter_context(beside(xp).allow_synchronize(False))
        xp.cuda.set_pinned_memory_allocator(no_memory)  # (what is copied to the device goes through it)
        stack.callback(xp.cuda.set_pinned_memory_allocator, xp.get_default_pinned_memory_pool().malloc)
        yield


def refused(d: Derivative[Any, Any], e: BaseException) -> DerivativeValueError:
    """The error in words, at the user's statement."""
    if isinstance(e, CopyFromHost):
        why = "numbers of the host are copied to the device"
        help_ = "make the array once, outside (cupy.asarray), and pass it"
    elif type(e).__name__ == "DeviceSynchronized":
        why = "the host asks for a value of the device"
        help_ = "choose by np.where; or call the derivative itself"
    else:
        why = f"the device does not note this ({type(e).__name__}: {e})"
        help_ = "call the derivative itself"
        explain(e)
    at = statement_of(e)
    what = f"{d.mode} of {name_of(d.primal)} cannot be a graph: {why}"
    if at is not None and at.adjoint:
        what += ", which the derivative of this statement needs"
    file, line, text = (at.file, at.line, at.text) if at is not None else ("", 0, "")
    note = "a graph holds what is asked of the device, and is run without the host"
    return DerivativeValueError(problem_at("graph", what, file, line, text, note, help_))
