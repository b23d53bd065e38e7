"""GaborEnergy: how strongly waves of one length and direction are present."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .base import setting
from .checks import whole
from .filter import Filter, correlate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .picture import Picture

WAVELENGTH = np.pi / 3 * np.sqrt(2 / np.log(2))
"""Length of a wave over sigma for a bandwidth of one octave, as in scikit-image."""

GOLDEN_ANGLE = np.pi * (3 - np.sqrt(5))


@dataclass(frozen=True, repr=False)
class GaborEnergy(Filter):
    """How strongly waves of one length are present, in some directions.

    The absolute value of the image filtered by complex Gabor filters with a round
    Gaussian and a bandwidth of one octave, so that a wave is 1.78 sigma long; as
    `skimage.filters.gabor` of the image less its mean. The first direction in a
    plane is along the last axis (X), the others follow evenly over half a turn; in a
    volume they are spread evenly over half a sphere.

    Attributes
    ----------
    sigma : float
        Standard deviation of the Gaussian, in pixels.
    of : {"brightness", "channels", "Lab"}
    directions : int
        Number of directions, each of which is a column: 1 to 32.

    Examples
    --------
    >>> from napari_pixel_mixtures import GaborEnergy
    >>> GaborEnergy(3, directions=6)
    GaborEnergy(sigma=3.0, directions=6)
    """

    kind = "gabor energy"
    title = "Waves"
    tip = "How strongly stripes of this width run in each of some directions."
    label = "waves"
    order = None  # it feels the mean of the whole frame, if little

    directions: int = setting(
        4, "Directions", "Number of directions, each a column.", min=1, max=32
    )

    def __post_init__(self) -> None:
        """Check the number of directions."""
        super().__post_init__()
        n = whole("the number of directions", self.directions, 1, 32)
        object.__setattr__(self, "directions", n)

    def parts(self, picture: Picture) -> tuple[str, ...]:
        """Directions are counted."""
        return tuple(str(i + 1) for i in range(self.directions))

    def filter(self, frame: NDArray[Any], results: NDArray[Any]) -> None:
        """Correlate with complex waves, an axis after the other."""
        # The filters feel a constant, though little.
        frame = frame - frame.mean(dtype=np.float64).astype(frame.dtype)
        radius = int(np.ceil(3 * self.sigma))
        steps = np.arange(-radius, radius + 1)
        envelope = np.exp(-0.5 * (steps / self.sigma) ** 2)
        envelope /= envelope.sum()
        wave_number = 2 * np.pi / (WAVELENGTH * self.sigma)
        precision = np.result_type(frame, np.complex64)
        for result, direction in zip(
            results, spread_directions(self.directions, frame.ndim), strict=True
        ):
            kernels = [
                envelope * np.exp(1j * wave_number * cosine * steps)
                for cosine in direction
            ]
            np.abs(correlate(frame.astype(precision), kernels), out=result)


def spread_directions(n: int, ndim: int) -> NDArray[np.float64]:
    """Spread unit vectors (n, ndim) evenly, opposite ones being the same."""
    if ndim == 1:
        return np.ones((n, 1))
    if ndim == 2:
        angles = np.pi * np.arange(n) / n
        return np.stack([np.sin(angles), np.cos(angles)], axis=1)
    # A spiral over half a sphere.
    heights = (np.arange(n) + 0.5) / n
    angles = GOLDEN_ANGLE * np.arange(n)
    radii = np.sqrt(1 - heights**2)
    return np.stack([heights, radii * np.sin(angles), radii * np.cos(angles)], axis=1)
