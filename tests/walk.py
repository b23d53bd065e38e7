"""A user without a plan: steps over all controls of the plugin and of the viewer."""

import weakref

import numpy as np
from magicgui.widgets import ComboBox
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest

from napari_pixel_mixtures import AnchorDistance, Color, Position
from napari_pixel_mixtures.viewer.console import cluster_layer, show_cloud
from napari_pixel_mixtures.viewer.docks import dock_of
from napari_pixel_mixtures.viewer.layers import is_ours
from napari_pixel_mixtures.viewer.workspace import workspace_of
from walk_docks import DockSteps
from walk_layers import LayerSteps

WIDGETS = (
    "Cluster pixels",
    "Color cloud",
    "Compare mixtures",
    "Choose the model",
    "Classes",
    "How sure?",
    "Keep and apply",
    "EM step by step",
)
MOST_FEATURES = 5
AREAS = (
    Qt.DockWidgetArea.LeftDockWidgetArea,
    Qt.DockWidgetArea.RightDockWidgetArea,
    Qt.DockWidgetArea.BottomDockWidgetArea,
)
LEFT = Qt.MouseButton.LeftButton


class Walk(DockSteps, LayerSteps):
    """Every method whose name begins with `do` is a step.

    Attributes
    ----------
    trail : list of str
        The steps so far.
    refusals : list of str
        What the console has said of bad input.
    theirs : mapping of layer to its data
        Layers of the user's own, which nothing may change.
    n_layers : int
        How many layers there ever were.
    seen_layers, seen_widgets : weak sets
        All that ever were, for as long as something keeps them.
    """

    def __init__(self, viewer, seed, folder):
        self.viewer = viewer
        self.random = np.random.default_rng(seed)
        self.folder = folder
        self.widgets = {}
        self.trail = []
        self.refusals = []
        self.theirs = weakref.WeakKeyDictionary()
        self.n_layers = 0
        self.seen_layers = weakref.WeakSet()
        self.seen_widgets = weakref.WeakSet()
        self.steps = [getattr(self, n) for n in dir(self) if n.startswith("do_")]
        self.weights = np.array([getattr(s, "weight", 1.0) for s in self.steps])
        viewer.layers.events.inserted.connect(self.see)
        self.add_picture()

    def see(self, event):
        self.n_layers += 1
        self.seen_layers.add(event.value)

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
            self.seen_widgets.add(widget)
        return self.widgets[name]

    def close(self, name):
        self.viewer.window.remove_dock_widget(dock_of(self.widgets.pop(name)))

    @property
    def running(self):
        """What is being computed."""
        workspace = workspace_of(self.viewer)
        places = [
            *(workspace, workspace.comparison, workspace.sweep, workspace.classes),
            *(workspace.maps, workspace.keeper, workspace.segments),
            workspace.replaying,
        ]
        if "Cluster pixels" in self.widgets:
            features = self.widgets["Cluster pixels"].features
            places += [features.thumbnails, features.effects]
        return [place.runner.job for place in places if place.runner.busy]

    def press(self, button):
        if button.enabled:
            button.native.click()

    # ---- docks

    def do_close_a_dock(self):
        if self.widgets:
            self.close(self.pick(self.widgets))

    do_close_a_dock.weight = 0.4

    def do_move_a_dock(self):
        if self.widgets:
            dock = dock_of(self.widgets[self.pick(self.widgets)])
            area = self.pick([*AREAS, None])
            if area is None:
                dock.setFloating(not dock.isFloating())
            else:
                self.viewer.window._qt_window.addDockWidget(area, dock)

    do_move_a_dock.weight = 0.7

    def do_open_a_dock(self):
        self.widget(self.pick(WIDGETS))

    # ---- Cluster pixels

    def do_set_a_field(self):
        widget = self.widget("Cluster pixels")
        name = self.pick(
            ["n_components"] * 4
            + ["covariance_type", "scaling", "random_state", "max_iter"]
            + ["init_params", "reg_covar", "tol", "smoothing"]
        )
        field = getattr(widget, name)
        if isinstance(field, ComboBox):
            field.value = self.pick(field.choices)
            return
        largest = {"n_components": 9, "max_iter": 60}.get(name, 99)
        smallest = 1 if name in ("n_components", "max_iter") else 0
        value = int(self.random.integers(smallest, largest))
        field.value = value * {"reg_covar": 1e-6, "tol": 1e-5, "smoothing": 0.05}.get(
            name, 1
        )

    do_set_a_field.weight = 5.0

    def do_add_a_feature(self):
        features = self.widget("Cluster pixels").features
        features.menu.aboutToShow.emit()
        action = self.pick(a for a in features.menu.actions() if a.text())
        if len(features.rows) < MOST_FEATURES:
            action.trigger()

    def do_change_a_feature(self):
        row = self.pick(self.widget("Cluster pixels").features.rows)
        act = self.random.integers(4)
        if row is None:
            return
        if act == 0:
            row.switch.click()
        elif act == 1:
            row.influence.setValue(int(self.random.integers(101)))
        elif act == 2:
            row.remove.click()
        elif row.feature.settings():
            row.open_settings.click()
            self.change(self.pick(row.form.fields.values()))
            row.form.hide()

    do_change_a_feature.weight = 3.0

    def change(self, field):
        """Change a setting of a feature to one that may or may not make sense."""
        if isinstance(field, ComboBox):
            field.value = self.pick(field.choices)
        elif isinstance(field.value, str):
            field.value = self.pick(["R", "gray", "1, 2", "(R", ""])
        elif isinstance(field.value, bool):
            field.value = not field.value
        else:
            highest = min(field.max, field.min + 6)
            share = self.random.random() * (highest - field.min)
            field.value = type(field.value)(field.min + share)

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
            [widget.whiten] * 2
            + [widget.axes, widget.ellipsoids, widget.color_by]
            + [widget.tool] * 2
            + widget.features
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
        buttons = widget.selection
        self.press(
            self.pick(
                [*widget.views.axes, *widget.views.principal, widget.views.home]
                + [buttons.select_from, buttons.keep, buttons.clear_selection] * 2
            )
        )

    do_press_in_the_cloud.weight = 3.0

    def do_show_the_cloud_or_leave(self):
        self.press(self.widget("Color cloud").show_cloud)

    do_show_the_cloud_or_leave.weight = 1.5

    def do_save_the_cloud(self):
        self.widget("Color cloud").picture.save(str(self.folder / "cloud"))

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

    # ---- Choose the model

    def do_choose_a_model(self):
        widget = self.widget("Choose the model")
        cell = self.pick(widget.grid.cells.values())
        act = self.random.integers(4)
        if act == 0:
            widget.sizes.value = self.pick(["1, 2", "3", "2 2", "", "many", "0"])
            self.press(widget.start)
        elif act == 1:
            self.press(widget.cancel)
        elif act == 2:
            widget.criterion.value = self.pick(widget.criterion.choices)
        elif cell is not None:
            cell.click()

    do_choose_a_model.weight = 2.0

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

    # ---- the console

    def do_cluster_in_the_console(self):
        features = [[Color()], [Color(), Position()], [AnchorDistance(n=3)], []]
        self.type(
            lambda: cluster_layer(
                self.viewer,
                self.layer() if self.random.random() < 0.3 else None,
                n_components=self.pick([0, 1, 2, 3, 4, 5]),
                features=self.pick(features),
                max_iter=30,
            )
        )

    def do_show_the_cloud_in_the_console(self):
        whiten = self.pick([None, "pooled", 1, 2, 6, "all"])
        self.type(lambda: show_cloud(self.viewer, whiten, max_points=900))

    def type(self, line):
        """Type a line; bad input is answered by one sentence."""
        try:
            line()
        except (TypeError, ValueError) as error:
            self.refusals.append(str(error))

    # ----

    def do_wait(self):
        QTest.qWait(int(self.random.integers(1, 40)))
