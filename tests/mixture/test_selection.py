"""The sweep over numbers of components and covariance types."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm
from sklearn.mixture import GaussianMixture

from napari_pixel_mixtures.mixture.selection import select, select_steps


@pytest.fixture(scope="module")
def samples():
    """Three diagonal clusters, well apart."""
    rng = np.random.default_rng(0)
    parts = [([0, 0], [1, 3]), ([12, 0], [2, 1]), ([0, 20], [1, 1])]
    return np.concatenate([rng.normal(m, s, (400, 2)) for m, s in parts])


@pytest.fixture(scope="module")
def selection(samples):
    return select(samples, range(1, 6), random_state=0)


def test_the_truth_is_found(selection):
    for criterion in ("bic", "icl"):
        best = selection.best(criterion)
        assert (best.n_components, best.covariance_type) == (3, "diag")
    assert selection.best("aic").n_components in (3, 4)


def test_criteria_are_scikit_learn_s(samples, selection):
    for one in selection.candidates:
        reference = GaussianMixture(
            one.n_components, covariance_type=one.covariance_type
        )
        for name, value in vars(one.mixture).items():
            if name.endswith("_"):
                setattr(reference, name, value)
        assert one.bic == pytest.approx(reference.bic(samples), rel=1e-9)
        assert one.aic == pytest.approx(reference.aic(samples), rel=1e-9)
        assert one.log_likelihood == pytest.approx(reference.score(samples))
        proba = reference.predict_proba(samples)
        entropy = -np.sum(proba * np.log(np.maximum(proba, 1e-300)))
        assert one.icl == pytest.approx(one.bic + 2 * entropy, rel=1e-9)


def test_one_discounted_component_in_closed_form(samples):
    b, n = np.array([0.6, 0.05]), len(samples)
    found = select(samples, [1], exponents=b, reg_covar=0, tol=1e-12)
    for one in found.candidates:
        mean, matrix = samples.mean(axis=0), np.cov(samples.T, bias=True)
        if one.covariance_type in ("diag", "spherical"):
            matrix = np.diag(np.diag(matrix))
        if one.covariance_type == "spherical":
            matrix = np.eye(2) * (b @ np.diag(matrix)) / b.sum()
        first = norm(mean[0], np.sqrt(matrix[0, 0])).logpdf(samples[:, 0])
        both = multivariate_normal(mean, matrix).logpdf(samples)
        total = b[0] * first.sum() + b[1] * (both - first).sum()
        # Of each column a mean, and of its variance given the columns before it.
        p = {"diag": [2, 2], "spherical": [2, 1]}.get(one.covariance_type, [2, 3])
        assert one.log_likelihood == pytest.approx(total / n)
        assert one.bic == pytest.approx(p @ np.log(b * n) - 2 * total)
        assert one.aic == pytest.approx(2 * (p @ b) - 2 * total)
        assert one.icl == pytest.approx(one.bic)


def test_exponents_near_0_give_the_criteria_without_the_column(samples):
    discounted = select(samples, [1, 2, 4], exponents=[1, 1e-12], random_state=0)
    without = select(samples[:, :1], [1, 2, 4], random_state=0)
    for one, other in zip(discounted.candidates, without.candidates, strict=True):
        for name in ("log_likelihood", "bic", "aic", "icl"):
            value = getattr(other, name)
            assert getattr(one, name) == pytest.approx(value, rel=1e-6)


def test_richer_mixtures_are_more_likely(selection):
    table = selection.table().pivot(
        index="n_components", columns="covariance_type", values="log_likelihood"
    )
    assert (np.diff(table, axis=0) > -1e-3).all()
    assert (table["full"] > table["diag"] - 1e-3).all()
    assert (table["diag"] > table["spherical"] - 1e-3).all()
    assert (table["full"] > table["tied"] - 1e-3).all()


def test_weights_are_copies(samples):
    few = samples[::10]
    weights = 1 + np.arange(len(few)) % 3
    settings = {"n_components": [1], "covariance_types": ["full", "tied"]}
    weighted = select(few, sample_weight=weights, **settings)
    copied = select(np.repeat(few, weights, axis=0), **settings)
    for one, other in zip(weighted.candidates, copied.candidates, strict=True):
        assert one.bic == pytest.approx(other.bic)
        assert one.icl == pytest.approx(other.icl)


def test_numbers_may_leave_gaps(samples):
    seen = []
    selection = select(
        samples, [6, 2, 2], ["tied", "full"], random_state=0, callback=seen.append
    )
    assert [(one.n_components, one.covariance_type) for one in seen] == [
        (2, "tied"),
        (2, "full"),
        (6, "tied"),
        (6, "full"),
    ]
    assert selection.candidates == tuple(seen)


def test_it_is_reproducible(samples, selection):
    again = select(samples, range(1, 6), random_state=0)
    assert [a.bic for a in again.candidates] == [a.bic for a in selection.candidates]


def test_it_can_be_cancelled(samples):
    steps = select_steps(samples, range(1, 6), random_state=0)
    assert [next(steps) for _ in range(2)] == [None, None]
    steps.close()


@pytest.mark.parametrize(
    ("numbers", "types", "message"),
    [
        ([], ["full"], "got [] and ['full']."),
        ([2], [], "got [2] and []."),
        ([2], ["round"], "got [2] and ['round']."),
    ],
)
def test_nothing_to_try_is_an_error(samples, numbers, types, message):
    with pytest.raises(ValueError) as error:
        select(samples, numbers, types)
    assert str(error.value) == (
        "Expected at least one number of components, and covariance types among full, "
        "tied, diag, spherical; " + message
    )


def test_an_unknown_criterion_is_an_error(selection):
    with pytest.raises(ValueError) as error:
        selection.best("hqc")
    assert str(error.value) == (
        "Expected the criterion to be one of bic, aic, icl, got 'hqc'; choose one of "
        "these."
    )
