"""CloudAxes: the box round a cloud, with the names and numbers of its axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from vispy.scene.visuals import Line, Text
from vispy.visuals.text.text import FontManager

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from vispy.scene.node import Node

FRAME_COLOR = (0.75, 0.75, 0.75, 1.0)
TEXT_COLOR = "white"
NAME_SIZE, NUMBER_SIZE = 10, 8  # points
GLYPH = (7.0, 12.0)  # pixels that a letter takes, at most
TICK = 4  # pixels
GAP = 3  # pixels between a tick and its number
SPACING = 45  # pixels between ticks, at least
SHORTEST = 25  # pixels; an edge that looks shorter is seen from its end
# Corners of the unit cube, and the pairs that its edges join, four for each axis.
CORNERS = np.array([[i >> 2 & 1, i >> 1 & 1, i & 1] for i in range(8)], float)
EDGES = np.array(
    [
        [(a, a | bit) for a in range(8) if not a & bit]
        for bit in (4, 2, 1)  # of the first, the second and the third axis
    ]
)


@dataclass(frozen=True, eq=False)
class Frame:
    """A box whose edges are axes.

    Attributes
    ----------
    low, high : ndarray (3,)
        Its corners, in the units of the axes.
    names : tuple of 3 str
        Name of each axis; empty where there is none.
    map : ndarray (4, 4)
        Affine, of row vectors: from the units of the axes to what is seen.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    names: tuple[str, str, str]
    map: NDArray[np.float64]

    @property
    def box(self) -> NDArray[np.float64]:
        """The affine map (4, 4) from the unit cube to what is seen."""
        matrix = np.diag(np.append(self.high - self.low, 1.0))
        matrix[3, :3] = self.low
        return matrix @ self.map


EMPTY = Frame(np.zeros(3), np.zeros(3), ("", "", ""), np.eye(4))


class CloudAxes:
    """Draws a frame in space, and its ticks and texts on the screen.

    Numbers stand along the edges that are the outline of the box from where it is
    seen, outside of it, as many as there is room for.

    Parameters
    ----------
    space, screen : Node
        What the frame is drawn in, and what ticks and texts are.
    order : int
        Whatever else is there with a smaller order is drawn before.
    """

    def __init__(self, space: Node, screen: Node, order: int = 6) -> None:
        self._frame = EMPTY
        self._edges = Line(
            CORNERS[EDGES].reshape(-1, 3),
            color=FRAME_COLOR,
            connect="segments",
            parent=space,
        )
        self._corners = CORNERS
        self._ticks = Line(
            np.zeros((2, 2)), color=FRAME_COLOR, connect="segments", parent=screen
        )
        fonts = FontManager(method="cpu")  # one, for letters are drawn but once in it
        self._numbers = _text(NUMBER_SIZE, screen, fonts, order)
        self._names = _text(NAME_SIZE, screen, fonts, order + 1)
        self._edges.order = self._ticks.order = order

    def remove(self) -> None:
        """Take everything off the canvas."""
        for visual in (self._edges, self._ticks, self._numbers, self._names):
            visual.parent = None

    @property
    def projection(self) -> NDArray[np.float64]:
        """From the space of the frame to homogeneous canvas pixels, (4, 4)."""
        transform = self._edges.get_transform("visual", "canvas")
        return np.asarray(transform.map(np.eye(4)), np.float64)

    def set_frame(self, frame: Frame) -> None:
        """Take other numbers and names; `see` puts the box in its place."""
        self._frame = frame

    def see(self, box: NDArray[np.float64]) -> None:
        """Draw the box where an affine map (4, 4) brings the unit cube."""
        self._corners = CORNERS @ box[:3, :3] + box[3, :3]
        self._edges.set_data(pos=self._corners[EDGES].reshape(-1, 3))
        self._edges.visible = bool(np.any(box[:3, :3]))

    def lay_out(self, size: tuple[int, int]) -> None:
        """Bring ticks and texts to where the edges are seen, on a canvas of a size."""
        corners = np.column_stack([self._corners, np.ones(8)]) @ self.projection
        # The eye may be within the box; then there is no outline.
        seen = bool(np.all(corners[:, 3] > 0)) and self._edges.visible
        axes = [NO_AXIS] * 3
        if seen:
            axes = [self._axis(axis, corners) for axis in range(3)]
        ticks = [tick for axis in axes for tick in axis.ticks]
        self._ticks.visible = bool(ticks)
        if ticks:
            self._ticks.set_data(pos=np.array(ticks).reshape(-1, 2))
        names = [axis.name.within(size) for axis in axes]
        numbers: list[_Label] = []
        for number in [number for axis in axes for number in axis.numbers]:
            placed = number.within(size)
            if not any(placed.overlaps(other) for other in [*names, *numbers]):
                numbers.append(placed)
        _write(self._names, names)
        _write(self._numbers, numbers)

    def _axis(self, axis: int, corners: NDArray[np.float64]) -> _Axis:
        """Lay out an axis along one of its edges.

        `corners` are homogeneous (8, 4), as in perspective even ticks look uneven.
        """
        frame = self._frame
        low, high = frame.low[axis], frame.high[axis]
        if not frame.names[axis] or high <= low:  # it may be shrinking to that
            return NO_AXIS
        edges = _places(corners[EDGES[axis]])
        vectors = edges[:, 1] - edges[:, 0]
        mean = vectors.mean(axis=0)
        length = float(np.linalg.norm(mean))
        if length < SHORTEST:
            return NO_AXIS
        # Downward, or to the left of an upright edge: the side to write on.
        outward = np.array([-mean[1], mean[0]]) / length
        if outward @ (-0.5, 1.0) < 0:
            outward = -outward
        chosen = int(np.argmax(edges.mean(axis=1) @ outward))
        start, end = corners[EDGES[axis][chosen]]
        values = nice_values(low, high, length / SPACING)
        shares = np.append((values - low) / (high - low), 0.5)[:, np.newaxis]
        *places, middle = _places(start + shares * (end - start))
        return _Axis(
            [(place, place + TICK * outward) for place in places],
            [
                _beside(place, outward, f"{value:.6g}")
                for value, place in zip(values, places, strict=True)
            ],
            _beside(middle, outward, frame.names[axis]),
        )


class _Label:
    """A text, and where its middle is on the screen.

    In plain numbers: there are dozens of pairs for each frame, and arrays of two are
    slow.
    """

    def __init__(self, text: str, x: float, y: float) -> None:
        self.text = text
        self.x = x
        self.y = y
        # Half of its width and height, about.
        self.half_width = GLYPH[0] * len(text) / 2
        self.half_height = GLYPH[1] / 2

    def overlaps(self, other: _Label) -> bool:
        """Tell whether the two could not be read side by side."""
        width = self.half_width + other.half_width
        height = self.half_height + other.half_height
        return abs(self.x - other.x) < width and abs(self.y - other.y) < height

    def within(self, size: tuple[int, int]) -> _Label:
        """Give it at the nearest place at which it is whole on a canvas of a size."""
        most_x = max(self.half_width, size[0] - self.half_width)
        most_y = max(self.half_height, size[1] - self.half_height)
        x = min(max(self.x, self.half_width), most_x)
        y = min(max(self.y, self.half_height), most_y)
        return _Label(self.text, x, y)


@dataclass(frozen=True, eq=False)
class _Axis:
    """Ticks, as pairs of places on the screen, numbers and the name of an axis."""

    ticks: list[tuple[NDArray[np.float64], NDArray[np.float64]]]
    numbers: list[_Label]
    name: _Label


# vispy cannot write nothing.
BLANK = _Label(" ", 0.0, 0.0)
NO_AXIS = _Axis([], [], BLANK)


def nice_values(low: float, high: float, most: float) -> NDArray[np.float64]:
    """Give round values from `low` to `high`: about `most` of them, at least two.

    They are multiples of 1, 2 or 5 times a power of ten.
    """
    wanted = (high - low) / max(most, 1.0)
    power = np.floor(np.log10(wanted))
    steps = [f * 10.0**p for p in (power, power - 1) for f in (10, 5, 2, 1)]
    for step in steps:
        first, last = np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9)
        if last > first and step < 2.5 * wanted:
            break
    # Adding 0 makes zeros positive.
    values: NDArray[np.float64] = np.arange(first, last + 1) * step + 0.0
    return values


def _places(homogeneous: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give places (..., 2) on the screen."""
    return homogeneous[..., :2] / homogeneous[..., 3:]


def _beside(
    place: NDArray[np.float64], outward: NDArray[np.float64], text: str
) -> _Label:
    """Put a text beside a tick."""
    (x, y), (right, down) = place.tolist(), outward.tolist()
    label = _Label(text, x, y)
    reach = TICK + GAP
    reach += abs(right) * label.half_width + abs(down) * label.half_height
    return _Label(text, x + right * reach, y + down * reach)


def _text(size: int, parent: Node, fonts: FontManager, order: int) -> Text:
    text = Text(
        " ", color=TEXT_COLOR, font_size=size, parent=parent, font_manager=fonts
    )
    # Drawn last, it turns the writing of depths on again, which the ellipsoids
    # turn off: else the next picture could not clear them.
    text.set_gl_state(depth_test=False, blend=True, depth_mask=True, cull_face=False)
    text.order = order
    return text


def _write(visual: Text, labels: list[_Label]) -> None:
    labels = labels or [BLANK]
    texts = [label.text for label in labels]
    if texts != visual.text:  # else vispy would lay out each letter again
        visual.text = texts
    visual.pos = np.array([(label.x, label.y) for label in labels])
