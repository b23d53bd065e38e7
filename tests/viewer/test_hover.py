"""The pixel under the mouse: found, ringed in the cloud, told in words."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from qtpy.QtCore import QPoint
from qtpy.QtTest import QTest

from napari_pixel_mixtures.inspection import inspect_pixel
from napari_pixel_mixtures.viewer.cloud_picture import CloudPicture
from napari_pixel_mixtures.viewer.workspace import workspace_of

NOTHING = ""


@pytest.fixture
def fitted(model, fit):
    fit(model, n_components=3, position=True)
    return model


@pytest.fixture
def hover(fitted):
    return workspace_of(fitted).hover


@pytest.mark.parametrize(
    ("position", "place"),
    [((0, 0), (0, 0)), ((31.4, 39.4), (31, 39)), ((-0.4, 7.6), (0, 8))],
)
def test_finds_the_pixel(hover, position, place):
    hover.move_to(position)
    assert hover.pixel == place[0] * 40 + place[1]


@pytest.mark.parametrize("position", [(-0.6, 3), (3, -9), (31.6, 3), (3, 39.6)])
def test_outside_of_the_picture(hover, position):
    hover.move_to((3, 3))
    hover.move_to(position)
    assert hover.pixel is None


def test_tells_each_pixel_once(hover):
    seen = []
    hover.changed.connect(seen.append)
    for position in ((3, 3), (3.2, 3.1), (3, 4), (99, 99), (98, 98)):
        hover.move_to(position)
    assert seen == [3 * 40 + 3, 3 * 40 + 4, None]


def test_a_scaled_and_moved_picture(fitted, hover, fit):
    layer = fitted.layers["bands"]
    layer.scale, layer.translate = (2, 0.5), (10, -20)
    fit(fitted, n_components=2)
    hover.move_to((10 + 2 * 5, -20 + 0.5 * 7))
    assert hover.pixel == 5 * 40 + 7


def test_not_in_3d_nor_without_labels(fitted, hover):
    hover.move_to((3, 3), ndisplay=3)
    assert hover.pixel is None
    hover.move_to((3, 3))
    assert hover.pixel is not None
    del fitted.layers["bands quantized"]
    hover.move_to((4, 3))
    assert hover.pixel is None


def test_the_image_is_removed(fitted, hover):
    hover.move_to((3, 3))
    del fitted.layers["bands"]
    assert hover.pixel is None
    hover.move_to((4, 4))
    assert hover.pixel is None


class TestMouse:
    @pytest.fixture
    def viewer(self, viewer, picture, fit):
        viewer.add_image(picture, name="bands")
        fit(viewer, n_components=3, position=True)
        return viewer

    def move_to(self, viewer, x, y):
        """Move the mouse over the canvas, and give the row and column there."""
        canvas = viewer.window._qt_viewer.canvas.native
        canvas._last_time = 0.0  # vispy drops moves within 10 ms of one another
        QTest.mouseMove(canvas, QPoint(x, y))
        return np.rint(viewer.cursor.position[-2:]).astype(int).tolist()

    def test_the_cloud_rings_and_tells_it(self, viewer, open_widget, picture, qtbot):
        widget = open_widget(viewer, "Color cloud")
        assert widget.picture.hovered.value == NOTHING
        clustering = workspace_of(viewer).result.clustering
        ring = widget.canvas._ring
        viewer.fit_to_view()
        native = viewer.window._qt_viewer.canvas.native
        width, height = native.width(), native.height()
        seen = set()
        for x, y in ((width // 2, height // 2), (width // 2 + 70, height // 2 - 90)):
            row, column = self.move_to(viewer, x, y)
            pixel = row * 40 + column
            seen.add(pixel)
            assert workspace_of(viewer).hover.pixel == pixel
            report = inspect_pixel(clustering, pixel)
            red, green, blue = picture[row, column]
            values, likely = widget.picture.hovered.value.split("\n")
            assert values == f"R {red}  G {green}  B {blue}  X {column}  Y {row}"
            first = likely.split("  ")[0]
            assert first == (
                f"{report.labels[0]}: {report.probabilities[0]:.0%}, "
                f"{report.distances[0]:.1f} sigma"
            )
            assert likely.count("sigma") == 3
            assert widget.picture.hovered.native.isVisible()
            assert ring.visible
            assert_allclose(ring._data["a_position"][0], picture[row, column])
        assert len(seen) == 2
        viewer.scene.camera.zoom = 1
        self.move_to(viewer, 2, 2)
        assert workspace_of(viewer).hover.pixel is None
        assert widget.picture.hovered.value == NOTHING
        assert not ring.visible
        assert not widget.picture.hovered.native.isVisible()


def test_the_class_of_the_pixel_is_told_once_there_are_classes(
    model, fitted, on_screen, idle
):
    workspace = workspace_of(model)
    panel = CloudPicture(workspace)
    on_screen(panel, 300, 300)
    workspace.hover.move_to((3, 3))
    label = workspace.result.clustering.labels[3, 3]
    assert panel.hovered.value.endswith(" sigma")
    classes = workspace.result.all_classes.rename(label, "sky")
    workspace.classes.edit(classes)
    assert panel.hovered.value.endswith(" sigma  → sky")
    workspace.classes.set_quantile(0.3)
    idle(model)
    layer = model.layers["bands classes"]
    unlikely = tuple(np.argwhere(layer.data == classes.none_of_these)[0])
    workspace.hover.move_to(unlikely)
    assert panel.hovered.value.endswith(" sigma  → none of these")
    workspace.undo()
    assert not panel.hovered.value.endswith("none of these")
    workspace.show_frame(workspace.result.clustering.reordered([2, 0, 1]))
    workspace.hover.move_to((3, 3))
    assert panel.hovered.value.endswith(" sigma")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_pixel_that_is_not_finite(viewer, picture, fit, open_widget, said, value):
    data = picture / 255.0
    data[3, 4] = value
    viewer.add_image(data, rgb=True)
    fit(viewer, n_components=3)
    widget = open_widget(viewer, "Color cloud")
    workspace_of(viewer).hover.move_to((3, 4))
    assert widget.picture.hovered.value == NOTHING
    assert not widget.canvas._ring.visible
    assert said() == []
