"""Which values over some memory are read after it is written to, and whose memory it is."""

from __future__ import annotations

import operator

from srcdiff.analysis.memory import is_update
from srcdiff.analysis.settled import separate
from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Region, Val, same
from srcdiff.ir.kinds import Array, Seq
from srcdiff.optimise.holding import (
    Roots,
    is_view,
)
from srcdiff.optimise.patterns import apart, basic
from srcdiff.optimise.places import Way
from srcdiff.optimise.repeated import Repeated

__all__ = ["Conflicts"]

NEVER = (0, -1)  # when a value is alive that nobody reads
BLOCK = 32  # operations


class Conflicts(Repeated):
    """What stands in the way of an update in place."""

    def conflict(self, target: Val, out: Val | None, at: Way) -> list[Val]:
        """The values over the target's memory that are read after it is written to."""
        found: dict[Val, None] = {}
        back = self.put_back(target, out)
        here = at[0][1] if len(at) == 1 else -1  # (there no loop leads back to what was before)
        for root in self.left_by_loops(self.written_memory(target)):
            made = (
                self.path.get(root.op)
                if root.op is not None and root in root.op.outs and not root.op.regions
                else None
            )
            recent: bool | None = None  # whether the target has this trip's, if it has any
            for w in self.all_over(root) if here < 0 else self.all_near(root, here):
                if here >= 0:
                    start, last = self.alive.get(w) or self.life(w)
                    if not start < here <= last:
                        continue
                if w is out or w in found or not self.before(w, at):
                    continue
                if made is not None and w is not root and self.before(w, made):
                    if recent is None:
                        recent = self.is_recent(target, root, made)
                    if recent:
                        continue  # older than this allocation: what it holds is one of an earlier trip
                if self.elsewhere(w, target, out, at):
                    continue
                for use, how in self.uses.get(w, ()):
                    if back and (w, use) in back:
                        continue
                    once = use == at and how != "source"  # (what a loop goes over it reads in each trip)
                    if self.wraps(at, w) if once else self.after(use, how, at, w):
                        found[w] = None
                        break
        return list(found)

    def all_over(self, root: Val) -> list[Val]:
        """The values that may be over some memory."""
        others = (*self.inside.get(root, ()), *self.turned.get(root, ()))
        return [*self.over[root], *(w for r in others for w in self.over[r])]

    def all_near(self, root: Val, here: int) -> list[Val]:
        """Those that are alive in an operation of the function itself, and some more; in the same order."""
        blocks = self.near.get(root)
        if blocks is None:
            blocks = self.near[root] = {}
            for w in self.all_over(root):
                start, last = self.alive.get(w) or self.life(w)
                for n in range((start + 1) // BLOCK, last // BLOCK + 1):
                    blocks.setdefault(n, []).append(w)
        return blocks.get(here // BLOCK, [])

    def life(self, v: Val) -> tuple[int, int]:
        """In which operations of the function itself a value is made, and read last."""
        uses = self.uses.get(v)
        found = NEVER
        if uses and v in self.defined:
            found = self.defined[v][0][1], max([path[0][1] for path, _ in uses])
        self.alive[v] = found
        return found

    def elsewhere(self, w: Val, target: Val, out: Val | None, at: Way) -> bool:
        """Whether a value is a part of an array of which a part that is apart from it is written to."""
        write = out.op if out is not None else None
        if write is None or write.fn not in ops.WRITES or write.attrs.get("at"):
            return False
        if not isinstance(target.kind, Array) or w.op is None or not is_view(w.op):
            return False
        of, index = w.op.ins
        if not isinstance(of, Val) or not (basic(index) and basic(write.ins[1])):
            return False
        if not self.lineage.is_before(of, target) and not self.lineage.is_before(target, of):
            return False
        loops = [self.region_op.get(r) for r, _ in at]
        around = [o for o in loops if o is not None and o.is_loop]
        both = [o for o in around if any(self.within(self.home[w], r) for r in o.regions)]
        inside = tuple(o for o in around if o not in both)
        return separate(index, write.ins[1], tuple(both), inside) or apart(index, write.ins[1])

    def put_back(self, target: Val, out: Val | None) -> set[tuple[Val, Way]]:
        """``rows[i][j] = v``: where the changed row is put back into the place that it was taken from."""
        found: set[tuple[Val, Way]] = set()
        while out is not None:
            home = self.home[out]
            target = self.before_updates(target, home)
            taken = target.op
            if taken is None or target not in taken.outs or taken.fn is not operator.getitem:
                break
            rows = taken.ins[0]
            if not isinstance(rows, Val) or not isinstance(rows.kind, Seq):
                break
            last = out
            put = None
            for op in home.ops:
                if op.code == "prim" and is_update(op) and op.ins[0] is last:
                    last = op.out
                if op.fn is ops.setitem and op.ins[0] is rows and op.ins[2] is last:
                    put = op if same(op.ins[1], taken.ins[1]) else None
                    break
            if put is None:
                break
            found.add((rows, self.path[put]))
            target, out = rows, put.out
        return found

    def before_updates(self, target: Val, home: Region) -> Val:
        """What a value was before it was changed in a region: it is that row still."""
        passed: list[Val] = []
        while target.op is not None and self.home[target] is home and is_update(target.op):
            known = self.unchanged.get(target)
            before = target.op.ins[0]
            if known is None and not isinstance(before, Val):
                break
            passed.append(target)
            target = known or before  # type: ignore[assignment]
            if known is not None:
                break
        self.unchanged.update(dict.fromkeys(passed, target))
        return target

    def leads_to(self, target: Val, w: Val) -> bool:
        """Whether the target is itself a view or a version of ``w``."""
        v: Atom = target
        while isinstance(v, Val) and v.op is not None and v in v.op.outs and v.op.code == "prim" and v.op.ins:
            if v is w:
                return True
            v = v.op.ins[0]
        return v is w

    def owned(self, target: Val) -> bool:
        roots = self.written_memory(target)
        return not roots & self.foreign and not self.read_only(roots)

    def read_only(self, roots: Roots) -> bool:
        """Results of ``broadcast_to`` and the like cannot be written to."""
        for r in roots:
            if (
                r.op is not None
                and r.op.code == "prim"
                and getattr(r.op.fn, "__name__", "")
                in (
                    "broadcast_to",
                    "outline",
                    "diagonal",
                    "broadcast_arrays",
                    "sliding_window_view",
                    "real",
                    "imag",
                    "diag",
                )
            ):
                return True
        return False
