"""whitening_transform: the covariance becomes the identity, or a clear error."""

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import special_ortho_group
from sklearn.mixture import GaussianMixture

from cases import COVARIANCE_TYPES, MIXTURES, matrices
from napari_pixel_mixtures import whitening_transform

SINGULAR = np.array([[4.0, 6.0, 0.0], [6.0, 9.0, 0.0], [0.0, 0.0, 1.0]])


def white(transform, covariance):
    return transform.T @ covariance @ transform


def spd(d, seed, log_condition=2.0):
    """Random orientation, variances over `log_condition` decades."""
    random = np.random.default_rng(seed)
    axes = np.eye(1) if d == 1 else special_ortho_group.rvs(d, random_state=random)
    variances = 10 ** random.uniform(-log_condition / 2, log_condition / 2, d)
    covariance = (axes * variances) @ axes.T
    return (covariance + covariance.T) / 2


@pytest.mark.parametrize("d", [1, 2, 3, 5, 9, 30])
@pytest.mark.parametrize("seed", range(3))
def test_the_covariance_becomes_the_identity(d, seed):
    covariance = spd(d, seed)
    transform = whitening_transform(covariance)
    assert transform.shape == (d, d)
    assert transform.dtype == np.float64
    np.testing.assert_allclose(white(transform, covariance), np.eye(d), atol=1e-11)


@given(
    d=st.integers(1, 6),
    seed=st.integers(0, 2**32 - 1),
    units=st.lists(st.floats(-8, 8), min_size=6, max_size=6),
)
@settings(deadline=None, max_examples=60)
def test_any_covariance_in_any_units_becomes_the_identity(d, seed, units):
    units = 10 ** np.array(units[:d])
    covariance = spd(d, seed) * np.outer(units, units)
    transform = whitening_transform(covariance)
    np.testing.assert_allclose(white(transform, covariance), np.eye(d), atol=1e-9)


def test_units_do_not_matter():
    covariance = spd(3, seed=4)
    units = np.array([1e4, 1e-2, 1.0])
    once = whitening_transform(covariance)
    scaled = whitening_transform(covariance * np.outer(units, units))
    # (points * units) @ scaled == points @ once
    np.testing.assert_allclose(scaled * units[:, None], once, rtol=1e-10)


def test_it_is_the_inverse_root_of_the_correlation_after_standardizing():
    covariance = spd(4, seed=5)
    deviations = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(deviations, deviations)
    root = scipy.linalg.sqrtm(scipy.linalg.inv(correlation)).real
    expected = np.diag(1 / deviations) @ root
    np.testing.assert_allclose(whitening_transform(covariance), expected, rtol=1e-9)


def test_each_variable_correlates_best_with_its_own():
    covariance = spd(3, seed=6)
    deviations = np.sqrt(np.diag(covariance))
    # Correlation of variable i with white variable j; both have variance 1.
    cross = covariance @ whitening_transform(covariance) / deviations[:, None]
    np.testing.assert_allclose(cross, cross.T, atol=1e-12)
    random = np.random.default_rng(0)
    for _ in range(20):
        turn = special_ortho_group.rvs(3, random_state=random)
        assert np.trace(cross @ turn) < np.trace(cross)


def test_a_diagonal_covariance_is_only_scaled():
    transform = whitening_transform(np.diag([4, 25, 100]))
    np.testing.assert_allclose(transform, np.diag([0.5, 0.2, 0.1]), rtol=1e-15)


@pytest.mark.parametrize("name", MIXTURES)
def test_draws_from_each_gaussian_become_white(name):
    case = MIXTURES[name]
    values, labels = case.draw(200, 200)
    for k in range(case.n_components):
        own = values[labels == k + 1]
        points = (own - case.means[k]) @ whitening_transform(case.covariances[k])
        error = np.cov(points.T) - np.eye(points.shape[1])
        # The standard deviation of a variance of n draws is sqrt(2 / n).
        assert np.abs(error).max() < 5 * np.sqrt(2 / len(own))
        assert np.abs(points.mean(axis=0)).max() < 5 / np.sqrt(len(own))


@pytest.mark.parametrize("kind", COVARIANCE_TYPES)
@pytest.mark.parametrize("name", MIXTURES)
def test_covariances_of_every_type_become_the_identity(name, kind):
    case = MIXTURES[name]
    d = case.means.shape[1]
    samples = case.draw(60, 60)[0].reshape(-1, d)
    mixture = GaussianMixture(
        case.n_components,
        covariance_type=kind,
        means_init=case.means,
        random_state=0,
    ).fit(samples)
    found = matrices(kind, mixture.covariances_, case.n_components, d)
    pooled = np.tensordot(mixture.weights_, found, axes=1)
    for covariance in (*found, pooled):
        transform = whitening_transform(covariance)
        np.testing.assert_allclose(white(transform, covariance), np.eye(d), atol=1e-9)


def test_what_counts_as_singular_depends_on_the_precision():
    covariance = np.array([[1.0, 1 - 1e-6], [1 - 1e-6, 1.0]])
    transform = whitening_transform(covariance)
    np.testing.assert_allclose(white(transform, covariance), np.eye(2), atol=1e-8)
    for settings_ in (
        {"covariance": covariance.astype(np.float32)},
        {"covariance": covariance, "precision": 1.2e-7},
    ):
        with pytest.raises(ValueError, match="a singular one of rank 1 of 2; use"):
            whitening_transform(**settings_)


def test_rounding_above_and_below_the_diagonal_may_differ():
    covariance = np.array([[1.0, 0.5], [0.5 + 1e-9, 1.0]])
    transform = whitening_transform(covariance)
    np.testing.assert_allclose(white(transform, covariance), np.eye(2), atol=1e-8)


def test_integers_and_lists_are_covariances():
    transform = whitening_transform([[4, 0], [0, 1]])
    np.testing.assert_array_equal(transform, np.diag([0.5, 1.0]))


@pytest.mark.parametrize(
    ("covariance", "rank", "d"),
    [
        (SINGULAR, 2, 3),
        (SINGULAR * 1e-12, 2, 3),
        (np.ones((3, 3)), 1, 3),
        (np.zeros((2, 2)), 0, 2),
        (np.diag([1.0, 0.0]), 1, 2),
    ],
)
def test_a_singular_covariance_is_refused_or_projected(covariance, rank, d):
    with pytest.raises(ValueError) as caught:
        whitening_transform(covariance)
    assert str(caught.value) == (
        f"Expected a covariance of full rank, got a singular one of rank {rank} of "
        f"{d}; use pseudo_inverse=True to leave out the directions without variance, "
        "or regularize it."
    )
    transform = whitening_transform(covariance, pseudo_inverse=True)
    projection = white(transform, covariance)
    np.testing.assert_allclose(projection @ projection, projection, atol=1e-12)
    assert np.trace(projection) == pytest.approx(rank)


def test_the_pseudo_inverse_leaves_out_directions_without_variance():
    transform = whitening_transform(SINGULAR, pseudo_inverse=True)
    # (2, 3, 0) varies; what is orthogonal to it once standardized does not.
    np.testing.assert_allclose(np.array([2.0, -3.0, 0.0]) @ transform, 0, atol=1e-12)
    regular = spd(3, seed=8)
    np.testing.assert_array_equal(
        whitening_transform(regular, pseudo_inverse=True), whitening_transform(regular)
    )


def test_a_small_covariance_is_not_singular():
    covariance = spd(3, seed=9) * 1e-30
    np.testing.assert_allclose(
        white(whitening_transform(covariance), covariance), np.eye(3), atol=1e-11
    )


@pytest.mark.parametrize(
    ("covariance", "sentence"),
    [
        (
            np.ones((2, 3)),
            "Expected a square covariance matrix, got an array of shape (2, 3).",
        ),
        (
            np.ones(3),
            "Expected a square covariance matrix, got an array of shape (3,).",
        ),
        (
            [[1.0, np.nan], [np.nan, 1.0]],
            "Expected a covariance of finite numbers, got NaN or infinity; remove such "
            "values from the samples.",
        ),
        (
            [[np.inf, 0.0], [0.0, 1.0]],
            "Expected a covariance of finite numbers, got NaN or infinity; remove such "
            "values from the samples.",
        ),
        (
            [[1.0, 0.5], [0.4, 1.0]],
            "Expected a symmetric covariance matrix, got one that is not; average it "
            "with its transpose.",
        ),
        (
            [[1.0, 2.0], [2.0, 1.0]],
            "Expected a covariance without negative eigenvalues, got -1 among those of "
            "its correlation matrix.",
        ),
        (
            [[1.0, 0.0], [0.0, -1.0]],
            "Expected a covariance without negative eigenvalues, got -1 among those of "
            "its correlation matrix.",
        ),
        (
            np.eye(2) * 1j,
            "Expected a covariance of real numbers, got complex128.",
        ),
        ([["1", "0"], ["0", "1"]], "Expected a covariance of real numbers, got <U1."),
    ],
)
@pytest.mark.parametrize("pseudo_inverse", [False, True])
def test_what_is_no_covariance_is_refused(covariance, sentence, pseudo_inverse):
    with pytest.raises(ValueError) as caught:
        whitening_transform(covariance, pseudo_inverse=pseudo_inverse)
    assert str(caught.value) == sentence
