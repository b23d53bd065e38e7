"""Expression: a formula of the channels, typed in one line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .base import Feature, setting
from .blocks import by_rows
from .formula import parse

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .picture import Picture


@dataclass(frozen=True, repr=False)
class Expression(Feature):
    """A formula of the channels, such as a ratio.

    It may hold numbers, pi and e; channels as c0, c1 and so on, by their names, and
    as R, G and B if they are colors; + - * / % **, comparisons, which give 1 or 0; and
    abs, arctan2, clip, cos, exp, floor, hypot, log, log1p, log2, log10, maximum,
    minimum, round, sign, sin, sqrt, square, tan and where, as numpy's; a channel that
    has one of these names is known by its number. It is read by a parser of its own,
    and runs nothing else.

    Pixels where the result is not finite, such as log(0), get label 0.

    Attributes
    ----------
    text : str
        The formula, of at most 300 characters.

    Raises
    ------
    ValueError
        The text is no such formula; the sentence says where.

    Examples
    --------
    >>> from napari_pixel_mixtures import Color, Expression
    >>> [Color(), Expression("(R - G) / (R + G + 1)")]
    [Color(), Expression(text='(R - G) / (R + G + 1)')]
    >>> Expression("R.real")
    Traceback (most recent call last):
    ValueError: Expected numbers, channels, functions and operators, got '.' at \
character 2 of 'R.real'; write such as (R - G) / (R + G + 1).
    """

    kind = "expression"
    title = "Formula"
    tip = "A formula of the channels, such as (R - G) / (R + G + 1) or log1p(c0)."
    pixelwise = True

    text: str = setting(
        "c0",
        "Formula",
        "Of the channels R, G, B, or c0, c1 and so on, or their names; with "
        "+ - * / **, sqrt, log1p, abs, minimum, where and others.",
    )

    def __post_init__(self) -> None:
        """Read the formula."""
        super().__post_init__()
        parse(self.text)

    def names(self, picture: Picture) -> tuple[str, ...]:
        """Name the column by its formula."""
        parse(self.text).check_names(channel_indices(picture))
        return (self.text.strip(),)

    def compute(
        self, picture: Picture, pixels: NDArray[np.intp] | None
    ) -> NDArray[Any]:
        """Work out the formula, (n, 1), in float64."""
        formula = parse(self.text)
        indices = channel_indices(picture)
        formula.check_names(indices)
        used = {name: indices[name] for name in formula.names}

        def function(rows: NDArray[Any]) -> NDArray[Any]:
            channels = {
                name: rows[:, index].astype(np.float64) for name, index in used.items()
            }
            return formula(channels)[:, np.newaxis]

        rows = picture.pixels if pixels is None else picture.pixels[pixels]
        return by_rows(function, rows, 1, picture.float_type)


def channel_indices(picture: Picture) -> dict[str, int]:
    """Tell which channel each name means."""
    numbered = {f"c{i}": i for i in range(picture.n_channels)}
    return numbered | {name: i for i, name in enumerate(picture.channel_names)}
