"""Presets in Cluster pixels, and segments as a layer."""

import json
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from napari_pixel_mixtures.features import AnchorDistance, Color, Position
from napari_pixel_mixtures.presets import PRESETS
from napari_pixel_mixtures.recipe import Recipe
from napari_pixel_mixtures.viewer.layers import METADATA_KEY
from napari_pixel_mixtures.viewer.preset_field import CUSTOM
from napari_pixel_mixtures.viewer.workspace import workspace_of


def names(viewer):
    return [layer.name for layer in viewer.layers]


def test_segments_follow_the_fits(model, fit, idle):
    workspace = workspace_of(model)
    fit(model, n_components=3)
    assert names(model) == ["bands", "bands random colors", "bands quantized"]
    workspace.set_segments(on=True, min_size=20, contrast=0.0)
    idle(model)
    assert names(model)[3:] == ["bands segments"]
    layer = model.layers[-1]
    assert layer.data.dtype == np.int32
    expected = workspace.result.clustering.regions(min_size=20, contrast=0)
    assert_array_equal(layer.data, expected)
    assert layer.features["index"].tolist() == [1, 2, 3]
    assert layer.features["pixels"].tolist() == [32 * 8, 32 * 18, 32 * 14]
    assert layer.metadata[METADATA_KEY]["regions"] == {"min_size": 20, "contrast": 0}
    # The clusters stay what hovering tells about.
    assert model.layers.selection.active.name == "bands quantized"

    # A contrast that joins everything, without a fit.
    result = workspace.result
    workspace.set_segments(contrast=1000.0)
    idle(model)
    assert workspace.result is result
    assert_array_equal(layer.data, np.ones((32, 40)))
    # Another fit brings them up to date.
    workspace.set_segments(contrast=0.0)
    fit(model, n_components=1)
    assert_array_equal(layer.data, np.ones((32, 40)))
    workspace.undo()
    idle(model)
    assert_array_equal(layer.data, expected)
    # Recoloring by hand is not lost, a removed layer comes back.
    model.layers.remove(layer)
    fit(model, n_components=2)
    assert names(model)[3:] == ["bands segments"]

    workspace.set_segments(on=False)
    assert names(model) == ["bands", "bands random colors", "bands quantized"]
    fit(model, n_components=3)
    assert len(model.layers) == 3


def test_segments_of_an_image_that_is_gone(model, fit, idle):
    workspace = workspace_of(model)
    fit(model)
    workspace.set_segments(on=True)
    model.layers.remove("bands")
    idle(model)
    assert "bands segments" not in names(model)
    assert workspace.segments.runner.job is None


def test_segments_do_not_hide_the_frames_of_a_replay(model, fit, idle):
    workspace = workspace_of(model)
    workspace.set_segments(on=True)
    frame = fit(model, n_components=2).clustering
    fit(model, n_components=3)
    layer = model.layers["bands segments"]
    workspace.show_frame(frame)
    workspace.show_frame(frame)
    assert not layer.visible
    workspace.show_frame(None)
    assert layer.visible
    workspace.show_frame(frame)
    fit(model, n_components=4)
    assert layer.visible
    # One that was hidden by hand stays so.
    layer.visible = False
    workspace.show_frame(frame)
    workspace.show_frame(None)
    assert not layer.visible


def test_segments_lie_over_their_image(model, fit, idle):
    image = model.layers["bands"]
    image.scale, image.translate = (2, 3), (5, 7)
    workspace_of(model).set_segments(on=True)
    fit(model)
    layer = model.layers["bands segments"]
    assert_array_equal(layer.scale, (2, 3))
    assert_array_equal(layer.translate, (5, 7))
    image.scale = (4, 4)
    fit(model, n_components=2)
    assert_array_equal(layer.scale, (4, 4))


def test_the_preset_of_the_recipe(viewer, open_widget, picture, idle):
    viewer.add_image(picture, name="bands")
    widget = open_widget(viewer)
    workspace = workspace_of(viewer)
    assert widget.features.preset.choices == (*PRESETS, CUSTOM)
    assert widget.features.preset.value == "RGB"

    widget.n_components.value = 3
    widget.random_state.value = 5
    assert widget.features.preset.value == "RGB"  # neither is part of it
    widget.features.preset.value = "RGB + XY"
    assert workspace.recipe == Recipe(
        n_components=3, random_state=5, features=(Color(), Position())
    )
    widget.features.preset.value = "RGB + 6 distances"
    distances = AnchorDistance(n=6, seed=5, weight=1 / 5000)
    assert workspace.recipe.features == (Color(), distances)
    assert widget.scaling.value == "raw"
    widget.random_state.value = 6
    assert widget.features.preset.value == "RGB + 6 distances"

    widget.scaling.value = "group"
    assert widget.features.preset.value == CUSTOM
    edited = workspace.recipe
    widget.features.preset.value = CUSTOM
    assert workspace.recipe == edited
    widget.scaling.value = "raw"
    assert widget.features.preset.value == "RGB + 6 distances"
    # It says so for a recipe from elsewhere, too.
    workspace.set_recipe(replace(workspace.recipe, tol=0.1, features=(Color(),)))
    assert widget.features.preset.value == CUSTOM  # raw
    workspace.set_recipe(replace(workspace.recipe, scaling="group"))
    assert widget.features.preset.value == "RGB"


def test_the_preset_for_segments(viewer, open_widget, picture, click, idle):
    viewer.add_image(picture, name="bands")
    widget = open_widget(viewer)
    workspace = workspace_of(viewer)
    widget.features.preset.value = "Segments"
    preset = PRESETS["Segments"]
    assert workspace.recipe.smoothing == preset.settings((32, 40))["smoothing"] > 0
    assert workspace.segments.settings.on
    assert workspace.segments.settings.regions == preset.regions((32, 40))
    assert widget.segments.on.value
    assert widget.segments.contrast.value == preset.contrast
    click(widget.fit)
    idle(viewer)
    layer = viewer.layers["bands segments"]
    assert set(np.unique(layer.data)) == {1, 2, 3}
    recipe = json.loads(layer.metadata[METADATA_KEY]["recipe"])
    assert recipe["smoothing"] == workspace.recipe.smoothing

    widget.segments.contrast.value = 500
    idle(viewer)
    assert set(np.unique(layer.data)) == {1}
    # A preset for clusters puts the segments away.
    widget.features.preset.value = "RGB"
    idle(viewer)
    assert "bands segments" not in names(viewer)
    assert not widget.segments.on.value


def test_a_preset_is_for_the_size_of_the_image(model, picture):
    from napari_pixel_mixtures.viewer.preset_choice import applied, shape_of

    large = model.add_image(np.zeros((3, 50, 60), np.float32), name="volume")
    assert shape_of(large) == (3, 50, 60)
    assert shape_of(model.layers["bands"]) == (32, 40)
    large.axis_labels = ("t", "y", "x")
    assert shape_of(large) == (50, 60)
    series = np.zeros((4, 2, 5, 6, 7), np.float32)
    labels = ("t", "c", "z", "y", "x")
    assert shape_of(model.add_image(series, axis_labels=labels)) == (5, 6, 7)
    assert shape_of(model.add_image(series[0])) == (5, 6, 7)
    preset = PRESETS["Segments"]
    recipe = applied(preset, Recipe(n_components=7), (300, 1200))
    assert recipe.smoothing == pytest.approx(preset.smoothing * 6)
    assert recipe.n_components == 7


def test_lengths_of_a_preset_follow_the_image(model, fit, idle, picture):
    workspace = workspace_of(model)
    fit(model, n_components=2)
    workspace.set_live(True)
    bands, preset = model.layers["bands"], PRESETS["Segments"]
    workspace.presets.choose("Segments")
    idle(model)
    fitted = workspace.result
    large = model.add_image(np.tile(picture, (10, 10, 1)), name="large")
    assert workspace.image is large
    assert workspace.presets.name == "Segments"
    assert workspace.recipe.smoothing == preset.settings((320, 400))["smoothing"]
    assert workspace.segments.settings.regions == preset.regions((320, 400))
    # Back again; and neither is a reason to fit.
    workspace.set_image(bands)
    assert workspace.recipe == fitted.clustering.recipe
    assert workspace.segments.settings.regions == preset.regions((32, 40))
    assert not workspace.runner.busy
    assert workspace.result is fitted
    # What was set by hand stays.
    workspace.set_segments(min_size=77)
    workspace.set_image(large)
    assert workspace.recipe.smoothing == preset.settings((320, 400))["smoothing"]
    assert workspace.segments.settings.min_size == 77
    workspace.set_live(False)
    workspace.set_recipe(replace(workspace.recipe, smoothing=2.5))
    workspace.set_image(bands)
    assert workspace.recipe.smoothing == 2.5
    assert workspace.presets.name is None
    # Without any image there is no size to follow.
    model.layers.clear()
    assert workspace.recipe.smoothing == 2.5


def test_undo_brings_back_the_settings_of_segments(model, fit, idle):
    workspace = workspace_of(model)
    fit(model, n_components=3)
    workspace.set_live(True)
    workspace.presets.choose("Segments")
    idle(model)
    regions = workspace.segments.settings.regions
    workspace.set_segments(contrast=1000.0)
    idle(model)
    assert_array_equal(model.layers["bands segments"].data, np.ones((32, 40)))
    workspace.presets.choose("RGB")
    idle(model)
    assert "bands segments" not in names(model)

    workspace.undo()
    idle(model)
    assert workspace.presets.name == "Segments"
    assert workspace.segments.settings.regions == regions | {"contrast": 1000.0}
    assert_array_equal(model.layers["bands segments"].data, np.ones((32, 40)))
    workspace.undo()
    assert workspace.presets.name == "RGB"
    assert not workspace.segments.settings.on
    assert "bands segments" not in names(model)
    workspace.redo()
    idle(model)
    assert workspace.segments.settings.on
    assert "bands segments" in names(model)
    # A preset that is the recipe already may still put segments away.
    workspace.presets.choose("RGB")
    idle(model)
    workspace.set_segments(on=True)
    idle(model)
    workspace.presets.choose("RGB")
    assert "bands segments" not in names(model)
