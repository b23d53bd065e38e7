"""feature_effects: what changes nothing, and what all; a start from the marginal."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture

from cases import COVARIANCE_TYPES, MIXTURES, china, matrices
from napari_pixel_mixtures import Color, Position, cluster, feature_effects
from napari_pixel_mixtures.ablation import (
    FeatureEffect,
    feature_effect_steps,
    without,
)

PICTURE = china()[::8, ::8]


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_the_refit_is_that_of_scikit_learn_from_the_marginals(covariance_type):
    clustering = cluster(
        PICTURE / 255.0,
        4,
        covariance_type,
        features=[Color(), Position()],
        max_iter=500,
    )
    effects = feature_effects(clustering)
    columns = [
        g.feature.compute(clustering.picture, None) * g.factor
        for g in clustering.groups
    ]
    mixture = clustering.mixture
    covariances = matrices(covariance_type, mixture.covariances_, 4, 5)
    for effect, kept, rest in zip(
        effects, ([3, 4], [0, 1, 2]), columns[::-1], strict=True
    ):
        marginals = np.linalg.inv(covariances[:, np.array(kept)[:, None], kept])
        precisions = {
            "full": marginals,
            "tied": marginals[0],
            "diag": np.diagonal(marginals, axis1=1, axis2=2),
            "spherical": marginals[:, 0, 0],
        }[covariance_type]
        theirs = GaussianMixture(
            4,
            covariance_type=covariance_type,
            max_iter=500,
            weights_init=mixture.weights_,
            means_init=mixture.means_[:, kept],
            precisions_init=precisions,
        ).fit(rest)
        expected = adjusted_rand_score(clustering.labels.ravel(), theirs.predict(rest))
        assert effect.similarity == pytest.approx(expected, abs=0.01)


def test_a_feature_that_decides_all_and_one_that_decides_nothing():
    picture, _ = MIXTURES["three balls far apart"].draw(40, 50)
    clustering = cluster(picture, 3, features=[Color(), Position()])
    color, position = feature_effects(clustering)
    assert (color.feature, position.feature) == (Color(), Position())
    assert abs(color.similarity) < 0.05
    assert position.similarity > 0.99


def test_without_the_only_feature_nothing_is_left():
    clustering = cluster(PICTURE, 3, max_iter=500)
    assert feature_effects(clustering) == (FeatureEffect(Color(), 0.0),)


def test_unused_features_are_left_out():
    clustering = cluster(PICTURE, 3, features=[Position(weight=0), Color()])
    assert [effect.feature for effect in feature_effects(clustering)] == [Color()]


def test_masked_pixels_do_not_count():
    mask = np.zeros(PICTURE.shape[:2])
    mask[:20] = 1
    features = [Color(), Position()]
    settings = {"n_components": 3, "features": features, "scaling": "raw"}
    masked = cluster(PICTURE, mask=mask, max_iter=500, **settings)
    cut = cluster(PICTURE[:20], max_iter=500, **settings)
    assert feature_effects(masked) == feature_effects(cut)


def test_all_columns_are_compared(monkeypatch):
    """In the columns that every 16th pixel lies in, colors tell nothing."""
    image = np.random.default_rng(0).normal(0, 1, (64, 64))
    image[32:] += 20
    image[:, ::16] = np.random.default_rng(1).normal(10, 1, (64, 4))
    clustering = cluster(image, 2, features=[Color(), Position()])
    whole = feature_effects(clustering)
    assert 0.5 < whole[0].similarity < 0.9
    monkeypatch.setattr("napari_pixel_mixtures.ablation.MOST_ROWS", 64 * 4)
    for some, all_ in zip(feature_effects(clustering), whole, strict=True):
        assert some.similarity == pytest.approx(all_.similarity, abs=0.1)


def test_a_mixture_that_cannot_be_fitted_without_a_feature_says_so():
    image = np.zeros((10, 10))
    image[:, 5:] = 1.0
    image += np.random.default_rng(0).normal(0, 1e-3, image.shape)
    clustering = cluster(image, 2, features=[Color(), Position()], reg_covar=0)
    mixture = clustering.mixture
    mixture.covariances_[:, :, 0] = mixture.covariances_[:, 0, :] = 0.0
    color, position = feature_effects(clustering)
    assert not np.isnan(color.similarity)
    assert np.isnan(position.similarity)


def test_effects_are_told_as_they_come_and_can_be_cancelled():
    clustering = cluster(PICTURE, 3, features=[Color(), Position()], max_iter=500)
    told = []
    effects = feature_effects(clustering, told.append)
    assert tuple(t for t in told if isinstance(t, FeatureEffect)) == effects
    done = [t.done for t in told if not isinstance(t, FeatureEffect)]
    assert done == sorted(done)
    assert {*done} == {0, 1}
    steps = feature_effect_steps(clustering)
    next(steps)
    steps.close()
    with pytest.raises(KeyboardInterrupt):
        feature_effects(clustering, interrupt)


def interrupt(step):
    raise KeyboardInterrupt


def test_a_refit_starts_from_the_parameters_of_the_mixture():
    clustering = cluster(PICTURE, 3, features=[Color(), Position()], max_iter=500)
    estimator = without(clustering, clustering.groups[1])
    assert estimator.get_params()["n_components"] == 3
    np.testing.assert_allclose(estimator.means_init, clustering.mixture.means_[:, :3])
    np.testing.assert_allclose(estimator.weights_init.sum(), 1.0)
