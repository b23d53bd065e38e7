"""Docks: however many of ours are opened, the window stays on the screen."""

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QMainWindow

from napari_pixel_mixtures.viewer.docks import dock_of

CONTROLS = (
    *("Cluster pixels", "Classes", "How sure?", "Keep and apply"),
    *("Choose the model", "Compare mixtures", "EM step by step"),
)
CLOUD = "Color cloud"


def seen(dock):
    """Whether it is shown, in the whole, and not behind another tab."""
    window = dock.window()
    assert isinstance(window, QMainWindow)
    return not dock.visibleRegion().isEmpty() and window.rect().contains(
        dock.geometry()
    )


@pytest.mark.parametrize("place", [0, 7], ids=["first", "last"])
def test_all_docks_fit_into_a_window_of_800_pixels(
    viewer, picture, open_widget, qtbot, place
):
    viewer.add_image(picture)
    window = viewer.window._qt_window
    titles = [*CONTROLS]
    titles.insert(place, CLOUD)
    docks = {}
    for title in titles:
        docks[title] = dock_of(open_widget(viewer, title))
        qtbot.waitUntil(lambda: window.minimumHeight() <= 800)
        qtbot.waitUntil(lambda title=title: seen(docks[title]))
    assert window.height() == 800
    assert seen(docks[CLOUD])  # beside the last of the controls
    assert window.tabifiedDockWidgets(docks[CLOUD]) == []
    others = window.tabifiedDockWidgets(docks[CONTROLS[0]])
    assert {*others} == {docks[title] for title in CONTROLS[1:]}
    assert window.minimumSizeHint().height() <= 800


def test_docks_that_fit_stay_below_one_another(viewer, picture, open_widget, qtbot):
    viewer.add_image(picture)
    docks = [dock_of(open_widget(viewer, t)) for t in ("Cluster pixels", CLOUD)]
    qtbot.waitUntil(lambda: docks[1].height() > docks[0].height())
    assert all(map(seen, docks))
    assert viewer.window._qt_window.tabifiedDockWidgets(docks[0]) == []


def test_a_low_window_has_tabs_for_the_cloud_too(viewer, picture, open_widget, qtbot):
    window = viewer.window._qt_window
    viewer.add_image(picture)
    qtbot.wait(50)
    window.resize(1280, window.minimumHeight())
    height = window.height()
    docks = []
    for title in (CLOUD, "Cluster pixels", "Choose the model"):
        docks.append(dock_of(open_widget(viewer, title)))
        qtbot.waitUntil(lambda: seen(docks[-1]) and window.height() == height)
    assert {*window.tabifiedDockWidgets(docks[0])} == {*docks[1:]}


@pytest.mark.parametrize("title", [*CONTROLS, CLOUD])
def test_a_dock_by_itself_is_as_wide_as_its_title(viewer, open_widget, qtbot, title):
    widget = open_widget(viewer, title)
    # As narrow as a person can drag it.
    dock, window = dock_of(widget), viewer.window._qt_window

    def reads_whole():
        window.resizeDocks([dock], [1], Qt.Orientation.Horizontal)
        name = dock.titleBarWidget().title
        assert name.text() == f"{title} (napari-pixel-mixtures)"
        assert name.width() == name.sizeHint().width()

    qtbot.waitUntil(reads_whole)
    qtbot.wait(50)
    reads_whole()
