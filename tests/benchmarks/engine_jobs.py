"""What bench_engine.py measures in processes of their own: one function each.

Each `job_...` takes an engine and what is asked, and gives a function to time, and one
that tells what else was found.
"""

import json
import resource
import statistics
import time
import warnings

import numpy as np
from peers import ENGINES, Start

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
    from napari_pixel_mixtures.mixture.passes import sum_moments_of_each
    from napari_pixel_mixtures.mixture.team import Team

    samples = features(spec["features"])
    model = engine.fit(samples, spec["k"], "full", None, 100, 1e-3)
    data = Data.of(samples)
    density = Density.of(model.parameters(), COVARIANCE_TYPES["full"], samples.dtype)

    ratios = []

    def timed(team):
        begin = time.perf_counter()
        sum_moments_of_each([density], data.samples, data.weights, team)
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
