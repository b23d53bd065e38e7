"""Color: the channels of the picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .base import Feature

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .picture import Picture


@dataclass(frozen=True, repr=False)
class Color(Feature):
    """Every channel as stored: R, G and B, a grey value, or any number of channels.

    Examples
    --------
    >>> from napari_pixel_mixtures import Color
    >>> Color()
    Color()
    """

    kind = "color"
    title = "Color"
    tip = "Cluster by color, or by all channels of the image."
    pixelwise = True

    def names(self, picture: Picture) -> tuple[str, ...]:
        """Name of each channel."""
        return picture.channel_names

    def compute(
        self, picture: Picture, pixels: NDArray[np.intp] | None
    ) -> NDArray[Any]:
        """Channel values, (n, C)."""
        return picture.pixels if pixels is None else picture.pixels[pixels]
