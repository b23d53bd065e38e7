"""Checks of what classes are made of: lists, names and colors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from numbers import Real
from typing import Any

MAX_CLASSES = 255  # labels are uint8, and 0 means "masked out, or not finite"
LONGEST_NAME = 200

Color = tuple[float, float, float]


def as_tuple(name: str, values: object, n: int | None = None) -> tuple[Any, ...]:
    """Give a list or the like as a tuple, of n values.

    Raises
    ------
    ValueError
        It is no such list.
    """
    found: tuple[Any, ...] | None = None
    if isinstance(values, Iterable) and not isinstance(values, str | Mapping):
        found = tuple(values)
    if found is None or (n is not None and len(found) != n):
        many = "a list" if n is None else f"a list of {n}"
        raise ValueError(f"Expected the {name} as {many}, got {values!r:.80}.")
    return found


def completed(name: str, values: object, n: int, last: object) -> tuple[Any, ...]:
    """Give n values and the last one, that of what is none of these.

    It is added where it is not there, and left out where no label is left for it.

    Raises
    ------
    ValueError
        There are more or fewer.
    """
    found: Any = values
    if isinstance(values, list | tuple) and len(values) == n < MAX_CLASSES:
        found = (*values, last)
    return as_tuple(name, found, min(n + 1, MAX_CLASSES))


def as_name(name: object) -> str:
    """Give a name of 1 to 200 characters.

    Raises
    ------
    ValueError
        It is no such name.
    """
    if not isinstance(name, str) or not 1 <= len(name) <= LONGEST_NAME:
        raise ValueError(
            f"Expected a name of 1 to {LONGEST_NAME} characters, got {name!r:.80}."
        )
    return str(name)  # numpy's, too


def as_color(color: object) -> Color:
    """Give a color as red, green and blue from 0 to 1.

    Raises
    ------
    ValueError
        It is no such color.
    """
    parts: list[Any] = []
    if isinstance(color, Iterable) and not isinstance(color, str | Mapping):
        parts = list(color)
    numbers = [isinstance(p, Real) and not isinstance(p, bool) for p in parts]
    if not (len(parts) == 3 and all(numbers) and all(0 <= p <= 1 for p in parts)):
        raise ValueError(
            f"Expected a color as red, green and blue from 0 to 1, got {color!r:.80}."
        )
    return (float(parts[0]), float(parts[1]), float(parts[2]))
