"""Random walks over classes: undo and redo bring back all that was to be seen."""

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt

from napari_pixel_mixtures.viewer.classes_widget import ClassList
from napari_pixel_mixtures.viewer.workspace import workspace_of

STEPS = 40
QUANTILES = (0.0, 0.02, 0.1)


class Walk:
    """Edits classes at random, and keeps what was shown after each edit."""

    def __init__(self, viewer, widget, idle, seed):
        self.viewer, self.widget, self.idle = viewer, widget, idle
        self.workspace = workspace_of(viewer)
        self.random = np.random.default_rng(seed)
        self.seen = [self.snapshot()]
        self.here = 0
        self.done = []

    def snapshot(self):
        """What can be seen of the classes."""
        result, table = self.workspace.result, self.widget.table_model
        layers = [x for x in self.viewer.layers if x.name == "bands classes"]
        shown = [
            (
                layer.data.tobytes(),
                layer.colormap.map(np.arange(9, dtype=np.uint8)).tobytes(),
                layer.features["name"].tolist(),
                layer.features["pixels"].tolist(),
            )
            for layer in layers
        ]
        rows = [
            [table.data(table.index(row, column)) for column in range(3)]
            for row in range(table.rowCount())
        ]
        return (
            result.all_classes,
            result.quantile,
            shown,
            rows,
            self.widget.slider.value(),
            self.widget.tree.cut_at(),
            self.widget.status.value,
        )

    def pick(self, things):
        return things[self.random.integers(len(things))]

    def step(self):
        kind = self.pick([*("edit",) * 6, *("undo", "redo") * 2, "none", "cut"])
        getattr(self, kind)()
        self.idle(self.viewer)
        self.done.append(kind)

    def take(self, act):
        """Do something that makes a new state."""
        act()
        self.idle(self.viewer)
        del self.seen[self.here + 1 :]
        self.seen.append(self.snapshot())
        self.here += 1

    def edit(self):
        classes = self.workspace.result.all_classes
        looks = [*classes.labels, classes.none_of_these]
        label, look = self.pick(classes.labels), self.pick(looks)
        tree = self.workspace.classes.tree
        edited = self.pick(
            [
                classes.merge(label, self.pick(classes.labels)),
                classes.split(label),
                tree.split(classes, label),
                tree.split(classes, *classes.labels),
                classes.rename(look, f"name {self.random.integers(99)}"),
                classes.recolor(look, self.random.random(3).tolist()),
                classes.show(look, bool(self.random.integers(2))),
            ]
        )
        self.take(lambda: self.workspace.classes.edit(edited))

    def none(self):
        quantile = self.pick(QUANTILES)
        self.take(lambda: self.workspace.classes.set_quantile(quantile))

    def cut(self):
        n = int(self.random.integers(1, 7))
        self.take(lambda: self.workspace.classes.cut(n))

    def undo(self):
        if self.here == 0:
            return
        self.workspace.undo()
        self.idle(self.viewer)
        self.here -= 1
        assert self.snapshot() == self.seen[self.here], self.done

    def redo(self):
        if self.here + 1 == len(self.seen):
            assert not self.workspace.undo_stack.can_redo
            return
        self.workspace.redo()
        self.idle(self.viewer)
        self.here += 1
        assert self.snapshot() == self.seen[self.here], self.done


@pytest.mark.parametrize("seed", range(3))
def test_undo_and_redo_bring_back_what_was_seen(model, fit, on_screen, idle, seed):
    fit(model, n_components=6, position=True)
    widget = ClassList(model)
    on_screen(widget.native, 320, 420)
    idle(model)
    walk = Walk(model, widget, idle, seed)
    for _ in range(STEPS):
        walk.step()
    assert len(walk.seen) > 5
    while walk.here:
        walk.undo()
    while walk.here + 1 < len(walk.seen):
        walk.redo()


def test_30_components_become_5_classes_in_a_few_clicks(
    viewer, picture, open_widget, fit, idle, click, qtbot
):
    viewer.add_image(picture, name="bands")
    found = fit(viewer, n_components=30, position=True, max_iter=20)
    widget = open_widget(viewer, "Classes")
    idle(viewer)
    left = Qt.MouseButton.LeftButton
    # The first: the tree is cut at 6.
    tree = widget.tree
    place = QPoint(tree.width() // 2, round(tree.y_of(30 - 6 + 0.5)))
    qtbot.mouseClick(tree, left, pos=place)
    assert len(workspace_of(viewer).result.classes.labels) == 6
    # Three more: the two uppermost rows are selected, and merged.
    table = widget.table

    def center(row):
        return table.visualRect(widget.table_model.index(row, 1)).center()

    qtbot.mouseClick(table.viewport(), left, pos=center(0))
    shift = Qt.KeyboardModifier.ShiftModifier
    qtbot.mouseClick(table.viewport(), left, shift, pos=center(1))
    click(widget.merge)
    classes = workspace_of(viewer).result.classes
    assert len(classes.labels) == 5
    assert sorted(sum(map(classes.members, classes.labels), ())) == [*range(1, 31)]
    layer = viewer.layers["bands classes"]
    assert np.array_equal(layer.data, classes.apply(found.clustering.labels))
    assert len(np.unique(layer.data)) == 5
