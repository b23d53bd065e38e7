"""Companion: another image of the same pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .base import Feature, setting

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .picture import Picture


COLORS = "RGBA"


@dataclass(frozen=True, repr=False)
class Companion(Feature):
    """The values of another image of the same shape.

    One of several channels has a column for each; three or four are taken for colors,
    as those of an image are. Pixels where it is NaN or infinite get label 0.

    Attributes
    ----------
    name : str
        Its name among `Picture.companions`; in the viewer that of its layer.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_pixel_mixtures import Color, Companion, cluster
    >>> image, depth = np.array([[0, 1, 0, 1]]), np.array([[5, 5, 9, 9]])
    >>> features = [Color(), Companion("depth")]
    >>> cluster(image, 2, features=features, companions={"depth": depth}).feature_names
    ('gray', 'depth')
    """

    kind = "companion"
    title = "Other image"
    tip = "The values of another image of the same shape."

    name: str = setting("", "Image", "Which image.", among="companions")

    def __post_init__(self) -> None:
        """Check the name."""
        super().__post_init__()
        if not isinstance(self.name, str) or len(self.name) > 1000:
            raise ValueError(
                "Expected the name of an image as a string of at most 1000 "
                f"characters, got {self.name!r:.80}."
            )

    @property
    def companions(self) -> tuple[str, ...]:
        """The name of the image."""
        return (self.name,)

    def names(self, picture: Picture) -> tuple[str, ...]:
        """Name of the image, and of the channel if it has several.

        That is R, G, B and A of three or four, else its number.
        """
        image = self._image(picture)
        if image.ndim == len(picture.shape):
            return (self.name,)
        n = image.shape[-1]
        channels = COLORS[:n] if n in (3, 4) else range(n)
        return tuple(f"{self.name} {channel}" for channel in channels)

    def compute(
        self, picture: Picture, pixels: NDArray[np.intp] | None
    ) -> NDArray[Any]:
        """Values of the image, (n, C)."""
        image = self._image(picture)
        columns = image.reshape(len(picture.pixels), -1)
        return columns if pixels is None else columns[pixels]

    def _image(self, picture: Picture) -> NDArray[Any]:
        if self.name not in picture.companions:
            known = sorted(picture.companions)
            raise ValueError(
                f"Expected an image of the same shape among {known}, got "
                f"{self.name!r:.80}; choose another, or give it as a companion."
            )
        return picture.companions[self.name]
