"""Workspace: what came of the settings, and all that shows it in one viewer."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, ref

from napari.layers import Image
from napari.utils.notifications import show_warning
from psygnal import Signal

from napari_pixel_mixtures.material import MaterialCache

from .anchors_view import AnchorsView
from .certainty_maps import CertaintyMaps
from .class_edits import ClassEdits
from .cloud_pointer import CloudPointer
from .cloud_view import CloudView
from .comparison import Comparison
from .hover import Hover
from .keys import REDO_KEY, UNDO_KEY, bind_key
from .labels_view import LabelsView
from .layers import is_ours
from .messages import report
from .model_keeper import ModelKeeper
from .model_notes import ModelNotes
from .model_sweep import ModelSweep
from .preset_choice import PresetChoice
from .removal import guard_removals
from .result import Result
from .segments_view import SegmentsView
from .selection_view import SelectionView
from .settings import Settings
from .stage import Stage
from .status import Status, clusters_text, result_text
from .undo import UndoStack
from .worker import Request, Runner, Step

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_pixel_mixtures.clusters import Clustering

    from .views import KnowsLayers, ShowsResult

LIVE_LIMIT = 2**22  # pixels up to which a change of a setting fits again by itself


class Workspace(Settings):
    """The settings, their last result, and its views: what widgets share.

    Widgets are views, too: they set fields through the methods here and follow the
    signals. The workspace alone writes result layers. It does not keep its viewer
    alive.
    """

    status_changed = Signal(object)  # Status
    result_changed = Signal(object)  # Result or None
    frame_changed = Signal(object)  # what is shown instead of the result, a Result

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__(viewer)
        self.result: Result | None = None
        self.shown: Result | None = None
        """What layers and cloud show: the result, or an iteration of its fit."""
        self._quiet = False
        self._again = False  # settings changed since the running fit was started
        self._previewed = False  # layers show a preview of the running fit
        self.status = Status("Open an image, then press Fit.")
        self.stage = Stage(viewer)
        self.labels = LabelsView(viewer, self.stage)
        self.segments = SegmentsView(viewer, self.stage)
        self.comparison = Comparison(viewer, self.stage)
        self.sweep = ModelSweep()
        self.selection = SelectionView(viewer, self.stage)
        self.cloud = CloudView(viewer, self.stage, self.selection)
        self.pointer = CloudPointer(viewer, self.cloud, self.selection)
        self.hover = Hover(viewer, self.labels)
        self.anchors = AnchorsView(viewer, self.stage)
        self.anchors.edited.connect(self.set_anchors)
        self.classes = ClassEdits(self, viewer, self.stage)
        self.maps = CertaintyMaps(self, viewer, self.stage)
        self.keeper = ModelKeeper(self)
        self.notes = ModelNotes(self)
        self.presets = PresetChoice(self)
        self.undo_stack = UndoStack()
        self.runner = Runner()
        self.runner.stepped.connect(self._on_stepped)
        self.runner.succeeded.connect(self._on_succeeded)
        self.runner.failed.connect(self._on_failed)
        # The selection first: the cloud's points are drawn by it.
        self._views: tuple[ShowsResult, ...] = (
            *(self.selection, self.cloud, self.hover, self.anchors),
            *(self.classes, self.maps, self.segments),
        )
        # What is chosen first of all: others remove layers, of which widgets hear.
        self._keepers: tuple[KnowsLayers, ...] = (
            *(self.choice, self.masks, self.comparison, self.sweep),
            *(self.maps, self.keeper, self.undo_stack, self.labels),
        )
        self.image_changed.connect(self._on_image)
        self.outdated.connect(self._refit)
        bind_key(viewer, UNDO_KEY, ref(self), Workspace.undo)
        bind_key(viewer, REDO_KEY, ref(self), Workspace.redo)
        viewer.layers.events.removed.connect(self._on_removed)
        guard_removals(viewer)
        if self.image is not None:
            self._on_image(self.image)

    @property
    def runners(self) -> tuple[Runner, ...]:
        """All that computes in the background."""
        parts = (
            *(self.comparison, self.sweep, self.classes, self.maps, self.keeper),
            self.segments,
        )
        return self.runner, *(part.runner for part in parts)

    def close(self) -> None:
        """Drop what runs, for there is no window to show it in any more."""
        for runner in self.runners:
            runner.cancel()
        for part in (self.classes, self.maps, self.notes):
            part.close()

    def _on_image(self, image: Image | None) -> None:
        if not self.runner.busy:
            self._set_status(
                "Open an image, then press Fit." if image is None else "Press Fit."
            )

    def _on_removed(self, event: Any) -> None:
        layer = event.value
        job = self.runner.job
        interrupted = job is not None and layer in job.source.layers
        if interrupted:
            self._drop_fit()
        for keeper in self._keepers:
            keeper.forget(layer)
        if isinstance(layer, Image) and not is_ours(layer):
            self.cache = MaterialCache()  # which may hold what was measured of it
        if self.result is not None and self.result.image is layer:
            self._set_result(None)
        self.images_changed.emit()
        if interrupted:
            # Last, for a choice of another image asks to press Fit.
            self._set_status(
                f"The image {layer.name!r} was removed while its fit ran; "
                "the fit was cancelled."
            )

    def adopt(self, result: Result) -> None:
        """Take a result that was computed elsewhere, with its image and recipe."""
        self._quiet = False
        self._drop_fit()
        self._take_settings(result)
        self.take(result)

    def _take_settings(self, result: Result) -> None:
        with suppress(ValueError):  # channels that were moved apart since
            self.set_image(result.source.layers)
        self.masks.keep(result)
        self.adopt_recipe(result.clustering.recipe)

    # ---- fits

    def set_axes(self, text: str) -> None:
        """Label the axes of the image, such as "t z y x", or "c y x" with channels.

        Raises
        ------
        ValueError
            There is not one name for each axis.
        """
        if text == self.choice.axes_text():
            return
        self.choice.set_axes(text)
        if self._fits_itself:  # the new axes may take long to be measured
            self._set_status("Axes changed: fitting again...", 0.0)
        elif not self.runner.busy:
            self._ask_to_fit("Axes")
        self.outdated.emit()

    def _ask_to_fit(self, changed: str) -> None:
        asked = " changed: press Fit."
        if not self.status.text.endswith(asked):
            self._set_status(f"{changed}{asked}")

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
            and result.clustering.labels.size <= LIVE_LIMIT
        )

    def _refit(self) -> None:
        """Fit again by itself, once the running fit has shown something.

        So layers follow however fast a slider is dragged, and one fit waits at most.
        """
        job = self.runner.job
        if not self._fits_itself:
            if self.live and self.result is not None and job is None:
                self._ask_to_fit("Settings")
        elif job is not None and job.live and not self._previewed:
            self._again = True
        else:
            self.fit(live=True)

    def fit(self, live: bool = False) -> None:
        """Start a fit of the image in the background, in place of a running one.

        An error is shown in the status, and unless `live` as a notification.
        """
        self._quiet, self._again = live, False
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
        self._again = False
        self._end_preview()

    def _end_preview(self) -> None:
        """Show in place of a preview what was there before it."""
        if self._previewed:
            self._previewed = False
            if self.shown is not None and self.shown.current:
                self.labels.show(self.shown)

    def take(self, result: Result, numbered: bool = False) -> None:
        """Take a result, and bring layers, cloud and status up to date.

        Classes stay where it has as many components as the one before; `numbered` is
        whether these have the numbers of those already. One that settings have passed
        by is not undone to.
        """
        before, result = self.result, self.classes.carried(result, numbered)
        self.masks.keep(result)
        self._present(result)
        if not self._again:
            # Afterwards: it packs the labels of the fit before, which takes a while.
            self.undo_stack.push(self._noted(result))
        if (
            before is not None
            and before.image is result.image
            and before.edited > result.edited
        ):
            self._set_status(
                f"{self.status.text}. The classes were reset, for there were "
                f"{clusters_text(before.clustering)} before."
            )

    def take_classes(self, result: Result, amend: bool = False) -> None:
        """Take other classes of the result; to `amend` the last ones adds no undo."""
        noted = self._noted(result)
        (self.undo_stack.amend if amend else self.undo_stack.push)(noted)
        self._set_classes(result)

    def _noted(self, result: Result) -> Result:
        return replace(
            result,
            segments=self.segments.settings,
            shuffle_seed=self.labels.shuffle_seed,
        )

    def reshuffle(self) -> None:
        """Deal out the random colors anew, which come back with the last result."""
        self.labels.reshuffle()
        self.undo_stack.note(shuffle_seed=self.labels.shuffle_seed)

    def set_segments(self, **changes: Any) -> None:
        """Take other settings of the segments, as those of the last result.

        They come back with it when later fits are undone.
        """
        self.segments.edit(**changes)
        self.undo_stack.note(segments=self.segments.settings)

    def _set_classes(self, result: Result) -> None:
        if self.shown is self.result:
            self.shown = result
        self.result = result
        self.classes.set_result(result)
        self.notes.update()

    def _present(self, result: Result) -> None:
        """Show a result, and say what came of it."""
        clustering = result.clustering
        self._previewed = False
        self.labels.show(result)
        self._set_result(result)
        self.notes.update(now=not self._quiet)
        if clustering.advice is not None:
            self._warn(clustering.advice)
        else:
            self._set_status(result_text(result))

    def show_frame(self, frame: Clustering | None) -> None:
        """Show an iteration of the result's fit in its place; None ends that."""
        if self.result is None or not self.result.current:
            return
        shown = self.result
        if frame is not None:
            shown = replace(shown, clustering=frame)
        self.shown = shown
        self.segments.step_aside(frame is not None)
        self.labels.show(shown)
        self.selection.set_frame(shown)
        self.hover.set_result(shown)
        if frame is None:
            self.cloud.set_result(shown)
        else:
            self.cloud.set_frame(shown)
        self.frame_changed.emit(shown)

    def undo(self) -> None:
        """Go back to the fit or classes before: labels, colors and recipe."""
        self._return_to(self.undo_stack.undo())

    def redo(self) -> None:
        """Go forth again to the fit or classes after."""
        self._return_to(self.undo_stack.redo())

    def _return_to(self, result: Result | None) -> None:
        if result is None:
            return
        self._drop_fit()
        if not result.current:
            self._set_status(
                f"The image {result.image.name!r} was changed since that fit, so its "
                "labels cannot come back; press Fit."
            )
            return
        if self.result is not None and result.clustering is self.result.clustering:
            self.classes.end_step()
            self._set_classes(result)
            self._set_status("The classes as they were then.")
            return
        self._quiet = True  # what there was to say was said after the fit
        self._take_settings(result)
        if result.segments is not None:
            self.segments.adopt(result.segments)
        if result.shuffle_seed is not None:
            self.labels.shuffle_seed = result.shuffle_seed
        self._present(result)

    def _on_stepped(self, step: Step) -> None:
        self._set_status(step.text, step.fraction)
        job = self.runner.job
        if step.preview is not None and job.source.current:
            self._previewed = True
            self.labels.show(Result(job.source, step.preview))
            self._go_on()

    def _go_on(self) -> None:
        """Fit with settings that changed while the running fit had nothing to show."""
        if self._again:
            self._again = False
            self._refit()

    def _on_succeeded(self, request: Request, clustering: Clustering) -> None:
        image = request.image
        if not request.source.current:
            self._warn(
                f"The image {image.name!r} was changed while its fit ran, so the "
                "result was dropped; press Fit again."
            )
        else:
            before = None if self.result is None else self.result.clustering.labels
            numbered = before is not None and request.previous is before
            self.take(Result(request.source, clustering, request.mask), numbered)
        self._go_on()

    def _on_failed(self, request: Request | None, error: Exception) -> None:
        self._end_preview()
        self._set_status(str(error))
        report(error, self._quiet)
        self._go_on()

    def _warn(self, text: str) -> None:
        self._set_status(text)
        if not self._quiet:
            show_warning(text)

    def _set_status(self, text: str, fraction: float | None = None) -> None:
        self.status = Status(text, fraction)
        self.status_changed.emit(self.status)

    def _set_result(self, result: Result | None) -> None:
        self.result = self.shown = result
        for view in self._views:
            view.set_result(result)
        self.result_changed.emit(result)


_workspaces: WeakKeyDictionary[ViewerModel, Workspace] = WeakKeyDictionary()


def workspace_of(viewer: ViewerModel) -> Workspace:
    """Give the one workspace of a viewer, made on first use."""
    # Widgets get a proxy of the viewer from napari.
    viewer = getattr(viewer, "__wrapped__", viewer)
    if viewer not in _workspaces:
        _workspaces[viewer] = workspace = Workspace(viewer)
        window = getattr(getattr(viewer, "window", None), "_qt_window", None)
        if window is not None:
            # The viewer itself does not notice that its window is closed.
            window.destroyed.connect(partial(_close, ref(workspace)))
    return _workspaces[viewer]


def _close(reference: ref[Workspace]) -> None:
    workspace = reference()
    if workspace is not None:
        workspace.close()
