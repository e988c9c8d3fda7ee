"""The public interface: derivatives of Python functions, containers, rules of one's own.

| module | holds |
|---|---|
| ``targets`` | the Python function behind a callable |
| ``wrt`` | what a derivative is taken with respect to |
| ``specialise`` | what was made for one signature, and how it is found again |
| ``derivative``, ``gradients`` | ``grad``, ``value_and_grad`` |
| ``jacobians`` | Jacobians, Hessians, products with them, higher orders |
| ``batching`` | ``vmap`` |
| ``sparse`` | sparse Jacobians and Hessians |
| ``forward``, ``reverse`` | ``jvp``; ``vjp``, ``linearize`` |
| ``memory`` | budgets of memory |
| ``structures`` | tangents and cotangents given by the caller |
| ``containers`` | classes whose instances are arguments to differentiate with respect to |
| ``rules`` | rules of one's own |
"""

from srcdiff.api.batching import vmap
from srcdiff.api.containers import register
from srcdiff.api.derivative import Derivative
from srcdiff.api.forward import jvp
from srcdiff.api.gradients import grad, source, value_and_grad
from srcdiff.api.jacobians import (
    derivative,
    elementwise_grad,
    gauss_newton_vp,
    hessian,
    hvp,
    jacfwd,
    jacobian,
    jacrev,
    laplacian,
    taylor,
    vhp,
)
from srcdiff.api.reverse import Pullback, Pushforward, linearize, vjp
from srcdiff.api.rules import bilinear, differential, elementwise, linear, nondifferentiable, pullback
from srcdiff.api.sparse import sparse_hessian, sparse_jacobian
from srcdiff.ir.checkpoints import checkpoint
from srcdiff.ir.ops import stop_gradient

__all__ = [
    "Derivative",
    "Pullback",
    "Pushforward",
    "bilinear",
    "checkpoint",
    "derivative",
    "differential",
    "elementwise",
    "elementwise_grad",
    "gauss_newton_vp",
    "grad",
    "hessian",
    "hvp",
    "jacfwd",
    "jacobian",
    "jacrev",
    "jvp",
    "laplacian",
    "linear",
    "linearize",
    "nondifferentiable",
    "pullback",
    "register",
    "source",
    "sparse_hessian",
    "sparse_jacobian",
    "stop_gradient",
    "taylor",
    "value_and_grad",
    "vhp",
    "vjp",
    "vmap",
]

FAMILY = (
    grad, value_and_grad, jacfwd, jacrev, jacobian, hessian, hvp, vhp, gauss_newton_vp, elementwise_grad,
    derivative, laplacian, taylor,
)  # fmt: skip
for _fn in (*FAMILY, jvp, vjp, linearize, vmap, stop_gradient):  # read by the front end, where one is called
    vars(_fn)["__srcdiff__"] = _fn.__name__
