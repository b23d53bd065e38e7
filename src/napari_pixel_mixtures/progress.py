"""Progress: how far a job is; and run, which does all of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

T = TypeVar("T")


@dataclass(frozen=True)
class Progress:
    """How far a job is.

    Attributes
    ----------
    done, total : int
        Parts that are done, and all parts.
    """

    done: int
    total: int


def run(
    steps: Generator[Any, None, T], callback: Callable[[Any], object] | None = None
) -> T:
    """Do all steps of a job.

    Parameters
    ----------
    steps : generator
        It yields what is told to the callback, and returns the result.
    callback : callable, optional
        An exception that it raises ends the job.

    Examples
    --------
    >>> def job():
    ...     yield Progress(1, 2)
    ...     yield Progress(2, 2)
    ...     return "done"
    >>> run(job(), print)
    Progress(done=1, total=2)
    Progress(done=2, total=2)
    'done'
    """
    while True:
        try:
            step = next(steps)
        except StopIteration as stop:
            result: T = stop.value
            return result
        if callback is not None:
            callback(step)
