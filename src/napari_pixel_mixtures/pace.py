"""Pace: how long fits take here, to tell beforehand which ones take long."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

LONG = 0.15  # seconds after which a person wants to see something
FIRST_GUESS = LONG / 25_000_000  # seconds for a row, feature and component
REMEMBERED = 5  # fits


@dataclass(eq=False)
class Pace:
    """Seconds that fits took for each unit of their work, of which the median counts.

    The work of a fit is its number of rows x features x components. Several threads
    may share a pace.

    Attributes
    ----------
    clock : callable
        Gives seconds.
    """

    clock: Callable[[], float] = perf_counter
    _rates: tuple[float, ...] = field(default=(FIRST_GUESS,), init=False)

    def seconds(self, work: int) -> float:
        """Tell how long a fit of so much work will take."""
        return median(self._rates) * work

    def is_long(self, work: int) -> bool:
        """Tell whether a fit of so much work will take long."""
        return self.seconds(work) > LONG

    def note(self, work: int, seconds: float) -> None:
        """Take what a fit took.

        One that was short, and expected to be, tells little of long ones: most of it
        is work that does not grow with the rows.
        """
        if seconds > LONG or self.is_long(work):
            self._rates = (*self._rates, seconds / work)[-REMEMBERED:]
