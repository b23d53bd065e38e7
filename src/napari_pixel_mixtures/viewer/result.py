"""Result: a clustering, and the layer that it belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_pixel_mixtures.classes import Classes

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
    classes: Classes | None = None
    """What a person made of its components; None as long as each is a class."""
    quantile: float = 0.0
    """Share of the least likely pixels that are none of the classes."""
    threshold: float | None = None
    """The log-density below which they are; None also while it is not known."""

    @property
    def edited(self) -> bool:
        """Whether there are other classes than the components."""
        return self.classes is not None or self.quantile > 0

    @property
    def all_classes(self) -> Classes:
        """The classes, also where nobody made any."""
        return Classes.of(self.clustering) if self.classes is None else self.classes

    @property
    def current(self) -> bool:
        """Whether the layer still holds that array."""
        return level_data(self.image) is self.data
