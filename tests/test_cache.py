"""Texts kept between processes: used where all is as it was, and never where anything is not.

A process is played by modules loaded anew from their files, with all that was made before forgotten.
"""

from __future__ import annotations

import importlib
import json
import linecache
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import srcdiff
from srcdiff import cache, grad, report
from srcdiff.__main__ import main
from srcdiff.api import specialise, store

HELPER = '''
K = 3.0
N = 2
FLAG = True


class Base:
    power = 2

    def twice(self, x):
        return 2.0 * x


class Model(Base):
    def apply(self, x):
        return self.twice(x) ** self.power


def helper(x, scale=2.0):
    return scale * x * x


def wrapped(x):
    return helper(x) + 1.0
'''
MODULE = '''
import math
import numpy as np
import kept_helper
from kept_helper import Model, helper, wrapped


def plain(x):
    y = math.sin(x)
    return y * y


def helped(x):
    return helper(x) * 1.5


def deeper(x):
    return wrapped(x) * 1.5


def constant(x):
    return kept_helper.K * x * x


def counted(x):
    for _ in range(kept_helper.N):
        x = x * x
    return x


def flagged(x):
    if kept_helper.FLAG:
        return 2.0 * x
    return 5.0 * x


def of_class(x):
    return Model().apply(x)


def made(k):
    def inner(x):
        return k(x) * x
    return inner


def double(x):
    return 2.0 * x


def triple(x):
    return 3.0 * x


def with_default(x, n=2):
    return x ** n


def arrays(x):
    return np.sum(x * x)


def writes(x):
    x[0] = 2.0 * x[1]
    return np.sum(x * x)


def raises(x):
    y = math.log(x)
    return y * y


def many(x, f):
    return f(x) * x
'''


@pytest.fixture
def world(tmp_path, monkeypatch):
    """Two modules in a folder, and a cache folder of their own; the cache is on."""
    monkeypatch.setenv("SRCDIFF_CACHE", str(tmp_path / "cache"))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(cache, "_suspended", False)
    cache.enable()
    w = World(tmp_path)
    w.write("kept_helper", HELPER)
    w.write("kept_module", MODULE)
    yield w
    monkeypatch.undo()
    cache.enable(False)
    cache._said = None
    for name in ("kept_helper", "kept_module", "kept_things"):
        sys.modules.pop(name, None)


class World:
    def __init__(self, place: Path) -> None:
        self.place = place
        self.clock = 1_000_000_000

    def write(self, name: str, text: str) -> None:
        file = self.place / f"{name}.py"
        file.write_text(text)
        self.clock += 10
        os.utime(file, (self.clock, self.clock))

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.place / f"{name}.py").read_text()
        assert text.count(old) == 1
        self.write(name, text.replace(old, new))

    def process(self):
        """The module, as a new process has it."""
        for name in ("kept_helper", "kept_module"):
            sys.modules.pop(name, None)
        importlib.invalidate_caches()
        linecache.clearcache()
        specialise._shared.clear()
        specialise._kept.clear()
        return importlib.import_module("kept_module")


def asked(f, *args, **options):
    """The value of a gradient, and whether its text was kept by somebody."""
    d = grad(f, **options)
    value = d(*args)
    return value, d._latest.made.kept


ALL = [
    ("plain", (0.4,), np.sin(0.8)), ("helped", (2.0,), 12.0), ("deeper", (2.0,), 12.0),
    ("constant", (2.0,), 12.0), ("counted", (2.0,), 32.0), ("flagged", (2.0,), 2.0),
    ("of_class", (2.0,), 16.0), ("with_default", (3.0,), 6.0), ("with_default", (3.0, 3), 27.0),
    ("arrays", (np.arange(3.0),), [0.0, 2.0, 4.0]),
]  # fmt: skip


@pytest.mark.parametrize("name, args, expected", ALL, ids=[f"{n}{len(a)}" for n, a, _ in ALL])
def test_a_text_is_used_again(world, name, args, expected):
    value, kept = asked(getattr(world.process(), name), *args)
    np.testing.assert_allclose(value, expected)
    assert not kept
    value, kept = asked(getattr(world.process(), name), *args)
    np.testing.assert_allclose(value, expected)
    assert kept


CHANGES = [
    ("plain", "kept_module", "return y * y\n\n\ndef helped", "return y * y * y\n\n\ndef helped", 0.4),
    ("helped", "kept_helper", "return scale * x * x", "return scale * x * x * x", 2.0),
    ("helped", "kept_helper", "scale=2.0", "scale=4.0", 2.0),
    ("deeper", "kept_helper", "return scale * x * x", "return scale * x * x * x", 2.0),
    ("counted", "kept_helper", "N = 2", "N = 3", 2.0),
    ("flagged", "kept_helper", "FLAG = True", "FLAG = False", 2.0),
    ("of_class", "kept_helper", "return 2.0 * x", "return 3.0 * x", 2.0),
    ("of_class", "kept_helper", "power = 2", "power = 3", 2.0),
    ("of_class", "kept_helper", "class Model(Base):", "class Model(Base):\n    power = 4\n", 2.0),
    ("of_class", "kept_helper", "class Model(Base):\n",
     "class Model(Base):\n    def __init__(self):\n        self.power = 5\n", 2.0),
    ("constant", "kept_helper", "K = 3.0", "K = 7.0", 2.0),
    ("constant", "kept_helper", "K = 3.0", "K = 7", 2.0),
    ("with_default", "kept_module", "n=2", "n=4", 2.0),
]  # fmt: skip


@pytest.mark.parametrize(
    "name, module, old, new, x", CHANGES, ids=[f"{c[0]}-{n}" for n, c in enumerate(CHANGES)]
)
def test_what_has_changed_is_seen(world, name, module, old, new, x):
    before, _ = asked(getattr(world.process(), name), x)
    _, kept = asked(getattr(world.process(), name), x)
    assert kept
    world.edit(module, old, new)
    now, _ = asked(getattr(world.process(), name), x)
    cache.enable(False)
    truth, _ = asked(getattr(world.process(), name), x)
    assert now == truth and now != before


def test_what_is_running_counts_and_not_the_file(world):
    """A module that was edited and not loaded again is what it was."""
    running = world.process()
    cache.enable(False)
    old, _ = asked(running.of_class, 2.0)
    cache.enable()
    world.edit("kept_helper", "return 2.0 * x", "return 3.0 * x")
    helpers = sys.modules["kept_helper"]
    new, _ = asked(world.process().of_class, 2.0)  # somebody else keeps the text of the new one
    assert new != old
    sys.modules.update(kept_helper=helpers, kept_module=running)
    specialise._shared.clear()
    try:
        value, kept = asked(running.of_class, 2.0)
    except srcdiff.SourceNotFound:
        return
    assert value == old and not kept


def test_classes_changed_while_running(world):
    module = world.process()
    before, _ = asked(module.of_class, 2.0)
    module = world.process()
    module.kept_helper.Base.twice = lambda self, x: 7.0 * x
    now, kept = asked(module.of_class, 2.0)
    assert not kept and now == pytest.approx(before * 49 / 4)


def test_a_value_that_is_written_into_the_text(world):
    """An attribute of a class is a default of the text, which stands by itself when it is saved."""
    grad(world.process().of_class)(2.0)
    module = world.process()
    d = grad(module.of_class)
    assert d(2.0) == 16.0 and d._latest.made.kept and "power=2" in d.source
    module.kept_helper.Base.power = 3
    assert d(2.0) == 8 * 3 * 4.0
    assert "power=3" in d.source_for(2.0) and "power=2" not in d.source_for(2.0)


def test_closures(world):
    module = world.process()
    assert asked(module.made(module.double), 2.0) == (8.0, False)
    module = world.process()
    assert asked(module.made(module.double), 2.0) == (8.0, True)
    specialise._shared.clear()
    assert asked(module.made(module.triple), 2.0) == (12.0, False)
    assert asked(module.many, 2.0, module.double) == (8.0, False)
    module = world.process()
    assert asked(module.many, 2.0, module.triple) == (12.0, False)
    assert asked(module.many, 2.0, module.double) == (8.0, True)


def test_types_and_options_are_part_of_the_key(world):
    module = world.process()
    asked(module.arrays, np.arange(3.0))
    module = world.process()
    assert asked(module.arrays, np.ones((2, 2)))[1] is False
    assert asked(module.arrays, np.arange(3.0, dtype=np.float32))[1] is False
    assert asked(module.arrays, np.arange(4.0))[1] is True
    found = srcdiff.value_and_grad(module.arrays)
    assert found(np.arange(3.0))[0] == 5.0 and not found._latest.made.kept
    asked(module.with_default, 3.0)
    assert asked(world.process().with_default, 3.0, wrt=("x",)) == ((6.0,), False)


@pytest.mark.parametrize("what", ["numpy", "srcdiff", "scipy"])
def test_versions_are_part_of_the_key(world, monkeypatch, what):
    asked(world.process().plain, 0.4)
    module = world.process()
    if what == "numpy":
        monkeypatch.setattr(np, "__version__", "0.0.1")
    elif what == "scipy":
        import scipy

        monkeypatch.setattr(scipy, "__version__", "0.0.1")
    store.fingerprint.cache_clear()
    if what == "srcdiff":
        monkeypatch.setattr(store, "fingerprint", lambda: "another")
    value, kept = asked(module.plain, 0.4)
    assert not kept and value == pytest.approx(np.sin(0.8))
    monkeypatch.undo()
    store.fingerprint.cache_clear()


def test_a_file_of_srcdiff_changes_the_fingerprint(tmp_path, monkeypatch):
    (tmp_path / "api").mkdir()
    file = tmp_path / "api" / "store.py"
    file.write_text("a = 1")
    monkeypatch.setattr(store, "__file__", str(file))
    store.fingerprint.cache_clear()
    first = store.fingerprint()
    file.write_text("a = 12")
    store.fingerprint.cache_clear()
    assert store.fingerprint() != first
    monkeypatch.undo()
    store.fingerprint.cache_clear()


def test_rules_of_the_users_turn_it_off(world):
    asked(world.process().plain, 0.4)
    module = world.process()
    cache.suspend()
    assert not cache.enabled()
    assert asked(module.plain, 0.4)[1] is False


def test_it_is_off_by_default(world, monkeypatch):
    cache._said = None
    assert not cache.enabled()
    asked(world.process().plain, 0.4)
    assert cache.info()[0] == 0
    monkeypatch.setenv("SRCDIFF_KEEP", "1")
    assert cache.enabled()
    asked(world.process().plain, 0.4)
    assert cache.info()[0] == 1


def test_texts_that_are_not_whole_are_left(world):
    asked(world.process().plain, 0.4)
    (file,) = cache.folder().glob("*/*.json")
    whole = file.read_text()
    for broken in (whole[: len(whole) // 2], "", "[]", json.dumps({**json.loads(whole), "source": "x = 1"})):
        file.write_text(broken)
        value, kept = asked(world.process().plain, 0.4)
        assert not kept and value == pytest.approx(np.sin(0.8))
    assert file.read_text() == whole  # made again
    assert asked(world.process().plain, 0.4)[1]


def test_what_a_kept_derivative_can_do(world):
    fresh = grad(world.process().arrays)
    x = np.arange(3.0)
    fresh(x)
    module = world.process()
    d = grad(module.arrays)
    d(x)
    assert d._latest.made.kept
    assert d.source == fresh.source == d.source_for(x)
    assert d.graph({"x": x}).region.ops  # made when it is asked for
    assert report(d, x).lines[0].text == "return np.sum(x * x)"
    assert srcdiff.tape(d, x).bytes == srcdiff.tape(fresh, x).bytes
    assert d.compiled(x).kernels == ()
    assert grad(lambda y: d(y)[0] * 3.0)(x).tolist() == [6.0, 0.0, 0.0]


def test_errors_lead_to_the_statement(world):
    grad(world.process().raises)(2.0)
    d = grad(world.process().raises)
    d(2.0)
    assert d._latest.made.kept
    with pytest.raises(ValueError) as e:
        d(-1.0)
    if sys.version_info >= (3, 11):
        assert "y = math.log(x)" in e.value.__notes__[0]


def test_arguments_that_are_written_to(world):
    x = np.array([1.0, 2.0])
    first = grad(world.process().writes)(x)
    d = grad(world.process().writes)
    np.testing.assert_array_equal(d(x), first)
    assert d._latest.made.kept and d._latest.written == {"x"}


def test_what_cannot_be_described_is_not_kept(world):
    module = world.process()
    data = np.ones(3)

    class Local:
        def __call__(self, x):
            return x * 2.0

    local = Local()
    assert asked(lambda x: np.sum(x * data), np.ones(3))[1] is False
    assert asked(lambda x: local(x) * x, 2.0) == (8.0, False)
    inner = grad(module.plain)
    assert asked(lambda x: inner(x) * x, 2.0)[1] is False
    for value in (local, Local, np.random.default_rng(0), inner, object()):
        with pytest.raises(store.Unkept):
            store.describe(value)


def test_at_one_time(world):
    """Several threads write and read one folder; nobody sees half a text."""
    module = world.process()
    asked(module.plain, 0.4)
    (file,) = cache.folder().glob("*/*.json")
    entry = json.loads(file.read_text())
    wrong = []

    def work():
        for _ in range(10):
            d = grad(module.plain)
            made = d._make({"x": 0.4})[0]
            store.keep(d, "plain_grad", (float,), made)
            found = store.find(d, "plain_grad", {"x": 0.4}, (float,))
            if found is None or found.text.source != entry["source"]:
                wrong.append(found)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong
    assert not list(cache.folder().glob("*/*.tmp"))


def test_another_process_uses_what_was_kept(world, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import sys, srcdiff\n"
        "from kept_module import plain\n"
        "d = srcdiff.grad(plain)\n"
        "print(d(0.4), d._latest.made.kept, 'srcdiff.pipeline' in sys.modules)\n"
    )
    environment = {**os.environ, "SRCDIFF_KEEP": "1", "PYTHONHASHSEED": "random"}
    options = {"capture_output": True, "text": True, "env": environment, "check": True}
    said = [subprocess.run([sys.executable, str(script)], **options) for _ in range(3)]
    values = [s.stdout.split() for s in said]
    assert [v[1:] for v in values] == [["False", "True"], ["True", "False"], ["True", "False"]]
    assert len({v[0] for v in values}) == 1


def test_the_command(world, capsys):
    asked(world.process().plain, 0.4)
    assert main(["cache"]) == 0
    assert capsys.readouterr().out.startswith("1 texts, ")
    assert main(["cache", "--clear"]) == 0
    assert "1 texts removed" in capsys.readouterr().out
    assert cache.info() == (0, 0)
    assert asked(world.process().plain, 0.4)[1] is False


THINGS = '''
import abc
import enum
import functools
import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np


def square(x):
    return x * x


def cube(x):
    return x * x * x


OPS = {"a": square, "b": math.sin}
STEPS = [square, cube]
WEIGHTS = (1.0, 2.0)
MODE = "square"
act = np.sin
part = functools.partial(pow, exp=2)


class Colour(enum.Enum):
    RED = 2
    BLUE = 3


@dataclass
class Params:
    k: float = 2.0
    n: int = field(default=2)


class Pair(NamedTuple):
    a: float = 1.5
    b: int = 2


class Shape(abc.ABC):
    @property
    def size(self):
        return 3.0

    @staticmethod
    def scaled(x):
        return 2.0 * x

    @classmethod
    def make(cls):
        return cls()


class Round(Shape):
    pass


shape = Round()


def decorated(f):
    @functools.wraps(f)
    def inner(x):
        return 2.0 * f(x)
    return inner


@decorated
def wrapped(x):
    return x * x


def numbers(x):
    yield x
    yield x * x


def power(x, n):
    return x if n == 0 else x * power(x, n - 1)
'''
USES = '''
import kept_things as t


def ops(x):
    return t.OPS["a"](x)


def steps(x):
    for s in t.STEPS:
        x = s(x)
    return x


def weights(x):
    return sum(w * x * x for w in t.WEIGHTS)


def mode(x):
    return x * x if t.MODE == "square" else x


def acts(x):
    return t.act(x) * x


def colours(x):
    return x ** t.Colour.RED.value


def params(x):
    p = t.Params()
    return p.k * x ** p.n


def pair(x):
    p = t.Pair()
    return p.a * x ** p.b


def shapes(x):
    return t.Round.make().size * t.Round.scaled(x) * x


def global_shape(x):
    return t.shape.size * t.shape.scaled(x) * x


def wrapped(x):
    return t.wrapped(x) * x


def generated(x):
    return sum(v for v in t.numbers(x))


def inside(x):
    from kept_things import square as s
    return s(x)


def recursive(x):
    return t.power(x, 3)
'''
TRICKS = [
    ("ops", '"a": square', '"a": cube'), ("ops", "return x * x\n\n\ndef cube", "return 2 * x\n\n\ndef cube"),
    ("steps", "[square, cube]", "[cube]"), ("steps", "[square, cube]", "[square, square]"),
    ("weights", "(1.0, 2.0)", "(1.0, 2.0, 3.0)"), ("weights", "(1.0, 2.0)", "(1.0, 5.0)"),
    ("mode", 'MODE = "square"', 'MODE = "other"'), ("acts", "act = np.sin", "act = np.cos"),
    ("colours", "RED = 2", "RED = 5"), ("colours", "RED = 2", "RED = 2.5"),
    ("params", "k: float = 2.0", "k: float = 3.0"), ("params", "default=2", "default=3"),
    ("pair", "a: float = 1.5", "a: float = 2.5"), ("pair", "b: int = 2", "b: int = 3"),
    ("shapes", "return 3.0", "return 4.0"),
    ("shapes", "return 2.0 * x\n\n    @class", "return x\n\n    @class"),
    ("shapes", "class Round(Shape):\n    pass", "class Round(Shape):\n    size = 9.0"),
    ("global_shape", "return 3.0", "return 4.0"),
    ("global_shape", "shape = Round()", "shape = Round(); Round.size = 7.0"),
    ("wrapped", "return 2.0 * f(x)", "return 3.0 * f(x)"), ("wrapped", "@decorated\ndef", "def"),
    ("generated", "yield x * x", "yield x * x * x"),
    ("inside", "return x * x\n\n\ndef cube", "return 2 * x\n\n\ndef cube"),
    ("recursive", "x if n == 0", "2.0 * x if n == 0"),
]  # fmt: skip


@pytest.mark.parametrize("name, old, new", TRICKS, ids=[f"{t[0]}-{n}" for n, t in enumerate(TRICKS)])
def test_changes_of_all_that_a_function_may_reach(world, name, old, new):
    world.write("kept_things", THINGS)
    world.write("kept_module", USES)

    def value():
        sys.modules.pop("kept_things", None)
        return asked(getattr(world.process(), name), 1.3)

    first, _ = value()
    again, kept = value()
    assert again == first
    world.edit("kept_things", old, new)
    now, _ = value()
    cache.enable(False)
    truth, _ = value()
    sys.modules.pop("kept_things", None)
    assert now == truth != first, kept
