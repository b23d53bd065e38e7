"""Clustering: the clusters of a picture's pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from skimage.color import deltaE_ciede2000, hsv2rgb, rgb2lab

from .features.checks import MAX_SEED, whole
from .features.samples import distinct_names
from .matching import match_labels
from .mixture.covariance import COVARIANCE_TYPES
from .regions import (
    MIN_SIZE,
    connected_regions,
    merge_similar,
    perceived,
    region_settings,
)

SATURATIONS_AND_VALUES = ((0.9, 1.0), (0.4, 0.95), (0.9, 0.55), (0.5, 0.7))
"""Of each hue in random colors."""
HUES = 64  # around the circle; with each look more colors than labels

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    from .features import FeatureGroup, Picture
    from .mixture import FastGaussianMixture, Iteration
    from .recipe import Recipe


@dataclass(frozen=True, eq=False)
class Clustering:
    """The clusters of a picture's pixels.

    Attributes
    ----------
    labels : ndarray (*spatial) uint8
        1 to K, the component with the largest weight first; 0 where the pixel is
        masked out or not finite.
    mixture : FastGaussianMixture
        The fitted mixture, in feature units, its components in the order of labels.
    colors : ndarray (K, C) float64
        Responsibility-weighted mean of the pixels of each component, in image units.
    color_covariances : ndarray (K, C, C) float64
        Covariance of each component over the channels, in image units: the
        mixture's marginal if color is among its features, else the
        responsibility-weighted covariance of the pixels.
    pixel_counts : ndarray (K,) int64
        Number of pixels with each label.
    picture : Picture
        What was clustered.
    groups : tuple of FeatureGroup
        The columns of each feature, and the factors on them; features of more
        influence come first.
    feature_names : tuple of str
        Name of each of the mixture's columns.
    recipe : Recipe
        All that replays it.
    history : tuple of Iteration
        The iterations of the fit, with their parameters, in the order of labels.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_pixel_mixtures import cluster
    >>> image = np.array([[0, 1, 0, 9], [1, 0, 8, 9]])
    >>> clustering = cluster(image, n_components=2)
    >>> clustering  # doctest: +NORMALIZE_WHITESPACE
    Clustering(n_components=2, covariance_type='full', shape=(2, 4),
               features=[Color()], n_iter=2)
    >>> clustering.labels
    array([[1, 1, 1, 2],
           [1, 1, 2, 2]], dtype=uint8)
    >>> clustering.quantized()
    array([[0, 0, 0, 9],
           [0, 0, 9, 9]])
    >>> clustering.permuted_colors().round(1)
    array([[8.7],
           [0.4]])
    >>> clustering.table().round(3)
       label  weight  pixels  share   gray
    0      1   0.625       5  0.625  0.400
    1      2   0.375       3  0.375  8.667
    >>> print(clustering.advice)
    None
    """

    labels: NDArray[np.uint8]
    mixture: FastGaussianMixture
    colors: NDArray[np.float64]
    color_covariances: NDArray[np.float64]
    pixel_counts: NDArray[np.int64]
    picture: Picture
    groups: tuple[FeatureGroup, ...]
    feature_names: tuple[str, ...]
    recipe: Recipe
    history: tuple[Iteration, ...] = ()

    def __repr__(self) -> str:
        """One line; its arrays would fill the console."""
        return (
            f"Clustering(n_components={self.n_components}, "
            f"covariance_type={self.recipe.covariance_type!r}, "
            f"shape={self.labels.shape}, features={list(self.recipe.features)}, "
            f"n_iter={self.mixture.n_iter_})"
        )

    @property
    def n_components(self) -> int:
        """Number of components, K."""
        return len(self.colors)

    @property
    def log_likelihood(self) -> float:
        """Mean log-likelihood of a pixel, in feature units."""
        return float(self.mixture.lower_bound_)

    @property
    def advice(self) -> str | None:
        """What to do if the fit stopped before it converged; None if it converged."""
        if self.mixture.converged_:
            return None
        return (
            f"The fit stopped at iteration {self.mixture.n_iter_}, before it "
            "converged; raise max_iter (Iterations), or tol (Tolerance) for a coarser "
            "fit."
        )

    @property
    def fitted_order(self) -> NDArray[np.intp]:
        """The components, from 0, in the order in which labels were found.

        It decides where two are as probable: the first has all pixels of components
        that are alike.
        """
        return np.lexsort((-self.pixel_counts, -self.mixture.weights_))

    def quantized(self) -> NDArray[Any]:
        """Give every pixel the color of its component.

        Returns
        -------
        ndarray
            In the shape of the image, without alpha; pixels with label 0 are 0. Of
            the image's type if that is integer (rounded), else floating.
        """
        dtype = self.picture.values.dtype
        colors = self.colors
        if dtype.kind in "ui":
            colors = _rounded(colors, dtype)
        else:
            colors = colors.astype(self.picture.float_type)
        palette = np.zeros((len(colors) + 1, colors.shape[1]), colors.dtype)
        palette[1:] = colors
        return self.picture.like_array(palette[self.labels])

    def regions(
        self, min_size: int = MIN_SIZE, contrast: float = 0.0
    ) -> NDArray[np.int32]:
        """Give each connected piece of a cluster a number of its own.

        Each plane or volume of a series has its own: neighbors lie along
        `Picture.spatial_axes`.

        Parameters
        ----------
        min_size : int
            Pieces of fewer pixels are dealt out to the nearest others.
        contrast : float
            Then neighbors are merged, the most similar first, while that adds less
            than the square of this to the mean squared deviation of the pixels from
            their regions' colors. In units of CIE L*a*b*, of which about 2 can just be
            seen; of a picture not in color in hundredths of each channel's range
            (1st to 99th percentile). 0 merges none.

        Returns
        -------
        ndarray (*spatial) int32
            1, 2, and so on in scan order, of a series one plane or volume after the
            other; 0 where pixels are not clustered.

        Raises
        ------
        ValueError
            The size is not a whole number of at least 1, or the contrast not a
            number from 0.

        Examples
        --------
        >>> import numpy as np
        >>> from napari_pixel_mixtures import cluster
        >>> image = np.array([[0, 0, 9, 9, 0, 0], [0, 0, 9, 9, 9, 0]])
        >>> cluster(image, n_components=2).regions(min_size=4)
        array([[1, 1, 2, 2, 2, 2],
               [1, 1, 2, 2, 2, 2]], dtype=int32)
        """
        least, height = region_settings(min_size, contrast).values()
        picture = self.picture
        values = picture.values
        if height > 0:
            values = perceived(picture, self.labels > 0).reshape(*picture.shape, -1)
        regions = np.zeros(picture.shape, np.int32)
        n = 0
        for labels, colors, into in zip(
            *map(picture.frames, (self.labels, values, regions)), strict=True
        ):
            found = connected_regions(labels, least)
            if height > 0:
                found = merge_similar(found, colors.reshape(found.size, -1), height)
            into[...] = np.where(found > 0, found + n, 0)
            n += int(found.max())
        return regions

    def reordered(self, order: ArrayLike) -> Clustering:
        """Give the components other numbers.

        Parameters
        ----------
        order : array_like (K,) of int
            Which component, from 0, gets label 1, 2, and so on.

        Raises
        ------
        ValueError
            It is not a permutation.
        """
        indices = np.asarray(order)
        mixture = self.mixture.reordered(indices)
        new_labels = np.zeros(self.n_components + 1, np.uint8)
        new_labels[indices + 1] = np.arange(1, self.n_components + 1)
        return replace(
            self,
            labels=new_labels[self.labels],
            mixture=mixture,
            colors=self.colors[indices],
            color_covariances=self.color_covariances[indices],
            pixel_counts=self.pixel_counts[indices],
            history=tuple(
                reordered_iteration(s, self.recipe, indices) for s in self.history
            ),
        )

    def matched(self, previous: NDArray[np.uint8]) -> Clustering:
        """Renumber the components so that most pixels keep their earlier labels.

        Parameters
        ----------
        previous : ndarray (*spatial) uint8
            Labels of an earlier clustering of the same picture.

        Raises
        ------
        ValueError
            They have another shape.
        """
        order = match_labels(self.labels, previous, self.n_components)
        if np.array_equal(order, np.arange(self.n_components)):
            return self
        return self.reordered(order)

    def permuted_colors(self, random_state: int = 0) -> NDArray[np.float64]:
        """Deal out the same colors at random, (K, C).

        The permutation is a random cycle: if there are two components or more, no
        component keeps its color. With the same seed, one component more takes its
        place between two others, so that all but one of them get the color of the
        same component as before.
        """
        seed = whole("random_state", random_state, 0, MAX_SEED)
        order = _random_cycle(self.n_components, seed)
        permuted = np.empty_like(self.colors)
        permuted[order] = self.colors[np.roll(order, 1)]
        return permuted

    def random_colors(self, random_state: int = 0) -> NDArray[np.float64]:
        """Give each component a color to tell it by, (K, 3) from 0 to 1.

        Of a picture in color they are the `permuted_colors`. Grays and the colors of
        fluorescence are alike however they are dealt out: then each is the color that
        differs most from those of the labels before (CIEDE2000), among hues from
        around the circle, bright and dark. So with the same seed a label has the same
        one whatever the number of components.
        """
        if self.picture.rgb:
            return self.picture.to_rgb(self.permuted_colors(random_state))
        seed = whole("random_state", random_state, 0, MAX_SEED)
        return _distinct_colors(self.n_components, seed).copy()

    def table(self) -> pd.DataFrame:
        """Give a row for each component.

        Returns
        -------
        DataFrame
            label; weight in the mixture; pixels with this label; their share of all
            labeled pixels; mean color, a column a channel, in image units.
        """
        import pandas as pd

        columns: dict[str, Any] = {
            "label": np.arange(1, self.n_components + 1),
            "weight": self.mixture.weights_.astype(np.float64),
            "pixels": self.pixel_counts,
            "share": self.pixel_counts / self.pixel_counts.sum(),
        }
        # A channel may be called as another column.
        names = distinct_names([tuple(columns), self.picture.channel_names])[1]
        columns |= dict(zip(names, self.colors.T, strict=True))
        return pd.DataFrame(columns)


def reordered_iteration(
    step: Iteration, recipe: Recipe, order: NDArray[np.intp]
) -> Iteration:
    """Give the components of an iteration other numbers."""
    kind = COVARIANCE_TYPES[recipe.covariance_type]
    return replace(
        step,
        weights=step.weights[order],
        means=step.means[order],
        covariances=kind.take(step.covariances, order),
        precisions_cholesky=kind.take(step.precisions_cholesky, order),
    )


def _random_cycle(n: int, seed: int) -> NDArray[np.intp]:
    """Draw a cycle through 0 to n - 1, each number put behind a random earlier one.

    All (n - 1)! cycles are alike likely, and that of n numbers is that of n + 1
    without the last.
    """
    draws = np.random.default_rng(seed).random(max(n - 1, 0))
    cycle = [0]
    for number, draw in enumerate(draws, start=1):
        cycle.insert(1 + int(draw * number), number)
    return np.array(cycle, np.intp)


@lru_cache(maxsize=64)  # live fits ask for the same ones again and again
def _distinct_colors(n: int, seed: int) -> NDArray[np.float64]:
    """Choose n colors, (n, 3) from 0 to 1; more of the same seed begin with these.

    The first is any of the brightest; each further one is, of all hues and looks, the
    farthest from the nearest that was chosen before.
    """
    random = np.random.default_rng(seed)
    hues = (np.arange(HUES) / HUES + random.random()) % 1
    looks = np.repeat(SATURATIONS_AND_VALUES, HUES, axis=0)
    hues = np.tile(hues, len(SATURATIONS_AND_VALUES))
    colors: NDArray[np.float64] = hsv2rgb(np.column_stack([hues, looks]))
    lab = rgb2lab(colors)
    chosen = [int(random.integers(HUES))]
    nearest = np.full(len(colors), np.inf)
    while len(chosen) < n:
        last = lab[np.newaxis, chosen[-1]]
        away = deltaE_ciede2000(lab, last)  # type: ignore[no-untyped-call]
        np.minimum(nearest, away, out=nearest)
        chosen.append(int(nearest.argmax()))
    return colors[chosen]


def _rounded(values: NDArray[np.float64], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Round to an integer type, within its range also where float64 leaves it."""
    range_ = np.iinfo(dtype)
    rounded = np.rint(values)
    beyond = rounded >= float(range_.max)  # 2**64 - 1 is 2**64 in float64
    whole_numbers = np.where(beyond, 0, rounded).astype(dtype)
    whole_numbers[beyond] = range_.max
    return whole_numbers
