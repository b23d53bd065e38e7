"""The canvas on loan: all that was shown comes back."""

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Points
from numpy.testing import assert_allclose

from napari_pixel_mixtures.viewer.stage import Stage


@pytest.fixture
def viewer(qapp):
    viewer = ViewerModel()
    for name in ("first", "second", "third"):
        viewer.add_image(np.random.default_rng(0).random((20, 30)), name=name)
    return viewer


@pytest.fixture
def stage(viewer):
    stage = Stage(viewer)
    stage.log = []
    stage.changed.connect(lambda holder: stage.log.append(holder))
    return stage


def cloud():
    return Points(np.random.default_rng(1).random((9, 3)) * 255, name="cloud")


def look(viewer):
    """All of the viewer's view that a person set."""
    dims, camera = viewer.dims, viewer.scene.camera
    axes, grid = viewer.scene.overlays.axes, viewer.canvas.grid
    background = viewer.canvas.background_color_override
    return {
        "ndim": dims.ndim,
        "ndisplay": dims.ndisplay,
        "order": dims.order,
        "point": dims.point,
        "dims names": dims.axis_labels,
        "camera": (camera.center, camera.zoom, camera.angles, camera.perspective),
        "axes": (axes.visible, axes.labels),
        "grid": (grid.enabled, grid.shape, grid.stride, grid.spacing),
        "background": None if background is None else tuple(background),
        "visible": {layer.name: layer.visible for layer in viewer.layers},
        "active": viewer.layers.selection.active,
        "selected": {layer.name for layer in viewer.layers.selection},
    }


def stir(viewer):
    """Change what a cloud, a comparison and a person do."""
    viewer.dims.ndisplay = 3
    viewer.scene.camera.angles = (10, 20, 30)
    viewer.scene.camera.perspective = 30
    viewer.scene.camera.zoom = 7
    viewer.scene.camera.center = (1, 2, 3)
    viewer.scene.overlays.axes.visible = True
    viewer.canvas.background_color_override = "red"
    viewer.canvas.grid.enabled = True
    viewer.canvas.grid.shape = (2, 3)
    viewer.canvas.grid.stride = 2


def test_gives_back_everything(viewer, stage):
    viewer.layers["second"].visible = False
    viewer.layers.selection.active = viewer.layers["first"]
    viewer.scene.camera.center = (3, 4)
    viewer.scene.camera.zoom = 2.5
    viewer.canvas.background_color_override = "#102030"
    viewer.canvas.grid.spacing = 0.1
    before = look(viewer)
    ours = [cloud(), cloud()]
    stage.borrow("cloud", ours)
    assert stage.holder == "cloud"
    assert [layer.visible for layer in viewer.layers] == [False] * 3 + [True] * 2
    stir(viewer)
    stage.give_back()
    assert look(viewer) == before
    assert stage.holder is None
    assert stage.log == ["cloud", None]


def test_gives_back_a_selection_of_several(viewer, stage):
    viewer.layers.selection = {viewer.layers["first"], viewer.layers["third"]}
    before = look(viewer)
    stage.borrow("cloud", [cloud()])
    stage.give_back()
    assert look(viewer) == before


def test_gives_back_the_plane_of_a_volume(qapp):
    viewer = ViewerModel()
    viewer.add_image(np.zeros((5, 6, 40, 50)))
    viewer.dims.set_point((0, 1), (3, 4))
    viewer.dims.order = (1, 0, 3, 2)
    viewer.dims.axis_labels = ("time", "z", "y", "x")
    before = look(viewer)
    stage = Stage(viewer)
    stage.borrow("cloud", [cloud()])
    stir(viewer)
    viewer.dims.axis_labels = ("", "R", "G", "B")
    viewer.dims.set_point(0, 0)
    stage.give_back()
    assert look(viewer) == before


def test_in_3d_before(qapp):
    viewer = ViewerModel(ndisplay=3)
    viewer.add_image(np.zeros((5, 6, 7)))
    viewer.scene.camera.angles = (1, 2, 3)
    viewer.scene.camera.perspective = 11
    before = look(viewer)
    stage = Stage(viewer)
    stage.borrow("cloud", [cloud()])
    viewer.dims.ndisplay = 2
    stage.give_back()
    after = look(viewer)
    assert_allclose(after["camera"][2], before["camera"][2], atol=1e-6)
    before["camera"] = after["camera"] = None
    assert after == before


def test_one_holder_after_the_other(viewer, stage):
    before = look(viewer)
    first, second = cloud(), cloud()
    stage.borrow("cloud", [first])
    stir(viewer)
    stage.borrow("comparison", [second])
    assert first not in viewer.layers
    assert second in viewer.layers
    stage.give_back()
    assert look(viewer) == before
    stage.give_back()
    assert look(viewer) == before


def test_comes_back_when_the_last_of_ours_is_removed_by_hand(viewer, stage):
    before = look(viewer)
    ours = [cloud(), cloud()]
    stage.borrow("cloud", ours)
    stir(viewer)
    viewer.layers.remove(ours[0])
    assert stage.holder == "cloud"
    viewer.layers.remove(ours[1])
    assert stage.holder is None
    assert look(viewer) == before


def test_when_all_layers_are_removed_at_once(viewer, stage):
    stage.borrow("cloud", [cloud(), cloud()])
    viewer.layers.clear()
    assert len(viewer.layers) == 0
    assert stage.holder is None
    assert viewer.canvas.background_color_override is None


def test_what_the_user_adds_or_removes_meanwhile_stays_so(viewer, stage):
    stage.borrow("cloud", [cloud()])
    stir(viewer)
    theirs = viewer.add_image(np.zeros((4, 5)), name="theirs")
    del viewer.layers["first"]
    stage.give_back()
    assert [layer.name for layer in viewer.layers] == ["second", "third", "theirs"]
    assert theirs.visible
    assert viewer.dims.ndisplay == 2
    assert viewer.layers.selection.active is viewer.layers["third"]


def test_a_volume_that_the_user_adds_meanwhile(viewer, stage):
    stage.borrow("cloud", [cloud()])
    viewer.add_image(np.zeros((6, 20, 30)), name="volume")
    stage.give_back()
    assert viewer.dims.ndisplay == 2
    assert viewer.dims.order == (0, 1, 2)
    assert len(viewer.layers) == 4


def test_a_result_that_comes_meanwhile_waits_behind(viewer, stage):
    active = cloud()
    stage.borrow("cloud", [active])
    viewer.layers.selection.active = active
    result = Image(np.zeros((20, 30)), name="result")
    stage.add_behind(result)
    assert not result.visible
    assert viewer.layers.selection.active is active
    stage.give_back()
    assert result.visible
    plain = Image(np.zeros((20, 30)), name="plain")
    stage.add_behind(plain)
    assert plain.visible
    assert viewer.layers.selection.active is plain
