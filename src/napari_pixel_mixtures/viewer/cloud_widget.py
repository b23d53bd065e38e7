"""Color cloud: the widget that shows the pixels as points."""

from dataclasses import replace
from functools import partial
from typing import Any

import napari
from magicgui.widgets import ComboBox, Container, FloatSlider, PushButton, SpinBox

from .cloud_buttons import SelectionButtons, ViewButtons
from .cloud_picture import CloudPicture
from .cloud_view import CloudSettings
from .docks import settle_in
from .forms import (
    align_labels,
    ask_where_to_save,
    follow,
    narrow,
    refill,
    row,
    show_within_bounds,
)
from .layers import CLOUD
from .messages import report
from .outline import TOOLS
from .result import Result
from .workspace import Workspace, workspace_of

RAW = "raw"
POOLED = "pooled"
COLOR_BY = {"automatic": None, "cluster": "cluster", "pixel": "pixel"}
ELLIPSOIDS = {"no ellipsoids": 0.0, "1 sigma": 1.0, "2 sigma": 2.0, "3 sigma": 3.0}
CHANNELS, PRINCIPAL, FEATURES = "channels", "principal components", "three features"
TITLE_OVERLAP = 5  # pixels by which the title of a dock covers what is in it


class ColorCloudView(Container):  # type: ignore[type-arg]
    """Shows the clustered pixels as points, beside the picture or in its place.

    Beside the picture they stand in a canvas of this widget's own; the button brings
    them into the viewer's 3-D view as a points layer, and back.

    Parameters
    ----------
    napari_viewer : napari.Viewer
    """

    def __init__(self, napari_viewer: napari.Viewer) -> None:
        self._workspace = workspace = workspace_of(napari_viewer)
        self.picture = CloudPicture(workspace)
        self.canvas = self.picture.canvas
        self.whiten = ComboBox(
            choices=partial(_whitenings, workspace),
            tooltip="Whitening: raw shows values as they are; pooled makes the mean "
            "covariance of the clusters a unit ball, so that clusters compare; a "
            "component shows only its pixels, whitened by its own covariance: if it is "
            "Gaussian, a round ball. Then a click on the picture shows the component "
            "there; Ctrl and a click does so from raw and pooled as well.",
        )
        self.axes = ComboBox(
            choices=[CHANNELS, PRINCIPAL, FEATURES],
            tooltip="What the axes are: the channels (R, G, B), the directions in "
            "which the features vary most, or any three features.",
        )
        self.features = [
            ComboBox(choices=partial(_feature_names, workspace), label=name)
            for name in ("x", "y", "z")
        ]
        self._features_row = row("", *self.features)
        self.ellipsoids = ComboBox(
            choices=list(ELLIPSOIDS),
            tooltip="Draw each Gaussian as the surface that lies so many standard "
            "deviations from its center: within 1, 2 and 3 of them lie 20, 74 and 97 % "
            "of a Gaussian in three dimensions.",
        )
        self.color_by = ComboBox(
            choices=list(COLOR_BY),
            tooltip="Color of each point: its cluster's, or its pixel's own. By itself "
            "that is the cluster's for all clusters, and the pixel's own for one.",
        )
        self.max_points = SpinBox(
            min=1,
            max=2_000_000,
            step=1000,
            value=workspace.cloud.settings.max_points,
            tooltip="More pixels are thinned to this number at random. More points "
            "show rare colors, and turn more slowly.",
        )
        self.point_size = FloatSlider(
            min=0.2,
            max=5.0,
            value=1.0,
            tooltip="Factor on the size of the points.",
        )
        self.tool = ComboBox(
            choices=list(TOOLS),
            tooltip="What the left mouse button does in the cloud: turn it, or select "
            "the pixels inside a drawn line or box, all of them and not only those "
            "shown. A click on a point selects its component. The right button and "
            "the wheel zoom, with Shift the left button moves.",
        )
        self.views = ViewButtons(self.canvas, workspace.cloud)
        self.selection = SelectionButtons(workspace)
        self.save = PushButton(
            text="Save...", tooltip="Save a still picture of the cloud as PNG."
        )
        self.show_cloud = PushButton(text="")
        self.more = PushButton(
            text="More",
            tooltip="Show or hide axes, points, views and selections.",
        )
        self._options = Container(
            widgets=[
                row("Axes", self.axes, self.color_by),
                self._features_row,
                row("Points", self.max_points, self.point_size),
                self.views,
                row("Selection", self.selection, self.save),
            ]
        )
        super().__init__()
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        """Leave the canvas all room but that of one row of fields."""
        for field, letters in ((self.whiten, 3), (self.ellipsoids, 9), (self.tool, 2)):
            narrow(field, letters)
        fields = row(
            "", self.whiten, self.ellipsoids, self.tool, self.show_cloud, self.more
        )
        fields.margins = self._options.margins = (4, 0, 4, 0)
        layout = self.native.layout()
        layout.setContentsMargins(0, TITLE_OVERLAP, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(fields.native)
        align_labels(self._options)
        self._options.native.layout().setSpacing(2)
        self._options.native.hide()
        self.more.native.setCheckable(True)
        self.more.native.toggled.connect(self._options.native.setVisible)
        layout.addWidget(self._options.native)
        layout.addWidget(self.picture, 1)

    def _connect(self) -> None:
        workspace = self._workspace
        for field in (
            *(self.whiten, self.axes, *self.features, self.ellipsoids),
            *(self.color_by, self.max_points, self.point_size),
        ):
            field.changed.connect(self._edit)
        self.show_cloud.changed.connect(self._toggle)
        self.tool.changed.connect(partial(setattr, workspace.pointer, "tool"))
        self.save.changed.connect(self._ask_and_save)
        follow(
            self,
            (workspace.result_changed, self._show_result),
            (workspace.cloud.changed, self._show_settings),
            (workspace.stage.changed, self._show_holder),
            (workspace.pointer.tool_changed, self._show_tool),
            (workspace.hover.clicked, self._whiten_clicked),
            (self.picture.scene_changed, self.views.show_scene),
            closed=workspace.cloud.leave,  # with the button that goes back
        )
        settle_in(self, beside=True)
        self._show_result(workspace.result)
        self._show_holder(workspace.stage.holder)
        self._show_tool(workspace.pointer.tool)
        self.views.show_scene(self.picture.scene)

    # ---- the user acts

    def _edit(self, _: Any = None) -> None:
        whiten = self.whiten.value
        axes: Any = CHANNELS
        if self.axes.value == PRINCIPAL:
            axes = "principal"
        elif self.axes.value == FEATURES and self.features[0].choices:
            axes = tuple(field.value for field in self.features)
        settings = CloudSettings(
            whiten=None if whiten == RAW else whiten,
            max_points=self.max_points.value,
            color_by=COLOR_BY[self.color_by.value],  # type: ignore[arg-type]
            point_size=self.point_size.value,
            axes=axes,
            deviations=ELLIPSOIDS[self.ellipsoids.value],
        )
        try:
            self._workspace.cloud.set(settings)
        except ValueError as error:
            self._show_settings(self._workspace.cloud.settings)
            report(error)

    def _whiten_clicked(self, label: int, with_ctrl: bool) -> None:
        """Show a component that was clicked in the picture, if it was meant so.

        By itself a click only goes from one component to another, so that nobody
        loses the view of all of them unawares.
        """
        cloud, holder = self._workspace.cloud, self._workspace.stage.holder
        one_alone = isinstance(cloud.settings.whiten, int)
        if holder is None and self.native.isVisible() and (one_alone or with_ctrl):
            cloud.set(replace(cloud.settings, whiten=label))

    def _toggle(self) -> None:
        cloud = self._workspace.cloud
        if cloud.shown:
            cloud.leave()
            return
        try:
            cloud.show()
        except ValueError as error:
            self.picture.say(str(error))
            report(error)

    def _ask_and_save(self) -> None:
        path = ask_where_to_save(self.native, "Save picture", "cloud.png", "PNG", "png")
        if path:
            self.picture.save(path)

    # ---- the workspace changed

    def reset_choices(self, *_: Any) -> None:
        """Show what can be chosen now; napari calls it as layers come and go.

        Without a word: axes that are refilled one by one are for a moment of two
        results.
        """
        for field in (self.whiten, *self.features):
            refill(field)

    def _show_result(self, result: Result | None) -> None:
        self.reset_choices()
        names = self.features[0].choices
        if len({field.value for field in self.features}) == 1:  # nobody chose them
            for axis, field in enumerate(self.features[: len(names)]):
                with field.changed.blocked():
                    field.value = names[axis]
        self._show_settings(self._workspace.cloud.settings)

    def _show_settings(self, settings: CloudSettings) -> None:
        whiten = RAW if settings.whiten is None else settings.whiten
        axes = {CHANNELS: CHANNELS, "principal": PRINCIPAL}.get(
            settings.axes if isinstance(settings.axes, str) else "", FEATURES
        )
        shown = [
            (self.whiten, whiten if whiten in self.whiten.choices else RAW),
            (self.axes, axes),
            (self.ellipsoids, _key(ELLIPSOIDS, settings.deviations)),
            (self.color_by, _key(COLOR_BY, settings.color_by)),
            (self.max_points, settings.max_points),
            (self.point_size, settings.point_size),
        ]
        if isinstance(settings.axes, tuple):
            shown += zip(self.features, settings.axes, strict=True)
        for field, value in shown:
            with field.changed.blocked():
                show_within_bounds(field, value)
        self._features_row.visible = axes == FEATURES

    def _show_tool(self, tool: str) -> None:
        with self.tool.changed.blocked():
            self.tool.value = tool

    def _show_holder(self, holder: str | None) -> None:
        shown = holder == CLOUD
        self.show_cloud.text = "2-D" if shown else "3-D"
        self.show_cloud.tooltip = (
            "Restore the view as it was before the cloud."
            if shown
            else "Show the points in the viewer's own 3-D view, in place of the "
            "picture; the same button brings the picture back."
        )


def _key(choices: dict[str, Any], value: Any) -> str:
    return next(key for key, known in choices.items() if known == value)


def _whitenings(workspace: Workspace, _: Any) -> list[tuple[str, Any]]:
    choices: list[tuple[str, Any]] = [(RAW, RAW), (POOLED, POOLED)]
    if workspace.result is not None:
        shares = workspace.result.clustering.table()["share"]
        choices += [
            (f"only {label} ({share:.1%})", label)
            for label, share in enumerate(shares, start=1)
        ]
    return choices


def _feature_names(workspace: Workspace, _: Any) -> list[str]:
    if workspace.result is None:
        return []
    return list(workspace.result.clustering.feature_names)
