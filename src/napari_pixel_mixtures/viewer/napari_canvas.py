"""What napari draws a viewer with, of which its own models know nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Points


def canvas_of(viewer: ViewerModel | None) -> Any:
    """Give the canvas of a viewer; None if it has no window, or none any more."""
    window = getattr(getattr(viewer, "window", None), "_qt_window", None)
    return None if window is None else window._qt_viewer.canvas


def markers_of(viewer: ViewerModel | None, layer: Points) -> Any:
    """Give vispy's visual of a layer's points; None if they are not drawn."""
    canvas = canvas_of(viewer)
    drawn = None if canvas is None else canvas.layer_to_visual.get(layer)
    return None if drawn is None else drawn.node.points_markers
