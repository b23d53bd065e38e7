"""What a mouse draws, and which point it is at."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from napari_pixel_mixtures.viewer.outline import Outline, nearest_point


def drawn(tool, *places):
    outline = Outline(tool, places[0])
    for place in places[1:]:
        outline.extend(place)
    return outline


def test_a_lasso_keeps_its_way():
    outline = drawn("lasso", (0, 0), (9, 0), (9, 9))
    assert_array_equal(outline.corners, [(0, 0), (9, 0), (9, 9)])
    assert_array_equal(outline.closed, [(0, 0), (9, 0), (9, 9), (0, 0)])
    assert outline.draws and outline.encloses and not outline.is_click


def test_a_box_has_the_last_place_as_its_corner():
    outline = drawn("box", (1, 2), (50, 60), (5, 8))
    assert_array_equal(outline.corners, [(1, 2), (5, 2), (5, 8), (1, 8)])
    assert outline.encloses and not outline.is_click


@pytest.mark.parametrize("tool", ["turn", "lasso", "box"])
def test_a_click_encloses_nothing(tool):
    for places in ([(4, 4)], [(4, 4), (6, 5)]):
        outline = drawn(tool, *places)
        assert outline.is_click and not outline.encloses
    assert not drawn("turn", (4, 4), (40, 50), (50, 0)).encloses
    assert not drawn(tool, (4, 4), (40, 4)).encloses  # a line
    assert drawn("turn", (0, 0)).draws is False


def test_the_nearest_point_in_front_of_the_eye():
    projection = np.diag([1.0, 1.0, 1.0, 0.0])
    projection[2, 3] = 1.0  # depth is z
    points = np.array([(10, 10, 1), (30, 10, 2), (-20, -20, -2)], np.float32)
    assert nearest_point(points, projection, np.array([11, 11])) == 0
    assert nearest_point(points, projection, np.array([15, 10])) in (0, 1)
    assert nearest_point(points, projection, np.array([16, 5])) == 1
    # The third would be at (10, 10), behind the eye.
    assert nearest_point(points[1:], projection, np.array([10, 10])) == 0
    assert nearest_point(points[1:], projection, np.array([10, 14])) is None
    assert nearest_point(points, projection, np.array([10, 19])) is None
    assert nearest_point(points[:0], projection, np.array([10, 10])) is None
