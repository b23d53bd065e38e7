"""The bank of cases of the mixture's tests: samples with what makes them hard."""

import signal
from dataclasses import dataclass

import numpy as np
import pytest
from sklearn.datasets import load_sample_image

# A shell lets what it runs in the background ignore interrupts, and Python then raises
# none; some tests are about them.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@dataclass(frozen=True)
class Case:
    """Samples (n, d) about 0, to be shifted by `shift`, for K components."""

    samples: np.ndarray
    n_components: int
    shift: float = 0.0
    reg_covar: float = 1e-6


def _picture():
    return load_sample_image("china.jpg")[100:260:2, 200:440:2]


def _rgb():
    return Case(_picture().reshape(-1, 3).astype(float), 5)


def _rgb_xy():
    picture = _picture()
    rows, columns = np.indices(picture.shape[:2])
    flat = picture.reshape(-1, 3).astype(float)
    return Case(np.column_stack([flat, rows.ravel(), columns.ravel()]), 4)


def _flat_clusters(seed, n, thickness):
    """Three clusters of n samples that are so much flatter than wide, (3 n, 4).

    Each lies in its own plane.
    """
    rng = np.random.default_rng(seed)
    clusters = []
    for _ in range(3):
        rotation = np.linalg.qr(rng.normal(size=(4, 4)))[0]
        flat = rng.normal(size=(n, 4)) * [1, 0.5, 1e-2, thickness]
        clusters.append(flat @ rotation + 2 * rng.normal(size=4))
    return np.concatenate(clusters)


def _nearly_singular():
    return Case(_flat_clusters(0, 2000, 1e-4), 3, reg_covar=0.0)


def _far_from_origin():
    """Values of 1e4 with a spread of 1e-2."""
    rng = np.random.default_rng(1)
    parts = [(1e-2, 0.0), (2e-2, 0.05), (5e-3, -0.04)]
    samples = [rng.normal(size=(1500, 3)) * s + c for s, c in parts]
    return Case(np.concatenate(samples), 3, shift=1e4)


def _one_component():
    return Case(_rgb().samples, 1)


def _duplicated():
    rng = np.random.default_rng(2)
    return Case(np.repeat(3 * rng.normal(size=(300, 2)), 10, axis=0), 3)


def _one_feature():
    rng = np.random.default_rng(3)
    return Case(
        np.concatenate([rng.normal(size=700), 4 + rng.normal(size=500)])[:, None], 2
    )


def _many_features():
    rng = np.random.default_rng(4)
    centers = np.repeat(rng.normal(size=(3, 64)), 700, axis=0)
    return Case(rng.normal(size=centers.shape) + centers, 3)


def _some_features():
    """More than are unrolled, and not a multiple of the rows of a block."""
    rng = np.random.default_rng(5)
    centers = np.repeat(rng.normal(size=(3, 13)), 400, axis=0)
    return Case(rng.normal(size=centers.shape) + centers, 3)


CASES = {
    "rgb": _rgb,
    "rgb and xy": _rgb_xy,
    "nearly singular": _nearly_singular,
    "far from origin": _far_from_origin,
    "one component": _one_component,
    "duplicated rows": _duplicated,
    "one feature": _one_feature,
    "13 features": _some_features,
    "64 features": _many_features,
}

COVARIANCE_TYPES = ("full", "tied", "diag", "spherical")


def pytest_generate_tests(metafunc):
    """Run a test that asks for `case` or `covariance_type` on each of them."""
    if "case" in metafunc.fixturenames:
        metafunc.parametrize("case", CASES, indirect=True)
    if "covariance_type" in metafunc.fixturenames:
        metafunc.parametrize("covariance_type", COVARIANCE_TYPES)


@pytest.fixture(scope="session")
def case(request):
    return CASES[request.param]()


@pytest.fixture(scope="session")
def colors():
    """The pixels (4800, 3) of a part of a photograph, uint8."""
    return np.ascontiguousarray(_picture().reshape(-1, 3)[::2])


@pytest.fixture
def flat_clusters():
    """Draw three clusters that are nearly singular."""
    return _flat_clusters
