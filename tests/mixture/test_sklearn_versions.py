"""The oldest and the newest scikit-learn that pyproject admits, each in a fresh venv.

It needs a package index and many minutes, and so runs only when it is asked for:

    SCIKIT_LEARN_VERSIONS=1 python -m pytest tests/mixture/test_sklearn_versions.py
"""

import os
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
ASKED = "SCIKIT_LEARN_VERSIONS"


def requirement():
    """Return what pyproject says of scikit-learn."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    found = (Requirement(text) for text in project["dependencies"])
    return next(one for one in found if one.name == "scikit-learn")


def oldest():
    (lower,) = (s for s in requirement().specifier if s.operator == ">=")
    return f"scikit-learn=={lower.version}"


@pytest.mark.skipif(ASKED not in os.environ, reason=f"{ASKED} is not set")
@pytest.mark.parametrize("which", [oldest, requirement])
def test_the_mixture_works_with(which, tmp_path):
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    wanted = [str(which()), "numba", "scikit-image", "pandas", "psygnal"]
    tools = ["pytest", "hypothesis"]
    pip = [str(python), "-m", "pip", "install", "--quiet", *wanted, *tools]
    subprocess.run(pip, check=True)
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    environment.pop(ASKED)  # or it would ask for itself
    result = subprocess.run(
        [
            *(str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider"),
            # The rest of pyproject's settings is about napari.
            *("-o", "addopts=", "-o", "filterwarnings=error"),
            *("--import-mode=importlib", "--confcutdir=tests/mixture"),
            "tests/mixture",
        ],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=sys.stderr,
        text=True,
    )
    assert result.returncode == 0, result.stdout[-8000:]
