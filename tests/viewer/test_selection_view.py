"""Chosen pixels, from the cloud and from the picture."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.path import Path
from napari.layers import Labels
from numpy.testing import assert_array_equal
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest

from napari_pixel_mixtures.mixture import library, warmup
from napari_pixel_mixtures.selection import Region
from napari_pixel_mixtures.viewer.layers import METADATA_KEY
from napari_pixel_mixtures.viewer.workspace import workspace_of

OVERLAY = "bands selection"
# Seen along B: red to the right, green down; the square holds reds.
ALONG_B = np.diag([1.0, 1, 0, 0])
ALONG_B[3, 3] = 1
REDS = Region(ALONG_B, np.array([[120.0, 0], [255, 0], [255, 120], [120, 120]]))


@pytest.fixture
def fitted(model, fit):
    fit(model, n_components=3)
    return model


@pytest.fixture
def selection(fitted):
    return workspace_of(fitted).selection


def names(viewer):
    return [layer.name for layer in viewer.layers]


def test_a_region_of_the_cloud(fitted, selection, bands):
    active = fitted.layers.selection.active
    selection.choose_region(REDS)
    assert_array_equal(selection.mask, bands == 3)
    assert selection.n_pixels == 8 * 32
    overlay = fitted.layers[OVERLAY]
    assert_array_equal(overlay.data, bands == 3)
    note = {"role": "selection", "image": "bands"}
    assert overlay.metadata == {METADATA_KEY: note}
    assert fitted.layers.selection.active is active


def test_of_one_component(selection, bands):
    selection.choose_region(REDS, label=3)
    assert_array_equal(selection.mask, bands == 3)
    with pytest.raises(ValueError, match="round some pixels"):
        selection.choose_region(REDS, label=1)


@pytest.mark.parametrize("dtype", ["uint8", ">i2"])
def test_the_first_lasso_need_not_wait_for_the_compiler(
    model, fit, monkeypatch, picture, dtype
):
    """What it needs was compiled in the background since there is a result."""
    monkeypatch.setattr(library, "_dispatchers", {})
    monkeypatch.setattr(warmup, "_threads", {})
    model.add_image(picture.astype(dtype), name="other", rgb=True)
    fit(model, n_components=3)
    for thread in warmup._threads.values():
        thread.join()

    def compiler(function, signature):
        raise AssertionError(f"{function.__name__} was to be compiled.")

    monkeypatch.setattr(library, "_compile", compiler)
    selection = workspace_of(model).selection
    selection.choose_region(REDS)
    selection.choose_region(REDS, ("R", "G", "B"))
    assert selection.n_pixels == 8 * 32


NOTHING_INSIDE = (
    "Expected a lasso or box round some pixels, got one round none, so nothing is "
    "selected; draw it round points of the cloud."
)


@pytest.mark.parametrize("before", [True, False])
def test_a_region_of_nothing(fitted, selection, before):
    if before:
        selection.choose_label(2)
    away = Region(ALONG_B, REDS.outline + 1000)
    with pytest.raises(ValueError) as error:
        selection.choose_region(away)
    assert str(error.value) == NOTHING_INSIDE
    assert selection.mask is None and selection.region is None
    assert OVERLAY not in names(fitted)


def test_a_region_in_which_nothing_is_left(fitted, fit, selection, picture):
    selection.choose_region(REDS)
    fitted.layers["bands"].data = picture[..., [1, 1, 2]]
    fit(fitted, n_components=2)
    assert selection.mask is None and selection.region is None
    assert OVERLAY not in names(fitted)


def test_of_a_frame_those_that_it_shows(fitted, selection, bands):
    workspace = workspace_of(fitted)
    clustering = workspace.result.clustering
    frame = replace(clustering, labels=np.where(bands == 3, 2, bands).astype(np.uint8))
    workspace.show_frame(frame)
    selection.choose_label(2)
    assert_array_equal(selection.mask, bands != 1)
    workspace.show_frame(None)
    assert_array_equal(selection.mask, bands != 1)
    selection.choose_label(2)
    assert_array_equal(selection.mask, bands == 2)


def test_along_other_axes(fitted, fit, selection):
    fit(fitted, n_components=3, position=True)
    left = Region(ALONG_B, np.array([[-1, -1], [9.5, -1], [9.5, 99], [-1, 99]]))
    selection.choose_region(left, ("X", "Y", "R"))
    assert_array_equal(selection.mask, np.tile(np.arange(40) < 9.5, (32, 1)))
    # The feature goes, and with it what was drawn over it.
    fit(fitted, n_components=3, position=False)
    assert selection.mask is None and selection.region is None
    assert OVERLAY not in names(fitted)


def test_a_region_is_applied_again(fitted, fit, selection, bands, picture):
    selection.choose_region(REDS)
    overlay = fitted.layers[OVERLAY]
    fit(fitted, n_components=2)
    assert selection.region is REDS
    assert_array_equal(selection.mask, bands == 3)
    assert fitted.layers[OVERLAY] is overlay
    # Of the same shape, in other colors.
    fitted.layers["bands"].data = picture[:, ::-1].copy()
    fit(fitted, n_components=3)
    assert_array_equal(overlay.data, (bands == 3)[:, ::-1])
    fitted.layers["bands"].data = picture[:, :30].copy()
    fit(fitted, n_components=3)
    assert selection.mask is None
    assert OVERLAY not in names(fitted)


def test_of_a_component_that_goes_away(fitted, fit, selection):
    selection.choose_region(REDS, label=3)
    fit(fitted, n_components=2)
    assert selection.mask is None
    assert OVERLAY not in names(fitted)


def test_a_label(selection, bands):
    selection.choose_label(2)
    assert_array_equal(selection.mask, bands == 2)
    assert selection.region is None


def test_the_chosen_label_of_a_layer_of_ours(fitted, selection, bands):
    layer = fitted.layers["bands quantized"]
    layer.selected_label = 2
    selection.choose_layer(layer)
    assert_array_equal(selection.mask, bands == 2)


def test_labels_of_the_user(fitted, selection):
    theirs = fitted.add_labels(np.eye(32, 40, dtype=int) * 7)
    selection.choose_layer(theirs)
    assert_array_equal(selection.mask, theirs.data > 0)


@pytest.mark.parametrize("place", ["plain", "moved", "other scale"])
def test_a_shape(fitted, fit, selection, place):
    """Where it lies on the picture is what counts, not its own coordinates."""
    corners = np.array([[4.2, 6.2], [4.2, 20.8], [17.8, 20.8], [17.8, 6.2]])
    settings = {}
    if place != "plain":
        image = fitted.layers["bands"]
        image.scale, image.translate = (2, 0.5), (10, -20)
        fit(fitted, n_components=3)
        world = corners * (2, 0.5) + (10, -20)
        settings = {"scale": (1, 1) if place == "moved" else (4, 4)}
        corners = world / settings["scale"]
    shapes = fitted.add_shapes([corners], shape_type="polygon", **settings)
    before = shapes.data[0].copy()
    selection.choose_layer(shapes)
    expected = np.zeros((32, 40), bool)
    expected[5:18, 7:21] = True
    rim = np.zeros((32, 40), bool)
    rim[4:19, 6:22] = True
    rim[6:17, 8:20] = False
    assert_array_equal(selection.mask[~rim], expected[~rim])
    assert_array_equal(shapes.data[0], before)


def test_a_layer_is_followed_while_it_is_painted(fitted, selection):
    theirs = fitted.add_labels(np.zeros((32, 40), np.uint8))
    theirs.data[3, 4] = 7
    selection.choose_layer(theirs)
    theirs.brush_size = 1
    theirs.paint((10, 30), 2)
    assert_array_equal(np.argwhere(selection.mask), [(3, 4), (10, 30)])
    theirs.undo()
    assert_array_equal(np.argwhere(selection.mask), [(3, 4)])
    theirs.data = np.eye(32, 40, dtype=np.uint8)
    assert_array_equal(selection.mask, np.eye(32, 40))
    theirs.data = np.ones((2, 3), np.uint8)  # no longer over the image
    assert_array_equal(selection.mask, np.eye(32, 40))


def test_a_shape_is_followed_while_it_is_moved(fitted, selection):
    shapes = fitted.add_shapes([[[2, 3], [6, 9]]], shape_type="rectangle")
    selection.choose_layer(shapes)
    before = selection.mask
    shapes.data = [shapes.data[0] + (0, 10)]
    assert_array_equal(selection.mask, np.roll(before, 10, axis=1))
    shapes.add_rectangles([[20, 30], [24, 36]])
    assert selection.n_pixels == 2 * before.sum()


def test_the_chosen_label_is_followed(fitted, fit, selection, bands):
    layer = fitted.layers["bands quantized"]
    layer.selected_label = 2
    selection.choose_layer(layer)
    layer.selected_label = 3
    assert_array_equal(selection.mask, bands == 3)
    fit(fitted, n_components=2)
    layer.selected_label = 2
    result = workspace_of(fitted).result.clustering
    assert_array_equal(selection.mask, result.labels == 2)


@pytest.mark.parametrize("what", ["label", "region", "clear", "painted", "removed"])
def test_a_layer_is_followed_until_something_else_is_chosen(
    fitted, selection, bands, what
):
    theirs = fitted.add_labels(np.eye(32, 40, dtype=np.uint8))
    selection.choose_layer(theirs)
    if what == "label":
        selection.choose_label(2)
    elif what == "region":
        selection.choose_region(REDS)
    elif what == "clear":
        selection.clear()
    elif what == "painted":
        fitted.layers[OVERLAY].paint((10, 30), 1)
    else:
        fitted.layers.remove(theirs)
    before = selection.mask
    theirs.data = np.ones((32, 40), np.uint8)
    assert selection.mask is before


def test_other_layers(fitted, selection):
    points = fitted.add_points(np.zeros((1, 2)), name="dots")
    small = fitted.add_labels(np.zeros((3, 4), int), name="small")
    for layer, name in ((points, "'dots'"), (small, "'small'"), (None, "none")):
        with pytest.raises(ValueError) as caught:
            selection.choose_layer(layer)
        assert str(caught.value) == (
            "Expected a labels or shapes layer over the clustered image, got "
            f"{name}; select one in the layer list."
        )
    assert selection.mask is None


def test_nothing_was_clustered(model):
    selection = workspace_of(model).selection
    selection.choose_region(REDS)
    selection.choose_label(1)
    assert selection.mask is None and selection.keep() is None
    with pytest.raises(ValueError, match="none was clustered yet"):
        selection.choose_layer(model.layers["bands"])


def test_painting_on_the_overlay(fitted, selection, bands):
    selection.choose_region(REDS)
    overlay = fitted.layers[OVERLAY]
    overlay.brush_size = 1
    overlay.paint((10, 30), 1)
    expected = bands == 3
    expected[10, 30] = True
    assert_array_equal(selection.mask, expected)
    assert selection.region is None
    overlay.undo()
    assert_array_equal(selection.mask, bands == 3)


def test_keep(fitted, selection, bands, fit):
    assert selection.keep() is None
    selection.choose_label(2)
    kept = selection.keep()
    assert isinstance(kept, Labels)
    assert kept.name == "bands selection kept"
    assert kept.metadata == {}
    selection.choose_label(1)
    selection.clear()
    fit(fitted, n_components=2)
    assert kept in fitted.layers
    assert_array_equal(kept.data, bands == 2)


def test_clear(fitted, selection):
    seen = []
    selection.choose_label(2)
    selection.changed.connect(lambda: seen.append(selection.n_pixels))
    selection.clear()
    selection.clear()
    assert seen == [0]
    assert OVERLAY not in names(fitted)


def test_the_overlay_is_removed_by_hand(fitted, selection, bands, fit):
    selection.choose_region(REDS)
    del fitted.layers[OVERLAY]
    fit(fitted, n_components=2)
    assert_array_equal(fitted.layers[OVERLAY].data, bands == 3)


@pytest.mark.parametrize("name", ["Cluster pixels", "Color cloud"])
def test_the_image_is_removed(viewer, picture, fit, open_widget, name, said):
    viewer.add_image(picture, name="bands")
    fit(viewer, n_components=3)
    open_widget(viewer, name)
    selection = workspace_of(viewer).selection
    selection.choose_region(REDS)
    del viewer.layers["bands"]
    assert selection.mask is None
    assert OVERLAY not in names(viewer)
    assert said() == []


def test_while_the_cloud_has_the_stage(fitted, selection):
    cloud = workspace_of(fitted).cloud
    layer = cloud.show()
    selection.choose_region(REDS)
    assert not fitted.layers[OVERLAY].visible
    assert [each for each in fitted.layers if each.visible] == [layer]
    cloud.leave()
    assert fitted.layers[OVERLAY].visible


def test_the_image_was_moved(fitted, selection):
    selection.choose_label(1)
    image = fitted.layers["bands"]
    image.translate, image.scale = (5, 6), (2, 3)
    selection.choose_label(2)
    overlay = fitted.layers[OVERLAY]
    assert tuple(overlay.translate) == (5, 6)
    assert tuple(overlay.scale) == (2, 3)


def click_on_point(canvas, number):
    points = np.column_stack([canvas._points, np.ones(len(canvas._points))])
    screen = points @ canvas.projection
    at = QPoint(*map(int, np.rint(screen[number, :2] / screen[number, 3])))
    QTest.mouseClick(canvas.native, Qt.MouseButton.LeftButton, pos=at)


class TestMouse:
    @pytest.fixture
    def widget(self, viewer, picture, fit, open_widget, qtbot):
        viewer.add_image(picture, name="bands")
        fit(viewer, n_components=3)
        widget = open_widget(viewer, "Color cloud")
        qtbot.waitUntil(lambda: not widget.canvas.animating)
        return widget

    @pytest.mark.parametrize(("elevation", "azimuth"), [(25, -55), (70, 20)])
    def test_a_lasso_chooses_all_pixels_inside(
        self, viewer, widget, picture, qtbot, elevation, azimuth
    ):
        widget.max_points.value = 50  # those that are not drawn count as well
        qtbot.waitUntil(lambda: not widget.canvas.animating)
        canvas = widget.canvas
        canvas.camera.elevation, canvas.camera.azimuth = elevation, azimuth
        widget.tool.value = "lasso"
        values = picture.reshape(-1, 3)
        screen = np.column_stack([values, np.ones(len(values))]) @ canvas.projection
        screen = screen[:, :2] / screen[:, 3:]
        middle = screen[::40].mean(axis=0)  # of the first band
        turn = np.linspace(0, 2 * np.pi, 24)[:, np.newaxis]
        outline = middle + 25 * np.column_stack([np.cos(turn), np.sin(turn)])
        outline = np.rint(outline).astype(int)
        native = canvas.native
        QTest.mousePress(native, Qt.MouseButton.LeftButton, pos=QPoint(*outline[0]))
        for place in outline[1:]:
            native._last_time = 0.0
            QTest.mouseMove(native, QPoint(*place))
        QTest.mouseRelease(native, Qt.MouseButton.LeftButton, pos=QPoint(*outline[-1]))
        selection = workspace_of(viewer).selection
        path = Path(outline)
        inner = path.contains_points(screen, radius=-0.7)
        outer = path.contains_points(screen, radius=0.7)
        if inner.sum() > outer.sum():
            inner, outer = outer, inner
        found = selection.mask.reshape(-1)
        assert 5 < inner.sum() < len(values)
        clear = inner == outer
        assert_array_equal(found[clear], inner[clear])
        assert widget.picture.status.value == (
            f"{found.sum():,} pixels selected ({found.mean():.1%})."
        )

    def test_a_click_chooses_a_component(self, viewer, widget, bands):
        click_on_point(widget.canvas, 5)
        assert_array_equal(workspace_of(viewer).selection.mask, bands == 3)

    def test_during_a_replay_a_click_chooses_what_is_shown(self, viewer, widget, bands):
        workspace = workspace_of(viewer)
        frame = np.where(bands == 3, 2, bands).astype(np.uint8)
        clustering = workspace.result.clustering
        workspace.show_frame(replace(clustering, labels=frame))
        click_on_point(widget.canvas, 5)
        assert_array_equal(workspace.selection.mask, bands != 1)

    def test_a_lasso_round_nothing(self, viewer, widget, said):
        workspace = workspace_of(viewer)
        workspace.selection.choose_label(2)
        before = widget.canvas._colors.copy()
        widget.tool.value = "box"
        native = widget.canvas.native
        start, end = QPoint(2, 2), QPoint(10, 10)
        QTest.mousePress(native, Qt.MouseButton.LeftButton, pos=start)
        native._last_time = 0.0
        QTest.mouseMove(native, end)
        QTest.mouseRelease(native, Qt.MouseButton.LeftButton, pos=end)
        assert widget.picture.status.value == NOTHING_INSIDE
        assert widget.picture.status.native.isVisible()
        assert workspace.selection.mask is None
        assert OVERLAY not in names(viewer)
        assert not np.array_equal(widget.canvas._colors, before)
        workspace.selection.choose_label(1)
        assert widget.picture.status.value == "576 pixels selected (45.0%)."

    def test_what_is_not_chosen_is_dimmed(self, viewer, widget, bands, click):
        before = widget.canvas._colors.copy()
        workspace_of(viewer).selection.choose_label(2)
        after = widget.canvas._colors
        chosen = (bands == 2).reshape(-1)
        assert_array_equal(after[chosen], before[chosen])
        spread = np.ptp(after[~chosen][:, :3], axis=1).max()
        assert spread < 0.25 * np.ptp(before[~chosen][:, :3], axis=1).max()
        click(widget.more)
        click(widget.selection.clear_selection)
        assert_array_equal(widget.canvas._colors, before)

    def test_select_from_a_layer_and_keep(self, viewer, widget, bands, click, said):
        layer = viewer.layers["bands quantized"]
        layer.selected_label = 2
        viewer.layers.selection.active = layer
        click(widget.more)
        click(widget.selection.select_from)
        click(widget.selection.keep)
        assert_array_equal(viewer.layers["bands selection kept"].data, bands == 2)
        viewer.layers.selection.clear()
        click(widget.selection.select_from)
        sentence = (
            "Expected a labels or shapes layer over the clustered image, got none; "
            "select one in the layer list."
        )
        assert said() == [("error", sentence)]

    def test_survives_whitening(self, viewer, widget, bands, fit):
        selection = workspace_of(viewer).selection
        selection.choose_region(REDS)
        camera = widget.canvas.camera.get_state()
        settings = workspace_of(viewer).cloud.settings
        for whiten in ("pooled", 3, None):
            workspace_of(viewer).cloud.set(replace(settings, whiten=whiten))
            assert_array_equal(selection.mask, bands == 3)
            assert widget.canvas.camera.get_state() == camera


def test_a_lasso_over_pixels_that_are_gone_is_not_applied_again(
    fitted, selection, picture, fit
):
    """Neither then nor to the next fit, of a smaller picture."""
    workspace = workspace_of(fitted)
    workspace.cloud.show()
    fitted.layers["bands"].data = picture[:31, :31]
    selection.choose_region(REDS)
    assert selection.region is None and selection.mask is None
    fit(fitted, n_components=2)
    assert selection.mask is None
    assert workspace.result.clustering.labels.shape == (31, 31)
