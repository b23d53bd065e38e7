"""What a canvas shows comes back in another graphics context."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from qtpy.QtCore import QCoreApplication, QEvent
from qtpy.QtWidgets import QVBoxLayout, QWidget
from vispy.gloo.glir import GlirParser

from napari_pixel_mixtures.viewer.cloud_axes import Frame
from napari_pixel_mixtures.viewer.cloud_canvas import CloudCanvas

WINDOW_CHANGE_INTERNAL = QEvent.Type(215)  # without a name in PyQt


def window_of(qtbot, canvas):
    """Bring a canvas into a new window of 300 x 250."""
    window = QWidget()
    layout = QVBoxLayout(window)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.addWidget(canvas.native)
    window.resize(300, 250)
    qtbot.addWidget(window)
    with qtbot.waitExposed(window):
        window.show()
    canvas.native.show()
    qtbot.waitUntil(lambda: canvas.scene_canvas.size == (300, 250))
    qtbot.waitUntil(canvas.native.isValid)
    return window


@pytest.fixture
def canvas(qtbot):
    canvas = CloudCanvas()
    canvas.window = window_of(qtbot, canvas)
    canvas.contexts = []
    canvas.scene_canvas.events.initialize.connect(
        lambda _: canvas.contexts.append(canvas.native.context())
    )
    return canvas


def fill(canvas, n=300):
    """Draw some of all that a canvas can."""
    random = np.random.default_rng(0)
    frame = Frame(np.zeros(3), np.ones(3), ("Red", "Green", "Blue"), np.eye(4))
    canvas.set_map(np.diag([0.7, 0.6, 0.5, 1]), frame, animate=False)
    points = random.normal(size=(n, 3)).astype(np.float32) / 3
    canvas.set_points(points, random.uniform(0.3, 1, (n, 4)).astype(np.float32), 5.0)
    axes = np.stack([np.eye(3) / 2, np.eye(3) / 3])
    canvas.set_ellipsoids(points[:2], axes, np.array([[1, 0, 0, 0.2], [0, 1, 0, 0.2]]))
    canvas.set_ring(points[5])


def seen(canvas):
    """What is on the screen: (rows, columns, 4)."""
    image = canvas.native.grabFramebuffer()
    image = image.convertToFormat(image.Format.Format_RGBA8888)
    data = image.constBits().asstring(image.sizeInBytes())
    return np.frombuffer(data, np.uint8).reshape(image.height(), image.width(), 4)


def lose_context(canvas):
    """Do as Qt does once the graphics card was reset: it makes another context."""
    QCoreApplication.sendEvent(canvas.native, QEvent(WINDOW_CHANGE_INTERNAL))


def test_in_another_window(canvas, qtbot):
    fill(canvas)
    before = seen(canvas)
    assert len(np.unique(before.reshape(-1, 4), axis=0)) > 100
    other = window_of(qtbot, canvas)
    assert len(canvas.contexts) == 1
    assert_array_equal(seen(canvas), before)
    canvas.window.close()
    canvas.set_colors(np.ones((300, 4), np.float32))  # it goes on from there
    white = seen(canvas)
    canvas.window = window_of(qtbot, canvas)
    other.close()
    assert_array_equal(seen(canvas), white)
    assert not np.array_equal(white, before)


def test_once_the_card_was_reset(canvas, qtbot):
    for n in (300, 50, 700):  # less and more than before
        fill(canvas, n)
        before = seen(canvas)
        lose_context(canvas)
        qtbot.waitUntil(canvas.native.isValid)
        assert_array_equal(seen(canvas), before)
        assert_array_equal(canvas.render(), canvas.render())
    assert len(canvas.contexts) == 3


def test_changes_while_there_is_no_context(canvas, qtbot):
    fill(canvas)
    canvas.native.hide()
    lose_context(canvas)
    assert not canvas.native.isValid()
    fill(canvas, 40)
    canvas.set_ring(None)
    canvas.native.show()
    qtbot.waitUntil(canvas.native.isValid)
    found = seen(canvas)
    fresh = CloudCanvas()
    fresh.window = window_of(qtbot, fresh)
    fill(fresh, 40)
    fresh.set_ring(None)
    assert_array_equal(found, seen(fresh))


def test_it_keeps_no_more_than_what_is_drawn(canvas):
    """However often everything changed."""
    fill(canvas)
    seen(canvas)
    canvas.render()
    parser = canvas.scene_canvas.context.shared.parser

    def kept():
        commands = [
            command
            for known in parser._lasting.values()
            for commands in known.values()
            for command in commands
        ]
        arrays = [a for c in commands for a in c if isinstance(a, np.ndarray)]
        return len(commands), sum(array.nbytes for array in arrays)

    before = kept()
    for n in (20, 500, 300):
        fill(canvas, n)
        canvas.camera.azimuth += 360
        seen(canvas)
        canvas.render()
    assert kept() == before
    assert set(parser._lasting) == set(parser._objects)
    assert isinstance(parser, GlirParser)
