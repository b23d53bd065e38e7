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


class Replay:
    """Shows what a clustering was after each iteration of its fit.

    Only parameters are kept of the iterations; labels and colors are computed anew.

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
        step = self.clustering.history[index]
        mixture = copy(self.clustering.mixture)
        kind = COVARIANCE_TYPES[mixture.covariance_type]
        mixture.weights_ = step.weights
        mixture.means_ = step.means
        mixture.covariances_ = step.covariances
        mixture.precisions_ = kind.precisions(step.precisions_cholesky)
        mixture.precisions_cholesky_ = step.precisions_cholesky
        mixture.lower_bound_ = step.log_likelihood
        return describe(
            mixture,
            self._material,
            self.clustering.picture,
            self.clustering.recipe,
            self.clustering.history,
        )
