"""comparison_figure: picture, quantized, random colors, a row for each size."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from napari_pixel_mixtures import cluster
from napari_pixel_mixtures.figure import GAP, MAX_PANEL, TITLE, comparison_figure


@pytest.fixture
def picture():
    return np.random.default_rng(0).integers(0, 256, (50, 90, 3), np.uint8)


def panel(figure, row, column, shape):
    height, width = shape
    top = GAP + TITLE + row * (height + GAP + TITLE)
    left = GAP + column * (width + GAP)
    return np.asarray(figure)[top : top + height, left : left + width]


def title(figure, row, column, shape):
    height, width = shape
    top = GAP + row * (height + GAP + TITLE)
    left = GAP + column * (width + GAP)
    return np.asarray(figure)[top : top + TITLE, left : left + width]


def test_panels_in_true_colors(picture):
    fits = [cluster(picture, n_components=k) for k in (2, 5)]
    figure = comparison_figure(fits, shuffle_seed=3)
    shape = (50, 90)
    assert figure.size == (3 * (90 + GAP) + GAP, 2 * (50 + GAP + TITLE) + GAP)
    for row, fit in enumerate(fits):
        assert_array_equal(panel(figure, row, 0, shape), picture)
        assert_array_equal(panel(figure, row, 1, shape), fit.quantized())
        dealt = np.rint(fit.permuted_colors(3))[fit.labels - 1]
        assert_array_equal(panel(figure, row, 2, shape), dealt)
        for column in range(3):
            assert title(figure, row, column, shape).min() < 100  # it is written
    # Between panels it is white.
    assert (np.asarray(figure)[:, :GAP] == 255).all()
    assert (np.asarray(figure)[:GAP] == 255).all()


def test_titles_are_not_cut_off():
    image = np.random.default_rng(0).random((20, 320, 3))
    figure = comparison_figure([cluster(image, n_components=12)])
    for column in range(3):
        letters = title(figure, 0, column, (20, 320))
        assert (letters[:, [0, -1]] == 255).all()


def test_pixels_without_a_label_are_white(picture):
    mask = np.zeros((50, 90), bool)
    mask[:, :40] = True
    figure = comparison_figure([cluster(picture, n_components=2, mask=mask)])
    for column in (1, 2):
        shown = panel(figure, 0, column, (50, 90))
        assert (shown[:, 40:] == 255).all()
        assert not (shown[:, :40] == 255).all()


def test_a_large_picture_is_drawn_smaller():
    image = np.random.default_rng(0).random((100, 2 * MAX_PANEL))
    image[:, :MAX_PANEL] = 0
    figure = comparison_figure([cluster(image, n_components=2)])
    assert figure.size == (3 * (MAX_PANEL + GAP) + GAP, 50 + 2 * GAP + TITLE)


def test_the_middle_plane_of_a_volume():
    volume = np.random.default_rng(0).random((5, 20, 30))
    fit = cluster(volume, n_components=2, channel_axis=None)
    figure = comparison_figure([fit])
    shown = panel(figure, 0, 1, (20, 30))[..., 0]
    assert_array_equal(shown == shown.max(), fit.labels[2] == 1 + fit.colors.argmax())


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1)])
def test_tiny_pictures(shape):
    fit = cluster(np.zeros(shape), n_components=1)
    width, height = comparison_figure([fit]).size
    assert width > 0 and height > 0


def test_nothing_to_draw():
    with pytest.raises(ValueError) as caught:
        comparison_figure([])
    assert str(caught.value) == "Expected at least one clustering to draw, got none."


def test_what_is_not_a_number_is_white():
    image = np.random.default_rng(0).random((50, 90)) / 2
    image[3, 4], image[5, 6] = np.nan, np.inf
    figure = comparison_figure([cluster(image, n_components=2)])
    for column in range(3):
        shown = panel(figure, 0, column, (50, 90))
        assert (shown[[3, 5], [4, 6]] == 255).all()
