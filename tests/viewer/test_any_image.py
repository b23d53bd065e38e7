"""Any image: channels, volumes, series, pyramids, masks, in a real viewer and without.

The labels are those that `cluster` gives for the same picture.
"""

from dataclasses import replace

import numpy as np
import pytest
from napari.components import ViewerModel
from numpy.testing import assert_allclose, assert_array_equal
from qtpy.QtCore import Qt

from napari_pixel_mixtures import (
    AnchorDistance,
    Blur,
    Certainty,
    Color,
    Companion,
    Picture,
    Position,
    cluster,
)
from napari_pixel_mixtures.features import Feature
from napari_pixel_mixtures.space import telling_channels
from napari_pixel_mixtures.viewer.label_features import pixel_size
from napari_pixel_mixtures.viewer.layers import METADATA_KEY
from napari_pixel_mixtures.viewer.workspace import workspace_of


@pytest.fixture
def channels():
    """Five channels of 24 x 40, of which the last four tell a band each."""
    random = np.random.default_rng(0)
    values = random.normal(30, 4, (5, 24, 40))
    for channel in range(1, 5):
        values[channel, :, 8 * channel : 8 * channel + 8] += 150
    return np.clip(values, 0, 255).astype(np.uint8)


@pytest.fixture
def empty(qapp):
    """A viewer without a window."""
    viewer = ViewerModel()
    yield viewer
    workspace_of(viewer).close()


def type_in(qtbot, field, text):
    field.native.setFocus()
    field.native.selectAll()
    qtbot.keyClicks(field.native, text)
    qtbot.keyClick(field.native, Qt.Key.Key_Return)


def named(layers, *names):
    return [layers[name] for name in names]


class TestChannels:
    def test_five_in_one_layer(
        self, viewer, channels, open_widget, click, idle, qtbot, said
    ):
        image = viewer.add_image(channels, name="five", scale=(1, 0.5, 0.5))
        widget, workspace = open_widget(viewer), workspace_of(viewer)
        click(widget.fit)
        idle(viewer)
        assert workspace.result.clustering.labels.shape == (5, 24, 40)
        qtbot.waitUntil(widget.native.isVisible)
        # The field lies in More settings, and can be typed into all the same.
        assert widget.axes.value == "z y x"
        workspace.set_live(False)
        type_in(qtbot, widget.axes, "c y x")
        assert image.axis_labels == ("c", "y", "x") and widget.axes.value == "c y x"
        click(widget.fit)
        idle(viewer)
        found = workspace.result.clustering
        expected = cluster(channels, 4, channel_axis=0)
        assert_array_equal(found.labels, expected.labels)
        assert found.feature_names == tuple(f"channel {i}" for i in range(5))
        # The labels lie over every channel.
        layer = viewer.layers["five quantized"]
        assert_array_equal(layer.data, expected.labels[np.newaxis])
        for channel in range(5):
            viewer.dims.set_point(0, channel)
            world = image.data_to_world((channel, 3, 30))
            assert layer.get_value(world, world=True) == expected.labels[3, 30]
            workspace.hover.move_to(world)
            assert workspace.hover.pixel == 3 * 40 + 30
        assert workspace.cloud.settings.axes == telling_channels(expected)
        assert workspace.cloud.show().data.shape == (960, 3)
        workspace.cloud.leave()
        assert said() == []

    def test_names_that_do_not_fit_the_axes_are_refused(
        self, viewer, channels, open_widget, qtbot, said
    ):
        image = viewer.add_image(channels, name="five")
        widget = open_widget(viewer)
        sentence = (
            "Expected a name for each of the 3 axes of 'five', the channels' c beside "
            "two others, got 'c y'; write such as 'z y x'."
        )
        type_in(qtbot, widget.axes, "c y")
        assert widget.status.value == sentence
        assert said() == [("error", sentence)]
        assert widget.axes.value == "z y x"
        assert image.axis_labels == ("-3", "-2", "-1")

    @pytest.mark.parametrize(("first", "then"), ["zyx cyx".split(), "cyx zyx".split()])
    def test_labels_of_other_axes_are_not_edited(
        self, empty, channels, fit, idle, said, first, then
    ):
        """They are those of another picture, as if it had other data."""
        empty.add_image(channels, name="five")
        workspace = workspace_of(empty)
        workspace.set_axes(first)
        result = fit(empty, n_components=2)
        workspace.classes.edit(result.all_classes.rename(1, "sky"))
        before = [layer.data for layer in empty.layers]
        workspace.set_axes(then)
        assert workspace.status.text == "Axes changed: press Fit."
        assert workspace.classes.result is None
        workspace.reshuffle()
        workspace.undo()
        assert workspace.status.text == (
            "The image 'five' was changed since that fit, so its labels cannot come "
            "back; press Fit."
        )
        assert [
            layer.data is data for layer, data in zip(empty.layers, before, strict=True)
        ] == [True] * 4
        workspace.fit()
        idle(empty)
        assert workspace.result.clustering.labels.ndim == 2 + (then == "zyx")
        assert said() == []

    def test_the_axes_are_edited_during_a_fit(
        self, empty, channels, gate, idle, qtbot, said
    ):
        empty.add_image(channels, name="five")
        workspace = workspace_of(empty)
        workspace.fit()
        qtbot.waitUntil(lambda: gate.reached == 1)
        workspace.set_axes("c y x")
        gate.open()
        idle(empty)
        sentence = (
            "The image 'five' was changed while its fit ran, so the result was "
            "dropped; press Fit again."
        )
        assert workspace.status.text == sentence
        assert said() == [("warning", sentence)]
        assert [layer.name for layer in empty.layers] == ["five"]

    @pytest.mark.parametrize("text", ["ccx", "c channel x", "y y x", "", "zyxt"])
    def test_other_names_that_do_not_fit(self, empty, channels, text):
        empty.add_image(channels)
        with pytest.raises(ValueError, match="Expected a name for each of the 3 axes"):
            workspace_of(empty).set_axes(text)

    def test_places_lie_over_every_channel_and_can_be_dragged(
        self, empty, channels, fit, idle
    ):
        image = empty.add_image(
            np.moveaxis(channels, 0, 1),
            name="five",
            axis_labels=("y", "c", "x"),
            scale=(0.5, 1, 0.25),
        )
        fit(empty, n_components=2, distance=True, n_anchors=2)
        workspace, layer = workspace_of(empty), empty.layers["five places"]
        places = AnchorDistance(n=2).places((24, 40))
        assert_allclose(np.delete(layer.data, 1, axis=1), places, rtol=1e-6)
        for place, point in zip(places, layer.data, strict=True):
            over = image.data_to_world((place[0], 2, place[1]))
            assert_allclose(layer.data_to_world(point), over)
        workspace.set_live(True)
        layer.data = [[5.0, 0.0, 7.0], [8.0, 0.0, 30.0]]
        idle(empty)
        assert workspace.recipe.features[-1].anchors == ((5.0, 7.0), (8.0, 30.0))
        picture = Picture.from_array(channels, 0, scale=(0.5, 0.25))
        expected = cluster(picture, 2, features=workspace.recipe.features)
        found = workspace.result.clustering
        assert found.log_likelihood == expected.log_likelihood

    def test_a_selection_lies_over_every_channel(self, empty, channels, fit):
        empty.add_image(channels, name="five", axis_labels=("c", "y", "x"))
        fit(empty, n_components=2)
        selection = workspace_of(empty).selection
        selection.choose_label(2)
        overlay = empty.layers["five selection"]
        labels = workspace_of(empty).result.clustering.labels
        assert_array_equal(overlay.data, (labels == 2)[np.newaxis])
        overlay.data_setitem((np.array([0]), np.array([0]), np.array([0])), 1)
        assert selection.mask[0, 0] and selection.mask.shape == (24, 40)
        selection.choose_layer(selection.keep())
        assert_array_equal(selection.mask[1:], (labels == 2)[1:])

    def test_classes_maps_and_segments_lie_over_every_channel(
        self, empty, channels, fit, idle
    ):
        image = empty.add_image(
            np.moveaxis(channels, 0, 1),
            name="five",
            axis_labels=("y", "c", "x"),
            scale=(0.5, 1, 0.25),
            units=("um", "pixel", "um"),
        )
        fit(empty, n_components=3)
        workspace = workspace_of(empty)
        found = workspace.result.clustering
        shape = workspace.result.clustering.labels.shape
        assert pixel_size(workspace.result.image, shape) == ((0.5, 0.25), "micrometer")
        for _ in range(2):  # made, and brought up to date
            workspace.maps.show("entropy")
            idle(empty)
            workspace.set_segments(on=True, min_size=1, contrast=0.0)
            idle(empty)
            classes = workspace.result.all_classes
            workspace.classes.edit(classes.rename(1, classes.names[0] + "!"))
            idle(empty)
        shown = {
            "entropy": Certainty(found).entropy(),
            "segments": found.regions(min_size=1),
            "classes": found.labels,
        }
        for name, values in shown.items():
            layer = empty.layers[f"five {name}"]
            assert_allclose(layer.data, values[:, np.newaxis], rtol=1e-6)
            for channel in range(5):
                world = image.data_to_world((3, channel, 30))
                assert_array_equal(np.rint(layer.world_to_data(world)), (3, 0, 30))


class TestSeveralLayers:
    NAMES = ("dna", "actin", "tubulin", "er")

    @pytest.fixture
    def four(self, empty, channels):
        for name, channel in zip(self.NAMES, channels[1:], strict=True):
            empty.add_image(channel, name=name)
        return empty

    def test_selected_together_they_are_one_image(
        self, viewer, channels, open_widget, click, idle, said
    ):
        for name, channel in zip(self.NAMES, channels[1:], strict=True):
            viewer.add_image(channel, name=name)
        widget, workspace = open_widget(viewer), workspace_of(viewer)
        n_choices = len(widget.image.choices)
        viewer.layers.selection = set(viewer.layers)
        assert len(widget.image.choices) == n_choices + 1
        layers = tuple(named(viewer.layers, *self.NAMES))
        assert widget.image.current_choice == "4 channels: dna, actin, tubulin, er"
        assert workspace.choice.layers == layers
        # A click on one of them leaves them together.
        viewer.layers.selection.active = layers[1]
        assert workspace.choice.layers == layers and widget.image.value == layers
        click(widget.fit)
        idle(viewer)
        found = workspace.result
        expected = cluster(Picture.from_channels(channels[1:], self.NAMES), 4)
        assert_array_equal(found.clustering.labels, expected.labels)
        assert found.clustering.feature_names == self.NAMES
        assert found.image is layers[0]
        assert_array_equal(viewer.layers["dna quantized"].data, expected.labels)
        assert workspace.cloud.show().data.shape == (960, 3)
        assert set(workspace.cloud.settings.axes) < set(self.NAMES)
        # A selection that the view gives back is no reason to choose it again.
        viewer.layers.selection = set(layers[:2])
        assert widget.image.value == workspace.choice.layers == layers[:2]
        workspace.cloud.leave()
        viewer.layers.selection = set(layers[1:3])
        widget.image.value = layers[3]
        workspace.cloud.show()
        workspace.cloud.leave()
        assert viewer.layers.selection == set(layers[1:3])
        assert widget.image.value is layers[3]
        viewer.layers.selection.active = layers[1]
        viewer.layers.selection.add(layers[2])
        assert widget.image.value == layers[1:3]
        assert said() == []

    def test_what_does_not_belong_together_is_refused(
        self, viewer, channels, open_widget, said
    ):
        viewer.add_image(channels[0], name="a")
        viewer.add_image(channels[0, 1:], name="b")
        widget = open_widget(viewer)
        viewer.layers.selection = set(viewer.layers)
        both = tuple(named(viewer.layers, "a", "b"))
        widget.image.value = both
        sentence = (
            "Expected channels of one shape, got 'a' of (24, 40) and 'b' of (23, 40); "
            "choose images of the same pixels."
        )
        assert said() == [("error", sentence)]
        assert widget.status.value == sentence
        assert widget.image.value is both[1] is workspace_of(viewer).image

    def test_moved_apart_they_are_not_fitted(self, four, idle):
        workspace = workspace_of(four)
        workspace.set_image(named(four.layers, *self.NAMES))
        four.layers["er"].translate = (0, 3)
        workspace.fit()
        assert workspace.status.text == (
            "Expected channels that lie over each other, got 'er' elsewhere than "
            "'dna'; give them the same scale and place."
        )
        assert workspace.result is None

    def test_a_removed_channel_leaves_the_first(self, four, idle):
        workspace = workspace_of(four)
        workspace.set_image(named(four.layers, *self.NAMES))
        workspace.fit()
        four.layers.remove("tubulin")
        assert not workspace.runner.busy
        assert workspace.status.text == (
            "The image 'tubulin' was removed while its fit ran; the fit was cancelled."
        )
        assert workspace.choice.layers == (four.layers["dna"],)
        workspace.fit()
        idle(four)
        assert workspace.result.clustering.feature_names == ("gray",)

    def test_undo_brings_the_channels_back(self, four, idle):
        workspace = workspace_of(four)
        layers = named(four.layers, "dna", "actin")
        for choice in (layers, four.layers["er"]):
            workspace.set_image(choice)
            workspace.fit()
            idle(four)
        workspace.undo()
        assert list(workspace.choice.layers) == layers
        assert workspace.result.clustering.feature_names == ("dna", "actin")


def test_a_series_of_volumes_is_clustered_as_a_whole(viewer, open_widget, click, idle):
    random = np.random.default_rng(0)
    series = random.normal(50, 5, (3, 4, 20, 24))
    series[:, 2:, :, 12:] += 60
    series[1] += 100
    image = viewer.add_image(
        series, name="series", scale=(9, 2, 1, 1), axis_labels=("t", "z", "y", "x")
    )
    widget, workspace = open_widget(viewer), workspace_of(viewer)
    [blur] = [k for k in Feature.registry.values() if k.kind == "blur"]
    features = (Color(), Position("Z"), blur(sigma=1.0))
    workspace.set_recipe(replace(workspace.recipe, n_components=3, features=features))
    click(widget.fit)
    idle(viewer)
    about = {"scale": (9, 2, 1, 1), "axis_labels": ("t", "z", "y", "x")}
    picture = Picture.from_array(series, None, **about)
    expected = cluster(picture, 3, features=features)
    assert_array_equal(workspace.result.clustering.labels, expected.labels)
    layer = viewer.layers["series quantized"]
    for time, plane in ((0, 1), (2, 3)):
        viewer.dims.set_point([0, 1], image.data_to_world((time, plane, 0, 0))[:2])
        shown = layer._slice.image.raw
        assert_array_equal(shown, expected.labels[time, plane])


@pytest.mark.parametrize("colored", [True, False], ids=["rgb", "two channels"])
def test_a_series_of_volumes_of_several_channels(
    viewer, open_widget, click, idle, colored
):
    """(T, Z, Y, X, C): one model, and filters within each volume."""
    random = np.random.default_rng(0)
    series = random.normal(60, 6, (3, 4, 20, 24, 3 if colored else 2))
    series[:, 2:, :, 12:, 0] += 90
    series[1, ..., 1] += 80
    series = np.clip(series, 0, 255).astype(np.uint8)
    names = ("t", "z", "y", "x")
    scale = (9, 2, 1, 1)
    more = {"rgb": True} if colored else {"rgb": False}
    image = viewer.add_image(
        series,
        name="series",
        scale=scale if colored else (*scale, 1),
        axis_labels=names if colored else (*names, "c"),
        **more,
    )
    widget, workspace = open_widget(viewer), workspace_of(viewer)
    features = (Color(), Position("Z", influence=0.5), Blur(sigma=1.0))
    recipe = replace(workspace.recipe, n_components=3, features=features, smoothing=0.8)
    workspace.set_recipe(recipe)
    workspace.set_segments(on=True, min_size=30, contrast=4.0)
    click(widget.fit)
    idle(viewer)
    picture = Picture.from_array(
        series, -1, rgb=colored, scale=scale, axis_labels=names
    )
    expected = cluster(picture, 3, features=features, smoothing=0.8)
    assert expected.labels.shape == (3, 4, 20, 24)
    assert_array_equal(workspace.result.clustering.labels, expected.labels)
    # Each volume of the series is filtered by itself: a change of one leaves others.
    changed = series.copy()
    changed[2] = 255 - changed[2]
    about = {"rgb": colored, "scale": scale, "axis_labels": names}
    blurs = [
        Blur(sigma=1.0)
        .compute(Picture.from_array(array, -1, **about), None)
        .reshape(3, 4, 20, 24, -1)
        for array in (series, changed)
    ]
    assert_array_equal(blurs[0][:2], blurs[1][:2])
    assert not np.array_equal(blurs[0][2], blurs[1][2])
    segments = viewer.layers["series segments"]
    regions = expected.regions(min_size=30, contrast=4.0)
    for layer, values in (
        (viewer.layers["series quantized"], expected.labels),
        (segments, regions),
    ):
        assert_array_equal(np.asarray(layer.data).reshape(values.shape), values)
        for time, plane in ((0, 1), (2, 3)):
            point = image.data_to_world((time, plane, *(0,) * (image.ndim - 2)))
            viewer.dims.set_point([0, 1], point[:2])
            if colored:
                assert_array_equal(layer._slice.image.raw, values[time, plane])


def test_each_feature_is_added_and_removed(
    viewer, picture, open_widget, click, idle, said
):
    viewer.add_image(picture[..., 0], name="red")
    viewer.add_image(picture, name="bands")
    widget, workspace = open_widget(viewer), workspace_of(viewer)
    click(widget.fit)
    idle(viewer)
    for kind in Feature.registry.values():
        if kind is Color or not kind.__module__.startswith("napari_pixel_mixtures"):
            continue
        widget.features.menu.aboutToShow.emit()
        [action] = [a for a in widget.features.menu.actions() if a.text() == kind.title]
        action.trigger()
        idle(viewer)
        found = workspace.result.clustering
        assert [type(group.feature) for group in found.groups] == [Color, kind]
        assert found.recipe == workspace.recipe, workspace.status.text
        widget.features.rows[1].remove.click()
        idle(viewer)
        assert workspace.result.clustering.feature_names == ("R", "G", "B")
    assert said() == []


def test_a_companion_is_a_layer_by_its_name(empty, picture, idle):
    empty.add_image(picture[..., 2], name="blue")
    image = empty.add_image(picture[..., 0], name="red")
    workspace = workspace_of(empty)
    features = (Color(), Companion("blue"))
    workspace.set_recipe(replace(workspace.recipe, n_components=3, features=features))
    workspace.fit()
    idle(empty)
    blue = {"blue": picture[..., 2]}
    expected = cluster(picture[..., 0], 3, features=features, companions=blue)
    assert_array_equal(workspace.result.clustering.labels, expected.labels)
    # A live fit follows other data in it, and its absence.
    empty.layers["blue"].data = np.flip(picture[..., 2], axis=1).copy()
    workspace.set_recipe(replace(workspace.recipe, n_components=2))
    idle(empty)
    blue["blue"] = empty.layers["blue"].data
    expected = cluster(image.data, 2, features=features, companions=blue)
    found = workspace.result.clustering
    assert found.log_likelihood == expected.log_likelihood
    empty.layers.remove("blue")
    workspace.fit()
    idle(empty)
    assert workspace.status.text == (
        "Expected an image of the same shape among [], got 'blue'; choose another, or "
        "give it as a companion."
    )


def test_the_scale_of_a_layer_counts(empty, picture, fit):
    empty.add_image(picture, name="bands", scale=(5.0, 0.2))
    found = fit(empty, n_components=3, position=True).clustering
    expected = cluster(
        Picture.from_array(picture, scale=(5.0, 0.2)), 3, features=[Color(), Position()]
    )
    assert_array_equal(found.labels, expected.labels)
    assert found.groups[1].factor == expected.groups[1].factor
    plain = cluster(picture, 3, features=[Color(), Position()])
    assert plain.groups[1].factor != found.groups[1].factor


def test_the_level_of_a_pyramid_is_told(empty, picture, fit, monkeypatch):
    monkeypatch.setattr("napari_pixel_mixtures.viewer.layers.LARGEST_LEVEL", 500)
    empty.add_image([picture, picture[::2, ::2]], name="bands")
    found = fit(empty, n_components=3)
    assert_array_equal(found.clustering.labels, cluster(picture[::2, ::2], 3).labels)
    level = "level 2 of 2 (16 x 20)"
    assert f"; of the image's {level}; " in workspace_of(empty).status.text
    layer = empty.layers["bands quantized"]
    assert layer.metadata[METADATA_KEY]["level"] == level


class TestMask:
    def test_in_a_real_viewer(self, viewer, picture, open_widget, click, idle, said):
        viewer.add_image(picture, name="bands", scale=(2, 2))
        box = np.array([[4.0, 10], [4, 40], [30, 40], [30, 10]])
        region = viewer.add_shapes([box], shape_type="polygon", name="region")
        paint = np.zeros((32, 40), int)
        paint[5:20, 3:30] = 2
        painted = viewer.add_labels(paint.copy(), name="paint", scale=(2, 2))
        widget, workspace = open_widget(viewer), workspace_of(viewer)
        assert list(widget.mask.choices) == [None, region, painted]
        click(widget.fit)
        idle(viewer)

        def covered():
            idle(viewer)
            found = workspace.result.clustering
            assert_array_equal(viewer.layers["bands quantized"].data, found.labels)
            return found.labels > 0

        assert covered().all()
        widget.mask.value = region
        mask = covered()
        # Of the layer's coordinates, 2 are a pixel.
        assert mask[3:15, 6:20].all()
        assert not mask[:2].any() and not mask[:, :4].any() and not mask[17:].any()
        found = workspace.result.clustering
        expected = cluster(picture, 4, mask=mask)
        assert found.log_likelihood == expected.log_likelihood
        # Shapes that move are followed; paint waits for Fit.
        region.data = [box + np.array([20, 30])]
        assert covered()[13:25, 21:35].all() and not covered()[:11].any()
        widget.mask.value = painted
        assert_array_equal(covered(), paint > 0)
        painted.data[25:28] = 1
        click(widget.fit)
        assert_array_equal(covered(), painted.data > 0)
        # An undone fit comes back as it was; the next one follows the field.
        workspace.undo()
        assert_array_equal(covered(), paint > 0)
        widget.mask.value = None
        assert covered().all()
        assert said() == []

    def test_a_mask_that_does_not_fit_is_one_sentence(self, model, picture, idle, said):
        workspace = workspace_of(model)
        small = model.add_labels(np.ones((4, 4), int), name="small")
        workspace.set_mask(small)
        workspace.fit()
        sentence = (
            "Expected a mask over the pixels of 'bands', of shape (32, 40), got "
            "'small' of another shape or place; make a layer over the image."
        )
        assert workspace.status.text == sentence
        assert said() == [("error", sentence)]
        model.layers.remove(small)
        assert workspace.masks.layer is None
        workspace.fit()
        idle(model)
        assert (workspace.result.clustering.labels > 0).all()

    def test_a_mask_of_the_console_ends_with_the_field(self, model, picture, idle):
        from napari_pixel_mixtures import cluster_layer

        workspace = workspace_of(model)
        given = np.zeros((32, 40), bool)
        given[:, :15] = True
        cluster_layer(model, n_components=2, mask=given)
        assert_array_equal(workspace.request(live=True).mask, given)
        layer = model.add_labels((~given).astype(int))
        workspace.set_mask(layer)
        idle(model)
        assert_array_equal(workspace.result.clustering.labels > 0, ~given)
        workspace.set_mask(None)
        idle(model)
        assert (workspace.result.clustering.labels > 0).all()
