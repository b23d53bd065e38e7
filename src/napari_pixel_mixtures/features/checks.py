"""Checks of settings: each gives a plain Python value, or says what was expected."""

from __future__ import annotations

import math
from collections.abc import Iterable
from numbers import Integral, Real
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_SEED = 2**32 - 1


def whole(name: str, value: object, low: int, high: int) -> int:
    """Give a whole number from `low` to `high` as int.

    Raises
    ------
    ValueError
        The value is not such a number. True and False are not numbers here.
    """
    number = isinstance(value, Integral) and not isinstance(value, bool)
    if not (number and low <= value <= high):  # type: ignore[operator]
        raise ValueError(
            f"Expected {name} to be a whole number from {low} to {high}, got "
            f"{value!r:.80}."
        )
    return int(value)  # type: ignore[call-overload, no-any-return]


def as_float(value: object) -> float:
    """Give a number as float: infinity if it is too large, NaN if it is no number.

    True and False are not numbers here.
    """
    if not isinstance(value, Real) or isinstance(value, bool):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.inf


def not_negative(name: str, value: object) -> float:
    """Give a finite number of 0 or more as float.

    Raises
    ------
    ValueError
        The value is not such a number. True and False are not numbers here.
    """
    number = as_float(value)
    if not 0 <= number < math.inf:
        raise ValueError(f"Expected {name} to be a number from 0, got {value!r:.80}.")
    return number


def positive_numbers(values: object) -> list[float]:
    """Give numbers above 0 as floats; none where one of them is not."""
    found = [as_float(v) for v in values] if isinstance(values, Iterable) else []
    return found if all(0 < number < math.inf for number in found) else []


def fraction(name: str, value: object) -> float:
    """Give a number from 0 to 1 as float.

    Raises
    ------
    ValueError
        The value is not such a number. True and False are not numbers here.
    """
    return within(name, value, 0, 1)


def within(name: str, value: object, low: float, high: float) -> float:
    """Give a number from `low` to `high` as float.

    Raises
    ------
    ValueError
        The value is not such a number. True and False are not numbers here.
    """
    number = as_float(value)
    if not low <= number <= high:
        raise ValueError(
            f"Expected {name} to be a number from {low:g} to {high:g}, got "
            f"{value!r:.80}."
        )
    return number


def choice(name: str, value: object, choices: Sequence[str]) -> str:
    """Give a value that is one of the choices.

    Raises
    ------
    ValueError
        It is none of them.
    """
    if not isinstance(value, str) or value not in choices:
        raise ValueError(
            f"Expected {name} to be one of {tuple(choices)}, got {value!r:.80}."
        )
    return str(value)  # numpy's, too


def yes_or_no(name: str, value: object) -> bool:
    """Give True or False, also numpy's, as bool.

    Raises
    ------
    ValueError
        The value is another.
    """
    if isinstance(value, bool | np.bool_):
        return bool(value)
    raise ValueError(f"Expected {name} to be True or False, got {value!r:.80}.")
