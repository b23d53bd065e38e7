"""Replaying: which iteration of the last fit a viewer shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import ref

import numpy as np
from psygnal import Signal

from napari_pixel_mixtures.replay import Replay

from .messages import report
from .rest import Rest
from .worker import Runner, Step

if TYPE_CHECKING:
    from collections.abc import Generator

    from napari_pixel_mixtures.clusters import Clustering

    from .result import Result
    from .workspace import Workspace

FRAME_MS = 300  # of an iteration while it plays


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


class Replaying:
    """Replays the fit of the last result in its viewer, iteration by iteration.

    Its iteration is shown for as long as somebody watches; whoever comes back finds it
    where it was.

    Parameters
    ----------
    workspace : Workspace
    """

    changed = Signal()  # another fit, another iteration, or it plays or pauses

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = ref(workspace)
        self._result: Result | None = None
        self._replay: Replay | None = None
        self._n_watching = 0
        self.log_likelihoods = np.zeros(0)
        """Mean log-likelihood of a pixel at each iteration, (n,)."""
        self.iteration = 0
        """Counted from 1; the last is the result, 0 if there is none."""
        self.runner = Runner()
        self.runner.succeeded.connect(self._on_succeeded)
        self.runner.failed.connect(self._on_failed)
        self._rest = Rest(FRAME_MS, self._advance)

    def __len__(self) -> int:
        """Give the number of iterations; none where the image has other data now."""
        current = self._result is not None and self._result.current
        return len(self.log_likelihoods) if current else 0

    @property
    def playing(self) -> bool:
        """Whether it plays."""
        return self._rest.waiting

    def set_result(self, result: Result | None) -> None:
        """Take the fit of another result, at its end."""
        self.close()
        self._result = result
        history = () if result is None else result.clustering.history
        self._replay = Replay(result.clustering) if result and history else None
        self.log_likelihoods = np.array([step.log_likelihood for step in history])
        self.iteration = len(history)
        self.changed.emit()

    def go(self, iteration: int) -> None:
        """Show what the fit was after an iteration, counted from 1.

        Raises
        ------
        ValueError
            There is no such iteration.
        """
        if not 1 <= iteration <= len(self):
            raise ValueError(
                f"Expected an iteration from 1 to {len(self)}, got {iteration}."
                if len(self)
                else "Expected a fit to replay, but there is none; press Fit in "
                "Cluster pixels first."
            )
        self.iteration = iteration
        self.changed.emit()
        self._show()

    def _show(self) -> None:
        workspace = self._workspace()
        if workspace is None or self._replay is None:
            return
        if self.iteration == len(self):
            self.runner.cancel()
            workspace.show_frame(None)
        elif not self.runner.busy:
            self.runner.start(FrameJob(self._replay, self.iteration))

    def _on_succeeded(self, job: FrameJob, frame: Clustering) -> None:
        """Show a frame; the iteration may have gone on meanwhile, past several."""
        workspace = self._workspace()
        if workspace is not None:
            workspace.show_frame(frame)
            if self.iteration != job.iteration:
                self._show()

    def _on_failed(self, job: FrameJob, error: Exception) -> None:
        self.pause()
        report(error)

    def play(self) -> None:
        """Show one iteration after another, from the first if it is at the end."""
        if len(self) == 0:
            return
        self._rest.start()
        if self.iteration == len(self):
            self.go(1)
        else:
            self.changed.emit()

    def pause(self) -> None:
        """Stay at the iteration that is shown."""
        self._rest.stop()
        self.changed.emit()

    def end(self) -> None:
        """Show the result, also if it is at the end already."""
        self.pause()
        if len(self):
            self.go(len(self))

    def _advance(self) -> None:
        self._rest.start()
        if self.runner.busy:  # large pictures play as fast as they can
            return
        if self.iteration < len(self):
            self.go(self.iteration + 1)
        else:
            self.pause()

    def watch(self) -> None:
        """Show the iteration, for there is somebody to see it."""
        self._n_watching += 1
        if self.iteration < len(self):
            self._show()

    def leave(self) -> None:
        """Show the result, and no frame that still comes, if nobody else watches."""
        self._n_watching -= 1
        workspace = self._workspace()
        if self._n_watching == 0 and workspace is not None:
            self.close()
            self.changed.emit()
            if workspace.shown is not workspace.result:
                workspace.show_frame(None)

    def look_again(self) -> None:
        """End if the image has other data by now, and tell so."""
        if len(self) == 0:
            self.close()
        self.changed.emit()

    def close(self) -> None:
        """Compute and play nothing any more."""
        self._rest.stop()
        self.runner.cancel()
