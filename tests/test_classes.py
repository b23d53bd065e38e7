"""Classes: random walks over all that can be done, and undo; what is refused."""

import json
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cases import china
from napari_pixel_mixtures import Classes, cluster
from napari_pixel_mixtures.classes import GRAY, none_label

PICTURE = china()[::16, ::16]
CLUSTERING = cluster(PICTURE, 6, max_iter=500)
START = Classes.of(CLUSTERING)


def test_every_component_is_a_class_in_its_color_at_first():
    assert START.labels == START.leads == (1, 2, 3, 4, 5, 6)
    assert START.n_components == 6
    for k in range(1, 7):
        assert START.members(k) == (k,)
        assert START.name(k) == f"class {k}"
        assert START.shown(k)
        np.testing.assert_allclose(START.color(k), CLUSTERING.colors[k - 1] / 255)
    assert np.array_equal(START.apply(CLUSTERING.labels), CLUSTERING.labels)


def test_a_class_takes_in_others_and_keeps_its_label_name_and_color():
    classes = START.rename(2, "sky").recolor(2, [0, 0.5, 1]).merge(2, 5, 6)
    assert classes.labels == (1, 2, 3, 4)
    assert classes.members(2) == (2, 5, 6)
    assert classes.name(2) == "sky"
    assert classes.color(2) == (0.0, 0.5, 1.0)
    labels = classes.apply(CLUSTERING.labels)
    assert labels.dtype == np.uint8
    assert np.array_equal(labels == 2, np.isin(CLUSTERING.labels, [2, 5, 6]))
    assert classes.split(2) == START.rename(2, "sky").recolor(2, [0, 0.5, 1])
    assert classes.merge(2) == classes.merge(2, 2) == classes


def test_components_leave_together_led_by_the_first():
    classes = START.merge(1, 2, 3, 4)
    assert classes.split(1, 4, 2).leads == (1, 4, 1, 4, 5, 6)
    assert classes.split(1, 1).leads == (1, 2, 2, 2, 5, 6)
    assert classes.split(1, 3, 1, 2, 4).leads == (3, 3, 3, 3, 5, 6)


def test_what_is_hidden_stays_a_class():
    hidden = START.hide(3)
    assert not hidden.shown(3)
    assert hidden.labels == START.labels
    assert np.array_equal(hidden.apply(CLUSTERING.labels), CLUSTERING.labels)
    assert hidden.show(3) == START


def test_label_0_stays_0():
    assert START.merge(1, 2).apply(np.array([[0, 2]], np.uint8)).tolist() == [[0, 1]]


@given(st.data())
@settings(deadline=None, max_examples=150)
def test_whatever_is_done_labels_part_the_pixels_and_undo_restores(data):
    done = [START]
    for _ in range(data.draw(st.integers(1, 12))):
        classes = done[-1]
        label = data.draw(st.sampled_from(classes.labels))
        others = data.draw(st.lists(st.sampled_from(classes.labels), max_size=3))
        members = data.draw(
            st.lists(st.sampled_from(classes.members(label)), unique=True)
        )
        step = data.draw(
            st.sampled_from(["merge", "split", "rename", "recolor", "hide", "show"])
        )
        arguments = {
            "merge": others,
            "split": members,
            "rename": ["any name"],
            "recolor": [(0.1, 0.2, 0.3)],
        }
        done.append(getattr(classes, step)(label, *arguments.get(step, [])))
    for classes in done:
        # The components of the classes are all components, once each.
        members = [classes.members(label) for label in classes.labels]
        assert sorted(sum(members, ())) == [1, 2, 3, 4, 5, 6]
        for label, those in zip(classes.labels, members, strict=True):
            assert label in those
        labels = classes.apply(CLUSTERING.labels)
        assert {*np.unique(labels)} <= {*classes.labels}
        assert (labels > 0).all()
        shares = [np.mean(labels == label) for label in classes.labels]
        assert sum(shares) == pytest.approx(1.0)
        # Merging, then letting the same components leave, restores.
        for first, second in zip(classes.labels, classes.labels[1:], strict=False):
            rest = [m for m in classes.members(second) if m != second]
            merged = classes.merge(first, second)
            assert merged.labels == tuple(x for x in classes.labels if x != second)
            assert merged.split(first, second, *rest) == classes
        assert Classes.from_json(json.loads(json.dumps(classes.to_json()))) == classes
    assert done[0] == START  # nothing was changed: undo is to go back


def test_names_of_numpy_become_plain():
    assert type(START.rename(1, np.str_("sky")).name(1)) is str


def test_nothing_can_be_written_to():
    with pytest.raises(FrozenInstanceError):
        START.leads = (1,)


def test_what_is_none_of_these_has_a_look_of_its_own():
    assert START.none_of_these == 7
    assert START.name(7) == "none of these"
    assert START.color(7) == GRAY
    assert START.shown(7)
    assert START.members(7) == ()
    classes = START.merge(1, 2).rename(7, "dirt").recolor(7, (1, 0, 0)).hide(7)
    assert (classes.name(7), classes.color(7)) == ("dirt", (1.0, 0.0, 0.0))
    assert not classes.shown(7)
    assert classes.split(7) == classes
    assert 7 not in classes.labels
    labels = np.array([0, 1, 2, 6, 7, 8], np.uint8)
    assert np.array_equal(classes.apply(labels), [0, 1, 1, 6, 7, 0])
    assert Classes.from_json(json.loads(json.dumps(classes.to_json()))) == classes


def test_classes_of_earlier_files_gain_it():
    old = {name: values[:6] for name, values in START.to_json().items()}
    assert Classes.from_json(json.loads(json.dumps(old))) == START


def test_of_255_components_none_is_left_for_it():
    labels = tuple(range(1, 256))
    classes = Classes(labels, ["a"] * 255, [BLACK] * 255, [True] * 255)
    assert len(classes.names) == 255
    assert np.array_equal(classes.apply(np.array(labels, np.uint8)), labels)


BLACK = (0.0, 0.0, 0.0)
COLOR = "Expected a color as red, green and blue from 0 to 1, got "


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: START.merge(8), "Expected a class among [1, 2, 3, 4, 5, 6], got 8."),
        (
            lambda: START.merge(1, 7),  # none of these
            "Expected a class among [1, 2, 3, 4, 5, 6], got 7.",
        ),
        (
            lambda: START.rename(8, "sky"),
            "Expected a class among [1, 2, 3, 4, 5, 6], got 8.",
        ),
        (
            lambda: (
                Classes(range(1, 256), ["a"] * 255, [BLACK] * 255, [True] * 255)
                .merge(1, 255)
                .name(255)
            ),
            f"Expected a class among {list(range(1, 255))}, got 255.",
        ),
        (
            lambda: none_label(255),
            "Expected at most 254 components, for with a threshold the pixels that are "
            "none of these have a label as well, got 255.",
        ),
        (
            lambda: START.merge(1, 2).members(2),
            "Expected a class among [1, 3, 4, 5, 6], got 2.",
        ),
        (
            lambda: START.merge(1, 2).split(1, 3),
            "Expected components among [1, 2], those of class 1, got 3.",
        ),
        (
            lambda: START.rename(1, ""),
            "Expected a name of 1 to 200 characters, got ''.",
        ),
        (
            lambda: START.rename(1, 5),
            "Expected a name of 1 to 200 characters, got 5.",
        ),
        (lambda: START.recolor(1, "red"), f"{COLOR}'red'."),
        (lambda: START.recolor(1, (0, 1)), f"{COLOR}(0, 1)."),
        (lambda: START.recolor(1, (0, 1, 2)), f"{COLOR}(0, 1, 2)."),
        (lambda: START.recolor(1, (0, 1, np.nan)), f"{COLOR}(0, 1, nan)."),
        (lambda: START.recolor(1, None), f"{COLOR}None."),
        (
            lambda: START.show(1, 2),
            "Expected visible to be True or False, got 2.",
        ),
        (
            lambda: Classes((), (), (), ()),
            "Expected the leads of 1 to 255 components, got 0.",
        ),
        (
            lambda: Classes((1, 3), ("a", "b"), (BLACK,) * 2, (True,) * 2),
            "Expected a lead to be a whole number from 1 to 2, got 3.",
        ),
        (
            lambda: Classes((2, 1), ("a", "b"), (BLACK,) * 2, (True,) * 2),
            "Expected component 2 to lead its own class, got 1 as its lead; give the "
            "label of a component that leads itself.",
        ),
        (
            lambda: Classes((1, 2), ("a",), (BLACK,) * 2, (True,) * 2),
            "Expected the names as a list of 3, got ('a',).",
        ),
        (
            lambda: Classes((1, 2), "ab", (BLACK,) * 2, (True,) * 2),
            "Expected the names as a list of 3, got 'ab'.",
        ),
        (
            lambda: START.apply(CLUSTERING.labels.astype(np.int64)),
            "Expected labels as an array of uint8, as a clustering has them, got "
            "int64; convert them with numpy.asarray(labels, numpy.uint8).",
        ),
        (
            lambda: START.apply([1, 2]),
            "Expected labels as an array of uint8, as a clustering has them, got "
            "list; convert them with numpy.asarray(labels, numpy.uint8).",
        ),
        (lambda: Classes(None, (), (), ()), "Expected the leads as a list, got None."),
        (
            lambda: Classes.from_json([]),
            "Expected classes with the fields ['colors', 'leads', 'names', "
            "'visible'], got [].",
        ),
    ],
)
def test_what_is_impossible_is_refused(make, sentence):
    with pytest.raises((TypeError, ValueError)) as error:
        make()
    assert str(error.value) == sentence


def test_classes_go_to_another_clustering_with_colors_that_were_chosen():
    before = cluster(PICTURE, 4, max_iter=500)
    after = cluster(PICTURE, 4, "spherical", max_iter=500)
    classes = Classes.of(before).merge(2, 4).rename(2, "sky").recolor(3, (1, 0, 0.5))
    found = classes.carried(before, after)
    assert (found.leads, found.names) == (classes.leads, classes.names)
    new = Classes.of(after).colors
    assert found.colors == (new[0], new[1], (1, 0, 0.5), new[3], GRAY)
    with pytest.raises(ValueError) as error:
        classes.carried(before, cluster(PICTURE, 3, max_iter=500))
    assert str(error.value) == (
        "Expected a clustering of 4 components, as the classes have, got 3."
    )
