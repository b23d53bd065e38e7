"""The inner loops of the kernels, each over one tile of `SAMPLES` samples.

Each function is a numba intrinsic: called in compiled code, it writes its vector
instructions there. Arrays are one-dimensional and contiguous, or pointers to their
data:

tile (width * SAMPLES,) the samples, feature by feature; densities (K * SAMPLES,)
log2 of weight times density, later the unscaled responsibilities; peak (SAMPLES,)
the largest of them; total (SAMPLES,) their sum, later the factor that scales them;
scratch (3 * width * SAMPLES,) room for kernels that loop over features.
"""
# mypy: allow-untyped-defs, allow-untyped-calls

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from .lanes import INT64, LANES, PRECISIONS, Emitter, Lanes
from .layout import SAMPLES

if TYPE_CHECKING:
    from collections.abc import Callable

    from .plan import PlanType

BIT = ir.IntType(1)


def opened(
    context: Any, builder: ir.IRBuilder, signature: Any, values: tuple[Any, ...]
) -> tuple[Emitter, list[Any]]:
    """Return an emitter, and the arguments with arrays as pointers to their data."""
    opened = []
    precision = None
    for kind, value in zip(signature.args, values, strict=True):
        if isinstance(kind, types.Array | types.CPointer):
            if kind.dtype in PRECISIONS and precision is None:
                precision = PRECISIONS[kind.dtype]
            value = data_of(context, builder, kind, value)
        opened.append(value)
    if precision is None:
        precision = PRECISIONS[types.float64]
    return Emitter(builder, precision), opened


def data_of(context: Any, builder: ir.IRBuilder, kind: Any, value: Any) -> Any:
    """Return the pointer to an array's data; any other value as it is."""
    if not isinstance(kind, types.Array):
        return value
    return context.make_array(kind)(context, builder, value).data


def row_of(emit: Emitter, rows: ir.Value, index: ir.Value, length: Any) -> ir.Value:
    """Return the address of row `index` of rows of `length` elements."""
    length = INT64(length) if isinstance(length, int) else length
    return emit.at(rows, emit.builder.mul(index, length))


class Component:
    """The parameters of one component, and what whitens a tile with them."""

    def __init__(
        self,
        emit: Emitter,
        plan: PlanType,
        width: ir.Value,
        parameters: ir.Value,
        tile: ir.Value,
        scratch: ir.Value,
    ) -> None:
        self.emit = emit
        self.plan = plan
        self.tile = tile
        self.constant = emit.broadcast(parameters)
        if plan.n_features:
            d = plan.n_features
            self.means = [emit.broadcast(parameters, 1 + i) for i in range(d)]
            self.shifts = [emit.broadcast(parameters, 1 + d + i) for i in range(d)]
            self.factor = emit.at(parameters, 1 + 2 * d)
        else:
            self.width = width
            self.mean_row = emit.at(parameters, 1)
            self.shift_row = emit.at(self.mean_row, width)
            self.factor = emit.at(self.shift_row, width)
        rows = emit.builder.mul(width, INT64(SAMPLES))
        self.offsets = scratch
        self.whitened = emit.at(scratch, rows)
        self.weighted = emit.at(self.whitened, rows)

    def whiten(self, sample: ir.Value) -> list[Lanes]:
        """Return z of the samples from `sample` on, in registers."""
        offsets = [
            self.emit.load(self.tile, i * SAMPLES, sample) - mean
            for i, mean in enumerate(self.means)
        ]
        return self.plan.layout.whiten(self.emit, self.factor, self.shifts, offsets)

    def whiten_tile(self) -> None:
        """Write z of the whole tile to memory."""
        emit = self.emit
        with emit.loop(self.width) as i:
            mean = emit.broadcast(self.mean_row, i)
            place = emit.builder.mul(i, INT64(SAMPLES))
            with emit.loop(SAMPLES, LANES) as sample:
                x = emit.load(self.tile, place, sample)
                emit.store(x - mean, self.offsets, place, sample)
        self.plan.layout.whiten_looped(
            emit,
            self.factor,
            self.shift_row,
            self.offsets,
            self.whitened,
            self.width,
        )

    def each_density(self, use: Callable[[ir.Value, Lanes], None]) -> None:
        """Emit a loop over the tile that calls `use(sample, log2 density)`."""
        emit = self.emit
        if not self.plan.n_features:
            self.whiten_tile()
        with emit.loop(SAMPLES, LANES) as sample:
            density = self.constant
            if self.plan.n_features:
                for z in self.whiten(sample):
                    density = (-z).times_plus(z, density)
            else:
                rest = emit.variable(density)
                with emit.loop(self.width) as i:
                    place = emit.builder.mul(i, INT64(SAMPLES))
                    z = emit.load(self.whitened, place, sample)
                    rest.set((-z).times_plus(z, rest.get()))
                density = rest.get()
            use(sample, density)


@intrinsic
def log_densities(
    typing, plan, width, parameters, k, length, tile, scratch, densities, peak
):
    """Write component k's row of `densities`, and raise `peak` to it."""

    def generate(context, builder, signature, values):
        emit, (_, width, parameters, k, length, tile, scratch, densities, peak) = (
            opened(context, builder, signature, values)
        )
        component = Component(
            emit, plan, width, row_of(emit, parameters, k, length), tile, scratch
        )
        row = row_of(emit, densities, k, SAMPLES)

        def keep(sample: ir.Value, density: Lanes) -> None:
            emit.store(density, row, sample)
            emit.store(emit.load(peak, sample).larger(density), peak, sample)

        component.each_density(keep)
        return context.get_dummy_value()

    arguments = (plan, width, parameters, k, length, tile, scratch, densities, peak)
    return types.void(*arguments), generate


def _compare(
    density: Lanes, peak: ir.Value, winner: ir.Value, name: Lanes, sample: ir.Value
) -> None:
    """Where a density exceeds `peak`, raise that to it and write the name's number.

    The number is reached by a difference. LLVM would make of a choice between it and
    the one in memory a masked store, for which processors without AVX-512 take longer
    than for all the rest.
    """
    emit = density.emitter
    best = emit.load(peak, sample)
    held = emit.load(winner, sample)
    step = density.where_above(best, emit.constant(0.0), name - held)
    emit.store(held + step, winner, sample)
    emit.store(best.larger(density), peak, sample)


@intrinsic
def vote(typing, plan, width, parameters, k, length, tile, scratch, winner, peak):
    """Where component k's density exceeds `peak`, make it the `winner`."""

    def generate(context, builder, signature, values):
        emit, (_, width, parameters, k, length, tile, scratch, winner, peak) = opened(
            context, builder, signature, values
        )
        component = Component(
            emit, plan, width, row_of(emit, parameters, k, length), tile, scratch
        )
        name = emit.splat(builder.sitofp(k, emit.precision.scalar))

        component.each_density(
            lambda sample, density: _compare(density, peak, winner, name, sample)
        )
        return context.get_dummy_value()

    arguments = (plan, width, parameters, k, length, tile, scratch, winner, peak)
    return types.void(*arguments), generate


@intrinsic
def pick(typing, k, densities, best, winner):
    """Where component k's density exceeds `best`, make it the `winner`."""

    def generate(context, builder, signature, values):
        emit, (k, densities, best, winner) = opened(context, builder, signature, values)
        row = row_of(emit, densities, k, SAMPLES)
        name = emit.splat(builder.sitofp(k, emit.precision.scalar))
        with emit.loop(SAMPLES, LANES) as sample:
            _compare(emit.load(row, sample), best, winner, name, sample)
        return context.get_dummy_value()

    return types.void(k, densities, best, winner), generate


@intrinsic
def exponentials(typing, k, densities, peak, total):
    """Turn row k of `densities` into unscaled responsibilities; add it to `total`.

    Returns whether any of them is not 0. Where none of a vector's samples belongs
    to the component, which is the rule in pictures, no exponential is computed.
    """

    def generate(context, builder, signature, values):
        emit, (k, densities, peak, total) = opened(context, builder, signature, values)
        row = row_of(emit, densities, k, SAMPLES)
        live = cgutils.alloca_once_value(builder, BIT(0))
        cutoff = emit.constant(emit.precision.cutoff)
        with emit.loop(SAMPLES, LANES) as sample:
            power = emit.load(row, sample) - emit.load(peak, sample)
            with builder.if_else(power.any_above(cutoff)) as (near, far):
                with near:
                    value = emit.exp2(power)
                    emit.store(value, row, sample)
                    emit.store(emit.load(total, sample) + value, total, sample)
                    builder.store(BIT(1), live)
                with far:
                    emit.store(emit.constant(0.0), row, sample)
        return builder.load(live)

    return types.boolean(k, densities, peak, total), generate


@intrinsic
def add_surprise(typing, k, densities, peak, surprise):
    """Add 2**p p to `surprise`, where p is component k's log2 density below `peak`."""

    def generate(context, builder, signature, values):
        emit, (k, densities, peak, surprise) = opened(
            context, builder, signature, values
        )
        row = row_of(emit, densities, k, SAMPLES)
        low = emit.constant(emit.precision.cutoff)
        with emit.loop(SAMPLES, LANES) as sample:
            power = (emit.load(row, sample) - emit.load(peak, sample)).larger(low)
            total = emit.exp2(power).times_plus(power, emit.load(surprise, sample))
            emit.store(total, surprise, sample)
        return context.get_dummy_value()

    return types.void(k, densities, peak, surprise), generate


@intrinsic
def finish_tile(typing, peak, total, weight):
    """Make `total` the factor that turns `densities` into weighted responsibilities.

    `peak` becomes log2 of the samples' densities. Returns the weighted sum of it.
    """

    def generate(context, builder, signature, values):
        emit, (peak, total, weight) = opened(context, builder, signature, values)
        # A sample infinitely far from all components has no responsibilities.
        least = emit.constant(2.0**emit.precision.cutoff)
        result = emit.variable(emit.constant(0.0))
        with emit.loop(SAMPLES, LANES) as sample:
            amount = emit.load(total, sample).larger(least)
            density = emit.log2(amount) + emit.load(peak, sample)
            emit.store(density, peak, sample)
            w = emit.load(weight, sample)
            result.set(w.times_plus(density, result.get()))
            emit.store(w / amount, total, sample)
        return emit.sum(result.get())

    return types.float64(peak, total, weight), generate


@intrinsic
def add_lanes(typing, sums, result, start, count):
    """Add the lanes of `sums` to `result[start:start + count]`; clear `sums`."""

    def generate(context, builder, signature, values):
        emit, (sums, result, start, count) = opened(context, builder, signature, values)
        with emit.loop(count) as i:
            source = emit.at(sums, builder.mul(i, INT64(LANES)))
            target = emit.at(result, start, i)
            total = builder.fadd(builder.load(target), emit.sum(emit.load(source)))
            builder.store(total, target)
            emit.store(emit.constant(0.0), source)
        return context.get_dummy_value()

    return types.void(sums, result, start, count), generate


@intrinsic
def dot(typing, densities, k, scale, values, i, j):
    """Sum of component k's responsibilities, times rows i and j of `values`.

    A negative row stands for ones.
    """

    def generate(context, builder, signature, arguments):
        emit, (densities, k, scale, values, i, j) = opened(
            context, builder, signature, arguments
        )
        row = row_of(emit, densities, k, SAMPLES)
        total = emit.variable(emit.constant(0.0))
        left = row_of(emit, values, i, SAMPLES)
        right = row_of(emit, values, j, SAMPLES)
        with emit.loop(SAMPLES, LANES) as sample:
            r = emit.load(row, sample) * emit.load(scale, sample)
            product = r * emit.load(left, sample)
            total.set(product.times_plus(emit.load(right, sample), total.get()))
        return emit.sum(total.get())

    return types.float64(densities, k, scale, values, i, j), generate


@intrinsic
def fetch_add(typing, counter, amount):
    """Add to a counter that threads share, and return what it was before."""

    def generate(context, builder, signature, values):
        array = context.make_array(signature.args[0])(context, builder, values[0])
        return builder.atomic_rmw("add", array.data, values[1], "monotonic")

    return types.int64(counter, types.int64), generate


@intrinsic
def popcount(typing, word):
    """Count the bits of a 64-bit number that are set."""

    def generate(context, builder, signature, values):
        return builder.ctpop(values[0])

    return types.int64(types.uint64), generate
