"""The plugin installs from napari's plugin menu, and works without a restart.

The environment is fresh and has no package index: pip sees one folder of wheels. Both
are made from the packages that are installed here, so that the test needs no network
and tries the very versions that the other tests do: napari and all that it needs are
linked into the environment, what the plugin needs beyond is packed into wheels again.
"""

import importlib.metadata
import json
import os
import shutil
import subprocess
import sysconfig
import venv
import zipfile
from importlib.util import cache_from_source
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.tags import sys_tags
from packaging.utils import canonicalize_name

NAPARI = ("napari[pyqt6]", "napari-plugin-manager", "pip")
PLUGIN = "napari-pixel-mixtures"
SESSION = Path(__file__).with_name("plugin_menu_session.py")

SUPPORTED = {str(tag) for tag in sys_tags()}

# Written by an installer, not part of a wheel.
BY_INSTALLER = {"INSTALLER", "REQUESTED", "RECORD", "direct_url.json"}


def needed_by(*requirements):
    """Give the installed distributions that requirements need, by name."""
    found, visited = {}, set()
    waiting = [Requirement(text) for text in requirements]
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        extras = requirement.extras or {""}
        if (name, *sorted(extras)) in visited:
            continue
        visited.add((name, *sorted(extras)))
        found[name] = importlib.metadata.distribution(name)
        for text in found[name].requires or ():
            needed = Requirement(text)
            if needed.marker is None or any(
                needed.marker.evaluate({"extra": extra}) for extra in extras | {""}
            ):
                waiting.append(needed)
    return found


def pack(distribution, folder):
    """Make the wheel of an installed distribution again, uncompressed."""
    wheel = distribution.read_text("WHEEL")
    if wheel is None or distribution.files is None:
        pytest.skip(f"{distribution.name} was not installed from a wheel.")
    tag = next(
        tag
        for line in wheel.splitlines()
        if (tag := line.removeprefix("Tag: ")) in SUPPORTED
    )
    stem = canonicalize_name(distribution.name).replace("-", "_")
    path = folder / f"{stem}-{distribution.version}-{tag}.whl"
    record = []
    with zipfile.ZipFile(path, "w") as archive:
        for file in distribution.files:
            # Scripts outside of site-packages are made again from entry points.
            if ".." in file.parts or "__pycache__" in file.parts:
                continue
            if file.parts[0].endswith(".dist-info"):
                info = file.parts[0]
                if file.name in BY_INSTALLER:
                    continue
            archive.write(file.locate(), file.as_posix())
            record.append(f'"{file.as_posix()}",,')
        archive.writestr(f"{info}/RECORD", "\n".join([*record, f"{info}/RECORD,,", ""]))


def link(distribution, folder):
    """Put an installed distribution into another site-packages folder."""
    for file in distribution.files:
        # Scripts outside of site-packages know the Python they were made for.
        if ".." in file.parts or "__pycache__" in file.parts:
            continue
        source, target = file.locate(), folder / file
        link_file(source, target)
        if file.suffix == ".py":  # and what was compiled from it, which takes a while
            link_file(cache_from_source(source), cache_from_source(target))


def link_file(source, target):
    """Put a file in another place, if there is one."""
    if not Path(source).is_file():
        return
    Path(target).parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:  # on another disk
        shutil.copy2(source, target)


@pytest.fixture(scope="module")
def wheels(built, tmp_path_factory):
    """A folder of wheels: what the plugin needs and napari does not."""
    folder = tmp_path_factory.mktemp("wheels")
    there = needed_by(*NAPARI)
    for name, distribution in needed_by(PLUGIN).items():
        if name not in there and name != PLUGIN:
            pack(distribution, folder)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def environment(wheels, tmp_path_factory):
    """Variables for a fresh environment with napari: its Python, no package index."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder)
    paths = {"base": str(folder), "platbase": str(folder)}
    site_packages = Path(sysconfig.get_path("purelib", "venv", paths))
    for distribution in needed_by(*NAPARI).values():
        link(distribution, site_packages)
    variables = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PIP_", "UV_", "PYTHON", "COV_"))
        and not name.lower().endswith("_proxy")
    }
    scripts = sysconfig.get_path("scripts", "venv", paths)
    variables |= {
        "PATH": os.pathsep.join([scripts, variables["PATH"]]),
        "VIRTUAL_ENV": str(folder),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(wheels),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_COMPILE": "1",  # which takes longer than all else
        # The plugin manager takes uv where there is one.
        "UV_NO_CONFIG": "1",
        "UV_NO_INDEX": "1",
        "UV_FIND_LINKS": str(wheels),
        # Nobody listens there: no network for pip, nor for the list of the hub.
        "HTTP_PROXY": "http://127.0.0.1:9",
        "HTTPS_PROXY": "http://127.0.0.1:9",
    }
    yield variables
    shutil.rmtree(folder)


def run(variables, *arguments):
    """Run the environment's Python, and give what it printed."""
    python = shutil.which("python", path=variables["PATH"])
    done = subprocess.run(
        [python, *arguments],
        env=variables,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_environment_has_napari_and_no_index(environment, wheels):
    names = {
        package["name"]
        for package in json.loads(
            run(environment, "-m", "pip", "list", "--format=json")
        )
    }
    assert {"napari", "PyQt6", "napari-plugin-manager"} <= names
    assert not names & {PLUGIN, "numba", "scikit-learn"}
    # What is not in the folder cannot be had.
    with pytest.raises(AssertionError, match="No matching distribution found"):
        run(environment, "-m", "pip", "install", "pytest")


def test_install_from_the_menu_then_open_the_widgets_and_fit(
    display, environment, built
):
    printed = run(environment, str(SESSION), str(built.wheel))
    assert json.loads(printed.splitlines()[-1]) == {
        "napari in the environment": True,
        "there before": False,
        "needed and missing before": ["numba", "sklearn"],
        "exit codes": [0],
        "widgets": ["ClusterPixels", "ColorCloudView", "CompareMixtures"],
        "layers": ["picture", "picture quantized", "picture random colors"],
        # Black is largest, then green, then yellow.
        "labels": [1, 2, 3],
        "pixels": [0, 1240, 960, 200],
    }
