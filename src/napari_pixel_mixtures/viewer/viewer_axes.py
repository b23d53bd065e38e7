"""ViewerAxes: the frame of a cloud in the viewer's own 3-D view."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import ref

from .cloud_axes import EMPTY, CloudAxes
from .napari_canvas import IN_FRONT, axes_shown, canvas_of

if TYPE_CHECKING:
    import numpy as np
    from napari.components import ViewerModel
    from numpy.typing import NDArray

    from .cloud_axes import Frame


class ViewerAxes:
    """Draws a frame, its ticks and its texts as the canvas beside the picture does.

    Parameters
    ----------
    viewer : ViewerModel
        One without a window draws nothing.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = ref(viewer)
        self._axes: CloudAxes | None = None
        self._box = EMPTY.box
        # What it was laid out for; None if it has to be anew.
        self._known: tuple[Any, ...] | None = None

    def set_frame(self, frame: Frame) -> None:
        """Take other numbers and names; `see` puts the box in its place."""
        canvas = canvas_of(self._viewer())
        if canvas is None:
            return
        if self._axes is None:
            self._axes = CloudAxes(canvas.view.scene, canvas.central_widget, IN_FRONT)
            # As the first: it is drawn in the very picture, not in one more.
            canvas.events.draw.connect(self._lay_out, position="first")
        self._axes.set_frame(frame)
        self._known = None

    def see(self, box: NDArray[np.float64]) -> None:
        """Draw the box where an affine map (4, 4) brings the unit cube.

        The map is one of row vectors, to the axes of the viewer.
        """
        self._box = box
        self._known = None
        self._place()

    def remove(self) -> None:
        """Draw nothing any more."""
        axes, self._axes = self._axes, None
        canvas = canvas_of(self._viewer())
        if axes is not None and canvas is not None:
            canvas.events.draw.disconnect(self._lay_out)
            axes.remove()

    def _place(self) -> None:
        viewer, axes = self._viewer(), self._axes
        if viewer is None or axes is None:
            return
        shown, box = axes_shown(viewer), EMPTY.box
        if shown is not None and not viewer.canvas.grid.enabled:
            box = self._box.copy()
            box[:, :3] = self._box[:, shown]
        axes.see(box)

    def _lay_out(self, event: Any) -> None:
        """Bring everything to where it belongs in the picture to be drawn."""
        viewer, axes = self._viewer(), self._axes
        canvas = canvas_of(viewer)
        if viewer is None or axes is None or canvas is None:
            return
        size = canvas.size[::-1]
        turned = viewer.dims.ndisplay, viewer.dims.order, viewer.canvas.grid.enabled
        known = size, turned, axes.projection.tobytes()
        if known != self._known:
            self._known = known
            self._place()
            axes.lay_out(size)
