"""The measures of segmentations, against scikit-learn, and the shared tool if there."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import mutual_info_score, pair_confusion_matrix

from benchmarks.segmentation_measures import People

TOOL = Path(__file__).parents[3] / "shared" / "tools" / "segmentation_scores.py"


def segmentations(seed):
    rng = np.random.default_rng(seed)
    truths = [rng.integers(0, 6, (8, 9)) * 3 for _ in range(4)]
    return rng.integers(1, 5, (8, 9)), truths


def entropy(labels):
    return mutual_info_score(labels, labels)


@pytest.mark.parametrize("seed", range(5))
def test_rand_index_and_information_are_scikit_learns(seed):
    labels, truths = segmentations(seed)
    a = labels.ravel()
    rand, information = [], []
    for truth in truths:
        b = truth.ravel()
        pairs = pair_confusion_matrix(a, b)
        # BSDS counts ordered pairs with those of a pixel with itself, which agree.
        rand.append((pairs[0, 0] + pairs[1, 1] + a.size) / a.size**2)
        shared = mutual_info_score(a, b)
        information.append((entropy(a) + entropy(b) - 2 * shared) / np.log(2))
    found = People(truths).scores(labels)
    np.testing.assert_allclose(found[1:], [np.mean(rand), np.mean(information)])


@pytest.mark.parametrize("seed", range(5))
def test_covering_by_its_definition(seed):
    labels, truths = segmentations(seed)
    covering = 0.0
    for truth in truths:
        for number in np.unique(truth):
            part = truth == number
            overlaps = [
                (part & (labels == k)).sum() / (part | (labels == k)).sum()
                for k in np.unique(labels)
            ]
            covering += part.sum() * max(overlaps) / part.size / len(truths)
    np.testing.assert_allclose(People(truths).scores(labels)[0], covering)


@pytest.mark.skipif(not TOOL.exists(), reason="the shared tools are not there")
def test_they_are_the_shared_tools():
    spec = importlib.util.spec_from_file_location("segmentation_scores", TOOL)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    for seed in range(10):
        labels, truths = segmentations(seed)
        np.testing.assert_allclose(
            People(truths).scores(labels), tool.scores(labels, truths), rtol=1e-12
        )
