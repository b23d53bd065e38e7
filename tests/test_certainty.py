"""Certainty: maps against scikit-learn's own; what is stable, and what is not."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import entropy
from sklearn.mixture import GaussianMixture

from cases import MIXTURES, china
from napari_pixel_mixtures import Certainty, Color, Position, cluster, stability
from napari_pixel_mixtures.certainty import stability_steps
from napari_pixel_mixtures.material import Material

PICTURE = china()[::8, ::8]
MASK = np.ones(PICTURE.shape[:2], bool)
MASK[:5, :7] = False
CASES = {
    "distinct colors": {"features": Color()},
    "distinct colors, masked": {"features": Color(), "mask": MASK},
    "position": {"features": [Color(), Position(weight=0.5)]},
    "position, masked": {"features": [Color(), Position()], "mask": MASK},
    "tied": {"features": [Color(), Position()], "covariance_type": "tied"},
    "floating": {"image": PICTURE / 255.0},
}


@pytest.fixture(params=CASES)
def case(request):
    settings = {"image": PICTURE, "n_components": 5, "max_iter": 500}
    clustering = cluster(**settings | CASES[request.param])
    return clustering, reference(clustering)


def reference(clustering):
    """Give scikit-learn's responsibilities (n, K) and log-densities (n,).

    Those of the pixels that are clustered, from samples that are made here.
    """
    labeled = (clustering.labels > 0).ravel()
    columns = []
    for group in clustering.groups:
        raw = group.feature.compute(clustering.picture, None)
        columns.append(raw.astype(float) * group.factor)
    samples = np.hstack(columns)[labeled]
    theirs = GaussianMixture(
        clustering.n_components, covariance_type=clustering.mixture.covariance_type
    )
    for name in ("weights_", "means_", "covariances_", "precisions_cholesky_"):
        setattr(theirs, name, getattr(clustering.mixture, name).astype(float))
    return theirs.predict_proba(samples), theirs.score_samples(samples)


def test_maps_are_those_of_scikit_learn(case):
    clustering, (shares, scores) = case
    certainty = Certainty(clustering)
    labeled = clustering.labels > 0
    expected = {
        "largest_posterior": shares.max(axis=1),
        "entropy": entropy(shares, axis=1, base=2),
        "log_density": scores,
    }
    for name, values in expected.items():
        found = getattr(certainty, name)()
        assert found.shape == clustering.labels.shape
        assert found.dtype == clustering.picture.float_type
        assert np.isnan(found[~labeled]).all()
        np.testing.assert_allclose(found[labeled], values, rtol=2e-3, atol=2e-3)


def test_posteriors_are_those_of_scikit_learn_and_sum_to_1(case):
    clustering, (shares, _) = case
    certainty = Certainty(clustering)
    labeled = clustering.labels > 0
    maps = [certainty.posterior(k) for k in range(1, 6)]
    for k, found in enumerate(maps):
        assert np.isnan(found[~labeled]).all()
        np.testing.assert_allclose(found[labeled], shares[:, k], atol=2e-3)
    np.testing.assert_allclose(np.sum(maps, axis=0)[labeled], 1.0, rtol=1e-5)
    largest = certainty.largest_posterior()[labeled]
    np.testing.assert_allclose(np.max(maps, axis=0)[labeled], largest, rtol=1e-5)


@pytest.mark.parametrize("share", [0, 0.01, 0.1, 0.5, 0.999, 1])
def test_a_threshold_takes_the_least_likely_share_of_the_pixels(case, share):
    clustering, _ = case
    certainty = Certainty(clustering)
    labeled = clustering.labels > 0
    scores = certainty.log_density()
    threshold = certainty.threshold(share)
    assert threshold in scores
    below = np.sum(scores[labeled] < threshold)
    assert below <= share * labeled.sum() <= np.sum(scores[labeled] <= threshold)
    unlikely = certainty.unlikely(threshold)
    assert unlikely.sum() == below
    assert not unlikely[~labeled].any()
    labels = certainty.labels(threshold)
    assert np.array_equal(labels == clustering.n_components + 1, unlikely)
    assert np.array_equal(labels == 0, ~labeled)
    assert np.array_equal(labels[~unlikely], clustering.labels[~unlikely])


def test_material_at_hand_gives_the_same_maps():
    clustering = cluster(PICTURE, 4, max_iter=500)
    material = Material.gather(clustering.picture, clustering.recipe, None)
    here, there = Certainty(clustering), Certainty(clustering, material)
    assert np.array_equal(here.posterior(1), there.posterior(1))
    assert np.array_equal(here.log_density(), there.log_density())


@pytest.mark.parametrize("label", [0, 5, 1.5])
def test_an_unknown_component_is_refused(label):
    with pytest.raises(ValueError) as error:
        Certainty(cluster(PICTURE, 4, max_iter=500)).posterior(label)
    assert str(error.value) == (
        f"Expected the label to be a whole number from 1 to 4, got {label!r}."
    )


@pytest.mark.parametrize("share", [-0.1, 1.1, np.nan, None, "all"])
def test_an_impossible_quantile_is_refused(share):
    with pytest.raises(ValueError) as error:
        Certainty(cluster(PICTURE, 4, max_iter=500)).threshold(share)
    assert str(error.value) == (
        f"Expected a quantile from 0 to 1, got {share!r}; 0.01 is the least likely "
        "hundredth of the pixels."
    )


def test_clusters_far_apart_are_stable():
    picture, truth = MIXTURES["three balls far apart"].draw(40, 50)
    clustering = cluster(picture, 3, mask=truth != 2)
    found = stability(cluster(picture, 3), 4)
    assert (found.agreement == 1).all()
    assert found.seeds == (1, 2, 3, 4)
    np.testing.assert_allclose(
        found.log_likelihoods, cluster(picture, 3).log_likelihood, rtol=1e-4
    )
    masked = stability(clustering, 2).agreement
    assert np.array_equal(np.isnan(masked), truth == 2)


def test_agreement_is_the_share_of_refits_with_the_same_label():
    clustering = cluster(PICTURE, 8, tol=0.1, init_params="random_from_data")
    found = stability(clustering, 5)
    counts = np.zeros(clustering.labels.shape)
    for seed in found.seeds:
        recipe = replace(clustering.recipe, random_state=seed)
        other = cluster(
            PICTURE,
            **{name: getattr(recipe, name) for name in recipe.__dataclass_fields__},
        ).matched(clustering.labels)
        counts += other.labels == clustering.labels
    np.testing.assert_allclose(found.agreement, counts / 5, rtol=1e-6)
    assert 0 < found.agreement.mean() < 1


def test_seeds_go_on_from_0_after_the_largest():
    clustering = cluster(PICTURE, 2, random_state=2**32 - 2, max_iter=500)
    assert stability(clustering, 3).seeds == (2**32 - 1, 0, 1)


def test_stability_tells_its_progress_and_can_be_cancelled():
    clustering = cluster(PICTURE, 3, max_iter=500)
    told = []
    stability(clustering, 3, told.append)
    done = [progress.done for progress in told]
    assert done == sorted(done)
    assert {*done} == {0, 1, 2, 3}
    assert {progress.total for progress in told} == {3}
    steps = stability_steps(clustering, 1000)
    next(steps)
    steps.close()
    with pytest.raises(ValueError) as error:
        stability(clustering, 0)
    assert str(error.value) == (
        "Expected n_refits to be a whole number from 1 to 1000, got 0."
    )


def test_smoothed_labels_are_compared_with_smoothed_ones():
    """Stripes of two grays with a speck here and there, which smoothing takes away."""
    picture = np.repeat(np.array([[20, 200]], np.uint8), 12, axis=1).repeat(24, axis=0)
    picture[::6, ::5] = 220 - picture[::6, ::5]
    plain, smooth = cluster(picture, 2), cluster(picture, 2, smoothing=1.5)
    assert not np.array_equal(plain.labels, smooth.labels)
    assert (stability(smooth, 2).agreement == 1).all()
    # Where components are certain of each pixel, so they are after smoothing.
    assert Certainty(smooth).largest_posterior().min() > 0.99


def test_stability_of_smoothed_labels_is_that_of_refits():
    settings = {"n_components": 5, "features": [Color(), Position()], "smoothing": 1}
    clustering = cluster(PICTURE, **settings, max_iter=500)
    counts = sum(
        cluster(PICTURE, **settings, max_iter=500, random_state=seed)
        .matched(clustering.labels)
        .labels
        == clustering.labels
        for seed in (1, 2)
    )
    np.testing.assert_allclose(stability(clustering, 2).agreement, counts / 2)
