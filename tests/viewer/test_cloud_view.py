"""The color cloud: points in the viewer's 3-D view, and back."""

import re
from dataclasses import replace

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Points
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from sklearn.decomposition import PCA

from napari_pixel_mixtures import Position, cluster, cluster_layer, color_cloud
from napari_pixel_mixtures.space import space_of
from napari_pixel_mixtures.viewer import cloud_view
from napari_pixel_mixtures.viewer.cloud_steps import see_through
from napari_pixel_mixtures.viewer.cloud_view import CloudSettings
from napari_pixel_mixtures.viewer.result import Result
from napari_pixel_mixtures.viewer.source import Source
from napari_pixel_mixtures.viewer.workspace import workspace_of


@pytest.fixture
def fitted(model, fit):
    fit(model, n_components=3)
    return model


@pytest.fixture
def workspace(fitted):
    return workspace_of(fitted)


@pytest.fixture
def cloud(workspace):
    return workspace.cloud


def seen(layer):
    """Where the points of a layer, or the vertices, lie in the world."""
    affine = layer.affine.affine_matrix
    data = layer.data if isinstance(layer, Points) else layer.vertices
    return data @ affine[:3, :3].T + affine[:3, 3]


def change(cloud, **settings):
    cloud.set(replace(cloud.settings, **settings))


def test_points_of_the_pixels(fitted, cloud, picture, bands):
    layer = cloud.show()
    assert isinstance(layer, Points)
    assert layer.name == "bands color cloud"
    assert cloud.shown
    rows, columns = np.mgrid[:32, :40]
    features = layer.features
    assert list(features.columns) == ["row", "column", "label"]
    assert_array_equal(features["row"], rows.ravel())
    assert_array_equal(features["column"], columns.ravel())
    assert_array_equal(features["label"], bands.ravel())
    assert_array_equal(layer.data, picture.reshape(-1, 3))
    colors = workspace_of(fitted).result.clustering.colors / 255
    assert_allclose(layer.face_color[:, :3], colors[bands.ravel() - 1], atol=1e-6)
    assert layer.axis_labels == ("R", "G", "B")
    assert fitted.dims.axis_labels == ("R", "G", "B")


def test_looks_as_points_without_rims(fitted, cloud):
    layer = cloud.show()
    assert_array_equal(layer.border_width, 0)
    assert_array_equal(layer.border_color, layer.face_color)
    assert layer.antialiasing == 0
    assert layer.blending == "opaque"
    assert layer.shading == "none"
    assert fitted.dims.ndisplay == 3
    assert fitted.layers.selection.active is layer
    assert [each for each in fitted.layers if each.visible] == [layer]


def test_every_choice_is_color_clouds(workspace, cloud):
    layer = cloud.show()
    values = workspace.result.clustering.picture.pixels
    for settings in (
        {"max_points": 100},
        {"whiten": "pooled"},
        {"color_by": "pixel"},
        {"whiten": 2},
        {"color_by": "cluster"},
        {"max_points": 5000},
        {"whiten": None},
    ):
        change(cloud, **settings)
        shown = cloud.settings
        expected = color_cloud(
            workspace.result.clustering,
            whiten=shown.whiten,
            max_points=shown.max_points,
            color_by=shown.color_by,
        )
        assert_allclose(seen(layer), expected.points, rtol=1e-4, atol=1e-4)
        assert_array_equal(layer.data, values[expected.pixels])
        assert_allclose(layer.face_color[:, :3], expected.colors, atol=1e-6)
        assert_array_equal(layer.features["label"], expected.labels)
        assert layer.canvas_size_limits == (3.0, 3.0)
    change(cloud, point_size=2.0)
    assert layer.canvas_size_limits == (6.0, 6.0)


def test_whitened_points_have_unit_covariance(cloud):
    layer = cloud.show(replace(cloud.settings, whiten=1))
    assert_allclose(np.cov(seen(layer).T), np.eye(3), atol=0.05)
    assert_allclose(seen(layer).mean(axis=0), 0, atol=0.05)


def test_settings_may_be_chosen_before_the_cloud_is_shown(fitted, cloud):
    seen = []
    cloud.changed.connect(seen.append)
    change(cloud, max_points=7)
    assert not cloud.shown
    assert [settings.max_points for settings in seen] == [7]
    assert len(cloud.show().data) == 7


def test_a_bad_setting_changes_nothing(cloud):
    layer = cloud.show()
    before = cloud.settings
    with pytest.raises(ValueError, match="Expected whiten to be None, 'pooled' or"):
        change(cloud, whiten=9)
    assert cloud.settings == before
    assert len(layer.data) == 32 * 40


def test_nothing_was_clustered(model):
    with pytest.raises(ValueError) as caught:
        workspace_of(model).cloud.show()
    assert str(caught.value) == (
        "Expected a clustered image, but none was clustered yet; press Fit in Cluster "
        "pixels, or call cluster_layer, first."
    )
    assert len(model.layers) == 1


def test_back_and_forth(fitted, cloud):
    before = [(layer, layer.visible) for layer in fitted.layers]
    cloud.show()
    cloud.leave()
    cloud.leave()
    assert [(layer, layer.visible) for layer in fitted.layers] == before
    assert fitted.dims.ndisplay == 2
    cloud.show()
    assert len(fitted.layers) == 4


def test_the_camera_stays_when_colors_change_and_moves_to_another_space(fitted, cloud):
    cloud.show()
    camera = fitted.scene.camera
    camera.zoom, camera.angles = 3.25, (1, 2, 3)
    change(cloud, color_by="pixel")
    assert camera.zoom == 3.25
    change(cloud, whiten="pooled")
    assert camera.zoom != 3.25
    assert_allclose(camera.angles, (1, 2, 3), atol=1e-6)


def test_removed_by_hand(fitted, cloud):
    fitted.layers.remove(cloud.show())
    assert not cloud.shown
    assert fitted.dims.ndisplay == 2
    assert [layer.visible for layer in fitted.layers] == [True] * 3
    assert cloud.show() in fitted.layers


def test_the_image_is_removed_while_in_the_cloud(fitted, cloud):
    cloud.show()
    del fitted.layers["bands"]
    assert not cloud.shown
    assert fitted.dims.ndisplay == 2
    names = [layer.name for layer in fitted.layers]
    assert names == ["bands random colors", "bands quantized"]
    assert all(layer.visible for layer in fitted.layers)
    with pytest.raises(ValueError, match="none was clustered yet"):
        cloud.show()


def test_fitted_again_while_in_the_cloud(fitted, workspace, cloud, fit):
    layer = cloud.show(replace(cloud.settings, whiten=3))
    camera = fitted.scene.camera
    camera.zoom = 3.25
    del fitted.layers["bands quantized"]
    fit(fitted, n_components=4)
    assert cloud.shown and layer in fitted.layers
    assert cloud.settings.whiten == 3
    assert camera.zoom == 3.25
    assert set(layer.features["label"]) == {3}
    assert fitted.layers.selection.active is layer
    assert [each for each in fitted.layers if each.visible] == [layer]
    cloud.leave()
    assert all(each.visible for each in fitted.layers)


def test_the_chosen_component_goes_away(fitted, cloud, fit):
    seen = []
    layer = cloud.show(replace(cloud.settings, whiten=3))
    cloud.changed.connect(lambda settings: seen.append(settings.whiten))
    fit(fitted, n_components=2)
    assert cloud.settings.whiten is None
    assert seen == [None]
    assert len(layer.data) == 32 * 40
    assert_array_equal(layer.data[0], fitted.layers["bands"].data[0, 0])


def without(clustering, label):
    """The same clustering, in which another component has the pixels of one."""
    other = 1 if label != 1 else 2
    counts = clustering.pixel_counts.copy()
    counts[other - 1] += counts[label - 1]
    counts[label - 1] = 0
    labels = np.where(clustering.labels == label, other, clustering.labels)
    labels = labels.astype(clustering.labels.dtype)
    return replace(clustering, labels=labels, pixel_counts=counts)


@pytest.mark.parametrize("shown", [True, False])
def test_the_chosen_component_has_no_pixels_for_some_frames(
    fitted, workspace, cloud, bands, shown
):
    """It is chosen for as long as a result has it; and then it is no more."""
    if shown:
        cloud.show()
    change(cloud, whiten=3, deviations=1.0)
    clustering = workspace.result.clustering
    workspace.show_frame(without(clustering, 3))
    assert cloud.settings.whiten == 3 and cloud.shown == shown
    if shown:
        assert len(cloud.layer.data) == 0
        change(cloud, point_size=2.0)
    workspace.show_frame(without(clustering, 2))
    workspace.show_frame(None)
    assert cloud.settings.whiten == 3 and cloud.shown == shown
    if shown:
        assert len(cloud.layer.data) == (bands == 3).sum()
    workspace.take(replace(workspace.result, clustering=without(clustering, 3)))
    assert cloud.settings.whiten is None and cloud.shown == shown


def test_another_image_is_clustered_while_in_the_cloud(fitted, cloud, fit, picture):
    cloud.show()
    fitted.add_image(picture[::-1], name="upside down")
    fit(fitted, n_components=2)
    [layer] = [each for each in fitted.layers if isinstance(each, Points)]
    assert_array_equal(layer.data, picture[::-1].reshape(-1, 3))
    assert layer.name == "upside down color cloud"
    assert layer.metadata["napari_pixel_mixtures"]["image"] == "upside down"


def test_a_comparison_while_in_the_cloud_and_the_other_way(
    fitted, workspace, cloud, idle
):
    names = [layer.name for layer in fitted.layers]
    cloud.show()
    workspace.comparison.start(workspace.request(), [1, 2])
    idle(fitted)
    assert workspace.comparison.shown and not cloud.shown
    assert fitted.dims.ndisplay == 2
    assert fitted.canvas.grid.enabled
    assert len(fitted.layers) == 3 + 6
    cloud.show()
    assert cloud.shown and not workspace.comparison.shown
    assert not fitted.canvas.grid.enabled
    assert len(fitted.layers) == 4
    cloud.leave()
    assert [layer.name for layer in fitted.layers] == names
    assert all(layer.visible for layer in fitted.layers)


def test_napari_s_own_2d_3d_button_meanwhile(fitted, cloud):
    zoom = fitted.scene.camera.zoom
    layer = cloud.show()
    fitted.dims.ndisplay = 2
    change(cloud, max_points=10)
    assert len(layer.data) == 10
    cloud.leave()
    assert fitted.dims.ndisplay == 2
    assert fitted.scene.camera.zoom == zoom


@pytest.mark.parametrize(
    ("data", "columns", "axes"),
    [
        (np.random.default_rng(0).random((5, 6, 7)), ["plane", "row", "column"], None),
        (
            np.random.default_rng(0).random((2, 3, 6, 7)),
            ["time", "plane", "row", "column"],
            None,
        ),
        (np.random.default_rng(0).random((6, 7)), ["row", "column"], "gray"),
    ],
    ids=["volume", "time series", "grey"],
)
def test_pixels_without_three_colors(qapp, fit, data, columns, axes):
    viewer = ViewerModel()
    viewer.add_image(data)
    fit(viewer, n_components=2)
    layer = workspace_of(viewer).cloud.show()
    assert list(layer.features.columns) == [*columns, "label"]
    assert_allclose(layer.data[:, 0], data.ravel(), rtol=1e-6)
    assert_array_equal(layer.data[:, 1:], 0)
    where = tuple(layer.features[name] for name in columns)
    assert_allclose(data[where], layer.data[:, 0], rtol=1e-6)
    if axes:
        assert layer.axis_labels[0] == axes
    workspace_of(viewer).cloud.leave()


def test_the_units_of_the_image_do_not_matter(qapp, fit, picture):
    viewer = ViewerModel()
    viewer.add_image(picture, scale=(0.5, 0.25), units=("um", "um"))
    fit(viewer, n_components=3)
    workspace_of(viewer).cloud.show()  # a warning would be an error
    workspace_of(viewer).cloud.leave()
    assert viewer.layers[1].units == viewer.layers[0].units


def test_one_color(qapp, fit):
    viewer = ViewerModel()
    viewer.add_image(np.full((33, 34, 3), 99, np.uint8))
    fit(viewer, n_components=1)
    cloud = workspace_of(viewer).cloud
    for whiten in (None, "pooled", 1):
        layer = cloud.show(replace(cloud.settings, whiten=whiten))
        assert np.isfinite(seen(layer)).all()


class TestEllipsoids:
    NAME = "bands ellipsoids"

    @pytest.mark.parametrize("whiten", [None, "pooled", 2])
    def test_lie_where_the_gaussians_are(self, fitted, workspace, cloud, whiten):
        change(cloud, whiten=whiten, deviations=2.0)
        points = cloud.show()
        layer = fitted.layers[self.NAME]
        clustering = workspace.result.clustering
        shown = [2] if whiten == 2 else [1, 2, 3]
        space = space_of(clustering)
        # First the ellipsoids, then the marks of their centers.
        parts, marks = layer.vertices.reshape(2, len(shown), -1, 3)
        assert_array_equal(layer.affine.affine_matrix, points.affine.affine_matrix)
        colors, bright = layer.vertex_colors.reshape(2, len(shown), -1, 4)
        for label, mark, color in zip(shown, marks, bright, strict=True):
            assert_allclose(mark.mean(axis=0), space.means[label - 1], rtol=1e-3)
            # Halfway to white, for all of these are dark.
            expected = (clustering.colors[label - 1] / 255 + 1) / 2
            assert_allclose(color[:, :3], np.tile(expected, (len(color), 1)), atol=1e-6)
            assert (color[:, 3] == 1).all()
        for label, vertices, color in zip(shown, parts, colors, strict=True):
            offsets = vertices - space.means[label - 1]
            inverse = np.linalg.inv(space.covariances[label - 1])
            squares = np.einsum("ij,jk,ik->i", offsets, inverse, offsets)
            assert_allclose(np.sqrt(squares), 2.0, rtol=1e-3)
            expected = clustering.colors[label - 1] / 255
            assert_allclose(color[:, :3], np.tile(expected, (len(color), 1)), atol=1e-6)
            assert (color[:, 3] < 0.3).all()
        assert fitted.layers.selection.active is points

    def test_come_and_go_with_the_setting_and_the_cloud(self, fitted, cloud):
        names = [layer.name for layer in fitted.layers]
        change(cloud, deviations=1.0)
        cloud.show()
        assert self.NAME in fitted.layers
        change(cloud, deviations=0.0)
        assert self.NAME not in fitted.layers
        assert cloud.shown
        change(cloud, deviations=3.0)
        cloud.leave()
        assert [layer.name for layer in fitted.layers] == names

    def test_follow_the_fit(self, fitted, cloud, fit):
        change(cloud, deviations=1.0)
        cloud.show()
        before = len(fitted.layers[self.NAME].vertices)
        fit(fitted, n_components=2)
        assert len(fitted.layers[self.NAME].vertices) == before * 2 / 3
        assert sum(layer.name.startswith(self.NAME) for layer in fitted.layers) == 1

    def test_one_of_the_layers_is_removed_by_hand(self, fitted, cloud):
        names = [layer.name for layer in fitted.layers]
        change(cloud, deviations=1.0)
        cloud.show()
        del fitted.layers[self.NAME]
        assert cloud.shown
        change(cloud, deviations=2.0)
        assert self.NAME in fitted.layers
        del fitted.layers["bands color cloud"]
        assert not cloud.shown
        assert [layer.name for layer in fitted.layers] == names
        assert fitted.dims.ndisplay == 2


class TestGlide:
    @pytest.fixture
    def shown(self, viewer, picture, fit):
        viewer.add_image(picture, name="bands")
        fit(viewer, n_components=3)
        cloud = workspace_of(viewer).cloud
        change(cloud, deviations=1.0)
        cloud.show()
        return viewer

    def on_screen(self, viewer, layer):
        """Where the camera sees points, but for its angles, which stay."""
        camera = viewer.scene.camera
        return (seen(layer) - np.array(camera.center)) * camera.zoom

    def test_points_start_from_where_they_were_and_go_straight(
        self, shown, qtbot, monkeypatch
    ):
        cloud = workspace_of(shown).cloud
        shown.scene.camera.zoom *= 2
        layer = shown.layers["bands color cloud"]
        before = self.on_screen(shown, layer)
        monkeypatch.setattr(cloud._glide._animation, "_timer", NoTimer())
        change(cloud, whiten="pooled")
        start = self.on_screen(shown, layer)
        expected = color_cloud(workspace_of(shown).result.clustering, "pooled").points
        assert_allclose(start, before, atol=1e-2 * np.ptp(before))
        middle, end = [], []
        for share, places in ((0.5, middle), (1.0, end)):
            cloud._glide._move(share)
            places.append(self.on_screen(shown, layer))
        assert_allclose(middle[0], (start + end[0]) / 2, atol=1e-2 * np.ptp(before))
        assert_allclose(seen(layer), expected, rtol=1e-4, atol=1e-4)
        surface = shown.layers["bands ellipsoids"]
        assert_array_equal(surface.affine.affine_matrix, layer.affine.affine_matrix)

    def test_it_ends_and_the_camera_comes_along(self, shown, qtbot):
        cloud = workspace_of(shown).cloud
        camera = shown.scene.camera
        camera.zoom, camera.angles = 2 * camera.zoom, (1, 2, 3)
        for whiten in ("pooled", 3, None):
            change(cloud, whiten=whiten)
            assert cloud._glide.moving
            qtbot.waitUntil(lambda: not cloud._glide.moving)
            layer = shown.layers["bands color cloud"]
            cloud_ = color_cloud(workspace_of(shown).result.clustering, whiten)
            assert_allclose(seen(layer), cloud_.points, rtol=1e-4, atol=1e-4)
            assert_allclose(camera.angles, (1, 2, 3), atol=1e-6)
        # What was zoomed by hand is kept.
        center, fitted = cloud._glide._fitting
        assert camera.zoom == pytest.approx(2 * fitted, rel=1e-3)
        assert_allclose(camera.center, center, atol=1e-3 * np.max(center))

    def test_the_cloud_goes_meanwhile(self, shown, qtbot):
        cloud = workspace_of(shown).cloud
        change(cloud, whiten="pooled")
        cloud.leave()
        qtbot.waitUntil(lambda: not cloud._glide.moving)
        layer = cloud.show()
        expected = color_cloud(workspace_of(shown).result.clustering, "pooled").points
        assert_allclose(seen(layer), expected, rtol=1e-4, atol=1e-4)

    @pytest.fixture
    def records(self, shown, monkeypatch):
        """What vispy draws, a row a point: place, colors, size; few while moving."""
        cloud = workspace_of(shown).cloud
        monkeypatch.setattr(cloud._glide.thinning, "most", 100)
        canvas = shown.window._qt_viewer.canvas

        def read():
            data = canvas.layer_to_visual[cloud.layer].node.points_markers._data
            return data.view(np.float32).reshape(len(data), -1)

        return read

    def test_fewer_points_are_drawn_meanwhile(self, shown, records, qtbot):
        cloud, camera = workspace_of(shown).cloud, shown.scene.camera
        layer, angles = cloud.layer, camera.angles
        layer.selected_data = {3, 500}
        before, data = records().copy(), layer.data.copy()
        assert len(before) == 32 * 40
        change(cloud, whiten="pooled")
        few = records().copy()
        assert len(few) == 100
        # They are points of the cloud, each in its color, from all over.
        assert {*map(tuple, few)} <= {*map(tuple, before)}
        assert_allclose(few[:, :3].mean(axis=0), before[:, :3].mean(axis=0), atol=25)
        assert len(layer.data) == 32 * 40
        qtbot.waitUntil(lambda: not cloud._glide.thinning.active)
        assert not cloud._glide.moving
        assert_array_equal(records(), before)
        assert_array_equal(layer.data, data)
        assert layer.selected_data == {3, 500}
        assert_allclose(camera.angles, angles, atol=1e-6)
        expected = color_cloud(workspace_of(shown).result.clustering, "pooled").points
        assert_allclose(seen(layer), expected, rtol=1e-4, atol=1e-4)

    def test_all_points_come_back_before_anything_else(self, shown, records):
        cloud = workspace_of(shown).cloud
        before = records().copy()
        change(cloud, whiten="pooled")
        assert len(records()) == 100
        change(cloud, point_size=2.0)
        assert_array_equal(records(), before)
        change(cloud, whiten=None)
        assert len(records()) == 100
        cloud.render()
        assert_array_equal(records(), before)

    def test_points_in_other_colors_meanwhile(self, shown, records, qtbot):
        workspace = workspace_of(shown)
        cloud = workspace.cloud
        change(cloud, whiten="pooled")
        workspace.selection.choose_label(2)
        qtbot.waitUntil(lambda: not cloud._glide.thinning.active)
        found = records()
        assert len(found) == 32 * 40
        assert_array_equal(found[:, 7:11], cloud.layer.face_color)

    def test_the_window_closes_meanwhile(self, shown, records, qtbot):
        change(workspace_of(shown).cloud, whiten="pooled")
        shown.close()
        qtbot.wait(600)


class NoTimer:
    """Leaves the steps of an animation to the test."""

    def start(self):
        """Do nothing."""

    stop = start

    def isActive(self):
        return False


def test_of_many_channels_the_most_telling_three_are_shown(model, picture):
    workspace = workspace_of(model)
    random = np.random.default_rng(0)
    image = random.normal(0, 1, (32, 40, 5))
    image[:, 20:, [1, 2, 4]] += 9
    layer = model.layers["bands"]
    clustering = cluster(image, 2, channel_axis=-1)
    workspace.take(Result(Source.of(layer), clustering))
    axes = ("channel 1", "channel 2", "channel 4")
    assert workspace.cloud.settings.axes == axes
    # The choice is the person's from then on.
    change(workspace.cloud, axes="channels")
    workspace.take(Result(Source.of(layer), clustering))
    assert workspace.cloud.settings.axes == "channels"
    # Where channels are no features there is no such choice.
    other = model.add_image(picture, name="other")
    place = cluster(image, 2, features=[Position()], channel_axis=-1)
    workspace.take(Result(Source.of(other), place))
    assert workspace.cloud.settings.axes == "channels"


def test_with_color_the_automatic_axes_come_back(model, fit):
    random = np.random.default_rng(0)
    image = random.normal(0, 1, (32, 40, 5))
    image[:, 20:, [1, 2, 4]] += 9
    model.add_image(image, name="five", rgb=False, axis_labels=("y", "x", "c"))
    cloud = workspace_of(model).cloud
    fit(model, n_components=2)
    axes = ("channel 1", "channel 2", "channel 4")
    assert cloud.settings.axes == axes
    fit(model, color=False, position=True)
    assert cloud.settings.axes == "channels"
    change(cloud, point_size=2.0)  # which chooses no axes
    fit(model, color=True)
    assert cloud.settings.axes == axes
    # Unless a person chose the first three.
    change(cloud, axes="channels")
    fit(model, color=False)
    fit(model, color=True)
    assert cloud.settings.axes == "channels"
    # Axes that a person chose and that are gone make room for automatic ones.
    change(cloud, axes=("X", "Y", "channel 0"))
    fit(model, position=False)
    assert cloud.settings.axes == axes


class TestViewButtons:
    @pytest.fixture
    def widget(self, viewer, picture, fit, open_widget, click):
        viewer.add_image(picture, name="bands")
        fit(viewer, n_components=3)
        widget = open_widget(viewer, "Color cloud")
        click(widget.more)
        return widget

    def seen(self, widget, direction):
        """How long a stick in the unit ball looks on the screen."""
        ends = np.array([-direction, direction]) / 2
        transform = widget.canvas._view.scene.transform
        places = transform.map(np.column_stack([ends, [1, 1]]))
        return np.linalg.norm(np.diff(places[:, :2] / places[:, 3:], axis=0))

    @pytest.mark.parametrize("whiten", [None, "pooled"])
    def test_look_along_axes_and_where_points_spread(
        self, viewer, widget, click, qtbot, whiten
    ):
        change(workspace_of(viewer).cloud, whiten=whiten)
        qtbot.waitUntil(lambda: not widget.canvas.animating)
        assert [b.text for b in widget.views] == [
            *("R", "G", "B", "1st", "2nd", "3rd", "Home")
        ]
        if whiten:
            assert widget.views.axes[0].tooltip == "Look along white R."
        for button, direction in zip(widget.views.axes, np.eye(3), strict=True):
            click(button)
            assert self.seen(widget, direction) < 1
        cloud = color_cloud(workspace_of(viewer).result.clustering, whiten)
        expected = PCA(3).fit(cloud.points).components_
        for button, direction in zip(widget.views.principal, expected, strict=True):
            click(button)
            assert self.seen(widget, direction) < 1

    @pytest.mark.parametrize("whiten", [None, "pooled"])
    def test_in_the_viewer_s_3d_view(self, viewer, widget, click, tmp_path, whiten):
        change(workspace_of(viewer).cloud, whiten=whiten)
        click(widget.show_cloud)
        camera = viewer.scene.camera
        points = color_cloud(workspace_of(viewer).result.clustering, whiten).points
        expected = [*np.eye(3), *PCA(3).fit(points).components_]
        buttons = [*widget.views.axes, *widget.views.principal]
        for button, direction in zip(buttons, expected, strict=True):
            click(button)
            assert abs(np.dot(camera.view_direction, direction)) == pytest.approx(1)
        camera.zoom, camera.center = 0.01, (1, 2, 3)
        click(widget.views.home)
        spread = np.ptp(points, axis=0).max()
        middle = (points.min(axis=0) + points.max(axis=0)) / 2
        assert_allclose(camera.center, middle, atol=0.1 * spread)
        assert camera.zoom > 0.1
        widget.picture.save(str(tmp_path / "cloud.png"))
        saved = np.asarray(Image.open(tmp_path / "cloud.png"))
        assert_array_equal(saved, viewer.screenshot(canvas_only=True, flash=False))
        click(widget.show_cloud)
        widget.picture.save(str(tmp_path / "cloud.png"))
        saved = np.asarray(Image.open(tmp_path / "cloud.png"))
        assert_array_equal(saved, widget.canvas.render())

    def test_a_grey_picture_has_one_axis(self, viewer, fit, open_widget):
        viewer.add_image(np.random.default_rng(0).random((40, 50)))
        fit(viewer, n_components=2)
        widget = open_widget(viewer, "Color cloud")
        assert [button.enabled for button in widget.views.axes] == [True, False, False]


class TestWidget:
    @pytest.fixture
    def viewer(self, viewer, picture, fit):
        viewer.add_image(picture, name="bands")
        fit(viewer, n_components=3)
        return viewer

    def test_the_button_shows_the_cloud_and_brings_the_picture_back(
        self, viewer, open_widget, click, qtbot
    ):
        widget = open_widget(viewer, "Color cloud")
        canvas = viewer.window._qt_viewer.canvas.native
        sizes = []

        def settled():
            sizes.append((canvas.width(), canvas.height()))
            return sizes[-10:] == [sizes[-1]] * 10

        qtbot.waitUntil(settled)
        before = viewer.screenshot(canvas_only=True, flash=False)
        camera = viewer.scene.camera.model_dump()
        assert widget.show_cloud.text == "3-D"
        click(widget.show_cloud)
        assert widget.show_cloud.text == "2-D"
        assert viewer.dims.ndisplay == 3
        shot = viewer.screenshot(canvas_only=True, flash=False)[..., :3]
        on_screen = set(map(tuple, shot.reshape(-1, 3).tolist()))
        colors = workspace_of(viewer).result.clustering.colors
        assert set(map(tuple, np.rint(colors).astype(int).tolist())) <= on_screen
        click(widget.show_cloud)
        assert widget.show_cloud.text == "3-D"
        assert viewer.scene.camera.model_dump() == camera
        sizes.clear()
        qtbot.waitUntil(settled)
        after = viewer.screenshot(canvas_only=True, flash=False)
        assert_array_equal(after, before)

    def test_fields_change_the_cloud(self, viewer, open_widget, click):
        widget = open_widget(viewer, "Color cloud")
        click(widget.show_cloud)
        layer = viewer.layers["bands color cloud"]
        widget.max_points.value = 50
        assert len(layer.data) == 50
        widget.whiten.value = 2
        assert set(layer.features["label"]) == {2}
        widget.whiten.value = "pooled"
        assert workspace_of(viewer).cloud.settings.whiten == "pooled"
        widget.point_size.value = 2.0
        assert layer.canvas_size_limits == (6.0, 6.0)

    def test_a_component_without_pixels_is_refused(
        self, viewer, open_widget, click, said
    ):
        workspace = workspace_of(viewer)
        clustering = without(workspace.result.clustering, 3)
        workspace.take(replace(workspace.result, clustering=clustering))
        widget = open_widget(viewer, "Color cloud")
        click(widget.show_cloud)
        widget.whiten.value = 3
        sentence = (
            "Expected a component that some pixel belongs to, got 3, which has none; "
            "choose another."
        )
        assert said() == [("error", sentence)]
        assert widget.whiten.value == "raw"
        assert workspace.cloud.settings.whiten is None

    def test_the_tool_is_the_same_in_all_clouds(self, viewer, open_widget, qtbot):
        widget = open_widget(viewer, "Color cloud")
        widget.tool.value = "lasso"
        viewer.window.remove_dock_widget(widget.native)
        qtbot.wait(50)
        again = open_widget(viewer, "Color cloud")
        pointer = workspace_of(viewer).pointer
        assert again.tool.value == again.canvas.tool == pointer.tool == "lasso"
        pointer.tool = "box"
        assert again.tool.value == again.canvas.tool == "box"

    def test_components_follow_the_fit(self, viewer, open_widget, fit):
        widget = open_widget(viewer, "Color cloud")
        assert widget.whiten.choices == ("raw", "pooled", 1, 2, 3)
        widget.whiten.value = 3
        fit(viewer, n_components=2)
        assert widget.whiten.choices == ("raw", "pooled", 1, 2)
        assert widget.whiten.value == "raw"

    def test_nothing_was_clustered(self, viewer, open_widget, click, said):
        widget = open_widget(viewer, "Color cloud")
        del viewer.layers["bands"]
        assert widget.picture.status.value == "Press Fit in Cluster pixels first."
        click(widget.show_cloud)
        sentence = (
            "Expected a clustered image, but none was clustered yet; press Fit in "
            "Cluster pixels, or call cluster_layer, first."
        )
        assert widget.picture.status.value == sentence
        assert said() == [("error", sentence)]
        assert len(viewer.layers) == 2


def test_values_that_are_too_far_apart_for_the_viewer(fitted, cloud, monkeypatch):
    """Sliders of napari count units in 32 bits, and raise beyond."""
    cloud.show()
    image = np.zeros((12, 16, 3))
    image[:, 8:] = 1e10
    image[0, 0] = -1e9
    fitted.add_image(image, name="far")
    message = (
        "Expected values within 1e+08 of one another for the viewer's 3-D view, which "
        "counts them, got 1.1e+10; divide the image by its largest value, or use the "
        "color cloud's dock."
    )
    reported = []
    monkeypatch.setattr(cloud_view, "report", reported.append)
    cluster_layer(fitted, n_components=2)
    assert [str(error) for error in reported] == [message]
    assert not cloud.shown
    with pytest.raises(ValueError) as error:
        cloud.show()
    assert str(error.value) == message


@pytest.fixture
def steps(fitted):
    """The most steps that a slider of the viewer ever had to count."""
    counted = [0.0]
    fitted.dims.events.range.connect(lambda: counted.append(max(fitted.dims.nsteps)))
    return lambda: max(counted)


def test_sliders_count_no_more_than_they_can_while_layers_change(
    fitted, cloud, steps, picture
):
    """Between two layers, or data and what they are seen through, they counted more."""
    image = fitted.layers["bands"]
    cloud.show(CloudSettings(deviations=3))
    for data in (picture / 255, picture.astype(np.uint16) * 200, picture * 1e5):
        for whiten in (None, "pooled", 1):
            image.data = data
            cluster_layer(fitted, image, n_components=3, reg_covar=1e-9 * data.max())
            cloud.set(replace(cloud.settings, whiten=whiten))
    assert 0 < steps() < 2**31


def test_a_flat_cloud_beside_an_image_that_lies_far_away(fitted, cloud, steps, picture):
    gray = np.repeat(picture[..., :1], 3, axis=2)
    image = fitted.add_image(gray, translate=(1e6, -1e6), name="far")
    cluster_layer(fitted, image, n_components=2)
    for whiten in (None, "pooled", 1):
        cloud.show(CloudSettings(whiten=whiten))
    assert 0 < steps() < 2**31


def test_a_cloud_without_extent_is_shown(fitted, cloud):
    black = fitted.add_image(np.zeros((12, 16, 3), np.uint8), name="black")
    cluster_layer(fitted, black, n_components=2, features=Position())
    cloud.show(CloudSettings(whiten="pooled"))
    assert cloud.shown


def test_a_cloud_that_would_not_look_flat_any_more_is_refused(fitted, cloud, picture):
    image = fitted.add_image(picture * 1e5, scale=(1e4, 1e4), name="wide")
    cluster_layer(fitted, image, n_components=2)
    cloud.show()
    with pytest.raises(ValueError) as error:
        cloud.show(CloudSettings(whiten="pooled"))
    assert re.fullmatch(
        r"Expected values within .e\+0. of one another for the viewer's 3-D view, "
        r"which counts them, got .*e\+07; divide the image by its largest value, or "
        "use the color cloud's dock.",
        str(error.value),
    )
    assert cloud.shown and cloud.settings.whiten is None


def test_a_wide_flat_cloud_has_not_too_many_steps():
    points = np.array([[0.0, 0.0, 0.0], [5e7, 0.0, 0.0]])
    layer = Points(points, ndim=3)
    see_through(ViewerModel(), [layer], np.diag([1.0, 1e-9, 1.0, 1.0]))
    steps = np.ptp(points, axis=0).max() / layer.extent.step.min()
    assert steps <= 1.0001e8


def test_a_small_flat_cloud_has_not_too_many_steps_beside_a_wide_image():
    viewer = ViewerModel()
    viewer.add_image(np.zeros((11, 11)), scale=(1e5, 1e5))
    layer = viewer.add_points(np.array([[0.0, 0.0, 0.0], [9.0, 9.0, 9.0]]), ndim=3)
    viewer.dims.ndisplay = 3
    see_through(viewer, [layer], np.diag([1e-2, 1e-9, 1e-2, 1.0]))
    assert max(viewer.dims.nsteps) == pytest.approx(2e9, rel=1e-3)
