"""Animation: a change that the eye can follow."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, QTimer

if TYPE_CHECKING:
    from collections.abc import Callable

DURATION = 0.3  # seconds
FRAME_MS = 16


class Animation:
    """Shows a change in small steps.

    Parameters
    ----------
    show : callable
        Takes how far the change is, rising from 0 to 1 within `DURATION`, slowly at
        both ends. Where drawing is slow there are fewer steps.
    parent : QObject, optional
        With it the animation ends.
    """

    def __init__(
        self, show: Callable[[float], None], parent: QObject | None = None
    ) -> None:
        self._show = show
        self._started = 0.0
        self._timer = QTimer(parent)
        self._timer.setInterval(FRAME_MS)
        self._timer.timeout.connect(self.advance)

    @property
    def active(self) -> bool:
        """Whether the change is under way."""
        return bool(self._timer.isActive())

    def start(self) -> None:
        """Begin, or begin again."""
        self._started = monotonic()
        self._timer.start()

    def stop(self) -> None:
        """Leave the change where it is."""
        self._timer.stop()

    def finish(self) -> None:
        """Show the end at once."""
        self._timer.stop()
        self._show(1.0)

    def advance(self) -> None:
        """Show how far the change is by now."""
        step = (monotonic() - self._started) / DURATION
        if step >= 1.0:
            self.finish()
        else:
            self._show(step * step * (3 - 2 * step))
