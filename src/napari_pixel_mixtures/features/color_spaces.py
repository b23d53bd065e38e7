"""Color spaces: linear RGB, HSV, Lab, LCh and YCbCr of a picture in color."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from skimage import color

from .base import Feature, setting
from .blocks import by_rows
from .checks import choice

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from .picture import Picture

CHROMA_CAP = 30.0
"""Chroma above which the hue of LCh counts fully."""


def _part(*parts: str) -> Any:
    tip = "All channels, or only some."
    return setting("all", "Channels", tip, choices=("all", *parts))


@dataclass(frozen=True, repr=False)
class ColorSpace(Feature):
    """What color spaces have in common.

    Attributes
    ----------
    part : str
        The channels to take, one of `parts`, or "all".
    """

    columns: ClassVar[tuple[str, ...]]
    parts: ClassVar[Mapping[str, tuple[int, ...]]]
    """Which columns each part has."""
    whole: ClassVar[slice] = slice(None)
    """Which columns all of it has; others are of parts alone."""
    pixelwise = True

    part: str = "all"

    def __post_init__(self) -> None:
        """Check the part."""
        super().__post_init__()
        choice(f"the channels of {self.title}", self.part, ("all", *self.parts))

    @property
    def _taken(self) -> tuple[int, ...]:
        every = range(len(self.columns))
        return self.parts.get(self.part, tuple(every[self.whole]))

    def names(self, picture: Picture) -> tuple[str, ...]:
        """Name of each channel of the color space."""
        check_rgb(picture, self.title)
        return tuple(self.columns[i] for i in self._taken)

    def compute(
        self, picture: Picture, pixels: NDArray[np.intp] | None
    ) -> NDArray[Any]:
        """Convert the colors, (n, d)."""
        check_rgb(picture, self.title)
        rows = picture.pixels if pixels is None else picture.pixels[pixels]
        taken = list(self._taken)
        return by_rows(
            lambda block: self.convert(unit_colors(picture, block))[:, taken],
            rows,
            len(taken),
            picture.float_type,
        )

    @staticmethod
    @abstractmethod
    def convert(colors: NDArray[Any]) -> NDArray[Any]:
        """Convert R, G and B from 0 to 1, (n, 3) -> (n, columns)."""


def check_rgb(picture: Picture, what: str) -> None:
    """Refuse a picture that is not in color, or whose white is not known."""
    if not picture.rgb:
        n = picture.n_channels
        raise ValueError(
            f"Expected an image with red, green and blue for {what}, got one with {n} "
            f"channel{'s' * (n > 1)} that {'are' if n > 1 else 'is'} not color; use "
            "Color, Channel or Expression instead."
        )
    if picture.overexposed:
        raise ValueError(
            f"Expected floating colors from 0 to 1 for {what}, got most of them above "
            "1; divide the image by its white, such as 255."
        )


def unit_colors(picture: Picture, rows: NDArray[Any]) -> NDArray[Any]:
    """Scale R, G and B (n, 3) to 0 to 1; values beyond the limits are clipped."""
    _, high = picture.limits
    unit = rows.astype(picture.float_type)
    unit /= high.astype(unit.dtype)
    return np.clip(unit, 0, 1, out=unit)


@dataclass(frozen=True, repr=False)
class LinearRGB(ColorSpace):
    """Red, green and blue in proportion to light, from 0 to 1.

    Stored values are taken as sRGB (IEC 61966-2-1).

    Attributes
    ----------
    part : {"all", "R", "G", "B"}

    Examples
    --------
    >>> from napari_pixel_mixtures import LinearRGB
    >>> LinearRGB(part="G")
    LinearRGB(part='G')
    """

    kind = "linear rgb"
    title = "Linear RGB"
    tip = "Red, green and blue in proportion to light, as mixing and shading act on it."
    columns = ("linear R", "linear G", "linear B")
    parts = {"R": (0,), "G": (1,), "B": (2,)}  # noqa: RUF012

    part: str = _part(*parts)

    @staticmethod
    def convert(colors: NDArray[Any]) -> NDArray[Any]:
        """Undo the transfer function of sRGB."""
        return np.where(
            colors > 0.04045, ((colors + 0.055) / 1.055) ** 2.4, colors / 12.92
        )


@dataclass(frozen=True, repr=False)
class HSV(ColorSpace):
    """Hue as a circle with saturation as its radius, and value, from 0 to 1.

    Red is at (1, 0); hues on both sides of it are neighbors, and gray, which has no
    hue, is at the center. Hue alone has a radius of 1, however pale a color is.

    Attributes
    ----------
    part : {"all", "H S", "H", "S", "V"}

    Examples
    --------
    >>> from napari_pixel_mixtures import HSV
    >>> HSV(part="H S")
    HSV(part='H S')
    """

    kind = "hsv"
    title = "HSV"
    tip = (
        "Hue on a circle with saturation as its radius, and value, so that shade is "
        "apart from hue."
    )
    columns = ("S cos H", "S sin H", "V", "cos H", "sin H", "S")
    parts = {"H S": (0, 1), "H": (3, 4), "S": (5,), "V": (2,)}  # noqa: RUF012
    whole = slice(3)

    part: str = _part(*parts)

    @staticmethod
    def convert(colors: NDArray[Any]) -> NDArray[Any]:
        """Turn the hue into a place on a circle."""
        hue, saturation, value = color.rgb2hsv(colors).T
        angle = 2 * np.pi * hue
        circle = np.stack([np.cos(angle), np.sin(angle)])
        unit = circle * (saturation > 0)  # gray stays at the center
        return np.stack([*(saturation * circle), value, *unit, saturation], axis=1)


@dataclass(frozen=True, repr=False)
class Lab(ColorSpace):
    """CIE L*a*b*, where equal distances look about equally different.

    L from 0 to 100, a from green to red, b from blue to yellow; stored values are
    taken as sRGB, white is D65.

    Attributes
    ----------
    part : {"all", "L", "a b", "a", "b"}

    Examples
    --------
    >>> from napari_pixel_mixtures import Lab
    >>> [Lab(part="L", weight=0.5), Lab(part="a b")]
    [Lab(weight=0.5, part='L'), Lab(part='a b')]
    """

    kind = "lab"
    title = "Lab"
    tip = "Lightness, green to red and blue to yellow, scaled as the eye tells colors."
    columns = ("L", "a", "b")
    parts = {"L": (0,), "a b": (1, 2), "a": (1,), "b": (2,)}  # noqa: RUF012

    part: str = _part(*parts)

    @staticmethod
    def convert(colors: NDArray[Any]) -> NDArray[Any]:
        """Convert as scikit-image."""
        converted: NDArray[Any] = color.rgb2lab(colors)
        return converted


@dataclass(frozen=True, repr=False)
class LCh(ColorSpace):
    """CIE L*C*h: lightness, chroma, and hue as a circle.

    The hue is a, b with chroma capped at 30: the direction alone counts for vivid
    colors, and gray, whose hue is noise, stays at the center.

    Attributes
    ----------
    part : {"all", "L", "C", "h"}

    Examples
    --------
    >>> from napari_pixel_mixtures import LCh
    >>> LCh(part="h")
    LCh(part='h')
    """

    kind = "lch"
    title = "LCh"
    tip = "Lightness, colorfulness, and hue on a circle, each of which may stand alone."
    columns = ("L", "C", "h cos", "h sin")
    parts = {"L": (0,), "C": (1,), "h": (2, 3)}  # noqa: RUF012

    part: str = _part(*parts)

    @staticmethod
    def convert(colors: NDArray[Any]) -> NDArray[Any]:
        """Convert Lab's a and b to chroma and a circle of hues."""
        lightness, a, b = color.rgb2lab(colors).T
        chroma = np.hypot(a, b)
        factor = CHROMA_CAP / np.maximum(chroma, CHROMA_CAP)
        return np.stack([lightness, chroma, a * factor, b * factor], axis=1)


@dataclass(frozen=True, repr=False)
class YCbCr(ColorSpace):
    """Luma, and blue and red chroma, as in digital video (ITU-R BT.601).

    Luma from 16 to 235, chroma from 16 to 240.

    Attributes
    ----------
    part : {"all", "Y", "Cb Cr", "Cb", "Cr"}

    Examples
    --------
    >>> from napari_pixel_mixtures import YCbCr
    >>> YCbCr(part="Cb Cr")
    YCbCr(part='Cb Cr')
    """

    kind = "ycbcr"
    title = "YCbCr"
    tip = "Luma, and blue and red chroma, as video and JPEG store colors."
    columns = ("luma", "Cb", "Cr")
    parts = {"Y": (0,), "Cb Cr": (1, 2), "Cb": (1,), "Cr": (2,)}  # noqa: RUF012

    part: str = _part(*parts)

    @staticmethod
    def convert(colors: NDArray[Any]) -> NDArray[Any]:
        """Convert as scikit-image."""
        converted: NDArray[Any] = color.rgb2ycbcr(colors)
        return converted
