"""What the viewer's tests share: pictures, viewers, slow fits, what was said."""

import threading
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.utils.notifications import notification_manager
from npe2 import PluginManifest

from napari_pixel_mixtures.features import AnchorDistance, Color, Position
from napari_pixel_mixtures.mixture.em import Iteration
from napari_pixel_mixtures.viewer import class_edits, cluster_widget, worker
from napari_pixel_mixtures.viewer.workspace import workspace_of

PLUGIN = "napari-pixel-mixtures"
KINDS = {"color": Color, "position": Position, "distance": AnchorDistance}


@pytest.fixture
def qtbot(qtbot):
    """The robot, with patience for machines that are slow or busy."""
    qtbot.waitUntil = partial(qtbot.waitUntil, timeout=30_000)
    return qtbot


@pytest.fixture(scope="session", autouse=True)
def manifests_read_once():
    """Each viewer of napari's tests looks for plugins, which reads all manifests."""
    found = list(PluginManifest.discover())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PluginManifest, "discover", lambda **_: found)
        yield


@pytest.fixture(autouse=True)
def compile_only_what_is_needed(monkeypatch):
    """Not what a person might choose next, as the widget does."""
    monkeypatch.setattr(cluster_widget, "warm_up", lambda *_: None)


@pytest.fixture(autouse=True)
def soon_looked_into(monkeypatch):
    """Tests wait until each fit was looked into; no other will follow it."""
    monkeypatch.setattr(class_edits, "REST_MS", 10)


@pytest.fixture
def picture():
    """Three colors with a little noise, in bands of 8, 18 and 14 columns."""
    colors = np.array([[200, 40, 30], [40, 180, 60], [20, 40, 220]], np.float64)
    bands = np.repeat(colors, [8, 18, 14], axis=0)
    noise = np.random.default_rng(0).normal(0, 4, (32, 40, 3))
    return np.clip(np.rint(bands + noise), 0, 255).astype(np.uint8)


@pytest.fixture
def bands():
    """The labels of `picture`: the widest band is 1."""
    return np.tile(np.repeat(np.array([3, 1, 2], np.uint8), [8, 18, 14]), (32, 1))


@pytest.fixture
def model(qapp, picture):
    """A viewer without a window, that shows `picture`."""
    viewer = ViewerModel()
    viewer.add_image(picture, name="bands")
    yield viewer
    workspace = workspace_of(viewer)
    workspace.close()


@pytest.fixture
def viewer(make_napari_viewer):
    """A viewer in a window of 1280 x 800, in which a leaked widget fails the test."""
    viewer = make_napari_viewer(show=True, strict_qt="raise")
    viewer.window._qt_window.resize(1280, 800)
    return viewer


@pytest.fixture
def open_widget(qtbot):
    """Open a widget of the plugin as its menu does."""

    def open_in(viewer, name="Cluster pixels"):
        widget = viewer.window.add_plugin_dock_widget(PLUGIN, name)[1]
        qtbot.waitUntil(widget.native.isVisible)
        return widget

    return open_in


@pytest.fixture
def on_screen(qtbot):
    """Show a widget without a window of napari's, and delete it after the test.

    At once and here: Python's garbage collector might do so in a worker's thread.
    """
    from qtpy.QtCore import QCoreApplication, QEvent

    shown = []

    def show(native, width, height):
        native.resize(width, height)
        native.show()
        qtbot.waitUntil(native.isVisible)
        shown.append(native)

    yield show
    for native in shown:
        native.close()
        native.deleteLater()
        QCoreApplication.sendPostedEvents(native, QEvent.Type.DeferredDelete.value)


@pytest.fixture
def click(qtbot):
    """Press a button with the mouse."""
    from qtpy.QtCore import Qt

    def press(button):
        assert button.native.isVisible(), f"{button.text} cannot be seen"
        assert button.enabled, f"{button.text} cannot be pressed"
        qtbot.mouseClick(button.native, Qt.MouseButton.LeftButton)

    return press


@pytest.fixture
def idle(qtbot):
    """Wait until all that a viewer computes has ended."""

    def wait(viewer):
        workspace = workspace_of(viewer)
        # The last two wait before they begin.
        runners = (*workspace.runners, workspace.classes, workspace.maps)
        qtbot.waitUntil(lambda: not any(r.busy for r in runners), timeout=180_000)

    return wait


@pytest.fixture
def fit(idle):
    """Fit in a viewer, wait, and give the result.

    `color`, `position` and `distance` tell which features there are, `n_anchors` how
    many places; other settings are the recipe's.
    """

    def run(viewer, **settings):
        from napari_pixel_mixtures.viewer.fields import edited

        workspace = workspace_of(viewer)
        switches = {name: settings.pop(name) for name in KINDS if name in settings}
        n_anchors = settings.pop("n_anchors", None)
        recipe = edited(workspace.recipe, **settings)
        for name, on in switches.items():
            kind = KINDS[name]
            features = [f for f in recipe.features if not isinstance(f, kind)]
            found = [f for f in recipe.features if isinstance(f, kind)] or [kind()]
            recipe = replace(recipe, features=features + found * on)
        if n_anchors is not None:
            recipe = replace(
                recipe,
                features=[
                    f.with_settings(n=n_anchors) if isinstance(f, AnchorDistance) else f
                    for f in recipe.features
                ],
            )
        workspace.set_live(False)
        workspace.set_recipe(recipe)
        workspace.fit()
        idle(viewer)
        return workspace.result

    return run


class Gate:
    """Holds every fit after its first iteration until it is opened.

    Attributes
    ----------
    reached : int
        How many fits have come to the gate.
    closed : int
        How many fits were cancelled.
    error : Exception, optional
        What a fit raises behind the gate.
    """

    def __init__(self):
        self.reached = 0
        self.closed = 0
        self.error = None
        self._open = threading.Event()
        self._steps = worker.cluster_steps

    def open(self):
        self._open.set()

    def steps(self, picture, recipe, mask=None, **settings):
        try:
            yield Iteration(1, 4, -1.5, np.inf, None, None, None, None)
            self.reached += 1
            assert self._open.wait(60)
            yield Iteration(2, 4, -1.25, 0.25, None, None, None, None)
        except GeneratorExit:
            self.closed += 1
            raise
        if self.error is not None:
            raise self.error
        return (yield from self._steps(picture, recipe, mask, **settings))


@pytest.fixture
def gate(monkeypatch, qtbot):
    gate = Gate()
    monkeypatch.setattr(worker, "cluster_steps", gate.steps)
    yield gate
    gate.open()


@pytest.fixture
def said():
    """All notifications of a test, as (severity, message)."""
    start = len(notification_manager.records)

    def messages():
        return [
            (str(record.severity), record.message)
            for record in notification_manager.records[start:]
        ]

    return messages


@pytest.fixture(autouse=True)
def only_the_main_thread_touches_layers(monkeypatch):
    """Layers and widgets belong to the main thread."""
    from magicgui.widgets.bases import ValueWidget
    from napari.components.layerlist import LayerList
    from napari.layers import Labels, Layer, Points

    strangers = []

    def guarded(function):
        def call(*args, **kwargs):
            if threading.current_thread() is not threading.main_thread():
                strangers.append(function.__qualname__)
            return function(*args, **kwargs)

        return call

    for kind, name in (
        (Labels, "data"),
        (Labels, "colormap"),
        (Points, "data"),
        (Layer, "metadata"),
        (Layer, "visible"),
        (ValueWidget, "value"),
    ):
        setter = getattr(kind, name)
        monkeypatch.setattr(
            kind, name, property(setter.fget, guarded(setter.fset), doc=setter.__doc__)
        )
    for name in ("insert", "remove"):
        monkeypatch.setattr(LayerList, name, guarded(getattr(LayerList, name)))
    yield
    assert strangers == []
