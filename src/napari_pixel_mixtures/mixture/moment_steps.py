"""The sums of the M step over one tile, as `steps` has the rest.

Moments are summed lane by lane: sums (K, n_moments, LANES), in one dimension.
"""
# mypy: allow-untyped-defs, allow-untyped-calls

from __future__ import annotations

from typing import TYPE_CHECKING

from numba.core import types
from numba.extending import intrinsic

from .lanes import INT64, LANES
from .layout import ACCUMULATORS, SAMPLES
from .steps import Component, opened, row_of

if TYPE_CHECKING:
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
            _add_moments_unrolled(component, row, scale, place)
        else:
            _add_moments_looped(component, row, scale, place)
        return context.get_dummy_value()

    arguments = (plan, width, parameters, k, length, tile, scratch, densities, scale)
    return types.void(*arguments, sums, n_moments), generate


def _add_moments_unrolled(
    component: Component, row: ir.Value, scale: ir.Value, place: ir.Value
) -> None:
    """Add up as many moments at a time as there are registers for.

    A moment is named by its factors: () for the responsibility alone, (i,) for that
    times z_i, (i, j) for that times z_i z_j.
    """
    emit = component.emit
    d = component.plan.n_features
    names: list[tuple[int, ...]] = [(), *((i,) for i in range(d))]
    names += component.plan.layout.products(d)
    for start in range(0, len(names), ACCUMULATORS):
        group = names[start : start + ACCUMULATORS]
        sums = [
            emit.variable(emit.load(place, (start + n) * LANES))
            for n in range(len(group))
        ]
        with emit.loop(SAMPLES, LANES) as sample:
            value = emit.load(row, sample)
            with emit.builder.if_then(value.any_above(emit.constant(0.0))):
                r = value * emit.load(scale, sample)
                z = component.whiten(sample)
                weighted: dict[int, Lanes] = {}
                for name, total in zip(group, sums, strict=True):
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
            emit.store(total.get(), place, (start + n) * LANES)


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
