"""Data that a mixture cannot describe well; never NaN."""

import numpy as np
import pytest

from napari_pixel_mixtures.mixture import FastGaussianMixture

STARTS = ("subsample", "kmeans", "k-means++", "random", "random_from_data")

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def assert_sound(mixture, samples):
    for name in ("weights_", "means_", "covariances_", "precisions_cholesky_"):
        assert np.isfinite(getattr(mixture, name)).all(), name
    assert mixture.weights_.sum() == pytest.approx(1, rel=1e-5)
    proba = mixture.predict_proba(samples)
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-5)
    assert np.isfinite(mixture.score_samples(samples)).all()
    assert np.isfinite(mixture.entropy(samples)).all()


@pytest.mark.parametrize("init_params", STARTS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_fewer_distinct_rows_than_components(covariance_type, init_params, dtype):
    samples = np.repeat([[0.0, 0.0], [100.0, 255.0], [255.0, 0.0]], 40, axis=0)
    samples = samples.astype(dtype)
    mixture = FastGaussianMixture(
        6, covariance_type=covariance_type, init_params=init_params, random_state=0
    ).fit(samples)
    assert_sound(mixture, samples)
    # The rows are still told apart.
    assert len(np.unique(mixture.predict(samples[::40]))) == 3 or (
        covariance_type == "tied" or init_params in ("random", "random_from_data")
    )


def test_a_constant_feature(covariance_type):
    rng = np.random.default_rng(0)
    samples = np.column_stack([rng.normal(size=500), np.full(500, 255.0)])
    for dtype in ("float32", "float64"):
        mixture = FastGaussianMixture(
            3, covariance_type=covariance_type, random_state=0
        ).fit(samples.astype(dtype))
        assert_sound(mixture, samples.astype(dtype))


def test_a_component_that_nothing_belongs_to(covariance_type):
    rng = np.random.default_rng(0)
    samples = rng.normal(size=(1000, 2))
    start = FastGaussianMixture(2, covariance_type=covariance_type, random_state=0)
    start.fit(samples)
    means = start.means_.copy()
    means[1] = 1e4
    mixture = FastGaussianMixture(
        2,
        covariance_type=covariance_type,
        weights_init=[0.5, 0.5],
        means_init=means,
        precisions_init=start.precisions_,
    ).fit(samples)
    assert_sound(mixture, samples)


def test_a_cluster_that_collapses(covariance_type):
    rng = np.random.default_rng(0)
    samples = np.concatenate([np.zeros((300, 3)), rng.normal(5, 1, (300, 3))])
    for dtype in ("float32", "float64"):
        mixture = FastGaussianMixture(
            2, covariance_type=covariance_type, random_state=0, reg_covar=1e-6
        ).fit(samples.astype(dtype))
        assert_sound(mixture, samples.astype(dtype))
        if covariance_type == "full":
            smallest = min(np.linalg.eigvalsh(c)[0] for c in mixture.covariances_)
            assert smallest == pytest.approx(1e-6, rel=1e-3)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_without_regularization_it_is_an_error(covariance_type, dtype):
    samples = np.repeat(np.eye(3), 5, axis=0).astype(dtype)
    with pytest.raises(ValueError, match="ill-defined empirical covariance") as error:
        FastGaussianMixture(
            5, covariance_type=covariance_type, reg_covar=0, random_state=0
        ).fit(samples)
    assert ("float64 data instead" in str(error.value)) == (dtype == "float32")


def test_samples_far_from_all_components(covariance_type):
    rng = np.random.default_rng(0)
    samples = rng.normal(size=(500, 2))
    for dtype in ("float32", "float64"):
        mixture = FastGaussianMixture(
            2, covariance_type=covariance_type, random_state=0
        ).fit(samples.astype(dtype))
        far = np.array([[1e6, -1e6], [1e18, 1e18], [0, 0]], dtype)
        proba = mixture.predict_proba(far)
        assert np.isfinite(proba).all()
        np.testing.assert_allclose(proba[[0, 2]].sum(axis=1), 1, rtol=1e-5)
        assert np.isfinite(mixture.score_samples(far)).all()
        assert mixture.predict(far).max() < 2


def test_two_samples(covariance_type):
    samples = np.array([[0.0, 1.0], [2.0, 3.0]])
    mixture = FastGaussianMixture(2, covariance_type=covariance_type, random_state=0)
    assert_sound(mixture.fit(samples), samples)
