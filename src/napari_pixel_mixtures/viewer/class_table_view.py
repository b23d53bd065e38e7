"""ClassTableView: a table with a row for each class."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pandas as pd
from qtpy.QtCore import QAbstractTableModel, QItemSelectionModel, QModelIndex, Qt
from qtpy.QtCore import Signal as QtSignal  # type: ignore[attr-defined]
from qtpy.QtGui import QColor, QFont, QIcon, QPixmap
from qtpy.QtWidgets import QAbstractItemView, QTableView

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from qtpy.QtGui import QResizeEvent

    from napari_pixel_mixtures.classes import Classes

NAME = "name"
SWATCH = 14  # pixels
FEWEST_ROWS = 3  # that the table asks room for
NAME_WIDTH = 84  # pixels at least: room for "class 255"; longer ones end in dots
SHARE, PIXELS, COMPONENTS = "share", "pixels", "components"
HEADS = {COMPONENTS: "parts"}  # shorter than the names of columns, which CSV has
RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
NO_UNITS: Mapping[str, str] = MappingProxyType({})
TIPS = {
    NAME: "Double-click a name to change it.",
    SHARE: "Share of all clustered pixels.",
    COMPONENTS: "How many components the class has.",
}


class ClassTable(QAbstractTableModel):
    """The rows of `class_table`, with a swatch and a name that can be edited."""

    renamed = QtSignal(int, str)  # label, name

    def __init__(self) -> None:
        super().__init__()
        self.empty = pd.DataFrame({"label": [], NAME: []})
        self._columns: list[str] = []
        self._table = self.empty
        self._classes: Classes | None = None
        self._units = NO_UNITS

    def show_table(
        self,
        table: pd.DataFrame,
        classes: Classes | None,
        units: Mapping[str, str] = NO_UNITS,
    ) -> None:
        """Show other rows; `units` are what is written for those in column names."""
        columns, before = shown_columns(table), self._table
        same = columns == self._columns and table["label"].equals(before["label"])
        if not same:
            self.beginResetModel()
        self._table, self._classes, self._units = table, classes, units
        self._columns = columns
        if not same:
            self.endResetModel()
        elif len(table):
            # Who is typing a name goes on, for Qt leaves cells that stay alone.
            first = columns.index(NAME) + table[NAME].equals(before[NAME])
            last = self.index(len(table) - 1, len(columns) - 1)
            self.dataChanged.emit(self.index(0, first), last)

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
        """Head of a column and what it means, or label of a row."""
        if orientation == Qt.Orientation.Vertical:
            shown = role == Qt.ItemDataRole.DisplayRole
            return str(self.label(section)) if shown else None
        column = self._columns[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return head(column, self._units)
        return TIPS.get(column, column) if role == Qt.ItemDataRole.ToolTipRole else None

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
        if role == Qt.ItemDataRole.ToolTipRole and name == NAME:
            return value
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
        columns.setMinimumSectionSize(SWATCH)
        self.setMinimumHeight((FEWEST_ROWS + 2) * (SWATCH + 10))
        self._kept: list[int] = []  # labels that are selected, while rows change
        model.modelAboutToBeReset.connect(self._keep)
        # After Qt's own, which selects nothing any more.
        model.modelReset.connect(self._select_kept)
        for change in (model.modelReset, model.dataChanged):
            change.connect(self._fit_columns)

    def _keep(self) -> None:
        self._kept = self.selected()

    def _select_kept(self) -> None:
        self.select_labels(self._kept)

    def _fit_columns(self) -> None:
        self.resizeColumnsToContents()
        self._fit_names()
        viewport = self.viewport()
        assert viewport is not None
        viewport.update()  # with swatches, which the model does not tell of

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Fit the columns into the new width."""
        super().resizeEvent(event)
        self._fit_names()

    def _fit_names(self) -> None:
        """Let names have what the other columns leave them."""
        viewport, columns = self.viewport(), self._model.columnCount()
        assert viewport is not None
        if columns:
            taken = sum(self.columnWidth(i) for i in range(1, columns))
            self.setColumnWidth(0, max(viewport.width() - taken, NAME_WIDTH))

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


def shown_columns(table: pd.DataFrame) -> list[str]:
    """List the columns to show, the most telling ones first; labels head the rows.

    An area that only counts pixels once more is left out.

    Examples
    --------
    >>> table = pd.DataFrame({"label": [1], "name": ["sky"], "components": [2]})
    >>> table = table.assign(pixels=40, share=1.0)
    >>> shown_columns(table.assign(**{"area (pixel^2)": 40.0}))
    ['name', 'share', 'pixels', 'components']
    >>> shown_columns(table.assign(**{"area (um^2)": 10.0, "mean R": 5.0}))
    ['name', 'share', 'pixels', 'area (um^2)', 'components', 'mean R']
    """
    first = [c for c in (NAME, SHARE, PIXELS) if c in table.columns]
    rest = [c for c in table.columns if c not in (*first, "label", COMPONENTS)]
    sizes = [
        c for c in rest[:1] if "(pixel^" not in c or (table[c] != table[PIXELS]).any()
    ]
    last = [c for c in (COMPONENTS,) if c in table.columns]
    return [*first, *sizes, *last, *rest[1:]]


def head(column: str, units: Mapping[str, str] = NO_UNITS) -> str:
    """Give the head of a column, shorter than its name: of a size its unit alone.

    Parameters
    ----------
    column : str
        As `class_table` calls it.
    units : mapping of str to str
        What is written for units, by their names.

    Examples
    --------
    >>> names = "area (micrometer^2)", "volume (unit^3)", "components", "mean R"
    >>> [head(name, {"micrometer": "µm"}) for name in names]
    ['µm²', 'unit³', 'parts', 'mean R']
    """
    found = re.fullmatch(r"\w+ \((.+)\^(\d+)\)", column)
    if found is None:
        return HEADS.get(column, column)
    unit, power = found.groups()
    return f"{units.get(unit, unit)}{power.translate(RAISED)}"


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


def swatch(color: tuple[float, float, float]) -> QIcon:
    """Give a square of a color, which Qt does not tint where its row is selected."""
    square = QPixmap(SWATCH, SWATCH)
    square.fill(QColor.fromRgbF(*color))
    found = QIcon(square)
    found.addPixmap(square, QIcon.Mode.Selected)
    return found
