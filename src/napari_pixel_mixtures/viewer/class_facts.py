"""What is found out of a clustering in the background, to make classes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_pixel_mixtures.certainty import Certainty
from napari_pixel_mixtures.classes import Classes
from napari_pixel_mixtures.clustering import material_of
from napari_pixel_mixtures.overlap import merge_tree
from napari_pixel_mixtures.tables import class_table, moments_of

from .worker import Step

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    import pandas as pd

    from napari_pixel_mixtures.clusters import Clustering
    from napari_pixel_mixtures.material import Material

    from .result import Result

TREE = "the merge tree"
CERTAINTY = "how likely each pixel is"
MOMENTS = "means and deviations"
LIKELY_MOMENTS = "means and deviations of likely pixels"
"""Those of the pixels that are in a class, where not all are."""


def _certainty(result: Result, material: Material) -> Certainty:
    certainty = Certainty(result.clustering, material)
    certainty.threshold(0.0)  # so that it is at hand for any other
    return certainty


def _moments(
    clustering: Clustering, material: Material, threshold: float | None = None
) -> pd.DataFrame:
    """Give means and deviations of the components; those of classes are made of it."""
    classes = Classes.of(clustering)
    table = class_table(clustering, classes, threshold, material=material)
    return moments_of(table)


FACTS: dict[str, Callable[[Result, Material], Any]] = {
    TREE: lambda result, material: merge_tree(result.clustering, material),
    CERTAINTY: _certainty,
    MOMENTS: lambda result, material: _moments(result.clustering, material),
    LIKELY_MOMENTS: lambda result, material: _moments(
        result.clustering, material, result.threshold
    ),
}


@dataclass(frozen=True, eq=False)
class FactsJob:
    """Facts to find out of a result.

    Attributes
    ----------
    result : Result
    wanted : tuple of str
        Keys of `FACTS`.
    gather : callable
        Measures the picture, as `Material.gather`.
    """

    result: Result
    wanted: tuple[str, ...]
    gather: Callable[..., Material]
    live = True

    @property
    def title(self) -> str:
        """What is done, for the activity dock."""
        return f"Finding {' and '.join(self.wanted)}"

    @property
    def image(self) -> Any:
        """The layer that it belongs to."""
        return self.result.image

    def covers(self, result: Result, wanted: tuple[str, ...]) -> bool:
        """Tell whether it finds these facts of a result, or of another state of it."""
        return (
            self.result.clustering is result.clustering
            and self.result.threshold == result.threshold
            and set(wanted) <= set(self.wanted)
        )

    def steps(self) -> Generator[Step, None, dict[str, Any]]:
        """Find them all."""
        yield Step(self.title, 0.0)
        material = material_of(self.result.clustering, self.gather)
        found = {}
        for i, name in enumerate(self.wanted, start=1):
            yield Step(self.title, i / (len(self.wanted) + 1))
            found[name] = FACTS[name](self.result, material)
        return found
