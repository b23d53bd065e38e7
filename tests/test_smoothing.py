"""Smooth labels, against scipy on the whole picture."""

import numpy as np
import pytest
import scipy.ndimage as ndi

from cases import china
from napari_pixel_mixtures import Color, Picture, Position, cluster, smoothing
from napari_pixel_mixtures.features import Samples

FEATURES = {"color": [Color()], "color and position": [Color(), Position()]}


@pytest.mark.parametrize("features", FEATURES.values(), ids=FEATURES)
@pytest.mark.parametrize("slab", [2**24, 1, 50_000])
@pytest.mark.parametrize("masked", [False, True])
def test_labels_are_those_of_blurred_responsibilities(
    features, slab, masked, monkeypatch
):
    monkeypatch.setattr(smoothing, "SLAB_VALUES", slab)
    image = china()[:150:2, :240:2]
    mask = np.ones(image.shape[:2], bool)
    if masked:
        mask[20:60, 30:] = False
        mask[:, 100] = False
    clustering = cluster(
        image,
        n_components=5,
        features=features,
        scaling="raw",
        mask=mask if masked else None,
        smoothing=2.5,
    )
    sharp = cluster(
        image,
        n_components=5,
        features=features,
        scaling="raw",
        mask=mask if masked else None,
    )
    assert np.count_nonzero(clustering.labels != sharp.labels) > 100
    np.testing.assert_array_equal(clustering.colors, sharp.colors)
    samples = Samples.measure(clustering.picture, features, "raw")
    shares = sharp.mixture.predict_proba(samples.values)
    shares = shares.reshape(*mask.shape, 5) * mask[..., np.newaxis]
    blurred = [
        ndi.gaussian_filter(shares[..., k], 2.5, mode="constant", truncate=3)
        for k in range(5)
    ]
    expected = np.where(mask, np.argmax(blurred, axis=0) + 1, 0)
    np.testing.assert_array_equal(clustering.labels, expected)
    counts = np.bincount(expected.ravel(), minlength=6)[1:]
    np.testing.assert_array_equal(clustering.pixel_counts, counts)


@pytest.mark.parametrize("sigma", [5.0, 6.0, 7.3, 12.0, 30.0, 100.0])
def test_a_wide_blur_is_nearly_gaussian(sigma):
    line = np.zeros(1201, np.float32)
    line[600] = 1
    found = smoothing.blur(line, sigma, (0,)).astype(np.float64)
    assert found.sum() == pytest.approx(1, abs=1e-5)
    places = np.arange(-600, 601)
    assert (found * places).sum() == pytest.approx(0, abs=1e-3)
    assert (found * places**2).sum() == pytest.approx(sigma**2, rel=0.06)
    gaussian = ndi.gaussian_filter1d(line.astype(np.float64), sigma)
    # Moving averages all reach as far as the labels' slabs overlap.
    assert np.abs(found - gaussian).max() < 0.05 * gaussian.max()
    assert np.flatnonzero(found > 1e-9 * found.max()).min() >= 600 - smoothing.reach(
        sigma
    )


@pytest.mark.parametrize("slab", [1, 50_000])
def test_a_wide_blur_is_the_same_in_slabs(slab, monkeypatch):
    image = china()[:250:2, :240:2]
    settings = {"n_components": 5, "smoothing": 8.0}
    whole = cluster(image, **settings).labels
    monkeypatch.setattr(smoothing, "SLAB_VALUES", slab)
    np.testing.assert_array_equal(cluster(image, **settings).labels, whole)


def test_a_volume_is_smoothed_along_all_axes():
    rng = np.random.default_rng(0)
    volume = np.zeros((8, 20, 30), np.float32)
    volume[4:] = 1
    truth = volume > 0
    volume += rng.normal(0, 0.6, volume.shape)
    options = {"n_components": 2, "channel_axis": None, "covariance_type": "tied"}
    sharp = cluster(volume, **options)
    smooth = cluster(volume, smoothing=1.5, **options)

    def errors(labels):
        wrong = np.mean((labels == labels[0, 0, 0]) == truth)
        return min(wrong, 1 - wrong)

    assert errors(smooth.labels) < errors(sharp.labels) / 5


# Axes of a series, and which of them is none that neighbors lie along.
SERIES = {
    "T, Y, X": ((4, 30, 40), ("t", "y", "x"), 0),
    "T, Z, Y, X": ((3, 5, 20, 24), None, 0),
    "Y, T, X": ((30, 4, 40), ("y", "t", "x"), 1),
    "another name": ((4, 30, 40), ("wavelength", "y", "x"), 0),
}


@pytest.mark.parametrize("shape, names, axis", SERIES.values(), ids=SERIES)
@pytest.mark.parametrize("slab", [2**24, 1])
def test_a_series_is_smoothed_frame_by_frame(shape, names, axis, slab, monkeypatch):
    monkeypatch.setattr(smoothing, "SLAB_VALUES", slab)
    rng = np.random.default_rng(0)
    # Each frame has another pattern, so that its neighbors would spoil it.
    series = ndi.gaussian_filter(rng.normal(0, 1, shape), 1) * 5
    picture = Picture.from_array(series, None, axis_labels=names)
    sharp = cluster(picture, 3, max_iter=500)
    smooth = cluster(picture, 3, max_iter=500, smoothing=1.5)
    samples = Samples.measure(picture, [Color()], "group")
    shares = sharp.mixture.predict_proba(samples.values).reshape(*shape, 3)
    expected = np.stack(
        [
            np.argmax(
                [
                    ndi.gaussian_filter(share, 1.5, mode="constant", truncate=3)
                    for share in np.moveaxis(frame, -1, 0)
                ],
                axis=0,
            )
            + 1
            for frame in np.moveaxis(shares, axis, 0)
        ],
        axis=axis,
    )
    assert np.count_nonzero(smooth.labels != sharp.labels) > 100
    np.testing.assert_array_equal(smooth.labels, expected)


@pytest.mark.parametrize("sigma", [1.5, 8.0])
@pytest.mark.parametrize("shape, names, axis", SERIES.values(), ids=SERIES)
def test_each_frame_is_blurred_as_alone(shape, names, axis, sigma):
    series = np.random.default_rng(0).random(shape, np.float32)
    axes = Picture.from_array(series, None, axis_labels=names).spatial_axes
    blurred = smoothing.blur(series, sigma, axes)
    for frame, found in zip(
        np.moveaxis(series, axis, 0), np.moveaxis(blurred, axis, 0), strict=True
    ):
        alone = smoothing.blur(frame, sigma, tuple(range(frame.ndim)))
        np.testing.assert_array_equal(found, alone)


def test_bad_settings():
    with pytest.raises(ValueError) as error:
        cluster(china(), smoothing=101)
    assert str(error.value) == (
        "Expected smoothing to be a number from 0 to 100, got 101."
    )
