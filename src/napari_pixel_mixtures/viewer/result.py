"""Result: a clustering, and the layer that it belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_pixel_mixtures.classes import Classes

if TYPE_CHECKING:
    from napari.layers import Image

    from napari_pixel_mixtures.clusters import Clustering

    from .segments_view import SegmentSettings
    from .source import Source


@dataclass(frozen=True, eq=False)
class Result:
    """A clustering, and the layers and arrays that it was made from."""

    source: Source
    clustering: Clustering
    mask: Any = None
    """What limited the fit, (*spatial); None if nothing did."""
    classes: Classes | None = None
    """What a person made of its components; None as long as each is a class."""
    quantile: float = 0.0
    """Share of the least likely pixels that are none of the classes."""
    threshold: float | None = None
    """The log-density below which they are; None also while it is not known."""
    segments: SegmentSettings | None = None
    """Those that come back with it when later fits are undone."""
    shuffle_seed: int | None = None
    """That of its random colors, which come back with it, too."""

    @property
    def edited(self) -> bool:
        """Whether there are other classes than the components."""
        return self.classes is not None or self.has_none

    @property
    def has_none(self) -> bool:
        """Whether pixels may be none of the classes, which is a class as well."""
        return self.quantile > 0 or self.threshold is not None

    @property
    def all_classes(self) -> Classes:
        """The classes, also where nobody made any."""
        return Classes.of(self.clustering) if self.classes is None else self.classes

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


def check_result(result: Result | None) -> Result:
    """Give the result back if there is one of the image as it is.

    Raises
    ------
    ValueError
        There is none.
    """
    if result is None or not result.current:
        raise ValueError(
            "Expected a clustered image, but none was clustered yet; press Fit in "
            "Cluster pixels."
        )
    return result
