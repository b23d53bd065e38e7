"""Samples -> a Gaussian mixture. This room has never heard of an image."""

from .estimator import FastGaussianMixture
from .whitening import whitening_transform

__all__ = ["FastGaussianMixture", "whitening_transform"]
