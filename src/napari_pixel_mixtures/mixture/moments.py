"""Parameters of a mixture, as kernels want them, and what kernels sum up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .plan import Plan

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .covariance import CovarianceType
    from .layout import Layout

    Array = NDArray[Any]

# Kernels work with powers of 2: exp(-|z|^2 / 2) = 2**-|SCALE z|^2.
SCALE = float(np.sqrt(0.5 / np.log(2.0)))

# 10 eps, which scikit-learn adds to the sum of responsibilities of a component.
TINY = 10 * float(np.finfo(np.float64).eps)

# Log-density of a component with weight 0, and still a float32.
NEVER = -1e30


@dataclass(frozen=True)
class MixtureParameters:
    """Parameters of a mixture, in float64 and in scikit-learn's shapes.

    Attributes
    ----------
    weights : array (K,)
    means : array (K, d)
    covariances : array, or None if only the precisions are known
    precisions_cholesky : array
    """

    weights: Array
    means: Array
    covariances: Array | None
    precisions_cholesky: Array


@dataclass(frozen=True)
class Density:
    """A mixture, ready for the kernels.

    Attributes
    ----------
    plan : Plan
        The kernels that it is for.
    array : array (K, n_parameters)
        See `Layout`.
    means : array (K, d)
        float64, exactly those that the kernels see.
    factors, scales : arrays
        L as the kernels see it, in float64, and its inverse.
    """

    plan: Plan
    array: Array
    means: Array
    factors: Array
    scales: Array

    @classmethod
    def of(
        cls, parameters: MixtureParameters, kind: CovarianceType, dtype: np.dtype[Any]
    ) -> Density:
        """Round parameters to a kernel's precision.

        Parameters
        ----------
        parameters : MixtureParameters
        kind : CovarianceType
        dtype : dtype
            float32 or float64.
        """
        layout = kind.layout
        n_components, d = parameters.means.shape
        plan = Plan(layout, d, dtype)
        width = plan.width
        # Weight 0 has no logarithm, which `where` leaves out.
        log_weights = np.full(n_components, NEVER)
        positive = parameters.weights > 0
        np.log(parameters.weights, out=log_weights, where=positive)
        exact = kind.factors(parameters.precisions_cholesky, n_components)
        tempered = kind.tempered(exact)
        constants = log_weights - 0.5 * d * np.log(2 * np.pi)
        constants += kind.log_determinants(tempered, d)
        constants += kind.correction(exact)
        array = np.zeros((n_components, plan.n_parameters), plan.dtype)
        array[:, 0] = constants / np.log(2.0)
        array[:, 1 : 1 + d] = parameters.means
        # What rounding does to means and factors is known, and taken account of.
        factors = (tempered * SCALE).astype(plan.dtype).astype(np.float64)
        rounding = parameters.means - array[:, 1 : 1 + d].astype(np.float64)
        shifts = -_apply(factors, rounding)
        array[:, 1 + width : 1 + width + d] = shifts
        array[:, 1 + 2 * width :] = layout.pack(factors)
        scales = _inverse(factors)
        seen = array[:, 1 : 1 + d].astype(np.float64)
        seen -= _apply(scales, array[:, 1 + width : 1 + width + d].astype(np.float64))
        return cls(plan, array, seen, factors / SCALE, scales * SCALE)


def _apply(factors: Array, vectors: Array) -> Array:
    """Multiply vectors (K, d) by factors (K, d, d), (K, d) or (K,)."""
    if factors.ndim == 3:
        return np.asarray((factors @ vectors[:, :, None])[:, :, 0])
    return np.asarray(factors.reshape(len(factors), -1) * vectors)


def _inverse(factors: Array) -> Array:
    if factors.ndim == 3:
        identity = np.broadcast_to(np.eye(factors.shape[-1]), factors.shape)
        return np.tril(np.linalg.solve(factors, identity))
    return 1 / factors


@dataclass(frozen=True)
class WhitenedMoments:
    """Sums of the M step, in the whitened coordinates z = L (x - old mean).

    Attributes
    ----------
    sums : array (K,)
        Sum of the weighted responsibilities of each component.
    counts : array (K,)
        The same plus 10 eps, as scikit-learn has it, so that it is never 0.
    first : array (K, d)
        Sum of weighted responsibility times z.
    second : array (K, d, d), (K, d) or (K,)
        Second moments of z, as the layout stores them.
    shifts : array (K, d)
        New means, in whitened coordinates.
    means : array (K, d)
        New means.
    factors, scales : arrays
        L and its inverse.
    """

    sums: Array
    counts: Array
    first: Array
    second: Array
    shifts: Array
    means: Array
    factors: Array
    scales: Array

    @classmethod
    def read(cls, moments: Array, density: Density, layout: Layout) -> WhitenedMoments:
        """Read what a kernel has summed up.

        Parameters
        ----------
        moments : array (K, n_moments)
        density : Density
            The parameters that they were summed up with.
        layout : Layout
        """
        d = density.means.shape[1]
        width = density.plan.width
        sums = moments[:, 0]
        counts = sums + TINY
        first = moments[:, 1 : 1 + d] / SCALE
        second = layout.unpack_moments(moments[:, 1 + width :], d) / SCALE**2
        # The new mean is the sum of r x over `counts`, which exceeds the sum of r.
        excess = (TINY / counts)[:, None]
        shifts = first / counts[:, None] - _apply(
            density.factors, excess * density.means
        )
        means = density.means + _apply(density.scales, shifts)
        factors, scales = density.factors, density.scales
        return cls(sums, counts, first, second, shifts, means, factors, scales)

    def centered(self) -> Array:
        """Return second moments about the new means, (K, d, d)."""
        cross = self.first[:, :, None] * self.shifts[:, None, :]
        square = self.shifts[:, :, None] * self.shifts[:, None, :]
        square *= self.sums[:, None, None]
        return np.asarray(self.second - cross - np.swapaxes(cross, 1, 2) + square)
