"""A better start, "subsample": short EM runs on some of the samples compete.

The sample is large enough to tell the components apart and small enough to try
several starts: k-means++ picks means, a few EM iterations improve on them, the best
few starts go on, and the best of these is where EM on all data starts. If these are
many more, it is improved on a larger part of them first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .em import Data, em_steps
from .plan import Plan
from .seeding import draws_for, nearest_seeds
from .start_base import estimate

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from numpy.typing import NDArray

    from .em import Step
    from .moments import MixtureParameters
    from .start_base import StartSettings
    from .team import Team

    Array = NDArray[Any]

# Sub-sampled rows for each parameter of a component, and bounds on their number.
_ROWS_PER_PARAMETER = 40
_LEAST_ROWS = 4_000
_MOST_ROWS = 20_000


class Round(NamedTuple):
    """One round of the competition between starts.

    Attributes
    ----------
    n_starts : int
        How many take part.
    iterations : int
        How many EM iterations each may do.
    least_change : float
        The rise of the mean log-likelihood below which one stops early.
    thinning : int
        One sample in so many is used, if enough are left.
    """

    n_starts: int
    iterations: int
    least_change: float
    thinning: int = 1


class _Run(NamedTuple):
    """A short EM run, as far as it has come."""

    parameters: MixtureParameters
    likelihood: float = -np.inf
    ended: bool = False

    def after(self, step: Step | None, least_change: float) -> _Run:
        """Go on by a step, if that does not make it singular and is still worth it."""
        if step is None or step[1] - self.likelihood < least_change:
            return self._replace(ended=True)
        return _Run(*step)


# Iterations between two occasions to cancel.
_AT_A_TIME = 10

# Rises of the mean log-likelihood that are not told apart.
_EQUAL = 1e-3

# Multiplications in a pass over the sub-sample that are worth threads.
_WORTH_THREADS = 1_000_000

_ROUNDS = (Round(10, 5, 0.0, 3), Round(4, 15, 1e-4), Round(2, 100, 1e-4))

# Of many samples one in so many is worth a last round: passes over all are saved.
# A prime, so that no period of a picture falls in with it.
_SPACING = 17
_LAST_ROUND = (Round(1, 20, 1e-4, _SPACING),)


def subsample_of(data: Data, settings: StartSettings, random_state: Any) -> Data:
    """Draw rows at even steps of the weight, from a random first place."""
    n, d = data.samples.shape
    per_component = 1 + d + settings.kind.layout.n_second_moments(d)
    rows = _ROWS_PER_PARAMETER * per_component * settings.n_components
    size = int(np.clip(rows, _LEAST_ROWS, _MOST_ROWS))
    if n <= size:
        return data
    if data.uniform:
        places = (np.arange(size) + random_state.uniform()) * (n / size)
        return Data.of(np.ascontiguousarray(data.samples[places.astype(np.intp)]))
    cumulative = np.cumsum(data.weights, dtype=np.float64)
    places = (np.arange(size) + random_state.uniform()) * (cumulative[-1] / size)
    chosen = np.searchsorted(cumulative, places, side="right")
    rows, counts = np.unique(np.minimum(chosen, n - 1), return_counts=True)
    return Data.of(np.ascontiguousarray(data.samples[rows]), counts)


def subsample_start(
    data: Data,
    settings: StartSettings,
    random_state: np.random.RandomState,
    team: Team,
) -> Generator[None, None, MixtureParameters]:
    """Find the start that does best on a sample; arguments are those of `start`."""
    part = subsample_of(data, settings, random_state)
    few = _thinned(part, _ROUNDS[0])
    candidates = nearest_means(few, settings, random_state, _ROUNDS[0].n_starts, team)
    yield
    winner = yield from compete(candidates, part, settings, team, _ROUNDS)
    # Of samples that count differently, a part taken so might lack the heaviest.
    if data.uniform and len(data.samples) > 4 * _SPACING * len(part.samples):
        winner = yield from compete([winner], data, settings, team, _LAST_ROUND)
    return winner


def compete(
    candidates: list[MixtureParameters],
    part: Data,
    settings: StartSettings,
    team: Team,
    rounds: Iterable[Round],
) -> Generator[None, None, MixtureParameters]:
    """Let starts compete by their likelihood; yields every few iterations.

    Parameters
    ----------
    candidates : list of MixtureParameters
        The starts, at least one.
    part : Data
        What they are compared on.
    settings : StartSettings
    team : Team
    rounds : iterable of Round

    Returns
    -------
    MixtureParameters
        The winner, as the last round has improved it.
    """
    team = _crew(team, part, settings)
    for one in rounds:
        few = _thinned(part, one)
        runs = [_Run(parameters) for parameters in candidates[: one.n_starts]]
        for iteration in range(one.iterations):
            going = [place for place, run in enumerate(runs) if not run.ended]
            if not going:
                break
            steps = em_steps(
                [runs[place].parameters for place in going],
                *(few, settings.kind, settings.reg_covar, team),
            )
            for place, step in zip(going, steps, strict=True):
                runs[place] = runs[place].after(step, one.least_change)
            if iteration % _AT_A_TIME == _AT_A_TIME - 1:
                yield
        yield
        best = max(run.likelihood for run in runs)
        # Starts that come to the same end differ by rounding errors: among equals
        # the first goes ahead, so that these errors do not choose.
        runs.sort(key=lambda run: _behind(run.likelihood, best))
        candidates = [run.parameters for run in runs]
    return candidates[0]


def _crew(team: Team, part: Data, settings: StartSettings) -> Team:
    """Return those who do short EM runs on a part of the data.

    Between passes that take less than the Python around them, two threads only wait
    for one another's turn.
    """
    n, d = part.samples.shape
    plan = Plan(settings.kind.layout, d, part.samples.dtype)
    work = n * settings.n_components * plan.n_parameters
    return team if work > _WORTH_THREADS else team.alone()


def _thinned(part: Data, one: Round) -> Data:
    return part.thinned(one.thinning) if len(part.samples) > _LEAST_ROWS else part


def _behind(likelihood: float, best: float) -> float:
    """Return how many rises that are told apart a start lies behind the best."""
    if likelihood == -np.inf:
        return np.inf
    return float(np.rint((best - likelihood) / _EQUAL))


def nearest_means(
    part: Data,
    settings: StartSettings,
    random_state: np.random.RandomState,
    n_starts: int,
    team: Team,
) -> list[MixtureParameters]:
    """Deal samples out to the nearest of means that k-means++ picks, n_starts times."""
    samples = settings.weighted(part).samples.astype(np.float64)
    weights = part.weights.astype(np.float64)
    n_seeds = min(settings.n_components, len(samples))

    def one(draws: Array, _: Team) -> MixtureParameters:
        return estimate(nearest_seeds(samples, weights, draws), part, settings)

    team = _crew(team, part, settings)
    return team.map(one, [draws_for(n_seeds, random_state) for _ in range(n_starts)])
