"""Comparison: mixtures of several sizes side by side, in the viewer's grid."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from weakref import ref

from psygnal import Signal

from napari_pixel_mixtures.figure import comparison_figure

from .label_features import label_features
from .layers import COMPARISON, QUANTIZED, RANDOM_COLORS, make_picture
from .messages import report
from .result import Result
from .result_labels import LabelsOf
from .worker import Request, Runner, SeveralRequests, Step

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari.components import ViewerModel
    from napari.layers import Layer

    from napari_pixel_mixtures.clusters import Clustering

    from .stage import Stage

TITLE_SIZE = 7  # points
COLUMNS = 3  # picture, quantized, random colors


class Comparison:
    """Fits mixtures of several sizes to one image, and shows a row for each."""

    stepped = Signal(object)  # Step
    finished = Signal(str)  # what came of it, in words

    def __init__(self, viewer: ViewerModel, stage: Stage) -> None:
        self._viewer = ref(viewer)
        self._stage = stage
        self.results: tuple[Result, ...] = ()
        self.runner = Runner()
        self.runner.stepped.connect(self._on_stepped)
        self.runner.succeeded.connect(self._on_succeeded)
        self.runner.failed.connect(self._on_failed)

    @property
    def shown(self) -> bool:
        """Whether the comparison is on the stage."""
        return self._stage.holder == COMPARISON

    def start(self, request: Request, sizes: Sequence[int]) -> None:
        """Fit a mixture of each size in the background, and show them.

        Raises
        ------
        ValueError
            A size is out of its range, or there is none.
        """
        if not sizes:
            raise ValueError(
                "Expected at least one number of components, got none; type some, "
                "such as 2, 4, 10, 30."
            )
        requests = tuple(
            replace(request, recipe=replace(request.recipe, n_components=size))
            for size in sizes
        )
        title = f"Comparing mixtures of {request.image.name}"
        # Before the start, in which small jobs may already end.
        self.stepped.emit(Step(f"{title}...", 0.0))
        self.runner.start(SeveralRequests(request.image, title, requests))

    def cancel(self) -> None:
        """Cancel the fits; what is shown stays."""
        if self.runner.busy:
            self.runner.cancel()
            self.finished.emit("The comparison was cancelled.")

    def forget(self, image: Layer) -> None:
        """Let go of an image, or a channel, that was removed."""
        if self.results and image in self.results[0].source.layers:
            self.leave()
            self.results = ()
            self.finished.emit(f"The image {image.name!r} was removed.")
        job = self.runner.job
        if job is not None and image in job.requests[0].source.layers:
            self.runner.cancel()
            self.finished.emit(
                f"The image {image.name!r} was removed while it was compared; "
                "the comparison was cancelled."
            )

    def _on_stepped(self, step: Step) -> None:
        self.stepped.emit(step)

    def _on_succeeded(self, job: SeveralRequests, fits: list[Clustering]) -> None:
        if not all(request.source.current for request in job.requests):
            self.finished.emit(
                f"The image {job.image.name!r} was changed while it was compared, so "
                "the comparison was dropped; press Compare again."
            )
            return
        self.results = tuple(
            Result(request.source, clustering)
            for request, clustering in zip(job.requests, fits, strict=True)
        )
        self.show()
        stopped = [fit.n_components for fit in fits if fit.advice is not None]
        self.finished.emit(
            f"With {', '.join(map(str, stopped))} components the fit stopped before it "
            "converged; raise Iterations in Cluster pixels."
            if stopped
            else f"{len(fits)} mixture{'s' * (len(fits) != 1)} of "
            f"{job.requests[0].source.title}."
        )

    def _on_failed(self, job: SeveralRequests, error: Exception) -> None:
        self.finished.emit(str(error))
        report(error)

    def show(self) -> None:
        """Show a row of picture, quantized and random colors for each mixture."""
        viewer = self._viewer()
        assert viewer is not None
        layers: list[Layer] = []
        for result in self.results:
            image, clustering = result.image, result.clustering
            own = clustering.picture.to_rgb(clustering.colors)
            dealt = clustering.random_colors()
            table = label_features(image, clustering)
            row = {
                "picture": make_picture(image, result.data),
            }
            for role, colors in ((QUANTIZED, own), (RANDOM_COLORS, dealt)):
                shown = LabelsOf(image, clustering, role, colors, table)
                row[role] = shown.layer()
            for title, layer in row.items():
                # Short, for it stands over a cell of the grid.
                layer.name = f"K = {clustering.n_components} {title}"
                layer.name_overlay.visible = True
                layer.name_overlay.font_size = TITLE_SIZE
            layers += row.values()
        self._stage.borrow(COMPARISON, layers)
        grid = viewer.canvas.grid
        grid.stride = 1
        grid.shape = (len(self.results), COLUMNS)
        grid.enabled = True
        viewer.dims.ndisplay = 2
        viewer.fit_to_view(layers=layers)

    def leave(self) -> None:
        """Go back; everything is as it was before the comparison."""
        if self.shown:
            self._stage.give_back()

    def save(self, path: str | Path) -> None:
        """Save the comparison as one figure, in the format of the path's suffix.

        Raises
        ------
        ValueError
            There is nothing to save yet, or the format is unknown.
        OSError
            The file cannot be written.
        """
        if not self.results:
            raise ValueError(
                "Expected a comparison to save, but there is none yet; press Compare."
            )
        comparison_figure([result.clustering for result in self.results]).save(path)
