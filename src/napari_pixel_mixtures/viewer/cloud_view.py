"""CloudView: the color cloud of the result, on the viewer's stage."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal
from weakref import ref

import numpy as np
from napari.layers.base import ActionType
from psygnal import Signal

from napari_pixel_mixtures.cloud import color_cloud
from napari_pixel_mixtures.space import space_of, telling_channels

from .cloud_axes import EMPTY, Frame
from .cloud_scene import (
    BACKGROUND,
    POINT_PIXELS,
    affine,
    dimmed,
    framed,
    shown_gaussians,
)
from .cloud_steps import check_steps, see_through
from .glide import Glide
from .layers import (
    CLOUD,
    axis_labels,
    make_cloud,
    make_ellipsoids,
    update_cloud,
)
from .messages import report
from .napari_canvas import screenshot

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import ViewerModel
    from napari.layers import Image, Points, Surface
    from numpy.typing import NDArray

    from napari_pixel_mixtures.cloud import ColorCloud
    from napari_pixel_mixtures.clusters import Clustering
    from napari_pixel_mixtures.space import Axes

    from .cloud_scene import Gaussians
    from .result import Result
    from .selection_view import SelectionView
    from .stage import Stage

ANGLES = (15.0, -30.0, 145.0)  # degrees; a corner of the color cube in front
PERSPECTIVE = 30.0  # degrees
EDITS = (ActionType.ADDED, ActionType.CHANGED, ActionType.REMOVED)


@dataclass(frozen=True)
class CloudSettings:
    """How a color cloud is shown.

    Attributes
    ----------
    whiten, max_points, color_by, axes
        As for `color_cloud`.
    point_size : float
        Factor on the size of the points.
    deviations : float
        Standard deviations at which ellipsoids are drawn; 0 for none.
    """

    whiten: Literal["pooled"] | int | None = None
    max_points: int = 5000
    color_by: Literal["pixel", "cluster"] | None = None
    point_size: float = 1.0
    axes: Axes = "channels"
    deviations: float = 0.0


class CloudView:
    """Shows the pixels of the result as points, in the viewer's 3-D view.

    The layer holds the points in the units of their axes; whitening is its affine.
    Points are pixels: they cannot be edited, and come back if they are.
    """

    changed = Signal(object)  # CloudSettings

    def __init__(
        self, viewer: ViewerModel, stage: Stage, selection: SelectionView
    ) -> None:
        self._viewer = ref(viewer)
        self._stage = stage
        self._selection = selection
        selection.changed.connect(self._on_selected)
        stage.changed.connect(self._on_stage)
        self._result: Result | None = None
        self._layer: Points | None = None
        self._ellipsoids: Surface | None = None
        self._gaussians: Gaussians | None = None
        self._cloud: ColorCloud | None = None
        self._frame = EMPTY
        self._updating = False
        self._glide = Glide(viewer)
        # Last, so that the viewer has let go of the layer before.
        viewer.layers.events.removed.connect(self._on_removed, position="last")
        self._image: Callable[[], Image | None] = lambda: None  # whose cloud it is
        self.settings = CloudSettings()
        self._automatic = True  # whether nobody chose the axes

    @property
    def shown(self) -> bool:
        """Whether the cloud is on the stage."""
        return self._stage.holder == CLOUD

    @property
    def layer(self) -> Points | None:
        """The points; None while the cloud is not on the stage."""
        return self._layer if self.shown else None

    def set_result(self, result: Result | None) -> None:
        """Take another result; if the cloud is shown, show its cloud."""
        before, self._result = self._result, result
        if result is None:
            self.leave()
            # Neither components nor features are left to choose from.
            self._take(replace(self.settings, whiten=None, axes="channels"))
            return
        settings = self.settings
        clustering = result.clustering
        whiten, axes = settings.whiten, settings.axes
        if isinstance(whiten, int) and (
            whiten > clustering.n_components or clustering.pixel_counts[whiten - 1] == 0
        ):
            # The chosen component went away with a smaller number of them, or has no
            # pixels any more.
            settings = replace(settings, whiten=None)
        if isinstance(axes, tuple) and not set(axes) <= {*clustering.feature_names}:
            settings = replace(settings, axes="channels")
            self._automatic = True
        other_image = (
            before is None
            or before.image is not result.image
            or before.clustering.picture.channel_names
            != clustering.picture.channel_names
        )
        self._automatic |= other_image
        if self._automatic and settings.axes == "channels":
            settings = replace(settings, axes=default_axes(clustering))
        self._take(settings)
        self._show_again()

    def suits(self, clustering: Clustering) -> bool:
        """Tell whether a clustering has the component and features that are shown."""
        whiten, axes = self.settings.whiten, self.settings.axes
        alone = whiten if isinstance(whiten, int) else 1
        named = set(axes) if isinstance(axes, tuple) else set()
        return alone <= clustering.n_components and named <= {*clustering.feature_names}

    def set_frame(self, frame: Result) -> None:
        """Show a frame of the result's replay, or a preview; settings stay.

        The component that is shown alone may have no pixels in some frames.
        """
        self._result = frame
        self._show_again()

    def _show_again(self) -> None:
        if self.shown:
            try:
                self.show()
            except ValueError as error:
                self.leave()
                report(error)

    def set(self, settings: CloudSettings) -> None:
        """Take other settings; if the cloud is shown, show it so.

        Raises
        ------
        ValueError
            A setting is out of its range.
        """
        if settings == self.settings:
            return
        if self.shown:
            self.show(settings)
        else:
            self._choose(settings)

    def _choose(self, settings: CloudSettings) -> None:
        if settings.axes != self.settings.axes:
            self._automatic = False
        self._take(settings)

    def _take(self, settings: CloudSettings) -> None:
        if settings != self.settings:
            self.settings = settings
            self.changed.emit(settings)

    def show(self, settings: CloudSettings | None = None) -> Points:
        """Show the cloud alone.

        Raises
        ------
        ValueError
            Nothing was clustered yet, a setting is out of its range, or values are
            too far from one another.
        """
        if self._result is None:
            raise ValueError(
                "Expected a clustered image, but none was clustered yet; press Fit in "
                "Cluster pixels, or call cluster_layer, first."
            )
        settings = settings or self.settings
        clustering = self._result.clustering
        cloud = color_cloud(
            clustering,
            whiten=settings.whiten,
            max_points=settings.max_points,
            color_by=settings.color_by,
            axes=settings.axes,
        )
        kept = self.shown and settings.whiten == self.settings.whiten
        if len(cloud.points) == 0 and not kept:
            raise ValueError(
                f"Expected a component that some pixel belongs to, got "
                f"{settings.whiten}, which has none; choose another."
            )
        space = space_of(clustering, settings.axes)
        points = space.read(cloud.pixels).astype(np.float32)
        seen = affine(cloud.center, cloud.transform)
        viewer = self._viewer()
        assert viewer is not None
        check_steps(viewer, (self._layer, self._ellipsoids), points, seen)
        other_axes = not self.shown or settings.axes != self.settings.axes
        other_map = settings.whiten != self.settings.whiten
        self._choose(settings)
        self._glide.stop()
        shown = self.layer if self._image() is self._result.image else None
        if shown is None:
            self._stage.give_back()
        layer: Points = shown or make_cloud(self._result.image, clustering)
        if shown is None:
            layer.events.data.connect(self._on_edited)
            other_axes = True
        self._cloud = cloud
        gliding = other_map and not other_axes
        # The viewer would count steps of what it was in what it will be.
        with layer.events.data.blocker(viewer._on_layers_change):
            self._update(layer, points)
            if shown is not None and not gliding:
                with layer.events.affine.blocker(viewer._on_layers_change):
                    see_through(viewer, [layer], seen)
        size = POINT_PIXELS * settings.point_size
        layer.canvas_size_limits = (size, size)
        if layer is not self.layer:
            self._borrow(layer)
        viewer.dims.axis_labels = axis_labels(cloud)
        self._show_ellipsoids(layer)
        layers = [each for each in (layer, self._ellipsoids) if each is not None]
        low, high = framed(clustering, cloud, settings)
        self._frame = frame = Frame(low, high, cloud.axes, np.eye(4))
        if gliding:
            self._glide.follow(layers, seen, frame)
        else:
            self._glide.show(layers, seen, frame)
        if other_axes:
            self._glide.bring_in_view(frame)
        return layer

    def _update(self, layer: Points, points: NDArray[np.float32]) -> None:
        """Let the layer show points (m, 3) of the cloud; others fade if selected."""
        cloud, result, viewer = self._cloud, self._result, self._viewer()
        assert cloud is not None
        assert result is not None
        assert viewer is not None
        colors = np.column_stack([cloud.colors, np.ones_like(cloud.colors[:, 0])])
        mask = self._selection.mask
        self._updating = True
        try:
            # The viewer, which would work its whole scene out anew, gets the names of
            # the axes from us.
            with layer.events.axis_labels.blocker(viewer._on_layers_change):
                update_cloud(
                    layer,
                    result.clustering,
                    cloud,
                    points,
                    dimmed(colors, cloud.pixels, mask),
                )
        finally:
            self._updating = False

    def _borrow(self, layer: Points) -> None:
        """Show a new layer alone, in three dimensions."""
        viewer = self._viewer()
        assert viewer is not None
        assert self._result is not None
        self._layer = layer
        self._image = ref(self._result.image)
        self._stage.borrow(CLOUD, [layer])
        viewer.dims.ndisplay = 3
        viewer.scene.camera.angles = ANGLES
        viewer.scene.camera.perspective = PERSPECTIVE
        viewer.canvas.background_color_override = BACKGROUND

    def _show_ellipsoids(self, layer: Points) -> None:
        """Draw the Gaussians among a layer's points as the settings say.

        They are drawn anew if they are others.
        """
        viewer, result = self._viewer(), self._result
        assert viewer is not None
        assert result is not None
        before = self._gaussians
        gaussians = shown_gaussians(result.clustering, self.settings)
        old = self._ellipsoids
        if old is not None and old in viewer.layers:
            if before is not None and gaussians.equals(before):
                return
            viewer.layers.remove(old)
        self._ellipsoids, self._gaussians = None, gaussians
        if len(gaussians.centers):
            self._ellipsoids = make_ellipsoids(
                result.image,
                result.clustering,
                gaussians.centers,
                gaussians.axes,
                gaussians.colors,
                layer.affine.affine_matrix,
            )
            active = viewer.layers.selection.active
            self._stage.add(self._ellipsoids)
            viewer.layers.selection.active = active

    def _on_stage(self, holder: str | None) -> None:
        """Keep nothing of a cloud that is gone."""
        if holder != CLOUD:
            self._layer = self._ellipsoids = self._gaussians = self._cloud = None
            self._glide.forget()

    def _on_selected(self) -> None:
        """Let what is not selected fade."""
        layer = self.layer
        if layer is not None and self._cloud is not None:
            self._update(layer, layer.data)

    def _on_edited(self, event: Any) -> None:
        """Bring the points back; they were moved, added or deleted by hand."""
        done = event.action in EDITS
        if done and not self._updating and event.source is self.layer:
            self.show()

    def _on_removed(self, event: Any) -> None:
        """Without its points there is no cloud."""
        if event.value is self._layer:
            self.leave()

    def look_along(self, direction: NDArray[np.float64]) -> None:
        """Turn the viewer's camera to look along a direction (3,), if it shows us."""
        viewer = self._viewer()
        if viewer is not None and self.shown:
            upright = np.eye(3)[0 if np.allclose(direction[:2], 0) else 2]
            viewer.scene.camera.set_view_direction(tuple(direction), tuple(upright))

    def bring_in_view(self) -> None:
        """Let the viewer's camera see all of the cloud, if it shows us."""
        if self.shown:
            self._glide.bring_in_view(self._frame)

    def render(self) -> NDArray[np.uint8] | None:
        """Give the viewer's canvas (rows, columns, 4); None if it does not show us."""
        viewer = self._viewer()
        if viewer is None or not self.shown:
            return None
        self._glide.stop()
        return screenshot(viewer)

    def leave(self) -> None:
        """Go back to the picture; everything is as it was before the cloud."""
        if self.shown:
            self._stage.give_back()


def default_axes(clustering: Clustering) -> Axes:
    """Choose the axes of a picture that is new here; of many channels three."""
    if clustering.picture.n_channels > 3:
        channels = telling_channels(clustering)
        if {*channels} <= {*clustering.feature_names}:
            return channels
    return "channels"
