"""Result: a clustering, and the layer that it belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari.layers import Image

    from napari_pixel_mixtures.clusters import Clustering

    from .source import Source


@dataclass(frozen=True, eq=False)
class Result:
    """A clustering, and the layers and arrays that it was made from."""

    source: Source
    clustering: Clustering
    mask: Any = None
    """What limited the fit, (*spatial); None if nothing did."""

    @property
    def image(self) -> Image:
        """The layer that the result belongs to."""
        return self.source.image

    @property
    def data(self) -> Any:
        """What that layer held."""
        return self.source.data

    @property
    def current(self) -> bool:
        """Whether the layers still hold what was clustered."""
        return self.source.current
