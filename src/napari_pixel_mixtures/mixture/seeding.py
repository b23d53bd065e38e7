"""k-means++ in compiled code: means for a start, and who is nearest to them.

After Arthur and Vassilvitskii, "k-means++: the advantages of careful seeding"
(2007), with several trials for each mean, the best of which is kept.
"""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import types

from .library import compile_for

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FLOATS = types.Array(types.float64, 1, "C")
_TABLE = types.Array(types.float64, 2, "C")


def nearest_seeds(
    samples: NDArray[np.float64],
    weights: NDArray[np.float64],
    n_seeds: int,
    random_state: np.random.RandomState,
) -> NDArray[np.int64]:
    """Pick samples far from one another, and deal all samples out to the nearest.

    Parameters
    ----------
    samples : array (n, d) of float64, contiguous
    weights : array (n,) of float64
        How much each sample counts.
    n_seeds : int
        At most n.
    random_state : RandomState

    Returns
    -------
    array (n,) of int64
        Which of the seeds is nearest, from 0.
    """
    n_trials = 2 + int(log(n_seeds))
    draws = random_state.uniform(size=(n_seeds, n_trials))
    columns = np.ascontiguousarray(samples.T)
    found: NDArray[np.int64] = compile_for(*SEED)(columns, weights, draws)
    return found


def _seed(columns: Any, weights: Any, draws: Any) -> Any:
    d, n = columns.shape
    n_seeds, n_trials = draws.shape
    nearest = np.zeros(n, np.int64)
    closest = np.empty(n)
    closest[:] = np.inf
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
            chosen = np.searchsorted(cumulative, draws[seed, t] * total, side="right")
            chosen = min(chosen, n - 1)
            trial[:] = 0.0
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
                best[:] = trial
        for i in range(n):
            if best[i] < closest[i]:
                closest[i] = best[i]
                nearest[i] = seed
    return nearest


SEED = (_seed, (_TABLE, _FLOATS, _TABLE))
"""The compiled function and its types."""
