"""Influence as an exponent or as a tolerance; writes a table of docs/segmentation.md.

    python tests/benchmarks/bench_influence.py --shared ../shared

On the pictures of `bench_segmentation.py`, for color and position under each
covariance type: covering of clusters and of regions at the K of 4, 6 and 10 that is
best for all pictures. A tolerance is the root of `reg_covar`, in standard deviations
of the position, where color weighs 100 times as much. Under spherical covariances
there is none: a weight changes what is clustered, and a noise floor on some features
leaves no sphere; a weight on position stands in its place. The last lines, which are
only printed, are differences picture by picture, with their standard errors.
"""

import argparse
import os
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from bench_segmentation import PAGE, Case, clustered
from sklearn.exceptions import ConvergenceWarning

from napari_pixel_mixtures import Color, Position, Recipe
from napari_pixel_mixtures.presets import PRESETS
from napari_pixel_mixtures.recipe import COVARIANCE_TYPES

ROOT = Path(__file__).parents[2]
BEGIN, END = "<!-- benchmark:influence -->", "<!-- /benchmark:influence -->"
NUMBERS = (4, 6, 10)
PLAIN = "plain"


def settings():
    """Recipes but for the covariance type and the number of components, by name."""
    found = {PLAIN: {"features": (Color(), Position())}}
    for b in (0.5, 0.25):
        features = Color(), Position(influence=b)
        found[f"influence {b:g}"] = {"features": features}
    for t in (0.3, 1.0, 3.0):
        features = Color(weight=100), Position()
        found[f"tolerance {t:g}"] = {"features": features, "reg_covar": t**2}
    for w in (0.5, 0.25):
        found[f"weight {w:g}"] = {"features": (Color(), Position(weight=w))}
    return found


def told(name, kind):
    """Whether a setting means something under a covariance type."""
    word = "tolerance" if kind == "spherical" else "weight"
    return not name.startswith(word)


def covering(case, kind, choices):
    """Covering of clusters and of regions of a picture, (numbers, 2)."""
    shape = case.picture.shape
    regions = PRESETS["Segments"].regions(shape)
    rows = []
    for number in NUMBERS:
        recipe = Recipe(n_components=number, covariance_type=kind, **choices)
        clustering = clustered(case.picture, recipe)
        labels = clustering.labels, clustering.regions(**regions)
        rows.append([case.people.scores(one)[0] for one in labels])
    return rows


def difference(some, others):
    """Mean difference of two settings, picture by picture, and its standard error."""
    each = some - others
    return f"{each.mean():+.3f} +- {each.std(ddof=1) / np.sqrt(len(each)):.3f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument(
        "--pictures", type=int, default=None, help="only so many; nothing is written"
    )
    options = parser.parse_args()
    sys.path.insert(0, str(options.shared / "tools"))
    import segmentation_scores

    folder = options.shared / "data" / "bsds500-train"
    found = list(segmentation_scores.images(folder))[: options.pictures]
    cases = [Case.read(path, truths) for _, path, truths in found]
    warnings.simplefilter("ignore", ConvergenceWarning)
    head = " | ".join(f"{kind} clusters | regions" for kind in COVARIANCE_TYPES)
    lines = [f"| color and position | {head} |", "|---" * 9 + "|"]
    best = {}
    for name, choices in settings().items():
        cells = []
        for kind in COVARIANCE_TYPES:
            if not told(name, kind):
                cells += ["", ""]
                continue
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                work = partial(covering, kind=kind, choices=choices)
                table = np.array(list(pool.map(work, cases)))
            # At the K that is best for all pictures, of clusters and of regions.
            k = table.mean(axis=0).argmax(axis=0)
            best[name, kind] = chosen = np.stack([table[:, k[i], i] for i in (0, 1)])
            cells += [f"{value:.3f}" for value in chosen.mean(axis=1)]
        lines.append(f"| {name} | {' | '.join(cells)} |")
        print(lines[-1], flush=True)
    for kind in COVARIANCE_TYPES:
        other = "weight 0.5" if kind == "spherical" else "tolerance 1"
        pairs = zip(best[other, kind], best["influence 0.5", kind], strict=True)
        clusters, regions = (difference(*pair) for pair in pairs)
        lines.append(f"| {other} less influence 0.5, {kind} | {clusters} | {regions} |")
        print(lines[-1])
    if options.pictures is None:
        before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
        text = "\n".join([*lines[:-4], ""])
        after = rest.split(END)[1]
        PAGE.write_text(f"{before}{BEGIN}\n{text}{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
