"""Material: samples to fit, and the way from their rows back to the picture."""

from __future__ import annotations

from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from .features import Samples
from .mixture.distinct import distinct_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from .features import Picture
    from .mixture import FastGaussianMixture
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
        cls, picture: Picture, recipe: Recipe, valid: NDArray[np.bool_] | None
    ) -> Material:
        """Measure the picture: each distinct color once where color is all."""
        counts = inverse = None
        source = picture
        pixels = None if valid is None else np.flatnonzero(valid)
        pixelwise = all(f.pixelwise for f in recipe.features if f.used)
        if pixelwise and picture.values.dtype == np.uint8 and picture.n_channels <= 4:
            codes = picture.pixels if pixels is None else picture.pixels[pixels]
            distinct = distinct_rows(codes)
            counts, inverse = distinct.counts, distinct.inverse
            source = replace(picture, values=distinct.rows[:, np.newaxis])
            valid = None
        samples = Samples.measure(
            source, recipe.features, recipe.scaling, valid, counts
        )
        values = source.pixels
        if samples.pixels is not None:
            values = values[samples.pixels]
        return cls(samples, values, counts, inverse, pixels)

    def thinned(self, step: int) -> tuple[NDArray[Any], NDArray[np.int64] | None]:
        """Give every so many-th row of the samples, and its count."""
        counts = None if self.counts is None else self.counts[::step]
        return self.samples.values[::step], counts

    def to_picture(self, rows: NDArray[np.uint8], shape: tuple[int, ...]) -> Any:
        """Bring labels of rows, from 0, to the picture (*spatial), from 1."""
        found = rows + np.uint8(1)
        if self.inverse is not None:
            found = found[self.inverse]
        if self.pixels is None:
            return found.reshape(shape)
        labels = np.zeros(shape, np.uint8)
        labels.reshape(-1)[self.pixels] = found
        return labels


class MaterialCache:
    """Keeps what was measured last, for fits of one picture with other settings.

    A change of the number of components, say, measures nothing anew. It may be asked
    by several threads.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._picture: tuple[Any, bool, Picture] | None = None
        self._material: tuple[Picture, tuple[Any, ...], Material] | None = None

    def picture(
        self, data: Any, rgb: bool, read: Callable[[Any, bool], Picture]
    ) -> Picture:
        """Read an array, unless it is the one that was read last."""
        with self._lock:
            kept = self._picture
        if kept is not None and kept[0] is data and kept[1] == rgb:
            return kept[2]
        picture = read(data, rgb)
        with self._lock:
            self._picture = (data, rgb, picture)
        return picture

    def gather(
        self, picture: Picture, recipe: Recipe, valid: NDArray[np.bool_] | None
    ) -> Material:
        """Measure a picture as `Material.gather`, unless it was measured last."""
        key = (recipe.features, recipe.scaling)
        with self._lock:
            kept = self._material
        if valid is None and kept is not None and kept[0] is picture and kept[1] == key:
            return kept[2]
        material = Material.gather(picture, recipe, valid)
        if valid is None:
            with self._lock:
                self._material = (picture, key, material)
        return material


def value_covariances(
    mixture: FastGaussianMixture, material: Material, means: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Responsibility-weighted covariance of each component's values, (K, C, C).

    About the component's own mean and in float64, so that it has no negative
    eigenvalue where all pixels of a component are of one color or nearly so.
    """
    samples, values, counts = material.samples.values, material.values, material.counts
    n_components, n_channels = means.shape
    sums = np.zeros((n_components, n_channels, n_channels))
    totals = np.zeros(n_components)
    length = 2**16
    for start in range(0, len(values), length):
        rows = slice(start, start + length)
        block = values[rows].astype(np.float64)
        shares = mixture.predict_proba(samples[rows]).astype(np.float64)
        if counts is not None:
            shares *= counts[rows, np.newaxis]
        totals += shares.sum(axis=0)
        for k in range(n_components):
            centered = block - means[k]
            sums[k] += (centered * shares[:, k : k + 1]).T @ centered
    covariances = sums / np.maximum(totals, np.finfo(float).tiny)[:, None, None]
    # What is left of a constant channel is the rounding of its mean.
    precision = 4 * float(np.finfo(samples.dtype).eps)
    largest = np.maximum(
        np.abs(values.max(axis=0).astype(np.float64)),
        np.abs(values.min(axis=0).astype(np.float64)),
    )
    variances = np.diagonal(covariances, axis1=1, axis2=2)
    constant = variances <= (precision * largest) ** 2
    covariances[constant[:, :, None] | constant[:, None, :]] = 0.0
    return covariances


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
            raise ValueError(
                f"Expected at least {n_components} distinct samples for n_components="
                f"{n_components}, got {found}; lower n_components to {found} or less, "
                "or add features."
            )
        length *= 8
