"""UndoStack: the fits of an image, to go back to and forth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psygnal import Signal

if TYPE_CHECKING:
    from .result import Result

MOST = 100  # fits that are kept


class UndoStack:
    """Keeps results with their recipes and colors, and where among them we are."""

    changed = Signal()

    def __init__(self) -> None:
        self._results: list[Result] = []
        self._place = -1

    @property
    def can_undo(self) -> bool:
        """Whether there is an earlier result."""
        return self._place > 0

    @property
    def can_redo(self) -> bool:
        """Whether there is a later result."""
        return self._place < len(self._results) - 1

    def push(self, result: Result) -> None:
        """Add a result after the current one; what was later is forgotten."""
        del self._results[self._place + 1 :]
        self._results.append(result)
        del self._results[:-MOST]
        self._place = len(self._results) - 1
        self.changed.emit()

    def undo(self) -> Result | None:
        """Go to the earlier result; None if there is none."""
        return self._go(-1) if self.can_undo else None

    def redo(self) -> Result | None:
        """Go to the later result; None if there is none."""
        return self._go(1) if self.can_redo else None

    def forget(self, image: object) -> None:
        """Drop the results of an image that was removed."""
        here = self._results[self._place] if self._results else None
        self._results = [r for r in self._results if r.image is not image]
        if here in self._results:
            self._place = self._results.index(here)
        else:
            self._place = len(self._results) - 1
        self.changed.emit()

    def _go(self, step: int) -> Result:
        self._place += step
        self.changed.emit()
        return self._results[self._place]
