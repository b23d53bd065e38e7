"""What every covariance type can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from copy import copy
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from .library import routine

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .algebra import Job
    from .layout import Layout
    from .moments import WhitenedMoments

    Array = NDArray[Any]


class CovarianceType(ABC):
    """How the covariances of a mixture are stored, and what follows from it.

    Covariances, precisions and Cholesky factors have the shapes and the meaning
    that they have in scikit-learn. A *factor* L whitens: z = L (x - mean). Factors
    are stored for each component, as the layout wants them: (K, d, d) lower
    triangles, (K, d) or (K, 1).

    With `exponents` b (d,), the density of a component is the product over the
    columns of p(x_j | x_1 .. x_(j-1)) ** b_j, see `FastGaussianMixture`.
    """

    name: ClassVar[str]
    layout: ClassVar[Layout]
    estimation: ClassVar[Job]
    """The compiled M step, see `estimation`."""
    demand: ClassVar[str]
    """What a precision should be, in an error."""
    exponents: Array | None = None

    def with_exponents(self, exponents: Array | None) -> CovarianceType:
        """Return this type with exponents (d,) on the columns; None for all 1."""
        if exponents is None:
            return self
        kind = copy(self)
        kind.exponents = exponents
        return kind

    def tempered(self, factors: Array) -> Array:
        """Multiply row j of factors by the root of b_j: |z|^2 has the exponents.

        The M step needs no more: covariances do not depend on the factors that
        whitened the moments which they are estimated from.
        """
        if self.exponents is None:
            return factors
        roots = np.sqrt(self.exponents)
        return np.asarray(factors * (roots[:, None] if factors.ndim == 3 else roots))

    def correction(self, factors: Array) -> Array:
        """Log-density with exponents less that of the tempered factors, (K,) or ().

        The former has sum_j b_j (log L_jj - log(2 pi) / 2), the latter
        sum_j (log L_jj + log(b_j) / 2 - log(2 pi) / 2).
        """
        b = self.exponents
        if b is None:
            return np.zeros(())
        matrices = factors.ndim == 3
        diagonals = np.diagonal(factors, axis1=1, axis2=2) if matrices else factors
        terms = (b - 1) * (np.log(diagonals) - np.log(2 * np.pi) / 2)
        return np.asarray((terms - np.log(b) / 2).sum(axis=1))

    @abstractmethod
    def valid_precisions(self, precisions: Array) -> bool:
        """Whether precisions that a user gives are what `demand` says."""

    @abstractmethod
    def shape(self, n_components: int, n_features: int) -> tuple[int, ...]:
        """Shape of the covariances."""

    def n_parameters(self, n_components: int, n_features: int) -> int:
        """Count the free parameters of the covariances."""
        return int(np.prod(self.shape(n_components, n_features)))

    @abstractmethod
    def matrices(self, covariances: Array, n_components: int, n_features: int) -> Array:
        """Covariance matrix of every component, (K, d, d)."""

    @abstractmethod
    def factors(self, precisions_cholesky: Array, n_components: int) -> Array:
        """Whitening factors from scikit-learn's precisions_cholesky_."""

    @abstractmethod
    def cholesky_of_precisions(self, precisions: Array) -> Array:
        """Give precisions_cholesky_ from precisions.

        Raises LinAlgError where a precision is not positive definite.
        """

    @abstractmethod
    def precisions(self, precisions_cholesky: Array) -> Array:
        """Give precisions_ from precisions_cholesky_."""

    @abstractmethod
    def inverse(self, precisions: Array) -> Array:
        """Give covariances from precisions."""

    def estimate(
        self, moments: WhitenedMoments, reg_covar: float
    ) -> tuple[Array, Array, float]:
        """M step of the covariances, in whitened coordinates.

        The Cholesky factor of a covariance is that of the old one times that of
        the covariance of z. The latter is near the identity once EM has settled,
        so that even a nearly singular covariance comes out accurate.

        Parameters
        ----------
        moments : WhitenedMoments
        reg_covar : float
            Added to every variance, in squared feature units.

        Returns
        -------
        covariances, precisions_cholesky : arrays
        pivot : float
            The smallest ratio of a remaining variance to the raw second moment that
            it is the rest of: what rounding errors of the sums are divided by. Minus
            infinity if a covariance is not positive definite; then the arrays hold
            nothing of use.
        """
        shape = self.shape(*moments.means.shape)
        covariances, cholesky = np.zeros((2, *shape))
        pivot = routine(self.estimation)(
            *(moments.sums, moments.counts, moments.first, moments.second),
            *(moments.shifts, moments.factors, moments.scales, float(reg_covar)),
            *(covariances, cholesky),
        )
        return covariances, cholesky, pivot

    @abstractmethod
    def from_matrices(
        self, matrices: Array, counts: Array, unclaimed: Array, reg_covar: float
    ) -> tuple[Array, Array]:
        """Give the parameters of a start from a matrix for each component.

        Parameters
        ----------
        matrices : array (K, d, d)
            Covariance of the samples of each component.
        counts : array (K,)
            Sum of their responsibilities.
        unclaimed : array (d, d)
            Sum of x x^T over the samples that no component is responsible for;
            scikit-learn counts them in where one covariance is for all.
        reg_covar : float

        Returns
        -------
        covariances, precisions_cholesky : arrays

        Raises
        ------
        LinAlgError
            A covariance is not positive definite.
        """

    def take(self, values: Array, order: Array) -> Array:
        """Put the components of covariances or the like in another order."""
        return values[order]
