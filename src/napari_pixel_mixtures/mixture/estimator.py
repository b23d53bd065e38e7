"""FastGaussianMixture: scikit-learn's GaussianMixture on compiled kernels."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Iteration:
    """One EM iteration, as told to callbacks.

    Attributes
    ----------
    number : int
        1 for the first iteration.
    max_iter : int
        The number at which the fit gives up.
    log_likelihood : float
        Mean log-likelihood of a sample under the parameters of this iteration.
    change : float
        How much the log-likelihood rose in this iteration; the fit has converged
        when it is below the tolerance.
    """

    number: int
    max_iter: int
    log_likelihood: float
    change: float


class FastGaussianMixture(GaussianMixture):  # type: ignore[misc]
    """A drop-in for scikit-learn's GaussianMixture."""

    def fit_steps(
        self,
        X: NDArray[Any],  # noqa: N803
        sample_weight: NDArray[Any] | None = None,
    ) -> Generator[Iteration, None, Self]:
        """Fit, yielding each iteration; closing the generator cancels the fit."""
        if sample_weight is not None:
            X = np.repeat(X, sample_weight.astype(int), axis=0)  # noqa: N806
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            super().fit(X)
        yield Iteration(self.n_iter_, self.max_iter, self.lower_bound_, 0.0)
        return self

    def fit(
        self,
        X: NDArray[Any],  # noqa: N803
        y: None = None,
        sample_weight: NDArray[Any] | None = None,
        *,
        callback: Callable[[Iteration], None] | None = None,
    ) -> Self:
        """Fit; `callback` is called with each iteration, and may raise to cancel."""
        for iteration in self.fit_steps(X, sample_weight):
            if callback is not None:
                callback(iteration)
        return self

    def summarize(
        self, samples: NDArray[Any], values: NDArray[Any] | None = None
    ) -> tuple[NDArray[np.uint8], NDArray[np.floating[Any]] | None]:
        """Hard labels (n,) uint8 from 0, and the weighted means of other values.

        `values` (n, C) belong to the same samples; their responsibility-weighted
        sums (K, C) come back, computed in the same pass.
        """
        responsibilities = self.predict_proba(samples)
        labels = responsibilities.argmax(axis=1).astype(np.uint8)
        means = None
        if values is not None:
            means = responsibilities.T @ values / responsibilities.sum(0)[:, None]
        return labels, means
