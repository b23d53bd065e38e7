"""LastPictures: the pictures that were read last, for those who want one again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha1
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakKeyDictionary

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray

    from .features import Picture


FORMER_BYTES = 2**28  # what is kept of the picture before the last


class PictureSource(Protocol):
    """Where a picture is read from."""

    @property
    def companions(self) -> Mapping[str, Any]:
        """Where its companions are read from, by their names."""

    def read(self) -> Picture:
        """Read it."""

    def matches(self, other: Any) -> bool:
        """Tell whether another source gives the same picture."""

    def has_pixels_of(self, other: Any) -> bool:
        """Tell whether another source gives the same but for its companions."""

    def without(self, image: Any) -> PictureSource | None:
        """Give what is left of it when an image is gone; None if it is of that."""


class LastPictures:
    """Keeps the picture that was read last, and the one before it if that is small.

    So one may look at another image and come back. It may be asked by several threads.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: list[_Read] = []
        # Of every picture that anyone still has.
        self._sources: WeakKeyDictionary[Picture, PictureSource] = WeakKeyDictionary()

    def read(self, source: PictureSource, anew: bool = False) -> Picture:
        """Read a picture, unless it is kept.

        One with other companions holds the arrays that stayed, by which it is known
        that features need not be measured again.

        Parameters
        ----------
        source : PictureSource
        anew : bool
            Read that one too, and give it back only if its pixels are the same.
        """
        with self._lock:
            found = (r for r in self._kept if r.source.has_pixels_of(source))
            kept = next(found, None)
        same = kept is not None and kept.source.matches(source)
        if kept is None:
            taken = _Read.of(source)
        elif same and not anew:
            taken = kept
        else:
            taken = _Read.of(source)
            unchanged = same and taken.digests == kept.digests
            taken = kept if unchanged else taken.sharing(kept)
        with self._lock:
            others = (r for r in self._kept if r is not kept and r is not taken)
            former = [r for r in others if r.picture.values.nbytes <= FORMER_BYTES]
            self._kept = [taken, *former[:1]]
            self._sources[taken.picture] = taken.source
        return taken.picture

    def without(self, image: Any) -> tuple[LastPictures, dict[Picture, Picture]]:
        """Give what is kept when an image is gone.

        Returns
        -------
        rest : LastPictures
        left : dict of Picture to Picture
            What is left of each picture that was read, if any of it is: itself, or the
            same without a companion.
        """
        rest = LastPictures()
        left: dict[Picture, Picture] = {}
        with self._lock:
            for picture, source in list(self._sources.items()):
                source_left = source.without(image)
                if source_left is not None:
                    left[picture] = _only(picture, source_left.companions)
                    rest._sources |= {picture: source_left, left[picture]: source_left}
            rest._kept = [
                read.become(rest._sources[read.picture], left[read.picture])
                for read in self._kept
                if read.picture in left
            ]
        return rest, left


@dataclass(frozen=True, eq=False)
class _Read:
    """A picture, where it was read, and checksums of its arrays."""

    source: PictureSource
    picture: Picture
    digests: dict[str | None, bytes]
    """That of each companion by its name; None is the picture itself."""

    @classmethod
    def of(cls, source: PictureSource) -> _Read:
        """Read it."""
        picture = source.read()
        digests: dict[str | None, bytes] = {None: _digest(picture.values)}
        digests |= {name: _digest(a) for name, a in picture.companions.items()}
        return cls(source, picture, digests)

    def sharing(self, other: _Read) -> _Read:
        """Give the same with those arrays of the other one that hold the same."""
        before, after = other.picture, self.picture
        same = {n for n, d in self.digests.items() if other.digests.get(n) == d}
        picture = replace(
            after,
            values=before.values if None in same else after.values,
            companions={
                name: before.companions[name] if name in same else array
                for name, array in after.companions.items()
            },
        )
        return replace(self, picture=picture)

    def become(self, source: PictureSource, picture: Picture) -> _Read:
        """Give the same with fewer companions."""
        digests = {
            name: digest
            for name, digest in self.digests.items()
            if name is None or name in picture.companions
        }
        return _Read(source, picture, digests)


def _only(picture: Picture, names: Collection[str]) -> Picture:
    """Give the same picture with no other companions than these."""
    companions = {n: a for n, a in picture.companions.items() if n in names}
    if len(companions) == len(picture.companions):
        return picture
    return replace(picture, companions=companions)


def _digest(array: NDArray[Any]) -> bytes:
    """Checksum of all pixels, which takes far less time than to measure them."""
    digest = sha1(f"{array.dtype} {array.shape}".encode(), usedforsecurity=False)
    for part in array:
        digest.update(np.ascontiguousarray(part).data)
    return digest.digest()
