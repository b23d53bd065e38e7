"""Companion: another image of the same pixels."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from cases import noise
from napari_pixel_mixtures import Color, Companion, Picture, cluster

IMAGE, DEPTH, TWO = noise(5, 7, 3), noise(5, 7, seed=1), noise(5, 7, 2, seed=2)


def test_its_values_are_columns():
    picture = Picture.from_array(IMAGE, companions={"depth": DEPTH, "two": TWO})
    assert Companion("depth").names(picture) == ("depth",)
    assert_array_equal(Companion("depth").compute(picture, None)[:, 0], DEPTH.ravel())
    assert Companion("two").names(picture) == ("two 0", "two 1")
    some = np.array([3, 30])
    assert_array_equal(
        Companion("two").compute(picture, some), TWO.reshape(-1, 2)[some]
    )


@pytest.mark.parametrize(
    ("n", "names"),
    [
        (1, ("more 0",)),
        (3, ("more R", "more G", "more B")),
        (4, ("more R", "more G", "more B", "more A")),
        (5, ("more 0", "more 1", "more 2", "more 3", "more 4")),
    ],
)
def test_three_or_four_channels_are_colors_as_those_of_an_image(n, names):
    picture = Picture.from_array(IMAGE, companions={"more": noise(5, 7, n, seed=3)})
    assert Companion("more").names(picture) == names


def test_clustering_by_another_image():
    by_depth = cluster(IMAGE, 3, features=Companion("d"), companions={"d": DEPTH})
    assert_array_equal(by_depth.labels, cluster(DEPTH, 3).labels)
    assert by_depth.colors.shape == (3, 3)  # those of the image itself


def test_a_picture_keeps_its_own_unless_others_are_given():
    picture = Picture.from_array(IMAGE, companions={"depth": DEPTH})
    expected = cluster(DEPTH, 2).labels
    found = cluster(picture, 2, features=Companion("depth"))
    assert_array_equal(found.labels, expected)
    with pytest.raises(ValueError):
        cluster(picture, 2, features=Companion("depth"), companions={"two": TWO})


def test_pixels_where_it_is_not_finite_get_label_0():
    depth = DEPTH.astype(np.float32)
    depth[2, 3], depth[0, 0] = np.nan, np.inf
    features = [Color(), Companion("depth")]
    found = cluster(IMAGE, 2, features=features, companions={"depth": depth})
    assert_array_equal(found.labels == 0, ~np.isfinite(depth))
    masked = cluster(
        IMAGE,
        2,
        features=features,
        companions={"depth": DEPTH},
        mask=np.isfinite(depth),
    )
    assert_array_equal(found.labels, masked.labels)


def test_an_image_that_is_not_there_is_refused():
    picture = Picture.from_array(IMAGE, companions={"depth": DEPTH, "a": TWO})
    for name in ("nuclei", ""):
        for ask in (Companion(name).names, lambda p: Companion(name).compute(p, None)):  # noqa: B023
            with pytest.raises(ValueError) as caught:
                ask(picture)
            assert str(caught.value) == (
                "Expected an image of the same shape among ['a', 'depth'], got "
                f"{name!r}; choose another, or give it as a companion."
            )


@pytest.mark.parametrize("name", [None, 3, ["depth"], b"depth", "n" * 1001])
def test_a_bad_name_is_refused(name):
    with pytest.raises(ValueError) as caught:
        Companion(name)
    assert str(caught.value) == (
        "Expected the name of an image as a string of at most 1000 characters, got "
        f"{name!r:.80}."
    )


@pytest.mark.parametrize(
    ("companions", "sentence"),
    [
        (
            {"depth": noise(7, 5)},
            "Expected the companion 'depth' in the picture's shape (5, 7), got (7, 5); "
            "choose an image of the same pixels.",
        ),
        (
            {"depth": np.ones((5, 7, 0))},
            "Expected the companion 'depth' in the picture's shape (5, 7), got (5, 7, "
            "0); choose an image of the same pixels.",
        ),
        (
            [1, 2],
            "Expected companions as a dict of arrays by their names, got [1, 2].",
        ),
        ({3: DEPTH}, "Expected a companion's name as a string, got 3."),
    ],
)
def test_bad_companions_are_refused(companions, sentence):
    with pytest.raises(ValueError) as caught:
        cluster(IMAGE, 2, companions=companions)
    assert str(caught.value) == sentence
