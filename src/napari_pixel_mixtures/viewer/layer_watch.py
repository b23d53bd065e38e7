"""LayerWatch: tells when a labels or shapes layer is edited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import ref

from napari.layers import Labels
from psygnal import Signal

if TYPE_CHECKING:
    from napari.layers import Layer


class LayerWatch:
    """Watches one layer at a time: its pixels or shapes, and its current label."""

    edited = Signal()

    def __init__(self) -> None:
        self._layer: ref[Layer] | None = None

    @property
    def layer(self) -> Layer | None:
        """The layer that is watched."""
        return None if self._layer is None else self._layer()

    def watch(self, layer: Layer | None) -> None:
        """Watch this layer in place of the one before."""
        before = self.layer
        if before is layer:
            return
        if before is not None:
            for event in _events(before):
                event.disconnect(self._on_edited)
        if layer is not None:
            for event in _events(layer):
                event.connect(self._on_edited)
        self._layer = None if layer is None else ref(layer)

    def _on_edited(self, event: Any) -> None:
        self.edited.emit()


def _events(layer: Layer) -> list[Any]:
    events = [layer.events.set_data]
    if isinstance(layer, Labels):
        # napari tells by it of paint, but neither of its undo nor once it is there.
        events += [layer.events.labels_update, layer.events.selected_label]
    return events
