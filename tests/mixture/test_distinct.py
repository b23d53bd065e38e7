"""Distinct rows against numpy's unique."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_pixel_mixtures.mixture.distinct import distinct_rows


def assert_as_unique(codes):
    found = distinct_rows(codes)
    rows, inverse, counts = np.unique(
        codes, axis=0, return_inverse=True, return_counts=True
    )
    np.testing.assert_array_equal(found.rows, rows)
    np.testing.assert_array_equal(found.counts, counts)
    np.testing.assert_array_equal(found.inverse, inverse.ravel())
    assert found.rows.dtype == np.uint8
    assert found.counts.dtype == np.int64
    assert found.inverse.dtype == np.int32


@settings(deadline=None, max_examples=30)
@given(
    st.integers(1, 4),
    st.integers(1, 2000),
    st.sampled_from([2, 5, 256]),
    st.integers(0, 2**31 - 1),
)
def test_as_numpy(n_channels, n, n_levels, seed):
    rng = np.random.default_rng(seed)
    assert_as_unique(rng.integers(0, n_levels, (n, n_channels), np.uint8))


def test_any_memory_layout(colors):
    assert_as_unique(np.asfortranarray(colors))
    assert_as_unique(colors[::-3, ::-1])
    colors = colors.copy()
    colors.setflags(write=False)
    assert_as_unique(colors)


def test_extreme_colors():
    assert_as_unique(
        np.array([[255, 255, 255], [0, 0, 0], [0, 0, 63], [0, 0, 64]], "u1")
    )


@pytest.mark.parametrize(
    "codes",
    [np.zeros((3, 5), np.uint8), np.zeros((3, 3), np.int16), np.zeros(3, np.uint8)],
)
def test_anything_else_is_an_error(codes):
    with pytest.raises(ValueError) as error:
        distinct_rows(codes)
    assert str(error.value) == (
        "Expected uint8 rows of shape (n, C) with C from 1 to 4 and n below 2**31, got "
        f"{codes.dtype} of shape {codes.shape}; convert or split them."
    )
