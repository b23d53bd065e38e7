"""How well clusters agree with people; writes the table of docs/segmentation.md.

    python tests/benchmarks/bench_segmentation.py --shared ../shared

The pictures are those of BSDS500 (Arbelaez, Maire, Fowlkes and Malik, PAMI 2011): a
folder `data/bsds500-train` of pictures, each with several people's segmentations, and
`tools/segmentation_scores.py` with the measures, against which ours, which are faster,
are checked for a result of each picture. Every preset of Cluster pixels is run with
each number of components; ODS is the one number that is best for the set, OIS the best
number for each picture. Lines are printed as soon as a preset is done.
"""

import argparse
import os
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from segmentation_measures import People
from skimage.io import imread
from sklearn.exceptions import ConvergenceWarning

from napari_pixel_mixtures import Picture, Recipe
from napari_pixel_mixtures.clustering import cluster_steps
from napari_pixel_mixtures.presets import PRESETS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "segmentation.md"
BEGIN, END = "<!-- benchmark:segmentation -->", "<!-- /benchmark:segmentation -->"
NUMBERS = (2, 3, 4, 6, 8, 10, 15, 20, 30)
KINDS = "clusters", "regions"


@dataclass(frozen=True)
class Case:
    """A picture, and how people have segmented it."""

    picture: Picture
    truths: list[np.ndarray]
    people: People

    @classmethod
    def read(cls, path, truths):
        return cls(Picture.from_array(imread(path)), truths, People(truths))


def clustered(picture, recipe):
    """Cluster a picture to the end."""
    steps = cluster_steps(picture, recipe)
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


def measured(preset, case):
    """Scores of a preset's clusters and of their regions, (numbers, kinds, 3).

    Regions are made as Segments makes them, whatever the preset.
    """
    shape = case.picture.shape
    rows = []
    for number in NUMBERS:
        recipe = Recipe(n_components=number, **preset.settings(shape))
        clustering = clustered(case.picture, recipe)
        regions = clustering.regions(**PRESETS["Segments"].regions(shape))
        rows.append([case.people.scores(x) for x in (clustering.labels, regions)])
    return np.array(rows), clustering.labels


def check(case, labels, scores, tool):
    """Stop if our measures are not the tool's."""
    expected = tool.scores(labels, case.truths)
    if not np.allclose(scores, expected, rtol=1e-9):
        raise AssertionError(f"Expected the scores {expected}, found {scores}.")


def line(name, kind, table, summary):
    """One line of the table in Markdown, from scores (n, numbers, 3)."""
    covering = table[:, :, 0]
    halves = [
        covering[1 - i :: 2, covering[i::2].mean(axis=0).argmax()].mean()
        for i in (0, 1)
        if len(table) > 1
    ]
    cells = [name, kind, str(NUMBERS[int(covering.mean(axis=0).argmax())])]
    for measure, scales in summary(table).items():
        digits = 2 if measure == "vi" else 3
        cells += [f"{scales[scale]:.{digits}f}" for scale in ("ODS", "OIS")]
    cells.append(" / ".join(f"{half:.3f}" for half in halves))
    return "| " + " | ".join(cells) + " |"


HEAD = (
    "| preset | what | K | covering ODS | OIS | Rand index ODS | OIS "
    "| variation of information ODS | OIS "
    "| covering of either half, K from the other |\n"
    "|---|---|---|---|---|---|---|---|---|---|\n"
)


def rows_of_page():
    """The lines of the table on the page, by preset and what."""
    text = PAGE.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0]
    cells = {row: row.split(" | ") for row in text.splitlines() if " | " in row}
    return {(c[0].removeprefix("| "), c[1]): row for row, c in cells.items()}


def write(measured):
    """Put lines, by preset and what, into the table on the page."""
    rows = rows_of_page() | measured
    order = [(name, kind) for name in PRESETS for kind in KINDS]
    text = HEAD + "".join(rows[key] + "\n" for key in order if key in rows)
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
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
    parser.add_argument("--presets", nargs="+", choices=PRESETS, default=list(PRESETS))
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
    found = list(segmentation_scores.images(folder))[: options.pictures]
    cases = [Case.read(path, truths) for _, path, truths in found]
    warnings.simplefilter("ignore", ConvergenceWarning)
    lines = {}
    began = time.perf_counter()
    for preset in (PRESETS[name] for name in options.presets):
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            results = list(pool.map(partial(measured, preset), cases))
        for case, (scores, labels) in zip(cases, results, strict=True):
            check(case, labels, scores[-1, 0], segmentation_scores)
        tables = np.array([scores for scores, _ in results])
        for i, kind in enumerate(KINDS):
            text = line(preset.name, kind, tables[:, :, i], segmentation_scores.summary)
            print(text, f" {time.perf_counter() - began:.0f} s", flush=True)
            lines[preset.name, kind] = text
    if options.pictures is None:
        write(lines)


if __name__ == "__main__":
    main()
