"""Imports go down only: the table of docs/design.md, section 1, held against every import of srcdiff.

Imports inside functions and under TYPE_CHECKING count like those at the top.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import srcdiff

ROOT = Path(srcdiff.__file__).parent
BELOW = (
    "errors faults ir rules frontend analysis differentiate batch family optimise compiled cuda emit "
    "backends load request"
)
PARTS = f"{BELOW} sparsity memory pipeline signature"

# package (or module): what of srcdiff it may import besides itself; what from outside besides Python's own
TABLE: dict[str, tuple[str, str]] = {
    "runtime": ("", "numpy scipy cupy"),
    "errors": ("", ""),
    "faults": ("errors", ""),
    "ir": ("errors", "numpy"),
    "rules": ("runtime", "numpy scipy"),
    "backends": ("runtime", "numpy cupy numba"),
    "frontend": ("errors ir backends later", "gast numpy"),
    "analysis": ("errors ir", ""),
    "differentiate": ("errors ir analysis rules frontend later", "numpy"),
    "batch": ("errors ir rules frontend differentiate", "numpy"),
    "family": ("errors ir rules frontend differentiate batch optimise", "numpy"),
    "optimise": ("errors ir analysis", "numpy"),
    "sparsity": ("ir rules", "numpy scipy"),
    "memory": ("errors ir rules", "numpy"),
    "emit": ("errors ir backends", "gast astunparse numpy"),
    "compiled": ("errors ir", "gast numpy numba llvmlite"),
    "cuda": ("errors ir compiled", "gast numpy"),
    "load": ("errors", ""),
    "later": ("", ""),
    "garbage": ("", ""),
    "deep": ("errors", ""),
    "request": ("frontend ir emit compiled cuda", ""),
    "cache": ("load later", ""),
    "pipeline": (BELOW + " later", "gast numpy"),
    "signature": ("errors ir frontend backends", "numpy"),
    "wrapped": ("", ""),
    "api": (PARTS + " later garbage deep cache runtime wrapped", "numpy optree rich"),
    "adapters": ("api", ""),
    "shown": ("", "rich"),
    "statements": (PARTS + " api shown", "gast numpy rich"),
    "tapes": (PARTS + " api shown statements", "numpy rich"),
    "lineclock": ("", ""),
    "stages": (PARTS + " api", ""),
    "graphs": ("api errors ir load", "numpy"),
    "blocks": (PARTS + " api runtime", "numpy"),
    "profiles": (PARTS + " api shown statements tapes lineclock", "numpy rich"),
    "testing": (PARTS + " runtime api", "numpy optree rich"),
    "rulebook": ("rules backends", "rich numpy"),
    "__main__": (PARTS + " runtime api cache stages statements tapes testing rulebook", "rich numpy"),
    "__init__": (
        "adapters api blocks errors graphs profiles runtime stages statements tapes testing rules", "",
    ),
}
ONE_FILE = {"astunparse": "emit/printer.py"}  # libraries that a single file knows

FILES = sorted(ROOT.rglob("*.py"))


def part_of(file: Path) -> str:
    """The package of a file, or the module that stands by itself."""
    inside = file.relative_to(ROOT)
    return inside.parts[0] if len(inside.parts) > 1 else inside.stem


def imports(file: Path) -> Iterator[tuple[int, str]]:
    """Every module that a file imports, by its full name, with the line."""
    package = ["srcdiff", *file.relative_to(ROOT).parent.parts]
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, a.name) for a in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = [*package[: len(package) - node.level + 1]] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            if module == "srcdiff":
                yield from ((node.lineno, f"srcdiff.{a.name}") for a in node.names)
            else:
                yield node.lineno, module


def violations(file: Path) -> Iterator[str]:
    own = part_of(file)
    inside, outside = (set(x.split()) for x in TABLE[own])
    for line, name in imports(file):
        first, _, rest = name.partition(".")
        part = rest.partition(".")[0]
        if first == "srcdiff":
            good = part in inside or part == own or (own == "__main__" and not part)
        else:
            good = first in outside or first in sys.stdlib_module_names
            good = good and ONE_FILE.get(first) in (None, file.relative_to(ROOT).as_posix())
        if not good:
            yield f"{file.relative_to(ROOT.parent)}:{line}: {own} imports {name}"


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.relative_to(ROOT).as_posix())
def test_imports_go_down(file: Path) -> None:
    assert part_of(file) in TABLE, f"{file}: a new package; give it a line in the table"
    found = list(violations(file))
    assert not found, "\n".join(found)


def test_no_cycles() -> None:
    """The table itself has an order."""
    done: set[str] = set()
    while len(done) < len(TABLE):
        ready = {k for k, (inside, _) in TABLE.items() if k not in done and set(inside.split()) <= done}
        assert ready, f"a cycle among {sorted(set(TABLE) - done)}"
        done |= ready


def at_the_top(file: Path, modules: dict[str, Path]) -> set[str]:
    """The modules of srcdiff that a file needs to be imported."""
    found = set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{a.name}" for a in node.names}
            found |= {n if n in modules else node.module for n in names}
    return found & set(modules)


def circles() -> list[set[str]]:
    """The modules that need one another."""
    modules = {".".join(("srcdiff", *f.relative_to(ROOT).with_suffix("").parts)): f for f in FILES}
    needs = {m: at_the_top(f, modules) for m, f in modules.items()}
    reached = {}
    for m in modules:
        seen, todo = set(), [m]
        while todo:
            new = needs[todo.pop()] - seen
            seen |= new
            todo += new
        reached[m] = seen
    found = [{n for n in reached[m] if m in reached[n]} for m in modules if m in reached[m]]
    return [c for k, c in enumerate(found) if c not in found[:k]]


def test_each_of_a_circle_can_be_the_first() -> None:
    """Modules that need one another can be imported in any order; all others could not be otherwise."""
    code = f"""
import importlib, sys
import srcdiff.pipeline
for circle in {circles()!r}:
    for first in sorted(circle):
        for m in circle:
            package, _, name = m.rpartition(".")
            if sys.modules.pop(m, None):
                delattr(sys.modules[package], name)
        importlib.import_module(first)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
