"""Distinct rows: the same rows once each, with how often they occur."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Distinct:
    """Rows in ascending order, how often each occurs, and which one each row is."""

    rows: NDArray[np.uint8]
    counts: NDArray[np.int64]
    inverse: NDArray[np.int32]


def distinct_rows(codes: NDArray[np.uint8]) -> Distinct:
    """Collapse equal rows of (n, C) uint8, C up to 4."""
    packed = np.zeros(len(codes), np.uint32)
    for channel in codes.T:
        packed = packed << np.uint32(8) | channel
    values, inverse, counts = np.unique(packed, return_inverse=True, return_counts=True)
    shifts = 8 * np.arange(codes.shape[1])[::-1].astype(np.uint32)
    rows = (values[:, np.newaxis] >> shifts & np.uint32(255)).astype(np.uint8)
    return Distinct(rows, counts, inverse.astype(np.int32))
