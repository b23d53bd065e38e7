"""Pictures to try, all without a download.

Each function gives what napari's *File > Open Sample* asks for: a list of
(data, settings of the layer, type of the layer).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    LayerData = tuple[NDArray[Any], dict[str, Any], str]


def china() -> list[LayerData]:
    """Give a photograph of a Chinese temple, (427, 640, 3) uint8.

    From scikit-learn's wheel (china.jpg). By danielbuechele,
    https://www.flickr.com/photos/danielbuechele/6061409035, licensed CC BY 2.0.
    """
    from sklearn.datasets import load_sample_image

    return [_picture(load_sample_image("china.jpg"), "china")]


def flower() -> list[LayerData]:
    """Give a photograph of a dahlia, (427, 640, 3) uint8.

    From scikit-learn's wheel (flower.jpg). By vultilion,
    https://www.flickr.com/photos/vultilion/6056698931, licensed CC BY 2.0.
    """
    from sklearn.datasets import load_sample_image

    return [_picture(load_sample_image("flower.jpg"), "flower")]


def immunohistochemistry() -> list[LayerData]:
    """Give stained glands of a colon, (512, 512, 3) uint8.

    FHL2 protein is brown (DAB), other tissue blue (hematoxylin). From scikit-image's
    wheel (ihc.png). By the Center for Microscopy And Molecular Imaging (CMMI); no
    known copyright restrictions.
    """
    from skimage.data import immunohistochemistry

    pixels = immunohistochemistry()  # type: ignore[no-untyped-call]
    return [_picture(pixels, "immunohistochemistry")]


def retina() -> list[LayerData]:
    """Give the fundus of a healthy human eye, (1411, 1411, 3) uint8.

    From scikit-image's wheel (retina.jpg). By Mikael Häggström, "Medical gallery of
    Mikael Häggström 2014", WikiJournal of Medicine 1 (2),
    https://doi.org/10.15347/wjm/2014.008; CC0 1.0, public domain.
    """
    from skimage.data import retina

    pixels = retina()  # type: ignore[no-untyped-call]
    return [_picture(pixels, "retina")]


def known_mixture() -> list[LayerData]:
    """Give a picture drawn from a known Gaussian mixture, and its true labels.

    Five blotched regions; the colors of each are independent draws from its own
    normal distribution, rounded to whole numbers. Made here, with a fixed seed.

    Returns
    -------
    list of LayerData
        The picture (256, 256, 3) uint8, and the labels (256, 256) uint8, hidden:
        1 to 5, the largest component first. The metadata of both hold the true
        weights (5,), means (5, 3) and covariances (5, 3, 3), in image units.
    """
    truth = _known_truth()
    picture, labels = truth.draw((256, 256), seed=0)
    metadata = {
        "weights": truth.weights,
        "means": truth.means,
        "covariances": truth.covariances,
    }
    name = "known mixture"
    settings = {"name": name, "rgb": True, "metadata": metadata}
    # Hidden, so that the picture is seen before its solution.
    solution = {"name": f"{name} true labels", "metadata": metadata, "visible": False}
    return [(picture, settings, "image"), (labels, solution, "labels")]


def _picture(pixels: NDArray[np.uint8], name: str) -> LayerData:
    return pixels, {"name": name, "rgb": True}, "image"


@dataclass(frozen=True, eq=False)
class _Truth:
    """A Gaussian mixture of colors, the largest component first.

    Attributes
    ----------
    weights : ndarray (K,)
    means : ndarray (K, 3)
    covariances : ndarray (K, 3, 3)
    """

    weights: NDArray[np.float64]
    means: NDArray[np.float64]
    covariances: NDArray[np.float64]

    def draw(
        self, shape: tuple[int, int], seed: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Draw a picture (*shape, 3) and its labels (*shape), 1 to K.

        The shares of the labels are the weights to within a pixel.
        """
        import numpy as np
        from scipy.ndimage import gaussian_filter

        rng = np.random.default_rng(seed)
        n_pixels = shape[0] * shape[1]
        labels = np.ones(n_pixels, np.uint8)
        # The smallest first: each takes the summits of a smooth landscape of its own,
        # among the pixels that are left; the largest keeps the rest.
        for component in range(len(self.weights) - 1, 0, -1):
            heights = gaussian_filter(rng.standard_normal(shape), 12).reshape(-1)
            heights[labels > 1] = -np.inf
            size = round(self.weights[component] * n_pixels)
            labels[np.argpartition(heights, -size)[-size:]] = component + 1
        colors = np.empty((n_pixels, 3))
        for component, mean in enumerate(self.means):
            inside = np.flatnonzero(labels == component + 1)
            factor = np.linalg.cholesky(self.covariances[component])
            draws = rng.standard_normal((len(inside), 3))
            colors[inside] = mean + draws @ factor.T
        picture = np.clip(np.rint(colors), 0, 255).astype(np.uint8)
        return picture.reshape(*shape, 3), labels.reshape(shape)


def _known_truth() -> _Truth:
    """Give the mixture of `known_mixture`.

    Its three largest clouds are long and lie close together, in different
    directions: distances to means split them (k-means, spherical), while full
    covariances find them. No cloud reaches 0 or 255 within four standard deviations.
    """
    import numpy as np

    weights = np.array([0.4, 0.25, 0.18, 0.12, 0.05])
    means = np.array(
        [
            [85.0, 105.0, 130.0],  # blue
            [115.0, 115.0, 95.0],  # olive
            [150.0, 105.0, 100.0],  # brown
            [205.0, 195.0, 180.0],  # cream
            [195.0, 65.0, 80.0],  # red
        ]
    )
    # Columns: the axes of each ellipsoid, times the standard deviations along them.
    bright = np.array([1.0, 1.0, 1.0]) / np.sqrt(3)
    warm = np.array([1.0, 0.0, -1.0]) / np.sqrt(2)
    green = np.array([-1.0, 2.0, -1.0]) / np.sqrt(6)
    axes = np.stack([bright, warm, green], axis=1)
    deviations = np.array(
        [
            [28.0, 6.0, 5.0],
            [30.0, 7.0, 4.0],
            [8.0, 22.0, 4.0],
            [12.0, 5.0, 3.0],
            [8.0, 10.0, 8.0],
        ]
    )
    factors = axes * deviations[:, np.newaxis, :]
    return _Truth(weights, means, factors @ factors.transpose(0, 2, 1))
