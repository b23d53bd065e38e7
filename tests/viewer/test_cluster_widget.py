"""Cluster pixels, in a real window with a real mouse."""

import gc
import subprocess
import sys
import warnings
import weakref

import numpy as np
import pytest
from napari.layers import Labels
from napari.utils.notifications import notification_manager
from numpy.testing import assert_allclose, assert_array_equal
from qtpy.QtCore import QPoint
from qtpy.QtWidgets import QProgressBar
from sklearn.datasets import load_sample_image
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from napari_pixel_mixtures.features import AnchorDistance, Color
from napari_pixel_mixtures.recipe import Recipe
from napari_pixel_mixtures.viewer import cluster_widget, worker
from napari_pixel_mixtures.viewer.layers import METADATA_KEY
from napari_pixel_mixtures.viewer.workspace import workspace_of

PLUGIN = "napari-pixel-mixtures"


@pytest.fixture
def banded(viewer, picture):
    viewer.add_image(picture, name="bands")
    return viewer


def add_feature(widget, title):
    """Add a feature as its menu does."""
    menu = widget.features.menu
    menu.aboutToShow.emit()
    [action] = [action for action in menu.actions() if action.text() == title]
    assert action.isEnabled()
    action.trigger()


def scikit_learn(samples, mixture, **settings):
    """scikit-learn's mixture, started from our parameters."""
    theirs = GaussianMixture(
        mixture.n_components,
        covariance_type=mixture.covariance_type,
        weights_init=mixture.weights_,
        means_init=mixture.means_,
        precisions_init=mixture.precisions_,
        **settings,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return theirs.fit(samples)


@pytest.mark.parametrize("position", [False, True])
def test_the_china_sample(viewer, open_widget, click, idle, qtbot, position):
    viewer.open_sample(PLUGIN, "china")
    widget = open_widget(viewer)
    widget.n_components.value = 4
    widget.scaling.value = "raw"
    if position:
        add_feature(widget, "Position")
    click(widget.fit)
    idle(viewer)

    assert [layer.name for layer in viewer.layers] == [
        "china",
        "china random colors",
        "china quantized",
    ]
    random_colors, quantized = viewer.layers[1:]
    clustering = workspace_of(viewer).result.clustering
    image = load_sample_image("china.jpg")
    samples = image.reshape(-1, 3).astype(np.float64)
    if position:
        rows, columns = np.mgrid[:427, :640]
        samples = np.column_stack([samples, columns.ravel(), rows.ravel()])

    # scikit-learn, with our parameters, puts every pixel where we do, but for those
    # on a boundary, which float32 may put on either side.
    ours = clustering.mixture
    theirs = GaussianMixture(4)
    theirs.weights_, theirs.means_ = ours.weights_, ours.means_
    theirs.precisions_cholesky_ = ours.precisions_cholesky_
    found = theirs.predict(samples).reshape(427, 640) + 1
    assert np.mean(found != quantized.data) < 1e-4
    # Started from there, it finds nothing better in an iteration.
    theirs = scikit_learn(samples, ours, max_iter=1)
    assert theirs.lower_bound_ - clustering.log_likelihood < 2e-3
    assert_array_equal(random_colors.data, quantized.data)

    # Every color on the screen is a cluster's.
    colors = np.rint(clustering.colors).astype(np.uint8)
    for layer, shown in (
        (quantized, colors),
        (random_colors, np.rint(clustering.permuted_colors(0)).astype(np.uint8)),
    ):
        for other in (random_colors, quantized):
            other.visible = other is layer
        canvas = viewer.screenshot(canvas_only=True, flash=False)[..., :3]
        on_screen = set(map(tuple, canvas.reshape(-1, 3).tolist()))
        assert on_screen - {(0, 0, 0)} == set(map(tuple, shown.tolist()))
        # And at the right place: the color under each of some pixels.
        for label, color in enumerate(shown.tolist(), start=1):
            assert layer.get_color(label)[:3] == pytest.approx(
                np.array(color) / 255, abs=0.5 / 255
            )


def test_what_the_image_needs_is_compiled_while_settings_are_chosen(
    banded, open_widget, monkeypatch
):
    asked = []
    monkeypatch.setattr(
        cluster_widget,
        "warm_up",
        lambda *needed: asked.append(needed),
    )
    widget = open_widget(banded)
    types = ("full", "tied", "diag", "spherical")
    assert asked == [((3, 5), types, np.float32)]
    gray = banded.add_image(np.zeros((32, 40)), name="gray")
    widget.image.value = gray
    assert asked[-1] == ((1, 3), types, np.float64)
    workspace_of(banded).set_recipe(Recipe(covariance_type="diag"))
    widget.image.value = banded.layers["bands"]
    others = ("full", "tied", "spherical")
    assert asked[-1] == ((3, 5), ("diag", *others), np.float32)


def test_random_colors_are_the_same_colors_dealt_out(banded, open_widget, click, idle):
    widget = open_widget(banded)
    click(widget.fit)
    idle(banded)
    random_colors, quantized = banded.layers[1:]

    def colors(layer):
        return np.array([layer.get_color(label) for label in (1, 2, 3, 4)])

    own = colors(quantized)
    seen = [colors(random_colors)]
    for _ in range(4):
        click(widget.reshuffle)
        seen.append(colors(random_colors))
    for dealt in seen:
        assert not np.allclose(dealt, own)
        assert_allclose(dealt[np.lexsort(dealt.T)], own[np.lexsort(own.T)], atol=1e-6)
    assert any(not np.allclose(seen[0], dealt) for dealt in seen[1:])
    assert_array_equal(colors(quantized), own)


@pytest.mark.parametrize("gray", [False, True])
def test_random_colors_stay_with_their_clusters(banded, open_widget, click, idle, gray):
    """A step of the slider changes none of grays, and one of a color picture."""
    image = banded.layers[0]
    if gray:
        data = image.data[..., 0]
        banded.layers.clear()
        banded.add_image(data, name="gray")
    widget = open_widget(banded)
    widget.n_components.value = 3
    click(widget.fit)
    idle(banded)
    random_colors, quantized = banded.layers[1:]

    def dealt(n):
        """Colors of the labels; of a color picture, whose color each has."""
        labels = range(1, n + 1)
        colors = [tuple(random_colors.get_color(label)) for label in labels]
        if gray:
            return colors
        own = [tuple(quantized.get_color(label)) for label in labels]
        return [own.index(color) for color in colors]

    before = dealt(3)
    for n in (4, 5, 4, 3):
        widget.n_components.value = n
        idle(banded)
        after = dealt(n)
        changed = [a != b for a, b in zip(after, before, strict=False)]
        assert sum(changed) == (0 if gray else 1)
        before = after


def test_hovering_tells_weight_share_and_color(banded, open_widget, click, idle, qtbot):
    widget = open_widget(banded)
    widget.n_components.value = 3
    click(widget.fit)
    idle(banded)
    layer = banded.layers["bands quantized"]
    clustering = workspace_of(banded).result.clustering
    red, green, blue = np.rint(clustering.colors[0]).astype(int)
    text = f"weight: 0.45, share: 0.45, color: #{red:02x}{green:02x}{blue:02x}"
    assert text in layer.get_status((16, 16), world=True)["value"]
    assert list(layer.features["index"]) == [1, 2, 3]
    assert layer.features["share"].tolist() == [0.45, 0.35, 0.2]

    # The same under the mouse, over the middle of the picture.
    native = banded.window._qt_viewer.canvas.native
    middle = native.rect().center()
    qtbot.mouseMove(native, middle + QPoint(9, 9))
    qtbot.mouseMove(native, middle)
    qtbot.waitUntil(lambda: 10 < banded.cursor.position[0] < 22)
    assert banded.layers.selection.active is layer
    banded.update_status_from_cursor()
    assert "share: " in str(banded.status["value"])


def test_progress_shows_in_the_widget_and_the_activity_dock(
    banded, open_widget, click, idle, gate, qtbot, monkeypatch
):
    from napari._qt.widgets.qt_progress_bar import QtLabeledProgressBar

    monkeypatch.setattr(worker, "BAR_AFTER", 0.0)

    widget = open_widget(banded)
    dialog = banded.window._qt_window._activity_dialog
    bars = dialog._baseWidget.findChildren

    assert not widget.cancel.enabled
    click(widget.fit)
    qtbot.waitUntil(lambda: widget.progress.value == 250)
    assert widget.status.value == (
        "Clustering bands: iteration 1, mean log-likelihood -1.5000"
    )
    assert widget.cancel.enabled
    [bar] = bars(QtLabeledProgressBar)
    assert bar.description_label.text() == "Clustering bands: "
    qtbot.waitUntil(lambda: bar.findChild(QProgressBar).value() == 250)
    gate.open()
    idle(banded)
    assert widget.progress.value == 0
    assert not widget.cancel.enabled
    qtbot.waitUntil(lambda: not bars(QtLabeledProgressBar))


def test_cancel(banded, open_widget, click, gate, qtbot):
    widget = open_widget(banded)
    click(widget.fit)
    qtbot.waitUntil(lambda: gate.reached == 1)
    click(widget.cancel)
    assert widget.status.value == "The fit was cancelled."
    assert widget.progress.value == 0
    assert not widget.cancel.enabled
    gate.open()
    qtbot.waitUntil(lambda: gate.closed == 1)
    qtbot.wait(20)
    assert [layer.name for layer in banded.layers] == ["bands"]


def test_no_image_and_no_image_layer(viewer, open_widget, click, idle, said, picture):
    viewer.add_labels(np.zeros((4, 4), int), name="not an image")
    widget = open_widget(viewer)
    assert widget.status.value == "Open an image, then press Fit."
    assert widget.image.choices == ()
    click(widget.fit)
    sentence = (
        "Expected an image, but none is open; open one "
        "(File > Open, or File > Open Sample > Pixel Mixtures)."
    )
    assert widget.status.value == sentence
    assert said() == [("error", sentence)]
    assert len(viewer.layers) == 1
    viewer.add_image(picture)
    assert widget.status.value == "Press Fit."
    click(widget.fit)
    idle(viewer)
    assert len(viewer.layers) == 4


def test_the_image_field_follows_the_layers(banded, open_widget, click, idle, picture):
    first = banded.layers["bands"]
    widget = open_widget(banded)
    assert widget.image.value is first
    second = banded.add_image(picture, name="second")
    assert widget.image.value is second
    assert widget.image.choices == (first, second)
    banded.layers.selection.active = first
    assert widget.image.value is first
    widget.image.value = second
    assert workspace_of(banded).image is second
    second.name = "renamed"
    assert [
        widget.image.native.findChildren(object) is not None,
        *(widget.image._widget._qwidget.itemText(i) for i in range(2)),
    ] == [True, "bands", "renamed"]
    click(widget.fit)
    idle(banded)
    assert banded.layers[-1].name == "renamed quantized"
    assert widget.image.choices == (first, second)
    banded.layers.remove(second)
    assert widget.image.value is first
    banded.layers.clear()
    assert widget.image.choices == ()
    assert widget.image.value is None


def test_the_menu_and_the_command_line_show_the_same(
    banded, open_widget, click, idle, gate, qtbot
):
    """They name the dock differently, so that two can be open."""
    from napari_pixel_mixtures.viewer.cluster_widget import ClusterPixels

    one = open_widget(banded)
    other = ClusterPixels(banded)
    banded.window.add_dock_widget(other, name="Cluster pixels (Pixel Mixtures)")
    one.n_components.value = 3
    add_feature(other, "Distance")
    other.live.value = False
    one.tol.value = 0.01
    for name in (
        "n_components",
        "covariance_type",
        "scaling",
        "random_state",
        "tol",
        "max_iter",
        "reg_covar",
        "live",
        "image",
    ):
        assert getattr(one, name).value == getattr(other, name).value, name
    assert one.n_components.value == other.n_components.value == 3
    for widget in (one, other):
        rows = widget.features.rows
        assert [row.feature for row in rows] == [Color(), AnchorDistance()]
    click(one.fit)
    qtbot.waitUntil(lambda: gate.reached == 1)
    assert one.cancel.enabled and other.cancel.enabled
    gate.open()
    idle(banded)
    assert one.status.value == other.status.value
    assert one.status.value.startswith("3 clusters after ")
    labels = [layer for layer in banded.layers if isinstance(layer, Labels)]
    assert [layer.name for layer in labels] == [
        "bands random colors",
        "bands quantized",
    ]


def test_the_dock_is_closed_and_opened_again_during_a_fit(
    banded, open_widget, click, idle, gate, qtbot, said
):
    widget = open_widget(banded)
    dock = widget.native.parent()
    widget.n_components.value = 3
    click(widget.fit)
    qtbot.waitUntil(lambda: gate.reached == 1)
    dock.destroyOnClose()
    gone = weakref.ref(widget)
    del dock, widget
    qtbot.wait(20)
    again = open_widget(banded)
    assert again.n_components.value == 3
    assert again.cancel.enabled
    assert again.progress.value == 250
    gate.open()
    idle(banded)
    assert again.status.value.startswith("3 clusters after ")
    assert len(banded.layers) == 3
    assert said() == []

    def collected():
        gc.collect()
        return gone() is None

    qtbot.waitUntil(collected)


def test_the_viewer_is_closed_during_a_fit(
    make_napari_viewer, picture, open_widget, click, gate, qtbot, said
):
    viewer = make_napari_viewer(show=True)
    viewer.add_image(picture)
    widget = open_widget(viewer)
    click(widget.fit)
    qtbot.waitUntil(lambda: gate.reached == 1)
    viewer.close()
    gate.open()
    qtbot.waitUntil(lambda: gate.closed == 1)
    qtbot.wait(20)
    assert said() == []


CLOSED_BY_ITS_FRAME = """
import threading
import napari, numpy as np
from qtpy.QtCore import QTimer
from napari_pixel_mixtures.mixture.em import Iteration
from napari_pixel_mixtures.viewer import worker

at_gate, gate, stopped = (threading.Event() for _ in range(3))

def slow(picture, recipe, mask=None, **settings):
    try:
        yield Iteration(1, 4, 0.0, 1.0, None, None, None, None)
        at_gate.set()
        gate.wait(60)
        yield Iteration(2, 4, 0.0, 1.0, None, None, None, None)
    except GeneratorExit:
        stopped.set()
        raise

worker.cluster_steps = slow
viewer = napari.Viewer(show=True)
viewer.add_image(np.zeros((40, 40, 3), np.uint8))
_, widget = viewer.window.add_plugin_dock_widget(
    "napari-pixel-mixtures", "Cluster pixels"
)

def close_when_at_gate():
    if not at_gate.is_set():
        QTimer.singleShot(20, close_when_at_gate)
        return
    window = viewer.window._qt_window
    # A while later, for the one window that stays open keeps the event loop.
    window.destroyed.connect(lambda: QTimer.singleShot(20, gate.set))
    QTimer.singleShot(2000, keeper.close)
    window.close()

from qtpy.QtWidgets import QWidget
keeper = QWidget()
keeper.show()
widget.fit.native.click()
close_when_at_gate()
napari.run()
assert stopped.wait(10), "The fit went on."
print(len(viewer.layers), "layer")
"""


def test_the_window_is_closed_by_its_frame_during_a_fit(display, tmp_path):
    # In a process of its own: napari's fixture cannot close such a viewer again.
    done = subprocess.run(
        [sys.executable, "-c", CLOSED_BY_ITS_FRAME],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=tmp_path,
    )
    assert (done.returncode, done.stdout) == (0, "1 layer\n"), done.stderr
    assert "Traceback" not in done.stderr


def test_a_closed_viewer_dies_and_so_does_its_workspace(
    make_napari_viewer, picture, open_widget, click, idle, qtbot
):
    def session():
        viewer = make_napari_viewer(show=True)
        viewer.add_image(picture)
        for name in ("Cluster pixels", "Color cloud", "Compare mixtures"):
            open_widget(viewer, name)
        workspace = workspace_of(viewer)
        workspace.fit()
        idle(viewer)
        workspace.cloud.show()
        references = [weakref.ref(o) for o in (viewer, workspace)]
        viewer.close()
        return references

    references = session()

    def collected():
        gc.collect()
        return all(reference() is None for reference in references)

    qtbot.waitUntil(collected)


def test_live_and_its_errors_are_quiet(banded, open_widget, click, idle, said):
    widget = open_widget(banded)
    click(widget.fit)
    idle(banded)
    widget.covariance_type.value = "tied"
    idle(banded)
    recipe = banded.layers[-1].metadata[METADATA_KEY]["recipe"]
    assert '"covariance_type": "tied"' in recipe
    widget.features.rows[0].switch.click()
    idle(banded)
    assert "feature" in widget.status.value
    assert said() == []
    click(widget.fit)
    idle(banded)
    assert said() == [("error", widget.status.value)]
    assert len(banded.layers) == 3
    assert len(notification_manager.records) > 0


def test_every_field_and_button_says_what_it_does(banded, open_widget):
    for name, fields in {
        "Cluster pixels": "image n_components covariance_type "
        "scaling random_state tol max_iter reg_covar live fit cancel "
        "reshuffle",
        "Color cloud": "whiten color_by max_points point_size show_cloud",
        "Compare mixtures": "sizes compare cancel back save",
        "Choose the model": "sizes criterion start cancel",
    }.items():
        widget = open_widget(banded, name)
        for field in fields.split():
            tooltip = getattr(widget, field).tooltip
            assert tooltip and tooltip.endswith("."), (name, field)


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize(
    "name", ["Cluster pixels", "Color cloud", "Compare mixtures", "Choose the model"]
)
def test_fits_a_window_of_1280_by_800(banded, open_widget, qtbot, name, theme):
    banded.theme = theme
    native = open_widget(banded, name).native
    window = banded.window._qt_window
    window.resize(1280, 800)
    qtbot.wait(50)
    assert (window.width(), window.height()) == (1280, 800)
    assert native.height() >= native.minimumSizeHint().height()
    assert native.width() >= native.minimumSizeHint().width()
    # And at least a third of the window is left for the picture.
    assert banded.window._qt_viewer.canvas.native.width() >= 1280 / 3


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_features_and_cloud_fit_a_window_together(
    banded, open_widget, click, idle, qtbot, theme
):
    banded.theme = theme
    form = open_widget(banded)
    canvas = open_widget(banded, "Color cloud").canvas.native
    for title in ("Position", "Distance", "Distance"):
        add_feature(form, title)
    click(form.fit)
    idle(banded)
    window = banded.window._qt_window
    window.resize(1280, 800)
    qtbot.wait(50)
    assert (window.width(), window.height()) == (1280, 800), form.status.value
    assert canvas.width() >= 400 and canvas.height() >= 320
    # One row at least is in sight; the others can be scrolled to.
    bottom = form.features.rect().bottom()
    seen = [
        row
        for row in form.features.rows
        if row.mapTo(form.features, row.rect().bottomLeft()).y() <= bottom
    ]
    assert len(seen) >= 1 and len(form.features.rows) == 4
    for row in form.features.rows:
        assert row.width() >= row.minimumSizeHint().width()
