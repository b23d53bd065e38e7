"""Filter: what the features of a pixel's neighborhood have in common."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from scipy import ndimage
from skimage import color

from .base import Feature, setting
from .blocks import by_rows, on_all_cores
from .checks import choice, within
from .color_spaces import Lab, check_rgb, unit_colors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from .part import Part
    from .picture import Picture

SOURCES = ("brightness", "channels", "Lab")
MODE = "nearest"
"""Beyond its border the picture goes on with the border's values."""

PARTS = 16
"""Into how many parts an axis is divided for the threads."""


@dataclass(frozen=True, repr=False)
class Filter(Feature):
    """What the features of a pixel's neighborhood have in common.

    They act along `Picture.spatial_axes`, on each plane or volume of a series by
    itself. Pixels that are not finite count as the mean of their channel.

    Attributes
    ----------
    sigma : float
        Scale, in pixels along every axis: 0.3 to 100.
    of : {"brightness", "channels", "Lab"}
        What is filtered: brightness is the gray value of a picture in color
        (`skimage.color.rgb2gray`, in image units), and every channel of another.
    """

    label: ClassVar[str]
    """Begins the names of the columns."""
    order: ClassVar[int | None] = 0
    """How often the image is differentiated; None where finer pixels, with sigma
    as much longer in them, do not measure the same."""

    sigma: float = setting(
        2.0, "Scale", "How wide it looks, in pixels.", min=0.3, max=100.0, step=0.5
    )
    of: str = setting(
        "brightness",
        "Of",
        "What is filtered: the brightness of colors, every channel, or Lab.",
        choices=SOURCES,
    )

    def __post_init__(self) -> None:
        """Check scale and source."""
        super().__post_init__()
        sigma = within(f"the scale of {self.kind}", self.sigma, 0.3, 100)
        object.__setattr__(self, "sigma", sigma)
        choice(f"what {self.kind} is of", self.of, SOURCES)

    def parts(self, picture: Picture) -> tuple[str, ...]:
        """Name of each column that comes from one plane."""
        return ("",)

    @abstractmethod
    def filter(self, frame: NDArray[Any], results: NDArray[Any]) -> None:
        """Filter one frame, along all its axes.

        Parameters
        ----------
        frame : ndarray (*spatial) float32 or float64
        results : ndarray (parts, *spatial)
            Where the results go.
        """

    @property
    def reach(self) -> int:
        """How many pixels away a pixel still counts."""
        return int(4 * self.sigma + 0.5)  # as scipy rounds it

    def for_part(self, part: Part) -> tuple[Feature, float] | None:
        """Give the filter as wide on finer pixels, if they are all as much smaller."""
        factor = part.factor
        if self.order is None or factor is None:
            return None
        try:
            return replace(self, sigma=self.sigma * factor), factor**self.order
        except ValueError:  # wider than a filter may be
            return None

    def names(self, picture: Picture) -> tuple[str, ...]:
        """Name of each column: the filter, its scale, and what of."""
        return tuple(
            f"{self.label} {self.sigma:g} {source}{part and ' '}{part}"
            for source in source_names(picture, self.of, self.title)
            for part in self.parts(picture)
        )

    def compute(
        self, picture: Picture, pixels: NDArray[np.intp] | None
    ) -> NDArray[Any]:
        """Filter the whole picture, (n, d), then take pixels."""
        n_parts = len(self.parts(picture))
        n_columns = len(self.names(picture))
        columns = np.empty((n_columns, *picture.shape), picture.float_type)
        with np.errstate(all="ignore"):
            for i, plane in enumerate(sources(picture, self.of)):
                results = columns[i * n_parts : (i + 1) * n_parts]
                into = picture.frames(np.moveaxis(results, 0, -1))
                for frame, parts in zip(picture.frames(plane), into, strict=True):
                    self.filter(np.ascontiguousarray(frame), np.moveaxis(parts, -1, 0))
        flat = columns.reshape(n_columns, -1).T
        return flat if pixels is None else flat[pixels]


def source_names(picture: Picture, of: str, title: str) -> tuple[str, ...]:
    """Name what is filtered."""
    if of == "Lab":
        check_rgb(picture, f"{title} of Lab")
        return Lab.columns
    if of == "brightness" and picture.rgb:
        return ("brightness",)
    return picture.channel_names


def sources(picture: Picture, of: str) -> Iterator[NDArray[Any]]:
    """Give what is filtered, one plane (*shape) of floating numbers after another."""
    shape, dtype = picture.shape, picture.float_type
    rows = picture.pixels
    if rows.dtype.kind == "f" and not np.isfinite(rows).all():
        rows = _filled(rows)
    if of == "Lab":

        def convert(block: NDArray[Any]) -> NDArray[Any]:
            return Lab.convert(unit_colors(picture, block))

        columns = by_rows(convert, rows, 3, dtype)
    elif of == "brightness" and picture.rgb:

        def gray(block: NDArray[Any]) -> NDArray[Any]:
            converted: NDArray[Any] = color.rgb2gray(block.astype(dtype))
            return converted[:, np.newaxis]

        columns = by_rows(gray, rows, 1, dtype)
    else:
        columns = rows
    for column in columns.T:
        yield column.astype(dtype).reshape(shape)


def _filled(rows: NDArray[Any]) -> NDArray[Any]:
    """Put the mean of its channel where a value is not finite."""
    filled = rows.copy()
    for channel in filled.T:
        finite = np.isfinite(channel)
        mean = channel[finite].mean(dtype=np.float64) if finite.any() else 0.0
        channel[~finite] = mean
    return filled


def gaussian(
    frame: NDArray[Any], sigma: float, orders: Sequence[int] | None = None
) -> NDArray[Any]:
    """Blur along all axes, or differentiate the blurred frame.

    As `scipy.ndimage.gaussian_filter`, on all cores.

    Parameters
    ----------
    frame : ndarray (*spatial) float32 or float64
    sigma : float
    orders : sequence of int, optional
        Order of the derivative along each axis.
    """
    derivatives = orders or [0] * frame.ndim

    def filter_lines(lines: NDArray[Any], axis: int, out: NDArray[Any]) -> None:
        ndimage.gaussian_filter1d(lines, sigma, axis, derivatives[axis], out, MODE)

    return _separably(frame, filter_lines)


def correlate(
    frame: NDArray[Any], kernels: Sequence[NDArray[Any] | Sequence[float]]
) -> NDArray[Any]:
    """Correlate with a kernel along each axis, on all cores."""

    def filter_lines(lines: NDArray[Any], axis: int, out: NDArray[Any]) -> None:
        ndimage.correlate1d(lines, kernels[axis], axis, out, MODE)

    return _separably(frame, filter_lines)


def _separably(
    frame: NDArray[Any],
    filter_lines: Callable[[NDArray[Any], int, NDArray[Any]], object],
) -> NDArray[Any]:
    """Filter along one axis after the other; threads share out another axis.

    `filter_lines` reads lines along an axis, and writes the results, perhaps to where
    it read them, as in `scipy.ndimage.gaussian_filter`.
    """
    result = np.empty_like(frame)
    source = frame
    for axis in range(frame.ndim):
        lengths = [0 if i == axis else n for i, n in enumerate(frame.shape)]
        across = int(np.argmax(lengths))
        if across == axis:  # there is no other
            filter_lines(source, axis, result)
            continue
        step = -(-lengths[across] // PARTS)

        def task(
            start: int,
            source: NDArray[Any] = source,
            axis: int = axis,
            across: int = across,
            step: int = step,
        ) -> None:
            part = (*[slice(None)] * across, slice(start, start + step))
            filter_lines(source[part], axis, result[part])

        on_all_cores(task, range(0, lengths[across], step))
        # scipy needs complex lines whole until they are written.
        source = result.copy() if result.dtype.kind == "c" else result
    return result
