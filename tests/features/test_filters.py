"""Filters, against scipy and scikit-image, in planes, volumes and series of them."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import ndimage
from skimage import color, feature, filters

from cases import noise
from napari_pixel_mixtures.features import (
    Blur,
    DifferenceOfGaussians,
    Feature,
    GaborEnergy,
    GradientMagnitude,
    Hessian,
    LocalDeviation,
    Picture,
    StructureTensor,
)
from napari_pixel_mixtures.features.filter import Filter
from napari_pixel_mixtures.features.gabor import WAVELENGTH, spread_directions

SIGMA = 1.5
KINDS = [kind for kind in Feature.registry.values() if issubclass(kind, Filter)]


def blur(image):
    return [ndimage.gaussian_filter(image, SIGMA, mode="nearest")]


def gradient(image):
    return [ndimage.gaussian_gradient_magnitude(image, SIGMA, mode="nearest")]


def spots(image):
    return [filters.difference_of_gaussians(image, SIGMA, 1.6 * SIGMA, mode="nearest")]


def roughness(image):
    """The standard deviation by the weights of the Gaussian, term by term."""
    pulse = np.zeros([25] * image.ndim)
    pulse[(12,) * image.ndim] = 1
    weights = ndimage.gaussian_filter(pulse, SIGMA)
    steps = np.argwhere(weights > 0)
    padded = np.pad(image, 12, mode="edge")
    around = np.stack(
        [
            padded[tuple(slice(s, s + n) for s, n in zip(step, image.shape))]  # noqa: B905
            for step in steps
        ],
        axis=-1,
    )
    weights = weights[tuple(steps.T)]
    mean = np.average(around, axis=-1, weights=weights)
    squares = (around - mean[..., None]) ** 2
    return [np.sqrt(np.average(squares, axis=-1, weights=weights))]


def structure(image):
    tensor = feature.structure_tensor(image, SIGMA, mode="nearest", order="rc")
    values = feature.structure_tensor_eigenvalues(tensor)
    norm = 2 * 4 ** (image.ndim - 1)  # of Sobel's filter
    return np.sqrt(np.maximum(values, 0)) / norm


def ridges(image):
    axes = range(image.ndim)
    matrix = np.empty((*image.shape, image.ndim, image.ndim))
    for i in axes:
        for j in axes:
            orders = [(a == i) + (a == j) for a in axes]
            matrix[..., i, j] = ndimage.gaussian_filter(
                image, SIGMA, orders, mode="nearest"
            )
    return np.moveaxis(np.linalg.eigvalsh(matrix)[..., ::-1], -1, 0)


def waves(image):
    """The sum over each neighborhood with complex kernels in full."""
    radius = int(np.ceil(3 * SIGMA))
    grid = np.stack(
        np.meshgrid(*[np.arange(-radius, radius + 1)] * image.ndim, indexing="ij"), -1
    )
    envelope = np.exp(-0.5 * (grid**2).sum(-1) / SIGMA**2)
    envelope /= envelope.sum()
    number = 2 * np.pi / (WAVELENGTH * SIGMA)
    centered = image - image.mean()
    return [
        np.abs(
            ndimage.correlate(
                centered.astype(complex),
                envelope * np.exp(1j * number * (grid @ direction)),
                mode="nearest",
            )
        )
        for direction in spread_directions(4, image.ndim)
    ]


REFERENCES = {
    Blur: blur,
    GradientMagnitude: gradient,
    DifferenceOfGaussians: spots,
    LocalDeviation: roughness,
    StructureTensor: structure,
    Hessian: ridges,
    GaborEnergy: waves,
}


def test_smooth_places_are_smooth_beside_bright_ones():
    """Background of 100 +- 5 beside cells of 20,000, as microscopes give it."""
    random = np.random.default_rng(0)
    image = np.rint(random.normal(100, 5, (60, 80))).astype(np.uint16)
    image[:, 40:] += 20_000
    found = LocalDeviation(SIGMA).compute(Picture.from_array(image), None)[:, 0]
    (expected,) = roughness(image.astype(np.float64))
    assert_allclose(found.reshape(image.shape), expected, rtol=1e-5)


def test_every_filter_has_its_reference():
    assert set(KINDS) == set(REFERENCES)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(17, 23), (9, 10, 11)], ids=["plane", "volume"])
@pytest.mark.parametrize("kind", KINDS)
def test_filters_do_as_scipy_and_scikit_image(kind, shape, dtype):
    image = noise(*shape).astype(dtype)
    picture = Picture.from_array(image, channel_axis=None)
    found = kind(SIGMA).compute(picture, None)
    assert found.dtype == picture.float_type
    expected = np.stack(REFERENCES[kind](image.astype(np.float64)))
    assert len(kind(SIGMA).names(picture)) == len(expected) == found.shape[1]
    tolerance = 1e-9 if dtype == np.float64 else 2e-4
    assert_allclose(
        found.T.reshape(expected.shape),
        expected,
        atol=tolerance * np.abs(expected).max(),
    )


def test_gabor_energy_in_a_plane_is_that_of_scikit_image():
    image = noise(31, 33).astype(np.float64)
    picture = Picture.from_array(image)
    found = GaborEnergy(2).compute(picture, None)
    for k, theta in enumerate([0, np.pi / 2]):
        frequency = 1 / (WAVELENGTH * 2)
        kernel = filters.gabor_kernel(frequency, theta, bandwidth=1)
        real, imaginary = filters.gabor(
            image - image.mean(), frequency, theta, bandwidth=1, mode="nearest"
        )
        expected = np.hypot(real, imaginary) / np.abs(kernel).sum()
        assert_allclose(found[:, 2 * k], expected.ravel(), rtol=1e-9)


@pytest.mark.parametrize("n", [1, 4, 7, 32])
@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_directions_are_unit_vectors_apart_from_each_other(ndim, n):
    directions = spread_directions(n, ndim)
    assert_allclose(np.linalg.norm(directions, axis=1), 1)
    if ndim > 1:
        cosines = np.abs(directions @ directions.T) - np.eye(n)
        # In a plane they are pi / n apart; on half a sphere each has 2 pi / n of area.
        gap = np.pi / n if ndim == 2 else 0.5 * np.sqrt(2 * np.pi / n)
        assert cosines.max() <= np.cos(gap) + 1e-9 or n == 1


@pytest.mark.parametrize("kind", KINDS)
def test_each_volume_of_a_time_series_is_filtered_by_itself(kind):
    series = noise(3, 5, 6, 7)
    picture = Picture.from_array(series, channel_axis=None)
    assert picture.spatial_axes == (1, 2, 3)
    found = kind(SIGMA).compute(picture, None)
    for t, volume in enumerate(series):
        alone = kind(SIGMA).compute(Picture.from_array(volume, None), None)
        assert_array_equal(found[t * 210 : (t + 1) * 210], alone)


@pytest.mark.parametrize("kind", KINDS)
def test_axes_may_stand_in_any_order(kind):
    series = noise(5, 3, 6)  # rows, times, columns
    picture = Picture.from_array(series, None, axis_labels=("y", "t", "x"))
    assert picture.spatial_axes == (0, 2)
    found = kind(SIGMA).compute(picture, None).reshape(5, 3, 6, -1)
    for t in range(3):
        alone = kind(SIGMA).compute(Picture.from_array(series[:, t]), None)
        assert_array_equal(found[:, t].reshape(30, -1), alone)


@pytest.mark.parametrize("kind", KINDS)
def test_some_pixels_are_taken_from_the_whole_picture(kind):
    picture = Picture.from_array(noise(9, 8, 3))
    whole = kind().compute(picture, None)
    some = np.array([70, 3, 12])
    assert_array_equal(kind().compute(picture, some), whole[some])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (1, 5, 6), (2, 1, 1, 3)])
def test_thin_pictures_are_filtered(kind, shape):
    picture = Picture.from_array(noise(*shape), channel_axis=None)
    found = kind(4).compute(picture, None)
    assert np.isfinite(found).all()
    assert found.shape == (np.prod(shape), len(kind(4).names(picture)))


@pytest.mark.parametrize("kind", [k for k in KINDS if k is not Blur])
def test_a_constant_image_has_no_texture(kind):
    picture = Picture.from_array(np.full((8, 9), 200, np.uint8))
    # Cut off, the second derivative of a Gaussian feels a constant by 1e-4 of it.
    assert_allclose(kind().compute(picture, None), 0, atol=0.02)


def test_brightness_of_colors_is_their_gray_value():
    image = noise(9, 8, 3)
    picture = Picture.from_array(image)
    gray = color.rgb2gray(image.astype(np.float64))
    found = Blur(SIGMA, of="brightness").compute(picture, None)
    assert_allclose(found[:, 0], blur(gray)[0].ravel(), rtol=1e-5)
    assert Blur(SIGMA, of="brightness").names(picture) == ("blur 1.5 brightness",)


def test_each_channel_of_others_is_filtered():
    image = noise(9, 8, 2)
    picture = Picture.from_array(image, names=("nuclei", "actin"))
    for of in ("brightness", "channels"):
        found = StructureTensor(SIGMA, of=of)
        columns = found.compute(picture, None).T.reshape(4, 9, 8)
        for c in range(2):
            alone = structure(image[..., c].astype(np.float64))
            assert_allclose(columns[2 * c : 2 * c + 2], alone, atol=2e-3)
        assert found.names(picture) == (
            "structure 1.5 nuclei 1",
            "structure 1.5 nuclei 2",
            "structure 1.5 actin 1",
            "structure 1.5 actin 2",
        )


def test_lab_is_filtered():
    image = noise(9, 8, 3)
    picture = Picture.from_array(image)
    lab = color.rgb2lab(image)
    found = Blur(SIGMA, of="Lab").compute(picture, None)
    for c in range(3):
        expected = blur(lab[..., c])[0].ravel()
        assert_allclose(found[:, c], expected, atol=1e-4)
    assert Blur(2, of="Lab").names(picture) == ("blur 2 L", "blur 2 a", "blur 2 b")
    with pytest.raises(ValueError) as caught:
        Blur(of="Lab").names(Picture.from_array(noise(5, 6)))
    assert str(caught.value) == (
        "Expected an image with red, green and blue for Blur of Lab, got one with 1 "
        "channel that is not color; use Color, Channel or Expression instead."
    )


@pytest.mark.parametrize("of", ["brightness", "channels", "Lab"])
def test_pixels_that_are_not_finite_count_as_the_mean(of):
    image = np.random.default_rng(0).random((9, 8, 3))
    holed = image.copy()
    holed[4, 4, 0] = np.nan
    holed[2, 3] = np.inf
    filled = image.copy()
    for c, places in enumerate([[(4, 4), (2, 3)], [(2, 3)], [(2, 3)]]):
        keep = np.ones((9, 8), bool)
        for place in places:
            keep[place] = False
        filled[~keep, c] = image[keep, c].mean()
    assert_allclose(
        Blur(of=of).compute(Picture.from_array(holed), None),
        Blur(of=of).compute(Picture.from_array(filled), None),
    )
    assert np.isnan(holed[4, 4, 0])  # the image itself is left as it was


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sigma", [0, 0.2, 101, -1, np.nan, np.inf, "2", None, True])
def test_a_bad_scale_is_refused(kind, sigma):
    with pytest.raises(ValueError) as caught:
        kind(sigma)
    assert str(caught.value) == (
        f"Expected the scale of {kind.kind} to be a number from 0.3 to 100, got "
        f"{sigma!r}."
    )


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda: Blur(of="hue"),
            "Expected what blur is of to be one of ('brightness', 'channels', 'Lab'), "
            "got 'hue'.",
        ),
        (
            lambda: DifferenceOfGaussians(ratio=1),
            "Expected the ratio of difference of gaussians to be a number from 1.01 to "
            "10, got 1.",
        ),
        (
            lambda: GaborEnergy(directions=0),
            "Expected the number of directions to be a whole number from 1 to 32, got "
            "0.",
        ),
    ],
)
def test_bad_settings_are_refused(make, sentence):
    with pytest.raises(ValueError) as caught:
        make()
    assert str(caught.value) == sentence
