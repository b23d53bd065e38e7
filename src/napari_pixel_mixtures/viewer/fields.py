"""The widgets' fields: bounds, titles and tooltips, declared once; pure edits."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from napari_pixel_mixtures.features import AnchorDistance, Feature
from napari_pixel_mixtures.features.checks import MAX_SEED
from napari_pixel_mixtures.presets import RAW_DISTANCE_WEIGHT
from napari_pixel_mixtures.recipe import (
    COVARIANCE_TYPES,
    MAX_COMPONENTS,
    MAX_SMOOTHING,
    STARTS,
    Recipe,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MOST_VARIANTS = 10
NO_CHOICES: Mapping[str, Sequence[Any]] = {}

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
    "smoothing": {
        "label": "Smoothing",
        "min": 0.0,
        "max": MAX_SMOOTHING,
        "step": 0.5,
        "tooltip": "Labels come from probabilities that are blurred over the picture "
        "by so many pixels: larger pieces, smoother borders. 0 for each pixel by "
        "itself.",
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
    """Give the value of every field for a recipe."""
    return {name: getattr(recipe, name) for name in FIELDS}


def edited(recipe: Recipe, **changes: Any) -> Recipe:
    """Give the recipe after fields were changed to other values.

    Another seed deals out random places anew, in place of any that were dragged;
    another scaling brings distances to their usual weight, unless they have one of
    their own.

    Raises
    ------
    ValueError
        A value is out of its range.
    """
    features = []
    n_distances = 0
    for feature in recipe.features:
        if isinstance(feature, AnchorDistance):
            if "random_state" in changes:
                # Several of them shall not share their places.
                seed = (changes["random_state"] + n_distances) % (MAX_SEED + 1)
                feature = feature.with_settings(seed=seed)
            if "scaling" in changes and feature.weight in (1.0, RAW_DISTANCE_WEIGHT):
                weight = _usual_weight(feature, changes["scaling"])
                feature = replace(feature, weight=weight)
            n_distances += 1
        features.append(feature)
    return replace(recipe, features=tuple(features), **changes)


def added(
    recipe: Recipe, kind: type[Feature], among: Mapping[str, Sequence[Any]] = NO_CHOICES
) -> Recipe | None:
    """Give the recipe with a feature more, as a menu adds it.

    `among` has the choices that depend on the picture, by what settings call them.

    Where there is one of this kind with these settings, a setting of the new one is
    changed: its seed if it has one, else the first that can be. None if no setting
    can be, as a second copy would tell the mixture nothing.
    """
    feature = kind()
    if isinstance(feature, AnchorDistance):
        feature = replace(feature, seed=recipe.random_state)
    there = {f.measurement for f in recipe.features}
    feature = replace(feature, weight=_usual_weight(feature, recipe.scaling))
    for candidate in _variants(feature, among):
        if candidate.measurement not in there:
            return replace(recipe, features=(*recipe.features, candidate))
    return None


def _usual_weight(feature: Feature, scaling: str) -> float:
    raw = scaling == "raw" and isinstance(feature, AnchorDistance)
    return RAW_DISTANCE_WEIGHT if raw else 1.0


def choices_of(
    options: Mapping[str, Any], among: Mapping[str, Sequence[Any]]
) -> Sequence[Any] | None:
    """Give the choices of a setting, its own or the picture's; None if it has none."""
    if "among" in options:
        return among.get(options["among"], ())
    found: Sequence[Any] | None = options.get("choices")
    return found


def _variants(
    feature: Feature, among: Mapping[str, Sequence[Any]]
) -> Iterator[Feature]:
    """Give the feature, and some with one setting changed; the seed first."""
    settings = sorted(feature.settings(), key=lambda s: s.name != "seed")
    if not any(among.get(s.metadata.get("among", "")) for s in settings):
        yield feature
    for setting in settings:
        value = getattr(feature, setting.name)
        for other in _other_values(value, setting.metadata, among):
            with suppress(ValueError):
                yield feature.with_settings(**{setting.name: other})


def _other_values(
    value: Any, options: Mapping[str, Any], among: Mapping[str, Sequence[Any]]
) -> Sequence[Any]:
    choices = choices_of(options, among)
    if choices is not None:
        return [choice for choice in choices if choice != value]
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return range(value + 1, value + 1 + MOST_VARIANTS)
    if isinstance(value, float):
        return [value * 2**i for i in range(1, MOST_VARIANTS)]
    return []
