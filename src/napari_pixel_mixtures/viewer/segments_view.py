"""SegmentsView: the connected regions of each result, as a layer over its image."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, ref

import numpy as np
import pandas as pd
from napari.layers import Labels
from psygnal import Signal

from .layers import over_image, place, placement, result_metadata
from .messages import report
from .worker import Runner, Step

if TYPE_CHECKING:
    from collections.abc import Generator

    from napari.components import ViewerModel
    from napari.layers import Image
    from numpy.typing import NDArray

    from .result import Result
    from .stage import Stage

SEGMENTS = "segments"


@dataclass(frozen=True)
class SegmentSettings:
    """Whether segments are shown, and how they are made: see `Clustering.regions`."""

    on: bool = False
    min_size: int = 500
    contrast: float = 3.0

    @property
    def regions(self) -> dict[str, Any]:
        """What `Clustering.regions` takes."""
        return {"min_size": self.min_size, "contrast": self.contrast}

    @property
    def wanted(self) -> dict[str, Any] | None:
        """The same; None if segments are not shown."""
        return self.regions if self.on else None


@dataclass(frozen=True, eq=False)
class SegmentsJob:
    """A result of which to find the regions."""

    result: Result
    settings: SegmentSettings
    title = "Segments"
    live = True

    @property
    def image(self) -> Image:
        """The layer that the segments belong to."""
        return self.result.image

    def steps(self) -> Generator[Step, None, NDArray[np.int32]]:
        """Find them."""
        yield Step(self.title, 0.0)
        return self.result.clustering.regions(**self.settings.regions)


class SegmentsView:
    """Shows the connected regions of each result, where wanted.

    They are found in the background after each fit; a layer that was removed by hand
    comes back with the next result.
    """

    changed = Signal(object)  # SegmentSettings

    def __init__(self, viewer: ViewerModel, stage: Stage) -> None:
        self._viewer = ref(viewer)
        self._stage = stage
        self._layers: WeakKeyDictionary[Image, Labels] = WeakKeyDictionary()
        self._result: Result | None = None
        self._aside: Labels | None = None
        self.settings = SegmentSettings()
        self.runner = Runner()
        self.runner.succeeded.connect(self._on_succeeded)
        self.runner.failed.connect(self._on_failed)

    def edit(self, **changes: Any) -> None:
        """Take other settings, and find the segments anew."""
        settings = replace(self.settings, **changes)
        if settings == self.settings:
            return
        turned_off = self.settings.on and not settings.on
        self.settings = settings
        self.changed.emit(settings)
        if turned_off:
            self.runner.cancel()
            self._remove()
        else:
            self._start()

    def adopt(self, settings: SegmentSettings) -> None:
        """Take other settings, which are those of the next result."""
        if settings != self.settings:
            self.settings = settings
            self.changed.emit(settings)

    def set_result(self, result: Result | None) -> None:
        """Take another result, and find its segments."""
        self.runner.cancel()
        self.step_aside(False)
        self._result = result
        if not self.settings.on:
            self._remove()
        self._start()

    def step_aside(self, aside: bool) -> None:
        """Hide the segments, or show them again: they are not those of a frame."""
        if aside == (self._aside is not None):
            return
        if self._aside is not None:
            self._aside.visible = True
            self._aside = None
            return
        shown = None if self._result is None else self._layers.get(self._result.image)
        if shown is not None and shown.visible:
            shown.visible = False
            self._aside = shown

    def _start(self) -> None:
        result = self._result
        if self.settings.on and result is not None and result.current:
            self.runner.start(SegmentsJob(result, self.settings))

    def _remove(self) -> None:
        """Take the layers away."""
        viewer = self._viewer()
        assert viewer is not None
        for layer in self._layers.values():
            if layer in viewer.layers:
                viewer.layers.remove(layer)
        self._layers.clear()

    def _on_failed(self, job: SegmentsJob, error: Exception) -> None:
        report(error)

    def _on_succeeded(self, job: SegmentsJob, regions: NDArray[np.int32]) -> None:
        viewer, image = self._viewer(), job.image
        if viewer is None or image not in viewer.layers or not job.result.current:
            return
        metadata = _metadata(job)
        features = _features(regions)
        regions = over_image(image, job.result.clustering.picture, regions)
        layer = self._layers.get(image)
        if layer is not None and layer in viewer.layers:
            if layer.ndim == regions.ndim:
                layer.data = regions
                layer.features = features
                layer.metadata = layer.metadata | metadata
                place(layer, image, regions.shape)
                return
            viewer.layers.remove(layer)
        layer = Labels(
            regions,
            name=f"{image.name} {SEGMENTS}",
            features=features,
            metadata=metadata,
            opacity=1.0,
            **placement(image, regions.shape),
        )
        self._layers[image] = layer
        active = viewer.layers.selection.active
        self._stage.add_behind(layer, image)
        # Hovering goes on to tell about the clusters.
        if active in viewer.layers:
            viewer.layers.selection.active = active


def _metadata(job: SegmentsJob) -> dict[str, Any]:
    """Give the recipe, and what made regions of its clusters."""
    metadata = result_metadata(job.image, job.result.clustering, SEGMENTS)
    for ours in metadata.values():
        ours |= {"regions": job.settings.regions}
    return metadata


def _features(regions: NDArray[np.int32]) -> pd.DataFrame:
    """Say of each segment what the status bar shows on hover."""
    sizes = np.bincount(regions.reshape(-1))[1:]
    return pd.DataFrame({"index": np.arange(1, len(sizes) + 1), "pixels": sizes})
