"""The sweep over numbers of components and covariance types."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.mixture import GaussianMixture

from napari_pixel_mixtures.mixture import select
from napari_pixel_mixtures.mixture.selection import select_steps


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


def scikit_learn_s(one):
    """The mixture of a candidate as scikit-learn's own, without exponents."""
    reference = GaussianMixture(one.n_components, covariance_type=one.covariance_type)
    for name, value in vars(one.mixture).items():
        if name.endswith("_"):
            setattr(reference, name, value)
    return reference


def test_criteria_are_scikit_learn_s(samples, selection):
    for one in selection.candidates:
        reference = scikit_learn_s(one)
        assert one.bic == pytest.approx(reference.bic(samples), rel=1e-9)
        assert one.aic == pytest.approx(reference.aic(samples), rel=1e-9)
        assert one.log_likelihood == pytest.approx(reference.score(samples))
        proba = reference.predict_proba(samples)
        entropy = -np.sum(proba * np.log(np.maximum(proba, 1e-300)))
        assert one.icl == pytest.approx(one.bic + 2 * entropy, rel=1e-9)


@pytest.mark.parametrize("exponents", [[1, 0.3], [0.2, 0.2], [1, 0.01]])
def test_discounted_mixtures_are_judged_as_plain_ones(samples, selection, exponents):
    sizes = range(1, 4)
    found = select(samples, sizes, exponents=exponents, random_state=0)
    best = {(c.n_components, c.covariance_type): c for c in selection.candidates}
    for one in found.candidates:
        reference = scikit_learn_s(one)
        assert one.mixture.exponents.tolist() == exponents
        assert one.bic == pytest.approx(reference.bic(samples), rel=1e-9)
        assert one.aic == pytest.approx(reference.aic(samples), rel=1e-9)
        # The plain mixture is the most likely one of its kind.
        plain = best[one.n_components, one.covariance_type]
        assert one.log_likelihood < plain.log_likelihood + 1e-3
        # A single component is the same one; a sphere's variance is a weighted mean.
        if one.n_components == 1 and one.covariance_type != "spherical":
            assert one.bic == pytest.approx(plain.bic)


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


@pytest.mark.parametrize("unit", [1e-20, 1e45])
def test_criteria_know_the_unit_of_weights(samples, unit):
    """In float32 such weights would be lost or infinite."""
    few = samples[::10].astype(np.float32)
    counts = 1 + np.arange(len(few)) % 3
    settings = {"n_components": [1], "covariance_types": ["full"]}
    [expected] = select(few, sample_weight=counts, **settings).candidates
    [found] = select(few, sample_weight=unit * counts, **settings).candidates
    assert found.log_likelihood == pytest.approx(expected.log_likelihood)
    deviance = -2 * expected.log_likelihood * counts.sum() * unit
    assert found.aic == pytest.approx(2 * 5 + deviance)
    assert found.bic == pytest.approx(5 * np.log(counts.sum() * unit) + deviance)


def test_nearly_singular_clusters_do_not_end_the_sweep(flat_clusters):
    """Squares of their inverse widths, rounded, need not be positive definite."""
    samples = (1e4 * flat_clusters(1, 1500, 1e-6)).astype(np.float32)
    selection = select(samples, range(1, 6), ["full"], reg_covar=1e-9, random_state=0)
    assert selection.best().n_components == 3


def test_a_clone_does_the_same_fit(samples, selection):
    """Up to the rounding of the squares in precisions_init."""
    one = selection.best()
    again = clone(one.mixture).fit(samples)
    np.testing.assert_allclose(again.means_, one.mixture.means_, rtol=1e-9)
    assert again.n_iter_ == one.mixture.n_iter_


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
        ([0, 2], ["full"], "got [0, 2] and ['full']."),
        ([2.0], ["full"], "got [2.0] and ['full']."),
        (["2"], ["full"], "got ['2'] and ['full']."),
    ],
)
def test_nothing_to_try_is_an_error(samples, numbers, types, message):
    with pytest.raises(ValueError) as error:
        select(samples, numbers, types)
    assert str(error.value) == (
        "Expected at least one number of components from 1, and covariance types among "
        "full, tied, diag, spherical; " + message
    )


def test_samples_are_a_table():
    with pytest.raises(ValueError, match="Expected 2D array, got 1D array instead"):
        select(np.arange(9.0), [2])


def test_an_unknown_criterion_is_an_error(selection):
    with pytest.raises(ValueError) as error:
        selection.best("hqc")
    assert str(error.value) == (
        "Expected the criterion to be one of bic, aic, icl, got 'hqc'; choose one of "
        "these."
    )
