"""Thinning: fewer points are drawn while something moves, all when it is still."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .rest import Rest

if TYPE_CHECKING:
    from collections.abc import Callable

    from qtpy.QtCore import QObject

STILL_MS = 180  # without movement, after which all points are drawn again


class Thinning:
    """Tells which of many points to draw.

    Parameters
    ----------
    most : int
        How many are drawn while something moves.
    draw : callable
        Draws those that are `chosen`, which are others than before.
    parent : QObject, optional
        With it the waiting for stillness ends.
    """

    def __init__(
        self, most: int, draw: Callable[[], None], parent: QObject | None = None
    ) -> None:
        self.most = most
        self.active = False
        """Whether only a part of the points is drawn."""
        self._draw = draw
        self._order = np.zeros(0, np.intp)
        self._still = Rest(STILL_MS, self.end, parent)

    @property
    def waiting(self) -> bool:
        """Whether it has yet to be still."""
        return self._still.waiting

    @property
    def chosen(self) -> Any:
        """Which of the points are drawn now, as an index into them."""
        return self._order[: self.most] if self.active else slice(None)

    def take(self, n_points: int) -> None:
        """Choose among so many points, all of which are drawn."""
        self.active = False
        if len(self._order) != n_points:
            # In this order any beginning is a fair sample.
            self._order = np.random.default_rng(0).permutation(n_points)

    def begin(self) -> None:
        """Draw a part of the points, until nothing has moved for a while."""
        self.hold()
        self.release()

    def hold(self) -> None:
        """Draw a part of the points, however long it takes."""
        self._still.stop()
        if not self.active and len(self._order) > self.most:
            self.active = True
            self._draw()

    def release(self) -> None:
        """Hold no longer: draw all points when nothing has moved for a while."""
        if self.active:
            self._still.start()

    def end(self) -> None:
        """Draw all points."""
        self._still.stop()
        if self.active:
            self.active = False
            self._draw()
