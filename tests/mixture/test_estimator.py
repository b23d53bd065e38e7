"""What FastGaussianMixture adds to scikit-learn's GaussianMixture."""

import _thread
import pickle
import threading

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from napari_pixel_mixtures.mixture import FastGaussianMixture, Iteration, engine
from napari_pixel_mixtures.mixture.checks import scaled_weights
from napari_pixel_mixtures.mixture.moments import MixtureParameters


@pytest.fixture(scope="module")
def fitted(colors):
    return FastGaussianMixture(4, random_state=0).fit(colors.astype(np.float32))


class TestFitSteps:
    def test_every_iteration_is_told(self, colors):
        steps = FastGaussianMixture(3, random_state=0, tol=1e-4).fit_steps(
            colors.astype(float)
        )
        told = []
        while True:
            try:
                told.append(next(steps))
            except StopIteration as stop:
                mixture = stop.value
                break
        iterations = [one for one in told if one.number > 0]
        assert [one.number for one in iterations] == [*range(1, mixture.n_iter_ + 1)]
        assert [one.log_likelihood for one in iterations] == mixture.lower_bounds_
        np.testing.assert_array_equal(iterations[-1].means, mixture.means_)
        np.testing.assert_array_equal(iterations[-1].weights, mixture.weights_)
        np.testing.assert_array_equal(iterations[-1].covariances, mixture.covariances_)
        assert not np.array_equal(iterations[0].means, iterations[-1].means)
        assert abs(iterations[-1].change) < 1e-4
        # The stages of the start are told too, so that it can be cancelled.
        assert len(told) > len(iterations)

    def test_closing_it_cancels_and_leaves_the_estimator_as_it_was(self, colors):
        mixture = FastGaussianMixture(3, random_state=0, init_params="random")
        before = threading.active_count()
        with engine(n_threads=3, block_size=1):
            steps = mixture.fit_steps(colors.astype(float))
            while next(steps).number < 2:
                pass
            steps.close()
        assert not hasattr(mixture, "means_")
        assert threading.active_count() == before

    def test_a_callback_that_raises_ends_the_fit(self, colors):
        class Stop(Exception):
            pass

        seen = []

        def callback(iteration: Iteration) -> None:
            seen.append(iteration.number)
            if iteration.number == 2:
                raise Stop

        mixture = FastGaussianMixture(3, init_params="random", random_state=0)
        with pytest.raises(Stop):
            mixture.fit(colors.astype(float), callback=callback)
        assert seen[-1] == 2
        assert not hasattr(mixture, "means_")

    @pytest.mark.parametrize("how", ["closed", "callback", "interrupt", "refused"])
    def test_a_refit_that_does_not_end_leaves_the_old_model_usable(self, colors, how):
        named = pd.DataFrame(
            colors[:500].astype(float), columns=["red", "green", "blue"]
        )
        mixture = FastGaussianMixture(3, random_state=0).fit(named)
        expected = mixture.predict(named)
        others = colors[:, :2].astype(float)

        def end(_):
            raise KeyboardInterrupt if how == "interrupt" else IndexError

        if how == "closed":
            steps = mixture.fit_steps(others)
            next(steps)
            steps.close()
        elif how == "refused":
            with pytest.raises(ValueError, match="Expected finite samples"):
                mixture.fit(others * np.nan)
        else:
            with pytest.raises((KeyboardInterrupt, IndexError)):
                mixture.fit(others, callback=end)
        assert mixture.n_features_in_ == 3
        assert mixture.feature_names_in_.tolist() == ["red", "green", "blue"]
        np.testing.assert_array_equal(mixture.predict(named), expected)

    def test_a_refit_that_ends_takes_the_new_features(self, colors):
        named = pd.DataFrame(
            colors[:500].astype(float), columns=["red", "green", "blue"]
        )
        mixture = FastGaussianMixture(3, random_state=0).fit(named)
        mixture.fit(colors[:500, :2].astype(float))
        assert mixture.n_features_in_ == 2
        assert not hasattr(mixture, "feature_names_in_")

    def test_a_warm_start_with_other_features_is_an_error(self, colors):
        mixture = FastGaussianMixture(3, random_state=0, warm_start=True)
        mixture.fit(colors[:500].astype(float))
        with pytest.raises(ValueError) as error:
            mixture.fit(colors[:500, [0, 1, 2, 0, 1]].astype(float))
        assert str(error.value) == (
            "Expected samples with the 3 features of the mixture from which the fit "
            "goes on, got 5; start anew, with warm_start=False."
        )
        assert mixture.n_features_in_ == 3

    def test_parameters_to_begin_with_keep_what_squares_would_lose(self):
        rng = np.random.default_rng(0)
        first, rest = rng.normal(size=(2, 1000)) * [[1], [1e-10]]
        samples = np.column_stack([first, first + rest])
        cholesky = np.array([[[1, -1e10], [0, 1e10]]])
        begin = MixtureParameters(np.ones(1), np.zeros((1, 2)), None, cholesky)
        mixture = FastGaussianMixture(reg_covar=0)
        for _ in mixture.fit_steps(samples, parameters=begin):
            pass
        seen = samples[:, 1] - samples[:, 0]
        residual = seen - np.polyval(np.polyfit(first, seen, 1), first)
        found = 1 / mixture.precisions_cholesky_[0, 1, 1]
        assert found == pytest.approx(residual.std(), rel=1e-5)
        mixture.set_params(precisions_init=cholesky @ cholesky.swapaxes(1, 2))
        with pytest.raises(ValueError, match="should be symmetric, positive-definite"):
            mixture.fit(samples)

    def test_it_does_not_warn_but_fit_does(self, colors):
        mixture = FastGaussianMixture(
            3, init_params="random", random_state=0, max_iter=1
        )
        for _ in mixture.fit_steps(colors.astype(float)):
            pass
        assert not mixture.converged_
        with pytest.warns(ConvergenceWarning, match="did not converge"):
            mixture.fit(colors.astype(float))

    def test_keyboard_interrupt_leaves_no_thread(self):
        samples = np.random.default_rng(0).normal(size=(400_000, 3))
        mixture = FastGaussianMixture(10, init_params="random", tol=0, max_iter=10_000)
        before = set(threading.enumerate())
        timer = threading.Timer(1.0, _thread.interrupt_main)
        timer.start()
        with engine(n_threads=3), pytest.raises(KeyboardInterrupt):
            mixture.fit(samples)
        timer.join()
        assert set(threading.enumerate()) <= before


class TestWeights:
    def test_weights_are_copies(self, colors, covariance_type):
        samples = colors[:600].astype(float)
        weights = np.arange(600) % 4
        start = GaussianMixture(3, covariance_type=covariance_type, random_state=0)
        start.fit(samples)
        settings = {
            "covariance_type": covariance_type,
            "weights_init": start.weights_,
            "means_init": start.means_,
            "precisions_init": start.precisions_,
            "tol": 1e-6,
            "max_iter": 500,
        }
        weighted = FastGaussianMixture(3, **settings).fit(
            samples, sample_weight=weights
        )
        copied = FastGaussianMixture(3, **settings).fit(
            np.repeat(samples, weights, axis=0)
        )
        assert weighted.n_iter_ == copied.n_iter_
        np.testing.assert_allclose(weighted.means_, copied.means_, rtol=1e-9)
        np.testing.assert_allclose(
            weighted.covariances_, copied.covariances_, rtol=1e-8
        )
        np.testing.assert_allclose(weighted.lower_bound_, copied.lower_bound_)

    @pytest.mark.parametrize(
        "init_params",
        ["subsample", "kmeans", "k-means++", "random_from_data", "random"],
    )
    def test_every_start_takes_weights(self, colors, init_params):
        """Rows with weight 0 do not count: far off, they would be noticed."""
        samples = np.concatenate([colors[:500].astype(float), np.full((500, 3), 1e6)])
        weights = np.repeat([1.0, 0.0], 500)
        mixture = FastGaussianMixture(
            2, init_params=init_params, random_state=0, max_iter=500
        ).fit(samples, sample_weight=weights)
        held = mixture.weights_ > 1e-6
        assert mixture.means_[held].max() < 256

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("unit", [5e-324, 1e-50, 1e-15, 1e39, 1e304])
    def test_the_unit_of_weights_does_not_matter(self, colors, dtype, unit):
        """In float32 1e39 would be infinite, and 1e-50 would be 0."""
        samples = colors[:600].astype(dtype)
        counts = np.arange(600) % 4
        weights = unit * counts
        settings = {"init_params": "kmeans", "random_state": 0, "max_iter": 500}
        expected = FastGaussianMixture(3, **settings).fit(samples, sample_weight=counts)
        found = FastGaussianMixture(3, **settings).fit(samples, sample_weight=weights)
        tolerance = 1e-4 if dtype == np.float32 else 1e-8
        for name in ("weights_", "means_", "covariances_", "lower_bound_"):
            np.testing.assert_allclose(
                getattr(found, name), getattr(expected, name), rtol=tolerance
            )
        summary = expected.summarize(samples, samples, counts)
        other = expected.summarize(samples, samples, weights)
        np.testing.assert_allclose(
            other.counts, summary.counts * unit, rtol=tolerance, atol=unit / 2
        )
        np.testing.assert_allclose(other.value_means, summary.value_means, tolerance)

    @pytest.mark.parametrize("greatest", [2.0**-16, 1e-3, 1.0, 640 * 427, 2.0**40])
    def test_usual_weights_are_taken_as_they_are(self, greatest):
        weights = np.linspace(0, greatest, 5)
        scaled, unit = scaled_weights(weights)
        assert scaled is weights
        assert unit == 1

    def test_few_samples_that_count_are_all_in_the_start(self):
        """Every third sample counts, and a start takes every third to begin with."""
        samples = np.random.default_rng(0).normal(size=(4500, 2))
        weights = np.zeros(4500)
        weights[1::3] = 1
        mixture = FastGaussianMixture(20, random_state=0, tol=0.1)
        mixture.fit(samples, sample_weight=weights)
        assert np.isfinite(mixture.lower_bound_)
        assert mixture.weights_.sum() == pytest.approx(1)

    @pytest.mark.parametrize(
        ("weights", "message"),
        [
            (
                np.ones(3),
                "Expected one sample_weight for each of the 10 samples, got the shape "
                "(3,); pass an array of shape (10,).",
            ),
            (
                np.full(10, "a"),
                "Expected sample_weight to hold numbers, got <U1; convert it.",
            ),
            (
                np.arange(10) - 1.0,
                "Expected every sample_weight to be finite and at least 0, and one to "
                "be above 0, got values from -1.0 to 8.0; correct them, or leave "
                "sample_weight out.",
            ),
            (
                np.zeros(10),
                "Expected every sample_weight to be finite and at least 0, and one to "
                "be above 0, got values from 0.0 to 0.0; correct them, or leave "
                "sample_weight out.",
            ),
        ],
    )
    def test_bad_weights_are_an_error(self, weights, message):
        samples = np.arange(20.0).reshape(10, 2)
        with pytest.raises(ValueError) as error:
            FastGaussianMixture().fit(samples, sample_weight=weights)
        assert str(error.value) == message


class TestNonFinite:
    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_rows_are_counted(self, colors, fitted, bad, dtype):
        samples = colors.astype(dtype)
        samples[3, 1] = samples[7, 0] = samples[7, 2] = bad
        message = (
            "Expected finite samples, but 2 of 4800 rows contain NaN or infinity; "
            "leave these rows out, or fill them in."
        )
        for use in (
            FastGaussianMixture(2).fit,
            fitted.predict,
            fitted.predict_proba,
            fitted.score_samples,
            fitted.entropy,
            fitted.summarize,
        ):
            with pytest.raises(ValueError) as error:
                use(samples)
            assert str(error.value) == message

    def test_large_finite_values_are_fine(self):
        samples = np.full((10, 1), 1e308)
        samples[:5] = -1e308
        FastGaussianMixture(1, reg_covar=1.0).fit(samples / 1e160)


class TestSummarize:
    def test_it_agrees_with_predict_and_numpy(self, colors, fitted, covariance_type):
        samples = colors.astype(np.float64)
        mixture = FastGaussianMixture(
            4, covariance_type=covariance_type, random_state=0
        ).fit(samples)
        values = np.column_stack([samples[:, ::-1] ** 2, np.arange(len(samples))])
        weights = np.arange(len(samples)) % 5
        summary = mixture.summarize(samples, values, weights)
        proba = mixture.predict_proba(samples) * weights[:, None]
        np.testing.assert_array_equal(summary.labels, mixture.predict(samples))
        np.testing.assert_allclose(summary.counts, proba.sum(axis=0))
        for k in range(4):
            mean = np.average(values, axis=0, weights=proba[:, k])
            np.testing.assert_allclose(summary.value_means[k], mean)
            np.testing.assert_allclose(
                summary.value_covariances[k],
                np.cov(values.T, aweights=proba[:, k], ddof=0),
                rtol=1e-7,
                atol=1e-6,
            )

    @pytest.mark.parametrize("rare", [False, True])
    def test_a_small_covariance_far_from_the_others_is_accurate(self, rare):
        rng = np.random.default_rng(0)
        labels = np.arange(20_000) % 4
        if rare:  # all of them lie between the rows from which means are guessed
            labels[labels == 3] = 0
            labels[11:40:10] = 3
        samples = (rng.normal(size=(20_000, 1)) + 100 * labels[:, None]).astype("f4")
        values = rng.normal(size=(20_000, 2), scale=0.01) + 200 * labels[:, None]
        values = values.astype(np.float32)
        mixture = FastGaussianMixture(
            4,
            weights_init=np.full(4, 0.25),
            means_init=100.0 * np.arange(4)[:, None],
            precisions_init=np.ones((4, 1, 1)),
        ).fit(samples)
        summary = mixture.summarize(samples, values)
        np.testing.assert_array_equal(summary.labels, labels)
        for k in range(4):
            of_it = values[labels == k].astype(np.float64)
            np.testing.assert_allclose(
                summary.value_covariances[k], np.cov(of_it.T, ddof=0), rtol=1e-3
            )

    def test_without_values(self, colors, fitted):
        summary = fitted.summarize(colors.astype(np.float32))
        assert summary.labels.dtype == np.uint8
        assert summary.value_means is None
        assert summary.value_covariances is None
        assert summary.counts.sum() == pytest.approx(len(colors), rel=1e-6)

    def test_values_of_other_samples_are_an_error(self, colors, fitted):
        with pytest.raises(ValueError) as error:
            fitted.summarize(colors.astype(np.float32), np.zeros((5, 3)))
        assert str(error.value) == (
            "Expected values with a row for each of the 4800 samples, got the shape "
            "(5, 3); pass an array (n, C)."
        )


def test_integers_are_predicted_as_their_floats(colors):
    mixture = FastGaussianMixture(4, random_state=0).fit(colors)
    assert mixture.means_.dtype == np.float64
    samples = colors.astype(float)
    np.testing.assert_array_equal(mixture.predict(colors), mixture.predict(samples))
    np.testing.assert_array_equal(
        mixture.score_samples(colors), mixture.score_samples(samples)
    )


def test_entropy(colors, fitted):
    samples = colors.astype(np.float32)
    proba = fitted.predict_proba(samples).astype(float)
    expected = -np.sum(proba * np.log(np.maximum(proba, 1e-300)), axis=1)
    found = fitted.entropy(samples)
    np.testing.assert_allclose(found, expected, atol=2e-5)
    assert found.min() >= 0
    scores, entropies = fitted.scores_and_entropies(samples)
    np.testing.assert_array_equal(entropies, found)
    np.testing.assert_array_equal(scores, fitted.score_samples(samples))


def test_reordered(colors, covariance_type):
    samples = colors.astype(np.float64)
    mixture = FastGaussianMixture(
        3, covariance_type=covariance_type, random_state=0
    ).fit(samples)
    order = [2, 0, 1]
    other = mixture.reordered(order)
    np.testing.assert_array_equal(other.weights_, mixture.weights_[order])
    np.testing.assert_allclose(
        other.predict_proba(samples),
        mixture.predict_proba(samples)[:, order],
        atol=1e-12,
    )
    assert other.lower_bound_ == mixture.lower_bound_
    for order in ([0, 0, 1], [0.0, 1.0, 2.0], "abc"):
        with pytest.raises(ValueError) as error:
            mixture.reordered(order)
        assert str(error.value) == (
            f"order must be a permutation of 0..2, but is {order}; give every "
            "component once."
        )


def test_it_can_be_cloned_and_pickled(colors, fitted):
    assert clone(fitted).get_params() == fitted.get_params()
    other = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(other.predict(colors), fitted.predict(colors))


def test_more_components_than_fit_into_a_byte(colors):
    samples = colors[:400].astype(float)
    mixture = FastGaussianMixture(
        300,
        covariance_type="spherical",
        random_state=0,
        init_params="random_from_data",
        max_iter=5,
        tol=100,
    ).fit(samples)
    np.testing.assert_array_equal(
        mixture.predict(samples), mixture.predict_proba(samples).argmax(axis=1)
    )
    with pytest.raises(ValueError) as error:
        mixture.summarize(samples)
    assert str(error.value) == (
        "Expected at most 256 components for labels in one byte, got 300; use predict."
    )
