"""What is kept of what was measured, and of what is let go."""

import weakref
from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from cases import noise
from napari_pixel_mixtures import Blur, Color, Companion, Position
from napari_pixel_mixtures.features import Picture
from napari_pixel_mixtures.material import Material
from napari_pixel_mixtures.material_cache import MaterialCache
from napari_pixel_mixtures.recipe import Recipe

COLOR = Recipe(scaling="raw")
PLACE = Recipe(scaling="raw", features=(Color(), Position()))


def some(dtype, shape=(9, 11), channels=3, most=4):
    values = np.random.default_rng(0).integers(0, most, (*shape, channels))
    return values.astype(dtype)


def test_the_cache_knows_what_it_measured_by_the_groups_too():
    cache, picture = MaterialCache(), Picture.from_array(some(np.uint8))
    material = cache.gather(picture, PLACE, None)
    assert cache.gather(picture, PLACE, None, material.samples.groups) is material
    others = Material.gather(picture, COLOR, None).samples.groups
    assert cache.gather(picture, PLACE, None, others).samples.groups == others
    assert cache.gather(picture, PLACE, None) is material


def test_the_cache_knows_what_it_measured_by_the_mask_too():
    cache, picture = MaterialCache(), Picture.from_array(some(np.uint8))
    mask = np.zeros(picture.shape, bool)
    mask[2:] = True
    material = cache.gather(picture, PLACE, mask)
    assert cache.gather(picture, PLACE, mask.copy()) is material
    other = cache.gather(picture, PLACE, ~mask)
    assert_array_equal(other.pixels, np.flatnonzero(~mask))
    assert cache.gather(picture, PLACE, None).pixels is None


def test_the_cache_reads_a_picture_once_for_each_source(monkeypatch):
    class Numbers:
        def __init__(self, number):
            self.number, self.read_times = number, 0

        def read(self):
            self.read_times += 1
            return Picture.from_array(np.full((2, 3), self.number))

        def matches(self, other):
            return self.number == other.number

        has_pixels_of = matches
        companions = {}  # noqa: RUF012

        def without(self, image):
            return self

    cache = MaterialCache()
    first, same, other = Numbers(1), Numbers(1), Numbers(2)
    picture = cache.picture(first)
    assert cache.picture(same) is picture
    assert cache.picture(other).values[0, 0] == 2
    assert cache.picture(first) is picture  # one may come back from another
    assert [s.read_times for s in (first, same, other)] == [1, 0, 1]
    cache.picture(Numbers(3))
    assert cache.picture(first) is picture
    assert cache.picture(other).values[0, 0] == 2
    assert other.read_times == 2
    monkeypatch.setattr("napari_pixel_mixtures.last_pictures.FORMER_BYTES", 0)
    cache.picture(first)
    assert cache.picture(other).values[0, 0] == 2
    assert other.read_times == 3


@dataclass
class Layers:
    """An image and others of the same pixels, by their names in a viewer."""

    name: str
    array: np.ndarray
    companions: dict = field(default_factory=dict)

    def read(self):
        return Picture.from_array(self.array, companions=self.companions)

    def has_pixels_of(self, other):
        return self.array is other.array

    def matches(self, other):
        return self.has_pixels_of(other) and self.companions == other.companions

    def without(self, image):
        if image == self.name:
            return None
        rest = {n: a for n, a in self.companions.items() if n != image}
        return Layers(self.name, self.array, rest)


class TestAnImageIsGone:
    """Of its arrays nothing is kept; all else is."""

    @pytest.fixture
    def computed(self, monkeypatch):
        """The names of the features that were computed, in order."""
        made = []
        for kind in (Blur, Companion):

            def watched(self, picture, pixels, compute=kind.compute):
                made.append(self)
                return compute(self, picture, pixels)

            monkeypatch.setattr(kind, "compute", watched)
        return made

    def test_another_image_keeps_all(self, computed):
        cache = MaterialCache()
        recipe = Recipe(features=(Blur(),))
        sources = [Layers(name, noise(9, 8, 3, seed=i)) for i, name in enumerate("ab")]
        pictures = [cache.picture(source) for source in sources]
        materials = [cache.gather(picture, recipe, None) for picture in pictures]
        rest = cache.without("a")
        assert rest.picture(sources[1]) is pictures[1]
        assert rest.gather(pictures[1], recipe, None) is materials[1]
        assert computed == [Blur()] * 2
        rest.gather(rest.picture(sources[0]), recipe, None)
        assert computed == [Blur()] * 3

    def test_a_companion_takes_what_was_read_of_it(self, computed):
        cache, image, depth = MaterialCache(), noise(9, 8, 3), noise(9, 8)
        source = Layers("image", image, {"depth": depth})
        picture = cache.picture(source)
        both = Recipe(features=(Blur(), Companion("depth")))
        cache.gather(picture, both, None)
        rest = cache.without("depth")
        left = rest.picture(Layers("image", image))
        assert left.values is picture.values
        assert left.companions == {}
        rest.gather(left, Recipe(features=(Blur(),)), None)
        assert computed == [Blur(), Companion("depth")]
        again = rest.picture(source)
        rest.gather(again, both, None)
        assert computed == [Blur(), Companion("depth"), Companion("depth")]

    def test_one_that_no_feature_reads_leaves_what_was_gathered(self, computed):
        cache, image = MaterialCache(), noise(9, 8, 3)
        recipe = Recipe(features=(Blur(), Companion("depth")))
        depth = noise(9, 8, seed=1)
        companions = {"depth": depth, "height": noise(9, 8, seed=2)}
        material = cache.gather(
            cache.picture(Layers("image", image, companions)), recipe, None
        )
        rest = cache.without("height")
        left = rest.picture(Layers("image", image, {"depth": depth}))
        assert rest.gather(left, recipe, None) is material
        assert computed == [Blur(), Companion("depth")]

    def test_distinct_colors_are_kept(self, monkeypatch):
        cache = MaterialCache()
        source = Layers("image", noise(9, 8, 3), {"depth": noise(9, 8)})
        cache.gather(cache.picture(source), COLOR, None)
        rest = cache.without("depth")
        monkeypatch.delattr("napari_pixel_mixtures.material.DistinctColors.of")
        left = rest.picture(Layers("image", source.array))
        rest.gather(left, Recipe(scaling="group"), None)

    @pytest.mark.parametrize("gone", ["image", "depth"])
    def test_its_arrays_are_let_go(self, gone):
        cache = MaterialCache()
        arrays = {"image": noise(9, 8, 3), "depth": noise(9, 8), "height": noise(9, 8)}
        image, *names = arrays
        others = {name: arrays[name] for name in names}
        picture = cache.picture(Layers(image, arrays[image], others))
        features = (Color(), Blur(), Companion("depth"), Companion("height"))
        cache.gather(picture, Recipe(features=features), None)
        held = weakref.ref(arrays[gone])
        rest = cache.without(gone)
        del cache, picture, arrays, others
        assert held() is None
        assert rest is not None

    def test_what_was_read_of_it_earlier_is_let_go_too(self):
        """As long as something, here a result, holds the picture."""
        cache = MaterialCache()
        first = cache.picture(Layers("a", noise(9, 8)))
        for name in "bc":
            cache.picture(Layers(name, noise(9, 8)))
        cache.gather(first, PLACE, None)
        rest = cache.without("a")
        held = weakref.ref(first)
        del cache, first
        assert held() is None
        assert rest is not None
