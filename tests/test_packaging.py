"""Packages hold what napari needs to find the plugin, and nothing else."""

import email
import shutil
import tarfile
import zipfile

import npe2
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

QT_BACKENDS = {"pyqt5", "pyqt6", "pyside2", "pyside6"}
WIDGETS = {
    "napari-pixel-mixtures.cluster_pixels": "Cluster pixels",
    "napari-pixel-mixtures.color_cloud": "Color cloud",
    "napari-pixel-mixtures.compare_mixtures": "Compare mixtures",
    "napari-pixel-mixtures.choose_model": "Choose the model",
    "napari-pixel-mixtures.replay_fit": "EM step by step",
    "napari-pixel-mixtures.classes": "Classes",
    "napari-pixel-mixtures.how_sure": "How sure?",
    "napari-pixel-mixtures.keep_and_apply": "Keep and apply",
}


def names_in(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def metadata(built):
    with zipfile.ZipFile(built.wheel) as archive:
        [name] = [n for n in archive.namelist() if n.endswith(".dist-info/METADATA")]
        return email.message_from_bytes(archive.read(name))


@pytest.fixture(scope="module")
def manifest():
    """The manifest as napari finds it, by the entry point of the installation."""
    manager = npe2.PluginManager()
    manager.discover()
    return manager.get_manifest("napari-pixel-mixtures")


def test_wheel_holds_the_package_and_nothing_else(built):
    names = names_in(built.wheel)
    assert {
        "napari_pixel_mixtures/__init__.py",
        "napari_pixel_mixtures/napari.yaml",
        "napari_pixel_mixtures/py.typed",
        "napari_pixel_mixtures/sample_data.py",
        "napari_pixel_mixtures/features/__init__.py",
        "napari_pixel_mixtures/mixture/__init__.py",
        "napari_pixel_mixtures/viewer/__init__.py",
    } <= names
    top = {name.split("/")[0] for name in names}
    assert top == {
        "napari_pixel_mixtures",
        "napari_pixel_mixtures-0.1.0.dist-info",
    }
    parts = {part for name in names for part in name.split("/")}
    assert not parts & {"tests", "__pycache__", "benchmarks"}


def test_wheel_has_the_license(built):
    name = "napari_pixel_mixtures-0.1.0.dist-info/licenses/LICENSE"
    assert name in names_in(built.wheel)


def test_manifest_in_the_wheel_is_a_file_not_a_link(built):
    with zipfile.ZipFile(built.wheel) as archive:
        text = archive.read("napari_pixel_mixtures/napari.yaml").decode()
    assert text.startswith("name: napari-pixel-mixtures\n")


def test_entry_point(built):
    with zipfile.ZipFile(built.wheel) as archive:
        text = archive.read(
            "napari_pixel_mixtures-0.1.0.dist-info/entry_points.txt"
        ).decode()
    assert text.strip().splitlines() == [
        "[napari.manifest]",
        "napari-pixel-mixtures = napari_pixel_mixtures:napari.yaml",
    ]


def test_metadata_lets_the_plugin_menu_find_it(metadata):
    assert metadata["Name"] == "napari-pixel-mixtures"
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["License-Expression"] == "BSD-3-Clause"
    assert "Framework :: napari" in metadata.get_all("Classifier")


def test_plain_dependencies_choose_no_qt_backend(metadata):
    for text in metadata.get_all("Requires-Dist"):
        requirement = Requirement(text)
        marker = requirement.marker
        if marker is None or marker.evaluate({"extra": ""}):
            assert canonicalize_name(requirement.name) not in QT_BACKENDS
            assert not requirement.extras, text
            # The plugin menu pins the napari that runs.
            if requirement.name == "napari":
                assert requirement.specifier.contains("99")


def test_extras(metadata):
    assert set(metadata.get_all("Provides-Extra")) == {"bench", "qt", "test"}
    chosen = [
        text
        for text in metadata.get_all("Requires-Dist")
        if (marker := Requirement(text).marker) and marker.evaluate({"extra": "qt"})
    ]
    assert [Requirement(text).extras for text in chosen] == [{"pyqt6"}]


def test_wheel_from_the_source_distribution_without_links(
    built, build_package, tmp_path
):
    # Some systems have no links: the one at the root may be missing.
    with tarfile.open(built.sdist) as archive:
        # Python 3.11.2, Debian 12's, has no filters yet.
        archive.extraction_filter = getattr(tarfile, "data_filter", None)
        archive.extractall(tmp_path / "source")
    [source] = (tmp_path / "source").iterdir()
    (source / "napari.yaml").unlink(missing_ok=True)
    build_package(source, tmp_path / "wheel", "--wheel")
    [wheel] = (tmp_path / "wheel").glob("*.whl")
    assert names_in(wheel) == names_in(built.wheel)
    shutil.rmtree(source)


def test_root_manifest_is_the_one_of_the_package(request):
    root = request.config.rootpath
    inside = root / "src" / "napari_pixel_mixtures" / "napari.yaml"
    assert (root / "napari.yaml").resolve() == inside.resolve()


def test_manifest_is_valid_and_every_command_imports(manifest):
    # The same as `npe2 validate --imports`.
    manifest.validate_imports()
    commands = {command.id for command in manifest.contributions.commands}
    assert len(commands) == 13
    for command in manifest.contributions.commands:
        assert callable(npe2.manifest.utils.import_python_name(command.python_name))


def test_napari_finds_the_widgets(manifest):
    widgets = {w.command: w.display_name for w in manifest.contributions.widgets}
    assert widgets == WIDGETS


def test_napari_finds_the_samples(manifest):
    samples = {s.key: s.display_name for s in manifest.contributions.sample_data}
    assert samples == {
        "china": "China (temple)",
        "flower": "Flower",
        "immunohistochemistry": "Immunohistochemistry (colon tissue)",
        "retina": "Retina",
        "known_mixture": "Known mixture (with true labels)",
    }


def test_widgets_stand_in_the_menus_made_for_them(manifest):
    menus = {
        menu: {WIDGETS[item.command] for item in items}
        for menu, items in manifest.contributions.menus.items()
    }
    assert menus == {
        "napari/layers/classify": {
            "Cluster pixels",
            "Compare mixtures",
            "Choose the model",
            "Classes",
            "Keep and apply",
        },
        "napari/layers/visualize": {
            "Color cloud",
            "Compare mixtures",
            "EM step by step",
            "How sure?",
        },
    }


@pytest.mark.parametrize("title", WIDGETS.values())
def test_menu_bar_of_napari_shows_each_widget(make_napari_viewer, title):
    viewer = make_napari_viewer()
    texts = _menu_texts(viewer.window._qt_window.menuBar())
    plugins = [path for path in texts if path[0] == "Plugins"]
    layers = [path for path in texts if path[0] == "Layers"]
    assert any(title in path[-1] for path in plugins), plugins
    assert any(title in path[-1] for path in layers), layers


def test_file_menu_of_napari_shows_each_sample(make_napari_viewer):
    viewer = make_napari_viewer()
    texts = _menu_texts(viewer.window._qt_window.menuBar())
    samples = {path[-1] for path in texts if path[:2] == ("File", "Open Sample")}
    assert {"China (temple)", "Retina"} <= samples


def _menu_texts(menu, path=()):
    """All entries of a menu, each as the texts on the way to it."""
    found = []
    for action in menu.actions():
        here = (*path, action.text().replace("&", ""))
        if action.menu() is None:
            found.append(here)
        else:
            action.menu().aboutToShow.emit()
            found += _menu_texts(action.menu(), here)
    return found
