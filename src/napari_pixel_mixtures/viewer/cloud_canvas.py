"""CloudCanvas: a 3-D canvas of points, ellipsoids and a frame. Knows no layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from psygnal import Signal
from qtpy.compat import isalive
from vispy.color import ColorArray
from vispy.scene import SceneCanvas
from vispy.scene.cameras import TurntableCamera
from vispy.scene.node import Node
from vispy.scene.visuals import Line, Markers, Mesh
from vispy.visuals.transforms import MatrixTransform

from napari_pixel_mixtures.selection import Region

from .animation import Animation
from .cloud_axes import EMPTY, CloudAxes, Frame
from .cloud_scene import BACKGROUND
from .ellipsoids import contrasts, mesh, outlines
from .graphics import LastingParser
from .outline import LASSO_COLOR, Outline, nearest_point
from .thinning import Thinning

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from qtpy.QtWidgets import QWidget

FIELD_OF_VIEW = 30.0  # degrees
DISTANCE = 1.15  # how much of the view's height the cloud leaves free around it
MOVING_POINTS = 40_000  # drawn while the camera moves
CENTER_PIXELS = 8.0  # size of the mark at the center of a Gaussian, without its rim
CENTER_RIM = 1.5  # pixels


class _Camera(TurntableCamera):  # type: ignore[misc]
    """Tells when it moved, or its canvas got another size."""

    moved = Signal()

    def view_changed(self) -> None:
        """Bring the scene up to date."""
        super().view_changed()
        self.moved.emit()


class CloudCanvas:
    """Draws a cloud in its own space, seen through a linear map.

    Everything is placed in the cloud's own units, and only the map to the screen
    changes between the raw and the whitened views: so points, ellipsoids and frame
    move together, and a change costs no new data.
    """

    lassoed = Signal(object)  # Region
    clicked = Signal(int)  # index of the nearest point

    def __init__(self, parent: QWidget | None = None) -> None:
        self.scene_canvas = SceneCanvas(
            keys=None, bgcolor=BACKGROUND, parent=parent, show=False
        )
        self.native: QWidget = self.scene_canvas.native
        self._graphics = LastingParser()
        self.scene_canvas.context.shared.parser = self._graphics
        self._view = self.scene_canvas.central_widget.add_view()
        # The mouse is for the one view. vispy would draw all points once more to find
        # out, into a buffer that another canvas of the program may have to delete.
        self.scene_canvas.visual_at = lambda _: self._view
        self.camera = _Camera(fov=FIELD_OF_VIEW, elevation=25, azimuth=-55)
        self._view.camera = self.camera
        self._root = Node(parent=self._view.scene)
        self._root.transform = MatrixTransform()
        self._points = np.zeros((0, 3), np.float32)
        self._colors = np.zeros((0, 4), np.float32)
        self._size = 3.0
        self._markers = Markers(parent=self._root)
        self._markers.antialias = 0
        self._ring = Markers(parent=self._root)
        self._ring.visible = False
        self._ring.set_gl_state(depth_test=False, blend=True)
        self._ring.order = 5
        self._mesh: Mesh | None = None
        self._circles = Line(np.zeros((2, 3)), connect="segments", parent=self._root)
        self._circles.visible = False
        self._circles.order = 4
        self._circles.set_gl_state(depth_test=False, blend=True)
        self._centers = Markers(parent=self._root)
        self._centers.visible = False
        self._centers.order = 4
        self._centers.set_gl_state(depth_test=False, blend=True)
        self._axes = CloudAxes(self._view.scene, self._view)
        self._trail = Line(color=LASSO_COLOR, width=2, parent=self._view)
        self._trail.visible = False
        self._outline: Outline | None = None
        self.tool = "turn"
        """What the left mouse button does: "turn", "lasso" or "box"."""
        # The map of the cloud, and the box of its axes: (2, 4, 4).
        self._seen = self._target = self._origin = np.stack([np.eye(4), EMPTY.box])
        self._animation = Animation(self._animate, self.native)
        self.thinning = Thinning(MOVING_POINTS, self._upload, self.native)
        events = self.scene_canvas.events
        events.initialize.connect(self._on_initialize)
        events.mouse_press.connect(self._on_press)
        events.mouse_move.connect(self._on_move)
        events.mouse_release.connect(self._on_release)
        self.camera.moved.connect(self._on_camera_moved)
        self.reset_view()

    # ---- what is drawn

    def set_points(
        self, points: NDArray[np.float32], colors: NDArray[np.float32], size: float
    ) -> None:
        """Draw points (m, 3) in colors (m, 4), of a size in screen pixels."""
        self._points, self._colors, self._size = points, colors, size
        self.thinning.take(len(points))
        self.thinning.begin()
        if not self.thinning.active:
            self._upload()

    def clear(self) -> None:
        """Draw nothing."""
        self.set_points(np.zeros((0, 3), np.float32), np.zeros((0, 4), np.float32), 1.0)
        self.set_ellipsoids(*np.zeros((3, 0, 3)))
        self.set_ring(None)
        self.set_map(self.map, animate=False)  # without a frame

    def set_colors(self, colors: NDArray[np.float32]) -> None:
        """Draw the same points in other colors (m, 4)."""
        self._colors = colors
        self._upload()

    def _upload(self) -> None:
        chosen = self.thinning.chosen
        self._markers.visible = len(self._points) > 0
        if len(self._points):
            self._markers.set_data(
                self._points[chosen],
                face_color=self._colors[chosen],
                size=self._size,
                edge_width=0,
            )
        self.scene_canvas.update()

    def set_ellipsoids(
        self,
        centers: NDArray[np.float64],
        axes: NDArray[np.float64],
        colors: NDArray[np.float64],
    ) -> None:
        """Draw translucent ellipsoids: unit spheres through `axes` (K, 3, 3).

        `centers` are (K, 3), `colors` (K, 4); none are drawn if K is 0. Each center
        has a mark that shows through everything.
        """
        self._circles.visible = self._centers.visible = len(centers) > 0
        if self._mesh is not None:
            self._mesh.visible = len(centers) > 0
        if len(centers) == 0:
            self.scene_canvas.update()
            return
        bright = (colors + 1.0) / 2
        lines = outlines(centers, axes)
        self._circles.set_data(
            pos=lines,
            color=np.repeat(bright, len(lines) // len(bright), 0).astype(np.float32),
        )
        self._centers.set_data(
            centers.astype(np.float32),
            face_color=rgba(colors[:, :3], 1.0),
            edge_color=contrasts(colors).astype(np.float32),
            edge_width=CENTER_RIM,
            size=CENTER_PIXELS,
        )
        data = dict(
            zip(
                ("vertices", "faces", "vertex_colors"),
                mesh(centers, axes, colors),
                strict=True,
            )
        )
        if self._mesh is None:
            self._mesh = Mesh(**data, parent=self._root)
            # Seen through, and not hiding what lies behind.
            self._mesh.set_gl_state(
                "translucent", depth_test=True, cull_face="front", depth_mask=False
            )
            self._mesh.order = 3
        else:
            self._mesh.set_data(**data)
        self.scene_canvas.update()

    def set_ring(self, point: NDArray[np.float64] | None) -> None:
        """Draw a ring round a place (3,), or none."""
        self.thinning.begin()
        self._ring.visible = point is not None
        if point is not None:
            self._ring.set_data(
                np.asarray(point, np.float32)[np.newaxis],
                face_color=(0, 0, 0, 0),
                edge_color=LASSO_COLOR,
                edge_width=2.5,
                size=16,
            )
        self.scene_canvas.update()

    # ---- how it is seen

    def set_map(
        self,
        matrix: NDArray[np.float64],
        frame: Frame = EMPTY,
        animate: bool = True,
    ) -> None:
        """See the cloud through another affine map (4, 4), of row vectors.

        The change takes 300 ms along the straight line between the two maps, so
        that the eye can follow each point; the axes go along, selection and camera
        stay.
        """
        self._origin, self._target = self._seen, np.stack([matrix, frame.box])
        self._axes.set_frame(frame)
        if np.array_equal(self._origin, self._target):
            animate = False
        if animate and self.native.isVisible():
            self._animation.start()
        else:
            self._animation.finish()

    @property
    def map(self) -> NDArray[np.float64]:
        """The affine map (4, 4) that is seen, or will be when the animation ends."""
        matrix: NDArray[np.float64] = self._target[0]
        return matrix

    @property
    def animating(self) -> bool:
        """Whether a change of the map is under way."""
        return self._animation.active

    def _animate(self, share: float) -> None:
        self._seen = self._origin + share * (self._target - self._origin)
        if share < 1.0:
            self.thinning.hold()
        else:
            self.thinning.release()
        matrix, box = self._seen
        self._root.transform.matrix = matrix
        self._axes.see(box)
        self._lay_out_axes()
        self.scene_canvas.update()

    def _on_camera_moved(self) -> None:
        self.thinning.begin()
        self._lay_out_axes()

    def _lay_out_axes(self) -> None:
        self._axes.lay_out(self.scene_canvas.size)

    def reset_view(self) -> None:
        """Put the whole cloud in view, which the map brings to the unit ball."""
        self.camera.center = (0.0, 0.0, 0.0)
        self.camera.scale_factor = 2 * DISTANCE
        self.scene_canvas.update()

    def look_along(self, direction: NDArray[np.float64]) -> None:
        """Turn the camera to look along a direction (3,) of the mapped space."""
        x, y, z = np.asarray(direction, float) / np.linalg.norm(direction)
        self.camera.elevation = float(np.degrees(np.arcsin(np.clip(-z, -1, 1))))
        if np.hypot(x, y) > 1e-9:
            self.camera.azimuth = float(np.degrees(np.arctan2(-x, y)))
        self.scene_canvas.update()

    @property
    def projection(self) -> NDArray[np.float64]:
        """From the cloud's units (x, y, z, 1) to homogeneous canvas pixels, (4, 4)."""
        transform = self._markers.get_transform("visual", "canvas")
        return np.asarray(transform.map(np.eye(4)), np.float64)

    def render(self) -> NDArray[np.uint8]:
        """Draw a still picture, (rows, columns, 4), with all points."""
        self.thinning.end()
        return np.asarray(self.scene_canvas.render())

    def _on_initialize(self, event: Any) -> None:
        """Draw in a context that Qt has just made: the first, or another one."""
        native: Any = self.native
        native.context().aboutToBeDestroyed.connect(self.free)
        self._graphics.restore(native.defaultFramebufferObject())

    def free(self) -> None:
        """Free textures, vertices and programs, before Qt destroys their context.

        Its context shares them with the other canvases of the window, so that they
        would stay for as long as the window, some 5 MB each time.
        """
        native: Any = self.native
        if isalive(native):  # type: ignore[no-untyped-call]
            native.makeCurrent()
            self._graphics.free()
            native.doneCurrent()

    # ---- the mouse

    def _on_press(self, event: Any) -> None:
        if self._outline is not None:  # another button, while it is drawn
            return
        if event.button == 1:
            self._outline = Outline(self.tool, event.pos)
            # The camera does not see what we handled.
            self.camera.interactive = not self._outline.draws

    def _on_move(self, event: Any) -> None:
        if self._outline is not None and self._outline.draws:
            self._outline.extend(event.pos)
            self._trail.set_data(pos=self._outline.closed)
            self._trail.visible = True

    def _on_release(self, event: Any) -> None:
        outline = self._outline
        if outline is None or event.button != 1:
            return
        self._outline = None
        self._trail.visible = False
        self.camera.interactive = True
        self.scene_canvas.update()
        # Moves that follow each other fast are not told: this is the last place.
        outline.extend(event.pos)
        if outline.encloses:
            self.lassoed.emit(Region(self.projection, outline.corners))
        elif outline.is_click:
            nearest = nearest_point(self._points, self.projection, outline.start)
            if nearest is not None:
                self.clicked.emit(nearest)


def rgba(colors: NDArray[np.float64], alpha: float) -> NDArray[np.float32]:
    """Add an alpha to colors (m, 3)."""
    return np.asarray(ColorArray(colors, alpha=alpha).rgba, np.float32)
