"""What the plugin's widgets have in common."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any

from magicgui.widgets import Container
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QLabel,
    QSizePolicy,
    QWidget,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from magicgui.widgets import ComboBox, Label, ProgressBar, Widget
    from psygnal import SignalInstance

BAR_HEIGHT = 6  # pixels
LARGEST_NUMBER = 2**31 - 1  # that Qt's spin boxes can show
LABEL_WIDTH = 96  # pixels; holds the longest label in napari's font


def align_labels(container: Container[Any]) -> None:
    """Let all fields of a form begin at the same place.

    magicgui measures labels before napari gives them its larger font.
    """
    layout = container.native.layout()
    for i in range(layout.count()):
        row = layout.itemAt(i).widget().layout()
        label = row.itemAt(0).widget() if row is not None and row.count() else None
        if isinstance(label, QLabel):
            label.setMinimumWidth(LABEL_WIDTH)


def row(label: str, *widgets: Widget) -> Container[Any]:
    """Put widgets side by side, as one field of a form."""
    container = Container(
        widgets=widgets, layout="horizontal", labels=False, label=label
    )
    container.margins = (0, 0, 0, 0)
    return container


def show_within_bounds(field: Any, value: Any) -> None:
    """Show a value; the console may set larger ones than a form offers."""
    if hasattr(field, "max") and value > field.max:
        field.max = min(value, LARGEST_NUMBER)
        value = field.max
    field.value = value


def wrapping(label: Label) -> Label:
    """Let a label break its lines, at the full width of the form."""
    label.native.setWordWrap(True)
    label.native.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
    return label


def narrow(field: ComboBox, letters: int) -> None:
    """Let a field have room for some letters, not for the longest of its choices."""
    policy = QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
    field.native.setSizeAdjustPolicy(policy)
    field.native.setMinimumContentsLength(letters)


def thin(progress: ProgressBar) -> ProgressBar:
    """Make a progress bar a thin line, which may stay in sight while idle."""
    progress.native.setTextVisible(False)
    progress.native.setFixedHeight(BAR_HEIGHT)
    return progress


def follow(
    view: Container[Any] | QWidget,
    *links: tuple[SignalInstance, Callable[..., None]],
    end: Callable[[], None] | None = None,
    closed: Callable[[], None] | None = None,
) -> None:
    """Connect signals to a view's setters for as long as Qt keeps the view.

    A signal would otherwise outlive the dock, and reach for deleted widgets. `end` is
    called last, in the main thread; `closed` before, if the view's dock was closed and
    the window goes on.

    A view lives until Qt deletes it: with its window, or soon after napari has closed
    its dock. Nobody refers to it then, and Python's garbage collector would end it
    some time, in whatever thread it happens to run: that of a fit, while the main
    thread draws.
    """
    native = view if isinstance(view, QWidget) else view.native
    _views[id(view)] = view
    for signal, slot in links:
        signal.connect(slot)

    def disconnect() -> None:
        for signal, slot in links:
            signal.disconnect(slot, missing_ok=True)
        if end is not None:
            end()
        _views.pop(id(view), None)

    native.destroyed.connect(disconnect)
    if isinstance(view, QWidget):  # a part of another view
        return
    # Not at once, for it may be on its way into another dock.
    later = QTimer(native)
    later.setSingleShot(True)
    later.timeout.connect(partial(_delete_if_alone, native, closed))
    view.native_parent_changed.connect(lambda _: later.start())


_views: dict[int, Any] = {}


def _delete_if_alone(native: QWidget, closed: Callable[[], None] | None) -> None:
    if native.parent() is None and not native.isVisible():
        if closed is not None:
            closed()
        native.deleteLater()


def ask_where_to_save(
    parent: QWidget, title: str, name: str, kind: str, suffix: str
) -> str | None:
    """Ask for a file to write; None if the person thought better of it.

    A missing suffix is added before Qt asks whether to overwrite a file.
    """
    dialog = QFileDialog(parent, title, "", f"{kind} (*.{suffix})")
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setDefaultSuffix(suffix)
    dialog.selectFile(name)
    chosen = dialog.selectedFiles() if dialog.exec() else []
    dialog.deleteLater()
    return chosen[0] if chosen else None


def refill(field: ComboBox) -> None:
    """Let a field show its choices as they are now, in their order.

    magicgui keeps the choices that stay where they were, and puts new ones behind.
    """
    with field.changed.blocked():
        kept = field.value
        field.choices = ()
        field.reset_choices()
        if kept in field.choices:
            field.value = kept


def whole_numbers(text: str) -> list[int]:
    """Read numbers of components that a person typed.

    Raises
    ------
    ValueError
        A word is no whole number.

    Examples
    --------
    >>> whole_numbers("2, 4; 10 30")
    [2, 4, 10, 30]
    """
    return [_whole(word) for word in re.split(r"[\s,;]+", text) if word]


def _whole(word: str) -> int:
    try:
        return int(word)
    except ValueError:
        raise ValueError(
            f"Expected whole numbers of components, such as 2, 4, 10, 30, got {word!r}."
        ) from None
