"""Where the channels of an array are, and arrays with them on the last axis."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MOST_USUAL_CHANNELS = 4
"""Channels that the last axis of an array holds unless it is said what it is."""


def usual_channel_axis(shape: tuple[int, ...]) -> int | None:
    """Say where the channels of an array are that says nothing: last, or nowhere.

    A short last axis holds them, in a picture with five channels as well; that of a
    volume is about as long as the others.
    """
    if len(shape) < 3:
        return None
    *others, last = shape
    return -1 if last <= MOST_USUAL_CHANNELS or last < min(others) else None


def channels_last(
    array: NDArray[Any],
    channel_axis: int | Literal["auto"] | None,
    rgb: bool | None,
) -> tuple[NDArray[Any], int | None, bool]:
    """Read an array as `Picture.from_array` does.

    Returns
    -------
    values : ndarray (*spatial, C)
        Without alpha.
    channel_axis : int or None
        Where the channels were.
    rgb : bool
        Whether they are red, green and blue.

    Raises
    ------
    ValueError
        The array is empty, has fewer than two axes, or no such channel axis.
    """
    if array.ndim < 2:
        raise ValueError(
            "Expected an image with two axes or more, got an array of shape "
            f"{array.shape}; reshape it to (rows, columns)."
        )
    if channel_axis == "auto":
        channel_axis = usual_channel_axis(array.shape)
    if channel_axis is None:
        if rgb:
            raise ValueError(
                "Expected red, green and blue along a channel axis, got an array "
                f"of shape {array.shape} without one; set channel_axis."
            )
        values, axis = array[..., np.newaxis], None
    else:
        values, axis = _moved(array, channel_axis)
        rgb = _is_rgb(values.shape[-1], axis in (-1, array.ndim - 1), rgb)
        if rgb:
            values = values[..., :3]
    if values.size == 0:
        raise ValueError(
            "Expected an image with at least one pixel, got an array of shape "
            f"{array.shape}; choose an image that is not empty."
        )
    return values, axis, bool(rgb)


def _moved(array: NDArray[Any], channel_axis: object) -> tuple[NDArray[Any], int]:
    """Move the channels to the last axis; give the number of their axis as int."""
    axis = int(channel_axis) if isinstance(channel_axis, Integral) else array.ndim
    if not -array.ndim <= axis < array.ndim:
        raise ValueError(
            f"Expected a channel_axis within the {array.ndim} axes of the "
            f"image, got {channel_axis!r}; the image has shape {array.shape}."
        )
    if array.ndim < 3:
        raise ValueError(
            "Expected two axes or more beside the channels, got an array of "
            f"shape {array.shape} with channel_axis={axis}; use "
            "channel_axis=None for a gray picture."
        )
    return np.moveaxis(array, axis, -1), axis


def _is_rgb(n_channels: int, on_last_axis: bool, said: bool | None) -> bool:
    """Tell whether channels are colors, as it is said or else as napari guesses."""
    may_be = n_channels in (3, 4)
    if said and not may_be:
        raise ValueError(
            f"Expected three or four channels of color, got {n_channels}; use "
            "rgb=False."
        )
    return on_last_axis and may_be if said is None else bool(said)


def stacked(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Read gray images (*spatial) as the channels of one, (*spatial, C).

    Raises
    ------
    ValueError
        There is none, or their shapes differ.
    """
    shapes = list(dict.fromkeys(array.shape for array in arrays))
    if len(shapes) != 1:
        found = " and ".join(map(str, shapes)) or "no channel"
        raise ValueError(
            f"Expected channels of one shape, got {found}; choose images of the "
            "same pixels."
        )
    # One at a time: numpy.stack would convert all of them first.
    values = np.empty((*shapes[0], len(arrays)), np.result_type(*arrays))
    for i, array in enumerate(arrays):
        values[..., i] = array
    return values
