"""From a picture to samples, and from their labels back to its pixels."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from napari_pixel_mixtures import Color, Position, cluster
from napari_pixel_mixtures.features import Picture
from napari_pixel_mixtures.material import (
    Material,
    check_distinct,
    some_rows,
)
from napari_pixel_mixtures.recipe import Recipe

COLOR = Recipe(scaling="raw")
PLACE = Recipe(scaling="raw", features=(Color(), Position()))


def some(dtype, shape=(9, 11), channels=3, most=4):
    values = np.random.default_rng(0).integers(0, most, (*shape, channels))
    return values.astype(dtype)


def gather(array, recipe, mask=None):
    picture = Picture.from_array(array, -1)
    return picture, Material.gather(picture, recipe, picture.valid(mask))


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(
    ("dtype", "recipe", "distinct"),
    [
        (np.uint8, COLOR, True),
        (np.uint16, COLOR, False),
        (np.float32, COLOR, False),
        (np.uint8, PLACE, False),
    ],
    ids=["bytes", "uint16", "float32", "places"],
)
def test_rows_lead_back_to_their_pixels(dtype, recipe, distinct, masked):
    array = some(dtype)
    mask = None
    if masked:
        mask = np.random.default_rng(1).random((9, 11)) < 0.6
    picture, material = gather(array, recipe, mask)
    chosen = np.ones((9, 11), bool) if mask is None else mask
    n = len(material.samples.values)
    if distinct:
        expected, counts = np.unique(array[chosen], axis=0, return_counts=True)
        order = np.lexsort(material.values.T[::-1])
        assert_array_equal(material.values[order], expected)
        assert_array_equal(material.counts[order], counts)
    else:
        assert n == chosen.sum()
        assert material.counts is None and material.inverse is None
    assert_array_equal(material.samples.values[:, :3], material.values)
    # A label of their own for the rows (as far as there are labels) finds its pixels.
    rows = (np.arange(n) % 200).astype(np.uint8)
    labels = material.to_picture(rows, picture.shape)
    assert labels.dtype == np.uint8
    assert labels.shape == (9, 11)
    assert not labels[~chosen].any()
    assert_array_equal(material.values[labels[chosen] - 1], array[chosen])
    if recipe is PLACE:
        y, x = np.nonzero(chosen)
        found = material.samples.values[labels[chosen] - 1]
        assert_array_equal(found[:, 3], x)
        assert_array_equal(found[:, 4], y)


def test_pixels_that_are_not_finite_are_left_out():
    array = some(np.float64)
    array[2, 3, 1] = np.nan
    array[4, 5, 0] = np.inf
    picture, material = gather(array, COLOR)
    assert len(material.values) == 9 * 11 - 2
    labels = material.to_picture(np.zeros(97, np.uint8), picture.shape)
    assert sorted(zip(*np.nonzero(labels == 0), strict=True)) == [(2, 3), (4, 5)]


def test_five_channels_of_bytes_are_not_packed():
    array = some(np.uint8, channels=5, most=2)
    _, material = gather(array, COLOR)
    assert material.counts is None
    assert_array_equal(material.values, array.reshape(-1, 5))


def test_a_position_without_weight_does_not_matter():
    array = some(np.uint8)
    recipe = Recipe(scaling="raw", features=(Color(), Position(weight=0.0)))
    _, material = gather(array, recipe)
    assert material.counts.sum() == 99
    assert len(material.values) == len(np.unique(array.reshape(-1, 3), axis=0))


@pytest.mark.parametrize("recipe", [COLOR, PLACE])
def test_thinned(recipe):
    _, material = gather(some(np.uint8), recipe)
    rows = some_rows(len(material.samples.values), 20)
    values, counts = material.thinned(20)
    assert_array_equal(values, material.samples.values[rows])
    if recipe is COLOR:
        assert_array_equal(counts, material.counts[rows])
    else:
        assert counts is None
    assert len(material.thinned(1000)[0]) == len(material.samples.values)


@pytest.mark.parametrize("n, most", [(2, 1), (7, 1), (20, 7), (20, 19), (4097, 256)])
def test_one_row_of_each_stretch(n, most):
    rows = some_rows(n, most)
    step = -(-n // most)
    assert_array_equal(rows // step, np.arange(len(rows)))
    assert len(rows) == -(-n // step) <= most
    assert rows[-1] < n
    assert_array_equal(rows, some_rows(n, most))
    assert some_rows(most, most) == slice(None)


@pytest.mark.parametrize("width", [2047, 2048, 2049])
def test_some_rows_are_of_all_columns(width):
    rows = some_rows(width * 1024, width * 64)  # one of 16
    columns = np.bincount(rows % width, minlength=width)
    assert columns.mean() == 64
    # As a sum of 1024 draws of 1 in 16 scatters: within 6 standard deviations.
    assert np.abs(columns - 64).max() < 6 * np.sqrt(64 * 15 / 16)


@pytest.mark.parametrize("array", [some(np.uint8, most=9), some(np.float32, most=9)])
def test_covariances_of_values(array):
    clustering = cluster(array, 3, features=Position(), scaling="raw")
    picture = clustering.picture
    material = Material.gather(picture, clustering.recipe, None)
    found = clustering.color_covariances
    shares = clustering.mixture.predict_proba(material.samples.values)
    values = array.reshape(-1, 3).astype(np.float64)
    for k in range(3):
        expected = np.cov(values.T, aweights=shares[:, k], ddof=0)
        assert_allclose(found[k], expected, rtol=1e-3, atol=1e-4)


def test_a_constant_channel_has_no_covariance():
    array = some(np.float32, most=9)
    array[..., 1] = 0.1 + 1e4
    clustering = cluster(array, 2, features=Position())
    assert not clustering.color_covariances[:, 1].any()
    assert not clustering.color_covariances[:, :, 1].any()
    assert (clustering.color_covariances[:, 0, 0] > 1).all()


@pytest.mark.parametrize("d", [1, 3])
def test_enough_distinct_samples_are_looked_for_to_the_end(d):
    values = np.zeros((40_000, d))
    values[-1] = 1  # beyond the first rows that are looked at
    values[20_000] = 2
    check_distinct(values, 3)
    with pytest.raises(ValueError) as caught:
        check_distinct(values, 4)
    assert str(caught.value) == (
        "Expected at least 4 distinct samples for n_components=4, got 3; lower "
        "n_components to 3 or less, or add features."
    )


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("recipe", [COLOR, PLACE])
def test_values_of_rows_go_to_the_picture_and_back(recipe, masked):
    array = some(np.uint8, most=9)
    valid = np.random.default_rng(0).random(array.shape[:2]) < 0.7 if masked else None
    material = Material.gather(Picture.from_array(array), recipe, valid)
    rows = np.random.default_rng(1).random(len(material.samples.values))
    values = material.spread(rows, array.shape[:2], np.nan)
    assert values.dtype == rows.dtype
    assert_array_equal(np.isnan(values), ~valid if masked else False)
    assert_array_equal(material.collect(values), rows)
    # Pixels of one row have the same color.
    for row in np.unique(rows)[:5]:
        assert len(np.unique(array[values == row], axis=0)) == 1


def test_factors_may_be_those_of_another_picture():
    first = Picture.from_array(some(np.uint8))
    groups = Material.gather(first, PLACE, None).samples.groups
    picture = Picture.from_array(some(np.uint8, most=9))
    samples = Material.gather(picture, COLOR, None, groups=groups).samples
    assert samples.groups == groups
    expected = np.hstack([g.feature.compute(picture, None) * g.factor for g in groups])
    assert_allclose(samples.values, expected, rtol=1e-6)
