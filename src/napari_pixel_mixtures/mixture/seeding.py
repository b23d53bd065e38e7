"""k-means++ in compiled code: who is nearest to which seed, and moments by label.

After Arthur and Vassilvitskii, "k-means++: the advantages of careful seeding"
(2007), with several trials for each mean, the best of which is kept.
"""

from __future__ import annotations

from functools import cache
from math import log
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import from_dtype, njit, types

from .library import compile_for, routine

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FLOATS = types.Array(types.float64, 1, "C")
_TABLE = types.Array(types.float64, 2, "C")
_TABLES = types.Array(types.float64, 3, "C")


def draws_for(n_seeds: int, random_state: np.random.RandomState) -> Any:
    """Draw the random numbers (n_seeds, n_trials) that `nearest_seeds` wants."""
    return random_state.uniform(size=(n_seeds, 2 + int(log(n_seeds))))


def nearest_seeds(
    samples: NDArray[np.float64],
    weights: NDArray[np.float64],
    draws: NDArray[np.float64],
) -> NDArray[np.int64]:
    """Pick samples far from one another, and deal all samples out to the nearest.

    Parameters
    ----------
    samples : array (n, d) of float64, contiguous
    weights : array (n,) of float64
        How much each sample counts.
    draws : array (n_seeds, n_trials) of float64
        From `draws_for`; n_seeds is at most n.

    Returns
    -------
    array (n,) of int64
        Which of the seeds is nearest, from 0.
    """
    columns = np.ascontiguousarray(samples.T)
    found: NDArray[np.int64] = routine(SEED)(columns, weights, draws)
    return found


@njit
def _first_above(ascending: Any, value: Any) -> Any:
    """Give the first place above a value, or the last place.

    It compiles in a tenth of the time of `np.searchsorted`.
    """
    low, high = 0, len(ascending) - 1
    while low < high:
        middle = (low + high) // 2
        if ascending[middle] > value:
            high = middle
        else:
            low = middle + 1
    return low


def _seed(columns: Any, weights: Any, draws: Any) -> Any:
    d, n = columns.shape
    n_seeds, n_trials = draws.shape
    nearest = np.zeros(n, np.int64)
    closest = np.empty(n)
    for i in range(n):
        closest[i] = np.inf
    trial = np.empty(n)
    best = np.empty(n)
    cumulative = np.empty(n)
    for seed in range(n_seeds):
        total = 0.0
        for i in range(n):
            total += weights[i] * (1.0 if seed == 0 else closest[i])
            cumulative[i] = total
        least = np.inf
        for t in range(1 if seed == 0 else n_trials):
            chosen = _first_above(cumulative, draws[seed, t] * total)
            for i in range(n):
                trial[i] = 0.0
            for j in range(d):
                column = columns[j]
                place = column[chosen]
                for i in range(n):
                    trial[i] += (column[i] - place) ** 2
            potential = 0.0
            for i in range(n):
                trial[i] = min(trial[i], closest[i])
                potential += weights[i] * trial[i]
            if potential < least:
                least = potential
                trial, best = best, trial
        for i in range(n):
            if best[i] < closest[i]:
                closest[i] = best[i]
                nearest[i] = seed
    return nearest


SEED = (_seed, (_TABLE, _FLOATS, _TABLE))
"""The compiled function and its types."""


def moments_by_label(
    samples: NDArray[Any], weights: NDArray[Any], labels: NDArray[Any], n_labels: int
) -> tuple[NDArray[np.float64], ...]:
    """Sum up the samples of each label, in float64 and in two passes.

    Parameters
    ----------
    samples : array (n, d) of float32 or float64
    weights : array (n,) of the same type
        How much each sample counts.
    labels : array (n,) of int
        From 0; -1 for none.
    n_labels : int

    Returns
    -------
    totals : array (n_labels,)
        Sum of the weights.
    means : array (n_labels, d)
        0 where there is no weight.
    second : array (n_labels, d, d)
        Sum of the weighted second moments about the mean.
    unclaimed : array (d, d)
        Sum of weight times x x^T over samples without a label.
    """
    d = samples.shape[1]
    totals, means = np.zeros(n_labels), np.zeros((n_labels, d))
    second, unclaimed = np.zeros((n_labels, d, d)), np.zeros((d, d))
    sums = (totals, means, second, unclaimed)
    labels = np.ascontiguousarray(labels, np.int64)
    _sum_labeled_for(samples.dtype)(samples, weights, labels, *sums)
    return sums


def sum_job(dtype: Any) -> tuple[Any, Any]:
    """Return the compiled function of `moments_by_label` and its types."""
    real = from_dtype(np.dtype(dtype))
    return _sum_labeled, (
        types.Array(real, 2, "A", readonly=True),
        types.Array(real, 1, "A", readonly=True),
        *(types.Array(types.int64, 1, "C"), _FLOATS, _TABLE, _TABLES, _TABLE),
    )


@cache
def _sum_labeled_for(dtype: np.dtype[Any]) -> Any:
    return compile_for(*sum_job(dtype))


def _sum_labeled(
    samples: Any,
    weights: Any,
    labels: Any,
    totals: Any,
    means: Any,
    second: Any,
    unclaimed: Any,
) -> None:
    n, d = samples.shape
    offset = np.empty(d)
    for i in range(n):
        k = labels[i]
        if k >= 0:
            totals[k] += weights[i]
            for j in range(d):
                means[k, j] += np.float64(weights[i]) * samples[i, j]
    for k in range(len(totals)):
        if totals[k] > 0.0:
            for j in range(d):
                means[k, j] /= totals[k]
    for i in range(n):
        k = labels[i]
        target = unclaimed if k < 0 else second[k]
        for j in range(d):
            offset[j] = samples[i, j] - (0.0 if k < 0 else means[k, j])
        for j in range(d):
            weighted = weights[i] * offset[j]
            row = target[j]
            for m in range(d):
                row[m] += weighted * offset[m]
