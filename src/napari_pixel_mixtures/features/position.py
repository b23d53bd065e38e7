"""Position and AnchorDistance: where a pixel lies in the picture."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from .base import Feature, setting
from .checks import MAX_SEED, whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .part import Part
    from .picture import Picture


MAX_ANCHORS = 1000  # each is a column of all pixels
FARTHEST = 1e100  # coordinate of an anchor


@dataclass(frozen=True, repr=False)
class Position(Feature):
    """The coordinates of a pixel: X, Y, Z for a volume, T for a time series.

    X counts columns and Y rows, both from 0, in the picture's scale: pixels, unless
    `Picture.scale` says how large they are.

    Attributes
    ----------
    axes : str
        "all", or one axis or some as letters, such as "X", "XY" or "T": see
        `Picture.axis_names`.

    Examples
    --------
    >>> from napari_pixel_mixtures import Position
    >>> [Position(weight=0.5), Position("XY")]
    [Position(weight=0.5), Position(axes='XY')]
    """

    kind = "position"
    title = "Position"
    tip = (
        "Cluster also by where a pixel lies (X, Y, and Z of a volume): clusters become "
        "places as well as colors."
    )

    axes: str = setting(
        "all",
        "Axes",
        "Along which axes: X across, Y down, Z through a volume, T in time.",
        choices=("all", "X", "Y", "Z", "T", "XY", "XYZ"),
    )

    def __post_init__(self) -> None:
        """Check the axes."""
        super().__post_init__()
        letters = isinstance(self.axes, str) and set(self.axes)
        once = letters and len(letters) == len(self.axes)
        if self.axes != "all" and not (once and letters <= set("XYZT")):
            raise ValueError(
                "Expected axes as 'all' or letters among X, Y, Z and T, each once, got "
                f"{self.axes!r:.80}."
            )

    def for_part(self, part: Part) -> tuple[Feature, float]:
        """Give the position that counts from the first pixel of the whole picture."""
        sizes = part.whole.scale or (1.0,) * len(part.origin)
        origin = tuple(o * size for o, size in zip(part.origin, sizes, strict=True))
        settings = {f.name: getattr(self, f.name) for f in fields(Position)}
        return _PositionFrom(**settings, origin=origin), 1.0

    def names(self, picture: Picture) -> tuple[str, ...]:
        """Name of each axis, the last of the picture first."""
        return tuple(picture.axis_names[axis] for axis in self._axes(picture))

    def compute(
        self, picture: Picture, pixels: NDArray[np.intp] | None
    ) -> NDArray[Any]:
        """Coordinates (n, axes), the last axis of the picture first."""
        scaled = _scaled_axes(picture)
        axes = self._axes(picture)
        # float32 holds whole numbers up to 2**24.
        exact = picture.scale is None and max(picture.shape) < 2**24
        columns = np.empty(
            (len(axes), *picture.shape), np.float32 if exact else np.float64
        )
        for column, axis in zip(columns, axes, strict=True):
            column[...] = scaled[axis]
        return _taken(columns, pixels)

    def _axes(self, picture: Picture) -> list[int]:
        names = picture.axis_names
        if self.axes == "all":
            return list(range(len(names)))[::-1]
        if missing := [letter for letter in self.axes if letter not in names]:
            raise ValueError(
                f"Expected axes among {names} for Position, got {missing[0]!r}; choose "
                "others, or label the axes of the image."
            )
        return [names.index(letter) for letter in self.axes]


@dataclass(frozen=True, repr=False)
class _PositionFrom(Position):
    """The coordinates of the pixels of a part, whose first is at the origin."""

    origin: tuple[float, ...] = ()

    def compute(
        self, picture: Picture, pixels: NDArray[np.intp] | None
    ) -> NDArray[Any]:
        """Coordinates (n, axes), the last axis of the picture first."""
        first = [self.origin[axis] for axis in self._axes(picture)]
        return super().compute(picture, pixels).astype(np.float64) + first


@dataclass(frozen=True, repr=False)
class AnchorDistance(Feature):
    """The distances of a pixel to some places in the picture.

    In the picture's scale: pixels, unless `Picture.scale` says how large they are.

    Attributes
    ----------
    n : int
        Number of random places, uniform over the picture: 1 to 1000. More places
        with the same seed begin with the same ones.
    seed : int
        Seed of the random places.
    anchors : tuple of points, optional
        The places, instead of random ones: (row, column) in pixels, or as many
        coordinates as the picture has axes.

    Examples
    --------
    The places that seed 0 gives on a picture of 427 x 640 pixels:

    >>> from napari_pixel_mixtures import AnchorDistance
    >>> AnchorDistance(n=2).places((427, 640)).round(1)
    array([[271.3, 172.4],
           [ 17.5,  10.6]])
    """

    kind = "anchor distance"
    title = "Distance"
    tip = (
        "Cluster also by the distances of a pixel to random places in the image, a "
        "softer kind of position."
    )

    n: int = setting(6, "Places", "Number of random places.", min=1, max=50)
    seed: int = setting(0, "Seed", "Seed of the random places.", min=0, max=2**31 - 1)
    anchors: tuple[tuple[float, ...], ...] | None = None

    def __post_init__(self) -> None:
        """Check the settings; given places are kept as a tuple."""
        super().__post_init__()
        if self.anchors is not None:
            anchors = _as_places(self.anchors)
            object.__setattr__(self, "anchors", anchors)
            object.__setattr__(self, "n", len(anchors))
        n = whole("n, the number of anchors,", self.n, 1, MAX_ANCHORS)
        object.__setattr__(self, "n", n)
        seed = whole("the seed of the anchors", self.seed, 0, MAX_SEED)
        object.__setattr__(self, "seed", seed)

    def with_settings(self, **changes: Any) -> Self:
        """Give other random places, in place of any that were given."""
        return super().with_settings(**{"anchors": None} | changes)

    def places(self, shape: tuple[int, ...]) -> NDArray[np.float64]:
        """Give the anchors, (n, ndim) coordinates in pixels, the first axis first.

        Raises
        ------
        ValueError
            The given anchors have another number of coordinates than the picture.
        """
        if self.anchors is None:
            random = np.random.default_rng(self.seed)
            return random.uniform(0, np.array(shape) - 1, (self.n, len(shape)))
        places = np.array(self.anchors)
        if places.shape[1] != len(shape):
            raise ValueError(
                f"Expected anchors with {len(shape)} coordinates, one for each axis "
                f"of the picture, got {places.shape[1]}."
            )
        return places

    def fixed(self, picture: Picture) -> AnchorDistance:
        """Give the feature with the places of this picture as its anchors."""
        places = self.places(picture.shape)
        return replace(self, anchors=tuple(map(tuple, places.tolist())))

    def for_part(self, part: Part) -> tuple[Feature, float]:
        """Give the distances to the same places, counted in pixels of the part."""
        places = self.places(part.whole.shape) - np.array(part.origin)
        anchors = tuple(map(tuple, (places * part.factors).tolist()))
        return replace(self, anchors=anchors), 1.0

    def names(self, picture: Picture) -> tuple[str, ...]:
        """`distance 1` and so on."""
        return tuple(f"distance {i + 1}" for i in range(self.n))

    def compute(
        self, picture: Picture, pixels: NDArray[np.intp] | None
    ) -> NDArray[Any]:
        """Euclidean distances (n_pixels, n_anchors), in the picture's scale."""
        scale = picture.scale or (1.0,) * len(picture.shape)
        places = self.places(picture.shape)
        columns = np.empty((self.n, *picture.shape))
        for column, place in zip(columns, places, strict=True):
            column[...] = 0
            for axis, start, size in zip(
                _scaled_axes(picture), place, scale, strict=True
            ):
                column += (axis - start * size) ** 2
            np.sqrt(column, out=column)
        return _taken(columns, pixels)


def _scaled_axes(picture: Picture) -> list[NDArray[np.float64]]:
    """Coordinates along each axis, each in a shape that broadcasts to the picture."""
    ndim = len(picture.shape)
    scaled = []
    for axis, n in enumerate(picture.shape):
        shape = [1] * ndim
        shape[axis] = n
        size = 1.0 if picture.scale is None else picture.scale[axis]
        scaled.append(np.arange(n, dtype=np.float64).reshape(shape) * size)
    return scaled


def _taken(columns: NDArray[Any], pixels: NDArray[np.intp] | None) -> NDArray[Any]:
    """Turn columns (d, *spatial) into rows (n, d), all or those of some pixels."""
    flat = columns.reshape(len(columns), -1).T
    return flat if pixels is None else flat[pixels]


def _as_places(anchors: Sequence[Sequence[float]]) -> tuple[tuple[float, ...], ...]:
    try:
        places = np.array(anchors, dtype=float)
    except (TypeError, ValueError, OverflowError):
        places = np.empty(0)
    # Farther away, squares of distances are no numbers.
    near = bool((np.abs(places) <= FARTHEST).all())
    if places.ndim != 2 or places.size == 0 or not near:
        raise ValueError(
            "Expected anchors as a list of points, one (row, column) each, got "
            f"{anchors!r:.80}."
        )
    return tuple(tuple(place) for place in places.tolist())
