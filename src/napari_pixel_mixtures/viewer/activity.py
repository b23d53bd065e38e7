"""ActivityBar: a progress bar in napari's activity dock."""

from __future__ import annotations

from typing import ClassVar

from napari.utils import progress

TOTAL = 1000


class ActivityBar:
    """Shows how far a job is in napari's activity dock.

    napari's bars process Qt's events whenever one is made, moved or closed, so that
    anything may happen within, and it crashes when another bar is made there. So all
    changes wait for the one that is under way.
    """

    _waiting: ClassVar[list[ActivityBar]] = []
    _changing: ClassVar[bool] = False

    def __init__(self) -> None:
        self._wanted: tuple[str, float] | None = None
        self._shown: tuple[str, float] | None = None
        self._bar: progress | None = None

    def show(self, title: str, fraction: float) -> None:
        """Show a title, and how far the job is from 0 to 1."""
        self._wanted = (title, fraction)
        self._settle()

    def hide(self) -> None:
        """Take the bar away."""
        self._wanted = None
        self._settle()

    def _settle(self) -> None:
        ActivityBar._waiting.append(self)
        if ActivityBar._changing:
            return
        ActivityBar._changing = True
        try:
            while ActivityBar._waiting:
                ActivityBar._waiting.pop()._change()
        finally:
            ActivityBar._changing = False

    def _change(self) -> None:
        wanted, shown = self._wanted, self._shown
        if wanted == shown:
            return
        self._shown = wanted
        bar = self._bar
        if bar is not None and (
            wanted is None or shown is None or wanted[0] != shown[0]
        ):
            self._bar = None
            bar.close()
            bar = None
        if wanted is not None:
            if bar is None:
                bar = self._bar = progress(total=TOTAL, desc=wanted[0])
            bar.update(round(wanted[1] * TOTAL) - bar.n)
