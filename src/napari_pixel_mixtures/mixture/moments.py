"""Parameters of a mixture, as kernels want them, and what kernels sum up."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from .algebra import SCALE
from .library import routine
from .plan import Plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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
        return cls.of_each([parameters], kind, dtype)[0]

    @classmethod
    def of_each(
        cls,
        mixtures: Sequence[MixtureParameters],
        kind: CovarianceType,
        dtype: np.dtype[Any],
    ) -> list[Density]:
        """Round several mixtures of one size, all at once; the rest is as for `of`."""
        layout = kind.layout
        d = mixtures[0].means.shape[1]
        plan = Plan(layout, d, dtype)
        width = plan.width
        weights, means, exact = _joined(
            (m.weights, m.means, kind.factors(m.precisions_cholesky, len(m.weights)))
            for m in mixtures
        )
        n_components = len(weights)
        head = np.zeros((n_components, 1 + 2 * width))
        seen = np.empty((n_components, d))
        packed, factors, scales = np.zeros((3, *exact.shape))
        # What rounding does to means and factors is known, and taken account of.
        routine(layout.prepare)(
            *(weights, means, kind.tempered(exact)),
            *(plan.dtype == np.float32, width, head, packed, seen, factors, scales),
        )
        head[:, 0] += kind.correction(exact) / np.log(2.0)
        array = np.empty((n_components, plan.n_parameters), plan.dtype)
        array[:, : 1 + 2 * width] = head
        array[:, 1 + 2 * width :] = layout.pack(packed)
        return [
            cls(plan, array[own], seen[own], factors[own], scales[own])
            for own in _slices(len(m.weights) for m in mixtures)
        ]


def _joined(rows: Iterable[tuple[Array, ...]]) -> list[Array]:
    """Lay arrays of several mixtures behind one another, each kind by itself.

    One is copied as well: of arrays with other strides numpy's functions may round
    otherwise.
    """
    return [np.concatenate(column) for column in zip(*rows, strict=True)]


def _slices(lengths: Iterable[int]) -> list[slice]:
    """Tell where the components of each mixture lie."""
    stops = list(accumulate(lengths, initial=0))
    return [slice(*ends) for ends in pairwise(stops)]


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
    def read_each(
        cls, moments: Sequence[Array], densities: Sequence[Density], layout: Layout
    ) -> list[WhitenedMoments]:
        """Read what a kernel has summed up for several mixtures, all at once.

        Parameters
        ----------
        moments : sequence of array (K, n_moments)
        densities : sequence of Density
            The parameters that they were summed up with.
        layout : Layout
        """
        plan = densities[0].plan
        sums, seen, factors, scales = _joined(
            (m, one.means, one.factors, one.scales)
            for m, one in zip(moments, densities, strict=True)
        )
        second = layout.unpack_moments(sums[:, 1 + plan.width :], plan.n_features)
        counts = np.empty(len(sums))
        first, shifts, means = np.empty((3, *seen.shape))
        routine(layout.move)(
            *(sums, seen, factors, scales, counts, first, shifts, means)
        )
        read = (
            *(sums[:, 0], counts, first, second / SCALE**2),
            *(shifts, means, factors, scales),
        )
        return [
            cls(*(values[own] for values in read)) for own in _slices(map(len, moments))
        ]
