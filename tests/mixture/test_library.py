"""Compiled code: the cache on disk, compilation in the background."""

import _thread
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numba
import numpy as np
import pytest

from napari_pixel_mixtures.mixture import (
    FastGaussianMixture,
    algebra,
    library,
    warm_up,
)
from napari_pixel_mixtures.mixture.layout import LAYOUTS
from napari_pixel_mixtures.mixture.plan import Plan

FIT = """
import numpy as np
from napari_pixel_mixtures.mixture import FastGaussianMixture
from napari_pixel_mixtures.mixture import kernels, library, plan_steps

samples = np.random.default_rng(0).normal(size=(300, 2)).astype(np.float32)
# No start by k-means++, and few instructions: compiled faster than anything else.
mixture = FastGaussianMixture(
    2, covariance_type="spherical", init_params="random", random_state=0, max_iter=500
).fit(samples)
parts = (kernels.moments_pass, plan_steps.densities_step, plan_steps.moments_step)
stats = [library._dispatchers[part].stats for part in parts]
hits = sum(sum(each.cache_hits.values()) for each in stats)
print(*(hits, sum(sum(each.cache_misses.values()) for each in stats)))
print(float(mixture.lower_bound_).hex())
"""


def fit_in_fresh_process(cache, home):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache), "HOME": str(home)}
    result = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-c", FIT],
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert result.returncode == 0, result.stderr
    counts, bound = result.stdout.split("\n")[:2]
    hits, misses = map(int, counts.split())
    return hits, misses, bound


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """A cache as the first process leaves it, and what that one found."""
    folder = tmp_path_factory.mktemp("first")
    cache = folder / "cache"
    hits, misses, bound = fit_in_fresh_process(cache, folder)
    assert (hits, misses) == (0, 3)
    assert any(cache.rglob("*.nbc"))
    return cache, bound


def test_a_second_process_takes_kernels_from_disk(first, tmp_path):
    cache, bound = first
    assert fit_in_fresh_process(cache, tmp_path) == (3, 0, bound)


def test_the_cache_notices_changes_to_other_files(tmp_path, monkeypatch):
    """numba looks at the file of the function itself only."""
    function, signature = algebra.MOVE_DIAGONALS
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    for n_kept, digest in enumerate(("one", "other", "one"), start=1):
        monkeypatch.setattr(library, "_dispatchers", {})
        monkeypatch.setattr(library, "_fingerprint", lambda digest=digest: digest)
        library.compile_for(function, signature)
        assert len([*tmp_path.rglob("*.nbi")]) == min(n_kept, 2)


def test_the_cache_knows_of_all_files_with_compiled_code():
    folder = Path(library.__file__).parent
    users = {
        path.name
        for path in folder.glob("*.py")
        if re.search("^from numba", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert users - {"library.py"} <= set(library.COMPILED)


def test_a_damaged_cache_is_done_without(first, tmp_path):
    cache = tmp_path / "cache"
    shutil.copytree(first[0], cache)
    for file in [*cache.rglob("*.nbi"), *cache.rglob("*.nbc")]:
        file.write_bytes(b"")
    assert fit_in_fresh_process(cache, tmp_path)[2] == first[1]


def test_without_a_folder_for_the_cache(tmp_path):
    """A file where the folder should be: nothing can be read or written there."""
    nowhere = tmp_path / "file"
    nowhere.write_text("")
    script = tmp_path / "fit.py"
    code = (
        "import numba.core.caching as caching\n"
        "def refuse(self):\n"
        "    raise OSError('read-only')\n"
        "caching._CacheLocator.ensure_cache_path = refuse\n"
    )
    script.write_text(code + FIT.replace("print(*", "# print(*"))
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(nowhere / "cache")}
    result = subprocess.run(
        [sys.executable, str(script)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip()


def test_a_cache_that_cannot_be_written_any_more(monkeypatch):
    """The disk is full: the kernel is compiled, and used."""
    from numba.core.caching import Cache

    def refuse(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr(Cache, "_save_overload", refuse)
    monkeypatch.setattr(library, "_dispatchers", {})
    monkeypatch.setattr(library, "_kernels", {})
    monkeypatch.setattr(Cache, "load_overload", lambda *_: None)
    samples = np.random.default_rng(0).normal(size=(300, 2))
    mixture = FastGaussianMixture(
        1, covariance_type="spherical", init_params="random"
    ).fit(samples)
    np.testing.assert_allclose(mixture.means_[0], samples.mean(axis=0), atol=1e-12)


def test_an_interrupt_while_llvm_works_is_not_lost(monkeypatch):
    """llvmlite's functions that LLVM calls pass no exception on."""
    from numba.core.caching import Cache
    from numba.core.codegen import CodeLibrary

    handed_over = []

    def take(code_library, code):
        code_library.__dict__["_compiled_object"] = code
        if code is not None and not handed_over:
            handed_over.append(code)
            _thread.interrupt_main()

    monkeypatch.setattr(
        CodeLibrary,
        "_compiled_object",
        property(lambda library: library.__dict__["_compiled_object"], take),
        raising=False,
    )
    monkeypatch.setattr(Cache, "load_overload", lambda *_: None)
    monkeypatch.setattr(library, "_dispatchers", {})
    monkeypatch.setattr(library, "_kernels", {})
    before = set(threading.enumerate())
    plan = Plan(LAYOUTS["scalar"], 1, np.dtype(np.float32))
    with pytest.raises(KeyboardInterrupt):
        library.kernel("labels", plan)
    assert handed_over
    assert set(threading.enumerate()) <= before
    monkeypatch.undo()
    library.kernel("labels", plan)  # the compiler is none the worse for it


def test_warm_up_compiles_in_the_background():
    thread = warm_up(n_features=(2,), covariance_types=("full",), dtype=np.float32)
    assert thread.daemon
    assert warm_up((2,), ("full",), np.float32) is thread
    thread.join(240)
    assert not thread.is_alive()
    known = set(library._kernels)
    samples = np.random.default_rng(0).normal(size=(300, 2)).astype(np.float32)
    mixture = FastGaussianMixture(2, random_state=0, max_iter=500).fit(samples)
    mixture.summarize(samples, samples)
    mixture.predict(samples)
    # A cluster that collapses: its variance is lost in sums in float32.
    FastGaussianMixture(means_init=[[99.0, 99.0]]).fit(samples)
    assert set(library._kernels) == known


def test_a_process_may_end_while_it_warms_up(tmp_path):
    code = (
        "from napari_pixel_mixtures.mixture import warm_up\n"
        "warm_up(range(2, 9), ['full', 'diag', 'spherical'])\n"
    )
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    result = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (result.returncode, result.stderr) == (0, "")


def test_threads_that_ask_at_once_get_the_same_kernel(monkeypatch):
    monkeypatch.setattr(library, "_kernels", {})
    samples = np.random.default_rng(0).normal(size=(300, 2)).astype(np.float32)
    bounds = []

    def fit():
        mixture = FastGaussianMixture(2, random_state=0, max_iter=500).fit(samples)
        bounds.append(mixture.lower_bound_)

    threads = [threading.Thread(target=fit) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(240)
    assert len(bounds) == 4
    assert len(set(bounds)) == 1


@pytest.mark.parametrize("name", ["_parameter_constraints", "_validate_params"])
def test_scikit_learn_s_private_names_are_there(name):
    """The rest of `sklearn_private` is called by scikit-learn's test of `verbose`."""
    from sklearn.mixture import GaussianMixture

    assert hasattr(GaussianMixture, name)
