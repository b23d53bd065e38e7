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
import os
import platform
import statistics
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from engine_jobs import OURS, SKLEARN, child
from machine import machine
from peers import ENGINES

README = Path(__file__).parents[2] / "README.md"
BEGIN, END = "<!-- benchmark:engine:{} -->", "<!-- /benchmark:engine:{} -->"

SIZES = (0.27, 4, 64)  # megapixels
BYTES = 12  # of a pixel's features
MEMORY = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


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

    def within_reach(self, engine, found, megapixels, more):
        """Say whether an engine can do more pixels, as it did with so many."""
        title = f"{engine} at {more} Mpx"
        if found is None:
            self.missing.add(f"{title} was not tried")
        elif found["median"] * more / megapixels > self.options.limit:
            self.missing.add(f"{title} would take over {self.options.limit:.0f} s")
        elif found["extra"] * BYTES * more * 1e6 > MEMORY / 2:
            self.missing.add(f"{title} would take over half of the memory")
        else:
            return True
        return False

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
    """Many pixels, every engine: fit and predict, memory for it, prediction alone.

    What would take longer than the limit, or more than half of the memory, going by a
    smaller size, is not tried.
    """
    head, rows = ["continuous RGB, K = 10"], []
    for megapixels in SIZES:
        head += [f"{megapixels} Mpx: fit and predict, memory", "labels, Mpx/s"]
    for engine in bench.engines:
        row, large, smaller = [engine], None, None
        for megapixels in SIZES:
            if smaller and not bench.within_reach(engine, large, smaller, megapixels):
                row += ["-", "-"]
                large = None
                continue
            large = bench.measure(engine, "large", megapixels=megapixels)
            extra = "" if large is None else f", {large['extra']:.2f}"
            row.append(seconds(large) + extra)
            found = None
            if ENGINES[engine].predicts:
                found = bench.measure(engine, "predict", megapixels=megapixels)
            rate = "-" if found is None else f"{megapixels / found['median']:.1f}"
            row.append(rate + ("" if found is None else found["star"]))
            smaller = megapixels
        rows.append(row)
    return table(head, rows)


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
