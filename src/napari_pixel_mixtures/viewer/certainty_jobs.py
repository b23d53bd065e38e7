"""What maps of certainty there are, and the jobs that compute them."""

from __future__ import annotations

from dataclasses import dataclass
from math import log2
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_pixel_mixtures.certainty import Certainty, Stability, stability_steps
from napari_pixel_mixtures.clustering import material_of

from .worker import Step

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from numpy.typing import NDArray

    from napari_pixel_mixtures.clusters import Clustering
    from napari_pixel_mixtures.material import Material

    from .result import Result

LEAST = 1.0  # per cent of the pixels that may lie below the darkest log-density


@dataclass(frozen=True, eq=False)
class Map:
    """A value for each pixel, and the range in which it is shown.

    Attributes
    ----------
    values : ndarray (*spatial)
        NaN where a pixel is not clustered.
    limits : (float, float)
    text : str
        What it says of the whole picture.
    """

    values: NDArray[Any]
    limits: tuple[float, float]
    text: str


def _largest(certainty: Certainty, label: int) -> Map:
    values = certainty.largest_posterior()
    lowest = 1 / certainty.clustering.n_components
    doubtful = np.mean(values[np.isfinite(values)] < 0.5)
    return Map(values, (min(lowest, 0.99), 1.0), f"{doubtful:.1%} below one half")


def _entropy(certainty: Certainty, label: int) -> Map:
    values = certainty.entropy()
    highest = log2(certainty.clustering.n_components) or 1.0
    return Map(values, (0.0, highest), f"{np.nanmean(values):.2f} bits on average")


def _posterior(certainty: Certainty, label: int) -> Map:
    values = certainty.posterior(label)
    return Map(values, (0.0, 1.0), f"{np.nanmean(values):.1%} on average")


def _log_density(certainty: Certainty, label: int) -> Map:
    values = certainty.log_density()
    finite = values[np.isfinite(values)]
    low, high = np.percentile(finite, [LEAST, 100.0]).tolist()
    limits = (low, high if high > low else low + 1)
    return Map(values, limits, f"{finite.mean():.2f} on average")


LARGEST = "largest posterior"
ENTROPY = "entropy"
POSTERIOR = "posterior"
LOG_DENSITY = "log-density"
STABILITY = "stability"
MAPS: dict[str, Callable[[Certainty, int], Map]] = {
    LARGEST: _largest,
    ENTROPY: _entropy,
    LOG_DENSITY: _log_density,
    POSTERIOR: _posterior,
}


@dataclass(frozen=True, eq=False)
class MapJob:
    """A map to compute.

    Attributes
    ----------
    result : Result
    kind : str
        One of `MAPS`.
    label : int
        The component, for a posterior.
    gather : callable
        Measures the picture, as `Material.gather`.
    live : bool
        Whether it follows another fit, and nobody waits for it.
    """

    result: Result
    kind: str
    label: int
    gather: Callable[..., Material]
    live: bool = False

    @property
    def role(self) -> str:
        """What the layer is called, after the image."""
        return f"{self.kind} {self.label}" if self.kind == POSTERIOR else self.kind

    @property
    def title(self) -> str:
        """What is done, for the activity dock."""
        return f"Computing the {self.role} of {self.result.image.name}"

    def steps(self) -> Generator[Step, None, Map]:
        """Compute it."""
        yield Step(self.title, 0.0)
        clustering = self.result.clustering
        certainty = Certainty(clustering, material_of(clustering, self.gather))
        yield Step(self.title, 0.5)
        return MAPS[self.kind](certainty, self.label)


@dataclass(frozen=True, eq=False)
class StabilityJob:
    """Refits from other seeds to compare."""

    result: Result
    n_refits: int
    gather: Callable[..., Material]
    live = False
    role = kind = STABILITY
    label = 1

    @property
    def title(self) -> str:
        """What is done, for the activity dock."""
        return f"Stability of {self.result.image.name}"

    def steps(self) -> Generator[Step, None, Map]:
        """Fit from other seeds, and count where labels agree."""
        clustering = self.result.clustering
        yield Step(self.title, 0.0)
        material = material_of(clustering, self.gather)
        steps = stability_steps(clustering, self.n_refits, material)
        while True:
            try:
                step = next(steps)
            except StopIteration as stop:
                return self._map(stop.value, clustering)
            yield Step(
                f"{self.title}: {step.done} of {step.total} refits",
                step.done / step.total,
            )

    def _map(self, found: Stability, clustering: Clustering) -> Map:
        best = max(found.log_likelihoods)
        text = f"{np.nanmean(found.agreement):.1%} of the labels agree on average"
        if best > clustering.log_likelihood + clustering.recipe.tol:
            seed = found.seeds[found.log_likelihoods.index(best)]
            text += (
                f"; seed {seed} fits better (mean log-likelihood {best:.4f}, not "
                f"{clustering.log_likelihood:.4f})"
            )
        return Map(found.agreement, (0.0, 1.0), text)
