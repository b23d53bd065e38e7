"""Replay: a fit, iteration by iteration."""

from __future__ import annotations

from copy import copy
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from .clustering import describe, material_of
from .mixture.covariance import COVARIANCE_TYPES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .clusters import Clustering
    from .material import Material
    from .mixture import FastGaussianMixture


class Replay:
    """Shows what a clustering was after each iteration of its fit.

    Only parameters are kept of the iterations; labels and colors are computed anew.
    Those of the last are the result's, bit for bit. Those before have covariances that
    were rounded to the samples' type, which a few pixels may feel where a mixture is
    nearly singular, such as that of a gray picture stored as RGB.

    Parameters
    ----------
    clustering : Clustering

    Examples
    --------
    >>> from napari_pixel_mixtures import cluster
    >>> image = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    >>> clustering = cluster(image, 3, init_params="random")
    >>> replay = Replay(clustering)
    >>> len(replay) == clustering.mixture.n_iter_
    True
    >>> np.array_equal(replay.frame(len(replay) - 1).labels, clustering.labels)
    True
    """

    def __init__(self, clustering: Clustering) -> None:
        self.clustering = clustering

    def __len__(self) -> int:
        """Give the number of iterations."""
        return len(self.clustering.history)

    @property
    def log_likelihoods(self) -> NDArray[np.float64]:
        """Mean log-likelihood of a pixel at each iteration, (n,)."""
        return np.array([step.log_likelihood for step in self.clustering.history])

    @cached_property
    def _material(self) -> Material:
        """What the fit knew of the picture; measured for the first frame."""
        return material_of(self.clustering)

    def frame(self, index: int) -> Clustering:
        """Give the clustering as it was after an iteration, counted from 0.

        Raises
        ------
        IndexError
            There is no such iteration.
        """
        if not 0 <= index < len(self):
            raise IndexError(
                f"Expected an iteration from 0 to {len(self) - 1}, got {index}."
            )
        return describe(
            self._mixture(index),
            self._material,
            self.clustering.picture,
            self.clustering.recipe,
            self.clustering.history,
        )

    def _mixture(self, index: int) -> FastGaussianMixture:
        """Give the mixture of an iteration; its precisions are not among those kept."""
        mixture = copy(self.clustering.mixture)
        if index == len(self) - 1:  # with the precisions that the fit found
            return mixture
        step = self.clustering.history[index]
        kind = COVARIANCE_TYPES[mixture.covariance_type]
        n_components, d = step.means.shape
        matrices = kind.matrices(step.covariances.astype(np.float64), n_components, d)
        matrices = (matrices + matrices.transpose(0, 2, 1)) / 2
        # Rounding can make a nearly singular one indefinite: by no more than this.
        matrices *= 1 + d * np.finfo(step.covariances.dtype).eps * np.eye(d)
        _, cholesky = kind.from_matrices(
            matrices, step.weights.astype(np.float64), np.zeros((d, d)), 0.0
        )
        mixture.weights_ = step.weights
        mixture.means_ = step.means
        mixture.covariances_ = step.covariances
        mixture.precisions_cholesky_ = cholesky.astype(step.covariances.dtype)
        mixture.precisions_ = kind.precisions(mixture.precisions_cholesky_)
        mixture.lower_bound_ = step.log_likelihood
        return mixture
