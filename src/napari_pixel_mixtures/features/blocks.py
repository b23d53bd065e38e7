"""Work on many rows or planes, a piece at a time, on all cores.

numpy, scipy and scikit-image let go of Python's lock in their loops; small pieces
stay in the cache, and need little memory beside the result.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

BLOCK = 2**15
"""Rows in a block."""

_Item = TypeVar("_Item")


def on_all_cores(task: Callable[[_Item], None], items: Iterable[_Item]) -> None:
    """Do a task for each item; the first error is raised."""
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for _ in pool.map(task, items):
            pass


def blocks(n: int, size: int = BLOCK) -> list[slice]:
    """Divide n rows into blocks."""
    return [slice(start, start + size) for start in range(0, n, size)]


def by_rows(
    function: Callable[[NDArray[Any]], NDArray[Any]],
    rows: NDArray[Any],
    n_columns: int,
    dtype: np.dtype[Any],
) -> NDArray[Any]:
    """Apply a function of blocks of rows, (n, C) -> (n, n_columns).

    The result has its columns contiguous. What overflows becomes an infinity, what
    is not defined NaN, without a warning.
    """
    columns = np.empty((n_columns, len(rows)), dtype)

    def task(part: slice) -> None:
        with np.errstate(all="ignore"):
            columns[:, part] = function(rows[part]).T

    on_all_cores(task, blocks(len(rows)))
    return columns.T
