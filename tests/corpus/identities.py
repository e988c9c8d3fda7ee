"""Objects as keys of dicts and elements of sets: graphs, memos by node, a small engine of its own."""

from __future__ import annotations

from typing import Any

import numpy as np

from corpus.program import Program

PROGRAMS: list[Program] = []


def add(*args: Any, wrt: tuple[int, ...] = (0,)) -> Any:
    def put(f: Any) -> Any:
        PROGRAMS.append(Program(f.__name__, f, args, wrt))
        return f

    return put


X = np.array([0.3, 1.2, -0.7, 1.1])


class Node:
    def __init__(self, value, after=()):
        self.value, self.after = value, list(after)


@add(X)
def node_weights(x):
    a, b = Node(x[0]), Node(x[1])
    weights = {a: x[2]}
    a.value = a.value * 2
    return weights.get(a, 5.0) * a.value + weights.get(b, 3.0) * x[3]


@add(X)
def nodes_seen(x):
    nodes = [Node(v) for v in x]
    nodes[0].after = [nodes[1], nodes[2]]
    nodes[1].after = [nodes[2], nodes[3]]
    seen, order = set(), []

    def visit(node):
        if node in seen:
            return
        seen.add(node)
        for other in node.after:
            visit(other)
        order.append(node)

    visit(nodes[0])
    return sum((k + 1) * node.value**2 for k, node in enumerate(order)) * len(seen)


@add(X)
def costs_by_node(x):
    last = Node(x[2])
    middle = Node(x[1], [last])
    first = Node(x[0], [middle, last])
    memo = {}

    def cost(node):
        if node in memo:
            return memo[node]
        total = node.value
        for other in node.after:
            total = total + cost(other) ** 2
        memo[node] = total
        return total

    return cost(first) * len(memo)


@add(X)
def pairs_of_nodes(x):
    a, b, c = Node(x[0]), Node(x[1]), Node(x[2])
    length = {(a, b): x[3], (b, c): x[3] ** 2}
    length[(a, c)] = length[(a, b)] + length[(b, c)]
    total = 0.0
    for (p, q), d in length.items():
        total = total + d * p.value * q.value
    return total + length.pop((a, c)) * len(length)


@add(X)
def nodes_dropped(x):
    nodes = {Node(x[0]), Node(x[1])}
    extra = Node(x[2])
    nodes.add(extra)
    nodes.add(extra)
    total = sum(node.value**2 for node in nodes)
    nodes.discard(extra)
    return total * len(nodes) + (extra in nodes)


class Value:
    def __init__(self, data, parents=()):
        self.data, self.slope, self.parents = data, 0.0, set(parents)
        self.push = lambda: None

    def __add__(self, other):
        out = Value(self.data + other.data, (self, other))

        def push():
            self.slope += out.slope
            other.slope += out.slope

        out.push = push
        return out

    def __mul__(self, other):
        out = Value(self.data * other.data, (self, other))

        def push():
            self.slope += other.data * out.slope
            other.slope += self.data * out.slope

        out.push = push
        return out

    def tanh(self):
        t = np.tanh(self.data)
        out = Value(t, (self,))

        def push():
            self.slope += (1 - t**2) * out.slope

        out.push = push
        return out

    def backward(self):
        order, seen = [], set()

        def build(v):
            if v not in seen:
                seen.add(v)
                for parent in v.parents:
                    build(parent)
                order.append(v)

        build(self)
        self.slope = 1.0
        for v in reversed(order):
            v.push()


@add(X)
def engine_of_its_own(x):
    """Reverse mode by closures over objects: its gradient is differentiated."""
    a, b, c = Value(x[0]), Value(x[1]), Value(x[2])
    y = (a * b + c).tanh() * a
    y.backward()
    return a.slope * b.slope + c.slope * x[3]
