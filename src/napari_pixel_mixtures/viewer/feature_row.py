"""FeatureRow: one feature of the recipe, as a row of the list."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QPoint, Qt
from qtpy.QtCore import Signal as QtSignal  # type: ignore[attr-defined]
from qtpy.QtGui import QImage, QPixmap
from qtpy.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from superqt import QElidingLabel
from superqt.utils import signals_blocked

from napari_pixel_mixtures.features.base import INFLUENCE_TIP

from .feature_form import ERROR_COLOR, FeatureForm

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from napari_pixel_mixtures.features import Feature

ROW_HEIGHT = 30  # pixels
PICTURE_SIZE = (36, 24)  # pixels, width and height
SLIDER_WIDTH = 64  # pixels
SLIDER_STEPS = 100
EFFECT_WIDTH = 28  # pixels
SMALL = "font-size: 8pt"
EFFECT_TIP = (
    "How alike the labels are to those of a fit without this feature (adjusted Rand "
    "index): 1.00 if it changes nothing, about 0 if it changes everything."
)


def in_short(feature: Feature) -> str:
    """Give the settings of a feature in a few words, the first for a narrow row.

    Examples
    --------
    >>> from napari_pixel_mixtures import AnchorDistance
    >>> in_short(AnchorDistance(n=3, influence=0.5))
    'influence 0.5, places 3, seed 0'
    """
    words = [
        f"{setting.metadata['label'].lower()} {_value(getattr(feature, setting.name))}"
        for setting in feature.settings()
    ]
    influence, weight = (
        [f"{name} {getattr(feature, name):.3g}"] if getattr(feature, name) != 1 else []
        for name in ("influence", "weight")
    )
    return ", ".join([*influence, *words, *weight])


def _value(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


class FeatureRow(QWidget):
    """Shows one feature: a view, which says what the person wants of it.

    Parameters
    ----------
    feature : Feature
    among : callable, optional
        Gives the choices that depend on the picture.
    parent : QWidget, optional
    """

    edited = QtSignal(object)  # the feature as it shall be
    removed = QtSignal()

    def __init__(
        self,
        feature: Feature,
        among: Callable[[], Mapping[str, Sequence[Any]]] = dict,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._among = among
        self.feature = feature
        self.form: FeatureForm | None = None
        self._trouble = ""
        self._thumbnail: NDArray[np.uint8] | str | None = None
        self.setFixedHeight(ROW_HEIGHT)
        self.picture = QLabel()
        self.picture.setFixedSize(*PICTURE_SIZE)
        self.picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.switch = QCheckBox()
        self.switch.setToolTip(
            "Whether the feature takes part. It keeps its settings while it is off."
        )
        self.title = QElidingLabel()
        self.settings = QElidingLabel()
        self.settings.setStyleSheet(SMALL)
        for label in (self.title, self.settings):
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.effect = QLabel()
        self.effect.setStyleSheet(SMALL)
        self.effect.setFixedSize(EFFECT_WIDTH, ROW_HEIGHT)
        self.effect.setToolTip(EFFECT_TIP)
        self.influence = QSlider(Qt.Orientation.Horizontal)
        self.influence.setRange(0, SLIDER_STEPS)
        self.influence.setFixedWidth(SLIDER_WIDTH)
        self.open_settings = _small_button("⚙", "Open the settings of this feature.")
        policy = self.open_settings.sizePolicy()
        policy.setRetainSizeWhenHidden(True)  # so that sliders stand in a line
        self.open_settings.setSizePolicy(policy)
        self.open_settings.setVisible(bool(feature.settings()))
        self.remove = _small_button("✕", "Remove this feature from the list.")
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(self.title)
        words.addWidget(self.settings)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(2, 0, 2, 0)
        layout.setSpacing(4)
        layout.addWidget(self.switch)
        layout.addWidget(self.picture)
        layout.addLayout(words, 1)
        for widget in (self.effect, self.influence, self.open_settings, self.remove):
            layout.addWidget(widget)
        self.switch.toggled.connect(self._switch)
        self.influence.valueChanged.connect(self._influence)
        self.open_settings.clicked.connect(self._open)
        self.remove.clicked.connect(self.removed)
        self.show_feature(feature)

    def show_feature(self, feature: Feature) -> None:
        """Show a feature of the same kind."""
        self.feature = feature
        words = in_short(feature)
        self.title.setText(feature.title)
        self.settings.setText(words)
        self.settings.setVisible(bool(words))
        tip = f"{feature.title}: {words}. {feature.tip}" if words else feature.tip
        for label in (self.title, self.settings, self.picture):
            label.setToolTip(self._trouble or tip)
        with signals_blocked(self.switch):
            self.switch.setChecked(feature.on)
        with signals_blocked(self.influence):
            self.influence.setValue(round(SLIDER_STEPS * feature.influence))
        self.influence.setToolTip(f"Influence {feature.influence:.3g}. {INFLUENCE_TIP}")
        for part in (self.picture, self.title, self.settings, self.influence):
            part.setEnabled(feature.on)
        if self.form is not None:
            self.form.show_feature(feature)

    def show_thumbnail(self, thumbnail: NDArray[np.uint8] | str | None) -> None:
        """Show a thumbnail, or a mark that tells why there is none."""
        # A label that is set anew lets the whole window be laid out and drawn.
        if thumbnail is self._thumbnail:
            return
        self._thumbnail = thumbnail
        self._trouble = thumbnail if isinstance(thumbnail, str) else ""
        if isinstance(thumbnail, np.ndarray):
            self.picture.setStyleSheet("")
            self.picture.setPixmap(pixmap(thumbnail, PICTURE_SIZE))
        else:
            self.picture.setStyleSheet(f"color: {ERROR_COLOR}; font-weight: bold")
            self.picture.setText("!" if self._trouble else "")
        if self.form is not None:
            self.form.show_trouble(self._trouble)
        self.show_feature(self.feature)

    def show_effect(self, text: str) -> None:
        """Show how much the labels change without the feature."""
        self.effect.setText(text)

    def _switch(self, on: bool) -> None:
        self.edited.emit(replace(self.feature, on=on))

    def _influence(self, value: int) -> None:
        self.edited.emit(replace(self.feature, influence=value / SLIDER_STEPS))

    def _open(self) -> None:
        if self.form is None:
            self.form = FeatureForm(self.feature, self)
            self.form.edited.connect(self.edited)
            self.form.show_trouble(self._trouble)
        self.form.show_choices(self._among())
        self.form.adjustSize()
        corner = self.mapToGlobal(self.rect().bottomRight())
        self.form.move(corner - QPoint(self.form.width(), 0))
        self.form.show()


def pixmap(picture: NDArray[np.uint8], size: tuple[int, int]) -> QPixmap:
    """Turn an RGB picture into a pixmap of at most a width and height."""
    data = np.ascontiguousarray(picture)
    rows, columns = data.shape[:2]
    image = QImage(
        data.tobytes(), columns, rows, 3 * columns, QImage.Format.Format_RGB888
    )
    return QPixmap.fromImage(image.copy()).scaled(
        *size,
        Qt.AspectRatioMode.KeepAspectRatio,
        Qt.TransformationMode.SmoothTransformation,
    )


def _small_button(text: str, tip: str) -> QToolButton:
    button = QToolButton()
    button.setText(text)
    button.setToolTip(tip)
    button.setAutoRaise(True)
    button.setFixedSize(20, 20)
    return button
