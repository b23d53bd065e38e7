"""Result: a clustering, and the layer that it belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .layers import level_data

if TYPE_CHECKING:
    from napari.layers import Image

    from napari_pixel_mixtures.clusters import Clustering


@dataclass(frozen=True, eq=False)
class Result:
    """A clustering, the image layer it belongs to, and the array it was made from."""

    image: Image
    data: Any
    clustering: Clustering
    mask: Any = None
    """What limited the fit, (*spatial); None if nothing did."""

    @property
    def current(self) -> bool:
        """Whether the layer still holds that array."""
        return level_data(self.image) is self.data
