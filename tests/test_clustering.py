"""cluster: labels, colors and table, against scikit-learn and closed forms."""

import os
import subprocess
import sys
import warnings
from dataclasses import replace

import dask
import dask.array
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage as ndi
from scipy.special import logsumexp
from scipy.stats import multivariate_normal
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture

from cases import (
    BAD_IMAGES,
    CHINA_LOG_LIKELIHOODS,
    COVARIANCE_TYPES,
    DTYPES,
    MIXTURES,
    PICTURES,
    china,
    matrices,
    noise,
)
from napari_pixel_mixtures import (
    AnchorDistance,
    Blur,
    Color,
    FastGaussianMixture,
    Position,
    Recipe,
    cluster,
)
from napari_pixel_mixtures.clustering import cluster_by, cluster_steps
from napari_pixel_mixtures.features import Picture, Samples

FAR = [
    (name, covariance_type)
    for name in ("three balls far apart", "three ellipsoids far apart")
    for covariance_type in COVARIANCE_TYPES
]


def reference(clustering):
    """scikit-learn's mixture with the same parameters, in float64."""
    ours = clustering.mixture
    theirs = GaussianMixture(
        clustering.n_components, covariance_type=ours.covariance_type
    )
    theirs.weights_ = ours.weights_.astype(float)
    theirs.means_ = ours.means_.astype(float)
    theirs.covariances_ = ours.covariances_.astype(float)
    theirs.precisions_cholesky_ = ours.precisions_cholesky_.astype(float)
    return theirs


def log_responsibilities(clustering, samples):
    """From the formula, with scipy's densities, (n, K).

    In units of the samples' standard deviations, as scipy wants the eigenvalues of a
    covariance to be alike; responsibilities have no unit.
    """
    units = samples.std(axis=0)
    mixture = clustering.mixture
    covariances = matrices(
        mixture.covariance_type,
        mixture.covariances_,
        clustering.n_components,
        samples.shape[1],
    )
    joint = [
        np.log(weight)
        + multivariate_normal(mean / units, covariance / np.outer(units, units)).logpdf(
            samples / units
        )
        for weight, mean, covariance in zip(
            mixture.weights_.astype(float),
            mixture.means_.astype(float),
            covariances,
            strict=True,
        )
    ]
    joint = np.stack(joint, axis=1)
    return joint - logsumexp(joint, axis=1, keepdims=True)


def assert_most_probable(labels, log_probabilities):
    """Each label is of the most probable component, up to rounding."""
    chosen = np.take_along_axis(log_probabilities, labels[:, None] - 1, axis=1)[:, 0]
    # Single precision: a part in 1e6 of log-densities of about 10.
    assert (log_probabilities.max(axis=1) - chosen).max() < 1e-3


@pytest.fixture(scope="module")
def small_china():
    return np.ascontiguousarray(china()[::4, ::4])


# The answer


@pytest.mark.parametrize(("name", "covariance_type"), FAR)
def test_components_far_apart_are_found(name, covariance_type):
    case = MIXTURES[name]
    image, truth = case.draw(50, 60)
    clustering = cluster(image, 3, covariance_type)
    np.testing.assert_array_equal(clustering.labels, truth)
    assert clustering.labels.dtype == np.uint8
    assert clustering.advice is None
    for k in range(3):
        own = image[truth == k + 1]
        np.testing.assert_allclose(clustering.colors[k], own.mean(axis=0), atol=1e-3)
        assert clustering.pixel_counts[k] == len(own)
    np.testing.assert_allclose(clustering.mixture.weights_, case.weights, atol=1e-3)


@pytest.mark.parametrize("dtype", [d for d in DTYPES if d not in ("bool", "int8")])
def test_every_type_of_number_gives_the_same_clusters(dtype):
    image, truth = MIXTURES["three balls far apart"].draw(50, 60)
    image = np.rint(image)
    clustering = cluster(image.astype(dtype), 3)
    np.testing.assert_array_equal(clustering.labels, truth)
    expected = [image[truth == k].mean(axis=0) for k in (1, 2, 3)]
    np.testing.assert_allclose(clustering.colors, expected, atol=1e-3)


def test_booleans_are_two_colors():
    image = noise(20, 30) > 100
    clustering = cluster(image, 2)
    np.testing.assert_array_equal(clustering.labels, np.where(image, 1, 2))
    np.testing.assert_allclose(clustering.colors, [[1], [0]], atol=1e-6)


@pytest.mark.parametrize("name", PICTURES)
def test_labels_have_the_shape_of_the_picture(name):
    case = PICTURES[name]
    clustering = cluster(case.array, 1, channel_axis=case.channel_axis)
    np.testing.assert_array_equal(clustering.labels, np.ones(case.shape, np.uint8))
    np.testing.assert_allclose(clustering.colors[0], case.pixels.mean(axis=0))


def test_how_the_image_is_stored_does_not_matter():
    image = np.rint(MIXTURES["three ellipsoids far apart"].draw(40, 50)[0])
    image = image.astype(np.uint8)
    once = cluster(image, 3)
    frozen = image.copy()
    frozen.flags.writeable = False
    channels_first = np.moveaxis(image, -1, 0)
    rgba = np.concatenate([image, noise(40, 50, 1)], axis=-1)
    others = {
        "read-only": frozen,
        "Fortran": np.asfortranarray(image),
        "strides": np.repeat(image, 2, axis=0)[::2],
        "reversed twice": image[::-1].copy()[::-1],
        "lists": image.astype(int).tolist(),
        "rgba": rgba,
        "dask": dask.array.from_array(image, chunks=(17, 20, 3)),
    }
    with dask.config.set(scheduler="synchronous"):
        for name, other in others.items():
            again = cluster(other, 3)
            np.testing.assert_array_equal(again.labels, once.labels, err_msg=name)
    again = cluster(channels_first, 3, channel_axis=0)
    np.testing.assert_array_equal(again.labels, once.labels)


def test_the_image_is_not_written_to(small_china):
    before = small_china.copy()
    cluster(small_china, 3, features=[Color(), Position()])
    np.testing.assert_array_equal(small_china, before)
    image = small_china.astype(np.float64)
    image[0, 0] = np.nan
    before = image.copy()
    cluster(image, 3)
    np.testing.assert_array_equal(image, before)


def test_alpha_is_left_out(small_china):
    alpha = noise(*small_china.shape[:2], 1)
    rgba = np.concatenate([small_china, alpha], axis=-1)
    expected = cluster(small_china, 4)
    found = cluster(rgba, 4)
    np.testing.assert_array_equal(found.labels, expected.labels)
    assert found.colors.shape == (4, 3)
    assert found.quantized().shape == small_china.shape


# Against scikit-learn

FEATURE_SETS = {
    "color": [Color()],
    "color and position": [Color(), Position()],
    "color and distance": [Color(), AnchorDistance(weight=1 / 5000)],
    "position": [Position()],
}


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
@pytest.mark.parametrize("features", FEATURE_SETS)
@pytest.mark.parametrize("scaling", ["raw", "group"])
def test_labels_are_those_of_scikit_learn(
    small_china, features, covariance_type, scaling
):
    features = FEATURE_SETS[features]
    clustering = cluster(small_china, 4, covariance_type, features, scaling)
    samples = Samples.measure(Picture.from_array(small_china), features, scaling)
    values = samples.values.astype(float)
    theirs = reference(clustering)
    found = clustering.labels.reshape(-1)
    expected = theirs.predict(values) + 1
    assert np.mean(found == expected) > 0.999
    assert_most_probable(found, log_responsibilities(clustering, values))
    # And exactly what the mixture itself says.
    own = clustering.mixture.predict(samples.values) + 1
    np.testing.assert_array_equal(found, own)
    # One more EM step of scikit-learn's changes next to nothing: it had converged.
    assert clustering.advice is None
    assert clustering.log_likelihood == pytest.approx(theirs.score(values), abs=5e-3)


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
@pytest.mark.parametrize("features", ["color", "color and position"])
def test_labels_are_scikit_learns_from_the_same_start(
    small_china, features, covariance_type
):
    samples = Samples.measure(
        Picture.from_array(small_china), FEATURE_SETS[features], "group"
    )
    values = samples.values.astype(float)
    random = np.random.default_rng(0)
    start = {
        "n_components": 4,
        "covariance_type": covariance_type,
        "means_init": values[random.choice(len(values), 4, replace=False)],
        "max_iter": 15,
        "tol": 0.0,
        "random_state": 0,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        theirs = GaussianMixture(**start, init_params="random_from_data").fit(values)
        ours = FastGaussianMixture(**start, init_params="random_from_data")
        ours.fit(values)
    assert ours.lower_bound_ == pytest.approx(theirs.lower_bound_, abs=1e-4)
    assert np.mean(ours.predict(values) == theirs.predict(values)) > 0.999


def test_the_fit_ends_where_scikit_learns_does_not_move(small_china):
    clustering = cluster(
        small_china, 3, scaling="raw", tol=1e-7, max_iter=2000, features=Color()
    )
    theirs = reference(clustering)
    values = small_china.reshape(-1, 3).astype(float)
    again = GaussianMixture(
        3,
        weights_init=theirs.weights_ / theirs.weights_.sum(),
        means_init=theirs.means_,
        precisions_init=np.linalg.inv(theirs.covariances_),
        max_iter=1,
    )
    with pytest.warns(ConvergenceWarning):
        again.fit(values)
    np.testing.assert_allclose(again.means_, theirs.means_, atol=0.05)
    np.testing.assert_allclose(again.weights_, theirs.weights_, atol=1e-4)
    np.testing.assert_allclose(again.covariances_, theirs.covariances_, rtol=1e-2)


@pytest.mark.parametrize("n_components", CHINA_LOG_LIKELIHOODS)
def test_china_is_fitted_as_well_as_by_scikit_learn(n_components):
    clustering = cluster(china(), n_components, scaling="raw")
    rows, counts = np.unique(china().reshape(-1, 3), axis=0, return_counts=True)
    scores = reference(clustering).score_samples(rows.astype(float))
    found = np.average(scores, weights=counts)
    assert found > CHINA_LOG_LIKELIHOODS[n_components] - 0.01
    assert clustering.log_likelihood == pytest.approx(found, abs=5e-3)


@pytest.mark.parametrize("n_components", [2, 4])
def test_a_photograph_is_fitted_as_well_as_by_scikit_learn(small_china, n_components):
    values = small_china.reshape(-1, 3).astype(float)
    theirs = GaussianMixture(n_components, random_state=0).fit(values)
    ours = reference(cluster(small_china, n_components, scaling="raw"))
    assert ours.score(values) > theirs.score(values) - 0.01


def test_one_component_is_the_gaussian_of_all_pixels(small_china):
    values = small_china.reshape(-1, 3).astype(float)
    clustering = cluster(small_china, 1, scaling="raw", reg_covar=0.5)
    np.testing.assert_allclose(clustering.colors, [values.mean(axis=0)], rtol=1e-6)
    covariance = np.cov(values.T, bias=True) + 0.5 * np.eye(3)
    np.testing.assert_allclose(
        clustering.color_covariances, [covariance], rtol=1e-4, atol=1e-2
    )
    density = multivariate_normal(values.mean(axis=0), covariance)
    assert clustering.log_likelihood == pytest.approx(
        density.logpdf(values).mean(), abs=1e-4
    )


# What the clustering says


@pytest.mark.parametrize("features", FEATURE_SETS)
def test_colors_are_weighted_by_responsibility(small_china, features):
    features = FEATURE_SETS[features]
    clustering = cluster(small_china, 4, "diag", features)
    samples = Samples.measure(Picture.from_array(small_china), features)
    shares = np.exp(log_responsibilities(clustering, samples.values.astype(float)))
    values = small_china.reshape(-1, 3).astype(float)
    expected = shares.T @ values / shares.sum(axis=0)[:, None]
    np.testing.assert_allclose(clustering.colors, expected, atol=0.01)


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_color_covariances_are_the_mixtures_in_image_units(
    small_china, covariance_type
):
    features = [Position(), Color(weight=0.5), AnchorDistance(n=2)]
    clustering = cluster(small_china, 3, covariance_type, features)
    full = matrices(covariance_type, clustering.mixture.covariances_, 3, 7)
    values = small_china.reshape(-1, 3).astype(float)
    factor = 0.5 / np.sqrt(values.var(axis=0).mean())
    expected = full[:, 2:5, 2:5] / factor**2
    np.testing.assert_allclose(
        clustering.color_covariances, expected, rtol=1e-5, atol=1e-3
    )
    for covariance in clustering.color_covariances:
        np.testing.assert_array_equal(covariance, covariance.T)


def test_color_covariances_are_the_pixels_where_color_is_no_feature(small_china):
    clustering = cluster(small_china, 3, features=Position())
    samples = Samples.measure(Picture.from_array(small_china), [Position()])
    shares = np.exp(log_responsibilities(clustering, samples.values.astype(float)))
    values = small_china.reshape(-1, 3).astype(float)
    for k in range(3):
        expected = np.cov(values.T, aweights=shares[:, k], ddof=0)
        np.testing.assert_allclose(
            clustering.color_covariances[k], expected, rtol=1e-3, atol=0.1
        )


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("seed", range(3))
def test_a_component_of_one_color_has_no_covariance(dtype, seed):
    """Sums over pixels leave rounding noise, which would have negative eigenvalues."""
    image = noise(40, 600, 3, seed=seed).astype(dtype)
    image[:, :40] = noise(3, seed=seed).astype(dtype)
    mask = np.zeros((40, 600), bool)
    mask[:, :40] = mask[:, -40:] = True
    clustering = cluster(image, 2, features=Position(), mask=mask, tol=1e-9)
    flat = clustering.labels[0, 0] - 1
    np.testing.assert_array_equal(clustering.color_covariances[flat], 0)
    np.testing.assert_allclose(clustering.colors[flat], image[0, 0], rtol=1e-4)
    assert np.linalg.eigvalsh(clustering.color_covariances[1 - flat]).min() > 1


@given(seed=st.integers(0, 1000), n_components=st.integers(1, 9))
@settings(deadline=None, max_examples=10)
def test_components_are_ordered_by_weight(seed, n_components):
    clustering = cluster(noise(12, 15, 3, seed=seed), n_components, random_state=seed)
    weights = clustering.mixture.weights_
    assert (np.diff(weights) <= 0).all()
    assert weights.sum() == pytest.approx(1, abs=1e-5)
    assert clustering.labels.min() >= 1
    assert clustering.labels.max() <= n_components


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_the_table_adds_up(small_china, covariance_type):
    mask = noise(*small_china.shape[:2]) > 50
    clustering = cluster(small_china, 5, covariance_type, mask=mask)
    table = clustering.table()
    assert list(table) == ["label", "weight", "pixels", "share", "R", "G", "B"]
    assert table["label"].tolist() == [1, 2, 3, 4, 5]
    counts = [np.sum(clustering.labels == label) for label in table["label"]]
    assert table["pixels"].tolist() == counts
    assert table["pixels"].sum() == mask.sum()
    assert table["share"].sum() == pytest.approx(1)
    np.testing.assert_allclose(table["share"], np.array(counts) / mask.sum())
    assert table["weight"].sum() == pytest.approx(1, abs=1e-5)
    np.testing.assert_array_equal(table[["R", "G", "B"]], clustering.colors)


@pytest.mark.parametrize("name", PICTURES)
def test_quantized_is_the_palette_indexed_by_labels(name):
    case = PICTURES[name]
    k = min(2, len(case.pixels))
    mask = np.ones(case.shape)
    if mask.size > 2:
        mask.flat[0] = 0
    clustering = cluster(case.array, k, channel_axis=case.channel_axis, mask=mask)
    quantized = clustering.quantized()
    array = case.array[..., :3] if case.rgb else case.array
    assert quantized.shape == array.shape
    assert quantized.dtype == np.uint8
    palette = np.concatenate([np.zeros((1, len(case.names))), clustering.colors])
    expected = np.rint(palette)[clustering.labels.reshape(-1)]
    if case.channel_axis is not None and array.ndim > len(case.shape):
        quantized = np.moveaxis(quantized, case.channel_axis, -1)
    np.testing.assert_array_equal(quantized.reshape(expected.shape), expected)


@pytest.mark.parametrize("dtype", DTYPES)
def test_quantized_has_the_type_of_the_image(dtype):
    image = np.array([[0, 1, 0], [1, 1, 0]]).astype(dtype)
    quantized = cluster(image, 2).quantized()
    native = image.dtype.newbyteorder("=")
    expected = native if image.dtype.kind in "ui" else DTYPES[dtype]
    assert quantized.dtype == expected
    np.testing.assert_allclose(quantized, image.astype(float), atol=1e-6)


@pytest.mark.parametrize("dtype", [t for t in DTYPES if np.dtype(t).kind in "ui"])
def test_quantized_stays_within_its_type(dtype):
    limits = np.iinfo(dtype)
    image = np.full((4, 5), limits.min, dtype)
    image[1:] = limits.max
    np.testing.assert_array_equal(cluster(image, 2).quantized(), image)


@pytest.mark.parametrize("n_components", [1, 2, 3, 7])
def test_permuted_colors_are_the_same_dealt_out_anew(n_components):
    clustering = cluster(noise(12, 15, 3), n_components)
    seen = set()
    for seed in range(20):
        permuted = clustering.permuted_colors(seed)
        np.testing.assert_array_equal(permuted, clustering.permuted_colors(seed))
        assert sorted(permuted.tolist()) == sorted(clustering.colors.tolist())
        if n_components > 1:
            assert (permuted != clustering.colors).any(axis=1).all()
        seen.add(permuted.tobytes())
    # (K - 1)! cycles there are.
    assert len(seen) == {1: 1, 2: 1, 3: 2}.get(n_components, len(seen))
    assert n_components < 7 or len(seen) > 15
    np.testing.assert_array_equal(
        clustering.permuted_colors(), clustering.permuted_colors(0)
    )


@pytest.mark.parametrize("seed", [-1, None, 0.5])
def test_a_bad_seed_of_the_colors_is_refused(seed):
    clustering = cluster(noise(12, 15, 3), 2)
    with pytest.raises(ValueError) as caught:
        clustering.permuted_colors(seed)
    assert str(caught.value) == (
        "Expected random_state to be a whole number from 0 to 4294967295, got "
        f"{seed!r}."
    )


def test_the_recipe_replays_the_clustering(small_china):
    clustering = cluster(
        small_china,
        np.int64(3),
        "tied",
        [Color(), AnchorDistance(n=2, seed=1, weight=0.5)],
        "raw",
        random_state=4,
        tol=1e-4,
        max_iter=500,
        reg_covar=1e-3,
    )
    recipe = Recipe.from_json(clustering.recipe.to_json())
    assert recipe == clustering.recipe
    steps = cluster_steps(Picture.from_array(small_china), recipe)
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            again = stop.value
            break
    np.testing.assert_array_equal(again.labels, clustering.labels)


# Reproducibility

REPLAY = """
import hashlib
import os
import sys

if sys.argv[1] == "one thread" and hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
import numpy as np
from sklearn.datasets import load_sample_image

from napari_pixel_mixtures import Color, Position, cluster

image = load_sample_image("china.jpg")
for features in (Color(), [Color(), Position()]):
    clustering = cluster(image, 3, features=features, random_state=5)
    print(hashlib.sha256(clustering.labels.tobytes()).hexdigest())
    print(hashlib.sha256(clustering.colors.tobytes()).hexdigest())
"""


def test_a_mixture_that_was_fitted_elsewhere_labels_by_weight(small_china):
    recipe = Recipe(n_components=3, covariance_type="diag")
    picture = Picture.from_array(small_china)
    mask = np.zeros(picture.shape, bool)
    mask[:, 10:] = True
    samples = Samples.measure(picture, recipe.features, valid=mask).values
    mixture = FastGaussianMixture(3, covariance_type="diag", random_state=5)
    mixture.fit(samples)
    mixture = mixture.reordered(np.argsort(mixture.weights_))  # the smallest first
    found = cluster_by(mixture, picture, recipe, mask)
    np.testing.assert_array_equal(found.labels[mask], 3 - mixture.predict(samples))
    assert not found.labels[~mask].any()
    assert (np.diff(found.mixture.weights_) <= 0).all()
    assert found.recipe == recipe and found.history == ()


def test_the_same_inputs_give_the_same_bits_in_any_process():
    runs = [
        subprocess.run(
            [sys.executable, "-c", REPLAY, threads],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"PYTHONHASHSEED": seed},
        ).stdout
        for threads, seed in (("one thread", "1"), ("all threads", "2"))
    ]
    assert len(runs[0].split()) == 4
    assert runs[0] == runs[1]


def test_the_same_inputs_give_the_same_bits_again(small_china):
    for features in FEATURE_SETS.values():
        once = cluster(small_china, 5, features=features, random_state=3)
        again = cluster(small_china, 5, features=features, random_state=3)
        np.testing.assert_array_equal(again.labels, once.labels)
        np.testing.assert_array_equal(again.colors, once.colors)
        np.testing.assert_array_equal(again.color_covariances, once.color_covariances)


def test_the_seed_matters():
    image = noise(30, 40, 3)
    found = {cluster(image, 6, random_state=s).labels.tobytes() for s in range(4)}
    assert len(found) > 1


@pytest.mark.parametrize("scaling", ["raw", "group"])
def test_distinct_colors_once_each_give_what_all_pixels_give(scaling):
    """8-bit colors are collapsed, the same numbers as float32 are not."""
    image = np.rint(MIXTURES["three ellipsoids far apart"].draw(60, 70)[0])
    settings_ = {"n_components": 3, "scaling": scaling, "tol": 1e-7}
    collapsed = cluster(image.astype(np.uint8), **settings_)
    whole = cluster(image.astype(np.float32), **settings_)
    np.testing.assert_array_equal(collapsed.labels, whole.labels)
    np.testing.assert_allclose(collapsed.colors, whole.colors, rtol=1e-5)
    np.testing.assert_allclose(
        collapsed.color_covariances, whole.color_covariances, rtol=1e-3, atol=1e-2
    )
    assert collapsed.log_likelihood == pytest.approx(whole.log_likelihood, abs=1e-4)
    np.testing.assert_array_equal(collapsed.pixel_counts, whole.pixel_counts)


# Masks, and pixels that are no numbers


@pytest.mark.parametrize("dtype", [np.uint8, np.float64])
@pytest.mark.parametrize("features", [Color(), [Color(), Position()]], ids=str)
def test_a_mask_is_as_a_picture_of_these_pixels(small_china, dtype, features):
    image = small_china.astype(dtype)
    mask = np.zeros(image.shape[:2])
    mask[:, :80] = 3
    masked = cluster(image, 3, features=features, mask=mask)
    part = cluster(image[:, :80], 3, features=features)
    np.testing.assert_array_equal(masked.labels[:, :80], part.labels)
    np.testing.assert_array_equal(masked.labels[:, 80:], 0)
    np.testing.assert_array_equal(masked.colors, part.colors)
    np.testing.assert_array_equal(masked.quantized()[:, 80:], 0)
    np.testing.assert_array_equal(masked.quantized()[:, :80], part.quantized())


def test_pixels_that_are_not_finite_get_label_0():
    image, truth = MIXTURES["three balls far apart"].draw(50, 60)
    bad = noise(50, 60) < 20
    image[bad, 0] = np.nan
    image[0, 0] = np.inf
    image[1, 1, 2] = -np.inf
    bad[0, 0] = bad[1, 1] = True
    mask = np.ones((50, 60), bool)
    mask[2] = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clustering = cluster(image, 3, features=[Color(), Position()], mask=mask)
        quantized = clustering.quantized()
    outside = bad | ~mask
    np.testing.assert_array_equal(clustering.labels[outside], 0)
    np.testing.assert_array_equal(clustering.labels[~outside], truth[~outside])
    np.testing.assert_array_equal(quantized[outside], 0)
    assert np.isfinite(quantized).all()
    assert clustering.table()["pixels"].sum() == (~outside).sum()


# Few pixels, few colors


def test_a_picture_of_one_color_is_one_cluster():
    for image in (
        np.full((20, 30, 3), 77, np.uint8),
        np.full((20, 30, 3), 0.1),
        np.full((20, 30, 3), 0.1, np.float32),
        np.zeros((20, 30)),
    ):
        for scaling in ("raw", "group"):
            clustering = cluster(image, 1, scaling=scaling)
            assert (clustering.labels == 1).all()
            color = image[:1, 0].reshape(1, -1)
            np.testing.assert_allclose(clustering.colors, color, rtol=1e-6)
            np.testing.assert_allclose(clustering.quantized(), image, rtol=1e-6)


@pytest.mark.parametrize("features", [Color(), [Color(), Position()]], ids=str)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
def test_one_pixel_is_one_cluster(dtype, features):
    image = np.array([[[1, 2, 3]]], dtype)
    clustering = cluster(image, 1, features=features)
    np.testing.assert_array_equal(clustering.labels, [[1]])
    np.testing.assert_allclose(clustering.colors, [[1, 2, 3]], rtol=1e-6)
    np.testing.assert_array_equal(clustering.quantized(), image)
    assert clustering.table()["pixels"].tolist() == [1]


@pytest.mark.parametrize(
    ("image", "n_components", "found"),
    [
        (np.full((20, 30, 3), 77, np.uint8), 2, 1),
        (np.full((20, 30, 3), 0.1), 2, 1),
        (np.full((1, 1, 3), 77, np.uint8), 4, 1),
        (np.array([[0, 1, 2]]), 4, 3),
        (np.tile(np.array([[0.0, 1.0]]), (100, 100)), 3, 2),
        (noise(2, 7, 3), 15, 14),
    ],
)
def test_fewer_distinct_pixels_than_components_are_refused(image, n_components, found):
    with pytest.raises(ValueError) as caught:
        cluster(image, n_components)
    fewer = {1: "1"}.get(found, f"{found} or less")
    assert str(caught.value) == (
        f"Expected at least {n_components} distinct samples for n_components="
        f"{n_components}, got {found}; lower n_components to {fewer}, or add features."
    )


@pytest.mark.parametrize(
    "image",
    [
        np.full((20, 30, 3), 77, np.uint8),
        # The other color comes late.
        np.repeat([0.0, 1.0], [8000, 2000]).reshape(100, 100),
    ],
    ids=["with position", "at the end"],
)
def test_just_enough_distinct_pixels_are_enough(image):
    features = [Color(), Position()] if image.ndim == 3 else Color()
    clustering = cluster(image, 2, features=features)
    assert np.unique(clustering.labels).tolist() == [1, 2]


def test_as_many_components_as_colors_find_every_color():
    image = np.array([[0, 50, 100, 150], [200, 250, 0, 250]], np.uint8)
    clustering = cluster(image, 6, max_iter=500)
    np.testing.assert_array_equal(clustering.quantized(), image)


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_255_components(covariance_type):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        clustering = cluster(noise(32, 32, 3), 255, covariance_type, max_iter=5)
    assert clustering.labels.min() >= 1
    assert clustering.labels.max() <= 255
    assert np.isfinite(clustering.colors).all()
    assert clustering.pixel_counts.sum() == 32 * 32
    assert clustering.permuted_colors().shape == (255, 3)


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
@pytest.mark.parametrize("scaling", ["raw", "group"])
def test_a_grey_picture_stored_as_rgb_is_clustered(covariance_type, scaling):
    grey = noise(40, 50)
    clustering = cluster(
        np.stack([grey] * 3, axis=-1), 3, covariance_type, scaling=scaling
    )
    assert np.isfinite(clustering.colors).all()
    assert np.isfinite(clustering.color_covariances).all()
    np.testing.assert_allclose(
        clustering.colors, clustering.colors[:, :1] * [1, 1, 1], rtol=1e-5
    )


# Bad input, and fits that end early


@pytest.mark.parametrize("name", BAD_IMAGES)
def test_bad_images_are_refused_in_a_sentence(name):
    bad = BAD_IMAGES[name]
    with warnings.catch_warnings(), pytest.raises(bad.error) as caught:
        warnings.simplefilter("error")
        cluster(bad.image, 1, **bad.settings)
    assert str(caught.value) == bad.sentence


@pytest.mark.parametrize(
    ("settings_", "sentence"),
    [
        (
            {"n_components": 0},
            "Expected n_components to be a whole number from 1 to 255, got 0.",
        ),
        (
            {"n_components": 256},
            "Expected n_components to be a whole number from 1 to 255, got 256.",
        ),
        (
            {"covariance_type": "round"},
            "Expected covariance_type to be one of ('full', 'tied', 'diag', "
            "'spherical'), got 'round'.",
        ),
        (
            {"random_state": None},
            "Expected random_state to be a whole number from 0 to 4294967295, got "
            "None.",
        ),
        ({"tol": -1}, "Expected tol to be a number from 0, got -1."),
        (
            {"features": "lab"},
            "Expected features such as Color(), Position() or AnchorDistance(), got "
            "'lab'.",
        ),
        (
            {"features": []},
            "Expected at least one feature that is on, with weight and influence above "
            "0, got none; turn on color, position or distance.",
        ),
        (
            {"features": AnchorDistance(anchors=[(1, 2, 3)])},
            "Expected anchors with 2 coordinates, one for each axis of the picture, "
            "got 3.",
        ),
    ],
)
def test_bad_settings_are_refused_in_a_sentence(settings_, sentence):
    with pytest.raises(ValueError) as caught:
        cluster(noise(5, 7, 3), **settings_)
    assert str(caught.value) == sentence


def test_a_fit_that_did_not_converge_says_what_to_do(small_china):
    with pytest.warns(ConvergenceWarning) as caught:
        clustering = cluster(small_china, 8, max_iter=2, tol=0)
    [warning] = caught
    advice = (
        "The fit stopped at iteration 2, before it converged; raise max_iter "
        "(Iterations), or tol (Tolerance) for a coarser fit."
    )
    assert str(warning.message) == clustering.advice == advice
    assert warning.filename == __file__


def test_a_fit_that_converged_says_nothing(small_china):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clustering = cluster(small_china, 2)
    assert clustering.advice is None


def test_the_callback_is_told_each_iteration(small_china):
    told = []
    clustering = cluster(small_china, 4, tol=1e-5, max_iter=500, callback=told.append)
    numbers = [iteration.number for iteration in told if iteration.number > 0]
    assert numbers == list(range(1, clustering.mixture.n_iter_ + 1))
    bounds = [iteration.log_likelihood for iteration in told if iteration.number > 0]
    # EM never falls, up to rounding.
    assert np.diff(bounds).min() > -1e-5
    assert bounds[-1] == clustering.log_likelihood
    assert {iteration.max_iter for iteration in told} == {500}


def test_an_exception_of_the_callback_ends_the_fit(small_china):
    told = []

    def stop(iteration):
        told.append(iteration)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cluster(small_china, 4, callback=stop)
    assert len(told) == 1


def test_closing_the_steps_ends_the_fit(small_china):
    steps = cluster_steps(
        Picture.from_array(small_china), Recipe(n_components=4, tol=0)
    )
    next(steps)
    steps.close()
    with pytest.raises(StopIteration):
        next(steps)


# Scaling


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag"])
def test_weights_matter_little_unless_spherical(covariance_type):
    """The trap of PEERS: these types are equivariant under scaling."""
    image, truth = MIXTURES["three ellipsoids far apart"].draw(50, 60)
    for features in ([Color()], [Color(weight=100)], [Color(weight=0.01)]):
        for scaling in ("raw", "group"):
            found = cluster(image, 3, covariance_type, features, scaling).labels
            np.testing.assert_array_equal(found, truth)


def test_weights_decide_where_clusters_are_spherical():
    """Left and right differ by place alone, top and bottom by color alone."""
    image = noise(40, 40) // 16
    image[20:] += 100
    by_color = cluster(
        image, 2, "spherical", [Color(weight=10), Position()], random_state=0
    ).labels
    np.testing.assert_array_equal(by_color[:20], by_color[0, 0])
    np.testing.assert_array_equal(by_color[20:], by_color[-1, 0])
    assert by_color[0, 0] != by_color[-1, 0]
    left = np.broadcast_to(np.arange(40) < 20, (40, 40))
    places = AnchorDistance(anchors=[(20, -1000)], weight=10)
    by_place = cluster(image, 2, "spherical", [Color(), places]).labels
    assert (
        max(np.mean((by_place == 1) == left), np.mean((by_place == 2) == left)) > 0.97
    )


def test_group_scaling_makes_units_of_the_image_irrelevant(small_china):
    image = small_china.astype(np.float64)
    features = [Color(), Position()]
    once = cluster(image, 4, "spherical", features)
    for unit in (1e-20, 1 / 255, 257.0, 1e20):
        again = cluster(image * unit, 4, "spherical", features)
        assert np.mean(again.labels == once.labels) > 0.999
        np.testing.assert_allclose(again.colors, once.colors * unit, rtol=1e-3)


def test_very_different_units_of_channels_are_no_trouble():
    case = MIXTURES["units of 1e4 and 1e-2"]
    image, truth = case.draw(80, 90)
    for dtype in (np.float32, np.float64):
        clustering = cluster(image.astype(dtype), 2, scaling="raw", channel_axis=2)
        assert np.mean(clustering.labels == truth) > 0.99
        expected = [image[truth == k].mean(axis=0) for k in (1, 2)]
        error = np.abs(clustering.colors - expected)
        deviations = np.sqrt(np.diagonal(case.covariances, axis1=1, axis2=2))
        assert (error < 0.1 * deviations).all()


def test_a_picture_that_was_read_before_may_be_clustered():
    array = noise(12, 15, 4)
    picture = Picture.from_array(array, rgb=False)
    clustering = cluster(picture, 2)
    assert clustering.picture is picture
    assert clustering.colors.shape == (2, 4)
    assert replace(picture, rgb=False).n_channels == 4


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_influence_leads_from_without_a_feature_to_the_plain_mixture(covariance_type):
    image = china()[:120:2, :160:2]
    options = {"n_components": 3, "covariance_type": covariance_type}

    def labels(influence):
        features = [Position(influence=influence), Color()]
        return cluster(image, features=features, **options).labels

    without = cluster(image, features=Color(), **options).labels
    plain = cluster(image, features=[Position(), Color()], **options).labels
    np.testing.assert_array_equal(labels(0), without)
    np.testing.assert_array_equal(labels(1), plain)
    between = labels(0.3)
    for end in (without, plain):
        assert adjusted_rand_score(end.ravel(), between.ravel()) < 0.99


def test_influence_is_replayed_from_the_recipe():
    image = china()[:120:2, :160:2]
    features = [Color(), Position(influence=0.25)]
    clustering = cluster(image, n_components=3, features=features)
    recipe = Recipe.from_json(clustering.recipe.to_json())
    assert recipe.features == tuple(features)
    again = cluster(image, n_components=3, features=recipe.features)
    np.testing.assert_array_equal(again.labels, clustering.labels)
    np.testing.assert_array_equal(clustering.mixture.exponents, [1, 1, 1, 0.25, 0.25])
    samples = Samples.measure(clustering.picture, recipe.features)
    proba = clustering.mixture.predict_proba(samples.values)
    np.testing.assert_array_equal(
        proba.argmax(axis=1) + 1, clustering.labels.reshape(-1)
    )


@pytest.mark.parametrize("smoothing", [0.0, 1.5])
def test_a_series_of_volumes_with_channels(smoothing):
    random = np.random.default_rng(0)
    series = random.normal(0, 1, (3, 4, 12, 14, 2)).astype(np.float32)
    series[1:, :, 4:, :7, 0] += 3
    series[2, :2, :, :, 1] += 3
    names = ("nuclei", "actin")
    labels = ("t", "z", "y", "x")
    picture = Picture.from_array(series, -1, names=names, axis_labels=labels)
    features = [Color(), Position(), Blur(1.0)]
    clustering = cluster(picture, 3, features=features, max_iter=500)
    assert clustering.labels.shape == (3, 4, 12, 14)
    assert clustering.quantized().shape == series.shape
    assert clustering.feature_names == (
        *names,
        *("X", "Y", "Z", "T"),
        *("blur 1 nuclei", "blur 1 actin"),
    )
    samples = Samples.measure(picture, features, "raw").values
    blurs = samples[:, 6:].reshape(series.shape)
    for found, volume in zip(blurs, series, strict=True):
        for c in range(2):
            alone = ndi.gaussian_filter(volume[..., c], 1.0, mode="nearest")
            np.testing.assert_allclose(found[..., c], alone, rtol=1e-5, atol=1e-6)
    # Labels are those of responsibilities, blurred in each volume by itself.
    scaled = Samples.measure(picture, features, "group").values
    shares = clustering.mixture.predict_proba(scaled).reshape(3, 4, 12, 14, 3)
    if smoothing > 0:
        clustering = cluster(
            picture, 3, features=features, max_iter=500, smoothing=smoothing
        )
        sigmas = (smoothing, smoothing, smoothing, 0)
        shares = np.stack(
            [
                ndi.gaussian_filter(volume, sigmas, mode="constant", truncate=3)
                for volume in shares
            ]
        )
    np.testing.assert_array_equal(clustering.labels, shares.argmax(axis=-1) + 1)
