"""Threads: work that is shared out comes back in order, and so do errors."""

import threading
import time

import pytest

from napari_pixel_mixtures.mixture import engine
from napari_pixel_mixtures.mixture.team import Team


@pytest.mark.parametrize("n_threads", [1, 2, 7])
def test_results_are_in_the_order_of_the_items(n_threads):
    def slow_at_first(item, team):
        time.sleep(0.02 if item == 0 else 0)
        return item**2

    with engine(n_threads=n_threads), Team() as team:
        assert team.map(slow_at_first, range(5)) == [0, 1, 4, 9, 16]


@pytest.mark.parametrize(("n_threads", "share"), [(1, 1), (2, 1), (7, 3)])
def test_an_item_has_its_share_of_the_threads(n_threads, share):
    with engine(n_threads=n_threads), Team() as team:
        shares = team.map(lambda _, team: team.settings.n_threads, range(2))
    assert shares == [share, share]


def test_two_items_are_worked_on_at_once():
    """Each waits until the other has begun."""
    meeting = threading.Barrier(2)
    with engine(n_threads=2), Team() as team:
        team.map(lambda *_: meeting.wait(60), range(2))


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("place", [0, 1, 3])
def test_an_error_comes_out_and_ends_the_threads(n_threads, place):
    before = set(threading.enumerate())

    def fail(item, team):
        if item == place:
            raise IndexError("of the item itself")
        return item

    with (
        pytest.raises(IndexError, match="of the item itself"),
        engine(n_threads=n_threads),
        Team() as team,
    ):
        team.map(fail, range(4))
    assert set(threading.enumerate()) <= before


@pytest.mark.parametrize("place", [1, 2, 3])
def test_a_thread_that_cannot_start_is_the_error(monkeypatch, place):
    before = set(threading.enumerate())
    start = threading.Thread.start
    begun = []

    def fail_at_last(thread):
        begun.append(thread)
        if len(begun) == place:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", fail_at_last)
    with (
        pytest.raises(RuntimeError, match="can't start new thread"),
        engine(n_threads=4),
        Team() as team,
    ):
        team.map(lambda item, _: item, range(4))
    assert set(threading.enumerate()) <= before
