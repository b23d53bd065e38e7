"""What a fit reads from layers: channels, scale, axes, other images."""

import dask
import dask.array as da
import numpy as np
import pytest
from napari.layers import Image, Labels, Points
from numpy.testing import assert_array_equal

from napari_pixel_mixtures.material_cache import MaterialCache
from napari_pixel_mixtures.viewer.layers import METADATA_KEY, channel_axis, level_text
from napari_pixel_mixtures.viewer.source import Source

RNG = np.random.default_rng(0)


def gray(*shape, **about):
    return Image(RNG.integers(0, 256, shape).astype(np.uint8), **about)


@pytest.fixture(autouse=True)
def application(qapp):
    """Layers want one."""


def test_a_plain_layer_is_its_array():
    layer = Image(RNG.random((5, 6, 3)), rgb=True)
    picture = Source.of(layer).read()
    assert_array_equal(picture.values, layer.data)
    assert picture.rgb and picture.channel_names == ("R", "G", "B")
    assert picture.scale is picture.axis_labels is None
    assert picture.companions == {}


def test_sizes_and_names_of_the_axes_come_along():
    layer = gray(
        *(4, 5, 6),
        scale=(2.0, 0.5, 0.25),
        units=("mm", "um", "um"),
        axis_labels=("z", "y", "x"),
    )
    picture = Source.of(layer).read()
    assert picture.scale == pytest.approx((2000, 0.5, 0.25))
    assert picture.axis_names == ("Z", "Y", "X")
    series = gray(4, 5, 6, scale=(3, 2, 2), units=("s", "um", "um"))
    series.axis_labels = ("t", "y", "x")
    picture = Source.of(series).read()
    assert picture.scale == (3, 2, 2)
    assert picture.axis_names == ("T", "Y", "X") and picture.spatial_axes == (1, 2)


def test_a_coarser_level_has_larger_pixels(monkeypatch):
    monkeypatch.setattr("napari_pixel_mixtures.viewer.layers.LARGEST_LEVEL", 100)
    fine = RNG.random((40, 60))
    layer = Image([fine, fine[::2, ::2], fine[::4, ::4][:, :10]], scale=(0.5, 0.5))
    picture = Source.of(layer).read()
    assert picture.shape == (10, 10)
    assert picture.scale == (2, 3)
    assert level_text(layer) == "level 3 of 3 (10 x 10)"
    assert level_text(Image(fine)) is None


@pytest.mark.parametrize("label", ["c", "C", "channel"])
@pytest.mark.parametrize("axis", [0, 1, 3])
def test_an_axis_of_channels(axis, label):
    names = ["z", "y", "x"]
    names.insert(axis, label)
    layer = gray(3, 4, 5, 6, axis_labels=names, scale=(1, 2, 3, 4))
    assert channel_axis(layer) == axis
    source = Source.of(layer)
    picture = source.read()
    assert_array_equal(picture.values, np.moveaxis(layer.data, axis, -1))
    assert picture.shape == source.shape
    assert picture.scale == tuple(np.delete([1, 2, 3, 4], axis))
    assert picture.axis_names == ("Z", "Y", "X")
    assert not picture.rgb


def test_channels_of_a_plane_are_no_channels():
    assert channel_axis(gray(5, 6, axis_labels=("c", "x"))) is None
    assert Source.of(gray(5, 6, axis_labels=("c", "x"))).read().n_channels == 1


def test_several_layers_are_the_channels_of_one():
    layers = [gray(5, 6, name=name, scale=(2, 2)) for name in ("dna", "actin", "er")]
    source = Source.of(*layers)
    assert source.image is layers[0] and source.title == "dna and 2 more"
    picture = source.read()
    assert_array_equal(picture.values, np.stack([one.data for one in layers], axis=-1))
    assert picture.channel_names == ("dna", "actin", "er")
    assert picture.scale == (2, 2)
    assert source.current
    layers[1].data = layers[1].data.copy()
    assert not source.current


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        (
            lambda: gray(5, 7, name="b"),
            "Expected channels of one shape, got 'a' of (5, 6) and 'b' of (5, 7); "
            "choose images of the same pixels.",
        ),
        (
            lambda: gray(5, 6, name="b", translate=(1, 0)),
            "Expected channels that lie over each other, got 'b' elsewhere than 'a'; "
            "give them the same scale and place.",
        ),
        (
            lambda: gray(5, 6, name="b", scale=(1, 2)),
            "Expected channels that lie over each other, got 'b' elsewhere than 'a'; "
            "give them the same scale and place.",
        ),
        (
            lambda: Image(RNG.random((5, 6, 3)), rgb=True, name="b"),
            "Expected gray images as channels, got 'b' with channels of its own; "
            "choose images without.",
        ),
    ],
    ids=["shape", "place", "scale", "color"],
)
def test_what_does_not_belong_together_is_refused(other, sentence):
    with pytest.raises(ValueError) as caught:
        Source.of(gray(5, 6, name="a"), other())
    assert str(caught.value) == sentence


def test_companions_are_images_of_the_same_pixels():
    image = Image(RNG.random((5, 6, 3)), rgb=True, name="image", scale=(2, 2))
    same = gray(5, 6, name="same", scale=(2, 2))
    with dask.config.set(scheduler="synchronous"):  # napari looks at it
        lazy = Image(da.ones((5, 6)), name="lazy", scale=(2, 2), contrast_limits=(0, 1))
    others = [
        image,
        same,
        lazy,
        gray(5, 6, name="elsewhere"),
        gray(5, 7, name="larger", scale=(2, 2)),
        Image(RNG.random((5, 6, 3)), rgb=True, name="color", scale=(2, 2)),
        Image(RNG.random((5, 6, 4)), rgb=True, name="alpha", scale=(2, 2)),
        Image(RNG.random((6, 5, 3)), rgb=True, name="upright", scale=(2, 2)),
        gray(5, 6, name="ours", scale=(2, 2), metadata={METADATA_KEY: {}}),
        Labels(np.ones((5, 6), int), name="labels", scale=(2, 2)),
        Points(np.zeros((1, 2)), name="points"),
    ]
    found = Source.of(image, others=others)
    assert list(found.companions) == ["same", "color", "alpha"]
    assert found.matches(Source.of(image, others=others))
    # A lazy one is only computed where a feature wants it.
    wanted = Source.of(image, others=others, needed=["lazy"])
    assert wanted.lazy
    with dask.config.set(scheduler="synchronous"):
        companions = wanted.read().companions
    assert list(companions) == ["same", "lazy", "color", "alpha"]
    assert_array_equal(companions["same"], same.data)
    assert_array_equal(companions["color"], others[5].data)
    assert_array_equal(companions["alpha"], others[6].data[..., :3])


def test_companions_of_an_image_with_channels():
    image = gray(3, 5, 6, name="image", axis_labels=("c", "y", "x"), scale=(1, 2, 2))
    others = [
        gray(5, 6, name="over", scale=(2, 2)),
        gray(5, 6, name="elsewhere"),
        Image(RNG.random((5, 6, 4)), rgb=True, name="color", scale=(2, 2)),
    ]
    source = Source.of(image, others=others)
    assert list(source.companions) == ["over", "color"]
    assert source.read().companions["color"].shape == (5, 6, 3)


def test_the_same_picture():
    image, other = gray(5, 6, name="image"), gray(5, 6, name="other")
    source = Source.of(image, others=[other])
    assert source.matches(Source.of(image, others=[image, other]))
    assert not source.matches(Source.of(image))
    assert not source.matches(Source.of(image, other))
    other.name = "another"
    assert not source.matches(Source.of(image, others=[other]))
    other.name = "other"
    image.scale = (2, 2)
    other.scale = (2, 2)
    assert not source.matches(Source.of(image, others=[other]))
    image.scale = other.scale = (1, 1)
    image.axis_labels = ("t", "x")
    assert not source.matches(Source.of(image, others=[other]))


def test_more_layers_leave_the_arrays_of_those_before():
    """By them it is known what was measured already."""
    cache = MaterialCache()
    red, green, depth = (gray(5, 6, name=n) for n in ("red", "green", "depth"))
    first = cache.picture(Source.of(red, green, others=[depth]))
    layers = [gray(5, 6, name="height"), depth]
    more = cache.picture(Source.of(red, green, others=layers))
    assert list(more.companions) == ["height", "depth"]
    assert more.values is first.values
    assert more.companions["depth"] is first.companions["depth"]
    red.scale = green.scale = depth.scale = (2.0, 1.0)
    other = cache.picture(Source.of(red, green, others=[depth]))
    assert other.scale == (2.0, 1.0)
    assert other.values is not first.values


class TestALayerIsGone:
    """What is left of a source: see `MaterialCache.without`."""

    def test_the_image_or_a_channel(self):
        one, other = gray(5, 6), gray(5, 6)
        assert Source.of(one, other).without(one) is None
        assert Source.of(one, other).without(other) is None

    def test_another_layer(self):
        source = Source.of(gray(5, 6))
        assert source.without(gray(5, 6)) is source

    @pytest.mark.parametrize("then", ["gone", "renamed", "other data"])
    def test_a_companion(self, then):
        image, depth, height = (gray(5, 6, name=n) for n in ("image", "d", "h"))
        source = Source.of(image, others=[image, depth, height])
        if then == "renamed":
            depth.name = "depth"
        elif then == "other data":
            depth.data = depth.data.copy()
        rest = source.without(depth)
        assert list(rest.companions) == ["h"]
        assert rest.layers == source.layers
