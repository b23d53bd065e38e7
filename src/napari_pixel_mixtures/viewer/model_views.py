"""How models are shown: a grid of them, and their criteria as curves."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QPointF, QSize, Qt
from qtpy.QtCore import Signal as QtSignal  # type: ignore[attr-defined]
from qtpy.QtGui import (
    QColor,
    QIcon,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QPolygonF,
)
from qtpy.QtWidgets import (
    QFrame,
    QGridLayout,
    QLabel,
    QScrollArea,
    QToolButton,
    QWidget,
)

from napari_pixel_mixtures.mixture.selection import CRITERIA
from napari_pixel_mixtures.recipe import COVARIANCE_TYPES

from .feature_row import SMALL, pixmap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_pixel_mixtures.model_grid import TriedModel

ICON_SIZE = (72, 48)  # pixels, width and height
GRID_WIDTH = 372  # pixels; holds a column for each covariance type
LOADED = "#ffd833"  # the frame of the model that is loaded
CURVE_HEIGHT = 130  # pixels
MARGIN = 10  # pixels round the curves
TEXT_HEIGHT = 14  # pixels of the line of numbers below, and of names above
REACH = 12  # pixels from a point within which a click means it
# One for each covariance type; they show on dark and on light.
COLORS = dict(
    zip(COVARIANCE_TYPES, ("#3b8ee0", "#e08a2c", "#3fa66a", "#c05ac0"), strict=True)
)


def in_short(difference: float) -> str:
    """Write how far a criterion is from its best, in a few signs.

    Examples
    --------
    >>> [in_short(d) for d in (0.0, 12.3, 4567.0, 1.2e6)]
    ['best', '+12.3', '+4.57k', '+1.2M']
    """
    if difference == 0:
        return "best"
    for unit, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if difference >= unit:
            return f"+{difference / unit:.3g}{name}"
    return f"+{difference:.3g}"


class ModelGrid(QScrollArea):
    """A row for each number of components, a column for each covariance type."""

    chosen = QtSignal(object)  # TriedModel

    def __init__(self) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setMinimumWidth(GRID_WIDTH)
        self.cells: dict[tuple[int, str], QToolButton] = {}
        self.show_models(())

    def show_models(self, models: Sequence[TriedModel]) -> None:
        """Show these models; differences are from the best of them."""
        inside = QWidget()
        layout = QGridLayout(inside)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        self.cells = {}
        candidates = [model.candidate for model in models]
        best = {
            name: min((getattr(c, name) for c in candidates), default=0.0)
            for name in CRITERIA
        }
        sizes = sorted({c.n_components for c in candidates})
        if models:
            for column, kind in enumerate(COVARIANCE_TYPES, start=1):
                head = QLabel(kind)
                head.setStyleSheet(f"color: {COLORS[kind]}; font-weight: bold")
                layout.addWidget(head, 0, column, Qt.AlignmentFlag.AlignCenter)
        for line, size in enumerate(sizes, start=1):
            layout.addWidget(QLabel(str(size)), line, 0)
        for model in models:
            candidate = model.candidate
            key = (candidate.n_components, candidate.covariance_type)
            cell = self.cells[key] = _cell(model, best)
            cell.clicked.connect(partial(self._choose, model))
            layout.addWidget(
                cell,
                1 + sizes.index(candidate.n_components),
                1 + COVARIANCE_TYPES.index(candidate.covariance_type),
            )
        layout.setRowStretch(len(sizes) + 1, 1)
        layout.setColumnStretch(len(COVARIANCE_TYPES) + 1, 1)
        bar = self.verticalScrollBar()
        assert bar is not None
        place = bar.value()
        self.setWidget(inside)
        inside.adjustSize()  # now, for without a height there is nowhere to scroll to
        bar.setValue(place)

    def mark(self, key: tuple[int, str] | None) -> None:
        """Show which model is loaded."""
        for each, cell in self.cells.items():
            cell.setChecked(each == key)

    def _choose(self, model: TriedModel, _: bool = False) -> None:
        self.chosen.emit(model)


def _cell(model: TriedModel, best: dict[str, float]) -> QToolButton:
    candidate = model.candidate
    lines = [
        f"{name.upper()} {in_short(getattr(candidate, name) - best[name])}"
        for name in CRITERIA
    ]
    cell = QToolButton()
    cell.setCheckable(True)
    cell.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
    cell.setStyleSheet(
        f"QToolButton {{ {SMALL}; border: 2px solid transparent }}"
        f"QToolButton:checked {{ border-color: {LOADED} }}"
    )
    picture = np.rint(255 * model.thumbnail).astype(np.uint8)
    cell.setIcon(QIcon(pixmap(picture, (2 * ICON_SIZE[0], 2 * ICON_SIZE[1]))))
    cell.setIconSize(QSize(*ICON_SIZE))
    cell.setText("\n".join([*lines, f"{model.seconds:.2f} s"]))
    numbers = ", ".join(f"{n.upper()} {getattr(candidate, n):,.0f}" for n in CRITERIA)
    cell.setToolTip(
        f"{candidate.n_components} components, {candidate.covariance_type}: {numbers}; "
        f"mean log-likelihood {candidate.log_likelihood:.4f}. Click to load it."
    )
    return cell


class ModelCurves(QWidget):
    """A criterion over the number of components, a curve for each covariance type."""

    chosen = QtSignal(object)  # TriedModel

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(CURVE_HEIGHT)
        self._models: tuple[TriedModel, ...] = ()
        self._criterion = CRITERIA[0]

    def show_models(self, models: Sequence[TriedModel], criterion: str) -> None:
        """Draw the curves of a criterion."""
        self._models, self._criterion = tuple(models), criterion
        self.update()

    def places(self) -> list[tuple[TriedModel, QPointF]]:
        """Say where each model is drawn; the best is at the bottom."""
        if not self._models:
            return []
        values = np.array([getattr(m.candidate, self._criterion) for m in self._models])
        sizes = np.array([m.candidate.n_components for m in self._models], float)
        extent = np.ptp(values) or 1.0
        top, bottom = MARGIN + TEXT_HEIGHT, self.height() - MARGIN - TEXT_HEIGHT
        y = top + (values.max() - values) / extent * (bottom - top)
        x = MARGIN + (sizes - sizes.min()) / (np.ptp(sizes) or 1.0) * (
            self.width() - 2 * MARGIN
        )
        return [
            (model, QPointF(*place))
            for model, place in zip(
                self._models, zip(x.tolist(), y.tolist(), strict=True), strict=True
            )
        ]

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw the curves, their names above and the numbers of components below."""
        places = self.places()
        if not places:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        x = MARGIN
        for kind, color in COLORS.items():
            line = [p for m, p in places if m.candidate.covariance_type == kind]
            painter.setPen(QPen(QColor(color), 2))
            painter.drawPolyline(QPolygonF(line))
            painter.drawText(x, TEXT_HEIGHT - 2, kind)
            x += painter.fontMetrics().horizontalAdvance(f"{kind}  ")
            painter.setPen(QPen(QColor(color), 6))
            for place in line:
                painter.drawPoint(place)
        painter.setPen(self.palette().color(QPalette.ColorRole.WindowText))
        best = min(
            places, key=lambda place: getattr(place[0].candidate, self._criterion)
        )
        painter.drawEllipse(best[1], 6, 6)
        for size in {m.candidate.n_components: p.x() for m, p in places}.items():
            text = str(size[0])
            half = painter.fontMetrics().horizontalAdvance(text) / 2
            left = min(max(size[1] - half, 0.0), self.width() - 2 * half)
            painter.drawText(QPointF(left, self.height() - 3), text)
        painter.end()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Choose the model that is near."""
        assert event is not None
        where = event.position()
        near = [
            ((place - where).manhattanLength(), i)
            for i, (_, place) in enumerate(self.places())
        ]
        if near and min(near)[0] <= REACH:
            self.chosen.emit(self._models[min(near)[1]])
