"""Several sizes side by side, in napari's grid."""

import numpy as np
import pytest
from napari.layers import Image, Labels
from numpy.testing import assert_array_equal
from PIL import Image as PngImage

from napari_pixel_mixtures import cluster
from napari_pixel_mixtures.figure import GAP, TITLE
from napari_pixel_mixtures.viewer.compare_widget import CompareMixtures
from napari_pixel_mixtures.viewer.workspace import workspace_of


@pytest.fixture
def workspace(model):
    return workspace_of(model)


@pytest.fixture
def comparison(workspace):
    return workspace.comparison


@pytest.fixture
def compare(model, workspace, comparison, idle):
    def run(*sizes):
        comparison.start(workspace.request(), sizes)
        idle(model)

    return run


def cells(viewer):
    """The layer names in each cell of the grid, row by row."""
    grid = viewer.canvas.grid
    rows, columns = grid.actual_shape(viewer.layers)
    found = [[[] for _ in range(columns)] for _ in range(rows)]
    for row, column in np.ndindex(rows, columns):
        found[row][column] = [
            viewer.layers[i].name
            for i in grid.contents_at((row, column), viewer.layers)
        ]
    return found


def test_a_row_for_each_size(model, compare, comparison, picture):
    said = []
    comparison.finished.connect(said.append)
    compare(1, 2, 3)
    assert comparison.shown
    assert said == ["3 mixtures of bands."]
    shown = [row for row in cells(model) if any(row)]
    assert shown == [
        [[f"K = {k} picture"], [f"K = {k} quantized"], [f"K = {k} random colors"]]
        for k in (1, 2, 3)
    ]
    for k in (1, 2, 3):
        expected = cluster(picture, n_components=k)
        original = model.layers[f"K = {k} picture"]
        assert isinstance(original, Image) and original.rgb
        assert_array_equal(original.data, picture)
        for name, colors in (
            ("quantized", expected.colors),
            ("random colors", expected.permuted_colors()),
        ):
            layer = model.layers[f"K = {k} {name}"]
            assert isinstance(layer, Labels)
            assert_array_equal(layer.data, expected.labels)
            for label, color in enumerate(colors, start=1):
                np.testing.assert_allclose(
                    layer.get_color(label)[:3], color / 255, atol=1e-6
                )


def test_back_restores_the_picture(model, compare, comparison, fit):
    fit(model)
    model.layers["bands random colors"].visible = False
    model.layers.selection.active = model.layers["bands"]
    grid, camera = model.canvas.grid.model_dump(), model.scene.camera.model_dump()
    visible = {layer.name: layer.visible for layer in model.layers}
    compare(2, 3)
    comparison.leave()
    comparison.leave()
    assert not comparison.shown
    assert {layer.name: layer.visible for layer in model.layers} == visible
    assert model.canvas.grid.model_dump() == grid
    assert model.scene.camera.model_dump() == camera
    assert model.layers.selection.active is model.layers["bands"]


def test_compared_again(model, compare, comparison):
    compare(2, 3)
    compare(1)
    assert [row for row in cells(model) if any(row)] == [
        [["K = 1 picture"], ["K = 1 quantized"], ["K = 1 random colors"]]
    ]
    comparison.leave()
    assert [layer.name for layer in model.layers] == ["bands"]


def test_the_fit_in_cluster_pixels_stays(model, compare, workspace, fit):
    result = fit(model, n_components=3)
    compare(1, 2)
    assert workspace.result is result
    assert workspace.recipe.n_components == 3


def test_says_which_did_not_converge(model, compare, comparison, workspace):
    from dataclasses import replace

    said = []
    comparison.finished.connect(said.append)
    workspace.set_recipe(replace(workspace.recipe, max_iter=1, tol=0.0))
    compare(2, 3)
    assert said == [
        "With 2, 3 components the fit stopped before it converged; raise Iterations "
        "in Cluster pixels."
    ]
    assert comparison.shown


def test_too_many_components(model, compare, comparison, said):
    model.layers["bands"].data = np.tile(np.eye(32, 40)[..., None], 3) * 200
    ends = []
    comparison.finished.connect(ends.append)
    compare(2, 3)
    sentence = (
        "Expected at least 3 distinct samples for n_components=3, got 2; lower "
        "n_components to 2 or less, or add features."
    )
    assert ends == [sentence]
    assert said() == [("error", sentence)]
    assert not comparison.shown
    assert [layer.name for layer in model.layers] == ["bands"]


def test_the_image_is_removed_meanwhile(
    model, workspace, comparison, gate, qtbot, said
):
    ends = []
    comparison.finished.connect(ends.append)
    comparison.start(workspace.request(), [2, 3])
    qtbot.waitUntil(lambda: gate.reached == 1)
    del model.layers["bands"]
    gate.open()
    qtbot.waitUntil(lambda: gate.closed == 1)
    qtbot.wait(20)
    assert ends == [
        "The image 'bands' was removed while it was compared; the comparison was "
        "cancelled."
    ]
    assert not comparison.shown
    assert len(model.layers) == 0
    assert said() == []


def test_the_image_is_removed_while_it_is_shown(model, compare, comparison):
    compare(2)
    del model.layers["bands"]
    assert not comparison.shown
    assert len(model.layers) == 0
    assert comparison.results == ()


class TestChannels:
    """Of an image whose channels are layers, any of which may be removed."""

    @pytest.fixture(autouse=True)
    def channels(self, model, workspace, picture):
        for i, name in enumerate(("red", "green", "blue")):
            model.add_image(picture[..., i], name=name)
        workspace.set_image([model.layers[name] for name in ("red", "green")])

    @pytest.mark.parametrize("name", ["red", "green"])
    def test_one_is_removed_while_it_is_shown(self, model, compare, comparison, name):
        said = []
        comparison.finished.connect(said.append)
        compare(2)
        assert comparison.shown
        model.layers.remove(name)
        assert not comparison.shown
        assert comparison.results == ()
        assert said == [
            "1 mixture of red and 1 more.",
            f"The image {name!r} was removed.",
        ]
        others = [x for x in ("bands", "red", "green", "blue") if x != name]
        assert [layer.name for layer in model.layers] == others
        with pytest.raises(ValueError) as error:
            comparison.save("figure.png")
        assert str(error.value) == (
            "Expected a comparison to save, but there is none yet; press Compare."
        )

    @pytest.mark.parametrize("name", ["red", "green"])
    def test_one_is_removed_meanwhile(
        self, model, workspace, comparison, gate, qtbot, name
    ):
        ends = []
        comparison.finished.connect(ends.append)
        comparison.start(workspace.request(), [2, 3])
        qtbot.waitUntil(lambda: gate.reached == 1)
        model.layers.remove(name)
        gate.open()
        qtbot.waitUntil(lambda: gate.closed == 1)
        qtbot.wait(20)
        assert ends == [
            f"The image {name!r} was removed while it was compared; the comparison was "
            "cancelled."
        ]
        assert not comparison.shown
        assert comparison.results == ()

    def test_another_image_is_removed(self, model, compare, comparison):
        compare(2)
        model.layers.remove("blue")
        assert comparison.shown
        assert len(comparison.results) == 1

    @pytest.mark.parametrize("name", ["red", "green"])
    def test_the_result_goes_with_any_of_them(self, model, workspace, fit, name, idle):
        fit(model, n_components=2)
        workspace.maps.show("entropy")
        model.layers.remove(name)
        assert workspace.result is None
        assert workspace.classes.result is None
        assert not workspace.maps.runner.busy
        assert not workspace.undo_stack.can_undo
        workspace.reshuffle()
        fit(model, n_components=2)  # the other one alone
        assert workspace.result.clustering.feature_names == ("gray",)


def test_an_image_is_added_meanwhile(model, compare, comparison, picture):
    compare(2, 3)
    theirs = model.add_image(picture, name="theirs")
    comparison.leave()
    assert [layer.name for layer in model.layers] == ["bands", "theirs"]
    assert theirs.visible


def test_of_a_grey_volume(qapp, idle):
    from napari.components import ViewerModel

    viewer = ViewerModel()
    volume = np.random.default_rng(0).random((4, 6, 7))
    viewer.add_image(volume, colormap="viridis", contrast_limits=(0.1, 0.7))
    workspace = workspace_of(viewer)
    workspace.comparison.start(workspace.request(), [2])
    idle(viewer)
    layer = viewer.layers["K = 2 picture"]
    assert layer.colormap.name == "viridis"
    assert layer.contrast_limits == [0.1, 0.7]
    workspace.comparison.leave()


class TestWidget:
    @pytest.fixture
    def widget(self, model):
        """Of a viewer without a window."""
        widget = CompareMixtures(model)
        yield widget
        widget.close()

    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            (
                "",
                "Expected at least one number of components, got none; type some, "
                "such as 2, 4, 10, 30.",
            ),
            (
                "2, four",
                "Expected whole numbers of components, such as 2, 4, 10, 30, got "
                "'four'.",
            ),
            (
                "2.5",
                "Expected whole numbers of components, such as 2, 4, 10, 30, got "
                "'2.5'.",
            ),
            ("0", "Expected n_components to be a whole number from 1 to 255, got 0."),
            (
                "4, 256",
                "Expected n_components to be a whole number from 1 to 255, got 256.",
            ),
            ("-3", "Expected n_components to be a whole number from 1 to 255, got -3."),
        ],
    )
    def test_bad_input(self, model, widget, said, text, sentence):
        widget.sizes.value = text
        widget.compare.native.click()
        assert widget.status.value == sentence
        assert said() == [("error", sentence)]
        assert not widget.cancel.enabled
        assert not workspace_of(model).comparison.runner.busy

    @pytest.mark.parametrize("text", ["1 2", "1,2", " 1 ; 2 ", "1,, 2,"])
    def test_numbers_however_they_are_separated(self, model, widget, idle, text):
        widget.sizes.value = text
        widget.compare.native.click()
        idle(model)
        results = workspace_of(model).comparison.results
        assert [result.clustering.n_components for result in results] == [1, 2]

    def test_no_image(self, model, widget, said):
        model.layers.clear()
        widget.compare.native.click()
        sentence = (
            "Expected an image, but none is open; open one "
            "(File > Open, or File > Open Sample > Pixel Mixtures)."
        )
        assert widget.status.value == sentence
        assert said() == [("error", sentence)]

    def test_cancel(self, model, widget, gate, qtbot):
        widget.compare.native.click()
        qtbot.waitUntil(lambda: widget.progress.value > 0)
        assert widget.status.value == (
            "Clustering bands: iteration 1, mean log-likelihood -1.5000 (2 components)"
        )
        assert widget.progress.value == 62  # a quarter of the first of four fits
        assert widget.cancel.enabled
        widget.cancel.native.click()
        assert widget.status.value == "The comparison was cancelled."
        assert widget.progress.value == 0
        assert not widget.cancel.enabled
        assert not widget.back.enabled and not widget.save.enabled
        gate.open()
        qtbot.waitUntil(lambda: gate.closed == 1)
        assert [layer.name for layer in model.layers] == ["bands"]

    def test_save(self, model, widget, idle, tmp_path, picture, said):
        widget.sizes.value = "2, 3"
        widget.compare.native.click()
        idle(model)
        assert widget.save.enabled
        widget.save_figure(str(tmp_path / "figure"))
        assert said() == [("info", f"Saved {tmp_path / 'figure.png'}.")]
        figure = np.asarray(PngImage.open(tmp_path / "figure.png"))
        fits = workspace_of(model).comparison.results
        for i, result in enumerate(fits):
            top = GAP + TITLE + i * (32 + GAP + TITLE)
            for j, colors in enumerate(
                (
                    None,
                    result.clustering.colors,
                    result.clustering.permuted_colors(),
                )
            ):
                left = GAP + j * (40 + GAP)
                panel = figure[top : top + 32, left : left + 40]
                if colors is None:
                    assert_array_equal(panel, picture)
                else:
                    expected = np.rint(colors)[result.clustering.labels - 1]
                    assert_array_equal(panel, expected)

    def test_save_where_one_cannot(self, model, widget, idle, tmp_path, said):
        widget.save_figure(str(tmp_path / "figure.png"))
        widget.sizes.value = "2"
        widget.compare.native.click()
        idle(model)
        widget.save_figure(str(tmp_path / "no folder" / "figure.png"))
        assert [severity for severity, _ in said()] == ["error", "error"]
        assert said()[0][1] == (
            "Expected a comparison to save, but there is none yet; press Compare."
        )
        assert "No such file or directory" in said()[1][1]

    def test_save_what_was_left(self, model, widget, idle, tmp_path):
        widget.sizes.value = "2"
        widget.compare.native.click()
        idle(model)
        widget.back.native.click()
        assert not widget.back.enabled
        assert widget.save.enabled
        widget.save_figure(str(tmp_path / "figure.png"))
        assert (tmp_path / "figure.png").exists()
        del model.layers["bands"]
        assert not widget.save.enabled


def test_in_a_window(viewer, picture, open_widget, click, idle, qtbot):
    viewer.add_image(picture, name="bands")
    widget = open_widget(viewer, "Compare mixtures")
    widget.sizes.value = "2, 3"
    click(widget.compare)
    idle(viewer)
    assert widget.status.value == "2 mixtures of bands."
    assert not widget.cancel.enabled

    def drawn():
        canvas = viewer.screenshot(canvas_only=True, flash=False)[..., :3]
        height, width = canvas.shape[:2]
        for i, result in enumerate(workspace_of(viewer).comparison.results):
            clustering = result.clustering
            for j, colors in (
                (1, clustering.colors),
                (2, clustering.permuted_colors()),
            ):
                cell = canvas[
                    i * height // 2 : (i + 1) * height // 2,
                    j * width // 3 : (j + 1) * width // 3,
                ]
                found, counts = np.unique(
                    cell.reshape(-1, 3), axis=0, return_counts=True
                )
                # All but black and the grey letters of the title.
                colored = np.ptp(found.astype(int), axis=1) > 20
                large = colored & (counts > 50)
                own = sorted(np.rint(colors).astype(int).tolist())
                assert sorted(found[large].tolist()) == own

    qtbot.waitUntil(drawn)  # cells of the grid are laid out in several events
    click(widget.back)
    assert [layer.name for layer in viewer.layers] == ["bands"]
    assert not viewer.canvas.grid.enabled
