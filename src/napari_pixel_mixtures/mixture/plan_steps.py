"""The part of the passes that is compiled for each plan, and how they call it.

Each step is for a whole tile and all components, so that a call costs nothing beside
it. It takes pointers to the arrays' data, as C does.
"""
# mypy: allow-untyped-defs, allow-untyped-calls, disable-error-code="call-arg"

from __future__ import annotations

from typing import Any

from numba.core import types
from numba.extending import intrinsic

from .moment_steps import add_moments
from .steps import data_of, log_densities, vote


def densities_step(
    plan, width, parameters, n_components, length, tile, scratch, densities, peak
):
    """Write all rows of `densities`, and raise `peak` to the largest."""
    for k in range(n_components):
        log_densities(
            plan, width, parameters, k, length, tile, scratch, densities, peak
        )


def votes_step(
    plan, width, parameters, n_components, length, tile, scratch, winner, peak
):
    """Find the component of the largest density, and that density, `peak`."""
    for k in range(n_components):
        vote(plan, width, parameters, k, length, tile, scratch, winner, peak)


def moments_step(
    plan,
    width,
    parameters,
    n_components,
    length,
    tile,
    scratch,
    densities,
    scale,
    live,
    sums,
    n_moments,
):
    """Add the moments of the components that are `live` to `sums`."""
    for k in range(n_components):
        if live[k]:
            add_moments(
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
            )


def scan_types(plan: Any, real: Any) -> tuple[Any, ...]:
    """Types of the arguments of `densities_step` and `votes_step`."""
    pointer, whole = types.CPointer(real), types.int64
    return (plan, whole, pointer, whole, whole, *(pointer,) * 4)


def moments_types(plan: Any, real: Any) -> tuple[Any, ...]:
    """Types of the arguments of `moments_step`."""
    pointer, whole = types.CPointer(real), types.int64
    live = types.CPointer(types.uint8)
    return (*scan_types(plan, real), live, pointer, whole)


def _call(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    """Emit the call of a step at an address; of its plan only the type counts."""
    kinds = [
        types.CPointer(kind.dtype) if isinstance(kind, types.Array) else kind
        for kind in signature.args[1:]
    ]
    passed = [
        data_of(context, builder, kind, value)
        for kind, value in zip(signature.args[1:], values[1:], strict=True)
    ]
    # To LLVM a plan is a pointer to nothing, as is None.
    kinds.insert(0, types.none)
    passed.insert(0, context.get_dummy_value())
    convention = context.call_conv
    kind = convention.get_function_type(types.none, kinds).as_pointer()
    step = builder.inttoptr(values[0], kind)
    convention.call_function(builder, step, types.none, kinds, passed)
    return context.get_dummy_value()


@intrinsic
def call_scan(
    typing,
    step,
    width,
    parameters,
    n_components,
    length,
    tile,
    scratch,
    found,
    peak,
):
    """Call the `densities_step` or `votes_step` at an address."""
    arguments = (width, parameters, n_components, length, tile, scratch, found, peak)
    return types.void(step, *arguments), _call


@intrinsic
def call_moments(
    typing,
    step,
    width,
    parameters,
    n_components,
    length,
    tile,
    scratch,
    densities,
    scale,
    live,
    sums,
    n_moments,
):
    """Call the `moments_step` at an address."""
    arguments = (width, parameters, n_components, length, tile, scratch, densities)
    return types.void(step, *arguments, scale, live, sums, n_moments), _call
