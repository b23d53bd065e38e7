"""Where EM starts: scikit-learn's ways, and a better one.

The better one, "subsample", works on a sample of the data that is large enough to
tell the components apart and small enough to try several starts: k-means++ picks
means, a few EM iterations improve on them, the best few starts go on, and the best
of these is where EM on all data starts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sklearn.cluster import KMeans, kmeans_plusplus

from .algebra import TINY
from .em import Data, IllDefinedError, em_step
from .moments import MixtureParameters
from .plan import Plan
from .seeding import draws_for, moments_by_label, nearest_seeds

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from numpy.typing import NDArray

    from .covariance_base import CovarianceType
    from .team import Team

    Array = NDArray[Any]

SUBSAMPLE = "subsample"
"""The value of init_params for the better start."""


@dataclass(frozen=True)
class StartSettings:
    """What a start depends on besides data and random numbers.

    Attributes
    ----------
    n_components : int
    kind : CovarianceType
    reg_covar : float
    init_params : str
        How to start, see `FastGaussianMixture`.
    weights, means, precisions : array or None
        What the user gives; it takes the place of what is found.
    """

    n_components: int
    kind: CovarianceType
    reg_covar: float
    init_params: str
    weights: Array | None = None
    means: Array | None = None
    precisions: Array | None = None

    @property
    def complete(self) -> bool:
        """Whether the user gives everything."""
        return (
            self.weights is not None
            and self.means is not None
            and self.precisions is not None
        )

    def weighted(self, data: Data) -> Data:
        """Multiply columns by the roots of their exponents, for distances."""
        exponents = self.kind.exponents
        if exponents is None:
            return data
        roots = np.sqrt(exponents).astype(data.samples.dtype)
        return replace(data, samples=data.samples * roots)


def start(
    data: Data,
    settings: StartSettings,
    random_state: np.random.RandomState,
    team: Team,
) -> Generator[None, None, MixtureParameters]:
    """Find where to start; yields between stages, so that it can be cancelled.

    Parameters
    ----------
    data : Data
    settings : StartSettings
    random_state : RandomState
    team : Team

    Returns
    -------
    MixtureParameters

    Raises
    ------
    ValueError
        A covariance of the start is singular.
    """
    found: MixtureParameters | None = None
    if not settings.complete:
        if settings.init_params == SUBSAMPLE:
            found = yield from _subsample(data, settings, random_state, team)
        else:
            labels_or_responsibilities = _STARTS[settings.init_params](
                settings.weighted(data), settings.n_components, random_state
            )
            yield
            found = estimate(labels_or_responsibilities, data, settings)
    return _with_given(found, settings, data.samples.dtype)


def _with_given(
    found: MixtureParameters | None, settings: StartSettings, dtype: np.dtype[Any]
) -> MixtureParameters:
    def choose(given: Array | None, name: str) -> Array:
        if given is None:
            return np.asarray(getattr(found, name))
        return given.astype(np.float64)

    weights = choose(settings.weights, "weights")
    means = choose(settings.means, "means")
    if settings.precisions is None:
        assert found is not None
        return MixtureParameters(
            weights, means, found.covariances, found.precisions_cholesky
        )
    kind = settings.kind
    precisions = settings.precisions.astype(np.float64)
    try:
        cholesky = kind.cholesky_of_precisions(precisions)
    except np.linalg.LinAlgError:
        raise IllDefinedError(dtype) from None
    return MixtureParameters(weights, means, None, cholesky)


# scikit-learn's ways. Each draws the same random numbers as scikit-learn does, and
# gives labels (n,), -1 for none, or responsibilities (n, K).


def _kmeans(data: Data, n_components: int, random_state: Any) -> Array:
    means = KMeans(n_clusters=n_components, n_init=1, random_state=random_state)
    weights = None if data.uniform else data.weights
    return np.asarray(means.fit(data.samples, sample_weight=weights).labels_)


def _kmeans_plusplus(data: Data, n_components: int, random_state: Any) -> Array:
    weights = None if data.uniform else data.weights
    _, indices = kmeans_plusplus(
        data.samples, n_components, sample_weight=weights, random_state=random_state
    )
    return _alone(indices, data)


def _random_from_data(data: Data, n_components: int, random_state: Any) -> Array:
    n = len(data.samples)
    return _alone(random_state.choice(n, size=n_components, replace=False), data)


def _random(data: Data, n_components: int, random_state: Any) -> Array:
    size = (len(data.samples), n_components)
    responsibilities = random_state.uniform(size=size)
    responsibilities /= responsibilities.sum(axis=1)[:, None]
    return np.asarray(responsibilities)


def _alone(indices: Array, data: Data) -> Array:
    labels = np.full(len(data.samples), -1)
    labels[indices] = np.arange(len(indices))
    return labels


_STARTS: dict[str, Callable[[Data, int, Any], Array]] = {
    "kmeans": _kmeans,
    "k-means++": _kmeans_plusplus,
    "random_from_data": _random_from_data,
    "random": _random,
}

INIT_PARAMS = frozenset({SUBSAMPLE, *_STARTS})


def estimate(found: Array, data: Data, settings: StartSettings) -> MixtureParameters:
    """Estimate parameters from labels (n,) or responsibilities (n, K).

    About means that are known, in float64 and in two passes.
    """
    k = settings.n_components
    if found.ndim == 1:
        totals, means, second, unclaimed = moments_by_label(
            data.samples, data.weights, found, k
        )
    else:
        totals, means, second, unclaimed = _moments(data, found)
    counts = totals + TINY
    second /= counts[:, None, None]
    try:
        covariances, cholesky = settings.kind.from_matrices(
            second, counts, unclaimed, settings.reg_covar
        )
    except np.linalg.LinAlgError:
        raise IllDefinedError(data.samples.dtype) from None
    return MixtureParameters(counts / data.total, means, covariances, cholesky)


def _moments(data: Data, responsibilities: Array) -> tuple[Array, ...]:
    """Do what `moments_by_label` does, by responsibilities (n, K)."""
    samples = data.samples.astype(np.float64, copy=False)
    d = samples.shape[1]
    shares = data.weights[:, None] * responsibilities
    totals = shares.sum(axis=0)
    means = shares.T @ samples / np.where(totals > 0, totals, 1.0)[:, None]
    second = np.empty((len(totals), d, d))
    for k, mean in enumerate(means):
        offsets = samples - mean
        second[k] = (offsets * shares[:, k : k + 1]).T @ offsets
    return totals, means, second, np.zeros((d, d))


# The better way.

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
    iterations: int = 0
    ended: bool = False


# Iterations between two occasions to cancel.
_AT_A_TIME = 10

# Rises of the mean log-likelihood that are not told apart.
_EQUAL = 1e-3

# Multiplications in a pass over the sub-sample that are worth threads.
_WORTH_THREADS = 4_000_000

_ROUNDS = (Round(10, 5, 0.0, 3), Round(4, 15, 1e-4), Round(2, 100, 1e-4))


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


def _subsample(
    data: Data,
    settings: StartSettings,
    random_state: np.random.RandomState,
    team: Team,
) -> Generator[None, None, MixtureParameters]:
    part = subsample_of(data, settings, random_state)
    few = _thinned(part, _ROUNDS[0])
    candidates = nearest_means(few, settings, random_state, _ROUNDS[0].n_starts, team)
    yield
    return (yield from compete(candidates, part, settings, team, _ROUNDS))


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
        run = partial(_improve, part=_thinned(part, one), settings=settings, one=one)
        improved = [_Run(parameters) for parameters in candidates[: one.n_starts]]
        for _ in range(0, one.iterations, _AT_A_TIME):
            going = [place for place, each in enumerate(improved) if not each.ended]
            if not going:
                break
            found = team.map(run, [improved[place] for place in going])
            for place, each in zip(going, found, strict=True):
                improved[place] = each
            yield
        best = max(each.likelihood for each in improved)
        # Starts that come to the same end differ by rounding errors: among equals
        # the first goes ahead, so that these errors do not choose.
        improved.sort(key=lambda each: _behind(each.likelihood, best))
        candidates = [each.parameters for each in improved]
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


def _improve(
    run: _Run, team: Team, *, part: Data, settings: StartSettings, one: Round
) -> _Run:
    """Do a few iterations of a round; a start that becomes singular ends early."""
    parameters, before, done, ended = run
    stop = min(done + _AT_A_TIME, one.iterations)
    while done < stop and not ended:
        done += 1
        try:
            new, likelihood = em_step(
                parameters, part, settings.kind, settings.reg_covar, team
            )
        except IllDefinedError:
            ended = True
            continue
        ended = likelihood - before < one.least_change
        if not ended:
            parameters, before = new, likelihood
    return _Run(parameters, before, done, ended or done == one.iterations)
