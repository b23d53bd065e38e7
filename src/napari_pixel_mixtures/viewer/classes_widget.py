"""Classes: the widget that makes a few classes of many components."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import napari
import pandas as pd
from magicgui.widgets import CheckBox, Container, Label, PushButton
from qtpy.QtCore import Qt
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QColorDialog, QHBoxLayout, QLabel, QWidget
from superqt import QLabeledSlider

from napari_pixel_mixtures.classes import Classes
from napari_pixel_mixtures.csv_tables import csv_bytes
from napari_pixel_mixtures.files import write_whole
from napari_pixel_mixtures.tables import MOMENTS

from .class_facts import TREE
from .class_table_view import ClassTable, ClassTableView
from .docks import settle_in
from .forms import ask_where_to_save, follow, row, wrapping
from .keys import REDO_KEY, UNDO_KEY
from .merge_tree_view import MergeTreeView
from .messages import report
from .result import Result, check_result
from .workspace import workspace_of

CUTTING = "cutting the merge tree"


class ClassList(Container):  # type: ignore[type-arg]
    """Merges, splits, names and colors the components of the last fit.

    Parameters
    ----------
    napari_viewer : napari.Viewer
    """

    def __init__(self, napari_viewer: napari.Viewer) -> None:
        self._workspace = workspace_of(napari_viewer)
        self.slider = QLabeledSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(1, 1)
        tip = (
            "How many classes: those that are confused most often are merged first. "
            "It takes the place of what was merged by hand."
        )
        self.slider.setToolTip(tip)
        self.tree = MergeTreeView()
        self.merge = PushButton(
            text="Merge", tooltip="Make one class of those that are selected."
        )
        self.split = PushButton(
            text="Split",
            tooltip="Take the last merge within the selected classes back: the two "
            "parts that are confused least. Again for further parts.",
        )
        self.split_all = PushButton(
            text="Split all",
            tooltip="Let the selected classes fall apart into all their components.",
        )
        self.recolor = PushButton(
            text="Recolor...", tooltip="Choose a color for the selected classes."
        )
        self.hide_them = PushButton(
            text="Hide/Show", tooltip="Hide the selected classes, or show them again."
        )
        self.undo = PushButton(
            text="Undo",
            tooltip=f"Take back the last edit or fit, whichever was last ({UNDO_KEY}).",
        )
        self.redo = PushButton(
            text="Redo", tooltip=f"Do again what was undone ({REDO_KEY})."
        )
        self.details = CheckBox(
            text="Features",
            value=False,
            tooltip="Show the mean and standard deviation of every feature.",
        )
        self.export = PushButton(
            text="Export CSV...",
            tooltip="Save the table with all its columns to a file.",
        )
        self.status = wrapping(Label(value=""))
        self._export_to: tuple[Path, Result] | None = None  # once it is measured
        self.table_model = ClassTable()
        self.table = ClassTableView(self.table_model)
        super().__init__(widgets=[])
        layout = self.native.layout()
        layout.setSpacing(2)
        line = QWidget()
        inner = QHBoxLayout(line)
        inner.setContentsMargins(0, 0, 0, 0)
        title = QLabel("Classes")
        title.setToolTip(tip)
        inner.addWidget(title)
        inner.addWidget(self.slider, 1)
        layout.addWidget(line)
        layout.addWidget(self.tree)
        layout.addWidget(self.table, 1)
        for widgets in (
            (self.merge, self.split, self.split_all, self.recolor, self.hide_them),
            (self.undo, self.redo, self.export, self.details),
        ):
            layout.addWidget(row("", *widgets).native)
        layout.addWidget(self.status.native)
        self._connect()

    def _connect(self) -> None:
        workspace = self._workspace
        follow(
            self,
            (workspace.classes.changed, self._show),
            (workspace.classes.failed, self._on_failed),
            (workspace.undo_stack.changed, self._show_undo),
        )
        self.slider.sliderPressed.connect(workspace.classes.end_step)
        self.slider.valueChanged.connect(self._cut)
        self.slider.sliderReleased.connect(workspace.classes.end_step)
        self.tree.picked.connect(self._cut_tree)
        self.tree.let_go.connect(workspace.classes.end_step)
        self.table_model.renamed.connect(self._rename)
        selection = self.table.selectionModel()
        assert selection is not None
        selection.selectionChanged.connect(lambda *_: self._show_buttons())
        for button, edit in (
            (self.merge, self._merge),
            (self.split, self._split),
            (self.split_all, self._split_all),
            (self.recolor, self._recolor),
            (self.hide_them, self._hide),
            (self.export, self._export),
        ):
            button.changed.connect(partial(self._attempt, edit))
        self.undo.changed.connect(lambda: workspace.undo())
        self.redo.changed.connect(lambda: workspace.redo())
        self.details.changed.connect(lambda: self._show_details())
        settle_in(self)
        workspace.classes.want(TREE)
        self._show()
        self._show_undo()

    # ---- edits

    @property
    def _result(self) -> Result | None:
        return self._workspace.classes.result

    def _attempt(self, act: Callable[[Result], None], _: object = None) -> None:
        """Do something with the result, or say in one sentence why it cannot be."""
        try:
            act(check_result(self._result))
        except ValueError as error:
            self._show()  # what there is still
            self.status.value = str(error)
            report(error)

    def _edit(self, classes: Classes) -> None:
        self._workspace.classes.edit(classes)

    def _cut(self, n_classes: int) -> None:
        result = self._result
        if result is None or len(result.all_classes.labels) == n_classes:
            return
        dragged = self.slider.isSliderDown()
        self._workspace.classes.cut(n_classes, CUTTING if dragged else None)

    def _merge(self, result: Result) -> None:
        # The class with most pixels takes in the others.
        counts = result.clustering.pixel_counts
        classes = result.all_classes
        sizes = {
            one: sum(counts[i - 1] for i in classes.members(one))
            for one in self._selected_classes(classes)
        }
        lead = max(sizes, key=lambda one: (sizes[one], -one))
        self._edit(classes.merge(lead, *(one for one in sizes if one != lead)))
        self.table.select_labels([lead])

    def _cut_tree(self, n_classes: int) -> None:
        """Cut the tree where it was clicked; also where it was merged by hand."""
        result, edits = self._result, self._workspace.classes
        if result is None or edits.tree is None:
            return
        if edits.tree.cut(result.all_classes, n_classes) != result.all_classes:
            edits.cut(n_classes, CUTTING)

    def _selected_classes(self, classes: Classes) -> list[int]:
        """List what is selected, but not what is none of the classes."""
        return [label for label in self.table.selected() if classes.members(label)]

    def _split(self, result: Result) -> None:
        """Take back the last merge within what is selected."""
        tree = self._workspace.classes.tree
        assert tree is not None
        classes = result.all_classes
        selected = self._selected_classes(classes)
        self._fall_apart(selected, classes, tree.split(classes, *selected))

    def _split_all(self, result: Result) -> None:
        apart = classes = result.all_classes
        selected = self._selected_classes(classes)
        for label in selected:
            apart = apart.split(label)
        self._fall_apart(selected, classes, apart)

    def _fall_apart(self, labels: list[int], before: Classes, apart: Classes) -> None:
        """Take parts of these classes, and select them all."""
        parts = {apart.leads[i - 1] for one in labels for i in before.members(one)}
        self._edit(apart)
        self.table.select_labels(parts)

    def _recolor(self, result: Result) -> None:
        labels = self.table.selected()
        start = QColor.fromRgbF(*result.all_classes.color(labels[0]))
        chosen = QColorDialog.getColor(start, self.native, "Color of the class")
        if chosen.isValid():
            color = chosen.redF(), chosen.greenF(), chosen.blueF()
            # A fit may have ended while the person chose.
            classes = check_result(self._result).all_classes
            for label in labels:
                classes = classes.recolor(label, color)
            self._edit(classes)

    def _hide(self, result: Result) -> None:
        labels, classes = self.table.selected(), result.all_classes
        visible = not any(classes.shown(label) for label in labels)
        for label in labels:
            classes = classes.show(label, visible)
        self._edit(classes)

    def _rename(self, label: int, name: str) -> None:
        self._attempt(lambda found: self._edit(found.all_classes.rename(label, name)))

    def _show_details(self) -> None:
        if self.details.value and self._result is not None:
            self._workspace.classes.measure()
        self._show()

    def _export(self, result: Result) -> None:
        name = f"{result.image.name} classes.csv"
        path = ask_where_to_save(self.native, "Export the table", name, "CSV", "csv")
        if path:
            self.save_table(path)

    def save_table(self, path: str | Path) -> None:
        """Write the table to a CSV file as soon as it is measured, and say so.

        It has all columns, also where means and deviations are not shown.

        Raises
        ------
        ValueError
            There is no result of the image as it is.
        """
        self._export_to = Path(path), check_result(self._result)
        if not self._workspace.classes.detailed:
            self._workspace.classes.measure()
        self._go_on_exporting()

    def _go_on_exporting(self) -> None:
        if self._export_to is None:
            return
        (path, wanted), result = self._export_to, self._result
        if result is None or result.clustering is not wanted.clustering:
            self._export_to = None
            self.status.value = (
                f"The table was not saved to {path.name}, for there was another fit "
                "before it was measured; export it again."
            )
        elif self._workspace.classes.detailed:
            self._export_to = None
            self._write(path)
        else:
            self.status.value = f"Measuring every feature for {path.name}..."

    def _on_failed(self, error: Exception) -> None:
        if self._export_to is not None:
            self._export_to = None
            self.status.value = str(error)

    def _write(self, path: Path) -> None:
        table = self._workspace.classes.table()
        try:
            write_whole(path, csv_bytes(table))
        except OSError as error:
            sentence = ValueError(
                f"Expected a file that can be written, got {path.name}: "
                f"{error.strerror}; choose another place."
            )
            self.status.value = str(sentence)
            report(sentence)
        else:
            self.status.value = f"The table was saved to {path.name}."

    # ---- what is shown

    def _show(self) -> None:
        edits, result = self._workspace.classes, self._result
        self.slider.blockSignals(True)
        if result is None:
            self.table_model.show_table(self.table_model.empty, None)
            self.slider.setRange(1, 1)
            self.status.value = "Fit an image in Cluster pixels first."
        else:
            classes = result.all_classes
            units = {str(unit): f"{unit:~P}" for unit in result.image.units}
            self.table_model.show_table(self._columns_shown(), classes, units)
            self.slider.setRange(1, classes.n_components)
            self.slider.setValue(len(classes.labels))
            self.status.value = in_words(result, classes)
        self.slider.blockSignals(False)
        self.slider.setEnabled(result is not None and edits.tree is not None)
        self._show_tree(result)
        self._show_buttons()
        self._go_on_exporting()

    def _show_tree(self, result: Result | None) -> None:
        """Draw the tree, which has its room already while it is found out."""
        some = result is not None and result.all_classes.n_components > 1
        self.tree.setVisible(some)
        tree = self._workspace.classes.tree
        if result is None or tree is None:
            self.tree.show_tree(None, None)
        else:
            self.tree.show_tree(tree, result.all_classes)

    def _columns_shown(self) -> pd.DataFrame:
        table = self._workspace.classes.table()
        if self.details.value:
            return table
        return table[[c for c in table.columns if not c.startswith(MOMENTS)]]

    def _show_buttons(self) -> None:
        result = self._result
        selected = [] if result is None else self.table.selected()
        classes = None if result is None else result.all_classes
        self.merge.enabled = (
            classes is not None and len(self._selected_classes(classes)) > 1
        )
        parts = classes is not None and any(
            len(classes.members(label)) > 1 for label in selected
        )
        self.split_all.enabled = parts
        self.split.enabled = parts and self._workspace.classes.tree is not None
        self.recolor.enabled = self.hide_them.enabled = bool(selected)
        self.export.enabled = self.details.enabled = result is not None

    def _show_undo(self) -> None:
        self.undo.enabled = self._workspace.undo_stack.can_undo
        self.redo.enabled = self._workspace.undo_stack.can_redo


def in_words(result: Result, classes: Classes) -> str:
    """Say how many classes there are, with what is none of these, and of what."""
    labels, k = list(classes.labels), classes.n_components
    components = f"{k} component{'s' * (k != 1)}"
    of = f" of {components}"
    if result.has_none:
        of = f", {len(labels)} of {components} and {classes.name(k + 1)!r}"
        labels.append(classes.none_of_these)
    n = len(labels)
    text = f"{result.image.name}: {n} class{'es' * (n != 1)}{of}"
    if hidden := sum(not classes.shown(label) for label in labels):
        text += f", {hidden} hidden"
    return f"{text}."
