"""Outline: what a mouse draws on a screen, and which point it is at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

LASSO_COLOR = (1.0, 0.85, 0.2, 1.0)
TOOLS = ("turn", "lasso", "box")
CLICK_REACH = 3  # pixels that the mouse may move in a click
POINT_REACH = 8.0  # pixels between a click and the point that it means, at most


class Outline:
    """A lasso or a box under way, or a mere press.

    Parameters
    ----------
    tool : {"turn", "lasso", "box"}
        "turn" draws nothing.
    start : sequence of float (2,)
        Where the button was pressed, in pixels of the screen.
    """

    def __init__(self, tool: str, start: Sequence[float]) -> None:
        self._tool = tool
        self._places = [np.array(start[:2], float)]
        self._end = self._places[0]

    @property
    def start(self) -> NDArray[np.float64]:
        """Where the button was pressed, (2,)."""
        return self._places[0]

    @property
    def draws(self) -> bool:
        """Whether there is something to see."""
        return self._tool != "turn"

    def extend(self, place: Sequence[float]) -> None:
        """Follow the mouse to a place."""
        self._end = np.array(place[:2], float)
        if self._tool == "lasso":
            self._places.append(self._end)

    @property
    def corners(self) -> NDArray[np.float64]:
        """Corners (m, 2) of what was drawn so far."""
        if self._tool == "box":
            (x0, y0), (x1, y1) = self.start, self._end
            return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])
        return np.array(self._places)

    @property
    def closed(self) -> NDArray[np.float64]:
        """The same, with the first corner once more at the end."""
        return np.append(self.corners, self.corners[:1], axis=0)

    @property
    def encloses(self) -> bool:
        """Whether it goes round something."""
        corners = self.corners
        wide = np.ptp(corners, axis=0).min() >= CLICK_REACH
        return self.draws and len(corners) >= 3 and bool(wide)

    @property
    def is_click(self) -> bool:
        """Whether the mouse has stayed where it was pressed, more or less."""
        return bool(np.abs(self._end - self.start).max() < CLICK_REACH)


def nearest_point(
    points: NDArray[np.floating],
    projection: NDArray[np.float64],
    place: NDArray[np.float64],
) -> int | None:
    """Find which of the points (m, 3) is nearest to a place (2,) on the screen.

    `projection` is as in `Region`. None if there is none within eight pixels.
    """
    if len(points) == 0:
        return None
    screen = points @ projection[:3] + projection[3]
    depths = screen[:, 3:]
    with np.errstate(divide="ignore", invalid="ignore"):
        distances = np.hypot(*(screen[:, :2] / depths - place).T)
    # Behind the eye, where depth is negative, nothing is seen.
    distances[~(depths[:, 0] > 0)] = np.inf
    nearest = int(np.argmin(distances))
    return nearest if distances[nearest] <= POINT_REACH else None
