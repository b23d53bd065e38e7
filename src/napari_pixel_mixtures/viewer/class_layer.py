"""The labels layer that shows classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.utils import DirectLabelColormap

from .label_features import class_features
from .layers import over_image, place, result_metadata
from .result_labels import new_labels, repaint, set_labels

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Labels
    from numpy.typing import NDArray

    from napari_pixel_mixtures.classes import Classes

    from .result import Result
    from .shown_level import Scales

CLASSES = "classes"


def class_colormap(classes: Classes) -> DirectLabelColormap:
    """Give each class its color, or none if it is hidden."""
    palette: dict[int | None, Any] = {None: "transparent", 0: "transparent"}
    # Also those that are no class now, so that a merge changes no color.
    looks = zip(classes.colors, classes.visible, strict=True)
    for label, (color, shown) in enumerate(looks, start=1):
        palette[label] = np.array([*color, float(shown)])
    return DirectLabelColormap(color_dict=palette)


def class_levels(result: Result, labels: NDArray[np.uint8], scales: Scales) -> Any:
    """Give labels of classes on the levels of an image that components have."""
    labels = over_image(result.image, result.clustering.picture, labels)
    return scales(labels, result.all_classes.apply)


def make_classes(
    result: Result, labels: NDArray[np.uint8], table: Any, scales: Scales
) -> Labels:
    """Make a labels layer of classes over the image.

    Parameters
    ----------
    result : Result
    labels : ndarray (*spatial)
        Those of the classes.
    table : DataFrame
        A row a class.
    scales : Scales
        Those of the components, with the result's threshold.
    """
    image = result.image
    return new_labels(
        image,
        class_levels(result, labels, scales),
        name=f"{image.name} {CLASSES}",
        colormap=class_colormap(result.all_classes),
        features=class_features(table, result),
        metadata=result_metadata(image, result.clustering, CLASSES),
    )


def update_classes(
    layer: Labels,
    viewer: ViewerModel,
    result: Result,
    labels: NDArray[np.uint8],
    table: Any,
    scales: Scales,
    before: Classes | None,
) -> None:
    """Show other classes in a layer of ours in a viewer.

    `before` are those that it shows.
    """
    classes = result.all_classes
    shown = class_levels(result, labels, scales)
    looks = classes.colors, classes.visible
    # New colors make napari draw all of the layer anew, and so do new labels.
    if before is None or (before.colors, before.visible) != looks:
        repaint(layer, viewer, shown, class_colormap(classes))
    elif scales or not np.array_equal(layer.data, shown):
        set_labels(layer, viewer, shown)
    layer.features = class_features(table, result)
    metadata = result_metadata(result.image, result.clustering, CLASSES)
    layer.metadata = layer.metadata | metadata
    place(layer, result.image, layer.data.shape)
