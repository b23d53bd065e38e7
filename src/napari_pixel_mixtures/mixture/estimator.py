"""FastGaussianMixture: scikit-learn's GaussianMixture on compiled kernels."""

from __future__ import annotations

import warnings
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from .checks import (
    check_means,
    check_precisions,
    check_same_features,
    check_sample_weight,
    check_weights,
)
from .covariance import COVARIANCE_TYPES
from .em import Data, EMSettings, Fit, Iteration, iterate, waiting
from .prediction import Predicting
from .sklearn_private import Printer, constraints_with, validate_settings
from .start import INIT_PARAMS, SUBSAMPLE, start
from .start_base import StartSettings
from .team import Team

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from numpy.typing import ArrayLike, NDArray

    from .moments import MixtureParameters

    Array = NDArray[Any]


class FastGaussianMixture(Predicting):
    """A drop-in for scikit-learn's GaussianMixture, on compiled kernels.

    Parameters, attributes, errors and warnings are those of scikit-learn's
    `sklearn.mixture.GaussianMixture`. Added are sample weights, a callback and
    cancellation in `fit`, and the methods `fit_steps`, `summarize`, `entropy` and
    `reordered`.

    Parameters
    ----------
    n_components, covariance_type, tol, reg_covar, max_iter, n_init
        As in scikit-learn.
    init_params : {"subsample", "kmeans", "k-means++", "random", "random_from_data"}
        How to start. "subsample", the default, tries several k-means++ starts with
        short EM runs on a sample of the data, and takes the best; the others are
        scikit-learn's, in one thread. Cancelling takes effect between the stages of
        "subsample", but only before or after scikit-learn's: its k-means cannot be
        cut short.
    weights_init, means_init, precisions_init, random_state, warm_start, verbose, \
verbose_interval
        As in scikit-learn.
    exponents : array (d,), optional
        How much each column of the samples counts, above 0; 1 when omitted. The
        columns that count most should come first, see the notes.

    Notes
    -----
    With exponents b the objective, which the fit maximizes and `score` gives, is

        sum_i w_i log sum_k weights_k prod_j p(x_ij | x_i1 .. x_i(j-1), k) ** b_j

    where p(x_j | x_1 .. x_(j-1), k) is the conditional density of column j under
    component k, given the columns before it. With z = L (x - mean), L the lower
    triangle that whitens component k, log p(x_j | x_1 .. x_(j-1), k) is
    log L_jj - z_j^2 / 2 - log(2 pi) / 2, so that responsibilities come from rows of
    L multiplied by the root of b_j. EM is exact: given the responsibilities, the
    conditionals have parameters of their own under full, tied and diag covariances,
    each maximal where it is without exponents, so that the M step is the plain one;
    under spherical ones the common variance is sum_j b_j S_kj / (n_k sum_j b_j).
    The objective never falls (but for `reg_covar`). Exponents of 1 are the plain
    mixture; as those of the last columns go to 0, responsibilities become those of
    the mixture of the others. Unlike a factor on a column, to which full, tied and
    diag mixtures are indifferent, an exponent counts under every covariance type.

    Results are the same, bit for bit, for the same data and random state, whatever
    the number of threads. A component that loses all its samples keeps a weight of
    about 0, its mean goes to the origin and its variances to `reg_covar`, as in
    scikit-learn; it never becomes NaN.

    Examples
    --------
    >>> import numpy as np
    >>> samples = np.array([[1, 2], [1, 4], [1, 0], [10, 2], [10, 4], [10, 0]])
    >>> mixture = FastGaussianMixture(n_components=2, random_state=0).fit(samples)
    >>> np.sort(mixture.means_[:, 0]).round(6)
    array([ 1., 10.])
    """

    _parameter_constraints = constraints_with(
        init_params=INIT_PARAMS, exponents=["array-like", None]
    )

    def __init__(
        self,
        n_components: int = 1,
        *,
        covariance_type: str = "full",
        tol: float = 1e-3,
        reg_covar: float = 1e-6,
        max_iter: int = 100,
        n_init: int = 1,
        init_params: str = SUBSAMPLE,
        weights_init: ArrayLike | None = None,
        means_init: ArrayLike | None = None,
        precisions_init: ArrayLike | None = None,
        random_state: int | np.random.RandomState | None = None,
        warm_start: bool = False,
        verbose: int = 0,
        verbose_interval: int = 10,
        exponents: ArrayLike | None = None,
    ) -> None:
        super().__init__(
            n_components=n_components,
            covariance_type=covariance_type,
            tol=tol,
            reg_covar=reg_covar,
            max_iter=max_iter,
            n_init=n_init,
            init_params=init_params,
            weights_init=weights_init,
            means_init=means_init,
            precisions_init=precisions_init,
            random_state=random_state,
            warm_start=warm_start,
            verbose=verbose,
            verbose_interval=verbose_interval,
        )
        self.exponents = exponents

    # Fitting

    def fit(
        self,
        X: ArrayLike,
        y: None = None,
        sample_weight: ArrayLike | None = None,
        *,
        callback: Callable[[Iteration], object] | None = None,
    ) -> Self:
        """Fit the mixture.

        Parameters
        ----------
        X : array (n, d)
            The samples.
        y : None
            Not used; scikit-learn's convention.
        sample_weight : array (n,), optional
            How often each sample counts: a weight of 3 is the same as 3 equal rows.
        callback : callable, optional
            Called with each `Iteration`; an exception that it raises ends the fit
            and leaves the estimator as it was.

        Returns
        -------
        FastGaussianMixture
            The estimator itself.

        Raises
        ------
        ValueError
            A setting or the data are not as they should be, or a covariance has
            become singular and `reg_covar` is 0.

        Warns
        -----
        ConvergenceWarning
            The likelihood still rose by more than `tol` in the last iteration.
        """
        for iteration in self.fit_steps(X, sample_weight):
            if callback is not None:
                callback(iteration)
        if not self.converged_ and self.max_iter > 0:
            warnings.warn(
                "Best performing initialization did not converge. Try different init "
                "parameters, or increase max_iter, tol, or check for degenerate data.",
                ConvergenceWarning,
                stacklevel=2,
            )
        return self

    def fit_predict(
        self, X: ArrayLike, y: None = None, sample_weight: ArrayLike | None = None
    ) -> NDArray[np.int64]:
        """Fit the mixture, and predict the labels of the same samples.

        Parameters are those of `fit`; the result is that of `predict`.
        """
        return self.fit(X, y, sample_weight).predict(X)

    def fit_steps(
        self,
        X: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        parameters: MixtureParameters | None = None,
    ) -> Generator[Iteration, None, Self]:
        """Fit the mixture one EM iteration at a time.

        Closing the generator cancels the fit, and leaves the estimator as it was.
        That the fit did not converge is only said by `converged_`.

        Parameters
        ----------
        X, sample_weight
            As in `fit`.
        parameters : MixtureParameters, optional
            Where EM begins, instead of where the settings say. Unlike
            `precisions_init`, which holds squares, they lose no digits.

        Yields
        ------
        Iteration
            After each iteration. While the start is being looked for, iterations
            with the number 0 and empty parameters.

        Returns
        -------
        FastGaussianMixture
            The estimator itself.
        """
        validate_settings(self)
        samples, informed = self._fit_samples(X)
        weights = check_sample_weight(sample_weight, len(samples))
        settings = self._start_settings(samples)
        data = Data.of(samples, weights)
        previous = -np.inf
        if parameters is None and self.warm_start and hasattr(self, "converged_"):
            parameters, previous = self.parameters(), self.lower_bound_
        if parameters is not None:
            check_same_features(parameters, samples)
        random_state = check_random_state(self.random_state)
        printer = Printer(self)
        how = EMSettings(settings.kind, self.reg_covar, self.tol, self.max_iter)
        best: Fit | None = None
        with Team() as team:
            for run in range(self.n_init if parameters is None else 1):
                printer.run_begins(run)
                begin = parameters
                if begin is None:
                    looking = start(data, settings, random_state, team)
                    begin = yield from waiting(looking, self.max_iter)
                fit = yield from iterate(begin, previous, data, how, team, printer)
                if best is None or fit.lower_bounds[-1:] > best.lower_bounds[-1:]:
                    best = fit
        assert best is not None
        self._keep(best, samples.dtype)
        self._keep_features_of(informed)
        return self

    def _start_settings(self, samples: Array) -> StartSettings:
        n_samples, n_features = samples.shape
        k = self.n_components
        if n_samples < k:
            raise ValueError(
                f"Expected n_samples >= n_components but got n_components = {k}, "
                f"n_samples = {n_samples}"
            )
        settings = StartSettings(
            n_components=k,
            kind=self._kind(n_features),
            reg_covar=self.reg_covar,
            init_params=self.init_params,
        )
        if self.weights_init is not None:
            settings = replace(settings, weights=check_weights(self.weights_init, k))
        if self.means_init is not None:
            means = check_means(self.means_init, k, n_features)
            settings = replace(settings, means=means)
        if self.precisions_init is not None:
            precisions = check_precisions(
                self.precisions_init, self.covariance_type, k, n_features
            )
            settings = replace(settings, precisions=precisions)
        return settings

    def _keep(self, fit: Fit, dtype: np.dtype[Any]) -> None:
        """Set the fitted attributes."""
        kind = COVARIANCE_TYPES[self.covariance_type]
        found = fit.parameters
        cholesky = found.precisions_cholesky
        covariances = found.covariances
        if covariances is None:
            covariances = kind.inverse(kind.precisions(cholesky))
        self.weights_ = found.weights.astype(dtype)
        self.means_ = found.means.astype(dtype)
        self.covariances_ = covariances.astype(dtype)
        self.precisions_cholesky_ = cholesky.astype(dtype)
        self.precisions_ = kind.precisions(cholesky).astype(dtype)
        self.converged_ = fit.converged
        self.n_iter_ = len(fit.lower_bounds)
        self.lower_bounds_ = fit.lower_bounds
        self.lower_bound_ = fit.lower_bounds[-1] if fit.lower_bounds else -np.inf

    def _keep_features_of(self, other: Self) -> None:
        """Set the number of features and, if there are any, their names."""
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(other, name):
                setattr(self, name, getattr(other, name))
            elif hasattr(self, name):
                delattr(self, name)

    def reordered(self, order: ArrayLike) -> Self:
        """Return a fitted copy whose component i is this one's `order[i]`.

        Parameters
        ----------
        order : array (K,) of int
            A permutation of the components.

        Raises
        ------
        ValueError
            It is not a permutation.
        """
        check_is_fitted(self)
        indices = np.asarray(order)
        expected = np.arange(self.n_components)
        permutes = indices.dtype.kind in "iu" and indices.shape == expected.shape
        if not permutes or not np.array_equal(np.sort(indices), expected):
            raise ValueError(
                f"order must be a permutation of 0..{self.n_components - 1}, but is "
                f"{indices.tolist()}; give every component once."
            )
        kind = COVARIANCE_TYPES[self.covariance_type]
        other = copy(self)
        for name in ("weights_", "means_"):
            setattr(other, name, getattr(self, name)[indices])
        for name in ("covariances_", "precisions_", "precisions_cholesky_"):
            setattr(other, name, kind.take(getattr(self, name), indices))
        return other

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn that only numpy arrays are supported."""
        tags = super().__sklearn_tags__()
        tags.array_api_support = False
        return tags
