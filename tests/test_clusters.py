"""The clusters of a picture: other numbers, and colors."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from skimage.color import deltaE_ciede2000, rgb2lab
from sklearn.mixture import GaussianMixture

from napari_pixel_mixtures import Color, Position, cluster
from napari_pixel_mixtures.mixture.covariance import COVARIANCE_TYPES

ORDER = [2, 0, 3, 1]


@pytest.fixture(scope="module")
def image():
    random = np.random.default_rng(5)
    image = random.integers(0, 60, (30, 40, 3))
    image[:, 10:] += [90, 0, 30]
    image[12:, 20:] += [0, 120, 60]
    return image.astype(np.uint8)


@pytest.fixture(scope="module", params=list(COVARIANCE_TYPES))
def clustering(request, image):
    mask = np.ones((30, 40), bool)
    mask[:2] = False
    features = [Color(), Position(weight=0.2)]
    return cluster(image, 4, request.param, features, mask=mask)


def test_reordered_components_are_the_same_mixture(clustering):
    other = clustering.reordered(ORDER)
    old_of_new = np.array([0, *(old + 1 for old in ORDER)])
    assert_array_equal(old_of_new[other.labels], clustering.labels)
    assert_array_equal(other.labels == 0, clustering.labels == 0)
    assert_array_equal(other.colors, clustering.colors[ORDER])
    assert_array_equal(other.color_covariances, clustering.color_covariances[ORDER])
    assert_array_equal(other.pixel_counts, clustering.pixel_counts[ORDER])
    assert_array_equal(
        np.bincount(other.labels.ravel(), minlength=5)[1:], other.pixel_counts
    )
    assert_array_equal(other.quantized(), clustering.quantized())
    assert other.log_likelihood == clustering.log_likelihood
    # scikit-learn reads both mixtures alike.
    samples = np.random.default_rng(0).normal(0, 1, (50, 5))
    ours = GaussianMixture.predict_proba(clustering.mixture, samples)
    theirs = GaussianMixture.predict_proba(other.mixture, samples)
    assert_allclose(theirs, ours[:, ORDER], rtol=1e-6, atol=1e-12)
    for before, after in zip(clustering.history, other.history, strict=True):
        assert after.number == before.number
        assert after.log_likelihood == before.log_likelihood
        assert_array_equal(after.weights, before.weights[ORDER])
        assert_array_equal(after.means, before.means[ORDER])
    last = other.history[-1]
    assert_allclose(last.covariances, other.mixture.covariances_, rtol=1e-6)


def test_back_again(clustering):
    other = clustering.reordered(ORDER).reordered(np.argsort(ORDER))
    assert_array_equal(other.labels, clustering.labels)
    assert_array_equal(other.mixture.means_, clustering.mixture.means_)
    assert_array_equal(other.mixture.covariances_, clustering.mixture.covariances_)


@pytest.mark.parametrize("order", [[0, 1, 2], [0, 0, 1, 2], [1, 2, 3, 4]])
def test_no_permutation(clustering, order):
    with pytest.raises(ValueError) as caught:
        clustering.reordered(order)
    assert str(caught.value) == (
        f"order must be a permutation of 0..3, but is {order}; give every component "
        "once."
    )


def test_matched_to_earlier_labels(clustering):
    assert clustering.matched(clustering.labels) is clustering
    shuffled = clustering.reordered(ORDER)
    back = shuffled.matched(clustering.labels)
    assert_array_equal(back.labels, clustering.labels)
    assert_array_equal(back.colors, clustering.colors)


def test_matched_to_another_number_of_clusters(image):
    four, six = cluster(image, 4), cluster(image, 6)
    matched = six.matched(four.labels)
    kept = np.mean(matched.labels == four.labels)
    assert kept >= np.mean(six.labels == four.labels)
    assert sorted(matched.pixel_counts) == sorted(six.pixel_counts)
    fewer = four.matched(six.labels)
    assert set(np.unique(fewer.labels)) == {1, 2, 3, 4}
    assert_array_equal(fewer.quantized(), four.quantized())


def test_history_ends_with_the_mixture(clustering):
    assert [step.number for step in clustering.history] == list(
        range(1, clustering.mixture.n_iter_ + 1)
    )
    last = clustering.history[-1]
    assert_allclose(last.means, clustering.mixture.means_, rtol=1e-6)
    assert_allclose(last.weights, clustering.mixture.weights_, rtol=1e-6)
    assert last.log_likelihood == clustering.log_likelihood


@pytest.mark.parametrize(
    ("n_components", "apart"), [(1, 0), (2, 40), (4, 40), (10, 20), (30, 10)]
)
def test_random_colors_of_grays_tell_apart(n_components, apart):
    clustering = cluster(np.arange(80.0).reshape(8, 10), n_components)
    seen = set()
    for seed in range(5):
        colors = clustering.random_colors(seed)
        assert_array_equal(colors, clustering.random_colors(seed))
        assert colors.shape == (n_components, 3)
        assert colors.min() >= 0 and colors.max() <= 1
        lab = rgb2lab(colors)
        first, second = np.triu_indices(n_components, 1)
        assert (deltaE_ciede2000(lab[first], lab[second]) > apart).all()
        seen.add(colors.tobytes())
    assert len(seen) == 5


def test_random_colors_of_grays_stay_with_their_labels():
    """Also those that are most; none comes twice."""
    most = cluster(np.arange(80.0).reshape(8, 10), 2)
    most = replace(most, colors=np.zeros((255, 1)))
    for seed in (0, 1):
        dealt = most.random_colors(seed)
        assert len(np.unique(dealt, axis=0)) == 255
        for n in (1, 2, 3, 10):
            fewer = replace(most, colors=most.colors[:n])
            assert_array_equal(fewer.random_colors(seed), dealt[:n])
        before = dealt.copy()
        dealt[:] = 0  # theirs to change
        assert_array_equal(most.random_colors(seed), before)


def test_one_component_more_changes_one_of_the_permuted_colors(image):
    clustering = cluster(image, 2)
    for seed in range(5):
        before = None
        for n in range(1, 31):
            own = np.arange(3.0 * n).reshape(n, 3)
            dealt = replace(clustering, colors=own).permuted_colors(seed)
            if before is not None:
                changed = (dealt[:-1] != before).any(axis=1)
                assert changed.sum() == 1
                # Its color went to the new one, which gave it its own.
                assert_array_equal(dealt[:-1][changed], own[-1:])
                assert_array_equal(dealt[-1:], before[changed])
            before = dealt


def test_random_colors_of_a_picture_in_color_are_its_own(image):
    clustering = cluster(image, 9)
    own = clustering.picture.to_rgb(clustering.permuted_colors(3))
    assert_array_equal(clustering.random_colors(3), own)


@pytest.mark.parametrize("n_components", [1, 2, 3, 9])
def test_permuted_colors_move_every_color(image, n_components):
    clustering = cluster(image, n_components)
    for seed in range(5):
        permuted = clustering.permuted_colors(seed)
        assert_array_equal(
            permuted[np.lexsort(permuted.T)],
            clustering.colors[np.lexsort(clustering.colors.T)],
        )
        if n_components > 1:
            assert (permuted != clustering.colors).any(axis=1).all()
