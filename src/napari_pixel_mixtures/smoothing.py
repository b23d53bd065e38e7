"""Labels from responsibilities that are blurred over the picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.ndimage as ndi

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .material import Material
    from .mixture import FastGaussianMixture

# Gaussians are cut off at so many standard deviations.
TRUNCATE = 3.0

# Responsibilities that are kept at a time: 64 MB in float32.
SLAB_VALUES = 2**24


def smooth_labels(
    mixture: FastGaussianMixture,
    material: Material,
    shape: tuple[int, ...],
    sigma: float,
) -> NDArray[np.uint8]:
    """Label pixels by responsibilities that are blurred over the picture.

    A pixel gets the component k with the largest sum over its neighbors of
    exp(-distance^2 / (2 sigma^2)) r_k, r being the responsibilities. Pixels that are
    not clustered have none, and so do not count for their neighbors.

    Parameters
    ----------
    mixture : FastGaussianMixture
        Fitted to the material.
    material : Material
    shape : tuple of int
        Of the picture, without channels.
    sigma : float
        Standard deviation of the Gaussian in pixels, above 0.

    Returns
    -------
    ndarray (*shape) uint8
        1 to K; 0 where a pixel is not clustered.
    """
    labels = np.zeros(shape, np.uint8)
    halo = int(TRUNCATE * sigma + 0.5)  # as scipy rounds it
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
        largest = np.zeros((stop - start, *shape[1:]), np.float32)
        for k in range(mixture.n_components):
            share = np.zeros((last - first, *shape[1:]), np.float32)
            share.reshape(-1)[pixels] = responsibilities[:, k]
            share = ndi.gaussian_filter(
                share, sigma, mode="constant", truncate=TRUNCATE
            )
            better = share[inner] > largest
            labels[start:stop][better] = k + 1
            largest[better] = share[inner][better]
        clustered = np.zeros((last - first, *shape[1:]), bool)
        clustered.reshape(-1)[pixels] = True
        labels[start:stop][~clustered[inner]] = 0
    return labels
