"""Docks: room in the window for the plugin's widgets."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.compat import isalive
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QDockWidget, QMainWindow

if TYPE_CHECKING:
    from magicgui.widgets import Container

OURS = "napari_pixel_mixtures"  # a property of docks, True for those that stay beside


def settle_in(view: Container[Any], beside: bool = False) -> None:
    """Let a view's dock fit into the window when it is first shown.

    Where the window would have to grow, our docks become tabs of one another, and
    further ones join them. One that stays `beside` remains apart for as long as that
    fits, with all height that the others can spare.
    """

    def on_parent(_: Any) -> None:
        dock = dock_of(view)
        if dock is None or dock.property(OURS) is not None:
            return
        dock.setProperty(OURS, beside)

        def on_first_place(_: Qt.DockWidgetArea) -> None:
            dock.dockLocationChanged.disconnect(on_first_place)
            window = dock.parent()
            if isinstance(window, QMainWindow):  # which has not grown yet
                height = window.height()
                QTimer.singleShot(0, partial(_make_room, dock, height))

        dock.dockLocationChanged.connect(on_first_place)

    view.native_parent_changed.connect(on_parent)


def dock_of(view: Container[Any]) -> QDockWidget | None:
    """Find the dock that a view was put into."""
    parent = view.native.parent()
    while parent is not None and not isinstance(parent, QDockWidget):
        parent = parent.parent()
    return parent


def _make_room(dock: QDockWidget, height: int) -> None:
    """Let the window be no higher than it was, in pixels, if tabs can do that."""
    window = dock.parent() if isalive(dock) else None  # type: ignore[no-untyped-call]
    if not isinstance(window, QMainWindow) or dock.isFloating():
        return
    area = window.dockWidgetArea(dock)
    docks = [
        each
        for each in window.findChildren(QDockWidget)
        if each.property(OURS) is not None
        and each.isVisible()
        and window.dockWidgetArea(each) == area
        and each is not dock
    ]
    docks.append(dock)
    controls = [each for each in docks if not each.property(OURS)]
    tabs = any(window.tabifiedDockWidgets(each) for each in controls)
    for group, join in ((controls, tabs), (docks, False)):
        crowded = window.minimumSizeHint().height() > height
        if len(group) > 1 and (join or crowded):
            _tabify(window, group)
            (dock if dock in group else group[-1]).raise_()
    _let_titles_fit(docks)
    layout = window.layout()
    assert layout is not None
    layout.activate()  # or its minimum would still be that without tabs
    if window.height() > height:
        window.resize(window.width(), height)
    if dock.property(OURS):
        window.resizeDocks([dock], [window.height()], Qt.Orientation.Vertical)


def _let_titles_fit(docks: list[QDockWidget]) -> None:
    """Let docks be no narrower than their title bars, which do not ask for it.

    napari's title is a label within another one, whose layout Qt does not look at, so
    that a dock of narrow controls would cut its own name off.
    """
    for dock in docks:
        bar, inner = dock.titleBarWidget(), dock.widget()
        layout = None if bar is None else bar.layout()
        if inner is not None and layout is not None:
            width = layout.totalMinimumSize().width()
            # Said in so many words, a minimum overrules what the controls ask for.
            if width > inner.minimumSizeHint().width():
                inner.setMinimumWidth(width)


def _tabify(window: QMainWindow, docks: list[QDockWidget]) -> None:
    for dock in docks[1:]:
        if dock not in window.tabifiedDockWidgets(docks[0]):
            window.tabifyDockWidget(docks[0], dock)
