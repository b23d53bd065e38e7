"""A finer level is labeled by the mixture of a coarser one, pixel by pixel."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from napari_pixel_mixtures import (
    AnchorDistance,
    Blur,
    Color,
    Companion,
    DifferenceOfGaussians,
    Expression,
    GaborEnergy,
    GradientMagnitude,
    Hessian,
    Lab,
    LocalDeviation,
    Model,
    Picture,
    Position,
    StructureTensor,
    cluster,
    finer,
)
from napari_pixel_mixtures.features import Feature
from napari_pixel_mixtures.features.part import Part
from napari_pixel_mixtures.finer import FinerLevel
from napari_pixel_mixtures.smoothing import smooth_labels

ROWS, COLUMNS = slice(21, 90), slice(40, 133)
REGION = (ROWS, COLUMNS)
ALL = (slice(0, 128), slice(0, 160))


def wavy(shape=(128, 160), seed=0):
    """Smooth colors with a little noise, uint8."""
    rows, columns = np.indices(shape) / 16
    waves = [np.sin(rows) + np.cos(columns * k) for k in (0.7, 1.1, 1.6)]
    noise = np.random.default_rng(seed).normal(0, 0.1, (*shape, 3))
    return np.uint8(np.clip(128 + 60 * (np.stack(waves, axis=-1) / 2 + noise), 0, 255))


def halved(image, dtype=None):
    """The mean of each 2 x 2 pixels."""
    rows, columns = (n // 2 for n in image.shape[:2])
    blocks = image.reshape(rows, 2, columns, 2, *image.shape[2:]).mean(axis=(1, 3))
    return blocks.astype(dtype or image.dtype)


FINE = wavy()
COARSE = halved(FINE)


def level_of(clustering, fine=FINE, **more):
    return FinerLevel(clustering, fine.shape[:-1], lambda region: fine[region], **more)


def enlarged(labels):
    return labels.repeat(2, axis=0).repeat(2, axis=1)


def by_hand(clustering, columns):
    """Labels of pixels from the columns of each group, before their factors."""
    scaled = [
        (found.reshape(found.shape[0] * found.shape[1], -1) * group.factor)
        for found, group in zip(columns, clustering.groups, strict=True)
    ]
    samples = np.concatenate(scaled, axis=1).astype(np.float32)
    labels = clustering.mixture.labels(samples) + 1
    return labels.reshape(columns[0].shape[:2])


def test_color_is_predicted_from_each_pixel():
    clustering = cluster(COARSE, n_components=4)
    level = level_of(clustering)
    expected = Model.of(clustering).apply(FINE).labels
    assert_array_equal(level.labels(REGION), expected[REGION])
    assert_array_equal(level.labels(ALL), expected)
    assert (expected != enlarged(clustering.labels)).mean() > 0.02
    assert level.missing == ()


def test_labels_keep_the_numbers_they_were_given():
    clustering = cluster(COARSE, n_components=4).reordered([2, 0, 3, 1])
    expected = Model.of(clustering).apply(FINE).labels
    assert_array_equal(level_of(clustering).labels(REGION), expected[REGION])


@pytest.mark.parametrize("scale", [None, (3.0, 0.5)])
def test_positions_are_those_of_the_picture(scale):
    picture = Picture.from_array(COARSE, scale=scale)
    clustering = cluster(picture, 5, features=[Color(), Position()])
    sizes = scale or (1, 1)
    # A coarse pixel lies in the middle of two.
    y, x = (
        (place / 2 - 0.25) * size
        for place, size in zip(np.indices(FINE.shape[:2]), sizes, strict=True)
    )
    expected = by_hand(clustering, [FINE, np.stack([x, y], axis=-1)])
    assert_array_equal(level_of(clustering).labels(REGION), expected[REGION])


@pytest.mark.parametrize("anchors", [None, ((10.0, 20.0), (40.5, 70.0))])
def test_distances_are_to_the_same_places(anchors):
    feature = AnchorDistance(n=2, anchors=anchors)
    clustering = cluster(COARSE, 5, features=[Color(), feature])
    places = np.indices(FINE.shape[:2]) / 2 - 0.25
    distances = [
        np.hypot(places[0] - row, places[1] - column)
        for row, column in feature.places(COARSE.shape[:2])
    ]
    expected = by_hand(clustering, [FINE, np.stack(distances, axis=-1)])
    found = level_of(clustering).labels(REGION)
    assert (found == expected[REGION]).mean() > 0.999  # but for rounding


def test_a_blur_is_as_wide_and_does_not_end_at_the_region():
    clustering = cluster(COARSE, 4, features=[Blur(1.5)])
    level = level_of(clustering)
    blurred = Blur(3).compute(Picture.from_array(FINE), None)
    expected = by_hand(clustering, [blurred.reshape(FINE.shape)])
    assert_array_equal(level.labels(ALL), expected)
    assert_array_equal(level.labels(REGION), expected[REGION])


@pytest.mark.parametrize(
    "feature",
    [
        Blur(2, of="channels"),
        GradientMagnitude(2),
        Hessian(2),
        DifferenceOfGaussians(2),
        LocalDeviation(3),
    ],
    ids=lambda feature: feature.kind,
)
def test_filters_measure_the_same_on_finer_pixels(feature):
    rows, columns = np.indices((256, 256)) / 24
    fine = 100 * np.sin(rows)[..., np.newaxis] * np.cos(columns)[..., np.newaxis]
    coarse = Picture.from_array(halved(fine), channel_axis=-1)
    part = Part(coarse, (2.0, 2.0), (0, 0))
    there, gain = feature.for_part(part)
    expected = feature.compute(coarse, None).reshape(128, 128, -1)
    found = there.compute(part.picture(fine), None).reshape(256, 256, -1) * gain
    size = np.abs(expected).max()
    assert_allclose(
        halved(found)[16:-16, 16:-16], expected[16:-16, 16:-16], atol=0.02 * size
    )


GIVEN = {Companion: {"name": "depth"}, Expression: {"text": "R - G"}}
KINDS = [
    kind
    for kind in Feature.registry.values()
    if kind.__module__.startswith("napari_pixel_mixtures")
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_labels_of_every_kind_do_not_depend_on_the_region(kind):
    features = [kind(**GIVEN.get(kind, {})), Lab()]
    picture = Picture.from_array(COARSE, companions={"depth": COARSE[..., 0] // 2})
    clustering = cluster(picture, 4, features=features)
    level = level_of(clustering)
    whole = level.labels(ALL)
    found = level.labels(REGION)
    assert (found == whole[REGION]).mean() > 0.9995
    alone = {Companion, GaborEnergy, StructureTensor}
    assert level.missing == ((kind.title,) if kind in alone else ())
    assert (whole == enlarged(clustering.labels)).all() == (kind in alone)


@pytest.mark.parametrize("sigma", [1.0, 4.0])
def test_smoothing_is_as_wide(sigma):
    clustering = cluster(COARSE, 4, smoothing=sigma)
    level = level_of(clustering)
    plain = replace(clustering, recipe=replace(clustering.recipe, smoothing=0))
    material = Model.of(plain).apply(FINE).material
    expected = smooth_labels(
        clustering.mixture, material, FINE.shape[:2], (0, 1), 2 * sigma
    )
    assert (level.labels(ALL) == expected).mean() > 0.999
    assert (level.labels(REGION) == expected[REGION]).mean() > 0.999


def test_what_is_wider_than_it_may_be_is_missing():
    clustering = cluster(COARSE, 2, features=[Blur(60)], smoothing=70)
    level = level_of(clustering)
    assert level.missing == ("Blur", "Smoothing")
    assert_array_equal(level.labels(REGION), enlarged(clustering.labels)[REGION])


def test_what_needs_even_pixels_is_missing_on_a_level_of_others():
    clustering = cluster(FINE[:, ::2], 3, features=[Color(), Blur(2)])
    level = level_of(clustering)
    assert level.missing == ("Blur",)
    expected = clustering.labels.repeat(2, axis=1)
    assert_array_equal(level.labels(REGION), expected[REGION])


def test_a_mask_is_the_same():
    mask = np.zeros(COARSE.shape[:2], bool)
    mask[20:30, 12:50] = True
    clustering = cluster(COARSE, 3, features=[Color(), Blur(2)], mask=mask)
    level = level_of(clustering)
    assert_array_equal(level.labels(ALL) > 0, enlarged(mask))
    outside = (slice(90, 128), slice(0, 50))
    assert not level.labels(outside).any()


def test_unlikely_pixels_are_none_of_these():
    clustering = cluster(COARSE, 3)
    samples = FINE.reshape(-1, 3) * clustering.groups[0].factor
    scores = clustering.mixture.score_samples(samples.astype(np.float32))
    threshold = float(np.quantile(scores, 0.1))
    level = level_of(clustering, threshold=threshold)
    expected = np.where(scores < threshold, 4, level_of(clustering).labels(ALL).ravel())
    assert_array_equal(level.labels(ALL).ravel(), expected)


def test_too_many_pixels_are_enlarged(monkeypatch):
    clustering = cluster(COARSE, 3)
    monkeypatch.setattr(finer, "MOST_PIXELS", 100)
    level = level_of(clustering)
    assert_array_equal(level.labels(ALL), enlarged(clustering.labels))
    small = (slice(0, 10), slice(30, 40))
    expected = Model.of(clustering).apply(FINE).labels[small]
    assert_array_equal(level.labels(small), expected)


WIDE = FINE.astype(np.int32) * 100
WIDE[64:] //= 150  # which 255 would hold
FLOATS = FINE.astype(np.float32) / 255
FLOATS[64:] *= 4  # most of which is above 1


@pytest.mark.parametrize("fine", [WIDE, FLOATS], ids=["integer", "floating"])
def test_white_is_that_of_the_whole_picture(fine):
    clustering = cluster(halved(fine), 4, features=[Lab()])
    level = level_of(clustering, fine)
    part = (slice(70, 110), slice(0, 160))
    found = level.labels(part)
    assert_array_equal(found, level.labels(ALL)[part])


def test_filters_do_not_fill_gaps_by_the_mean_of_a_part():
    fine = FINE.astype(np.float32)
    clustering = cluster(halved(fine), 3, features=[Blur(2)])
    fine[50, 60] = np.nan
    level = level_of(clustering, fine)
    assert_array_equal(level.labels(REGION), enlarged(clustering.labels)[REGION])
    far = (slice(90, 128), slice(100, 160))
    assert (level.labels(far) != enlarged(clustering.labels)[far]).any()


def test_a_level_of_another_type_is_refused():
    level = level_of(cluster(COARSE, 2), FINE.astype(np.uint16))
    with pytest.raises(ValueError) as raised:
        level.labels(REGION)
    assert str(raised.value) == (
        "Expected a level of uint8 with 3 channels, as the one that was fitted, got "
        "uint16 with 3."
    )


def test_of_a_series_only_the_frame_is_read():
    fine = np.stack([wavy(seed=seed) for seed in range(3)])[..., :1]
    coarse = np.stack([halved(frame) for frame in fine])
    picture = Picture.from_array(coarse, -1, axis_labels=("t", "y", "x"))
    clustering = cluster(picture, 3, features=[Blur(2), Position("T")])
    read = []

    def read_part(region):
        read.append(region)
        return fine[region]

    level = FinerLevel(clustering, fine.shape[:-1], read_part)
    found = level.labels((slice(1, 2), *REGION))
    assert read == [(slice(1, 2), slice(5, 106), slice(24, 149))]
    level = FinerLevel(clustering, fine.shape[:-1], lambda region: fine[region])
    assert_array_equal(found, level.labels((slice(0, 3), *ALL))[(slice(1, 2), *REGION)])
