"""Regions: connected pieces, cleaned and merged; against a greedy loop."""

import numpy as np
import pytest
import scipy.ndimage as ndi
import skimage.color
from hypothesis import given, settings
from hypothesis import strategies as st

from cases import china
from napari_pixel_mixtures import Picture, cluster
from napari_pixel_mixtures.regions import connected_regions, merge_similar, perceived


def test_pieces_are_numbered_and_small_ones_go_to_their_neighbors():
    labels = np.array(
        [
            [1, 1, 1, 2, 2, 2],
            [1, 3, 1, 2, 2, 2],
            [1, 1, 1, 2, 2, 1],
            [0, 0, 0, 2, 1, 1],
        ]
    )
    np.testing.assert_array_equal(
        connected_regions(labels, 1),
        [
            [1, 1, 1, 2, 2, 2],
            [1, 3, 1, 2, 2, 2],
            [1, 1, 1, 2, 2, 4],
            [0, 0, 0, 2, 4, 4],
        ],
    )
    np.testing.assert_array_equal(
        connected_regions(labels, 4),
        [
            [1, 1, 1, 2, 2, 2],
            [1, 1, 1, 2, 2, 2],
            [1, 1, 1, 2, 2, 2],
            [0, 0, 0, 2, 2, 2],
        ],
    )


def test_the_largest_piece_is_always_kept():
    labels = np.array([[1, 1, 1, 2, 2, 0]])
    found = connected_regions(labels, 1000)
    np.testing.assert_array_equal(found, [[1, 1, 1, 1, 1, 0]])


def test_nothing_labeled_has_no_regions():
    found = connected_regions(np.zeros((3, 4), np.uint8), 1)
    np.testing.assert_array_equal(found, np.zeros((3, 4)))
    assert found.dtype == np.int32


def test_regions_are_connected_and_large_enough():
    clustering = cluster(china()[::2, ::2], n_components=5)
    regions = clustering.regions(min_size=200, contrast=0)
    numbers = np.unique(regions)
    np.testing.assert_array_equal(numbers, np.arange(1, len(numbers) + 1))
    assert np.bincount(regions.ravel())[1:].min() >= 200
    pieces = clustering.regions(min_size=1, contrast=0)
    for number in np.unique(pieces)[:50]:
        _, n = ndi.label(pieces == number)
        assert n == 1
        assert len(np.unique(clustering.labels[pieces == number])) == 1


def test_a_series_of_volumes_is_cut_into_segments():
    image = np.zeros((2, 3, 10, 12), np.uint8)
    image[..., 6:], image[..., 2, 3] = 200, 100
    regions = cluster(image, 3, channel_axis=None).regions(min_size=100, contrast=1)
    first = np.where(np.arange(12) < 6, 1, 2) + 0 * image[0]
    np.testing.assert_array_equal(regions, [first, first + 2])


@pytest.mark.parametrize("contrast", [0.0, 3.0])
@pytest.mark.parametrize("names", ["tyx", "ytx", ("round", "y", "x")])
def test_regions_of_a_series_are_those_of_each_time_point_alone(names, contrast):
    axis = 1 if names == "ytx" else 0
    image = china()[::5, ::5]
    frames = [image, image[::-1], 255 - image]
    series = Picture.from_array(np.stack(frames, axis), axis_labels=tuple(names))
    mask = np.ones((3, *image.shape[:2]), bool)
    mask[1, 20:40], mask[2] = False, False  # nothing of the last
    clustering = cluster(series, 4, mask=np.moveaxis(mask, 0, axis), max_iter=500)
    labels = np.moveaxis(clustering.labels, axis, 0)
    regions = np.moveaxis(clustering.regions(20, contrast), axis, 0)
    assert regions.dtype == np.int32
    n = 0
    for frame, own, found in zip(frames, labels, regions, strict=True):
        alone = connected_regions(own, 20)
        if contrast > 0:
            alone = merge_similar(
                alone, perceived(Picture.from_array(frame), own > 0), contrast
            )
        np.testing.assert_array_equal(found, np.where(alone > 0, alone + n, 0))
        n += alone.max()
    assert n > (20 if contrast == 0 else 4)


def slow_merge(regions, values, contrast):
    """Look at all neighbors and their pixels anew before each merge."""
    regions = regions.copy()
    limit = contrast**2 * np.count_nonzero(regions)

    def within(*numbers):
        part = values[np.isin(regions.ravel(), numbers)]
        return ((part - part.mean(axis=0)) ** 2).sum()

    while True:
        pairs = set()
        for one, other in (
            (regions[1:], regions[:-1]),
            (regions[:, 1:], regions[:, :-1]),
        ):
            touching = (one != other) & (one > 0) & (other > 0)
            for pair in zip(one[touching], other[touching], strict=True):
                pairs.add(tuple(sorted(map(int, pair))))
        additions = [(within(i, j) - within(i) - within(j), i, j) for i, j in pairs]
        if not additions or min(additions)[0] >= limit:
            break
        _, i, j = min(additions)
        regions[regions == j] = i
    numbers, inverse = np.unique(regions, return_inverse=True)
    return inverse.reshape(regions.shape) + (numbers[0] > 0)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**31 - 1), st.sampled_from([0.0, 2.0, 5.0, 10.0, 100.0]))
def test_merging_is_the_greedy_loop(seed, contrast):
    rng = np.random.default_rng(seed)
    labels = ndi.zoom(rng.integers(0, 4, (5, 6)), 4, order=0)
    values = 1000 + 30 * labels.reshape(-1, 1) + rng.normal(0, 20, (labels.size, 3))
    regions = connected_regions(labels, 10)
    np.testing.assert_array_equal(
        merge_similar(regions, values, contrast), slow_merge(regions, values, contrast)
    )


def test_a_contrast_of_0_merges_nothing_and_a_volume_is_merged_along_all_axes():
    labels = np.zeros((3, 4, 5), np.uint8)
    labels[0], labels[1], labels[2] = 1, 2, 1
    values = np.repeat([0.0, 1.0, 10.0], 20)[:, np.newaxis]
    regions = connected_regions(labels, 1)
    np.testing.assert_array_equal(regions[:, 0, 0], [1, 2, 3])
    np.testing.assert_array_equal(merge_similar(regions, values, 0), regions)
    merged = merge_similar(regions, values, 1)
    np.testing.assert_array_equal(merged[:, 0, 0], [1, 1, 2])


def test_any_contrast_merges_all_that_touch():
    regions, values = (
        np.array([[1, 2, 0, 3]], np.int32),
        np.array([[0.0], [9], [1], [4]]),
    )
    for contrast in (100, 1e200, 1.7e308):
        merged = merge_similar(regions, values, contrast)
        np.testing.assert_array_equal(merged, [[1, 1, 0, 2]])


def test_pixels_without_a_label_take_no_part():
    labels = np.array([[1, 1, 0, 2, 2]])
    values = np.array([[1.0], [1], [np.nan], [1.5], [1.5]])
    regions = connected_regions(labels, 1)
    merged = merge_similar(regions, values, 100)
    np.testing.assert_array_equal(merged, [[1, 1, 0, 2, 2]])


def test_contrast_is_as_seen_of_a_picture_in_color():
    image = china()[::4, ::4]
    labeled = np.ones(image.shape[:2], bool)
    expected = skimage.color.rgb2lab(image).reshape(-1, 3)
    found = perceived(Picture.from_array(image), labeled)
    np.testing.assert_allclose(found, expected, atol=1e-3)

    clustering = cluster(image, n_components=5)
    regions = clustering.regions(min_size=20, contrast=3)
    pieces = connected_regions(clustering.labels, 20)
    np.testing.assert_array_equal(regions, slow_merge(pieces, expected, 3))
    assert 1 < regions.max() < pieces.max()


@pytest.mark.parametrize("unit", [1e-6, 1.0, 300.0])
def test_contrast_has_no_unit_where_there_is_no_color(unit):
    image = np.repeat([0.0, 30, 33, 36, 100], 40).reshape(5, 40) * unit
    labeled = np.ones(image.shape, bool)
    values = perceived(Picture.from_array(image), labeled)
    np.testing.assert_allclose(np.ptp(values), 100)
    # A dead and a very bright pixel change nothing.
    image[1, 1], image[2, 2] = np.nan, 1e9 * unit
    labeled[1, 1] = False
    values = perceived(Picture.from_array(image), labeled)
    np.testing.assert_allclose(np.diff(values[[0, 199]], axis=0), 100)


def test_contrast_of_a_constant_picture():
    image = np.full((4, 5), 7.0)
    values = perceived(Picture.from_array(image), np.ones(image.shape, bool))
    assert np.isfinite(values).all()
    # Within the percentiles nothing differs, so the range is that of all pixels.
    image = np.zeros((20, 30))
    image[0, 0] = 5
    values = perceived(Picture.from_array(image), np.ones(image.shape, bool))
    assert np.ptp(values) == pytest.approx(100)


def test_bad_settings():
    clustering = cluster(china()[:20, :20], n_components=2)
    with pytest.raises(ValueError) as error:
        clustering.regions(min_size=0)
    assert str(error.value) == (
        "Expected min_size to be a whole number from 1 to 1000000000, got 0."
    )
    with pytest.raises(ValueError) as error:
        clustering.regions(contrast=-1)
    assert str(error.value) == "Expected contrast to be a number from 0, got -1."


def test_a_picture_in_long_double_is_merged():
    image = np.zeros((6, 9), np.longdouble)
    image[:, 3:6], image[:, 6:] = 1, 50
    found = cluster(image, 3).regions(min_size=1, contrast=10.0)
    assert len(np.unique(found)) == 2


def test_contrast_of_8_bit_colors_in_a_floating_type():
    """As Lab they would all be white."""
    image = np.tile(np.repeat([0.0, 50, 250], 20)[:, np.newaxis], (20, 1, 3))
    values = perceived(Picture.from_array(image), np.ones((20, 60), bool))
    np.testing.assert_allclose(np.unique(values), [0, 20, 100])
