"""Workspace: what came of the settings, and all that shows it in one viewer."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, ref

from napari.layers import Image
from psygnal import Signal

from .anchors_view import AnchorsView
from .certainty_maps import CertaintyMaps
from .class_edits import ClassEdits
from .cloud_pointer import CloudPointer
from .cloud_view import CloudView
from .comparison import Comparison
from .fitting import Fitting
from .hover import Hover
from .keys import REDO_KEY, UNDO_KEY, bind_key
from .layers import is_ours
from .model_keeper import ModelKeeper
from .model_notes import ModelNotes
from .model_sweep import ModelSweep
from .preset_choice import PresetChoice
from .removal import guard_removals
from .replaying import Replaying
from .segments_view import SegmentsView
from .selection_view import SelectionView
from .status import clusters_text, result_text, zoom_text
from .undo import UndoStack

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_pixel_mixtures.clusters import Clustering

    from .result import Result
    from .views import KnowsLayers, ShowsResult
    from .worker import Runner


class Workspace(Fitting):
    """The settings, their last result, and its views: what widgets share.

    Widgets are views, too: they set fields through the methods here and follow the
    signals. The workspace alone writes result layers. It does not keep its viewer
    alive.
    """

    result_changed = Signal(object)  # Result or None
    frame_changed = Signal(object)  # what is shown instead of the result, a Result

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__(viewer)
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
        self.notes = ModelNotes(self, viewer)
        self.replaying = Replaying(self)
        self.presets = PresetChoice(self)
        self.undo_stack = UndoStack()
        # The selection first: the cloud's points are drawn by it.
        self._views: tuple[ShowsResult, ...] = (
            *(self.selection, self.cloud, self.hover, self.anchors),
            *(self.classes, self.maps, self.segments, self.replaying),
        )
        # What is chosen first of all: others remove layers, of which widgets hear.
        self._keepers: tuple[KnowsLayers, ...] = (
            *(self.choice, self.masks, self.comparison, self.sweep),
            *(self.maps, self.keeper, self.undo_stack, self.labels),
        )
        self.image_changed.connect(self._on_image)
        self.watch.replaced.connect(self.replaying.look_again)
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
            *(self.segments, self.replaying),
        )
        return self.runner, *(part.runner for part in parts)

    def close(self) -> None:
        """Drop what runs, for there is no window to show it in any more."""
        for runner in self.runners:
            runner.cancel()
        for part in (self.classes, self.maps, self.notes, self.replaying):
            part.close()

    def _on_image(self, image: Image | None) -> None:
        if not self.runner.busy:
            self._set_status(
                "Open an image, then press Fit."
                if image is None
                else self.trouble() or "Press Fit."
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
            self.cache = self.cache.without(layer)
        if self.result is not None and layer in self.result.source.layers:
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

    def take(self, result: Result, numbered: bool = False) -> None:
        """Take a result, and bring layers, cloud and status up to date.

        Classes stay where it has as many components as the one before; `numbered` is
        whether these have the numbers of those already. One that settings have passed
        by is not undone to.
        """
        before, result = self.result, self.classes.carried(result, numbered)
        self.masks.keep(result)
        self._present(result)
        if not self.runner.passed_by:
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
        self.notes.update()

    def _set_classes(self, result: Result) -> None:
        if self.shown is self.result:
            self.shown = result
        if self._covered is self.result:
            self._covered = result
        self.result = result
        self.classes.set_result(result)
        self.notes.update()

    def _present(self, result: Result) -> None:
        """Show a result, and say what came of it."""
        clustering = result.clustering
        self.labels.show(result)
        self._set_result(result)
        self.notes.update(now=not self._quiet)
        if clustering.advice is not None:
            self._warn(clustering.advice)
        else:
            told = result_text(result) + zoom_text(self.labels.scales(result))
            self._set_status(told)

    def show_frame(self, frame: Clustering | None) -> None:
        """Show an iteration of the result's fit in its place; None ends that."""
        if self.result is None or not self.result.current:
            return
        shown = self.result
        if frame is not None:
            shown = replace(shown, clustering=frame)
        self._covered = None
        self.segments.step_aside(frame is not None)
        self.show_in_passing(shown)

    def show_in_passing(self, result: Result) -> None:
        """Show a frame or a preview, or once more the result: labels and cloud.

        A cloud that cannot show it as its settings say waits for the result.
        """
        self.labels.show(result)
        if result is not self.result and not self.cloud.suits(result.clustering):
            return
        self.shown = result
        self.selection.set_frame(result)
        self.hover.set_result(result)
        if result is self.result:
            self.cloud.set_result(result)
        else:
            self.cloud.set_frame(result)
        self.frame_changed.emit(result)

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

    def _set_result(self, result: Result | None) -> None:
        self.result = self.shown = result
        self._covered = None
        self.watch.watch(() if result is None else result.source.layers)
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
