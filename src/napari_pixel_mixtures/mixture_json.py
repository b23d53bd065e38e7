"""The fitted parameters of a mixture as plain JSON types, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .clustering import unfitted
from .features.checks import whole
from .json_checks import LARGEST, as_number, check_fields
from .mixture.covariance import COVARIANCE_TYPES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .features import FeatureGroup
    from .mixture import FastGaussianMixture
    from .recipe import Recipe

ARRAYS = ("weights", "means", "covariances", "precisions_cholesky")


def mixture_to_json(mixture: FastGaussianMixture) -> dict[str, Any]:
    """Give the fitted parameters; float32 and float64 come back bit for bit."""
    return {name: getattr(mixture, f"{name}_").tolist() for name in ARRAYS} | {
        "dtype": str(mixture.means_.dtype),
        "converged": bool(mixture.converged_),
        "n_iter": int(mixture.n_iter_),
        "lower_bound": float(mixture.lower_bound_),
    }


def mixture_from_json(
    data: object, recipe: Recipe, groups: tuple[FeatureGroup, ...]
) -> FastGaussianMixture:
    """Read the fitted parameters, and check that they are those of a mixture.

    Parameters
    ----------
    data : object
        What `mixture_to_json` gave.
    recipe : Recipe
        What was fitted.
    groups : tuple of FeatureGroup
        The columns that the mixture is of.

    Raises
    ------
    ValueError
        It is not that.
    """
    d = groups[-1].stop
    others = {"dtype", "converged", "n_iter", "lower_bound"}
    check_fields("a mixture", data, {*ARRAYS, *others})
    assert isinstance(data, dict)
    if data["dtype"] not in ("float32", "float64"):
        raise ValueError(
            "Expected parameters of type 'float32' or 'float64', got "
            f"{data['dtype']!r:.80}."
        )
    if not isinstance(data["converged"], bool):
        raise ValueError(
            f"Expected converged to be true or false, got {data['converged']!r:.80}."
        )
    kind, k = COVARIANCE_TYPES[recipe.covariance_type], recipe.n_components
    shapes = {"weights": (k,), "means": (k, d)}
    dtype = np.dtype(data["dtype"])
    found = {
        name: _array(name, data[name], shapes.get(name, kind.shape(k, d)), dtype)
        for name in ARRAYS
    }
    weights = found["weights"].astype(np.float64)
    if weights.min() < 0 or abs(weights.sum() - 1) > 1e-3:
        raise ValueError(
            "Expected weights of components from 0 that sum to 1, got the sum "
            f"{weights.sum():.5g} and the smallest {weights.min():.5g}."
        )
    cholesky = found["precisions_cholesky"].astype(np.float64)
    covariances = found["covariances"].astype(np.float64)
    with np.errstate(all="ignore"):
        precisions = kind.precisions(found["precisions_cholesky"])
        factors = kind.factors(cholesky, k)
        triangles = factors.ndim == 3
        diagonals = np.diagonal(factors, axis1=1, axis2=2) if triangles else factors
        sound = bool((np.isfinite(diagonals) & (diagonals > 0)).all())
        if triangles:
            sound &= np.array_equal(cholesky, np.triu(cholesky))
            sound &= _positive_definite(covariances.reshape(-1, d, d), dtype)
        else:
            sound &= bool((covariances > 0).all())
    if not sound:
        raise ValueError(
            f"Expected {recipe.covariance_type} covariances that are "
            f"{kind.demand}, got others; load another copy of the model."
        )
    mixture = unfitted(recipe, groups)
    for name, values in found.items():
        setattr(mixture, f"{name}_", values)
    mixture.precisions_ = precisions
    mixture.converged_ = data["converged"]
    mixture.n_iter_ = whole("n_iter", data["n_iter"], 0, 2**31 - 1)
    mixture.lower_bound_ = as_number("the lower bound", data["lower_bound"])
    mixture.n_features_in_ = d
    return mixture


def _positive_definite(matrices: NDArray[np.float64], dtype: np.dtype[Any]) -> bool:
    """Whether matrices are symmetric, positive-definite, but for rounding to a type."""
    symmetric = (matrices + matrices.transpose(0, 2, 1)) / 2
    if not np.allclose(matrices, symmetric, rtol=1e-3):
        return False
    deviations = np.sqrt(np.diagonal(symmetric, axis1=1, axis2=2))
    correlations = symmetric / deviations[:, :, None] / deviations[:, None, :]
    if not np.isfinite(correlations).all():
        return False
    least = np.linalg.eigvalsh(correlations)[:, 0].min()
    return bool(least > -8 * matrices.shape[1] * np.finfo(dtype).eps)


def _array(
    name: str, values: object, shape: tuple[int, ...], dtype: np.dtype[Any]
) -> NDArray[Any]:
    try:
        array = np.asarray(values)
    except ValueError:  # rows of different lengths
        array = np.empty(0, object)
    if array.dtype.kind not in "if" or array.shape != shape:
        raise ValueError(
            f"Expected {name} as numbers in the shape {shape}, got {values!r:.80}."
        )
    limit = min(LARGEST, float(np.finfo(dtype).max))
    if not (np.abs(array) <= limit).all():
        raise ValueError(f"Expected finite numbers as {name}, got {values!r:.80}.")
    return array.astype(dtype)
