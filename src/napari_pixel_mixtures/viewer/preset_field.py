"""PresetField: the preset that the recipe is, and others to choose."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from magicgui.widgets import ComboBox
from qtpy.QtCore import Qt

from napari_pixel_mixtures.presets import PRESETS, Preset

from .layers import level_data

if TYPE_CHECKING:
    from napari.layers import Image

    from napari_pixel_mixtures.recipe import Recipe

    from .workspace import Workspace

CUSTOM = "custom"
NO_IMAGE = (512, 512)  # what presets are for while no image is open


class PresetField(ComboBox):
    """Names the preset that the workspace's recipe is, and lets choose another.

    Parameters
    ----------
    workspace : Workspace
    """

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(
            label="Preset",
            choices=(*PRESETS, CUSTOM),
            tooltip="Settings to begin with; the components and the seed stay. It "
            "says custom when a setting was changed.",
        )
        self._workspace = workspace
        for i, preset in enumerate(PRESETS.values()):
            self.native.setItemData(i, preset.description, Qt.ItemDataRole.ToolTipRole)
        self.show_recipe()
        self.changed.connect(self._choose)

    def show_recipe(self, *_: Any) -> None:
        """Say which preset the recipe is, if any."""
        recipe = self._workspace.recipe
        shape = shape_of(self._workspace.image)
        names = [n for n, p in PRESETS.items() if applied(p, recipe, shape) == recipe]
        with self.changed.blocked():
            self.value = names[0] if names else CUSTOM

    def _choose(self, name: str) -> None:
        workspace = self._workspace
        if name not in PRESETS:
            self.show_recipe()
            return
        preset = PRESETS[name]
        shape = shape_of(workspace.image)
        regions = preset.regions(shape)
        workspace.segments.edit(on=regions is not None, **(regions or {}))
        workspace.set_recipe(applied(preset, workspace.recipe, shape))


def applied(preset: Preset, recipe: Recipe, shape: tuple[int, ...]) -> Recipe:
    """Give the recipe after a preset was chosen for a picture of this shape."""
    return replace(recipe, **preset.settings(shape, recipe.random_state))


def shape_of(image: Image | None) -> tuple[int, ...]:
    """Give the shape of an image without channels."""
    if image is None:
        return NO_IMAGE
    shape = tuple(level_data(image).shape)
    return shape[:-1] if image.rgb else shape
