"""EM step by step: the widget that replays a fit."""

import napari
import numpy as np
from magicgui.widgets import Container, Label, PushButton, Slider
from numpy.typing import NDArray
from qtpy.QtCore import QPointF, QTimer
from qtpy.QtGui import QColor, QPainter, QPaintEvent, QPalette, QPen, QPolygonF
from qtpy.QtWidgets import QWidget

from napari_pixel_mixtures.replay import Replay

from .forms import align_labels, follow, row, wrapping
from .result import Result
from .workspace import workspace_of

FRAME_MS = 300  # of an iteration while it plays
CURVE_HEIGHT = 120  # pixels
MARK_COLOR = "#ffd833"
MARGIN = 8  # pixels round the curve


class Curve(QWidget):
    """Draws values from left to right, with a mark on one of them."""

    def __init__(self) -> None:
        super().__init__()
        self.setMinimumHeight(CURVE_HEIGHT)
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
        low, high = self.values.min(), self.values.max()
        rise = (self.values - low) / (high - low) if high > low else 0 * self.values
        width, height = self.width() - 2 * MARGIN, self.height() - 2 * MARGIN
        x = MARGIN + np.linspace(0, width, max(len(rise), 2))[: len(rise)]
        places = [
            QPointF(*p) for p in zip(x, MARGIN + (1 - rise) * height, strict=True)
        ]
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        palette = self.palette()
        painter.setPen(QPen(palette.color(QPalette.ColorRole.WindowText), 1.5))
        painter.drawPolyline(QPolygonF(places))
        painter.setPen(QPen(QColor(MARK_COLOR), 8))
        painter.drawPoint(places[self.marked])
        painter.end()


class ReplayFit(Container):  # type: ignore[type-arg]
    """Replays labels, cloud and Gaussians of the last fit, iteration by iteration.

    Parameters
    ----------
    napari_viewer : napari.Viewer
    """

    def __init__(self, napari_viewer: napari.Viewer) -> None:
        self._workspace = workspace = workspace_of(napari_viewer)
        self._replay: Replay | None = None
        self.iteration = Slider(
            label="Iteration",
            min=1,
            max=1,
            enabled=False,
            tooltip="Show the clusters as they were after this iteration. A fit from a "
            "poor start (Cluster pixels > More settings > Start: random) has more of "
            "them.",
        )
        self.play = PushButton(text="Play", tooltip="Show one iteration after another.")
        self.end = PushButton(text="End", tooltip="Show the fit as it ended.")
        self.status = wrapping(Label(value=""))
        self.curve = Curve()
        self.curve.setToolTip("The mean log-likelihood of a pixel at each iteration.")
        super().__init__(widgets=[self.iteration])
        align_labels(self)
        layout = self.native.layout()
        layout.addWidget(self.curve)
        for widget in (row("", self.play, self.end), self.status):
            layout.addWidget(widget.native)
        self._timer = QTimer(self.native)
        self._timer.setInterval(FRAME_MS)
        self._timer.timeout.connect(self._advance)
        self.iteration.changed.connect(self._show_iteration)
        self.play.changed.connect(self._toggle)
        self.end.changed.connect(self._to_end)
        follow(self, (workspace.result_changed, self._show_result))
        self._show_result(workspace.result)

    @property
    def playing(self) -> bool:
        """Whether it plays."""
        return bool(self._timer.isActive())

    def _show_result(self, result: Result | None) -> None:
        self._stop()
        self._replay = None
        n = 0 if result is None else len(result.clustering.history)
        for button in (self.iteration, self.play, self.end):
            button.enabled = n > 0
        with self.iteration.changed.blocked():
            self.iteration.max = max(n, 1)
            self.iteration.value = max(n, 1)
        if result is None or n == 0:
            self.curve.show_values(np.zeros(0), 0)
            self.status.value = "Press Fit in Cluster pixels first."
            return
        bounds = np.array([step.log_likelihood for step in result.clustering.history])
        self.curve.show_values(bounds, n - 1)
        self._tell(n)

    def _show_iteration(self, iteration: int) -> None:
        result = self._workspace.result
        if result is None or not result.clustering.history:
            return
        if self._replay is None:
            self._replay = Replay(result.clustering)
        last = iteration == len(self._replay)
        self._workspace.show_frame(None if last else self._replay.frame(iteration - 1))
        self.curve.show_values(self.curve.values, iteration - 1)
        self._tell(iteration)

    def _tell(self, iteration: int) -> None:
        n = len(self.curve.values)
        self.status.value = (
            f"Iteration {iteration} of {n}: mean log-likelihood "
            f"{self.curve.values[iteration - 1]:.4f}"
        )

    def _toggle(self) -> None:
        if self.playing:
            self._stop()
            return
        if self.iteration.value == self.iteration.max:
            self.iteration.value = 1
        self._timer.start()
        self.play.text = "Pause"

    def _advance(self) -> None:
        if self.iteration.value < self.iteration.max:
            self.iteration.value = int(self.iteration.value) + 1
        else:
            self._stop()

    def _to_end(self) -> None:
        self._stop()
        self.iteration.value = int(self.iteration.max)

    def _stop(self) -> None:
        self._timer.stop()
        self.play.text = "Play"
