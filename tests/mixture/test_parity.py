"""From the same start, the same answers as scikit-learn's."""

import numpy as np
import pytest
from sklearn.mixture import GaussianMixture

from napari_pixel_mixtures.mixture import FastGaussianMixture
from napari_pixel_mixtures.mixture.covariance import COVARIANCE_TYPES

TOLERANCE = {"float32": 1e-4, "float64": 1e-8}

ignores_convergence = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning"
)


def relative_errors(mixture, reference, shift=0.0):
    """Errors of all parameters, relative to what they are made of."""
    n_components, n_features = reference.means_.shape
    matrices = COVARIANCE_TYPES[reference.covariance_type].matrices
    expected = matrices(reference.covariances_, n_components, n_features)
    found = matrices(mixture.covariances_, n_components, n_features)
    spread = np.sqrt(np.einsum("kii->ki", expected))
    means = reference.means_ + shift
    return {
        "weights": np.max(np.abs(mixture.weights_ / reference.weights_ - 1)),
        "means": np.max(np.abs(mixture.means_ - means) / (spread + np.abs(means))),
        "covariances": np.max(
            np.abs(found - expected) / (spread[:, :, None] * spread[:, None])
        ),
        "log-likelihood": abs(mixture.lower_bound_ / reference.lower_bound_ - 1),
    }


@ignores_convergence
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_ten_iterations_agree(case, covariance_type, dtype):
    settings = {
        "n_components": case.n_components,
        "covariance_type": covariance_type,
        "reg_covar": case.reg_covar,
        "tol": 0,
    }
    start = GaussianMixture(**settings, max_iter=1, random_state=1).fit(case.samples)
    settings |= {"weights_init": start.weights_, "precisions_init": start.precisions_}
    samples = (case.samples + case.shift).astype(dtype)
    # scikit-learn itself is only accurate in float64 and near the origin.
    reference = GaussianMixture(**settings, means_init=start.means_, max_iter=10)
    reference.fit(samples.astype(np.float64) - case.shift)
    mixture = FastGaussianMixture(
        **settings, means_init=start.means_ + case.shift, max_iter=10
    ).fit(samples)
    errors = relative_errors(mixture, reference, case.shift)
    assert max(errors.values()) < TOLERANCE[dtype], errors
    assert mixture.n_iter_ == reference.n_iter_
    for name in ("weights_", "means_", "covariances_", "precisions_"):
        assert getattr(mixture, name).dtype == dtype


@pytest.mark.parametrize(
    "init_params", ["kmeans", "k-means++", "random", "random_from_data"]
)
def test_scikit_learn_s_own_starts_agree(colors, covariance_type, init_params):
    settings = {
        "n_components": 3,
        "covariance_type": covariance_type,
        "init_params": init_params,
        "random_state": 3,
        "max_iter": 0,
    }
    samples = colors.astype(np.float64)
    reference = GaussianMixture(**settings).fit(samples)
    mixture = FastGaussianMixture(**settings).fit(samples)
    for name in ("weights_", "means_", "covariances_", "precisions_cholesky_"):
        # scikit-learn's variance of a single sample is rounding error and reg_covar.
        np.testing.assert_allclose(
            getattr(mixture, name), getattr(reference, name), rtol=1e-4, atol=1e-9
        )


@ignores_convergence
@pytest.mark.parametrize("given", ["weights", "means", "precisions"])
def test_a_part_of_the_start_can_be_given(colors, covariance_type, given):
    samples = colors.astype(np.float64)
    settings = {
        "n_components": 3,
        "covariance_type": covariance_type,
        "init_params": "kmeans",
        "random_state": 0,
        "max_iter": 3,
        "tol": 0,
    }
    start = GaussianMixture(**settings).fit(samples)
    settings[f"{given}_init"] = getattr(start, f"{given}_")
    reference = GaussianMixture(**settings).fit(samples)
    mixture = FastGaussianMixture(**settings).fit(samples)
    errors = relative_errors(mixture, reference)
    assert max(errors.values()) < 1e-8, errors


@ignores_convergence
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_a_component_of_weight_zero_stays_as_in_scikit_learn(colors, dtype):
    samples = colors.astype(dtype)
    start = GaussianMixture(3, max_iter=1, random_state=0).fit(samples.astype(float))
    weights = np.array([0.4, 0.6, 0.0])
    settings = {
        "n_components": 3,
        "weights_init": weights,
        "means_init": start.means_,
        "precisions_init": start.precisions_,
        "max_iter": 3,
        "tol": 0,
    }
    with np.errstate(divide="ignore"):
        reference = GaussianMixture(**settings).fit(samples.astype(np.float64))
    mixture = FastGaussianMixture(**settings).fit(samples)
    tolerance = TOLERANCE[dtype]
    np.testing.assert_allclose(
        mixture.weights_, reference.weights_, rtol=tolerance, atol=1e-12
    )
    np.testing.assert_allclose(
        mixture.means_, reference.means_, rtol=tolerance, atol=1e-9
    )
    np.testing.assert_allclose(
        mixture.covariances_, reference.covariances_, rtol=20 * tolerance, atol=1e-9
    )
    assert np.isfinite(mixture.covariances_).all()


def test_large_values_with_a_small_spread_keep_their_variance():
    """Scikit-learn issue 30382: the variance of diag and spherical came out wrong."""
    rng = np.random.default_rng(0)
    spread = 1e-2
    samples = 1e4 + spread * rng.normal(size=(20_000, 2))
    for covariance_type in ("diag", "spherical"):
        for dtype in (np.float64, np.float32):
            given = samples.astype(dtype)
            mixture = FastGaussianMixture(
                covariance_type=covariance_type, reg_covar=0
            ).fit(given)
            expected = given.astype(np.float64).var(axis=0)
            if covariance_type == "spherical":
                expected = expected.mean()
            np.testing.assert_allclose(
                mixture.covariances_.ravel(), np.ravel(expected), rtol=1e-5
            )


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_predictions_agree(case, covariance_type, dtype):
    """Probabilities, log-likelihoods and labels, from the same parameters."""
    reference = GaussianMixture(
        case.n_components,
        covariance_type=covariance_type,
        reg_covar=case.reg_covar,
        random_state=0,
        max_iter=50,
        tol=1e-2,
    )
    samples = case.samples.astype(dtype).astype(np.float64)
    reference.fit(samples)
    # The same parameters, as each rounds them to its type.
    mixture = FastGaussianMixture(case.n_components, covariance_type=covariance_type)
    for name, value in vars(reference).items():
        if name.endswith("_"):
            rounded = value.astype(dtype) if isinstance(value, np.ndarray) else value
            setattr(mixture, name, rounded)
            if isinstance(value, np.ndarray):
                setattr(reference, name, rounded.astype(np.float64))
    given = samples.astype(dtype)
    expected = reference.predict_proba(samples)
    found = mixture.predict_proba(given)
    assert found.dtype == dtype
    tolerance = {"float32": 2e-3, "float64": 1e-8}[dtype]
    np.testing.assert_allclose(found, expected, atol=tolerance)
    np.testing.assert_allclose(
        mixture.score_samples(given),
        reference.score_samples(samples),
        rtol=tolerance,
        atol=tolerance,
    )
    ordered = np.sort(expected, axis=1)
    clear = np.ones(len(samples), bool)
    if case.n_components > 1:
        clear = ordered[:, -1] - ordered[:, -2] > 2 * tolerance
    labels = mixture.predict(given)
    assert labels.dtype == np.int64
    np.testing.assert_array_equal(labels[clear], expected.argmax(axis=1)[clear])
    np.testing.assert_array_equal(mixture.labels(given), labels)
