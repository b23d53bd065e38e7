"""One class for each covariance type, in one registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from . import estimation as m_step
from .covariance_base import CovarianceType
from .layout import Diagonal as DiagonalLayout
from .layout import Layout, Scalar, Triangle

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .moments import WhitenedMoments

    Array = NDArray[Any]


def _positive(variances: Array) -> Array:
    if not np.all(variances > 0):
        raise np.linalg.LinAlgError("a variance is not positive")
    return variances


def _transposed(matrices: Array) -> Array:
    return np.swapaxes(matrices, -1, -2)


class Full(CovarianceType):
    """Every component has its own covariance matrix, (K, d, d)."""

    name = "full"
    estimation = m_step.ESTIMATE_FULL
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
    estimation = m_step.ESTIMATE_TIED

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
    estimation = m_step.ESTIMATE_DIAGONAL
    layout: ClassVar[Layout] = DiagonalLayout()
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


class Spherical(Diagonal):
    """Every component has one variance for all features, (K,)."""

    name = "spherical"
    estimation = m_step.ESTIMATE_SPHERICAL
    layout: ClassVar[Layout] = Scalar()

    def with_exponents(self, exponents: Array | None) -> CovarianceType:
        """Return this type with exponents (d,) on the columns; None for all 1."""
        if exponents is None:
            return self
        kind = TemperedSpherical()
        kind.exponents = exponents
        return kind

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
