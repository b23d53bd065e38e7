"""Color spaces, against scikit-image; the circle of hues."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from skimage import color
from skimage.color.colorconv import xyz_from_rgb

from cases import PICTURES, noise
from napari_pixel_mixtures.features import (
    HSV,
    Lab,
    LCh,
    LinearRGB,
    Picture,
    YCbCr,
    blocks,
)

KINDS = (LinearRGB, HSV, Lab, LCh, YCbCr)


def hsv_circle(rgb):
    h, s, v = np.moveaxis(color.rgb2hsv(rgb), -1, 0)
    return np.stack([s * np.cos(2 * np.pi * h), s * np.sin(2 * np.pi * h), v], -1)


def lch_circle(rgb):
    lightness, chroma, hue = np.moveaxis(color.lab2lch(color.rgb2lab(rgb)), -1, 0)
    radius = np.minimum(chroma, 30)
    return np.stack([lightness, chroma, radius * np.cos(hue), radius * np.sin(hue)], -1)


REFERENCES = {
    # rgb2xyz is this matrix on linear R, G and B.
    LinearRGB: lambda rgb: color.rgb2xyz(rgb) @ np.linalg.inv(xyz_from_rgb).T,
    HSV: hsv_circle,
    Lab: color.rgb2lab,
    LCh: lch_circle,
    YCbCr: color.rgb2ycbcr,
}


def images():
    random = np.random.default_rng(0)
    unit = random.random((9, 11, 3))
    return {
        "uint8": ((unit * 255).astype(np.uint8), 255),
        "uint16": ((unit * 65535).astype(np.uint16), 65535),
        "float32": (unit.astype(np.float32), 1),
        "float64": (unit, 1),
        "bool": (unit > 0.5, 1),
        "volume": (noise(3, 5, 7, 3), 255),
        "gray": (np.repeat(noise(5, 7, 1), 3, axis=-1), 255),
    }


@pytest.mark.parametrize("name", images())
@pytest.mark.parametrize("kind", KINDS)
def test_color_spaces_are_those_of_scikit_image(kind, name):
    image, top = images()[name]
    picture = Picture.from_array(image)
    found = kind().compute(picture, None)
    expected = REFERENCES[kind](image.astype(np.float64) / top)
    assert found.dtype == picture.float_type
    atol = 1e-9 if found.dtype == np.float64 else 1e-5 * np.abs(expected).max()
    assert_allclose(found, expected.reshape(found.shape), atol=atol)
    assert len(kind().names(picture)) == found.shape[1]


@pytest.mark.parametrize("kind", KINDS)
def test_parts_are_columns_of_the_whole(kind):
    picture = Picture.from_array(noise(5, 7, 3))
    whole = kind().compute(picture, None)
    names = kind().names(picture)
    for part in kind.parts:
        feature = kind(part=part)
        if kind is HSV and part in ("H", "S"):  # which are no columns of the whole
            continue
        taken = [names.index(name) for name in feature.names(picture)]
        assert_array_equal(feature.compute(picture, None), whole[:, taken])
    assert set().union(*kind.parts.values()) == set(range(len(kind.columns)))


@pytest.mark.parametrize("kind", KINDS)
def test_some_pixels_and_several_blocks(kind, monkeypatch):
    picture = Picture.from_array(noise(5, 7, 3))
    whole = kind().compute(picture, None)
    monkeypatch.setattr(blocks, "BLOCK", 4)
    some = np.array([3, 34, 0])
    assert_allclose(kind().compute(picture, None), whole, rtol=1e-6)
    assert_allclose(kind().compute(picture, some), whole[some], rtol=1e-6)


def test_hue_is_a_circle():
    # Around the circle of hues in 360 steps, at full saturation and value.
    steps = np.linspace(0, 1, 361)[:-1]
    hsv = np.stack([steps, np.ones(360), np.ones(360)], axis=-1)
    picture = Picture.from_array(color.hsv2rgb(hsv)[np.newaxis])
    x, y, value = HSV().compute(picture, None).T
    assert_allclose(np.hypot(x, y), 1)
    assert_allclose(value, 1)
    assert_allclose([x[0], y[0]], [1, 0], atol=1e-12)  # red
    # The last hue is as near to the first as all neighbors are to each other.
    gaps = np.hypot(x - np.roll(x, 1), y - np.roll(y, 1))
    assert_allclose(gaps, 2 * np.sin(np.pi / 360), rtol=1e-6)


def test_hue_and_saturation_each_alone():
    image = noise(5, 7, 3)
    image[0, :3] = [[9, 9, 9], [0, 0, 0], [10, 9, 9]]  # two grays, and a pale red
    picture = Picture.from_array(image)
    h, s, _ = color.rgb2hsv(image).reshape(-1, 3).T
    hue, saturation = HSV(part="H"), HSV(part="S")
    assert hue.names(picture) == ("cos H", "sin H")
    assert saturation.names(picture) == ("S",)
    assert HSV().names(picture) == ("S cos H", "S sin H", "V")
    x, y = hue.compute(picture, None).T
    assert_allclose(np.hypot(x, y), s > 0, atol=1e-6)
    assert_allclose([x[2], y[2]], [1, 0], atol=1e-6)
    vivid = s > 0
    assert_allclose(np.arctan2(y, x)[vivid] / (2 * np.pi) % 1, h[vivid], atol=1e-6)
    assert_allclose(saturation.compute(picture, None)[:, 0], s, atol=1e-6)


def test_gray_has_no_hue():
    gray = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=-1)
    picture = Picture.from_array(gray)
    assert_array_equal(HSV(part="H S").compute(picture, None), 0)
    assert_allclose(LCh(part="h").compute(picture, None), 0, atol=0.02)


def test_values_beyond_the_limits_are_clipped():
    wild = np.array([[[-1.0, 0.5, 7.0]]])
    tame = np.array([[[0.0, 0.5, 1.0]]])
    for kind in KINDS:
        assert_array_equal(
            kind().compute(Picture.from_array(wild), None),
            kind().compute(Picture.from_array(tame), None),
        )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("name", "came"),
    [
        ("grey", "one with 1 channel that is not color"),
        ("volume", "one with 1 channel that is not color"),
        ("five channels on axis 0", "one with 5 channels that are not color"),
        ("three channels first", "one with 3 channels that are not color"),
    ],
)
def test_pictures_without_color_are_refused(kind, name, came):
    case = PICTURES[name]
    picture = Picture.from_array(case.array, case.channel_axis)
    for ask in (kind().names, lambda p: kind().compute(p, None)):
        with pytest.raises(ValueError) as caught:
            ask(picture)
        assert str(caught.value) == (
            f"Expected an image with red, green and blue for {kind.title}, got {came}; "
            "use Color, Channel or Expression instead."
        )


@pytest.mark.parametrize("kind", KINDS)
def test_8_bit_colors_in_a_floating_type_are_refused(kind):
    """All would be white."""
    bytes_as_floats = noise(20, 30, 3).astype(np.float32)
    for ask in (kind().names, lambda p: kind().compute(p, None)):
        with pytest.raises(ValueError) as caught:
            ask(Picture.from_array(bytes_as_floats))
        assert str(caught.value) == (
            f"Expected floating colors from 0 to 1 for {kind.title}, got most of them "
            "above 1; divide the image by its white, such as 255."
        )
    # As they are, they are channels, and a few bright lights are no mistake.
    assert not Picture.from_array(bytes_as_floats, rgb=False).overexposed
    lights = bytes_as_floats / 255
    lights[:5] *= 10
    assert kind().compute(Picture.from_array(lights), None).max() <= 240


def test_an_unknown_part_is_refused():
    with pytest.raises(ValueError) as caught:
        Lab(part="luminance")
    assert str(caught.value) == (
        "Expected the channels of Lab to be one of ('all', 'L', 'a b', 'a', 'b'), got "
        "'luminance'."
    )
