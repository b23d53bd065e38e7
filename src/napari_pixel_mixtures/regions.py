"""Connected regions of labels, cleaned and merged."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.ndimage as ndi

from .features import Lab
from .features.checks import not_negative, whole

MIN_SIZE = 500  # pixels that a region has at least, unless it is said
MAX_SIZE = 10**9

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .features import Picture


def region_settings(
    min_size: object = MIN_SIZE, contrast: object = 0.0
) -> dict[str, Any]:
    """Give the settings of `Clustering.regions` as a dict of plain numbers.

    Raises
    ------
    ValueError
        The size is not a whole number of at least 1, or the contrast not a number
        from 0.
    """
    return {
        "min_size": whole("min_size", min_size, 1, MAX_SIZE),
        "contrast": not_negative("contrast", contrast),
    }


def connected_regions(labels: NDArray[Any], min_size: int) -> NDArray[np.int32]:
    """Give numbers to connected pieces of labels; small ones go to their neighbors.

    Parameters
    ----------
    labels : ndarray (*spatial) of int
        Of one plane or volume: at most three axes. 0 is no label. Pixels are
        connected by their sides.
    min_size : int
        Pieces of fewer pixels are dealt out, pixel by pixel, to the nearest of the
        others. Where all are smaller, only the largest is kept.

    Returns
    -------
    ndarray (*spatial) int32
        1, 2, and so on in scan order; 0 where labels are 0.
    """
    from skimage.measure import label  # slow to import

    pieces: NDArray[np.intp] = label(  # type: ignore[no-untyped-call]
        labels, background=0, connectivity=1
    )
    sizes = np.bincount(pieces.reshape(-1))
    sizes[0] = 0
    if not sizes.any():
        return pieces.astype(np.int32)
    kept = sizes >= min(min_size, sizes.max())
    kept[0] = False
    numbers = np.where(kept, np.cumsum(kept), 0)
    regions: NDArray[np.int32] = numbers[pieces].astype(np.int32)
    if kept.sum() < np.count_nonzero(sizes):
        nearest = ndi.distance_transform_edt(
            regions == 0, return_distances=False, return_indices=True
        )
        regions = regions[tuple(nearest)]
        regions[pieces == 0] = 0
    return regions


def perceived(picture: Picture, labeled: NDArray[np.bool_]) -> NDArray[Any]:
    """Give values in which a contrast of 2 or so can just be seen, (n_pixels, C).

    Of a picture in color CIE L*a*b*. Of another, or of floating colors that are no
    parts of 1, each channel in hundredths of its range, from the 1st to the 99th
    percentile of the labeled pixels: what black and white are is not known, and few
    very bright pixels shall not decide it.

    Parameters
    ----------
    picture : Picture
    labeled : ndarray (*spatial) bool
    """
    if picture.rgb and not picture.overexposed:
        return Lab().compute(picture, None)
    rows = picture.pixels[labeled.reshape(-1)].astype(np.float64)
    if len(rows) == 0:
        return picture.pixels
    low, high = np.percentile(rows, [1, 99], axis=0)
    extent = np.where(high > low, high - low, np.ptp(rows, axis=0))
    return picture.pixels / np.where(extent > 0, extent / 100, 1.0)


def merge_similar(
    regions: NDArray[np.int32], values: NDArray[Any], contrast: float
) -> NDArray[np.int32]:
    """Merge neighbors whose values hardly differ, the most similar first.

    Merging regions of n_1 and n_2 pixels and of mean values m_1 and m_2 adds
    n_1 n_2 / (n_1 + n_2) |m_1 - m_2|^2 to the sum of squares about the regions' means
    (Ward 1963). Neighbors are merged while the least addition is below contrast^2
    times the number of all labeled pixels.

    Parameters
    ----------
    regions : ndarray (*spatial) of int
        1 to R, none left out; 0 is no region.
    values : ndarray (n_pixels, C)
        In the order of the pixels.
    contrast : float
        In units of the values; 0 merges nothing.

    Returns
    -------
    ndarray (*spatial) int32
        Numbered in the order of the regions that they begin with.
    """
    n = int(regions.max())
    flat = regions.reshape(-1)
    sizes = np.bincount(flat, minlength=n + 1)[1:].astype(np.float64)
    means = np.empty((n, values.shape[1]))
    limit = contrast * contrast * float(sizes.sum())  # infinite if that is too large
    labeled = flat > 0
    for channel, column in enumerate(values.T):
        weights = np.where(labeled, column, 0).astype(np.float64)
        sums = np.bincount(flat, weights, n + 1)
        means[:, channel] = sums[1:] / sizes
    neighbors = _neighbors(regions, n)

    def addition(i: int, j: int) -> float:
        difference = means[i] - means[j]
        share = sizes[i] * sizes[j] / (sizes[i] + sizes[j])
        return float(share * (difference @ difference))

    merged_into = np.arange(n)
    queue = [
        (addition(i, j), i, j, sizes[i], sizes[j])
        for i in range(n)
        for j in neighbors[i]
        if i < j
    ]
    heapify(queue)
    while queue and queue[0][0] < limit:
        _, i, j, size_i, size_j = heappop(queue)
        # Sizes only grow, so that an entry is out of date if they have changed.
        if size_i != sizes[i] or size_j != sizes[j]:
            continue
        size = sizes[i] + sizes[j]
        means[i] += (means[j] - means[i]) * (sizes[j] / size)
        sizes[i], sizes[j] = size, 0
        merged_into[j] = i
        neighbors[i] |= neighbors[j]
        neighbors[i] -= {i, j}
        for other in neighbors.pop(j):
            if other != i:
                neighbors[other].discard(j)
                neighbors[other].add(i)
        for other in neighbors[i]:
            a, b = min(i, other), max(i, other)
            heappush(queue, (addition(a, b), a, b, sizes[a], sizes[b]))
    for j in range(n):  # regions are merged into those before them
        merged_into[j] = merged_into[merged_into[j]]
    _, numbers = np.unique(merged_into, return_inverse=True)
    return np.concatenate([[0], numbers + 1]).astype(np.int32)[regions]


def _neighbors(regions: NDArray[np.int32], n: int) -> dict[int, set[int]]:
    """Which regions, from 0, touch at the side of a pixel."""
    neighbors: dict[int, set[int]] = {i: set() for i in range(n)}
    for axis in range(regions.ndim):
        along = np.moveaxis(regions, axis, 0)
        one, other = along[1:], along[:-1]
        touching = (one != other) & (one > 0) & (other > 0)
        codes = one[touching].astype(np.int64) * (n + 1) + other[touching]
        for code in np.unique(codes).tolist():
            i, j = divmod(code, n + 1)
            neighbors[i - 1].add(j - 1)
            neighbors[j - 1].add(i - 1)
    return neighbors
