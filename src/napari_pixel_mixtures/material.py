"""Material: samples to fit, and the way from their rows back to the picture."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from .features import FeatureCache, Samples
from .features.cache import pixels_key
from .last_pictures import FORMER_BYTES, LastPictures
from .mixture.distinct import distinct_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from .features import Feature, FeatureGroup, Picture
    from .last_pictures import PictureSource
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
        cache: MaterialCache | None = None,
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
        cache : MaterialCache, optional
            With it, no feature is computed that was computed before.
        groups : tuple of FeatureGroup, optional
            Features and their factors as measured before, on this picture or
            another, instead of those of the recipe.
        """
        cache = cache or MaterialCache()
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
            return cls._gather_colors(picture, measure, valid, cache)
        samples = measure(picture, valid=valid, cache=cache.features(picture))
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
        cache: MaterialCache,
    ) -> Material:
        """Measure each distinct color once."""
        features = None
        if valid is None:
            colors = cache.colors(picture)
            features = cache.features(picture)
        else:
            colors = DistinctColors.of(picture, valid)
        source, inverse = colors.source, colors.inverse
        samples = measure(source, counts=colors.counts, cache=features)
        if samples.pixels is not None:
            finite = np.zeros(len(source.pixels), bool)
            finite[samples.pixels] = True
            left = np.zeros(picture.shape, bool)
            left[slice(None) if valid is None else valid] = finite[inverse].reshape(
                picture.shape if valid is None else -1
            )
            return cls._gather_colors(picture, measure, left, cache)
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


class MaterialCache:
    """Keeps what was measured last, for fits of one picture with other settings.

    A change of the number of components, say, measures nothing anew; one of a
    feature's weight or influence computes no feature. It may be asked by several
    threads.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._last = LastPictures()
        self._measured: list[_Measured] = []  # the last picture, and the one before
        self._material: _Kept | None = None

    def picture(self, source: PictureSource, anew: bool = False) -> Picture:
        """Read a picture, unless it is the one that was read last.

        Parameters
        ----------
        source : PictureSource
        anew : bool
            Read that one too, and give it back only if its pixels are the same.
        """
        return self._last.read(source, anew)

    def features(self, picture: Picture) -> FeatureCache:
        """Give the features of a picture."""
        with self._lock:
            return self._of(picture).features

    def colors(self, picture: Picture) -> DistinctColors:
        """Give the distinct colors of a picture."""
        with self._lock:
            measured = self._of(picture)
            if measured.colors is None:
                measured.colors = DistinctColors.of(picture)
            return measured.colors

    def _of(self, picture: Picture) -> _Measured:
        """Give what was measured of a picture.

        Of others only the last is kept, if it is small: one may look at another image
        and come back.
        """
        kept = (m for m in self._measured if _same(m.picture, picture))
        found = next(kept, None) or _Measured(picture, FeatureCache())
        others = (m for m in self._measured if m is not found)
        former = [m for m in others if m.features.n_bytes <= FORMER_BYTES]
        self._measured = [found, *former[:1]]
        return found

    def gather(
        self,
        picture: Picture,
        recipe: Recipe,
        valid: NDArray[np.bool_] | None,
        groups: tuple[FeatureGroup, ...] | None = None,
    ) -> Material:
        """Measure a picture as `Material.gather`, unless it was measured last.

        Those pixels of it that are valid; the mask may be another array.
        """
        key = (recipe.features, recipe.scaling)
        with self._lock:
            kept = self._material
        if kept is not None:
            same = kept.key == key
            features: Sequence[Feature] = recipe.features
            if groups is not None:
                same = kept.material.samples.groups == groups
                features = [group.feature for group in groups]
            same &= _same(kept.picture, picture, features)
            if same and _same_pixels(kept.valid, valid):
                return kept.material
        if groups is None:
            with self._lock:
                self._material = kept = None  # its memory may be needed
        material = Material.gather(picture, recipe, valid, self, groups)
        if groups is None:
            with self._lock:
                self._material = _Kept(picture, key, valid, material)
        return material


@dataclass(eq=False)
class _Measured:
    """What was measured of a picture, whatever the recipe."""

    picture: Picture
    features: FeatureCache
    colors: DistinctColors | None = None


@dataclass(frozen=True, eq=False)
class _Kept:
    """What was measured last, and of what."""

    picture: Picture
    key: tuple[Any, ...]
    valid: NDArray[np.bool_] | None
    material: Material


def _same(some: Picture, other: Picture, features: Sequence[Feature] = ()) -> bool:
    """Tell whether features read the same of two pictures."""
    return pixels_key(some, features) == pixels_key(other, features)


def _same_pixels(
    some: NDArray[np.bool_] | None, others: NDArray[np.bool_] | None
) -> bool:
    if some is None or others is None:
        return some is others
    return np.array_equal(some, others)


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
