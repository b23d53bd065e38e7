"""Summary: what a mixture says about samples, and about other values of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .checks import scaled_weights
from .passes import detail

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .moments import Density
    from .passes import Details
    from .team import Team

    Array = NDArray[Any]

# Samples from which it is guessed what values are summed about, and how much of a
# variance may be lost to rounding.
_GUESS_ROWS = 4096
_MOST_LOST = 1e-5

# After the second round sums are about the means themselves.
_ROUNDS = 2


@dataclass(frozen=True, eq=False)
class Summary:
    """What a mixture says about samples.

    Attributes
    ----------
    labels : array (n,) of uint8
        The most probable component of each sample, counted from 0.
    counts : array (K,) of float64
        Sum of the responsibilities of each component, times the sample weights.
    value_means : array (K, C) of float64, or None without values
        Responsibility-weighted mean of the values.
    value_covariances : array (K, C, C) of float64, or None without values
        Responsibility-weighted covariance of the values.
    """

    labels: NDArray[np.uint8]
    counts: NDArray[np.float64]
    value_means: NDArray[np.float64] | None
    value_covariances: NDArray[np.float64] | None


def summary(
    density: Density,
    samples: Array,
    team: Team,
    values: Array | None = None,
    weights: Array | None = None,
) -> Summary:
    """Label samples, and sum up other values of them.

    The covariance of a component is summed about a guess of its own mean, and again
    about the mean itself where the guess was so far off that digits were lost.

    Parameters
    ----------
    density : Density
    samples : array (n, d)
    team : Team
    values : array (n, C), optional
    weights : array (n,), optional
        How much each sample counts.
    """
    unit = 1.0
    if weights is not None:
        weights, unit = scaled_weights(weights)
    if values is None:
        found = detail(density, samples, team, labels=True, sums=True, weights=weights)
        return Summary(found.labels, found.sums[:, 0] * unit, None, None)
    about = _guess(density, samples, team, values, weights)
    for _ in range(_ROUNDS):
        found = detail(
            density,
            samples,
            team,
            labels=True,
            sums=True,
            values=values,
            about=about,
            weights=weights,
        )
        shares = _shares(found)
        k, c = about.shape
        shifts = shares[:, :c]
        about = found.origins + shifts
        i, j = np.tril_indices(c)
        covariances = np.empty((k, c, c))
        covariances[:, i, j] = covariances[:, j, i] = shares[:, c:]
        covariances -= shifts[:, :, None] * shifts[:, None, :]
        eps = np.finfo(density.plan.dtype).eps
        variances = np.diagonal(covariances, axis1=1, axis2=2)
        # About the mean itself, what is left of a shift is the rounding of the mean.
        far = np.abs(shifts) > 4 * eps * np.abs(about)
        if not np.any(far & (eps * shifts**2 > _MOST_LOST * variances)):
            break
    return Summary(found.labels, found.sums[:, 0] * unit, about, covariances)


def _guess(
    density: Density,
    samples: Array,
    team: Team,
    values: Array,
    weights: Array | None,
) -> Array:
    """Return means (K, C) of the values of some samples."""
    some = slice(None, None, -(-len(samples) // _GUESS_ROWS))
    found = detail(
        density,
        samples[some],
        team,
        sums=True,
        values=values[some],
        weights=None if weights is None else weights[some],
    )
    return np.asarray(found.origins + _shares(found))


def _shares(found: Details) -> Array:
    """Divide sums by those of the responsibilities, (K, m)."""
    counts = np.maximum(found.sums[:, :1], np.finfo(np.float64).tiny)
    return np.asarray(found.sums[:, 1:] / counts)
