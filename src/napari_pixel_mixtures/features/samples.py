"""Samples: the feature values of pixels, and which pixels they came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from .blocks import blocks, on_all_cores
from .cache import Columns, FeatureCache

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .base import Feature
    from .picture import Picture

SCALINGS = ("group", "raw")
FACTORS = (1e-150, 1e150)
"""On features, whose values are no larger."""

_BLOCK = 2**13  # rows that are scaled at a time


@dataclass(frozen=True)
class FeatureGroup:
    """The columns of one feature among the samples.

    Attributes
    ----------
    feature : Feature
    start, stop : int
        Its columns.
    factor : float
        What its values were multiplied by: the weight, over the pooled standard
        deviation if scaled by group.
    """

    feature: Feature
    start: int
    stop: int
    factor: float

    @property
    def columns(self) -> slice:
        """The columns of the feature."""
        return slice(self.start, self.stop)


def used_features(features: Sequence[Feature]) -> list[Feature]:
    """Give those that are used, in the order of the groups of samples."""
    used = [feature for feature in features if feature.used]
    return sorted(used, key=lambda feature: -feature.influence)


def influences(groups: Sequence[FeatureGroup]) -> NDArray[np.float64] | None:
    """Influence of each column's feature, (d,); None if all are 1."""
    found = [group.feature.influence for group in groups]
    if set(found) <= {1.0}:
        return None
    return np.repeat(found, [group.stop - group.start for group in groups])


@dataclass(frozen=True, eq=False)
class Samples:
    """One row of feature values for each pixel.

    Attributes
    ----------
    values : ndarray (n, d) float32 or float64
        Scaled and weighted features.
    names : tuple of str
        Name of each column, no two the same: of two features that call a column
        "distance 1", the later one has "distance 1 (2)".
    groups : tuple of FeatureGroup
        Which columns belong to which feature. Features of more influence come
        first, those of the same in the order in which they were given.
    pixels : ndarray (n,) or None
        Flat index of each row's pixel; None if every pixel has its row, in order.
    """

    values: NDArray[Any]
    names: tuple[str, ...]
    groups: tuple[FeatureGroup, ...]
    pixels: NDArray[np.intp] | None

    @classmethod
    def measure(
        cls,
        picture: Picture,
        features: Sequence[Feature],
        scaling: str = "group",
        valid: NDArray[np.bool_] | None = None,
        counts: NDArray[np.int64] | None = None,
        cache: FeatureCache | None = None,
        factors: Sequence[float] | None = None,
    ) -> Self:
        """Measure features of a picture.

        Each is computed on the whole picture, and then taken from valid pixels.

        Parameters
        ----------
        picture : Picture
        features : sequence of Feature
            Those that are off, or have weight 0 or influence 0, are left out.
        scaling : {"group", "raw"}
            "group" divides each feature by its pooled standard deviation, the root
            of the mean variance of its columns; "raw" keeps native units. Both are
            followed by the feature's weight.
        valid : ndarray (*spatial) bool, optional
            The pixels to measure; all by default. Those where a feature is not finite
            are left out as well.
        counts : ndarray (n,), optional
            How often each pixel counts, for the standard deviations; 1 by default.
        cache : FeatureCache, optional
            Where computed features are kept.
        factors : sequence of float, optional
            What each used feature is multiplied by, as measured on another picture
            (`FeatureGroup.factor`), instead of scaling and weight.

        Raises
        ------
        ValueError
            No feature is used, the scaling is unknown, the picture cannot be
            measured so, no pixel is left, or values are too large to be squared.

        Examples
        --------
        >>> from napari_pixel_mixtures.features import Color, Picture, Position
        >>> picture = Picture.from_array([[10, 20], [30, 40]])
        >>> samples = Samples.measure(picture, [Color(), Position()], scaling="raw")
        >>> samples.names
        ('gray', 'X', 'Y')
        >>> samples.values
        array([[10.,  0.,  0.],
               [20.,  1.,  0.],
               [30.,  0.,  1.],
               [40.,  1.,  1.]])
        """
        used = used_features(features)
        if not used:
            raise ValueError(
                "Expected at least one feature that is on, with weight and influence "
                "above 0, got none; turn on color, position or distance."
            )
        if scaling not in SCALINGS:
            raise ValueError(f"Expected a scaling among {SCALINGS}, got {scaling!r}.")
        cache = cache or FeatureCache()
        names = distinct_names([feature.names(picture) for feature in used])
        stops = np.cumsum([len(columns) for columns in names]).tolist()
        pixels = None if valid is None else np.flatnonzero(valid)
        n = int(np.prod(picture.shape)) if pixels is None else len(pixels)
        values = np.empty((n, stops[-1]), picture.float_type)
        left: NDArray[np.bool_] | None = None
        groups: list[FeatureGroup] = []
        measured: list[NDArray[Any]] = []
        for feature, start, stop in zip(used, [0, *stops], stops, strict=False):
            columns = cache.columns(picture, feature, counts)
            if pixels is not None:
                taken = None if counts is None else counts[pixels]
                columns = Columns.of(columns.values[pixels], taken)
            if not columns.finite:
                finite = np.isfinite(columns.values).all(axis=1)
                left = finite if left is None else left & finite
            if left is not None:
                continue
            _check_size(columns.largest, feature, 1e150)
            factor = feature.weight
            if factors is not None:
                factor = factors[len(groups)]
            elif scaling == "group":
                factor /= columns.deviation or 1.0
            limit = 1e15 if values.itemsize == 4 else 1e150
            _check_size(columns.largest * factor, feature, limit)
            _check_factor(factor, feature)
            measured.append(columns.values)
            groups.append(FeatureGroup(feature, start, stop, factor))
        if left is not None:
            if not left.any():
                raise ValueError(
                    "Expected at least one pixel where every feature is finite, got "
                    f"none with {', '.join(sum(names, ()))!s:.200}; leave out the "
                    "feature that is not."
                )
            rest = np.zeros(picture.shape, bool)
            rest.reshape(-1)[slice(None) if pixels is None else pixels] = left
            return cls.measure(picture, features, scaling, rest, counts, cache, factors)
        _scale(measured, groups, values)
        return cls(values, tuple(sum(names, ())), tuple(groups), pixels)


def _scale(
    measured: Sequence[NDArray[Any]],
    groups: Sequence[FeatureGroup],
    values: NDArray[Any],
) -> None:
    """Multiply the columns (n, d) of each group into its columns of `values`."""

    def task(part: slice) -> None:
        for columns, group in zip(measured, groups, strict=True):
            for j, target in enumerate(values[part, group.columns].T):
                # In float64, so that float32 samples are rounded only once.
                np.multiply(
                    *(columns[part, j], group.factor, target),
                    dtype=np.float64,
                    casting="unsafe",
                )

    # All columns of a block, while it is in the cache.
    on_all_cores(task, blocks(len(values), _BLOCK))


def _check_factor(factor: float, feature: Feature) -> None:
    """Refuse factors that leave nothing of the values."""
    low, high = FACTORS
    if not low <= factor <= high:
        raise ValueError(
            f"Expected a factor from {low:g} to {high:g} on {feature.kind}, its weight "
            f"over its deviation, got {factor:.3g}; choose a weight nearer to 1, or 0."
        )


def _check_size(largest: float, feature: Feature, limit: float) -> None:
    """Refuse values that are too large to be squared in their type."""
    if largest > limit:
        raise ValueError(
            f"Expected values of {feature.kind} up to {limit:g} in size, got "
            f"{largest:.3g}; divide the image by its largest value, or lower the "
            "feature's weight."
        )


def distinct_names(names: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Count the names of columns that were there before."""
    taken: set[str] = set()

    def distinct(name: str) -> str:
        another, n = name, 1
        while another in taken:
            n += 1
            another = f"{name} ({n})"
        taken.add(another)
        return another

    return [tuple(map(distinct, columns)) for columns in names]
