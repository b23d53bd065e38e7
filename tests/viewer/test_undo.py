"""Fits, back and forth, bit for bit."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from qtpy.QtCore import Qt

from napari_pixel_mixtures.viewer.result import Result
from napari_pixel_mixtures.viewer.undo import MOST, UndoStack
from napari_pixel_mixtures.viewer.workspace import REDO_KEY, UNDO_KEY, workspace_of


@pytest.fixture
def workspace(model):
    return workspace_of(model)


class TestStack:
    def fill(self, n, image=None):
        stack = UndoStack()
        results = [Result(image, None, None) for _ in range(n)]
        for result in results:
            stack.push(result)
        return stack, results

    def test_back_and_forth(self):
        stack, results = self.fill(4)
        assert [stack.undo() for _ in range(3)] == results[2::-1]
        assert not stack.can_undo
        assert stack.undo() is None
        assert [stack.redo() for _ in range(3)] == results[1:]
        assert not stack.can_redo
        assert stack.redo() is None

    def test_what_was_undone_is_forgotten_by_another_fit(self):
        stack, results = self.fill(4)
        stack.undo()
        stack.undo()
        another = Result(None, None, None)
        stack.push(another)
        assert not stack.can_redo
        assert stack.undo() is results[1]
        assert stack.redo() is another

    def test_the_oldest_are_forgotten(self):
        assert MOST >= 50
        stack, results = self.fill(MOST + 7)
        undone = []
        while stack.can_undo:
            undone.append(stack.undo())
        assert undone == results[-2:6:-1]

    def test_an_image_is_forgotten(self):
        stack = UndoStack()
        images = object(), object()
        results = [Result(images[i % 2], None, None) for i in range(6)]
        for result in results:
            stack.push(result)
        stack.undo()
        stack.forget(images[1])
        assert [stack.redo(), stack.undo()] == [None, results[2]]
        stack.forget(images[0])
        assert not stack.can_undo and not stack.can_redo
        stack.forget(images[0])

    def test_empty(self):
        stack = UndoStack()
        assert (stack.undo(), stack.redo()) == (None, None)


def snapshot(model, workspace):
    layers = model.layers["bands quantized"], model.layers["bands random colors"]
    return (
        workspace.recipe,
        workspace.result,
        *(layer.data.copy() for layer in layers),
        *(
            {k: tuple(v) for k, v in layer.colormap.color_dict.items()}
            for layer in layers
        ),
    )


def assert_same(before, now):
    for a, b in zip(before, now, strict=True):
        if isinstance(a, np.ndarray):
            assert_array_equal(a, b)
        elif isinstance(a, dict):
            assert a.keys() == b.keys()
            for key, color in a.items():
                assert_array_equal(color, b[key])
        else:
            assert a == b


def test_fifty_steps_come_back_bit_for_bit(model, workspace, idle):
    workspace.fit()
    idle(model)
    snapshots = [snapshot(model, workspace)]
    for step in range(52):
        recipe = replace(
            workspace.recipe,
            n_components=1 + step % 5,
            covariance_type=("full", "diag", "tied", "spherical")[step % 4],
            random_state=step,
        )
        workspace.set_recipe(recipe)
        idle(model)
        assert workspace.result.clustering.recipe == recipe
        snapshots.append(snapshot(model, workspace))
    for before in snapshots[-2::-1]:
        workspace.undo()
        assert_same(before, snapshot(model, workspace))
    assert not workspace.undo_stack.can_undo
    for after in snapshots[1:]:
        workspace.redo()
        assert_same(after, snapshot(model, workspace))
    assert not workspace.runner.busy  # nothing was computed anew


def test_paint_on_the_labels_does_not_change_what_comes_back(model, workspace, fit):
    result = fit(model, n_components=3)
    labels = result.clustering.labels.copy()
    quantized = model.layers["bands quantized"]
    quantized.brush_size = 9
    quantized.paint((16, 20), 0)
    assert not quantized.data[16, 20]
    assert_array_equal(model.layers["bands random colors"].data, labels)
    fit(model, n_components=2)
    workspace.undo()
    assert workspace.result is result
    assert_array_equal(quantized.data, labels)


def test_a_fit_that_runs_is_dropped(model, workspace, fit, gate, qtbot, said):
    gate.open()
    fit(model, n_components=2)
    fit(model, n_components=3)
    gate._open.clear()
    workspace.fit()
    qtbot.waitUntil(lambda: gate.reached == 3)
    workspace.undo()
    assert not workspace.runner.busy
    gate.open()
    qtbot.waitUntil(lambda: gate.closed == 1)
    qtbot.wait(30)
    assert workspace.result.clustering.n_components == 2
    assert model.layers["bands quantized"].data.max() == 2
    assert workspace.recipe.n_components == 2


def test_another_image_comes_back_with_its_fit(model, workspace, fit, picture):
    first = fit(model, n_components=2)
    other = model.add_image(picture[::-1], name="other")
    second = fit(model, n_components=3)
    workspace.undo()
    assert workspace.result is first
    assert workspace.image is model.layers["bands"]
    workspace.redo()
    assert workspace.result is second
    assert workspace.image is other


def test_the_image_is_removed(model, workspace, fit, picture):
    first = fit(model, n_components=2)
    other = model.add_image(picture[::-1], name="other")
    fit(model, n_components=3)
    fit(model, n_components=4)
    model.layers.remove(other)
    assert workspace.result is None
    assert not workspace.undo_stack.can_redo
    workspace.undo()
    workspace.redo()
    assert workspace.result in (None, first)
    assert "other" not in [layer.name for layer in model.layers]


@pytest.mark.parametrize("shape", [(20, 25, 3), (4, 20, 25, 3)])
def test_the_image_has_other_data_by_now(model, workspace, fit, shape, said):
    """Labels of data that are gone are not shown over other data."""
    fit(model, n_components=2)
    second = fit(model, n_components=3)
    other = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    model.layers["bands"].data = other
    workspace.undo()
    assert workspace.result is second
    assert model.layers["bands quantized"].data.max() == 3
    assert workspace.status.text == (
        "The image 'bands' was changed since that fit, so its labels cannot come "
        "back; press Fit."
    )
    workspace.redo()
    workspace.labels.reshuffle()
    workspace.show_frame(second.clustering)
    workspace.selection.choose_label(1)
    assert workspace.selection.mask is None
    fit(model, n_components=2)
    assert model.layers["bands quantized"].data.shape == shape[:-1]
    assert said() == []


class TestShortcuts:
    def test_keys(self, viewer, picture, fit, open_widget, qtbot):
        assert (UNDO_KEY, REDO_KEY) == ("Alt-Z", "Alt-Shift-Z")
        viewer.add_image(picture, name="bands")
        widget = open_widget(viewer)
        assert not widget.undo.enabled and not widget.redo.enabled
        first = fit(viewer, n_components=2)
        second = fit(viewer, n_components=3)
        assert widget.undo.enabled and not widget.redo.enabled
        workspace = workspace_of(viewer)
        canvas = viewer.window._qt_viewer.canvas.native
        alt, shift = Qt.KeyboardModifier.AltModifier, Qt.KeyboardModifier.ShiftModifier
        qtbot.keyClick(canvas, Qt.Key.Key_Z, alt)
        assert workspace.result is first
        assert widget.n_components.value == 2
        assert not widget.undo.enabled and widget.redo.enabled
        qtbot.keyClick(canvas, Qt.Key.Key_Z, alt)
        assert workspace.result is first
        qtbot.keyClick(canvas, Qt.Key.Key_Z, alt | shift)
        assert workspace.result is second
        assert widget.n_components.value == 3

    def test_buttons_name_the_keys(self, viewer, picture, fit, open_widget, click):
        viewer.add_image(picture, name="bands")
        widget = open_widget(viewer)
        assert widget.undo.tooltip == "Go back to the fit before (Alt-Z)."
        assert widget.redo.tooltip == "Go forth again to the fit after (Alt-Shift-Z)."
        first = fit(viewer, n_components=2)
        second = fit(viewer, n_components=3)
        click(widget.undo)
        assert workspace_of(viewer).result is first
        click(widget.redo)
        assert workspace_of(viewer).result is second
