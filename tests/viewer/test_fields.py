"""Fields and recipes: one stands for the other."""

import pytest

from napari_pixel_mixtures.features import AnchorDistance, Color, Companion, Position
from napari_pixel_mixtures.recipe import Recipe
from napari_pixel_mixtures.viewer.fields import (
    FIELDS,
    RAW_DISTANCE_WEIGHT,
    added,
    edited,
    values,
)

SETTINGS = {
    "n_components": 30,
    "covariance_type": "tied",
    "scaling": "raw",
    "random_state": 7,
    "tol": 0.25,
    "max_iter": 9,
    "reg_covar": 0.5,
    "init_params": "random",
    "smoothing": 2.5,
}


def test_every_field_has_a_label_and_a_sentence():
    for name, field in FIELDS.items():
        assert field["label"], name
        assert field["tooltip"].endswith("."), name


def test_values_come_back():
    assert values(edited(Recipe(), **SETTINGS)) == SETTINGS
    assert set(SETTINGS) == set(FIELDS)


def test_the_features_of_the_notebook():
    recipe = added(edited(Recipe(), scaling="raw"), AnchorDistance)
    assert recipe.features == (Color(), AnchorDistance(n=6, seed=0, weight=1 / 5000))
    recipe = added(edited(Recipe(), scaling="raw"), Position)
    assert recipe.features == (Color(), Position())


def test_grouped_distances_weigh_as_much_as_colors():
    recipe = added(edited(Recipe(), scaling="raw"), AnchorDistance)
    recipe = edited(recipe, scaling="group")
    assert recipe.features == (Color(), AnchorDistance(n=6, seed=0, weight=1.0))
    assert edited(recipe, scaling="raw").features[1].weight == RAW_DISTANCE_WEIGHT


def test_a_weight_of_one_s_own_stays_with_another_scaling():
    features = (Color(weight=1.0), AnchorDistance(weight=0.5))
    recipe = edited(Recipe(features=features), scaling="raw")
    assert recipe.features == features


def test_the_seed_also_seeds_the_places():
    recipe = added(edited(Recipe(), random_state=3), AnchorDistance)
    assert recipe.features[-1] == AnchorDistance(n=6, seed=3)
    recipe = edited(added(recipe, AnchorDistance), random_state=8)
    assert recipe.features[1:] == (AnchorDistance(seed=8), AnchorDistance(seed=9))


def test_another_seed_draws_other_places():
    given = AnchorDistance(anchors=((1.0, 2.0), (3.0, 4.0)))
    recipe = edited(Recipe(features=(Color(), given)), random_state=3)
    assert recipe.features[1] == AnchorDistance(n=2, seed=3)


def test_what_no_field_shows_stays():
    anchors = ((1.0, 2.0), (3.0, 4.0))
    features = (
        Color(weight=2.0, influence=0.5),
        AnchorDistance(anchors=anchors, weight=0.5, on=False),
        Color(weight=3.0),
    )
    recipe = edited(Recipe(features=features), n_components=3, tol=0.5)
    assert recipe == Recipe(features=features, n_components=3, tol=0.5)


def test_the_same_feature_is_not_added_twice():
    assert added(Recipe(features=(Color(weight=2.0, on=False),)), Color) is None
    recipe = Recipe()
    for _ in range(3):
        recipe = added(recipe, AnchorDistance)
    assert [f.seed for f in recipe.features[1:]] == [0, 1, 2]


def test_choices_of_the_picture_are_taken_in_turn():
    among = {"companions": ["depth", "heat"]}
    recipe = Recipe(features=())
    for _ in range(2):
        recipe = added(recipe, Companion, among)
    assert recipe.features == (Companion("depth"), Companion("heat"))
    assert added(recipe, Companion, among) is None
    # Without other images there is one that can be chosen later.
    assert added(Recipe(), Companion).features[1] == Companion()


@pytest.mark.parametrize(
    "name", ["n_components", "tol", "max_iter", "reg_covar", "smoothing"]
)
def test_bounds_are_allowed(name):
    for bound in ("min", "max"):
        recipe = edited(Recipe(), **{name: FIELDS[name][bound]})
        assert getattr(recipe, name) == FIELDS[name][bound]
