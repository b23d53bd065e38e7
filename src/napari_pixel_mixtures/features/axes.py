"""What the axes of a picture are called, and which of them neighbors lie along."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

AXES = ("X", "Y", "Z", "T")
"""Names of the last four axes, the last one first."""


def spatial_axes(labels: Sequence[str] | None, ndim: int) -> tuple[int, ...]:
    """Give `Picture.spatial_axes` from the labels of so many axes."""
    names = {name: axis for axis, name in enumerate(axis_names(labels, ndim))}
    found = sorted(names[name] for name in "XYZ" if name in names)
    return tuple(found) or (ndim - 2, ndim - 1)


def axis_names(labels: Sequence[str] | None, ndim: int) -> tuple[str, ...]:
    """Give `Picture.axis_names` from the labels of so many axes."""
    labels = labels or [""] * ndim
    return tuple(_axis_name(label, i - ndim) for i, label in enumerate(labels))


def _axis_name(label: str, place: int) -> str:
    if label[:1].isalpha():
        capital = {"time": "T"}.get(label.lower(), label.upper())
        return capital if capital in AXES else label
    return AXES[-1 - place] if place >= -4 else f"axis {place}"
