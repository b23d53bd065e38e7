"""Exponents on the columns, against the formula written out in plain numpy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.mixture import GaussianMixture

from napari_pixel_mixtures.mixture import FastGaussianMixture

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

TYPES = ("full", "tied", "diag", "spherical")
few = settings(deadline=None, max_examples=25)
seeds = st.integers(0, 2**31 - 1)
exponent = st.floats(0.01, 1)
triples = st.tuples(exponent, exponent, exponent)


def clusters(seed, d=3, n=400):
    rng = np.random.default_rng(seed)
    parts = [
        rng.normal(size=(n // 4, d)) @ rng.normal(size=(d, d)) + rng.normal(0, 4, d)
        for _ in range(4)
    ]
    return np.concatenate(parts)


def started(samples, covariance_type, **options):
    d = samples.shape[1]
    return FastGaussianMixture(
        3,
        covariance_type=covariance_type,
        reg_covar=0,
        weights_init=np.full(3, 1 / 3),
        means_init=samples[[10, 150, 310]],
        precisions_init={
            "full": np.tile(np.eye(d), (3, 1, 1)),
            "tied": np.eye(d),
            "diag": np.ones((3, d)),
            "spherical": np.ones(3),
        }[covariance_type],
        **options,
    )


def log_terms(samples, exponents, weights, means, covariances):
    """log(weight_k) + sum_j b_j log p(x_j | x_1 .. x_(j-1), k), (n, K).

    Each conditional density is that of the regression of one column on those before.
    """
    terms = np.tile(np.log(weights), (len(samples), 1))
    for k, (mean, covariance) in enumerate(zip(means, covariances, strict=True)):
        offsets = samples - mean
        for j, b in enumerate(exponents):
            slopes = np.linalg.solve(covariance[:j, :j], covariance[:j, j])
            variance = covariance[j, j] - slopes @ covariance[:j, j]
            rest = offsets[:, j] - offsets[:, :j] @ slopes
            terms[:, k] -= b / 2 * (np.log(2 * np.pi * variance) + rest**2 / variance)
    return terms


def m_step(samples, responsibilities, exponents, covariance_type):
    """Weights, means and covariance matrices of the M step."""
    counts = responsibilities.sum(axis=0)
    means = responsibilities.T @ samples / counts[:, None]
    scatters = np.stack(
        [
            (r[:, None] * (samples - mean)).T @ (samples - mean)
            for r, mean in zip(responsibilities.T, means, strict=True)
        ]
    )
    covariances = scatters / counts[:, None, None]
    d = samples.shape[1]
    if covariance_type == "tied":
        covariances[:] = scatters.sum(axis=0) / counts.sum()
    if covariance_type == "diag":
        covariances *= np.eye(d)
    if covariance_type == "spherical":
        squares = np.diagonal(scatters, axis1=1, axis2=2) @ exponents
        variances = squares / (counts * np.sum(exponents))
        covariances = variances[:, None, None] * np.eye(d)
    return counts / counts.sum(), means, covariances


def reference(samples, exponents, covariance_type, n_iterations):
    """EM in plain numpy: the objective at each E step, and the parameters."""
    d = samples.shape[1]
    parameters = np.full(3, 1 / 3), samples[[10, 150, 310]], np.stack([np.eye(d)] * 3)
    bounds = []
    for _ in range(n_iterations):
        terms = log_terms(samples, exponents, *parameters)
        totals = np.logaddexp.reduce(terms, axis=1)
        bounds.append(totals.mean())
        responsibilities = np.exp(terms - totals[:, None])
        parameters = m_step(samples, responsibilities, exponents, covariance_type)
    return np.array(bounds), parameters


@pytest.mark.parametrize("exponents", [(1, 0.5, 0.5), (1, 0.3, 0.02), (0.2, 1, 0.7)])
def test_is_the_formula(covariance_type, exponents):
    samples = clusters(0)
    mixture = started(
        samples, covariance_type, exponents=exponents, tol=0, max_iter=12
    ).fit(samples)
    bounds, parameters = reference(samples, exponents, covariance_type, 12)
    np.testing.assert_allclose(mixture.lower_bounds_, bounds, rtol=1e-8)
    np.testing.assert_allclose(mixture.weights_, parameters[0], rtol=1e-8)
    np.testing.assert_allclose(mixture.means_, parameters[1], rtol=1e-8)
    terms = log_terms(samples, exponents, *parameters)
    totals = np.logaddexp.reduce(terms, axis=1)
    np.testing.assert_allclose(mixture.score_samples(samples), totals, rtol=1e-8)
    responsibilities = np.exp(terms - totals[:, None])
    found = mixture.predict_proba(samples)
    np.testing.assert_allclose(found, responsibilities, atol=1e-8)
    np.testing.assert_array_equal(mixture.predict(samples), terms.argmax(axis=1))
    np.testing.assert_array_equal(
        mixture.summarize(samples).labels, terms.argmax(axis=1)
    )


@few
@given(seeds, triples, st.sampled_from(TYPES))
def test_objective_never_falls(seed, exponents, covariance_type):
    samples = clusters(seed)
    mixture = started(samples, covariance_type, exponents=exponents, tol=0, max_iter=30)
    bounds = np.array(mixture.fit(samples).lower_bounds_)
    assert (np.diff(bounds) >= -1e-11 * np.maximum(1, np.abs(bounds[1:]))).all()


@few
@given(seeds, triples, st.sampled_from(TYPES))
def test_m_step_is_a_maximum(seed, exponents, covariance_type):
    """No parameters nearby give a higher expectation than those of the M step."""
    rng = np.random.default_rng(seed)
    samples = clusters(seed, n=80)
    responsibilities = rng.dirichlet(np.ones(3), len(samples))

    def expectation(weights, means, covariances):
        terms = log_terms(samples, exponents, weights, means, covariances)
        return np.sum(responsibilities * terms)

    weights, means, covariances = m_step(
        samples, responsibilities, exponents, covariance_type
    )
    best = expectation(weights, means, covariances)
    for size in (1e-3, 0.1):
        moved = means + size * rng.normal(size=means.shape)
        assert expectation(weights, moved, covariances) <= best
        stretch = np.eye(3) + size * _distortion(rng, covariance_type)
        other = stretch @ covariances @ np.swapaxes(stretch, -1, -2)
        assert expectation(weights, means, other) <= best


def _distortion(rng, covariance_type):
    """A map that keeps covariance matrices within their type."""
    maps = rng.normal(size=(3, 3, 3))
    if covariance_type == "tied":
        maps = maps[:1]
    if covariance_type == "diag":
        maps = maps * np.eye(3)
    if covariance_type == "spherical":
        maps = maps[:, :1, :1] * np.eye(3)
    return maps


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_exponents_of_1_are_the_plain_mixture_bit_for_bit(covariance_type, dtype):
    samples = clusters(1).astype(dtype)
    options = {"covariance_type": covariance_type, "random_state": 0}
    plain = FastGaussianMixture(3, **options).fit(samples)
    ones = FastGaussianMixture(3, exponents=[1, 1, 1], **options).fit(samples)
    assert ones.lower_bounds_ == plain.lower_bounds_
    np.testing.assert_array_equal(ones.covariances_, plain.covariances_)
    np.testing.assert_array_equal(
        ones.predict_proba(samples), plain.predict_proba(samples)
    )


@few
@given(seeds, st.sampled_from(TYPES))
def test_a_column_that_hardly_counts_is_as_if_left_out(seed, covariance_type):
    samples = clusters(seed)
    options = {"tol": 0, "max_iter": 20}
    last = started(samples, covariance_type, exponents=[1, 1, 1e-10], **options)
    without = started(samples[:, :2], covariance_type, **options)
    found = last.fit(samples).predict_proba(samples)
    expected = without.fit(samples[:, :2]).predict_proba(samples[:, :2])
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("init_params", ["subsample", "kmeans", "k-means++"])
def test_starts_respect_exponents(init_params, covariance_type):
    """A column of noise a hundred times wider decides nothing with a low exponent."""
    rng = np.random.default_rng(0)
    truth = np.repeat([0, 1, 2], 200)
    samples = np.stack([10 * truth, rng.normal(0, 1000, 600)], axis=1)
    samples[:, 0] += rng.normal(size=600)
    mixture = FastGaussianMixture(
        3,
        covariance_type=covariance_type,
        init_params=init_params,
        exponents=[1, 1e-8],
        random_state=0,
    )
    order = mixture.fit(samples).means_[:, 0].argsort().argsort()
    np.testing.assert_array_equal(order[mixture.predict(samples)], truth)


def test_float32_agrees_with_float64(covariance_type):
    samples = clusters(2)
    options = {"exponents": [1, 0.5, 0.01], "tol": 0, "max_iter": 20}
    double = started(samples, covariance_type, **options).fit(samples)
    single = started(samples.astype(np.float32), covariance_type, **options)
    single.fit(samples.astype(np.float32))
    np.testing.assert_allclose(
        single.lower_bounds_, double.lower_bounds_, rtol=2e-5, atol=2e-5
    )


def test_many_columns_and_many_components():
    """Looping kernels, and more components than labels in a byte."""
    rng = np.random.default_rng(0)
    samples = rng.normal(size=(600, 13))
    exponents = np.linspace(1, 0.2, 13)
    mixture = FastGaussianMixture(
        2, exponents=exponents, random_state=0, reg_covar=0, max_iter=3
    ).fit(samples)
    terms = log_terms(
        samples, exponents, mixture.weights_, mixture.means_, mixture.covariances_
    )
    totals = np.logaddexp.reduce(terms, axis=1)
    np.testing.assert_allclose(mixture.score_samples(samples), totals, rtol=1e-10)
    many = FastGaussianMixture(
        300, exponents=[1, 0.5], init_params="k-means++", random_state=0, max_iter=1
    ).fit(samples[:, :2])
    proba = many.predict_proba(samples[:, :2])
    np.testing.assert_array_equal(many.predict(samples[:, :2]), proba.argmax(axis=1))


def test_criteria_want_a_density():
    samples = clusters(0)
    plain = FastGaussianMixture(2, random_state=0).fit(samples)
    theirs = GaussianMixture(2, means_init=plain.means_, tol=1e-6).fit(samples)
    assert plain.bic(samples) == pytest.approx(theirs.bic(samples), rel=1e-3)
    assert plain.aic(samples) == pytest.approx(theirs.aic(samples), rel=1e-3)
    mixture = FastGaussianMixture(2, exponents=[1, 1, 0.5], random_state=0)
    mixture.fit(samples)
    for method, name in ((mixture.bic, "BIC"), (mixture.aic, "AIC")):
        with pytest.raises(ValueError) as error:
            method(samples)
        assert str(error.value) == (
            f"Expected a mixture without exponents for {name}, because with them it "
            "is not a density; fit with exponents=None (an influence of 1)."
        )


def test_bad_exponents():
    samples = clusters(0)
    with pytest.raises(ValueError) as error:
        FastGaussianMixture(2, exponents=[1, 0, 1]).fit(samples)
    assert str(error.value) == (
        "Expected exponents above 0, one for each column of the samples, got "
        "[1.0, 0.0, 1.0]; leave out a column that should not count."
    )
    with pytest.raises(ValueError) as error:
        FastGaussianMixture(2, exponents=[1, 1]).fit(samples)
    assert str(error.value) == (
        "The parameter 'exponents' should have the shape of (3,), but got (2,)"
    )
