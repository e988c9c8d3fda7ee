"""Commands: ``check module.py:f``, ``tape`` and ``source`` of one, ``rules``, ``cache``."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import math
import os
import sys
from typing import Any

import numpy as np

from srcdiff import cache, rulebook
from srcdiff.api import Derivative, grad, source
from srcdiff.errors import SrcdiffError
from srcdiff.stages import passes
from srcdiff.statements import check_source
from srcdiff.tapes import tape

__all__ = ["main"]


def load(where: str) -> Any:
    """The object that ``module.py:name`` or ``package.module:name`` stands for."""
    place, colon, name = where.rpartition(":")
    if not colon or not name:
        raise SystemExit(f"{where}: write module.py:function or module:function")
    if place.endswith(".py"):
        if not os.path.exists(place):
            raise SystemExit(f"{place}: there is no such file")
        spec = importlib.util.spec_from_file_location(os.path.basename(place)[:-3], place)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        sys.path.insert(0, os.path.dirname(os.path.abspath(place)))
        spec.loader.exec_module(module)
    else:
        sys.path.insert(0, os.getcwd())
        module = importlib.import_module(place)
    found: Any = module
    for part in name.split("."):
        found = getattr(found, part, None)
        if found is None:
            raise SystemExit(f"{place} has no {name}")
    return found


def show_rules(given: argparse.Namespace) -> int:
    """What ``rules`` prints."""
    try:
        if given.markdown:
            sys.stdout.write(rulebook.markdown())
        elif given.missing:
            return rulebook.show_missing(given.missing)
        elif given.name:
            rulebook.show_rule(given.name)
        else:
            rulebook.show()
    except (LookupError, ImportError) as e:
        print(e, file=sys.stderr)
        return 1
    return 0


def show_cache(clear: bool) -> int:
    """What ``cache`` prints."""
    if clear:
        print(f"{cache.clear()} texts removed from {cache.folder()}")
    else:
        count, size = cache.info()
        state = "on" if cache.enabled() else "off"
        print(f"{count} texts, {size / 1000:.0f} kB in {cache.folder()}: {state}")
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Run a command; the exit status is 1 if something cannot be differentiated."""
    parser = argparse.ArgumentParser(prog="python -m srcdiff", description="Derivatives as Python source.")
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser("check", help="what becomes of each statement of a function")
    check.add_argument("function", help="module.py:function or package.module:function")
    check.add_argument("--wrt", action="append", help="an argument to differentiate with respect to")
    kept = commands.add_parser("tape", help="what reverse mode keeps in memory, line by line")
    kept.add_argument("function", help="module.py:function or package.module:function")
    kept.add_argument("arguments", nargs="*", help='Python expressions, with NumPy as np: "np.ones(1000)" 50')
    kept.add_argument("--wrt", action="append", help="an argument to differentiate with respect to")
    text = commands.add_parser("source", help="the text of a gradient for given arguments")
    text.add_argument("function", help="module.py:function or package.module:function")
    text.add_argument("arguments", nargs="*", help='Python expressions, with NumPy as np: "np.ones(1000)" 50')
    text.add_argument("--wrt", action="append", help="an argument to differentiate with respect to")
    text.add_argument("--diff", action="store_true", help="what each pass of the optimiser changed in it")
    rules = commands.add_parser("rules", help="which functions have a derivative, and its text")
    rules.add_argument("name", nargs="?", help="a function: np.tanh, scipy.special.erf")
    rules.add_argument("--missing", metavar="MODULE", help="what of a module has none, and why")
    rules.add_argument("--markdown", action="store_true", help="the page docs/rulebook.md")
    texts = commands.add_parser("cache", help="texts kept on disk between processes")
    texts.add_argument("--clear", action="store_true", help="remove them")
    given = parser.parse_args(arguments)
    if given.command == "cache":
        return show_cache(given.clear)
    if given.command == "rules":
        return show_rules(given)
    wrt = given.wrt[0] if given.wrt and len(given.wrt) == 1 else given.wrt
    try:
        if given.command in ("tape", "source"):
            values = [eval(a, {"np": np, "math": math}) for a in given.arguments]
            function = load(given.function)
            if given.command == "tape":
                tape(function, *values, wrt=wrt).show()
                return 0
            derivative = function if isinstance(function, Derivative) else grad(function, wrt=wrt)
            print(passes(derivative, *values) if given.diff else source(derivative, *values))
            return 0
        report = check_source(load(given.function), wrt)
    except SrcdiffError as e:
        print(e, file=sys.stderr)
        return 1
    report.show()
    return 0 if report.ok else 1


if __name__ == "__main__":
    sys.exit(main())
