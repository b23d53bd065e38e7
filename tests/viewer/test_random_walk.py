"""Anything in any order: no exception, nothing leaks, and the viewer goes on."""

import gc
import os
import re
import resource
import sys
import traceback
import weakref

import numpy as np
import pytest
from magicgui.widgets import CheckBox, ComboBox
from napari.layers import Image, Labels, Points, Shapes
from napari.utils.notifications import ErrorNotification, notification_manager
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QDockWidget

from napari_pixel_mixtures.viewer.layers import is_ours
from napari_pixel_mixtures.viewer.workspace import workspace_of

STEPS = 500
SEEDS = [int(seed) for seed in os.environ.get("WALK_SEEDS", "1").split()]
WIDGETS = ("Cluster pixels", "Color cloud", "Compare mixtures", "EM step by step")
SETTLE = 25  # steps after which all that runs is waited for
LEFT = Qt.MouseButton.LeftButton
SENTENCES = re.compile(
    "Expected a clustered image, but none was clustered yet; "
    "|Expected an image, but none is open; "
    "|Expected a labels or shapes layer over the clustered image, got "
    "|Expected at least [0-9]+ distinct samples for n_components="
    "|Expected whole numbers of components, such as 2, 4, 10, 30, got "
    "|Expected some, but none"
    "|Expected a number of components"
    "|Expected n_components to be "
    "|Expected at least one number of components"
    "|Expected some numbers of components"
    "|Expected a comparison to save, but there is none yet; "
    "|Expected numbers of components, got none; "
    "|Expected .* from 1 to 255, got "
    "|Expected at least one feature with a weight above 0, got none; "
    "|Fitting the mixture model failed because some components have ill-defined "
    "|Expected anchors with "
)
WARNINGS = re.compile(
    "The fit stopped "
    "|The image '.*' was changed while its fit ran, so the result was dropped; "
)


class Walk:
    """A user without a plan. Every method whose name begins with `do` is a step."""

    def __init__(self, viewer, seed, tmp_path):
        self.viewer = viewer
        self.random = np.random.default_rng(seed)
        self.path = tmp_path
        self.widgets = {}
        self.trail = []
        self.theirs = weakref.WeakKeyDictionary()  # layers of the user's own
        self.steps = [getattr(self, n) for n in dir(self) if n.startswith("do_")]
        self.weights = np.array([getattr(s, "weight", 1.0) for s in self.steps])

    def step(self):
        chosen = self.random.choice(
            len(self.steps), p=self.weights / self.weights.sum()
        )
        self.trail.append(self.steps[chosen].__name__)
        self.steps[chosen]()

    def pick(self, things):
        things = list(things)
        return things[self.random.integers(len(things))] if things else None

    def layer(self, *kinds, ours=None):
        return self.pick(
            layer
            for layer in self.viewer.layers
            if (not kinds or isinstance(layer, kinds))
            and (ours is None or is_ours(layer) == ours)
        )

    def widget(self, name):
        if name not in self.widgets:
            _, widget = self.viewer.window.add_plugin_dock_widget(
                "napari-pixel-mixtures", name
            )
            self.widgets[name] = widget
        return self.widgets[name]

    def press(self, button):
        if button.enabled:
            button.native.click()

    # ---- docks

    def do_close_a_dock(self):
        name = self.pick(self.widgets)
        if name is not None:
            widget = self.widgets.pop(name)
            dock = widget.native.parent()
            while not isinstance(dock, QDockWidget):
                dock = dock.parent()
            self.viewer.window.remove_dock_widget(dock)

    do_close_a_dock.weight = 0.4

    def do_open_a_dock(self):
        self.widget(self.pick(WIDGETS))

    # ---- Cluster pixels

    def do_set_a_field(self):
        widget = self.widget("Cluster pixels")
        name = self.pick(
            ["n_components"] * 4
            + ["covariance_type", "color", "position", "distance", "n_anchors"]
            + ["scaling", "random_state", "max_iter", "init_params", "reg_covar", "tol"]
        )
        field = getattr(widget, name)
        if isinstance(field, CheckBox):
            field.native.click()
        elif isinstance(field, ComboBox):
            field.value = self.pick(field.choices)
        else:
            largest = {"n_components": 9, "n_anchors": 9, "max_iter": 60}.get(name, 99)
            smallest = 1 if name in ("n_components", "n_anchors", "max_iter") else 0
            value = int(self.random.integers(smallest, largest))
            small = {"reg_covar": 1e-6, "tol": 1e-5}
            field.value = value * small.get(name, 1)

    do_set_a_field.weight = 5.0

    def do_press_fit(self):
        self.press(self.widget("Cluster pixels").fit)

    do_press_fit.weight = 2.0

    def do_press_another(self):
        widget = self.widget("Cluster pixels")
        name = self.pick(["cancel", "undo", "undo", "redo", "redo", "reshuffle"])
        self.press(getattr(widget, name))

    do_press_another.weight = 3.0

    def do_toggle_live(self):
        self.widget("Cluster pixels").live.native.click()

    do_toggle_live.weight = 0.5

    def do_choose_an_image(self):
        field = self.widget("Cluster pixels").image
        if field.choices:
            field.value = self.pick(field.choices)

    # ---- Color cloud

    def do_set_the_cloud(self):
        widget = self.widget("Color cloud")
        field = self.pick(
            getattr(widget, name, None) or widget.features[int(self.random.integers(3))]
            for name in ("whiten", "axes", "ellipsoids", "color_by", "tool", "x", "y")
        )
        if field.choices:
            field.value = self.pick(field.choices)

    do_set_the_cloud.weight = 4.0

    def do_set_the_points(self):
        widget = self.widget("Color cloud")
        widget.max_points.value = int(self.random.integers(1, 4000))
        widget.point_size.value = float(self.random.uniform(0.2, 5))

    def do_press_in_the_cloud(self):
        widget = self.widget("Color cloud")
        self.press(self.pick([*widget.views, *widget.selection]))

    do_press_in_the_cloud.weight = 3.0

    def do_show_the_cloud_or_leave(self):
        self.press(self.widget("Color cloud").show_cloud)

    do_show_the_cloud_or_leave.weight = 1.5

    def do_save_the_cloud(self):
        self.widget("Color cloud").save_picture(str(self.path / "cloud"))

    do_save_the_cloud.weight = 0.3

    def do_drag_in_the_cloud(self):
        canvas = self.widget("Color cloud").canvas.native
        low, size = 5, np.array([canvas.width() - 10, canvas.height() - 10])
        places = low + self.random.random((self.random.integers(1, 6), 2)) * size
        places = [QPoint(*map(int, place)) for place in places]
        button = self.pick([LEFT, LEFT, LEFT, Qt.MouseButton.RightButton])
        QTest.mousePress(canvas, button, pos=places[0])
        for place in places[1:]:
            canvas._last_time = 0.0  # vispy drops moves within 10 ms of one another
            QTest.mouseMove(canvas, place)
        if self.random.random() < 0.1:
            self.do_press_fit()  # in the middle of it
        QTest.mouseRelease(canvas, button, pos=places[-1])

    do_drag_in_the_cloud.weight = 5.0

    # ---- Compare mixtures

    def do_compare(self):
        widget = self.widget("Compare mixtures")
        widget.sizes.value = self.pick(["2, 3", "2", "3 4", "", "two", "0, 2", "2,,3;"])
        self.press(widget.compare)

    do_compare.weight = 0.7

    def do_press_in_compare(self):
        widget = self.widget("Compare mixtures")
        self.press(self.pick([widget.cancel, widget.back]))

    # ---- EM step by step

    def do_replay(self):
        widget = self.widget("EM step by step")
        if widget.iteration.enabled:
            most = widget.iteration.max
            widget.iteration.value = int(self.random.integers(1, most + 1))

    do_replay.weight = 2.0

    def do_play(self):
        widget = self.widget("EM step by step")
        self.press(self.pick([widget.play, widget.end]))

    # ---- layers

    def do_add_an_image(self):
        if sum(isinstance(layer, Image) for layer in self.viewer.layers) > 4:
            return
        image = self.viewer.add_image(self.picture(), name="picture")
        image.translate = self.pick([(0, 0), (3, 5)])

    def picture(self, shape=(40, 60)):
        shift = self.random.integers(0, 40, 3)
        picture = self.random.integers(0, 80, (*shape, 3)) + shift
        picture[:, shape[1] // 3 :] += [90, 0, 30]
        picture[shape[0] // 2 :] += [0, 60, 90]
        return np.clip(picture, 0, 255).astype(np.uint8)

    def do_replace_the_data(self):
        image = self.layer(Image, ours=False)
        if image is not None:
            other = self.picture(self.pick([(40, 60), (33, 35), (60, 40)]))
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
        if len(self.theirs) > 6:
            return
        kind = self.random.integers(3)
        if kind == 0:
            layer = self.viewer.add_points(self.random.random((4, 2)) * 30, name="mine")
        elif kind == 1:
            corners = self.random.random((3, 2)) * 30
            layer = self.viewer.add_shapes([corners], shape_type="polygon")
        else:
            labels = np.zeros((40, 60), np.uint8)
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
        if layer is not None and layer.ndim == self.viewer.dims.ndisplay == 2:
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

    # ---- the viewer

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

    def do_wait(self):
        QTest.qWait(int(self.random.integers(1, 40)))


def idle(viewer):
    workspace = workspace_of(viewer)
    return not (workspace.runner.busy or workspace.comparison.runner.busy)


@pytest.mark.parametrize("seed", SEEDS)
def test_anything_in_any_order(viewer, qtbot, tmp_path, seed, monkeypatch):
    monkeypatch.setattr("napari_pixel_mixtures.viewer.cloud_canvas.MOVING_POINTS", 1500)
    viewer.window._qt_window.resize(700, 500)  # drawing is what takes time here
    start = len(notification_manager.records)
    viewer.add_image(Walk(viewer, 9, tmp_path).picture(), name="picture")
    walk = Walk(viewer, seed, tmp_path)
    kilobytes = []
    for number in range(STEPS):
        try:
            walk.step()
            if number % SETTLE == 0:
                qtbot.waitUntil(lambda: idle(viewer), timeout=30_000)
                # An iteration that is shown is of the result that is there.
                assert len(viewer.layers) < 40
            if number % 100 == 50:
                gc.collect()
                kilobytes.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        except Exception as error:  # noqa: BLE001
            traceback.print_exc(file=sys.stderr)
            pytest.fail(f"{error!r} at step {number} after {walk.trail[-8:]}")
        for layer, state in walk.theirs.items():
            for before, now in zip(state, walk.state(layer), strict=True):
                assert np.array_equal(before, now), walk.trail[-3:]
    qtbot.waitUntil(lambda: idle(viewer), timeout=30_000)
    faults = []
    for record in notification_manager.records[start:]:
        known = {"error": SENTENCES, "warning": WARNINGS}.get(str(record.severity))
        if isinstance(record, ErrorNotification):
            faults.append(record.as_text())
        elif known is not None and not known.match(record.message):
            faults.append(record.message)
    assert not faults, "\n".join(faults)
    assert kilobytes[-1] - kilobytes[1] < 400_000, kilobytes
    # All of it can be put away.
    workspace = workspace_of(viewer)
    viewer.layers.clear()
    assert workspace.result is None and workspace.image is None
    assert workspace.selection.mask is None
    assert not workspace.undo_stack.can_undo and not workspace.undo_stack.can_redo
    assert not workspace.cloud.shown and not workspace.comparison.shown
