"""Fits, back and forth, bit for bit."""

import gc
import tracemalloc
import weakref
from dataclasses import replace

import numpy as np
import pytest
from napari.layers import Image
from numpy.testing import assert_array_equal
from qtpy.QtCore import Qt
from sklearn.datasets import load_sample_image

from napari_pixel_mixtures import cluster
from napari_pixel_mixtures.viewer.keys import REDO_KEY, UNDO_KEY
from napari_pixel_mixtures.viewer.result import Result
from napari_pixel_mixtures.viewer.source import Source
from napari_pixel_mixtures.viewer.undo import MOST, UndoStack
from napari_pixel_mixtures.viewer.workspace import workspace_of


@pytest.fixture
def workspace(model):
    return workspace_of(model)


class TestStack:
    """Results are told apart by their only label."""

    @pytest.fixture
    def results(self, qapp, picture):
        images = [Image(picture), Image(picture[::-1])]
        clustering = cluster(picture, 2)

        def result(number, image=0):
            labels = np.full(picture.shape[:2], number, np.uint8)
            image = images[image]
            return Result(Source.of(image), replace(clustering, labels=labels))

        return result

    @staticmethod
    def number(result):
        return None if result is None else int(result.clustering.labels.max())

    def fill(self, results, n):
        stack = UndoStack()
        for number in range(n):
            stack.push(results(number))
        return stack

    def test_back_and_forth(self, results):
        stack = self.fill(results, 4)
        assert [self.number(stack.undo()) for _ in range(4)] == [2, 1, 0, None]
        assert not stack.can_undo
        assert [self.number(stack.redo()) for _ in range(4)] == [1, 2, 3, None]
        assert not stack.can_redo

    def test_other_classes_of_a_fit_come_back_with_the_same_clustering(self, results):
        stack, fit = UndoStack(), results(1)
        stack.push(results(0))
        for share in (0.0, 0.1, 0.2):
            stack.push(replace(fit, quantile=share))
        stack.amend(replace(fit, quantile=0.3))
        stack.push(results(2))
        found = [stack.undo() for _ in range(3)]
        assert [result.quantile for result in found] == [0.3, 0.1, 0.0]
        assert len({id(result.clustering) for result in found}) == 1
        assert_array_equal(found[0].clustering.labels, fit.clustering.labels)
        assert self.number(stack.undo()) == 0
        assert [stack.redo().quantile for _ in range(3)] == [0.0, 0.1, 0.3]
        assert self.number(stack.redo()) == 2

    def test_what_was_undone_is_forgotten_by_another_fit(self, results):
        stack = self.fill(results, 4)
        stack.undo()
        stack.undo()
        stack.push(results(9))
        assert not stack.can_redo
        assert self.number(stack.undo()) == 1
        assert self.number(stack.redo()) == 9

    def test_the_oldest_are_forgotten(self, results):
        assert MOST >= 50
        stack = self.fill(results, MOST + 7)
        undone = []
        while stack.can_undo:
            undone.append(self.number(stack.undo()))
        assert undone == list(range(MOST + 5, 6, -1))

    def test_an_image_is_forgotten(self, results):
        stack = UndoStack()
        images = [results(0, i).image for i in range(2)]
        for number in range(6):
            stack.push(results(number, number % 2))
        stack.undo()
        stack.forget(images[1])
        assert [self.number(stack.redo()), self.number(stack.undo())] == [None, 2]
        stack.forget(images[0])
        assert not stack.can_undo and not stack.can_redo
        stack.forget(images[0])

    def test_the_fit_of_another_image_comes_back(self, results):
        stack = UndoStack()
        stack.push(results(1, 0))
        stack.push(results(2, 1))
        stack.forget(results(2, 1).image)
        assert self.number(stack.undo()) == 1
        assert not stack.can_undo and not stack.can_redo

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


def same(result, other):
    """Tell whether a result is another one that came back."""
    return (
        result.image is other.image
        and result.clustering.mixture is other.clustering.mixture
        and np.array_equal(result.clustering.labels, other.clustering.labels)
    )


def assert_same(before, now):
    for a, b in zip(before, now, strict=True):
        if isinstance(a, np.ndarray):
            assert_array_equal(a, b)
        elif isinstance(a, dict):
            assert a.keys() == b.keys()
            for key, color in a.items():
                assert_array_equal(color, b[key])
        elif isinstance(a, Result):
            assert same(a, b)
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
    assert_array_equal(workspace.result.clustering.labels, labels)
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
    assert same(workspace.result, first)
    assert workspace.image is model.layers["bands"]
    workspace.redo()
    assert same(workspace.result, second)
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
    assert workspace.result is None or same(workspace.result, first)
    assert "other" not in [layer.name for layer in model.layers]


def test_random_colors_come_back_as_they_were(model, workspace, fit):
    def dealt():
        layer = model.layers["bands random colors"]
        return np.array([layer.get_color(label) for label in range(1, 9)])

    fit(model, n_components=8)
    workspace.reshuffle()
    first = dealt()
    fit(model, n_components=8, random_state=1)
    before = dealt()
    workspace.reshuffle()
    second = dealt()
    assert (second != before).any()
    workspace.undo()
    assert_array_equal(dealt(), first)
    workspace.redo()
    assert_array_equal(dealt(), second)


@pytest.mark.parametrize("shape", [(20, 25, 3), (4, 20, 25, 3)])
def test_the_image_has_other_data_by_now(model, workspace, fit, shape, said):
    """Labels of data that are gone are not shown over other data."""
    fit(model, n_components=2)
    second = fit(model, n_components=3)
    other = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    model.layers["bands"].data = other
    workspace.undo()
    assert same(workspace.result, second)
    assert model.layers["bands quantized"].data.max() == 3
    assert workspace.status.text == (
        "The image 'bands' was changed since that fit, so its labels cannot come "
        "back; press Fit."
    )
    workspace.redo()
    workspace.reshuffle()
    workspace.show_frame(second.clustering)
    workspace.selection.choose_label(1)
    assert workspace.selection.mask is None
    fit(model, n_components=2)
    assert model.layers["bands quantized"].data.shape == shape[:-1]
    assert said() == []


def bytes_of_undo(stack, results):
    """Memory of a stack's labels, and of those of the results as they are."""
    gc.collect()
    tracemalloc.start()
    for result in results:
        stack.push(result)
    grown = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return grown


def test_fifty_steps_of_a_large_picture_are_small(qapp):
    picture = np.kron(load_sample_image("china.jpg"), np.ones((4, 4, 1), np.uint8))
    assert picture.shape[0] * picture.shape[1] > 4_000_000
    image = Image(picture, rgb=True)
    clustering = cluster(picture, 4, max_iter=5, tol=1)
    shifted = [np.roll(clustering.labels, step, axis=0) for step in range(51)]
    plain = sum(labels.nbytes for labels in shifted)
    results = (
        Result(Source.of(image), replace(clustering, labels=labels.copy()))
        for labels in shifted
    )
    stack = UndoStack()
    assert bytes_of_undo(stack, results) < plain / 10
    for labels in shifted[-2::-1]:
        back = stack.undo().clustering.labels
        assert back.dtype == np.uint8 and back.flags.writeable
        assert_array_equal(back, labels)
    assert not stack.can_undo


def test_data_that_left_the_image_are_let_go(qapp, picture):
    stack = UndoStack()
    image = Image(picture, rgb=True)
    arrays = []
    for _ in range(3):
        image.data = picture.copy()
        arrays.append(weakref.ref(image.data))
        clustering = cluster(image.data, 2)
        stack.push(Result(Source.of(image), clustering))
        stack.push(Result(Source.of(image), clustering))
        del clustering
    gc.collect()
    assert [array() is None for array in arrays] == [True, True, False]


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
        assert same(workspace.result, first)
        assert widget.n_components.value == 2
        assert not widget.undo.enabled and widget.redo.enabled
        qtbot.keyClick(canvas, Qt.Key.Key_Z, alt)
        assert same(workspace.result, first)
        qtbot.keyClick(canvas, Qt.Key.Key_Z, alt | shift)
        assert same(workspace.result, second)
        assert widget.n_components.value == 3

    def test_buttons_name_the_keys(self, viewer, picture, fit, open_widget, click):
        viewer.add_image(picture, name="bands")
        widget = open_widget(viewer)
        assert widget.undo.tooltip == "Go back to the fit before (Alt-Z)."
        assert widget.redo.tooltip == "Go forth again to the fit after (Alt-Shift-Z)."
        first = fit(viewer, n_components=2)
        second = fit(viewer, n_components=3)
        click(widget.undo)
        assert same(workspace_of(viewer).result, first)
        click(widget.redo)
        assert same(workspace_of(viewer).result, second)
