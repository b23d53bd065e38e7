"""Measures of a segmentation against several people's, from one table of overlaps.

Covering, Rand index and variation of information as BSDS500 defines them (Arbelaez,
Maire, Fowlkes and Malik, PAMI 2011, section 3.1).
"""

import numpy as np


class People:
    """Several people's segmentations of one picture, numbered once for all.

    Parameters
    ----------
    truths : sequence of ndarray (H, W) of int
    """

    def __init__(self, truths):
        pairs = [np.unique(truth, return_inverse=True) for truth in truths]
        self._truths = [(inverse.reshape(-1), len(names)) for names, inverse in pairs]

    def scores(self, labels):
        """Mean over the people of (covering, Rand index, variation of information).

        Parameters
        ----------
        labels : ndarray (H, W) of int
            Not negative, and not much larger than there are labels.

        Returns
        -------
        ndarray (3,)
            Covering and Rand index are at most 1, higher is better; of the variation
            of information, in bits, lower is better.
        """
        flat = labels.reshape(-1).astype(np.intp)
        return np.mean([_scores(flat, *truth) for truth in self._truths], axis=0)


def _scores(labels, truth, n_truth):
    n_labels = int(labels.max()) + 1
    counts = np.bincount(labels * n_truth + truth, minlength=n_labels * n_truth)
    table = counts.reshape(n_labels, n_truth).astype(float)
    n, of_labels, of_truth = table.sum(), table.sum(axis=1), table.sum(axis=0)
    union = of_labels[:, np.newaxis] + of_truth - table
    covering = ((table / union).max(axis=0) * of_truth).sum() / n
    squares = (of_labels**2).sum() + (of_truth**2).sum() - 2 * (table**2).sum()
    information = 2 * _entropy(table / n) - _entropy(of_labels / n)
    return covering, 1 - squares / n**2, information - _entropy(of_truth / n)


def _entropy(shares):
    shares = shares[shares > 0]
    return -(shares * np.log2(shares)).sum()
