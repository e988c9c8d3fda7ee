"""The rule book: of every public name of NumPy (and of SciPy's parts that have rules), what becomes of it."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
import textwrap
import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from srcdiff.backends import numpy_names
from srcdiff.rules import reasons, registry, scipy_reasons

__all__ = ["MODULES", "Entry", "coverage", "entries", "find", "markdown", "show", "show_missing", "show_rule"]

MODULES = (
    "numpy", "numpy.linalg", "numpy.fft", "numpy.random", "numpy.polynomial.polynomial",
    "numpy.polynomial.chebyshev",
    "numpy.polynomial.legendre", "numpy.polynomial.hermite", "numpy.polynomial.hermite_e",
    "numpy.polynomial.laguerre",
    "numpy.lib.stride_tricks", "numpy.ma", "numpy.char", "numpy.strings", "numpy.ndarray",
    "numpy.random.Generator",
    "numpy.ufunc", "math", "cmath",
)  # fmt: skip
SCIPY = (
    "scipy.special", "scipy.linalg", "scipy.stats", "scipy.signal", "scipy.fft", "scipy.ndimage",
    "scipy.interpolate", "scipy.integrate", "scipy.optimize", "scipy.sparse", "scipy.sparse.linalg",
    "scipy.spatial", "scipy.spatial.distance",
)  # fmt: skip
FORMS = ("elementwise", "linear", "bilinear", "differential", "pullback")
TESTS = {  # where the calls of a module of rules are, if not in samples of its name
    "python_math": "samples_math", "complex_math": "samples_complex",
    "scipy_matrix_functions": "samples_scipy_linalg", "scipy_schur": "samples_scipy_linalg",
    "scipy_spectra": "samples_scipy_signal", "scipy_integrate": "samples_scipy_spatial",
    "scipy_sparse": "samples_scipy_spatial",
    **dict.fromkeys(("products", "norms", "systems", "factorisations"), "samples_linear_algebra"),
}  # fmt: skip
PARTS = {  # of a method's name that says nothing of its class
    "numpy.ndarray": np.ndarray, "numpy.random.Generator": np.random.Generator, "numpy.ufunc": np.ufunc,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """One public name.

    Attributes:
        name: as users write it.
        status: ``rule``, ``read`` (as other functions, put together), ``constant``, ``refused``,
            ``missing``; or
            ``other``, for what is no function (types, numbers, modules).
        how: the forms of its rule.
        reason: why it has none.
        obj: what the name stands for.
    """

    name: str
    status: str
    how: str
    reason: str
    obj: Any


def entries(module: str) -> list[Entry]:
    """What becomes of each public name of a module or class."""
    registry.rules_table()  # (all libraries' rules)
    if module in PARTS:
        names = [n for n in dir(PARTS[module]) if not n.startswith("_")]
        return [_method(module, n) for n in names]
    home = importlib.import_module(module)
    public = getattr(home, "__all__", None) or [n for n in vars(home) if not n.startswith("_")]
    names = sorted({n for n in public if not isinstance(getattr(home, n, None), types.ModuleType)})
    return [_entry(module, n, getattr(home, n)) for n in names if hasattr(home, n)]


def _entry(module: str, name: str, obj: Any) -> Entry:
    full = f"{_short(module)}.{name}"
    if module in reasons.WHOLE:
        return Entry(full, *_whole(module), obj)
    if name in (reasons.READ.get(module) or scipy_reasons.READ.get(module[6:], "")).split():
        return Entry(full, "read", "lines of Python", "", obj)
    try:
        known = numpy_names.CANONICAL.get(obj, obj)
    except TypeError:  # not hashable: no function
        return Entry(full, "other", "", "", obj)
    rule = registry.lookup(known)
    forms = [f for f in FORMS if rule is not None and getattr(rule, f) is not None]
    if registry.definitions_of(known):
        forms.append("definition")
    if forms:
        return Entry(full, "read" if forms == ["definition"] else "rule", ", ".join(forms), "", known)
    if rule is not None and rule.constant:
        return Entry(full, "constant", "", "", known)
    methods = methods_with_rules(obj)
    if methods:
        return Entry(full, "rule", f"methods: {', '.join(methods)}", "", obj)
    why = registry.reason_of(known) or reasons.NAMED.get(full, "")
    if why:
        return Entry(full, "refused", "", why, known)
    if isinstance(obj, type) or not callable(obj):
        return Entry(full, "other", "", "", obj)
    return Entry(full, "missing", "", "", obj)


def methods_with_rules(obj: Any) -> list[str]:
    """The methods with a rule of an object that is no function, class or module: of a distribution."""
    if isinstance(obj, (type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType, np.ufunc)):
        return []
    public = [n for n in dir(type(obj)) if not n.startswith("_")]
    methods = ((n, getattr(obj, n, None)) for n in public)
    return [n for n, m in methods if callable(m) and (registry.lookup(m) or registry.definitions_of(m))]


def _whole(module: str) -> tuple[str, str, str]:
    status, why = reasons.WHOLE[module]
    return status, "", why


def _method(module: str, name: str) -> Entry:
    full = f"{_short(module)}.{name}"
    if name in reasons.METHODS[module]:
        status, why = reasons.METHODS[module][name]
        return Entry(
            full, status, "lines of Python" if status == "read" else "", why, getattr(PARTS[module], name)
        )
    fn = numpy_names.METHODS.get(name) if module == "numpy.ndarray" else None
    if fn is None:
        return Entry(full, "missing", "", "", getattr(PARTS[module], name))
    e = _entry("numpy", fn.__name__, fn)
    return Entry(full, e.status, e.how, e.reason, e.obj)


def _short(module: str) -> str:
    return module.replace("numpy", "np", 1) if module.startswith("numpy") else module


def find(name: str) -> Entry:
    """The entry of a name such as ``np.tanh`` or ``scipy.special.erf``."""
    full = "numpy." + name[3:] if name.startswith("np.") else name
    module, _, last = full.rpartition(".")
    if module in PARTS:
        if hasattr(PARTS[module], last):
            return _method(module, last)
    else:
        try:
            home = importlib.import_module(module)
        except (ImportError, ValueError):
            home = None
        registry.rules_table()
        if home is not None and hasattr(home, last):
            return _entry(module, last, getattr(home, last))
    raise LookupError(f"{name}: there is no such function; write np.tanh, math.sin, scipy.special.erf")


def coverage() -> tuple[int, list[Entry]]:
    """How many of NumPy's differentiable names are ruled or read, and those that are not.

    Not counted: `math` and `cmath`, modules that are taken or refused as a whole (`reasons.WHOLE`), what is
    constant, and what is refused because nobody could differentiate it (`reasons.NOT_DIFFERENTIABLE`).
    """
    walked = [m for m in MODULES if m.startswith("numpy") and m not in reasons.WHOLE]
    found = [e for m in walked for e in entries(m)]
    have = sum(e.status in ("rule", "read") for e in found)
    lack = [e for e in found if e.status in ("refused", "missing")]
    return have, [e for e in lack if e.reason not in reasons.NOT_DIFFERENTIABLE]


def covered() -> str:
    """The figures of `coverage` as a sentence."""
    have, lack = coverage()
    names = ", ".join(f"`{e.name}`" for e in lack)
    return (
        f"Of NumPy's {have + len(lack)} differentiable functions and methods, {have} have derivatives: "
        f"{100.0 * have / (have + len(lack)):.1f} %. The others: {names}."
    )


# ---- on the command line ----------------------------------------------------------------------------------

COLOURS = {"rule": "green", "read": "cyan", "constant": "dim", "refused": "yellow", "missing": "bold red"}


def installed() -> Iterator[str]:
    """The modules that are walked: those of SciPy where that is installed and has rules."""
    yield from MODULES
    table = registry.rules_table()
    homes = {str(getattr(fn, "__module__", "")) for fn in table}
    for module in SCIPY:
        if module in sys.modules and any(home.startswith(module) for home in homes):
            yield module


def show(console: Console | None = None) -> None:
    """All that is ruled, read or constant, module by module."""
    console = console or Console()
    for module in installed():
        found = [e for e in entries(module) if e.status != "other"]
        table = Table(title=f"{_short(module)}: {_counted(found)}", title_justify="left")
        table.add_column("function")
        table.add_column("what becomes of it")
        table.add_column("how")
        for e in found:
            if e.status in ("rule", "read", "constant"):
                table.add_row(e.name, f"[{COLOURS[e.status]}]{e.status}", e.how)
        console.print(table)
    console.print(covered().replace("`", ""), highlight=False)


def show_missing(module: str, console: Console | None = None) -> int:
    """What of a module has no derivative, and why; 1 if something is simply missing."""
    console = console or Console()
    full = module.replace("np", "numpy", 1) if module == "np" or module.startswith("np.") else module
    found = [e for e in entries(full) if e.status != "other"]
    table = Table(title=f"{_short(full)}: {_counted(found)}", title_justify="left")
    table.add_column("function")
    table.add_column("what becomes of it")
    table.add_column("why")
    for e in found:
        if e.status in ("refused", "missing"):
            table.add_row(e.name, f"[{COLOURS[e.status]}]{e.status}", e.reason or "no rule has been written")
    console.print(table)
    return int(any(e.status == "missing" for e in found))


def show_rule(name: str, console: Console | None = None) -> None:
    """The text of a function's rule, its mathematics, and where it is tested."""
    console = console or Console()
    e = find(name)
    console.print(
        f"[bold]{e.name}[/]: [{COLOURS.get(e.status, 'dim')}]{e.status}[/] {e.how}", highlight=False
    )
    if e.reason:
        console.print(e.reason)
    rule = registry.lookup(e.obj)
    texts = [(f, getattr(rule, f).text) for f in FORMS if rule is not None and getattr(rule, f) is not None]
    texts += [(_when(d), d.text) for d in registry.definitions_of(e.obj)]
    seen = set()
    for form, text in texts:
        if text in seen:
            continue
        seen.add(text)
        console.print(f"\n{form}: {MEANING[form.partition(',')[0]]}", style="dim", highlight=False)
        console.print(textwrap.dedent(inspect.getsource(text)).rstrip(), markup=False, highlight=False)
    for home in dict.fromkeys(text.__module__ for _, text in texts):
        doc = inspect.getdoc(sys.modules[home]) or ""
        console.print(f"\n{home}:", style="dim", highlight=False)
        console.print(textwrap.indent(doc, "  "), markup=False, highlight=False)
    if texts:
        console.print(f"\ntested by: {', '.join(tested_by(e))}", style="dim", highlight=False)


MEANING = {
    "elementwise": "the partial derivatives, element by element",
    "linear": "the transpose; forward mode is the operation itself",
    "bilinear": "the transposes in both operands",
    "differential": "the tangent of the result",
    "pullback": "the cotangents of the operands",
    "definition": "what it stands for",
}


def _when(d: registry.Definition) -> str:
    given = " or ".join(f"{o}=" for o in d.options if isinstance(o, str))
    return f"definition, given {given}" if given else "definition"


def tested_by(e: Entry) -> list[str]:
    """The files that hold calls of a function, seen from the root of the project."""
    rule = registry.lookup(e.obj)
    homes = {
        getattr(rule, f).text.__module__ for f in FORMS if rule is not None and getattr(rule, f) is not None
    }
    rooms = {h.split(".")[2] for h in homes}
    files = {f"tests/rules/{TESTS.get(room, 'samples_' + room)}.py" for room in rooms}
    if registry.definitions_of(e.obj) or any("polynomials" in h for h in homes):
        files = {f for f in files if "polynomials" not in f} | {"tests/rulebook.py"}
    return sorted(files)


# ---- as a page ---------------------------------------------------------------------------------------------


def _counted(found: list[Entry]) -> str:
    kinds = [(s, sum(e.status == s for e in found)) for s in COLOURS]
    return ", ".join(f"{n} {s}" for s, n in kinds if n)


def versions() -> str:
    """The libraries that the page is about."""
    both = [("NumPy", np.__version__)]
    if importlib.util.find_spec("scipy") is not None:
        both.append(("SciPy", importlib.import_module("scipy").__version__))
    return " and ".join(f"{name} {'.'.join(version.split('.')[:2])}" for name, version in both)


def markdown(modules: tuple[str, ...] = (*MODULES, *SCIPY)) -> str:
    """The page docs/rulebook.md."""
    lines = [
        "# The rule book",
        "",
        f"What becomes of every public name of {versions()}.",
        "Written by `python -m srcdiff rules --markdown`; do not edit.",
        "",
        "A *rule* gives the derivative; what is *read* is other functions put together; a",
        "*constant* carries no derivative; the rest is refused, with the reason.",
        "`python -m srcdiff rules np.tanh` shows",
        "the text of a rule, `--missing numpy` what has none. [rules.md](rules.md) says how to add one.",
        "",
        *textwrap.wrap(covered(), 110),
        "",
        "Not counted are masked arrays, what is constant, and what nobody could differentiate: what is",
        "refused for one of these reasons.",
        "",
        *(f"- {why}" for why in sorted(reasons.NOT_DIFFERENTIABLE)),
        "",
    ]
    for module in modules:
        found = [e for e in entries(module) if e.status != "other"]
        lines += [f"## {_short(module)}", "", f"{_counted(found)}.", ""]
        for status, title in (("rule", "Rules"), ("read", "Read"), ("constant", "Constant")):
            some = [e for e in found if e.status == status]
            if not some:
                continue
            if module in reasons.WHOLE:
                lines += [f"{title}: everything ({reasons.WHOLE[module][1]}).", ""]
                continue
            names = [f"`{e.name.rpartition('.')[2]}`" for e in some]
            lines += [*textwrap.wrap(f"{title}: {', '.join(names)}.", 110), ""]
        refusals: dict[str, list[str]] = {}
        for e in found:
            if e.status in ("refused", "missing"):
                refusals.setdefault(e.reason or "no rule has been written", []).append(
                    e.name.rpartition(".")[2]
                )
        if refusals:
            lines += ["| refused | why |", "|---|---|"]
            for why, names in refusals.items():
                what = "everything" if module in reasons.WHOLE else ", ".join(f"`{n}`" for n in names)
                lines.append(f"| {what} | {why} |")
            lines.append("")
    return "\n".join(lines)
