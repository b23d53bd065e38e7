"""class_table: what there is of each class, and what it looks like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .certainty import Certainty
from .clustering import material_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from .classes import Classes
    from .clusters import Clustering
    from .material import Material

NONE_OF_THESE = "none of these"


def class_table(
    clustering: Clustering,
    classes: Classes,
    threshold: float | None = None,
    scale: Sequence[float] | None = None,
    unit: str = "pixel",
    material: Material | None = None,
) -> pd.DataFrame:
    """Give a row for each class.

    Parameters
    ----------
    clustering : Clustering
    classes : Classes
        Of its components.
    threshold : float, optional
        Pixels with a lower log-density are none of the classes: they have a row of
        their own, with label 0.
    scale : sequence of float, optional
        Size of a pixel along each axis of the picture; 1 by default.
    unit : str
        What the scale is in.
    material : Material, optional
        What the clustering was made from, if it is at hand.

    Returns
    -------
    DataFrame
        label; name; components, how many; pixels; their share of all clustered
        pixels; their area (volume, for three axes) in the unit; and mean and
        standard deviation of every feature and channel over the pixels with this
        label, each pixel counted once, in their own units. A class without
        pixels has NaN there.

    Raises
    ------
    ValueError
        The scale has not a number for each axis, or the classes are those of
        another number of components.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_pixel_mixtures import Classes, class_table, cluster
    >>> clustering = cluster(np.array([[0, 1, 0, 9], [1, 0, 8, 9]]), n_components=2)
    >>> class_table(clustering, Classes.of(clustering), scale=(0.5, 0.5), unit="mm")
       label     name  components  pixels  share  area (mm^2)  mean gray  std gray
    0      1  class 1           1       5  0.625         1.25   0.400000  0.489898
    1      2  class 2           1       3  0.375         0.75   8.666667  0.471405
    """
    import pandas as pd

    if classes.n_components != clustering.n_components:
        raise ValueError(
            f"Expected classes of {clustering.n_components} components, as the "
            f"clustering has, got {classes.n_components}."
        )
    if material is None:
        material = material_of(clustering)
    size, measure = _size(clustering.labels.ndim, scale, unit)
    found = classes.apply(material.collect(clustering.labels))
    labels = list(classes.labels)
    if threshold is not None:
        certainty = Certainty(clustering, material)
        found[certainty.unlikely_rows(threshold)] = 0
        labels.append(0)
    weights = None if material.counts is None else material.counts.astype(np.float64)
    pixels = np.bincount(found, weights, minlength=256)[labels].astype(np.int64)
    columns: dict[str, Any] = {
        "label": labels,
        "name": [classes.name(i) if i else NONE_OF_THESE for i in labels],
        "components": [len(classes.members(i)) if i else 0 for i in labels],
        "pixels": pixels,
        "share": pixels / pixels.sum(),
        measure: pixels * size,
    }
    for name, values in _columns(clustering, material):
        means, deviations = _moments(values, found, weights)
        columns[f"mean {name}"] = means[labels]
        columns[f"std {name}"] = deviations[labels]
    return pd.DataFrame(columns)


def _size(ndim: int, scale: Sequence[float] | None, unit: str) -> tuple[float, str]:
    """Give the size of a pixel, and the name of its column."""
    steps = np.ones(ndim) if scale is None else np.asarray(scale, np.float64)
    if steps.shape != (ndim,) or not (np.isfinite(steps) & (steps > 0)).all():
        raise ValueError(
            f"Expected a scale above 0 for each of the {ndim} axes, got {scale!r:.80}."
        )
    names = {2: "area", 3: "volume"}
    return float(steps.prod()), f"{names.get(ndim, 'size')} ({unit}^{ndim})"


def _columns(
    clustering: Clustering, material: Material
) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Give the name and the values of every channel, then of every other feature."""
    channels = clustering.picture.channel_names
    for name, values in zip(channels, material.values.T, strict=True):
        yield name, values.astype(np.float64)
    for group in clustering.groups:
        for column in range(group.start, group.stop):
            name = clustering.feature_names[column]
            if name not in channels:
                values = material.samples.values[:, column].astype(np.float64)
                yield name, values / group.factor


def _moments(
    values: NDArray[np.float64],
    labels: NDArray[np.uint8],
    weights: NDArray[np.float64] | None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give mean and standard deviation of the values with each label, (256,) each."""
    totals = np.bincount(labels, weights, minlength=256).astype(np.float64)
    totals[totals == 0] = np.nan

    def mean(of: NDArray[np.float64]) -> Any:
        weighted = of if weights is None else of * weights
        return np.bincount(labels, weighted, minlength=256) / totals

    means = mean(values)
    return means, np.sqrt(mean((values - means[labels]) ** 2))
