"""The state of one viewer: which image, which recipe, which result, which faults.

In a viewer without a window; test_cluster_widget.py has the same in a real one.
"""

import gc
import weakref
from dataclasses import replace

import dask
import dask.array as da
import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels
from numpy.testing import assert_array_equal

from napari_pixel_mixtures import Blur, Companion, cluster
from napari_pixel_mixtures.recipe import Recipe
from napari_pixel_mixtures.viewer.fitting import LIVE_LIMIT
from napari_pixel_mixtures.viewer.layers import METADATA_KEY
from napari_pixel_mixtures.viewer.workspace import workspace_of

NAMES = ["bands", "bands random colors", "bands quantized"]


def names(viewer):
    return [layer.name for layer in viewer.layers]


@pytest.fixture
def workspace(model):
    return workspace_of(model)


class TestImage:
    def test_follows_the_active_image(self, model, workspace, picture):
        first = model.layers["bands"]
        assert workspace.image is first
        second = model.add_image(picture, name="second")
        assert workspace.image is second
        model.layers.selection.active = first
        assert workspace.image is first
        model.layers.selection.active = model.add_labels(np.zeros((4, 4), int))
        assert workspace.image is first
        model.layers.selection.clear()
        assert workspace.image is first
        assert workspace.images() == [first, second]

    def test_of_a_viewer_that_has_images_already(self, qapp, picture):
        viewer = ViewerModel()
        first = viewer.add_image(picture)
        viewer.add_image(picture)
        viewer.add_points(np.zeros((1, 2)))
        viewer.layers.selection.active = first
        assert workspace_of(viewer).image is first
        assert workspace_of(viewer) is workspace_of(viewer)

    @pytest.mark.parametrize("reads", [False, True])
    def test_another_one_goes_with_what_was_measured_of_it_alone(
        self, model, workspace, picture, idle, monkeypatch, reads
    ):
        computed = []
        for kind in (Blur, Companion):

            def watched(self, picture, pixels, compute=kind.compute):
                computed.append(self)
                return compute(self, picture, pixels)

            monkeypatch.setattr(kind, "compute", watched)
        other = model.add_image(picture[..., 0].copy(), name="other")
        workspace.set_image(model.layers["bands"])
        features = [Blur(), Companion("other", on=reads)]
        workspace.set_recipe(Recipe(n_components=2, features=features))
        workspace.fit()
        idle(model)
        assert computed == [Blur(), Companion("other")][: 1 + reads]
        model.layers.remove(other)
        workspace.set_recipe(Recipe(n_components=2, features=[Blur(influence=0.5)]))
        workspace.fit()
        idle(model)
        assert computed == [Blur(), Companion("other")][: 1 + reads]

    def test_takes_another_when_it_is_removed(self, model, workspace, picture):
        second = model.add_image(picture, name="second")
        model.layers.remove(second)
        assert workspace.image is model.layers["bands"]
        model.layers.clear()
        assert workspace.image is None
        assert workspace.status.text == "Open an image, then press Fit."
        again = model.add_image(picture)
        assert workspace.image is again
        assert workspace.status.text == "Press Fit."

    def test_never_is_a_layer_of_ours(self, model, workspace, fit, idle):
        fit(model, n_components=3)
        workspace.comparison.start(workspace.request(), [2])
        idle(model)
        model.layers.selection.active = model.layers["K = 2 picture"]
        assert workspace.image is model.layers["bands"]
        assert workspace.images() == [model.layers["bands"]]


class TestFit:
    def test_two_layers_as_cluster_gives_them(self, model, workspace, fit, picture):
        result = fit(model, n_components=3)
        expected = cluster(picture, n_components=3)
        assert names(model) == NAMES
        for name in NAMES[1:]:
            layer = model.layers[name]
            assert isinstance(layer, Labels)
            assert layer.data.dtype == np.uint8
            assert_array_equal(layer.data, expected.labels)
        assert result.image is model.layers["bands"]
        assert workspace.status.text == (
            f"3 clusters after {expected.mixture.n_iter_} iterations; "
            f"mean log-likelihood {expected.log_likelihood:.4f}"
        )
        assert workspace.status.fraction is None

    def test_finds_the_bands(self, model, fit, bands):
        fit(model, n_components=3)
        assert_array_equal(model.layers["bands quantized"].data, bands)

    def test_metadata_replay_the_result(self, model, fit, picture):
        fit(model, n_components=2, position=True, covariance_type="diag")
        for name, role in zip(NAMES[1:], ("random colors", "quantized"), strict=True):
            layer = model.layers[name]
            assert list(layer.metadata) == [METADATA_KEY]
            note = layer.metadata[METADATA_KEY]
            assert (note["role"], note["image"]) == (role, "bands")
            recipe = Recipe.from_json(note["recipe"])
            settings = {
                name: getattr(recipe, name) for name in Recipe.__dataclass_fields__
            }
            assert_array_equal(cluster(picture, **settings).labels, layer.data)

    def test_again_updates_the_same_layers(self, model, fit):
        fit(model, n_components=2)
        mine = model.layers[1:]
        mine[0].name = "my name"
        mine[0].opacity = 0.3
        mine[1].visible = False
        mine[1].contour = 2
        mine[0].metadata["note"] = "mine"
        model.layers.move(0, 3)
        order = list(model.layers)
        fit(model, n_components=3)
        assert list(model.layers) == order
        assert [layer.data.max() for layer in mine] == [3, 3]
        assert mine[0].name == "my name"
        assert mine[0].opacity == 0.3
        assert not mine[1].visible
        assert mine[1].contour == 2
        assert mine[0].metadata["note"] == "mine"
        assert [len(layer.features) for layer in mine] == [3, 3]

    def test_never_touches_a_layer_of_the_user(self, model, fit):
        theirs = model.add_labels(np.full((32, 40), 7), name="bands quantized")
        model.layers.selection.active = model.layers["bands"]
        for n_components in (2, 3):
            fit(model, n_components=n_components)
            assert_array_equal(theirs.data, 7)
            assert theirs.metadata == {}
            assert len(model.layers) == 4

    def test_brings_back_a_layer_that_was_removed_by_hand(self, model, fit):
        fit(model)
        kept = model.layers["bands random colors"]
        del model.layers["bands quantized"]
        fit(model, n_components=3)
        assert names(model) == NAMES
        assert model.layers["bands random colors"] is kept

    def test_every_image_has_its_own_layers(self, model, workspace, fit, picture):
        fit(model)
        firsts = model.layers[1:]
        before = [layer.data for layer in firsts]
        model.add_image(picture[:, ::-1], name="mirror")
        fit(model, n_components=3)
        assert names(model) == [
            *NAMES,
            "mirror",
            "mirror random colors",
            "mirror quantized",
        ]
        assert [layer.data for layer in firsts] == before

    def test_survives_a_rename_of_the_image(self, model, fit):
        fit(model)
        layers = list(model.layers)
        model.layers["bands"].name = "stripes"
        fit(model, n_components=3)
        assert list(model.layers) == layers
        assert layers[1].metadata[METADATA_KEY]["image"] == "stripes"

    @pytest.mark.parametrize(
        "other",
        [
            np.random.default_rng(1).random((37, 39, 3)),
            np.random.default_rng(1).integers(0, 60_000, (35, 36, 3), np.uint16),
        ],
        ids=["float", "uint16"],
    )
    def test_data_of_another_shape_and_type(self, model, fit, other):
        fit(model)
        layers = model.layers[1:]
        model.layers["bands"].data = other
        fit(model, n_components=2)
        assert list(model.layers[1:]) == list(layers)
        for layer in layers:
            assert_array_equal(layer.data, cluster(other, n_components=2).labels)

    def test_data_of_more_dimensions(self, model, fit):
        fit(model)
        volume = np.random.default_rng(1).random((4, 31, 32, 3))
        model.layers["bands"].data = volume
        fit(model, n_components=2)
        assert names(model) == NAMES
        expected = cluster(volume, n_components=2).labels
        assert_array_equal(model.layers["bands quantized"].data, expected)

    def test_says_when_it_did_not_converge(self, model, fit, said):
        fit(model, n_components=3, max_iter=1, tol=0.0)
        sentence = (
            "The fit stopped at iteration 1, before it converged; raise max_iter "
            "(Iterations), or tol (Tolerance) for a coarser fit."
        )
        assert workspace_of(model).status.text == sentence
        assert said() == [("warning", sentence)]
        assert names(model) == NAMES


class TestLive:
    def test_a_change_fits_again_after_the_first_fit(self, model, workspace, idle):
        recipe = workspace.recipe
        workspace.set_recipe(replace(recipe, n_components=3))
        assert not workspace.runner.busy
        workspace.fit()
        idle(model)
        workspace.set_recipe(replace(recipe, n_components=2))
        assert workspace.runner.busy
        idle(model)
        assert workspace.result.clustering.n_components == 2
        workspace.set_live(False)
        workspace.set_recipe(replace(recipe, n_components=3))
        assert not workspace.runner.busy

    def test_not_for_another_image(self, model, workspace, fit, picture):
        fit(model)
        workspace.set_live(True)
        model.add_image(picture)
        workspace.set_recipe(replace(workspace.recipe, n_components=3))
        assert not workspace.runner.busy

    def test_not_for_a_large_image(self, model, workspace, fit, monkeypatch):
        assert LIVE_LIMIT == 2048 * 2048
        fit(model)
        workspace.set_live(True)
        monkeypatch.setattr(
            "napari_pixel_mixtures.viewer.fitting.LIVE_LIMIT", 32 * 40 - 1
        )
        workspace.set_recipe(replace(workspace.recipe, n_components=3))
        assert not workspace.runner.busy
        assert workspace.status.text == "Settings changed: press Fit."

    def test_an_error_is_quiet_in_the_status(self, model, workspace, fit, idle, said):
        model.layers["bands"].data = np.full((4, 4, 3), 9, np.uint8)
        workspace.set_live(True)
        workspace.set_recipe(replace(workspace.recipe, n_components=1))
        workspace.fit()
        idle(model)
        workspace.set_recipe(replace(workspace.recipe, n_components=2))
        idle(model)
        assert workspace.status.text == TOO_FEW.format(k=2, found=1, fewer="1")
        assert said() == []
        workspace.fit()
        idle(model)
        assert said() == [("error", TOO_FEW.format(k=2, found=1, fewer="1"))]


TOO_FEW = (
    "Expected at least {k} distinct samples for n_components={k}, got {found}; lower "
    "n_components to {fewer}, or add features."
)


class TestPictures:
    """Item 11: a right result or one clear sentence, and all layers stay."""

    def test_one_color(self, qapp, fit):
        viewer = ViewerModel()
        viewer.add_image(np.full((35, 36, 3), 99, np.uint8))
        assert_array_equal(fit(viewer, n_components=1).clustering.labels, 1)
        assert_array_equal(viewer.layers[1].data, 1)

    @pytest.mark.parametrize(
        ("data", "sentence"),
        [
            (
                np.full((35, 36, 3), 99, np.uint8),
                TOO_FEW.format(k=4, found=1, fewer="1"),
            ),
            (np.eye(8), TOO_FEW.format(k=4, found=2, fewer="2 or less")),
            (np.zeros((1, 1), np.uint8), TOO_FEW.format(k=4, found=1, fewer="1")),
            (
                np.full((5, 6), np.nan),
                "Expected at least one pixel with finite values, got only NaN or "
                "infinity; replace them (numpy.nan_to_num) or choose another image.",
            ),
        ],
        ids=["one color", "two values", "1 x 1", "NaN"],
    )
    @pytest.mark.filterwarnings("ignore:All-NaN:RuntimeWarning")  # napari's
    def test_one_sentence(self, qapp, fit, said, data, sentence):
        viewer = ViewerModel()
        viewer.add_labels(np.zeros((3, 3), int))
        viewer.add_image(data, name="bad", contrast_limits=(0, 1))
        layers = list(viewer.layers)
        assert fit(viewer, n_components=4) is None
        assert workspace_of(viewer).status.text == sentence
        assert workspace_of(viewer).status.fraction is None
        assert said() == [("error", sentence)]
        assert list(viewer.layers) == layers
        # And the viewer goes on.
        viewer.add_image(np.random.default_rng(0).random((6, 7)))
        assert fit(viewer, n_components=2) is not None

    # napari itself shows neither, but what is not shown yet may hold them.
    @pytest.mark.parametrize(
        ("data", "sentence"),
        [
            (
                np.ones((5, 6), np.complex64),
                "Expected an image of real numbers, got complex64; take its magnitude "
                "(numpy.abs) or its real part first.",
            ),
            (
                np.zeros((4, 0)),
                "Expected an image with at least one pixel, got an array of shape "
                "(4, 0); choose an image that is not empty.",
            ),
        ],
        ids=["complex", "empty"],
    )
    def test_what_napari_does_not_show(
        self, model, workspace, monkeypatch, fit, said, data, sentence
    ):
        request = workspace.request()
        source = replace(request.source, arrays=(data,), rgb=False)
        request = replace(request, source=source)
        monkeypatch.setattr(workspace, "request", lambda *settings: request)
        assert fit(model) is None
        assert workspace.status.text == sentence
        assert said() == [("error", sentence)]
        assert names(model) == ["bands"]

    @pytest.mark.parametrize(
        "kind", ["u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8", "?"]
    )
    def test_every_type_of_number(self, qapp, fit, bands, kind):
        values = (bands == 1).astype(kind)
        viewer = ViewerModel()
        viewer.add_image(values)
        fit(viewer, n_components=2)
        larger = (bands == 1).sum() > (bands != 1).sum()
        expected = np.where((bands == 1) == larger, 1, 2)
        assert_array_equal(viewer.layers[1].data, expected)

    def test_pixels_that_are_not_finite(self, qapp, fit, picture, bands):
        data = picture / 255
        data[3, 4, 1] = np.nan
        data[20, 39] = np.inf
        viewer = ViewerModel()
        viewer.add_image(data, rgb=True)
        fit(viewer, n_components=3)
        expected = bands.copy()
        expected[3, 4] = expected[20, 39] = 0
        assert_array_equal(viewer.layers[1].data, expected)

    @pytest.mark.parametrize("shape", [(5, 12, 15), (2, 3, 12, 15)])
    def test_volumes(self, qapp, fit, shape):
        data = np.random.default_rng(0).random(shape)
        viewer = ViewerModel()
        viewer.add_image(data)
        fit(viewer, n_components=3, position=True)
        features = workspace_of(viewer).recipe.features
        expected = cluster(
            data, n_components=3, features=features, channel_axis=None
        ).labels
        assert viewer.layers[2].data.shape == shape
        assert_array_equal(viewer.layers[2].data, expected)

    def test_alpha_is_left_out(self, qapp, fit, picture):
        alpha = np.random.default_rng(0).integers(0, 256, (32, 40, 1), np.uint8)
        viewer = ViewerModel()
        viewer.add_image(np.concatenate([picture, alpha], axis=-1))
        fit(viewer, n_components=3)
        expected = cluster(picture, n_components=3).labels
        assert_array_equal(viewer.layers[1].data, expected)

    def test_dask(self, qapp, fit, picture):
        viewer = ViewerModel()
        with dask.config.set(scheduler="synchronous"):
            viewer.add_image(da.from_array(picture, chunks=(10, 10, 3)), rgb=True)
            fit(viewer, n_components=3)
        expected = cluster(picture, n_components=3).labels
        assert_array_equal(viewer.layers[1].data, expected)

    def test_multiscale(self, qapp, fit, picture, monkeypatch):
        viewer = ViewerModel()
        viewer.add_image([picture, picture[::2, ::2], picture[::4, ::4]], rgb=True)
        fit(viewer, n_components=3)
        assert_array_equal(
            viewer.layers[1].data, cluster(picture, n_components=3).labels
        )
        monkeypatch.setattr(
            "napari_pixel_mixtures.viewer.layers.LARGEST_LEVEL", 16 * 20
        )
        fit(viewer, n_components=2)
        expected = cluster(picture[::2, ::2], n_components=2).labels
        assert_array_equal(viewer.layers[1].data[1], expected)
        assert len(viewer.layers) == 3


class TestFaults:
    def test_no_image(self, qapp, said):
        viewer = ViewerModel()
        workspace_of(viewer).fit()
        sentence = (
            "Expected an image, but none is open; open one "
            "(File > Open, or File > Open Sample > Pixel Mixtures)."
        )
        assert workspace_of(viewer).status.text == sentence
        assert said() == [("error", sentence)]

    def test_the_image_is_removed_during_its_fit(
        self, model, workspace, gate, qtbot, said
    ):
        workspace.fit()
        qtbot.waitUntil(lambda: gate.reached == 1)
        del model.layers["bands"]
        assert not workspace.runner.busy
        sentence = (
            "The image 'bands' was removed while its fit ran; the fit was cancelled."
        )
        assert workspace.status.text == sentence
        gate.open()
        qtbot.waitUntil(lambda: gate.closed == 1)
        qtbot.wait(20)
        assert names(model) == []

    def test_the_image_is_removed_and_another_stays(
        self, model, workspace, gate, qtbot, picture
    ):
        other = Image(picture, name="other")
        model.layers.insert(0, other)
        workspace.set_image(model.layers["bands"])
        workspace.fit()
        qtbot.waitUntil(lambda: gate.reached == 1)
        del model.layers["bands"]
        assert workspace.image is other
        assert workspace.status.text == (
            "The image 'bands' was removed while its fit ran; the fit was cancelled."
        )

    def test_the_image_is_renamed_during_its_fit(
        self, model, workspace, gate, qtbot, idle, bands
    ):
        workspace.set_recipe(Recipe(n_components=3))
        workspace.fit()
        qtbot.waitUntil(lambda: gate.reached == 1)
        model.layers["bands"].name = "stripes"
        gate.open()
        idle(model)
        assert names(model) == [
            "stripes",
            "stripes random colors",
            "stripes quantized",
        ]
        assert_array_equal(model.layers["stripes quantized"].data, bands)

    def test_the_image_is_replaced_during_its_fit(
        self, model, workspace, gate, qtbot, idle, said
    ):
        workspace.fit()
        qtbot.waitUntil(lambda: gate.reached == 1)
        model.layers["bands"].data = np.zeros((3, 4, 3), np.uint8)
        gate.open()
        idle(model)
        sentence = (
            "The image 'bands' was changed while its fit ran, so the result was "
            "dropped; press Fit again."
        )
        assert workspace.status.text == sentence
        assert said() == [("warning", sentence)]
        assert names(model) == ["bands"]

    def test_another_image_is_selected_during_a_fit(
        self, model, workspace, gate, qtbot, idle, picture
    ):
        image = workspace.image
        workspace.fit()
        qtbot.waitUntil(lambda: gate.reached == 1)
        other = model.add_image(picture, name="other")
        assert workspace.image is other
        gate.open()
        idle(model)
        assert workspace.result.image is image
        assert [layer.name for layer in model.layers] == ["bands", "other", *NAMES[1:]]

    def test_the_second_of_two_fits_wins(self, model, workspace, gate, qtbot, idle):
        workspace.set_recipe(Recipe(n_components=2))
        workspace.fit()
        qtbot.waitUntil(lambda: gate.reached == 1)
        workspace.set_recipe(Recipe(n_components=3))
        workspace.fit()
        qtbot.waitUntil(lambda: gate.reached == 2)
        gate.open()
        idle(model)
        assert gate.closed == 1
        assert workspace.result.clustering.n_components == 3
        assert names(model) == NAMES

    def test_cancel(self, model, workspace, gate, qtbot, said):
        workspace.fit()
        qtbot.waitUntil(lambda: gate.reached == 1)
        workspace.cancel()
        assert workspace.status.text == "The fit was cancelled."
        gate.open()
        qtbot.waitUntil(lambda: gate.closed == 1)
        qtbot.wait(20)
        assert names(model) == ["bands"]
        assert said() == []
        workspace.cancel()
        assert workspace.status.text == "The fit was cancelled."

    def test_a_fault_of_the_program_shows_with_its_traceback(
        self, model, workspace, gate, idle, said
    ):
        from napari.utils.notifications import ErrorNotification, notification_manager

        gate.error = RuntimeError("A wheel came off.")
        gate.open()
        workspace.fit()
        idle(model)
        assert workspace.status.text == "A wheel came off."
        assert workspace.status.fraction is None
        [(severity, message)] = said()
        assert (severity, message) == ("error", "A wheel came off.")
        record = notification_manager.records[-1]
        assert isinstance(record, ErrorNotification)
        assert record.exception is gate.error
        assert "cluster_steps" in record.as_text() or "steps" in record.as_text()
        assert not workspace.runner.busy


def collected(references):
    gc.collect()
    return all(reference() is None for reference in references)


def test_neither_viewer_nor_workspace_keeps_the_other_alive(qtbot, fit, picture):
    def session():
        viewer = ViewerModel()
        viewer.add_image(picture)
        fit(viewer)
        workspace = workspace_of(viewer)
        workspace.cloud.show()
        return [weakref.ref(o) for o in (viewer, workspace, *viewer.layers)]

    references = session()
    qtbot.waitUntil(lambda: collected(references))


def test_a_viewer_that_died_during_a_fit_is_no_fault(qtbot, gate, picture, said):
    def session():
        viewer = ViewerModel()
        viewer.add_image(picture)
        workspace_of(viewer).fit()
        qtbot.waitUntil(lambda: gate.reached == 1)
        return [weakref.ref(o) for o in (viewer, workspace_of(viewer))]

    references = session()
    qtbot.waitUntil(lambda: collected(references))
    gate.open()
    qtbot.wait(50)
    assert said() == []
