"""ModelNotes: the model of each result, written into its layers' metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import ref

from napari_pixel_mixtures.model import Model

from .class_layer import note_model
from .rest import Rest

if TYPE_CHECKING:
    from .workspace import Workspace

REST_MS = 300  # milliseconds without a change after which a model is written


class ModelNotes:
    """Writes models once settings rest: a model takes longer than a live fit may.

    Until then a layer holds the recipe of its result, and no model.

    Parameters
    ----------
    workspace : Workspace
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = ref(workspace)
        self._rest = Rest(REST_MS, self.write)

    def update(self, now: bool = False) -> None:
        """Hear that there is another result, or other classes."""
        if now:
            self.write()
        else:
            self._rest.start()

    def close(self) -> None:
        """Write nothing any more."""
        self._rest.stop()

    def write(self) -> None:
        """Write the model of the last result into its layers."""
        self._rest.stop()
        workspace = self._workspace()
        result = None if workspace is None else workspace.result
        if workspace is None or result is None or not result.current:
            return
        layers = workspace.labels.layers(result.image)
        classes = workspace.classes.layer(result.image)
        model = Model.of(result.clustering, result.all_classes, result.threshold)
        text = model.to_json()
        for layer in [*layers, *([] if classes is None else [classes])]:
            note_model(layer, text)
