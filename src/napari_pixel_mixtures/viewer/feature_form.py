"""FeatureForm: the settings of one feature, built from what its class declares."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from magicgui.widgets import create_widget
from qtpy.QtCore import Qt
from qtpy.QtCore import Signal as QtSignal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QFormLayout, QFrame, QLabel, QWidget

from .forms import show_within_bounds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_pixel_mixtures.features import Feature

ERROR_COLOR = "#e0503a"
FORM_WIDTH = 300  # pixels


class FeatureForm(QFrame):
    """A form for the settings of one feature, which closes at a click elsewhere.

    What is typed stays as it is while it is no valid setting; a sentence says why.

    Parameters
    ----------
    feature : Feature
    parent : QWidget
    """

    edited = QtSignal(object)  # the feature with other settings

    def __init__(self, feature: Feature, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setStyleSheet("FeatureForm { border: 1px solid gray }")
        self.setFixedWidth(FORM_WIDTH)
        self._feature = feature
        self._refusals: dict[str, str] = {}
        self._trouble = ""
        layout = QFormLayout(self)
        tip = QLabel(feature.tip)
        tip.setWordWrap(True)
        layout.addRow(tip)
        self.fields: dict[str, Any] = {}
        self._among: dict[str, str] = {}
        for setting in feature.settings():
            options = dict(setting.metadata)
            if "among" in options:
                self._among[setting.name] = options.pop("among")
                options["choices"] = [getattr(feature, setting.name)]
            label = QLabel(options["label"])
            label.setToolTip(options["tooltip"])
            field: Any = create_widget(
                options.get("choices", [setting.default])[0],
                name=setting.name,
                options=options,
            )
            show_within_bounds(field, getattr(feature, setting.name))
            field.changed.connect(partial(self._edit, setting.name))
            self.fields[setting.name] = field
            layout.addRow(label, field.native)
        self.error = QLabel()
        self.error.setWordWrap(True)
        self.error.setStyleSheet(f"color: {ERROR_COLOR}")
        layout.addRow(self.error)
        self._show_error()

    def show_feature(self, feature: Feature) -> None:
        """Show other settings; fields of settings that are the same are let be."""
        before, self._feature = self._feature, feature
        for name, field in self.fields.items():
            value = getattr(feature, name)
            if value != getattr(before, name) and value != field.value:
                self._refusals.pop(name, None)
                with field.changed.blocked():
                    if name in self._among:
                        field.choices = list(dict.fromkeys((*field.choices, value)))
                    show_within_bounds(field, value)
        self._show_error()

    def show_choices(self, among: Mapping[str, Sequence[Any]]) -> None:
        """Offer what the picture has now, and what is set, though it may be gone."""
        for name, what in self._among.items():
            field = self.fields[name]
            value = getattr(self._feature, name)
            with field.changed.blocked():
                field.choices = ()  # else magicgui keeps the order of before
                field.choices = list(dict.fromkeys((*among.get(what, ()), value)))
                field.value = value

    def show_trouble(self, sentence: str) -> None:
        """Say why the picture cannot be measured by these settings, or nothing."""
        self._trouble = sentence
        self._show_error()

    def _edit(self, name: str, value: Any) -> None:
        self._refusals.pop(name, None)
        try:
            feature = self._feature.with_settings(**{name: value})
        except ValueError as error:
            self._refusals[name] = str(error)
            self._show_error()
            return
        self._show_error()
        if feature != self._feature:
            self.edited.emit(feature)

    def _show_error(self) -> None:
        sentence = next(iter(self._refusals.values()), self._trouble)
        self.error.setText(sentence)
        self.error.setVisible(bool(sentence))
        self.adjustSize()
