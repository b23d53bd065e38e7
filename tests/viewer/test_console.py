"""cluster_layer and show_cloud, as in napari's console."""

import numpy as np
import pytest
from napari.components import ViewerModel
from numpy.testing import assert_allclose, assert_array_equal

from napari_pixel_mixtures import (
    Color,
    Position,
    cluster,
    cluster_layer,
    color_cloud,
    show_cloud,
)
from napari_pixel_mixtures.viewer.workspace import workspace_of


def test_cluster_layer_is_cluster(model, picture, said):
    settings = {
        "n_components": 3,
        "covariance_type": "diag",
        "features": [Color(), Position(weight=0.5)],
        "mask": np.arange(32 * 40).reshape(32, 40) % 3,
        "random_state": 4,
    }
    clustering = cluster_layer(model, **settings)
    assert_array_equal(clustering.labels, cluster(picture, **settings).labels)
    names = ["bands", "bands random colors", "bands quantized"]
    assert [layer.name for layer in model.layers] == names
    for layer in model.layers[1:]:
        assert_array_equal(layer.data, clustering.labels)
    workspace = workspace_of(model)
    assert workspace.result.clustering is clustering
    assert workspace.recipe == clustering.recipe
    assert said() == []


@pytest.mark.parametrize("by_name", [True, False])
def test_another_layer_than_the_active_one(model, picture, by_name):
    model.add_image(picture[:, ::-1], name="mirror")
    cluster_layer(model, "bands" if by_name else model.layers["bands"])
    assert "bands quantized" in model.layers
    assert workspace_of(model).image is model.layers["bands"]


def test_takes_the_place_of_a_running_fit(model, gate, qtbot):
    workspace = workspace_of(model)
    workspace.fit()
    qtbot.waitUntil(lambda: gate.reached == 1)
    clustering = cluster_layer(model, n_components=2)
    gate.open()
    qtbot.waitUntil(lambda: gate.closed == 1)
    qtbot.wait(20)
    assert workspace.result.clustering is clustering
    assert not workspace.runner.busy


def test_errors(qapp, picture):
    viewer = ViewerModel()
    with pytest.raises(ValueError) as caught:
        cluster_layer(viewer)
    assert str(caught.value) == (
        "Expected an image, but none is open; open one "
        "(File > Open, or File > Open Sample > Pixel Mixtures)."
    )
    viewer.add_points(np.zeros((2, 2)), name="dots")
    with pytest.raises(TypeError) as wrong:
        cluster_layer(viewer, "dots")
    assert str(wrong.value) == (
        "Expected an image layer, got the Points layer 'dots'; select an image."
    )
    viewer.add_image(picture)
    with pytest.raises(ValueError, match="Expected n_components to be"):
        cluster_layer(viewer, n_components=0)
    with pytest.raises(ValueError) as axis:
        cluster_layer(viewer, channel_axis=0)
    assert str(axis.value) == (
        "Expected no channel_axis, for the channels of a layer lie along its axis "
        "labeled 'c', got channel_axis=0; set axis_labels of the layer."
    )
    assert len(viewer.layers) == 2


def test_not_converged_is_said_once(model, said):
    clustering = cluster_layer(model, n_components=3, max_iter=1, tol=0.0)
    assert said() == [("warning", clustering.advice)]


def test_show_cloud_is_color_cloud(model):
    clustering = cluster_layer(model, n_components=3)
    layer = show_cloud(model, whiten="pooled", max_points=77)
    expected = color_cloud(clustering, whiten="pooled", max_points=77)
    affine = layer.affine.affine_matrix
    seen = layer.data @ affine[:3, :3].T + affine[:3, 3]
    assert_allclose(seen, expected.points, rtol=1e-4, atol=1e-4)
    assert_allclose(layer.face_color[:, :3], expected.colors, atol=1e-6)
    assert show_cloud(model, whiten=1) is layer
    assert set(layer.features["label"]) == {1}
    with pytest.raises(ValueError) as caught:
        show_cloud(model, whiten=4)
    assert str(caught.value) == (
        "Expected whiten to be None, 'pooled' or a label from 1 to 3, got 4."
    )
