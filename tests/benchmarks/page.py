"""docs/benchmarks.md and docs/benchmarks.svg from the figures of a run.

    python tests/benchmarks/page.py      # from results.json, without measuring again
"""

from __future__ import annotations

import json
import math
import statistics
from pathlib import Path
from typing import Any

from suites import SUITES
from timing import spell

ROOT = Path(__file__).parents[2]
PEERS = {
    "jax": "JAX jit", "expert": "JAX, expert", "forward": "JAX, expert, jvp", "torch": "PyTorch",
    "autograd": "autograd",
}  # fmt: skip
COLOURS = {
    "jax": "#c0392b", "expert": "#e59866", "forward": "#f5cba7", "torch": "#8e44ad", "autograd": "#2471a3",
}  # fmt: skip
OWN = {"ours": 'fill="none" stroke="{}"', "numba": 'fill="{}"'}  # how a dot looks
HEAD = """# Benchmarks

Made by `python tests/benchmarks/run.py`; do not edit. {versions}. The figures of a row are of one
process. One thread for everybody, NumPy's own allocator, float64. Times are processor time of the
process, medians of seven rounds in which all take turns; the gradients agreed (1e-6) before they were
timed. The gradient is with respect to the first argument. "JAX jit" is the natural port (the same text
with `jax.numpy`, writes as `.at[...]`, loops as `fori_loop`, masks where sizes of slices follow an
index); "expert" is what somebody writes who knows what XLA does well, "jvp" the same by forward mode, which
is ours, too, where the first argument is one number. The first call is in brackets:
making, compiling and running, in wall-clock time{load}. The kernels marked N are written after
their published definitions in NPBench, at sizes of our own.

![How long the peers take, in units of srcdiff's time](benchmarks.svg)

Rings are ratios to the text for NumPy, dots to the compiled one.
"""


def mean(values: list[float]) -> float:
    return math.exp(statistics.fmean(map(math.log, values)))


def ratios(rows: list[dict[str, Any]], peer: str, ours: str) -> list[float]:
    return [r["times"][peer] / r["times"][ours] for r in rows if peer in r["times"] and ours in r["times"]]


def cell(row: dict[str, Any], who: str) -> str:
    if who not in row["times"]:
        return "–"
    first = row["first"].get(who)
    return spell(row["times"][who]) + (f" ({spell(first)})" if first is not None else "")


def summary(works: dict[str, Any], own: list[str]) -> list[str]:
    """Geometric means of ratios, suite by suite, and over NPBench."""
    lines = ["", "## Geometric means", "", "How many times as long the peer takes.", ""]
    heads = [f"{PEERS[p]} / {'NumPy' if o == 'ours' else 'numba'}" for o in own for p in PEERS]
    backs = [f"gradient / primal, {'NumPy' if o == 'ours' else 'numba'}" for o in own]
    lines.append("| suite | workloads | " + " | ".join(heads + backs) + " |")
    lines.append("|---|---|" + "---|" * (len(heads) + len(backs)))
    groups = {SUITES[s]: [r for r in works.values() if r["suite"] == s] for s in SUITES}
    groups["NPBench"] = [r for r in works.values() if r["npbench"]]
    for name, rows in groups.items():
        cells = []
        for o in own:
            for p in PEERS:
                found = ratios(rows, p, o)
                cells.append(f"{mean(found):.3g} ({len(found)})" if found else "–")
        for o in own:
            found = [r["times"][o] / r["times"]["primal"] for r in rows if o in r["times"]]
            cells.append(f"{mean(found):.3g}" if found else "–")
        lines.append(f"| {name} | {len(rows)} | " + " | ".join(cells) + " |")
    return lines


# suite, what the text for NumPy is to reach, what the compiled one is to reach: peer, least ratio, of what
TARGETS: list[tuple[str, list[tuple[str, float, str]], list[tuple[str, float, str]]]] = [
    (
        "scalar",
        [("autograd", 300, "mean"), ("torch", 100, "mean")],
        [("jax", 2, "mean"), ("expert", 2, "mean"), ("forward", 0, "mean")],
    ),
    ("tiny", [("jax", 8, "mean")], []),
    ("sequential", [("jax", 1, "most")], [("jax", 10, "mean"), ("expert", 3, "mean")]),
    ("stencils", [("jax", 1, "mean")], [("jax", 4, "mean")]),
    ("fused", [("autograd", 1.5, "mean")], [("jax", 2, "mean"), ("jax", 1, "least")]),
    ("dense", [("autograd", 1.5, "mean"), ("torch", 0.7, "mean")], [("jax", 1, "mean")]),
]


def reached(rows: list[dict[str, Any]], own: str, wanted: list[tuple[str, float, str]]) -> str:
    """The figures beside what was set as a target."""
    cells = []
    for peer, least, how in wanted:
        found = ratios(rows, peer, own)
        if not found:
            continue
        if how == "most":
            good = sum(v >= least for v in found)
            text, ok = f"{good} of {len(found)} at least {least:g}x", 2 * good > len(found)
        else:
            value = mean(found) if how == "mean" else min(found)
            aim = f" (>= {least:g}x)" if least else ""
            text, ok = f"{'least ' if how == 'least' else ''}{value:.3g}x{aim}", value >= least
        cells.append(f"{PEERS[peer]} {text}{'' if ok else ' **missed**'}")
    return "; ".join(cells) or "–"


def targets(works: dict[str, Any]) -> list[str]:
    """What was set as targets, and what is reached."""
    lines = ["", "## Targets", "", "Geometric means where nothing else is said; in brackets the target.", ""]
    lines += ["| suite | text for NumPy | compiled |", "|---|---|---|"]
    for suite, plain, made in TARGETS:
        rows = [r for r in works.values() if r["suite"] == suite]
        lines.append(f"| {SUITES[suite]} | {reached(rows, 'ours', plain)} | {reached(rows, 'numba', made)} |")
    cost = [r["times"]["ours"] / r["times"]["primal"] for r in works.values()]
    lines.append(
        f"| gradient / primal, all | {mean(cost):.3g} (<= 3), most {max(cost):.3g} (<= 5)"
        f"{'' if mean(cost) <= 3 and max(cost) <= 5 else ' **missed**'} | – |"
    )
    npbench = [r for r in works.values() if r["npbench"]]
    found = ratios(npbench, "jax", "numba")
    if found:
        lines.append(
            f"| NPBench, {len(found)} kernels | JAX jit {mean(ratios(npbench, 'jax', 'ours')):.3g}x "
            f"| JAX jit {mean(found):.3g}x |"
        )
        lines += [
            "",
            "The paper on DaCe AD reports beating JAX by 92x on average over NPBench. The mean of our ratios",
            f"that is not geometric is {statistics.fmean(found):.3g}x, at sizes of our own, on one thread.",
        ]
    return lines


def tables(works: dict[str, Any], own: list[str]) -> list[str]:
    lines = []
    for suite, title in SUITES.items():
        lines += ["", f"## {title[0].upper()}{title[1:]}", ""]
        mine = ("NumPy" if o == "ours" else "numba" for o in own)
        last = [f"JAX jit / {'NumPy' if o == 'ours' else 'numba'}" for o in own]
        peers = [p for p in PEERS if any(r["suite"] == suite and p in r["times"] for r in works.values())]
        heads = ["primal", *mine, *map(PEERS.__getitem__, peers), *last]
        lines.append("| workload | " + " | ".join(heads) + " |")
        lines.append("|---|" + "---|" * len(heads))
        notes = []
        for name, row in works.items():
            if row["suite"] != suite:
                continue
            cells = [cell(row, who) for who in ("primal", *own, *peers)]
            for o in own:
                found = ratios([row], "jax", o)
                cells.append(f"{found[0]:.2f}" if found else "–")
            lines.append(f"| {name}{' N' if row['npbench'] else ''} | " + " | ".join(cells) + " |")
            notes += [f"- {name}, {PEERS.get(w, w)}: {why}" for w, why in row["failed"].items()]
        lines += ["", *notes] if notes else []
    return lines


def plot(works: dict[str, Any]) -> str:
    """A row for each workload, a dot for each peer, on a logarithmic axis of ratios."""
    rows = [(n, r) for s in SUITES for n, r in works.items() if r["suite"] == s]
    every = [v for _, r in rows for p in PEERS for o in OWN for v in ratios([r], p, o)]
    low, high = math.floor(math.log10(min(every))), math.ceil(math.log10(max(every)))
    left, width, step, top = 150, 560, 15, 40

    def at(v: float) -> float:
        return left + width * (math.log10(v) - low) / (high - low)

    height = top + step * (len(rows) + len(SUITES)) + 20
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 20}" height="{height}" '
        'font-family="sans-serif" font-size="11">',
        f'<rect width="{left + width + 20}" height="{height}" fill="white"/>',
    ]
    for k, (p, name) in enumerate(PEERS.items()):
        out.append(f'<circle cx="{left + 110 * k}" cy="12" r="4" fill="{COLOURS[p]}"/>')
        out.append(f'<text x="{left + 110 * k + 8}" y="16">{name}</text>')
    for e in range(low, high + 1):
        x, shade = at(10.0**e), "#888" if e == 0 else "#ddd"
        out.append(f'<line x1="{x:.1f}" y1="{top - 8}" x2="{x:.1f}" y2="{height - 10}" stroke="{shade}"/>')
        out.append(f'<text x="{x:.1f}" y="{top - 12}" text-anchor="middle">{10.0**e:g}x</text>')
    y, last = top, ""
    for name, row in rows:
        if row["suite"] != last:
            last = row["suite"]
            out.append(f'<text x="4" y="{y + 10}" font-weight="bold">{SUITES[last]}</text>')
            y += step
        out.append(f'<text x="{left - 6}" y="{y + 9}" text-anchor="end">{name}</text>')
        for p in PEERS:
            for o, look in OWN.items():
                for v in ratios([row], p, o):
                    out.append(f'<circle cx="{at(v):.1f}" cy="{y + 5}" r="3.5" {look.format(COLOURS[p])}/>')
        y += step
    return "\n".join([*out, "</svg>", ""])


def write(results: Path) -> None:
    found = json.loads(results.read_text())
    works = found["works"]
    own = [o for o in ("ours", "numba") if any(o in r["times"] for r in works.values())]
    versions = ", ".join(f"{name} {number}" for name, number in found["versions"].items())
    loads = [r["load"] for r in works.values() if "load" in r]
    least, most = min(loads, default=0.0), max(loads, default=0.0)
    load = f"; the machine of two cores was busy (load {least:.0f} to {most:.0f})" if most >= 1.5 else ""
    head = HEAD.format(versions=versions, load=load).rstrip()
    lines = [head, *targets(works), *summary(works, own), *tables(works, own), ""]
    (ROOT / "docs" / "benchmarks.md").write_text("\n".join(lines), encoding="utf-8")
    (ROOT / "docs" / "benchmarks.svg").write_text(plot(works), encoding="utf-8")


if __name__ == "__main__":
    write(Path(__file__).parent / "results.json")
