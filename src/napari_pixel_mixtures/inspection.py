"""inspect_pixel: what a mixture says about one pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .features import values_at
from .mixture.covariance import COVARIANCE_TYPES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .clusters import Clustering


@dataclass(frozen=True, eq=False)
class PixelReport:
    """What a mixture says about one pixel.

    Attributes
    ----------
    features : dict of str to float
        Value of each feature, in its own units.
    labels : ndarray (m,) int
        The most probable components, best first, by their labels.
    probabilities : ndarray (m,) float64
        Their responsibilities for the pixel.
    distances : ndarray (m,) float64
        Mahalanobis distance of the pixel from each of them, in standard deviations.
    """

    features: dict[str, float]
    labels: NDArray[np.intp]
    probabilities: NDArray[np.float64]
    distances: NDArray[np.float64]


def inspect_pixel(clustering: Clustering, pixel: int, most: int = 3) -> PixelReport:
    """Tell the features of a pixel and its most probable components.

    Parameters
    ----------
    clustering : Clustering
    pixel : int
        Flat index into the image.
    most : int
        How many components to tell of.

    Raises
    ------
    IndexError
        There is no such pixel.

    Examples
    --------
    >>> from napari_pixel_mixtures import cluster
    >>> image = np.zeros((4, 6), np.uint8)
    >>> image[:, 4:] = 200
    >>> report = inspect_pixel(cluster(image, 2), pixel=5)
    >>> report.features, report.labels.tolist(), report.probabilities.round(3).tolist()
    ({'gray': 200.0}, [2, 1], [1.0, 0.0])
    """
    if not 0 <= pixel < clustering.labels.size:
        raise IndexError(
            f"Expected a pixel from 0 to {clustering.labels.size - 1}, got {pixel}."
        )
    mixture = clustering.mixture
    place = np.array([pixel], np.intp)
    raw = np.concatenate(
        [values_at(clustering.picture, g.feature, place) for g in clustering.groups],
        axis=1,
        dtype=np.float64,
    )[0]
    factors = np.concatenate(
        [np.full(g.stop - g.start, g.factor) for g in clustering.groups]
    )
    offsets = raw * factors - mixture.means_
    kind = COVARIANCE_TYPES[mixture.covariance_type]
    roots = kind.matrices(mixture.precisions_cholesky_, *mixture.means_.shape)
    whitened = np.einsum("kd,kde->ke", offsets, roots.astype(np.float64))
    logarithms = np.log(np.diagonal(roots, axis1=1, axis2=2).astype(np.float64))
    exponents = 1.0 if mixture.exponents is None else np.asarray(mixture.exponents)
    terms = exponents * (logarithms - whitened**2 / 2)
    scores = np.log(mixture.weights_) + terms.sum(axis=1)
    squares = (whitened**2).sum(axis=1)
    probabilities = np.exp(scores - scores.max())
    probabilities /= probabilities.sum()
    best = np.argsort(-probabilities, kind="stable")[:most]
    return PixelReport(
        features=dict(zip(clustering.feature_names, raw.tolist(), strict=True)),
        labels=best + 1,
        probabilities=probabilities[best],
        distances=np.sqrt(squares[best]),
    )
