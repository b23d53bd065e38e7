"""Ellipsoids: the meshes and outlines that show Gaussians."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from vispy.geometry import create_sphere

if TYPE_CHECKING:
    from numpy.typing import NDArray

SPHERE = create_sphere(rows=14, cols=20, method="latitude")
CENTER_SIZE = 0.1  # of an ellipsoid: the mark at its center
BRIGHT = 0.6  # mean channel above which a color needs black beside it
TURN = np.linspace(0, 2 * np.pi, 49)
# Three great circles of the unit sphere, as pairs of places that lines join.
CIRCLES = np.concatenate(
    [
        np.repeat(
            np.roll(np.stack([np.cos(TURN), np.sin(TURN), 0 * TURN], 1), axis, 1),
            2,
            axis=0,
        )[1:-1]
        for axis in range(3)
    ]
)


def mesh(
    centers: NDArray[np.float64],
    axes: NDArray[np.float64],
    colors: NDArray[np.float64],
) -> tuple[NDArray[np.float32], NDArray[np.uint32], NDArray[np.float32]]:
    """Join ellipsoids to one mesh: unit spheres through `axes` (K, 3, 3).

    Returns
    -------
    vertices : ndarray (K v, 3) float32
    faces : ndarray (K f, 3) uint32
    vertex_colors : ndarray (K v, 4) float32
        From `colors` (K, 4).
    """
    sphere, faces = SPHERE.get_vertices(), SPHERE.get_faces()
    vertices = centers[:, np.newaxis] + sphere @ axes
    shifts = len(sphere) * np.arange(len(centers))[:, np.newaxis, np.newaxis]
    return (
        vertices.reshape(-1, 3).astype(np.float32),
        (faces + shifts).reshape(-1, 3).astype(np.uint32),
        np.repeat(colors, len(sphere), axis=0).astype(np.float32),
    )


def contrasts(colors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give for each of the colors (K, 4) black or white, opaque (K, 4)."""
    dark = colors[:, :3].mean(axis=1, keepdims=True) < BRIGHT
    return np.column_stack([np.repeat(dark, 3, axis=1), np.ones(len(colors))])


def with_centers(
    centers: NDArray[np.float64],
    axes: NDArray[np.float64],
    colors: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Add to ellipsoids, as for `mesh`, an opaque small one at each center, last.

    It is half as bright or dark as its contrast, for its points have its color.
    """
    marks = (colors + contrasts(colors)) / 2
    marks[:, 3] = 1.0
    return (
        np.concatenate([centers, centers]),
        np.concatenate([axes, CENTER_SIZE * axes]),
        np.concatenate([colors, marks]),
    )


def outlines(
    centers: NDArray[np.float64], axes: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Give three great circles of each ellipsoid, (K m, 3), as pairs for lines."""
    places = centers[:, np.newaxis] + CIRCLES @ axes
    return places.reshape(-1, 3).astype(np.float32)
