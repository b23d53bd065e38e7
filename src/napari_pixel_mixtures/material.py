"""Material: samples to fit, and the way from their rows back to the picture."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from .features import FeatureCache, Samples
from .mixture.distinct import distinct_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from .features import Feature, FeatureGroup, Picture
    from .recipe import Recipe


@dataclass(frozen=True, eq=False)
class Material:
    """Samples to fit, and how to get from their rows back to the picture.

    Attributes
    ----------
    samples : Samples
    values : ndarray (n, C)
        Channel values of each row, in image units.
    counts : ndarray (n,) or None
        How many pixels each row stands for; None for one each.
    inverse : ndarray (n_pixels,) or None
        The row of each pixel; None if rows are pixels.
    pixels : ndarray (n_pixels,) or None
        Flat index of each pixel; None for all, in order.
    """

    samples: Samples
    values: NDArray[Any]
    counts: NDArray[np.int64] | None
    inverse: NDArray[np.int32] | None
    pixels: NDArray[np.intp] | None

    @classmethod
    def gather(
        cls,
        picture: Picture,
        recipe: Recipe,
        valid: NDArray[np.bool_] | None,
        measured: Measured | None = None,
        groups: tuple[FeatureGroup, ...] | None = None,
    ) -> Material:
        """Measure the picture: each distinct color once where color is all.

        Pixels where a feature is not finite are left out, as those that are not
        valid.

        Parameters
        ----------
        picture : Picture
        recipe : Recipe
        valid : ndarray (*spatial) bool, or None for all
        measured : Measured, optional
            With it, no feature of the picture is computed that was computed before.
        groups : tuple of FeatureGroup, optional
            Features and their factors as measured before, on this picture or
            another, instead of those of the recipe.
        """
        features: Sequence[Feature] = recipe.features
        factors = None
        if groups is not None:
            features = [group.feature for group in groups]
            factors = [group.factor for group in groups]
        measure = partial(
            Samples.measure,
            features=features,
            scaling=recipe.scaling,
            factors=factors,
        )
        pixelwise = all(f.pixelwise for f in features if f.used)
        if pixelwise and picture.values.dtype == np.uint8 and picture.n_channels <= 4:
            return cls._gather_colors(picture, measure, valid, measured)
        cache = None if measured is None else measured.features
        samples = measure(picture, valid=valid, cache=cache)
        values, pixels = picture.pixels, samples.pixels
        if pixels is not None:
            values = values[pixels]
        return cls(samples, values, None, None, pixels)

    @classmethod
    def _gather_colors(
        cls,
        picture: Picture,
        measure: Callable[..., Samples],
        valid: NDArray[np.bool_] | None,
        measured: Measured | None,
    ) -> Material:
        """Measure each distinct color once."""
        cache = None
        if valid is None and measured is not None:
            colors, cache = measured.colors, measured.features
        else:
            colors = DistinctColors.of(picture, valid)
        source, inverse = colors.source, colors.inverse
        samples = measure(source, counts=colors.counts, cache=cache)
        if samples.pixels is not None:
            finite = np.zeros(len(source.pixels), bool)
            finite[samples.pixels] = True
            left = np.zeros(picture.shape, bool)
            left[slice(None) if valid is None else valid] = finite[inverse].reshape(
                picture.shape if valid is None else -1
            )
            return cls._gather_colors(picture, measure, left, measured)
        pixels = None if valid is None else np.flatnonzero(valid)
        return cls(samples, source.pixels, colors.counts, inverse, pixels)

    def to_fit(self) -> tuple[NDArray[Any], NDArray[np.int64] | None]:
        """Give the samples and their counts, as a mixture is fitted to them."""
        values, counts = self.samples.values, self.counts
        if len(values) == 1:  # the mixture, as all of scikit-learn's, wants two
            return np.repeat(values, 2, axis=0), None
        return values, counts

    def thinned(self, most: int) -> tuple[NDArray[Any], NDArray[np.int64] | None]:
        """Give `some_rows` of the samples, and their counts."""
        rows = some_rows(len(self.samples.values), most)
        counts = None if self.counts is None else self.counts[rows]
        return self.samples.values[rows], counts

    def by_pixel(self) -> Material:
        """Give the same with a row for each pixel."""
        inverse = self.inverse
        if inverse is None:
            return self
        samples = replace(self.samples, values=self.samples.values[inverse])
        return Material(samples, self.values[inverse], None, None, self.pixels)

    def rows_between(
        self, start: int, stop: int
    ) -> tuple[NDArray[np.intp] | slice, NDArray[Any] | slice]:
        """Give the pixels with flat indices from start to stop, and their rows.

        Returns
        -------
        pixels : ndarray (m,) or slice
            Flat indices less `start`, of those pixels that have a row.
        rows : ndarray (m,) or slice
            The row of each.
        """
        pixels: NDArray[np.intp] | slice = slice(0, stop - start)
        places = slice(start, stop)
        if self.pixels is not None:
            places = slice(*np.searchsorted(self.pixels, [start, stop]).tolist())
            pixels = self.pixels[places] - start
        return pixels, places if self.inverse is None else self.inverse[places]

    def to_picture(self, rows: NDArray[np.uint8], shape: tuple[int, ...]) -> Any:
        """Bring labels of rows, from 0, to the picture (*spatial), from 1."""
        return self.spread(rows + np.uint8(1), shape, 0)

    def collect(self, values: NDArray[Any]) -> NDArray[Any]:
        """Take each row's value from the picture (*spatial): `spread` undone."""
        found = values.reshape(-1)
        if self.pixels is not None:
            found = found[self.pixels]
        if self.inverse is None:
            return found
        rows = np.empty(len(self.samples.values), values.dtype)
        rows[self.inverse] = found
        return rows

    def spread(
        self, rows: NDArray[Any], shape: tuple[int, ...], elsewhere: float
    ) -> NDArray[Any]:
        """Bring a value of each row to the picture (*spatial)."""
        found = rows if self.inverse is None else rows[self.inverse]
        if self.pixels is None:
            return found.reshape(shape)
        values = np.full(shape, elsewhere, rows.dtype)
        values.reshape(-1)[self.pixels] = found
        return values


@dataclass(frozen=True, eq=False)
class DistinctColors:
    """The colors of a picture once each.

    Attributes
    ----------
    source : Picture
        A picture (m, 1) of them.
    counts : ndarray (m,) int64
        How many pixels have each.
    inverse : ndarray (n,) int32
        Which of them each pixel has.
    """

    source: Picture
    counts: NDArray[np.int64]
    inverse: NDArray[np.int32]

    @classmethod
    def of(
        cls, picture: Picture, valid: NDArray[np.bool_] | None = None
    ) -> DistinctColors:
        """Find the colors of all pixels, or of valid ones."""
        codes = picture.pixels if valid is None else picture.values[valid]
        distinct = distinct_rows(codes)
        source = replace(
            picture,
            values=distinct.rows[:, np.newaxis],
            scale=None,
            axis_labels=None,
            companions={},
        )
        return cls(source, distinct.counts, distinct.inverse)


class Measured:
    """What was measured of a picture, whatever the recipe.

    Parameters
    ----------
    picture : Picture
    features : FeatureCache, optional
        What was measured of it before.
    """

    def __init__(self, picture: Picture, features: FeatureCache | None = None) -> None:
        self.picture = picture
        self.features = features or FeatureCache()
        self._lock = Lock()
        self._colors: DistinctColors | None = None

    @property
    def colors(self) -> DistinctColors:
        """Its distinct colors, found when they are first wanted."""
        with self._lock:
            if self._colors is None:
                self._colors = DistinctColors.of(self.picture)
            return self._colors

    def limited_to(self, left: Mapping[Picture, Picture]) -> Measured:
        """Give the same of what is left of the picture; see `FeatureCache.limit_to`."""
        self.features.limit_to(left)
        rest = Measured(left[self.picture], self.features)
        rest._colors = self._colors
        return rest


def some_rows(n: int, most: int) -> NDArray[np.intp] | slice:
    """Choose at most so many of n rows, spread evenly: one at random of each stretch.

    Every so many-th row would be one of a few columns of a picture whose width that
    divides.

    Parameters
    ----------
    n, most : int
        1 or more.

    Returns
    -------
    ndarray (m,) or slice
        In ascending order, the same for the same numbers; all if they are few enough.
    """
    if n <= most:
        return slice(None)
    starts = np.arange(0, n, -(-n // most))
    stops = np.append(starts[1:], n)
    return np.random.default_rng(0).integers(starts, stops, dtype=np.intp)


def without_rounding(
    covariances: NDArray[np.float64], means: NDArray[np.float64], dtype: np.dtype[Any]
) -> NDArray[np.float64]:
    """Set to 0 what rounding left of covariances (K, C, C) of constant channels.

    Parameters
    ----------
    covariances : ndarray (K, C, C)
    means : ndarray (K, C)
        Of the channels in each component.
    dtype : dtype
        What they were computed in.
    """
    precision = 4 * float(np.finfo(dtype).eps)
    variances = np.diagonal(covariances, axis1=1, axis2=2)
    constant = variances <= (precision * means) ** 2
    either = constant[:, :, np.newaxis] | constant[:, np.newaxis]
    return np.where(either, 0.0, covariances)


def check_distinct(values: NDArray[Any], n_components: int) -> None:
    """Refuse fewer distinct samples than components.

    Nearly always the first few rows have enough of them.
    """
    n, d = values.shape
    length = 4 * n_components
    while True:
        rows = values[:length]
        found = len(np.unique(rows, axis=0)) if d > 1 else len(np.unique(rows))
        if found >= n_components:
            return
        if length >= n:
            fewer = "1" if found == 1 else f"{found} or less"
            raise ValueError(
                f"Expected at least {n_components} distinct samples for n_components="
                f"{n_components}, got {found}; lower n_components to {fewer}, or add "
                "features."
            )
        length *= 8
