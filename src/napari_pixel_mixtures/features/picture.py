"""Picture: any array, checked once, as (*spatial, C) values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from .axes import axis_names, spatial_axes
from .channel_axes import channels_last, stacked
from .picture_checks import (
    as_companion,
    as_names,
    as_numbers,
    as_scale,
    as_white,
    float_type,
    leaves_white_open,
    usual_white,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, eq=False)
class Picture:
    """The pixels of an image, channels last.

    Attributes
    ----------
    values : ndarray (*spatial, C)
        Channel values as stored: boolean, integer or floating.
    channel_axis : int or None
        Where the channels were in the array that the picture came from; None if
        it had no channel axis (then C is 1).
    rgb : bool
        Whether the channels are red, green and blue.
    names : tuple of str or None
        Names of the channels, if they have any.
    scale : tuple of float or None
        Size of a pixel along each axis, the first axis first; None for 1 each.
    axis_labels : tuple of str or None
        What the axes are called, the first axis first; see `axis_names`.
    companions : mapping of str to ndarray (*spatial) or (*spatial, C)
        Other images of the same pixels, by their names.
    white : float or None
        What is white in colors of signed or wide integers, whose type does not say
        it; None for the range of 8 or 16 bits, if that holds them all.

    Raises
    ------
    ValueError
        There is not one name for each channel, or one scale or label for each axis,
        or companions are no mapping, or one has another shape; or white is given
        where the type says it.

    Examples
    --------
    >>> from napari_pixel_mixtures import Picture
    >>> volume = Picture.from_array(
    ...     [[[0, 1], [2, 3]]], channel_axis=None, axis_labels=("z", "y", "x")
    ... )
    >>> volume.axis_names, volume.channel_names
    (('Z', 'Y', 'X'), ('gray',))
    """

    values: NDArray[Any]
    channel_axis: int | None
    rgb: bool
    names: tuple[str, ...] | None = None
    scale: tuple[float, ...] | None = None
    axis_labels: tuple[str, ...] | None = None
    companions: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    white: float | None = None

    def __post_init__(self) -> None:
        """Check that all parts belong to the same pixels."""
        n, shape = self.n_channels, self.shape
        names = as_names("channels", self.names, n)
        labels = as_names("axes", self.axis_labels, len(shape))
        scale = None if self.scale is None else as_scale(self.scale, len(shape))
        if not isinstance(self.companions, Mapping):
            raise ValueError(
                "Expected companions as a dict of arrays by their names, got "
                f"{self.companions!r:.80}."
            )
        companions = {
            name: as_companion(name, companion, shape)
            for name, companion in self.companions.items()
        }
        if self.white is not None:
            white = as_white(self.white, self.values.dtype, self.rgb)
            object.__setattr__(self, "white", white)
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "axis_labels", labels)
        object.__setattr__(self, "scale", scale)
        object.__setattr__(self, "companions", companions)

    def __repr__(self) -> str:
        """One line; its pixels would fill the console."""
        about = "".join(
            f", {name}={value!r}"
            for name, value in (
                ("scale", self.scale),
                ("axis_labels", self.axis_labels),
                ("companions", list(self.companions) or None),
                ("white", self.white),
            )
            if value is not None
        )
        return (
            f"Picture(shape={self.shape}, channels={list(self.channel_names)}, "
            f"dtype={self.values.dtype}{about})"
        )

    @classmethod
    def from_array(
        cls,
        array: ArrayLike,
        channel_axis: int | Literal["auto"] | None = "auto",
        rgb: bool | None = None,
        **about: Any,
    ) -> Self:
        """Read an image array.

        Parameters
        ----------
        array : array_like
            At least two-dimensional beside the channels.
        channel_axis : int, "auto" or None
            The axis of the channels; None for a gray picture or volume. By default
            they are on the last of three axes or more if that is at most 4 long or
            shorter than all others; else the array is a gray volume.
        rgb : bool, optional
            Whether the channels are colors: red, green, blue and perhaps alpha,
            which is left out. By default that is guessed as napari does: three or
            four channels on the last axis are colors.
        **about
            `names`, `scale`, `axis_labels`, `companions`, `white`: see `Picture`.

        Raises
        ------
        TypeError
            The array does not hold real numbers.
        ValueError
            The array is empty, has fewer than two axes, or no such channel axis; or
            what is said about it does not fit it.
        """
        values, axis, is_rgb = channels_last(as_numbers(array), channel_axis, rgb)
        return cls(values, axis, is_rgb, **about)

    @classmethod
    def from_channels(
        cls,
        channels: Sequence[ArrayLike],
        names: Sequence[str] | None = None,
        **about: Any,
    ) -> Self:
        """Read several gray images as the channels of one.

        Parameters
        ----------
        channels : sequence of array_like (*spatial)
            All of one shape.
        names : sequence of str, optional
            What the channels are called, and with them their features.
        **about
            `scale`, `axis_labels` and `companions`: see `Picture`.

        Raises
        ------
        TypeError, ValueError
            As `from_array`; or there is no channel, or their shapes differ.

        Examples
        --------
        >>> picture = Picture.from_channels([[[1, 2]], [[3, 4]]], ["nuclei", "actin"])
        >>> picture.channel_names
        ('nuclei', 'actin')
        >>> picture.pixels
        array([[1, 3],
               [2, 4]])
        """
        values = stacked([as_numbers(channel) for channel in channels])
        return cls.from_array(values, -1, False, names=names, **about)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the picture without its channels."""
        return self.values.shape[:-1]

    @property
    def n_channels(self) -> int:
        """Number of channels, C."""
        return int(self.values.shape[-1])

    @cached_property
    def pixels(self) -> NDArray[Any]:
        """Channel values of every pixel, (n, C), in the order of the flat image."""
        return self.values.reshape(-1, self.n_channels)

    @property
    def channel_names(self) -> tuple[str, ...]:
        """Their names, or R, G, B for colors, `gray` for one channel, `channel 0`..."""
        if self.names is not None:
            return self.names
        if self.rgb:
            return ("R", "G", "B")
        if self.n_channels == 1:
            return ("gray",)
        return tuple(f"channel {i}" for i in range(self.n_channels))

    @property
    def axis_names(self) -> tuple[str, ...]:
        """Name of each axis, the first axis first.

        An axis is called by its label; x, y, z and t as capitals, and time as T.
        Without a label, or with a number as napari gives, it is called by its place:
        the last four axes are T, Z, Y, X, and any before them `axis -5` and so on.
        """
        return axis_names(self.axis_labels, len(self.shape))

    @property
    def spatial_axes(self) -> tuple[int, ...]:
        """The axes that neighbors lie along, in ascending order.

        Those called X, Y or Z; the last two if no axis is. So without labels a
        picture is filtered in its plane, and a stack as a volume; a time series of
        planes wants its first axis labeled "t".
        """
        return spatial_axes(self.axis_labels, len(self.shape))

    @property
    def frame_shape(self) -> tuple[int, ...]:
        """Shape along the `spatial_axes`: of a series that of one plane or volume."""
        return tuple(self.shape[axis] for axis in self.spatial_axes)

    def frames(self, values: NDArray[Any]) -> list[NDArray[Any]]:
        """Give each plane or volume of values (*spatial, ...), as a view.

        One if all axes are `spatial_axes`; of a series one after the other.
        """
        series = [i for i in range(len(self.shape)) if i not in self.spatial_axes]
        moved = np.moveaxis(values, series, range(len(series)))
        return [moved[index] for index in np.ndindex(moved.shape[: len(series)])]

    @property
    def float_type(self) -> np.dtype[Any]:
        """float32, or float64 where the channel values need it."""
        return float_type(self.values.dtype)

    @cached_property
    def limits(self) -> NDArray[np.float64]:
        """What is black and what is bright in each channel, (2, C).

        Of colors 0 and `white`, or if that is not given the range of their type: 0 to
        1 if boolean or floating; of signed or wide integers, and of floating colors
        that are `overexposed`, the range of 8 or 16 bits if that holds them. Of other
        channels their smallest and largest finite value.
        """
        if self.rgb:
            white = self.white
            if white is None:
                white = usual_white(self.values, self.overexposed)
            return np.array([[0.0] * self.n_channels, [white] * self.n_channels])
        channels = [channel[np.isfinite(channel)] for channel in self.pixels.T]
        return np.array(
            [
                [float(f(c)) if c.size else 0.0 for c in channels]
                for f in (np.min, np.max)
            ]
        )

    @property
    def guesses_white(self) -> bool:
        """Whether what is white in its colors is taken from its own values."""
        return self.rgb and self.white is None and leaves_white_open(self.values.dtype)

    @cached_property
    def overexposed(self) -> bool:
        """Whether most floating colors are above 1, where all of them are clipped.

        Nearly always they are numbers of 8 or 16 bits in a floating type.
        """
        if not self.rgb or self.values.dtype.kind != "f":
            return False
        some = self.pixels[:: max(1, len(self.pixels) // 100_000)]
        return bool(np.count_nonzero(some > 1) > np.count_nonzero(some <= 1))

    def to_rgb(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Turn channel values (..., C) into colors (..., 3) from 0 to 1.

        One channel gives grays; of more than three the first three are shown as
        red, green and blue; values beyond `limits` are clipped.
        """
        low, high = self.limits
        extent = np.where(high > low, high - low, 1.0)
        shown: NDArray[np.float64] = np.clip(
            (values.astype(np.float64) - low) / extent, 0.0, 1.0
        )
        if self.n_channels == 1:
            return np.repeat(shown, 3, axis=-1)
        if self.n_channels == 2:
            return np.concatenate([shown, np.zeros_like(shown[..., :1])], axis=-1)
        return shown[..., :3]

    def like_array(self, values: NDArray[Any]) -> NDArray[Any]:
        """Move the channels of (*spatial, C) `values` to where the array had them."""
        if self.channel_axis is None:
            return values[..., 0]
        return np.moveaxis(values, -1, self.channel_axis)

    def valid(self, mask: ArrayLike | None = None) -> NDArray[np.bool_] | None:
        """Tell which pixels are finite and within the mask.

        Returns
        -------
        ndarray (*spatial) bool, or None if all are.

        Raises
        ------
        ValueError
            The mask has another shape, or no pixel is left.
        """
        valid: NDArray[np.bool_] | None = None
        if mask is not None:
            valid = np.asarray(mask) != 0
            if valid.shape != self.shape:
                raise ValueError(
                    f"Expected a mask of the picture's shape {self.shape}, got "
                    f"{valid.shape}; make the mask from this picture."
                )
            if not valid.any():
                raise ValueError(
                    "Expected a mask with at least one pixel, got an empty one; "
                    "paint the region to cluster."
                )
        if self.values.dtype.kind == "f":
            finite = np.isfinite(self.values).all(axis=-1)
            valid = finite if valid is None else valid & finite
            if not valid.any():
                raise ValueError(
                    "Expected at least one pixel with finite values, got only NaN or "
                    "infinity; replace them (numpy.nan_to_num) or choose another image."
                )
        return None if valid is None or valid.all() else valid
