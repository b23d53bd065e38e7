"""class_table: against numpy's mean and standard deviation of the pixels themselves."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cases import china, noise
from napari_pixel_mixtures import (
    Certainty,
    Classes,
    Color,
    Companion,
    Picture,
    Position,
    class_table,
    cluster,
)
from napari_pixel_mixtures.tables import merge_rows

PICTURE = china()[::8, ::8]
MASK = np.ones(PICTURE.shape[:2], bool)
MASK[:5, :7] = False


@pytest.mark.parametrize("quantile", [None, 0.05])
@pytest.mark.parametrize("smoothing", [0, 1.5])
@pytest.mark.parametrize("mask", [None, MASK], ids=["all", "masked"])
@pytest.mark.parametrize(
    "features", [[Color()], [Color(), Position(weight=0.5)], [Position()]], ids=str
)
def test_the_table_is_that_of_the_pixels_with_each_label(
    features, mask, smoothing, quantile
):
    clustering = cluster(
        PICTURE, 5, features=features, mask=mask, max_iter=500, smoothing=smoothing
    )
    classes = Classes.of(clustering).merge(1, 3).rename(1, "sky")
    labels, threshold = clustering.labels, None
    if quantile is not None:
        threshold = Certainty(clustering).threshold(quantile)
        labels = Certainty(clustering).labels(threshold)
    labels = classes.apply(labels)
    table = class_table(clustering, classes, threshold, (0.5, 2.0), "um")
    rows = [1, 2, 4, 5] if threshold is None else [1, 2, 4, 5, 6]
    assert table["label"].tolist() == rows
    names = ["sky", "class 2", "class 4", "class 5", "none of these"]
    assert table["name"].tolist() == names[: len(rows)]
    assert table["components"].tolist() == [2, 1, 1, 1, 0][: len(rows)]
    assert table["share"].sum() == pytest.approx(1.0)
    rows_of = np.indices(PICTURE.shape[:2])
    values = {f"{c}": PICTURE[..., i] for i, c in enumerate("RGB")}
    if any(isinstance(f, Position) for f in features):
        values |= {"X": rows_of[1], "Y": rows_of[0]}
    means = [f"{moment} {name}" for name in values for moment in ("mean", "std")]
    assert [*table.columns][6:] == means
    for _, row in table.iterrows():
        pixels = labels == row["label"]
        assert row["pixels"] == pixels.sum()
        labeled = np.sum(clustering.labels > 0)
        assert row["share"] == pytest.approx(pixels.sum() / labeled)
        assert row["area (um^2)"] == pixels.sum()
        for name, value in values.items():
            mean, std = value[pixels].mean(), value[pixels].std()
            assert row[f"mean {name}"] == pytest.approx(mean, rel=1e-5, abs=1e-5)
            assert row[f"std {name}"] == pytest.approx(std, rel=1e-5, abs=1e-5)
    # Without means and deviations, and from the table of the components.
    few = class_table(clustering, classes, threshold, (0.5, 2.0), "um", features=False)
    pd.testing.assert_frame_equal(few, table[few.columns])
    parts = class_table(clustering, Classes.of(clustering), threshold, (0.5, 2.0), "um")
    pd.testing.assert_frame_equal(merge_rows(parts, classes), table, rtol=1e-4)


def test_numbers_far_from_0_lose_no_digits():
    random = np.random.default_rng(0)
    image = 1e9 + random.normal(0, 1, (20, 30)) + 100.0 * (np.arange(30) > 14)
    clustering = cluster(image, 2)
    table = class_table(clustering, Classes.of(clustering))
    for label, found in zip(table["label"], table["std gray"], strict=True):
        assert found == pytest.approx(image[clustering.labels == label].std(), rel=1e-4)


@pytest.mark.parametrize("features", [[], [Color()]], ids=["alone", "with color"])
def test_another_image_called_as_a_channel_has_its_own_columns(features):
    image, other = np.array([[0, 1, 0, 9]]), np.array([[5, 5, 7, 80]])
    features = [*features, Companion("gray")]
    clustering = cluster(image, 2, features=features, companions={"gray": other})
    table = class_table(clustering, Classes.of(clustering))
    assert [*table.columns][6:] == [
        *("mean gray", "std gray"),
        *("mean gray (2)", "std gray (2)"),
    ]
    for label in (1, 2):
        row, pixels = table.loc[label - 1], clustering.labels == label
        for name, values in (("gray", image), ("gray (2)", other)):
            assert row[f"mean {name}"] == pytest.approx(values[pixels].mean())
            assert row[f"std {name}"] == pytest.approx(values[pixels].std())


def test_a_volume_has_volumes():
    volume = np.random.default_rng(0).integers(0, 9, (3, 4, 5))
    clustering = cluster(volume, 2, channel_axis=None)
    table = class_table(clustering, Classes.of(clustering), scale=(2, 1, 1), unit="mm")
    assert (table["volume (mm^3)"] == 2 * table["pixels"]).all()


def test_a_class_without_pixels_has_no_mean():
    clustering = cluster(PICTURE, 3, max_iter=500)
    labels = np.where(clustering.labels == 2, np.uint8(1), clustering.labels)
    counts = np.bincount(labels.reshape(-1), minlength=4)[1:]
    clustering = replace(clustering, labels=labels, pixel_counts=counts)
    table = class_table(clustering, Classes.of(clustering))
    assert table["pixels"].tolist()[1] == 0
    assert np.isnan(table["mean R"][1])
    assert table["share"].sum() == pytest.approx(1.0)


@pytest.mark.parametrize(
    "scale", [(1,), (1, 2, 3), (1, 0), (1, np.nan), "ab", 2, [[1, 2]]], ids=repr
)
def test_an_impossible_scale_is_refused(scale):
    clustering = cluster(PICTURE, 2, max_iter=500)
    with pytest.raises(ValueError) as error:
        class_table(clustering, Classes.of(clustering), scale=scale)
    assert str(error.value) == (
        f"Expected a scale above 0 for each of the 2 axes, got {scale!r}."
    )


def test_classes_of_another_clustering_are_refused():
    clustering = cluster(PICTURE, 2, max_iter=500)
    other = cluster(PICTURE, 3, max_iter=500)
    with pytest.raises(ValueError) as error:
        class_table(clustering, Classes.of(other))
    assert str(error.value) == (
        "Expected classes of 2 components, as the clustering has, got 3."
    )


@pytest.mark.parametrize("names", [("label", "share"), ("a", "a")])
def test_channels_may_be_called_as_other_columns(names):
    channels = [noise(9, 8), noise(9, 8, seed=1)]
    clustering = cluster(Picture.from_channels(channels, names), 2)
    table = clustering.table()
    assert table["label"].tolist() == [1, 2]
    assert table["share"].sum() == pytest.approx(1)
    own = {"label": "label (2)", "share": "share (2)"}
    first, second = (own.get(name, name) for name in names)
    second = "a (2)" if names == ("a", "a") else second
    assert list(table)[4:] == [first, second]
    np.testing.assert_array_equal(table[[first, second]], clustering.colors)
    moments = class_table(clustering, Classes.of(clustering))
    for i, values in enumerate(channels):
        name = f"mean {(names, ('a', 'a (2)'))[names == ('a', 'a')][i]}"
        for label in (1, 2):
            mean = values[clustering.labels == label].mean()
            assert moments.set_index("label")[name][label] == pytest.approx(mean)
