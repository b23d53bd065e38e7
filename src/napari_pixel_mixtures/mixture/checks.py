"""Checks of what a user passes; errors in scikit-learn's words where it has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import get_config
from sklearn.utils import check_array

from .covariance import COVARIANCE_TYPES

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from .moments import MixtureParameters

    Array = NDArray[Any]

_ROWS = 2**18

# Largest weights, as powers of 2, that are neither near the 10 eps that are added to
# the sum of a component's, nor overflow in float32, times squared distances.
_LEAST_EXPONENT, _MOST_EXPONENT = -16, 40


def check_finite(samples: Array) -> None:
    """Refuse samples (n, d) with NaN or infinity, and say how many rows have them.

    They are not looked at within scikit-learn's `config_context(assume_finite=True)`.
    """
    if samples.dtype.kind != "f" or get_config()["assume_finite"]:
        return
    # A sum is finite unless a term is not, or it overflows: then rows are counted.
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(samples.sum()):
            return
    bad = sum(
        int(np.sum(~np.isfinite(samples[a : a + _ROWS]).all(axis=1)))
        for a in range(0, len(samples), _ROWS)
    )
    if bad:
        raise ValueError(
            f"Expected finite samples, but {bad} of {len(samples)} rows contain NaN "
            "or infinity; leave these rows out, or fill them in."
        )


def check_sample_weight(sample_weight: ArrayLike | None, n_samples: int) -> Any:
    """Return weights as an array (n,), or None."""
    if sample_weight is None:
        return None
    weights = np.asarray(sample_weight)
    if weights.shape != (n_samples,):
        raise ValueError(
            f"Expected one sample_weight for each of the {n_samples} samples, got "
            f"the shape {weights.shape}; pass an array of shape ({n_samples},)."
        )
    if weights.dtype.kind not in "biuf":
        raise ValueError(
            f"Expected sample_weight to hold numbers, got {weights.dtype}; convert it."
        )
    with np.errstate(over="ignore", invalid="ignore"):
        total = weights.sum(dtype=np.float64)
    if not np.isfinite(total) or weights.min() < 0 or total <= 0:
        raise ValueError(
            "Expected every sample_weight to be finite and at least 0, and one to be "
            f"above 0, got values from {weights.min()} to {weights.max()}; correct "
            "them, or leave sample_weight out."
        )
    return weights


def scaled_weights(weights: Array) -> tuple[Array, float]:
    """Divide weights (n,) by a power of 2, if kernels would lose them or overflow.

    Returns
    -------
    weights : array (n,)
        The same array if the largest weight is neither very small nor very large, as
        counts never are; else float64, the largest from 1 to 2.
    unit : float
        What a weight of 1 stands for.
    """
    exponent = int(np.frexp(np.float64(weights.max()))[1]) - 1
    if _LEAST_EXPONENT <= exponent <= _MOST_EXPONENT:
        return weights, 1.0
    scaled = np.ldexp(weights.astype(np.float64), -exponent)
    return scaled, float(np.ldexp(1.0, exponent))


def _check_shape(values: Array, shape: tuple[int, ...], name: str) -> None:
    if values.shape != shape:
        raise ValueError(
            f"The parameter '{name}' should have the shape of {shape}, but got "
            f"{values.shape}"
        )


def _as_floats(values: ArrayLike) -> Array:
    checked: Array = check_array(
        values, dtype=[np.float64, np.float32], ensure_2d=False, allow_nd=True
    )
    return checked


def check_weights(weights: ArrayLike, n_components: int) -> Array:
    """Return weights_init as an array (K,)."""
    checked = _as_floats(weights)
    _check_shape(checked, (n_components,), "weights")
    low, high, total = checked.min(), checked.max(), checked.sum()
    if low < 0 or high > 1:  # scikit-learn's words: it takes one for the other
        raise ValueError(
            "The parameter 'weights' should be in the range [0, 1], but got max value "
            f"{low:.5f}, min value {high:.5f}"
        )
    tolerance = 1e-6 if checked.dtype == np.float32 else 1e-8
    if abs(1 - total) > tolerance:
        raise ValueError(
            "The parameter 'weights' should be normalized, but got sum(weights) = "
            f"{total:.5f}"
        )
    return checked


def check_exponents(exponents: ArrayLike | None, n_features: int | None) -> Any:
    """Return exponents as an array (d,); None where all are 1."""
    if exponents is None:
        return None
    checked = _as_floats(exponents).astype(np.float64)
    if n_features is not None:
        _check_shape(checked, (n_features,), "exponents")
    if not (checked > 0).all():
        raise ValueError(
            "Expected exponents above 0, one for each column of the samples, got "
            f"{checked.tolist()!r:.80}; leave out a column that should not count."
        )
    return None if (checked == 1).all() else checked


def check_means(means: ArrayLike, n_components: int, n_features: int) -> Array:
    """Return means_init as an array (K, d)."""
    checked = _as_floats(means)
    _check_shape(checked, (n_components, n_features), "means")
    return checked


def check_precisions(
    precisions: ArrayLike, covariance_type: str, n_components: int, n_features: int
) -> Array:
    """Return precisions_init as an array."""
    kind = COVARIANCE_TYPES[covariance_type]
    checked = _as_floats(precisions)
    name = f"{covariance_type} precision"
    _check_shape(checked, kind.shape(n_components, n_features), name)
    if not kind.valid_precisions(checked):
        raise ValueError(f"'{name}' should be {kind.demand}")
    return checked


def check_same_features(parameters: MixtureParameters, samples: Array) -> None:
    """Refuse samples of other features: kernels do not check their arguments."""
    d, expected = samples.shape[1], parameters.means.shape[1]
    if d != expected:
        raise ValueError(
            f"Expected samples with the {expected} features of the mixture from which "
            f"the fit goes on, got {d}; start anew, with warm_start=False."
        )
