"""Workspace: the state that the widgets of one viewer share."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, ref

from napari.utils.notifications import show_warning
from psygnal import Signal

from napari_pixel_mixtures.features import AnchorDistance
from napari_pixel_mixtures.material import MaterialCache
from napari_pixel_mixtures.recipe import Recipe

from .anchors_view import AnchorsView
from .cloud_view import CloudView
from .comparison import Comparison
from .hover import Hover
from .labels_view import LabelsView
from .layers import check_image, is_image, level_data
from .messages import report
from .model_sweep import ModelSweep
from .removal import guard_removals
from .result import Result
from .segments_view import SegmentsView
from .selection_view import SelectionView
from .stage import Stage
from .undo import UndoStack
from .worker import Request, Runner, Step

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_pixel_mixtures.clusters import Clustering

UNDO_KEY = "Alt-Z"
REDO_KEY = "Alt-Shift-Z"
LIVE_LIMIT = 4_000_000  # pixels up to which a change of a setting fits again by itself


@dataclass(frozen=True)
class Status:
    """What the fit is doing, in words and as a fraction of its iterations.

    Attributes
    ----------
    text : str
    fraction : float or None
        From 0 to 1 while a fit runs; None otherwise.
    """

    text: str
    fraction: float | None = None


class Workspace:
    """The image, the recipe, the clustering: what the widgets of one viewer share.

    Widgets are views: they set fields through the methods here and follow the
    signals. The workspace alone writes result layers. It does not keep its viewer
    alive.
    """

    image_changed = Signal(object)  # Image or None
    images_changed = Signal()  # another choice of images, or another name
    recipe_changed = Signal(object)  # Recipe
    live_changed = Signal(bool)
    status_changed = Signal(object)  # Status
    result_changed = Signal(object)  # Result or None
    frame_changed = Signal(object)  # what is shown instead of the result, a Result

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = ref(viewer)
        self._image: ref[Image] | None = None
        self.recipe = Recipe()
        self.live = True
        self.result: Result | None = None
        self.shown: Result | None = None
        """What layers and cloud show: the result, or an iteration of its fit."""
        self._quiet = False
        self.status = Status("Open an image, then press Fit.")
        self.stage = Stage(viewer)
        self.labels = LabelsView(viewer, self.stage)
        self.segments = SegmentsView(viewer, self.stage)
        self.cloud = CloudView(viewer, self.stage)
        self.comparison = Comparison(viewer, self.stage)
        self.sweep = ModelSweep()
        self.selection = SelectionView(viewer, self.stage)
        self.hover = Hover(viewer, self.labels)
        self.anchors = AnchorsView(viewer, self.stage)
        self.anchors.edited.connect(self._set_anchors)
        self.undo_stack = UndoStack()
        for key, action in ((UNDO_KEY, Workspace.undo), (REDO_KEY, Workspace.redo)):
            # The viewer keeps these functions, which must not keep us.
            with suppress(ValueError):  # a key of the person's own stays theirs
                viewer.bind_key(key, _key_function(ref(self), action))
        self._cache = MaterialCache()
        self.runner = Runner()
        self.runner.stepped.connect(self._on_stepped)
        self.runner.succeeded.connect(self._on_succeeded)
        self.runner.failed.connect(self._on_failed)
        layers = viewer.layers
        layers.events.inserted.connect(self._on_images_changed)
        layers.events.renamed.connect(self._on_images_changed)
        layers.events.removed.connect(self._on_removed)
        layers.selection.events.active.connect(self._on_active)
        guard_removals(viewer)
        images = self.images()
        active = layers.selection.active
        if active is not None and is_image(active):
            self.set_image(active)
        elif images:
            self.set_image(images[-1])

    @property
    def viewer(self) -> ViewerModel:
        """The viewer."""
        viewer = self._viewer()
        if viewer is None:
            raise RuntimeError("The viewer of this workspace was closed.")
        return viewer

    # ---- the image

    @property
    def image(self) -> Image | None:
        """The image that is clustered next."""
        return None if self._image is None else self._image()

    def images(self) -> list[Image]:
        """List the layers that can be clustered."""
        return [layer for layer in self.viewer.layers if is_image(layer)]

    def set_image(self, image: Image | None) -> None:
        """Choose the image that is clustered next."""
        if image is self.image:
            return
        self._image = None if image is None else ref(image)
        if not self.runner.busy:
            self._set_status(
                "Open an image, then press Fit." if image is None else "Press Fit."
            )
        self.image_changed.emit(image)

    def _on_active(self, event: Any) -> None:
        if event.value is not None and is_image(event.value):
            self.set_image(event.value)

    def _on_images_changed(self, event: Any = None) -> None:
        self.images_changed.emit()
        if self.image is None and (images := self.images()):
            self.set_image(images[-1])

    def _on_removed(self, event: Any) -> None:
        layer = event.value
        job = self.runner.job
        interrupted = job is not None and job.image is layer
        if interrupted:
            self.runner.cancel()
        # First of all: what follows removes layers of ours, of which widgets hear.
        if layer is self.image:
            images = [image for image in self.images() if image is not layer]
            self.set_image(images[-1] if images else None)
        self.comparison.forget(layer)
        self.sweep.forget(layer)
        self.undo_stack.forget(layer)
        if self.result is not None and self.result.image is layer:
            self._set_result(None)
        self.images_changed.emit()
        if interrupted:
            # Last, for a choice of another image asks to press Fit.
            self._set_status(
                f"The image {layer.name!r} was removed while its fit ran; "
                "the fit was cancelled."
            )

    # ---- the recipe

    def set_recipe(self, recipe: Recipe) -> None:
        """Take other settings; fit again if live and something was fitted before."""
        if recipe == self.recipe:
            return
        self.recipe = recipe
        self.recipe_changed.emit(recipe)
        if self.live and self._fits_by_itself():
            self.fit(live=True)

    def _set_anchors(self, anchors: tuple[tuple[float, ...], ...]) -> None:
        """Take other places for the distance feature."""
        features = tuple(
            replace(feature, anchors=anchors)
            if isinstance(feature, AnchorDistance)
            else feature
            for feature in self.recipe.features
        )
        self.set_recipe(replace(self.recipe, features=features))

    def adopt(self, result: Result) -> None:
        """Take a result that was computed elsewhere, with its image and recipe."""
        self._quiet = False
        self.runner.cancel()
        self._take_settings(result)
        self.take(result)

    def _take_settings(self, result: Result) -> None:
        self.set_image(result.image)
        self.recipe = result.clustering.recipe
        self.recipe_changed.emit(self.recipe)

    def set_live(self, live: bool) -> None:
        """Choose whether a change of a setting fits again by itself."""
        if live != self.live:
            self.live = live
            self.live_changed.emit(live)

    def _fits_by_itself(self) -> bool:
        result, image = self.result, self.image
        return (
            result is not None
            and result.image is image
            and result.clustering.labels.size <= LIVE_LIMIT
        )

    # ---- fits

    def request(self, live: bool = False) -> Request:
        """Freeze all that a fit needs; `live` ones keep the numbers of clusters.

        Raises
        ------
        ValueError
            No image is open.
        """
        image = check_image(self.image)
        if not live:
            # The array may have been written to, which nothing tells.
            self._cache = MaterialCache()
        title = f"Clustering {image.name}"
        previous = mask = None
        if live and self.result is not None and self.result.image is image:
            previous = self.result.clustering.labels
            mask = self.result.mask if self.result.current else None
        return Request(
            image,
            title,
            level_data(image),
            bool(image.rgb),
            self.recipe,
            mask=mask,
            previous=previous,
            cache=self._cache,
        )

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
        self._set_status(f"{request.title}...", 0.0)
        self.runner.start(request)

    def cancel(self) -> None:
        """Cancel the running fit; layers stay as they are."""
        if self.runner.busy:
            self.runner.cancel()
            self._set_status("The fit was cancelled.")

    def close(self) -> None:
        """Drop what runs, for there is no window to show it in any more."""
        self.runner.cancel()
        self.comparison.runner.cancel()
        self.sweep.runner.cancel()
        self.segments.runner.cancel()

    def take(self, result: Result) -> None:
        """Take a result, and bring layers, cloud and status up to date."""
        self.undo_stack.push(result)
        self._present(result)

    def _present(self, result: Result) -> None:
        """Show a result, and say what came of it."""
        clustering = result.clustering
        self.labels.show(result)
        self._set_result(result)
        if clustering.advice is not None:
            self._warn(clustering.advice)
        else:
            self._set_status(
                f"{_clusters(clustering)} at iteration "
                f"{clustering.mixture.n_iter_}; mean log-likelihood "
                f"{clustering.log_likelihood:.4f}"
            )

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
        for view in (self.cloud, self.hover):
            view.set_result(shown)
        self.frame_changed.emit(shown)

    def undo(self) -> None:
        """Go back to the fit before: its labels, colors and recipe."""
        self._return_to(self.undo_stack.undo())

    def redo(self) -> None:
        """Go forth again to the fit after."""
        self._return_to(self.undo_stack.redo())

    def _return_to(self, result: Result | None) -> None:
        if result is None:
            return
        self.runner.cancel()
        if not result.current:
            self._set_status(
                f"The image {result.image.name!r} was changed since that fit, so its "
                "labels cannot come back; press Fit."
            )
            return
        self._quiet = True  # what there was to say was said after the fit
        self._take_settings(result)
        self._present(result)

    def _on_stepped(self, step: Step) -> None:
        self._set_status(step.text, step.fraction)
        job = self.runner.job
        if step.preview is not None and level_data(job.image) is job.data:
            self.labels.show(Result(job.image, job.data, step.preview))

    def _on_succeeded(self, request: Request, clustering: Clustering) -> None:
        image = request.image
        if level_data(image) is not request.data:
            self._warn(
                f"The image {image.name!r} was changed while its fit ran, so the "
                "result was dropped; press Fit again."
            )
            return
        self.take(Result(image, request.data, clustering, request.mask))

    def _on_failed(self, request: Request | None, error: Exception) -> None:
        self._set_status(str(error))
        report(error, self._quiet)

    def _warn(self, text: str) -> None:
        self._set_status(text)
        if not self._quiet:
            show_warning(text)

    def _set_status(self, text: str, fraction: float | None = None) -> None:
        self.status = Status(text, fraction)
        self.status_changed.emit(self.status)

    def _set_result(self, result: Result | None) -> None:
        self.result = self.shown = result
        # The selection first: the cloud's points are drawn by it.
        views = self.selection, self.cloud, self.hover, self.anchors, self.segments
        for view in views:
            view.set_result(result)
        self.result_changed.emit(result)


def _clusters(clustering: Clustering) -> str:
    n = clustering.n_components
    return "1 cluster" if n == 1 else f"{n} clusters"


def _key_function(
    workspace: ref[Workspace], action: Callable[[Workspace], None]
) -> Callable[[Any], None]:
    """Do what a shortcut stands for; napari asks for the name of a function."""

    def act(viewer: Any) -> None:
        found = workspace()
        if found is not None:
            action(found)

    return act


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
