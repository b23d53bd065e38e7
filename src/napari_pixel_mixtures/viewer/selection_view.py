"""SelectionView: chosen pixels, from the cloud or the picture, shown in both."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING
from weakref import ref

import numpy as np
from napari.layers import Labels, Shapes
from napari.utils import DirectLabelColormap
from psygnal import Signal

from napari_pixel_mixtures.selection import Region, warm_up_regions
from napari_pixel_mixtures.space import space_of

from .layer_watch import LayerWatch
from .layers import METADATA_KEY, over_image, place, placement
from .masks import shape_pixels
from .result_labels import clustered

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer
    from numpy.typing import NDArray

    from napari_pixel_mixtures.space import Axes

    from .result import Result
    from .stage import Stage

SELECTION = "selection"
COLORS = {None: "transparent", 0: "transparent", 1: "#ffd833"}
OPACITY = 0.6


class SelectionView:
    """The chosen pixels of the result's image.

    They show as an overlay on the picture, which can be painted on to change them,
    and light up in the cloud. A region drawn in the cloud is kept, and applied again
    when the image's clustering changes.
    """

    changed = Signal()

    def __init__(self, viewer: ViewerModel, stage: Stage) -> None:
        self._viewer = ref(viewer)
        self._stage = stage
        self._result: Result | None = None
        self._layer: Labels | None = None
        self._overlay_watch = LayerWatch()
        self._overlay_watch.edited.connect(self._on_painted)
        self._source_watch = LayerWatch()
        self._source_watch.edited.connect(self._on_source_edited)
        self.mask: NDArray[np.bool_] | None = None
        """The chosen pixels, (*spatial) bool; None if there is no selection."""
        self.region: Region | None = None
        """The region that chose them; None if something else did."""
        self._region_axes: Axes = "channels"
        self._region_label: int | None = None

    @property
    def n_pixels(self) -> int:
        """Number of chosen pixels."""
        return 0 if self.mask is None else int(self.mask.sum())

    def set_result(self, result: Result | None) -> None:
        """Take another result; of the same image, the selection stays."""
        before, self._result = self._result, result
        if result is not None:
            warm_up_regions(result.clustering.picture.values.dtype)
        if result is None or before is None or before.image is not result.image:
            self.clear()
        elif (
            self.mask is not None and self.mask.shape != result.clustering.labels.shape
        ):
            self.clear()
        elif (self._region_label or 0) > result.clustering.n_components:
            # The component that it was drawn for went away.
            self.clear()
        elif self.region is not None:
            with suppress(ValueError):  # nothing lies inside any more
                self.choose_region(self.region, self._region_axes, self._region_label)
        else:
            self._on_source_edited()

    def set_frame(self, frame: Result) -> None:
        """Choose among the pixels of a replay's frame; the selection stays."""
        self._result = frame

    # ---- choose

    def choose_region(
        self, region: Region, axes: Axes = "channels", label: int | None = None
    ) -> None:
        """Choose all pixels inside a region of the cloud, drawn there or not.

        With `label`, only among those of one component.

        Raises
        ------
        ValueError
            No pixel lies inside; then nothing is selected.
        """
        if self._result is None:
            return
        clustering = self._result.clustering
        picture = clustering.picture
        if axes == "channels" and picture.n_channels >= 3:
            values = picture.pixels
        else:
            try:
                space = space_of(clustering, axes)
            except ValueError:
                # The feature that it was drawn over is no longer there.
                self.clear()
                return
            values = space.read(np.arange(clustering.labels.size))
        mask = region.contains(values).reshape(clustering.labels.shape)
        mask &= clustering.labels > 0 if label is None else clustering.labels == label
        if not mask.any():
            self.clear()
            raise ValueError(
                "Expected a lasso or box round some pixels, got one round none, so "
                "nothing is selected; draw it round points of the cloud."
            )
        self._forget()
        self.region, self._region_axes, self._region_label = region, axes, label
        self._choose(mask)

    def choose_label(self, label: int) -> None:
        """Choose the pixels of one component."""
        if self._result is not None:
            self._forget()
            self._choose(self._result.clustering.labels == label)

    def choose_layer(self, layer: Layer | None) -> None:
        """Choose the pixels that a labels or shapes layer covers, and follow it.

        Of a labels layer of ours those of its selected label. As long as nothing else
        is chosen, what is painted, drawn, moved or another label there is chosen too.

        Raises
        ------
        ValueError
            There is no result, or the layer covers no pixels of its image.
        """
        if self._result is None:
            raise ValueError(
                "Expected a clustered image, but none was clustered yet; press Fit in "
                "Cluster pixels first."
            )
        image, clustering = self._result.image, self._result.clustering
        shape = clustering.labels.shape
        over = over_image(image, clustering.picture, clustering.labels).shape
        if isinstance(layer, Shapes) and layer.ndim in (len(shape), image.ndim):
            mask = shape_pixels(layer, image, shape)
        elif isinstance(layer, Labels) and clustered(layer).shape in (shape, over):
            data = np.asarray(clustered(layer)).reshape(shape)
            ours = METADATA_KEY in layer.metadata and layer is not self._layer
            mask = data == layer.selected_label if ours else data > 0
        else:
            raise ValueError(
                "Expected a labels or shapes layer over the clustered image, got "
                f"{'none' if layer is None else repr(layer.name)}; select one in the "
                "layer list."
            )
        self._forget()
        if layer is not self._layer:
            self._source_watch.watch(layer)
        self._choose(mask)

    def _on_source_edited(self) -> None:
        layer, viewer = self._source_watch.layer, self._viewer()
        if self._result is None or viewer is None:
            return
        if layer is not None and layer in viewer.layers:
            with suppress(ValueError):  # it does not lie over the image any more
                self.choose_layer(layer)

    def _forget(self) -> None:
        """Forget what the pixels were chosen by."""
        self.region = self._region_label = None
        self._source_watch.watch(None)

    def clear(self) -> None:
        """Choose nothing, and remove the overlay."""
        layer, self._layer = self._layer, None
        viewer = self._viewer()
        if layer is not None and viewer is not None and layer in viewer.layers:
            viewer.layers.remove(layer)
        chosen = self.mask is not None
        self._forget()
        self._overlay_watch.watch(None)
        self.mask = None
        if chosen:
            self.changed.emit()

    def keep(self) -> Labels | None:
        """Keep the chosen pixels as a labels layer of the user's own."""
        viewer = self._viewer()
        if self.mask is None or self._result is None or viewer is None:
            return None
        if not self._result.current:
            return None
        image = self._result.image
        picture = self._result.clustering.picture
        overlay = over_image(image, picture, self.mask).astype(np.uint8)
        kept = Labels(
            overlay,
            name=f"{image.name} {SELECTION} kept",
            **placement(image, overlay.shape),
        )
        self._stage.add_behind(kept)
        return kept

    # ---- show

    def _choose(self, mask: NDArray[np.bool_]) -> None:
        viewer = self._viewer()
        assert viewer is not None
        assert self._result is not None
        if not self._result.current:  # the pixels that were clustered are gone
            self.clear()
            return
        self.mask = mask
        image = self._result.image
        picture = self._result.clustering.picture
        overlay = over_image(image, picture, mask).astype(np.uint8)
        if self._layer is not None and self._layer in viewer.layers:
            self._layer.data = overlay
            place(self._layer, image, overlay.shape)
        else:
            self._layer = Labels(
                overlay,
                name=f"{image.name} {SELECTION}",
                colormap=DirectLabelColormap(color_dict=COLORS),
                opacity=OPACITY,
                metadata={METADATA_KEY: {"role": SELECTION, "image": image.name}},
                **placement(image, overlay.shape),
            )
            self._overlay_watch.watch(self._layer)
            active = viewer.layers.selection.active
            self._stage.add_behind(self._layer, image)
            viewer.layers.selection.active = active
        self.changed.emit()

    def _on_painted(self) -> None:
        if self._layer is None or self.mask is None:
            return
        painted = np.asarray(self._layer.data) > 0
        if painted.size != self.mask.size:
            return
        painted = painted.reshape(self.mask.shape)
        if not np.array_equal(painted, self.mask):
            self._forget()
            self.mask = painted
            self.changed.emit()
