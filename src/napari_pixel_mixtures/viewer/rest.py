"""Rest: do something once nothing has changed for a while."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer

if TYPE_CHECKING:
    from collections.abc import Callable

    from qtpy.QtCore import QObject


class Rest:
    """Calls a function once, some time after the last start.

    Parameters
    ----------
    milliseconds : int
    act : callable
    parent : QObject, optional
        With it the waiting ends.
    """

    def __init__(
        self,
        milliseconds: int,
        act: Callable[[], None],
        parent: QObject | None = None,
    ) -> None:
        self._timer = QTimer(parent)
        self._timer.setSingleShot(True)
        self._timer.setInterval(milliseconds)
        self._timer.timeout.connect(act)

    @property
    def waiting(self) -> bool:
        """Whether the function is going to be called."""
        return self._timer.isActive()

    def start(self) -> None:
        """Wait from now on."""
        self._timer.start()

    def stop(self) -> None:
        """Wait no longer; also while Python ends, when Qt has deleted its timers."""
        with suppress(RuntimeError):
            self._timer.stop()
