"""A lasso selects what lies inside it from that view."""

import numpy as np
import pytest
from skimage.measure import points_in_poly

from napari_pixel_mixtures.selection import Region

STAR = np.array(
    [
        [100 * radius * np.cos(angle), 100 * radius * np.sin(angle)]
        for angle, radius in zip(
            np.linspace(0, 2 * np.pi, 21)[:-1], [1.0, 0.4] * 10, strict=True
        )
    ]
)


def perspective(random):
    """A camera turned at random, 600 away from the middle of the color cube."""
    turn = np.linalg.qr(random.normal(size=(3, 3)))[0]
    projection = np.zeros((4, 4))
    projection[:3, :3] = turn * [500, 500, 1]
    projection[3, :3] = -127.5 * turn.sum(axis=0) * [500, 500, 1]
    projection[3, 2] += 600
    # Screen x, y, depth, and the divisor, which is the depth.
    projection[:, 3] = projection[:, 2]
    return projection


@pytest.mark.parametrize(
    "dtype",
    [*(np.uint8, np.uint16, np.float32, np.float64), ">u2", ">f4", "f2", np.longdouble],
)
def test_it_agrees_with_scikit_image_for_points_clear_of_the_outline(dtype):
    random = np.random.default_rng(0)
    projection = perspective(random)
    values = random.integers(0, 256, (20_000, 3)).astype(dtype)
    screen = np.column_stack([values, np.ones(len(values))]) @ projection
    screen = screen[:, :2] / screen[:, 3:]
    clear = points_in_poly(screen, STAR * 1.01) == points_in_poly(screen, STAR * 0.99)
    found = Region(projection, STAR).contains(values)
    expected = points_in_poly(screen, STAR)
    assert 0.02 < expected.mean() < 0.5
    assert clear.mean() > 0.98
    assert np.array_equal(found[clear], expected[clear])


def test_what_lies_behind_the_eye_is_not_selected():
    projection = np.eye(4)
    projection[:, 3] = [0, 0, 1, 0]
    square = np.array([[-1, -1], [-1, 1], [1, 1], [1, -1]])
    values = np.array([[0.0, 0, 2], [0.0, 0, -2]])
    assert Region(projection, square).contains(values).tolist() == [True, False]


def test_a_lasso_far_from_all_points_selects_none():
    far = STAR + 1e6
    values = np.random.default_rng(0).integers(0, 256, (1000, 3)).astype(np.uint8)
    assert not Region(np.eye(4), far).contains(values).any()


@pytest.mark.parametrize(
    ("projection", "outline", "text"),
    [
        (np.eye(3), STAR, "Expected a 4 x 4 projection, got an array of shape (3, 3)."),
        (
            np.eye(4),
            np.zeros((2, 2)),
            "Expected a lasso of at least three points (x, y), got an array of shape "
            "(2, 2); draw around some points.",
        ),
    ],
)
def test_other_shapes_are_refused(projection, outline, text):
    with pytest.raises(ValueError) as error:
        Region(projection, outline)
    assert str(error.value) == text
