"""The compiled passes over all samples.

What depends on the number of features and the layout, `plan_steps`, is compiled for
each plan; a pass calls it by its address, and is compiled once for each precision.

Each pass is called at once by every thread of a team. A thread takes chunks of samples
off a shared counter until none is left. Chunks do not depend on the number of
threads, sums are kept apart for each chunk, and no operation is reassociated; so
the result is the same, bit for bit, whichever thread takes which chunk.

Shapes: samples (n, d) of any strides; parameters (K, n_parameters) as `Layout`
describes; counter (1,) int64, which starts at 0; `chunk` samples are a chunk, and
`group` chunks are taken at a time.
"""
# mypy: disable-error-code="call-arg, no-untyped-def, no-untyped-call, var-annotated"

from __future__ import annotations

import numpy as np
from numba import njit

from .lanes import LANES
from .layout import SAMPLES
from .plan_steps import call_moments, call_scan
from .steps import (
    add_lanes,
    add_surprise,
    dot,
    exponentials,
    fetch_add,
    finish_tile,
    pick,
)

FLUSH = 16
"""Tiles that are summed in the kernel's own precision before going to float64."""

FAR = -1e37
"""Log-density below that of any sample, and still a float32."""

LN2 = float(np.log(2.0))


@njit
def _buffer(length, like):
    """Array for vectors, which are faster when they start at a multiple of 64 bytes."""
    raw = np.zeros(length + 16, like.dtype)
    start = (-(raw.ctypes.data // raw.itemsize)) % (64 // raw.itemsize)
    return raw[start : start + length]


@njit
def _load(source, start, count, rows):
    """Copy `count` rows of (n, d) into the rows of a tile (d, SAMPLES)."""
    for j in range(source.shape[1]):
        column = source[start : start + count, j]
        row = rows[j]
        for i in range(count):
            row[i] = column[i]
        for i in range(count, SAMPLES):
            row[i] = row[count - 1]


def moments_pass(
    log_densities,
    add_moments,
    width,
    samples,
    weights,
    parameters,
    counter,
    chunk,
    group,
    partial,
    scores,
):
    """E step and the sums of the M step.

    Writes, for each chunk, moments (n_chunks, K * n_moments) of the components and
    the sum (n_chunks,) of weight times log2 density of its samples.
    """
    n = len(samples)
    n_chunks = (n + chunk - 1) // chunk
    n_components, length = parameters.shape
    n_moments = partial.shape[1] // n_components
    flat = parameters.reshape(-1)
    tile = _buffer(width * SAMPLES, flat)
    rows = tile.reshape(width, SAMPLES)
    scratch = _buffer(3 * width * SAMPLES, flat)
    densities = _buffer(n_components * SAMPLES, flat)
    peak = _buffer(SAMPLES, flat)
    total = _buffer(SAMPLES, flat)
    weight = _buffer(SAMPLES, flat)
    sums = _buffer(n_components * n_moments * LANES, flat)
    live = np.zeros(n_components, np.uint8)
    results = partial.reshape(-1)
    while True:
        first = fetch_add(counter, group)
        if first >= n_chunks:
            break
        for index in range(first, min(first + group, n_chunks)):
            place = index * n_components * n_moments
            score = 0.0
            pending = 0
            for a in range(index * chunk, min(n, (index + 1) * chunk), SAMPLES):
                count = min(SAMPLES, n - a)
                _load(samples, a, count, rows)
                taken = weights[a : a + count]
                for i in range(count):
                    weight[i] = taken[i]
                weight[count:] = 0.0
                peak[:] = FAR
                total[:] = 0.0
                call_scan(
                    log_densities,
                    width,
                    flat,
                    n_components,
                    length,
                    tile,
                    scratch,
                    densities,
                    peak,
                )
                for k in range(n_components):
                    live[k] = exponentials(k, densities, peak, total)
                score += finish_tile(peak, total, weight)
                call_moments(
                    add_moments,
                    width,
                    flat,
                    n_components,
                    length,
                    tile,
                    scratch,
                    densities,
                    total,
                    live,
                    sums,
                    n_moments,
                )
                pending += 1
                if pending == FLUSH:
                    add_lanes(sums, results, place, n_components * n_moments)
                    pending = 0
            add_lanes(sums, results, place, n_components * n_moments)
            scores[index] = score


def labels_pass(vote, width, samples, parameters, counter, chunk, group, labels):
    """Write the most probable component of each sample, labels (n,)."""
    n = len(samples)
    n_chunks = (n + chunk - 1) // chunk
    n_components, length = parameters.shape
    flat = parameters.reshape(-1)
    tile = _buffer(width * SAMPLES, flat)
    rows = tile.reshape(width, SAMPLES)
    scratch = _buffer(3 * width * SAMPLES, flat)
    peak = _buffer(SAMPLES, flat)
    winner = _buffer(SAMPLES, flat)
    while True:
        first = fetch_add(counter, group)
        if first >= n_chunks:
            break
        stop = min(n, (first + group) * chunk)
        for a in range(first * chunk, stop, SAMPLES):
            count = min(SAMPLES, n - a)
            _load(samples, a, count, rows)
            peak[:] = FAR
            winner[:] = 0.0
            call_scan(
                vote, width, flat, n_components, length, tile, scratch, winner, peak
            )
            out = labels[a : a + count]
            for i in range(count):
                out[i] = winner[i]


def details_pass(
    log_densities,
    width,
    samples,
    weights,
    parameters,
    counter,
    chunk,
    group,
    labels,
    scores,
    entropies,
    responsibilities,
    values,
    origins,
    partial,
):
    """Write whichever of the following has room; arrays of length 0 are left out.

    labels (n,); scores (n,), natural log densities; entropies (n,) in nats;
    responsibilities (n, K); and, for each chunk, partial (n_chunks, K, m) the sums of
    the weighted responsibilities, times each column of `values` (n, C) less the
    component's of `origins` (K, C), and, if there is room, times each pair of these
    (the lower triangle, row by row).
    """
    n = len(samples)
    n_chunks = (n + chunk - 1) // chunk
    n_components, length = parameters.shape
    n_values = values.shape[1]
    flat = parameters.reshape(-1)
    tile = _buffer(width * SAMPLES, flat)
    rows = tile.reshape(width, SAMPLES)
    scratch = _buffer(3 * width * SAMPLES, flat)
    densities = _buffer(n_components * SAMPLES, flat)
    peak = _buffer(SAMPLES, flat)
    total = _buffer(SAMPLES, flat)
    weight = _buffer(SAMPLES, flat)
    surprise = _buffer(SAMPLES, flat)
    best = _buffer(SAMPLES, flat)
    winner = _buffer(SAMPLES, flat)
    value_rows = np.zeros((n_values, SAMPLES), flat.dtype)
    # The last row of the offsets holds ones.
    offset_tile = _buffer((n_values + 1) * SAMPLES, flat)
    offset_rows = offset_tile.reshape(n_values + 1, SAMPLES)
    offset_rows[n_values] = 1.0
    one = n_values
    live = np.zeros(n_components, np.uint8)
    while True:
        first = fetch_add(counter, group)
        if first >= n_chunks:
            break
        stop = min(n, (first + group) * chunk)
        for a in range(first * chunk, stop, SAMPLES):
            count = min(SAMPLES, n - a)
            _load(samples, a, count, rows)
            taken = weights[a : a + count]
            for i in range(count):
                weight[i] = taken[i]
            weight[count:] = 0.0
            peak[:] = FAR
            total[:] = 0.0
            call_scan(
                log_densities,
                width,
                flat,
                n_components,
                length,
                tile,
                scratch,
                densities,
                peak,
            )
            if len(labels):
                best[:] = FAR
                winner[:] = 0.0
                for k in range(n_components):
                    pick(k, densities, best, winner)
                out = labels[a : a + count]
                for i in range(count):
                    out[i] = winner[i]
            if len(entropies):
                surprise[:] = 0.0
                for k in range(n_components):
                    add_surprise(k, densities, peak, surprise)
            for k in range(n_components):
                live[k] = exponentials(k, densities, peak, total)
            if len(entropies):
                # H = log(total) - (sum of 2**p p) / total
                for i in range(count):
                    entropies[a + i] = LN2 * max(
                        0.0, np.log2(total[i]) - surprise[i] / total[i]
                    )
            finish_tile(peak, total, weight)
            if len(scores):
                for i in range(count):
                    scores[a + i] = LN2 * peak[i]
            if len(responsibilities):
                for k in range(n_components):
                    for i in range(count):
                        r = densities[k * SAMPLES + i] * total[i]
                        responsibilities[a + i, k] = r
            if len(partial):
                sums = partial[a // chunk]
                if n_values:
                    _load(values, a, count, value_rows)
                for k in range(n_components):
                    if not live[k]:
                        continue
                    sums[k, 0] += dot(densities, k, total, offset_tile, one, one)
                    m = 1 + n_values
                    for i in range(n_values):
                        origin = origins[k, i]
                        row, offset_row = value_rows[i], offset_rows[i]
                        for s in range(SAMPLES):
                            offset_row[s] = row[s] - origin
                        sums[k, 1 + i] += dot(densities, k, total, offset_tile, one, i)
                        if m == sums.shape[1]:
                            continue
                        for j in range(i + 1):
                            sums[k, m] += dot(densities, k, total, offset_tile, i, j)
                            m += 1
