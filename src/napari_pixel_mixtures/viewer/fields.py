"""The widgets' fields: bounds, titles and tooltips, declared once; a pure edit."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, TypeVar

from napari_pixel_mixtures.features import AnchorDistance, Color, Feature, Position
from napari_pixel_mixtures.recipe import (
    COVARIANCE_TYPES,
    MAX_COMPONENTS,
    STARTS,
    Recipe,
)

_Kind = TypeVar("_Kind", bound=Feature)

# The notebook that this plugin grew out of divides raw distances by 5000.
RAW_DISTANCE_WEIGHT = 1 / 5000

FEATURE_FIELDS: dict[str, type[Feature]] = {
    "color": Color,
    "position": Position,
    "distance": AnchorDistance,
}

DEFAULT_N_ANCHORS = 6

FIELDS: dict[str, dict[str, Any]] = {
    "n_components": {
        "label": "Components",
        "widget_type": "Slider",
        "min": 1,
        "max": MAX_COMPONENTS,
        "tooltip": "Number of clusters: how many Gaussians the mixture has. More "
        "of them follow finer differences, and take longer.",
    },
    "covariance_type": {
        "label": "Covariance",
        "choices": COVARIANCE_TYPES,
        "tooltip": "The shape that clusters may have: full, any ellipsoid each; tied, "
        "one ellipsoid for all; diag, ellipsoids along the axes; spherical, balls. It "
        "matters most where channels go together, as brightness does in R, G and B.",
    },
    "color": {
        "label": "Color",
        "tooltip": "Cluster by color, or by all channels of the image.",
    },
    "position": {
        "label": "Position",
        "tooltip": "Cluster also by where a pixel lies (X, Y, and Z of a volume): "
        "clusters become places as well as colors.",
    },
    "distance": {
        "label": "Distance",
        "tooltip": "Cluster also by the distances of a pixel to random places in the "
        "image, a softer kind of position.",
    },
    "n_anchors": {
        "label": "Places",
        "min": 1,
        "max": 50,
        "tooltip": "Number of random places for Distance; it matters only while "
        "Distance is on.",
    },
    "scaling": {
        "label": "Scaling",
        "choices": ("group", "raw"),
        "tooltip": "group divides each feature by its spread, so that they compare; "
        "raw keeps native units (distances are divided by 5000). It matters for "
        "spherical clusters: full, tied and diag ones adapt to any scale by "
        "themselves, so for them only the start and the regularization feel it.",
    },
    "random_state": {
        "label": "Seed",
        "min": 0,
        "max": 2**31 - 1,
        "tooltip": "Seed of the start and of the random places: the same seed gives "
        "the same labels. Try another where you suspect a poor local optimum.",
    },
    "tol": {
        "label": "Tolerance",
        "min": 0.0,
        "max": 1.0,
        "step": 1e-5,
        "tooltip": "The fit has converged when the mean log-likelihood rises by less. "
        "Smaller is more exact and slower.",
    },
    "max_iter": {
        "label": "Iterations",
        "min": 1,
        "max": 100_000,
        "tooltip": "Largest number of iterations. Raise it when a fit stops before it "
        "has converged.",
    },
    "init_params": {
        "label": "Start",
        "choices": STARTS,
        "tooltip": "Where the fit begins: subsample, the best of several short fits to "
        "some pixels, is the fastest and most reliable; the others are scikit-learn's, "
        "and show how EM finds its way from a poor start.",
    },
    "reg_covar": {
        "label": "Regularization",
        "min": 0.0,
        "max": 1e6,
        "step": 1e-7,
        "tooltip": "Added to every variance, in squared units of the scaled features. "
        "Raise it where a cluster shrinks to very few colors.",
    },
}


def values(recipe: Recipe) -> dict[str, Any]:
    """Give the value of every field for a recipe.

    `n_anchors` is left out where the recipe has no distance.
    """
    shown = {
        f.name: getattr(recipe, f.name) for f in fields(recipe) if f.name in FIELDS
    }
    distance = _find(recipe, AnchorDistance)
    for name, kind in FEATURE_FIELDS.items():
        shown[name] = _find(recipe, kind) is not None
    if distance is not None:
        shown["n_anchors"] = distance.n
    return shown


def edited(
    recipe: Recipe, default_anchors: int = DEFAULT_N_ANCHORS, **changes: Any
) -> Recipe:
    """Give the recipe after fields were changed to other values.

    `default_anchors` is the number of places where the recipe has no distance yet.

    What no field shows, such as the weights of features, stays as it is.

    Raises
    ------
    ValueError
        A value is out of its range.
    """
    shown = values(recipe) | changes
    shown.pop("n_anchors", None)
    features: list[Feature] = []
    for name, kind in FEATURE_FIELDS.items():
        if shown.pop(name):
            features += [f for f in recipe.features if type(f) is kind] or [kind()]
    known = tuple(FEATURE_FIELDS.values())
    features += [f for f in recipe.features if not isinstance(f, known)]
    n_anchors = changes.get("n_anchors", default_anchors)
    new_places = {"n_anchors", "random_state"} & changes.keys()
    new_weight = {"distance", "scaling"} & changes.keys()
    weight = RAW_DISTANCE_WEIGHT if shown["scaling"] == "raw" else 1.0
    for i, feature in enumerate(features):
        if not isinstance(feature, AnchorDistance):
            continue
        if new_places or feature not in recipe.features:
            # Other random places, in place of any that were dragged.
            seed = shown["random_state"]
            feature = replace(feature, n=n_anchors, seed=seed, anchors=None)
        if new_weight and feature.weight in (1.0, RAW_DISTANCE_WEIGHT):
            feature = replace(feature, weight=weight)
        features[i] = feature
    return replace(recipe, features=tuple(features), **shown)


def _find(recipe: Recipe, kind: type[_Kind]) -> _Kind | None:
    return next((f for f in recipe.features if isinstance(f, kind)), None)
