"""FeatureCache: each feature of a picture is computed once."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING, Any, Self
from weakref import WeakKeyDictionary, ref

import numpy as np

from .blocks import BLOCK, on_all_cores

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from .base import Feature
    from .picture import Picture

MOST_BYTES = 2**30


@dataclass(frozen=True, eq=False)
class Columns:
    """The values of a feature, and what scaling needs to know of them.

    Attributes
    ----------
    values : ndarray (n, d)
    low, high : float
        Smallest and largest value; NaN if one is NaN.
    deviation : float
        Pooled standard deviation: the root of the mean variance of the columns,
        summed in float64; 0 if they are constant, NaN if a value is not finite.
    """

    values: NDArray[Any]
    low: float
    high: float
    deviation: float

    @property
    def finite(self) -> bool:
        """Whether every value is finite."""
        return bool(np.isfinite(self.low) and np.isfinite(self.high))

    @property
    def largest(self) -> float:
        """The largest absolute value."""
        return max(abs(self.low), abs(self.high))

    @classmethod
    def of(cls, values: NDArray[Any], counts: NDArray[np.int64] | None = None) -> Self:
        """Look at values (n, d); `counts` (n,) is how often each row counts."""
        n_columns = values.shape[1]
        lows, highs, variances = np.zeros((3, n_columns))

        def look(i: int) -> None:
            column = values[:, i]
            lows[i], highs[i] = column.min(), column.max()
            if np.isfinite(lows[i]) and np.isfinite(highs[i]):
                with np.errstate(over="ignore"):  # values too large are refused later
                    variances[i] = _variance(column, counts)

        on_all_cores(look, range(n_columns))
        low, high = float(lows.min()), float(highs.max())
        deviation = np.nan
        if np.isfinite(low) and np.isfinite(high):
            # Below that a square would be 0; all columns are constant then.
            constant = float((highs - lows).max()) < 1e-150
            deviation = 0.0 if constant else float(np.sqrt(variances.mean()))
        return cls(values, low, high, deviation)


def _variance(column: NDArray[Any], counts: NDArray[np.int64] | None) -> float:
    """Variance in float64, block by block."""
    n = len(column)
    total = float(n if counts is None else counts.sum())
    starts = range(0, n, BLOCK)
    mean = squares = 0.0
    for start in starts:
        block = column[start : start + BLOCK].astype(np.float64)
        weights = 1.0 if counts is None else counts[start : start + BLOCK]
        mean += float((block * (weights / total)).sum())
    for start in starts:
        block = column[start : start + BLOCK].astype(np.float64) - mean
        weights = 1.0 if counts is None else counts[start : start + BLOCK]
        squares += float((block * block * (weights / total)).sum())
    return squares


def pixels_key(picture: Picture, features: Iterable[Feature]) -> tuple[Any, ...]:
    """Tell what these features read of a picture from what they read of another.

    The same for pictures that hold the same arrays and say the same of them, but for
    companions that no feature reads. Valid as long as the picture is kept.
    """
    read = {name for feature in features for name in feature.companions}
    return (
        id(picture.values),
        *(picture.channel_axis, picture.rgb, picture.white),
        *(picture.names, picture.scale, picture.axis_labels),
        *(id(picture.companions.get(name)) for name in sorted(read)),
    )


# Which cache has features of a picture; neither is kept by this.
_caches: WeakKeyDictionary[Picture, ref[FeatureCache]] = WeakKeyDictionary()


def values_at(
    picture: Picture, feature: Feature, pixels: NDArray[np.intp]
) -> NDArray[Any]:
    """Measure some pixels, (n, d); what a cache keeps of the picture is taken from it.

    A filter would else look at the whole picture for each of them.
    """
    found = _caches.get(picture)
    cache = None if found is None else found()
    kept = None if cache is None else cache.kept(picture, feature)
    return feature.compute(picture, pixels) if kept is None else kept.values[pixels]


class FeatureCache:
    """Keeps computed features.

    A feature is kept by its settings without weight and influence, so that a change
    of these computes nothing, and by what it reads, so that other companions of the
    same pixels compute nothing, either. It may be asked by several threads; one
    computes, the others wait.

    Parameters
    ----------
    most_bytes : int
        Most memory to keep; what was used longest ago goes first. Features that are
        part of the picture itself cost nothing.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._lock = Lock()
        self._computing: dict[tuple[Any, ...], Lock] = {}
        self._kept: OrderedDict[tuple[Any, ...], _Kept] = OrderedDict()

    @property
    def n_bytes(self) -> int:
        """Memory of what is kept."""
        # A list, for another thread may add to it meanwhile.
        return sum(kept.cost for kept in list(self._kept.values()))

    def kept(self, picture: Picture, feature: Feature) -> Columns | None:
        """Give what was computed of a feature, if it is still here."""
        with self._lock:
            found = self._kept.get(_key(picture, feature.measurement))
            return None if found is None else found.columns

    def columns(
        self,
        picture: Picture,
        feature: Feature,
        counts: NDArray[np.int64] | None = None,
    ) -> Columns:
        """Compute a feature at every pixel, unless it is kept.

        Parameters
        ----------
        picture : Picture
        feature : Feature
        counts : ndarray (n,), optional
            How often each pixel counts; always the same for one picture.
        """
        measurement = feature.measurement
        key = _key(picture, measurement)
        with self._lock:
            _caches[picture] = ref(self)
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key].columns
            computing = self._computing.setdefault(key, Lock())
        # Only who wants the same waits: others may look at what is kept meanwhile.
        with computing:
            found = self.kept(picture, feature)
            if found is not None:
                return found
            try:
                columns = Columns.of(measurement.compute(picture, None), counts)
                self._keep(key, picture, columns)
            finally:
                with self._lock:
                    self._computing.pop(key, None)
        return columns

    def limit_to(self, left: Mapping[Picture, Picture]) -> None:
        """Let go of companions that are gone, and of the features that read them.

        Parameters
        ----------
        left : mapping of Picture to Picture
            What is left of pictures: the same with fewer companions.
        """
        with self._lock:
            for key, kept in list(self._kept.items()):
                picture = left.get(kept.picture, kept.picture)
                _, measurement = key
                if set(measurement.companions) <= picture.companions.keys():
                    self._kept[key] = replace(kept, picture=picture)
                else:
                    del self._kept[key]

    def _keep(self, key: tuple[Any, ...], picture: Picture, columns: Columns) -> None:
        owned = not np.may_share_memory(columns.values, picture.values)
        cost = columns.values.nbytes if owned else 0
        with self._lock:
            self._kept[key] = _Kept(picture, columns, cost)
            while self.n_bytes > self._most_bytes:
                self._kept.popitem(last=False)


def _key(picture: Picture, measurement: Feature) -> tuple[Any, ...]:
    return pixels_key(picture, (measurement,)), measurement


@dataclass(frozen=True, eq=False)
class _Kept:
    """What was computed, how much memory it costs, and of what it is, to keep that."""

    picture: Picture
    columns: Columns
    cost: int
