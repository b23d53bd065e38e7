"""Recipes over every kind of feature come back from JSON and give the same bits."""

import numpy as np
import pytest

from cases import china
from napari_pixel_mixtures import (
    Color,
    Companion,
    Expression,
    Model,
    Picture,
    Position,
    Recipe,
    to_python,
)
from napari_pixel_mixtures.clustering import cluster_steps
from napari_pixel_mixtures.features import Feature
from napari_pixel_mixtures.progress import run

PICTURE = china()[::8, ::8]
DEPTH = np.hypot(*np.indices(PICTURE.shape[:2]) - 30.0)
KINDS = [
    kind
    for kind in Feature.registry.values()
    if kind.__module__.startswith("napari_pixel_mixtures")
]
# What has no default that measures something.
GIVEN = {Companion: {"name": "depth"}, Expression: {"text": "R - G"}}


def recipe_of(kind):
    """A recipe with the kind and another one, and no setting as it is by default."""
    first = kind(**GIVEN.get(kind, {}), influence=0.6)
    other = Position("X") if kind is not Position else Color()
    return Recipe(
        n_components=3,
        covariance_type="diag",
        features=[first, other],
        scaling="raw",
        random_state=5,
        max_iter=30,
        tol=1e-4,
        reg_covar=1e-5,
        smoothing=0.7,
    )


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
@pytest.mark.filterwarnings("ignore:The fit stopped")
def test_replayed_bit_for_bit(kind):
    recipe = recipe_of(kind)
    picture = Picture.from_array(PICTURE, companions={"depth": DEPTH})
    first = run(cluster_steps(picture, recipe))
    again = Recipe.from_json(recipe.to_json())
    assert again == recipe
    others = [run(cluster_steps(picture, again))]
    model = Model.from_json(Model.of(first).to_json())
    others += [model.replay(picture), model.apply(picture).clustering]
    names = {"image": PICTURE, "depth": DEPTH}
    exec(to_python(first, companions={"depth": "depth"}), names)
    others.append(names["clustering"])
    for other in others:
        assert other.labels.tobytes() == first.labels.tobytes()
        assert other.mixture.means_.tobytes() == first.mixture.means_.tobytes()
    assert {type(group.feature) for group in first.groups} >= {kind}
