"""``checkpoint``: calls, loops and blocks that become blocks of their own in the graph, with its mark."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from srcdiff.errors import DerivativeValueError
from srcdiff.frontend import exits
from srcdiff.frontend.blocks import Opened, exported
from srcdiff.frontend.scope import Bound, Closure, Derived, Either, Known, Method, Partial
from srcdiff.ir.amounts import amount
from srcdiff.ir.checkpoints import checkpoint
from srcdiff.ir.graph import Atom, Const, Op, Region, Val, is_none, kind
from srcdiff.ir.kinds import OTHER, Scalar

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = ["block", "call_again", "is_checkpoint", "marked", "marked_loop"]


OPTIONS = {"snapshots", "memory"}
FUNCTIONS = (Known, Closure, Partial, Method, Either, Derived)


def is_checkpoint(b: Any) -> bool:
    return isinstance(b, Known) and b.obj is checkpoint


def marked(lw: Lowerer, args: list[Bound], kwargs: dict[str, Bound], node: Any) -> Bound:
    """``checkpoint(f)``: a function whose calls are computed again."""
    if len(args) == 1 and not kwargs and isinstance(args[0], FUNCTIONS):
        return Derived(args[0], "checkpointed")
    lw.stop(
        "checkpoint", "checkpoint marks a function, a block or a loop", node,
        help="write checkpoint(f), with checkpoint(): or for t in checkpoint(range(n), snapshots=c):",
    )  # fmt: skip


def in_block(lw: Lowerer, op: Op, read: Callable[[], Any]) -> Any:
    """Read into a block; what ``read`` gives, seen from outside."""
    start = lw.state
    op.origin, op.regions = lw.origin, [Region([Val("entered", OTHER, op)])]
    lw.state = start.copy()
    with lw.inside(op.regions[0]):
        got = read()
    end = lw.state
    lw.point(op)
    lw.region.ops.append(op)
    opened = Opened(op)
    lw.state, _ = exported(opened, start, end)
    return opened.bound(got)


def block_of(option: str = "", value: Atom | None = None) -> Op:
    if value is None:
        return Op("with", [], attrs={"fn": checkpoint, "text": "checkpoint"})
    return Op("with", [value], attrs={"fn": checkpoint, "text": "checkpoint", "names": (option,)})


def call_again(lw: Lowerer, fn: Bound, args: list[Bound], kwargs: dict[str, Bound], node: Any) -> Bound:
    """The call of a marked function: read in place, as a block."""
    got: Bound = in_block(lw, block_of(), lambda: lw.call(fn, args, kwargs, node))
    return got


def block(lw: Lowerer, call: Any, body: list[Any]) -> Any:
    """``with checkpoint():`` or ``with checkpoint(snapshots=c):``; returns the exit code."""
    if not call.args and not call.keywords:
        return in_block(lw, block_of(), lambda: lw.block(body))
    if call.args or len(call.keywords) != 1 or call.keywords[0].arg not in OPTIONS:
        lw.stop("checkpoint", "with checkpoint takes the number of snapshots and nothing else", call,
                help="write with checkpoint(): or with checkpoint(snapshots=c):")  # fmt: skip
    return in_block(lw, option(lw, call.keywords[0].arg, call.keywords[0].value), lambda: lw.block(body))


def marked_loop(lw: Lowerer, call: Any, read: Callable[[Bound], Any]) -> Any:
    """``for t in checkpoint(it, snapshots=c)``: the loop over ``it``, alone in a block."""
    parts = [*call.args, *(k.value for k in call.keywords)]
    named = [k.arg for k in call.keywords]
    if len(call.args) not in (1, 2) or not set(named) <= OPTIONS or len(parts) > 2:
        lw.stop("checkpoint", "checkpoint of a loop takes what the loop goes over, and snapshots", call,
                help="write for t in checkpoint(range(n), snapshots=c):")  # fmt: skip
    it = lw.expr(parts[0])
    word = named[0] if named else "snapshots"
    marked_block = option(lw, word, parts[1]) if len(parts) == 2 else block_of(word, Const(None))

    def whole() -> Any:
        code = read(it)  # how the loop was left is known in the block alone: its else belongs there, too
        return exits.pending(lw, code, []) if isinstance(code, exits.Pending) else code

    return in_block(lw, marked_block, whole)


def option(lw: Lowerer, word: str, node: Any) -> Op:
    """A block with ``snapshots=`` or ``memory=``."""
    return block_of(word, snapshots(lw, node) if word == "snapshots" else memory(lw, node))


def memory(lw: Lowerer, node: Any) -> Atom:
    """How much memory snapshots may take: bytes."""
    c: Atom = lw.read(lw.expr(node), node)
    k = kind(c)
    if isinstance(c, Const):
        try:
            return Const(amount(c.value))
        except DerivativeValueError as e:
            lw.stop("checkpoint", e.problems[0].what, node, help=e.problems[0].help)
    if not isinstance(k, Scalar) or k.dtype[0] not in "if":
        lw.stop("checkpoint", "the memory for snapshots must be a number of bytes, or an amount written out",
                node, help='give an int, or text like "500 MB"')  # fmt: skip
    return c


def snapshots(lw: Lowerer, node: Any) -> Atom:
    """How many snapshots: a number, or None for as many as the trips ask for."""
    c: Atom = lw.read(lw.expr(node), node)
    k = kind(c)
    fits = isinstance(k, Scalar) and k.dtype[0] == "i" and not (isinstance(c, Const) and c.value < 1)
    if not fits and not is_none(c):
        lw.stop("checkpoint", "the number of snapshots must be an integer, at least 1", node,
                help="give an int, or leave it out for about sqrt(2 n) snapshots of n trips")  # fmt: skip
    return c
