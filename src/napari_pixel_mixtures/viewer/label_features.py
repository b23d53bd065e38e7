"""What there is of each label: the features of our labels layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from napari_pixel_mixtures.tables import moments_of, pixel_measure

from .layers import channel_axis
from .source import pixel_sizes

if TYPE_CHECKING:
    from napari.layers import Image
    from numpy.typing import NDArray

    from napari_pixel_mixtures.clusters import Clustering

    from .result import Result

MIXED = "unit"  # where the axes of a layer have different ones


def pixel_size(image: Image, shape: tuple[int, ...]) -> tuple[tuple[float, ...], str]:
    """Give the size of a pixel along each axis, and the unit, as now.

    In the unit of the last axis, if those of the others can be told in it. The shape
    is that of a result, which may come from a coarser scale of the image.
    """
    axis = channel_axis(image)
    units = [unit for i, unit in enumerate(image.units) if i != axis]
    same = {unit.dimensionality for unit in units}
    return pixel_sizes(image, shape), str(units[-1]) if len(same) == 1 else MIXED


def label_features(
    image: Image, clustering: Clustering, moments: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Give a row for each component; the status bar shows it on hover.

    Its numbers are not rounded, for napari does that where it shows them.

    Parameters
    ----------
    image : Image
    clustering : Clustering
    moments : DataFrame, optional
        Means and standard deviations of the components, as `moments_of` gives them.
    """
    shape = clustering.labels.shape
    size, measure = pixel_measure(len(shape), *pixel_size(image, shape))
    pixels = clustering.pixel_counts
    table = pd.DataFrame(
        {
            "index": np.arange(1, clustering.n_components + 1),
            "weight": clustering.mixture.weights_.astype(np.float64),
            "share": pixels / pixels.sum(),
            "color": [color_text(clustering, color) for color in clustering.colors],
            "pixels": pixels,
            measure: _counted(pixels * size),
        }
    )
    return table if moments is None else with_moments(table, moments, "index")


def class_features(table: pd.DataFrame, result: Result) -> pd.DataFrame:
    """Give the table of classes, with their weights and colors as well."""
    classes, weights = result.all_classes, result.clustering.mixture.weights_
    labels = table["label"].tolist()
    moments = moments_of(table)
    cheap = table.drop(columns=moments.columns[1:])
    size = cheap.columns[cheap.columns.get_loc("share") + 1]  # area, volume or so
    cheap[size] = _counted(cheap[size].to_numpy())
    cheap = cheap.assign(
        weight=[
            # Nothing for what is none of the classes: napari says nothing of NaN.
            sum(float(weights[i - 1]) for i in members) if members else np.nan
            for members in map(classes.members, labels)
        ],
        color=[hexadecimal(np.array(classes.color(label))) for label in labels],
    )
    return with_moments(cheap, moments, "label").rename(columns={"label": "index"})


def _counted(sizes: NDArray[Any]) -> NDArray[Any]:
    """Give whole numbers as such, which napari shows with all their digits."""
    counts = np.rint(sizes).astype(np.int64)
    return counts if np.array_equal(counts, sizes) else sizes


def with_moments(
    table: pd.DataFrame, moments: pd.DataFrame, label: str = "label"
) -> pd.DataFrame:
    """Add the means and standard deviations of each label, at the end."""
    return table.join(moments.set_index("label"), on=label)


def color_text(clustering: Clustering, color: NDArray[np.float64]) -> str:
    """Write a color as #rrggbb, other channel values as numbers."""
    if clustering.picture.rgb:
        return hexadecimal(clustering.picture.to_rgb(color))
    return " ".join(f"{value:.4g}" for value in color)


def hexadecimal(color: NDArray[np.float64]) -> str:
    """Write red, green and blue from 0 to 1 as #rrggbb."""
    red, green, blue = np.rint(color * 255).astype(int)
    return f"#{red:02x}{green:02x}{blue:02x}"
