"""The bank of cases: named pictures and mixtures whose answers are known.

Pictures are made here in plain numpy; nothing of the package is used.
"""

from dataclasses import dataclass, field
from functools import cache

import numpy as np
from sklearn.datasets import load_sample_image


@dataclass(frozen=True, eq=False)
class PictureCase:
    """An array, and what it means as a picture.

    `pixels` are the channel values of each pixel (n, C), in the order of the flat
    image; `names` those of the channels.
    """

    array: np.ndarray
    channel_axis: int | str | None
    shape: tuple[int, ...]
    pixels: np.ndarray
    names: tuple[str, ...]
    rgb: bool = False


def noise(*shape, seed=0):
    """Uniform noise of uint8; no two calls with other shapes share a pixel."""
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def _picture_cases():
    rgb = noise(5, 7, 3)
    rgba = noise(5, 7, 4)
    grey = noise(5, 7)
    volume = noise(3, 5, 7)
    rgb_volume = noise(2, 5, 7, 3)
    two = noise(5, 7, 2)
    five = noise(5, 7, 5)
    colors = ("R", "G", "B")
    five_names = tuple(f"channel {i}" for i in range(5))
    moved = {
        f"five channels on axis {axis}": PictureCase(
            np.moveaxis(five, -1, axis), axis, (5, 7), five.reshape(-1, 5), five_names
        )
        for axis in (-3, -2, 0, 1, 2)
    }
    return moved | {
        "rgb": PictureCase(rgb, -1, (5, 7), rgb.reshape(-1, 3), colors, True),
        "rgba": PictureCase(
            rgba, -1, (5, 7), rgba[..., :3].reshape(-1, 3), colors, True
        ),
        "grey": PictureCase(grey, "auto", (5, 7), grey.reshape(-1, 1), ("gray",)),
        "grey, said so": PictureCase(
            grey, None, (5, 7), grey.reshape(-1, 1), ("gray",)
        ),
        "one channel": PictureCase(
            grey[..., None], -1, (5, 7), grey.reshape(-1, 1), ("gray",)
        ),
        "two channels": PictureCase(
            two, -1, (5, 7), two.reshape(-1, 2), ("channel 0", "channel 1")
        ),
        "three channels first": PictureCase(
            np.moveaxis(rgb, -1, 0),
            0,
            (5, 7),
            rgb.reshape(-1, 3),
            ("channel 0", "channel 1", "channel 2"),
        ),
        "volume": PictureCase(
            volume, None, (3, 5, 7), volume.reshape(-1, 1), ("gray",)
        ),
        "rgb volume": PictureCase(
            rgb_volume, -1, (2, 5, 7), rgb_volume.reshape(-1, 3), colors, True
        ),
        "one pixel": PictureCase(
            rgb[:1, :1], -1, (1, 1), rgb[:1, :1].reshape(-1, 3), colors, True
        ),
        "one row": PictureCase(rgb[:1], -1, (1, 7), rgb[0], colors, True),
        "one column": PictureCase(rgb[:, :1], -1, (5, 1), rgb[:, 0], colors, True),
    }


PICTURES = _picture_cases()

# Types that pictures are stored in, and the type of their samples.
DTYPES = {
    "bool": np.float32,
    "uint8": np.float32,
    "int8": np.float32,
    "uint16": np.float32,
    "int16": np.float32,
    "uint32": np.float64,
    "int32": np.float64,
    "uint64": np.float64,
    "int64": np.float64,
    "float16": np.float32,
    "float32": np.float32,
    "float64": np.float64,
    ">u2": np.float32,
    ">i4": np.float64,
    ">f4": np.float32,
    ">f8": np.float64,
}


@dataclass(frozen=True)
class BadImage:
    """An image that is refused, and the whole sentence that says why."""

    image: object
    error: type[Exception]
    sentence: str
    settings: dict = field(default_factory=dict)


BAD_IMAGES = {
    "complex": BadImage(
        np.ones((4, 5), complex),
        TypeError,
        "Expected an image of real numbers, got complex128; take its magnitude "
        "(numpy.abs) or its real part first.",
    ),
    "objects": BadImage(
        np.ones((4, 5), object),
        TypeError,
        "Expected an image of numbers, got object; convert it "
        "(array.astype(float)) first.",
    ),
    "nothing": BadImage(
        None,
        TypeError,
        "Expected an image of numbers, got object; convert it "
        "(array.astype(float)) first.",
    ),
    "text": BadImage(
        np.full((4, 5), "red"),
        TypeError,
        "Expected an image of numbers, got <U3; convert it "
        "(array.astype(float)) first.",
    ),
    "dates": BadImage(
        np.zeros((4, 5), "M8[s]"),
        TypeError,
        "Expected an image of numbers, got datetime64[s]; convert it "
        "(array.astype(float)) first.",
    ),
    "masked": BadImage(
        np.ma.masked_less(noise(4, 5), 9),
        TypeError,
        "Expected a plain array, got a masked one; give its data, and what is not "
        "masked as the mask: image.data, mask=~image.mask (one value a pixel).",
    ),
    "one axis": BadImage(
        np.ones(5),
        ValueError,
        "Expected an image with two axes or more, got an array of shape (5,); "
        "reshape it to (rows, columns).",
    ),
    "a number": BadImage(
        7,
        ValueError,
        "Expected an image with two axes or more, got an array of shape (); "
        "reshape it to (rows, columns).",
    ),
    "no rows": BadImage(
        np.ones((0, 5, 3)),
        ValueError,
        "Expected an image with at least one pixel, got an array of shape "
        "(0, 5, 3); choose an image that is not empty.",
    ),
    "no channels": BadImage(
        np.ones((4, 5, 0)),
        ValueError,
        "Expected an image with at least one pixel, got an array of shape "
        "(4, 5, 0); choose an image that is not empty.",
    ),
    "no such axis": BadImage(
        np.ones((4, 5, 3)),
        ValueError,
        "Expected a channel_axis within the 3 axes of the image, got 3; the image "
        "has shape (4, 5, 3).",
        {"channel_axis": 3},
    ),
    "an axis by name": BadImage(
        np.ones((4, 5, 3)),
        ValueError,
        "Expected a channel_axis within the 3 axes of the image, got 'c'; the image "
        "has shape (4, 5, 3).",
        {"channel_axis": "c"},
    ),
    "channels of a line": BadImage(
        np.ones((4, 5)),
        ValueError,
        "Expected two axes or more beside the channels, got an array of shape (4, 5) "
        "with channel_axis=0; use channel_axis=None for a gray picture.",
        {"channel_axis": 0},
    ),
    "only NaN": BadImage(
        np.full((4, 5), np.nan),
        ValueError,
        "Expected at least one pixel with finite values, got only NaN or infinity; "
        "replace them (numpy.nan_to_num) or choose another image.",
    ),
    "an empty mask": BadImage(
        noise(4, 5),
        ValueError,
        "Expected a mask with at least one pixel, got an empty one; paint the region "
        "to cluster.",
        {"mask": np.zeros((4, 5))},
    ),
    "a mask of another shape": BadImage(
        noise(4, 5),
        ValueError,
        "Expected a mask of the picture's shape (4, 5), got (5, 4); make the mask "
        "from this picture.",
        {"mask": np.ones((5, 4))},
    ),
    "huge numbers": BadImage(
        np.array([[1e200, 2e200]]),
        ValueError,
        "Expected values of color up to 1e+150 in size, got 2e+200; divide the image "
        "by its largest value, or lower the feature's weight.",
    ),
    "huge single numbers, raw": BadImage(
        np.array([[1e20, 2e20]], np.float32),
        ValueError,
        "Expected values of color up to 1e+15 in size, got 2e+20; divide the image "
        "by its largest value, or lower the feature's weight.",
        {"scaling": "raw"},
    ),
}


@dataclass(frozen=True, eq=False)
class MixtureCase:
    """A Gaussian mixture, the largest component first."""

    weights: np.ndarray
    means: np.ndarray
    covariances: np.ndarray

    @property
    def n_components(self):
        return len(self.weights)

    def draw(self, *shape, seed=0):
        """Draw a picture (*shape, d) of float64 and its labels (*shape), from 1.

        The shares of the labels are the weights to within a pixel.
        """
        random = np.random.default_rng(seed)
        n = int(np.prod(shape))
        stops = np.rint(np.cumsum(self.weights) * n).astype(int)
        labels = random.permutation(np.searchsorted(stops, np.arange(n), "right"))
        factors = np.linalg.cholesky(self.covariances)
        draws = random.standard_normal((n, self.means.shape[1]))
        values = self.means[labels] + np.einsum("nij,nj->ni", factors[labels], draws)
        return values.reshape(*shape, -1), (labels + 1).reshape(shape)


def _random_covariances(n_components, d, seed, size):
    random = np.random.default_rng(seed)
    axes = np.linalg.qr(random.standard_normal((n_components, d, d)))[0]
    variances = size**2 * random.uniform(0.3, 1.0, (n_components, d)) ** 2
    return (axes * variances[:, None, :]) @ axes.transpose(0, 2, 1)


MIXTURES = {
    # So far apart that every fit that works finds each pixel's component.
    "three balls far apart": MixtureCase(
        np.array([0.5, 0.3, 0.2]),
        np.array([[60.0, 60.0, 60.0], [120.0, 200.0, 90.0], [210.0, 90.0, 160.0]]),
        np.stack([np.eye(3) * s for s in (25.0, 16.0, 36.0)]),
    ),
    "three ellipsoids far apart": MixtureCase(
        np.array([0.5, 0.3, 0.2]),
        np.array([[60.0, 60.0, 60.0], [120.0, 200.0, 90.0], [210.0, 90.0, 160.0]]),
        _random_covariances(3, 3, seed=1, size=9.0),
    ),
    "two close, of five channels": MixtureCase(
        np.array([0.6, 0.4]),
        np.array([[10.0, 20.0, 30.0, 40.0, 50.0], [30.0, 5.0, 30.0, 40.0, 70.0]]),
        _random_covariances(2, 5, seed=2, size=8.0),
    ),
    "units of 1e4 and 1e-2": MixtureCase(
        np.array([0.7, 0.3]),
        np.array([[30000.0, 0.05, 1.0], [60000.0, 0.01, -1.0]]),
        np.array([1e4, 1e-2, 1.0])[:, None]
        * _random_covariances(2, 3, seed=3, size=0.3)
        * np.array([1e4, 1e-2, 1.0]),
    ),
}

COVARIANCE_TYPES = ("full", "tied", "diag", "spherical")


@cache
def china():
    """scikit-learn's photograph, (427, 640, 3) uint8; do not write to it."""
    image = load_sample_image("china.jpg")
    image.flags.writeable = False
    return image


# Mean log-likelihood of a pixel of china() in scikit-learn 1.9.1's fit: colors as they
# are, full covariances, random_state=0; by the number of components.
CHINA_LOG_LIKELIHOODS = {2: -13.53072, 4: -12.97018, 10: -12.55757, 30: -12.36102}


def matrices(covariance_type, covariances, n_components, d):
    """Covariance matrix of each component (K, d, d), from scikit-learn's forms."""
    if covariance_type == "full":
        return np.asarray(covariances, float)
    if covariance_type == "tied":
        return np.stack([np.asarray(covariances, float)] * n_components)
    if covariance_type == "diag":
        return np.stack([np.diag(v) for v in np.asarray(covariances, float)])
    return np.stack([np.eye(d) * v for v in np.asarray(covariances, float)])
