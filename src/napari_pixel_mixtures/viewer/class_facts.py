"""What is found out of a clustering in the background, to make classes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_pixel_mixtures.certainty import Certainty
from napari_pixel_mixtures.classes import Classes
from napari_pixel_mixtures.clustering import material_of
from napari_pixel_mixtures.overlap import merge_tree
from napari_pixel_mixtures.tables import class_table

from .class_layer import pixel_size
from .worker import Step

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from napari_pixel_mixtures.material import Material

    from .result import Result

TREE = "the merge tree"
CERTAINTY = "how likely each pixel is"
DETAILS = "means and deviations"


def _certainty(result: Result, material: Material) -> Certainty:
    certainty = Certainty(result.clustering, material)
    certainty.threshold(0.0)  # so that it is at hand for any other
    return certainty


def _details(result: Result, material: Material) -> Any:
    """Give the table of the components; that of classes is made of it."""
    clustering = result.clustering
    scale, unit = pixel_size(result)
    classes = Classes.of(clustering)
    return class_table(clustering, classes, result.threshold, scale, unit, material)


FACTS: dict[str, Callable[[Result, Material], Any]] = {
    TREE: lambda result, material: merge_tree(result.clustering, material),
    CERTAINTY: _certainty,
    DETAILS: _details,
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

    def steps(self) -> Generator[Step, None, dict[str, Any]]:
        """Find them all."""
        yield Step(self.title, 0.0)
        material = material_of(self.result.clustering, self.gather)
        found = {}
        for i, name in enumerate(self.wanted, start=1):
            yield Step(self.title, i / (len(self.wanted) + 1))
            found[name] = FACTS[name](self.result, material)
        return found
