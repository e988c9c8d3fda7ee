"""The port of a NumPy function to JAX that a person would write first, made by machine.

`np` becomes `jax.numpy`, `math` too, writes become `.at[...].set(...)`, and loops over ranges become
`lax.fori_loop` with the variables that they change. Where sizes of slices depend on a loop's index the suites
hold a port by hand.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
import types
from collections.abc import Callable
from typing import Any

METHODS = {ast.Add: "add", ast.Mult: "multiply", ast.Sub: "add", ast.Div: "divide"}


def names_written(body: list[ast.stmt]) -> list[str]:
    """Variables that statements bind, in order."""
    found: dict[str, None] = {}
    for statement in body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                found[node.id] = None
            elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
                assert isinstance(node.value, ast.Name)
                found[node.value.id] = None
    return list(found)


class Porter:
    def __init__(self, known: list[str]) -> None:
        self.known = set(known)
        self.loops = 0

    def block(self, body: list[ast.stmt]) -> list[ast.stmt]:
        out: list[ast.stmt] = []
        for statement in body:
            out += self.statement(statement)
            self.known |= set(names_written([statement]))
        return out

    def statement(self, node: ast.stmt) -> list[ast.stmt]:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            return [self.write(node.targets[0], "set", node.value)]
        if isinstance(node, ast.AugAssign):
            method = METHODS[type(node.op)]
            value: ast.expr = node.value
            if isinstance(node.target, ast.Subscript):
                if isinstance(node.op, ast.Sub):
                    value = ast.UnaryOp(ast.USub(), value)
                return [self.write(node.target, method, value)]
            assert isinstance(node.target, ast.Name)
            read = ast.Name(node.target.id, ast.Load())
            return [ast.Assign([ast.Name(node.target.id, ast.Store())], ast.BinOp(read, node.op, value))]
        if isinstance(node, ast.For) and ast.unparse(node.iter).startswith("range("):
            return self.loop(node)
        return [node]

    def write(self, target: ast.Subscript, method: str, value: ast.expr) -> ast.stmt:
        assert isinstance(target.value, ast.Name)
        array = ast.Name(target.value.id, ast.Load())
        place = ast.Subscript(ast.Attribute(array, "at", ast.Load()), target.slice, ast.Load())
        new = ast.Call(ast.Attribute(place, method, ast.Load()), [value], [])
        return ast.Assign([ast.Name(target.value.id, ast.Store())], new)

    def loop(self, node: ast.For) -> list[ast.stmt]:
        assert isinstance(node.iter, ast.Call) and isinstance(node.target, ast.Name)
        limits = [ast.unparse(a) for a in node.iter.args]
        start, stop, step = (["0", *limits, "1"] if len(limits) == 1 else [*limits, "1"])[:3]
        carried = [v for v in names_written(node.body) if v in self.known and v != node.target.id]
        self.loops += 1
        name, count = f"body_{self.loops}", f"k_{self.loops}"
        inner = Porter([*self.known, node.target.id])
        inner.loops = self.loops * 10
        variables = ", ".join(carried) + ","
        head = ast.parse(f"def {name}({count}, carry):\n    pass").body[0]
        assert isinstance(head, ast.FunctionDef)
        head.body = [
            *ast.parse(f"({variables}) = carry\n{node.target.id} = {start} + {count} * ({step})").body,
            *inner.block(node.body),
            *ast.parse(f"return ({variables})", mode="exec").body,
        ]
        trips = f"len(range({start}, {stop}, {step}))"
        return [head, *ast.parse(f"({variables}) = lax.fori_loop(0, {trips}, {name}, ({variables}))").body]


def to_jax(f: Callable[..., Any]) -> Callable[..., Any]:
    """The port of a function, and of the functions of its module that it calls."""
    import jax
    import jax.numpy as jnp

    text = textwrap.dedent(inspect.getsource(f))
    tree = ast.parse(text).body[0]
    assert isinstance(tree, ast.FunctionDef)
    tree.decorator_list = []
    tree.body = Porter([a.arg for a in tree.args.args]).block(tree.body)
    module = ast.fix_missing_locations(ast.Module([tree], []))
    space: dict[str, Any] = {**f.__globals__, "np": jnp, "math": jnp, "lax": jax.lax}
    for name in f.__code__.co_names:
        other = f.__globals__.get(name)
        if isinstance(other, types.FunctionType) and other.__module__ == f.__module__:
            space[name] = to_jax(other)
    exec(compile(module, f"<port of {f.__name__}>", "exec"), space)
    ported: Callable[..., Any] = space[f.__name__]
    return ported


def with_namespace(f: Callable[..., Any], numpy: Any) -> Callable[..., Any]:
    """The same function with another library under the names `np` and `math`."""
    space: dict[str, Any] = {**f.__globals__, "np": numpy, "math": numpy}
    for name in f.__code__.co_names:
        other = f.__globals__.get(name)
        if isinstance(other, types.FunctionType) and other.__module__ == f.__module__:
            space[name] = with_namespace(other, numpy)
    return types.FunctionType(f.__code__, space, f.__name__, f.__defaults__, f.__closure__)
