"""Hover: the pixel of the result that is under the mouse, and clicks on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np
from psygnal import Signal

from .outline import Outline
from .result_labels import pixel_at

if TYPE_CHECKING:
    from collections.abc import Generator

    from napari.components import ViewerModel

    from napari_pixel_mixtures.inspection import PixelReport

    from .labels_view import LabelsView
    from .result import Result


class Hover:
    """Follows the mouse over the picture."""

    changed = Signal(object)  # flat index of a pixel, or None
    clicked = Signal(int, bool)  # the label of a pixel, and whether Ctrl was held

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

        def on_drag(viewer: ViewerModel, event: Any) -> Generator[None, None, None]:
            hover = me()
            if hover is not None and _is_for_the_picture(viewer, event):
                yield from hover._follow(viewer, event)

        viewer.mouse_move_callbacks.append(on_mouse_move)
        viewer.mouse_drag_callbacks.append(on_drag)

    def set_result(self, result: Result | None) -> None:
        """Take another result."""
        self._result = result
        self._take(None)

    def move_to(self, position: tuple[float, ...], ndisplay: int = 2) -> None:
        """Find the pixel at a position in world coordinates."""
        self._take(self._pixel_at(position, ndisplay))

    def _pixel_at(self, position: tuple[float, ...], ndisplay: int) -> int | None:
        result = self._result
        layer = None if result is None else self._labels.top_layer(result.image)
        if result is None or layer is None or ndisplay != 2:
            return None
        shape = result.clustering.labels.shape
        place = pixel_at(layer, position[-layer.ndim :])
        picture = result.clustering.picture
        if len(place) > len(shape) and picture.channel_axis is not None:
            place = np.delete(place, picture.channel_axis)
        if len(place) != len(shape) or np.any(place < 0) or np.any(place >= shape):
            return None
        if result.clustering.labels[tuple(place)] == 0:  # it has no features
            return None
        return int(np.ravel_multi_index(tuple(place), shape))

    def _follow(self, viewer: ViewerModel, event: Any) -> Generator[None, None, None]:
        """Follow the mouse from a press of its button to the release."""
        position = viewer.cursor.position
        with_ctrl = "Control" in event.modifiers
        press = Outline("turn", event.pos)
        yield
        while event.type == "mouse_move":
            press.extend(event.pos)
            if not press.is_click:  # the picture was moved, perhaps there and back
                return
            yield
        # Moves that follow each other fast are not told: this is the last place.
        press.extend(event.pos)
        pixel = self._pixel_at(position, viewer.dims.ndisplay)
        if pixel is not None and self._result is not None and press.is_click:
            labels = self._result.clustering.labels
            self.clicked.emit(int(labels.reshape(-1)[pixel]), with_ctrl)

    def _take(self, pixel: int | None) -> None:
        if pixel != self.pixel:
            self.pixel = pixel
            self.changed.emit(pixel)


def _is_for_the_picture(viewer: ViewerModel, event: Any) -> bool:
    """Tell whether a press neither paints nor draws, nor means something else."""
    active = viewer.layers.selection.active
    free = active is None or str(active.mode) == "pan_zoom"
    return free and event.button == 1 and set(event.modifiers) <= {"Control"}


def in_words(report: PixelReport, of_class: str | None = None) -> str:
    """Write a report in two lines, and which class the pixel comes to."""
    values = "  ".join(f"{name} {value:.4g}" for name, value in report.features.items())
    likely = "  ".join(
        f"{label}: {probability:.0%}, {distance:.1f} sigma"
        for label, probability, distance in zip(
            report.labels, report.probabilities, report.distances, strict=True
        )
    )
    text = f"{values}\n{likely}"
    return text if of_class is None else f"{text}  \N{RIGHTWARDS ARROW} {of_class}"
