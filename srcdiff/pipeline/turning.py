"""A rule's text transposed: the other mode of what is linear."""

from __future__ import annotations

from srcdiff.differentiate.common import Builder
from srcdiff.differentiate.fetch import fetch
from srcdiff.differentiate.problems import check_count, check_rank, fn_name, no_rule
from srcdiff.differentiate.reverse import reverse
from srcdiff.errors import NoRule
from srcdiff.frontend.lower import read_rule
from srcdiff.ir import ops
from srcdiff.ir.graph import ZERO, Atom, Graph, Op, Region, Struct, Val, kind, vals
from srcdiff.ir.indices import display
from srcdiff.ir.regions import read_by, replace_values
from srcdiff.optimise.dce import dce
from srcdiff.pipeline import context
from srcdiff.rules import vocabulary
from srcdiff.rules.registry import Rule

__all__ = ["turn"]


def turn(
    b: Builder, op: Op, rule: Rule, given: dict[str, Atom], unknown: dict[str, Atom], bar: Atom
) -> dict[str, Atom]:
    """A rule's text transposed: linear in what is ``unknown`` (by name: what it is a derivative of).

    The text is read as a function of its own, which is differentiated in reverse with respect to the
    unknowns; ``bar`` is the cotangent of its result.  It is linear in them, so their values do not matter.
    """
    mode, other = ("reverse", "pullback") if "out_bar" not in unknown else ("forward", "differential")
    name = fn_name(op)
    region = Region()
    info = {k: v for k, v in b.graph.info.items() if k != "values"}
    free = {
        n: Val(a.name, kind(a), user=a.user) if isinstance(a, Val) and mode == "reverse" else Val("", kind(a))
        for n, a in unknown.items()
    }
    result = read_rule(context.CONTEXT, rule.text, region, {**given, **free}, op.origin, info)
    if mode == "forward":
        check_count(rule, result)
    else:
        check_rank(rule, result, op.out, "out")
    region.params, region.results = list(free.values()), [result]
    try:
        g, _, r = reverse(
            Graph(name, region, info=info),
            region.params,
            context.CONTEXT,
            lambda _, res: [(res[0], bar)],
            False,
        )
    except NoRule as e:
        why = f"{name} has no rule for {mode} mode, and the one that it has cannot be transposed"
        raise NoRule(*no_rule(op, why, f"give it a {other}").problems, *e.problems) from None
    own = g.region.params
    bars = tuple(r.root.bars.get(p, ZERO) for p in own)
    g.region.results = [display(bars)]
    dce(g, frozenset(r.spared))
    fetch(r)
    dce(g)
    if reads_values(g.region, own):
        why = f"the {'differential' if mode == 'reverse' else 'pullback'} of {name} is not linear"
        raise no_rule(op, f"{why} in {', '.join(free)}, so it cannot be transposed", f"give it a {other}")
    replace_values(g.region, dict(zip(own, unknown.values(), strict=True)))
    b.region.ops.extend(g.region.ops)
    last = g.region.results[0]
    assert isinstance(last, Struct)
    return dict(zip(free, last.items, strict=True))


def reads_values(region: Region, params: list[Val]) -> bool:
    """Whether results depend on more of some parameters than their shapes and types."""
    return spread(region, set(params))


def spread(region: Region, read: set[Val]) -> bool:
    """Add to ``read`` what depends on it in a region; whether its results do."""
    for o in region.ops:
        if o.code == "if":
            if any([v in read for v in vals(o.ins)] + [spread(r, read) for r in o.regions]):
                read.update(o.outs)
        elif any(v in read for v in read_by(o)) and not shape_only(o, read):
            read.update(o.outs)
    return any(v in read for v in vals(region.results))


def shape_only(o: Op, values: set[Val]) -> bool:
    """Whether an operation reads no more of some values than their shape and type."""
    if o.code != "prim":
        return False
    if o.fn in (ops.shape_at, len) or o.fn in vocabulary.READS_SHAPE | vocabulary.BLANKS:
        return True
    return o.fn in vocabulary.LIKE_SECOND and not any(v in vals(o.ins[:1]) for v in values)
