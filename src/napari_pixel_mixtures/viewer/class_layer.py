"""The labels layer that shows classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels
from napari.utils import DirectLabelColormap

from .label_features import class_features
from .layers import (
    over_image,
    place,
    placement,
    repaint,
    result_metadata,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_pixel_mixtures.classes import Classes

    from .result import Result

CLASSES = "classes"


def class_colormap(classes: Classes) -> DirectLabelColormap:
    """Give each class its color, or none if it is hidden."""
    palette: dict[int | None, Any] = {None: "transparent", 0: "transparent"}
    # Also those that are no class now, so that a merge changes no color.
    looks = zip(classes.colors, classes.visible, strict=True)
    for label, (color, shown) in enumerate(looks, start=1):
        palette[label] = np.array([*color, float(shown)])
    return DirectLabelColormap(color_dict=palette)


def make_classes(result: Result, labels: NDArray[np.uint8], table: Any) -> Labels:
    """Make a labels layer of classes over the image."""
    image = result.image
    labels = over_image(image, result.clustering.picture, labels)
    return Labels(
        labels,
        name=f"{image.name} {CLASSES}",
        colormap=class_colormap(result.all_classes),
        features=class_features(table, result),
        metadata=result_metadata(image, result.clustering, CLASSES),
        opacity=1.0,
        **placement(image, labels.shape),
    )


def update_classes(
    layer: Labels,
    result: Result,
    labels: NDArray[np.uint8],
    table: Any,
    before: Classes | None,
) -> None:
    """Show other classes in a layer of ours; `before` are those that it shows."""
    classes = result.all_classes
    labels = over_image(result.image, result.clustering.picture, labels)
    looks = classes.colors, classes.visible
    # New colors make napari draw all of the layer anew, and so do new labels.
    if before is None or (before.colors, before.visible) != looks:
        repaint(layer, labels, class_colormap(classes))
    elif not np.array_equal(layer.data, labels):
        layer.data = labels
    layer.features = class_features(table, result)
    metadata = result_metadata(result.image, result.clustering, CLASSES)
    layer.metadata = layer.metadata | metadata
    place(layer, result.image, labels.shape)
