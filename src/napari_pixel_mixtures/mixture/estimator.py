"""FastGaussianMixture: scikit-learn's GaussianMixture on compiled kernels."""

from __future__ import annotations

import warnings
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from scipy.special import entr
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
    weights, means, covariances : arrays
        The parameters that the M step of this iteration gave; shapes as in
        scikit-learn. They are never written to again.
    """

    number: int
    max_iter: int
    log_likelihood: float
    change: float
    weights: NDArray[Any]
    means: NDArray[Any]
    covariances: NDArray[Any]


@dataclass(frozen=True)
class Summary:
    """What a mixture says about samples, gathered in one pass.

    Attributes
    ----------
    labels : array (n,) of uint8
        The most probable component of each sample, counted from 0.
    counts : array (K,) of float64
        Sum of the responsibilities of each component, times the sample weights.
    value_means : array (K, C) of float64, or None without values
        Responsibility-weighted mean of the values.
    value_covariances : array (K, C, C) of float64, or None without values
        Responsibility-weighted covariance of the values.
    """

    labels: NDArray[np.uint8]
    counts: NDArray[np.float64]
    value_means: NDArray[np.float64] | None
    value_covariances: NDArray[np.float64] | None


class FastGaussianMixture(GaussianMixture):  # type: ignore[misc]
    """A drop-in for scikit-learn's GaussianMixture."""

    def fit_steps(
        self,
        X: NDArray[Any],
        sample_weight: NDArray[Any] | None = None,
    ) -> Generator[Iteration, None, Self]:
        """Fit, yielding each iteration; closing the generator cancels the fit."""
        if sample_weight is not None:
            X = np.repeat(X, sample_weight.astype(int), axis=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            super().fit(X)
        yield Iteration(
            self.n_iter_,
            self.max_iter,
            self.lower_bound_,
            0.0,
            self.weights_,
            self.means_,
            self.covariances_,
        )
        return self

    def fit(
        self,
        X: NDArray[Any],
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
        self,
        samples: NDArray[Any],
        values: NDArray[Any] | None = None,
        sample_weight: NDArray[Any] | None = None,
    ) -> Summary:
        """Hard labels, and what the components hold of other values.

        Parameters
        ----------
        samples : array (n, d)
            The samples, as given to `fit`.
        values : array (n, C), optional
            Other values of the same samples, such as their colors.
        sample_weight : array (n,), optional
            How often each sample counts; once when omitted.
        """
        responsibilities = self.predict_proba(samples)
        labels = responsibilities.argmax(axis=1).astype(np.uint8)
        if sample_weight is not None:
            responsibilities = responsibilities * sample_weight[:, None]
        counts = responsibilities.sum(axis=0, dtype=np.float64)
        if values is None:
            return Summary(labels, counts, None, None)
        shift = values.mean(axis=0, dtype=np.float64)
        centered = values - shift
        denominator = np.maximum(counts, np.finfo(np.float64).tiny)
        means = responsibilities.T @ centered / denominator[:, None]
        moments = np.einsum("nk,ni,nj->kij", responsibilities, centered, centered)
        covariances = moments / denominator[:, None, None]
        covariances -= means[:, :, None] * means[:, None, :]
        return Summary(labels, counts, means + shift, covariances)

    def entropy(self, X: NDArray[Any]) -> NDArray[Any]:
        """Entropy of each sample's responsibilities, in nats, (n,)."""
        responsibilities = self.predict_proba(X)
        return np.asarray(entr(responsibilities).sum(axis=1))

    def reordered(self, order: NDArray[Any]) -> FastGaussianMixture:
        """Return a fitted copy whose component i is this one's `order[i]`."""
        order = np.asarray(order, dtype=np.intp)
        if not np.array_equal(np.sort(order), np.arange(self.n_components)):
            raise ValueError(
                f"order must be a permutation of 0..{self.n_components - 1}, but is "
                f"{order.tolist()}; give every component once."
            )
        other = copy(self)
        names = ["weights_", "means_"]
        if self.covariance_type != "tied":
            names += ["covariances_", "precisions_", "precisions_cholesky_"]
        for name in names:
            setattr(other, name, getattr(self, name)[order])
        return other
