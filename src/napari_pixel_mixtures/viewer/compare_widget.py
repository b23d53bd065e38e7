"""Compare mixtures: the widget that sets several sizes side by side."""

import napari
from magicgui.widgets import LineEdit, PushButton
from napari.utils.notifications import show_error, show_info

from .forms import align_labels, ask_where_to_save, row, whole_numbers
from .job_widget import JobWidget
from .layers import COMPARISON
from .workspace import workspace_of


class CompareMixtures(JobWidget):
    """Fits mixtures of several sizes, shows them in the grid, and saves a figure.

    The other settings are those of Cluster pixels.

    Parameters
    ----------
    napari_viewer : napari.Viewer
    """

    def __init__(self, napari_viewer: napari.Viewer) -> None:
        self._workspace = workspace = workspace_of(napari_viewer)
        self.sizes = LineEdit(
            label="Components",
            value="2, 4, 10, 30",
            tooltip="Numbers of clusters to compare, a row for each. Image and other "
            "settings are those of Cluster pixels.",
        )
        self.compare = PushButton(
            text="Compare",
            tooltip="Fit a mixture of each size, and show picture, quantized and "
            "random colors in napari's grid.",
        )
        self.back = PushButton(
            text="Back to the picture",
            tooltip="Leave the grid; everything is as it was before.",
            enabled=False,
        )
        self.save = PushButton(
            text="Save figure...",
            tooltip="Save the comparison as one PNG picture.",
            enabled=False,
        )
        super().__init__("Stop the fits that are running.", widgets=[self.sizes])
        align_labels(self)
        for widget in (
            row("", self.compare, self.cancel),
            row("", self.back, self.save),
            self.progress,
            self.status,
        ):
            self.native.layout().addWidget(widget.native)
        self.compare.changed.connect(self._compare)
        self.back.changed.connect(lambda: workspace.comparison.leave())
        self.save.changed.connect(self._ask_and_save)
        self.follow_jobs(
            workspace.comparison, (workspace.stage.changed, self._show_holder)
        )
        self._show_end("")

    def _compare(self) -> None:
        def start() -> None:
            sizes = whole_numbers(self.sizes.value)
            self._workspace.comparison.start(self._workspace.request(), sizes)

        self.attempt(start)

    def _ask_and_save(self) -> None:
        path = ask_where_to_save(
            self.native, "Save figure", "mixtures.png", "PNG", "png"
        )
        if path:
            self.save_figure(path)

    def save_figure(self, path: str) -> None:
        """Save the comparison as one PNG; a missing suffix is added."""
        if not path.lower().endswith(".png"):
            path += ".png"
        try:
            self._workspace.comparison.save(path)
        except (OSError, ValueError) as error:
            show_error(str(error))
        else:
            show_info(f"Saved {path}.")

    def _show_end(self, text: str) -> None:
        super()._show_end(text)
        self.save.enabled = bool(self._workspace.comparison.results)
        self._show_holder(self._workspace.stage.holder)

    def _show_holder(self, holder: str | None) -> None:
        self.back.enabled = holder == COMPARISON
