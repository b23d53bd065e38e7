"""Stage: borrow the viewer for layers of ours, and give it back as it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, WeakSet, ref

from psygnal import Signal

from .layers import place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel
    from napari.layers import Image, Layer


@dataclass(frozen=True, eq=False)
class _ViewState:
    """What a viewer shows, and how."""

    dims: dict[str, Any]
    camera: dict[str, Any]
    grid: dict[str, Any]
    axes: dict[str, Any]
    background: Any
    visible: WeakKeyDictionary[Layer, bool]
    selected: WeakSet[Layer]

    @classmethod
    def of(cls, viewer: ViewerModel) -> _ViewState:
        dims, camera = viewer.dims, viewer.scene.camera
        grid, axes = viewer.canvas.grid, viewer.scene.overlays.axes
        return cls(
            dims={
                "ndisplay": dims.ndisplay,
                "order": dims.order,
                "point": dims.point,
                "axis_labels": dims.axis_labels,
            },
            camera={
                "center": camera.center,
                "zoom": camera.zoom,
                "angles": camera.angles,
                "perspective": camera.perspective,
            },
            grid={
                "enabled": grid.enabled,
                "shape": grid.shape,
                "stride": grid.stride,
                "spacing": grid.spacing,
            },
            axes={"visible": axes.visible, "labels": axes.labels},
            background=viewer.canvas.background_color_override,
            visible=WeakKeyDictionary(
                (layer, layer.visible) for layer in viewer.layers
            ),
            selected=WeakSet(viewer.layers.selection),
        )

    def restore(self, viewer: ViewerModel) -> None:
        """Bring the viewer back; layers that came or went meanwhile stay so."""
        _assign(viewer.canvas.grid, self.grid)
        for layer, visible in list(self.visible.items()):
            if layer in viewer.layers:
                layer.visible = visible
        dims = dict(self.dims)
        if viewer.dims.ndim != len(dims["order"]):
            # Layers of other dimensions were added or removed meanwhile.
            dims = {"ndisplay": dims["ndisplay"]}
        _assign(viewer.dims, dims)
        _assign(viewer.scene.overlays.axes, self.axes)
        _assign(viewer.scene.camera, self.camera)
        viewer.canvas.background_color_override = self.background
        selected = {layer for layer in self.selected if layer in viewer.layers}
        if selected:
            viewer.layers.selection = selected


class Stage:
    """The viewer's canvas, on loan to one view at a time.

    While it is on loan all other layers are hidden; giving it back removes ours and
    restores layers' visibility, dimensions, camera, grid, axes and selection.
    """

    changed = Signal(object)  # the new holder, or None

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = ref(viewer)
        self._state: _ViewState | None = None
        self._layers: list[Layer] = []
        self._over: WeakKeyDictionary[Layer, ref[Image]] = WeakKeyDictionary()
        self.holder: str | None = None
        """Which view has the stage; None if nobody has it."""
        # Last, so that the viewer has let go of the layer before.
        viewer.layers.events.removed.connect(self._on_removed, position="last")

    def borrow(self, holder: str, layers: Sequence[Layer]) -> None:
        """Show these new layers alone, in place of what is on the stage."""
        viewer = self._viewer()
        assert viewer is not None
        self.give_back()
        self._state = _ViewState.of(viewer)
        for layer in viewer.layers:
            layer.visible = False
        self.holder = holder
        for layer in layers:
            self._layers.append(layer)
            viewer.add_layer(layer)
        self.changed.emit(holder)

    def add(self, layer: Layer) -> None:
        """Show one more layer of the holder's."""
        viewer = self._viewer()
        assert viewer is not None
        self._layers.append(layer)
        viewer.add_layer(layer)

    def give_back(self) -> None:
        """Remove our layers and restore what was there before; safe to call twice."""
        viewer = self._viewer()
        state, self._state = self._state, None
        layers, self._layers = self._layers, []
        self.holder = None
        if viewer is None or state is None:
            return
        # First of all: drawing crashes where layers were removed from a grid that is
        # then left before the next frame.
        viewer.canvas.grid.enabled = False
        for layer in layers:
            if layer in viewer.layers:
                viewer.layers.remove(layer)
        state.restore(viewer)
        self.changed.emit(None)

    def add_behind(self, layer: Layer, over: Image | None = None) -> None:
        """Add a layer to the viewer, hidden for as long as the stage is on loan.

        One of ours `over` an image can be moved along with it.
        """
        viewer = self._viewer()
        assert viewer is not None
        if over is not None:
            self._over[layer] = ref(over)
        if self._state is None:
            viewer.add_layer(layer)
            return
        active = viewer.layers.selection.active
        self._state.visible[layer] = layer.visible
        layer.visible = False
        viewer.add_layer(layer)
        viewer.layers.selection.active = active

    def move_along(self, image: Image, shape: tuple[int, ...]) -> None:
        """Put what lies over an image, with results of this shape, over it again."""
        viewer = self._viewer()
        for layer, over in list(self._over.items()):
            if over() is image and viewer is not None and layer in viewer.layers:
                place(layer, image, shape)

    def _on_removed(self, event: Any) -> None:
        """Give the stage back when the last of our layers was removed by hand."""
        if event.value in self._layers:
            self._layers.remove(event.value)
            if not self._layers:
                self.give_back()


def _assign(model: Any, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(model, name, value)
