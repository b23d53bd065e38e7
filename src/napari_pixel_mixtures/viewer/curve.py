"""Curve: values from left to right, with numbered axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QPainter, QPalette, QPen, QPolygonF
from qtpy.QtWidgets import QWidget

from .cloud_axes import nice_values

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from qtpy.QtGui import QPaintEvent

HEIGHT = 150  # pixels
MARK_COLOR = "#ffd833"
MARK_RIM = "#806000"  # which shows on light themes too
GAP = 6  # pixels between things
TICK = 4  # pixels
TICKS_EVERY = 32, 60  # pixels up and along the axes, at least


class Curve(QWidget):
    """Draws values over 1, 2, 3 and so on, with a mark on one of them.

    Parameters
    ----------
    x_title, y_title : str
        What the axes show.
    """

    def __init__(self, x_title: str, y_title: str) -> None:
        super().__init__()
        self.setMinimumHeight(HEIGHT)
        self._titles = x_title, y_title
        self.values: NDArray[np.float64] = np.zeros(0)
        self.marked = 0

    def show_values(self, values: NDArray[np.float64], marked: int) -> None:
        """Draw these values, and mark one of them."""
        self.values, self.marked = values, marked
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw the curve in the colors of the theme."""
        if len(self.values) == 0:
            return
        n = len(self.values)
        low, high = float(self.values.min()), float(self.values.max())
        if not high > low:
            low, high = low - 0.5, high + 0.5
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        text = self.palette().color(QPalette.ColorRole.WindowText)
        line = painter.fontMetrics().height()
        y_most = (self.height() - 3 * line) / TICKS_EVERY[0]
        y_values = nice_values(low, high, y_most)
        y_texts = [f"{value:.6g}" for value in y_values]
        left = GAP + TICK + max(map(painter.fontMetrics().horizontalAdvance, y_texts))
        # The titles are above and below what they name.
        frame = QRectF(
            left + GAP,
            line + GAP,
            self.width() - left - 3 * GAP,
            self.height() - 3 * line - 2 * GAP,
        )

        def place(number: float, value: float) -> QPointF:
            across = (number - 1) / max(n - 1, 1)
            return QPointF(
                frame.left() + across * frame.width(),
                frame.bottom() - (value - low) / (high - low) * frame.height(),
            )

        painter.setPen(QPen(text, 1))
        painter.drawLine(frame.bottomLeft(), frame.topLeft())
        painter.drawLine(frame.bottomLeft(), frame.bottomRight())
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for value, label in zip(y_values, y_texts, strict=True):
            at = place(1, value)
            painter.drawLine(at, at - QPointF(TICK, 0))
            box = QRectF(0, at.y() - line / 2, frame.left() - TICK - 2, line)
            painter.drawText(box, right, label)
        for number in _whole_numbers(n, frame.width() / TICKS_EVERY[1]):
            at = place(number, low)
            painter.drawLine(at, at + QPointF(0, TICK))
            box = QRectF(at.x() - 30, at.y() + TICK, 60, line)
            painter.drawText(box, Qt.AlignmentFlag.AlignHCenter, str(number))
        painter.drawText(
            QRectF(0, 0, self.width(), line),
            Qt.AlignmentFlag.AlignLeft,
            self._titles[1],
        )
        painter.drawText(
            QRectF(frame.left(), self.height() - line, frame.width(), line),
            Qt.AlignmentFlag.AlignHCenter,
            self._titles[0],
        )
        painter.setPen(QPen(text, 1.5))
        places = [place(i, value) for i, value in enumerate(self.values, start=1)]
        painter.drawPolyline(QPolygonF(places))
        painter.setPen(QPen(QColor(MARK_RIM), 1))
        painter.setBrush(QColor(MARK_COLOR))
        painter.drawEllipse(places[self.marked], 4.5, 4.5)
        painter.end()


def _whole_numbers(n: int, most: float) -> list[int]:
    """Give round numbers from 1 to n."""
    if n < 3:
        return list(range(1, n + 1))
    rounded = nice_values(1, n, min(most, n - 1))
    return [int(value) for value in rounded if value == int(value)]
