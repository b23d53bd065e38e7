"""The mouse in the viewer's own 3-D view: click, lasso and box; nothing is moved."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.path import Path
from numpy.testing import assert_allclose, assert_array_equal
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest

from napari_pixel_mixtures.viewer.workspace import workspace_of

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def shown(viewer, picture, fit, qtbot):
    """A viewer in which the cloud is shown, seen by a camera at an odd angle."""
    viewer.add_image(picture, name="bands")
    fit(viewer, n_components=3)
    cloud = workspace_of(viewer).cloud
    cloud.set(replace(cloud.settings, max_points=200))
    cloud.show()
    viewer.scene.camera.angles = (20, -50, 100)
    qtbot.wait(50)
    return viewer


@pytest.fixture
def canvas(shown):
    return shown.window._qt_viewer.canvas


def on_screen(viewer, values):
    """Where napari's camera sees channel values, by the camera's own mapping."""
    canvas = viewer.window._qt_viewer.canvas
    layer = viewer.layers["bands color cloud"]
    affine = layer.affine.affine_matrix
    world = values @ affine[:3, :3].T + affine[:3, 3]
    xyz = np.column_stack([world[:, ::-1], np.ones(len(world))])
    screen = canvas.view.scene.transform.map(xyz)
    return screen[:, :2] / screen[:, 3:] + canvas.view.pos


def drag(native, places):
    places = [QPoint(*map(int, place)) for place in np.rint(places)]
    QTest.mousePress(native, LEFT, pos=places[0])
    for place in places[1:]:
        native._last_time = 0.0  # vispy drops moves within 10 ms of one another
        QTest.mouseMove(native, place)
        QTest.qWait(8)  # napari drops moves within 5 ms
    QTest.mouseRelease(native, LEFT, pos=places[-1])


def corners_of_a_box(low, high):
    return np.array([low, (high[0], low[1]), high, (low[0], high[1])])


class TestPointer:
    def test_chooses_all_pixels_inside(self, shown, canvas, picture, qtbot):
        for tool, whiten, angles in (
            ("lasso", None, (20, -50, 100)),
            ("lasso", "pooled", (-40, 10, 60)),
            ("box", None, (-40, 10, 60)),
        ):
            self.check(shown, canvas, picture, qtbot, tool, whiten, angles)

    def check(self, shown, canvas, picture, qtbot, tool, whiten, angles):
        workspace = workspace_of(shown)
        workspace.cloud.set(replace(workspace.cloud.settings, whiten=whiten))
        qtbot.waitUntil(lambda: not workspace.cloud._glide.moving)
        camera = shown.scene.camera
        camera.angles = angles
        workspace.pointer.tool = tool
        workspace.selection.clear()
        values = picture.reshape(-1, 3).astype(float)
        screen = on_screen(shown, values)
        low, high = np.percentile(screen, [20, 80], axis=0).round()
        path = corners_of_a_box(low, high)
        before, children = camera.model_dump(), [*canvas.central_widget.children]
        drag(canvas.native, path[[0, 2]] if tool == "box" else path)
        assert camera.model_dump() == before
        found = workspace.selection.mask.reshape(-1)
        inner, outer = (
            Path(path).contains_points(screen, radius=r) for r in (0.7, -0.7)
        )
        if inner.sum() > outer.sum():
            inner, outer = outer, inner
        assert 5 < inner.sum() < len(values)
        clear = inner == outer
        assert_array_equal(found[clear], inner[clear])
        # What was drawn is gone again.
        assert [*canvas.central_widget.children] == children

    def test_of_one_component_only_its_pixels(self, shown, canvas, bands, qtbot):
        workspace = workspace_of(shown)
        workspace.cloud.set(replace(workspace.cloud.settings, whiten=2))
        qtbot.waitUntil(lambda: not workspace.cloud._glide.moving)
        workspace.pointer.tool = "box"
        width, height = canvas.size[::-1]
        drag(canvas.native, [(3, 3), (width - 4, height - 4)])
        chosen = workspace.selection.mask
        assert chosen.sum() > 0.9 * (bands == 2).sum()
        assert not chosen[bands != 2].any()

    def test_round_nothing(self, shown, canvas, said):
        workspace = workspace_of(shown)
        workspace.selection.choose_label(1)
        workspace.pointer.tool = "box"
        drag(canvas.native, [(3, 3), (12, 12)])
        assert workspace.selection.mask is None
        assert said() == [
            (
                "info",
                "Expected a lasso or box round some pixels, got one round none, so "
                "nothing is selected; draw it round points of the cloud.",
            )
        ]

    def test_a_click_chooses_a_component_and_others_fade(self, shown, canvas, bands):
        workspace = workspace_of(shown)
        layer = workspace.cloud.layer
        before = layer.face_color.copy()
        place = on_screen(shown, layer.data.astype(float))[5]
        label = layer.features["label"][5]
        at = QPoint(*map(int, np.rint(place)))
        QTest.mouseClick(canvas.native, LEFT, pos=at)
        assert_array_equal(workspace.selection.mask, bands == label)
        chosen = (layer.features["label"] == label).to_numpy()
        assert_array_equal(layer.face_color[chosen], before[chosen])
        assert np.abs(layer.face_color[~chosen] - before[~chosen]).max() > 0.1
        workspace.selection.clear()
        assert_array_equal(layer.face_color, before)

    def test_otherwise_the_mouse_turns(self, shown, canvas):
        workspace = workspace_of(shown)
        before = shown.scene.camera.angles
        width, height = canvas.size[::-1]
        middle = np.array([width, height]) / 2
        drag(canvas.native, middle + np.array([(0, 0), (10, 5), (60, 40), (80, 60)]))
        assert not np.allclose(shown.scene.camera.angles, before)
        assert workspace.selection.mask is None

    def test_the_picture_is_left_alone(self, shown, canvas):
        workspace = workspace_of(shown)
        workspace.pointer.tool = "lasso"
        workspace.cloud.leave()
        center = shown.scene.camera.center
        drag(canvas.native, [(200, 200), (240, 200), (240, 260), (200, 260)])
        assert workspace.selection.mask is None
        assert shown.scene.camera.center != center

    def test_the_cloud_goes_while_a_lasso_is_drawn(self, shown, canvas):
        workspace = workspace_of(shown)
        workspace.pointer.tool = "lasso"
        native = canvas.native
        QTest.mousePress(native, LEFT, pos=QPoint(100, 100))
        workspace.cloud.leave()
        for place in ((200, 100), (200, 200)):
            native._last_time = 0.0
            QTest.mouseMove(native, QPoint(*place))
            QTest.qWait(8)
        QTest.mouseRelease(native, LEFT, pos=QPoint(100, 200))
        assert workspace.selection.mask is None
        assert shown.scene.camera.mouse_pan


class TestPointsStay:
    def test_no_mode_of_napari_s_moves_or_adds_points(self, shown, canvas):
        layer = workspace_of(shown).cloud.layer
        before = layer.data.copy()
        assert not layer.editable
        for mode in ("select", "add", "transform"):
            layer.mode = mode
            place = on_screen(shown, layer.data[5:6].astype(float))[0]
            drag(canvas.native, place + np.array([(0, 0), (30, 20), (60, 40)]))
            QTest.mouseClick(canvas.native, LEFT, pos=QPoint(50, 50))
            assert layer.mode == "pan_zoom"
            assert_array_equal(layer.data, before)
            assert_allclose(layer.affine.affine_matrix, np.eye(4))

    def test_it_stays_so_with_other_data_and_dimensions(self, shown):
        workspace = workspace_of(shown)
        workspace.cloud.set(replace(workspace.cloud.settings, max_points=50))
        shown.dims.ndisplay = 2
        shown.dims.ndisplay = 3
        assert not workspace.cloud.layer.editable

    def test_deleted_or_added_points_come_back(self, shown):
        workspace = workspace_of(shown)
        layer = workspace.cloud.layer
        before, features = layer.data.copy(), layer.features.copy()
        colors = layer.face_color.copy()
        for edit in (
            lambda: layer.remove([0, 3, 7]),
            lambda: layer.add([1, 2, 3]),
            lambda: setattr(layer, "data", before[:9] + 1),
            lambda: (setattr(layer, "selected_data", {2}), layer.remove_selected()),
        ):
            edit()
            assert_array_equal(layer.data, before)
            assert layer.features.equals(features)
            assert_array_equal(layer.face_color, colors)
