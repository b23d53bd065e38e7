"""What may go wrong with graphics, layers and settings while all is live."""

import numpy as np
import pytest
from napari.layers import Labels
from PIL import Image as PngImage
from qtpy.QtCore import QCoreApplication, QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtTest import QTest

from napari_pixel_mixtures.viewer.docks import dock_of
from napari_pixel_mixtures.viewer.layers import is_ours
from napari_pixel_mixtures.viewer.workspace import workspace_of

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def live(viewer, picture, fit, open_widget):
    """A viewer with a fit, live, the cloud beside it, and a layer of the user's."""
    viewer.add_image(picture, name="bands")
    fit(viewer, n_components=3)
    cloud = open_widget(viewer, "Color cloud")
    mine = viewer.add_labels(np.tri(32, 40, dtype=np.uint8), name="bands quantized")
    workspace = workspace_of(viewer)
    workspace.set_live(True)
    return viewer, workspace, cloud, mine


def refit(viewer, workspace, idle, n_components):
    from dataclasses import replace

    workspace.set_recipe(replace(workspace.recipe, n_components=n_components))
    idle(viewer)


def test_ours_come_back_and_theirs_stay(live, idle, said):
    viewer, workspace, _, mine = live
    before = mine.data.copy()
    for layer in [layer for layer in viewer.layers if isinstance(layer, Labels)]:
        if layer is not mine:
            viewer.layers.remove(layer)
    refit(viewer, workspace, idle, 2)
    ours = workspace.labels.top_layer(workspace.image)
    assert ours is not None and ours is not mine and ours.data.max() == 2
    assert mine in viewer.layers
    np.testing.assert_array_equal(mine.data, before)
    assert said() == []


def test_the_image_moves_while_live(live, idle, said):
    viewer, workspace, _, mine = live
    image = workspace.image
    image.translate, image.scale = (7, -3), (2, 0.5)
    refit(viewer, workspace, idle, 2)
    ours = workspace.labels.top_layer(image)
    np.testing.assert_array_equal(ours.translate, (7, -3))
    np.testing.assert_array_equal(ours.scale, (2, 0.5))
    np.testing.assert_array_equal(mine.translate, (0, 0))
    assert said() == []


def placed(layer):
    return layer.scale.tolist(), layer.translate.tolist(), layer.affine.affine_matrix


def test_what_lies_over_the_image_moves_along(live, idle, said):
    """By itself: no control changes."""
    viewer, workspace, _, mine = live
    image = workspace.image
    workspace.selection.choose_label(1)
    before, result = placed(mine), workspace.result
    turned = np.array([[0, -1, 5], [1, 0, 2], [0, 0, 1]], float)
    image.translate, image.scale, image.affine = (7, -3), (2, 0.5), turned
    ours = [layer for layer in viewer.layers if is_ours(layer)]
    assert len(ours) == 3
    for layer in ours:
        for corner in ((0, 0), (31, 0), (31, 39)):
            np.testing.assert_allclose(
                layer.data_to_world(corner), image.data_to_world(corner)
            )
    idle(viewer)
    assert workspace.result is result  # colors do not depend on it
    for found, expected in zip(placed(mine), before, strict=True):
        np.testing.assert_array_equal(found, expected)
    assert said() == []


def test_places_are_fitted_again_when_pixels_change_their_size(live, fit, idle, said):
    viewer, workspace, _, _ = live
    fit(viewer, n_components=3, position=True)
    workspace.set_live(True)
    before = workspace.result
    workspace.image.translate = (5, 5)
    idle(viewer)
    assert workspace.result is before
    workspace.image.scale = (1, 20)
    idle(viewer)
    assert workspace.result is not before
    assert workspace.result.clustering.picture.scale == (1.0, 20.0)
    assert said() == []


def test_other_data_are_fitted_at_once(live, idle, said):
    viewer, workspace, cloud, mine = live
    before = mine.data.copy()
    for shape, kind in (
        ((32, 40, 3), np.uint8),
        ((20, 25, 3), np.uint8),
        ((20, 25, 3), np.float32),
        ((6, 20, 25, 3), np.uint8),
    ):
        cloud.whiten.value = 2
        workspace.selection.choose_label(1)
        data = np.random.default_rng(0).integers(0, 256, shape).astype(kind)
        workspace.image.data = data / 255 if kind is np.float32 else data
        idle(viewer)
        assert workspace.result.data is workspace.image.data
        assert workspace.result.clustering.labels.shape == shape[:-1]
        ours = workspace.labels.top_layer(workspace.image)
        np.testing.assert_array_equal(ours.data, workspace.result.clustering.labels)
        assert workspace.status.text.startswith("3 clusters after ")
        np.testing.assert_array_equal(mine.data, before)
        assert said() == []


def test_without_live_the_result_stays_and_the_status_says_so(live, idle, said):
    viewer, workspace, _, _ = live
    workspace.set_live(False)
    image, result = workspace.image, workspace.result
    ours = workspace.labels.top_layer(image)
    image.scale = (2, 2)
    assert workspace.status.text == (
        "The image 'bands' was moved or scaled since it was fitted; press Fit."
    )
    assert ours.scale.tolist() == [1, 1]
    image.data = image.data[:20]
    assert workspace.status.text == (
        "The image 'bands' has other data than when it was fitted; press Fit."
    )
    idle(viewer)
    assert workspace.result is result
    assert ours.data.shape == (32, 40)
    viewer.layers.remove(image)
    workspace.set_live(True)
    image.data = image.data[:10]  # which is no longer watched
    image.scale = (1, 1)
    assert not workspace.runner.busy
    assert said() == []


def test_fewer_components_than_the_chosen_one(live, idle, said):
    viewer, workspace, cloud, _ = live
    cloud.whiten.value = 3
    workspace.selection.choose_label(3)
    refit(viewer, workspace, idle, 2)
    assert cloud.whiten.value == "raw"
    assert workspace.cloud.settings.whiten is None
    assert cloud.canvas.render().shape[-1] == 4
    assert said() == []


def test_a_lasso_of_no_points(live, said):
    _, workspace, cloud, _ = live
    canvas = cloud.canvas.native
    cloud.tool.value = "lasso"
    for corners in ([(3, 3)], [(2, 2), (6, 2), (6, 6), (2, 6)]):
        QTest.mousePress(canvas, LEFT, pos=QPoint(*corners[0]))
        for corner in corners[1:]:
            canvas._last_time = 0.0  # vispy drops moves within 10 ms
            QTest.mouseMove(canvas, QPoint(*corner))
        QTest.mouseRelease(canvas, LEFT, pos=QPoint(*corners[-1]))
        assert workspace.selection.n_pixels == 0
    assert said() == []


@pytest.mark.parametrize("error", [RuntimeError, "gl"])
def test_the_graphics_driver_gives_nothing_back(live, said, monkeypatch, error):
    from OpenGL.error import GLError

    viewer, _, cloud, _ = live
    layers = list(viewer.layers)
    kind = GLError if error == "gl" else error

    def fail(*_, **__):
        raise kind("context lost")

    monkeypatch.setattr(cloud.canvas.scene_canvas, "render", fail)
    cloud.picture.save("/nowhere/cloud.png")
    [(severity, text)] = said()
    assert severity == "error"
    assert text.startswith(
        f"Expected the graphics driver to give the picture back, got {kind.__name__}: "
    )
    assert text.endswith("; close the color cloud, open it again and save once more.")
    assert list(viewer.layers) == layers


def test_the_saved_picture_is_what_the_canvas_shows(live, said, tmp_path):
    _, _, cloud, _ = live
    cloud.picture.save(str(tmp_path / "cloud"))
    saved = np.asarray(PngImage.open(tmp_path / "cloud.png"))
    np.testing.assert_array_equal(saved, cloud.canvas.render())
    canvas = cloud.canvas.native
    assert saved.shape[:2] == (canvas.height(), canvas.width())
    assert len(np.unique(saved.reshape(-1, 4), axis=0)) > 20
    assert said() == [("info", f"Saved {tmp_path / 'cloud.png'}.")]


@pytest.mark.parametrize("beside", [True, False], ids=["docked", "in the viewer"])
def test_a_cloud_without_room_is_not_saved(live, said, tmp_path, monkeypatch, beside):
    """Docks may take all of a small window."""
    viewer, workspace, cloud, _ = live
    if beside:
        nothing = np.zeros((0, 992, 4), np.uint8)
        monkeypatch.setattr(cloud.canvas.scene_canvas, "render", lambda: nothing)
    else:
        workspace.cloud.show()
        native = viewer.window._qt_viewer.canvas.native
        native.setFixedSize(992, 0)
    cloud.picture.save(str(tmp_path / "cloud"))
    assert said() == [
        (
            "error",
            "Expected a cloud with room to be seen in, got one of 992 x 0 pixels; make "
            "its dock or the window larger, and save once more.",
        )
    ]
    assert not any(tmp_path.iterdir())


def on_screen(cloud):
    """How many colors the cloud's canvas shows, on the screen."""
    image = cloud.canvas.native.grabFramebuffer()
    image = image.convertToFormat(image.Format.Format_RGBA8888)
    pixels = np.frombuffer(image.constBits().asstring(image.sizeInBytes()), np.uint32)
    return len(np.unique(pixels))


def drag_dock(dock, end, qtbot):
    """Drag a dock by its title to a place (2,) of the screen."""
    title = dock.titleBarWidget()
    middle = QPoint(title.width() // 2, title.height() // 2)
    start = title.mapToGlobal(middle)
    QTest.mousePress(title, LEFT, pos=middle)
    for share in (0.02, 0.1, 0.5, 1, 1):
        place = start + (QPoint(*end) - start) * share
        title = dock.titleBarWidget()  # napari makes others
        move = QMouseEvent(
            QEvent.Type.MouseMove,
            QPointF(title.mapFromGlobal(place)),
            QPointF(place),
            *(LEFT, LEFT, Qt.KeyboardModifier.NoModifier),
        )
        QCoreApplication.sendEvent(title, move)
        qtbot.wait(30)
    title = dock.titleBarWidget()
    QTest.mouseRelease(title, LEFT, pos=title.mapFromGlobal(QPoint(*end)))


def test_the_cloud_wherever_its_dock_is(live, open_widget, idle, qtbot, said):
    """In each place Qt gives its canvas another graphics context."""
    viewer, workspace, cloud, _ = live
    window, dock = viewer.window._qt_window, dock_of(cloud)
    contexts = []
    cloud.canvas.scene_canvas.events.initialize.connect(contexts.append)
    n_colors = on_screen(cloud)
    assert n_colors > 20
    Area = Qt.DockWidgetArea
    for place, area in (
        ((60, 700), Area.LeftDockWidgetArea),
        ((600, 770), Area.BottomDockWidgetArea),
    ):
        drag_dock(dock, place, qtbot)
        qtbot.waitUntil(lambda area=area: window.dockWidgetArea(dock) == area)
        qtbot.waitUntil(lambda: not dock.isFloating() and cloud.canvas.native.isValid())
        assert on_screen(cloud) > 20
    assert len(contexts) >= 2
    for floating in (True, False, True):
        dock.titleBarWidget().float_button.click()
        assert dock.isFloating() is floating
        qtbot.waitUntil(cloud.canvas.native.isValid)
        assert on_screen(cloud) > 20
    refit(viewer, workspace, idle, 2)
    cloud.whiten.value = "pooled"
    qtbot.waitUntil(lambda: not cloud.canvas.animating)
    assert on_screen(cloud) > 20
    viewer.window.remove_dock_widget(dock)  # while it floats
    cloud = open_widget(viewer, "Color cloud")
    assert on_screen(cloud) > 20
    assert said() == []
