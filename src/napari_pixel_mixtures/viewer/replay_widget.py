"""EM step by step: the widget that replays a fit."""

from collections.abc import Generator
from dataclasses import dataclass

import napari
import numpy as np
from magicgui.widgets import Container, Label, PushButton, Slider
from qtpy.QtCore import QTimer

from napari_pixel_mixtures.clusters import Clustering
from napari_pixel_mixtures.replay import Replay

from .curve import Curve
from .docks import settle_in
from .forms import align_labels, follow, row, wrapping
from .messages import report
from .result import Result
from .worker import Runner, Step
from .workspace import workspace_of

FRAME_MS = 300  # of an iteration while it plays
NOTHING = "Press Fit in Cluster pixels first."
APPLIED = (
    "These labels were made by a model that was loaded, applied or chosen among "
    "others; nothing was fitted for them, so there are no iterations to replay. Press "
    "Fit in Cluster pixels to fit this image."
)


@dataclass(frozen=True, eq=False)
class FrameJob:
    """Compute what a fit was after an iteration, counted from 1."""

    replay: Replay
    iteration: int
    title = "Replaying the fit"
    live = True

    def steps(self) -> Generator[Step, None, Clustering]:
        """Compute the frame."""
        yield Step(f"{self.title}: iteration {self.iteration}", 0.0)
        return self.replay.frame(self.iteration - 1)


class ReplayFit(Container):  # type: ignore[type-arg]
    """Replays labels, cloud and Gaussians of the last fit, iteration by iteration.

    Parameters
    ----------
    napari_viewer : napari.Viewer
    """

    def __init__(self, napari_viewer: napari.Viewer) -> None:
        self._workspace = workspace = workspace_of(napari_viewer)
        self._replay: Replay | None = None
        self.runner = Runner()
        self._wanted = 0
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
        self.curve = Curve("iteration", "mean log-likelihood of a pixel")
        self.curve.setToolTip("The mean log-likelihood of a pixel at each iteration.")
        super().__init__(widgets=[self.iteration])
        align_labels(self)
        layout = self.native.layout()
        layout.addWidget(self.curve)
        for widget in (row("", self.play, self.end), self.status):
            layout.addWidget(widget.native)
        self.runner.succeeded.connect(self._on_succeeded)
        self.runner.failed.connect(self._on_failed)
        self._timer = QTimer(self.native)
        self._timer.setInterval(FRAME_MS)
        self._timer.timeout.connect(self._advance)
        self.iteration.changed.connect(self._show_iteration)
        self.play.changed.connect(self._toggle)
        self.end.changed.connect(self._to_end)
        # What still runs shall not reach for a widget that Qt has deleted.
        follow(
            self,
            (workspace.result_changed, self._show_result),
            end=self.runner.cancel,
            closed=self._leave,
        )
        settle_in(self)
        self._show_result(workspace.result)

    @property
    def playing(self) -> bool:
        """Whether it plays."""
        return bool(self._timer.isActive())

    def _show_result(self, result: Result | None) -> None:
        self._stop()
        self.runner.cancel()
        self._replay = None
        n = 0 if result is None else len(result.clustering.history)
        for button in (self.iteration, self.play, self.end):
            button.enabled = n > 0
        with self.iteration.changed.blocked():
            self.iteration.max = max(n, 1)
            self.iteration.value = max(n, 1)
        if result is None or n == 0:
            self.curve.show_values(np.zeros(0), 0)
            self.status.value = NOTHING if result is None else APPLIED
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
        self.curve.show_values(self.curve.values, iteration - 1)
        self._tell(iteration)
        self._wanted = iteration
        if iteration == len(self._replay):
            self.runner.cancel()
            self._workspace.show_frame(None)
        elif not self.runner.busy:
            self.runner.start(FrameJob(self._replay, iteration))

    def _on_succeeded(self, job: FrameJob, frame: Clustering) -> None:
        """Show a frame; the slider may have gone on meanwhile, past several."""
        self._workspace.show_frame(frame)
        if self._wanted != job.iteration:
            self.runner.start(FrameJob(job.replay, self._wanted))

    def _on_failed(self, job: FrameJob, error: Exception) -> None:
        self._stop()
        report(error)

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
        if self.runner.busy:  # large pictures play as fast as they can
            return
        if self.iteration.value < self.iteration.max:
            self.iteration.value = int(self.iteration.value) + 1
        else:
            self._stop()

    def _to_end(self) -> None:
        """Show the result, also if the slider is at its end already."""
        self._stop()
        with self.iteration.changed.blocked():
            self.iteration.value = int(self.iteration.max)
        self._show_iteration(int(self.iteration.max))

    def _leave(self) -> None:
        """Show the result when the dock is closed, and no frame that still comes."""
        self._stop()
        self.runner.cancel()
        if self._workspace.shown is not self._workspace.result:
            self._workspace.show_frame(None)

    def _stop(self) -> None:
        self._timer.stop()
        self.play.text = "Play"
