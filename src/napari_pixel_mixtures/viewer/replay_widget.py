"""EM step by step: the widget that replays a fit."""

import napari
from magicgui.widgets import Container, Label, PushButton, Slider

from .curve import Curve
from .docks import settle_in
from .forms import align_labels, follow, row, wrapping
from .workspace import workspace_of

NOTHING = "Press Fit in Cluster pixels first."
APPLIED = (
    "These labels were made by a model that was loaded, applied or chosen among "
    "others; nothing was fitted for them, so there are no iterations to replay. Press "
    "Fit in Cluster pixels to fit this image."
)
OUTDATED = (
    "The image has other data than when it was fitted. Press Fit in Cluster pixels to "
    "fit it as it is."
)


class ReplayFit(Container):  # type: ignore[type-arg]
    """Replays labels, cloud and Gaussians of the last fit, iteration by iteration.

    Parameters
    ----------
    napari_viewer : napari.Viewer
    """

    def __init__(self, napari_viewer: napari.Viewer) -> None:
        self._workspace = workspace = workspace_of(napari_viewer)
        self._replaying = replaying = workspace.replaying
        self.iteration = Slider(
            label="Iteration",
            min=1,
            max=1,
            enabled=False,
            tooltip="Show the clusters as they were after this iteration. A fit from a "
            "poor start (Cluster pixels > More settings > Start: random) has more of "
            "them.",
        )
        self.play = PushButton(text="Play", tooltip="Show one iteration after another.")
        self.end = PushButton(text="End", tooltip="Show the fit as it ended.")
        self.status = wrapping(Label(value=""))
        self.curve = Curve("iteration", "mean log-likelihood of a pixel")
        self.curve.setToolTip("The mean log-likelihood of a pixel at each iteration.")
        super().__init__(widgets=[self.iteration])
        align_labels(self)
        layout = self.native.layout()
        layout.addWidget(self.curve)
        for widget in (row("", self.play, self.end), self.status):
            layout.addWidget(widget.native)
        self.iteration.changed.connect(self._go)
        self.play.changed.connect(self._toggle)
        self.end.changed.connect(lambda _: replaying.end())
        follow(self, (replaying.changed, self._show), closed=replaying.leave)
        settle_in(self)
        replaying.watch()
        self._show()

    def _go(self, iteration: int) -> None:
        try:
            self._replaying.go(iteration)
        except ValueError:  # the data were replaced since
            self._show()

    def _toggle(self) -> None:
        if self._replaying.playing:
            self._replaying.pause()
        else:
            self._replaying.play()

    def _show(self) -> None:
        replaying = self._replaying
        n, iteration = len(replaying), replaying.iteration
        for field in (self.iteration, self.play, self.end):
            field.enabled = n > 0
        with self.iteration.changed.blocked():
            self.iteration.max = max(n, 1)
            self.iteration.value = max(min(iteration, n), 1)
        self.play.text = "Pause" if replaying.playing else "Play"
        self.curve.show_values(replaying.log_likelihoods, max(iteration - 1, 0))
        if n == 0:
            self.status.value = self._nothing()
            return
        self.status.value = (
            f"Iteration {iteration} of {n}: mean log-likelihood "
            f"{replaying.log_likelihoods[iteration - 1]:.4f}"
        )

    def _nothing(self) -> str:
        """Say why there is nothing to replay."""
        result = self._workspace.result
        if result is None:
            return NOTHING
        return APPLIED if result.current else OUTDATED
