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


def relative_errors(mixture, reference, shift=0.0, held=slice(None)):
    """Errors of all parameters, relative to what they are made of.

    `held` are the components whose weights and means are compared.
    """
    n_components, n_features = reference.means_.shape
    matrices = COVARIANCE_TYPES[reference.covariance_type].matrices
    expected = matrices(reference.covariances_, n_components, n_features)
    found = matrices(mixture.covariances_, n_components, n_features)
    spread = np.sqrt(np.einsum("kii->ki", expected))
    means = reference.means_ + shift
    return {
        "weights": np.max(np.abs(mixture.weights_ / reference.weights_ - 1)[held]),
        "means": np.max(
            (np.abs(mixture.means_ - means) / (spread + np.abs(means)))[held]
        ),
        "covariances": np.max(
            np.abs(found - expected) / (spread[:, :, None] * spread[:, None])
        ),
        "log-likelihood": abs(mixture.lower_bound_ / reference.lower_bound_ - 1),
    }


def ten_iterations(samples, dtype, shift=0.0, **settings):
    """Our mixture of samples moved by `shift`, and scikit-learn's: from one start."""
    settings["tol"] = 0
    start = GaussianMixture(**settings, max_iter=1, random_state=1).fit(samples)
    settings |= {"weights_init": start.weights_, "precisions_init": start.precisions_}
    shifted = (samples + shift).astype(dtype)
    # scikit-learn itself is only accurate in float64 and near the origin.
    reference = GaussianMixture(**settings, means_init=start.means_, max_iter=10)
    reference.fit(shifted.astype(np.float64) - shift)
    mixture = FastGaussianMixture(
        **settings, means_init=start.means_ + shift, max_iter=10
    ).fit(shifted)
    return mixture, reference


@ignores_convergence
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_ten_iterations_agree(case, covariance_type, dtype):
    mixture, reference = ten_iterations(
        case.samples,
        dtype,
        case.shift,
        n_components=case.n_components,
        covariance_type=covariance_type,
        reg_covar=case.reg_covar,
    )
    errors = relative_errors(mixture, reference, case.shift)
    assert max(errors.values()) < TOLERANCE[dtype], errors
    assert mixture.n_iter_ == reference.n_iter_
    for name in ("weights_", "means_", "covariances_", "precisions_"):
        assert getattr(mixture, name).dtype == dtype


@ignores_convergence
@pytest.mark.parametrize("n_features", [6, 9, 11, 12])
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_more_features_than_colors_have_agree(n_features, dtype):
    rng = np.random.default_rng(n_features)
    clusters = []
    for _ in range(3):
        mixing = rng.normal(size=(n_features, n_features)) + 2 * np.eye(n_features)
        center = 4 * rng.normal(size=n_features)
        clusters.append(rng.normal(size=(500, n_features)) @ mixing + center)
    mixture, reference = ten_iterations(np.concatenate(clusters), dtype, n_components=3)
    errors = relative_errors(mixture, reference)
    assert max(errors.values()) < TOLERANCE[dtype], errors


@ignores_convergence
def test_sixty_components_agree(covariance_type):
    centers = np.random.default_rng(0).uniform(0, 40, size=(60, 1, 2))
    samples = centers + np.random.default_rng(1).normal(size=(60, 100, 2))
    mixture, reference = ten_iterations(
        samples.reshape(-1, 2),
        "float64",
        n_components=60,
        covariance_type=covariance_type,
    )
    errors = relative_errors(mixture, reference)
    assert max(errors.values()) < TOLERANCE["float64"], errors


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
def test_a_component_of_weight_zero_stays_as_in_scikit_learn(
    colors, covariance_type, dtype
):
    samples = colors.astype(dtype)
    exact = samples.astype(np.float64)
    start = GaussianMixture(
        3, covariance_type=covariance_type, max_iter=1, random_state=0
    ).fit(exact)
    settings = {
        "n_components": 3,
        "covariance_type": covariance_type,
        "weights_init": np.array([0.4, 0.6, 0.0]),
        "means_init": start.means_,
        "precisions_init": start.precisions_,
        "max_iter": 3,
        "tol": 0,
    }
    with np.errstate(divide="ignore"):
        reference = GaussianMixture(**settings).fit(exact)
    mixture = FastGaussianMixture(**settings).fit(samples)
    held = slice(None)
    if (covariance_type, dtype) == ("tied", "float32"):
        # With a common covariance the component keeps responsibilities of about
        # 1e-18, most of which are 0 in float32: only that it is near 0 is sure.
        held = slice(2)
        assert mixture.weights_[2] < 1e-17
    errors = relative_errors(mixture, reference, held=held)
    assert max(errors.values()) < TOLERANCE[dtype], errors
    assert np.isfinite(mixture.means_).all()


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_two_samples_far_apart_have_the_variance_that_is_added(dtype):
    """The report in scikit-learn issue 30382: float32 gave a variance of 112."""
    mixture = FastGaussianMixture(
        2,
        covariance_type="spherical",
        reg_covar=0.1,
        init_params="kmeans",
        random_state=0,
    ).fit(np.array([[9999], [0]], dtype))
    np.testing.assert_allclose(mixture.covariances_, [0.1, 0.1], rtol=TOLERANCE[dtype])


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
            tolerance = TOLERANCE[given.dtype.name]
            np.testing.assert_allclose(
                mixture.covariances_.ravel(), np.ravel(expected), rtol=tolerance
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
    given = (case.samples + case.shift).astype(dtype)
    # scikit-learn itself is only accurate in float64 and near the origin.
    samples = given.astype(np.float64) - case.shift
    reference.fit(samples)
    # The same parameters, as each rounds them to its type.
    mixture = FastGaussianMixture(case.n_components, covariance_type=covariance_type)
    for name, value in vars(reference).items():
        if name.endswith("_"):
            if not isinstance(value, np.ndarray):
                setattr(mixture, name, value)
                continue
            shift = case.shift if name == "means_" else 0.0
            rounded = (value + shift).astype(dtype)
            setattr(mixture, name, rounded)
            setattr(reference, name, rounded.astype(np.float64) - shift)
    expected = reference.predict_proba(samples)
    found = mixture.predict_proba(given)
    assert found.dtype == dtype
    tolerance = TOLERANCE[dtype]
    np.testing.assert_allclose(found, expected, atol=tolerance)
    scores = reference.score_samples(samples)
    np.testing.assert_allclose(mixture.score(given), scores.mean(), rtol=tolerance)
    # Of a cluster 1e-4 thick at a distance of about 1 the factors in float32 leave
    # three digits of where a single sample lies within it.
    each = 1e-3 if dtype == "float32" else tolerance
    np.testing.assert_allclose(
        mixture.score_samples(given), scores, rtol=each, atol=each
    )
    ordered = np.sort(expected, axis=1)
    clear = np.ones(len(samples), bool)
    if case.n_components > 1:
        clear = ordered[:, -1] - ordered[:, -2] > 2 * tolerance
    labels = mixture.predict(given)
    assert labels.dtype == np.int64
    np.testing.assert_array_equal(labels[clear], expected.argmax(axis=1)[clear])
    np.testing.assert_array_equal(mixture.labels(given), labels)
