"""The start on a sub-sample: at least as good as scikit-learn's default."""

import numpy as np
import pytest
from sklearn.datasets import load_sample_image
from sklearn.mixture import GaussianMixture

from napari_pixel_mixtures.mixture import FastGaussianMixture, subsample
from napari_pixel_mixtures.mixture.distinct import distinct_rows

# Median and worst final mean log-likelihood of scikit-learn 1.9.1 with its default
# start on all pixels, over the random states 0 to 19.
SCIKIT_LEARN = {
    ("china", 4): (-12.969465, -12.969590),
    ("china", 10): (-12.577718, -12.582925),
    ("flower", 4): (-11.957435, -12.376712),
    ("flower", 10): (-11.677172, -11.688283),
}


@pytest.mark.parametrize(("picture", "n_components"), SCIKIT_LEARN)
def test_twenty_seeds_on_a_picture(picture, n_components):
    image = load_sample_image(f"{picture}.jpg")
    distinct = distinct_rows(image.reshape(-1, 3))
    samples = distinct.rows.astype(np.float32)
    found = []
    for seed in range(20):
        mixture = FastGaussianMixture(n_components, random_state=seed)
        mixture.fit(samples, sample_weight=distinct.counts)
        scores = mixture.score_samples(samples)
        found.append(np.average(scores, weights=distinct.counts))
    median, worst = SCIKIT_LEARN[picture, n_components]
    assert np.median(found) >= median
    assert min(found) >= worst


def test_it_beats_scikit_learn_in_this_run(colors):
    """On few pixels, where scikit-learn is quick enough to be asked each time."""
    samples = colors.astype(float)
    ours, theirs = [], []
    for seed in range(10):
        settings = {"n_components": 5, "random_state": seed, "max_iter": 500}
        ours.append(FastGaussianMixture(**settings).fit(samples).score(samples))
        theirs.append(GaussianMixture(**settings).fit(samples).score(samples))
    assert np.median(ours) >= np.median(theirs)
    assert min(ours) >= min(theirs)


def test_it_draws_by_weight():
    """A cluster of a million samples in one row is not overlooked."""
    rng = np.random.default_rng(0)
    samples = np.concatenate([rng.normal(size=(50_000, 2)), [[30.0, 30.0]]])
    weights = np.ones(len(samples))
    weights[-1] = 1e6
    mixture = FastGaussianMixture(2, random_state=0, reg_covar=1e-3)
    mixture.fit(samples, sample_weight=weights)
    heavy = np.argmax(mixture.weights_)
    np.testing.assert_allclose(mixture.means_[heavy], 30, atol=1e-6)


def test_of_many_samples_the_start_is_improved_on_a_part(monkeypatch):
    """So that fewer passes over all of them are left to do."""
    rng = np.random.default_rng(0)
    samples = rng.normal(size=(300_000, 2)).astype(np.float32)
    samples[::3] *= 3  # clusters that overlap, which EM is slow to tell apart
    samples[::5] += [1.5, 0.5]

    def fits():
        for seed in range(5):
            mixture = FastGaussianMixture(3, random_state=seed, tol=1e-5, max_iter=999)
            steps = list(mixture.fit_steps(samples))
            first = next(step for step in steps if step.number == 1)
            yield first.log_likelihood, len(steps)

    likelihoods, lengths = np.transpose([*fits()])
    monkeypatch.setattr(subsample, "_LAST_ROUND", ())
    without, longer = np.transpose([*fits()])
    assert np.median(likelihoods) > np.median(without)
    assert np.median(lengths) < np.median(longer)


def test_random_states_are_told_apart_and_repeat(colors):
    samples = colors.astype(np.float32)

    def means(random_state):
        mixture = FastGaussianMixture(8, random_state=random_state, max_iter=500)
        return mixture.fit(samples).means_

    np.testing.assert_array_equal(means(0), means(0))
    np.testing.assert_array_equal(means(np.random.RandomState(0)), means(0))
    assert not np.array_equal(means(0), means(1))
