"""Labels of a multiscale image's finer levels, computed where napari shows them."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from itertools import product
from logging import getLogger
from operator import index
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_pixel_mixtures.finer import FinerLevel

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from .result import Result
    from .source import Source

    Region = tuple[slice, ...]
    Recode = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]

BLOCK = 256  # pixels along each of the last two axes that are computed together
MOST_BLOCKS = 256  # that are kept of a level

_log = getLogger(__name__)


class Blocks:
    """Labels of a finer level, of which those are kept that were looked at last.

    So a picture that is dragged costs what comes into sight. They are never an error:
    where the level cannot be read they are those of the picture, enlarged.
    """

    def __init__(self, level: FinerLevel) -> None:
        self.level = level
        self._kept: OrderedDict[tuple[int, ...], NDArray[np.uint8]] = OrderedDict()
        self._failed = False
        ndim = len(level.shape)
        self._size = np.array([1] * (ndim - 2) + [BLOCK, BLOCK])

    def labels(self, region: Region) -> NDArray[np.uint8]:
        """Give the labels of a region: one slice along each axis."""
        if self._failed:
            return self.level.enlarged(region)
        try:
            return self._labels(region)
        except Exception as error:  # noqa: BLE001
            # napari draws this while it may do anything else. It asks again for each
            # frame, so the level is not read again, which may have taken long.
            _log.warning("Labels are shown enlarged, for a level has failed: %s", error)
            self._failed = True
            return self.level.enlarged(region)

    def _labels(self, region: Region) -> NDArray[np.uint8]:
        found = np.empty([part.stop - part.start for part in region], np.uint8)
        if found.size == 0:
            return found
        starts = np.array([part.start for part in region])
        stops = np.array([part.stop for part in region])
        first, last = starts // self._size, -(-stops // self._size)
        places = list(product(*map(range, first.tolist(), last.tolist())))
        missing = [place for place in places if place not in self._kept]
        if len(places) > MOST_BLOCKS:
            return self.level.labels(region)
        blocks = {p: self._kept[p] for p in places if p in self._kept}
        if missing:
            blocks |= self._compute(missing)
        for place, block in blocks.items():
            corner = np.array(place) * self._size
            low = np.maximum(starts, corner)
            high = np.minimum(stops, corner + block.shape)
            found[_slices(low - starts, high - starts)] = block[
                _slices(low - corner, high - corner)
            ]
        self._keep(blocks)
        return found

    def _compute(self, places: Sequence[tuple[int, ...]]) -> dict[Any, Any]:
        """Compute blocks, all in one: what lies around them is measured but once."""
        first, last = np.min(places, axis=0), np.max(places, axis=0) + 1
        start = first * self._size
        stop = np.minimum(last * self._size, self.level.shape)
        labels = self.level.labels(_slices(start, stop))
        blocks = {}
        for place in product(*map(range, first.tolist(), last.tolist())):
            low = np.array(place) * self._size - start
            blocks[place] = labels[_slices(low, low + self._size)]
        return blocks

    def _keep(self, blocks: dict[tuple[int, ...], NDArray[np.uint8]]) -> None:
        for place, block in blocks.items():
            self._kept[place] = block
            self._kept.move_to_end(place)
        while len(self._kept) > MOST_BLOCKS:
            self._kept.popitem(last=False)


def _slices(start: NDArray[Any], stop: NDArray[Any]) -> Region:
    return tuple(map(slice, start.tolist(), stop.tolist()))


class LevelLabels:
    """Labels of a finer level as an array that is computed where it is looked at.

    Parts of it are lazy as well; `numpy.asarray` computes.

    Parameters
    ----------
    blocks : Blocks
    channel_axis : int, optional
        Where the image has channels, along which labels have one pixel.
    recode : callable, optional
        Turns labels of components into those to be shown.
    """

    dtype = np.dtype(np.uint8)

    def __init__(
        self,
        blocks: Blocks,
        channel_axis: int | None = None,
        recode: Recode | None = None,
    ) -> None:
        self.blocks = blocks
        self._axis = channel_axis
        self._recode = recode
        whole = list(blocks.level.shape)
        if channel_axis is not None:
            whole.insert(channel_axis, 1)
        self._region: Region = tuple(slice(0, n) for n in whole)
        self._axes: tuple[int, ...] = tuple(range(len(whole)))

    @property
    def shape(self) -> tuple[int, ...]:
        """Its length along each axis."""
        found = [self._region[axis] for axis in self._axes]
        return tuple(part.stop - part.start for part in found)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self._axes)

    @property
    def size(self) -> int:
        """Number of pixels."""
        return int(np.prod(self.shape, dtype=np.int64))

    def __getitem__(self, key: Any) -> Any:
        """Give a part, computed later; all at once where that is no block of pixels."""
        keys = key if isinstance(key, tuple) else (key,)
        plain = len(keys) <= self.ndim and all(
            (isinstance(k, slice) and k.step in (None, 1))
            or isinstance(k, int | np.integer)
            for k in keys
        )
        if not plain:
            return np.asarray(self)[key]
        region, left = list(self._region), list(self._axes)
        for k, axis, n in zip(keys, self._axes, self.shape, strict=False):
            first = region[axis].start
            if isinstance(k, slice):
                low, high, _ = k.indices(n)
                region[axis] = slice(first + low, first + max(low, high))
                continue
            place = index(k) + (n if k < 0 else 0)
            if not 0 <= place < n:
                raise IndexError(f"Expected an index below {n}, got {k}.")
            region[axis] = slice(first + place, first + place + 1)
            left.remove(axis)
        part = LevelLabels(self.blocks, self._axis, self._recode)
        part._region, part._axes = tuple(region), tuple(left)
        return part

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Compute the labels."""
        region = list(self._region)
        if self._axis is not None:
            del region[self._axis]
        labels = self.blocks.labels(tuple(region))
        if self._recode is not None:
            labels = self._recode(labels)
        found = labels.reshape(self.shape)
        return found if dtype is None else found.astype(dtype, copy=False)


@dataclass(frozen=True, eq=False)
class Scales:
    """The levels of an image beside the one that was clustered.

    Attributes
    ----------
    finer : tuple of Blocks
        Those whose labels are computed where they are looked at.
    coarser : tuple of tuple of int
        Shapes of the others, (*spatial), whose labels are some of those clustered.
    channel_axis : int or None
        Where the image has channels, along which labels have one pixel.
    """

    finer: tuple[Blocks, ...] = ()
    coarser: tuple[tuple[int, ...], ...] = ()
    channel_axis: int | None = None

    @classmethod
    def of(cls, result: Result, threshold: float | None = None) -> Scales:
        """Give those of a result's image; none where its finest level was clustered.

        Parameters
        ----------
        result : Result
        threshold : float, optional
            See `FinerLevel`.
        """
        source = result.source
        levels = [list(x.data) if x.multiscale else [x.data] for x in source.layers]
        finer: list[Blocks] = []
        for i, arrays in enumerate(zip(*levels, strict=False)):
            if arrays[0] is source.arrays[0]:
                shapes = [tuple(level.shape) for level in levels[0][i + 1 :]]
                coarser = tuple(_spatial(shape, source) for shape in shapes)
                return cls(tuple(finer), coarser, source.channel_axis)
            if len({tuple(array.shape) for array in arrays}) > 1:
                break
            shape = _spatial(tuple(arrays[0].shape), source)
            read = _reader(arrays, source)
            finer.append(Blocks(FinerLevel(result.clustering, shape, read, threshold)))
        return cls()

    def __bool__(self) -> bool:
        """Whether layers have several scales: where there are finer ones."""
        return bool(self.finer)

    def __call__(
        self, labels: NDArray[np.uint8], recode: Recode | None = None
    ) -> list[Any] | NDArray[np.uint8]:
        """Give labels as a layer takes them: on every level, if there are several.

        Parameters
        ----------
        labels : ndarray
            Those clustered, with the axes of the image.
        recode : callable, optional
            Turns labels of components into such labels.
        """
        if not self.finer:
            return labels
        axis = self.channel_axis
        found: list[Any] = [LevelLabels(blocks, axis, recode) for blocks in self.finer]
        found.append(labels)
        for shape in self.coarser:
            whole = shape if axis is None else (*shape[:axis], 1, *shape[axis:])
            places = [
                ((np.arange(n) + 0.5) * n_labels / n).astype(np.intp)
                for n, n_labels in zip(whole, labels.shape, strict=True)
            ]
            found.append(labels[np.ix_(*places)])
        return found


def _spatial(shape: tuple[int, ...], source: Source) -> tuple[int, ...]:
    axis = len(shape) - 1 if source.rgb else source.channel_axis
    return shape if axis is None else shape[:axis] + shape[axis + 1 :]


def _reader(
    arrays: tuple[Any, ...], source: Source
) -> Callable[[Region], NDArray[Any]]:
    """Give what reads a region of a level, (*region, C), and no more of it."""
    # Not the source itself: labels shall not keep the layers alive that they lie over.
    rgb, axis = source.rgb, source.channel_axis

    def read(region: Region) -> NDArray[Any]:
        if rgb:
            return np.asarray(arrays[0][region])[..., :3]
        if axis is not None:
            places = (*region[:axis], slice(None), *region[axis:])
            return np.moveaxis(np.asarray(arrays[0][places]), axis, -1)
        return np.stack([np.asarray(array[region]) for array in arrays], axis=-1)

    return read
