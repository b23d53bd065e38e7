"""How well clusters agree with people; writes the table of docs/segmentation.md.

    python tests/benchmarks/bench_segmentation.py --shared ../shared

The pictures are those of BSDS500 (Arbelaez, Maire, Fowlkes and Malik, PAMI 2011): a
folder `data/bsds500-train` of pictures, each with several people's segmentations, and
`tools/segmentation_scores.py` with the measures. Every preset is run with each number
of components; ODS is the one number that is best for the set, OIS the best number for
each picture. One line is printed as soon as a preset is done.
"""

import argparse
import sys
import time
import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from skimage.io import imread
from sklearn.exceptions import ConvergenceWarning

from napari_pixel_mixtures import Color, Position, Recipe
from napari_pixel_mixtures.clustering import cluster_steps
from napari_pixel_mixtures.features import Picture

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "segmentation.md"
BEGIN, END = "<!-- benchmark:segmentation -->", "<!-- /benchmark:segmentation -->"
NUMBERS = (2, 3, 4, 6, 8, 10, 15, 20, 30)


@dataclass(frozen=True)
class Preset:
    """Settings that are the same for all pictures.

    Attributes
    ----------
    name : str
    recipe : Recipe
        The number of components in it does not matter.
    contrast : float
        Of the regions, see `Clustering.regions`.
    """

    name: str
    recipe: Recipe
    contrast: float = 0.0


PRESETS = (
    Preset("RGB (the notebook)", Recipe(features=Color(), scaling="raw")),
    Preset(
        "RGB + XY (the notebook)",
        Recipe(features=[Color(), Position()], scaling="raw"),
    ),
    Preset(
        "RGB + XY, smoothed 6 px, contrast 8",
        Recipe(features=[Color(), Position()], scaling="raw", smoothing=6),
        contrast=8,
    ),
)


def clustered(picture, recipe):
    """Cluster a picture to the end."""
    steps = cluster_steps(picture, recipe)
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


def measured(preset, measures, images):
    """Scores of a preset's clusters and of their regions, each (n, numbers, 3)."""
    tables = {"clusters": [], "regions": []}
    for _, path, truths in images:
        picture = Picture.from_array(imread(path))
        rows = {kind: [] for kind in tables}
        for number in NUMBERS:
            clustering = clustered(picture, replace(preset.recipe, n_components=number))
            found = {
                "clusters": clustering.labels,
                "regions": clustering.regions(contrast=preset.contrast),
            }
            for kind, labels in found.items():
                rows[kind].append(measures.scores(labels, truths))
        for kind, table in tables.items():
            table.append(rows[kind])
    return {kind: np.array(table) for kind, table in tables.items()}


def line(name, kind, table, summary):
    """One line of the table in Markdown."""
    means = table[:, :, 0].mean(axis=0)
    best = NUMBERS[int(means.argmax())]
    halves = [table[i::2, :, 0].mean(axis=0).max() for i in (0, 1) if len(table) > 1]
    cells = [name, kind, str(best)]
    for measure, scales in summary(table).items():
        digits = 2 if measure == "vi" else 3
        cells += [f"{scales[scale]:.{digits}f}" for scale in ("ODS", "OIS")]
    cells.append(" / ".join(f"{half:.3f}" for half in halves))
    return "| " + " | ".join(cells) + " |"


HEAD = (
    "| preset | what | K | covering ODS | OIS | Rand index ODS | OIS "
    "| variation of information ODS | OIS | covering ODS of either half |\n"
    "|---|---|---|---|---|---|---|---|---|---|\n"
)


def write(text):
    """Put the table between its marks on the page."""
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    PAGE.write_text(before + BEGIN + "\n" + text + END + after, encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--shared",
        type=Path,
        default=ROOT.parent / "shared",
        help="the folder with data/bsds500-train and tools/segmentation_scores.py",
    )
    parser.add_argument(
        "--pictures", type=int, default=None, help="only so many; nothing is written"
    )
    options = parser.parse_args()
    tools = options.shared / "tools"
    if not (tools / "segmentation_scores.py").exists():
        parser.error(
            f"Expected segmentation_scores.py in {tools}, found none; pass the folder "
            "that holds tools and data as --shared."
        )
    sys.path.insert(0, str(tools))
    import segmentation_scores

    folder = options.shared / "data" / "bsds500-train"
    images = list(segmentation_scores.images(folder))[: options.pictures]
    warnings.simplefilter("ignore", ConvergenceWarning)
    lines = []
    for preset in PRESETS:
        began = time.perf_counter()
        tables = measured(preset, segmentation_scores, images)
        for kind, table in tables.items():
            lines.append(line(preset.name, kind, table, segmentation_scores.summary))
            print(lines[-1], f" {time.perf_counter() - began:.0f} s", flush=True)
    if options.pictures is None:
        write(HEAD + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
