"""Part: some pixels of a finer level of a picture, measured as the picture was."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .picture import Picture

UNEVEN = 1.02
"""How much more pixels may lie along one axis than along another."""


@dataclass(frozen=True, eq=False)
class Part:
    """Where some pixels of a finer level lie on the picture that was fitted.

    Attributes
    ----------
    whole : Picture
        The picture that was fitted.
    factors : tuple of float
        How many pixels of the level there are for one of the picture, along each
        axis.
    start : tuple of int
        The first of the pixels, on the level.
    """

    whole: Picture
    factors: tuple[float, ...]
    start: tuple[int, ...]

    @property
    def factor(self) -> float | None:
        """How many times as small its pixels are; None if axes differ in that.

        Along the picture's `spatial_axes`.
        """
        found = [self.factors[axis] for axis in self.whole.spatial_axes]
        if max(found) > UNEVEN * min(found):
            return None
        mean: float = prod(found) ** (1 / len(found))
        return mean

    @property
    def scale(self) -> tuple[float, ...]:
        """Size of its pixels along each axis."""
        sizes = self.whole.scale or (1.0,) * len(self.factors)
        return tuple(size / n for size, n in zip(sizes, self.factors, strict=True))

    @property
    def origin(self) -> tuple[float, ...]:
        """Where its first pixel lies, in pixels of the picture.

        A pixel of the picture lies in the middle of those that it stands for.
        """
        return tuple(
            (first + 0.5) / n - 0.5
            for first, n in zip(self.start, self.factors, strict=True)
        )

    def picture(self, values: NDArray[Any]) -> Picture:
        """Give its pixels (*spatial, C) as a picture that is read as the whole one.

        Raises
        ------
        ValueError
            They have another type, or another number of channels.
        """
        whole = self.whole
        expected = whole.values.dtype, whole.n_channels
        if (values.dtype, values.shape[-1]) != expected:
            raise ValueError(
                f"Expected a level of {expected[0]} with {expected[1]} channels, as "
                f"the one that was fitted, got {values.dtype} with {values.shape[-1]}."
            )
        part = replace(whole, values=values, scale=self.scale, companions={})
        if whole.rgb:
            # What is white is no matter of the few pixels that are looked at.
            vars(part).update(limits=whole.limits, overexposed=whole.overexposed)
        return part
