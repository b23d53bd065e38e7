"""Hover: the pixel of the result that is under the mouse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np
from psygnal import Signal

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_pixel_mixtures.inspection import PixelReport

    from .labels_view import LabelsView
    from .result import Result


class Hover:
    """Follows the mouse over the picture."""

    changed = Signal(object)  # flat index of a pixel, or None

    def __init__(self, viewer: ViewerModel, labels: LabelsView) -> None:
        self._labels = labels
        self._result: Result | None = None
        self.pixel: int | None = None
        me = ref(self)

        def on_mouse_move(viewer: ViewerModel, event: Any) -> None:
            # The viewer keeps this function, which must not keep us.
            hover = me()
            if hover is not None:
                hover.move_to(viewer.cursor.position, viewer.dims.ndisplay)

        viewer.mouse_move_callbacks.append(on_mouse_move)

    def set_result(self, result: Result | None) -> None:
        """Take another result."""
        self._result = result
        self._take(None)

    def move_to(self, position: tuple[float, ...], ndisplay: int = 2) -> None:
        """Find the pixel at a position in world coordinates."""
        result = self._result
        layer = None if result is None else self._labels.top_layer(result.image)
        if result is None or layer is None or ndisplay != 2:
            self._take(None)
            return
        shape = result.clustering.labels.shape
        place = np.rint(layer.world_to_data(position[-layer.ndim :])).astype(int)
        picture = result.clustering.picture
        if len(place) > len(shape) and picture.channel_axis is not None:
            place = np.delete(place, picture.channel_axis)
        if len(place) != len(shape) or np.any(place < 0) or np.any(place >= shape):
            self._take(None)
            return
        if result.clustering.labels[tuple(place)] == 0:  # it has no features
            self._take(None)
            return
        self._take(int(np.ravel_multi_index(tuple(place), shape)))

    def _take(self, pixel: int | None) -> None:
        if pixel != self.pixel:
            self.pixel = pixel
            self.changed.emit(pixel)


def in_words(report: PixelReport) -> str:
    """Write a report in two lines."""
    values = "  ".join(f"{name} {value:.4g}" for name, value in report.features.items())
    likely = "  ".join(
        f"{label}: {probability:.0%}, {distance:.1f} sigma"
        for label, probability, distance in zip(
            report.labels, report.probabilities, report.distances, strict=True
        )
    )
    return f"{values}\n{likely}"
