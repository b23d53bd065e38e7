"""Glide: layers move to where they belong, so that the eye can follow them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import ref

import numpy as np

from .animation import Animation
from .layers import see_through

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel
    from napari.layers import Layer
    from numpy.typing import NDArray

MARGIN = 0.15  # of the canvas, for the axes
MOST_POINTS = 100_000  # of which napari can show several steps within the time


class Glide:
    """Brings layers in view, and lets them come there from where they were seen.

    Parameters
    ----------
    viewer : ViewerModel
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = ref(viewer)
        self._layers: list[Layer] = []
        self._origin = self._target = np.eye(4)
        self._fitting: tuple[NDArray[np.float64], float] | None = None
        self._animation = Animation(self._move)

    @property
    def moving(self) -> bool:
        """Whether layers are on their way."""
        return self._animation.active

    def show(self, layers: Sequence[Layer], matrix: NDArray[np.float64]) -> None:
        """See layers through an affine map (4, 4), of row vectors, from now on."""
        self._animation.stop()
        self._layers = [*layers]
        self._target = matrix
        self._move(1.0)

    def bring_in_view(self, box: NDArray[np.float64]) -> None:
        """Let the camera see the whole of a box, its corners (2, 3)."""
        viewer = self._viewer()
        assert viewer is not None
        camera = viewer.scene.camera
        low, high = box
        camera.center = tuple((low + high) / 2)
        diagonal = float(np.linalg.norm(high - low))
        if diagonal > 0:
            camera.zoom = (1 - MARGIN) * min(viewer.canvas.size) / diagonal
        self._fitting = np.array(camera.center), float(camera.zoom)

    def follow(
        self,
        layers: Sequence[Layer],
        matrix: NDArray[np.float64],
        box: NDArray[np.float64],
    ) -> None:
        """See layers through another map, and take the camera along.

        The camera keeps its angles, and what was zoomed or moved by hand. The layers
        then take 300 ms to come from where they were seen before; of more than
        100,000 points they are there at once.

        Parameters
        ----------
        layers : sequence of Layer
            The points first.
        matrix : ndarray (4, 4)
            Affine, of row vectors.
        box : ndarray (2, 3)
            What is to be in view then.
        """
        viewer = self._viewer()
        assert viewer is not None
        camera = viewer.scene.camera
        center, zoom = np.array(camera.center), float(camera.zoom)
        before, seen = self._fitting, self._target
        self.bring_in_view(box)
        if before is not None:
            fitted = float(camera.zoom)
            moved = (center - before[0]) * before[1] / fitted
            camera.center = tuple(np.array(camera.center) + moved)
            camera.zoom = fitted * zoom / before[1]
        ratio = zoom / float(camera.zoom)
        on_screen = np.diag([ratio, ratio, ratio, 1.0])
        on_screen[3, :3] = np.array(camera.center) - ratio * center
        if _is_seen(viewer) and len(layers[0].data) <= MOST_POINTS:
            self._layers = [*layers]
            self._origin, self._target = seen @ on_screen, matrix
            self._animation.start()
            self._move(0.0)
        else:
            self.show(layers, matrix)

    def stop(self) -> None:
        """Put the layers where they belong."""
        if self.moving:
            self._animation.finish()

    def forget(self) -> None:
        """Let go of the layers, which are gone."""
        self._animation.stop()
        self._layers = []

    def _move(self, share: float) -> None:
        viewer = self._viewer()
        layers = [
            layer
            for layer in self._layers
            if viewer is not None and layer in viewer.layers
        ]
        if not layers:
            self._animation.stop()
        matrix = self._origin + share * (self._target - self._origin)
        see_through(layers, self._target if share == 1.0 else matrix)


def _is_seen(viewer: ViewerModel) -> bool:
    window = getattr(getattr(viewer, "window", None), "_qt_window", None)
    return window is not None and bool(window.isVisible())
