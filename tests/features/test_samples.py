"""Samples: the notebook's feature sets, scaling, weights, masks."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from cases import DTYPES, PICTURES, china, noise
from napari_pixel_mixtures.features import (
    AnchorDistance,
    Blur,
    Color,
    Companion,
    Expression,
    Picture,
    Position,
    Samples,
    influences,
)

DISTANCE = AnchorDistance(n=6, seed=2, weight=1 / 5000)


def measure(array, features, scaling="raw", **settings):
    return Samples.measure(Picture.from_array(array), features, scaling, **settings)


def test_the_notebooks_first_features_are_the_colors():
    image = china()
    expected = np.array([image[y, x] for y in range(427) for x in range(640)])
    samples = measure(image, [Color()])
    np.testing.assert_array_equal(samples.values, expected)
    assert samples.names == ("R", "G", "B")


def test_the_notebooks_second_features_are_colors_and_places():
    image = china()
    expected = np.array(
        [[*image[y, x].tolist(), x, y] for y in range(427) for x in range(640)]
    )
    samples = measure(image, [Color(), Position()])
    np.testing.assert_array_equal(samples.values, expected)
    assert samples.names == ("R", "G", "B", "X", "Y")


@pytest.mark.parametrize("n", [5, 6])
def test_the_notebooks_third_features_are_colors_and_distances(n):
    image = china()
    feature = AnchorDistance(n=n, weight=1 / 5000)
    y, x = np.mgrid[:427, :640]
    columns = [image[..., channel].astype(float) for channel in range(3)]
    for row, column in feature.places((427, 640)):
        columns.append(np.sqrt((x - column) ** 2 + (y - row) ** 2) / 5000)
    expected = np.stack(columns, axis=-1).reshape(-1, 3 + n).astype(np.float32)
    samples = measure(image, [Color(), feature])
    assert samples.values.dtype == np.float32
    np.testing.assert_array_equal(samples.values, expected)


@pytest.mark.parametrize("name", PICTURES)
def test_columns_stand_in_the_order_of_the_features(name):
    case = PICTURES[name]
    picture = Picture.from_array(case.array, case.channel_axis)
    samples = Samples.measure(picture, [Position(), Color(weight=2), DISTANCE], "raw")
    ndim, channels = len(case.shape), case.pixels.shape[1]
    assert [(g.start, g.stop) for g in samples.groups] == [
        (0, ndim),
        (ndim, ndim + channels),
        (ndim + channels, ndim + channels + 6),
    ]
    assert [g.factor for g in samples.groups] == [1, 2, 1 / 5000]
    color = samples.groups[1].columns
    assert samples.names[color] == case.names
    np.testing.assert_array_equal(samples.values[:, color], 2.0 * case.pixels)
    assert len(samples.names) == samples.values.shape[1]
    assert samples.pixels is None


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_type_of_number_is_measured(dtype):
    array = (noise(5, 7, 3) // 2).astype(dtype)
    samples = measure(array, [Color()])
    assert samples.values.dtype == DTYPES[dtype]
    assert samples.values.dtype.isnative
    np.testing.assert_array_equal(samples.values, array.reshape(-1, 3).astype(float))


def test_group_scaling_divides_by_the_pooled_standard_deviation():
    image = noise(20, 30, 3).astype(np.float64)
    image[..., 0] *= 40  # channels keep their proportions
    samples = measure(image, [Color(), Position(weight=0.5), DISTANCE], "group")
    raw = measure(image, [Color(), Position(), AnchorDistance(n=6, seed=2)])
    for group, weight in zip(samples.groups, (1, 0.5, 1 / 5000), strict=True):
        columns = raw.values[:, group.columns]
        pooled = np.sqrt(np.mean(np.var(columns, axis=0)))
        assert group.factor == pytest.approx(weight / pooled, rel=1e-12)
        np.testing.assert_allclose(
            samples.values[:, group.columns], columns * weight / pooled, rtol=1e-12
        )
        spread = np.sqrt(np.mean(np.var(samples.values[:, group.columns], axis=0)))
        assert spread == pytest.approx(weight)


def test_group_scaling_does_not_feel_the_units():
    image = noise(20, 30, 3).astype(np.float64)
    once = measure(image, [Color(), Position()], "group").values
    for unit in (1e-100, 1e-30, 1 / 255, 1e30, 1e100):
        scaled = measure(image * unit, [Color(), Position()], "group").values
        np.testing.assert_allclose(scaled, once, rtol=1e-12)


@pytest.mark.parametrize(
    "value",
    # The mean of 2500 times 0.1 is not 0.1.
    [0.0, 0.1, 1e-200, 1e100, np.float32(0.1), np.float32(123456.7), np.uint8(255)],
    ids=repr,
)
def test_a_constant_feature_is_not_scaled(value):
    image = np.full((50, 50, 3), value)
    samples = measure(image, [Color(), Position()], "group")
    assert samples.groups[0].factor == 1.0
    np.testing.assert_array_equal(samples.values[:, :3], image.reshape(-1, 3))


def test_single_precision_is_rounded_once():
    image = np.random.default_rng(0).random((20, 30, 3), np.float32)
    expected = (image.reshape(-1, 3).astype(float) * 0.3).astype(np.float32)
    values = measure(image, [Color(weight=0.3)]).values
    np.testing.assert_array_equal(values, expected)


def test_rows_with_counts_are_scaled_like_the_whole_picture():
    image = noise(20, 30, 3) // 64
    rows, counts = np.unique(image.reshape(-1, 3), axis=0, return_counts=True)
    whole = measure(image, [Color()], "group")
    part = measure(rows[:, None], [Color()], "group", counts=counts)
    assert part.groups[0].factor == pytest.approx(whole.groups[0].factor, rel=1e-12)


@pytest.mark.parametrize("scaling", ["raw", "group"])
def test_only_valid_pixels_are_measured(scaling):
    image = noise(5, 7, 3).astype(float)
    valid = noise(5, 7) > 100
    image[~valid] = np.nan
    features = [Color(), Position(), DISTANCE]
    samples = measure(image, features, scaling, valid=valid)
    np.testing.assert_array_equal(samples.pixels, np.flatnonzero(valid))
    rows, columns = np.nonzero(valid)
    factors = [group.factor for group in samples.groups]
    expected = np.stack([columns, rows], axis=1) * factors[1]
    np.testing.assert_allclose(samples.values[:, 3:5], expected)
    np.testing.assert_allclose(samples.values[:, :3], image[valid] * factors[0])
    if scaling == "group":
        pooled = np.sqrt(np.mean([image[valid][:, i].var() for i in range(3)]))
        assert factors[0] == pytest.approx(1 / pooled)


def test_a_weight_of_zero_leaves_a_feature_out():
    samples = measure(noise(5, 7, 3), [Color(weight=0), Position()])
    assert samples.names == ("X", "Y")
    assert [g.feature for g in samples.groups] == [Position()]


@pytest.mark.parametrize(
    "features",
    [[], [Color(weight=0)], [Color(influence=0), Position(on=False)]],
    ids=repr,
)
def test_no_feature_at_all_is_refused(features):
    with pytest.raises(ValueError) as caught:
        measure(noise(5, 7, 3), features)
    assert str(caught.value) == (
        "Expected at least one feature that is on, with weight and influence above "
        "0, got none; turn on color, position or distance."
    )


def test_an_unknown_scaling_is_refused():
    with pytest.raises(ValueError) as caught:
        measure(noise(5, 7, 3), [Color()], "log")
    assert str(caught.value) == (
        "Expected a scaling among ('group', 'raw'), got 'log'."
    )


def test_features_of_more_influence_come_first():
    features = [Position(influence=0.5), Color(), DISTANCE, Color(influence=0)]
    samples = measure(china()[:20, :30], features)
    assert [group.feature for group in samples.groups] == [
        Color(),
        DISTANCE,
        Position(influence=0.5),
    ]
    assert [(g.start, g.stop) for g in samples.groups] == [(0, 3), (3, 9), (9, 11)]
    assert samples.names[:3] == ("R", "G", "B")
    assert samples.names[-2:] == ("X", "Y")
    np.testing.assert_array_equal(influences(samples.groups), [1] * 9 + [0.5] * 2)
    y, x = np.mgrid[:20, :30]
    np.testing.assert_array_equal(samples.values[:, 9], x.ravel())
    np.testing.assert_array_equal(samples.values[:, 10], y.ravel())


def test_names_of_columns_differ():
    features = [AnchorDistance(2), AnchorDistance(2, seed=1), AnchorDistance(1, seed=2)]
    samples = measure(noise(5, 7), [Color(), *features, Expression("gray")])
    assert samples.names == (
        *("gray", "distance 1", "distance 2", "distance 1 (2)", "distance 2 (2)"),
        *("distance 1 (3)", "gray (2)"),
    )


def test_influences_of_1_are_none():
    assert influences(measure(china()[:20, :30], [Position(), Color()]).groups) is None


def test_pixels_where_a_feature_is_not_finite_are_left_out():
    image = noise(5, 7, 3).astype(np.float64)
    depth = noise(5, 7).astype(np.float64)
    depth[1, 2], depth[4, 6] = np.nan, -np.inf
    picture = Picture.from_array(image, companions={"depth": depth})
    features = [Color(), Companion("depth"), Position()]
    found = Samples.measure(picture, features)
    np.testing.assert_array_equal(found.pixels, np.flatnonzero(np.isfinite(depth)))
    without = Samples.measure(picture, features, valid=np.isfinite(depth))
    np.testing.assert_array_equal(found.values, without.values)
    assert found.groups == without.groups
    valid = noise(5, 7, seed=3) > 100
    both = Samples.measure(picture, features, valid=valid)
    expected = np.flatnonzero(valid & np.isfinite(depth))
    np.testing.assert_array_equal(both.pixels, expected)


@pytest.mark.parametrize("shape", [(9, 8), (4, 6, 7)])
def test_neighborhoods_reach_over_the_border_of_a_mask(shape):
    image = noise(*shape).astype(np.float64)
    valid = noise(*shape, seed=1) > 200
    picture = Picture.from_array(image, channel_axis=None)
    found = Samples.measure(picture, [Blur(1.5)], "raw", valid)
    whole = gaussian_filter(image, 1.5, mode="nearest")
    np.testing.assert_allclose(found.values[:, 0], whole[valid], rtol=1e-12)


@pytest.mark.parametrize(
    ("weight", "factor"), [(5e-324, "4.94e-324"), (1e-160, "1e-160")]
)
def test_a_weight_that_leaves_nothing_is_refused(weight, factor):
    picture = Picture.from_array(np.ones((3, 2)))
    features = [Color(), Position("Y", weight=weight)]
    with pytest.raises(ValueError) as caught:
        Samples.measure(picture, features, "raw")
    assert str(caught.value) == (
        "Expected a factor from 1e-150 to 1e+150 on position, its weight over its "
        f"deviation, got {factor}; choose a weight nearer to 1, or 0."
    )
