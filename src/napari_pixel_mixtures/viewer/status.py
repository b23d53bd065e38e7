"""Status: what the fit is doing, and what came of it, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .layers import level_text

if TYPE_CHECKING:
    from napari_pixel_mixtures.clusters import Clustering

    from .result import Result
    from .shown_level import Scales


@dataclass(frozen=True)
class Status:
    """What the fit is doing, in words and as a fraction of its iterations.

    Attributes
    ----------
    text : str
    fraction : float or None
        From 0 to 1 while a fit runs; None otherwise.
    """

    text: str
    fraction: float | None = None


def clusters_text(clustering: Clustering) -> str:
    """Say how many clusters there are."""
    n = clustering.n_components
    return "1 cluster" if n == 1 else f"{n} clusters"


def result_text(result: Result) -> str:
    """Say what came of a fit; of a multiscale image also on which level.

    Of one that did not converge its `advice` says so.
    """
    clustering = result.clustering
    n = clustering.mixture.n_iter_
    text = (
        f"{clusters_text(clustering)} after {n} iteration{'s' * (n != 1)}; mean "
        f"log-likelihood {clustering.log_likelihood:.4f}"
    )
    level = level_text(result.image)
    return text if level is None else f"{text}; of the image's {level}"


def zoom_text(scales: Scales) -> str:
    """Say what is shown on finer levels than the one that was clustered."""
    if not scales:
        return ""
    every = [name for blocks in scales.finer for name in blocks.level.missing]
    missing = dict.fromkeys(every)
    if not missing:
        return "; zoomed in, labels are those of the level shown"
    verb = "are" if len(missing) > 1 else "is"
    names = " and ".join(missing)
    return f"; zoomed in, labels are enlarged, for {names} {verb} of that level alone"
