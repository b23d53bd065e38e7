"""Blocks of rows, on all cores."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from napari_pixel_mixtures.features.blocks import BLOCK, blocks, by_rows, on_all_cores


@pytest.mark.parametrize("n", [1, 5, BLOCK, BLOCK + 1, 3 * BLOCK])
def test_blocks_cover_all_rows_once(n):
    counts = np.zeros(n, int)
    for part in blocks(n):
        counts[part] += 1
    assert (counts == 1).all()


def test_rows_are_those_of_the_function():
    rows = np.arange(2 * BLOCK + 6).reshape(-1, 2)
    found = by_rows(lambda block: block[:, ::-1] * 0.5, rows, 2, np.dtype(np.float32))
    assert found.dtype == np.float32
    assert_array_equal(found, (rows[:, ::-1] * 0.5).astype(np.float32))


def test_what_is_not_defined_gives_no_warning():
    rows = np.array([[0.0], [-1.0], [1e200]])
    found = by_rows(lambda x: np.log(x) + x * x, rows, 1, np.dtype(np.float64))
    assert found[0, 0] == -np.inf
    assert np.isnan(found[1, 0])
    assert found[2, 0] == np.inf


def test_an_error_of_a_task_is_raised():
    def task(item):
        if item == 3:
            raise ValueError("the third")

    with pytest.raises(ValueError, match="the third"):
        on_all_cores(task, range(9))
