"""class_table: what there is of each class, and what it looks like."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array

from .certainty import Certainty
from .clustering import material_of
from .features import Channel, Color
from .features.checks import positive_numbers
from .features.samples import distinct_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from .classes import Classes
    from .clusters import Clustering
    from .material import Material

MOMENTS = ("mean ", "std ")  # how columns of features begin
BLOCK = 2**15  # rows at a time


def class_table(
    clustering: Clustering,
    classes: Classes,
    threshold: float | None = None,
    scale: Sequence[float] | None = None,
    unit: str = "pixel",
    material: Material | None = None,
    certainty: Certainty | None = None,
    features: bool = True,
) -> pd.DataFrame:
    """Give a row for each class.

    Parameters
    ----------
    clustering : Clustering
    classes : Classes
        Of its components.
    threshold : float, optional
        Pixels with a lower log-density are none of the classes: they have a row of
        their own, with the label `classes.none_of_these`.
    scale : sequence of float, optional
        Size of a pixel along each axis of the picture; 1 by default.
    unit : str
        What the scale is in.
    material : Material, optional
        What the clustering was made from, if it is at hand.
    certainty : Certainty, optional
        That of the clustering, if it is at hand.
    features : bool
        Whether means and standard deviations are wanted, which cost most.

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
    size, measure = pixel_measure(clustering.labels.ndim, scale, unit)
    rows, found = list(classes.labels), clustering.labels
    counts = clustering.pixel_counts
    if threshold is not None:
        certainty = certainty or Certainty(clustering, material)
        found = certainty.labels(threshold)
        rows.append(classes.none_of_these)
        counts = np.bincount(found.reshape(-1), minlength=rows[-1] + 1)[1:]
    sums = np.zeros(256, np.int64)
    np.add.at(sums, np.array(classes.leads), counts[: classes.n_components])
    sums[classes.n_components + 1 : counts.size + 1] = counts[classes.n_components :]
    pixels = sums[rows]
    columns: dict[str, Any] = {
        "label": rows,
        "name": [classes.name(i) for i in rows],
        "components": [len(classes.members(i)) for i in rows],
        "pixels": pixels,
        "share": pixels / pixels.sum(),
        measure: pixels * size,
    }
    if not features:
        return pd.DataFrame(columns)
    if material is None:
        material = material_of(clustering)
    if clustering.recipe.smoothing > 0:  # pixels of one color have several labels
        material = material.by_pixel()
    rows_labels = material.collect(classes.apply(found))
    names, means, deviations = _moments(clustering, material, rows_labels)
    for i, name in enumerate(names):
        columns[f"mean {name}"] = means[rows, i]
        columns[f"std {name}"] = deviations[rows, i]
    return pd.DataFrame(columns)


def moments_of(table: pd.DataFrame) -> pd.DataFrame:
    """Give the label, and the means and standard deviations, of a `class_table`."""
    return table[["label", *(c for c in table.columns if c.startswith(MOMENTS))]]


def merge_rows(table: pd.DataFrame, classes: Classes) -> pd.DataFrame:
    """Give a row for each class, from a table with a row for each component.

    Parameters
    ----------
    table : DataFrame
        What `class_table` gives where every component is a class.
    classes : Classes
        Of these components.

    Returns
    -------
    DataFrame
        What `class_table` gives for the classes, at once, but for rounding.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_pixel_mixtures import Classes, class_table, cluster
    >>> clustering = cluster(np.array([[0, 1, 0, 9], [1, 0, 8, 9]]), n_components=2)
    >>> classes = Classes.of(clustering)
    >>> found = merge_rows(class_table(clustering, classes), classes.merge(1, 2))
    >>> found[["label", "components", "pixels", "mean gray", "std gray"]]
       label  components  pixels  mean gray  std gray
    0      1           2       8        3.5  4.031129
    """
    labels = np.array(table["label"])
    # What is none of the classes leads itself.
    leads_of = dict(enumerate(classes.leads, start=1))
    leads = np.array([leads_of.get(i, i) for i in labels.tolist()])
    rows = [*classes.labels, *(i for i in labels.tolist() if i not in leads_of)]
    members = (leads == np.array(rows)[:, np.newaxis]).astype(np.float64)
    pixels = table["pixels"].to_numpy().astype(np.float64)
    found = table.iloc[[labels.tolist().index(row) for row in rows]].copy()
    found["name"] = [classes.name(row) for row in rows]
    sums = [c for c in table.columns[2:] if not c.startswith(MOMENTS)]
    for column in sums:
        found[column] = (members @ table[column]).astype(table[column].dtype)
    shares = members * pixels
    totals = shares.sum(axis=1, keepdims=True)
    totals[totals == 0] = np.nan
    shares /= totals
    for column in table.columns:
        if not column.startswith("mean "):
            continue
        spread = f"std {column.removeprefix('mean ')}"
        means, deviations = np.nan_to_num(table[[column, spread]].to_numpy().T)
        found[column] = centers = shares @ means
        offsets = (means - centers[:, np.newaxis]) ** 2
        variances = (shares * (deviations**2 + offsets)).sum(axis=1)
        found[spread] = np.sqrt(variances)
    return found.reset_index(drop=True)


def pixel_measure(
    ndim: int, scale: Sequence[float] | None, unit: str
) -> tuple[float, str]:
    """Give the size of a pixel, and the name of its column."""
    steps = [1.0] * ndim if scale is None else positive_numbers(scale)
    if len(steps) != ndim:
        raise ValueError(
            f"Expected a scale above 0 for each of the {ndim} axes, got {scale!r:.80}."
        )
    names = {2: "area", 3: "volume"}
    return math.prod(steps), f"{names.get(ndim, 'size')} ({unit}^{ndim})"


def _moments(
    clustering: Clustering, material: Material, labels: NDArray[np.uint8]
) -> tuple[list[str], NDArray[np.float64], NDArray[np.float64]]:
    """Give mean and standard deviation of every channel, then of every other feature.

    Returns
    -------
    names : list of str (c,)
    means, deviations : ndarray (256, c) float64
        Those of the rows with each label.
    """
    (channels,) = distinct_names([clustering.picture.channel_names])
    factors = np.empty(len(clustering.feature_names))
    for group in clustering.groups:
        factors[group.columns] = group.factor
    # By their kind, for another image may be called as a channel is.
    rest = [
        i
        for group in clustering.groups
        if not isinstance(group.feature, Color | Channel)
        for i in range(*group.columns.indices(len(factors)))
    ]
    others = tuple(clustering.feature_names[i] for i in rest)
    names = [*channels, *distinct_names([channels, others])[1]]
    samples, n = material.samples.values, len(labels)
    centers = np.zeros((256, len(names)))

    def mean(power: int) -> NDArray[np.float64]:
        """Mean of a power of the values less their centers."""
        totals, sums = np.zeros((256, 1)), np.zeros((256, len(names)))
        for start in range(0, n, BLOCK):
            rows = slice(start, start + BLOCK)
            block = np.hstack(
                [material.values[rows], samples[rows, rest] / factors[rest]],
                dtype=np.float64,
                casting="unsafe",
            )
            m = len(block)
            counts = np.ones(m) if material.counts is None else material.counts[rows]
            entries: Any = (counts.astype(np.float64), labels[rows], np.arange(m + 1))
            chosen = csr_array(entries, shape=(m, 256)).T
            sums += chosen @ (block - centers[labels[rows]]) ** power
            totals[:, 0] += chosen.sum(axis=1)
        totals[totals == 0] = np.nan
        return sums / totals

    centers = mean(1)
    return names, centers, np.sqrt(mean(2))
