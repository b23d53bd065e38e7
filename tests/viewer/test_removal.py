"""Layers that stay when others are removed, and what a closed dock leaves behind."""

import gc
import weakref

import numpy as np
import psutil
import pytest
from napari.utils import DirectLabelColormap

from napari_pixel_mixtures import show_cloud
from napari_pixel_mixtures.viewer.workspace import workspace_of

REPEATS = 4
GROWTH = 12_000_000  # bytes; without freeing it is 5 MB each time


def one(color):
    return DirectLabelColormap(color_dict={None: "transparent", 1: color})


@pytest.mark.parametrize("at_once", [False, True])
def test_a_layer_keeps_what_it_was_given_just_before(viewer, qtbot, at_once):
    """napari draws what waits as it removes a layer: in the right context."""
    workspace_of(viewer)
    shape = (40, 60)
    stays = viewer.add_labels(np.ones(shape, np.uint8), colormap=one("red"), opacity=1)
    others = [viewer.add_labels(np.zeros(shape, np.uint8)) for _ in range(2)]
    qtbot.wait(100)
    for color, rgb in (("white", (255, 255, 255)), ("blue", (0, 0, 255))):
        stays.colormap = one(color)
        if at_once:
            viewer.layers.selection = set(others)
            viewer.layers.remove_selected()
        else:
            viewer.layers.remove(others.pop())
        qtbot.wait(50)
        drawn = viewer.screenshot(flash=False)
        middle = drawn[drawn.shape[0] // 2, drawn.shape[1] // 2, :3]
        assert tuple(map(int, middle)) == rgb
        if at_once:
            others = [viewer.add_labels(np.zeros(shape, np.uint8)) for _ in range(2)]
            qtbot.wait(50)


def open_and_close(viewer, qtbot):
    """Open the cloud, draw it, close its dock; tell what the graphics card keeps."""
    dock, widget = viewer.window.add_plugin_dock_widget(
        "napari-pixel-mixtures", "Color cloud"
    )
    qtbot.waitUntil(widget.canvas.native.isValid)
    widget.canvas.render()
    objects = widget.canvas.scene_canvas.context.shared.parser._objects
    assert len(objects) > 5
    canvas = widget.canvas
    left = [widget, canvas, canvas.scene_canvas, canvas.native, canvas._markers]
    references = [weakref.ref(thing) for thing in left]
    del canvas, widget, left
    viewer.window.remove_dock_widget(dock)
    del dock

    def gone():
        gc.collect()
        return not any(reference() for reference in references)

    qtbot.waitUntil(gone)  # Qt deletes it at a later turn of its loop
    return objects


def test_closing_the_cloud_s_dock_leaves_3d(viewer, picture, fit, open_widget, qtbot):
    image = viewer.add_image(picture, name="bands")
    fit(viewer, n_components=3)
    names = [layer.name for layer in viewer.layers]
    show_cloud(viewer)
    # Another of our docks has no part in it.
    for title in ("Compare mixtures", "Color cloud"):
        assert viewer.dims.ndisplay == 3
        assert not image.visible
        viewer.window.remove_dock_widget(open_widget(viewer, title).native)
        qtbot.wait(50)
    assert viewer.dims.ndisplay == 2
    assert image.visible
    assert [layer.name for layer in viewer.layers] == names


def test_a_closed_cloud_leaves_nothing(viewer, picture, fit, qtbot):
    viewer.add_image(picture, name="bands")
    fit(viewer, n_components=3)
    process = psutil.Process()
    for number in range(2 + REPEATS):
        objects = open_and_close(viewer, qtbot)
        assert objects == {}  # on the graphics card
        if number == 1:
            before = process.memory_info().rss
    assert process.memory_info().rss - before < GROWTH
