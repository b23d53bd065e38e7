"""Feature: weight, registry, to and from plain JSON types."""

import json
import math
import os
import shutil
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import napari_pixel_mixtures
from napari_pixel_mixtures import (
    HSV,
    AnchorDistance,
    Blur,
    Channel,
    Color,
    Companion,
    DifferenceOfGaussians,
    Expression,
    GaborEnergy,
    GradientMagnitude,
    Hessian,
    Lab,
    LCh,
    LinearRGB,
    LocalDeviation,
    Position,
    StructureTensor,
    YCbCr,
)
from napari_pixel_mixtures.features import Feature

FEATURES = [
    Color(),
    Color(weight=0),
    Position(weight=0.5),
    AnchorDistance(n=3, seed=7, weight=1 / 5000),
    AnchorDistance(anchors=[(0, 0), (3.5, -2)]),
    AnchorDistance(n=np.int64(3), seed=np.uint8(7), weight=np.float32(0.5)),
    Position("XY", influence=0.5),
    Channel(np.uint8(2)),
    LinearRGB("G"),
    HSV("H S"),
    Lab("a b", weight=0.25),
    LCh("h"),
    YCbCr("Cb"),
    Blur(np.float32(2.5), of="Lab"),
    GradientMagnitude(1),
    DifferenceOfGaussians(2, ratio=1.5),
    LocalDeviation(4, of="channels"),
    StructureTensor(0.3),
    Hessian(100),
    GaborEnergy(3, directions=np.int32(6)),
    Companion("nuclei [µm]"),
    Expression("(R - G) / (R + G + 1)", weight=2),
]


def test_every_kind_is_tried():
    assert {type(feature) for feature in FEATURES} == set(Feature.registry.values())


@pytest.mark.parametrize("kind", Feature.registry.values())
def test_what_menus_and_forms_are_built_from(kind):
    made = kind()  # as a menu makes it
    assert 0 < len(kind.title) < 20
    assert kind.tip.endswith(".") and len(kind.tip) < 160
    for f in fields(kind):
        if not f.metadata:
            continue
        assert f.metadata["label"] and f.metadata["tooltip"].endswith(".")
        value = getattr(made, f.name)
        if "choices" in f.metadata:
            assert value in f.metadata["choices"]
        for option in f.metadata.get("choices", ()):
            assert getattr(kind(**{f.name: option}), f.name) == option
        for bound in ("min", "max"):
            if bound in f.metadata:
                option = f.metadata[bound]
                assert type(option) is type(value)
                kind(**{f.name: option})


def test_titles_are_told_apart():
    titles = [kind.title for kind in Feature.registry.values()]
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("feature", FEATURES, ids=str)
def test_weight_and_influence_are_no_part_of_the_measurement(feature):
    other = replace(feature, weight=0.125, influence=0.75, on=False)
    assert other.measurement == feature.measurement
    assert other.measurement.on
    assert other.measurement.weight == other.measurement.influence == 1


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


KINDS = (
    "Expected a feature of a kind among ['anchor distance', 'blur', 'channel', "
    "'color', 'companion', 'difference of gaussians', 'expression', 'gabor energy', "
    "'gradient magnitude', 'hessian', 'hsv', 'lab', 'lch', 'linear rgb', "
    "'local deviation', 'position', 'structure tensor', 'ycbcr']"
)


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


NEW_KIND = """
from dataclasses import dataclass

from .base import Feature, setting


@dataclass(frozen=True, repr=False)
class Redness(Feature):
    kind = "redness"
    title = "Redness"
    tip = "Red over all."
    offset: int = setting(1, "Offset", "In the denominator.", min=1, max=9)

    def names(self, picture):
        return ("redness",)

    def compute(self, picture, pixels):
        values = picture.pixels if pixels is None else picture.pixels[pixels]
        return values[:, :1] / (values.sum(axis=1, keepdims=True) + self.offset)
"""
USE_IT = """
import numpy as np

from napari_pixel_mixtures import Model, Recipe, cluster, to_python
from napari_pixel_mixtures.features import Feature

kind = Feature.registry["redness"]
assert list(Feature.registry)[-1] == "redness"  # the last one of the menu
feature = kind(offset=2, influence=0.5)
recipe = Recipe(n_components=2, features=[feature])
assert Recipe.from_json(recipe.to_json()) == recipe
image = np.random.default_rng(0).integers(0, 256, (9, 8, 3), np.uint8)
clustering = cluster(image, 2, features=feature, max_iter=500)
names = {"image": image}
exec(to_python(clustering), names)
assert np.array_equal(names["labels"], clustering.labels)
model = Model.from_json(Model.of(clustering).to_json())
assert np.array_equal(model.apply(image).labels, clustering.labels)
"""


def test_a_new_kind_is_one_file(tmp_path):
    copy = tmp_path / napari_pixel_mixtures.__name__
    shutil.copytree(Path(napari_pixel_mixtures.__file__).parent, copy)
    (copy / "features" / "redness.py").write_text(NEW_KIND)
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    subprocess.run([sys.executable, "-c", USE_IT], check=True, env=environment)


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
