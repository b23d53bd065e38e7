"""What a start depends on, and parameters from samples that were dealt out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .algebra import TINY
from .em import Data, IllDefinedError
from .moments import MixtureParameters
from .seeding import moments_by_label

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .covariance_base import CovarianceType

    Array = NDArray[Any]


@dataclass(frozen=True)
class StartSettings:
    """What a start depends on besides data and random numbers.

    Attributes
    ----------
    n_components : int
    kind : CovarianceType
    reg_covar : float
    init_params : str
        How to start, see `FastGaussianMixture`.
    weights, means, precisions : array or None
        What the user gives; it takes the place of what is found.
    """

    n_components: int
    kind: CovarianceType
    reg_covar: float
    init_params: str
    weights: Array | None = None
    means: Array | None = None
    precisions: Array | None = None

    @property
    def complete(self) -> bool:
        """Whether the user gives everything."""
        return (
            self.weights is not None
            and self.means is not None
            and self.precisions is not None
        )

    def weighted(self, data: Data) -> Data:
        """Multiply columns by the roots of their exponents, for distances."""
        exponents = self.kind.exponents
        if exponents is None:
            return data
        roots = np.sqrt(exponents).astype(data.samples.dtype)
        return replace(data, samples=data.samples * roots)


def estimate(found: Array, data: Data, settings: StartSettings) -> MixtureParameters:
    """Estimate parameters from labels (n,) or responsibilities (n, K).

    About means that are known, in float64 and in two passes.
    """
    k = settings.n_components
    if found.ndim == 1:
        totals, means, second, unclaimed = moments_by_label(
            data.samples, data.weights, found, k
        )
    else:
        totals, means, second, unclaimed = _moments(data, found)
    counts = totals + TINY
    second /= counts[:, None, None]
    try:
        covariances, cholesky = settings.kind.from_matrices(
            second, counts, unclaimed, settings.reg_covar
        )
    except np.linalg.LinAlgError:
        raise IllDefinedError(data.samples.dtype) from None
    return MixtureParameters(counts / data.total, means, covariances, cholesky)


def _moments(data: Data, responsibilities: Array) -> tuple[Array, ...]:
    """Do what `moments_by_label` does, by responsibilities (n, K)."""
    samples = data.samples.astype(np.float64, copy=False)
    d = samples.shape[1]
    shares = data.weights[:, None] * responsibilities
    totals = shares.sum(axis=0)
    means = shares.T @ samples / np.where(totals > 0, totals, 1.0)[:, None]
    second = np.empty((len(totals), d, d))
    for k, mean in enumerate(means):
        offsets = samples - mean
        second[k] = (offsets * shares[:, k : k + 1]).T @ offsets
    return totals, means, second, np.zeros((d, d))
