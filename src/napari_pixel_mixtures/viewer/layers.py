"""Read image layers; make and update the layers that show results."""

from __future__ import annotations

from hashlib import sha256
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from napari.layers import Image, Points, Surface
from napari.utils.transforms import Affine

from .ellipsoids import mesh, with_centers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.layers import Layer
    from numpy.typing import NDArray

    from napari_pixel_mixtures.cloud import ColorCloud
    from napari_pixel_mixtures.clusters import Clustering
    from napari_pixel_mixtures.features import Picture

METADATA_KEY = "napari_pixel_mixtures"
CHANNEL_LABELS = {"c", "ch", "channel", "channels"}
LARGEST_LEVEL = 16_000_000  # pixels of a multiscale image's level that is clustered
QUANTIZED = "quantized"
RANDOM_COLORS = "random colors"
CLOUD = "color cloud"
ELLIPSOIDS = "ellipsoids"
COMPARISON = "comparison"


def is_ours(layer: Layer) -> bool:
    """Tell whether this plugin made the layer."""
    return METADATA_KEY in layer.metadata


def is_image(layer: Layer) -> bool:
    """Tell whether the layer is a picture that can be clustered."""
    return isinstance(layer, Image) and not is_ours(layer)


def check_image(layer: Layer | None) -> Image:
    """Give the layer back if it is an image.

    Raises
    ------
    ValueError
        There is no layer.
    TypeError
        The layer is not an image.
    """
    if layer is None:
        raise ValueError(
            "Expected an image, but none is open; open one "
            "(File > Open, or File > Open Sample > Pixel Mixtures)."
        )
    if not isinstance(layer, Image):
        raise TypeError(
            f"Expected an image layer, got the {type(layer).__name__} layer "
            f"{layer.name!r}; select an image."
        )
    return layer


def channel_axis(layer: Layer) -> int | None:
    """Find the axis of the channels: the one that is labeled so, beside two others.

    None if there is none, as in a gray image, or a picture in red, green and blue.
    """
    if getattr(layer, "rgb", False) or layer.ndim < 3:
        return None
    for axis, label in enumerate(layer.axis_labels):
        if label.lower() in CHANNEL_LABELS:
            return axis
    return None


def level_data(layer: Image) -> Any:
    """Give the layer's array; of several scales the finest of at most 16 Mpx."""
    if not layer.multiscale:
        return layer.data
    levels = list(layer.data)
    axis = channel_axis(layer)
    for level in levels:
        n_channels = 1 if axis is None else level.shape[axis]
        if layer.rgb:
            n_channels = level.shape[-1]
        if np.prod(level.shape) // n_channels <= LARGEST_LEVEL:
            return level
    return levels[-1]


def level_text(layer: Image) -> str | None:
    """Say which level of a multiscale image is clustered; None if it has but one."""
    if not layer.multiscale:
        return None
    shapes = [tuple(level.shape) for level in layer.data]
    shape = tuple(level_data(layer).shape)
    pixels = " x ".join(map(str, shape[:-1] if layer.rgb else shape))
    return f"level {shapes.index(shape) + 1} of {len(shapes)} ({pixels})"


def over_image(image: Image, picture: Picture, values: NDArray[Any]) -> NDArray[Any]:
    """Give values (*spatial) of a picture the axes of its layer.

    Along an axis of channels they have one pixel, which `placement` makes as long as
    all channels: so they lie over every one.
    """
    if picture.channel_axis is None or image.ndim == values.ndim:
        return values
    return np.expand_dims(values, picture.channel_axis)


def lies_over(layer: Layer, image: Image, shape: tuple[int, ...]) -> bool:
    """Tell whether the pixels of a layer lie on those of an image, both (*spatial).

    The image may have an axis of channels beside.
    """
    axis = channel_axis(image) if image.ndim > layer.ndim else None
    corners = np.concatenate([np.zeros((1, len(shape))), np.diag(shape)])
    if axis is None and layer.ndim != image.ndim:
        return False
    places = corners if axis is None else np.insert(corners, axis, 0, axis=1)
    for corner, place_there in zip(corners, places, strict=True):
        there = np.array(image.data_to_world(place_there))
        if axis is not None:
            there = np.delete(there, axis)
        # To a hundredth of a pixel.
        here = np.array(layer.data_to_world(corner))
        tolerance = np.abs(layer.scale).min() / 100
        if not np.allclose(here, there, rtol=0, atol=tolerance):
            return False
    return True


def placement(layer: Image, shape: tuple[int, ...]) -> dict[str, Any]:
    """Say where a result of this shape lies: just over the image it came from.

    A result from a coarser scale of the image gets larger pixels, and its first
    pixel lies in the middle of those that it stands for.
    """
    full = layer.data[0].shape if layer.multiscale else layer.data.shape
    factor = np.array(full[: len(shape)]) / np.array(shape)
    inverse = np.linalg.inv(layer.affine.affine_matrix)
    corner = np.append(layer.data_to_world((factor - 1) / 2), 1.0)
    return {
        "scale": layer.scale * factor,
        "translate": (inverse @ corner)[:-1],
        "rotate": layer.rotate,
        "shear": layer.shear,
        "affine": layer.affine,
        "units": layer.units,
        "axis_labels": layer.axis_labels,
    }


def result_metadata(image: Image, clustering: Clustering, role: str) -> dict[str, Any]:
    """Give the recipe that replays the result, under the plugin's one key.

    `ModelNotes` adds the model to the layers of the last fit, which it knows by its
    checksum. The recipe gives the same clusters, unless a model made them; live fits
    number them otherwise, and a mask is not part of it. Of a multiscale image it says
    which level was clustered.
    """
    level = level_text(image)
    return {
        METADATA_KEY: {
            "role": role,
            "image": image.name,
            "recipe": clustering.recipe.to_json(),
            "fit": checksum(clustering),
            "version": version("napari-pixel-mixtures"),
        }
        | ({} if level is None else {"level": level})
    }


def checksum(clustering: Clustering) -> str:
    """Tell a fit from others by its parameters."""
    mixture, digest = clustering.mixture, sha256()
    for values in (mixture.weights_, mixture.means_, mixture.covariances_):
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()[:16]


def place(layer: Layer, image: Image, shape: tuple[int, ...]) -> None:
    """Put a layer of ours over the image, which may have been moved.

    With results of this shape; one of several scales lies as its finest.
    """
    if getattr(layer, "multiscale", False):
        shape = tuple(layer.data.shape)
    for name, value in placement(image, shape).items():
        # Each of them makes napari work all of the scene out again.
        if not _same(getattr(layer, name), value):
            setattr(layer, name, value)


def _same(a: Any, b: Any) -> bool:
    """Compare two settings of a layer's place: numbers, units, names or affines."""
    if isinstance(a, Affine):
        a, b = a.affine_matrix, b.affine_matrix
    if isinstance(a, np.ndarray):
        return np.array_equal(a, b)
    return bool(a == b)


def make_picture(image: Image, data: Any) -> Image:
    """Make a second layer of an image's data, to stand beside results."""
    shape = data.shape[:-1] if image.rgb else data.shape
    look: dict[str, Any] = {"gamma": image.gamma}
    if not image.rgb:
        look |= {"contrast_limits": image.contrast_limits, "colormap": image.colormap}
    return Image(
        data,
        rgb=image.rgb,
        name=image.name,
        metadata={METADATA_KEY: {"role": COMPARISON, "image": image.name}},
        **look,
        **placement(image, shape),
    )


def make_cloud(image: Image, clustering: Clustering) -> Points:
    """Make a points layer for a color cloud, without points as yet."""
    layer = Points(
        ndim=3,
        name=f"{image.name} {CLOUD}",
        # Without rims, and opaque: a cloud of many points stays clear and fast.
        border_width=0,
        antialiasing=0,
        blending="opaque",
        shading="none",
        units=cloud_units(image),
        metadata=result_metadata(image, clustering, CLOUD),
    )
    # Its points are pixels, which cannot be moved by hand; with other data or another
    # number of axes napari makes it editable again.
    layer.editable = False
    layer.events.editable.connect(_lock)
    return layer


def _lock(event: Any) -> None:
    event.source.editable = False


def update_cloud(
    layer: Points,
    clustering: Clustering,
    cloud: ColorCloud,
    points: NDArray[np.float32],
    colors: NDArray[np.float32],
) -> None:
    """Show other points (m, 3) in colors (m, 4); what stays is not drawn anew."""
    refit(layer, clustering)
    if not np.array_equal(layer.data, points):
        layer.selected_data = set()
        layer.data = points
    features = cloud_features(clustering, cloud)
    if not layer.features.equals(features):
        layer.features = features
    if not np.array_equal(layer.face_color, colors):
        layer.face_color = colors
        # Points of a few screen pixels are all rim, whatever its width.
        layer.border_color = colors
    layer.axis_labels = axis_labels(cloud)


def refit(layer: Layer, clustering: Clustering) -> None:
    """Let the metadata of a layer of ours say that it is of another fit."""
    about = layer.metadata[METADATA_KEY]
    recipe, fit = clustering.recipe.to_json(), checksum(clustering)
    if (about["recipe"], about["fit"]) != (recipe, fit):
        kept = {name: value for name, value in about.items() if name != "model"}
        ours = kept | {"recipe": recipe, "fit": fit}
        layer.metadata = layer.metadata | {METADATA_KEY: ours}


def make_ellipsoids(
    image: Image,
    clustering: Clustering,
    centers: NDArray[np.float64],
    axes: NDArray[np.float64],
    colors: NDArray[np.float64],
    affine: NDArray[np.float64],
) -> Surface:
    """Make a surface layer of ellipsoids, as for `mesh`, with marked centers."""
    vertices, faces, vertex_colors = mesh(*with_centers(centers, axes, colors))
    layer = Surface(
        (vertices, faces),
        vertex_colors=vertex_colors,
        name=f"{image.name} {ELLIPSOIDS}",
        shading="none",
        # Seen through, and not hiding what lies behind.
        blending="translucent_no_depth",
        units=cloud_units(image),
        metadata=result_metadata(image, clustering, ELLIPSOIDS),
    )
    # napari would cut a slice of it in two dimensions, and warn of that.
    with layer._block_refresh():
        layer.affine = affine
    return layer


def cloud_features(clustering: Clustering, cloud: ColorCloud) -> pd.DataFrame:
    """Where each point's pixel lies, and its label."""
    coordinates = np.unravel_index(cloud.pixels, clustering.labels.shape)
    names: Sequence[str] = ("time", "plane", "row", "column")[-len(coordinates) :]
    if len(coordinates) > 4:
        names = [f"axis {i}" for i in range(len(coordinates))]
    columns = dict(zip(names, coordinates, strict=True))
    return pd.DataFrame(columns | {"label": cloud.labels})


def axis_labels(cloud: ColorCloud) -> tuple[str, ...]:
    """Names of a cloud's axes; napari wants them all different."""
    return tuple(name or " " * (i + 1) for i, name in enumerate(cloud.axes))


def cloud_units(image: Image) -> tuple[Any, ...]:
    """Units of a cloud's axes: none of its own, so that the image's stay consistent."""
    units = tuple(image.units)[-3:]
    return ("pixel",) * (3 - len(units)) + units
