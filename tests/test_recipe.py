"""Recipe: every setting checked once; JSON that comes back, and none that harms."""

import json
from dataclasses import FrozenInstanceError, fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_pixel_mixtures import (
    AnchorDistance,
    Color,
    Companion,
    Lab,
    Position,
    Recipe,
    cluster,
)
from napari_pixel_mixtures.mixture.covariance import COVARIANCE_TYPES as IMPLEMENTED
from napari_pixel_mixtures.recipe import COVARIANCE_TYPES

FIELDS = sorted(f.name for f in fields(Recipe))


def test_the_covariance_types_are_those_of_the_mixture():
    assert tuple(IMPLEMENTED) == COVARIANCE_TYPES


def test_a_recipe_is_frozen_and_compares_by_value():
    recipe = Recipe(features=[Color(), Position()])
    assert recipe == Recipe(features=(Color(), Position()))
    assert hash(recipe) == hash(Recipe(features=(Color(), Position())))
    assert recipe != replace(recipe, random_state=1)
    with pytest.raises(FrozenInstanceError):
        recipe.n_components = 3


@pytest.mark.parametrize(
    "features",
    [
        Position(),
        [Position()],
        (Position(),),
        iter([Position()]),
        {Position()},
    ],
    ids=["one", "list", "tuple", "iterator", "set"],
)
def test_features_are_one_or_several(features):
    assert Recipe(features=features).features == (Position(),)


def test_numbers_of_numpy_become_plain():
    recipe = Recipe(
        n_components=np.uint8(9),
        random_state=np.int64(5),
        max_iter=np.int32(7),
        tol=np.float32(0.5),
        reg_covar=1,
        covariance_type=np.str_("tied"),
        scaling=np.str_("raw"),
        init_params=np.str_("random"),
        features=[Lab(part=np.str_("a b"), on=np.True_), Companion(np.str_("depth"))],
    )
    for name in ("covariance_type", "scaling", "init_params"):
        assert type(getattr(recipe, name)) is str
    assert repr(recipe.features) == "(Lab(part='a b'), Companion(name='depth'))"
    kinds = {name: type(getattr(recipe, name)) for name in recipe.__dataclass_fields__}
    assert kinds["n_components"] is kinds["random_state"] is kinds["max_iter"] is int
    assert kinds["tol"] is kinds["reg_covar"] is float
    assert Recipe.from_json(recipe.to_json()) == recipe


FEATURES = st.one_of(
    st.builds(Color, weight=st.floats(0, 1e9)),
    st.builds(Position, weight=st.floats(0, 1e9)),
    st.builds(AnchorDistance, n=st.integers(1, 50), seed=st.integers(0, 2**32 - 1)),
    st.builds(
        AnchorDistance,
        anchors=st.lists(
            st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)),
            min_size=1,
            max_size=3,
        ),
    ),
)


@given(
    recipe=st.builds(
        Recipe,
        n_components=st.integers(1, 255),
        covariance_type=st.sampled_from(COVARIANCE_TYPES),
        features=st.lists(FEATURES, max_size=4),
        scaling=st.sampled_from(["group", "raw"]),
        random_state=st.integers(0, 2**32 - 1),
        tol=st.floats(0, allow_infinity=False),
        max_iter=st.integers(1, 2**31 - 1),
        reg_covar=st.floats(0, 1e30),
    )
)
@settings(deadline=None, max_examples=60)
def test_any_recipe_comes_back_from_json(recipe):
    text = recipe.to_json()
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert Recipe.from_json(text) == recipe


def test_fields_that_are_missing_have_their_defaults():
    assert Recipe.from_json("{}") == Recipe()
    assert Recipe.from_json('{"n_components": 7}') == Recipe(n_components=7)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["features", "kind", "weight", "n", "seed", "anchors", "tol"]
                ),
                inner | st.sampled_from(["color", "anchor distance"]),
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
@settings(deadline=None, max_examples=200)
def test_hostile_json_gives_a_recipe_or_a_sentence(data):
    try:
        recipe = Recipe.from_json(json.dumps(data))
    except ValueError as error:
        assert str(error).startswith("Expected ")
        assert len(str(error)) < 500
    else:
        assert Recipe.from_json(recipe.to_json()) == recipe


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "",
            "Expected a recipe in JSON, got text that is not JSON: Expecting value: "
            "line 1 column 1 (char 0).",
        ),
        (
            '{"n_components": 4',
            "Expected a recipe in JSON, got text that is not JSON: Expecting ',' "
            "delimiter: line 1 column 19 (char 18).",
        ),
        (
            "[" * 100_000,
            "Expected a recipe in JSON, got brackets nested too deep.",
        ),
        (b"{}", "Expected a recipe as JSON text, got bytes."),
        (None, "Expected a recipe as JSON text, got NoneType."),
        ("[]", f"Expected a recipe with the fields {FIELDS}, got '[]'."),
        ("null", f"Expected a recipe with the fields {FIELDS}, got 'null'."),
        (
            '{"version": 2}',
            f"Expected a recipe with the fields {FIELDS}, got '{{\"version\": 2}}'.",
        ),
        (
            '{"features": "color"}',
            "Expected a list of features in the recipe, got 'color'.",
        ),
        (
            '{"features": {"kind": "color"}}',
            "Expected a list of features in the recipe, got {'kind': 'color'}.",
        ),
        (
            '{"features": ["color"]}',
            "Expected a feature as its kind and settings, got 'color'.",
        ),
        (
            '{"features": [{"kind": "color", "weight": NaN}]}',
            "Expected the weight of color to be a number from 0, got nan.",
        ),
        ('{"tol": 1e999}', "Expected tol to be a number from 0, got inf."),
        (
            '{"n_components": 4.0}',
            "Expected n_components to be a whole number from 1 to 255, got 4.0.",
        ),
        (
            '{"covariance_type": ["full"]}',
            "Expected covariance_type to be one of ('full', 'tied', 'diag', "
            "'spherical'), got ['full'].",
        ),
    ],
)
def test_damaged_text_is_refused(text, sentence):
    with pytest.raises(ValueError) as caught:
        Recipe.from_json(text)
    assert str(caught.value) == sentence


def test_numbers_of_too_many_digits_are_refused():
    with pytest.raises(ValueError) as caught:
        Recipe.from_json('{"random_state": ' + "1" * 10_000 + "}")
    assert str(caught.value).startswith(
        "Expected a recipe in JSON, got text that is not JSON: Exceeds the limit"
    )


RANGES = {
    "n_components": (1, 255),
    "random_state": (0, 2**32 - 1),
    "max_iter": (1, 2**31 - 1),
}


@pytest.mark.parametrize("name", RANGES)
def test_whole_numbers_have_their_range(name):
    low, high = RANGES[name]
    for value in (low, high):
        assert getattr(Recipe(**{name: value}), name) == value
    for value in (low - 1, high + 1, 4.0, "4", None, True, [4], np.array([4, 5])):
        with pytest.raises(ValueError) as caught:
            Recipe(**{name: value})
        assert str(caught.value) == (
            f"Expected {name} to be a whole number from {low} to {high}, got {value!r}."
        )


@pytest.mark.parametrize(
    ("name", "numbers"),
    [("tol", "a number from 0"), ("reg_covar", "a number from 0 to 1e+30")],
)
def test_tolerance_and_regularization_are_numbers_from_0(name, numbers):
    assert getattr(Recipe(**{name: 0}), name) == 0
    for value in (-1e-9, np.nan, np.inf, "1", None, True, 10**400):
        with pytest.raises(ValueError) as caught:
            Recipe(**{name: value})
        assert (
            str(caught.value) == f"Expected {name} to be {numbers}, got {value!r:.80}."
        )


@pytest.mark.parametrize("dtype", [np.uint8, np.float64])
def test_the_largest_regularization_can_be_fitted(dtype):
    image = np.array([[0, 1, 9, 8]], dtype)
    clustering = cluster(image, 2, reg_covar=1e30)
    assert np.isfinite(clustering.mixture.covariances_).all()
    with pytest.raises(ValueError) as caught:
        cluster(image, 2, reg_covar=1e308)
    assert str(caught.value) == (
        "Expected reg_covar to be a number from 0 to 1e+30, got 1e+308."
    )


@pytest.mark.parametrize("value", ["Full", "", None, 1, ["full"]])
def test_choices_are_closed(value):
    with pytest.raises(ValueError) as caught:
        Recipe(covariance_type=value)
    assert str(caught.value) == (
        "Expected covariance_type to be one of ('full', 'tied', 'diag', 'spherical'), "
        f"got {value!r}."
    )
    with pytest.raises(ValueError) as caught:
        Recipe(scaling=value)
    assert str(caught.value) == (
        f"Expected scaling to be one of ('group', 'raw'), got {value!r}."
    )


@pytest.mark.parametrize(
    ("features", "shown"),
    [
        ("color", "'color'"),
        (["color"], "'color'"),
        (None, "None"),
        (Color, "<class 'napari_pixel_mixtures.features.color.Color'>"),
        ([Color(), None], "None"),
    ],
)
def test_what_is_no_feature_is_refused(features, shown):
    with pytest.raises(ValueError) as caught:
        Recipe(features=features)
    assert str(caught.value) == (
        "Expected features such as Color(), Position() or AnchorDistance(), got "
        f"{shown}."
    )
