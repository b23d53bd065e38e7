"""MergeTreeView: what is drawn of a merge tree, and where a click cuts it."""

import numpy as np
import pytest
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_pixel_mixtures import Classes
from napari_pixel_mixtures.overlap import Merge, MergeTree
from napari_pixel_mixtures.viewer.classes_widget import ClassList
from napari_pixel_mixtures.viewer.merge_tree_view import MergeTreeView
from napari_pixel_mixtures.viewer.workspace import workspace_of

LEFT = Qt.MouseButton.LeftButton
TREE = MergeTree((Merge(4, 2, 0.4), Merge(1, 3, 0.2), Merge(4, 1, 0.1)), (4, 2, 1, 3))
COLORS = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (1.0, 1.0, 0.0))
CLASSES = Classes((1, 2, 3, 4), ("a", "b", "c", "d"), COLORS, (True,) * 4)


@pytest.fixture
def view(qapp, on_screen):
    view = MergeTreeView()
    on_screen(view, 300, 92)
    view.show_tree(TREE, CLASSES)
    return view


def pixels(widget):
    """What is drawn, (rows, columns, 3) in pixels of the widget."""
    image = widget.grab().toImage()
    points = [
        [image.pixelColor(x, y).getRgb()[:3] for x in range(image.width())]
        for y in range(image.height())
    ]
    return np.array(points)


def at(view, place, height):
    """The color at a component's place and a height of the tree."""
    return pixels(view)[round(view.y_of(height)), round(view.x_of(place))].tolist()


def test_components_stand_in_the_order_of_the_tree_in_the_colors_of_classes(view):
    for place, label in enumerate(TREE.order):
        expected = [round(255 * part) for part in COLORS[label - 1]]
        assert at(view, place, 0.6) == expected
    view.show_tree(TREE, TREE.cut(CLASSES, 2))
    for place, label in enumerate((4, 4, 1, 1)):
        assert at(view, place, 0.6) == [round(255 * p) for p in COLORS[label - 1]]


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_a_click_just_below_where_it_is_cut_leaves_so_many_classes(view, n):
    picked = []
    view.picked.connect(picked.append)
    view.show_tree(TREE, TREE.cut(CLASSES, n))
    assert view.cut_at() == 4 - n + 0.5
    QTest.mouseClick(view, LEFT, pos=QPoint(20, round(view.y_of(view.cut_at())) + 1))
    assert picked == [n]
    QTest.mouseClick(view, LEFT, pos=QPoint(20, 0))
    QTest.mouseClick(view, LEFT, pos=QPoint(20, 91))
    assert picked[1:] == [1, 4]


def test_classes_merged_otherwise_are_no_cut(view):
    view.show_tree(TREE, CLASSES.merge(3, 4))
    assert view.cut_at() is None
    # Which component leads does not matter.
    view.show_tree(TREE, CLASSES.merge(2, 4))
    assert view.cut_at() == 1.5


def test_nothing_is_drawn_and_nothing_picked_without_a_tree(view):
    picked = []
    view.picked.connect(picked.append)
    view.show_tree(None, None)
    assert len(np.unique(pixels(view).reshape(-1, 3), axis=0)) == 1
    QTest.mouseClick(view, LEFT, pos=QPoint(20, 40))
    assert picked == []


@pytest.fixture
def widget(model, fit, on_screen, idle):
    """Classes, of a viewer without a window, after a fit."""
    fit(model, n_components=6, position=True)
    widget = ClassList(model)
    on_screen(widget.native, 320, 420)
    idle(model)
    return widget


def test_a_click_cuts_and_a_drag_is_undone_at_once(widget, model):
    workspace, tree = workspace_of(model), widget.tree

    def place(n):
        return QPoint(50, round(tree.y_of(6 - n + 0.5)))

    QTest.mouseClick(tree, LEFT, pos=place(2))
    assert len(workspace.result.classes.labels) == widget.slider.value() == 2
    assert tree.cut_at() == 4.5
    QTest.mousePress(tree, LEFT, pos=place(3))
    for n in (4, 5):
        move = QMouseEvent(
            QMouseEvent.Type.MouseMove,
            QPointF(place(n)),
            QPointF(tree.mapToGlobal(place(n))),
            Qt.MouseButton.NoButton,
            LEFT,
            Qt.KeyboardModifier.NoModifier,
        )
        QApplication.sendEvent(tree, move)
    QTest.mouseRelease(tree, LEFT, pos=place(5))
    assert len(workspace.result.classes.labels) == widget.slider.value() == 5
    workspace.undo()
    assert len(workspace.result.classes.labels) == 2
    # As many classes as by hand, but those of the tree.
    other = workspace.classes.tree.cut(Classes.of(workspace.result.clustering), 5)
    workspace.classes.edit(Classes.of(workspace.result.clustering))
    pairs = [(i, j) for i in range(1, 7) for j in range(i + 1, 7)]
    merged = {frozenset(m) for m in map(other.members, other.labels) if len(m) > 1}
    i, j = next(p for p in pairs if frozenset(p) not in merged)
    workspace.classes.edit(workspace.result.all_classes.merge(i, j))
    assert tree.cut_at() is None
    QTest.mouseClick(tree, LEFT, pos=place(5))
    assert workspace.result.classes.leads == other.leads


def test_one_component_has_no_tree(widget, model, fit, idle):
    assert widget.tree.isVisible()
    fit(model, n_components=1)
    idle(model)
    assert not widget.tree.isVisible()
