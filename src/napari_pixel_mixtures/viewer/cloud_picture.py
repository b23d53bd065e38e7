"""CloudPicture: the cloud of a workspace in a canvas, and what is written over it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from magicgui.widgets import Label
from napari.utils.notifications import show_info
from OpenGL.error import GLError
from psygnal import Signal
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QGridLayout, QSizePolicy, QWidget

from napari_pixel_mixtures.inspection import inspect_pixel

from .cloud_canvas import CloudCanvas
from .cloud_scene import POINT_PIXELS, CloudScene, cloud_scene, dimmed
from .forms import follow, wrapping
from .hover import in_words
from .messages import report

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_pixel_mixtures.selection import Region

    from .result import Result
    from .workspace import Workspace

CANVAS_SIZE = 125  # pixels; the least height
# Of what is written over the canvas, in dark and light themes alike.
CAPTION = "QLabel { background: rgba(30, 30, 30, 160); color: white; padding: 3px; }"


class CloudPicture(QWidget):
    """Draws the result, and what is selected and hovered over, as the settings say.

    What the mouse selects in it goes to the workspace.

    Parameters
    ----------
    workspace : Workspace
    """

    scene_changed = Signal(object)  # CloudScene or None

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        self._workspace = workspace
        self.scene: CloudScene | None = None
        """What is drawn; None if nothing was clustered."""
        self.canvas = CloudCanvas()
        self.hovered = wrapping(Label(value=""))
        self.status = wrapping(Label(value=""))
        self._lay_out()
        self.canvas.lassoed.connect(self._choose_region)
        self.canvas.clicked.connect(self._choose_component)
        follow(
            self,
            (workspace.result_changed, self._show_result),
            (workspace.frame_changed, self._draw),
            (workspace.cloud.changed, self._draw),
            (workspace.selection.changed, self._show_selection),
            (workspace.hover.changed, self._show_hovered),
            (workspace.classes.changed, self._show_class),
            (workspace.pointer.tool_changed, self._take_tool),
        )
        self._take_tool(workspace.pointer.tool)
        self._show_result(workspace.result)

    def _lay_out(self) -> None:
        """Let the canvas fill it, and the captions lie over its ends."""
        native = self.canvas.native
        native.setToolTip("Hover over the picture to find its pixels here.")
        native.setMinimumSize(CANVAS_SIZE, CANVAS_SIZE)
        over = QGridLayout(self)
        over.setContentsMargins(0, 0, 0, 0)
        over.addWidget(native, 0, 0)
        # As wide as the form: a canvas by itself asks for half of the window.
        for widget in (native, self):
            widget.setSizePolicy(
                QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding
            )
        for caption, side in (
            (self.hovered, Qt.AlignmentFlag.AlignTop),
            (self.status, Qt.AlignmentFlag.AlignBottom),
        ):
            caption.native.setStyleSheet(CAPTION)
            caption.native.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            over.addWidget(caption.native, 0, 0, side)
        self.hovered.native.hide()

    # ---- the user acts

    def _choose_region(self, region: Region) -> None:
        settings = self._workspace.cloud.settings
        label = settings.whiten if isinstance(settings.whiten, int) else None
        try:
            self._workspace.selection.choose_region(region, settings.axes, label)
        except ValueError as error:
            self.say(str(error))

    def _choose_component(self, point: int) -> None:
        result = self._workspace.shown
        if result is not None and self.scene is not None:
            pixel = self.scene.pixels[point]
            label = int(result.clustering.labels.reshape(-1)[pixel])
            self._workspace.selection.choose_label(label)

    def save(self, path: str) -> None:
        """Save the cloud as a PNG, where it is seen; a missing suffix is added."""
        from PIL import Image

        if not path.lower().endswith(".png"):
            path += ".png"
        try:
            drawn = self._workspace.cloud.render()
            if drawn is None:
                drawn = self.canvas.render()
            if drawn.size == 0:
                height, width = drawn.shape[:2]
                raise ValueError(
                    f"Expected a cloud with room to be seen in, got one of {width} x "
                    f"{height} pixels; make its dock or the window larger, and save "
                    "once more."
                )
            Image.fromarray(drawn).save(path)
        except (OSError, ValueError) as error:
            report(error if isinstance(error, ValueError) else ValueError(str(error)))
        except (RuntimeError, GLError) as error:  # the graphics driver
            report(
                ValueError(
                    "Expected the graphics driver to give the picture back, got "
                    f"{type(error).__name__}: {error}; close the color cloud, open it "
                    "again and save once more."
                )
            )
        else:
            show_info(f"Saved {path}.")

    # ---- the workspace changed

    def say(self, text: str) -> None:
        """Write below what is drawn; nothing covers it if there is nothing to say."""
        self.status.value = text
        self.status.native.setVisible(bool(text))

    def _take_tool(self, tool: str) -> None:
        self.canvas.tool = tool

    def _show_result(self, result: Result | None) -> None:
        self.say("" if result is not None else "Press Fit in Cluster pixels first.")
        self._draw()

    def _draw(self, _: Any = None) -> None:
        result, settings = self._workspace.shown, self._workspace.cloud.settings
        if result is None:
            self.scene = None
            self.canvas.clear()
        else:
            self.scene = scene = cloud_scene(result.clustering, settings)
            self.canvas.set_points(
                scene.points, self._colors(scene), POINT_PIXELS * settings.point_size
            )
            gaussians = scene.gaussians
            self.canvas.set_ellipsoids(
                gaussians.centers, gaussians.axes, gaussians.colors
            )
            self.canvas.set_map(scene.map, scene.frame)
        self.scene_changed.emit(self.scene)

    def _colors(self, scene: CloudScene) -> NDArray[np.float32]:
        return dimmed(scene.colors, scene.pixels, self._workspace.selection.mask)

    def _show_selection(self) -> None:
        if self.scene is not None:
            self.canvas.set_colors(self._colors(self.scene))
        result, selection = self._workspace.result, self._workspace.selection
        if result is not None and selection.mask is None:
            self.say("")
        elif result is not None:
            share = selection.n_pixels / result.clustering.labels.size
            self.say(f"{selection.n_pixels:,} pixels selected ({share:.1%}).")

    def _show_hovered(self, pixel: int | None) -> None:
        result, scene = self._workspace.shown, self.scene
        if pixel is None or result is None or scene is None:
            self.canvas.set_ring(None)
            self.hovered.value = ""
            self.hovered.native.hide()
            return
        self.canvas.set_ring(scene.space.read(np.array([pixel]))[0])
        self.hovered.value = in_words(
            inspect_pixel(result.clustering, pixel),
            self._workspace.classes.name_at(result.clustering, pixel),
        )
        self.hovered.native.show()

    def _show_class(self) -> None:
        """Tell the class of a pixel that stays under the mouse while classes change."""
        self._show_hovered(self._workspace.hover.pixel)
