"""cluster: an image -> its clustering."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from sklearn import config_context
from sklearn.exceptions import ConvergenceWarning

from .clusters import Clustering, reordered_iteration
from .features import Color, Feature, FeatureGroup, Picture, influences
from .material import Material, check_distinct, without_rounding
from .mixture import FastGaussianMixture
from .mixture.covariance import COVARIANCE_TYPES
from .pace import Pace
from .progress import run
from .recipe import Recipe
from .smoothing import smooth_labels

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    from .mixture import Iteration

PREVIEW_ROWS = 20_000
PREVIEW_ITERATIONS = 10


def cluster(
    image: ArrayLike | Picture,
    n_components: int = 4,
    covariance_type: str = "full",
    features: Feature | Sequence[Feature] = Recipe.features,
    scaling: str = "group",
    mask: ArrayLike | None = None,
    channel_axis: int | Literal["auto"] | None = "auto",
    random_state: int = 0,
    *,
    companions: Mapping[str, ArrayLike] | None = None,
    tol: float = Recipe.tol,
    max_iter: int = Recipe.max_iter,
    reg_covar: float = Recipe.reg_covar,
    init_params: str = Recipe.init_params,
    smoothing: float = Recipe.smoothing,
    callback: Callable[[Iteration], None] | None = None,
) -> Clustering:
    """Cluster the pixels of an image with a Gaussian mixture.

    Parameters
    ----------
    image : array_like or Picture
        A picture or volume of booleans, integers or floating numbers. Pixels where it
        or a feature is NaN or infinite get label 0. The alpha of an RGBA picture is
        left out.
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
    channel_axis : int, "auto" or None
        The axis of the channels; None for a gray picture or volume. By default they
        are on the last of three axes or more if that is at most 4 long or shorter
        than all others; else the array is a gray volume. A `Picture` knows its own.
    random_state : int
        Seed of the start. The same inputs and seed give the same labels.
    companions : mapping of str to array_like (*spatial) or (*spatial, C), optional
        Other images of the same pixels, for `Companion` features.
    tol : float
        The fit has converged when the mean log-likelihood rises by less.
    max_iter : int
        Largest number of EM iterations.
    reg_covar : float
        Added to every variance, in squared feature units.
    init_params : {"subsample", "kmeans", "k-means++", "random", "random_from_data"}
        The start: the best of several short fits to some samples, or one of
        scikit-learn's starts.
    smoothing : float
        Labels come from responsibilities blurred by a Gaussian of this standard
        deviation in pixels, along `Picture.spatial_axes`; from each pixel's own
        if 0.
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
    if not isinstance(image, Picture):
        picture = Picture.from_array(image, channel_axis)
    elif channel_axis == "auto":
        picture = image
    else:
        raise ValueError(
            "Expected no channel_axis with a Picture, which knows its own, got "
            f"channel_axis={channel_axis!r}; give it to Picture.from_array."
        )
    if companions is not None:
        picture = replace(picture, companions=companions)  # type: ignore[arg-type]
    recipe = Recipe(
        n_components=n_components,
        covariance_type=covariance_type,
        features=features,  # type: ignore[arg-type]
        scaling=scaling,
        random_state=random_state,
        tol=tol,
        max_iter=max_iter,
        reg_covar=reg_covar,
        init_params=init_params,
        smoothing=smoothing,
    )
    clustering = run(cluster_steps(picture, recipe, mask), callback)
    if clustering.advice is not None:
        warnings.warn(clustering.advice, ConvergenceWarning, stacklevel=2)
    return clustering


def cluster_steps(
    picture: Picture,
    recipe: Recipe,
    mask: ArrayLike | None = None,
    *,
    preview: bool = False,
    pace: Pace | None = None,
    gather: Callable[..., Material] = Material.gather,
) -> Generator[Iteration | Clustering, None, Clustering]:
    """Cluster a picture, yielding each iteration of the fit.

    Closing the generator cancels the fit. Parameters, result and errors are those
    of `cluster`; that the fit did not converge is only said in the result. With
    `preview`, where the fit takes long by the `pace` of those before, a clustering of
    all pixels by a mixture fitted to some of them is yielded first; it changes nothing
    in the result. What the fit takes goes into the pace.
    `gather` may take the measurements from a `MaterialCache`.
    """
    material = gather(picture, recipe, picture.valid(mask))
    check_distinct(material.samples.values, recipe.n_components)
    values, counts = material.to_fit()
    pace = pace or Pace()
    work = values.size * recipe.n_components
    if preview and pace.is_long(work):
        yield from _preview(material, picture, recipe)
    started = pace.clock()
    history: list[Iteration] = []
    fit = unfitted(recipe, material.samples.groups).fit_steps(values, counts)
    while True:
        try:
            iteration = next(fit)
        except StopIteration as stop:
            mixture = stop.value
            order = _by_weight(mixture)
            ordered = tuple(reordered_iteration(i, recipe, order) for i in history)
            mixture = mixture.reordered(order)
            clustering = describe(mixture, material, picture, recipe, ordered)
            pace.note(work, pace.clock() - started)
            return clustering
        if iteration.number > 0:
            history.append(iteration)
        yield iteration


def unfitted(recipe: Recipe, groups: Sequence[FeatureGroup]) -> FastGaussianMixture:
    """Give the estimator that a recipe asks for, for the columns of these groups."""
    return FastGaussianMixture(
        n_components=recipe.n_components,
        covariance_type=recipe.covariance_type,
        tol=recipe.tol,
        reg_covar=recipe.reg_covar,
        max_iter=recipe.max_iter,
        init_params=recipe.init_params,
        random_state=recipe.random_state,
        exponents=influences(groups),
    )


def _preview(
    material: Material, picture: Picture, recipe: Recipe
) -> Generator[Iteration | Clustering, None, None]:
    """Cluster all pixels by a mixture of a few; give up where they are too few."""
    values, counts = material.thinned(PREVIEW_ROWS)
    try:
        check_distinct(values, recipe.n_components)
    except ValueError:
        return
    quick = replace(recipe, max_iter=min(recipe.max_iter, PREVIEW_ITERATIONS))
    mixture = yield from unfitted(quick, material.samples.groups).fit_steps(
        values, counts
    )
    mixture = mixture.reordered(_by_weight(mixture))
    yield describe(mixture, material, picture, recipe)


def _by_weight(mixture: FastGaussianMixture) -> NDArray[np.intp]:
    return np.argsort(-mixture.weights_, kind="stable")


def cluster_by(
    mixture: FastGaussianMixture,
    picture: Picture,
    recipe: Recipe,
    mask: ArrayLike | None = None,
    *,
    gather: Callable[..., Material] = Material.gather,
) -> Clustering:
    """Cluster a picture by a mixture that was fitted to it elsewhere.

    Parameters
    ----------
    mixture : FastGaussianMixture
        Fitted to the features of the recipe; the largest component gets label 1.
    picture : Picture
    recipe : Recipe
        With the mixture's number of components and covariance type.
    mask : array_like (*spatial), optional
        The pixels that it was fitted to, where not 0.
    gather : callable
        May take the measurements from a `MaterialCache`.

    Returns
    -------
    Clustering
        Without a history, for the recipe alone may lead to another mixture.
    """
    material = gather(picture, recipe, picture.valid(mask))
    return describe(mixture.reordered(_by_weight(mixture)), material, picture, recipe)


def material_of(
    clustering: Clustering, gather: Callable[..., Material] = Material.gather
) -> Material:
    """Measure what a clustering was made from once more, with the same factors.

    Parameters
    ----------
    clustering : Clustering
    gather : callable
        May take the measurements from a `MaterialCache`.
    """
    labeled = clustering.labels > 0
    return gather(
        clustering.picture,
        clustering.recipe,
        None if labeled.all() else labeled,
        groups=clustering.groups,
    )


def mask_of(clustering: Clustering) -> NDArray[np.bool_] | None:
    """Give the pixels that were clustered, (*spatial); None if all finite ones were."""
    labeled = clustering.labels > 0
    finite = clustering.picture.valid()
    whole = labeled.all() if finite is None else np.array_equal(labeled, finite)
    return None if whole else labeled


def label_picture(
    mixture: FastGaussianMixture,
    material: Material,
    picture: Picture,
    recipe: Recipe,
    rows: NDArray[np.uint8] | None = None,
) -> NDArray[np.uint8]:
    """Label the pixels of a picture by a mixture, smoothed as the recipe says.

    Parameters
    ----------
    mixture : FastGaussianMixture
        Of the material.
    material : Material
    picture : Picture
    recipe : Recipe
    rows : ndarray (n,) uint8, optional
        Which component, from 0, each row has, if that is known.
    """
    if recipe.smoothing > 0:
        return smooth_labels(
            mixture, material, picture.shape, picture.spatial_axes, recipe.smoothing
        )
    if rows is None:
        rows = mixture.labels(material.samples.values)
    labels: NDArray[np.uint8] = material.to_picture(rows, picture.shape)
    return labels


def describe(
    mixture: FastGaussianMixture,
    material: Material,
    picture: Picture,
    recipe: Recipe,
    history: tuple[Iteration, ...] = (),
) -> Clustering:
    """Label the pixels by a mixture, and gather the colors of its components.

    Parameters
    ----------
    mixture : FastGaussianMixture
        Fitted to the material, its components in the order that labels shall have.
    material : Material
    picture : Picture
    recipe : Recipe
        What the mixture was fitted by.
    history : tuple of Iteration
    """
    samples = material.samples
    with config_context(assume_finite=True):  # as material always is
        summary = mixture.summarize(samples.values, material.values, material.counts)
    labels = label_picture(mixture, material, picture, recipe, summary.labels)
    means, covariances = summary.value_means, summary.value_covariances
    assert means is not None and covariances is not None  # because values were given
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
        covariances = without_rounding(covariances, means, samples.values.dtype)
    pixel_counts = np.bincount(labels.reshape(-1), minlength=recipe.n_components + 1)
    return Clustering(
        labels=labels,
        mixture=mixture,
        colors=means,
        color_covariances=covariances,
        pixel_counts=pixel_counts[1:],
        picture=picture,
        groups=samples.groups,
        feature_names=samples.names,
        recipe=recipe,
        history=history,
    )
