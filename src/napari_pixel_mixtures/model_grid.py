"""fit_models: one picture, by mixtures of several sizes and covariance types."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from .features import influences
from .features.checks import whole
from .material import Material, check_distinct
from .mixture.selection import select_steps
from .recipe import COVARIANCE_TYPES, MAX_COMPONENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from numpy.typing import NDArray

    from .features import Picture
    from .mixture.selection import Candidate
    from .recipe import Recipe


@dataclass(frozen=True, eq=False)
class TriedModel:
    """One mixture among several, and what it makes of the picture.

    Attributes
    ----------
    candidate : Candidate
        The fitted mixture and its criteria.
    seconds : float
        What the fit took, from the mixtures before it.
    thumbnail : ndarray (rows, columns, 3) float64
        Some pixels, each in the mean color of its component, from 0 to 1; masked ones
        are black.
    """

    candidate: Candidate
    seconds: float
    thumbnail: NDArray[np.float64]


def model_steps(
    picture: Picture,
    recipe: Recipe,
    n_components: Sequence[int],
    pixels: NDArray[np.intp],
    mask: NDArray[Any] | None = None,
    *,
    gather: Callable[..., Material] = Material.gather,
) -> Generator[TriedModel | None, None, tuple[TriedModel, ...]]:
    """Fit a mixture of each size and covariance type, the simplest first.

    Where a feature has an influence below 1, mixtures are fitted with it, and criteria
    are those of the components found, taken as a plain mixture; see
    `mixture.selection`. Closing the generator cancels the fits.

    Parameters
    ----------
    picture : Picture
    recipe : Recipe
        Features, scaling, seed, tolerance, iterations and regularization; its number
        of components, covariance type and start are not used.
    n_components : sequence of int
        The sizes to try, 1 to 255 each.
    pixels : ndarray (rows, columns)
        Flat indices of the pixels to show in thumbnails.
    mask : array_like (*spatial), optional
        The pixels to cluster, where not 0.
    gather : callable, optional
        May take the measurements from a `MaterialCache`.

    Yields
    ------
    TriedModel or None
        Each when it is fitted; None after each EM iteration.

    Returns
    -------
    tuple of TriedModel

    Raises
    ------
    ValueError
        There is no size, one is out of its range, or there are fewer distinct samples
        than components.
    """
    if not n_components:
        raise ValueError(
            "Expected at least one number of components, got none; type some, such as "
            "2, 4, 10, 30."
        )
    sizes = [whole("n_components", n, 1, MAX_COMPONENTS) for n in n_components]
    material = gather(picture, recipe, picture.valid(mask))
    values = material.samples.values
    check_distinct(values, max(sizes))
    steps = select_steps(
        values,
        sizes,
        COVARIANCE_TYPES,
        material.counts,
        tol=recipe.tol,
        reg_covar=recipe.reg_covar,
        max_iter=recipe.max_iter,
        random_state=recipe.random_state,
        exponents=influences(material.samples.groups),
    )
    models: list[TriedModel] = []
    start = perf_counter()
    for candidate in steps:
        if candidate is None:
            yield None
            continue
        seconds = perf_counter() - start
        thumbnail = _thumbnail(candidate, material, picture, pixels)
        models.append(TriedModel(candidate, seconds, thumbnail))
        yield models[-1]
        start = perf_counter()
    return tuple(models)


def _thumbnail(
    candidate: Candidate,
    material: Material,
    picture: Picture,
    pixels: NDArray[np.intp],
) -> NDArray[np.float64]:
    """Show pixels in the mean colors of their components."""
    mixture = candidate.mixture
    summary = mixture.summarize(
        material.samples.values, material.values, material.counts
    )
    assert summary.value_means is not None  # because values were given
    labels = material.to_picture(summary.labels, picture.shape).reshape(-1)[pixels]
    colors = picture.to_rgb(summary.value_means)
    shown: NDArray[np.float64] = np.concatenate([np.zeros((1, 3)), colors])[labels]
    return shown
