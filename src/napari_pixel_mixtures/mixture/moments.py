"""Parameters of a mixture, as kernels want them, and what kernels sum up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .algebra import SCALE
from .library import routine
from .plan import Plan

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .covariance_base import CovarianceType
    from .layout import Layout

    Array = NDArray[Any]


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
    factors, scales : arrays (K, d, d), (K, d) or (K, 1)
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
        exact = kind.factors(parameters.precisions_cholesky, n_components)
        head = np.zeros((n_components, 1 + 2 * width))
        seen = np.empty((n_components, d))
        packed, factors, scales = np.zeros((3, *exact.shape))
        # What rounding does to means and factors is known, and taken account of.
        routine(layout.prepare)(
            *(parameters.weights, parameters.means, kind.tempered(exact)),
            *(plan.dtype == np.float32, width, head, packed, seen, factors, scales),
        )
        head[:, 0] += kind.correction(exact) / np.log(2.0)
        array = np.empty((n_components, plan.n_parameters), plan.dtype)
        array[:, : 1 + 2 * width] = head
        array[:, 1 + 2 * width :] = layout.pack(packed)
        return cls(plan, array, seen, factors, scales)


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
        second = layout.unpack_moments(moments[:, 1 + density.plan.width :], d)
        counts = np.empty(len(moments))
        first, shifts, means = np.empty((3, *density.means.shape))
        factors, scales = density.factors, density.scales
        routine(layout.move)(
            *(moments, density.means, factors, scales, counts, first, shifts, means),
        )
        second = second / SCALE**2
        sums = moments[:, 0]
        return cls(sums, counts, first, second, shifts, means, factors, scales)
