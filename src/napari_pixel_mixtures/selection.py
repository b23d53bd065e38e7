"""Region: a lasso in a view of the cloud, applied to all pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import from_dtype, types
from PIL import Image, ImageDraw

from .mixture.library import compile_for
from .mixture.warmup import compile_ahead

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Thread

    from numpy.typing import NDArray

    from .mixture.library import Signature

BLOCK = 1024  # rows at a time
RASTER = 1024  # cells along the longer side of the lasso's bounding box

# What numba knows; values are looked up in float32.
_KNOWN = frozenset(map(np.dtype, "?bBhHiIlLqQfd"))


@dataclass(frozen=True, eq=False)
class Region:
    """A closed curve on the screen, and the projection that brought points there.

    It selects every pixel whose channel values fall inside the curve from that
    view, however deep, whether it was drawn or thinned away. It can be applied
    again, and to other images.

    Attributes
    ----------
    projection : ndarray (4, 4)
        From channel values (x, y, z, 1) as a row vector to homogeneous screen
        coordinates: ``(x, y, z, 1) @ projection``, divided by the last of them.
    outline : ndarray (m, 2)
        Corners of the curve in screen coordinates; it is closed by itself.

    Raises
    ------
    ValueError
        The projection is not 4 x 4, or the curve has fewer than three corners.
    """

    projection: NDArray[np.float64]
    outline: NDArray[np.float64]

    def __post_init__(self) -> None:
        """Check the shapes."""
        if np.shape(self.projection) != (4, 4):
            raise ValueError(
                "Expected a 4 x 4 projection, got an array of shape "
                f"{np.shape(self.projection)}."
            )
        shape = np.shape(self.outline)
        if len(shape) != 2 or shape[1] != 2 or shape[0] < 3:
            raise ValueError(
                "Expected a lasso of at least three points (x, y), got an array of "
                f"shape {shape}; draw around some points."
            )

    def contains(self, values: NDArray[Any]) -> NDArray[np.bool_]:
        """Tell which rows of (n, 3) channel values lie inside.

        The curve is drawn into a raster of at most 1024 x 1024 cells first, so a
        point within a thousandth of its size from the curve may go either way.
        """
        extent = max(float(np.ptp(self.outline, axis=0).max()), 1e-12)
        cell = extent / RASTER
        # A rim of empty cells: whatever falls outside is looked up in the first.
        low = self.outline.min(axis=0) - cell
        corners = (self.outline - low) / cell
        rows, columns = (int(np.ceil(side)) + 2 for side in corners.max(axis=0))
        # Pillow draws it a hundred times faster than scikit-image.
        drawing = Image.new("L", (columns, rows))
        ImageDraw.Draw(drawing).polygon(corners[:, ::-1].ravel().tolist(), fill=1)
        raster = np.array(drawing, np.bool_)
        # Fold the shift and the scale into the projection: x' = (x - low w) / cell.
        projection = np.array(self.projection, np.float64)
        screen = (projection[:, :2] - projection[:, 3:] * low) / cell
        matrix = np.column_stack([screen, projection[:, 3]]).astype(np.float32)
        inside = np.empty(len(values), np.bool_)
        if values.dtype not in _KNOWN:  # such as float16
            values = values[:, :3].astype(np.float32)
        compile_for(*_job(values.dtype))(values, matrix, raster, inside)
        return inside


def warm_up_regions(dtype: Any) -> Thread:
    """Compile in the background what the first region would wait for.

    Parameters
    ----------
    dtype : dtype
        Of the picture to expect, some of whose axes are looked up in float64.

    Returns
    -------
    Thread
        As that of `mixture.warm_up`.
    """
    return compile_ahead(*dict.fromkeys(map(_job, (np.dtype(dtype), np.float64))))


def _job(dtype: Any) -> tuple[Callable[..., Any], Signature]:
    """Tell what to compile for values of a type."""
    dtype = np.dtype(dtype)
    if dtype not in _KNOWN:
        dtype = np.dtype(np.float32)
    return (
        _look_up,
        (
            types.Array(from_dtype(dtype), 2, "A", readonly=True),
            types.Array(types.float32, 2, "C"),
            types.Array(types.bool_, 2, "C"),
            types.Array(types.bool_, 1, "C"),
        ),
    )


def _look_up(
    values: NDArray[Any],
    matrix: NDArray[np.float32],
    raster: NDArray[np.bool_],
    inside: NDArray[np.bool_],
) -> None:
    columns = raster.shape[1]
    last_row = np.float32(raster.shape[0] - 1)
    last_column = np.float32(columns - 1)
    zero = np.float32(0)
    one = np.float32(1)
    # Taken out of the array, so that the loop knows that they stay the same.
    x_row, x_column, x_depth = matrix[0, 0], matrix[0, 1], matrix[0, 2]
    y_row, y_column, y_depth = matrix[1, 0], matrix[1, 1], matrix[1, 2]
    z_row, z_column, z_depth = matrix[2, 0], matrix[2, 1], matrix[2, 2]
    row_0, column_0, depth_0 = matrix[3, 0], matrix[3, 1], matrix[3, 2]
    flat = raster.ravel()
    cells = np.empty(BLOCK, np.int32)
    # Two loops, for the first is compiled to vector instructions without the
    # look-ups of the second: several times faster than one loop with branches.
    for start in range(0, len(values), BLOCK):
        block = values[start : start + BLOCK]
        found = inside[start : start + BLOCK]
        for i in range(len(block)):
            x = np.float32(block[i, 0])
            y = np.float32(block[i, 1])
            z = np.float32(block[i, 2])
            depth = depth_0 + x * x_depth + y * y_depth + z * z_depth
            nearness = one / depth
            row = (row_0 + x * x_row + y * y_row + z * z_row) * nearness
            column = (column_0 + x * x_column + y * y_column + z * z_column) * nearness
            # Behind the eye, where depth is negative, nothing is found.
            hit = (row >= zero) & (row <= last_row) & (depth > zero)
            hit = hit & (column >= zero) & (column <= last_column)
            cell = np.int32(row) * np.int32(columns) + np.int32(column)
            cells[i] = cell if hit else np.int32(0)
        for i in range(len(block)):
            found[i] = flat[cells[i]]
