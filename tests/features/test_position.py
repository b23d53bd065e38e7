"""Position and AnchorDistance, against loops over the pixels."""

from math import dist

import numpy as np
import pytest

from cases import PICTURES
from napari_pixel_mixtures.features import AnchorDistance, Picture, Position

SHAPES = [(5, 7), (1, 1), (3, 5, 7), (2, 3, 4, 5), (2, 1, 2, 1, 2)]


def grey(shape):
    return Picture.from_array(np.zeros(shape), channel_axis=None)


def test_x_is_the_column_and_y_the_row():
    picture = grey((2, 3))
    assert Position().names(picture) == ("X", "Y")
    np.testing.assert_array_equal(
        Position().compute(picture, None),
        [[0, 0], [1, 0], [2, 0], [0, 1], [1, 1], [2, 1]],
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_coordinates_are_indices_the_last_axis_first(shape):
    picture = grey(shape)
    expected = [index[::-1] for index in np.ndindex(shape)]
    np.testing.assert_array_equal(Position().compute(picture, None), expected)
    some = np.arange(len(expected))[::3]
    np.testing.assert_array_equal(Position().compute(picture, some), expected[::3])
    names = ("X", "Y", "Z", "T", "axis -5")[: len(shape)]
    assert Position().names(picture) == names


def test_channels_are_no_place():
    case = PICTURES["five channels on axis 1"]
    picture = Picture.from_array(case.array, case.channel_axis)
    coordinates = Position().compute(picture, None)
    np.testing.assert_array_equal(coordinates.max(axis=0), [6, 4])


@pytest.mark.parametrize("shape", SHAPES)
def test_distances_are_euclidean(shape):
    picture = grey(shape)
    feature = AnchorDistance(n=3, seed=5)
    places = feature.places(shape)
    expected = [[dist(pixel, p) for p in places] for pixel in np.ndindex(shape)]
    found = feature.compute(picture, None)
    np.testing.assert_allclose(found, expected, rtol=1e-15)
    some = np.arange(len(expected))[::3]
    np.testing.assert_array_equal(feature.compute(picture, some), found[::3])
    assert feature.names(picture) == ("distance 1", "distance 2", "distance 3")


def test_given_places_are_rows_and_columns():
    feature = AnchorDistance(anchors=[(0, 0), (1, 2)])
    found = feature.compute(grey((2, 3)), None)
    np.testing.assert_allclose(found[:, 0], [0, 1, 2, 1, 2**0.5, 5**0.5])
    np.testing.assert_allclose(found[:, 1], [5**0.5, 2**0.5, 1, 2, 1, 0])
    assert feature.n == 2


def test_given_places_may_be_any_array_and_lie_outside():
    anchors = np.array([[-3, 10]])
    assert AnchorDistance(anchors=anchors).anchors == ((-3.0, 10.0),)
    assert AnchorDistance(anchors=anchors) == AnchorDistance(anchors=[(-3, 10)])


def test_random_places_lie_in_the_picture_everywhere():
    shape = (30, 200)
    places = AnchorDistance(n=1000).places(shape)
    assert (places >= 0).all()
    assert (places <= np.array(shape) - 1).all()
    # Uniform: a tenth in each tenth, within five standard deviations.
    for axis, length in enumerate(shape):
        counts = np.histogram(places[:, axis], 10, (0, length - 1))[0]
        assert np.abs(counts - 100).max() < 5 * np.sqrt(90)


def test_random_places_depend_on_the_seed_alone():
    shape = (40, 50)
    ten = AnchorDistance(n=10, seed=3).places(shape)
    np.testing.assert_array_equal(AnchorDistance(n=10, seed=3).places(shape), ten)
    # One more place does not move the others.
    np.testing.assert_array_equal(AnchorDistance(n=4, seed=3).places(shape), ten[:4])
    assert (AnchorDistance(n=10, seed=4).places(shape) != ten).all()


def test_places_of_another_picture_are_refused():
    with pytest.raises(ValueError) as caught:
        AnchorDistance(anchors=[(1, 2)]).places((3, 4, 5))
    assert str(caught.value) == (
        "Expected anchors with 3 coordinates, one for each axis of the picture, got 2."
    )


@pytest.mark.parametrize(
    "anchors",
    [
        *("here", [], [1, 2], [[1, 2], [3]], [(1, np.nan)], {"a": 1}, [[[1, 2]]]),
        *([(1, 10**400)], [(1, -1e101)]),
    ],
    ids=range(9),
)
def test_bad_places_are_refused(anchors):
    with pytest.raises(ValueError) as caught:
        AnchorDistance(anchors=anchors)
    assert str(caught.value) == (
        "Expected anchors as a list of points, one (row, column) each, got "
        f"{anchors!r:.80}."
    )


@pytest.mark.parametrize("n", [0, -1, 1001, 2.5, 3.0, True, None, "6", np.inf])
def test_a_bad_number_of_places_is_refused(n):
    with pytest.raises(ValueError) as caught:
        AnchorDistance(n=n)
    assert str(caught.value) == (
        "Expected n, the number of anchors, to be a whole number from 1 to 1000, got "
        f"{n!r}."
    )


@pytest.mark.parametrize("seed", [-1, None, 2**32, 1.0, "0"])
def test_a_bad_seed_is_refused(seed):
    with pytest.raises(ValueError) as caught:
        AnchorDistance(seed=seed)
    assert str(caught.value) == (
        "Expected the seed of the anchors to be a whole number from 0 to 4294967295, "
        f"got {seed!r}."
    )


@pytest.mark.parametrize(
    ("axes", "labels", "names"),
    [
        ("all", None, ("X", "Y", "Z", "T")),
        ("X", None, ("X",)),
        ("XY", None, ("X", "Y")),
        ("TZ", None, ("T", "Z")),
        ("Z", ("z", "t", "y", "x"), ("Z",)),
        ("all", ("z", "t", "y", "lambda"), ("lambda", "Y", "T", "Z")),
    ],
)
def test_some_axes(axes, labels, names):
    shape = (2, 3, 4, 5)
    picture = Picture.from_array(np.zeros(shape), None, axis_labels=labels)
    assert Position(axes).names(picture) == names
    found = Position(axes).compute(picture, None)
    indices = np.indices(shape).reshape(4, -1)
    expected = [indices[picture.axis_names.index(name)] for name in names]
    np.testing.assert_array_equal(found.T, expected)


def test_places_are_in_the_pictures_scale():
    picture = Picture.from_array(np.zeros((3, 4, 5)), None, scale=(2.5, 0.5, 0.25))
    z, y, x = np.indices((3, 4, 5)).reshape(3, -1)
    found = Position().compute(picture, None)
    np.testing.assert_allclose(found.T, [0.25 * x, 0.5 * y, 2.5 * z])
    feature = AnchorDistance(anchors=[(1, 2, 3)])
    expected = np.sqrt(
        (2.5 * (z - 1)) ** 2 + (0.5 * (y - 2)) ** 2 + (0.25 * (x - 3)) ** 2
    )
    np.testing.assert_allclose(feature.compute(picture, None)[:, 0], expected)


@pytest.mark.parametrize("axes", ["", "x", "XX", "XA", "ALL", None, 3, ("X",), "XYZTX"])
def test_bad_axes_are_refused(axes):
    with pytest.raises(ValueError) as caught:
        Position(axes)
    assert str(caught.value) == (
        "Expected axes as 'all' or letters among X, Y, Z and T, each once, got "
        f"{axes!r}."
    )


def test_an_axis_that_is_not_there_is_refused():
    for ask in (Position("XZ").names, lambda p: Position("XZ").compute(p, None)):
        with pytest.raises(ValueError) as caught:
            ask(grey((2, 3)))
        assert str(caught.value) == (
            "Expected axes among ('Y', 'X') for Position, got 'Z'; choose others, or "
            "label the axes of the image."
        )


def test_fixed_places_are_those_of_the_picture():
    picture = Picture.from_array(np.zeros((9, 20)))
    feature = AnchorDistance(n=3, seed=5, weight=0.5)
    fixed = feature.fixed(picture)
    assert fixed.weight == 0.5
    np.testing.assert_array_equal(fixed.places((90, 3)), feature.places((9, 20)))
    assert AnchorDistance.from_json(fixed.to_json()) == fixed
    assert fixed.fixed(picture) == fixed
    assert Position().fixed(picture) == Position()
