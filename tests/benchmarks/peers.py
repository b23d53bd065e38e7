"""The engines that are compared: each fits and predicts in its own way.

`fit(samples, k, covariance_type, start, max_iter, tol)` gives a fitted model;
`start` is None for the engine's own default start, or a scikit-learn mixture whose
parameters EM starts from. `predict(model, samples)` gives hard labels, and
`score(model, samples)` the mean log-likelihood.
"""

import importlib.util
from dataclasses import dataclass

import numpy as np


class Engine:
    """What the others have in common."""

    name = ""
    module = ""
    covariance_types = ("full",)
    takes_start = True
    predicts = True
    """Whether it has a prediction of many samples apart from the fit."""
    compiles = False
    """Whether the first run is slower than the others, and so not counted."""

    @classmethod
    def installed(cls):
        return importlib.util.find_spec(cls.module) is not None

    def prepare(self, samples):
        """Bring samples to the engine's own kind of array; not timed."""
        return samples

    def score(self, model, samples):
        """Mean log-likelihood, by scikit-learn in float64 from the parameters."""
        from sklearn.mixture import GaussianMixture

        weights, means, covariances = self.parameters(model)
        inverse = np.linalg.inv(covariances)
        mixture = GaussianMixture(len(weights), max_iter=1)
        mixture.weights_ = weights / weights.sum()
        mixture.means_ = means
        mixture.covariances_ = covariances
        factors = np.linalg.cholesky(inverse[:, ::-1, ::-1])[:, ::-1, ::-1]
        mixture.precisions_cholesky_ = factors
        return float(mixture.score(np.asarray(samples, np.float64)))


class Ours(Engine):
    name = "this engine"
    module = "napari_pixel_mixtures"
    compiles = True
    covariance_types = ("full", "tied", "diag", "spherical")

    def fit(self, samples, k, covariance_type, start, max_iter, tol, weights=None):
        from napari_pixel_mixtures.mixture import FastGaussianMixture

        mixture = FastGaussianMixture(
            k,
            covariance_type=covariance_type,
            max_iter=max_iter,
            tol=tol,
            random_state=0,
            **_given(start),
        )
        return mixture.fit(samples, sample_weight=weights)

    def predict(self, model, samples):
        return model.labels(samples)

    def score(self, model, samples):
        return _scikit_learn_score(model, samples)


class ScikitLearn(Engine):
    name = "scikit-learn"
    module = "sklearn"
    covariance_types = ("full", "tied", "diag", "spherical")

    def fit(self, samples, k, covariance_type, start, max_iter, tol):
        from sklearn.mixture import GaussianMixture

        return GaussianMixture(
            k,
            covariance_type=covariance_type,
            max_iter=max_iter,
            tol=tol,
            random_state=0,
            **_given(start),
        ).fit(samples)

    def predict(self, model, samples):
        return model.predict(samples)

    def score(self, model, samples):
        return _scikit_learn_score(model, samples)


class Gmmx(Engine):
    name = "gmmx"
    module = "gmmx"
    compiles = True

    def prepare(self, samples):
        import jax.numpy as jnp

        return jnp.asarray(samples)

    def fit(self, samples, k, covariance_type, start, max_iter, tol):
        from gmmx import EMFitter, GaussianMixtureModelJax

        if start is None:
            mixture = GaussianMixtureModelJax.from_k_means(
                samples, n_components=k, random_state=0
            )
        else:
            mixture = GaussianMixtureModelJax.from_squeezed(
                means=np.asarray(start.means_, np.float32),
                covariances=np.asarray(start.covariances_, np.float32),
                weights=np.asarray(start.weights_, np.float32),
                covariance_type=covariance_type,
            )
        import jax

        # Without this the clock stops before the work is done.
        fit = EMFitter(max_iter=max_iter, tol=tol).fit(samples, mixture)
        return jax.block_until_ready(fit).gmm

    def predict(self, model, samples):
        return np.asarray(model.predict(samples))

    def parameters(self, model):
        other = model.to_sklearn()
        return (
            np.asarray(other.weights_, np.float64),
            np.asarray(other.means_, np.float64),
            np.asarray(other.covariances_, np.float64),
        )


class Pomegranate(Engine):
    name = "pomegranate"
    module = "pomegranate"

    def prepare(self, samples):
        import torch

        # In float32 its covariances of flat clusters do not stay positive definite.
        return torch.from_numpy(np.asarray(samples, np.float64, order="C"))

    def fit(self, samples, k, covariance_type, start, max_iter, tol):
        from pomegranate.distributions import Normal
        from pomegranate.gmm import GeneralMixtureModel

        # Its tolerance is for the sum of the log-likelihoods; its last iteration
        # updates no parameters.
        settings = {"max_iter": max_iter, "tol": tol * len(samples), "random_state": 0}
        if start is None:
            parts = [Normal(min_cov=1e-6) for _ in range(k)]
        else:
            parts = [
                Normal(mean, covariance)
                for mean, covariance in zip(
                    start.means_, start.covariances_, strict=True
                )
            ]
            settings["priors"] = start.weights_ / start.weights_.sum()
        return GeneralMixtureModel(parts, **settings).fit(samples)

    def predict(self, model, samples):
        return model.predict(samples).numpy()

    def parameters(self, model):
        return (
            model.priors.detach().numpy().astype(np.float64),
            np.array([p.means.detach().numpy() for p in model.distributions], float),
            np.array([p.covs.detach().numpy() for p in model.distributions], float),
        )


class Mlpack(Engine):
    name = "mlpack"
    module = "mlpack"
    takes_start = False

    def prepare(self, samples):
        return np.asarray(samples, np.float64)

    def fit(self, samples, k, covariance_type, start, max_iter, tol):
        import mlpack

        return mlpack.gmm_train(
            gaussians=k,
            input_=samples,
            max_iterations=max_iter,
            tolerance=tol * len(samples),
            seed=1,
        )["output_model"]

    # It has no hard labels, only densities: those take the place of a prediction.
    def predict(self, model, samples):
        import mlpack

        return mlpack.gmm_probability(input_=samples, input_model=model)["output"]

    def score(self, model, samples):
        density = np.ravel(self.predict(model, self.prepare(samples)))
        return float(np.log(np.maximum(density, 1e-300)).mean())


class OpenCV(Engine):
    name = "OpenCV"
    module = "cv2"
    predicts = False

    @classmethod
    def installed(cls):
        if not super().installed():
            return False
        import cv2

        return hasattr(cv2, "ml")  # OpenCV 5 has left it out

    def fit(self, samples, k, covariance_type, start, max_iter, tol):
        import cv2

        model = cv2.ml.EM_create()
        model.setClustersNumber(k)
        model.setCovarianceMatrixType(cv2.ml.EM_COV_MAT_GENERIC)
        kind = cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS
        model.setTermCriteria((kind, max_iter, tol))
        cv2.setRNGSeed(1)
        if start is None:
            labels = model.trainEM(samples)[2]
        else:
            labels = model.trainE(
                samples,
                np.float64(start.means_),
                # As one array of three axes: a list is not taken, and of a plain
                # array the last axis would be channels.
                cv2.Mat(np.float64(start.covariances_), wrap_channels=False),
                np.float64(start.weights_),
            )[2]
        self._labels = labels.ravel()
        return model

    # It predicts one sample a call; the labels of the fit are taken instead.
    def predict(self, model, samples):
        return self._labels

    def parameters(self, model):
        return (
            np.asarray(model.getWeights(), np.float64).ravel(),
            np.asarray(model.getMeans(), np.float64),
            np.asarray(model.getCovs(), np.float64),
        )


ENGINES = {
    engine.name: engine
    for engine in (Ours, ScikitLearn, Gmmx, Pomegranate, Mlpack, OpenCV)
}


@dataclass(frozen=True)
class Start:
    """Parameters that EM starts from, as scikit-learn's attributes."""

    weights_: np.ndarray
    means_: np.ndarray
    covariances_: np.ndarray
    precisions_: np.ndarray


def _given(start):
    if start is None:
        return {}
    return {
        "weights_init": start.weights_ / start.weights_.sum(),
        "means_init": start.means_,
        "precisions_init": start.precisions_,
    }


def _scikit_learn_score(model, samples):
    """Mean log-likelihood, by scikit-learn in float64 from the parameters."""
    from sklearn.mixture import GaussianMixture

    mixture = GaussianMixture(
        len(model.weights_), covariance_type=model.covariance_type
    )
    for name in ("weights_", "means_", "precisions_cholesky_"):
        setattr(mixture, name, getattr(model, name).astype(np.float64))
    return float(mixture.score(np.asarray(samples, np.float64)))
