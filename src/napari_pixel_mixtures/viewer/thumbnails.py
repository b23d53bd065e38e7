"""Thumbnails: what features measure, as small pictures made in the background."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from psygnal import Signal

from .worker import Runner, Step

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from napari_pixel_mixtures.features import Feature, Picture
    from napari_pixel_mixtures.material_cache import MaterialCache

    from .source import Source
    from .workspace import Workspace

THUMBNAIL_SIZE = (48, 72)  # pixels; shown at half of it, sharp also on fine screens
STRETCH = (1, 99)  # percentiles of a column that are shown as dark and bright


def thumbnail_pixels(
    shape: tuple[int, ...], size: tuple[int, int] = THUMBNAIL_SIZE
) -> NDArray[np.intp]:
    """Choose evenly spaced pixels of a picture's last two axes.

    Parameters
    ----------
    shape : tuple of int
        Of the picture, without its channels; of other axes the middle is taken.
    size : (int, int)
        Largest number of rows and columns; their proportion is the picture's.

    Returns
    -------
    ndarray (rows, columns)
        Flat indices into the picture.

    Examples
    --------
    >>> thumbnail_pixels((3, 4, 6), size=(2, 3))
    array([[24, 26, 29],
           [42, 44, 47]])
    """
    *others, n_rows, n_columns = shape
    scale = min(1.0, size[0] / n_rows, size[1] / n_columns)
    rows, columns = (
        np.rint(np.linspace(0, n - 1, max(1, round(n * scale)))).astype(np.intp)
        for n in (n_rows, n_columns)
    )
    middle = [n // 2 for n in others]
    where: tuple[Any, ...] = (*middle, rows[:, np.newaxis], columns[np.newaxis])
    return np.asarray(np.ravel_multi_index(where, shape))


def draw(columns: NDArray[Any], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Draw a feature's first columns as red, green and blue; one column in gray.

    Parameters
    ----------
    columns : ndarray (rows * columns, d)
        Each is stretched from dark to bright; what is not finite is black.
    shape : (rows, columns)

    Returns
    -------
    ndarray (rows, columns, 3)

    Examples
    --------
    >>> draw(np.array([[3.0], [5.0]]), (1, 2)).tolist()
    [[[0, 0, 0], [255, 255, 255]]]
    """
    colors = np.zeros((len(columns), 3))
    for i, column in enumerate(columns[:, :3].T):
        values = column.astype(np.float64)
        finite = np.isfinite(values)
        if not finite.any():
            continue
        low, high = np.percentile(values[finite], STRETCH)
        stretched = (values[finite] - low) / ((high - low) or 1.0)
        colors[finite, i] = np.clip(stretched, 0.0, 1.0)
    if columns.shape[1] == 1:
        colors[:] = colors[:, :1]
    return np.rint(255 * colors).astype(np.uint8).reshape(*shape, 3)


@dataclass(frozen=True, eq=False)
class ThumbnailJob:
    """Features to draw, in the background.

    Attributes
    ----------
    source : Source
        Where the picture is read from.
    cache : MaterialCache
        Where what is measured is kept, for the fit.
    features : tuple of Feature
        As they are measured.
    """

    source: Source
    cache: MaterialCache
    features: tuple[Feature, ...]
    title = "Drawing features"
    live = True

    def steps(self) -> Generator[Step, None, dict[Feature, NDArray[np.uint8] | str]]:
        """Draw each; where one cannot be measured, the result says why."""
        picture = self.cache.picture(self.source)
        pixels = thumbnail_pixels(picture.shape)
        drawn: dict[Feature, NDArray[np.uint8] | str] = {}
        for i, feature in enumerate(self.features):
            yield Step(self.title, i / len(self.features))
            try:
                columns = self._measure(feature, picture, pixels.ravel())
            except (TypeError, ValueError) as error:
                drawn[feature] = str(error)
            else:
                drawn[feature] = draw(columns, pixels.shape)
        return drawn

    def _measure(
        self, feature: Feature, picture: Picture, pixels: NDArray[np.intp]
    ) -> NDArray[Any]:
        """Measure some pixels; what looks at neighbors is measured once for all."""
        if feature.pixelwise:
            return feature.compute(picture, pixels)
        values = self.cache.features(picture).columns(picture, feature).values
        return values[pixels]


class Thumbnails:
    """Keeps a small picture of every feature of the workspace's recipe up to date.

    Parameters
    ----------
    workspace : Workspace
    """

    changed = Signal()

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._source: Source | None = None
        self._drawn: dict[Feature, NDArray[np.uint8] | str] = {}
        self.runner = Runner()
        self.runner.succeeded.connect(self._on_succeeded)
        self.runner.failed.connect(self._on_failed)

    def of(self, feature: Feature) -> NDArray[np.uint8] | str | None:
        """Give the thumbnail, or why there is none; None while it is not yet drawn."""
        return self._drawn.get(feature.measurement)

    def update(self, *_: Any) -> None:
        """Draw what is not drawn yet."""
        workspace = self._workspace
        if workspace.image is None:
            self._forget(None)
            return
        try:
            source = workspace.source()
        except ValueError:  # which a fit will tell
            self._forget(None)
            return
        # A fit that was asked for reads the array anew; thumbnails follow.
        if self._source is None or not self._source.matches(source):
            self._forget(source)
        misfits = {
            feature: sentence
            for feature, sentence in workspace.misfits().items()
            if feature not in self._drawn
        }
        if misfits:
            self._drawn |= misfits
            self.changed.emit()
        result = workspace.result
        if source.lazy and (result is None or not result.source.matches(source)):
            return  # only a fit may read all of it
        wanted = dict.fromkeys(f.measurement for f in workspace.recipe.features)
        for feature in [f for f in self._drawn if f not in wanted]:
            del self._drawn[feature]
        missing = tuple(f for f in wanted if f not in self._drawn)
        job = self.runner.job
        if missing and not (job is not None and set(missing) <= set(job.features)):
            self.runner.start(ThumbnailJob(source, workspace.cache, missing))

    def close(self) -> None:
        """Drop what is being drawn."""
        self.runner.cancel()

    def _forget(self, source: Source | None) -> None:
        self.runner.cancel()
        self._source = source
        self._drawn = {}
        self.changed.emit()

    def _on_succeeded(
        self, job: ThumbnailJob, drawn: dict[Feature, NDArray[np.uint8] | str]
    ) -> None:
        self._drawn |= drawn
        self.changed.emit()

    def _on_failed(self, job: ThumbnailJob, error: Exception) -> None:
        self._drawn |= dict.fromkeys(job.features, str(error))
        self.changed.emit()
