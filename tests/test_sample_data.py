"""Sample data: right pictures, without a download; the known mixture is as said."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import sklearn.datasets
from PIL import Image
from sklearn.mixture import GaussianMixture

from napari_pixel_mixtures import sample_data

OFFLINE = """
import socket


def refuse(*args, **kwargs):
    raise AssertionError("A sample asked for the network.")


socket.socket.connect = refuse
socket.getaddrinfo = refuse

from napari_pixel_mixtures import sample_data

for name in ("china", "flower", "immunohistochemistry", "retina", "known_mixture"):
    print(*getattr(sample_data, name)()[0][0].shape)
"""


@pytest.fixture(scope="module")
def known():
    (picture, settings, _), (labels, _, _) = sample_data.known_mixture()
    return picture, labels, settings["metadata"]


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("china", (427, 640, 3)),
        ("flower", (427, 640, 3)),
        ("immunohistochemistry", (512, 512, 3)),
        ("retina", (1411, 1411, 3)),
    ],
)
def test_a_picture_is_one_rgb_image_layer_of_its_name(name, shape):
    [(pixels, settings, kind)] = getattr(sample_data, name)()
    assert (pixels.shape, pixels.dtype) == (shape, np.uint8)
    assert settings == {"name": name, "rgb": True}
    assert kind == "image"


@pytest.mark.parametrize(
    ("name", "package", "file"),
    [
        ("china", sklearn.datasets, "images/china.jpg"),
        ("flower", sklearn.datasets, "images/flower.jpg"),
        ("immunohistochemistry", skimage.data, "ihc.png"),
        ("retina", skimage.data, "retina.jpg"),
    ],
)
def test_a_picture_is_the_file_in_the_wheel(name, package, file):
    [(pixels, _, _)] = getattr(sample_data, name)()
    with Image.open(Path(package.__file__).parent / file) as picture:
        np.testing.assert_array_equal(pixels, np.asarray(picture.convert("RGB")))


def test_samples_open_without_network_or_home(tmp_path):
    # An empty home: no cache from an earlier download can help.
    environment = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", OFFLINE],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "427 640 3",
        "427 640 3",
        "512 512 3",
        "1411 1411 3",
        "256 256 3",
    ]


def test_known_mixture_is_a_picture_and_its_hidden_solution():
    (picture, image, kind), (labels, solution, other) = sample_data.known_mixture()
    assert (picture.shape, picture.dtype) == ((256, 256, 3), np.uint8)
    assert (labels.shape, labels.dtype) == ((256, 256), np.uint8)
    assert (kind, other) == ("image", "labels")
    assert (image["name"], image["rgb"]) == ("known mixture", True)
    assert solution["name"] == "known mixture true labels"
    assert solution["visible"] is False
    assert solution["metadata"] is image["metadata"]


def test_known_mixture_is_the_same_every_time(known):
    (again, _, _), (labels, _, _) = sample_data.known_mixture()
    np.testing.assert_array_equal(again, known[0])
    np.testing.assert_array_equal(labels, known[1])


def test_labels_are_shares_of_the_weights_largest_first(known):
    _, labels, truth = known
    shares = np.bincount(labels.reshape(-1), minlength=6) / labels.size
    assert shares[0] == 0
    np.testing.assert_allclose(shares[1:], truth["weights"], atol=1 / labels.size)
    assert truth["weights"].sum() == pytest.approx(1)
    assert (np.diff(truth["weights"]) < 0).all()


def test_regions_are_blobs(known):
    _, labels, _ = known
    same_as_right = (labels[:, 1:] == labels[:, :-1]).mean()
    assert same_as_right > 0.95


def test_colors_of_each_region_follow_its_gaussian(known):
    picture, labels, truth = known
    for component in range(5):
        colors = picture[labels == component + 1].astype(float)
        covariance = truth["covariances"][component]
        error = colors.mean(axis=0) - truth["means"][component]
        # Squared Mahalanobis distance of a mean of n draws: chi squared, 3 degrees.
        distance = len(colors) * error @ np.linalg.solve(covariance, error)
        assert distance < 21.1  # one in ten thousand is larger
        rounded = covariance + np.eye(3) / 12  # rounding adds a uniform error
        scale = np.sqrt(np.outer(np.diag(rounded), np.diag(rounded)))
        difference = (np.cov(colors.T) - rounded) / scale
        assert np.abs(difference).max() < 5 / np.sqrt(len(colors))


def test_full_covariances_find_the_truth_and_spherical_ones_do_not(known):
    picture, labels, truth = known
    samples = picture.reshape(-1, 3).astype(float)
    agreement = {}
    for covariance_type in ("full", "spherical"):
        mixture = GaussianMixture(5, covariance_type=covariance_type, random_state=0)
        mixture.fit(samples)
        found = mixture.predict(samples)
        # Each true component, and the best match for it.
        table = np.array(
            [
                np.bincount(found[labels.reshape(-1) == i], minlength=5)
                for i in range(1, 6)
            ]
        )
        agreement[covariance_type] = table.max(axis=0).sum() / labels.size
        if covariance_type == "full":
            weights = np.sort(mixture.weights_)[::-1]
            np.testing.assert_allclose(weights, truth["weights"], atol=0.002)
    assert agreement["full"] > 0.99
    assert agreement["spherical"] < 0.8
