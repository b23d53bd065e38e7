"""How sure?: the widget that shows how certain the mixture is of each pixel."""

from functools import partial

import napari
from magicgui.widgets import Container, Label, ProgressBar, PushButton, SpinBox
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout, QLabel, QWidget
from superqt import QLabeledDoubleSlider

from .certainty_maps import ENTROPY, LARGEST, LOG_DENSITY, POSTERIOR
from .forms import follow, row, thin, wrapping
from .messages import report
from .worker import Step
from .workspace import workspace_of

MOST_UNLIKELY = 50.0  # per cent of the pixels that the slider reaches
THRESHOLD = "choosing a threshold"
BUTTONS = {
    LARGEST: (
        "Largest posterior",
        "The probability of each pixel's likeliest component: low on borders between "
        "components.",
    ),
    ENTROPY: (
        "Entropy",
        "How undecided each pixel is, in bits: 0 if one component is certain, 1 "
        "between two that are as probable.",
    ),
    LOG_DENSITY: (
        "Log-density",
        "How likely each pixel is under the whole mixture: low for what no component "
        "describes.",
    ),
}


class HowSure(Container):  # type: ignore[type-arg]
    """Maps of certainty as image layers, and a class for what is like no component.

    Parameters
    ----------
    napari_viewer : napari.Viewer
    """

    def __init__(self, napari_viewer: napari.Viewer) -> None:
        self._workspace = workspace_of(napari_viewer)
        self.maps = {
            kind: PushButton(text=text, tooltip=f"Add an image layer. {tip}")
            for kind, (text, tip) in BUTTONS.items()
        }
        self.component = SpinBox(
            value=1, min=1, max=255, tooltip="Which component, by its label."
        )
        self.posterior = PushButton(
            text="Posterior of component",
            tooltip="Add an image layer: the probability of this component at each "
            "pixel.",
        )
        self.refits = SpinBox(
            value=10, min=1, max=1000, tooltip="How many other seeds to fit from."
        )
        self.stability = PushButton(
            text="Stability over seeds",
            tooltip="Fit again from other seeds, and add an image layer: the share of "
            "these fits in which each pixel keeps its label.",
        )
        self.cancel = PushButton(
            text="Cancel", tooltip="Stop; layers stay as they are.", enabled=False
        )
        self.threshold = QLabeledDoubleSlider(Qt.Orientation.Horizontal)
        self.threshold.setRange(0.0, MOST_UNLIKELY)
        self.threshold.setSingleStep(0.1)  # type: ignore[arg-type]
        self.threshold.setDecimals(1)
        tip = (
            "The least likely pixels, this percentage of them, become none of the "
            "classes: label 0 in the layer of classes."
        )
        self.threshold.setToolTip(tip)
        self.progress = thin(ProgressBar(min=0, max=1000, value=0))
        self.status = wrapping(Label(value=""))
        super().__init__(widgets=[])
        layout = self.native.layout()
        layout.setSpacing(2)
        layout.addWidget(row("", *self.maps.values()).native)
        layout.addWidget(row("", self.posterior, self.component).native)
        layout.addWidget(row("", self.stability, self.refits, self.cancel).native)
        line = QWidget()
        inner = QHBoxLayout(line)
        inner.setContentsMargins(0, 0, 0, 0)
        title = QLabel("None of these, %")
        title.setToolTip(tip)
        inner.addWidget(title)
        inner.addWidget(self.threshold, 1)
        layout.addWidget(line)
        layout.addWidget(self.progress.native)
        layout.addWidget(self.status.native)
        layout.addStretch(1)
        self._connect()

    def _connect(self) -> None:
        workspace = self._workspace
        maps, classes = workspace.maps, workspace.classes
        follow(
            self,
            (maps.stepped, self._show_step),
            (maps.finished, self._show_end),
            (classes.changed, self._show),
        )
        for kind, button in self.maps.items():
            button.changed.connect(partial(self._add, kind))
        self.posterior.changed.connect(partial(self._add, POSTERIOR))
        self.stability.changed.connect(lambda: self._add_stability())
        self.cancel.changed.connect(lambda: maps.cancel())
        self.threshold.sliderPressed.connect(classes.end_step)
        self.threshold.valueChanged.connect(self._set_threshold)
        self.threshold.sliderReleased.connect(classes.end_step)
        self._show()
        self._show_end("")

    def _add(self, kind: str, _: object = None) -> None:
        try:
            self._workspace.maps.show(kind, self.component.value)
        except ValueError as error:
            self._show_end(str(error))
            report(error)

    def _add_stability(self) -> None:
        try:
            self._workspace.maps.show_stability(self.refits.value)
        except ValueError as error:
            self._show_end(str(error))
            report(error)

    def _set_threshold(self, percent: float) -> None:
        step = THRESHOLD if self.threshold.isSliderDown() else None
        self._workspace.classes.set_quantile(percent / 100, step)

    def _show(self) -> None:
        result = self._workspace.classes.result
        percent = 0.0 if result is None else 100 * result.quantile
        self.threshold.blockSignals(True)
        self.threshold.setRange(0.0, max(MOST_UNLIKELY, percent))
        if not self.threshold.isSliderDown():  # else it would be rounded in the hand
            self.threshold.setValue(percent)
        self.threshold.blockSignals(False)
        self.threshold.setEnabled(result is not None)
        if result is not None:
            self.component.max = result.clustering.n_components

    def _show_step(self, step: Step) -> None:
        self.status.value = step.text
        self.progress.value = round(1000 * step.fraction)
        self.cancel.enabled = True

    def _show_end(self, text: str) -> None:
        self.status.value = text
        self.progress.value = 0
        self.cancel.enabled = False
