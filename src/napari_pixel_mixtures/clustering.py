"""cluster: an image -> its clustering."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from .features import Color, Feature, FeatureGroup, Picture, Samples
from .features.checks import MAX_SEED, whole
from .mixture import FastGaussianMixture
from .mixture.covariance import COVARIANCE_TYPES
from .mixture.distinct import distinct_rows
from .recipe import Recipe

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    from .mixture import Iteration


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
        The columns of each feature, and the factors on them.
    feature_names : tuple of str
        Name of each of the mixture's columns.
    recipe : Recipe
        All that replays it.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_pixel_mixtures import cluster
    >>> image = np.array([[0, 1, 0, 9], [1, 0, 8, 9]])
    >>> clustering = cluster(image, n_components=2)
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
            f"The fit stopped after {self.mixture.n_iter_} iterations, before it "
            "converged; raise max_iter, or tol for a coarser fit."
        )

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

    def permuted_colors(self, random_state: int = 0) -> NDArray[np.float64]:
        """Deal out the same colors at random, (K, C).

        The permutation is a random cycle: if there are two components or more, no
        component keeps its color.
        """
        seed = whole("random_state", random_state, 0, MAX_SEED)
        order = np.random.default_rng(seed).permutation(self.n_components)
        permuted = np.empty_like(self.colors)
        permuted[order] = self.colors[np.roll(order, 1)]
        return permuted

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
        for name, color in zip(self.picture.channel_names, self.colors.T, strict=True):
            columns[name] = color
        return pd.DataFrame(columns)


def cluster(
    image: ArrayLike | Picture,
    n_components: int = 4,
    covariance_type: str = "full",
    features: Feature | Sequence[Feature] = Recipe.features,
    scaling: str = "group",
    mask: ArrayLike | None = None,
    channel_axis: int | None = -1,
    random_state: int = 0,
    *,
    tol: float = Recipe.tol,
    max_iter: int = Recipe.max_iter,
    reg_covar: float = Recipe.reg_covar,
    callback: Callable[[Iteration], None] | None = None,
) -> Clustering:
    """Cluster the pixels of an image with a Gaussian mixture.

    Parameters
    ----------
    image : array_like
        A picture or volume of booleans, integers or floating numbers. Pixels with a
        NaN or an infinity get label 0. The alpha of an RGBA picture is left out.
    n_components : int
        Number of clusters, K: 1 to 255.
    covariance_type : {"full", "tied", "diag", "spherical"}
        The shape that clusters may have.
    features : Feature or sequence of Feature
        What is measured at every pixel.
    scaling : {"group", "raw"}
        "group" divides each feature by its pooled standard deviation before its
        weight, so that weights compare; "raw" keeps native units.
    mask : array_like (*spatial), optional
        The pixels to cluster, where not 0; the others get label 0.
    channel_axis : int or None
        The axis of the channels; None for a grey picture or volume. A
        two-dimensional array is grey by default.
    random_state : int
        Seed of the start. The same inputs and seed give the same labels.
    tol : float
        The fit has converged when the mean log-likelihood rises by less.
    max_iter : int
        Largest number of EM iterations.
    reg_covar : float
        Added to every variance, in squared feature units.
    callback : callable, optional
        Called with each iteration; an exception that it raises ends the fit.

    Returns
    -------
    Clustering

    Raises
    ------
    TypeError
        The image does not hold real numbers.
    ValueError
        A setting is out of its range, no pixel is left, or there are fewer distinct
        samples than components.

    Warns
    -----
    ConvergenceWarning
        The fit stopped before it converged.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_pixel_mixtures import cluster
    >>> image = np.zeros((4, 6), np.uint8)
    >>> image[:, 4:] = 200
    >>> clustering = cluster(image, n_components=2)
    >>> clustering.labels
    array([[1, 1, 1, 1, 2, 2],
           [1, 1, 1, 1, 2, 2],
           [1, 1, 1, 1, 2, 2],
           [1, 1, 1, 1, 2, 2]], dtype=uint8)
    >>> clustering.colors
    array([[  0.],
           [200.]])
    """
    picture = (
        image if isinstance(image, Picture) else Picture.from_array(image, channel_axis)
    )
    recipe = Recipe(
        n_components=n_components,
        covariance_type=covariance_type,
        features=features,  # type: ignore[arg-type]
        scaling=scaling,
        random_state=random_state,
        tol=tol,
        max_iter=max_iter,
        reg_covar=reg_covar,
    )
    steps = cluster_steps(picture, recipe, mask)
    while True:
        try:
            iteration = next(steps)
        except StopIteration as stop:
            clustering: Clustering = stop.value
            break
        if callback is not None:
            callback(iteration)
    if clustering.advice is not None:
        warnings.warn(clustering.advice, ConvergenceWarning, stacklevel=2)
    return clustering


def cluster_steps(
    picture: Picture, recipe: Recipe, mask: ArrayLike | None = None
) -> Generator[Iteration, None, Clustering]:
    """Cluster a picture, yielding each iteration of the fit.

    Closing the generator cancels the fit. Parameters, result and errors are those
    of `cluster`; that the fit did not converge is only said in the result.
    """
    material = _Material.gather(picture, recipe, picture.valid(mask))
    samples = material.samples
    _check_distinct(samples.values, recipe.n_components)
    mixture = FastGaussianMixture(
        n_components=recipe.n_components,
        covariance_type=recipe.covariance_type,
        tol=recipe.tol,
        reg_covar=recipe.reg_covar,
        max_iter=recipe.max_iter,
        random_state=recipe.random_state,
    )
    values, counts = samples.values, material.counts
    if len(values) == 1:  # the mixture, as all of scikit-learn's, wants two
        values, counts = np.repeat(values, 2, axis=0), None
    mixture = yield from mixture.fit_steps(values, counts)
    mixture = mixture.reordered(np.argsort(-mixture.weights_, kind="stable"))
    return _describe(mixture, material, picture, recipe)


@dataclass(frozen=True, eq=False)
class _Material:
    """Samples to fit, and how to get from their rows back to the picture.

    Attributes
    ----------
    samples : Samples
    values : ndarray (n, C)
        Channel values of each row, in image units.
    counts : ndarray (n,) or None
        How many pixels each row stands for; None for one each.
    inverse : ndarray (n_pixels,) or None
        The row of each pixel; None if rows are pixels.
    pixels : ndarray (n_pixels,) or None
        Flat index of each pixel; None for all, in order.
    """

    samples: Samples
    values: NDArray[Any]
    counts: NDArray[np.int64] | None
    inverse: NDArray[np.int32] | None
    pixels: NDArray[np.intp] | None

    @classmethod
    def gather(
        cls, picture: Picture, recipe: Recipe, valid: NDArray[np.bool_] | None
    ) -> _Material:
        """Measure the picture: each distinct color once where color is all."""
        counts = inverse = None
        source = picture
        pixels = None if valid is None else np.flatnonzero(valid)
        pixelwise = all(f.pixelwise for f in recipe.features if f.weight > 0)
        if pixelwise and picture.values.dtype == np.uint8 and picture.n_channels <= 4:
            codes = picture.pixels if pixels is None else picture.pixels[pixels]
            distinct = distinct_rows(codes)
            counts, inverse = distinct.counts, distinct.inverse
            source = replace(picture, values=distinct.rows[:, np.newaxis])
            valid = None
        samples = Samples.measure(
            source, recipe.features, recipe.scaling, valid, counts
        )
        values = source.pixels
        if samples.pixels is not None:
            values = values[samples.pixels]
        return cls(samples, values, counts, inverse, pixels)


def _describe(
    mixture: FastGaussianMixture,
    material: _Material,
    picture: Picture,
    recipe: Recipe,
) -> Clustering:
    samples = material.samples
    summary = mixture.summarize(samples.values, material.values, material.counts)
    found = summary.labels + np.uint8(1)
    if material.inverse is not None:
        found = found[material.inverse]
    if material.pixels is None:
        labels = found.reshape(picture.shape)
    else:
        labels = np.zeros(picture.shape, np.uint8)
        labels.reshape(-1)[material.pixels] = found
    assert summary.value_means is not None  # because values were given
    for group in samples.groups:
        if isinstance(group.feature, Color):
            matrices = COVARIANCE_TYPES[recipe.covariance_type].matrices(
                mixture.covariances_, recipe.n_components, samples.values.shape[1]
            )
            marginal = matrices[:, group.columns, group.columns].astype(np.float64)
            # float32 fits leave them symmetric only up to rounding.
            symmetric = (marginal + marginal.transpose(0, 2, 1)) / 2
            covariances = symmetric / group.factor / group.factor
            break
    else:
        covariances = _value_covariances(mixture, material, summary.value_means)
    pixel_counts = np.bincount(labels.reshape(-1), minlength=recipe.n_components + 1)
    return Clustering(
        labels=labels,
        mixture=mixture,
        colors=summary.value_means,
        color_covariances=covariances,
        pixel_counts=pixel_counts[1:],
        picture=picture,
        groups=samples.groups,
        feature_names=samples.names,
        recipe=recipe,
    )


def _value_covariances(
    mixture: FastGaussianMixture, material: _Material, means: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Responsibility-weighted covariance of each component's values, (K, C, C).

    About the component's own mean and in float64, so that it has no negative
    eigenvalue where all pixels of a component are of one color or nearly so.
    """
    samples, values, counts = material.samples.values, material.values, material.counts
    n_components, n_channels = means.shape
    sums = np.zeros((n_components, n_channels, n_channels))
    totals = np.zeros(n_components)
    length = 2**16
    for start in range(0, len(values), length):
        rows = slice(start, start + length)
        block = values[rows].astype(np.float64)
        shares = mixture.predict_proba(samples[rows]).astype(np.float64)
        if counts is not None:
            shares *= counts[rows, np.newaxis]
        totals += shares.sum(axis=0)
        for k in range(n_components):
            centered = block - means[k]
            sums[k] += (centered * shares[:, k : k + 1]).T @ centered
    covariances = sums / np.maximum(totals, np.finfo(float).tiny)[:, None, None]
    # What is left of a constant channel is the rounding of its mean.
    precision = 4 * float(np.finfo(samples.dtype).eps)
    largest = np.maximum(
        np.abs(values.max(axis=0).astype(np.float64)),
        np.abs(values.min(axis=0).astype(np.float64)),
    )
    variances = np.diagonal(covariances, axis1=1, axis2=2)
    constant = variances <= (precision * largest) ** 2
    covariances[constant[:, :, None] | constant[:, None, :]] = 0.0
    return covariances


def _rounded(values: NDArray[np.float64], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Round to an integer type, within its range also where float64 leaves it."""
    range_ = np.iinfo(dtype)
    rounded = np.rint(values)
    beyond = rounded >= float(range_.max)  # 2**64 - 1 is 2**64 in float64
    whole_numbers = np.where(beyond, 0, rounded).astype(dtype)
    whole_numbers[beyond] = range_.max
    return whole_numbers


def _check_distinct(values: NDArray[Any], n_components: int) -> None:
    """Refuse fewer distinct samples than components.

    Nearly always the first few thousand rows have enough of them.
    """
    n, d = values.shape
    length = 4096
    while True:
        rows = values[:length]
        found = len(np.unique(rows, axis=0)) if d > 1 else len(np.unique(rows))
        if found >= n_components:
            return
        if length >= n:
            raise ValueError(
                f"Expected at least {n_components} distinct samples for n_components="
                f"{n_components}, got {found}; lower n_components to {found} or less, "
                "or add features."
            )
        length *= 8
