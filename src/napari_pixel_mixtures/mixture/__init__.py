"""Samples -> a Gaussian mixture. This room has never heard of an image."""

from .estimator import FastGaussianMixture, Iteration, Summary
from .whitening import whitening_transform

__all__ = ["FastGaussianMixture", "Iteration", "Summary", "whitening_transform"]
