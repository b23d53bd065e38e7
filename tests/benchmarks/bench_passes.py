"""Where the time of an EM pass goes; write the table of docs/engine.md.

    python tests/benchmarks/bench_passes.py            print the table
    python tests/benchmarks/bench_passes.py --write    put it into the page

Full covariances, float32, K = 30, one thread. Instructions are counted in the compiled
code: those on vectors, in the stretches of it that calculate, of which each runs once
for each vector of `LANES` samples and each component.
"""

import argparse
import re
import statistics
import sys
import time
from pathlib import Path

import numpy as np
from numba import from_dtype, njit, types

sys.path.insert(0, str(Path(__file__).parent))
from engine_jobs import features
from machine import machine

from napari_pixel_mixtures.mixture import FastGaussianMixture, engine, library
from napari_pixel_mixtures.mixture.covariance import COVARIANCE_TYPES
from napari_pixel_mixtures.mixture.lanes import LANES
from napari_pixel_mixtures.mixture.moments import Density
from napari_pixel_mixtures.mixture.passes import label, sum_moments_of_each
from napari_pixel_mixtures.mixture.team import Team

PAGE = Path(__file__).parents[2] / "docs" / "engine.md"
BEGIN, END = "<!-- benchmark:passes -->", "<!-- /benchmark:passes -->"

K = 30
CASES = {3: "rgb", 5: "rgb+xy", 9: "rgb+distances"}
REPEATS = 15

STEPS = 8
CALCULATES = re.compile(r"v(fn?m|add|sub|mul|div|max|min|round|rndscale|scalef|cmp|p)")


@njit(nogil=True, fastmath={"contract"})
def multiply_add(values, factor, rounds):
    """Do as many fused multiplications and additions as a processor can."""
    for _ in range(rounds):
        for i in range(len(values)):
            value = values[i]
            for _ in range(STEPS):
                value = value * factor + factor
            values[i] = value


def timed(function, repeats=REPEATS):
    """Seconds that a function takes: the median of some runs, after one more."""
    function()
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        function()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def nanoseconds_a_step():
    """Time of a multiplication and addition of one lane, all lanes at work."""
    values = np.ones(1024, np.float32)
    rounds = 3000
    seconds = timed(lambda: multiply_add(values, np.float32(0.5), rounds))
    return seconds / (rounds * len(values) * STEPS) * 1e9


def code_of(name, plan):
    """The assembly of a pass and its steps, compiled anew."""
    function, signature, *steps = library.PASSES[name]
    addresses = (types.int64,) * len(steps)
    jobs = [(function, addresses + signature(library._arrays(plan.dtype)))]
    real = from_dtype(plan.dtype)
    jobs += [(step, kinds(plan._numba_type_, real)) for step, kinds in steps]
    code = []
    for job, given in jobs:
        dispatcher = njit(nogil=True)(job)
        dispatcher.compile(given)
        code += dispatcher.inspect_asm().values()
    return "\n".join(code)


def counted(code):
    """Count instructions on vectors where they calculate: all, arithmetic, stack."""
    total = np.zeros(3, int)
    for block in re.split(r"^\.L\w+:", code, flags=re.MULTILINE):
        lines = [line.strip() for line in block.splitlines()]
        vectors = [line for line in lines if re.search(r"%[yz]mm|\.\ds", line)]
        fused = sum(line.startswith(("vfm", "vfnm")) for line in vectors)
        if fused < 4:
            continue
        calculating = sum(bool(CALCULATES.match(line)) for line in vectors)
        stack = sum("(%rsp)" in line or "(%rbp)" in line for line in vectors)
        total += len(vectors), calculating, stack
    return total


def row(d, name, step):
    samples = features(name)
    mixture = FastGaussianMixture(K, random_state=0, max_iter=5).fit(samples)
    parameters = mixture.parameters()
    density = Density.of(parameters, COVARIANCE_TYPES["full"], samples.dtype)
    weights = np.ones(len(samples), np.float32)
    with engine(n_threads=1):
        team = Team()
    each = 1e9 / len(samples) / K
    with team:
        whole = (
            timed(lambda: sum_moments_of_each([density], samples, weights, team)) * each
        )
        labels = timed(lambda: label(density, samples, team)) * each
    code = code_of("moments", density.plan)
    vectors, calculating, stack = counted(code)
    lanes = 16 if "%zmm" in code else 8
    least = calculating * lanes / LANES * step
    cells = (
        *(d, f"{whole:.2f} ns", f"{labels:.2f} ns", vectors, calculating),
        *(f"{least:.2f} ns", stack),
    )
    return "| " + " | ".join(map(str, cells)) + " |"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write docs/engine.md")
    options = parser.parse_args()
    step = nanoseconds_a_step()
    head = (
        "| d | EM pass | labels alone | vector instructions | that calculate "
        "| those at full speed | with the stack |"
    )
    rows = [row(d, name, step) for d, name in CASES.items()]
    note = (
        f"Medians of {REPEATS} on {machine()}, for each pixel and component; "
        f"instructions for {LANES} pixels and a component. A fused multiplication and "
        f"addition at full speed takes {step * 1e3:.1f} ps a lane."
    )
    text = "\n".join([head, "|---" * 7 + "|", *rows, "", note])
    print(text)
    if options.write:
        before, rest = PAGE.read_text().split(BEGIN)
        after = rest.split(END)[1]
        PAGE.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")


if __name__ == "__main__":
    main()
