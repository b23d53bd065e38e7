"""Presets: settings to begin with, for pictures of any size."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .features import AnchorDistance, Color, Feature, Position
from .recipe import MAX_SMOOTHING

if TYPE_CHECKING:
    from collections.abc import Sequence

# The notebook that this plugin grew out of divides raw distances by 5000.
RAW_DISTANCE_WEIGHT = 1 / 5000


@dataclass(frozen=True)
class Preset:
    """Settings that are the same for all pictures; lengths grow with the picture.

    How many components there are, and the seed, are not part of it.

    Attributes
    ----------
    name : str
    description : str
        What it is for, in a sentence or two.
    features : tuple of Feature
    scaling : {"group", "raw"}
    smoothing : float
        Of the responsibilities, in hundredths of the picture's side, which is the
        square root of its number of pixels (of a volume, the cube root); of a series
        that of one plane or volume.
    min_size : float
        Of regions, in thousandths of its pixels; 0 if it is for clusters, not regions.
    contrast : float
        Up to which regions are merged, see `Clustering.regions`.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_pixel_mixtures import cluster
    >>> from napari_pixel_mixtures.presets import PRESETS
    >>> image = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    >>> image[:, 20:] //= 4
    >>> preset = PRESETS["Segments"]
    >>> clustering = cluster(image, n_components=2, **preset.settings((40, 60)))
    >>> np.unique(clustering.regions(**preset.regions((40, 60))))
    array([1, 2], dtype=int32)
    """

    name: str
    description: str
    features: tuple[Feature, ...]
    scaling: str = "group"
    smoothing: float = 0.0
    min_size: float = 0.0
    contrast: float = 0.0

    def settings(self, shape: Sequence[int], random_state: int = 0) -> dict[str, Any]:
        """Give the settings of a `Recipe`, or of `cluster`, for a picture.

        Parameters
        ----------
        shape : sequence of int
            `Picture.frame_shape`: without channels, and of a series that of one plane
            or volume.
        random_state : int
            Seed of random places.

        Returns
        -------
        dict
            covariance_type, features, scaling and smoothing (pixels, to a tenth).
        """
        side = float(np.prod(shape, dtype=float)) ** (1 / len(shape))
        return {
            "covariance_type": "full",
            "features": tuple(
                replace(feature, seed=random_state)
                if isinstance(feature, AnchorDistance)
                else feature
                for feature in self.features
            ),
            "scaling": self.scaling,
            "smoothing": min(round(self.smoothing / 100 * side, 1), MAX_SMOOTHING),
        }

    def regions(self, shape: Sequence[int]) -> dict[str, Any] | None:
        """Give the settings of `Clustering.regions` for a picture.

        Parameters
        ----------
        shape : sequence of int
            `Picture.frame_shape`: without channels, and of a series that of one plane
            or volume.

        Returns
        -------
        dict or None
            min_size (pixels) and contrast; None if it is for clusters, not regions.
        """
        if self.min_size == 0:
            return None
        pixels = float(np.prod(shape, dtype=float))
        least = max(round(self.min_size / 1000 * pixels), 1)
        return {"min_size": least, "contrast": self.contrast}


_ALL = (
    Preset(
        "RGB",
        "The colors alone: the first features of the notebook.",
        (Color(),),
    ),
    Preset(
        "RGB + XY",
        "Colors and places, each counting fully: the second features of the notebook.",
        (Color(), Position()),
    ),
    Preset(
        "RGB + 6 distances",
        "Colors, and the distances to six random places divided by 5000: the third "
        "features of the notebook.",
        (Color(), AnchorDistance(n=6, weight=RAW_DISTANCE_WEIGHT)),
        scaling="raw",
    ),
    Preset(
        "Segments",
        "The parts of the picture as people see them: colors, labels smoothed over "
        "1 % of the picture's side, and connected regions, those of hardly "
        "different colors merged.",
        (Color(),),
        smoothing=1.0,
        min_size=3.2,
        contrast=3.0,
    ),
)

PRESETS = {preset.name: preset for preset in _ALL}
"""The presets by name, in the order of a menu."""
