"""The canvas: what it draws is where its projection says, and the mouse acts on it."""

import numpy as np
import pytest
from matplotlib.path import Path
from numpy.testing import assert_allclose, assert_array_equal
from qtpy.QtCore import QCoreApplication, QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_pixel_mixtures.viewer import cloud_canvas
from napari_pixel_mixtures.viewer.cloud_axes import Frame
from napari_pixel_mixtures.viewer.cloud_canvas import CloudCanvas, rgba

LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
BACKGROUND = (74, 74, 74)
CORNERS = np.array([[i >> 2 & 1, i >> 1 & 1, i & 1] for i in range(8)]) * 1.2 - 0.6


@pytest.fixture
def canvas(qtbot):
    """A canvas of 400 x 300 in a window of its own."""
    window = QWidget()
    canvas = CloudCanvas(window)
    layout = QVBoxLayout(window)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.addWidget(canvas.native)
    window.resize(400, 300)
    qtbot.addWidget(window)
    with qtbot.waitExposed(window):
        window.show()
    qtbot.waitUntil(lambda: canvas.scene_canvas.size == (400, 300))
    canvas.window = window
    return canvas


def drag(canvas, *places, button=LEFT, modifier=Qt.KeyboardModifier.NoModifier):
    """Press at the first place, move over the others, let go at the last."""
    places = [QPoint(*map(int, place)) for place in places]
    QTest.mousePress(canvas.native, button, modifier, places[0])
    for place in places[1:]:
        move(canvas, place)
    QTest.mouseRelease(canvas.native, button, modifier, places[-1])


def move(canvas, place):
    canvas.native._last_time = 0.0  # vispy drops moves within 10 ms of one another
    QTest.mouseMove(canvas.native, place)


def on_screen(canvas, points):
    """Where the projection says that points are, (m, 2)."""
    found = np.column_stack([points, np.ones(len(points))]) @ canvas.projection
    return found[:, :2] / found[:, 3:]


def colored(canvas, color, tolerance=2):
    """Rows and columns of the pixels of a color in the rendered picture."""
    picture = canvas.render()[..., :3].astype(int)
    return np.argwhere(np.abs(picture - color).max(axis=2) <= tolerance)


def affine(matrix, shift=(0, 0, 0)):
    whole = np.eye(4)
    whole[:3, :3], whole[3, :3] = matrix, shift
    return whole


VIEWS = [(25, -55), (0, 0), (90, 0), (-35, 140), (60, 210)]


@pytest.mark.parametrize(("elevation", "azimuth"), VIEWS)
def test_points_are_where_the_projection_says_in_their_colors(
    canvas, elevation, azimuth
):
    # A map that squeezes, turns and shifts, as whitening does.
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    canvas.set_map(
        affine(turn * [[0.01], [0.005], [0.008]], (0.1, 0.0, -0.1)), animate=False
    )
    canvas.camera.elevation, canvas.camera.azimuth = elevation, azimuth
    canvas.reset_view()
    points = np.random.default_rng(1).uniform(-60, 60, (8, 3)).astype(np.float32)
    points[0] = [50, -60, 30]
    hues = np.eye(3)[np.arange(8) % 3] * np.linspace(1.0, 0.6, 8)[:, np.newaxis]
    canvas.set_points(points, rgba(hues, 1.0), 7.0)
    places = on_screen(canvas, points)
    apart = np.linalg.norm(places[:, np.newaxis] - places, axis=2)
    np.fill_diagonal(apart, np.inf)
    clear = apart.min(axis=1) > 10
    assert clear.sum() >= 4
    for place, hue, alone in zip(places, hues, clear, strict=True):
        if alone:
            found = colored(canvas, np.rint(hue * 255))
            assert 20 <= len(found) <= 49  # a disk of 7 pixels
            # The middle of a pixel lies half a pixel after its corner.
            middle = found.mean(axis=0)[::-1] + 0.5
            assert np.abs(middle - place).max() < 1.0


def test_points_are_not_blended_with_what_is_behind(canvas):
    canvas.set_map(np.eye(4), animate=False)
    points = np.random.default_rng(1).uniform(-0.5, 0.5, (300, 3)).astype(np.float32)
    canvas.set_points(points, np.tile([1, 0.2, 0, 1], (300, 1)), 5.0)
    picture = canvas.render()
    shown = set(map(tuple, picture.reshape(-1, 4).tolist()))
    assert shown == {(*BACKGROUND, 255), (255, 51, 0, 255)}


def test_other_colors_of_the_same_points(canvas):
    canvas.set_map(np.eye(4), animate=False)
    canvas.set_points(np.zeros((1, 3), np.float32), np.array([[1, 0, 0, 1.0]]), 9.0)
    before = colored(canvas, (255, 0, 0))
    canvas.set_colors(np.array([[0, 1, 0, 1.0]]))
    assert_array_equal(colored(canvas, (0, 255, 0)), before)
    assert len(colored(canvas, (255, 0, 0))) == 0


def test_clear_draws_nothing(canvas):
    canvas.set_points(np.zeros((9, 3), np.float32), np.ones((9, 4)), 9.0)
    canvas.set_ellipsoids(np.zeros((1, 3)), np.eye(3)[None], np.ones((1, 4)))
    canvas.set_ring(np.zeros(3))
    canvas.clear()
    assert set(map(tuple, canvas.render().reshape(-1, 4))) == {(*BACKGROUND, 255)}


def outline_of(points):
    from scipy.spatial import ConvexHull

    return Path(points[ConvexHull(points).vertices])


@pytest.mark.parametrize(("elevation", "azimuth"), VIEWS[:4])
def test_ellipsoids_are_translucent_and_in_their_place(canvas, elevation, azimuth):
    scale = np.array([0.01, 0.02, 0.01])
    canvas.set_map(affine(np.diag(scale)), animate=False)
    canvas.camera.elevation, canvas.camera.azimuth = elevation, azimuth
    center = np.array([[5.0, -3.0, 4.0]])
    axes = np.array([[[30.0, 8, 0], [8, 20, 0], [0, 0, 40]]])
    canvas.set_ellipsoids(center, axes, np.array([[1.0, 0, 0, 0.18]]))
    canvas._circles.visible = canvas._centers.visible = False
    picture = canvas.render()[..., :3].astype(int)
    rows, columns = np.nonzero((picture != BACKGROUND).any(axis=2))
    units = np.random.default_rng(0).normal(size=(4000, 3))
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    rim = on_screen(canvas, center + units @ axes[0])
    hull = outline_of(rim)
    yy, xx = np.mgrid[:300, :400]
    inside = hull.contains_points(np.column_stack([xx.ravel(), yy.ravel()]) + 0.5)
    drawn = np.zeros((300, 400), bool)
    drawn[rows, columns] = True
    union = (drawn.ravel() | inside).sum()
    assert (drawn.ravel() & inside).sum() / union > 0.95
    # Behind its red the background is seen.
    red = picture[drawn].mean(axis=0)
    assert red[0] > 80 and 20 < red[1] < 74
    # What lies within it keeps its color; what lies behind it is seen through it.
    away = canvas.projection[:3, 3] / scale**2  # from the eye, 1 in mapped units
    behind = center + away
    for point, tinted in ((center, False), (behind, True)):
        canvas.set_points(point.astype(np.float32), np.array([[0, 0, 1, 1.0]]), 9.0)
        column, row = np.floor(on_screen(canvas, point)[0]).astype(int)
        seen = canvas.render()[row, column].astype(int)
        assert seen[2] > 180
        assert (seen[0] > 20) == tinted


def test_ellipsoids_do_not_hide_one_another(canvas):
    canvas.set_map(np.eye(4), animate=False)
    axes = np.stack([np.eye(3) * 0.3, np.eye(3) * 0.6])
    colors = np.array([[0, 0, 1, 0.18], [1, 0, 0, 0.18]])
    seen = []
    for order in ([0, 1], [1, 0]):
        canvas.set_ellipsoids(np.zeros((2, 3)), axes[order], colors[order])
        canvas._circles.visible = canvas._centers.visible = False
        seen.append(canvas.render()[150, 200, :3].astype(int))
    for color in seen:
        assert color[0] > 74 and color[2] > 60  # both shine through
    canvas.set_ellipsoids(*np.zeros((3, 0, 3)))
    assert canvas.render()[150, 200, :3].tolist() == list(BACKGROUND)


def test_the_centers_of_ellipsoids_show_through_all_points(canvas):
    canvas.set_map(affine(np.eye(3) / 100), animate=False)
    points = np.random.default_rng(0).uniform(-60, 60, (4000, 3)).astype(np.float32)
    hues = np.array([[1.0, 0.2, 0], [0.8, 1.0, 0.6]])
    canvas.set_points(points, np.tile([1, 0.2, 0, 1], (4000, 1)), 5.0)
    centers = np.array([[20.0, -30, 10], [-30, 20, -20]])
    colors = np.column_stack([hues, [0.18, 0.18]])
    canvas.set_ellipsoids(centers, np.stack([np.eye(3) * 20] * 2), colors)
    picture = canvas.render()[..., :3].astype(int)
    for (column, row), hue in zip(on_screen(canvas, centers), hues, strict=True):
        row, column = int(row), int(column)
        around = picture[row - 8 : row + 9, column - 8 : column + 9]
        assert_array_equal(picture[row, column], np.rint(hue * 255))
        # A rim sets it off from points of its color: white, or of a bright one black.
        rim = around.min(axis=2) > 200 if hue[2] == 0 else around.max(axis=2) < 50
        assert rim.sum() > 15
    canvas.set_ellipsoids(*np.zeros((3, 0, 3)))
    values = canvas.render()[..., :3]
    assert not (values.min(axis=2) > 200).any()
    assert not (values.max(axis=2) < 50).any()


def test_the_ring_goes_round_its_point(canvas):
    canvas.set_map(affine(np.eye(3) / 100), animate=False)
    place = np.array([20.0, -30, 10])
    canvas.set_ring(place)
    found = colored(canvas, (255, 217, 51), tolerance=6)[:, ::-1] + 0.5
    center = on_screen(canvas, place[np.newaxis])[0]
    assert len(found) > 20
    assert found.mean(axis=0) == pytest.approx(center, abs=1.5)
    radii = np.linalg.norm(found - center, axis=1)
    assert radii.min() > 4 and radii.max() < 13
    canvas.set_ring(None)
    assert len(colored(canvas, (255, 217, 51), tolerance=6)) == 0


def test_the_saved_picture_has_no_holes(canvas):
    """Whatever is translucent in it, the picture itself is not."""
    frame = Frame(np.zeros(3), np.ones(3), ("R", "G", "B"), np.eye(4))
    canvas.set_map(np.eye(4), frame, animate=False)
    canvas.set_points(np.zeros((1, 3), np.float32), np.ones((1, 4)), 9.0)
    canvas.set_ellipsoids(
        np.zeros((1, 3)), np.eye(3)[None] / 2, np.array([[1, 0, 0, 0.18]])
    )
    canvas.set_ring(np.zeros(3))
    picture = canvas.render()
    assert picture.shape[2] == 4
    assert (picture[..., 3] == 255).all()


def wheel(canvas, place, clicks):
    """Turn the mouse wheel over a place, away from the hand if `clicks` > 0."""
    position = QPointF(*place)
    event = QWheelEvent(
        position,
        QPointF(canvas.native.mapToGlobal(position.toPoint())),
        QPoint(),
        QPoint(0, 120 * clicks),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QCoreApplication.sendEvent(canvas.native, event)


@pytest.mark.parametrize("clicks", [2, -2])
def test_the_wheel_zooms(canvas, clicks):
    canvas.set_map(np.eye(4), animate=False)
    points = CORNERS.astype(np.float32) / 2
    canvas.set_points(points, np.tile([1, 0, 0, 1.0], (8, 1)), 5.0)
    canvas.reset_view()
    before, drawn = np.ptp(on_screen(canvas, points), axis=0), canvas.render()
    wheel(canvas, (200, 150), clicks)
    after = np.ptp(on_screen(canvas, points), axis=0)
    assert np.all(after > 1.1 * before if clicks > 0 else after < before / 1.1)
    assert np.any(canvas.render() != drawn)


class TestTurning:
    def test_a_drag_turns_the_camera(self, canvas):
        canvas.set_points(np.zeros((1, 3), np.float32), np.ones((1, 4)), 5.0)
        azimuth, elevation = canvas.camera.azimuth, canvas.camera.elevation
        before = canvas.projection
        drag(canvas, (200, 150), (230, 150), (260, 150))
        assert canvas.camera.azimuth != azimuth
        assert canvas.camera.elevation == elevation
        assert not np.allclose(canvas.projection, before)
        drag(canvas, (200, 150), (200, 170), (200, 190))
        assert canvas.camera.elevation != elevation

    def test_wheel_and_right_button_zoom(self, canvas, qtbot):
        scale = canvas.camera.scale_factor
        drag(canvas, (200, 150), (200, 170), (200, 200), button=RIGHT)
        assert canvas.camera.scale_factor != scale
        canvas.reset_view()
        assert canvas.camera.scale_factor == scale

    @pytest.mark.parametrize("axis", [0, 1, 2])
    @pytest.mark.parametrize("sign", [1, -1])
    def test_presets_look_along_an_axis(self, canvas, axis, sign):
        """Both ends of a stick along the axis fall on one place, the near one first."""
        canvas.set_map(np.eye(4), animate=False)
        direction = sign * np.eye(3)[axis]
        canvas.look_along(direction)
        stick = np.array([direction * -0.5, direction * 0.5])
        near, far = on_screen(canvas, stick)
        assert near == pytest.approx(far, abs=0.01)
        depths = np.column_stack([stick, [1, 1]]) @ canvas.projection
        assert 0 < depths[0, 3] < depths[1, 3]

    def test_presets_look_along_a_slanting_axis(self, canvas):
        canvas.set_map(np.eye(4), animate=False)
        direction = np.array([0.3, -0.5, 0.4])
        canvas.look_along(direction)
        near, far = on_screen(canvas, np.array([-direction, direction]))
        assert near == pytest.approx(far, abs=0.01)


class TestMap:
    def test_a_change_is_animated_and_ends_at_the_target(
        self, canvas, qtbot, monkeypatch
    ):
        canvas.set_map(np.eye(4), animate=False)
        target = affine(np.diag([3.0, 0.1, -2.0]), (0.3, 0.2, 0.1))
        seen = []
        animate = canvas._animate

        def spy(share):
            animate(share)
            seen.append((share, canvas._root.transform.matrix.copy()))

        monkeypatch.setattr(canvas._animation, "_show", spy)
        canvas.set_map(target)
        assert canvas.animating
        assert_array_equal(canvas.map, target)
        assert not np.allclose(canvas._root.transform.matrix, target)
        qtbot.waitUntil(lambda: not canvas.animating)
        assert_allclose(canvas._root.transform.matrix, target, rtol=1e-6)
        shares = [share for share, _ in seen]
        assert shares == sorted(shares)
        assert 0 < shares[0] < shares[-1] == 1
        for share, matrix in seen:  # along a straight line
            expected = np.eye(4) + share * (target - np.eye(4))
            assert_allclose(matrix, expected, rtol=1e-5, atol=1e-6)

    def test_a_change_during_a_change_goes_on_from_where_it_is(self, canvas, qtbot):
        canvas.set_map(np.eye(4), animate=False)
        canvas.set_map(affine(np.eye(3) * 9))
        qtbot.waitUntil(lambda: canvas._seen[0, 0, 0] > 3)
        here = canvas._seen[0, 0, 0]
        canvas.set_map(affine(np.eye(3) * 2))
        assert canvas._seen[0, 0, 0] == here
        qtbot.waitUntil(lambda: not canvas.animating)
        assert_array_equal(canvas._seen[0], affine(np.eye(3) * 2))

    def test_out_of_sight_it_is_there_at_once(self, qtbot):
        canvas = CloudCanvas()
        qtbot.addWidget(canvas.native)
        canvas.set_map(affine(np.eye(3) * 3))
        assert not canvas.animating
        assert_array_equal(canvas._root.transform.matrix, affine(np.eye(3) * 3))

    def test_the_camera_stays(self, canvas, qtbot):
        canvas.camera.azimuth, canvas.camera.scale_factor = 33, 1.7
        canvas.set_map(affine(np.eye(3) * 3))
        qtbot.waitUntil(lambda: not canvas.animating)
        assert (canvas.camera.azimuth, canvas.camera.scale_factor) == (33, 1.7)


BLOB = [
    (110 + 80 * np.cos(t) * (1 + 0.3 * np.sin(3 * t)) + 90, 150 + 90 * np.sin(t))
    for t in np.linspace(0, 2 * np.pi, 40)
]


class TestLasso:
    @pytest.fixture
    def regions(self, canvas):
        regions = []
        canvas.lassoed.connect(regions.append)
        canvas.set_map(affine(np.eye(3) / 160, (-0.8, -0.8, -0.8)), animate=False)
        points = np.random.default_rng(0).integers(0, 256, (2000, 3))
        canvas.points = points
        canvas.set_points(points.astype(np.float32), np.ones((2000, 4)), 3.0)
        return regions

    @pytest.mark.parametrize(("elevation", "azimuth"), VIEWS)
    @pytest.mark.parametrize("tool", ["lasso", "box"])
    def test_selects_what_lies_inside(self, canvas, regions, tool, elevation, azimuth):
        canvas.camera.elevation, canvas.camera.azimuth = elevation, azimuth
        canvas.tool = tool
        before = canvas.projection
        if tool == "lasso":
            outline = np.array(BLOB).astype(int)
            drag(canvas, *outline)
        else:
            drag(canvas, (130, 90), (200, 100), (280, 220))
            outline = np.array([(130, 90), (280, 90), (280, 220), (130, 220)])
        assert_array_equal(canvas.projection, before)  # the camera stands still
        [region] = regions
        assert_array_equal(region.projection, before)
        values = np.random.default_rng(1).integers(0, 256, (20_000, 3), np.uint8)
        places = on_screen(canvas, values)
        path = Path(outline)
        expected = path.contains_points(places)
        rim = Path([*outline, outline[0]])
        clear = np.array([True] * len(values))
        for a, b in zip(rim.vertices[:-1], rim.vertices[1:], strict=True):
            along = (b - a) / max(np.linalg.norm(b - a), 1e-9)
            t = np.clip((places - a) @ along, 0, np.linalg.norm(b - a))
            clear &= np.linalg.norm(places - a - t[:, None] * along, axis=1) > 0.5
        assert 0.05 < expected.mean() < 0.95
        assert clear.mean() > 0.95
        assert_array_equal(region.contains(values)[clear], expected[clear])

    def test_the_trail_shows_while_it_is_drawn(self, canvas, regions):
        canvas.tool = "lasso"
        QTest.mousePress(canvas.native, LEFT, pos=QPoint(100, 100))
        for place in ((200, 100), (200, 200)):
            move(canvas, QPoint(*place))
        assert canvas._trail.visible
        found = colored(canvas, (255, 217, 51), tolerance=10)
        assert len(found) > 150
        QTest.mouseRelease(canvas.native, LEFT, pos=QPoint(200, 200))
        assert not canvas._trail.visible
        assert len(colored(canvas, (255, 217, 51), tolerance=10)) == 0

    @pytest.mark.parametrize("tool", ["lasso", "box"])
    def test_another_button_does_not_disturb_it(self, canvas, regions, tool):
        canvas.tool = tool
        QTest.mousePress(canvas.native, LEFT, pos=QPoint(100, 100))
        move(canvas, QPoint(200, 100))
        move(canvas, QPoint(200, 200))
        QTest.mousePress(canvas.native, RIGHT, pos=QPoint(200, 200))
        QTest.mouseRelease(canvas.native, RIGHT, pos=QPoint(200, 200))
        assert regions == []
        move(canvas, QPoint(210, 220))
        QTest.mouseRelease(canvas.native, LEFT, pos=QPoint(210, 220))
        [region] = regions
        low, high = region.outline.min(axis=0), region.outline.max(axis=0)
        assert low.tolist() == [100, 100]
        assert high.tolist() == [210, 220]

    @pytest.mark.parametrize("tool", ["lasso", "box"])
    def test_a_stroke_without_area_selects_nothing(self, canvas, regions, tool):
        canvas.tool = tool
        drag(canvas, (100, 100), (150, 101), (200, 101))
        assert regions == []

    def test_one_far_from_all_points_is_empty(self, canvas, regions):
        canvas.tool = "box"
        drag(canvas, (2, 2), (8, 8), (12, 12))
        [region] = regions
        assert not region.contains(canvas.points.astype(np.uint8)).any()


class TestClick:
    @pytest.mark.parametrize("tool", ["turn", "lasso", "box"])
    def test_finds_the_nearest_point(self, canvas, tool):
        clicked = []
        canvas.clicked.connect(clicked.append)
        canvas.set_map(np.eye(4), animate=False)
        points = np.random.default_rng(2).uniform(-0.6, 0.6, (30, 3)).astype(np.float32)
        canvas.set_points(points, np.ones((30, 4)), 5.0)
        canvas.tool = tool
        places = on_screen(canvas, points)
        for index in (0, 7, 19):
            at = np.rint(places[index]).astype(int)
            QTest.mouseClick(canvas.native, LEFT, pos=QPoint(*map(int, at)))
            expected = int(np.linalg.norm(places - at, axis=1).argmin())
            assert clicked.pop() == expected
        QTest.mouseClick(canvas.native, LEFT, pos=QPoint(3, 3))
        QTest.mouseClick(canvas.native, RIGHT, pos=QPoint(*map(int, at)))
        drag(canvas, at, at + 20)
        assert clicked == []

    def test_not_what_lies_behind_the_eye(self, canvas):
        clicked = []
        canvas.clicked.connect(clicked.append)
        canvas.set_map(np.eye(4), animate=False)
        canvas.look_along(np.array([1.0, 0, 0]))
        canvas.camera.scale_factor = 0.05
        # One in front, a little off the middle; one behind, exactly in the middle.
        points = np.array([[0.0, 0.0008, 0], [-50, 0, 0]], np.float32)
        canvas.set_points(points, np.ones((2, 4)), 5.0)
        depths = np.column_stack([points, [1, 1]]) @ canvas.projection
        assert depths[0, 3] > 0 > depths[1, 3]
        QTest.mouseClick(canvas.native, LEFT, pos=QPoint(200, 150))
        assert clicked == [0]

    def test_an_empty_canvas(self, canvas):
        clicked = []
        canvas.clicked.connect(clicked.append)
        QTest.mouseClick(canvas.native, LEFT, pos=QPoint(200, 150))
        assert clicked == []


class TestThinning:
    @pytest.fixture
    def drawn(self, canvas, monkeypatch):
        """How many points each upload had."""
        drawn = []
        set_data = canvas._markers.set_data

        def spy(pos, **settings):
            drawn.append(len(pos))
            set_data(pos, **settings)

        monkeypatch.setattr(canvas._markers, "set_data", spy)
        monkeypatch.setattr(canvas.thinning, "most", 600)
        return drawn

    def fill(self, canvas, n):
        points = np.random.default_rng(0).uniform(-0.6, 0.6, (n, 3))
        canvas.set_points(points.astype(np.float32), np.ones((n, 4)), 2.0)

    def test_fewer_while_moving_all_when_still(self, canvas, drawn, qtbot):
        self.fill(canvas, 1000)
        qtbot.waitUntil(lambda: len(drawn) == 2)
        drag(canvas, (200, 150), (220, 150), (240, 160))
        qtbot.waitUntil(lambda: len(drawn) == 4)
        assert drawn == [600, 1000, 600, 1000]

    def test_a_still_picture_has_all(self, canvas, drawn):
        self.fill(canvas, 1000)
        canvas.render()
        drag(canvas, (200, 150), (220, 150), (240, 160))
        canvas.render()
        assert drawn == [600, 1000, 600, 1000]

    def test_fewer_while_the_map_changes_or_the_ring_moves(self, canvas, drawn, qtbot):
        self.fill(canvas, 1000)
        canvas.render()
        canvas.set_map(affine(np.eye(3) * 3))
        qtbot.waitUntil(lambda: not canvas.animating)
        assert drawn == [600, 1000, 600]
        canvas.render()
        canvas.set_ring(np.zeros(3))
        assert drawn == [600, 1000, 600, 1000, 600]

    def test_other_colors_of_those_that_are_drawn(self, canvas, drawn):
        self.fill(canvas, 1000)
        canvas.set_colors(np.ones((1000, 4)))
        assert drawn == [600, 600]

    def test_few_points_are_never_thinned(self, canvas, drawn):
        self.fill(canvas, 600)
        drag(canvas, (200, 150), (220, 150), (240, 160))
        assert drawn == [600]

    def test_other_points_while_moving(self, canvas, drawn, qtbot):
        self.fill(canvas, 1000)
        drag(canvas, (200, 150), (220, 150), (240, 160))
        self.fill(canvas, 5)
        qtbot.waitUntil(lambda: not canvas.thinning.waiting)
        assert drawn == [600, 5]

    def test_the_limit(self):
        assert cloud_canvas.MOVING_POINTS == 40_000


def test_it_may_be_very_small(canvas):
    canvas.set_points(np.zeros((9, 3), np.float32), np.ones((9, 4)), 2.0)
    canvas.window.resize(1, 1)
    assert canvas.render().size > 0


@pytest.mark.parametrize("busy", ["animation", "still", "both"])
def test_a_window_may_die_at_any_moment(qtbot, busy, monkeypatch):
    """Neither timers nor the mouse reach for a canvas that Qt has destroyed."""
    monkeypatch.setattr(cloud_canvas, "MOVING_POINTS", 10)
    for _ in range(5):
        window = QWidget()
        canvas = CloudCanvas(window)
        canvas.native.resize(200, 150)
        window.resize(200, 150)
        with qtbot.waitExposed(window):
            window.show()
        canvas.set_points(np.zeros((99, 3), np.float32), np.ones((99, 4)), 2.0)
        if busy != "still":
            canvas.set_map(np.diag([2.0, 2, 2, 1]))
            qtbot.wait(30)
        if busy != "animation":
            drag(canvas, (100, 70), (120, 80), (130, 90))
        canvas.scene_canvas.update()
        window.deleteLater()
        qtbot.wait(20)
