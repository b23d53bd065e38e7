"""to_python: lines of Python that give the same labels in the console."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from . import features
from .classes import Classes
from .clustering import mask_of
from .features.channel_axes import usual_channel_axis
from .json_checks import as_number
from .model_json import pack
from .recipe import Recipe
from .regions import region_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .clusters import Clustering
    from .features import Picture


def to_python(
    clustering: Clustering,
    classes: Classes | None = None,
    threshold: float | None = None,
    image: str = "image",
    mask: str | None = None,
    companions: Mapping[str, str] | None = None,
    regions: Mapping[str, Any] | None = None,
) -> str:
    """Write lines of Python that give the same labels.

    Parameters
    ----------
    clustering : Clustering
    classes : Classes, optional
        By default every component is a class.
    threshold : float, optional
        Pixels with a lower log-density are none of the classes.
    image : str
        What the image's array is called where the lines run, for instance
        ``viewer.layers["china"].data``.
    mask : str, optional
        What the mask's array is called there; by default the lines hold the mask.
    companions : mapping of str to str, optional
        What the arrays of the companions are called there, by their names.
    regions : mapping, optional
        What `Clustering.regions` takes, if segments are wanted as well.

    Returns
    -------
    str
        They make `clustering` and `labels`, and `segments` if these are wanted.

    Raises
    ------
    ValueError
        The clustering was not fitted, but made by a model; save the model instead.
        Or it measures a companion, and nothing says what that is called; or the
        threshold is not a finite number.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_pixel_mixtures import Color, Position, cluster, to_python
    >>> image = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    >>> print(to_python(cluster(image, 3, features=[Color(), Position(weight=0.5)])))
    from napari_pixel_mixtures import cluster
    from napari_pixel_mixtures.features import Color, Position
    <BLANKLINE>
    clustering = cluster(
        image,
        n_components=3,
        features=[Color(), Position(weight=0.5)],
    )
    labels = clustering.labels
    """
    if not clustering.history:
        raise ValueError(
            "Expected a clustering that was fitted to its picture, got one that was "
            "made by a model; save the model, and use Model.load(path).apply(image)."
        )
    names = {("napari_pixel_mixtures", "cluster")}
    named = clustering.recipe.features
    for feature in named if named != Recipe.features else ():
        name = type(feature).__name__
        known = name in features.__all__
        home = features.__name__ if known else type(feature).__module__
        names.add((home, name))
    lines = []
    region = mask_of(clustering) if mask is None else None
    if region is not None:
        names.add(("napari_pixel_mixtures.model_json", "unpack"))
        lines.append(f"mask = unpack({pack(region)!r})")
        mask = "mask"
    source, settings = _source(clustering.picture, image)
    if others := _companions(clustering.recipe, companions or {}):
        settings.append(f"companions={{{others}}}")
    if source != image:
        names.add(("napari_pixel_mixtures.features", "Picture"))
    if mask is not None:
        settings.append(f"mask={mask}")
    lines += [
        "clustering = cluster(",
        *(f"    {a}," for a in [source, *_settings(clustering.recipe), *settings]),
        ")",
    ]
    # The fit gives the largest component the first label; live fits keep numbers.
    order = (-clustering.mixture.weights_).argsort(kind="stable").argsort().tolist()
    if order != sorted(order):
        lines.append(f"clustering = clustering.reordered({order})")
    found = "clustering.labels"
    if threshold is not None:
        names.add(("napari_pixel_mixtures", "Certainty"))
        number = as_number("the threshold", threshold)
        found = f"Certainty(clustering).labels({number!r})"
    if classes is not None:
        names.add(("napari_pixel_mixtures", "Classes"))
        lines += [
            "classes = Classes(",
            *(f"    {f.name}={getattr(classes, f.name)!r}," for f in fields(Classes)),
            ")",
        ]
        found = f"classes.apply({found})"
    lines.append(f"labels = {found}")
    if regions is not None:
        numbers = region_settings(**regions).items()
        said = ", ".join(f"{name}={value!r}" for name, value in numbers)
        lines.append(f"segments = clustering.regions({said})")
    return "\n".join([*_imports(names), "", *lines])


def _imports(names: set[tuple[str, str]]) -> list[str]:
    homes = sorted({home for home, _ in names})
    return [
        f"from {home} import {', '.join(sorted(n for h, n in names if h == home))}"
        for home in homes
    ]


def _source(picture: Picture, image: str) -> tuple[str, list[str]]:
    """Say how the image is read: the array, or a picture; and the channel axis."""
    axis = picture.channel_axis
    ndim = len(picture.shape) + (axis is not None)
    guessed = axis in (-1, ndim - 1) and picture.n_channels in (3, 4)
    about = {
        name: value
        for name in ("names", "scale", "axis_labels", "white")
        if (value := getattr(picture, name)) is not None
    }
    if guessed != picture.rgb:
        about["rgb"] = picture.rgb
    if about:
        said = ", ".join(f"{name}={value!r}" for name, value in about.items())
        return f"Picture.from_array({image}, {axis!r}, {said})", []
    usual = usual_channel_axis(picture.like_array(picture.values).shape)
    return image, [] if axis == usual else [f"channel_axis={axis!r}"]


def _companions(recipe: Recipe, names: Mapping[str, str]) -> str:
    """Say what the arrays of the companions are called, as the items of a dict."""
    used = [f for f in recipe.features if f.used]
    wanted = sorted({f.name for f in used if isinstance(f, features.Companion)})
    if missing := [name for name in wanted if name not in names]:
        raise ValueError(
            f"Expected a name for each of the companions {missing!s:.200}, for lines "
            'cannot hold pictures; give companions={"name": "array"}, or leave out '
            "these features."
        )
    return ", ".join(f"{name!r}: {names[name]}" for name in wanted)


def _settings(recipe: Recipe) -> list[str]:
    """Give the settings that are not the defaults, as arguments."""
    found = []
    for f in fields(Recipe):
        value = getattr(recipe, f.name)
        if value != f.default:
            shown = list(value) if f.name == "features" else value
            found.append(f"{f.name}={shown!r}")
    return found
