"""FinerLevel: labels of a finer level of a picture, by the mixture that it got."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from .classes import none_label
from .clustering import label_picture
from .features.part import Part
from .material import Material
from .smoothing import reach

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from .clusters import Clustering
    from .features import FeatureGroup
    from .recipe import Recipe

    Region = tuple[slice, ...]

MOST_PIXELS = 2**22
"""Pixels that are measured at a time; of more the labels are enlarged."""


class FinerLevel:
    """Labels of a finer level of a picture, where somebody looks at it.

    Its pixels are measured as those of the picture were, with the same factors, and
    labeled by the same mixture: scales in pixels are as much longer, and places are
    the same. Where the picture is not clustered, the level is not, either.

    Parameters
    ----------
    clustering : Clustering
    shape : tuple of int
        Of the level, without channels.
    read : callable
        Gives the pixels of a region, one slice along each axis, as (*region, C).
    threshold : float, optional
        Pixels with a lower log-density are none of the components, K + 1.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_pixel_mixtures import cluster
    >>> fine = np.array([[0, 1, 8, 9], [1, 0, 0, 9], [1, 1, 9, 8], [1, 1, 8, 9]])
    >>> clustering = cluster(fine[::2, ::2], n_components=2)
    >>> level = FinerLevel(clustering, (4, 4), lambda part: fine[part][..., None])
    >>> level.labels((slice(0, 2), slice(1, 4)))
    array([[1, 2, 2],
           [1, 1, 2]], dtype=uint8)
    """

    def __init__(
        self,
        clustering: Clustering,
        shape: tuple[int, ...],
        read: Callable[[Region], NDArray[Any]],
        threshold: float | None = None,
    ) -> None:
        self.shape = shape
        self._read = read
        self._threshold = threshold
        self._picture = clustering.picture
        self._groups = clustering.groups
        self._coarse = clustering.labels
        # Where two components are as probable, the first has it: as in the fit.
        order = clustering.fitted_order
        self._mixture = clustering.mixture.reordered(order)
        self._numbers = np.arange(256, dtype=np.uint8)
        self._numbers[1 : len(order) + 1] = order + 1
        self._factors = tuple(
            n / coarse for n, coarse in zip(shape, self._coarse.shape, strict=True)
        )
        self._recipe = self._scaled(clustering.recipe)
        self.missing: tuple[str, ...] = self._missing(clustering.recipe)
        """What cannot be had of other pixels: titles of features, or smoothing."""

    def labels(self, region: Region) -> NDArray[np.uint8]:
        """Label the pixels of a region: one slice along each axis, from start to stop.

        Those of the picture, enlarged, where something is missing, or where too many
        pixels would have to be measured.

        Raises
        ------
        Exception
            Whatever reading the level does.
        """
        if self.missing or self._recipe is None:
            return self.enlarged(region)
        groups = self._groups_from((0,) * len(region))
        assert groups is not None
        wide = self._around(region, reach(self._recipe.smoothing))
        whole = self._around(wide, max(group.feature.reach for group in groups))
        if prod(part.stop - part.start for part in whole) > MOST_PIXELS:
            return self.enlarged(region)
        clustered = self.enlarged(wide) > 0
        if not clustered[_within(region, wide)].any():
            return np.zeros([part.stop - part.start for part in region], np.uint8)
        start = tuple(part.start for part in whole)
        picture = self._part(start).picture(self._read(whole))
        if whole != wide and not _finite(picture.values):
            return self.enlarged(region)  # filters would fill gaps by a part's mean
        valid = np.zeros(picture.shape, bool)
        valid[_within(wide, whole)] = clustered
        material = Material.gather(
            picture,
            self._recipe,
            picture.valid(None if valid.all() else valid),
            groups=self._groups_from(start),
        )
        labels = label_picture(self._mixture, material, picture, self._recipe)
        labels = self._numbers[labels]
        if self._threshold is not None:
            rows = self._mixture.score_samples(material.samples.values)
            unlikely = material.spread(rows < self._threshold, picture.shape, False)
            labels[unlikely] = none_label(self._mixture.n_components)
        return labels[_within(region, whole)]

    def enlarged(self, region: Region) -> NDArray[np.uint8]:
        """Give each pixel of a region the label of the coarser pixel that it is in."""
        places = [
            ((np.arange(part.start, part.stop) + 0.5) / n).astype(np.intp)
            for part, n in zip(region, self._factors, strict=True)
        ]
        return self._coarse[np.ix_(*places)]

    def _part(self, start: tuple[int, ...]) -> Part:
        return Part(self._picture, self._factors, start)

    def _groups_from(self, start: tuple[int, ...]) -> tuple[FeatureGroup, ...] | None:
        """Give the features as they measure a part that starts there, if all do."""
        part, groups = self._part(start), []
        for group in self._groups:
            found = group.feature.for_part(part)
            if found is None:
                return None
            feature, gain = found
            groups.append(replace(group, feature=feature, factor=group.factor * gain))
        return tuple(groups)

    def _scaled(self, recipe: Recipe) -> Recipe | None:
        """Give the recipe with smoothing as wide on finer pixels, if that can be."""
        if recipe.smoothing == 0:
            return recipe
        factor = self._part((0,) * len(self.shape)).factor
        if factor is None:
            return None
        try:
            return replace(recipe, smoothing=recipe.smoothing * factor)
        except ValueError:  # wider than it may be
            return None

    def _missing(self, recipe: Recipe) -> tuple[str, ...]:
        part = self._part((0,) * len(self.shape))
        features = [group.feature for group in self._groups]
        titles = [f.title for f in features if f.for_part(part) is None]
        return (*dict.fromkeys(titles), *(["Smoothing"] * (self._recipe is None)))

    def _around(self, region: Region, n: int) -> Region:
        """Give a region with so many more pixels around it, as far as there are any."""
        axes = self._picture.spatial_axes
        return tuple(
            slice(max(0, part.start - n), min(size, part.stop + n))
            if axis in axes
            else part
            for axis, (part, size) in enumerate(zip(region, self.shape, strict=True))
        )


def _finite(values: NDArray[Any]) -> bool:
    return values.dtype.kind != "f" or bool(np.isfinite(values).all())


def _within(region: Region, whole: Region) -> Region:
    """Say where a region lies in another that holds it."""
    return tuple(
        slice(part.start - of.start, part.stop - of.start)
        for part, of in zip(region, whole, strict=True)
    )
