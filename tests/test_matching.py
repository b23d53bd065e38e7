"""Labels stay with their clusters."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

from napari_pixel_mixtures.matching import (
    adjusted_rand_index,
    match_labels,
    overlap_table,
)


def kept(order, labels, previous):
    renumbered = np.argsort(order)[labels.ravel() - 1] + 1
    return int((renumbered == previous.ravel()).sum())


@pytest.mark.parametrize("n_previous", [2, 4, 5])
def test_most_pixels_keep_their_label(n_previous):
    random = np.random.default_rng(n_previous)
    labels = random.integers(1, 5, (20, 30)).astype(np.uint8)
    previous = random.integers(1, n_previous + 1, (20, 30)).astype(np.uint8)
    order = match_labels(labels, previous, 4)
    assert sorted(order) == [0, 1, 2, 3]
    best = max(
        kept(np.array(permutation), labels, previous)
        for permutation in itertools.permutations(range(4))
    )
    assert kept(order, labels, previous) == best


def test_a_permutation_of_the_same_labels_is_undone():
    previous = np.random.default_rng(0).integers(0, 256, (50, 60)).astype(np.uint8)
    permutation = np.random.default_rng(1).permutation(255)
    labels = np.concatenate([[0], permutation + 1])[previous].astype(np.uint8)
    order = match_labels(labels, previous, 255)
    assert np.array_equal(order, permutation)


def test_another_shape_is_refused():
    with pytest.raises(ValueError) as error:
        match_labels(np.ones((2, 3), np.uint8), np.ones((3, 2), np.uint8), 1)
    assert str(error.value) == (
        "Expected earlier labels of the same shape (2, 3), got (3, 2)."
    )


LABELS = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(1, 3)),
    min_size=2,
    max_size=40,
)


@given(LABELS)
@settings(deadline=None)
def test_the_rand_index_is_that_of_scikit_learn(rows):
    a, b, counts = np.array(rows).T
    labels = (a.astype(np.uint8), b.astype(np.uint8))
    expected = adjusted_rand_score(np.repeat(a, counts), np.repeat(b, counts))
    counted = adjusted_rand_index(overlap_table(*labels, counts))
    assert counted == pytest.approx(expected)
    assert adjusted_rand_index(overlap_table(*labels)) == pytest.approx(
        adjusted_rand_score(a, b)
    )
