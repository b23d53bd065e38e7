"""How the whitening factor of a component is stored and applied in the kernels.

A component's density is exp(-|z|^2 / 2) times a constant, z = L (x - mean), with L
a triangle, a diagonal or one number. The same z serves the M step: the moments of
z, weighted by responsibility, are sums of numbers near 1 however small or flat the
cluster is, so that they are accurate in float32.

Up to `UNROLLED` features the number of features is known when a step of a pass is
compiled, and a sample's whole z lives in registers. Above, one step with loops over
blocks of `ROWS` features serves all.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from . import algebra
from .lanes import INT64, LANES

if TYPE_CHECKING:
    from llvmlite import ir
    from numpy.typing import NDArray

    from .lanes import Emitter, Lanes

UNROLLED = 11
"""Number of features up to which steps are unrolled."""

ROWS = 4
"""Features that a looping kernel handles together."""

SAMPLES = 128
"""Samples in a tile, the unit of work of a kernel."""

ACCUMULATORS = 26
"""Sums that fit into the registers beside the other values of a loop."""

BLOCK = (2, 3)
"""Rows and columns of second moments that are summed together."""


def padded(n_features: int) -> int:
    """Return the number of feature rows that a kernel works on."""
    if n_features <= UNROLLED:
        return n_features
    return -(-n_features // ROWS) * ROWS


@cache
def _triangle(n_features: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return rows and columns of a lower triangle, row by row."""
    return np.tril_indices(n_features)


@cache
def _moment_places(n_features: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the rows and columns that stored second moments belong to."""
    if n_features <= UNROLLED:
        return _triangle(n_features)
    block_i, block_j = np.tril_indices(padded(n_features) // ROWS)
    inner_i, inner_j = np.divmod(np.arange(ROWS**2), ROWS)
    i = (block_i[:, None] * ROWS + inner_i).ravel()
    j = (block_j[:, None] * ROWS + inner_j).ravel()
    return i, j


class Layout(ABC):
    """One way to store and apply the whitening factor.

    Parameters of a component lie in one row: log-density constant, mean, shift,
    factor. The shift is -L (mean - its rounded value), so that means are precise
    though the row is in float32.

    Moments of a component lie in one row: sum of the responsibilities, of
    responsibility times z, and the second moments.
    """

    name: ClassVar[str]
    prepare: ClassVar[algebra.Job]
    """Rounds means and factors for a kernel, see `algebra`."""
    move: ClassVar[algebra.Job]
    """Gives new means from moments, see `algebra`."""

    @abstractmethod
    def n_factors(self, n_features: int) -> int:
        """Length of the stored factor."""

    @abstractmethod
    def n_second_moments(self, n_features: int) -> int:
        """Length of the stored second moments."""

    @abstractmethod
    def pack(self, factors: NDArray[np.float64]) -> NDArray[np.float64]:
        """Store factors: (K, d, d), (K, d) or (K, 1) -> (K, n_factors)."""

    @abstractmethod
    def unpack_moments(
        self, moments: NDArray[np.float64], n_features: int
    ) -> NDArray[np.float64]:
        """Read second moments: -> (K, d, d), (K, d) or (K,)."""

    # What follows emits instructions. `row` points to a component's factor.

    @abstractmethod
    def whiten(
        self, emit: Emitter, row: ir.Value, shifts: list[Lanes], offsets: list[Lanes]
    ) -> list[Lanes]:
        """Return z = L (x - mean) from x - mean, all in registers."""

    @abstractmethod
    def products(self, n_features: int) -> list[tuple[int, int]]:
        """Which z_i z_j are summed; -1 stands for the squared length of z."""

    @abstractmethod
    def whiten_looped(
        self,
        emit: Emitter,
        row: ir.Value,
        shifts: ir.Value,
        offsets: ir.Value,
        whitened: ir.Value,
        width: ir.Value,
    ) -> None:
        """Write z (width, SAMPLES) from x - mean, both in memory."""

    @abstractmethod
    def add_products_looped(
        self,
        emit: Emitter,
        sums: ir.Value,
        weighted: ir.Value,
        whitened: ir.Value,
        width: ir.Value,
    ) -> None:
        """Add up second moments from z and responsibility times z, in memory."""


class Triangle(Layout):
    """A lower triangle: unrolled kernels store its rows, looping ones a square."""

    name = "triangle"
    prepare = algebra.PREPARE_TRIANGLES
    move = algebra.MOVE_TRIANGLES

    def n_factors(self, n_features: int) -> int:
        """Length of the stored factor."""
        if n_features <= UNROLLED:
            return n_features * (n_features + 1) // 2
        return padded(n_features) ** 2

    def n_second_moments(self, n_features: int) -> int:
        """Length of the stored second moments."""
        if n_features <= UNROLLED:
            return n_features * (n_features + 1) // 2
        blocks = padded(n_features) // ROWS
        return blocks * (blocks + 1) // 2 * ROWS**2

    def pack(self, factors: NDArray[np.float64]) -> NDArray[np.float64]:
        """Store factors (K, d, d)."""
        n_components, n_features, _ = factors.shape
        if n_features <= UNROLLED:
            return factors[(slice(None), *_triangle(n_features))]
        width = padded(n_features)
        square = np.zeros((n_components, width, width))
        square[:, :n_features, :n_features] = np.tril(factors)
        return square.reshape(n_components, -1)

    def unpack_moments(
        self, moments: NDArray[np.float64], n_features: int
    ) -> NDArray[np.float64]:
        """Read second moments (K, d, d)."""
        width = padded(n_features)
        matrices = np.empty((len(moments), width, width))
        i, j = _moment_places(n_features)
        matrices[:, j, i] = moments
        matrices[:, i, j] = moments
        return matrices[:, :n_features, :n_features]

    def whiten(
        self, emit: Emitter, row: ir.Value, shifts: list[Lanes], offsets: list[Lanes]
    ) -> list[Lanes]:
        """Return z = L (x - mean), in registers."""
        whitened = []
        place = 0
        for i, z in enumerate(shifts):
            for j in range(i + 1):
                z = emit.broadcast(row, place).times_plus(offsets[j], z)
                place += 1
            whitened.append(z)
        return whitened

    def products(self, n_features: int) -> list[tuple[int, int]]:
        """Return the pairs of the lower triangle, row by row."""
        return [(i, j) for i in range(n_features) for j in range(i + 1)]

    def whiten_looped(
        self,
        emit: Emitter,
        row: ir.Value,
        shifts: ir.Value,
        offsets: ir.Value,
        whitened: ir.Value,
        width: ir.Value,
    ) -> None:
        """Write z, `ROWS` features at a time."""
        builder = emit.builder
        with emit.loop(width, ROWS) as first, emit.loop(SAMPLES, LANES) as sample:
            rows = range(ROWS)
            z = [emit.variable(emit.broadcast(shifts, first, i)) for i in rows]
            factor = emit.at(row, builder.mul(first, width))
            with emit.loop(builder.add(first, INT64(ROWS))) as j:
                x = emit.load(offsets, builder.mul(j, INT64(SAMPLES)), sample)
                for i in rows:
                    place = builder.mul(width, INT64(i))
                    entry = emit.broadcast(factor, place, j)
                    z[i].set(entry.times_plus(x, z[i].get()))
            for i in rows:
                place = builder.mul(builder.add(first, INT64(i)), INT64(SAMPLES))
                emit.store(z[i].get(), whitened, place, sample)

    def add_products_looped(
        self,
        emit: Emitter,
        sums: ir.Value,
        weighted: ir.Value,
        whitened: ir.Value,
        width: ir.Value,
    ) -> None:
        """Add up second moments, a square of ROWS x ROWS of them at a time."""
        builder = emit.builder
        rows = range(ROWS)
        block = ROWS**2 * LANES
        with emit.loop(width, ROWS) as first:
            # Blocks before this row of blocks: b (b + 1) / 2.
            b = builder.sdiv(first, INT64(ROWS))
            before = builder.sdiv(builder.mul(b, builder.add(b, INT64(1))), INT64(2))
            stop = builder.add(first, INT64(ROWS))
            with emit.loop(stop, ROWS) as second:
                index = builder.add(before, builder.sdiv(second, INT64(ROWS)))
                place = emit.at(sums, builder.mul(index, INT64(block)))
                total = [
                    emit.variable(emit.load(place, n * LANES)) for n in range(ROWS**2)
                ]
                left = emit.at(weighted, builder.mul(first, INT64(SAMPLES)))
                right = emit.at(whitened, builder.mul(second, INT64(SAMPLES)))
                with emit.loop(SAMPLES, LANES) as sample:
                    z = [emit.load(right, j * SAMPLES, sample) for j in rows]
                    for i in rows:
                        rz = emit.load(left, i * SAMPLES, sample)
                        for j in rows:
                            entry = total[i * ROWS + j]
                            entry.set(rz.times_plus(z[j], entry.get()))
                for n, entry in enumerate(total):
                    emit.store(entry.get(), place, n * LANES)


class Diagonal(Layout):
    """One factor for each feature."""

    name = "diagonal"
    prepare = algebra.PREPARE_DIAGONALS
    move = algebra.MOVE_DIAGONALS

    def n_factors(self, n_features: int) -> int:
        """Length of the stored factor."""
        return padded(n_features)

    def n_second_moments(self, n_features: int) -> int:
        """Length of the stored second moments."""
        return padded(n_features)

    def pack(self, factors: NDArray[np.float64]) -> NDArray[np.float64]:
        """Store factors (K, d)."""
        extra = padded(factors.shape[1]) - factors.shape[1]
        return np.pad(factors, [(0, 0), (0, extra)]) if extra else factors

    def unpack_moments(
        self, moments: NDArray[np.float64], n_features: int
    ) -> NDArray[np.float64]:
        """Read second moments (K, d)."""
        return moments[:, :n_features]

    def whiten(
        self, emit: Emitter, row: ir.Value, shifts: list[Lanes], offsets: list[Lanes]
    ) -> list[Lanes]:
        """Return z = L (x - mean), in registers."""
        return [
            emit.broadcast(row, i).times_plus(offsets[i], shift)
            for i, shift in enumerate(shifts)
        ]

    def products(self, n_features: int) -> list[tuple[int, int]]:
        """Return the squares."""
        return [(i, i) for i in range(n_features)]

    def whiten_looped(
        self,
        emit: Emitter,
        row: ir.Value,
        shifts: ir.Value,
        offsets: ir.Value,
        whitened: ir.Value,
        width: ir.Value,
    ) -> None:
        """Write z, one feature at a time."""
        with emit.loop(width) as i:
            factor = self._factor(emit, row, i)
            shift = emit.broadcast(shifts, i)
            place = emit.builder.mul(i, INT64(SAMPLES))
            with emit.loop(SAMPLES, LANES) as sample:
                x = emit.load(offsets, place, sample)
                emit.store(factor.times_plus(x, shift), whitened, place, sample)

    def add_products_looped(
        self,
        emit: Emitter,
        sums: ir.Value,
        weighted: ir.Value,
        whitened: ir.Value,
        width: ir.Value,
    ) -> None:
        """Add up the squares."""
        with emit.loop(width) as i:
            place = emit.builder.mul(i, INT64(SAMPLES))
            target = emit.at(sums, self._sum_place(emit, i))
            total = emit.variable(emit.load(target))
            with emit.loop(SAMPLES, LANES) as sample:
                rz = emit.load(weighted, place, sample)
                z = emit.load(whitened, place, sample)
                total.set(rz.times_plus(z, total.get()))
            emit.store(total.get(), target)

    def _factor(self, emit: Emitter, row: ir.Value, feature: ir.Value) -> Lanes:
        return emit.broadcast(row, feature)

    def _sum_place(self, emit: Emitter, feature: ir.Value) -> ir.Value:
        return emit.builder.mul(feature, INT64(LANES))


class Scalar(Diagonal):
    """One factor for all features; of the second moments, only their sum."""

    name = "scalar"

    def n_factors(self, n_features: int) -> int:
        """Length of the stored factor."""
        return 1

    def n_second_moments(self, n_features: int) -> int:
        """Length of the stored second moments."""
        return 1

    def pack(self, factors: NDArray[np.float64]) -> NDArray[np.float64]:
        """Store factors (K, 1)."""
        return factors

    def unpack_moments(
        self, moments: NDArray[np.float64], n_features: int
    ) -> NDArray[np.float64]:
        """Read second moments (K,)."""
        return moments[:, 0]

    def whiten(
        self, emit: Emitter, row: ir.Value, shifts: list[Lanes], offsets: list[Lanes]
    ) -> list[Lanes]:
        """Return z = L (x - mean), in registers."""
        factor = emit.broadcast(row)
        return [
            factor.times_plus(x, shift)
            for x, shift in zip(offsets, shifts, strict=True)
        ]

    def products(self, n_features: int) -> list[tuple[int, int]]:
        """Return the squared length only."""
        return [(-1, -1)]

    def _factor(self, emit: Emitter, row: ir.Value, feature: ir.Value) -> Lanes:
        return emit.broadcast(row)

    def _sum_place(self, emit: Emitter, feature: ir.Value) -> Any:
        return INT64(0)


LAYOUTS: dict[str, Layout] = {
    layout.name: layout for layout in (Triangle(), Diagonal(), Scalar())
}
