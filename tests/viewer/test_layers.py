"""Results lie over their image, and say all that replays them."""

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels, Points
from napari.utils.transforms import Affine
from numpy.testing import assert_allclose, assert_array_equal

from napari_pixel_mixtures import Classes, class_table, cluster, color_cloud
from napari_pixel_mixtures.tables import moments_of
from napari_pixel_mixtures.viewer.label_features import color_text, label_features
from napari_pixel_mixtures.viewer.layers import (
    METADATA_KEY,
    is_image,
    is_ours,
    make_cloud,
    make_picture,
    placement,
    update_cloud,
)
from napari_pixel_mixtures.viewer.result_labels import LabelsOf

PLACED = {
    "scale": (0.5, 2.0),
    "translate": (10.0, -20.0),
    "rotate": 30.0,
    "affine": Affine(rotate=10, translate=(3, 4)).affine_matrix,
    "units": ("um", "um"),
    "axis_labels": ("row", "column"),
}


@pytest.fixture
def clustering(picture):
    return cluster(picture, n_components=3)


COLORS = np.eye(3)


def over(image, clustering):
    features = label_features(image, clustering)
    return LabelsOf(image, clustering, "quantized", COLORS, features).layer()


def same_place(one, other):
    corners = np.array([[0, 0], [0, 39], [31, 0], [31, 39], [7, 5]])
    for corner in corners:
        assert_allclose(one.data_to_world(corner), other.data_to_world(corner))
    assert one.units == other.units
    assert one.axis_labels == other.axis_labels


@pytest.mark.parametrize("placed", [{}, PLACED, {"shear": [0.3]}], ids=str)
def test_over_the_image(qapp, picture, clustering, placed):
    image = Image(picture, rgb=True, **placed)
    layer = over(image, clustering)
    same_place(layer, image)
    same_place(make_picture(image, picture), image)
    # And after the image was moved.
    image.scale, image.translate = (3.0, 4.0), (5.0, 6.0)
    features = label_features(image, clustering)
    LabelsOf(image, clustering, "quantized", COLORS, features).show_in(
        layer, ViewerModel()
    )
    same_place(layer, image)


@pytest.mark.parametrize("placed", [{}, PLACED], ids=["plain", "placed"])
def test_over_a_coarser_level(qapp, picture, placed):
    image = Image([picture, picture[::4, ::4]], rgb=True, **placed)
    coarse = Labels(np.zeros((8, 10), np.uint8), **placement(image, (8, 10)))
    # The first pixel of the coarse level lies over the middle of the first 4 x 4.
    for corner in np.array([[0, 0], [7, 9], [3, 4]]):
        assert_allclose(
            coarse.data_to_world(corner), image.data_to_world(corner * 4 + 1.5)
        )


def test_features_and_metadata(qapp, picture, clustering):
    image = Image(picture, rgb=True, name="bands")
    layer = over(image, clustering)
    measure = "area (pixel^2)"
    names = ["index", "weight", "share", "color", "pixels", measure]
    assert list(layer.features.columns) == names
    assert layer.features["index"].tolist() == [1, 2, 3]
    assert layer.features["share"].tolist() == [0.45, 0.35, 0.2]
    assert layer.features["pixels"].tolist() == [576, 448, 256]
    assert layer.features[measure].tolist() == [576.0, 448.0, 256.0]
    image.scale, image.units = (0.5, 2.0), ("um", "um")
    found = class_table(clustering, Classes.of(clustering))
    table = label_features(image, clustering, moments_of(found))
    assert table["area (micrometer^2)"].tolist() == [576.0, 448.0, 256.0]
    means = [f"{moment} {name}" for name in "RGB" for moment in ("mean", "std")]
    assert list(table.columns)[6:] == means
    green = clustering.picture.values[clustering.labels == 1]
    assert_allclose(
        table[means].loc[0], np.stack([green.mean(0), green.std(0)]).T.ravel()
    )
    assert list(layer.metadata) == [METADATA_KEY]
    assert is_ours(layer) and not is_ours(image)
    assert is_image(image)
    assert not is_image(layer) and not is_image(make_picture(image, picture))
    assert_allclose(layer.colormap.map(np.array([0])), 0)
    assert layer.opacity == 1.0


def test_texts_of_colors(picture):
    clustering = cluster(picture, n_components=3)
    assert color_text(clustering, np.array([255.0, 0.4, 15.6])) == "#ff0010"
    grey = cluster(picture[..., 0] / 255, n_components=2)
    assert color_text(grey, np.array([0.123456])) == "0.1235"


def test_a_second_picture_looks_like_the_first(qapp):
    data = np.random.default_rng(0).random((5, 6))
    image = Image(data, colormap="magma", contrast_limits=(0.2, 0.5), gamma=0.5)
    second = make_picture(image, data)
    assert second.colormap.name == "magma"
    assert second.contrast_limits == [0.2, 0.5]
    assert second.gamma == 0.5
    assert_array_equal(second.data, data)


def test_a_cloud_of_one_color_is_shown_and_stays_as_it_is(qapp):
    clustering = cluster(np.full((4, 5, 3), 9, np.uint8), n_components=1)
    cloud = color_cloud(clustering)
    image = Image(np.full((4, 5, 3), 9, np.uint8), rgb=True, name="one")
    layer = make_cloud(image, clustering)
    assert isinstance(layer, Points)
    assert not layer.editable
    update_cloud(layer, clustering, cloud, cloud.points, cloud.colors)
    assert len(layer.data) == 20
