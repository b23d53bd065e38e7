"""How long a fit will take is told from how long those before took."""

from itertools import accumulate

import pytest

from cases import china
from napari_pixel_mixtures import Recipe
from napari_pixel_mixtures.clustering import cluster_steps
from napari_pixel_mixtures.features import Picture
from napari_pixel_mixtures.pace import FIRST_GUESS, LONG, Pace
from napari_pixel_mixtures.progress import run

LARGE = round(2 * LONG / FIRST_GUESS)
SMALL = LARGE // 1000


def test_before_any_fit_it_is_guessed():
    pace = Pace()
    assert pace.is_long(LARGE)
    assert not pace.is_long(LARGE // 2)


def test_on_a_fast_machine_large_fits_are_short():
    pace = Pace()
    for _ in range(3):
        pace.note(LARGE, LONG / 10)
    assert not pace.is_long(LARGE)
    assert pace.is_long(20 * LARGE)


def test_on_a_slow_machine_small_fits_are_long():
    pace = Pace()
    pace.note(SMALL, 10 * LONG)
    assert pace.is_long(SMALL)


def test_one_that_took_unusually_long_counts_little():
    pace = Pace()
    for seconds in (LONG / 10, LONG / 10, 100 * LONG, LONG / 10):
        pace.note(LARGE, seconds)
    assert not pace.is_long(LARGE)


def test_short_fits_of_few_rows_tell_nothing_of_long_ones():
    pace = Pace()
    pace.note(SMALL, LONG / 2)  # as it might take to start threads
    assert pace.seconds(LARGE) == pytest.approx(2 * LONG)


def test_a_fit_is_measured_by_the_clock():
    times = accumulate([100.0, 7.0])
    pace = Pace(clock=lambda: next(times))
    image = china()[::16, ::16]
    picture = Picture.from_array(image)
    noted = []
    pace.note = lambda work, seconds: noted.append((work, seconds))
    clustering = run(cluster_steps(picture, Recipe(n_components=4), pace=pace))
    n_colors = len({*map(tuple, image.reshape(-1, 3).tolist())})
    assert clustering.n_components == 4
    assert noted == [(n_colors * 3 * 4, 7.0)]
