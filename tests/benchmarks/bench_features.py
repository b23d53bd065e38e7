"""How long features take: a picture, a volume, and a fit after a weight was changed.

    python tests/benchmarks/bench_features.py            print the table
    python tests/benchmarks/bench_features.py --write    and put it into the README

A time is the least of several runs, for other programs only lengthen it; the CPU time
of both cores together hardly feels them.
"""

import argparse
import resource
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from machine import machine

ROOT = Path(__file__).parents[2]
BEGIN, END = "<!-- benchmark:features -->", "<!-- /benchmark:features -->"
REPEATS = 3


def photograph(rows=2048, columns=2048):
    """scikit-learn's photograph, repeated and noisy, so that no two parts are alike."""
    from sklearn.datasets import load_sample_image

    image = load_sample_image("china.jpg")
    repeats = (-(-rows // image.shape[0]), -(-columns // image.shape[1]), 1)
    tiled = np.tile(image, repeats)[:rows, :columns].astype(np.int16)
    tiled += np.random.default_rng(0).integers(-8, 9, tiled.shape, np.int16)
    return np.clip(tiled, 0, 255).astype(np.uint8)


def least(function):
    """Give the least time and CPU time of several calls, in seconds, as text."""
    times = []
    for _ in range(REPEATS):
        start, cpu = time.perf_counter(), time.process_time()
        function()
        times.append((time.perf_counter() - start, time.process_time() - cpu))
    return [f"{min(seconds):.2f} s" for seconds in zip(*times, strict=True)]


def picture():
    """Time the features of 4 Mpx one by one, together, and the fits."""
    from napari_pixel_mixtures.features import (
        Blur,
        Feature,
        Lab,
        LocalDeviation,
        Picture,
        Position,
        StructureTensor,
    )
    from napari_pixel_mixtures.material_cache import MaterialCache
    from napari_pixel_mixtures.recipe import Recipe

    image = Picture.from_array(photograph())
    for kind in Feature.registry.values():
        feature = kind()
        if kind.kind == "companion":
            continue
        name = f"4 Mpx RGB: {feature!r}"
        seconds = least(lambda feature=feature: feature.compute(image, None))
        yield name, *seconds, ""
    for textures in (
        (LocalDeviation(2), LocalDeviation(4)),
        (StructureTensor(2), StructureTensor(4)),
        (Blur(2, of="Lab"), Blur(4, of="Lab")),
    ):
        features = (Lab(), Position(), *textures)
        recipe = Recipe(n_components=6, features=features)
        seconds = least(lambda r=recipe: MaterialCache().gather(image, r, None))
        names = ", ".join(map(repr, features))
        yield f"4 Mpx RGB: {names}", *seconds, "1.5 s"
        yield from _refits(image, recipe)


def _refits(image, recipe):
    """Time what a change of a weight costs: the features, and the fit with them."""
    from napari_pixel_mixtures.clustering import cluster_steps
    from napari_pixel_mixtures.material_cache import MaterialCache

    cache = MaterialCache()
    weights = iter(np.linspace(0.5, 1, 100))

    def changed():
        *others, last = recipe.features
        last = replace(last, weight=float(next(weights)))
        return replace(recipe, features=(*others, last))

    def refit():
        for _ in cluster_steps(image, changed(), gather=cache.gather):
            pass

    refit()
    seconds = least(lambda: cache.gather(image, changed(), None))
    yield "these, after a change of a weight", *seconds, ""
    d = len(cache.gather(image, recipe, None).samples.names)
    yield f"their fit anew, {d} columns, K = 6", *least(refit), "0.5 s"


def volume():
    """Cluster a volume; print the seconds and the memory over that of the features."""
    from napari_pixel_mixtures import Blur, Color, Position, StructureTensor, cluster

    random = np.random.default_rng(0)
    shape = (64, 512, 512)
    values = random.integers(0, 40, shape, np.uint8)
    # In bytes throughout: what is needed here would hide what clustering needs.
    z, y, x = ((i // 32).astype(np.uint8) for i in np.indices(shape, sparse=True))
    values += (x + y + z) % 3 * 90
    features = [Color(), Position(), Blur(2), StructureTensor(2)]
    # Everything is loaded and compiled before.
    cluster(values[:4, :64, :64], features=features, channel_axis=None)
    before = _peak()
    start, cpu = time.perf_counter(), time.process_time()
    clustering = cluster(values, n_components=4, features=features, channel_axis=None)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    size = clustering.labels.size * 4 * len(clustering.feature_names)
    print(seconds, cpu, (_peak() - before) / size, len(clustering.feature_names))


def _peak():
    """Most memory of this process so far, in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="write the README")
    parser.add_argument("--volume", action="store_true", help="only that, in figures")
    options = parser.parse_args()
    if options.volume:
        volume()
        return
    rows = list(picture())
    # In processes of their own, for the peak of memory never sinks.
    runs = [
        subprocess.run(
            [sys.executable, __file__, "--volume"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.split()
        for _ in range(REPEATS)
    ]
    seconds, cpu, ratio, n = (
        min(map(float, figures)) for figures in zip(*runs, strict=True)
    )
    name = f"64 x 512 x 512 volume, {n:.0f} columns, features and fit, K = 4"
    rows.append((name, f"{seconds:.1f} s", f"{cpu:.1f} s", "10 s"))
    rows.append(
        ("its peak memory, over its features in float32", f"{ratio:.1f} x", "", "4 x")
    )
    table = "\n".join(
        ["| what | measured | CPU time | to reach |", "|---|---|---|---|"]
        + [f"| {' | '.join(row)} |" for row in rows]
    )
    note = (
        f"Least of {REPEATS} on {machine()}. Made by `python "
        "tests/benchmarks/bench_features.py --write`."
    )
    print(table, note, sep="\n\n")
    if options.write:
        readme = ROOT / "README.md"
        text = readme.read_text(encoding="utf-8")
        before, _, rest = text.partition(BEGIN)
        _, _, after = rest.partition(END)
        readme.write_text(
            f"{before}{BEGIN}\n{table}\n\n{note}\n{END}{after}", encoding="utf-8"
        )


if __name__ == "__main__":
    main()
