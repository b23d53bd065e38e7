"""A model as JSON text, and back: a damaged or hostile text gives one sentence."""

from __future__ import annotations

import json
import zlib
from base64 import b64decode, b64encode
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from .classes import LONGEST_NAME, Classes, none_label
from .clustering import unfitted
from .features import Feature, FeatureGroup
from .features.checks import as_float, whole, within
from .features.picture_checks import LARGEST_WHITE
from .mixture.covariance import COVARIANCE_TYPES
from .recipe import Recipe, parse_json
from .regions import region_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from .mixture import FastGaussianMixture

FORMAT = "napari-pixel-mixtures model"
VERSION = 3
EARLIER = (1, 2)
# 1 was without regions, or a look of none of these, which had label 0; 2 without white.
LARGEST_FILE = 2**26  # bytes
MOST_PIXELS = 2**30  # of a mask
MOST_AXES = 16
MOST_COLUMNS = 2000  # of features, or channels
LARGEST = 1e300  # of a parameter
FACTORS = (1e-150, 1e150)  # on features, whose values are no larger

FIELDS = {
    "format",
    "version",
    "recipe",
    "features",
    "picture",
    "mixture",
    "numbering",
    "classes",
    "threshold",
    "mask",
    "regions",
    "versions",
}
PICTURE = ("channel_names", "channel_axis", "rgb", "scale", "axis_labels", "white")
ARRAYS = ("weights", "means", "covariances", "precisions_cholesky")


def to_text(model: Mapping[str, Any]) -> str:
    """Write the fields of a model as JSON text, with their checksum."""
    mixture = model["mixture"]
    data = {
        "format": FORMAT,
        "version": VERSION,
        "recipe": json.loads(model["recipe"].to_json()),
        "features": [
            {
                "feature": group.feature.to_json(),
                "columns": group.stop - group.start,
                "factor": group.factor,
            }
            for group in model["groups"]
        ],
        "picture": {name: model[name] for name in PICTURE},
        # Numbers of float32 and float64 come back bit for bit.
        "mixture": {name: getattr(mixture, f"{name}_").tolist() for name in ARRAYS}
        | {
            "dtype": str(mixture.means_.dtype),
            "converged": bool(mixture.converged_),
            "n_iter": int(mixture.n_iter_),
            "lower_bound": float(mixture.lower_bound_),
        },
        "numbering": model["numbering"],
        "classes": model["classes"].to_json(),
        "threshold": model["threshold"],
        "mask": None if model["mask"] is None else pack(model["mask"]),
        "regions": model["regions"],
        "versions": model["versions"],
    }
    return json.dumps(data | {"sha256": _checksum(data)}, allow_nan=False)


def _checksum(data: Mapping[str, Any]) -> str:
    return sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def from_text(text: str) -> dict[str, Any]:
    """Read the fields of a model from JSON text.

    Raises
    ------
    ValueError
        The text is not JSON or not a model, or was damaged.
    """
    data = _parse(text)
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise ValueError(
            f"Expected a model with the format {FORMAT!r}, got {text[:60]!r}; choose "
            "a file that Save wrote."
        )
    if data.get("version") not in (*EARLIER, VERSION):
        raise ValueError(
            f"Expected a model of version {VERSION}, got {data.get('version')!r:.80}; "
            "it may come from a newer version of the plugin."
        )
    checksum = data.pop("sha256", None)
    later = {"regions"} if data["version"] < 2 else set()
    _check_fields("a model", data, FIELDS - later)
    if checksum != _checksum(data):
        raise ValueError(
            "Expected a model as it was saved, got one that was changed since: its "
            "checksum differs; load another copy."
        )
    recipe = Recipe.from_json(json.dumps(data["recipe"]))
    groups = _groups(data["features"])
    mixture = _mixture(data["mixture"], recipe, groups)
    classes = Classes.from_json(data["classes"])
    k = recipe.n_components
    if classes.n_components != k:
        raise ValueError(
            f"Expected classes of {k} components in the model, got "
            f"{classes.n_components}."
        )
    threshold = data["threshold"]
    if threshold is not None:
        threshold = as_number("the threshold", threshold)
        none_label(k)
    return {
        "recipe": recipe,
        "groups": groups,
        "mixture": mixture,
        "numbering": _numbering(data["numbering"], k),
        "classes": classes,
        "threshold": threshold,
        **_picture(data["picture"], {"white"} if data["version"] < 3 else set()),
        "mask": None if data["mask"] is None else unpack(data["mask"]),
        "regions": _regions(data.get("regions")),
        "versions": _versions(data["versions"]),
    }


def _parse(text: object) -> Any:
    if isinstance(text, str) and len(text) > LARGEST_FILE:
        raise ValueError(
            f"Expected a model of at most {LARGEST_FILE} characters, got {len(text)}."
        )
    return parse_json("a model", text, parse_constant=_refuse)


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _check_fields(what: str, data: object, fields: set[str]) -> Any:
    """Refuse what is not a mapping with these fields."""
    if not isinstance(data, dict) or data.keys() != fields:
        found = sorted(data) if isinstance(data, dict) else data
        raise ValueError(
            f"Expected {what} with the fields {sorted(fields)}, got {found!r:.80}."
        )
    return data


def as_number(name: str, value: object) -> float:
    """Give a finite number as float.

    Raises
    ------
    ValueError
        The value is not such a number.
    """
    number = as_float(value)
    if not abs(number) <= LARGEST:
        raise ValueError(f"Expected {name} to be a finite number, got {value!r:.80}.")
    return number


def _list(name: str, values: object, low: int, high: int) -> list[Any]:
    if not isinstance(values, list) or not low <= len(values) <= high:
        raise ValueError(
            f"Expected {name} as a list of {low} to {high}, got {values!r:.80}."
        )
    return values


def _name(what: str, name: object) -> str:
    if not isinstance(name, str) or not len(name) <= LONGEST_NAME:
        raise ValueError(
            f"Expected {what} of up to {LONGEST_NAME} characters, got {name!r:.80}."
        )
    return name


def _groups(data: object) -> tuple[FeatureGroup, ...]:
    groups: list[FeatureGroup] = []
    start = 0
    for entry in _list("the features of the model", data, 1, MOST_COLUMNS):
        _check_fields("a feature", entry, {"feature", "columns", "factor"})
        columns = whole("the columns of a feature", entry["columns"], 1, MOST_COLUMNS)
        factor = within("the factor of a feature", entry["factor"], *FACTORS)
        feature = Feature.from_json(entry["feature"])
        if not feature.used:
            raise ValueError(
                "Expected features of the model that are on, with a weight and "
                f"influence above 0, got {feature!r:.80}."
            )
        if groups and feature.influence > groups[-1].feature.influence:
            raise ValueError(
                "Expected the features of the model in the order of falling influence, "
                f"got {feature!r:.80} after {groups[-1].feature!r:.80}."
            )
        groups.append(FeatureGroup(feature, start, start + columns, factor))
        start += columns
    whole("the columns of all features", start, 1, MOST_COLUMNS)
    return tuple(groups)


def _picture(data: object, later: set[str]) -> dict[str, Any]:
    _check_fields("a picture", data, set(PICTURE) - later)
    assert isinstance(data, dict)
    names = _list("the channel names", data["channel_names"], 1, MOST_COLUMNS)
    axis, rgb = data["channel_axis"], data["rgb"]
    if not isinstance(rgb, bool):
        raise ValueError(f"Expected rgb to be true or false, got {rgb!r:.80}.")
    if axis is not None:
        axis = whole("channel_axis", axis, -MOST_AXES, MOST_AXES)
    scale, labels = data["scale"], data["axis_labels"]
    if scale is not None:
        sizes = _list("the scale", scale, 1, MOST_AXES)
        scale = tuple(within("the scale", size, 1e-30, 1e30) for size in sizes)
    if labels is not None:
        found = _list("the axis labels", labels, 1, MOST_AXES)
        labels = tuple(_name("an axis label", label) for label in found)
    white = data.get("white")
    if white is not None:
        white = within("white", white, 1, LARGEST_WHITE)
    return {
        "channel_names": tuple(_name("a channel name", name) for name in names),
        "channel_axis": axis,
        "rgb": rgb,
        "scale": scale,
        "axis_labels": labels,
        "white": white,
    }


def _numbering(data: object, k: int) -> tuple[int, ...]:
    numbers = _list("the numbering of the components", data, k, k)
    found = tuple(whole("a component", number, 0, k - 1) for number in numbers)
    if len(set(found)) != k:
        raise ValueError(
            f"Expected every component once in the numbering, got {data!r:.80}."
        )
    return found


def _regions(data: object) -> dict[str, Any] | None:
    if data is None:
        return None
    return region_settings(
        **_check_fields("the settings of regions", data, {"min_size", "contrast"})
    )


def _versions(data: object) -> dict[str, str]:
    if not isinstance(data, dict) or len(data) > 100:
        raise ValueError(f"Expected versions by package, got {data!r:.80}.")
    return {
        _name("a package", key): _name("a version", value)
        for key, value in data.items()
    }


def _mixture(
    data: object, recipe: Recipe, groups: tuple[FeatureGroup, ...]
) -> FastGaussianMixture:
    """Read the fitted parameters, and check that they are those of a mixture."""
    d = groups[-1].stop
    others = {"dtype", "converged", "n_iter", "lower_bound"}
    _check_fields("a mixture", data, {*ARRAYS, *others})
    assert isinstance(data, dict)
    if data["dtype"] not in ("float32", "float64"):
        raise ValueError(
            "Expected parameters of type 'float32' or 'float64', got "
            f"{data['dtype']!r:.80}."
        )
    if not isinstance(data["converged"], bool):
        raise ValueError(
            f"Expected converged to be true or false, got {data['converged']!r:.80}."
        )
    kind, k = COVARIANCE_TYPES[recipe.covariance_type], recipe.n_components
    shapes = {"weights": (k,), "means": (k, d)}
    dtype = np.dtype(data["dtype"])
    found = {
        name: _array(name, data[name], shapes.get(name, kind.shape(k, d)), dtype)
        for name in ARRAYS
    }
    weights = found["weights"].astype(np.float64)
    if weights.min() < 0 or abs(weights.sum() - 1) > 1e-3:
        raise ValueError(
            "Expected weights of components from 0 that sum to 1, got the sum "
            f"{weights.sum():.5g} and the smallest {weights.min():.5g}."
        )
    cholesky = found["precisions_cholesky"].astype(np.float64)
    covariances = found["covariances"].astype(np.float64)
    with np.errstate(all="ignore"):
        precisions = kind.precisions(found["precisions_cholesky"])
        factors = kind.factors(cholesky, k)
        triangles = factors.ndim == 3
        diagonals = np.diagonal(factors, axis1=1, axis2=2) if triangles else factors
        sound = bool((np.isfinite(diagonals) & (diagonals > 0)).all())
        if triangles:
            sound &= np.array_equal(cholesky, np.triu(cholesky))
            sound &= _positive_definite(covariances.reshape(-1, d, d), dtype)
        else:
            sound &= bool((covariances > 0).all())
    if not sound:
        raise ValueError(
            f"Expected {recipe.covariance_type} covariances that are "
            f"{kind.demand}, got others; load another copy of the model."
        )
    mixture = unfitted(recipe, groups)
    for name, values in found.items():
        setattr(mixture, f"{name}_", values)
    mixture.precisions_ = precisions
    mixture.converged_ = data["converged"]
    mixture.n_iter_ = whole("n_iter", data["n_iter"], 0, 2**31 - 1)
    mixture.lower_bound_ = as_number("the lower bound", data["lower_bound"])
    mixture.n_features_in_ = d
    return mixture


def _positive_definite(matrices: NDArray[np.float64], dtype: np.dtype[Any]) -> bool:
    """Whether matrices are symmetric, positive-definite, but for rounding to a type."""
    symmetric = (matrices + matrices.transpose(0, 2, 1)) / 2
    if not np.allclose(matrices, symmetric, rtol=1e-3):
        return False
    deviations = np.sqrt(np.diagonal(symmetric, axis1=1, axis2=2))
    correlations = symmetric / deviations[:, :, None] / deviations[:, None, :]
    if not np.isfinite(correlations).all():
        return False
    least = np.linalg.eigvalsh(correlations)[:, 0].min()
    return bool(least > -8 * matrices.shape[1] * np.finfo(dtype).eps)


def _array(
    name: str, values: object, shape: tuple[int, ...], dtype: np.dtype[Any]
) -> NDArray[Any]:
    try:
        array = np.asarray(values)
    except ValueError:  # rows of different lengths
        array = np.empty(0, object)
    if array.dtype.kind not in "if" or array.shape != shape:
        raise ValueError(
            f"Expected {name} as numbers in the shape {shape}, got {values!r:.80}."
        )
    limit = min(LARGEST, float(np.finfo(dtype).max))
    if not (np.abs(array) <= limit).all():
        raise ValueError(f"Expected finite numbers as {name}, got {values!r:.80}.")
    return array.astype(dtype)


def pack(mask: NDArray[np.bool_]) -> dict[str, Any]:
    """Give a mask as plain JSON types: its shape, and its bits, compressed."""
    bits = zlib.compress(np.packbits(mask).tobytes(), 9)
    return {"shape": list(mask.shape), "bits": b64encode(bits).decode()}


def unpack(data: object) -> NDArray[np.bool_]:
    """Read what `pack` gave.

    Raises
    ------
    ValueError
        It is not that. No more is unpacked than the shape wants.
    """
    _check_fields("a mask", data, {"shape", "bits"})
    assert isinstance(data, dict)
    sides = _list("the shape of the mask", data["shape"], 1, MOST_AXES)
    shape = tuple(whole("a side of the mask", side, 1, MOST_PIXELS) for side in sides)
    n = 1
    for side in shape:
        n *= side
    unpacker = zlib.decompressobj()
    bits = b""
    try:
        if n <= MOST_PIXELS:
            packed = b64decode(data["bits"], validate=True)
            bits = unpacker.decompress(packed, (n + 7) // 8 + 1)
    except (TypeError, ValueError, zlib.error):
        bits = b""
    if not unpacker.eof or len(bits) != (n + 7) // 8:
        raise ValueError(
            f"Expected the bits of a mask of shape {shape}, got {data['bits']!r:.80}."
        )
    found = np.unpackbits(np.frombuffer(bits, np.uint8), count=n)
    return found.view(np.bool_).reshape(shape)
