"""Classes: components become a few classes, in a table and a layer, with undo."""

from dataclasses import replace
from threading import Event

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from qtpy.QtCore import Qt
from qtpy.QtGui import QColor, QIcon
from qtpy.QtWidgets import (
    QColorDialog,
    QFileDialog,
    QLineEdit,
    QStyle,
    QStyleOptionSlider,
)

from napari_pixel_mixtures import Certainty, Classes, Model, class_table, merge_tree
from napari_pixel_mixtures.classes import GRAY
from napari_pixel_mixtures.viewer import class_facts, model_notes
from napari_pixel_mixtures.viewer.classes_widget import ClassList
from napari_pixel_mixtures.viewer.layers import METADATA_KEY
from napari_pixel_mixtures.viewer.workspace import workspace_of

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def workspace(model):
    return workspace_of(model)


@pytest.fixture
def result(fit, model):
    return fit(model, n_components=6, position=True)


@pytest.fixture
def widget(model, result, on_screen, idle):
    """The widget on the screen, of a viewer without a window, after a fit."""
    widget = ClassList(model)
    on_screen(widget.native, 460, 400)
    idle(model)
    return widget


@pytest.fixture
def choose(widget, qtbot):
    """Select rows with the mouse."""

    def select(*labels):
        table = widget.table
        for i, label in enumerate(labels):
            rows = range(widget.table_model.rowCount())
            row = next(r for r in rows if widget.table_model.label(r) == label)
            place = table.visualRect(widget.table_model.index(row, 1)).center()
            keys = Qt.KeyboardModifier.ControlModifier if i else None
            extra = () if keys is None else (keys,)
            qtbot.mouseClick(table.viewport(), LEFT, *extra, pos=place)
        assert sorted(table.selected()) == sorted(labels)

    return select


def shown(widget):
    """The table as text: a list of rows, and the columns."""
    model = widget.table_model
    columns = [
        model.headerData(i, Qt.Orientation.Horizontal)
        for i in range(model.columnCount())
    ]
    rows = [
        [model.data(model.index(r, c)) for c in range(len(columns))]
        for r in range(model.rowCount())
    ]
    return columns, rows


def classes_layer(model):
    found = [layer for layer in model.layers if layer.name == "bands classes"]
    assert len(found) < 2
    return found[0] if found else None


def drag(qtbot, slider, *values):
    """Drag the handle of a slider to values, one after another."""
    inner = slider._slider
    style, option = inner.style(), QStyleOptionSlider()

    def place(value):
        inner.initStyleOption(option)
        option.sliderPosition = value
        part = QStyle.SubControl.SC_SliderHandle
        control = QStyle.ComplexControl.CC_Slider
        return style.subControlRect(control, option, part, inner).center()

    qtbot.mousePress(inner, LEFT, pos=place(inner.value()))
    for value in values:
        qtbot.mouseMove(inner, place(value))
    qtbot.mouseRelease(inner, LEFT, pos=place(values[-1]))
    assert slider.value() == values[-1]


def test_before_a_fit_there_is_nothing_to_edit(model, on_screen):
    widget = ClassList(model)
    on_screen(widget.native, 460, 400)
    assert widget.status.value == "Fit an image in Cluster pixels first."
    assert not widget.slider.isEnabled()
    for button in (widget.merge, widget.split, widget.recolor, widget.export):
        assert not button.enabled


def test_a_row_for_each_component_in_the_order_of_the_tree(widget, result, model):
    columns, rows = shown(widget)
    assert columns == ["name", "share", "pixels", "parts"]  # an area says no more
    order = merge_tree(result.clustering).order
    assert [row[0] for row in rows] == [f"class {label}" for label in order]
    counts = result.clustering.pixel_counts
    assert [int(row[2]) for row in rows] == [counts[label - 1] for label in order]
    swatch = widget.table_model.data(
        widget.table_model.index(0, 0), Qt.ItemDataRole.DecorationRole
    )
    expected = QColor.fromRgbF(*Classes.of(result.clustering).color(order[0]))
    for mode in (QIcon.Mode.Normal, QIcon.Mode.Selected):
        shown_as = swatch.pixmap(14, 14, mode).toImage()
        assert shown_as.pixelColor(3, 3).name() == expected.name()
    assert classes_layer(model) is None  # nothing was edited yet


def test_merge_split_and_one_undo(widget, result, model, choose, click, workspace):
    before = result.clustering.labels.copy()
    choose(2, 5)
    click(widget.merge)
    layer = classes_layer(model)
    merged = np.where(
        np.isin(before, [2, 5]), workspace.result.classes.leads[1], before
    )
    assert layer.data.dtype == np.uint8
    assert_array_equal(layer.data, merged)
    assert widget.status.value == "bands: 5 classes of 6 components."
    lead = workspace.result.classes.leads[1]
    assert widget.table.selected() == [lead]
    # The table is the layer's features, and says what the status bar shows.
    table = layer.features
    assert sorted(table["index"]) == sorted(set(merged.ravel()))
    pixels = dict(zip(table["index"], table["pixels"], strict=True))
    assert pixels == {label: np.sum(merged == label) for label in pixels}
    place = tuple(np.argwhere(merged == lead)[0])
    said = layer.get_status(place, world=False)
    assert f"name: class {lead}" in said["value"]
    # The layers of components stay what they are.
    assert_array_equal(model.layers["bands quantized"].data, before)
    click(widget.split)
    assert_array_equal(layer.data, before)
    assert classes_layer(model) is layer
    click(widget.undo)
    assert_array_equal(layer.data, merged)
    click(widget.undo)
    assert classes_layer(model) is None
    assert workspace.result.clustering is result.clustering  # the fit is not undone
    click(widget.redo)
    assert_array_equal(classes_layer(model).data, merged)
    assert workspace.result.clustering is result.clustering


def test_split_takes_the_last_merge_back_and_split_all_every_one(
    widget, result, model, choose, click, workspace
):
    tree = merge_tree(result.clustering)
    workspace.classes.cut(2)
    lead = max(
        workspace.result.classes.labels, key=lambda one: len(members(workspace, one))
    )
    cut = workspace.result.classes
    choose(lead)
    parts = tree.split(cut, lead)
    further = tree.split(parts, *(parts.leads[i - 1] for i in cut.members(lead)))
    for expected in (parts, further):
        click(widget.split)
        assert workspace.result.classes == expected
        assert {*widget.table.selected()} == {
            expected.leads[i - 1] for i in cut.members(lead)
        }
        layer = classes_layer(model)
        assert_array_equal(layer.data, expected.apply(result.clustering.labels))
    click(widget.undo)
    click(widget.undo)
    assert workspace.result.classes == cut
    widget.table.select_labels([lead])
    click(widget.split_all)
    assert workspace.result.classes == cut.split(lead)
    assert sorted(widget.table.selected()) == list(cut.members(lead))
    assert not widget.split.enabled
    assert not widget.split_all.enabled
    click(widget.undo)
    assert workspace.result.classes == cut


def members(workspace, label):
    return workspace.result.classes.members(label)


def test_without_a_tree_classes_only_fall_apart_at_once(
    widget, choose, click, workspace
):
    choose(2, 5)
    click(widget.merge)
    assert widget.split.enabled
    workspace.classes._facts.clear()  # as before it is found out
    workspace.classes.changed.emit()
    assert not widget.split.enabled
    click(widget.split_all)
    assert len(workspace.result.classes.labels) == 6


def test_undo_takes_back_edits_and_then_the_fit(
    widget, result, model, choose, click, workspace, fit, idle
):
    choose(1, 2)
    click(widget.merge)
    labels = classes_layer(model).data.copy()
    fit(model, n_components=3)
    assert classes_layer(model) is None
    assert workspace.status.text.endswith(
        ". The classes were reset, for there were 6 clusters before."
    )
    click(widget.undo)
    idle(model)
    assert_array_equal(classes_layer(model).data, labels)
    assert_array_equal(workspace.result.clustering.labels, result.clustering.labels)
    click(widget.undo)
    assert classes_layer(model) is None
    assert workspace.result.clustering.n_components == 6


def test_a_name_is_typed_into_the_table(widget, model, qtbot, workspace, said):
    place = widget.table.visualRect(widget.table_model.index(0, 0)).center()
    label = widget.table_model.label(0)

    def type_name(text):
        qtbot.mouseClick(widget.table.viewport(), LEFT, pos=place)
        qtbot.mouseDClick(widget.table.viewport(), LEFT, pos=place)
        [editor] = widget.table.viewport().findChildren(QLineEdit)
        editor.selectAll()
        if text:
            qtbot.keyClicks(editor, text)
        else:
            qtbot.keyClick(editor, Qt.Key.Key_Delete)
        qtbot.keyClick(editor, Qt.Key.Key_Return)
        qtbot.waitUntil(
            lambda: not widget.table.viewport().findChildren(QLineEdit), timeout=5000
        )

    type_name("sky")
    assert workspace.result.classes.name(label) == "sky"
    features = classes_layer(model).features.set_index("index")
    assert features.loc[label, "name"] == "sky"
    assert said() == []
    type_name("")
    sentence = "Expected a name of 1 to 200 characters, got ''."
    assert said() == [("error", sentence)]
    assert widget.status.value == sentence
    assert workspace.result.classes.name(label) == "sky"


def test_who_types_a_name_goes_on_while_something_is_found_out(
    widget, workspace, qtbot, choose
):
    choose(2, 4)
    table = widget.table
    table.edit(widget.table_model.index(0, 0))
    [editor] = table.viewport().findChildren(QLineEdit)
    editor.setText("sky")
    share = widget.table_model.index(0, 1)
    measured = workspace.classes.table()
    workspace.classes._table = measured.assign(share=0.125)
    workspace.classes.changed.emit()
    assert widget.table_model.data(share) == "12.5%"
    assert sorted(table.selected()) == [2, 4]
    assert [editor] == table.viewport().findChildren(QLineEdit)
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: "sky" in workspace.result.all_classes.names)


NOT_CLUSTERED = (
    "Expected a clustered image, but none was clustered yet; press Fit in Cluster "
    "pixels."
)


@pytest.mark.parametrize(
    "button", ["split", "split_all", "recolor", "hide_them", "export", "name"]
)
def test_the_image_gets_other_data_that_are_not_fitted(
    widget, model, choose, click, said, workspace, monkeypatch, button
):
    """Nothing is left to edit, which is said in a sentence."""
    choose(1, 2)
    click(widget.merge)
    before = workspace.result
    model.layers["bands"].data = model.layers["bands"].data[:20]
    if button == "name":
        widget.table_model.setData(widget.table_model.index(0, 0), "sky")
    else:
        click(getattr(widget, button))
    assert said() == [("error", NOT_CLUSTERED)]
    assert widget.status.value == NOT_CLUSTERED
    assert widget.table_model.rowCount() == 0
    assert not widget.split.enabled
    with pytest.raises(ValueError, match="Expected a clustered image, but none"):
        workspace.classes.set_quantile(0.1)
    assert workspace.result is before


@pytest.mark.parametrize(("k", "still"), [(2, False), (6, True)])
def test_a_fit_ends_while_a_color_is_chosen(
    widget, choose, click, said, workspace, idle, model, monkeypatch, k, still
):
    choose(5)

    def answer(*args):
        recipe = replace(workspace.recipe, n_components=k, covariance_type="diag")
        workspace.set_recipe(recipe)
        workspace.fit()
        idle(model)
        return QColor("#ff0000")

    monkeypatch.setattr(QColorDialog, "getColor", answer)
    click(widget.recolor)
    result = workspace.result
    assert result.clustering.recipe.covariance_type == "diag"
    assert result.all_classes.n_components == k
    if still:
        assert result.classes.color(5) == (1.0, 0.0, 0.0)
        assert said() == []
    else:
        sentence = "Expected a class among [1, 2], got 5."
        assert said() == [("error", sentence)]
        assert widget.status.value == sentence


def test_color_and_visibility(widget, model, choose, click, monkeypatch):
    chosen = QColor("#ff8000")
    monkeypatch.setattr(QColorDialog, "getColor", lambda *_: chosen)
    choose(3)
    click(widget.recolor)
    layer = classes_layer(model)
    red = layer.colormap.map(np.array([3], np.uint8))[0]
    np.testing.assert_allclose(red, [1, 128 / 255, 0, 1], atol=1e-3)
    click(widget.hide_them)
    assert layer.colormap.map(np.array([3], np.uint8))[0][3] == 0
    assert 3 in layer.data
    assert widget.status.value == "bands: 6 classes of 6 components, 1 hidden."
    click(widget.hide_them)
    assert layer.colormap.map(np.array([3], np.uint8))[0][3] == 1
    monkeypatch.setattr(QColorDialog, "getColor", lambda *_: QColor())
    click(widget.recolor)  # and the dialog was cancelled
    np.testing.assert_allclose(layer.colormap.map(np.array([3], np.uint8))[0], red)


def test_the_slider_cuts_the_tree_and_one_drag_is_one_undo(
    widget, result, model, qtbot, click
):
    clustering = result.clustering
    tree = merge_tree(clustering)
    assert (widget.slider.minimum(), widget.slider.maximum()) == (1, 6)
    drag(qtbot, widget.slider, 5, 4, 3)
    layer = classes_layer(model)
    expected = tree.cut(Classes.of(clustering), 3).apply(clustering.labels)
    assert_array_equal(layer.data, expected)
    drag(qtbot, widget.slider, 2, 1)
    assert_array_equal(
        np.unique(layer.data), [tree.cut(Classes.of(clustering), 1).leads[0]]
    )
    click(widget.undo)
    assert_array_equal(layer.data, expected)
    assert widget.slider.value() == 3
    click(widget.undo)
    assert classes_layer(model) is None
    assert widget.slider.value() == 6


def test_means_and_deviations_on_demand_and_the_csv(
    widget, result, model, choose, click, idle, monkeypatch, tmp_path, workspace
):
    click(widget.details)
    idle(model)
    columns, _ = shown(widget)
    assert columns[4:] == [
        f"{moment} {name}" for name in "RGBXY" for moment in ("mean", "std")
    ]
    choose(1, 4)
    click(widget.merge)
    path = tmp_path / "table.csv"
    monkeypatch.setattr(QFileDialog, "exec", lambda _: True)
    monkeypatch.setattr(QFileDialog, "selectedFiles", lambda _: [str(path)])
    click(widget.export)
    assert widget.status.value == "The table was saved to table.csv."
    found = pd.read_csv(path).sort_values("label").reset_index(drop=True)
    expected = class_table(result.clustering, workspace.result.classes)
    pd.testing.assert_frame_equal(found, expected, rtol=1e-4)
    click(widget.details)
    assert len(shown(widget)[0]) == 4


@pytest.fixture
def unmeasured(model, on_screen, workspace, monkeypatch):
    """The widget just after a fit, and how to let it be measured what it asks for."""
    found, opened = class_facts._moments, Event()

    def wait(*args):
        assert opened.wait(60)
        return found(*args)

    monkeypatch.setattr(class_facts, "_moments", wait)
    widget = ClassList(model)
    on_screen(widget.native, 460, 400)
    workspace.set_recipe(replace(workspace.recipe, n_components=3))
    yield widget, opened.set
    opened.set()


def fit_alone(workspace, qtbot):
    workspace.fit()
    qtbot.waitUntil(lambda: workspace.result is not None, timeout=60_000)


def test_the_export_waits_for_means_and_has_all_columns(
    unmeasured, model, workspace, qtbot, idle, tmp_path, said
):
    widget, go_on = unmeasured
    fit_alone(workspace, qtbot)
    path = tmp_path / "table.csv"
    widget.save_table(path)
    assert widget.status.value == "Measuring every feature for table.csv..."
    assert not path.exists()
    go_on()
    idle(model)
    assert widget.status.value == "The table was saved to table.csv."
    clustering = workspace.result.clustering
    expected = class_table(clustering, Classes.of(clustering))
    pd.testing.assert_frame_equal(
        pd.read_csv(path).sort_values("label").reset_index(drop=True), expected
    )
    assert len(shown(widget)[0]) == 4  # what is shown stays as it is
    # Of a class that was made of them at once, for its parts are known.
    workspace.classes.edit(workspace.result.all_classes.merge(1, 2))
    widget.save_table(path)
    assert len(pd.read_csv(path)) == 2
    assert said() == []


def test_the_export_ends_with_its_fit(
    unmeasured, model, workspace, qtbot, idle, tmp_path
):
    widget, go_on = unmeasured
    fit_alone(workspace, qtbot)
    widget.save_table(tmp_path / "table.csv")
    before = workspace.result
    workspace.fit()
    qtbot.waitUntil(lambda: workspace.result is not before, timeout=60_000)
    assert widget.status.value == (
        "The table was not saved to table.csv, for there was another fit before it was "
        "measured; export it again."
    )
    go_on()
    idle(model)
    assert not (tmp_path / "table.csv").exists()


def test_what_cannot_be_measured_is_told_to_who_exports(
    widget, result, model, workspace, idle, monkeypatch, tmp_path, said, fit
):
    def fail(*_):
        raise MemoryError("Expected room for 9 pixels, got none; close something.")

    monkeypatch.setattr(class_facts, "_moments", fail)
    fit(model, n_components=3)
    assert said() == []  # nobody asked
    assert widget.slider.isEnabled()  # and nothing else failed with it
    widget.save_table(tmp_path / "table.csv")
    idle(model)
    sentence = "Expected room for 9 pixels, got none; close something."
    assert widget.status.value == sentence
    assert said() == [("error", sentence)]
    assert not (tmp_path / "table.csv").exists()


def test_the_table_is_the_features_of_the_labels_layers(
    model, picture, workspace, fit, idle, qtbot
):
    result = fit(model, n_components=3)
    quantized = model.layers["bands quantized"]
    for name in ("bands quantized", "bands random colors"):
        table = model.layers[name].features
        expected = class_table(result.clustering, Classes.of(result.clustering))
        for column in expected.columns[3:]:
            np.testing.assert_allclose(table[column], expected[column])
    said = quantized.get_status((3, 20), world=False)["value"]
    red = picture[result.clustering.labels == 1][:, 0].mean()
    assert said.startswith("1; weight: 0.45, share: 0.45, color: #28b43c, pixels: 576")
    assert f"mean R: {red:.3g}, std R: " in said
    # Also of classes, where the least likely pixels are in none.
    workspace.classes.edit(workspace.result.all_classes.merge(1, 3).rename(1, "land"))
    table = classes_layer(model).features
    assert table["name"].tolist() == ["land", "class 2"]
    assert table["share"].tolist() == pytest.approx([0.65, 0.35])
    assert table["weight"].tolist() == pytest.approx([0.65, 0.35], abs=1e-3)
    assert table["color"].tolist() == ["#28b43c", "#1428dc"]
    land = picture[result.clustering.labels != 2]
    assert table["std G"].tolist()[0] == pytest.approx(land[:, 1].std(), rel=1e-5)
    workspace.classes.set_quantile(0.1)
    idle(model)
    table = classes_layer(model).features
    assert table["index"].tolist() == [1, 2, 4]
    likely = classes_layer(model).data == 2
    assert table["mean B"].tolist()[1] == pytest.approx(picture[likely][:, 2].mean())
    assert quantized.features["mean B"].tolist()[1] == pytest.approx(
        picture[result.clustering.labels == 2][:, 2].mean()
    )
    # Another look at the same fit keeps them.
    workspace.labels.reshuffle()
    assert "mean R" in quantized.features


def test_live_fits_do_without_means_until_they_rest(
    model, workspace, fit, idle, monkeypatch
):
    fit(model, n_components=3)
    layer, asked, seen = model.layers["bands quantized"], [], []
    found = class_facts._moments
    monkeypatch.setattr(
        class_facts, "_moments", lambda *a: asked.append(a) or found(*a)
    )
    assert list(layer.features)[-1] == "std B"
    workspace.result_changed.connect(
        lambda _: seen.append((list(layer.features)[-1], len(asked)))
    )
    workspace.set_live(True)
    workspace.set_recipe(replace(workspace.recipe, covariance_type="tied"))
    idle(model)
    assert seen == [("area (pixel^2)", 0)]
    assert list(layer.features)[-1] == "std B"
    assert len(asked) == 1


def test_a_table_that_cannot_be_written_is_one_sentence(widget, tmp_path, said):
    (tmp_path / "folder").mkdir()
    widget.save_table(tmp_path / "folder")
    sentence = (
        "Expected a file that can be written, got folder: Is a directory; choose "
        "another place."
    )
    assert said() == [("error", sentence)]
    assert widget.status.value == sentence


def test_areas_are_in_the_units_of_the_layer(widget, result, model, choose, click):
    image = model.layers["bands"]
    image.scale, image.units = (0.5, 2.0), ("um", "um")
    choose(1)
    click(widget.hide_them)
    features = classes_layer(model).features
    area = features.set_index("index")["area (micrometer^2)"]
    assert area[1] == pytest.approx(result.clustering.pixel_counts[0])
    columns, rows = shown(widget)
    assert columns == ["name", "share", "pixels", "µm²", "parts"]
    assert {row[2] for row in rows} == {row[3] for row in rows}
    table = widget.table_model
    horizontal, tip = Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole
    assert table.headerData(3, horizontal, tip) == "area (micrometer^2)"
    assert table.headerData(4, horizontal, tip) == "How many components the class has."
    assert_array_equal(classes_layer(model).scale, image.scale)


@pytest.mark.parametrize("width", [290, 460, 800])
def test_the_table_is_as_wide_as_its_place(
    widget, result, model, width, qtbot, workspace
):
    name = "a name that is longer than all places that there are for names"
    workspace.classes.edit(result.all_classes.rename(1, name))
    table = widget.table
    table.setFixedWidth(width)

    def fits():
        ends = table.columnViewportPosition(3) + table.columnWidth(3)
        assert table.viewport().width() == ends

    qtbot.waitUntil(fits)
    rows = range(table.model().rowCount())
    row = next(r for r in rows if widget.table_model.label(r) == 1)
    tip = Qt.ItemDataRole.ToolTipRole
    assert table.model().data(table.model().index(row, 0), tip) == name


def test_classes_survive_a_live_refit(
    widget, result, model, choose, click, idle, workspace
):
    choose(1, 2)
    click(widget.merge)
    choose(3)
    workspace.classes.edit(workspace.result.classes.rename(3, "sea"))
    workspace.set_live(True)
    recipe = workspace.recipe
    workspace.set_recipe(replace(recipe, covariance_type="diag"))
    idle(model)
    found = workspace.result
    assert found.clustering.recipe.covariance_type == "diag"
    assert found.classes.name(3) == "sea"
    assert found.classes.leads[0] == found.classes.leads[1]
    assert found.classes.color(3) == Classes.of(found.clustering).color(3)
    layer = classes_layer(model)
    assert_array_equal(layer.data, found.classes.apply(found.clustering.labels))
    # Fit keeps them too, and with them the numbers of the components.
    workspace.fit()
    idle(model)
    assert workspace.result.classes.name(3) == "sea"
    assert np.mean(workspace.result.clustering.labels == found.clustering.labels) > 0.9
    workspace.set_recipe(replace(workspace.recipe, n_components=5))
    idle(model)
    assert workspace.result.classes is None
    assert classes_layer(model) is None


def test_the_layers_carry_the_model(
    widget, result, model, choose, click, qtbot, picture
):
    text = model.layers["bands quantized"].metadata[METADATA_KEY]["model"]
    assert_array_equal(
        Model.from_json(text).apply(picture).labels, result.clustering.labels
    )
    choose(1, 2)
    click(widget.merge)
    layer = classes_layer(model)
    qtbot.waitUntil(lambda: "model" in layer.metadata[METADATA_KEY])
    for name in ("bands classes", "bands quantized", "bands random colors"):
        text = model.layers[name].metadata[METADATA_KEY]["model"]
        found = Model.from_json(text)
        assert_array_equal(found.apply(picture).labels, layer.data)
        assert_array_equal(found.replay(picture).labels, result.clustering.labels)


def test_every_layer_of_a_result_carries_the_model(
    widget, result, model, workspace, idle, qtbot, picture, fit
):
    def note(name):
        return model.layers[name].metadata[METADATA_KEY]

    def texts():
        ours = [x for x in model.layers if "fit" in x.metadata.get(METADATA_KEY, {})]
        return {x.name: note(x.name).get("model") for x in ours}

    workspace.set_segments(on=True, min_size=20, contrast=2.0)
    workspace.maps.show("entropy")
    workspace.cloud.show()
    idle(model)
    workspace.classes.edit(result.all_classes.merge(1, 3))
    names = ("quantized", "random colors", "classes", "segments", "entropy")
    names = {f"bands {name}" for name in (*names, "color cloud")}
    assert texts().keys() == names
    qtbot.waitUntil(lambda: None not in texts().values())
    qtbot.waitUntil(lambda: len(set(texts().values())) == 1)
    found = Model.from_json(note("bands entropy")["model"])
    assert found.classes == workspace.result.classes
    assert found.regions == note("bands segments")["regions"]
    applied = found.apply(picture)
    assert_array_equal(applied.labels, model.layers["bands classes"].data)
    assert_array_equal(applied.segments, model.layers["bands segments"].data)
    # What stays of an earlier fit keeps its own.
    model.layers["bands entropy"].visible = False
    fit(model, n_components=3)
    new = Model.of(workspace.result.clustering, regions=found.regions).to_json()
    kept = "bands entropy (earlier fit)"
    qtbot.waitUntil(lambda: {*texts().values()} == {new, found.to_json()})
    assert [name for name, text in texts().items() if text != new] == [kept]
    workspace.cloud.leave()


def test_a_live_fit_writes_no_model_before_it_rests(
    result, model, workspace, idle, monkeypatch
):
    written = []
    monkeypatch.setattr(model_notes, "note_model", lambda *a: written.append(a))
    workspace.set_live(True)
    workspace.set_recipe(replace(workspace.recipe, covariance_type="tied"))
    idle(model)
    assert workspace.result.clustering.recipe.covariance_type == "tied"
    assert written == []
    assert "model" not in model.layers["bands quantized"].metadata[METADATA_KEY]


def test_in_a_window(viewer, picture, open_widget, fit, qtbot):
    viewer.add_image(picture, name="bands")
    fit(viewer, n_components=4)
    widget = open_widget(viewer, "Classes")
    qtbot.waitUntil(widget.slider.isEnabled)
    widget.slider.setValue(2)
    layer = viewer.layers["bands classes"]
    assert len(np.unique(layer.data)) == 2
    viewer.layers.remove(layer)  # by hand: it comes back with the next edit
    widget.slider.setValue(3)
    assert len(np.unique(viewer.layers["bands classes"].data)) == 3
    viewer.layers.remove("bands")
    assert widget.status.value == "Fit an image in Cluster pixels first."


def test_the_least_likely_pixels_are_none_of_the_classes(
    widget, result, model, workspace, idle
):
    workspace.classes.set_quantile(0.1)
    idle(model)
    certainty = Certainty(result.clustering)
    expected = certainty.labels(certainty.threshold(0.1))
    layer = classes_layer(model)
    assert_array_equal(layer.data, expected)
    _, rows = shown(widget)
    assert rows[-1][0] == "none of these"
    none = result.clustering.n_components + 1
    assert int(rows[-1][2]) == np.sum(expected == none) > 0
    assert layer.colormap.map(np.array([0], np.uint8))[0][3] == 0
    assert_allclose(layer.colormap.map(np.array([none], np.uint8))[0], (*GRAY, 1))
    assert layer.features["index"].tolist()[-1] == none
    assert widget.status.value == (
        "bands: 7 classes, 6 of 6 components and 'none of these'."
    )


def test_none_of_these_is_renamed_recolored_and_hidden_as_a_class(
    widget, result, model, workspace, idle, click, monkeypatch
):
    workspace.classes.set_quantile(0.1)
    idle(model)
    none = result.clustering.n_components + 1
    table, layer = widget.table_model, classes_layer(model)
    index = table.index(table.rowCount() - 1, 0)
    assert table.setData(index, "dirt")
    widget.table.select_labels([none])
    click(widget.hide_them)
    assert layer.colormap.map(np.array([none], np.uint8))[0][3] == 0
    assert widget.status.value.endswith(", 1 hidden.")
    click(widget.hide_them)
    red = lambda *_: QColor(255, 0, 0)  # noqa: E731
    monkeypatch.setattr(QColorDialog, "getColor", red)
    click(widget.recolor)
    assert_allclose(layer.colormap.map(np.array([none], np.uint8))[0], (1, 0, 0, 1))
    widget.table.select_labels([1, none])
    assert not widget.merge.enabled
    assert not widget.split.enabled
    widget.table.select_labels([1, 2, none])
    click(widget.merge)
    assert workspace.result.classes.leads[:2] in ((1, 1), (2, 2))
    idle(model)
    _, rows = shown(widget)
    assert rows[-1][0] == "dirt"
    assert widget.status.value == "bands: 6 classes, 5 of 6 components and 'dirt'."
    workspace.undo()
    workspace.undo()
    assert_allclose(layer.colormap.map(np.array([none], np.uint8))[0], (*GRAY, 1))
