"""Assembly and graphs: finite elements, Laplacians from dicts, sparse products, message passing."""

from collections import defaultdict

import numpy as np

from programs.program import Program, adder

PROGRAMS: list[Program] = []
add = adder(PROGRAMS)

rng = np.random.default_rng(42)


def fem_1d_poisson(nodes, kappa):
    n = len(nodes)
    K = np.zeros((n, n))
    F = np.zeros(n)
    for e in range(n - 1):
        h = nodes[e + 1] - nodes[e]
        ke = kappa[e] / h * np.array([[1.0, -1.0], [-1.0, 1.0]])
        fe = h / 2 * np.array([1.0, 1.0])
        dofs = [e, e + 1]
        for a in range(2):
            F[dofs[a]] += fe[a]
            for b in range(2):
                K[dofs[a], dofs[b]] += ke[a, b]
    u = np.zeros(n)
    u[1:-1] = np.linalg.solve(K[1:-1, 1:-1], F[1:-1])
    return F @ u


add(
    fem_1d_poisson,
    "element matrices scattered through a list of degrees of freedom",
    (np.array([0.0, 0.3, 0.5, 0.8, 1.0]), np.array([1.0, 2.0, 0.5, 1.5])),
    wrt=(0, 1),
)

TRIANGLES = [(0, 1, 3), (1, 4, 3), (1, 2, 4)]


def fem_2d_triangles_stiffness(xy, source):
    """Linear triangles with np.ix_ scatter."""
    n = len(xy)
    K = 0.1 * np.eye(n)
    f = np.zeros(n)
    for tri in TRIANGLES:
        p = xy[list(tri)]
        J = np.array([p[1] - p[0], p[2] - p[0]])
        area = 0.5 * np.linalg.det(J)
        grads = np.linalg.inv(J) @ np.array([[-1.0, 1.0, 0.0], [-1.0, 0.0, 1.0]])
        K[np.ix_(tri, tri)] += area * grads.T @ grads
        for v in tri:
            f[v] += source * area / 3
    u = np.linalg.solve(K, f)
    return u @ u


add(
    fem_2d_triangles_stiffness,
    "tuples of vertices as fancy indices, += through np.ix_",
    (np.array([[0.0, 0.0], [1.0, 0.1], [2.1, 0.0], [0.4, 1.0], [1.6, 1.1]]), 2.0),
    wrt=(0, 1),
)


def truss_from_dict(areas, load):
    """A plane truss described by dicts: nodes by name, bars between them."""
    nodes = {"A": (0.0, 0.0), "B": (2.0, 0.0), "C": (1.0, 1.0), "D": (3.0, 1.0)}
    bars = [("A", "C"), ("B", "C"), ("C", "D"), ("B", "D")]
    index = {name: i for i, name in enumerate(nodes)}
    K = np.zeros((8, 8))
    for (a, b), area in zip(bars, areas):
        xa, ya = nodes[a]
        xb, yb = nodes[b]
        L = ((xb - xa) ** 2 + (yb - ya) ** 2) ** 0.5
        c, s = (xb - xa) / L, (yb - ya) / L
        v = np.array([-c, -s, c, s])
        ids = [2 * index[a], 2 * index[a] + 1, 2 * index[b], 2 * index[b] + 1]
        k = area / L * np.outer(v, v)
        for i, gi in enumerate(ids):
            for j, gj in enumerate(ids):
                K[gi, gj] += k[i, j]
    free = [4, 5, 6, 7]
    Kff = K[free][:, free]
    f = np.zeros(4)
    f[-1] = -load
    u = np.linalg.solve(Kff, f)
    return f @ u


add(
    truss_from_dict,
    "a dict comprehension over enumerate, string keys, a submatrix by two fancy indices",
    ([1.0, 1.5, 0.8, 1.2], 3.0),
    wrt=(0, 1),
)


def graph_laplacian_dict(weights):
    """An adjacency of dicts built by setdefault, then diffusion on it."""
    edges = [("a", "b"), ("b", "c"), ("c", "a"), ("c", "d")]
    graph = {}
    for (u, v), w in zip(edges, weights):
        graph.setdefault(u, {})[v] = w
        graph.setdefault(v, {})[u] = w
    heat = {"a": 1.0, "b": 0.0, "c": 0.0, "d": 0.0}
    for _ in range(4):
        new = {}
        for node, neighbours in graph.items():
            flow = sum(w * (heat[other] - heat[node]) for other, w in neighbours.items())
            new[node] = heat[node] + 0.1 * flow
        heat = new
    return heat["d"] ** 2 + heat["a"]


add(
    graph_laplacian_dict,
    "a dict of dicts grown by setdefault, walked by items()",
    ([1.0, 0.7, 1.3, 0.4],),
    peer=True,
)


def sparse_matvec_coo(vals, x, rows=(0, 0, 1, 2, 2), cols=(1, 2, 0, 1, 2)):
    rows, cols = np.array(rows), np.array(cols)
    for _ in range(3):
        y = np.zeros_like(x)
        np.add.at(y, rows, vals * x[cols])
        x = np.tanh(y)
    return x.sum()


add(
    sparse_matvec_coo,
    "a sparse product by np.add.at with repeated rows",
    (rng.normal(size=5), rng.normal(size=3)),
    wrt=(0, 1),
)


def csr_loops(data, x):
    indptr = [0, 2, 3, 5]
    indices = [0, 2, 1, 0, 2]
    y = [0.0] * 3
    for i in range(3):
        for k in range(indptr[i], indptr[i + 1]):
            y[i] += data[k] * x[indices[k]]
    return sum(v * v for v in y)


add(
    csr_loops,
    "compressed rows walked by indptr and indices",
    ([1.0, 2.0, 3.0, -1.0, 0.5], [0.3, 1.2, -0.7]),
    wrt=(0, 1),
)


def dok_to_dense_assembly(vals):
    """A dict of keys, with a default of zero, turned into a matrix."""
    dok = defaultdict(float)
    pairs = [(0, 0), (1, 2), (0, 1), (1, 2), (2, 2), (0, 0)]
    for key, v in zip(pairs, vals):
        dok[key] += v
    A = np.zeros((3, 3))
    for (i, j), v in dok.items():
        A[i, j] = v
    return np.sum((A @ A.T) ** 2)


add(dok_to_dense_assembly, "a defaultdict with tuple keys accumulated into", (rng.normal(size=6),))


def pagerank_adjacency_lists(logits, damping):
    links = {0: [1, 2], 1: [2], 2: [0], 3: [0, 2]}
    n = len(links)
    rank = np.ones(n) / n
    for _ in range(8):
        new = np.full(n, (1.0 - damping) / n)
        for page, outs in links.items():
            w = np.exp(logits[outs])
            w = w / w.sum()
            for target, share in zip(outs, w):
                new[target] += damping * rank[page] * share
        rank = new
    return rank @ np.array([1.0, 2.0, 3.0, 4.0])


add(
    pagerank_adjacency_lists,
    "a dict from integers to lists of neighbours; the lists index an array",
    (rng.normal(size=4), 0.85),
    wrt=(0, 1),
)


def message_passing_gnn(h, W, a):
    edges = [(0, 1), (1, 2), (2, 0), (2, 3)]
    for layer in range(2):
        messages = [np.zeros(h.shape[1]) for _ in range(len(h))]
        for s, t in edges:
            gate = 1.0 / (1.0 + np.exp(-(a @ (h[s] - h[t]))))
            messages[t] = messages[t] + gate * (W @ h[s])
            messages[s] = messages[s] + (1 - gate) * (W @ h[t])
        h = np.stack([np.tanh(hi + m) for hi, m in zip(h, messages)])
    return h.sum()


add(
    message_passing_gnn,
    "messages in a list of arrays rebound by index, stacked again",
    (rng.normal(size=(4, 2)), rng.normal(size=(2, 2)), rng.normal(size=2)),
    wrt=(0, 1, 2),
    peer=True,
)


def resistor_network_nodal(resistances, v_in):
    """Modified nodal analysis from a netlist in text."""
    netlist = """
    R1 1 2
    R2 2 3
    R3 2 0
    R4 3 0
    """
    G = np.zeros((3, 3))
    for line, R in zip(netlist.strip().splitlines(), resistances):
        name, a, b = line.split()
        a, b = int(a) - 1, int(b) - 1
        g = 1.0 / R
        if a >= 0:
            G[a, a] += g
        if b >= 0:
            G[b, b] += g
        if a >= 0 and b >= 0:
            G[a, b] -= g
            G[b, a] -= g
    G[0, 0] += 1e3
    v = np.linalg.solve(G, np.array([1e3 * v_in, 0.0, 0.0]))
    return v[2] ** 2


add(
    resistor_network_nodal,
    "a netlist parsed from text, conductances stamped into a matrix",
    ([1.0, 2.0, 3.0, 1.5], 5.0),
    wrt=(0, 1),
)


def springs_on_free_nodes(stiffness):
    """The nodes that are free are what a set operation leaves of all."""
    n = len(stiffness)
    K = np.zeros((n + 1, n + 1))
    ke = np.array([[1.0, -1.0], [-1.0, 1.0]])
    for e in range(n):
        dofs = [e, e + 1]
        K[np.ix_(dofs, dofs)] += stiffness[e] * ke
    f = np.zeros(n + 1)
    f[-1] = 1.0
    free = np.setdiff1d(np.arange(n + 1), [0])
    u = np.zeros(n + 1)
    u[free] = np.linalg.solve(K[np.ix_(free, free)], f[free])
    return f @ u + np.sum(u**2)


add(
    springs_on_free_nodes,
    "np.ix_ of a list made in each trip; np.setdiff1d of integers is called, not read",
    (np.array([1.0, 2.0, 3.0, 1.5]),),
)
