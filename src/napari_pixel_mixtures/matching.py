"""How alike two labelings are, and which of their clusters belong together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import linear_sum_assignment

if TYPE_CHECKING:
    from numpy.typing import NDArray


def match_labels(
    labels: NDArray[np.uint8], previous: NDArray[np.uint8], n_components: int
) -> NDArray[np.intp]:
    """Order components so that their labels overlap most with earlier ones.

    Parameters
    ----------
    labels : ndarray of uint8
        1 to K; 0 is no cluster.
    previous : ndarray of uint8, same shape
        Labels of an earlier clustering, of any number of components.
    n_components : int
        K.

    Returns
    -------
    ndarray (K,) intp
        Which component, from 0, gets label 1, 2, and so on: the assignment with the
        largest number of pixels that keep their label (Kuhn, "The Hungarian method
        for the assignment problem", 1955). Components without a partner fill the
        remaining labels in their order.

    Raises
    ------
    ValueError
        The shapes differ.

    Examples
    --------
    >>> previous = np.array([1, 1, 2, 2], np.uint8)
    >>> match_labels(np.array([2, 2, 1, 3], np.uint8), previous, 3)
    array([1, 0, 2])
    """
    if labels.shape != previous.shape:
        raise ValueError(
            f"Expected earlier labels of the same shape {labels.shape}, got "
            f"{previous.shape}."
        )
    overlap = overlap_table(labels, previous)[
        1 : n_components + 1, 1 : n_components + 1
    ]
    order = np.full(n_components, -1, np.intp)
    components, partners = linear_sum_assignment(overlap, maximize=True)
    for component, partner in zip(components, partners, strict=True):
        # A partner without overlap is no partner.
        if overlap[component, partner] > 0:
            order[partner] = component
    free = sorted({*range(n_components)} - set(order.tolist()))
    order[order < 0] = free
    return order


def overlap_table(
    a: NDArray[np.uint8],
    b: NDArray[np.uint8],
    counts: NDArray[np.int64] | None = None,
) -> NDArray[Any]:
    """Count the pixels with each pair of labels, (256, 256).

    int64, or float64 where `counts` tells how many pixels each entry stands for.
    """
    pairs = a.reshape(-1).astype(np.uint16) << np.uint16(8) | b.reshape(-1)
    return np.bincount(pairs, counts, minlength=1 << 16).reshape(256, 256)


def adjusted_rand_index(table: NDArray[Any]) -> float:
    """Tell how alike two labelings are, from how often each pair of labels occurs.

    Hubert and Arabie, "Comparing partitions", Journal of Classification 2, 1985:
    the share of pairs of pixels that both put together or both put apart, corrected
    for chance.

    Parameters
    ----------
    table : ndarray (m, n)
        Number of pixels with label i in one labeling and j in the other.

    Returns
    -------
    float
        1 for the same clusters under any names, about 0 for unrelated ones.

    Examples
    --------
    >>> adjusted_rand_index(np.array([[0, 5], [7, 0]]))
    1.0
    >>> adjusted_rand_index(np.array([[4, 4], [4, 4]])) < 0.05
    True
    """
    counts = table.astype(np.float64)

    def pairs(of: NDArray[np.float64]) -> float:
        return float((of * (of - 1)).sum() / 2)

    together, first, second = map(
        pairs, (counts, counts.sum(axis=1), counts.sum(axis=0))
    )
    total = pairs(counts.sum(keepdims=True))
    # One cluster, or each pixel by itself, in both: nothing is left to chance.
    if first == second and first in (0.0, total):
        return 1.0
    expected = first * second / total
    return float((together - expected) / ((first + second) / 2 - expected))
