"""Python's containers beside lists and dicts, in Python: classes that the front end reads in their place.

They are never made.  An object of one is an object like those of the user's classes, and lives in its fields;
what it stands for is a list or a dict, and that is all that the derivative sees.
"""

from __future__ import annotations

import collections
from typing import Any

__all__ = ["STAND_INS", "Counter", "OrderedDict", "defaultdict", "deque", "is_box", "stands_for"]


class deque:
    """A list, with a largest length."""

    def __init__(self, iterable: Any = None, maxlen: Any = None) -> None:
        self.maxlen = maxlen
        self.held: Any = [] if iterable is None else list(iterable)
        if maxlen is not None and len(self.held) > maxlen:
            self.held = self.held[len(self.held) - maxlen :]

    def append(self, x: Any) -> None:
        self.held.append(x)
        if self.maxlen is not None and len(self.held) > self.maxlen:
            del self.held[0]

    def appendleft(self, x: Any) -> None:
        self.held.insert(0, x)
        if self.maxlen is not None and len(self.held) > self.maxlen:
            del self.held[-1]

    def pop(self) -> Any:
        return self.held.pop()

    def popleft(self) -> Any:
        return self.held.pop(0)

    def extend(self, iterable: Any) -> None:
        for x in iterable:
            self.append(x)

    def extendleft(self, iterable: Any) -> None:
        for x in iterable:
            self.appendleft(x)

    def rotate(self, n: Any = 1) -> None:
        if len(self.held) > 0:
            k = -n % len(self.held)
            self.held = self.held[k:] + self.held[:k]

    def insert(self, i: Any, x: Any) -> None:
        if self.maxlen is not None and len(self.held) >= self.maxlen:
            raise IndexError("deque already at its maximum size")
        self.held.insert(i, x)

    def remove(self, value: Any) -> None:
        self.held.remove(value)

    def reverse(self) -> None:
        self.held.reverse()

    def clear(self) -> None:
        self.held = []

    def copy(self) -> Any:
        return collections.deque(self.held, self.maxlen)

    def count(self, x: Any) -> Any:
        return self.held.count(x)

    def index(self, x: Any) -> Any:
        return self.held.index(x)

    def __len__(self) -> int:
        return len(self.held)

    def __getitem__(self, i: Any) -> Any:
        return self.held[i]

    def __setitem__(self, i: Any, x: Any) -> None:
        self.held[i] = x

    def __delitem__(self, i: Any) -> None:
        del self.held[i]

    def __contains__(self, x: Any) -> bool:
        return x in self.held

    def __iter__(self) -> Any:
        return self.held

    def __reversed__(self) -> Any:
        return reversed(self.held)

    def __iadd__(self, iterable: Any) -> Any:
        self.extend(iterable)
        return self

    def __eq__(self, other: Any) -> Any:
        return isinstance(other, collections.deque) and self.held == list(other)


class defaultdict:
    """A dict that makes the entries it is asked for."""

    def __init__(self, default_factory: Any = None, *args: Any, **kwargs: Any) -> None:
        self.default_factory = default_factory
        self.held: Any = dict(*args, **kwargs)

    def __getitem__(self, key: Any) -> Any:
        if self.default_factory is not None and key not in self.held:
            self.held[key] = self.default_factory()
        return self.held[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        self.held[key] = value

    def __delitem__(self, key: Any) -> None:
        del self.held[key]

    def __contains__(self, key: Any) -> bool:
        return key in self.held

    def __len__(self) -> int:
        return len(self.held)

    def __iter__(self) -> Any:
        return self.held

    def keys(self) -> Any:
        return self.held.keys()

    def values(self) -> Any:
        return self.held.values()

    def items(self) -> Any:
        return self.held.items()

    def get(self, key: Any, default: Any = None) -> Any:
        return self.held.get(key, default)

    def setdefault(self, key: Any, default: Any = None) -> Any:
        return self.held.setdefault(key, default)

    def pop(self, *args: Any) -> Any:
        return self.held.pop(*args)

    def update(self, *args: Any, **kwargs: Any) -> None:
        self.held.update(*args, **kwargs)

    def clear(self) -> None:
        self.held = {}

    def copy(self) -> Any:
        return collections.defaultdict(self.default_factory, self.held)

    def __eq__(self, other: Any) -> Any:
        return isinstance(other, dict) and self.held == dict(other)


class OrderedDict:
    """A dict whose order can be changed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.held: Any = dict(*args, **kwargs)

    def move_to_end(self, key: Any, last: bool = True) -> None:
        value = self.held.pop(key)
        if last:
            self.held[key] = value
        else:
            self.held = {key: value, **self.held}

    def popitem(self, last: bool = True) -> Any:
        keys = list(self.held)
        key = keys[-1] if last else keys[0]
        return key, self.held.pop(key)

    def __getitem__(self, key: Any) -> Any:
        return self.held[key]

    def copy(self) -> Any:
        return collections.OrderedDict(self.held)

    def __eq__(self, other: Any) -> Any:
        same = isinstance(other, dict) and self.held == dict(other)
        return same and (not isinstance(other, collections.OrderedDict) or list(self.held) == list(other))

    __setitem__, __delitem__ = defaultdict.__setitem__, defaultdict.__delitem__
    __contains__, __len__, __iter__ = defaultdict.__contains__, defaultdict.__len__, defaultdict.__iter__
    keys, values, items, get = defaultdict.keys, defaultdict.values, defaultdict.items, defaultdict.get
    setdefault, pop, update = defaultdict.setdefault, defaultdict.pop, defaultdict.update
    clear = defaultdict.clear


class Counter:
    """A dict of numbers, zero where there is none."""

    def __init__(self, iterable: Any = None, **kwargs: Any) -> None:
        self.held: Any = {}
        self.update(iterable, **kwargs)

    def update(self, iterable: Any = None, **kwargs: Any) -> None:
        self.add(iterable, 1)
        self.add(kwargs, 1)

    def subtract(self, iterable: Any = None, **kwargs: Any) -> None:
        self.add(iterable, -1)
        self.add(kwargs, -1)

    def add(self, iterable: Any, sign: int) -> None:
        if iterable is not None:
            if isinstance(iterable, (dict, collections.Counter, collections.defaultdict)):
                for k, n in iterable.items():
                    self.held[k] = self.held.get(k, 0) + sign * n
            else:
                for k in iterable:
                    self.held[k] = self.held.get(k, 0) + sign

    def __getitem__(self, key: Any) -> Any:
        return self.held.get(key, 0)

    def most_common(self, n: Any = None) -> Any:
        ranked = sorted(self.held.items(), key=lambda entry: entry[1], reverse=True)
        return ranked if n is None else ranked[:n]

    def total(self) -> Any:
        return sum(self.held.values())

    def elements(self) -> Any:
        for k, n in self.held.items():
            for _ in range(n):
                yield k

    def copy(self) -> Any:
        return collections.Counter(self.held)

    def __add__(self, other: Any) -> Any:
        both = self.copy()
        both.update(other)
        return +both

    def __sub__(self, other: Any) -> Any:
        both = self.copy()
        both.subtract(other)
        return +both

    def __pos__(self) -> Any:
        return collections.Counter({k: n for k, n in self.held.items() if n > 0})

    def __eq__(self, other: Any) -> Any:
        return isinstance(other, collections.Counter) and dict(+self) == dict(+other)

    __setitem__, __delitem__ = defaultdict.__setitem__, defaultdict.__delitem__
    __contains__, __len__, __iter__ = defaultdict.__contains__, defaultdict.__len__, defaultdict.__iter__
    keys, values, items, get = defaultdict.keys, defaultdict.values, defaultdict.items, defaultdict.get
    setdefault, pop, clear = defaultdict.setdefault, defaultdict.pop, defaultdict.clear


class attributes:
    """The ``__dict__`` of an object: its fields, read and set in the object itself."""

    def __init__(self, owner: Any) -> None:
        self.owner = owner

    def __getitem__(self, key: Any) -> Any:
        return fields(self.owner)[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        object.__setattr__(self.owner, key, value)

    def __delitem__(self, key: Any) -> None:
        drop_field(self.owner, key)

    def __contains__(self, key: Any) -> bool:
        return key in fields(self.owner)

    def __len__(self) -> int:
        return len(fields(self.owner))

    def __iter__(self) -> Any:
        return iter(fields(self.owner))

    def keys(self) -> Any:
        return fields(self.owner).keys()

    def values(self) -> Any:
        return fields(self.owner).values()

    def items(self) -> Any:
        return fields(self.owner).items()

    def get(self, key: Any, default: Any = None) -> Any:
        return fields(self.owner).get(key, default)

    def copy(self) -> Any:
        return fields(self.owner)

    def setdefault(self, key: Any, default: Any = None) -> Any:
        if key not in fields(self.owner):
            object.__setattr__(self.owner, key, default)
        return fields(self.owner)[key]

    def pop(self, key: Any, *default: Any) -> Any:
        value = fields(self.owner).pop(key, *default)
        if key in fields(self.owner):
            drop_field(self.owner, key)
        return value

    def update(self, *args: Any, **kwargs: Any) -> None:
        for key, value in dict(*args, **kwargs).items():
            object.__setattr__(self.owner, key, value)

    def clear(self) -> None:
        for key in fields(self.owner):
            drop_field(self.owner, key)

    def __or__(self, other: Any) -> Any:
        return {**fields(self.owner), **other}

    def __ior__(self, other: Any) -> Any:
        self.update(other)
        return self

    def __eq__(self, other: Any) -> Any:
        return fields(self.owner) == dict(other)


def fields(owner: Any) -> Any:
    """A dict of the fields of an object (read by ``objects``)."""
    raise NotImplementedError


def drop_field(owner: Any, key: str) -> None:
    """Take a field from an object (read by ``objects``)."""
    raise NotImplementedError


STAND_INS: dict[Any, type] = {
    collections.deque: deque,
    collections.defaultdict: defaultdict,
    collections.OrderedDict: OrderedDict,
    collections.Counter: Counter,
}
_ORIGINALS = {own: original for original, own in STAND_INS.items()} | {attributes: dict}


def is_box(cls: Any) -> bool:
    """Whether a class is one of those here."""
    return isinstance(cls, type) and cls in _ORIGINALS


def held_as(cls: type) -> str:
    """What an object of one of these classes comes down to."""
    return "list" if cls is deque else "dict"


def stands_for(cls: Any) -> Any:
    """The class that a class is read in place of; itself, if it is none of ours."""
    return _ORIGINALS.get(cls, cls) if isinstance(cls, type) else cls
