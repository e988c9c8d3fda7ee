"""The family of derivatives beside the gradient, as graphs: Jacobians, Hessians, products, higher orders.

Each is made of forward and reverse mode, and of batching: a Jacobian is one tangent (or cotangent) mapped
over the columns of an identity.
"""

from srcdiff.family.jacobians import jacfwd_graph, jacrev_graph
from srcdiff.family.mapped import mapped_graph, of_one
from srcdiff.family.orders import elementwise_graph, laplacian_graph, nth_graph, taylor_graph
from srcdiff.family.parts import better, filled, is_number, sizes_of, split, with_kinds
from srcdiff.family.products import gauss_newton_graph, product_graph, transposed_product_graph

__all__ = [
    "better",
    "elementwise_graph",
    "filled",
    "gauss_newton_graph",
    "is_number",
    "jacfwd_graph",
    "jacrev_graph",
    "laplacian_graph",
    "mapped_graph",
    "nth_graph",
    "of_one",
    "product_graph",
    "sizes_of",
    "split",
    "taylor_graph",
    "transposed_product_graph",
    "with_kinds",
]
