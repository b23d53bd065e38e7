"""Several models of one picture, against scikit-learn and the sweep itself."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.mixture import GaussianMixture

from napari_pixel_mixtures import Position, Recipe, cluster
from napari_pixel_mixtures.features import Color, Picture
from napari_pixel_mixtures.model_grid import model_steps


@pytest.fixture
def picture():
    colors = np.array([[200, 40, 30], [40, 180, 60], [20, 40, 220]], np.float64)
    noise = np.random.default_rng(0).normal(0, 4, (24, 40, 3))
    image = np.repeat(colors, [8, 18, 14], axis=0) + noise
    return Picture.from_array(np.clip(np.rint(image), 0, 255).astype(np.uint8))


PIXELS = np.arange(24 * 40).reshape(24, 40)[::2, ::2]


def models_of(*args, **settings):
    steps = model_steps(*args, **settings)
    seen = []
    while True:
        try:
            seen.append(next(steps))
        except StopIteration as stop:
            assert [m for m in seen if m is not None] == list(stop.value)
            assert None in seen  # it can be cancelled within a fit
            return stop.value


@pytest.mark.parametrize("scaling", ["raw", "group"])
def test_criteria_are_those_of_all_pixels(picture, scaling):
    recipe = Recipe(features=(Color(), Position()), scaling=scaling, tol=1e-6)
    models = models_of(picture, recipe, [1, 3], PIXELS)
    assert [
        (m.candidate.n_components, m.candidate.covariance_type) for m in models
    ] == [(k, t) for k in (1, 3) for t in ("spherical", "diag", "tied", "full")]
    samples = [picture.pixels.astype(float), np.indices((24, 40)).reshape(2, -1).T]
    if scaling == "group":
        samples = [s / np.sqrt(s.var(axis=0).mean()) for s in samples]
    samples[1] = samples[1][:, ::-1]
    samples = np.column_stack(samples)
    for model in models:
        ours = model.candidate
        theirs = GaussianMixture(
            ours.n_components, covariance_type=ours.covariance_type
        )
        theirs.weights_ = ours.mixture.weights_
        theirs.means_ = ours.mixture.means_
        theirs.precisions_cholesky_ = ours.mixture.precisions_cholesky_
        theirs.covariances_ = ours.mixture.covariances_
        assert_allclose(ours.bic, theirs.bic(samples), rtol=1e-4, atol=1)
        assert_allclose(ours.aic, theirs.aic(samples), rtol=1e-4, atol=1)
        assert model.seconds > 0


def test_thumbnails_show_the_mean_colors(picture):
    models = models_of(picture, Recipe(), [3], PIXELS)
    full = models[-1]
    assert full.thumbnail.shape == (12, 20, 3)
    for columns in (slice(0, 8), slice(8, 26), slice(26, 40)):
        mean = picture.values[:, columns].mean(axis=(0, 1)) / 255
        shown = full.thumbnail[:, columns.start // 2 : columns.stop // 2]
        assert_allclose(shown, np.broadcast_to(mean, shown.shape), atol=1e-4)


def test_what_is_masked_is_black_and_not_fitted(picture):
    mask = np.zeros((24, 40), bool)
    mask[:, :8] = True
    [model] = models_of(picture, Recipe(), [1], PIXELS, mask)[:1]
    assert not model.thumbnail[:, 4:].any()
    mean = picture.values[:, :8].mean(axis=(0, 1)) / 255
    shown = model.thumbnail[:, :4]
    assert_allclose(shown, np.broadcast_to(mean, shown.shape), atol=1e-4)


@pytest.mark.parametrize(
    ("sizes", "sentence"),
    [
        (
            [],
            "Expected at least one number of components, got none; type some, such as "
            "2, 4, 10, 30.",
        ),
        (
            [2, 0],
            "Expected n_components to be a whole number from 1 to 255, got 0.",
        ),
    ],
)
def test_sizes_out_of_range_are_refused(picture, sizes, sentence):
    with pytest.raises(ValueError) as caught:
        next(model_steps(picture, Recipe(), sizes, PIXELS))
    assert str(caught.value) == sentence


def test_models_have_the_influences_of_the_recipe(picture):
    features = (Position("X", influence=0.3), Color(influence=0.5))
    models = models_of(picture, Recipe(features=features), [1, 3], PIXELS)
    for model in models:
        ours = model.candidate
        fit = cluster(
            picture.values,
            ours.n_components,
            ours.covariance_type,
            features=features,
        )
        # What a click on the model gives: this objective, and these colors.
        objective = ours.mixture.lower_bound_
        assert objective == pytest.approx(fit.log_likelihood, abs=2e-3)
        assert_allclose(model.thumbnail * 255, fit.quantized()[::2, ::2], atol=1)
        assert ours.log_likelihood != pytest.approx(objective, abs=0.1)


def test_more_components_than_colors_are_refused():
    picture = Picture.from_array(np.repeat(np.uint8([[1, 9]]), 5, axis=0))
    with pytest.raises(ValueError, match="at least 4 distinct samples"):
        next(model_steps(picture, Recipe(), [1, 4], np.arange(10).reshape(5, 2)))
