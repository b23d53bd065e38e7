"""MaterialCache: what was measured for the fits before."""

from __future__ import annotations

from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from .features.cache import pixels_key
from .last_pictures import FORMER_BYTES, LastPictures
from .material import Material, Measured

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .features import Feature, FeatureCache, FeatureGroup, Picture
    from .last_pictures import PictureSource
    from .recipe import Recipe


class MaterialCache:
    """Keeps what was measured last, for fits of one picture with other settings.

    A change of the number of components, say, measures nothing anew; one of a
    feature's weight or influence computes no feature. It may be asked by several
    threads.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._last = LastPictures()
        self._measured: list[Measured] = []  # the last picture, and the one before
        self._material: _Kept | None = None

    def picture(self, source: PictureSource, anew: bool = False) -> Picture:
        """Read a picture, unless it is the one that was read last.

        Parameters
        ----------
        source : PictureSource
        anew : bool
            Read that one too, and give it back only if its pixels are the same.
        """
        return self._last.read(source, anew)

    def without(self, image: Any) -> MaterialCache:
        """Give what is kept when an image is gone: nothing that was read of it.

        Jobs that began before go on with this one, which ends with them.

        Parameters
        ----------
        image : object
            As `PictureSource.without` takes it.
        """
        rest = MaterialCache()
        with self._lock:
            rest._last, left = self._last.without(image)
            for measured in self._measured:
                if measured.picture in left:
                    rest._measured.append(measured.limited_to(left))
            kept = self._material
            if kept is not None and kept.picture in left:
                rest._material = kept.limited_to(left[kept.picture])
        return rest

    def features(self, picture: Picture) -> FeatureCache:
        """Give the features of a picture."""
        with self._lock:
            return self._of(picture).features

    def _of(self, picture: Picture) -> Measured:
        """Find what was measured of a picture.

        Of others only the last is kept, if it is small: one may look at another image
        and come back.
        """
        kept = (m for m in self._measured if _same(m.picture, picture))
        found = next(kept, None) or Measured(picture)
        others = (m for m in self._measured if m is not found)
        former = [m for m in others if m.features.n_bytes <= FORMER_BYTES]
        self._measured = [found, *former[:1]]
        return found

    def gather(
        self,
        picture: Picture,
        recipe: Recipe,
        valid: NDArray[np.bool_] | None,
        groups: tuple[FeatureGroup, ...] | None = None,
    ) -> Material:
        """Measure a picture as `Material.gather`, unless it was measured last.

        Those pixels of it that are valid; the mask may be another array.
        """
        key = (recipe.features, recipe.scaling)
        with self._lock:
            kept = self._material
        if kept is not None:
            same = kept.key == key
            features: Sequence[Feature] = recipe.features
            if groups is not None:
                same = kept.material.samples.groups == groups
                features = [group.feature for group in groups]
            same &= _same(kept.picture, picture, features)
            if same and _same_pixels(kept.valid, valid):
                return kept.material
        with self._lock:
            if groups is None:
                self._material = kept = None  # its memory may be needed
            measured = self._of(picture)
        material = Material.gather(picture, recipe, valid, measured, groups)
        if groups is None:
            with self._lock:
                self._material = _Kept(picture, key, valid, material)
        return material


@dataclass(frozen=True, eq=False)
class _Kept:
    """What was measured last, and of what."""

    picture: Picture
    key: tuple[Any, ...]
    valid: NDArray[np.bool_] | None
    material: Material

    def limited_to(self, picture: Picture) -> _Kept | None:
        """Give the same of the picture with fewer companions; None if one was read."""
        groups = self.material.samples.groups
        read = {name for group in groups for name in group.feature.companions}
        left = read <= picture.companions.keys()
        return replace(self, picture=picture) if left else None


def _same(some: Picture, other: Picture, features: Sequence[Feature] = ()) -> bool:
    """Tell whether features read the same of two pictures."""
    return pixels_key(some, features) == pixels_key(other, features)


def _same_pixels(
    some: NDArray[np.bool_] | None, others: NDArray[np.bool_] | None
) -> bool:
    if some is None or others is None:
        return some is others
    return np.array_equal(some, others)
