"""Anything in any order: no exception, nothing leaks, and the viewer goes on."""

import ctypes
import faulthandler
import gc
import os
import re
import sys
import time
import traceback
from collections import Counter
from types import FrameType

import numpy as np
import psutil
import pytest
from napari.utils.notifications import ErrorNotification, notification_manager
from qtpy.QtTest import QTest

from napari_pixel_mixtures.certainty import Certainty
from napari_pixel_mixtures.cloud import ColorCloud
from napari_pixel_mixtures.clusters import Clustering
from napari_pixel_mixtures.features import Picture, Samples
from napari_pixel_mixtures.material import Material
from napari_pixel_mixtures.mixture import FastGaussianMixture, layout, plan
from napari_pixel_mixtures.mixture.covariance import COVARIANCE_TYPES
from napari_pixel_mixtures.mixture.warmup import warm_up
from napari_pixel_mixtures.viewer.cloud_canvas import CloudCanvas
from napari_pixel_mixtures.viewer.result import Result
from napari_pixel_mixtures.viewer.source import Source
from napari_pixel_mixtures.viewer.workspace import workspace_of
from walk import Walk

STEPS = 500
SEEDS = [int(seed) for seed in os.environ.get("WALK_SEEDS", "0").split()]
SETTLE = 25  # steps after which all that runs is waited for
PART = 100  # steps after which everything is put away
# MB by which most parts may need more memory than the one before: half a picture of
# 4 Mpx left behind in each. What is loaded or compiled at its first use, by the
# graphics driver too, comes once.
GROWTH = 15
# What holds pixels or something drawn, and goes with its layer or its dock.
GONE = (
    *(Result, Source, Clustering, FastGaussianMixture, Picture, Samples, Material),
    *(Certainty, ColorCloud, CloudCanvas),
)
# What napari says of a whitened cloud that is looked at in 2-D.
NO_SLICE = "ignore:Non-orthogonal slicing is being requested:UserWarning"
# What bad input is answered by: one sentence of ours, or scikit-learn's.
SENTENCES = re.compile(
    "Expected .*(; |, got |, but )|Fitting the mixture model failed because some "
)
WARNINGS = re.compile(
    "The fit stopped "
    "|The image '.*' was changed while its fit ran, so the result was dropped; "
)


@pytest.fixture(autouse=True)
def all_kernels():
    """Load all before memory is read: those that serve any number of features.

    Loading one takes a megabyte or two that nothing gives back, compiling it up to
    thirty.
    """
    caches = (plan._plan_type, layout._moment_places)
    with pytest.MonkeyPatch.context() as patch:
        for module in (plan, layout):
            patch.setattr(module, "UNROLLED", 0)
        for one in caches:
            one.cache_clear()
        for dtype in ("float32", "float64"):
            warm_up((1,), COVARIANCE_TYPES, dtype).join()
        yield
    for one in caches:
        one.cache_clear()
    gc.unfreeze()


def faults(records, refusals):
    """Give what was said that is no answer to bad input."""
    found = [sentence for sentence in refusals if not SENTENCES.match(sentence)]
    for record in records:
        known = {"error": SENTENCES, "warning": WARNINGS}.get(str(record.severity))
        if isinstance(record, ErrorNotification):
            found.append(record.as_text())
        elif known is not None and not known.match(record.message):
            found.append(record.message)
    return found


def megabytes():
    """Give what the process uses, without what the allocator only keeps."""
    gc.collect()
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)
    return psutil.Process().memory_info().rss / 2**20


def kept():
    """Count what is alive of all that comes and goes with images and docks."""
    names = (type(each).__name__ for each in gc.get_objects() if isinstance(each, GONE))
    return Counter(names)


def put_away(walk, others):
    """Remove all layers, close all docks: nothing but others may be left."""
    workspace = workspace_of(walk.viewer)
    walk.viewer.layers.clear()
    assert workspace.result is None and workspace.image is None
    assert workspace.selection.mask is None
    assert not workspace.undo_stack.can_undo and not workspace.undo_stack.can_redo
    assert not workspace.cloud.shown and not workspace.comparison.shown
    for name in list(walk.widgets):
        walk.close(name)
    gc.unfreeze()
    end = time.monotonic() + 30
    while left := still_there(walk, others):
        assert time.monotonic() < end, f"{left}, held by {holders(walk)}"
        QTest.qWait(200)
    gc.freeze()  # the collector need not look at all of napari at each step


def still_there(walk, others):
    """Count what should be gone; it looks at all objects, which takes a second."""
    QTest.qWait(50)
    gc.collect()
    left = kept() - others
    left.update(type(each).__name__ for each in walk.seen_widgets)
    # napari keeps the last layer of a kind, also in a viewer without the plugin.
    kinds = Counter(type(each).__name__ for each in walk.seen_layers)
    return left + (kinds - Counter(dict.fromkeys(kinds, 1)))


def holders(walk, depth=6):
    """Tell by what each layer is held that should be gone, from near to far."""
    layers, told = list(walk.seen_layers), []
    for layer in layers:
        trail, held = [], [layer]
        for _ in range(depth):
            ours = {id(layers), id(held)}
            held = [
                each
                for each in gc.get_referrers(*held)
                if id(each) not in ours and not isinstance(each, FrameType)
            ][:50]
            trail.append(sorted({type(each).__name__ for each in held}))
        told.append((layer.name, trail))
    return told


def untouched(walk):
    """No layer of theirs is changed; here, for the names in a test keep layers."""
    for layer, state in walk.theirs.items():
        for before, now in zip(state, walk.state(layer), strict=True):
            assert np.array_equal(before, now), walk.trail[-3:]


def tour(walk, settle):
    """Use every control once: what is loaded at first use is no growth."""
    walk.do_press_fit()
    settle()
    for step in walk.steps:
        step()
    settle()
    compare = walk.widget("Compare mixtures")
    compare.sizes.value = "2, 3"
    walk.press(compare.compare)
    settle()
    QTest.qWait(50)  # a grid of them is drawn


@pytest.mark.filterwarnings(NO_SLICE)
@pytest.mark.parametrize("seed", SEEDS)
def test_anything_in_any_order(viewer, qtbot, tmp_path, seed, monkeypatch):
    monkeypatch.setattr("napari_pixel_mixtures.viewer.cloud_canvas.MOVING_POINTS", 600)
    viewer.window._qt_window.resize(700, 500)  # drawing is what takes time here
    start = len(notification_manager.records)
    gc.unfreeze()
    gc.collect()
    others = kept()  # what other tests have left, as one that failed does
    gc.freeze()
    walk = Walk(viewer, seed, tmp_path)

    def settle():
        qtbot.waitUntil(lambda: not walk.running, timeout=120_000)

    tour(walk, settle)
    put_away(walk, others)
    memory = [megabytes()]
    walk.add_picture()
    for number in range(1, STEPS + 1):
        try:
            walk.step()
            if number % SETTLE == 0:
                settle()
        except Exception as error:  # noqa: BLE001
            traceback.print_exc(file=sys.stderr)
            faulthandler.dump_traceback(all_threads=True)
            print([type(job) for job in walk.running], file=sys.stderr)
            pytest.fail(f"{error!r} at step {number} after {walk.trail[-8:]}")
        untouched(walk)
        if number % PART == 0:
            # First, for what is in an exception is not gone.
            found = faults(notification_manager.records[start:], walk.refusals)
            assert not found, "\n".join(found)
            put_away(walk, others)
            memory.append(megabytes())
            walk.add_picture()
    found = faults(notification_manager.records[start:], walk.refusals)
    assert not found, "\n".join(found)
    assert np.median(np.diff(memory)) < GROWTH, memory
    assert walk.n_layers > STEPS / 10  # or little was shown
