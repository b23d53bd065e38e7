"""Cluster pixels: the widget that fits."""

from functools import partial
from typing import Any

import napari
from magicgui.widgets import (
    CheckBox,
    ComboBox,
    Container,
    Label,
    ProgressBar,
    PushButton,
    create_widget,
)
from magicgui.widgets.bases import ValueWidget
from napari.layers import Image
from superqt import QCollapsible

from napari_pixel_mixtures.mixture import warm_up
from napari_pixel_mixtures.recipe import Recipe

from .feature_list import FeatureList
from .fields import FIELDS, edited, values
from .forms import align_labels, follow, refill, row, show_within_bounds, thin, wrapping
from .segments_form import SegmentsForm
from .workspace import REDO_KEY, UNDO_KEY, Status, Workspace, workspace_of

MORE_FIELDS = ("random_state", "scaling", "init_params", "tol", "max_iter", "reg_covar")
FEATURES_PLACE = 3  # below the image, the components and the covariance


class ClusterPixels(Container):  # type: ignore[type-arg]
    """Settings of a mixture, and buttons to fit it to the pixels of an image.

    A view of the viewer's workspace: what is set in one is shown in all.

    Parameters
    ----------
    napari_viewer : napari.Viewer
    """

    def __init__(self, napari_viewer: napari.Viewer) -> None:
        self._workspace = workspace = workspace_of(napari_viewer)
        self.image = ComboBox(
            label="Image",
            choices=partial(_image_choices, workspace),
            tooltip="The image to cluster; it follows the selected layer.",
        )
        self._fields = {
            name: _field(name, value)
            for name, value in values(workspace.recipe).items()
        }
        for name, field in self._fields.items():
            setattr(self, name, field)
        self.live = CheckBox(
            text="Live",
            value=workspace.live,
            tooltip="After the first fit, every change of a setting fits again by "
            "itself, for images of up to 4 million pixels.",
        )
        self.fit = PushButton(
            text="Fit", tooltip="Fit the mixture and show the labels."
        )
        self.cancel = PushButton(
            text="Cancel",
            tooltip="Stop the fit that is running; layers stay as they are.",
            enabled=False,
        )
        self.undo = PushButton(
            text="Undo",
            tooltip=f"Go back to the fit before ({UNDO_KEY}).",
            enabled=False,
        )
        self.redo = PushButton(
            text="Redo",
            tooltip=f"Go forth again to the fit after ({REDO_KEY}).",
            enabled=False,
        )
        self.reshuffle = PushButton(
            text="Reshuffle",
            tooltip="Deal out the random colors anew. They show how separate clusters "
            "look when we ignore how alike their colors are.",
        )
        self.progress = thin(ProgressBar(min=0, max=1000, value=0))
        self.status = wrapping(Label(value=""))
        super().__init__(
            widgets=[
                self.image,
                self._fields["n_components"],
                self._fields["covariance_type"],
            ],
        )
        settings = Container(widgets=[self._fields[n] for n in MORE_FIELDS])
        self.segments = SegmentsForm(workspace)
        for form in (self, settings, self.segments):
            align_labels(form)
        more = QCollapsible("More settings")
        more.addWidget(settings.native)
        more.addWidget(self.segments.native)
        inner = more.layout()
        assert inner is not None
        inner.setContentsMargins(0, 0, 0, 0)
        outer = self.native.layout()
        outer.setSpacing(2)
        self.features = FeatureList(workspace)
        outer.insertWidget(FEATURES_PLACE, self.features)
        outer.addWidget(more)
        for widget in (
            row(
                "",
                self.fit,
                self.cancel,
                self.undo,
                self.redo,
                self.reshuffle,
                self.live,
            ),
            self.progress,
            self.status,
        ):
            outer.addWidget(widget.native)
        self._connect()

    def _connect(self) -> None:
        workspace = self._workspace
        follow(
            self,
            (workspace.images_changed, self._show_images),
            (workspace.image_changed, self._show_image),
            (workspace.recipe_changed, self._show_recipe),
            (workspace.live_changed, self._show_live),
            (workspace.status_changed, self._show_status),
            (workspace.undo_stack.changed, self._show_undo),
        )
        for name, field in self._fields.items():
            field.changed.connect(partial(self._edit, name))
        self.image.changed.connect(workspace.set_image)
        self.live.changed.connect(workspace.set_live)
        self.fit.changed.connect(lambda: workspace.fit())
        self.cancel.changed.connect(lambda: workspace.cancel())
        self.undo.changed.connect(lambda: workspace.undo())
        self.redo.changed.connect(lambda: workspace.redo())
        self.reshuffle.changed.connect(lambda: workspace.labels.reshuffle())
        self._show_images()
        self._show_recipe(workspace.recipe)
        self._show_status(workspace.status)
        self._show_undo()
        # While the person chooses settings: the first fit shall not wait for it.
        warm_up()

    def _edit(self, name: str, value: Any) -> None:
        self._workspace.set_recipe(edited(self._workspace.recipe, **{name: value}))

    def reset_choices(self, *_: Any) -> None:
        """Show the images that are open now; napari calls it as layers come and go."""
        self._show_images()

    def _show_images(self) -> None:
        refill(self.image)
        self._show_image(self._workspace.image)

    def _show_image(self, image: Image | None) -> None:
        if image in self.image.choices:  # else it is just being removed
            with self.image.changed.blocked():
                self.image.value = image

    def _show_recipe(self, recipe: Recipe) -> None:
        for name, value in values(recipe).items():
            with self._fields[name].changed.blocked():
                show_within_bounds(self._fields[name], value)

    def _show_live(self, live: bool) -> None:
        with self.live.changed.blocked():
            self.live.value = live

    def _show_status(self, status: Status) -> None:
        busy = status.fraction is not None
        self.status.value = status.text
        self.progress.value = round(1000 * (status.fraction or 0.0))
        self.cancel.enabled = busy

    def _show_undo(self) -> None:
        self.undo.enabled = self._workspace.undo_stack.can_undo
        self.redo.enabled = self._workspace.undo_stack.can_redo


def _image_choices(workspace: Workspace, _: Any) -> list[tuple[str, Image]]:
    return [(image.name, image) for image in workspace.images()]


def _field(name: str, value: Any) -> ValueWidget[Any]:
    field: ValueWidget[Any] = create_widget(  # type: ignore[assignment]
        value, name=name, options=dict(FIELDS[name])
    )
    return field
