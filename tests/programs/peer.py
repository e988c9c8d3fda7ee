"""The same programs run by JAX, where it is installed: their own text, with `np` and `math` replaced."""

from __future__ import annotations

import importlib.util
import math
import sys
import types
from typing import Any

import numpy as np

import numeric
from programs.program import Program

_twins: dict[str, types.ModuleType] = {}


def gradient(program: Program) -> np.ndarray:
    """JAX's gradient of a program, as one vector over the active leaves of its arguments in `wrt`."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    if program.peer is True:
        twin = next(p for p in _twin(program.function.__module__).PROGRAMS if p.name == program.name)
        function, args = twin.function, twin.args
    else:
        assert callable(program.peer)
        function, args = program.peer, program.args
    active = [args[k] for k in program.wrt]

    def of_vector(vector: Any) -> Any:
        leaves, structure = numeric.flatten(active)
        at, out = 0, []
        for leaf in leaves:
            if numeric.is_active(leaf):
                size = np.size(leaf)
                piece = vector[at : at + size]
                at += size
                leaf = piece.reshape(leaf.shape) if isinstance(leaf, np.ndarray) else piece[0]
            out.append(leaf)
        given = list(args)
        for k, value in zip(program.wrt, numeric.optree.tree_unflatten(structure, out)):
            given[k] = value
        return jnp.squeeze(jnp.asarray(function(*given)))

    return np.asarray(jax.grad(of_vector)(jnp.asarray(numeric.ravel(active))))


def _twin(name: str) -> types.ModuleType:
    """A second copy of a module of programs, whose `np` is JAX's and whose mathematics goes through it."""
    if name in _twins:
        return _twins[name]
    import jax.numpy as jnp

    spec = importlib.util.spec_from_file_location(f"{name}_in_jax", sys.modules[name].__file__)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    substitutes = _mathematics(jnp)
    for key, value in list(vars(module).items()):
        if value is np:
            setattr(module, key, jnp)
        elif value is math:
            setattr(module, key, substitutes)
        elif getattr(value, "__module__", None) == "math":
            setattr(module, key, getattr(substitutes, value.__name__))
    _twins[name] = module
    return module


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
