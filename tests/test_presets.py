"""Presets: the notebook's settings, and sizes that grow with the picture."""

from pathlib import Path

import numpy as np
import pytest

from cases import china
from napari_pixel_mixtures import (
    AnchorDistance,
    Color,
    Picture,
    Position,
    Recipe,
    cluster,
)
from napari_pixel_mixtures.presets import PRESETS

ROOT = Path(__file__).parents[1]


def test_the_notebooks_features():
    shape = (321, 481)
    assert PRESETS["RGB"].settings(shape)["features"] == (Color(),)
    assert PRESETS["RGB + XY"].settings(shape)["features"] == (Color(), Position())
    distances = PRESETS["RGB + 6 distances"].settings(shape, random_state=3)
    assert distances["scaling"] == "raw"
    assert distances["features"] == (
        Color(),
        AnchorDistance(n=6, seed=3, weight=1 / 5000),
    )
    for name in ("RGB", "RGB + XY", "RGB + 6 distances"):
        assert PRESETS[name].regions(shape) is None
        assert PRESETS[name].settings(shape)["smoothing"] == 0


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_a_recipe(name):
    recipe = Recipe(n_components=3, **PRESETS[name].settings((321, 481)))
    assert Recipe.from_json(recipe.to_json()) == recipe
    assert PRESETS[name].name == name


def test_sizes_grow_with_the_picture():
    preset = PRESETS["Segments"]
    small, large = (100, 400), (300, 1200)  # with a side of 200 and of 600
    assert preset.settings(small)["smoothing"] == preset.smoothing * 2
    assert preset.settings(large)["smoothing"] == preset.smoothing * 6
    assert preset.regions(small)["min_size"] == preset.min_size * 40
    assert preset.regions(large)["min_size"] == preset.min_size * 360
    assert preset.regions(small)["contrast"] == preset.regions(large)["contrast"]
    # Of a volume the cube root.
    assert preset.settings((64, 125, 1000))["smoothing"] == preset.smoothing * 2


@pytest.mark.parametrize(
    "shape, names",
    [((7, 100, 400), "tyx"), ((100, 7, 400), "ytx"), ((9, 64, 125, 1000), "tzyx")],
)
def test_time_does_not_count_into_the_side(shape, names):
    series = np.broadcast_to(np.uint8(0), shape)
    picture = Picture.from_array(series, None, axis_labels=tuple(names))
    frame = (100, 400) if len(shape) == 3 else (64, 125, 1000)
    assert picture.frame_shape == frame
    preset = PRESETS["Segments"]
    assert preset.settings(picture.frame_shape)["smoothing"] == preset.smoothing * 2
    least = preset.regions(picture.frame_shape)["min_size"]
    assert least == pytest.approx(preset.min_size / 1000 * np.prod(frame))


@pytest.mark.parametrize("shape", [(1, 1), (2, 1), (200_000, 200_000)])
def test_sizes_stay_within_what_is_allowed(shape):
    preset = PRESETS["Segments"]
    Recipe(**preset.settings(shape))
    assert preset.regions(shape)["min_size"] >= 1


def test_segments_of_a_picture_twice_as_large_are_the_same():
    image = china()[::2, ::2]
    preset = PRESETS["Segments"]
    found = []
    for factor in (1, 2):
        picture = image.repeat(factor, 0).repeat(factor, 1)
        shape = picture.shape[:2]
        clustering = cluster(picture, n_components=4, **preset.settings(shape))
        regions = clustering.regions(**preset.regions(shape))
        found.append(regions[::factor, ::factor])
    small, large = found
    assert 3 < small.max() < 100
    pairs = np.unique(np.stack([small.ravel(), large.ravel()]), axis=1, return_counts=1)
    counts = np.zeros((small.max() + 1, large.max() + 1))
    counts[tuple(pairs[0])] = pairs[1]
    assert counts.max(axis=1).sum() / small.size > 0.95
    assert counts.max(axis=0).sum() / small.size > 0.95


@pytest.mark.parametrize("unit", [1e-4, 60_000.0])
def test_segments_of_pictures_without_color(unit):
    noise = np.random.default_rng(0).normal(0, 0.02, (60, 80, 5))
    image = noise + np.repeat([0.0, 1.0, 0.5, 0.0], 20)[:, np.newaxis]
    image *= unit
    preset = PRESETS["Segments"]
    settings = preset.settings((60, 80))
    for picture, axis in ((image, -1), (image[..., 0], None)):
        clustering = cluster(picture, 3, channel_axis=axis, **settings)
        regions = clustering.regions(**preset.regions((60, 80)))
        assert regions.max() == 4
        assert np.unique(regions[30, 5::20]).size == 4


def test_every_preset_is_in_the_table_of_scores():
    text = (ROOT / "docs" / "segmentation.md").read_text(encoding="utf-8")
    _, table, after = text.split("benchmark:segmentation -->")
    for name in PRESETS:
        for what in ("clusters", "regions"):
            assert f"\n| {name} | {what} | " in table
    assert "python tests/benchmarks/bench_segmentation.py" in after
