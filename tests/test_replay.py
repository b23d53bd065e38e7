"""A fit, iteration by iteration: against scikit-learn stopped after each of them."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from napari_pixel_mixtures import Color, Position, cluster
from napari_pixel_mixtures.mixture.covariance import COVARIANCE_TYPES
from napari_pixel_mixtures.replay import Replay


@pytest.fixture(scope="module")
def image():
    """Four overlapping clouds of colors, in float64: no color comes twice."""
    random = np.random.default_rng(3)
    means = np.array([[0.2, 0.3, 0.4], [0.5, 0.3, 0.2], [0.6, 0.7, 0.5], [0.4, 0.6, 1]])
    which = random.integers(0, 4, (30, 40))
    return means[which] + random.normal(0, 0.12, (30, 40, 3))


def stopped(samples, iterations, covariance_type, **start):
    """scikit-learn's mixture after some iterations."""
    mixture = GaussianMixture(
        3, covariance_type=covariance_type, tol=0.0, max_iter=iterations, **start
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return mixture.fit(samples)


def assert_same(frame, theirs, samples, where=Ellipsis):
    """Labels, parameters and log-likelihood, with components in the same order."""
    mixture = frame.mixture
    order = [
        int(np.argmin(np.abs(theirs.means_ - mean).sum(axis=1)))
        for mean in mixture.means_
    ]
    assert sorted(order) == [0, 1, 2]
    assert_allclose(mixture.means_, theirs.means_[order], rtol=1e-6, atol=1e-8)
    assert_allclose(mixture.weights_, theirs.weights_[order], rtol=1e-6)
    covariances = theirs.covariances_
    if mixture.covariance_type != "tied":
        covariances = covariances[order]
    assert_allclose(mixture.covariances_, covariances, rtol=1e-5, atol=1e-9)
    assert frame.log_likelihood == pytest.approx(theirs.lower_bound_, rel=1e-6)
    expected = np.argsort(order)[theirs.predict(samples)] + 1
    assert_array_equal(frame.labels[where].ravel(), expected)


@pytest.mark.parametrize("init_params", ["random", "random_from_data", "kmeans"])
def test_frames_are_scikit_learn_stopped_there(image, init_params):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        clustering = cluster(
            image, 3, init_params=init_params, scaling="raw", max_iter=12, tol=1e-9
        )
    replay = Replay(clustering)
    assert len(replay) == 12
    samples = image.reshape(-1, 3)
    for index in (0, 1, 5, 11):
        theirs = stopped(
            samples, index + 1, "full", init_params=init_params, random_state=0
        )
        assert_same(replay.frame(index), theirs, samples)


@pytest.mark.parametrize("covariance_type", list(COVARIANCE_TYPES))
def test_frames_follow_from_the_first_as_scikit_learn_says(image, covariance_type):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        clustering = cluster(
            image,
            3,
            covariance_type,
            scaling="raw",
            init_params="random_from_data",
            max_iter=9,
            tol=1e-9,
        )
    replay = Replay(clustering)
    first = clustering.history[0]
    inverse = {
        "full": np.linalg.inv,
        "tied": np.linalg.inv,
        "diag": np.reciprocal,
        "spherical": np.reciprocal,
    }[covariance_type]
    samples = image.reshape(-1, 3)
    for index in (1, 2, len(replay) - 1):
        theirs = stopped(
            samples,
            index,
            covariance_type,
            weights_init=first.weights,
            means_init=first.means,
            precisions_init=inverse(first.covariances),
        )
        frame = replay.frame(index)
        assert_same(frame, theirs, samples)
        shares = GaussianMixture.predict_proba(frame.mixture, samples)
        colors = shares.T @ samples / shares.sum(axis=0)[:, np.newaxis]
        assert_allclose(frame.colors, colors, rtol=1e-6)


@pytest.mark.parametrize("covariance_type", list(COVARIANCE_TYPES))
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("masked", [False, True])
def test_the_last_frame_is_the_result(image, covariance_type, dtype, masked):
    values = np.clip(image * 160, 0, 255).astype(dtype)
    mask = None
    if masked:
        mask = np.ones(values.shape[:2], bool)
        mask[5:20, 7:] = False
    clustering = cluster(
        values,
        3,
        covariance_type,
        features=[Color(), Position(weight=0.3)],
        mask=mask,
        init_params="random_from_data",
        max_iter=500,
    )
    replay = Replay(clustering)
    assert len(replay) == clustering.mixture.n_iter_ > 1
    last = replay.frame(len(replay) - 1)
    assert_array_equal(last.labels, clustering.labels)
    assert_allclose(last.colors, clustering.colors, rtol=1e-5)
    assert_allclose(last.color_covariances, clustering.color_covariances, rtol=1e-5)
    assert_array_equal(last.pixel_counts, clustering.pixel_counts)
    assert last.log_likelihood == clustering.log_likelihood
    assert last.recipe == clustering.recipe
    assert last.feature_names == clustering.feature_names
    if masked:
        first = replay.frame(0)
        assert not first.labels[~mask].any()
        assert first.labels[mask].all()


def test_frames_of_distinct_colors_are_those_of_all_pixels(image):
    """Where each color is fitted once with its count, every pixel has its label."""
    values = np.clip(image * 8, 0, 255).astype(np.uint8)  # few colors, often
    mask = np.random.default_rng(0).random(values.shape[:2]) < 0.8
    clustering = cluster(
        values, 3, mask=mask, scaling="raw", init_params="random_from_data", tol=1e-5
    )
    assert len(np.unique(values[mask], axis=0)) < mask.sum() / 2
    replay = Replay(clustering)
    samples = values[mask].astype(np.float64)
    first = clustering.history[0]
    index = min(4, len(replay) - 1)
    theirs = stopped(
        samples,
        index,
        "full",
        weights_init=first.weights.astype(float),
        means_init=first.means.astype(float),
        precisions_init=np.linalg.inv(first.covariances.astype(float)),
    )
    frame = replay.frame(index)
    assert_allclose(frame.mixture.means_, theirs.means_, rtol=1e-3)
    assert not frame.labels[~mask].any()
    assert np.mean(frame.labels[mask] == theirs.predict(samples) + 1) > 0.995


def test_frames_keep_the_numbers_of_the_result(image):
    """Components have one order in all frames, also where another had more weight."""
    clustering = cluster(image, 3, init_params="random_from_data")
    other = clustering.reordered([2, 0, 1])
    for ours, theirs in zip(
        (Replay(clustering).frame(i) for i in range(3)),
        (Replay(other).frame(i) for i in range(3)),
        strict=True,
    ):
        assert_array_equal(ours.reordered([2, 0, 1]).labels, theirs.labels)
        assert_allclose(ours.colors[[2, 0, 1]], theirs.colors, rtol=1e-12)


def test_the_log_likelihood_never_falls(image):
    clustering = cluster(image, 3, init_params="random", tol=1e-6, max_iter=1000)
    likelihoods = Replay(clustering).log_likelihoods
    assert likelihoods.shape == (clustering.mixture.n_iter_,)
    assert np.diff(likelihoods).min() > -1e-12
    assert likelihoods[-1] == clustering.log_likelihood
    samples = image.reshape(-1, 3) * clustering.groups[0].factor
    for i in (0, 3):
        frame = Replay(clustering).frame(i)
        # The likelihood is that of the E step: of the parameters one frame before.
        assert GaussianMixture.score(frame.mixture, samples) == pytest.approx(
            likelihoods[i + 1], rel=1e-6
        )


def test_the_clustering_is_not_changed(image):
    clustering = cluster(image, 3, init_params="random_from_data")
    means = clustering.mixture.means_.copy()
    labels = clustering.labels.copy()
    Replay(clustering).frame(0)
    assert_array_equal(clustering.mixture.means_, means)
    assert_array_equal(clustering.labels, labels)


@pytest.mark.parametrize("index", [-1, 5])
def test_no_such_iteration(image, index):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        clustering = cluster(image, 3, init_params="random", max_iter=5, tol=0.0)
    with pytest.raises(IndexError) as caught:
        Replay(clustering).frame(index)
    assert str(caught.value) == f"Expected an iteration from 0 to 4, got {index}."


def test_a_covariance_that_is_singular_once_rounded():
    """Its factor, which is kept too, is not: a flat cluster has frames as well."""
    image = np.random.default_rng(0).normal(size=(16, 20, 3)).astype(np.float32)
    clustering = cluster(image, 1, scaling="raw")
    step = clustering.history[0]
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    kind = COVARIANCE_TYPES["full"]
    covariance = turn @ np.diag([1e9, 1.0, 1.0]) @ turn.T
    upper = kind.cholesky_of_precisions(np.linalg.inv(covariance))
    step = replace(
        step,
        covariances=covariance[np.newaxis].astype(np.float32),
        precisions_cholesky=upper[np.newaxis].astype(np.float32),
    )
    with pytest.raises(np.linalg.LinAlgError):
        kind.cholesky_of_precisions(kind.inverse(step.covariances))
    frame = Replay(replace(clustering, history=(step,))).frame(0)
    assert_array_equal(frame.mixture.precisions_cholesky_, step.precisions_cholesky)
    assert (frame.labels == 1).all()
