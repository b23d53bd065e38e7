"""Source: what a fit reads from image layers, taken in the main thread."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_pixel_mixtures.features import Picture
from napari_pixel_mixtures.features.axes import spatial_axes

from .layers import channel_axis, is_image, level_data, lies_over

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from napari.layers import Image, Layer

N_COLORS = 3


@dataclass(frozen=True, eq=False)
class Source:
    """Arrays of image layers, and what the layers say about them.

    Attributes
    ----------
    layers : tuple of Image
        The image, or gray images that are its channels. They belong to the main
        thread.
    arrays : tuple of array
        What each of them held; not computed yet if lazy.
    rgb : bool
        Whether the last axis of the one array is color.
    channel_axis : int or None
        Which of its axes the channels are.
    scale : tuple of float, or None
        Size of a pixel along each axis but that of the channels; None for 1 each.
    axis_labels : tuple of str, or None
        What these axes are called.
    companions : mapping of str to array
        Other images of the same pixels; those in color may have alpha, which is left
        out when they are read.
    """

    layers: tuple[Image, ...]
    arrays: tuple[Any, ...]
    rgb: bool = False
    channel_axis: int | None = None
    scale: tuple[float, ...] | None = None
    axis_labels: tuple[str, ...] | None = None
    companions: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        *layers: Image,
        others: Iterable[Layer] = (),
        needed: Collection[str] = (),
    ) -> Source:
        """Freeze image layers.

        Parameters
        ----------
        *layers : Image
            The image, or several as its channels.
        others : iterable of layers
            Those among them that show the same pixels become companions.
        needed : collection of str
            Names of companions that features read: only those are computed if they
            are lazy.

        Raises
        ------
        ValueError
            Several layers are not gray images of the same pixels.
        """
        image = layers[0]
        check_channels(layers)
        arrays = tuple(map(level_data, layers))
        companions = {
            layer.name: level_data(layer)
            for layer in companion_layers(layers, others)
            if layer.name in needed or isinstance(level_data(layer), np.ndarray)
        }
        axis = channel_axis(image)
        labels = tuple(map(str, image.axis_labels))
        numbered = labels == tuple(map(str, range(-image.ndim, 0)))
        sizes = pixel_sizes(image, spatial_shape(image))
        return cls(
            layers,
            arrays,
            bool(image.rgb),
            axis,
            None if set(sizes) <= {1.0} else sizes,
            None if numbered else _without(labels, axis),
            companions,
        )

    @property
    def image(self) -> Image:
        """The layer that results belong to: the first."""
        return self.layers[0]

    @property
    def data(self) -> Any:
        """What that layer held."""
        return self.arrays[0]

    @property
    def title(self) -> str:
        """Name of the image, and how many layers there are beside the first."""
        n_others = len(self.layers) - 1
        return f"{self.image.name}{f' and {n_others} more' if n_others else ''}"

    @property
    def current(self) -> bool:
        """Whether the layers still hold these arrays, with channels where they were."""
        held = map(level_data, self.layers)
        same = all(a is b for a, b in zip(held, self.arrays, strict=True))
        return same and channel_axis(self.image) == self.channel_axis

    @property
    def lazy(self) -> bool:
        """Whether an array is only computed when it is read."""
        arrays = (*self.arrays, *self.companions.values())
        return not all(isinstance(array, np.ndarray) for array in arrays)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the picture, without its channels."""
        return spatial_shape(self.image)

    def matches(self, other: Source) -> bool:
        """Tell whether another one gives the same picture."""
        return (
            self.has_pixels_of(other)
            and list(self.companions) == list(other.companions)
            and _same_arrays(self.companions.values(), other.companions.values())
        )

    def has_pixels_of(self, other: Source) -> bool:
        """Tell whether another one gives the same but for its companions."""
        same = _same_arrays(self.arrays, other.arrays)
        return same and self._about == other._about

    def without(self, image: Image) -> Source | None:
        """Give what is left of it when a layer is gone.

        None if that was the image or one of its channels. A companion is known by its
        array, and by its name: the layer may hold another since.
        """
        if image in self.layers:
            return None
        gone = level_data(image)
        companions = {
            name: array
            for name, array in self.companions.items()
            if name != image.name and array is not gone
        }
        if len(companions) == len(self.companions):
            return self
        return replace(self, companions=companions)

    @property
    def _about(self) -> tuple[Any, ...]:
        about = self.rgb, self.channel_axis, self.scale, self.axis_labels
        return (*about, self._names)

    @property
    def _names(self) -> tuple[str, ...] | None:
        if len(self.layers) == 1:
            return None
        return tuple(layer.name for layer in self.layers)

    def read(self) -> Picture:
        """Read the picture; what is lazy is computed here.

        Raises
        ------
        TypeError, ValueError
            As `Picture.from_array`.
        """
        arrays = [np.asarray(array) for array in self.arrays]
        ndim = arrays[0].ndim - (self.rgb or self.channel_axis is not None)
        companions = {n: np.asarray(a) for n, a in self.companions.items()}
        about: dict[str, Any] = {
            "scale": self.scale,
            "axis_labels": self.axis_labels,
            "companions": {
                name: array[..., :N_COLORS] if array.ndim > ndim else array
                for name, array in companions.items()
            },
        }
        if len(arrays) > 1:
            return Picture.from_channels(arrays, self._names, **about)
        axis = -1 if self.rgb else self.channel_axis
        return Picture.from_array(arrays[0], axis, self.rgb, **about)

    def blank(self) -> Picture:
        """Give a black pixel with the channels of the picture; nothing is computed.

        Raises
        ------
        TypeError, ValueError
            As `Picture.from_array`.
        """
        ndim = self.arrays[0].ndim
        axis = ndim - 1 if self.rgb else self.channel_axis
        n_spatial = ndim - (axis is not None)
        companions = {
            name: np.zeros((1,) * n_spatial + array.shape[n_spatial:], array.dtype)
            for name, array in self.companions.items()
        }
        arrays = tuple(
            np.zeros([n if i == axis else 1 for i, n in enumerate(a.shape)], a.dtype)
            for a in self.arrays
        )
        return replace(self, arrays=arrays, companions=companions).read()


def spatial_shape(image: Image) -> tuple[int, ...]:
    """Shape of what is clustered of an image, without its channels."""
    shape = tuple(level_data(image).shape)
    return shape[:-1] if image.rgb else _without(shape, channel_axis(image))


def frame_shape(image: Image) -> tuple[int, ...]:
    """Give the `Picture.frame_shape` of what is clustered of an image."""
    shape = spatial_shape(image)
    labels = _without(tuple(image.axis_labels), channel_axis(image))
    return tuple(shape[axis] for axis in spatial_axes(labels, len(shape)))


def check_channels(layers: Sequence[Image]) -> None:
    """Refuse several layers that are not channels of one image.

    Raises
    ------
    ValueError
        One of them has channels of its own, or does not show the same pixels.
    """
    first = layers[0]
    if len(layers) == 1:
        return
    for layer in layers:
        if layer.rgb or channel_axis(layer) is not None:
            raise ValueError(
                f"Expected gray images as channels, got {layer.name!r} with channels "
                "of its own; choose images without."
            )
        shapes = [spatial_shape(one) for one in (first, layer)]
        if shapes[0] != shapes[1]:
            raise ValueError(
                f"Expected channels of one shape, got {first.name!r} of {shapes[0]} "
                f"and {layer.name!r} of {shapes[1]}; choose images of the same pixels."
            )
        if not lies_over(layer, first, shapes[0]):
            raise ValueError(
                f"Expected channels that lie over each other, got {layer.name!r} "
                f"elsewhere than {first.name!r}; give them the same scale and place."
            )


def companion_layers(layers: Sequence[Image], others: Iterable[Layer]) -> list[Image]:
    """Find the images of the same pixels as an image or its channels.

    They are gray, or in color.
    """
    shape = spatial_shape(layers[0])
    return [
        layer
        for layer in others
        if is_image(layer)
        and layer not in layers
        and _pixels(layer) == shape
        and lies_over(layer, layers[0], shape)
    ]


def _pixels(layer: Image) -> tuple[int, ...]:
    """Shape of a layer's pixels; an axis of channels counts as any other."""
    shape = tuple(level_data(layer).shape)
    return shape[:-1] if layer.rgb else shape


def pixel_sizes(image: Image, shape: tuple[int, ...]) -> tuple[float, ...]:
    """Size of a pixel of this shape along each axis, in one unit where that can be."""
    axis = channel_axis(image)
    full = image.data[0].shape if image.multiscale else image.data.shape
    full = _without(tuple(full[: image.ndim]), axis)
    units = _without(tuple(image.units), axis)
    scale = _without(tuple(image.scale.tolist()), axis)
    sizes = []
    for size, unit, n_full, n in zip(scale, units, full, shape, strict=True):
        if unit.dimensionality == units[-1].dimensionality:
            size = (size * unit).m_as(units[-1])
        sizes.append(abs(float(size)) * n_full / n)
    return tuple(sizes)


def _without(values: tuple[Any, ...], axis: int | None) -> tuple[Any, ...]:
    return values if axis is None else values[:axis] + values[axis + 1 :]


def _same_arrays(some: Iterable[Any], others: Iterable[Any]) -> bool:
    some, others = list(some), list(others)
    return len(some) == len(others) and all(map(lambda a, b: a is b, some, others))
