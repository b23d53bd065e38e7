"""A session of a person who installs the plugin from napari's plugin menu.

Run by test_plugin_menu_install.py with the Python of an environment that has napari
and not the plugin: ``python plugin_menu_session.py path/to/the.whl``. All happens in
one napari, without a restart. Prints as JSON what the person sees.
"""

import faulthandler
import importlib.util
import json
import sys
import time
from pathlib import Path

NAME = "napari-pixel-mixtures"


def wait_until(condition, seconds, what):
    """Let Qt work until a condition holds."""
    from qtpy.QtWidgets import QApplication

    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"Not after {seconds} s: {what}")
        QApplication.processEvents()
        time.sleep(0.01)


def find_action(menu, *texts):
    """Give an entry of a menu by the texts on the way to it, or None."""
    for action in menu.actions():
        if texts[0] in action.text().replace("&", ""):
            if len(texts) == 1:
                return action
            if action.menu() is not None:
                action.menu().aboutToShow.emit()
                return find_action(action.menu(), *texts[1:])
    return None


def install(viewer, wheel):
    """Type the wheel's path into the plugin manager, and press Install."""
    from napari_plugin_manager.qt_package_installer import NapariInstallerQueue
    from napari_plugin_manager.qt_plugin_dialog import QtPluginDialog
    from qtpy.QtCore import QTimer
    from qtpy.QtWidgets import QApplication

    window = viewer.window._qt_window
    action = find_action(window.menuBar(), "Plugins", "Install/Uninstall Plugins")
    action.trigger()
    [dialog] = window.findChildren(QtPluginDialog)
    assert isinstance(dialog.installer, NapariInstallerQueue)
    finished = []
    dialog.installer.allFinished.connect(finished.append)
    dialog.direct_entry_edit.setText(wheel)
    dialog.direct_entry_btn.click()
    try:
        wait_until(lambda: finished, 240, "the installation")
    finally:
        print(dialog.stdout_text.toPlainText(), file=sys.stderr)

    def dismiss():
        question = QApplication.activeModalWidget()
        if type(question).__name__ == "RestartWarningDialog":
            question.accept()

    # Closing may advise a restart, in a dialog of its own.
    timer = QTimer()
    timer.timeout.connect(dismiss)
    timer.start(100)
    dialog.close()
    timer.stop()
    return list(finished[0])


def main(wheel):
    import napari
    import numpy as np

    seen = {
        "napari in the environment": Path(napari.__file__).is_relative_to(sys.prefix),
        "there before": importlib.util.find_spec("napari_pixel_mixtures") is not None,
        "needed and missing before": [
            name for name in ("numba", "sklearn") if not importlib.util.find_spec(name)
        ],
    }
    viewer = napari.Viewer()
    menus = viewer.window._qt_window.menuBar()
    assert find_action(menus, "Plugins", "Pixel Mixtures") is None
    seen["exit codes"] = install(viewer, wheel)

    picture = np.zeros((40, 60, 3), np.uint8)
    picture[:, :24] = 90, 140, 40
    picture[10:20, 40:] = 250, 200, 10
    viewer.add_image(picture, rgb=True, name="picture")
    docks = {}
    for title in ("Cluster pixels", "Color cloud", "Compare mixtures"):
        action = find_action(menus, "Plugins", "Pixel Mixtures", title)
        assert action is not None, f"{title} is not in the plugins menu"
        action.trigger()
        docks[title] = viewer.window.dock_widgets[f"{title} (Pixel Mixtures)"]
    seen["widgets"] = [type(widget).__name__ for widget in docks.values()]

    widget = docks["Cluster pixels"]
    widget.image.value = viewer.layers["picture"]
    widget.n_components.value = 3
    widget.fit.native.click()
    wait_until(lambda: len(viewer.layers) == 3, 120, "the result layers")
    seen["layers"] = sorted(layer.name for layer in viewer.layers)
    labels = viewer.layers["picture quantized"].data
    seen["labels"] = [int(labels[0, -1]), int(labels[0, 0]), int(labels[15, 50])]
    seen["pixels"] = np.bincount(labels.ravel()).tolist()
    viewer.close()
    print(json.dumps(seen))


if __name__ == "__main__":
    faulthandler.dump_traceback_later(280, exit=True)
    main(*sys.argv[1:])
