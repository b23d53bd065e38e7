"""The frame in the viewer's 3-D view: numbers where values are, and gone with it."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from napari_pixel_mixtures.viewer.cloud_axes import CORNERS
from napari_pixel_mixtures.viewer.cloud_scene import cloud_scene
from napari_pixel_mixtures.viewer.cloud_view import ANGLES
from napari_pixel_mixtures.viewer.workspace import workspace_of


@pytest.fixture
def cloud(viewer, picture, fit):
    viewer.add_image(picture, name="bands")
    fit(viewer, n_components=3)
    return workspace_of(viewer).cloud


def canvas_of(viewer):
    return viewer.window._qt_viewer.canvas


def draw(viewer):
    viewer.screenshot(canvas_only=True, flash=False)


def labels(text):
    return [
        (word, place[:2])
        for word, place in zip(text.text, text.pos, strict=True)
        if word.strip()
    ]


def on_screen(viewer, places):
    """Where the layer's own transform shows places in the units that are seen."""
    workspace = workspace_of(viewer)
    homogeneous = np.column_stack([places, np.ones(len(places))])
    data = homogeneous @ np.linalg.inv(workspace.cloud.layer.affine.affine_matrix).T
    found = data @ workspace.pointer._projection()
    return found[:, :2] / found[:, 3:]


def test_ticks_lie_on_edges_at_their_values(viewer, cloud, qtbot):
    cloud.show()
    assert viewer.scene.camera.angles == ANGLES
    for whiten in (None, "pooled", 2):
        cloud.set(replace(cloud.settings, whiten=whiten))
        qtbot.waitUntil(lambda: not cloud._glide.moving)
        for angles in (ANGLES, (40.0, 20.0, 100.0)):
            viewer.scene.camera.angles = angles
            draw(viewer)
            check_ticks(viewer, cloud)


def check_ticks(viewer, cloud):
    axes = cloud._glide._axes._axes
    frame = cloud_scene(workspace_of(viewer).result.clustering, cloud.settings).frame
    assert {name for name, _ in labels(axes._names)} == {*frame.names}
    numbers = labels(axes._numbers)
    assert len(numbers) > 6
    corners = frame.low + CORNERS * (frame.high - frame.low)
    starts = axes._ticks.pos.reshape(-1, 2, 2)[:, 0]
    for number, place in numbers:
        start = starts[np.linalg.norm(starts - place, axis=1).argmin()]
        at = np.repeat(corners, 3, axis=0)
        at[np.arange(len(at)), np.tile(np.arange(3), 8)] = float(number)
        assert np.abs(on_screen(viewer, at) - start).max(axis=1).min() < 0.5


def test_raw_colors_are_in_the_color_cube(viewer, cloud):
    cloud.show()
    draw(viewer)
    axes = cloud._glide._axes._axes
    expected = 255 * CORNERS[:, ::-1]  # vispy's x is the last axis
    assert_allclose(axes._corners, expected, atol=1e-6)
    camera = viewer.scene.camera
    assert_allclose(camera.center, 127.5)
    places = on_screen(viewer, 255 * CORNERS)
    assert (places > 0).all() and (places < canvas_of(viewer).size[::-1]).all()


def test_it_glides_with_the_points(viewer, cloud, monkeypatch):
    cloud.show()
    monkeypatch.setattr(cloud._glide._animation._timer, "start", lambda: None)
    cloud.set(replace(cloud.settings, whiten="pooled"))
    corners = []
    for share in (1e-9, 0.5, 1 - 1e-9):
        cloud._glide._move(share)
        corners.append(cloud._glide._axes._axes._corners)
    first, middle, last = corners
    assert_allclose(middle, (first + last) / 2, rtol=1e-4)
    assert np.abs(last - first).max() > 1


def test_another_order_of_the_axes(viewer, cloud):
    cloud.show(replace(cloud.settings, whiten="pooled"))
    viewer.dims.order = (2, 0, 1)
    draw(viewer)
    axes, frame = cloud._glide._axes._axes, cloud._frame
    assert np.ptp(frame.high - frame.low) > 0.1  # no cube, which has no order
    expected = on_screen(viewer, frame.low + CORNERS * (frame.high - frame.low))
    found = np.column_stack([axes._corners, np.ones(8)]) @ axes.projection
    assert_allclose(found[:, :2] / found[:, 3:], expected, atol=0.5)


def test_in_two_dimensions_there_is_none(viewer, cloud):
    cloud.show()
    draw(viewer)
    axes = cloud._glide._axes._axes
    assert axes._edges.visible
    viewer.dims.ndisplay = 2
    draw(viewer)
    assert not axes._edges.visible and not axes._ticks.visible
    assert labels(axes._names) + labels(axes._numbers) == []
    viewer.dims.ndisplay = 3
    draw(viewer)
    assert axes._edges.visible and labels(axes._numbers)


def test_nothing_stays_when_the_cloud_goes(viewer, cloud):
    canvas = canvas_of(viewer)
    draw(viewer)
    parents = canvas.view.scene, canvas.central_widget
    before = [[*parent.children] for parent in parents]
    cloud.show()
    draw(viewer)
    assert all(len(p.children) > len(b) for p, b in zip(parents, before, strict=True))
    cloud.leave()
    draw(viewer)
    for parent, children in zip(parents, before, strict=True):
        assert {*parent.children} <= {*children}


def test_it_is_drawn_but_once(viewer, cloud, qtbot):
    """What is laid out as the picture is drawn does not ask for another one."""
    cloud.show()
    drawn = []
    canvas_of(viewer).events.draw.connect(lambda event: drawn.append(1))
    qtbot.wait(400)
    drawn.clear()
    qtbot.wait(200)
    assert drawn == []
    viewer.scene.camera.angles = (40, 20, 100)
    qtbot.wait(200)
    assert len(drawn) == 1
