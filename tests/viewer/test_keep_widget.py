"""Keep and apply: Python lines, files, another layer, a folder."""

import json
import threading

import imageio.v3 as imageio
import numpy as np
import pandas as pd
import pytest
import tifffile
from numpy.testing import assert_array_equal
from qtpy.QtCore import QTimer
from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import QApplication, QFileDialog, QLineEdit, QMessageBox

from napari_pixel_mixtures import Model
from napari_pixel_mixtures.folder import apply_to_folder
from napari_pixel_mixtures.viewer import model_keeper
from napari_pixel_mixtures.viewer.keep_widget import KeepAndApply
from napari_pixel_mixtures.viewer.workspace import workspace_of


@pytest.fixture
def workspace(model):
    return workspace_of(model)


@pytest.fixture
def result(fit, model, workspace, idle):
    """A fit with classes and a threshold."""
    result = fit(model, n_components=5, position=True, smoothing=1.0)
    classes = result.all_classes.merge(1, 2).rename(1, "sky").hide(4)
    workspace.classes.edit(classes)
    workspace.classes.set_quantile(0.05)
    idle(model)
    return workspace.result


@pytest.fixture
def widget(model, on_screen):
    widget = KeepAndApply(model)
    on_screen(widget.native, 460, 250)
    return widget


@pytest.fixture
def answer(monkeypatch):
    """Answer file dialogs with a path."""

    def give(path):
        monkeypatch.setattr(QFileDialog, "exec", lambda _: True)
        monkeypatch.setattr(QFileDialog, "selectedFiles", lambda _: [str(path)])
        monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
        monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(path))

    return give


def labels_of(model, name="bands"):
    return model.layers[f"{name} classes"].data


def test_before_a_fit_only_load_can_be_pressed(widget):
    assert widget.image.native.placeholderText() == "no other image is open"
    assert widget.load.enabled
    for button in (widget.copy, widget.save, widget.apply, widget.folder):
        assert not button.enabled


@pytest.mark.parametrize("multiscale", [False, True], ids=["plain", "multiscale"])
def test_the_lines_give_identical_labels_and_segments(
    widget, model, click, result, fit, picture, multiscale, workspace, idle
):
    if multiscale:
        model.layers.clear()
        model.add_image(
            [picture, picture[::2, ::2]], name='it\'s "two"', multiscale=True
        )
        fit(model, n_components=4)
    workspace.set_segments(on=True, min_size=20, contrast=2.5)
    idle(model)
    click(widget.copy)
    text = QGuiApplication.clipboard().text()
    n = len(text.splitlines())
    assert widget.status.value == (
        f"{n} lines are on the clipboard; they give these labels in the console."
    )
    found = {"viewer": model}
    exec(text, found)
    name = 'it\'s "two" quantized' if multiscale else "bands classes"
    assert_array_equal(found["labels"], model.layers[name].data)
    assert found["labels"].dtype == np.uint8
    segments = model.layers[f"{name.rpartition(' ')[0]} segments"]
    assert_array_equal(found["segments"], segments.data)
    workspace.set_segments(on=False)
    click(widget.copy)
    assert "segments" not in QGuiApplication.clipboard().text()


def test_segments_come_back_with_a_model(
    widget, model, click, result, answer, tmp_path, idle, workspace
):
    workspace.set_segments(on=True, min_size=20, contrast=2.5)
    answer(tmp_path / "model.json")
    click(widget.save)
    idle(model)
    expected = model.layers["bands segments"].data.copy()
    workspace.set_segments(on=False, min_size=400, contrast=0.0)
    click(widget.load)
    idle(model)
    assert workspace.segments.settings.wanted == {"min_size": 20, "contrast": 2.5}
    assert_array_equal(model.layers["bands segments"].data, expected)
    workspace.set_segments(on=False)
    click(widget.save)
    workspace.set_segments(on=True)
    idle(model)
    click(widget.load)
    idle(model)
    assert not workspace.segments.settings.on
    assert "bands segments" not in model.layers


def test_save_and_load(widget, model, click, result, answer, tmp_path, idle, workspace):
    answer(tmp_path / "model.json")
    click(widget.save)
    assert widget.status.value == "The model was saved to model.json."
    expected = labels_of(model).copy()
    saved = Model.load(tmp_path / "model.json")
    assert saved.classes == result.classes
    assert saved.threshold == result.threshold
    model.layers.clear()
    image = model.add_image(
        result.clustering.picture.values[:, ::-1].copy(), name="mirrored"
    )
    workspace.set_recipe(type(workspace.recipe)())
    click(widget.load)
    idle(model)
    assert workspace.recipe == saved.recipe
    assert workspace.result.classes == saved.classes
    assert workspace.result.quantile > 0
    assert_array_equal(labels_of(model, "mirrored"), saved.apply(image.data).labels)
    assert widget.status.value == (
        "mirrored was labeled by the model: 5 classes with 'none of these'; nothing "
        "was fitted."
    )
    assert labels_of(model, "mirrored").shape == expected.shape
    click(widget.copy)
    assert widget.status.value == (
        "Expected a clustering that was fitted to its picture, got one that was made "
        "by a model; save the model, and use Model.load(path).apply(image)."
    )


def test_a_missing_suffix_is_added_and_a_file_is_not_overwritten_unasked(
    widget, click, result, tmp_path
):
    typed, asked = [], []

    def drive():
        """Type a name without a suffix, do not overwrite, and give up."""
        dialog = QApplication.activeModalWidget()
        if isinstance(dialog, QMessageBox):
            asked.append(dialog.text())
            dialog.button(QMessageBox.StandardButton.No).click()
        elif isinstance(dialog, QFileDialog) and asked:
            dialog.reject()
        elif isinstance(dialog, QFileDialog) and not typed:
            line = dialog.findChild(QLineEdit)
            typed.append(line.text())
            line.setText(str(tmp_path / "mine"))
            QTimer.singleShot(0, dialog.accept)

    timer = QTimer(widget.native)
    timer.timeout.connect(drive)
    timer.start(20)
    click(widget.save)
    assert widget.status.value == "The model was saved to mine.json."
    assert typed == ["bands model.json"] and asked == []
    (tmp_path / "mine.json").write_text("precious")
    typed.clear()
    click(widget.save)
    timer.stop()
    assert len(asked) == 1 and asked[0].startswith("mine.json already exists.")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.json"]
    assert (tmp_path / "mine.json").read_text() == "precious"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "Expected a file that can be read or written, got No such file"),
        ("no JSON", "Expected a model in JSON, got text that is not JSON: "),
        ('{"format": 3}', "Expected a model with the format "),
    ],
)
def test_files_that_are_no_models_are_one_sentence(
    widget, model, click, answer, tmp_path, said, content, sentence
):
    path = tmp_path / "model.json"
    if content is not None:
        path.write_text(content)
    answer(path)
    before = list(model.layers)
    click(widget.load)
    assert widget.status.value.startswith(sentence)
    assert said() == [("error", widget.status.value)]
    assert list(model.layers) == before


def test_apply_to_another_layer(widget, model, click, result, idle, workspace, picture):
    other = model.add_image(255 - picture, name="negative")
    assert widget.image.choices == (other,)
    workspace.set_image(model.layers["bands"])
    click(widget.apply)
    idle(model)
    expected = Model.of(result.clustering, result.classes, result.threshold)
    assert_array_equal(
        labels_of(model, "negative"), expected.apply(255 - picture).labels
    )
    assert workspace.image is other
    assert widget.image.choices == (model.layers["bands"],)
    workspace.undo()
    assert workspace.image is model.layers["bands"]


def test_a_threshold_that_no_pixel_is_below_is_kept(
    widget, model, click, result, idle, workspace
):
    model.add_image(result.clustering.quantized(), name="likely")
    workspace.set_image(model.layers["bands"])
    click(widget.apply)
    idle(model)
    assert workspace.result.quantile == 0
    assert workspace.keeper.model().threshold == result.threshold
    # The class of what is none of these is there, with nothing in it.
    assert widget.status.value.endswith(
        "5 classes with 'none of these'; nothing was fitted."
    )
    last = workspace.classes.table().iloc[-1]
    assert (last["label"], last["name"], last["pixels"]) == (6, "none of these", 0)
    assert model.layers["likely classes"].features["index"].iloc[-1] == 6


def test_an_image_of_another_kind_is_refused(
    widget, model, click, result, idle, workspace, said
):
    model.add_image(np.zeros((40, 50)), name="gray")
    bands = model.layers["bands"]
    workspace.set_image(bands)
    click(widget.apply)
    idle(model)
    assert widget.status.value == (
        "Expected an image with the channels R, G, B of the model, got gray; choose an "
        "image of the same kind."
    )
    assert said() == [("error", widget.status.value)]
    assert workspace.image is bands
    assert workspace.result is result
    assert "gray classes" not in model.layers


def test_a_model_of_two_layers_is_applied_to_two_others(
    widget, model, click, fit, idle, workspace, picture
):
    names = ("red", "green", "red 2", "green 2")
    shown = (picture[..., 0], picture[..., 1], *np.moveaxis(255 - picture, -1, 0)[:2])
    layers = [
        model.add_image(values, name=name)
        for values, name in zip(shown, names, strict=True)
    ]
    for pair in (layers[:2], layers[2:]):
        model.layers.selection = set(pair)
        if pair[0] is layers[0]:
            result = fit(model, n_components=3)
    others = tuple(layers[2:])
    assert widget.image.get_choice("2 channels: red 2, green 2") == others
    assert widget.image.choices == (model.layers["bands"], *layers, others)
    widget.image.value = others
    click(widget.apply)
    idle(model)
    expected = Model.of(result.clustering, result.all_classes)
    values = (255 - picture)[..., :2]
    assert_array_equal(
        model.layers["red 2 quantized"].data, expected.apply(values).labels
    )
    assert workspace.result.source.layers == others
    # One that does not work leaves the two.
    widget.image.value = layers[0]
    click(widget.apply)
    idle(model)
    assert widget.status.value == (
        "Expected an image with the channels red 2, green 2 of the model, got gray; "
        "choose an image of the same kind."
    )
    assert workspace.choice.layers == others


@pytest.fixture
def folder(tmp_path, picture):
    folder = tmp_path / "images"
    folder.mkdir()
    imageio.imwrite(folder / "a.png", picture)
    tifffile.imwrite(folder / "b.tif", picture[:20])
    imageio.imwrite(folder / "c.png", picture[..., 0])
    return folder


def test_apply_to_a_folder(widget, model, click, result, answer, folder, idle):
    answer(folder)
    click(widget.folder)
    idle(model)
    output = folder / "classes"
    assert widget.status.value.startswith("3 images: 2 labeled, 1 skipped (c.png: ")
    assert widget.status.value.endswith(
        f"labels and tables are in {output}, all tables in tables.csv."
    )
    assert_array_equal(tifffile.imread(output / "a.png.labels.tif"), labels_of(model))
    table = pd.read_csv(output / "tables.csv")
    assert set(table["image"]) == {"a.png", "b.tif"}
    assert widget.progress.value == 0
    # Again: all is kept.
    click(widget.folder)
    idle(model)
    assert "2 kept from an earlier run, 1 skipped" in widget.status.value


@pytest.mark.parametrize(
    ("min_size", "contrast", "end"),
    [
        (
            30,
            2.5,
            " In the segments pieces of fewer than 30 pixels were dealt out to their "
            "neighbors, and neighbors below a contrast of 2.5 were merged.",
        ),
        (1, 4.0, " In the segments neighbors below a contrast of 4 were merged."),
        (1, 0.0, ""),
    ],
)
def test_the_summary_of_a_folder_tells_of_segments(
    widget,
    model,
    click,
    workspace,
    answer,
    folder,
    idle,
    result,
    min_size,
    contrast,
    end,
):
    workspace.set_segments(on=True, min_size=min_size, contrast=contrast)
    idle(model)
    answer(folder)
    click(widget.folder)
    idle(model)
    output = folder / "classes"
    made = f"labels, segments and tables are in {output}, all tables in tables.csv."
    assert widget.status.value.endswith(f"; {made}{end}")
    assert_array_equal(
        tifffile.imread(output / "a.png.segments.tif"),
        model.layers["bands segments"].data,
    )


def test_a_run_that_was_cancelled_goes_on(
    widget, model, click, result, answer, folder, idle, qtbot, monkeypatch, tmp_path
):
    go, steps = threading.Event(), model_keeper.folder_steps

    def held(*args, **settings):
        inner = steps(*args, **settings)
        step = next(inner)
        while not go.is_set():  # steps that come too fast are not told
            yield step
            go.wait(0.02)
        return (yield from inner)

    monkeypatch.setattr(model_keeper, "folder_steps", held)
    answer(folder)
    click(widget.folder)
    qtbot.waitUntil(lambda: "1 of 3, a.png" in widget.status.value)
    assert widget.progress.value == 333
    click(widget.cancel)
    go.set()
    assert widget.status.value == (
        "Stopped; the same folder and model go on where it stopped."
    )
    monkeypatch.setattr(model_keeper, "folder_steps", steps)
    click(widget.folder)
    idle(model)
    assert "1 labeled, 1 kept from an earlier run, 1 skipped" in widget.status.value
    # What the run made is what one without a stop makes.
    found = Model.of(result.clustering, result.classes, result.threshold)
    apply_to_folder(found, folder, tmp_path / "alone", scale=(1.0, 1.0))
    for path in (tmp_path / "alone").iterdir():
        same = (folder / "classes" / path.name).read_bytes()
        if path.name == "manifest.json":
            assert json.loads(same) == json.loads(path.read_bytes())
        else:
            assert same == path.read_bytes()


def test_a_folder_without_images_is_one_sentence(
    widget, click, result, answer, tmp_path, said, idle, model
):
    answer(tmp_path)
    click(widget.folder)
    idle(model)
    assert widget.status.value.startswith("Expected a folder with images (")
    assert said() == [("error", widget.status.value)]


@pytest.fixture
def others(model, workspace, picture):
    """Two other images, and "bands" is chosen."""
    small = model.add_image(picture[:20, :30].copy(), name="small", rgb=True)
    third = model.add_image(picture.copy(), name="third")
    workspace.set_image(model.layers["bands"])
    return small, third


def test_what_cannot_be_applied_leaves_the_image_chosen(
    model, workspace, fit, others, said, widget, click
):
    labels = np.zeros((32, 40), int)
    labels[5:20] = 1
    fit(model, n_components=3)
    workspace.set_mask(model.add_labels(labels, name="mask"))
    widget.image.value = others[0]
    click(widget.apply)
    sentence = (
        "Expected a mask over the pixels of 'small', of shape (20, 30), got 'mask' of "
        "another shape or place; make a layer over the image."
    )
    assert widget.status.value == sentence
    assert said() == [("error", sentence)]
    assert workspace.image is model.layers["bands"]


def test_a_cancelled_job_gives_the_choice_of_image_back(
    model, workspace, fit, others, idle, tmp_path, said
):
    keeper = workspace.keeper
    fit(model, n_components=3)
    keeper.apply(keeper.model(), others[0])
    assert workspace.image is others[0]
    keeper.cancel()
    assert workspace.image is model.layers["bands"]
    # What another job does has nothing to do with it.
    keeper.apply(keeper.model(), others[0])
    workspace.set_image(others[1])
    keeper.apply_to_folder(tmp_path / "none")
    idle(model)
    assert [severity for severity, _ in said()] == ["error"]
    assert workspace.image is others[1]


def test_an_image_that_is_gone_is_not_chosen_again(model, workspace, fit, others):
    keeper = workspace.keeper
    fit(model, n_components=3)
    keeper.apply(keeper.model(), others[1])
    model.layers.remove("bands")
    keeper.cancel()
    assert workspace.image is others[1]
