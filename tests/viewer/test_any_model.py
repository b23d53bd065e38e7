"""Classes, maps and copied lines of any image: scaled, of channels, masked."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from napari_pixel_mixtures import Model, cluster
from napari_pixel_mixtures.features import Color, Companion, Position
from napari_pixel_mixtures.viewer.layers import METADATA_KEY
from napari_pixel_mixtures.viewer.workspace import workspace_of


@pytest.fixture
def workspace(model):
    model.layers.clear()
    return workspace_of(model)


def add_channels(viewer, picture):
    """Two gray layers, which are the channels of one image."""
    names = "nuclei", "actin"
    layers = [
        viewer.add_image(picture[..., i].copy(), name=name)
        for i, name in enumerate(names)
    ]
    workspace_of(viewer).set_image(layers)


def add_axis(viewer, picture):
    viewer.add_image(
        np.moveaxis(picture, -1, 0).copy(), name="five", axis_labels=("c", "y", "x")
    )


def add_scaled(viewer, picture):
    viewer.add_image(picture, name="scaled", scale=(0.5, 2.0), units=("um", "um"))


def add_volume(viewer, picture):
    volume = picture[:12, :12].copy()
    viewer.add_image(volume, name="volume", rgb=False, scale=(2.0, 0.5, 0.5))


def add_companion(viewer, picture):
    viewer.add_image(picture[..., 0].copy(), name="depth")
    image = viewer.add_image(picture, name="image")
    workspace = workspace_of(viewer)
    workspace.set_image(image)
    features = (Color(), Companion("depth"))
    workspace.set_recipe(replace(workspace.recipe, features=features))


def add_colored_companion(viewer, picture):
    """An image in color with alpha, which is left out, beside a gray one."""
    alpha = np.arange(32 * 40, dtype=np.uint8).reshape(32, 40, 1)
    colored = np.concatenate([picture, alpha], axis=-1)
    viewer.add_image(colored, name="stain", rgb=True)
    image = viewer.add_image(picture[..., 0].copy(), name="image")
    workspace = workspace_of(viewer)
    workspace.set_image(image)
    assert workspace.choice.companions() == ["stain"]
    features = (Color(), Companion("stain"))
    workspace.set_recipe(replace(workspace.recipe, features=features))


def add_masked(viewer, picture):
    image = viewer.add_image(picture, name="image")
    mask = np.zeros(picture.shape[:2], np.uint8)
    mask[4:20, 3:37] = 1
    layer = viewer.add_labels(mask, name="region")
    workspace = workspace_of(viewer)
    workspace.set_image(image)
    workspace.set_mask(layer)


KINDS = [
    *(add_channels, add_axis, add_scaled, add_volume, add_companion),
    *(add_colored_companion, add_masked),
]


@pytest.mark.parametrize("add", KINDS, ids=lambda f: f.__name__)
def test_lines_model_classes_and_maps(workspace, model, picture, add, fit, idle):
    add(model, picture)
    if add in (add_scaled, add_volume):
        features = (Color(), Position(influence=0.5))
        workspace.set_recipe(replace(workspace.recipe, features=features))
    result = fit(model, n_components=3, covariance_type="spherical", smoothing=0.7)
    workspace.classes.edit(result.all_classes.merge(1, 3))
    workspace.maps.show("entropy")
    idle(model)
    name = result.image.name
    classes = workspace.result.classes
    expected = classes.apply(result.clustering.labels)
    layer = model.layers[f"{name} classes"]
    assert layer.ndim == result.image.ndim
    assert_array_equal(np.squeeze(layer.data), expected)
    assert_array_equal(
        layer.extent.world, model.layers[f"{name} quantized"].extent.world
    )
    shown = model.layers[f"{name} entropy"]
    assert_array_equal(shown.extent.world, layer.extent.world)
    found = {"viewer": model}
    exec(workspace.keeper.python(), found)
    assert_array_equal(found["labels"], expected)
    workspace.notes.write()
    text = layer.metadata[METADATA_KEY]["model"]
    if add is add_colored_companion:
        names = ("gray", "stain R", "stain G", "stain B")
        assert result.clustering.feature_names == names
        console = cluster(
            model.layers["image"].data,
            n_components=3,
            covariance_type="spherical",
            smoothing=0.7,
            features=workspace.recipe.features,
            companions={"stain": picture},
        )
        assert_array_equal(console.labels, result.clustering.labels)
    picture = result.clustering.picture
    read = Model.from_json(text)
    assert_array_equal(read.replay(picture).labels, result.clustering.labels)
    assert_array_equal(read.apply(picture, read.mask).labels, expected)
