"""Color cloud: the widget that shows the pixels as points."""

from functools import partial
from typing import Any

import napari
from magicgui.widgets import (
    ComboBox,
    Container,
    FloatSlider,
    Label,
    PushButton,
    SpinBox,
)
from napari.utils.notifications import show_error

from .cloud_view import CloudSettings
from .forms import align_labels, follow
from .layers import CLOUD
from .result import Result
from .workspace import Workspace, workspace_of

RAW = "raw"
POOLED = "pooled"
COLOR_BY = {"automatic": None, "cluster": "cluster", "pixel": "pixel"}


class ColorCloudView(Container):  # type: ignore[type-arg]
    """Shows the clustered pixels as points in the viewer's 3-D view, and back.

    Parameters
    ----------
    napari_viewer : napari.Viewer
    """

    def __init__(self, napari_viewer: napari.Viewer) -> None:
        self._workspace = workspace = workspace_of(napari_viewer)
        self.whiten = ComboBox(
            label="Whitening",
            choices=partial(_whitenings, workspace),
            tooltip="raw shows channel values as they are; pooled makes the mean "
            "covariance of the clusters a unit ball, so that clusters compare; a "
            "component shows only its pixels, whitened by its own covariance: if it "
            "is Gaussian, a round ball.",
        )
        self.color_by = ComboBox(
            label="Color by",
            choices=list(COLOR_BY),
            tooltip="Color of each point: its cluster's, or its pixel's own. By itself "
            "that is the cluster's for all clusters, and the pixel's own for one.",
        )
        self.max_points = SpinBox(
            label="Points",
            min=1,
            max=2_000_000,
            step=1000,
            value=workspace.cloud.settings.max_points,
            tooltip="More pixels are thinned to this number at random. More points "
            "show rare colors, and turn more slowly.",
        )
        self.point_size = FloatSlider(
            label="Point size",
            min=0.2,
            max=5.0,
            value=1.0,
            tooltip="Factor on the size of the points.",
        )
        self.show_cloud = PushButton(text="")
        self.status = Label(value="")
        super().__init__(
            widgets=[self.whiten, self.color_by, self.max_points, self.point_size]
        )
        align_labels(self)
        for widget in (self.show_cloud, self.status):
            self.native.layout().addWidget(widget.native)
        self.status.native.setWordWrap(True)
        for field in (self.whiten, self.color_by, self.max_points, self.point_size):
            field.changed.connect(self._edit)
        self.show_cloud.changed.connect(self._toggle)
        follow(
            self,
            (workspace.result_changed, self._show_result),
            (workspace.cloud.changed, self._show_settings),
            (workspace.stage.changed, self._show_holder),
        )
        self._show_result(workspace.result)
        self._show_holder(workspace.stage.holder)

    def _edit(self, _: Any = None) -> None:
        whiten = self.whiten.value
        settings = CloudSettings(
            whiten=None if whiten == RAW else whiten,
            max_points=self.max_points.value,
            color_by=COLOR_BY[self.color_by.value],  # type: ignore[arg-type]
            point_size=self.point_size.value,
        )
        try:
            self._workspace.cloud.set(settings)
        except ValueError as error:
            show_error(str(error))

    def _toggle(self) -> None:
        if self._workspace.cloud.shown:
            self._workspace.cloud.leave()
            return
        try:
            self._workspace.cloud.show()
        except ValueError as error:
            self.status.value = str(error)
            show_error(str(error))

    def _show_result(self, result: Result | None) -> None:
        self.status.value = (
            "Press Fit in Cluster pixels first."
            if result is None
            else f"The pixels of {result.image.name}."
        )
        with self.whiten.changed.blocked():
            self.whiten.reset_choices()
        self._show_settings(self._workspace.cloud.settings)

    def _show_settings(self, settings: CloudSettings) -> None:
        color_by = next(k for k, v in COLOR_BY.items() if v == settings.color_by)
        whiten = RAW if settings.whiten is None else settings.whiten
        for field, value in (
            (self.whiten, whiten if whiten in self.whiten.choices else RAW),
            (self.color_by, color_by),
            (self.max_points, settings.max_points),
            (self.point_size, settings.point_size),
        ):
            with field.changed.blocked():
                field.value = value

    def _show_holder(self, holder: str | None) -> None:
        shown = holder == CLOUD
        self.show_cloud.text = "Back to the picture" if shown else "Show the cloud"
        self.show_cloud.tooltip = (
            "Restore the view as it was before the cloud."
            if shown
            else "Show the pixels in 3-D; the same button brings the picture back."
        )


def _whitenings(workspace: Workspace, _: Any) -> list[tuple[str, Any]]:
    choices: list[tuple[str, Any]] = [(RAW, RAW), (POOLED, POOLED)]
    if workspace.result is not None:
        shares = workspace.result.clustering.table()["share"]
        choices += [
            (f"component {label} ({share:.1%})", label)
            for label, share in enumerate(shares, start=1)
        ]
    return choices
