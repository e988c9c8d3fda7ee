"""Games, trees and expressions: recursion over nested tuples, dicts and dataclasses; parsing text."""

import math
import operator
import re
from dataclasses import dataclass
from typing import Optional

import numpy as np

from programs.program import Program, adder, tree

PROGRAMS: list[Program] = []
add = adder(PROGRAMS)


def expectimax_nested_tuples(payoffs, temperature):
    """A game tree as nested tuples: ("max", ...), ("chance", ...), or the number of a leaf."""
    game = ("max", ("chance", (0.3, 0), (0.7, 1)), ("max", 2, ("chance", (0.5, 3), (0.5, 0))))

    def value(node):
        if isinstance(node, int):
            return payoffs[node]
        kind, *children = node
        if kind == "chance":
            return sum(p * value(child) for p, child in children)
        values = [value(c) for c in children]
        hi = max(values)
        return hi + temperature * math.log(sum(math.exp((v - hi) / temperature) for v in values))

    return value(game)


add(
    expectimax_nested_tuples,
    "recursion over a tree of nested tuples with isinstance and a starred target",
    ([1.0, 3.0, 2.0, 0.5], 0.6),
    wrt=(0, 1),
    peer=True,
)


def tree_sum_nested_dicts(node, decay):
    """A tree as nested dicts with optional children."""
    total = node["value"] ** 2
    for child in node.get("children", []):
        total += decay * tree_sum_nested_dicts(child, decay)
    return total


add(
    tree_sum_nested_dicts,
    "a tree of nested dicts as argument, children by .get with a default",
    (
        {
            "value": 1.0,
            "children": [
                {"value": 2.0},
                {"value": 0.5, "children": [{"value": 1.5}, {"value": -0.7, "children": []}]},
            ],
        },
        0.8,
    ),
    wrt=(0, 1),
    peer=True,
)


@tree
@dataclass
class Node:
    threshold: float
    left: "Optional[Node]" = None
    right: "Optional[Node]" = None
    value: float = 0.0


def soft_decision_tree(root, x):
    """A decision tree whose tests are softened, walked by recursion."""

    def predict(node, v):
        if node.left is None or node.right is None:
            return node.value
        p = 1.0 / (1.0 + math.exp(-3.0 * (v - node.threshold)))
        return (1 - p) * predict(node.left, v) + p * predict(node.right, v)

    return sum((predict(root, v) - v * v) ** 2 for v in x)


add(
    soft_decision_tree,
    "a tree of dataclasses with None for missing children",
    (
        Node(0.5, Node(0.2, Node(0.0, value=0.1), Node(0.0, value=0.3)), Node(0.0, value=0.9)),
        [0.1, 0.4, 0.8],
    ),
    wrt=(0, 1),
    peer=True,
)


class LinkedList:
    def __init__(self):
        self.head = None
        self.size = 0

    def push(self, value):
        self.head = (value, self.head)
        self.size += 1

    def __iter__(self):
        node = self.head
        while node is not None:
            value, node = node
            yield value


def linked_list_class(xs):
    lst = LinkedList()
    for x in xs:
        lst.push(x * x)
    return sum(v / (i + 1) for i, v in enumerate(lst)) * lst.size


add(
    linked_list_class,
    "a linked list of pairs ending in None, iterated by a generator",
    ([0.5, 1.5, -0.8],),
    peer=True,
)


OPS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "^": pow}


def rpn_calculator(x, y, program="x y + x * y 2 ^ - x /"):
    stack = []
    variables = {"x": x, "y": y}
    for token in program.split():
        if token in OPS:
            b = stack.pop()
            a = stack.pop()
            stack.append(OPS[token](a, b))
        elif token in variables:
            stack.append(variables[token])
        else:
            stack.append(float(token))
    return stack.pop()


add(
    rpn_calculator,
    "a stack machine: tokens of a string looked up in a dict of operators",
    (1.3, 0.7),
    wrt=(0, 1),
    peer=True,
)


def tokenize(text):
    return re.findall(r"\d+\.?\d*|[a-z]+|[-+*/^()]", text)


def formula_recursive_descent(x, k):
    """A formula in text, parsed by recursive descent and evaluated on the way."""
    tokens = tokenize("2*x^2 - sin(k*x)/(1 + x) + 3")
    pos = 0

    def peek():
        return tokens[pos] if pos < len(tokens) else ""

    def advance():
        nonlocal pos
        pos += 1
        return tokens[pos - 1]

    def atom():
        tok = advance()
        if tok == "(":
            value = expr()
            advance()
            return value
        if tok == "x":
            return x
        if tok == "k":
            return k
        if tok == "sin":
            return math.sin(atom())
        return float(tok)

    def power():
        base = atom()
        if peek() == "^":
            advance()
            return base ** power()
        return base

    def term():
        value = power()
        while peek() in ("*", "/"):
            if advance() == "*":
                value = value * power()
            else:
                value = value / power()
        return value

    def expr():
        value = term()
        while peek() in ("+", "-"):
            if advance() == "+":
                value = value + term()
            else:
                value = value - term()
        return value

    return expr()


add(
    formula_recursive_descent,
    "a recursive-descent parser over regex tokens with a nonlocal position",
    (0.8, 1.7),
    wrt=(0, 1),
    peer=True,
)


def expression_tree_eval(env):
    """An expression as nested tuples with operator names, evaluated by a dispatch dict."""
    expr = ("add", ("mul", ("var", "a"), ("var", "b")), ("exp", ("sub", ("var", "a"), ("const", 1.0))))
    table = {
        "add": lambda l, r: l + r,
        "sub": lambda l, r: l - r,
        "mul": lambda l, r: l * r,
        "exp": math.exp,
    }

    def ev(e):
        op, *args = e
        if op == "var":
            return env[args[0]]
        if op == "const":
            return args[0]
        return table[op](*(ev(a) for a in args))

    return ev(expr)


add(
    expression_tree_eval,
    "an expression tree evaluated through a dict of lambdas with starred arguments",
    ({"a": 0.4, "b": 1.7},),
    peer=True,
)


def match_expression_simplify(x):
    """The same with match: an expression differentiated symbolically, then evaluated."""

    def d(e):
        match e:
            case ("const", _):
                return ("const", 0.0)
            case ("x",):
                return ("const", 1.0)
            case ("+", a, b):
                return ("+", d(a), d(b))
            case ("*", a, b):
                return ("+", ("*", d(a), b), ("*", a, d(b)))
            case ("sin", a):
                return ("*", ("cos", a), d(a))
        raise TypeError(e)

    def ev(e):
        match e:
            case ("const", c):
                return c
            case ("x",):
                return x
            case ("+", a, b):
                return ev(a) + ev(b)
            case ("*", a, b):
                return ev(a) * ev(b)
            case ("sin", a):
                return math.sin(ev(a))
            case ("cos", a):
                return math.cos(ev(a))

    X = ("x",)
    return ev(d(("*", ("sin", ("*", X, X)), ("+", X, ("const", 2.0)))))


add(
    match_expression_simplify,
    "symbolic differentiation of nested tuples by match, evaluated by another match",
    (0.6,),
    peer=True,
)


def huffman_soft_cost(weights):
    """Merge the two lightest until one is left, with a heap of pairs (weight, index)."""
    import heapq

    heap = []
    for i, w in enumerate(weights):
        heapq.heappush(heap, (w, i))
    n = len(weights)
    cost = 0.0
    while len(heap) > 1:
        a, _ = heapq.heappop(heap)
        b, _ = heapq.heappop(heap)
        cost += (a + b) ** 2
        heapq.heappush(heap, (a + b, n))
        n += 1
    return cost


add(
    huffman_soft_cost, "heapq with pairs of an active weight and an index", ([0.4, 1.1, 0.3, 0.9],), peer=True
)


def dijkstra_heap_indices(w):
    """Shortest path over a small graph; the heap orders, distances are in a list."""
    from heapq import heappop, heappush

    edges = [(0, 1), (0, 2), (1, 2), (1, 3), (2, 3), (3, 4), (2, 4)]
    adjacency = [[] for _ in range(5)]
    for k, (u, v) in enumerate(edges):
        adjacency[u].append((v, k))
        adjacency[v].append((u, k))
    dist = [math.inf] * 5
    dist[0] = 0.0
    heap = [(0.0, 0)]
    while heap:
        d, u = heappop(heap)
        if d > dist[u]:
            continue
        for v, k in adjacency[u]:
            nd = d + w[k]
            if nd < dist[v]:
                dist[v] = nd
                heappush(heap, (nd, v))
    return dist[4] ** 2


add(
    dijkstra_heap_indices,
    "Dijkstra with heapq, infinities, continue on stale entries",
    ([1.0, 2.5, 0.8, 3.0, 1.7, 0.6, 3.3],),
    peer=True,
)


def floyd_warshall_softmin(D, beta):
    n = len(D)
    d = [row[:] for row in D]
    for k in range(n):
        for i in range(n):
            for j in range(n):
                through = d[i][k] + d[k][j]
                lo = min(d[i][j], through)
                d[i][j] = (
                    lo - math.log(math.exp(-beta * (d[i][j] - lo)) + math.exp(-beta * (through - lo))) / beta
                )
    return d[0][n - 1]


add(
    floyd_warshall_softmin,
    "three loops over a copied list of lists, elements overwritten",
    ([[0.0, 1.0, 4.0], [1.2, 0.0, 1.5], [3.8, 1.4, 0.0]], 2.0),
    wrt=(0, 1),
    peer=True,
)


def quadtree_barnes_hut(points, theta=0.6):
    """A recursive quadtree over indices; far cells act through their centre of mass."""

    def build(idx, x0, y0, size):
        if len(idx) <= 1 or size < 0.1:
            return (idx, None, None, size)
        half = size / 2
        children = []
        for dx in (0, 1):
            for dy in (0, 1):
                cx, cy = x0 + dx * half, y0 + dy * half
                sub = [i for i in idx if cx <= points[i, 0] < cx + half and cy <= points[i, 1] < cy + half]
                if sub:
                    children.append(build(sub, cx, cy, half))
        return (idx, children, np.mean(points[idx], axis=0), size)

    def potential(node, i):
        idx, children, centre, size = node
        if children is None:
            return sum(1.0 / np.sqrt(np.sum((points[i] - points[j]) ** 2) + 0.01) for j in idx if j != i)
        r = np.sqrt(np.sum((points[i] - centre) ** 2) + 0.01)
        if i not in idx and size / r < theta:
            return len(idx) / r
        return sum(potential(c, i) for c in children)

    root = build(list(range(len(points))), 0.0, 0.0, 1.0)
    return sum(potential(root, i) for i in range(len(points)))


add(
    quadtree_barnes_hut,
    "a tree of tuples built from the data by recursion",
    (np.array([[0.1, 0.15], [0.2, 0.3], [0.8, 0.85], [0.9, 0.2], [0.62, 0.7]]),),
)


def minimax_alpha_beta(leaf, alpha0=-1e9, beta0=1e9):
    """Alpha-beta over a complete binary tree of leaves; the value is one leaf's, squared."""

    def search(lo, hi, maximise, alpha, beta):
        if hi - lo == 1:
            return leaf[lo]
        mid = (lo + hi) // 2
        best = None
        for a, b in ((lo, mid), (mid, hi)):
            v = search(a, b, not maximise, alpha, beta)
            if best is None or (v > best if maximise else v < best):
                best = v
            if maximise:
                alpha = max(alpha, best)
            else:
                beta = min(beta, best)
            if alpha >= beta:
                break
        return best

    return search(0, len(leaf), True, alpha0, beta0) ** 2


add(
    minimax_alpha_beta,
    "alpha-beta by recursion over index ranges, best starting as None",
    ([3.0, 5.0, 2.0, 9.0, 12.0, 5.5, 23.0, 0.5],),
    peer=True,
)
