"""Labels and shapes as the mask of an image."""

import numpy as np
import pytest
from napari.layers import Image, Labels, Shapes
from napari.utils.transforms import Affine
from numpy.testing import assert_array_equal
from skimage.draw import polygon2mask

from napari_pixel_mixtures.viewer.layers import METADATA_KEY
from napari_pixel_mixtures.viewer.masks import is_mask, mask_pixels

BOX = np.array([[3.0, 4.0], [3.0, 10.0], [12.0, 10.0], [12.0, 4.0]])
PLACED = {"scale": (0.5, 2.0), "translate": (10.0, -20.0), "rotate": 30.0}


@pytest.fixture(autouse=True)
def application(qapp):
    """Layers want one."""


def image(*shape, **about):
    return Image(np.zeros(shape), name="image", **about)


def box(shape=(20, 30)):
    return polygon2mask(shape, BOX)


def test_labels_where_they_are_not_zero():
    labels = np.zeros((20, 30), int)
    labels[3:9, 4:7] = 5
    labels[9:12] = 1
    assert_array_equal(mask_pixels(Labels(labels), image(20, 30)), labels > 0)


def test_labels_with_the_axis_of_channels_or_without():
    layer = image(3, 20, 30, axis_labels=("c", "y", "x"))
    labels = np.zeros((3, 20, 30), int)
    labels[0, :5] = labels[2, :, :7] = 1
    assert_array_equal(mask_pixels(Labels(labels), layer), labels.any(axis=0))
    assert_array_equal(mask_pixels(Labels(labels[2]), layer), labels[2] > 0)


def test_a_plane_limits_every_plane_of_a_volume():
    labels = np.eye(20, 30, dtype=int)
    mask = mask_pixels(Labels(labels), image(4, 20, 30))
    assert_array_equal(mask, np.stack([labels] * 4))
    mask = mask_pixels(Shapes([BOX], shape_type="polygon"), image(4, 20, 30))
    assert_array_equal(mask, np.stack([box()] * 4))


def test_full_labels_limit_a_coarser_level(monkeypatch):
    monkeypatch.setattr("napari_pixel_mixtures.viewer.layers.LARGEST_LEVEL", 200)
    coarse = np.random.default_rng(0).random((10, 15)) < 0.5
    fine = np.kron(coarse, np.ones((4, 4), bool))
    layer = Image([np.zeros((40, 60)), np.zeros((10, 15))], name="image")
    assert_array_equal(mask_pixels(Labels(fine.astype(int)), layer), coarse)
    outline = BOX[[0, 2]] * [[1, 1], [2, 4]]  # to rows 24, columns 40
    shapes = Shapes([outline], shape_type="rectangle")
    mask = mask_pixels(shapes, layer)
    rows, columns = np.nonzero(mask)
    assert (rows.min(), rows.max()) == (1, 5)
    assert (columns.min(), columns.max()) == (1, 9)


@pytest.mark.parametrize("placed", [{}, PLACED, {"scale": (3, 3)}], ids=str)
def test_shapes_wherever_they_lie(placed):
    layer = image(20, 30, **placed)
    there = np.array([layer.data_to_world(corner) for corner in BOX])
    # Drawn in a layer of another place, over the same pixels.
    drawn = Shapes(affine=Affine(scale=(2, 2), translate=(5, 5)).affine_matrix, ndim=2)
    drawn.add([[drawn.world_to_data(corner) for corner in there]], shape_type="polygon")
    found = mask_pixels(drawn, layer)
    # Along its outline rounding decides.
    assert np.sum(found != box()) <= len(np.argwhere(box())) * 0.2
    assert found[4:12, 5:10].all() and not found[:3].any() and not found[:, 12:].any()


def test_shapes_drawn_at_one_channel_limit_all():
    layer = image(3, 20, 30, axis_labels=("c", "y", "x"))
    drawn = np.insert(BOX, 0, 1.0, axis=1)
    mask = mask_pixels(Shapes([drawn], shape_type="polygon"), layer)
    assert_array_equal(mask, box())


PLACE = (
    "Expected a mask over the pixels of 'image', of shape (20, 30), got 'mask' of "
    "another shape or place; make a layer over the image."
)
EMPTY = (
    "Expected a mask that covers pixels of 'image', got 'mask' without any; paint or "
    "draw the region to cluster."
)


@pytest.mark.parametrize(
    ("mask", "sentence"),
    [
        (lambda: Labels(np.ones((20, 31), int), name="mask"), PLACE),
        (lambda: Labels(np.ones((2, 20, 30), int), name="mask"), PLACE),
        (lambda: Labels(np.ones((20, 30), int), translate=(1, 0), name="mask"), PLACE),
        (lambda: Shapes(ndim=3, name="mask"), PLACE),
        (lambda: Labels(np.zeros((20, 30), int), name="mask"), EMPTY),
        (lambda: Shapes(name="mask"), EMPTY),
        (lambda: Shapes([BOX + 100], shape_type="polygon", name="mask"), EMPTY),
    ],
    ids=["shape", "axes", "place", "3-D shapes", "no label", "no shape", "outside"],
)
def test_what_does_not_fit_is_refused_in_one_sentence(mask, sentence):
    with pytest.raises(ValueError) as caught:
        mask_pixels(mask(), image(20, 30))
    assert str(caught.value) == sentence


def test_layers_of_ours_are_no_masks():
    labels = Labels(np.ones((2, 2), int))
    assert is_mask(labels) and is_mask(Shapes())
    assert not is_mask(Labels(labels.data, metadata={METADATA_KEY: {}}))
    assert not is_mask(image(2, 2))
