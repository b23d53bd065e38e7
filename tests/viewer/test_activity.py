"""Progress bars in napari's dock: one at a time, whatever happens meanwhile."""

import pytest
from napari.utils import progress

from napari_pixel_mixtures.viewer import activity
from napari_pixel_mixtures.viewer.activity import TOTAL, ActivityBar


@pytest.fixture
def bar(qapp):
    bar = ActivityBar()
    yield bar
    bar.hide()
    assert not progress._all_instances


def bars():
    return [(each.desc.rstrip(": "), each.n) for each in progress._all_instances]


def test_shows_how_far_it_is(bar):
    bar.show("Clustering", 0.0)
    assert bars() == [("Clustering", 0)]
    bar.show("Clustering", 0.25)
    assert bars() == [("Clustering", TOTAL // 4)]
    bar.show("Clustering", 0.1)  # another fit under the same name
    assert bars() == [("Clustering", TOTAL // 10)]
    bar.show("Comparing", 0.5)
    assert bars() == [("Comparing", TOTAL // 2)]
    bar.hide()
    bar.hide()
    assert bars() == []


def test_two_bars(bar):
    other = ActivityBar()
    bar.show("first", 0.1)
    other.show("second", 0.2)
    assert sorted(bars()) == [("first", 100), ("second", 200)]
    bar.hide()
    assert bars() == [("second", 200)]
    other.hide()


@pytest.mark.parametrize("moment", ["__init__", "close", "update"])
def test_changes_within_a_change_wait_for_it(bar, monkeypatch, moment):
    """napari processes events in there, in which a fit may start or end."""
    other = ActivityBar()
    within = []

    class Bar(progress):
        pass

    def spy(self, *args, **settings):
        within.append(moment)
        assert within == [moment], "A bar was changed while another one was."
        if len(calls) < 1:
            calls.append(None)
            other.show("other", 0.5)
            other.hide()
            other.show("other", 0.7)
        within.pop()
        return getattr(progress, moment)(self, *args, **settings)

    calls = []
    setattr(Bar, moment, spy)
    monkeypatch.setattr(activity, "progress", Bar)
    bar.show("first", 0.1)
    bar.show("first", 0.2)
    bar.hide()
    assert calls
    assert bars() == [("other", 700)]
    other.hide()
    assert bars() == []
