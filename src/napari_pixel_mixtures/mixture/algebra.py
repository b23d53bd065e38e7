"""What kernels need of the small matrices, and new means, in compiled code.

All in float64 and without a square of a matrix: see `Density` and `WhitenedMoments`
for what the quantities mean. Each public name is a function and its types, for
`library.routine`. Where a factor is a diagonal, (K, m), m is the number of features
or 1: column `i % m` belongs to feature i.
"""

from __future__ import annotations

from math import log, pi, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit, types

if TYPE_CHECKING:
    from collections.abc import Callable

    Job = tuple[Callable[..., Any], tuple[Any, ...]]

# Kernels work with powers of 2: exp(-|z|^2 / 2) = 2**-|SCALE z|^2.
SCALE = sqrt(0.5 / log(2.0))

# 10 eps, which scikit-learn adds to the sum of responsibilities of a component.
TINY = 10 * float(np.finfo(np.float64).eps)

# Log-density of a component with weight 0, and still a float32.
NEVER = -1e30

LN2 = log(2.0)


@njit
def _rounded(value: Any, single: Any) -> Any:
    """Round to float32, if kernels are to work in it."""
    return np.float64(np.float32(value)) if single else value


@njit
def _constant(weight: Any, log_determinant: Any, d: Any, single: Any) -> Any:
    """Return log2 of a component's weighted density at its mean."""
    log_weight = log(weight) if weight > 0 else NEVER
    return _rounded(
        (log_weight - 0.5 * d * log(2 * pi) + log_determinant) / LN2, single
    )


@njit
def invert(triangle: Any, inverse: Any) -> None:
    """Write the inverse of a lower triangle."""
    for i in range(len(triangle)):
        row = inverse[i]
        for j in range(len(triangle)):
            row[j] = 0.0
        for j in range(i):
            entry = triangle[i, j]
            other = inverse[j]
            for m in range(j + 1):
                row[m] -= entry * other[m]
        scale = 1.0 / triangle[i, i]
        for m in range(i):
            row[m] *= scale
        row[i] = scale


def _prepare_triangles(
    weights: Any,
    means: Any,
    exact: Any,
    single: Any,
    width: Any,
    head: Any,
    packed: Any,
    seen: Any,
    factors: Any,
    scales: Any,
) -> None:
    """Round means and factors as a kernel sees them, and correct for it.

    Writes constants, means and shifts into `head` (K, 1 + 2 width), the rounded
    factors times SCALE into `packed` (K, d, d), the means that the kernel sees, and
    L and its inverse.
    """
    n_components, d = means.shape
    lost = np.empty(d)
    for k in range(n_components):
        factor, scale, row = packed[k], scales[k], head[k]
        log_determinant = 0.0
        for i in range(d):
            log_determinant += log(exact[k, i, i])
            row[1 + i] = _rounded(means[k, i], single)
            lost[i] = means[k, i] - row[1 + i]
            for j in range(i + 1):
                factor[i, j] = _rounded(exact[k, i, j] * SCALE, single)
        row[0] = _constant(weights[k], log_determinant, d, single)
        for i in range(d):
            shift = 0.0
            for j in range(i + 1):
                shift -= factor[i, j] * lost[j]
            row[1 + width + i] = _rounded(shift, single)
        invert(factor, scale)
        for i in range(d):
            mean = row[1 + i]
            for j in range(i + 1):
                mean -= scale[i, j] * row[1 + width + j]
            seen[k, i] = mean
            for j in range(i + 1):
                factors[k, i, j] = factor[i, j] / SCALE
        for i in range(d):
            for j in range(i + 1):
                scale[i, j] *= SCALE


def _prepare_diagonals(
    weights: Any,
    means: Any,
    exact: Any,
    single: Any,
    width: Any,
    head: Any,
    packed: Any,
    seen: Any,
    factors: Any,
    scales: Any,
) -> None:
    """Do what `_prepare_triangles` does, for diagonals (K, m)."""
    n_components, d = means.shape
    m = exact.shape[1]
    for k in range(n_components):
        row = head[k]
        log_determinant = 0.0
        for i in range(m):
            packed[k, i] = _rounded(exact[k, i] * SCALE, single)
            factors[k, i] = packed[k, i] / SCALE
            scales[k, i] = SCALE / packed[k, i]
        for i in range(d):
            log_determinant += log(exact[k, i % m])
            row[1 + i] = _rounded(means[k, i], single)
            lost = means[k, i] - row[1 + i]
            shift = _rounded(-packed[k, i % m] * lost, single)
            row[1 + width + i] = shift
            seen[k, i] = row[1 + i] - shift / packed[k, i % m]
        row[0] = _constant(weights[k], log_determinant, d, single)


def _move_triangles(
    moments: Any,
    seen: Any,
    factors: Any,
    scales: Any,
    counts: Any,
    first: Any,
    shifts: Any,
    means: Any,
) -> None:
    """Write counts (K,), first moments, and new means, both in whitened coordinates.

    The new mean is the sum of r x over `counts`, which exceeds the sum of r.
    """
    n_components, d = seen.shape
    for k in range(n_components):
        counts[k] = moments[k, 0] + TINY
        excess = TINY / counts[k]
        for i in range(d):
            first[k, i] = moments[k, 1 + i] / SCALE
            shift = first[k, i] / counts[k]
            for j in range(i + 1):
                shift -= factors[k, i, j] * (excess * seen[k, j])
            shifts[k, i] = shift
        for i in range(d):
            mean = 0.0
            for j in range(i + 1):
                mean += scales[k, i, j] * shifts[k, j]
            means[k, i] = seen[k, i] + mean


def _move_diagonals(
    moments: Any,
    seen: Any,
    factors: Any,
    scales: Any,
    counts: Any,
    first: Any,
    shifts: Any,
    means: Any,
) -> None:
    """Do what `_move_triangles` does, for diagonals (K, m)."""
    n_components, d = seen.shape
    m = factors.shape[1]
    for k in range(n_components):
        counts[k] = moments[k, 0] + TINY
        excess = TINY / counts[k]
        for i in range(d):
            first[k, i] = moments[k, 1 + i] / SCALE
            lost = factors[k, i % m] * (excess * seen[k, i])
            shifts[k, i] = first[k, i] / counts[k] - lost
            means[k, i] = seen[k, i] + scales[k, i % m] * shifts[k, i]


def table(ndim: int) -> Any:
    """Return the type of arrays (ndim,) of float64 that lie in one piece."""
    return types.Array(types.float64, ndim, "C")


def given(ndim: int) -> Any:
    """Return the type of arrays (ndim,) of any strides, read-only or not."""
    return types.Array(types.float64, ndim, "A", readonly=True)


def _prepare_types(ndim: int) -> Any:
    return (
        *(given(1), given(2), given(ndim), types.boolean, types.int64),
        *(table(2), table(ndim), table(2), table(ndim), table(ndim)),
    )


def _move_types(ndim: int) -> Any:
    return (
        *(table(2), table(2), table(ndim), table(ndim)),
        *(table(1), table(2), table(2), table(2)),
    )


PREPARE_TRIANGLES: Job = (_prepare_triangles, _prepare_types(3))
PREPARE_DIAGONALS: Job = (_prepare_diagonals, _prepare_types(2))
MOVE_TRIANGLES: Job = (_move_triangles, _move_types(3))
MOVE_DIAGONALS: Job = (_move_diagonals, _move_types(2))
