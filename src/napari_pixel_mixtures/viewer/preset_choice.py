"""PresetChoice: which preset the settings are, also after another image is chosen."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from weakref import ref

from napari_pixel_mixtures.presets import PRESETS, Preset

from .source import frame_shape

if TYPE_CHECKING:
    from napari.layers import Image

    from napari_pixel_mixtures.recipe import Recipe

    from .workspace import Workspace

NO_IMAGE = (512, 512)  # what presets are for while no image is open


class PresetChoice:
    """Knows which preset a workspace's recipe is, and lets choose another.

    The lengths of a preset go with the size of the image: where another image is
    chosen, they become those for it. Settings that were changed by hand, so that they
    are no preset any more, stay as they are.

    Parameters
    ----------
    workspace : Workspace
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = ref(workspace)
        self._shape = shape_of(workspace.image) or NO_IMAGE
        self.name: str | None = None
        """Of the preset that the recipe is; None for any other recipe."""
        workspace.recipe_changed.connect(self._on_recipe)
        workspace.image_changed.connect(self._on_image)
        self._on_recipe(workspace.recipe)

    def choose(self, name: str) -> None:
        """Take the settings of a preset; the components and the seed stay."""
        workspace = self._workspace()
        assert workspace is not None
        preset, before = PRESETS[name], workspace.recipe
        recipe = applied(preset, before, self._shape)
        regions = preset.regions(self._shape)
        changes: dict[str, Any] = {"on": regions is not None, **(regions or {})}
        # The fit that is to come has its own place among those to undo.
        edit = workspace.set_segments if recipe == before else workspace.segments.edit
        edit(**changes)
        workspace.set_recipe(recipe)

    def _on_recipe(self, recipe: Recipe) -> None:
        names = (
            n for n, p in PRESETS.items() if applied(p, recipe, self._shape) == recipe
        )
        self.name = next(names, None)

    def _on_image(self, image: Image | None) -> None:
        """Let lengths follow; that alone is no reason to fit."""
        workspace, shape = self._workspace(), shape_of(image)
        if workspace is None or shape is None or shape == self._shape:
            return
        before, self._shape = self._shape, shape
        if self.name is None:
            self._on_recipe(workspace.recipe)
            return
        preset, segments = PRESETS[self.name], workspace.segments
        regions = preset.regions(shape)
        if regions and segments.settings.regions == preset.regions(before):
            segments.adopt(replace(segments.settings, **regions))
        recipe = applied(preset, workspace.recipe, shape)
        if recipe != workspace.recipe:
            workspace.adopt_recipe(recipe)


def applied(preset: Preset, recipe: Recipe, shape: tuple[int, ...]) -> Recipe:
    """Give the recipe after a preset was chosen for a picture of this shape."""
    return replace(recipe, **preset.settings(shape, recipe.random_state))


def shape_of(image: Image | None) -> tuple[int, ...] | None:
    """Give the shape that presets are for; None if there is no image."""
    return None if image is None else frame_shape(image)
