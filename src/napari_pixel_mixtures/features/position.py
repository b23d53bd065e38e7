"""Position and AnchorDistance: where a pixel lies in the picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from .base import Feature, setting
from .checks import MAX_SEED, whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .picture import Picture


MAX_ANCHORS = 1000  # each is a column of all pixels


@dataclass(frozen=True, repr=False)
class Position(Feature):
    """The coordinates of a pixel, in pixels: X, Y, and Z for a volume.

    X counts columns and Y rows, both from 0; further axes follow as Z and T.

    Examples
    --------
    >>> from napari_pixel_mixtures import Position
    >>> Position(weight=0.5)
    Position(weight=0.5)
    """

    kind = "position"
    title = "Position"
    tip = (
        "Cluster also by where a pixel lies (X, Y, and Z of a volume): clusters become "
        "places as well as colors."
    )

    def names(self, picture: Picture) -> tuple[str, ...]:
        """X, Y, Z, T: as many as the picture has axes."""
        known = "XYZT"
        return tuple(
            known[i] if i < len(known) else f"axis {-1 - i}"
            for i in range(len(picture.shape))
        )

    def compute(
        self, picture: Picture, pixels: NDArray[np.intp] | None
    ) -> NDArray[Any]:
        """Coordinates (n, ndim) in pixels, the last axis of the picture first."""
        return _coordinates(picture.shape, pixels)[:, ::-1]


@dataclass(frozen=True, repr=False)
class AnchorDistance(Feature):
    """The distances of a pixel to some places in the picture, in pixels.

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

    def names(self, picture: Picture) -> tuple[str, ...]:
        """`distance 1` and so on."""
        return tuple(f"distance {i + 1}" for i in range(self.n))

    def compute(
        self, picture: Picture, pixels: NDArray[np.intp] | None
    ) -> NDArray[Any]:
        """Euclidean distances (n_pixels, n_anchors), in pixels."""
        coordinates = _coordinates(picture.shape, pixels)
        distances = np.empty((len(coordinates), self.n))
        for i, place in enumerate(self.places(picture.shape)):
            distances[:, i] = np.sqrt(((coordinates - place) ** 2).sum(axis=1))
        return distances


def _coordinates(
    shape: tuple[int, ...], pixels: NDArray[np.intp] | None
) -> NDArray[np.intp]:
    """Coordinates (n, ndim) of pixels given by flat indices, the first axis first."""
    if pixels is None:
        return np.indices(shape).reshape(len(shape), -1).T
    return np.stack(np.unravel_index(pixels, shape), axis=1)


def _as_places(anchors: Sequence[Sequence[float]]) -> tuple[tuple[float, ...], ...]:
    try:
        places = np.array(anchors, dtype=float)
    except (TypeError, ValueError):
        places = np.empty(0)
    if places.ndim != 2 or places.size == 0 or not np.isfinite(places).all():
        raise ValueError(
            "Expected anchors as a list of points, one (row, column) each, got "
            f"{anchors!r:.80}."
        )
    return tuple(tuple(place) for place in places.tolist())
