"""CloudScene: all that a canvas draws of a clustering, as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_pixel_mixtures.cloud import color_cloud
from napari_pixel_mixtures.space import space_of

from .cloud_axes import Frame

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_pixel_mixtures.cloud import ColorCloud
    from napari_pixel_mixtures.clusters import Clustering
    from napari_pixel_mixtures.space import Space

    from .cloud_view import CloudSettings

BACKGROUND = (0.29, 0.29, 0.29)  # on which dark and bright points both show
FLATTEST = 1e-3  # of its width
ELLIPSOID_ALPHA = 0.18
POINT_PIXELS = 3.0  # size of a point, in screen pixels
DIMMED = 0.85  # how far points that are not selected fade into the background
VISIBLE_SHARE = 99.0  # percent of the points that lie within the frame, for each axis


@dataclass(frozen=True, eq=False)
class Gaussians:
    """Ellipsoids in the units of the axes; none if K is 0.

    Attributes
    ----------
    centers, axes, colors : ndarray (K, 3), (K, 3, 3), (K, 4)
        As for `mesh`.
    """

    centers: NDArray[np.float64]
    axes: NDArray[np.float64]
    colors: NDArray[np.float64]

    def equals(self, other: Gaussians) -> bool:
        """Tell whether the others look the same."""
        return all(
            np.array_equal(getattr(self, name), getattr(other, name))
            for name in ("centers", "axes", "colors")
        )


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
        Affine, of row vectors: whitens, and brings the frame into the unit ball.
    gaussians : Gaussians
    frame : Frame
        What is `framed`.
    """

    space: Space
    points: NDArray[np.float32]
    colors: NDArray[np.float32]
    pixels: NDArray[np.intp]
    map: NDArray[np.float64]
    gaussians: Gaussians
    frame: Frame


def cloud_scene(clustering: Clustering, settings: CloudSettings) -> CloudScene:
    """Lay out the scene of a clustering.

    Raises
    ------
    ValueError
        A setting is out of its range.
    """
    space = space_of(clustering, settings.axes)
    cloud = color_cloud(
        clustering,
        whiten=settings.whiten,
        max_points=settings.max_points,
        color_by=settings.color_by,
        axes=settings.axes,
    )
    points = space.read(cloud.pixels)
    gaussians = shown_gaussians(clustering, settings)
    low, high = framed(clustering, cloud, settings)
    fit = fitting_map(low, high)
    return CloudScene(
        space=space,
        points=points.astype(np.float32),
        colors=np.column_stack([cloud.colors, np.ones(len(points))]).astype(np.float32),
        pixels=cloud.pixels,
        map=thickened(affine(cloud.center, cloud.transform) @ fit),
        gaussians=gaussians,
        frame=Frame(low, high, cloud.axes, fit),
    )


def framed(
    clustering: Clustering, cloud: ColorCloud, settings: CloudSettings
) -> NDArray[np.float64]:
    """Give the corners (2, 3) of the box round a cloud, in the units of its axes.

    Of raw channels from black to bright; else it holds nearly all points.
    """
    if settings.axes != "channels" or settings.whiten is not None:
        return visible_range(cloud.points)
    corners = np.zeros((2, 3))
    limits = clustering.picture.limits[:, :3]
    corners[:, : limits.shape[1]] = limits
    return corners


def shown_gaussians(clustering: Clustering, settings: CloudSettings) -> Gaussians:
    """Give the ellipsoids of all components, or of the one that is shown."""
    centers, axes = space_of(clustering, settings.axes).ellipsoids(settings.deviations)
    palette = clustering.picture.to_rgb(clustering.colors)
    colors = np.column_stack([palette, np.full(len(palette), ELLIPSOID_ALPHA)])
    shown = slice(None)
    if settings.deviations == 0:
        shown = slice(0)
    elif isinstance(settings.whiten, int):
        shown = slice(settings.whiten - 1, settings.whiten)
    return Gaussians(centers[shown], axes[shown], colors[shown])


def dimmed(
    colors: NDArray[np.float32],
    pixels: NDArray[np.intp],
    mask: NDArray[np.bool_] | None,
) -> NDArray[np.float32]:
    """Let the colors (m, 4) of points fade whose pixels (m,) are not in a mask."""
    if mask is None:
        return colors
    colors = colors.copy()
    dim = ~mask.reshape(-1)[pixels]
    colors[dim, :3] += (np.array(BACKGROUND) - colors[dim, :3]) * DIMMED
    return colors


def affine(
    center: NDArray[np.float64], transform: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Give the affine map (4, 4), of row vectors, that whitens."""
    matrix = np.eye(4)
    matrix[:3, :3] = transform
    matrix[3, :3] = -center @ transform
    return matrix


def thickened(
    matrix: NDArray[np.float64], flattest: float = FLATTEST
) -> NDArray[np.float64]:
    """Give an affine map (4, 4) that flattens space, as graphics cannot, some depth.

    Whitening flattens directions without variance: two of a gray picture in RGB.

    Parameters
    ----------
    matrix : ndarray (4, 4)
    flattest : float
        The least depth, as a part of the width, from 0 to 1.
    """
    left, scales, right = np.linalg.svd(matrix[:3, :3])
    least = flattest * (scales[0] or 1.0)
    if scales[2] >= least:
        return matrix
    thick = matrix.copy()
    thick[:3, :3] = left * np.maximum(scales, least) @ right
    return thick


def fitting_map(
    low: NDArray[np.float64], high: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Give the affine map (4, 4) that brings a box (3,), (3,) into the unit ball."""
    radius = float(np.linalg.norm(high - low)) / 2
    scale = 1.0 / radius if radius > 0 else 1.0
    matrix = np.diag([scale, scale, scale, 1.0])
    matrix[3, :3] = -(low + high) / 2 * scale
    return matrix


def visible_range(points: NDArray[np.floating]) -> NDArray[np.float64]:
    """Smallest and largest coordinates, (2, 3), without the outermost points."""
    if len(points) == 0:
        return np.zeros((2, 3))
    beyond = (100 - VISIBLE_SHARE) / 2
    limits: NDArray[np.float64] = np.percentile(
        np.asarray(points, np.float64), [beyond, 100 - beyond], axis=0
    )
    return limits


def principal_directions(points: NDArray[np.floating]) -> NDArray[np.float64]:
    """Give unit vectors (3, 3), as rows: points (m, 3) spread most along the first."""
    centered = np.asarray(points, np.float64) - np.mean(points, axis=0)
    _, vectors = np.linalg.eigh(centered.T @ centered)
    directions: NDArray[np.float64] = vectors.T[::-1]
    return directions
