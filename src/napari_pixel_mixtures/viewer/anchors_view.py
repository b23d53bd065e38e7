"""AnchorsView: the places of the distance feature, to be dragged on the picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np
from napari.layers import Points
from psygnal import Signal

from .layers import METADATA_KEY, over_image, place, placement
from .settings import shown_distance

if TYPE_CHECKING:
    from collections.abc import Generator

    from napari.components import ViewerModel
    from napari.layers import Image

    from .result import Result
    from .stage import Stage

PLACES = "places"
SIZE = 1 / 30  # of the picture's shorter side
COLOR = "#ffd833"


class AnchorsView:
    """Shows the places as points, while the result has a distance feature.

    Moving, adding or removing a point changes the recipe, at each move of the mouse.
    Of several distance features the first that is used is shown.
    """

    edited = Signal(object)  # the places, a tuple of points

    def __init__(self, viewer: ViewerModel, stage: Stage) -> None:
        self._viewer = ref(viewer)
        self._stage = stage
        self._layer: Points | None = None
        self._image: ref[Image] | None = None
        self._channel_axis: int | None = None  # of the layer, which places have not
        self._showing = False
        self._dragging = False

    def set_result(self, result: Result | None) -> None:
        """Show the places of another result, or none."""
        viewer = self._viewer()
        if viewer is None:
            return
        feature = None if result is None else shown_distance(result.clustering.recipe)
        other = self._image is not None and (
            result is None or self._image() is not result.image
        )
        if result is None or feature is None or other:
            layer, self._layer = self._layer, None
            if layer is not None and layer in viewer.layers:
                viewer.layers.remove(layer)
        if result is None or feature is None:
            return
        self._image = ref(result.image)
        image, picture = result.image, result.clustering.picture
        shape = over_image(image, picture, result.clustering.labels).shape
        places = feature.places(picture.shape)
        axis = picture.channel_axis if len(shape) > len(picture.shape) else None
        self._channel_axis = axis
        if axis is not None:
            places = np.insert(places, axis, 0.0, axis=1)
        layer = self._layer
        if layer is not None and layer in viewer.layers and layer.ndim == len(shape):
            # The mouse may be farther than the fit that has just ended.
            held = self._dragging and viewer.layers.selection.active is layer
            if not held and not np.array_equal(layer.data, places):
                self._showing = True
                layer.data = places
                self._showing = False
            place(layer, image, shape)
            return
        self._layer = layer = Points(
            places,
            name=f"{image.name} {PLACES}",
            size=max(2.0, min(shape[-2:]) * SIZE),
            face_color=COLOR,
            border_color="black",
            symbol="cross",
            metadata={METADATA_KEY: {"role": PLACES, "image": image.name}},
            **placement(image, shape),
        )
        layer.events.data.connect(self._on_data)
        layer.events.mode.connect(self._follow_mouse)
        self._follow_mouse()
        active = viewer.layers.selection.active
        self._stage.add_behind(layer, image)
        viewer.layers.selection.active = active

    def _on_data(self, event: Any) -> None:
        layer = self._layer
        action = str(getattr(event, "action", ""))
        if self._showing or layer is None or action.endswith("ing"):
            return
        # At least one place: a mixture of the other features is a click away.
        if len(layer.data) > 0:
            self._tell(layer)

    def _follow_mouse(self, event: Any = None) -> None:
        """Be the last to hear of a drag, when napari has moved the points."""
        layer = self._layer
        if layer is None:
            return
        callbacks = layer.mouse_drag_callbacks
        if self._on_drag in callbacks:
            callbacks.remove(self._on_drag)
        callbacks.append(self._on_drag)

    def _on_drag(self, layer: Points, event: Any) -> Generator[None, None, None]:
        """Tell each move, for napari tells none before the release."""
        told = layer.data.copy()  # napari writes to it
        self._dragging = True
        try:
            yield
            while event.type == "mouse_move":
                if not np.array_equal(layer.data, told):
                    told = layer.data.copy()
                    self._tell(layer)
                yield
        finally:
            self._dragging = False

    def _tell(self, layer: Points) -> None:
        places = layer.data
        if self._channel_axis is not None:
            places = np.delete(places, self._channel_axis, axis=1)
        anchors = tuple(tuple(map(float, place)) for place in places)
        self.edited.emit(anchors)
