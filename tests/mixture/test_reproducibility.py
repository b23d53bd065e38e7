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

from napari_pixel_mixtures.mixture import FastGaussianMixture, engine

FITTED = ("weights_", "means_", "covariances_", "precisions_cholesky_", "lower_bounds_")


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
