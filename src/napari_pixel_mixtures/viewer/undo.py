"""UndoStack: the fits of an image, to go back to and forth."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
from psygnal import Signal

if TYPE_CHECKING:
    from napari_pixel_mixtures.clusters import Clustering

    from .result import Result

MOST = 100  # fits that are kept
NO_LABELS = np.zeros(0, np.uint8)


@dataclass(frozen=True, eq=False)
class _Packed:
    """A result, its labels compressed: to a tenth or so, and within milliseconds.

    Runs of one label are what there is to gain in them.
    """

    result: Result
    labels: bytes
    shape: tuple[int, ...]

    @classmethod
    def pack(cls, result: Result) -> _Packed:
        labels = result.clustering.labels
        bare = replace(result.clustering, labels=NO_LABELS)
        return cls(
            replace(result, clustering=bare), _packed(result.clustering), labels.shape
        )

    def unpack(self, near: Result | None) -> Result:
        """Give the result, of the same clustering as the one near if it has that."""
        if near is not None and _labels.get(near.clustering) is self.labels:
            return replace(self.result, clustering=near.clustering)
        labels = np.frombuffer(bytearray(zlib.decompress(self.labels)), np.uint8)
        whole = replace(self.result.clustering, labels=labels.reshape(self.shape))
        _labels[whole] = self.labels
        return replace(self.result, clustering=whole)


# Results of the same clustering, with other classes, share its compressed labels.
_labels: WeakKeyDictionary[Clustering, bytes] = WeakKeyDictionary()


def _packed(clustering: Clustering) -> bytes:
    if clustering not in _labels:
        packer = zlib.compressobj(level=1, strategy=zlib.Z_RLE)
        data = packer.compress(clustering.labels.tobytes()) + packer.flush()
        _labels[clustering] = data
    return _labels[clustering]


class UndoStack:
    """Keeps results with their recipes and classes, and where among them we are.

    Only the one where we are is kept as it is: labels of the others are compressed,
    and those of arrays that are gone from their image are dropped.
    """

    changed = Signal()

    def __init__(self) -> None:
        self._before: list[_Packed] = []
        self._here: Result | None = None
        self._after: list[_Packed] = []

    @property
    def can_undo(self) -> bool:
        """Whether there is an earlier result."""
        return bool(self._before)

    @property
    def can_redo(self) -> bool:
        """Whether there is a later result."""
        return bool(self._after)

    def push(self, result: Result) -> None:
        """Add a result after the current one; what was later is forgotten."""
        self._after.clear()
        if self._here is not None:
            self._before.append(_Packed.pack(self._here))
        # Labels of other data cannot come back, and would keep those data.
        self._before = [packed for packed in self._before if packed.result.current]
        del self._before[: -(MOST - 1)]
        self._here = result
        self.changed.emit()

    def amend(self, result: Result) -> None:
        """Put a result in the place of the current one."""
        self._here = result

    def note(self, **changes: Any) -> None:
        """Let the current result come back with other segments or random colors."""
        if self._here is not None:
            self._here = replace(self._here, **changes)

    def undo(self) -> Result | None:
        """Go to the earlier result; None if there is none."""
        return self._go(self._before, self._after)

    def redo(self) -> Result | None:
        """Go to the later result; None if there is none."""
        return self._go(self._after, self._before)

    def forget(self, image: object) -> None:
        """Drop the results of an image, or a channel, that was removed."""
        for side in (self._before, self._after):
            side[:] = [p for p in side if image not in p.result.source.layers]
        if self._here is not None and image in self._here.source.layers:
            self._here = None
        self.changed.emit()

    def _go(self, source: list[_Packed], target: list[_Packed]) -> Result | None:
        if not source:
            return None
        if self._here is not None:
            target.append(_Packed.pack(self._here))
        self._here = source.pop().unpack(self._here)
        self.changed.emit()
        return self._here
