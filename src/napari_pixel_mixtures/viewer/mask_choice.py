"""MaskChoice: the layer that limits the next fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np
from napari.layers import Shapes
from psygnal import Signal

from .masks import is_mask, mask_pixels

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels, Layer
    from numpy.typing import NDArray

    from .result import Result
    from .worker import Request


class MaskChoice:
    """A labels or shapes layer that limits fits, or none.

    Without one, live fits keep the mask of the result that they follow, which may be
    an array of the console's.
    """

    changed = Signal(object)  # the layer, or None
    moved = Signal()  # its shapes were edited

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = ref(viewer)
        self._layer: ref[Labels | Shapes] | None = None
        self._given: Result | None = None

    @property
    def layer(self) -> Labels | Shapes | None:
        """The layer."""
        return None if self._layer is None else self._layer()

    def layers(self) -> list[Layer]:
        """List the layers that can limit a fit."""
        viewer = self._viewer()
        assert viewer is not None
        return [layer for layer in viewer.layers if is_mask(layer)]

    def set(self, layer: Labels | Shapes | None) -> None:
        """Choose a layer, or none."""
        before = self.layer
        if layer is before:
            return
        self._given = None
        if isinstance(before, Shapes):
            before.events.data.disconnect(self._on_edited)
        self._layer = None if layer is None else ref(layer)
        if isinstance(layer, Shapes):
            layer.events.data.connect(self._on_edited)
        self.changed.emit(layer)

    def set_back(self, request: Request) -> None:
        """Choose the layer of a request's mask, if it covers the same pixels still."""
        layer = None if request.mask_layer is None else request.mask_layer()
        if layer not in self.layers() or not _covers(layer, request):
            layer = None
        self.set(layer)

    def keep(self, result: Result | None) -> None:
        """Let live fits keep the mask of a result."""
        self._given = result

    def pixels(self, image: Image) -> NDArray[Any] | None:
        """Give the pixels to cluster, (*spatial); None for all.

        Raises
        ------
        ValueError
            The layer does not lie over the image, or covers nothing.
        """
        layer, given = self.layer, self._given
        if layer is not None:
            return mask_pixels(layer, image)
        if given is not None and given.image is image and given.current:
            mask: NDArray[Any] | None = given.mask
            return mask
        return None

    def forget(self, layer: Layer) -> None:
        """Let go of a layer that was removed."""
        if layer is self.layer:
            self.set(None)
        if self._given is not None and layer in self._given.source.layers:
            self._given = None

    def _on_edited(self, event: Any) -> None:
        # napari tells of each edit before and after.
        if not str(getattr(event, "action", "")).endswith("ing"):
            self.moved.emit()


def _covers(layer: Labels | Shapes, request: Request) -> bool:
    """Tell whether a layer covers just the pixels of a request's mask."""
    try:
        covered = mask_pixels(layer, request.image)
    except ValueError:  # that it covers none, or lies elsewhere by now
        return False
    return request.mask is not None and np.array_equal(covered, request.mask)
