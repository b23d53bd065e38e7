"""ImageChoice: which image is clustered next, and what its axes are called."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np
from psygnal import Signal

from napari_pixel_mixtures.features.picture_checks import float_type

from .layers import CHANNEL_LABELS, channel_axis, check_image, is_image, level_data
from .source import Source, check_channels, companion_layers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel
    from napari.layers import Image, Layer

    from napari_pixel_mixtures.features import Feature


class ImageChoice:
    """One image, or several gray ones as the channels of one.

    It follows the active layer, and layers that are selected together if they can be
    channels of one image; results belong to the first of several.
    """

    changed = Signal(object)  # Image or None: another, or with other channels or axes
    relabeled = Signal()  # its axes are called otherwise, by whomever
    listed = Signal()  # other images to choose from, or another name

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = ref(viewer)
        self._layers: tuple[ref[Image], ...] = ()
        self._offered: list[tuple[str, Any]] = []
        self._together: tuple[ref[Image], ...] = ()  # that were selected last
        self._known = self._about()
        layers = viewer.layers
        layers.events.inserted.connect(self._on_listed)
        layers.events.renamed.connect(self._on_listed)
        layers.selection.events.active.connect(self._on_active)
        layers.selection.events.changed.connect(self._on_selected)
        active = layers.selection.active
        images = self.images()
        if active is not None and is_image(active):
            self.set(active)
        elif images:
            self.set(images[-1])

    @property
    def layers(self) -> tuple[Image, ...]:
        """The image, or the channels; none if no image is open."""
        found = [layer() for layer in self._layers]
        return tuple(layer for layer in found if layer is not None)

    @property
    def image(self) -> Image | None:
        """The layer that the next result belongs to."""
        return self.layers[0] if self.layers else None

    @property
    def chosen(self) -> Image | tuple[Image, ...] | None:
        """The image, or the tuple of channels, as `set` takes it."""
        return self.layers if len(self.layers) > 1 else self.image

    def images(self) -> list[Image]:
        """List the layers that can be clustered."""
        viewer = self._viewer()
        assert viewer is not None
        return [layer for layer in viewer.layers if is_image(layer)]

    def offers(self) -> list[tuple[str, Image | tuple[Image, ...]]]:
        """List the choices by name: images, those selected together, and the chosen."""
        images = self.images()
        offers: list[tuple[str, Image | tuple[Image, ...]]] = [
            (image.name, image) for image in images
        ]
        for channels in dict.fromkeys((self._selected(), self.layers)):
            if len(channels) > 1:
                names = ", ".join(channel.name for channel in channels)
                offers.append((f"{len(channels)} channels: {names}", channels))
        return offers

    def _selected(self) -> tuple[Image, ...]:
        """List the gray images that are selected."""
        viewer = self._viewer()
        assert viewer is not None
        return tuple(
            image
            for image in self.images()
            if image in viewer.layers.selection
            and not image.rgb
            and channel_axis(image) is None
        )

    def set(self, chosen: Image | Sequence[Image] | None) -> None:
        """Choose an image, or several as channels.

        Raises
        ------
        ValueError
            Several are not gray images of the same pixels.
        """
        layers: tuple[Image, ...] = ()
        if isinstance(chosen, tuple | list):
            layers = tuple(chosen)
        elif chosen is not None:
            layers = (chosen,)
        if layers == self.layers:
            return
        if layers:
            check_channels(layers)
        for layer in self.layers:
            layer.events.data.disconnect(self._on_data)
        for layer in self.layers[:1]:
            layer.events.axis_labels.disconnect(self._on_axes)
        self._layers = tuple(map(ref, layers))
        for layer in layers:
            layer.events.data.connect(self._on_data)
        for layer in layers[:1]:
            layer.events.axis_labels.connect(self._on_axes)
        self._tell()

    def _tell(self) -> None:
        self._known = self._about()
        self.changed.emit(self.image)

    def _about(self) -> tuple[Any, ...]:
        """Tell what axes the image has, and how many channels."""
        layers = self.layers
        return (
            (layers[0].ndim, layers[0].axis_labels, self.n_channels) if layers else ()
        )

    def _on_data(self, event: Any) -> None:
        """Other data may have other channels or axes; without, it is the same image."""
        if self._about() != self._known:
            self._tell()

    def _on_axes(self, event: Any) -> None:
        if self._about() != self._known:
            self._tell()
            self.relabeled.emit()

    def axes_text(self) -> str:
        """Name the axes of the image, the first axis first: "z y x"."""
        image = self.image
        if image is None:
            return ""
        return " ".join(_axis_words(image.axis_labels))

    @property
    def n_channels(self) -> int:
        """The number of channels; that of colors as long as there is no image."""
        layers = self.layers
        if not layers or layers[0].rgb:
            return 3  # without alpha
        if len(layers) > 1:
            return len(layers)
        axis = channel_axis(layers[0])
        return 1 if axis is None else int(level_data(layers[0]).shape[axis])

    def measured(self) -> tuple[int, np.dtype[Any]]:
        """Give the number of channels, and the type in which they are clustered."""
        types = [np.dtype(level_data(layer).dtype) for layer in self.layers]
        return self.n_channels, float_type(np.result_type(*types, np.bool_))

    def set_axes(self, text: str) -> None:
        """Label the axes of the image: x, y, z, t for time, c for channels.

        Raises
        ------
        ValueError
            There is not one name for each axis, or there is no image.
        """
        image = check_image(self.image)
        words = re.split(r"[\s,;]+", text.strip())
        if len(words) == 1 and len(words[0]) == image.ndim:
            words = list(words[0])
        names = [word.lower() for word in words]
        channels = [name for name in names if name in CHANNEL_LABELS]
        if (
            len(words) != image.ndim
            or len(set(names)) < len(names)
            or len(channels) > 1
            or (channels and image.ndim < 3)
        ):
            raise ValueError(
                f"Expected a name for each of the {image.ndim} axes of "
                f"{image.name!r}, the channels' c beside two others, got {text!r:.80}; "
                f"write such as {' '.join(_axis_words(('',) * image.ndim))!r}."
            )
        for layer in reversed(self.layers):  # the first one tells
            layer.axis_labels = tuple(words)

    def source(self, features: Sequence[Feature] = ()) -> Source:
        """Freeze what a fit with these features reads.

        Raises
        ------
        ValueError
            No image is open, or channels no longer belong together.
        """
        check_image(self.image)
        viewer = self._viewer()
        assert viewer is not None
        needed = {name for feature in features for name in feature.companions}
        return Source.of(*self.layers, others=viewer.layers, needed=needed)

    def companions(self) -> list[str]:
        """Names of the images of the same pixels."""
        viewer = self._viewer()
        if self.image is None or viewer is None:
            return []
        return [layer.name for layer in companion_layers(self.layers, viewer.layers)]

    def forget(self, layer: Layer) -> None:
        """Choose another image in place of one that was removed."""
        if layer in self.layers:
            images = [image for image in self.images() if image is not layer]
            rest = [image for image in self.layers if image in images]
            self.set((rest or images[-1:] or [None])[0])

    def _on_active(self, event: Any) -> None:
        layer = event.value
        # A click on one of several channels leaves them together.
        if layer is not None and is_image(layer) and layer not in self.layers:
            self.set(layer)

    def _on_selected(self, event: Any = None) -> None:
        offered = self.offers()
        if offered != self._offered:
            self._offered = offered
            self.listed.emit()
        self._follow_selected()

    def _follow_selected(self) -> None:
        """Choose what was newly selected together, and nothing else with it.

        A selection that only comes back, as when the stage is given back, is not new.
        """
        viewer, selected = self._viewer(), self._selected()
        assert viewer is not None
        together = tuple(map(ref, selected))
        if not selected or together == self._together:
            return
        self._together = together
        if 1 < len(selected) == len(viewer.layers.selection):
            with suppress(ValueError):  # that they are not of the same pixels
                self.set(selected)

    def _on_listed(self, event: Any = None) -> None:
        self.listed.emit()
        if self.image is None and (images := self.images()):
            self.set(images[-1])


def _axis_words(labels: Sequence[str]) -> list[str]:
    """Name axes by their labels, or by their place where they have none."""
    ndim = len(labels)
    return [
        label if label[:1].isalpha() else ("xyzt"[ndim - 1 - i : ndim - i] or f"a{i}")
        for i, label in enumerate(labels)
    ]
