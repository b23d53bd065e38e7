"""Labels layers over images: their labels, colors and scales."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import napari.layers
import numpy as np
from napari.utils import DirectLabelColormap

from .layers import over_image, place, placement, result_metadata

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from napari.components import ViewerModel
    from napari.layers import Image, Layer
    from numpy.typing import NDArray

    from napari_pixel_mixtures.clusters import Clustering

    from .shown_level import Scales


class Labels(napari.layers.Labels):  # type: ignore[misc]
    """Labels of several scales, saved and copied as those of the level clustered.

    They have a label for each pixel, which napari 0.9.2 would not save with the others:
    its writer wants one array. It tells layers by the names of their classes.
    """

    def as_layer_data_tuple(self) -> tuple[Any, dict[str, Any], str]:
        """Give a layer of one scale."""
        _, state, kind = super().as_layer_data_tuple()
        labels = clustered(self)
        state |= {"multiscale": False, **placement(self, labels.shape)}
        return labels, state, kind


def clustered(layer: napari.layers.Labels) -> Any:
    """Give the array of a layer; of several scales the one that was clustered."""
    if not layer.multiscale:
        return layer.data
    # The finer ones are computed, the coarser ones follow it.
    arrays = (level for level in layer.data if isinstance(level, np.ndarray))
    return next(arrays, layer.data[-1])


def like(layer: Layer | None, image: Image, scales: Scales) -> bool:
    """Tell whether there is a layer with the axes of an image, and with its scales."""
    if layer is None:
        return False
    return bool(layer.ndim == image.ndim and layer.multiscale == bool(scales))


def pixel_at(
    layer: napari.layers.Labels, position: Sequence[float]
) -> NDArray[np.intp]:
    """Give the pixel of a result that lies there in the world; perhaps beyond it."""
    place = np.array(layer.world_to_data(position))
    factor = np.array(layer.data.shape) / np.array(clustered(layer).shape)
    pixel: NDArray[np.intp] = np.rint((place + 0.5) / factor - 0.5).astype(np.intp)
    return pixel


def new_labels(image: Image, labels: Any, **about: Any) -> napari.layers.Labels:
    """Make a labels layer over an image, of labels or of a list of several scales."""
    several = isinstance(labels, list)
    shape = (labels[0] if several else labels).shape
    kind = Labels if several else napari.layers.Labels
    return kind(
        labels, multiscale=several, opacity=1.0, **about, **placement(image, shape)
    )


def label_colormap(colors: NDArray[Any]) -> DirectLabelColormap:
    """Give label k the k-th of the colors (K, 3) from 0 to 1."""
    palette: dict[int | None, Any] = {None: "transparent", 0: "transparent"}
    for label, color in enumerate(colors, start=1):
        palette[label] = np.append(color, 1.0)
    return DirectLabelColormap(color_dict=palette)


@dataclass(frozen=True, eq=False)
class LabelsOf:
    """What a labels layer over an image shows.

    Attributes
    ----------
    image : Image
    clustering : Clustering
    role : str
        Ends the name of the layer.
    colors : ndarray (K, 3)
        From 0 to 1.
    features : DataFrame
        A row for each label.
    scales : Scales, optional
        The levels of the image, if it has several.
    """

    image: Image
    clustering: Clustering
    role: str
    colors: NDArray[Any]
    features: pd.DataFrame
    scales: Scales | None = None

    def layer(self) -> napari.layers.Labels:
        """Make such a layer."""
        return new_labels(
            self.image,
            self._levels(),
            name=f"{self.image.name} {self.role}",
            colormap=label_colormap(self.colors),
            features=self.features,
            metadata=self._metadata(),
        )

    def show_in(self, layer: napari.layers.Labels, viewer: ViewerModel) -> None:
        """Show it in a layer of ours in a viewer that is `like` it."""
        repaint(layer, viewer, self._levels(), label_colormap(self.colors))
        layer.features = self.features
        layer.metadata = layer.metadata | self._metadata()
        place(layer, self.image, layer.data.shape)

    def _levels(self) -> Any:
        labels = over_image(
            self.image, self.clustering.picture, self.clustering.labels
        ).copy()  # which may be painted on
        return labels if self.scales is None else self.scales(labels)

    def _metadata(self) -> dict[str, Any]:
        return result_metadata(self.image, self.clustering, self.role)


def repaint(
    layer: napari.layers.Labels,
    viewer: ViewerModel,
    labels: Any,
    colormap: DirectLabelColormap,
) -> None:
    """Show other labels in other colors, which takes napari one drawing, not two."""
    with layer.events.set_data.blocker():
        set_labels(layer, viewer, labels)
    layer.colormap = colormap


def set_labels(layer: napari.layers.Labels, viewer: ViewerModel, labels: Any) -> None:
    """Give a layer in a viewer other labels, of as many scales as it has.

    napari begins anew with the coarsest scale, of which it would draw what lies where
    the tile lay that it shows of a finer one, until the next frame puts it right.
    """
    if not layer.multiscale:
        with ExitStack() as stack:
            if layer.data.shape == labels.shape:
                # It would work out anew how far all layers reach.
                data = layer.events.data
                stack.enter_context(data.blocker(viewer._on_layers_change))
            layer.data = labels
        return
    level, corners = layer.data_level, layer.corner_pixels
    shapes = layer.level_shapes
    layer.corner_pixels = np.zeros_like(corners)  # one pixel, which costs nothing
    layer.data = labels
    if not np.array_equal(layer.level_shapes, shapes):
        return
    layer.corner_pixels = corners
    if layer.data_level == level:
        layer.refresh(extent=False)
    layer.data_level = level
