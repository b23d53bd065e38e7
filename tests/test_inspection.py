"""One pixel: against scikit-learn and scipy."""

import numpy as np
import pytest
from scipy.spatial.distance import mahalanobis
from sklearn.mixture import GaussianMixture

from cases import china
from napari_pixel_mixtures import Color, Position, cluster
from napari_pixel_mixtures.features import Samples
from napari_pixel_mixtures.inspection import inspect_pixel
from napari_pixel_mixtures.mixture.covariance import COVARIANCE_TYPES


@pytest.mark.parametrize("covariance_type", list(COVARIANCE_TYPES))
def test_probabilities_and_distances(covariance_type):
    random = np.random.default_rng(0)
    image = random.integers(0, 256, (30, 40, 3)).astype(np.uint8)
    image[:, 20:] //= 3
    clustering = cluster(
        image, 4, covariance_type, features=[Color(), Position(weight=0.5)]
    )
    mixture = clustering.mixture
    for pixel in (0, 77, 1199):
        report = inspect_pixel(clustering, pixel)
        row, column = np.unravel_index(pixel, (30, 40))
        values = [*image[row, column].tolist(), column, row]
        assert report.features == dict(zip("RGBXY", map(float, values), strict=True))
        factors = [clustering.groups[0].factor] * 3 + [clustering.groups[1].factor] * 2
        sample = np.array(values) * factors
        theirs = GaussianMixture.predict_proba(mixture, sample[np.newaxis])[0]
        assert np.allclose(theirs[report.labels - 1], report.probabilities, atol=1e-4)
        assert list(report.labels - 1) == list(np.argsort(-theirs)[:3])
        matrices = COVARIANCE_TYPES[covariance_type].matrices(
            mixture.covariances_, 4, 5
        )
        for label, distance in zip(report.labels, report.distances, strict=True):
            expected = mahalanobis(
                sample, mixture.means_[label - 1], np.linalg.inv(matrices[label - 1])
            )
            assert distance == pytest.approx(expected, rel=1e-3)
        assert clustering.labels[row, column] == report.labels[0]


def test_a_pixel_outside_is_refused():
    clustering = cluster(np.arange(12, dtype=np.uint8).reshape(3, 4), 2)
    with pytest.raises(IndexError) as error:
        inspect_pixel(clustering, 12)
    assert str(error.value) == "Expected a pixel from 0 to 11, got 12."


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_probabilities_respect_influence(covariance_type):
    image = china()[:100:2, :150:2]
    features = [Color(), Position(influence=0.2)]
    clustering = cluster(image, 4, covariance_type, features)
    samples = Samples.measure(clustering.picture, features).values
    for pixel in (0, 1234, 3000):
        report = inspect_pixel(clustering, pixel, most=4)
        expected = clustering.mixture.predict_proba(samples[pixel : pixel + 1])[0]
        np.testing.assert_allclose(
            report.probabilities, expected[report.labels - 1], atol=1e-4
        )
