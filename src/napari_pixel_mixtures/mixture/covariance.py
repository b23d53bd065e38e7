"""One class for each covariance type, in one registry."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class CovarianceType(ABC):
    """How the covariances of a mixture are stored, and what follows from it."""

    name: ClassVar[str]

    @abstractmethod
    def matrices(
        self, covariances: NDArray[Any], n_components: int, n_features: int
    ) -> NDArray[Any]:
        """Covariance matrix of every component, (K, d, d)."""


class Full(CovarianceType):
    """Every component has its own covariance matrix, (K, d, d)."""

    name = "full"

    def matrices(
        self, covariances: NDArray[Any], n_components: int, n_features: int
    ) -> NDArray[Any]:
        """Covariance matrix of every component, (K, d, d)."""
        return covariances


class Tied(CovarianceType):
    """All components share one covariance matrix, (d, d)."""

    name = "tied"

    def matrices(
        self, covariances: NDArray[Any], n_components: int, n_features: int
    ) -> NDArray[Any]:
        """Covariance matrix of every component, (K, d, d)."""
        return np.broadcast_to(covariances, (n_components, n_features, n_features))


class Diagonal(CovarianceType):
    """Every component has its own variance along each feature, (K, d)."""

    name = "diag"

    def matrices(
        self, covariances: NDArray[Any], n_components: int, n_features: int
    ) -> NDArray[Any]:
        """Covariance matrix of every component, (K, d, d)."""
        return covariances[:, :, None] * np.eye(n_features, dtype=covariances.dtype)


class Spherical(CovarianceType):
    """Every component has one variance for all features, (K,)."""

    name = "spherical"

    def matrices(
        self, covariances: NDArray[Any], n_components: int, n_features: int
    ) -> NDArray[Any]:
        """Covariance matrix of every component, (K, d, d)."""
        eye = np.eye(n_features, dtype=covariances.dtype)
        return covariances[:, None, None] * eye


COVARIANCE_TYPES: dict[str, CovarianceType] = {
    kind.name: kind for kind in (Full(), Tied(), Diagonal(), Spherical())
}
