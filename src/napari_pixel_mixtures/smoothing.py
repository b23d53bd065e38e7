"""Labels from responsibilities that are blurred over the picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.ndimage as ndi

from .features.blocks import on_all_cores

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .material import Material
    from .mixture import FastGaussianMixture

# Gaussians are cut off at so many standard deviations.
TRUNCATE = 3.0

# From this standard deviation on, in pixels, moving averages stand for a Gaussian.
WIDE = 5.0
N_AVERAGES = 4

# Responsibilities that are kept at a time: 64 MB in float32.
SLAB_VALUES = 2**24


def smooth_labels(
    mixture: FastGaussianMixture,
    material: Material,
    shape: tuple[int, ...],
    axes: tuple[int, ...],
    sigma: float,
) -> NDArray[np.uint8]:
    """Label pixels by responsibilities that are blurred over the picture.

    A pixel gets the component k with the largest sum over its neighbors of
    exp(-distance^2 / (2 sigma^2)) r_k, r being the responsibilities. Pixels that are
    not clustered have none, and so do not count for their neighbors. A sigma of 5
    pixels or more takes the time of a small one: see `blur`.

    Parameters
    ----------
    mixture : FastGaussianMixture
        Fitted to the material.
    material : Material
    shape : tuple of int
        Of the picture, without channels.
    axes : tuple of int
        `Picture.spatial_axes`, which neighbors lie along: each plane or volume of a
        series is blurred by itself.
    sigma : float
        Standard deviation of the Gaussian in pixels, above 0.

    Returns
    -------
    ndarray (*shape) uint8
        1 to K; 0 where a pixel is not clustered.
    """
    labels = np.zeros(shape, np.uint8)
    halo = reach(sigma) if 0 in axes else 0
    plane = int(np.prod(shape[1:]))
    length = max(SLAB_VALUES // (plane * mixture.n_components) - 2 * halo, halo, 1)
    for start in range(0, shape[0], length):
        stop = min(start + length, shape[0])
        first, last = max(0, start - halo), min(stop + halo, shape[0])
        pixels, rows = material.rows_between(first * plane, last * plane)
        if material.samples.values[rows].size == 0:
            continue
        responsibilities = mixture.predict_proba(material.samples.values[rows])
        inner = slice(start - first, stop - first)
        shares = np.zeros((mixture.n_components, last - first, *shape[1:]), np.float32)

        def spread(
            k: int,
            shares: NDArray[np.float32] = shares,
            pixels: NDArray[np.intp] | slice = pixels,
            responsibilities: NDArray[Any] = responsibilities,
        ) -> None:
            shares[k].reshape(-1)[pixels] = responsibilities[:, k]
            shares[k] = blur(shares[k], sigma, axes)

        on_all_cores(spread, range(mixture.n_components))
        largest = np.zeros((stop - start, *shape[1:]), np.float32)
        for k, share in enumerate(shares[:, inner]):
            np.copyto(labels[start:stop], k + 1, where=share > largest)
            np.maximum(largest, share, out=largest)
        clustered = np.zeros((last - first, *shape[1:]), bool)
        clustered.reshape(-1)[pixels] = True
        labels[start:stop][~clustered[inner]] = 0
    return labels


def blur(
    share: NDArray[np.float32], sigma: float, axes: tuple[int, ...]
) -> NDArray[np.float32]:
    """Blur by a Gaussian along some axes, beyond the border of nothing.

    From 5 pixels on it is four moving averages of nearly the same variance (within
    3 %), at most two pixels different in width (Kovesi, *Fast almost-Gaussian
    filtering*, DICTA 2010, equations 1 to 5), which take the same time for any sigma.

    Parameters
    ----------
    share : ndarray (*spatial) float32
    sigma : float
        Standard deviation in pixels.
    axes : tuple of int

    Returns
    -------
    ndarray (*spatial) float32
    """
    blurred: NDArray[np.float32]
    if sigma < WIDE:
        blurred = ndi.gaussian_filter(
            share, sigma, mode="constant", truncate=TRUNCATE, axes=axes
        )
        return blurred
    blurred = share
    for axis in axes:
        for width in _widths(sigma):
            blurred = ndi.uniform_filter1d(blurred, width, axis, mode="constant")
    return blurred


def _widths(sigma: float) -> list[int]:
    """Give odd widths of moving averages that together have a Gaussian's variance."""
    variance, n = 12 * sigma**2, N_AVERAGES
    narrow = int(np.sqrt(variance / n + 1))
    narrow -= narrow % 2 == 0
    surplus = variance - n * (narrow**2 + 4 * narrow + 3)
    n_narrow = round(surplus / (-4 * narrow - 4))
    return [narrow] * n_narrow + [narrow + 2] * (n - n_narrow)


def reach(sigma: float) -> int:
    """Give how many pixels away a pixel still counts."""
    if sigma < WIDE:
        return int(TRUNCATE * sigma + 0.5)  # as scipy rounds it
    return sum(width // 2 for width in _widths(sigma))
