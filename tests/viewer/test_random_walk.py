"""Anything in any order: no exception, nothing leaks, and the viewer goes on."""

import faulthandler
import gc
import os
import re
import sys
import traceback

import numpy as np
import psutil
import pytest
from napari.utils.notifications import ErrorNotification, notification_manager
from qtpy.QtWidgets import QApplication

from napari_pixel_mixtures.mixture import layout, plan
from napari_pixel_mixtures.viewer.workspace import workspace_of
from walk import Walk

STEPS = 500
SEEDS = [int(seed) for seed in os.environ.get("WALK_SEEDS", "1").split()]
SETTLE = 25  # steps after which all that runs is waited for
GROWTH = 40  # MB that the second half of a walk may need beyond the first
LAST = 12  # layers: napari and some views keep the last ones that they showed
# What bad input is answered by: one sentence of ours, or scikit-learn's.
SENTENCES = re.compile(
    "Expected .*(; |, got |, but )|Fitting the mixture model failed because some "
)
WARNINGS = re.compile(
    "The fit stopped "
    "|The image '.*' was changed while its fit ran, so the result was dropped; "
)


@pytest.fixture(autouse=True)
def few_kernels(monkeypatch):
    """Compiling one for each number of features would take most of the time."""
    caches = (plan._plan_type, layout._moment_places)
    for module in (plan, layout):
        monkeypatch.setattr(module, "UNROLLED", 3)
    for one in caches:
        one.cache_clear()
    yield
    for one in caches:
        one.cache_clear()


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
    gc.collect()
    return psutil.Process().memory_info().rss / 2**20


@pytest.mark.parametrize("seed", SEEDS)
def test_anything_in_any_order(viewer, qtbot, tmp_path, seed, monkeypatch):
    monkeypatch.setattr("napari_pixel_mixtures.viewer.cloud_canvas.MOVING_POINTS", 600)
    viewer.window._qt_window.resize(700, 500)  # drawing is what takes time here
    start = len(notification_manager.records)
    walk = Walk(viewer, seed, tmp_path)
    memory = []
    for number in range(STEPS):
        try:
            walk.step()
            if number % SETTLE == 0:
                qtbot.waitUntil(lambda: not walk.running, timeout=120_000)
                memory.append(megabytes())
        except Exception as error:  # noqa: BLE001
            traceback.print_exc(file=sys.stderr)
            faulthandler.dump_traceback(all_threads=True)
            print([type(job) for job in walk.running], file=sys.stderr)
            pytest.fail(f"{error!r} at step {number} after {walk.trail[-8:]}")
        for layer, state in walk.theirs.items():
            for before, now in zip(state, walk.state(layer), strict=True):
                assert np.array_equal(before, now), walk.trail[-3:]
    qtbot.waitUntil(lambda: not walk.running, timeout=120_000)
    found = faults(notification_manager.records[start:], walk.refusals)
    assert not found, "\n".join(found)
    half = len(memory) // 2
    assert max(memory[half:]) < max(memory[:half]) + GROWTH, memory
    # All of it can be put away.
    workspace = workspace_of(viewer)
    viewer.layers.clear()
    assert workspace.result is None and workspace.image is None
    assert workspace.selection.mask is None
    assert not workspace.undo_stack.can_undo and not workspace.undo_stack.can_redo
    assert not workspace.cloud.shown and not workspace.comparison.shown
    for name in list(walk.widgets):
        walk.close(name)

    def gone():
        QApplication.processEvents()
        gc.collect()
        return not walk.seen_widgets and len(walk.seen_layers) <= LAST

    qtbot.waitUntil(gone, timeout=10_000)
    assert walk.n_layers > 4 * LAST  # or little was shown by that
