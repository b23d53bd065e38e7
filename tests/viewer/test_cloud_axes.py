"""The frame: where its edges are seen, its numbers, and its names."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from vispy.scene import SceneCanvas, TurntableCamera

from napari_pixel_mixtures.viewer.cloud_axes import (
    CORNERS,
    GLYPH,
    CloudAxes,
    Frame,
    nice_values,
)

SIZE = (400, 300)
LOW, HIGH = np.array([0.0, -40, 0]), np.array([255.0, 200, 1])
MAP = np.diag([1 / 255, 1 / 240, 1, 1])
MAP[3, :3] = (-0.5, -0.5 + 40 / 240, -0.5)
VIEWS = [(25, -55), (10, 20), (-35, 140), (60, 210)]


class Canvas:
    """The axes alone."""

    def __init__(self):
        self.scene = SceneCanvas(size=SIZE, bgcolor="black", show=False)
        self.camera = TurntableCamera(fov=30, scale_factor=2.3)
        self.view = self.scene.central_widget.add_view(camera=self.camera)
        self.axes = CloudAxes(self.view.scene, self.view)


@pytest.fixture
def canvas(qapp):
    canvas = Canvas()
    yield canvas
    canvas.scene.close()


def show(canvas, frame, elevation=25, azimuth=-55):
    canvas.camera.elevation, canvas.camera.azimuth = elevation, azimuth
    canvas.axes.set_frame(frame)
    canvas.axes.see(frame.box)
    canvas.axes.lay_out(SIZE)


def on_screen(canvas, points):
    found = canvas.axes._edges.get_transform("visual", "canvas").map(points)
    return found[:, :2] / found[:, 3:]


def labels(text):
    return [
        (word, place[:2])
        for word, place in zip(text.text, text.pos, strict=True)
        if word.strip()
    ]


@pytest.mark.parametrize(("elevation", "azimuth"), VIEWS)
def test_the_box_is_where_the_map_says(canvas, elevation, azimuth):
    show(canvas, Frame(LOW, HIGH, ("", "", ""), MAP), elevation, azimuth)
    corners = LOW + CORNERS * (HIGH - LOW)
    seen = on_screen(canvas, corners @ MAP[:3, :3] + MAP[3, :3])
    picture = canvas.scene.render()[..., :3].astype(int)
    drawn = np.argwhere(np.abs(picture - 191).max(axis=2) <= 3)[:, ::-1] + 0.5
    assert len(drawn) > 500
    for corner in seen:
        assert np.abs(drawn - corner).max(axis=1).min() < 2
    assert drawn.min(axis=0) == pytest.approx(seen.min(axis=0), abs=2)
    assert drawn.max(axis=0) == pytest.approx(seen.max(axis=0), abs=2)


@pytest.mark.parametrize(("elevation", "azimuth"), VIEWS)
def test_ticks_lie_on_an_outer_edge_at_their_values(canvas, elevation, azimuth):
    show(canvas, Frame(LOW, HIGH, ("R", "Y", "G"), MAP), elevation, azimuth)
    assert {name for name, _ in labels(canvas.axes._names)} == {"R", "Y", "G"}
    ticks = canvas.axes._ticks.pos.reshape(-1, 2, 2)
    for number, place in labels(canvas.axes._numbers):
        starts = ticks[:, 0]
        start = starts[np.linalg.norm(starts - place, axis=1).argmin()]
        # Some edge has this value where the tick begins.
        errors = []
        for axis in range(3):
            share = (float(number) - LOW[axis]) / (HIGH - LOW)[axis]
            for corner in CORNERS:
                at = corner.copy()
                at[axis] = share
                at = (LOW + at * (HIGH - LOW)) @ MAP[:3, :3] + MAP[3, :3]
                [found] = on_screen(canvas, at[np.newaxis])
                errors.append(np.abs(found - start).max())
        assert min(errors) < 0.1
    # Texts are outside of the box, whole, and apart.
    hull_center = on_screen(canvas, np.zeros((1, 3)))[0]
    texts = labels(canvas.axes._numbers) + labels(canvas.axes._names)
    assert len(texts) > 6
    for i, (text, place) in enumerate(texts):
        half = np.array(GLYPH) * (len(text), 1) / 2
        assert (place >= half - 1e-3).all() and (place <= SIZE - half + 1e-3).all()
        assert np.linalg.norm(place - hull_center) > 40
        for other, there in texts[:i]:
            apart = np.abs(place - there) - half - np.array(GLYPH) * (len(other), 1) / 2
            assert apart.max() > -1e-3


def test_an_axis_that_is_looked_along_has_no_numbers(canvas):
    show(canvas, Frame(LOW, HIGH, ("R", "Y", "G"), MAP), 0, 0)
    assert {name for name, _ in labels(canvas.axes._names)} == {"R", "G"}


def test_a_flat_frame_and_none(canvas):
    """As of a grey picture."""
    show(canvas, Frame(LOW, HIGH * (1, 0, 0) + LOW * (0, 1, 1), ("gray", "", ""), MAP))
    assert [name for name, _ in labels(canvas.axes._names)] == ["gray"]
    assert len(labels(canvas.axes._numbers)) >= 2
    show(canvas, Frame(np.zeros(3), np.zeros(3), ("", "", ""), np.eye(4)))
    assert labels(canvas.axes._names) + labels(canvas.axes._numbers) == []
    assert not canvas.scene.render()[..., :3].any()


def test_an_axis_that_shrinks_to_one_value_has_no_numbers(canvas):
    before = Frame(LOW, HIGH, ("R", "Y", "G"), MAP)
    canvas.axes.set_frame(Frame(LOW, np.append(HIGH[:2], LOW[2]), before.names, MAP))
    canvas.axes.see(before.box)
    canvas.axes.lay_out(SIZE)
    assert {name for name, _ in labels(canvas.axes._names)} == {"R", "Y"}


def test_the_eye_within_the_box(canvas):
    canvas.camera.scale_factor = 0.05
    show(canvas, Frame(LOW, HIGH, ("R", "Y", "G"), MAP))
    assert labels(canvas.axes._names) + labels(canvas.axes._numbers) == []


@pytest.mark.parametrize(
    ("low", "high", "most", "expected"),
    [
        (0, 255, 3, [0, 100, 200]),
        (0, 255, 6, [0, 100, 200]),
        (-3.2, 2.8, 4, [-2, 0, 2]),
        (0, 1, 5, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (1e4, 3.3e4, 2, [10_000, 20_000, 30_000]),
        (0.013, 0.018, 1, [0.015]),
    ],
)
def test_nice_values(low, high, most, expected):
    found = nice_values(low, high, most)
    if len(expected) == 1:  # one would not tell the scale
        assert len(found) >= 2
    else:
        assert_allclose(found, expected, atol=1e-12)
    assert found.min() >= low - 1e-9 and found.max() <= high + 1e-9
