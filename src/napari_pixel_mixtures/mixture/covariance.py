"""One class for each covariance type, in one registry."""

from __future__ import annotations

from abc import ABC, abstractmethod
from copy import copy
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from . import algebra
from .layout import Diagonal as DiagonalLayout
from .layout import Layout, Scalar, Triangle
from .library import routine

if TYPE_CHECKING:
    from numpy.typing import NDArray

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
    estimation: ClassVar[algebra.Job]
    """The compiled M step, see `algebra`."""
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


def _positive(variances: Array) -> Array:
    if not np.all(variances > 0):
        raise np.linalg.LinAlgError("a variance is not positive")
    return variances


def _transposed(matrices: Array) -> Array:
    return np.swapaxes(matrices, -1, -2)


class Full(CovarianceType):
    """Every component has its own covariance matrix, (K, d, d)."""

    name = "full"
    estimation = algebra.ESTIMATE_FULL
    layout = Triangle()
    demand = "symmetric, positive-definite"

    def valid_precisions(self, precisions: Array) -> bool:
        """Whether precisions that a user gives are what `demand` says."""
        symmetric = np.allclose(precisions, _transposed(precisions))
        return symmetric and bool(np.all(np.linalg.eigvalsh(precisions) > 0))

    def shape(self, n_components: int, n_features: int) -> tuple[int, ...]:
        """Shape of the covariances."""
        return (n_components, n_features, n_features)

    def n_parameters(self, n_components: int, n_features: int) -> int:
        """Count the free parameters of the covariances: they are symmetric."""
        triangle = n_features * (n_features + 1) // 2
        shape = self.shape(n_components, n_features)
        return int(np.prod(shape[:-2], dtype=int)) * triangle

    def matrices(self, covariances: Array, n_components: int, n_features: int) -> Array:
        """Covariance matrix of every component, (K, d, d)."""
        return covariances

    def factors(self, precisions_cholesky: Array, n_components: int) -> Array:
        """Lower triangles (K, d, d): the transposed precisions_cholesky_."""
        return _transposed(precisions_cholesky)

    def cholesky_of_precisions(self, precisions: Array) -> Array:
        """Upper triangles U with U U^T the precision."""
        flipped = np.linalg.cholesky(precisions[..., ::-1, ::-1])
        return flipped[..., ::-1, ::-1]

    def precisions(self, precisions_cholesky: Array) -> Array:
        """Precision matrices."""
        return np.asarray(precisions_cholesky @ _transposed(precisions_cholesky))

    def inverse(self, precisions: Array) -> Array:
        """Give covariances from precisions."""
        return np.linalg.inv(precisions)

    def from_matrices(
        self, matrices: Array, counts: Array, unclaimed: Array, reg_covar: float
    ) -> tuple[Array, Array]:
        """Give covariances and precisions_cholesky_ from matrices (K, d, d)."""
        covariances = matrices + reg_covar * np.eye(matrices.shape[-1])
        root = np.linalg.cholesky(covariances)
        return covariances, _transposed(_inverse_triangle(root))


def _inverse_triangle(triangles: Array) -> Array:
    identity = np.broadcast_to(np.eye(triangles.shape[-1]), triangles.shape)
    return np.tril(np.linalg.solve(triangles, identity))


class Tied(Full):
    """All components share one covariance matrix, (d, d)."""

    name = "tied"
    estimation = algebra.ESTIMATE_TIED

    def shape(self, n_components: int, n_features: int) -> tuple[int, ...]:
        """Shape of the covariances."""
        return (n_features, n_features)

    def matrices(self, covariances: Array, n_components: int, n_features: int) -> Array:
        """Covariance matrix of every component, (K, d, d)."""
        return np.broadcast_to(covariances, (n_components, n_features, n_features))

    def factors(self, precisions_cholesky: Array, n_components: int) -> Array:
        """Lower triangles (K, d, d), all the same."""
        one = _transposed(precisions_cholesky)
        return np.broadcast_to(one, (n_components, *one.shape))

    def from_matrices(
        self, matrices: Array, counts: Array, unclaimed: Array, reg_covar: float
    ) -> tuple[Array, Array]:
        """Give covariances and precisions_cholesky_ from matrices (K, d, d)."""
        mean = (counts[:, None, None] * matrices).sum(axis=0) + unclaimed
        mean /= counts.sum()
        return super().from_matrices(mean, counts, unclaimed, reg_covar)

    def take(self, values: Array, order: Array) -> Array:
        """Return the values: they are those of all components."""
        return values


class Diagonal(CovarianceType):
    """Every component has its own variance along each feature, (K, d)."""

    name = "diag"
    estimation = algebra.ESTIMATE_DIAGONAL
    layout = DiagonalLayout()
    demand = "positive"

    def valid_precisions(self, precisions: Array) -> bool:
        """Whether precisions that a user gives are what `demand` says."""
        return bool(np.all(precisions > 0))

    def shape(self, n_components: int, n_features: int) -> tuple[int, ...]:
        """Shape of the covariances."""
        return (n_components, n_features)

    def matrices(self, covariances: Array, n_components: int, n_features: int) -> Array:
        """Covariance matrix of every component, (K, d, d)."""
        return np.asarray(
            covariances[:, :, None] * np.eye(n_features, dtype=covariances.dtype)
        )

    def factors(self, precisions_cholesky: Array, n_components: int) -> Array:
        """Inverse standard deviations, (K, d)."""
        return precisions_cholesky

    def cholesky_of_precisions(self, precisions: Array) -> Array:
        """Square roots of the precisions."""
        return np.asarray(np.sqrt(_positive(precisions)))

    def precisions(self, precisions_cholesky: Array) -> Array:
        """Inverse variances."""
        return np.asarray(precisions_cholesky**2)

    def inverse(self, precisions: Array) -> Array:
        """Give variances from precisions."""
        return np.asarray(1 / precisions)

    def from_matrices(
        self, matrices: Array, counts: Array, unclaimed: Array, reg_covar: float
    ) -> tuple[Array, Array]:
        """Give variances and their inverse roots from matrices (K, d, d)."""
        diagonals = np.diagonal(matrices, axis1=1, axis2=2)
        variances = _positive(diagonals + reg_covar)
        return variances, 1 / np.sqrt(variances)


class Spherical(CovarianceType):
    """Every component has one variance for all features, (K,)."""

    name = "spherical"
    estimation = algebra.ESTIMATE_SPHERICAL
    layout: ClassVar[Layout] = Scalar()
    demand = "positive"

    def with_exponents(self, exponents: Array | None) -> CovarianceType:
        """Return this type with exponents (d,) on the columns; None for all 1."""
        if exponents is None:
            return self
        kind = TemperedSpherical()
        kind.exponents = exponents
        return kind

    def valid_precisions(self, precisions: Array) -> bool:
        """Whether precisions that a user gives are what `demand` says."""
        return bool(np.all(precisions > 0))

    def shape(self, n_components: int, n_features: int) -> tuple[int, ...]:
        """Shape of the covariances."""
        return (n_components,)

    def matrices(self, covariances: Array, n_components: int, n_features: int) -> Array:
        """Covariance matrix of every component, (K, d, d)."""
        eye = np.eye(n_features, dtype=covariances.dtype)
        return np.asarray(covariances[:, None, None] * eye)

    def factors(self, precisions_cholesky: Array, n_components: int) -> Array:
        """Inverse standard deviations, (K, 1)."""
        return precisions_cholesky[:, None]

    def cholesky_of_precisions(self, precisions: Array) -> Array:
        """Square roots of the precisions."""
        return np.asarray(np.sqrt(_positive(precisions)))

    def precisions(self, precisions_cholesky: Array) -> Array:
        """Inverse variances."""
        return np.asarray(precisions_cholesky**2)

    def inverse(self, precisions: Array) -> Array:
        """Give variances from precisions."""
        return np.asarray(1 / precisions)

    def from_matrices(
        self, matrices: Array, counts: Array, unclaimed: Array, reg_covar: float
    ) -> tuple[Array, Array]:
        """Give variances and their inverse roots from matrices (K, d, d)."""
        diagonals = np.diagonal(matrices, axis1=1, axis2=2)
        variances = _positive(diagonals.mean(axis=1) + reg_covar)
        return variances, 1 / np.sqrt(variances)


class TemperedSpherical(Spherical):
    """Spherical with exponents: the one variance couples the columns.

    Its maximum is sum_j b_j S_kj / (n_k sum_j b_j), where S_kj is the weighted sum of
    squares of component k about its mean, and n_k the sum of its responsibilities.
    """

    layout = DiagonalLayout()
    exponents: Array

    def factors(self, precisions_cholesky: Array, n_components: int) -> Array:
        """Inverse standard deviations, (K, d)."""
        return np.repeat(precisions_cholesky[:, None], len(self.exponents), axis=1)

    def estimate(
        self, moments: WhitenedMoments, reg_covar: float
    ) -> tuple[Array, Array, float]:
        """M step of the variances, (K,): the weighted mean over the features."""
        counts = moments.counts * self.exponents.sum()
        rest = (
            moments.second
            - 2 * moments.first * moments.shifts
            + moments.sums[:, None] * moments.shifts**2
        ).sum(axis=1) / counts
        # The old standard deviations, without the exponent that is in the scale.
        squares = self.exponents[0] * moments.scales[:, 0] ** 2
        variances = rest * squares + reg_covar
        if not np.all(variances > 0):
            return variances, variances, -np.inf
        raw = moments.second.sum(axis=1) / counts * squares
        pivot = np.min(variances / np.maximum(variances, raw))
        return variances, 1 / np.sqrt(variances), float(pivot)

    def from_matrices(
        self, matrices: Array, counts: Array, unclaimed: Array, reg_covar: float
    ) -> tuple[Array, Array]:
        """Give variances and their inverse roots from matrices (K, d, d)."""
        diagonals = np.diagonal(matrices, axis1=1, axis2=2)
        means = np.average(diagonals, axis=1, weights=self.exponents)
        variances = _positive(means + reg_covar)
        return variances, 1 / np.sqrt(variances)


COVARIANCE_TYPES: dict[str, CovarianceType] = {
    kind.name: kind for kind in (Full(), Tied(), Diagonal(), Spherical())
}
