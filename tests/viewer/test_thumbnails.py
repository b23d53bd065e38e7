"""Small pictures of what features measure."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from napari_pixel_mixtures.viewer.thumbnails import draw, thumbnail_pixels


@pytest.mark.parametrize(
    ("shape", "size", "found"),
    [
        ((480, 720), (48, 72), (48, 72)),
        ((480, 480), (48, 72), (48, 48)),
        ((1, 1000), (48, 72), (1, 72)),
        ((20, 30), (48, 72), (20, 30)),
        ((9, 100, 200), (48, 72), (36, 72)),
    ],
)
def test_pixels_keep_the_picture_s_proportions(shape, size, found):
    pixels = thumbnail_pixels(shape, size)
    assert pixels.shape == found
    *others, rows, columns = np.unravel_index(pixels, shape)
    assert [np.unique(axis).tolist() for axis in others] == [
        [n // 2] for n in shape[:-2]
    ]
    # From corner to corner, in even steps.
    assert (rows[0] == 0).all() and (rows[-1] == shape[-2] - 1).all()
    for axis in (rows[:, 0], columns[0]):
        assert np.ptp(np.diff(axis)) <= 1 if len(axis) > 1 else True


def test_columns_are_stretched_from_dark_to_bright():
    ramp = np.linspace(-3, 3, 201)
    columns = np.column_stack([ramp, -ramp, 7 + 0 * ramp, ramp])
    drawn = draw(columns, (1, 201))[0]
    expected = np.clip((np.arange(201) - 2) / 196, 0, 1) * 255  # numpy's percentiles
    assert_array_equal(drawn[:, 0], np.rint(expected))
    assert_array_equal(drawn[:, 1], np.rint(expected)[::-1])
    assert_array_equal(drawn[:, 2], np.zeros(201))


def test_what_is_not_finite_is_black():
    column = np.array([np.nan, 1.0, 2.0, np.inf])[:, np.newaxis]
    drawn = draw(column, (2, 2))
    assert_array_equal(drawn[..., 0], [[0, 0], [255, 0]])
    assert_array_equal(drawn[..., 0], drawn[..., 2])
    assert not draw(np.full((4, 1), np.nan), (2, 2)).any()
