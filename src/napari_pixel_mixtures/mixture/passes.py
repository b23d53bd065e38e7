"""Passes over all samples, by a team of threads."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .layout import SAMPLES
from .library import kernel

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from .moments import Density
    from .team import Team

    Array = NDArray[Any]

CHUNK = 4096
"""Fewest samples that sums are kept apart for."""

PARTIAL_BYTES = 2**25
"""Most memory for sums that are kept apart."""

SLAB = 2**18
"""Samples of another type that are converted at a time."""

WORTHWHILE = 200_000
"""Multiplications that are worth another thread."""


def chunk_size(n_samples: int, sums_per_chunk: int) -> int:
    """Return how many samples sums are kept apart for.

    It depends on the data only, never on the number of threads: that is what makes
    the sums reproducible.
    """
    most = max(8, min(1024, PARTIAL_BYTES // (8 * max(1, sums_per_chunk))))
    least = -(-n_samples // most)
    return -(-max(CHUNK, least) // SAMPLES) * SAMPLES


@dataclass(frozen=True)
class _Division:
    """How samples are dealt out to threads."""

    chunk: int
    n_chunks: int
    group: int
    n_helpers: int

    @classmethod
    def of(
        cls, n_samples: int, density: Density, sums_per_chunk: int, team: Team
    ) -> _Division:
        chunk = chunk_size(n_samples, sums_per_chunk)
        n_chunks = -(-n_samples // chunk)
        group = -(-team.settings.block_size // chunk)
        work = n_samples * density.array.size
        n_helpers = min(-(-n_chunks // group) - 1, work // WORTHWHILE)
        return cls(chunk, n_chunks, group, n_helpers)


def sum_moments_of_each(
    densities: Sequence[Density], samples: Array, weights: Array, team: Team
) -> list[tuple[Array, float]]:
    """E step, and the sums for the M step, of one mixture or several.

    Parameters
    ----------
    densities : sequence of Density
        Of mixtures of one size.
    samples : array (n, d)
        Best of the densities' type; else they are converted piece by piece.
    weights : array (n,)
        How much each sample counts.
    team : Team

    Returns
    -------
    list of (moments, score)
        For each mixture, to the same bits as alone: moments (K, n_moments), see
        `Layout`, and the weighted sum of the samples' log-likelihoods.
    """
    plan = densities[0].plan
    n_components = len(densities[0].array)
    length = n_components * plan.n_moments
    several = len(densities)
    n_chunks = -(-len(samples) // chunk_size(len(samples), length))
    if several > 1 and 8 * several * n_chunks * length > PARTIAL_BYTES:
        return [
            sum_moments_of_each([each], samples, weights, team)[0] for each in densities
        ]
    run = kernel("moments", plan)
    moments = np.zeros((several, length))
    score = np.zeros(several)
    for slab, slab_weights in _slabs(plan.dtype, samples, weights):
        parts = _Division.of(len(slab), densities[0], length, team)
        partial = np.zeros((several, parts.n_chunks, length))
        scores = np.zeros((several, parts.n_chunks))

        def task(
            counter: Array,
            place: int,
            slab: Array = slab,
            slab_weights: Array = slab_weights,
            parts: _Division = parts,
            partial: Array = partial,
            scores: Array = scores,
        ) -> None:
            run(
                *(plan.width, slab, slab_weights, densities[place].array),
                *(counter, parts.chunk, parts.group, partial[place], scores[place]),
            )

        if several < team.settings.n_threads or several == 1:
            for place in range(several):
                team.run(functools.partial(task, place=place), parts.n_helpers)
        else:
            team.map(
                lambda place, _: task(np.zeros(1, np.int64), place), range(several)
            )
        moments += partial.sum(axis=1)
        score += scores.sum(axis=1)
    found = moments.reshape(several, n_components, -1)
    return list(zip(found, (score * np.log(2.0)).tolist(), strict=True))


def _slabs(dtype: np.dtype[Any], *arrays: Array) -> Iterator[list[Array]]:
    """Give arrays in a kernel's type, without a copy of a whole array."""
    n = len(arrays[0])
    step = n if all(a.dtype == dtype for a in arrays) else SLAB
    for start in range(0, n, max(1, step)):
        part = slice(start, start + step)
        yield [a[part].astype(dtype, copy=False) for a in arrays]


def label(density: Density, samples: Array, team: Team) -> NDArray[np.uint8]:
    """Return the most probable component of each sample, (n,) from 0.

    Samples (n, d) may be of any real type.
    """
    plan = density.plan
    labels = np.empty(len(samples), np.uint8)
    run = kernel("labels", plan)
    done = 0
    for (slab,) in _slabs(plan.dtype, samples):
        out = labels[done : done + len(slab)]
        done += len(slab)
        parts = _Division.of(len(slab), density, 1, team)

        def task(
            counter: Array,
            slab: Array = slab,
            out: Array = out,
            parts: _Division = parts,
        ) -> None:
            run(
                *(plan.width, slab, density.array),
                *(counter, parts.chunk, parts.group, out),
            )

        team.run(task, parts.n_helpers)
    return labels


@dataclass(frozen=True)
class Details:
    """What `detail` was asked for; the rest has length 0.

    Attributes
    ----------
    labels : array (n,) of uint8
    scores : array (n,)
        Log density of each sample.
    entropies : array (n,)
        Entropy of each sample's responsibilities, in nats.
    responsibilities : array (n, K)
    sums : array (K, 1 + C) or (K, 1 + C + C (C + 1) / 2)
        Sum of the weighted responsibilities; times each value less its origin;
        times each pair of these, if origins were given.
    origins : array (K, C)
        Values that sums are about.
    """

    labels: NDArray[np.uint8]
    scores: Array
    entropies: Array
    responsibilities: Array
    sums: Array
    origins: Array


def detail(
    density: Density,
    samples: Array,
    team: Team,
    *,
    labels: bool = False,
    scores: bool = False,
    entropies: bool = False,
    responsibilities: bool = False,
    sums: bool = False,
    values: Array | None = None,
    about: Array | None = None,
    weights: Array | None = None,
) -> Details:
    """Tell more about each sample, in one pass.

    Parameters
    ----------
    density : Density
    samples : array (n, d)
        Of any real type.
    team : Team
    labels, scores, entropies, responsibilities, sums : bool
        What is wanted.
    values : array (n, C), optional
        What is summed besides the responsibilities.
    about : array (K, C), optional
        Values that sums shall be about, of pairs too; best each component's means.
    weights : array (n,), optional
        How much each sample counts in `sums`.
    """
    plan = density.plan
    dtype = plan.dtype
    n = len(samples)
    k = len(density.array)
    n_values = 0 if values is None else values.shape[1]
    if values is None:
        values = np.broadcast_to(np.zeros((), dtype), (n, 0))
        about = np.zeros((k, 0))
        n_sums = 1
    elif about is None:
        # Sums about a typical value are accurate even if the values are large.
        typical = values[:: max(1, n // 1000)].mean(axis=0, dtype=np.float64)
        about = np.broadcast_to(typical, (k, n_values))
        n_sums = 1 + n_values
    else:
        n_sums = 1 + n_values + n_values * (n_values + 1) // 2
    origins = np.ascontiguousarray(about, dtype)
    if weights is None:
        weights = np.broadcast_to(np.ones((), dtype), (n,))
    result = Details(
        labels=np.empty(n * labels, np.uint8),
        scores=np.empty(n * scores, dtype),
        entropies=np.empty(n * entropies, dtype),
        responsibilities=np.empty((n * responsibilities, k), dtype),
        sums=np.zeros((k, n_sums)),
        origins=origins.astype(np.float64),
    )
    run = kernel("details", plan)
    length = k * n_sums
    done = 0
    for inputs in _slabs(dtype, samples, weights, values):
        part = slice(done, done + len(inputs[0]))
        done = part.stop
        parts = _Division.of(len(inputs[0]), density, length, team)
        partial = np.zeros((parts.n_chunks * sums, k, n_sums))
        outputs = (
            result.labels[part],
            result.scores[part],
            result.entropies[part],
            result.responsibilities[part],
        )

        def task(
            counter: Array,
            inputs: list[Array] = inputs,
            parts: _Division = parts,
            outputs: tuple[Array, ...] = outputs,
            partial: Array = partial,
        ) -> None:
            run(
                *(plan.width, inputs[0], inputs[1], density.array),
                *(counter, parts.chunk, parts.group, *outputs),
                *(inputs[2], origins, partial),
            )

        team.run(task, parts.n_helpers)
        result.sums[:] += partial.sum(axis=0)
    return result
