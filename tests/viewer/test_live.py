"""Layers follow the controls: same numbers, nothing late, nothing queued."""

from dataclasses import replace
from functools import partial
from itertools import count
from time import monotonic

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QSlider, QStyle, QStyleOptionSlider

from cases import china
from napari_pixel_mixtures import cluster
from napari_pixel_mixtures.pace import Pace
from napari_pixel_mixtures.viewer.workspace import workspace_of


@pytest.fixture
def workspace(model, fit):
    fit(model, n_components=3)
    workspace = workspace_of(model)
    workspace.set_live(True)
    return workspace


class Unhurried(Pace):
    """All fits take long."""

    def is_long(self, work):
        return True


def same_clusters(a, b):
    """Whether two label images differ only by their numbers."""
    pairs = set(zip(a.ravel().tolist(), b.ravel().tolist(), strict=True))
    return len(pairs) == len({x for x, _ in pairs}) == len({y for _, y in pairs})


def test_labels_keep_their_numbers(model, workspace, idle, bands, picture):
    for k in (4, 5, 3, 2, 3):
        before = workspace.result.clustering.labels
        workspace.set_recipe(replace(workspace.recipe, n_components=k))
        idle(model)
        found = workspace.result.clustering
        expected = cluster(picture, n_components=k)
        assert same_clusters(found.labels, expected.labels)
        assert found.log_likelihood == expected.log_likelihood
        # No renumbering keeps more pixels: the widest overlap has its number.
        table = np.zeros((6, 6), int)
        np.add.at(table, (before.ravel(), found.labels.ravel()), 1)
        kept = np.trace(table)
        largest = np.unravel_index(table.argmax(), table.shape)
        if max(largest) <= k:
            assert largest[0] == largest[1]
        assert kept >= np.sum(before == expected.labels)
        layer = model.layers["bands quantized"]
        assert_array_equal(layer.data, found.labels)
        for label, color in enumerate(found.colors / 255, start=1):
            assert layer.get_color(label)[:3] == pytest.approx(color, abs=1e-6)


def test_a_preview_comes_first_and_the_result_is_clusters(
    model, workspace, idle, picture, monkeypatch
):
    workspace.pace = Unhurried()
    monkeypatch.setattr("napari_pixel_mixtures.clustering.PREVIEW_ROWS", 300)
    shown, labels = [], workspace.labels.show
    monkeypatch.setattr(
        workspace.labels, "show", lambda r: (shown.append(r.clustering), labels(r))
    )
    workspace.set_recipe(replace(workspace.recipe, n_components=4))
    before = workspace.result
    idle(model)
    preview, result = shown
    assert workspace.result is not before
    assert workspace.result.clustering is result
    assert preview is not result
    assert preview.history == ()
    assert np.mean(preview.labels == result.labels) > 0.6
    expected = cluster(picture, n_components=4)
    assert same_clusters(result.labels, expected.labels)
    assert result.log_likelihood == expected.log_likelihood


def test_a_pressed_fit_has_the_numbers_of_cluster(model, workspace, idle, picture):
    workspace.set_recipe(replace(workspace.recipe, n_components=4))
    idle(model)
    workspace.fit()
    idle(model)
    expected = cluster(picture, n_components=4)
    assert_array_equal(workspace.result.clustering.labels, expected.labels)


def test_one_fit_waits_while_a_slider_is_dragged(model, fit, gate, qtbot, idle):
    gate.open()
    fit(model, n_components=3)
    workspace = workspace_of(model)
    workspace.set_live(True)
    gate._open.clear()
    results = []
    workspace.result_changed.connect(results.append)
    for k in range(4, 12):
        workspace.set_recipe(replace(workspace.recipe, n_components=k))
    qtbot.waitUntil(lambda: gate.reached == 2)
    qtbot.wait(50)
    assert gate.reached == 2  # the others would be too late
    gate.open()
    idle(model)
    # The first shows that something moves; of the rest only the last counts.
    assert [r.clustering.n_components for r in results] == [4, 11]
    assert gate.closed == 0
    # A whole drag is undone at once.
    assert workspace.undo_stack.undo().clustering.n_components == 3


def test_a_cancelled_or_failing_fit_takes_its_preview_along(
    model, workspace, idle, qtbot, monkeypatch, said
):
    workspace.pace = Unhurried()
    monkeypatch.setattr("napari_pixel_mixtures.clustering.PREVIEW_ROWS", 300)
    layer = model.layers["bands quantized"]
    before = layer.data.copy()

    def cancel(step):
        if step.preview is not None:
            assert layer.data.max() == 5
            workspace.cancel()

    workspace.runner.stepped.connect(cancel)
    workspace.set_recipe(replace(workspace.recipe, n_components=5))
    idle(model)
    assert workspace.status.text == "The fit was cancelled."
    assert_array_equal(layer.data, before)
    workspace.runner.stepped.disconnect(cancel)

    def fail(*_, **__):
        raise ValueError("It failed.")

    monkeypatch.setattr("napari_pixel_mixtures.clustering.describe", fail)
    monkeypatch.setattr(
        "napari_pixel_mixtures.clustering._preview", partial(previewed, workspace)
    )
    workspace.set_recipe(replace(workspace.recipe, n_components=2))
    idle(model)
    assert workspace.status.text == "It failed."
    assert_array_equal(layer.data, before)


def test_the_preview_shows_in_the_cloud_too(
    viewer, picture, fit, open_widget, idle, monkeypatch
):
    monkeypatch.setattr("napari_pixel_mixtures.clustering.PREVIEW_ROWS", 300)
    viewer.add_image(picture, name="bands")
    fit(viewer, n_components=3)
    cloud = open_widget(viewer, "Color cloud")
    workspace = workspace_of(viewer)
    workspace.cloud.set(replace(workspace.cloud.settings, deviations=2.0))
    workspace.set_live(True)
    workspace.pace = Unhurried()
    seen = []

    def look(step):
        if step.preview is not None:
            found = workspace.shown.clustering
            assert found is step.preview
            centers = cloud.picture.scene.gaussians.centers
            layer = workspace.labels.top_layer(workspace.image)
            assert_array_equal(layer.data, found.labels)
            seen.append((found.n_components, len(centers)))
            if len(seen) == 3:
                workspace.cancel()

    workspace.runner.stepped.connect(look)
    for k in (4, 5):
        workspace.set_recipe(replace(workspace.recipe, n_components=k))
        idle(viewer)
    kept = workspace.result
    workspace.set_recipe(replace(workspace.recipe, n_components=6))
    idle(viewer)
    workspace.runner.stepped.disconnect(look)
    assert seen == [(4, 4), (5, 5), (6, 6)]
    # The third was cancelled.
    assert workspace.shown is workspace.result is kept
    assert len(cloud.picture.scene.gaussians.centers) == 5
    # The component that is shown alone is not there in the preview.
    workspace.cloud.set(replace(workspace.cloud.settings, whiten=4))
    shown = []
    workspace.frame_changed.connect(shown.append)
    workspace.set_recipe(replace(workspace.recipe, n_components=2))
    idle(viewer)
    assert shown == []
    assert workspace.cloud.settings.whiten is None


def test_on_a_slow_machine_previews_come_where_fits_took_long(model, workspace, idle):
    previews = []
    workspace.runner.stepped.connect(
        lambda step: previews.append(step.preview) if step.preview is not None else None
    )
    ticks = count(0, 10.0)  # the clock of a machine on which each fit takes 10 s
    workspace.pace = Pace(clock=lambda: next(ticks))
    workspace.set_recipe(replace(workspace.recipe, n_components=4))
    idle(model)
    assert previews == []  # nothing tells yet that it is slow
    workspace.set_recipe(replace(workspace.recipe, n_components=3))
    idle(model)
    assert len(previews) == 1


def previewed(workspace, *_):
    yield workspace.result.clustering.reordered((2, 1, 0))


def test_layers_follow_while_a_slider_is_dragged(
    viewer, open_widget, click, idle, qtbot
):
    viewer.add_image(china()[::2, ::2], name="china")
    widget = open_widget(viewer)
    click(widget.fit)
    idle(viewer)
    slider = widget.n_components.native.findChild(QSlider)
    shown = []

    layer = viewer.layers["china quantized"]

    def note(event):  # a preview or a result: it depends on the machine
        shown.append((int(layer.data.max()), slider.isSliderDown()))

    layer.events.data.connect(note)
    option = QStyleOptionSlider()
    slider.initStyleOption(option)
    kind, part = QStyle.ComplexControl.CC_Slider, QStyle.SubControl.SC_SliderHandle
    handle = slider.style().subControlRect(kind, option, part, slider).center()
    QTest.mousePress(slider, Qt.MouseButton.LeftButton, pos=handle)
    # To and fro, faster than any fit, until layers have followed a few times.
    end = monotonic() + 40
    for step in count():
        place = handle + QPoint(abs(step % 60 - 30), 0)
        QTest.mouseMove(slider, place)
        qtbot.wait(16)
        if len(shown) >= 3 or monotonic() > end:
            break
    QTest.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=place)
    idle(viewer)
    layer.events.data.disconnect(note)
    assert sum(down for _, down in shown) >= 2
    assert len({n for n, _ in shown}) >= 2
    assert shown[-1][0] == widget.n_components.value


def test_the_slider(viewer, picture, open_widget, click, idle):
    viewer.add_image(picture, name="bands")
    widget = open_widget(viewer)
    click(widget.fit)
    idle(viewer)
    for value in range(2, 9):
        widget.n_components.value = value
    idle(viewer)
    assert workspace_of(viewer).result.clustering.n_components == 8
    assert viewer.layers["bands quantized"].data.max() == 8


def test_the_plugins_layer_is_removed_while_live(model, workspace, idle):
    del model.layers["bands quantized"]
    workspace.set_recipe(replace(workspace.recipe, n_components=2))
    idle(model)
    assert model.layers["bands quantized"].data.max() == 2


@pytest.mark.parametrize("shape", [(20, 25, 3), (20, 25), (4, 20, 25, 3)])
def test_other_data_while_live(model, workspace, idle, shape, said):
    data = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    if len(shape) == 2:
        data = np.stack([data] * 3, axis=2) // 2
    model.layers["bands"].data = data
    workspace.set_recipe(replace(workspace.recipe, n_components=2))
    idle(model)
    expected = cluster(data, n_components=2)
    # Numbers may be those of a fit in between, which the data asked for.
    assert same_clusters(workspace.result.clustering.labels, expected.labels)
    assert said() == []


def by_the_widget(workspace, text):
    workspace.set_axes(text)


def by_the_console(workspace, text):
    workspace.image.axis_labels = text.split()


@pytest.mark.parametrize("label", [by_the_widget, by_the_console])
def test_other_axes_fit_again_or_say_to_press_fit(
    model, workspace, idle, monkeypatch, label
):
    said, shown = [], []
    workspace.status_changed.connect(lambda status: said.append(status.text))
    workspace.image_changed.connect(
        lambda _: shown.append(workspace.choice.axes_text())
    )
    before = workspace.result
    label(workspace, "y t")
    assert shown == ["y t"]
    assert said[-1] == "Axes changed: fitting again..."
    assert workspace.status.fraction == 0.0  # so that it can be cancelled
    idle(model)
    assert workspace.result is not before
    assert workspace.status.text.startswith("3 clusters ")
    before = workspace.result
    monkeypatch.setattr("napari_pixel_mixtures.viewer.fitting.LIVE_LIMIT", 10)
    for live, axes in ((True, "x y"), (False, "y x")):
        workspace.set_live(live)
        label(workspace, axes)
        assert workspace.status.text == "Axes changed: press Fit."
        said.clear()
        label(workspace, axes)  # the same once more
        assert said == []
    idle(model)
    assert workspace.result is before
