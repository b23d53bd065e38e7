"""EM step by step: frames come from the background, and late ones are passed over."""

import threading

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from napari_pixel_mixtures.replay import Replay
from napari_pixel_mixtures.viewer.cloud_view import CloudSettings
from napari_pixel_mixtures.viewer.curve import Curve
from napari_pixel_mixtures.viewer.replay_widget import ReplayFit
from napari_pixel_mixtures.viewer.workspace import workspace_of


@pytest.fixture
def widget(viewer, picture, fit, open_widget):
    viewer.add_image(picture, name="bands")
    result = fit(viewer, n_components=4, init_params="random")
    assert len(result.clustering.history) > 5
    return open_widget(viewer, "EM step by step")


@pytest.fixture
def still(qtbot):
    def wait(widget):
        qtbot.waitUntil(lambda: not widget._replaying.runner.busy)

    return wait


def test_the_slider_shows_frames(viewer, widget, still):
    clustering = workspace_of(viewer).result.clustering
    layer = viewer.layers["bands quantized"]
    assert widget.iteration.max == len(clustering.history)
    for iteration in (1, 3):
        widget.iteration.value = iteration
        still(widget)
        frame = Replay(clustering).frame(iteration - 1)
        assert_array_equal(layer.data, frame.labels)
        assert widget.curve.marked == iteration - 1
        assert widget.status.value == (
            f"Iteration {iteration} of {len(clustering.history)}: mean log-likelihood "
            f"{clustering.history[iteration - 1].log_likelihood:.4f}"
        )
    widget.end.native.click()
    assert_array_equal(layer.data, clustering.labels)


@pytest.mark.parametrize("scaling", ["raw", "group"])
def test_cloud_and_ellipsoids_are_those_of_the_iteration(
    viewer, picture, fit, open_widget, still, scaling
):
    viewer.add_image(picture, name="bands")
    settings = {"n_components": 4, "init_params": "random", "scaling": scaling}
    fit(viewer, **settings)
    cloud = open_widget(viewer, "Color cloud")
    widget = open_widget(viewer, "EM step by step")
    for axes in (("R", "G", "B"), "channels"):
        workspace_of(viewer).cloud.set(
            CloudSettings(axes=axes, color_by="cluster", deviations=2.0, max_points=300)
        )
        check_iterations(viewer, cloud, widget, still)


def check_iterations(viewer, cloud, widget, still):
    workspace = workspace_of(viewer)
    clustering = workspace.result.clustering
    history, [group] = clustering.history, clustering.groups
    colors = []
    for iteration in (1, 4):
        widget.iteration.value = iteration
        still(widget)
        step, scene = history[iteration - 1], cloud.picture.scene
        means = step.means / group.factor
        assert_allclose(scene.gaussians.centers, means, rtol=1e-4)
        roots = scene.gaussians.axes / 2.0
        found = np.swapaxes(roots, 1, 2) @ roots
        covariances = step.covariances / group.factor**2
        assert_allclose(found, covariances, rtol=1e-3, atol=1e-2)
        labels = workspace.shown.clustering.labels.ravel()[scene.pixels]
        of_components = workspace.shown.clustering.colors / 255
        assert_allclose(scene.colors[:, :3], of_components[labels - 1], atol=1e-6)
        colors.append(scene.colors)
    assert np.any(colors[0] != colors[1])


def test_the_slider_goes_on_while_a_frame_is_computed(
    viewer, widget, still, monkeypatch
):
    """Only the first and the last of many are computed, none in the main thread."""
    gate, computed = threading.Event(), []
    frame = Replay.frame

    def slow(self, index):
        assert threading.current_thread() is not threading.main_thread()
        computed.append(index)
        assert gate.wait(60)
        return frame(self, index)

    monkeypatch.setattr(Replay, "frame", slow)
    for iteration in (1, 2, 3, 4):
        widget.iteration.value = iteration
        assert widget.curve.marked == iteration - 1
    gate.set()
    still(widget)
    assert computed == [0, 3]
    clustering = workspace_of(viewer).result.clustering
    expected = frame(Replay(clustering), 3).labels
    assert_array_equal(viewer.layers["bands quantized"].data, expected)


def test_a_frame_that_comes_after_the_end_or_another_fit_is_dropped(
    viewer, widget, still, monkeypatch, fit
):
    gate = threading.Event()
    frame = Replay.frame

    def slow(self, index):
        assert gate.wait(60)
        return frame(self, index)

    monkeypatch.setattr(Replay, "frame", slow)
    widget.iteration.value = 1
    widget.end.native.click()
    assert not widget._replaying.runner.busy
    widget.iteration.value = 2
    result = fit(viewer, n_components=2)
    gate.set()
    still(widget)
    labels = viewer.layers["bands quantized"].data
    assert_array_equal(labels, result.clustering.labels)


def test_a_closed_dock_leaves_the_result(viewer, widget, still, open_widget, qtbot):
    workspace = workspace_of(viewer)
    layer = viewer.layers["bands quantized"]
    widget.iteration.value = 1
    still(widget)
    assert (layer.data != workspace.result.clustering.labels).any()
    viewer.window.remove_dock_widget(widget.native)
    qtbot.waitUntil(lambda: workspace.shown is workspace.result)
    assert_array_equal(layer.data, workspace.result.clustering.labels)


def test_a_dock_closed_while_it_plays(viewer, widget, qtbot):
    workspace = workspace_of(viewer)
    widget._replaying._rest._timer.setInterval(1)
    widget.play.native.click()
    qtbot.waitUntil(lambda: workspace.shown is not workspace.result)
    gone = []
    widget.native.destroyed.connect(lambda: gone.append(True))
    viewer.window.remove_dock_widget(widget.native)
    qtbot.waitUntil(lambda: bool(gone))
    assert workspace.shown is workspace.result


def test_all_widgets_show_the_same_iteration(viewer, widget, still, open_widget, qtbot):
    """As the menu and the command line open them; also after the dock was closed."""
    workspace = workspace_of(viewer)
    replaying, layer = workspace.replaying, viewer.layers["bands quantized"]
    replaying._rest._timer.setInterval(1)

    def stop():
        if replaying.playing and replaying.iteration == 3:
            widget.play.native.click()

    replaying.changed.connect(stop)
    widget.play.native.click()
    qtbot.waitUntil(lambda: replaying.iteration == 3 and not replaying.playing)
    replaying.changed.disconnect(stop)
    still(widget)
    frame = Replay(workspace.result.clustering).frame(2)
    assert (frame.labels != workspace.result.clustering.labels).any()
    other = ReplayFit(viewer)
    dock = viewer.window.add_dock_widget(other, name="EM step by step (console)")
    for each in (widget, other):
        assert each.iteration.value == 3
        assert each.curve.marked == 2
        assert each.play.text == "Play"
        assert each.status.value.startswith("Iteration 3 of ")
    other.play.native.click()
    assert widget.play.text == other.play.text == "Pause"
    other.play.native.click()
    # One goes, the other still shows it.
    viewer.window.remove_dock_widget(dock)
    qtbot.wait(50)
    assert_array_equal(layer.data, frame.labels)
    viewer.window.remove_dock_widget(widget.native)
    qtbot.waitUntil(lambda: workspace.shown is workspace.result)
    assert_array_equal(layer.data, workspace.result.clustering.labels)
    again = open_widget(viewer, "EM step by step")
    still(again)
    assert again.iteration.value == 3
    assert again.status.value.startswith("Iteration 3 of ")
    assert_array_equal(layer.data, frame.labels)


def test_there_is_no_such_iteration(viewer, widget):
    workspace = workspace_of(viewer)
    n = len(workspace.replaying)
    for iteration in (0, n + 1):
        with pytest.raises(ValueError) as caught:
            workspace.replaying.go(iteration)
        message = f"Expected an iteration from 1 to {n}, got {iteration}."
        assert str(caught.value) == message
    del viewer.layers["bands"]
    with pytest.raises(ValueError) as caught:
        workspace.replaying.go(1)
    assert str(caught.value) == (
        "Expected a fit to replay, but there is none; press Fit in Cluster pixels "
        "first."
    )


def test_end_shows_the_result_always(viewer, widget):
    workspace = workspace_of(viewer)
    workspace.show_frame(Replay(workspace.result.clustering).frame(0))
    assert widget.iteration.value == widget.iteration.max
    widget.end.native.click()
    assert workspace.shown is workspace.result
    layer = viewer.layers["bands quantized"]
    assert_array_equal(layer.data, workspace.result.clustering.labels)


def test_other_data_cannot_be_replayed(viewer, widget, picture, still, said):
    workspace = workspace_of(viewer)
    image, layer = viewer.layers["bands"], viewer.layers["bands quantized"]
    before = image.data
    widget.iteration.value = 2
    still(widget)
    widget.play.native.click()
    assert workspace.replaying.playing
    shown = layer.data.copy()
    image.data = picture[::-1].copy()
    assert not workspace.replaying.playing
    assert not any(f.enabled for f in (widget.iteration, widget.play, widget.end))
    assert widget.status.value == (
        "The image has other data than when it was fitted. Press Fit in Cluster pixels "
        "to fit it as it is."
    )
    widget._go(3)
    still(widget)
    assert_array_equal(layer.data, shown)
    image.data = before
    assert widget.iteration.enabled
    widget.iteration.value = 3
    still(widget)
    assert workspace.shown.clustering is not workspace.result.clustering
    assert said() == []


def test_a_model_that_was_applied_has_no_iterations(viewer, widget, picture, idle):
    workspace = workspace_of(viewer)
    viewer.add_image(picture[::-1], name="mirrored")
    workspace.keeper.apply(workspace.keeper.model())
    idle(viewer)
    assert not widget.play.enabled
    assert widget.status.value == (
        "These labels were made by a model that was loaded, applied or chosen among "
        "others; nothing was fitted for them, so there are no iterations to replay. "
        "Press Fit in Cluster pixels to fit this image."
    )


def test_a_frame_that_fails_is_told(viewer, widget, still, monkeypatch, said):
    def broken(self, index):
        raise MemoryError("Expected room for a frame, got none; close something.")

    monkeypatch.setattr(Replay, "frame", broken)
    widget.iteration.value = 1
    still(widget)
    assert said() == [
        ("error", "Expected room for a frame, got none; close something.")
    ]


def test_plays_to_the_end(viewer, widget, qtbot, monkeypatch):
    widget._replaying._rest._timer.setInterval(1)
    shown = []
    workspace_of(viewer).frame_changed.connect(shown.append)
    widget.play.native.click()
    assert widget.play.text == "Pause"
    qtbot.waitUntil(lambda: not widget._replaying.playing, timeout=30_000)
    n = widget.iteration.max
    assert widget.iteration.value == n
    assert len(shown) == n  # none is left out
    assert shown[-1].clustering is workspace_of(viewer).result.clustering


def test_the_curve(qtbot):
    """Its mark is where the value is, and its axes have ink."""
    curve = Curve("iteration", "log-likelihood")
    qtbot.addWidget(curve)
    curve.resize(300, 200)
    places = []
    for marked in (0, 4, 9):
        curve.show_values(np.linspace(-3, -1, 10), marked)
        image = curve.grab().toImage()
        yellow = [
            (x, y)
            for x in range(300)
            for y in range(200)
            if image.pixelColor(x, y).getRgb()[:3] == (255, 216, 51)
        ]
        assert len(yellow) > 20
        places.append(np.mean(yellow, axis=0))
    steps = np.diff(places, axis=0)
    assert (steps[:, 0] > 50).all() and (steps[:, 1] < -30).all()
    assert steps[1] / 5 == pytest.approx(steps[0] / 4, rel=0.05)
    empty = Curve("iteration", "log-likelihood")
    qtbot.addWidget(empty)
    empty.resize(300, 200)
    assert curve.grab().toImage() != empty.grab().toImage()


@pytest.mark.parametrize("values", [[1.5], [1.5, 1.5], [1.0, 1.0 + 1e-12], [-1e9, 0]])
def test_a_curve_of_few_or_equal_values(qtbot, values):
    curve = Curve("iteration", "log-likelihood")
    qtbot.addWidget(curve)
    curve.show_values(np.array(values), 0)
    curve.grab()  # an exception in it would fail the test
