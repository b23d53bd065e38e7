"""Thinning: which points are drawn, and until when."""

import numpy as np
import pytest

from napari_pixel_mixtures.viewer import thinning
from napari_pixel_mixtures.viewer.thinning import Thinning


@pytest.fixture
def thinned(qtbot, monkeypatch):
    """Thinning of 100 points to 10, and what it drew."""
    monkeypatch.setattr(thinning, "STILL_MS", 40)
    drawn = []
    thinned = Thinning(10, lambda: drawn.append(np.arange(100)[thinned.chosen]))
    thinned.drawn = drawn
    thinned.take(100)
    return thinned


def test_fewer_until_it_is_still(thinned, qtbot):
    for _ in range(4):
        thinned.begin()
        qtbot.wait(15)
    assert [len(points) for points in thinned.drawn] == [10]
    assert thinned.active and thinned.waiting
    qtbot.waitUntil(lambda: not thinned.active)
    few, every = thinned.drawn
    assert len(set(few)) == 10
    assert np.ptp(few) > 50  # from all over
    assert every.tolist() == [*range(100)]


def test_held_however_long_it_takes(thinned, qtbot):
    thinned.begin()
    thinned.hold()
    qtbot.wait(150)
    assert thinned.active and not thinned.waiting
    thinned.release()
    qtbot.waitUntil(lambda: not thinned.active)
    assert [len(points) for points in thinned.drawn] == [10, 100]


def test_ended_at_once(thinned, qtbot):
    thinned.begin()
    thinned.end()
    thinned.end()
    assert not thinned.waiting
    qtbot.wait(80)
    assert [len(points) for points in thinned.drawn] == [10, 100]


def test_few_points_are_all_drawn(thinned):
    thinned.take(10)
    thinned.begin()
    thinned.hold()
    thinned.release()
    assert not thinned.active and not thinned.waiting
    assert thinned.drawn == []


def test_other_points(thinned):
    thinned.begin()
    thinned.take(30)
    assert not thinned.active
    thinned.begin()
    assert thinned.chosen.max() < 30
    assert len(thinned.drawn) == 2
