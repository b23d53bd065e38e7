"""How many components, and of which covariance type: BIC, AIC and ICL.

Mixtures are fitted from the simplest on. Each starts from the best of its simpler
neighbors - one with fewer components, some of which are split, and one of the same
number of components but of a simpler covariance type - and of a few fresh starts.
So a sweep is fast, and a richer mixture is rarely less likely than a simpler one.

With exponents on the columns (`FastGaussianMixture`) what is maximized is no
likelihood: the larger a component, the larger the integral of its density to a power
below 1, so that few and large components would be favored. The criteria are those of
the components that are found, taken as a plain mixture. It is a density, though not the
most likely one of its kind, so that they are hardly ever below those of the best plain
mixture; and like those they compare numbers and types, not features.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils import check_array, check_random_state

from .checks import check_exponents, check_finite, check_sample_weight
from .covariance import COVARIANCE_TYPES
from .em import Data
from .estimator import FastGaussianMixture
from .moments import MixtureParameters
from .start_base import StartSettings
from .subsample import Round, compete, nearest_means, subsample_of
from .team import Team

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    from .covariance_base import CovarianceType

    Array = NDArray[Any]

CRITERIA = ("bic", "aic", "icl")

# Simplest first; which simpler types a type may start from.
_SIMPLER: dict[str, tuple[str, ...]] = {
    "spherical": (),
    "diag": ("spherical",),
    "tied": (),
    "full": ("diag", "tied"),
}

_FRESH_STARTS = 3
_SPLITS = 3
_ROUNDS = (Round(8, 5, 0.0), Round(3, 10, 1e-4), Round(1, 80, 1e-4))


@dataclass(frozen=True, eq=False)
class Candidate:
    """One fitted mixture of a sweep; of each criterion, the lowest is best.

    Attributes
    ----------
    n_components : int
    covariance_type : str
    log_likelihood : float
        Mean log-likelihood of a sample under the plain mixture.
    bic : float
        Bayesian information criterion, -2 log L + p log n (Schwarz 1978).
    aic : float
        Akaike information criterion, -2 log L + 2 p (Akaike 1974).
    icl : float
        Integrated completed likelihood, BIC plus twice the entropy of the
        responsibilities (Biernacki, Celeux and Govaert 2000): it prefers components
        that do not overlap.
    mixture : FastGaussianMixture
        Fitted, with the exponents.
    """

    n_components: int
    covariance_type: str
    log_likelihood: float
    bic: float
    aic: float
    icl: float
    mixture: FastGaussianMixture


@dataclass(frozen=True, eq=False)
class Selection:
    """All fitted mixtures of a sweep.

    Attributes
    ----------
    candidates : tuple of Candidate
        In the order in which they were fitted.
    """

    candidates: tuple[Candidate, ...]

    def best(self, criterion: str = "bic") -> Candidate:
        """Return the candidate with the lowest "bic", "aic" or "icl".

        Raises
        ------
        ValueError
            There is no such criterion.
        """
        if criterion not in CRITERIA:
            raise ValueError(
                f"Expected the criterion to be one of {', '.join(CRITERIA)}, got "
                f"{criterion!r}; choose one of these."
            )
        return min(self.candidates, key=lambda one: getattr(one, criterion))

    def table(self) -> pd.DataFrame:
        """Give a row for each candidate, without the mixtures themselves."""
        import pandas as pd

        names = ["n_components", "covariance_type", "log_likelihood", *CRITERIA]
        return pd.DataFrame(
            [[getattr(one, name) for name in names] for one in self.candidates],
            columns=names,
        )


def select(
    X: ArrayLike,
    n_components: Iterable[int] = range(1, 11),
    covariance_types: Iterable[str] = ("spherical", "diag", "tied", "full"),
    sample_weight: ArrayLike | None = None,
    *,
    tol: float = 1e-3,
    reg_covar: float = 1e-6,
    max_iter: int = 100,
    random_state: int | np.random.RandomState | None = None,
    exponents: ArrayLike | None = None,
    callback: Callable[[Candidate], object] | None = None,
) -> Selection:
    """Fit a mixture for each number of components and each covariance type.

    Parameters
    ----------
    X : array (n, d)
        The samples.
    n_components : iterable of int
        The numbers of components to try.
    covariance_types : iterable of str
        The covariance types to try.
    sample_weight : array (n,), optional
        How often each sample counts.
    tol, reg_covar, max_iter, random_state, exponents
        As in `FastGaussianMixture`.
    callback : callable, optional
        Called with each Candidate; an exception that it raises ends the sweep.

    Returns
    -------
    Selection

    Raises
    ------
    ValueError
        There is nothing to try, or the data are not as they should be.

    Examples
    --------
    Two clouds, drawn as two:

    >>> import numpy as np
    >>> from napari_pixel_mixtures.mixture import select
    >>> random = np.random.default_rng(0)
    >>> samples = np.concatenate([random.normal(m, 1, (200, 2)) for m in (0, 9)])
    >>> best = select(samples, (1, 2, 3), random_state=0).best("bic")
    >>> best.n_components, best.covariance_type
    (2, 'spherical')
    """
    steps = select_steps(
        X,
        n_components,
        covariance_types,
        sample_weight,
        tol=tol,
        reg_covar=reg_covar,
        max_iter=max_iter,
        random_state=random_state,
        exponents=exponents,
    )
    while True:
        try:
            candidate = next(steps)
        except StopIteration as stop:
            selection: Selection = stop.value
            return selection
        if candidate is not None and callback is not None:
            callback(candidate)


def select_steps(
    X: ArrayLike,
    n_components: Iterable[int] = range(1, 11),
    covariance_types: Iterable[str] = ("spherical", "diag", "tied", "full"),
    sample_weight: ArrayLike | None = None,
    *,
    tol: float = 1e-3,
    reg_covar: float = 1e-6,
    max_iter: int = 100,
    random_state: int | np.random.RandomState | None = None,
    exponents: ArrayLike | None = None,
) -> Generator[Candidate | None, None, Selection]:
    """Do what `select` does, step by step; closing the generator cancels it.

    Yields
    ------
    Candidate or None
        Each candidate when it is fitted, and None after each EM iteration.

    Returns
    -------
    Selection
    """
    numbers, wanted = list(n_components), list(covariance_types)
    sound = all(isinstance(n, Integral) and n >= 1 for n in numbers)
    if not (numbers and sound and wanted and set(wanted) <= set(COVARIANCE_TYPES)):
        raise ValueError(
            "Expected at least one number of components from 1, and covariance types "
            f"among {', '.join(COVARIANCE_TYPES)}; got {numbers!r:.80} and "
            f"{wanted!r:.80}."
        )
    samples: Array = check_array(
        X, dtype=[np.float64, np.float32], ensure_min_samples=2, ensure_all_finite=False
    )
    check_finite(samples)
    shares = check_exponents(exponents, samples.shape[1])
    weights = check_sample_weight(sample_weight, len(samples))
    data = Data.of(samples, weights)
    source = check_random_state(random_state)
    types = [name for name in _SIMPLER if name in wanted]
    candidates: list[Candidate] = []
    fitted: dict[tuple[int, str], MixtureParameters] = {}
    numbers = sorted(map(int, set(numbers)))
    for place, k in enumerate(numbers):
        for name in types:
            kind = COVARIANCE_TYPES[name].with_exponents(shares)
            settings = StartSettings(k, kind, reg_covar, "")
            neighbors = []
            if place > 0:
                fewer = fitted[numbers[place - 1], name]
                neighbors += _splits(fewer, settings, k)
            for simpler in _SIMPLER[name]:
                if (k, simpler) in fitted:
                    other = COVARIANCE_TYPES[simpler]
                    neighbors.append(_converted(fitted[k, simpler], other, settings))
            start = yield from _best_start(neighbors, data, settings, source)
            mixture = FastGaussianMixture(
                k,
                covariance_type=name,
                tol=tol,
                reg_covar=reg_covar,
                max_iter=max_iter,
                exponents=shares,
            )
            start = replace(start, weights=start.weights / start.weights.sum())
            for _ in mixture.fit_steps(samples, weights, parameters=start):
                yield None
            mixture.set_params(  # so that a clone can do the same fit
                weights_init=start.weights,
                means_init=start.means,
                precisions_init=kind.precisions(start.precisions_cholesky),
            )
            fitted[k, name] = mixture.parameters()
            candidates.append(_judge(mixture, data))
            yield candidates[-1]
    return Selection(tuple(candidates))


def _best_start(
    neighbors: list[MixtureParameters | None],
    data: Data,
    settings: StartSettings,
    source: np.random.RandomState,
) -> Generator[None, None, MixtureParameters]:
    with Team() as team:
        part = subsample_of(data, settings, source)
        starts = [neighbor for neighbor in neighbors if neighbor is not None]
        fresh = _FRESH_STARTS if settings.n_components > 1 else 1
        starts += nearest_means(part, settings, source, fresh, team)
        yield
        return (yield from compete(starts, part, settings, team, _ROUNDS))


def _converted(
    parameters: MixtureParameters, kind: CovarianceType, settings: StartSettings
) -> MixtureParameters | None:
    """Give the same mixture in a richer covariance type."""
    k, d = parameters.means.shape
    assert parameters.covariances is not None
    matrices = kind.matrices(parameters.covariances, k, d)
    return _from_matrices(parameters.weights, parameters.means, matrices, settings)


def _from_matrices(
    weights: Array, means: Array, matrices: Array, settings: StartSettings
) -> MixtureParameters | None:
    d = means.shape[1]
    try:
        covariances, cholesky = settings.kind.from_matrices(
            matrices, weights, np.zeros((d, d)), settings.reg_covar
        )
    except np.linalg.LinAlgError:
        return None
    return MixtureParameters(weights, means, covariances, cholesky)


def _splits(
    parameters: MixtureParameters, settings: StartSettings, n_components: int
) -> list[MixtureParameters | None]:
    """Split heavy components in two, each of the first few in turn."""
    return [
        _split(parameters, settings, n_components, skipped)
        for skipped in range(min(_SPLITS, len(parameters.weights)))
    ]


def _split(
    parameters: MixtureParameters,
    settings: StartSettings,
    n_components: int,
    skipped: int,
) -> MixtureParameters | None:
    """Split the heaviest component but `skipped`, until there are `n_components`.

    Along its longest axis, such that the two have the same mean and covariance
    together as the one had.
    """
    weights, means = parameters.weights, parameters.means
    k, d = means.shape
    assert parameters.covariances is not None
    matrices = np.array(settings.kind.matrices(parameters.covariances, k, d))
    while len(weights) < n_components:
        one = np.argsort(-weights)[min(skipped, len(weights) - 1)]
        lengths, axes = np.linalg.eigh(matrices[one])
        shift = 0.7 * np.sqrt(max(lengths[-1], 0.0)) * axes[:, -1]
        matrices[one] -= np.outer(shift, shift)
        matrices = np.concatenate([matrices, matrices[[one]]])
        means = np.concatenate([means, means[[one]] - shift])
        means[one] += shift
        weights = np.concatenate([weights, weights[[one]] / 2])
        weights[one] /= 2
    return _from_matrices(weights, means, matrices, settings)


def _judge(mixture: FastGaussianMixture, data: Data) -> Candidate:
    k, d = mixture.means_.shape
    kind = COVARIANCE_TYPES[mixture.covariance_type]
    free = k - 1 + k * d + kind.n_parameters(k, d)
    plain = copy(mixture).set_params(exponents=None)
    scores, entropies = plain.scores_and_entropies(data.samples)
    total = float(np.sum(scores * data.weights, dtype=np.float64))
    entropy = float(np.sum(entropies * data.weights, dtype=np.float64))
    mean = total / data.total
    total, entropy = total * data.unit, entropy * data.unit
    count = data.total * data.unit
    bic = free * float(np.log(count)) - 2 * total
    return Candidate(
        n_components=k,
        covariance_type=mixture.covariance_type,
        log_likelihood=mean,
        bic=bic,
        aic=2 * free - 2 * total,
        icl=bic + 2 * entropy,
        mixture=mixture,
    )
