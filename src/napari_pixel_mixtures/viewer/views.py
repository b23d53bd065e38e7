"""What the parts of a workspace have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from napari.layers import Layer

    from .result import Result


class ShowsResult(Protocol):
    """Shows what came of the last fit."""

    def set_result(self, result: Result | None) -> None:
        """Take another result; None if its image is gone."""


class KnowsLayers(Protocol):
    """Keeps layers of the user's, or what was computed of them."""

    def forget(self, layer: Layer) -> None:
        """Let go of a layer that was removed."""
