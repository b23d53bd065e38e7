"""Color and Channel: channels as stored."""

import numpy as np
import pytest

from cases import PICTURES
from napari_pixel_mixtures.features import Channel, Color, Picture


@pytest.mark.parametrize("name", PICTURES)
def test_columns_are_the_channels(name):
    case = PICTURES[name]
    picture = Picture.from_array(case.array, case.channel_axis)
    assert Color().names(picture) == case.names
    np.testing.assert_array_equal(Color().compute(picture, None), case.pixels)
    some = np.arange(len(case.pixels))[::2]
    np.testing.assert_array_equal(Color().compute(picture, some), case.pixels[::2])


@pytest.mark.parametrize("name", PICTURES)
def test_a_channel_is_one_column_of_the_colors(name):
    case = PICTURES[name]
    picture = Picture.from_array(case.array, case.channel_axis)
    some = np.arange(len(case.pixels))[::2]
    for i, channel in enumerate(case.names):
        assert Channel(i).names(picture) == (channel,)
        found = Channel(i).compute(picture, None)
        np.testing.assert_array_equal(found, case.pixels[:, i : i + 1])
        np.testing.assert_array_equal(
            Channel(i).compute(picture, some), case.pixels[::2, i : i + 1]
        )


def test_a_channel_that_is_not_there_is_refused():
    picture = Picture.from_array(PICTURES["rgb"].array)
    for ask in (Channel(3).names, lambda p: Channel(3).compute(p, None)):
        with pytest.raises(ValueError) as caught:
            ask(picture)
        assert str(caught.value) == (
            "Expected a channel from 0 to 2, got 3; the image has 3 in all."
        )


@pytest.mark.parametrize("index", [-1, 1.0, True, None, "R"])
def test_a_bad_index_is_refused(index):
    with pytest.raises(ValueError) as caught:
        Channel(index)
    assert str(caught.value) == (
        "Expected the index of the channel to be a whole number from 0 to 2147483647, "
        f"got {index!r}."
    )
