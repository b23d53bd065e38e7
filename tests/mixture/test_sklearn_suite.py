"""scikit-learn's own tests of GaussianMixture, run on FastGaussianMixture."""

import subprocess
import sys
import textwrap
from importlib.metadata import version

import pytest

# Tests that cannot pass, and why.
EXCEPTIONS = {
    "test_gaussian_mixture_all_init_does_not_estimate_gaussian_parameters": (
        "counts the calls of a private function of scikit-learn's M step, which is "
        "replaced"
    ),
    "test_gaussian_mixture_raises_where_array_api_not_implemented": (
        "asks for scikit-learn's experimental array API, which compiled kernels on "
        "numpy arrays do not offer"
    ),
}

RUNNER = """
import sys
import pytest
import sklearn.mixture
from napari_pixel_mixtures.mixture import FastGaussianMixture

# Under its old name, which scikit-learn puts into messages.
stand_in = type("GaussianMixture", (FastGaussianMixture,), {})
sklearn.mixture.GaussianMixture = stand_in

from sklearn.mixture.tests import test_gaussian_mixture
assert test_gaussian_mixture.GaussianMixture is stand_in
test_gaussian_mixture.GaussianMixture.__module__ = "sklearn.mixture"
sys.exit(pytest.main(sys.argv[1:]))
"""


def test_scikit_learn_s_tests_pass(tmp_path):
    runner = tmp_path / "runner.py"
    runner.write_text(textwrap.dedent(RUNNER))
    result = subprocess.run(
        [
            *(sys.executable, str(runner), "-q", "-p", "no:cacheprovider", "-rfEs"),
            *("--pyargs", "sklearn.mixture.tests.test_gaussian_mixture"),
            *("-k", " and ".join(f"not {name}" for name in EXCEPTIONS)),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
    )
    print(version("scikit-learn"), result.stdout[-8000:])
    assert result.returncode == pytest.ExitCode.OK, result.stdout + result.stderr
