"""CloudScene: all that a canvas draws of a clustering, as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_pixel_mixtures.cloud import color_cloud, whitening
from napari_pixel_mixtures.space import space_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_pixel_mixtures.clusters import Clustering
    from napari_pixel_mixtures.space import Space

    from .cloud_view import CloudSettings

ELLIPSOID_ALPHA = 0.18
VISIBLE_SHARE = 99.0  # percent of the points that the view brings into the unit ball


@dataclass(frozen=True, eq=False)
class CloudScene:
    """What is drawn, in the units of the axes, and the map it is seen through.

    Attributes
    ----------
    space : Space
    points : ndarray (m, 3) float32
    colors : ndarray (m, 4) float32
    pixels : ndarray (m,) intp
        Flat index of each point's pixel.
    map : ndarray (4, 4)
        Affine, of row vectors: whitens, and brings the cloud into the unit ball.
    centers, axes, ellipsoid_colors : ndarray (K, 3), (K, 3, 3), (K, 4)
        The Gaussians that are shown; none if K is 0.
    low, high : ndarray (3,)
        Corners of the frame: what is black and what is bright.
    n_pixels : int
        Number of pixels of the picture.
    """

    space: Space
    points: NDArray[np.float32]
    colors: NDArray[np.float32]
    pixels: NDArray[np.intp]
    map: NDArray[np.float64]
    centers: NDArray[np.float64]
    axes: NDArray[np.float64]
    ellipsoid_colors: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    n_pixels: int


def cloud_scene(clustering: Clustering, settings: CloudSettings) -> CloudScene:
    """Lay out the scene of a clustering.

    Raises
    ------
    ValueError
        A setting is out of its range.
    """
    picture = clustering.picture
    space = space_of(clustering, settings.axes)
    cloud = color_cloud(
        clustering,
        whiten=settings.whiten,
        max_points=settings.max_points,
        color_by=settings.color_by,
        axes=settings.axes,
    )
    center, transform = whitening(space, settings.whiten, picture.float_type)
    points = space.read(cloud.pixels)
    shown = slice(None)
    if isinstance(settings.whiten, int):
        shown = slice(settings.whiten - 1, settings.whiten)
    centers, axes = space.ellipsoids(settings.deviations)
    if settings.deviations == 0:
        shown = slice(0)
    palette = picture.to_rgb(clustering.colors)
    alphas = np.full((len(palette), 1), ELLIPSOID_ALPHA)
    if settings.axes == "channels":
        low, high = np.zeros((2, 3))
        used = min(picture.n_channels, 3)
        low[:used], high[:used] = picture.limits[:, :used]
    else:
        low, high = _range(points)
    return CloudScene(
        space=space,
        points=points.astype(np.float32),
        colors=np.column_stack([cloud.colors, np.ones(len(points))]).astype(np.float32),
        pixels=cloud.pixels,
        map=fitting_map(points, center, transform),
        centers=centers[shown],
        axes=axes[shown],
        ellipsoid_colors=np.column_stack([palette, alphas])[shown],
        low=low,
        high=high,
        n_pixels=clustering.labels.size,
    )


def fitting_map(
    points: NDArray[np.float64],
    center: NDArray[np.float64],
    transform: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Give the affine map (4, 4) that whitens, then brings most points in view."""
    seen = (points - center) @ transform
    middle = np.mean(_range(seen), axis=0)
    distances = np.linalg.norm(seen - middle, axis=1)
    radius = np.percentile(distances, VISIBLE_SHARE) if len(points) else 1.0
    scale = 1.0 / radius if radius > 0 else 1.0
    matrix = np.eye(4)
    matrix[:3, :3] = transform * scale
    matrix[3, :3] = -(center @ transform + middle) * scale
    return matrix


def _range(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Smallest and largest coordinates, (2, 3), without the outermost points."""
    if len(points) == 0:
        return np.zeros((2, 3))
    beyond = (100 - VISIBLE_SHARE) / 2
    limits: NDArray[np.float64] = np.percentile(points, [beyond, 100 - beyond], axis=0)
    return limits
