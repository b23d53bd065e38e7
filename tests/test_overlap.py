"""merge_tree: against Hennig's probabilities counted pixel by pixel."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cases import MixtureCase, china
from napari_pixel_mixtures import Classes, Color, Position, cluster, merge_tree
from napari_pixel_mixtures.clustering import material_of
from napari_pixel_mixtures.overlap import confusion, misclassification_rates

CLUSTERING = cluster(china()[::8, ::8], 8, max_iter=500)


def slow_overlap(clustering, classes):
    """Give the overlap of each two classes, from all pixels' responsibilities."""
    factor = clustering.groups[0].factor
    samples = (clustering.picture.pixels * factor).astype(np.float32)
    shares = clustering.mixture.predict_proba(samples)
    labels = classes.apply(clustering.labels).ravel()
    overlaps = {}
    for i in classes.labels:
        for j in classes.labels:
            if i != j:
                of_i = shares[:, np.array(classes.members(i)) - 1].sum(axis=1)
                rate = of_i[labels == j].sum() / of_i.sum()
                pair = frozenset((i, j))
                overlaps[pair] = max(overlaps.get(pair, 0.0), rate)
    return overlaps


@pytest.mark.parametrize("smoothing", [0.0, 1.5])
def test_the_two_that_are_most_often_confused_merge_at_each_step(smoothing):
    clustering = CLUSTERING
    if smoothing:
        clustering = cluster(china()[::8, ::8], 8, smoothing=smoothing)
    tree = merge_tree(clustering)
    classes = Classes.of(clustering)
    assert len(tree.merges) == 7
    for merge in tree.merges:
        overlaps = slow_overlap(clustering, classes)
        merged = overlaps[frozenset((merge.label, merge.other))]
        assert merge.overlap == pytest.approx(merged, rel=1e-3, abs=1e-6)
        assert merged == pytest.approx(max(overlaps.values()), rel=1e-3, abs=1e-6)
        labels = classes.apply(clustering.labels)
        assert np.sum(labels == merge.label) >= np.sum(labels == merge.other)
        classes = classes.merge(merge.label, merge.other)
    assert len(classes.labels) == 1


def test_each_merge_joins_neighbors_in_the_order():
    tree = merge_tree(CLUSTERING)
    assert sorted(tree.order) == list(range(1, 9))
    classes = Classes.of(CLUSTERING)
    for merge in tree.merges:
        classes = classes.merge(merge.label, merge.other)
        places = sorted(map(tree.order.index, classes.members(merge.label)))
        assert places == list(range(places[0], places[-1] + 1))


@pytest.mark.parametrize("n", range(1, 9))
def test_a_cut_leaves_so_many_classes_each_within_one_of_a_coarser_cut(n):
    tree, classes = merge_tree(CLUSTERING), Classes.of(CLUSTERING).rename(1, "one")
    cut = tree.cut(classes.merge(1, 2, 3), n)
    assert len(cut.labels) == n
    assert cut.names == classes.names
    coarser = tree.cut(classes, max(1, n - 1))
    for label in cut.labels:
        assert len({coarser.leads[k - 1] for k in cut.members(label)}) == 1


@pytest.mark.parametrize("n", range(1, 8))
def test_a_split_takes_the_last_merge_of_a_cut_back(n):
    tree, classes = merge_tree(CLUSTERING), Classes.of(CLUSTERING).rename(1, "one")
    cut = tree.cut(classes, n)
    finer = tree.cut(classes, n + 1)
    assert tree.split(cut, *cut.labels) == finer
    assert tree.split(cut, tree.merges[-n].label) == finer


@given(st.data())
@settings(deadline=None, max_examples=100)
def test_any_class_falls_into_the_parts_that_meet_last(data):
    tree, classes = merge_tree(CLUSTERING), Classes.of(CLUSTERING)
    many = data.draw(st.lists(st.integers(1, 8), min_size=2, unique=True))
    merged = classes.merge(*many)
    split = tree.split(merged, many[0])
    parts = [part for part in map(split.members, split.labels) if {*part} & {*many}]
    assert len(parts) == 2
    assert any(many[0] in part for part in parts)
    assert split.members(many[0]) in parts  # it keeps its label
    # The tree, cut anywhere, joins the parts no sooner than either is whole.
    for n in range(1, 9):
        cut = tree.cut(classes, n)
        groups = [{cut.leads[i - 1] for i in part} for part in parts]
        together = bool(groups[0] & groups[1])
        assert together == (len(groups[0] | groups[1]) == 1)
    # Again and again, all components come apart, one more at each step.
    for count in range(3, len(many) + 1):
        split = tree.split(split, *(split.leads[i - 1] for i in many))
        assert len({split.leads[i - 1] for i in many}) == count
    assert split == merged.split(many[0]) == classes
    assert tree.split(split, *many) == split


def test_halves_of_a_cluster_that_is_not_gaussian_merge_first():
    rings = MixtureCase(
        np.array([0.3, 0.3, 0.2, 0.2]),
        np.array([[0.0, 0.0], [0.0, 4.0], [100.0, 0.0], [100.0, 4.0]]),
        np.stack([np.eye(2) * 2.0] * 4),
    )
    picture, truth = rings.draw(40, 50)
    clustering = cluster(picture, 4, features=Color())
    tree = merge_tree(clustering)
    labels = tree.cut(Classes.of(clustering), 2).apply(clustering.labels)
    left = labels[truth <= 2]
    assert len(np.unique(left)) == 1
    assert (labels[truth > 2] != left[0]).all()


@pytest.mark.parametrize("smoothing", [0.0, 2.0])
def test_a_texture_is_one_class_where_labels_are_smoothed(smoothing):
    image = np.random.default_rng(0).normal(0, 5, (40, 40))
    image[:, 20:] += 40
    image[::2, :20] += 150  # lines among those of 0
    mask = np.ones((40, 40), bool)
    mask[:3] = False
    clustering = cluster(image, 3, smoothing=smoothing, mask=mask)
    at = clustering.labels
    tree = merge_tree(clustering)
    merged = {tree.merges[0].label, tree.merges[0].other}
    # 0 and 150, though 0 and 40 are nearer each other.
    line, gap, flat = (
        1 + int(np.argmin(np.abs(clustering.colors[:, 0] - c))) for c in (150, 0, 40)
    )
    assert len({line, gap, flat}) == 3 and flat in at
    assert merged == ({line, gap} if smoothing else {gap, flat})


def test_samples_of_many_pixels_are_thinned(monkeypatch):
    clustering = cluster(china()[::4, ::4], 4, features=[Color(), Position()])
    whole = misclassification_rates(confusion(clustering, material_of(clustering)))
    monkeypatch.setattr("napari_pixel_mixtures.overlap.MOST_ROWS", 2000)
    some = confusion(clustering, material_of(clustering))
    assert 1000 < some.sum() <= 2000
    np.testing.assert_allclose(misclassification_rates(some), whole, atol=0.05)


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_all_columns_are_counted(monkeypatch, smoothing):
    """Of every 16th pixel of 64 columns 4 columns would be seen."""
    image = np.random.default_rng(0).normal(0, 1, (64, 64))
    image[:, ::2] += 5
    clustering = cluster(image, 2, smoothing=smoothing)
    monkeypatch.setattr("napari_pixel_mixtures.overlap.MOST_ROWS", 64 * 4)
    counts = confusion(clustering, material_of(clustering))
    np.testing.assert_allclose(counts.sum(axis=1), [128, 128], rtol=0.2)


def test_a_component_without_pixels_merges_first():
    rates = misclassification_rates(np.array([[4.0, 0, 0], [0, 0, 0], [0, 0, 2]]))
    assert rates.tolist() == [[1, 0, 0], [1, 1, 1], [0, 0, 1]]


def test_one_component_is_a_tree_without_merges():
    clustering = cluster(china()[::8, ::8], 1, max_iter=500)
    tree = merge_tree(clustering)
    assert tree.merges == ()
    assert tree.order == (1,)
    assert tree.cut(Classes.of(clustering), 1) == Classes.of(clustering)


def test_impossible_cuts_are_refused():
    tree = merge_tree(CLUSTERING)
    with pytest.raises(ValueError) as error:
        tree.cut(Classes.of(CLUSTERING), 9)
    assert str(error.value) == (
        "Expected n_classes to be a whole number from 1 to 8, got 9."
    )
    with pytest.raises(ValueError) as error:
        tree.cut(Classes.of(cluster(china()[::8, ::8], 3, max_iter=500)), 2)
    assert str(error.value) == (
        "Expected classes of 8 components, as the merge tree has, got 3; make both of "
        "the same clustering."
    )


def test_impossible_splits_are_refused():
    tree = merge_tree(CLUSTERING)
    for classes, sentence in (
        (
            Classes.of(CLUSTERING).merge(1, 2),
            "Expected a class among [1, 3, 4, 5, 6, 7, 8], got 2.",
        ),
        (
            Classes.of(cluster(china()[::8, ::8], 3, max_iter=500)),
            "Expected classes of 8 components, as the merge tree has, got 3; make both "
            "of the same clustering.",
        ),
    ):
        with pytest.raises(ValueError) as error:
            tree.split(classes, 2)
        assert str(error.value) == sentence
