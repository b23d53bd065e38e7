"""Glide: layers move to where they belong, so that the eye can follow them."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np

from .animation import Animation
from .cloud_axes import EMPTY
from .cloud_steps import see_through
from .napari_canvas import markers_of
from .thinning import Thinning
from .viewer_axes import ViewerAxes

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from napari.components import ViewerModel
    from napari.layers import Layer
    from numpy.typing import NDArray

    from .cloud_axes import Frame

MARGIN = 0.15  # of the canvas, for the axes
GLIDING_POINTS = 3_000  # of which napari draws several steps within the time


class Glide:
    """Brings layers in view, and lets them come there from where they were seen.

    Parameters
    ----------
    viewer : ViewerModel
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = ref(viewer)
        self._layers: list[Layer] = []
        self._axes = ViewerAxes(viewer)
        # The map of the layers, and the box of their axes: (2, 4, 4).
        self._origin = self._end = self._target = np.stack([np.eye(4), EMPTY.box])
        # While layers are on their way: shift (3,) and factor by which the camera will
        # see everything nearer.
        self._ahead: tuple[NDArray[np.float64], float] | None = None
        self._fitting: tuple[NDArray[np.float64], float] | None = None
        self._animation = Animation(self._move)
        self.thinning = Thinning(GLIDING_POINTS, self._draw)
        # What vispy has of all points, and of those few that it draws.
        self._all: Any = None
        self._few: Any = None

    @property
    def moving(self) -> bool:
        """Whether layers are on their way."""
        return self._animation.active

    def show(
        self, layers: Sequence[Layer], matrix: NDArray[np.float64], frame: Frame
    ) -> None:
        """See layers through an affine map (4, 4), of row vectors, from now on.

        The frame is that of what is seen.
        """
        self._animation.stop()
        self._layers = [*layers]
        self._axes.set_frame(frame)
        self._target = np.stack([matrix, frame.box])
        self._move(1.0)
        self.thinning.end()

    def bring_in_view(self, frame: Frame) -> None:
        """Let the camera see the whole of a frame."""
        self._fitting = self._fit(frame)
        self._look(*self._fitting)

    def _fit(self, frame: Frame) -> tuple[NDArray[np.float64], float]:
        """Give the center and zoom of the camera at which all of a frame is in view."""
        viewer = self._viewer()
        assert viewer is not None
        diagonal = float(np.linalg.norm(frame.high - frame.low))
        zoom = float(viewer.scene.camera.zoom)
        if diagonal > 0:
            zoom = (1 - MARGIN) * min(viewer.canvas.size) / diagonal
        return (frame.low + frame.high) / 2, zoom

    def _look(self, center: NDArray[np.float64], zoom: float) -> None:
        """Move the camera; napari works much out anew for each of its settings."""
        viewer = self._viewer()
        assert viewer is not None
        viewer.scene.camera.center = tuple(center)
        viewer.scene.camera.zoom = zoom

    def follow(
        self,
        layers: Sequence[Layer],
        matrix: NDArray[np.float64],
        frame: Frame,
    ) -> None:
        """See layers through another map, and take the camera along.

        The camera keeps its angles, and what was zoomed or moved by hand. The layers
        take 300 ms to come from where they were seen before to where the camera is
        going to see them, and then it goes there: napari works out much for each of
        its moves. Meanwhile only some of the points are drawn.

        Parameters
        ----------
        layers : sequence of Layer
            The points first.
        matrix : ndarray (4, 4)
            Affine, of row vectors.
        frame : Frame
            What is to be in view then.
        """
        viewer = self._viewer()
        assert viewer is not None
        camera = viewer.scene.camera
        center, zoom = np.array(camera.center), float(camera.zoom)
        before, seen = self._fitting, self._target
        self._fitting = new_center, new_zoom = self._fit(frame)
        if before is not None:
            new_center = new_center + (center - before[0]) * before[1] / new_zoom
            new_zoom = new_zoom * zoom / before[1]
        ratio = new_zoom / zoom
        self._ahead = center - ratio * new_center, ratio
        if _is_seen(viewer):
            self._layers = [*layers]
            on_screen = np.diag([ratio, ratio, ratio, 1.0])
            on_screen[3, :3] = self._ahead[0]
            self._axes.set_frame(frame)
            self._target = np.stack([matrix, frame.box])
            self._origin, self._end = seen, self._target @ on_screen
            self._draw_fewer()
            self._animation.start()
        else:
            self.show(layers, matrix, frame)

    def stop(self) -> None:
        """Put the layers where they belong, and draw all of their points."""
        if self.moving:
            self._animation.finish()
        self.thinning.end()

    def forget(self) -> None:
        """Let go of the layers, which are gone."""
        self._animation.stop()
        self.thinning.end()
        self._axes.remove()
        self._layers = []
        self._ahead = None

    def _move(self, share: float) -> None:
        viewer = self._viewer()
        layers = [
            layer
            for layer in self._layers
            if viewer is not None and layer in viewer.layers
        ]
        if not layers:
            self._animation.stop()
            return
        assert viewer is not None
        if share == 1.0:
            self._catch_up()
            self._see(viewer, layers, self._target)
            self.thinning.release()
            return
        with _only_drawn(viewer, layers):
            between = self._origin + share * (self._end - self._origin)
            self._see(viewer, layers, between)

    def _see(
        self, viewer: ViewerModel, layers: Sequence[Layer], maps: NDArray[np.float64]
    ) -> None:
        matrix, box = maps
        see_through(viewer, layers, matrix)
        self._axes.see(box)

    def _draw_fewer(self) -> None:
        """Let a part of the points be drawn, until they have come to rest."""
        self.thinning.end()
        markers = self._markers
        drawn = None if markers is None else markers._data
        self.thinning.take(0 if drawn is None else len(drawn))
        self.thinning.hold()

    def _draw(self) -> None:
        """Bring those points to the screen that the thinning chose.

        Not through the layer, which stays as it is: napari would take a while to cut
        a slice of it, select and hide points in it, and tell everyone.
        """
        markers = self._markers
        if markers is None:
            self._all = self._few = None
        elif self.thinning.active:
            self._all = markers._data
            self._few = _show(markers, self._all[self.thinning.chosen])
        else:
            # napari may have drawn all of them since: other ones, or in other colors.
            if markers._data is self._few:
                _show(markers, self._all)
            self._all = self._few = None

    @property
    def _markers(self) -> Any:
        return markers_of(self._viewer(), self._layers[0]) if self._layers else None

    def _catch_up(self) -> None:
        """Move the camera to where it sees the layers in their place the same."""
        viewer, ahead, self._ahead = self._viewer(), self._ahead, None
        if viewer is not None and ahead is not None:
            camera, (shift, ratio) = viewer.scene.camera, ahead
            center, zoom = np.array(camera.center), float(camera.zoom)
            self._look((center - shift) / ratio, zoom * ratio)


def _show(markers: Any, points: Any) -> Any:
    """Let vispy draw disks as they are in its own records, and give its new ones."""
    markers.set_data(
        points["a_position"],
        size=points["a_size"],
        edge_width=points["a_edgewidth"],
        edge_color=points["a_fg_color"],
        face_color=points["a_bg_color"],
    )
    return markers._data


@contextmanager
def _only_drawn(viewer: ViewerModel, layers: Sequence[Layer]) -> Generator[None]:
    """Let changes of the layers' places be drawn, and nothing else.

    For each napari would work out the extent of all layers, cut slices of them and
    make thumbnails: 100 ms. It does so when the layers have come to rest.
    """
    with ExitStack() as stack:
        for layer in layers:
            stack.enter_context(layer._block_refresh())
            stack.enter_context(layer.events._extent_augmented.blocker())
            placed = layer.events.affine
            stack.enter_context(placed.blocker(viewer._on_layers_change))
        yield


def _is_seen(viewer: ViewerModel) -> bool:
    window = getattr(getattr(viewer, "window", None), "_qt_window", None)
    return window is not None and bool(window.isVisible())
