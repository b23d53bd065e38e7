"""Where EM starts: scikit-learn's ways, and a better one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.cluster import KMeans, kmeans_plusplus

from .em import IllDefinedError
from .moments import MixtureParameters
from .one_thread import one_thread
from .start_base import estimate
from .subsample import subsample_start

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from numpy.typing import NDArray

    from .em import Data
    from .start_base import StartSettings
    from .team import Team

    Array = NDArray[Any]

SUBSAMPLE = "subsample"
"""The value of init_params for the better start."""


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
            found = yield from subsample_start(data, settings, random_state, team)
        else:
            yield  # the last occasion to cancel before scikit-learn is done
            with one_thread():
                labels_or_responsibilities = _STARTS[settings.init_params](
                    settings.weighted(data), settings.n_components, random_state
                )
            yield
            with one_thread():
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
