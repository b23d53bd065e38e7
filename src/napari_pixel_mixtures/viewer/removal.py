"""What napari's canvas leaves undone as layers go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import ref

if TYPE_CHECKING:
    from napari.components import ViewerModel


def guard_removals(viewer: ViewerModel) -> None:
    """Make the canvas of a viewer the current one before a layer leaves it.

    Whenever a layer was removed, napari 0.9.2 (`VispyCanvas._remove_layer`, and the
    end of a batch of removals) has vispy carry out all drawing commands that wait,
    in whatever OpenGL context is current then: Qt's own, or that of a canvas of
    ours. There they fail, napari passes over the error, and all that was waiting is
    lost: textures and vertices of the layers that stay. So

        layer.colormap = another
        viewer.layers.remove(other_layer)

    before the next frame leaves `layer` in its old colors, and soon ends in "Could
    not find texture with id" or a crash, in a viewer without any plugin. It does not
    where the context of the canvas is current.
    """
    window = getattr(viewer, "window", None)
    if window is None:  # a viewer without a window draws nothing
        return
    native = ref(window._qt_viewer.canvas.native)

    def make_current(event: Any = None) -> None:
        canvas = native()
        if canvas is not None:
            canvas.makeCurrent()

    layers = viewer.layers
    # Of those who hear of a removal napari's own come first.
    layers.events.removing.connect(make_current)
    # What follows a removal may draw, and more removals of the same batch follow.
    layers.events.removed.connect(make_current, position="last")
