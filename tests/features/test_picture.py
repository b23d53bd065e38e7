"""Picture: any array of numbers, with its channels where they are."""

import dask
import dask.array
import numpy as np
import pytest

from cases import BAD_IMAGES, DTYPES, PICTURES, noise
from napari_pixel_mixtures.features import Picture

# Those that only measuring, or the mask, shows to be bad.
LATER = {
    "only NaN",
    "an empty mask",
    "a mask of another shape",
    "huge numbers",
    "huge single numbers, raw",
}


@pytest.mark.parametrize("name", PICTURES)
def test_shape_channels_and_pixels(name):
    case = PICTURES[name]
    picture = Picture.from_array(case.array, case.channel_axis)
    assert picture.shape == case.shape
    assert picture.n_channels == case.pixels.shape[1]
    assert picture.channel_names == case.names
    assert picture.rgb == case.rgb
    np.testing.assert_array_equal(picture.pixels, case.pixels)
    assert picture.pixels.dtype == case.array.dtype


@pytest.mark.parametrize("name", PICTURES)
def test_values_go_back_to_where_the_array_had_them(name):
    case = PICTURES[name]
    picture = Picture.from_array(case.array, case.channel_axis)
    expected = case.array[..., :3] if case.rgb else case.array
    np.testing.assert_array_equal(picture.like_array(picture.values), expected)


@pytest.mark.parametrize("dtype", DTYPES)
def test_type_of_the_samples(dtype):
    picture = Picture.from_array(np.ones((2, 3), dtype))
    assert picture.float_type == DTYPES[dtype]


def test_four_channels_on_the_last_axis_may_be_no_colors():
    picture = Picture.from_array(noise(5, 7, 4), rgb=False)
    assert picture.n_channels == 4
    assert picture.channel_names[3] == "channel 3"


@pytest.mark.parametrize(
    "image",
    [
        [[1, 2, 3], [4, 5, 6]],
        ((1.5, 2.5), (3.5, 4.5)),
        dask.array.from_array(noise(6, 8, 3), chunks=4),
        noise(9, 9, 3)[::-2, 1::3],
        np.asfortranarray(noise(5, 6, 3)),
        np.broadcast_to(noise(1, 6, 3), (5, 6, 3)),
    ],
    ids=["lists", "tuples", "dask", "strides", "Fortran", "broadcast"],
)
def test_whatever_numpy_reads_is_an_image(image):
    with dask.config.set(scheduler="synchronous"):
        picture = Picture.from_array(image)
        expected = np.array(image)
    np.testing.assert_array_equal(picture.like_array(picture.values), expected)
    n_channels = 1 if expected.ndim == 2 else expected.shape[-1]
    np.testing.assert_array_equal(picture.pixels, expected.reshape(-1, n_channels))


@pytest.mark.parametrize("name", [name for name in BAD_IMAGES if name not in LATER])
def test_bad_images_are_refused_in_a_sentence(name):
    bad = BAD_IMAGES[name]
    with pytest.raises(bad.error) as caught:
        Picture.from_array(bad.image, **bad.settings)
    assert str(caught.value) == bad.sentence


def test_rows_of_other_lengths_are_refused():
    with pytest.raises(ValueError) as caught:
        Picture.from_array([[1, 2], [3]])
    said = str(caught.value)
    assert said.startswith("Expected an image with rows of the same length, got ")


def test_colors_that_cannot_be_are_refused():
    with pytest.raises(ValueError) as caught:
        Picture.from_array(noise(5, 7), rgb=True)
    assert str(caught.value) == (
        "Expected red, green and blue along a channel axis, got an array of shape "
        "(5, 7) without one; set channel_axis."
    )
    with pytest.raises(ValueError) as caught:
        Picture.from_array(noise(5, 7, 2), rgb=True)
    assert str(caught.value) == (
        "Expected three or four channels of color, got 2; use rgb=False."
    )


def test_valid_pixels_are_finite_in_all_channels_and_within_the_mask():
    image = np.ones((2, 4, 3))
    image[0, 0, 1] = np.nan
    image[0, 1, 2] = np.inf
    image[1, 3] = -np.inf
    picture = Picture.from_array(image)
    expected = np.array([[0, 0, 1, 1], [1, 1, 1, 0]], bool)
    np.testing.assert_array_equal(picture.valid(), expected)
    mask = np.array([[1, 1, 7, 0], [-1, 0, 0.5, 1]])
    np.testing.assert_array_equal(
        picture.valid(mask), np.array([[0, 0, 1, 0], [1, 0, 1, 0]], bool)
    )
    # The alpha of an invisible pixel may be anything.
    rgba = np.ones((2, 4, 4))
    rgba[..., 3] = np.nan
    assert Picture.from_array(rgba).valid() is None


@pytest.mark.parametrize(
    ("array", "values", "expected"),
    [
        (np.zeros((1, 1, 3), np.uint8), [0, 51, 255], [0, 0.2, 1]),
        (np.zeros((1, 1, 3), np.uint16), [0, 13107, 65535], [0, 0.2, 1]),
        (np.zeros((1, 1, 3), np.float32), [-1, 0.2, 1.5], [0, 0.2, 1]),
        (np.zeros((1, 1, 3), bool), [0, 0.2, 1], [0, 0.2, 1]),
        # numpy's default integers: 8 or 16 bits in a wide type.
        (np.full((1, 1, 3), 200), [0, 51, 255], [0, 0.2, 1]),
        (np.full((1, 1, 3), 256), [0, 13107, 65535], [0, 0.2, 1]),
        (np.full((1, 1, 3), 2**31 - 1, np.int32), [0, 0, 2**31 - 1], [0, 0, 1]),
        # No colors: from the smallest value to the largest.
        (np.array([[10, 20, 30]]), [15], [0.25, 0.25, 0.25]),
        (np.array([[5.0, np.nan], [5.0, np.inf]]), [5], [0, 0, 0]),
        (np.array([[[0, 10], [4, 30]]]), [1, 15], [0.25, 0.25, 0]),
        (np.array([[[0] * 5, [1, 2, 4, 8, 16]]]), [1] * 5, [1, 0.5, 0.25]),
    ],
)
def test_channel_values_become_colors(array, values, expected):
    picture = Picture.from_array(array)
    np.testing.assert_allclose(picture.to_rgb(np.array(values)), expected, atol=1e-6)
