"""The M step of the covariances, in compiled code.

In float64, and in whitened coordinates: see `CovarianceType.estimate`. As in `algebra`,
each public name is a function and its types, for `library.routine`.
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit, types

from .algebra import given, invert, table

if TYPE_CHECKING:
    from .algebra import Job


@njit
def _add_centered(first: Any, second: Any, shift: Any, total: Any, rest: Any) -> None:
    """Add second moments about the new mean to the lower triangle of `rest`."""
    for i in range(len(first)):
        for j in range(i + 1):
            cross = first[i] * shift[j] + shift[i] * first[j]
            rest[i, j] += second[i, j] - cross + total * shift[i] * shift[j]


@njit
def _refactor(
    rest: Any,
    raw: Any,
    factor: Any,
    scale: Any,
    reg_covar: Any,
    root: Any,
    covariance: Any,
    cholesky: Any,
) -> Any:
    """Write a covariance and its whitening factor from the covariance of z.

    `rest` (d, d) and `raw` (d,) are second moments about the new mean and about the
    old. Returns the least pivot as `CovarianceType.estimate` has it.
    """
    d = len(raw)
    least = np.inf
    for i in range(d):
        for j in range(i + 1):
            value = 0.0
            for m in range(j + 1):
                value += factor[i, m] * factor[j, m]
            value = rest[i, j] + reg_covar * value
            for m in range(j):
                value -= root[i, m] * root[j, m]
            if i > j:
                root[i, j] = value / root[j, j]
            elif value > 0.0:
                root[i, i] = sqrt(value)
                least = min(least, value / max(value, raw[i]))
            else:  # or NaN
                return -np.inf
    # The new scale takes the place of `rest`, its inverse that of `root`.
    for i in range(d):
        row = rest[i]
        for j in range(d):
            row[j] = 0.0
        for m in range(i + 1):
            entry = scale[i, m]
            other = root[m]
            for j in range(m + 1):
                row[j] += entry * other[j]
    invert(rest, root)
    for i in range(d):
        for j in range(i + 1):
            value = 0.0
            for m in range(j + 1):
                value += rest[i, m] * rest[j, m]
            covariance[i, j] = covariance[j, i] = value
            cholesky[j, i] = root[i, j]
    return least


def _estimate_full(
    sums: Any,
    counts: Any,
    first: Any,
    second: Any,
    shifts: Any,
    factors: Any,
    scales: Any,
    reg_covar: Any,
    covariances: Any,
    cholesky: Any,
) -> Any:
    """Write a covariance (K, d, d) for each component; return the least pivot."""
    n_components, d = first.shape
    rest = np.empty((d, d))
    root = np.empty((d, d))
    raw = np.empty(d)
    least = np.inf
    for k in range(n_components):
        for i in range(d):
            for j in range(i + 1):
                rest[i, j] = 0.0
        _add_centered(first[k], second[k], shifts[k], sums[k], rest)
        for i in range(d):
            for j in range(i + 1):
                rest[i, j] /= counts[k]
            raw[i] = second[k, i, i] / counts[k]
        pivot = _refactor(
            rest,
            raw,
            factors[k],
            scales[k],
            reg_covar,
            root,
            covariances[k],
            cholesky[k],
        )
        least = min(least, pivot)
    return least


def _estimate_tied(
    sums: Any,
    counts: Any,
    first: Any,
    second: Any,
    shifts: Any,
    factors: Any,
    scales: Any,
    reg_covar: Any,
    covariance: Any,
    cholesky: Any,
) -> Any:
    """Write one covariance (d, d) for all components; return the least pivot."""
    n_components, d = first.shape
    rest = np.zeros((d, d))
    root = np.empty((d, d))
    raw = np.zeros(d)
    total = 0.0
    for k in range(n_components):
        _add_centered(first[k], second[k], shifts[k], sums[k], rest)
        total += counts[k]
        for i in range(d):
            raw[i] += second[k, i, i]
    for i in range(d):
        for j in range(i + 1):
            rest[i, j] /= total
        raw[i] /= total
    return _refactor(
        rest, raw, factors[0], scales[0], reg_covar, root, covariance, cholesky
    )


@njit
def _spread(rest: Any, raw: Any, scale: Any, reg_covar: Any) -> Any:
    """Return a variance from that of z, and its pivot."""
    variance = rest * scale**2 + reg_covar
    if not variance > 0.0:
        return 1.0, -np.inf
    return variance, variance / max(variance, raw * scale**2)


def _estimate_diagonal(
    sums: Any,
    counts: Any,
    first: Any,
    second: Any,
    shifts: Any,
    factors: Any,
    scales: Any,
    reg_covar: Any,
    variances: Any,
    cholesky: Any,
) -> Any:
    """Write a variance (K, d) for each feature; return the least pivot."""
    n_components, d = first.shape
    least = np.inf
    for k in range(n_components):
        for i in range(d):
            shift = shifts[k, i]
            rest = second[k, i] - 2 * first[k, i] * shift + sums[k] * shift**2
            rest, raw = rest / counts[k], second[k, i] / counts[k]
            variances[k, i], pivot = _spread(rest, raw, scales[k, i], reg_covar)
            cholesky[k, i] = 1.0 / sqrt(variances[k, i])
            least = min(least, pivot)
    return least


def _estimate_spherical(
    sums: Any,
    counts: Any,
    first: Any,
    second: Any,
    shifts: Any,
    factors: Any,
    scales: Any,
    reg_covar: Any,
    variances: Any,
    cholesky: Any,
) -> Any:
    """Write one variance (K,) for all features; return the least pivot."""
    n_components, d = first.shape
    least = np.inf
    for k in range(n_components):
        rest = second[k]
        for i in range(d):
            shift = shifts[k, i]
            rest += sums[k] * shift**2 - 2 * first[k, i] * shift
        rest, raw = rest / (counts[k] * d), second[k] / (counts[k] * d)
        variances[k], pivot = _spread(rest, raw, scales[k, 0], reg_covar)
        cholesky[k] = 1.0 / sqrt(variances[k])
        least = min(least, pivot)
    return least


def _estimate_types(second: int, factors: int, covariances: int) -> Any:
    return (
        *(given(1), table(1), table(2), given(second), table(2)),
        *(table(factors), table(factors), types.float64),
        *(table(covariances), table(covariances)),
    )


ESTIMATE_FULL: Job = (_estimate_full, _estimate_types(3, 3, 3))
ESTIMATE_TIED: Job = (_estimate_tied, _estimate_types(3, 3, 2))
ESTIMATE_DIAGONAL: Job = (_estimate_diagonal, _estimate_types(2, 2, 2))
ESTIMATE_SPHERICAL: Job = (_estimate_spherical, _estimate_types(1, 2, 1))
