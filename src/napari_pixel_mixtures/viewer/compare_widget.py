"""Compare mixtures: the widget that sets several numbers of components side by side."""

from functools import partial
from pathlib import Path
from typing import Any

import napari
from magicgui.widgets import Container, Label, LineEdit, ProgressBar, PushButton
from napari.utils.notifications import show_error, show_info
from qtpy.QtWidgets import QFileDialog

from ..figure import comparison_figure
from .forms import align_labels, follow, row
from .layers import COMPARISON
from .workspace import Status, workspace_of
