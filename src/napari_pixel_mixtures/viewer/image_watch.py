"""ImageWatch: tells when the image of a result gets other data or another place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from psygnal import Signal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.layers import Image

PLACE = ("translate", "scale", "rotate", "shear", "affine", "units")


class ImageWatch:
    """Watches the image layers of the last result, and no others."""

    replaced = Signal()  # other data
    moved = Signal()  # another place or size of pixels

    def __init__(self) -> None:
        self._layers: WeakSet[Image] = WeakSet()

    def watch(self, layers: Sequence[Image]) -> None:
        """Watch these layers in place of those before."""
        for layer in self._layers - set(layers):
            layer.events.data.disconnect(self._on_data)
            for name in PLACE:
                getattr(layer.events, name).disconnect(self._on_place)
        for layer in set(layers) - set(self._layers):
            # Last: who chose the image knows its channels by then.
            layer.events.data.connect(self._on_data, position="last")
            for name in PLACE:
                getattr(layer.events, name).connect(self._on_place)
        self._layers = WeakSet(layers)

    def _on_data(self, event: Any) -> None:
        self.replaced.emit()

    def _on_place(self, event: Any) -> None:
        self.moved.emit()
