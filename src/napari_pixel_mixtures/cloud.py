"""color_cloud: a clustering -> points in 3-D."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING, Any, Literal, TypeGuard

import numpy as np

from .features.checks import MAX_SEED, whole
from .mixture.whitening import whitening_transform
from .space import space_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .clusters import Clustering
    from .space import Axes, Space


@dataclass(frozen=True, eq=False)
class ColorCloud:
    """Pixels as points in the space of their channels.

    Attributes
    ----------
    points : ndarray (m, 3) float32
        ``(coordinates - center) @ transform``, the coordinates those of the axes:
        by default channel values, of which the first three; a missing one is 0.
    colors : ndarray (m, 3) float32
        Red, green and blue from 0 to 1.
    pixels : ndarray (m,) intp
        Flat index of each point's pixel, ascending.
    labels : ndarray (m,) uint8
        Label of each point's pixel.
    axes : tuple of 3 str
        Name of each axis, empty if there are fewer. A whitened axis is called
        "white R" after the one that it correlates best with; it counts standard
        deviations.
    center : ndarray (3,) float64
        In the units of the axes; 0 if not whitened.
    transform : ndarray (3, 3) float64
        The identity if not whitened.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_pixel_mixtures import cluster, color_cloud
    >>> image = np.array([[[255, 0, 0], [250, 0, 0]], [[0, 0, 255], [0, 0, 255]]])
    >>> cloud = color_cloud(cluster(image, n_components=2), color_by="pixel")
    >>> cloud.points[:2]
    array([[255.,   0.,   0.],
           [250.,   0.,   0.]], dtype=float32)
    >>> cloud.colors[0]
    array([1., 0., 0.], dtype=float32)
    >>> cloud.pixels
    array([0, 1, 2, 3])
    """

    points: NDArray[np.float32]
    colors: NDArray[np.float32]
    pixels: NDArray[np.intp]
    labels: NDArray[np.uint8]
    axes: tuple[str, str, str]
    center: NDArray[np.float64]
    transform: NDArray[np.float64]

    def __repr__(self) -> str:
        """One line; its points would fill the console."""
        return f"ColorCloud(n_points={len(self.points)}, axes={self.axes})"


def color_cloud(
    clustering: Clustering,
    whiten: Literal["pooled"] | int | None = None,
    max_points: int = 5000,
    random_state: int = 0,
    color_by: Literal["pixel", "cluster"] | None = None,
    axes: Axes = "channels",
) -> ColorCloud:
    """Show the pixels of a clustering as points.

    Parameters
    ----------
    clustering : Clustering
    whiten : None, "pooled" or int
        None shows channel values as they are. "pooled" whitens with the pooled
        covariance, the mean of the components' covariances by their weights: where
        clusters differ only by their means, each becomes a unit ball. A label 1 to K
        shows only that component's pixels, whitened with its own covariance.
    max_points : int
        More pixels are thinned to this number, at random without replacement.
    random_state : int
        Seed of the thinning.
    color_by : {"pixel", "cluster"}, optional
        Color of each point: its pixel's own, or its component's. By default
        its own if one component is shown, else its component's.
    axes : {"channels", "principal"} or tuple of 3 str
        As for `space_of`: the channels, the principal components of the mixture, or
        three features by their names.

    Returns
    -------
    ColorCloud

    Raises
    ------
    ValueError
        `whiten` is no such label, `max_points` is less than 1, or `color_by` or
        `random_state` is out of its range.

    Notes
    -----
    A direction without variance cannot be whitened: all points are 0 there (the
    pseudo-inverse of `whitening_transform`). A gray picture stored as RGB has two.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_pixel_mixtures import cluster, color_cloud
    >>> image = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    >>> clustering = cluster(image, n_components=2)
    >>> cloud = color_cloud(clustering, whiten="pooled", max_points=1000)
    >>> cloud.points.shape
    (1000, 3)
    >>> cloud.axes
    ('white R', 'white G', 'white B')
    """
    space = space_of(clustering, axes)
    center, transform = whitening(space, whiten, clustering.picture.float_type)
    max_points = whole("max_points", max_points, 1, 2**31 - 1)
    random_state = whole("random_state", random_state, 0, MAX_SEED)
    if color_by not in (None, "pixel", "cluster"):
        raise ValueError(
            f"Expected color_by to be 'pixel' or 'cluster', got {color_by!r}."
        )
    one_component = whiten not in (None, "pooled")
    labels = clustering.labels.reshape(-1)
    shown = labels == whiten if one_component else labels > 0
    pixels = np.flatnonzero(shown)
    if len(pixels) > max_points:
        random = np.random.default_rng(random_state)
        chosen = random.choice(len(pixels), max_points, replace=False, shuffle=False)
        pixels = pixels[np.sort(chosen)]
    picture = clustering.picture
    values = picture.pixels[pixels].astype(np.float64)
    if color_by is None:
        color_by = "pixel" if one_component else "cluster"
    if color_by == "pixel":
        colors = picture.to_rgb(values)
    else:
        colors = picture.to_rgb(clustering.colors)[labels[pixels] - 1]
    return ColorCloud(
        points=((space.read(pixels) - center) @ transform).astype(np.float32),
        colors=colors.astype(np.float32),
        pixels=pixels,
        labels=labels[pixels],
        axes=space.names if whiten is None else _white(space.names),
        center=center,
        transform=transform,
    )


def _white(names: tuple[str, str, str]) -> tuple[str, str, str]:
    first, second, third = (name and f"white {name}" for name in names)
    return first, second, third


def whitening(
    space: Space, whiten: Literal["pooled"] | int | None, float_type: np.dtype[Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Center (3,) and transform (3, 3) of a whitened view of a space.

    `float_type` is that of the fit, which leaves its noise where there is no
    variance.
    """
    n_components = len(space.weights)
    if whiten is None:
        return np.zeros(3), np.eye(3)
    if isinstance(whiten, str) and whiten == "pooled":
        center = space.weights @ space.means
        covariance = np.tensordot(space.weights, space.covariances, axes=1)
    elif _is_label(whiten, n_components):
        center = space.means[whiten - 1]
        covariance = space.covariances[whiten - 1]
    else:
        raise ValueError(
            f"Expected whiten to be None, 'pooled' or a label from 1 to "
            f"{n_components}, got {whiten!r}."
        )
    used = sum(name != "" for name in space.names)
    transform = np.zeros((3, 3))
    transform[:used, :used] = whitening_transform(
        covariance[:used, :used],
        pseudo_inverse=True,
        precision=float(np.finfo(float_type).eps),
    )
    return center, transform


def _is_label(whiten: object, n_components: int) -> TypeGuard[int]:
    # True is an int, but "whiten=True" does not mean the first component.
    number = isinstance(whiten, Integral) and not isinstance(whiten, bool)
    return number and 1 <= whiten <= n_components  # type: ignore[operator]
