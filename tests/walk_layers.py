"""Steps of a user without a plan over layers and the viewer's own controls."""

import numpy as np
from napari.layers import Image, Labels, Points, Shapes
from qtpy.QtCore import QPoint
from qtpy.QtTest import QTest

from napari_pixel_mixtures.viewer.workspace import workspace_of

SHAPES = ((32, 48), (27, 29), (48, 32))  # from 30 pixels a side on napari sees colors


class LayerSteps:
    """A part of `Walk`, which has the viewer and the random numbers."""

    def do_toggle_3d(self):
        self.viewer.dims.ndisplay = 5 - self.viewer.dims.ndisplay

    do_toggle_3d.weight = 0.7

    def do_hover(self):
        canvas = self.viewer.window._qt_viewer.canvas.native
        size = np.array([canvas.width(), canvas.height()])
        canvas._last_time = 0.0
        QTest.mouseMove(canvas, QPoint(*map(int, self.random.random(2) * size)))

    do_hover.weight = 3.0

    def do_use_a_shortcut(self):
        workspace = workspace_of(self.viewer)
        self.pick([workspace.undo, workspace.redo])()

    # ---- layers

    def do_add_an_image(self):
        if sum(isinstance(layer, Image) for layer in self.viewer.layers) < 4:
            image = self.add_picture()
            image.translate = self.pick([(0, 0), (3, 5)])

    def add_picture(self):
        return self.viewer.add_image(self.picture(), name="picture")

    def picture(self, shape=SHAPES[0]):
        shift = self.random.integers(0, 40, 3)
        picture = self.random.integers(0, 80, (*shape, 3)) + shift
        picture[:, shape[1] // 3 :] += [90, 0, 30]
        picture[shape[0] // 2 :] += [0, 60, 90]
        return np.clip(picture, 0, 255).astype(np.uint8)

    def do_replace_the_data(self):
        image = self.layer(Image, ours=False)
        if image is not None:
            other = self.picture(self.pick(SHAPES))
            other = self.pick([other, other / 255, other.astype(np.uint16) * 200])
            image.data = other

    def do_move_a_layer(self):
        layer = self.layer()
        if layer is not None:
            layer.translate = self.random.integers(-9, 9, layer.ndim)
            layer.scale = self.random.choice([0.5, 1, 2], layer.ndim)

    def do_delete_a_layer(self):
        layer = self.layer() if self.random.random() < 0.3 else self.layer(ours=True)
        if layer is not None:
            self.viewer.layers.remove(layer)

    do_delete_a_layer.weight = 1.5

    def do_rename_a_layer(self):
        layer = self.layer()
        if layer is not None:
            layer.name = self.pick(["mine", "picture", "picture quantized", "x"])

    def do_move_in_the_list(self):
        n = len(self.viewer.layers)
        if n:
            self.viewer.layers.move(*map(int, self.random.integers(0, n, 2)))

    def do_select_a_layer(self):
        self.viewer.layers.selection.active = self.pick([*self.viewer.layers, None])

    do_select_a_layer.weight = 2.0

    def do_hide_a_layer(self):
        layer = self.layer()
        if layer is not None:
            layer.visible = not layer.visible

    def do_add_mine(self):
        if len(self.theirs) > 4:
            return
        kind = self.random.integers(3)
        if kind == 0:
            layer = self.viewer.add_points(self.random.random((4, 2)) * 30, name="mine")
        elif kind == 1:
            corners = self.random.random((3, 2)) * 30
            layer = self.viewer.add_shapes([corners], shape_type="polygon")
        else:
            labels = np.zeros(SHAPES[0], np.uint8)
            labels[5:20, 7:30] = 3
            layer = self.viewer.add_labels(labels, name="picture quantized")
        self.theirs[layer] = self.state(layer)

    @staticmethod
    def state(layer):
        data = layer.data
        return [
            np.array(each) for each in (data if isinstance(layer, Shapes) else [data])
        ]

    def do_paint(self):
        layer = self.layer(Labels, ours=True)
        # napari lets nobody paint what is hidden.
        if (
            layer is not None
            and layer.visible
            and layer.ndim == self.viewer.dims.ndisplay == 2
        ):
            layer.brush_size = 5
            place = self.random.integers(0, layer.data.shape)
            layer.paint(place, self.pick([0, 1, 2]))
            if self.random.random() < 0.3:
                layer.undo()

    def do_drag_a_place(self):
        layer = self.layer(Points, ours=True)
        if layer is None or "places" not in layer.name or len(layer.data) == 0:
            return
        act = self.random.integers(3)
        if act == 0:
            layer.add(self.random.random((1, layer.ndim)) * 30)
        else:
            layer.selected_data = {int(self.random.integers(len(layer.data)))}
            if act == 1 and len(layer.data) > 1:
                layer.remove_selected()
            else:
                layer._move(list(layer.selected_data), self.random.random(layer.ndim))
                layer.events.data(
                    value=layer.data,
                    action="changed",
                    data_indices=tuple(layer.selected_data),
                    vertex_indices=((),),
                )

    do_drag_a_place.weight = 2.0
