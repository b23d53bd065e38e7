"""Color and Channel: the channels of the picture as stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .base import Feature, setting
from .checks import whole

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .picture import Picture


@dataclass(frozen=True, repr=False)
class Color(Feature):
    """Every channel as stored: R, G and B, a gray value, or any number of channels.

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


@dataclass(frozen=True, repr=False)
class Channel(Feature):
    """One channel as stored.

    Attributes
    ----------
    index : int
        Which, from 0.

    Examples
    --------
    >>> from napari_pixel_mixtures import Channel
    >>> [Channel(0), Channel(2, weight=0.5)]
    [Channel(), Channel(weight=0.5, index=2)]
    """

    kind = "channel"
    title = "Channel"
    tip = "One channel of the image by itself, with a weight of its own."
    pixelwise = True

    index: int = setting(0, "Channel", "Number of the channel, from 0.", min=0, max=999)

    def __post_init__(self) -> None:
        """Check the index."""
        super().__post_init__()
        index = whole("the index of the channel", self.index, 0, 2**31 - 1)
        object.__setattr__(self, "index", index)

    def names(self, picture: Picture) -> tuple[str, ...]:
        """Name of the channel."""
        if self.index >= picture.n_channels:
            raise ValueError(
                f"Expected a channel from 0 to {picture.n_channels - 1}, got "
                f"{self.index}; the image has {picture.n_channels} in all."
            )
        return (picture.channel_names[self.index],)

    def compute(
        self, picture: Picture, pixels: NDArray[np.intp] | None
    ) -> NDArray[Any]:
        """Values of the channel, (n, 1)."""
        self.names(picture)
        column = picture.pixels[:, self.index : self.index + 1]
        return column if pixels is None else column[pixels]
