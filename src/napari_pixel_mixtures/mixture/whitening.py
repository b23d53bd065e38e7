"""Whitening: the linear map under which a covariance becomes the identity."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def whitening_transform(
    covariance: ArrayLike,
    *,
    pseudo_inverse: bool = False,
    precision: float | None = None,
) -> NDArray[np.float64]:
    """Give the linear map that makes a covariance the identity.

    Of all such maps this is the one whose result correlates best with the
    original variables, "ZCA-cor": standardize each variable, then multiply by the
    inverse root of the correlation matrix. It does not turn the cloud more than
    it must, and the units of the variables do not matter.

    Parameters
    ----------
    covariance : array_like (d, d)
        Symmetric and positive definite.
    pseudo_inverse : bool
        Accept a singular covariance: directions without variance are mapped to 0,
        and the covariance of the result is a projection instead of the identity.
    precision : float, optional
        Relative rounding error of the covariance; a direction with less variance,
        relative to its variables', counts as one without. By default that of the
        covariance's type.

    Returns
    -------
    ndarray (d, d) float64
        W with ``W.T @ covariance @ W = I``: the rows of ``points @ W`` are white.

    Raises
    ------
    ValueError
        The covariance is not a symmetric matrix of finite numbers, has a negative
        eigenvalue, or is singular.

    References
    ----------
    Kessy, Lewin, Strimmer, "Optimal whitening and decorrelation", The American
    Statistician 72 (2018), equation 11.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_pixel_mixtures import whitening_transform
    >>> covariance = np.array([[4.0, 1.0], [1.0, 9.0]])
    >>> W = whitening_transform(covariance)
    >>> np.allclose(W.T @ covariance @ W, np.eye(2))
    True
    """
    matrix = np.asarray(covariance)
    if matrix.dtype.kind not in "buif":
        raise ValueError(f"Expected a covariance of real numbers, got {matrix.dtype}.")
    if precision is None:
        precision = float(np.finfo(np.result_type(matrix.dtype, np.float32)).eps)
    matrix = matrix.astype(np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(
            f"Expected a square covariance matrix, got an array of shape "
            f"{matrix.shape}."
        )
    if not np.isfinite(matrix).all():
        raise ValueError(
            "Expected a covariance of finite numbers, got NaN or infinity; remove "
            "such values from the samples."
        )
    deviations = np.sqrt(np.abs(np.diag(matrix)))
    units = np.where(deviations > 0, deviations, 1.0)
    correlation = matrix / np.outer(units, units)
    tolerance = len(matrix) * precision * 10
    # Wide: second moments less the squares of means, as scikit-learn's tied
    # covariances, lose digits, and not the same ones above and below the diagonal.
    if np.abs(correlation - correlation.T).max(initial=0) > precision**0.5:
        raise ValueError(
            "Expected a symmetric covariance matrix, got one that is not; "
            "average it with its transpose."
        )
    eigenvalues, vectors = np.linalg.eigh((correlation + correlation.T) / 2)
    if eigenvalues.min(initial=0) < -tolerance:
        raise ValueError(
            "Expected a covariance without negative eigenvalues, got "
            f"{eigenvalues.min():.3g} among those of its correlation matrix."
        )
    positive = eigenvalues > tolerance
    if not (positive.all() or pseudo_inverse):
        raise ValueError(
            "Expected a covariance of full rank, got a singular one of rank "
            f"{positive.sum()} of {len(matrix)}; use pseudo_inverse=True to leave "
            "out the directions without variance, or regularize it."
        )
    roots = np.zeros_like(eigenvalues)
    roots[positive] = eigenvalues[positive] ** -0.5
    white: NDArray[np.float64] = (vectors * roots) @ vectors.T / units[:, np.newaxis]
    return white
