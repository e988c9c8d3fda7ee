"""The derivatives that a rule's text may take of a function that it is given, under their public names.

They are read, never called: the transform reads the function in their place.
"""

from __future__ import annotations

from typing import Any

__all__ = ["can_vary", "grad", "hessian", "jacobian", "jvp", "varies", "vjp"]


def jvp(f: Any, primals: Any, tangents: Any) -> Any:
    """The value of a function, and its tangent; None is the tangent of an argument that does not vary."""
    raise NotImplementedError("read only")


def grad(f: Any, wrt: Any = None, has_aux: Any = False) -> Any:
    """The gradient of a function, in its first argument."""
    raise NotImplementedError("read only")


def jacobian(f: Any, wrt: Any = None, has_aux: Any = False) -> Any:
    """The Jacobian of a function, in its first argument."""
    raise NotImplementedError("read only")


def hessian(f: Any, wrt: Any = None, has_aux: Any = False) -> Any:
    """The Hessian of a function, in its first argument."""
    raise NotImplementedError("read only")


def vjp(f: Any, *primals: Any) -> Any:
    """The value of a function, and its pullback."""
    raise NotImplementedError("read only")


def varies(dots: Any) -> Any:
    """Whether a tangent, or any of several, is not zero for certain."""
    return True


def can_vary(x: Any) -> Any:
    """Whether a value is of a type that has derivatives."""
    return True


_words: tuple[Any, ...] = (jvp, vjp, grad, jacobian, hessian, varies, can_vary)
for _f in _words:
    _f.__srcdiff__ = _f.__name__
