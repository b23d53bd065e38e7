"""FeatureCache: each feature is computed once, within its memory."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from cases import noise
from napari_pixel_mixtures import (
    Blur,
    Color,
    Companion,
    Expression,
    Lab,
    Position,
    cluster,
)
from napari_pixel_mixtures.clustering import cluster_steps
from napari_pixel_mixtures.features import Feature, FeatureCache, Picture
from napari_pixel_mixtures.features.cache import Columns
from napari_pixel_mixtures.inspection import inspect_pixel
from napari_pixel_mixtures.material_cache import MaterialCache
from napari_pixel_mixtures.recipe import Recipe
from napari_pixel_mixtures.space import space_of


@pytest.fixture
def computed(monkeypatch):
    """The features that were computed, in order."""
    made = []

    def watch(kind):
        compute = kind.compute

        def watched(self, picture, pixels):
            made.append(self)
            return compute(self, picture, pixels)

        monkeypatch.setattr(kind, "compute", watched)

    for kind in (Color, Position, Expression, Lab, Blur, Companion):
        watch(kind)
    return made


FEATURES = (Lab(), Position(), Blur(2), Expression("R - G"))


def fit(cache, picture, features, mask=None, **settings):
    recipe = Recipe(n_components=2, features=features, **settings)
    steps = cluster_steps(picture, recipe, mask, gather=cache.gather)
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


def test_a_change_of_weight_or_influence_computes_nothing(computed):
    cache, picture = MaterialCache(), Picture.from_array(noise(9, 8, 3))
    fit(cache, picture, FEATURES)
    assert computed == list(FEATURES)
    changed = tuple(replace(f, weight=0.5, influence=0.25) for f in FEATURES)
    fit(cache, picture, changed)
    fit(cache, picture, changed, scaling="raw")
    fit(cache, picture, FEATURES[:1] + FEATURES[2:])
    fit(cache, picture, FEATURES, mask=noise(9, 8) > 100)
    assert computed == list(FEATURES)
    fit(cache, picture, (*FEATURES[:2], Blur(3), FEATURES[3]))
    assert computed == [*FEATURES, Blur(3)]


def test_colors_alone_are_computed_once_as_well(computed):
    cache, picture = MaterialCache(), Picture.from_array(noise(9, 8, 3) // 64)
    features = (Lab(), Expression("R - G"))
    fit(cache, picture, features)
    fit(cache, picture, tuple(replace(f, weight=0.5) for f in features))
    assert computed == list(features)


def test_what_was_computed_of_the_picture_before_the_last_is_kept(computed):
    cache = MaterialCache()
    pictures = [Picture.from_array(noise(9, 8, 3, seed=seed)) for seed in range(3)]
    for number, expected in ((0, 1), (1, 2), (0, 2), (1, 2), (2, 3), (1, 3), (0, 4)):
        fit(cache, pictures[number], (Blur(2),))
        assert len(computed) == expected


def test_it_is_not_kept_where_it_is_large(computed, monkeypatch):
    monkeypatch.setattr("napari_pixel_mixtures.material_cache.FORMER_BYTES", 800)
    cache = MaterialCache()
    small = Picture.from_array(noise(9, 8, 2), -1, False)  # 576 bytes blurred
    large = Picture.from_array(noise(9, 8, 3, seed=1))  # 864
    for picture, expected in ((small, 1), (large, 2), (small, 2), (large, 3)):
        fit(cache, picture, (Blur(2),))
        assert len(computed) == expected


@dataclass
class _Layers:
    """An array, and others of the same pixels, as layers hold them."""

    array: np.ndarray
    companions: dict

    def read(self):
        return Picture.from_array(self.array, companions=self.companions)

    def has_pixels_of(self, other):
        return self.array is other.array

    def matches(self, other):
        return self.has_pixels_of(other) and self.companions is other.companions

    def without(self, image):
        return self


def test_other_companions_leave_what_does_not_read_them(computed):
    cache, image = MaterialCache(), noise(9, 8, 3)
    depth, height = noise(9, 8, seed=1), noise(9, 8, seed=2)
    features = (*FEATURES, Companion("depth"))
    first = cache.picture(_Layers(image, {"depth": depth}))
    material = cache.gather(first, Recipe(features=features), None)
    assert computed == list(features)
    # One more: nothing is measured, and what was fitted before counts still.
    more = cache.picture(_Layers(image, {"height": height, "depth": depth}))
    assert list(more.companions) == ["height", "depth"]
    assert cache.gather(more, Recipe(features=features), None) is material
    changed = tuple(replace(f, weight=0.5) for f in features)
    for picture in (more, first, more):
        fit(cache, picture, changed)
    assert computed == list(features)
    # Another by the same name: it alone is measured.
    other = cache.picture(_Layers(image, {"depth": height}))
    found = fit(cache, other, changed)
    assert computed == [*features, Companion("depth")]
    anew = cluster(image, 2, features=changed, companions={"depth": height})
    assert_array_equal(found.labels, anew.labels)
    assert not np.array_equal(found.labels, fit(cache, more, changed).labels)


def test_an_array_that_was_written_to_is_measured_also_with_other_companions(computed):
    cache, image = MaterialCache(), noise(9, 8, 3)
    fit(cache, cache.picture(_Layers(image, {})), FEATURES)
    image[2:4] = 255 - image[2:4]
    picture = cache.picture(_Layers(image, {"depth": noise(9, 8)}))
    found = fit(cache, picture, FEATURES)
    assert computed == [*FEATURES, *FEATURES]
    assert_array_equal(found.labels, cluster(image, 2, features=FEATURES).labels)


def test_what_is_kept_gives_what_is_computed():
    cache, picture = MaterialCache(), Picture.from_array(noise(9, 8, 3))
    fit(cache, picture, FEATURES)
    changed = tuple(replace(f, weight=0.5) for f in FEATURES)
    kept = fit(cache, picture, changed)
    anew = cluster(picture, 2, features=changed)
    assert_array_equal(kept.labels, anew.labels)
    assert_array_equal(kept.mixture.means_, anew.mixture.means_)


@dataclass(frozen=True)
class _Times(Feature):
    factor: int = 1

    def names(self, picture):
        return ("times",)

    def compute(self, picture, pixels):
        _Times.computed.append(self.factor)
        return picture.pixels * float(self.factor)


@pytest.fixture
def times(monkeypatch):
    monkeypatch.setattr(_Times, "kind", "times", raising=False)
    _Times.computed = []
    return _Times


def test_memory_is_bounded_and_the_oldest_goes_first(times):
    picture = Picture.from_array(np.ones((10, 10)))  # 800 bytes a feature
    cache = FeatureCache(most_bytes=2000)
    for factor in (1, 2, 1, 3, 1, 2):
        found = cache.columns(picture, times(factor=factor))
        assert_array_equal(found.values, factor)
        assert cache.n_bytes <= 2000
    # 1 was used last when 3 came, so 2 went.
    assert times.computed == [1, 2, 3, 2]


def test_what_is_larger_than_the_memory_is_not_kept(times):
    picture = Picture.from_array(np.ones((10, 10)))
    cache = FeatureCache(most_bytes=700)
    for _ in range(2):
        assert_array_equal(cache.columns(picture, times()).values, 1)
    assert cache.n_bytes == 0
    assert times.computed == [1, 1]


def test_the_pictures_own_values_cost_nothing():
    picture = Picture.from_array(np.ones((10, 10)))
    cache = FeatureCache()
    assert np.shares_memory(cache.columns(picture, Color()).values, picture.values)
    assert cache.n_bytes == 0
    cache.columns(picture, Blur())
    assert cache.n_bytes == 800


def test_several_threads_compute_once(times):
    picture, cache = Picture.from_array(np.ones((10, 10))), FeatureCache()
    together = threading.Barrier(4)

    def ask(_):
        together.wait()
        return cache.columns(picture, times())

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(ask, range(4)))
    assert times.computed == [1]
    assert all(columns is found[0] for columns in found)


@pytest.mark.parametrize("n", [1, 7, 2**15, 2**15 + 3, 100_000])
@pytest.mark.parametrize("counted", [False, True])
def test_spread_is_that_of_numpy(n, counted):
    random = np.random.default_rng(0)
    values = random.normal(5000, [1, 30], (n, 2)).astype(np.float32)
    counts = random.integers(1, 9, n) if counted else None
    found = Columns.of(values, counts)
    assert (found.low, found.high) == (values.min(), values.max())
    assert found.finite
    rows = values.astype(np.float64)
    if counted:
        rows = np.repeat(rows, counts, axis=0)
    assert_allclose(found.deviation, np.sqrt(np.mean(np.var(rows, axis=0))), rtol=1e-9)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_one_value_that_is_not_finite_is_noticed(bad):
    values = np.zeros((50, 3))
    values[30, 1] = bad
    assert not Columns.of(values).finite


def test_some_pixels_are_taken_from_what_is_kept(computed):
    cache, picture = MaterialCache(), Picture.from_array(noise(9, 8, 3))
    clustering = fit(cache, picture, FEATURES)
    places = np.array([0, 17, 71])
    computed.clear()
    report = inspect_pixel(clustering, 17)
    points = space_of(clustering, ("blur 2 R", "X", "R - G")).read(places)
    assert computed == []
    assert (report.features["X"], report.features["Y"]) == (1, 2)
    blurred = Blur(2).compute(picture, places)[:, 0]
    assert_allclose(points[:, 0], blurred, rtol=1e-6)
    computed.clear()
    del cache
    assert inspect_pixel(clustering, 17).features == report.features
    assert computed == list(FEATURES)
