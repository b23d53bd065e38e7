"""CertaintyMaps: how sure the mixture is of each pixel, as image layers on demand."""

from __future__ import annotations

from dataclasses import dataclass
from math import log2
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, ref

import numpy as np
from napari.layers import Image
from psygnal import Signal

from napari_pixel_mixtures.certainty import Certainty, Stability, stability_steps
from napari_pixel_mixtures.clustering import material_of

from .layers import over_image, place, placement, result_metadata
from .messages import report
from .worker import Runner, Step

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from napari.components import ViewerModel
    from napari.layers import Layer
    from numpy.typing import NDArray

    from napari_pixel_mixtures.clusters import Clustering
    from napari_pixel_mixtures.material import Material

    from .result import Result
    from .stage import Stage
    from .workspace import Workspace

COLORMAP = "viridis"
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
    """

    result: Result
    kind: str
    label: int
    gather: Callable[..., Material]
    live = False

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
    role = STABILITY

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


class CertaintyMaps:
    """Computes maps in the background, and shows each as a layer over its image.

    Parameters
    ----------
    workspace : Workspace
    viewer : ViewerModel
    stage : Stage
    """

    stepped = Signal(object)  # Step
    finished = Signal(str)  # what came of it, in words

    def __init__(self, workspace: Workspace, viewer: ViewerModel, stage: Stage) -> None:
        self._workspace = ref(workspace)
        self._viewer = ref(viewer)
        self._stage = stage
        self._layers: WeakKeyDictionary[Image, dict[str, Image]] = WeakKeyDictionary()
        self.runner = Runner()
        self.runner.stepped.connect(self.stepped.emit)
        self.runner.succeeded.connect(self._on_succeeded)
        self.runner.failed.connect(self._on_failed)

    def show(self, kind: str, label: int = 1) -> None:
        """Compute one of `MAPS` and show it.

        Raises
        ------
        ValueError
            Nothing was clustered, or there is no such component.
        """
        workspace, result = self._current()
        k = result.clustering.n_components
        if not 1 <= label <= k:
            raise ValueError(
                f"Expected a component from 1 to {k}, got {label}; choose another."
            )
        self._start(MapJob(result, kind, label, workspace.gather))

    def show_stability(self, n_refits: int) -> None:
        """Fit from so many other seeds, and show where labels agree.

        Raises
        ------
        ValueError
            Nothing was clustered.
        """
        workspace, result = self._current()
        self._start(StabilityJob(result, n_refits, workspace.gather))

    def cancel(self) -> None:
        """Stop; layers stay as they are."""
        if self.runner.busy:
            self.runner.cancel()
            self.finished.emit("Cancelled; layers stay as they are.")

    def forget(self, image: Layer) -> None:
        """Drop what is computed of an image that was removed."""
        if self.runner.job is not None and self.runner.job.result.image is image:
            self.runner.cancel()
            self.finished.emit(f"The image {image.name!r} was removed.")

    def layer(self, image: Image, role: str) -> Image | None:
        """Give the layer of a map; None if there is none."""
        viewer, layer = self._viewer(), self._layers.get(image, {}).get(role)
        shown = viewer is not None and layer is not None and layer in viewer.layers
        return layer if shown else None

    def _current(self) -> tuple[Workspace, Result]:
        workspace = self._workspace()
        assert workspace is not None
        return workspace, check_result(workspace.result)

    def _start(self, job: MapJob | StabilityJob) -> None:
        self.stepped.emit(Step(f"{job.title}...", 0.0))
        self.runner.start(job)

    def _on_succeeded(self, job: MapJob | StabilityJob, found: Map) -> None:
        workspace, result = self._workspace(), job.result
        newest = None if workspace is None else workspace.result
        if (
            newest is None
            or newest.clustering is not result.clustering
            or not result.current
        ):
            self.finished.emit(
                f"There is another fit of {result.image.name} by now, so the "
                f"{job.role} was dropped; press the button again."
            )
            return
        image, role = result.image, job.role
        values = over_image(image, result.clustering.picture, found.values)
        layer = self.layer(image, role)
        metadata = result_metadata(image, result.clustering, role)
        if layer is None or layer.data.shape != values.shape:
            if layer is not None:
                viewer = self._viewer()
                assert viewer is not None
                viewer.layers.remove(layer)
            layer = Image(
                values,
                name=f"{image.name} {role}",
                rgb=False,
                colormap=COLORMAP,
                contrast_limits=found.limits,
                metadata=metadata,
                **placement(image, values.shape),
            )
            self._layers.setdefault(image, {})[role] = layer
            self._stage.add_behind(layer)
        else:
            layer.data = values
            layer.contrast_limits_range = found.limits
            layer.contrast_limits = found.limits
            layer.metadata = layer.metadata | metadata
            place(layer, image, values.shape)
        self.finished.emit(f"{role.capitalize()} of {image.name}: {found.text}.")

    def _on_failed(self, job: MapJob | StabilityJob, error: Exception) -> None:
        self.finished.emit(str(error))
        report(error)


def check_result(result: Result | None) -> Result:
    """Give the result back if there is one of the image as it is.

    Raises
    ------
    ValueError
        There is none.
    """
    if result is None or not result.current:
        raise ValueError(
            "Expected a clustered image, but none was clustered yet; press Fit in "
            "Cluster pixels."
        )
    return result
