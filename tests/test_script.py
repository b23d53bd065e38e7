"""to_python: the lines know of nothing but the image, and give the same labels."""

import subprocess
import sys

import numpy as np
import pytest

from cases import china
from napari_pixel_mixtures import (
    AnchorDistance,
    Certainty,
    Classes,
    Color,
    Companion,
    Lab,
    Model,
    Position,
    cluster,
    to_python,
)
from napari_pixel_mixtures.clustering import cluster_steps
from napari_pixel_mixtures.features import Picture
from napari_pixel_mixtures.progress import run
from napari_pixel_mixtures.recipe import Recipe

PICTURE = china()[::8, ::8]
MASK = np.ones(PICTURE.shape[:2], bool)
MASK[:5, :7] = False
PLACES = AnchorDistance(anchors=[(1.5, 2), (30, 4)], weight=1 / 5000)

CASES = {
    "as it is": (PICTURE, {}),
    "everything": (
        PICTURE,
        {
            "n_components": 6,
            "covariance_type": "diag",
            "features": [Color(), Position(weight=0.25), PLACES],
            "scaling": "raw",
            "mask": MASK,
            "random_state": 3,
            "tol": 1e-2,
            "reg_covar": 1e-4,
            "init_params": "k-means++",
        },
    ),
    "influence": (
        PICTURE,
        {"features": [Color(influence=0.4), Position(influence=0.7)]},
    ),
    "smooth": (PICTURE, {"smoothing": 1.5}),
    "said": (
        Picture.from_array(PICTURE, scale=(0.5, 4), axis_labels=("y", "x")),
        {"features": [AnchorDistance(n=3), Color()], "covariance_type": "spherical"},
    ),
    "gray": (PICTURE[..., 0], {"n_components": 2}),
    "a volume": (PICTURE[:8, :8], {"channel_axis": None}),
    "channels first": (np.moveaxis(PICTURE, -1, 0), {"channel_axis": 0}),
    "channels within": (np.moveaxis(PICTURE, -1, 1), {"channel_axis": 1}),
    "white": (
        Picture.from_array(PICTURE.astype(np.int32) * 2, white=600),
        {"features": [Lab()]},
    ),
    "not finite": (np.where(PICTURE > 250, np.nan, PICTURE), {"n_components": 3}),
}


def run_lines(image, lines):
    """Give the labels of lines that find an array, and what they import."""
    names = {"image": image.values if isinstance(image, Picture) else image}
    exec(lines, names)
    return names["labels"]


@pytest.mark.parametrize("name", CASES)
def test_the_lines_give_the_same_labels(name):
    image, settings = CASES[name]
    clustering = cluster(image, **{"max_iter": 500} | settings)
    order = np.random.default_rng(1).permutation(clustering.n_components)
    clustering = clustering.reordered(order)  # as live fits do
    labels = run_lines(image, to_python(clustering))
    assert labels.dtype == np.uint8
    assert np.array_equal(labels, clustering.labels)


def test_they_do_so_in_a_fresh_process(tmp_path):
    image, settings = CASES["everything"]
    clustering = cluster(image, **{"max_iter": 500} | settings)
    np.save(tmp_path / "image.npy", image)
    lines = to_python(clustering)
    code = f"import numpy\nimage = numpy.load('image.npy')\n{lines}\n"
    code += "numpy.save('labels.npy', labels)\n"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    assert np.array_equal(np.load(tmp_path / "labels.npy"), clustering.labels)


def test_classes_and_threshold_are_in_the_lines():
    clustering = cluster(PICTURE, 5, max_iter=500)
    classes = Classes.of(clustering).merge(2, 4).rename(2, 'it\'s "sky"\n').hide(1)
    threshold = Certainty(clustering).threshold(0.05)
    lines = to_python(clustering, classes, threshold)
    labels = run_lines(PICTURE, lines)
    expected = classes.apply(Certainty(clustering).labels(threshold))
    assert np.array_equal(labels, expected)


@pytest.mark.parametrize("threshold", [np.nan, np.inf, "5"])
def test_a_threshold_is_a_finite_number(threshold):
    with pytest.raises(ValueError) as error:
        to_python(cluster(PICTURE, 2, max_iter=500), threshold=threshold)
    assert str(error.value) == (
        f"Expected the threshold to be a finite number, got {threshold!r}."
    )


def test_segments_are_in_the_lines():
    clustering = cluster(PICTURE, 3, max_iter=500, smoothing=1.5)
    settings = {"min_size": 20, "contrast": 2.5}
    lines = to_python(clustering, regions=settings)
    numbers = {"min_size": np.int64(20), "contrast": np.float64(2.5)}
    assert to_python(clustering, regions=numbers) == lines
    found = {"image": PICTURE}
    exec(lines, found)
    assert np.array_equal(found["segments"], clustering.regions(**settings))
    assert np.array_equal(found["labels"], clustering.labels)


@pytest.mark.parametrize("rgb", [True, False])
def test_channels_that_are_or_are_not_colors_stay_so(rgb):
    image = PICTURE if not rgb else np.moveaxis(PICTURE, -1, 0)
    picture = Picture.from_array(image, 0 if rgb else -1, rgb)
    clustering = run(cluster_steps(picture, Recipe(max_iter=500)))
    lines = to_python(clustering)
    assert f"rgb={rgb}" in lines
    assert np.array_equal(run_lines(image, lines), clustering.labels)


def test_image_and_mask_may_have_names():
    clustering = cluster(PICTURE, 2, mask=MASK, max_iter=500)
    lines = to_python(clustering, image='viewer.layers["a"].data', mask="region")
    assert lines == (
        "from napari_pixel_mixtures import cluster\n"
        "\n"
        "clustering = cluster(\n"
        '    viewer.layers["a"].data,\n'
        "    n_components=2,\n"
        "    max_iter=500,\n"
        "    mask=region,\n"
        ")\n"
        "labels = clustering.labels"
    )


def test_companions_need_names():
    depth = np.arange(PICTURE[..., 0].size).reshape(PICTURE.shape[:2])
    clustering = cluster(
        PICTURE, 2, features=Companion("depth"), companions={"depth": depth}
    )
    with pytest.raises(ValueError) as error:
        to_python(clustering)
    assert str(error.value) == (
        "Expected a name for each of the companions ['depth'], for lines cannot hold "
        'pictures; give companions={"name": "array"}, or leave out these features.'
    )
    lines = to_python(clustering, companions={"depth": "depth"})
    found = {"image": PICTURE, "depth": depth}
    exec(lines, found)
    assert np.array_equal(found["labels"], clustering.labels)


def test_what_a_model_made_is_no_fit():
    model = Model.of(cluster(PICTURE, 2, max_iter=500))
    with pytest.raises(ValueError) as error:
        to_python(model.apply(PICTURE).clustering)
    assert str(error.value) == (
        "Expected a clustering that was fitted to its picture, got one that was made "
        "by a model; save the model, and use Model.load(path).apply(image)."
    )
