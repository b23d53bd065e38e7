"""The same bytes whatever the threads, the blocks, the process."""

import hashlib
import multiprocessing
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sklearn.base import clone
from threadpoolctl import threadpool_info, threadpool_limits

from napari_pixel_mixtures.mixture import (
    FastGaussianMixture,
    em,
    engine,
    start,
    subsample,
)
from napari_pixel_mixtures.mixture.covariance import COVARIANCE_TYPES
from napari_pixel_mixtures.mixture.em import Data, em_steps
from napari_pixel_mixtures.mixture.layout import UNROLLED
from napari_pixel_mixtures.mixture.moments import MixtureParameters
from napari_pixel_mixtures.mixture.one_thread import one_thread
from napari_pixel_mixtures.mixture.passes import SLAB, sum_moments_of_each
from napari_pixel_mixtures.mixture.team import Team

FITTED = ("weights_", "means_", "covariances_", "precisions_cholesky_", "lower_bounds_")

ignores_convergence = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning"
)


def samples(dtype="float32"):
    rng = np.random.default_rng(0)
    centers = rng.normal(scale=3, size=(5, 3))
    return (
        rng.normal(size=(40_000, 3)) + centers[rng.integers(5, size=40_000)]
    ).astype(dtype)


def fingerprint(dtype="float32", covariance_type="full"):
    """A digest of all that a fit and its predictions give."""
    data = samples(dtype)
    mixture = FastGaussianMixture(
        5, covariance_type=covariance_type, random_state=0, tol=1e-5
    ).fit(data, sample_weight=np.arange(len(data)) % 3)
    summary = mixture.summarize(data, data)
    results = [getattr(mixture, name) for name in FITTED]
    results += [summary.labels, summary.counts, summary.value_covariances]
    results += [mixture.predict_proba(data), mixture.entropy(data)]
    digest = hashlib.sha256()
    for result in results:
        digest.update(np.ascontiguousarray(result).tobytes())
    return digest.hexdigest()


@pytest.fixture(scope="module")
def expected():
    with engine(n_threads=1):
        return fingerprint()


@pytest.mark.parametrize("n_threads", [1, 2, 7])
@pytest.mark.parametrize("block_size", [1, 4096, 10_000, 10**6])
def test_threads_and_blocks_change_nothing(n_threads, block_size, expected):
    with engine(n_threads=n_threads, block_size=block_size):
        assert fingerprint() == expected


def test_threads_change_nothing_for_any_type(covariance_type):
    for dtype in ("float32", "float64"):
        with engine(n_threads=1):
            one = fingerprint(dtype, covariance_type)
        with engine(n_threads=3):
            assert fingerprint(dtype, covariance_type) == one


def bytes_of(mixture, data):
    """All that a fit and its predictions give."""
    results = [getattr(mixture, name) for name in FITTED]
    results += [mixture.labels(data), mixture.predict_proba(data)]
    return [np.asarray(one).tobytes() for one in results]


def assert_no_setting_changes(mixture, data, sample_weight=None):
    """Fit with 1, 2 and 7 threads and blocks of several sizes; compare the bytes."""
    found = []
    for n_threads, block_size in ((1, 4096), (2, 1), (7, 4096), (7, 10_000)):
        with engine(n_threads=n_threads, block_size=block_size):
            fitted = clone(mixture).fit(data, sample_weight=sample_weight)
            found.append(bytes_of(fitted, data))
    assert all(one == found[0] for one in found)
    return found[0]


@ignores_convergence
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_threads_change_nothing_where_features_are_looped_over(
    covariance_type, dtype, weighted
):
    rng = np.random.default_rng(0)
    centers = rng.normal(size=(3, UNROLLED + 2))
    data = (
        rng.normal(size=(20_000, UNROLLED + 2)) + centers[rng.integers(3, size=20_000)]
    ).astype(dtype)
    assert_no_setting_changes(
        FastGaussianMixture(
            3, covariance_type=covariance_type, random_state=0, max_iter=2, tol=0
        ),
        data,
        rng.uniform(size=len(data)) if weighted else None,
    )


@ignores_convergence
def test_threads_change_nothing_in_the_last_round_of_the_start(monkeypatch):
    rng = np.random.default_rng(0)
    data = rng.normal(size=(300_000, 2)).astype(np.float32)
    data[::3] *= 3
    mixture = FastGaussianMixture(3, random_state=0, max_iter=1, tol=0)
    found = assert_no_setting_changes(mixture, data)
    monkeypatch.setattr(subsample, "_LAST_ROUND", ())
    assert bytes_of(mixture.fit(data), data) != found  # it had taken place


@ignores_convergence
def test_threads_change_nothing_where_samples_are_converted_piece_by_piece(
    monkeypatch,
):
    """Sums of float32 samples are repeated in float64 where a cluster collapses."""
    rng = np.random.default_rng(0)
    data = rng.normal(size=(SLAB + 20_000, 2)).astype(np.float32)
    data[::2] = 30.0
    sizes = []

    def observed(densities, samples, weights, team):
        if densities[0].plan.dtype != samples.dtype:
            sizes.append(len(samples))
        return sum_moments_of_each(densities, samples, weights, team)

    monkeypatch.setattr(em, "sum_moments_of_each", observed)
    mixture = FastGaussianMixture(
        2,
        weights_init=[0.5, 0.5],
        means_init=[[30.5, 30.5], [0, 0]],  # this cluster is as wide as the other yet
        precisions_init=[np.eye(2)] * 2,
        max_iter=1,
        tol=0,
    )
    assert_no_setting_changes(mixture, data)
    assert sizes == [len(data)] * 4


@pytest.mark.parametrize(
    "init_params", ["kmeans", "k-means++", "random", "random_from_data"]
)
def test_threads_of_scikit_learn_change_nothing(init_params):
    """On such data its k-means gives other labels with another number of threads."""
    data = np.random.default_rng(0).integers(0, 256, size=(20_000, 3))
    mixture = FastGaussianMixture(
        30, init_params=init_params, random_state=0, max_iter=0
    )
    found = []
    for n_threads in (1, 2, 7):
        with threadpool_limits(n_threads):
            fitted = clone(mixture).fit(data.astype(np.float32))
        found.append([getattr(fitted, name).tobytes() for name in FITTED[:-1]])
    assert found[0] == found[1] == found[2]


def test_libraries_have_one_thread_while_several_fit_at_once():
    """And afterwards what they had before."""

    def threads():
        return {one["filepath"]: one["num_threads"] for one in threadpool_info()}

    def inside(_):
        with one_thread():
            return set(threads().values())

    before = threads()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(inside, range(40)))
    assert found == [{1}] * 40
    assert threads() == before


def test_a_start_of_scikit_learn_can_be_cancelled_before_it_begins(monkeypatch):
    def kmeans(*arguments):
        raise AssertionError

    monkeypatch.setitem(start._STARTS, "kmeans", kmeans)
    steps = FastGaussianMixture(2, init_params="kmeans").fit_steps(samples())
    assert next(steps).number == 0
    steps.close()


def test_several_threads_may_fit_at_once(expected):
    with engine(n_threads=2), ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda _: fingerprint(), range(8))) == {expected}


def in_process(queue):
    with engine(n_threads=2):
        queue.put(fingerprint())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_gives_the_same(expected):
    with engine(n_threads=2):
        fingerprint()  # so that this process has used threads before it forks
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    process = context.Process(target=in_process, args=(queue,))
    process.start()
    process.join(120)
    assert process.exitcode == 0
    assert queue.get() == expected


SPAWNED = """
import multiprocessing
import sys
sys.path.insert(0, sys.argv[1])
import test_reproducibility as tests

if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        print(pool.apply(tests.fingerprint))
"""


def test_a_spawned_process_gives_the_same(expected, tmp_path):
    script = tmp_path / "spawn.py"
    script.write_text(SPAWNED)
    result = subprocess.run(
        [sys.executable, str(script), os.path.dirname(__file__)],
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == expected


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("n_threads", "d", "exponent"), [(1, 3, 1), (2, 8, 0.5), (8, UNROLLED + 2, 1)]
)
def test_steps_together_are_those_of_each_alone(
    covariance_type, dtype, n_threads, d, exponent
):
    """Also where the second one collapses, and the third becomes singular."""
    kind = COVARIANCE_TYPES[covariance_type]
    if exponent != 1:
        kind = kind.with_exponents(np.full(d, exponent))
    values = np.random.default_rng(0).normal(scale=9, size=(9000, d)).astype(dtype)
    values[::3] = 30 + 1e-3 * values[::3]
    values[1::3] = -40
    data = Data.of(values)
    cholesky = np.zeros(kind.shape(2, d))
    cholesky[...] = np.eye(d) if covariance_type in ("full", "tied") else 1.0
    mixtures = [
        MixtureParameters(np.full(2, 0.5), np.outer(means, np.ones(d)), None, cholesky)
        for means in ([0.0, 1.0], [29.0, 1.0], [-40.0, 1.0])
    ]
    with engine(n_threads=n_threads), Team() as team:
        together = em_steps(mixtures, data, kind, 0.0, team)
        for mixture, found in zip(mixtures, together, strict=True):
            [alone] = em_steps([mixture], data, kind, 0.0, team)
            assert (found is None) == (alone is None)
            if alone is not None:
                np.testing.assert_equal(vars(found[0]), vars(alone[0]))
                assert found[1] == alone[1]
    singular = [step is None for step in together]
    assert singular == [False, False, covariance_type == "full"]


def test_no_thread_stays():
    before = set(threading.enumerate())
    with engine(n_threads=4, block_size=1):
        fingerprint()
    assert set(threading.enumerate()) <= before


def test_permuted_rows_get_the_same_labels():
    data = samples()
    mixture = FastGaussianMixture(5, random_state=0).fit(data)
    order = np.random.default_rng(1).permutation(len(data))
    proba = mixture.predict_proba(data)
    np.testing.assert_array_equal(
        mixture.predict(data[order]), mixture.predict(data)[order]
    )
    np.testing.assert_array_equal(mixture.predict_proba(data[order]), proba[order])


def test_memory_order_changes_nothing(expected):
    data = samples()
    one = FastGaussianMixture(3, random_state=0).fit(data)
    data = np.asfortranarray(data)
    data.setflags(write=False)
    other = FastGaussianMixture(3, random_state=0).fit(data)
    padded = np.zeros((len(data), 6), np.float32)
    padded[:, ::2] = data
    third = FastGaussianMixture(3, random_state=0).fit(padded[:, ::2])
    for name in FITTED:
        found = [np.asarray(getattr(m, name)).tobytes() for m in (one, other, third)]
        assert len(set(found)) == 1


@pytest.mark.parametrize("setting", ["n_threads", "block_size"])
@pytest.mark.parametrize("value", [0, -1, 2.0, True])
def test_a_bad_setting_is_an_error(setting, value):
    with pytest.raises(ValueError) as error, engine(**{setting: value}):
        pass
    assert str(error.value) == (
        f"Expected {setting} to be an integer of at least 1, got {value!r}; leave it "
        "out for the default."
    )
