"""What is said of an operation that cannot be differentiated, and of a rule that does not keep its form."""

from __future__ import annotations

from srcdiff.errors import NoRule, Problem, problem_at
from srcdiff.frontend.core import WITHIN
from srcdiff.ir.graph import Atom, Op, Struct, kind
from srcdiff.ir.kinds import UNKNOWN, Array, Kind, Scalar, Tree
from srcdiff.ir.modules import module_name, public_name
from srcdiff.rules.registry import Rule, why_without


def no_rule(op: Op, why: str, help: str) -> NoRule:
    unread = op.attrs.get("unread")
    if unread:
        return NoRule(unread[1])
    if "untold" in op.attrs:
        return NoRule(op.attrs["untold"])
    within, note = op.attrs.get("within"), ""
    if within:
        why, note, help = f"{within} cannot be differentiated", WITHIN, f"write out what {within} computes"
    return problem("no-rule", op, why, note, help)


def no_partial(op: Op, name: str) -> NoRule:
    """A number that varies is an operand for which the rule gives no derivative."""
    why = f"{told(op)} has no derivative with respect to {name!r}"
    if "unread" in op.attrs or "untold" in op.attrs or op.attrs.get("within"):
        return no_rule(op, why, f"pass a constant {name}")
    return problem("no-rule", op, why, why_without(op.fn, name), f"pass a constant {name}")


def wrong_result(rule: Rule, why: str, help: str) -> NoRule:
    """A rule does not return what its form asks for: at the text of the rule."""
    code = rule.text.__code__
    return NoRule(
        Problem("rule", f"{rule.text.__name__}: {why}", code.co_filename, code.co_firstlineno, help=help)
    )


def check_rank(rule: Rule, got: Atom, like: Atom, name: str) -> None:
    """Refuse a derivative that has more dimensions than what it belongs to."""
    have, want = rank_of(kind(got)), rank_of(kind(like))
    if have is not None and want is not None and have > want:
        raise wrong_result(
            rule, f"what it returns for {name} has {have} dimensions, and {name} has {want}",
            f"sum over what {name} does not have",
        )  # fmt: skip


def check_count(rule: Rule, got: Atom) -> None:
    """Refuse the result of a rule that is known not to be a part for each operand."""
    count, k = len(rule.operands), kind(got)
    parts = len(got.items) if isinstance(got, Struct) else len(k.items) if isinstance(k, Tree) else 1
    if parts == count or (k == UNKNOWN and parts == 1) or (count == 1 and rule.form != "elementwise"):
        return
    what = "partial derivative" if rule.form == "elementwise" else "cotangent"
    raise wrong_result(
        rule, f"it returns {parts} {what}{'s' if parts > 1 else ''} of {count}",
        f"return one for each of {', '.join(rule.operands)}: a tuple; None where there is none",
    )  # fmt: skip


def rank_of(k: Kind) -> int | None:
    """The number of dimensions, where that is known."""
    return len(k.dims) if isinstance(k, Array) else 0 if isinstance(k, Scalar) else None


def problem(slug: str, op: Op, why: str, note: str, help: str) -> NoRule:
    """A problem at the line that an operation comes from."""
    o = op.origin
    file, line, text = (o.file, o.line, o.text) if o else ("", 0, "")
    return NoRule(problem_at(slug, why, file, line, text, note, help))


LOST = {  # what a number is read back from that no derivative passes through: a problem
    "key": (
        "key", "keys of this dict are numbers that depend on the arguments",
        "the derivative does not pass through keys; it would be taken to be zero",
        "keep such numbers as values: in a list of pairs, or in a dict by their position",
    ),
    "entry": (
        "key", "a dict that was filled before is asked for an entry by a number that varies",
        "what an earlier call stored is a constant to this one; its derivative would be taken to be zero",
        "empty the dict before, make it inside the function, or compute the value without it",
    ),
    "exception": (
        "exception-value", "a number that depends on the arguments is read out of an exception",
        "the derivative does not pass through its text, nor through one that leaves a with, a finally or "
        "a function that calls itself",
        "assign the number to a variable before raising, and read that in the handler",
    ),
    "text": (
        "text", "a number is read back from text made of a number",
        "the derivative does not pass through text; it would be taken to be zero",
        "use the number itself (to cut the derivative off on purpose: srcdiff.stop_gradient)",
    ),
}  # fmt: skip


def lost(op: Op, how: str) -> NoRule:
    """A number is read back from what no derivative passes through."""
    slug, why, note, help = LOST[how]
    return problem(slug, op, why, note, help)


def fn_name(op: Op) -> str:
    return str(op.attrs.get("text") or getattr(op.fn, "__name__", op.fn))


def told(op: Op) -> str:
    """How an error speaks of an operation: by the public name of its function, never by one of ours."""
    if op.attrs.get("text"):
        return str(op.attrs["text"])
    if module_name(op.fn).startswith("srcdiff."):
        return "what is called here"
    return public_name(op.fn) or fn_name(op)
