"""What the steps of a pass are compiled for: layout, number of features, precision."""
# mypy: allow-untyped-calls

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numba.core import types
from numba.extending import NativeValue, models, register_model, unbox

from .layout import LAYOUTS, UNROLLED, Layout, padded


class PlanType(types.Type):
    """numba's type of a Plan: there is one for each way to compile a step."""

    def __init__(self, layout: str, n_features: int) -> None:
        self.layout = LAYOUTS[layout]
        self.n_features = n_features
        super().__init__(f"Plan({layout}, {n_features})")


register_model(PlanType)(models.OpaqueModel)


@unbox(PlanType)
def _unbox_plan(typ, plan, context):  # type: ignore[no-untyped-def]
    # Steps are called by passes only, but numba makes each callable from Python.
    return NativeValue(context.context.get_dummy_value())


@cache
def _plan_type(layout: str, n_features: int) -> PlanType:
    unrolled = n_features if n_features <= UNROLLED else 0
    return PlanType(layout, unrolled)


class Plan:
    """Which steps a pass is to call.

    Parameters
    ----------
    layout : Layout
        How the whitening factor is stored.
    n_features : int
        Number of features, d.
    dtype : dtype
        float32 or float64, what they compute in.
    """

    def __init__(self, layout: Layout, n_features: int, dtype: np.dtype[Any]) -> None:
        self.layout = layout
        self.n_features = n_features
        self.dtype = np.dtype(dtype)
        self.width = padded(n_features)
        self.n_parameters = 1 + 2 * self.width + layout.n_factors(n_features)
        self.n_moments = 1 + self.width + layout.n_second_moments(n_features)
        self._numba_type_ = _plan_type(layout.name, n_features)
