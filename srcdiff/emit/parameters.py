"""The parameters of an emitted function, with their defaults."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import gast

from srcdiff.emit.literals import written
from srcdiff.emit.trees import const, name

if TYPE_CHECKING:
    from srcdiff.emit.assemble import Assembler

__all__ = ["POSITIONAL", "add_parameter", "arguments", "find_defaults"]


POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def arguments(asm: Assembler) -> Any:
    """The primal's own parameters with their defaults; a vector; by keyword, what comes from outside."""
    signature = asm.graph.info.get("signature")
    params = list(asm.graph.region.params)
    if signature is None:
        return gast.arguments([name(asm.names[p]) for p in params], [], None, [], [], None, [])
    out = gast.arguments([], [], None, [], [], None, [])
    own = set()
    for p in signature.parameters.values():
        own.add(p.name)
        add_parameter(asm, out, p)
    required = (q.default is q.empty and q.kind in POSITIONAL for q in signature.parameters.values())
    last = asm.graph.info.get("vector") if all(required) else None  # as it is called: f_hvp(x, v)
    for p in params:
        if p.name not in own and p.name == last:
            out.args.append(name(asm.names[p]))
        elif p.name not in own:
            out.kwonlyargs.append(name(asm.names[p]))
            out.kw_defaults.append(asm.defaults.get(p.name))
    return out


def find_defaults(asm: Assembler, signature: Any) -> None:
    """The defaults of the function's own parameters, and of those of functions that it calls."""
    own = [] if signature is None else signature.parameters.values()
    for p in own:
        if p.default is not p.empty:
            asm.defaults[p.name] = written(p.default, asm.spelling)
            if asm.defaults[p.name] is None:
                asm.unwritten[p.name] = p.default
                asm.defaults[p.name] = const(None)
    for c in asm.graph.captures:
        if c.nameless:
            asm.defaults[c.name] = written(c.value, asm.spelling)


def add_parameter(asm: Assembler, out: Any, p: Any) -> None:
    default = asm.defaults.get(p.name)
    if p.kind is p.VAR_POSITIONAL:
        out.vararg = name(p.name)
    elif p.kind is p.VAR_KEYWORD:
        out.kwarg = name(p.name)
    elif p.kind is p.KEYWORD_ONLY:
        out.kwonlyargs.append(name(p.name))
        out.kw_defaults.append(default)
    else:
        (out.posonlyargs if p.kind is p.POSITIONAL_ONLY else out.args).append(name(p.name))
        if default is not None:
            out.defaults.append(default)
