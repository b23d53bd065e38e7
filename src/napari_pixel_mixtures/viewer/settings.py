"""Settings: what is clustered next, and how."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from weakref import ref

from psygnal import Signal

from napari_pixel_mixtures.features import AnchorDistance
from napari_pixel_mixtures.material_cache import MaterialCache
from napari_pixel_mixtures.pace import Pace
from napari_pixel_mixtures.recipe import Recipe

from .image_choice import ImageChoice
from .mask_choice import MaskChoice
from .worker import Request

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel
    from napari.layers import Image, Labels, Shapes
    from numpy.typing import NDArray

    from napari_pixel_mixtures.features import Feature
    from napari_pixel_mixtures.material import Material

    from .source import Source


class Settings:
    """The image, its mask and the recipe, for the widgets of one viewer.

    Parameters
    ----------
    viewer : ViewerModel
        Which is not kept alive.
    """

    image_changed = Signal(object)  # Image or None; or with other channels or axes
    images_changed = Signal()  # another choice of images, or another name
    mask_changed = Signal(object)  # the layer that limits the fit, or None
    recipe_changed = Signal(object)  # Recipe
    live_changed = Signal(bool)
    outdated = Signal()  # something that a fit depends on was changed by hand

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = ref(viewer)
        self.recipe = Recipe()
        self.live = True
        self.cache = MaterialCache()
        self.pace = Pace()
        self.choice = ImageChoice(viewer)
        self.choice.changed.connect(self.image_changed)
        self.choice.listed.connect(self.images_changed)
        self.masks = MaskChoice(viewer)
        self.masks.changed.connect(self._on_mask)
        self.masks.moved.connect(self.outdated)

    @property
    def viewer(self) -> ViewerModel:
        """The viewer."""
        viewer = self._viewer()
        if viewer is None:
            raise RuntimeError("The viewer of this workspace was closed.")
        return viewer

    # ---- the image

    @property
    def image(self) -> Image | None:
        """The image that is clustered next; of several channels the first."""
        return self.choice.image

    def images(self) -> list[Image]:
        """List the layers that can be clustered."""
        return self.choice.images()

    def set_image(self, image: Image | Sequence[Image] | None) -> None:
        """Choose the image that is clustered next, or several as its channels.

        Raises
        ------
        ValueError
            Several are not gray images of the same pixels.
        """
        self.choice.set(image)

    def set_mask(self, layer: Labels | Shapes | None) -> None:
        """Choose the layer that limits the fit; None for all pixels."""
        self.masks.set(layer)

    def _on_mask(self, layer: Labels | Shapes | None) -> None:
        self.mask_changed.emit(layer)
        self.outdated.emit()

    # ---- the recipe

    def set_recipe(self, recipe: Recipe) -> None:
        """Take other settings; fit again if live and something was fitted before."""
        if recipe != self.recipe:
            self.adopt_recipe(recipe)
            self.outdated.emit()

    def adopt_recipe(self, recipe: Recipe) -> None:
        """Take other settings that are no reason to fit again."""
        self.recipe = recipe
        self.recipe_changed.emit(recipe)

    def set_anchors(self, anchors: tuple[tuple[float, ...], ...]) -> None:
        """Take other places for the distance feature that is shown."""
        shown = shown_distance(self.recipe)
        if shown is None:
            return
        features = list(self.recipe.features)
        features[features.index(shown)] = replace(shown, anchors=anchors)
        self.set_recipe(replace(self.recipe, features=tuple(features)))

    def set_live(self, live: bool) -> None:
        """Choose whether a change of a setting fits again by itself."""
        if live != self.live:
            self.live = live
            self.live_changed.emit(live)

    # ---- all that a fit needs

    def source(self) -> Source:
        """Freeze what a fit reads from layers.

        Raises
        ------
        ValueError
            No image is open, or channels no longer belong together.
        """
        return self.choice.source(self.recipe.features)

    def misfits(self) -> dict[Feature, str]:
        """Find the features that the image, as it is now, has not the channels for.

        Returns
        -------
        dict
            What is wrong, in a sentence, by the features' `measurement`; empty also if
            there is no image.
        """
        found: dict[Feature, str] = {}
        with suppress(TypeError, ValueError):  # of the image itself, which a fit tells
            picture = self.source().blank()
            for feature in self.recipe.features:
                try:
                    feature.names(picture)
                except ValueError as error:
                    found[feature.measurement] = str(error)
        return found

    def trouble(self) -> str:
        """Say which feature of the recipe does not fit the image; nothing if all do."""
        misfits = self.misfits()
        for feature in self.recipe.features:
            if feature.used and (sentence := misfits.get(feature.measurement)):
                return (
                    f"{feature.title} does not fit the image: {sentence[0].lower()}"
                    f"{sentence[1:]}"
                )
        return ""

    def freeze(self, source: Source, previous: NDArray[Any] | None) -> Request:
        """Freeze all that a fit of a source needs; see `Request` for `previous`.

        Raises
        ------
        ValueError
            The mask does not lie over the image.
        """
        layer = self.masks.layer
        return Request(
            source,
            f"Clustering {source.title}",
            self.recipe,
            mask=self.masks.pixels(source.image),
            previous=previous,
            cache=self.cache,
            mask_layer=None if layer is None else ref(layer),
            pace=self.pace,
        )

    def gather(self, *args: Any, **settings: Any) -> Material:
        """Measure as `Material.gather`, or take what was measured for fits."""
        return self.cache.gather(*args, **settings)


def shown_distance(recipe: Recipe) -> AnchorDistance | None:
    """Find the distance feature whose places are shown: the first that is used."""
    for feature in recipe.features:
        if isinstance(feature, AnchorDistance) and feature.used:
            return feature
    return None
