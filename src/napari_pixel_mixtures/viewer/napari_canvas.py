"""What napari draws a viewer with, of which its own models know nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

if TYPE_CHECKING:
    from napari import Viewer
    from napari.components import ViewerModel
    from napari.layers import Points
    from numpy.typing import NDArray

IN_FRONT = 1_000_000  # order of drawing: over all that napari draws


def canvas_of(viewer: ViewerModel | None) -> Any:
    """Give the canvas of a viewer; None if it has no window, or none any more."""
    window = getattr(getattr(viewer, "window", None), "_qt_window", None)
    return None if window is None else window._qt_viewer.canvas


def screenshot(viewer: ViewerModel) -> NDArray[np.uint8] | None:
    """Give what the canvas of a viewer shows (rows, columns, 4); None if it has none.

    Without pixels where docks leave it no room, which napari's own is an error for.
    """
    canvas, with_window = canvas_of(viewer), cast("Viewer", viewer)
    if canvas is None:
        return None
    width, height = canvas.native.width(), canvas.native.height()
    if not (width and height):
        return np.zeros((height, width, 4), np.uint8)
    return np.asarray(with_window.screenshot(canvas_only=True, flash=False))


def markers_of(viewer: ViewerModel | None, layer: Points) -> Any:
    """Give vispy's visual of a layer's points; None if they are not drawn."""
    canvas = canvas_of(viewer)
    drawn = None if canvas is None else canvas.layer_to_visual.get(layer)
    return None if drawn is None else drawn.node.points_markers


def axes_shown(viewer: ViewerModel | None) -> NDArray[np.intp] | None:
    """Tell which of the last three axes vispy's x, y and z are.

    None if the viewer does not show these three.
    """
    if viewer is None or viewer.dims.ndisplay != 3:
        return None
    displayed = np.array(viewer.dims.displayed[::-1]) - (viewer.dims.ndim - 3)
    return None if displayed.min() < 0 else displayed
