"""Properties that hold for all data."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_pixel_mixtures.mixture import FastGaussianMixture

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

seeds = st.integers(0, 2**31 - 1)
dtypes = st.sampled_from(["float32", "float64"])
types = st.sampled_from(["full", "tied", "diag", "spherical"])
few = settings(deadline=None, max_examples=25)

# Rounding errors of the sums, and of what is made of them.
TOLERANCE = {"float32": 2e-5, "float64": 1e-9}


def clusters(seed, dtype, n=400, d=3):
    """Clusters that overlap, of several sizes and shapes."""
    rng = np.random.default_rng(seed)
    parts = [
        rng.normal(size=(n // 4, d)) @ rng.normal(size=(d, d)) + rng.normal(0, 4, d)
        for _ in range(4)
    ]
    return np.concatenate(parts).astype(dtype)


def started(samples, covariance_type, **options):
    """A mixture that starts from means picked by number, not by chance."""
    return FastGaussianMixture(
        3,
        covariance_type=covariance_type,
        weights_init=np.full(3, 1 / 3),
        means_init=samples[[10, 150, 310]],
        precisions_init={
            "full": np.tile(np.eye(3), (3, 1, 1)),
            "tied": np.eye(3),
            "diag": np.ones((3, 3)),
            "spherical": np.ones(3),
        }[covariance_type],
        **options,
    )


@few
@given(seeds, dtypes, types)
def test_log_likelihood_never_falls(seed, dtype, covariance_type):
    samples = clusters(seed, dtype)
    mixture = started(samples, covariance_type, tol=0, max_iter=40, reg_covar=0)
    bounds = np.array(mixture.fit(samples).lower_bounds_)
    slack = {"float32": 1e-6, "float64": 1e-12}[dtype]
    assert (np.diff(bounds) >= -slack * np.abs(bounds[1:])).all()


@few
@given(seeds, dtypes, types)
def test_permuting_rows_changes_nothing(seed, dtype, covariance_type):
    samples = clusters(seed, dtype)
    order = np.random.default_rng(seed).permutation(len(samples))
    mixture = started(samples, covariance_type, tol=0, max_iter=10)
    one = mixture.fit(samples).means_.copy()
    bound = mixture.lower_bound_
    other = mixture.fit(samples[order])
    scale = np.abs(samples).max()
    np.testing.assert_allclose(other.means_, one, atol=50 * TOLERANCE[dtype] * scale)
    assert other.lower_bound_ == pytest.approx(bound, rel=50 * TOLERANCE[dtype])


@few
@given(seeds, dtypes, types)
def test_weights_are_the_same_as_copies(seed, dtype, covariance_type):
    samples = clusters(seed, dtype)
    weights = np.random.default_rng(seed).integers(0, 4, len(samples))
    mixture = started(samples, covariance_type, tol=0, max_iter=5)
    one = mixture.fit(samples, sample_weight=weights).means_.copy()
    bound = mixture.lower_bound_
    other = mixture.fit(np.repeat(samples, weights, axis=0))
    scale = np.abs(samples).max()
    np.testing.assert_allclose(other.means_, one, atol=50 * TOLERANCE[dtype] * scale)
    assert other.lower_bound_ == pytest.approx(bound, rel=50 * TOLERANCE[dtype])


@few
@given(seeds, dtypes, types)
def test_responsibilities_sum_to_one(seed, dtype, covariance_type):
    samples = clusters(seed, dtype)
    mixture = started(samples, covariance_type, max_iter=5).fit(samples)
    wide = np.concatenate([samples, 100 * samples])
    proba = mixture.predict_proba(wide)
    assert (proba >= 0).all()
    np.testing.assert_allclose(proba.sum(axis=1), 1, atol=TOLERANCE[dtype])


@few
@given(seeds, dtypes, types)
def test_scaling_the_features_keeps_the_labels(seed, dtype, covariance_type):
    """By 1000, with reg_covar scaled along; but for ties within rounding errors."""
    samples = clusters(seed, dtype)
    settings = {"covariance_type": covariance_type, "random_state": 0, "max_iter": 15}
    settings["tol"] = 0
    one = FastGaussianMixture(3, reg_covar=1e-6, **settings).fit(samples)
    thousand = samples * np.array(1000, dtype)
    other = FastGaussianMixture(3, reg_covar=1.0, **settings).fit(thousand)
    proba = np.sort(one.predict_proba(samples), axis=1)
    clear = proba[:, -1] - proba[:, -2] > {"float32": 0.02, "float64": 1e-5}[dtype]
    np.testing.assert_array_equal(
        other.predict(thousand)[clear], one.predict(samples)[clear]
    )
