"""Measure the engine and its peers side by side; write the table of the README.

    python tests/benchmarks/bench_engine.py            all of it, about half an hour
    python tests/benchmarks/bench_engine.py --quick    without the slow peers' slow rows
    python tests/benchmarks/bench_engine.py --sections iteration kernels --write
                                                       anew in the README only these

Each cell is measured in a process of its own: median of five or more runs; an engine
that compiles has one more before. A run that takes longer than --patience, a minute,
is not repeated, and is marked with a star. What is said as a ratio of short times, of
two engines or of two numbers of threads, is measured in turns (A B A B ...) in one
process, so that a drift of the machine cancels. Peers that are not installed are left
out; the extra `bench` has them.
"""

import argparse
import json
import platform
import resource
import statistics
import subprocess
import sys
import time
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from machine import machine
from peers import ENGINES, Start

README = Path(__file__).parents[2] / "README.md"
BEGIN, END = "<!-- benchmark:engine:{} -->", "<!-- /benchmark:engine:{} -->"

# Seconds after which threads of the peers have stopped to wait for more work.
PAUSE = 0.3

# Seconds of work after which processors that have paused run at full speed again.
WARM_UP = 0.2

OURS, SKLEARN = "this engine", "scikit-learn"


def picture():
    from sklearn.datasets import load_sample_image

    return load_sample_image("china.jpg")


def features(name, megapixels=None):
    """Samples (n, d) in float32, as the notebook measures them."""
    image = picture()
    rgb = image.reshape(-1, 3)
    if megapixels is not None:
        n = int(megapixels * 1e6)
        rng = np.random.default_rng(0)
        samples = np.empty((n, 3), np.float32)
        for start in range(0, n, len(rgb)):
            part = samples[start : start + len(rgb)]
            part[:] = rgb[: len(part)]
            part += rng.random(part.shape, np.float32)
        return samples
    rows, columns = np.indices(image.shape[:2]).reshape(2, -1)
    if name == "rgb":
        return rgb.astype(np.float32)
    if name == "rgb+xy":
        return np.column_stack([rgb, rows, columns]).astype(np.float32)
    rng = np.random.default_rng(0)
    anchors = rng.uniform(size=(6, 2)) * image.shape[:2]
    distances = [np.hypot(rows - a, columns - b) for a, b in anchors]
    return np.column_stack([rgb, *distances]).astype(np.float32)


def start_for(samples, k):
    """Parameters from a few iterations on a part of the samples."""
    from sklearn.mixture import GaussianMixture

    part = samples[:: max(1, len(samples) // 20_000)].astype(np.float64)
    mixture = GaussianMixture(k, random_state=0, max_iter=2, reg_covar=1e-3).fit(part)
    names = ("weights_", "means_", "covariances_", "precisions_")
    return Start(*(getattr(mixture, name) for name in names))


# What a child process measures. Each gives a function to time, and what follows.


def job_whole(engine, spec):
    """From the picture to its labels: fit and predict, with the engine's own start."""
    samples = features(spec["features"])
    ready = engine.prepare(samples)
    codes = picture().reshape(-1, 3)
    kept = {}

    def run():
        begin = time.perf_counter()
        if engine.name == OURS and spec["features"] == "rgb":
            from napari_pixel_mixtures.mixture.distinct import distinct_rows

            distinct = distinct_rows(codes)
            rows = distinct.rows.astype(np.float32)
            kept["model"] = engine.fit(
                rows, spec["k"], spec["type"], None, 100, 1e-3, distinct.counts
            )
            engine.predict(kept["model"], rows)[distinct.inverse]
        else:
            kept["model"] = engine.fit(ready, spec["k"], spec["type"], None, 100, 1e-3)
            engine.predict(kept["model"], ready)
        return time.perf_counter() - begin

    return run, lambda: {"score": engine.score(kept["model"], samples)}


def job_iteration(engine, spec):
    """One EM iteration from a given start: what further iterations add."""
    # Between 0 and 1, because two of the peers fail on values of up to 255.
    samples = features(spec["features"]) / np.float32(255)
    ready = engine.prepare(samples)
    start = start_for(samples, spec["k"])
    low, high = 2, 22

    def timed(engine, ready, iterations):
        begin = time.perf_counter()
        engine.fit(ready, spec["k"], spec["type"], start, iterations, 0.0)
        return time.perf_counter() - begin

    def one(engine, ready):
        if not engine.takes_start:
            return timed(engine, ready, high) / high
        until = time.perf_counter() + WARM_UP
        while time.perf_counter() < until:
            timed(engine, ready, low)
        return (timed(engine, ready, high) - timed(engine, ready, low)) / (high - low)

    ours, ratios = ENGINES[OURS](), []

    def run():
        ours_before = one(ours, samples)
        time.sleep(PAUSE)
        theirs = one(engine, ready)
        time.sleep(PAUSE)
        ratios.append(2 * theirs / (ours_before + one(ours, samples)))
        return theirs

    one(ours, samples)  # compiles
    return run, lambda: {"ratio": statistics.median(ratios)}


def job_kernel(engine, spec):
    """One pass of the E step and the sums, by one thread and by two in turns."""
    from napari_pixel_mixtures.mixture import engine as configured
    from napari_pixel_mixtures.mixture.covariance import COVARIANCE_TYPES
    from napari_pixel_mixtures.mixture.em import Data
    from napari_pixel_mixtures.mixture.moments import Density
    from napari_pixel_mixtures.mixture.passes import sum_moments
    from napari_pixel_mixtures.mixture.team import Team

    samples = features(spec["features"])
    model = engine.fit(samples, spec["k"], "full", None, 100, 1e-3)
    data = Data.of(samples)
    density = Density.of(model.parameters(), COVARIANCE_TYPES["full"], samples.dtype)

    ratios = []

    def timed(team):
        begin = time.perf_counter()
        sum_moments(density, data.samples, data.weights, team)
        return time.perf_counter() - begin

    def team_of(n_threads):
        with configured(n_threads=n_threads):
            return Team()

    def run():
        with team_of(1) as alone, team_of(2) as together:
            timed(together)  # starts its thread
            pairs = [(timed(alone), timed(together)) for _ in range(20)]
        ratios.extend(one / two for one, two in pairs)
        return statistics.median(one for one, _ in pairs)

    return run, lambda: {"n": len(samples), "ratio": statistics.median(ratios)}


def job_predict(engine, spec):
    """Hard labels alone."""
    samples = features("rgb")
    model = engine.fit(engine.prepare(samples[::8]), spec["k"], "full", None, 5, 1e-3)
    ready = engine.prepare(features("rgb", spec["megapixels"]))

    def run():
        begin = time.perf_counter()
        engine.predict(model, ready)
        return time.perf_counter() - begin

    return run, dict


def job_large(engine, spec):
    """Fit and predict many pixels of continuous features, and the memory for it."""
    samples = features("rgb", spec["megapixels"])
    ready = engine.prepare(samples)
    engine.predict(
        engine.fit(ready[:9999], spec["k"], "full", None, 5, 1e-3), ready[:99]
    )
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    def run():
        begin = time.perf_counter()
        model = engine.fit(ready, spec["k"], "full", None, 100, 1e-3)
        engine.predict(model, ready)
        return time.perf_counter() - begin

    def rest():
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return {"extra": (peak - before) * 1024 / samples.nbytes}

    return run, rest


def job_sweep(engine, spec):
    """Ten sizes times four covariance types, on the distinct colors."""
    from napari_pixel_mixtures.mixture.distinct import distinct_rows
    from napari_pixel_mixtures.mixture.selection import select

    distinct = distinct_rows(picture().reshape(-1, 3))

    def run():
        begin = time.perf_counter()
        select(distinct.rows.astype(np.float32), sample_weight=distinct.counts)
        return time.perf_counter() - begin

    return run, dict


JOBS = {
    name.removeprefix("job_"): function
    for name, function in globals().copy().items()
    if name.startswith("job_")
}


def child(spec):
    warnings.simplefilter("ignore")
    run, rest = JOBS[spec["job"]](ENGINES[spec["engine"]](), spec)
    times = [run()]
    if times[0] <= spec["patience"]:
        compiled = ENGINES[spec["engine"]].compiles
        times = [] if compiled else times
        times += [run() for _ in range(spec["repeats"] - len(times))]
    print(json.dumps({"times": times, **rest()}))


class Bench:
    """Runs cells in child processes, and remembers how."""

    def __init__(self, options):
        self.options = options
        self.starred = False
        self.missing = set()  # why cells have no number
        names = [name for name, engine in ENGINES.items() if engine.installed()]
        if options.engines:
            names = [name for name in names if name in options.engines]
        self.engines = names

    def measure(self, engine, job, **spec):
        spec = {
            "k": 10,
            "features": "rgb",
            "type": "full",
            **spec,
            "engine": engine,
            "job": job,
            "repeats": self.options.repeats,
            "patience": self.options.patience,
        }
        print(f"{engine}: {job} {spec}", file=sys.stderr, flush=True)
        try:
            result = subprocess.run(
                [sys.executable, __file__, "--child", json.dumps(spec)],
                capture_output=True,
                text=True,
                timeout=self.options.limit,
            )
        except subprocess.TimeoutExpired:
            self.missing.add(f"{engine} takes over {self.options.limit:.0f} s")
            return None
        if result.returncode != 0:
            print(result.stderr[-2000:], file=sys.stderr)
            reason = result.stderr.strip().splitlines()[-1].partition(": ")[2]
            self.missing.add(f"{engine} fails ({reason.partition('. ')[0][:80]})")
            return None
        found = json.loads(result.stdout.splitlines()[-1])
        found["median"] = statistics.median(found["times"])
        found["star"] = "*" if len(found["times"]) == 1 else ""
        self.starred |= len(found["times"]) == 1
        return found

    def times_faster(self, found, reference):
        if found is None or reference is None:
            return ""
        return f" ({reference['median'] / found['median']:.0f}x)"


def seconds(found):
    if found is None:
        return "-"
    value = found["median"]
    text = f"{value * 1e3:.1f} ms" if value < 1 else f"{value:.1f} s"
    return text + found["star"]


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def whole_picture(bench):
    """The notebook's job, K = 2 to 30, every engine."""
    numbers = (2, 4, 10, 30)
    rows = []
    totals = {}
    for engine in bench.engines:
        slow = engine not in (OURS, SKLEARN) and bench.options.quick
        cells = [
            None if slow and k > 4 else bench.measure(engine, "whole", k=k)
            for k in numbers
        ]
        row = [engine]
        for found in cells:
            score = "" if found is None else f", {found['score']:.4f}"
            row.append(seconds(found) + score)
        if None in cells:
            row.append("-")
        else:
            totals[engine] = sum(found["median"] for found in cells)
            row.append(f"{totals[engine]:.2f} s")
        rows.append(row)
    for row in rows:
        if row[0] in totals and OURS in totals:
            row.append(f"{totals[row[0]] / totals[OURS]:.0f}x")
        else:
            row.append("-")
    head = ["RGB, fit and predict", *(f"K = {k}" for k in numbers)]
    return table([*head, "all four", "slower by"], rows)


def more_features(bench):
    """Other features and covariance types, against scikit-learn."""
    cases = [
        ("RGB + XY, K = 4", {"features": "rgb+xy", "k": 4}),
        ("RGB + XY, K = 10", {"features": "rgb+xy"}),
        ("RGB + XY, K = 30", {"features": "rgb+xy", "k": 30}),
        ("RGB + 6 distances, K = 10", {"features": "rgb+distances"}),
        ("RGB, K = 10, full", {}),
        ("RGB, K = 10, tied", {"type": "tied"}),
        ("RGB, K = 10, diag", {"type": "diag"}),
        ("RGB, K = 10, spherical", {"type": "spherical"}),
    ]
    rows = []
    for title, spec in cases:
        ours = bench.measure(OURS, "whole", **spec)
        theirs = bench.measure(SKLEARN, "whole", **spec)
        cells = [
            seconds(found) + ("" if found is None else f", {found['score']:.4f}")
            for found in (ours, theirs)
        ]
        rows.append([title, *cells, bench.times_faster(ours, theirs).strip(" ()")])
    return table(["fit and predict", OURS, SKLEARN, "faster by"], rows)


def one_iteration(bench):
    """One EM iteration from the same start, all rows."""
    found = {
        engine: bench.measure(engine, "iteration")
        for engine in bench.engines
        if not (bench.options.quick and engine == "OpenCV")
    }
    rows = []
    for engine, one in found.items():
        note = "" if ENGINES[engine].takes_start else " (its k-means included)"
        ratio = "-" if one is None else f"{one['ratio']:.0f}x"
        rows.append([engine + note, seconds(one), ratio])
    return table(["one EM iteration, RGB, K = 10", "time", "slower by"], rows)


def kernels(bench):
    """Nanoseconds for each pixel and component, and what a second thread gives."""
    rows = []
    for name, d in (("rgb", 3), ("rgb+xy", 5), ("rgb+distances", 9)):
        one = bench.measure(OURS, "kernel", features=name, k=30)
        if one is None:
            continue
        nanoseconds = one["median"] / one["n"] / 30 * 1e9
        rows.append([f"d = {d}", f"{nanoseconds:.2f}", f"{one['ratio']:.2f}x"])
    head = ["K = 30", "ns a pixel and component, one thread", "two threads"]
    return table(head, rows)


def sizes(bench):
    """Many pixels: fit and predict, prediction alone, memory."""
    rows = []
    for megapixels in (0.27, 4, 64):
        large = bench.measure(OURS, "large", megapixels=megapixels)
        extra = "-" if large is None else f"{large['extra']:.2f}"
        row = [f"{megapixels} Mpx", seconds(large), extra]
        for engine in bench.engines:
            if engine in ("mlpack", "OpenCV"):
                continue
            if megapixels > 4 and engine != OURS:
                row.append("-")
                continue
            found = bench.measure(engine, "predict", megapixels=megapixels)
            rate = "-" if found is None else f"{megapixels / found['median']:.1f}"
            row.append(rate + ("" if found is None else found["star"]))
        rows.append(row)
    names = [name for name in bench.engines if name not in ("mlpack", "OpenCV")]
    head = ["continuous RGB, K = 10", "fit and predict"]
    head += ["memory beyond the features, times their size"]
    return table([*head, *(f"{name}: labels, Mpx/s" for name in names)], rows)


# The first fit of a process, with compiled code on disk, and the one after it.
FIRST = """
import time
import numpy as np
from napari_pixel_mixtures.mixture import FastGaussianMixture
samples = np.random.default_rng(0).normal(size=(2000, {d})).astype("f4")
times = []
for _ in range(2):
    begin = time.perf_counter()
    FastGaussianMixture(3, covariance_type="{type}", random_state=0).fit(samples)
    times.append(time.perf_counter() - begin)
print(times[0] - times[1])
"""


def first_fits(bench):
    """What the first fit of a process takes more, and a sweep over 40 models."""

    def extra(d, covariance_type):
        code = FIRST.format(d=d, type=covariance_type)
        run = [sys.executable, "-W", "ignore", "-c", code]
        outputs = [subprocess.check_output(run, text=True) for _ in range(6)]
        return statistics.median(map(float, outputs[1:]))  # the first may compile

    rows = []
    for kind in ("full", "tied", "diag", "spherical"):
        times = [extra(d, kind) for d in (3, 5, 9)]
        rows.append([f"first fit, {kind}", ", ".join(f"{t:.2f} s" for t in times)])
    sweep = bench.measure(OURS, "sweep")
    rows.append(["BIC, AIC, ICL of K = 1 to 10, four types, RGB", seconds(sweep)])
    head = ["a new process, over a later fit, d = 3, 5, 9; a sweep", OURS]
    return table(head, rows)


SECTIONS = {
    "whole": whole_picture,
    "features": more_features,
    "iteration": one_iteration,
    "kernels": kernels,
    "sizes": sizes,
    "first": first_fits,
}


def versions():
    packages = {
        "numba": "numba",
        SKLEARN: "scikit-learn",
        "gmmx": "gmmx",
        "pomegranate": "pomegranate",
        "mlpack": "mlpack",
        "OpenCV": "opencv-python-headless",
    }
    found = []
    for name, package in packages.items():
        try:
            found.append(f"{name} {version(package)}")
        except ModuleNotFoundError:
            continue
    return ", ".join(found)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--patience", type=float, default=60.0, metavar="SECONDS")
    parser.add_argument("--limit", type=float, default=1800.0, metavar="SECONDS")
    parser.add_argument("--engines", nargs="*", choices=ENGINES)
    parser.add_argument("--sections", nargs="*", choices=SECTIONS, default=SECTIONS)
    parser.add_argument("--write", action="store_true", help="write the README")
    options = parser.parse_args()
    if options.child:
        child(json.loads(options.child))
        return
    bench = Bench(options)
    parts = {name: SECTIONS[name](bench) for name in options.sections}
    note = (
        f"Medians of {options.repeats} runs on {machine()}, "
        f"Python {platform.python_version()}, {versions()}. "
        "china.jpg, 427 x 640; beside a time, the final mean log-likelihood."
    )
    if bench.starred:
        note += f" A star marks a single run, of over {options.patience:.0f} s."
    if bench.missing:
        note += f" Without a number: {'; '.join(sorted(bench.missing))}."
    if len(parts) == len(SECTIONS):
        parts = {"note": note, **parts}
    else:
        print(note)
    print("\n\n".join(parts.values()))
    if options.write:
        write(parts)


def write(parts):
    """Put each table between its marks in the README."""
    readme = README.read_text()
    for name, text in parts.items():
        begin, end = BEGIN.format(name), END.format(name)
        if begin not in readme or end not in readme:
            raise SystemExit(f"No {begin} and {end} in {README}; add them, run again.")
        before, _, rest = readme.partition(begin)
        _, _, after = rest.partition(end)
        readme = f"{before}{begin}\n\n{text}\n\n{end}{after}"
    README.write_text(readme)


if __name__ == "__main__":
    main()
