"""All that is used of scikit-learn's private interface.

Six names: the table of a class's parameter constraints, its entry for a choice of
words, the method that checks it, and the three printing methods of BaseMixture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sklearn.mixture import GaussianMixture
from sklearn.utils._param_validation import StrOptions

if TYPE_CHECKING:
    from collections.abc import Iterable


def constraints_with(init_params: Iterable[str], **more: list[Any]) -> dict[str, Any]:
    """Return GaussianMixture's constraints, with other values of init_params.

    `more` are the constraints of further parameters.
    """
    return {
        **GaussianMixture._parameter_constraints,
        "init_params": [StrOptions(set(init_params))],
        **more,
    }


def validate_settings(mixture: GaussianMixture) -> None:
    """Raise scikit-learn's InvalidParameterError for a setting out of its range."""
    mixture._validate_params()


class Printer:
    """What scikit-learn prints when `verbose` is not 0."""

    def __init__(self, mixture: GaussianMixture) -> None:
        self._mixture = mixture

    def run_begins(self, run: int) -> None:
        """Say that a run begins."""
        self._mixture._print_verbose_msg_init_beg(run)

    def iteration_ends(self, number: int, change: float) -> None:
        """Say that an iteration has ended."""
        self._mixture._print_verbose_msg_iter_end(number, change)

    def run_ends(self, lower_bound: float, converged: bool) -> None:
        """Say that a run has ended."""
        self._mixture._print_verbose_msg_init_end(lower_bound, converged)
