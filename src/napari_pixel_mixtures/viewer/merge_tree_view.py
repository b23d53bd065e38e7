"""MergeTreeView: the merge tree, drawn, and cut at a number of classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QLineF, QPointF, QRectF, Qt
from qtpy.QtCore import Signal as QtSignal  # type: ignore[attr-defined]
from qtpy.QtGui import QColor, QHelpEvent, QMouseEvent, QPainter, QPalette, QPen
from qtpy.QtWidgets import QToolTip, QWidget

if TYPE_CHECKING:
    from qtpy.QtGui import QPaintEvent

    from napari_pixel_mixtures.classes import Classes
    from napari_pixel_mixtures.overlap import MergeTree

HEIGHT = 92  # pixels
MARGIN = 6  # pixels round the tree
LEAF = 7  # pixels, the most that the square of a component is high and wide
LINE, RIM = 2.5, 4.5  # pixels, in a class's color, and round it
RIM_ALPHA = 110  # of 255, so that a color shows on a theme as dark or as light
TIP = (
    "The merge tree: the lower two branches meet, the earlier they are merged. Click "
    "at a height, or drag, to cut it there."
)


@dataclass(frozen=True)
class Branch:
    """A part of the tree: from where it begins up to where it meets another.

    Attributes
    ----------
    members : tuple of int
        Labels of its components.
    x : float
        Where it stands, in components from the left.
    start, end : int
        How many merges were made below it, and up to where it ends.
    reach : float
        How far its other end lies from it, in components: half of a bar.
    merged : tuple of int
        Labels of the components with which it then is one.
    """

    members: tuple[int, ...]
    x: float
    start: int
    end: int
    reach: float
    merged: tuple[int, ...]


def branches(tree: MergeTree) -> list[Branch]:
    """List the branches of a tree, the lowest first.

    Examples
    --------
    >>> from napari_pixel_mixtures.overlap import Merge, MergeTree
    >>> tree = MergeTree((Merge(1, 3, 0.5), Merge(1, 2, 0.1)), (1, 3, 2))
    >>> for branch in branches(tree):
    ...     print(branch.members, branch.x, branch.start, branch.end)
    (1,) 0.0 0 1
    (3,) 1.0 0 1
    (1, 3) 0.5 1 2
    (2,) 2.0 0 2
    """
    tops: dict[int, tuple[tuple[int, ...], float, int]] = {
        label: ((label,), float(place), 0) for place, label in enumerate(tree.order)
    }
    found = []
    for height, merge in enumerate(tree.merges, start=1):
        one, other = tops[merge.label], tops.pop(merge.other)
        middle = (one[1] + other[1]) / 2
        merged = one[0] + other[0]
        for members, x, start in (one, other):
            found.append(Branch(members, x, start, height, middle - x, merged))
        tops[merge.label] = (merged, middle, height)
    return found


class MergeTreeView(QWidget):
    """Draws a merge tree in the classes' colors, with a line where it is cut.

    Heights are counted in merges, so that each number of classes has as much room.
    """

    picked = QtSignal(int)  # a number of classes
    let_go = QtSignal()

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(HEIGHT)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setToolTip(TIP)
        self._tree: MergeTree | None = None
        self._classes: Classes | None = None
        self._branches: list[Branch] = []

    @property
    def n_components(self) -> int:
        """How many components the tree has; 0 if there is none."""
        return 0 if self._tree is None else len(self._tree.order)

    def show_tree(self, tree: MergeTree | None, classes: Classes | None) -> None:
        """Draw a tree in the colors of these classes; None for nothing."""
        if tree is not self._tree:
            self._branches = [] if tree is None else branches(tree)
        self._tree, self._classes = tree, classes
        self.update()

    # ---- places

    @property
    def _frame(self) -> QRectF:
        """Where branches are drawn; components stand below."""
        below = MARGIN + LEAF
        whole = QRectF(self.rect())
        return whole.adjusted(MARGIN, MARGIN, -MARGIN, -below)

    def y_of(self, height: float) -> float:
        """Where a height is, in merges."""
        frame = self._frame
        # The last merge lies a little below the edge, for a cut above it.
        return frame.bottom() - height / max(self.n_components - 0.5, 1) * (
            frame.height()
        )

    def x_of(self, place: float) -> float:
        """Where a component is, from 0 in the order of the tree."""
        frame = self._frame
        return frame.left() + (place + 0.5) / max(self.n_components, 1) * frame.width()

    def n_classes_at(self, y: float) -> int:
        """How many classes are left where the tree is cut at this height."""
        frame = self._frame
        k = self.n_components
        height = (frame.bottom() - y) / frame.height() * max(k - 0.5, 1)
        return min(max(k - max(int(height), 0), 1), k)

    def cut_at(self) -> float | None:
        """Height of the cut; None if the classes are not those of any cut."""
        tree, classes = self._tree, self._classes
        if tree is None or classes is None:
            return None
        n = len(classes.labels)
        same = tree.cut(classes, n)
        groups = {same.members(label) for label in same.labels}
        if groups != {classes.members(label) for label in classes.labels}:
            return None
        return self.n_components - n + 0.5

    # ---- events

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw the tree, its components below, and where it is cut."""
        classes, tree = self._classes, self._tree
        if classes is None or tree is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        text = self.palette().color(QPalette.ColorRole.WindowText)
        rim = QColor(text)
        rim.setAlpha(RIM_ALPHA)
        for branch in self._branches:
            top = QPointF(self.x_of(branch.x), self.y_of(branch.end))
            stem = QLineF(QPointF(top.x(), self.y_of(branch.start)), top)
            bar = QLineF(top, QPointF(self.x_of(branch.x + branch.reach), top.y()))
            for line, members in ((stem, branch.members), (bar, branch.merged)):
                leads = {classes.leads[member - 1] for member in members}
                if len(leads) > 1:
                    painter.setPen(QPen(text, 1))
                    painter.drawLine(line)
                    continue
                color = QColor.fromRgbF(*classes.color(leads.pop()))
                for pen in (QPen(rim, RIM), QPen(color, LINE)):
                    painter.setPen(pen)
                    painter.drawLine(line)
        for place, label in enumerate(tree.order):
            side = min(LEAF, self.x_of(1) - self.x_of(0))
            square = QRectF(0, 0, side, side)
            square.moveCenter(QPointF(self.x_of(place), self.y_of(0) + LEAF / 2))
            of_class = classes.color(classes.leads[label - 1])
            painter.fillRect(square, rim)
            inner = square.adjusted(1, 1, -1, -1) if side > 4 else square
            painter.fillRect(inner, QColor.fromRgbF(*of_class))
        cut = self.cut_at()
        if cut is not None:
            painter.setPen(QPen(text, 1, Qt.PenStyle.DashLine))
            y = self.y_of(cut)
            painter.drawLine(QPointF(0, y), QPointF(self.width(), y))
        painter.end()

    def event(self, event: QEvent | None) -> bool:
        """Say what a cut under the pointer would give."""
        if isinstance(event, QHelpEvent) and self._tree is not None:
            n = self.n_classes_at(event.pos().y())
            said = f"Cut here: {n} class{'es' * (n != 1)}.\n{TIP}"
            QToolTip.showText(event.globalPos(), said, self)
            return True
        return super().event(event)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Cut the tree at the height of a click."""
        assert event is not None
        if event.button() == Qt.MouseButton.LeftButton:
            self._pick(event)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Cut it while the pointer is dragged."""
        assert event is not None
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._pick(event)

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """End what is undone together."""
        self.let_go.emit()

    def _pick(self, event: QMouseEvent) -> None:
        if self._tree is not None:
            self.picked.emit(self.n_classes_at(event.position().y()))
