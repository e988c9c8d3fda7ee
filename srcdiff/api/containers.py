"""Classes whose instances are containers, as dataclasses are by themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar, overload

from srcdiff import cache
from srcdiff.api.targets import refuse, refuse_value
from srcdiff.frontend.paths import slots_of
from srcdiff.ir.classes import register_class, registered

__all__ = ["register"]

C = TypeVar("C", bound=type)
Flatten = Callable[[Any], Any]
Unflatten = Callable[[Any, Any], Any]
NAMESPACE = "srcdiff"  # of the classes, in optree


@overload
def register(
    cls: C,
    flatten: Flatten | None = None,
    unflatten: Unflatten | None = None,
    *,
    static: Iterable[str] = (),
) -> C: ...
@overload
def register(*, static: Iterable[str] = ()) -> Callable[[C], C]: ...
def register(
    cls: Any = None,
    flatten: Flatten | None = None,
    unflatten: Unflatten | None = None,
    *,
    static: Iterable[str] = (),
) -> Any:
    """Make the instances of a class containers, as dataclasses are by themselves.

    A gradient with respect to an instance is an instance of the same class, made without its ``__init__``:
    each attribute holds the gradient with respect to it, or ``None`` where it carries no derivative (text,
    flags, integers, ``None``).  Attributes that are *static* are held constant, and the gradient has them as
    they are. The class is registered with optree too, in the namespace ``"srcdiff"``.

    Parameters:
        cls: the class; left out when used as a decorator with options.
        flatten: in optree's convention, from an instance to ``(children, metadata)``; the children are some
            of its attributes, all others are static. By default all attributes are children.
        unflatten: from ``metadata`` and children to an instance; given with ``flatten``.
        static: names of attributes that are held constant.

    Returns:
        The class.

    Raises:
        DerivativeTypeError: ``cls`` is not a class of yours, or one of the two functions is missing.
        DerivativeValueError: (at the first derivative) ``flatten`` gives what is no attribute.

    Example:
        >>> import srcdiff
        >>> @srcdiff.register(static=["name"])
        ... class Line:
        ...     def __init__(self, slope, name):
        ...         self.slope, self.name = slope, name
        >>> g = srcdiff.grad(lambda line, x: line.slope * x)(Line(2.0, "a"), 3.0)
        >>> g.slope, g.name
        (3.0, 'a')
    """
    if cls is None:
        return lambda c: register(c, static=static)
    if not isinstance(cls, type) or not cls.__flags__ & (1 << 9) or issubclass(cls, (tuple, list, dict)):
        what = f"{cls!r} is no class of your own" if isinstance(cls, type) else f"{cls!r} is not a class"
        refuse("register", what, "write @srcdiff.register above a class that holds its values in attributes")
    if (flatten is None) != (unflatten is None):
        refuse("register", "flatten and unflatten belong together", "give both, or neither")
    fixed = tuple(static)

    def names(obj: Any) -> tuple[str, ...]:
        slots = [s for c in reversed(type(obj).__mro__) for s in slots_of(c) if hasattr(obj, s)]
        return tuple(dict.fromkeys([*slots, *getattr(obj, "__dict__", ())]))

    def held(obj: Any) -> tuple[str, ...]:
        if flatten is None or unflatten is None:
            return tuple(n for n in names(obj) if n in fixed)
        active = children_of(obj, flatten, unflatten, names)
        return tuple(n for n in names(obj) if n not in active)

    import optree  # (when the first class is registered)

    node: Any = cls
    again = registered(cls) is not None
    register_class(cls, names, held)
    cache.suspend()
    if again:
        optree.unregister_pytree_node(node, namespace=NAMESPACE)
    if flatten is not None and unflatten is not None:
        optree.register_pytree_node(node, flatten, unflatten, namespace=NAMESPACE)
    else:
        optree.register_pytree_node(node, *by_attributes(cls, names, fixed), namespace=NAMESPACE)
    return cls


def by_attributes(
    cls: type, names: Callable[[Any], tuple[str, ...]], static: tuple[str, ...]
) -> tuple[Flatten, Unflatten]:
    """How instances are taken apart by their attributes, and put together."""

    def flatten(obj: Any) -> Any:
        own = tuple(n for n in names(obj) if n not in static)
        kept = tuple((n, getattr(obj, n)) for n in names(obj) if n in static)
        return tuple(getattr(obj, n) for n in own), (own, kept), own

    def unflatten(metadata: Any, children: Any) -> Any:
        from srcdiff.runtime.records import record

        own, kept = metadata
        return record(cls, **dict(zip(own, children, strict=True)), **dict(kept))

    return flatten, unflatten


class Mark:
    """Stands for a child, to see which attribute it becomes."""


def children_of(
    obj: Any, flatten: Flatten, unflatten: Unflatten, names: Callable[[Any], tuple[str, ...]]
) -> frozenset[str]:
    """The attributes that ``flatten`` gives, found by putting an instance together from marks."""
    cls = type(obj).__name__
    children, metadata, *_ = flatten(obj)
    children = list(children)
    marks = [Mark() for _ in children]
    try:
        probe = unflatten(metadata, tuple(marks))
    except Exception as e:
        refuse_value(
            "register",
            f"the unflatten of {cls} does more than set attributes ({type(e).__name__}: {e})",
            f"register {cls} by its attributes: srcdiff.register({cls}, static=[...])",
        )
    found: dict[str, int] = {}
    for n in names(probe):
        for i, mark in enumerate(marks):
            if getattr(probe, n) is mark:
                found[n] = i
    for i, child in enumerate(children):
        own = [n for n, k in found.items() if k == i]
        if len(own) != 1 or getattr(obj, own[0], None) is not child:
            refuse_value(
                "register",
                f"child {i} that the flatten of {cls} gives is not an attribute as it is",
                f"return the attributes themselves, or register {cls} by its attributes: "
                f"srcdiff.register({cls}, static=[...])",
            )
    return frozenset(found)
