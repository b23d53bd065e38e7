"""Checks of what a picture is made of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from .checks import within

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

LARGEST_WHITE = 2.0**64

MOST_LISTED = 6
"""Channels that an error calls by their names."""


def listed(channels: Sequence[str], before: str = "") -> str:
    """List the names of channels; give their number if they are many."""
    if len(channels) > MOST_LISTED:
        return f"{len(channels)} channels"
    return before + ", ".join(channels)


def float_type(dtype: Any) -> np.dtype[Any]:
    """Give float32, or float64 where values of a type need it."""
    single = np.result_type(dtype, np.float32) == np.float32
    return np.dtype(np.float32 if single else np.float64)


def as_numbers(image: ArrayLike) -> NDArray[Any]:
    """Give an array of real numbers, of the type that it has.

    In the byte order of the machine, and of at most 64 bits: kernels know no others.

    Raises
    ------
    TypeError
        It is masked, or holds no real numbers.
    ValueError
        Its rows have several lengths.
    """
    if isinstance(image, np.ma.MaskedArray):
        raise TypeError(
            "Expected a plain array, got a masked one; give its data, and what is not "
            "masked as the mask: image.data, mask=~image.mask (one value a pixel)."
        )
    try:
        array = np.asarray(image)
    except ValueError as error:
        raise ValueError(
            f"Expected an image with rows of the same length, got {error}"
        ) from error
    if array.dtype.kind == "c":
        raise TypeError(
            f"Expected an image of real numbers, got {array.dtype}; take its "
            "magnitude (numpy.abs) or its real part first."
        )
    if array.dtype.kind not in "buif":
        raise TypeError(
            f"Expected an image of numbers, got {array.dtype}; convert it "
            "(array.astype(float)) first."
        )
    if array.dtype.kind == "f" and array.dtype.itemsize > 8:
        with np.errstate(over="ignore"):  # what is too large counts as infinite
            return array.astype(np.float64)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def as_names(what: str, names: object, n: int) -> tuple[str, ...] | None:
    """Give a name for each of n channels or axes as strings; None if there are none.

    Raises
    ------
    ValueError
        It is no sequence of n strings.
    """
    if names is None:
        return None
    if not isinstance(names, str) and isinstance(names, Iterable):
        found = tuple(names)
        if len(found) == n and all(isinstance(name, str) for name in found):
            return tuple(map(str, found))
    raise ValueError(
        f"Expected a name for each of the {n} {what}, got {names!r:.80}; give {n} "
        "strings."
    )


def as_scale(scale: object, ndim: int) -> tuple[float, ...]:
    """Give the size of a pixel along each axis.

    Raises
    ------
    ValueError
        It is no sequence of a positive number for each axis.
    """
    if isinstance(scale, Iterable):
        found = tuple(scale)
        if len(found) == ndim:
            return tuple(within("the scale", size, 1e-30, 1e30) for size in found)
    raise ValueError(
        f"Expected a scale for each of the {ndim} axes, got {scale!r:.80}; leave out "
        "the channel axis."
    )


def leaves_white_open(dtype: np.dtype[Any]) -> bool:
    """Tell whether a type of colors leaves open what is white: a signed or wide one.

    numpy makes such integers of colors of 8 or 16 bits.
    """
    return dtype.kind in "iu" and dtype not in (np.uint8, np.uint16)


def usual_white(values: NDArray[Any], overexposed: bool) -> float:
    """Say what is white in colors that do not say it: the largest value of their type.

    1 if they are boolean or floating. Of types that leave it open, and of floating
    colors that are overexposed, that of 8 or 16 bits if it holds them all.
    """
    dtype = values.dtype
    if dtype.kind == "b" or (dtype.kind == "f" and not overexposed):
        return 1.0
    if dtype in (np.uint8, np.uint16):
        return float(np.iinfo(dtype).max)
    largest = float(np.max(values, initial=0, where=np.isfinite(values)))
    top = largest if dtype.kind == "f" else float(np.iinfo(dtype).max)
    return next((t for t in (255.0, 65535.0) if largest <= t), top)


def as_white(white: object, dtype: np.dtype[Any], rgb: bool) -> float:
    """Give what is white in colors whose type leaves it open.

    Raises
    ------
    ValueError
        The type says it, or there are no colors, or it is no number from 1.
    """
    if not (rgb and leaves_white_open(dtype)):
        raise ValueError(
            "Expected white for colors of signed or wide integers alone, as other "
            f"types tell it, got it for {'colors' if rgb else 'other channels'} of "
            f"{dtype}; leave it out."
        )
    return within("white", white, 1, LARGEST_WHITE)


def as_companion(
    name: object, companion: ArrayLike, shape: tuple[int, ...]
) -> NDArray[Any]:
    """Give another image of the same pixels, (*spatial) or (*spatial, C).

    Raises
    ------
    TypeError, ValueError
        As `as_numbers`; or it has another shape, or its name is no string.
    """
    if not isinstance(name, str):
        raise ValueError(f"Expected a companion's name as a string, got {name!r:.80}.")
    array = as_numbers(companion)
    if shape not in (array.shape, array.shape[:-1]) or array.size == 0:
        raise ValueError(
            f"Expected the companion {name!r:.80} in the picture's shape {shape}, got "
            f"{array.shape}; choose an image of the same pixels."
        )
    return array
