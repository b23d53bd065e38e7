"""Three axes: against plain numpy and scikit-learn's PCA."""

import numpy as np
import pytest
from scipy.spatial.distance import mahalanobis
from sklearn.decomposition import PCA

from napari_pixel_mixtures import Color, Position, cluster
from napari_pixel_mixtures.space import space_of


@pytest.fixture(scope="module")
def image():
    random = np.random.default_rng(0)
    turn = random.normal(size=(3, 3)) * [30, 10, 4]
    first = random.normal(size=(40, 60, 3)) @ turn + 90
    first[:, 30:] += [60, -20, 30]
    return np.clip(first, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def clustering(image):
    return cluster(image, 3, features=[Color(), Position(weight=0.5)])


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical"])
def test_the_channels_are_those_of_the_picture(image, covariance_type):
    clustering = cluster(image, 2, covariance_type, scaling="raw")
    space = space_of(clustering)
    pixels = np.array([0, 7, 2000])
    assert space.names == ("R", "G", "B")
    assert np.array_equal(space.read(pixels), image.reshape(-1, 3)[pixels])
    covariances = clustering.mixture.covariances_
    spread = {
        "full": lambda: covariances,
        "tied": lambda: np.stack([covariances] * 2),
        "diag": lambda: [np.diag(variances) for variances in covariances],
        "spherical": lambda: [np.eye(3) * variance for variance in covariances],
    }[covariance_type]()
    assert np.allclose(space.covariances, spread)
    assert np.allclose(space.means, clustering.mixture.means_, rtol=1e-2)


def test_features_show_in_their_own_units(image, clustering):
    space = space_of(clustering, ("G", "Y", "X"))
    pixels = np.array([0, 61, 1234])
    rows, columns = np.unravel_index(pixels, image.shape[:2])
    expected = np.column_stack([image.reshape(-1, 3)[pixels, 1], rows, columns])
    assert np.allclose(space.read(pixels), expected)
    assert space.means[:, 2].min() >= 0
    assert space.means[:, 2].max() < 60
    # Deviations within columns are at most half of the picture's width.
    assert np.sqrt(space.covariances[:, 2, 2].max()) < 30


def test_principal_components_are_those_of_the_data(image, clustering):
    space = space_of(clustering, "principal")
    n = image.shape[0] * image.shape[1]
    samples = np.zeros((n, 5))
    for group in clustering.groups:
        columns = group.feature.compute(clustering.picture, None)
        samples[:, group.columns] = columns * group.factor
    expected = PCA(3).fit(samples)
    coordinates = space.read(np.arange(n))
    assert np.allclose(coordinates.var(axis=0), expected.explained_variance_, rtol=0.02)
    for ours, theirs in zip(coordinates.T, expected.transform(samples).T, strict=True):
        assert abs(np.corrcoef(ours, theirs)[0, 1]) > 0.98


@pytest.mark.parametrize("axes", ["channels", "principal", ("R", "X", "Y")])
def test_ellipsoids_lie_their_deviations_from_the_means(clustering, axes):
    space = space_of(clustering, axes)
    centers, ellipsoid_axes = space.ellipsoids(2.0)
    units = np.random.default_rng(0).normal(size=(5, 3))
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    for k in range(3):
        inverse = np.linalg.inv(space.covariances[k])
        for place in centers[k] + units @ ellipsoid_axes[k]:
            assert mahalanobis(place, space.means[k], inverse) == pytest.approx(2.0)


def test_one_channel_lies_on_a_line():
    grey = np.random.default_rng(0).integers(0, 256, (20, 30)).astype(np.uint8)
    clustering = cluster(grey, 2)
    for axes in ("channels", "principal"):
        space = space_of(clustering, axes)
        assert space.names[1:] == ("", "")
        assert not space.read(np.arange(5))[:, 1:].any()
        assert not space.covariances[:, 1:].any()


def test_names_of_axes_may_be_a_list(clustering):
    assert space_of(clustering, ["R", "X", "Y"]).names == ("R", "X", "Y")


@pytest.mark.parametrize(
    "axes", [("R", "X", "hue"), ("R", "X"), ["R", "X", []], "RXY", None], ids=repr
)
def test_unknown_axes_are_refused(clustering, axes):
    with pytest.raises(ValueError) as error:
        space_of(clustering, axes)
    assert str(error.value) == (
        "Expected axes to be 'channels', 'principal' or three names among "
        f"('R', 'G', 'B', 'X', 'Y'), got {axes!r}."
    )
