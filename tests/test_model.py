"""Model: applies and replays bit for bit, from JSON, also in a fresh process."""

import json
import subprocess
import sys
import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.exceptions import ConvergenceWarning

from cases import COVARIANCE_TYPES, china, noise
from napari_pixel_mixtures import (
    AnchorDistance,
    Blur,
    Certainty,
    Classes,
    Color,
    Companion,
    Expression,
    Model,
    Position,
    cluster,
    color_cloud,
    merge_tree,
)
from napari_pixel_mixtures.features import Picture

PICTURE = china()[::8, ::8]
MASK = np.ones(PICTURE.shape[:2], bool)
MASK[:5, :7] = False
WITH_NAN = PICTURE / 255.0
WITH_NAN[3, 4, 1] = np.nan

CASES = {
    "colors": {},
    **{kind: {"covariance_type": kind} for kind in COVARIANCE_TYPES[1:]},
    "position": {"features": [Color(), Position(weight=0.5)]},
    "distance": {"features": [AnchorDistance(n=3, seed=4), Position(weight=0)]},
    "raw": {"features": [Color(), Position()], "scaling": "raw"},
    "influence": {"features": [Color(), Position(influence=0.3)]},
    # Its columns stand in another order than its features.
    "less color": {"features": [Color(influence=0.2), Position(), Blur(influence=0.5)]},
    "one is off": {"features": [Position(on=False), Color(influence=0.5)]},
    "smooth": {"smoothing": 1.5},
    "smooth position": {"features": [Color(), Position(influence=0.3)], "smoothing": 2},
    "smooth masked": {"smoothing": 1.5, "mask": MASK},
    "masked": {"mask": MASK},
    "masked position": {"features": [Color(), Position()], "mask": MASK},
    "floating": {"image": PICTURE / 255.0},
    "single": {"image": (PICTURE / 255.0).astype(np.float32)},
    "not finite": {"image": WITH_NAN},
    "gray": {"image": PICTURE[..., 0]},
    "channels first": {"image": np.moveaxis(PICTURE, -1, 0), "channel_axis": 0},
    "a volume": {"image": china()[:30:5, ::8, 0].repeat(4, 0), "channel_axis": None},
    "all alike": {
        "image": np.tile(np.array([[0, 9], [9, 0]], np.uint8), (5, 5)),
        "n_components": 2,
    },
}


def fitted(name, number_anew=True):
    """Give the image of a case, and its clustering with other numbers."""
    case = {"image": PICTURE, "n_components": 5, "max_iter": 500} | CASES[name]
    clustering = cluster(**case)
    if number_anew:  # as live fits do
        order = np.random.default_rng(1).permutation(clustering.n_components)
        clustering = clustering.reordered(order)
    return case["image"], clustering


@pytest.mark.parametrize("name", CASES)
def test_a_model_from_json_gives_the_same_labels(name):
    image, clustering = fitted(name)
    model = Model.from_json(Model.of(clustering).to_json())
    mask = CASES[name].get("mask")
    found = model.apply(image, mask)
    for labels in (found.labels, found.clustering.labels, model.replay(image).labels):
        assert labels.dtype == np.uint8
        assert np.array_equal(labels, clustering.labels)
    np.testing.assert_array_equal(found.clustering.colors, clustering.colors)
    assert found.clustering.pixel_counts.tolist() == clustering.pixel_counts.tolist()
    assert model.to_json() == Model.of(clustering).to_json()
    # A model of what a model made is the same but for its mask.
    again = replace(Model.of(found.clustering), mask=model.mask)
    assert again.to_json() == model.to_json()


SCALED = Picture.from_array(
    PICTURE,
    names=("red", "green", "blue"),
    scale=(0.5, 4.0),
    axis_labels=("y", "along"),
)
OF_ITS_OWN = [
    AnchorDistance(n=3),
    Position("X"),
    Position("Y", influence=0.5),
    Expression("red - green"),
]


def test_an_array_is_taken_for_what_was_fitted():
    """Scale, names of channels and names of axes are those of the model."""
    with pytest.raises(ValueError):  # none of its axes is called X
        cluster(SCALED, features=OF_ITS_OWN)
    picture = replace(SCALED, axis_labels=("y", "x"))
    clustering = cluster(picture, 4, "spherical", OF_ITS_OWN, max_iter=500)
    model = Model.from_json(Model.of(clustering).to_json())
    assert (model.scale, model.axis_labels) == ((0.5, 4.0), ("y", "x"))
    for image in (PICTURE, picture):
        for labels in (model.apply(image).labels, model.replay(image).labels):
            assert np.array_equal(labels, clustering.labels)
    # What a picture says of itself holds.
    other = replace(picture, scale=(0.5, 0.5))
    assert not np.array_equal(model.apply(other).labels, clustering.labels)
    with pytest.raises(ValueError) as error:
        model.apply(PICTURE[np.newaxis])
    assert str(error.value) == (
        "Expected an image with 2 axes beside the channels, as the model's, got 3; "
        "choose an image with the same number of axes."
    )


def test_companions_cannot_travel():
    depth = np.arange(PICTURE[..., 0].size).reshape(PICTURE.shape[:2])
    features = [Color(), Companion("depth")]
    clustering = cluster(
        PICTURE, 3, features=features, companions={"depth": depth}, max_iter=500
    )
    model = Model.from_json(Model.of(clustering).to_json())
    for use in (model.apply, model.replay):
        with pytest.raises(ValueError) as error:
            use(PICTURE)
        assert str(error.value) == (
            "Expected an image with the companions ['depth'], which the model measures "
            "and does not hold, got none of these; give a Picture with them in its "
            "companions."
        )
        picture = Picture.from_array(PICTURE, companions={"depth": depth})
        assert np.array_equal(use(picture).labels, clustering.labels)


def test_labels_without_a_mask_are_those_with_it_where_it_is():
    image, clustering = fitted("masked position")
    labels = Model.of(clustering).apply(image).labels
    assert (labels > 0).all()
    assert np.array_equal(labels[MASK], clustering.labels[MASK])


@pytest.mark.parametrize("name", ["position", "distance", "floating"])
def test_constants_are_those_of_the_model(name):
    """A part of a picture gets the labels that it has in the whole."""
    image, clustering = fitted(name)
    part = image.copy()
    part[20:] = 0  # which changes the standard deviations of what is fitted
    labels = Model.of(clustering).apply(part).labels
    assert np.array_equal(labels[:20], clustering.labels[:20])


def test_random_places_are_those_of_the_model_on_pictures_of_another_size():
    image, clustering = fitted("distance")
    labels = Model.of(clustering).apply(image[:20, :30]).labels
    assert np.array_equal(labels, clustering.labels[:20, :30])


def test_components_that_are_alike_are_told_apart_as_before():
    image = np.tile(np.array([[0, 9], [9, 0]], np.uint8), (5, 5))
    clustering = cluster(image, 2)
    mixture = clustering.mixture
    twos = np.full_like(clustering.labels, 2)
    twin = replace(clustering, labels=twos, pixel_counts=np.array([0, 100]))
    mixture.weights_[:] = 0.5
    mixture.means_[:] = mixture.means_[0]
    mixture.covariances_[:] = mixture.covariances_[0]
    mixture.precisions_cholesky_[:] = mixture.precisions_cholesky_[0]
    assert (Model.of(twin).apply(image).labels == 2).all()


def test_a_threshold_may_be_any_number_but_no_other_thing():
    _, clustering = fitted("position")
    model = Model.of(clustering, threshold=np.float32(-1.5))
    assert Model.from_json(model.to_json()).threshold == -1.5
    for threshold in (np.nan, -np.inf, "low", True):
        with pytest.raises(ValueError) as error:
            Model.of(clustering, threshold=threshold)
        assert str(error.value) == (
            f"Expected the threshold to be a finite number, got {threshold!r}."
        )


def test_colors_are_no_volume_for_a_gray_model():
    clustering = cluster(PICTURE[..., 0], 3, max_iter=500)
    model = Model.of(clustering)
    with pytest.raises(ValueError) as error:
        model.apply(PICTURE)
    assert str(error.value) == (
        f"Expected a gray image, as the model's, got an array of shape {PICTURE.shape},"
        " whose last axis looks like channels; choose a gray image, or give "
        "Picture.from_array(image, None) if it is a volume."
    )
    stack = np.stack([PICTURE[..., 0]] * 2)
    volume = np.moveaxis(np.stack([PICTURE[..., 0]] * 3), 0, -1)
    found = model.apply(stack).labels
    assert np.array_equal(found, np.stack([clustering.labels] * 2))
    found = model.apply(Picture.from_array(volume, None)).labels
    assert np.array_equal(found, np.stack([clustering.labels] * 3, axis=-1))


def test_classes_and_threshold_are_part_of_the_model(tmp_path):
    image, clustering = fitted("position")
    classes = merge_tree(clustering).cut(Classes.of(clustering), 3)
    classes = classes.rename(classes.labels[0], "Φωτιά 🔥").hide(classes.labels[1])
    threshold = Certainty(clustering).threshold(0.02)
    model = Model.of(clustering, classes, threshold)
    model.save(tmp_path / "model.json")
    loaded = Model.load(tmp_path / "model.json")
    assert [path.name for path in tmp_path.iterdir()] == ["model.json"]
    assert loaded.classes == classes
    assert loaded.threshold == threshold
    assert loaded.recipe == clustering.recipe
    assert loaded.versions == model.versions
    assert loaded.digest == model.digest
    applied = loaded.apply(image)
    expected = classes.apply(Certainty(clustering).labels(threshold))
    assert np.array_equal(applied.labels, expected)
    none = classes.none_of_these
    assert none == clustering.n_components + 1
    assert 0 < np.sum(applied.labels == none) <= 0.02 * applied.labels.size
    assert not np.any(applied.labels == 0)
    table = applied.table((2, 2), "nm")
    assert table["name"].tolist()[-1] == "none of these"
    assert table["pixels"].sum() == applied.labels.size
    for _, row in table.iterrows():
        assert row["pixels"] == np.sum(applied.labels == row["label"])
        assert row["area (nm^2)"] == 4 * row["pixels"]


def test_settings_of_segments_are_part_of_the_model():
    image, clustering = fitted("position")
    assert Model.of(clustering).apply(image).segments is None
    model = Model.of(clustering, regions={"min_size": 30, "contrast": 4})
    loaded = Model.from_json(model.to_json())
    assert loaded.regions == {"min_size": 30, "contrast": 4.0}
    expected = clustering.regions(min_size=30, contrast=4)
    assert np.array_equal(loaded.apply(image).segments, expected)
    some = Model.of(clustering, regions={"contrast": 4})
    assert some.regions == {"min_size": 500, "contrast": 4.0}
    with pytest.raises(ValueError) as error:
        Model.of(clustering, regions={"min_size": 0, "contrast": 4})
    assert str(error.value) == (
        "Expected min_size to be a whole number from 1 to 1000000000, got 0."
    )


def test_the_json_is_strict_and_holds_what_replays():
    _, clustering = fitted("masked")
    text = Model.of(clustering).to_json()
    data = json.loads(text, parse_constant=lambda name: pytest.fail(name))
    assert {"python", "numpy", "napari-pixel-mixtures"} <= data["versions"].keys()
    assert data["recipe"]["random_state"] == 0
    assert data["features"][0]["factor"] == clustering.groups[0].factor
    assert data["mask"]["shape"] == list(PICTURE.shape[:2])


def test_a_fresh_process_gives_the_same_labels(tmp_path):
    image, clustering = fitted("masked position")
    Model.of(clustering).save(tmp_path / "model.json")
    np.save(tmp_path / "image.npy", image)
    code = (
        "import sys, numpy as np\n"
        "from napari_pixel_mixtures import Model\n"
        "model, image = Model.load('model.json'), np.load('image.npy')\n"
        "np.save('applied', model.apply(image, model.mask).labels)\n"
        "np.save('replayed', model.replay(image).labels)\n"
        "assert not {'napari', 'qtpy', 'vispy', 'dask'} & {*sys.modules}\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    for name in ("applied", "replayed"):
        assert np.array_equal(np.load(tmp_path / f"{name}.npy"), clustering.labels)


def test_a_model_and_what_it_makes_are_one_line_each():
    clustering = cluster(PICTURE, 2, features=[Color(), Position(weight=2)])
    model = Model.of(clustering)
    assert repr(model) == (
        "Model(n_components=2, covariance_type='full', channels=['R', 'G', 'B'], "
        "features=[Color(), Position(weight=2.0)], n_classes=2)"
    )
    assert repr(clustering) == (
        "Clustering(n_components=2, covariance_type='full', shape=(54, 80), "
        "features=[Color(), Position(weight=2.0)], "
        f"n_iter={clustering.history[-1].number})"
    )
    applied = model.apply(PICTURE)
    assert repr(applied) == (
        f"Applied(model={model!r}, clustering={applied.clustering!r})"
    )
    assert repr(color_cloud(clustering, max_points=7)) == (
        "ColorCloud(n_points=7, axes=('R', 'G', 'B'))"
    )
    assert repr(clustering.picture) == (
        "Picture(shape=(54, 80), channels=['R', 'G', 'B'], dtype=uint8)"
    )
    about = Picture.from_array(
        np.ones((2, 2)), scale=(1, 2), companions={"x": [[1, 2]] * 2}
    )
    assert repr(about) == (
        "Picture(shape=(2, 2), channels=['gray'], dtype=float64, scale=(1.0, 2.0), "
        "companions=['x'])"
    )


def test_a_model_reads_pictures_as_its_own_was_read():
    model = Model.of(cluster(PICTURE, 2, max_iter=500))
    rgba = np.dstack([PICTURE, np.full(PICTURE.shape[:2], 7, np.uint8)])
    assert np.array_equal(model.apply(rgba).labels, model.apply(PICTURE).labels)
    picture = Picture.from_array(PICTURE)
    assert model.read(picture) is picture


@pytest.mark.parametrize(
    ("name", "image", "sentence"),
    [
        (
            "colors",
            PICTURE[..., 0],
            "Expected an image with the channels R, G, B of the model, got gray; "
            "choose an image of the same kind.",
        ),
        (
            "colors",
            np.zeros((5, 6, 2), np.uint8),
            "Expected an image with the channels R, G, B of the model, got channel 0, "
            "channel 1; choose an image of the same kind.",
        ),
        (
            "colors",
            np.moveaxis(PICTURE, -1, 0),
            "Expected an image with the channels R, G, B of the model, got 80 "
            "channels; if its channels lie along another axis, give "
            "Picture.from_array(image, channel_axis=0), or "
            "Picture.from_channels(images) of several gray ones.",
        ),
        (
            "channels first",
            np.zeros((2, 5, 6), np.uint8),
            "Expected an image with the channels channel 0, channel 1, channel 2 of "
            "the model, got channel 0, channel 1; choose an image of the same kind.",
        ),
        (
            "position",
            np.zeros((2, 5, 6, 3), np.uint8),
            "Expected an image with 5 columns of features, as the model, got 6; "
            "choose an image with the same number of axes.",
        ),
        (
            "distance",
            np.zeros((2, 5, 6, 3), np.uint8),
            "Expected anchors with 3 coordinates, one for each axis of the picture, "
            "got 2.",
        ),
    ],
)
def test_images_of_another_kind_are_refused(name, image, sentence):
    model = Model.of(fitted(name)[1])
    with pytest.raises(ValueError) as error:
        model.apply(image)
    assert str(error.value) == sentence


def test_classes_of_another_clustering_are_refused():
    with pytest.raises(ValueError) as error:
        Model.of(
            cluster(PICTURE, 2, max_iter=500),
            Classes.of(cluster(PICTURE, 3, max_iter=500)),
        )
    assert str(error.value) == (
        "Expected classes of 2 components, as the clustering has, got 3."
    )


@given(
    seed=st.integers(0, 2**32 - 1),
    dtype=st.sampled_from(["uint8", "uint16", "float32", "float64"]),
    size=st.sampled_from([1e-3, 1.0, 250.0]),
    kind=st.sampled_from(COVARIANCE_TYPES),
    scaling=st.sampled_from(["group", "raw"]),
    k=st.integers(1, 6),
)
@settings(deadline=None, max_examples=60)
def test_every_model_comes_back(seed, dtype, size, kind, scaling, k):
    """Also with channels that are the same, or hardly differ."""
    random = np.random.default_rng(seed)
    gray = (size * random.random((8, 9, 1))).astype(dtype).repeat(3, axis=2)
    features = [Color(), Position()]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        clustering = cluster(gray, k, kind, features, scaling, random_state=seed)
    text = Model.of(clustering).to_json()
    model = Model.from_json(text)
    assert model.to_json() == text
    assert np.array_equal(model.apply(gray).labels, clustering.labels)


def test_channels_may_have_long_names_as_files_have():
    names = ("a" * 251, "b")
    picture = Picture.from_channels([noise(9, 8), noise(9, 8, seed=1)], names)
    model = Model.of(cluster(picture, 2))
    assert Model.from_json(model.to_json()).channel_names == names


def test_a_channel_axis_may_be_a_number_of_numpy():
    model = Model.of(cluster(noise(3, 9, 8), 2, channel_axis=np.int64(0)))
    assert Model.from_json(model.to_json()).channel_axis == 0
