"""Open napari on china.jpg, clustered, with the color cloud.

With --screenshots FOLDER it takes pictures of the labels, the cloud and the comparison
instead, and ends. All is done as a person does it: open the sample, open the widgets,
press their buttons.
"""

import argparse
import os
import time
from pathlib import Path

PLUGIN = "napari-pixel-mixtures"
TITLES = ("Cluster pixels", "Color cloud", "Compare mixtures")
SIZE = (1280, 800)  # of the window, in pixels


def wait_until(condition, seconds, what):
    """Let Qt work until a condition holds."""
    from qtpy.QtWidgets import QApplication

    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"Waited {seconds} s for {what}.")
        QApplication.processEvents()
        time.sleep(0.01)


def plain(action):
    """Give the text of a menu's entry without the marks of its shortcut."""
    return action.text().replace("&", "")


def dock_name(title):
    """Give the name that napari's menu gives to the dock of a widget."""
    return f"{title} (Pixel Mixtures)"


class Demo:
    """A napari window with the plugin's three widgets, on china.jpg."""

    def __init__(self, theme):
        import napari

        self.viewer = viewer = napari.Viewer(show=False)
        viewer.theme = theme
        viewer.open_sample(PLUGIN, "china")
        viewer.show()
        viewer.window.resize(*SIZE)

    def open(self, *titles):
        """Show some widgets and no others, so that all fits, and give the last."""
        for title in TITLES:
            if self.is_open(title) != (title in titles):
                self.toggle(title)
        self.viewer.window.resize(*SIZE)
        self.settle()  # what follows fits the view to the canvas
        return self.viewer.window.dock_widgets[dock_name(titles[-1])]

    def is_open(self, title):
        """Whether a widget is shown."""
        widget = self.viewer.window.dock_widgets.get(dock_name(title))
        return widget is not None and widget.native.isVisible()

    def toggle(self, title):
        """Show or hide a widget by its entry in the plugins menu."""
        menu = self.viewer.window._qt_window.menuBar()
        for text in ("Plugins", "Pixel Mixtures", title):
            action = next(a for a in menu.actions() if text in plain(a))
            menu = action.menu()
            if menu is not None:
                menu.aboutToShow.emit()  # napari fills some menus only now
        action.trigger()

    def cluster(self, n_components):
        """Press Fit, and wait for the labels."""
        widget = self.open("Cluster pixels")
        widget.n_components.value = n_components
        widget.fit.native.click()
        wait_until(lambda: not widget.cancel.enabled, 300, "the fit")
        if "china quantized" not in self.viewer.layers:
            raise RuntimeError(widget.status.value)
        self.viewer.reset_view()

    def beside(self):
        """Show the cloud and the Gaussians beside the picture."""
        widget = self.open("Cluster pixels", "Color cloud")
        widget.color_by.value = "pixel"
        widget.ellipsoids.value = "1 sigma"
        self.viewer.reset_view()
        return widget

    def show_cloud(self, whiten):
        """Show the cloud: "raw" or "pooled"."""
        widget = self.open("Color cloud")
        widget.whiten.value = whiten
        if self.viewer.dims.ndisplay == 2:
            widget.show_cloud.native.click()

    def leave_cloud(self):
        """Go back to the picture."""
        if self.viewer.dims.ndisplay == 3:
            self.open("Color cloud").show_cloud.native.click()

    def compare(self):
        """Press Compare, and wait for the grid."""
        widget = self.open("Compare mixtures")
        widget.compare.native.click()
        wait_until(lambda: not widget.cancel.enabled, 600, "the comparison")
        if not widget.save.enabled:
            raise RuntimeError(widget.status.value)
        return widget

    def settle(self):
        """Let the window take its final shape and paint."""
        end = time.monotonic() + 1
        wait_until(lambda: time.monotonic() > end, 10, "the window")

    def photograph(self, path):
        """Save the whole window as it is."""
        self.settle()
        size = self.viewer.window.geometry()[2:]
        if tuple(size) != SIZE:
            print(f"The window is {size}, larger than {SIZE}: something is too wide.")
        from PIL import Image

        picture = self.viewer.screenshot(canvas_only=False, flash=False)
        # A palette makes the file a third as large.
        Image.fromarray(picture[..., :3]).quantize(128).save(path, optimize=True)
        print(path, flush=True)


def take_screenshots(demo, folder):
    """Save pictures of labels, cloud and comparison in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    demo.cluster(10)
    demo.photograph(folder / "labels.png")
    cloud = demo.beside()
    demo.photograph(folder / "beside.png")
    cloud.ellipsoids.value, cloud.color_by.value = "no ellipsoids", "automatic"
    demo.viewer.layers["china quantized"].visible = False
    demo.photograph(folder / "random-colors.png")
    demo.viewer.layers["china quantized"].visible = True
    demo.show_cloud("raw")
    demo.photograph(folder / "cloud.png")
    demo.show_cloud("pooled")
    demo.photograph(folder / "cloud-whitened.png")
    demo.leave_cloud()
    comparison = demo.compare()
    demo.photograph(folder / "comparison.png")
    figure = folder / "comparison-figure.png"
    comparison.save_figure(str(figure))
    print(figure)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--screenshots", type=Path, metavar="FOLDER")
    parser.add_argument("--theme", choices=("dark", "light"), default="dark")
    arguments = parser.parse_args()
    if arguments.screenshots is not None:
        # No settings of the person's, so that everyone gets the same pictures.
        os.environ["NAPARI_CONFIG"] = ""
    import napari

    demo = Demo(arguments.theme)
    if arguments.screenshots is not None:
        take_screenshots(demo, arguments.screenshots.resolve())
        demo.viewer.close()
    else:
        demo.cluster(10)
        demo.beside()
        napari.run()


if __name__ == "__main__":
    main()
