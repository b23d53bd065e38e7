"""The list of features: rows are views, and the recipe is all that they show."""

import threading
from dataclasses import dataclass, replace

import dask
import dask.array as da
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from qtpy.QtCore import QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QApplication, QStyle, QStyleOptionSlider
from scipy.ndimage import gaussian_filter
from sklearn.metrics import adjusted_rand_score

from napari_pixel_mixtures import (
    AnchorDistance,
    Blur,
    Channel,
    Color,
    Companion,
    Expression,
    Lab,
    Position,
    cluster,
    feature_effects,
)
from napari_pixel_mixtures.features import Feature
from napari_pixel_mixtures.features.base import setting
from napari_pixel_mixtures.viewer import effects
from napari_pixel_mixtures.viewer.feature_list import FeatureList
from napari_pixel_mixtures.viewer.workspace import workspace_of


@pytest.fixture
def kinds(monkeypatch):
    """Two kinds that only these tests know, as another file would add them."""
    monkeypatch.setattr(Feature, "registry", dict(Feature.registry))

    @dataclass(frozen=True, repr=False)
    class Smooth(Feature):
        kind = "smooth"
        title = "Smooth"
        tip = "A blurred channel."
        sigma: float = setting(2.0, "Scale", "In pixels.", min=0.5, max=50.0)
        channel: int = setting(0, "Channel", "Which one.", min=0, max=2)

        def names(self, picture):
            return ("smooth",)

        def compute(self, picture, pixels):
            threads.append(threading.current_thread())
            channel = picture.values[..., self.channel].astype(float)
            flat = gaussian_filter(channel, self.sigma).reshape(-1, 1)
            return flat if pixels is None else flat[pixels]

    @dataclass(frozen=True, repr=False)
    class Named(Feature):
        kind = "named"
        title = "Named"
        tip = "A channel by its name."
        name: str = setting("R", "Name", "R, G or B.")
        power: int = setting(1, "Power", "Its exponent.", min=1, max=3)

        def __post_init__(self):
            super().__post_init__()
            if len(self.name) != 1:
                raise ValueError(
                    f"Expected a name of one letter, got {self.name!r}; type R."
                )

        def names(self, picture):
            return (self.name,)

        def compute(self, picture, pixels):
            if self.name not in "RGB":
                raise ValueError(f"Expected R, G or B, got {self.name!r}; type R.")
            values = picture.pixels[:, "RGB".index(self.name), np.newaxis] / 255.0
            return values**self.power if pixels is None else values[pixels]

    threads = []
    return Smooth, Named, threads


@pytest.fixture
def workspace(model):
    return workspace_of(model)


@pytest.fixture
def listed(workspace, on_screen):
    """The list, on the screen, of a viewer without a window."""
    listed = FeatureList(workspace)
    on_screen(listed, 420, 160)
    return listed


def actions(listed):
    listed.menu.aboutToShow.emit()
    return {a.text(): a for a in listed.menu.actions() if not a.isSeparator()}


def press(qtbot, button):
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def features(workspace):
    return workspace.recipe.features


def test_rows_are_added_by_the_menu_and_removed(listed, workspace, qtbot):
    assert [row.title.text() for row in listed.rows] == ["Color"]
    actions(listed)["Position"].trigger()
    actions(listed)["Distance"].trigger()
    assert features(workspace) == (Color(), Position(), AnchorDistance())
    assert [row.feature for row in listed.rows] == list(features(workspace))
    press(qtbot, listed.rows[0].remove)
    assert features(workspace) == (Position(), AnchorDistance())
    assert [row.title.text() for row in listed.rows] == ["Position", "Distance"]
    press(qtbot, listed.rows[1].remove)
    press(qtbot, listed.rows[0].remove)
    assert listed.rows == [] and features(workspace) == ()


def test_a_second_copy_would_tell_nothing(listed, workspace):
    color = actions(listed)["Color"]
    assert not color.isEnabled()
    assert color.toolTip() == "It is in the list already."
    actions(listed)["Distance"].trigger()
    actions(listed)["Distance"].trigger()
    assert features(workspace)[1:] == (AnchorDistance(), AnchorDistance(seed=1))


def test_the_console_and_undo_show_in_the_rows(listed, workspace, idle, model):
    workspace.fit()
    idle(model)
    first = listed.rows[0]
    given = (Color(influence=0.25), AnchorDistance(n=3, weight=0.5, on=False))
    workspace.set_recipe(replace(workspace.recipe, features=given))
    idle(model)
    assert listed.rows[0] is first
    assert first.influence.value() == 25
    assert not listed.rows[1].switch.isChecked()
    assert listed.rows[1].settings.text() == "places 3, seed 0, weight 0.5"
    assert features(workspace) == given
    workspace.undo()
    assert [row.feature for row in listed.rows] == [Color()]
    assert first.influence.value() == 100
    workspace.redo()
    assert [row.feature for row in listed.rows] == list(given)


def test_off_and_on_again_restores_the_settings(
    listed, workspace, idle, model, qtbot, picture
):
    position = Position(weight=0.75, influence=0.5)
    workspace.set_recipe(replace(workspace.recipe, features=(Color(), position)))
    workspace.fit()
    idle(model)
    row = listed.rows[1]
    row.switch.click()
    idle(model)
    assert features(workspace)[1] == replace(position, on=False)
    assert not row.influence.isEnabled()
    without = cluster(picture, workspace.recipe.n_components)
    found = workspace.result.clustering
    assert found.feature_names == ("R", "G", "B")
    assert adjusted_rand_score(found.labels.ravel(), without.labels.ravel()) == 1.0
    row.switch.click()
    idle(model)
    assert features(workspace)[1] == position
    assert workspace.result.clustering.recipe == workspace.recipe


def test_the_slider_is_the_influence(listed, workspace, qtbot):
    slider = listed.rows[0].influence
    slider.setFocus()
    qtbot.keyClick(slider, Qt.Key.Key_Home)
    assert features(workspace) == (Color(influence=0.0),)
    slider.setValue(40)
    assert features(workspace) == (Color(influence=0.4),)
    assert listed.rows[0].settings.text() == "influence 0.4"
    assert slider.toolTip().startswith("Influence 0.4. How much this feature counts,")
    given = Position(influence=0.25, weight=2.0)
    workspace.set_recipe(replace(workspace.recipe, features=(Color(), given)))
    row = listed.rows[1]
    assert row.settings.text() == "influence 0.25, axes all, weight 2"
    assert row.influence.toolTip().startswith("Influence 0.25. ")


def test_the_influence_dragged_with_the_mouse_moves_the_labels(
    viewer, picture, open_widget, idle, qtbot, said
):
    random = np.random.default_rng(1)
    noisy = np.clip(picture + random.normal(0, 60, picture.shape), 0, 255)
    noisy = noisy.astype(np.uint8)
    viewer.add_image(noisy, name="bands")
    widget, workspace = open_widget(viewer), workspace_of(viewer)
    both = replace(workspace.recipe, features=(Color(), Position()))
    workspace.set_recipe(both)
    workspace.fit()
    idle(viewer)
    layer = viewer.layers["bands quantized"]
    before = layer.data.copy()
    assert_array_equal(before, cluster(noisy, features=both.features).labels)
    workspace.set_live(True)
    slider = widget.features.rows[1].influence
    option = QStyleOptionSlider()

    def handle():
        slider.initStyleOption(option)
        return slider.style().subControlRect(
            QStyle.ComplexControl.CC_Slider,
            option,
            QStyle.SubControl.SC_SliderHandle,
            slider,
        )

    start, seen = handle().center(), []
    qtbot.mousePress(slider, Qt.MouseButton.LeftButton, pos=start)
    for share in (0.5, 0.0):
        there = QPointF(start.x() * share - (share == 0) * 20, start.y())
        move = QMouseEvent(
            QMouseEvent.Type.MouseMove,
            there,
            QPointF(slider.mapToGlobal(there.toPoint())),
            Qt.MouseButton.NoButton,
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )
        QApplication.sendEvent(slider, move)
        idle(viewer)
        seen.append((slider.value(), layer.data.copy()))
    qtbot.mouseRelease(slider, Qt.MouseButton.LeftButton)
    idle(viewer)
    (middle, some), (end, none) = seen
    assert 30 < middle < 70 and end == 0
    assert features(workspace) == (Color(), Position(influence=0.0))
    assert np.mean(some != before) > 0.02
    assert np.mean(some != none) > 0.02
    # At 0 they are those without the feature, but for the numbers of the clusters.
    without = cluster(noisy, features=Color()).matched(none)
    assert_array_equal(none, without.labels)
    assert said() == []


def test_a_value_between_the_slider_s_steps_is_kept(listed, workspace):
    given = (Color(influence=0.333), Position())
    workspace.set_recipe(replace(workspace.recipe, features=given))
    listed.rows[1].switch.click()
    assert features(workspace)[0] == given[0]


def test_a_new_kind_needs_no_code_of_ours(kinds, listed, workspace, qtbot):
    smooth, _, threads = kinds
    for _ in range(2):
        actions(listed)["Smooth"].trigger()
    assert features(workspace)[1:] == (smooth(), smooth(sigma=4.0))
    row = listed.rows[1]
    assert row.settings.text() == "scale 2, channel 0"
    press(qtbot, row.open_settings)
    assert set(row.form.fields) == {"sigma", "channel"}
    row.form.fields["sigma"].native.setValue(7.5)
    row.form.fields["channel"].native.setValue(2)
    assert features(workspace)[1] == smooth(sigma=7.5, channel=2)
    assert row.settings.text() == "scale 7.5, channel 2"
    assert not listed.rows[0].open_settings.isVisible()
    row.form.close()
    qtbot.waitUntil(lambda: not listed.thumbnails.runner.busy)
    assert threads and threading.main_thread() not in threads


def test_what_is_typed_stays_while_it_is_wrong(kinds, listed, workspace, qtbot):
    _, named, _ = kinds
    actions(listed)["Named"].trigger()
    row = listed.rows[1]
    press(qtbot, row.open_settings)
    field, error = row.form.fields["name"], row.form.error
    line = field.native
    line.setFocus()
    qtbot.keyClick(line, Qt.Key.Key_End)
    qtbot.keyClicks(line, "x")
    sentence = "Expected a name of one letter, got 'Rx'; type R."
    assert error.text() == sentence and error.isVisible()
    assert features(workspace)[1] == named("R")
    # Another setting changes: what was typed, and the sentence, stay.
    row.form.fields["power"].native.setValue(2)
    assert features(workspace)[1] == named("R", 2)
    assert (field.value, error.text()) == ("Rx", sentence)
    qtbot.keyClick(line, Qt.Key.Key_Backspace)
    assert not error.isVisible()
    # A letter that only the picture can refuse is refused beside the field as well.
    qtbot.keyClick(line, Qt.Key.Key_Backspace)
    qtbot.keyClicks(line, "Q")
    assert features(workspace)[1] == named("Q", 2)
    refused = "Expected R, G or B, got 'Q'; type R."
    qtbot.waitUntil(lambda: error.text() == refused)
    assert row.picture.text() == "!" and row.picture.toolTip() == refused
    assert field.value == "Q"
    qtbot.keyClick(line, Qt.Key.Key_Backspace)
    qtbot.keyClicks(line, "G")
    qtbot.waitUntil(lambda: row.picture.text() == "" and not error.isVisible())
    row.form.close()


def test_other_random_places_replace_dragged_ones(listed, workspace, qtbot):
    dragged = AnchorDistance(anchors=((1.0, 2.0), (3.0, 4.0)), weight=0.5)
    workspace.set_recipe(replace(workspace.recipe, features=(Color(), dragged)))
    row = listed.rows[1]
    press(qtbot, row.open_settings)
    assert row.form.fields["n"].value == 2
    row.form.fields["n"].native.setValue(5)
    assert features(workspace)[1] == AnchorDistance(n=5, weight=0.5)
    row.form.close()


def test_thumbnails_show_what_is_measured(listed, workspace, qtbot, picture):
    def drawn():
        return listed.thumbnails.of(Color())

    qtbot.waitUntil(lambda: drawn() is not None)
    assert drawn().shape == (32, 40, 3)
    # Red, green and blue bands, as in the picture.
    assert_array_equal(drawn().argmax(axis=2), picture.argmax(axis=2))
    assert not listed.rows[0].picture.pixmap().isNull()
    # Weight, influence and switch draw nothing anew.
    before = drawn()
    features = (Color(weight=2.0, influence=0.5, on=False),)
    workspace.set_recipe(replace(workspace.recipe, features=features))
    assert not listed.thumbnails.runner.busy
    assert drawn() is before
    workspace.viewer.layers.clear()
    assert drawn() is None


@pytest.fixture
def soon(monkeypatch):
    """Look for effects without a second's wait."""
    monkeypatch.setattr(effects, "IDLE_MS", 10)


def test_rows_tell_what_a_feature_did_until_something_changes(
    soon, listed, workspace, idle, model, qtbot
):
    given = (Color(), Position(), AnchorDistance(on=False))
    workspace.set_recipe(replace(workspace.recipe, n_components=3, features=given))
    workspace.fit()
    idle(model)
    qtbot.waitUntil(lambda: bool(listed.rows[0].effect.text()), timeout=30_000)
    for row, effect in zip(
        listed.rows[:2], feature_effects(workspace.result.clustering), strict=True
    ):
        assert row.feature == effect.feature
        assert row.effect.text() == f"{effect.similarity:.2f}"
    # The bands are found without position.
    assert listed.rows[1].effect.text() == "1.00"
    assert listed.rows[2].effect.text() == ""
    workspace.set_live(False)
    listed.rows[1].influence.setValue(70)
    assert [row.effect.text() for row in listed.rows] == ["", "", ""]
    # The result is of other settings now, so there is nothing to tell.
    qtbot.wait(100)
    assert not listed.effects.runner.busy
    assert [row.effect.text() for row in listed.rows] == ["", "", ""]


def test_rows_tell_what_features_of_a_loaded_model_do(
    soon, listed, workspace, idle, model, qtbot, tmp_path
):
    # Those of more influence come first in the model, and its places are fixed.
    given = (Color(influence=0.5), AnchorDistance(n=2))
    workspace.set_recipe(replace(workspace.recipe, n_components=3, features=given))
    workspace.fit()
    idle(model)
    workspace.keeper.save(tmp_path / "model.json")
    workspace.keeper.load(tmp_path / "model.json")
    idle(model)
    found = workspace.result.clustering
    assert found.history == ()
    qtbot.waitUntil(lambda: bool(listed.rows[0].effect.text()), timeout=30_000)
    distance, color = feature_effects(found)
    assert distance.feature.anchors and color.feature == given[0]
    assert [row.effect.text() for row in listed.rows] == [
        f"{color.similarity:.2f}",
        f"{distance.similarity:.2f}",
    ]
    assert color.similarity != distance.similarity


def test_other_images_are_offered_by_their_names(
    listed, workspace, qtbot, model, picture
):
    for name in ("depth", "heat"):
        model.add_image(picture[..., 0], name=name)
    model.add_image(picture[:5, :5, 0], name="small")
    model.layers.selection.active = model.layers["bands"]
    for _ in range(2):
        actions(listed)["Other image"].trigger()
    assert features(workspace)[1:] == (Companion("depth"), Companion("heat"))
    assert not actions(listed)["Other image"].isEnabled()  # there are no more
    row = listed.rows[2]
    press(qtbot, row.open_settings)
    field = row.form.fields["name"]
    assert field.choices == ("depth", "heat")
    field.value = "depth"
    assert features(workspace)[2] == Companion("depth")
    row.form.close()
    model.layers["depth"].name = "far"
    sentence = (
        "Expected an image of the same shape among ['far', 'heat'], got 'depth'; "
        "choose another, or give it as a companion."
    )
    qtbot.waitUntil(lambda: row.form.error.text() == sentence)
    press(qtbot, row.open_settings)
    assert field.choices == ("far", "heat", "depth")
    field.value = "far"
    far = Companion("far")
    qtbot.waitUntil(lambda: isinstance(listed.thumbnails.of(far), np.ndarray))
    assert not row.form.error.isVisible()
    drawn = listed.thumbnails.of(far)
    assert (drawn[:, :8] > 200).all() and (drawn[:, 8:] < 80).all()  # the red band
    row.form.close()


def test_thumbnails_and_fits_measure_a_filter_once(
    kinds, listed, workspace, idle, model, qtbot
):
    smooth, _, threads = kinds
    actions(listed)["Smooth"].trigger()
    qtbot.waitUntil(lambda: listed.thumbnails.of(smooth()) is not None)
    assert len(threads) == 1
    workspace.set_live(True)
    workspace.fit()
    idle(model)
    qtbot.waitUntil(lambda: listed.thumbnails.of(smooth()) is not None)
    assert len(threads) == 1
    model.layers["bands"].data[0, 0] += 1  # which nothing tells
    workspace.fit()
    idle(model)
    assert len(threads) == 2  # for a pressed Fit looks at the pixels
    workspace.set_recipe(replace(workspace.recipe, n_components=2))
    idle(model)
    assert len(threads) == 2


class TestOtherChannels:
    """The image gets data with another number of channels, or is another one."""

    FEATURES = (
        (
            Channel(2),
            "Channel",
            "a channel from 0 to 1, got 2; the image has 2 in all.",
        ),
        (
            Expression("c0 - c2"),
            "Formula",
            "channels among ['c0', 'c1', 'channel 0', 'channel 1'], got 'c2' at "
            "character 6 of 'c0 - c2'.",
        ),
    )

    @pytest.fixture
    def cells(self, model):
        data = np.random.default_rng(0).integers(0, 256, (30, 36, 3), np.uint8)
        return model.add_image(
            data, axis_labels=("y", "x", "c"), name="cells", rgb=False
        )

    @pytest.mark.parametrize(("feature", "title", "sentence"), FEATURES)
    @pytest.mark.parametrize("lazy", [False, True])
    def test_before_any_fit(
        self, listed, workspace, cells, said, qtbot, feature, title, sentence, lazy
    ):
        whole = cells.data
        features = (Color(), feature)
        workspace.set_recipe(replace(workspace.recipe, features=features))
        row = listed.rows[1]
        assert workspace.status.text == "Press Fit."
        two = whole[..., :2].copy()
        with dask.config.set(scheduler="synchronous"):  # napari looks at it
            cells.data = da.from_array(two) if lazy else two
        assert (
            workspace.status.text
            == f"{title} does not fit the image: expected {sentence}"
        )
        assert row.picture.text() == "!"
        assert row.title.toolTip() == f"Expected {sentence}"
        assert listed.rows[0].picture.text() == ""
        cells.data = whole
        assert workspace.status.text == "Press Fit."
        qtbot.waitUntil(lambda: not listed.thumbnails.runner.busy)
        assert row.picture.text() == "" and row.title.toolTip().startswith(title)
        assert said() == []

    @pytest.mark.parametrize(("feature", "title", "sentence"), FEATURES)
    @pytest.mark.parametrize("live", [True, False])
    def test_after_a_fit(
        self,
        listed,
        workspace,
        cells,
        model,
        idle,
        said,
        feature,
        title,
        sentence,
        live,
    ):
        features = (Color(), feature)
        workspace.set_recipe(replace(workspace.recipe, features=features))
        workspace.fit()
        idle(model)
        result = workspace.result
        workspace.set_live(live)
        cells.data = cells.data[..., :2].copy()
        idle(model)
        assert workspace.result is result
        assert (
            workspace.status.text
            == f"{title} does not fit the image: expected {sentence}"
        )
        assert listed.rows[1].title.toolTip() == f"Expected {sentence}"
        workspace.fit()  # who insists is told once more
        idle(model)
        assert said() == [("error", f"Expected {sentence}")]
        workspace.set_recipe(replace(workspace.recipe, features=(Color(),)))
        workspace.fit()
        idle(model)
        assert workspace.result.clustering.colors.shape[1] == 2

    @pytest.mark.parametrize(
        "case", ["before any fit", "live", "too large", "not live"]
    )
    def test_the_axes_are_edited(
        self, listed, workspace, cells, model, idle, said, monkeypatch, case
    ):
        """That the channels are gone matters more than that Fit is to be pressed."""
        features = (Color(), Channel(2))
        workspace.set_recipe(replace(workspace.recipe, features=features))
        if case != "before any fit":
            workspace.fit()
            idle(model)
        if case == "too large":
            monkeypatch.setattr("napari_pixel_mixtures.viewer.fitting.LIVE_LIMIT", 10)
        result = workspace.result
        workspace.set_live(case != "not live")
        workspace.set_axes("z y x")
        idle(model)
        sentence = (
            "Channel does not fit the image: expected a channel from 0 to 0, got 2; "
            "the image has 1 in all."
        )
        assert workspace.status.text == sentence
        workspace.set_recipe(replace(workspace.recipe, n_components=3))
        if case == "too large":
            assert workspace.status.text == sentence
        assert workspace.result is result
        workspace.set_axes("y x c")
        idle(model)
        assert sentence not in workspace.status.text
        assert said() == []

    def test_an_axes_edit_drops_the_fit_that_runs(
        self, listed, workspace, cells, model, idle, gate, qtbot
    ):
        features = (Color(), Channel(2))
        workspace.set_recipe(replace(workspace.recipe, features=features))
        workspace.fit()
        qtbot.waitUntil(lambda: gate.reached == 1)
        workspace.set_axes("z y x")
        assert not workspace.runner.busy
        assert workspace.status.text.startswith("Channel does not fit the image: ")
        workspace.set_axes("y x c")
        workspace.fit()
        qtbot.waitUntil(lambda: gate.reached == 2)
        # That of another image has nothing to do with it.
        model.add_image(np.zeros((4, 9, 8)), name="other")
        assert workspace.image.name == "other"
        workspace.set_axes("t y x")
        assert workspace.trouble()
        assert workspace.runner.job.image is cells
        gate.open()
        idle(model)
        assert workspace.result.image is cells

    def test_another_image_without_colors(
        self, listed, workspace, model, picture, said
    ):
        features = (Color(), Blur(of="Lab"), Lab(on=False))
        workspace.set_recipe(replace(workspace.recipe, features=features))
        model.add_image(picture[..., 0], name="gray")
        sentence = (
            "xpected an image with red, green and blue for Blur of Lab, got one with 1 "
            "channel that is not color; use Color, Channel or Expression instead."
        )
        assert workspace.status.text == f"Blur does not fit the image: e{sentence}"
        assert listed.rows[1].title.toolTip() == f"E{sentence}"
        # What is off does not matter, but says so.
        workspace.set_recipe(replace(workspace.recipe, features=features[::2]))
        workspace.set_image(model.layers["bands"])
        workspace.set_image(model.layers["gray"])
        assert workspace.status.text == "Press Fit."
        assert listed.rows[1].picture.text() == "!"
        assert said() == []

    def test_other_data_of_the_same_kind_are_the_same_image(self, workspace, cells):
        told = []
        workspace.image_changed.connect(told.append)
        cells.data = cells.data[::2]
        assert told == []
        cells.data = cells.data[..., :1]
        assert told == [cells]
        workspace.set_image(None)
        told.clear()
        cells.data = cells.data[..., 0]
        assert told == []
