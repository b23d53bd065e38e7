"""Samples -> a Gaussian mixture. This room has never heard of an image."""

from .em import Iteration
from .estimator import FastGaussianMixture
from .selection import Candidate, Selection, select
from .summary import Summary
from .team import engine, engine_settings, set_engine
from .warmup import warm_up
from .whitening import whitening_transform

__all__ = [
    "Candidate",
    "FastGaussianMixture",
    "Iteration",
    "Selection",
    "Summary",
    "engine",
    "engine_settings",
    "select",
    "set_engine",
    "warm_up",
    "whitening_transform",
]
