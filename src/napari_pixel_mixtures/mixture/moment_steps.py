"""The sums of the M step over one tile, as `steps` has the rest.

Moments are summed lane by lane: sums (K, n_moments, LANES), in one dimension.
"""
# mypy: allow-untyped-defs, allow-untyped-calls

from __future__ import annotations

from typing import TYPE_CHECKING

from numba.core import cgutils, types
from numba.extending import intrinsic

from .lanes import INT64, LANES
from .layout import ACCUMULATORS, BLOCK, SAMPLES
from .steps import Component, opened, row_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llvmlite import ir

    from .lanes import Lanes


@intrinsic
def add_moments(
    typing,
    plan,
    width,
    parameters,
    k,
    length,
    tile,
    scratch,
    densities,
    scale,
    sums,
    n_moments,
):
    """Add component k's moments in this tile to its row of `sums`, lane by lane."""

    def generate(context, builder, signature, values):
        emit, given = opened(context, builder, signature, values)
        (_, width, parameters, k, length, tile, scratch) = given[:7]
        (densities, scale, sums, n_moments) = given[7:]
        component = Component(
            emit, plan, width, row_of(emit, parameters, k, length), tile, scratch
        )
        row = row_of(emit, densities, k, SAMPLES)
        place = row_of(emit, sums, k, builder.mul(n_moments, INT64(LANES)))
        if plan.n_features:
            # Only triangles have more.
            few = len(_names(component)) <= ACCUMULATORS
            add = _add_moments_unrolled if few else _add_moments_stored
            add(component, row, scale, place)
        else:
            _add_moments_looped(component, row, scale, place)
        return context.get_dummy_value()

    arguments = (plan, width, parameters, k, length, tile, scratch, densities, scale)
    return types.void(*arguments, sums, n_moments), generate


def _names(component: Component) -> list[tuple[int, ...]]:
    """Name each moment by its factors.

    () is the responsibility alone, (i,) that times z_i, (i, j) that times z_i z_j.
    """
    d = component.plan.n_features
    firsts: list[tuple[int, ...]] = [(), *((i,) for i in range(d))]
    return firsts + component.plan.layout.products(d)


def _add_moments_unrolled(
    component: Component, row: ir.Value, scale: ir.Value, place: ir.Value
) -> None:
    """Add up all moments at once, in registers."""
    emit = component.emit
    names = _names(component)
    sums = [emit.variable(emit.load(place, n * LANES)) for n in range(len(names))]
    with emit.loop(SAMPLES, LANES) as sample:
        value = emit.load(row, sample)
        with emit.builder.if_then(value.any_above(emit.constant(0.0))):
            r = value * emit.load(scale, sample)
            z = component.whiten(sample)
            weighted: dict[int, Lanes] = {}
            for name, total in zip(names, sums, strict=True):
                if not name:
                    total.set(total.get() + r)
                    continue
                i = name[0]
                if i < 0:
                    for zi in z:
                        total.set((r * zi).times_plus(zi, total.get()))
                    continue
                if i not in weighted:
                    weighted[i] = r * z[i]
                if len(name) == 1:
                    total.set(total.get() + weighted[i])
                else:
                    j = name[1]
                    total.set(weighted[i].times_plus(z[j], total.get()))
    for n, total in enumerate(sums):
        emit.store(total.get(), place, n * LANES)


def _add_moments_stored(
    component: Component, row: ir.Value, scale: ir.Value, place: ir.Value
) -> None:
    """Write z of the samples that belong to the component, then add up its products.

    What is written lies close together, and blocks of products share what they load.
    For as many moments as fill the registers z would be computed again each time.
    """
    emit = component.emit
    builder = emit.builder
    d = component.plan.n_features
    numbers = {name: n for n, name in enumerate(_names(component))}
    used = cgutils.alloca_once_value(builder, INT64(0))
    count = emit.variable(emit.load(place))
    with emit.loop(SAMPLES, LANES) as sample:
        value = emit.load(row, sample)
        with builder.if_then(value.any_above(emit.constant(0.0))):
            r = value * emit.load(scale, sample)
            count.set(count.get() + r)
            slot = builder.load(used)
            for i, z in enumerate(component.whiten(sample)):
                emit.store(z, component.whitened, i * SAMPLES, slot)
                emit.store(r * z, component.weighted, i * SAMPLES, slot)
            builder.store(builder.add(slot, INT64(LANES)), used)
    emit.store(count.get(), place)
    stop = builder.load(used)
    for names in _blocks(d):
        places = [emit.at(place, numbers[name] * LANES) for name in names]
        sums = [emit.variable(emit.load(one)) for one in places]
        with emit.loop(stop, LANES) as sample:
            weighted = {
                i: emit.load(component.weighted, i * SAMPLES, sample)
                for i in sorted({name[0] for name in names})
            }
            whitened = {
                j: emit.load(component.whitened, j * SAMPLES, sample)
                for j in sorted({name[1] for name in names if len(name) > 1})
            }
            for name, total in zip(names, sums, strict=True):
                rz = weighted[name[0]]
                if len(name) == 1:
                    total.set(total.get() + rz)
                else:
                    total.set(rz.times_plus(whitened[name[1]], total.get()))
        for total, one in zip(sums, places, strict=True):
            emit.store(total.get(), one)


def _blocks(n_features: int) -> Iterator[list[tuple[int, ...]]]:
    """Divide first and second moments into blocks, each of a few rows and columns."""
    n_rows, n_columns = BLOCK
    for first in range(0, n_features, n_rows):
        rows = range(first, min(first + n_rows, n_features))
        columns: list[tuple[int, ...]] = [(), *((j,) for j in range(rows[-1] + 1))]
        for start in range(0, len(columns), n_columns):
            yield [
                (i, *column)
                for column in columns[start : start + n_columns]
                for i in rows
                if not column or column[0] <= i
            ]


def _add_moments_looped(
    component: Component, row: ir.Value, scale: ir.Value, place: ir.Value
) -> None:
    emit = component.emit
    builder = emit.builder
    component.whiten_tile()
    count = emit.variable(emit.load(place))
    with emit.loop(SAMPLES, LANES) as sample:
        r = emit.load(row, sample) * emit.load(scale, sample)
        count.set(count.get() + r)
    emit.store(count.get(), place)
    firsts = emit.at(place, LANES)
    with emit.loop(component.width) as i:
        rows = builder.mul(i, INT64(SAMPLES))
        target = emit.at(firsts, builder.mul(i, INT64(LANES)))
        total = emit.variable(emit.load(target))
        with emit.loop(SAMPLES, LANES) as sample:
            r = emit.load(row, sample) * emit.load(scale, sample)
            weighted = r * emit.load(component.whitened, rows, sample)
            emit.store(weighted, component.weighted, rows, sample)
            total.set(total.get() + weighted)
        emit.store(total.get(), target)
    component.plan.layout.add_products_looped(
        emit,
        emit.at(firsts, builder.mul(component.width, INT64(LANES))),
        component.weighted,
        component.whitened,
        component.width,
    )
