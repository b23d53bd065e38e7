"""Feature: weight, registry, to and from plain JSON types."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_pixel_mixtures import AnchorDistance, Color, Position
from napari_pixel_mixtures.features import Feature

FEATURES = [
    Color(),
    Color(weight=0),
    Position(weight=0.5),
    AnchorDistance(n=3, seed=7, weight=1 / 5000),
    AnchorDistance(anchors=[(0, 0), (3.5, -2)]),
    AnchorDistance(n=np.int64(3), seed=np.uint8(7), weight=np.float32(0.5)),
]


@pytest.mark.parametrize("feature", FEATURES, ids=str)
def test_a_feature_comes_back_from_json(feature):
    text = json.dumps(feature.to_json(), allow_nan=False)
    again = Feature.from_json(json.loads(text))
    assert again == feature
    assert type(again) is type(feature)
    assert hash(again) == hash(feature)


@given(
    n=st.integers(1, 1000),
    seed=st.integers(0, 2**32 - 1),
    weight=st.floats(0, allow_infinity=False),
)
@settings(deadline=None, max_examples=50)
def test_any_distance_comes_back_from_json(n, seed, weight):
    feature = AnchorDistance(n=n, seed=seed, weight=weight)
    assert Feature.from_json(json.loads(json.dumps(feature.to_json()))) == feature


@pytest.mark.parametrize("kind", [Color, Position, AnchorDistance])
@pytest.mark.parametrize(
    "weight", [-1, -0.001, math.nan, math.inf, None, "1", True, 1j, 10**400, [1]]
)
def test_a_bad_weight_is_refused(kind, weight):
    with pytest.raises(ValueError) as caught:
        kind(weight=weight)
    assert str(caught.value) == (
        f"Expected the weight of {kind.kind} to be a number from 0, got {weight!r:.80}."
    )


@pytest.mark.parametrize("feature", FEATURES, ids=str)
def test_features_are_frozen(feature):
    with pytest.raises(AttributeError):
        feature.weight = 2.0


@pytest.mark.parametrize("on", [0, 1, "no", None, math.nan])
def test_on_is_yes_or_no(on):
    with pytest.raises(ValueError) as caught:
        Position(on=on)
    assert str(caught.value) == (
        f"Expected whether position is on to be True or False, got {on!r}."
    )


def test_off_is_not_used_and_keeps_its_settings():
    feature = AnchorDistance(n=3, weight=0.5, influence=0.25, on=np.False_)
    assert feature.on is False and not feature.used
    assert Feature.from_json(feature.to_json()) == feature
    assert repr(feature) == "AnchorDistance(weight=0.5, influence=0.25, on=False, n=3)"


def test_forms_show_the_settings_of_a_kind():
    assert [s.name for s in AnchorDistance.settings()] == ["n", "seed"]
    assert Color.settings() == ()


def test_other_settings_give_other_random_places():
    feature = AnchorDistance(anchors=[(1, 2)], weight=0.5)
    assert feature.with_settings(seed=4) == AnchorDistance(n=1, seed=4, weight=0.5)


KINDS = "Expected a feature of a kind among ['anchor distance', 'color', 'position']"


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({}, f"{KINDS}, got None; it may come from a newer version."),
        (
            {"kind": "texture"},
            f"{KINDS}, got 'texture'; it may come from a newer version.",
        ),
        ({"kind": []}, f"{KINDS}, got []; it may come from a newer version."),
        (
            {"kind": "color", "space": "lab"},
            "Expected the settings ['influence', 'on', 'weight'] for color, got "
            "['space']; it may come from a newer version.",
        ),
        ("color", "Expected a feature as its kind and settings, got 'color'."),
        (
            [["kind", "color"]],
            "Expected a feature as its kind and settings, got [['kind', 'color']].",
        ),
        (
            {"kind": "color", "weight": "heavy"},
            "Expected the weight of color to be a number from 0, got 'heavy'.",
        ),
        (
            {"kind": "anchor distance", "n": 10**12},
            "Expected n, the number of anchors, to be a whole number from 1 to 1000, "
            "got 1000000000000.",
        ),
    ],
)
def test_damaged_json_is_refused(data, sentence):
    with pytest.raises(ValueError) as caught:
        Feature.from_json(data)
    assert str(caught.value) == sentence


def test_a_new_kind_is_one_class():
    class Answer(Feature):
        kind = "answer"

        def names(self, picture):
            return ("answer",)

        def compute(self, picture, pixels):
            return np.full((len(picture.pixels), 1), 42)

    try:
        assert Feature.from_json({"kind": "answer", "weight": 2}) == Answer(weight=2)
    finally:
        del Feature.registry["answer"]
