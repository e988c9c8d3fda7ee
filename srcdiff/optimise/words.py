"""The functions of the array library that passes look for and write, by what they do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from srcdiff.ir.records import dataclass

__all__ = ["Words"]


@dataclass(frozen=True)
class Words:
    """Handed to the passes by the pipeline: no pass names a function of the library."""

    expands: frozenset[Any]  # what only repeats its first argument
    sums: frozenset[Any]  # the sum of two cotangents that are containers
    blanks: tuple[Any, ...]  # what makes zeros, first of all what makes them in the shape of its operand
    repeat: Any  # an array to a shape, as a view
    total: Any  # of all entries, or along ``axis``
    transpose: Any
    outer: Any  # the outer product of two vectors
    choose: Any  # by a condition, one of two
    copies: frozenset[Any]  # of an array, as it is
    leaves: frozenset[Any]  # what takes one of its operands by their values
    new_axis: Any  # at a place among the axes
    flip: Any  # the order of elements turned round
    full: Any  # an array of a shape, of equal numbers
    ones: Any
    number: Any  # a number of the library's, of one of Python's
    gives_numbers: Callable[[Any], bool]  # whether a function makes such numbers, of Python's too
    contract: Any  # sums of products, as a text of indices says
    matrices: Any  # sums of products along pairs of axes: products of matrices of any shapes
    array: Any  # of rows, arrays of one shape
    counted: Any  # the numbers below one
    entries: Any  # the cotangent of an array of lists in lists: its entries, in such lists
    untake: Any  # the cotangent of what was taken along an axis
    writes_over: Callable[[Any], bool]  # whether a function of one operand, by elements, takes ``out=``
    reads_shape: frozenset[Any]  # what reads the shape of its operand alone
    by_elements: Callable[[Any], bool]  # whether a function does for arrays what it does for each element
    smooth: frozenset[Any]  # functions that are finite, and their slopes, wherever their operand is
    fits: frozenset[Any]  # what sums up its first operand to the shape of the second, and gives it its type
    check_there: Any  # that a value is not None
    check_set: Any  # that it is not, as a truth beside it says
