"""What a fitted mixture says about samples, each in one compiled pass."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.mixture import GaussianMixture
from sklearn.utils.validation import check_is_fitted, validate_data

from .checks import check_exponents, check_finite, check_sample_weight
from .covariance import COVARIANCE_TYPES
from .moments import Density, MixtureParameters
from .passes import detail, label
from .summary import Summary, summary
from .team import Team

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from .covariance_base import CovarianceType

    Array = NDArray[Any]


class Predicting(GaussianMixture):  # type: ignore[misc]
    """The predictions of FastGaussianMixture, which fits besides."""

    exponents: ArrayLike | None = None

    def _fit_samples(self, X: ArrayLike) -> tuple[Array, Self]:
        """Return samples to fit as an array (n, d) of float32 or float64.

        And a copy of the estimator that knows their number and names of features:
        a fit that is cancelled must not change those of the estimator itself.
        """
        informed = copy(self)
        samples: Array = validate_data(
            informed,
            X,
            dtype=[np.float64, np.float32],
            ensure_min_samples=2,
            ensure_all_finite=False,
        )
        check_finite(samples)
        return samples, informed

    def _samples(self, X: ArrayLike) -> Array:
        """Return samples to predict as an array (n, d) of any real type."""
        check_is_fitted(self)
        samples: Array = validate_data(self, X, reset=False, ensure_all_finite=False)
        check_finite(samples)
        return samples

    def parameters(self) -> MixtureParameters:
        """Return the fitted parameters in float64."""
        return MixtureParameters(
            self.weights_.astype(np.float64),
            self.means_.astype(np.float64),
            self.covariances_.astype(np.float64),
            self.precisions_cholesky_.astype(np.float64),
        )

    def _density(self, samples: Array) -> Density:
        single = samples.dtype == np.float32 and self.means_.dtype == np.float32
        dtype: np.dtype[Any] = np.dtype(np.float32 if single else np.float64)
        return Density.of(self.parameters(), self._kind(samples.shape[1]), dtype)

    def _kind(self, n_features: int) -> CovarianceType:
        """Return the covariance type, with the exponents on the columns."""
        exponents = check_exponents(self.exponents, n_features)
        return COVARIANCE_TYPES[self.covariance_type].with_exponents(exponents)

    def predict(self, X: ArrayLike) -> NDArray[np.int64]:
        """Return the most probable component of each sample, (n,) from 0."""
        samples = self._samples(X)
        if self.n_components > 256:
            return np.asarray(self.predict_proba(samples).argmax(axis=1))
        with Team() as team:
            return label(self._density(samples), samples, team).astype(np.int64)

    def predict_proba(self, X: ArrayLike) -> Array:
        """Return the responsibilities of the components for each sample, (n, K)."""
        samples = self._samples(X)
        density = self._density(samples)
        with Team() as team:
            return detail(
                density, samples, team, responsibilities=True
            ).responsibilities

    def score_samples(self, X: ArrayLike) -> Array:
        """Return the log-likelihood of each sample, (n,)."""
        samples = self._samples(X)
        with Team() as team:
            return detail(self._density(samples), samples, team, scores=True).scores

    def scores_and_entropies(self, X: ArrayLike) -> tuple[Array, Array]:
        """Return what `score_samples` and `entropy` return, in one pass."""
        samples = self._samples(X)
        density = self._density(samples)
        with Team() as team:
            found = detail(density, samples, team, scores=True, entropies=True)
        return found.scores, found.entropies

    def bic(self, X: ArrayLike) -> float:
        """Return the Bayesian information criterion, as scikit-learn does.

        Raises
        ------
        ValueError
            The mixture has exponents: then it is not a density.
        """
        self._check_density("BIC")
        return float(super().bic(X))

    def aic(self, X: ArrayLike) -> float:
        """Return Akaike's information criterion, as scikit-learn does.

        Raises
        ------
        ValueError
            The mixture has exponents: then it is not a density.
        """
        self._check_density("AIC")
        return float(super().aic(X))

    def _check_density(self, name: str) -> None:
        if check_exponents(self.exponents, None) is not None:
            raise ValueError(
                f"Expected a mixture without exponents for {name}, because with them "
                "it is not a density; fit with exponents=None (an influence of 1)."
            )

    def entropy(self, X: ArrayLike) -> Array:
        """Return the entropy of each sample's responsibilities, (n,) in nats."""
        samples = self._samples(X)
        density = self._density(samples)
        with Team() as team:
            return detail(density, samples, team, entropies=True).entropies

    def labels(self, X: ArrayLike) -> NDArray[np.uint8]:
        """Return what `predict` returns, as uint8.

        Raises
        ------
        ValueError
            There are more than 256 components.
        """
        self._check_byte_labels()
        samples = self._samples(X)
        with Team() as team:
            return label(self._density(samples), samples, team)

    def summarize(
        self,
        samples: ArrayLike,
        values: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Summary:
        """Hard labels, and what the components hold of other values.

        Parameters
        ----------
        samples : array (n, d)
            The samples, as given to `fit`.
        values : array (n, C), optional
            Other values of the same samples, such as their colors.
        sample_weight : array (n,), optional
            How often each sample counts; once when omitted.

        Returns
        -------
        Summary
        """
        self._check_byte_labels()
        checked = self._samples(samples)
        weights = check_sample_weight(sample_weight, len(checked))
        table = None if values is None else np.asarray(values)
        if table is not None and (table.ndim != 2 or len(table) != len(checked)):
            raise ValueError(
                f"Expected values with a row for each of the {len(checked)} samples, "
                f"got the shape {table.shape}; pass an array (n, C)."
            )
        with Team() as team:
            return summary(self._density(checked), checked, team, table, weights)

    def _check_byte_labels(self) -> None:
        if self.n_components > 256:
            raise ValueError(
                "Expected at most 256 components for labels in one byte, got "
                f"{self.n_components}; use predict."
            )
