"""Picture: any array of numbers, with its channels where they are."""

import dask
import dask.array
import numpy as np
import pytest

from cases import BAD_IMAGES, DTYPES, PICTURES, noise
from napari_pixel_mixtures import cluster
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


@pytest.mark.parametrize(
    ("shape", "axis"),
    [
        *(((5, 7), None), ((3, 5, 7), None), ((5, 7, 1), -1), ((5, 7, 4), -1)),
        *(((5, 7, 5), None), ((2, 5, 7, 3), -1), ((3, 2, 5, 7), None)),
    ],
)
def test_an_array_that_says_nothing_has_few_channels_last_or_is_gray(shape, axis):
    picture = Picture.from_array(noise(*shape))
    assert picture.channel_axis == axis
    assert picture.shape == (shape if axis is None else shape[:-1])
    said = Picture.from_array(noise(5, 7, 5), channel_axis=-1)
    assert (said.shape, said.n_channels) == ((5, 7), 5)


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
        # The same in a floating type, and what is no color of 8 or 16 bits.
        (np.full((1, 1, 3), 200.0), [0, 51, 255], [0, 0.2, 1]),
        (np.full((1, 1, 3), 256.0), [0, 13107, 65535], [0, 0.2, 1]),
        (np.full((1, 2, 3), [[[1e6], [np.nan]]]), [0, 2e5, 1e6], [0, 0.2, 1]),
        # No colors: from the smallest value to the largest.
        (np.array([[10, 20, 30]]), [15], [0.25, 0.25, 0.25]),
        (np.array([[5.0, np.nan], [5.0, np.inf]]), [5], [0, 0, 0]),
        (np.array([[[0, 10], [4, 30]]]), [1, 15], [0.25, 0.25, 0]),
        (np.array([[[0] * 5, [1, 2, 4, 8, 16]]]), [1] * 5, [1, 0.5, 0.25]),
    ],
)
def test_channel_values_become_colors(array, values, expected):
    picture = Picture.from_array(array, -1 if array.ndim > 2 else None)
    np.testing.assert_allclose(picture.to_rgb(np.array(values)), expected, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32, np.uint32, np.uint64])
def test_white_can_be_told_where_a_type_does_not(dtype):
    array = np.full((1, 1, 3), 100, dtype)
    picture = Picture.from_array(array, white=400)
    assert Picture.from_array(array).guesses_white
    assert not picture.guesses_white
    np.testing.assert_allclose(picture.to_rgb(np.array([0, 100, 500])), [0, 0.25, 1])
    assert "white=400.0" in repr(picture)


@pytest.mark.parametrize(
    ("array", "white", "sentence"),
    [
        (
            np.zeros((1, 1, 3), np.uint16),
            4095,
            "Expected white for colors of signed or wide integers alone, as other "
            "types tell it, got it for colors of uint16; leave it out.",
        ),
        (
            np.zeros((1, 1, 3)),
            1,
            "Expected white for colors of signed or wide integers alone, as other "
            "types tell it, got it for colors of float64; leave it out.",
        ),
        (
            np.zeros((4, 5), int),
            255,
            "Expected white for colors of signed or wide integers alone, as other "
            "types tell it, got it for other channels of int64; leave it out.",
        ),
        (
            np.zeros((1, 1, 3), int),
            0,
            "Expected white to be a number from 1 to 1.84467e+19, got 0.",
        ),
    ],
)
def test_white_is_refused_where_it_makes_no_sense(array, white, sentence):
    with pytest.raises(ValueError) as error:
        Picture.from_array(array, white=white)
    assert str(error.value) == sentence


def test_channels_may_be_images_of_their_own():
    first, second = noise(5, 7), noise(5, 7, seed=1).astype(np.uint16)
    picture = Picture.from_channels([first, second], ["nuclei", "actin"])
    np.testing.assert_array_equal(picture.values, np.stack([first, second], axis=-1))
    assert picture.values.dtype == np.uint16
    assert picture.channel_names == ("nuclei", "actin")
    assert not picture.rgb
    three = Picture.from_channels([first, first, first])
    assert not three.rgb
    assert three.channel_names == ("channel 0", "channel 1", "channel 2")
    assert three.like_array(three.values).shape == (5, 7, 3)
    volume = Picture.from_channels([noise(3, 5, 7)] * 4, scale=(2, 1, 1))
    assert (volume.shape, volume.n_channels) == ((3, 5, 7), 4)
    assert volume.scale == (2.0, 1.0, 1.0)


def test_names_of_channels_are_names_of_features():
    channels = [noise(5, 7, seed=i) for i in range(4)]
    names = ("a", "b", "c", "d")
    clustering = cluster(Picture.from_channels(channels, names), 3)
    assert clustering.feature_names == names
    assert list(clustering.table().columns[-4:]) == list(names)
    stacked = cluster(np.stack(channels), 3, channel_axis=0)
    np.testing.assert_array_equal(clustering.labels, stacked.labels)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda: Picture.from_channels([noise(5, 7), noise(5, 8), noise(5, 7)]),
            "Expected channels of one shape, got (5, 7) and (5, 8); choose images of "
            "the same pixels.",
        ),
        (
            lambda: Picture.from_channels([]),
            "Expected channels of one shape, got no channel; choose images of the same "
            "pixels.",
        ),
        (
            lambda: Picture.from_channels([noise(5, 7)] * 2, ["a"]),
            "Expected a name for each of the 2 channels, got ['a']; give 2 strings.",
        ),
        (
            lambda: Picture.from_array(noise(5, 7, 2), names="ab"),
            "Expected a name for each of the 2 channels, got 'ab'; give 2 strings.",
        ),
        (
            lambda: Picture.from_array(noise(5, 7), axis_labels=("y", 1)),
            "Expected a name for each of the 2 axes, got ('y', 1); give 2 strings.",
        ),
        (
            lambda: Picture.from_array(noise(5, 7, 3), scale=(1, 1, 1)),
            "Expected a scale for each of the 2 axes, got (1, 1, 1); leave out the "
            "channel axis.",
        ),
        (
            lambda: Picture.from_array(noise(5, 7), scale=2.0),
            "Expected a scale for each of the 2 axes, got 2.0; leave out the channel "
            "axis.",
        ),
        (
            lambda: Picture.from_array(noise(5, 7), scale=(1, 0)),
            "Expected the scale to be a number from 1e-30 to 1e+30, got 0.",
        ),
    ],
)
def test_what_does_not_fit_the_array_is_refused(make, sentence):
    with pytest.raises(ValueError) as caught:
        make()
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("shape", "labels", "names", "spatial"),
    [
        ((5, 7), None, "YX", (0, 1)),
        ((3, 5, 7), None, "ZYX", (0, 1, 2)),
        ((2, 3, 5, 7), None, "TZYX", (1, 2, 3)),
        ((2, 2, 3, 5, 7), None, ("axis -5", *"TZYX"), (2, 3, 4)),
        # As napari labels axes that have none.
        ((3, 5, 7), ("-3", "-2", "-1"), "ZYX", (0, 1, 2)),
        ((3, 5, 7), ("", "", ""), "ZYX", (0, 1, 2)),
        ((3, 5, 7), ("t", "y", "x"), "TYX", (1, 2)),
        ((3, 5, 7), ("Time", "-2", "-1"), "TYX", (1, 2)),
        ((3, 5, 7), ("x", "y", "z"), "XYZ", (0, 1, 2)),
        ((3, 5, 7), ("y", "t", "x"), "YTX", (0, 2)),
        ((3, 5, 7), ("lambda", "y", "x"), ("lambda", "Y", "X"), (1, 2)),
        ((3, 5, 7), ("lambda", "yz", "x"), ("lambda", "yz", "X"), (2,)),
        ((3, 5, 7), ("plane", "row", "column"), ("plane", "row", "column"), (1, 2)),
        ((3, 5, 7), ("t", "lambda", "x"), ("T", "lambda", "X"), (2,)),
        ((3, 5, 7), ("x", "y", "x"), "XYX", (1, 2)),
    ],
)
def test_axes_are_called_by_their_labels_or_places(shape, labels, names, spatial):
    picture = Picture.from_array(np.zeros(shape), None, axis_labels=labels)
    assert picture.axis_names == tuple(names)
    assert picture.spatial_axes == spatial


def test_a_picture_has_its_channel_axis():
    picture = Picture.from_array(noise(5, 7, 3))
    with pytest.raises(ValueError) as caught:
        cluster(picture, channel_axis=0)
    assert str(caught.value) == (
        "Expected no channel_axis with a Picture, which knows its own, got "
        "channel_axis=0; give it to Picture.from_array."
    )


@pytest.mark.parametrize("kind", ["u2", "i4", "f4", "f8"])
def test_arrays_in_another_byte_order_are_read_as_all_others(kind):
    colors = noise(9, 8, 3)
    swapped, native = (colors.astype(np.dtype(kind).newbyteorder(o)) for o in "><")
    pictures = [Picture.from_array(array) for array in (swapped, native)]
    assert pictures[0].values.dtype == native.dtype.newbyteorder("=")
    np.testing.assert_array_equal(pictures[0].limits, pictures[1].limits)
    labels = [cluster(picture, 2).labels for picture in pictures]
    np.testing.assert_array_equal(*labels)


def test_more_than_64_bits_are_rounded():
    wide = noise(9, 8).astype(np.longdouble)
    wide[0, 0] *= np.longdouble("1e400")
    picture = Picture.from_array(wide)
    assert picture.values.dtype == np.float64
    labels = cluster(picture, 2).labels
    assert (labels == 0).sum() == (np.abs(wide) > 1e308).sum() == 1
