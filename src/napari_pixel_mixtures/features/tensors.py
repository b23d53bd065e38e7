"""StructureTensor and Hessian: eigenvalues of a symmetric matrix at every pixel."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING, Any

import numpy as np

from .blocks import blocks, on_all_cores
from .filter import Filter, correlate, gaussian

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .picture import Picture


@dataclass(frozen=True, repr=False)
class TensorFilter(Filter):
    """What the filters with as many columns as spatial axes have in common."""

    def parts(self, picture: Picture) -> tuple[str, ...]:
        """Eigenvalues are counted, from the largest."""
        return tuple(str(i + 1) for i in range(len(picture.spatial_axes)))


@dataclass(frozen=True, repr=False)
class StructureTensor(TensorFilter):
    """How strongly the image changes along and across the texture around a pixel.

    The square roots of the eigenvalues of the structure tensor, the largest first,
    in image units a pixel: products of the derivatives (normalized Sobel), blurred.
    One large and one small is a stripe or an edge, two large ones are spots or
    corners, two small ones are smooth. The eigenvalues are those of
    `skimage.feature.structure_tensor_eigenvalues`, over 8 squared in a plane and 32
    squared in a volume, for Sobel's filter is not normalized there.

    Attributes
    ----------
    sigma : float
        Standard deviation of the Gaussian, in pixels.
    of : {"brightness", "channels", "Lab"}

    Examples
    --------
    >>> from napari_pixel_mixtures import StructureTensor
    >>> StructureTensor(3)
    StructureTensor(sigma=3.0)
    """

    kind = "structure tensor"
    title = "Structure"
    tip = (
        "How strongly the image changes across and along the texture here: stripes, "
        "grain and smooth areas come apart."
    )
    label = "structure"
    order = None  # its derivatives are between next pixels, however wide sigma is

    def filter(self, frame: NDArray[Any], results: NDArray[Any]) -> None:
        """Take the eigenvalues of blurred products of derivatives."""
        derivatives = [_sobel(frame, axis) for axis in range(frame.ndim)]
        products = [
            gaussian(derivatives[i] * derivatives[j], self.sigma)
            for i, j in combinations_with_replacement(range(frame.ndim), 2)
        ]
        del derivatives
        eigenvalues(products, results, np.sqrt)


@dataclass(frozen=True, repr=False)
class Hessian(TensorFilter):
    """How the blurred image is curved, the most upward first.

    The eigenvalues of the Hessian matrix by derivatives of a Gaussian, in image units
    a squared pixel; as `skimage.feature.hessian_matrix_eigvals`. A bright line has one
    very negative, a dark one one very positive, a bright spot has all negative.

    Attributes
    ----------
    sigma : float
        Standard deviation of the Gaussian, in pixels.
    of : {"brightness", "channels", "Lab"}

    Examples
    --------
    >>> from napari_pixel_mixtures import Hessian
    >>> Hessian(2, of="channels")
    Hessian(of='channels')
    """

    kind = "hessian"
    title = "Ridges"
    tip = "How the image is curved here: lines, spots and saddles, bright or dark."
    label = "curvature"
    order = 2

    def filter(self, frame: NDArray[Any], results: NDArray[Any]) -> None:
        """Take the eigenvalues of the second derivatives."""
        axes = range(frame.ndim)
        second = [
            gaussian(frame, self.sigma, [(i == a) + (j == a) for a in axes])
            for i, j in combinations_with_replacement(axes, 2)
        ]
        eigenvalues(second, results)


def _sobel(frame: NDArray[Any], axis: int) -> NDArray[Any]:
    """Differentiate along an axis, a little smoothed across it."""
    kernels = [[0.25, 0.5, 0.25]] * frame.ndim
    kernels[axis] = [-0.5, 0.0, 0.5]
    return correlate(frame, kernels)


def eigenvalues(
    entries: list[NDArray[Any]], results: NDArray[Any], finish: Any = None
) -> None:
    """Find the eigenvalues of a symmetric matrix at each pixel, the largest first.

    Parameters
    ----------
    entries : list of ndarray (*spatial)
        The upper triangle, row by row.
    results : ndarray (d, *spatial), d = 1, 2 or 3
        Where the eigenvalues go.
    finish : ufunc, optional
        Applied to eigenvalues that cannot be negative; those below 0 by rounding
        count as 0.
    """
    solve = (_one, _two, _three)[len(results) - 1]
    flat = [entry.reshape(-1) for entry in entries]
    found = results.reshape(len(results), -1)  # a copy, if the frame is one of many

    def task(part: slice) -> None:
        with np.errstate(all="ignore"):
            # In float64, so that small eigenvalues beside large ones are right.
            values = solve(*(entry[part].astype(np.float64) for entry in flat))
            if finish is not None:
                values = finish(np.maximum(values, 0))
            found[:, part] = values

    on_all_cores(task, blocks(flat[0].size))
    if not np.may_share_memory(found, results):
        results[...] = found.reshape(results.shape)


Array = np.ndarray[Any, np.dtype[np.float64]]


def _one(xx: Array) -> Array:
    return xx[np.newaxis]


def _two(xx: Array, xy: Array, yy: Array) -> Array:
    mean = (xx + yy) / 2
    radius = np.hypot((xx - yy) / 2, xy)
    return np.stack([mean + radius, mean - radius])


def _three(xx: Array, xy: Array, xz: Array, yy: Array, yz: Array, zz: Array) -> Array:
    """Solve in closed form by cosines (O. K. Smith, CACM 4(4), 1961)."""
    mean = (xx + yy + zz) / 3
    xx, yy, zz = xx - mean, yy - mean, zz - mean
    squares = xx**2 + yy**2 + zz**2 + 2 * (xy**2 + xz**2 + yz**2)
    size = np.sqrt(squares / 6)
    determinant = (
        xx * (yy * zz - yz**2) - xy * (xy * zz - yz * xz) + xz * (xy * yz - yy * xz)
    )
    cosine = determinant / (2 * np.where(size > 0, size, 1) ** 3)
    angle = np.arccos(np.clip(cosine, -1, 1)) / 3
    largest = mean + 2 * size * np.cos(angle)
    smallest = mean + 2 * size * np.cos(angle + 2 * np.pi / 3)
    return np.stack([largest, 3 * mean - largest - smallest, smallest])
