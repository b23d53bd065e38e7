"""Effects: what each feature does to the labels, found out while nothing else runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psygnal import Signal
from qtpy.QtCore import QObject, QTimer

from napari_pixel_mixtures.ablation import feature_effect_steps
from napari_pixel_mixtures.clustering import material_of
from napari_pixel_mixtures.features.samples import used_features

from .worker import Runner, Step

if TYPE_CHECKING:
    from collections.abc import Generator

    from napari_pixel_mixtures.clusters import Clustering
    from napari_pixel_mixtures.features import Feature
    from napari_pixel_mixtures.material_cache import MaterialCache

    from .workspace import Workspace

IDLE_MS = 1000  # milliseconds without a change after which the search begins


@dataclass(frozen=True, eq=False)
class EffectsJob:
    """A clustering of which to find the effects of its features.

    Attributes
    ----------
    clustering : Clustering
    cache : MaterialCache
        Where what it was made from may still be.
    """

    clustering: Clustering
    cache: MaterialCache
    title = "What each feature does"
    live = True

    def steps(self) -> Generator[Step, None, dict[Feature, float]]:
        """Find the effect of every feature."""
        material = material_of(self.clustering, self.cache.gather)
        search = feature_effect_steps(self.clustering, material)
        while True:
            try:
                next(search)
            except StopIteration as stop:
                # As the recipe has them: a model's own may hold places that it drew.
                used = used_features(self.clustering.recipe.features)
                similarities = [effect.similarity for effect in stop.value]
                return dict(zip(used, similarities, strict=True))
            yield Step(self.title, 0.0)


class Effects:
    """Finds the effects of the features while idle; drops them at any change.

    Parameters
    ----------
    workspace : Workspace
    parent : QObject
        With it the search ends.
    """

    changed = Signal()

    def __init__(self, workspace: Workspace, parent: QObject) -> None:
        self._workspace = workspace
        self._similarities: dict[Feature, float] = {}
        self.runner = Runner()
        self.runner.succeeded.connect(self._on_succeeded)
        self._timer = QTimer(parent)
        self._timer.setSingleShot(True)
        self._timer.setInterval(IDLE_MS)
        self._timer.timeout.connect(self._search)

    def of(self, feature: Feature) -> float | None:
        """Give the similarity of the labels without a feature; None if not known."""
        return self._similarities.get(feature)

    def update(self, *_: Any) -> None:
        """Drop what was found, for something changed; search again when idle."""
        self.runner.cancel()
        if self._similarities:
            self._similarities = {}
            self.changed.emit()
        self._timer.start()

    def close(self) -> None:
        """Stop searching; Qt deletes the timer with the parent, maybe before this."""
        self.runner.cancel()

    def _search(self) -> None:
        workspace, result = self._workspace, self._workspace.result
        if any(runner.busy for runner in workspace.runners):
            self._timer.start()
            return
        if (
            result is None
            or not result.current
            or result.clustering.recipe != workspace.recipe
            or len(result.clustering.groups) < 2
        ):
            return
        self.runner.start(EffectsJob(result.clustering, workspace.cache))

    def _on_succeeded(self, job: EffectsJob, found: dict[Feature, float]) -> None:
        self._similarities = found
        self.changed.emit()
