"""Masks: the pixels of an image that a labels or shapes layer covers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Labels, Shapes

from .layers import channel_axis, is_ours, lies_over
from .source import spatial_shape

if TYPE_CHECKING:
    from napari.layers import Image, Layer
    from numpy.typing import NDArray


def is_mask(layer: Layer) -> bool:
    """Tell whether a layer can limit a fit: labels or shapes of the person's own."""
    return isinstance(layer, Labels | Shapes) and not is_ours(layer)


def mask_pixels(layer: Labels | Shapes, image: Image) -> NDArray[np.bool_]:
    """Give the pixels of an image that a layer covers, (*spatial).

    A layer with fewer axes covers every plane; along channels one that is covered
    in any is.

    Raises
    ------
    ValueError
        Labels do not lie over the image pixel by pixel, or nothing is covered.
    """
    shape = spatial_shape(image)
    if isinstance(layer, Labels):
        mask = _label_pixels(layer, image)
    elif layer.ndim <= image.ndim:
        mask = shape_pixels(layer, image, shape)
    else:
        mask = None
    if mask is None:
        raise ValueError(
            f"Expected a mask over the pixels of {image.name!r}, of shape {shape}, got "
            f"{layer.name!r} of another shape or place; make a layer over the image."
        )
    if not mask.any():
        raise ValueError(
            f"Expected a mask that covers pixels of {image.name!r}, got {layer.name!r} "
            "without any; paint or draw the region to cluster."
        )
    return mask


def _label_pixels(layer: Labels, image: Image) -> NDArray[np.bool_] | None:
    """Where labels are not 0; None if they do not lie over the image."""
    axis = channel_axis(image)
    shape = spatial_shape(image)
    data = layer.data[0] if layer.multiscale else layer.data
    labels: NDArray[np.bool_] = np.asarray(data) != 0
    full = _full_shape(image)
    if axis is not None:
        if labels.ndim == image.ndim:
            labels = np.logical_or.reduce(labels, axis=axis)
        full = full[:axis] + full[axis + 1 :]
    missing = len(full) - labels.ndim
    if missing < 0 or labels.shape != full[missing:]:
        return None
    if layer.ndim == len(full) and not lies_over(layer, image, full):
        return None
    if shape != full:  # a coarser level: the middle of what each pixel stands for
        places = [
            np.floor((np.arange(n) + 0.5) * m / n).astype(np.intp)
            for n, m in zip(shape, full, strict=True)
        ][missing:]
        labels = labels[np.ix_(*places)]
    return np.broadcast_to(labels, shape)


def shape_pixels(
    layer: Shapes, image: Image, shape: tuple[int, ...]
) -> NDArray[np.bool_]:
    """Give what shapes cover of an image clustered in this shape (*spatial).

    Shapes with fewer axes than the image lie along its last ones.
    """
    axis = channel_axis(image) if image.ndim > len(shape) else None
    whole = shape
    if axis is not None:
        whole = (*shape[:axis], _full_shape(image)[axis], *shape[axis:])
    covered = _over(layer, image, whole).to_labels(whole[-layer.ndim :]) > 0
    covered = np.broadcast_to(covered, whole)
    return covered if axis is None else np.asarray(covered.any(axis=axis))


def _over(shapes: Shapes, image: Image, shape: tuple[int, ...]) -> Shapes:
    """Give the same shapes in the coordinates of an image's pixels, of this shape."""
    factor = np.array(_full_shape(image)) / np.array(shape)
    missing = image.ndim - shapes.ndim

    def moved(point: NDArray[np.float64]) -> NDArray[np.float64]:
        world = np.array(image.data_to_world(np.zeros(image.ndim)))
        world[missing:] = shapes.data_to_world(point)
        pixel = np.array(image.world_to_data(world))
        place: NDArray[np.float64] = (pixel + 0.5) / factor - 0.5
        return place[missing:]

    corners = [np.array(list(map(moved, points))) for points in shapes.data]
    return Shapes(corners, ndim=shapes.ndim, shape_type=list(shapes.shape_type))


def _full_shape(image: Image) -> tuple[int, ...]:
    """Shape of the finest level, without colors."""
    shape = tuple((image.data[0] if image.multiscale else image.data).shape)
    return shape[:-1] if image.rgb else shape
