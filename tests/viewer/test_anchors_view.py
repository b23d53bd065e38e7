"""The places of the distance feature, dragged on the picture."""

from dataclasses import replace

import numpy as np
import pytest
from napari.layers import Points
from numpy.testing import assert_allclose, assert_array_equal
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest

from napari_pixel_mixtures import AnchorDistance, Color, cluster
from napari_pixel_mixtures.viewer.layers import METADATA_KEY
from napari_pixel_mixtures.viewer.workspace import workspace_of

PLACES = "bands places"


@pytest.fixture
def workspace(model, fit):
    fit(model, n_components=3, distance=True, n_anchors=3)
    workspace = workspace_of(model)
    workspace.set_live(True)
    return workspace


@pytest.fixture
def layer(model, workspace):
    return model.layers[PLACES]


def feature(workspace):
    return workspace.recipe.features[-1]


def drag(layer, index, to):
    """Move a point in one step; `TestMouse` does so with the mouse."""
    layer.selected_data = {index}
    layer._move([index], np.array(layer.data[index], float))
    layer._move([index], np.array(to, float))
    layer._drag_start = None


def test_shows_where_they_are(model, workspace, layer):
    assert isinstance(layer, Points)
    expected = AnchorDistance(n=3, seed=0).places((32, 40))
    assert_allclose(layer.data, expected, rtol=1e-6)
    note = {"role": "places", "image": "bands"}
    assert layer.metadata == {METADATA_KEY: note}
    assert model.layers.selection.active is not layer


def test_dragging_fits_again(model, workspace, layer, idle, picture):
    drag(layer, 1, (5.0, 7.0))
    assert workspace.runner.busy
    idle(model)
    moved = feature(workspace)
    assert_allclose(moved.anchors[1], (5, 7), atol=1e-5)
    assert workspace.result.clustering.recipe == workspace.recipe
    expected = cluster(
        picture, n_components=3, features=[Color(), replace(moved, weight=1.0)]
    )
    found = workspace.result.clustering
    assert found.log_likelihood == expected.log_likelihood
    assert_allclose(layer.data, moved.anchors)
    assert model.layers[PLACES] is layer


def test_adding_and_deleting_fits_again(model, workspace, layer, idle):
    layer.add([[9.0, 9.0]])
    idle(model)
    assert feature(workspace).n == len(layer.data) == 4
    assert_allclose(feature(workspace).anchors[3], (9, 9))
    layer.selected_data = {0, 1}
    layer.remove_selected()
    idle(model)
    assert feature(workspace).n == len(layer.data) == 2
    assert workspace.result.clustering.recipe.features[-1].n == 2


def test_the_last_one_stays_in_the_recipe(model, workspace, layer, idle, fit):
    layer.selected_data = {0, 1, 2}
    layer.remove_selected()
    assert not workspace.runner.busy
    assert feature(workspace).n == 3
    fit(model, n_components=2)
    assert len(layer.data) == 3


def test_undo_brings_them_back(model, workspace, layer, idle):
    before = layer.data.copy()
    drag(layer, 0, (20.0, 30.0))
    idle(model)
    workspace.undo()
    assert_allclose(layer.data, before)
    assert feature(workspace).anchors is None
    workspace.redo()
    assert_allclose(layer.data[0], (20, 30))
    assert not workspace.runner.busy


def test_another_seed_deals_them_out_anew(model, workspace, layer, idle, fit):
    drag(layer, 0, (20.0, 30.0))
    idle(model)
    fit(model, random_state=5, n_anchors=4)
    assert_allclose(layer.data, AnchorDistance(n=4, seed=5).places((32, 40)), rtol=1e-6)


def test_of_several_features_the_first_that_is_used_is_dragged(
    model, workspace, layer, idle, fit
):
    off = AnchorDistance(n=2, seed=1, on=False)
    second = AnchorDistance(n=4, seed=2)
    shown = feature(workspace)
    recipe = replace(workspace.recipe, features=[Color(), off, shown, second, shown])
    workspace.set_recipe(recipe)
    idle(model)
    assert_allclose(layer.data, shown.places((32, 40)))
    drag(layer, 0, (20.0, 30.0))
    idle(model)
    features = workspace.recipe.features
    assert features[:2] == (Color(), off)
    assert features[3:] == (second, shown)
    assert_allclose(features[2].anchors[0], (20, 30))
    assert_allclose(layer.data, features[2].anchors)
    assert workspace.result.clustering.recipe == workspace.recipe


def test_without_the_feature_there_is_no_layer(model, workspace, fit):
    fit(model, distance=False)
    assert PLACES not in [layer.name for layer in model.layers]
    fit(model, distance=True)
    assert PLACES in [layer.name for layer in model.layers]


def test_removed_by_hand(model, workspace, layer, fit):
    model.layers.remove(layer)
    assert not workspace.runner.busy
    fit(model, n_components=2)
    assert PLACES in [each.name for each in model.layers]


def test_points_of_the_user_are_never_touched(model, workspace, fit):
    theirs = model.add_points(np.array([[1.0, 2], [3, 4]]), name=PLACES)
    theirs.add([[5, 6]])
    assert not workspace.runner.busy
    fit(model, n_components=2)
    fit(model, distance=False)
    assert_array_equal(theirs.data, [[1, 2], [3, 4], [5, 6]])
    assert theirs in model.layers


def test_moves_with_its_image(model, workspace, layer, fit):
    image = model.layers["bands"]
    image.scale, image.translate = (2, 3), (10, 20)
    fit(model, n_components=2)
    assert tuple(layer.scale) == (2, 3)
    assert tuple(layer.translate) == (10, 20)


@pytest.mark.parametrize("widget", ["Cluster pixels"])
def test_the_image_is_removed(viewer, picture, fit, open_widget, said, widget):
    viewer.add_image(picture, name="bands")
    fit(viewer, n_components=2, distance=True)
    open_widget(viewer, widget)
    del viewer.layers["bands"]
    assert PLACES not in [layer.name for layer in viewer.layers]
    assert said() == []


def test_another_image(model, workspace, layer, fit, picture):
    model.add_image(picture[:20], name="other")
    fit(model, n_components=2, distance=True)
    [places] = [
        each
        for each in model.layers
        if each.metadata.get(METADATA_KEY, {}).get("role") == "places"
    ]
    assert places.name == "other places"
    assert places.metadata[METADATA_KEY]["image"] == "other"


class TestMouse:
    """Places are dragged with the mouse, in napari's own way."""

    LEFT = Qt.MouseButton.LeftButton

    @pytest.fixture
    def model(self, viewer, picture):
        viewer.add_image(picture, name="bands")
        return viewer

    @pytest.fixture
    def layer(self, model, workspace):
        layer = model.layers[PLACES]
        model.layers.selection.active = layer
        layer.mode = "select"
        model.fit_to_view()
        return layer

    @pytest.fixture
    def canvas(self, model, layer):
        return model.window._qt_viewer.canvas.native

    def at(self, model, canvas, place):
        """Where a row and column are on the canvas."""
        camera = model.scene.camera
        row, column = (np.array(place) - camera.center[-2:]) * camera.zoom
        return QPoint(
            round(canvas.width() / 2 + column), round(canvas.height() / 2 + row)
        )

    def move(self, canvas, place, qtbot):
        canvas._last_time = 0.0  # vispy drops moves within 10 ms of one another
        QTest.mouseMove(canvas, place)
        qtbot.wait(20)  # napari those within 5 ms

    def test_each_move_changes_the_recipe(
        self, model, workspace, layer, canvas, idle, qtbot
    ):
        start = layer.data[1].copy()
        told = []
        workspace.recipe_changed.connect(told.append)
        QTest.mousePress(canvas, self.LEFT, pos=self.at(model, canvas, start))
        assert told == []
        for step in (1, 2, 3):
            to = start + np.array([step, -2 * step])
            self.move(canvas, self.at(model, canvas, to), qtbot)
            assert len(told) == step
            assert_allclose(feature(workspace).anchors[1], to, atol=0.15)
            assert_array_equal(feature(workspace).anchors, layer.data)
        QTest.mouseRelease(canvas, self.LEFT, pos=self.at(model, canvas, to))
        idle(model)
        assert_array_equal(feature(workspace).anchors, layer.data)
        assert workspace.result.clustering.recipe == workspace.recipe

    def test_a_fit_that_ends_meanwhile_leaves_the_place_in_hand(
        self, model, workspace, layer, canvas, idle, qtbot
    ):
        start = layer.data[1].copy()
        first = workspace.result
        QTest.mousePress(canvas, self.LEFT, pos=self.at(model, canvas, start))
        self.move(canvas, self.at(model, canvas, start + 1), qtbot)
        idle(model)
        fitted = workspace.result
        assert fitted is not first
        self.move(canvas, self.at(model, canvas, start + 5), qtbot)
        workspace.take(fitted)  # a late one
        assert_allclose(layer.data[1], start + 5, atol=0.15)
        self.move(canvas, self.at(model, canvas, start + 6), qtbot)
        assert_allclose(layer.data[1], start + 6, atol=0.15)
        place = self.at(model, canvas, start + 6)
        QTest.mouseRelease(canvas, self.LEFT, pos=place)
        idle(model)
        assert_allclose(feature(workspace).anchors[1], start + 6, atol=0.15)
        workspace.undo()  # nothing is in hand any more
        assert_array_equal(layer.data, feature(workspace).places((32, 40)))

    def test_a_box_around_them_changes_nothing(
        self, model, workspace, layer, canvas, qtbot
    ):
        recipe = workspace.recipe
        QTest.mousePress(canvas, self.LEFT, pos=self.at(model, canvas, (0, 0)))
        for place in ((10, 10), (31, 39)):
            self.move(canvas, self.at(model, canvas, place), qtbot)
        QTest.mouseRelease(canvas, self.LEFT, pos=self.at(model, canvas, (31, 39)))
        assert layer.selected_data
        assert workspace.recipe is recipe
        assert not workspace.runner.busy

    def test_in_another_mode_and_back(self, model, workspace, layer, canvas, qtbot):
        for mode in ("pan_zoom", "add", "select"):
            layer.mode = mode
        start = layer.data[2].copy()
        QTest.mousePress(canvas, self.LEFT, pos=self.at(model, canvas, start))
        self.move(canvas, self.at(model, canvas, start + 3), qtbot)
        assert_allclose(feature(workspace).anchors[2], start + 3, atol=0.15)
        place = self.at(model, canvas, start + 3)
        QTest.mouseRelease(canvas, self.LEFT, pos=place)
