"""ModelNotes: the model of each result, written into its layers' metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import ref

from .layers import METADATA_KEY, checksum
from .rest import Rest

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from .workspace import Workspace

REST_MS = 500  # milliseconds without a change after which a model is written


class ModelNotes:
    """Writes models once settings rest: a model takes longer than a live fit may.

    Until then a layer holds the recipe of its result, and no model. All layers of the
    last fit get it, also those that come later: labels, classes, segments, maps of
    certainty and the cloud.

    Parameters
    ----------
    workspace : Workspace
    viewer : ViewerModel
    """

    def __init__(self, workspace: Workspace, viewer: ViewerModel) -> None:
        self._workspace = ref(workspace)
        self._viewer = ref(viewer)
        self._rest = Rest(REST_MS, self._on_rest)
        viewer.layers.events.inserted.connect(self._on_inserted)

    def update(self, now: bool = False) -> None:
        """Hear that there is another result, or other classes."""
        if now:
            self.write()
        else:
            self._rest.start()

    def close(self) -> None:
        """Write nothing any more."""
        self._rest.stop()

    def _on_inserted(self, event: Any) -> None:
        layer = event.value
        if "fit" in layer.metadata.get(METADATA_KEY, {}):
            layer.events.metadata.connect(self._on_metadata)
            self._rest.start()

    def _on_metadata(self, event: Any) -> None:
        """Write the model again where a layer has lost it, with its earlier fit."""
        if "model" not in event.source.metadata.get(METADATA_KEY, {}):
            self._rest.start()

    def _on_rest(self) -> None:
        workspace = self._workspace()
        if workspace is not None and workspace.runner.busy:
            self._rest.start()  # the fit would wait, and soon there may be another
        else:
            self.write()

    def write(self) -> None:
        """Write the model of the last result into its layers."""
        self._rest.stop()
        workspace, viewer = self._workspace(), self._viewer()
        result = None if workspace is None else workspace.result
        if workspace is None or viewer is None or result is None:
            return
        if not result.current:
            return
        text = workspace.keeper.model().to_json()
        fit = checksum(result.clustering)
        for layer in viewer.layers:
            about = layer.metadata.get(METADATA_KEY, {})
            if (about.get("fit"), about.get("image")) == (fit, result.image.name):
                note_model(layer, text)


def note_model(layer: Any, text: str) -> None:
    """Let a layer of ours carry a model as JSON in its metadata."""
    about = layer.metadata[METADATA_KEY]
    if about.get("model") != text:
        layer.metadata = layer.metadata | {METADATA_KEY: about | {"model": text}}
