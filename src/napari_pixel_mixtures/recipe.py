"""Recipe: all that replays a clustering, given its picture."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Any

from .features import SCALINGS, Color, Feature
from .features.checks import MAX_SEED, choice, not_negative, whole, within

COVARIANCE_TYPES = ("full", "tied", "diag", "spherical")
STARTS = ("subsample", "kmeans", "k-means++", "random", "random_from_data")
MAX_SMOOTHING = 100  # pixels
MAX_REG_COVAR = 1e30  # what float32 can hold, also summed
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
        Added to every variance, in squared feature units: 0 to 1e30.
    init_params : {"subsample", "kmeans", "k-means++", "random", "random_from_data"}
        The start: the best of several short fits to some samples, or one of
        scikit-learn's starts.
    smoothing : float
        Labels come from responsibilities blurred by a Gaussian of this standard
        deviation in pixels, 0 to 100; from each pixel's own if 0.

    Raises
    ------
    ValueError
        A setting is out of its range.

    Examples
    --------
    >>> from napari_pixel_mixtures import Color, Position, Recipe
    >>> recipe = Recipe(n_components=10, features=[Color(), Position(weight=0.5)])
    >>> recipe.features
    (Color(), Position(weight=0.5))
    """

    n_components: int = 4
    covariance_type: str = "full"
    features: tuple[Feature, ...] = (Color(),)
    scaling: str = "group"
    random_state: int = 0
    tol: float = 1e-3
    max_iter: int = 200
    reg_covar: float = 1e-6
    init_params: str = "subsample"
    smoothing: float = 0.0

    def __post_init__(self) -> None:
        """Check every setting; lists become tuples, numpy's numbers Python's."""
        checked = {
            "features": _as_features(self.features),
            "n_components": whole("n_components", self.n_components, 1, MAX_COMPONENTS),
            "random_state": whole("random_state", self.random_state, 0, MAX_SEED),
            "max_iter": whole("max_iter", self.max_iter, 1, 2**31 - 1),
            "tol": not_negative("tol", self.tol),
            "reg_covar": within("reg_covar", self.reg_covar, 0, MAX_REG_COVAR),
            "smoothing": within("smoothing", self.smoothing, 0, MAX_SMOOTHING),
            "covariance_type": choice(
                "covariance_type", self.covariance_type, COVARIANCE_TYPES
            ),
            "scaling": choice("scaling", self.scaling, SCALINGS),
            "init_params": choice("init_params", self.init_params, STARTS),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)

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
        data = parse_json("a recipe", text)
        known = {f.name for f in fields(cls)}
        if not isinstance(data, dict) or not data.keys() <= known:
            raise ValueError(
                f"Expected a recipe with the fields {sorted(known)}, got {text[:80]!r}."
            )
        settings: dict[str, Any] = dict(data)
        if "features" in settings:
            found = settings["features"]
            if not isinstance(found, list):
                raise ValueError(
                    f"Expected a list of features in the recipe, got {found!r:.80}."
                )
            settings["features"] = tuple(Feature.from_json(f) for f in found)
        return cls(**settings)


def parse_json(what: str, text: object, **options: Any) -> Any:
    """Read JSON text.

    Parameters
    ----------
    what : str
        What it should be, in an error.
    text : str
    **options
        As for `json.loads`.

    Raises
    ------
    ValueError
        The text is not JSON.
    """
    if not isinstance(text, str):
        raise ValueError(f"Expected {what} as JSON text, got {type(text).__name__}.")
    try:
        return json.loads(text, **options)
    except RecursionError:
        raise ValueError(
            f"Expected {what} in JSON, got brackets nested too deep."
        ) from None
    except ValueError as error:  # also for numbers of too many digits
        raise ValueError(
            f"Expected {what} in JSON, got text that is not JSON: {error}."
        ) from error


def _as_features(features: object) -> tuple[Feature, ...]:
    """Give one feature, or some, as a tuple."""
    if isinstance(features, Feature):
        return (features,)
    found: list[Any] = [features]
    if isinstance(features, Iterable) and not isinstance(features, str):
        found = list(features)
    for feature in found:
        if not isinstance(feature, Feature):
            raise ValueError(
                "Expected features such as Color(), Position() or "
                f"AnchorDistance(), got {feature!r}."
            )
    return tuple(found)
