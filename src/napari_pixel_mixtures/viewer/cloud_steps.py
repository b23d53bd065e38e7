"""How flat and how far a cloud may be for napari, which counts steps of its layers."""

from __future__ import annotations

from contextlib import ExitStack
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from .cloud_scene import FLATTEST, thickened

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from napari.components import ViewerModel
    from napari.layers import Layer
    from numpy.typing import NDArray

COUNTED = 2e9  # steps that napari's sliders count, which they do in 32 bits
MOST_STEPS = 1e8  # of a cloud, beyond which its ellipsoids may reach
FLAT = 0.05  # part of its width that a cloud may be deep and look flat


def see_through(
    viewer: ViewerModel, layers: Sequence[Layer], matrix: NDArray[np.float64]
) -> None:
    """See layers of three axes through an affine map (4, 4), of row vectors.

    The first one has the points.
    """
    affine = thickened(matrix, _flattest(viewer, layers, matrix)).T
    with ExitStack() as stack:
        # Their data stay as they are, and napari would upload them for each change.
        for layer in layers:
            stack.enter_context(layer.events.set_data.blocker())
        # It would count the steps of those that were moved across those that were not.
        for layer in layers[:-1]:
            moved = layer.events.affine
            stack.enter_context(moved.blocker(viewer._on_layers_change))
        for layer in layers:
            layer.affine = affine


def _flattest(
    viewer: ViewerModel, layers: Sequence[Layer], matrix: NDArray[np.float64]
) -> float:
    """Give the least depth that napari can count steps of, as a part of the width."""
    points = layers[0].data
    widest = float(np.linalg.norm(matrix[:3, :3], 2)) or 1.0
    step = _least_step(viewer, layers, points, matrix)
    return max(FLATTEST, width(points) / MOST_STEPS, step / widest)


def _least_step(
    viewer: ViewerModel,
    layers: Collection[Layer | None],
    points: NDArray[Any],
    matrix: NDArray[np.float64],
) -> float:
    """Give the least step of layers that napari can count.

    It counts from the first to the last place of any layer: these with points (m, 3)
    seen through a map, and the others. Which axis a place is on is left out of account.
    """
    places = [layer.extent.world for layer in viewer.layers if layer not in layers]
    if len(points):
        corners = np.array(list(product(*_ends(points))))
        places.append(corners @ matrix[:3, :3] + matrix[3, :3])
    ends = [np.nan_to_num(each).ravel() for each in places]
    return float(np.ptp(np.concatenate(ends))) / COUNTED if ends else 0.0


def check_steps(
    viewer: ViewerModel,
    layers: Collection[Layer | None],
    points: NDArray[Any],
    matrix: NDArray[np.float64],
) -> None:
    """Refuse points (m, 3) that napari could not show in layers, seen through a map.

    Raises
    ------
    ValueError
        They are too far from one another, or from the other layers.
    """
    far = width(points)
    scales = np.linalg.svd(matrix[:3, :3])[1]
    # What whitening makes flat may be thicker, as long as it looks flat.
    least = max(scales[2], FLAT * (scales[0] or 1.0))
    step = _least_step(viewer, layers, points, matrix)
    most = min(MOST_STEPS, far * least / step) if step > least else MOST_STEPS
    if far > most:
        raise ValueError(
            f"Expected values within {most:.0e} of one another for the viewer's 3-D "
            f"view, which counts them, got {far:.3g}; divide the image by its largest "
            "value, or use the color cloud's dock."
        )


def width(points: NDArray[Any]) -> float:
    """How far apart points (m, 3) are, along the axis where they are farthest."""
    return float(np.ptp(_ends(points), axis=1).max()) if len(points) else 0.0


def _ends(points: NDArray[Any]) -> NDArray[np.float64]:
    """Give the least and the largest of points (m, 3) along each axis, (3, 2)."""
    # Ten times as fast as along the first axis, which matters in each step of a glide.
    columns = np.ascontiguousarray(points.T)
    ends = columns.min(axis=1), columns.max(axis=1)
    return np.stack(ends, axis=1).astype(np.float64)
