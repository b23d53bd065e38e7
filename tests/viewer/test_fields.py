"""Fields and recipes: one stands for the other."""

from dataclasses import fields

import pytest

from napari_pixel_mixtures.features import AnchorDistance, Color, Position
from napari_pixel_mixtures.recipe import Recipe
from napari_pixel_mixtures.viewer.fields import (
    DEFAULT_N_ANCHORS,
    FIELDS,
    edited,
    values,
)

SETTINGS = {
    "n_components": 30,
    "covariance_type": "tied",
    "position": True,
    "distance": True,
    "scaling": "raw",
    "random_state": 7,
    "tol": 0.25,
    "max_iter": 9,
    "reg_covar": 0.5,
    "init_params": "random",
}


def test_the_names_of_the_issue():
    assert set(FIELDS) >= {
        "n_components",
        "covariance_type",
        "color",
        "position",
        "distance",
        "n_anchors",
        "scaling",
        "random_state",
    }


def test_every_field_has_a_label_and_a_sentence():
    for name, field in FIELDS.items():
        assert field["label"], name
        assert field["tooltip"].endswith("."), name


def test_values_come_back():
    recipe = edited(Recipe(), n_anchors=5, **SETTINGS)
    assert values(recipe) == {**SETTINGS, "color": True, "n_anchors": 5}
    assert set(values(recipe)) == set(FIELDS)


def test_the_features_of_the_notebook():
    recipe = edited(Recipe(), 6, scaling="raw", distance=True)
    assert recipe.features == (Color(), AnchorDistance(n=6, seed=0, weight=1 / 5000))
    recipe = edited(recipe, 6, scaling="raw", distance=False, position=True)
    assert recipe.features == (Color(), Position())


def test_grouped_distances_weigh_as_much_as_colors():
    recipe = edited(Recipe(), 6, scaling="raw", distance=True)
    recipe = edited(recipe, 6, scaling="group")
    assert recipe.features == (Color(), AnchorDistance(n=6, seed=0, weight=1.0))


def test_the_seed_also_seeds_the_places():
    recipe = edited(Recipe(), 6, distance=True, random_state=3)
    assert recipe.features[-1] == AnchorDistance(n=6, seed=3)


def test_what_no_field_shows_stays():
    anchors = ((1.0, 2.0), (3.0, 4.0))
    features = (Color(weight=2.0), AnchorDistance(anchors=anchors, weight=0.5))
    recipe = edited(Recipe(features=features), 2, n_components=3, scaling="raw")
    assert recipe.features == features
    assert recipe.n_components == 3
    hidden = {f.name for f in fields(Recipe)} - set(FIELDS) - {"features"}
    for name in hidden:
        assert getattr(recipe, name) == getattr(Recipe(), name)


@pytest.mark.parametrize(
    ("n_anchors", "changes"),
    [(5, {"n_anchors": 5}), (2, {"random_state": 3})],
    ids=["n", "seed"],
)
def test_another_number_or_seed_draws_other_places(n_anchors, changes):
    given = AnchorDistance(anchors=((1.0, 2.0), (3.0, 4.0)))
    recipe = edited(Recipe(features=(Color(), given)), n_anchors, **changes)
    seed = changes.get("random_state", 0)
    assert recipe.features[1] == AnchorDistance(n=n_anchors, seed=seed)


def test_settings_of_a_feature_stay_when_others_change():
    features = (AnchorDistance(n=4, seed=3), Color(weight=2.0), Color(weight=3.0))
    before = Recipe(features=features, scaling="raw")
    after = edited(before, n_components=7)
    assert after.n_components == 7
    assert set(after.features) == set(features) and len(after.features) == 3


def test_the_order_of_features_does_not_depend_on_the_order_of_clicks():
    recipe = edited(edited(Recipe(), position=True), color=False)
    assert edited(recipe, color=True) == edited(Recipe(), position=True)


def test_the_number_of_places_shows_only_with_distance():
    assert "n_anchors" not in values(Recipe())
    assert values(Recipe(features=(AnchorDistance(n=4),)))["n_anchors"] == 4
    assert FIELDS["n_anchors"]["min"] <= DEFAULT_N_ANCHORS <= FIELDS["n_anchors"]["max"]


@pytest.mark.parametrize("name", ["n_components", "tol", "max_iter", "reg_covar"])
def test_bounds_are_allowed(name):
    for bound in ("min", "max"):
        recipe = edited(Recipe(), 6, **{name: FIELDS[name][bound]})
        assert getattr(recipe, name) == FIELDS[name][bound]
