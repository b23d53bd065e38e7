"""Feature: weight, registry, to and from plain JSON types."""

import json
import math
from dataclasses import fields

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
            "Expected the settings ['influence', 'weight'] for color, got ['space']; "
            "it may come from a newer version.",
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


def test_influence_declares_how_a_form_shows_it():
    influence = {field.name: field for field in fields(Color)}["influence"]
    assert influence.metadata["label"] == "Influence"
    assert influence.metadata["tooltip"] == (
        "How much this feature counts, for every covariance type: 1 is the plain "
        "mixture, 0 gives the labels without the feature. It is an exponent on the "
        "feature's part of each component's likelihood, so that in between its "
        "evidence is discounted."
    )
    assert (influence.metadata["min"], influence.metadata["max"]) == (0, 1)
