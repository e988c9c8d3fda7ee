"""What to write instead, for problems that have nothing more particular to say."""

from __future__ import annotations

__all__ = ["ADVICE"]

ADVICE = {
    "aliasing": "write into a copy (x.copy())",
    "arguments": "call it as its signature says",
    "attribute": "read an attribute that exists, or keep the value in a variable of its own",
    "attribute-write": "keep the value in a variable, or in an object of your own class",
    "branches": "let both paths give values of the same structure, or compute with them inside the branches",
    "call": "choose between calls, not functions: f(x) if k == 0 else g(x)",
    "capture": "pass it as an argument",
    "class": "keep what it holds in an object of an ordinary class, or make it outside the function",
    "derivative": "write the function and its arguments out: jvp(f, (x, y), (x_dot, y_dot))",
    "del": "build a new list or dict without the element",
    "generator": "return a list, and loop over that",
    "global": "return the value, and assign it outside the function",
    "index": "use an index in range, or choose between the elements with if",
    "iterate": "loop over a list, an array or a range: for k in range(n)",
    "iterator": "make a list of it: list(...)",
    "key": "use keys that are constants, or choose between the values with if",
    "loop": "start the variables from values of the kind that they have later",
    "method": "use a function of NumPy's that does the same, or do it outside the function",
    "name": "define it, or pass it as an argument",
    "no-rule": "use functions that have rules, or give it one",
    "option": "leave the option out",
    "recursion": "let a path return without the call, and let all calls pass arguments of the same structure",
    "starred": "write the elements out",
    "store": "make it a list or an array first",
    "super": "call the method of the class by its name",
    "syntax": "write it with plain statements, or do it outside the function",
    "unbound": "give it a value first",
    "unpack": "unpack into as many names as there are values",
    "unroll": "make it an array, or loop over indices",
    "value": "call it, or use its result",
    "wrt": "name an argument of the function",
}
