"""How long a person waits for live labels, and for the cloud.

    python tests/benchmarks/bench_live.py            print the table
    python tests/benchmarks/bench_live.py --write    and put it into the README

It needs a display (xvfb-run gives one); the window is 1280 x 800.
"""

import argparse
import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from machine import machine

ROOT = Path(__file__).parents[2]
BEGIN, END = "<!-- benchmark:live -->", "<!-- /benchmark:live -->"
REPEATS = 15


def wait(condition, seconds=60):
    """Let Qt sleep and work until a condition holds."""
    from qtpy.QtCore import QEventLoop, QTimer

    loop, tick = QEventLoop(), QTimer()
    tick.start(1)  # so that the loop looks at the condition again
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("The benchmark waited in vain.")
        loop.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)


def rest(seconds=0.25):
    """Let everything that is under way come to its end."""
    end = time.monotonic() + seconds
    wait(lambda: time.monotonic() > end)


def live(viewer, widget):
    """Time from `setValue` of a control to the labels layer's new data."""
    from napari_pixel_mixtures import Color, Position
    from napari_pixel_mixtures.viewer.workspace import workspace_of

    workspace = workspace_of(viewer)
    layer = viewer.layers["china quantized"]
    arrivals = []
    layer.events.data.connect(lambda event: arrivals.append(time.perf_counter()))

    def median():
        times = []
        for i in range(REPEATS):
            rest()
            arrivals.clear()
            start = time.perf_counter()
            widget.random_state.native.setValue(i + 1)
            wait(lambda: arrivals)
            times.append(1000 * (arrivals[-1] - start))
        return statistics.median(times)

    widget.n_components.value = 4
    yield "labels after a change, RGB, K = 4", f"{median():.0f} ms", "60 ms"
    yield "of these the fit alone", f"{fits_alone(workspace):.0f} ms", ""
    workspace.set_recipe(replace(workspace.recipe, features=(Color(), Position())))
    widget.n_components.value = 10
    yield "labels after a change, RGB + XY, K = 10", f"{median():.0f} ms", "120 ms"
    yield "of these the fit alone", f"{fits_alone(workspace):.0f} ms", ""


def fits_alone(workspace):
    """Milliseconds of the same fits, with nothing shown and nothing else going on."""
    rest()
    request = workspace.request(live=True)
    times = []
    for i in range(REPEATS):
        recipe = replace(request.recipe, random_state=i + 1)
        steps = replace(request, recipe=recipe).steps()
        start = time.perf_counter()
        for step in steps:
            if step.preview is not None:  # that is what a person waits for
                break
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times)


def rotating(n_points):
    """Frames a second of our canvas with its axes, and of a bare Markers visual."""
    from vispy.scene import SceneCanvas, TurntableCamera
    from vispy.scene.visuals import Markers

    from napari_pixel_mixtures.viewer.cloud_axes import Frame
    from napari_pixel_mixtures.viewer.cloud_canvas import CloudCanvas

    random = np.random.default_rng(0)
    points = random.normal(size=(n_points, 3)).astype(np.float32) / 3
    colors = np.ones((n_points, 4), np.float32)

    ours = CloudCanvas()
    ours.native.resize(600, 500)
    ours.native.show()
    ours.set_points(points, colors, 3.0)
    low, high = -np.ones(3), np.ones(3)
    frame = Frame(low, high, ("R", "G", "B"), np.eye(4))
    ours.set_map(frame.map, frame, animate=False)

    bare = SceneCanvas(size=(600, 500), show=True)
    view = bare.central_widget.add_view(camera=TurntableCamera(fov=30))
    markers = Markers(parent=view.scene)
    markers.set_data(points, face_color=colors, size=3, edge_width=0)
    rates = []
    for canvas, camera in ((ours.scene_canvas, ours.camera), (bare, view.camera)):
        rest()
        drawn = []
        canvas.events.draw.connect(lambda event, drawn=drawn: drawn.append(1))
        for i in range(12):
            if i == 2:
                drawn.clear()
                start = time.perf_counter()
            camera.azimuth += 3
            n = len(drawn)
            canvas.native.update()
            wait(lambda drawn=drawn, n=n: len(drawn) > n)
        rates.append(len(drawn) / (time.perf_counter() - start))
    ours.native.close()
    bare.close()
    return rates


def whitening(n_points):
    """Milliseconds from a change of the whitening to its first drawn picture."""
    from sklearn.datasets import load_sample_image

    from napari_pixel_mixtures import cluster
    from napari_pixel_mixtures.viewer.cloud_canvas import CloudCanvas, rgba
    from napari_pixel_mixtures.viewer.cloud_scene import cloud_scene
    from napari_pixel_mixtures.viewer.cloud_view import CloudSettings

    clustering = cluster(load_sample_image("china.jpg"), 4)
    canvas = CloudCanvas()
    canvas.native.resize(600, 500)
    canvas.native.show()
    drawn = []
    canvas.scene_canvas.events.draw.connect(lambda event: drawn.append(1))
    times = []
    for i in range(REPEATS + 1):
        rest(0.5)
        whiten = (None, "pooled")[i % 2]
        settings = CloudSettings(whiten, n_points, deviations=2.0)
        drawn.clear()
        start = time.perf_counter()
        scene = cloud_scene(clustering, settings)
        canvas.set_points(scene.points, rgba(scene.colors[:, :3], 1.0), 3.0)
        gaussians = scene.gaussians
        canvas.set_ellipsoids(gaussians.centers, gaussians.axes, gaussians.colors)
        canvas.set_map(scene.map, scene.frame)
        wait(lambda: drawn)
        times.append(1000 * (time.perf_counter() - start))
    canvas.native.close()
    return statistics.median(times[1:])


def whitening_layer(viewer, n_points):
    """Milliseconds from a change of the whitening to the viewer's own next picture."""
    from napari_pixel_mixtures.viewer.cloud_view import CloudSettings
    from napari_pixel_mixtures.viewer.workspace import workspace_of

    cloud = workspace_of(viewer).cloud
    cloud.show(CloudSettings(None, n_points, deviations=2.0))
    drawn = []
    viewer.window._qt_viewer.canvas.events.draw.connect(lambda event: drawn.append(1))
    times = []
    for i in range(REPEATS + 1):
        rest(0.6)
        drawn.clear()
        start = time.perf_counter()
        whiten = ("pooled", None)[i % 2]
        cloud.set(replace(cloud.settings, whiten=whiten))
        wait(lambda: drawn)
        times.append(1000 * (time.perf_counter() - start))
    cloud.leave()
    return statistics.median(times[1:])


def napari_turning(n_points):
    """Milliseconds from a turn of napari's own camera to its next picture.

    Of points alone in a window of the same size: what a change in the viewer's 3-D
    view cannot be faster than.
    """
    import napari

    viewer = napari.Viewer()
    viewer.window.resize(1280, 800)
    points = 60 * np.random.default_rng(0).normal(size=(n_points, 3))
    look = {"border_width": 0, "antialiasing": 0, "shading": "none"}
    viewer.add_points(points, blending="opaque", **look)
    viewer.dims.ndisplay = 3
    drawn = []
    viewer.window._qt_viewer.canvas.events.draw.connect(lambda event: drawn.append(1))
    rest(1)
    times = []
    for i in range(REPEATS + 1):
        rest(0.6)
        drawn.clear()
        start = time.perf_counter()
        viewer.scene.camera.angles = (3.0 * i, 20.0, 30.0)
        wait(lambda: drawn)
        times.append(1000 * (time.perf_counter() - start))
    viewer.close()
    return statistics.median(times[1:])


def million():
    """Frames a second while 1 M points move, and seconds until all are drawn."""
    from napari_pixel_mixtures.viewer.cloud_canvas import CloudCanvas

    random = np.random.default_rng(0)
    points = random.normal(size=(1_000_000, 3)).astype(np.float32) / 3
    canvas = CloudCanvas()
    canvas.native.resize(600, 500)
    canvas.native.show()
    canvas.set_points(points, np.ones((len(points), 4), np.float32), 3.0)
    drawn = []
    canvas.scene_canvas.events.draw.connect(lambda event: drawn.append(1))
    rest(3)
    canvas.set_ring(None)  # as when something moves
    start = time.perf_counter()
    for _ in range(10):
        canvas.camera.azimuth += 3
        canvas.set_ring(None)
        n = len(drawn)
        canvas.native.update()
        wait(lambda n=n: len(drawn) > n)
    rate = 10 / (time.perf_counter() - start)
    start = time.perf_counter()
    wait(lambda: not canvas.thinning.active)
    n = len(drawn)
    wait(lambda: len(drawn) > n)
    still = time.perf_counter() - start
    canvas.native.close()
    return rate, still


def cloud():
    """Time the canvas and the lasso."""
    yield "a whitening change of 50,000 points", f"{whitening(50_000):.0f} ms", "100 ms"
    rate, still = million()
    yield "frames a second, 1,000,000 points, turning", f"{rate:.1f}", "usable"
    yield "1,000,000 points, all drawn when still", f"after {still:.1f} s", "usable"
    from napari_pixel_mixtures.selection import Region

    for n_points in (50_000, 200_000):
        ours, bare = rotating(n_points)
        yield (
            f"frames a second, {n_points:,} points with axes, turning",
            f"{ours:.1f}",
            f"{bare:.1f} (bare Markers)",
        )
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (4_000_000, 3)).astype(np.uint8)
    angles = np.linspace(0, 2 * np.pi, 60)[:-1]
    lasso = Region(
        np.eye(4), 128 + 80 * np.column_stack([np.cos(angles), np.sin(angles)])
    )
    lasso.contains(pixels[:10])
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        lasso.contains(pixels)
        times.append(1000 * (time.perf_counter() - start))
    yield "a lasso over 4 Mpx", f"{statistics.median(times):.0f} ms", "150 ms"


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="write the README")
    options = parser.parse_args()
    import napari

    viewer = napari.Viewer()
    viewer.window.resize(1280, 800)
    viewer.open_sample("napari-pixel-mixtures", "china")
    _, widget = viewer.window.add_plugin_dock_widget(
        "napari-pixel-mixtures", "Cluster pixels"
    )
    rest(2)
    widget.fit.native.click()
    wait(lambda: "china quantized" in viewer.layers)
    rows = [*live(viewer, widget)]
    shown = f"{whitening_layer(viewer, 50_000):.0f} ms"
    viewer.close()
    bare = f"{napari_turning(50_000):.0f} ms for napari to turn as many"
    rows.append(
        ("a whitening change of 50,000 points, 3-D view", shown, f"100 ms ({bare})")
    )
    rows += cloud()
    table = "\n".join(
        ["| what | measured | to reach |", "|---|---|---|"]
        + [f"| {' | '.join(row)} |" for row in rows]
    )
    note = (
        f"Medians of {REPEATS} on {machine()}, "
        "china.jpg (427 x 640), software rendering. Made by `xvfb-run python "
        "tests/benchmarks/bench_live.py --write`."
    )
    print(table, note, sep="\n\n")
    if options.write:
        readme = ROOT / "README.md"
        text = readme.read_text(encoding="utf-8")
        before, _, rest_ = text.partition(BEGIN)
        _, _, after = rest_.partition(END)
        readme.write_text(
            f"{before}{BEGIN}\n{table}\n\n{note}\n{END}{after}", encoding="utf-8"
        )


if __name__ == "__main__":
    main()
