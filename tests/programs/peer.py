"""The same programs run by JAX and PyTorch: their own text, with `np` and `math` replaced."""

from __future__ import annotations

import copy
import dataclasses
import functools
import importlib.util
import math
import sys
import types
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import numeric
from programs.program import Program

# programs of which a peer's gradient is another, and why; ours is that of finite differences
DIFFERS: dict[str, dict[str, str]] = {
    "fancy_gather_scatter": {
        "PyTorch": "y[idx] = v with an index twice: each of the values written gets the cotangent, those "
        "that were written over too",
    },
    "cholesky_with_jitter": {
        "PyTorch": "the matrix is taken to be symmetric: the cotangent of the lower triangle, which alone is "
        "read, is shared between both",
        "JAX": "no LinAlgError for a matrix that is not positive definite: NaN, and no jitter is tried",
    },
    "safe_logs_with_except": {
        "JAX": "no ValueError for the logarithm of a negative number, so none is caught"
    },
    "try_else_nested": {
        "PyTorch": "no ZeroDivisionError for a division by zero, so none is caught",
        "JAX": "no ValueError and no ZeroDivisionError, so none are caught",
    },
}


@dataclasses.dataclass(frozen=True, eq=False)
class Peer:
    """Whatever has NumPy's functions under NumPy's names."""

    name: str
    numpy: Any
    mathematics: Any
    lifted: Callable[[np.ndarray], Any] = lambda x: x  # an array of the program's as the peer's
    floats: Any = None  # what `float` is in the program


def gradient(program: Program) -> np.ndarray:
    """JAX's gradient of a program, as one vector over the active leaves of its arguments in `wrt`."""
    import jax

    peer = by_jax()
    function, args = _given(program, peer)

    def of_vector(vector: Any) -> Any:
        return peer.numpy.squeeze(peer.numpy.asarray(function(*_arguments(args, program.wrt, vector, peer))))

    return np.asarray(jax.grad(of_vector)(peer.numpy.asarray(_vector(args, program.wrt))))


def gradient_in_torch(program: Program) -> np.ndarray:
    """PyTorch's gradient of a program, as one vector over the active leaves of its arguments in `wrt`."""
    import torch

    from programs import torch_face as face

    peer = by_torch()
    function, args = _given(program, peer)
    vector = torch.tensor(_vector(args, program.wrt), requires_grad=True)
    given = _arguments(args, program.wrt, vector.as_subclass(face.Array).clone(), peer)
    result = face.tensor(function(*given))
    if not result.requires_grad:
        raise TypeError("the result carries no derivative")
    (bar,) = torch.autograd.grad(result.reshape(()), vector)
    return bar.detach().as_subclass(torch.Tensor).numpy()


@functools.cache
def by_jax() -> Peer:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    return Peer("jax", jnp, _mathematics(jnp))


@functools.cache
def by_torch() -> Peer:
    from programs import torch_face as face

    return Peer("torch", face.numpy, face.mathematics(), face.lifted, face.Float)


def _given(program: Program, peer: Peer) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """The function that a peer runs, and its arguments."""
    if callable(program.peer):
        function, args = program.peer, program.args
    else:
        twin = next(p for p in _twin(program.function.__module__, peer).PROGRAMS if p.name == program.name)
        function, args = twin.function, twin.args
    return function, copy.deepcopy(args)


def _vector(args: Sequence[Any], wrt: Sequence[int]) -> np.ndarray:
    return numeric.ravel([args[k] for k in wrt])


def _arguments(args: Sequence[Any], wrt: Sequence[int], vector: Any, peer: Peer) -> list[Any]:
    """The arguments, with the active leaves of those in `wrt` taken from a vector of the peer's."""
    leaves, structure = numeric.flatten([args[k] for k in wrt])
    at, out = 0, []
    for leaf in leaves:
        if numeric.is_active(leaf):
            size = np.size(leaf)
            piece = vector[at : at + size]
            at += size
            leaf = piece.reshape(leaf.shape) if isinstance(leaf, np.ndarray) else piece[0]
        out.append(leaf)
    given = list(args)
    for k, value in zip(wrt, numeric.optree.tree_unflatten(structure, out), strict=True):
        given[k] = value
    return [_replaced(a, peer) for a in given]


@functools.cache
def _twin(name: str, peer: Peer) -> types.ModuleType:
    """A second copy of a module of programs, with the peer in the place of `np` and `math`."""
    spec = importlib.util.spec_from_file_location(f"{name}_in_{peer.name}", sys.modules[name].__file__)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    for key, value in list(vars(module).items()):
        if not key.startswith("__") and key != "PROGRAMS":
            setattr(module, key, _replaced(value, peer))
    if peer.floats is not None:
        vars(module)["float"] = peer.floats
    return module


def _replaced(value: Any, peer: Peer) -> Any:
    """A variable of a module, an argument, or a part of one, as the peer's program has it."""
    if value is np or value is math:
        return peer.numpy if value is np else peer.mathematics
    if getattr(value, "__module__", None) == "math":
        return getattr(peer.mathematics, value.__name__)
    if isinstance(value, np.ufunc):
        return getattr(peer.numpy, value.__name__)
    if isinstance(value, np.ndarray):
        return peer.lifted(value)
    if type(value) in (list, tuple):
        return type(value)(_replaced(v, peer) for v in value)
    if type(value) is dict:
        return {k: _replaced(v, peer) for k, v in value.items()}
    return value


def _mathematics(jnp: Any) -> types.SimpleNamespace:
    """`math`, with JAX's functions where it has some of that meaning."""
    from jax.scipy import special

    other = {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "atan2": "arctan2", "fabs": "abs"}
    out = types.SimpleNamespace(**vars(math))
    for name in "sin cos tan exp log log1p expm1 log2 log10 sqrt sinh cosh tanh hypot".split():
        setattr(out, name, getattr(jnp, name))
    for name, theirs in other.items():
        setattr(out, name, getattr(jnp, theirs))
    out.erf, out.lgamma, out.fsum = special.erf, special.gammaln, lambda xs: sum(xs, 0.0)
    return out
