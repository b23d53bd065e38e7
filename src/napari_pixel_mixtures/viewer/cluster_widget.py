"""Cluster pixels: the widget that fits."""

from functools import partial
from typing import Any

import napari
from magicgui.widgets import (
    CheckBox,
    ComboBox,
    Container,
    Label,
    LineEdit,
    ProgressBar,
    PushButton,
    create_widget,
)
from magicgui.widgets.bases import ValueWidget
from napari.layers import Image, Layer
from superqt import QCollapsible

from napari_pixel_mixtures.mixture import warm_up
from napari_pixel_mixtures.recipe import COVARIANCE_TYPES, Recipe

from .docks import settle_in
from .feature_list import FeatureList
from .fields import FIELDS, edited, values
from .forms import align_labels, follow, refill, row, show_within_bounds, thin, wrapping
from .keys import REDO_KEY, UNDO_KEY
from .messages import report
from .segments_form import SegmentsForm
from .status import Status
from .workspace import Workspace, workspace_of

MORE_FIELDS = (
    *("smoothing", "random_state", "scaling", "init_params"),
    *("tol", "max_iter", "reg_covar"),
)
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
            tooltip="The image to cluster; it follows the selected layer. Select "
            "several gray images of the same pixels in the layer list to have them as "
            "the channels of one.",
        )
        self.mask = ComboBox(
            label="Mask",
            choices=partial(_mask_choices, workspace),
            nullable=True,
            tooltip="Cluster only the pixels that a labels or shapes layer covers; the "
            "others get label 0. Moving shapes fits again if Live is on; after "
            "painting press Fit.",
        )
        self.axes = LineEdit(
            label="Axes",
            tooltip="What the axes of the image are, the first axis first: x, y and z "
            "in space, t for time, c for channels. Write t y x where a stack is a time "
            "series, so that filters stay within its planes.",
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
        settings = Container(
            widgets=[self.mask, self.axes, *(self._fields[n] for n in MORE_FIELDS)]
        )
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
            (workspace.image_changed, self._warm_up),
            (workspace.mask_changed, self._show_mask),
            (workspace.recipe_changed, self._show_recipe),
            (workspace.live_changed, self._show_live),
            (workspace.status_changed, self._show_status),
            (workspace.undo_stack.changed, self._show_undo),
        )
        for name, field in self._fields.items():
            field.changed.connect(partial(self._edit, name))
        self.image.changed.connect(self._choose_image)
        self.mask.changed.connect(workspace.set_mask)
        self.axes.native.editingFinished.connect(self._name_axes)
        self.live.changed.connect(workspace.set_live)
        self.fit.changed.connect(lambda: workspace.fit())
        self.cancel.changed.connect(lambda: workspace.cancel())
        self.undo.changed.connect(lambda: workspace.undo())
        self.redo.changed.connect(lambda: workspace.redo())
        self.reshuffle.changed.connect(lambda: workspace.reshuffle())
        settle_in(self)
        self._show_images()
        self._show_recipe(workspace.recipe)
        self._show_status(workspace.status)
        self._show_undo()
        self._warm_up()

    def _warm_up(self, _: Image | None = None) -> None:
        """Compile while the person chooses settings: no fit shall wait for it."""
        n, dtype = self._workspace.choice.measured()
        first = self._workspace.recipe.covariance_type
        types = (first, *(each for each in COVARIANCE_TYPES if each != first))
        warm_up((n, n + 2), types, dtype)  # its channels; with X and Y

    def _edit(self, name: str, value: Any) -> None:
        self._workspace.set_recipe(edited(self._workspace.recipe, **{name: value}))

    def _choose_image(self, image: Image | tuple[Image, ...] | None) -> None:
        try:
            self._workspace.set_image(image)
        except ValueError as error:
            self._refuse(error)

    def _name_axes(self) -> None:
        try:
            self._workspace.set_axes(self.axes.value)
        except ValueError as error:
            self._refuse(error)

    def _refuse(self, error: Exception) -> None:
        """Say what is wrong, and show what still holds."""
        self._show_image()
        self.status.value = str(error)
        report(error)

    def reset_choices(self, *_: Any) -> None:
        """Show the layers that are open now; napari calls it as they come and go."""
        self._show_images()

    def _show_images(self) -> None:
        refill(self.image)
        self._show_image()
        refill(self.mask)
        self._show_mask(self._workspace.masks.layer)

    def _show_image(self, _: Image | None = None) -> None:
        choice = self._workspace.choice
        if choice.chosen in self.image.choices:  # else it is just being removed
            with self.image.changed.blocked():
                self.image.value = choice.chosen
        self.axes.value = choice.axes_text()

    def _show_mask(self, layer: Layer | None) -> None:
        if layer in self.mask.choices:  # else it is just being removed
            with self.mask.changed.blocked():
                self.mask.value = layer

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


def _image_choices(workspace: Workspace, _: Any) -> list[tuple[str, Any]]:
    return list(workspace.choice.offers())


def _mask_choices(workspace: Workspace, _: Any) -> list[tuple[str, Layer]]:
    return [(layer.name, layer) for layer in workspace.masks.layers()]


def _field(name: str, value: Any) -> ValueWidget[Any]:
    field: ValueWidget[Any] = create_widget(  # type: ignore[assignment]
        value, name=name, options=dict(FIELDS[name])
    )
    return field
