"""States that come of using several widgets and the console together."""

from dataclasses import replace

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.utils.notifications import notification_manager

from napari_pixel_mixtures import (
    AnchorDistance,
    Color,
    cluster,
    cluster_layer,
    show_cloud,
)
from napari_pixel_mixtures.viewer.worker import SeveralRequests
from napari_pixel_mixtures.viewer.workspace import workspace_of


def noise(*shape):
    return np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)


@pytest.fixture
def viewer(qapp):
    return ViewerModel()


def test_another_image_is_fitted_with_a_selection_and_a_whitened_component(
    make_napari_viewer, qtbot
):
    viewer = make_napari_viewer()
    name = "napari-pixel-mixtures"
    viewer.add_image(noise(40, 50, 3), name="a")
    viewer.add_image(noise(80, 90, 3), name="b")
    _, cloud = viewer.window.add_plugin_dock_widget(name, "Color cloud")
    cluster_layer(viewer, "a", n_components=5)
    workspace = workspace_of(viewer)
    workspace.selection.choose_label(1)
    cloud.whiten.value = 5
    cluster_layer(viewer, "b", n_components=2)
    assert workspace.selection.mask is None
    assert cloud.whiten.value == "raw"
    assert len(cloud.canvas._points) == 5000


def test_a_mask_from_the_console_stays_with_live_fits(viewer):
    image = noise(40, 50, 3)
    mask = np.zeros((40, 50), bool)
    mask[:, :15] = True
    viewer.add_image(image, name="a")
    cluster_layer(viewer, n_components=2, mask=mask)
    request = workspace_of(viewer).request(live=True)
    assert np.array_equal(request.mask, mask)
    assert workspace_of(viewer).request().mask is None


def test_settings_beyond_the_form_s_bounds_show(make_napari_viewer):
    viewer = make_napari_viewer()
    viewer.add_image(noise(40, 50, 3), name="a")
    name = "napari-pixel-mixtures"
    _, form = viewer.window.add_plugin_dock_widget(name, "Cluster pixels")
    features = [Color(), AnchorDistance(n=70)]
    found = cluster_layer(
        viewer, features=features, random_state=3_000_000_000, max_iter=200_000
    )
    row = form.features.rows[1]
    row.open_settings.click()
    assert row.form.fields["n"].value == 70
    assert form.max_iter.value == 200_000
    assert form.random_state.value == 2**31 - 1
    workspace = workspace_of(viewer)
    assert workspace.recipe == found.recipe
    assert workspace.result.clustering is found


def test_the_console_says_that_a_fit_did_not_converge_after_a_live_fit(viewer):
    viewer.add_image(noise(40, 50, 3), name="a")
    workspace = workspace_of(viewer)
    workspace._quiet = True
    notification_manager.records.clear()
    found = cluster_layer(viewer, n_components=8, max_iter=1, tol=0.0)
    messages = [record.message for record in notification_manager.records]
    assert messages == [found.advice]


def test_dragging_a_place_keeps_the_other_settings(viewer):
    viewer.add_image(noise(40, 50, 3), name="a")
    cluster_layer(viewer, n_components=3, features=[Color(), AnchorDistance(n=2)])
    workspace = workspace_of(viewer)
    workspace.set_live(False)
    distance = AnchorDistance(n=2)
    workspace.set_recipe(
        replace(workspace.recipe, n_components=9, features=(Color(), distance))
    )
    viewer.layers["a places"].data = [[1.0, 2.0], [3.0, 4.0]]
    assert workspace.recipe.n_components == 9
    assert workspace.recipe.features[1].anchors == ((1.0, 2.0), (3.0, 4.0))


def test_each_image_has_its_own_places(viewer):
    viewer.add_image(noise(40, 50, 3), name="a")
    viewer.add_image(noise(60, 50, 3), name="b")
    features = [Color(), AnchorDistance(n=2)]
    cluster_layer(viewer, "a", features=features)
    cluster_layer(viewer, "b", features=features)
    assert "a places" not in viewer.layers
    places = AnchorDistance(n=2).places((60, 50))
    assert np.allclose(viewer.layers["b places"].data, places)


def test_show_cloud_keeps_the_settings_that_it_does_not_name(viewer):
    viewer.add_image(noise(40, 50, 3), name="a")
    cluster_layer(viewer, n_components=2)
    cloud = workspace_of(viewer).cloud
    cloud.set(replace(cloud.settings, point_size=2.0, deviations=1.0))
    show_cloud(viewer, "pooled", max_points=50)
    assert (cloud.settings.point_size, cloud.settings.deviations) == (2.0, 1.0)
    assert (cloud.settings.whiten, cloud.settings.max_points) == ("pooled", 50)


def test_a_comparison_of_an_image_that_was_changed_meanwhile_is_dropped(viewer):
    image = viewer.add_image(noise(40, 50, 3), name="a")
    workspace = workspace_of(viewer)
    requests = tuple(
        replace(workspace.request(), recipe=replace(workspace.recipe, n_components=k))
        for k in (2, 3)
    )
    job = SeveralRequests(image, "Comparing", requests)
    fits = [cluster(image.data, k) for k in (2, 3)]
    said = []
    workspace.comparison.finished.connect(said.append)
    image.data = noise(60, 70, 3)
    workspace.comparison._on_succeeded(job, fits)
    assert said == [
        "The image 'a' was changed while it was compared, so the comparison was "
        "dropped; press Compare again."
    ]
    assert [layer.name for layer in viewer.layers] == ["a"]
    assert not workspace.comparison.results
