"""Compilation ahead of time, in the background."""

from __future__ import annotations

import atexit
import threading
from time import perf_counter, sleep
from typing import TYPE_CHECKING, Any

import numpy as np

from . import distinct, seeding
from .covariance import COVARIANCE_TYPES
from .library import compile_for, kernel
from .plan import Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from .library import Signature

_DOUBLE = np.dtype(np.float64)

# One kernel is compiled at a time: a fit that waits for one has its turn between two.
_GIVE_WAY = 0.01  # of the time that one took, which is little if it was on disk

_ending = threading.Event()
_threads: dict[Any, threading.Thread] = {}
_lock = threading.Lock()


def warm_up(
    n_features: Iterable[int] = (3, 5),
    covariance_types: Iterable[str] = ("full",),
    dtype: Any = np.float32,
) -> threading.Thread:
    """Compile what a fit will need, or load it from the cache on disk.

    Parameters
    ----------
    n_features : iterable of int
        Numbers of features to expect.
    covariance_types : iterable of str
        Covariance types to expect, the most likely one first.
    dtype : dtype
        Type of the samples to expect, float32 or float64.

    Returns
    -------
    Thread
        The daemon thread that does it; called again with the same arguments, the
        same thread. A fit may begin at any time: it waits for a kernel that is
        being compiled. When the interpreter exits, at most the kernel at hand is
        finished.
    """
    key = (tuple(n_features), tuple(covariance_types), np.dtype(dtype))
    return _ahead(key, lambda: _jobs(*key))


def compile_ahead(*jobs: tuple[Callable[..., Any], Signature]) -> threading.Thread:
    """Compile functions as `compile_for` does, or load them from the cache on disk.

    Parameters
    ----------
    *jobs : (callable, signature)
        What `compile_for` takes.

    Returns
    -------
    Thread
        As that of `warm_up`.
    """
    return _ahead(jobs, lambda: iter(jobs))


def _ahead(
    key: tuple[Any, ...], jobs: Callable[[], Iterator[tuple[Any, ...]]]
) -> threading.Thread:
    """Do jobs in a thread of their own, once for each key."""
    with _lock:
        if key not in _threads:
            _threads[key] = threading.Thread(
                target=_work,
                args=(list(jobs()),),
                name="pixel-mixtures-warm-up",
                daemon=True,
            )
            _threads[key].start()
        return _threads[key]


def _jobs(
    n_features: Sequence[int], covariance_types: Sequence[str], dtype: np.dtype[Any]
) -> Iterator[tuple[Any, ...]]:
    yield seeding.SEED
    yield seeding.sum_job(dtype)
    yield distinct.MARK
    yield distinct.NUMBER
    for name in covariance_types:
        kind = COVARIANCE_TYPES[name]
        for d in n_features:
            plan = Plan(kind.layout, d, dtype)
            yield from (kind.layout.prepare, kind.layout.move, kind.estimation)
            for kernel_name in ("moments", "details", "labels"):
                yield (kernel_name, plan)
        if dtype == np.float32:
            # Where a cluster collapses, `em_step` sums in float64.
            for d in n_features:
                yield ("moments", Plan(kind.layout, d, _DOUBLE))


def _work(jobs: list[tuple[Any, ...]]) -> None:
    for job in jobs:
        if _ending.is_set():
            return
        begin = perf_counter()
        if isinstance(job[1], Plan):
            kernel(*job)
        else:
            compile_for(*job)
        sleep(_GIVE_WAY * (perf_counter() - begin))


@atexit.register
def _end() -> None:
    """Let the compiler finish: it must not be cut off within its C++ code."""
    _ending.set()
    for thread in list(_threads.values()):
        thread.join(timeout=10)
