"""How sure?: the widget that shows how certain the mixture is of each pixel."""

from functools import partial

import napari
from magicgui.widgets import Label, PushButton, SpinBox
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout, QLabel, QWidget
from superqt import QLabeledDoubleSlider

from .certainty_jobs import ENTROPY, LARGEST, LOG_DENSITY, POSTERIOR
from .forms import row, wrapping
from .job_widget import JobWidget
from .workspace import workspace_of

MOST_UNLIKELY = 50.0  # per cent of the pixels that the slider reaches
THRESHOLD = "choosing a threshold"
PAIR_WIDTH = 152  # pixels of buttons that have a number beside them
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


class HowSure(JobWidget):
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
            text="Component posterior",
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
        self.threshold = QLabeledDoubleSlider(Qt.Orientation.Horizontal)
        self.threshold.setRange(0.0, MOST_UNLIKELY)
        self.threshold.setSingleStep(0.1)  # type: ignore[arg-type]
        self.threshold.setDecimals(1)
        tip = (
            "The least likely pixels, this percentage of them, become a class of "
            'their own, "none of these": the last row of Classes.'
        )
        self.threshold.setToolTip(tip)
        self.off = PushButton(
            text="Off", tooltip="Take the threshold away: every pixel is of a class."
        )
        # A model's threshold may be one that no pixel lies below: the slider is at 0.
        self.below = wrapping(Label(value="", visible=False))
        super().__init__("Stop; layers stay as they are.")
        layout = self.native.layout()
        layout.setSpacing(2)
        for button in (self.posterior, self.stability):
            button.native.setFixedWidth(PAIR_WIDTH)
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
        inner.addWidget(self.off.native)
        layout.addWidget(line)
        layout.addWidget(self.below.native)
        layout.addWidget(self.progress.native)
        layout.addWidget(self.status.native)
        layout.addStretch(1)
        self._connect()

    def _connect(self) -> None:
        workspace = self._workspace
        maps, classes = workspace.maps, workspace.classes
        self.follow_jobs(maps, (classes.changed, self._show))
        for kind, button in self.maps.items():
            button.changed.connect(partial(self._add, kind))
        self.posterior.changed.connect(partial(self._add, POSTERIOR))
        self.stability.changed.connect(lambda: self._add_stability())
        self.threshold.sliderPressed.connect(classes.end_step)
        self.threshold.valueChanged.connect(self._set_threshold)
        self.threshold.sliderReleased.connect(classes.end_step)
        self.off.changed.connect(lambda: self._set_threshold(0.0))
        self._show()

    def _add(self, kind: str, _: object = None) -> None:
        self.attempt(partial(self._workspace.maps.show, kind, self.component.value))

    def _add_stability(self) -> None:
        self.attempt(partial(self._workspace.maps.show_stability, self.refits.value))

    def _set_threshold(self, percent: float) -> None:
        step = THRESHOLD if self.threshold.isSliderDown() else None
        set_quantile = self._workspace.classes.set_quantile
        self.attempt(partial(set_quantile, percent / 100, step))
        self._show()

    def _show(self) -> None:
        result = self._workspace.classes.result
        percent = 0.0 if result is None else 100 * result.quantile
        self.threshold.blockSignals(True)
        self.threshold.setRange(0.0, max(MOST_UNLIKELY, percent))
        if not self.threshold.isSliderDown():  # else it would be rounded in the hand
            self.threshold.setValue(percent)
        self.threshold.blockSignals(False)
        self.threshold.setEnabled(result is not None)
        self.off.enabled = result is not None and result.has_none
        self.below.value = below = self._below()
        self.below.visible = bool(below)
        if result is not None:
            self.component.max = result.clustering.n_components

    def _below(self) -> str:
        """Say what the threshold is, and how many pixels lie below; "" without one."""
        classes = self._workspace.classes
        result = classes.result
        if result is None or result.threshold is None or classes.certainty is None:
            return ""
        table, none = classes.table(), result.all_classes.none_of_these
        n = int(table.loc[table["label"] == none, "pixels"].sum())
        pixels = f"{n:,} pixel{'s' * (n != 1)}" if n else "no pixel"
        return f"Below a log-density of {result.threshold:,.2f}: {pixels}."
