"""Fitting: fits of the settings, by a press of Fit or after each change."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import TYPE_CHECKING

from napari.utils.notifications import show_warning
from psygnal import Signal

from .image_watch import ImageWatch
from .labels_view import LabelsView
from .layers import over_image
from .live import LiveRunner
from .messages import report
from .result import Result
from .settings import Settings
from .source import Source, spatial_shape
from .stage import Stage
from .status import Status

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_pixel_mixtures.clusters import Clustering

    from .worker import Request, Step

LIVE_LIMIT = 2**22  # pixels up to which a change of a setting fits again by itself


class Fitting(Settings):
    """The settings, the fit that runs, and layers with what came of the last one."""

    status_changed = Signal(object)  # Status

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__(viewer)
        self.result: Result | None = None
        self.shown: Result | None = None
        """What layers and cloud show: the result, or an iteration of its fit."""
        self._quiet = False
        self._covered: Result | None = None  # what a preview is shown in place of
        self.status = Status("Open an image, then press Fit.")
        self.stage = Stage(viewer)
        self.labels = LabelsView(viewer, self.stage)
        self.runner = LiveRunner()
        self.runner.wanted.connect(self._fit_live)
        self.runner.stepped.connect(self._on_stepped)
        self.runner.succeeded.connect(self._on_succeeded)
        self.runner.failed.connect(self._on_failed)
        self.outdated.connect(self._refit)
        self.choice.relabeled.connect(self._on_axes)
        self.watch = ImageWatch()
        self.watch.replaced.connect(self._on_replaced)
        self.watch.moved.connect(self._on_moved)

    def take(self, result: Result, numbered: bool = False) -> None:
        """Take a result; `numbered` is whether it has the numbers of the last one."""
        raise NotImplementedError

    def show_in_passing(self, result: Result) -> None:
        """Show something in place of the result, and go back to it by the same way."""
        raise NotImplementedError

    # ---- to start and to stop

    def set_axes(self, text: str) -> None:
        """Label the axes of the image, such as "t z y x", or "c y x" with channels.

        Raises
        ------
        ValueError
            There is not one name for each axis.
        """
        if text != self.choice.axes_text():
            self.choice.set_axes(text)

    def _on_axes(self) -> None:
        """Fit again, for axes are called otherwise, or say that it is to be done."""
        if self._misfits():
            return
        if self._fits_itself:  # the new axes may take long to be measured
            self._set_status("Axes changed: fitting again...", 0.0)
        elif not self.runner.busy:
            self._ask_to_fit("Axes")
        self.outdated.emit()

    def _ask_to_fit(self, changed: str) -> None:
        asked = " changed: press Fit."
        if not self._misfits() and not self.status.text.endswith(asked):
            self._set_status(f"{changed}{asked}")

    def _misfits(self) -> bool:
        """Say it if the image has not the channels for the features any more.

        A fit of it, which was of what it was before or would only fail, is dropped.
        """
        trouble = self.trouble()
        if trouble:
            job = self.runner.job
            if job is not None and job.image is self.image:
                self._drop_fit()
            if not self.runner.busy:
                self._set_status(trouble)
        return bool(trouble)

    def request(self, live: bool = False) -> Request:
        """Freeze all that a fit needs; `live` ones keep the numbers of clusters.

        Raises
        ------
        ValueError
            No image is open, or its channels or mask do not lie over it.
        """
        source = self.source()
        if not live:
            self.masks.keep(None)
        previous = None
        if live and self.result is not None and self.result.image is source.image:
            previous = self.result.clustering.labels
        return self.freeze(source, previous)

    @property
    def _fits_itself(self) -> bool:
        """Whether it is live, the image was fitted before, and it is not too large."""
        result = self.result
        return (
            self.live
            and result is not None
            and result.image is self.image
            and math.prod(spatial_shape(result.image)) <= LIVE_LIMIT
        )

    def _refit(self) -> None:
        job = self.runner.job
        if job is not None and job.live and job.image is not self.image:
            self._drop_fit()
        if self._fits_itself:
            self.runner.ask()
        elif self.live and self.result is not None and not self.runner.busy:
            self._ask_to_fit("Settings")

    def _on_replaced(self) -> None:
        own = self.result is not None and self.result.image is self.image
        if own and self._misfits():
            return
        if self._fits_itself:
            self.outdated.emit()
        else:
            self._tell_of_the_image("has other data than when it was fitted")

    def _on_moved(self) -> None:
        """Move what lies over the image; fit again what depends on sizes of pixels."""
        result = self.result
        if result is None or not result.current:  # it will be told of its data
            return
        if not self.live:
            self._tell_of_the_image("was moved or scaled since it was fitted")
            return
        clustering = result.clustering
        shape = over_image(result.image, clustering.picture, clustering.labels).shape
        self.stage.move_along(result.image, shape)
        try:
            scale = Source.of(*result.source.layers).scale
        except ValueError as error:  # one of several channels lies elsewhere
            self._set_status(str(error))
            return
        measured = any(f.used and not f.pixelwise for f in self.recipe.features)
        if measured and scale != result.source.scale and self._fits_itself:
            self.outdated.emit()

    def _tell_of_the_image(self, what: str) -> None:
        if self.result is not None and not self.runner.busy:
            self._set_status(f"The image {self.result.image.name!r} {what}; press Fit.")

    def _fit_live(self) -> None:
        if self._fits_itself:
            self.fit(live=True)

    def fit(self, live: bool = False) -> None:
        """Start a fit of the image in the background, in place of a running one.

        An error is shown in the status, and unless `live` as a notification.
        """
        self._quiet = live
        try:
            request = self.request(live)
        except (TypeError, ValueError) as error:
            self._on_failed(None, error)
            return
        if not live:  # which is mostly over before anyone could read it
            self._set_status(f"{request.title}...", 0.0)
        self.runner.start(request)

    def load(self, request: Request) -> None:
        """Label an image by the mixture of a request, in the background.

        Image, mask and recipe become those of the request.
        """
        self._quiet = False
        self._drop_fit()
        with suppress(ValueError):  # channels that were moved apart since
            self.set_image(request.source.layers)
        with self.outdated.blocked():
            self.masks.set_back(request)
        self.adopt_recipe(request.recipe)
        self._set_status(f"{request.title}...", 0.0)
        self.runner.start(request)

    def cancel(self) -> None:
        """Cancel the running fit; layers stay as they are."""
        if self.runner.busy:
            self._drop_fit()
            self._set_status("The fit was cancelled.")

    def _drop_fit(self) -> None:
        """Cancel the running fit, and the one that waits for it."""
        self.runner.cancel()
        self._end_preview()

    def _end_preview(self) -> None:
        """Show in place of a preview what was there before it."""
        covered, self._covered = self._covered, None
        if covered is not None and covered.current:
            self.show_in_passing(covered)

    # ---- what comes of it

    def _on_stepped(self, step: Step) -> None:
        self._set_status(step.text, step.fraction)
        job = self.runner.job
        if step.preview is not None and job.source.current:
            self._covered = self._covered or self.shown
            self.show_in_passing(Result(job.source, step.preview))

    def _on_succeeded(self, request: Request, clustering: Clustering) -> None:
        image = request.image
        if not request.source.current:
            self._warn(
                f"The image {image.name!r} was changed while its fit ran, so the "
                "result was dropped; press Fit again."
            )
            return
        before = None if self.result is None else self.result.clustering.labels
        numbered = before is not None and request.previous is before
        self.take(Result(request.source, clustering, request.mask), numbered)

    def _on_failed(self, request: Request | None, error: Exception) -> None:
        self._end_preview()
        self._set_status(str(error))
        report(error, self._quiet)

    def _warn(self, text: str) -> None:
        self._set_status(text)
        if not self._quiet:
            show_warning(text)

    def _set_status(self, text: str, fraction: float | None = None) -> None:
        self.status = Status(text, fraction)
        self.status_changed.emit(self.status)
