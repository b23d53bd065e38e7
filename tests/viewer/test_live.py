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
from napari_pixel_mixtures.viewer.workspace import workspace_of


@pytest.fixture
def workspace(model, fit):
    fit(model, n_components=3)
    workspace = workspace_of(model)
    workspace.set_live(True)
    return workspace


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
    monkeypatch.setattr("napari_pixel_mixtures.clustering.PREVIEW_WORK", 10)
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
    monkeypatch.setattr("napari_pixel_mixtures.clustering.PREVIEW_WORK", 10)
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

    def note(result):
        shown.append((result.clustering.n_components, slider.isSliderDown()))

    workspace_of(viewer).result_changed.connect(note)
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
    workspace_of(viewer).result_changed.disconnect(note)
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
    assert_array_equal(workspace.result.clustering.labels, expected.labels)
    assert said() == []


def test_other_axes_fit_again_or_say_to_press_fit(model, workspace, idle, monkeypatch):
    said = []
    workspace.status_changed.connect(lambda status: said.append(status.text))
    before = workspace.result
    workspace.set_axes("y t")
    assert said[-1] == "Axes changed: fitting again..."
    assert workspace.status.fraction == 0.0  # so that it can be cancelled
    idle(model)
    assert workspace.result is not before
    assert workspace.status.text.startswith("3 clusters ")
    before = workspace.result
    monkeypatch.setattr("napari_pixel_mixtures.viewer.fitting.LIVE_LIMIT", 10)
    for live, axes in ((True, "x y"), (False, "y x")):
        workspace.set_live(live)
        workspace.set_axes(axes)
        assert workspace.status.text == "Axes changed: press Fit."
        said.clear()
        workspace.set_axes(axes)  # the same once more
        assert said == []
    idle(model)
    assert workspace.result is before
