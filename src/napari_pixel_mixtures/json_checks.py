"""Checks of what was read from JSON: each says in a sentence what was expected."""

from __future__ import annotations

from typing import Any

from .class_checks import LONGEST_NAME
from .features.checks import as_float

LARGEST = 1e300  # of a number


def check_fields(what: str, data: object, fields: set[str]) -> Any:
    """Refuse what is not a mapping with these fields."""
    if not isinstance(data, dict) or data.keys() != fields:
        found = sorted(data) if isinstance(data, dict) else data
        raise ValueError(
            f"Expected {what} with the fields {sorted(fields)}, got {found!r:.80}."
        )
    return data


def as_number(name: str, value: object) -> float:
    """Give a finite number as float.

    Raises
    ------
    ValueError
        The value is not such a number.
    """
    number = as_float(value)
    if not abs(number) <= LARGEST:
        raise ValueError(f"Expected {name} to be a finite number, got {value!r:.80}.")
    return number


def as_list(name: str, values: object, low: int, high: int) -> list[Any]:
    """Give a list of `low` to `high` values.

    Raises
    ------
    ValueError
        It is not such a list.
    """
    if not isinstance(values, list) or not low <= len(values) <= high:
        raise ValueError(
            f"Expected {name} as a list of {low} to {high}, got {values!r:.80}."
        )
    return values


def as_text(what: str, name: object, longest: int = LONGEST_NAME) -> str:
    """Give a string of at most so many characters.

    Raises
    ------
    ValueError
        It is not such a string.
    """
    if not isinstance(name, str) or not len(name) <= longest:
        raise ValueError(
            f"Expected {what} of up to {longest} characters, got {name!r:.80}."
        )
    return name
