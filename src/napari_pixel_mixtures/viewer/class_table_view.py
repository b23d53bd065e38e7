"""ClassTableView: a table with a row for each class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
from qtpy.QtCore import QAbstractTableModel, QItemSelectionModel, QModelIndex, Qt
from qtpy.QtCore import Signal as QtSignal  # type: ignore[attr-defined]
from qtpy.QtGui import QColor, QFont, QPixmap
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari_pixel_mixtures.classes import Classes

NAME = "name"
FIRST = (NAME, "share", "pixels")  # of the columns; the label heads its row
SWATCH = 14  # pixels
FEWEST_ROWS = 3  # that the table asks room for
NAME_WIDTH = 116  # pixels: room for "none of these"


class ClassTable(QAbstractTableModel):
    """The rows of `class_table`, with a swatch and a name that can be edited."""

    renamed = QtSignal(int, str)  # label, name

    def __init__(self) -> None:
        super().__init__()
        self.empty = pd.DataFrame({"label": [], NAME: []})
        self._columns: list[str] = []
        self._table = self.empty
        self._classes: Classes | None = None

    def show_table(self, table: pd.DataFrame, classes: Classes | None) -> None:
        """Show other rows."""
        self.beginResetModel()
        self._table, self._classes = table, classes
        rest = [c for c in table.columns if c not in (*FIRST, "label", "components")]
        last = [c for c in ("components",) if c in table.columns]
        first = [c for c in FIRST if c in table.columns]
        self._columns = [*first, *rest[:1], *last, *rest[1:]]
        self.endResetModel()

    def label(self, row: int) -> int:
        """Label of the class in a row."""
        return int(self._table["label"].iloc[row])

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Count the classes."""
        return 0 if parent is not None and parent.isValid() else len(self._table)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        """Count the columns."""
        inner = parent is not None and parent.isValid()
        return 0 if inner or self._classes is None else len(self._columns)

    def headerData(
        self, section: int, orientation: Any, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Name of a column, or label of a row."""
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        if orientation == Qt.Orientation.Horizontal:
            return self._columns[section]
        return str(self.label(section))

    def flags(self, index: QModelIndex) -> Any:
        """Say that names can be edited."""
        flags = super().flags(index)
        if self._columns[index.column()] == NAME:
            flags |= Qt.ItemFlag.ItemIsEditable
        return flags

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Text, color or font of a cell."""
        name = self._columns[index.column()]
        value = self._table[name].iloc[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return as_text(name, value)
        if role == Qt.ItemDataRole.TextAlignmentRole and name != NAME:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        label = self.label(index.row())
        if name != NAME or self._classes is None:
            return None
        if role == Qt.ItemDataRole.DecorationRole:
            return swatch(self._classes.color(label))
        if role == Qt.ItemDataRole.FontRole and not self._classes.shown(label):
            font = QFont()
            font.setItalic(True)
            font.setStrikeOut(True)
            return font
        return None

    def setData(
        self, index: QModelIndex, value: Any, role: int = Qt.ItemDataRole.EditRole
    ) -> bool:
        """Tell that a name was typed."""
        typed = role == Qt.ItemDataRole.EditRole
        if typed and value != self._table[NAME].iloc[index.row()]:
            self.renamed.emit(self.label(index.row()), str(value))
        return typed


class ClassTableView(QTableView):
    """Shows a `ClassTable`; what is selected stays so where rows change."""

    def __init__(self, model: ClassTable) -> None:
        super().__init__()
        self._model = model
        self.setModel(model)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setWordWrap(False)
        rows = self.verticalHeader()
        assert rows is not None
        rows.setDefaultSectionSize(SWATCH + 10)
        columns = self.horizontalHeader()
        assert columns is not None
        columns.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.setMinimumHeight((FEWEST_ROWS + 2) * (SWATCH + 10))

    def show_table(self, table: pd.DataFrame, classes: Classes | None) -> None:
        """Show other rows, and select those of the same classes again."""
        selected, n_columns = self.selected(), self._model.columnCount()
        self._model.show_table(table, classes)
        columns = self.horizontalHeader()
        if n_columns == 0 < self._model.columnCount() and columns is not None:
            columns.setSectionResizeMode(0, QHeaderView.ResizeMode.Interactive)
            self.setColumnWidth(0, NAME_WIDTH)
        self.select_labels(selected)

    def selected(self) -> list[int]:
        """Labels of the classes that are selected, from the top."""
        selection = self.selectionModel()
        assert selection is not None
        rows = sorted(index.row() for index in selection.selectedRows())
        return [self._model.label(row) for row in rows]

    def select_labels(self, labels: Iterable[int]) -> None:
        """Select the rows of classes."""
        selection = self.selectionModel()
        assert selection is not None
        wanted = set(labels)
        flags = QItemSelectionModel.SelectionFlag
        selection.clearSelection()
        for row in range(self._model.rowCount()):
            if self._model.label(row) in wanted:
                selection.select(self._model.index(row, 0), flags.Select | flags.Rows)


def as_text(column: str, value: Any) -> str:
    """Write a cell.

    Examples
    --------
    >>> as_text("share", 0.123), as_text("pixels", 1234567), as_text("mean R", 1234.5)
    ('12.3%', '1,234,567', '1,234')
    """
    if isinstance(value, str):
        return value
    if column == "share":
        return f"{value:.1%}"
    if column in ("pixels", "components"):
        return f"{value:,}"
    if pd.isna(value):
        return ""
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e12 else f"{value:.4g}"


def swatch(color: tuple[float, float, float]) -> QPixmap:
    """Give a square of a color."""
    found = QPixmap(SWATCH, SWATCH)
    found.fill(QColor.fromRgbF(*color))
    return found
