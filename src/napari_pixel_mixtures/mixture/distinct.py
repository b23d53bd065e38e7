"""Distinct rows: the same rows once each, with how often they occur.

The likelihood of distinct colors with their counts as weights is the likelihood of
all pixels, at a third of the rows in a photograph.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import types

from .library import compile_for
from .steps import popcount

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_CHANNELS = 4

# Up to so many, there is a bit for each color that can be: 2 MB for three channels.
_BITMAP_CHANNELS = 3


@dataclass(frozen=True, eq=False)
class Distinct:
    """Rows once each, in ascending order.

    Attributes
    ----------
    rows : array (m, C) of uint8
        The distinct rows; the first column counts most in their order.
    counts : array (m,) of int64
        How often each occurs.
    inverse : array (n,) of int32
        Which of them each row is: `rows[inverse]` are the rows that were given.
    """

    rows: NDArray[np.uint8]
    counts: NDArray[np.int64]
    inverse: NDArray[np.int32]


def distinct_rows(codes: NDArray[np.uint8]) -> Distinct:
    """Collapse equal rows.

    Parameters
    ----------
    codes : array (n, C) of uint8
        Colors, 1 to 4 channels each; fewer than 2**31 of them.

    Returns
    -------
    Distinct

    Raises
    ------
    ValueError
        The array is not as it should be.
    """
    if (
        codes.dtype != np.uint8
        or codes.ndim != 2
        or not 1 <= codes.shape[1] <= MOST_CHANNELS
        or len(codes) >= 2**31
    ):
        raise ValueError(
            "Expected uint8 rows of shape (n, C) with C from 1 to 4 and n below "
            f"2**31, got {codes.dtype} of shape {codes.shape}; convert or split them."
        )
    n, n_channels = codes.shape
    if n_channels > _BITMAP_CHANNELS:
        keys, inverse, counts = _sort(codes)
    else:
        bits = np.zeros(2 ** (8 * n_channels - 6), np.uint64)
        ranks = np.empty(len(bits), np.int32)
        n_distinct = compile_for(*MARK)(codes, bits, ranks)
        keys = np.empty(n_distinct, np.uint32)
        counts = np.zeros(n_distinct, np.int64)
        inverse = np.empty(n, np.int32)
        compile_for(*NUMBER)(codes, bits, ranks, keys, counts, inverse)
    shifts = 8 * np.arange(n_channels)[::-1].astype(np.uint32)
    rows = (keys[:, None] >> shifts & np.uint32(255)).astype(np.uint8)
    return Distinct(rows, counts, inverse)


def _sort(codes: NDArray[np.uint8]) -> tuple[Any, Any, Any]:
    """Find distinct rows of four channels, for which there are too many bits."""
    packed = np.zeros(len(codes), np.uint32)
    for channel in codes.T:
        packed = packed << np.uint32(8) | channel
    keys, inverse, counts = np.unique(packed, return_inverse=True, return_counts=True)
    return keys, inverse.astype(np.int32), counts.astype(np.int64)


_CODES = types.Array(types.uint8, 2, "A", readonly=True)
_BITS = types.Array(types.uint64, 1, "C")
_INT32 = types.Array(types.int32, 1, "C")


def _mark(codes: Any, bits: Any, ranks: Any) -> Any:
    """Set a bit for each row that occurs, and count the bits before each word."""
    n_channels = codes.shape[1]
    for i in range(len(codes)):
        key = np.uint32(0)
        for j in range(n_channels):
            key = np.uint32(key << np.uint32(8)) | np.uint32(codes[i, j])
        bits[key >> np.uint32(6)] |= np.uint64(1) << np.uint64(key & np.uint32(63))
    found = 0
    for word in range(len(bits)):
        ranks[word] = found
        found += popcount(bits[word])  # type: ignore[call-arg]
    return found


def _number(
    codes: Any, bits: Any, ranks: Any, keys: Any, counts: Any, inverse: Any
) -> None:
    """Give each row the number of bits before its own."""
    n_channels = codes.shape[1]
    one = np.uint64(1)
    for i in range(len(codes)):
        key = np.uint32(0)
        for j in range(n_channels):
            key = np.uint32(key << np.uint32(8)) | np.uint32(codes[i, j])
        word = key >> np.uint32(6)
        below = (one << np.uint64(key & np.uint32(63))) - one
        rank = ranks[word] + popcount(bits[word] & below)  # type: ignore[call-arg]
        keys[rank] = key
        counts[rank] += 1
        inverse[i] = rank


MARK = (_mark, (_CODES, _BITS, _INT32))
NUMBER = (
    _number,
    (
        *(_CODES, _BITS, _INT32, types.Array(types.uint32, 1, "C")),
        *(types.Array(types.int64, 1, "C"), _INT32),
    ),
)
"""The compiled functions and their types."""
