"""CertaintyMaps: how sure the mixture is of each pixel, as image layers on demand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, ref

from napari.layers import Image
from psygnal import Signal

from .certainty_jobs import MAPS, Map, MapJob, StabilityJob
from .layers import over_image, place, placement, result_metadata
from .messages import report
from .rest import Rest
from .result import check_result
from .worker import Runner, Step

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

    from .result import Result
    from .stage import Stage
    from .workspace import Workspace

COLORMAP = "viridis"
REST_MS = 300  # milliseconds after which maps follow a new fit: others may come
EARLIER = " (earlier fit)"  # at the end of a layer's name


@dataclass(eq=False)
class _Shown:
    """A layer, and what it is a map of."""

    layer: Image
    mixture: Any
    kind: str
    label: int
    limits: tuple[float, float]

    def mark(self, earlier: bool) -> None:
        """Let the layer's name say whether it is of an earlier clustering."""
        name = self.layer.name.removesuffix(EARLIER)
        if earlier:
            name += EARLIER
        if name != self.layer.name:
            self.layer.name = name


class CertaintyMaps:
    """Computes maps in the background, and shows each as a layer over its image.

    After another fit those in sight are computed anew, but for stability, which takes
    many fits. Until then, and where it is not done, their names say that they are of
    an earlier clustering.

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
        self._shown: WeakKeyDictionary[Image, dict[str, _Shown]] = WeakKeyDictionary()
        self._rest = Rest(REST_MS, self._follow)
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

    @property
    def busy(self) -> bool:
        """Whether something is being computed, or soon will be."""
        return self.runner.busy or self._rest.waiting

    def close(self) -> None:
        """Compute nothing any more."""
        self._rest.stop()
        self.runner.cancel()

    def set_result(self, result: Result | None) -> None:
        """Take another result: maps are of an earlier one now, unless it came back."""
        if result is None:
            return
        job, mixture = self.runner.job, result.clustering.mixture
        late = (
            job is not None
            and job.live
            and job.result.clustering.mixture is not mixture
        )
        if late:
            self.runner.cancel()
        for shown in self._shown.get(result.image, {}).values():
            shown.mark(shown.mixture is not mixture)
        if self._outdated(result):
            self._rest.start()
        elif late:
            self.finished.emit(f"There is another fit of {result.image.name} by now.")

    def forget(self, layer: Layer) -> None:
        """Drop what is computed of an image that was removed, or a map that was."""
        job = self.runner.job
        if job is not None and layer in job.result.source.layers:
            self.runner.cancel()
            self.finished.emit(f"The image {layer.name!r} was removed.")
        for maps in self._shown.values():
            for role in [role for role, shown in maps.items() if shown.layer is layer]:
                del maps[role]

    def layer(self, image: Image, role: str) -> Image | None:
        """Give the layer of a map; None if there is none."""
        shown = self._shown.get(image, {}).get(role)
        return None if shown is None else shown.layer

    def _current(self) -> tuple[Workspace, Result]:
        workspace = self._workspace()
        assert workspace is not None
        return workspace, check_result(workspace.result)

    # ---- after another fit

    def _outdated(self, result: Result) -> list[str]:
        """List the roles of the maps in sight that are of an earlier clustering."""
        mixture = result.clustering.mixture
        return [
            role
            for role, shown in self._shown.get(result.image, {}).items()
            if shown.mixture is not mixture and shown.layer.visible
        ]

    def _on_visible(self, event: Any = None) -> None:
        self._rest.start()

    def _follow(self) -> None:
        """Compute the first map that is out of date; its end brings the next."""
        workspace = self._workspace()
        result = None if workspace is None else workspace.result
        if workspace is None or result is None or not result.current:
            return
        if self.runner.busy:
            return
        outdated = self._outdated(result)
        for role in outdated:
            shown = self._shown[result.image][role]
            if shown.kind in MAPS and shown.label <= result.clustering.n_components:
                job = MapJob(result, shown.kind, shown.label, workspace.gather, True)
                self.runner.start(job)
                return
        if outdated:
            self.finished.emit(
                f"{outdated[0].capitalize()} of {result.image.name} is that of an "
                "earlier fit; press its button to compute it anew."
            )

    # ---- what comes of it

    def _start(self, job: MapJob | StabilityJob) -> None:
        self.stepped.emit(Step(f"{job.title}...", 0.0))
        self.runner.start(job)

    def _on_succeeded(self, job: MapJob | StabilityJob, found: Map) -> None:
        workspace, result = self._workspace(), job.result
        newest = None if workspace is None else workspace.result
        if (
            newest is None
            or newest.clustering.mixture is not result.clustering.mixture
            or not result.current
        ):
            self.finished.emit(
                f"There is another fit of {result.image.name} by now, so the "
                f"{job.role} was dropped; press the button again."
            )
        else:
            self._show(job, found)
            self.finished.emit(
                f"{job.role.capitalize()} of {result.image.name}: {found.text}."
            )
        if newest is not None and self._outdated(newest):
            self._rest.start()

    def _show(self, job: MapJob | StabilityJob, found: Map) -> None:
        """Make the layer of a map, or bring it up to date."""
        result, role = job.result, job.role
        image, clustering = result.image, result.clustering
        values = over_image(image, clustering.picture, found.values)
        layer = self.layer(image, role)
        metadata = result_metadata(image, clustering, role)
        if layer is not None and layer.data.shape == values.shape:
            shown = self._shown[image][role]
            layer.data = values
            # Limits that a person has set stay.
            if tuple(layer.contrast_limits) == shown.limits:
                layer.contrast_limits_range = found.limits
                layer.contrast_limits = found.limits
            layer.metadata = layer.metadata | metadata
            place(layer, image, values.shape)
            shown.mixture, shown.limits = clustering.mixture, found.limits
            shown.mark(False)
            return
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
        layer.events.visible.connect(self._on_visible)
        self._shown.setdefault(image, {})[role] = _Shown(
            layer, clustering.mixture, job.kind, job.label, found.limits
        )
        self._stage.add_behind(layer, image)

    def _on_failed(self, job: MapJob | StabilityJob, error: Exception) -> None:
        self.finished.emit(str(error))
        report(error, quiet=job.live)
