"""Recipe: all that replays a clustering, given its picture."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from math import isfinite
from numbers import Integral, Real
from typing import Any

from .features import SCALINGS, Color, Feature

COVARIANCE_TYPES = ("full", "tied", "diag", "spherical")
MAX_COMPONENTS = 255  # labels are uint8, and 0 means "no cluster"


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Features, scaling, model settings and seed.

    Attributes
    ----------
    n_components : int
        Number of clusters, K: 1 to 255.
    covariance_type : {"full", "tied", "diag", "spherical"}
        The shape that clusters may have: any ellipsoid each; one ellipsoid for all;
        ellipsoids along the axes; balls.
    features : tuple of Feature
    scaling : {"group", "raw"}
        Whether each feature is divided by its pooled standard deviation.
    random_state : int
        Seed of the start.
    tol : float
        The fit has converged when the mean log-likelihood rises by less.
    max_iter : int
        Largest number of EM iterations.
    reg_covar : float
        Added to every variance, in squared feature units.

    Raises
    ------
    ValueError
        A setting is out of its range.
    """

    n_components: int = 4
    covariance_type: str = "full"
    features: tuple[Feature, ...] = (Color(),)
    scaling: str = "group"
    random_state: int = 0
    tol: float = 1e-3
    max_iter: int = 200
    reg_covar: float = 1e-6

    def __post_init__(self) -> None:
        """Check every setting; lists of features become tuples."""
        features = self.features
        if isinstance(features, Feature):
            features = (features,)
        object.__setattr__(self, "features", tuple(features))
        for feature in self.features:
            if not isinstance(feature, Feature):
                raise ValueError(
                    "Expected features such as Color(), Position() or "
                    f"AnchorDistance(), got {feature!r}."
                )
        _check_whole("n_components", self.n_components, 1, MAX_COMPONENTS)
        _check_whole("random_state", self.random_state, 0, 2**32 - 1)
        _check_whole("max_iter", self.max_iter, 1, 2**31 - 1)
        _check_number("tol", self.tol)
        _check_number("reg_covar", self.reg_covar)
        _check_choice("covariance_type", self.covariance_type, COVARIANCE_TYPES)
        _check_choice("scaling", self.scaling, SCALINGS)

    def to_json(self) -> str:
        """Write the recipe as JSON text."""
        features = [feature.to_json() for feature in self.features]
        return json.dumps(asdict(self) | {"features": features})

    @classmethod
    def from_json(cls, text: str) -> Recipe:
        """Read what `to_json` wrote.

        Raises
        ------
        ValueError
            The text is not JSON, or not a recipe.

        Examples
        --------
        >>> recipe = Recipe(n_components=10)
        >>> Recipe.from_json(recipe.to_json()) == recipe
        True
        """
        try:
            data = json.loads(text)
        except json.JSONDecodeError as error:
            raise ValueError(f"Expected a recipe in JSON, got {error}.") from error
        known = {f.name for f in fields(cls)}
        if not isinstance(data, dict) or not data.keys() <= known:
            raise ValueError(
                f"Expected a recipe with the fields {sorted(known)}, got {text[:80]!r}."
            )
        settings: dict[str, Any] = dict(data)
        if "features" in settings:
            try:
                features = tuple(Feature.from_json(f) for f in settings["features"])
            except (TypeError, AttributeError) as error:
                raise ValueError(
                    f"Expected a list of features in the recipe, got {error}."
                ) from error
            settings["features"] = features
        return cls(**settings)


def _check_whole(name: str, value: object, low: int, high: int) -> None:
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not (whole and low <= value <= high):  # type: ignore[operator]
        raise ValueError(
            f"Expected {name} to be a whole number from {low} to {high}, got {value!r}."
        )


def _check_number(name: str, value: object) -> None:
    number = isinstance(value, Real) and not isinstance(value, bool)
    if not (number and isfinite(value) and value >= 0):  # type: ignore[arg-type,operator]
        raise ValueError(f"Expected {name} to be a number from 0, got {value!r}.")


def _check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"Expected {name} to be one of {choices}, got {value!r}.")
