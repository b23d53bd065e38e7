"""Expectation maximization: iterate, stop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .checks import scaled_weights
from .moments import Density, MixtureParameters, WhitenedMoments
from .passes import sum_moments_of_each

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from numpy.typing import NDArray

    from .covariance_base import CovarianceType
    from .sklearn_private import Printer
    from .team import Team

    Array = NDArray[Any]

# Sums in float32 are repeated in float64 if less than this is left of a second
# moment once the square of the mean is taken off: their error is about 1e-7 of it.
LEAST_PIVOT = 2e-3

ILL_DEFINED = (
    "Fitting the mixture model failed because some components have ill-defined "
    "empirical covariance (for instance caused by singleton or collapsed samples). "
    "Try to decrease the number of components, increase reg_covar, or scale the "
    "input data."
)
"""scikit-learn's sentence, word for word."""


class IllDefinedError(ValueError):
    """A covariance has become singular; in scikit-learn's words.

    Parameters
    ----------
    dtype : dtype
        Type of the samples.
    """

    def __init__(self, dtype: np.dtype[Any]) -> None:
        message = ILL_DEFINED
        if dtype == np.float32:
            message += (
                " The numerical accuracy can also be improved by passing float64 data "
                "instead of float32."
            )
        super().__init__(message)


@dataclass(frozen=True)
class Iteration:
    """One EM iteration, as told to callbacks.

    Attributes
    ----------
    number : int
        1 for the first iteration; 0 while the start is being looked for.
    max_iter : int
        The number at which the fit gives up.
    log_likelihood : float
        Mean log-likelihood of a sample under the parameters of this iteration's
        E step.
    change : float
        How much the log-likelihood rose in this iteration; the fit has converged
        when it is below the tolerance.
    weights, means, covariances, precisions_cholesky : arrays
        The parameters that the M step of this iteration gave; shapes as in
        scikit-learn. They are never written to again.
    """

    number: int
    max_iter: int
    log_likelihood: float
    change: float
    weights: Array
    means: Array
    covariances: Array
    precisions_cholesky: Array


@dataclass(frozen=True)
class Data:
    """What a mixture is fitted to.

    Attributes
    ----------
    samples : array (n, d)
        float32 or float64.
    weights : array (n,)
        How much each sample counts, in units of `unit`; of the samples' type.
    total : float
        Sum of the weights.
    unit : float
        What a weight of 1 stands for: 1 but for weights that are all very small, or
        some of them very large.
    """

    samples: Array
    weights: Array
    total: float
    unit: float = 1.0

    @property
    def uniform(self) -> bool:
        """Whether every sample counts the same."""
        return self.weights.strides == (0,)

    def thinned(self, step: int) -> Data:
        """Take one sample in `step`, of those that count."""
        if step == 1:
            return self
        if self.uniform:
            return Data.of(np.ascontiguousarray(self.samples[::step]))
        places = np.flatnonzero(self.weights)[::step]
        return Data.of(self.samples[places], self.weights[places])

    @classmethod
    def of(cls, samples: Array, weights: Array | None = None) -> Data:
        """Gather samples and weights; without weights, each sample counts once."""
        if weights is None:
            ones = np.broadcast_to(np.ones((), samples.dtype), (len(samples),))
            return cls(samples, ones, float(len(samples)))
        weights, unit = scaled_weights(weights)
        total = float(np.sum(weights, dtype=np.float64))
        return cls(samples, weights.astype(samples.dtype, copy=False), total, unit)


def em_step(
    parameters: MixtureParameters,
    data: Data,
    kind: CovarianceType,
    reg_covar: float,
    team: Team,
) -> tuple[MixtureParameters, float]:
    """Do one E step and one M step.

    Parameters
    ----------
    parameters : MixtureParameters
    data : Data
    kind : CovarianceType
    reg_covar : float
        Added to every variance, in squared feature units.
    team : Team

    Returns
    -------
    parameters : MixtureParameters
        Those after the M step.
    log_likelihood : float
        Mean log-likelihood of a sample under the parameters before.

    Raises
    ------
    IllDefinedError
        A covariance has become singular.
    """
    [step] = em_steps([parameters], data, kind, reg_covar, team)
    if step is None:
        raise IllDefinedError(data.samples.dtype)
    return step


Step = tuple[MixtureParameters, float]


def em_steps(
    mixtures: Sequence[MixtureParameters],
    data: Data,
    kind: CovarianceType,
    reg_covar: float,
    team: Team,
) -> list[Step | None]:
    """Do the step of `em_step` from each of several mixtures of one size.

    They come out to the same bits. Small arrays are computed with all at once: of
    short passes that takes most time.

    Returns
    -------
    list of (parameters, log_likelihood), or None
        None where a covariance has become singular.
    """
    dtype = data.samples.dtype
    steps = _steps(mixtures, data, kind, reg_covar, team, dtype)
    if dtype != np.float64:
        weak = [i for i, (_, pivot) in enumerate(steps) if not pivot >= LEAST_PIVOT]
        if weak:
            exact = np.dtype(np.float64)
            these = [mixtures[i] for i in weak]
            again = _steps(these, data, kind, reg_covar, team, exact)
            for i, step in zip(weak, again, strict=True):
                steps[i] = step
    return [None if pivot == -np.inf else step for step, pivot in steps]


def _steps(
    mixtures: Sequence[MixtureParameters],
    data: Data,
    kind: CovarianceType,
    reg_covar: float,
    team: Team,
    precision: np.dtype[Any],
) -> list[tuple[Step, float]]:
    """Do steps in one precision; with each goes the least pivot of its estimate."""
    densities = Density.of_each(mixtures, kind, precision)

    sums = sum_moments_of_each(densities, data.samples, data.weights, team)
    found = []
    each = WhitenedMoments.read_each([m for m, _ in sums], densities, kind.layout)
    for read, (_, score) in zip(each, sums, strict=True):
        covariances, precisions_cholesky, pivot = kind.estimate(read, reg_covar)
        weights = read.counts / read.counts.sum()
        new = MixtureParameters(weights, read.means, covariances, precisions_cholesky)
        found.append(((new, score / data.total), pivot))
    return found


@dataclass(frozen=True)
class EMSettings:
    """How EM goes on, and when it stops.

    Attributes
    ----------
    kind : CovarianceType
    reg_covar : float
        Added to every variance, in squared feature units.
    tol : float
        The fit has converged when the mean log-likelihood changes by less.
    max_iter : int
        The iteration at which it gives up.
    """

    kind: CovarianceType
    reg_covar: float
    tol: float
    max_iter: int


@dataclass(frozen=True, eq=False)
class Fit:
    """How one run of EM ended."""

    parameters: MixtureParameters
    lower_bounds: list[float]
    converged: bool


def iterate(
    parameters: MixtureParameters,
    previous: float,
    data: Data,
    settings: EMSettings,
    team: Team,
    printer: Printer,
) -> Generator[Iteration, None, Fit]:
    """Do EM steps until one changes little, yielding each.

    Parameters
    ----------
    parameters : MixtureParameters
        Where to begin.
    previous : float
        The mean log-likelihood there, as far as it is known; else minus infinity.
    data : Data
    settings : EMSettings
    team : Team
    printer : Printer
    """
    bounds: list[float] = []
    converged = False
    dtype = data.samples.dtype
    for number in range(1, settings.max_iter + 1):
        parameters, bound = em_step(
            parameters, data, settings.kind, settings.reg_covar, team
        )
        change = bound - previous
        previous = bound
        bounds.append(bound)
        printer.iteration_ends(number, change)
        yield Iteration(
            number,
            settings.max_iter,
            bound,
            change,
            parameters.weights.astype(dtype),
            parameters.means.astype(dtype),
            np.asarray(parameters.covariances).astype(dtype),
            parameters.precisions_cholesky.astype(dtype),
        )
        if abs(change) < settings.tol:
            converged = True
            break
    if settings.max_iter > 0:
        printer.run_ends(previous, converged)
    return Fit(parameters, bounds, converged)


def waiting(
    looking: Generator[None, None, MixtureParameters], max_iter: int
) -> Generator[Iteration, None, MixtureParameters]:
    """Turn the stages of a start into iterations with the number 0."""
    nothing = np.zeros(0)
    while True:
        try:
            next(looking)
        except StopIteration as stop:
            parameters: MixtureParameters = stop.value
            return parameters
        yield Iteration(0, max_iter, -np.inf, np.inf, *[nothing] * 4)
