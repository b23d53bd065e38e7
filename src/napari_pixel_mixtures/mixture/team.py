"""Threads that run a compiled pass together.

numba's own parallel regions abort the process when two threads enter them at once
with its default layer, so that kernels here run without the interpreter's lock in
ordinary threads. A team lives as long as one fit or one prediction: there is no
thread left afterwards, and nothing that a fork could break.
"""

from __future__ import annotations

import os
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Self, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import TracebackType

    from numpy.typing import NDArray

Item = TypeVar("Item")
Result = TypeVar("Result")

STOPPED = np.iinfo(np.int64).max // 2
"""Value of a counter at which every thread finds nothing left to do."""


@dataclass(frozen=True)
class EngineSettings:
    """How the engine uses the machine; the results do not depend on it.

    Attributes
    ----------
    n_threads : int
        Number of threads, 1 or more.
    block_size : int
        Number of samples that a thread takes at a time, 1 or more; rounded up to
        a multiple of what sums are kept apart for.
    """

    n_threads: int
    block_size: int

    def __post_init__(self) -> None:
        """Check the values."""
        for name in ("n_threads", "block_size"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(
                    f"Expected {name} to be an integer of at least 1, got {value!r}; "
                    "leave it out for the default."
                )


def _available_processors() -> int:
    """Count the processors that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS and Windows
        return os.cpu_count() or 1


_settings = EngineSettings(n_threads=_available_processors(), block_size=4096)


def engine_settings() -> EngineSettings:
    """Return the present settings."""
    return _settings


def set_engine(n_threads: int | None = None, block_size: int | None = None) -> None:
    """Change settings of the engine, for the whole process.

    Parameters
    ----------
    n_threads : int, optional
        Number of threads; at first, the processors that the process may use.
    block_size : int, optional
        Number of samples that a thread takes at a time.

    Raises
    ------
    ValueError
        A value is not an integer of at least 1.
    """
    global _settings
    changes = {"n_threads": n_threads, "block_size": block_size}
    given = {name: value for name, value in changes.items() if value is not None}
    _settings = replace(_settings, **given)


@contextmanager
def engine(
    n_threads: int | None = None, block_size: int | None = None
) -> Iterator[EngineSettings]:
    """Change settings of the engine within a `with` block.

    Parameters and errors are those of `set_engine`.
    """
    global _settings
    before = _settings
    set_engine(n_threads, block_size)
    try:
        yield _settings
    finally:
        _settings = before


class Team:
    """Threads of one fit or one prediction; a context manager.

    The thread that uses the team works too; the others start when there is enough
    work, and have ended when the `with` block is left.

    Parameters
    ----------
    settings : EngineSettings, optional
        Those of the process when omitted.
    """

    def __init__(self, settings: EngineSettings | None = None) -> None:
        self.settings = _settings if settings is None else settings
        self._threads: list[Thread] = []
        # A task takes a millisecond, of which a pool of futures would take a tenth.
        self._jobs: SimpleQueue[Callable[[], object] | None] = SimpleQueue()
        self._outcomes: SimpleQueue[BaseException | None] = SimpleQueue()

    def alone(self) -> Team:
        """Return a team of only the thread that uses it."""
        return Team(replace(self.settings, n_threads=1))

    def __enter__(self) -> Self:
        """Return the team; its threads start when they are needed."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the threads, and wait until they have."""
        threads, self._threads = self._threads, []
        for _ in threads:
            self._jobs.put(None)
        for thread in threads:
            if thread.is_alive():  # else it could not be started, and join would fail
                thread.join()

    def run(
        self,
        task: Callable[[NDArray[np.int64]], object],
        n_helpers: int,
    ) -> None:
        """Run a task in this thread, and at once in up to `n_helpers` others.

        Parameters
        ----------
        task : callable
            Called with a counter (1,) that all of them share; each takes work off
            it until none is left.
        n_helpers : int
            More than this many other threads would find nothing to do.
        """
        counter = np.zeros(1, np.int64)
        n_helpers = min(n_helpers, self.settings.n_threads - 1)
        if n_helpers < 1:
            task(counter)
            return
        while len(self._threads) < n_helpers:
            # A process may end in the middle of a fit, and must not wait for them.
            thread = Thread(target=self._work, name="pixel-mixtures", daemon=True)
            self._threads.append(thread)
            thread.start()
        for _ in range(n_helpers):
            self._jobs.put(partial(task, counter))
        try:
            task(counter)
        finally:
            # After an interrupt this ends the others early; otherwise they have
            # found nothing left anyway.
            counter[0] = STOPPED
            outcomes = [self._outcomes.get() for _ in range(n_helpers)]
        for error in outcomes:
            if error is not None:
                raise error

    def _work(self) -> None:
        """Do jobs, each in one of the threads, until the team is dismissed."""
        while (job := self._jobs.get()) is not None:
            try:
                job()
            except BaseException as error:  # noqa: BLE001
                self._outcomes.put(error)
            else:
                self._outcomes.put(None)
            del job  # and the arrays that it holds

    def map(
        self, function: Callable[[Item, Team], Result], items: Sequence[Item]
    ) -> list[Result]:
        """Call a function on each item, several at once; results in the same order.

        What is shared out are whole items, which suits many short passes.

        Parameters
        ----------
        function : callable
            Called with an item, and with a team for it that is a share of this one.
        items : sequence
            At least one.
        """
        n_workers = min(len(items), self.settings.n_threads)
        share = replace(self.settings, n_threads=self.settings.n_threads // n_workers)
        waiting = deque(enumerate(items))
        results: dict[int, Result] = {}

        def task(counter: NDArray[np.int64]) -> None:
            with Team(share) as team:
                while counter[0] < STOPPED:
                    try:
                        place, item = waiting.popleft()
                    except IndexError:
                        return
                    results[place] = function(item, team)

        self.run(task, n_workers - 1)
        return [results[place] for place in range(len(items))]
