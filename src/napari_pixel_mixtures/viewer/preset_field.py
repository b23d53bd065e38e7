"""PresetField: the preset that the recipe is, and others to choose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magicgui.widgets import ComboBox
from qtpy.QtCore import Qt

from napari_pixel_mixtures.presets import PRESETS

if TYPE_CHECKING:
    from .preset_choice import PresetChoice

CUSTOM = "custom"


class PresetField(ComboBox):
    """Names the preset that the workspace's recipe is, and lets choose another.

    Parameters
    ----------
    presets : PresetChoice
        The workspace's.
    """

    def __init__(self, presets: PresetChoice) -> None:
        super().__init__(
            label="Preset",
            choices=(*PRESETS, CUSTOM),
            tooltip="Settings to begin with; the components and the seed stay. Its "
            "lengths follow the size of the image. It says custom when a setting was "
            "changed.",
        )
        self._presets = presets
        for i, preset in enumerate(PRESETS.values()):
            self.native.setItemData(i, preset.description, Qt.ItemDataRole.ToolTipRole)
        self.show_preset()
        self.changed.connect(self._choose)

    def show_preset(self, *_: Any) -> None:
        """Say which preset the recipe is, if any."""
        with self.changed.blocked():
            self.value = self._presets.name or CUSTOM

    def _choose(self, name: str) -> None:
        if name in PRESETS:
            self._presets.choose(name)
        else:
            self.show_preset()
