"""apply_to_folder: the labels of each image alone; a stopped run goes on."""

import imageio.v3 as imageio
import numpy as np
import pandas as pd
import pytest
import tifffile

from cases import china
from napari_pixel_mixtures import (
    Blur,
    Classes,
    Color,
    Companion,
    Lab,
    Model,
    Picture,
    Position,
    apply_to_folder,
    cluster,
)
from napari_pixel_mixtures import folder as folder_module
from napari_pixel_mixtures.files import write_whole
from napari_pixel_mixtures.folder import folder_steps

PICTURE = china()[::8, ::8]
CLUSTERING = cluster(PICTURE, 4, features=[Color(), Position()], max_iter=500)
MODEL = Model.of(CLUSTERING, Classes.of(CLUSTERING).merge(1, 3).rename(1, "sky, blue"))
IMAGES = {
    "a.png": PICTURE,
    "b.tif": PICTURE[:30],
    "c.npy": PICTURE[:, ::-1],
    "d.PNG": 255 - PICTURE,
}


SETTINGS = {"min_size": 20, "contrast": 2.5}


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "images"
    (folder / "inner").mkdir(parents=True)
    for name, image in IMAGES.items():
        if name.endswith(".npy"):
            np.save(folder / name, image)
        elif name.endswith(".tif"):
            tifffile.imwrite(folder / name, image)
        else:
            imageio.imwrite(folder / name, image)
    (folder / "notes.txt").write_text("no image")
    return folder


def test_segments_are_written_if_the_model_wants_them(folder, tmp_path):
    output = tmp_path / "labels"
    apply_to_folder(MODEL, folder, output)
    assert not list(output.glob("*.segments.tif"))
    model = Model.of(CLUSTERING, MODEL.classes, regions=SETTINGS)
    steps = apply_to_folder(model, folder, output)
    assert {step.outcome for step in steps} == {"labeled"}  # another model
    for name, image in IMAGES.items():
        found = tifffile.imread(output / f"{name}.segments.tif")
        expected = model.apply(image).clustering.regions(**SETTINGS)
        assert found.dtype == np.int32
        assert np.array_equal(found, expected)
    (output / "b.tif.segments.tif").unlink()
    steps = apply_to_folder(model, folder, output)
    assert [s.path.name for s in steps if s.outcome == "labeled"] == ["b.tif"]


@pytest.mark.parametrize("dtype", [np.uint16, np.int16, np.int32, np.uint64])
@pytest.mark.parametrize("fitted", ["dark", "bright"])
def test_what_is_white_is_that_of_the_model(tmp_path, dtype, fitted):
    """A pixel has one label in every picture, however bright others in it are."""
    images = {"dark": PICTURE.astype(dtype), "bright": PICTURE.astype(dtype)}
    images["bright"][:4, :5] = 300  # beyond 8 bits
    clustering = cluster(images[fitted], 4, features=[Lab()], max_iter=500)
    model = Model.from_json(Model.of(clustering).to_json())
    folder = tmp_path / "images"
    folder.mkdir()
    for name, image in images.items():
        tifffile.imwrite(folder / f"{name}.tif", image, photometric="rgb")
    apply_to_folder(model, folder, tmp_path / "out")
    dark, bright = (
        tifffile.imread(tmp_path / "out" / f"{name}.tif.labels.tif") for name in images
    )
    same = (images["dark"] == images["bright"]).all(axis=-1)
    assert np.array_equal(dark[same], bright[same])
    assert len(np.unique(dark)) == 4
    for name, labels in (("dark", dark), ("bright", bright)):
        assert np.array_equal(model.apply(images[name]).labels, labels)
    own = {"dark": dark, "bright": bright}[fitted]
    assert np.array_equal(own, clustering.labels)
    assert np.array_equal(own, model.replay(images[fitted]).labels)


def contents(folder):
    """Give the bytes of every file but the manifest, which holds times."""
    return {
        path.name: path.read_bytes()
        for path in folder.iterdir()
        if path.name != "manifest.json"
    }


def test_each_image_gets_the_labels_that_it_gets_alone(folder, tmp_path):
    told = []
    steps = apply_to_folder(
        MODEL, folder, tmp_path / "out", scale=(2, 2), unit="um", callback=told.append
    )
    assert tuple(told) == steps
    assert [(s.number, s.total, s.path.name) for s in steps] == [
        (i, 4, name) for i, name in enumerate(IMAGES, start=1)
    ]
    assert {step.outcome for step in steps} == {"labeled"}
    tables = []
    for name, image in IMAGES.items():
        labels = tifffile.imread(tmp_path / "out" / f"{name}.labels.tif")
        assert labels.dtype == np.uint8
        alone = MODEL.apply(image)
        assert np.array_equal(labels, alone.labels)
        table = pd.read_csv(tmp_path / "out" / f"{name}.csv")
        pd.testing.assert_frame_equal(table, alone.table((2, 2), "um"))
        tables.append(table.assign(image=name))
    a = tifffile.imread(tmp_path / "out" / "a.png.labels.tif")
    assert np.array_equal(a, MODEL.classes.apply(CLUSTERING.labels))
    together = pd.read_csv(tmp_path / "out" / "tables.csv")
    assert [*together.columns] == ["image", *tables[0].columns[:-1]]
    pd.testing.assert_frame_equal(
        together, pd.concat(tables, ignore_index=True)[together.columns]
    )


def test_images_that_cannot_be_read_are_told_and_skipped(folder, tmp_path):
    (folder / "b1.png").write_bytes(b"\x89PNG\r\n\x1a\n not")
    (folder / "b2.tif").write_bytes(b"II*\0")
    (folder / "b3.jpg").write_bytes(b"")
    np.save(folder / "b4.npy", np.array([{"an": "object"}]), allow_pickle=True)
    imageio.imwrite(folder / "b5.png", PICTURE[..., 0])
    (folder / "b6.png").symlink_to(folder / "nowhere.png")
    steps = apply_to_folder(MODEL, folder, tmp_path / "out")
    refused = {s.path.name: s.message for s in steps if s.outcome == "refused"}
    assert sorted(refused) == ["b1.png", "b2.tif", "b3.jpg", "b4.npy", "b5.png"]
    for name in ("b1.png", "b2.tif", "b3.jpg", "b4.npy"):
        assert refused[name].startswith(
            f"Expected an image that can be read, got {name}: "
        )
    assert not any("\n" in message for message in refused.values())
    assert refused["b5.png"] == (
        "Expected an image with the channels R, G, B of the model, got gray; choose "
        "an image of the same kind."
    )
    assert [s.path.name for s in steps if s.outcome == "labeled"] == [*IMAGES]
    assert pd.read_csv(tmp_path / "out" / "tables.csv")["image"].nunique() == 4


@pytest.mark.parametrize("n", range(1, 5))
def test_a_run_that_was_stopped_goes_on(folder, tmp_path, n):
    apply_to_folder(MODEL, folder, tmp_path / "whole")
    steps = folder_steps(MODEL, folder, tmp_path / "out")
    for _ in range(n):
        next(steps)
    steps.close()
    assert not (tmp_path / "out" / "tables.csv").exists()
    # A crash between its files leaves an image to be made again.
    (tmp_path / "out" / "d.PNG.csv.0.part").write_text("half")
    outcomes = [s.outcome for s in apply_to_folder(MODEL, folder, tmp_path / "out")]
    assert outcomes == ["kept"] * n + ["labeled"] * (4 - n)
    (tmp_path / "out" / "d.PNG.csv.0.part").unlink()
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_what_changed_is_made_again(folder, tmp_path):
    out = tmp_path / "out"

    def labeled(model=MODEL, **settings):
        steps = apply_to_folder(model, folder, out, **settings)
        return [s.path.name for s in steps if s.outcome == "labeled"]

    assert labeled() == [*IMAGES]
    assert labeled() == []
    np.save(folder / "c.npy", PICTURE[:20])
    assert labeled() == ["c.npy"]
    (out / "a.png.csv").unlink()
    assert labeled() == ["a.png"]
    assert labeled(scale=(3, 3)) == [*IMAGES]
    assert labeled(scale=np.array([3, 3], np.float32)) == []
    assert labeled(Model.of(CLUSTERING), scale=(3, 3)) == [*IMAGES]
    for damage in ("", "[]", "{}", '{"images": 5}', "[" * 100_000):
        (out / "manifest.json").write_text(damage)
        assert labeled() == [*IMAGES]


def test_folders_that_cannot_be_are_refused(folder, tmp_path):
    (tmp_path / "empty").mkdir()
    for images, out, sentence in (
        (
            tmp_path / "none",
            tmp_path / "out",
            f"Expected a folder of images, got {tmp_path / 'none'}; choose another.",
        ),
        (
            folder,
            folder / "inner" / "..",
            "Expected another folder for the output, got that of the images, "
            f"{folder}.",
        ),
        (
            tmp_path / "empty",
            tmp_path / "out",
            "Expected a folder with images (.tif, .tiff, .png, .jpg, .jpeg, .bmp, "
            f".gif, .webp, .npy), got {tmp_path / 'empty'} without any; choose "
            "another.",
        ),
    ):
        with pytest.raises(ValueError) as error:
            apply_to_folder(MODEL, images, out)
        assert str(error.value) == sentence
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("scale", [(0, 1), (np.nan, 1), (), "ab", 2.0, [[1, 2]]])
def test_an_impossible_scale_stops_the_run(folder, tmp_path, scale):
    with pytest.raises(ValueError) as error:
        apply_to_folder(MODEL, folder, tmp_path / "out", scale=scale)
    assert str(error.value) == f"Expected a scale of numbers above 0, got {scale!r}."
    assert not (tmp_path / "out").exists()


def test_a_gray_model_refuses_pictures_in_color(folder, tmp_path):
    gray = PICTURE[..., 0]
    imageio.imwrite(folder / "gray.png", gray)
    alpha = np.stack([gray, np.full_like(gray, 255)], axis=-1)
    imageio.imwrite(folder / "gray and alpha.png", alpha)
    model = Model.of(cluster(gray, 3, max_iter=500))
    steps = apply_to_folder(model, folder, tmp_path / "out")
    labeled = [s.path.name for s in steps if s.outcome == "labeled"]
    assert labeled == ["gray and alpha.png", "gray.png"]
    for name in labeled:
        found = tifffile.imread(tmp_path / "out" / f"{name}.labels.tif")
        assert np.array_equal(found, model.apply(gray).labels)
    assert {s.message for s in steps if s.path.name in ("a.png", "c.npy")} == {
        "Expected a gray image, as the model's, got an array of shape (54, 80, 3), "
        "whose last axis looks like channels; choose a gray image, or give "
        "Picture.from_array(image, None) if it is a volume."
    }


CHANNELS = np.moveaxis(PICTURE, -1, 0)[:2]
STACK = np.stack([CHANNELS, CHANNELS[:, ::-1], 255 - CHANNELS])


@pytest.mark.parametrize("fitted", ["several layers", "channels first"])
@pytest.mark.parametrize(
    "image, axes, kind",
    [
        (CHANNELS, "CYX", {"imagej": True}),
        (STACK, "ZCYX", {"imagej": True}),
        (CHANNELS, "CYX", {"ome": True}),
        (STACK, "ZCYX", {"ome": True}),
        (np.moveaxis(STACK, 1, 0), "CTYX", {"ome": True}),
    ],
)
def test_channels_are_where_the_file_says(tmp_path, fitted, image, axes, kind):
    (tmp_path / "images").mkdir()
    path = tmp_path / "images" / "a.tif"
    about = {"metadata": {"axes": axes}, "photometric": "minisblack"}
    tifffile.imwrite(path, image, **about, **kind)
    channels = np.moveaxis(image, axes.index("C"), 0)
    names = ["nuclei", "actin"]
    picture = Picture.from_channels(channels, names)
    if fitted == "channels first":
        picture = Picture.from_array(channels, 0, names=names)
    clustering = cluster(picture, 3, features=[Color(), Blur()], max_iter=500)
    model = Model.of(clustering)
    (step,) = apply_to_folder(model, path.parent, tmp_path / "out")
    assert (step.outcome, step.message) == ("labeled", "")
    found = tifffile.imread(tmp_path / "out" / "a.tif.labels.tif")
    np.testing.assert_array_equal(found, clustering.labels)


def test_a_file_that_says_nothing_is_read_as_the_models_picture(tmp_path):
    images = tmp_path / "images"
    images.mkdir()
    for name, image in (("first.tif", CHANNELS), ("last.tif", PICTURE[..., :2])):
        tifffile.imwrite(images / name, image, photometric="minisblack")
    three = np.moveaxis(PICTURE, -1, 0)
    for name, image, axes in (("three", three, "CYX"), ("zyx", CHANNELS, "ZYX")):
        about = {"metadata": {"axes": axes}, "photometric": "minisblack"}
        tifffile.imwrite(images / f"{name}.tif", image, imagej=True, **about)
    picture = Picture.from_channels(CHANNELS, ["nuclei", "actin"])
    clustering = cluster(picture, 3, max_iter=500)
    steps = apply_to_folder(Model.of(clustering), images, tmp_path / "out")
    many = (
        "Expected an image with the channels nuclei, actin of the model, got 80 "
        "channels; if its channels lie along another axis, give "
        "Picture.from_array(image, channel_axis=0), or Picture.from_channels(images) "
        "of several gray ones."
    )
    assert {step.path.name: step.message for step in steps} == {
        "first.tif": many,
        "last.tif": "",
        "three.tif": (
            "Expected an image with the channels nuclei, actin of the model, got "
            "channel 0, channel 1, channel 2; choose an image of the same kind."
        ),
        "zyx.tif": many,
    }
    found = tifffile.imread(tmp_path / "out" / "last.tif.labels.tif")
    np.testing.assert_array_equal(found, clustering.labels)


@pytest.mark.parametrize("kind", [{"imagej": True}, {"ome": True}, {}])
@pytest.mark.parametrize("axes", ["YXS", "CYX"])
def test_colors_are_colors_also_where_the_file_says(tmp_path, kind, axes):
    (tmp_path / "images").mkdir()
    path = tmp_path / "images" / "a.tif"
    if axes == "YXS":
        tifffile.imwrite(path, PICTURE, photometric="rgb", **kind)
    else:
        image = np.moveaxis(PICTURE, -1, 0)
        settings = kind | {"metadata": {"axes": axes}, "photometric": "minisblack"}
        tifffile.imwrite(path, image, **settings)
    # Only of red, green and blue is there a brightness.
    clustering = cluster(PICTURE, 3, features=[Color(), Blur()], max_iter=500)
    model = Model.of(clustering)
    (step,) = apply_to_folder(model, path.parent, tmp_path / "out")
    if axes == "CYX" and not kind:
        assert step.message.startswith("Expected an image with the channels R, G, B")
        return
    assert (step.outcome, step.message) == ("labeled", "")
    found = tifffile.imread(tmp_path / "out" / "a.tif.labels.tif")
    np.testing.assert_array_equal(found, clustering.labels)


def test_a_gray_model_takes_channels_for_planes(tmp_path):
    """As they lie in the file; ImageJ often calls the planes of a volume channels."""
    (tmp_path / "images").mkdir()
    path = tmp_path / "images" / "a.tif"
    volume = STACK[:, 0]
    about = {"metadata": {"axes": "CYX"}, "photometric": "minisblack"}
    tifffile.imwrite(path, volume, imagej=True, **about)
    clustering = cluster(volume, 3, channel_axis=None, max_iter=500)
    (step,) = apply_to_folder(Model.of(clustering), path.parent, tmp_path / "out")
    assert (step.outcome, step.message) == ("labeled", "")
    with tifffile.TiffFile(tmp_path / "out" / "a.tif.labels.tif") as file:
        assert file.pages[0].photometric == tifffile.PHOTOMETRIC.MINISBLACK
        np.testing.assert_array_equal(file.asarray(), clustering.labels)


@pytest.mark.parametrize("at", ["a.png.labels.tif", "a.png.csv", "manifest.json"])
def test_an_image_that_cannot_be_written_is_told_and_skipped(
    folder, tmp_path, monkeypatch, at
):
    written = []

    def fail_once(path, content):
        written.append(path.name)
        if path.name == at and written.count(at) == 1:
            raise OSError(28, "No space left on device", str(path))
        write_whole(path, content)

    monkeypatch.setattr("napari_pixel_mixtures.folder.write_whole", fail_once)
    out = tmp_path / "out"
    steps = apply_to_folder(MODEL, folder, out)
    assert [step.outcome for step in steps] == ["refused"] + ["labeled"] * 3
    assert steps[0].message == (
        "Expected to read a.png and to write its labels, got: [Errno 28] No space left "
        f"on device: '{out / at}'; make room, or see whether both folders are there "
        "and open to you."
    )
    assert [*pd.read_csv(out / "tables.csv")["image"].unique()] == [*IMAGES][1:]
    # The next run makes it, and only it.
    steps = apply_to_folder(MODEL, folder, out)
    assert [step.outcome for step in steps] == ["labeled"] + ["kept"] * 3


def test_an_image_that_is_gone_is_told_and_skipped(folder, tmp_path):
    apply_to_folder(MODEL, folder, tmp_path / "out")
    steps = folder_steps(MODEL, folder, tmp_path / "out")
    next(steps)
    (folder / "b.tif").unlink()
    gone = next(steps)
    assert (gone.path.name, gone.outcome) == ("b.tif", "refused")
    assert gone.message == (
        "Expected to read b.tif and to write its labels, got: [Errno 2] No such file "
        f"or directory: '{folder / 'b.tif'}'; make room, or see whether both folders "
        "are there and open to you."
    )
    assert [step.outcome for step in steps] == ["kept"] * 2


def test_companions_stop_the_run(folder, tmp_path):
    clustering = cluster(
        PICTURE,
        2,
        features=Companion("depth"),
        companions={"depth": PICTURE[..., 0]},
        max_iter=500,
    )
    with pytest.raises(ValueError) as error:
        apply_to_folder(Model.of(clustering), folder, tmp_path / "labels")
    assert str(error.value) == (
        "Expected a model of one image, for a folder has one file for each, got one "
        "that measures the companions ['depth'] as well; leave out these features, or "
        "apply it in Python, picture by picture."
    )
    assert not (tmp_path / "labels").exists()


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("=1+1, a.png", "'=1+1, a.png"),
        ("Wasser \u00fcber Gr\u00fcn.png", "Wasser \u00fcber Gr\u00fcn.png"),
        ("\udcff.png", "\\udcff.png"),  # bytes that are no text, as Linux allows
    ],
)
def test_files_may_have_odd_names(tmp_path, name, shown):
    folder, output = tmp_path / "images", tmp_path / "labels"
    folder.mkdir()
    (folder / name).write_bytes(imageio.imwrite("<bytes>", PICTURE, extension=".png"))
    classes = MODEL.classes.rename(1, "=2+2").rename(2, "\udcff")
    model = Model.of(CLUSTERING, classes)
    for outcome in ("labeled", "kept"):
        (step,) = apply_to_folder(model, folder, output)
        assert step.outcome == outcome
        table = pd.read_csv(output / "tables.csv")
        assert set(table["image"]) == {shown}
        assert table["name"].tolist()[:2] == ["'=2+2", "\\udcff"]


def test_areas_and_volumes_are_columns_of_their_own(tmp_path):
    folder, output = tmp_path / "images", tmp_path / "labels"
    folder.mkdir()
    gray = PICTURE[..., 0]
    np.save(folder / "plane.npy", gray)
    np.save(folder / "volume.npy", np.stack([gray, gray]))
    apply_to_folder(Model.of(cluster(gray, 2)), folder, output)
    table = pd.read_csv(output / "tables.csv").set_index("image")
    for name, own, other in (
        ("plane.npy", "area (pixel^2)", "volume (pixel^3)"),
        ("volume.npy", "volume (pixel^3)", "area (pixel^2)"),
    ):
        rows = table.loc[name]
        assert (rows[own] == rows["pixels"]).all()
        assert rows[other].isna().all()
    assert list(table.columns)[-2:] == ["std gray", "volume (pixel^3)"]


def test_a_table_that_was_damaged_since_is_told(folder, tmp_path):
    output = tmp_path / "out"
    apply_to_folder(MODEL, folder, output)
    before = (output / "tables.csv").read_bytes()
    (output / "b.tif.csv").write_bytes(b"label,name\n1,\xb5\n")
    with pytest.raises(ValueError) as error:
        apply_to_folder(MODEL, folder, output)
    assert str(error.value) == (
        "Expected the tables as they were written, got b.tif.csv that cannot be read: "
        "'utf-8' codec can't decode byte 0xb5 in position 13: invalid start byte; "
        "delete it, and apply the model again."
    )
    (output / "b.tif.csv").unlink()
    apply_to_folder(MODEL, folder, output)
    assert (output / "tables.csv").read_bytes() == before


def test_an_image_that_is_written_to_while_it_is_read_is_made_again(
    folder, tmp_path, monkeypatch
):
    def read(path, model, read_image=folder_module.read_image):
        image = read_image(path, model)
        if path.name == "c.npy":
            np.save(path, PICTURE[:20])
        return image

    output = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr(folder_module, "read_image", read)
        apply_to_folder(MODEL, folder, output)
    steps = apply_to_folder(MODEL, folder, output)
    assert [s.path.name for s in steps if s.outcome == "labeled"] == ["c.npy"]
    assert tifffile.imread(output / "c.npy.labels.tif").shape == (20, 80)
