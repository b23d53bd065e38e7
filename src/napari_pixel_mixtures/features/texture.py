"""Blur, GradientMagnitude, DifferenceOfGaussians, LocalDeviation: by Gaussians."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .base import setting
from .checks import within
from .filter import SOURCES, Filter, gaussian

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, repr=False)
class Blur(Filter):
    """The Gaussian mean of a pixel's neighborhood.

    Attributes
    ----------
    sigma : float
        Standard deviation of the Gaussian, in pixels.
    of : {"channels", "brightness", "Lab"}

    Examples
    --------
    >>> from napari_pixel_mixtures import Blur
    >>> Blur(2, of="Lab")
    Blur(of='Lab')
    """

    kind = "blur"
    title = "Blur"
    tip = (
        "The mean color of a pixel's neighborhood, so that clusters are smoother and "
        "feel less noise."
    )
    label = "blur"

    of: str = setting(
        "channels",
        "Of",
        "What is blurred: every channel, the brightness of colors, or Lab.",
        choices=SOURCES,
    )

    def filter(self, frame: NDArray[Any], results: NDArray[Any]) -> None:
        """Blur the frame."""
        results[0] = gaussian(frame, self.sigma)


@dataclass(frozen=True, repr=False)
class GradientMagnitude(Filter):
    """How steep the blurred image is, in image units a pixel.

    The length of the gradient by derivatives of a Gaussian, as
    `scipy.ndimage.gaussian_gradient_magnitude`.

    Attributes
    ----------
    sigma : float
        Standard deviation of the Gaussian, in pixels.
    of : {"brightness", "channels", "Lab"}

    Examples
    --------
    >>> from napari_pixel_mixtures import GradientMagnitude
    >>> GradientMagnitude(1.5)
    GradientMagnitude(sigma=1.5)
    """

    kind = "gradient magnitude"
    title = "Gradient"
    tip = "How strong an edge is here, whatever its direction."
    label = "gradient"
    order = 1

    def filter(self, frame: NDArray[Any], results: NDArray[Any]) -> None:
        """Take the length of the gradient."""
        total = np.zeros_like(frame)
        for axis in range(frame.ndim):
            orders = [int(i == axis) for i in range(frame.ndim)]
            derivative = gaussian(frame, self.sigma, orders)
            total += np.square(derivative, out=derivative)
        results[0] = np.sqrt(total, out=total)


@dataclass(frozen=True, repr=False)
class DifferenceOfGaussians(Filter):
    """The image blurred a little minus the image blurred more: blobs of one size.

    As `skimage.filters.difference_of_gaussians`: positive on spots brighter than
    what surrounds them.

    Attributes
    ----------
    sigma : float
        Standard deviation of the narrow Gaussian, in pixels.
    of : {"brightness", "channels", "Lab"}
    ratio : float
        Standard deviation of the wide Gaussian over that of the narrow one: 1.01 to
        10.

    Examples
    --------
    >>> from napari_pixel_mixtures import DifferenceOfGaussians
    >>> DifferenceOfGaussians(3, ratio=2)
    DifferenceOfGaussians(sigma=3.0, ratio=2.0)
    """

    kind = "difference of gaussians"
    title = "Spots"
    tip = "How much brighter or darker a spot of this size is than what surrounds it."
    label = "spots"

    ratio: float = setting(
        1.6,
        "Ratio",
        "How much wider the surroundings are than the spot.",
        min=1.01,
        max=10.0,
        step=0.1,
    )

    def __post_init__(self) -> None:
        """Check the ratio."""
        super().__post_init__()
        ratio = within(f"the ratio of {self.kind}", self.ratio, 1.01, 10)
        object.__setattr__(self, "ratio", ratio)

    @property
    def reach(self) -> int:
        """How many pixels away a pixel still counts: that of the wide Gaussian."""
        return int(4 * self.sigma * self.ratio + 0.5)

    def filter(self, frame: NDArray[Any], results: NDArray[Any]) -> None:
        """Subtract the wide blur from the narrow one."""
        narrow = gaussian(frame, self.sigma)
        results[0] = np.subtract(
            narrow, gaussian(frame, self.sigma * self.ratio), out=narrow
        )


@dataclass(frozen=True, repr=False)
class LocalDeviation(Filter):
    """The standard deviation of a pixel's neighborhood, in image units.

    Weighted by a Gaussian: the root of the blurred square minus the squared blur.

    Attributes
    ----------
    sigma : float
        Standard deviation of the Gaussian, in pixels.
    of : {"brightness", "channels", "Lab"}

    Examples
    --------
    >>> from napari_pixel_mixtures import LocalDeviation
    >>> LocalDeviation(4)
    LocalDeviation(sigma=4.0)
    """

    kind = "local deviation"
    title = "Roughness"
    tip = "How much the image varies around a pixel: smooth is 0, rough is large."
    label = "roughness"

    def filter(self, frame: NDArray[Any], results: NDArray[Any]) -> None:
        """Take the standard deviation."""
        # Differences of squares are accurate in float64 and about the frame's mean.
        offsets = frame - frame.mean(dtype=np.float64)
        mean = gaussian(offsets, self.sigma)
        variance = gaussian(np.square(offsets, out=offsets), self.sigma)
        variance -= np.square(mean, out=mean)
        results[0] = np.sqrt(np.maximum(variance, 0, out=variance), out=variance)
