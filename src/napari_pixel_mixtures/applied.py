"""Applied: what a model makes of a picture."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from .certainty import Certainty
from .tables import class_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from .clusters import Clustering
    from .material import Material
    from .model import Model


@dataclass(frozen=True, eq=False)
class Applied:
    """What a model makes of a picture.

    Attributes
    ----------
    model : Model
    clustering : Clustering
        The components of the pixels.
    material : Material
        What was measured.
    """

    model: Model
    clustering: Clustering
    material: Material = field(repr=False)

    @cached_property
    def labels(self) -> NDArray[np.uint8]:
        """Classes of the pixels, (*spatial); 0 where masked out or not finite."""
        labels, threshold = self.clustering.labels, self.model.threshold
        if threshold is not None:
            labels = Certainty(self.clustering, self.material).labels(threshold)
        return self.model.classes.apply(labels)

    @cached_property
    def segments(self) -> NDArray[np.int32] | None:
        """Its segments, (*spatial), as the model says; None if it says nothing."""
        settings = self.model.regions
        return None if settings is None else self.clustering.regions(**settings)

    def table(
        self, scale: Sequence[float] | None = None, unit: str = "pixel"
    ) -> pd.DataFrame:
        """Give a row for each class, as `class_table`."""
        return class_table(
            self.clustering,
            self.model.classes,
            self.model.threshold,
            scale,
            unit,
            self.material,
        )
