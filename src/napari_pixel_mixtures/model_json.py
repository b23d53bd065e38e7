"""A model as JSON text, and back: a damaged or hostile text gives one sentence."""

from __future__ import annotations

import json
import zlib
from base64 import b64decode, b64encode
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from .classes import Classes, none_label
from .features import Feature, FeatureGroup
from .features.checks import whole, within
from .features.picture_checks import LARGEST_WHITE
from .features.samples import FACTORS
from .json_checks import as_list, as_number, as_text, check_fields
from .mixture_json import mixture_from_json, mixture_to_json
from .recipe import Recipe, parse_json
from .regions import region_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

FORMAT = "napari-pixel-mixtures model"
VERSION = 3
EARLIER = (1, 2)
# 1 was without regions, or a look of none of these, which had label 0; 2 without white.
LARGEST_FILE = 2**26  # bytes
MOST_PIXELS = 2**30  # of a mask
MOST_AXES = 16
LONGEST_LABEL = 1000  # of a channel or an axis: layers, and so files, name them
MOST_COLUMNS = 2000  # of features, or channels

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


def to_text(model: Mapping[str, Any]) -> str:
    """Write the fields of a model as JSON text, with their checksum."""
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
        "mixture": mixture_to_json(model["mixture"]),
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
    check_fields("a model", data, FIELDS - later)
    if checksum != _checksum(data):
        raise ValueError(
            "Expected a model as it was saved, got one that was changed since: its "
            "checksum differs; load another copy."
        )
    recipe = Recipe.from_json(json.dumps(data["recipe"]))
    groups = _groups(data["features"])
    mixture = mixture_from_json(data["mixture"], recipe, groups)
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


def _groups(data: object) -> tuple[FeatureGroup, ...]:
    groups: list[FeatureGroup] = []
    start = 0
    for entry in as_list("the features of the model", data, 1, MOST_COLUMNS):
        check_fields("a feature", entry, {"feature", "columns", "factor"})
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
    check_fields("a picture", data, set(PICTURE) - later)
    assert isinstance(data, dict)
    names = as_list("the channel names", data["channel_names"], 1, MOST_COLUMNS)
    axis, rgb = data["channel_axis"], data["rgb"]
    if not isinstance(rgb, bool):
        raise ValueError(f"Expected rgb to be true or false, got {rgb!r:.80}.")
    if axis is not None:
        axis = whole("channel_axis", axis, -MOST_AXES, MOST_AXES)
    scale, labels = data["scale"], data["axis_labels"]
    if scale is not None:
        sizes = as_list("the scale", scale, 1, MOST_AXES)
        scale = tuple(within("the scale", size, 1e-30, 1e30) for size in sizes)
    if labels is not None:
        found = as_list("the axis labels", labels, 1, MOST_AXES)
        labels = tuple(
            as_text("an axis label", label, LONGEST_LABEL) for label in found
        )
    white = data.get("white")
    if white is not None:
        white = within("white", white, 1, LARGEST_WHITE)
    return {
        "channel_names": tuple(
            as_text("a channel name", name, LONGEST_LABEL) for name in names
        ),
        "channel_axis": axis,
        "rgb": rgb,
        "scale": scale,
        "axis_labels": labels,
        "white": white,
    }


def _numbering(data: object, k: int) -> tuple[int, ...]:
    numbers = as_list("the numbering of the components", data, k, k)
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
        **check_fields("the settings of regions", data, {"min_size", "contrast"})
    )


def _versions(data: object) -> dict[str, str]:
    if not isinstance(data, dict) or len(data) > 100:
        raise ValueError(f"Expected versions by package, got {data!r:.80}.")
    return {
        as_text("a package", key): as_text("a version", value)
        for key, value in data.items()
    }


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
    check_fields("a mask", data, {"shape", "bits"})
    assert isinstance(data, dict)
    sides = as_list("the shape of the mask", data["shape"], 1, MOST_AXES)
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
