"""How long derivatives take to make: writes docs/making.md.

    python tests/benchmarks/making.py            # the column "now"; keeps the one before
    python tests/benchmarks/making.py --before   # run at an older state of the code

The programs are those of tests/programs of 10 to 30 lines and the gallery's of the corpus.  The time is
processor time from the function to its compiled gradient (nothing is kept between rounds but the syntax
trees of the rules and the compiled regular expressions), the median of several rounds after one that is not
counted, in which modules are imported and the texts of rules are parsed.
"""

from __future__ import annotations

import argparse
import copy
import gc
import inspect
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from corpus.gallery import PROGRAMS as GALLERY
from programs import PROGRAMS as WHOLE
from programs.pending import PENDING
from srcdiff import SrcdiffError, grad
from srcdiff.api.specialise import forget_all

PAGE = ROOT / "docs" / "making.md"
RESULTS = Path(__file__).with_name("making.json")
START, END = "<!-- table -->\n", "\n<!-- end -->"
ROUNDS, TYPICAL, TARGET = 5, range(10, 31), 20.0


def lines_of(f: Any) -> int:
    """The lines of a program, those of functions beside it that it calls included."""
    seen, todo, total = set(), [inspect.unwrap(f)], 0
    while todo:
        g = todo.pop()
        if g in seen:
            continue
        seen.add(g)
        total += sum(1 for line in inspect.getsource(g).splitlines() if line.strip())
        names = [n for c in codes(g.__code__) for n in c.co_names]
        others = (g.__globals__.get(n) for n in names)
        todo += [o for o in others if inspect.isfunction(o) and o.__module__ == g.__module__]
        for o in (g.__globals__.get(n) for n in dict.fromkeys(names)):
            if inspect.isclass(o) and o.__module__ == g.__module__ and o not in seen:
                seen.add(o)
                total += sum(1 for line in inspect.getsource(o).splitlines() if line.strip())
    return total


def codes(code: Any) -> list[Any]:
    return [code, *(c for k in code.co_consts if inspect.iscode(k) for c in codes(k))]


def making(program: Any) -> float:
    """Milliseconds to make the gradient of a program."""
    forget_all()
    d = grad(program.function, wrt=getattr(program, "wrt_option", 0))
    arguments = copy.deepcopy(program.args)
    start = time.process_time()
    d._variant(d._bind(arguments, {}).arguments)
    return 1e3 * (time.process_time() - start)


def finding(program: Any) -> float | None:
    """Milliseconds to find a text that another process has kept; None where none can be."""
    try:
        from srcdiff import cache  # (an older state of the code has none)
    except ImportError:
        return None
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SRCDIFF_CACHE"] = folder
        cache.enable()
        cache._suspended = False  # the corpus adds rules; these programs use none of them
        try:
            making(program)
            times = [making(program) for _ in range(ROUNDS)]
            d = grad(program.function, wrt=getattr(program, "wrt_option", 0))
            made = d._variant(d._bind(copy.deepcopy(program.args), {}).arguments)[0].made
        finally:
            cache.enable(False)
            del os.environ["SRCDIFF_CACHE"]
    return statistics.median(times) if made.kept else None


def chosen(every: int) -> list[tuple[Any, int]]:
    """The programs measured, and their lines: each n-th of the whole ones, each n-th of the gallery."""
    whole = []
    for p in WHOLE:
        if p.name in PENDING:
            continue
        try:
            size = lines_of(p.function)
        except OSError:  # a class whose text inspect does not find
            continue
        if size in TYPICAL:
            whole.append((p, size))
    return [*((p, lines_of(p.function)) for p in GALLERY[::every]), *whole[::every]]


def measure(every: int) -> dict[str, dict[str, float]]:
    found = {}
    sizes = []
    for p, size in chosen(every):
        try:
            making(p)
            sizes.append((p, size))
        except (SrcdiffError, TypeError) as e:
            print(f"{p.name}: {type(e).__name__}", file=sys.stderr)
    gc.collect()
    gc.freeze()  # what is there already is no matter of making
    for p, size in sizes:
        kept = finding(p)
        ms = statistics.median(making(p) for _ in range(ROUNDS))
        found[p.name] = {"lines": size, "ms": round(ms, 2), "kept": kept and round(kept, 2)}
        print(f"{p.name:40} {size:3} lines {ms:8.2f} ms", flush=True)
    return found


def table(before: dict[str, Any], now: dict[str, Any]) -> str:
    rows = ["| program | lines | ms before | ms now | ms, text kept |", "|---|---|---|---|---|"]
    for name, found in sorted(now.items(), key=lambda x: -x[1]["ms"]):
        times = before.get(name, {}).get("ms"), found["ms"], found["kept"]
        cells = [f"{t:.1f}" if t else "" for t in times]
        rows.append(f"| `{name}` | {found['lines']} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def summary(word: str, found: dict[str, Any], key: str = "ms") -> str:
    ms = sorted(x[key] for x in found.values() if x.get(key))
    under = sum(t < TARGET for t in ms)
    nine = ms[int(0.9 * (len(ms) - 1))]
    return (
        f"{word}: median {statistics.median(ms):.1f} ms, nine of ten under {nine:.1f} ms, "
        f"{under} of {len(ms)} programs under {TARGET:.0f} ms, {sum(ms) / 1e3:.2f} s for all."
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--before", action="store_true", help="write the column of the older state")
    parser.add_argument("--least", action="store_true", help="keep the lesser of this run and the last one's")
    parser.add_argument("--every", type=int, default=6, help="1: all programs; 6: each sixth")
    given = parser.parse_args()
    found = measure(given.every)
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    column = "before" if given.before else "now"
    if given.least:
        found = {n: lesser(x, kept.get(column, {}).get(n, x)) for n, x in found.items()}
    kept[column] = found
    kept["python"] = platform.python_version()
    RESULTS.write_text(json.dumps(kept, indent=1) + "\n")
    write_page(kept)


def lesser(a: dict[str, Any], b: dict[str, Any]) -> dict[str, Any]:
    """The least times of two runs."""
    return {k: min([x for x in (a[k], b.get(k)) if x is not None], default=None) for k in a}


def write_page(kept: dict[str, Any]) -> None:
    old, now = kept.get("before", {}), kept.get("now", {})
    lines = [summary("Before", old), ""] if old else []
    if now:
        lines += [summary("Now", now), "", summary("With the text kept", now, "kept"), "", table(old, now)]
    start, rest = PAGE.read_text().split(START)
    PAGE.write_text(start + START + "\n".join(lines) + END + rest.split(END)[1])
    print("\n".join(lines))



if __name__ == "__main__":
    main()
