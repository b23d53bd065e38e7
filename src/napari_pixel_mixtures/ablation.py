"""feature_effects: what each feature does to the labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .clustering import material_of, unfitted
from .matching import adjusted_rand_index, overlap_table
from .mixture.covariance import COVARIANCE_TYPES
from .progress import Progress, run

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from numpy.typing import NDArray

    from .clusters import Clustering
    from .features import Feature, FeatureGroup
    from .material import Material
    from .mixture import FastGaussianMixture

MOST_ROWS = 250_000


@dataclass(frozen=True)
class FeatureEffect:
    """What one feature does to the labels.

    Attributes
    ----------
    feature : Feature
    similarity : float
        Adjusted Rand index between the labels and those without the feature: 1 if it
        changes nothing, about 0 if labels without it have nothing in common with
        those with it. NaN if no mixture can be fitted without it.
    """

    feature: Feature
    similarity: float


def feature_effects(
    clustering: Clustering,
    callback: Callable[[FeatureEffect | Progress], object] | None = None,
) -> tuple[FeatureEffect, ...]:
    """Tell how much the labels would change without each feature.

    The mixture is fitted again without the feature, from its own parameters for
    the other features (the marginals of its components), so that labels change
    because of the feature and not of another start. At most 250,000 samples, spread
    evenly, are fitted and compared.

    Parameters
    ----------
    clustering : Clustering
    callback : callable, optional
        Called with the `Progress` after each EM iteration, and with each effect; an
        exception that it raises ends the job.

    Returns
    -------
    tuple of FeatureEffect
        In the order of the clustering's features; those that are not used are left
        out.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_pixel_mixtures import Color, Position, cluster, feature_effects
    >>> image = np.zeros((8, 8), np.uint8)
    >>> image[:, 4:] = 200
    >>> clustering = cluster(image, 2, features=[Color(), Position()])
    >>> for effect in feature_effects(clustering):
    ...     print(effect)
    FeatureEffect(feature=Color(), similarity=1.0)
    FeatureEffect(feature=Position(), similarity=1.0)
    """
    return run(feature_effect_steps(clustering), callback)


def feature_effect_steps(
    clustering: Clustering, material: Material | None = None
) -> Generator[FeatureEffect | Progress, None, tuple[FeatureEffect, ...]]:
    """Do what `feature_effects` does, yielding what it tells its callback.

    Closing the generator cancels the job. `material` is what the clustering was made
    from, if it is at hand.
    """
    material = material_of(clustering) if material is None else material
    samples, counts = material.thinned(MOST_ROWS)
    labels = clustering.mixture.labels(samples)  # not smoothed, as those without
    effects: list[FeatureEffect] = []
    for group in clustering.groups:
        kept = np.ones(samples.shape[1], np.bool_)
        kept[group.columns] = False
        rest = np.ascontiguousarray(samples[:, kept])
        others = np.zeros_like(labels)  # without any feature, all pixels are alike
        try:
            if kept.any() and len(rest) > 1:
                mixture = without(clustering, group)
                for _ in mixture.fit_steps(rest, counts):
                    yield Progress(len(effects), len(clustering.groups))
                others = mixture.labels(rest)
            similarity = adjusted_rand_index(overlap_table(labels, others, counts))
        except (ValueError, np.linalg.LinAlgError):  # a covariance is singular
            similarity = np.nan
        effect = FeatureEffect(group.feature, similarity)
        effects.append(effect)
        yield effect
    return tuple(effects)


def without(clustering: Clustering, group: FeatureGroup) -> FastGaussianMixture:
    """Give an estimator that starts from a mixture's marginal without a feature."""
    mixture = clustering.mixture
    kind = COVARIANCE_TYPES[mixture.covariance_type]
    n_components, d = mixture.means_.shape
    kept = np.setdiff1d(np.arange(d), np.arange(group.start, group.stop))
    weights = mixture.weights_.astype(np.float64)
    covariances = mixture.covariances_.astype(np.float64)
    matrices = kind.matrices(covariances, n_components, d)
    marginals = matrices[:, kept[:, np.newaxis], kept]
    precisions = _precisions(kind.name, marginals, weights)
    others = [other for other in clustering.groups if other is not group]
    estimator = unfitted(clustering.recipe, others)
    estimator.set_params(
        weights_init=weights / weights.sum(),
        means_init=mixture.means_.astype(np.float64)[:, kept],
        precisions_init=precisions,
    )
    return estimator


def _precisions(
    covariance_type: str, matrices: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[Any]:
    """Give precisions in the covariance type's form from matrices (K, d, d)."""
    kind = COVARIANCE_TYPES[covariance_type]
    symmetric = (matrices + matrices.transpose(0, 2, 1)) / 2
    nobody = np.zeros(matrices.shape[1:])
    _, cholesky = kind.from_matrices(symmetric, weights, nobody, 0.0)
    return kind.precisions(cholesky)
