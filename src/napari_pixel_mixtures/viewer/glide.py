"""Glide: layers move to where they belong, so that the eye can follow them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import ref

import numpy as np

from .animation import Animation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel
    from napari.layers import Layer, Points
    from numpy.typing import NDArray

MARGIN = 0.15  # of the canvas, for the axes
MOST_POINTS = 20_000  # of which napari can show several steps within the time


class Glide:
    """Brings layers in view, and lets them come there from where they were seen.

    Parameters
    ----------
    viewer : ViewerModel
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = ref(viewer)
        self._layers: list[Layer] = []
        self._origin = np.eye(4)
        self._fitting: tuple[NDArray[np.float64], float] | None = None
        self._animation = Animation(self._move)

    @property
    def moving(self) -> bool:
        """Whether layers are on their way."""
        return self._animation.active

    def bring_in_view(self, layer: Layer) -> None:
        """Let the camera see the whole of a layer."""
        viewer = self._viewer()
        assert viewer is not None
        camera = viewer.scene.camera
        if viewer.dims.ndim == layer.ndim:
            viewer.fit_to_view(layers=[layer], margin=MARGIN)
        else:
            # Of layers with fewer axes than the viewer napari would look for others.
            low, high = layer.extent.world
            camera.center = tuple((low + high) / 2)
            diagonal = float(np.linalg.norm(high - low))
            if diagonal > 0:
                camera.zoom = (1 - MARGIN) * min(viewer.canvas.size) / diagonal
        self._fitting = np.array(camera.center), float(camera.zoom)

    def follow(
        self, layer: Points, others: Sequence[Layer], from_old: NDArray[np.float64]
    ) -> None:
        """Take the camera along to other coordinates of a layer.

        The camera keeps its angles, and what was zoomed or moved by hand. The layers
        then take 300 ms to come from where they were seen before; of more than 20,000
        points they are there at once.

        Parameters
        ----------
        layer : Points
            In its new coordinates.
        others : sequence of Layer
            That move with it.
        from_old : ndarray (4, 4)
            Affine, of row vectors: from the new coordinates to the old.
        """
        viewer = self._viewer()
        assert viewer is not None
        camera = viewer.scene.camera
        center, zoom = np.array(camera.center), float(camera.zoom)
        before = self._fitting
        self.bring_in_view(layer)
        if before is not None:
            fitted = float(camera.zoom)
            moved = (center - before[0]) * before[1] / fitted
            camera.center = tuple(np.array(camera.center) + moved)
            camera.zoom = fitted * zoom / before[1]
        ratio = zoom / float(camera.zoom)
        on_screen = np.diag([ratio, ratio, ratio, 1.0])
        on_screen[3, :3] = np.array(camera.center) - ratio * center
        self._origin = from_old @ on_screen
        self._layers = [layer, *others]
        if _is_seen(viewer) and len(layer.data) <= MOST_POINTS:
            self._animation.start()
            self._move(0.0)

    def stop(self) -> None:
        """Put the layers where they belong."""
        if self.moving:
            self._animation.finish()

    def _move(self, share: float) -> None:
        viewer = self._viewer()
        layers = [
            layer
            for layer in self._layers
            if viewer is not None and layer in viewer.layers
        ]
        if not layers:
            self._animation.stop()
        matrix = self._origin + share * (np.eye(4) - self._origin)
        for layer in layers:
            layer.affine = matrix.T


def _is_seen(viewer: ViewerModel) -> bool:
    window = getattr(getattr(viewer, "window", None), "_qt_window", None)
    return window is not None and bool(window.isVisible())
