"""Who may import whom, and what an import costs: the arrows of the design."""

import ast
import json
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "napari_pixel_mixtures"
NAME = "napari_pixel_mixtures"

QT = {"qtpy", "PyQt5", "PyQt6", "PySide2", "PySide6", "superqt"}
NAPARI = {"napari", "npe2", "magicgui", "vispy", "app_model"}
HEAVY = {"numpy", "scipy", "pandas", "sklearn", "skimage", "numba", "dask", "PIL"}

# The rooms, and what of the others each may import. A new room needs its line here.
ARROWS = {
    "features": set(),
    "mixture": set(),
    "recipe": {"features"},
    "presets": {"features", "recipe"},
    "matching": set(),
    "pace": set(),
    "smoothing": {"features.blocks", "material", "mixture"},
    "regions": {"features"},
    "last_pictures": {"features"},
    "material": {"features", "mixture", "recipe"},
    "material_cache": {"features", "last_pictures", "material", "recipe"},
    "clusters": {"features", "mixture", "recipe", "matching", "regions"},
    "clustering": {
        *("features", "mixture", "recipe", "material", "clusters", "smoothing"),
        *("pace", "progress"),
    },
    "model_grid": {"features", "material", "mixture.selection", "recipe"},
    "space": {"clusters", "features", "mixture.covariance"},
    "cloud": {"clusters", "mixture.whitening", "space", "features.checks"},
    "selection": {"mixture.library", "mixture.warmup"},
    "inspection": {"clusters", "features", "mixture.covariance"},
    "figure": {"clusters"},
    "replay": {"clustering", "clusters", "material", "mixture"},
    "progress": set(),
    "finer": {
        *("classes", "clusters", "clustering", "features", "material", "recipe"),
        "smoothing",
    },
    "certainty": {
        *("classes", "clusters", "clustering", "material", "matching", "progress"),
        *("features.checks", "mixture.em.IllDefinedError"),
    },
    "ablation": {
        *("features", "mixture", "clusters", "clustering", "material", "matching"),
        "progress",
    },
    "class_checks": set(),
    "classes": {"class_checks", "clusters", "features.checks"},
    "overlap": {"classes", "clusters", "clustering", "material", "features.checks"},
    "json_checks": {"class_checks", "features.checks"},
    "mixture_json": {
        *("clustering", "features", "json_checks", "mixture", "recipe"),
    },
    "model_json": {
        *("classes", "features", "json_checks", "mixture_json", "recipe", "regions"),
    },
    "applied": {"certainty", "clusters", "material", "model", "tables"},
    "model": {
        *("features", "mixture", "recipe", "clusters", "clustering", "material"),
        *("applied", "classes", "json_checks", "progress", "model_json", "regions"),
        *("files", "versions"),
    },
    "folder": {"applied", "csv_tables", "features", "files", "model", "progress"},
    "csv_tables": set(),
    "files": set(),
    "versions": set(),
    "script": {
        *("features", "clusters", "clustering", "classes", "recipe", "model_json"),
        *("json_checks", "regions"),
    },
    "tables": {
        *("certainty", "classes", "clusters", "clustering", "material"),
        "features",
    },
    "sample_data": set(),
}
ARROWS["large"] = set(ARROWS) - {"sample_data"}
ARROWS["viewer"] = set(ARROWS)


def loaded_by(statement):
    """Give the top-level modules that a statement loads in a fresh interpreter."""
    code = (
        f"{statement}\n"
        "import json, sys\n"
        "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def imports_of(path, everywhere=True):
    """Give every module that a file imports, wherever in the file, as full names.

    For `from a import b` that is "a.b", whether b is a module or a name in it. If not
    `everywhere`, only what is imported when the file itself is.
    """
    parts = (NAME, *path.relative_to(PACKAGE).with_suffix("").parts)
    package = parts[:-1]  # also for __init__, which counts as a last part here
    found = []
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree) if everywhere else tree.body:
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module.split(".") if node.module else []
            if node.level:
                base = [*package[: len(package) - node.level + 1], *base]
            found += [".".join([*base, alias.name]) for alias in node.names]
    return found


def within_package(module):
    """Give the path of a name of ours below the package, or None."""
    root, _, path = module.partition(".")
    return path if root == NAME else None


FILES = sorted(PACKAGE.rglob("*.py"))
ROOMS = sorted(
    {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in FILES}
    - {"__init__"}
)


def test_any_file_may_be_imported_first():
    """No file needs itself, by way of others."""
    names = {
        path: ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        for path in FILES
    }
    modules = {name.removesuffix(".__init__") for name in names.values()}

    def file_of(name):
        """Give the file of a module or of a name in it."""
        while name and name not in modules:
            name = name.rpartition(".")[0]
        return name

    needed = {
        name.removesuffix(".__init__"): {
            file_of(target)
            for module in imports_of(path, everywhere=False)
            if (target := within_package(module))
        }
        - {"", name.removesuffix(".__init__")}
        for path, name in names.items()
    }
    TopologicalSorter(needed).prepare()


def test_reading_of_imports(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "PACKAGE", tmp_path)
    (tmp_path / "viewer").mkdir()
    path = tmp_path / "viewer" / "layers.py"
    path.write_text(
        "import napari.layers\n"
        "from . import stage\n"
        "from ..mixture.em import fit\n"
        "def inside():\n"
        "    from napari_pixel_mixtures import cloud\n"
    )
    assert imports_of(path) == [
        "napari.layers",
        "napari_pixel_mixtures.viewer.stage",
        "napari_pixel_mixtures.mixture.em.fit",
        "napari_pixel_mixtures.cloud",
    ]
    path = tmp_path / "viewer" / "__init__.py"
    path.write_text("from .stage import Stage\nfrom .. import recipe\n")
    assert imports_of(path) == [
        "napari_pixel_mixtures.viewer.stage.Stage",
        "napari_pixel_mixtures.recipe",
    ]


def test_every_room_has_its_arrows():
    assert not set(ROOMS) - set(ARROWS)


@pytest.mark.parametrize("room", [room for room in ROOMS if room in ARROWS])
def test_room_imports_only_the_rooms_below_it(room):
    allowed = ARROWS[room] | {room}
    for path in FILES:
        if path.relative_to(PACKAGE).parts[0].removesuffix(".py") != room:
            continue
        for module in imports_of(path):
            target = within_package(module)
            assert target is None or any(
                f"{target}.".startswith(f"{name}.") for name in allowed
            ), f"{path.name}: {module}"


@pytest.mark.parametrize("room", [room for room in ROOMS if room != "viewer"])
def test_only_the_viewer_knows_napari_and_qt(room):
    for path in FILES:
        if path.relative_to(PACKAGE).parts[0].removesuffix(".py") != room:
            continue
        modules = {module.split(".")[0] for module in imports_of(path)}
        assert not modules & (NAPARI | QT), path.name
        if room != "large":
            assert "dask" not in modules, path.name


def test_mixture_has_never_heard_of_an_image():
    for path in (PACKAGE / "mixture").rglob("*.py"):
        modules = {module.split(".")[0] for module in imports_of(path)}
        assert not modules & {"skimage", "PIL", "imageio"}, path.name


def test_root_imports_rooms_only_for_type_checkers():
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    run = [node for node in tree.body if not isinstance(node, ast.If)]
    froms = [
        (node.module, node.level)
        for statement in run
        for node in ast.walk(statement)
        if isinstance(node, ast.ImportFrom)
    ]
    assert froms == [("importlib", 0), ("typing", 0)]


def test_importing_the_package_loads_nothing_heavy():
    assert not loaded_by(f"import {NAME}") & (NAPARI | QT | HEAVY)


def test_asking_for_its_names_loads_nothing_heavy():
    assert not loaded_by(f"import {NAME}; dir({NAME})") & (NAPARI | QT | HEAVY)


def test_importing_sample_data_loads_nothing_heavy():
    assert not loaded_by(f"import {NAME}.sample_data") & (NAPARI | QT | HEAVY)


def test_core_loads_no_napari_qt_or_dask():
    rooms = ("features", "mixture", "clustering", "cloud")
    loaded = loaded_by(f"import {', '.join(f'{NAME}.{room}' for room in rooms)}")
    assert "numpy" in loaded
    assert not loaded & (NAPARI | QT | {"dask"})


def test_clustering_a_picture_loads_no_napari_qt_or_dask():
    loaded = loaded_by(
        "import numpy\n"
        f"from {NAME} import cluster, color_cloud\n"
        "picture = numpy.random.default_rng(0).integers(0, 255, (20, 20, 3))\n"
        "clustering = cluster(picture.astype('uint8'), 2, max_iter=500)\n"
        "clustering.table()\n"
        "color_cloud(clustering, whiten='pooled')"
    )
    assert "sklearn" in loaded
    assert not loaded & (NAPARI | QT | {"dask"})


def test_every_public_name_is_there():
    import napari_pixel_mixtures

    for name in napari_pixel_mixtures.__all__:
        assert getattr(napari_pixel_mixtures, name).__name__ == name


def test_an_unknown_name_is_an_attribute_error():
    import napari_pixel_mixtures

    with pytest.raises(AttributeError) as error:
        napari_pixel_mixtures.nonsense  # noqa: B018
    assert str(error.value) == (
        "module 'napari_pixel_mixtures' has no attribute 'nonsense'"
    )
