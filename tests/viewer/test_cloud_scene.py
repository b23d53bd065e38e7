"""What a canvas draws of a clustering, in plain arrays."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import norm
from sklearn.decomposition import PCA

from napari_pixel_mixtures import Color, Position, cluster, color_cloud
from napari_pixel_mixtures.viewer.cloud_axes import CORNERS
from napari_pixel_mixtures.viewer.cloud_scene import (
    cloud_scene,
    fitting_map,
    principal_directions,
    thickened,
    visible_range,
)
from napari_pixel_mixtures.viewer.cloud_view import CloudSettings

SETTINGS = CloudSettings(max_points=10_000, deviations=2.0)


@pytest.fixture(scope="module")
def image():
    random = np.random.default_rng(0)
    mixing = np.array([[18, 9, 0], [0, 12, 5], [3, 0, 20]])
    image = random.normal(0, 1, (50, 60, 3)) @ mixing + [90, 80, 100]
    image[:, 25:] += [60, 30, -40]
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def clustering(image):
    return cluster(image, 2, features=[Color(), Position(weight=0.5)])


def mapped(scene, points):
    return np.column_stack([points, np.ones(len(points))]) @ scene.map


@pytest.mark.parametrize("axes", ["channels", "principal", ("R", "Y", "X")])
def test_the_chosen_component_becomes_a_sphere(clustering, axes):
    for label in (1, 2):
        scene = cloud_scene(clustering, replace(SETTINGS, whiten=label, axes=axes))
        assert len(scene.gaussians.centers) == 1
        [axes_on_screen] = scene.gaussians.axes @ scene.map[:3, :3]
        gram = axes_on_screen @ axes_on_screen.T
        assert_allclose(gram, np.eye(3) * gram[0, 0], atol=1e-6 * gram[0, 0])
        # Its points are those of the component, with its mean at the center.
        labels = clustering.labels.reshape(-1)
        assert_array_equal(scene.pixels, np.flatnonzero(labels == label))


def test_raw_ellipsoids_hold_their_share_of_a_gaussian(clustering, image):
    for deviations, share in ((1.0, 0.199), (2.0, 0.739), (3.0, 0.971)):
        scene = cloud_scene(clustering, replace(SETTINGS, deviations=deviations))
        assert scene.gaussians.centers.shape == (2, 3)
        label = 1
        points = image.reshape(-1, 3)[clustering.labels.reshape(-1) == label]
        inverse = np.linalg.inv(scene.gaussians.axes[label - 1])
        radii = np.linalg.norm(
            (points - scene.gaussians.centers[label - 1]) @ inverse, axis=1
        )
        assert np.mean(radii <= 1) == pytest.approx(share, abs=0.04)
    assert (
        len(cloud_scene(clustering, replace(SETTINGS, deviations=0)).gaussians.centers)
        == 0
    )


def test_pooled_whitening(clustering):
    scene = cloud_scene(clustering, replace(SETTINGS, whiten="pooled"))
    pooled = np.tensordot(scene.space.weights, scene.space.covariances, axes=1)
    seen = scene.map[:3, :3].T @ pooled @ scene.map[:3, :3]
    assert_allclose(seen, np.eye(3) * seen[0, 0], atol=1e-6 * seen[0, 0])
    assert len(scene.gaussians.centers) == 2


def test_points_and_colors(clustering, image):
    scene = cloud_scene(clustering, SETTINGS)
    assert_array_equal(scene.points, image.reshape(-1, 3))
    labels = clustering.labels.reshape(-1)
    assert_allclose(scene.colors[:, :3], clustering.colors[labels - 1] / 255, atol=1e-6)
    assert_array_equal(scene.colors[:, 3], 1)
    own = cloud_scene(clustering, replace(SETTINGS, color_by="pixel"))
    assert_allclose(own.colors[:, :3], image.reshape(-1, 3) / 255, atol=1e-6)
    assert_allclose(scene.gaussians.colors[:, :3], clustering.colors / 255)
    assert (scene.gaussians.colors[:, 3] < 0.3).all()
    few = cloud_scene(clustering, replace(SETTINGS, max_points=100))
    assert_array_equal(few.points, image.reshape(-1, 3)[few.pixels])
    assert len(few.points) == 100


@pytest.mark.parametrize("whiten", [None, "pooled", 1, 2])
@pytest.mark.parametrize("axes", ["channels", "principal", ("G", "X", "Y")])
def test_the_map_brings_the_frame_into_the_unit_ball(clustering, whiten, axes):
    scene = cloud_scene(clustering, replace(SETTINGS, whiten=whiten, axes=axes))
    corners = CORNERS @ np.diag(scene.frame.high - scene.frame.low) + scene.frame.low
    seen = np.column_stack([corners, np.ones(8)]) @ scene.frame.map
    assert_array_equal(seen[:, 3], 1)
    assert_allclose(np.linalg.norm(seen[:, :3], axis=1), 1)
    assert_allclose(np.column_stack([CORNERS, np.ones(8)]) @ scene.frame.box, seen)
    # Nearly all points lie in the box, where the whitened cloud says.
    places = mapped(scene, scene.points)[:, :3]
    slack = 1e-9
    within = (places >= seen[0, :3] - slack) & (places <= seen[-1, :3] + slack)
    assert np.mean(within.all(axis=1)) > 0.96
    cloud = color_cloud(clustering, whiten, 10_000, axes=axes)
    expected = np.column_stack([cloud.points, np.ones(len(cloud.points))])
    assert_allclose(places, (expected @ scene.frame.map)[:, :3], atol=1e-6)


def test_the_frame(clustering):
    frame = cloud_scene(clustering, SETTINGS).frame
    assert_array_equal(frame.low, 0)
    assert_array_equal(frame.high, 255)
    assert frame.names == ("R", "G", "B")
    scene = cloud_scene(clustering, replace(SETTINGS, axes=("X", "Y", "R")))
    frame, points = scene.frame, scene.points
    assert (np.mean(points < frame.low, axis=0) <= 0.006).all()
    assert (np.mean(points > frame.high, axis=0) <= 0.006).all()
    assert frame.high[0] == pytest.approx(59, abs=1)
    # Of a whitened component in standard deviations, about its mean.
    frame = cloud_scene(clustering, replace(SETTINGS, whiten=1)).frame
    assert frame.names == ("white R", "white G", "white B")
    expected = norm.ppf([0.005, 0.995])
    assert_allclose(frame.low, expected[0], atol=0.5)
    assert_allclose(frame.high, expected[1], atol=0.5)


def test_principal_directions():
    points = np.random.default_rng(0).normal(size=(500, 3)) * [3, 9, 1] + 5
    found = principal_directions(points)
    expected = PCA(3).fit(points).components_
    assert_allclose(np.abs(np.sum(found * expected, axis=1)), 1)


@pytest.mark.parametrize(
    "array",
    [
        np.random.default_rng(0).random((20, 30)),
        np.random.default_rng(0).random((20, 30, 2)),
        np.random.default_rng(0).random((20, 30, 5)) * 1e4 - 5e3,
        np.repeat(np.random.default_rng(0).integers(0, 256, (20, 30, 1)), 3, axis=2),
    ],
    ids=["grey", "two channels", "five channels", "grey as colors"],
)
@pytest.mark.parametrize("whiten", [None, "pooled", 2])
def test_pictures_without_three_dimensions(array, whiten):
    clustering = cluster(array, 2, channel_axis=-1 if array.ndim > 2 else None)
    scene = cloud_scene(clustering, replace(SETTINGS, whiten=whiten))
    for values in (
        scene.points,
        scene.map,
        scene.gaussians.centers,
        scene.gaussians.axes,
        scene.frame.box,
    ):
        assert np.isfinite(values).all()
    assert (scene.frame.high >= scene.frame.low).all()
    assert np.linalg.cond(scene.map[:3, :3]) < 1e6
    seen = np.linalg.norm(mapped(scene, scene.points)[:, :3], axis=1)
    assert 0.5 < seen.max() < 3


def test_the_same_feature_along_two_axes(clustering):
    """Flat space has a way back too, and shows what it showed."""
    settings = replace(SETTINGS, whiten="pooled", axes=("R", "R", "G"))
    scene = cloud_scene(clustering, settings)
    assert np.linalg.cond(scene.map[:3, :3]) < 1e6
    cloud = color_cloud(clustering, "pooled", 10_000, axes=settings.axes)
    expected = np.column_stack([cloud.points, np.ones(len(cloud.points))])
    assert_allclose(mapped(scene, scene.points), expected @ scene.frame.map, atol=1e-4)


def test_one_point_and_none():
    for points in (np.full((1, 3), 7.0), np.full((5, 3), 7.0), np.zeros((0, 3))):
        matrix = fitting_map(*visible_range(points))
        assert np.isfinite(matrix).all()
        seen = np.column_stack([points, np.ones(len(points))]) @ matrix
        assert_allclose(seen[:, :3], 0, atol=1e-12)


def test_a_component_without_pixels():
    """A component may be no pixel's most probable one."""
    random = np.random.default_rng(0)
    for seed in range(20):
        image = random.integers(0, 9, (6, 6, 3)).astype(np.uint8)
        clustering = cluster(image, 9, random_state=seed, reg_covar=10)
        for label in range(1, 10):
            scene = cloud_scene(clustering, replace(SETTINGS, whiten=label))
            assert np.isfinite(scene.map).all()
            assert len(scene.points) == clustering.pixel_counts[label - 1]
        if (clustering.pixel_counts == 0).any():
            return
    pytest.fail("No component was without pixels.")


def test_a_grey_picture_in_rgb_is_whitened_to_a_thin_cloud():
    grey = np.random.default_rng(0).integers(0, 256, (30, 40, 1)).astype(np.uint8)
    clustering = cluster(np.repeat(grey, 3, axis=2), 2)
    matrix = cloud_scene(clustering, CloudSettings(whiten="pooled")).map
    scales = np.linalg.svd(matrix[:3, :3], compute_uv=False)
    assert_allclose(scales[1:] / scales[0], 1e-3)
    flat = np.zeros((4, 4))
    flat[3] = (1, 2, 3, 1)
    thick = thickened(flat)
    assert_allclose(np.linalg.svd(thick[:3, :3], compute_uv=False), 1e-3)
    assert_allclose(thick[3], flat[3])
    whole = np.diag([1.0, 2, 3, 1])
    assert thickened(whole) is whole
