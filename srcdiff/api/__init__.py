"""The public interface: derivatives of Python functions, containers, rules of one's own.

| module | holds |
|---|---|
| ``targets`` | the Python function behind a callable |
| ``wrt`` | what a derivative is taken with respect to |
| ``specialise`` | what was made for one signature, and how it is found again |
| ``derivative``, ``gradients`` | ``grad``, ``value_and_grad`` |
| ``forward``, ``reverse`` | ``jvp``, ``vjp`` |
| ``structures`` | tangents and cotangents given by the caller |
| ``containers`` | classes whose instances are arguments to differentiate with respect to |
| ``rules`` | rules of one's own |
"""

from srcdiff.api.containers import register
from srcdiff.api.derivative import Derivative
from srcdiff.api.forward import jvp
from srcdiff.api.gradients import grad, source, value_and_grad
from srcdiff.api.reverse import Pullback, vjp
from srcdiff.api.rules import bilinear, differential, elementwise, linear, nondifferentiable, pullback
from srcdiff.ir.ops import stop_gradient

__all__ = [
    "Derivative",
    "Pullback",
    "bilinear",
    "differential",
    "elementwise",
    "grad",
    "jvp",
    "linear",
    "nondifferentiable",
    "pullback",
    "register",
    "source",
    "stop_gradient",
    "value_and_grad",
    "vjp",
]

for _fn in (grad, value_and_grad, jvp, vjp, stop_gradient):  # read by the front end, where one is called
    vars(_fn)["__srcdiff__"] = _fn.__name__
