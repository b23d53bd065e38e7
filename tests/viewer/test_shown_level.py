"""Zoomed in on a large multiscale image, labels are those of the level shown."""

import gc
import weakref
from dataclasses import replace

import numpy as np
import pytest
import tifffile
from napari.components import ViewerModel
from numpy.testing import assert_allclose, assert_array_equal

from napari_pixel_mixtures import Model, Picture, cluster
from napari_pixel_mixtures.features import Blur, Color, GaborEnergy
from napari_pixel_mixtures.finer import FinerLevel
from napari_pixel_mixtures.viewer import shown_level
from napari_pixel_mixtures.viewer.shown_level import Blocks, LevelLabels, Scales
from napari_pixel_mixtures.viewer.workspace import workspace_of

N = 1024
FITTED = 256  # pixels along each side of the level that is clustered


def wavy(n=N):
    """Smooth colors with a little noise, uint8 (n, n, 3)."""
    rows, columns = np.indices((n, n)) * (40 / n)
    waves = [np.sin(rows) + np.cos(columns * k) for k in (0.7, 1.1, 1.6)]
    noise = np.random.default_rng(0).normal(0, 0.1, (n, n, 3))
    return np.uint8(np.clip(128 + 60 * (np.stack(waves, axis=-1) / 2 + noise), 0, 255))


def halved(image):
    """The mean of each 2 x 2 pixels."""
    n = len(image) // 2
    return (
        image.reshape(n, 2, n, 2, *image.shape[2:])
        .mean(axis=(1, 3))
        .astype(image.dtype)
    )


@pytest.fixture(scope="module")
def levels():
    """Levels of 1024, 512, 256 and 128 pixels a side."""
    found = [wavy()]
    for _ in range(3):
        found.append(halved(found[-1]))
    return found


@pytest.fixture(autouse=True)
def small_budget(monkeypatch):
    """The level of 256 x 256 is the finest that may be clustered."""
    monkeypatch.setattr("napari_pixel_mixtures.viewer.layers.LARGEST_LEVEL", FITTED**2)


@pytest.fixture
def shown(viewer, levels):
    """A viewer in a window that shows the image."""
    viewer.add_image(levels, name="large", rgb=True)
    yield viewer
    workspace_of(viewer).close()


def zoom_in(viewer, center=(500, 600), zoom=4.0):
    """Show a place of the image, in its own pixels, so many times enlarged.

    From afar: napari keeps a tile as long as it holds what is in sight.
    """
    viewer.scene.camera.zoom = 0.2
    viewer.screenshot(canvas_only=True, flash=False)
    viewer.scene.camera.center = (0, *center)
    viewer.scene.camera.zoom = zoom
    viewer.screenshot(canvas_only=True, flash=False)


def tile(layer):
    """The level that a layer shows, where, and what is drawn there."""
    low, high = layer.corner_pixels
    place = tuple(slice(a, b + 1) for a, b in zip(low, high, strict=True))
    return layer.data_level, place, np.asarray(layer._slice.image.raw)


def fit_with(viewer, fit, *features):
    """Fit four components of these features, and give the clustering."""
    workspace = workspace_of(viewer)
    workspace.set_live(False)
    workspace.set_recipe(replace(workspace.recipe, features=features))
    return fit(viewer, n_components=4).clustering


def in_layer(viewer, name="large quantized"):
    return tile(viewer.layers[name])


@pytest.mark.parametrize("zoom, level", [(4.0, 0), (0.4, 1)])
def test_colors_of_the_level_shown_are_predicted(shown, fit, levels, zoom, level):
    result = fit(shown, n_components=4)
    zoom_in(shown, zoom=zoom)
    found, place, labels = in_layer(shown)
    assert found == level
    assert shown.layers["large"].data_level == level
    expected = Model.of(result.clustering).apply(levels[level]).labels
    assert_array_equal(labels, expected[place])
    assert labels.size < levels[level][..., 0].size or level == 1
    assert_array_equal(in_layer(shown, "large random colors")[2], labels)
    assert workspace_of(shown).status.text.endswith(
        "; of the image's level 3 of 4 (256 x 256); zoomed in, labels are those of "
        "the level shown"
    )


def test_the_fitted_level_is_as_ever(shown, fit, levels):
    fit(shown, n_components=4)
    expected = cluster(levels[2], n_components=4).labels
    zoom_in(shown)
    for name in ("large quantized", "large random colors"):
        layer = shown.layers[name]
        assert_array_equal(layer.data[2], expected)
        assert_array_equal(layer.data[3], expected[1::2, 1::2])
        assert len(layer.data) == len(levels)
        assert_array_equal(layer.extent.world, shown.layers["large"].extent.world)


def test_places_are_those_of_the_layer(shown, fit, levels):
    clustering = fit(shown, n_components=5, position=True).clustering
    zoom_in(shown)
    _, place, labels = in_layer(shown)
    # In the layer's units, in which a pixel that was clustered is 4 wide, its first
    # at 0 and in the middle of four.
    y, x = np.indices((N, N)) - 1.5
    groups = [levels[0], np.stack([x, y], axis=-1)]
    factors = [group.factor for group in clustering.groups]
    columns = [v[place].reshape(labels.size, -1) for v in groups]
    samples = np.hstack([c * f for c, f in zip(columns, factors, strict=True)])
    expected = clustering.mixture.labels(samples.astype(np.float32)) + 1
    assert_array_equal(labels, expected.reshape(labels.shape))


def test_a_blur_goes_on_where_the_tile_ends(shown, fit, levels):
    clustering = fit_with(shown, fit, Blur(1.5))
    zoom_in(shown)
    level, place, labels = in_layer(shown)
    assert level == 0
    whole = FinerLevel(clustering, (N, N), lambda region: levels[0][region])
    assert_array_equal(labels, whole.labels((slice(0, N), slice(0, N)))[place])


def test_live_fits_show_their_tile(shown, fit, levels, idle, qtbot):
    fit(shown, n_components=4)
    zoom_in(shown)
    layer = shown.layers["large quantized"]
    before = tile(layer)
    workspace = workspace_of(shown)
    workspace.set_live(True)
    first = workspace.result
    workspace.set_recipe(replace(workspace.recipe, n_components=3))
    qtbot.waitUntil(lambda: workspace.result is not first)
    idle(shown)
    assert shown.layers["large quantized"] is layer
    after = tile(layer)
    assert after[:2] == before[:2]
    model = Model.of(workspace.result.clustering)
    assert_array_equal(after[2], model.apply(levels[0]).labels[after[1]])


def test_other_labels_are_those_of_the_tile_at_once(shown, fit):
    result = fit(shown, n_components=4)
    zoom_in(shown)
    layer = shown.layers["large quantized"]
    before = tile(layer)
    drawn = []
    layer.events.set_data.connect(lambda event: drawn.append(tile(layer)))
    other = replace(result, clustering=result.clustering.reordered([1, 2, 3, 0]))
    workspace_of(shown).labels.show(other)
    numbers = np.array([0, 4, 1, 2, 3])
    assert drawn
    for level, place, labels in drawn:
        assert (level, place) == before[:2]
        assert_array_equal(labels, numbers[before[2]])


def test_what_is_of_one_level_alone_is_enlarged(shown, fit, idle, levels):
    clustering = fit_with(shown, fit, Color(), GaborEnergy(2))
    layer = shown.layers["large quantized"]
    zoom_in(shown)
    level, place, labels = tile(layer)
    assert level == 0
    whole = clustering.labels.repeat(4, axis=0).repeat(4, axis=1)
    assert_array_equal(labels, whole[place])
    assert workspace_of(shown).status.text.endswith(
        "; of the image's level 3 of 4 (256 x 256); zoomed in, labels are enlarged, "
        "for Waves is of that level alone"
    )
    fit_with(shown, fit, Color())
    assert shown.layers["large quantized"] is layer
    assert (tile(layer)[2] != whole[place]).any()


def test_a_level_that_cannot_be_read_is_enlarged(shown, fit, levels, monkeypatch, said):
    class Broken:
        shape, dtype, ndim, size = levels[0].shape, levels[0].dtype, 3, levels[0].size
        read = 0

        def __getitem__(self, key):
            Broken.read += 1
            raise OSError("the disk is gone")

    del shown.layers["large"]
    shown.add_image(levels[1:], name="large", rgb=True)
    result = fit(shown, n_components=4)
    # The image itself would not be shown, either.
    (blocks,) = Scales.of(result).finer
    monkeypatch.setattr(blocks.level, "_read", Broken().__getitem__)
    labels = np.asarray(LevelLabels(blocks)[30:50, 60:90])
    whole = result.clustering.labels.repeat(2, axis=0).repeat(2, axis=1)
    assert_array_equal(labels, whole[30:50, 60:90])
    assert_array_equal(LevelLabels(blocks)[100:120, :30], whole[100:120, :30])
    assert Broken.read == 1
    assert said() == []


def test_classes_and_none_of_these(shown, fit, idle, levels):
    result = fit(shown, n_components=4)
    workspace = workspace_of(shown)
    workspace.classes.edit(result.all_classes.merge(1, 3))
    zoom_in(shown)
    expected = Model.of(result.clustering, workspace.result.classes)
    _, place, labels = in_layer(shown, "large classes")
    assert_array_equal(labels, expected.apply(levels[0]).labels[place])
    layer = shown.layers["large classes"]
    workspace.classes.set_quantile(0.2)
    idle(shown)
    found = workspace.result
    assert found.threshold is not None
    expected = Model.of(found.clustering, found.classes, found.threshold)
    assert shown.layers["large classes"] is layer
    assert_array_equal(tile(layer)[2], expected.apply(levels[0]).labels[place])
    assert (tile(layer)[2] == 5).any()
    blocks = layer.data[0].blocks
    workspace.classes.edit(found.classes.merge(1, 2))
    assert layer.data[0].blocks is blocks  # another merge computes no label
    workspace.classes.edit(found.classes)
    assert_array_equal(layer.data[2], expected.apply(levels[2]).labels)


def test_a_mask_is_the_same(shown, fit, levels):
    mask = np.zeros((N, N), np.uint8)
    mask[400:560, 520:640] = 1
    painted = shown.add_labels(mask, name="mask")
    workspace_of(shown).set_mask(painted)
    fit(shown, n_components=3)
    zoom_in(shown)
    _, place, labels = in_layer(shown)
    assert 0 < np.count_nonzero(labels) < labels.size
    assert_array_equal(labels > 0, mask[place] > 0)


def test_hovering_tells_of_the_pixel_that_was_clustered(shown, fit):
    result = fit(shown, n_components=3)
    zoom_in(shown)
    hover = workspace_of(shown).hover
    # The pixels of the image that one pixel of the clustered level stands for.
    for place in [(400, 600), (403, 603), (399.6, 603.4)]:
        hover.move_to(place)
        assert hover.pixel == 100 * FITTED + 150
    hover.move_to((404, 600))
    assert hover.pixel == 101 * FITTED + 150
    hover.move_to((-1, 5))
    assert hover.pixel is None
    assert result.clustering.labels[100, 150] > 0


def test_the_status_bar_tells_of_the_label_shown(shown, fit):
    fit(shown, n_components=3)
    zoom_in(shown)
    layer = shown.layers["large quantized"]
    level, place, labels = tile(layer)
    label = labels[500 - place[0].start, 600 - place[1].start]
    told = layer.get_status((500, 600), view_direction=None, dims_displayed=[0, 1])
    assert told["value"].startswith(f"{level}, {label}; weight: ")


def test_saved_and_copied_it_is_the_level_clustered(shown, fit, tmp_path):
    result = fit(shown, n_components=3)
    layer = shown.layers["large quantized"]
    (path,) = layer.save(str(tmp_path / "labels.tif"))
    assert_array_equal(tifffile.imread(path), result.clustering.labels)
    shown.layers["large"].scale = (2, 0.5)
    shown.layers["large"].translate = (7, 3)
    workspace_of(shown).labels.show(result)
    copy = layer.create(*layer.as_layer_data_tuple())
    assert_array_equal(copy.data, result.clustering.labels)
    for place in [(0, 0), (FITTED - 1, 17)]:
        middle = np.array(place) * 4 + 1.5
        assert_allclose(copy.data_to_world(place), layer.data_to_world(middle))
    assert_array_equal(copy.features, layer.features)


def test_pixels_are_chosen_by_the_selected_label(shown, fit):
    result = fit(shown, n_components=3)
    layer = shown.layers["large quantized"]
    layer.selected_label = 2
    selection = workspace_of(shown).selection
    selection.choose_layer(layer)
    assert_array_equal(selection.mask, result.clustering.labels == 2)


def test_an_image_that_is_moved_takes_its_labels_along(shown, fit):
    workspace_of(shown).set_live(True)
    fit(shown, n_components=3)
    workspace_of(shown).set_live(True)
    image = shown.layers["large"]
    image.translate = (100, 50)
    image.scale = (2, 3)
    for layer in list(shown.layers)[1:]:
        assert_array_equal(layer.extent.world, image.extent.world)


def test_other_data_of_other_scales(shown, fit, levels):
    fit(shown, n_components=3)
    zoom_in(shown)
    layer = shown.layers["large quantized"]
    shown.layers["large"].data = [level[:, : len(level) // 2] for level in levels]
    fit(shown, n_components=3)
    zoom_in(shown, (500, 250))
    assert layer.data.shape == (N, N // 2)
    level, place, labels = tile(layer)
    assert level == 0
    clustering = workspace_of(shown).result.clustering
    expected = Model.of(clustering).apply(levels[0][:, : N // 2]).labels
    assert_array_equal(labels, expected[place])


def test_labels_outlive_their_image_and_do_not_keep_it(levels, fit):
    viewer = ViewerModel()
    viewer.add_image(levels, name="large", rgb=True)
    fit(viewer, n_components=3)
    image = weakref.ref(viewer.layers["large"])
    labels = viewer.layers["large quantized"]
    del viewer.layers["large"]
    gc.collect()
    assert image() is None
    assert np.asarray(labels.data[0][500:520, 600:640]).all()
    workspace_of(viewer).close()


def test_seen_from_aside_it_is_the_coarsest_level(shown, fit):
    result = fit(shown, n_components=3)
    zoom_in(shown)
    shown.dims.ndisplay = 3
    shown.screenshot(canvas_only=True, flash=False)
    labels = result.clustering.labels[1::2, 1::2]
    assert_array_equal(in_layer(shown)[2].squeeze(), labels)
    shown.dims.ndisplay = 2
    zoom_in(shown)
    assert in_layer(shown)[0] == 0


class TestBlocks:
    """What is computed, and what is kept."""

    @pytest.fixture
    def asked(self, levels):
        """Blocks of a level, and the regions of it that were read."""
        regions = []

        def read(region):
            regions.append(tuple((part.start, part.stop) for part in region))
            return levels[0][region]

        level = FinerLevel(cluster(levels[2], 3), (N, N), read)
        return Blocks(level), regions

    def test_what_comes_into_sight_is_computed(self, asked, levels):
        blocks, regions = asked
        whole = Model.of(cluster(levels[2], 3)).apply(levels[0]).labels
        for place in [
            (slice(10, 300), slice(20, 500)),
            (slice(30, 500), slice(100, 512)),
            (slice(10, 300), slice(500, 530)),
            (slice(1000, 1024), slice(1023, 1024)),
            (slice(5, 5), slice(1, 4)),
        ]:
            assert_array_equal(blocks.labels(place), whole[place])
        assert regions == [
            ((0, 512), (0, 512)),
            ((0, 512), (512, 768)),
            ((768, 1024), (768, 1024)),
        ]

    def test_few_are_kept(self, asked, monkeypatch, levels):
        monkeypatch.setattr(shown_level, "MOST_BLOCKS", 3)
        blocks, regions = asked
        whole = Model.of(cluster(levels[2], 3)).apply(levels[0]).labels
        for column in (0, 300, 600, 900, 300, 0):
            place = (slice(0, 9), slice(column, column + 9))
            assert_array_equal(blocks.labels(place), whole[place])
        assert [columns[0] for _, columns in regions] == [0, 256, 512, 768, 0]
        place = (slice(0, 513), slice(0, 513))  # more than are kept
        assert_array_equal(blocks.labels(place), whole[place])

    def test_parts_as_of_an_array(self, asked, levels):
        lazy = LevelLabels(asked[0])
        assert (lazy.shape, lazy.ndim, lazy.size) == ((N, N), 2, N * N)
        assert lazy.dtype == np.uint8
        whole = Model.of(cluster(levels[2], 3)).apply(levels[0]).labels
        part, expected = lazy[10:400, -300:], whole[10:400, -300:]
        assert isinstance(part, LevelLabels)
        assert not asked[1]
        for key in [..., 3, (slice(5, 9), -2), (slice(None), 7), (slice(900), 3)]:
            assert_array_equal(np.asarray(part[key]), expected[key])
        assert_array_equal(part[::2, ::5], expected[::2, ::5])
        assert_array_equal(part[[1, 5]], expected[[1, 5]])
        assert np.asarray(part, dtype=np.int64).dtype == np.int64
        with pytest.raises(IndexError, match="Expected an index below 390, got 390"):
            part[390]


def test_channels_along_an_axis(fit, levels):
    viewer = ViewerModel()
    viewer.add_image(
        [np.moveaxis(level, -1, 0) for level in levels],
        axis_labels=("c", "y", "x"),
        name="large",
    )
    clustering = fit(viewer, n_components=3).clustering
    layer = viewer.layers["large quantized"]
    assert layer.data.shape == (1, N, N)
    expected = Model.of(clustering).apply(np.moveaxis(levels[0], -1, 0)).labels
    place = (slice(300, 340), slice(500, 530))
    found = layer.data[0][(slice(None), *place)]
    assert_array_equal(found, expected[place][np.newaxis])
    workspace_of(viewer).close()


def test_channels_in_several_layers(fit, levels):
    viewer = ViewerModel()
    images = [
        viewer.add_image([level[..., i] for level in levels], name=f"channel {i}")
        for i in range(2)
    ]
    workspace_of(viewer).set_image(tuple(images))
    clustering = fit(viewer, n_components=3).clustering
    layer = viewer.layers["channel 0 quantized"]
    picture = replace(clustering.picture, values=levels[0][..., :2])
    place = (slice(300, 340), slice(500, 530))
    expected = Model.of(clustering).apply(picture).labels[place]
    assert_array_equal(layer.data[0][place], expected)
    workspace_of(viewer).close()


class Recorded:
    """A lazy array that notes what is read of it."""

    def __init__(self, array, read):
        self.array, self.read = array, read
        self.shape, self.dtype = array.shape, array.dtype
        self.ndim, self.size = array.ndim, array.size

    def __getitem__(self, key):
        self.read.append(tuple((part.start, part.stop) for part in key[:2]))
        return self.array[key]


def test_of_a_lazy_level_what_is_shown_is_read(fit, levels):
    read = []
    viewer = ViewerModel()
    lazy = [Recorded(levels[0], read), *levels[1:]]
    viewer.add_image(lazy, name="large", rgb=True)
    clustering = fit(viewer, n_components=3).clustering
    assert not read
    layer = viewer.layers["large quantized"]
    place = (slice(520, 600), slice(530, 700))
    found = np.asarray(layer.data[0][place])
    assert_array_equal(found, Model.of(clustering).apply(levels[0]).labels[place])
    assert read == [((512, 768), (512, 768))]
    workspace_of(viewer).close()


def test_of_a_volume_the_plane_shown_is_computed(fit, levels):
    volume = np.stack([levels[2][..., i] for i in (0, 1, 2, 0)])
    read = []
    viewer = ViewerModel()
    viewer.add_image([Recorded(volume, read), volume[:, ::2, ::2]], name="large")
    clustering = fit(viewer, n_components=3).clustering
    layer = viewer.layers["large quantized"]
    # As napari slices it: the plane last.
    found = np.asarray(layer.data[0][:, 10:50, 20:60][2])
    expected = Model.of(clustering).apply(Picture.from_array(volume, None)).labels
    assert_array_equal(found, expected[2, 10:50, 20:60])
    assert read == [((2, 3), (0, 256))]
    workspace_of(viewer).close()


def test_of_dask_arrays(shown, fit, levels):
    import dask
    import dask.array as da

    del shown.layers["large"]
    with dask.config.set(scheduler="synchronous"):
        lazy = [da.from_array(level, chunks=(64, 64, 3)) for level in levels]
        shown.add_image(lazy, name="large", rgb=True)
        result = fit(shown, n_components=3)
        zoom_in(shown)
        level, place, labels = in_layer(shown)
        expected = Model.of(result.clustering).apply(levels[level]).labels
        assert_array_equal(labels, expected[place])


def test_an_image_whose_finest_level_was_clustered_has_plain_labels(fit, levels):
    viewer = ViewerModel()
    viewer.add_image(levels[2:], name="small", rgb=True)
    fit(viewer, n_components=3)
    assert not viewer.layers["small quantized"].multiscale
    assert workspace_of(viewer).status.text.endswith(
        "; of the image's level 1 of 2 (256 x 256)"
    )
    workspace_of(viewer).close()
