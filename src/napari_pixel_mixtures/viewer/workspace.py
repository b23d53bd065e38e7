"""Workspace: the state that the widgets of one viewer share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal
from weakref import WeakKeyDictionary, ref

from napari.utils.notifications import notification_manager, show_error, show_warning
from psygnal import Signal

from ..cloud import color_cloud
from ..recipe import Recipe
from .layers import (
    CLOUD,
    QUANTIZED,
    RANDOM_COLORS,
    check_image,
    is_image,
    level_data,
    make_cloud,
    make_labels,
    update_cloud,
    update_labels,
)
from .stage import Stage
from .worker import FitRunner, Request

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels, Points

    from ..clustering import Clustering
    from ..cloud import ColorCloud
    from ..mixture.estimator import Iteration

CLOUD_ANGLES = (15.0, -30.0, 145.0)  # a corner of the color cube in front
CLOUD_BACKGROUND = "#4a4a4a"  # on which dark and bright points both show
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


@dataclass(frozen=True)
class CloudSettings:
    """How a color cloud is shown: as `color_cloud`, and a factor on the point size."""

    whiten: Literal["pooled"] | int | None = None
    max_points: int = 5000
    color_by: Literal["pixel", "cluster"] | None = None
    point_size: float = 1.0


@dataclass(frozen=True, eq=False)
class Result:
    """A clustering, the image that it belongs to, and the array it was made from."""

    image: Image
    data: Any
    clustering: Clustering


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
    cloud_changed = Signal(object)  # CloudSettings

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = ref(viewer)
        self._image: ref[Image] | None = None
        self._labels: WeakKeyDictionary[Image, dict[str, Labels]] = WeakKeyDictionary()
        self._cloud_layer: Points | None = None
        self.recipe = Recipe()
        self.live = True
        self.result: Result | None = None
        self.status = Status("Open an image, then press Fit.")
        self.shuffle_seed = 0
        self.cloud_settings = CloudSettings()
        self.stage = Stage(viewer)
        self.runner = FitRunner()
        self.runner.iterated.connect(self._on_iterated)
        self.runner.succeeded.connect(self._on_succeeded)
        self.runner.failed.connect(self._on_failed)
        layers = viewer.layers
        layers.events.inserted.connect(self._on_images_changed)
        layers.events.renamed.connect(self._on_images_changed)
        layers.events.removed.connect(self._on_removed)
        layers.selection.events.active.connect(self._on_active)
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
        if self.runner.request is not None and self.runner.request.image is layer:
            self.runner.cancel()
            self._set_status(
                f"The image {layer.name!r} was removed while its fit ran; "
                "the fit was cancelled."
            )
        if self.result is not None and self.result.image is layer:
            self.stage.give_back()
            self._set_result(None)
        if layer is self.image:
            images = [image for image in self.images() if image is not layer]
            self.set_image(images[-1] if images else None)
        self.images_changed.emit()

    # ---- the recipe

    def set_recipe(self, recipe: Recipe) -> None:
        """Take other settings; fit again if live and something was fitted before."""
        if recipe == self.recipe:
            return
        self.recipe = recipe
        self.recipe_changed.emit(recipe)
        if self.live and self._fits_by_itself():
            self.fit(quiet=True)

    def adopt(self, result: Result) -> None:
        """Take a result that was computed elsewhere, with its image and recipe."""
        self.runner.cancel()
        self.set_image(result.image)
        self.recipe = result.clustering.recipe
        self.recipe_changed.emit(self.recipe)
        self.take(result)

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

    def request(self) -> Request:
        """Freeze all that a fit needs.

        Raises
        ------
        ValueError
            No image is open.
        """
        image = check_image(self.image)
        return Request(image, level_data(image), bool(image.rgb), self.recipe)

    def fit(self, quiet: bool = False) -> None:
        """Start a fit of the image in the background, in place of a running one.

        An error is shown in the status, and unless `quiet` as a notification.
        """
        self._quiet = quiet
        try:
            request = self.request()
        except (TypeError, ValueError) as error:
            self._report(error)
            return
        self._set_status(f"Clustering {request.image.name}...", 0.0)
        self.runner.start(request)

    def cancel(self) -> None:
        """Cancel the running fit; layers stay as they are."""
        if self.runner.busy:
            self.runner.cancel()
            self._set_status("The fit was cancelled.")

    def take(self, result: Result) -> None:
        """Take a result, and bring layers, cloud and status up to date."""
        clustering = result.clustering
        whiten = self.cloud_settings.whiten
        if isinstance(whiten, int) and whiten > clustering.n_components:
            # The chosen component went away with a smaller number of them.
            self._set_cloud_settings(replace(self.cloud_settings, whiten=None))
        new = self._show_labels(result)
        self._set_result(result)
        if self.stage.holder == CLOUD:
            self.show_cloud()
        elif new:
            # So that hovering tells about labels at once.
            self.viewer.layers.selection.active = new[-1]
        if clustering.advice is not None:
            self._warn(clustering.advice)
        else:
            self._set_status(
                f"{clustering.n_components} clusters after "
                f"{clustering.mixture.n_iter_} iterations; mean log-likelihood "
                f"{clustering.log_likelihood:.4f}"
            )

    def _on_iterated(self, iteration: Iteration) -> None:
        request = self.runner.request
        assert request is not None
        self._set_status(
            f"Clustering {request.image.name}: iteration {iteration.number}, mean "
            f"log-likelihood {iteration.log_likelihood:.4f}",
            min(1.0, iteration.number / iteration.max_iter),
        )

    def _on_succeeded(self, request: Request, clustering: Clustering) -> None:
        image = request.image
        if level_data(image) is not request.data:
            self._warn(
                f"The image {image.name!r} was changed while its fit ran, so the "
                "result was dropped; press Fit again."
            )
            return
        self.take(Result(image, request.data, clustering))

    def _on_failed(self, request: Request, error: Exception) -> None:
        self._report(error)

    def _report(self, error: Exception) -> None:
        """Say what is wrong with the input; show other errors with their traceback."""
        if isinstance(error, (TypeError, ValueError, MemoryError)):
            self._set_status(str(error))
            if not self._quiet:
                show_error(str(error))
        else:
            self._set_status(f"The fit failed: {error}")
            notification_manager.receive_error(type(error), error, error.__traceback__)

    def _warn(self, text: str) -> None:
        self._set_status(text)
        if not self._quiet:
            show_warning(text)

    def _set_status(self, text: str, fraction: float | None = None) -> None:
        self.status = Status(text, fraction)
        self.status_changed.emit(self.status)

    def _set_result(self, result: Result | None) -> None:
        self.result = result
        self.result_changed.emit(result)

    _quiet = False

    # ---- the labels layers

    def reshuffle(self) -> None:
        """Deal out the random colors anew."""
        self.shuffle_seed += 1
        if self.result is not None:
            self._show_labels(self.result)

    def _show_labels(self, result: Result) -> list[Labels]:
        """Make or update the two labels layers of an image; list the new ones."""
        image, clustering = result.image, result.clustering
        layers = self._labels.setdefault(image, {})
        made = []
        for role, colors in (
            (RANDOM_COLORS, clustering.permuted_colors(self.shuffle_seed)),
            (QUANTIZED, clustering.colors),
        ):
            layer = layers.get(role)
            if layer is not None and layer in self.viewer.layers:
                if layer.ndim == clustering.labels.ndim:
                    update_labels(layer, image, clustering, role, colors)
                    continue
                self.viewer.layers.remove(layer)
            # The quantized picture lies above the random colors, which show when
            # it is hidden.
            layers[role] = make_labels(image, clustering, role, colors)
            self.stage.add_behind(layers[role])
            made.append(layers[role])
        return made

    # ---- the cloud

    def set_cloud_settings(self, settings: CloudSettings) -> None:
        """Take other settings of the cloud, and redraw it if it is shown."""
        if settings == self.cloud_settings:
            return
        if self.stage.holder == CLOUD:
            self.show_cloud(settings)
        else:
            self._set_cloud_settings(settings)

    def _set_cloud_settings(self, settings: CloudSettings) -> None:
        if settings != self.cloud_settings:
            self.cloud_settings = settings
            self.cloud_changed.emit(settings)

    def show_cloud(self, settings: CloudSettings | None = None) -> Points:
        """Show the cloud of the result alone, in the viewer's 3-D view.

        Raises
        ------
        ValueError
            Nothing was clustered yet, or a setting is out of its range.
        """
        result = self.result
        if result is None:
            raise ValueError(
                "Expected a clustered image, but none was clustered yet; press Fit in "
                "Cluster pixels, or call cluster_layer, first."
            )
        settings = settings or self.cloud_settings
        clustering = result.clustering
        cloud = color_cloud(
            clustering,
            whiten=settings.whiten,
            max_points=settings.max_points,
            color_by=settings.color_by,
        )
        other_space = settings.whiten != self.cloud_settings.whiten
        self._set_cloud_settings(settings)
        viewer = self.viewer
        layer = self._cloud_layer
        if self.stage.holder == CLOUD and layer is not None:
            update_cloud(layer, clustering, cloud, settings.point_size)
        else:
            layer = make_cloud(result.image, clustering, cloud, settings.point_size)
            self._cloud_layer = layer
            other_space = True
            self.stage.borrow(CLOUD, [layer])
            viewer.dims.ndisplay = 3
            viewer.scene.camera.angles = CLOUD_ANGLES
            viewer.scene.camera.perspective = 30.0
            viewer.scene.overlays.axes.visible = True
            viewer.canvas.background_color_override = CLOUD_BACKGROUND
        viewer.dims.axis_labels = layer.axis_labels
        if other_space:
            viewer.fit_to_view(layers=[layer], margin=0.15)
        return layer

    def leave_cloud(self) -> None:
        """Go back to the picture; everything is as it was before the cloud."""
        if self.stage.holder == CLOUD:
            self.stage.give_back()


_workspaces: WeakKeyDictionary[ViewerModel, Workspace] = WeakKeyDictionary()


def workspace_of(viewer: ViewerModel) -> Workspace:
    """Give the one workspace of a viewer, made on first use."""
    # Widgets get a proxy of the viewer from napari.
    viewer = getattr(viewer, "__wrapped__", viewer)
    if viewer not in _workspaces:
        _workspaces[viewer] = Workspace(viewer)
    return _workspaces[viewer]
