"""merge_tree: in which order the components of a mixture melt into classes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array

from .clustering import material_of
from .features.checks import whole
from .material import some_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .classes import Classes
    from .clusters import Clustering
    from .material import Material

MOST_ROWS = 200_000
BLOCK = 2**15


@dataclass(frozen=True)
class Merge:
    """One step of a merge tree.

    Attributes
    ----------
    label, other : int
        The class that takes in the other one, the smaller of the two.
    overlap : float
        How much they overlap, from 0 to 1; see `merge_tree`.
    """

    label: int
    other: int
    overlap: float


@dataclass(frozen=True)
class MergeTree:
    """Components merged two by two, until one class is left.

    Attributes
    ----------
    merges : tuple of Merge (K - 1,)
        Those that overlap most first.
    order : tuple of int (K,)
        Labels of the components, so that each merge joins neighbors: the order in
        which a table or a drawn tree lists them.
    """

    merges: tuple[Merge, ...]
    order: tuple[int, ...]

    def cut(self, classes: Classes, n_classes: int) -> Classes:
        """Merge until so many classes are left.

        Parameters
        ----------
        classes : Classes
            Their names and colors are kept; what was merged by hand is not.
        n_classes : int
            1 to K.

        Raises
        ------
        ValueError
            The number is out of its range, or the classes are those of another
            number of components.
        """
        k = len(self.order)
        n = whole("n_classes", n_classes, 1, k)
        self._check(classes)
        found = replace(classes, leads=tuple(range(1, k + 1)))
        for merge in self.merges[: k - n]:
            found = found.merge(merge.label, merge.other)
        return found

    def split(self, classes: Classes, *labels: int) -> Classes:
        """Take the last merge within these classes back.

        Of several classes only one falls apart: into its two parts that the tree
        merges last. Again for further parts; `Classes.split` gives all components of
        a class at once.

        Parameters
        ----------
        classes : Classes
            Merged along the tree, or by hand.
        *labels : int
            Those that may fall apart. One of a single component stays.

        Raises
        ------
        ValueError
            There is no such class, or the classes are those of another number of
            components.

        Examples
        --------
        >>> from napari_pixel_mixtures import Classes
        >>> merges = Merge(2, 4, 0.5), Merge(1, 3, 0.4), Merge(2, 1, 0.1)
        >>> tree = MergeTree(merges, order=(2, 4, 1, 3))
        >>> names, black = ("a", "b", "c", "d"), (0.0, 0.0, 0.0)
        >>> classes = Classes((1, 2, 2, 2), names, (black,) * 4, (True,) * 4)
        >>> classes = tree.split(classes, 2)
        >>> classes.members(2), classes.members(3)
        ((2, 4), (3,))
        >>> tree.split(classes, 2, 3).labels
        (1, 2, 3, 4)
        """
        self._check(classes)
        lasts = [(*self._last_merge(classes.members(label)), label) for label in labels]
        place, parts, label = max(lasts, key=itemgetter(0), default=(-1, (), 0))
        if place < 0:
            return classes
        (leaving,) = (part for part in parts if label not in part)
        return classes.split(label, *leaving)

    def _last_merge(
        self, members: tuple[int, ...]
    ) -> tuple[int, tuple[tuple[int, ...], ...]]:
        """Find the last merge that joins some of these components.

        Returns
        -------
        place : int
            Its place among all merges; -1 if there is none.
        parts : tuple of tuple of int
            The two parts that it joins; the first one of each leads it.
        """
        groups: dict[int, tuple[int, ...]] = {
            label: (label,) if label in members else () for label in self.order
        }
        place = -1
        parts: tuple[tuple[int, ...], ...] = ()
        for i, merge in enumerate(self.merges):
            one, other = groups[merge.label], groups.pop(merge.other)
            if one and other:
                place, parts = i, (one, other)
            groups[merge.label] = one + other
        return place, parts

    def _check(self, classes: Classes) -> None:
        """Refuse classes of another number of components."""
        k = len(self.order)
        if classes.n_components != k:
            raise ValueError(
                f"Expected classes of {k} components, as the merge tree has, got "
                f"{classes.n_components}; make both of the same clustering."
            )


def merge_tree(clustering: Clustering, material: Material | None = None) -> MergeTree:
    """Find in which order components melt into classes.

    At each step the two classes that are most often confused become one: Hennig's
    directly estimated misclassification probabilities ("Methods for merging
    Gaussian mixture components", Advances in Data Analysis and Classification 4,
    2010, section 4.3). The probability that a pixel of class i is labeled j is
    estimated by the sum of its responsibilities over the pixels with label j, over
    the sum for all pixels; the overlap of i and j is the larger of the two
    directions. A class's responsibility is the sum of those of its components, and
    its pixels are theirs, so that one K x K table, from one pass, is enough for the
    whole tree. At most 200,000 samples, spread evenly, are counted. Labels are those
    of the clustering, smoothed if its recipe says so: then components that lie among
    each other, as in a texture, are confused even where their colors are far apart.

    Parameters
    ----------
    clustering : Clustering
    material : Material, optional
        What the clustering was made from, if it is at hand.

    Examples
    --------
    Two of three components overlap:

    >>> import numpy as np
    >>> from napari_pixel_mixtures import Classes, cluster, merge_tree
    >>> draws = np.random.default_rng(0).normal([[0], [3], [50]], 1, (3, 1000))
    >>> clustering = cluster(draws, n_components=3)
    >>> tree = merge_tree(clustering)
    >>> classes = tree.cut(Classes.of(clustering), n_classes=2)
    >>> [np.unique(row).size for row in classes.apply(clustering.labels)]
    [1, 1, 1]
    """
    if material is None:
        material = material_of(clustering)
    counts = confusion(clustering, material)
    k = clustering.n_components
    # Which class takes in which: that with more pixels.
    sizes = clustering.pixel_counts.astype(np.int64).copy()
    alive = np.ones(k, np.bool_)
    orders = {i: [i + 1] for i in range(k)}
    merges = []
    for _ in range(k - 1):
        rates = misclassification_rates(counts)
        overlaps = np.maximum(rates, rates.T)
        overlaps[~alive] = overlaps[:, ~alive] = -1.0
        np.fill_diagonal(overlaps, -1.0)
        pair = np.unravel_index(np.argmax(overlaps), overlaps.shape)
        i, j = sorted(map(int, pair), key=lambda c: (-sizes[c], c))
        merges.append(Merge(i + 1, j + 1, float(overlaps[i, j])))
        counts[i] += counts[j]
        counts[:, i] += counts[:, j]
        counts[j] = counts[:, j] = 0
        sizes[i] += sizes[j]
        alive[j] = False
        orders[i] += orders.pop(j)
    (order,) = orders.values()
    return MergeTree(tuple(merges), tuple(order))


def confusion(clustering: Clustering, material: Material) -> NDArray[np.float64]:
    """Sum the responsibilities of each component over the pixels with each label.

    Returns
    -------
    ndarray (K, K) float64
        Responsibilities of component i, summed over the samples with label j.
    """
    k = clustering.n_components
    samples, counts, labels = _labeled(clustering, material)
    found = np.zeros((k, k))
    for start in range(0, len(samples), BLOCK):
        part = slice(start, start + BLOCK)
        shares = clustering.mixture.predict_proba(samples[part]).astype(np.float64)
        n = len(shares)
        weights = np.ones(n) if counts is None else counts[part].astype(np.float64)
        chosen = shares.argmax(axis=1) if labels is None else labels[part]
        entries: Any = (weights, chosen, np.arange(n + 1))
        found += (csr_array(entries, shape=(n, k)).T @ shares).T
    return found


def _labeled(
    clustering: Clustering, material: Material
) -> tuple[NDArray[Any], NDArray[Any] | None, NDArray[Any] | None]:
    """Give samples, their counts, and their labels from 0 if those are smoothed.

    A smoothed label depends on where a pixel lies, so that pixels are counted one by
    one.
    """
    rows = material.samples.values
    if clustering.recipe.smoothing == 0:
        return *material.thinned(MOST_ROWS), None
    labels = clustering.labels.reshape(-1)
    if material.pixels is not None:
        labels = labels[material.pixels]
    some = some_rows(len(labels), MOST_ROWS)
    if material.inverse is None:
        return rows[some], None, labels[some] - 1
    return rows[material.inverse[some]], None, labels[some] - 1


def misclassification_rates(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the probability that a pixel of class i is labeled j, (K, K).

    A class without any pixel is always taken for another.
    """
    totals = counts.sum(axis=1, keepdims=True)
    rates = np.ones_like(counts)
    np.divide(counts, totals, out=rates, where=totals > 0)
    return rates
