"""Choose the model: a grid of mixtures, curves, and a click that loads one."""

import threading
from dataclasses import replace

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt

from napari_pixel_mixtures import Model, Position, cluster
from napari_pixel_mixtures.features import Color
from napari_pixel_mixtures.recipe import COVARIANCE_TYPES
from napari_pixel_mixtures.viewer import model_sweep, worker
from napari_pixel_mixtures.viewer.layers import METADATA_KEY
from napari_pixel_mixtures.viewer.model_views import COLORS
from napari_pixel_mixtures.viewer.model_widget import ChooseModel
from napari_pixel_mixtures.viewer.workspace import workspace_of


@pytest.fixture
def workspace(model):
    return workspace_of(model)


@pytest.fixture
def widget(model, on_screen):
    """The widget, on the screen, of a viewer without a window."""
    widget = ChooseModel(model)
    on_screen(widget.native, 400, 700)
    return widget


@pytest.fixture
def tried(widget, click, idle, model):
    widget.sizes.value = "2, 3"
    click(widget.start)
    idle(model)
    return widget


def test_a_cell_for_each_size_and_type(tried, workspace):
    assert set(tried.grid.cells) == {(k, t) for k in (2, 3) for t in COVARIANCE_TYPES}
    assert tried.status.value == "8 models of bands; click one to load it."
    assert not tried.cancel.enabled
    candidates = {
        (m.candidate.n_components, m.candidate.covariance_type): m.candidate
        for m in workspace.sweep.models
    }
    for name in ("bic", "aic", "icl"):
        best = min(candidates, key=lambda key: getattr(candidates[key], name))
        for key, cell in tried.grid.cells.items():
            lines = cell.text().split("\n")
            assert (f"{name.upper()} best" in lines) == (key == best)
            assert lines[-1].endswith(" s")
            assert f"{getattr(candidates[key], name):,.0f}" in cell.toolTip()


def test_it_says_what_the_criteria_cannot_do(widget, workspace, click, idle, model):
    text = widget.caution.value
    assert widget.caution.native.isVisible()
    assert "on large images it favors many components" in text
    assert "No criterion can compare different features" in text
    # And what they are where influences discount features.
    position = Position(influence=0.3)
    workspace.set_recipe(replace(workspace.recipe, features=(Color(), position)))
    widget.sizes.value = "2"
    click(widget.start)
    idle(model)
    assert len(widget.grid.cells) == 4
    assert widget.caution.value == (
        f"{text} Models are fitted with the influences; the criteria take their "
        "components as a plain mixture."
    )
    off = replace(position, on=False)
    workspace.set_recipe(replace(workspace.recipe, features=(Color(), off)))
    click(widget.start)
    idle(model)
    assert widget.caution.value == text


def test_a_click_loads_the_model(tried, workspace, idle, model, qtbot, picture):
    cell = tried.grid.cells[3, "tied"]
    qtbot.mouseClick(cell, Qt.MouseButton.LeftButton)
    idle(model)
    recipe = workspace.recipe
    assert (recipe.n_components, recipe.covariance_type) == (3, "tied")
    found = workspace.result.clustering
    assert found.recipe == recipe
    # It replays: the recipe gives these labels anywhere.
    expected = cluster(picture, 3, "tied")
    assert np.array_equal(found.labels, expected.labels)
    assert [key for key, c in tried.grid.cells.items() if c.isChecked()] == [
        (3, "tied")
    ]
    # Any other way to another model moves the mark, or takes it away.
    workspace.set_recipe(replace(recipe, n_components=2))
    assert tried.grid.cells[2, "tied"].isChecked()
    workspace.set_recipe(replace(recipe, features=(Color(), Position())))
    assert not any(cell.isChecked() for cell in tried.grid.cells.values())
    # And back, with the features that the models are of.
    qtbot.mouseClick(tried.grid.cells[2, "full"], Qt.MouseButton.LeftButton)
    idle(model)
    assert workspace.recipe.features == (Color(),)
    assert workspace.result.clustering.recipe == workspace.recipe


@pytest.mark.parametrize("criterion", ["bic", "aic", "icl"])
def test_the_curves(tried, workspace, idle, model, qtbot, criterion):
    tried.criterion.value = criterion
    places = tried.curves.places()
    values = [getattr(m.candidate, criterion) for m, _ in places]
    heights = [-p.y() for _, p in places]  # on the screen, up is less
    # The best is the lowest, and differences are in proportion.
    assert np.corrcoef(values, heights)[0, 1] == pytest.approx(1)
    lefts = {m.candidate.n_components: p.x() for m, p in places}
    assert lefts[2] < lefts[3]
    image = tried.curves.grab().toImage()
    ratio = image.devicePixelRatio()
    on_top = {}  # of several models at one place the last is seen
    for chosen, place in places:
        on_top[round(place.x()), round(place.y())] = chosen, place
    for _, place in on_top.values():
        seen = image.pixelColor(*(round(c * ratio) for c in (place.x(), place.y())))
        near = [
            other.candidate.covariance_type
            for other, p in places
            if (p - place).manhattanLength() < 6
        ]
        assert seen.name() in [COLORS[name] for name in near]
    chosen, place = places[0]
    qtbot.mouseClick(
        tried.curves, Qt.MouseButton.LeftButton, pos=QPoint(5, 5) + place.toPoint()
    )
    idle(model)
    near = [m for m, p in places if (p - place).manhattanLength() <= 24]
    assert (workspace.recipe.n_components, workspace.recipe.covariance_type) in [
        (m.candidate.n_components, m.candidate.covariance_type) for m in near
    ]


def test_more_models_leave_the_grid_where_it_was_scrolled_to(
    tried, workspace, on_screen, qtbot
):
    bar = tried.grid.verticalScrollBar()
    tried.native.resize(400, 420)
    qtbot.waitUntil(lambda: bar.maximum() > 40)
    bar.setValue(40)
    workspace.sweep.changed.emit()
    qtbot.wait(50)
    assert bar.value() == 40


def test_bad_sizes(widget, click, said):
    for text, sentence in (
        (
            "2, x",
            "Expected whole numbers of components, such as 2, 4, 10, 30, got 'x'.",
        ),
    ):
        widget.sizes.value = text
        click(widget.start)
        assert widget.status.value == sentence
        assert said() == [("error", sentence)]
    assert not widget.grid.cells


def test_no_sizes(widget, click, said, idle, model):
    widget.sizes.value = " , "
    click(widget.start)
    idle(model)
    sentence = (
        "Expected at least one number of components, got none; type some, such as "
        "2, 4, 10, 30."
    )
    assert widget.status.value == sentence
    assert said() == [("error", sentence)]


@pytest.fixture
def held(monkeypatch, qtbot):
    """Hold the sweep behind its first model until it is let go."""
    reached, let_go = threading.Event(), threading.Event()
    steps = model_sweep.model_steps

    def slow(*args, **settings):
        for model in steps(*args, **settings):
            yield model
            if model is not None:
                reached.set()
                assert let_go.wait(60)

    monkeypatch.setattr(model_sweep, "model_steps", slow)
    monkeypatch.setattr(worker, "INTERVAL", 0.0)  # every step is told
    yield reached
    let_go.set()


def test_cancel_keeps_what_was_fitted(widget, click, held, workspace, qtbot):
    widget.sizes.value = "2, 3"
    click(widget.start)
    qtbot.waitUntil(held.is_set)
    qtbot.waitUntil(lambda: len(widget.grid.cells) == 1)
    assert widget.progress.value == 125
    click(widget.cancel)
    assert widget.status.value == "Cancelled; what was fitted stays."
    assert not workspace.sweep.runner.busy
    assert list(widget.grid.cells) == [(2, "spherical")]


def test_the_image_is_removed(tried, model, workspace, said):
    del model.layers["bands"]
    assert tried.status.value == "The image 'bands' was removed."
    assert not tried.grid.cells and not tried.curves.places()
    assert said() == []


def test_the_image_is_changed_meanwhile(widget, click, model, idle, held, qtbot):
    widget.sizes.value = "2"
    sweep = workspace_of(model).sweep
    said = []
    sweep.finished.connect(said.append)
    click(widget.start)
    qtbot.waitUntil(held.is_set)
    model.layers["bands"].data = np.zeros((8, 8, 3), np.uint8)
    sweep._on_succeeded(sweep.runner.job, ())
    assert said == [
        "The image 'bands' was changed meanwhile, so the models were dropped; press "
        "Try them again."
    ]
    assert not widget.grid.cells
    sweep.cancel()


@pytest.fixture
def rough(widget, click, idle, model):
    """Models of colors without order, in which another start finds other clusters."""
    noise = np.random.default_rng(1).integers(0, 256, (32, 40, 3), np.uint8)
    model.add_image(noise, name="rough")
    widget.sizes.value = "4, 5"
    click(widget.start)
    idle(model)
    return widget


def models_of(workspace):
    """The models that were tried, by size and type."""
    found = [model.candidate for model in workspace.sweep.models]
    return {(c.n_components, c.covariance_type): c for c in found}


def test_the_model_in_the_cell_is_the_one_that_appears(
    rough, workspace, idle, model, qtbot
):
    for key, candidate in models_of(workspace).items():
        qtbot.mouseClick(rough.grid.cells[key], Qt.MouseButton.LeftButton)
        idle(model)
        found = workspace.result.clustering
        order = np.argsort(-candidate.mixture.weights_, kind="stable")
        image = model.layers["rough"].data
        samples = image.reshape(-1, 3) * found.groups[0].factor
        expected = np.argsort(order)[candidate.mixture.predict(samples)] + 1
        assert np.array_equal(found.labels.ravel(), expected)
        assert np.array_equal(model.layers["rough quantized"].data, found.labels)
        assert found.log_likelihood == candidate.mixture.lower_bound_
        assert (workspace.recipe.n_components, workspace.recipe.covariance_type) == key
        assert found.recipe == workspace.recipe
        assert rough.grid.cells[key].isChecked()
    # What is chosen is an entry of the history as any other.
    before = workspace.result.clustering.labels
    qtbot.mouseClick(rough.grid.cells[4, "full"], Qt.MouseButton.LeftButton)
    idle(model)
    assert not np.array_equal(workspace.result.clustering.labels, before)
    workspace.undo()
    assert np.array_equal(model.layers["rough quantized"].data, before)


def test_what_a_chosen_model_says_of_itself_is_true(
    rough, workspace, idle, model, qtbot
):
    key = (5, "full")
    qtbot.mouseClick(rough.grid.cells[key], Qt.MouseButton.LeftButton)
    idle(model)
    found = workspace.result.clustering
    image = model.layers["rough"].data
    # Its recipe alone finds others here,
    assert not np.array_equal(cluster(image, *key).labels, found.labels)
    # so there are neither lines nor iterations that would claim to lead there;
    with pytest.raises(ValueError) as caught:
        workspace.keeper.python()
    assert str(caught.value) == (
        "Expected a clustering that was fitted to its picture, got one that was "
        "made by a model; save the model, and use Model.load(path).apply(image)."
    )
    assert found.history == ()
    # the model does, and the cloud is its.
    workspace.notes.write()
    text = model.layers["rough quantized"].metadata[METADATA_KEY]["model"]
    applied = Model.from_json(text).apply(image)
    assert np.array_equal(applied.labels, found.labels)
    workspace.cloud.show()
    assert "rough color cloud" in model.layers


def test_channels_of_several_layers_come_back(
    widget, workspace, click, idle, model, qtbot, picture
):
    layers = [
        model.add_image(picture[..., i].copy(), name=f"stain {i}") for i in range(2)
    ]
    workspace.set_image(layers)
    widget.sizes.value = "2"
    click(widget.start)
    idle(model)
    model.layers.selection.active = model.layers["bands"]
    assert workspace.image is model.layers["bands"]
    qtbot.mouseClick(widget.grid.cells[2, "diag"], Qt.MouseButton.LeftButton)
    assert workspace.choice.layers == tuple(layers)
    idle(model)
    assert workspace.result.source.layers == tuple(layers)
    assert workspace.result.clustering.picture.n_channels == 2
    # Without any of its channels a picture is not there any more.
    del model.layers["stain 1"]
    assert widget.status.value == "The image 'stain 1' was removed."
    assert not widget.grid.cells


@pytest.mark.parametrize("then", ["none", "other", "painted", "removed"])
def test_the_mask_comes_back(
    widget, workspace, click, idle, model, qtbot, picture, then
):
    given = np.zeros((32, 40), np.uint8)
    given[:, :20] = 1
    region = model.add_labels(given.copy(), name="region")
    other = model.add_labels(1 - given, name="other")
    workspace.set_mask(region)
    widget.sizes.value = "2"
    click(widget.start)
    idle(model)
    workspace.set_mask(other if then == "other" else None)
    if then == "painted":
        workspace.set_mask(region)
        region.paint((8, 30), 1)
    if then == "removed":
        del model.layers["region"]
    qtbot.mouseClick(widget.grid.cells[2, "full"], Qt.MouseButton.LeftButton)
    idle(model)
    assert np.array_equal(workspace.result.clustering.labels > 0, given > 0)
    # The layer is chosen again, if it still covers these pixels.
    assert workspace.masks.layer is (region if then in ("none", "other") else None)
    # And live fits go on with them.
    workspace.set_recipe(replace(workspace.recipe, n_components=3))
    idle(model)
    assert workspace.result.clustering.n_components == 3
    assert np.array_equal(workspace.result.clustering.labels > 0, given > 0)


def test_a_mask_that_was_chosen_since_goes(tried, workspace, idle, model, qtbot):
    mask = model.add_labels(np.tri(32, 40, dtype=int), name="mine")
    workspace.set_mask(mask)
    qtbot.mouseClick(tried.grid.cells[3, "full"], Qt.MouseButton.LeftButton)
    idle(model)
    assert workspace.masks.layer is None
    assert workspace.result.clustering.labels.all()


def test_models_of_data_that_are_gone_are_not_loaded(
    tried, workspace, idle, model, qtbot, said
):
    model.layers["bands"].data = np.zeros((8, 8, 3), np.uint8)
    qtbot.mouseClick(tried.grid.cells[3, "full"], Qt.MouseButton.LeftButton)
    idle(model)
    sentence = (
        "Expected 'bands' as it was when these models were tried, got other data; "
        "press Try them again."
    )
    assert tried.status.value == sentence
    assert said() == [("error", sentence)]
    assert workspace.result is None
    assert not tried.grid.cells[3, "full"].isChecked()
