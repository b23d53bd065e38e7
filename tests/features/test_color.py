"""Color: every channel as stored."""

import numpy as np
import pytest

from cases import PICTURES
from napari_pixel_mixtures.features import Color, Picture


@pytest.mark.parametrize("name", PICTURES)
def test_columns_are_the_channels(name):
    case = PICTURES[name]
    picture = Picture.from_array(case.array, case.channel_axis)
    assert Color().names(picture) == case.names
    np.testing.assert_array_equal(Color().compute(picture, None), case.pixels)
    some = np.arange(len(case.pixels))[::2]
    np.testing.assert_array_equal(Color().compute(picture, some), case.pixels[::2])
