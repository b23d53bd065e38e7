"""Keep and apply: the widget that saves models and uses them elsewhere."""

from functools import partial
from typing import Any

import napari
from magicgui.widgets import ComboBox, Container, PushButton
from napari.layers import Image
from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import QFileDialog

from .forms import align_labels, ask_where_to_save, refill, row
from .job_widget import JobWidget
from .model_keeper import OUTPUT
from .workspace import Workspace, workspace_of

MODEL, SUFFIX = "Model", "json"
NO_OTHER = "no other image is open"


class KeepAndApply(JobWidget):
    """Copies, saves and loads the model of the last fit, and labels others by it.

    Parameters
    ----------
    napari_viewer : napari.Viewer
    """

    def __init__(self, napari_viewer: napari.Viewer) -> None:
        self._workspace = workspace = workspace_of(napari_viewer)
        self.copy = PushButton(
            text="Copy as Python",
            tooltip="Put lines on the clipboard that give the same labels in napari's "
            "console.",
        )
        self.save = PushButton(
            text="Save...",
            tooltip="Save the model to a JSON file: features, settings, seed, mask, "
            "the fitted parameters, classes and versions.",
        )
        self.load = PushButton(
            text="Load...",
            tooltip="Read a model from a file, take its settings, and label the image "
            "by it. Nothing in the file is run.",
        )
        self.image = ComboBox(
            label="Image",
            choices=partial(_other_images, workspace),
            tooltip="Another image to label by this model. Select several gray images "
            "in the layer list to find them here as the channels of one.",
        )
        self.apply = PushButton(
            text="Apply",
            tooltip="Label this image by the model; nothing is fitted.",
        )
        self.folder = PushButton(
            text="Apply to folder...",
            tooltip="Label all images of a folder, as TIFF, with their tables as CSV, "
            f"in a folder {OUTPUT!r} within it. A run that was stopped goes on where "
            "it stopped.",
        )
        super().__init__("Stop; what was written to a folder stays.")
        layout = self.native.layout()
        layout.setSpacing(2)
        layout.addWidget(row("", self.copy, self.save, self.load).native)
        self.image.native.setPlaceholderText(NO_OTHER)
        form = Container(widgets=[self.image], labels=True)
        form.margins = (0, 0, 0, 0)
        align_labels(form)
        layout.addWidget(form.native)
        for widget in (
            row("", self.apply, self.folder, self.cancel),
            self.progress,
            self.status,
        ):
            layout.addWidget(widget.native)
        layout.addStretch(1)
        self._connect()

    def _connect(self) -> None:
        workspace, keeper = self._workspace, self._workspace.keeper
        self.follow_jobs(
            keeper,
            (workspace.images_changed, self._show_images),
            (workspace.image_changed, self._show_images),
            (workspace.classes.changed, self._show_images),
        )
        self.copy.changed.connect(lambda: self._on_copy())
        self.save.changed.connect(lambda: self._on_save())
        self.load.changed.connect(lambda: self._on_load())
        self.apply.changed.connect(lambda: self._on_apply())
        self.folder.changed.connect(lambda: self._on_apply_to_folder())
        self._show_images()

    # ---- what the buttons do

    def _on_copy(self) -> None:
        text = self.attempt(self._workspace.keeper.python)
        clipboard = QGuiApplication.clipboard()
        if text is not None and clipboard is not None:
            clipboard.setText(text)
            n = text.count("\n") + 1
            self._show_end(
                f"{n} lines are on the clipboard; they give these labels in the "
                "console."
            )

    def _on_save(self) -> None:
        result = self._workspace.classes.result
        name = "model" if result is None else f"{result.image.name} model"
        path = ask_where_to_save(
            self.native, "Save the model", f"{name}.{SUFFIX}", MODEL, SUFFIX
        )
        if path:
            self.attempt(partial(self._workspace.keeper.save, path))

    def _on_load(self) -> None:
        files = f"{MODEL} (*.{SUFFIX})"
        path, _ = QFileDialog.getOpenFileName(self.native, "Load a model", "", files)
        if path:
            self.attempt(partial(self._workspace.keeper.load, path))

    def _on_apply(self) -> None:
        keeper, image = self._workspace.keeper, self.image.value
        self.attempt(lambda: keeper.apply(keeper.model(), image))

    def _on_apply_to_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self.native, "A folder of images")
        if folder:
            self.attempt(partial(self._workspace.keeper.apply_to_folder, folder))

    # ---- what is shown

    def reset_choices(self, *_: Any) -> None:
        """Show the images that are open now; napari calls it as layers come and go."""
        self._show_images()

    def _show_images(self, *_: Any) -> None:
        refill(self.image)
        there = self._workspace.classes.result is not None
        self.copy.enabled = self.save.enabled = self.folder.enabled = there
        self.apply.enabled = there and self.image.value is not None
        self.load.enabled = self._workspace.image is not None


def _other_images(
    workspace: Workspace, _: Any
) -> list[tuple[str, Image | tuple[Image, ...]]]:
    """List the images, and channels together, but those that the model comes from."""
    result = workspace.result
    own: Any = () if result is None else result.source.layers
    return [
        (name, chosen)
        for name, chosen in workspace.choice.offers()
        if (chosen if isinstance(chosen, tuple) else (chosen,)) != own
    ]
