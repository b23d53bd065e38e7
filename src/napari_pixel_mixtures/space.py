"""Space: three axes in which pixels are points and components are ellipsoids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from .features import Color, values_at
from .mixture.covariance import COVARIANCE_TYPES

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from .clusters import Clustering

Axes = Literal["channels", "principal"] | tuple[str, str, str]


@dataclass(frozen=True, eq=False)
class Space:
    """Three axes of a clustering, and its Gaussians along them.

    Attributes
    ----------
    names : tuple of 3 str
        Name of each axis; empty where there are fewer than three.
    means : ndarray (K, 3) float64
        Mean of each component.
    covariances : ndarray (K, 3, 3) float64
        Covariance of each component: its marginal over the three axes.
    weights : ndarray (K,) float64
        Weight of each component.
    read : callable
        Gives the coordinates (m, 3) of pixels, from their flat indices (m,).
    """

    names: tuple[str, str, str]
    means: NDArray[np.float64]
    covariances: NDArray[np.float64]
    weights: NDArray[np.float64]
    read: Callable[[NDArray[np.intp]], NDArray[np.float64]]

    def ellipsoids(
        self, deviations: float = 1.0
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Give the surfaces that lie some standard deviations from the means.

        Parameters
        ----------
        deviations : float
            Standard deviations, the Mahalanobis distance of the surface.

        Returns
        -------
        centers : ndarray (K, 3)
        axes : ndarray (K, 3, 3)
            ``center + u @ axes`` is on the surface for every unit vector u.
        """
        eigenvalues, vectors = np.linalg.eigh(self.covariances)
        radii = deviations * np.sqrt(np.maximum(eigenvalues, 0.0))
        axes = (vectors * radii[:, np.newaxis]) @ vectors.transpose(0, 2, 1)
        return self.means, axes


def space_of(clustering: Clustering, axes: Axes = "channels") -> Space:
    """Choose three axes.

    Parameters
    ----------
    clustering : Clustering
    axes : {"channels", "principal"} or sequence of 3 str
        "channels" are the first three channels of the picture, in image units;
        "principal" the principal components of the mixture in its scaled features;
        or the names of three features (`clustering.feature_names`), in their own
        units.

    Raises
    ------
    ValueError
        The axes are none of these.

    Examples
    --------
    >>> from napari_pixel_mixtures import Color, Position, cluster
    >>> image = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    >>> clustering = cluster(image, features=[Color(), Position()])
    >>> space_of(clustering, ("R", "X", "Y")).names
    ('R', 'X', 'Y')
    >>> space_of(clustering, "principal").names
    ('PC 1', 'PC 2', 'PC 3')
    """
    if isinstance(axes, str) and axes == "channels":
        return _channels(clustering)
    if isinstance(axes, str) and axes == "principal":
        return _principal(clustering)
    known = clustering.feature_names
    names = tuple(axes) if isinstance(axes, tuple | list) else ()
    if len(names) != 3 or not all(name in known for name in names):
        raise ValueError(
            "Expected axes to be 'channels', 'principal' or three names among "
            f"{known}, got {axes!r}."
        )
    factors = np.concatenate(
        [np.full(group.stop - group.start, group.factor) for group in clustering.groups]
    )
    matrix = np.zeros((len(known), 3))
    for axis, name in enumerate(names):
        column = known.index(name)
        matrix[column, axis] = 1 / factors[column]
    return _projected(clustering, matrix, names)


def telling_channels(clustering: Clustering) -> tuple[str, str, str]:
    """Choose three channels that tell the components apart.

    Parameters
    ----------
    clustering : Clustering
        Of a picture of at least three channels.

    Returns
    -------
    tuple of 3 str
        The channels of whose variance the largest shares lie between components, in
        the order of the picture.

    Examples
    --------
    >>> from napari_pixel_mixtures import cluster
    >>> image = np.random.default_rng(0).random((30, 40, 5))
    >>> image[:, 20:, [0, 3, 4]] += 5
    >>> telling_channels(cluster(image, 2, channel_axis=-1))
    ('channel 0', 'channel 3', 'channel 4')
    """
    weights = clustering.mixture.weights_.astype(np.float64)
    centered = clustering.colors - weights @ clustering.colors
    between = weights @ centered**2
    within = weights @ np.diagonal(clustering.color_covariances, axis1=1, axis2=2)
    total = between + within
    shares = np.divide(between, total, out=np.zeros_like(total), where=total > 0)
    best = np.sort(np.argsort(-shares, kind="stable")[:3])
    first, second, third = (clustering.picture.channel_names[i] for i in best)
    return first, second, third


def _channels(clustering: Clustering) -> Space:
    picture = clustering.picture
    used = min(picture.n_channels, 3)
    means = _padded(_channel_means(clustering))
    covariances = np.zeros((len(means), 3, 3))
    covariances[:, :used, :used] = clustering.color_covariances[:, :used, :used]
    names = (*picture.channel_names[:used], "", "")
    return Space(
        (names[0], names[1], names[2]),
        means,
        covariances,
        clustering.mixture.weights_.astype(np.float64),
        lambda pixels: _padded(picture.pixels[pixels].astype(np.float64)),
    )


def _channel_means(clustering: Clustering) -> NDArray[np.float64]:
    """Mean of each component over the channels, (K, C), in image units.

    As the covariances, the mixture's own if color is among its features: the colors
    are means by the responsibilities that follow from it, one step of EM further.
    """
    for group in clustering.groups:
        if isinstance(group.feature, Color):
            own = clustering.mixture.means_[:, group.columns].astype(np.float64)
            means: NDArray[np.float64] = own / group.factor
            return means
    return clustering.colors


def _principal(clustering: Clustering) -> Space:
    mixture = clustering.mixture
    weights = mixture.weights_.astype(np.float64)
    means = mixture.means_.astype(np.float64)
    centered = means - weights @ means
    # The law of total covariance: within the components, and between them.
    within = np.tensordot(weights, _matrices(clustering), axes=1)
    covariance = within + (weights * centered.T) @ centered
    _, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    matrix = vectors[:, ::-1][:, :3]
    # The sign of a component is free: let its largest entry be positive.
    largest = np.abs(matrix).argmax(axis=0)
    matrix = matrix * np.sign(matrix[largest, np.arange(matrix.shape[1])])
    names = tuple(f"PC {i + 1}" if i < matrix.shape[1] else "" for i in range(3))
    return _projected(clustering, _padded(matrix), (names[0], names[1], names[2]))


def _projected(
    clustering: Clustering, matrix: NDArray[np.float64], names: tuple[str, str, str]
) -> Space:
    """See the features through a matrix (d, 3)."""
    mixture = clustering.mixture

    def read(pixels: NDArray[np.intp]) -> NDArray[np.float64]:
        coordinates = np.zeros((len(pixels), 3))
        for group in clustering.groups:
            columns = values_at(clustering.picture, group.feature, pixels)
            coordinates += columns @ (group.factor * matrix[group.columns])
        return coordinates

    return Space(
        names,
        mixture.means_.astype(np.float64) @ matrix,
        matrix.T @ _matrices(clustering) @ matrix,
        mixture.weights_.astype(np.float64),
        read,
    )


def _matrices(clustering: Clustering) -> NDArray[np.float64]:
    """Covariance matrices (K, d, d) of the mixture, in float64 and symmetric."""
    mixture = clustering.mixture
    kind = COVARIANCE_TYPES[mixture.covariance_type]
    shape = mixture.means_.shape
    matrices = kind.matrices(mixture.covariances_, *shape).astype(np.float64)
    symmetric: NDArray[np.float64] = (matrices + matrices.transpose(0, 2, 1)) / 2
    return symmetric


def _padded(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Take the first three columns of (..., C), with 0 for those missing."""
    padded = np.zeros((*values.shape[:-1], 3))
    used = min(values.shape[-1], 3)
    padded[..., :used] = values[..., :used]
    return padded
