"""SegmentsForm: whether segments are shown, and how they are made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from magicgui.widgets import CheckBox, Container, FloatSpinBox, SpinBox

from .forms import follow, show_within_bounds

if TYPE_CHECKING:
    from .segments_view import SegmentSettings
    from .workspace import Workspace


class SegmentsForm(Container):  # type: ignore[type-arg]
    """The settings of the workspace's segments.

    Parameters
    ----------
    workspace : Workspace
    """

    def __init__(self, workspace: Workspace) -> None:
        self.on = CheckBox(
            text="Segments",
            tooltip="Show also the connected pieces of the clusters, each a label of "
            "its own, small ones dealt out and similar neighbors merged.",
        )
        self.min_size = SpinBox(
            label="Min size",
            min=1,
            max=10**9,
            step=100,
            tooltip="Smaller pieces are dealt out to the nearest others, in pixels.",
        )
        self.contrast = FloatSpinBox(
            label="Contrast",
            min=0.0,
            max=1e9,
            step=0.5,
            tooltip="Neighbors whose colors differ less are merged, small ones sooner: "
            "in units of Lab, of which about 2 can just be seen, or of a picture not "
            "in color in hundredths of its range. 0 merges none.",
        )
        super().__init__(widgets=[self.on, self.min_size, self.contrast])
        segments, edit = workspace.segments, workspace.set_segments
        self._show(segments.settings)
        follow(self, (segments.changed, self._show))
        self.on.changed.connect(lambda on: edit(on=on))
        self.min_size.changed.connect(lambda size: edit(min_size=size))
        self.contrast.changed.connect(lambda height: edit(contrast=height))

    def _show(self, settings: SegmentSettings) -> None:
        for field, value in (
            (self.on, settings.on),
            (self.min_size, settings.min_size),
            (self.contrast, settings.contrast),
        ):
            with field.changed.blocked():
                show_within_bounds(field, value)
