"""CloudPointer: the mouse selects in the viewer's 3-D view."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np
from napari.utils.notifications import show_info
from psygnal import Signal
from vispy.scene.visuals import Line

from napari_pixel_mixtures.selection import Region

from .napari_canvas import IN_FRONT, axes_shown, canvas_of
from .outline import LASSO_COLOR, Outline, nearest_point

if TYPE_CHECKING:
    from collections.abc import Generator

    from napari.components import ViewerModel
    from numpy.typing import NDArray

    from .cloud_view import CloudView
    from .selection_view import SelectionView


class CloudPointer:
    """Does in the viewer's own 3-D view what the canvas beside the picture does.

    A click on a point of the cloud selects its component; a lasso or a box selects
    all pixels inside, as the camera sees them.

    Parameters
    ----------
    viewer : ViewerModel
    cloud : CloudView
    selection : SelectionView
    """

    tool_changed = Signal(str)

    def __init__(
        self, viewer: ViewerModel, cloud: CloudView, selection: SelectionView
    ) -> None:
        self._cloud = cloud
        self._selection = selection
        self._tool = "turn"
        me = ref(self)

        def on_drag(viewer: ViewerModel, event: Any) -> Generator[None, None, None]:
            # The viewer keeps this function, which must not keep us.
            pointer = me()
            plain = event.button == 1 and not event.modifiers
            if pointer is not None and plain and pointer._projection() is not None:
                yield from pointer._follow(viewer, event)

        viewer.mouse_drag_callbacks.append(on_drag)
        self._viewer = ref(viewer)

    @property
    def tool(self) -> str:
        """What the left mouse button does in every cloud: one of `TOOLS`."""
        return self._tool

    @tool.setter
    def tool(self, tool: str) -> None:
        if tool != self._tool:
            self._tool = tool
            self.tool_changed.emit(tool)

    def _follow(self, viewer: ViewerModel, event: Any) -> Generator[None, None, None]:
        """Follow the mouse from a press of its button to the release."""
        outline = Outline(self.tool, event.pos)
        camera = viewer.scene.camera
        could_pan, camera.mouse_pan = camera.mouse_pan, not outline.draws
        trail = self._trail() if outline.draws else None
        try:
            yield
            while event.type == "mouse_move":
                outline.extend(event.pos)
                if trail is not None:
                    trail.set_data(pos=outline.closed)
                yield
            # Moves that follow each other fast are not told: this is the last place.
            outline.extend(event.pos)
        finally:
            camera.mouse_pan = could_pan
            if trail is not None:
                trail.parent = None
        self._select(outline)

    def _select(self, outline: Outline) -> None:
        projection = self._projection()
        if projection is None:  # the cloud went away meanwhile
            return
        if outline.encloses:
            settings = self._cloud.settings
            label = settings.whiten if isinstance(settings.whiten, int) else None
            region = Region(projection, outline.corners)
            try:
                self._selection.choose_region(region, settings.axes, label)
            except ValueError as error:
                show_info(str(error))
        elif outline.is_click and (layer := self._cloud.layer) is not None:
            point = nearest_point(layer.data, projection, outline.start)
            if point is not None:
                self._selection.choose_label(int(layer.features["label"][point]))

    def _projection(self) -> NDArray[np.float64] | None:
        """From the units of the axes to the canvas, as in `Region`.

        None if the cloud is not seen in three dimensions.
        """
        viewer, layer = self._viewer(), self._cloud.layer
        canvas, shown = canvas_of(viewer), axes_shown(viewer)
        if canvas is None or layer is None or shown is None:
            return None
        transform = canvas.layer_to_visual[layer].node.get_transform("visual", "canvas")
        matrix = np.asarray(transform.map(np.eye(4)), np.float64)
        projection = matrix.copy()
        projection[shown] = matrix[:3]
        return projection

    def _trail(self) -> Line:
        trail = Line(
            np.zeros((2, 2)),
            color=LASSO_COLOR,
            width=2,
            parent=canvas_of(self._viewer()).central_widget,
        )
        trail.order = IN_FRONT
        trail.set_gl_state("translucent", depth_test=False)
        return trail
