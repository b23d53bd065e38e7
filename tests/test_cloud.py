"""color_cloud: pixels as points, thinned, colored, whitened."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cases import COVARIANCE_TYPES, MIXTURES, china, matrices, noise
from napari_pixel_mixtures import AnchorDistance, Color, Position, cluster, color_cloud

SHAPE = (50, 60)
N = 50 * 60


@pytest.fixture(scope="module")
def image():
    values = MIXTURES["three ellipsoids far apart"].draw(*SHAPE)[0]
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def clustering(image):
    """Of three components, the first row masked out."""
    mask = np.ones(SHAPE)
    mask[0] = 0
    return cluster(image, 3, mask=mask)


# Which pixels


def test_points_are_the_channel_values_of_their_pixels(image, clustering):
    cloud = color_cloud(clustering)
    np.testing.assert_array_equal(cloud.pixels, np.arange(60, N))
    np.testing.assert_array_equal(cloud.points, image.reshape(-1, 3)[60:])
    np.testing.assert_array_equal(cloud.labels, clustering.labels.reshape(-1)[60:])
    assert cloud.points.dtype == cloud.colors.dtype == np.float32
    assert cloud.axes == ("R", "G", "B")
    np.testing.assert_array_equal(cloud.center, [0, 0, 0])
    np.testing.assert_array_equal(cloud.transform, np.eye(3))


def test_a_photograph_is_thinned_to_5000_points():
    clustering = cluster(china(), 4)
    cloud = color_cloud(clustering)
    assert cloud.points.shape == cloud.colors.shape == (5000, 3)
    assert cloud.pixels.shape == cloud.labels.shape == (5000,)
    flat = china().reshape(-1, 3)
    np.testing.assert_array_equal(cloud.points, flat[cloud.pixels])
    # A fair draw: shares of the labels are the picture's, within 5 deviations.
    shares = clustering.pixel_counts / clustering.pixel_counts.sum()
    counts = np.bincount(cloud.labels, minlength=5)[1:]
    deviations = np.sqrt(5000 * shares * (1 - shares))
    assert (np.abs(counts - 5000 * shares) < 5 * deviations).all()
    # And from everywhere in the picture.
    rows = np.bincount(cloud.pixels // 640 * 10 // 427, minlength=10)
    assert (np.abs(rows - 500) < 5 * np.sqrt(450)).all()


@given(
    max_points=st.integers(1, 2 * N),
    random_state=st.integers(0, 2**32 - 1),
    whiten=st.sampled_from([None, "pooled", 1, 2, 3]),
)
@settings(deadline=None, max_examples=40)
def test_any_thinning_draws_each_pixel_at_most_once(
    clustering, max_points, random_state, whiten
):
    cloud = color_cloud(clustering, whiten, max_points, random_state)
    shown = N - 60 if whiten in (None, "pooled") else np.sum(cloud.labels == whiten)
    if whiten in (1, 2, 3):
        assert shown == len(cloud.labels)
        shown = clustering.pixel_counts[whiten - 1]
    assert len(cloud.pixels) == min(max_points, shown)
    assert (np.diff(cloud.pixels) > 0).all()
    assert cloud.labels.min() >= 1
    flat = clustering.labels.reshape(-1)
    np.testing.assert_array_equal(cloud.labels, flat[cloud.pixels])


def test_thinning_depends_on_the_seed_alone(clustering):
    once = color_cloud(clustering, max_points=100, random_state=3)
    again = color_cloud(clustering, max_points=100, random_state=3)
    np.testing.assert_array_equal(once.pixels, again.pixels)
    other = color_cloud(clustering, max_points=100, random_state=4)
    assert (once.pixels != other.pixels).any()
    # Another view of the same pixels.
    whitened = color_cloud(clustering, "pooled", max_points=100, random_state=3)
    np.testing.assert_array_equal(once.pixels, whitened.pixels)


# Colors


def test_colors_are_the_components_unless_one_is_shown(image, clustering):
    own = image.reshape(-1, 3) / 255
    palette = np.concatenate([[[np.nan] * 3], clustering.colors]) / 255
    components = palette[clustering.labels.reshape(-1)]
    for whiten in (None, "pooled"):
        cloud = color_cloud(clustering, whiten)
        np.testing.assert_allclose(cloud.colors, components[cloud.pixels], atol=1e-6)
    for whiten in (1, 2, 3):
        cloud = color_cloud(clustering, whiten)
        np.testing.assert_allclose(cloud.colors, own[cloud.pixels], atol=1e-6)


@pytest.mark.parametrize("whiten", [None, "pooled", 2])
def test_colors_may_be_chosen(image, clustering, whiten):
    cloud = color_cloud(clustering, whiten, color_by="pixel")
    np.testing.assert_allclose(
        cloud.colors, image.reshape(-1, 3)[cloud.pixels] / 255, atol=1e-6
    )
    cloud = color_cloud(clustering, whiten, color_by="cluster")
    np.testing.assert_allclose(
        cloud.colors, clustering.colors[cloud.labels - 1] / 255, atol=1e-6
    )


@pytest.mark.parametrize(
    ("image", "axes"),
    [
        (noise(9, 9), ("gray", "", "")),
        (noise(9, 9, 2), ("channel 0", "channel 1", "")),
        (noise(9, 9, 3), ("R", "G", "B")),
        (noise(9, 9, 5), ("channel 0", "channel 1", "channel 2")),
    ],
)
@pytest.mark.parametrize("whiten", [None, "pooled", 1])
def test_any_number_of_channels_is_shown_in_three(image, axes, whiten):
    clustering = cluster(image, 2, channel_axis=-1 if image.ndim > 2 else None)
    cloud = color_cloud(clustering, whiten)
    if whiten is not None:
        axes = tuple(name and f"white {name}" for name in axes)
    assert cloud.axes == axes
    channels = min(clustering.picture.n_channels, 3)
    np.testing.assert_array_equal(cloud.points[:, channels:], 0)
    assert (cloud.points[:, :channels].std(axis=0) > 0).all()
    assert cloud.colors.min() >= 0
    assert cloud.colors.max() <= 1
    if whiten is None:
        values = clustering.picture.pixels[cloud.pixels, :channels]
        np.testing.assert_array_equal(cloud.points[:, :channels], values)
    else:
        part = cloud.transform[:channels, :channels]
        index = slice(None) if whiten == "pooled" else slice(whiten - 1, whiten)
        weights = clustering.mixture.weights_.astype(float)[index]
        covariances = clustering.color_covariances[index, :channels, :channels]
        covariance = np.tensordot(weights / weights.sum(), covariances, axes=1)
        white = part.T @ covariance @ part
        np.testing.assert_allclose(white, np.eye(channels), atol=1e-4)


# Whitening

FEATURE_SETS = {
    "color": [Color()],
    "color and others": [Position(), Color(weight=0.5), AnchorDistance(n=2)],
    "position": [Position()],
}


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
@pytest.mark.parametrize("scaling", ["raw", "group"])
@pytest.mark.parametrize("features", ["color", "color and others"])
def test_covariances_of_the_mixture_become_the_identity(
    image, features, scaling, covariance_type
):
    clustering = cluster(image, 3, covariance_type, FEATURE_SETS[features], scaling)
    mixture = clustering.mixture
    d = mixture.means_.shape[1]
    start = 0 if features == "color" else 2
    weight = 1.0 if features == "color" else 0.5
    values = image.reshape(-1, 3).astype(float)
    if scaling == "group":
        weight /= np.sqrt(values.var(axis=0).mean())
    full = matrices(covariance_type, mixture.covariances_, 3, d)
    marginals = full[:, start : start + 3, start : start + 3] / weight**2
    means = mixture.means_[:, start : start + 3] / weight
    weights = mixture.weights_.astype(float)
    expected = {k + 1: (means[k], marginals[k]) for k in range(3)}
    expected["pooled"] = (
        weights @ means,
        sum(w * covariance for w, covariance in zip(weights, marginals, strict=True)),
    )
    for whiten, (center, covariance) in expected.items():
        cloud = color_cloud(clustering, whiten, max_points=N)
        white = cloud.transform.T @ covariance @ cloud.transform
        np.testing.assert_allclose(white, np.eye(3), atol=1e-4)
        np.testing.assert_allclose(cloud.center, center, rtol=1e-3)
        points = (values[cloud.pixels] - center) @ cloud.transform
        np.testing.assert_allclose(cloud.points, points, atol=0.02)


@pytest.mark.parametrize("features", FEATURE_SETS)
def test_whitened_pixels_are_white(image, features):
    """Full covariances of components far apart are those of their pixels."""
    clustering = cluster(image, 3, features=FEATURE_SETS[features])
    for label in (1, 2, 3):
        cloud = color_cloud(clustering, label, max_points=N)
        assert set(cloud.labels) == {label}
        if features == "color":
            error = np.cov(cloud.points.T) - np.eye(3)
            assert np.abs(error).max() < 0.01
            np.testing.assert_allclose(cloud.points.mean(axis=0), 0, atol=0.01)
        else:
            deviations = cloud.points.std(axis=0)
            assert (deviations > 0.5).all()
            assert (deviations < 2).all()
    if features == "color":
        cloud = color_cloud(clustering, "pooled", max_points=N)
        within = [
            np.cov(cloud.points[cloud.labels == k].T, bias=True)
            * np.mean(cloud.labels == k)
            for k in (1, 2, 3)
        ]
        np.testing.assert_allclose(sum(within), np.eye(3), atol=0.01)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_channels_of_very_different_units_become_white(dtype):
    values = MIXTURES["units of 1e4 and 1e-2"].draw(60, 70)[0].astype(dtype)
    # The smallest variances are about 1e-6.
    clustering = cluster(values, 2, scaling="raw", reg_covar=1e-12)
    for label in (1, 2):
        cloud = color_cloud(clustering, label, max_points=N * 2)
        np.testing.assert_allclose(np.cov(cloud.points.T), np.eye(3), atol=0.1)


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
@pytest.mark.parametrize("scaling", ["raw", "group"])
@pytest.mark.parametrize("whiten", ["pooled", 1, 2, 3])
def test_a_grey_picture_stored_as_rgb_is_a_line(covariance_type, scaling, whiten):
    grey = noise(40, 50)
    clustering = cluster(
        np.stack([grey] * 3, axis=-1), 3, covariance_type, scaling=scaling
    )
    cloud = color_cloud(clustering, whiten)
    assert np.isfinite(cloud.points).all()
    spreads = np.linalg.svd(cloud.points - cloud.points.mean(axis=0))[1]
    assert spreads[1] < 1e-2 * spreads[0]
    assert np.abs(cloud.points).max() < 100


def test_single_precision_noise_is_no_variance():
    """A fit in float32 may leave eigenvalues a little below 0."""
    clustering = cluster(np.stack([noise(40, 50)] * 3, axis=-1), 1)
    line = 5000 * (np.ones((3, 3)) - 1e-7 * np.eye(3))
    cloud = color_cloud(replace(clustering, color_covariances=line[np.newaxis]), 1)
    assert np.linalg.matrix_rank(cloud.transform, tol=1e-6) == 1
    assert np.abs(cloud.points).max() < 3


def test_a_component_of_one_color_is_one_point():
    image = noise(40, 600, 3).astype(np.float32)
    image[:, :40] = [250, 3, 7]
    mask = np.zeros((40, 600), bool)
    mask[:, :40] = mask[:, -40:] = True
    clustering = cluster(image, 2, features=Position(), mask=mask, tol=1e-9)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        flat = color_cloud(clustering, clustering.labels[0, 0])
        other = color_cloud(clustering, clustering.labels[0, -1])
        pooled = color_cloud(clustering, "pooled")
    np.testing.assert_array_equal(flat.points, 0)
    np.testing.assert_allclose(np.cov(other.points.T), np.eye(3), atol=0.01)
    assert np.isfinite(pooled.points).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_a_picture_of_one_color_is_one_point(dtype):
    clustering = cluster(np.full((9, 9, 3), 77, dtype), 1)
    for whiten in ("pooled", 1):
        cloud = color_cloud(clustering, whiten)
        np.testing.assert_allclose(cloud.points, np.zeros((81, 3)), atol=0.1)


def test_a_component_without_pixels_is_an_empty_cloud(clustering):
    labels = np.where(clustering.labels == 3, 1, clustering.labels)
    cloud = color_cloud(replace(clustering, labels=labels), 3)
    assert cloud.points.shape == cloud.colors.shape == (0, 3)
    assert cloud.pixels.shape == cloud.labels.shape == (0,)


def test_volumes_have_clouds_too():
    volume = noise(4, 9, 9, 3)
    clustering = cluster(volume, 2, features=[Color(), Position()])
    cloud = color_cloud(clustering, max_points=100)
    np.testing.assert_array_equal(
        cloud.points, volume[np.unravel_index(cloud.pixels, (4, 9, 9))]
    )


def test_pixels_that_are_not_finite_are_not_shown():
    image = noise(20, 30, 3).astype(float) / 255
    image[3:5] = np.nan
    cloud = color_cloud(cluster(image, 2))
    assert len(cloud.pixels) == 18 * 30
    assert np.isfinite(cloud.points).all()


# Bad input


@pytest.mark.parametrize(
    "whiten",
    [0, 4, -1, True, False, 2.0, "1", "Pooled", "", [1], np.array([1, 2]), np.nan],
    ids=repr,
)
def test_what_is_no_label_is_refused(clustering, whiten):
    with pytest.raises(ValueError) as caught:
        color_cloud(clustering, whiten)
    assert str(caught.value) == (
        f"Expected whiten to be None, 'pooled' or a label from 1 to 3, got {whiten!r}."
    )


def test_labels_may_be_numpy_numbers(clustering):
    expected = color_cloud(clustering, 2)
    found = color_cloud(clustering, clustering.labels[clustering.labels == 2][0])
    np.testing.assert_array_equal(found.points, expected.points)


@pytest.mark.parametrize("max_points", [0, -5, 5e3, None, "all", np.nan, True, np.inf])
def test_a_bad_number_of_points_is_refused(clustering, max_points):
    with pytest.raises(ValueError) as caught:
        color_cloud(clustering, max_points=max_points)
    assert str(caught.value) == (
        "Expected max_points to be a whole number from 1 to 2147483647, got "
        f"{max_points!r}."
    )


def test_other_bad_settings_are_refused(clustering):
    with pytest.raises(ValueError) as caught:
        color_cloud(clustering, random_state=-1)
    assert str(caught.value) == (
        "Expected random_state to be a whole number from 0 to 4294967295, got -1."
    )
    with pytest.raises(ValueError) as caught:
        color_cloud(clustering, color_by="label")
    assert str(caught.value) == (
        "Expected color_by to be 'pixel' or 'cluster', got 'label'."
    )
