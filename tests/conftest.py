"""What all tests share: a display for Qt, settings of their own, built packages."""

import gc
import os
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).parents[1]

# Before napari is imported: it neither reads nor writes the settings of the person
# who runs the tests, nor others, which each viewer would write four times.
os.environ["NAPARI_CONFIG"] = ""
# Of shapes, which numba would compile for 15 seconds in each of two processes.
os.environ["NAPARI_TRIANGULATION_BACKEND"] = "Pure python"


class _MainCatchWarnings(warnings.catch_warnings):
    """Only the main thread sets filters of warnings back, which all threads share.

    A compiler in the background does so many times. It would bring those of another
    phase of a test back, or take those away with which napari passes over a warning.
    """

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():
            return super().__enter__()
        return [] if self._record else None

    def __exit__(self, *error):
        if threading.current_thread() is threading.main_thread():
            super().__exit__(*error)


warnings.catch_warnings = _MainCatchWarnings


@pytest.fixture(scope="session")
def display():
    """Fail a test that needs a display in words; Qt would abort the process."""
    if sys.platform == "linux" and not os.environ.get("DISPLAY"):
        pytest.fail("No display: run `sh scripts/test.sh`.", pytrace=False)
    if os.environ.get("QT_QPA_PLATFORM") == "offscreen":
        pytest.fail(
            "Qt's offscreen platform has no OpenGL: set QT_QPA_PLATFORM=xcb, or run "
            "`sh scripts/test.sh`.",
            pytrace=False,
        )


@pytest.fixture(scope="session")
def qapp(display, qapp):
    """Qt's application, with all that napari and the plugin load."""
    from napari import Viewer

    from napari_pixel_mixtures.viewer import cluster_widget  # noqa: F401

    Viewer(show=False).close()  # loads more
    return qapp


@pytest.fixture(autouse=True)
def quick_garbage_collection():
    """Leave out of garbage collection what is there when a test begins.

    napari collects garbage whenever a layer is removed or a viewer closed. That takes
    half a second each, nearly all of it for modules and compiled code, which stay
    anyway.
    """
    gc.freeze()


@pytest.fixture(autouse=True)
def no_leaked_thread():
    """A thread that outlives its test fails it; so does a running worker."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 10
    while leaked := _running_threads(before):
        if time.monotonic() > deadline:
            pytest.fail(f"These threads outlive the test: {', '.join(leaked)}.")
        time.sleep(0.02)


def _running_threads(before):
    names = [
        thread.name
        for thread in threading.enumerate()
        if thread not in before and not thread.daemon
    ]
    if "qtpy.QtCore" in sys.modules:
        from qtpy.QtCore import QThreadPool

        workers = QThreadPool.globalInstance().activeThreadCount()
        names += ["worker of Qt's thread pool"] * workers
    return names


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """The wheel and the source distribution, built without network."""
    folder = tmp_path_factory.mktemp("dist")
    build(ROOT, folder, "--wheel", "--sdist")
    [wheel] = folder.glob("*.whl")
    [sdist] = folder.glob("*.tar.gz")
    return SimpleNamespace(wheel=wheel, sdist=sdist)


def build(source, folder, *kinds):
    """Build kinds of distributions of a source tree into a folder."""
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder]
    done = subprocess.run(
        [*command, *kinds, source], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def build_package():
    return build
