"""Samples: the feature values of pixels, and which pixels they came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .base import Feature
    from .picture import Picture

SCALINGS = ("group", "raw")


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


@dataclass(frozen=True, eq=False)
class Samples:
    """One row of feature values for each pixel.

    Attributes
    ----------
    values : ndarray (n, d) float32 or float64
        Scaled and weighted features.
    names : tuple of str
        Name of each column.
    groups : tuple of FeatureGroup
        Which columns belong to which feature.
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
        factors: Sequence[float] | None = None,
    ) -> Self:
        """Measure features of a picture.

        Parameters
        ----------
        picture : Picture
        features : sequence of Feature
            Those with weight 0 are left out.
        scaling : {"group", "raw"}
            "group" divides each feature by its pooled standard deviation, the root
            of the mean variance of its columns; "raw" keeps native units. Both are
            followed by the feature's weight.
        valid : ndarray (*spatial) bool, optional
            The pixels to measure; all by default.
        counts : ndarray (n,), optional
            How often each row stands in the whole picture, for the standard
            deviations; 1 by default.
        factors : sequence of float, optional
            What each used feature is multiplied by, as measured on another picture
            (`FeatureGroup.factor`), instead of scaling and weight.

        Raises
        ------
        ValueError
            No feature has a weight above 0, the scaling is unknown, or values are
            too large to be squared.

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
        used = [feature for feature in features if feature.used]
        if not used:
            raise ValueError(
                "Expected at least one feature with a weight above 0, got none; "
                "turn on color, position or distance."
            )
        if scaling not in SCALINGS:
            raise ValueError(f"Expected a scaling among {SCALINGS}, got {scaling!r}.")
        pixels = None if valid is None else np.flatnonzero(valid)
        n = int(np.prod(picture.shape)) if pixels is None else len(pixels)
        names = [feature.names(picture) for feature in used]
        stops = np.cumsum([len(columns) for columns in names]).tolist()
        values = np.empty((n, stops[-1]), picture.float_type)
        groups: list[FeatureGroup] = []
        for feature, start, stop in zip(used, [0, *stops], stops, strict=False):
            columns = feature.compute(picture, pixels)
            _check_size(columns, feature, 1e150)
            factor = feature.weight
            if factors is not None:
                factor = factors[len(groups)]
            elif scaling == "group":
                factor /= _pooled_standard_deviation(columns, counts) or 1.0
            scaled = values[:, start:stop]
            # In float64, so that float32 samples are rounded only once.
            np.multiply(columns, factor, scaled, dtype=np.float64, casting="unsafe")
            _check_size(scaled, feature, 1e15 if scaled.itemsize == 4 else 1e150)
            groups.append(FeatureGroup(feature, start, stop, factor))
        return cls(values, tuple(sum(names, ())), tuple(groups), pixels)


def _pooled_standard_deviation(
    columns: NDArray[Any], counts: NDArray[np.int64] | None
) -> float:
    """Root of the mean variance of the columns, summed in float64.

    0 if all columns are constant up to rounding.
    """
    extents = [float(column.max()) - float(column.min()) for column in columns.T]
    extent = max(extents)
    if extent < 1e-150:  # its square would be 0
        return 0.0
    variances = []
    for column in columns.T:
        values = column.astype(np.float64)
        mean = np.average(values, weights=counts)
        variances.append(np.average((values - mean) ** 2, weights=counts))
    return float(np.sqrt(np.mean(variances)))


def _check_size(values: NDArray[Any], feature: Feature, limit: float) -> None:
    """Refuse values that are too large to be squared in their type."""
    largest = max(abs(float(values.min())), abs(float(values.max())))
    if largest > limit:
        raise ValueError(
            f"Expected values of {feature.kind} up to {limit:g} in size, got "
            f"{largest:.3g}; divide the image by its largest value, or lower the "
            "feature's weight."
        )
