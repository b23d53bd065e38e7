"""Certainty: how sure a mixture is of each pixel, as maps over the picture."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from math import log
from typing import TYPE_CHECKING, Any

import numpy as np

from .classes import none_label
from .clustering import label_picture, material_of, unfitted
from .features.checks import MAX_SEED, as_float, whole
from .matching import match_labels
from .mixture.em import IllDefinedError
from .progress import Progress, run

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from numpy.typing import NDArray

    from .clusters import Clustering
    from .material import Material

BLOCK = 2**16  # rows whose responsibilities are held at a time


class Certainty:
    """How sure a mixture is of each pixel.

    Each map is one pass over the samples, or over the distinct colors where color is
    all; the responsibilities of all components are held for a block of samples only.
    Maps are (*spatial) of float32 or float64, as the samples, and NaN where the
    clustering has label 0.

    Parameters
    ----------
    clustering : Clustering
    material : Material, optional
        What the clustering was made from, if it is at hand; else the features are
        measured once more.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_pixel_mixtures import Certainty, cluster
    >>> image = np.array([[0, 1, 2, 1, 2, 5, 8, 9, 9, 8]] * 2)
    >>> certainty = Certainty(cluster(image, n_components=2))
    >>> certainty.largest_posterior().min() > 0.9
    np.True_
    >>> certainty.unlikely(certainty.threshold(0.1)).sum()
    np.int64(2)
    """

    def __init__(self, clustering: Clustering, material: Material | None = None):
        self.clustering = clustering
        self._material = material_of(clustering) if material is None else material

    def largest_posterior(self) -> NDArray[Any]:
        """Give the probability of each pixel's likeliest component, from 1 / K to 1."""
        # Several times faster than the maximum of each row.
        labels = self.clustering.mixture.labels(self._material.samples.values)
        return self._map(self._posteriors(labels))

    def posterior(self, label: int) -> NDArray[Any]:
        """Give the probability, from 0 to 1, that a pixel is of one component.

        Raises
        ------
        ValueError
            There is no component with this label.
        """
        k = whole("the label", label, 1, self.clustering.n_components) - 1
        n = len(self._material.samples.values)
        return self._map(self._posteriors(np.broadcast_to(k, n)))

    def entropy(self) -> NDArray[Any]:
        """Give the entropy of each pixel's probabilities, in bits.

        0 where one component is certain, 1 between two that are as probable, log2 K
        at most.
        """
        samples = self._material.samples.values
        return self._map(self.clustering.mixture.entropy(samples) / log(2))

    def log_density(self) -> NDArray[Any]:
        """Give the log-likelihood of each pixel, in feature units."""
        return self._map(self._scores)

    def threshold(self, quantile: float) -> float:
        """Give the log-density that a share of the pixels lies below.

        Parameters
        ----------
        quantile : float
            The share, from 0 to 1.

        Returns
        -------
        float
            The log-density of a pixel: no more than this share of the pixels is less
            likely.

        Raises
        ------
        ValueError
            It is not a number from 0 to 1.
        """
        share = as_float(quantile)
        if not 0 <= share <= 1:
            raise ValueError(
                f"Expected a quantile from 0 to 1, got {quantile!r:.80}; 0.01 is the "
                "least likely hundredth of the pixels."
            )
        counts = self._material.counts
        if counts is None:
            place = min(int(share * len(self._scores)), len(self._scores) - 1)
            return float(np.partition(self._scores, place)[place])
        order = np.argsort(self._scores)
        before = np.cumsum(counts[order]) - counts[order]
        place = np.searchsorted(before, share * counts.sum(), "right") - 1
        return float(self._scores[order[place]])

    def unlikely(self, threshold: float) -> NDArray[np.bool_]:
        """Tell which pixels have a log-density below the threshold, (*spatial).

        They are none of the clusters. Pixels with label 0 are not among them.
        """
        found = self.unlikely_rows(threshold)
        return self._material.spread(found, self.clustering.labels.shape, False)

    def unlikely_rows(self, threshold: float) -> NDArray[np.bool_]:
        """Tell which rows of the material have a log-density below the threshold."""
        return self._scores < threshold

    def labels(self, threshold: float) -> NDArray[np.uint8]:
        """Give the labels, with K + 1, none of these, for the unlikely pixels.

        Raises
        ------
        ValueError
            There are 255 components, and so no label is left for these pixels.
        """
        labels = self.clustering.labels.copy()
        labels[self.unlikely(threshold)] = none_label(self.clustering.n_components)
        return labels

    @cached_property
    def _scores(self) -> NDArray[Any]:
        scores: NDArray[Any] = self.clustering.mixture.score_samples(
            self._material.samples.values
        )
        return scores

    def _posteriors(self, components: NDArray[Any]) -> NDArray[Any]:
        """Give the responsibility of one component, from 0, for each row."""
        samples = self._material.samples.values
        values = np.empty(len(samples), samples.dtype)
        for start in range(0, len(samples), BLOCK):
            rows = slice(start, start + BLOCK)
            shares = self.clustering.mixture.predict_proba(samples[rows])
            values[rows] = shares[np.arange(len(shares)), components[rows]]
        return values

    def _map(self, values: NDArray[Any]) -> NDArray[Any]:
        return self._material.spread(values, self.clustering.labels.shape, np.nan)


@dataclass(frozen=True, eq=False)
class Stability:
    """How stable labels are under other seeds of the start.

    Attributes
    ----------
    agreement : ndarray (*spatial) float32
        The share of the refits in which a pixel has the same label, from 0 to 1; NaN
        where the clustering has label 0.
    seeds : tuple of int
        Those of the refits.
    log_likelihoods : tuple of float
        Mean log-likelihood of a pixel in each refit; a refit that is much better
        than the clustering says that the clustering is a poor optimum.
    """

    agreement: NDArray[np.float32]
    seeds: tuple[int, ...]
    log_likelihoods: tuple[float, ...]


def stability(
    clustering: Clustering,
    n_refits: int = 10,
    callback: Callable[[Progress], object] | None = None,
) -> Stability:
    """Fit again from other seeds, and tell where labels agree.

    Labels of each refit are matched with those of the clustering first (the
    assignment of components in which most pixels agree).

    Parameters
    ----------
    clustering : Clustering
    n_refits : int
        1 to 1000 refits, with the seeds after that of the clustering.
    callback : callable, optional
        Called with the `Progress` after each EM iteration; an exception that it
        raises ends the job.

    Returns
    -------
    Stability

    Raises
    ------
    ValueError
        The number of refits is out of its range.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_pixel_mixtures import cluster, stability
    >>> image = np.array([[0, 1, 0, 9], [1, 0, 8, 9]])
    >>> stability(cluster(image, n_components=2), n_refits=3).agreement
    array([[1., 1., 1., 1.],
           [1., 1., 1., 1.]], dtype=float32)
    """
    return run(stability_steps(clustering, n_refits), callback)


def stability_steps(
    clustering: Clustering, n_refits: int = 10, material: Material | None = None
) -> Generator[Progress, None, Stability]:
    """Do what `stability` does, yielding the progress after each EM iteration.

    Closing the generator cancels the job. `material` is what the clustering was made
    from, if it is at hand.
    """
    n = whole("n_refits", n_refits, 1, 1000)
    material = material_of(clustering) if material is None else material
    recipe = clustering.recipe
    agreed = np.zeros(clustering.labels.shape, np.float32)
    seeds = tuple((recipe.random_state + 1 + i) % (MAX_SEED + 1) for i in range(n))
    log_likelihoods = []
    for i, seed in enumerate(seeds):
        mixture = unfitted(replace(recipe, random_state=seed), clustering.groups)
        steps = mixture.fit_steps(*material.to_fit())
        try:
            for _ in steps:
                yield Progress(i, n)
        except IllDefinedError:  # no clusters from this seed: nothing agrees
            log_likelihoods.append(-np.inf)
            continue
        found = label_picture(mixture, material, clustering.picture, recipe)
        order = match_labels(found, clustering.labels, clustering.n_components)
        numbers = np.zeros(clustering.n_components + 1, np.uint8)
        numbers[order + 1] = np.arange(1, clustering.n_components + 1)
        agreed += numbers[found] == clustering.labels
        log_likelihoods.append(float(mixture.lower_bound_))
    yield Progress(n, n)
    agreed /= np.float32(n)
    agreed[clustering.labels == 0] = np.nan
    return Stability(agreed, seeds, tuple(log_likelihoods))
