"""A click on the picture: the cloud shows the component of the pixel there alone."""

from dataclasses import replace

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest

from napari_pixel_mixtures.replay import Replay
from napari_pixel_mixtures.viewer.workspace import workspace_of

LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
PLAIN, CTRL, SHIFT = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.ShiftModifier,
)
PLACES = {1: (16, 16), 2: (16, 32), 3: (16, 4)}  # row and column in each band


@pytest.fixture
def fitted(viewer, picture, fit):
    viewer.add_image(picture, name="bands")
    fit(viewer, n_components=3)
    return viewer


@pytest.fixture
def widget(fitted, open_widget, qtbot):
    widget = open_widget(fitted, "Color cloud")
    qtbot.wait(50)  # until the dock has taken its room from the picture
    fitted.fit_to_view()
    return widget


def whiten(viewer):
    return workspace_of(viewer).cloud.settings.whiten


def on_canvas(viewer, place):
    """Where a row and column of the picture are seen."""
    canvas = viewer.window._qt_viewer.canvas
    row, column = viewer.layers["bands"].data_to_world(place)
    x, y = canvas.view.scene.transform.map([column, row])[:2] + canvas.view.pos
    return QPoint(round(x), round(y))


def click(viewer, place, modifier=PLAIN, button=LEFT):
    native = viewer.window._qt_viewer.canvas.native
    QTest.mouseClick(native, button, modifier, on_canvas(viewer, place))


def drag(viewer, place, *steps):
    native = viewer.window._qt_viewer.canvas.native
    start = on_canvas(viewer, place)
    QTest.mousePress(native, LEFT, PLAIN, start)
    for step in steps:
        native._last_time = 0.0  # vispy drops moves within 10 ms of one another
        QTest.mouseMove(native, start + QPoint(*step))
        QTest.qWait(8)  # napari drops moves within 5 ms
    QTest.mouseRelease(native, LEFT, PLAIN, start + QPoint(*steps[-1]))


def test_goes_from_one_component_to_the_other(fitted, widget, bands):
    widget.whiten.value = 2
    for label, place in PLACES.items():
        click(fitted, place)
        assert widget.whiten.value == whiten(fitted) == label
        pixels = widget.picture.scene.pixels
        assert set(bands.reshape(-1)[pixels]) == {label}


def test_of_all_components_only_with_ctrl(fitted, widget):
    for before in ("raw", "pooled"):
        widget.whiten.value = before
        settings = workspace_of(fitted).cloud.settings
        click(fitted, PLACES[3])
        click(fitted, PLACES[3], SHIFT)
        click(fitted, PLACES[3], button=RIGHT)
        assert workspace_of(fitted).cloud.settings == settings
        click(fitted, PLACES[3], CTRL)
        assert workspace_of(fitted).cloud.settings == replace(settings, whiten=3)
        assert widget.whiten.value == 3


def test_a_drag_moves_the_picture(fitted, widget):
    widget.whiten.value = 2
    center = fitted.scene.camera.center
    drag(fitted, PLACES[1], (20, 0), (40, 10))
    assert fitted.scene.camera.center != center
    drag(fitted, PLACES[1], (20, 0), (40, 10), (0, 0))  # and back
    assert whiten(fitted) == 2
    drag(fitted, PLACES[1], (1, 1), (2, 1))  # of an unsteady hand
    assert whiten(fitted) == 1


def test_not_while_something_is_painted_or_drawn(fitted, widget):
    widget.whiten.value = 2
    fitted.layers.selection.active = fitted.layers["bands quantized"]
    for mode in ("paint", "pick", "fill", "polygon", "transform"):
        fitted.layers["bands quantized"].mode = mode
        click(fitted, PLACES[1])
        click(fitted, PLACES[1], CTRL)
        assert whiten(fitted) == 2
    shapes = fitted.add_shapes(ndim=2)
    shapes.mode = "add_polygon"
    click(fitted, PLACES[1])
    assert whiten(fitted) == 2
    shapes.mode = "pan_zoom"
    click(fitted, PLACES[1])
    assert whiten(fitted) == 1


def test_not_beside_the_picture_nor_where_there_is_no_label(fitted, widget, bands):
    widget.whiten.value = 2
    fitted.scene.camera.zoom *= 0.5
    click(fitted, (16, -3))
    assert whiten(fitted) == 2
    workspace = workspace_of(fitted)
    labels = bands.copy()
    labels[14:19, 2:7] = 0  # as of pixels that are not finite, or outside of a mask
    clustering = replace(workspace.result.clustering, labels=labels)
    workspace.take(replace(workspace.result, clustering=clustering))
    click(fitted, PLACES[3])
    assert whiten(fitted) == 2
    click(fitted, (16, 1))
    assert whiten(fitted) == 3


def test_only_while_the_cloud_is_seen(fitted, widget, open_widget, qtbot):
    widget.whiten.value = 2
    fitted.window.remove_dock_widget(widget.native)
    qtbot.wait(50)
    click(fitted, PLACES[1], CTRL)
    assert whiten(fitted) == 2
    again = open_widget(fitted, "Color cloud")
    qtbot.wait(50)
    click(fitted, PLACES[1], CTRL)
    assert whiten(fitted) == again.whiten.value == 1


def test_not_in_another_view_than_the_picture(fitted, widget):
    workspace = workspace_of(fitted)
    place = on_canvas(fitted, PLACES[1])
    native = fitted.window._qt_viewer.canvas.native
    workspace.cloud.show()
    for ndisplay in (3, 2):  # the points, from two sides
        fitted.dims.ndisplay = ndisplay
        QTest.mouseClick(native, LEFT, CTRL, place)
        assert whiten(fitted) is None


def test_during_a_replay_the_label_is_the_frame_s(fitted, widget, fit):
    result = fit(fitted, n_components=3, init_params="random")
    frame = Replay(result.clustering).frame(0)
    other = np.argwhere(frame.labels != result.clustering.labels)
    place = tuple(other[0])
    workspace_of(fitted).show_frame(frame)
    click(fitted, place, CTRL)
    assert whiten(fitted) == frame.labels[place]


def test_the_list_says_so(widget):
    assert widget.whiten.tooltip.endswith(
        "Then a click on the picture shows the component there; Ctrl and a click does "
        "so from raw and pooled as well."
    )
