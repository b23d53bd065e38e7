"""The rows of buttons below the color cloud: how it is seen, and what is selected."""

from functools import partial
from typing import Any

import numpy as np
from magicgui.widgets import Container, PushButton
from numpy.typing import NDArray

from .cloud_canvas import CloudCanvas
from .cloud_scene import CloudScene, principal_directions
from .cloud_view import CloudView
from .messages import report
from .workspace import Workspace

ORDINALS = ("1st", "2nd", "3rd")


class ViewButtons(Container):  # type: ignore[type-arg]
    """Turns the cloud to look along an axis, or where its points spread most.

    Parameters
    ----------
    canvas : CloudCanvas
    cloud : CloudView
        The cloud in the viewer's 3-D view.
    """

    def __init__(self, canvas: CloudCanvas, cloud: CloudView) -> None:
        self._canvas = canvas
        self._cloud = cloud
        self._scene: CloudScene | None = None
        self.axes = [PushButton(text=name) for name in ("-", "-", "-")]
        self.principal = [
            PushButton(
                text=name,
                tooltip=f"Look along the {name} principal axis of the points shown: "
                "they spread most along the 1st, so that the 3rd shows them broadest.",
            )
            for name in ORDINALS
        ]
        self.home = PushButton(text="Home", tooltip="Bring the whole cloud in view.")
        super().__init__(
            widgets=[*self.axes, *self.principal, self.home],
            layout="horizontal",
            labels=False,
        )
        self.margins = (0, 0, 0, 0)
        for axis in range(3):
            self.axes[axis].changed.connect(partial(self._look_along_axis, axis))
            self.principal[axis].changed.connect(partial(self._look_along_spread, axis))
        self.home.changed.connect(lambda: self._go_home())

    def show_scene(self, scene: CloudScene | None) -> None:
        """Take the scene that the canvas shows."""
        self._scene = scene
        names = ("", "", "") if scene is None else scene.space.names
        for axis, button in enumerate(self.axes):
            button.text = names[axis] or "-"
            button.enabled = bool(names[axis])
            if scene is not None:
                button.tooltip = f"Look along {scene.frame.names[axis]}."
        for button in self.principal:
            button.enabled = scene is not None and len(scene.points) > 0

    def _go_home(self) -> None:
        self._canvas.reset_view()
        self._cloud.bring_in_view()

    def _look_along(self, direction: NDArray[np.float64]) -> None:
        self._canvas.look_along(direction)
        self._cloud.look_along(direction)

    def _look_along_axis(self, axis: int) -> None:
        self._look_along(np.eye(3)[axis])

    def _look_along_spread(self, axis: int) -> None:
        if self._scene is not None:
            seen = self._scene.points @ self._scene.map[:3, :3]
            self._look_along(principal_directions(seen)[axis])


class SelectionButtons(Container):  # type: ignore[type-arg]
    """What is selected otherwise than in the cloud, and what becomes of it.

    Parameters
    ----------
    workspace : Workspace
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self.select_from = PushButton(
            text="Select from layer",
            tooltip="Select the pixels that the selected labels or shapes layer "
            "covers; of the clusters' own layers, those of the chosen label. As you "
            "paint, draw or choose another label there, the selection goes along, "
            "until you clear it or select something else.",
        )
        self.keep = PushButton(
            text="Keep", tooltip="Keep the selected pixels as a labels layer."
        )
        self.clear_selection = PushButton(text="Clear", tooltip="Select nothing.")
        super().__init__(
            widgets=[self.select_from, self.keep, self.clear_selection],
            layout="horizontal",
            labels=False,
        )
        self.margins = (0, 0, 0, 0)
        self.select_from.changed.connect(self._choose_layer)
        self.keep.changed.connect(lambda: workspace.selection.keep())
        self.clear_selection.changed.connect(lambda: workspace.selection.clear())

    def _choose_layer(self, _: Any = None) -> None:
        workspace = self._workspace
        try:
            workspace.selection.choose_layer(workspace.viewer.layers.selection.active)
        except ValueError as error:
            report(error)
