"""How long a view lives: until Qt deletes it, in the main thread."""

import gc
import threading
import weakref

from qtpy.compat import isalive

from napari_pixel_mixtures.viewer.replay_widget import ReplayFit
from napari_pixel_mixtures.viewer.workspace import workspace_of

WIDGETS = (
    "Cluster pixels",
    "Color cloud",
    "Compare mixtures",
    "Choose the model",
    "Classes",
    "How sure?",
    "Keep and apply",
    "EM step by step",
)


def collect():
    """Let the garbage collector run in another thread, as it does during fits."""
    thread = threading.Thread(target=gc.collect)
    thread.start()
    thread.join()


def test_a_closed_dock_s_view_is_deleted_soon(viewer, picture, open_widget, qtbot):
    viewer.add_image(picture, name="bands")
    for name in WIDGETS:
        widget = open_widget(viewer, name)
        native, there = widget.native, weakref.ref(widget)
        threads = []
        native.destroyed.connect(
            lambda _, threads=threads: threads.append(threading.current_thread())
        )
        del widget
        viewer.window.remove_dock_widget(native)
        collect()
        qtbot.waitUntil(lambda threads=threads: len(threads) == 1)
        assert threads == [threading.main_thread()]
        assert not isalive(native)
        del native
        # What is computed for it in the background may hold it for a moment.
        qtbot.waitUntil(lambda there=there: gc.collect() >= 0 and there() is None)
    workspace = workspace_of(viewer)
    workspace.set_live(False)
    workspace.images_changed.emit()  # nobody who is gone hears of it


def test_the_garbage_collector_ends_no_view(model, qtbot):
    there = weakref.ref(ReplayFit(model))
    collect()
    assert there() is not None
    there().native.deleteLater()

    def gone():
        gc.collect()
        return there() is None

    qtbot.waitUntil(gone)


def test_a_view_may_move_to_another_dock(viewer, picture, open_widget, qtbot):
    viewer.add_image(picture, name="bands")
    widget = open_widget(viewer, "Compare mixtures")
    viewer.window.remove_dock_widget(widget.native)
    viewer.window.add_dock_widget(widget, name="again")
    qtbot.wait(50)
    assert isalive(widget.native)
    assert widget.native.isVisible()
