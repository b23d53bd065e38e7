"""LabelsView: the two labels layers over each image."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary, ref

from .label_features import label_features
from .layers import QUANTIZED, RANDOM_COLORS
from .result_labels import LabelsOf, like
from .shown_level import Scales

if TYPE_CHECKING:
    import pandas as pd
    from napari.components import ViewerModel
    from napari.layers import Image, Labels, Layer

    from napari_pixel_mixtures.clusters import Clustering

    from .result import Result
    from .stage import Stage


class LabelsView:
    """Shows every pixel in its cluster's color, and in a random one.

    A layer that was removed by hand comes back with the next result.
    """

    def __init__(self, viewer: ViewerModel, stage: Stage) -> None:
        self._viewer = ref(viewer)
        self._stage = stage
        self._layers: WeakKeyDictionary[Image, dict[str, Labels]] = WeakKeyDictionary()
        self._shown: Result | None = None
        self._scales: list[tuple[Clustering, float | None, Scales]] = []
        self._moments: WeakKeyDictionary[Clustering, pd.DataFrame] = WeakKeyDictionary()
        self.shuffle_seed = 0

    def reshuffle(self) -> None:
        """Deal out the random colors of the last result anew."""
        self.shuffle_seed += 1
        viewer, shown = self._viewer(), self._shown
        if shown is None or viewer is None:
            return
        if shown.image in viewer.layers and shown.current:
            self.show(shown)

    def forget(self, image: Layer) -> None:
        """Let go of an image, or a channel, that was removed."""
        if self._shown is not None and image in self._shown.source.layers:
            self._shown = None
            self._scales = []

    def scales(self, result: Result, threshold: float | None = None) -> Scales:
        """Give the levels of a result's image.

        The same ones to all layers that show its components, and to its classes after
        each edit, so that no label is computed twice.
        """
        kept = [one for one in self._scales if one[0] is result.clustering]
        for _, of, scales in kept:
            if of == threshold:
                return scales
        found = Scales.of(result, threshold)
        others = [one for one in kept if one[1] is None]
        self._scales = [*others, (result.clustering, threshold, found)]
        return found

    def describe(self, result: Result, moments: pd.DataFrame) -> None:
        """Say of each label what was found out of the components since the fit.

        Means and standard deviations of what is shown, or will be once more.
        """
        self._moments[result.clustering] = moments
        shown = self._shown
        if shown is not None and shown.clustering is result.clustering:
            features = self._features(shown)
            for layer in self.layers(shown.image):
                layer.features = features

    def _features(self, result: Result) -> pd.DataFrame:
        clustering = result.clustering
        return label_features(result.image, clustering, self._moments.get(clustering))

    def top_layer(self, image: Image) -> Labels | None:
        """Give the upper layer of an image; None if it has none."""
        viewer = self._viewer()
        layer = self._layers.get(image, {}).get(QUANTIZED)
        shown = viewer is not None and layer is not None and layer in viewer.layers
        return layer if shown else None

    def layers(self, image: Image) -> list[Labels]:
        """List the layers of an image that are shown."""
        viewer = self._viewer()
        found = self._layers.get(image, {}).values()
        return [layer for layer in found if viewer and layer in viewer.layers]

    def show(self, result: Result) -> None:
        """Make or update the layers of the result's image."""
        viewer = self._viewer()
        assert viewer is not None
        self._shown = result
        image, clustering = result.image, result.clustering
        layers = self._layers.setdefault(image, {})
        features = self._features(result)
        scales = self.scales(result)
        dealt = clustering.random_colors(self.shuffle_seed)
        own = clustering.picture.to_rgb(clustering.colors)
        shown = {
            role: LabelsOf(image, clustering, role, colors, features, scales)
            for role, colors in ((RANDOM_COLORS, dealt), (QUANTIZED, own))
        }
        # The quantized picture lies above the random colors, which show when it is
        # hidden; so it is made last, and updated first.
        updated = set()
        for role in (QUANTIZED, RANDOM_COLORS):
            layer = layers.get(role)
            if layer is None or layer not in viewer.layers:
                continue
            if like(layer, image, scales):
                shown[role].show_in(layer, viewer)
                updated.add(role)
            else:
                viewer.layers.remove(layer)
        for role, labels in shown.items():
            if role not in updated:
                layers[role] = labels.layer()
                # It becomes the active layer: hovering tells about labels at once.
                self._stage.add_behind(layers[role], image)
